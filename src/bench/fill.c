/* What the ponds of the scenarios hold; noyo's in fill_noyo.c.
 *
 *   small, medium, large   /data/site<nn>/s<nnnn>.series, a version a day; /reduced over all
 *   wildcards              /w/<region>/<site>/<instrument>/<parameter>.series
 *   deep                   /deep/<12 levels>/s<n>.series
 *   reduce                 /source/readings.series, a version a month; /reduced, 11 resolutions
 *   history                ten data:series, one line a commit */
#include "bench/bench_int.h"

static const char *const WATER[] = {"temperature", "salinity", "oxygen"};
enum { WATER_COUNT = 3, MINUTES_STEP = 10, ROWS_DAY = 144 };

static Readings day_of(const char *path, int64_t day, uint64_t stream)
{
    return (Readings){.path = path,
                      .columns = WATER,
                      .column_count = WATER_COUNT,
                      .begin = BENCH_BEGIN + day * US_PER_DAY,
                      .step_us = MINUTES_STEP * US_PER_MINUTE,
                      .rows = ROWS_DAY,
                      .stream = stream};
}

/* ---- small, medium, large: so many files over so many days ---- */

typedef struct Days {
    int64_t files, days, series, day;
} Days;

static Err *fill_day(Maker *maker, void *context)
{
    enum { SITE = 10 };
    const Days *days = context;
    for (int64_t i = 0; i < days->series; i++) {
        SCRATCH(arena);
        int64_t file = days->day * days->series + i;
        if (file >= days->files) break;
        Readings readings = day_of(arena_printf(arena, "/data/site%02lld/s%04lld.series",
                                                (long long)(i / SITE), (long long)i),
                                   days->day, (uint64_t)file);
        TRY(maker_readings(maker, &readings));
    }
    return NULL;
}

static Err *fill_days(Maker *maker, int64_t files, int64_t days)
{
    static const MakerNode NODES[] = {{"temporal-reduce", "/reduced",
                                       "in_pattern: /data/*/*.series\n"
                                       "out_pattern: $0/$1\n"
                                       "resolutions: [1h, 1d]\n"
                                       "aggregations: [{type: avg}, {type: min}, {type: max}]\n"}};
    Days all = {.files = maker_count(maker, files), .days = days};
    all.series = (all.files + days - 1) / days;
    maker->all = all.files;
    for (all.day = 0; all.day < all.days; all.day++)
        TRY(maker_transact(maker, "pond copy day.csv /data/", fill_day, &all));
    return maker_nodes(maker, NODES, sizeof NODES / sizeof *NODES);
}

Err *fill_small(Maker *maker)
{
    return fill_days(maker, 100, 1);
}

Err *fill_medium(Maker *maker)
{
    return fill_days(maker, 1000, 7);
}

Err *fill_large(Maker *maker)
{
    return fill_days(maker, 10000, 30);
}

/* ---- wildcards ---- */

static Err *fill_tree(Maker *maker, void *context)
{
    static const char *const REGIONS[] = {"coast", "estuary", "harbour", "lake", "river"};
    static const char *const INSTRUMENTS[] = {"adcp", "ctd", "met", "sonde"};
    static const char *const PARAMETERS[] = {"conductivity", "depth", "temperature", "turbidity"};
    enum { REGION_COUNT = 5, KINDS = 4 };
    const int64_t *sites = context;
    for (int64_t i = 0; i < *sites * KINDS * KINDS; i++) {
        SCRATCH(arena);
        int64_t site = i / (KINDS * KINDS);
        Readings readings =
            day_of(arena_printf(arena, "/w/%s/site-%02lld/%s/%s.series",
                                REGIONS[site % REGION_COUNT], (long long)(site / REGION_COUNT),
                                INSTRUMENTS[i / KINDS % KINDS], PARAMETERS[i % KINDS]),
                   0, (uint64_t)i);
        TRY(maker_readings(maker, &readings));
    }
    return NULL;
}

Err *fill_wildcards(Maker *maker)
{
    int64_t sites = maker_count(maker, 60);
    maker->all = sites * 16;
    return maker_transact(maker, "pond copy tree.csv /w/", fill_tree, &sites);
}

/* ---- deep ---- */

/* Twelve levels; six of them part in two, so that there are 64 ways down. */
static char *deep_dir(Arena *arena, int64_t way)
{
    enum { LEVELS = 12 };
    Buf path = buf_new(arena);
    buf_puts(&path, "/deep");
    for (int level = 0; level < LEVELS; level++)
        buf_printf(&path, "/l%02d%c", level + 1,
                   level % 2 == 0 && (way >> (level / 2) & 1) != 0 ? 'b' : 'a');
    return path.data;
}

static Err *fill_ways(Maker *maker, void *context)
{
    enum { WAYS = 64 };
    const int64_t *files = context;
    for (int64_t i = 0; i < *files; i++) {
        SCRATCH(arena);
        Readings readings = day_of(arena_printf(arena, "%s/s%lld.series", deep_dir(arena, i % WAYS),
                                                (long long)(i / WAYS)),
                                   0, (uint64_t)i);
        TRY(maker_readings(maker, &readings));
    }
    return NULL;
}

Err *fill_deep(Maker *maker)
{
    int64_t files = maker_count(maker, 256);
    maker->all = files;
    return maker_transact(maker, "pond copy deep.csv /deep/", fill_ways, &files);
}

/* ---- reduce ---- */

static Err *fill_month(Maker *maker, void *context)
{
    enum { DAYS_MONTH = 30, MINUTES_DAY = 1440 };
    const int64_t *month = context;
    Readings readings = {.path = "/source/readings.series",
                         .columns = WATER,
                         .column_count = WATER_COUNT,
                         .begin = BENCH_BEGIN + *month * DAYS_MONTH * US_PER_DAY,
                         .step_us = US_PER_MINUTE,
                         .rows = (int64_t)DAYS_MONTH * MINUTES_DAY,
                         .stream = (uint64_t)*month};
    return maker_readings(maker, &readings);
}

Err *fill_reduce(Maker *maker)
{
    static const MakerNode NODES[] = {
        {"temporal-reduce", "/reduced",
         "in_pattern: /source/*.series\n"
         "out_pattern: $0\n"
         "resolutions: [1m, 5m, 10m, 15m, 30m, 1h, 2h, 6h, 12h, 1d, 7d]\n"
         "aggregations:\n"
         "  - {type: avg}\n  - {type: min}\n  - {type: max}\n  - {type: sum}\n"
         "  - {type: count, columns: [\"*\"]}\n  - {type: first}\n  - {type: last}\n"
         "  - {type: stddev}\n"}};
    maker->all = maker_count(maker, 12);
    for (int64_t month = 0; month < maker->all; month++)
        TRY(maker_transact(maker, "pond copy month.csv /source/readings.series", fill_month,
                           &month));
    return maker_nodes(maker, NODES, sizeof NODES / sizeof *NODES);
}

/* ---- history ---- */

static Err *fill_line(Maker *maker, void *context)
{
    enum { LOGS = 10 };
    SCRATCH(arena);
    const int64_t *commit = context;
    uint64_t level = bench_mix(maker->make->seed, (uint64_t)*commit) % 1000;
    return maker_text(maker,
                      arena_printf(arena, "/logs/station%lld.jsonl", (long long)(*commit % LOGS)),
                      arena_printf(arena, "{\"time\":%lld,\"level\":%llu}\n",
                                   (long long)(BENCH_BEGIN / US_PER_SECOND + *commit * 60),
                                   (unsigned long long)level));
}

Err *fill_history(Maker *maker)
{
    maker->all = maker_count(maker, 10000);
    for (int64_t commit = 0; commit < maker->all; commit++)
        TRY(maker_transact(maker, "pond copy line.jsonl /logs/", fill_line, &commit));
    return NULL;
}
