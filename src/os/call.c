/* Every file call of the process, ours and the engine's, once: it is given its class, counted, held
 * against the fault plan, made, and (only when a plan can lose unsynced writes) written down in the
 * journal.
 *
 * Without a plan a call costs a table look-up or, by name, a comparison with the registered
 * prefixes, an atomic addition and a load. Files without a class are counted and otherwise left
 * alone. With a plan that journals, calls that change something are made one at a time under the
 * journal's lock, so that what is undone at the crash is what has happened.
 *
 * Nothing here allocates or calls an interposed name; errno is libc's. */
#include "os/os_int.h"
#include "perf/ops.h"
#include <dirent.h>
#include <errno.h>
#include <time.h>

typedef struct Call {
    OsOrigin origin;
    OsClass class;
    OsOp op;
    bool changes;     /* the journal must know */
    bool takes_space; /* a full disk can fail it */
    bool half;        /* out: write half of it, then fail */
    bool slow;        /* out: as a slow disk would */
    bool journaled;   /* out: under the journal's lock until leave() */
} Call;

static bool enter(Call *call)
{
    os_count_call(call->origin, call->class, call->op);
    if (call->class == OS_OTHER || !os_fault_active()) return true;
    FaultVerdict verdict =
        os_fault_meet((FaultCall){call->origin, call->class, call->op, call->takes_space});
    if (verdict == FAULT_FAIL) return false;
    call->half = verdict == FAULT_HALF;
    call->slow = verdict == FAULT_SLOW;
    if (call->changes && os_fault_journals()) {
        os_journal_lock();
        call->journaled = true;
    }
    return true;
}

/* Where the call is timed. */
static void linger(const Call *call)
{
    static const struct timespec SLOW = {.tv_nsec = 10 * 1000 * 1000};
    if (call->slow) (void)nanosleep(&SLOW, NULL);
}

static void leave(const Call *call)
{
    int saved = errno;
    if (call->journaled) os_journal_unlock();
    errno = saved;
}

/* Ends a call that changed a name. */
static int leave_name(const Call *call, NameChange *change, int rc)
{
    int saved = errno;
    os_journal_done(change, rc >= 0);
    errno = saved;
    leave(call);
    return rc;
}

int os_call_open(OsOrigin origin, const char *path, int flags, mode_t mode)
{
    bool creates = (flags & O_CREAT) != 0;
    Call call = {.origin = origin,
                 .class = os_class_of_path(path),
                 .op = OS_OPEN,
                 .changes = creates,
                 .takes_space = creates};
    if (!enter(&call)) return -1;
    PERF_SPAN(PERF_os_open);
    linger(&call);
    NameChange *change = call.journaled ? os_journal_appearing(path) : NULL;
    if (call.class == OS_HISTORY) flags |= O_NONBLOCK; /* a pipe there is waited for by nobody */
    int fd = os_real()->open(path, flags, mode);
    os_class_set_fd(fd, call.class);
    os_path_opened(fd, path, call.class);
    return leave_name(&call, change, fd);
}

int os_call_close(OsOrigin origin, int fd)
{
    os_count_call(origin, os_class_of_fd(fd), OS_CLOSE);
    os_path_closed(fd);
    os_class_set_fd(fd, OS_OTHER); /* before: another thread may get the number at once */
    return os_real()->close(fd);
}

ssize_t os_call_read(OsOrigin origin, int fd, void *into, size_t size, off_t offset)
{
    Call call = {.origin = origin, .class = os_class_of_fd(fd), .op = OS_READ};
    if (!enter(&call)) return -1;
    PERF_SPAN(PERF_os_read);
    linger(&call);
    uint64_t begin = os_path_begin(fd);
    ssize_t got =
        offset < 0 ? os_real()->read(fd, into, size) : os_real()->pread(fd, into, size, offset);
    if (got >= 0) os_path_read(origin, fd, offset, into, (uint64_t)got, begin);
    if (got > 0) os_count_bytes(origin, call.class, OS_READ, (uint64_t)got);
    return got;
}

ssize_t os_call_write(OsOrigin origin, int fd, const void *bytes, size_t size, off_t offset)
{
    Call call = {.origin = origin,
                 .class = os_class_of_fd(fd),
                 .op = OS_WRITE,
                 .changes = true,
                 .takes_space = true};
    if (!enter(&call)) return -1;
    if (call.journaled) os_journal_content(fd);
    if (call.half) size /= 2;
    PERF_SPAN(PERF_os_write);
    linger(&call);
    uint64_t begin = os_path_begin(fd);
    ssize_t put =
        offset < 0 ? os_real()->write(fd, bytes, size) : os_real()->pwrite(fd, bytes, size, offset);
    leave(&call);
    if (put > 0) os_path_written(fd, (uint64_t)put, begin);
    if (put > 0) os_count_bytes(origin, call.class, OS_WRITE, (uint64_t)put);
    if (!call.half) return put;
    errno = ENOSPC;
    return -1;
}

off_t os_call_seek(OsOrigin origin, int fd, off_t offset, int whence)
{
    os_count_call(origin, os_class_of_fd(fd), OS_SEEK);
    return os_real()->lseek(fd, offset, whence);
}

static int sync_by(OsOrigin origin, int fd, int (*sync)(int fd))
{
    Call call = {.origin = origin,
                 .class = os_class_of_fd(fd),
                 .op = OS_SYNC,
                 .changes = true,
                 .takes_space = true};
    if (!enter(&call)) return -1;
    PERF_SPAN(PERF_os_sync);
    linger(&call);
    int rc = os_syncs() ? sync(fd) : 0;
    if (call.journaled && rc == 0) os_journal_synced(fd);
    leave(&call);
    return rc;
}

int os_call_sync(OsOrigin origin, int fd)
{
    return sync_by(origin, fd, os_real()->fsync);
}

int os_call_datasync(OsOrigin origin, int fd)
{
    return sync_by(origin, fd, os_real()->fdatasync);
}

static Call resize_call(OsOrigin origin, int fd)
{
    return (Call){.origin = origin,
                  .class = os_class_of_fd(fd),
                  .op = OS_TRUNCATE,
                  .changes = true,
                  .takes_space = true};
}

int os_call_truncate(OsOrigin origin, int fd, off_t size)
{
    Call call = resize_call(origin, fd);
    if (!enter(&call)) return -1;
    if (call.journaled) os_journal_content(fd);
    int rc = os_real()->ftruncate(fd, size);
    leave(&call);
    return rc;
}

int os_call_allocate(OsOrigin origin, int fd, int mode, off_t offset, off_t size)
{
    Call call = resize_call(origin, fd);
    if (!enter(&call)) return -1;
    if (call.journaled) os_journal_content(fd);
    int rc = os_real()->fallocate(fd, mode, offset, size);
    leave(&call);
    return rc;
}

/* A call with two names belongs to the new name's class, or the old one's when the new one has
 * none. */
static OsClass class_of_two(const char *from, const char *to)
{
    OsClass class = os_class_of_path(to);
    return class != OS_OTHER ? class : os_class_of_path(from);
}

int os_call_rename(OsOrigin origin, const char *from, const char *to)
{
    Call call = {.origin = origin,
                 .class = class_of_two(from, to),
                 .op = OS_RENAME,
                 .changes = true,
                 .takes_space = true};
    if (!enter(&call)) return -1;
    NameChange *change = call.journaled ? os_journal_moving(from, to) : NULL;
    return leave_name(&call, change, os_real()->rename(from, to));
}

int os_call_link(OsOrigin origin, const char *from, const char *to)
{
    Call call = {.origin = origin,
                 .class = class_of_two(from, to),
                 .op = OS_LINK,
                 .changes = true,
                 .takes_space = true};
    if (!enter(&call)) return -1;
    NameChange *change = call.journaled ? os_journal_appearing(to) : NULL;
    return leave_name(&call, change, link(from, to));
}

int os_call_unlink(OsOrigin origin, const char *path)
{
    Call call = {
        .origin = origin, .class = os_class_of_path(path), .op = OS_UNLINK, .changes = true};
    if (!enter(&call)) return -1;
    NameChange *change = call.journaled ? os_journal_vanishing(path) : NULL;
    return leave_name(&call, change, os_real()->unlink(path));
}

int os_call_mkdir(OsOrigin origin, const char *path, mode_t mode)
{
    Call call = {.origin = origin,
                 .class = os_class_of_path(path),
                 .op = OS_MKDIR,
                 .changes = true,
                 .takes_space = true};
    if (!enter(&call)) return -1;
    NameChange *change = call.journaled ? os_journal_appearing(path) : NULL;
    return leave_name(&call, change, os_real()->mkdir(path, mode));
}

int os_call_rmdir(OsOrigin origin, const char *path)
{
    Call call = {
        .origin = origin, .class = os_class_of_path(path), .op = OS_RMDIR, .changes = true};
    if (!enter(&call)) return -1;
    NameChange *change = call.journaled ? os_journal_vanishing(path) : NULL;
    return leave_name(&call, change, os_real()->rmdir(path));
}

void *os_call_map(OsOrigin origin, void *at, size_t size, int protection, int flags, int fd,
                  off_t offset)
{
    if ((flags & MAP_ANONYMOUS) == 0) os_count_call(origin, os_class_of_fd(fd), OS_MAP);
    return os_real()->mmap(at, size, protection, flags, fd, offset);
}

int os_call_stat(OsOrigin origin, const char *path, int flags, struct stat *into)
{
    os_count_call(origin, os_class_of_path(path), OS_STAT);
    return fstatat(AT_FDCWD, path, into, flags);
}

int os_call_fstat(OsOrigin origin, int fd, struct stat *into)
{
    os_count_call(origin, os_class_of_fd(fd), OS_STAT);
    int rc = fstatat(fd, "", into, AT_EMPTY_PATH);
    if (rc == 0 && S_ISREG(into->st_mode)) os_path_sized(fd, into->st_size);
    return rc;
}

int os_call_access(OsOrigin origin, const char *path, int mode)
{
    os_count_call(origin, os_class_of_path(path), OS_STAT);
    return faccessat(AT_FDCWD, path, mode, 0);
}

/* libc closes the descriptor of a DIR without passing here, so it gets no class. */
void *os_call_opendir(OsOrigin origin, const char *path)
{
    os_count_call(origin, os_class_of_path(path), OS_LIST);
    int fd = os_real()->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return NULL;
    DIR *dir = fdopendir(fd);
    if (dir == NULL) (void)os_real()->close(fd);
    return dir;
}
