/* The statements of a run, by shape: from the tracker's table, and of several runs as one.
 * Operators and passes stand in lists of their own beside the queries, by shape, so that a record
 * stays flat.
 */
#include "report/report_int.h"
#include <stdlib.h>
#include <string.h>

/* ---- from the table ---- */

static const char *text_or_none(const char *text)
{
    return text != NULL ? text : "";
}

static char *hex16(Arena *arena, uint64_t number)
{
    return arena_printf(arena, "%016llx", (unsigned long long)number);
}

static void take_sums(const PerfQuery *from, RunQuery *to)
{
    to->calls = from->calls;
    to->failed = from->failed;
    to->profiled = from->profiled;
    to->asked = from->asked;
    to->plan_changes = from->plan_changes;
    to->total_ms = from->self_us / 1000;
    to->inner_ms = from->inner_us / 1000;
    to->max_ms = from->max_us / 1000;
    to->cells_most = from->cells_most;
    to->profiled_ms = from->profiled_us / 1000;
    to->planning_ms = from->planning_us / 1000;
    to->optimizer_ms = from->optimizer_us / 1000;
    to->rows = from->rows;
    to->read_bytes = from->read_bytes;
    to->sql_bytes = from->sql_bytes;
    to->versions = from->sources.versions;
    to->versions_read = from->sources.versions_read;
    to->source_rows = from->sources.rows;
    to->source_bytes = from->sources.bytes;
    to->profiled_rows = from->profiled_rows;
    to->profiled_bytes = from->profiled_bytes;
    to->claimed_rows = from->claimed_rows;
    to->claimed_bytes = from->claimed_bytes;
    to->estimate_off = from->estimate_off;
}

static void take_facts(const PerfQuery *from, RunQuery *to)
{
    const PerfProfile *profile = &from->profile;
    to->estimated_rows = profile->estimated_rows;
    to->real_rows = profile->real_rows;
    to->operators = profile->operator_count;
    to->joins = profile->joins;
    to->scans = profile->scans;
    to->feeds = profile->feeds;
    to->files = profile->files;
    to->files_read = profile->files_read;
    to->filters_pushed = profile->filters_pushed;
    to->filters_left = profile->filters_left;
    to->row_groups = profile->row_groups;
    to->row_groups_skipped = profile->row_groups_skipped;
    to->columns = from->sources.columns;
    to->columns_read = profile->columns_read;
    to->logical = text_or_none(from->logical);
    to->optimized = text_or_none(from->optimized);
    to->physical = text_or_none(from->physical);
}

static void take_operators(const PerfQuery *from, const char *shape, Run *run)
{
    const PerfProfile *profile = &from->profile;
    for (size_t i = 0; i < profile->operator_count; i++) {
        const PerfOperator *op = &profile->operators[i];
        run->operators[run->operator_count++] = (RunOperator){.shape = shape,
                                                              .name = op->name,
                                                              .detail = text_or_none(op->detail),
                                                              .depth = op->depth,
                                                              .rows = op->rows,
                                                              .estimate = op->estimate,
                                                              .self_ms = op->self_us / 1000};
    }
}

/* Those that took a hundredth of all; the rest is one. */
static void take_passes(const PerfQuery *from, const char *shape, Run *run)
{
    const PerfProfile *profile = &from->profile;
    double sum_us = 0, rest_us = 0;
    for (size_t i = 0; i < profile->pass_count; i++) sum_us += profile->passes[i].us;
    for (size_t i = 0; i < profile->pass_count; i++) {
        const PerfPass *pass = &profile->passes[i];
        if (pass->us * 100 < sum_us)
            rest_us += pass->us;
        else
            run->passes[run->pass_count++] = (RunPass){shape, pass->name, pass->us / 1000};
    }
    if (rest_us > 0) run->passes[run->pass_count++] = (RunPass){shape, "others", rest_us / 1000};
}

void run_queries(Arena *arena, Run *run)
{
    PerfQuery *queries;
    size_t operators = 0, passes = 0;
    perf_read_queries(arena, &queries, &run->query_count, &run->queries_left_out);
    for (size_t i = 0; i < run->query_count; i++) {
        operators += queries[i].profile.operator_count;
        passes += queries[i].profile.pass_count + 1;
    }
    run->queries = AARRAY(arena, RunQuery, run->query_count + 1);
    run->operators = AARRAY(arena, RunOperator, operators + 1);
    run->passes = AARRAY(arena, RunPass, passes + 1);
    for (size_t i = 0; i < run->query_count; i++) {
        const PerfQuery *from = &queries[i];
        RunQuery *to = &run->queries[i];
        to->shape = hex16(arena, from->shape);
        to->plan = from->profiled > 0 ? hex16(arena, from->profile.plan) : "";
        to->plan_before = "";
        to->text = text_or_none(from->text);
        take_sums(from, to);
        take_facts(from, to);
        take_operators(from, to->shape, run);
        take_passes(from, to->shape, run);
    }
}

/* ---- of several runs ---- */

typedef struct Sum {
    RunQuery query;
    const Run *facts_of; /* the newest run with a profile of it */
} Sum;

static void add_sums(RunQuery *to, const RunQuery *from)
{
    to->calls += from->calls;
    to->failed += from->failed;
    to->profiled += from->profiled;
    to->asked += from->asked;
    to->plan_changes += from->plan_changes;
    to->total_ms += from->total_ms;
    to->inner_ms += from->inner_ms;
    to->profiled_ms += from->profiled_ms;
    to->planning_ms += from->planning_ms;
    to->optimizer_ms += from->optimizer_ms;
    to->rows += from->rows;
    to->read_bytes += from->read_bytes;
    to->versions += from->versions;
    to->versions_read += from->versions_read;
    to->source_rows += from->source_rows;
    to->source_bytes += from->source_bytes;
    to->profiled_rows += from->profiled_rows;
    to->profiled_bytes += from->profiled_bytes;
    to->claimed_rows += from->claimed_rows;
    to->claimed_bytes += from->claimed_bytes;
    if (from->max_ms > to->max_ms) to->max_ms = from->max_ms;
    if (from->cells_most > to->cells_most) to->cells_most = from->cells_most;
    if (from->estimate_off > to->estimate_off) to->estimate_off = from->estimate_off;
    if (from->sql_bytes > to->sql_bytes) to->sql_bytes = from->sql_bytes;
}

/* Facts of the plan are those of the newest profile, sums those of all. */
static void add_query(Map *sums, const RunQuery *from, const Run *run)
{
    Sum *sum = map_get(sums, from->shape);
    if (sum == NULL) {
        sum = ANEW(sums->arena, Sum);
        *sum = (Sum){.query = *from, .facts_of = run};
        (void)map_put(sums, from->shape, sum);
        return;
    }
    RunQuery before = sum->query;
    bool is_newer = *from->plan != '\0';
    if (is_newer) {
        sum->query = *from;
        sum->facts_of = run;
        add_sums(&sum->query, &before);
    } else {
        add_sums(&sum->query, from);
    }
    bool is_other = is_newer && *before.plan != '\0' && strcmp(before.plan, from->plan) != 0;
    sum->query.plan_changes += is_other;
}

static int by_total(const void *a, const void *b)
{
    const Sum *const *x = a, *const *y = b;
    if ((*x)->query.total_ms != (*y)->query.total_ms)
        return (*x)->query.total_ms > (*y)->query.total_ms ? -1 : 1;
    return strcmp((*x)->query.shape, (*y)->query.shape);
}

static void copy_details(const Sum *sum, Run *to)
{
    const Run *from = sum->facts_of;
    for (size_t i = 0; i < from->operator_count; i++)
        if (strcmp(from->operators[i].shape, sum->query.shape) == 0)
            to->operators[to->operator_count++] = from->operators[i];
    for (size_t i = 0; i < from->pass_count; i++)
        if (strcmp(from->passes[i].shape, sum->query.shape) == 0)
            to->passes[to->pass_count++] = from->passes[i];
}

void run_merge_queries(Arena *arena, const Run *runs, size_t count, Run *out)
{
    Map sums = map_new(arena);
    size_t operators = 0, passes = 0;
    out->queries_left_out = 0;
    for (size_t r = 0; r < count; r++) {
        out->queries_left_out += runs[r].queries_left_out;
        operators += runs[r].operator_count;
        passes += runs[r].pass_count;
        for (size_t i = 0; i < runs[r].query_count; i++)
            add_query(&sums, &runs[r].queries[i], &runs[r]);
    }
    Sum **sorted = AARRAY(arena, Sum *, sums.count + 1);
    for (size_t i = 0; i < sums.count; i++) sorted[i] = sums.entries[i].value;
    if (sums.count > 1) qsort(sorted, sums.count, sizeof *sorted, by_total);
    out->queries = AARRAY(arena, RunQuery, sums.count + 1);
    out->operators = AARRAY(arena, RunOperator, operators + 1);
    out->passes = AARRAY(arena, RunPass, passes + 1);
    out->query_count = sums.count;
    out->operator_count = out->pass_count = 0;
    for (size_t i = 0; i < sums.count; i++) {
        out->queries[i] = sorted[i]->query;
        copy_details(sorted[i], out);
    }
}

/* ---- what is kept ---- */

/* Their shape is not among those kept. */
static bool is_kept(const Run *run, const char *shape)
{
    for (size_t i = 0; i < run->query_count; i++)
        if (strcmp(run->queries[i].shape, shape) == 0) return true;
    return false;
}

/* Lists go query by query: what is of a query that is left out stands at their ends. */
void run_trim_queries(Arena *arena, Run *run)
{
    for (size_t i = RUN_QUERIES_MOST; i < run->query_count; i++)
        run->queries_left_out += run->queries[i].calls;
    if (run->query_count > RUN_QUERIES_MOST) run->query_count = RUN_QUERIES_MOST;
    RunQuery *queries = arena_memdup(arena, run->queries, run->query_count * sizeof *queries);
    for (size_t i = 0; i < run->query_count; i++)
        queries[i].logical = queries[i].optimized = queries[i].physical = "";
    run->queries = queries;
    while (run->operator_count > 0 &&
           (run->operator_count > RUN_OPERATORS_MOST ||
            !is_kept(run, run->operators[run->operator_count - 1].shape)))
        run->operator_count--;
    while (run->pass_count > 0 && (run->pass_count > RUN_PASSES_MOST ||
                                   !is_kept(run, run->passes[run->pass_count - 1].shape)))
        run->pass_count--;
}
