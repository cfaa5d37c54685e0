/* Between the files of the join: where a side's rows of one instant stand, and how they are copied
 * into the feed. */
#pragma once
#include "plan/reader.h"

enum { FEED_ROWS_MAX = 2048, JOIN_TIES_MAX = 1000000 };

/* Rows that outlive their chunk: those of an instant that may go on in the next. */
typedef struct KeptColumn {
    Phys phys;
    size_t width; /* bytes of a value; 0: text */
    char *values;
    bool *nulls;
    char **texts;
    size_t *sizes;
} KeptColumn;
typedef struct Kept {
    Arena *arena;
    KeptColumn *columns;
    size_t column_count, rows, capacity;
} Kept;

/* One input of the join while it runs. */
typedef struct JoinSide {
    Reader reader;
    FeedRun *run;
    size_t *sources; /* columns of the input that are read, in the order of the statement */
    size_t *targets; /* their columns in the feed */
    size_t column_count;
    TimeUs begin; /* no row comes before: until then it is not opened */
    size_t row;   /* next of the chunk */

    /* The rows of the current instant: in the chunk from `first` on, or kept. */
    size_t first, count, at;
    bool is_kept;
    Kept kept;

    /* Of the feed's rows being filled: where each comes from; -1 = this side has none. */
    int32_t *origin;
    size_t copied; /* rows before are in the feed's vectors */
} JoinSide;

/* The statement of a side: its time and those columns, in time order. */
Err *join_emit_side(Emit *emit, const Rel *input, TimeSpan span, const size_t *sources,
                    size_t count) WARN_UNUSED;
/* Appends the chunk's rows [from, to) (columns 1 and on). */
void kept_add(Kept *kept, const Chunk *chunk, size_t from, size_t to);
void kept_clear(Kept *kept);
/* Copies the side's cells of the feed's rows [copied, rows) from where they stand now. */
void side_copy(JoinSide *side, const FeedColumn *columns, size_t rows);
