/* Watching the command: what is recorded of it, and where that goes: the trace file, the table of
 * --stats, the pond's run history. None of it fails the command. */
#include "cli/cli.h"
#include "report/alarm.h"
#include <stdlib.h>
#include <string.h>

enum {
    RING_RECORDS = 1 << 13,      /* a thread: 128 KiB, in the flight recorder's file */
    RING_RECORDS_TRACE = 1 << 18 /* for a trace: 4 MiB at most, as much of it as is used */
};

struct Watch {
    TimeUs begun;
    int64_t begun_monotonic_us;
    const char *history_of; /* the pond's folder; NULL: the run is not kept */
    int64_t pond_version;
    bool perfetto;
};

static bool is_set_off(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && strcmp(value, "off") == 0;
}

bool cli_keeps_history(const Cli *cli)
{
    return cli->pond != NULL && !is_set_off("POND_HISTORY");
}

/* Only of a pond that is one: nothing is made in a folder that may become one, or is another's. */
static const char *flight_dir(const Cli *cli)
{
    OsStat stat;
    bool exists = false;
    if (cli->pond_dir == NULL || *cli->pond_dir == '\0' || is_set_off("POND_HISTORY")) return NULL;
    err_free(
        os_stat_if(arena_printf(cli->arena, "%s/log/_delta_log", cli->pond_dir), &exists, &stat));
    return exists ? cli->pond_dir : NULL;
}

static Err *start_trace(Cli *cli, const char *path)
{
    cli->watch->perfetto = text_ends(path, ".pftrace");
    return ERR_WRAP(cli_open_output(cli, path, &cli->trace), "--trace");
}

static Err *choose_plans(const Cli *cli)
{
    const char *spec = cli_option(cli, "plans"), *environment = getenv("POND_PLANS");
    bool is_kept = cli->pond_dir != NULL && *cli->pond_dir != '\0' && !is_set_off("POND_HISTORY");
    if (is_kept) perf_known_set(plans_known, (void *)(uintptr_t)cli->pond_dir);
    if (spec != NULL) return ERR_WRAP(report_plans_set(spec), "--plans");
    if (environment != NULL && *environment != '\0')
        return ERR_WRAP(report_plans_set(environment), "POND_PLANS");
    if (!is_kept && !cli->stats) perf_plans_set(PERF_PLANS_OFF); /* nobody would see them */
    return NULL;
}

Err *watch_start(Cli *cli)
{
    const char *spec = cli_option(cli, "trace-level"), *path = cli_option(cli, "trace");
    const char *environment = getenv("POND_TRACE");
    cli->watch = ANEW(cli->arena, Watch);
    cli->watch->begun = os_now();
    cli->watch->begun_monotonic_us = os_monotonic_us();
    if (spec != NULL)
        TRY(ERR_WRAP(report_levels_set(spec), "--trace-level"));
    else if (environment != NULL && *environment != '\0')
        TRY(ERR_WRAP(report_levels_set(environment), "POND_TRACE"));
    TRY(choose_plans(cli));
    PerfLevel level = perf_level();
    if (path != NULL && level < PERF_SPANS) level = PERF_SPANS;
    if (level < PERF_SPANS) return NULL;
    perf_level_set(
        PERF_COUNTS); /* rings are made with the first span: not before they are set up */
    if (path != NULL) TRY(start_trace(cli, path));
    if (cli->watch->perfetto)
        perf_rings_set(RING_RECORDS_TRACE, NULL, NULL);
    else
        flight_start(flight_dir(cli), cli->command_line, RING_RECORDS);
    perf_level_set(level);
    if (cli->trace != NULL && !cli->watch->perfetto) perf_trace_to(os_fd(cli->trace));
    return NULL;
}

/* Commands that look at the history leave none. */
void watch_before_close(Cli *cli)
{
    bool kept = cli->watch != NULL && cli->pond != NULL && !pond_is_read_only(cli->pond) &&
                perf_level() > PERF_OFF && !text_starts(cli->command->name, "perf ") &&
                !is_set_off("POND_HISTORY");
    if (!kept) return;
    cli->watch->history_of = arena_strdup(cli->arena, pond_info(cli->pond)->dir);
    cli->watch->pond_version = pond_info(cli->pond)->log_version;
}

static void alarm_json(const Cli *cli, const RunAlarm *alarm)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_key(&json, "alarm");
    json_begin_object(&json);
    json_kv_str(&json, "name", alarm->name);
    json_key(&json, "value");
    json_put_double(&json, alarm->value);
    json_key(&json, "most");
    json_put_double(&json, alarm->most);
    json_kv_int(&json, "runs", (int64_t)alarm->runs);
    json_kv_str(&json, "cause", alarm->cause);
    json_kv_str(&json, "command", alarm->command);
    json_end(&json);
    json_end(&json);
    (void)fprintf(stderr, "%s\n", text.data);
}

/* Work out of the usual range, in one line; all of it stands in the run. */
static void tell_alarms(Cli *cli, Run *run)
{
    AlarmContext context = {.pond_dir = cli->watch->history_of,
                            .pond_version = cli->watch->pond_version};
    Err *err = alarms_judge(cli->arena, &context, run);
    if (err != NULL) log_debug("work is not compared with earlier runs: %s", err_message(err));
    err_free(err);
    if (run->alarm_count == 0 || cli->quiet) return;
    (void)fflush(stdout);
    for (size_t i = 0; cli->json && i < run->alarm_count; i++) alarm_json(cli, &run->alarms[i]);
    if (cli->json) return;
    const RunAlarm *first = &run->alarms[0];
    const char *more =
        run->alarm_count == 1 ? "" : arena_printf(cli->arena, "; %zu more", run->alarm_count - 1);
    (void)fprintf(stderr, "pond: alarm: %s%s; see '%s'\n", alarm_format(cli->arena, first), more,
                  first->command);
}

static Err *write_perfetto(Cli *cli, PerfSpans *spans)
{
    TraceInput input = trace_of_process(cli->arena, spans, cli->command_line);
    Buf trace = buf_new(cli->arena);
    perf_sort_spans(spans);
    trace_to_perfetto(&trace, &input);
    if (spans->dropped > 0)
        log_warn("--trace: %llu spans did not fit and are not in the trace",
                 (unsigned long long)spans->dropped);
    return os_write(cli->trace, trace.data, trace.size);
}

static Err *close_chrome(void)
{
    perf_trace_to(-1);
    int failed = perf_trace_failed();
    return failed != 0 ? ERR_ERRNO(failed, "the trace ends early") : NULL;
}

static void end_trace(Cli *cli, PerfSpans *spans)
{
    Err *err = cli->watch->perfetto ? write_perfetto(cli, spans) : close_chrome();
    if (err != NULL) log_warn("--trace: %s", err_message(err));
    err_free(err);
    os_close_at(&cli->trace);
}

static void keep(Arena *arena, const char *pond_dir, const Run *run, const PerfSpans *spans)
{
    RunSpans kept = run_spans_of_process(arena, spans, run->id);
    Err *err = history_append(pond_dir, run);
    if (err == NULL && spans->count > 0) err = spans_keep(pond_dir, &kept);
    if (err != NULL) log_debug("the run is not kept in the history: %s", err_message(err));
    err_free(err);
}

static void keep_plans(const Cli *cli, const char *pond_dir, Run *run)
{
    Err *err = plans_keep(cli->arena, pond_dir, run);
    if (err != NULL) log_debug("plans are not kept in the history: %s", err_message(err));
    err_free(err);
}

void watch_end(Cli *cli, int status)
{
    const Watch *watch = cli->watch;
    if (watch == NULL) return;
    PerfSpans spans = {0};
    if (perf_level() >= PERF_SPANS) spans = perf_read_spans(cli->arena);
    if (cli->trace != NULL) end_trace(cli, &spans);
    const char *stats_path = getenv("POND_STATS");
    if (cli->stats || watch->history_of != NULL || stats_path != NULL) {
        RunContext context = {.command = cli->command_line,
                              .begun = watch->begun,
                              .begun_monotonic_us = watch->begun_monotonic_us,
                              .status = status,
                              .targets = cli->targets,
                              .target_count = cli->target_count,
                              .work = cli->work,
                              .work_count = cli->work_count};
        Run run;
        run_snapshot(cli->arena, &context, &run);
        if (watch->history_of != NULL) keep_plans(cli, watch->history_of, &run);
        if (watch->history_of != NULL) tell_alarms(cli, &run);
        if (cli->stats) stats_print(cli, &run);
        if (stats_path != NULL) stats_append(cli, &run, stats_path);
        if (watch->history_of != NULL) keep(cli->arena, watch->history_of, &run, &spans);
    }
    flight_end();
}

void cli_tell_set_aside(const Cli *cli, const char *const *names, size_t count)
{
    bool mended = !pond_is_read_only(cli->pond);
    for (size_t i = 0; i < count; i++)
        log_warn("%s/history/%s is damaged%s; what is whole in it is still shown",
                 pond_info(cli->pond)->dir, names[i],
                 mended ? " and was set aside as *.damaged" : "");
}

Err *cli_history_index(Cli *cli, Arena *arena, HistoryIndex *out)
{
    Pond *pond = NULL;
    TRY(cli_open_pond(cli, &pond));
    TRY(history_index(arena, pond_info(pond)->dir, !pond_is_read_only(pond), out));
    cli_tell_set_aside(cli, out->set_aside, out->set_aside_count);
    return NULL;
}
