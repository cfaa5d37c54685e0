/* pond export: options in, progress, and the summary. */
#include "cli/commands.h"
#include <string.h>

static const Option OPTIONS[] = {
    {"pattern", 'p', "PATTERN", "what to export; may be given several times"},
    {"dir", 'd', "DIR", "the output folder"},
    {"temporal", 0, "PARTS",
     "year,quarter,month,day,hour,minute,second (default: chosen by resolution)"},
    {"start-time", 0, "TIME", "rows from this time on"},
    {"end-time", 0, "TIME", "rows up to this time, inclusive"},
    {"dry-run", 0, NULL, "show what would be written, write nothing"},
    {"rebuild", 0, NULL, "write everything anew and choose the partitioning again"},
};

static void on_progress(void *context, const ExportProgress *progress)
{
    progress_update(context, progress->rows_done, progress->rows_all, "rows", progress->target);
    if (progress->work_all > 0)
        progress_work(context, progress->work_done / progress->work_all, progress->predicted_s);
}

static void print_summary(Cli *cli, const ExportSummary *summary, bool dry_run)
{
    SCRATCH(scratch);
    const char *bold = paint(cli->color_out, "bold"), *reset = paint(cli->color_out, "reset");
    for (size_t i = 0; i < summary->target_count; i++) {
        const ExportTarget *target = &summary->targets[i];
        bool parted = *target->partitioning != '\0';
        out_printf("%s%s%s -> %s%s%s: %s, %s", bold, text_printable(scratch, target->source), reset,
                   text_printable(scratch, target->path), parted ? "  by " : "",
                   target->partitioning, count_of(scratch, (int64_t)target->file_count, "file"),
                   target->rows >= 0 ? count_of(scratch, target->rows, "row") : "bytes");
        if (dry_run)
            out_printf(", %s, %s", size_format(scratch, target->size_bytes),
                       about_format(scratch, target->predicted_s));
        out_printf("\n");
    }
    for (size_t i = 0; dry_run && i < summary->file_count; i++) {
        const ExportFile *file = &summary->files[i];
        out_printf("  would %-6s %s", file->action, text_printable(scratch, file->path));
        if (file->rows >= 0) out_printf("  about %s", count_of(scratch, file->rows, "row"));
        if (file->size_bytes >= 0) out_printf("  %s", size_format(scratch, file->size_bytes));
        out_printf("\n");
    }
    const char *took = dry_run ? prediction_format(scratch, &summary->prediction)
                               : duration_format(scratch, summary->duration_us);
    out_printf("%s: %s written, %s kept, %s removed; %s, %s, %s\n",
               dry_run ? "Dry run, nothing written. Files" : "Files",
               count_format(scratch, summary->written), count_format(scratch, summary->kept),
               count_format(scratch, summary->removed), count_of(scratch, summary->rows, "row"),
               size_format(scratch, summary->bytes), took);
}

static void print_prediction(JsonOut *json, const Prediction *prediction)
{
    json_key(json, "predicted");
    json_begin_object(json);
    json_kv_int(json, "duration_us", (int64_t)(prediction->seconds * 1e6));
    json_kv_int(json, "low_us", (int64_t)(prediction->low * 1e6));
    json_kv_int(json, "high_us", (int64_t)(prediction->high * 1e6));
    json_kv_str(json, "basis", basis_name(prediction->basis));
    json_kv_int(json, "runs", prediction->seen);
    json_kv_int(json, "files", (int64_t)(prediction->files + 0.5));
    json_end(json);
}

static void print_json(Cli *cli, const ExportSummary *summary, bool dry_run)
{
    Buf text = buf_new(cli->arena);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    json_kv_bool(&json, "dry_run", dry_run);
    json_kv_int(&json, "written", summary->written);
    json_kv_int(&json, "kept", summary->kept);
    json_kv_int(&json, "removed", summary->removed);
    json_kv_int(&json, "rows", summary->rows);
    json_kv_int(&json, "bytes", summary->bytes);
    json_kv_int(&json, "duration_us", summary->duration_us);
    if (dry_run) print_prediction(&json, &summary->prediction);
    json_key(&json, "targets");
    json_begin_array(&json);
    for (size_t i = 0; i < summary->target_count; i++) {
        json_begin_object(&json);
        json_kv_str(&json, "source", summary->targets[i].source);
        json_kv_str(&json, "path", summary->targets[i].path);
        json_kv_str(&json, "partitioning", summary->targets[i].partitioning);
        json_kv_int(&json, "files", (int64_t)summary->targets[i].file_count);
        json_kv_int(&json, "rows", summary->targets[i].rows);
        json_kv_int(&json, "bytes", summary->targets[i].size_bytes);
        if (dry_run)
            json_kv_int(&json, "predicted_us", (int64_t)(summary->targets[i].predicted_s * 1e6));
        json_end(&json);
    }
    json_end(&json);
    json_key(&json, "files");
    json_begin_array(&json);
    for (size_t i = 0; i < summary->file_count; i++) {
        json_begin_object(&json);
        json_kv_str(&json, "path", summary->files[i].path);
        json_kv_str(&json, "action", summary->files[i].action);
        json_kv_int(&json, "rows", summary->files[i].rows);
        json_kv_int(&json, "bytes", summary->files[i].size_bytes);
        json_end(&json);
    }
    json_end(&json);
    json_end(&json);
    out_json(&text);
}

/* -p may be repeated, and what follows without a dash are patterns too. */
static void collect_patterns(Cli *cli, ExportOptions *options)
{
    const char **patterns = AARRAY(cli->arena, const char *, cli->given_count + cli->arg_count + 1);
    for (size_t i = 0; i < cli->given_count; i++) {
        if (strcmp(cli->given[i].option->name, "pattern") == 0)
            patterns[options->pattern_count++] = cli->given[i].value;
    }
    for (size_t i = 0; i < cli->arg_count; i++) patterns[options->pattern_count++] = cli->args[i];
    options->patterns = patterns;
}

static Err *read_options(Cli *cli, ExportOptions *options)
{
    *options = (ExportOptions){.dir = cli_option(cli, "dir"),
                               .temporal = cli_option(cli, "temporal"),
                               .bounds = {TIME_MIN, TIME_MAX},
                               .dry_run = cli_flag(cli, "dry-run"),
                               .rebuild = cli_flag(cli, "rebuild"),
                               .threads = cli->threads,
                               .memory_bytes = cli->memory_bytes};
    collect_patterns(cli, options);
    if (options->pattern_count == 0)
        return err_hint(ERR(USAGE, "no pattern is given"),
                        "pond export -p '/reduced/**/*.series' -d OUT");
    if (options->dir == NULL)
        return err_hint(ERR(USAGE, "no output folder is given"), "add -d DIR");
    TRY(cli_wait_ms(cli, &options->wait_ms));
    return cli_time_span(cli, "start-time", "end-time", &options->bounds);
}

/* What the record of this run says of the export. */
static void tell_run(Cli *cli, const ExportSummary *summary)
{
    RunTarget *targets = AARRAY(cli->arena, RunTarget, summary->target_count + 1);
    for (size_t i = 0; i < summary->target_count; i++) {
        const ExportTarget *from = &summary->targets[i];
        const double *us = from->phases.us;
        targets[i] = (RunTarget){.target = from->source,
                                 .targets = 1,
                                 .files = from->file_count,
                                 .bytes = (uint64_t)from->size_bytes,
                                 .rows = from->rows,
                                 .context_ms = us[PHASE_CONTEXT] / 1000,
                                 .registration_ms = us[PHASE_REGISTRATION] / 1000,
                                 .planning_ms = us[PHASE_PLANNING] / 1000,
                                 .execution_ms = us[PHASE_EXECUTION] / 1000,
                                 .traversal_ms = us[PHASE_TRAVERSAL] / 1000,
                                 .metadata_ms = us[PHASE_METADATA] / 1000};
        for (int phase = 0; phase < PHASE_COUNT; phase++) targets[i].total_ms += us[phase] / 1000;
    }
    RunWork *work = ANEW(cli->arena, RunWork);
    *work = (RunWork){.name = "export",
                      .threads = (uint64_t)summary->work.threads,
                      .busy_most = (uint64_t)summary->work.busy_most,
                      .jobs = (uint64_t)summary->work.jobs,
                      .busy_ms = (double)summary->work.busy_us / 1000,
                      .wall_ms = (double)summary->work.wall_us / 1000,
                      .written_bytes = (uint64_t)summary->work.bytes};
    cli->targets = targets;
    cli->target_count = summary->target_count;
    cli->work = work;
    cli->work_count = 1;
}

static Err *run(Cli *cli)
{
    ExportOptions options;
    Provider *provider = NULL;
    ExportSummary summary;
    TRY(read_options(cli, &options));
    TRY(cli_open_provider(cli, true, &provider));
    TRY(cli_check_outside(cli, options.dir));
    CLEANUP(progress_end_at) Progress *progress = progress_new(cli, "export");
    engine_allow(options.dir);
    options.pond_id = pond_info(cli->pond)->pond_id;
    if (cli_keeps_history(cli)) options.history_of = pond_info(cli->pond)->dir;
    options.learns = !pond_is_read_only(cli->pond) && !toggles_any_off();
    options.progress = on_progress;
    options.context = progress;
    TRY(export_run(cli->arena, provider, &options, &summary));
    progress_end_at(&progress);
    if (!options.dry_run) tell_run(cli, &summary);
    if (cli->json)
        print_json(cli, &summary, options.dry_run);
    else if (!cli->quiet)
        print_summary(cli, &summary, options.dry_run);
    return NULL;
}

const Command COMMAND_EXPORT = {
    .name = "export",
    .usage = "export -p PATTERN... -d DIR [--temporal year,month] [--start-time T] [--end-time T] "
             "[--dry-run]",
    .summary = "write Hive-partitioned Parquet with a catalogue",
    .examples = "  pond export -p '/reduced/*/*.series' -d out --temporal year,month\n"
                "  pond export -p '/sensors/**/*.series' -d out --start-time 2024-01-01 --end-time "
                "2024-06-30\n"
                "  pond export -p '/reduced/**/*.series' -d out --dry-run\n",
    .details = "Captures of the pattern name the output folders. OUT/catalog.json lists every file "
               "with rows, time range and sha256.\n"
               "--dry-run tells files, rows, bytes and time; the last two learn from each export "
               "(pond perf model).\n"
               "A file that would not change is kept; files of earlier options are removed; files "
               "that pond did not write are never touched.",
    .json = "{\"dry_run\",\"written\",\"kept\",\"removed\",\"rows\",\"bytes\",\"duration_us\","
            "\"targets\":[...],"
            "\"files\":[...]}; with --dry-run also "
            "\"predicted\":{\"duration_us\",\"low_us\",\"high_us\",\"basis\",\"runs\",\"files\"} "
            "and predicted_us "
            "of each target",
    .options = OPTIONS,
    .option_count = sizeof OPTIONS / sizeof *OPTIONS,
    .most_args = -1,
    .run = run,
};
