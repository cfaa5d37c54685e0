/* The catalog index: a SQLite file (or memory) derived from the log. Layers, each a file:
 *   index.c        the file's life: open, schema, transactions, reset, what a failure means
 *   index_cells.c  rows as cells with a hash of their own; the statements
 *   index_nodes.c  typed rows: nodes with their chain of siblings, versions
 *   index_files.c  typed rows: blobs, log files, tombstones, verified blobs, the stamp
 *   index_apply.c  what one log row does to them
 *   index_build.c  held to the log: current, behind, missing
 *   index_compare.c two indexes row by row
 *
 * A failed check or a SQLite error sets `damaged` or `failed`; whoever holds the log then mends it
 * (tlog.c). */
#pragma once
#include "delta/delta.h"
#include "tlogfs/row_int.h"

typedef struct Index Index;

/* ---- life ---- */
Err *index_open(const char *path /* NULL = memory */, Index **out) WARN_UNUSED;
void index_close_at(Index **index);
const char *index_path(const Index *index);
/* Empties it in place, whatever state the file is in; other processes' snapshots stay whole. */
Err *index_reset(Index *index) WARN_UNUSED;
Err *index_begin_read(Index *index) WARN_UNUSED;
Err *index_begin_write(Index *index) WARN_UNUSED; /* waits for other writers of the index */
Err *index_try_write(Index *index, bool *out_begun) WARN_UNUSED; /* does not wait */
Err *index_commit(Index *index) WARN_UNUSED;
void index_rollback(Index *index); /* ends a read or undoes a write; no-op when idle */
bool index_in_transaction(const Index *index);
/* What it holds is wrong, or the file cannot be used. */
bool index_is_damaged(const Index *index);
bool index_is_failed(const Index *index);
/* An error that says so, and sets it. */
Err *index_damage(Index *index, const char *format, ...) __attribute__((format(printf, 2, 3)))
WARN_UNUSED;

/* ---- cells ---- */
typedef enum CellKind { CELL_NULL, CELL_INT, CELL_TEXT, CELL_BLOB } CellKind;
typedef struct Cell {
    CellKind kind;
    int64_t integer;
    const char *bytes; /* TEXT (NUL-terminated), BLOB */
    size_t size;
} Cell;
enum { CELLS_MAX = 24 };
Cell cell_int(int64_t integer);
Cell cell_int_if(bool present, int64_t integer);
Cell cell_text(const char *text); /* NULL = null */
Cell cell_blob(const void *bytes, size_t size);
const char *cell_str(Arena *arena, const Cell *cell); /* a copy; NULL when null */
bool cell_equal(const Cell *a, const Cell *b);

typedef enum IndexTable {
    INDEX_STAMP,
    INDEX_LOG_TABLE,
    INDEX_NODES,
    INDEX_VERSIONS,
    INDEX_BLOBS,
    INDEX_LOG_FILES,
    INDEX_TOMBSTONES,
    INDEX_VERIFIED,
    INDEX_TABLE_COUNT
} IndexTable;
typedef enum IndexQuery {
    QUERY_STAMP,
    QUERY_LOG_TABLE,
    QUERY_NODE_BY_NAME,
    QUERY_NODE_BY_ID,
    QUERY_NODE_BEFORE,
    QUERY_CHILDREN,
    QUERY_ALL_NODES,
    QUERY_VERSION,
    QUERY_VERSIONS,
    QUERY_ALL_VERSIONS,
    QUERY_BLOB,
    QUERY_ALL_BLOBS,
    QUERY_LOG_FILE,
    QUERY_ALL_LOG_FILES,
    QUERY_TOMBSTONE,
    QUERY_ALL_TOMBSTONES,
    QUERY_VERIFIED,
    INDEX_QUERY_COUNT
} IndexQuery;
const char *index_table_name(IndexTable table);
size_t index_table_width(IndexTable table); /* columns without the hash */

Err *index_put(Index *index, IndexTable table, const Cell *cells)
    WARN_UNUSED; /* inserts or replaces */
Err *index_del(Index *index, IndexTable table, const Cell *key)
    WARN_UNUSED; /* the row must be there */
Err *index_clear(Index *index, IndexTable table) WARN_UNUSED;
/* The first row of a query, copied into the arena. */
Err *index_find(Index *index, Arena *arena, IndexQuery query, const Cell *keys, bool *found,
                Cell *out) WARN_UNUSED;
/* Rows of a query; cells live until the next call, `keys` as long as the scan.
 * CLEANUP(index_scan_end) IndexScan scan = {0}; */
typedef struct IndexScan {
    Index *index;
    IndexQuery query;
    const Cell *keys;
} IndexScan;
Err *index_scan(Index *index, IndexQuery query, const Cell *keys, IndexScan *out) WARN_UNUSED;
Err *index_scan_next(IndexScan *scan, bool *more, Cell *out) WARN_UNUSED;
void index_scan_end(IndexScan *scan);

/* ---- typed rows ---- */
typedef struct Stamp {
    const char *pond_id, *birthplace,
        *entry_id; /* entry_id: commitInfo.txnId of the newest entry */
    int64_t format, log_version, txn;
    TimeUs time;
    int64_t checkpoint_version;
    int64_t nodes, versions, blobs, log_files, log_bytes, tombstones;
} Stamp;
Err *index_stamp_get(Index *index, Arena *arena, bool *found, Stamp *out) WARN_UNUSED;
Err *index_stamp_put(Index *index, const Stamp *stamp) WARN_UNUSED;

typedef struct NodeRow {
    Node node;
    int64_t states, last_version; /* how many node rows; the highest version ever */
    const char *next, *first;     /* names of the next sibling and of a directory's first child */
} NodeRow;
Err *index_node_by_id(Index *index, Arena *arena, const NodeId *id, bool *found, NodeRow *out)
    WARN_UNUSED;
/* *out_dir = false: the directory was not found either, which in a damaged index proves nothing
 * (index_prove_no_node does). Likewise of index_children, which then finds none. */
Err *index_node_by_name(Index *index, Arena *arena, const NodeId *parent, const char *name,
                        bool *out_dir, bool *found, NodeRow *out) WARN_UNUSED;
/* None of the `nodes` nodes has this id: every row is read. For the rare case that an id is not
 * found. */
Err *index_prove_no_node(Index *index, const NodeId *id, int64_t nodes) WARN_UNUSED;
Err *index_children(Index *index, Arena *arena, const NodeId *parent, bool *out_dir, NodeRow **out,
                    size_t *count) WARN_UNUSED;
Err *index_node_put(Index *index, const NodeRow *row)
    WARN_UNUSED; /* in place: same parent and name */
Err *index_node_insert(Index *index, NodeRow *row)
    WARN_UNUSED; /* linked into its siblings' chain */
Err *index_node_unlink(Index *index, const NodeRow *row) WARN_UNUSED; /* out of it */
Err *index_versions(Index *index, Arena *arena, const NodeId *node, Version **out, size_t *count)
    WARN_UNUSED;
Err *index_version_put(Index *index, const NodeId *node, const Version *version) WARN_UNUSED;
Err *index_version_del(Index *index, const NodeId *node, int64_t version) WARN_UNUSED;
bool id_pack(const NodeId *id, uint8_t out[16]);
NodeId id_unpack(const void *bytes);
Err *version_from_cells(Arena *arena, const Cell *cells, Version *out) WARN_UNUSED;

/* A blob's file name below blobs/ab: <sha256>[.parquet]. */
char *blob_name(Arena *arena, const Version *version);
typedef struct BlobRow {
    const char *name;
    int64_t size_bytes, refs;
    TimeUs dropped; /* when the last reference went; TIME_MIN: never */
} BlobRow;
Err *index_blob_get(Index *index, Arena *arena, const char *name, bool *found, BlobRow *out)
    WARN_UNUSED;
Err *index_blob_put(Index *index, const BlobRow *row) WARN_UNUSED;
BlobRow blob_from_cells(Arena *arena, const Cell *cells);

typedef struct LogFile {
    const char *path;
    int64_t size_bytes, modified_ms;
    const char *stats;
    int64_t first_txn, last_txn, rows; /* from the stats */
    const char *tags;                  /* JSON object with the file's hash; NULL in old logs */
} LogFile;
/* Live files in order of transactions: together they hold transactions 1..last, each once, or the
 * index is damaged. `stamp` NULL: while it is being built, when not all rows have been seen. */
Err *index_log_files(Index *index, Arena *arena, const Stamp *stamp, LogFile **out, size_t *count)
    WARN_UNUSED;
int64_t
log_files_gap(const LogFile *files,
              size_t count); /* the first transaction that none of them holds; 0 when whole */
Err *index_log_file_add(Index *index, Stamp *stamp, const DeltaAdd *add) WARN_UNUSED;
Err *index_log_file_remove(Index *index, Stamp *stamp, const DeltaRemove *remove) WARN_UNUSED;
Err *index_tombstones(Index *index, Arena *arena, const Stamp *stamp, DeltaRemove **out,
                      size_t *count) WARN_UNUSED;
Err *index_tombstone_put(Index *index, const DeltaRemove *remove) WARN_UNUSED;
Err *index_tombstones_expire(Index *index, Stamp *stamp, int64_t before_ms) WARN_UNUSED;

/* Protocol and metadata of the log's Delta table, as the newest entry that set them said. */
Err *index_log_table_put(Index *index, const DeltaProtocol *protocol, const DeltaMetadata *metadata)
    WARN_UNUSED;
Err *index_log_table_get(Index *index, Arena *arena, DeltaProtocol *protocol,
                         DeltaMetadata *metadata) WARN_UNUSED;

typedef struct Verified {
    const char *name;
    int64_t inode, mtime_ns, size_bytes;
} Verified;
Err *index_verified_get(Index *index, Arena *arena, const char *name, bool *found, Verified *out)
    WARN_UNUSED;
Err *index_verified_put(Index *index, const Verified *verified) WARN_UNUSED;

/* ---- what a row does; keeps the stamp's counts. CORRUPT when it cannot follow what is there. ----
 */
Err *index_apply(Index *index, Stamp *stamp, const LogRow *row) WARN_UNUSED;

/* Is `id` the node `top` or below it? Reads the nodes on the way to the root. */
Err *index_is_below(Index *index, Arena *arena, NodeId id, const NodeId *top, bool *out)
    WARN_UNUSED;

/* ---- held to the log ---- */
/* The log of a pond, and the engine connection it is read through when it has to be. */
typedef struct LogSource {
    const char *dir; /* POND/log */
    Conn *conn;      /* made on first use */
} LogSource;
Err *log_source_conn(LogSource *source, Conn **out) WARN_UNUSED;
/* Each file is there, with the size and hash that its entry gives; CORRUPT names the one that is
 * not. Before each reading of them, since the engine does not notice most damage. */
Err *log_source_verify(const LogSource *source, const LogFile *files, size_t count) WARN_UNUSED;
/* The tags of a finished file. */
Err *log_source_tags(Arena *arena, const char *path, char **out) WARN_UNUSED;
typedef Err *OnLogRow(void *context, const LogRow *row);
/* Rows of transactions after `after_txn`, strictly ascending in (txn, seq): CORRUPT otherwise. */
Err *log_source_rows(LogSource *source, const LogFile *files, size_t count, int64_t after_txn,
                     OnLogRow *on_row, void *context) WARN_UNUSED;

/* Leaves the index in a read transaction on the newest commit it could find. *was_current: nothing
 * had to be read but the newest entry. */
Err *index_refresh(Index *index, LogSource *source, Arena *arena, Stamp *out, bool *was_current)
    WARN_UNUSED;
/* From nothing, as of `version` (-1 = newest), in a write transaction of its own. */
Err *index_rebuild(Index *index, LogSource *source, int64_t version) WARN_UNUSED;
/* *out_difference: NULL when equal, else one line on the first difference. What is not derived from
 * the log does not count: verified blobs, tombstones that have expired, which checkpoint is known.
 */
Err *index_compare(Index *a, Index *b, Arena *arena, const char **out_difference) WARN_UNUSED;
const char *commit_txn_id(Arena *arena, const DeltaCommit *commit); /* "" when it has none */
