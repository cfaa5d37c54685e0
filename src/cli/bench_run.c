/* pond bench run, baseline: the scenarios' commands against what is agreed that they take. */
#include "cli/bench.h"
#include <stdlib.h>
#include <string.h>

/* ---- what is measured, and with what ---- */

static bool is_file(const char *path)
{
    OsStat stat;
    bool exists = false;
    err_free(os_stat_if(path, &exists, &stat));
    return exists && stat.is_file;
}

/* A program in $PATH; NULL when there is none. */
static const char *program_find(Arena *arena, const char *name)
{
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, ":");
        char *path = arena_printf(arena, "%.*s/%s", (int)length, at, name);
        if (length > 0 && is_file(path)) return path;
        at += length + (at[length] == ':');
    }
    return NULL;
}

/* The library that counts allocations lies beside pond where it is built, or with its library. */
static const char *find_allocs(Arena *arena, const char *program)
{
    static const char *const PLACES[] = {"bench/allocs", "../lib/pond"};
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        char *path =
            arena_printf(arena, "%s/%s/libpond_allocs.so", path_parent(arena, program), PLACES[i]);
        if (is_file(path)) return path;
    }
    return NULL;
}

static const char *cache_dir_of(const Cli *cli)
{
    const char *given = cli_option(cli, "dir"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (given != NULL) return given;
    if (cache != NULL && *cache != '\0') return arena_printf(cli->arena, "%s/pond/bench", cache);
    return arena_printf(cli->arena, "%s/.cache/pond/bench",
                        home != NULL && *home != '\0' ? home : "/tmp");
}

/* Toggles that are off here are off for what is measured. */
static const char *const *environment_of(Arena *arena)
{
    Buf off = buf_new(arena);
    const char **words = AARRAY(arena, const char *, 2);
    for (int i = 0; i < TOGGLE_COUNT; i++)
        if (!toggle_on((Toggle)i))
            buf_printf(&off, "%s%s=off",
                       off.size > 0 ? "," : "POND_TOGGLES=", toggle_info((Toggle)i)->name);
    words[0] = off.size > 0 ? off.data : NULL;
    return words;
}

Err *bench_valgrind_option(const Cli *cli, const char **out)
{
    *out = NULL;
    if (!cli_flag(cli, "instructions")) return NULL;
    *out = program_find(cli->arena, "valgrind");
    if (*out == NULL) log_warn("valgrind is not installed: instructions are not counted");
    return NULL;
}

Err *bench_run_options(Cli *cli, BenchRun *out)
{
    char *program = NULL;
    *out = (BenchRun){.scale = {1, 1}, .seed = BENCH_SEED, .only = cli_option(cli, "only")};
    TRY(bench_scale_option(cli, &out->scale));
    if (cli_flag(cli, "quick") && cli_option(cli, "scale") != NULL)
        return ERR(USAGE, "bench: --quick and --scale exclude each other");
    if (cli_option(cli, "seed") != NULL) TRY(bench_seed_option(cli, &out->seed));
    TRY(os_absolute(cli->arena, "/proc/self/exe", &program));
    out->program = program;
    out->cache_dir = cache_dir_of(cli);
    out->environment = environment_of(cli->arena);
    out->allocs = find_allocs(cli->arena, program);
    return bench_valgrind_option(cli, &out->valgrind);
}

static const char *baselines_of(const Cli *cli)
{
    const char *given = cli_option(cli, "baselines");
    return given != NULL ? given : "bench/baselines";
}

/* Where none are kept by default there is nothing to compare with; a folder that was named must be
 * there, lest a slip of the pen be taken for a success. */
static Err *check_baselines(const Cli *cli)
{
    OsStat stat;
    bool exists = true;
    const char *given = cli_option(cli, "baselines");
    if (given != NULL) TRY(os_stat_if(given, &exists, &stat));
    return exists ? NULL : err_path(ERR(NOT_FOUND, "--baselines: no folder %s", given), given);
}

/* ---- what came out ---- */

static int64_t value_of(const BenchResult *result, const char *command, const char *name)
{
    for (size_t i = 0; i < result->count; i++)
        if (strcmp(result->counters[i].command, command) == 0 &&
            strcmp(result->counters[i].name, name) == 0)
            return result->counters[i].value;
    return 0;
}

/* Of files of the pond and the export, whoever read them. */
static int64_t read_bytes(const BenchResult *result, const char *command)
{
    int64_t sum = 0;
    for (size_t i = 0; i < result->count; i++) {
        const BenchCounter *counter = &result->counters[i];
        if (strcmp(counter->command, command) == 0 && text_starts(counter->name, "io.") &&
            text_ends(counter->name, ".read.bytes"))
            sum += counter->value;
    }
    return sum;
}

static const char *number(Arena *arena, int64_t value)
{
    return value != 0 ? count_format(arena, value) : "";
}

static void print_commands(Cli *cli, const BenchRun *run, const BenchResult *result)
{
    static const char *const HEADERS[] = {"command",  "instructions", "allocations",
                                          "engine's", "read",         "memory"};
    static const bool RIGHT[] = {false, true, true, true, true, true};
    enum { COLUMNS = sizeof HEADERS / sizeof *HEADERS };
    Table *table = table_new(cli->arena, HEADERS, RIGHT, NULL, COLUMNS);
    for (size_t i = 0; i < run->scenario->command_count; i++) {
        const char *name = run->scenario->commands[i].name;
        const char *cells[COLUMNS] = {
            name,
            number(cli->arena, value_of(result, name, "instructions")),
            number(cli->arena, value_of(result, name, "allocs.own")),
            number(cli->arena, value_of(result, name, "allocs.engine")),
            size_format(cli->arena, read_bytes(result, name)),
            size_format(cli->arena, value_of(result, name, "peak_bytes"))};
        table_add(table, cells);
    }
    table_print(table, cli->color_out);
}

static void print_change(Cli *cli, const BenchRun *run, const BenchChange *change)
{
    const char *percent = change->was != 0
                              ? arena_printf(cli->arena, " (%+.1f %%)",
                                             100 * ((double)change->now / (double)change->was - 1))
                              : "";
    out_printf("  %s%s%s %s %s: %s is %lld, was %lld%s\n",
               paint(cli->color_out, change->worse ? "red" : "green"),
               change->worse ? "worse" : "better", paint(cli->color_out, "reset"),
               run->scenario->name, change->command, change->counter, (long long)change->now,
               (long long)change->was, percent);
}

static void print_text(Cli *cli, const BenchRun *run, const BenchResult *result,
                       const BenchComparison *comparison)
{
    const char *scale = bench_scale_format(cli->arena, run->scale);
    out_printf("%s%s%s at scale %s: ", paint(cli->color_out, "bold"), run->scenario->name,
               paint(cli->color_out, "reset"), scale);
    if (!comparison->has_baseline)
        out_printf("no baseline\n");
    else if (comparison->count == 0 && comparison->other_root == NULL)
        out_printf("%zu counters as in the baseline\n", comparison->compared);
    else
        out_printf("%zu of %zu counters differ, %zu are worse\n", comparison->count,
                   comparison->compared, comparison->worse);
    if (!cli->quiet) print_commands(cli, run, result);
    if (comparison->other_root != NULL)
        out_printf("  worse %s: the pond holds something else: root %s, was %s\n",
                   run->scenario->name, result->root, comparison->other_root);
    for (size_t i = 0; i < comparison->count; i++) print_change(cli, run, &comparison->changes[i]);
    if (comparison->count > 0 && comparison->worse == 0)
        out_printf("  record what is better: pond bench baseline --update %s --scale %s\n",
                   run->scenario->name, scale);
}

static void put_changes(JsonOut *json, const BenchComparison *comparison)
{
    json_begin_array(json);
    for (size_t i = 0; i < comparison->count; i++) {
        const BenchChange *change = &comparison->changes[i];
        json_begin_object(json);
        json_kv_str(json, "command", change->command);
        json_kv_str(json, "counter", change->counter);
        json_kv_int(json, "was", change->was);
        json_kv_int(json, "now", change->now);
        json_kv_bool(json, "worse", change->worse);
        json_end(json);
    }
    json_end(json);
}

static void put_counters(JsonOut *json, const BenchRun *run, const BenchResult *result)
{
    json_begin_object(json);
    for (size_t i = 0; i < run->scenario->command_count; i++) {
        const char *command = run->scenario->commands[i].name;
        json_key(json, command);
        json_begin_object(json);
        for (size_t k = 0; k < result->count; k++)
            if (strcmp(result->counters[k].command, command) == 0)
                json_kv_int(json, result->counters[k].name, result->counters[k].value);
        json_end(json);
    }
    json_end(json);
}

static void put_scenario(Arena *arena, JsonOut *json, const BenchRun *run,
                         const BenchResult *result, const BenchComparison *comparison)
{
    json_begin_object(json);
    json_kv_str(json, "scenario", run->scenario->name);
    json_kv_str(json, "scale", bench_scale_format(arena, run->scale));
    json_kv_str(json, "root", result->root);
    json_kv_bool(json, "baseline", comparison->has_baseline);
    json_kv_bool(json, "same_pond", comparison->other_root == NULL);
    json_kv_int(json, "compared", (int64_t)comparison->compared);
    json_kv_int(json, "worse", (int64_t)comparison->worse);
    json_key(json, "changes");
    put_changes(json, comparison);
    json_key(json, "counters");
    put_counters(json, run, result);
    json_end(json);
}

/* ---- scenarios ---- */

static void on_progress(void *context, const char *what)
{
    progress_update(context, 0, 0, "", what);
}

static Err *measure(Cli *cli, BenchRun *run, BenchResult *out)
{
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, run->scenario->name);
    run->progress = on_progress;
    run->context = progress;
    return bench_run(cli->arena, run, out);
}

/* That it cannot be kept fails nothing. */
static void keep(Cli *cli, const BenchRun *run, const BenchResult *result)
{
    Err *err = bench_history_append(cli->arena, run, result);
    if (err != NULL) log_warn("the run is not kept in the history: %s", err_message(err));
    err_free(err);
}

static Err *run_scenario(Cli *cli, BenchRun *run, JsonOut *json)
{
    BenchResult result;
    BenchComparison comparison;
    TRY(measure(cli, run, &result));
    keep(cli, run, &result);
    TRY(bench_compare(cli->arena, baselines_of(cli), run, &result, &comparison));
    if (comparison.worse > 0 || comparison.other_root != NULL) cli->status = 1;
    if (cli->json)
        put_scenario(cli->arena, json, run, &result, &comparison);
    else
        print_text(cli, run, &result, &comparison);
    return NULL;
}

static Err *update_scenario(Cli *cli, BenchRun *run, JsonOut *json)
{
    BenchResult result;
    const char *dir = baselines_of(cli);
    TRY(measure(cli, run, &result));
    TRY(os_mkdirs(dir));
    TRY(bench_baseline_write(cli->arena, dir, run, &result));
    if (cli->json)
        json_put_str(json, run->scenario->name);
    else if (!cli->quiet)
        out_printf("%s/%s.tsv: %zu counters\n", dir, run->scenario->name, result.count);
    return NULL;
}

/* Each name of --only is that of a command. */
static Err *check_only(const char *only)
{
    SCRATCH(arena);
    for (const char *at = only; at != NULL; at = *at == ',' ? at + 1 : NULL) {
        char *name = arena_strndup(arena, at, strcspn(at, ","));
        bool known = false;
        for (size_t i = 0; i < BENCH_SCENARIO_COUNT; i++)
            for (size_t k = 0; k < BENCH_SCENARIOS[i].command_count; k++)
                known |= strcmp(BENCH_SCENARIOS[i].commands[k].name, name) == 0;
        if (!known)
            return err_hint(ERR(USAGE, "--only: no scenario has a command '%s'", name),
                            "pond bench list --verbose shows them");
        at += strlen(name);
    }
    return NULL;
}

static Err *each_scenario(Cli *cli, Err *(*body)(Cli *cli, BenchRun *run, JsonOut *json))
{
    BenchRun run;
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    size_t named = cli->arg_count, count = named > 0 ? named : BENCH_SCENARIO_COUNT;
    TRY(bench_run_options(cli, &run));
    TRY(check_only(run.only));
    for (size_t i = 0; i < named; i++) TRY(bench_scenario_get(cli->args[i], &run.scenario));
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        run.scenario = &BENCH_SCENARIOS[i];
        if (named > 0) TRY(bench_scenario_get(cli->args[i], &run.scenario));
        if (cli_flag(cli, "quick")) run.scale = run.scenario->quick;
        TRY(body(cli, &run, &json));
    }
    json_end(&json);
    if (cli->json) out_json(&text);
    return NULL;
}

static Err *bench_run_scenarios(Cli *cli)
{
    TRY(check_baselines(cli));
    return each_scenario(cli, run_scenario);
}

static Err *bench_baseline(Cli *cli)
{
    if (!cli_flag(cli, "update"))
        return err_hint(ERR(USAGE, "bench baseline: --update is missing"),
                        "pond bench run compares with the baselines");
    return each_scenario(cli, update_scenario);
}

/* ---- in the table ---- */

static const Option RUN_OPTIONS[] = {
    BENCH_OPTION_SCALE,
    BENCH_OPTION_QUICK,
    BENCH_OPTION_VALUES,
    {"baselines", 0, "DIR", "where they are (default bench/baselines)"},
    BENCH_OPTION_DIR,
    BENCH_OPTION_INSTRUCTIONS,
    {"only", 0, "COMMANDS", "instructions of these commands only (list,cat)"},
};

const Command BENCH_RUN = {
    .name = "bench run",
    .usage = "bench run [SCENARIO...] [--quick]",
    .summary = "do the scenarios do the work of their baselines?",
    .examples = "  pond bench run --quick\n"
                "  pond bench run noyo reduce\n"
                "  pond bench run --quick --instructions --only list,plan\n",
    .details = "Each scenario (or those named) makes its pond, once, and its commands run, each in "
               "a process of its own and with one thread; operations, calls and bytes by class of "
               "file, allocations, memory and instructions are compared with bench/baselines. More "
               "than there is the exit status 1; less is told, and pond bench baseline --update "
               "writes it down. See docs/benchmarks.md.",
    .json = "[{\"scenario\",\"scale\",\"root\",\"baseline\",\"same_pond\",\"compared\",\"worse\","
            "\"changes\":[{\"command\",\"counter\",\"was\",\"now\",\"worse\"}],\"counters\":{"
            "COMMAND:{COUNTER:VALUE}}}]",
    .options = RUN_OPTIONS,
    .option_count = sizeof RUN_OPTIONS / sizeof *RUN_OPTIONS,
    .most_args = -1,
    .run = bench_run_scenarios,
};

static const Option BASELINE_OPTIONS[] = {
    {"update", 0, NULL, "without it nothing is written"},
    BENCH_OPTION_SCALE,
    BENCH_OPTION_QUICK,
    BENCH_OPTION_VALUES,
    {"baselines", 0, "DIR", "where they are (default bench/baselines)"},
    BENCH_OPTION_DIR,
    BENCH_OPTION_INSTRUCTIONS,
    {"only", 0, "COMMANDS", "instructions of these commands only (list,cat)"},
};

const Command BENCH_BASELINE = {
    .name = "bench baseline",
    .usage = "bench baseline --update [SCENARIO...] [--quick]",
    .summary = "what the scenarios do now becomes their baseline",
    .examples = "  pond bench baseline --update --quick\n"
                "  pond bench baseline --update noyo\n",
    .details = "Counters that are not measured, such as instructions without --instructions, and "
               "other scales stay as they are.",
    .json = "[SCENARIO]: names",
    .options = BASELINE_OPTIONS,
    .option_count = sizeof BASELINE_OPTIONS / sizeof *BASELINE_OPTIONS,
    .most_args = -1,
    .run = bench_baseline,
};
