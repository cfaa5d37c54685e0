/* One child at a time, its two streams through pipes: when the first byte came, and what it put
 * out. Or into files, so that nothing here runs beside what is timed.
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

enum { KEPT_MAX = 16 << 20 };

typedef struct Streams {
    OsFile *nothing;                                       /* to read */
    OsFile *files[STREAM_COUNT];                           /* or */
    int write_ends[STREAM_COUNT], read_ends[STREAM_COUNT]; /* -1: none, or at its end */
    int64_t began_us;
} Streams;

/* ---- streams ---- */

static void close_at(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
    *fd = -1;
}

static void close_child_side(Streams *streams)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (streams->files[i] != NULL) os_close_at(&streams->files[i]);
        streams->files[i] = NULL;
        close_at(&streams->write_ends[i]);
    }
}

static void streams_fini(Streams *streams)
{
    if (streams->nothing != NULL) os_close_at(&streams->nothing);
    close_child_side(streams);
    for (int i = 0; i < STREAM_COUNT; i++) close_at(&streams->read_ends[i]);
}

static Err *streams_open(const ChildSpec *spec, Streams *streams)
{
    TRY(os_open_read("/dev/null", &streams->nothing));
    for (int i = 0; i < STREAM_COUNT; i++) {
        const char *path = spec->paths[i];
        int ends[2];
        if (path != NULL) {
            TRY(os_unlink_if(path));
            TRY(os_open_new(path, &streams->files[i]));
            continue;
        }
        if (pipe2(ends, O_CLOEXEC) != 0) return ERR_ERRNO(errno, "start %s", spec->words[0]);
        streams->read_ends[i] = ends[0];
        streams->write_ends[i] = ends[1];
    }
    return NULL;
}

/* In the child: never returns. Its standard input is empty: ours would be read by the first of
 * many. */
static void become(const ChildSpec *spec, const Streams *streams)
{
    static const int TO[STREAM_COUNT] = {STDOUT_FILENO, STDERR_FILENO};
    (void)dup2(os_fd(streams->nothing), STDIN_FILENO);
    for (int i = 0; i < STREAM_COUNT; i++) {
        bool is_file = streams->files[i] != NULL;
        (void)dup2(is_file ? os_fd(streams->files[i]) : streams->write_ends[i], TO[i]);
    }
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_DFL);
    if (!spec->layout_by_chance) (void)personality(ADDR_NO_RANDOMIZE);
    if (spec->dir == NULL || chdir(spec->dir) == 0)
        (void)execve(spec->words[0], (char *const *)(uintptr_t)spec->words,
                     (char *const *)(uintptr_t)spec->environment);
    perror(spec->words[0]);
    _exit(127);
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

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

Err *child_reap(int child, int64_t began_us, ChildResult *out)
{
    struct rusage usage;
    pid_t got;
    while ((got = wait4(child, &out->status, 0, &usage)) < 0 && errno == EINTR)
        if (os_interrupted()) (void)kill(child, SIGTERM);
    if (got < 0) return ERR_ERRNO(errno, "wait for a run");
    out->wall_us = os_monotonic_us() - began_us;
    out->cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    out->peak_bytes = usage.ru_maxrss * INT64_C(1024);
    return os_check_interrupt();
}

Err *child_run(Arena *arena, const ChildSpec *spec, ChildResult *out)
{
    ChildResult result = {.first_us = -1, .out = buf_new(arena), .errors = buf_new(arena)};
    CLEANUP(streams_fini) Streams streams = {.read_ends = {-1, -1}, .write_ends = {-1, -1}};
    TRY(streams_open(spec, &streams));
    streams.began_us = os_monotonic_us();
    pid_t child = fork();
    if (child < 0) return ERR_ERRNO(errno, "start %s", spec->words[0]);
    if (child == 0) become(spec, &streams);
    close_child_side(&streams);
    drain(&streams, child, &result);
    TRY(child_reap(child, streams.began_us, &result));
    *out = result;
    return NULL;
}

/* ---- what is to be said of it ---- */

/* The end of what it said, without its account of itself. */
static const char *last_words(Arena *arena, const ChildSpec *spec, const ChildResult *result)
{
    enum { TOLD = 400 };
    char *text = result->errors.data;
    size_t size = result->errors.size;
    if (spec->paths[STDERR_STREAM] != NULL)
        err_free(os_read_file(arena, spec->paths[STDERR_STREAM], KEPT_MAX, &text, &size));
    const char *account = strstr(text, "{\"stats\":");
    if (account != NULL) size = (size_t)(account - text);
    size_t skipped = size > TOLD ? size - TOLD : 0;
    return text_printable_n(arena, text + skipped, size - skipped);
}

Err *child_check(const ChildSpec *spec, const ChildResult *result, const char *what)
{
    if (WIFEXITED(result->status) && WEXITSTATUS(result->status) == 0) return NULL;
    SCRATCH(arena);
    bool by_signal = WIFSIGNALED(result->status);
    Err *err = ERR(INVALID, "%s %s %d", what, by_signal ? "was ended by signal" : "exited with",
                   by_signal ? WTERMSIG(result->status) : WEXITSTATUS(result->status));
    const char *said = last_words(arena, spec, result);
    return *said != '\0' ? err_hint(err, "it said: %s", said) : err;
}

/* ---- its environment ---- */

static bool same_variable(const char *one, const char *other)
{
    size_t name = strcspn(one, "=") + 1;
    return strncmp(one, other, name) == 0;
}

const char **child_environment(Arena *arena, const char *const *settings)
{
    size_t all = 0, set = 0, n = 0;
    while (environ[all] != NULL) all++;
    while (settings[set] != NULL) set++;
    const char **out = AARRAY(arena, const char *, all + set + 1);
    for (size_t i = 0; i < all + set; i++) {
        const char *variable = i < all ? environ[i] : settings[i - all];
        bool again = false;
        for (size_t k = i < all ? 0 : i - all + 1; k < set; k++)
            again |= same_variable(settings[k], variable);
        if (!again) out[n++] = variable;
    }
    return out;
}
