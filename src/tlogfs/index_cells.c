/* Rows of the catalog index as cells.
 *
 * Each table's last column is the XXH3-64 of the others, written by index_put and checked whenever
 * a row is read: of 300 single-bit flips in a SQLite file 173 gave silently wrong rows, and SQLite
 * itself notices few of them. The bytes hashed are, per cell: its kind, its length or value (8
 * bytes, little endian), its bytes; the table's number comes first.
 *
 * Statements are data (QUERIES); each selects all columns of its table and is prepared once per
 * open index. A statement that is scanned is not scanned again before the first scan has ended. */
#include "perf/ops.h"
#include "tlogfs/index_own.h"
#include <stdio.h>
#include <string.h>

typedef struct TableInfo {
    const char *name;
    int width;         /* columns without the hash */
    const char *where; /* of the key, for DELETE */
} TableInfo;

static const TableInfo TABLES[INDEX_TABLE_COUNT] = {
    [INDEX_STAMP] = {"stamp", 15, "one = ?1"},
    [INDEX_LOG_TABLE] = {"log_table", 9, "one = ?1"},
    [INDEX_NODES] = {"nodes", 21, "parent = ?1 AND name = ?2"},
    [INDEX_VERSIONS] = {"versions", 15, "node = ?1 AND version = ?2"},
    [INDEX_BLOBS] = {"blobs", 4, "name = ?1"},
    [INDEX_LOG_FILES] = {"log_files", 8, "path = ?1"},
    [INDEX_TOMBSTONES] = {"tombstones", 3, "path = ?1"},
    [INDEX_VERIFIED] = {"verified", 4, "name = ?1"},
};

typedef struct QueryInfo {
    IndexTable table;
    int match;        /* so many first columns of each row must equal the keys */
    const char *rest; /* after SELECT * FROM table */
} QueryInfo;

static const QueryInfo QUERIES[INDEX_QUERY_COUNT] = {
    [QUERY_STAMP] = {INDEX_STAMP, 0, "WHERE one = 1"},
    [QUERY_LOG_TABLE] = {INDEX_LOG_TABLE, 0, "WHERE one = 1"},
    [QUERY_NODE_BY_NAME] = {INDEX_NODES, 2, "WHERE parent = ?1 AND name = ?2"},
    [QUERY_NODE_BY_ID] = {INDEX_NODES, 0, "WHERE id = ?1"},
    [QUERY_NODE_BEFORE] = {INDEX_NODES, 1,
                           "WHERE parent = ?1 AND name < ?2 ORDER BY name DESC LIMIT 1"},
    [QUERY_CHILDREN] = {INDEX_NODES, 1, "WHERE parent = ?1 AND name > '' ORDER BY name"},
    [QUERY_ALL_NODES] = {INDEX_NODES, 0, "ORDER BY parent, name"},
    [QUERY_VERSION] = {INDEX_VERSIONS, 2, "WHERE node = ?1 AND version = ?2"},
    [QUERY_VERSIONS] = {INDEX_VERSIONS, 1, "WHERE node = ?1 ORDER BY version"},
    [QUERY_ALL_VERSIONS] = {INDEX_VERSIONS, 0, "ORDER BY node, version"},
    [QUERY_BLOB] = {INDEX_BLOBS, 1, "WHERE name = ?1"},
    [QUERY_ALL_BLOBS] = {INDEX_BLOBS, 0, "ORDER BY name"},
    [QUERY_LOG_FILE] = {INDEX_LOG_FILES, 1, "WHERE path = ?1"},
    [QUERY_ALL_LOG_FILES] = {INDEX_LOG_FILES, 0, "ORDER BY first_txn, path"},
    [QUERY_TOMBSTONE] = {INDEX_TOMBSTONES, 1, "WHERE path = ?1"},
    [QUERY_ALL_TOMBSTONES] = {INDEX_TOMBSTONES, 0, "ORDER BY path"},
    [QUERY_VERIFIED] = {INDEX_VERIFIED, 1, "WHERE name = ?1"},
};

const char *index_table_name(IndexTable table)
{
    return TABLES[table].name;
}

size_t index_table_width(IndexTable table)
{
    return (size_t)TABLES[table].width;
}

/* ---- cells ---- */

Cell cell_int(int64_t integer)
{
    return (Cell){.kind = CELL_INT, .integer = integer};
}

Cell cell_int_if(bool present, int64_t integer)
{
    return present ? cell_int(integer) : (Cell){.kind = CELL_NULL};
}

Cell cell_text(const char *text)
{
    if (text == NULL) return (Cell){.kind = CELL_NULL};
    return (Cell){.kind = CELL_TEXT, .bytes = text, .size = strlen(text)};
}

Cell cell_blob(const void *bytes, size_t size)
{
    return (Cell){.kind = CELL_BLOB, .bytes = bytes, .size = size};
}

const char *cell_str(Arena *arena, const Cell *cell)
{
    return cell->kind == CELL_TEXT ? arena_strndup(arena, cell->bytes, cell->size) : NULL;
}

static int64_t row_hash(Index *index, IndexTable table, const Cell *cells)
{
    Buf *bytes = &index->bytes;
    buf_clear(bytes);
    buf_putc(bytes, (char)table);
    for (int i = 0; i < TABLES[table].width; i++) {
        const Cell *cell = &cells[i];
        int64_t number = cell->kind == CELL_INT ? cell->integer : (int64_t)cell->size;
        buf_putc(bytes, (char)cell->kind);
        buf_add(bytes, &number, sizeof number);
        if (cell->kind == CELL_TEXT || cell->kind == CELL_BLOB)
            buf_add(bytes, cell->bytes, cell->size);
    }
    return (int64_t)xxh64(bytes->data, bytes->size);
}

/* ---- statements ---- */

static Err *prepare(Index *index, sqlite3_stmt **slot, const char *sql)
{
    if (*slot != NULL) {
        (void)sqlite3_reset(*slot);
        return NULL;
    }
    int rc = sqlite3_prepare_v3(index->db, sql, -1, SQLITE_PREPARE_PERSISTENT, slot, NULL);
    return rc == SQLITE_OK ? NULL : index_sqlite_error(index, rc);
}

static int bind(sqlite3_stmt *stmt, int at, const Cell *cell)
{
    switch (cell->kind) {
    case CELL_INT: return sqlite3_bind_int64(stmt, at, cell->integer);
    case CELL_TEXT: return sqlite3_bind_text(stmt, at, cell->bytes, (int)cell->size, SQLITE_STATIC);
    case CELL_BLOB:
        return sqlite3_bind_blob(stmt, at, cell->bytes == NULL ? "" : cell->bytes, (int)cell->size,
                                 SQLITE_STATIC);
    case CELL_NULL: break;
    }
    return sqlite3_bind_null(stmt, at);
}

static Err *bind_all(Index *index, sqlite3_stmt *stmt, const Cell *cells)
{
    int count = sqlite3_bind_parameter_count(stmt);
    for (int i = 0; i < count; i++) {
        int rc = bind(stmt, i + 1, &cells[i]);
        if (rc != SQLITE_OK) return index_sqlite_error(index, rc);
    }
    return NULL;
}

/* Runs a statement that answers no rows, and lets go of what was bound. */
static Err *run(Index *index, sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    Err *error = rc == SQLITE_DONE ? NULL : index_sqlite_error(index, rc);
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return error;
}

Err *index_put(Index *index, IndexTable table, const Cell *cells)
{
    const TableInfo *info = &TABLES[table];
    if (index->puts[table] == NULL) {
        Buf sql = buf_new(index->arena);
        buf_printf(&sql, "INSERT OR REPLACE INTO %s VALUES (?", info->name);
        for (int i = 0; i < info->width; i++) buf_puts(&sql, ", ?");
        buf_puts(&sql, ")");
        TRY(prepare(index, &index->puts[table], sql.data));
    }
    Cell all[CELLS_MAX];
    memcpy(all, cells, sizeof *all * (size_t)info->width);
    all[info->width] = cell_int(row_hash(index, table, cells));
    TRY(bind_all(index, index->puts[table], all));
    return run(index, index->puts[table]);
}

Err *index_del(Index *index, IndexTable table, const Cell *key)
{
    const TableInfo *info = &TABLES[table];
    if (index->dels[table] == NULL) {
        char sql[128];
        (void)snprintf(sql, sizeof sql, "DELETE FROM %s WHERE %s", info->name, info->where);
        TRY(prepare(index, &index->dels[table], sql));
    }
    TRY(bind_all(index, index->dels[table], key));
    TRY(run(index, index->dels[table]));
    if (sqlite3_changes(index->db) == 1) return NULL;
    return index_damage(index, "a row of %s to be deleted is missing", info->name);
}

Err *index_clear(Index *index, IndexTable table)
{
    char sql[64];
    (void)snprintf(sql, sizeof sql, "DELETE FROM %s", TABLES[table].name);
    return index_exec(index, sql);
}

/* ---- reading ---- */

Err *index_scan(Index *index, IndexQuery query, const Cell *keys, IndexScan *out)
{
    const QueryInfo *info = &QUERIES[query];
    char sql[192];
    (void)snprintf(sql, sizeof sql, "SELECT * FROM %s %s", TABLES[info->table].name, info->rest);
    TRY(prepare(index, &index->queries[query], sql));
    out->index = index;
    out->query = query;
    out->keys = keys;
    return bind_all(index, index->queries[query], keys);
}

static Cell read_cell(sqlite3_stmt *stmt, int at)
{
    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_INTEGER: return cell_int(sqlite3_column_int64(stmt, at));
    case SQLITE_NULL: return (Cell){.kind = CELL_NULL};
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_column_text(stmt, at);
        return (Cell){
            .kind = CELL_TEXT, .bytes = text, .size = (size_t)sqlite3_column_bytes(stmt, at)};
    }
    default: { /* a damaged file may hold a float: then the hash is wrong */
        const void *blob = sqlite3_column_blob(stmt, at);
        return cell_blob(blob, (size_t)sqlite3_column_bytes(stmt, at));
    }
    }
}

bool cell_equal(const Cell *a, const Cell *b)
{
    if (a->kind != b->kind) return false;
    if (a->kind == CELL_NULL) return true;
    if (a->kind == CELL_INT) return a->integer == b->integer;
    return a->size == b->size && (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

/* A damaged tree may lead to a row, whole in itself, that was not asked for. */
static Err *check_row(const IndexScan *scan, const Cell *cells)
{
    const QueryInfo *query = &QUERIES[scan->query];
    const TableInfo *table = &TABLES[query->table];
    const Cell *hash = &cells[table->width];
    if (hash->kind != CELL_INT || hash->integer != row_hash(scan->index, query->table, cells)) {
        return index_damage(scan->index, "a row of %s does not match its hash", table->name);
    }
    for (int i = 0; i < query->match; i++) {
        if (cell_equal(&cells[i], &scan->keys[i])) continue;
        return index_damage(scan->index, "a row of %s stands in another's place", table->name);
    }
    return NULL;
}

Err *index_scan_next(IndexScan *scan, bool *more, Cell *out)
{
    Index *index = scan->index;
    sqlite3_stmt *stmt = index->queries[scan->query];
    IndexTable table = QUERIES[scan->query].table;
    int rc = sqlite3_step(stmt);
    *more = rc == SQLITE_ROW;
    if (rc == SQLITE_DONE) return NULL;
    if (rc != SQLITE_ROW) return index_sqlite_error(index, rc);
    int width = TABLES[table].width;
    if (sqlite3_column_count(stmt) != width + 1)
        return index_damage(index, "%s: columns", TABLES[table].name);
    for (int i = 0; i <= width; i++) out[i] = read_cell(stmt, i);
    TRY(check_row(scan, out));
    perf_count(PERF_index_row);
    return NULL;
}

void index_scan_end(IndexScan *scan)
{
    if (scan->index == NULL) return;
    sqlite3_stmt *stmt = scan->index->queries[scan->query];
    if (stmt != NULL) {
        (void)sqlite3_reset(stmt);
        (void)sqlite3_clear_bindings(stmt);
    }
    scan->index = NULL;
}

Err *index_find(Index *index, Arena *arena, IndexQuery query, const Cell *keys, bool *found,
                Cell *out)
{
    CLEANUP(index_scan_end) IndexScan scan = {0};
    TRY(index_scan(index, query, keys, &scan));
    Cell cells[CELLS_MAX];
    TRY(index_scan_next(&scan, found, cells));
    if (!*found) return NULL;
    for (int i = 0; i < TABLES[QUERIES[query].table].width; i++) {
        out[i] = cells[i];
        if (cells[i].kind != CELL_TEXT && cells[i].kind != CELL_BLOB) continue;
        char *copy = arena_alloc(arena, cells[i].size + 1);
        if (cells[i].size > 0) memcpy(copy, cells[i].bytes, cells[i].size);
        out[i].bytes = copy;
    }
    return NULL;
}
