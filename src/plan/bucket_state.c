/* States of a bucket: updated row by row in the order of rows, folded bucket by bucket in the order
 * of time.
 *
 * Sums are plain additions, spread is Welford's mean and M2, and nothing depends on where a chunk
 * ends, so the bits are those of one loop over the rows. Integers are summed in 128 bits. Order of
 * doubles is the engine's: NaN is the greatest, -0 equals 0 (the first of equals stays). Folding is
 * Chan's for mean and M2. The loops over doubles without nulls are kept free of branches on what is
 * wanted. */
#include "plan/bucket_int.h"
#include <math.h>
#include <string.h>

Bucket bucket_new(Arena *arena, const BucketPlan *plan)
{
    return (Bucket){.states = AARRAY(arena, State, plan->channels.n)};
}

/* Texts keep their memory. */
void bucket_reset(Bucket *bucket, const BucketPlan *plan, TimeUs start)
{
    bucket->start = start;
    bucket->rows = 0;
    for (size_t i = 0; i < plan->channels.n; i++) {
        State *state = &bucket->states[i];
        state->count = 0;
        state->sum_integer = 0;
        state->sum_number = state->mean = state->m2 = 0;
    }
}

void bytes_set(Arena *arena, Bytes *bytes, const char *data, size_t size)
{
    if (size > bytes->capacity) {
        bytes->capacity = size * 2;
        bytes->data = arena_alloc(arena, bytes->capacity);
    }
    if (size > 0) memcpy(bytes->data, data, size);
    bytes->size = size;
}

static void datum_copy(Arena *arena, Datum *into, const Datum *from)
{
    into->integer = from->integer;
    into->number = from->number;
    bytes_set(arena, &into->bytes, from->bytes.data, from->bytes.size);
}

/* ---- order ---- */

static bool number_less(double a, double b)
{
    return isnan(b) ? !isnan(a) : a < b;
}

static bool bytes_less(const Bytes *a, const Bytes *b)
{
    size_t common = a->size < b->size ? a->size : b->size;
    int order = common == 0 ? 0 : memcmp(a->data, b->data, common);
    return order != 0 ? order < 0 : a->size < b->size;
}

static bool datum_less(ChannelKind kind, const Datum *a, const Datum *b)
{
    if (kind == CHANNEL_DOUBLE) return number_less(a->number, b->number);
    if (kind == CHANNEL_TEXT) return bytes_less(&a->bytes, &b->bytes);
    return a->integer < b->integer;
}

/* ---- one value ---- */

/* The ends of the range stand for "overflowed" and stay. */
static Int128 add_sticky(Int128 sum, Int128 value)
{
    Int128 out;
    if (sum == INT128_MAX || sum == INT128_MIN) return sum;
    if (!__builtin_add_overflow(sum, value, &out)) return out;
    return value > 0 ? INT128_MAX : INT128_MIN;
}

static void add_spread(State *state, double value)
{
    /* count has been raised already */
    double delta = value - state->mean;
    state->mean += delta * (1 / (double)state->count); /* the division does not wait for delta */
    state->m2 += delta * (value - state->mean);
}

static void add_datum(Arena *arena, State *state, const Channel *channel, const Datum *value)
{
    const unsigned needs = channel->needs;
    const bool is_first = state->count++ == 0;
    if (needs & NEED_SUM) {
        state->sum_integer = add_sticky(state->sum_integer, value->integer);
        state->sum_number += value->number;
    }
    if (needs & NEED_SPREAD)
        add_spread(state, channel->kind == CHANNEL_DOUBLE ? value->number : (double)value->integer);
    if ((needs & NEED_MIN) && (is_first || datum_less(channel->kind, value, &state->min)))
        datum_copy(arena, &state->min, value);
    if ((needs & NEED_MAX) && (is_first || datum_less(channel->kind, &state->max, value)))
        datum_copy(arena, &state->max, value);
    if ((needs & NEED_FIRST) && is_first) datum_copy(arena, &state->first, value);
    if (needs & NEED_LAST) datum_copy(arena, &state->last, value);
}

static void read_datum(const Channel *channel, const Vector *vector, size_t row, Datum *out)
{
    switch (channel->kind) {
    case CHANNEL_DOUBLE: out->number = ((const double *)vector->data)[row]; return;
    case CHANNEL_INT: out->integer = engine_int(vector, row); return;
    case CHANNEL_WIDE:
        memcpy(&out->integer, (const char *)vector->data + row * sizeof(Int128), sizeof(Int128));
        return;
    case CHANNEL_TEXT: {
        const char *bytes = engine_str(vector, row, &out->bytes.size);
        memcpy(&out->bytes.data, &bytes, sizeof bytes); /* only read from */
        return;
    }
    case CHANNEL_COUNT: return;
    }
}

/* ---- runs of doubles ---- */

static void sum_run(State *state, const double *values, size_t count)
{
    double sum = state->sum_number;
    for (size_t i = 0; i < count; i++) sum += values[i];
    state->sum_number = sum;
}

static void min_run(State *state, const double *values, size_t count)
{
    double min = state->min.number;
    for (size_t i = 0; i < count; i++) {
        if (values[i] < min || (isnan(min) && !isnan(values[i]))) min = values[i];
    }
    state->min.number = min;
}

static void max_run(State *state, const double *values, size_t count)
{
    double max = state->max.number;
    for (size_t i = 0; i < count; i++) {
        if (values[i] > max || isnan(values[i])) max = values[i];
    }
    state->max.number = max;
}

/* add_spread for each, in registers. */
static void spread_run(State *state, const double *values, size_t count)
{
    double mean = state->mean, m2 = state->m2, n = (double)state->count;
    for (size_t i = 0; i < count; i++) {
        n += 1;
        double delta = values[i] - mean;
        mean += delta * (1 / n);
        m2 += delta * (values[i] - mean);
    }
    state->mean = mean;
    state->m2 = m2;
}

/* The usual three in one pass: comparisons hide behind the additions. */
static void three_run(State *state, const double *values, size_t count)
{
    double sum = state->sum_number, min = state->min.number, max = state->max.number;
    for (size_t i = 0; i < count; i++) {
        double value = values[i];
        sum += value;
        if (value < min || (isnan(min) && !isnan(value))) min = value;
        if (value > max || isnan(value)) max = value;
    }
    state->sum_number = sum;
    state->min.number = min;
    state->max.number = max;
}

/* The same as add_datum for each, one need after the other. */
static void add_doubles(State *state, unsigned needs, const double *values, size_t count)
{
    const int64_t before = state->count;
    if (before == 0) {
        state->min.number = state->max.number = state->first.number = values[0];
    }
    const unsigned three = NEED_SUM | NEED_MIN | NEED_MAX;
    if ((needs & three) == three) {
        three_run(state, values, count);
    } else {
        if (needs & NEED_SUM) sum_run(state, values, count);
        if (needs & NEED_MIN) min_run(state, values, count);
        if (needs & NEED_MAX) max_run(state, values, count);
    }
    if (needs & NEED_SPREAD) spread_run(state, values, count);
    state->last.number = values[count - 1];
    state->count = before + (int64_t)count;
}

/* ---- runs ---- */

/* The channel holds booleans: is there a value? */
static void count_run(State *state, const Vector *vector, size_t from, size_t to)
{
    for (size_t row = from; row < to; row++) state->count += engine_int(vector, row) != 0;
}

void state_add(Arena *arena, State *state, const Channel *channel, const Vector *vector,
               size_t from, size_t to)
{
    if (channel->kind == CHANNEL_COUNT) {
        count_run(state, vector, from, to);
        return;
    }
    if (channel->kind == CHANNEL_DOUBLE && vector->validity == NULL) {
        add_doubles(state, channel->needs, (const double *)vector->data + from, to - from);
        return;
    }
    for (size_t row = from; row < to; row++) {
        Datum value = {0};
        if (vector_is_null(vector, row)) continue;
        read_datum(channel, vector, row, &value);
        add_datum(arena, state, channel, &value);
    }
}

/* ---- folding ---- */

static void copy_state(Arena *arena, State *into, const State *from)
{
    into->count = from->count;
    into->sum_integer = from->sum_integer;
    into->sum_number = from->sum_number;
    into->mean = from->mean;
    into->m2 = from->m2;
    datum_copy(arena, &into->min, &from->min);
    datum_copy(arena, &into->max, &from->max);
    datum_copy(arena, &into->first, &from->first);
    datum_copy(arena, &into->last, &from->last);
}

/* Chan, Golub, LeVeque: both sides hold values. */
static void fold_spread(State *into, const State *from)
{
    double a = (double)into->count, b = (double)from->count, n = a + b;
    double delta = from->mean - into->mean;
    into->mean += delta * (b / n);
    into->m2 += from->m2 + delta * delta * (a * b / n);
}

static void fold_state(Arena *arena, State *into, const State *from, const Channel *channel)
{
    if (from->count == 0) return;
    if (into->count == 0) {
        copy_state(arena, into, from);
        return;
    }
    into->sum_integer = add_sticky(into->sum_integer, from->sum_integer);
    into->sum_number += from->sum_number;
    if (channel->needs & NEED_SPREAD) fold_spread(into, from);
    if ((channel->needs & NEED_MIN) && datum_less(channel->kind, &from->min, &into->min))
        datum_copy(arena, &into->min, &from->min);
    if ((channel->needs & NEED_MAX) && datum_less(channel->kind, &into->max, &from->max))
        datum_copy(arena, &into->max, &from->max);
    if (channel->needs & NEED_LAST) datum_copy(arena, &into->last, &from->last);
    into->count += from->count;
}

void bucket_fold(Arena *arena, Bucket *into, const Bucket *from, const BucketPlan *plan)
{
    into->rows += from->rows;
    for (size_t i = 0; i < plan->channels.n; i++)
        fold_state(arena, &into->states[i], &from->states[i], &plan->channels.v[i]);
}
