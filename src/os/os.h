/* os — the only place where pond itself makes file-system calls, and the place that sees the
 * engine's.
 *
 * Two doors lead here: the functions below (ours), and os/interpose.c, which exports open, read,
 * write, ... from the executable so that libduckdb and SQLite call us instead of libc (the
 * engine's). Both count per path class and obey the same fault plan.
 *
 * Invariant: a function that creates a file leaves either the whole file or none under its final
 * name, except os_open for writing, which is for staging. Nothing is durable before os_sync /
 * os_sync_dir. EINTR is retried here. Paths are NUL-terminated host paths. Errors: IO with the path
 * set, unless said. Threads: all functions may be called from any thread; an OsFile belongs to one
 * thread at a time. */
#pragma once
#include "base/base.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- path classes: for counting and for fault plans ---- */
typedef enum OsClass {
    OS_OTHER,   /* anything not registered */
    OS_LOG,     /* POND/log */
    OS_BLOB,    /* POND/blobs */
    OS_STAGING, /* POND/tmp, OUT/.pond/staging */
    OS_INDEX,   /* POND/cache/index.db and its -wal, -shm */
    OS_CACHE,   /* the rest of POND/cache */
    OS_HISTORY, /* POND/history */
    OS_LOCK,    /* lock files */
    OS_OUT,     /* export output */
    OS_HOST,    /* files the user named */
    OS_CLASS_COUNT
} OsClass;

/* Paths at or below `prefix` (made absolute; as given and with links resolved) belong to `class`,
 * and so do `prefix`-wal, -shm and -journal; the longest prefix wins. The same prefix again: the
 * later class. Files open already keep theirs. At most 64; further ones are ignored: their files
 * stay what they were. /proc, /dev and /sys are OS_OTHER unless registered. */
void os_class_add(const char *prefix, OsClass class);
const char *os_class_name(OsClass class);

/* ---- files ---- */
typedef struct OsFile OsFile;

typedef struct OsStat {
    int64_t size_bytes;
    int64_t mtime_ns;
    uint64_t inode, device;
    uint32_t mode;
    bool is_dir, is_file, is_link;
} OsStat;

Err *os_open_read(const char *path, OsFile **out) WARN_UNUSED;
/* Creates; EXISTS when something of that name is there. */
Err *os_open_new(const char *path, OsFile **out) WARN_UNUSED;
/* For writing at the end; created when missing. */
Err *os_open_append(const char *path, OsFile **out) WARN_UNUSED;
/* Up to `size` bytes; 0 at the end. INTERRUPTED when a signal of os_signals_install ended a wait
 * for bytes. */
Err *os_read(OsFile *file, void *into, size_t size, size_t *out_read) WARN_UNUSED;
Err *os_pread(OsFile *file, void *into, size_t size, int64_t offset, size_t *out_read) WARN_UNUSED;
Err *os_write(OsFile *file, const void *bytes, size_t size) WARN_UNUSED; /* all of it */
Err *os_sync(OsFile *file) WARN_UNUSED;                                  /* fsync */
Err *os_fstat(OsFile *file, OsStat *out) WARN_UNUSED;
int os_fd(const OsFile *file);
Err *os_close(OsFile *file) WARN_UNUSED; /* frees it, also on failure */
void os_close_at(OsFile **file);         /* for CLEANUP: closes, ignoring errors; NULL is fine */

/* Whole small files. LIMIT when larger than `max_bytes`. The result has a NUL after it. */
Err *os_read_file(Arena *arena, const char *path, size_t max_bytes, char **out, size_t *out_size)
    WARN_UNUSED;
/* The same, but a missing file is no error: *out = NULL. */
Err *os_read_file_if(Arena *arena, const char *path, size_t max_bytes, char **out, size_t *out_size)
    WARN_UNUSED;
/* New content appears whole or not at all: temporary file beside it, fsync, rename, directory
 * fsync. */
Err *os_replace_file(const char *path, const void *bytes, size_t size) WARN_UNUSED;
/* The same without fsync: a power cut may leave the old content, the new, or less than either. For
 * what checks itself and may be lost. */
Err *os_replace_unsynced(const char *path, const void *bytes, size_t size) WARN_UNUSED;
/* Whether `name` is the temporary file that these two make beside one of name `of`: a killed
 * process leaves it. */
bool os_is_temporary_of(const char *name, const char *of);
/* Copies a file of any size through a fixed buffer into a new file; size and SHA-256 (hex) as read.
 * No fsync. `on_bytes` (may be NULL) hears how many bytes each step copied and may stop by
 * returning an error. After an error `to` does not exist. */
typedef Err *OsOnBytes(void *context, int64_t bytes);
Err *os_copy_file(const char *from, const char *to, OsOnBytes *on_bytes, void *context,
                  int64_t *out_size, char out_sha256[65]) WARN_UNUSED;
Err *os_sha256_file(const char *path, int64_t *out_size, char out_sha256[65]) WARN_UNUSED;
/* The bytes of a file of any size, step by step through a fixed buffer; INTERRUPTED between steps.
 */
typedef Err *OsOnChunk(void *context, const void *bytes, size_t size);
Err *os_read_each(const char *path, OsOnChunk *on_chunk, void *context) WARN_UNUSED;
/* A new file, hashed and measured on its way out; os_sink_put is an OsOnChunk. No fsync. The sink
 * is always closed; after an error of os_sink_close the file does not exist. */
typedef struct OsSink {
    OsFile *file;
    Sha256 *hash;
    const char *path;
    int64_t size_bytes;
} OsSink;
Err *os_sink_open(Arena *arena, const char *path, OsSink *out) WARN_UNUSED;
Err *os_sink_put(void *sink, const void *bytes, size_t size) WARN_UNUSED;
/* `err`: of what filled it; comes back, and the file goes. */
Err *os_sink_close(OsSink *sink, Err *err, char out_sha256[65]) WARN_UNUSED;

/* ---- names ---- */
Err *os_stat(const char *path, OsStat *out) WARN_UNUSED; /* follows links */
Err *os_stat_if(const char *path, bool *out_exists, OsStat *out)
    WARN_UNUSED;                             /* missing is no error */
Err *os_mkdir(const char *path) WARN_UNUSED; /* EXISTS when there; parents must exist */
Err *os_mkdirs(const char *path)
    WARN_UNUSED; /* with parents; existing is fine; syncs what it made's parents */
Err *os_rename(const char *from, const char *to) WARN_UNUSED;              /* overwrites a file */
Err *os_link(const char *from, const char *to, bool *out_won) WARN_UNUSED; /* false: `to` exists */
Err *os_unlink(const char *path) WARN_UNUSED;
Err *os_unlink_if(const char *path) WARN_UNUSED; /* missing is fine */
Err *os_rmdir(const char *path) WARN_UNUSED;
Err *os_remove_tree(const char *path) WARN_UNUSED; /* does not follow links; missing is fine */
Err *os_sync_dir(const char *path) WARN_UNUSED;
Err *os_sync_path(const char *path)
    WARN_UNUSED;                             /* fsync of a file by name: the engine never does it */
Err *os_touch(const char *path) WARN_UNUSED; /* mtime = now */
typedef struct OsEntry {
    const char *name;
    bool is_dir, is_file, is_link;
} OsEntry;
/* Entries of a directory without . and .., sorted by bytes. */
Err *os_list(Arena *arena, const char *path, OsEntry **out, size_t *out_count) WARN_UNUSED;
Err *os_absolute(Arena *arena, const char *path, char **out)
    WARN_UNUSED; /* realpath of what exists + the rest */
/* By the file system's magic number; FUSE counts as one, since what is behind it cannot be told.
 * *out_name
 * ("nfs") lives forever, NULL for a local one. The nearest existing parent of `path` is asked. */
Err *os_is_network_fs(const char *path, bool *out, const char **out_name) WARN_UNUSED;
Err *os_free_bytes(const char *path, int64_t *out) WARN_UNUSED;

/* ---- locks: flock(2) on a file; released when closed or when the process ends ---- */
typedef struct OsLock OsLock;
/* *out = NULL when another process holds it (after waiting up to wait_ms; polls). While held the
 * file's content is `note` (who and since when); *out_holder (may be NULL pointer) is then the
 * other's note, "" when it has none: never that of a holder that has ended. The file stays, empty,
 * after the lock. INTERRUPTED while waiting. */
Err *os_lock(Arena *arena, const char *path, const char *note, int64_t wait_ms, OsLock **out,
             const char **out_holder) WARN_UNUSED;
void os_unlock_at(OsLock **lock); /* for CLEANUP */

/* ---- clock, randomness, process ---- */
TimeUs os_now(void); /* wall clock; the injected one in tests */
int64_t os_monotonic_us(void);
void os_clock_set(TimeUs (*clock)(void *context), void *context); /* tests; NULL restores */
void os_random(void *into, size_t size);
/* In between, os_random, the times of files (os_now) and the names of host and user follow from the
 * seed and the clock (os_clock_set) alone, and inodes have 16 digits: for generated ponds and
 * measured runs, which are to be the same on every machine. */
typedef struct OsReplay {
    uint64_t seed;
    bool without_sync; /* nothing waits for the disk: what can be made again need not be durable */
} OsReplay;
void os_replay_begin(OsReplay replay);
void os_replay_end(void);
const char *os_hostname(void);
const char *os_username(void);
/* SIGINT and SIGTERM set a flag and call `on_interrupt` (may be NULL; async-signal-safe); long
 * loops ask and return INTERRUPTED. A second signal ends the process at once with 130. SIGPIPE and
 * SIGXFSZ are ignored: EPIPE and EFBIG are errors. */
void os_signals_install(void (*on_interrupt)(void));
bool os_interrupted(void);
Err *os_check_interrupt(void) WARN_UNUSED;

/* ---- counts: of calls made, failed ones included; rename and link count for the new name's class
 * ---- */
typedef enum OsOp {
    OS_OPEN,
    OS_READ,
    OS_WRITE,
    OS_SYNC,
    OS_RENAME,
    OS_LINK,
    OS_UNLINK,
    OS_MKDIR,
    OS_RMDIR,
    OS_TRUNCATE, /* and allocate */
    OS_STAT,     /* and access */
    OS_LIST,
    OS_CLOSE,
    OS_SEEK,
    OS_MAP, /* of a file; what is read through it makes no calls */
    OS_OP_COUNT
} OsOp;
typedef enum OsOrigin { OS_OURS, OS_ENGINE, OS_ORIGIN_COUNT } OsOrigin;
typedef struct OsCount {
    uint64_t calls, bytes; /* bytes for read and write */
} OsCount;
OsCount os_count(OsOrigin origin, OsClass class, OsOp op);
const char *os_op_name(OsOp op);
/* Bytes that the engines have read on this thread. */
uint64_t os_engine_read_bytes(void);

/* What was done to each file of a registered class, ours and the engine's calls together, the most
 * bytes first. `out_left_out`: opens of files beyond the table's room (4,096 names, 1 MiB of text);
 * os_count has them all. */
typedef struct OsPathCount {
    const char *path; /* absolute, as it was opened; lives forever */
    OsClass class;
    uint64_t opens, reads, writes, read_bytes, written_bytes;
    uint64_t footers;   /* reads by the engine to the end of a Parquet file */
    uint64_t ticks;     /* of the tracker's clock, in reads and writes */
    int64_t size_bytes; /* as last seen, -1: never */
} OsPathCount;
void os_path_counts(Arena *arena, OsPathCount **out, size_t *out_count, uint64_t *out_left_out);

/* ---- files as memory ---- */
typedef struct OsMap OsMap;
/* A new file of that size, zeros, its blocks taken from the disk, locked (flock) and mapped until
 * the process ends. */
Err *os_map_new(const char *path, size_t size_bytes, OsMap **out) WARN_UNUSED;
void *os_map_memory(const OsMap *map);
/* Whether some process holds the file locked. */
Err *os_is_held(const char *path, bool *out) WARN_UNUSED;

/* ---- faults: for tests, from the environment variable POND_FAULT or by call ----
 * "origin=ours|engine|any,class=NAME|any,op=NAME|any,nth=N,do=eio|enospc|short|crash|lose|tear|slow"
 *   eio     the nth matching call fails
 *   enospc  the nth and all later ones fail; only calls that need space match (not read, unlink,
 *           rmdir, nor open without creating)
 *   short   the nth matching write writes half and fails with ENOSPC, as do all later ones
 *   crash   the process ends (exit 137) before the nth matching call
 *   lose    as crash, but first every write not fsynced and every name not made durable by its
 *           directory's fsync is undone (overwritten bytes are not restored; files unlinked or
 *           renamed over are)
 *   tear    as lose, but unsynced files keep a random prefix
 *   slow    the nth and all later opens, reads, writes and syncs take 10 ms longer
 * Only do= is required; the others are any, any, any and 1. nth=0 only counts. Only calls that
 * change something or read content match (open, read, write, sync, rename, link, unlink, mkdir,
 * rmdir, truncate), and only on files of a registered class: OS_OTHER is never faulted. Set a plan
 * while no other thread makes file calls. A wrong plan is INVALID; in the environment it ends the
 * process with 2.
 *
 * With a plan in the environment, POND_FAULT_REPORT=FILE (made anew) gets a line "<number>
 * <ours|engine> <class> <op>" for each matching call before it meets its fate: what a sweep over a
 * whole program goes by. */
Err *os_fault_set(const char *plan) WARN_UNUSED; /* NULL removes */
/* Matching calls since the plan was set: how a sweep knows that the body passed the last. */
uint64_t os_fault_seen(void);
