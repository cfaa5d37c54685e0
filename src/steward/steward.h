/* steward — a pond as its users hold it: open it, read it, change it in transactions, keep it
 * healthy.
 *
 * Life:  pond_open → pond_backend (reads) → pond_transact (writes, under POND/lock) → pond_close.
 * A transaction: lock → tlog_begin → body → tlog_commit → checkpoint with merge when due (its
 * failure is a warning) → unlock. The allowed states and their order stand as a table in
 * steward/transact.c.
 *
 * Invariant: a command that fails changes nothing; reads take no lock and write nothing but
 * disposable caches.
 * Threads: a Pond belongs to one thread at a time.
 * Errors: those of tlogfs, and LOCKED naming who holds the lock and since when. */
#pragma once
#include "cache/cache.h"
#include "tlogfs/tlogfs.h"

typedef struct Pond Pond;

typedef struct PondOptions {
    const char *command; /* for the log: already redacted */
    int64_t wait_ms;     /* for the writer lock */
    bool allow_network_fs;
    bool no_index; /* see TlogOptions */
} PondOptions;

Err *pond_init(const char *dir, const char *birthplace /* NULL = host name */,
               const PondOptions *options) WARN_UNUSED;
Err *pond_open(const char *dir, const PondOptions *options, Pond **out) WARN_UNUSED;
void pond_close_at(Pond **pond);

FsBackend pond_backend(Pond *pond);
const TlogInfo *pond_info(Pond *pond);
bool pond_is_read_only(const Pond *pond); /* to us: its caches are elsewhere */
Tlog *pond_tlog(Pond *pond);
/* POND/cache/cache.db, opened on first use; memory for a read-only pond. */
Cache *pond_cache(Pond *pond);
/* POND/tmp/<own>, made on first use, removed at close; in $TMPDIR for a read-only pond. */
const char *pond_temp_dir(Pond *pond);

/* Runs `body` in a transaction. An error from it aborts. A lost commit race runs it once more from
 * the new state. *out as tlog_commit. */
typedef Err *PondBody(void *context, Pond *pond);
Err *pond_transact(Pond *pond, PondBody *body, void *context, TlogCommitted *out) WARN_UNUSED;
/* Does the same and undoes it: what would fail does. */
Err *pond_rehearse(Pond *pond, PondBody *body, void *context) WARN_UNUSED;
/* For the next transactions instead of what PondOptions says. */
void pond_act_as(Pond *pond, const char *command, int64_t wait_ms);

/* Under the writer lock, outside transactions: checkpoint, merge, vacuum; also removes staging left
 * by the dead. */
typedef struct PondMaintain {
    bool compact; /* merge all log data files into one */
    bool vacuum;
    int64_t retain_us; /* -1 = 24 h */
} PondMaintain;
typedef struct PondMaintained {
    TlogCheckpoint checkpoint;
    TlogVacuum vacuumed;
} PondMaintained;
Err *pond_maintain(Pond *pond, PondMaintain what, PondMaintained *out) WARN_UNUSED;

/* Finishes or undoes what a crash left: staging of dead processes, an interrupted init, a damaged
 * index. */
typedef struct PondRecovered {
    int64_t staging_removed;
    bool index_rebuilt;
} PondRecovered;
Err *pond_recover(Pond *pond, PondRecovered *out) WARN_UNUSED;
/* Settings that may be set, with meaning and default: one table. */
typedef struct PondSetting {
    const char *key, *otherwise, *text;
} PondSetting;
extern const PondSetting POND_SETTINGS[];
extern const size_t POND_SETTING_COUNT;
/* NOT_FOUND with the nearest name for an unknown key, INVALID for a value (NULL = unset) that makes
 * no sense. Setting is tlog_setting_set. */
Err *pond_setting_check(const char *key, const char *value) WARN_UNUSED;
