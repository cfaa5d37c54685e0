/* A dry run: what an export would write and remove, from what is recorded alone. No lock is taken
 * and nothing is made; rows, bytes and time are predicted, and a partition that will turn out to be
 * empty is listed as if it were not. */
#include "export/publish_int.h"

typedef struct DryRun {
    Arena *arena;
    const ExportCall *call;
    OutDir out;
    Manifest old;
    Estimate estimate;
    Map wanted; /* paths */
    VEC(ExportFile) files;
    ExportSummary summary;
} DryRun;

static void add_file(DryRun *dry, const Part *part, const PartGuess *guess)
{
    ExportFile file = {.path = part->path,
                       .rows = guess->rows,
                       .size_bytes = guess->size_bytes,
                       .action = guess->is_kept ? "keep" : "write"};
    vec_push(dry->arena, &dry->files, file);
    map_put(&dry->wanted, part->path, dry);
    if (guess->is_kept)
        dry->summary.kept++;
    else
        dry->summary.written++;
}

/* The time of an export by the work of its targets. */
static double share_of_time(const Estimate *estimate, size_t target)
{
    double all = 0;
    for (size_t i = 0; i < estimate->all.count; i++) all += estimate->all.guesses[i].busy_s;
    return all > 0 ? estimate->prediction.seconds * estimate->all.guesses[target].busy_s / all : 0;
}

static void add_target(DryRun *dry, const Target *target, size_t number, ExportTarget *sum)
{
    const Guess *guess = &dry->estimate.all.guesses[number];
    *sum = (ExportTarget){.source = target->input->source,
                          .path = target->path,
                          .partitioning = parts_text(dry->arena, &target->parts),
                          .file_count = target->files.n,
                          .rows = target->rel != NULL ? (int64_t)(guess->rows + 0.5) : -1,
                          .size_bytes = (int64_t)(guess->bytes + 0.5),
                          .predicted_s = share_of_time(&dry->estimate, number)};
    if (target->rel != NULL) dry->summary.rows += sum->rows;
    dry->summary.bytes += sum->size_bytes;
    for (size_t i = 0; i < target->files.n; i++)
        add_file(dry, target->files.v[i], &dry->estimate.parts[number][i]);
}

static void add_removed(DryRun *dry, const ManifestTarget *old)
{
    for (size_t i = 0; i < old->file_count; i++) {
        const ManifestFile *file = &old->files[i];
        if (map_has(&dry->wanted, file->path)) continue;
        ExportFile entry = {.path = file->path,
                            .rows = file->rows,
                            .size_bytes = file->state.size_bytes,
                            .action = "remove"};
        vec_push(dry->arena, &dry->files, entry);
        dry->summary.removed++;
    }
}

/* As much of the new targets as tells which old ones they replace. */
static DiffInput diff_input(const DryRun *dry, const Target *targets)
{
    const ExportOptions *options = dry->call->options;
    DiffInput input = {.patterns = options->patterns,
                       .pattern_count = options->pattern_count,
                       .pond_id = options->pond_id};
    for (size_t i = 0; i < dry->call->input_count; i++) {
        ManifestTarget target = {.path = targets[i].path, .source = targets[i].input->source};
        vec_push(dry->arena, &input.targets, target);
    }
    return input;
}

Err *export_dry_run(Arena *arena, const ExportCall *call, Target *targets, ExportSummary *out)
{
    DryRun dry = {.arena = arena, .call = call, .wanted = map_new(arena)};
    TRY(outdir_names(arena, call->options->dir, &dry.out));
    TRY(manifest_read(arena, dry.out.dir, &dry.old));
    TRY(work_partition(arena, call, &dry.out, &dry.old, targets));
    dry.summary.target_count = call->input_count;
    dry.summary.targets = AARRAY(arena, ExportTarget, call->input_count);
    estimate_make(arena, call, &dry.old, targets, &dry.estimate);
    dry.summary.prediction = dry.estimate.prediction;
    for (size_t i = 0; i < call->input_count; i++)
        add_target(&dry, &targets[i], i, &dry.summary.targets[i]);
    DiffInput input = diff_input(&dry, targets);
    for (size_t i = 0; i < dry.old.targets.n; i++)
        if (diff_replaces(&input, &dry.old.targets.v[i])) add_removed(&dry, &dry.old.targets.v[i]);
    dry.summary.files = dry.files.v;
    dry.summary.file_count = dry.files.n;
    *out = dry.summary;
    return NULL;
}
