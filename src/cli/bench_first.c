/* pond bench first: what a newcomer waits for and has to type. */
#include "cli/bench.h"

enum { README_MAX = 1 << 20, TIMES = 5, TIMES_MAX = 1000 };

static void on_progress(void *context, const char *what)
{
    progress_update(context, 0, 0, "", what);
}

/* 0 where there is no README. */
static Err *steps_of(Cli *cli, size_t *out)
{
    const char *file = cli_option(cli, "readme");
    char *text = NULL;
    size_t size = 0;
    TRY(os_read_file_if(cli->arena, file != NULL ? file : "README.md", README_MAX, &text, &size));
    if (text == NULL && file != NULL)
        return err_path(ERR(NOT_FOUND, "%s: no such file", file), file);
    *out = text != NULL ? bench_steps(text) : 0;
    return NULL;
}

static void print_json(const BenchFirst *first, size_t count, size_t steps)
{
    SCRATCH(arena);
    Buf text = buf_new(arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_int(&json, "steps", (int64_t)steps);
    json_key(&json, "commands");
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(&json);
        json_kv_str(&json, "command", first[i].words);
        json_kv_int(&json, "first_us", first[i].first_us);
        json_kv_int(&json, "all_us", first[i].all_us);
        if (first[i].instructions > 0) json_kv_int(&json, "instructions", first[i].instructions);
        json_end(&json);
    }
    json_end(&json);
    json_end(&json);
    out_json(&text);
}

static const char *in_ms(Arena *arena, int64_t us)
{
    return arena_printf(arena, "%.1f ms", (double)us / 1000);
}

static void print_text(Cli *cli, const BenchFirst *first, size_t count, size_t steps)
{
    static const char *const HEADERS[] = {"first byte", "all", "instructions", "command"};
    static const bool RIGHT[] = {true, true, true, false};
    enum { COLUMNS = sizeof HEADERS / sizeof *HEADERS };
    Table *table = table_new(cli->arena, HEADERS, RIGHT, NULL, COLUMNS);
    for (size_t i = 0; i < count; i++) {
        const char *cells[COLUMNS] = {
            in_ms(cli->arena, first[i].first_us), in_ms(cli->arena, first[i].all_us),
            first[i].instructions > 0 ? count_format(cli->arena, first[i].instructions) : "",
            arena_printf(cli->arena, "pond %s", first[i].words)};
        table_add(table, cells);
    }
    table_print(table, cli->color_out);
    if (steps > 0)
        out_printf("%s from a clone to the first exported files\n",
                   count_of(cli->arena, (int64_t)steps, "command"));
}

static Err *bench_first_experience(Cli *cli)
{
    BenchRun run;
    BenchFirst *first = NULL;
    size_t times = TIMES, count = 0, steps = 0;
    TRY(bench_run_options(cli, &run));
    TRY(bench_count_option(cli, "times", 1, TIMES_MAX, &times));
    TRY(steps_of(cli, &steps));
    TRY(bench_scenario_get("small", &run.scenario));
    if (cli_flag(cli, "quick")) run.scale = run.scenario->quick;
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "first");
    run.progress = on_progress;
    run.context = progress;
    TRY(bench_first(cli->arena, &run, times, &first, &count));
    progress_end_at(&progress);
    if (cli->json)
        print_json(first, count, steps);
    else
        print_text(cli, first, count, steps);
    return NULL;
}

/* ---- in the table ---- */

static const Option FIRST_OPTIONS[] = {
    {"times", 0, "N", "the median of N runs of each (default 5)"},
    {"readme", 0, "FILE", "whose commands are counted (default README.md)"},
    BENCH_OPTION_SCALE,
    BENCH_OPTION_QUICK,
    BENCH_OPTION_VALUES,
    BENCH_OPTION_DIR,
    BENCH_OPTION_INSTRUCTIONS,
};

const Command BENCH_FIRST = {
    .name = "bench first",
    .usage = "bench first [--quick] [--times N]",
    .summary = "how long a newcomer waits for the first byte of each command",
    .examples = "  pond bench first\n"
                "  pond bench first --quick --times 3\n",
    .details = "And how many commands README.md has up to the first export.",
    .json = "{\"steps\",\"commands\":[{\"command\",\"first_us\",\"all_us\",\"instructions\"}]}",
    .options = FIRST_OPTIONS,
    .option_count = sizeof FIRST_OPTIONS / sizeof *FIRST_OPTIONS,
    .run = bench_first_experience,
};
