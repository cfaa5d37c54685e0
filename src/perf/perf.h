/* perf — what happened, counted and timed. A static table of operations (ops.def) generates their
 * numbers (perf/ops.h), the names, the help, the docs and the metric names; every thread records
 * into a block of its own: no lock, no allocation, no text on the way. Readers (perf/read.h) add
 * the blocks up.
 *
 *   perf_count(PERF_log_commit);                      a count
 *   perf_add(PERF_bucket_row, rows);                  of many
 *   PERF_SPAN(PERF_schema_sql);                       count and time, to the end of the scope
 *   perf_count_for(PERF_log_entry_open, path);        a count, and by distinct key
 *   PERF_SPAN_FOR(PERF_dir_read, node->id.text);      a span, and by distinct key
 *
 * Levels: off (nothing), counts (counts, times, keys: the default), spans (also one record a call
 * in a ring), detail (also of the operations of unit `fine`, which else are timed by sample).
 * Compiled with POND_NO_TRACKER every recording function is empty and readers see zeros.
 *
 * Not here: files and reports (module report), file-call counts (module os).
 * Invariant: counts are exact whatever is sampled, never decrease, and none is lost when a thread
 * ends; what a full ring or table leaves out is itself counted.
 * Threads: everything may be called from any thread; a span ends on the thread it began on. */
#pragma once
#include "perf/clock.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One of perf/ops.h: below PERF_TIMED_COUNT those that are timed, all below PERF_OP_COUNT. */
typedef unsigned PerfOp;

typedef enum PerfLevel { PERF_OFF, PERF_COUNTS, PERF_SPANS, PERF_DETAIL } PerfLevel;

/* At start, before other threads. */
void perf_level_set(PerfLevel level);
PerfLevel perf_level(void);
/* Times of an operation are taken of one call in 2^shift (at most 16), counts of all. */
void perf_sample_set(PerfOp op, unsigned shift);

/* The sum over all threads, living and ended. */
uint64_t perf_read(PerfOp op);

/* A process that is forked to go on with our work, and waited for, counts in a block of its own
 * that this process reads like a thread's: made before the fork, entered in the child, ended when
 * the child has ended, however it did. */
typedef struct PerfChild PerfChild;
PerfChild *perf_child_new(void);
void perf_child_enter(PerfChild *child);
void perf_child_end(PerfChild *child);

/* How calls of an operation are recorded now, in bits; 0: not at all. */
enum {
    PERF_MODE_TIMED = 1,   /* always, but with no other bit nothing else is done */
    PERF_MODE_SAMPLED = 2, /* one call in 2^shift is timed, the others are counted */
    PERF_MODE_RINGED = 4,  /* a record of each in the ring */
    PERF_MODE_TRACED = 8   /* and a line in the trace */
};

/* One call that is being recorded. */
typedef struct PerfSpan {
    uint64_t begin_ticks; /* 0: it is counted only */
    PerfOp op;
    uint8_t mode; /* when it began; 0: nothing is recorded */
} PerfSpan;

/* Of one operation, by one thread. */
typedef struct PerfCount {
    _Atomic uint64_t n;
} PerfCount;

#ifndef POND_NO_TRACKER

extern _Atomic uint8_t perf_level_now;
extern _Atomic uint8_t perf_modes[]; /* by timed operation */

/* ---- behind the inline functions ---- */
void perf_add_slow(PerfOp op, uint64_t n);
uint64_t perf_start(PerfOp op, uint8_t mode); /* any mode but 0 and plainly timed: begin_ticks */
void perf_record(PerfOp op, uint64_t begin_ticks);
void perf_finish(PerfOp op, uint64_t begin_ticks, uint8_t mode);
void perf_key_text(PerfOp op, const char *text);
extern _Thread_local PerfCount *perf_mine; /* this thread's; NULL before its first */

static inline bool perf_is_on(void)
{
    return atomic_load_explicit(&perf_level_now, memory_order_relaxed) != PERF_OFF;
}

/* Adds n to an operation's count: about a nanosecond. */
static inline void perf_add(PerfOp op, uint64_t n)
{
    if (!perf_is_on()) return;
    PerfCount *counts = perf_mine;
    if (__builtin_expect(counts == NULL, 0)) {
        perf_add_slow(op, n);
        return;
    }
    uint64_t before = atomic_load_explicit(&counts[op].n, memory_order_relaxed);
    atomic_store_explicit(&counts[op].n, before + n, memory_order_relaxed);
}

/* Counts a call under its key's hash, for the calls by distinct key: beside a span or a count. */
static inline void perf_asked(PerfOp op, const char *key)
{
    if (perf_is_on()) perf_key_text(op, key);
}

/* The usual modes, off and timed, make no call here. What is passed on are numbers, so that the
 * span stays in registers. */
static inline void perf_begin(PerfSpan *span, PerfOp op)
{
    uint8_t mode = atomic_load_explicit(&perf_modes[op], memory_order_relaxed);
    span->mode = mode;
    span->op = op;
    span->begin_ticks = 0;
    if (mode == 0) return;
    span->begin_ticks = mode == PERF_MODE_TIMED ? perf_ticks() : perf_start(op, mode);
}

/* Counts the call and records how long it took. Ending again does nothing. */
static inline void perf_end(PerfSpan *span)
{
    uint8_t mode = span->mode;
    if (mode == 0) return;
    span->mode = 0;
    if (mode == PERF_MODE_TIMED)
        perf_record(span->op, span->begin_ticks);
    else
        perf_finish(span->op, span->begin_ticks, mode);
}

/* A mark in the trace and nowhere else. */
void perf_mark(const char *text);

static inline void perf_count(PerfOp op)
{
    perf_add(op, 1);
}

static inline void perf_count_for(PerfOp op, const char *key)
{
    perf_add(op, 1);
    perf_asked(op, key);
}

#else
/* Not even empty functions, which change how others are compiled; sizeof: nothing is computed. */

#define perf_add(op, n) ((void)sizeof(n))
#define perf_asked(op, key) ((void)sizeof(key))
#define perf_begin(span, op) ((void)(span))
#define perf_end(span) ((void)(span))
#define perf_mark(text) ((void)(text))
#define perf_count(op) ((void)0)
#define perf_count_for(op, key) ((void)sizeof(key))

#endif

#define PERF_PASTE_(a, b) a##b
#define PERF_PASTE(a, b) PERF_PASTE_(a, b)
/* A span from here to the end of the scope, whichever way it is left. */
#ifndef POND_NO_TRACKER
#define PERF_SPAN(op)                                                                              \
    __attribute__((cleanup(perf_end), unused)) PerfSpan PERF_PASTE(perf_span_, __LINE__);          \
    perf_begin(&PERF_PASTE(perf_span_, __LINE__), op)
#else
#define PERF_SPAN(op) (void)0
#endif
#define PERF_SPAN_FOR(op, key)                                                                     \
    PERF_SPAN(op);                                                                                 \
    perf_asked(op, key)
