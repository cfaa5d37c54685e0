/* cache — what may be forgotten: a persistent store of small values by (kind, key), in SQLite
 * (POND/cache/cache.db), behind one wrapper that counts hits and misses.
 *
 * Keys are content hashes or fingerprints, so nothing is ever invalidated; values are opaque bytes
 * with their own hash, checked on read. Invariant: results never depend on a cache: a lookup may
 * always miss (cache_set_off), a damaged file is counted, deleted and made anew, and no failure of
 * the store fails its user. Bounded: least recently used values leave beyond the byte budget.
 * Threads: one Cache belongs to one thread at a time; several processes may share the file. */
#pragma once
#include "base/base.h"

typedef struct Cache Cache;
/* `path` NULL: in memory. A file that cannot be opened or written becomes memory, with a debug
 * message. */
Cache *cache_open(const char *path, int64_t budget_bytes /* 0 = 64 MiB */);
void cache_close_at(Cache **cache);
/* NULL when absent. The value has a NUL after it. A NULL cache always misses. */
char *cache_get(Cache *cache, Arena *arena, const char *kind, const char *key, size_t *out_size);
void cache_put(Cache *cache, const char *kind, const char *key, const void *value, size_t size);
/* Every lookup misses, nothing is stored (POND_CACHE=off): for the test that results do not depend
 * on caches. */
void cache_set_off(bool off);
bool cache_is_off(void);
/* What happened to this handle since it was opened. */
typedef struct CacheStats {
    uint64_t hits, misses, puts, evictions;
    uint64_t damaged;   /* values or files found damaged and dropped */
    int64_t size_bytes; /* of the values held now, as far as this handle knows */
    bool in_memory;
} CacheStats;
CacheStats cache_stats(const Cache *cache);
