/* The state of a table from its actions, oldest first: what came last for a key stands.
 *
 * Keys: a file is (path, deletion vector id), an application its id. Within one entry the actions
 * are a set: removes are applied before adds, so that replacing a file's deletion vector (same
 * path, another key) leaves the added one. Results are sorted by key, so that loading a table and
 * advancing a snapshot of it give the same. Cost: one map operation per action, one sort. */
#include "delta/delta_int.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct ReplayFile {
    bool is_live;
    DeltaAdd add;
    DeltaRemove remove;
} ReplayFile;

DeltaReplay delta_replay_new(Arena *scratch)
{
    return (DeltaReplay){.scratch = scratch, .files = map_new(scratch), .txns = map_new(scratch)};
}

/* path, or path LF storageType pathOrInlineDv [@offset] */
static Err *key_of(Arena *scratch, const char *path, const char *deletion_vector, const char **out)
{
    const Json *vector = NULL;
    *out = path;
    if (deletion_vector == NULL) return NULL;
    TRY(json_parse(scratch, deletion_vector, strlen(deletion_vector), &vector));
    const char *storage = json_str(vector, "storageType", NULL),
               *where = json_str(vector, "pathOrInlineDv", NULL);
    if (storage == NULL || where == NULL)
        return ERR(CORRUPT, "%s: its deletion vector says neither where nor how it is stored",
                   path);
    const Json *offset = json_get(vector, "offset");
    char *key = arena_printf(scratch, "%s\n%s%s", path, storage, where);
    *out = offset != NULL && offset->kind == JSON_INT
               ? arena_printf(scratch, "%s@%" PRId64, key, offset->integer)
               : key;
    return NULL;
}

static Err *set_file(DeltaReplay *replay, const char *path, const char *deletion_vector,
                     ReplayFile state)
{
    const char *key = path;
    TRY(key_of(replay->scratch, path, deletion_vector, &key));
    ReplayFile *file = map_get(&replay->files, key);
    if (file == NULL) {
        file = ANEW(replay->scratch, ReplayFile);
        map_put(&replay->files, key, file);
    }
    *file = state;
    return NULL;
}

Err *delta_replay_actions(DeltaReplay *replay, const DeltaActions *actions)
{
    if (actions->protocol.reader != 0) replay->protocol = actions->protocol;
    if (actions->metadata.id != NULL) replay->metadata = actions->metadata;
    for (size_t i = 0; i < actions->txns.n; i++) {
        DeltaTxn *txn = ANEW(replay->scratch, DeltaTxn);
        *txn = actions->txns.v[i];
        map_put(&replay->txns, txn->app_id, txn);
    }
    for (size_t i = 0; i < actions->removes.n; i++) {
        const DeltaRemove *remove = &actions->removes.v[i];
        TRY(set_file(replay, remove->path, remove->deletion_vector,
                     (ReplayFile){.remove = *remove}));
    }
    for (size_t i = 0; i < actions->adds.n; i++) {
        const DeltaAdd *add = &actions->adds.v[i];
        TRY(set_file(replay, add->path, add->deletion_vector,
                     (ReplayFile){.is_live = true, .add = *add}));
    }
    return NULL;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const MapEntry *)a)->key, ((const MapEntry *)b)->key);
}

/* A map's entries, sorted: its own array belongs to its index. */
static const MapEntry *sorted(Arena *scratch, const Map *map)
{
    MapEntry *entries = arena_memdup(scratch, map->entries, map->count * sizeof *entries);
    if (map->count > 0) qsort(entries, map->count, sizeof *entries, by_key);
    return entries;
}

void delta_replay_finish(Arena *arena, const DeltaReplay *replay, DeltaSnapshot *out)
{
    const MapEntry *files = sorted(replay->scratch, &replay->files);
    const MapEntry *txns = sorted(replay->scratch, &replay->txns);
    size_t count = replay->files.count;
    out->protocol = replay->protocol;
    out->metadata = replay->metadata;
    out->adds = AARRAY(arena, DeltaAdd, count);
    out->removes = AARRAY(arena, DeltaRemove, count);
    out->add_count = out->remove_count = 0;
    for (size_t i = 0; i < count; i++) {
        const ReplayFile *file = files[i].value;
        if (file->is_live)
            out->adds[out->add_count++] = file->add;
        else
            out->removes[out->remove_count++] = file->remove;
    }
    out->txn_count = replay->txns.count;
    out->txns = AARRAY(arena, DeltaTxn, out->txn_count);
    for (size_t i = 0; i < out->txn_count; i++) out->txns[i] = *(const DeltaTxn *)txns[i].value;
}
