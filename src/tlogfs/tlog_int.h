/* tlogfs internals: the open Tlog and its transaction. Files, by what they do:
 *   tlog.c     open, close, info, the snapshot, mending the index      read.c    FsBackend reads
 *   write.c    FsBackend writes                                          blob.c    content:
 * staging, moving in, verifying commit.c   data file, Delta entry, index create.c  init merge.c
 * checkpoint and merge    vacuum.c    history.c    fsck.c    fingerprint.c    settings.c */
#pragma once
#include "os/os.h"
#include "perf/lookup.h"
#include "perf/perf.h"
#include "tlogfs/index_int.h"
#include "tlogfs/tlogfs.h"

enum { POND_FORMAT = 1, METRIC_PATHS_MAX = 20 };

/* A blob that waits in staging for the commit. */
typedef struct Staged {
    const char *name; /* <sha256>[.parquet] */
    const char *path;
    int64_t size_bytes;
} Staged;

/* What commitInfo.operationMetrics says. */
typedef struct TxMetrics {
    int64_t nodes, versions, dropped, deleted, bytes;
    VEC(const char *) paths; /* the first METRIC_PATHS_MAX touched */
} TxMetrics;

typedef struct Tx {
    Arena *arena;
    VEC(LogRow) rows;
    VEC(Staged) staged;
    Map staged_by_name;
    TxMetrics metrics;
    int64_t txn;
    TimeUs time;
    Stamp stamp; /* the snapshot's, with this transaction's counts */
    bool broken; /* a change failed half-way: it cannot be committed */
} Tx;

struct Tlog {
    Arena *arena;
    const char *dir, *log_dir, *blob_dir, *tmp_dir, *cache_dir;
    const char *app_id; /* of the txn action: pond:<id> */
    TlogOptions options;
    LogSource source;
    Index *index;
    int mends;       /* times the index was mended since open */
    Arena *snapshot; /* the stamp's texts */
    Stamp stamp;
    TlogInfo info;
    bool was_current;
    Tx *tx;
    char *staging_dir; /* POND/tmp/txn-<random>, made on first use */
    Map verified; /* name → Verified: found good by this process, written to the index at close */
};

/* ---- tlog.c ---- */
void tlog_register_classes(const char *dir);
/* Moves the snapshot to the newest commit. */
Err *tlog_refresh(Tlog *tlog) WARN_UNUSED;
bool tlog_can_mend(const Tlog *tlog);
/* The index showed itself damaged or unusable by `error` (which ends here): a new one at the same
 * commit, with the open transaction's rows. */
Err *tlog_mend(Tlog *tlog, Err *error) WARN_UNUSED;
/* Runs a call that only reads the index, or may be repeated on one made anew; once more after
 * mending it. */
#define TLOG_READ(tlog, call)                                                                      \
    do {                                                                                           \
        Err *read_error_ = (call);                                                                 \
        if (read_error_ != NULL && tlog_can_mend(tlog)) {                                          \
            TRY(tlog_mend((tlog), read_error_));                                                   \
            read_error_ = (call);                                                                  \
        }                                                                                          \
        TRY(read_error_);                                                                          \
    } while (0)
/* Path of a node, for messages and metrics. */
Err *tlog_path_of(Tlog *tlog, Arena *arena, const NodeRow *row, char **out) WARN_UNUSED;
Err *tlog_node(Tlog *tlog, Arena *arena, const NodeId *id, bool *found, NodeRow *out) WARN_UNUSED;
Err *tlog_node_by_name(Tlog *tlog, Arena *arena, const NodeId *parent, const char *name,
                       bool *found, NodeRow *out) WARN_UNUSED;
/* Not found is not yet not there: what a damaged index hides is found so. Inside TLOG_READ. */
Err *tlog_prove_no_node(Tlog *tlog, const NodeId *id) WARN_UNUSED;

/* ---- write.c ---- */
extern const FsBackendOps TLOG_OPS;
Err *tlog_op_get(void *self, Arena *arena, NodeId id, bool *found, Node *out) WARN_UNUSED;
Err *tlog_op_lookup(void *self, Arena *arena, NodeId parent, const char *name, bool *found,
                    Node *out) WARN_UNUSED;
Err *tlog_op_children(void *self, Arena *arena, NodeId parent, Node **out, size_t *count)
    WARN_UNUSED;
Err *tlog_op_versions(void *self, Arena *arena, NodeId id, Version **out, size_t *count)
    WARN_UNUSED;
Err *tlog_op_create(void *self, Arena *arena, const Node *node, Node *out) WARN_UNUSED;
Err *tlog_op_update(void *self, const Node *node) WARN_UNUSED;
Err *tlog_op_rename(void *self, NodeId id, NodeId new_parent, const char *new_name) WARN_UNUSED;
Err *tlog_op_remove(void *self, NodeId id) WARN_UNUSED;
Err *tlog_op_append(void *self, NodeId id, const VersionSpec *spec, Version *out) WARN_UNUSED;
Err *tlog_op_drop(void *self, NodeId id, int64_t from, int64_t to) WARN_UNUSED;

/* ---- blob.c ---- */
Err *tlog_op_content(void *self, Arena *arena, const Version *version, Content *out) WARN_UNUSED;
Err *tlog_op_locate(void *self, Arena *arena, const Version *version, Content *out) WARN_UNUSED;
const char *tlog_op_staging_dir(void *self);
/* Takes a finished staged file into the transaction, fsynced, under its blob name. */
Err *blob_stage(Tlog *tlog, const VersionSpec *spec) WARN_UNUSED;
/* Moves the transaction's staged blobs to their final names and makes them durable. */
Err *blob_publish(Tlog *tlog) WARN_UNUSED;
void blob_discard(Tlog *tlog); /* removes what is left in staging */
void blob_remember(
    Tlog *tlog); /* writes `verified` to the index, unless another process is writing there */
char *blob_path(Arena *arena, const Tlog *tlog, const char *name);

/* ---- commit.c ---- */
typedef struct LogEntryInfo {
    const char *operation; /* "CREATE TABLE", "WRITE", "OPTIMIZE" */
    const TlogCommitInfo *who;
    int64_t txn; /* 0: none of its own */
    TimeUs time;
    const TxMetrics *metrics; /* or NULL */
    const char *txn_id;
} LogEntryInfo;
char *log_entry_info(Arena *arena, const LogEntryInfo *info);
/* Writes rows as one durable data file of the log; nothing is left on failure. */
Err *log_write_rows(Arena *arena, LogSource *source, const LogRow *rows, size_t count,
                    DeltaAdd *out) WARN_UNUSED;
/* The same of what a statement selects. `txn` names the file. */
Err *log_write_file(Arena *arena, LogSource *source, int64_t txn, const char *select_sql,
                    DeltaAdd *out) WARN_UNUSED;
char *random_uuid(Arena *arena);
/* delta_commit, and what a failure of it means: *out_won also when the entry is there all the same.
 */
Err *log_commit(Arena *arena, LogSource *source, int64_t version, const DeltaCommit *commit,
                const char *txn_id, bool *out_won, bool *out_certain) WARN_UNUSED;

/* ---- merge.c ---- */
/* Of live files in order: where the suffix to be merged begins; `count` - 1 when there is nothing
 * to do. */
size_t tlog_plan_merge(const LogFile *files, size_t count);
