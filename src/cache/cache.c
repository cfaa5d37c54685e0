/* The wrapper around the store: counts, the off switch, the budget, and what to do with a damaged
 * file.
 *
 * Damage (a hash that does not fit, a file that SQLite refuses): counted, the file deleted with its
 * -wal and -shm, a new one opened; the lookup is a miss. A file that cannot be opened or written:
 * memory instead, with a debug message. Busy: a miss, or a value not kept. Nothing here fails its
 * user. The budget is held by an estimate of our own puts; when it goes over, the true sum decides,
 * and the least recently used leave until nine tenths are left, so that eviction is rare. */
#include "cache/cache.h"
#include "cache/store_int.h"
#include "os/os.h"
#include "perf/lookup.h"
#include "perf/ops.h"
#include <string.h>

static const int64_t BUDGET_BYTES_DEFAULT = INT64_C(64) << 20;

struct Cache {
    Arena *arena;
    const char *path; /* NULL: in memory */
    int64_t budget_bytes;
    Store *store; /* NULL: not even memory could be had; every lookup misses */
    CacheStats stats;
};

void cache_set_off(bool off)
{
    toggle_set(TOGGLE_persistent_cache, !off);
}

bool cache_is_off(void)
{
    return !toggle_on(TOGGLE_persistent_cache);
}

CacheStats cache_stats(const Cache *cache)
{
    return cache == NULL ? (CacheStats){0} : cache->stats;
}

/* ---- the file ---- */

static void make_parent(Arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) return;
    err_free(os_mkdirs(arena_strndup(arena, path, (size_t)(slash - path)))); /* opening will tell */
}

static void delete_file(const char *path)
{
    SCRATCH(scratch);
    static const char *const SUFFIXES[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof *SUFFIXES; i++)
        err_free(os_unlink_if(arena_printf(scratch, "%s%s", path, SUFFIXES[i])));
}

static void empty(Cache *cache)
{
    perf_held(PERF_CACHE_store, -cache->stats.size_bytes);
    cache->stats.size_bytes = 0;
}

static void go_to_memory(Cache *cache, const char *why)
{
    if (cache->path != NULL) log_debug("cache %s: %s; going on in memory", cache->path, why);
    store_close(cache->store);
    cache->store = NULL;
    cache->path = NULL;
    cache->stats.in_memory = true;
    empty(cache);
    (void)store_open(NULL, &cache->store);
}

static void start_anew(Cache *cache)
{
    cache->stats.damaged++;
    store_close(cache->store);
    cache->store = NULL;
    empty(cache);
    if (cache->path == NULL) {
        go_to_memory(cache, "damaged");
        return;
    }
    log_debug("cache %s: damaged; it is deleted and made anew", cache->path);
    delete_file(cache->path);
    if (store_open(cache->path, &cache->store) != STORE_OK)
        go_to_memory(cache, "cannot be made anew");
}

/* What an operation's result means for the file; true when it worked. */
static bool settle(Cache *cache, StoreResult result)
{
    switch (result) {
    case STORE_OK: return true;
    case STORE_ABSENT:
    case STORE_BUSY: return false;
    case STORE_DAMAGED: start_anew(cache); return false;
    case STORE_UNUSABLE: go_to_memory(cache, store_last_error(cache->store)); return false;
    }
    return false;
}

static void open_store(Cache *cache)
{
    StoreResult result = STORE_UNUSABLE;
    if (cache->path != NULL) {
        make_parent(cache->arena, cache->path);
        result = store_open(cache->path, &cache->store);
    }
    if (result == STORE_DAMAGED)
        start_anew(cache);
    else if (result != STORE_OK)
        go_to_memory(cache, "cannot be opened");
    if (cache->store != NULL)
        (void)settle(cache, store_size(cache->store, &cache->stats.size_bytes));
    perf_held(PERF_CACHE_store, cache->stats.size_bytes);
}

Cache *cache_open(const char *path, int64_t budget_bytes)
{
    Arena *arena = arena_new();
    Cache *cache = ANEW(arena, Cache);
    cache->arena = arena;
    cache->path = arena_strdup(arena, path);
    cache->budget_bytes = budget_bytes > 0 ? budget_bytes : BUDGET_BYTES_DEFAULT;
    cache->stats.in_memory = path == NULL;
    open_store(cache);
    return cache;
}

void cache_close_at(Cache **cache)
{
    if (*cache == NULL) return;
    empty(*cache);
    store_close((*cache)->store);
    arena_free((*cache)->arena);
    *cache = NULL;
}

/* ---- values ---- */

char *cache_get(Cache *cache, Arena *arena, const char *kind, const char *key, size_t *out_size)
{
    PERF_SPAN_FOR(PERF_cache_get, key);
    PERF_LOOKUP(look, PERF_CACHE_store);
    char *value = NULL;
    size_t size = 0;
    StoreResult result = STORE_BUSY; /* as good as that, where there is none */
    if (cache != NULL && cache->store != NULL && !cache_is_off())
        result = store_get(cache->store, arena, kind, key, os_now(), &value, &size);
    bool hit = perf_found(&look, settle(cache, result));
    if (result == STORE_ABSENT && store_ghost_take(cache->store, kind, key))
        perf_cache_add(PERF_CACHE_store, PERF_GHOST_HITS, 1);
    if (cache != NULL) *(hit ? &cache->stats.hits : &cache->stats.misses) += 1;
    if (!hit) return NULL;
    if (out_size != NULL) *out_size = size;
    return value;
}

static void hold_budget(Cache *cache)
{
    int64_t left_bytes = 0;
    uint64_t evicted = 0;
    if (cache->stats.size_bytes <= cache->budget_bytes) return;
    if (!settle(cache,
                store_evict(cache->store, cache->budget_bytes / 10 * 9, &left_bytes, &evicted)))
        return;
    perf_held(PERF_CACHE_store, left_bytes - cache->stats.size_bytes);
    perf_cache_add(PERF_CACHE_store, PERF_EVICTIONS, evicted);
    cache->stats.size_bytes = left_bytes;
    cache->stats.evictions += evicted;
}

void cache_put(Cache *cache, const char *kind, const char *key, const void *value, size_t size)
{
    if (cache == NULL || cache->store == NULL || cache_is_off()) return;
    PERF_SPAN(PERF_cache_put);
    if (size > STORE_VALUE_BYTES_MAX || store_row_bytes(kind, key, size) > cache->budget_bytes / 2)
        return;
    if (!settle(cache, store_put(cache->store, kind, key, value, size, os_now()))) return;
    cache->stats.puts++;
    cache->stats.size_bytes += store_row_bytes(kind, key, size);
    perf_cache_add(PERF_CACHE_store, PERF_FETCHES, 1);
    perf_held(PERF_CACHE_store, store_row_bytes(kind, key, size));
    hold_budget(cache);
}
