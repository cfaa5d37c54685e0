/* The rows of a text that was read in parts: one row a time over all of them. Parts whose recorded
 * intervals do not meet have no time in common, and are a plain scan. Where some meet, a bucket of
 * one microsecond takes the last value of each cell, in the order of the text: what sorting does
 * within a part. */
#include "provider/otel.h"
#include <stdlib.h>
#include <string.h>

typedef struct Stretch {
    TimeSpan span;
    const ScanFile *file;
} Stretch;

static int by_begin(const void *a, const void *b)
{
    const Stretch *x = a, *y = b;
    return (x->span.min > y->span.min) - (x->span.min < y->span.min);
}

/* Whether some time may stand in two files. The intervals of one file are disjoint. */
static bool files_meet(const ScanFile *const *files, size_t count)
{
    SCRATCH(scratch);
    VEC(Stretch) all = {0};
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < files[i]->interval_count; j++)
            vec_push(scratch, &all, ((Stretch){files[i]->intervals[j], files[i]}));
    }
    if (all.n > 1) qsort(all.v, all.n, sizeof *all.v, by_begin);
    for (size_t i = 1; i < all.n; i++) {
        if (all.v[i].span.min <= all.v[i - 1].span.max) return true;
    }
    return false;
}

/* Columns that never held a value are DOUBLE. */
static Err *with_types(Arena *arena, const Rel *scan, const Rel **out)
{
    const Schema *schema = rel_schema(scan);
    ProjectColumn *columns = AARRAY(arena, ProjectColumn, schema->count);
    bool is_typed = true;
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        bool is_null = strcmp(column->type, "\"NULL\"") == 0;
        columns[i] = (ProjectColumn){
            .source = column->name, .name = column->name, .cast = is_null ? "DOUBLE" : NULL};
        is_typed = is_typed && !is_null;
    }
    *out = scan;
    return is_typed ? NULL : rel_project(arena, scan, columns, schema->count, out);
}

/* `typed` has the columns of `scan`, in its order. */
static Err *one_row_a_time(Plan *plan, Arena *arena, const char *label, const Rel *typed,
                           const Schema *schema, const Rel **out)
{
    BucketAgg *aggs = AARRAY(arena, BucketAgg, schema->count);
    size_t count = 0;
    for (size_t i = 0; i < schema->count; i++) {
        const char *name = schema->columns[i].name;
        if (strcmp(name, "timestamp") == 0) continue;
        aggs[count++] = (BucketAgg){.kind = AGG_LAST, .column = name, .name = name};
    }
    BucketSpec spec = {.label = label,
                       .time_column = "timestamp",
                       .width_us = 1,
                       .base_width_us = 1,
                       .aggs = aggs,
                       .agg_count = count};
    return rel_bucket(plan, arena, typed, &spec, out);
}

Err *otel_relation(Provider *provider, const char *label, const Rel *scan, const Rel **out)
{
    Arena *arena = provider->arena;
    Plan *plan = NULL;
    const ScanFile **files = NULL;
    size_t count = 0;
    const Rel *typed = NULL;
    TRY(provider_plan(provider, &plan));
    TRY(plan_resolve(plan, scan));
    rel_inputs_in(arena, scan, (TimeSpan){TIME_MIN, TIME_MAX}, &files, &count);
    TRY(with_types(arena, scan, &typed));
    *out = typed;
    if (!files_meet(files, count)) return NULL;
    return one_row_a_time(plan, arena, label, typed, rel_schema(scan), out);
}
