/* pond perf plans: the engine's statements by shape over past runs, what of pruning, pushdown and
 * projection took effect, and of one shape its operators, phases and plans. */
#include "cli/commands.h"
#include "cli/perf_view.h"
#include <string.h>

enum { RUNS_DEFAULT = 20, MISJUDGED = 10, DIGITS_LEAST = 4 };

/* ---- badges ---- */

/* Some of what the scans could have read was left out before it was opened. */
static bool is_pruned(const RunQuery *query)
{
    return query->versions_read < query->versions || query->files_read < query->files;
}

static bool has_filter(const RunQuery *query)
{
    return query->filters_pushed + query->filters_left > 0;
}

static bool knows_columns(const RunQuery *query)
{
    return query->scans > 0 && query->columns > 0;
}

static bool is_projected(const RunQuery *query)
{
    return knows_columns(query) && query->columns_read < query->columns;
}

static bool is_changed(const RunQuery *query)
{
    return query->plan_changes > 0 || *query->plan_before != '\0';
}

typedef struct Badge {
    const char *name;
    bool (*is)(const RunQuery *query);
} Badge;

static bool is_pushed(const RunQuery *query)
{
    return query->filters_pushed > 0 && query->filters_left == 0;
}

static bool is_left(const RunQuery *query)
{
    return query->filters_left > 0;
}

static bool is_misjudged(const RunQuery *query)
{
    return query->estimate_off >= MISJUDGED;
}

static const Badge BADGES[] = {
    {"pruned", is_pruned},       {"pushed", is_pushed},       {"filtered late", is_left},
    {"projected", is_projected}, {"misjudged", is_misjudged}, {"changed", is_changed},
};
enum { BADGE_COUNT = sizeof BADGES / sizeof *BADGES };

static const char *badges_text(Arena *arena, const RunQuery *query)
{
    Buf text = buf_new(arena);
    for (size_t i = 0; i < BADGE_COUNT; i++)
        if (BADGES[i].is(query))
            buf_printf(&text, "%s%s", text.size > 0 ? ", " : "", BADGES[i].name);
    return text.data;
}

/* ---- rates over the runs ---- */

typedef struct Rates {
    uint64_t versions, versions_read;       /* of all statements */
    uint64_t with_filter, pushed;           /* shapes, run by run */
    uint64_t with_columns, projected;       /* the same */
    uint64_t columns, columns_read;         /* of these */
    uint64_t profiled_bytes, claimed_bytes; /* ours and the engine's */
    uint64_t profiled_rows, claimed_rows;
} Rates;

static void add_rates(Rates *rates, const RunQuery *query)
{
    rates->versions += query->versions;
    rates->versions_read += query->versions_read;
    rates->with_filter += has_filter(query);
    rates->pushed += is_pushed(query);
    if (knows_columns(query)) {
        rates->with_columns++;
        rates->projected += is_projected(query);
        rates->columns += query->columns;
        rates->columns_read += query->columns_read;
    }
    if (query->scans == 0) return;
    rates->profiled_bytes += query->profiled_bytes;
    rates->claimed_bytes += query->claimed_bytes;
    rates->profiled_rows += query->profiled_rows;
    rates->claimed_rows += query->claimed_rows;
}

static Rates rates_of(const Chosen *chosen)
{
    Rates rates = {0};
    for (size_t r = 0; r < chosen->count; r++)
        for (size_t i = 0; i < chosen->runs[r].query_count; i++)
            add_rates(&rates, &chosen->runs[r].queries[i]);
    return rates;
}

static void print_rates(const Cli *cli, const Rates *rates)
{
    Arena *arena = cli->arena;
    if (rates->versions > 0)
        out_printf("pruning: %s of %s left out by their times\n",
                   count_format(arena, (int64_t)(rates->versions - rates->versions_read)),
                   count_of(arena, (int64_t)rates->versions, "version"));
    if (rates->with_filter > 0)
        out_printf("pushdown: %s of %s with conditions have all of them in scans\n",
                   count_format(arena, (int64_t)rates->pushed),
                   count_of(arena, (int64_t)rates->with_filter, "plan"));
    if (rates->with_columns > 0)
        out_printf("projection: %s of %s read\n", count_format(arena, (int64_t)rates->columns_read),
                   count_of(arena, (int64_t)rates->columns, "column"));
    if (rates->profiled_bytes != rates->claimed_bytes)
        out_printf("read by scans that were profiled: %s; the engine itself tells %s\n",
                   size_format(arena, (int64_t)rates->profiled_bytes),
                   size_format(arena, (int64_t)rates->claimed_bytes));
    if (rates->profiled_rows > 0 && rates->profiled_rows != rates->claimed_rows)
        out_printf("rows of their sources by the catalog: %s; scanned, as the engine tells: %s\n",
                   count_format(arena, (int64_t)rates->profiled_rows),
                   count_format(arena, (int64_t)rates->claimed_rows));
}

static void rates_json(JsonOut *json, const Rates *rates)
{
    json_begin_object(json);
    json_kv_int(json, "versions", (int64_t)rates->versions);
    json_kv_int(json, "versions_read", (int64_t)rates->versions_read);
    json_kv_int(json, "with_filter", (int64_t)rates->with_filter);
    json_kv_int(json, "pushed", (int64_t)rates->pushed);
    json_kv_int(json, "with_columns", (int64_t)rates->with_columns);
    json_kv_int(json, "projected", (int64_t)rates->projected);
    json_kv_int(json, "columns", (int64_t)rates->columns);
    json_kv_int(json, "columns_read", (int64_t)rates->columns_read);
    json_kv_int(json, "read_bytes", (int64_t)rates->profiled_bytes);
    json_kv_int(json, "claimed_bytes", (int64_t)rates->claimed_bytes);
    json_kv_int(json, "source_rows", (int64_t)rates->profiled_rows);
    json_kv_int(json, "claimed_rows", (int64_t)rates->claimed_rows);
    json_end(json);
}

/* ---- all shapes ---- */

static const char *share_cell(Arena *arena, double part, double whole)
{
    return whole > 0 ? arena_printf(arena, "%.0f%%", 100 * part / whole) : "";
}

static const char *of_cell(Arena *arena, uint64_t part, uint64_t whole)
{
    return whole > 0 ? arena_printf(arena, "%llu/%llu", (unsigned long long)part,
                                    (unsigned long long)whole)
                     : "";
}

static const char *error_cell(Arena *arena, double error)
{
    return error > 0 ? arena_printf(arena, "x%.3g", error) : "";
}

static void print_queries(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {"shape",    "calls",    "total", "mean",
                                          "planning", "rows",     "read",  "versions",
                                          "columns",  "estimate", "what",  "statement"};
    static const bool RIGHT[] = {false, true, true, true, true,  true,
                                 true,  true, true, true, false, false};
    static const bool EXACT[] = {true, true, true, true, true,  true,
                                 true, true, true, true, false, false};
    Arena *arena = cli->arena;
    Table *table = table_new(arena, HEADERS, RIGHT, EXACT, 12);
    for (size_t i = 0; i < run->query_count; i++) {
        const RunQuery *query = &run->queries[i];
        const char *cells[] = {
            query->shape,
            count_format(arena, (int64_t)query->calls),
            perf_duration_cell(arena, query->total_ms * 1000),
            perf_duration_cell(arena, query->total_ms * 1000 / (double)query->calls),
            share_cell(arena, query->planning_ms, query->profiled_ms),
            perf_count_cell(arena, query->rows),
            perf_size_cell(arena, query->read_bytes),
            of_cell(arena, query->versions_read, query->versions),
            query->profiled > 0 ? of_cell(arena, query->columns_read, query->columns) : "",
            error_cell(arena, query->estimate_off),
            badges_text(arena, query),
            text_printable(arena, arena_strdup(arena, query->text))};
        table_add(table, cells);
    }
    (void)table_print(table, cli->color_out);
}

static void print_changes(const Cli *cli, const Run *run)
{
    for (size_t i = 0; i < run->query_count; i++) {
        const RunQuery *query = &run->queries[i];
        if (*query->plan_before != '\0')
            out_printf("changed: %s has plan %s, had %s\n", query->shape, query->plan,
                       query->plan_before);
        else if (query->plan_changes > 0)
            out_printf("changed: %s had %s\n", query->shape,
                       count_of(cli->arena, (int64_t)query->plan_changes + 1, "plan"));
    }
}

static Run only_queries(const Run *run)
{
    Run only = *run;
    only.op_count = only.io_count = only.file_count = only.cache_count = 0;
    return only;
}

static void print_all(const Cli *cli, const Chosen *chosen)
{
    perf_print_head(cli, chosen);
    if (chosen->sum.query_count == 0) {
        out_printf("No statement was given to the engine\n");
        return;
    }
    Rates rates = rates_of(chosen);
    print_queries(cli, &chosen->sum);
    out_printf("\n");
    print_rates(cli, &rates);
    print_changes(cli, &chosen->sum);
    if (chosen->sum.queries_left_out > 0)
        out_printf("%s of further shapes\n",
                   count_of(cli->arena, (int64_t)chosen->sum.queries_left_out, "statement"));
}

/* ---- one shape ---- */

static Err *find_shape(const Run *run, const char *digits, const RunQuery **out)
{
    const RunQuery *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < run->query_count; i++) {
        if (strlen(digits) < DIGITS_LEAST || !text_starts(run->queries[i].shape, digits)) continue;
        found = &run->queries[i];
        count++;
    }
    if (count == 0)
        return err_hint(ERR(NOT_FOUND, "no shape '%s' in these runs", digits),
                        "pond perf plans lists them; --last N looks further back");
    if (count > 1)
        return err_hint(ERR(USAGE, "'%s' begins %zu shapes", digits, count), "give more digits");
    *out = found;
    return NULL;
}

static void only_shape(Arena *arena, const RunQuery *query, Run *run)
{
    RunOperator *operators = AARRAY(arena, RunOperator, run->operator_count + 1);
    RunPass *passes = AARRAY(arena, RunPass, run->pass_count + 1);
    size_t operator_count = 0, pass_count = 0;
    for (size_t i = 0; i < run->operator_count; i++)
        if (strcmp(run->operators[i].shape, query->shape) == 0)
            operators[operator_count++] = run->operators[i];
    for (size_t i = 0; i < run->pass_count; i++)
        if (strcmp(run->passes[i].shape, query->shape) == 0) passes[pass_count++] = run->passes[i];
    run->queries = arena_memdup(arena, query, sizeof *query);
    run->query_count = 1;
    run->operators = operators;
    run->operator_count = operator_count;
    run->passes = passes;
    run->pass_count = pass_count;
}

static void print_operators(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {"operator", "self",   "share", "rows",
                                          "estimate", "off by", "on"};
    static const bool RIGHT[] = {false, true, true, true, true, true, false};
    static const bool EXACT[] = {true, true, true, true, true, true, false};
    Arena *arena = cli->arena;
    double sum_ms = 0;
    Table *table = table_new(arena, HEADERS, RIGHT, EXACT, 7);
    for (size_t i = 0; i < run->operator_count; i++) sum_ms += run->operators[i].self_ms;
    for (size_t i = 0; i < run->operator_count; i++) {
        const RunOperator *op = &run->operators[i];
        double estimate = op->estimate > 0 ? (double)op->estimate : 1;
        double rows = op->rows > 0 ? (double)op->rows : 1;
        double error = estimate > rows ? estimate / rows : rows / estimate;
        const char *cells[] = {arena_printf(arena, "%*s%s", 2 * (int)op->depth, "", op->name),
                               perf_duration_cell(arena, op->self_ms * 1000),
                               share_cell(arena, op->self_ms, sum_ms),
                               count_format(arena, (int64_t)op->rows),
                               op->estimate >= 0 ? count_format(arena, op->estimate) : "",
                               op->estimate >= 0 ? error_cell(arena, error) : "",
                               text_printable(arena, arena_strdup(arena, op->detail))};
        table_add(table, cells);
    }
    if (run->operator_count > 0) (void)table_print(table, cli->color_out);
}

static void print_passes(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {"phase", "time"};
    static const bool RIGHT[] = {false, true};
    Table *table = table_new(cli->arena, HEADERS, RIGHT, NULL, 2);
    for (size_t i = 0; i < run->pass_count; i++) {
        const char *cells[] = {run->passes[i].name,
                               perf_duration_cell(cli->arena, run->passes[i].ms * 1000)};
        table_add(table, cells);
    }
    if (run->pass_count == 0) return;
    out_printf("\n");
    (void)table_print(table, cli->color_out);
}

static void print_figures(const Cli *cli, const RunQuery *query)
{
    Arena *arena = cli->arena;
    out_printf("%s\n\n", query->text);
    out_printf("%s, %s of them profiled, %s failed; %s, longest %s, %s in statements inside\n",
               count_of(arena, (int64_t)query->calls, "call"),
               count_format(arena, (int64_t)query->profiled),
               count_format(arena, (int64_t)query->failed),
               perf_duration_cell(arena, query->total_ms * 1000),
               perf_duration_cell(arena, query->max_ms * 1000),
               perf_duration_cell(arena, query->inner_ms * 1000));
    out_printf("planning %s of %s, the optimizer %s of it\n",
               perf_duration_cell(arena, query->planning_ms * 1000),
               perf_duration_cell(arena, query->profiled_ms * 1000),
               perf_duration_cell(arena, query->optimizer_ms * 1000));
    out_printf("%s, %s, %s, %s of SQL; %s estimated, %s real\n",
               count_of(arena, (int64_t)query->operators, "operator"),
               count_of(arena, (int64_t)query->joins, "join"),
               count_of(arena, (int64_t)query->columns_read, "column"),
               size_format(arena, (int64_t)query->sql_bytes),
               count_of(arena, (int64_t)query->estimated_rows, "row"),
               count_format(arena, (int64_t)query->real_rows));
    if (query->row_groups > 0)
        out_printf("%s of %s skipped by conditions\n",
                   count_format(arena, (int64_t)query->row_groups_skipped),
                   count_of(arena, (int64_t)query->row_groups, "row group"));
    out_printf("%s\n\n", badges_text(arena, query));
}

/* The newest line of the plan that has its text: with `all` those of all three. */
static const StoredPlan *stored(const StoredPlans *plans, const char *plan, bool all)
{
    for (size_t i = plans->count; i-- > 0;) {
        const StoredPlan *found = &plans->plans[i];
        if (strcmp(found->plan, plan) == 0 && *found->physical != '\0' &&
            (!all || *found->logical != '\0'))
            return found;
    }
    return NULL;
}

static void print_plan(const char *what, const char *text)
{
    if (*text != '\0') out_printf("\n%s plan\n%s", what, text);
}

static void print_plans(const RunQuery *query, const StoredPlans *plans)
{
    const StoredPlan *now = stored(plans, query->plan, false),
                     *full = stored(plans, query->plan, true),
                     *before = stored(plans, query->plan_before, false);
    if (full != NULL) {
        print_plan("logical", full->logical);
        print_plan("optimized", full->optimized);
    }
    if (now != NULL) print_plan("physical", now->physical);
    if (before != NULL) print_plan("physical plan before, the", before->physical);
    if (now != NULL && full == NULL)
        out_printf("\nThe logical and the optimized plan are kept when the command runs with "
                   "--plans all\n");
}

static void plans_json(JsonOut *json, const StoredPlans *plans, const char *shape)
{
    json_begin_array(json);
    for (size_t i = 0; i < plans->count; i++) {
        const StoredPlan *plan = &plans->plans[i];
        if (shape == NULL || strcmp(plan->shape, shape) != 0) continue;
        json_begin_object(json);
        json_kv_str(json, "plan", plan->plan);
        json_kv_str(json, "run", plan->run);
        json_kv_int(json, "begun_us", plan->begun);
        json_kv_str(json, "logical", plan->logical);
        json_kv_str(json, "optimized", plan->optimized);
        json_kv_str(json, "physical", plan->physical);
        json_end(json);
    }
    json_end(json);
}

/* ---- which ---- */

static void print_json(const Cli *cli, const Chosen *chosen, const Run *run,
                       const StoredPlans *plans, const char *shape)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    Rates rates = rates_of(chosen);
    json_begin_object(&json);
    json_key(&json, "run");
    run_to_json(&json, run);
    json_key(&json, "rates");
    rates_json(&json, &rates);
    json_key(&json, "plans");
    plans_json(&json, plans, shape);
    json_end(&json);
    out_json(&text);
}

static void read_plans(const Cli *cli, StoredPlans *out)
{
    plans_read(cli->arena, pond_info(cli->pond)->dir, out);
    if (out->damaged > 0)
        log_warn("%s/history/plans: %s damaged and passed by", pond_info(cli->pond)->dir,
                 count_of(cli->arena, (int64_t)out->damaged, "line"));
}

Err *perf_show_plans(Cli *cli)
{
    Chosen chosen;
    StoredPlans plans;
    const RunQuery *query = NULL;
    TRY(perf_choose(cli, RUNS_DEFAULT, &chosen));
    Run run = only_queries(&chosen.sum);
    if (cli->arg_count > 0) {
        TRY(find_shape(&run, cli->args[0], &query));
        only_shape(cli->arena, query, &run);
    }
    read_plans(cli, &plans);
    if (cli->json) {
        print_json(cli, &chosen, &run, &plans, query != NULL ? query->shape : NULL);
    } else if (query == NULL) {
        print_all(cli, &chosen);
    } else {
        print_figures(cli, query);
        print_operators(cli, &run);
        print_passes(cli, &run);
        print_plans(query, &plans);
    }
    return NULL;
}
