/* The caches, as rows over operations: a hit is what was asked for and not fetched. One table, so
 * that a cache that comes to pond is one line here. */
#include "report/report_int.h"

typedef struct CacheRow {
    const char *name, *layer, *text;
    const char *asked, *hit; /* one of the two is counted */
    const char *missed[2];   /* the loads; the first tells what a miss costs */
} CacheRow;

static const CacheRow CACHES[] = {
    {"session",
     "engine",
     "connections to the engine, kept by plans and workers",
     "engine_statement",
     NULL,
     {"engine_connect"}},
    {"relation",
     "provider",
     "relation trees by node (table provider)",
     "relation_ask",
     NULL,
     {"relation_build"}},
    {"schema",
     "plan",
     "schemas of derived SQL by fingerprint",
     NULL,
     "schema_cache_hit",
     {"schema_sql"}},
    {"index",
     "delta",
     "the catalog index in place of the Delta log",
     "index_open",
     NULL,
     {"index_rebuild", "index_catch_up"}},
    {"format", "provider", "texts parsed once by content", NULL, "format_hit", {"format_parse"}},
    {"directory",
     "tinyfs",
     "directories read in this command",
     "dir_ask",
     NULL,
     {"dir_read", "dir_dynamic"}},
    {"name", "tinyfs", "names looked up in this command", "lookup_ask", NULL, {"lookup"}},
    {"store", "cache", "values in the persistent cache", NULL, "cache_hit", {"cache_miss"}},
};

static uint64_t count_of(const Run *run, const char *name)
{
    const RunOp *op = name != NULL ? run_op(run, name) : NULL;
    return op != NULL ? op->count : 0;
}

static bool fill(const Run *run, const CacheRow *row, RunCache *out)
{
    RunCache cache = {.name = row->name, .layer = row->layer, .text = row->text};
    cache.misses = count_of(run, row->missed[0]) + count_of(run, row->missed[1]);
    if (row->hit != NULL) {
        cache.hits = count_of(run, row->hit);
        cache.asked = cache.hits + cache.misses;
    } else {
        cache.asked = count_of(run, row->asked);
        if (cache.asked < cache.misses) cache.asked = cache.misses;
        cache.hits = cache.asked - cache.misses;
    }
    const RunOp *load = run_op(run, row->missed[0]);
    if (load != NULL) cache.load_us = load->p50_us; /* the first is often dear */
    cache.saved_ms = cache.load_us * (double)cache.hits / 1000;
    *out = cache;
    return cache.asked > 0;
}

void run_caches(Arena *arena, Run *run)
{
    enum { COUNT = sizeof CACHES / sizeof *CACHES };
    run->caches = AARRAY(arena, RunCache, COUNT);
    run->cache_count = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (fill(run, &CACHES[i], &run->caches[run->cache_count])) run->cache_count++;
    }
}

void run_cache_words(Map *words)
{
    for (size_t i = 0; i < sizeof CACHES / sizeof *CACHES; i++) {
        run_word(words, CACHES[i].name);
        run_word(words, CACHES[i].layer);
        run_word(words, CACHES[i].text);
    }
}
