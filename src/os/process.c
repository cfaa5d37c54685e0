/* Clock, randomness, names of host and user, signals: what a process has of the system besides
 * files.
 *
 * The signal handler touches only lock-free atomics and the callback. It is installed without
 * SA_RESTART, so that a read that waits for a pipe returns and the flag is seen. */
#include "os/os_int.h"
#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static TimeUs (*injected_clock)(void *context);
static void *injected_context;

void os_clock_set(TimeUs (*clock)(void *context), void *context)
{
    injected_clock = clock;
    injected_context = context;
}

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

TimeUs os_now(void)
{
    return injected_clock != NULL ? injected_clock(injected_context) : clock_us(CLOCK_REALTIME);
}

int64_t os_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* ---- replay: what differs from machine to machine follows from a seed ---- */

static atomic_bool replaying, without_sync;
static _Atomic uint64_t replayed;

void os_replay_begin(OsReplay replay)
{
    atomic_store(&replayed, replay.seed);
    atomic_store(&without_sync, replay.without_sync);
    atomic_store(&replaying, true);
}

void os_replay_end(void)
{
    atomic_store(&replaying, false);
}

bool os_is_replaying(void)
{
    return atomic_load(&replaying);
}

bool os_syncs(void)
{
    return !(atomic_load(&replaying) && atomic_load(&without_sync));
}

static void replay_random(char *into, size_t size)
{
    while (size > 0) {
        uint64_t z = splitmix64_of(atomic_fetch_add(&replayed, SPLITMIX64_STEP));
        size_t part = size < sizeof z ? size : sizeof z;
        memcpy(into, &z, part);
        into += part;
        size -= part;
    }
}

/* Names of nodes and files come from here: without randomness there is no going on. */
void os_random(void *into, size_t size)
{
    if (atomic_load(&replaying)) {
        replay_random(into, size);
        return;
    }
    for (char *at = into; size > 0;) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            perror("pond: getrandom");
            abort();
        }
        at += got;
        size -= (size_t)got;
    }
}

static const char REPLAY_NAME[] = "replay";
static char host[256], user[256];
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static void look_up_names(void)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];
    if (gethostname(host, sizeof host - 1) != 0) (void)snprintf(host, sizeof host, "localhost");
    (void)getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found);
    if (found != NULL) {
        (void)snprintf(user, sizeof user, "%s", found->pw_name);
    } else {
        (void)snprintf(user, sizeof user, "uid-%u", geteuid());
    }
}

const char *os_hostname(void)
{
    if (atomic_load(&replaying)) return REPLAY_NAME;
    (void)pthread_once(&names_once, look_up_names);
    return host;
}

const char *os_username(void)
{
    if (atomic_load(&replaying)) return REPLAY_NAME;
    (void)pthread_once(&names_once, look_up_names);
    return user;
}

/* ---- signals ---- */

enum { EXIT_INTERRUPTED = 130 };

static volatile _Atomic int interrupted;
static void (*_Atomic interrupt_callback)(void);

static void on_signal(int number)
{
    int saved = errno;
    (void)number;
    if (atomic_exchange(&interrupted, 1) != 0) {
        (void)signal(SIGINT, SIG_DFL);
        (void)signal(SIGTERM, SIG_DFL);
        _exit(EXIT_INTERRUPTED);
    }
    void (*callback)(void) = atomic_load(&interrupt_callback);
    if (callback != NULL) callback();
    errno = saved;
}

void os_signals_install(void (*on_interrupt)(void))
{
    struct sigaction action = {.sa_handler = on_signal};
    atomic_store(&interrupt_callback, on_interrupt);
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

bool os_interrupted(void)
{
    return atomic_load_explicit(&interrupted, memory_order_relaxed) != 0;
}

Err *os_check_interrupt(void)
{
    return os_interrupted() ? ERR(INTERRUPTED, "interrupted") : NULL;
}
