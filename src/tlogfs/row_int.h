/* Log rows: what happened to a node, and how that stands in the log's Parquet files. The columns
 * are one table (row.c); the Delta schema, the temporary table, the writer and the reader all
 * follow it. */
#pragma once
#include "engine/engine.h"
#include "tinyfs/tinyfs.h"

typedef enum RowOp {
    ROW_NODE,    /* created, renamed, reconfigured: the whole state of the node, no file content */
    ROW_VERSION, /* one version added */
    ROW_DROP,    /* versions `version`..`version_to` are gone */
    ROW_DELETE   /* the node is gone */
} RowOp;

typedef struct LogRow {
    int64_t txn, seq;
    RowOp op;
    NodeId node, parent;
    const char *name;
    EntryType type;
    int64_t version, version_to;
    TimeUs time;
    int64_t size_bytes;  /* -1 = null */
    const char *sha256;  /* hex, or NULL */
    const char *content; /* inline content, factory configuration or link target; or NULL */
    size_t content_size;
    bool parquet;
    int64_t rows; /* -1 = null */
    const char *time_column;
    TimeUnit time_unit;
    const char *intervals; /* [[min,max],...] in µs, or NULL */
    bool in_order;
    bool has_min_override, has_max_override;
    TimeUs min_override, max_override;
    const char *factory, *schema, *attributes;
} LogRow;

enum { ROW_COLUMN_COUNT = 24, INLINE_MAX_BYTES = 4096, INTERVALS_MAX = 64 };
extern const Schema ROW_SCHEMA;

void row_values(const LogRow *row, Value out[ROW_COLUMN_COUNT]);
/* Row `at` of a chunk whose columns are those of ROW_SCHEMA, in order. CORRUPT when it cannot be
 * one of ours. */
Err *row_from_chunk(Arena *arena, const Chunk *chunk, size_t at, LogRow *out) WARN_UNUSED;
char *row_columns_sql(Arena *arena); /* "txn", "seq", ... */
char *row_create_table_sql(Arena *arena, const char *table);

const char *row_op_name(RowOp op);
char *intervals_write(Arena *arena, const TimeSpan *intervals,
                      size_t count); /* NULL when there are none */
Err *intervals_read(Arena *arena, const char *text, TimeSpan **out, size_t *count) WARN_UNUSED;
bool id_valid(const char *text);
