/* pond bench list, make: the scenarios and their ponds. */
#include "cli/bench.h"
#include <string.h>

Err *bench_scale_option(const Cli *cli, BenchScale *out)
{
    const char *text = cli_option(cli, "scale");
    return text != NULL ? bench_scale_parse(text, out) : NULL;
}

/* ---- list ---- */

static void list_json(void)
{
    SCRATCH(arena);
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    json_begin_array(&json);
    for (size_t i = 0; i < BENCH_SCENARIO_COUNT; i++) {
        const BenchScenario *scenario = &BENCH_SCENARIOS[i];
        json_begin_object(&json);
        json_kv_str(&json, "name", scenario->name);
        json_kv_str(&json, "text", scenario->text);
        json_key(&json, "commands");
        json_begin_array(&json);
        for (size_t k = 0; k < scenario->command_count; k++) {
            json_begin_object(&json);
            json_kv_str(&json, "name", scenario->commands[k].name);
            json_kv_str(&json, "words", scenario->commands[k].words);
            json_kv_bool(&json, "cold", scenario->commands[k].cold);
            json_end(&json);
        }
        json_end(&json);
        json_end(&json);
    }
    json_end(&json);
    out_json(&text);
}

static Err *bench_list(Cli *cli)
{
    if (cli->json) {
        list_json();
        return NULL;
    }
    if (cli_flag(cli, "names")) {
        for (size_t i = 0; i < BENCH_SCENARIO_COUNT; i++)
            out_printf("%s\n", BENCH_SCENARIOS[i].name);
        return NULL;
    }
    for (size_t i = 0; i < BENCH_SCENARIO_COUNT; i++) {
        const BenchScenario *scenario = &BENCH_SCENARIOS[i];
        out_printf("%s%-10s%s %s\n", paint(cli->color_out, "bold"), scenario->name,
                   paint(cli->color_out, "reset"), scenario->text);
        for (size_t k = 0; cli->verbose && k < scenario->command_count; k++)
            out_printf("    %-14s pond %s\n", scenario->commands[k].name,
                       scenario->commands[k].words);
    }
    return NULL;
}

/* ---- make ---- */

static void on_progress(void *context, int64_t done, int64_t all)
{
    progress_update(context, done, all, "versions", NULL);
}

typedef struct PondSpec {
    const BenchScenario *scenario;
    BenchScale scale;
    uint64_t seed;
    const char *dir;
} PondSpec;

static Err *fill(Cli *cli, const PondSpec *spec, BenchMade *out)
{
    PondOptions options = {.command = "pond init", .allow_network_fs = false};
    BenchMake make = {.scenario = spec->scenario,
                      .scale = spec->scale,
                      .seed = spec->seed,
                      .progress = on_progress};
    TRY(pond_init(spec->dir, "bench", &options));
    cli->pond_dir = spec->dir;
    TRY(cli_open_provider(cli, true, &make.provider));
    make.pond = cli->pond;
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "make");
    make.context = progress;
    return bench_make(&make, out);
}

/* In `dir`, which is absent or empty; the pond is left open in `cli`. Nothing stays of it when it
 * fails. */
static Err *make(Cli *cli, const PondSpec *spec, BenchMade *out)
{
    bench_begin(spec->seed);
    Err *err = fill(cli, spec, out);
    bench_end();
    if (err != NULL && err_code(err) != ERR_POND_EXISTS && cli->pond != NULL)
        err_free(os_remove_tree(spec->dir));
    return err;
}

static Err *bench_make_pond(Cli *cli)
{
    PondSpec spec = {.scale = {1, 1}, .seed = BENCH_SEED};
    BenchMade made;
    TRY(bench_scenario_get(cli->args[0], &spec.scenario));
    TRY(bench_scale_option(cli, &spec.scale));
    if (cli_option(cli, "seed") != NULL) TRY(bench_seed_option(cli, &spec.seed));
    spec.dir = cli->args[1];
    TRY(make(cli, &spec, &made));
    if (cli->json) {
        out_printf("{\"commits\":%lld,\"versions\":%lld,\"rows\":%lld}\n", (long long)made.commits,
                   (long long)made.versions, (long long)made.rows);
        return NULL;
    }
    if (!cli->quiet)
        out_printf("%s: %s, %s, %s\n", spec.dir, count_of(cli->arena, made.commits, "commit"),
                   count_of(cli->arena, made.versions, "version"),
                   count_of(cli->arena, made.rows, "row"));
    return NULL;
}

/* ---- in the table ---- */

static const Option LIST_OPTIONS[] = {
    {"names", 0, NULL, "only the names, one a line"},
};

const Command BENCH_LIST = {
    .name = "bench list",
    .usage = "bench list [--names]",
    .summary = "the scenarios, with what is in them",
    .examples = "  pond bench list\n"
                "  pond bench list --verbose\n",
    .details = "With --verbose their commands, too.",
    .json = "[{\"name\",\"text\",\"commands\":[{\"name\",\"words\",\"cold\"}]}]",
    .options = LIST_OPTIONS,
    .option_count = sizeof LIST_OPTIONS / sizeof *LIST_OPTIONS,
    .run = bench_list,
};

static const Option MAKE_OPTIONS[] = {
    BENCH_OPTION_SCALE,
    BENCH_OPTION_VALUES,
};

const Command BENCH_MAKE = {
    .name = "bench make",
    .usage = "bench make SCENARIO DIR [--scale N] [--seed N]",
    .summary = "a new pond with what a scenario holds",
    .examples = "  pond bench make noyo /tmp/noyo\n"
                "  pond bench make small /tmp/small --scale 1/10 --seed 7\n",
    .details = "What it holds follows from scenario, seed and scale alone, so that pond fsck gives "
               "the same root on every machine.",
    .json = "{\"commits\",\"versions\",\"rows\"}",
    .options = MAKE_OPTIONS,
    .option_count = sizeof MAKE_OPTIONS / sizeof *MAKE_OPTIONS,
    .least_args = 2,
    .most_args = 2,
    .run = bench_make_pond,
};
