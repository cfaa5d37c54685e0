/* A relation read in time order, chunk by chunk, with its times as µs: what the operators that run
 * in C (bucket, join) read. It runs a statement of its own on a connection of its own, opened with
 * the first chunk that is asked for and closed with the last: connections are few, and a statement
 * may read many feeds in turn. */
#pragma once
#include "plan/plan_int.h"

/* Writes the statement: the time as stored (BIGINT for other integers), then whatever is wanted. */
typedef Err *ReaderEmit(const void *context, Emit *emit);

typedef struct Reader {
    Plan *plan;
    Arena *arena;
    const Rel *rel;   /* whose reader it is */
    const Rel *input; /* what it reads; its name stands in messages */
    TimeScale scale;
    ReaderEmit *emit;
    const void *context;

    Conn *conn;
    Segment segment;
    Result *result;
    bool has_begun, is_open, has_ended;
    Chunk chunk; /* vectors[0] is the time; rows = 0 at the end */
    const TimeUs *times;
    TimeUs *converted;
    TimeUs last_time;
} Reader;

/* The caller fills in what stands above `conn`. */
void reader_init(Reader *reader);
/* The next chunk. A null time is INVALID; one out of order means damage: CORRUPT. */
Err *reader_next(Reader *reader) WARN_UNUSED;
void reader_close(Reader *reader);
/* c<time> as a reader wants it. */
void reader_emit_time(Emit *emit, const Rel *input);
