/* The sub-commands of pond bench, one file a family; the table is in cmd_bench.c. */
#pragma once
#include "bench/bench.h"
#include "cli/commands.h"

extern const Command BENCH_LIST, BENCH_MAKE;    /* bench_make.c */
extern const Command BENCH_RUN, BENCH_BASELINE; /* bench_run.c */
extern const Command BENCH_HISTORY;             /* bench_history.c */
extern const Command BENCH_FIRST;               /* bench_first.c */
extern const Command BENCH_AB, BENCH_SELFTEST;  /* bench_pairs.c */
extern const Command BENCH_TOGGLES;             /* bench_toggles.c */
extern const Command BENCH_BISECT;              /* bench_bisect.c */

/* Options of several, for their tables. */
#define BENCH_OPTION_SCALE                                                                         \
    {                                                                                              \
        "scale", 0, "N", "N times as much, or 1/N"                                                 \
    }
#define BENCH_OPTION_QUICK                                                                         \
    {                                                                                              \
        "quick", 0, NULL, "at the small scale that tests use"                                      \
    }
#define BENCH_OPTION_DIR                                                                           \
    {                                                                                              \
        "dir", 0, "DIR", "where ponds are kept (default ~/.cache/pond/bench)"                      \
    }
#define BENCH_OPTION_INSTRUCTIONS                                                                  \
    {                                                                                              \
        "instructions", 0, NULL, "count instructions, too, by valgrind where it is installed"      \
    }
#define BENCH_OPTION_VALUES                                                                        \
    {                                                                                              \
        "seed", 0, "N", "what the values follow from (default 1)"                                  \
    }
#define BENCH_OPTION_ORDER                                                                         \
    {                                                                                              \
        "seed", 0, "N", "of the random order"                                                      \
    }
#define BENCH_OPTION_CAP                                                                           \
    {                                                                                              \
        "cap", 0, "TIME", "no further pair after this long"                                        \
    }

/* Options; without them *out stays as it is, a seed is by chance. */
Err *bench_count_option(const Cli *cli, const char *name, size_t least, size_t most, size_t *out)
    WARN_UNUSED;
Err *bench_seed_option(const Cli *cli, uint64_t *out) WARN_UNUSED;
Err *bench_scale_option(const Cli *cli, BenchScale *out) WARN_UNUSED;
/* With --instructions: valgrind, or NULL and a warning when it is not there. */
Err *bench_valgrind_option(const Cli *cli, const char **out) WARN_UNUSED;
/* All of a run but its scenario, as options and environment say. */
Err *bench_run_options(Cli *cli, BenchRun *out) WARN_UNUSED;
