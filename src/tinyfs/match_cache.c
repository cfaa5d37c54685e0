/* What patterns matched, by text, for as long as nothing changes: factories over one pattern, and
 * the several readings of one node, walk the tree once.
 *
 * Matches are copied into the Fs's arena, where nodes stay as they are anyway, and a hit gives out
 * a copy of the array alone. An arena does not take back memory, so the budget bounds what is ever
 * kept: beyond it, or after many changes, patterns are walked each time. */
#include "perf/lookup.h"
#include "tinyfs/tinyfs_int.h"

enum { BUDGET_BYTES = 16 << 20 };

typedef struct Kept {
    const Match *matches;
    size_t count;
} Kept;

MatchCache match_cache_new(Arena *arena)
{
    return (MatchCache){.arena = arena, .kept = map_new(arena)};
}

void match_cache_forget(MatchCache *cache)
{
    if (cache->kept.count > 0) cache->kept = map_new(cache->arena);
}

static char *key_of(Arena *arena, const Pattern *pattern, MatchOptions options)
{
    return arena_printf(arena, "%c%s", options.keep_links ? 'l' : 'f', pattern->text);
}

static void give(const Kept *kept, Arena *arena, Match **out, size_t *count)
{
    *out = arena_memdup(arena, kept->matches, kept->count * sizeof *kept->matches);
    *count = kept->count;
}

static void copy_texts(Arena *arena, Match *match)
{
    const char **captures = AARRAY(arena, const char *, match->capture_count + 1);
    for (size_t i = 0; i < match->capture_count; i++)
        captures[i] = arena_strdup(arena, match->captures[i]);
    match->path = arena_strdup(arena, match->path);
    match->captures = captures;
}

/* Returns the bytes that it took. */
static size_t keep(MatchCache *cache, const char *key, const Match *matches, size_t count)
{
    size_t before = arena_used(cache->arena);
    if (cache->bytes + count * sizeof *matches > BUDGET_BYTES) return 0;
    Match *copies = arena_memdup(cache->arena, matches, count * sizeof *matches);
    for (size_t i = 0; i < count; i++) copy_texts(cache->arena, &copies[i]);
    Kept *kept = ANEW(cache->arena, Kept);
    *kept = (Kept){copies, count};
    (void)map_put(&cache->kept, key, kept);
    size_t bytes = arena_used(cache->arena) - before;
    cache->bytes += bytes;
    return bytes;
}

Err *match_cached(MatchCache *cache, Fs *fs, Arena *arena, const Pattern *pattern,
                  MatchOptions options, MatchWalk *walk, Match **out, size_t *count)
{
    SCRATCH(scratch);
    const char *key = key_of(scratch, pattern, options);
    PERF_LOOKUP(look, PERF_CACHE_pattern);
    const Kept *kept = map_get(&cache->kept, key);
    if (perf_found(&look, kept != NULL)) {
        give(kept, arena, out, count);
        return NULL;
    }
    Match *matches = NULL;
    size_t match_count = 0;
    TRY(walk(fs, arena, pattern, options, &matches, &match_count));
    size_t bytes = keep(cache, key, matches, match_count);
    perf_fetched(&look, (int64_t)bytes);
    *out = matches;
    *count = match_count;
    return NULL;
}
