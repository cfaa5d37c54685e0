/* Files that nobody refers to: data files below the table, and what dead writers left in
 * _delta_log.
 *
 * Nothing is deleted here; the caller does, under its lock. A file may go when no live add and no
 * tombstone younger than the retention names it, *and* it is itself older than the retention: a
 * writer may be about to commit it. Names that begin with "_" or
 * "." are another's business and are not entered. Tables whose references this module does not
 * follow (deletion vectors' files, absolute paths) are refused: what is not understood is never
 * called unreferenced. */
#include "delta/delta_int.h"
#include "os/os.h"
#include <stdlib.h>
#include <string.h>

typedef struct Walk {
    Arena *arena, *scratch;
    Map kept;
    int64_t expire_ms;
    VEC(const char *) found;
} Walk;

static Err *keep(Walk *walk, const char *path, const char *deletion_vector)
{
    if (deletion_vector != NULL)
        return ERR(UNSUPPORTED,
                   "%s: which files a table with deletion vectors needs is not known here", path);
    if (path[0] == '/' || strstr(path, "://") != NULL)
        return ERR(UNSUPPORTED, "%s: an absolute path in the log", path);
    map_put(&walk->kept, path, walk);
    return NULL;
}

static Err *walk_file(Walk *walk, const char *path, const char *relative)
{
    OsStat stat;
    bool exists = false;
    if (map_has(&walk->kept, relative)) return NULL;
    TRY(os_stat_if(path, &exists, &stat));
    if (exists && stat.mtime_ns / 1000000 < walk->expire_ms)
        vec_push(walk->arena, &walk->found, arena_strdup(walk->arena, relative));
    return NULL;
}

/* `prefix` is "" or a directory relative to the table, with a slash at its end. */
static Err *walk_dir(Walk *walk, const char *table, const char *prefix)
{
    OsEntry *entries = NULL;
    size_t count = 0;
    TRY(os_check_interrupt());
    TRY(os_list(walk->scratch, arena_printf(walk->scratch, "%s/%s", table, prefix), &entries,
                &count));
    for (size_t i = 0; i < count; i++) {
        const char *name = entries[i].name;
        if (name[0] == '_' || name[0] == '.') continue;
        const char *relative = arena_printf(walk->scratch, "%s%s", prefix, name);
        if (entries[i].is_dir)
            TRY(walk_dir(walk, table, arena_printf(walk->scratch, "%s/", relative)));
        else if (entries[i].is_file)
            TRY(walk_file(walk, arena_printf(walk->scratch, "%s/%s", table, relative), relative));
    }
    return NULL;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

Err *delta_unreferenced(Arena *arena, const char *table, const DeltaSnapshot *snapshot,
                        int64_t expire_ms, const char ***out, size_t *out_count)
{
    SCRATCH(scratch);
    Walk walk = {
        .arena = arena, .scratch = scratch, .kept = map_new(scratch), .expire_ms = expire_ms};
    for (size_t i = 0; i < snapshot->add_count; i++)
        TRY(keep(&walk, snapshot->adds[i].path, snapshot->adds[i].deletion_vector));
    for (size_t i = 0; i < snapshot->remove_count; i++) {
        const DeltaRemove *remove = &snapshot->removes[i];
        if (remove->deleted_ms >= expire_ms)
            TRY(keep(&walk, remove->path, remove->deletion_vector));
    }
    TRY(walk_dir(&walk, table, ""));
    if (walk.found.n > 0) qsort(walk.found.v, walk.found.n, sizeof *walk.found.v, by_bytes);
    *out = walk.found.v;
    *out_count = walk.found.n;
    return NULL;
}

static bool is_leftover(const char *name)
{
    return delta_is_temp_name(name) || os_is_temporary_of(name, HINT_NAME);
}

Err *delta_leftovers(Arena *arena, const char *table, int64_t before_ms, const char ***out,
                     size_t *out_count)
{
    SCRATCH(scratch);
    OsEntry *entries = NULL;
    size_t count = 0;
    VEC(const char *) found = {0};
    const char *dir = delta_log_dir(scratch, table);
    TRY(delta_log_list(scratch, dir, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        OsStat stat;
        bool exists = false;
        if (!entries[i].is_file || !is_leftover(entries[i].name)) continue;
        TRY(os_stat_if(arena_printf(scratch, "%s/%s", dir, entries[i].name), &exists, &stat));
        if (exists && stat.mtime_ns / 1000000 < before_ms)
            vec_push(arena, &found, arena_printf(arena, "_delta_log/%s", entries[i].name));
    }
    *out = found.v;
    *out_count = found.n;
    return NULL;
}
