/* pond bench toggles: the optimisations that can be switched off, and what each is worth. */
#include "bench/worth.h"
#include "cli/bench.h"
#include <string.h>

/* ---- the list ---- */

static void list_json(void)
{
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    json_begin_array(&json);
    for (int i = 0; i < TOGGLE_COUNT; i++) {
        const ToggleInfo *info = toggle_info((Toggle)i);
        json_begin_object(&json);
        json_kv_str(&json, "name", info->name);
        json_kv_str(&json, "module", info->module);
        json_kv_bool(&json, "on", toggle_on((Toggle)i));
        json_kv_str(&json, "shows", info->shows);
        json_kv_str(&json, "text", info->text);
        json_kv_str(&json, "details", info->details);
        json_end(&json);
    }
    json_end(&json);
    out_json(&text);
}

static void list_text(const Cli *cli)
{
    static const char *const HEADERS[] = {"toggle", "", "module", "off, more", "what it is"};
    static const bool EXACT[] = {true, true, true, true, false};
    Table *table = table_new(cli->arena, HEADERS, NULL, EXACT, 5);
    for (int i = 0; i < TOGGLE_COUNT; i++) {
        const ToggleInfo *info = toggle_info((Toggle)i);
        table_add(table, (const char *const[]){info->name, toggle_on((Toggle)i) ? "on" : "off",
                                               info->module, info->shows, info->text});
    }
    (void)table_print(table, cli->color_out);
}

/* ---- what each is worth ---- */

static const char *kind_name(WorthKind kind)
{
    switch (kind) {
    case WORTH_NOTHING: return "nothing";
    case WORTH_WORK: return "work";
    case WORTH_TIME: return "time";
    case WORTH_COSTS: return "costs";
    }
    return "";
}

static void put_worth(JsonOut *json, const Worth *worth)
{
    const ToggleInfo *info = toggle_info(worth->toggle);
    json_begin_object(json);
    json_kv_str(json, "name", info->name);
    json_kv_str(json, "shows", info->shows);
    json_kv_int(json, "on", worth->on);
    json_kv_int(json, "off", worth->off);
    json_kv_bool(json, "same_output", worth->same_output);
    json_kv_str(json, "worth", kind_name(worth->kind));
    if (worth->instructions_on > 0) {
        json_kv_int(json, "instructions_on", worth->instructions_on);
        json_kv_int(json, "instructions_off", worth->instructions_off);
    }
    if (worth->is_timed) {
        json_kv_str(json, "verdict", verdict_name(worth->times.verdict));
        json_key(json, "ratio");
        json_put_double(json, worth->times.ratio);
        json_kv_int(json, "pairs", (int64_t)worth->times.pairs);
    }
    json_end(json);
}

static void worth_json(const Worth *worths, size_t count)
{
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) put_worth(&json, &worths[i]);
    json_end(&json);
    out_json(&text);
}

static const char *said_of(const Worth *worth)
{
    if (!worth->same_output) return "OTHER OUTPUT";
    switch (worth->kind) {
    case WORTH_NOTHING: return "does not pay here";
    case WORTH_WORK: return worth->is_timed ? "less work, no time" : "pays";
    case WORTH_TIME: return "pays";
    case WORTH_COSTS: return "costs time";
    }
    return "";
}

static const char *ratio_text(Arena *arena, int64_t on, int64_t off)
{
    if (on == off) return "";
    return on == 0 ? "new" : arena_printf(arena, "%.2f", (double)off / (double)on);
}

static void worth_text(Cli *cli, const Worth *worths, size_t count)
{
    enum { COLUMNS = 8 };
    static const char *const HEADERS[COLUMNS] = {"toggle", "counter",      "on",   "off",
                                                 "off/on", "instructions", "time", "worth"};
    static const bool RIGHT[COLUMNS] = {false, false, true, true, true, true, true, false};
    static const bool EXACT[COLUMNS] = {true, true, true, true, true, true, true, true};
    Arena *arena = cli->arena;
    Table *table = table_new(arena, HEADERS, RIGHT, EXACT, COLUMNS);
    for (size_t i = 0; i < count; i++) {
        const Worth *worth = &worths[i];
        const ToggleInfo *info = toggle_info(worth->toggle);
        const char *cells[COLUMNS] = {
            info->name,
            info->shows,
            count_format(arena, worth->on),
            count_format(arena, worth->off),
            ratio_text(arena, worth->on, worth->off),
            worth->instructions_on > 0
                ? arena_printf(arena, "%.3f",
                               (double)worth->instructions_off / (double)worth->instructions_on)
                : "",
            worth->is_timed ? arena_printf(arena, "%.3f", worth->times.ratio) : "",
            said_of(worth)};
        table_add(table, cells);
    }
    (void)table_print(table, cli->color_out);
}

/* ---- the workload ---- */

/* 'it'\''s' */
static void put_word(Buf *line, const char *word)
{
    buf_puts(line, " '");
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            buf_puts(line, "'\\''");
        else
            buf_putc(line, *word);
    }
    buf_putc(line, '\'');
}

/* A scenario as one line: its commands on a copy of its pond that is made anew each time. */
static Err *scenario_line(Cli *cli, const char *name, const char *dir, char **out)
{
    BenchRun run;
    const char *pond = NULL;
    Buf line = buf_new(cli->arena);
    TRY(bench_run_options(cli, &run));
    TRY(bench_scenario_get(name, &run.scenario));
    if (cli_flag(cli, "quick")) run.scale = run.scenario->quick;
    TRY(bench_pond_kept(cli->arena, &run, &pond));
    buf_puts(&line, "cd");
    put_word(&line, dir);
    buf_puts(&line, " && rm -rf pond tmp && mkdir pond tmp && cp -al");
    put_word(&line, path_join(cli->arena, pond, "blobs"));
    put_word(&line, path_join(cli->arena, pond, "log"));
    buf_puts(&line, " pond/ && export POND=pond POND_HISTORY=off TMPDIR=tmp TZ=UTC LC_ALL=C.UTF-8");
    for (size_t i = 0; i < run.scenario->command_count; i++) {
        const BenchCommand *command = &run.scenario->commands[i];
        size_t count = 0;
        const char **words = bench_words(cli->arena, command, "{out}", &count);
        buf_puts(&line, command->cold ? " && rm -rf pond/cache &&" : " &&");
        put_word(&line, run.program);
        buf_puts(&line, " --quiet --progress none");
        for (size_t w = 0; w < count; w++) put_word(&line, words[w]);
    }
    *out = line.data;
    return NULL;
}

static Err *read_command(Cli *cli, const char *scratch_dir, const char **out)
{
    const char *scenario = cli_option(cli, "scenario");
    *out = cli_option(cli, "command");
    if ((*out == NULL) == (scenario == NULL))
        return err_hint(ERR(USAGE, "bench toggles: what is to be measured?"),
                        "give --scenario NAME, --command CMD, or --list");
    if (scenario == NULL) return NULL;
    char *line = NULL;
    const char *dir = path_join(cli->arena, scratch_dir, "scenario");
    TRY(os_mkdir(dir));
    TRY(scenario_line(cli, scenario, dir, &line));
    *out = line;
    return NULL;
}

static Err *read_toggles(const Cli *cli, Toggle *toggles, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < cli->arg_count; i++) {
        int toggle = toggle_by_name(cli->args[i], strlen(cli->args[i]));
        if (toggle < 0) {
            SCRATCH(scratch);
            return toggles_check("bench toggles", arena_printf(scratch, "%s=off", cli->args[i]));
        }
        toggles[(*count)++] = (Toggle)toggle;
    }
    for (int i = 0; cli->arg_count == 0 && i < TOGGLE_COUNT; i++) toggles[(*count)++] = (Toggle)i;
    return NULL;
}

static void on_progress(void *context, Toggle toggle, size_t pairs)
{
    progress_update(context, (int64_t)pairs, 0, "pairs", toggle_info(toggle)->name);
}

static Err *measure(Cli *cli)
{
    enum { PAIRS_DEFAULT = 40 };
    WorthSpec spec = {.rule.most_pairs = PAIRS_DEFAULT,
                      .work_only = cli_flag(cli, "work"),
                      .progress = on_progress};
    Toggle *toggles = AARRAY(cli->arena, Toggle, TOGGLE_COUNT + cli->arg_count);
    size_t count;
    BenchRun run;
    TRY(read_toggles(cli, toggles, &count));
    TRY(bench_run_options(cli, &run));
    spec.valgrind = run.valgrind;
    os_random(&spec.seed, sizeof spec.seed); /* of the order in pairs */
    TRY(bench_count_option(cli, "pairs", 8, 230, &spec.rule.most_pairs));
    TRY(cli_duration(cli, "cap", &spec.cap_us));
    TRY(cli_temp_dir(cli, &spec.scratch_dir));
    TRY(read_command(cli, spec.scratch_dir, &spec.command));
    Worth *worths = AARRAY(cli->arena, Worth, count);
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "measuring");
    spec.context = progress;
    TRY(worth_measure(cli->arena, &spec, toggles, count, worths));
    progress_end_at(&progress);
    if (cli->json)
        worth_json(worths, count);
    else
        worth_text(cli, worths, count);
    for (size_t i = 0; i < count; i++)
        if (!worths[i].same_output) cli->status = 1;
    return NULL;
}

static Err *bench_toggles(Cli *cli)
{
    if (!cli_flag(cli, "list")) return measure(cli);
    if (cli->json)
        list_json();
    else
        list_text(cli);
    return NULL;
}

/* ---- in the table ---- */

static const Option TOGGLES_OPTIONS[] = {
    {"list", 0, NULL, "only their names and what they are"},
    {"scenario", 0, "NAME", "measure all commands of the scenario"},
    {"command", 0, "CMD", "measure this command, for /bin/sh"},
    {"work", 0, NULL, "only counters, no times"},
    {"pairs", 0, "N", "at most N pairs (default 40)"},
    BENCH_OPTION_CAP,
    BENCH_OPTION_SCALE,
    BENCH_OPTION_QUICK,
    BENCH_OPTION_VALUES,
    BENCH_OPTION_DIR,
    BENCH_OPTION_INSTRUCTIONS,
};

const Command BENCH_TOGGLES = {
    .name = "bench toggles",
    .usage = "bench toggles (--list | --scenario NAME | --command CMD) [TOGGLE...]",
    .summary = "what each optimisation is worth",
    .examples = "  pond bench toggles --list\n"
                "  pond bench toggles --scenario noyo --quick\n"
                "  pond bench toggles --command 'pond list /' --work dir_memo\n",
    .details = "With each toggle off (or those named): its counter, and the time of off to on in "
               "pairs; outputs must be the same, else the exit status is 1. See docs/toggles.md.",
    .json = "[{\"name\",\"shows\",\"on\",\"off\",\"same_output\",\"worth\",\"instructions_on\","
            "\"instructions_off\",\"verdict\",\"ratio\",\"pairs\"}]",
    .options = TOGGLES_OPTIONS,
    .option_count = sizeof TOGGLES_OPTIONS / sizeof *TOGGLES_OPTIONS,
    .most_args = -1,
    .run = bench_toggles,
};
