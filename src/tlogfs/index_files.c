/* The log's own files in the catalog index: live data files, tombstones, verified blobs, and the
 * stamp that says which log entry the index stands at.
 *
 * Live files hold whole transactions, and the ranges of transactions of two files never overlap:
 * commits add one file each, merges replace neighbours (merge.c). First and last transaction and
 * the row count come from add.stats. */
#include "tlogfs/index_int.h"
#include <string.h>

/* ---- the stamp ---- */

Err *index_stamp_get(Index *index, Arena *arena, bool *found, Stamp *out)
{
    Cell cells[CELLS_MAX];
    TRY(index_find(index, arena, QUERY_STAMP, NULL, found, cells));
    if (!*found) return NULL;
    *out = (Stamp){
        .pond_id = cell_str(arena, &cells[1]),
        .birthplace = cell_str(arena, &cells[2]),
        .format = cells[3].integer,
        .log_version = cells[4].integer,
        .entry_id = cell_str(arena, &cells[5]),
        .txn = cells[6].integer,
        .time = cells[7].integer,
        .checkpoint_version = cells[8].integer,
        .nodes = cells[9].integer,
        .versions = cells[10].integer,
        .blobs = cells[11].integer,
        .log_files = cells[12].integer,
        .log_bytes = cells[13].integer,
        .tombstones = cells[14].integer,
    };
    return NULL;
}

Err *index_stamp_put(Index *index, const Stamp *stamp)
{
    const Cell cells[] = {
        cell_int(1),
        cell_text(stamp->pond_id),
        cell_text(stamp->birthplace),
        cell_int(stamp->format),
        cell_int(stamp->log_version),
        cell_text(stamp->entry_id),
        cell_int(stamp->txn),
        cell_int(stamp->time),
        cell_int(stamp->checkpoint_version),
        cell_int(stamp->nodes),
        cell_int(stamp->versions),
        cell_int(stamp->blobs),
        cell_int(stamp->log_files),
        cell_int(stamp->log_bytes),
        cell_int(stamp->tombstones),
    };
    return index_put(index, INDEX_STAMP, cells);
}

/* ---- the Delta table itself ---- */

Err *index_log_table_put(Index *index, const DeltaProtocol *protocol, const DeltaMetadata *metadata)
{
    SCRATCH(scratch);
    Buf pairs = buf_new(scratch);
    JsonOut json = json_out(&pairs);
    json_begin_object(&json);
    for (size_t i = 0; i < metadata->configuration_count; i++) {
        json_kv_str(&json, metadata->configuration[i].key, metadata->configuration[i].value);
    }
    json_end(&json);
    const Cell cells[] = {cell_int(1),
                          cell_text(metadata->id),
                          cell_text(metadata->name),
                          cell_text(metadata->description),
                          cell_text(metadata->schema),
                          cell_text(pairs.data),
                          cell_int(metadata->created_ms),
                          cell_int(protocol->reader),
                          cell_int(protocol->writer)};
    return index_put(index, INDEX_LOG_TABLE, cells);
}

Err *index_log_table_get(Index *index, Arena *arena, DeltaProtocol *protocol,
                         DeltaMetadata *metadata)
{
    Cell cells[CELLS_MAX];
    bool found = false;
    TRY(index_find(index, arena, QUERY_LOG_TABLE, NULL, &found, cells));
    if (!found) return index_damage(index, "it lost the log's metadata");
    const Json *pairs = NULL;
    TRY(json_parse(arena, cells[5].bytes, cells[5].size, &pairs));
    *protocol = (DeltaProtocol){.reader = (int)cells[7].integer, .writer = (int)cells[8].integer};
    *metadata = (DeltaMetadata){.id = cell_str(arena, &cells[1]),
                                .name = cell_str(arena, &cells[2]),
                                .description = cell_str(arena, &cells[3]),
                                .schema = cell_str(arena, &cells[4]),
                                .configuration = AARRAY(arena, DeltaPair, pairs->count),
                                .configuration_count = pairs->count,
                                .created_ms = cells[6].integer};
    for (size_t i = 0; i < pairs->count; i++) {
        metadata->configuration[i] = (DeltaPair){pairs->keys[i], pairs->items[i].string};
    }
    return NULL;
}

/* ---- live data files ---- */

static LogFile log_file_from_cells(Arena *arena, const Cell *cells)
{
    return (LogFile){
        .path = cell_str(arena, &cells[0]),
        .size_bytes = cells[1].integer,
        .modified_ms = cells[2].integer,
        .stats = cell_str(arena, &cells[3]),
        .first_txn = cells[4].integer,
        .last_txn = cells[5].integer,
        .rows = cells[6].integer,
        .tags = cell_str(arena, &cells[7]),
    };
}

int64_t log_files_gap(const LogFile *files, size_t count)
{
    int64_t next = 1;
    for (size_t i = 0; i < count; i++) {
        if (files[i].first_txn != next) return next;
        next = files[i].last_txn + 1;
    }
    return 0;
}

/* A lost row here would become a checkpoint without that file. */
static Err *check_coverage(Index *index, const Stamp *stamp, const LogFile *files, size_t count)
{
    int64_t bytes = 0, last = count == 0 ? 0 : files[count - 1].last_txn;
    for (size_t i = 0; i < count; i++) bytes += files[i].size_bytes;
    bool whole = log_files_gap(files, count) == 0 && last == stamp->txn &&
                 (int64_t)count == stamp->log_files && bytes == stamp->log_bytes;
    return whole ? NULL : index_damage(index, "log files are missing");
}

Err *index_log_files(Index *index, Arena *arena, const Stamp *stamp, LogFile **out, size_t *count)
{
    VEC(LogFile) files = {0};
    Cell cells[CELLS_MAX];
    CLEANUP(index_scan_end) IndexScan scan = {0};
    TRY(index_scan(index, QUERY_ALL_LOG_FILES, NULL, &scan));
    for (;;) {
        bool more = false;
        TRY(index_scan_next(&scan, &more, cells));
        if (!more) break;
        vec_push(arena, &files, log_file_from_cells(arena, cells));
    }
    *out = files.v;
    *count = files.n;
    return stamp == NULL ? NULL : check_coverage(index, stamp, files.v, files.n);
}

/* Transactions and rows of a file, from its statistics. */
static Err *read_stats(Arena *arena, const DeltaAdd *add, LogFile *out)
{
    const Json *stats = NULL;
    if (add->stats == NULL) return ERR(CORRUPT, "log file %s: no statistics", add->path);
    TRY(ERR_WRAP(json_parse(arena, add->stats, strlen(add->stats), &stats),
                 "log file %s: statistics", add->path));
    out->rows = json_int(stats, "numRecords", -1);
    out->first_txn = json_int(json_get(stats, "minValues"), "txn", -1);
    out->last_txn = json_int(json_get(stats, "maxValues"), "txn", -1);
    if (out->rows < 1 || out->first_txn < 1 || out->last_txn < out->first_txn) {
        return ERR(CORRUPT, "log file %s: statistics without rows and transactions", add->path);
    }
    return NULL;
}

Err *index_log_file_add(Index *index, Stamp *stamp, const DeltaAdd *add)
{
    SCRATCH(scratch);
    LogFile file = {0};
    TRY(read_stats(scratch, add, &file));
    const Cell cells[] = {cell_text(add->path),       cell_int(add->size_bytes),
                          cell_int(add->modified_ms), cell_text(add->stats),
                          cell_int(file.first_txn),   cell_int(file.last_txn),
                          cell_int(file.rows),        cell_text(add->tags)};
    TRY(index_put(index, INDEX_LOG_FILES, cells));
    stamp->log_files++;
    stamp->log_bytes += add->size_bytes;
    return NULL;
}

Err *index_log_file_remove(Index *index, Stamp *stamp, const DeltaRemove *remove)
{
    SCRATCH(scratch);
    Cell keys[] = {cell_text(remove->path)}, cells[CELLS_MAX];
    bool found = false;
    TRY(index_find(index, scratch, QUERY_LOG_FILE, keys, &found, cells));
    if (found) {
        TRY(index_del(index, INDEX_LOG_FILES, keys));
        stamp->log_files--;
        stamp->log_bytes -= log_file_from_cells(scratch, cells).size_bytes;
    }
    stamp->tombstones++;
    return index_tombstone_put(index, remove);
}

/* ---- tombstones ---- */

Err *index_tombstone_put(Index *index, const DeltaRemove *remove)
{
    const Cell cells[] = {cell_text(remove->path), cell_int(remove->deleted_ms),
                          cell_int(remove->size_bytes)};
    return index_put(index, INDEX_TOMBSTONES, cells);
}

Err *index_tombstones(Index *index, Arena *arena, const Stamp *stamp, DeltaRemove **out,
                      size_t *count)
{
    VEC(DeltaRemove) removes = {0};
    Cell cells[CELLS_MAX];
    CLEANUP(index_scan_end) IndexScan scan = {0};
    TRY(index_scan(index, QUERY_ALL_TOMBSTONES, NULL, &scan));
    for (;;) {
        bool more = false;
        TRY(index_scan_next(&scan, &more, cells));
        if (!more) break;
        DeltaRemove remove = {.path = cell_str(arena, &cells[0]),
                              .deleted_ms = cells[1].integer,
                              .size_bytes = cells[2].integer};
        vec_push(arena, &removes, remove);
    }
    *out = removes.v;
    *count = removes.n;
    return (int64_t)removes.n == stamp->tombstones ? NULL
                                                   : index_damage(index, "tombstones are missing");
}

Err *index_tombstones_expire(Index *index, Stamp *stamp, int64_t before_ms)
{
    SCRATCH(scratch);
    DeltaRemove *removes = NULL;
    size_t count = 0;
    TRY(index_tombstones(index, scratch, stamp, &removes, &count));
    for (size_t i = 0; i < count; i++) {
        if (removes[i].deleted_ms >= before_ms) continue;
        Cell key[] = {cell_text(removes[i].path)};
        TRY(index_del(index, INDEX_TOMBSTONES, key));
        stamp->tombstones--;
    }
    return NULL;
}

/* ---- verified blobs ---- */

Err *index_verified_get(Index *index, Arena *arena, const char *name, bool *found, Verified *out)
{
    Cell keys[] = {cell_text(name)}, cells[CELLS_MAX];
    TRY(index_find(index, arena, QUERY_VERIFIED, keys, found, cells));
    if (!*found) return NULL;
    *out = (Verified){.name = cell_str(arena, &cells[0]),
                      .inode = cells[1].integer,
                      .mtime_ns = cells[2].integer,
                      .size_bytes = cells[3].integer};
    return NULL;
}

Err *index_verified_put(Index *index, const Verified *verified)
{
    const Cell cells[] = {cell_text(verified->name), cell_int(verified->inode),
                          cell_int(verified->mtime_ns), cell_int(verified->size_bytes)};
    return index_put(index, INDEX_VERIFIED, cells);
}
