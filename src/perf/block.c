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

void modes_set(void)
{
}

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

uint64_t perf_my_ticks(PerfOp op)
{
    (void)op;
    return 0;
}

PerfChild *perf_child_new(void)
{
    return NULL;
}

void perf_child_enter(PerfChild *child)
{
    (void)child;
}

void perf_child_end(PerfChild *child)
{
    (void)child;
}

#else

static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static Block *all_blocks, *free_blocks[2]; /* of threads, of children */
static pthread_key_t thread_end;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;
static _Atomic uint32_t sample_masks[PERF_TIMED_COUNT] = {
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
_Thread_local PerfCount *perf_mine;
/* As modes_set() sets them for the level `counts`. */
_Atomic uint8_t perf_modes[PERF_TIMED_COUNT] = {
#define PERF_OP(name, layer, unit, text, details) PERF_MODE_OF_##unit(name)
#define PERF_MODE_OF_time(name) [PERF_##name] = PERF_MODE_TIMED,
#define PERF_MODE_OF_fine(name) [PERF_##name] = PERF_MODE_TIMED | PERF_MODE_SAMPLED,
#define PERF_MODE_OF_count(name)
#define PERF_MODE_OF_rows(name)
#define PERF_MODE_OF_bytes(name)
#include "perf/ops.def"
#undef PERF_OP
};

/* `fine` ones are all timed at `detail`. */
static uint8_t mode_of(size_t op, PerfLevel level)
{
    uint8_t mode = PERF_MODE_TIMED;
    bool whole = IS_FINE[op] && level >= PERF_DETAIL;
    if (level == PERF_OFF) return 0;
    if (atomic_load(&sample_masks[op]) != 0 && !whole) mode |= PERF_MODE_SAMPLED;
    if (level < PERF_SPANS || (IS_FINE[op] && level < PERF_DETAIL)) return mode;
    return mode | PERF_MODE_RINGED | (trace_is_on() ? PERF_MODE_TRACED : 0);
}

void modes_set(void)
{
    PerfLevel level = perf_level();
    for (size_t op = 0; op < PERF_TIMED_COUNT; op++)
        atomic_store_explicit(&perf_modes[op], mode_of(op, level), memory_order_relaxed);
}

void perf_level_set(PerfLevel level)
{
    atomic_store(&perf_level_now, (uint8_t)level);
    modes_set();
}

PerfLevel perf_level(void)
{
    return (PerfLevel)atomic_load_explicit(&perf_level_now, memory_order_relaxed);
}

void perf_sample_set(PerfOp op, unsigned shift)
{
    if (op >= PERF_TIMED_COUNT) return;
    if (shift > SAMPLE_SHIFT_MAX) shift = SAMPLE_SHIFT_MAX;
    atomic_store(&sample_masks[op], (1U << shift) - 1);
    modes_set();
}

/* ---- blocks ---- */

static void release_block(Block *block)
{
    (void)pthread_mutex_lock(&blocks_lock);
    block->next_free = free_blocks[block->is_shared];
    free_blocks[block->is_shared] = block;
    (void)pthread_mutex_unlock(&blocks_lock);
}

/* Other destructors of the same thread may still count: they take a block anew and we run once
 * more. */
static void give_back(void *block)
{
    release_block(block);
    perf_mine = NULL;
}

static void make_key(void)
{
    if (pthread_key_create(&thread_end, give_back) != 0) abort();
}

void *block_memory(size_t size_bytes, bool is_shared)
{
    int flags = MAP_ANONYMOUS | (is_shared ? MAP_SHARED : MAP_PRIVATE);
    void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED) {
        (void)fprintf(stderr, "pond: out of memory (%zu bytes)\n", size_bytes);
        abort();
    }
    return memory;
}

static Block *new_block(bool is_shared)
{
    Block *block = block_memory(sizeof(Block), is_shared);
    block->is_shared = is_shared;
    block->next = all_blocks;
    all_blocks = block;
    return block;
}

static Block *claim_block(bool is_shared)
{
    (void)pthread_mutex_lock(&blocks_lock);
    Block *block = free_blocks[is_shared];
    if (block != NULL) {
        free_blocks[is_shared] = block->next_free;
    } else {
        block = new_block(is_shared);
    }
    (void)pthread_mutex_unlock(&blocks_lock);
    return block;
}

Block *block_take(void)
{
    (void)pthread_once(&thread_end_once, make_key);
    Block *block = claim_block(false);
    perf_mine = block->counts;
    (void)pthread_setspecific(thread_end, block);
    return block;
}

Block *block_all(void)
{
    (void)pthread_mutex_lock(&blocks_lock);
    Block *newest = all_blocks;
    (void)pthread_mutex_unlock(&blocks_lock);
    return newest;
}

/* ---- a child process ---- */

PerfChild *perf_child_new(void)
{
    Block *block = claim_block(true);
    if (perf_level() >= PERF_SPANS)
        (void)ring_of(block); /* one made in the child would be its own */
    return (PerfChild *)block;
}

void perf_child_enter(PerfChild *child)
{
    perf_mine = ((Block *)child)->counts;
}

void perf_child_end(PerfChild *child)
{
    release_block((Block *)child);
}

uint64_t perf_my_ticks(PerfOp op)
{
    if (perf_mine == NULL || op >= PERF_TIMED_COUNT) return 0;
    return atomic_load_explicit(&block_mine()->times[op].sum_ticks, memory_order_relaxed);
}

/* ---- recording ---- */

void perf_add_slow(PerfOp op, uint64_t n)
{
    own_add(&block_mine()->counts[op].n, n);
}

static inline void raise_to(_Atomic uint64_t *number, uint64_t n)
{
    if (__builtin_expect(n > atomic_load_explicit(number, memory_order_relaxed), 0))
        atomic_store_explicit(number, n, memory_order_relaxed);
}

static inline void record(Block *block, PerfOp op, uint64_t ticks, unsigned bucket)
{
    Times *times = &block->times[op];
    uint32_t before = atomic_load_explicit(&block->pending, memory_order_relaxed);
    uint32_t held = atomic_load_explicit(&block->buckets[before], memory_order_relaxed);
    atomic_store_explicit(&block->buckets[before], held + (held < UINT32_MAX),
                          memory_order_relaxed);
    atomic_store_explicit(&block->pending, (uint32_t)(BUCKETS_OF(op) + bucket),
                          memory_order_relaxed);
    own_add(&times->sum_ticks, ticks);
    own_add(&block->counts[op].n, 1);
    raise_to(&times->max_ticks, ticks);
    raise_to(&times->inverted_min_ticks, ~ticks);
}

/* Whatever is rare: other clocks, threads without a block or ring, samples, traces. Apart, so that
 * the usual ways need no stack. */
__attribute__((noinline, cold)) static uint64_t start_slow(PerfOp op, uint8_t mode)
{
    Block *block = block_mine();
    uint32_t mask = atomic_load_explicit(&sample_masks[op], memory_order_relaxed);
    uint64_t number = atomic_load_explicit(&block->counts[op].n, memory_order_relaxed);
    if ((mode & PERF_MODE_SAMPLED) != 0 && (number & mask) != 0) return 0;
    if ((mode & PERF_MODE_TRACED) != 0) trace_begin(op);
    PerfRing *ring = (mode & PERF_MODE_RINGED) != 0 ? ring_of(block) : NULL;
    uint64_t begin = perf_ticks();
    if (ring != NULL) ring_push(ring, op, begin);
    return begin;
}

/* A clock that went back counts as 0. */
__attribute__((noinline, cold)) static void finish_slow(PerfOp op, uint64_t begin, uint8_t mode)
{
    uint64_t end = perf_ticks(), ticks = end > begin ? end - begin : 0;
    Block *block = block_mine();
    if (begin == 0) {
        own_add(&block->counts[op].n, 1);
        return;
    }
    record(block, op, ticks, hist_index(ticks));
    if ((mode & PERF_MODE_RINGED) != 0) ring_pop(ring_of(block), op, begin, ticks);
    if ((mode & PERF_MODE_TRACED) != 0) trace_end(op);
}

uint64_t perf_start(PerfOp op, uint8_t mode)
{
    Block *block = (Block *)(void *)perf_mine;
    if (block == NULL || !perf_clock_is_counter) return start_slow(op, mode);
    if (mode == (PERF_MODE_TIMED | PERF_MODE_RINGED)) {
        PerfRing *ring = atomic_load_explicit(&block->ring, memory_order_relaxed);
        if (ring == NULL) return start_slow(op, mode);
        uint64_t begin = perf_counter_ticks();
        ring_push(ring, op, begin);
        return begin;
    }
    uint32_t mask = atomic_load_explicit(&sample_masks[op], memory_order_relaxed);
    uint64_t number = atomic_load_explicit(&block->counts[op].n, memory_order_relaxed);
    return mode == (PERF_MODE_TIMED | PERF_MODE_SAMPLED) && (number & mask) != 0
               ? 0
               : start_slow(op, mode);
}

void perf_record(PerfOp op, uint64_t begin)
{
    Block *block = (Block *)(void *)perf_mine;
    if (__builtin_expect(block == NULL || !perf_clock_is_counter, 0)) {
        finish_slow(op, begin, PERF_MODE_TIMED);
        return;
    }
    uint64_t ticks = perf_counter_ticks() - begin;
    if (__builtin_expect(ticks >> PERF_OCTAVES != 0, 0))
        finish_slow(op, begin, PERF_MODE_TIMED);
    else
        record(block, op, ticks, hist_index_small(ticks));
}

void perf_finish(PerfOp op, uint64_t begin, uint8_t mode)
{
    Block *block = (Block *)(void *)perf_mine;
    if (__builtin_expect(block == NULL || !perf_clock_is_counter, 0)) {
        finish_slow(op, begin, mode);
        return;
    }
    if (begin == 0) {
        own_add(&block->counts[op].n, 1);
        return;
    }
    PerfRing *ring = atomic_load_explicit(&block->ring, memory_order_relaxed);
    uint64_t ticks = perf_counter_ticks() - begin;
    if (mode != (PERF_MODE_TIMED | PERF_MODE_RINGED) || ring == NULL ||
        ticks >> PERF_OCTAVES != 0) {
        finish_slow(op, begin, mode);
        return;
    }
    record(block, op, ticks, hist_index_small(ticks));
    ring_pop(ring, op, begin, ticks);
}

#endif
