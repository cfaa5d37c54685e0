/* One child at a time, its two streams through pipes: when the first byte came, how many there were
 * on standard output, and the end of what it said on standard error.
 *
 * The largest resident set is that of wait4. Linux counts in it what the child had before exec:
 * that of this process. So whoever asks must be small itself; making ponds is a child's work, too.
 */
#include "bench/bench_int.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STREAM_COUNT = 2, KEPT_MAX = 16 << 20 };

typedef struct Streams {
    int read_ends[STREAM_COUNT]; /* -1: at its end */
    int64_t began_us;
} Streams;

static void close_at(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
    *fd = -1;
}

/* In the child: never returns. Addresses are the same each time, so that nothing hangs on them. */
static void become(const ChildSpec *spec, const int write_ends[STREAM_COUNT])
{
    (void)dup2(write_ends[0], STDOUT_FILENO);
    (void)dup2(write_ends[1], STDERR_FILENO);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)personality(ADDR_NO_RANDOMIZE);
    if (spec->dir == NULL || chdir(spec->dir) == 0)
        (void)execve(spec->words[0], (char *const *)(uintptr_t)spec->words,
                     (char *const *)(uintptr_t)spec->environment);
    perror(spec->words[0]);
    _exit(127);
}

static Err *start(const ChildSpec *spec, Streams *streams, pid_t *out)
{
    int pipes[STREAM_COUNT][2] = {{-1, -1}, {-1, -1}}, failed = 0;
    for (int i = 0; i < STREAM_COUNT && failed == 0; i++)
        failed = pipe2(pipes[i], O_CLOEXEC) != 0 ? errno : 0;
    streams->began_us = os_monotonic_us();
    *out = failed == 0 ? fork() : -1;
    if (*out == 0) become(spec, (int[]){pipes[0][1], pipes[1][1]});
    if (failed == 0 && *out < 0) failed = errno;
    for (int i = 0; i < STREAM_COUNT; i++) {
        close_at(&pipes[i][1]);
        if (failed != 0) close_at(&pipes[i][0]);
        streams->read_ends[i] = pipes[i][0];
    }
    return failed == 0 ? NULL : ERR_ERRNO(failed, "start %s", spec->words[0]);
}

/* What there is to read on one stream. */
static void take(Streams *streams, int which, ChildResult *result)
{
    char bytes[65536];
    ssize_t got = read(streams->read_ends[which], bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) {
        close_at(&streams->read_ends[which]);
        return;
    }
    if (result->first_us < 0) result->first_us = os_monotonic_us() - streams->began_us;
    Buf *kept = which == 0 ? &result->out : &result->errors;
    if (which == 0) result->out_bytes += got;
    if (kept->size < KEPT_MAX) buf_add(kept, bytes, (size_t)got);
}

static void drain(Streams *streams, pid_t child, ChildResult *result)
{
    bool told = false;
    for (;;) {
        struct pollfd polled[STREAM_COUNT];
        for (int i = 0; i < STREAM_COUNT; i++)
            polled[i] = (struct pollfd){.fd = streams->read_ends[i], .events = POLLIN};
        if (polled[0].fd < 0 && polled[1].fd < 0) return;
        int ready = poll(polled, STREAM_COUNT, -1);
        if (os_interrupted() && !told) {
            (void)kill(child, SIGTERM);
            told = true;
        }
        for (int i = 0; ready > 0 && i < STREAM_COUNT; i++)
            if (polled[i].revents != 0) take(streams, i, result);
    }
}

Err *child_run(Arena *arena, const ChildSpec *spec, ChildResult *out)
{
    ChildResult result = {.first_us = -1, .out = buf_new(arena), .errors = buf_new(arena)};
    Streams streams;
    struct rusage usage;
    pid_t child, got;
    TRY(start(spec, &streams, &child));
    drain(&streams, child, &result);
    while ((got = wait4(child, &result.status, 0, &usage)) < 0 && errno == EINTR) continue;
    if (got < 0) return ERR_ERRNO(errno, "wait for %s", spec->words[0]);
    result.wall_us = os_monotonic_us() - streams.began_us;
    result.peak_bytes = usage.ru_maxrss * INT64_C(1024);
    *out = result;
    return os_check_interrupt();
}

/* The end of what it said, without its account of itself. */
static const char *last_words(Arena *arena, const Buf *errors)
{
    enum { TOLD = 400 };
    const char *account = strstr(errors->data, "{\"stats\":");
    size_t size = account != NULL ? (size_t)(account - errors->data) : errors->size;
    size_t skipped = size > TOLD ? size - TOLD : 0;
    return text_printable_n(arena, errors->data + skipped, size - skipped);
}

Err *child_check(const ChildSpec *spec, const ChildResult *result, const char *what)
{
    if (WIFEXITED(result->status) && WEXITSTATUS(result->status) == 0) return NULL;
    SCRATCH(arena);
    bool by_signal = WIFSIGNALED(result->status);
    Err *err = ERR(INVALID, "%s: %s %s %d", what, spec->words[0],
                   by_signal ? "was ended by signal" : "exited with",
                   by_signal ? WTERMSIG(result->status) : WEXITSTATUS(result->status));
    return err_hint(err, "it said: %s", last_words(arena, &result->errors));
}
