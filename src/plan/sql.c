/* User SQL as a relation: what its output columns are, and whether it is time-local.
 *
 * The engine is asked once: the inputs are made empty temporary views of their schemas, and the
 * user's text is prepared as it stands, so that errors have its lines and columns and names come
 * out as written. Then the tree of the text is looked through (sql_local.c). The answer follows
 * from the text and the columns of the inputs, whatever their rows, and is kept under these
 * (sql_cache.c): new versions of an input ask nothing anew. */
#include "perf/lookup.h"
#include "perf/ops.h"
#include "plan/plan_int.h"
#include "plan/sql_tree.h"
#include <string.h>
#include <strings.h>

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
    PERF_SPAN(PERF_sql_view);
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

/* ---- resolving ---- */

static Err *read_tree(Arena *arena, Conn *conn, const Rel *rel, SqlTree *out)
{
    Err *err = sql_tree_read(arena, conn, rel->sql.query, out);
    return err_source(ERR_WRAP(err, "%s", rel->label), rel->sql.query);
}

static Err *check_text(Plan *plan, Arena *arena, const Rel *rel, const SqlTree *tree, SqlCheck *out)
{
    return err_source(sql_check(plan, arena, rel, tree, out), rel->sql.query);
}

Err *rel_sql_check(Plan *plan, const Rel *sql)
{
    SCRATCH(scratch);
    Conn *conn;
    SqlTree tree;
    SqlCheck check = {0};
    TRY(plan_conn(plan, &conn));
    TRY(read_tree(scratch, conn, sql, &tree));
    return check_text(plan, scratch, sql, &tree, &check);
}

static Err *check_local(Plan *plan, const Rel *rel, const SqlTree *tree, SqlAnswer *answer)
{
    answer->local.why_whole = "a volatile function";
    if (answer->check.is_volatile) return NULL;
    SCRATCH(scratch);
    TRY(sql_local(plan, scratch, rel, tree, &answer->schema, &answer->local));
    answer->local.grids = arena_memdup(rel->arena, answer->local.grids,
                                       sizeof *answer->local.grids * answer->local.grid_count);
    return NULL;
}

static Err *ask_engine(Plan *plan, const Rel *rel, const char *key, SqlAnswer *answer)
{
    SCRATCH(scratch);
    Conn *conn;
    SqlTree tree;
    TRY(plan_conn(plan, &conn));
    TRY(read_tree(scratch, conn, rel, &tree));
    TRY(check_text(plan, rel->arena, rel, &tree, &answer->check));
    PERF_SPAN_FOR(PERF_schema_sql, key);
    Err *err = describe_over_views(conn, rel, answer->check.is_used, &answer->schema);
    drop_views(conn, rel);
    TRY(err_source(err, rel->sql.query));
    perf_add(PERF_schema_column, answer->schema.count);
    TRY(check_output(rel, &answer->schema));
    find_time(rel, &answer->schema);
    return check_local(plan, rel, &tree, answer);
}

Err *rel_resolve_sql(Plan *plan, const Rel *rel, bool *out_done)
{
    *out_done = plan != NULL;
    if (plan == NULL) return NULL;
    RelFacts *facts = rel->facts;
    SqlAnswer answer = {0};
    char key[65];
    sql_answer_key(rel, key);
    PERF_LOOKUP(look, PERF_CACHE_schema);
    if (!perf_found(&look, sql_answer_get(plan, rel, key, &answer))) {
        TRY(ask_engine(plan, rel, key, &answer));
        int64_t bytes = sql_answer_put(plan, rel, key, &answer);
        perf_fetched(&look, bytes);
    }
    find_time(rel, &answer.schema);
    facts->schema = answer.schema;
    facts->sql.is_used = answer.check.is_used;
    facts->sql.local = answer.local;
    facts->is_volatile = answer.check.is_volatile;
    facts->is_time_local = answer.local.why_whole == NULL;
    facts->cuts_above = !facts->is_time_local;
    facts->is_in_order = answer.local.is_in_order;
    for (size_t i = 0; i < rel->input_count; i++) {
        const RelFacts *input = rel->inputs[i]->facts;
        facts->is_volatile = facts->is_volatile || input->is_volatile;
        if (answer.check.is_used[i] && input->time_index >= 0)
            facts->is_time_local = facts->is_time_local && input->is_time_local;
    }
    return NULL;
}
