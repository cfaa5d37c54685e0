/* The targets of an export in a run: those with the most time, the rest as one. */
#include "report/report_int.h"
#include <stdlib.h>
#include <string.h>

static const char REST[] = "(the rest)";

static int by_time(const void *a, const void *b)
{
    const RunTarget *x = a, *y = b;
    if (x->total_ms != y->total_ms) return x->total_ms > y->total_ms ? -1 : 1;
    return strcmp(x->target, y->target);
}

void run_target_add(RunTarget *to, const RunTarget *from)
{
    to->targets = from->targets > to->targets ? from->targets : to->targets;
    to->files += from->files;
    to->bytes += from->bytes;
    to->rows += from->rows > 0 ? from->rows : 0;
    to->total_ms += from->total_ms;
    to->context_ms += from->context_ms;
    to->registration_ms += from->registration_ms;
    to->planning_ms += from->planning_ms;
    to->execution_ms += from->execution_ms;
    to->traversal_ms += from->traversal_ms;
    to->metadata_ms += from->metadata_ms;
}

void run_targets(Arena *arena, const RunTarget *targets, size_t count, Run *run)
{
    RunTarget *sorted = AARRAY(arena, RunTarget, count + 1);
    for (size_t i = 0; i < count; i++) sorted[i] = targets[i];
    if (count > 1) qsort(sorted, count, sizeof *sorted, by_time);
    run->targets = sorted;
    run->target_count = count;
    if (count <= RUN_TARGETS_MAX) return;
    RunTarget rest = {.target = REST};
    for (size_t i = RUN_TARGETS_MAX; i < count; i++) run_target_add(&rest, &sorted[i]);
    rest.targets = count - RUN_TARGETS_MAX;
    sorted[RUN_TARGETS_MAX] = rest;
    run->target_count = RUN_TARGETS_MAX + 1;
}

void run_work_means(RunWork *work)
{
    if (work->wall_ms <= 0) return;
    work->busy_mean = work->busy_ms / work->wall_ms;
    work->bytes_per_s = (double)work->written_bytes / work->wall_ms * 1000;
}
