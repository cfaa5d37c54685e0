/* perf — what happened, counted. A static table of operations (ops.def) generates the enum, the
 * names and the help; every thread counts into a block of its own (no locks, no allocation, no
 * strings on the hot path) and readers add the blocks up.
 *
 * Not here: files and reports (module report), file-call counts (module os).
 * Invariant: a count never decreases, and none is lost when a thread ends.
 * Threads: everything may be called from any thread. */
#pragma once
#include "base/arena.h"
#include <stdint.h>

typedef enum PerfOp {
#define PERF_OP(name, layer, unit, text) PERF_##name,
#include "perf/ops.def"
#undef PERF_OP
    PERF_OP_COUNT
} PerfOp;

typedef struct PerfOpInfo {
    const char *name, *layer, *unit, *text;
} PerfOpInfo;

const PerfOpInfo *perf_op_info(PerfOp op);

/* Adds n to an operation's count: about a nanosecond. */
void perf_add(PerfOp op, uint64_t n);
static inline void perf_count(PerfOp op)
{
    perf_add(op, 1);
}
/* The sum over all threads, living and ended. */
uint64_t perf_read(PerfOp op);

/* Spans for --trace: written at once, one JSON event a line (Chrome trace array format), so that a
 * killed process leaves a file that tells how far it was. No-ops unless perf_trace_to was called
 * with a descriptor (the caller's; it is written with write(2), by whole lines). Names are UTF-8,
 * cut at 240 bytes. perf_trace_to(-1) closes the array and stops; so does, without closing, the
 * first write that fails. */
void perf_trace_to(int fd);
void perf_trace_begin(const char *name);
void perf_trace_end(const char *name);
void perf_trace_instant(const char *name);
