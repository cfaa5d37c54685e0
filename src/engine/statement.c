/* Statements: the way of each from its text to the engine, and the values bound to it.
 *
 * Three ways lead to a result. statement_run (duckdb_query) plans and materialises in one go: it is
 * the cheapest one for statements with few rows. statement_copy does the same in two steps, so that
 * what planning a COPY takes is known apart from the writing. prepared_open is for values, for
 * streams, and for asking for the columns of a statement that is not run.
 *
 * One stream may be open on a connection, and nothing may run beside it: the engine would end it
 * silently. */
#include "engine/engine_int.h"
#include "os/os.h"
#include "perf/ops.h"

void result_destroy_at(duckdb_result *result)
{
    if (library_is_loaded()) ddb.destroy_result(result);
}

void prepared_destroy_at(duckdb_prepared_statement *prepared)
{
    if (*prepared != NULL) ddb.destroy_prepare(prepared);
}

Err *statement_begin(Conn *conn, const char *sql)
{
    if (conn->open_result != NULL)
        return ERR(INTERNAL,
                   "a statement was started while a result of its connection is being read");
    TRY(os_check_interrupt()); /* one that came before there was anything to interrupt */
    perf_count(PERF_engine_statement);
    if (instance_options().log_statements) log_note("sql: %s", sql);
    return NULL;
}

static bool query_run(Profile *profile, duckdb_result *out)
{
    PERF_SPAN(PERF_engine_run);
    PROFILE_TURN(profile, false);
    return ddb.query(profile->conn->handle, profile->sql, out) == DuckDBSuccess;
}

Err *statement_run(Conn *conn, const char *sql, const Statement *statement, duckdb_result *out)
{
    TRY(statement_begin(conn, sql));
    Profile profile;
    profile_begin(&profile, conn, sql, statement->shape_of != NULL ? statement->shape_of : sql);
    bool is_done = query_run(&profile, out);
    profile_end(&profile, is_done, !is_done);
    return is_done ? NULL : statement_error(conn, statement, ddb.result_error(out));
}

static bool copy_plan(Profile *profile, duckdb_prepared_statement *out)
{
    PERF_SPAN(PERF_engine_copy_plan);
    PROFILE_TURN(profile, true);
    return ddb.prepare(profile->conn->handle, profile->sql, out) == DuckDBSuccess;
}

static bool copy_execute(Profile *profile, duckdb_prepared_statement prepared, duckdb_result *out)
{
    PROFILE_TURN(profile, false);
    return ddb.execute_prepared(prepared, out) == DuckDBSuccess;
}

Err *statement_copy(Conn *conn, const char *sql, const Statement *statement, duckdb_result *out)
{
    CLEANUP(prepared_destroy_at) duckdb_prepared_statement prepared = NULL;
    TRY(statement_begin(conn, sql));
    Profile profile;
    profile_begin(&profile, conn, sql, statement->shape_of);
    bool is_planned = copy_plan(&profile, &prepared);
    bool is_done = is_planned && copy_execute(&profile, prepared, out);
    profile_end(&profile, is_done, !is_done);
    if (is_done) return NULL;
    return statement_error(conn, statement,
                           is_planned ? ddb.result_error(out) : ddb.prepare_error(prepared));
}

Err *engine_exec(Conn *conn, const char *sql)
{
    CLEANUP(result_destroy_at) duckdb_result result = {0};
    return statement_run(conn, sql, &(Statement){.text = sql}, &result);
}

static bool prepare(Profile *profile, duckdb_prepared_statement *out)
{
    PERF_SPAN(PERF_engine_prepare);
    PROFILE_TURN(profile, true);
    return ddb.prepare(profile->conn->handle, profile->sql, out) == DuckDBSuccess;
}

Err *prepared_open(Conn *conn, const char *sql, const Statement *statement, Profile *profile,
                   duckdb_prepared_statement *out)
{
    TRY(statement_begin(conn, sql));
    Profile nobody = {.conn = conn, .sql = sql, .slot = -1};
    if (profile != NULL) profile_begin(profile, conn, sql, sql);
    if (prepare(profile != NULL ? profile : &nobody, out)) return NULL;
    return statement_error(conn, statement, ddb.prepare_error(*out));
}

static duckdb_state bind_value(duckdb_prepared_statement prepared, idx_t index, const Value *value)
{
    switch (value->kind) {
    case VALUE_NULL: return ddb.bind_null(prepared, index);
    case VALUE_BOOL: return ddb.bind_boolean(prepared, index, value->integer != 0);
    case VALUE_INT: return ddb.bind_int64(prepared, index, value->integer);
    case VALUE_DOUBLE: return ddb.bind_double(prepared, index, value->number);
    case VALUE_TEXT: return ddb.bind_varchar_length(prepared, index, value->bytes, value->size);
    case VALUE_BLOB: return ddb.bind_blob(prepared, index, value->bytes, value->size);
    case VALUE_TIME:
        return ddb.bind_timestamp_tz(prepared, index, (duckdb_timestamp){value->integer});
    }
    return DuckDBError;
}

Err *prepared_bind(Conn *conn, duckdb_prepared_statement prepared, const Statement *statement,
                   const Value *values, size_t value_count)
{
    for (size_t i = 0; i < value_count; i++) {
        if (values[i].kind == VALUE_TEXT && !utf8_valid(values[i].bytes, values[i].size))
            return ERR(INVALID, "the text bound to $%zu is not UTF-8", i + 1);
        if (bind_value(prepared, i + 1, &values[i]) != DuckDBSuccess)
            return statement_error(conn, statement, ddb.prepare_error(prepared));
    }
    return NULL;
}
