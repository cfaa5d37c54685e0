/* From counters to a Run. Times are in ticks below and leave here in milli- and microseconds;
 * totals of sampled operations are scaled to all calls. */
#include "perf/ops.h"
#include "report/report_int.h"
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double us(double ns)
{
    return ns / 1000;
}

void run_op_times(RunOp *op)
{
    const PerfHist *hist = op->hist;
    double mean = hist->sum_ns / (double)hist->count;
    op->timed = hist->count;
    op->mean_us = us(mean);
    op->total_ms = mean * (double)op->count / 1e6;
    op->min_us = us(hist->min_ns);
    op->max_us = us(hist->max_ns);
    op->p50_us = us(perf_hist_quantile(hist, 0.5));
    op->p90_us = us(perf_hist_quantile(hist, 0.9));
    op->p99_us = us(perf_hist_quantile(hist, 0.99));
}

static void snapshot_ops(Arena *arena, Run *run)
{
    SCRATCH(scratch);
    PerfKeys *keys = AARRAY(scratch, PerfKeys, PERF_OP_COUNT);
    perf_read_keys(keys);
    run->ops = AARRAY(arena, RunOp, PERF_OP_COUNT);
    for (size_t i = 0; i < PERF_OP_COUNT; i++) {
        const PerfOpInfo *info = perf_op_at(i);
        RunOp op = {.name = info->name, .layer = info->layer, .unit = info->unit};
        op.count = perf_read(info->op);
        if (op.count == 0) continue;
        op.hist = perf_read_times(arena, info->op);
        if (op.hist != NULL) run_op_times(&op);
        const PerfKeys *k = &keys[info->op];
        op.keyed = k->calls;
        op.keys = k->distinct;
        op.most = k->most;
        op.per_key = k->per_key;
        op.keys_sampled_1_in = k->sampled_1_in;
        run->ops[run->op_count++] = op;
    }
}

static void snapshot_io(Arena *arena, Run *run)
{
    run->io = AARRAY(arena, RunIo, OS_ORIGIN_COUNT * OS_CLASS_COUNT * OS_OP_COUNT);
    for (int origin = 0; origin < OS_ORIGIN_COUNT; origin++) {
        for (int class = 0; class < OS_CLASS_COUNT; class ++) {
            for (int op = 0; op < OS_OP_COUNT; op++) {
                OsCount count = os_count((OsOrigin)origin, (OsClass) class, (OsOp)op);
                if (count.calls == 0) continue;
                run->io[run->io_count++] = (RunIo){origin == OS_OURS ? RUN_BY_POND : RUN_BY_ENGINE,
                                                   os_class_name((OsClass) class),
                                                   os_op_name((OsOp)op), count.calls, count.bytes};
            }
        }
    }
}

static void snapshot_files(Arena *arena, Run *run)
{
    OsPathCount *paths;
    double ns_per_tick = perf_clock().ns_per_tick;
    os_path_counts(arena, &paths, &run->file_count, &run->files_left_out);
    run->files = AARRAY(arena, RunFile, run->file_count);
    for (size_t i = 0; i < run->file_count; i++) {
        const OsPathCount *from = &paths[i];
        run->files[i] = (RunFile){.path = from->path,
                                  .class = os_class_name(from->class),
                                  .opens = from->opens,
                                  .reads = from->reads,
                                  .writes = from->writes,
                                  .read_bytes = from->read_bytes,
                                  .written_bytes = from->written_bytes,
                                  .footers = from->footers,
                                  .size_bytes = from->size_bytes,
                                  .total_ms = (double)from->ticks * ns_per_tick / 1e6};
    }
}

static void snapshot_process(Arena *arena, Run *run)
{
    struct rusage used = {0};
    (void)getrusage(RUSAGE_SELF, &used);
    run->user_us = (int64_t)used.ru_utime.tv_sec * US_PER_SECOND + used.ru_utime.tv_usec;
    run->system_us = (int64_t)used.ru_stime.tv_sec * US_PER_SECOND + used.ru_stime.tv_usec;
    run->peak_bytes = (int64_t)used.ru_maxrss * 1024;
    run->pid = getpid();
    run->host = os_hostname();
    run->version = POND_VERSION;
    run->level = perf_level_name(perf_level());
    run->toggles_off = toggles_off_list(arena);
    run->id = report_random_id(arena);
}

static void snapshot_spans(Run *run)
{
    PerfSpanCounts counts = perf_count_spans();
    run->spans = counts.held;
    run->spans_dropped = counts.dropped;
    run->rings = counts.rings;
    run->rings_anonymous = counts.anonymous;
}

void run_snapshot(Arena *arena, const RunContext *context, Run *out)
{
    Run run = {.command = context->command, .begun = context->begun, .status = context->status};
    run.duration_us = os_monotonic_us() - context->begun_monotonic_us;
    snapshot_process(arena, &run);
    snapshot_ops(arena, &run);
    snapshot_io(arena, &run);
    snapshot_files(arena, &run);
    run_caches(arena, &run);
    run_queries(arena, &run);
    run_targets(arena, context->targets, context->target_count, &run);
    run.work = AARRAY(arena, RunWork, context->work_count + 1);
    for (size_t i = 0; i < context->work_count; i++) {
        run.work[run.work_count] = context->work[i];
        run_work_means(&run.work[run.work_count++]);
    }
    snapshot_spans(&run);
    *out = run;
}

const RunOp *run_op(const Run *run, const char *name)
{
    for (size_t i = 0; i < run->op_count; i++) {
        if (strcmp(run->ops[i].name, name) == 0) return &run->ops[i];
    }
    return NULL;
}

char *report_random_id(Arena *arena)
{
    uint64_t random;
    os_random(&random, sizeof random);
    return arena_printf(arena, "%016llx", (unsigned long long)random);
}
