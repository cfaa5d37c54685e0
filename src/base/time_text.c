/* Times and durations as text. The reader takes what people and files write (RFC 3339 and its
 * everyday short forms), nothing that could mean two things, and never rounds: what it cannot hold
 * it refuses. */
#include "base/buf.h"
#include "base/time.h"
#include <inttypes.h>
#include <string.h>

/* What has been read so far; `unit_us` is the span the text names: a day, a minute, a second or 1
 * us. */
typedef struct Reader {
    const char *p;
    Civil civil;
    int64_t unit_us, offset_us;
    const char *problem; /* NULL, or why it was refused */
} Reader;

static bool fail(Reader *reader, const char *problem)
{
    if (reader->problem == NULL) reader->problem = problem;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take(Reader *reader, char c)
{
    if (*reader->p != c) return false;
    reader->p++;
    return true;
}

static bool read_number(Reader *reader, int digits, int *out)
{
    int number = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(reader->p[i])) return fail(reader, NULL);
        number = number * 10 + (reader->p[i] - '0');
    }
    if (is_digit(reader->p[digits])) return fail(reader, NULL);
    reader->p += digits;
    *out = number;
    return true;
}

static bool read_date(Reader *reader)
{
    Civil *civil = &reader->civil;
    if (!read_number(reader, 4, &civil->year) || !take(reader, '-')) return false;
    if (!read_number(reader, 2, &civil->month) || !take(reader, '-')) return false;
    if (!read_number(reader, 2, &civil->day)) return false;
    if (civil->year < 1) return fail(reader, "years are 0001 to 9999");
    if (civil->month < 1 || civil->month > 12) return fail(reader, "there is no such month");
    if (civil->day < 1 || civil->day > days_in_month(civil->year, civil->month)) {
        return fail(reader, "the month has no such day");
    }
    reader->unit_us = US_PER_DAY;
    return true;
}

static bool read_fraction(Reader *reader)
{
    int64_t place_us = US_PER_SECOND / 10;
    if (!is_digit(*reader->p)) return false;
    for (; is_digit(*reader->p); reader->p++, place_us /= 10) {
        int digit = *reader->p - '0';
        if (digit != 0 && place_us == 0) return fail(reader, "digits beyond microseconds");
        reader->civil.microsecond += (int)(digit * place_us);
    }
    reader->unit_us = 1;
    return true;
}

static bool read_clock(Reader *reader)
{
    Civil *civil = &reader->civil;
    if (!read_number(reader, 2, &civil->hour) || !take(reader, ':')) return false;
    if (!read_number(reader, 2, &civil->minute)) return false;
    reader->unit_us = US_PER_MINUTE;
    if (take(reader, ':')) {
        if (!read_number(reader, 2, &civil->second)) return false;
        reader->unit_us = US_PER_SECOND;
        if (take(reader, '.') && !read_fraction(reader)) return false;
    }
    if (civil->hour > 23 || civil->minute > 59) return fail(reader, "the clock ends at 23:59");
    if (civil->second == 60) return fail(reader, "leap seconds are not represented");
    return civil->second < 60 || fail(reader, "a minute has 60 seconds");
}

static bool read_offset(Reader *reader)
{
    if (take(reader, 'Z') || take(reader, 'z')) return true;
    bool west = *reader->p == '-';
    int hours, minutes;
    reader->p++;
    if (!read_number(reader, 2, &hours) || !take(reader, ':') || !read_number(reader, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59) return fail(reader, "the offset from UTC ends at 23:59");
    reader->offset_us = (hours * US_PER_HOUR + minutes * US_PER_MINUTE) * (west ? -1 : 1);
    return true;
}

static bool read_calendar(Reader *reader)
{
    if (!read_date(reader)) return false;
    if (*reader->p == '\0') return true;
    if (!take(reader, 'T') && !take(reader, 't') && !take(reader, ' ')) return false;
    if (!read_clock(reader)) return false;
    take(reader, ' ');
    if (*reader->p != '\0' && strchr("Zz+-", *reader->p) != NULL && !read_offset(reader))
        return false;
    return *reader->p == '\0';
}

/* "1720000000s", "-5ms", "0us": all digits, then a unit. */
static bool read_epoch(Reader *reader, TimeUs *out)
{
    bool negative = take(reader, '-');
    if (!is_digit(*reader->p)) return false;
    int64_t number = 0;
    for (; is_digit(*reader->p); reader->p++) {
        if (number > INT64_MAX / 100) return fail(reader, "years are 0001 to 9999");
        number = number * 10 + (*reader->p - '0');
    }
    if (strcmp(reader->p, "s") == 0) {
        reader->unit_us = US_PER_SECOND;
    } else if (strcmp(reader->p, "ms") == 0) {
        reader->unit_us = 1000;
    } else if (strcmp(reader->p, "us") == 0) {
        reader->unit_us = 1;
    } else {
        return false;
    }
    if (__builtin_mul_overflow(negative ? -number : number, reader->unit_us, out)) {
        return fail(reader, "years are 0001 to 9999");
    }
    return true;
}

static const TimeUs YEAR_1_US = INT64_C(-62135596800) * 1000000;
static const TimeUs YEAR_10000_US = INT64_C(253402300800) * 1000000;

static Err *refuse(const char *text, const char *problem)
{
    Err *err = problem == NULL ? ERR(INVALID, "%s: not a time", text)
                               : ERR(INVALID, "%s: %s", text, problem);
    return err_hint(err, "write 2024-07-01, 2024-07-01 12:30[:00[.5]], 2024-07-01T12:30:00Z, "
                         "2024-07-01T12:30:00+02:00, 1720000000s or 1720000000000ms");
}

static Err *read_time(const char *text, TimeUs *out_begin, int64_t *out_unit_us)
{
    Reader reader = {.p = text};
    TimeUs time = 0;
    bool is_calendar = strlen(text) > 4 && text[4] == '-';
    bool ok = is_calendar ? read_calendar(&reader) : read_epoch(&reader, &time);
    if (!ok) return refuse(text, reader.problem);
    if (is_calendar) time = civil_to_time(reader.civil) - reader.offset_us;
    if (time < YEAR_1_US || time >= YEAR_10000_US) return refuse(text, "years are 0001 to 9999");
    *out_begin = time;
    *out_unit_us = reader.unit_us;
    return NULL;
}

Err *time_parse(const char *text, TimeUs *out)
{
    int64_t unit_us;
    return read_time(text, out, &unit_us);
}

Err *time_parse_span(const char *text, TimeUs *out_begin, TimeUs *out_end)
{
    int64_t unit_us = 0;
    TimeUs begin = 0;
    TRY(read_time(text, &begin, &unit_us));
    *out_begin = begin;
    *out_end = begin + unit_us - 1;
    return NULL;
}

static void add_date(Buf *buf, const Civil *civil)
{
    bool plain = civil->year >= 0 && civil->year <= 9999;
    buf_printf(buf, plain ? "%04d-%02d-%02d" : "%+06d-%02d-%02d", civil->year, civil->month,
               civil->day);
}

static void add_clock(Buf *buf, const Civil *civil)
{
    buf_printf(buf, "%02d:%02d:%02d", civil->hour, civil->minute, civil->second);
    if (civil->microsecond == 0) return;
    buf_printf(buf, ".%06d", civil->microsecond);
    while (buf->data[buf->size - 1] == '0') buf_truncate(buf, buf->size - 1);
}

static char *format_with(Arena *arena, TimeUs time, char between, const char *zone)
{
    Civil civil = civil_of(time);
    Buf buf = buf_new(arena);
    add_date(&buf, &civil);
    buf_putc(&buf, between);
    add_clock(&buf, &civil);
    buf_puts(&buf, zone);
    return buf.data;
}

char *time_format(Arena *arena, TimeUs time)
{
    return format_with(arena, time, 'T', "Z");
}

char *time_format_human(Arena *arena, TimeUs time)
{
    return format_with(arena, time, ' ', "");
}

static const struct {
    const char *name;
    int64_t us;
} UNITS[] = {
    {"w", 7 * US_PER_DAY}, {"d", US_PER_DAY}, {"h", US_PER_HOUR}, {"m", US_PER_MINUTE},
    {"s", US_PER_SECOND},  {"ms", 1000},      {"us", 1},
};
enum { UNIT_COUNT = sizeof UNITS / sizeof *UNITS };

static Err *bad_duration(const char *text, const char *why)
{
    return err_hint(
        ERR(INVALID, "%s: not a duration: %s", text, why),
        "write whole numbers with w, d, h, m, s or ms, largest unit first, as in 15m or 1h30m");
}

/* The unit at *p, which moves behind it. Units come in falling order, each once. */
static int read_unit(const char **p, int after)
{
    size_t length = strspn(*p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    for (int i = after + 1; i < UNIT_COUNT; i++) {
        if (strlen(UNITS[i].name) != length || memcmp(UNITS[i].name, *p, length) != 0) continue;
        *p += length;
        return i;
    }
    return -1;
}

Err *duration_parse(const char *text, int64_t *out_us)
{
    int64_t total = 0;
    const char *p = text;
    int unit = -1;
    do {
        int64_t number = 0;
        if (!is_digit(*p)) return bad_duration(text, "a whole number is missing");
        for (; is_digit(*p); p++) {
            if (number > INT64_MAX / 100) return bad_duration(text, "too long");
            number = number * 10 + (*p - '0');
        }
        unit = read_unit(&p, unit);
        if (unit < 0) return bad_duration(text, "a unit is missing, unknown or out of order");
        if (__builtin_mul_overflow(number, UNITS[unit].us, &number) ||
            __builtin_add_overflow(total, number, &total)) {
            return bad_duration(text, "too long");
        }
    } while (*p != '\0');
    if (total == 0) return bad_duration(text, "it is zero");
    *out_us = total;
    return NULL;
}

/* Two neighbouring units, the smaller one padded: "3 min 05 s". */
static char *format_two(Arena *arena, int64_t us, int64_t large_us, const char *large,
                        int64_t small_us, const char *small)
{
    return arena_printf(arena, "%" PRId64 " %s %02" PRId64 " %s", us / large_us, large,
                        us % large_us / small_us, small);
}

char *duration_format(Arena *arena, int64_t duration_us)
{
    if (duration_us == INT64_MIN) duration_us++;
    if (duration_us < 0) return arena_printf(arena, "-%s", duration_format(arena, -duration_us));
    if (duration_us < 1000) return arena_printf(arena, "%" PRId64 " us", duration_us);
    if (duration_us < US_PER_SECOND) {
        return arena_printf(arena, "%" PRId64 ".%" PRId64 " ms", duration_us / 1000,
                            duration_us % 1000 / 100);
    }
    if (duration_us < US_PER_MINUTE) {
        return arena_printf(arena, "%" PRId64 ".%" PRId64 " s", duration_us / US_PER_SECOND,
                            duration_us % US_PER_SECOND / (US_PER_SECOND / 10));
    }
    if (duration_us < US_PER_HOUR) {
        return format_two(arena, duration_us, US_PER_MINUTE, "min", US_PER_SECOND, "s");
    }
    if (duration_us < US_PER_DAY)
        return format_two(arena, duration_us, US_PER_HOUR, "h", US_PER_MINUTE, "min");
    return format_two(arena, duration_us, US_PER_DAY, "d", US_PER_HOUR, "h");
}
