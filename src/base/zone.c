/* Zones: TZif files (RFC 8536), versions 1 to 4.
 *
 * A zone is a table of changes (instant, offset from then on), the offset before the first, and the
 * rule for instants after the last. In versions 2 and later the 64-bit block is used and the 32-bit
 * one passed over. Every count is checked against the file's size before anything is read; the file
 * belongs to the system, but a zone directory can be damaged like any other.
 *
 * Both questions are answered from one thing, the stretch around an instant: a range of time with
 * one offset. From local time, the stretches that can hold it are walked in order; the first that
 * does gives the first instant of a fold. In a gap none does: the first stretch that begins later
 * on the local clock is its end. */
#include "base/zone_int.h"
#include <string.h>

struct Zone {
    const char *name;
    size_t count;
    const int64_t *changes_s; /* ascending */
    const int64_t *offsets_s; /* [i] holds before changes_s[i], [count] after the last */
    bool has_rule;
    Rule rule;
};

enum { HEADER_BYTES = 44, OFFSET_MAX_S = 26 * 3600 };

typedef struct Counts {
    int version;
    size_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
} Counts;

static uint64_t big_endian(const unsigned char *bytes, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) value = value << 8 | bytes[i];
    return value;
}

static int64_t signed_at(const unsigned char *bytes, size_t width)
{
    uint64_t value = big_endian(bytes, width);
    return width == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value;
}

static bool read_header(const unsigned char *bytes, size_t size_bytes, Counts *out)
{
    if (size_bytes < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0) return false;
    size_t counts[6];
    for (size_t i = 0; i < 6; i++) counts[i] = (size_t)big_endian(bytes + 20 + 4 * i, 4);
    int version = bytes[4] == 0 ? 1 : bytes[4] - '0';
    *out = (Counts){version, counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
    return version >= 1;
}

/* The size of a block's data; the counts have 32 bits, so nothing overflows. */
static size_t block_bytes(const Counts *c, size_t width)
{
    return c->timecnt * (width + 1) + c->typecnt * 6 + c->charcnt + c->leapcnt * (width + 4) +
           c->isstdcnt + c->isutcnt;
}

static bool read_table(Arena *arena, const unsigned char *bytes, const Counts *counts, size_t width,
                       Zone *zone)
{
    const unsigned char *indexes = bytes + counts->timecnt * width;
    const unsigned char *types = indexes + counts->timecnt;
    int64_t *changes = AARRAY(arena, int64_t, counts->timecnt);
    int64_t *offsets = AARRAY(arena, int64_t, counts->timecnt + 1);
    for (size_t i = 0; i < counts->typecnt; i++) {
        int64_t offset = signed_at(types + 6 * i, 4);
        if (offset < -OFFSET_MAX_S || offset > OFFSET_MAX_S) return false;
    }
    offsets[0] = signed_at(types, 4);
    for (size_t i = 0; i < counts->timecnt; i++) {
        changes[i] = signed_at(bytes + i * width, width);
        if (i > 0 && changes[i] <= changes[i - 1]) return false;
        if (indexes[i] >= counts->typecnt) return false;
        offsets[i + 1] = signed_at(types + 6 * (size_t)indexes[i], 4);
    }
    zone->count = counts->timecnt;
    zone->changes_s = changes;
    zone->offsets_s = offsets;
    return true;
}

/* "\n<TZ>\n"; empty when the last offset holds for ever or nothing is known. */
static bool read_footer(const unsigned char *bytes, size_t size_bytes, Zone *zone)
{
    if (size_bytes < 2 || bytes[0] != '\n') return false;
    const char *text = (const char *)bytes + 1;
    const char *end = memchr(text, '\n', size_bytes - 1);
    if (end == NULL) return false;
    if (end == text) return true;
    zone->has_rule = true;
    return rule_parse(text, (size_t)(end - text), &zone->rule);
}

/* What is wrong, NULL when nothing is. */
static const char *read_file(Arena *arena, const unsigned char *bytes, size_t size_bytes,
                             Zone *zone)
{
    Counts counts;
    size_t width = 4;
    if (!read_header(bytes, size_bytes, &counts)) return "it does not begin with a TZif header";
    bytes += HEADER_BYTES;
    size_bytes -= HEADER_BYTES;
    if (counts.version >= 2) {
        size_t skip = block_bytes(&counts, 4);
        if (size_bytes < skip) return "it ends too early";
        bytes += skip;
        size_bytes -= skip;
        if (!read_header(bytes, size_bytes, &counts)) return "its second header is damaged";
        bytes += HEADER_BYTES;
        size_bytes -= HEADER_BYTES;
        width = 8;
    }
    if (block_bytes(&counts, width) > size_bytes) return "it ends too early";
    if (counts.typecnt == 0 || counts.typecnt > 256) return "it has no types of local time";
    if (counts.leapcnt > 0) return "it counts leap seconds (a \"right\" zone)";
    if (!read_table(arena, bytes, &counts, width, zone)) return "its table of changes is damaged";
    size_t footer = block_bytes(&counts, width);
    if (width == 4) return NULL;
    bool ok = read_footer(bytes + footer, size_bytes - footer, zone);
    return ok ? NULL : "its rule for the future is damaged";
}

Err *zone_parse(Arena *arena, const char *name, const void *bytes, size_t size_bytes,
                const Zone **out)
{
    Zone *zone = ANEW(arena, Zone);
    zone->name = arena_strdup(arena, name);
    const char *problem = read_file(arena, bytes, size_bytes, zone);
    if (problem != NULL) return ERR(INVALID, "time zone %s: %s", name, problem);
    *out = zone;
    return NULL;
}

const Zone *zone_utc(void)
{
    static const int64_t NO_OFFSET[] = {0};
    static const Zone UTC = {.name = "UTC", .offsets_s = NO_OFFSET};
    return &UTC;
}

const char *zone_name(const Zone *zone)
{
    return zone->name;
}

/* How many changes are at or before the instant. */
static size_t changes_until(const Zone *zone, int64_t time_s)
{
    size_t low = 0, high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes_s[middle] <= time_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static Stretch stretch_at(const Zone *zone, int64_t time_s)
{
    size_t i = changes_until(zone, time_s);
    if (i < zone->count || !zone->has_rule) {
        return (Stretch){.begin_s = i > 0 ? zone->changes_s[i - 1] : INT64_MIN,
                         .end_s = i < zone->count ? zone->changes_s[i] : INT64_MAX,
                         .offset_s = zone->offsets_s[i]};
    }
    Stretch stretch = rule_stretch(&zone->rule, time_s);
    if (i > 0 && stretch.begin_s < zone->changes_s[i - 1]) stretch.begin_s = zone->changes_s[i - 1];
    return stretch;
}

static int64_t rest_us_of(TimeUs time)
{
    int64_t rest = time % US_PER_SECOND;
    return rest < 0 ? rest + US_PER_SECOND : rest;
}

static int64_t floor_seconds(TimeUs time)
{
    return time / US_PER_SECOND - (time % US_PER_SECOND < 0 ? 1 : 0);
}

int64_t zone_offset_us(const Zone *zone, TimeUs time)
{
    return stretch_at(zone, floor_seconds(time)).offset_s * US_PER_SECOND;
}

/* Seconds and microseconds as a TimeUs; the nearest one when it has none. */
static TimeUs joined(int64_t time_s, int64_t rest_us)
{
    __int128 time = (__int128)time_s * US_PER_SECOND + rest_us;
    return time < INT64_MIN ? INT64_MIN : time > INT64_MAX ? INT64_MAX : (TimeUs)time;
}

TimeUs zone_from_local(const Zone *zone, TimeUs local)
{
    int64_t local_s = floor_seconds(local), rest_us = rest_us_of(local);
    Stretch stretch = stretch_at(zone, local_s - OFFSET_MAX_S);
    bool in_gap = false;
    TimeUs gap_end = INT64_MAX;
    for (;;) {
        int64_t time_s = local_s - stretch.offset_s;
        if (time_s >= stretch.begin_s && time_s < stretch.end_s) return joined(time_s, rest_us);
        if (time_s < stretch.begin_s && !in_gap) {
            in_gap = true; /* unless a later stretch goes back far enough to hold it */
            gap_end = joined(stretch.begin_s, 0);
        }
        if (stretch.end_s > local_s + OFFSET_MAX_S) return gap_end;
        stretch = stretch_at(zone, stretch.end_s);
    }
}
