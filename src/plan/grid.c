/* Bucket boundaries, in UTC and in zones, and of calendar months.
 *
 * In UTC a bucket starts at origin + k * width. In a zone that is what the wall clock reads at its
 * start: the bucket of t starts at the latest instant s <= t at which the clock reads origin + k *
 * width. So on the day clocks go back there are 25 hourly buckets, 23 on the day they go forward,
 * and days begin at local midnight. A reading that falls into a gap begins at the transition. A
 * base grid that nests in a wider one (same origin and zone) nests here too: every boundary of the
 * wider is one of the finer.
 *
 * The zone's rules are seen through zone_offset_us alone: a stretch of time is walked back in steps
 * of a day, and where offsets differ the transition is found by bisection. That is done per bucket,
 * never per row. Two transitions within one day that cancel would be missed; the tz database has
 * none. */
#include "plan/plan_int.h"
#include <string.h>

typedef __int128 Wide;

static TimeUs clamp(Wide time)
{
    if (time < (Wide)TIME_MIN) return TIME_MIN;
    if (time > (Wide)TIME_MAX) return TIME_MAX;
    return (TimeUs)time;
}

/* The greatest origin + k * width <= time. */
static Wide floor_to(const Grid *grid, Wide time)
{
    Wide past = (time - grid->origin) % grid->width_us;
    if (past < 0) past += grid->width_us;
    return time - past;
}

static bool is_plain(const Grid *grid)
{
    return grid->zone == NULL || grid->zone == zone_utc();
}

static int64_t offset_at(const Grid *grid, Wide time)
{
    return zone_offset_us(grid->zone, clamp(time));
}

/* The first instant in (low, high] with the offset of `high`, given that of `low` differs. */
static Wide bisect_transition(const Grid *grid, Wide low, Wide high)
{
    int64_t after = offset_at(grid, high);
    while (high - low > 1) {
        Wide middle = low + (high - low) / 2;
        if (offset_at(grid, middle) == after)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* The latest transition in (from, to]; false when the offset does not change there. */
static bool last_transition(const Grid *grid, Wide from, Wide to, Wide *out)
{
    int64_t offset = offset_at(grid, to);
    for (Wide at = to; at > from;) {
        Wide before = at - US_PER_DAY > from ? at - US_PER_DAY : from;
        if (offset_at(grid, before) != offset) {
            *out = bisect_transition(grid, before, at);
            return true;
        }
        at = before;
    }
    return false;
}

/* Walks back over stretches of one offset until a boundary lies inside one, or in the gap before
 * it. */
static Wide floor_in_zone(const Grid *grid, Wide time)
{
    for (;;) {
        int64_t offset = offset_at(grid, time);
        Wide boundary = floor_to(grid, time + offset), start = boundary - offset, transition;
        if (!last_transition(grid, start - 1, time, &transition) || transition <= start)
            return start;
        int64_t before = offset_at(grid, transition - 1);
        bool is_in_gap = boundary >= transition + before; /* and < transition + offset */
        if (is_in_gap) return transition;
        time = transition - 1;
    }
}

/* ---- calendar months ---- */

enum { JANUARY_2000 = 2000 * 12 };

static TimeUs month_start(int64_t month)
{
    return civil_to_time((Civil){.month = (int)month + 1, .day = 1});
}

static int64_t month_floor(const Grid *grid, TimeUs time)
{
    const Civil civil = civil_of(time);
    int64_t month = (int64_t)civil.year * 12 + civil.month - 1;
    int64_t past = (month - JANUARY_2000) % grid->months;
    return month - (past < 0 ? past + grid->months : past);
}

TimeUs grid_floor(const Grid *grid, TimeUs time)
{
    if (grid->months > 0) return month_start(month_floor(grid, time));
    return clamp(is_plain(grid) ? floor_to(grid, time) : floor_in_zone(grid, time));
}

static TimeUs next_in_zone(const Grid *grid, TimeUs start)
{
    Wide end = (Wide)start + grid->width_us, transition;
    bool is_plain_bucket = floor_to(grid, (Wide)start + offset_at(grid, start)) ==
                               (Wide)start + offset_at(grid, start) &&
                           !last_transition(grid, start, end, &transition);
    if (is_plain_bucket) return clamp(end);
    Wide low = start, high = end + 2 * (Wide)US_PER_DAY; /* the bucket ends in (low, high] */
    while (high - low > 1) {
        Wide middle = low + (high - low) / 2;
        if (floor_in_zone(grid, middle) > start)
            high = middle;
        else
            low = middle;
    }
    return clamp(high);
}

TimeUs grid_next(const Grid *grid, TimeUs start)
{
    if (grid->months > 0) return month_start(month_floor(grid, start) + grid->months);
    return is_plain(grid) ? clamp((Wide)start + grid->width_us) : next_in_zone(grid, start);
}

TimeSpan grid_widen(const Grid *grid, TimeSpan out)
{
    TimeSpan in = SPAN_ALL;
    if (span_is_empty(out)) return out;
    if (out.min != TIME_MIN) {
        TimeUs start = grid_floor(grid, out.min);
        in.min = start == out.min ? start : grid_next(grid, start);
    }
    if (out.max != TIME_MAX) {
        TimeUs end = grid_next(grid, grid_floor(grid, out.max));
        in.max = end == TIME_MAX ? TIME_MAX : end - 1;
    }
    return in;
}

void zone_rules_hash(const Zone *zone, char out_hex[65])
{
    SCRATCH(scratch);
    Sha256 *hash = sha256_new(scratch);
    Grid grid = {.width_us = US_PER_DAY, .zone = zone};
    const TimeUs from = civil_to_time((Civil){.year = 1900, .month = 1, .day = 1});
    const TimeUs to = civil_to_time((Civil){.year = 2100, .month = 1, .day = 1});
    int64_t offset = zone_offset_us(zone, from);
    sha256_add_int(hash, offset);
    for (TimeUs at = from; at < to; at += US_PER_DAY) {
        int64_t next = zone_offset_us(zone, at + US_PER_DAY);
        if (next == offset) continue;
        sha256_add_int(hash, (int64_t)bisect_transition(&grid, at, at + US_PER_DAY));
        sha256_add_int(hash, next);
        offset = next;
    }
    sha256_hex(hash, out_hex);
}
