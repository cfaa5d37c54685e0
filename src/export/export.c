/* The export from beginning to end.
 *
 *   targets  →  lock OUT  →  complete what a crash left  →  materialise  →  partition  →  write
 * into staging  →  compare  →  publish
 *
 * What the user got wrong shows before OUT is touched. Until the redo record is durable any failure
 * leaves OUT as it was, but for OUT/.pond/lock; a folder that this run made itself goes again.
 * Spans: "staging" while files are written, then those of publish.c. */
#include "export/publish_int.h"
#include "perf/ops.h"
#include <string.h>

typedef struct Run {
    Arena *arena;
    const ExportCall *call;
    Target *targets;
    OutDir out;
    Manifest old;
    JobPool pool;
    Estimate estimate;
} Run;

/* ---- what has been written, as the manifest has it ---- */

static ManifestFile file_of(Arena *arena, const Part *part)
{
    ManifestFile file = {.path = part->path,
                         .keys = part->keys,
                         .staged = arena_printf(arena, ".pond/staging/%zu", part->number),
                         .rows = part->written.rows,
                         .state = part->state,
                         .has_range = part->written.has_range,
                         .range = part->written.range};
    memcpy(file.sha256, part->sha256, sizeof file.sha256);
    const char *fingerprint = part_fingerprint(arena, part);
    memcpy(file.fingerprint, fingerprint, strlen(fingerprint) + 1);
    return file;
}

static ManifestTarget manifest_target_of(Arena *arena, const ExportCall *call, const Target *target)
{
    const ExportInput *input = target->input;
    ManifestTarget entry = {.pond = call->options->pond_id,
                            .pattern = input->pattern,
                            .source = input->source,
                            .path = target->path,
                            .captures = input->captures,
                            .capture_count = input->capture_count,
                            .raw = input->rel == NULL,
                            .temporal = call->options->temporal,
                            .bounds = call->options->bounds,
                            .partitioning = parts_text(arena, &target->parts),
                            .files = AARRAY(arena, ManifestFile, target->files.n)};
    if (input->rel != NULL) entry.schema = *rel_schema(input->rel);
    const char *fingerprint =
        input->rel != NULL ? rel_fingerprint(input->rel) : input->raw_fingerprint;
    memcpy(entry.fingerprint, fingerprint, strlen(fingerprint) + 1);
    for (size_t i = 0; i < target->files.n; i++)
        if (!target->files.v[i]->empty)
            entry.files[entry.file_count++] = file_of(arena, target->files.v[i]);
    return entry;
}

/* ---- the summary ---- */

static void sum_target(const ManifestTarget *from, ExportTarget *to, ExportSummary *summary)
{
    *to = (ExportTarget){.source = from->source,
                         .path = from->path,
                         .partitioning = from->partitioning,
                         .file_count = from->file_count};
    for (size_t i = 0; i < from->file_count; i++) {
        if (!from->raw) to->rows += from->files[i].rows;
        to->size_bytes += from->files[i].state.size_bytes;
    }
    summary->rows += to->rows;
    if (from->raw) to->rows = -1;
    summary->bytes += to->size_bytes;
}

static void summarize(Arena *arena, const ManifestTargetVec *targets, ExportSummary *summary)
{
    summary->targets = AARRAY(arena, ExportTarget, targets->n);
    summary->target_count = targets->n;
    for (size_t i = 0; i < targets->n; i++)
        sum_target(&targets->v[i], &summary->targets[i], summary);
}

static void summarize_diff(const Diff *diff, ExportSummary *summary)
{
    summary->files = diff->files;
    summary->file_count = diff->file_count;
    summary->written = diff->written;
    summary->kept = diff->kept;
    summary->removed = diff->removed;
    perf_add(PERF_export_file_written, (uint64_t)diff->written);
    perf_add(PERF_export_file_kept, (uint64_t)diff->kept);
    perf_add(PERF_export_file_removed, (uint64_t)diff->removed);
}

static DiffInput diff_input(const Run *run)
{
    const ExportOptions *options = run->call->options;
    DiffInput input = {.out = &run->out,
                       .old = &run->old,
                       .patterns = options->patterns,
                       .pattern_count = options->pattern_count,
                       .pond_id = options->pond_id};
    for (size_t i = 0; i < run->call->input_count; i++) {
        Meter meter = meter_begin();
        vec_push(run->arena, &input.targets,
                 manifest_target_of(run->arena, run->call, &run->targets[i]));
        meter_end(&meter, PHASE_METADATA, &run->targets[i].phases);
    }
    return input;
}

/* ---- a real one ---- */

/* Publishing is not the workers', but a bar goes on while it lasts: of what is not work about half
 * comes after it. The fit tells the two apart badly, so that share is bounded. */
static void tell_overhead(Run *run)
{
    static const double MOST = 0.12;
    ExportProgress *progress = &run->pool.progress;
    const Prediction *prediction = &run->estimate.prediction;
    progress->predicted_s = prediction->seconds;
    double work_s = prediction->seconds - prediction->overhead_s;
    double after = work_s > 0 ? prediction->overhead_s / 2 / work_s : 0;
    progress->work_all *= 1 + (after < MOST ? after : MOST);
}

/* Before anything has run, as a dry run would: what it then takes is what it is compared with. */
static void predict(Run *run)
{
    if (run->call->options->history_of == NULL) return;
    Err *err = work_cut(run->arena, run->call, &run->out, &run->old, run->targets);
    if (err == NULL) estimate_make(run->arena, run->call, &run->old, run->targets, &run->estimate);
    for (size_t i = 0; i < run->estimate.all.count; i++) {
        run->targets[i].predicted_s = run->estimate.all.guesses[i].busy_s;
        run->pool.progress.work_all += run->targets[i].predicted_s;
    }
    tell_overhead(run);
    err_free(err); /* the real cut will meet it */
}

static Err *stage(Run *run)
{
    PERF_SPAN(PERF_staging);
    TRY(os_mkdir(run->out.staging_dir));
    predict(run);
    TRY(work_materialize(run->arena, run->call, &run->pool, run->targets));
    TRY(work_partition(run->arena, run->call, &run->out, &run->old, run->targets));
    return work_write(run->arena, &run->pool, run->targets, run->call->input_count);
}

static void sum_phases(const Run *run, const ExportPhases *common, ExportSummary *summary)
{
    double files = 0;
    for (size_t i = 0; i < summary->target_count; i++)
        files += (double)summary->targets[i].file_count;
    for (size_t i = 0; i < summary->target_count; i++) {
        const Target *target = &run->targets[i];
        ExportPhases *sum = &summary->targets[i].phases;
        phases_add(sum, &target->input->phases, 1);
        phases_add(sum, &target->phases, 1);
        for (size_t f = 0; f < target->files.n; f++)
            phases_add(sum, &target->files.v[f]->phases, 1);
        if (files > 0) phases_add(sum, common, (double)summary->targets[i].file_count / files);
    }
}

static Err *run_locked(Run *run, ExportSummary *out)
{
    bool completed;
    TRY(publish_recover(run->arena, &run->out, &completed));
    if (completed)
        log_note("completed the export into %s that was interrupted while it was published",
                 run->out.dir);
    TRY(manifest_read(run->arena, run->out.dir, &run->old));
    Err *err = stage(run);
    err_free(work_clear(run->call)); /* the scratch folder has an owner who removes it all */
    TRY(err);
    ExportSummary summary = {0};
    DiffInput input = diff_input(run);
    Diff diff;
    ExportPhases common = {0}; /* looking through OUT, putting it in order: by number of files */
    Meter meter = meter_begin();
    TRY(diff_make(run->arena, &input, &diff));
    meter_end(&meter, PHASE_TRAVERSAL, &common);
    summarize(run->arena, &input.targets, &summary);
    meter = meter_begin();
    TRY(publish(run->arena, &run->out, &diff.changes));
    meter_end(&meter, PHASE_METADATA, &common);
    summarize_diff(&diff, &summary);
    sum_phases(run, &common, &summary);
    summary.work = run->pool.work;
    summary.work.bytes = run->pool.progress.bytes_done;
    *out = summary;
    return NULL;
}

/* Leaves OUT as it was found. A record that stands is a publish that has happened: the next run
 * completes it. */
static void abandon(const Run *run)
{
    bool committed = true;
    OsStat stat;
    err_free(os_stat_if(run->out.record_path, &committed, &stat));
    if (committed) return;
    err_free(outdir_clear_staging(&run->out));
    outdir_unmake(&run->out);
}

Err *export_inputs(Arena *arena, const ExportCall *call, ExportSummary *out)
{
    int64_t begun_us = os_monotonic_us();
    Run run = {.arena = arena, .call = call};
    Parts parts;
    if (call->options->temporal != NULL) TRY(parts_parse(call->options->temporal, &parts));
    TRY(targets_make(arena, call, &run.targets));
    if (call->options->dry_run) {
        TRY(export_dry_run(arena, call, run.targets, out));
    } else {
        run.pool = (JobPool){.threads = jobs_thread_count(call->options), .options = call->options};
        TRY(outdir_open(arena, call->options->dir, call->options->wait_ms, &run.out));
        Err *err = run_locked(&run, out);
        if (err != NULL) abandon(&run);
        if (err == NULL && call->options->learns && run.estimate.predictor != NULL)
            estimate_learn(&run.estimate, call, run.targets, os_monotonic_us() - begun_us);
        outdir_close(&run.out);
        TRY(err);
    }
    out->duration_us = os_monotonic_us() - begun_us;
    return NULL;
}

Err *export_run(Arena *arena, Provider *provider, const ExportOptions *options, ExportSummary *out)
{
    if (options->pattern_count == 0)
        return err_hint(ERR(USAGE, "export: no pattern"),
                        "say what to export with -p '/path/*.series'");
    ExportCall call = {.options = options};
    TRY(provider_plan(provider, &call.plan));
    TRY(provider_scratch_dir(provider, &call.scratch_dir));
    ExportInput *inputs;
    TRY(inputs_resolve(arena, provider, options, &inputs, &call.input_count));
    call.inputs = inputs;
    return export_inputs(arena, &call, out);
}

Err *export_recover(const char *dir, int64_t wait_ms, bool *out_completed)
{
    SCRATCH(arena);
    OutDir out;
    bool exists;
    OsStat stat;
    TRY(outdir_names(arena, dir, &out));
    TRY(os_stat_if(out.private_dir, &exists, &stat));
    if (!exists)
        return err_hint(ERR(NOT_FOUND, "%s: no export has been made here", out.dir),
                        "name the folder of an export");
    TRY(outdir_open(arena, dir, wait_ms, &out));
    Err *err = publish_recover(arena, &out, out_completed);
    outdir_close(&out);
    return err;
}
