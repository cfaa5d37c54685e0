/* bench — workloads that are the same everywhere: the scenarios, the ponds they work on, and their
 * commands.
 *
 *   bench_scenario_get   one of the table
 *   bench_begin          from here on clock and randomness follow from the seed
 *   bench_make           fills a new pond
 *   bench_end
 *
 * Invariant: a pond is a function of scenario, seed, scale, and the versions of pond and engine:
 * with equal ones the content root of `pond fsck` is equal on every machine, and so are the log and
 * the work that a command does.
 * Threads: one; bench_begin holds for the whole process. */
#pragma once
#include "export/export.h"
#include "factory/factory.h"

typedef struct BenchCommand {
    const char *name;  /* within its scenario */
    const char *words; /* the arguments of pond, one blank between; see bench_words */
    bool cold;         /* the caches of the pond are removed before */
} BenchCommand;

/* What is many in a scenario (files, days, commits) times `times`, divided by `by`. */
typedef struct BenchScale {
    int64_t times, by;
} BenchScale;

typedef struct BenchScenario {
    const char *name, *text;
    BenchScale quick;             /* enough to see all that it does, for tests */
    const BenchCommand *commands; /* in this order: each finds what those before it left */
    size_t command_count;
} BenchScenario;

extern const BenchScenario BENCH_SCENARIOS[];
extern const size_t BENCH_SCENARIO_COUNT;
/* NOT_FOUND with the nearest name. */
Err *bench_scenario_get(const char *name, const BenchScenario **out) WARN_UNUSED;
/* The arguments, ended by NULL; "{out}" is replaced by a folder that a scenario's commands share,
 * and that does not exist before the first. */
const char **bench_words(Arena *arena, const BenchCommand *command, const char *out_dir,
                         size_t *out_count);

Err *bench_scale_parse(const char *text, BenchScale *out) WARN_UNUSED; /* "4", "1/100" */
char *bench_scale_format(Arena *arena, BenchScale scale);

#define BENCH_SEED 1 /* of the committed baselines */

void bench_begin(uint64_t seed);
void bench_end(void);
/* At the start of a process: when this variable gives a seed, its clock stands still and its chance
 * follows from the seed, so that two runs on equal ponds do the same work; the engine's profiles,
 * which are taken of what is slow, are off. For measured runs alone: ids would come twice. */
#define BENCH_MEASURED "POND_MEASURED"
void bench_begin_measured(void);

typedef struct BenchMake {
    const BenchScenario *scenario;
    BenchScale scale;
    uint64_t seed;                                              /* that of bench_begin */
    Pond *pond;                                                 /* new, */
    Provider *provider;                                         /* and mounted */
    void (*progress)(void *context, int64_t done, int64_t all); /* files or commits; may be NULL */
    void *context;
} BenchMake;

typedef struct BenchMade {
    int64_t commits, versions, rows;
} BenchMade;

/* INTERRUPTED; the pond is then of no use. */
Err *bench_make(const BenchMake *make, BenchMade *out) WARN_UNUSED;

/* ---- running a scenario's commands, each in a process of its own ---- */

typedef struct BenchRun {
    const BenchScenario *scenario;
    BenchScale scale;
    uint64_t seed;
    const char *program;   /* pond itself, absolute */
    const char *cache_dir; /* where ponds are kept; made when missing */
    const char *const
        *environment;     /* "NAME=VALUE" more for the commands, ended by NULL; may be NULL
                           */
    const char *valgrind; /* instructions are counted by it; NULL: not */
    const char *only;     /* instructions of this command only; NULL: of each */
    const char *allocs;   /* library that counts allocations; NULL: not */
    void (*progress)(void *context, const char *what);
    void *context;
} BenchRun;

typedef struct BenchCounter {
    const char *command, *name;
    int64_t value;
} BenchCounter;

typedef struct BenchResult {
    char root[65];          /* content of the pond */
    BenchCounter *counters; /* by command in the scenario's order, by name; no zeros */
    size_t count;
    int64_t *wall_us; /* of each command, in the scenario's order: told, never compared */
} BenchResult;

/* A fresh pond (kept below cache_dir for the next time, for this program only), of which each run
 * takes a copy; its commands in their order, with one thread, in an environment that is the same
 * everywhere. INVALID with what a command said that failed; INTERRUPTED. Cost: the ponds' making,
 * once; with valgrind some fifty times the commands. */
Err *bench_run(Arena *arena, const BenchRun *run, BenchResult *out) WARN_UNUSED;

/* ---- first experience ---- */

typedef struct BenchFirst {
    const char *words;        /* of the command */
    int64_t first_us, all_us; /* medians: from its start to its first byte, and to its end */
    int64_t instructions;     /* 0: not counted */
} BenchFirst;
/* The commands that a newcomer meets, each `times` times on the pond of the run's scenario; only
 * the first export writes. Times are those of a process that nothing else holds up, so they are
 * told and never held to anything. */
Err *bench_first(Arena *arena, const BenchRun *run, size_t times, BenchFirst **out, size_t *count)
    WARN_UNUSED;
/* How many commands a README has its reader type from the top to the first `pond export`: lines
 * that are indented by four blanks, a here-document being part of its command. 0 when it never
 * comes there. */
size_t bench_steps(const char *readme);

/* The folder of the run's pond, made when it is not there yet. Only to be copied. */
Err *bench_pond_kept(Arena *arena, const BenchRun *run, const char **out_dir) WARN_UNUSED;

/* ---- change.c: where a series of measurements changes its level ---- */
/* The places (index of the first value of a new level), ascending, so that there are at least four
 * values on either side. Of 1,000 values with shifts of three times the noise or more 95 % are
 * found, within three places, with fewer than one false in 1,000. */
void bench_changes(Arena *arena, const double *values, size_t count, size_t **out,
                   size_t *out_count);

/* ---- runs over time: what each took, kept below cache_dir ---- */
Err *bench_history_append(Arena *arena, const BenchRun *run, const BenchResult *result) WARN_UNUSED;

typedef struct BenchPoint {
    TimeUs time;
    const char *machine; /* processor, kernel, engine, pond */
    double value;
} BenchPoint;
typedef struct BenchSeries {
    const char *scenario, *scale, *command, *measure;
    BenchPoint *points; /* oldest first */
    size_t count;
    size_t *changes; /* see bench_changes */
    size_t change_count;
} BenchSeries;
typedef struct BenchHistory {
    BenchSeries **series; /* in order of their first run */
    size_t count;
    uint64_t damaged; /* lines that could not be read */
} BenchHistory;
Err *bench_history_read(Arena *arena, const char *cache_dir, BenchHistory *out) WARN_UNUSED;

/* ---- baselines: DIR/SCENARIO.tsv, lines "scale command counter value" ---- */

typedef struct BenchChange {
    const char *command, *counter;
    int64_t was, now;
    bool worse; /* more than what the counter may differ by */
} BenchChange;

typedef struct BenchComparison {
    bool has_baseline;
    const char *other_root; /* the baseline's, where it is another pond; NULL: the same */
    BenchChange *changes;
    size_t count, worse, compared;
} BenchComparison;

/* What differs by more than it may: counts and bytes not at all, instructions by 1 %, the engine's
 * allocations by 2 %, memory by 10 % and 4 MiB (see baseline.c). Counters that the run did not
 * measure are left out. */
Err *bench_compare(Arena *arena, const char *dir, const BenchRun *run, const BenchResult *result,
                   BenchComparison *out) WARN_UNUSED;
/* The result becomes the baseline of its scale; other scales, counters that were not measured, and
 * what lies within what it may differ by stay. */
Err *bench_baseline_write(Arena *arena, const char *dir, const BenchRun *run,
                          const BenchResult *result) WARN_UNUSED;
