/* Processes killed with SIGKILL at random moments of a transaction, told apart by the spans of the
 * trace: staging (content on its way in), commit (first byte of the log entry to the end of the
 * directory's fsync), after (index, checkpoint). Afterwards the pond must be whole and hold every
 * transaction that was reported, and at most one more. */
#pragma once
#include "perf/read.h"
#include "steward/sweep.h"
#include <fcntl.h>
#include <poll.h>
#include <time.h>

enum { PHASE_STAGING, PHASE_COMMIT, PHASE_AFTER, PHASE_COUNT };
static const char *const PHASES[PHASE_COUNT] = {"staging", "commit", "after"};

typedef struct Victim {
    pid_t pid;
    int trace; /* read end */
    char text[1 << 16];
    size_t size;
} Victim;

static inline Err *kill_change(void *context, Pond *p)
{
    int number = *(int *)context;
    Node series, data;
    TRY(sweep_find(p, "series", &series));
    TRY(sweep_find(p, "data", &data));
    TRY(sweep_blob(p, series.id, number + 100, 20000));
    return sweep_text(p, data.id, arena_printf(arena, "%d", number));
}

/* How many transactions of ours the pond holds: what `data` says. */
static inline Err *kill_number(Pond *p, int *out)
{
    Node data;
    Version *versions = NULL;
    size_t count = 0;
    TRY(sweep_find(p, "data", &data));
    TRY(tlog_op_versions(pond_tlog(p), arena, data.id, &versions, &count));
    *out = count == 1 && versions[0].bytes != NULL ? atoi(versions[0].bytes) : -1;
    return NULL;
}

/* Transactions without end; each is reported in the trace once it is committed. */
static inline void live(const char *dir, int trace)
{
    CLEANUP(pond_close_at) Pond *p = NULL;
    int number = 0;
    log_set_level(LOG_QUIET);
    Err *error = pond_open(dir, &(PondOptions){.command = "pond live"}, &p);
    if (error == NULL) error = kill_number(p, &number);
    perf_trace_to(trace);
    while (error == NULL) {
        number++;
        error = pond_transact(p, kill_change, &number, NULL);
        perf_mark(arena_printf(arena, "done-%d.", number));
    }
    (void)fprintf(stderr, "victim: %s\n", err_message(error));
    _exit(1);
}

static inline void spawn(Victim *victim, const char *dir)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    victim->size = 0;
    victim->pid = fork();
    if (victim->pid == 0) {
        (void)close(ends[0]);
        live(dir, ends[1]);
    }
    (void)close(ends[1]);
    victim->trace = ends[0];
}

/* Reads what there is; waits for something when `wait`. False at the end. */
static inline bool read_trace(Victim *victim, bool wait)
{
    struct pollfd fd = {.fd = victim->trace, .events = POLLIN};
    if (!wait && poll(&fd, 1, 0) <= 0) return true;
    if (victim->size > sizeof victim->text / 2) { /* the newer half is enough */
        memmove(victim->text, victim->text + victim->size / 2, victim->size - victim->size / 2);
        victim->size -= victim->size / 2;
    }
    ssize_t got =
        read(victim->trace, victim->text + victim->size, sizeof victim->text - 1 - victim->size);
    if (got <= 0) return false;
    victim->size += (size_t)got;
    victim->text[victim->size] = '\0';
    return true;
}

/* The span that was open at the end of the trace; -1: none. */
static inline int open_phase(const Victim *victim)
{
    const char *last = NULL;
    int phase = -1;
    for (int i = 0; i < PHASE_COUNT; i++) {
        const char *name = arena_printf(arena, "\"name\":\"%s\"", PHASES[i]);
        for (const char *at = strstr(victim->text, name); at != NULL; at = strstr(at + 1, name)) {
            if (last != NULL && at < last) continue;
            const char *line = at;
            while (line > victim->text && line[-1] != '\n') line--;
            const char *end = strchr(line, '\n'), *begins = strstr(line, "\"ph\":\"B\"");
            last = at;
            phase = begins != NULL && (end == NULL || begins < end) ? i : -1;
        }
    }
    return phase;
}

static inline int last_done(const Victim *victim, int otherwise)
{
    for (const char *at = strstr(victim->text, "done-"); at != NULL; at = strstr(at + 1, "done-")) {
        if (strchr(at, '.') != NULL) otherwise = atoi(at + 5);
    }
    return otherwise;
}

static inline void sleep_us(int64_t us)
{
    (void)nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000},
                    NULL);
}

typedef struct Numbered {
    const char *dir;
} Numbered;

/* Answers: how many transactions are there, or what is wrong. */
static inline void check_numbered(const void *context, FILE *answer)
{
    const Numbered *numbered = context;
    CLEANUP(pond_close_at) Pond *p = NULL;
    TlogFsck found = {0};
    int number = 0;
    log_set_level(LOG_QUIET);
    Err *error = pond_open(numbered->dir, &(PondOptions){.command = "pond check"}, &p);
    if (error == NULL) error = kill_number(p, &number);
    if (error == NULL) error = tlog_fsck(arena, pond_tlog(p), (TlogFsckOptions){0}, &found);
    if (error != NULL)
        (void)fprintf(answer, "error %.70s\n", err_message(error));
    else if (found.problem_count > 0)
        (void)fprintf(answer, "fsck %.70s\n", found.problems[0].what);
    else
        (void)fprintf(answer, "%d\n", number);
}

/* Kills until each phase was hit `each` times and there were `all` kills. */
static inline void kill_many(int each, int all)
{
    Numbered numbered = {path_join(arena, root, "victim")};
    SweepBody body = {.commits = 1};
    Run make_it = {&body, numbered.dir, NULL};
    assert_string_equal(in_child(make_template, &make_it).words[0], "done");
    int hits[PHASE_COUNT + 1] = {0}, kills = 0, number = 0;
    int64_t span_us[PHASE_COUNT] = {400, 1500, 3000};
    unsigned seed = (unsigned)getpid();
    print_message("# seed %u\n", seed);
    Arena *outer = arena;
    while (kills < all || hits[0] < each || hits[1] < each || hits[2] < each) {
        arena = arena_new();
        Victim *victim = ANEW(arena, Victim);
        int aim = kills % PHASE_COUNT, skip = rand_r(&seed) % 12;
        for (int i = 0; i < PHASE_COUNT; i++) {
            if (kills >= all && hits[aim] >= each) aim = (aim + 1) % PHASE_COUNT;
        }
        spawn(victim, numbered.dir);
        while (skip >= 0 && read_trace(victim, true)) {
            if (open_phase(victim) == aim) skip--;
        }
        sleep_us(rand_r(&seed) % span_us[aim]);
        assert_int_equal(kill(victim->pid, SIGKILL), 0);
        while (read_trace(victim, true)) {
        }
        assert_int_equal(waitpid(victim->pid, NULL, 0), victim->pid);
        (void)close(victim->trace);
        int phase = open_phase(victim), done = last_done(victim, number);
        hits[phase < 0 ? PHASE_COUNT : phase]++;
        kills++;
        if (phase == aim)
            span_us[aim] += span_us[aim] / 16; /* towards the whole length of the phase */
        else if (span_us[aim] > 64)
            span_us[aim] -= span_us[aim] / 16;
        Answer answer = in_child(check_numbered, &numbered);
        number = atoi(answer.words[0]);
        if (number != done && number != done + 1) {
            fail_msg("kill %d in %s after transaction %d: %s", kills,
                     phase < 0 ? "between" : PHASES[phase], done, answer.words[0]);
        }
        arena_free(arena);
        arena = outer;
    }
    print_message("# %d kills: %d staging, %d commit, %d after, %d elsewhere; %d transactions\n",
                  kills, hits[0], hits[1], hits[2], hits[3], number);
}
