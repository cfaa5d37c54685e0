/* Reading what was recorded: sums over all threads, living and ended. Exact for what has ended
 * before the call; what goes on meanwhile is seen or not (of a thread that records meanwhile, the
 * newest call may stand in a histogram twice or not at all). */
#pragma once
#include "base/arena.h"
#include "perf/lookup.h"
#include "perf/perf.h"
#include <stddef.h>

typedef struct PerfOpInfo {
    const char *name, *layer, *unit, *text, *details;
    PerfOp op;
} PerfOpInfo;

const PerfOpInfo *perf_op_info(PerfOp op);
/* In the table's order, which groups by layer. [0, PERF_OP_COUNT) */
const PerfOpInfo *perf_op_at(size_t index);
/* -1 when there is none of that name. */
int perf_op_by_name(const char *name);
const char *perf_level_name(PerfLevel level);

/* ---- histograms: base 2, exponential, 32 buckets an octave (scale 5 of OpenTelemetry, schema 5 of
 * Prometheus) ----
 * Bucket i holds values v with 2^(i/32) <= v < 2^((i+1)/32); 0 counts as 1, what is beyond the last
 * as the last. A quantile is at most 1.09 % off: (2^(1/32) - 1) / (2^(1/32) + 1). */
enum { PERF_OCTAVES = 44, PERF_BUCKETS = 32 * PERF_OCTAVES };

typedef struct PerfHist {
    uint64_t count; /* of what was timed */
    double sum_ns, min_ns, max_ns;
    double ns_per_tick; /* buckets are in ticks */
    uint64_t buckets[PERF_BUCKETS];
} PerfHist;

unsigned perf_hist_index(uint64_t value);
/* The value of the given rank, 0 <= quantile <= 1, in nanoseconds; 0 when nothing was timed. */
double perf_hist_quantile(const PerfHist *hist, double quantile);
/* Adds `from` to `to`: the same as the histogram of both, when their ticks are equally long. */
void perf_hist_merge(PerfHist *to, const PerfHist *from);

/* Of a timed operation; NULL when no call of it was timed. */
PerfHist *perf_read_times(Arena *arena, PerfOp op);

/* ---- caches ---- */
typedef struct PerfCacheInfo {
    const char *name, *layer, *text;
} PerfCacheInfo;
const PerfCacheInfo *perf_cache_info(PerfCache cache);

typedef struct PerfCacheCounts {
    uint64_t events[PERF_CACHE_EVENTS]; /* by PerfCacheEvent */
    int64_t held_bytes_most;            /* at once, as far as the cache knows */
    PerfHist *access, *load;            /* NULL: none was timed */
} PerfCacheCounts;
void perf_read_cache(Arena *arena, PerfCache cache, PerfCacheCounts *out);

/* What a timed operation has taken on the calling thread so far, in ticks. */
uint64_t perf_my_ticks(PerfOp op);

/* ---- calls by distinct key ---- */
typedef struct PerfKeys {
    uint64_t calls;    /* with a key: exact */
    uint64_t distinct; /* exact while sampled_1_in is 1, else an estimate */
    uint64_t most;     /* calls of the key that was asked most */
    double per_key;    /* calls by distinct key among those sampled */
    uint64_t sampled_1_in;
} PerfKeys;
void perf_read_keys(PerfKeys out[]); /* PERF_OP_COUNT of them */

/* ---- spans ---- */
typedef struct PerfRecord { /* 16 bytes, as it stands in the ring */
    uint64_t begin_ticks;
    uint32_t length; /* ticks >> shift */
    uint16_t op;
    uint8_t depth, shift;
} PerfRecord;

typedef struct PerfOpen {
    uint64_t begin_ticks, op;
} PerfOpen;

enum { PERF_DEPTH_MAX = 32 };

/* A thread's ring. Its memory may be a file's: then it is all that is left of a killed process. */
typedef struct PerfRing {
    uint64_t capacity;        /* a power of two */
    _Atomic uint64_t written; /* records ever; the newest `capacity` are there */
    _Atomic uint64_t depth;   /* of the spans that are open now; deeper ones than
                                 PERF_DEPTH_MAX are counted here but not kept in `open` */
    uint64_t lane;            /* which ring, from 0; a later thread may go on in it */
    PerfOpen open[PERF_DEPTH_MAX];
    PerfRecord records[];
} PerfRing;

/* Memory for the ring of the next thread that needs one, or NULL: an anonymous one is made.
 * Zeroed, and there until the process ends. Set before other threads. */
typedef PerfRing *PerfRingSource(void *context, size_t size_bytes);
/* Records a thread (a power of two, default 4096). For rings made from now on. */
void perf_rings_set(size_t records, PerfRingSource *source, void *context);
size_t perf_ring_bytes(size_t records);

typedef struct PerfSpans {
    PerfRecord *records; /* ring by ring, in the order they ended */
    uint32_t *lanes;     /* of each */
    size_t count;
    uint64_t dropped; /* overwritten before they were read: exact */
    size_t rings, anonymous;
} PerfSpans;
PerfSpans perf_read_spans(Arena *arena);
void perf_sort_spans(PerfSpans *spans); /* by begin, outer first */
typedef struct PerfSpanCounts {
    uint64_t held, dropped;
    size_t rings, anonymous;
} PerfSpanCounts;
PerfSpanCounts perf_count_spans(void);
/* The records of one ring, oldest first, appended; returns how many were overwritten. */
uint64_t perf_ring_read(const PerfRing *ring, PerfRecord *out, size_t *out_count);

/* ---- the trace: written at once ----
 * One JSON event a line (Chrome trace array format), so that a killed process leaves a file that
 * tells how far it was. `fd` is the caller's. Raises the level to `spans`. Texts are UTF-8, cut at
 * 240 bytes. perf_trace_to(-1) closes the array and stops; so does, without closing, the first
 * write that fails. */
void perf_trace_to(int fd);
int perf_trace_failed(void); /* errno of the write that ended it; 0: none did */
