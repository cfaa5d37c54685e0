/* pond perf record and recover: a command with its spans, and the spans that a killed one left. */
#include "cli/commands.h"
#include "cli/perf_view.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- record ---- */

typedef VEC(const char *) WordVec;

/* What was said to all commands holds for the recorded one. */
static void add_global(const Cli *cli, const OptionValue *given, WordVec *words)
{
    const Option *option = given->option;
    if (option < GLOBAL_OPTIONS || option >= GLOBAL_OPTIONS + GLOBAL_OPTION_COUNT) return;
    vec_push(cli->arena, words, arena_printf(cli->arena, "--%s", option->name));
    if (option->value != NULL) vec_push(cli->arena, words, given->value);
}

/* Becomes the command, with the trace on. */
static Err *record(Cli *cli)
{
    const char *file = cli_option(cli, "output"), *level = cli_option(cli, "level");
    WordVec words = {0};
    vec_push(cli->arena, &words, "pond");
    vec_push(cli->arena, &words, "--trace-level"); /* of two the last holds */
    vec_push(cli->arena, &words, "spans");
    for (size_t i = 0; i < cli->given_count; i++) add_global(cli, &cli->given[i], &words);
    vec_push(cli->arena, &words, "--trace");
    vec_push(cli->arena, &words, file != NULL ? file : "pond.pftrace");
    if (level != NULL) {
        vec_push(cli->arena, &words, "--trace-level");
        vec_push(cli->arena, &words, level);
    }
    for (size_t i = 0; i < cli->arg_count; i++) vec_push(cli->arena, &words, cli->args[i]);
    vec_push(cli->arena, &words, NULL);
    (void)execv("/proc/self/exe", (char *const *)(uintptr_t)words.v);
    return ERR_ERRNO(errno, "run pond");
}

/* ---- recover ---- */

static void print_flight(const Cli *cli, const Flight *flight)
{
    Arena *arena = cli->arena;
    out_printf("%s%s%s\nbegun %s, process %lld, ended without saying so; %s, %llu dropped\n",
               paint(cli->color_out, "bold"),
               text_printable(arena, arena_strdup(arena, flight->command)),
               paint(cli->color_out, "reset"), time_to_second(arena, flight->begun),
               (long long)flight->pid, count_of(arena, (int64_t)flight->spans.count, "span"),
               (unsigned long long)flight->spans.dropped);
    for (size_t i = 0; i < flight->open_count; i++)
        out_printf("  %s %s, for %s\n", i == 0 ? "was in" : "      ", flight->open[i].op,
                   perf_duration_cell(arena, flight->open[i].open_ms * 1000));
}

static void flight_json(JsonOut *json, const Flight *flight, const Run *run)
{
    json_begin_object(json);
    json_key(json, "run");
    run_to_json(json, run);
    json_key(json, "open");
    json_begin_array(json);
    for (size_t i = 0; i < flight->open_count; i++) {
        json_begin_object(json);
        json_kv_str(json, "op", flight->open[i].op);
        json_key(json, "open_ms");
        json_put_double(json, flight->open[i].open_ms);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static Err *write_trace(Cli *cli, const Flight *flight, const char *path)
{
    Buf trace = buf_new(cli->arena);
    const char **layers = AARRAY(cli->arena, const char *, flight->name_count + 1);
    for (size_t i = 0; i < flight->name_count; i++) {
        int op = perf_op_by_name(flight->names[i]);
        layers[i] = op >= 0 ? perf_op_info((PerfOp)op)->layer : "";
    }
    TraceInput input = {.spans = &flight->spans,
                        .names = flight->names,
                        .layers = layers,
                        .name_count = flight->name_count,
                        .ns_per_tick = flight->ns_per_tick,
                        .start_ticks = flight->start_ticks,
                        .start_ns = flight->start_ns,
                        .pid = flight->pid,
                        .command = flight->command};
    trace_to_perfetto(&trace, &input);
    CLEANUP(os_close_at) OsFile *file = NULL;
    TRY(cli_open_output(cli, path, &file));
    return os_write(file, trace.data, trace.size);
}

/* t.pftrace, t-2.pftrace, ...: each has a file of its own. */
static const char *trace_name(Arena *arena, const char *name, size_t number)
{
    if (number == 1) return name;
    const char *slash = strrchr(name, '/'), *base = slash != NULL ? slash + 1 : name;
    const char *dot = strrchr(base, '.');
    size_t length = dot != NULL && dot > base ? (size_t)(dot - name) : strlen(name);
    return arena_printf(arena, "%.*s-%zu%s", (int)length, name, number, name + length);
}

/* The run goes into the history before the file goes, so that nothing is lost between. */
static Err *settle(Cli *cli, const Flight *flight, const Run *run, const char *pond_dir)
{
    if (pond_is_read_only(cli->pond)) return NULL;
    RunSpans spans = run_spans_of_flight(flight, run->id);
    TRY(spans_keep(pond_dir, &spans));
    TRY(history_append(pond_dir, run));
    return os_unlink_if(flight->path);
}

static Err *recover(Cli *cli)
{
    const char *output = cli_option(cli, "output");
    Pond *pond = NULL;
    Flights found;
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    TRY(cli_open_pond(cli, &pond));
    const char *dir = pond_info(pond)->dir;
    TRY(flight_recover(cli->arena, dir, !pond_is_read_only(pond), &found));
    for (size_t i = 0; i < found.set_aside_count; i++)
        log_warn("%s/history/%s is damaged and was set aside", dir, found.set_aside[i]);
    json_begin_array(&json);
    for (size_t i = 0; i < found.count; i++) {
        Run run;
        flight_to_run(cli->arena, &found.flights[i], &run);
        flight_json(&json, &found.flights[i], &run);
        if (!cli->json) print_flight(cli, &found.flights[i]);
        if (output != NULL)
            TRY(write_trace(cli, &found.flights[i], trace_name(cli->arena, output, i + 1)));
        TRY(settle(cli, &found.flights[i], &run, dir));
    }
    json_end(&json);
    if (cli->json)
        out_json(&text);
    else if (found.count == 0)
        out_printf("No process that recorded spans was killed\n");
    return NULL;
}

/* ---- in the table ---- */

static const Option RECORD_OPTIONS[] = {
    {"output", 'o', "FILE", "the trace (default pond.pftrace)"},
    {"level", 0, "LEVEL", "spans (default) or detail"},
};
static const Option RECOVER_OPTIONS[] = {
    {"output", 'o', "FILE", "a trace of it; of several FILE, FILE-2, ..."}};

const Command PERF_RECORD = {
    .name = "perf record",
    .usage = "perf record [-o FILE] [--level LEVEL] -- COMMAND...",
    .summary = "run a command with spans on and write a trace",
    .examples = "  pond perf record -o t.pftrace -- export -p '/**/*.series' -d out\n",
    .details = "The trace is for ui.perfetto.dev. Levels: off, counts, spans, detail; "
               "\"spans,os_read=1024\" also says how many calls share one time.",
    .json = "what the command prints",
    .options = RECORD_OPTIONS,
    .option_count = sizeof RECORD_OPTIONS / sizeof *RECORD_OPTIONS,
    .least_args = 1,
    .most_args = -1,
    .run = record,
};

const Command PERF_RECOVER = {
    .name = "perf recover",
    .usage = "perf recover [-o FILE]",
    .summary = "what a killed process was doing that ran with spans",
    .examples = "  pond perf recover\n"
                "  pond perf recover -o killed.pftrace\n",
    .json = "[{\"run\",\"open\":[{\"op\",\"open_ms\"}]}]",
    .options = RECOVER_OPTIONS,
    .option_count = sizeof RECOVER_OPTIONS / sizeof *RECOVER_OPTIONS,
    .run = recover,
};
