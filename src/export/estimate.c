/* What an export will take: each target's plan as figures of work, corrected by what was learned;
 * and afterwards the lesson. The engine is not asked, and nothing here can fail the export.
 *
 * A file of the last export whose fingerprint is the one that the new would have is not guessed: it
 * will have the rows and bytes that it has. */
#include "export/publish_int.h"
#include <math.h>
#include <string.h>

/* Footer, page heads and statistics of a small Parquet file of ours. */
static double file_overhead(const Schema *schema)
{
    return 60 + 115 * (double)schema->count;
}

/* ---- hashes ---- */

static uint64_t key_of(const Buf *text)
{
    uint64_t key = xxh64(text->data, text->size);
    return key != 0 ? key : 1;
}

static uint64_t target_key(const ExportCall *call, const Target *target)
{
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    buf_printf(
        &text, "target %s\n%s\n%s", target->input->source, parts_text(scratch, &target->parts),
        call->options->bounds.min == TIME_MIN && call->options->bounds.max == TIME_MAX ? ""
                                                                                       : "bounded");
    return key_of(&text);
}

/* Of targets that compress alike: columns by type and by what they are an aggregate of, and, for
 * aggregates, about how many rows become one. */
static uint64_t columns_key(const Target *target, const Work *work)
{
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    const Schema *schema = rel_schema(target->input->rel);
    buf_printf(&text, "columns %d", (int)work->kind);
    if (work->kind == WORK_BUCKET && work->rows > 0)
        buf_printf(&text, " %d", (int)(log2(1 + work->rows_in / work->rows) + 0.5));
    for (size_t i = 0; i < schema->count; i++) {
        const char *name = schema->columns[i].name, *dot = strrchr(name, '.');
        buf_printf(&text, "\n%s %s", schema->columns[i].type, dot != NULL ? dot : "");
    }
    return key_of(&text);
}

static uint64_t shape_key(const ExportCall *call)
{
    SCRATCH(scratch);
    Buf text = buf_new(scratch);
    const ExportOptions *options = call->options;
    buf_printf(&text, "shape %s %d", options->temporal != NULL ? options->temporal : "auto",
               options->bounds.min != TIME_MIN || options->bounds.max != TIME_MAX);
    for (size_t i = 0; i < options->pattern_count; i++)
        buf_printf(&text, "\n%s", options->patterns[i]);
    return key_of(&text);
}

/* ---- targets ---- */

typedef struct Estimating {
    Arena *arena;
    const ExportCall *call;
    Map old;      /* path → ManifestFile */
    Map partials; /* what several resolutions share is read once */
} Estimating;

static void work_of_raw(const ExportInput *input, Work *work)
{
    work->kind = WORK_RAW;
    work->files = 1;
    work->all_exact = true;
    for (size_t i = 0; i < input->piece_count; i++)
        work->bytes_in += (double)input->pieces[i].size_bytes;
    work->bytes = work->bytes_in;
}

static WorkKind kind_of(RelWorkKind kind)
{
    switch (kind) {
    case REL_WORK_COPY: return WORK_COPY;
    case REL_WORK_BUCKET: return WORK_BUCKET;
    case REL_WORK_JOIN: return WORK_JOIN;
    case REL_WORK_SQL: break;
    }
    return WORK_SQL;
}

static size_t files_with_rows(const Target *target)
{
    size_t count = 0;
    for (size_t i = 0; i < target->files.n; i++) count += target->files.v[i]->rows_estimate > 0;
    return count;
}

static void work_of_rel(Estimating *e, const Target *target, Work *work)
{
    RelWork plan;
    const Rel *rel = target->input->rel;
    bool timed = rel_time_index(rel) >= 0;
    work->files = timed ? (double)files_with_rows(target) : 1;
    TimeSpan span = timed ? e->call->options->bounds : (TimeSpan){TIME_MIN, TIME_MAX};
    double file_rows = (double)rel_rows_estimate(rel, span) / (work->files > 0 ? work->files : 1);
    rel_work(rel, span, file_rows, &plan);
    work->kind = kind_of(plan.kind);
    work->rows_in = plan.rows_in;
    work->cells_in = plan.cells_in;
    work->bytes_in = plan.bytes_in;
    work->rows = plan.rows;
    work->bytes = plan.bytes + work->files * file_overhead(rel_schema(rel));
    work->columns = columns_key(target, work);
    const Rel *partials = rel_bucket_partials(e->arena, rel);
    if (partials == NULL) return;
    if (map_has(&e->partials, rel_fingerprint(partials))) {
        work->rows_in = work->rows;
        work->cells_in = work->rows * (double)rel_schema(rel)->count;
        work->bytes_in = 0;
    }
    map_put(&e->partials, rel_fingerprint(partials), e);
}

/* Files that will be what they are. */
static size_t mark_kept(Estimating *e, const Target *target, PartGuess *parts)
{
    size_t kept = 0;
    for (size_t i = 0; i < target->files.n; i++) {
        const Part *part = target->files.v[i];
        const ManifestFile *old = map_get(&e->old, part->path);
        if (old == NULL || old->fingerprint[0] == 0) continue;
        if (strcmp(old->fingerprint, part_fingerprint(e->arena, part)) != 0) continue;
        parts[i] =
            (PartGuess){.rows = old->rows, .size_bytes = old->state.size_bytes, .is_kept = true};
        kept++;
    }
    return kept;
}

static void settle_kept(const Target *target, const PartGuess *parts, size_t kept, Work *work)
{
    if (kept == 0 || kept < files_with_rows(target)) return;
    work->rows = work->bytes = 0;
    for (size_t i = 0; i < target->files.n; i++) {
        if (!parts[i].is_kept) continue;
        work->rows += parts[i].rows > 0 ? (double)parts[i].rows : 0;
        work->bytes += (double)parts[i].size_bytes;
    }
    work->files = (double)kept;
    work->rows_exact = work->all_exact = true;
}

/* The target's rows and bytes shared out to its files. */
static void guess_parts(const Target *target, const Guess *guess, PartGuess *parts)
{
    double rows_all = 0, rows = guess->rows, bytes = guess->bytes;
    for (size_t i = 0; i < target->files.n; i++)
        if (!parts[i].is_kept) rows_all += (double)target->files.v[i]->rows_estimate;
    for (size_t i = 0; i < target->files.n; i++) {
        if (!parts[i].is_kept) continue;
        rows -= (double)parts[i].rows;
        bytes -= (double)parts[i].size_bytes;
    }
    for (size_t i = 0; i < target->files.n; i++) {
        if (parts[i].is_kept) continue;
        double share = rows_all > 0 ? (double)target->files.v[i]->rows_estimate / rows_all
                                    : 1 / (double)target->files.n;
        parts[i].size_bytes = bytes > 0 ? (int64_t)(bytes * share + 0.5) : 0;
        parts[i].rows = target->rel == NULL ? -1 : rows > 0 ? (int64_t)(rows * share + 0.5) : 0;
    }
}

static void estimate_target(Estimating *e, const Predictor *predictor, const Target *target,
                            PartGuess *parts, Work *work, Guess *guess)
{
    *work = (Work){0};
    if (target->input->rel == NULL)
        work_of_raw(target->input, work);
    else
        work_of_rel(e, target, work);
    work->target = target_key(e->call, target);
    settle_kept(target, parts, mark_kept(e, target, parts), work);
    predictor_guess(predictor, work, guess);
    guess_parts(target, guess, parts);
}

void estimate_make(Arena *arena, const ExportCall *call, const Manifest *old, const Target *targets,
                   Estimate *out)
{
    size_t count = call->input_count;
    Estimating e = {
        .arena = arena, .call = call, .old = map_new(arena), .partials = map_new(arena)};
    for (size_t i = 0; i < old->targets.n; i++)
        for (size_t j = 0; j < old->targets.v[i].file_count; j++)
            map_put(&e.old, old->targets.v[i].files[j].path, &old->targets.v[i].files[j]);
    Work *works = AARRAY(arena, Work, count + 1);
    Guess *guesses = AARRAY(arena, Guess, count + 1);
    *out = (Estimate){.predictor = predictor_load(arena, call->options->history_of),
                      .parts = AARRAY(arena, PartGuess *, count + 1)};
    for (size_t i = 0; i < count; i++) {
        out->parts[i] = AARRAY(arena, PartGuess, targets[i].files.n + 1);
        estimate_target(&e, out->predictor, &targets[i], out->parts[i], &works[i], &guesses[i]);
    }
    out->all = (WorkAll){.shape = shape_key(call),
                         .works = works,
                         .guesses = guesses,
                         .count = count,
                         .threads = jobs_thread_count(call->options),
                         .slowness = speed_slowness()};
    predictor_time(out->predictor, &out->all, &out->prediction);
}

/* ---- the lesson ---- */

static Truth truth_of(const Target *target, double *files)
{
    Truth truth = {.busy_s = (double)target->busy_us / 1e6};
    for (size_t i = 0; i < target->files.n; i++) {
        const Part *part = target->files.v[i];
        truth.busy_s += (double)part->busy_us / 1e6;
        if (part->empty) continue;
        if (part->written.rows > 0) truth.rows += (double)part->written.rows;
        truth.bytes += (double)part->state.size_bytes;
        *files += 1;
    }
    return truth;
}

void estimate_learn(const Estimate *estimate, const ExportCall *call, const Target *targets,
                    int64_t duration_us)
{
    SCRATCH(scratch);
    Truth *truths = AARRAY(scratch, Truth, call->input_count + 1);
    double files = 0;
    for (size_t i = 0; i < call->input_count; i++) truths[i] = truth_of(&targets[i], &files);
    predictor_learn(estimate->predictor, &estimate->all, &estimate->prediction, truths, files,
                    (double)duration_us / 1e6);
    Err *err = predictor_save(estimate->predictor, call->options->history_of);
    if (err != NULL) log_debug("what this export took is not remembered: %s", err_message(err));
    err_free(err);
}
