/* The SQLite file of a cache.
 *
 * Format: one table (below), stamped with application_id and user_version; another stamp is a
 * foreign or old file and counts as damaged (it is disposable). A second table holds the hashes of
 * the keys that were evicted last, so that a miss can be told from one that room would have spared.
 * `hash` is the XXH3-64 of kind, key and value, length-prefixed: a flipped bit anywhere in a row
 * gives another hash or another key, never a wrong value. `used` is outside of it: it only orders
 * eviction. Locking: WAL, so readers never wait; a writer waits BUSY_MS and then gives up.
 * synchronous=OFF: the file may be lost, not wrong. mmap is off, because a damaged or truncated map
 * would be a signal instead of an error. */
#include "cache/store_int.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x706f6e63, FORMAT = 2, BUSY_MS = 20, OPEN_TRIES = 10, GHOSTS_MAX = 4096 };

typedef enum Sql {
    SQL_GET,
    SQL_TOUCH,
    SQL_PUT,
    SQL_SIZE,
    SQL_OLDEST,
    SQL_DELETE,
    SQL_GHOST_PUT,
    SQL_GHOST_TRIM,
    SQL_GHOST_FIND,
    SQL_GHOST_TAKE,
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_COUNT
} Sql;
static const char *const SQL_TEXT[SQL_COUNT] = {
    [SQL_GET] = "SELECT value, hash, used FROM entry WHERE kind = ?1 AND key = ?2",
    [SQL_TOUCH] = "UPDATE entry SET used = ?3 WHERE kind = ?1 AND key = ?2",
    [SQL_PUT] = "INSERT OR REPLACE INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_SIZE] = "SELECT coalesce(sum(size), 0) FROM entry",
    [SQL_OLDEST] = "SELECT rowid, size, kind, key FROM entry ORDER BY used, rowid",
    [SQL_DELETE] = "DELETE FROM entry WHERE rowid = ?1",
    [SQL_GHOST_PUT] = "INSERT INTO ghost (hash) VALUES (?1)",
    [SQL_GHOST_TRIM] = "DELETE FROM ghost WHERE number <= (SELECT max(number) FROM ghost) - ?1",
    [SQL_GHOST_FIND] = "SELECT 1 FROM ghost WHERE hash = ?1",
    [SQL_GHOST_TAKE] = "DELETE FROM ghost WHERE hash = ?1",
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
};

static const char SETTINGS[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA "
                               "mmap_size = 0; PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;";
static const char CREATE[] = "CREATE TABLE entry (kind TEXT NOT NULL, key TEXT NOT "
                             "NULL, value BLOB NOT NULL, hash INTEGER NOT NULL,"
                             " used INTEGER NOT NULL, size INTEGER NOT NULL, UNIQUE (kind, key));"
                             "CREATE INDEX entry_used ON entry (used, size);"
                             "CREATE TABLE ghost (number INTEGER PRIMARY KEY, hash INTEGER NOT "
                             "NULL); CREATE INDEX ghost_hash ON ghost (hash);"
                             "PRAGMA application_id = 1886350947; PRAGMA user_version = 2;";

struct Store {
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT];
};

/* ---- what SQLite says ---- */

static StoreResult result_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW: return STORE_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT: return STORE_BUSY;
    case SQLITE_CANTOPEN:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_NOLFS:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
    case SQLITE_READONLY: return STORE_UNUSABLE;
    default:
        return STORE_DAMAGED; /* CORRUPT, NOTADB, a schema that does not parse, a value too big ...
                               */
    }
}

const char *store_last_error(const Store *store)
{
    return store->db == NULL ? "out of memory" : sqlite3_errmsg(store->db);
}

/* ---- opening ---- */

static StoreResult pragma_int(Store *store, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? STORE_OK : result_of(code);
}

typedef struct Stamp {
    int64_t application, format, tables;
} Stamp;

static StoreResult read_stamp(Store *store, Stamp *out)
{
    StoreResult result = pragma_int(store, "PRAGMA application_id", &out->application);
    if (result == STORE_OK) result = pragma_int(store, "PRAGMA user_version", &out->format);
    if (result == STORE_OK)
        result = pragma_int(store, "SELECT count(*) FROM sqlite_schema", &out->tables);
    return result;
}

static bool is_ours(const Stamp *stamp)
{
    return stamp->application == APPLICATION_ID && stamp->format == FORMAT;
}

/* Under the write lock: another process may have made the tables in the meantime. */
static StoreResult create_locked(Store *store)
{
    Stamp stamp = {0};
    StoreResult result = read_stamp(store, &stamp);
    if (result != STORE_OK || is_ours(&stamp)) return result;
    if (stamp.application != 0 || stamp.format != 0 || stamp.tables != 0) return STORE_DAMAGED;
    return result_of(sqlite3_exec(store->db, CREATE, NULL, NULL, NULL));
}

/* A file of ours, or an empty one, which becomes ours. */
static StoreResult check_stamp(Store *store)
{
    Stamp stamp = {0};
    StoreResult result = read_stamp(store, &stamp);
    if (result != STORE_OK || is_ours(&stamp)) return result;
    result = result_of(sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
    if (result == STORE_OK) result = create_locked(store);
    if (result == STORE_OK) result = result_of(sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL));
    return result; /* closing the handle rolls back */
}

static StoreResult prepare_all(Store *store)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        int code = sqlite3_prepare_v3(store->db, SQL_TEXT[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &store->statements[i], NULL);
        if (code != SQLITE_OK) return result_of(code);
    }
    return STORE_OK;
}

static StoreResult open_into(Store *store, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path == NULL ? ":memory:" : path, &store->db, flags, NULL);
    if (code != SQLITE_OK) return result_of(code);
    sqlite3_busy_timeout(store->db, BUSY_MS);
    sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, STORE_VALUE_BYTES_MAX + (1 << 20));
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    StoreResult result = result_of(sqlite3_exec(store->db, SETTINGS, NULL, NULL, NULL));
    if (result == STORE_OK) result = check_stamp(store);
    if (result == STORE_OK) result = prepare_all(store);
    return result;
}

static StoreResult open_once(const char *path, Store **out)
{
    Store *store = calloc(1, sizeof *store);
    if (store == NULL) return STORE_UNUSABLE;
    StoreResult result = open_into(store, path);
    if (result == STORE_OK) {
        *out = store;
        return STORE_OK;
    }
    log_debug("cache %s: %s", path == NULL ? "in memory" : path, store_last_error(store));
    store_close(store);
    return result;
}

/* Entering WAL mode does not wait for others that do the same, so a busy file is tried again. */
StoreResult store_open(const char *path, Store **out)
{
    StoreResult result = STORE_BUSY;
    for (int i = 0; i < OPEN_TRIES && result == STORE_BUSY; i++) {
        if (i > 0) (void)usleep(BUSY_MS * 1000 / OPEN_TRIES);
        result = open_once(path, out);
    }
    return result;
}

void store_close(Store *store)
{
    if (store == NULL) return;
    for (int i = 0; i < SQL_COUNT; i++) sqlite3_finalize(store->statements[i]);
    sqlite3_close_v2(store->db);
    free(store);
}

/* ---- rows ---- */

static sqlite3_stmt *bind_key(Store *store, Sql sql, const char *kind, const char *key)
{
    sqlite3_stmt *statement = store->statements[sql];
    sqlite3_bind_text(statement, 1, kind, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
    return statement;
}

/* Runs a statement without rows. */
static StoreResult run(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return result_of(code);
}

static StoreResult run_with(Store *store, Sql sql, int64_t value)
{
    sqlite3_bind_int64(store->statements[sql], 1, value);
    return run(store->statements[sql]);
}

static int64_t hash_of(const char *kind, const char *key, const void *value, size_t size)
{
    SCRATCH(scratch);
    uint64_t lengths[3] = {strlen(kind), strlen(key), size};
    Buf bytes = buf_new(scratch);
    buf_add(&bytes, lengths, sizeof lengths);
    buf_puts(&bytes, kind);
    buf_puts(&bytes, key);
    buf_add(&bytes, value, size);
    return (int64_t)xxh64(bytes.data, bytes.size);
}

static StoreResult row_take(sqlite3_stmt *statement, Arena *arena, const char *kind,
                            const char *key, char **out, size_t *out_size, TimeUs *out_used)
{
    const void *value = sqlite3_column_blob(statement, 0);
    size_t size = (size_t)sqlite3_column_bytes(statement, 0);
    if (value == NULL && size > 0) return STORE_DAMAGED;
    if (hash_of(kind, key, value == NULL ? "" : value, size) != sqlite3_column_int64(statement, 1))
        return STORE_DAMAGED;
    *out = arena_strndup(arena, "", 0);
    if (size > 0) {
        *out = arena_alloc(arena, size + 1);
        memcpy(*out, value, size);
    }
    *out_size = size;
    *out_used = sqlite3_column_int64(statement, 2);
    return STORE_OK;
}

StoreResult store_get(Store *store, Arena *arena, const char *kind, const char *key, TimeUs now,
                      char **out, size_t *out_size)
{
    TimeUs used = 0;
    sqlite3_stmt *statement = bind_key(store, SQL_GET, kind, key);
    int code = sqlite3_step(statement);
    StoreResult result = code == SQLITE_DONE ? STORE_ABSENT : result_of(code);
    if (code == SQLITE_ROW) result = row_take(statement, arena, kind, key, out, out_size, &used);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (result != STORE_OK || (used <= now && now - used < US_PER_SECOND)) return result;
    statement = bind_key(store, SQL_TOUCH, kind, key);
    sqlite3_bind_int64(statement, 3, now);
    (void)run(statement); /* only orders eviction: a busy or read-only file does not matter */
    return STORE_OK;
}

StoreResult store_put(Store *store, const char *kind, const char *key, const void *value,
                      size_t size, TimeUs now)
{
    sqlite3_stmt *statement = bind_key(store, SQL_PUT, kind, key);
    sqlite3_bind_blob64(statement, 3, size == 0 ? "" : value, size, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, hash_of(kind, key, value, size));
    sqlite3_bind_int64(statement, 5, now);
    sqlite3_bind_int64(statement, 6, store_row_bytes(kind, key, size));
    return run(statement);
}

StoreResult store_size(Store *store, int64_t *out_bytes)
{
    sqlite3_stmt *statement = store->statements[SQL_SIZE];
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) *out_bytes = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return result_of(code);
}

/* ---- eviction ---- */

typedef struct Victim {
    int64_t rowid, ghost;
} Victim;

typedef struct Victims {
    VEC(Victim) all;
    int64_t bytes;
} Victims;

static int64_t ghost_hash(const char *kind, const char *key)
{
    return hash_of(kind, key, "", 0);
}

bool store_ghost_take(Store *store, const char *kind, const char *key)
{
    int64_t hash = ghost_hash(kind, key);
    sqlite3_stmt *find = store->statements[SQL_GHOST_FIND]; /* a DELETE alone would lock the file */
    sqlite3_bind_int64(find, 1, hash);
    bool found = sqlite3_step(find) == SQLITE_ROW;
    sqlite3_reset(find);
    return found && run_with(store, SQL_GHOST_TAKE, hash) == STORE_OK;
}

static StoreResult choose_victims(Store *store, Arena *arena, int64_t excess_bytes, Victims *out)
{
    sqlite3_stmt *statement = store->statements[SQL_OLDEST];
    int code = SQLITE_DONE;
    while (out->bytes < excess_bytes && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t size = sqlite3_column_int64(statement, 1);
        const char *kind = (const char *)sqlite3_column_text(statement, 2);
        const char *key = (const char *)sqlite3_column_text(statement, 3);
        Victim victim = {.rowid = sqlite3_column_int64(statement, 0),
                         .ghost = ghost_hash(kind != NULL ? kind : "", key != NULL ? key : "")};
        vec_push(arena, &out->all, victim);
        out->bytes += size > 0 ? size : 1;
    }
    sqlite3_reset(statement);
    return result_of(code);
}

static StoreResult evict_excess(Store *store, int64_t keep_bytes, int64_t *out_left_bytes,
                                uint64_t *out_count)
{
    SCRATCH(scratch);
    Victims victims = {0};
    int64_t size = 0;
    StoreResult result = store_size(store, &size);
    if (result == STORE_OK) result = choose_victims(store, scratch, size - keep_bytes, &victims);
    for (size_t i = 0; result == STORE_OK && i < victims.all.n; i++) {
        result = run_with(store, SQL_DELETE, victims.all.v[i].rowid);
        if (result == STORE_OK) result = run_with(store, SQL_GHOST_PUT, victims.all.v[i].ghost);
    }
    if (result == STORE_OK) result = run_with(store, SQL_GHOST_TRIM, GHOSTS_MAX);
    *out_left_bytes = size - victims.bytes;
    *out_count = victims.all.n;
    return result;
}

StoreResult store_evict(Store *store, int64_t keep_bytes, int64_t *out_left_bytes,
                        uint64_t *out_count)
{
    StoreResult result = run(store->statements[SQL_BEGIN]);
    if (result != STORE_OK) return result;
    result = evict_excess(store, keep_bytes, out_left_bytes, out_count);
    if (result == STORE_OK) result = run(store->statements[SQL_COMMIT]);
    if (result != STORE_OK) (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return result;
}
