/* Reading rows out of the log's data files, through the engine: only when the catalog index is
 * behind, missing or checked. Files are read in the order of their transactions, as one statement;
 * rows inside a file are in order of (txn, seq), and that the whole is strictly ascending is
 * checked here rather than sorted (sorting would hold inline content in memory). */
#include "os/os.h"
#include "perf/perf.h"
#include "tlogfs/index_int.h"

Err *log_source_conn(LogSource *source, Conn **out)
{
    if (source->conn == NULL) TRY(engine_connect(&source->conn));
    *out = source->conn;
    return NULL;
}

static char *rows_sql(Arena *arena, const LogSource *source, const LogFile *files, size_t count)
{
    const char **paths = AARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) paths[i] = path_join(arena, source->dir, files[i].path);
    return arena_printf(arena, "SELECT %s FROM %s WHERE txn > $1", row_columns_sql(arena),
                        engine_read_parquet_sql(arena, paths, count, ""));
}

typedef struct Place {
    int64_t txn, seq;
} Place;

static Err *each_row(const Chunk *chunk, Place *last, OnLogRow *on_row, void *context)
{
    SCRATCH(scratch);
    for (size_t i = 0; i < chunk->rows; i++) {
        LogRow row;
        TRY(row_from_chunk(scratch, chunk, i, &row));
        if (row.txn < last->txn || (row.txn == last->txn && row.seq <= last->seq)) {
            return ERR(CORRUPT, "log row %lld.%lld stands after %lld.%lld", (long long)row.txn,
                       (long long)row.seq, (long long)last->txn, (long long)last->seq);
        }
        *last = (Place){row.txn, row.seq};
        TRY(on_row(context, &row));
        if (i % 64 == 63) arena_reset(scratch);
    }
    return NULL;
}

/* The engine could not read the files: names the one that is not there, or not whole. */
static Err *explain(const LogSource *source, const LogFile *files, size_t count, Err *error)
{
    if (err_code(error) == ERR_INTERRUPTED || err_code(error) == ERR_LIMIT) return error;
    SCRATCH(scratch);
    for (size_t i = 0; i < count; i++) {
        OsStat stat;
        bool exists = false;
        const char *path = path_join(scratch, source->dir, files[i].path), *what = NULL;
        Err *blind = os_stat_if(path, &exists, &stat);
        if (blind == NULL && !exists)
            what = "it is missing";
        else if (blind == NULL && stat.size_bytes != files[i].size_bytes)
            what = "it has another size";
        err_free(blind);
        if (what == NULL) continue;
        err_free(error);
        return err_path(ERR(CORRUPT, "log file %s: %s", path, what), path);
    }
    return error;
}

static Err *stream_rows(LogSource *source, const LogFile *files, size_t count, int64_t after_txn,
                        OnLogRow *on_row, void *context)
{
    SCRATCH(scratch);
    Conn *conn = NULL;
    TRY(log_source_conn(source, &conn));
    const Value after = {.kind = VALUE_INT, .integer = after_txn};
    CLEANUP(engine_result_close_at) Result *result = NULL;
    TRY(engine_query(conn, rows_sql(scratch, source, files, count), &after, 1, &result));
    perf_add(PERF_log_file_read, count);
    Place last = {0};
    for (;;) {
        Chunk chunk;
        TRY(engine_next(result, &chunk));
        if (chunk.rows == 0) return NULL;
        perf_add(PERF_log_row_read, chunk.rows);
        TRY(each_row(&chunk, &last, on_row, context));
    }
}

Err *log_source_rows(LogSource *source, const LogFile *files, size_t count, int64_t after_txn,
                     OnLogRow *on_row, void *context)
{
    if (count == 0) return NULL;
    Err *error = stream_rows(source, files, count, after_txn, on_row, context);
    return error == NULL ? NULL : explain(source, files, count, error);
}
