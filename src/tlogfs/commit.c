/* Transactions: begin, commit, abort; and writing to the log.
 *
 * Order of a commit, each step durable before the next:
 *   1 blobs        moved from staging to their names, folders fsynced                    (blob.c)
 *   2 data file    log/part-<txn>-<uuid>.parquet with the rows, file and folder fsynced
 *   3 log entry    link(2) of version N+1, folder fsynced: the transaction is there      (delta)
 *   4 index        the SQLite transaction with the same changes commits
 * A failure or crash before 3 leaves unreferenced files; after 3 an index that is behind the log.
 * When step 3 reports an error the entry is looked for: if it is there with our random id the
 * transaction happened, and only its durability is in doubt, which is said as a warning; if that
 * cannot be found out, the data file stays where it is.
 *
 * A transaction's number is the pond's own counter; its time is max(now, previous + 1 µs). */
#include "perf/ops.h"
#include "tlogfs/tlog_int.h"
#include <string.h>

enum { UUID_BYTES = 16 };

/* ---- begin, abort ---- */

static Err *lock_index(Tlog *tlog)
{
    for (int tries = 0; tries < 4; tries++) {
        TRY(tlog_refresh(tlog));
        index_rollback(tlog->index);
        TRY(index_begin_write(tlog->index));
        Stamp stamp;
        bool found = false;
        TRY(index_stamp_get(tlog->index, tlog->snapshot, &found, &stamp));
        if (found && stamp.log_version == tlog->stamp.log_version) return NULL;
        index_rollback(tlog->index); /* a reader moved or remade it in between */
    }
    return ERR(CONFLICT, "%s: the pond is being changed by another process", tlog->dir);
}

/* The index's file cannot be locked or read at all: go on in memory. */
static Err *lock_index_or_mend(Tlog *tlog)
{
    Err *error = lock_index(tlog);
    if (error == NULL || !tlog_can_mend(tlog)) return error;
    TRY(tlog_mend(tlog, error));
    index_rollback(tlog->index);
    return lock_index(tlog);
}

Err *tlog_begin(Tlog *tlog)
{
    if (tlog->tx != NULL) return ERR(INTERNAL, "a transaction inside a transaction");
    if (tlog->options.read_only) return ERR(IO, "%s: opened for reading only", tlog->dir);
    Err *error = lock_index_or_mend(tlog);
    if (error != NULL) {
        index_rollback(tlog->index);
        err_free(tlog_refresh(tlog));
        return error;
    }
    Arena *arena = arena_new();
    Tx *tx = ANEW(arena, Tx);
    TimeUs now = os_now();
    *tx = (Tx){.arena = arena,
               .staged_by_name = map_new(arena),
               .txn = tlog->stamp.txn + 1,
               .time = now > tlog->stamp.time ? now : tlog->stamp.time + 1,
               .stamp = tlog->stamp};
    tlog->tx = tx;
    return NULL;
}

/* Back to reading, without the transaction's changes. */
static void end(Tlog *tlog)
{
    arena_free(tlog->tx->arena);
    tlog->tx = NULL;
    blob_discard(tlog);
    if (index_in_transaction(tlog->index)) index_rollback(tlog->index);
    if (!tlog_can_mend(tlog))
        err_free(index_begin_read(tlog->index)); /* a failure shows at the next read */
}

void tlog_abort(Tlog *tlog)
{
    if (tlog->tx != NULL) end(tlog);
}

/* ---- what an entry says of itself ---- */

char *random_uuid(Arena *arena)
{
    uint8_t b[UUID_BYTES];
    os_random(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* version 4 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    Buf text = buf_new(arena);
    for (size_t i = 0; i < UUID_BYTES; i++) {
        buf_printf(&text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    }
    return text.data;
}

static void put_metrics(JsonOut *json, const TxMetrics *metrics)
{
    json_key(json, "operationMetrics");
    json_begin_object(json);
    json_kv_int(json, "nodes", metrics->nodes);
    json_kv_int(json, "versions", metrics->versions);
    json_kv_int(json, "dropped", metrics->dropped);
    json_kv_int(json, "deleted", metrics->deleted);
    json_kv_int(json, "bytes", metrics->bytes);
    json_key(json, "paths");
    json_begin_array(json);
    for (size_t i = 0; i < metrics->paths.n; i++) json_put_str(json, metrics->paths.v[i]);
    json_end(json);
    json_end(json);
}

char *log_entry_info(Arena *arena, const LogEntryInfo *info)
{
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_int(&json, "timestamp", info->time / 1000);
    json_kv_str(&json, "operation", info->operation);
    json_key(&json, "operationParameters");
    json_begin_object(&json);
    json_end(&json);
    json_kv_bool(&json, "isBlindAppend", info->metrics != NULL);
    json_kv_str(&json, "engineInfo", "pond/" POND_VERSION);
    json_kv_str(&json, "txnId", info->txn_id);
    json_kv_int(&json, "txn", info->txn);
    json_kv_int(&json, "time", info->time);
    if (info->who != NULL) {
        json_kv_str(&json, "command", info->who->command);
        json_kv_str(&json, "user", info->who->user);
        json_kv_str(&json, "host", info->who->host);
    }
    if (info->metrics != NULL) put_metrics(&json, info->metrics);
    json_end(&json);
    return text.data;
}

/* ---- data files ---- */

static Err *sync_file(LogSource *source, const char *path)
{
    TRY(os_sync_path(path));
    return os_sync_dir(source->dir);
}

Err *log_write_file(Arena *arena, LogSource *source, int64_t txn, const char *select_sql,
                    DeltaAdd *out)
{
    static const Column KEYS[] = {{"txn", "BIGINT"}, {"seq", "BIGINT"}, {"node_id", "VARCHAR"}};
    PERF_SPAN(PERF_log_file_write);
    Conn *conn = NULL;
    TRY(log_source_conn(source, &conn));
    char *name = arena_printf(arena, "part-%020lld-%s.parquet", (long long)txn, random_uuid(arena));
    char *path = path_join(arena, source->dir, name);
    ParquetWrite write = {.select_sql = select_sql, .path = path, .plain_v1 = true};
    ParquetStats stats;
    OsStat stat;
    char *tags = NULL;
    Err *error = engine_write_parquet(arena, conn, &write, &stats);
    if (error == NULL) error = sync_file(source, path);
    if (error == NULL) error = os_stat(path, &stat);
    if (error == NULL) error = log_source_tags(arena, path, &tags);
    if (error != NULL) {
        err_free(os_unlink_if(path));
        return error;
    }
    *out = (DeltaAdd){.path = name,
                      .size_bytes = stat.size_bytes,
                      .modified_ms = stat.mtime_ns / 1000000,
                      .data_change = true,
                      .stats = delta_stats_json(arena, &stats, KEYS, sizeof KEYS / sizeof *KEYS),
                      .tags = tags};
    return NULL;
}

static Err *append_rows(Conn *conn, const char *table, const LogRow *rows, size_t count)
{
    Appender *appender = NULL;
    TRY(engine_appender_open(conn, table, &appender));
    Err *error = NULL;
    for (size_t i = 0; error == NULL && i < count; i++) {
        Value values[ROW_COLUMN_COUNT];
        row_values(&rows[i], values);
        error = engine_append_row(appender, values, ROW_COLUMN_COUNT);
    }
    Err *closed = engine_appender_close(appender);
    if (error == NULL) return closed;
    err_free(closed);
    return error;
}

Err *log_write_rows(Arena *arena, LogSource *source, const LogRow *rows, size_t count,
                    DeltaAdd *out)
{
    static const char TABLE[] = "pond_log_rows";
    Conn *conn = NULL;
    TRY(log_source_conn(source, &conn));
    TRY(engine_exec(conn, row_create_table_sql(arena, TABLE)));
    TRY(append_rows(conn, TABLE, rows, count));
    TRY(log_write_file(arena, source, rows[0].txn, "SELECT * FROM pond_log_rows ORDER BY txn, seq",
                       out));
    return engine_exec(conn, "DROP TABLE pond_log_rows");
}

/* ---- commit ---- */

/* After an error of delta_commit: did the entry come to be? */
static Err *look_for_entry(Arena *arena, LogSource *source, int64_t version, const char *txn_id,
                           Err *error, bool *out_won, bool *out_certain)
{
    DeltaCommit found;
    bool exists = false;
    Err *blind = delta_entry_read(arena, source->dir, version, &exists, &found);
    *out_certain = blind == NULL;
    err_free(blind);
    *out_won = *out_certain && exists && strcmp(commit_txn_id(arena, &found), txn_id) == 0;
    if (!*out_won) return error;
    log_warn("the change is made but may not survive a power failure: %s", err_message(error));
    err_free(error);
    return NULL;
}

Err *log_commit(Arena *arena, LogSource *source, int64_t version, const DeltaCommit *commit,
                const char *txn_id, bool *out_won, bool *out_certain)
{
    *out_won = false;
    *out_certain = true;
    Err *error = delta_commit(arena, source->dir, version, commit, out_won);
    if (error == NULL) return NULL;
    return look_for_entry(arena, source, version, txn_id, error, out_won, out_certain);
}

typedef struct Committing {
    DeltaAdd add;
    const char *txn_id;
    int64_t version;
} Committing;

/* Steps 2 and 3. */
static Err *write_log(Tlog *tlog, const TlogCommitInfo *who, Committing *at)
{
    Tx *tx = tlog->tx;
    Arena *arena = tx->arena;
    bool won = false, certain = true;
    TRY(log_write_rows(arena, &tlog->source, tx->rows.v, tx->rows.n, &at->add));
    at->txn_id = random_uuid(arena);
    at->version = tlog->stamp.log_version + 1;
    LogEntryInfo info = {.operation = "WRITE",
                         .who = who,
                         .txn = tx->txn,
                         .time = tx->time,
                         .metrics = &tx->metrics,
                         .txn_id = at->txn_id};
    DeltaTxn txn = {.app_id = tlog->app_id, .version = tx->txn, .updated_ms = tx->time / 1000};
    DeltaCommit commit = {.info = log_entry_info(arena, &info),
                          .adds = &at->add,
                          .add_count = 1,
                          .txns = &txn,
                          .txn_count = 1};
    Err *error = log_commit(arena, &tlog->source, at->version, &commit, at->txn_id, &won, &certain);
    if (error == NULL && !won) {
        error = ERR(CONFLICT, "%s: another writer made log entry %lld first", tlog->dir,
                    (long long)at->version);
    }
    if (error != NULL && certain)
        err_free(os_unlink_if(path_join(arena, tlog->log_dir, at->add.path)));
    return error;
}

/* Step 4. Whatever happens to the index, the transaction is made. */
static void settle_index(Tlog *tlog, const Committing *at)
{
    Tx *tx = tlog->tx;
    Stamp *stamp = &tx->stamp;
    stamp->log_version = at->version;
    stamp->entry_id = arena_strdup(tlog->snapshot, at->txn_id);
    stamp->txn = tx->txn;
    stamp->time = tx->time;
    Err *error = index_log_file_add(tlog->index, stamp, &at->add);
    if (error == NULL) error = index_stamp_put(tlog->index, stamp);
    if (error == NULL) error = index_commit(tlog->index);
    if (error == NULL)
        tlog->stamp = *stamp;
    else
        log_debug("the index stays behind: %s", err_message(error));
    bool behind = error != NULL;
    err_free(error);
    end(tlog);
    if (behind) err_free(tlog_refresh(tlog));
}

Err *tlog_commit(Tlog *tlog, const TlogCommitInfo *info, TlogCommitted *out)
{
    Tx *tx = tlog->tx;
    if (tx == NULL) return ERR(INTERNAL, "a commit outside a transaction");
    *out = (TlogCommitted){.log_version = -1};
    if (tx->rows.n == 0) {
        tlog_abort(tlog);
        return NULL;
    }
    Committing at = {0};
    Err *error = tx->broken ? ERR(INTERNAL, "a change of this transaction failed half-way") : NULL;
    if (error == NULL) error = blob_publish(tlog);
    if (error == NULL) error = write_log(tlog, info, &at);
    if (error != NULL) {
        tlog_abort(tlog);
        return error;
    }
    PERF_SPAN(PERF_after);
    *out = (TlogCommitted){.txn = tx->txn, .log_version = at.version, .rows = (int64_t)tx->rows.n};
    settle_index(tlog, &at);
    return NULL;
}
