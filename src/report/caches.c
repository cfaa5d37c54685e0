/* The caches of a run, from what the wrapper around each of them counted (perf/lookup.h). */
#include "report/report_int.h"
#include <string.h>

static double mean_us(const PerfHist *hist)
{
    return hist->count > 0 ? hist->sum_ns / (double)hist->count / 1000 : 0;
}

void run_cache_times(RunCache *cache)
{
    const PerfHist *access = cache->access, *load = cache->load;
    if (access != NULL) {
        cache->access_us = mean_us(access);
        cache->access_p99_us = perf_hist_quantile(access, 0.99) / 1000;
    }
    if (load != NULL) {
        cache->load_us = mean_us(load);
        cache->load_p99_us = perf_hist_quantile(load, 0.99) / 1000;
    }
}

void run_cache_saved(RunCache *cache)
{
    double each_us = cache->load_us - cache->access_us;
    cache->saved_ms = each_us > 0 ? each_us * (double)cache->hits / 1000 : 0;
}

static RunCache cache_of(Arena *arena, PerfCache which)
{
    const PerfCacheInfo *info = perf_cache_info(which);
    PerfCacheCounts counts;
    perf_read_cache(arena, which, &counts);
    RunCache cache = {.name = info->name,
                      .layer = info->layer,
                      .text = info->text,
                      .hits = counts.events[PERF_HITS],
                      .misses = counts.events[PERF_MISSES],
                      .fetches = counts.events[PERF_FETCHES],
                      .evictions = counts.events[PERF_EVICTIONS],
                      .ghost_hits = counts.events[PERF_GHOST_HITS],
                      .held_bytes = counts.held_bytes_most,
                      .access = counts.access,
                      .load = counts.load};
    cache.asked = cache.hits + cache.misses;
    run_cache_times(&cache);
    run_cache_saved(&cache);
    return cache;
}

void run_caches(Arena *arena, Run *run)
{
    run->caches = AARRAY(arena, RunCache, PERF_CACHE_COUNT);
    run->cache_count = 0;
    for (int i = 0; i < PERF_CACHE_COUNT; i++) {
        RunCache cache = cache_of(arena, (PerfCache)i);
        if (cache.asked + cache.fetches > 0) run->caches[run->cache_count++] = cache;
    }
}

static const RunCache *loaded_in(const Run *run, const char *name)
{
    for (size_t i = 0; i < run->cache_count; i++) {
        const RunCache *cache = &run->caches[i];
        if (cache->load_us > 0 && strcmp(cache->name, name) == 0) return cache;
    }
    return NULL;
}

void run_caches_price(Run *run, const Run *runs, size_t count)
{
    for (size_t i = 0; i < run->cache_count; i++) {
        RunCache *cache = &run->caches[i];
        const RunCache *priced = cache->load_us > 0 ? cache : NULL;
        for (size_t r = count; priced == NULL && r > 0; r--)
            priced = loaded_in(&runs[r - 1], cache->name);
        if (priced != NULL) cache->load_us = priced->load_us;
        run_cache_saved(cache);
    }
}

void run_cache_words(Map *words)
{
    for (int i = 0; i < PERF_CACHE_COUNT; i++) {
        const PerfCacheInfo *info = perf_cache_info((PerfCache)i);
        run_word(words, info->name);
        run_word(words, info->layer);
        run_word(words, info->text);
    }
}
