/* perf/lookup — what each cache of pond did. One wrapper that all of them go through, so that their
 * figures mean the same; the table of caches is caches.def.
 *
 *   PERF_LOOKUP(look, PERF_CACHE_relation);
 *   const Rel *known = map_get(&relations, key);
 *   if (!perf_found(&look, known != NULL)) {
 *       TRY(build(source, &known));
 *       (void)map_put(&relations, key, known);
 *       perf_fetched(&look, bytes);
 *   }
 *
 * The access time is from PERF_LOOKUP to perf_found, which tells a hit or a miss; the load time
 * from there to perf_fetched: the value came from the layer below, and so many bytes are held.
 *
 * A look-up whose load fails is a miss without a fetch. Caches that let values go say so by
 * perf_evicted; a miss on a key that was evicted before is a ghost hit: a larger cache would have
 * hit. The keys of the last PERF_GHOSTS evictions of each cache are remembered by hash.
 *
 * Access times are of the first 64 look-ups of a thread and of one in 64 of the rest; load times
 * are of each fetch and include what it fetched itself. Recorded from the level `counts` on.
 * Invariant and threads: as perf.h. A look-up ends on the thread it began on. */
#pragma once
#include "perf/perf.h"

typedef enum PerfCache {
#define PERF_CACHE(name, layer, text) PERF_CACHE_##name,
#include "perf/caches.def"
#undef PERF_CACHE
    PERF_CACHE_COUNT
} PerfCache;

typedef enum PerfCacheEvent {
    PERF_HITS,
    PERF_MISSES,
    PERF_FETCHES,
    PERF_EVICTIONS,
    PERF_GHOST_HITS,
    PERF_CACHE_EVENTS
} PerfCacheEvent;

enum { PERF_GHOSTS = 1024 };

/* One look-up that goes on. */
typedef struct PerfLookup {
    uint64_t begin_ticks;
    PerfCache cache;
    uint8_t state;
} PerfLookup;

#ifndef POND_NO_TRACKER

void perf_lookup_begin(PerfLookup *look, PerfCache cache);
/* Returns `found`. Saying it again does nothing. */
bool perf_found(PerfLookup *look, bool found);
/* The value of a miss is there: a fetch, the time it took, and `bytes` more that the cache holds.
 */
void perf_fetched(PerfLookup *look, int64_t bytes);
/* The same where fetches are counted elsewhere: the time alone. */
void perf_loaded(PerfLookup *look);

/* For what is no look-up with a load of its own: adds to a count. */
void perf_cache_add(PerfCache cache, PerfCacheEvent event, uint64_t n);
/* Bytes more (or fewer) that a cache holds. */
void perf_held(PerfCache cache, int64_t bytes);

/* A value was let go for want of room. */
void perf_evicted(PerfCache cache, uint64_t key_hash, int64_t bytes);
/* After a miss: was the key evicted before? Then it counts as a ghost hit, once. */
void perf_missed(PerfCache cache, uint64_t key_hash);

#else /* not even empty functions, as in perf.h */

#define perf_found(look, found) (found)
#define perf_fetched(look, bytes) ((void)sizeof(bytes))
#define perf_loaded(look) ((void)0)
#define perf_cache_add(cache, event, n) ((void)sizeof(n))
#define perf_held(cache, bytes) ((void)sizeof(bytes))
#define perf_evicted(cache, key_hash, bytes) ((void)sizeof(key_hash), (void)sizeof(bytes))
#define perf_missed(cache, key_hash) ((void)sizeof(key_hash))

#endif

#ifndef POND_NO_TRACKER
#define PERF_LOOKUP(look, cache)                                                                   \
    PerfLookup look;                                                                               \
    perf_lookup_begin(&(look), cache)
#else
#define PERF_LOOKUP(look, cache) (void)0
#endif
