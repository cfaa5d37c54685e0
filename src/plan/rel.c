/* Constructors: they copy what they are given into the arena and check what can be checked without
 * running anything. Each then tries to resolve itself, so that mistakes (a missing column, types
 * that conflict) show where the tree is built; what needs the engine waits for plan_resolve. */
#include "plan/plan_int.h"
#include <math.h>
#include <string.h>

static Rel *rel_new(Arena *arena, RelKind kind, const char *label, size_t input_count)
{
    Rel *rel = ANEW(arena, Rel);
    rel->kind = kind;
    rel->arena = arena;
    rel->label = arena_strdup(arena, label != NULL ? label : "");
    rel->inputs = AARRAY(arena, const Rel *, input_count);
    rel->input_count = input_count;
    rel->facts = ANEW(arena, RelFacts);
    rel->facts->time_index = -1;
    return rel;
}

static Rel *rel_over(Arena *arena, RelKind kind, const char *label, const Rel *input)
{
    Rel *rel = rel_new(arena, kind, label, 1);
    rel->inputs[0] = input;
    return rel;
}

/* Out only when nothing is wrong. */
static Err *settle(const Rel *rel, const Rel **out)
{
    TRY(rel_resolve(NULL, rel));
    *out = rel;
    return NULL;
}

static Schema schema_copy(Arena *arena, const Schema *schema)
{
    Schema copy = {.columns = AARRAY(arena, Column, schema->count), .count = schema->count};
    for (size_t i = 0; i < schema->count; i++) {
        copy.columns[i].name = arena_strdup(arena, schema->columns[i].name);
        copy.columns[i].type = arena_strdup(arena, schema->columns[i].type);
    }
    return copy;
}

static ScanFile scan_file_copy(Arena *arena, const ScanFile *file)
{
    ScanFile copy = *file;
    copy.path = arena_strdup(arena, file->path);
    copy.label = arena_strdup(arena, file->label != NULL ? file->label : file->path);
    copy.time_column = arena_strdup(arena, file->time_column);
    copy.schema = schema_copy(arena, &file->schema);
    copy.intervals =
        arena_memdup(arena, file->intervals, sizeof *file->intervals * file->interval_count);
    return copy;
}

Err *rel_scan(Arena *arena, const ScanSpec *spec, const Rel **out)
{
    Rel *rel = rel_new(arena, REL_SCAN, spec->label, 0);
    ScanNode *scan = &rel->scan;
    scan->files = AARRAY(arena, ScanFile, spec->file_count);
    scan->file_count = spec->file_count;
    scan->time_column = arena_strdup(arena, spec->time_column);
    scan->clip = spec->clip;
    scan->keeps_order = spec->keeps_order;
    for (size_t i = 0; i < spec->file_count; i++)
        scan->files[i] = scan_file_copy(arena, &spec->files[i]);
    return settle(rel, out);
}

/* The file's columns are those of `rel` by position, in types that hold them. */
const Rel *rel_scan_materialized(Arena *arena, const Rel *rel, const ScanFile *file)
{
    const RelFacts *facts = rel->facts;
    Rel *scan = rel_new(arena, REL_SCAN, rel->label, 0);
    scan->scan.files = ANEW(arena, ScanFile);
    scan->scan.files[0] = scan_file_copy(arena, file);
    scan->scan.file_count = 1;
    scan->scan.clip = SPAN_ALL;
    scan->scan.is_materialized = true;
    for (size_t i = 0; i < facts->schema.count; i++)
        scan->scan.files[0].schema.columns[i].name = facts->schema.columns[i].name;
    *scan->facts = *facts;
    scan->facts->schema = schema_copy(arena, &facts->schema);
    scan->facts->is_in_order = true;
    scan->facts->is_time_local = true;
    scan->facts->cuts_above = false;
    if (facts->time_index >= 0)
        scan->scan.time_column = scan->facts->schema.columns[facts->time_index].name;
    scan->facts->has_feed = false;
    scan->facts->ways = 1;
    rel_extent_fill(scan);
    return scan;
}

const Rel *rel_empty(Arena *arena, const char *label, const Schema *schema)
{
    static Column timestamp = {.name = "timestamp", .type = TYPE_TZ};
    const Schema usual = {.columns = &timestamp, .count = 1};
    Rel *rel = rel_new(arena, REL_EMPTY, label, 0);
    rel->facts->schema = schema_copy(arena, schema != NULL ? schema : &usual);
    err_free(rel_resolve(NULL, rel));
    return rel;
}

const Rel *rel_rows(Arena *arena, const RowsSpec *spec)
{
    Rel *rel = rel_new(arena, REL_ROWS, spec->label, 0);
    rel->rows = *spec;
    rel->rows.label = rel->label;
    rel->rows.schema = schema_copy(arena, &spec->schema);
    rel->rows.identity = arena_strdup(arena, spec->identity);
    err_free(rel_resolve(NULL, rel));
    return rel;
}

static Err *check_wave(const SyntheticSpec *spec, const SyntheticColumn *column, const Wave *wave)
{
    bool is_periodic =
        wave->kind == WAVE_SINE || wave->kind == WAVE_TRIANGLE || wave->kind == WAVE_SQUARE;
    bool is_finite = isfinite(wave->amplitude) && isfinite(wave->period_s) &&
                     isfinite(wave->offset) && isfinite(wave->phase) && isfinite(wave->slope);
    if (!is_finite)
        return ERR(INVALID, "%s: point \"%s\": not a finite number", spec->label, column->name);
    if (is_periodic && wave->period_s <= 0)
        return ERR(INVALID, "%s: point \"%s\": the period must be positive", spec->label,
                   column->name);
    return NULL;
}

static Err *check_synthetic(const SyntheticSpec *spec)
{
    if (spec->interval_us <= 0)
        return ERR(INVALID, "%s: the interval must be positive", spec->label);
    if (spec->end < spec->start)
        return ERR(INVALID, "%s: the end lies before the start", spec->label);
    for (size_t i = 0; i < spec->column_count; i++) {
        const SyntheticColumn *column = &spec->columns[i];
        if (strcmp(column->name, spec->time_column) == 0)
            return ERR(INVALID, "%s: a point is named like the time column \"%s\"", spec->label,
                       column->name);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(column->name, spec->columns[j].name) == 0)
                return ERR(INVALID, "%s: two points are named \"%s\"", spec->label, column->name);
        }
        for (size_t k = 0; k < column->wave_count; k++)
            TRY(check_wave(spec, column, &column->waves[k]));
    }
    return NULL;
}

Err *rel_synthetic(Arena *arena, const SyntheticSpec *spec, const Rel **out)
{
    TRY(check_synthetic(spec));
    Rel *rel = rel_new(arena, REL_SYNTHETIC, spec->label, 0);
    SyntheticSpec *copy = &rel->synthetic;
    *copy = *spec;
    copy->label = rel->label;
    copy->time_column = arena_strdup(arena, spec->time_column);
    copy->columns = AARRAY(arena, SyntheticColumn, spec->column_count);
    for (size_t i = 0; i < spec->column_count; i++) {
        const SyntheticColumn *column = &spec->columns[i];
        copy->columns[i].name = arena_strdup(arena, column->name);
        copy->columns[i].waves =
            arena_memdup(arena, column->waves, sizeof *column->waves * column->wave_count);
        copy->columns[i].wave_count = column->wave_count;
    }
    return settle(rel, out);
}

Err *rel_project(Arena *arena, const Rel *input, const ProjectColumn *columns, size_t count,
                 const Rel **out)
{
    Rel *rel = rel_over(arena, REL_PROJECT, input->label, input);
    rel->project.columns = AARRAY(arena, ProjectColumn, count);
    rel->project.count = count;
    for (size_t i = 0; i < count; i++) {
        rel->project.columns[i] = (ProjectColumn){.source = arena_strdup(arena, columns[i].source),
                                                  .name = arena_strdup(arena, columns[i].name),
                                                  .cast = arena_strdup(arena, columns[i].cast),
                                                  .as_time = columns[i].as_time,
                                                  .unit = columns[i].unit,
                                                  .is_absent = columns[i].is_absent};
    }
    return settle(rel, out);
}

Err *rel_range(Arena *arena, const Rel *input, TimeSpan span, const Rel **out)
{
    Rel *rel = rel_over(arena, REL_RANGE, input->label, input);
    rel->range = span;
    return settle(rel, out);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *time_name(const Rel *rel)
{
    const RelFacts *facts = rel->facts;
    return facts->time_index < 0 ? NULL : facts->schema.columns[facts->time_index].name;
}

Err *rel_retime(Arena *arena, const Rel *input, const char *time_column, const Rel **out)
{
    *out = input;
    if (input->facts->is_resolved && same_text(time_name(input), time_column)) return NULL;
    Rel *rel = rel_over(arena, REL_RETIME, input->label, input);
    rel->time_column = arena_strdup(arena, time_column);
    return settle(rel, out);
}

/* Scans that read alike; what holds nothing fits anywhere. */
static bool all_scans_alike(const Rel *const *inputs, size_t count, const Rel **out_first)
{
    const Rel *first = NULL;
    for (size_t i = 0; i < count; i++) {
        const Rel *rel = inputs[i];
        if (rel_is_nothing(rel)) continue;
        if (rel->kind != REL_SCAN || rel->scan.is_materialized) return false;
        if (first == NULL) first = rel;
        bool is_alike = rel->scan.clip.min == first->scan.clip.min &&
                        rel->scan.clip.max == first->scan.clip.max &&
                        same_text(rel->scan.time_column, first->scan.time_column) &&
                        same_text(time_name(rel), time_name(first));
        if (!is_alike) return false;
    }
    *out_first = first;
    return first != NULL;
}

/* One scan of all their files: a thousand series of one shape are one read_parquet, and are known
 * to be in time order where they follow each other. */
static Err *union_of_scans(Arena *arena, const char *label, const Rel *const *inputs, size_t count,
                           const Rel *first, const Rel **out)
{
    size_t file_count = 0;
    for (size_t i = 0; i < count; i++)
        file_count += inputs[i]->kind == REL_SCAN ? inputs[i]->scan.file_count : 0;
    Rel *rel = rel_new(arena, REL_SCAN, label, 0);
    rel->scan = first->scan;
    rel->scan.files = AARRAY(arena, ScanFile, file_count);
    rel->scan.file_count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; inputs[i]->kind == REL_SCAN && j < inputs[i]->scan.file_count; j++)
            rel->scan.files[rel->scan.file_count++] = inputs[i]->scan.files[j];
    }
    return settle(rel, out);
}

Err *rel_union(Arena *arena, const char *label, const Rel *const *inputs, size_t count,
               const Rel **out)
{
    const Rel *first;
    if (count > 1 && all_scans_alike(inputs, count, &first))
        return union_of_scans(arena, label, inputs, count, first, out);
    if (count == 0) {
        *out = rel_empty(arena, label, NULL);
        return NULL;
    }
    Rel *rel = rel_new(arena, REL_UNION, label, count);
    memcpy(rel->inputs, inputs, sizeof *inputs * count);
    return settle(rel, out);
}

const Rel *rel_sort(Arena *arena, const Rel *input)
{
    if (input->facts->is_resolved && input->facts->is_in_order) return input;
    Rel *rel = rel_over(arena, REL_SORT, input->label, input);
    err_free(rel_resolve(NULL, rel));
    return rel;
}

static BucketSpec bucket_spec_copy(Arena *arena, const BucketSpec *spec)
{
    BucketSpec copy = *spec;
    copy.label = arena_strdup(arena, spec->label);
    copy.time_column = arena_strdup(arena, spec->time_column);
    copy.zone = arena_strdup(arena, spec->zone);
    copy.aggs = AARRAY(arena, BucketAgg, spec->agg_count);
    for (size_t i = 0; i < spec->agg_count; i++) {
        copy.aggs[i] = (BucketAgg){.kind = spec->aggs[i].kind,
                                   .column = arena_strdup(arena, spec->aggs[i].column),
                                   .name = arena_strdup(arena, spec->aggs[i].name)};
    }
    return copy;
}

static Err *check_bucket(const BucketSpec *spec)
{
    if (spec->width_us <= 0 || spec->base_width_us <= 0)
        return ERR(INVALID, "%s: the width of a bucket must be positive", spec->label);
    if (spec->width_us % spec->base_width_us != 0)
        return ERR(INVALID, "%s: the width is no multiple of the finest one", spec->label);
    for (size_t i = 0; i < spec->agg_count; i++) {
        const BucketAgg *agg = &spec->aggs[i];
        if (agg->column == NULL && agg->kind != AGG_COUNT)
            return ERR(INVALID, "%s: \"%s\" names no column, only count can do without",
                       spec->label, agg->name);
        if (strcmp(agg->name, spec->time_column) == 0)
            return ERR(INVALID, "%s: a result is named like the time column \"%s\"", spec->label,
                       agg->name);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(agg->name, spec->aggs[j].name) == 0)
                return ERR(INVALID, "%s: two results are named \"%s\"", spec->label, agg->name);
        }
    }
    return NULL;
}

Err *rel_bucket(Plan *plan, Arena *arena, const Rel *input, const BucketSpec *spec, const Rel **out)
{
    TRY(check_bucket(spec));
    const Rel *timed = NULL;
    TRY(rel_retime(arena, input, spec->time_column, &timed));
    Rel *rel = rel_over(arena, REL_BUCKET, spec->label, timed);
    BucketPlan *bucket = rel->bucket = ANEW(arena, BucketPlan);
    bucket->spec = bucket_spec_copy(arena, spec);
    bucket->grid = (Grid){.width_us = spec->width_us, .origin = spec->origin};
    TRY(plan_zone(plan, spec->zone, &bucket->grid.zone));
    bucket->base = bucket->grid;
    bucket->base.width_us = spec->base_width_us;
    if (bucket->grid.zone != zone_utc()) zone_rules_hash(bucket->grid.zone, bucket->zone_rules);
    return settle(rel, out);
}

const Rel *rel_bucket_partials(Arena *arena, const Rel *bucket)
{
    if (bucket->kind != REL_BUCKET) return NULL;
    Rel *rel = rel_over(arena, REL_PARTIALS, bucket->label, bucket->inputs[0]);
    rel->bucket = bucket->bucket;
    err_free(rel_resolve(NULL, rel));
    return rel;
}

const Rel *rel_bucket_over(Arena *arena, const Rel *bucket, const Rel *partials)
{
    Rel *rel = rel_over(arena, REL_BUCKET_OVER, bucket->label, partials);
    rel->bucket = bucket->bucket;
    *rel->facts = *bucket->facts;
    rel->facts->is_time_local = partials->facts->is_time_local;
    rel->facts->ways = partials->facts->ways;
    return rel;
}

static Err *join_one(Plan *plan, Arena *arena, const Rel *timed, const JoinSpec *spec,
                     const Rel **out)
{
    TRY(plan_resolve(plan, timed));
    const Schema *schema = &timed->facts->schema;
    const char *prefix = spec->inputs[0].prefix;
    ProjectColumn *columns = AARRAY(arena, ProjectColumn, schema->count);
    size_t count = 1;
    columns[0] =
        (ProjectColumn){.source = spec->time_column, .name = spec->time_column, .as_time = true};
    for (size_t i = 0; i < schema->count; i++) {
        const char *name = schema->columns[i].name;
        if ((ptrdiff_t)i == timed->facts->time_index) continue;
        columns[count++] = (ProjectColumn){
            .source = name,
            .name = prefix != NULL ? arena_printf(arena, "%s.%s", prefix, name) : name};
    }
    TRY(rel_project(arena, timed, columns, count, out));
    return settle(rel_over(arena, REL_PASS, spec->label, *out), out);
}

Err *rel_join(Plan *plan, Arena *arena, const JoinSpec *spec, const Rel **out)
{
    Rel *rel = rel_new(arena, REL_JOIN, spec->label, spec->count);
    rel->join.time_column = arena_strdup(arena, spec->time_column);
    rel->join.prefixes = AARRAY(arena, const char *, spec->count);
    for (size_t i = 0; i < spec->count; i++) {
        TRY(rel_retime(arena, spec->inputs[i].rel, spec->time_column, &rel->inputs[i]));
        rel->join.prefixes[i] = arena_strdup(arena, spec->inputs[i].prefix);
    }
    if (spec->count == 1) return join_one(plan, arena, rel->inputs[0], spec, out);
    return settle(rel, out);
}

static Err *check_inputs(const char *label, const SqlInput *inputs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(inputs[i].name, inputs[j].name) == 0)
                return ERR(INVALID,
                           "%s: two inputs are named \"%s\" and \"%s\", which SQL does not tell "
                           "apart",
                           label, inputs[j].name, inputs[i].name);
        }
    }
    return NULL;
}

Err *rel_sql(Arena *arena, const char *label, const char *query, const SqlInput *inputs,
             size_t count, const Rel **out)
{
    TRY(check_inputs(label, inputs, count));
    if (query == NULL) {
        if (count != 1)
            return ERR(INVALID, "%s: without a query there must be one pattern, not %zu", label,
                       count);
        return settle(rel_over(arena, REL_PASS, label, inputs[0].rel), out);
    }
    Rel *rel = rel_new(arena, REL_SQL, label, count);
    rel->sql.query = sql_text_trim(arena, query);
    rel->sql.names = AARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        rel->inputs[i] = inputs[i].rel;
        rel->sql.names[i] = arena_strdup(arena, inputs[i].name);
    }
    *out = rel;
    return NULL;
}
