/* Questions about statements: their columns, syntax tree and plan, and answers of one cell.
 *
 * The tree comes from the engine's own json_serialize_sql, which parses but neither binds nor runs.
 * It only takes SELECT; whatever else the text is, the answer is the same error of ours. */
#include "engine/engine_int.h"
#include <stdlib.h>
#include <string.h>

/* ---- answers of one cell ---- */

/* The engine casts: it has a text for every type. */
Err *engine_scalar_text(Arena *arena, Conn *conn, const char *sql, const Value *values,
                        size_t value_count, char **out)
{
    static const char CAST[] = "SELECT c::VARCHAR FROM (";
    SCRATCH(scratch);
    CLEANUP(engine_result_close_at) Result *result = NULL;
    const char *cast = arena_printf(scratch, "%s%s\n) AS t(c) LIMIT 1", CAST, sql);
    TRY(query_open(conn, cast, &(Statement){.text = sql, .offset = strlen(CAST)}, values,
                   value_count, &result));
    Chunk chunk;
    TRY(engine_next(result, &chunk));
    *out = NULL;
    if (chunk.rows == 0 || vector_is_null(&chunk.vectors[0], 0)) return NULL;
    size_t size = 0;
    const char *bytes = engine_str(&chunk.vectors[0], 0, &size);
    *out = arena_strndup(arena, bytes, size);
    return NULL;
}

/* ---- columns ---- */

static Err *not_one_select(void)
{
    return err_hint(ERR(SQL, "only one SELECT is allowed here"),
                    "write one statement that begins with SELECT, WITH, FROM or VALUES");
}

static Err *describe_column(Arena *arena, duckdb_prepared_statement prepared, size_t index,
                            Column *out)
{
    CLEANUP(type_free_at)
    duckdb_logical_type type = ddb.prepared_statement_column_logical_type(prepared, index);
    if (type == NULL || ddb.get_type_id(type) == DUCKDB_TYPE_INVALID)
        return ERR(SQL, "the type of column %zu depends on a value that is bound later", index + 1);
    const char *name = ddb.prepared_statement_column_name(prepared, index);
    *out = (Column){.name = arena_strdup(arena, name), .type = type_name(arena, type)};
    ddb.free((void *)(uintptr_t)name);
    return NULL;
}

Err *engine_describe(Arena *arena, Conn *conn, const char *sql, Schema *out)
{
    const Statement statement = {.text = sql};
    CLEANUP(prepared_destroy_at) duckdb_prepared_statement prepared = NULL;
    TRY(prepared_open(conn, sql, &statement, NULL, &prepared));
    if (ddb.prepared_statement_type(prepared) != DUCKDB_STATEMENT_TYPE_SELECT)
        return not_one_select();
    size_t count = ddb.prepared_statement_column_count(prepared);
    Column *columns = AARRAY(arena, Column, count);
    for (size_t i = 0; i < count; i++) TRY(describe_column(arena, prepared, i, &columns[i]));
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
    TRY(engine_scalar_text(scratch, conn, "SELECT json_serialize_sql($1::VARCHAR)::VARCHAR", &value,
                           1, &text));
    if (text == NULL) return ERR(INTERNAL, "the engine gives no syntax tree");
    const Json *answer = NULL;
    Err *err = json_parse(arena, text, strlen(text), &answer);
    if (err != NULL && err_code(err) == ERR_LIMIT) {
        err_free(err);
        return ERR(LIMIT, "the statement's expressions are nested too deeply");
    }
    TRY(err);
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
    for (duckdb_data_chunk chunk; (chunk = ddb.fetch_chunk(result)) != NULL;
         ddb.destroy_data_chunk(&chunk))
        plan_add(&plan, chunk);
    *out = plan.data;
    return NULL;
}
