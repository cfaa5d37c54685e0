/* perf — what happened, counted and timed. A static table of operations (ops.def) generates the
 * enum, the names, the help, the docs and the metric names; every thread records into a block of
 * its own: no lock, no allocation, no text on the way. Readers (perf/read.h) add the blocks up.
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

/* Units: `count`, `rows`, `bytes` are only counted. `time` counts and times every call. `fine` is
 * for calls so many that a clock would weigh: counted exactly, timed one in 64 (all at `detail`).
 * The timed ones come first in the enum, so that they index tables of histograms. */
#define PERF_TIMED_time(name) PERF_##name,
#define PERF_TIMED_fine(name) PERF_##name,
#define PERF_TIMED_count(name)
#define PERF_TIMED_rows(name)
#define PERF_TIMED_bytes(name)
#define PERF_PLAIN_time(name)
#define PERF_PLAIN_fine(name)
#define PERF_PLAIN_count(name) PERF_##name,
#define PERF_PLAIN_rows(name) PERF_##name,
#define PERF_PLAIN_bytes(name) PERF_##name,

typedef enum PerfOp {
#define PERF_OP(name, layer, unit, text, details) PERF_TIMED_##unit(name)
#include "perf/ops.def"
#undef PERF_OP
    PERF_TIMED_COUNT,
    PERF_TIMED_LAST = PERF_TIMED_COUNT - 1,
#define PERF_OP(name, layer, unit, text, details) PERF_PLAIN_##unit(name)
#include "perf/ops.def"
#undef PERF_OP
    PERF_OP_COUNT
} PerfOp;

typedef enum PerfLevel { PERF_OFF, PERF_COUNTS, PERF_SPANS, PERF_DETAIL } PerfLevel;

/* At start, before other threads. */
void perf_level_set(PerfLevel level);
PerfLevel perf_level(void);
/* Times of an operation are taken of one call in 2^shift (at most 16), counts of all. */
void perf_sample_set(PerfOp op, unsigned shift);

/* The sum over all threads, living and ended. */
uint64_t perf_read(PerfOp op);

/* What PerfSpan.state says; 0: nothing is recorded. */
enum { PERF_SPAN_OPEN = 1, PERF_SPAN_TIMED = 3, PERF_SPAN_RINGED = 4, PERF_SPAN_TRACED = 8 };

/* One call that is being timed. */
typedef struct PerfSpan {
    uint64_t begin_ticks;
    PerfOp op;
    uint8_t state;
} PerfSpan;

typedef struct PerfCounts {
    _Atomic uint64_t of[PERF_OP_COUNT];
} PerfCounts;

#ifndef POND_NO_TRACKER

extern _Atomic uint8_t perf_level_now;
extern _Atomic uint32_t perf_sample_masks[PERF_TIMED_COUNT];

/* ---- behind the inline functions ---- */
void perf_add_slow(PerfOp op, uint64_t n);
void perf_start(PerfSpan *span, PerfOp op);
void perf_finish(PerfSpan *span);
void perf_key_text(PerfOp op, const char *text);
extern _Thread_local PerfCounts *perf_mine; /* of this thread; NULL before its first */

static inline bool perf_is_on(void)
{
    return atomic_load_explicit(&perf_level_now, memory_order_relaxed) != PERF_OFF;
}

/* Adds n to an operation's count: about a nanosecond. */
static inline void perf_add(PerfOp op, uint64_t n)
{
    PerfCounts *counts = perf_mine;
    if (!perf_is_on()) return;
    if (__builtin_expect(counts == NULL, 0)) {
        perf_add_slow(op, n);
        return;
    }
    uint64_t before = atomic_load_explicit(&counts->of[op], memory_order_relaxed);
    atomic_store_explicit(&counts->of[op], before + n, memory_order_relaxed);
}

/* Counts a call under its key's hash, for the calls by distinct key: beside a span or a count. */
static inline void perf_asked(PerfOp op, const char *key)
{
    if (perf_is_on()) perf_key_text(op, key);
}

/* In place: a span that is returned by value would be copied before its stores have landed. */
static inline void perf_begin(PerfSpan *span, PerfOp op)
{
    uint8_t level = atomic_load_explicit(&perf_level_now, memory_order_relaxed);
    bool every = atomic_load_explicit(&perf_sample_masks[op], memory_order_relaxed) == 0;
    span->state = 0;
    if (__builtin_expect(level == PERF_COUNTS && every, 1)) { /* the usual case, without a call */
        span->op = op;
        span->state = PERF_SPAN_TIMED;
        span->begin_ticks = perf_ticks();
    } else if (level != PERF_OFF) {
        perf_start(span, op);
    }
}

/* Counts the call and records how long it took. Ending again does nothing. */
static inline void perf_end(PerfSpan *span)
{
    if (span->state != 0) perf_finish(span);
}

/* A mark in the trace and nowhere else. */
void perf_mark(const char *text);

#else

static inline void perf_add(PerfOp op, uint64_t n)
{
    (void)op;
    (void)n;
}
static inline void perf_asked(PerfOp op, const char *key)
{
    (void)op;
    (void)key;
}
static inline void perf_begin(PerfSpan *span, PerfOp op)
{
    span->state = 0;
    (void)op;
}
static inline void perf_end(PerfSpan *span)
{
    (void)span;
}
static inline void perf_mark(const char *text)
{
    (void)text;
}

#endif

static inline void perf_count(PerfOp op)
{
    perf_add(op, 1);
}

static inline void perf_count_for(PerfOp op, const char *key)
{
    perf_add(op, 1);
    perf_asked(op, key);
}

#define PERF_PASTE_(a, b) a##b
#define PERF_PASTE(a, b) PERF_PASTE_(a, b)
/* A span from here to the end of the scope, whichever way it is left. */
#define PERF_SPAN(op)                                                                              \
    __attribute__((cleanup(perf_end), unused)) PerfSpan PERF_PASTE(perf_span_, __LINE__);          \
    perf_begin(&PERF_PASTE(perf_span_, __LINE__), op)
#define PERF_SPAN_FOR(op, key)                                                                     \
    PERF_SPAN(op);                                                                                 \
    perf_asked(op, key)
