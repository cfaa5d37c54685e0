/* What the views of `pond perf` share: which runs are asked for, their heading, figures as text. */
#pragma once
#include "cli/cli.h"

typedef struct Chosen {
    Run *runs; /* oldest first */
    size_t count;
    Run sum;
} Chosen;
/* By --run and --last, else the last `otherwise`. NOT_FOUND when there is none. */
Err *perf_choose(Cli *cli, size_t otherwise, Chosen *out) WARN_UNUSED;
void perf_print_head(const Cli *cli, const Chosen *chosen);

const char *perf_duration_cell(Arena *arena, double us);
const char *perf_count_cell(Arena *arena, uint64_t count); /* "" for none */
const char *perf_size_cell(Arena *arena, uint64_t bytes);

/* ---- perf_record.c ---- */
extern const Command PERF_RECORD, PERF_RECOVER;

/* ---- perf_plans.c ---- */
Err *perf_show_plans(Cli *cli) WARN_UNUSED;
