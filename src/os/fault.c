/* The fault plan: one text, from POND_FAULT at the first call to a classed file or from
 * os_fault_set.
 *
 * Matching calls are numbered by one atomic counter; the nth meets its fate. Reading the plan needs
 * no lock: it is written while the state says there is none, and tests set it while no other thread
 * makes file calls. A crash ends the process by exit_group, past every destructor and unflushed
 * stream, as a kill would. A plan in the environment that does not parse ends the process with 2: a
 * test must not pass by a typo. */
#include "os/os_int.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

typedef enum Deed {
    DO_NOTHING,
    DO_EIO,
    DO_ENOSPC,
    DO_SHORT,
    DO_CRASH,
    DO_LOSE,
    DO_TEAR,
    DO_SLOW,
    DEED_COUNT
} Deed;

static const char *const DEEDS[DEED_COUNT] = {"",      "eio",  "enospc", "short",
                                              "crash", "lose", "tear",   "slow"};

enum { ANY = -1, EXIT_KILLED = 137 };

typedef struct Plan {
    int origin, class, op; /* or ANY */
    uint64_t nth;          /* 0: never, only counted */
    Deed deed;
} Plan;

enum { UNREAD, NONE, ACTIVE };

static _Atomic int state = UNREAD;
static Plan plan;
static _Atomic uint64_t seen;
static int report_fd = -1; /* of POND_FAULT_REPORT */
static pthread_once_t environment_once = PTHREAD_ONCE_INIT;

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool faultable(OsOp op)
{
    return op <= OS_TRUNCATE;
}

static bool parse_origin(const char *value, size_t length, Plan *into)
{
    into->origin = is_word(value, length, "ours")     ? OS_OURS
                   : is_word(value, length, "engine") ? OS_ENGINE
                                                      : ANY;
    return into->origin != ANY || is_word(value, length, "any");
}

static bool parse_class(const char *value, size_t length, Plan *into)
{
    into->class = os_class_by_name(value, length);
    return into->class > OS_OTHER || (into->class == ANY && is_word(value, length, "any"));
}

static bool parse_op(const char *value, size_t length, Plan *into)
{
    into->op = os_op_by_name(value, length);
    if (into->op == ANY) return is_word(value, length, "any");
    return faultable((OsOp)into->op);
}

static bool parse_nth(const char *value, size_t length, Plan *into)
{
    into->nth = 0;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9' || i > 17) return false;
        into->nth = into->nth * 10 + (uint64_t)(value[i] - '0');
    }
    return length > 0;
}

static bool parse_do(const char *value, size_t length, Plan *into)
{
    for (int i = 1; i < DEED_COUNT; i++) {
        if (is_word(value, length, DEEDS[i])) into->deed = (Deed)i;
    }
    return into->deed != DO_NOTHING;
}

typedef struct Key {
    const char *name;
    bool (*parse)(const char *value, size_t length, Plan *into);
    const char *accepts;
} Key;

static const Key KEYS[] = {
    {"origin", parse_origin, "origin is ours, engine or any"},
    {"class", parse_class,
     "class is log, blob, staging, index, cache, history, lock, out, host or any"},
    {"op", parse_op,
     "op is open, read, write, sync, rename, link, unlink, mkdir, rmdir, truncate or any"},
    {"nth", parse_nth, "nth is a whole number"},
    {"do", parse_do, "do is eio, enospc, short, crash, lose, tear or slow"},
};

/* NULL, or what is wrong. */
static const char *parse_setting(const char *text, size_t length, Plan *into)
{
    const char *equals = memchr(text, '=', length);
    size_t key_length = equals == NULL ? length : (size_t)(equals - text);
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        if (equals == NULL || !is_word(text, key_length, KEYS[i].name)) continue;
        return KEYS[i].parse(equals + 1, length - key_length - 1, into) ? NULL : KEYS[i].accepts;
    }
    return "settings are origin=, class=, op=, nth= and do=, separated by commas";
}

static const char *parse(const char *text, Plan *into)
{
    *into = (Plan){.origin = ANY, .class = ANY, .op = ANY, .nth = 1};
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        const char *wrong = parse_setting(at, length, into);
        if (wrong != NULL) return wrong;
        at += length;
        if (*at == '\0') break;
    }
    if (into->deed == DO_NOTHING) return "do= is missing";
    if (into->deed == DO_SHORT && into->op != ANY && into->op != OS_WRITE)
        return "only writes can be short";
    return NULL;
}

/* The journal holds descriptors of what is not yet durable. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void activate(const Plan *parsed)
{
    plan = *parsed;
    if (plan.deed == DO_LOSE || plan.deed == DO_TEAR) raise_descriptor_limit();
    atomic_store(&seen, 0);
    atomic_store_explicit(&state, ACTIVE, memory_order_release);
}

/* Past the interposer: the report itself is no call that a plan sees. */
static void open_report(void)
{
    const char *path = getenv("POND_FAULT_REPORT");
    if (path == NULL || *path == '\0') return;
    report_fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (report_fd >= 0) return;
    (void)dprintf(STDERR_FILENO, "pond: POND_FAULT_REPORT=%s: %s\n", path, strerrordesc_np(errno));
    (void)syscall(SYS_exit_group, 2);
}

/* One line by one write: it stands there also when this very call is a crash. */
static void report(FaultCall call, uint64_t number)
{
    char line[96];
    int size = snprintf(line, sizeof line, "%llu %s %s %s\n", (unsigned long long)number,
                        call.origin == OS_OURS ? "ours" : "engine", os_class_name(call.class),
                        os_op_name(call.op));
    (void)syscall(SYS_write, report_fd, line, (size_t)size);
}

static void read_environment(void)
{
    const char *text = getenv("POND_FAULT");
    Plan parsed;
    if (atomic_load(&state) != UNREAD) return;
    if (text == NULL || *text == '\0') {
        atomic_store(&state, NONE);
        return;
    }
    const char *wrong = parse(text, &parsed);
    if (wrong != NULL) {
        (void)dprintf(STDERR_FILENO, "pond: POND_FAULT=%s: %s\n", text, wrong);
        (void)syscall(SYS_exit_group, 2);
    }
    open_report();
    activate(&parsed);
}

bool os_fault_active(void)
{
    int now = atomic_load_explicit(&state, memory_order_acquire);
    if (__builtin_expect(now == UNREAD, 0)) {
        (void)pthread_once(&environment_once, read_environment);
        now = atomic_load_explicit(&state, memory_order_acquire);
    }
    return now == ACTIVE;
}

bool os_fault_journals(void)
{
    return os_fault_active() && (plan.deed == DO_LOSE || plan.deed == DO_TEAR);
}

Err *os_fault_set(const char *text)
{
    Plan parsed;
    const char *wrong = text == NULL ? NULL : parse(text, &parsed);
    if (wrong != NULL) return err_hint(ERR(INVALID, "fault plan %s", text), "%s", wrong);
    atomic_store(&state, NONE);
    os_journal_lock();
    os_journal_clear();
    os_journal_unlock();
    if (text != NULL) activate(&parsed);
    return NULL;
}

uint64_t os_fault_seen(void)
{
    return atomic_load(&seen);
}

static bool matches(FaultCall call)
{
    if (plan.origin != ANY && plan.origin != (int)call.origin) return false;
    if (plan.class != ANY && plan.class != (int)call.class) return false;
    if (plan.op != ANY && plan.op != (int)call.op) return false;
    if (plan.deed == DO_SHORT) return call.op == OS_WRITE;
    return plan.deed != DO_ENOSPC || call.takes_space;
}

static void crash(void)
{
    if (os_fault_journals()) {
        os_journal_lock(); /* for good: other threads change nothing any more */
        os_journal_undo(plan.deed == DO_TEAR, plan.nth);
    }
    (void)syscall(SYS_exit_group, EXIT_KILLED);
}

static FaultVerdict fail(int errnum)
{
    errno = errnum;
    return FAULT_FAIL;
}

FaultVerdict os_fault_meet(FaultCall call)
{
    if (!matches(call)) return FAULT_NONE;
    uint64_t number = atomic_fetch_add(&seen, 1) + 1;
    if (report_fd >= 0) report(call, number);
    if (plan.nth == 0 || number < plan.nth) return FAULT_NONE;
    bool now = number == plan.nth;
    switch (plan.deed) {
    case DO_EIO: return now ? fail(EIO) : FAULT_NONE;
    case DO_ENOSPC: return fail(ENOSPC);
    case DO_SHORT: return now ? FAULT_HALF : fail(ENOSPC);
    case DO_CRASH:
    case DO_LOSE:
    case DO_TEAR:
        if (now) crash();
        return FAULT_NONE;
    case DO_SLOW: return FAULT_SLOW;
    case DO_NOTHING:
    case DEED_COUNT: break;
    }
    return FAULT_NONE;
}
