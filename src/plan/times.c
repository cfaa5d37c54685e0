/* Time columns: how stored values become µs, and how a span of µs is written as a comparison of the
 * stored values.
 *
 * A relation's time is in µs everywhere in this module, but the filter that reaches Parquet
 * compares the column as it is stored (INT64 units, TIMESTAMP, TIMESTAMP_NS, DATE ...): only then
 * the engine skips row groups by their statistics. Finer units are floored: a value of ns lies in a
 * span when its µs do. The engine's own conversions of ns truncate towards zero, so they are not
 * used. */
#include "plan/plan_int.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool time_type_ok(const char *type, TimeUnit unit)
{
    switch (type_class(type)) {
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_DATE: return true;
    case TYPE_INT: return unit != TIME_UNIT_NONE;
    case TYPE_BOOL:
    case TYPE_FLOAT:
    case TYPE_DECIMAL:
    case TYPE_TEXT:
    case TYPE_OTHER: return false;
    }
    return false;
}

static TimeScale unit_scale(TimeUnit unit)
{
    switch (unit) {
    case TIME_UNIT_S: return (TimeScale){US_PER_SECOND, 1};
    case TIME_UNIT_MS: return (TimeScale){1000, 1};
    case TIME_UNIT_NS: return (TimeScale){1, 1000};
    case TIME_UNIT_US:
    case TIME_UNIT_NONE: return (TimeScale){1, 1};
    }
    return (TimeScale){1, 1};
}

TimeScale time_scale_of(const char *type, TimeUnit unit)
{
    if (type_class(type) == TYPE_INT) return unit_scale(unit);
    if (type_class(type) == TYPE_DATE) return (TimeScale){US_PER_DAY, 1};
    if (strcmp(type, "TIMESTAMP_S") == 0) return unit_scale(TIME_UNIT_S);
    if (strcmp(type, "TIMESTAMP_MS") == 0) return unit_scale(TIME_UNIT_MS);
    if (strcmp(type, "TIMESTAMP_NS") == 0) return unit_scale(TIME_UNIT_NS);
    return unit_scale(TIME_UNIT_US);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return quotient - (a % b < 0);
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return quotient + (a % b > 0);
}

bool time_to_us(TimeScale scale, int64_t value, TimeUs *out)
{
    if (scale.divide != 1) {
        *out = floor_div(value, scale.divide);
        return true;
    }
    return !__builtin_mul_overflow(value, scale.multiply, out);
}

bool span_is_all(TimeSpan span)
{
    return span.min == TIME_MIN && span.max == TIME_MAX;
}

bool span_is_empty(TimeSpan span)
{
    return span.min > span.max;
}

TimeSpan span_meet(TimeSpan a, TimeSpan b)
{
    return (TimeSpan){a.min > b.min ? a.min : b.min, a.max < b.max ? a.max : b.max};
}

/* The span in stored values. TIME_MIN and TIME_MAX stay "no bound". */
static TimeSpan native_span(TimeScale scale, TimeSpan span)
{
    TimeSpan out = SPAN_ALL;
    if (scale.divide != 1) {
        if (span.min != TIME_MIN && __builtin_mul_overflow(span.min, scale.divide, &out.min))
            out.min = span.min < 0 ? TIME_MIN : TIME_MAX;
        if (span.max != TIME_MAX && (__builtin_mul_overflow(span.max, scale.divide, &out.max) ||
                                     __builtin_add_overflow(out.max, scale.divide - 1, &out.max)))
            out.max = span.max < 0 ? TIME_MIN : TIME_MAX;
        return out;
    }
    if (span.min != TIME_MIN) out.min = ceil_div(span.min, scale.multiply);
    if (span.max != TIME_MAX) out.max = floor_div(span.max, scale.multiply);
    return out;
}

static bool is_unsigned(const char *type)
{
    return type[0] == 'U';
}

/* One bound as a constant of the column's type. */
static char *bound_sql(Arena *arena, const char *type, int64_t value)
{
    if (type_class(type) == TYPE_INT) return arena_printf(arena, "%" PRId64, value);
    const char *make = "make_timestamp";
    if (type_class(type) == TYPE_TIMESTAMPTZ)
        make = "make_timestamptz";
    else if (type_class(type) == TYPE_DATE)
        make = "make_date";
    else if (strcmp(type, "TIMESTAMP_NS") == 0)
        make = "make_timestamp_ns";
    return arena_printf(arena, "%s(%" PRId64 ")", make, value);
}

/* What bounds of the type count: TIMESTAMP_S and _MS are compared as µs. */
static TimeScale bound_scale(const char *type, TimeUnit unit)
{
    bool is_coarse = strcmp(type, "TIMESTAMP_S") == 0 || strcmp(type, "TIMESTAMP_MS") == 0;
    return is_coarse ? (TimeScale){1, 1} : time_scale_of(type, unit);
}

char *time_filter_sql(Arena *arena, const char *expr, const char *type, TimeUnit unit,
                      TimeSpan span)
{
    if (span_is_empty(span)) return arena_strdup(arena, "false");
    TimeSpan native = native_span(bound_scale(type, unit), span);
    if (type_class(type) == TYPE_INT && is_unsigned(type)) {
        if (native.max < 0) return arena_strdup(arena, "false");
        if (native.min <= 0) native.min = TIME_MIN;
    }
    if (span_is_empty(native)) return arena_strdup(arena, "false");
    if (span_is_all(native)) return arena_strdup(arena, "true");
    const char *low = bound_sql(arena, type, native.min),
               *high = bound_sql(arena, type, native.max);
    if (native.min == TIME_MIN) return arena_printf(arena, "%s <= %s", expr, high);
    if (native.max == TIME_MAX) return arena_printf(arena, "%s >= %s", expr, low);
    return arena_printf(arena, "%s >= %s AND %s <= %s", expr, low, expr, high);
}

/* floor(x / 1000) of a BIGINT: the engine's // truncates. */
static char *floor_thousandth(Arena *arena, const char *expr)
{
    return arena_printf(arena, "((%s) // 1000 - CASE WHEN (%s) %% 1000 < 0 THEN 1 ELSE 0 END)",
                        expr, expr);
}

static char *time_us_sql(Arena *arena, const char *expr, const char *type, TimeUnit unit)
{
    if (strcmp(type, "TIMESTAMP_NS") == 0)
        return floor_thousandth(arena, arena_printf(arena, "epoch_ns(%s)", expr));
    if (type_class(type) != TYPE_INT)
        return arena_printf(arena, "epoch_us(CAST(%s AS TIMESTAMP))", expr);
    TimeScale scale = unit_scale(unit);
    char *wide = arena_printf(arena, "CAST(%s AS BIGINT)", expr);
    if (scale.divide != 1) return floor_thousandth(arena, wide);
    return arena_printf(arena, "%s * %" PRId64, wide, scale.multiply);
}

char *time_cast_sql(Arena *arena, const char *expr, const char *type, TimeUnit unit)
{
    if (strcmp(type, TYPE_TZ) == 0) return arena_strdup(arena, expr);
    return arena_printf(arena, "make_timestamptz(%s)", time_us_sql(arena, expr, type, unit));
}

/* ---- reading times ---- */

/* A branch of a CASE: numbers of 1971 to 2199 in that unit. */
static char *epoch_branch(Arena *arena, const char *expr, bool is_whole, TimeUnit unit)
{
    static const int64_t PER_SECOND[] = {[TIME_UNIT_S] = 1,
                                         [TIME_UNIT_MS] = 1000,
                                         [TIME_UNIT_US] = 1000000,
                                         [TIME_UNIT_NS] = 1000000000};
    const int64_t low = INT64_C(31536000), high = INT64_C(7258118400), per = PER_SECOND[unit];
    const char *us = is_whole ? time_us_sql(arena, expr, "BIGINT", unit)
                              : arena_printf(arena,
                                             "CAST(floor(CAST(%s AS DOUBLE) * 1e6 / %" PRId64
                                             " + 0.5) AS BIGINT)",
                                             expr, per);
    return arena_printf(arena,
                        "WHEN %s >= %" PRId64 " AND %s < %" PRId64 " THEN make_timestamptz(%s) ",
                        expr, low * per, expr, high * per, us);
}

static char *not_a_time(Arena *arena, const char *expr, const char *column, const char *why)
{
    return arena_printf(arena, "error(%s || CAST(%s AS VARCHAR) || %s)",
                        sql_literal(arena, arena_printf(arena, "column \"%s\": '", column)), expr,
                        sql_literal(arena, why));
}

static char *epoch_sql(Arena *arena, const char *expr, const char *column, bool is_whole)
{
    Buf sql = buf_new(arena);
    buf_printf(&sql, "CASE WHEN %s IS NULL THEN NULL ", expr);
    for (int unit = TIME_UNIT_S; unit <= TIME_UNIT_NS; unit++)
        buf_puts(&sql, epoch_branch(arena, expr, is_whole, (TimeUnit)unit));
    buf_printf(&sql, "ELSE %s END",
               not_a_time(arena, expr, column,
                          "' may count s, ms, us or ns: cast it by epoch_s, epoch_ms, epoch_us or "
                          "epoch_ns"));
    return sql.data;
}

static char *text_time_sql(Arena *arena, const char *expr, const char *column)
{
    return arena_printf(arena,
                        "CASE WHEN %s IS NULL THEN NULL WHEN TRY_CAST(%s AS " TYPE_TZ
                        ") IS NULL THEN %s ELSE TRY_CAST(%s AS " TYPE_TZ ") END",
                        expr, expr, not_a_time(arena, expr, column, "' is not a time"), expr);
}

char *time_read_sql(Arena *arena, const char *expr, const char *column, const char *type,
                    TimeUnit unit)
{
    const TypeClass class = type_class(type);
    if (class == TYPE_TEXT) return text_time_sql(arena, expr, column);
    if (class == TYPE_TIMESTAMP || class == TYPE_TIMESTAMPTZ || class == TYPE_DATE)
        return time_cast_sql(arena, expr, type, TIME_UNIT_NONE);
    if (class != TYPE_INT && class != TYPE_FLOAT && class != TYPE_DECIMAL)
        return arena_printf(arena, "CAST(%s AS " TYPE_TZ ")", expr);
    if (unit == TIME_UNIT_NONE) return epoch_sql(arena, expr, column, class == TYPE_INT);
    if (class == TYPE_INT)
        return arena_printf(arena, "make_timestamptz(%s)", time_us_sql(arena, expr, type, unit));
    TimeScale scale = unit_scale(unit);
    return arena_printf(arena,
                        "make_timestamptz(CAST(floor(CAST(%s AS DOUBLE) * %" PRId64 " / %" PRId64
                        " + 0.5) AS BIGINT))",
                        expr, scale.multiply, scale.divide);
}

/* ---- what RETURN_STATS prints ---- */

static bool read_number(const char **at, int digits_min, int digits_max, int64_t *out)
{
    int64_t value = 0;
    int digits = 0;
    while (digits < digits_max && isdigit((unsigned char)(*at)[digits])) {
        value = value * 10 + ((*at)[digits] - '0');
        digits++;
    }
    *at += digits;
    *out = value;
    return digits >= digits_min;
}

static bool read_char(const char **at, char wanted)
{
    if (**at != wanted) return false;
    (*at)++;
    return true;
}

/* Fraction of a second in µs, floored. */
static int64_t read_fraction(const char **at)
{
    int64_t us = 0, weight = 100000;
    if (!read_char(at, '.')) return 0;
    for (; isdigit((unsigned char)**at); (*at)++) {
        us += (**at - '0') * weight;
        weight /= 10;
    }
    return us;
}

/* YYYY-MM-DD[ (BC)][ HH:MM:SS[.f]][+00] */
static bool read_time(const char *at, TimeUs *out)
{
    int64_t year, month, day, hour = 0, minute = 0, second = 0, us = 0;
    if (!read_number(&at, 1, 6, &year) || !read_char(&at, '-') || !read_number(&at, 2, 2, &month) ||
        !read_char(&at, '-') || !read_number(&at, 2, 2, &day))
        return false;
    if (strncmp(at, " (BC)", 5) == 0) {
        year = 1 - year;
        at += 5;
    }
    if (read_char(&at, ' ')) {
        if (!read_number(&at, 2, 2, &hour) || !read_char(&at, ':') ||
            !read_number(&at, 2, 2, &minute) || !read_char(&at, ':') ||
            !read_number(&at, 2, 2, &second))
            return false;
        us = read_fraction(&at);
    }
    if (*at != '\0' && strcmp(at, "+00") != 0) return false;
    *out = civil_to_time(
        (Civil){(int)year, (int)month, (int)day, (int)hour, (int)minute, (int)second, (int)us});
    return true;
}

Err *time_of_stat(const char *text, const char *type, TimeUnit unit, TimeUs *out)
{
    bool is_good;
    if (type_class(type) == TYPE_INT) {
        char *end;
        int64_t value = strtoll(text, &end, 10);
        is_good = *end == '\0' && time_to_us(time_scale_of(type, unit), value, out);
    } else {
        is_good = read_time(text, out);
    }
    if (!is_good) return ERR(INVALID, "time %s lies outside what can be represented", text);
    return NULL;
}
