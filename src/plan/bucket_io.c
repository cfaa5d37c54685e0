/* Values on their way out of `bucket`: as results, and as the cells of partials and back.
 *
 * Cells hold the bits of a state, so a bucket computed from stored partials equals the one computed
 * directly. 128-bit integers are two BIGINT cells: Parquet has no type for them and the engine
 * would write them as DOUBLE. Results leave in a plain type; SQL casts them to the column's own. */
#include "plan/bucket_int.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_null(const FeedColumn *column, size_t row)
{
    column->validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}

static void put_int(const FeedColumn *column, size_t row, int64_t value)
{
    ((int64_t *)column->data)[row] = value;
}

static void put_double(const FeedColumn *column, size_t row, double value)
{
    ((double *)column->data)[row] = value;
}

/* ---- cells ---- */

typedef union Halves {
    Int128 whole;
    int64_t part[2]; /* low, high */
} Halves;

static Int128 with_high(Int128 value, int64_t high)
{
    Halves halves = {.whole = value};
    halves.part[1] = high;
    return halves.whole;
}

static Int128 with_low(Int128 value, int64_t low)
{
    Halves halves = {.whole = value};
    halves.part[0] = low;
    return halves.whole;
}

static int64_t high_of(Int128 value)
{
    return ((Halves){.whole = value}).part[1];
}

static int64_t low_of(Int128 value)
{
    return ((Halves){.whole = value}).part[0];
}

static Datum *cell_datum(State *state, CellKind kind)
{
    switch (kind) {
    case CELL_MIN:
    case CELL_MIN_HIGH: return &state->min;
    case CELL_MAX:
    case CELL_MAX_HIGH: return &state->max;
    case CELL_FIRST:
    case CELL_FIRST_HIGH: return &state->first;
    case CELL_LAST:
    case CELL_LAST_HIGH: return &state->last;
    case CELL_COUNT:
    case CELL_SUM_HIGH:
    case CELL_SUM_LOW:
    case CELL_SUM_DOUBLE:
    case CELL_MEAN:
    case CELL_M2: return NULL;
    }
    return NULL;
}

/* A one-part integer keeps its sign; the high half, which comes later, overwrites it. */
static void read_value(Arena *arena, Datum *datum, const Channel *channel, const Vector *vector,
                       size_t row)
{
    if (channel->kind == CHANNEL_DOUBLE) {
        datum->number = engine_double(vector, row);
    } else if (channel->kind == CHANNEL_TEXT) {
        size_t size;
        const char *bytes = engine_str(vector, row, &size);
        bytes_set(arena, &datum->bytes, bytes, size);
    } else {
        datum->integer = engine_int(vector, row);
    }
}

void cell_read(Arena *arena, State *state, const Channel *channel, const Cell *cell,
               const Vector *vector, size_t row)
{
    if (vector_is_null(vector, row)) return;
    switch (cell->kind) {
    case CELL_COUNT: state->count = engine_int(vector, row); return;
    case CELL_SUM_HIGH:
        state->sum_integer = with_high(state->sum_integer, engine_int(vector, row));
        return;
    case CELL_SUM_LOW:
        state->sum_integer = with_low(state->sum_integer, engine_int(vector, row));
        return;
    case CELL_SUM_DOUBLE: state->sum_number = engine_double(vector, row); return;
    case CELL_MEAN: state->mean = engine_double(vector, row); return;
    case CELL_M2: state->m2 = engine_double(vector, row); return;
    case CELL_MIN:
    case CELL_MAX:
    case CELL_FIRST:
    case CELL_LAST: read_value(arena, cell_datum(state, cell->kind), channel, vector, row); return;
    case CELL_MIN_HIGH:
    case CELL_MAX_HIGH:
    case CELL_FIRST_HIGH:
    case CELL_LAST_HIGH: {
        Datum *datum = cell_datum(state, cell->kind);
        datum->integer = with_high(datum->integer, engine_int(vector, row));
        return;
    }
    }
}

/* In the form in which channels travel. */
static void write_value(const Datum *datum, const Channel *channel, const FeedColumn *column,
                        size_t row)
{
    if (channel->kind == CHANNEL_DOUBLE)
        put_double(column, row, datum->number);
    else if (channel->kind == CHANNEL_TEXT)
        engine_feed_str(column, row, datum->bytes.data != NULL ? datum->bytes.data : "",
                        datum->bytes.size);
    else
        put_int(column, row, low_of(datum->integer));
}

void cell_write(const State *state, const Channel *channel, const Cell *cell,
                const FeedColumn *column, size_t row)
{
    State *readable = (State *)(uintptr_t)state; /* cell_datum only picks a member */
    switch (cell->kind) {
    case CELL_COUNT: put_int(column, row, state->count); return;
    case CELL_SUM_HIGH: put_int(column, row, high_of(state->sum_integer)); return;
    case CELL_SUM_LOW: put_int(column, row, low_of(state->sum_integer)); return;
    case CELL_SUM_DOUBLE: put_double(column, row, state->sum_number); return;
    case CELL_MEAN: put_double(column, row, state->mean); return;
    case CELL_M2: put_double(column, row, state->m2); return;
    case CELL_MIN:
    case CELL_MAX:
    case CELL_FIRST:
    case CELL_LAST:
        if (state->count == 0)
            put_null(column, row);
        else
            write_value(cell_datum(readable, cell->kind), channel, column, row);
        return;
    case CELL_MIN_HIGH:
    case CELL_MAX_HIGH:
    case CELL_FIRST_HIGH:
    case CELL_LAST_HIGH:
        if (state->count == 0)
            put_null(column, row);
        else
            put_int(column, row, high_of(cell_datum(readable, cell->kind)->integer));
        return;
    }
}

/* ---- results ---- */

const char *result_feed_type(const BucketPlan *bucket, size_t agg_index)
{
    const char *type = bucket_result_type(bucket, agg_index);
    ptrdiff_t index = bucket->agg_channel[agg_index];
    if (index == NO_CHANNEL) return type;
    switch (type_class(type)) {
    case TYPE_BOOL: return "BIGINT";
    case TYPE_INT:
        return bucket->channels.v[index].kind == CHANNEL_WIDE && strcmp(type, "BIGINT") != 0
                   ? "HUGEINT"
                   : "BIGINT";
    case TYPE_FLOAT: return "DOUBLE";
    case TYPE_DECIMAL: return "VARCHAR";
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_DATE:
    case TYPE_TEXT: return type;
    case TYPE_OTHER: return strcmp(type, "BLOB") == 0 ? type : "VARCHAR";
    }
    return type;
}

/* The digits of a 128-bit integer with `scale` of them behind a point. */
static void put_decimal(const FeedColumn *column, size_t row, Int128 value, int scale)
{
    char text[64];
    size_t at = sizeof text;
    const bool is_negative = value < 0;
    unsigned __int128 rest = is_negative ? -(unsigned __int128)value : (unsigned __int128)value;
    for (int digit = 0; digit <= scale || rest > 0; digit++) {
        if (digit == scale && scale > 0) text[--at] = '.';
        text[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (is_negative) text[--at] = '-';
    engine_feed_str(column, row, text + at, sizeof text - at);
}

static int decimal_scale(const char *type)
{
    const char *comma = strchr(type, ',');
    return comma != NULL ? (int)strtol(comma + 1, NULL, 10) : 0;
}

static void put_datum(const FeedColumn *column, size_t row, const Channel *channel,
                      const Datum *datum)
{
    if (channel->kind == CHANNEL_WIDE && type_class(channel->type) == TYPE_DECIMAL)
        put_decimal(column, row, datum->integer, decimal_scale(channel->type));
    else if (channel->kind == CHANNEL_WIDE)
        memcpy((char *)column->data + row * sizeof(Int128), &datum->integer, sizeof(Int128));
    else if (type_class(channel->type) == TYPE_DATE)
        ((int32_t *)column->data)[row] = (int32_t)datum->integer;
    else
        write_value(datum, channel, column, row);
}

static Err *put_sum(const Rel *rel, const Bucket *bucket, const Channel *channel,
                    const State *state, const FeedColumn *column, size_t row)
{
    if (channel->kind == CHANNEL_DOUBLE) {
        put_double(column, row, state->sum_number);
        return NULL;
    }
    if (state->sum_integer >= INT64_MIN && state->sum_integer <= INT64_MAX) {
        put_int(column, row, (int64_t)state->sum_integer);
        return NULL;
    }
    SCRATCH(scratch);
    return err_hint(ERR(INVALID,
                        "%s: the sum of \"%s\" in the bucket of %s does not fit into BIGINT",
                        rel->label, channel->name, time_format(scratch, bucket->start)),
                    "cast the column to DOUBLE with column-rename");
}

static void put_stddev(const State *state, const FeedColumn *column, size_t row)
{
    if (state->count < 2)
        put_null(column, row);
    else
        put_double(column, row, sqrt(state->m2 / (double)(state->count - 1)));
}

Err *result_write(const Rel *rel, const Bucket *bucket, size_t agg_index, const FeedColumn *column,
                  size_t row)
{
    const BucketPlan *plan = rel->bucket;
    const AggKind kind = plan->spec.aggs[agg_index].kind;
    ptrdiff_t index = plan->agg_channel[agg_index];
    if (index == NO_CHANNEL) {
        put_int(column, row, bucket->rows);
        return NULL;
    }
    const Channel *channel = &plan->channels.v[index];
    const State *state = &bucket->states[index];
    if (kind != AGG_COUNT && state->count == 0) {
        put_null(column, row);
        return NULL;
    }
    switch (kind) {
    case AGG_COUNT: put_int(column, row, state->count); return NULL;
    case AGG_SUM: return put_sum(rel, bucket, channel, state, column, row);
    case AGG_AVG: {
        bool is_double = channel->kind == CHANNEL_DOUBLE;
        double sum = is_double ? state->sum_number : (double)state->sum_integer;
        put_double(column, row, sum / (double)state->count);
        return NULL;
    }
    case AGG_STDDEV: put_stddev(state, column, row); return NULL;
    case AGG_MIN: put_datum(column, row, channel, &state->min); return NULL;
    case AGG_MAX: put_datum(column, row, channel, &state->max); return NULL;
    case AGG_FIRST: put_datum(column, row, channel, &state->first); return NULL;
    case AGG_LAST: put_datum(column, row, channel, &state->last); return NULL;
    }
    return NULL;
}
