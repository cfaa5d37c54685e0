/* Questions about statements: their columns, syntax tree and plan, and answers of one cell.
 *
 * The tree comes from the engine's own json_serialize_sql, which parses but neither binds nor runs. It only
 * takes SELECT; whatever else the text is, the answer is the same error of ours. */
#include "engine/engine_int.h"
#include <stdlib.h>
#include <string.h>

/* ---- answers of one cell ---- */

/* Runs a prepared statement to its end; the first cell as text. */
static Err *prepared_scalar(Arena *arena, Conn *conn, duckdb_prepared_statement prepared,
                            const Statement *statement, char **out)
{
    CLEANUP(result_destroy_at) duckdb_result result = {0};
    if (ddb.execute_prepared(prepared, &result) != DuckDBSuccess)
        return statement_error(conn, statement, ddb.result_error(&result));
    bool empty = ddb.row_count(&result) == 0 || ddb.column_count(&result) == 0;
    char *text = empty ? NULL : ddb.value_varchar(&result, 0, 0);
    *out = arena_strdup(arena, text);
    ddb.free(text);
    return NULL;
}

Err *engine_scalar_text(Arena *arena, Conn *conn, const char *sql, const Value *values, size_t value_count,
                        char **out)
{
    const Statement statement = {.text = sql};
    CLEANUP(prepared_destroy_at) duckdb_prepared_statement prepared = NULL;
    TRY(prepared_open(conn, sql, &statement, &prepared));
    TRY(prepared_bind(conn, prepared, &statement, values, value_count));
    return prepared_scalar(arena, conn, prepared, &statement, out);
}

/* ---- columns ---- */

static Err *not_one_select(void)
{
    return err_hint(ERR(SQL, "only one SELECT is allowed here"),
                    "write one statement that begins with SELECT, WITH, FROM or VALUES");
}

Err *engine_describe(Arena *arena, Conn *conn, const char *sql, Schema *out)
{
    const Statement statement = {.text = sql};
    CLEANUP(prepared_destroy_at) duckdb_prepared_statement prepared = NULL;
    TRY(prepared_open(conn, sql, &statement, &prepared));
    if (ddb.prepared_statement_type(prepared) != DUCKDB_STATEMENT_TYPE_SELECT) return not_one_select();
    size_t count = ddb.prepared_statement_column_count(prepared);
    Column *columns = AARRAY(arena, Column, count);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(type_free_at)
        duckdb_logical_type type = ddb.prepared_statement_column_logical_type(prepared, i);
        const char *name = ddb.prepared_statement_column_name(prepared, i);
        columns[i] = (Column){.name = arena_strdup(arena, name), .type = type_name(arena, type)};
        ddb.free((void *)(uintptr_t)name);
    }
    *out = (Schema){.columns = columns, .count = count};
    return NULL;
}

/* ---- syntax tree ---- */

static Err *parse_failure(Conn *conn, const char *sql, const Json *answer)
{
    SCRATCH(scratch);
    if (strcmp(json_str(answer, "error_type", ""), "not implemented") == 0) return not_one_select();
    /* The form that the engine gives its own errors. */
    Buf message = buf_new(scratch);
    JsonOut json = json_out(&message);
    json_begin_object(&json);
    json_kv_str(&json, "exception_type", "Parser");
    json_kv_str(&json, "exception_message", json_str(answer, "error_message", ""));
    if (json_str(answer, "position", NULL) != NULL)
        json_kv_str(&json, "position", json_str(answer, "position", NULL));
    json_end(&json);
    return statement_error(conn, &(Statement){.text = sql}, message.data);
}

Err *engine_parse_select(Arena *arena, Conn *conn, const char *sql, const Json **out)
{
    SCRATCH(scratch);
    char *text = NULL;
    const Value value = {.kind = VALUE_TEXT, .bytes = sql, .size = strlen(sql)};
    TRY(engine_scalar_text(scratch, conn, "SELECT json_serialize_sql($1::VARCHAR)::VARCHAR", &value, 1, &text));
    const Json *answer = NULL;
    TRY(json_parse(arena, text, strlen(text), &answer));
    if (json_bool(answer, "error", false)) return parse_failure(conn, sql, answer);
    const Json *statements = json_get(answer, "statements");
    if (statements == NULL || statements->count != 1) return not_one_select();
    *out = answer;
    return NULL;
}

/* ---- plan ---- */

static void plan_add(Buf *plan, duckdb_data_chunk chunk)
{
    duckdb_vector texts = ddb.data_chunk_get_vector(chunk, 1); /* after explain_key */
    for (size_t row = 0; row < ddb.data_chunk_get_size(chunk); row++) {
        size_t size = 0;
        const char *text = string_cell(texts, row, &size);
        buf_add(plan, text, size);
    }
}

Err *engine_explain(Arena *arena, Conn *conn, const char *sql, char **out)
{
    static const char EXPLAIN[] = "EXPLAIN ";
    SCRATCH(scratch);
    CLEANUP(result_destroy_at) duckdb_result result = {0};
    const Statement statement = {.text = sql, .offset = strlen(EXPLAIN)};
    TRY(statement_run(conn, arena_printf(scratch, "%s%s", EXPLAIN, sql), &statement, &result));
    Buf plan = buf_new(arena);
    for (duckdb_data_chunk chunk; (chunk = ddb.fetch_chunk(result)) != NULL; ddb.destroy_data_chunk(&chunk))
        plan_add(&plan, chunk);
    *out = plan.data;
    return NULL;
}
