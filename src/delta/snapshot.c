/* A table's state at a version: checkpoint, then every entry above it, one after the other.
 *
 * The end of the log is found by the first missing entry. That a missing entry is the end, and not
 * a hole, is held against the listing where there was one, else against a look at the names just
 * beyond (our writer never skips a version, so a hole means damage). Failure: CORRUPT for holes and
 * for a table without protocol or metadata; UNSUPPORTED before anything is handed out of a table
 * that needs more than we know. */
#include "delta/delta_int.h"
#include "os/os.h"
#include "perf/ops.h"
#include <inttypes.h>
#include <string.h>

enum { LOOK_AHEAD = 4, ATTEMPTS = 64 }; /* each only after a writer has moved on */

static DeltaActions actions_of(const DeltaCommit *commit)
{
    DeltaActions actions = {
        .info = commit->info, .protocol = commit->protocol, .metadata = commit->metadata};
    actions.adds.v = commit->adds, actions.adds.n = commit->add_count;
    actions.removes.v = commit->removes, actions.removes.n = commit->remove_count;
    actions.txns.v = commit->txns, actions.txns.n = commit->txn_count;
    return actions;
}

/* CORRUPT when something stands beyond the missing entry `missing`. */
static Err *check_end(const char *table, const DeltaStart *start, int64_t missing)
{
    SCRATCH(scratch);
    int64_t beyond = start->newest_entry > missing ? start->newest_entry : -1;
    OsStat stat;
    for (int64_t i = 1; !start->listed && beyond < 0 && i <= LOOK_AHEAD; i++) {
        bool exists = false;
        TRY(os_stat_if(delta_entry_path(scratch, table, missing + i), &exists, &stat));
        if (exists) beyond = missing + i;
    }
    if (beyond < 0) return NULL;
    return err_path(ERR(CORRUPT,
                        "%s: log entry %" PRId64 " is missing, though entry %" PRId64 " is there",
                        table, missing, beyond),
                    table);
}

static Err *not_kept(const char *table, int64_t version, const DeltaStart *start)
{
    return err_path(ERR(NOT_FOUND,
                        "%s: version %" PRId64
                        " can no longer be read: the log begins at version %" PRId64,
                        table, version, start->oldest_kept),
                    table);
}

/* Applies the entries above the checkpoint; *out_version is the last one there is (or was asked
 * for). */
static Err *apply_tail(Arena *arena, const char *table, const DeltaStart *start, int64_t wanted,
                       DeltaReplay *replay, int64_t *out_version)
{
    int64_t version = start->checkpoint.version + 1;
    for (; wanted < 0 || version <= wanted; version++) {
        bool exists = false;
        DeltaCommit commit = {0};
        TRY(delta_entry_read(arena, table, version, &exists, &commit));
        if (!exists) break;
        DeltaActions actions = actions_of(&commit);
        TRY(delta_replay_actions(replay, &actions));
    }
    *out_version = version - 1;
    if (wanted >= 0 && version > wanted) return NULL;
    if (version == 0 && wanted >= 0 && start->oldest_kept > wanted)
        return not_kept(table, wanted, start);
    TRY(check_end(table, start, version));
    if (wanted >= 0)
        return err_path(ERR(NOT_FOUND,
                            "%s: there is no version %" PRId64 "; the newest is %" PRId64, table,
                            wanted, version - 1),
                        table);
    return NULL;
}

static Err *check_whole(const char *table, const DeltaProtocol *protocol,
                        const DeltaMetadata *metadata)
{
    const char *lacking = protocol->reader == 0      ? "protocol action"
                          : metadata->id == NULL     ? "metaData action"
                          : metadata->schema == NULL ? "schema"
                                                     : NULL;
    if (lacking != NULL)
        return err_path(ERR(CORRUPT, "%s: the log has no %s", table, lacking), table);
    return ERR_WRAP(delta_protocol_check_readable(protocol), "%s", table);
}

static Err *load_from(Arena *arena, const char *table, int64_t version, const DeltaStart *start,
                      DeltaSnapshot *out)
{
    SCRATCH(scratch);
    DeltaReplay replay = delta_replay_new(scratch);
    DeltaSnapshot snapshot = {.checkpoint_version = start->checkpoint.version};
    if (start->checkpoint.kind != CHECKPOINT_NONE) {
        DeltaActions actions = {0};
        TRY(delta_checkpoint_read(arena, table, &start->checkpoint, &actions));
        TRY(ERR_WRAP(check_whole(table, &actions.protocol, &actions.metadata),
                     "checkpoint %" PRId64, start->checkpoint.version));
        TRY(delta_replay_actions(&replay, &actions));
        perf_add(PERF_checkpoint_spared, (uint64_t)start->checkpoint.version + 1);
    }
    TRY(apply_tail(arena, table, start, version, &replay, &snapshot.version));
    TRY(check_whole(table, &replay.protocol, &replay.metadata));
    delta_replay_finish(arena, &replay, &snapshot);
    *out = snapshot;
    return NULL;
}

/* What a listing showed and is there no more was removed by a writer that has moved on. */
static bool has_gone(const char *path)
{
    OsStat stat;
    bool exists = true;
    err_free(os_stat_if(path, &exists, &stat));
    return !exists;
}

/* A checkpoint may be replaced or removed between the look at the hint and the reading: then the
 * hint is another by now, or the file that was listed is gone (while a writer replaces a checkpoint
 * there is no hint), and it is tried again. */
static bool has_moved(const char *table, const DeltaStart *start)
{
    SCRATCH(scratch);
    DeltaHint hint = {.version = -1};
    if (start->checkpoint.kind == CHECKPOINT_NONE) return false;
    err_free(delta_hint_read(scratch, table, &hint));
    if (start->listed)
        return hint.version > start->checkpoint.version || has_gone(start->checkpoint.paths[0]);
    if (hint.version != start->checkpoint.version) return true;
    return hint.sha256 != NULL && start->checkpoint.sha256 != NULL &&
           strcmp(hint.sha256, start->checkpoint.sha256) != 0;
}

Err *delta_snapshot_load(Arena *arena, const char *table, int64_t version, DeltaSnapshot *out)
{
    SCRATCH(scratch);
    DeltaStart start = {0};
    for (int attempt = 1;; attempt++) {
        TRY(delta_start_find(scratch, table, version, &start));
        Err *err = load_from(arena, table, version, &start, out);
        if (err == NULL) return NULL;
        if (attempt == ATTEMPTS || !has_moved(table, &start))
            return err_frame(err, __FILE__, __LINE__);
        err_free(err);
    }
}

/* ---- advancing a snapshot ---- */

static DeltaProtocol protocol_copy(Arena *arena, const DeltaProtocol *from)
{
    DeltaProtocol copy = *from;
    copy.reader_features =
        delta_strings_copy(arena, from->reader_features, from->reader_feature_count);
    copy.writer_features =
        delta_strings_copy(arena, from->writer_features, from->writer_feature_count);
    return copy;
}

static DeltaMetadata metadata_copy(Arena *arena, const DeltaMetadata *from)
{
    DeltaMetadata copy = *from;
    copy.id = arena_strdup(arena, from->id);
    copy.name = arena_strdup(arena, from->name);
    copy.description = arena_strdup(arena, from->description);
    copy.schema = arena_strdup(arena, from->schema);
    copy.partition_columns =
        delta_strings_copy(arena, from->partition_columns, from->partition_column_count);
    copy.configuration = AARRAY(arena, DeltaPair, from->configuration_count);
    for (size_t i = 0; i < from->configuration_count; i++)
        copy.configuration[i] = (DeltaPair){arena_strdup(arena, from->configuration[i].key),
                                            arena_strdup(arena, from->configuration[i].value)};
    return copy;
}

static DeltaAdd add_copy(Arena *arena, const DeltaAdd *from)
{
    DeltaAdd copy = *from;
    copy.path = arena_strdup(arena, from->path);
    copy.stats = arena_strdup(arena, from->stats);
    copy.partition_values = arena_strdup(arena, from->partition_values);
    copy.tags = arena_strdup(arena, from->tags);
    copy.deletion_vector = arena_strdup(arena, from->deletion_vector);
    return copy;
}

static DeltaActions actions_copy(Arena *arena, const DeltaCommit *commit)
{
    DeltaActions actions = {.protocol = protocol_copy(arena, &commit->protocol),
                            .metadata = metadata_copy(arena, &commit->metadata)};
    for (size_t i = 0; i < commit->add_count; i++)
        vec_push(arena, &actions.adds, add_copy(arena, &commit->adds[i]));
    for (size_t i = 0; i < commit->remove_count; i++) {
        DeltaRemove copy = commit->removes[i];
        copy.path = arena_strdup(arena, copy.path);
        copy.deletion_vector = arena_strdup(arena, copy.deletion_vector);
        vec_push(arena, &actions.removes, copy);
    }
    for (size_t i = 0; i < commit->txn_count; i++) {
        DeltaTxn copy = commit->txns[i];
        copy.app_id = arena_strdup(arena, copy.app_id);
        vec_push(arena, &actions.txns, copy);
    }
    return actions;
}

Err *delta_snapshot_apply(Arena *arena, DeltaSnapshot *snapshot, const DeltaCommit *commit)
{
    SCRATCH(scratch);
    DeltaReplay replay = delta_replay_new(scratch);
    DeltaActions before = {.protocol = snapshot->protocol, .metadata = snapshot->metadata};
    before.adds.v = snapshot->adds, before.adds.n = snapshot->add_count;
    before.removes.v = snapshot->removes, before.removes.n = snapshot->remove_count;
    before.txns.v = snapshot->txns, before.txns.n = snapshot->txn_count;
    TRY(delta_replay_actions(&replay, &before));
    DeltaActions after = actions_copy(arena, commit);
    TRY(delta_replay_actions(&replay, &after));
    TRY(delta_protocol_check_readable(&replay.protocol));
    delta_replay_finish(arena, &replay, snapshot);
    snapshot->version++;
    return NULL;
}
