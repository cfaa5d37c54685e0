/* tlogfs — a pond's store: the FsBackend over a Delta table (POND/log), blobs (POND/blobs) and the
 * catalog index (POND/cache/index.db). docs/format.md describes every file and field.
 *
 * Reading: the index answers everything; it is checked against the newest log entry by probing (at
 * most one entry is opened when it is current), advanced or rebuilt when behind, missing or
 * damaged. One SQLite read transaction per open Tlog is its snapshot.
 *
 * Writing: changes go into an SQLite transaction (so reads see them) and into log rows; tlog_commit
 * writes one Parquet file and one Delta entry, then commits the index. A crash between leaves an
 * index that is behind, never ahead.
 *
 * Invariant: the log and the blobs are the truth; everything under cache/ may be deleted at any
 * moment.
 * Locks: none here; tlog_begin demands that the caller (steward) holds POND/lock.
 * Threads: a Tlog belongs to one thread at a time.
 * Errors: NOT_A_POND, CORRUPT, CONFLICT (another commit came first), IO. */
#pragma once
#include "delta/delta.h"
#include "tinyfs/tinyfs.h"

typedef struct Tlog Tlog;

typedef struct TlogInfo {
    const char *dir;     /* absolute */
    const char *pond_id; /* UUID */
    const char *birthplace;
    int64_t format;      /* 1 */
    int64_t log_version; /* Delta version of the snapshot */
    int64_t txn;         /* the last transaction's number; init is 1 */
    TimeUs time;         /* of the last transaction */
    int64_t log_files;   /* live log data files */
    int64_t log_bytes;
    int64_t tombstones;
    int64_t checkpoint_version; /* -1 none */
    int64_t nodes, versions, blobs;
    bool index_was_current;
    bool index_was_damaged; /* found so since open, and made anew */
    const char *index_path; /* NULL = in memory */
} TlogInfo;

/* What commitInfo says of a transaction. Values to redact are the caller's business. */
typedef struct TlogCommitInfo {
    const char *command; /* "pond mkdir /a" */
    const char *user, *host;
} TlogCommitInfo;

/* Makes a pond in an absent or empty directory (or one that holds only our skeleton of an
 * interrupted init): POND_EXISTS otherwise. The root directory is transaction 1. */
Err *tlog_create(const char *dir, const char *birthplace, const TlogCommitInfo *info) WARN_UNUSED;

typedef struct TlogOptions {
    bool no_index;  /* ignore and leave alone the stored index: build one in memory from the log */
    bool read_only; /* nothing may be written: index under $XDG_CACHE_HOME/pond/<id>, else memory
                       (also found out by itself) */
    bool index_elsewhere; /* the same place for the index of a pond that is written: on a network
                             file system */
} TlogOptions;
/* NOT_A_POND when there is none; UNSUPPORTED for another format version. */
Err *tlog_open(const char *dir, TlogOptions options, Tlog **out) WARN_UNUSED;
void tlog_close_at(Tlog **tlog);
FsBackend tlog_backend(Tlog *tlog);
const TlogInfo *tlog_info(Tlog *tlog);

/* ---- transactions ---- */
Err *tlog_begin(Tlog *tlog) WARN_UNUSED; /* moves the snapshot to the newest commit first */
typedef struct TlogCommitted {
    int64_t txn, log_version; /* 0 and -1 when there was nothing to commit */
    int64_t rows;
} TlogCommitted;
Err *tlog_commit(Tlog *tlog, const TlogCommitInfo *info, TlogCommitted *out)
    WARN_UNUSED; /* on failure: aborted */
void tlog_abort(Tlog *tlog);
/* Settings live in the root node's attributes. NULL when unset. */
Err *tlog_setting_get(Tlog *tlog, Arena *arena, const char *key, char **out) WARN_UNUSED;
Err *tlog_setting_set(Tlog *tlog, const char *key, const char *value)
    WARN_UNUSED; /* in a transaction; NULL unsets */

/* ---- upkeep; the caller holds the lock and no transaction is open ---- */
/* Due when 9 commits have passed since the last checkpoint. Merges log data files by size tier so
 * that at most 64 live (removes + one add, dataChange = false, a Delta commit of its own) and
 * writes a checkpoint. Amortised cost does not grow with the history: the tier sizes stand in
 * tlogfs/merge.c. */
bool tlog_checkpoint_due(Tlog *tlog);
typedef struct TlogCheckpoint {
    int64_t merged_files, merged_rows, log_version;
} TlogCheckpoint;
Err *tlog_checkpoint(Tlog *tlog, bool merge_all, TlogCheckpoint *out) WARN_UNUSED;
typedef struct TlogVacuum {
    int64_t blobs, log_files, staging, bytes; /* removed */
} TlogVacuum;
/* Removes blobs that no live version refers to and whose last reference was dropped more than
 * `retain_us` ago (between commit times in the log); never-referenced blobs and staging files by
 * mtime; log data files by tombstones; commit JSONs are kept. */
Err *tlog_vacuum(Tlog *tlog, int64_t retain_us, TlogVacuum *out) WARN_UNUSED;
/* Only what dead writers left: staging folders, log entries never published; adds to *out. */
Err *tlog_sweep_staging(Tlog *tlog, TlogVacuum *out) WARN_UNUSED;
/* Of these only POND/tmp: what each transaction can afford, since the log folder grows. */
Err *tlog_sweep_folders(Tlog *tlog, TlogVacuum *out) WARN_UNUSED;

/* ---- history, backwards from the newest ---- */
typedef struct TlogEntry {
    int64_t txn, log_version;
    TimeUs time;
    const char *command, *user, *host;
    const char *operation; /* "WRITE", "OPTIMIZE" */
    const Json *metrics; /* nodes, versions, dropped, deleted, bytes; and up to 20 paths touched */
} TlogEntry;
/* Up to `limit` transactions (merges left out) older than log version `before` (-1 = from the
 * newest). */
Err *tlog_history(Arena *arena, Tlog *tlog, int64_t before, size_t limit, TlogEntry **out,
                  size_t *count) WARN_UNUSED;

/* ---- integrity ---- */
typedef struct TlogRef {
    const char *path;
    int64_t version;
} TlogRef;
typedef struct TlogProblem {
    ErrCode code;
    const char *what;    /* one line, with the name of the thing, and some of `refs` */
    const char *mend;    /* the command or action that mends it, or NULL */
    bool fatal;          /* truth is damaged; else only something disposable */
    const TlogRef *refs; /* of damaged content: every live version that refers to it */
    size_t ref_count;
} TlogProblem;
typedef struct TlogFsck {
    char root[65]; /* fingerprint of the content: docs/format.md */
    int64_t commits, rows, nodes, versions, blobs, bytes;
    TlogProblem *problems;
    size_t problem_count;
} TlogFsck;
typedef struct TlogFsckOptions {
    bool quick; /* blobs by existence and size, not by hash; commit JSONs not all read */
    void (*progress)(void *context, int64_t done_bytes, int64_t all_bytes);
    void *context;
} TlogFsckOptions;
/* Every log entry, row, blob; the index against the log. Problems are listed, not returned as
 * errors. */
Err *tlog_fsck(Arena *arena, Tlog *tlog, TlogFsckOptions options, TlogFsck *out) WARN_UNUSED;
/* The fingerprint of any backend's content (memory stores too). */
Err *tlog_root_fingerprint(FsBackend backend, char out[65]) WARN_UNUSED;
/* Builds a second index from the log, in memory, and compares: *out_difference is NULL, or one line
 * on the first difference. */
Err *tlog_index_check(Arena *arena, Tlog *tlog, const char **out_difference) WARN_UNUSED;
/* Empties the index and builds it from the log. */
Err *tlog_reindex(Tlog *tlog) WARN_UNUSED;
