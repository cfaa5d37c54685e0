/* Versions and the blobs they refer to, in the catalog index.
 *
 * A blob's row counts the live versions that refer to it. When the last one goes, the transaction's
 * time stays in `dropped`: with nothing but the log behind it, so that vacuum decides the same
 * after a rebuild. A row stays when its count is zero; the next reference clears `dropped`. */
#include "tlogfs/index_int.h"
#include <string.h>

enum {
    V_NODE,
    V_VERSION,
    V_TXN,
    V_TIME,
    V_SIZE,
    V_SHA256,
    V_BYTES,
    V_PARQUET,
    V_ROWS,
    V_TIME_COLUMN,
    V_TIME_UNIT,
    V_INTERVALS,
    V_IN_ORDER,
    V_SCHEMA,
    V_ATTRIBUTES
};

Err *version_from_cells(Arena *arena, const Cell *cells, Version *out)
{
    Version version = {
        .version = cells[V_VERSION].integer,
        .txn = cells[V_TXN].integer,
        .time = cells[V_TIME].integer,
        .size_bytes = cells[V_SIZE].integer,
        .parquet = cells[V_PARQUET].integer != 0,
        .rows = cells[V_ROWS].integer,
        .time_column = cell_str(arena, &cells[V_TIME_COLUMN]),
        .time_unit = (TimeUnit)cells[V_TIME_UNIT].integer,
        .in_order = cells[V_IN_ORDER].integer != 0,
        .schema = cell_str(arena, &cells[V_SCHEMA]),
        .attributes = cell_str(arena, &cells[V_ATTRIBUTES]),
    };
    if (cells[V_SHA256].size == SHA256_HEX)
        memcpy(version.sha256, cells[V_SHA256].bytes, SHA256_HEX);
    if (cells[V_BYTES].kind == CELL_BLOB) {
        char *bytes = arena_alloc(arena, cells[V_BYTES].size + 1);
        if (cells[V_BYTES].size > 0) memcpy(bytes, cells[V_BYTES].bytes, cells[V_BYTES].size);
        version.bytes = bytes;
    }
    const char *intervals = cell_str(arena, &cells[V_INTERVALS]);
    TRY(intervals_read(arena, intervals, &version.intervals, &version.interval_count));
    *out = version;
    return NULL;
}

Err *index_version_put(Index *index, const NodeId *node, const Version *version)
{
    SCRATCH(scratch);
    uint8_t id[16];
    if (!id_pack(node, id)) return ERR(INTERNAL, "not a node id");
    const Cell cells[] = {
        [V_NODE] = cell_blob(id, 16),
        [V_VERSION] = cell_int(version->version),
        [V_TXN] = cell_int(version->txn),
        [V_TIME] = cell_int(version->time),
        [V_SIZE] = cell_int(version->size_bytes),
        [V_SHA256] = cell_text(version->sha256),
        [V_BYTES] = version->bytes == NULL ? (Cell){.kind = CELL_NULL}
                                           : cell_blob(version->bytes, (size_t)version->size_bytes),
        [V_PARQUET] = cell_int(version->parquet),
        [V_ROWS] = cell_int(version->rows),
        [V_TIME_COLUMN] = cell_text(version->time_column),
        [V_TIME_UNIT] = cell_int((int64_t)version->time_unit),
        [V_INTERVALS] =
            cell_text(intervals_write(scratch, version->intervals, version->interval_count)),
        [V_IN_ORDER] = cell_int(version->in_order),
        [V_SCHEMA] = cell_text(version->schema),
        [V_ATTRIBUTES] = cell_text(version->attributes),
    };
    return index_put(index, INDEX_VERSIONS, cells);
}

Err *index_version_del(Index *index, const NodeId *node, int64_t version)
{
    uint8_t id[16];
    if (!id_pack(node, id)) return ERR(INTERNAL, "not a node id");
    const Cell key[] = {cell_blob(id, 16), cell_int(version)};
    return index_del(index, INDEX_VERSIONS, key);
}

Err *index_versions(Index *index, Arena *arena, const NodeId *node, Version **out, size_t *count)
{
    VEC(Version) versions = {0};
    uint8_t id[16];
    *count = 0;
    if (!id_pack(node, id)) return NULL;
    Cell keys[] = {cell_blob(id, 16)}, cells[CELLS_MAX];
    CLEANUP(index_scan_end) IndexScan scan = {0};
    TRY(index_scan(index, QUERY_VERSIONS, keys, &scan));
    for (;;) {
        bool more = false;
        TRY(index_scan_next(&scan, &more, cells));
        if (!more) break;
        Version version;
        TRY(version_from_cells(arena, cells, &version));
        vec_push(arena, &versions, version);
    }
    *out = versions.v;
    *count = versions.n;
    return NULL;
}

/* ---- blobs ---- */

char *blob_name(Arena *arena, const Version *version)
{
    return arena_printf(arena, "%s%s", version->sha256, version->parquet ? ".parquet" : "");
}

BlobRow blob_from_cells(Arena *arena, const Cell *cells)
{
    return (BlobRow){.name = cell_str(arena, &cells[0]),
                     .size_bytes = cells[1].integer,
                     .refs = cells[2].integer,
                     .dropped = cells[3].kind == CELL_INT ? cells[3].integer : TIME_MIN};
}

Err *index_blob_get(Index *index, Arena *arena, const char *name, bool *found, BlobRow *out)
{
    Cell keys[] = {cell_text(name)}, cells[CELLS_MAX];
    TRY(index_find(index, arena, QUERY_BLOB, keys, found, cells));
    if (*found) *out = blob_from_cells(arena, cells);
    return NULL;
}

Err *index_blob_put(Index *index, const BlobRow *row)
{
    const Cell cells[] = {cell_text(row->name), cell_int(row->size_bytes), cell_int(row->refs),
                          cell_int_if(row->dropped != TIME_MIN, row->dropped)};
    return index_put(index, INDEX_BLOBS, cells);
}
