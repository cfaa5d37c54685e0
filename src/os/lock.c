/* Locks between processes: flock(2) on a file that holds a note on its holder.
 *
 * A note must not outlive its holder in the eyes of others: after a kill the text is still there,
 * and the next holder has the lock a moment before it has replaced the text. So a holder, once its
 * note stands, also takes an open-file-description lock on byte 0. Who finds the flock taken
 * believes the note only while byte 0 is locked too; both locks go with the descriptor, however the
 * process ends.
 *
 * The file is never removed by us; if someone else did, the lock that was won on the old file is
 * worth nothing, so the name is compared with the descriptor and the whole is tried again. */
#include "os/os_int.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

struct OsLock {
    int fd;
};

enum { POLL_MS = 20, NOTE_WAIT_MS = 200, NOTE_BYTES_MAX = 4096 };

static void sleep_ms(long ms)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static struct flock byte_zero(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
}

static Err *write_note(int fd, const char *path, const char *note)
{
    size_t size = strlen(note);
    if (os_call_truncate(OS_OURS, fd, 0) != 0) return OS_FAIL("write", path);
    ssize_t put = os_call_write(OS_OURS, fd, note, size, 0);
    if (put >= 0 && (size_t)put != size) errno = ENOSPC;
    if (put < 0 || (size_t)put != size) return OS_FAIL("write", path);
    struct flock lock = byte_zero();
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) return OS_FAIL("lock", path);
    return NULL;
}

static bool note_is_current(int fd)
{
    struct flock lock = byte_zero();
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* "" when the holder has written none in good time, or ended meanwhile. */
static const char *read_note(Arena *arena, int fd)
{
    for (int waited_ms = 0; waited_ms < NOTE_WAIT_MS; waited_ms++) {
        char note[NOTE_BYTES_MAX];
        if (note_is_current(fd)) {
            ssize_t got = os_call_read(OS_OURS, fd, note, sizeof note, 0);
            if (got >= 0 && note_is_current(fd)) return arena_strndup(arena, note, (size_t)got);
        }
        sleep_ms(1);
    }
    return "";
}

static bool still_named(int fd, const char *path)
{
    struct stat by_fd, by_path;
    return os_call_fstat(OS_OURS, fd, &by_fd) == 0 &&
           os_call_stat(OS_OURS, path, 0, &by_path) == 0 && by_fd.st_dev == by_path.st_dev &&
           by_fd.st_ino == by_path.st_ino;
}

static void close_at(int *fd)
{
    if (*fd >= 0) (void)os_call_close(OS_OURS, *fd);
}

typedef enum Try { WON, TAKEN, AGAIN } Try;

/* AGAIN: the file was removed between open and flock. */
static Err *try_lock(int fd, const char *path, Try *out)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *out = still_named(fd, path) ? WON : AGAIN;
        return NULL;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) return OS_FAIL("lock", path);
    *out = errno == EINTR ? AGAIN : TAKEN;
    return NULL;
}

/* Opens the file and tries, once but for AGAIN. *out_fd is -1 when the lock is taken; the note of
 * who has it is read when `holder` is not NULL. */
static Err *open_and_try(Arena *arena, const char *path, int *out_fd, const char **holder)
{
    for (Try result = AGAIN; result == AGAIN;) {
        CLEANUP(close_at) int fd = os_call_open(OS_OURS, path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0) return OS_FAIL("open", path);
        TRY(try_lock(fd, path, &result));
        if (result == TAKEN && holder != NULL) *holder = read_note(arena, fd);
        *out_fd = result == WON ? fd : -1;
        if (result == WON) fd = -1;
    }
    return NULL;
}

Err *os_lock(Arena *arena, const char *path, const char *note, int64_t wait_ms, OsLock **out,
             const char **out_holder)
{
    int64_t deadline_us = os_monotonic_us() + wait_ms * 1000;
    CLEANUP(close_at) int fd = -1;
    const char *holder = "";
    for (bool last = false; fd < 0 && !last;) {
        last = os_monotonic_us() >= deadline_us;
        TRY(open_and_try(arena, path, &fd, last ? &holder : NULL));
        if (fd >= 0 || last) break;
        TRY(os_check_interrupt());
        sleep_ms(POLL_MS);
    }
    if (fd >= 0) TRY(write_note(fd, path, note));
    if (fd < 0 && out_holder != NULL) *out_holder = holder;
    *out = fd < 0 ? NULL : arena_memdup(arena, &(OsLock){.fd = fd}, sizeof(OsLock));
    fd = -1;
    return NULL;
}

void os_unlock_at(OsLock **lock)
{
    if (*lock == NULL) return;
    (void)os_call_truncate(OS_OURS, (*lock)->fd, 0);
    (void)os_call_close(OS_OURS, (*lock)->fd);
    *lock = NULL;
}
