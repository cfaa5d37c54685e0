/* Rows appended to a table, cell by cell. The engine collects them in blocks and casts each cell to
 * its column's type. After a failed row the engine's appender holds half a row and would shift what
 * follows; so a failure is remembered, later rows are refused, and closing discards what was not
 * flushed yet. */
#include "engine/engine_int.h"
#include <stdlib.h>

struct Appender {
    Conn *conn;
    duckdb_appender handle;
    const char *table; /* in arena */
    Arena *arena;
    bool failed;
};

static Err *appender_error(Appender *appender)
{
    appender->failed = true;
    const Statement none = {.text = ""};
    const char *message = ddb.appender_error(appender->handle);
    return ERR_WRAP(statement_error(appender->conn, &none, message), "append to %s",
                    appender->table);
}

static void appender_free(Appender *appender)
{
    if (appender->handle != NULL) (void)ddb.appender_destroy(&appender->handle);
    arena_free(appender->arena);
}

Err *engine_appender_open(Conn *conn, const char *table, Appender **out)
{
    Arena *arena = arena_new();
    Appender *appender = ANEW(arena, Appender);
    *appender = (Appender){.conn = conn, .arena = arena, .table = arena_strdup(arena, table)};
    if (ddb.appender_create(conn->handle, NULL, table, &appender->handle) != DuckDBSuccess) {
        Err *err = appender_error(appender);
        appender_free(appender);
        return err;
    }
    *out = appender;
    return NULL;
}

static duckdb_state append_value(duckdb_appender handle, const Value *value)
{
    switch (value->kind) {
    case VALUE_NULL: return ddb.append_null(handle);
    case VALUE_BOOL: return ddb.append_bool(handle, value->integer != 0);
    case VALUE_INT: return ddb.append_int64(handle, value->integer);
    case VALUE_DOUBLE: return ddb.append_double(handle, value->number);
    case VALUE_TEXT: return ddb.append_varchar_length(handle, value->bytes, value->size);
    case VALUE_BLOB: return ddb.append_blob(handle, value->bytes, value->size);
    case VALUE_TIME: return ddb.append_timestamp(handle, (duckdb_timestamp){value->integer});
    }
    return DuckDBError;
}

static Err *append_cells(Appender *appender, const Value *values, size_t value_count)
{
    for (size_t i = 0; i < value_count; i++) {
        if (values[i].kind == VALUE_TEXT && !utf8_valid(values[i].bytes, values[i].size)) {
            appender->failed = true;
            return ERR(INVALID, "append to %s: the text of cell %zu is not UTF-8", appender->table,
                       i + 1);
        }
        if (append_value(appender->handle, &values[i]) != DuckDBSuccess)
            return appender_error(appender);
    }
    return NULL;
}

Err *engine_append_row(Appender *appender, const Value *values, size_t value_count)
{
    if (appender->failed)
        return ERR(INTERNAL, "append to %s: a row failed before", appender->table);
    if (ddb.appender_begin_row(appender->handle) != DuckDBSuccess) return appender_error(appender);
    TRY(append_cells(appender, values, value_count));
    if (ddb.appender_end_row(appender->handle) != DuckDBSuccess) return appender_error(appender);
    return NULL;
}

Err *engine_appender_close(Appender *appender)
{
    Err *err = NULL;
    if (!appender->failed && ddb.appender_close(appender->handle) != DuckDBSuccess)
        err = appender_error(appender);
    appender_free(appender);
    return err;
}

void engine_appender_close_at(Appender **appender)
{
    if (*appender != NULL) err_free(engine_appender_close(*appender));
    *appender = NULL;
}
