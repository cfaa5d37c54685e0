/* The line runs below a shell in an environment that is this process's but for four variables: the
 * accounts' file, the toggles, no history (measuring should not be what a pond remembers), and no
 * profiles (which statements get one hangs on how long they take). Its output is hashed as it was
 * kept, which is all of it up to 16 MiB. */
#include "bench/work.h"
#include "bench/bench_int.h"
#include "bench/pairs.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef VEC(const char *) WordVec;

static const char **environment_of(Arena *arena, const BenchWorkSpec *spec, const char *stats_path)
{
    const char *set = getenv("POND_TOGGLES");
    const char *settings[] = {
        arena_printf(arena, "POND_STATS=%s", stats_path),
        "POND_HISTORY=off",
        "POND_PLANS=off",
        arena_printf(arena, "POND_TOGGLES=%s,%s", set != NULL ? set : "", spec->toggles),
        spec->setting,
        NULL};
    return child_environment(arena, settings);
}

/* ---- accounts ---- */

static void add_count(BenchWork *work, const BenchCounter *counter)
{
    int64_t *sum = map_get(&work->counters, counter->name);
    if (sum == NULL) {
        sum = ANEW(work->counters.arena, int64_t);
        (void)map_put(&work->counters, counter->name, sum);
    }
    *sum += counter->value;
}

static void add_time(BenchWork *work, const char *operation, double ms)
{
    double *sum = map_get(&work->times_ms, operation);
    if (sum == NULL) {
        sum = ANEW(work->times_ms.arena, double);
        (void)map_put(&work->times_ms, operation, sum);
    }
    *sum += ms;
}

static Err *add_times(Arena *arena, BenchWork *work, const char *line)
{
    const Json *json = NULL;
    TRY(json_parse(arena, line, strlen(line), &json));
    const Json *ops = json_get(json_get(json, "stats"), "ops");
    for (size_t i = 0; ops != NULL && ops->kind == JSON_ARRAY && i < ops->count; i++) {
        const Json *total = json_get(&ops->items[i], "total_ms");
        if (total != NULL) add_time(work, json_str(&ops->items[i], "name", ""), total->number);
    }
    return NULL;
}

static Err *add_account(Arena *arena, BenchWork *work, const char *line)
{
    CounterVec counters = {0};
    Buf text = buf_new(arena);
    buf_puts(&text, line);
    TRY(counters_of_stats(arena, "", &text, &counters));
    for (size_t i = 0; i < counters.n; i++) add_count(work, &counters.v[i]);
    return add_times(arena, work, line);
}

static Err *read_accounts(Arena *arena, const char *path, BenchWork *work)
{
    enum { ACCOUNTS_MAX = 256 << 20 };
    char *text = NULL;
    size_t size = 0;
    TRY(os_read_file_if(arena, path, ACCOUNTS_MAX, &text, &size));
    if (text == NULL)
        return err_hint(ERR(INVALID, "the command runs no pond that tells what it does"),
                        "a pond of this version is needed, and not POND_TRACE=off");
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        TRY(add_account(arena, work, line));
    }
    return NULL;
}

/* ---- runs ---- */

static Err *hash_outcome(Arena *arena, const ChildResult *result, const char *out_dir,
                         BenchWork *work)
{
    char tree[65];
    OsStat stat;
    bool exists = false;
    Sha256 *hash = sha256_new(arena);
    TRY(os_stat_if(out_dir, &exists, &stat));
    if (exists) TRY(pairs_hash_tree(out_dir, tree));
    sha256_add(hash, result->out.data, result->out.size);
    if (exists) sha256_add_text(hash, tree);
    sha256_hex(hash, work->outcome);
    return NULL;
}

/* What callgrind told of each process. */
static Err *read_instructions(Arena *arena, const char *dir, BenchWork *work)
{
    enum { LOG_MAX = 1 << 20 };
    static const char MARK[] = "Collected : ";
    OsEntry *entries = NULL;
    size_t count = 0, size = 0;
    TRY(os_list(arena, dir, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        char *log = NULL;
        if (!text_starts(entries[i].name, "valgrind.")) continue;
        TRY(os_read_file(arena, path_join(arena, dir, entries[i].name), LOG_MAX, &log, &size));
        const char *at = strstr(log, MARK);
        if (at != NULL) work->instructions += strtoll(at + strlen(MARK), NULL, 10);
    }
    return NULL;
}

static const char **words_of(Arena *arena, const BenchWorkSpec *spec, const char *dir)
{
    WordVec words = {0};
    if (spec->valgrind != NULL) {
        vec_push(arena, &words, spec->valgrind);
        vec_push(arena, &words, "--tool=callgrind");
        vec_push(arena, &words, "--trace-children=yes");
        vec_push(arena, &words, "--callgrind-out-file=/dev/null");
        vec_push(arena, &words, arena_printf(arena, "--log-file=%s/valgrind.%%p", dir));
    }
    vec_push(arena, &words, "/bin/sh");
    vec_push(arena, &words, "-c");
    vec_push(arena, &words, pairs_command(arena, spec->command, path_join(arena, dir, "out")));
    vec_push(arena, &words, NULL);
    return words.v;
}

static Err *exec_in(Arena *arena, const BenchWorkSpec *spec, const char *dir, ChildResult *out)
{
    ChildSpec child = {.words = words_of(arena, spec, dir),
                       .environment = environment_of(arena, spec, path_join(arena, dir, "stats"))};
    TRY(child_run(arena, &child, out));
    return child_check(&child, out, arena_printf(arena, "'%s'", spec->command));
}

static Err *run_in(Arena *arena, const BenchWorkSpec *spec, const char *dir, BenchWork *work)
{
    SCRATCH(scratch);
    ChildResult result;
    TRY(exec_in(scratch, spec, dir, &result));
    work->counters = map_new(arena);
    work->times_ms = map_new(arena);
    work->wall_s = (double)result.wall_us * 1e-6;
    TRY(read_accounts(scratch, path_join(scratch, dir, "stats"), work));
    if (spec->valgrind != NULL) TRY(read_instructions(scratch, dir, work));
    return hash_outcome(scratch, &result, path_join(scratch, dir, "out"), work);
}

static Err *count_in(Arena *arena, const BenchWorkSpec *spec, const char *dir, BenchWork *work)
{
    ChildResult result;
    TRY(exec_in(arena, spec, dir, &result));
    return read_instructions(arena, dir, work);
}

typedef Err *RunIn(Arena *arena, const BenchWorkSpec *spec, const char *dir, BenchWork *work);

static Err *in_new_folder(Arena *arena, const BenchWorkSpec *spec, RunIn *run, BenchWork *out)
{
    SCRATCH(scratch);
    BenchWork work = {0};
    uint64_t random = 0;
    os_random(&random, sizeof random);
    const char *dir =
        arena_printf(scratch, "%s/work-%016llx", spec->scratch_dir, (unsigned long long)random);
    TRY(os_mkdir(dir));
    Err *err = run(arena, spec, dir, &work);
    Err *left = os_remove_tree(dir);
    if (err != NULL) {
        err_free(left);
        return err;
    }
    *out = work;
    return left;
}

Err *bench_work_run(Arena *arena, const BenchWorkSpec *spec, BenchWork *out)
{
    return in_new_folder(arena, spec, run_in, out);
}

Err *bench_work_instructions(const BenchWorkSpec *spec, int64_t *out)
{
    SCRATCH(scratch);
    BenchWork work;
    TRY(in_new_folder(scratch, spec, count_in, &work));
    *out = work.instructions;
    return NULL;
}

Err *bench_work_settled(Arena *arena, const BenchWorkSpec *spec, BenchWork *out)
{
    SCRATCH(scratch);
    BenchWork first;
    BenchWorkSpec plain = *spec;
    plain.valgrind = NULL;
    TRY(bench_work_run(scratch, &plain, &first));
    return bench_work_run(arena, spec, out);
}

int64_t bench_work_count(const BenchWork *work, const char *counter)
{
    const int64_t *count = map_get(&work->counters, counter);
    return count != NULL ? *count : 0;
}

double bench_work_time_ms(const BenchWork *work, const char *operation)
{
    const double *ms = map_get(&work->times_ms, operation);
    return ms != NULL ? *ms : 0;
}
