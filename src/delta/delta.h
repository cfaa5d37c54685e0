/* delta — Delta Lake tables on a local file system (PROTOCOL.md of delta-io/delta): log entries,
 * snapshots, commits, checkpoints, tombstones. JSON is read and written in C; checkpoints by the
 * engine's SQL.
 *
 * What we write: reader 1 / writer 2, no partitions, classic checkpoints. What we read: any table
 * up to reader 3 whose features we know; others are refused by name (UNSUPPORTED). This module
 * knows nothing of ponds; rows are its users' business.
 *
 * Invariant: an entry is created by link(2), whole and fsynced, or not at all; it is never
 * overwritten. A snapshot's files exist.
 *
 * Threads: none of its own; values are plain data in the caller's arena. Paths in actions are
 * decoded, relative to the table.
 *
 * Errors: CORRUPT (entry missing below the newest, bad JSON, no protocol or metadata), UNSUPPORTED,
 * IO, and INVALID for a commit that makes no sense. */
#pragma once
#include "base/base.h"
#include "engine/engine.h"

typedef struct DeltaAdd {
    const char *path;
    int64_t size_bytes, modified_ms;
    bool data_change;
    const char *stats;            /* JSON text, or NULL */
    const char *partition_values; /* JSON object text; NULL = {} */
    const char *tags;             /* JSON object text, or NULL */
    const char *deletion_vector;  /* JSON object text, or NULL (read only) */
} DeltaAdd;

typedef struct DeltaRemove {
    const char *path;
    int64_t deleted_ms, size_bytes; /* size -1 unknown */
    bool data_change;
    const char *deletion_vector;
} DeltaRemove;

typedef struct DeltaTxn {
    const char *app_id;
    int64_t version, updated_ms;
} DeltaTxn;

typedef struct DeltaProtocol {
    int reader, writer; /* 0 = absent */
    const char **reader_features, **writer_features;
    size_t reader_feature_count, writer_feature_count;
} DeltaProtocol;

typedef struct DeltaPair {
    const char *key, *value;
} DeltaPair;

typedef struct DeltaMetadata {
    const char *id; /* NULL = absent */
    const char *name, *description;
    const char *schema; /* Spark JSON text; only in the entry of a broken or odd writer NULL */
    const char **partition_columns;
    size_t partition_column_count;
    DeltaPair *configuration; /* unknown keys are kept */
    size_t configuration_count;
    int64_t created_ms;
} DeltaMetadata;

/* The content of one log entry. */
typedef struct DeltaCommit {
    const char *info; /* commitInfo as JSON object text, or NULL */
    DeltaProtocol protocol;
    DeltaMetadata metadata;
    DeltaAdd *adds;
    DeltaRemove *removes;
    DeltaTxn *txns;
    size_t add_count, remove_count, txn_count;
} DeltaCommit;

/* Files are sorted by path, transactions by application. */
typedef struct DeltaSnapshot {
    int64_t version;
    int64_t checkpoint_version; /* the newest checkpoint known; -1 none */
    DeltaProtocol protocol;
    DeltaMetadata metadata;
    DeltaAdd *adds;
    DeltaRemove *removes; /* tombstones */
    DeltaTxn *txns;
    size_t add_count, remove_count, txn_count;
} DeltaSnapshot;

/* ---- log entries ---- */
char *delta_entry_path(Arena *arena, const char *table, int64_t version);
/* One open; *out_exists = false when there is no such entry (a probe). */
Err *delta_entry_read(Arena *arena, const char *table, int64_t version, bool *out_exists,
                      DeltaCommit *out) WARN_UNUSED;
/* Does an entry exist? One stat. */
Err *delta_entry_probe(Arena *arena, const char *table, int64_t version, bool *out_exists)
    WARN_UNUSED;
/* Writes entry `version` and makes it durable; *out_won = false: another writer has it. Actions are
 * checked: no path both added and removed. Trace spans: "commit" from the first byte to the end of
 * the directory fsync. */
Err *delta_commit(Arena *arena, const char *table, int64_t version, const DeltaCommit *commit,
                  bool *out_won) WARN_UNUSED;

/* ---- snapshots ---- */
/* As of `version` (-1 = newest): _last_checkpoint (a hint, falls back to listing), checkpoint,
 * later entries. At most checkpoint + tail entries + one probe are opened. NOT_FOUND when there is
 * no table. */
Err *delta_snapshot_load(Arena *arena, const char *table, int64_t version, DeltaSnapshot *out)
    WARN_UNUSED;
/* Applies one more entry (version + 1). What is kept of the entry is copied; the arrays are made
 * anew. */
Err *delta_snapshot_apply(Arena *arena, DeltaSnapshot *snapshot, const DeltaCommit *commit)
    WARN_UNUSED;

/* ---- checkpoints ---- */
/* Writes N.checkpoint.parquet and then _last_checkpoint; tombstones deleted before `expire_ms` are
 * left out. An existing one is replaced. */
Err *delta_checkpoint_write(Arena *arena, const char *table, const DeltaSnapshot *snapshot,
                            int64_t expire_ms) WARN_UNUSED;

/* ---- schemas and statistics ---- */
/* Spark schema JSON of our types (BIGINT, INTEGER, BOOLEAN, DOUBLE, VARCHAR, BLOB, DATE, TIMESTAMP
 * WITH TIME ZONE); UNSUPPORTED otherwise. */
Err *delta_schema_json(Arena *arena, const Schema *schema, char **out) WARN_UNUSED;
/* add.stats from what COPY returned: numRecords, nullCount of the given columns, and min/max where
 * they are exact: integers, and text of at most 32 bytes. The columns' types decide how a value is
 * written (123 or "123"); a column without statistics is left out. */
char *delta_stats_json(Arena *arena, const ParquetStats *stats, const Column *columns,
                       size_t column_count);

/* ---- files nobody refers to ---- */
/* Temporary files that ended processes left in _delta_log (entries, checkpoints and hints never
 * published), last changed before `before_ms`; paths relative to the table. */
Err *delta_leftovers(Arena *arena, const char *table, int64_t before_ms, const char ***out,
                     size_t *out_count) WARN_UNUSED;
/* Data files below the table (not _delta_log, not dot or underscore names) that no add and no
 * tombstone deleted after `expire_ms` names, and that are older than that; relative paths in order
 * of bytes. UNSUPPORTED for tables whose files are named otherwise too: deletion vectors, absolute
 * paths. */
Err *delta_unreferenced(Arena *arena, const char *table, const DeltaSnapshot *snapshot,
                        int64_t expire_ms, const char ***out, size_t *out_count) WARN_UNUSED;
