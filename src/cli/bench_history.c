/* pond bench history: where what runs took changed its level. */
#include "cli/bench.h"
#include <string.h>

static double mean_of(const BenchSeries *series, size_t begin, size_t end)
{
    double sum = 0;
    for (size_t i = begin; i < end; i++) sum += series->points[i].value;
    return end > begin ? sum / (double)(end - begin) : 0;
}

/* The level before and after the change, each to the next one. */
typedef struct Level {
    double was, now;
    const BenchPoint *first; /* of the new level */
    bool other_machine;
} Level;

static Level level_at(const BenchSeries *series, size_t change)
{
    size_t at = series->changes[change];
    size_t begin = change > 0 ? series->changes[change - 1] : 0;
    size_t end = change + 1 < series->change_count ? series->changes[change + 1] : series->count;
    return (Level){.was = mean_of(series, begin, at),
                   .now = mean_of(series, at, end),
                   .first = &series->points[at],
                   .other_machine =
                       strcmp(series->points[at].machine, series->points[at - 1].machine) != 0};
}

static bool is_wanted(const Cli *cli, const BenchSeries *series)
{
    for (size_t i = 0; i < cli->arg_count; i++)
        if (strcmp(cli->args[i], series->scenario) == 0) return true;
    return cli->arg_count == 0;
}

static void put_change(JsonOut *json, const Level *level)
{
    json_begin_object(json);
    json_kv_int(json, "time_us", level->first->time);
    json_key(json, "was");
    json_put_double(json, level->was);
    json_key(json, "now");
    json_put_double(json, level->now);
    json_kv_bool(json, "other_machine", level->other_machine);
    json_kv_str(json, "machine", level->first->machine);
    json_end(json);
}

static void put_series(JsonOut *json, const BenchSeries *series)
{
    json_begin_object(json);
    json_kv_str(json, "scenario", series->scenario);
    json_kv_str(json, "scale", series->scale);
    json_kv_str(json, "command", series->command);
    json_kv_str(json, "measure", series->measure);
    json_kv_int(json, "runs", (int64_t)series->count);
    json_key(json, "changes");
    json_begin_array(json);
    for (size_t i = 0; i < series->change_count; i++) {
        Level level = level_at(series, i);
        put_change(json, &level);
    }
    json_end(json);
    json_end(json);
}

static void print_series(Cli *cli, const BenchSeries *series)
{
    for (size_t i = 0; i < series->change_count; i++) {
        Level level = level_at(series, i);
        out_printf("%s  %s at scale %s, %s, %s: %.6g, was %.6g (%+.1f %%)%s%s\n",
                   time_to_second(cli->arena, level.first->time), series->scenario, series->scale,
                   series->command, series->measure, level.now, level.was,
                   level.was != 0 ? 100 * (level.now / level.was - 1) : 0.0,
                   level.other_machine ? "; another machine: " : "",
                   level.other_machine ? level.first->machine : "");
    }
}

static Err *bench_history(Cli *cli)
{
    BenchRun run;
    BenchHistory history;
    size_t shown = 0, changes = 0;
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    TRY(bench_run_options(cli, &run));
    for (size_t i = 0; i < cli->arg_count; i++)
        TRY(bench_scenario_get(cli->args[i], &run.scenario));
    TRY(bench_history_read(cli->arena, run.cache_dir, &history));
    if (history.damaged > 0)
        log_warn("%s of the history could not be read",
                 count_of(cli->arena, (int64_t)history.damaged, "line"));
    json_begin_array(&json);
    for (size_t i = 0; i < history.count; i++) {
        const BenchSeries *series = history.series[i];
        if (!is_wanted(cli, series)) continue;
        shown++;
        changes += series->change_count;
        if (cli->json)
            put_series(&json, series);
        else
            print_series(cli, series);
    }
    json_end(&json);
    if (cli->json)
        out_json(&text);
    else
        out_printf("%zu series, %s\n", shown, count_of(cli->arena, (int64_t)changes, "change"));
    return NULL;
}

/* ---- in the table ---- */

static const Option HISTORY_OPTIONS[] = {
    BENCH_OPTION_DIR,
};

const Command BENCH_HISTORY = {
    .name = "bench history",
    .usage = "bench history [SCENARIO...]",
    .summary = "where past runs of bench run changed their level",
    .examples = "  pond bench history\n"
                "  pond bench history noyo --json\n",
    .details = "Of time, memory, allocations and instructions of each command; and whether the "
               "machine changed, too.",
    .json = "[{\"scenario\",\"scale\",\"command\",\"measure\",\"runs\",\"changes\":[{\"time_us\","
            "\"was\",\"now\",\"other_machine\",\"machine\"}]}]",
    .options = HISTORY_OPTIONS,
    .option_count = sizeof HISTORY_OPTIONS / sizeof *HISTORY_OPTIONS,
    .most_args = -1,
    .run = bench_history,
};
