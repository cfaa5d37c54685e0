/* User SQL as a relation: what its output columns are.
 *
 * The engine is asked once: the inputs are made empty temporary views of their schemas, and the
 * user's text is prepared as it stands, so that errors have its lines and columns and names come
 * out as written. The answer is kept under the fingerprint. Not time-local in this version: it runs
 * whole and is cut above. */
#include "perf/perf.h"
#include "plan/plan_int.h"
#include <string.h>

static const char CACHE_KIND[] = "sql-schema";

/* ---- names that SQL would confuse ---- */

static Err *check_case(const Rel *rel, size_t index)
{
    const Schema *schema = &rel->inputs[index]->facts->schema;
    for (size_t i = 0; i < schema->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(schema->columns[i].name, schema->columns[j].name) != 0) continue;
            return err_hint(
                ERR(INVALID,
                    "%s: columns \"%s\" and \"%s\" of %s differ only in case, which SQL "
                    "does not tell apart",
                    rel->label, schema->columns[j].name, schema->columns[i].name,
                    rel->sql.names[index]),
                "rename one of them with column-rename");
        }
    }
    return NULL;
}

static Err *check_output(const Rel *rel, const Schema *schema)
{
    for (size_t i = 0; i < schema->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(schema->columns[i].name, schema->columns[j].name) == 0)
                return err_hint(ERR(SQL, "%s: the query gives two columns named \"%s\"", rel->label,
                                    schema->columns[i].name),
                                "give one of them another name with AS, or join with USING");
        }
    }
    return NULL;
}

/* ---- asking the engine ---- */

static Err *make_view(Conn *conn, const char *name, const Schema *schema)
{
    SCRATCH(scratch);
    Buf sql = buf_new(scratch);
    buf_printf(&sql, "CREATE OR REPLACE TEMP VIEW %s AS SELECT ", sql_ident(scratch, name));
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        bool has_type = strcmp(column->type, "\"NULL\"") != 0;
        const char *value =
            has_type ? arena_printf(scratch, "CAST(NULL AS %s)", column->type) : "NULL";
        buf_printf(&sql, "%s%s AS %s", i > 0 ? ", " : "", value, sql_ident(scratch, column->name));
    }
    buf_puts(&sql, " WHERE false");
    return engine_exec(conn, sql.data);
}

static void drop_views(Conn *conn, const Rel *rel)
{
    SCRATCH(scratch);
    for (size_t i = 0; i < rel->input_count; i++) {
        const char *name = sql_ident(scratch, rel->sql.names[i]);
        err_free(engine_exec(conn, arena_printf(scratch, "DROP VIEW IF EXISTS temp.%s", name)));
    }
}

static Err *describe_over_views(Conn *conn, const Rel *rel, const bool *is_used, Schema *out)
{
    for (size_t i = 0; i < rel->input_count; i++) {
        if (!is_used[i]) continue;
        TRY(check_case(rel, i));
        TRY(make_view(conn, rel->sql.names[i], &rel->inputs[i]->facts->schema));
    }
    TRY(engine_sandbox(conn));
    return ERR_WRAP(engine_describe(rel->arena, conn, rel->sql.query, out), "%s", rel->label);
}

static Err *ask_engine(Plan *plan, const Rel *rel, SqlCheck *out_check, Schema *out)
{
    Conn *conn;
    TRY(plan_conn(plan, &conn));
    TRY(err_source(sql_check(plan, rel->arena, rel, out_check), rel->sql.query));
    PERF_SPAN_FOR(PERF_schema_sql, rel->facts->fingerprint);
    Err *err = describe_over_views(conn, rel, out_check->is_used, out);
    drop_views(conn, rel);
    return err_source(err, rel->sql.query);
}

Err *rel_sql_check(Plan *plan, const Rel *sql)
{
    SCRATCH(scratch);
    SqlCheck check = {0};
    return err_source(sql_check(plan, scratch, sql, &check), sql->sql.query);
}

/* ---- remembering ---- */

static void remember(Plan *plan, const Rel *rel, const SqlCheck *check, const Schema *schema)
{
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_bool(&json, "volatile", check->is_volatile);
    json_key(&json, "used");
    json_begin_array(&json);
    for (size_t i = 0; i < rel->input_count; i++) json_put_bool(&json, check->is_used[i]);
    json_end(&json);
    json_key(&json, "schema");
    schema_to_json(&json, schema);
    json_end(&json);
    cache_put(plan->cache, CACHE_KIND, rel->facts->fingerprint, text.data, text.size);
}

static bool recall(Plan *plan, const Rel *rel, SqlCheck *out_check, Schema *out)
{
    size_t size;
    const char *text =
        cache_get(plan->cache, rel->arena, CACHE_KIND, rel->facts->fingerprint, &size);
    const Json *json = NULL;
    if (text == NULL) return false;
    Err *err = json_parse(rel->arena, text, size, &json);
    if (err == NULL) err = schema_from_json(rel->arena, json_get(json, "schema"), out);
    const Json *used = json_get(json, "used");
    bool is_good = err == NULL && used != NULL && used->count == rel->input_count;
    err_free(err);
    if (!is_good) return false;
    out_check->is_volatile = json_bool(json, "volatile", false);
    out_check->is_used = AARRAY(rel->arena, bool, rel->input_count);
    for (size_t i = 0; i < used->count; i++) out_check->is_used[i] = used->items[i].boolean;
    perf_count(PERF_schema_cache_hit);
    return true;
}

/* ---- the time column ---- */

/* An input's time that comes out under its name and type keeps its unit, too. */
static ptrdiff_t integer_time(const Rel *rel, const Schema *schema, TimeUnit *out_unit)
{
    for (size_t i = 0; i < schema->count; i++) {
        for (size_t j = 0; j < rel->input_count; j++) {
            const RelFacts *input = rel->inputs[j]->facts;
            if (input->time_index < 0 || input->time_unit == TIME_UNIT_NONE) continue;
            const Column *time = &input->schema.columns[input->time_index];
            if (strcasecmp(time->name, schema->columns[i].name) != 0 ||
                strcmp(time->type, schema->columns[i].type) != 0)
                continue;
            *out_unit = input->time_unit;
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

static void find_time(const Rel *rel, const Schema *schema)
{
    RelFacts *facts = rel->facts;
    SCRATCH(scratch);
    const char **own = AARRAY(scratch, const char *, rel->input_count);
    for (size_t i = 0; i < rel->input_count; i++) {
        const RelFacts *input = rel->inputs[i]->facts;
        if (input->time_index >= 0) own[i] = input->schema.columns[input->time_index].name;
    }
    facts->time_index = time_column_by_name(schema, own, rel->input_count);
    if (facts->time_index < 0) facts->time_index = integer_time(rel, schema, &facts->time_unit);
}

Err *rel_resolve_sql(Plan *plan, const Rel *rel, bool *out_done)
{
    *out_done = plan != NULL;
    if (plan == NULL) return NULL;
    rel_fingerprint_fill(rel);
    SqlCheck check = {0};
    Schema schema = {0};
    if (!recall(plan, rel, &check, &schema)) {
        TRY(ask_engine(plan, rel, &check, &schema));
        TRY(check_output(rel, &schema));
        remember(plan, rel, &check, &schema);
    }
    RelFacts *facts = rel->facts;
    facts->schema = schema;
    facts->sql.is_used = check.is_used;
    facts->is_volatile = check.is_volatile;
    for (size_t i = 0; i < rel->input_count; i++)
        facts->is_volatile = facts->is_volatile || rel->inputs[i]->facts->is_volatile;
    facts->cuts_above = true;
    find_time(rel, &schema);
    return NULL;
}
