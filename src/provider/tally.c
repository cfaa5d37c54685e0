/* tally.h: the tables of values by hash, and what a value takes without a dictionary, by a few
 * chunks: of integers the width of their differences, as DELTA_BINARY_PACKED writes them; of reals
 * and texts the entropy of their bytes, which is about what zstd leaves of BYTE_STREAM_SPLIT and
 * DELTA_LENGTH_BYTE_ARRAY. */
#include "provider/tally.h"
#include "provider/provider_int.h"
#include <math.h>
#include <string.h>

enum {
    CHUNK_ROWS = 2048,
    ROWS_MOST = 1 << 17, /* whose values are looked up: a row group of the engine, and a bit */
    SLOTS_FIRST = 64,    /* powers of two */
    SLOTS_MOST = 2048,
    SLOTS_MOST_WIDE = 256, /* of more than */
    WIDE_COLUMNS = 64,
    DISTANCES = 48 /* by powers of two */
};

typedef struct Slot {
    uint64_t hash; /* 0: free */
    int64_t first, last;
} Slot;

typedef struct Counted { /* a column */
    Phys phys;
    Slot *slots, *newest; /* newest: the value of the row before, when followed */
    size_t slot_count, used;
    uint64_t newest_hash;
    int halvings;      /* of `followed` */
    uint64_t followed; /* hashes up to it */
    int64_t counts[DISTANCES], sums[DISTANCES];
    int64_t nulls;
    double plain_bytes;
    int64_t plain_values;
} Counted;

struct Tally {
    Arena *arena;
    size_t count;
    Counted *columns;
    size_t slots_most;
    int64_t rows, rows_counted; /* all; those at the beginning that are in the tables */
    int64_t chunks, next_sampled;
};

Tally *tally_new(Arena *arena, size_t column_count)
{
    Tally *tally = ANEW(arena, Tally);
    *tally = (Tally){.arena = arena,
                     .count = column_count,
                     .slots_most = column_count > WIDE_COLUMNS ? SLOTS_MOST_WIDE : SLOTS_MOST,
                     .columns = AARRAY(arena, Counted, column_count + 1)};
    for (size_t i = 0; i < column_count; i++)
        tally->columns[i] = (Counted){.phys = PHYS_NESTED,
                                      .followed = UINT64_MAX,
                                      .slots = AARRAY(arena, Slot, SLOTS_FIRST),
                                      .slot_count = SLOTS_FIRST};
    return tally;
}

/* ---- values ---- */

static inline uint64_t mix(uint64_t bits)
{
    bits = (bits ^ (bits >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    bits ^= bits >> 32;
    return bits != 0 ? bits : 1;
}

static uint64_t text_hash(const Vector *vector, size_t row)
{
    uint64_t words[2] = {0, 0};
    size_t length = 0;
    const char *bytes = engine_str(vector, row, &length);
    if (length > sizeof words)
        words[0] = xxh64(bytes, length);
    else if (length > 0)
        memcpy(words, bytes, length);
    return mix(words[0] + mix(words[1] + length));
}

#define HASH_EACH(Type)                                                                            \
    for (size_t row = 0; row < rows; row++) hashes[row] = mix((uint64_t)((const Type *)data)[row])

/* Of null cells, of anything. */
static void hash_values(const Vector *vector, size_t rows, uint64_t *hashes)
{
    const void *data = vector->data;
    if (vector->phys == PHYS_STRING) {
        for (size_t row = 0; row < rows; row++)
            hashes[row] = vector_is_null(vector, row) ? 1 : text_hash(vector, row);
        return;
    }
    switch (phys_bytes(vector->phys)) {
    case 1: HASH_EACH(uint8_t); break;
    case 2: HASH_EACH(uint16_t); break;
    case 4: HASH_EACH(uint32_t); break;
    case 8: HASH_EACH(uint64_t); break;
    default:
        for (size_t row = 0; row < rows; row++)
            hashes[row] =
                mix(((const uint64_t *)data)[2 * row] + mix(((const uint64_t *)data)[2 * row + 1]));
    }
}

/* ---- the table ---- */

static Slot *slot_of(Slot *slots, size_t count, uint64_t hash)
{
    size_t at = hash & (count - 1);
    while (slots[at].hash != 0 && slots[at].hash != hash) at = (at + 1) & (count - 1);
    return &slots[at];
}

/* Into a table of `count`, without what is not followed any more. */
static void refill(Arena *arena, Counted *column, size_t count)
{
    Slot *old = column->slots;
    size_t old_count = column->slot_count;
    column->slots = AARRAY(arena, Slot, count);
    column->slot_count = count;
    column->used = 0;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].hash == 0 || old[i].hash > column->followed) continue;
        *slot_of(column->slots, count, old[i].hash) = old[i];
        column->used++;
    }
    column->newest = NULL;
    column->newest_hash = 0;
}

static void make_room(const Tally *tally, Counted *column)
{
    if (column->used * 2 < column->slot_count) return;
    if (column->slot_count < tally->slots_most) {
        refill(tally->arena, column, 2 * column->slot_count);
        return;
    }
    column->halvings++;
    column->followed /= 2;
    for (size_t i = 0; i < DISTANCES; i++) {
        column->counts[i] /= 2;
        column->sums[i] /= 2;
    }
    refill(tally->arena, column, column->slot_count);
}

/* Distances above half of `at` and up to it, a power of two. */
static inline size_t distance_class(int64_t distance)
{
    return distance <= 1 ? 0 : 64 - (size_t)__builtin_clzll((uint64_t)distance - 1);
}

static inline void add_distance(Counted *column, int64_t distance)
{
    size_t at = distance_class(distance);
    if (at >= DISTANCES) at = DISTANCES - 1;
    column->counts[at]++;
    column->sums[at] += distance;
}

static void meet_other(const Tally *tally, Counted *column, uint64_t hash, int64_t row)
{
    Slot *slot = slot_of(column->slots, column->slot_count, hash);
    if (slot->hash == 0) {
        make_room(tally, column);
        if (hash > column->followed) return;
        slot = slot_of(column->slots, column->slot_count, hash);
        *slot = (Slot){.hash = hash, .first = row};
        column->used++;
    } else {
        add_distance(column, row - slot->last);
    }
    slot->last = row;
    column->newest = slot;
    column->newest_hash = hash;
}

static inline void meet(const Tally *tally, Counted *column, uint64_t hash, int64_t row)
{
    if (hash == column->newest_hash) {
        add_distance(column, row - column->newest->last);
        column->newest->last = row;
    } else if (hash <= column->followed) {
        meet_other(tally, column, hash, row);
    }
}

/* ---- without a dictionary ---- */

static double entropy_bits(const uint32_t counts[256], double values)
{
    double bits = 0, used = 0;
    for (size_t i = 0; i < 256; i++) {
        if (counts[i] == 0) continue;
        bits -= (double)counts[i] * log2((double)counts[i] / values);
        used++;
    }
    bits = bits / values + (used - 1) / (2 * values * M_LN2); /* few values look too orderly */
    return bits > 8 ? 8 : bits;
}

static double real_bytes(const Vector *vector, size_t size, size_t rows, int64_t *values)
{
    double bytes = 0;
    for (size_t plane = 0; plane < size; plane++) {
        uint32_t counts[256] = {0};
        *values = 0;
        for (size_t row = 0; row < rows; row++) {
            if (vector_is_null(vector, row)) continue;
            counts[((const uint8_t *)vector->data)[row * size + plane]]++;
            ++*values;
        }
        if (*values > 0) bytes += entropy_bits(counts, (double)*values) / 8 * (double)*values;
    }
    return bytes;
}

static double text_bytes(const Vector *vector, size_t rows, int64_t *values)
{
    uint32_t counts[256] = {0};
    double length_sum = 0;
    for (size_t row = 0; row < rows; row++) {
        if (vector_is_null(vector, row)) continue;
        size_t length = 0;
        const char *bytes = engine_str(vector, row, &length);
        for (size_t i = 0; i < length; i++) counts[(uint8_t)bytes[i]]++;
        length_sum += (double)length;
        ++*values;
    }
    return length_sum > 0 ? length_sum * entropy_bits(counts, length_sum) / 8 : 0;
}

static double width_bits(double span)
{
    return span < 1 ? 0 : floor(log2(span)) + 1;
}

static double integer_bytes(const Vector *vector, size_t rows, int64_t *values)
{
    enum { MINIBLOCK = 256 };
    double before = 0, least = 0, most[8] = {0}, bytes = 0;
    size_t blocks = 0;
    for (size_t row = 0; row < rows && row < 8 * MINIBLOCK; row++) {
        if (vector_is_null(vector, row)) continue;
        double value = (double)engine_int(vector, row), step = value - before;
        before = value;
        if ((*values)++ == 0) continue;
        size_t block = (size_t)(*values - 2) / MINIBLOCK;
        if (*values == 2 || step < least) least = step;
        if (block == blocks) most[blocks++] = step;
        if (step > most[block]) most[block] = step;
    }
    for (size_t i = 0; i < blocks; i++) {
        double steps = i + 1 < blocks ? MINIBLOCK : (double)*values - 1 - (double)i * MINIBLOCK;
        bytes += width_bits(most[i] - least) / 8 * steps;
    }
    return bytes;
}

static void add_plain(Counted *column, const Vector *vector, size_t rows)
{
    int64_t values = 0;
    double bytes = 0;
    switch (vector->phys) {
    case PHYS_F32:
    case PHYS_F64: bytes = real_bytes(vector, phys_bytes(vector->phys), rows, &values); break;
    case PHYS_STRING: bytes = text_bytes(vector, rows, &values); break;
    case PHYS_BOOL:
    case PHYS_I128:
    case PHYS_NESTED: return;
    case PHYS_I8:
    case PHYS_I16:
    case PHYS_I32:
    case PHYS_I64:
    case PHYS_U8:
    case PHYS_U16:
    case PHYS_U32:
    case PHYS_U64: bytes = integer_bytes(vector, rows, &values); break;
    }
    column->plain_bytes += bytes;
    column->plain_values += values;
}

/* ---- chunks ---- */

static void add_values(const Tally *tally, Counted *column, const Vector *vector, size_t rows)
{
    uint64_t hashes[CHUNK_ROWS];
    if (rows > CHUNK_ROWS || vector->phys == PHYS_NESTED) return;
    hash_values(vector, rows, hashes);
    for (size_t row = 0; row < rows; row++)
        if (!vector_is_null(vector, row))
            meet(tally, column, hashes[row], tally->rows_counted + (int64_t)row);
}

static void add_nulls(Counted *column, const Vector *vector, size_t rows)
{
    if (vector->validity == NULL) return;
    for (size_t row = 0; row < rows; row++) column->nulls += vector_is_null(vector, row);
}

void tally_add(Tally *tally, const Chunk *chunk)
{
    bool is_counted = tally->rows_counted < ROWS_MOST;
    bool is_sampled = tally->chunks++ == tally->next_sampled;
    if (is_sampled) tally->next_sampled = 8 * (tally->next_sampled + 1);
    for (size_t i = 0; i < chunk->columns && i < tally->count; i++) {
        Counted *column = &tally->columns[i];
        column->phys = chunk->vectors[i].phys;
        add_nulls(column, &chunk->vectors[i], chunk->rows);
        if (is_counted) add_values(tally, column, &chunk->vectors[i], chunk->rows);
        if (is_sampled) add_plain(column, &chunk->vectors[i], chunk->rows);
    }
    tally->rows += (int64_t)chunk->rows;
    if (is_counted) tally->rows_counted += (int64_t)chunk->rows;
}

/* ---- the end ---- */

static int64_t distinct_in(const Counted *column, int64_t window, double rows)
{
    int64_t sum = 0;
    for (size_t i = 0; i < DISTANCES; i++)
        sum += INT64_C(1) << i <= window ? column->sums[i] : column->counts[i] * window;
    return (int64_t)(ldexp((double)sum, column->halvings) / rows + 0.5);
}

/* Among more rows than were counted: growing by the power of the row count by which it grew from
 * half of them to all of them (Heaps' law). */
typedef struct Growth {
    double rows, distinct, power;
} Growth;

static Growth growth_of(const Counted *column, const Counted *closed, int64_t rows)
{
    Growth growth = {.rows = (double)rows,
                     .distinct = ldexp((double)column->used, column->halvings)};
    double of_half = (double)distinct_in(closed, rows / 2, (double)rows);
    if (of_half >= 1 && growth.distinct > of_half) growth.power = log2(growth.distinct / of_half);
    return growth;
}

static int64_t distinct_beyond(const Growth *growth, int64_t rows, int64_t values)
{
    double distinct = growth->distinct;
    if ((double)rows > growth->rows) distinct *= pow((double)rows / growth->rows, growth->power);
    return (int64_t)(distinct < (double)values ? distinct : (double)values);
}

/* The circle is closed: behind its last appearance each value comes first again. */
static void finish(const Tally *tally, const Counted *column, ColumnFacts *out)
{
    int64_t rows = tally->rows_counted, values = tally->rows - out->nulls;
    Counted closed = *column;
    for (size_t i = 0; i < column->slot_count; i++)
        if (column->slots[i].hash != 0)
            add_distance(&closed, column->slots[i].first + rows - column->slots[i].last);
    size_t windows = facts_windows(tally->rows);
    Growth growth = growth_of(column, &closed, rows);
    for (size_t i = 0; i < windows; i++) {
        int64_t window = i + 1 < windows ? facts_window(i) : tally->rows;
        out->distinct[i] = window < rows ? distinct_in(&closed, window, (double)rows)
                                         : distinct_beyond(&growth, window, values);
    }
    for (size_t i = windows - 1; i-- > 0;)
        if (out->distinct[i] > out->distinct[i + 1]) out->distinct[i] = out->distinct[i + 1];
}

ColumnFacts *tally_finish(const Tally *tally, Arena *arena, const int64_t *bytes)
{
    ColumnFacts *facts = AARRAY(arena, ColumnFacts, tally->count + 1);
    for (size_t i = 0; i < tally->count; i++) {
        const Counted *column = &tally->columns[i];
        facts[i] = (ColumnFacts){.bytes = bytes[i],
                                 .nulls = column->nulls,
                                 .plain = -1,
                                 .is_counted = column->phys != PHYS_NESTED};
        if (column->plain_values > 0)
            facts[i].plain = column->plain_bytes / (double)column->plain_values;
        if (facts[i].is_counted) finish(tally, column, &facts[i]);
    }
    return facts;
}
