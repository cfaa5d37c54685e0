/* The sub-commands of pond bench, one file a family; the table is in cmd_bench.c. */
#pragma once
#include "bench/bench.h"
#include "cli/commands.h"

Err *bench_ab(Cli *cli) WARN_UNUSED; /* bench_pairs.c */
Err *bench_selftest(Cli *cli) WARN_UNUSED;
Err *bench_bisect(Cli *cli) WARN_UNUSED;  /* bench_bisect.c */
Err *bench_toggles(Cli *cli) WARN_UNUSED; /* bench_toggles.c */
Err *bench_list(Cli *cli) WARN_UNUSED;    /* bench_make.c */
Err *bench_make_pond(Cli *cli) WARN_UNUSED;
Err *bench_run_scenarios(Cli *cli) WARN_UNUSED; /* bench_run.c */
Err *bench_baseline(Cli *cli) WARN_UNUSED;
Err *bench_history(Cli *cli) WARN_UNUSED;          /* bench_history.c */
Err *bench_first_experience(Cli *cli) WARN_UNUSED; /* bench_first.c */

/* Options; without them *out stays as it is, a seed is by chance. */
Err *bench_count_option(const Cli *cli, const char *name, size_t least, size_t most, size_t *out)
    WARN_UNUSED;
Err *bench_seed_option(const Cli *cli, uint64_t *out) WARN_UNUSED;
Err *bench_scale_option(const Cli *cli, BenchScale *out) WARN_UNUSED;
/* With --instructions: valgrind, or NULL and a warning when it is not there. */
Err *bench_valgrind_option(const Cli *cli, const char **out) WARN_UNUSED;
/* A pond of the scenario in `dir`, which is absent or empty; it is left open in `cli`. Nothing
 * stays of it when it fails. */
typedef struct BenchPondSpec {
    const BenchScenario *scenario;
    BenchScale scale;
    uint64_t seed;
    const char *dir;
} BenchPondSpec;
Err *bench_pond_make(Cli *cli, const BenchPondSpec *spec, BenchMade *out) WARN_UNUSED;
/* All of a run but its scenario, as options and environment say. */
Err *bench_run_options(Cli *cli, BenchRun *out) WARN_UNUSED;
