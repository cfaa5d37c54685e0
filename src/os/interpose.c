/* The names that libduckdb and SQLite call (interpose.list), exported from the executable: the
 * dynamic linker binds their file calls to us, also in a library that is loaded by dlopen. Each
 * passes on to call.c as the engine's. Other libraries of the process come this way too; their
 * files have no class and are only counted.
 *
 * libc's own functions are looked up by dlsym(RTLD_NEXT) at the first call. That may be before
 * constructors have run, and dlsym may itself open files: until the table is complete, and on the
 * thread that fills it, calls are bare system calls. Under ASan the next function is the
 * sanitizer's, which is as it should be.
 *
 * This file is compiled without _FILE_OFFSET_BITS, which would turn the names open into open64, and
 * without _FORTIFY_SOURCE, which would define open inline. off_t has 64 bits anyway, so both forms
 * are one function. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "os/os_int.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

_Static_assert(sizeof(off_t) == 8, "the 64 forms are the same functions");

#define EXPORT __attribute__((visibility("default")))
#define ALSO(name) EXPORT __attribute__((alias(name)))

/* ---- bare system calls ---- */

/* The mode argument of open stands there only when something may be created. */
#define OPEN_MODE(flags, mode)                                                                     \
    do {                                                                                           \
        if (((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE) {                          \
            va_list args;                                                                          \
            va_start(args, flags);                                                                 \
            (mode) = va_arg(args, mode_t);                                                         \
            va_end(args);                                                                          \
        }                                                                                          \
    } while (0)

static int raw_open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    OPEN_MODE(flags, mode);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static int raw_close(int fd)
{
    return (int)syscall(SYS_close, fd);
}

static ssize_t raw_read(int fd, void *into, size_t size)
{
    return syscall(SYS_read, fd, into, size);
}

static ssize_t raw_pread(int fd, void *into, size_t size, off_t offset)
{
    return syscall(SYS_pread64, fd, into, size, offset);
}

static ssize_t raw_write(int fd, const void *bytes, size_t size)
{
    return syscall(SYS_write, fd, bytes, size);
}

static ssize_t raw_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

static off_t raw_lseek(int fd, off_t offset, int whence)
{
    return syscall(SYS_lseek, fd, offset, whence);
}

static int raw_fsync(int fd)
{
    return (int)syscall(SYS_fsync, fd);
}

static int raw_fdatasync(int fd)
{
    return (int)syscall(SYS_fdatasync, fd);
}

static int raw_ftruncate(int fd, off_t size)
{
    return (int)syscall(SYS_ftruncate, fd, size);
}

static int raw_fallocate(int fd, int mode, off_t offset, off_t size)
{
    return (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

static int raw_rename(const char *from, const char *to)
{
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int raw_unlink(const char *path)
{
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static int raw_mkdir(const char *path, mode_t mode)
{
    return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

static int raw_rmdir(const char *path)
{
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

static void *raw_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    long address = syscall(SYS_mmap, at, size, protection, flags, fd, offset);
    void *mapped;
    memcpy(&mapped, &address, sizeof mapped);
    return mapped;
}

/* ---- libc's ---- */

static const OsReal RAW = {
#define X(call) .call = raw_##call,
    OS_REAL_CALLS(X)
#undef X
};
static OsReal found;
static _Atomic int looking;
static const OsReal *_Atomic current = &RAW;

/* dlsym's result is an object pointer; ISO C has no cast from it to a function's. */
static void look_up(const char *name, void *pointer)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (symbol != NULL) memcpy(pointer, &symbol, sizeof symbol);
}

const OsReal *os_real(void)
{
    const OsReal *real = atomic_load_explicit(&current, memory_order_acquire);
    if (__builtin_expect(real != &RAW, 1) || atomic_exchange(&looking, 1) != 0) return real;
    int saved = errno;
    OsReal table = RAW;
#define X(call) look_up(#call, &table.call);
    OS_REAL_CALLS(X)
#undef X
    found = table;
    atomic_store_explicit(&current, &found, memory_order_release);
    errno = saved;
    return &found;
}

/* ---- the exported names ---- */

EXPORT int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    OPEN_MODE(flags, mode);
    return os_call_open(OS_ENGINE, path, flags, mode);
}
ALSO("open") int open64(const char *path, int flags, ...);

EXPORT int creat(const char *path, mode_t mode)
{
    return os_call_open(OS_ENGINE, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
ALSO("creat") int creat64(const char *path, mode_t mode);

EXPORT int close(int fd)
{
    return os_call_close(OS_ENGINE, fd);
}

EXPORT ssize_t read(int fd, void *into, size_t size)
{
    return os_call_read(OS_ENGINE, fd, into, size, -1);
}

EXPORT ssize_t pread(int fd, void *into, size_t size, off_t offset)
{
    if (offset < 0) return os_real()->pread(fd, into, size, offset); /* EINVAL */
    return os_call_read(OS_ENGINE, fd, into, size, offset);
}
ALSO("pread") ssize_t pread64(int fd, void *into, size_t size, off64_t offset);

EXPORT ssize_t write(int fd, const void *bytes, size_t size)
{
    return os_call_write(OS_ENGINE, fd, bytes, size, -1);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if (offset < 0) return os_real()->pwrite(fd, bytes, size, offset); /* EINVAL */
    return os_call_write(OS_ENGINE, fd, bytes, size, offset);
}
ALSO("pwrite") ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset);

EXPORT off_t lseek(int fd, off_t offset, int whence)
{
    return os_call_seek(OS_ENGINE, fd, offset, whence);
}
ALSO("lseek") off64_t lseek64(int fd, off64_t offset, int whence);

EXPORT int fsync(int fd)
{
    return os_call_sync(OS_ENGINE, fd);
}

EXPORT int fdatasync(int fd)
{
    return os_call_datasync(OS_ENGINE, fd);
}

EXPORT int ftruncate(int fd, off_t size)
{
    return os_call_truncate(OS_ENGINE, fd, size);
}
ALSO("ftruncate") int ftruncate64(int fd, off64_t size);

EXPORT int fallocate(int fd, int mode, off_t offset, off_t size)
{
    return os_call_allocate(OS_ENGINE, fd, mode, offset, size);
}
ALSO("fallocate") int fallocate64(int fd, int mode, off64_t offset, off64_t size);

EXPORT int rename(const char *from, const char *to)
{
    return os_call_rename(OS_ENGINE, from, to);
}

EXPORT int unlink(const char *path)
{
    return os_call_unlink(OS_ENGINE, path);
}

EXPORT int remove(const char *path)
{
    int rc = os_call_unlink(OS_ENGINE, path);
    return rc != 0 && errno == EISDIR ? os_call_rmdir(OS_ENGINE, path) : rc;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    return os_call_mkdir(OS_ENGINE, path, mode);
}

EXPORT int rmdir(const char *path)
{
    return os_call_rmdir(OS_ENGINE, path);
}

EXPORT void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return os_call_map(OS_ENGINE, at, size, protection, flags, fd, offset);
}
ALSO("mmap") void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset);

/* ---- looked at, never faulted: struct stat and struct stat64 are one ---- */

_Static_assert(sizeof(struct stat) == sizeof(struct stat64),
               "stat and stat64 are the same functions");

EXPORT int stat(const char *restrict path, struct stat *restrict into)
{
    return os_call_stat(OS_ENGINE, path, 0, into);
}

EXPORT int stat64(const char *restrict path, struct stat64 *restrict into)
{
    return os_call_stat(OS_ENGINE, path, 0, (struct stat *)into);
}

EXPORT int lstat(const char *restrict path, struct stat *restrict into)
{
    return os_call_stat(OS_ENGINE, path, AT_SYMLINK_NOFOLLOW, into);
}

EXPORT int lstat64(const char *restrict path, struct stat64 *restrict into)
{
    return os_call_stat(OS_ENGINE, path, AT_SYMLINK_NOFOLLOW, (struct stat *)into);
}

EXPORT int fstat(int fd, struct stat *into)
{
    return os_call_fstat(OS_ENGINE, fd, into);
}

EXPORT int fstat64(int fd, struct stat64 *into)
{
    return os_call_fstat(OS_ENGINE, fd, (struct stat *)into);
}

/* What the three were to programs built against a libc before 2.33; the version is the only one
 * there is. */
EXPORT int __xstat(int version, const char *path, struct stat *into);
EXPORT int __lxstat(int version, const char *path, struct stat *into);
EXPORT int __fxstat(int version, int fd, struct stat *into);

int __xstat(int version, const char *path, struct stat *into)
{
    (void)version;
    return os_call_stat(OS_ENGINE, path, 0, into);
}

int __lxstat(int version, const char *path, struct stat *into)
{
    (void)version;
    return os_call_stat(OS_ENGINE, path, AT_SYMLINK_NOFOLLOW, into);
}

int __fxstat(int version, int fd, struct stat *into)
{
    (void)version;
    return os_call_fstat(OS_ENGINE, fd, into);
}

EXPORT int access(const char *path, int mode)
{
    return os_call_access(OS_ENGINE, path, mode);
}

EXPORT DIR *opendir(const char *path)
{
    return os_call_opendir(OS_ENGINE, path);
}
