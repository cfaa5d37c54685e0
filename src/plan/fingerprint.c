/* Fingerprints: what the rows of a tree depend on, hashed bottom-up.
 *
 * Ingredients are content (the sha256 of files, in order), what recording says about how to read it
 * (time column, unit, rows, overrides), the parameters of operators after all expansion, the
 * fingerprints of inputs, and the revision of this module's code. Not: labels, paths, node ids,
 * times of files, the engine's version, intervals and order (they follow from content). */
#include "plan/plan_int.h"
#include <string.h>

static void add_span(Sha256 *hash, TimeSpan span)
{
    sha256_add_int(hash, span.min);
    sha256_add_int(hash, span.max);
}

static void add_optional(Sha256 *hash, const char *text)
{
    sha256_add_int(hash, text != NULL);
    if (text != NULL) sha256_add_text(hash, text);
}

static void add_double(Sha256 *hash, double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    sha256_add_int(hash, bits);
}

static void add_schema(Sha256 *hash, const Schema *schema)
{
    sha256_add_int(hash, (int64_t)schema->count);
    for (size_t i = 0; i < schema->count; i++) {
        sha256_add_text(hash, schema->columns[i].name);
        sha256_add_text(hash, schema->columns[i].type);
    }
}

static void add_scan(Sha256 *hash, const ScanNode *scan)
{
    add_optional(hash, scan->time_column);
    add_span(hash, scan->clip);
    sha256_add_int(hash, (int64_t)scan->file_count);
    for (size_t i = 0; i < scan->file_count; i++) {
        const ScanFile *file = &scan->files[i];
        sha256_add_text(hash, file->sha256);
        add_optional(hash, file->time_column);
        sha256_add_int(hash, (int64_t)file->time_unit);
        sha256_add_int(hash, file->rows);
    }
}

static void add_synthetic(Sha256 *hash, const SyntheticSpec *spec)
{
    sha256_add_text(hash, spec->time_column);
    add_span(hash, (TimeSpan){spec->start, spec->end});
    sha256_add_int(hash, spec->interval_us);
    for (size_t i = 0; i < spec->column_count; i++) {
        const SyntheticColumn *column = &spec->columns[i];
        sha256_add_text(hash, column->name);
        sha256_add_int(hash, (int64_t)column->wave_count);
        for (size_t j = 0; j < column->wave_count; j++) {
            const Wave *wave = &column->waves[j];
            sha256_add_int(hash, (int64_t)wave->kind);
            add_double(hash, wave->amplitude);
            add_double(hash, wave->period_s);
            add_double(hash, wave->offset);
            add_double(hash, wave->phase);
            add_double(hash, wave->slope);
            sha256_add_int(hash, wave->seed);
        }
    }
}

static void add_project(Sha256 *hash, const Rel *rel)
{
    for (size_t i = 0; i < rel->project.count; i++) {
        const ProjectColumn *column = &rel->project.columns[i];
        if (column->source != NULL)
            sha256_add_text(hash, column->source);
        else
            add_optional(hash, NULL);
        if (column->as_time) sha256_add_int(hash, (int64_t)column->unit);
    }
    add_schema(hash, &rel->facts->schema);
}

static void add_grid(Sha256 *hash, const BucketPlan *bucket, const Grid *grid)
{
    sha256_add_int(hash, grid->width_us);
    sha256_add_int(hash, grid->origin);
    sha256_add_text(hash, bucket->zone_rules);
}

static void add_bucket(Sha256 *hash, const Rel *rel)
{
    const BucketPlan *bucket = rel->bucket;
    add_grid(hash, bucket, &bucket->grid);
    add_grid(hash, bucket, &bucket->base);
    for (size_t i = 0; i < bucket->spec.agg_count; i++) {
        sha256_add_int(hash, (int64_t)bucket->spec.aggs[i].kind);
        add_optional(hash, bucket->spec.aggs[i].column);
    }
    add_schema(hash, &rel->facts->schema);
}

static void add_partials(Sha256 *hash, const BucketPlan *bucket)
{
    add_grid(hash, bucket, &bucket->base);
    sha256_add_text(hash, bucket->spec.time_column);
    for (size_t i = 0; i < bucket->channels.n; i++) {
        const Channel *channel = &bucket->channels.v[i];
        sha256_add_text(hash, channel->name);
        sha256_add_text(hash, channel->type);
        sha256_add_int(hash, (int64_t)channel->kind);
        sha256_add_int(hash, (int64_t)channel->needs);
    }
}

static void add_join(Sha256 *hash, const Rel *rel)
{
    for (size_t i = 0; i < rel->input_count; i++) add_optional(hash, rel->join.prefixes[i]);
    add_schema(hash, &rel->facts->schema);
}

static void add_sql(Sha256 *hash, const Rel *rel)
{
    sha256_add_text(hash, rel->sql.query);
    for (size_t i = 0; i < rel->input_count; i++) sha256_add_text(hash, rel->sql.names[i]);
}

static void add_parameters(Sha256 *hash, const Rel *rel)
{
    switch (rel->kind) {
    case REL_EMPTY: add_schema(hash, &rel->facts->schema); return;
    case REL_SCAN: add_scan(hash, &rel->scan); return;
    case REL_SYNTHETIC: add_synthetic(hash, &rel->synthetic); return;
    case REL_ROWS: sha256_add_text(hash, rel->rows.identity); return;
    case REL_RETIME: sha256_add_text(hash, rel->time_column); return;
    case REL_PROJECT: add_project(hash, rel); return;
    case REL_RANGE: add_span(hash, rel->range); return;
    case REL_BUCKET:
    case REL_BUCKET_OVER: add_bucket(hash, rel); return;
    case REL_PARTIALS: add_partials(hash, rel->bucket); return;
    case REL_JOIN: add_join(hash, rel); return;
    case REL_SQL: add_sql(hash, rel); return;
    case REL_UNION:
    case REL_SORT:
    case REL_PASS: return;
    }
}

/* Nodes that change nothing have the fingerprint of what is below. */
static bool is_transparent(const Rel *rel)
{
    if (rel->kind == REL_PASS || (rel->kind == REL_UNION && rel->input_count == 1)) return true;
    return rel->kind == REL_RETIME && !rel->facts->cuts_above;
}

void rel_fingerprint_fill(const Rel *rel)
{
    RelFacts *facts = rel->facts;
    if (rel->kind == REL_BUCKET_OVER) return; /* that of the bucket it stands for */
    if (is_transparent(rel)) {
        memcpy(facts->fingerprint, rel->inputs[0]->facts->fingerprint, sizeof facts->fingerprint);
        return;
    }
    SCRATCH(scratch);
    Sha256 *hash = sha256_new(scratch);
    sha256_add_int(hash, PLAN_REVISION);
    sha256_add_int(hash, (int64_t)rel->kind);
    add_parameters(hash, rel);
    sha256_add_int(hash, (int64_t)rel->input_count);
    for (size_t i = 0; i < rel->input_count; i++)
        sha256_add_text(hash, rel->inputs[i]->facts->fingerprint);
    sha256_hex(hash, facts->fingerprint);
}
