/* Files: one OsFile is a descriptor and its path, for messages. Whole-file functions are built on
 * it.
 *
 * New content reaches a final name by a temporary file beside it (".NAME.<16 hex digits>.tmp",
 * exclusive creation), fsync, then rename or link, then fsync of the directory. On failure the
 * temporary file is removed; after a crash it stays and is litter with a telling name.
 *
 * EINTR: reads and writes go on, unless the interrupt flag is set while a read waits (a pipe, a
 * terminal). */
#include "os/os_int.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct OsFile {
    int fd;
    char *path;
};

enum { COPY_BYTES = 1 << 18, READ_BYTES = 1 << 16, TEMPORARY_NAME_KEPT = 200 };

static const char *hint_for(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT: return "the disk (or the quota) is full: free some space and try again";
    case EFBIG: return "a file may not be as large here: raise the limit (ulimit -f)";
    case EACCES:
    case EPERM: return "check who owns it and its permissions";
    case EROFS: return "the file system is mounted read-only";
    case EMFILE:
    case ENFILE: return "too many open files: raise the limit (ulimit -n)";
    case EXDEV: return "the two names must be on one file system";
    case ELOOP: return "symbolic links form a circle";
    default: return NULL;
    }
}

Err *os_errno(int errnum, const char *verb, const char *path, const char *file, int line)
{
    SCRATCH(scratch);
    Err *err = err_errno(errnum, file, line, "%s %s", verb, text_printable(scratch, path));
    const char *hint = hint_for(errnum);
    if (hint != NULL) err = err_hint(err, "%s", hint);
    return err_path(err, path);
}

static Err *open_file(const char *path, int flags, OsFile **out)
{
    int fd;
    while ((fd = os_call_open(OS_OURS, path, flags | O_CLOEXEC, 0666)) < 0 && errno == EINTR) {
        TRY(os_check_interrupt());
    }
    if (fd < 0 && errno == EEXIST) return err_path(ERR(EXISTS, "%s: exists already", path), path);
    if (fd < 0) return OS_FAIL("open", path);
    OsFile *file = calloc(1, sizeof *file);
    char *kept = strdup(path);
    if (file == NULL || kept == NULL) abort();
    *file = (OsFile){.fd = fd, .path = kept};
    *out = file;
    return NULL;
}

Err *os_open_read(const char *path, OsFile **out)
{
    return open_file(path, O_RDONLY, out);
}

Err *os_open_new(const char *path, OsFile **out)
{
    return open_file(path, O_WRONLY | O_CREAT | O_EXCL, out);
}

Err *os_open_append(const char *path, OsFile **out)
{
    return open_file(path, O_WRONLY | O_CREAT | O_APPEND, out);
}

static Err *read_at(OsFile *file, void *into, size_t size, off_t offset, size_t *out_read)
{
    for (;;) {
        ssize_t got = os_call_read(OS_OURS, file->fd, into, size, offset);
        if (got >= 0) {
            *out_read = (size_t)got;
            return NULL;
        }
        if (errno != EINTR) return OS_FAIL("read", file->path);
        TRY(os_check_interrupt());
    }
}

Err *os_read(OsFile *file, void *into, size_t size, size_t *out_read)
{
    return read_at(file, into, size, -1, out_read);
}

Err *os_pread(OsFile *file, void *into, size_t size, int64_t offset, size_t *out_read)
{
    if (offset < 0) return ERR(INTERNAL, "read %s at %lld", file->path, (long long)offset);
    return read_at(file, into, size, offset, out_read);
}

Err *os_write(OsFile *file, const void *bytes, size_t size)
{
    const char *rest = bytes;
    while (size > 0) {
        ssize_t put = os_call_write(OS_OURS, file->fd, rest, size, -1);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return OS_FAIL("write", file->path);
        rest += put;
        size -= (size_t)put;
    }
    return NULL;
}

Err *os_sync(OsFile *file)
{
    if (os_call_sync(OS_OURS, file->fd) != 0) return OS_FAIL("sync", file->path);
    return NULL;
}

int os_fd(const OsFile *file)
{
    return file->fd;
}

/* While replaying, times are the clock's, and inodes have the same number of digits everywhere:
 * files that tell of them are as long. */
static OsStat stat_of(const struct stat *from)
{
    static const uint64_t REPLAYED_INODES = 1000000000000000;
    return (OsStat){.size_bytes = from->st_size,
                    .mtime_ns = os_is_replaying() ? os_now() * 1000
                                                  : (int64_t)from->st_mtim.tv_sec * 1000000000 +
                                                        from->st_mtim.tv_nsec,
                    .inode = from->st_ino + (os_is_replaying() ? REPLAYED_INODES : 0),
                    .device = from->st_dev,
                    .mode = from->st_mode,
                    .is_dir = S_ISDIR(from->st_mode),
                    .is_file = S_ISREG(from->st_mode),
                    .is_link = S_ISLNK(from->st_mode)};
}

Err *os_fstat(OsFile *file, OsStat *out)
{
    struct stat now;
    if (os_call_fstat(OS_OURS, file->fd, &now) != 0) return OS_FAIL("stat", file->path);
    *out = stat_of(&now);
    return NULL;
}

Err *os_stat_if(const char *path, bool *out_exists, OsStat *out)
{
    struct stat now;
    if (os_call_stat(OS_OURS, path, 0, &now) == 0) {
        *out = stat_of(&now);
        *out_exists = true;
        return NULL;
    }
    if (errno != ENOENT && errno != ENOTDIR) return OS_FAIL("stat", path);
    *out_exists = false;
    return NULL;
}

Err *os_stat(const char *path, OsStat *out)
{
    struct stat now;
    if (os_call_stat(OS_OURS, path, 0, &now) != 0) return OS_FAIL("stat", path);
    *out = stat_of(&now);
    return NULL;
}

/* close(2) is not retried: on Linux the descriptor is gone even after EINTR. */
Err *os_close(OsFile *file)
{
    Err *err = NULL;
    if (os_call_close(OS_OURS, file->fd) != 0 && errno != EINTR) err = OS_FAIL("close", file->path);
    free(file->path);
    free(file);
    return err;
}

void os_close_at(OsFile **file)
{
    if (*file == NULL) return;
    err_free(os_close(*file));
    *file = NULL;
}

/* ---- whole files ---- */

static Err *too_large(const char *path, size_t max_bytes)
{
    return err_path(ERR(LIMIT, "%s: larger than %zu bytes", path, max_bytes), path);
}

/* To the end, in steps of what the file's size promises: files of /proc promise 0. */
static Err *read_whole(Arena *arena, OsFile *file, size_t max_bytes, char **out, size_t *out_size)
{
    OsStat now;
    TRY(os_fstat(file, &now));
    size_t promised = now.is_file ? (size_t)now.size_bytes : 0;
    if (promised > max_bytes) return too_large(file->path, max_bytes);
    size_t size = 0, capacity = promised > 0 ? promised : READ_BYTES, got;
    char *data = arena_alloc(arena, capacity + 1);
    for (;; size += got) {
        if (size == capacity) {
            data = arena_grow(arena, data, capacity + 1, capacity * 2 + 1);
            capacity *= 2;
        }
        TRY(os_read(file, data + size, capacity - size, &got));
        if (got == 0) break;
        if (size + got > max_bytes) return too_large(file->path, max_bytes);
    }
    data[size] = '\0';
    *out = data;
    if (out_size != NULL) *out_size = size;
    return NULL;
}

Err *os_read_file(Arena *arena, const char *path, size_t max_bytes, char **out, size_t *out_size)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    TRY(os_open_read(path, &file));
    return read_whole(arena, file, max_bytes, out, out_size);
}

Err *os_read_file_if(Arena *arena, const char *path, size_t max_bytes, char **out, size_t *out_size)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    Err *err = os_open_read(path, &file);
    if (err == NULL) return read_whole(arena, file, max_bytes, out, out_size);
    if (err_errnum(err) != ENOENT && err_errnum(err) != ENOTDIR) return err;
    err_free(err);
    *out = NULL;
    if (out_size != NULL) *out_size = 0;
    return NULL;
}

/* Directory part without the slash ("." when none, "/" for the root), and the rest. */
static const char *split(Arena *arena, const char *path, char **out_dir)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        *out_dir = arena_strdup(arena, ".");
        return path;
    }
    *out_dir = arena_strndup(arena, path, slash == path ? 1 : (size_t)(slash - path));
    return slash + 1;
}

/* A name beside `path` that nothing has; what does not fit into a name is cut. */
static char *temporary_name(Arena *arena, const char *path)
{
    uint64_t random;
    char *dir;
    const char *name = split(arena, path, &dir);
    os_random(&random, sizeof random);
    return arena_printf(arena, "%s/.%.*s.%016llx.tmp", dir, TEMPORARY_NAME_KEPT, name,
                        (unsigned long long)random);
}

bool os_is_temporary_of(const char *name, const char *of)
{
    size_t kept = strnlen(of, TEMPORARY_NAME_KEPT);
    const char *random = name + 1 + kept + 1;
    return name[0] == '.' && strncmp(name + 1, of, kept) == 0 && name[1 + kept] == '.' &&
           strspn(random, "0123456789abcdef") == 16 && strcmp(random + 16, ".tmp") == 0;
}

/* A temporary file with that content; after an error it does not exist. */
static Err *write_temporary(const char *path, const void *bytes, size_t size, bool durable)
{
    OsFile *file = NULL;
    TRY(os_open_new(path, &file));
    Err *err = os_write(file, bytes, size);
    if (err == NULL && durable) err = os_sync(file);
    Err *close_err = os_close(file);
    if (err == NULL) {
        err = close_err;
    } else {
        err_free(close_err);
    }
    if (err != NULL) err_free(os_unlink_if(path));
    return err;
}

static Err *replace(const char *path, const void *bytes, size_t size, bool durable)
{
    SCRATCH(scratch);
    char *dir, *temporary = temporary_name(scratch, path);
    (void)split(scratch, path, &dir);
    TRY(write_temporary(temporary, bytes, size, durable));
    Err *err = os_rename(temporary, path);
    if (err != NULL) {
        err_free(os_unlink_if(temporary));
        return err;
    }
    return durable ? os_sync_dir(dir) : NULL;
}

Err *os_replace_file(const char *path, const void *bytes, size_t size)
{
    return replace(path, bytes, size, true);
}

Err *os_replace_unsynced(const char *path, const void *bytes, size_t size)
{
    return replace(path, bytes, size, false);
}

/* ---- copies and hashes ---- */

static Err *each(OsFile *file, OsOnChunk *on_chunk, void *context)
{
    SCRATCH(scratch);
    char *buffer = arena_alloc(scratch, COPY_BYTES);
    for (;;) {
        size_t got;
        TRY(os_read(file, buffer, COPY_BYTES, &got));
        if (got == 0) return NULL;
        TRY(on_chunk(context, buffer, got));
        TRY(os_check_interrupt());
    }
}

Err *os_read_each(const char *path, OsOnChunk *on_chunk, void *context)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    TRY(os_open_read(path, &file));
    return each(file, on_chunk, context);
}

Err *os_sink_open(Arena *arena, const char *path, OsSink *out)
{
    OsFile *file = NULL;
    TRY(os_open_new(path, &file));
    *out = (OsSink){.file = file, .hash = sha256_new(arena), .path = arena_strdup(arena, path)};
    return NULL;
}

Err *os_sink_put(void *sink, const void *bytes, size_t size)
{
    OsSink *to = sink;
    if (to->file != NULL) TRY(os_write(to->file, bytes, size));
    sha256_add(to->hash, bytes, size);
    to->size_bytes += (int64_t)size;
    return NULL;
}

Err *os_sink_close(OsSink *sink, Err *err, char out_sha256[65])
{
    char hex[SHA256_HEX + 1];
    sha256_hex(sink->hash, hex); /* also frees it */
    Err *closing = sink->file != NULL ? os_close(sink->file) : NULL;
    sink->file = NULL;
    if (err == NULL)
        err = closing;
    else
        err_free(closing);
    if (err == NULL)
        memcpy(out_sha256, hex, sizeof hex);
    else if (sink->path != NULL)
        err_free(os_unlink_if(sink->path));
    return err;
}

typedef struct Copy {
    OsSink sink;
    OsOnBytes *on_bytes;
    void *context;
} Copy;

static Err *copy_chunk(void *context, const void *bytes, size_t size)
{
    Copy *copy = context;
    TRY(os_sink_put(&copy->sink, bytes, size));
    return copy->on_bytes != NULL ? copy->on_bytes(copy->context, (int64_t)size) : NULL;
}

Err *os_copy_file(const char *from, const char *to, OsOnBytes *on_bytes, void *context,
                  int64_t *out_size, char out_sha256[65])
{
    CLEANUP(os_close_at) OsFile *source = NULL;
    SCRATCH(scratch);
    Copy copy = {.on_bytes = on_bytes, .context = context};
    TRY(os_open_read(from, &source));
    TRY(os_sink_open(scratch, to, &copy.sink));
    TRY(os_sink_close(&copy.sink, each(source, copy_chunk, &copy), out_sha256));
    *out_size = copy.sink.size_bytes;
    return NULL;
}

Err *os_sha256_file(const char *path, int64_t *out_size, char out_sha256[65])
{
    SCRATCH(scratch);
    OsSink sink = {.hash = sha256_new(scratch)}; /* without a file */
    TRY(os_sink_close(&sink, os_read_each(path, os_sink_put, &sink), out_sha256));
    *out_size = sink.size_bytes;
    return NULL;
}
