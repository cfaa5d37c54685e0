/* A scenario's commands, one after the other, each a process of its own on a copy of the pond.
 *
 * Their environment is fixed and their working folder is the copy's parent, so that no path of this
 * machine is among the arguments. Instructions are counted in a second round on another copy: that
 * of the first has what its commands left. There valgrind shows the same processor everywhere as
 * far as programs ask it, and what glibc and OpenSSL would choose by the real one is switched off.
 */
#include "bench/bench_int.h"
#include <stdlib.h>
#include <string.h>

typedef VEC(const char *) WordVec;

/* ---- one command ---- */

static void add_environment(const Round *round, const BenchCommand *command, bool counted,
                            WordVec *out)
{
    static const char *const FIXED[] = {"LC_ALL=C.UTF-8",   "TZ=UTC",           "HOME=.",
                                        "POND=pond",        "TMPDIR=tmp",       "COLUMNS=100",
                                        "POND_HISTORY=off", "XDG_CACHE_HOME=.", "NO_COLOR=1"};
    static const char *const PLAIN[] = {
        "OPENSSL_ia32cap=0:0",
        "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-BMI1,-BMI2,"
        "-LZCNT,-MOVBE,-RTM,-ERMS,-FSRM,-SSSE3,-SSE4_1,-SSE4_2:glibc.cpu.x86_data_cache_size="
        "32768:glibc.cpu.x86_shared_cache_size=1048576:glibc.cpu.x86_non_temporal_threshold="
        "786432"};
    const BenchRun *run = round->run;
    /* the first of a name counts */
    for (size_t i = 0; run->environment != NULL && run->environment[i] != NULL; i++)
        vec_push(round->arena, out, run->environment[i]);
    for (size_t i = 0; i < sizeof FIXED / sizeof *FIXED; i++) vec_push(round->arena, out, FIXED[i]);
    for (size_t i = 0; counted && i < sizeof PLAIN / sizeof *PLAIN; i++)
        vec_push(round->arena, out, PLAIN[i]);
    uint64_t seed = bench_mix(run->seed, (uint64_t)(command - run->scenario->commands));
    vec_push(round->arena, out,
             arena_printf(round->arena, BENCH_MEASURED "=%llu", (unsigned long long)seed));
    if (!round->plain && run->allocs != NULL) {
        vec_push(round->arena, out, arena_printf(round->arena, "LD_PRELOAD=%s", run->allocs));
        vec_push(round->arena, out, "POND_ALLOCS=allocs");
    }
    vec_push(round->arena, out, NULL);
}

static void add_words(const Round *round, const BenchCommand *command, bool counted, WordVec *out)
{
    Arena *arena = round->arena;
    size_t count = 0;
    const char **words = bench_words(arena, command, "out", &count);
    if (counted) {
        vec_push(arena, out, round->run->valgrind);
        vec_push(arena, out, "--tool=callgrind");
        vec_push(arena, out, "--callgrind-out-file=/dev/null");
        vec_push(arena, out, "--log-file=valgrind.log");
    }
    vec_push(arena, out, round->run->program);
    vec_push(arena, out, "--threads");
    vec_push(arena, out, "1");
    vec_push(arena, out, "--progress");
    vec_push(arena, out, "none");
    if (!round->plain) vec_push(arena, out, "--stats");
    if (!round->plain) vec_push(arena, out, "--json");
    for (size_t i = 0; i <= count; i++) vec_push(arena, out, words[i]); /* and the NULL */
}

static Err *read_small(const Round *round, const char *name, char **out)
{
    enum { SMALL = 1 << 20 };
    size_t size = 0;
    return os_read_file(round->arena, path_join(round->arena, round->dir, name), SMALL, out, &size);
}

static Err *add_allocs(const Round *round, const BenchCommand *command)
{
    static const char *const NAMES[] = {"allocs.own", "allocs.own.bytes", "allocs.engine",
                                        "allocs.engine.bytes"};
    char *text = NULL;
    if (round->run->allocs == NULL) return NULL;
    TRY(read_small(round, "allocs", &text));
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        counter_add(round->arena, round->counters, command->name, NAMES[i],
                    strtoll(text, &text, 10));
    return NULL;
}

static Err *add_counters(const Round *round, const BenchCommand *command, const ChildResult *result)
{
    TRY(counters_of_stats(round->arena, command->name, &result->errors, round->counters));
    TRY(add_allocs(round, command));
    counter_add(round->arena, round->counters, command->name, "peak_bytes", result->peak_bytes);
    return NULL;
}

/* Whether `name` stands in "a,b,c". */
static bool is_among(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list;; at++) {
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
        at = strchr(at, ',');
        if (at == NULL) return false;
    }
}

Err *round_exec(const Round *round, const BenchCommand *command, bool counted, ChildResult *out)
{
    WordVec words = {0}, environment = {0};
    if (command->cold) TRY(os_remove_tree(path_join(round->arena, round->dir, "pond/cache")));
    add_words(round, command, counted, &words);
    add_environment(round, command, counted, &environment);
    ChildSpec spec = {.dir = round->dir, .words = words.v, .environment = environment.v};
    TRY(child_run(round->arena, &spec, out));
    return child_check(&spec, out,
                       arena_printf(round->arena, "%s %s: %s", round->run->scenario->name,
                                    command->name, words.v[0]));
}

Err *round_instructions(const Round *round, const BenchCommand *command, int64_t *out)
{
    static const char MARK[] = "Collected : ";
    char *log = NULL;
    TRY(read_small(round, "valgrind.log", &log));
    const char *at = strstr(log, MARK);
    if (at == NULL)
        return err_hint(ERR(INVALID, "%s: valgrind counted nothing", command->name), "it said: %s",
                        text_printable(round->arena, log));
    *out = strtoll(at + strlen(MARK), NULL, 10);
    return NULL;
}

static Err *add_instructions(const Round *round, const BenchCommand *command)
{
    int64_t count = 0;
    TRY(round_instructions(round, command, &count));
    counter_add(round->arena, round->counters, command->name, "instructions", count);
    return NULL;
}

static Err *run_command(const Round *round, const BenchCommand *command)
{
    const BenchRun *run = round->run;
    ChildResult result;
    bool counted = round->plain && (run->only == NULL || is_among(run->only, command->name));
    if (run->progress != NULL)
        run->progress(run->context, arena_printf(round->arena, "%s%s", command->name,
                                                 counted ? ", instructions" : ""));
    TRY(round_exec(round, command, counted, &result));
    if (!round->plain) {
        round->wall_us[command - run->scenario->commands] = result.wall_us;
        return add_counters(round, command, &result);
    }
    return counted ? add_instructions(round, command) : NULL;
}

/* ---- rounds ---- */

/* Absolute paths become texts and hashes, so that their length is work: it is made the same
 * everywhere. */
static char *work_dir(Arena *arena, const char *cache_dir)
{
    enum { LENGTH = 120 };
    uint64_t random = 0;
    os_random(&random, sizeof random);
    Buf path = buf_new(arena);
    buf_printf(&path, "%s/work-%016llx", cache_dir, (unsigned long long)random);
    while (path.size < LENGTH) buf_putc(&path, '-');
    return path.data;
}

Err *round_begin(Arena *arena, const BenchRun *run, const char *pond, Round *out)
{
    out->arena = arena;
    out->run = run;
    out->dir = work_dir(arena, run->cache_dir);
    TRY(os_mkdirs(path_join(arena, out->dir, "tmp")));
    return kept_clone(pond, path_join(arena, out->dir, "pond"));
}

Err *round_end(const Round *round, Err *err)
{
    Err *left = os_remove_tree(round->dir);
    if (err == NULL) return left;
    err_free(left);
    return err;
}

static Err *run_commands(const Round *round)
{
    for (size_t i = 0; i < round->run->scenario->command_count; i++)
        TRY(run_command(round, &round->run->scenario->commands[i]));
    return NULL;
}

static Err *work(Arena *arena, const BenchRun *run, const char *pond, CounterVec *counters,
                 int64_t *wall_us)
{
    for (int i = 0; i < (run->valgrind != NULL ? 2 : 1); i++) {
        Round round = {.plain = i == 1, .counters = counters, .wall_us = wall_us};
        Err *err = round_begin(arena, run, pond, &round);
        if (err == NULL) err = run_commands(&round);
        TRY(round_end(&round, err));
    }
    return NULL;
}

static size_t place_of(const BenchScenario *scenario, const char *command)
{
    size_t i = 0;
    while (i < scenario->command_count && strcmp(scenario->commands[i].name, command) != 0) i++;
    return i;
}

static int by_place(const void *a, const void *b, void *context)
{
    const BenchScenario *scenario = context;
    const BenchCounter *x = a, *y = b;
    size_t left = place_of(scenario, x->command), right = place_of(scenario, y->command);
    return left != right ? (left > right) - (left < right) : strcmp(x->name, y->name);
}

Err *run_pond_of(Arena *arena, const BenchRun *run, BenchRun *out_run, const char **out_pond,
                 char out_root[65])
{
    char *cache_dir = NULL;
    TRY(os_mkdirs(run->cache_dir));
    TRY(os_absolute(arena, run->cache_dir, &cache_dir));
    *out_run = *run;
    out_run->cache_dir = cache_dir;
    return kept_pond(arena, out_run, out_pond, out_root);
}

Err *bench_pond_kept(Arena *arena, const BenchRun *run, const char **out_dir)
{
    BenchRun own;
    char root[65];
    return run_pond_of(arena, run, &own, out_dir, root);
}

Err *bench_run(Arena *arena, const BenchRun *run, BenchResult *out)
{
    CounterVec counters = {0};
    BenchResult result;
    BenchRun own;
    const char *pond = NULL;
    TRY(run_pond_of(arena, run, &own, &pond, result.root));
    const BenchScenario *scenario = run->scenario;
    result.wall_us = AARRAY(arena, int64_t, scenario->command_count);
    TRY(work(arena, &own, pond, &counters, result.wall_us));
    if (counters.n > 0)
        qsort_r(counters.v, counters.n, sizeof *counters.v, by_place, (void *)(uintptr_t)scenario);
    result.counters = counters.v;
    result.count = counters.n;
    *out = result;
    return NULL;
}
