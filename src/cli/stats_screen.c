/* --stats for who reads it on a terminal: tables that fit it, the most time or bytes first, cut
 * where the rest hardly matters. */
#include "cli/perf_view.h"
#include <stdlib.h>
#include <string.h>

enum { OPS_MOST = 16, TARGETS_MOST = 8 };

/* ---- operations ---- */

static int most_time_first(const void *a, const void *b)
{
    const RunOp *x = *(const RunOp *const *)a, *y = *(const RunOp *const *)b;
    if (x->total_ms != y->total_ms)
        return (x->total_ms < y->total_ms) - (x->total_ms > y->total_ms);
    if (x->count != y->count) return (x->count < y->count) - (x->count > y->count);
    return strcmp(x->name, y->name);
}

static void put_ops(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {"operation", "count", "total", "mean", "max", "by key"};
    static const bool RIGHT[] = {false, true, true, true, true, true};
    enum { COLUMNS = sizeof HEADERS / sizeof *HEADERS };
    Arena *arena = cli->arena;
    const RunOp **ops = AARRAY(arena, const RunOp *, run->op_count + 1);
    Table *table = table_new(arena, HEADERS, RIGHT, RIGHT, COLUMNS);
    for (size_t i = 0; i < run->op_count; i++) ops[i] = &run->ops[i];
    if (run->op_count > 1) qsort(ops, run->op_count, sizeof *ops, most_time_first);
    for (size_t i = 0; i < run->op_count && i < OPS_MOST; i++) {
        const RunOp *op = ops[i];
        bool timed = op->timed > 0;
        const char *cells[COLUMNS] = {op->name,
                                      perf_count_cell(arena, op->count),
                                      timed ? perf_duration_cell(arena, op->total_ms * 1000) : "",
                                      timed ? perf_duration_cell(arena, op->mean_us) : "",
                                      timed ? perf_duration_cell(arena, op->max_us) : "",
                                      op->keys > 0 ? arena_printf(arena, "%.4g", op->per_key) : ""};
        table_add(table, cells);
    }
    (void)table_print_to(table, stderr, cli->color_err);
    if (run->op_count > OPS_MOST)
        (void)fprintf(stderr, "%zu operations more: pond perf report\n", run->op_count - OPS_MOST);
}

/* ---- files ---- */

typedef struct ClassSum {
    uint64_t calls, read_bytes, written_bytes;
} ClassSum;

static void put_class(const Cli *cli, Table *table, OsClass class, const Run *run)
{
    ClassSum sum = {0};
    for (size_t i = 0; i < run->io_count; i++) {
        const RunIo *io = &run->io[i];
        if (strcmp(io->class, os_class_name(class)) != 0) continue;
        sum.calls += io->calls;
        if (strcmp(io->op, os_op_name(OS_READ)) == 0) sum.read_bytes += io->bytes;
        if (strcmp(io->op, os_op_name(OS_WRITE)) == 0) sum.written_bytes += io->bytes;
    }
    if (sum.calls == 0) return;
    const char *cells[] = {os_class_name(class), perf_count_cell(cli->arena, sum.calls),
                           perf_size_cell(cli->arena, sum.read_bytes),
                           perf_size_cell(cli->arena, sum.written_bytes)};
    table_add(table, cells);
}

static void put_files(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {"files", "calls", "read", "written"};
    static const bool RIGHT[] = {false, true, true, true};
    Table *table = table_new(cli->arena, HEADERS, RIGHT, RIGHT, 4);
    for (int class = OS_OTHER + 1; class < OS_CLASS_COUNT; class ++)
        put_class(cli, table, (OsClass) class, run);
    (void)fprintf(stderr, "\n");
    (void)table_print_to(table, stderr, cli->color_err);
    (void)fprintf(stderr, "By call and by file: pond perf io\n");
}

/* ---- caches ---- */

static void put_caches(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {"cache", "asked", "hits", "fetched", "saved"};
    static const bool RIGHT[] = {false, true, true, true, true};
    Arena *arena = cli->arena;
    Table *table = table_new(arena, HEADERS, RIGHT, RIGHT, 5);
    for (size_t i = 0; i < run->cache_count; i++) {
        const RunCache *cache = &run->caches[i];
        if (cache->asked == 0) continue;
        double hits = 100 * (double)cache->hits / (double)cache->asked;
        const char *cells[] = {
            cache->name, perf_count_cell(arena, cache->asked), arena_printf(arena, "%.0f %%", hits),
            perf_count_cell(arena, cache->fetches),
            cache->saved_ms > 0 ? perf_duration_cell(arena, cache->saved_ms * 1000) : ""};
        table_add(table, cells);
    }
    (void)fprintf(stderr, "\n");
    (void)table_print_to(table, stderr, cli->color_err);
}

/* ---- an export ---- */

static void put_targets(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {"target", "total", "plan", "execute", "files", "rows"};
    static const bool RIGHT[] = {false, true, true, true, true, true};
    Arena *arena = cli->arena;
    Table *table = table_new(arena, HEADERS, RIGHT, NULL, 6);
    for (size_t i = 0; i < run->target_count && i < TARGETS_MOST; i++) {
        const RunTarget *target = &run->targets[i];
        const char *cells[] = {text_printable(arena, arena_strdup(arena, target->target)),
                               perf_duration_cell(arena, target->total_ms * 1000),
                               perf_duration_cell(arena, target->planning_ms * 1000),
                               perf_duration_cell(arena, target->execution_ms * 1000),
                               perf_count_cell(arena, target->files),
                               perf_count_cell(arena, (uint64_t)target->rows)};
        table_add(table, cells);
    }
    (void)fprintf(stderr, "\n");
    (void)table_print_to(table, stderr, cli->color_err);
    if (run->target_count > TARGETS_MOST)
        (void)fprintf(stderr, "%zu targets more: pond perf report\n",
                      run->target_count - TARGETS_MOST);
}

void stats_print_screen(const Cli *cli, const Run *run)
{
    Arena *arena = cli->arena;
    (void)fprintf(stderr, "%s, CPU %s, peak %s\n\n",
                  perf_duration_cell(arena, (double)run->duration_us),
                  perf_duration_cell(arena, (double)(run->user_us + run->system_us)),
                  size_format(arena, run->peak_bytes));
    put_ops(cli, run);
    put_files(cli, run);
    if (run->cache_count > 0) put_caches(cli, run);
    if (run->target_count > 0) put_targets(cli, run);
    stats_print_notes(run);
}
