/* What the files of os share. Not for other modules (tests of os include it).
 *
 *   ours: file.c, name.c, lock.c ──┐
 *                                  ├─> call.c (class, count, fault, journal) ─> os_real() ─> libc
 *   the engine's: interpose.c ─────┘
 */
#pragma once
#include "os/os.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- interpose.c: libc's own functions, behind the names that we export ---- */
#define OS_REAL_CALLS(X)                                                                           \
    X(open)                                                                                        \
    X(close)                                                                                       \
    X(read)                                                                                        \
    X(pread)                                                                                       \
    X(write)                                                                                       \
    X(pwrite)                                                                                      \
    X(lseek)                                                                                       \
    X(fsync)                                                                                       \
    X(fdatasync)                                                                                   \
    X(ftruncate)                                                                                   \
    X(fallocate)                                                                                   \
    X(rename)                                                                                      \
    X(unlink)                                                                                      \
    X(mkdir)                                                                                       \
    X(rmdir)                                                                                       \
    X(mmap)

typedef struct OsReal {
#define X(call) __typeof__(&call) call;
    OS_REAL_CALLS(X)
#undef X
} OsReal;

/* Never fails: before libc's functions are found these are bare system calls. */
const OsReal *os_real(void);

/* ---- class.c ---- */
OsClass os_class_of_path(const char *path);
OsClass os_class_of_fd(int fd);
void os_class_set_fd(int fd, OsClass class); /* OS_OTHER at close */
/* Both -1: unknown. */
int os_class_by_name(const char *name, size_t length);
int os_op_by_name(const char *name, size_t length);
/* Absolute, without empty, . and .. components, links not looked at. False when longer than
 * PATH_MAX. */
bool os_path_clean(const char *path, char out[4096]);
/* Zeroed, and the same memory in this process's children; NULL when there is none to be had. */
void *os_shared_memory(size_t size_bytes);
void os_count_call(OsOrigin origin, OsClass class, OsOp op);
void os_count_bytes(OsOrigin origin, OsClass class, OsOp op, uint64_t bytes);

/* ---- process.c ---- */
bool os_is_replaying(void);
bool os_syncs(void); /* fsync is called, not only counted */

/* ---- path_count.c: what was done to each file of a registered class ---- */
void os_path_opened(int fd, const char *path, OsClass class);
void os_path_closed(int fd);
void os_path_sized(int fd, int64_t size_bytes); /* a stat of the descriptor told it */
uint64_t os_path_begin(int fd);                 /* ticks for the two below; 0: not counted */
/* offset -1: at the file's position */
void os_path_read(OsOrigin origin, int fd, off_t offset, const void *read, uint64_t bytes,
                  uint64_t begin_ticks);
void os_path_written(int fd, uint64_t bytes, uint64_t begin_ticks);

/* ---- call.c: libc's semantics (-1 and errno) with counting, faults and journal ---- */
int os_call_open(OsOrigin origin, const char *path, int flags, mode_t mode);
int os_call_close(OsOrigin origin, int fd);
/* offset -1: at the file's position */
ssize_t os_call_read(OsOrigin origin, int fd, void *into, size_t size, off_t offset);
ssize_t os_call_write(OsOrigin origin, int fd, const void *bytes, size_t size, off_t offset);
off_t os_call_seek(OsOrigin origin, int fd, off_t offset, int whence);
int os_call_sync(OsOrigin origin, int fd);
int os_call_datasync(OsOrigin origin, int fd);
int os_call_truncate(OsOrigin origin, int fd, off_t size);
int os_call_allocate(OsOrigin origin, int fd, int mode, off_t offset, off_t size);
int os_call_rename(OsOrigin origin, const char *from, const char *to);
int os_call_link(OsOrigin origin, const char *from, const char *to);
int os_call_unlink(OsOrigin origin, const char *path);
int os_call_mkdir(OsOrigin origin, const char *path, mode_t mode);
int os_call_rmdir(OsOrigin origin, const char *path);
void *os_call_map(OsOrigin origin, void *at, size_t size, int protection, int flags, int fd,
                  off_t offset);
int os_call_stat(OsOrigin origin, const char *path, int flags, struct stat *into);
int os_call_fstat(OsOrigin origin, int fd, struct stat *into);
int os_call_access(OsOrigin origin, const char *path, int mode);
void *os_call_opendir(OsOrigin origin, const char *path); /* a DIR */

/* ---- fault.c ---- */
typedef enum FaultVerdict {
    FAULT_NONE,
    FAULT_FAIL, /* errno is set */
    FAULT_HALF, /* write half, then fail with ENOSPC */
    FAULT_SLOW  /* take longer */
} FaultVerdict;

typedef struct FaultCall {
    OsOrigin origin;
    OsClass class;
    OsOp op;
    bool takes_space; /* can fail for a full disk */
} FaultCall;

bool os_fault_active(void);
bool os_fault_journals(void);
/* A call that the plan may match is about to be made. Does not return when the plan says crash. */
FaultVerdict os_fault_meet(FaultCall call);

/* ---- journal.c: what a loss of power would undo; all under its lock ---- */
typedef struct NameChange NameChange;

void os_journal_lock(void);
void os_journal_unlock(void);
/* Before the call. NULL when there is nothing to undo. */
NameChange *os_journal_appearing(const char *path);
NameChange *os_journal_vanishing(const char *path);
NameChange *os_journal_moving(const char *from, const char *to);
/* After the call; NULL is fine. */
void os_journal_done(NameChange *change, bool happened);
/* Before a write or a change of size: what was cut off before it is gone for good. */
void os_journal_content(int fd);
/* After an fsync of a file or of a directory. */
void os_journal_synced(int fd);
/* Loses what is not durable; with `tear`, files keep a part chosen by `seed`. Lock held; nothing
 * may follow. */
void os_journal_undo(bool tear, uint64_t seed);
void os_journal_clear(void);

/* ---- name.c ---- */
/* NULL for a local file system's f_type. */
const char *os_network_fs_name(unsigned long magic);

/* ---- file.c: what every error of a file call looks like ---- */
Err *os_errno(int errnum, const char *verb, const char *path, const char *file, int line)
    WARN_UNUSED;
#define OS_FAIL(verb, path) os_errno(errno, (verb), (path), __FILE__, __LINE__)
