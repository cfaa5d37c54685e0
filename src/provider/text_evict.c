/* The folder of the format cache is bounded, in bytes and in files: when files were added, those
 * that were not used for longest leave until the rest fits. Use is an mtime, renewed at most once
 * an hour; what was used in the last ten minutes stays, since a command may be about to open it. */
#include "perf/ops.h"
#include "provider/text_cache.h"
#include <stdlib.h>
#include <string.h>

static const int64_t BUDGET_BYTES = INT64_C(8) << 30;
enum { FILES_MOST = 4096 };
static const int64_t RENEW_NS = INT64_C(3600) * 1000000000, YOUNG_NS = INT64_C(600) * 1000000000;

typedef struct Kept {
    char *path;
    int64_t size, mtime_ns;
} Kept;

static int by_use(const void *a, const void *b)
{
    const Kept *x = a, *y = b;
    if (x->mtime_ns != y->mtime_ns) return x->mtime_ns < y->mtime_ns ? -1 : 1;
    return strcmp(x->path, y->path);
}

static Err *list_kept(Arena *arena, const char *dir, Kept **out, size_t *out_count,
                      int64_t *out_bytes)
{
    OsEntry *entries = NULL;
    size_t count = 0;
    TRY(os_list(arena, dir, &entries, &count));
    *out = AARRAY(arena, Kept, count + 1);
    for (size_t i = 0; i < count; i++) {
        char *path = arena_printf(arena, "%s/%s", dir, entries[i].name);
        bool exists = false;
        OsStat stat;
        TRY(os_stat_if(path, &exists, &stat));
        if (!exists || !stat.is_file) continue;
        (*out)[(*out_count)++] = (Kept){path, stat.size_bytes, stat.mtime_ns};
        *out_bytes += stat.size_bytes;
    }
    return NULL;
}

static Err *evict(Arena *arena, const char *dir, int64_t budget)
{
    Kept *kept = NULL;
    size_t count = 0;
    int64_t bytes = 0, now_ns = os_now() * 1000;
    TRY(list_kept(arena, dir, &kept, &count, &bytes));
    if (bytes <= budget && count <= FILES_MOST) return NULL;
    qsort(kept, count, sizeof *kept, by_use);
    for (size_t i = 0; i < count && (bytes > budget || count - i > FILES_MOST); i++) {
        if (kept[i].mtime_ns > now_ns - YOUNG_NS) break;
        TRY(os_unlink_if(kept[i].path));
        bytes -= kept[i].size;
        perf_cache_add(PERF_CACHE_format, PERF_EVICTIONS, 1);
    }
    return NULL;
}

void text_evict(const Provider *provider)
{
    SCRATCH(scratch);
    int64_t budget = provider->options.format_budget_bytes;
    err_free(evict(scratch, provider->options.format_dir, budget > 0 ? budget : BUDGET_BYTES));
}

bool text_renew(TextState *state)
{
    bool any = false;
    int64_t old_ns = os_now() * 1000 - RENEW_NS;
    for (size_t i = 0; i < state->files.n; i++) {
        TextFile *file = &state->files.v[i];
        OsStat stat;
        if (file->mtime_ns > old_ns) continue;
        Err *err = os_touch(file->path);
        if (err == NULL) err = os_stat(file->path, &stat);
        if (err == NULL) file->mtime_ns = stat.mtime_ns;
        any = any || err == NULL;
        err_free(err);
    }
    return any;
}
