/* Pieces of a text, side by side (text_flow.c), for text_convert.c. */
#pragma once
#include "provider/text_int.h"

enum { FLOW_THREADS_MAX = 16 };

typedef struct FlowSpec {
    const TextJob *job;
    const TextInput *input;
    Cutter *cutter;
    const Shape *shape;   /* the columns known so far */
    const Layout *layout; /* to begin with; NULL when only learning */
    bool only_learn;
    const bool *wanted; /* by piece: the others are passed over; NULL: all */
} FlowSpec;

typedef struct FlowPiece {
    Arena *arena;
    int64_t offset, size;
    char *path;
    const Layout *layout; /* it was written by */
    bool passed;
    bool learned; /* `shape` is what it holds */
    Shape shape;
    PieceWritten written;
    Err *error;
} FlowPiece;

typedef struct Flow Flow;
Flow *flow_run(const FlowSpec *spec, Conn *conn, int threads);
FlowPiece **flow_pieces(const Flow *flow, size_t *out_count); /* in the order of the text */
/* The first error that stands before the first fault. */
Err *flow_take_error(Flow *flow);
void flow_free_at(Flow **flow);
