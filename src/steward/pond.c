/* Opening and closing a pond; which file systems it may be written on.
 *
 * A pond on a network file system is refused for writing: neither link(2) nor flock nor SQLite's
 * shared memory can be relied on there. With --allow-network-fs it is written, and its caches go
 * elsewhere. Reading it needs no permission. */
#include "steward/pond_int.h"
#include <string.h>

static Err *refuse_network_fs(const char *dir, bool allowed, bool *out_network)
{
    const char *name = NULL;
    TRY(os_is_network_fs(dir, out_network, &name));
    if (!*out_network || allowed) return NULL;
    return err_hint(ERR(UNSUPPORTED,
                        "%s: on a network file system (%s), where locks cannot be relied on", dir,
                        name),
                    "keep ponds on local disks, or use --allow-network-fs and see to it that "
                    "nobody else writes");
}

Err *pond_init(const char *dir, const char *birthplace, const PondOptions *options)
{
    bool network = false;
    TlogCommitInfo who = {
        .command = options->command, .user = os_username(), .host = os_hostname()};
    TRY(refuse_network_fs(dir, options->allow_network_fs, &network));
    return tlog_create(dir, birthplace == NULL ? os_hostname() : birthplace, &who);
}

static Err *open_tlog(Pond *pond, const PondOptions *options)
{
    const char *name = NULL;
    TRY(os_is_network_fs(pond->dir, &pond->network_fs, &name));
    TlogOptions how = {.no_index = options->no_index || !toggle_on(TOGGLE_catalog_index),
                       .index_elsewhere = pond->network_fs};
    TRY(tlog_open(pond->dir, how, &pond->tlog));
    const TlogInfo *info = tlog_info(pond->tlog);
    char *own_cache = path_join(pond->arena, info->dir, "cache");
    pond->read_only =
        !how.no_index && (info->index_path == NULL || !text_starts(info->index_path, own_cache));
    return NULL;
}

Err *pond_open(const char *dir, const PondOptions *options, Pond **out)
{
    CLEANUP(pond_close_at) Pond *pond = NULL;
    Arena *arena = arena_new();
    pond = ANEW(arena, Pond);
    *pond = (Pond){.arena = arena,
                   .dir = arena_strdup(arena, dir),
                   .command = arena_strdup(arena, options->command == NULL ? "" : options->command),
                   .wait_ms = options->wait_ms,
                   .allow_network_fs = options->allow_network_fs,
                   .lock_arena = arena_new()};
    TRY(open_tlog(pond, options));
    pond->dir = tlog_info(pond->tlog)->dir;
    *out = pond;
    pond = NULL;
    return NULL;
}

void pond_close_at(Pond **at)
{
    Pond *pond = *at;
    if (pond == NULL) return;
    *at = NULL;
    cache_close_at(&pond->cache);
    tlog_close_at(&pond->tlog);
    pond_temp_close(pond);
    os_unlock_at(&pond->lock);
    arena_free(pond->lock_arena);
    arena_free(pond->arena);
}

FsBackend pond_backend(Pond *pond)
{
    return tlog_backend(pond->tlog);
}

const TlogInfo *pond_info(Pond *pond)
{
    return tlog_info(pond->tlog);
}

bool pond_is_read_only(const Pond *pond)
{
    return pond->read_only;
}

Tlog *pond_tlog(Pond *pond)
{
    return pond->tlog;
}

Cache *pond_cache(Pond *pond)
{
    if (pond->cache == NULL) {
        const char *path =
            pond->read_only ? NULL : path_join(pond->arena, pond->dir, "cache/cache.db");
        pond->cache = cache_open(path, 0);
    }
    return pond->cache;
}
