/* What a run prints goes to files in the scratch folder, so that a pipe never slows it down.
 * Outputs are compared by hash. */
#include "bench/pairs.h"
#include "bench/bench_int.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
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

/* ---- what a run put out ---- */

static Err *hash_dir(Arena *arena, Sha256 *hash, const char *path, const char *name);

static Err *hash_file(Sha256 *hash, const char *path)
{
    char content[65];
    int64_t size;
    TRY(os_sha256_file(path, &size, content));
    sha256_add_text(hash, content);
    return NULL;
}

/* Of a link to a file the file counts; of one to anything else, and of pipes and the like, the name
 * alone: reading there might never end. */
static Err *hash_entry(Arena *arena, Sha256 *hash, const OsEntry *entry, const char *path,
                       const char *name)
{
    bool is_file = entry->is_file, exists = false;
    OsStat stat;
    if (entry->is_dir) return hash_dir(arena, hash, path, name);
    if (entry->is_link) {
        Err *err = os_stat_if(path, &exists, &stat);
        is_file = err == NULL && exists && stat.is_file;
        err_free(err);
    }
    sha256_add_text(hash, name);
    return is_file ? hash_file(hash, path) : NULL;
}

static Err *hash_dir(Arena *arena, Sha256 *hash, const char *path, const char *name)
{
    OsEntry *entries = NULL;
    size_t count = 0;
    sha256_add_text(hash, name);
    TRY(os_list(arena, path, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(entries[i].name, ".pond") == 0) continue;
        const char *below = arena_printf(arena, "%s/%s", path, entries[i].name);
        TRY(hash_entry(arena, hash, &entries[i], below,
                       arena_printf(arena, "%s/%s", name, entries[i].name)));
    }
    return NULL;
}

static Err *hash_tree(Arena *arena, Sha256 *hash, const char *path)
{
    OsStat stat;
    TRY(os_stat(path, &stat));
    if (stat.is_dir) return hash_dir(arena, hash, path, "");
    sha256_add_text(hash, "");
    return stat.is_file ? hash_file(hash, path) : NULL;
}

Err *pairs_hash_tree(const char *dir, char out_hex[65])
{
    SCRATCH(scratch);
    Sha256 *hash = sha256_new(scratch);
    Err *err = hash_tree(scratch, hash, dir);
    sha256_hex(hash, out_hex);
    return err;
}

static const char *stream_path(Arena *arena, const Side *side, int stream)
{
    static const char *const NAMES[STREAM_COUNT] = {"stdout", "stderr"};
    return path_join(arena, side->folder, NAMES[stream]);
}

static Err *hash_outcome(const Side *side, const char *out_dir, char streams[65], char outcome[65])
{
    SCRATCH(scratch);
    bool exists;
    OsStat stat;
    int64_t size;
    Sha256 *hash = sha256_new(scratch);
    Err *err = os_sha256_file(stream_path(scratch, side, STDOUT_STREAM), &size, streams);
    if (err == NULL) err = os_stat_if(out_dir, &exists, &stat);
    if (err == NULL) sha256_add_text(hash, streams);
    if (err == NULL && exists) err = hash_tree(scratch, hash, out_dir);
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

static Err *run_child(Arena *arena, const Side *side, const char *out_dir, ChildResult *out)
{
    const char *line = pairs_command(arena, side->command, out_dir);
    const char *words[] = {"/bin/sh", "-c", line, NULL};
    const char *settings[] = {side->environment, NULL};
    const ChildSpec spec = {
        .words = words,
        .environment = child_environment(arena, settings),
        .paths = {stream_path(arena, side, STDOUT_STREAM), stream_path(arena, side, STDERR_STREAM)},
        .layout_by_chance = true};
    TRY(child_run(arena, &spec, out));
    return child_check(&spec, out, arena_printf(arena, "'%s'", side->command));
}

static Err *run_side(Pairs *pairs, Side *side, bool is_first, double *out_wall_s)
{
    SCRATCH(scratch);
    ChildResult use;
    char streams[65], outcome[65];
    const char *folder = arena_printf(scratch, "%s/out", side->folder);
    TRY(os_remove_tree(folder));
    TRY(run_child(scratch, side, folder, &use));
    TRY(hash_outcome(side, folder, streams, outcome));
    if (use.peak_bytes > side->peak_bytes) side->peak_bytes = use.peak_bytes;
    if (is_first) {
        memcpy(side->streams, streams, sizeof streams);
        memcpy(side->outcome, outcome, sizeof outcome);
        return NULL;
    }
    if (strcmp(side->outcome, outcome) != 0)
        return ERR(INVALID, "'%s' does not put out the same each time", side->command);
    *out_wall_s = (double)use.wall_us * 1e-6;
    vec_push(pairs->arena, &side->wall_s, *out_wall_s);
    vec_push(pairs->arena, &side->cpu_s, use.cpu_s);
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
    ChildResult use;
    int64_t began_us = os_monotonic_us();
    pid_t child = fork();
    if (child < 0) return ERR_ERRNO(errno, "start a run");
    if (child == 0) {
        char hex[65], *bytes = calloc(1, BYTES);
        for (int i = 0; bytes != NULL && i < ROUNDS; i++) sha256_of(bytes, BYTES, hex);
        _exit(0);
    }
    TRY(child_reap(child, began_us, &use));
    *out_wall_s = (double)use.wall_us * 1e-6;
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
