/* Many commits under a clock of our own, and what each cost: file calls and bytes of ours and of
 * the engine's, rows read and rewritten. Costs are counts, so they do not depend on the machine. */
#pragma once
#include "perf/ops.h"
#include "tlogfs/tlog_check.h"

typedef struct Cost {
    double opens, calls, bytes, rows;
} Cost;

typedef struct SoakWindow {
    int64_t first, last;   /* commits, from 1; the init is none */
    Cost all, checkpoints; /* sums */
    int64_t commits, checkpoint_commits;
} SoakWindow;

typedef struct Soak {
    int64_t commits;
    int64_t step_us; /* of the clock, a commit */
    SoakWindow *windows;
    size_t window_count;
    int64_t live_max, tail_max;
} Soak;

static TimeUs soak_now;
static TimeUs soak_clock(void *context)
{
    (void)context;
    return soak_now++;
}

static inline Cost cost_now(void)
{
    Cost cost = {.rows = (double)(perf_read(PERF_log_row_read) + perf_read(PERF_merge_row))};
    for (int class = OS_LOG; class < OS_CLASS_COUNT; class ++) {
        for (int origin = 0; origin < OS_ORIGIN_COUNT; origin++) {
            for (int op = 0; op < OS_OP_COUNT; op++) {
                OsCount count = os_count((OsOrigin)origin, (OsClass) class, (OsOp)op);
                cost.calls += (double)count.calls;
                cost.bytes += (double)count.bytes;
                if (op == OS_OPEN) cost.opens += (double)count.calls;
            }
        }
    }
    return cost;
}

static inline void cost_add(Cost *to, const Cost *before, const Cost *after)
{
    to->opens += after->opens - before->opens;
    to->calls += after->calls - before->calls;
    to->bytes += after->bytes - before->bytes;
    to->rows += after->rows - before->rows;
}

/* One commit that appends a line to one of ten series; the checkpoint when it is due. */
static inline bool soak_commit(Tlog *tlog, const NodeId *series, int64_t number)
{
    Arena *outer = arena;
    SCRATCH(scratch);
    arena = scratch;
    OK(tlog_begin(tlog));
    (void)append_text(tlog, series[number % 10],
                      arena_printf(arena, "reading number %08" PRId64, number));
    (void)commit(tlog);
    bool due = tlog_checkpoint_due(tlog);
    TlogCheckpoint done;
    if (due) OK(tlog_checkpoint(tlog, false, &done));
    arena = outer;
    return due;
}

static inline void soak_note(Soak *soak, int64_t number, bool checkpoint, const Cost *before)
{
    Cost after = cost_now();
    for (size_t i = 0; i < soak->window_count; i++) {
        SoakWindow *window = &soak->windows[i];
        if (number < window->first || number > window->last) continue;
        cost_add(&window->all, before, &after);
        window->commits++;
        if (!checkpoint) continue;
        cost_add(&window->checkpoints, before, &after);
        window->checkpoint_commits++;
    }
}

static inline void soak_run(Tlog *tlog, Soak *soak)
{
    NodeId series[10];
    soak_now = 1700000000 * US_PER_SECOND;
    os_clock_set(soak_clock, NULL);
    OK(tlog_begin(tlog));
    for (int i = 0; i < 10; i++) {
        series[i] = make(tlog, NODE_ROOT, arena_printf(arena, "s%d", i), ENTRY_DATA_SERIES).id;
    }
    (void)commit(tlog);
    for (int64_t number = 1; number <= soak->commits; number++) {
        soak_now += soak->step_us;
        Cost before = cost_now();
        bool checkpoint = soak_commit(tlog, series, number);
        soak_note(soak, number, checkpoint, &before);
        const TlogInfo *info = tlog_info(tlog);
        int64_t tail = info->log_version - info->checkpoint_version;
        if (info->log_files > soak->live_max) soak->live_max = info->log_files;
        if (tail > soak->tail_max) soak->tail_max = tail;
    }
}

static inline void print_cost(const char *what, const Cost *sum, int64_t n)
{
    double d = (double)(n == 0 ? 1 : n);
    print_message("# %-28s %6" PRId64 " commits: %8.2f opens %8.2f calls %10.0f bytes %8.2f rows\n",
                  what, n, sum->opens / d, sum->calls / d, sum->bytes / d, sum->rows / d);
}

static inline void near(const char *what, double a, double b)
{
    double ratio = a == 0 ? 1 : b / a;
    if (ratio < 0.9 || ratio > 1.1)
        fail_msg("%s: %.2f and %.2f differ by more than 10 %%", what, a, b);
}

static inline void same_cost(const char *what, const Cost *a, int64_t n, const Cost *b, int64_t m)
{
    print_cost(what, a, n);
    print_cost(what, b, m);
    assert_true(n > 0 && m > 0);
    near("opens", a->opens / (double)n, b->opens / (double)m);
    near("calls", a->calls / (double)n, b->calls / (double)m);
    near("bytes", a->bytes / (double)n, b->bytes / (double)m);
    near("rows", a->rows / (double)n, b->rows / (double)m);
}

/* Opening without any index reads at most 12 log objects and 64 data files. */
static inline void check_cold_open(void)
{
    OK(os_remove_tree(path_join(arena, pond, "cache")));
    uint64_t entries = perf_read(PERF_log_entry_open), files = perf_read(PERF_log_file_read);
    uint64_t opens = os_count(OS_OURS, OS_LOG, OS_OPEN).calls,
             engine = os_count(OS_ENGINE, OS_LOG, OS_OPEN).calls;
    Tlog *cold = open_pond();
    opens = os_count(OS_OURS, OS_LOG, OS_OPEN).calls - opens;
    engine = os_count(OS_ENGINE, OS_LOG, OS_OPEN).calls - engine;
    files = perf_read(PERF_log_file_read) - files;
    entries = perf_read(PERF_log_entry_open) - entries;
    print_message(
        "# cold open: %d entries, %d data files, %d opens of ours and %d of the engine's in log/\n",
        (int)entries, (int)files, (int)opens, (int)engine);
    assert_true(files <= 64);
    /* hint, entries; the checkpoint is the engine's; each data file once, for its hash */
    assert_true(opens - files <= 12);
    assert_true(entries + 2 <= 12);
    tlog_close_at(&cold);
}
