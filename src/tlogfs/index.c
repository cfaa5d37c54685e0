/* The catalog index's file: SQLite in WAL mode, without memory mapping (a damaged or shrinking file
 * must give an error, not SIGBUS).
 *
 * Several processes share the file; SQLite's locks keep them apart. Readers hold one read
 * transaction: their snapshot. The WAL file is kept when the last connection closes (PERSIST_WAL,
 * cut to zero bytes), because unlinking it by name would hit another process's WAL after somebody
 * deleted and remade the cache folder. A damaged file is emptied in place
 * (SQLITE_DBCONFIG_RESET_DATABASE), not unlinked, for the same reason.
 *
 * synchronous = NORMAL: after a power cut the file may lack the last commits, which only leaves the
 * index behind the log; it never mixes old and new pages.
 *
 * Failure: SQLITE_CORRUPT, SQLITE_NOTADB and every failed check of ours set `damaged`; any other
 * SQLite error sets `failed`. Both are for the caller to mend: nothing here is truth. */
#include "perf/ops.h"
#include "tlogfs/index_own.h"
#include "tlogfs/index_schema.h"
#include <stdio.h>
#include <string.h>

enum { INDEX_FORMAT = 2, BUSY_WAIT_MS = 60000 };

Err *index_damage(Index *index, const char *format, ...)
{
    index->damaged = true;
    SCRATCH(scratch);
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(scratch, format, args);
    va_end(args);
    return ERR(CORRUPT, "catalog index %s: %s", index->path == NULL ? "in memory" : index->path,
               text);
}

Err *index_sqlite_error(Index *index, int rc)
{
    int kind = rc & 0xff;
    const char *text = index->db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(index->db);
    if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_ERROR ||
        kind == SQLITE_FORMAT) {
        return index_damage(index, "%s", text);
    }
    index->failed = true;
    return ERR(IO, "catalog index %s: %s", index->path == NULL ? "in memory" : index->path, text);
}

Err *index_exec(Index *index, const char *sql)
{
    int rc = sqlite3_exec(index->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? NULL : index_sqlite_error(index, rc);
}

/* The integer that a one-row statement answers. */
static Err *ask(Index *index, const char *sql, int64_t *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(index->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) *out = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? NULL : index_sqlite_error(index, rc);
}

static void forget_statements(Index *index)
{
    for (int i = 0; i < INDEX_QUERY_COUNT; i++) {
        (void)sqlite3_finalize(index->queries[i]);
        index->queries[i] = NULL;
    }
    for (int i = 0; i < INDEX_TABLE_COUNT; i++) {
        (void)sqlite3_finalize(index->puts[i]);
        (void)sqlite3_finalize(index->dels[i]);
        index->puts[i] = index->dels[i] = NULL;
    }
}

static Err *make_schema(Index *index)
{
    TRY(index_exec(index, INDEX_SCHEMA_SQL));
    char sql[64];
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %d", INDEX_FORMAT);
    return index_exec(index, sql);
}

/* Makes the tables in an empty file; another process may do the same at the same time. */
static Err *ensure_schema(Index *index)
{
    int64_t format = 0;
    TRY(ask(index, "PRAGMA user_version", &format));
    if (format == INDEX_FORMAT) return NULL;
    if (format != 0) return index_damage(index, "made by another version of pond");
    TRY(index_begin_write(index));
    Err *error = ask(index, "PRAGMA user_version", &format);
    if (error == NULL && format == 0) error = make_schema(index);
    if (error == NULL) error = index_commit(index);
    if (error != NULL) index_rollback(index);
    return error;
}

static Err *configure(Index *index)
{
    int on = 1;
    (void)sqlite3_file_control(index->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    (void)sqlite3_busy_timeout(index->db, BUSY_WAIT_MS);
    TRY(index_exec(index,
                   "PRAGMA mmap_size = 0; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;"
                   "PRAGMA journal_size_limit = 0; PRAGMA cell_size_check = ON"));
    if (index->path != NULL) TRY(index_exec(index, "PRAGMA journal_mode = WAL"));
    return ensure_schema(index);
}

static Err *open_file(Index *index)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc =
        sqlite3_open_v2(index->path == NULL ? ":memory:" : index->path, &index->db, flags, NULL);
    if (rc != SQLITE_OK) return index_sqlite_error(index, rc);
    if (sqlite3_db_readonly(index->db, "main") == 1) {
        index->failed = true;
        return ERR(IO, "catalog index %s: cannot be written", index->path);
    }
    Err *error = configure(index);
    if (error == NULL || !index->damaged) return error;
    err_free(error);
    log_debug("the catalog index %s is unusable and is made anew", index->path);
    return index_reset(index);
}

/* For the statistics of caches alone. */
static void hold(Index *index)
{
    OsStat stat;
    bool exists = false;
    if (index->path == NULL) return;
    Err *error = os_stat_if(index->path, &exists, &stat);
    if (error == NULL && exists) index->held_bytes = stat.size_bytes;
    err_free(error);
    perf_held(PERF_CACHE_index, index->held_bytes);
}

Err *index_open(const char *path, Index **out)
{
    Arena *arena = arena_new();
    Index *index = ANEW(arena, Index);
    index->arena = arena;
    index->path = arena_strdup(arena, path);
    index->bytes = buf_new(arena);
    PERF_SPAN(PERF_index_open);
    Err *error = open_file(index);
    if (error != NULL) {
        index_close_at(&index);
        return error;
    }
    hold(index);
    *out = index;
    return NULL;
}

void index_close_at(Index **index)
{
    if (*index == NULL) return;
    forget_statements(*index);
    perf_held(PERF_CACHE_index, -(*index)->held_bytes);
    (void)sqlite3_close((*index)->db);
    arena_free((*index)->arena);
    *index = NULL;
}

const char *index_path(const Index *index)
{
    return index->path;
}

/* SQLite's own way to empty a file that may be damaged anywhere: it goes through locks and WAL. */
static int reset_in_place(sqlite3 *db)
{
    (void)sqlite3_table_column_metadata(db, NULL, "stamp", "txn", NULL, NULL, NULL, NULL, NULL);
    int rc = sqlite3_db_config(db, SQLITE_DBCONFIG_RESET_DATABASE, 1, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "VACUUM", NULL, NULL, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_RESET_DATABASE, 0, NULL);
    return rc;
}

Err *index_reset(Index *index)
{
    index_rollback(index);
    forget_statements(index);
    index->damaged = index->failed = false;
    int rc = reset_in_place(index->db);
    if (rc != SQLITE_OK) return index_sqlite_error(index, rc);
    return configure(index);
}

/* ---- transactions ---- */

static Err *begin(Index *index, const char *sql)
{
    TRY(index_exec(index, sql));
    index->in_transaction = true;
    return NULL;
}

Err *index_begin_read(Index *index)
{
    return begin(index, "BEGIN");
}

Err *index_begin_write(Index *index)
{
    return begin(index, "BEGIN IMMEDIATE");
}

Err *index_try_write(Index *index, bool *out_begun)
{
    (void)sqlite3_busy_timeout(index->db, 0);
    int rc = sqlite3_exec(index->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    (void)sqlite3_busy_timeout(index->db, BUSY_WAIT_MS);
    *out_begun = index->in_transaction = rc == SQLITE_OK;
    return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY ? NULL : index_sqlite_error(index, rc);
}

Err *index_commit(Index *index)
{
    TRY(index_exec(index, "COMMIT"));
    index->in_transaction = false;
    return NULL;
}

void index_rollback(Index *index)
{
    if (sqlite3_get_autocommit(index->db) == 0)
        (void)sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
    index->in_transaction = false;
}

bool index_in_transaction(const Index *index)
{
    return index->in_transaction;
}

bool index_is_damaged(const Index *index)
{
    return index->damaged;
}

bool index_is_failed(const Index *index)
{
    return index->failed;
}
