/* POSIX TZ rules: "CET-1CEST,M3.5.0,M10.5.0/3". A rule gives two changes in each year, found from
 * local time. A change may lie a week outside its year, so those of five years are made, sorted and
 * looked through for the stretch around an instant. Where daylight time lasts the whole year (end
 * and next begin at one instant), the change of the later year wins. */
#include "base/zone_int.h"
#include <string.h>

typedef struct RuleReader {
    const char *p, *end;
} RuleReader;

static char peek(const RuleReader *reader)
{
    return reader->p < reader->end ? *reader->p : '\0';
}

static bool take(RuleReader *reader, char c)
{
    if (peek(reader) != c) return false;
    reader->p++;
    return true;
}

static bool read_int(RuleReader *reader, int max, int *out)
{
    int number = 0, digits = 0;
    for (; peek(reader) >= '0' && peek(reader) <= '9'; reader->p++, digits++) {
        number = number * 10 + (*reader->p - '0');
        if (number > max) return false;
    }
    *out = number;
    return digits > 0;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* An abbreviation is passed over: letters, or anything between < and >. */
static bool skip_name(RuleReader *reader)
{
    const char *begin = reader->p;
    if (take(reader, '<')) {
        while (reader->p < reader->end && *reader->p != '>') reader->p++;
        return take(reader, '>');
    }
    while (is_letter(peek(reader))) reader->p++;
    return reader->p - begin >= 3;
}

/* [+-]h[h[h]][:mm[:ss]] in seconds. */
static bool read_clock(RuleReader *reader, int hours_max, int64_t *out)
{
    bool negative = take(reader, '-');
    int hours = 0, minutes = 0, seconds = 0;
    if (!negative) take(reader, '+');
    if (!read_int(reader, hours_max, &hours)) return false;
    if (take(reader, ':')) {
        if (!read_int(reader, 59, &minutes)) return false;
        if (take(reader, ':') && !read_int(reader, 59, &seconds)) return false;
    }
    int64_t time_s = hours * INT64_C(3600) + minutes * 60 + seconds;
    *out = negative ? -time_s : time_s;
    return true;
}

static bool read_month_day(RuleReader *reader, RuleDay *out)
{
    out->kind = RULE_MONTH;
    if (!read_int(reader, 12, &out->month) || !take(reader, '.')) return false;
    if (!read_int(reader, 5, &out->week) || !take(reader, '.')) return false;
    return read_int(reader, 6, &out->day) && out->month >= 1 && out->week >= 1;
}

static bool read_day(RuleReader *reader, RuleDay *out)
{
    bool ok;
    if (take(reader, 'M')) {
        ok = read_month_day(reader, out);
    } else if (take(reader, 'J')) {
        out->kind = RULE_JULIAN;
        ok = read_int(reader, 365, &out->day) && out->day >= 1;
    } else {
        out->kind = RULE_DAY;
        ok = read_int(reader, 365, &out->day);
    }
    out->time_s = 2 * 3600;
    return ok && (!take(reader, '/') || read_clock(reader, 167, &out->time_s));
}

bool rule_parse(const char *text, size_t length, Rule *out)
{
    RuleReader reader = {.p = text, .end = text + length};
    Rule rule = {0};
    if (!skip_name(&reader) || !read_clock(&reader, 24, &rule.standard_s)) return false;
    rule.standard_s = -rule.standard_s;
    if (reader.p < reader.end) {
        rule.has_daylight = true;
        rule.daylight_s = rule.standard_s + 3600;
        if (!skip_name(&reader)) return false;
        if (peek(&reader) != ',') {
            if (!read_clock(&reader, 24, &rule.daylight_s)) return false;
            rule.daylight_s = -rule.daylight_s;
        }
        if (!take(&reader, ',') || !read_day(&reader, &rule.to_daylight)) return false;
        if (!take(&reader, ',') || !read_day(&reader, &rule.to_standard)) return false;
    }
    if (reader.p != reader.end) return false;
    *out = rule;
    return true;
}

static int64_t day_start_s(int year, int month, int day)
{
    return civil_to_time((Civil){.year = year, .month = month, .day = day}) / US_PER_SECOND;
}

/* 0 = Sunday; 1970-01-01 was a Thursday. */
static int weekday_of(int64_t start_s)
{
    int64_t days = start_s / 86400 - (start_s % 86400 < 0 ? 1 : 0);
    return (int)(((days + 4) % 7 + 7) % 7);
}

/* The local time of a change, as seconds since 1970 on the local clock. */
static int64_t local_change_s(const RuleDay *rule, int year)
{
    if (rule->kind == RULE_DAY) return day_start_s(year, 1, 1 + rule->day) + rule->time_s;
    if (rule->kind == RULE_JULIAN) {
        int leap = rule->day >= 60 && days_in_month(year, 2) == 29 ? 1 : 0;
        return day_start_s(year, 1, rule->day + leap) + rule->time_s;
    }
    int first_weekday = weekday_of(day_start_s(year, rule->month, 1));
    int day = 1 + (rule->day - first_weekday + 7) % 7 + 7 * (rule->week - 1);
    if (day > days_in_month(year, rule->month)) day -= 7;
    return day_start_s(year, rule->month, day) + rule->time_s;
}

typedef struct Change {
    int64_t at_s, offset_s; /* the offset from then on */
} Change;

static void insert_sorted(Change *changes, int *count, Change change)
{
    int i = (*count)++;
    for (; i > 0 && changes[i - 1].at_s > change.at_s; i--) changes[i] = changes[i - 1];
    changes[i] = change;
}

static int year_of(int64_t time_s)
{
    TimeUs time;
    if (__builtin_mul_overflow(time_s, US_PER_SECOND, &time))
        time = time_s < 0 ? INT64_MIN : INT64_MAX;
    return civil_of(time).year;
}

Stretch rule_stretch(const Rule *rule, int64_t time_s)
{
    Stretch stretch = {INT64_MIN, INT64_MAX, rule->standard_s};
    if (!rule->has_daylight) return stretch;
    Change changes[10];
    int count = 0, year = year_of(time_s);
    for (int y = year - 2; y <= year + 2; y++) {
        Change on = {local_change_s(&rule->to_daylight, y) - rule->standard_s, rule->daylight_s};
        Change off = {local_change_s(&rule->to_standard, y) - rule->daylight_s, rule->standard_s};
        insert_sorted(changes, &count, on.at_s <= off.at_s ? on : off);
        insert_sorted(changes, &count, on.at_s <= off.at_s ? off : on);
    }
    stretch.offset_s =
        changes[0].offset_s == rule->standard_s ? rule->daylight_s : rule->standard_s;
    for (int i = 0; i < count; i++) {
        if (changes[i].at_s > time_s) {
            stretch.end_s = changes[i].at_s;
            break;
        }
        stretch.begin_s = changes[i].at_s;
        stretch.offset_s = changes[i].offset_s;
    }
    return stretch;
}
