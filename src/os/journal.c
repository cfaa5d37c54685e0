/* What a loss of power would undo, kept only while a plan says lose or tear. The model is a strict
 * reading of POSIX: content is durable by fsync of the file, a name by fsync of its directory (a
 * rename by that of the new name's, and then as a whole), and nothing before.
 *
 *   DirtyFile   a file written and not yet synced: its size at the last moment all of it was
 * durable NameChange  a name that appeared, vanished or moved, newest first; with it the file that
 * lost its name Dir         the directory of a name, by descriptor: its own name may change
 * meanwhile
 *
 * Descriptors are O_PATH: closing one releases no POSIX lock of SQLite's and holds no flock. A file
 * that lost its name is kept alive by such a descriptor, not by a second name, so nothing is seen
 * in directories and nothing is left behind when the process ends well. At the crash it is linked
 * back, or copied back when no name is left. Overwritten bytes are not restored; a truncation is
 * taken as durable at once.
 *
 * One lock serialises every call that changes something. Failure: without memory or descriptors the
 * process ends with 2, since a test must not pass by half a journal. */
#include "os/os_int.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

typedef struct Dir {
    struct Dir *next;
    dev_t device;
    ino_t inode;
    int fd, uses;
} Dir;

/* A name, with its directory; dir NULL: its directory does not exist. */
typedef struct Name {
    Dir *dir;
    char text[NAME_MAX + 1];
} Name;

/* What a name stood for; fd -1: nothing. */
typedef struct Thing {
    int fd;
    struct stat was;
} Thing;

typedef enum ChangeKind { APPEARED, VANISHED, MOVED } ChangeKind;

struct NameChange {
    NameChange *older;
    ChangeKind kind;
    Name name, from;
    Thing lost;   /* VANISHED: what it was; MOVED: what was overwritten */
    dev_t device; /* APPEARED, MOVED: what the name stands for now */
    ino_t inode;
};

typedef struct DirtyFile {
    struct DirtyFile *next;
    dev_t device;
    ino_t inode;
    int fd;
    off_t synced_size;
} DirtyFile;

static pthread_mutex_t journal_lock = PTHREAD_MUTEX_INITIALIZER;
static Dir *dirs;
static NameChange *newest;
static DirtyFile *dirty_files;

void os_journal_lock(void)
{
    (void)pthread_mutex_lock(&journal_lock);
}

void os_journal_unlock(void)
{
    (void)pthread_mutex_unlock(&journal_lock);
}

static void give_up(const char *what)
{
    (void)dprintf(STDERR_FILENO, "pond: fault journal: %s: %s\n", what, strerrordesc_np(errno));
    (void)syscall(SYS_exit_group, 2);
}

static void *must_alloc(size_t size)
{
    void *p = calloc(1, size);
    if (p == NULL) give_up("memory");
    return p;
}

static void close_fd(int fd)
{
    if (fd >= 0) (void)os_real()->close(fd);
}

static bool same(dev_t device, ino_t inode, const struct stat *now)
{
    return now->st_dev == device && now->st_ino == inode;
}

/* ---- names ---- */

static Dir *dir_use(int fd)
{
    struct stat now;
    if (fstatat(fd, "", &now, AT_EMPTY_PATH) != 0) give_up("stat");
    for (Dir *dir = dirs; dir != NULL; dir = dir->next) {
        if (!same(dir->device, dir->inode, &now)) continue;
        close_fd(fd);
        dir->uses++;
        return dir;
    }
    Dir *dir = must_alloc(sizeof *dir);
    *dir = (Dir){.next = dirs, .device = now.st_dev, .inode = now.st_ino, .fd = fd, .uses = 1};
    dirs = dir;
    return dir;
}

static void dir_release(Dir *gone)
{
    if (gone == NULL || --gone->uses > 0) return;
    Dir **link = &dirs;
    while (*link != gone) link = &(*link)->next;
    *link = gone->next;
    close_fd(gone->fd);
    free(gone);
}

static Name name_of(const char *path)
{
    Name name = {0};
    char parent[PATH_MAX];
    if (!os_path_clean(path, parent)) return name;
    char *slash = strrchr(parent, '/');
    if (strlen(slash + 1) > NAME_MAX) return name;
    memcpy(name.text, slash + 1, strlen(slash + 1) + 1);
    slash[slash == parent ? 1 : 0] = '\0';
    int fd = openat(AT_FDCWD, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        name.dir = dir_use(fd);
    } else if (errno != ENOENT && errno != ENOTDIR) {
        give_up(parent);
    }
    return name;
}

static bool name_stat(const Name *name, struct stat *now)
{
    return name->dir != NULL && fstatat(name->dir->fd, name->text, now, AT_SYMLINK_NOFOLLOW) == 0;
}

static Thing thing_at(const Name *name)
{
    Thing thing = {.fd = -1};
    if (!name_stat(name, &thing.was)) return thing;
    thing.fd = openat(name->dir->fd, name->text, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (thing.fd < 0) give_up(name->text);
    return thing;
}

static void change_free(NameChange *change)
{
    dir_release(change->name.dir);
    dir_release(change->from.dir);
    close_fd(change->lost.fd);
    free(change);
}

static NameChange *change_new(ChangeKind kind, const char *path)
{
    NameChange *change = must_alloc(sizeof *change);
    change->kind = kind;
    change->name = name_of(path);
    change->lost.fd = -1;
    return change;
}

NameChange *os_journal_appearing(const char *path)
{
    struct stat now;
    NameChange *change = change_new(APPEARED, path);
    if (!name_stat(&change->name, &now)) return change;
    change_free(change);
    return NULL;
}

NameChange *os_journal_vanishing(const char *path)
{
    NameChange *change = change_new(VANISHED, path);
    change->lost = thing_at(&change->name);
    return change;
}

NameChange *os_journal_moving(const char *from, const char *to)
{
    NameChange *change = change_new(MOVED, to);
    change->from = name_of(from);
    change->lost = thing_at(&change->name);
    return change;
}

void os_journal_done(NameChange *change, bool happened)
{
    struct stat now = {0};
    if (change == NULL) return;
    if (!happened || (!name_stat(&change->name, &now) && change->kind != VANISHED)) {
        change_free(change);
        return;
    }
    change->device = now.st_dev;
    change->inode = now.st_ino;
    change->older = newest;
    newest = change;
}

/* ---- content ---- */

static DirtyFile **find_dirty(const struct stat *now)
{
    DirtyFile **link = &dirty_files;
    while (*link != NULL && !same((*link)->device, (*link)->inode, now)) link = &(*link)->next;
    return link;
}

static int reopen(int fd, int flags)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return openat(AT_FDCWD, path, flags | O_CLOEXEC);
}

void os_journal_content(int fd)
{
    int saved = errno;
    struct stat now;
    if (fstatat(fd, "", &now, AT_EMPTY_PATH) == 0 && S_ISREG(now.st_mode)) {
        DirtyFile *file = *find_dirty(&now);
        if (file == NULL) {
            file = must_alloc(sizeof *file);
            *file = (DirtyFile){.next = dirty_files,
                                .device = now.st_dev,
                                .inode = now.st_ino,
                                .fd = reopen(fd, O_PATH),
                                .synced_size = now.st_size};
            if (file->fd < 0) give_up("open");
            dirty_files = file;
        }
        if (now.st_size < file->synced_size) file->synced_size = now.st_size;
    }
    errno = saved;
}

static void forget_changes_in(const struct stat *dir)
{
    for (NameChange **link = &newest; *link != NULL;) {
        NameChange *change = *link;
        if (same(change->name.dir->device, change->name.dir->inode, dir)) {
            *link = change->older;
            change_free(change);
        } else {
            link = &change->older;
        }
    }
}

static void forget_dirty(DirtyFile **link)
{
    DirtyFile *file = *link;
    if (file == NULL) return;
    *link = file->next;
    close_fd(file->fd);
    free(file);
}

void os_journal_synced(int fd)
{
    int saved = errno;
    struct stat now;
    if (fstatat(fd, "", &now, AT_EMPTY_PATH) == 0) {
        if (S_ISDIR(now.st_mode)) forget_changes_in(&now);
        forget_dirty(find_dirty(&now));
    }
    errno = saved;
}

void os_journal_clear(void)
{
    while (dirty_files != NULL) forget_dirty(&dirty_files);
    while (newest != NULL) {
        NameChange *change = newest;
        newest = change->older;
        change_free(change);
    }
}

/* ---- the crash ---- */

static void cut(const DirtyFile *file, bool tear, uint64_t *random)
{
    struct stat now;
    if (fstatat(file->fd, "", &now, AT_EMPTY_PATH) != 0) give_up("stat");
    off_t size = file->synced_size;
    if (now.st_size <= size) return;
    if (tear) size += (off_t)(splitmix64_next(random) % (uint64_t)(now.st_size - size + 1));
    int fd = reopen(file->fd, O_WRONLY);
    if (fd < 0 || os_real()->ftruncate(fd, size) != 0) give_up("truncate");
    close_fd(fd);
}

static void remove_at(int dir_fd, const char *name);

static void remove_below(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) give_up(name);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_at(fd, entry->d_name);
    }
    (void)closedir(dir);
}

/* A directory whose name was never durable goes with all that is in it. */
static void remove_at(int dir_fd, const char *name)
{
    if (unlinkat(dir_fd, name, 0) == 0) return;
    if (errno != EISDIR && errno != EPERM) give_up(name);
    remove_below(dir_fd, name);
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) != 0) give_up(name);
}

static void copy_content(int from, int to)
{
    static char buffer[1 << 16];
    for (;;) {
        ssize_t got = os_real()->read(from, buffer, sizeof buffer);
        if (got < 0) give_up("read");
        if (got == 0) return;
        if (os_real()->write(to, buffer, (size_t)got) != got) give_up("write");
    }
}

static void restore_file(const Name *name, const Thing *lost)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", lost->fd);
    if (linkat(AT_FDCWD, path, name->dir->fd, name->text, AT_SYMLINK_FOLLOW) == 0) return;
    int from = reopen(lost->fd, O_RDONLY);
    int to = openat(name->dir->fd, name->text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                    lost->was.st_mode & 07777);
    if (from < 0 || to < 0) give_up(name->text);
    copy_content(from, to);
    (void)futimens(to, (struct timespec[]){lost->was.st_atim, lost->was.st_mtim});
    close_fd(from);
    close_fd(to);
}

static void restore_link(const Name *name, const Thing *lost)
{
    char target[PATH_MAX];
    ssize_t size = readlinkat(lost->fd, "", target, sizeof target - 1);
    if (size < 0) give_up(name->text);
    target[size] = '\0';
    if (symlinkat(target, name->dir->fd, name->text) != 0) give_up(name->text);
}

/* Names that are restored later belong into the new directory. */
static void restore_dir(const Name *name, const Thing *lost)
{
    if (mkdirat(name->dir->fd, name->text, lost->was.st_mode & 07777) != 0) give_up(name->text);
    for (Dir *dir = dirs; dir != NULL; dir = dir->next) {
        if (!same(dir->device, dir->inode, &lost->was)) continue;
        close_fd(dir->fd);
        dir->fd = openat(name->dir->fd, name->text, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir->fd < 0) give_up(name->text);
    }
}

/* A copy is another inode: changes that knew the lost one are to know it. */
static void rename_inode(const Name *name, const Thing *lost)
{
    struct stat now;
    if (!name_stat(name, &now)) give_up(name->text);
    for (NameChange *change = newest; change != NULL; change = change->older) {
        if (!same(change->device, change->inode, &lost->was)) continue;
        change->device = now.st_dev;
        change->inode = now.st_ino;
    }
}

static void restore(const Name *name, const Thing *lost)
{
    struct stat now;
    if (lost->fd < 0 || name_stat(name, &now)) return;
    if (S_ISDIR(lost->was.st_mode)) {
        restore_dir(name, lost);
    } else if (S_ISLNK(lost->was.st_mode)) {
        restore_link(name, lost);
    } else {
        restore_file(name, lost);
    }
    rename_inode(name, lost);
}

static void move_back(const NameChange *change)
{
    const Name *from = &change->from, *to = &change->name;
    if (from->dir == NULL) return;
    if (renameat2(to->dir->fd, to->text, from->dir->fd, from->text, RENAME_NOREPLACE) != 0 &&
        errno != EEXIST) {
        give_up(to->text);
    }
}

static void undo(const NameChange *change)
{
    struct stat now;
    bool still = name_stat(&change->name, &now) && same(change->device, change->inode, &now);
    if (change->kind == APPEARED && still) remove_at(change->name.dir->fd, change->name.text);
    if (change->kind == MOVED && still) move_back(change);
    if (change->kind != APPEARED) restore(&change->name, &change->lost);
}

void os_journal_undo(bool tear, uint64_t seed)
{
    uint64_t random = seed;
    for (const DirtyFile *file = dirty_files; file != NULL; file = file->next)
        cut(file, tear, &random);
    for (const NameChange *change = newest; change != NULL; change = change->older) undo(change);
}
