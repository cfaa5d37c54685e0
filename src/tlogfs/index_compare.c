/* Two catalog indexes row by row: that an index advanced commit by commit equals one built from
 * nothing is what makes it disposable. fsck and the model tests ask.
 *
 * Not compared, because the log does not say it: which blobs were verified, which checkpoint is
 * known, tombstones that have expired (24 h before the newest transaction): a checkpoint forgets
 * them, an index may not have heard of it. */
#include "tlogfs/index_int.h"
#include <string.h>

#define TOMBSTONE_US US_PER_DAY

static char *cells_text(Arena *arena, const Cell *cells, size_t width)
{
    Buf text = buf_new(arena);
    for (size_t i = 0; i < width; i++) {
        const char *comma = i == 0 ? "" : ", ";
        if (cells[i].kind == CELL_NULL)
            buf_printf(&text, "%s-", comma);
        else if (cells[i].kind == CELL_INT)
            buf_printf(&text, "%s%lld", comma, (long long)cells[i].integer);
        else if (cells[i].kind == CELL_TEXT)
            buf_printf(&text, "%s%.60s", comma, cells[i].bytes);
        else
            buf_printf(&text, "%s(%zu bytes)", comma, cells[i].size);
    }
    return text_printable(arena, text.data);
}

/* The next row that counts. */
static Err *next(IndexScan *scan, IndexTable table, int64_t expire_ms, bool *more, Cell *cells)
{
    do {
        TRY(index_scan_next(scan, more, cells));
    } while (*more && table == INDEX_TOMBSTONES && cells[1].integer < expire_ms);
    return NULL;
}

typedef struct Pair {
    Index *a, *b;
    int64_t expire_ms;
} Pair;

static Err *compare_table(const Pair *pair, Arena *arena, IndexTable table, IndexQuery query,
                          const char **out)
{
    CLEANUP(index_scan_end) IndexScan scan_a = {0};
    CLEANUP(index_scan_end) IndexScan scan_b = {0};
    TRY(index_scan(pair->a, query, NULL, &scan_a));
    TRY(index_scan(pair->b, query, NULL, &scan_b));
    size_t width = index_table_width(table);
    for (;;) {
        Cell a[CELLS_MAX], b[CELLS_MAX];
        bool more_a = false, more_b = false, same = true;
        TRY(next(&scan_a, table, pair->expire_ms, &more_a, a));
        TRY(next(&scan_b, table, pair->expire_ms, &more_b, b));
        if (!more_a && !more_b) return NULL;
        for (size_t i = 0; more_a && more_b && i < width; i++)
            same = same && cell_equal(&a[i], &b[i]);
        if (same && more_a == more_b) continue;
        *out = arena_printf(arena, "%s: (%s) is not (%s)", index_table_name(table),
                            more_a ? cells_text(arena, a, width) : "no row",
                            more_b ? cells_text(arena, b, width) : "no row");
        return NULL;
    }
}

static Err *compare_stamps(const Pair *pair, Arena *arena, Stamp *out, const char **out_difference)
{
    Stamp a = {0}, b = {0};
    bool found_a = false, found_b = false;
    TRY(index_stamp_get(pair->a, arena, &found_a, &a));
    TRY(index_stamp_get(pair->b, arena, &found_b, &b));
    bool same = found_a && found_b && strcmp(a.pond_id, b.pond_id) == 0 &&
                strcmp(a.birthplace, b.birthplace) == 0 && strcmp(a.entry_id, b.entry_id) == 0 &&
                a.format == b.format && a.log_version == b.log_version && a.txn == b.txn &&
                a.time == b.time && a.nodes == b.nodes && a.versions == b.versions &&
                a.blobs == b.blobs && a.log_files == b.log_files && a.log_bytes == b.log_bytes;
    if (!same) {
        *out_difference = arena_printf(
            arena,
            "stamp: entry %lld, transaction %lld, %lld nodes, %lld versions, "
            "%lld blobs, %lld files is not %lld, %lld, %lld, %lld, %lld, %lld",
            (long long)a.log_version, (long long)a.txn, (long long)a.nodes, (long long)a.versions,
            (long long)a.blobs, (long long)a.log_files, (long long)b.log_version, (long long)b.txn,
            (long long)b.nodes, (long long)b.versions, (long long)b.blobs, (long long)b.log_files);
    }
    *out = a;
    return NULL;
}

Err *index_compare(Index *a, Index *b, Arena *arena, const char **out_difference)
{
    static const struct {
        IndexTable table;
        IndexQuery query;
    } TABLES[] = {{INDEX_LOG_TABLE, QUERY_LOG_TABLE},     {INDEX_NODES, QUERY_ALL_NODES},
                  {INDEX_VERSIONS, QUERY_ALL_VERSIONS},   {INDEX_BLOBS, QUERY_ALL_BLOBS},
                  {INDEX_LOG_FILES, QUERY_ALL_LOG_FILES}, {INDEX_TOMBSTONES, QUERY_ALL_TOMBSTONES}};
    Pair pair = {.a = a, .b = b};
    Stamp stamp = {0};
    *out_difference = NULL;
    TRY(compare_stamps(&pair, arena, &stamp, out_difference));
    pair.expire_ms = (stamp.time - TOMBSTONE_US) / 1000;
    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES && *out_difference == NULL; i++) {
        TRY(compare_table(&pair, arena, TABLES[i].table, TABLES[i].query, out_difference));
    }
    return NULL;
}
