/* Names: directories, renames, links, removal, listing, and facts about file systems.
 *
 * By path throughout; a missing parent is an error of the call itself. os_mkdirs makes durable what
 * it made, the other functions leave that to os_sync_dir. Removal looks at each name with lstat and
 * never enters a link. Directories are read whole and sorted before anyone sees them, so no order
 * of the file system's gets into results. */
#include "os/os_int.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

static Err *exists(const char *path)
{
    return err_path(ERR(EXISTS, "%s: exists already", path), path);
}

Err *os_mkdir(const char *path)
{
    if (os_call_mkdir(OS_OURS, path, 0777) == 0) return NULL;
    return errno == EEXIST ? exists(path) : OS_FAIL("make directory", path);
}

/* NULL for a path without a parent to make. */
static char *parent_of(Arena *arena, const char *path)
{
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/') length--;
    while (length > 0 && path[length - 1] != '/') length--;
    while (length > 1 && path[length - 1] == '/') length--;
    return length == 0 ? NULL : arena_strndup(arena, path, length);
}

static Err *require_dir(const char *path)
{
    OsStat now;
    TRY(os_stat(path, &now));
    if (!now.is_dir) return err_path(ERR(EXISTS, "%s: exists and is not a directory", path), path);
    return NULL;
}

Err *os_mkdirs(const char *path)
{
    SCRATCH(scratch);
    bool there;
    OsStat now;
    TRY(os_stat_if(path, &there, &now));
    if (there) return require_dir(path);
    char *parent = parent_of(scratch, path);
    if (parent != NULL && strcmp(parent, path) != 0) TRY(os_mkdirs(parent));
    if (os_call_mkdir(OS_OURS, path, 0777) != 0) {
        return errno == EEXIST ? require_dir(path) : OS_FAIL("make directory", path);
    }
    return os_sync_dir(parent == NULL ? "." : parent);
}

static Err *fail_two(const char *verb, const char *from, const char *to)
{
    SCRATCH(scratch);
    int errnum = errno;
    char *both = arena_printf(scratch, "%s %s to", verb, text_printable(scratch, from));
    return os_errno(errnum, both, to, __FILE__, __LINE__);
}

Err *os_rename(const char *from, const char *to)
{
    return os_call_rename(OS_OURS, from, to) == 0 ? NULL : fail_two("rename", from, to);
}

Err *os_link(const char *from, const char *to, bool *out_won)
{
    int rc = os_call_link(OS_OURS, from, to);
    if (rc != 0 && errno != EEXIST) return fail_two("link", from, to);
    *out_won = rc == 0;
    return NULL;
}

Err *os_unlink(const char *path)
{
    return os_call_unlink(OS_OURS, path) == 0 ? NULL : OS_FAIL("remove", path);
}

Err *os_unlink_if(const char *path)
{
    if (os_call_unlink(OS_OURS, path) == 0 || errno == ENOENT) return NULL;
    return OS_FAIL("remove", path);
}

Err *os_rmdir(const char *path)
{
    return os_call_rmdir(OS_OURS, path) == 0 ? NULL : OS_FAIL("remove directory", path);
}

static Err *remove_below(const char *path)
{
    SCRATCH(scratch);
    OsEntry *entries;
    size_t count;
    TRY(os_list(scratch, path, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(os_remove_tree(arena_printf(scratch, "%s/%s", path, entries[i].name)));
    }
    return NULL;
}

Err *os_remove_tree(const char *path)
{
    struct stat now;
    if (os_call_stat(OS_OURS, path, AT_SYMLINK_NOFOLLOW, &now) != 0) {
        return errno == ENOENT ? NULL : OS_FAIL("stat", path);
    }
    if (!S_ISDIR(now.st_mode)) return os_unlink_if(path);
    TRY(remove_below(path));
    return os_rmdir(path);
}

/* ---- durability by name ---- */

static Err *sync_opened(const char *path, int flags)
{
    int fd = os_call_open(OS_OURS, path, O_RDONLY | O_CLOEXEC | flags, 0);
    if (fd < 0) return OS_FAIL("open", path);
    int rc = os_call_sync(OS_OURS, fd);
    /* some file systems know no fsync of directories: there names are durable at once, or never */
    Err *err = rc != 0 && !(errno == EINVAL && flags == O_DIRECTORY) ? OS_FAIL("sync", path) : NULL;
    (void)os_call_close(OS_OURS, fd);
    return err;
}

Err *os_sync_dir(const char *path)
{
    return sync_opened(path, O_DIRECTORY);
}

Err *os_sync_path(const char *path)
{
    return sync_opened(path, 0);
}

Err *os_touch(const char *path)
{
    return utimensat(AT_FDCWD, path, NULL, 0) == 0 ? NULL : OS_FAIL("touch", path);
}

/* ---- listing ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const OsEntry *)a)->name, ((const OsEntry *)b)->name);
}

static OsEntry entry_of(Arena *arena, DIR *dir, const struct dirent *from)
{
    unsigned type = from->d_type;
    struct stat now;
    if (type == DT_UNKNOWN && fstatat(dirfd(dir), from->d_name, &now, AT_SYMLINK_NOFOLLOW) == 0) {
        type = IFTODT(now.st_mode);
    }
    return (OsEntry){.name = arena_strdup(arena, from->d_name),
                     .is_dir = type == DT_DIR,
                     .is_file = type == DT_REG,
                     .is_link = type == DT_LNK};
}

static void close_dir_at(DIR **dir)
{
    if (*dir != NULL) (void)closedir(*dir);
}

Err *os_list(Arena *arena, const char *path, OsEntry **out, size_t *out_count)
{
    VEC(OsEntry) entries = {0};
    CLEANUP(close_dir_at) DIR *dir = os_call_opendir(OS_OURS, path);
    if (dir == NULL) return OS_FAIL("list", path);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0) return OS_FAIL("list", path);
        if (entry == NULL) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        vec_push(arena, &entries, entry_of(arena, dir, entry));
    }
    if (entries.n > 0) qsort(entries.v, entries.n, sizeof *entries.v, by_name);
    *out = entries.v;
    *out_count = entries.n;
    return NULL;
}

/* ---- where and on what ---- */

/* As given, made absolute but not cleaned: `..` after a link is not what it looks like. */
static Err *from_root(Arena *arena, const char *path, char **out)
{
    char here[PATH_MAX];
    if (*path == '\0') return ERR(INVALID, "an empty path");
    if (path[0] == '/') {
        *out = arena_strdup(arena, path);
        return NULL;
    }
    if (getcwd(here, sizeof here) == NULL) return OS_FAIL("resolve", path);
    *out = arena_printf(arena, "%s/%s", here, path);
    return NULL;
}

/* The longest existing beginning is resolved, the rest stands as it is. */
Err *os_absolute(Arena *arena, const char *path, char **out)
{
    char clean[PATH_MAX], resolved[PATH_MAX], *head = NULL;
    char *rest = arena_strdup(arena, "");
    TRY(from_root(arena, path, &head));
    while (realpath(head, resolved) == NULL) {
        if (errno != ENOENT && errno != ENOTDIR) return OS_FAIL("resolve", path);
        char *slash = strrchr(head, '/');
        rest = arena_printf(arena, "%s%s", slash, rest);
        slash[slash == head ? 1 : 0] = '\0';
    }
    if (!os_path_clean(arena_printf(arena, "%s/%s", resolved, rest), clean)) {
        errno = ENAMETOOLONG;
        return OS_FAIL("resolve", path);
    }
    *out = arena_strdup(arena, clean);
    return NULL;
}

/* f_type of statfs(2); the kernel's headers name only some. */
static const struct {
    unsigned long magic;
    const char *name;
} NETWORK[] = {
    {0x6969, "nfs"},       {0x517B, "smb"},          {0xFE534D42, "smb2"},   {0xFF534D42, "cifs"},
    {0x01021997, "9p"},    {0x00C36400, "ceph"},     {0x5346414F, "afs"},    {0x6B414653, "afs"},
    {0x73757245, "coda"},  {0x564C, "ncp"},          {0x0BD00BD0, "lustre"}, {0x01161970, "gfs2"},
    {0x7461636F, "ocfs2"}, {0x65735546, "fuse"},     {0x19830326, "fhgfs"},  {0x47504653, "gpfs"},
    {0xAAD7AAEA, "panfs"}, {0x20030528, "orangefs"},
};

const char *os_network_fs_name(unsigned long magic)
{
    for (size_t i = 0; i < sizeof NETWORK / sizeof NETWORK[0]; i++) {
        if (NETWORK[i].magic == (magic & 0xFFFFFFFF)) return NETWORK[i].name;
    }
    return NULL;
}

/* The nearest of path and its parents that exists. */
static Err *existing(Arena *arena, const char *path, char **out)
{
    bool there = false;
    OsStat now;
    TRY(os_absolute(arena, path, out));
    for (;;) {
        TRY(os_stat_if(*out, &there, &now));
        if (there) return NULL;
        *out = parent_of(arena, *out);
    }
}

Err *os_is_network_fs(const char *path, bool *out, const char **out_name)
{
    SCRATCH(scratch);
    char *at;
    struct statfs fs;
    TRY(existing(scratch, path, &at));
    if (statfs(at, &fs) != 0) return OS_FAIL("look up the file system of", path);
    *out_name = os_network_fs_name((unsigned long)fs.f_type);
    *out = *out_name != NULL;
    return NULL;
}

Err *os_free_bytes(const char *path, int64_t *out)
{
    SCRATCH(scratch);
    char *at;
    struct statvfs fs;
    TRY(existing(scratch, path, &at));
    if (statvfs(at, &fs) != 0) return OS_FAIL("look up the free space of", path);
    *out = (int64_t)(fs.f_bavail * fs.f_frsize);
    return NULL;
}
