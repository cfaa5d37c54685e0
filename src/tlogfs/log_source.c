/* Reading rows out of the log's data files, through the engine: only when the catalog index is
 * behind, missing or checked. Files are read in the order of their transactions, as one statement;
 * rows inside a file are in order of (txn, seq), and that the whole is strictly ascending is
 * checked here rather than sorted (sorting would hold inline content in memory). */
#include "os/os.h"
#include "perf/ops.h"
#include "tlogfs/index_int.h"
#include <string.h>

Err *log_source_conn(LogSource *source, Conn **out)
{
    TRY(engine_connect_once(&source->conn));
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

/* ---- what the files should be ---- */

static const char TAG_SHA256[] = "pond.sha256";

Err *log_source_tags(Arena *arena, const char *path, char **out)
{
    char hash[SHA256_HEX + 1];
    int64_t size = 0;
    TRY(os_sha256_file(path, &size, hash));
    *out = arena_printf(arena, "{\"%s\":\"%s\"}", TAG_SHA256, hash);
    return NULL;
}

/* NULL when the entry gives none. */
static const char *recorded_hash(Arena *arena, const LogFile *file)
{
    const Json *tags = NULL;
    if (file->tags == NULL) return NULL;
    Err *error = json_parse(arena, file->tags, strlen(file->tags), &tags);
    const char *hash = error == NULL ? json_str(tags, TAG_SHA256, NULL) : "";
    err_free(error);
    return hash;
}

static Err *verify(const LogSource *source, const LogFile *file)
{
    SCRATCH(scratch);
    OsStat stat;
    bool exists = false;
    char hash[SHA256_HEX + 1];
    int64_t size = 0;
    const char *path = path_join(scratch, source->dir, file->path), *what = NULL;
    const char *recorded = recorded_hash(scratch, file);
    TRY(os_stat_if(path, &exists, &stat));
    if (!exists) {
        what = "it is missing";
    } else if (stat.size_bytes != file->size_bytes) {
        what = "it has another size";
    } else if (recorded != NULL) {
        TRY(os_sha256_file(path, &size, hash));
        if (strcmp(hash, recorded) != 0) what = "its content has another hash";
    }
    return what == NULL ? NULL : err_path(ERR(CORRUPT, "log file %s: %s", path, what), path);
}

Err *log_source_verify(const LogSource *source, const LogFile *files, size_t count)
{
    for (size_t i = 0; i < count; i++) TRY(verify(source, &files[i]));
    return os_check_interrupt();
}

/* ---- reading ---- */

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
    TRY(log_source_verify(source, files, count));
    return stream_rows(source, files, count, after_txn, on_row, context);
}
