/* Time: microseconds since 1970-01-01 UTC (TimeUs), the proleptic Gregorian calendar, durations,
 * and zones from the system's tz database (TZif, RFC 8536). Years 0001 to 9999 print as RFC 3339.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

typedef int64_t TimeUs;

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR (3600 * US_PER_SECOND)
#define US_PER_DAY (24 * US_PER_HOUR)

#define TIME_MIN INT64_MIN /* "no bound" below, above */
#define TIME_MAX INT64_MAX

typedef struct TimeSpan {
    TimeUs min, max; /* both inclusive */
} TimeSpan;

/* What an INT64 time column counts. NONE: the column has a time type of its own. */
typedef enum TimeUnit {
    TIME_UNIT_NONE,
    TIME_UNIT_S,
    TIME_UNIT_MS,
    TIME_UNIT_US,
    TIME_UNIT_NS
} TimeUnit;

typedef struct Civil {
    int year, month, day; /* 1-based month and day */
    int hour, minute, second;
    int microsecond;
} Civil;

Civil civil_of(TimeUs time);
TimeUs civil_to_time(
    Civil civil); /* normalises overflowing fields: month 13 is January of the next year */
int days_in_month(int year, int month);

/* RFC 3339, "YYYY-MM-DD[ HH:MM[:SS[.ffffff]]]" (UTC unless a zone stands there), epoch with suffix:
 * "1720000000s", "1720000000000ms". INVALID with what is accepted. Digits beyond µs are refused
 * unless zero, and so are leap seconds and years outside 0001 to 9999. */
Err *time_parse(const char *text, TimeUs *out) WARN_UNUSED;
/* As above; a date or a time without seconds means the whole day, minute ...: *out_end is its last
 * µs. */
Err *time_parse_span(const char *text, TimeUs *out_begin, TimeUs *out_end) WARN_UNUSED;
char *time_format(
    Arena *arena,
    TimeUs time); /* 2024-07-01T00:00:00Z, fraction only when not zero; +12345-... beyond 9999 */
char *time_format_human(Arena *arena, TimeUs time); /* 2024-07-01 00:00:00 */

/* "30s", "15m", "1h", "1d", "1w", "1h30m", "500ms"; whole, positive, larger units first, each once.
 * m = minute. */
Err *duration_parse(const char *text, int64_t *out_us) WARN_UNUSED;
char *duration_format(Arena *arena, int64_t duration_us); /* "1.2 s", "3 min 05 s": for people */

/* A zone's rules. "UTC" needs no file. */
typedef struct Zone Zone;
/* `bytes` is the content of the TZif file (version 1 to 4) that the tz database has under this
 * name; os finds it. INVALID when it is damaged. Instants beyond the table follow the rule in its
 * footer. */
Err *zone_parse(Arena *arena, const char *name, const void *bytes, size_t size_bytes,
                const Zone **out) WARN_UNUSED;
const Zone *zone_utc(void);
const char *zone_name(const Zone *zone);
/* Local wall clock minus UTC, in µs, at that instant. */
int64_t zone_offset_us(const Zone *zone, TimeUs time);
/* The instant of a local wall-clock time (given as if it were UTC). In a gap: the instant of the
 * transition; in a fold: the first. */
TimeUs zone_from_local(const Zone *zone, TimeUs local);
