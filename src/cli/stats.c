/* --stats: a run as a table on stderr, since stdout belongs to the result. All of it, one line
 * each: name, layer, count, then times or bytes, so that scripts can take the first three words. */
#include "cli/cli.h"
#include <string.h>
#include <unistd.h>

static char *duration_text(Arena *arena, double us)
{
    if (us < 1000) return arena_printf(arena, "%.3gus", us);
    if (us < 1e6) return arena_printf(arena, "%.3gms", us / 1000);
    return arena_printf(arena, "%.4gs", us / 1e6);
}

static void put_op(const RunOp *op)
{
    SCRATCH(scratch);
    int known = perf_op_by_name(op->name);
    (void)fprintf(stderr, "%-32s %-10s %12llu", op->name, op->layer, (unsigned long long)op->count);
    if (op->timed > 0)
        (void)fprintf(stderr, " %9s %9s %9s %9s", duration_text(scratch, op->total_ms * 1000),
                      duration_text(scratch, op->p50_us), duration_text(scratch, op->p99_us),
                      duration_text(scratch, op->max_us));
    else
        (void)fprintf(stderr, " %39s", "");
    if (op->keys > 0)
        (void)fprintf(stderr, " %7.4g", op->per_key);
    else
        (void)fprintf(stderr, " %7s", "");
    (void)fprintf(stderr, "  %s\n", known >= 0 ? perf_op_info((PerfOp)known)->text : "");
}

static void put_io(const RunIo *io)
{
    SCRATCH(scratch);
    char *name = arena_printf(scratch, "%s %s (%s)", io->op, io->class, io->origin);
    (void)fprintf(stderr, "%-32s %-10s %12llu %9s\n", name, "os", (unsigned long long)io->calls,
                  io->bytes > 0 ? size_format(scratch, (int64_t)io->bytes) : "");
}

static void put_cache(const RunCache *cache)
{
    SCRATCH(scratch);
    (void)fprintf(stderr, "%-32s %-10s %12llu ", arena_printf(scratch, "%s (cache)", cache->name),
                  cache->layer, (unsigned long long)cache->asked);
    if (cache->asked > 0)
        (void)fprintf(stderr, " %.1f%% hits", 100.0 * (double)cache->hits / (double)cache->asked);
    (void)fprintf(stderr, " %llu fetched", (unsigned long long)cache->fetches);
    if (cache->evictions > 0)
        (void)fprintf(stderr, ", %llu evicted, %llu missed again",
                      (unsigned long long)cache->evictions, (unsigned long long)cache->ghost_hits);
    if (cache->saved_ms > 0)
        (void)fprintf(stderr, ", %s saved", duration_text(scratch, cache->saved_ms * 1000));
    (void)fprintf(stderr, "\n");
}

static void put_changed_plan(const RunQuery *query)
{
    if (*query->plan_before != '\0')
        (void)fprintf(stderr, "statement %s has another plan than before: pond perf plans %s\n",
                      query->shape, query->shape);
}

static void put_targets(const Run *run)
{
    if (run->target_count == 0) return;
    (void)fprintf(stderr, "%-32s %9s %9s %9s %9s %9s %9s %9s\n", "target", "total", "context",
                  "register", "plan", "execute", "traverse", "metadata");
    for (size_t i = 0; i < run->target_count; i++) {
        SCRATCH(scratch);
        const RunTarget *target = &run->targets[i];
        const double parts[] = {target->total_ms,    target->context_ms,   target->registration_ms,
                                target->planning_ms, target->execution_ms, target->traversal_ms,
                                target->metadata_ms};
        (void)fprintf(stderr, "%-32s",
                      text_printable(scratch, arena_strdup(scratch, target->target)));
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
            (void)fprintf(stderr, " %9s", duration_text(scratch, parts[p] * 1000));
        (void)fprintf(stderr, "\n");
    }
}

static void put_work(const RunWork *work)
{
    SCRATCH(scratch);
    (void)fprintf(stderr,
                  "%s: %llu jobs by %llu workers, %.2f busy on average, %llu at most\n"
                  "%s written in %s, %s/s\n",
                  work->name, (unsigned long long)work->jobs, (unsigned long long)work->threads,
                  work->busy_mean, (unsigned long long)work->busy_most,
                  size_format(scratch, (int64_t)work->written_bytes),
                  duration_text(scratch, work->wall_ms * 1000),
                  size_format(scratch, (int64_t)work->bytes_per_s));
}

void stats_print_notes(const Run *run)
{
    for (size_t i = 0; i < run->query_count; i++) put_changed_plan(&run->queries[i]);
    for (size_t i = 0; i < run->work_count; i++) put_work(&run->work[i]);
    if (run->spans_dropped > 0)
        (void)fprintf(stderr, "%llu spans did not fit into the rings\n",
                      (unsigned long long)run->spans_dropped);
}

static void print_table(const Run *run)
{
    (void)fprintf(stderr, "%-32s %-10s %12s %9s %9s %9s %9s %7s\n", "operation", "layer", "count",
                  "total", "p50", "p99", "max", "by key");
    for (size_t i = 0; i < run->op_count; i++) put_op(&run->ops[i]);
    for (size_t i = 0; i < run->io_count; i++) {
        if (strcmp(run->io[i].class, os_class_name(OS_OTHER)) != 0) put_io(&run->io[i]);
    }
    for (size_t i = 0; i < run->cache_count; i++) put_cache(&run->caches[i]);
    put_targets(run);
    stats_print_notes(run);
}

/* {"stats":...} and a new line. */
static Buf account_of(const Cli *cli, const Run *run)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_key(&json, "stats");
    run_to_json(&json, run);
    json_end(&json);
    buf_putc(&text, '\n');
    return text;
}

void stats_print(const Cli *cli, const Run *run)
{
    (void)fflush(stdout);
    if (cli->json)
        (void)fprintf(stderr, "%s", account_of(cli, run).data);
    else if (isatty(STDERR_FILENO))
        stats_print_screen(cli, run);
    else
        print_table(run);
}

/* One write, so that the lines of several processes stay whole. */
static Err *append(const char *path, const Buf *text)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    TRY(os_open_append(path, &file));
    return os_write(file, text->data, text->size);
}

void stats_append(const Cli *cli, const Run *run, const char *path)
{
    Buf text = account_of(cli, run);
    Err *err = append(path, &text);
    if (err != NULL) log_warn("POND_STATS: %s", err_message(err));
    err_free(err);
}
