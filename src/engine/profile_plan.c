/* The three plans of a statement, from EXPLAIN with explain_output=all: what the binder made of the
 * text, what the optimiser made of that, and what runs. Each as lines, an operator each, indented
 * by depth: NAME what it works on ~estimated rows.
 *
 * It costs a plan and the reading of footers, so it is asked for once a shape. The setting is put
 * back, since engine_explain shows only what runs. */
#include "engine/profile_int.h"
#include "perf/ops.h"
#include <string.h>

/* ---- text of a plan ---- */

static const char *fact_value(Arena *arena, const Json *value)
{
    Buf text = buf_new(arena);
    if (value->kind == JSON_STRING) return value->string;
    for (size_t i = 0; value->kind == JSON_ARRAY && i < value->count; i++)
        buf_printf(&text, "%s%s", i > 0 ? "\n" : "",
                   value->items[i].kind == JSON_STRING ? value->items[i].string : "");
    return text.data;
}

static PlanInfo facts_of(Arena *arena, const Json *node)
{
    PlanInfo info = {0};
    const Json *facts = json_get(node, "extra_info");
    for (size_t i = 0; facts != NULL && facts->kind == JSON_OBJECT && i < facts->count; i++)
        vec_push(arena, &info, ((PlanFact){facts->keys[i], fact_value(arena, &facts->items[i])}));
    return info;
}

static void put_node(Arena *arena, Buf *out, const Json *node, int depth)
{
    PlanInfo info = facts_of(arena, node);
    const char *name = json_str(node, "name", "?");
    const char *detail = plan_info_detail(arena, name, &info);
    const char *estimate = plan_info_get(&info, "Estimated Cardinality");
    buf_printf(out, "%*s%s", 2 * depth, "", plan_operator_name(arena, name));
    if (*detail != '\0') buf_printf(out, " %s", detail);
    if (estimate != NULL) buf_printf(out, " ~%s", estimate);
    buf_putc(out, '\n');
    const Json *children = json_get(node, "children");
    for (size_t i = 0; children != NULL && i < children->count; i++)
        put_node(arena, out, &children->items[i], depth + 1);
}

static const char *plan_text(Arena *arena, const char *json_text, size_t size)
{
    const Json *plan = NULL;
    Buf out = buf_new(arena);
    Err *err = json_parse(arena, json_text, size, &plan);
    if (err == NULL && plan->kind == JSON_ARRAY && plan->count == 1)
        put_node(arena, &out, &plan->items[0], 0);
    err_free(err); /* nested too deeply to be shown */
    return out.size > 0 ? out.data : NULL;
}

/* ---- asking ---- */

typedef struct Plans {
    const char *logical, *optimized, *physical;
} Plans;

static void take_rows(Arena *arena, duckdb_data_chunk chunk, Plans *plans)
{
    duckdb_vector keys = ddb.data_chunk_get_vector(chunk, 0),
                  texts = ddb.data_chunk_get_vector(chunk, 1);
    for (size_t row = 0; row < ddb.data_chunk_get_size(chunk); row++) {
        size_t key_size = 0, size = 0;
        const char *key = string_cell(keys, row, &key_size);
        const char *text = string_cell(texts, row, &size);
        const char *name = arena_strndup(arena, key, key_size),
                   *plan = plan_text(arena, text, size);
        if (strcmp(name, "logical_plan") == 0) plans->logical = plan;
        if (strcmp(name, "logical_opt") == 0) plans->optimized = plan;
        if (strcmp(name, "physical_plan") == 0) plans->physical = plan;
    }
}

static bool ask(Arena *arena, const Profile *profile, Plans *plans)
{
    CLEANUP(result_destroy_at) duckdb_result set = {0};
    CLEANUP(result_destroy_at) duckdb_result result = {0};
    duckdb_connection handle = profile->conn->handle;
    if (ddb.query(handle, "SET explain_output = 'all'", &set) != DuckDBSuccess) return false;
    const char *sql = arena_printf(arena, "EXPLAIN (FORMAT json) %s", profile->sql);
    if (ddb.query(handle, sql, &result) != DuckDBSuccess) return false;
    for (duckdb_data_chunk chunk; (chunk = ddb.fetch_chunk(result)) != NULL;
         ddb.destroy_data_chunk(&chunk))
        take_rows(arena, chunk, plans);
    return true;
}

void profile_explain(Profile *profile)
{
    SCRATCH(scratch);
    PERF_SPAN(PERF_engine_explain);
    Plans plans = {0};
    PassVec passes = {0};
    if (ask(scratch, profile, &plans)) {
        duckdb_profiling_info root = ddb.get_profiling_info(profile->conn->handle);
        if (root != NULL) passes = plan_passes(scratch, root);
    }
    perf_query_plans(profile->slot, plans.logical, plans.optimized, plans.physical, passes.v,
                     passes.n);
    CLEANUP(result_destroy_at) duckdb_result reset = {0};
    (void)ddb.query(profile->conn->handle, "RESET explain_output", &reset);
}
