/* One child at a time; what it prints goes to files in the scratch folder, so that a pipe never
 * slows it down. Outputs are compared by hash. */
#include "report/pairs.h"
#include "os/os.h"
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef VEC(double) DoubleVec;

typedef struct Side {
    const char *command, *environment;
    const char *folder; /* of this side below the scratch folder */
    char outcome[65];   /* hash of what the first run put out */
    char streams[65];   /* of its standard output alone */
    DoubleVec wall_s, cpu_s;
    int64_t peak_bytes;
} Side;

typedef struct Pairs {
    Arena *arena;
    const PairsSpec *spec;
    Side sides[SIDE_COUNT];
    uint64_t random;
} Pairs;

/* ---- a child ---- */

typedef struct ChildUse {
    int status;
    double wall_s, cpu_s;
    int64_t peak_bytes;
} ChildUse;

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static Err *reap(pid_t child, int64_t began_us, ChildUse *out)
{
    struct rusage usage;
    pid_t got;
    while ((got = wait4(child, &out->status, 0, &usage)) < 0 && errno == EINTR)
        if (os_interrupted()) (void)kill(child, SIGTERM);
    if (got < 0) return ERR_ERRNO(errno, "wait for a run");
    out->wall_s = (double)(os_monotonic_us() - began_us) * 1e-6;
    out->cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    out->peak_bytes = usage.ru_maxrss * INT64_C(1024);
    return os_check_interrupt();
}

/* This process's environment with one more, in place of what has its name: of two of one name a
 * shell would take either. */
static char **environment_with(Arena *arena, const char *more)
{
    size_t count = 0;
    while (environ[count] != NULL) count++;
    char **all = AARRAY(arena, char *, count + 2);
    size_t n = 0, name = more != NULL ? strcspn(more, "=") + 1 : 0;
    if (more != NULL) all[n++] = arena_strdup(arena, more);
    for (size_t i = 0; i < count; i++)
        if (name == 0 || strncmp(environ[i], more, name) != 0) all[n++] = environ[i];
    return all;
}

/* In the child: never returns. */
static void become(const char *command, char **environment, int stdout_fd, int stderr_fd)
{
    (void)dup2(stdout_fd, STDOUT_FILENO);
    (void)dup2(stderr_fd, STDERR_FILENO);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)execle("/bin/sh", "sh", "-c", command, (char *)NULL, environment);
    _exit(127);
}

static Err *run_child(const char *command, const char *environment, const char *stdout_path,
                      const char *stderr_path, ChildUse *out)
{
    SCRATCH(scratch);
    CLEANUP(os_close_at) OsFile *output = NULL, *errors = NULL;
    char **all = environment_with(scratch, environment);
    TRY(os_unlink_if(stdout_path));
    TRY(os_unlink_if(stderr_path));
    TRY(os_open_new(stdout_path, &output));
    TRY(os_open_new(stderr_path, &errors));
    int64_t began_us = os_monotonic_us();
    pid_t child = fork();
    if (child < 0) return ERR_ERRNO(errno, "start a run");
    if (child == 0) become(command, all, os_fd(output), os_fd(errors));
    return reap(child, began_us, out);
}

/* ---- what a run put out ---- */

static Err *hash_tree(Arena *arena, Sha256 *hash, const char *path, const char *name)
{
    OsEntry *entries = NULL;
    size_t count = 0;
    char content[65];
    int64_t size;
    OsStat stat;
    TRY(os_stat(path, &stat));
    sha256_add_text(hash, name);
    if (!stat.is_dir) {
        TRY(os_sha256_file(path, &size, content));
        sha256_add_text(hash, content);
        return NULL;
    }
    TRY(os_list(arena, path, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(entries[i].name, ".pond") == 0) continue;
        const char *below = arena_printf(arena, "%s/%s", path, entries[i].name);
        TRY(hash_tree(arena, hash, below, arena_printf(arena, "%s/%s", name, entries[i].name)));
    }
    return NULL;
}

Err *pairs_hash_tree(const char *dir, char out_hex[65])
{
    SCRATCH(scratch);
    Sha256 *hash = sha256_new(scratch);
    Err *err = hash_tree(scratch, hash, dir, "");
    sha256_hex(hash, out_hex);
    return err;
}

static Err *hash_outcome(const Side *side, const char *out_dir, char streams[65], char outcome[65])
{
    SCRATCH(scratch);
    bool exists;
    OsStat stat;
    int64_t size;
    Sha256 *hash = sha256_new(scratch);
    Err *err = os_sha256_file(arena_printf(scratch, "%s/stdout", side->folder), &size, streams);
    if (err == NULL) err = os_stat_if(out_dir, &exists, &stat);
    if (err == NULL) sha256_add_text(hash, streams);
    if (err == NULL && exists) err = hash_tree(scratch, hash, out_dir, "");
    sha256_hex(hash, outcome);
    return err;
}

/* ---- a run ---- */

char *pairs_command(Arena *arena, const char *command, const char *out_dir)
{
    Buf text = buf_new(arena);
    const char *marker = "{out}", *at;
    for (; (at = strstr(command, marker)) != NULL; command = at + strlen(marker)) {
        buf_add(&text, command, (size_t)(at - command));
        buf_puts(&text, out_dir);
    }
    buf_puts(&text, command);
    return text.data;
}

static Err *run_failed(const Side *side, const ChildUse *use)
{
    enum { TOLD = 400, READ_MAX = 1 << 26 };
    SCRATCH(scratch);
    char *text = NULL;
    size_t size = 0;
    err_free(os_read_file(scratch, arena_printf(scratch, "%s/stderr", side->folder), READ_MAX,
                          &text, &size));
    if (text == NULL) text = arena_strdup(scratch, "");
    if (size > TOLD) text += size - TOLD;
    const char *how = WIFSIGNALED(use->status) ? "was ended by signal" : "exited with";
    int number = WIFSIGNALED(use->status) ? WTERMSIG(use->status) : WEXITSTATUS(use->status);
    Err *err = ERR(INVALID, "'%s' %s %d", side->command, how, number);
    return *text != '\0' ? err_hint(err, "it said: %s", text_printable(scratch, text)) : err;
}

static Err *run_side(Pairs *pairs, Side *side, bool is_first, double *out_wall_s)
{
    SCRATCH(scratch);
    ChildUse use;
    char streams[65], outcome[65];
    const char *folder = arena_printf(scratch, "%s/out", side->folder);
    TRY(os_remove_tree(folder));
    TRY(run_child(pairs_command(scratch, side->command, folder), side->environment,
                  arena_printf(scratch, "%s/stdout", side->folder),
                  arena_printf(scratch, "%s/stderr", side->folder), &use));
    if (!WIFEXITED(use.status) || WEXITSTATUS(use.status) != 0) return run_failed(side, &use);
    TRY(hash_outcome(side, folder, streams, outcome));
    if (use.peak_bytes > side->peak_bytes) side->peak_bytes = use.peak_bytes;
    if (is_first) {
        memcpy(side->streams, streams, sizeof streams);
        memcpy(side->outcome, outcome, sizeof outcome);
        return NULL;
    }
    if (strcmp(side->outcome, outcome) != 0)
        return ERR(INVALID, "'%s' does not put out the same each time", side->command);
    vec_push(pairs->arena, &side->wall_s, use.wall_s);
    vec_push(pairs->arena, &side->cpu_s, use.cpu_s);
    *out_wall_s = use.wall_s;
    return NULL;
}

/* ---- pairs ---- */

static const char *difference_of(const Pairs *pairs)
{
    const Side *a = &pairs->sides[SIDE_A], *b = &pairs->sides[SIDE_B];
    if (strcmp(a->outcome, b->outcome) == 0) return NULL;
    if (strcmp(a->streams, b->streams) != 0) return "their standard output";
    return "the files in {out}";
}

static Err *run_pair(Pairs *pairs, double *out_log_ratio)
{
    double wall_s[SIDE_COUNT];
    PairSide first = splitmix64_next(&pairs->random) & 1 ? SIDE_B : SIDE_A, second = first ^ SIDE_B;
    TRY(run_side(pairs, &pairs->sides[first], false, &wall_s[first]));
    TRY(run_side(pairs, &pairs->sides[second], false, &wall_s[second]));
    *out_log_ratio = log(wall_s[SIDE_B] / wall_s[SIDE_A]);
    return NULL;
}

static Err *begin(Pairs *pairs)
{
    static const char *const NAMES[] = {"a", "b"};
    for (int i = 0; i < SIDE_COUNT; i++) {
        Side *side = &pairs->sides[i];
        side->command = pairs->spec->commands[i];
        side->environment = pairs->spec->environment[i];
        side->folder = arena_printf(pairs->arena, "%s/%s", pairs->spec->scratch_dir, NAMES[i]);
        TRY(os_mkdir(side->folder));
    }
    for (int i = 0; i < SIDE_COUNT; i++) TRY(run_side(pairs, &pairs->sides[i], true, NULL));
    return NULL;
}

static Err *run_all(Pairs *pairs, PairsResult *out)
{
    const PairsSpec *spec = pairs->spec;
    int64_t began_us = os_monotonic_us();
    DoubleVec ratios = {0};
    TRY(begin(pairs));
    out->difference = difference_of(pairs);
    if (out->difference != NULL && !spec->differ) return NULL;
    do {
        double ratio;
        TRY(run_pair(pairs, &ratio));
        vec_push(pairs->arena, &ratios, ratio);
        out->state = verdict_of(&spec->rule, ratios.v, ratios.n);
        if (spec->progress != NULL) spec->progress(spec->context, &out->state, ratios.n);
    } while (!out->state.is_final &&
             (spec->cap_us == 0 || os_monotonic_us() - began_us < spec->cap_us));
    out->pairs = ratios.n;
    out->log_ratios = ratios.v;
    return NULL;
}

Err *pairs_run(Arena *arena, const PairsSpec *spec, PairsResult *out)
{
    Pairs pairs = {.arena = arena, .spec = spec, .random = spec->seed};
    PairsResult result = {0};
    Err *err = run_all(&pairs, &result);
    for (int i = 0; i < SIDE_COUNT; i++) {
        Side *side = &pairs.sides[i];
        if (side->folder != NULL) err_free(os_remove_tree(side->folder));
        result.use[i] = (PairsUse){.wall_s = stats_median(side->wall_s.v, side->wall_s.n),
                                   .cpu_s = stats_median(side->cpu_s.v, side->cpu_s.n),
                                   .peak_bytes = side->peak_bytes};
    }
    if (err == NULL) *out = result;
    return err;
}

/* ---- selftest ---- */

/* About 20 ms of hashing, in a child like any other run. */
static Err *timed_work(double *out_wall_s)
{
    enum { BYTES = 1 << 20, ROUNDS = 24 };
    ChildUse use;
    int64_t began_us = os_monotonic_us();
    pid_t child = fork();
    if (child < 0) return ERR_ERRNO(errno, "start a run");
    if (child == 0) {
        char hex[65], *bytes = calloc(1, BYTES);
        for (int i = 0; bytes != NULL && i < ROUNDS; i++) sha256_of(bytes, BYTES, hex);
        _exit(0);
    }
    TRY(reap(child, began_us, &use));
    *out_wall_s = use.wall_s;
    return NULL;
}

static double uniform(uint64_t *random)
{
    return (double)(splitmix64_next(random) >> 11) / 9007199254740992.0;
}

/* A stretch of neighbouring pairs, since the machine's drift is part of the noise. */
static Verdict resampled(const double *ratios, size_t n, size_t pairs, double shift,
                         uint64_t *random)
{
    enum { PAIRS_MAX = 80 };
    double x[PAIRS_MAX];
    size_t start = (size_t)(uniform(random) * (double)n);
    for (size_t i = 0; i < pairs; i++) {
        double sign = splitmix64_next(random) & 1 ? 1 : -1; /* which half was A was chance */
        x[i] = sign * ratios[(start + i) % n] + shift;
    }
    return verdict_of(&(VerdictRule){.most_pairs = pairs}, x, pairs).verdict;
}

static bool blocks_differ(const double *times, size_t n, uint64_t *random)
{
    enum { BLOCK = 40 };
    double blocks[2 * BLOCK];
    size_t start = (size_t)(uniform(random) * (double)(n - (size_t)2 * BLOCK + 1));
    memcpy(blocks, times + start, sizeof blocks);
    return fabs(stats_median(blocks + BLOCK, BLOCK) / stats_median(blocks, BLOCK) - 1) > 0.05;
}

Err *pairs_selftest(Arena *arena, size_t pairs, uint64_t seed, PairsSelftest *out)
{
    enum { TRIALS = 2000, LEAST_PAIRS = 80 };
    if (pairs < LEAST_PAIRS) pairs = LEAST_PAIRS;
    const size_t count = 2 * pairs;
    double *times = AARRAY(arena, double, count), *ratios = AARRAY(arena, double, pairs);
    for (size_t i = 0; i < count; i++) TRY(timed_work(&times[i]));
    for (size_t i = 0; i < pairs; i++) ratios[i] = log(times[2 * i + 1] / times[2 * i]);
    size_t false_paired = 0, false_blocks = 0, found = 0;
    for (size_t t = 0; t < TRIALS; t++) {
        Verdict none = resampled(ratios, pairs, 40, 0, &seed);
        false_paired += none == VERDICT_FASTER || none == VERDICT_SLOWER;
        found += resampled(ratios, pairs, 80, log(1.1), &seed) == VERDICT_SLOWER;
        false_blocks += blocks_differ(times, count, &seed);
    }
    double spread = stats_quantile(times, count, 0.95) / stats_quantile(times, count, 0.05);
    *out = (PairsSelftest){.pairs = pairs,
                           .trials = TRIALS,
                           .false_paired = (double)false_paired / TRIALS,
                           .false_blocks = (double)false_blocks / TRIALS,
                           .found_paired = (double)found / TRIALS,
                           .spread = spread};
    return NULL;
}
