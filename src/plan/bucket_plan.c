/* What a bucket relation computes: which columns travel to the operator and as what (channels), the
 * types of its results, and the shape of its partial states.
 *
 * A channel is a column in one form. DECIMAL may need two: exact digits for min, max, first and
 * last, and DOUBLE for arithmetic. Aggregates of one column share a channel, so its values are read
 * once. */
#include "plan/bucket_int.h"
#include <string.h>

static const char *const AGG_NAMES[] = {"avg",   "min",   "max",  "sum",
                                        "count", "first", "last", "stddev"};

static unsigned needs_of(AggKind kind)
{
    switch (kind) {
    case AGG_AVG:
    case AGG_SUM: return NEED_SUM;
    case AGG_MIN: return NEED_MIN;
    case AGG_MAX: return NEED_MAX;
    case AGG_FIRST: return NEED_FIRST;
    case AGG_LAST: return NEED_LAST;
    case AGG_STDDEV: return NEED_SPREAD;
    case AGG_COUNT: return 0;
    }
    return 0;
}

static bool is_arithmetic(AggKind kind)
{
    return kind == AGG_AVG || kind == AGG_SUM || kind == AGG_STDDEV;
}

static bool is_wide(const char *type)
{
    return strcmp(type, "UBIGINT") == 0 || strcmp(type, "HUGEINT") == 0 ||
           strcmp(type, "UHUGEINT") == 0;
}

static bool sorts_as_text(const char *type)
{
    return strcmp(type, "BLOB") == 0 || strcmp(type, "UUID") == 0 || strcmp(type, "TIME") == 0;
}

/* False when the type has no such aggregate. */
static bool channel_kind(AggKind kind, const char *type, ChannelKind *out)
{
    const bool adds = is_arithmetic(kind);
    if (kind == AGG_COUNT) {
        *out = CHANNEL_COUNT;
        return true;
    }
    switch (type_class(type)) {
    case TYPE_INT: *out = is_wide(type) ? CHANNEL_WIDE : CHANNEL_INT; return true;
    case TYPE_FLOAT: *out = CHANNEL_DOUBLE; return true;
    case TYPE_DECIMAL: *out = adds ? CHANNEL_DOUBLE : CHANNEL_WIDE; return true;
    case TYPE_BOOL:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_DATE: *out = CHANNEL_INT; return !adds;
    case TYPE_TEXT: *out = CHANNEL_TEXT; return !adds;
    case TYPE_OTHER: *out = CHANNEL_TEXT; return !adds && sorts_as_text(type);
    }
    return false;
}

/* The channel of that column and kind, made when there is none; -1 when any will do and there is
 * none. */
static ptrdiff_t find_channel(const BucketPlan *bucket, size_t column, ChannelKind kind)
{
    for (size_t i = 0; i < bucket->channels.n; i++) {
        const Channel *channel = &bucket->channels.v[i];
        if (channel->column == column && (channel->kind == kind || kind == CHANNEL_COUNT))
            return (ptrdiff_t)i;
    }
    return -1;
}

static Err *add_channel(const Rel *rel, const Schema *input, size_t agg_index)
{
    BucketPlan *bucket = rel->bucket;
    const BucketAgg *agg = &bucket->spec.aggs[agg_index];
    ptrdiff_t column = schema_find(input, agg->column);
    if (column < 0) return column_missing(rel->label, input, agg->column);
    Channel channel = {.column = (size_t)column,
                       .name = input->columns[column].name,
                       .type = input->columns[column].type,
                       .needs = needs_of(agg->kind)};
    if (!channel_kind(agg->kind, channel.type, &channel.kind))
        return err_hint(ERR(INVALID, "%s: no %s of column \"%s\", which is %s", rel->label,
                            AGG_NAMES[agg->kind], channel.name, channel.type),
                        "name the columns of this aggregation, or cast it with column-rename");
    ptrdiff_t index = find_channel(bucket, channel.column, channel.kind);
    if (index >= 0) {
        bucket->channels.v[index].needs |= channel.needs;
    } else {
        index = (ptrdiff_t)bucket->channels.n;
        vec_push(rel->arena, &bucket->channels, channel);
    }
    bucket->agg_channel[agg_index] = index;
    return NULL;
}

/* Counts come last: any channel of their column counts. */
static Err *plan_channels(const Rel *rel)
{
    BucketPlan *bucket = rel->bucket;
    const RelFacts *input = rel->inputs[0]->facts;
    const Column *time = &input->schema.columns[input->time_index];
    if (bucket->is_resolved) return NULL;
    bucket->input_scale = time_scale_of(time->type, input->time_unit);
    bucket->agg_channel = AARRAY(rel->arena, ptrdiff_t, bucket->spec.agg_count);
    for (int counts = 0; counts < 2; counts++) {
        for (size_t i = 0; i < bucket->spec.agg_count; i++) {
            const BucketAgg *agg = &bucket->spec.aggs[i];
            if ((agg->kind == AGG_COUNT) != (counts == 1)) continue;
            bucket->agg_channel[i] = NO_CHANNEL;
            if (agg->column != NULL) TRY(add_channel(rel, &input->schema, i));
        }
    }
    bucket->is_resolved = true;
    return NULL;
}

const char *bucket_result_type(const BucketPlan *bucket, size_t agg_index)
{
    const BucketAgg *agg = &bucket->spec.aggs[agg_index];
    if (agg->kind == AGG_COUNT) return "BIGINT";
    const Channel *channel = &bucket->channels.v[bucket->agg_channel[agg_index]];
    if (agg->kind == AGG_SUM) return channel->kind == CHANNEL_DOUBLE ? "DOUBLE" : "BIGINT";
    return is_arithmetic(agg->kind) ? "DOUBLE" : channel->type;
}

Err *rel_resolve_bucket(const Rel *rel)
{
    TRY(plan_channels(rel));
    const BucketPlan *bucket = rel->bucket;
    const RelFacts *input = rel->inputs[0]->facts;
    RelFacts *facts = rel->facts;
    Schema schema = {.columns = AARRAY(rel->arena, Column, bucket->spec.agg_count + 1),
                     .count = bucket->spec.agg_count + 1};
    schema.columns[0] = (Column){.name = bucket->spec.time_column, .type = TYPE_TZ};
    for (size_t i = 0; i < bucket->spec.agg_count; i++)
        schema.columns[i + 1] =
            (Column){.name = bucket->spec.aggs[i].name, .type = bucket_result_type(bucket, i)};
    facts->schema = schema;
    facts->time_index = 0;
    facts->is_in_order = true;
    facts->is_time_local = input->is_time_local;
    facts->is_volatile = input->is_volatile;
    return NULL;
}

/* ---- partial states ---- */

typedef struct CellSpec {
    unsigned need; /* 0: always */
    CellKind kind;
    const char *name;
} CellSpec;

static const CellSpec CELL_SPECS[] = {
    {0, CELL_COUNT, "n"},
    {NEED_SUM, CELL_SUM_HIGH, "sum_high"},
    {NEED_SUM, CELL_SUM_LOW, "sum_low"},
    {NEED_SUM, CELL_SUM_DOUBLE, "sum"},
    {NEED_SPREAD, CELL_MEAN, "mean"},
    {NEED_SPREAD, CELL_M2, "m2"},
    {NEED_MIN, CELL_MIN, "min"},
    {NEED_MIN, CELL_MIN_HIGH, "min_high"},
    {NEED_MAX, CELL_MAX, "max"},
    {NEED_MAX, CELL_MAX_HIGH, "max_high"},
    {NEED_FIRST, CELL_FIRST, "first"},
    {NEED_FIRST, CELL_FIRST_HIGH, "first_high"},
    {NEED_LAST, CELL_LAST, "last"},
    {NEED_LAST, CELL_LAST_HIGH, "last_high"},
};

static bool has_cell(const Channel *channel, const CellSpec *spec)
{
    if (spec->need != 0 && (channel->needs & spec->need) == 0) return false;
    switch (spec->kind) {
    case CELL_SUM_DOUBLE: return channel->kind == CHANNEL_DOUBLE;
    case CELL_SUM_HIGH:
    case CELL_SUM_LOW: return channel->kind != CHANNEL_DOUBLE;
    case CELL_MIN_HIGH:
    case CELL_MAX_HIGH:
    case CELL_FIRST_HIGH:
    case CELL_LAST_HIGH: return channel->kind == CHANNEL_WIDE;
    case CELL_COUNT:
    case CELL_MEAN:
    case CELL_M2:
    case CELL_MIN:
    case CELL_MAX:
    case CELL_FIRST:
    case CELL_LAST: return true;
    }
    return false;
}

static const char *cell_type(const Channel *channel, CellKind kind)
{
    switch (kind) {
    case CELL_SUM_DOUBLE:
    case CELL_MEAN:
    case CELL_M2: return "DOUBLE";
    case CELL_MIN:
    case CELL_MAX:
    case CELL_FIRST:
    case CELL_LAST:
        if (channel->kind == CHANNEL_DOUBLE) return "DOUBLE";
        if (channel->kind == CHANNEL_TEXT)
            return strcmp(channel->type, "BLOB") == 0 ? "BLOB" : "VARCHAR";
        return "BIGINT";
    case CELL_COUNT:
    case CELL_SUM_HIGH:
    case CELL_SUM_LOW:
    case CELL_MIN_HIGH:
    case CELL_MAX_HIGH:
    case CELL_FIRST_HIGH:
    case CELL_LAST_HIGH: return "BIGINT";
    }
    return "BIGINT";
}

CellVec bucket_cells(Arena *arena, const BucketPlan *bucket)
{
    CellVec cells = {0};
    for (size_t i = 0; i < bucket->channels.n; i++) {
        for (size_t j = 0; j < sizeof CELL_SPECS / sizeof *CELL_SPECS; j++) {
            const CellSpec *spec = &CELL_SPECS[j];
            if (!has_cell(&bucket->channels.v[i], spec)) continue;
            Cell cell = {.channel = i,
                         .kind = spec->kind,
                         .name = arena_printf(arena, "%zu.%s", i, spec->name),
                         .type = cell_type(&bucket->channels.v[i], spec->kind)};
            vec_push(arena, &cells, cell);
        }
    }
    return cells;
}

/* start, rows, then the cells of each channel. */
Err *rel_resolve_partials(const Rel *rel)
{
    TRY(plan_channels(rel));
    CellVec cells = bucket_cells(rel->arena, rel->bucket);
    const RelFacts *input = rel->inputs[0]->facts;
    RelFacts *facts = rel->facts;
    Schema schema = {.columns = AARRAY(rel->arena, Column, cells.n + 2), .count = cells.n + 2};
    schema.columns[0] = (Column){.name = "start", .type = TYPE_TZ};
    schema.columns[1] = (Column){.name = "rows", .type = "BIGINT"};
    for (size_t i = 0; i < cells.n; i++)
        schema.columns[i + 2] = (Column){.name = cells.v[i].name, .type = cells.v[i].type};
    facts->schema = schema;
    facts->time_index = 0;
    facts->is_in_order = true;
    facts->is_time_local = input->is_time_local;
    facts->is_volatile = input->is_volatile;
    return NULL;
}
