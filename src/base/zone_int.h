/* The rule at the end of a TZif file: what zone.c and zone_rule.c share. Seconds throughout;
 * offsets are east of Greenwich, as in TZif and unlike the POSIX text. */
#pragma once
#include "base/err.h"
#include "base/time.h"
#include <stddef.h>

/* A day of the year and the local time at which the clock changes on it. */
typedef struct RuleDay {
    enum {
        RULE_JULIAN,
        RULE_DAY,
        RULE_MONTH
    } kind; /* Jn (without 29 February), n (with), Mm.w.d */
    int day, week, month;
    int64_t time_s; /* after 00:00 local; -167 to 167 hours */
} RuleDay;

typedef struct Rule {
    int64_t standard_s, daylight_s;
    bool has_daylight;
    RuleDay to_daylight, to_standard;
} Rule;

/* A stretch of time with one offset: [begin, end). INT64_MIN and INT64_MAX when open. */
typedef struct Stretch {
    int64_t begin_s, end_s, offset_s;
} Stretch;

/* POSIX TZ text, with the extensions of RFC 8536. false when it is malformed. */
bool rule_parse(const char *text, size_t length, Rule *out);
/* The stretch around an instant. */
Stretch rule_stretch(const Rule *rule, int64_t time_s);
