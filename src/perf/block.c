/* Layer: above base, below everything else. Memory only.
 *
 * Each thread owns a block: counts, histograms, keys. Only the owner writes it, with plain relaxed
 * stores (no locked instruction); readers sum all blocks with relaxed loads. Blocks are never
 * freed: when a thread ends its block, counts included, goes to a free list and the next new thread
 * counts on in it. That keeps every sum exact and the memory bounded by the largest number of
 * threads alive at once. blocks_lock guards the two lists and is taken once in a thread's life, and
 * by readers.
 *
 * A span costs two readings of the clock, and what is written down between them: count, sum, least,
 * most and one bucket, and from the level `spans` on one record in the ring. */
#include "perf/perf_int.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifdef POND_NO_TRACKER

Block *block_all(void)
{
    return NULL;
}

void perf_level_set(PerfLevel level)
{
    (void)level;
}

PerfLevel perf_level(void)
{
    return PERF_OFF;
}

void perf_sample_set(PerfOp op, unsigned shift)
{
    (void)op;
    (void)shift;
}

#else

static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static Block *all_blocks, *free_blocks;
static pthread_key_t thread_end;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;
_Atomic uint32_t perf_sample_masks[PERF_TIMED_COUNT] = {
#define PERF_OP(name, layer, unit, text, details) PERF_MASK_##unit(name)
#define PERF_MASK_time(name)
#define PERF_MASK_fine(name) [PERF_##name] = (1U << SAMPLE_SHIFT_FINE) - 1,
#define PERF_MASK_count(name)
#define PERF_MASK_rows(name)
#define PERF_MASK_bytes(name)
#include "perf/ops.def"
#undef PERF_OP
};
/* Those of unit `fine` stand in the ring only at `detail`. */
static const bool IS_FINE[PERF_TIMED_COUNT] = {
#define PERF_OP(name, layer, unit, text, details) PERF_FINE_##unit(name)
#define PERF_FINE_time(name)
#define PERF_FINE_fine(name) [PERF_##name] = true,
#define PERF_FINE_count(name)
#define PERF_FINE_rows(name)
#define PERF_FINE_bytes(name)
#include "perf/ops.def"
#undef PERF_OP
};

_Atomic uint8_t perf_level_now = PERF_COUNTS;
_Thread_local PerfCounts *perf_mine;

void perf_level_set(PerfLevel level)
{
    atomic_store(&perf_level_now, (uint8_t)level);
}

PerfLevel perf_level(void)
{
    return (PerfLevel)atomic_load_explicit(&perf_level_now, memory_order_relaxed);
}

void perf_sample_set(PerfOp op, unsigned shift)
{
    if (op >= PERF_TIMED_COUNT) return;
    if (shift > SAMPLE_SHIFT_MAX) shift = SAMPLE_SHIFT_MAX;
    atomic_store(&perf_sample_masks[op], (1U << shift) - 1);
}

/* ---- blocks ---- */

/* Other destructors of the same thread may still count: they take a block anew and we run once
 * more. */
static void give_back(void *block)
{
    (void)pthread_mutex_lock(&blocks_lock);
    ((Block *)block)->next_free = free_blocks;
    free_blocks = block;
    (void)pthread_mutex_unlock(&blocks_lock);
    perf_mine = NULL;
}

static void make_key(void)
{
    if (pthread_key_create(&thread_end, give_back) != 0) abort();
}

void *block_memory(size_t size_bytes)
{
    void *memory =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        (void)fprintf(stderr, "pond: out of memory (%zu bytes)\n", size_bytes);
        abort();
    }
    return memory;
}

static Block *new_block(void)
{
    Block *block = block_memory(sizeof(Block));
    block->next = all_blocks;
    all_blocks = block;
    return block;
}

static Block *take_block(void)
{
    (void)pthread_once(&thread_end_once, make_key);
    (void)pthread_mutex_lock(&blocks_lock);
    Block *block = free_blocks;
    if (block != NULL) {
        free_blocks = block->next_free;
    } else {
        block = new_block();
    }
    (void)pthread_mutex_unlock(&blocks_lock);
    perf_mine = &block->counts;
    (void)pthread_setspecific(thread_end, block);
    return block;
}

Block *block_mine(void)
{
    return perf_mine != NULL ? (Block *)(void *)perf_mine : take_block();
}

Block *block_all(void)
{
    (void)pthread_mutex_lock(&blocks_lock);
    Block *newest = all_blocks;
    (void)pthread_mutex_unlock(&blocks_lock);
    return newest;
}

/* ---- recording ---- */

void perf_add_slow(PerfOp op, uint64_t n)
{
    own_add(&block_mine()->counts.of[op], n);
}

/* From the level `spans` on: the ring, and the trace where there is one. */
static void start_in_ring(Block *block, PerfSpan *span, uint8_t level)
{
    if (IS_FINE[span->op] && level < PERF_DETAIL) return;
    span->state |= PERF_SPAN_RINGED;
    if (trace_is_on()) {
        trace_begin(span->op);
        span->state |= PERF_SPAN_TRACED;
    }
    span->begin_ticks = perf_ticks();
    ring_push(ring_of(block), span);
}

void perf_start(PerfSpan *span, PerfOp op)
{
    Block *block = block_mine();
    uint8_t level = atomic_load_explicit(&perf_level_now, memory_order_relaxed);
    uint32_t mask = atomic_load_explicit(&perf_sample_masks[op], memory_order_relaxed);
    uint64_t number = atomic_load_explicit(&block->counts.of[op], memory_order_relaxed);
    span->op = op;
    span->state = PERF_SPAN_OPEN;
    if ((number & mask) != 0 && !(IS_FINE[op] && level >= PERF_DETAIL)) return;
    span->state = PERF_SPAN_TIMED;
    if (__builtin_expect(level >= PERF_SPANS, 0)) start_in_ring(block, span, level);
    if ((span->state & PERF_SPAN_RINGED) == 0) span->begin_ticks = perf_ticks();
}

static inline void raise_to(_Atomic uint64_t *number, uint64_t n)
{
    if (n > atomic_load_explicit(number, memory_order_relaxed))
        atomic_store_explicit(number, n, memory_order_relaxed);
}

static inline void record(Times *times, uint64_t ticks)
{
    _Atomic uint32_t *bucket = &times->buckets[hist_index(ticks)];
    uint32_t held = atomic_load_explicit(bucket, memory_order_relaxed);
    atomic_store_explicit(bucket, held + (held != UINT32_MAX), memory_order_relaxed);
    own_add(&times->sum_ticks, ticks);
    raise_to(&times->max_ticks, ticks);
    raise_to(&times->inverted_min_ticks, ~ticks);
}

void perf_finish(PerfSpan *span)
{
    uint8_t state = span->state;
    uint64_t now = (state & PERF_SPAN_TIMED) == PERF_SPAN_TIMED ? perf_ticks() : 0;
    Block *block = block_mine();
    span->state = 0;
    own_add(&block->counts.of[span->op], 1);
    if ((state & PERF_SPAN_TIMED) != PERF_SPAN_TIMED) return;
    uint64_t ticks = now > span->begin_ticks ? now - span->begin_ticks : 0;
    record(&block->times[span->op], ticks);
    if ((state & PERF_SPAN_RINGED) != 0) ring_pop(ring_of(block), span, ticks);
    if ((state & PERF_SPAN_TRACED) != 0) trace_end(span->op);
}

#endif
