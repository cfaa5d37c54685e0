/* Counts of caches: in the thread's block like those of operations. What is held is one number for
 * the process, since a value may be let go by another thread than the one that fetched it.
 *
 * Ghosts: a table by hash for each cache, where a later eviction takes the place of an earlier one.
 * Which of two ghosts in one place is remembered does not matter: both are old. */
#include "perf/perf_int.h"
#include <string.h>

static const PerfCacheInfo CACHES[PERF_CACHE_COUNT] = {
#define PERF_CACHE(name, layer, text) {#name, #layer, text},
#include "perf/caches.def"
#undef PERF_CACHE
};

const PerfCacheInfo *perf_cache_info(PerfCache cache)
{
    return &CACHES[cache];
}

#ifdef POND_NO_TRACKER

void perf_read_cache(Arena *arena, PerfCache cache, PerfCacheCounts *out)
{
    (void)arena;
    (void)cache;
    *out = (PerfCacheCounts){0};
}

#else

enum { LOOK_OPEN = 1, LOOK_TIMED = 2, LOOK_LOADS = 4 };
enum { TIMED_EACH = 64 };

typedef struct Holding {
    _Atomic int64_t now, most;
    _Atomic uint64_t ghosts[PERF_GHOSTS];
} Holding;

static Holding holdings[PERF_CACHE_COUNT];

static uint64_t own(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static void raise_to(_Atomic uint64_t *number, uint64_t n)
{
    if (n > own(number)) atomic_store_explicit(number, n, memory_order_relaxed);
}

static void add_time(CacheTimes *to, uint64_t ticks)
{
    _Atomic uint32_t *bucket = &to->buckets[hist_index(ticks)];
    uint32_t held = atomic_load_explicit(bucket, memory_order_relaxed);
    atomic_store_explicit(bucket, held + (held != UINT32_MAX), memory_order_relaxed);
    own_add(&to->times.sum_ticks, ticks);
    raise_to(&to->times.max_ticks, ticks);
    raise_to(&to->times.inverted_min_ticks, ~ticks);
}

void perf_lookup_begin(PerfLookup *look, PerfCache cache)
{
    look->cache = cache;
    look->state = 0;
    if (!perf_is_on()) return;
    const CacheBlock *mine = &block_mine()->caches[cache];
    uint64_t number = own(&mine->events[PERF_HITS]) + own(&mine->events[PERF_MISSES]);
    look->state = LOOK_OPEN;
    if (number >= TIMED_EACH && number % TIMED_EACH != 0) return;
    look->state |= LOOK_TIMED;
    look->begin_ticks = perf_ticks();
}

static uint64_t ticks_since(uint64_t begin)
{
    uint64_t now = perf_ticks();
    return now > begin ? now - begin : 0;
}

bool perf_found(PerfLookup *look, bool found)
{
    if ((look->state & LOOK_OPEN) == 0) return found;
    CacheBlock *mine = &block_mine()->caches[look->cache];
    own_add(&mine->events[found ? PERF_HITS : PERF_MISSES], 1);
    if ((look->state & LOOK_TIMED) != 0) add_time(&mine->access, ticks_since(look->begin_ticks));
    look->state = found ? 0 : LOOK_LOADS;
    if (!found) look->begin_ticks = perf_ticks();
    return found;
}

void perf_loaded(PerfLookup *look)
{
    if (look->state != LOOK_LOADS) return;
    look->state = 0;
    add_time(&block_mine()->caches[look->cache].load, ticks_since(look->begin_ticks));
}

void perf_fetched(PerfLookup *look, int64_t bytes)
{
    if (look->state != LOOK_LOADS) return;
    perf_loaded(look);
    perf_cache_add(look->cache, PERF_FETCHES, 1);
    perf_held(look->cache, bytes);
}

void perf_cache_add(PerfCache cache, PerfCacheEvent event, uint64_t n)
{
    if (perf_is_on()) own_add(&block_mine()->caches[cache].events[event], n);
}

void perf_held(PerfCache cache, int64_t bytes)
{
    Holding *holding = &holdings[cache];
    if (!perf_is_on() || bytes == 0) return;
    int64_t now = atomic_fetch_add(&holding->now, bytes) + bytes,
            most = atomic_load(&holding->most);
    while (now > most && !atomic_compare_exchange_weak(&holding->most, &most, now)) {
    }
}

static _Atomic uint64_t *ghost_of(PerfCache cache, uint64_t key_hash)
{
    return &holdings[cache].ghosts[key_hash % PERF_GHOSTS];
}

void perf_evicted(PerfCache cache, uint64_t key_hash, int64_t bytes)
{
    perf_cache_add(cache, PERF_EVICTIONS, 1);
    perf_held(cache, -bytes);
    atomic_store_explicit(ghost_of(cache, key_hash), key_hash, memory_order_relaxed);
}

void perf_missed(PerfCache cache, uint64_t key_hash)
{
    uint64_t expected = key_hash;
    if (atomic_compare_exchange_strong(ghost_of(cache, key_hash), &expected, 0))
        perf_cache_add(cache, PERF_GHOST_HITS, 1);
}

static void read_times(const CacheTimes *from, Arena *arena, PerfHist **to)
{
    uint64_t inverted = own(&from->times.inverted_min_ticks);
    if (inverted == 0) return; /* nothing was timed */
    double length = perf_clock().ns_per_tick;
    PerfHist *hist = ANEW(arena, PerfHist);
    *hist = (PerfHist){.ns_per_tick = length,
                       .sum_ns = (double)own(&from->times.sum_ticks) * length,
                       .min_ns = (double)~inverted * length,
                       .max_ns = (double)own(&from->times.max_ticks) * length};
    for (size_t i = 0; i < PERF_BUCKETS; i++) {
        hist->buckets[i] = atomic_load_explicit(&from->buckets[i], memory_order_relaxed);
        hist->count += hist->buckets[i];
    }
    if (*to == NULL)
        *to = hist;
    else
        perf_hist_merge(*to, hist);
}

void perf_read_cache(Arena *arena, PerfCache cache, PerfCacheCounts *out)
{
    *out = (PerfCacheCounts){.held_bytes_most = atomic_load(&holdings[cache].most)};
    for (const Block *block = block_all(); block != NULL; block = block->next) {
        const CacheBlock *from = &block->caches[cache];
        for (int i = 0; i < PERF_CACHE_EVENTS; i++) out->events[i] += own(&from->events[i]);
        read_times(&from->access, arena, &out->access);
        read_times(&from->load, arena, &out->load);
    }
}

#endif
