/* pond perf: what the tracker recorded of the pond's commands, from its run history; the table of
 * operations. */
#include "cli/commands.h"
#include "cli/perf_view.h"
#include "perf/ops.h"
#include "report/alarm.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- text of figures ---- */

const char *perf_duration_cell(Arena *arena, double us)
{
    if (us < 0) return "";
    if (us < 1000) return arena_printf(arena, "%.3g us", us);
    return us < 1e6 ? arena_printf(arena, "%.3g ms", us / 1000)
                    : arena_printf(arena, "%.4g s", us / 1e6);
}

const char *perf_count_cell(Arena *arena, uint64_t count)
{
    return count == 0 ? "" : count_format(arena, (int64_t)count);
}

const char *perf_size_cell(Arena *arena, uint64_t bytes)
{
    return bytes == 0 ? "" : size_format(arena, (int64_t)bytes);
}

/* ---- which runs ---- */

static Err *last_option(const Cli *cli, size_t otherwise, size_t *out)
{
    const char *text = cli_option(cli, "last");
    char *end = NULL;
    *out = otherwise;
    if (text == NULL) return NULL;
    long number = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || number < 1)
        return ERR(USAGE, "--last: a number above 0 is expected, not '%s'", text);
    *out = (size_t)number;
    return NULL;
}

static Err *read_history(Cli *cli, size_t most, History *out)
{
    Pond *pond = NULL;
    TRY(cli_open_pond(cli, &pond));
    TRY(history_read(cli->arena, pond_info(pond)->dir, most, !pond_is_read_only(pond), out));
    cli_tell_set_aside(cli, out->set_aside, out->set_aside_count);
    return NULL;
}

Err *perf_choose(Cli *cli, size_t otherwise, Chosen *out)
{
    History history;
    size_t most;
    const char *id = cli_option(cli, "run");
    TRY(last_option(cli, otherwise, &most));
    TRY(read_history(cli, id != NULL ? 0 : most, &history));
    for (size_t i = 0; id != NULL && i < history.count; i++) {
        if (strcmp(history.runs[i].id, id) != 0) continue;
        history.runs += i;
        history.count = 1;
        id = NULL;
    }
    if (id != NULL)
        return err_hint(ERR(NOT_FOUND, "no run '%s' in the history", id),
                        "pond perf runs lists them");
    if (history.count == 0)
        return err_hint(ERR(NOT_FOUND, "no run in the history yet"),
                        "commands leave one each, unless POND_HISTORY=off or the level is off");
    out->runs = history.runs;
    out->count = history.count;
    if (history.count == 1)
        out->sum = history.runs[0];
    else
        run_merge(cli->arena, history.runs, history.count, &out->sum);
    return NULL;
}

static void print_run_json(const Cli *cli, const Run *run)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    run_to_json(&json, run);
    out_json(&text);
}

void perf_print_head(const Cli *cli, const Chosen *chosen)
{
    const Run *run = &chosen->sum;
    Arena *arena = cli->arena;
    if (chosen->count > 1) {
        out_printf("%s since %s\n", count_of(arena, (int64_t)chosen->count, "run"),
                   time_to_second(arena, chosen->runs[0].begun));
    } else {
        out_printf("%s%s%s\n%s, run %s, exit %lld, level %s\n", paint(cli->color_out, "bold"),
                   text_printable(arena, arena_strdup(arena, run->command)),
                   paint(cli->color_out, "reset"), time_to_second(arena, run->begun), run->id,
                   (long long)run->status, run->level);
        if (*run->toggles_off != '\0') out_printf("switched off: %s\n", run->toggles_off);
    }
    out_printf("%s, CPU %s, peak %s", perf_duration_cell(arena, (double)run->duration_us),
               perf_duration_cell(arena, (double)(run->user_us + run->system_us)),
               size_format(arena, run->peak_bytes));
    if (run->rings > 0)
        out_printf("; %s, %s dropped, %llu of %s in memory only",
                   count_of(arena, (int64_t)run->spans, "span"),
                   count_format(arena, (int64_t)run->spans_dropped),
                   (unsigned long long)run->rings_anonymous,
                   count_of(arena, (int64_t)run->rings, "ring"));
    out_printf("\n\n");
}

/* ---- report ---- */

static void print_ops(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {"operation", "layer", "count", "total", "mean",
                                          "p50",       "p99",   "max",   "keys",  "by key"};
    static const bool RIGHT[] = {false, false, true, true, true, true, true, true, true, true};
    Arena *arena = cli->arena;
    Table *table = table_new(arena, HEADERS, RIGHT, NULL, 10);
    for (size_t i = 0; i < run->op_count; i++) {
        const RunOp *op = &run->ops[i];
        bool timed = op->timed > 0;
        const char *cells[] = {op->name,
                               op->layer,
                               count_format(arena, (int64_t)op->count),
                               timed ? perf_duration_cell(arena, op->total_ms * 1000) : "",
                               timed ? perf_duration_cell(arena, op->mean_us) : "",
                               timed ? perf_duration_cell(arena, op->p50_us) : "",
                               timed ? perf_duration_cell(arena, op->p99_us) : "",
                               timed ? perf_duration_cell(arena, op->max_us) : "",
                               perf_count_cell(arena, op->keys),
                               op->keys > 0 ? arena_printf(arena, "%.4g", op->per_key) : ""};
        table_add(table, cells);
    }
    (void)table_print(table, cli->color_out);
}

static void print_alarms(const Cli *cli, const Run *run)
{
    for (size_t i = 0; i < run->alarm_count; i++)
        out_printf("%s%salarm%s: %s; see '%s'\n", i == 0 ? "\n" : "",
                   paint(cli->color_out, "yellow"), paint(cli->color_out, "reset"),
                   alarm_format(cli->arena, &run->alarms[i]), run->alarms[i].command);
}

/* A part of the whole, with its share. */
static const char *share_cell(Arena *arena, double part_ms, double all_ms)
{
    if (part_ms <= 0 || all_ms <= 0) return "";
    return arena_printf(arena, "%s %2.0f%%", perf_duration_cell(arena, part_ms * 1000),
                        100 * part_ms / all_ms);
}

static void print_targets(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {"target",    "files",    "rows",     "total",
                                          "context",   "register", "planning", "execution",
                                          "traversal", "metadata"};
    static const bool RIGHT[] = {false, true, true, true, true, true, true, true, true, true};
    Arena *arena = cli->arena;
    Table *table = table_new(arena, HEADERS, RIGHT, NULL, 10);
    for (size_t i = 0; i < run->target_count; i++) {
        const RunTarget *target = &run->targets[i];
        double all = target->total_ms;
        const char *name = text_printable(arena, arena_strdup(arena, target->target));
        if (target->targets > 1)
            name = arena_printf(arena, "%s, %s", name,
                                count_of(arena, (int64_t)target->targets, "target"));
        const char *cells[] = {name,
                               perf_count_cell(arena, target->files),
                               target->rows < 0 ? "" : count_format(arena, target->rows),
                               perf_duration_cell(arena, all * 1000),
                               share_cell(arena, target->context_ms, all),
                               share_cell(arena, target->registration_ms, all),
                               share_cell(arena, target->planning_ms, all),
                               share_cell(arena, target->execution_ms, all),
                               share_cell(arena, target->traversal_ms, all),
                               share_cell(arena, target->metadata_ms, all)};
        table_add(table, cells);
    }
    out_printf("\n");
    (void)table_print(table, cli->color_out);
}

static void print_work(const Cli *cli, const RunWork *work)
{
    Arena *arena = cli->arena;
    out_printf("%s: %s by %s, %.2f busy on average, %llu at most; %s in %s, %s/s\n", work->name,
               count_of(arena, (int64_t)work->jobs, "job"),
               count_of(arena, (int64_t)work->threads, "worker"), work->busy_mean,
               (unsigned long long)work->busy_most,
               size_format(arena, (int64_t)work->written_bytes),
               perf_duration_cell(arena, work->wall_ms * 1000),
               size_format(arena, (int64_t)work->bytes_per_s));
}

static Err *show_report(Cli *cli)
{
    Chosen chosen;
    TRY(perf_choose(cli, 1, &chosen));
    if (cli->json) {
        print_run_json(cli, &chosen.sum);
        return NULL;
    }
    perf_print_head(cli, &chosen);
    print_ops(cli, &chosen.sum);
    if (chosen.sum.target_count > 0) print_targets(cli, &chosen.sum);
    for (size_t i = 0; i < chosen.sum.work_count; i++) print_work(cli, &chosen.sum.work[i]);
    print_alarms(cli, &chosen.sum);
    return NULL;
}

/* ---- runs ---- */

static void runs_json(const Cli *cli, const History *history)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_array(&json);
    for (size_t i = 0; i < history->count; i++) {
        const Run *run = &history->runs[i];
        json_begin_object(&json);
        json_kv_str(&json, "id", run->id);
        json_kv_str(&json, "time", time_format(cli->arena, run->begun));
        json_kv_str(&json, "command", run->command);
        if (*run->toggles_off != '\0') json_kv_str(&json, "toggles_off", run->toggles_off);
        json_kv_int(&json, "status", run->status);
        json_kv_int(&json, "duration_us", run->duration_us);
        json_kv_int(&json, "user_us", run->user_us);
        json_kv_int(&json, "system_us", run->system_us);
        json_kv_int(&json, "peak_bytes", run->peak_bytes);
        json_end(&json);
    }
    json_end(&json);
    out_json(&text);
}

/* With what was switched off, which a command line does not tell when it came from elsewhere. */
static char *command_cell(Arena *arena, const Run *run)
{
    char *command = text_printable(arena, arena_strdup(arena, run->command));
    return *run->toggles_off == '\0'
               ? command
               : arena_printf(arena, "[off: %s] %s", run->toggles_off, command);
}

static Err *show_runs(Cli *cli)
{
    static const char *const HEADERS[] = {"run", "begun", "took", "CPU", "peak", "exit", "command"};
    static const bool RIGHT[] = {false, false, true, true, true, true, false};
    static const bool EXACT[] = {true, true, true, true, true, true, false};
    Arena *arena = cli->arena;
    History history;
    size_t most;
    TRY(last_option(cli, 20, &most));
    TRY(read_history(cli, most, &history));
    if (cli->json) {
        runs_json(cli, &history);
        return NULL;
    }
    Table *table = table_new(arena, HEADERS, RIGHT, EXACT, 7);
    for (size_t i = 0; i < history.count; i++) {
        const Run *run = &history.runs[i];
        bool killed = run->status < 0;
        const char *cells[] = {
            run->id,
            time_to_second(arena, run->begun),
            perf_duration_cell(arena, (double)run->duration_us),
            killed ? "" : perf_duration_cell(arena, (double)(run->user_us + run->system_us)),
            perf_size_cell(arena, (uint64_t)run->peak_bytes),
            killed ? "killed" : arena_printf(arena, "%lld", (long long)run->status),
            command_cell(arena, run)};
        table_add(table, cells);
    }
    (void)table_print(table, cli->color_out);
    return NULL;
}

/* ---- ops ---- */

static Err *find_op(const char *name, const PerfOpInfo **out)
{
    const char *names[PERF_OP_COUNT];
    for (size_t i = 0; i < PERF_OP_COUNT; i++) {
        names[i] = perf_op_at(i)->name;
        if (strcmp(names[i], name) != 0) continue;
        *out = perf_op_at(i);
        return NULL;
    }
    const char *near = text_nearest(name, names, PERF_OP_COUNT);
    Err *err = ERR(NOT_FOUND, "no operation '%s'", name);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "pond perf ops lists them");
}

static void op_json(JsonOut *json, const PerfOpInfo *info)
{
    json_begin_object(json);
    json_kv_str(json, "name", info->name);
    json_kv_str(json, "layer", info->layer);
    json_kv_str(json, "unit", info->unit);
    json_kv_str(json, "text", info->text);
    json_kv_str(json, "details", info->details);
    json_end(json);
}

static void ops_table(const Cli *cli)
{
    static const char *const HEADERS[] = {"operation", "layer", "unit", "what"};
    Table *table = table_new(cli->arena, HEADERS, NULL, NULL, 4);
    for (size_t i = 0; i < PERF_OP_COUNT; i++) {
        const PerfOpInfo *info = perf_op_at(i);
        const char *cells[] = {info->name, info->layer, info->unit, info->text};
        table_add(table, cells);
    }
    (void)table_print(table, cli->color_out);
}

static Err *show_ops(Cli *cli)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_array(&json);
    for (size_t i = 0; i < cli->arg_count; i++) {
        const PerfOpInfo *info = NULL;
        TRY(find_op(cli->args[i], &info));
        op_json(&json, info);
        if (!cli->json)
            out_printf("%s%s%s (%s, %s)\n%s. %s\n", paint(cli->color_out, "bold"), info->name,
                       paint(cli->color_out, "reset"), info->layer, info->unit, info->text,
                       info->details);
    }
    for (size_t i = 0; cli->arg_count == 0 && i < PERF_OP_COUNT; i++) op_json(&json, perf_op_at(i));
    json_end(&json);
    if (cli->json)
        out_json(&text);
    else if (cli->arg_count == 0)
        ops_table(cli);
    return NULL;
}

/* ---- caches ---- */

/* What is not known, or nothing, stays empty. */
static const char *ratio_cell(Arena *arena, uint64_t part, uint64_t whole)
{
    if (whole == 0) return "";
    return arena_printf(arena, "%.1f%%", 100.0 * (double)part / (double)whole);
}

static const char *time_cell(Arena *arena, double us)
{
    return us > 0 ? perf_duration_cell(arena, us) : "";
}

static void print_caches(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {
        "cache",        "layer", "asked",  "hits", "misses", "ratio", "fetched", "evicted",
        "missed again", "held",  "access", "p99",  "load",   "p99",   "saved",   "what"};
    static const bool RIGHT[] = {false, false, true, true, true, true, true, true,
                                 true,  true,  true, true, true, true, true, false};
    Arena *arena = cli->arena;
    Table *table = table_new(arena, HEADERS, RIGHT, NULL, 16);
    for (size_t i = 0; i < run->cache_count; i++) {
        const RunCache *cache = &run->caches[i];
        const char *cells[] = {cache->name,
                               cache->layer,
                               count_format(arena, (int64_t)cache->asked),
                               count_format(arena, (int64_t)cache->hits),
                               count_format(arena, (int64_t)cache->misses),
                               ratio_cell(arena, cache->hits, cache->asked),
                               count_format(arena, (int64_t)cache->fetches),
                               perf_count_cell(arena, cache->evictions),
                               perf_count_cell(arena, cache->ghost_hits),
                               perf_size_cell(arena, (uint64_t)cache->held_bytes),
                               time_cell(arena, cache->access_us),
                               time_cell(arena, cache->access_p99_us),
                               time_cell(arena, cache->load_us),
                               time_cell(arena, cache->load_p99_us),
                               time_cell(arena, cache->saved_ms * 1000),
                               cache->text};
        table_add(table, cells);
    }
    (void)table_print(table, cli->color_out);
}

static Err *show_caches(Cli *cli)
{
    Chosen chosen;
    History all;
    TRY(perf_choose(cli, 1, &chosen));
    TRY(read_history(cli, 0, &all));
    run_caches_price(&chosen.sum, all.runs, all.count);
    if (cli->json) {
        chosen.sum.op_count = chosen.sum.io_count = chosen.sum.file_count = 0;
        print_run_json(cli, &chosen.sum);
        return NULL;
    }
    perf_print_head(cli, &chosen);
    print_caches(cli, &chosen.sum);
    return NULL;
}

/* ---- io ---- */

static void print_classes(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {"class", "by", "call", "calls", "bytes"};
    static const bool RIGHT[] = {false, false, false, true, true};
    Table *table = table_new(cli->arena, HEADERS, RIGHT, NULL, 5);
    for (size_t i = 0; i < run->io_count; i++) {
        const RunIo *io = &run->io[i];
        const char *cells[] = {io->class, io->origin, io->op,
                               count_format(cli->arena, (int64_t)io->calls),
                               perf_size_cell(cli->arena, io->bytes)};
        table_add(table, cells);
    }
    (void)table_print(table, cli->color_out);
}

/* Bytes read by the length of the file: 1 is once through. */
static const char *again_cell(Arena *arena, const RunFile *file)
{
    if (file->size_bytes <= 0 || file->read_bytes == 0) return "";
    return arena_printf(arena, "%.2f", (double)file->read_bytes / (double)file->size_bytes);
}

static const char *call_cell(Arena *arena, const RunFile *file)
{
    uint64_t calls = file->reads + file->writes;
    return calls == 0 ? "" : perf_duration_cell(arena, file->total_ms * 1000 / (double)calls);
}

static void print_files(const Cli *cli, const Run *run)
{
    static const char *const HEADERS[] = {"file",    "class",   "opens",   "reads",
                                          "read",    "re-read", "footers", "writes",
                                          "written", "time",    "a call"};
    static const bool RIGHT[] = {false, false, true, true, true, true,
                                 true,  true,  true, true, true};
    Arena *arena = cli->arena;
    Table *table = table_new(arena, HEADERS, RIGHT, NULL, 11);
    for (size_t i = 0; i < run->file_count; i++) {
        const RunFile *file = &run->files[i];
        const char *cells[] = {text_printable(arena, arena_strdup(arena, file->path)),
                               file->class,
                               perf_count_cell(arena, file->opens),
                               perf_count_cell(arena, file->reads),
                               perf_size_cell(arena, file->read_bytes),
                               again_cell(arena, file),
                               perf_count_cell(arena, file->footers),
                               perf_count_cell(arena, file->writes),
                               perf_size_cell(arena, file->written_bytes),
                               perf_duration_cell(arena, file->total_ms * 1000),
                               call_cell(arena, file)};
        table_add(table, cells);
    }
    (void)table_print(table, cli->color_out);
    if (run->files_left_out > 0)
        out_printf("%s of further files, counted by class only\n",
                   count_of(arena, (int64_t)run->files_left_out, "open"));
}

static Err *show_io(Cli *cli)
{
    Chosen chosen;
    TRY(perf_choose(cli, 1, &chosen));
    if (cli->json) {
        chosen.sum.op_count = chosen.sum.cache_count = 0;
        print_run_json(cli, &chosen.sum);
        return NULL;
    }
    perf_print_head(cli, &chosen);
    print_classes(cli, &chosen.sum);
    out_printf("\n");
    print_files(cli, &chosen.sum);
    return NULL;
}

/* ---- the table ---- */

#define OPTION_RUN                                                                                 \
    {                                                                                              \
        "run", 0, "ID", "the run of that id"                                                       \
    }
#define JSON_RUN                                                                                   \
    "a run {\"pond\",\"id\",\"command\",\"version\",\"host\",\"level\",\"pid\",\"begun_us\","      \
    "\"duration_us\",\"user_us\",\"system_us\",\"peak_bytes\",\"status\",\"ops\":[],"              \
    "\"caches\":[],\"io\":[],\"files\":[],\"targets\":[],\"work\":[]}"

static const Option ONE[] = {{"last", 0, "N", "the last N runs together (default 1)"}, OPTION_RUN};
static const Option MANY[] = {{"last", 0, "N", "the last N runs (default 20)"}, OPTION_RUN};
static const Command REPORT = {
    .name = "perf report",
    .usage = "perf report [--last N | --run ID]",
    .summary = "operations: how often, how long, calls by distinct key",
    .examples = "  pond perf report\n"
                "  pond perf report --last 10\n"
                "  pond perf report --run 5f1c0a9be2d34786 --json\n",
    .details = "Times of operations of unit `fine` are those of a sample. Work out of its usual "
               "range stands there, too: what is done once for each thing was done again, or a "
               "figure such as footers a file is above its median + max(4 median deviations, 5 %) "
               "over earlier runs of the same command. It is told after the command as well, in "
               "one line on stderr (not with --quiet).",
    .json = JSON_RUN,
    .options = ONE,
    .option_count = sizeof ONE / sizeof *ONE,
    .run = show_report,
};

static const Command RUNS = {
    .name = "perf runs",
    .usage = "perf runs [--last N]",
    .summary = "the commands of the past",
    .examples = "  pond perf runs\n"
                "  pond perf runs --last 50 --json\n",
    .json = "[{\"id\",\"time\",\"command\",\"status\",\"duration_us\",\"user_us\",\"system_us\","
            "\"peak_bytes\"}]",
    .options = MANY,
    .option_count = sizeof MANY / sizeof *MANY,
    .run = show_runs,
};

static const Command OPS = {
    .name = "perf ops",
    .usage = "perf ops [OPERATION...]",
    .summary = "what operations are, all or those named",
    .examples = "  pond perf ops\n"
                "  pond perf ops dir_read\n",
    .json = "[{\"name\",\"layer\",\"unit\",\"text\",\"details\"}]",
    .most_args = -1,
    .run = show_ops,
};

static const Command CACHES = {
    .name = "perf caches",
    .usage = "perf caches [--last N | --run ID]",
    .summary = "hits, and what they saved",
    .examples = "  pond perf caches\n"
                "  pond perf caches --last 10 --json\n",
    .json = JSON_RUN,
    .options = ONE,
    .option_count = sizeof ONE / sizeof *ONE,
    .run = show_caches,
};

static const Command IO = {
    .name = "perf io",
    .usage = "perf io [--last N | --run ID]",
    .summary = "calls and bytes by class and by file",
    .examples = "  pond perf io\n"
                "  pond perf io --run 5f1c0a9be2d34786\n",
    .json = JSON_RUN,
    .options = ONE,
    .option_count = sizeof ONE / sizeof *ONE,
    .run = show_io,
};

static const Command PLANS = {
    .name = "perf plans",
    .usage = "perf plans [SHAPE] [--last N | --run ID]",
    .summary = "statements: planning, pruning, pushdown, estimates",
    .examples = "  pond perf plans\n"
                "  pond perf plans 3f0c --last 50\n",
    .details =
        "The statements of the last 20 runs by shape (the text without literals), the most "
        "time first: planning, versions and columns read of those there were, the worst "
        "estimate of rows; of one SHAPE (4 digits or more) operators, phases and plans. "
        "pruned: versions were left out by their times; pushed: all conditions in scans; "
        "filtered late: not so; projected: not all columns read; misjudged: an estimate off "
        "by 10 or more. Which statements the engine profiles says --plans (POND_PLANS): "
        "auto (new and heavy ones), all (and keeps the logical and the optimized plan), off.",
    .json = "{\"run\",\"rates\":{},\"plans\":[{\"plan\",\"run\",\"begun_us\",\"logical\","
            "\"optimized\",\"physical\"}]}",
    .options = MANY,
    .option_count = sizeof MANY / sizeof *MANY,
    .most_args = 1,
    .run = perf_show_plans,
};

static const Command MODEL = {
    .name = "perf model",
    .usage = "perf model",
    .summary = "what exports are predicted with, and how far off that was",
    .examples = "  pond perf model\n"
                "  pond perf model --json\n",
    .details = "The rates were learned from the exports before.",
    .json = "{\"size_bytes\",\"shapes\",\"targets\",\"rates\":[],\"accuracy\":[],\"exports\":[]}",
    .run = perf_show_model,
};

static const Command *const VIEWS[] = {&REPORT, &RUNS,  &OPS,         &CACHES,      &IO,
                                       &PLANS,  &MODEL, &PERF_RECORD, &PERF_RECOVER};

const Command COMMAND_PERF = {
    .name = "perf",
    .usage = "perf SUB-COMMAND ...",
    .summary = "where the time went: operations, caches, files of past runs; traces",
    .examples = "  pond perf report\n"
                "  pond perf io --last 10\n"
                "  pond perf record -o t.pftrace -- export -p '/**/*.series' -d out\n",
    .details =
        "Every command on a pond that can be written leaves one record in POND/history (at most 8 "
        "MB, the oldest go; POND_HISTORY=off: none). SQL reads them all: pond_runs, pond_ops and "
        "more, see pond help tables. How much is recorded says --trace-level (POND_TRACE).",
    .json = "see pond perf SUB-COMMAND --help",
    .subs = VIEWS,
    .sub_count = sizeof VIEWS / sizeof *VIEWS,
};
