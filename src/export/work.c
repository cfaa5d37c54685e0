/* From targets to files: what is materialised first, how a target is cut, and the job that writes
 * one file.
 *
 * Materialised, once each, into scratch files: the partial states that several resolutions over one
 * input share, joins that several of those read, and relations that cannot be cut before they have
 * run (user SQL: its rows in a range may depend on any input). Both are then plain scans that are
 * cut by row groups.
 *
 * A file holds the rows of its target with a time in its window, in time order. The relation itself
 * widens a window to whole buckets, so a file's bytes depend on its window alone and neither on the
 * others nor on who writes it. */
#include "export/publish_int.h"
#include "perf/ops.h"
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

static const TimeSpan ALL_TIMES = {TIME_MIN, TIME_MAX};

/* ---- materialising ---- */

typedef struct Materialization {
    const ExportCall *call;
    const Rel *rel; /* partials, or the target's own relation */
    TimeSpan span;
    const char *path;
    Arena *arena;          /* of the result; shared with the other jobs, */
    pthread_mutex_t *lock; /* so under this */
    const Rel *result;
    size_t users;
    double work_s; /* predicted */
    int64_t busy_us;
    ExportPhases phases;
} Materialization;

static Err *materialize(void *self, Worker *worker)
{
    Materialization *made = self;
    Conn *conn;
    int64_t begun_us = os_monotonic_us();
    Meter meter = meter_begin();
    TRY(worker_conn(worker, &conn));
    RelWritten written;
    const RelWrite write = {
        .read = {.span = made->span, .sorted = true}, .path = made->path, .scratch = true};
    TRY(rel_write(made->call->plan, worker->arena, conn, made->rel, &write, &written));
    (void)pthread_mutex_lock(made->lock);
    Err *err = rel_of_written(made->arena, conn, made->rel, made->path, &written, &made->result);
    (void)pthread_mutex_unlock(made->lock);
    TRY(err);
    made->busy_us += os_monotonic_us() - begun_us;
    meter_end(&meter, PHASE_EXECUTION, &made->phases);
    return NULL;
}

typedef struct Materials {
    Arena *arena;
    pthread_mutex_t *lock; /* of the arena, while jobs run */
    const ExportCall *call;
    const char *dir, *prefix; /* of the files' names */
    Map by_fingerprint;       /* → Materialization */
} Materials;

static Materialization *material_of(Materials *materials, const Rel *rel, TimeSpan span)
{
    Materialization *made = map_get(&materials->by_fingerprint, rel_fingerprint(rel));
    if (made == NULL) {
        made = ANEW(materials->arena, Materialization);
        made->call = materials->call;
        made->rel = rel;
        made->span = span;
        made->arena = materials->arena;
        made->lock = materials->lock;
        const char *name = arena_printf(materials->arena, "%s%zu.parquet", materials->prefix,
                                        materials->by_fingerprint.count);
        made->path = path_join(materials->arena, materials->dir, name);
        map_put(&materials->by_fingerprint, rel_fingerprint(rel), made);
    }
    made->users++;
    return made;
}

/* Needs the whole input whatever range is asked for, or does not say where its rows lie. */
static bool must_run_whole(Arena *arena, const Rel *rel)
{
    return !rel_is_time_local(rel) || !rel_extent(arena, rel).known;
}

/* Partials of buckets over the same input, counted by fingerprint. */
static void count_partials(Arena *arena, const ExportCall *call, const Target *targets,
                           const Rel **partials, Map *users)
{
    for (size_t i = 0; i < call->input_count; i++) {
        if (targets[i].rel != NULL) partials[i] = rel_bucket_partials(arena, targets[i].rel);
        if (partials[i] == NULL) continue;
        size_t *count = map_get(users, rel_fingerprint(partials[i]));
        if (count == NULL)
            map_put(users, rel_fingerprint(partials[i]), count = ANEW(arena, size_t));
        ++*count;
    }
}

/* Below the scratch folder of the command, which may serve other things too. */
static char *materials_dir(Arena *arena, const ExportCall *call)
{
    return path_join(arena, call->scratch_dir, "export");
}

Err *work_clear(const ExportCall *call)
{
    SCRATCH(scratch);
    return os_remove_tree(materials_dir(scratch, call));
}

static Err *run_materials(JobPool *pool, const Materials *materials)
{
    SCRATCH(scratch);
    JobVec jobs = {0};
    for (size_t i = 0; i < materials->by_fingerprint.count; i++) {
        Materialization *made = materials->by_fingerprint.entries[i].value;
        Job job = {.run = materialize,
                   .self = made,
                   .cost = rel_rows_estimate(made->rel, made->span),
                   .work_s = made->work_s,
                   .label = rel_label(made->rel)};
        vec_push(scratch, &jobs, job);
    }
    return jobs_run(pool, jobs.v, jobs.n);
}

/* What several of them read is run before them, once, and read from there. Only of those that run
 * over all times anyway: whatever else is cut reads no more than its own range. */
static Err *run_shared(Arena *arena, JobPool *pool, const Materials *materials)
{
    SCRATCH(scratch);
    VEC(Materialization *) readers = {0};
    VEC(const Rel *) rels = {0};
    RelShared *shared = NULL;
    size_t count = 0;
    for (size_t i = 0; i < materials->by_fingerprint.count; i++) {
        Materialization *made = materials->by_fingerprint.entries[i].value;
        if (made->span.min != TIME_MIN || made->span.max != TIME_MAX) continue;
        vec_push(scratch, &readers, made);
        vec_push(scratch, &rels, made->rel);
    }
    if (!toggle_on(TOGGLE_shared_joins)) return NULL;
    TRY(rel_share(arena, rels.v, rels.n, &shared, &count));
    if (count == 0) return NULL;
    Materials first = *materials;
    first.prefix = "shared-";
    first.by_fingerprint = map_new(scratch);
    Materialization **made = AARRAY(scratch, Materialization *, count);
    for (size_t i = 0; i < count; i++) {
        TRY(plan_resolve(materials->call->plan, shared[i].rel));
        made[i] = material_of(&first, shared[i].rel, ALL_TIMES);
    }
    TRY(run_materials(pool, &first));
    for (size_t i = 0; i < count; i++) {
        shared[i].made = made[i]->result;
        for (size_t j = 0; j < readers.n; j++) {
            readers.v[j]->busy_us += made[i]->busy_us / (int64_t)readers.n;
            phases_add(&readers.v[j]->phases, &made[i]->phases, 1.0 / (double)readers.n);
        }
    }
    for (size_t i = 0; i < readers.n; i++)
        TRY(rel_replace(materials->call->plan, arena, readers.v[i]->rel, shared, count,
                        &readers.v[i]->rel));
    return NULL;
}

static Err *run_all(Arena *arena, JobPool *pool, const Materials *materials)
{
    if (materials->by_fingerprint.count == 0) return NULL;
    TRY(work_clear(materials->call));
    TRY(os_mkdir(materials->dir));
    TRY(run_shared(arena, pool, materials));
    return run_materials(pool, materials);
}

/* How much of a target's work is done before its files are written. */
static const double MATERIAL_SHARE = 0.8;

Err *work_materialize(Arena *arena, const ExportCall *call, JobPool *pool, Target *targets)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    Materials materials = {.arena = arena,
                           .lock = &lock,
                           .call = call,
                           .dir = materials_dir(arena, call),
                           .prefix = "",
                           .by_fingerprint = map_new(arena)};
    const Rel **partials = AARRAY(arena, const Rel *, call->input_count);
    Materialization **made = AARRAY(arena, Materialization *, call->input_count);
    Map users = map_new(arena);
    count_partials(arena, call, targets, partials, &users);
    for (size_t i = 0; i < call->input_count; i++) {
        const Rel *rel = targets[i].rel;
        if (rel == NULL || rel_time_index(rel) < 0) continue;
        bool shared = partials[i] != NULL && toggle_on(TOGGLE_shared_partials) &&
                      *(size_t *)map_get(&users, rel_fingerprint(partials[i])) > 1;
        if (shared)
            made[i] = material_of(&materials, partials[i], ALL_TIMES);
        else if (must_run_whole(arena, rel))
            made[i] = material_of(&materials, rel, call->options->bounds);
        if (!shared) partials[i] = NULL;
        if (made[i] != NULL) made[i]->work_s += targets[i].predicted_s * MATERIAL_SHARE;
    }
    TRY(run_all(arena, pool, &materials));
    for (size_t i = 0; i < call->input_count; i++) {
        if (made[i] == NULL) continue;
        targets[i].busy_us += made[i]->busy_us / (int64_t)made[i]->users;
        phases_add(&targets[i].phases, &made[i]->phases, 1.0 / (double)made[i]->users);
        targets[i].predicted_s *= 1 - MATERIAL_SHARE;
        targets[i].material = made[i]->result;
        targets[i].rel = partials[i] != NULL
                             ? rel_bucket_over(arena, targets[i].rel, made[i]->result)
                             : made[i]->result;
        TRY(plan_resolve(call->plan, targets[i].rel));
    }
    return NULL;
}

/* ---- partitioning ---- */

static const ManifestTarget *old_target(const ExportCall *call, const Manifest *old,
                                        const Target *target)
{
    const ExportInput *input = target->input;
    ManifestTarget key = {.pond = call->options->pond_id,
                          .pattern = input->pattern,
                          .captures = input->captures,
                          .capture_count = input->capture_count};
    for (size_t i = 0; i < old->targets.n; i++)
        if (manifest_same_key(&old->targets.v[i], &key)) return &old->targets.v[i];
    return NULL;
}

/* An automatic choice stands until --rebuild, also when there are more rows now. */
static bool choice_of_before(const ExportCall *call, const Manifest *old, const Target *target,
                             Parts *out)
{
    const ManifestTarget *before = call->options->rebuild ? NULL : old_target(call, old, target);
    if (before == NULL || before->temporal != NULL || before->raw) return false;
    *out = (Parts){0};
    if (before->partitioning[0] == 0) return true;
    Err *err = parts_parse(before->partitioning, out);
    bool known = err == NULL;
    err_free(err);
    return known;
}

static Err *choose_parts(const ExportCall *call, const Manifest *old, const RelExtent *extent,
                         Target *target)
{
    const ExportOptions *options = call->options;
    if (options->temporal != NULL) return parts_parse(options->temporal, &target->parts);
    if (choice_of_before(call, old, target, &target->parts)) return NULL;
    int64_t grid_us =
        extent->count > 0 ? rel_grid_us(target->input->rel, extent->intervals[0].min) : 1;
    target->parts = parts_choose(extent, options->bounds, grid_us,
                                 rel_rows_estimate(target->rel, options->bounds));
    return NULL;
}

typedef struct Cutter {
    Arena *arena;
    const ExportCall *call;
    const OutDir *out;
    size_t number; /* of staged files */
} Cutter;

static void add_part(Cutter *cutter, Target *target, TimeSpan span, const char *keys)
{
    Arena *arena = cutter->arena;
    Part *part = ANEW(arena, Part);
    part->call = cutter->call;
    part->out = cutter->out;
    part->target = target;
    part->keys = keys;
    part->span = span;
    part->number = cutter->number++;
    if (target->rel == NULL)
        part->path = target->path;
    else if (keys[0] == 0)
        part->path = arena_printf(arena, "%s/data.parquet", target->path);
    else
        part->path = arena_printf(arena, "%s/%s/data.parquet", target->path, keys);
    if (target->rel != NULL) part->rows_estimate = rel_rows_estimate(target->rel, span);
    vec_push(arena, &target->files, part);
}

/* Of what has not run yet (a dry run): where its inputs have rows. */
static RelExtent extent_guess(Arena *arena, const Rel *rel)
{
    const ScanFile **files;
    size_t count;
    rel_inputs_in(arena, rel, ALL_TIMES, &files, &count);
    ScanSpec spec = {
        .label = rel_label(rel), .files = AARRAY(arena, ScanFile, count), .clip = ALL_TIMES};
    for (size_t i = 0; i < count; i++)
        if (files[i]->time_column != NULL) spec.files[spec.file_count++] = *files[i];
    const Rel *scan = NULL;
    err_free(rel_scan(arena, &spec, &scan));
    return scan != NULL ? rel_extent(arena, scan) : (RelExtent){0};
}

/* Recorded, or read from what was materialised: partials tell the times of the buckets made of
 * them. */
static Err *extent_of(Cutter *cutter, const Target *target, RelExtent *out)
{
    const Rel *given = target->input->rel;
    *out = rel_extent(cutter->arena, given);
    if (out->known) return NULL;
    if (target->material == NULL) {
        *out = extent_guess(cutter->arena, given);
        return NULL;
    }
    const Rel *grid = target->material != target->rel ? given : NULL;
    return extent_read(cutter->arena, cutter->call->plan, target->material, grid, out);
}

static Err *cut_by_time(Cutter *cutter, const Manifest *old, Target *target)
{
    const TimeSpan bounds = cutter->call->options->bounds;
    RelExtent extent;
    TRY(extent_of(cutter, target, &extent));
    TRY(choose_parts(cutter->call, old, &extent, target));
    SpanVec windows = {0};
    if (!parts_windows(cutter->arena, &target->parts, &extent, bounds, &windows))
        return parts_too_many(target->input->rel, &target->parts, target->input->source);
    for (size_t i = 0; i < windows.n; i++)
        add_part(cutter, target, windows.v[i],
                 parts_dir(cutter->arena, &target->parts, windows.v[i].min));
    /* What runs whole is estimated whole, whatever the range asked for. */
    for (size_t i = 0; i < target->files.n && !rel_is_time_local(target->rel); i++)
        target->files.v[i]->rows_estimate /= (int64_t)target->files.n;
    return target_check_columns(target);
}

static Err *cut_target(Cutter *cutter, const Manifest *old, Target *target)
{
    target->files.n = 0;
    if (target->rel != NULL && rel_time_index(target->input->rel) >= 0)
        return cut_by_time(cutter, old, target);
    add_part(cutter, target, ALL_TIMES, "");
    return target_check_columns(target);
}

Err *work_cut(Arena *arena, const ExportCall *call, const OutDir *out, const Manifest *old,
              Target *targets)
{
    Cutter cutter = {.arena = arena, .call = call, .out = out};
    for (size_t i = 0; i < call->input_count; i++) {
        Target *target = &targets[i];
        bool stands = target->is_cut && target->material == NULL;
        if (!stands) TRY(cut_target(&cutter, old, target));
        for (size_t j = 0; stands && j < target->files.n; j++)
            target->files.v[j]->number = cutter.number++;
        target->is_cut = true;
    }
    return NULL;
}

Err *work_partition(Arena *arena, const ExportCall *call, const OutDir *out, const Manifest *old,
                    Target *targets)
{
    PERF_SPAN(PERF_export_diff);
    return work_cut(arena, call, out, old, targets);
}

/* ---- writing ---- */

static char *staged_path(Arena *arena, const Part *part)
{
    return arena_printf(arena, "%s/%zu", part->out->staging_dir, part->number);
}

/* A staged file as it will be known. */
static Err *finish_part(Part *part, Worker *worker, const char *staged)
{
    OsStat stat;
    TRY(os_stat(staged, &stat));
    part->state = file_state_of(&stat);
    worker->bytes += stat.size_bytes;
    if (part->written.rows > 0) perf_add(PERF_export_row, (uint64_t)part->written.rows);
    return NULL;
}

static Err *hash_staged(const char *staged, Part *part)
{
    int64_t size;
    PERF_SPAN(PERF_export_hash);
    return os_sha256_file(staged, &size, part->sha256);
}

static Err *finish_rows(Part *part, Worker *worker, const char *staged)
{
    part->empty = part->written.rows == 0;
    if (part->empty) return NULL; /* what was staged goes with staging */
    TRY(hash_staged(staged, part));
    return finish_part(part, worker, staged);
}

static Err *write_rows(void *self, Worker *worker)
{
    Part *part = self;
    const Target *target = part->target;
    const char *staged = staged_path(worker->arena, part);
    Conn *conn;
    int64_t begun_us = os_monotonic_us();
    Meter meter = meter_begin();
    PERF_SPAN(PERF_export_partition);
    TRY(os_check_interrupt());
    TRY(worker_conn(worker, &conn));
    RelWrite write = {.read = {.span = part->span, .sorted = rel_time_index(target->rel) >= 0},
                      .path = staged};
    TRY(rel_write(part->call->plan, worker->arena, conn, target->rel, &write, &part->written));
    TRY(finish_rows(part, worker, staged));
    part->busy_us = os_monotonic_us() - begun_us;
    meter_end(&meter, PHASE_EXECUTION, &part->phases);
    return NULL;
}

static Err *write_raw(void *self, Worker *worker)
{
    Part *part = self;
    const ExportInput *input = part->target->input;
    const char *staged = staged_path(worker->arena, part);
    int64_t begun_us = os_monotonic_us();
    Meter meter = meter_begin();
    PERF_SPAN(PERF_export_partition);
    part->written = (RelWritten){.rows = -1};
    TRY(raw_write(staged, input->pieces, input->piece_count, &part->written.size_bytes,
                  part->sha256));
    TRY(finish_part(part, worker, staged));
    part->busy_us = os_monotonic_us() - begun_us;
    meter_end(&meter, PHASE_EXECUTION, &part->phases);
    return NULL;
}

/* ---- many small files ---- */

typedef struct Batch {
    Part **parts; /* neighbours of one target */
    size_t count;
} Batch;

static Err *write_batch_part(Cut *cut, Part *part, Worker *worker)
{
    SCRATCH(scratch);
    Conn *conn;
    const char *staged = staged_path(scratch, part);
    PERF_SPAN(PERF_export_partition);
    TRY(worker_conn(worker, &conn));
    TRY(cut_next(cut, scratch, conn, part->span.max, staged, &part->written));
    if (part->written.rows > 0 && part->written.range.min < part->span.min)
        return ERR(INTERNAL, "%s: a row at %s lies outside of the times recorded for it",
                   part->target->input->source, time_format(scratch, part->written.range.min));
    return finish_rows(part, worker, staged);
}

static Err *write_batch(void *self, Worker *worker)
{
    const Batch *batch = self;
    Part *first = batch->parts[0], *last = batch->parts[batch->count - 1];
    CLEANUP(cut_close_at) Cut *cut = NULL;
    int64_t begun_us = os_monotonic_us();
    Meter meter = meter_begin();
    TRY(cut_open(worker->arena, first->call->plan, first->target->rel,
                 (TimeSpan){first->span.min, last->span.max}, &cut));
    for (size_t i = 0; i < batch->count; i++) {
        TRY(write_batch_part(cut, batch->parts[i], worker));
        worker_tell(worker, (double)(i + 1) / (double)batch->count);
    }
    first->busy_us = os_monotonic_us() - begun_us; /* of all of them */
    meter_end(&meter, PHASE_EXECUTION, &first->phases);
    return NULL;
}

/* How many neighbouring files one pass should write; 1: each by itself. A file alone decodes,
 * beside its own rows, the rest of the row groups they lie in; where that at least doubles the
 * reading, files share a pass. */
static size_t files_a_pass(Arena *arena, const Target *target)
{
    enum { ROW_GROUP_ROWS = 122880, PASS_ROWS = 500000 };
    size_t n = target->files.n, count;
    if (n < 2 || !cut_can(target->rel) || !toggle_on(TOGGLE_shared_pass)) return 1;
    const ScanFile **inputs;
    int64_t rows = 0, group = 0;
    rel_inputs_in(arena, target->rel,
                  (TimeSpan){target->files.v[0]->span.min, target->files.v[n - 1]->span.max},
                  &inputs, &count);
    for (size_t i = 0; i < count; i++) {
        rows += inputs[i]->rows;
        if (inputs[i]->rows > group) group = inputs[i]->rows;
    }
    if (group > ROW_GROUP_ROWS) group = ROW_GROUP_ROWS;
    int64_t own = rows / (int64_t)n, read = own + group < rows ? own + group : rows;
    if (count == 0 || read < 2 * own) return 1;
    return own > 0 ? (size_t)(PASS_ROWS / own + 1) : n;
}

/* A file's share of its target's work: half by rows, half by being a file. */
static double work_share(const Target *target, size_t begin, size_t count)
{
    double all = 0, rows = 0, n = (double)target->files.n;
    for (size_t i = 0; i < target->files.n; i++) {
        double one = (double)target->files.v[i]->rows_estimate;
        all += one;
        if (i >= begin && i < begin + count) rows += one;
    }
    double by_file = (double)count / n;
    return all > 0 ? 0.3 * by_file + 0.7 * rows / all : by_file;
}

static void add_job(JobVec *jobs, Arena *arena, const Target *target, size_t begin, size_t count)
{
    Job job = {.run = target->rel == NULL ? write_raw : write_rows,
               .self = target->files.v[begin],
               .files = (int64_t)count,
               .label = target->input->source};
    for (size_t i = begin; i < begin + count; i++) job.rows += target->files.v[i]->rows_estimate;
    job.cost = job.rows;
    job.work_s = target->predicted_s * work_share(target, begin, count);
    if (count > 1) {
        Batch *batch = ANEW(arena, Batch);
        *batch = (Batch){.parts = target->files.v + begin, .count = count};
        job.run = write_batch;
        job.self = batch;
    }
    vec_push(arena, jobs, job);
}

Err *work_write(Arena *arena, JobPool *pool, const Target *targets, size_t count)
{
    JobVec jobs = {0};
    for (size_t t = 0; t < count; t++) {
        size_t n = targets[t].files.n,
               step = targets[t].rel != NULL ? files_a_pass(arena, &targets[t]) : 1;
        for (size_t i = 0; i < n; i += step)
            add_job(&jobs, arena, &targets[t], i, i + step < n ? step : n - i);
    }
    for (size_t i = 0; i < jobs.n; i++) {
        pool->progress.partitions_all += jobs.v[i].files;
        pool->progress.rows_all += jobs.v[i].rows;
    }
    return jobs_run(pool, jobs.v, jobs.n);
}

/* What the file's bytes follow from: the same fingerprint, the same file. "" when it follows from
 * nothing that is known. */
char *part_fingerprint(Arena *arena, const Part *part)
{
    enum {
        WRITER_REVISION = 1
    }; /* grows with any change to what a file of equal rows looks like */
    const ExportInput *input = part->target->input;
    if (input->rel != NULL && rel_is_volatile(input->rel)) return arena_strdup(arena, "");
    char hex[SHA256_HEX + 1];
    Sha256 *hash = sha256_new(arena);
    sha256_add_int(hash, WRITER_REVISION);
    sha256_add_text(hash,
                    input->rel != NULL ? rel_fingerprint(input->rel) : input->raw_fingerprint);
    sha256_add_int(hash, part->span.min);
    sha256_add_int(hash, part->span.max);
    if (input->rel != NULL) {
        Buf schema = buf_new(arena);
        JsonOut out = json_out(&schema);
        schema_to_json(&out, rel_schema(input->rel));
        sha256_add_text(hash, schema.data);
    }
    sha256_hex(hash, hex);
    return arena_strdup(arena, hex);
}
