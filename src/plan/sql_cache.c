/* Answers about user SQL in the cache: {"volatile", "used": [...], "schema": [...], "whole": why or
 * null, "grids": [[width, origin, months], ...], "steps", "sorts", "steady", "ordered"}. What does
 * not read back so is asked again. */
#include "perf/ops.h"
#include "plan/plan_int.h"
#include <string.h>

static const char CACHE_KIND[] = "sql-answer";

enum { ANSWER_REVISION = 2 }; /* of what is asked: the check for time-locality above all */

void sql_answer_key(const Rel *rel, char out_hex[65])
{
    SCRATCH(scratch);
    Sha256 *hash = sha256_new(scratch);
    sha256_add_int(hash, ANSWER_REVISION);
    sha256_add_text(hash, rel->sql.query);
    sha256_add_int(hash, (int64_t)rel->input_count);
    for (size_t i = 0; i < rel->input_count; i++) {
        const RelFacts *input = rel->inputs[i]->facts;
        sha256_add_text(hash, rel->sql.names[i]);
        sha256_add_int(hash, input->time_index);
        sha256_add_int(hash, (int64_t)input->time_unit);
        sha256_add_int(hash, (int64_t)input->schema.count);
        for (size_t j = 0; j < input->schema.count; j++) {
            sha256_add_text(hash, input->schema.columns[j].name);
            sha256_add_text(hash, input->schema.columns[j].type);
        }
    }
    sha256_hex(hash, out_hex);
}

/* ---- writing ---- */

static void put_local(JsonOut *json, const SqlLocal *local)
{
    json_kv_str(json, "whole", local->why_whole);
    json_kv_int(json, "steps", local->steps);
    json_kv_bool(json, "sorts", local->sorts_inputs);
    json_kv_bool(json, "steady", local->is_steady);
    json_kv_bool(json, "ordered", local->is_in_order);
    json_key(json, "grids");
    json_begin_array(json);
    for (size_t i = 0; i < local->grid_count; i++) {
        json_begin_array(json);
        json_put_int(json, local->grids[i].width_us);
        json_put_int(json, local->grids[i].origin);
        json_put_int(json, local->grids[i].months);
        json_end(json);
    }
    json_end(json);
}

int64_t sql_answer_put(Plan *plan, const Rel *rel, const char *key, const SqlAnswer *answer)
{
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_bool(&json, "volatile", answer->check.is_volatile);
    json_key(&json, "used");
    json_begin_array(&json);
    for (size_t i = 0; i < rel->input_count; i++) json_put_bool(&json, answer->check.is_used[i]);
    json_end(&json);
    json_key(&json, "schema");
    schema_to_json(&json, &answer->schema);
    put_local(&json, &answer->local);
    json_end(&json);
    cache_put(plan->cache, CACHE_KIND, key, text.data, text.size);
    return (int64_t)text.size;
}

/* ---- reading ---- */

static bool get_grids(Arena *arena, const Json *grids, SqlLocal *out)
{
    if (grids == NULL || grids->kind != JSON_ARRAY) return false;
    out->grids = AARRAY(arena, Grid, grids->count);
    out->grid_count = grids->count;
    for (size_t i = 0; i < grids->count; i++) {
        const Json *grid = &grids->items[i];
        if (grid->kind != JSON_ARRAY || grid->count != 3) return false;
        out->grids[i] = (Grid){.width_us = grid->items[0].integer,
                               .origin = grid->items[1].integer,
                               .months = (int)grid->items[2].integer};
        if (out->grids[i].width_us <= 0 && out->grids[i].months <= 0) return false;
    }
    return true;
}

static bool get_local(Arena *arena, const Json *json, SqlLocal *out)
{
    const char *why = json_str(json, "whole", NULL);
    out->why_whole = arena_strdup(arena, why);
    out->steps = (int)json_int(json, "steps", 0);
    out->sorts_inputs = json_bool(json, "sorts", false);
    out->is_steady = json_bool(json, "steady", false);
    out->is_in_order = json_bool(json, "ordered", false);
    return get_grids(arena, json_get(json, "grids"), out);
}

static bool get_used(Arena *arena, const Json *used, size_t count, SqlCheck *out)
{
    if (used == NULL || used->count != count) return false;
    out->is_used = AARRAY(arena, bool, count);
    for (size_t i = 0; i < count; i++) out->is_used[i] = used->items[i].boolean;
    return true;
}

bool sql_answer_get(Plan *plan, const Rel *rel, const char *key, SqlAnswer *out)
{
    size_t size;
    const char *text = cache_get(plan->cache, rel->arena, CACHE_KIND, key, &size);
    const Json *json = NULL;
    SqlAnswer answer = {0};
    if (text == NULL || !toggle_on(TOGGLE_schema_cache)) return false;
    Err *err = json_parse(rel->arena, text, size, &json);
    if (err == NULL) err = schema_from_json(rel->arena, json_get(json, "schema"), &answer.schema);
    bool is_good = err == NULL &&
                   get_used(rel->arena, json_get(json, "used"), rel->input_count, &answer.check) &&
                   get_local(rel->arena, json, &answer.local);
    err_free(err);
    if (!is_good) return false;
    answer.check.is_volatile = json_bool(json, "volatile", false);
    *out = answer;
    return true;
}
