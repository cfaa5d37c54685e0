/* Single values of texts: what a field or string is, and the number or time it stands for. Nothing
 * is guessed: a date is written year first, a number in decimal and without leading zeros ("007" is
 * a name, not 7). docs/formats.md has the rules for users. */
#include "provider/text_int.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline void trim(const char **text, size_t *size)
{
    while (*size > 0 && **text == ' ') {
        ++*text;
        --*size;
    }
    while (*size > 0 && (*text)[*size - 1] == ' ') --*size;
}

/* ---- numbers ---- */

/* Only these two: a lone "N" or "y" is more often a letter than a truth. */
bool value_bool(const char *text, size_t size, bool *out)
{
    trim(&text, &size);
    bool truth = size == 4 && strncasecmp(text, "true", 4) == 0;
    if (!truth && (size != 5 || strncasecmp(text, "false", 5) != 0)) return false;
    *out = truth;
    return true;
}

bool value_int(const char *text, size_t size, int64_t *out)
{
    trim(&text, &size);
    const char *p = text, *end = text + size;
    bool minus = p < end && *p == '-';
    p += minus;
    if (p == end || end - p > 19 || (*p == '0' && end - p > 1)) return false;
    uint64_t number = 0;
    for (; p < end; p++) {
        if (!is_digit(*p)) return false;
        number = number * 10 + (uint64_t)(*p - '0');
    }
    if (number > (uint64_t)INT64_MAX + minus) return false;
    *out = (int64_t)(minus ? 0 - number : number);
    return true;
}

/* What a decimal number is made of: digits x 10^exponent. */
typedef struct Decimal {
    uint64_t digits;
    int count; /* significant digits taken into `digits`, at most 19 */
    int64_t exponent;
    bool cut; /* further digits that are not zero */
} Decimal;

static const char *take_digits(const char *p, const char *end, Decimal *number, bool fraction)
{
    for (; p < end && is_digit(*p); p++) {
        if (number->count < 19) {
            number->digits = number->digits * 10 + (uint64_t)(*p - '0');
            number->count += number->digits > 0;
            number->exponent -= fraction;
        } else {
            number->cut = number->cut || *p != '0';
            number->exponent += !fraction;
        }
    }
    return p;
}

static const char *take_exponent(const char *p, const char *end, Decimal *number)
{
    int64_t exponent = 0;
    if (p == end || (*p != 'e' && *p != 'E')) return p;
    p++;
    bool minus = p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    if (p == end) return NULL;
    for (; p < end && is_digit(*p); p++)
        exponent = exponent < 99999 ? exponent * 10 + (*p - '0') : exponent;
    number->exponent += minus ? -exponent : exponent;
    return p;
}

/* The exact cases of Clinger: both factors are doubles without error, so is the rounding of their
 * product. */
static bool exact_product(const Decimal *number, double *out)
{
    static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (number->cut || number->digits > (UINT64_C(1) << 53)) return false;
    if (number->exponent < -22 || number->exponent > 22) return false;
    double digits = (double)number->digits;
    *out = number->exponent < 0 ? digits / POWERS[-number->exponent]
                                : digits * POWERS[number->exponent];
    return true;
}

static bool by_library(const char *text, size_t size, double *out)
{
    char local[64], *copy = size < sizeof local ? local : malloc(size + 1);
    if (copy == NULL) abort();
    memcpy(copy, text, size);
    copy[size] = '\0';
    *out = strtod(copy, NULL); /* the process keeps the C locale */
    if (copy != local) free(copy);
    return isfinite(*out);
}

static bool special_float(const char *text, size_t size, bool minus, double *out)
{
    bool infinite = (size == 3 && strncasecmp(text, "inf", 3) == 0) ||
                    (size == 8 && strncasecmp(text, "infinity", 8) == 0);
    if (!infinite && (size != 3 || strncasecmp(text, "nan", 3) != 0)) return false;
    double value = infinite ? HUGE_VAL : (double)NAN;
    *out = minus ? -value : value;
    return true;
}

/* What nearly all are: digits, perhaps a point and digits, and both factors exact. */
static bool plain_float(const char *text, size_t size, double *out)
{
    static const double POWERS[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *p = text, *end = text + size, *point = end;
    bool minus = p < end && *p == '-';
    uint64_t digits = 0;
    p += minus;
    if (size > 16 || p == end || !is_digit(*p) || (*p == '0' && p + 1 < end && p[1] != '.'))
        return false;
    for (; p < end; p++) {
        if (*p == '.' && point == end) {
            point = p;
            continue;
        }
        if (!is_digit(*p)) return false;
        digits = digits * 10 + (uint64_t)(*p - '0');
    }
    if (digits > UINT64_C(1) << 53) return false;
    double value = (double)digits / POWERS[point < end ? end - point - 1 : 0];
    *out = minus ? -value : value;
    return true;
}

bool value_float(const char *text, size_t size, double *out)
{
    if (plain_float(text, size, out)) return true;
    trim(&text, &size);
    const char *p = text, *end = text + size;
    bool minus = p < end && *p == '-';
    Decimal number = {0};
    p += minus;
    if (p == end) return false;
    if (!is_digit(*p) && *p != '.') return special_float(p, (size_t)(end - p), minus, out);
    if (*p == '0' && p + 1 < end && is_digit(p[1])) return false;
    const char *whole = p;
    p = take_digits(p, end, &number, false);
    bool any = p > whole;
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = take_digits(p, end, &number, true);
        any = any || p > fraction;
    }
    if (!any) return false;
    p = take_exponent(p, end, &number);
    if (p != end) return false;
    double value = 0;
    if (!exact_product(&number, &value)) return by_library(text, size, out);
    *out = minus ? -value : value;
    return true;
}

/* ---- times ---- */

/* `least` to `most` digits. */
static bool take_number(const char **p, const char *end, int least, int most, int *out)
{
    int count = 0, number = 0;
    for (; *p < end && count < most && is_digit(**p); ++*p, count++)
        number = number * 10 + (**p - '0');
    *out = number;
    return count >= least;
}

static bool take_char(const char **p, const char *end, char c)
{
    if (*p == end || **p != c) return false;
    ++*p;
    return true;
}

/* Days since 1970 of a civil date (years from 1). */
static int64_t days_of(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_date(int year, int month, int day)
{
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    return day <= 28 || day <= days_in_month(year, month);
}

static bool take_date(const char **p, const char *end, TimeUs *out)
{
    int year = 0, month = 0, day = 0;
    if (!take_number(p, end, 4, 4, &year) || *p == end) return false;
    char mark = **p;
    if (mark != '-' && mark != '/') return false;
    ++*p;
    if (!take_number(p, end, 1, 2, &month) || !take_char(p, end, mark)) return false;
    if (!take_number(p, end, 1, 2, &day) || !is_date(year, month, day)) return false;
    *out = days_of(year, month, day) * US_PER_DAY;
    return true;
}

/* Digits beyond µs are dropped. */
static bool take_fraction(const char **p, const char *end, int64_t *out_us)
{
    int64_t place = US_PER_SECOND / 10;
    const char *begin = *p;
    for (*out_us = 0; *p < end && is_digit(**p); ++*p, place /= 10) *out_us += (**p - '0') * place;
    return *p > begin;
}

static bool take_clock(const char **p, const char *end, int64_t *out_us)
{
    int hour = 0, minute = 0, second = 0;
    int64_t fraction = 0;
    if (!take_number(p, end, 1, 2, &hour) || !take_char(p, end, ':')) return false;
    if (!take_number(p, end, 1, 2, &minute)) return false;
    if (take_char(p, end, ':')) {
        if (!take_number(p, end, 1, 2, &second)) return false;
        if (take_char(p, end, '.') && !take_fraction(p, end, &fraction)) return false;
    }
    if (hour > 23 || minute > 59 || second > 59) return false;
    *out_us = hour * US_PER_HOUR + minute * US_PER_MINUTE + second * US_PER_SECOND + fraction;
    return true;
}

/* Z, UTC, +02, +0200, +02:00. */
static bool take_zone(const char **p, const char *end, int64_t *out_us)
{
    int hours = 0, minutes = 0;
    *out_us = 0;
    if (end - *p == 3 && memcmp(*p, "UTC", 3) == 0) {
        *p = end;
        return true;
    }
    if (take_char(p, end, 'Z') || take_char(p, end, 'z')) return true;
    bool west = take_char(p, end, '-');
    if (!west && !take_char(p, end, '+')) return false;
    if (!take_number(p, end, 2, 2, &hours)) return false;
    (void)take_char(p, end, ':');
    if (*p < end && !take_number(p, end, 2, 2, &minutes)) return false;
    if (hours > 23 || minutes > 59) return false;
    *out_us = (hours * US_PER_HOUR + minutes * US_PER_MINUTE) * (west ? -1 : 1);
    return true;
}

bool value_clock(const char *text, size_t size, int64_t *out_us)
{
    trim(&text, &size);
    const char *p = text;
    return take_clock(&p, text + size, out_us) && p == text + size;
}

bool value_stamp(const char *text, size_t size, TimeUs *out, Seen *out_kind)
{
    trim(&text, &size);
    const char *p = text, *end = text + size;
    TimeUs time = 0;
    int64_t clock = 0, zone = 0;
    if (size < 8 || !take_date(&p, end, &time)) return false;
    Seen kind = SEEN_DATE;
    if (p < end) {
        if (*p != ' ' && *p != 'T' && *p != 't') return false;
        p++;
        if (!take_clock(&p, end, &clock)) return false;
        kind = SEEN_STAMP;
        (void)take_char(&p, end, ' ');
    }
    if (p < end) {
        kind = SEEN_STAMPTZ;
        if (!take_zone(&p, end, &zone) || p < end) return false;
    }
    *out = time + clock - zone;
    *out_kind = kind;
    return true;
}

/* ---- kinds ---- */

Seen value_kind_of_string(const char *text, size_t size)
{
    TimeUs time;
    Seen kind;
    return value_stamp(text, size, &time, &kind) ? kind : SEEN_WORDS;
}

static Seen number_kind(const char *text, size_t size)
{
    int64_t integer;
    double number;
    if (value_int(text, size, &integer)) return SEEN_INT;
    return value_float(text, size, &number) ? SEEN_FLOAT : SEEN_WORDS;
}

Seen value_kind(const char *text, size_t size)
{
    bool truth;
    int64_t clock;
    trim(&text, &size);
    if (size == 0) return SEEN_WORDS;
    if (!is_digit(*text) && value_bool(text, size, &truth)) return SEEN_BOOL;
    Seen kind = number_kind(text, size);
    if (kind != SEEN_WORDS || !is_digit(*text)) return kind;
    if (value_clock(text, size, &clock)) return SEEN_CLOCK;
    return value_kind_of_string(text, size);
}

/* ---- into a column ---- */

static bool put_epoch_int(const Layout *layout, int64_t number, TimeUs *out)
{
    switch (layout->unit) {
    case TIME_UNIT_S: return !__builtin_mul_overflow(number, INT64_C(1000000), out);
    case TIME_UNIT_MS: return !__builtin_mul_overflow(number, INT64_C(1000), out);
    case TIME_UNIT_NS: *out = number / 1000 - (number % 1000 < 0); return true;
    case TIME_UNIT_US:
    case TIME_UNIT_NONE: *out = number; return true;
    }
    return false;
}

static bool put_epoch_float(const Layout *layout, double number, TimeUs *out)
{
    static const double FACTORS[] = {[TIME_UNIT_NONE] = 1,
                                     [TIME_UNIT_S] = 1e6,
                                     [TIME_UNIT_MS] = 1e3,
                                     [TIME_UNIT_US] = 1,
                                     [TIME_UNIT_NS] = 1e-3};
    double time = layout->unit == TIME_UNIT_NS ? number / 1e3 : number * FACTORS[layout->unit];
    if (!(fabs(time) < 9e18)) return false;
    *out = (TimeUs)llround(time);
    return true;
}

static bool put_epoch(const Layout *layout, const char *text, size_t size, TimeUs *out)
{
    int64_t integer;
    double number;
    if (value_int(text, size, &integer)) return put_epoch_int(layout, integer, out);
    return value_float(text, size, &number) && put_epoch_float(layout, number, out);
}

/* False: not a time, which is a fault and no misfit: the column was chosen to be the time. */
static bool put_time(TextReader *reader, Target target, const char *text, size_t size, TimeUs *out)
{
    const TimeUs first = INT64_C(-62135596800000000), last = INT64_C(253402300799999999);
    Seen kind;
    bool good;
    if (target == TARGET_TIME)
        good = value_stamp(text, size, out, &kind);
    else if (target == TARGET_FORM)
        good = value_by_form(reader->layout->form, text, size, out);
    else
        good = put_epoch(reader->layout, text, size, out);
    return good && *out >= first && *out <= last;
}

void value_not_a_time(TextReader *reader, size_t column, const char *text, size_t size)
{
    SCRATCH(scratch);
    const char *name = reader->layout->columns[column].name;
    size_t shown = size < 60 ? size : 60;
    text_fault(reader, reader->line, 0, "'%s' in time column '%s' is not a time",
               text_printable(scratch, arena_strndup(scratch, text, shown)), name);
    reader->fault.hint = size == strlen(name) && memcmp(name, text, size) == 0
                             ? "a second header line? a text has one"
                             : "times are written 2024-07-01 12:00:00; other forms need e.g. "
                               "?timeformat=%25d/%25m/%25Y %25H:%25M";
}

static bool put_stamp(Target target, const char *text, size_t size, void *data, size_t row)
{
    TimeUs time;
    Seen kind;
    if (!value_stamp(text, size, &time, &kind)) return false;
    if (kind == SEEN_STAMPTZ && target != TARGET_STAMPTZ) return false;
    if (target == TARGET_DATE) {
        if (kind != SEEN_DATE) return false;
        ((int32_t *)data)[row] = (int32_t)(time / US_PER_DAY - (time % US_PER_DAY < 0));
        return true;
    }
    ((int64_t *)data)[row] = time;
    return true;
}

static bool put(TextReader *reader, size_t column, const char *text, size_t size, FeedColumn *into,
                size_t row)
{
    Target target = reader->layout->columns[column].target;
    switch (target) {
    case TARGET_NOTHING: return false;
    case TARGET_BOOL: return value_bool(text, size, &((bool *)into->data)[row]);
    case TARGET_INT: return value_int(text, size, &((int64_t *)into->data)[row]);
    case TARGET_FLOAT: return value_float(text, size, &((double *)into->data)[row]);
    case TARGET_CLOCK: return value_clock(text, size, &((int64_t *)into->data)[row]);
    case TARGET_DATE:
    case TARGET_STAMP:
    case TARGET_STAMPTZ: return put_stamp(target, text, size, into->data, row);
    case TARGET_WORDS:
    case TARGET_JSON: engine_feed_str(into, row, text, size); return true;
    case TARGET_TIME:
    case TARGET_EPOCH:
    case TARGET_FORM:
        if (!put_time(reader, target, text, size, &((TimeUs *)into->data)[row]))
            value_not_a_time(reader, column, text, size);
        return reader->fault.what == NULL;
    }
    return false;
}

bool value_put(TextReader *reader, size_t column, const char *text, size_t size, FeedColumn *into,
               size_t row)
{
    reader->has_value[column] = true;
    if (put(reader, column, text, size, into, row)) return true;
    reader->misfit = reader->fault.what == NULL;
    return false;
}
