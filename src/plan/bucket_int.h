/* Between the files of `bucket`: states of a bucket, how they are updated and folded, and the cells
 * in which they are stored as partials. */
#pragma once
#include "plan/plan_int.h"

typedef __int128 Int128;
#define INT128_MAX ((Int128)(((unsigned __int128)1 << 127) - 1))
#define INT128_MIN (-INT128_MAX - 1)

typedef struct Bytes {
    char *data;
    size_t size, capacity;
} Bytes;

/* A value by its channel's kind. */
typedef struct Datum {
    Int128 integer; /* INT, WIDE */
    double number;  /* DOUBLE */
    Bytes bytes;    /* TEXT */
} Datum;

/* What is known of one channel's values in one bucket. */
typedef struct State {
    int64_t count; /* values that are not null */
    Int128 sum_integer;
    double sum_number;
    double mean, m2;
    Datum min, max, first, last;
} State;

typedef struct Bucket {
    TimeUs start;
    int64_t rows;  /* 0: nothing yet */
    State *states; /* by channel */
} Bucket;

/* ---- states (bucket_state.c) ---- */
Bucket bucket_new(Arena *arena, const BucketPlan *plan);
void bucket_reset(Bucket *bucket, const BucketPlan *plan, TimeUs start);
/* Rows [from, to) of a chunk's vector, in their order. */
void state_add(Arena *arena, State *state, const Channel *channel, const Vector *vector,
               size_t from, size_t to);
/* Folds a later bucket into an earlier one; into an empty one it copies, so that the bits stay. */
void bucket_fold(Arena *arena, Bucket *into, const Bucket *from, const BucketPlan *plan);
void bytes_set(Arena *arena, Bytes *bytes, const char *data, size_t size);

/* ---- partials ---- */
typedef enum CellKind {
    CELL_COUNT,
    CELL_SUM_HIGH,
    CELL_SUM_LOW,
    CELL_SUM_DOUBLE,
    CELL_MEAN,
    CELL_M2,
    CELL_MIN,
    CELL_MIN_HIGH,
    CELL_MAX,
    CELL_MAX_HIGH,
    CELL_FIRST,
    CELL_FIRST_HIGH,
    CELL_LAST,
    CELL_LAST_HIGH
} CellKind;
typedef struct Cell {
    size_t channel;
    CellKind kind;
    const char *name, *type;
} Cell;
typedef VEC(Cell) CellVec;
CellVec bucket_cells(Arena *arena, const BucketPlan *bucket);
void cell_read(Arena *arena, State *state, const Channel *channel, const Cell *cell,
               const Vector *vector, size_t row);
void cell_write(const State *state, const Channel *channel, const Cell *cell,
                const FeedColumn *column, size_t row);

/* ---- results ---- */
const char *bucket_result_type(const BucketPlan *bucket, size_t agg_index);
/* The type in which a result leaves the feed; SQL casts it to its own. */
const char *result_feed_type(const BucketPlan *bucket, size_t agg_index);
Err *result_write(const Rel *rel, const Bucket *bucket, size_t agg_index, const FeedColumn *column,
                  size_t row) WARN_UNUSED;
