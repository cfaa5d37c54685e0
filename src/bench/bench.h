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

typedef struct BenchScenario {
    const char *name, *text;
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

/* What is many in a scenario (files, days, commits) times `times`, divided by `by`. */
typedef struct BenchScale {
    int64_t times, by;
} BenchScale;
Err *bench_scale_parse(const char *text, BenchScale *out) WARN_UNUSED; /* "4", "1/100" */
char *bench_scale_format(Arena *arena, BenchScale scale);

#define BENCH_SEED 1 /* of the committed baselines */

void bench_begin(uint64_t seed);
void bench_end(void);

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
