/* The table of scenarios. */
#include "bench/bench_int.h"
#include <stdlib.h>
#include <string.h>

#define EXPORT_ALL "export -p /reduced/*/*/*.series -d {out} --temporal year,month"

static const BenchCommand DAYS[] = {
    {"list-cold", "list /data/**", true},
    {"list", "list /data/**", false},
    {"describe", "describe /data/site00/s0000.series", false},
    {"cat", "cat /data/site00/s0000.series --format csv", false},
    {"plan", EXPORT_ALL " --dry-run", false},
    {"export", EXPORT_ALL, false},
    {"export-again", EXPORT_ALL, false},
};

static const BenchCommand WILDCARDS[] = {
    {"list-cold", "list /w/**", true},
    {"one-level", "list /w/*/site-00/ctd/*.series", false},
    {"alternatives", "list /w/{coast,lake}/site-0[0-4]/{ctd,met}/t*.series", false},
    {"any-depth", "list /w/**/ctd/**/temp*.series", false},
    {"every-kind", "list /w/**/site-?[!1-9]/[a-m]*/{depth,turbidity}.series", false},
    {"export", "export -p /w/*/site-0?/{ctd,met}/t*.series -d {out} --temporal year", false},
    {"export-again", "export -p /w/*/site-0?/{ctd,met}/t*.series -d {out} --temporal year", false},
};

static const BenchCommand DEEP[] = {
    {"list-cold", "list /deep/**", true},
    {"list", "list /deep/**", false},
    {"levels", "list /deep/*/*/*/*/*/*/*/*/*/*/*/*/s0.series", false},
    {"any-depth", "list /deep/**/l01b/**/s?.series", false},
    {"cat",
     "cat /deep/l01a/l02a/l03a/l04a/l05a/l06a/l07a/l08a/l09a/l10a/l11a/l12a/s0.series --format csv",
     false},
    {"export", "export -p /deep/**/s0.series -d {out} --temporal year", false},
};

#define REDUCE_EXPORT "export -p /reduced/*/*.series -d {out}"
static const BenchCommand REDUCE[] = {
    {"list-cold", "list /**", true},
    {"describe", "describe /reduced/readings/res=1h.series", false},
    {"cat-day", "cat /reduced/readings/res=1d.series --format csv", false},
    {"cat-day-again", "cat /reduced/readings/res=1d.series --format csv", false},
    {"export", REDUCE_EXPORT, false},
    {"export-again", REDUCE_EXPORT, false},
};

#define NOYO_EXPORT                                                                                \
    "export -p /reduced/single_param/*/*.series -p /reduced/single_site/*/*.series -d {out} "      \
    "--temporal year,month"
static const BenchCommand NOYO[] = {
    {"list-cold", "list /reduced/**/*.series", true},
    {"list", "list /reduced/**/*.series", false},
    {"describe", "describe /singled/DO", false},
    {"cat", "cat /singled/DO --format csv", false},
    {"plan", NOYO_EXPORT " --dry-run", false},
    {"export", NOYO_EXPORT, false},
    {"export-again", NOYO_EXPORT, false},
};

static const BenchCommand HISTORY[] = {
    {"list-cold", "list /**", true},   {"list", "list /**", false},
    {"log", "log --limit 10", false},  {"cat", "cat /logs/station0.jsonl --format raw", false},
    {"commit", "mkdir /later", false}, {"list-after", "list /**", false},
};

#define COMMANDS(table) (table), sizeof(table) / sizeof *(table)
const BenchScenario BENCH_SCENARIOS[] = {
    {"small", "100 files over a day, reduced to hours and days", {1, 10}, COMMANDS(DAYS)},
    {"medium", "1,000 files over a week", {1, 50}, COMMANDS(DAYS)},
    {"large", "10,000 files over a month", {1, 500}, COMMANDS(DAYS)},
    {"wildcards",
     "patterns of every kind over 960 series in five regions",
     {1, 30},
     COMMANDS(WILDCARDS)},
    {"deep", "256 series below twelve levels of folders", {1, 16}, COMMANDS(DEEP)},
    {"reduce",
     "a year of minutes at eleven resolutions, eight aggregations",
     {1, 12},
     COMMANDS(REDUCE)},
    {"noyo", "water quality of a harbour: join, pivot, reduce", {1, 24}, COMMANDS(NOYO)},
    {"noyo-sql", "the same by SQL", {1, 24}, COMMANDS(NOYO)},
    {"history", "10,000 commits", {1, 200}, COMMANDS(HISTORY)},
};
const size_t BENCH_SCENARIO_COUNT = sizeof BENCH_SCENARIOS / sizeof *BENCH_SCENARIOS;

static Fill *const FILLS[] = {fill_small,  fill_medium, fill_large,    fill_wildcards, fill_deep,
                              fill_reduce, fill_noyo,   fill_noyo_sql, fill_history};
_Static_assert(sizeof FILLS / sizeof *FILLS == sizeof BENCH_SCENARIOS / sizeof *BENCH_SCENARIOS,
               "a fill for each scenario");

Fill *fill_of(const BenchScenario *scenario)
{
    return FILLS[scenario - BENCH_SCENARIOS];
}

Err *bench_scenario_get(const char *name, const BenchScenario **out)
{
    SCRATCH(arena);
    const char **names = AARRAY(arena, const char *, BENCH_SCENARIO_COUNT);
    for (size_t i = 0; i < BENCH_SCENARIO_COUNT; i++) {
        names[i] = BENCH_SCENARIOS[i].name;
        if (strcmp(names[i], name) != 0) continue;
        *out = &BENCH_SCENARIOS[i];
        return NULL;
    }
    Err *err = ERR(NOT_FOUND, "%s: there is no such scenario", name);
    const char *near = text_nearest(name, names, BENCH_SCENARIO_COUNT);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "pond bench list shows them");
}

const char **bench_words(Arena *arena, const BenchCommand *command, const char *out_dir,
                         size_t *out_count)
{
    VEC(const char *) words = {0};
    const char *at = command->words;
    while (*at != '\0') {
        size_t length = strcspn(at, " ");
        const char *word = arena_strndup(arena, at, length);
        vec_push(arena, &words, strcmp(word, "{out}") == 0 ? out_dir : word);
        at += length + strspn(at + length, " ");
    }
    *out_count = words.n;
    vec_push(arena, &words, NULL);
    return words.v;
}

/* ---- scale ---- */

static bool scale_number(const char **at, int64_t *out)
{
    enum { MOST = 1000000 };
    char *end = NULL;
    if (**at < '0' || **at > '9') return false;
    *out = strtoll(*at, &end, 10);
    *at = end;
    return *out > 0 && *out <= MOST;
}

Err *bench_scale_parse(const char *text, BenchScale *out)
{
    BenchScale scale = {1, 1};
    const char *at = text;
    bool good = scale_number(&at, &scale.times);
    if (good && *at == '/') {
        at++;
        good = scale_number(&at, &scale.by);
    }
    if (!good || *at != '\0')
        return ERR(USAGE, "--scale: a number such as 4 or 1/100 is expected, not '%s'", text);
    *out = scale;
    return NULL;
}

char *bench_scale_format(Arena *arena, BenchScale scale)
{
    return scale.by == 1
               ? arena_printf(arena, "%lld", (long long)scale.times)
               : arena_printf(arena, "%lld/%lld", (long long)scale.times, (long long)scale.by);
}
