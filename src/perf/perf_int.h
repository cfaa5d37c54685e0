/* What the files of perf share. Not for other modules (tests and benchmarks of perf include it). */
#pragma once
#include "perf/read.h"

enum {
    KEY_SLOTS = 8192,                   /* a power of two, of 16 bytes */
    KEY_SLOTS_FULL = KEY_SLOTS / 4 * 3, /* then every second key is let go */
    SAMPLE_SHIFT_MAX = 16,
    SAMPLE_SHIFT_FINE = 6,
    RING_RECORDS_DEFAULT = 4096,
};

/* Only the owner writes, by plain relaxed stores. */
typedef struct Times {
    _Atomic uint64_t sum_ticks, max_ticks;
    _Atomic uint64_t inverted_min_ticks;    /* so that nothing recorded is 0, too */
    _Atomic uint32_t buckets[PERF_BUCKETS]; /* they stop at their greatest value */
} Times;

typedef struct KeySlot {
    _Atomic uint64_t hash;
    _Atomic uint32_t calls;
    _Atomic uint32_t op; /* + 1; 0 = free */
} KeySlot;

typedef struct Keys {
    _Atomic uint64_t calls[PERF_OP_COUNT];
    _Atomic uint64_t mask; /* keys whose hash meets it are left out: all but one in mask + 1 */
    _Atomic uint32_t used;
    _Atomic uint64_t taken[KEY_SLOTS / 64]; /* a bit for each slot in use: readers go by it */
    KeySlot slots[KEY_SLOTS];
} Keys;

typedef struct Block {
    PerfCounts counts;  /* first: perf_mine points here */
    struct Block *next; /* all blocks ever made */
    struct Block *next_free;
    PerfRing *_Atomic ring; /* made with the first span */
    Times times[PERF_TIMED_COUNT];
    Keys keys;
} Block;

_Static_assert(sizeof(Block) + sizeof(PerfRing) + RING_RECORDS_DEFAULT * sizeof(PerfRecord) <=
                   1 << 20,
               "a thread costs a mebibyte at most");

/* Adds to a number that only this thread writes. */
static inline void own_add(_Atomic uint64_t *number, uint64_t n)
{
    uint64_t before = atomic_load_explicit(number, memory_order_relaxed);
    atomic_store_explicit(number, before + n, memory_order_relaxed);
}

/* ---- hist.c ---- */
typedef struct HistStep {
    uint64_t boundary;
    uint64_t sub_bucket;
} HistStep;
extern const HistStep HIST_STEPS[64];

static inline unsigned hist_index(uint64_t value)
{
    if (__builtin_expect(value >> PERF_OCTAVES != 0, 0)) return PERF_BUCKETS - 1;
    value |= value == 0;
    unsigned zeros = (unsigned)__builtin_clzll(value);
    uint64_t mantissa = value << zeros;
    const HistStep *step = &HIST_STEPS[(mantissa >> 57) & 63];
    return (63 - zeros) * 32 + (unsigned)step->sub_bucket + (mantissa >= step->boundary);
}

/* ---- block.c ---- */
Block *block_mine(void);
/* The newest block; walk by `next`. Blocks are never freed. */
Block *block_all(void);
void *block_memory(size_t size_bytes); /* zeroed pages that cost nothing until they are touched */

/* ---- ring.c ---- */
PerfRing *ring_of(Block *block);
void ring_push(PerfRing *ring, const PerfSpan *span);
void ring_pop(PerfRing *ring, const PerfSpan *span, uint64_t ticks);

/* ---- trace.c ---- */
bool trace_is_on(void);
void trace_begin(PerfOp op);
void trace_end(PerfOp op);
