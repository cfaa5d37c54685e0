/* The state of a table from its actions, oldest first: what came last for a key stands.
 *
 * Keys: a file is (path, deletion vector id), an application its id. Within one entry the actions
 * are a set: removes are applied before adds, so that replacing a file's deletion vector (same
 * path, another key) leaves the added one. Order of the results is that of first appearance, so it
 * never depends on hashes. Cost: one map operation per action. */
#include "delta/delta_int.h"
#include <inttypes.h>
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

static Err *file_of(DeltaReplay *replay, const char *path, const char *deletion_vector,
                    ReplayFile **out)
{
    const char *key = NULL;
    TRY(key_of(replay->scratch, path, deletion_vector, &key));
    *out = map_get(&replay->files, key);
    if (*out != NULL) return NULL;
    *out = ANEW(replay->scratch, ReplayFile);
    map_put(&replay->files, key, *out);
    return NULL;
}

Err *delta_replay_actions(DeltaReplay *replay, const DeltaActions *actions)
{
    ReplayFile *file = NULL;
    if (actions->protocol.reader != 0) replay->protocol = actions->protocol;
    if (actions->metadata.id != NULL) replay->metadata = actions->metadata;
    for (size_t i = 0; i < actions->txns.n; i++) {
        DeltaTxn *txn = ANEW(replay->scratch, DeltaTxn);
        *txn = actions->txns.v[i];
        map_put(&replay->txns, txn->app_id, txn);
    }
    for (size_t i = 0; i < actions->removes.n; i++) {
        const DeltaRemove *remove = &actions->removes.v[i];
        TRY(file_of(replay, remove->path, remove->deletion_vector, &file));
        *file = (ReplayFile){.remove = *remove};
    }
    for (size_t i = 0; i < actions->adds.n; i++) {
        const DeltaAdd *add = &actions->adds.v[i];
        TRY(file_of(replay, add->path, add->deletion_vector, &file));
        *file = (ReplayFile){.is_live = true, .add = *add};
    }
    return NULL;
}

void delta_replay_finish(Arena *arena, const DeltaReplay *replay, DeltaSnapshot *out)
{
    out->protocol = replay->protocol;
    out->metadata = replay->metadata;
    out->add_count = out->remove_count = 0;
    for (size_t i = 0; i < replay->files.count; i++) {
        const ReplayFile *file = replay->files.entries[i].value;
        *(file->is_live ? &out->add_count : &out->remove_count) += 1;
    }
    out->adds = AARRAY(arena, DeltaAdd, out->add_count);
    out->removes = AARRAY(arena, DeltaRemove, out->remove_count);
    size_t adds = 0, removes = 0;
    for (size_t i = 0; i < replay->files.count; i++) {
        const ReplayFile *file = replay->files.entries[i].value;
        if (file->is_live)
            out->adds[adds++] = file->add;
        else
            out->removes[removes++] = file->remove;
    }
    out->txn_count = replay->txns.count;
    out->txns = AARRAY(arena, DeltaTxn, out->txn_count);
    for (size_t i = 0; i < out->txn_count; i++)
        out->txns[i] = *(const DeltaTxn *)replay->txns.entries[i].value;
}
