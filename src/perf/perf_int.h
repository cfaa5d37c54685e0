/* What the files of perf share. Not for other modules (tests and benchmarks of perf include it). */
#pragma once
#include "perf/lookup.h"
#include "perf/ops.h"
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
    _Atomic uint64_t inverted_min_ticks; /* so that nothing recorded is 0, too */
} Times;

/* Where an operation's histogram begins among a block's buckets: place 0 is of none. */
#define BUCKETS_OF(op) (1 + (size_t)(op)*PERF_BUCKETS)

/* Of one cache. */
typedef struct CacheTimes {
    Times times;
    _Atomic uint32_t buckets[PERF_BUCKETS];
} CacheTimes;

typedef struct CacheBlock {
    _Atomic uint64_t events[PERF_CACHE_EVENTS];
    CacheTimes access, load;
} CacheBlock;

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
    PerfCount counts[PERF_OP_COUNT]; /* first: perf_mine points here */
    struct Block *next;              /* all blocks ever made */
    struct Block *next_free;
    bool is_shared;         /* of a child process; else a fork has a copy of its own */
    PerfRing *_Atomic ring; /* made with the first span */
    Times times[PERF_TIMED_COUNT];
    /* The place in `buckets` of the newest call, which is not counted there yet. To store to an
     * address that follows from the clock costs more than the rest of a record: the next reading of
     * the clock waits for it (13 of 37 ns, measured). One call later the address is long known. */
    _Atomic uint32_t pending;
    _Atomic uint32_t buckets[BUCKETS_OF(PERF_TIMED_COUNT)]; /* they stop at their greatest value */
    CacheBlock caches[PERF_CACHE_COUNT];
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

/* Of a value below 2^PERF_OCTAVES. */
static inline unsigned hist_index_small(uint64_t value)
{
    unsigned zeros = (unsigned)__builtin_clzll(value | 1); /* 0 counts as 1: no bit stands out */
    uint64_t mantissa = value << zeros;
    const HistStep *step = &HIST_STEPS[(mantissa >> 57) & 63];
    return (63 - zeros) * 32 + (unsigned)step->sub_bucket + (mantissa >= step->boundary);
}

static inline unsigned hist_index(uint64_t value)
{
    return value >> PERF_OCTAVES != 0 ? PERF_BUCKETS - 1 : hist_index_small(value);
}

/* ---- block.c ---- */
void modes_set(void);    /* anew, from level, samples and trace */
Block *block_take(void); /* for this thread, which has none */
#ifndef POND_NO_TRACKER
static inline Block *block_mine(void)
{
    return __builtin_expect(perf_mine != NULL, 1) ? (Block *)(void *)perf_mine : block_take();
}
#endif
/* The newest block; walk by `next`. Blocks are never freed. */
Block *block_all(void);
/* Zeroed pages that cost nothing until they are touched; shared with processes forked later. */
void *block_memory(size_t size_bytes, bool is_shared);

/* ---- ring.c ---- */
PerfRing *ring_new(Block *block);

static inline PerfRing *ring_of(Block *block)
{
    PerfRing *ring = atomic_load_explicit(&block->ring, memory_order_relaxed);
    return __builtin_expect(ring != NULL, 1) ? ring : ring_new(block);
}

/* A span begins: it is among those that are open. */
static inline void ring_push(PerfRing *ring, PerfOp op, uint64_t begin_ticks)
{
    uint64_t depth = atomic_load_explicit(&ring->depth, memory_order_relaxed);
    if (depth < PERF_DEPTH_MAX) ring->open[depth] = (PerfOpen){begin_ticks, op};
    atomic_store_explicit(&ring->depth, depth + 1, memory_order_release);
}

/* It ends: its record is whole before `written` tells of it. */
static inline void ring_pop(PerfRing *ring, PerfOp op, uint64_t begin_ticks, uint64_t ticks)
{
    uint64_t depth = atomic_load_explicit(&ring->depth, memory_order_relaxed) - 1;
    uint64_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    unsigned shift =
        __builtin_expect(ticks > UINT32_MAX, 0) ? 32 - (unsigned)__builtin_clzll(ticks) : 0;
    ring->records[written & (ring->capacity - 1)] =
        (PerfRecord){.begin_ticks = begin_ticks,
                     .length = (uint32_t)(ticks >> shift),
                     .op = (uint16_t)op,
                     .depth = depth < UINT8_MAX ? (uint8_t)depth : UINT8_MAX,
                     .shift = (uint8_t)shift};
    atomic_store_explicit(&ring->written, written + 1, memory_order_release);
    atomic_store_explicit(&ring->depth, depth, memory_order_release);
}

/* ---- trace.c ---- */
extern _Atomic int trace_fd;
static inline bool trace_is_on(void)
{
    return atomic_load_explicit(&trace_fd, memory_order_relaxed) >= 0;
}
void trace_begin(PerfOp op);
void trace_end(PerfOp op);
