/* Removing what nobody refers to any more. Runs under the writer lock, so nothing is being added
 * meanwhile.
 *
 * blobs      that the log ever named: when no live version refers to it and the transaction that
 * dropped the last reference is at least the retention older than the newest transaction; both
 * times are the log's, so a wrong clock today removes nothing. Never named (left by a crash): by
 * the file's time and the clock. log files  that no live add and no tombstone younger than the
 * retention names, older than the retention. staging    folders txn-* of writers: all but our own
 * are dead, because a writer has one only under the lock. Commit JSONs stay for ever. A name that
 * is not of ours is left alone. Crash: at any point, harmless. */
#include "tlogfs/tlog_int.h"
#include <stdio.h>
#include <string.h>

typedef struct Vacuum {
    Tlog *tlog;
    Index *replayed;
    Stamp stamp;
    int64_t retain_us;
    Arena *arena;
    VEC(const char *) removed; /* names of blobs */
    TlogVacuum done;
} Vacuum;

static bool is_blob_name(const char *name)
{
    size_t hex = strspn(name, "0123456789abcdef");
    return hex == SHA256_HEX && (name[hex] == '\0' || strcmp(name + hex, ".parquet") == 0);
}

static Err *may_go(Vacuum *vacuum, Arena *arena, const char *name, const OsStat *stat, bool *out)
{
    BlobRow row;
    bool found = false;
    TRY(index_blob_get(vacuum->replayed, arena, name, &found, &row));
    if (!found)
        *out = os_now() - stat->mtime_ns / 1000 >= vacuum->retain_us;
    else
        *out = row.refs == 0 && vacuum->stamp.time - row.dropped >= vacuum->retain_us;
    return NULL;
}

static Err *vacuum_blob(Vacuum *vacuum, const char *dir, const char *name)
{
    SCRATCH(scratch);
    char *path = path_join(scratch, dir, name);
    OsStat stat;
    bool go = false;
    TRY(os_stat(path, &stat));
    TRY(may_go(vacuum, scratch, name, &stat, &go));
    if (!go) return NULL;
    TRY(os_unlink(path));
    vec_push(vacuum->arena, &vacuum->removed, arena_strdup(vacuum->arena, name));
    vacuum->done.blobs++;
    vacuum->done.bytes += stat.size_bytes;
    return NULL;
}

static Err *vacuum_blobs(Vacuum *vacuum)
{
    SCRATCH(scratch);
    OsEntry *dirs = NULL, *files = NULL;
    size_t dir_count = 0, file_count = 0;
    TRY(os_list(scratch, vacuum->tlog->blob_dir, &dirs, &dir_count));
    for (size_t i = 0; i < dir_count; i++) {
        if (!dirs[i].is_dir || strlen(dirs[i].name) != 2) continue;
        char *dir = path_join(scratch, vacuum->tlog->blob_dir, dirs[i].name);
        TRY(os_check_interrupt());
        TRY(os_list(scratch, dir, &files, &file_count));
        for (size_t j = 0; j < file_count; j++) {
            bool ours = files[j].is_file && is_blob_name(files[j].name) &&
                        strncmp(files[j].name, dirs[i].name, 2) == 0;
            if (ours) TRY(vacuum_blob(vacuum, dir, files[j].name));
        }
    }
    return NULL;
}

/* That they were once found good need not be remembered. A failure leaves rows that do no harm. */
static Err *forget_verified(const Vacuum *vacuum)
{
    Index *index = vacuum->tlog->index;
    index_rollback(index);
    Err *error = index_begin_write(index);
    for (size_t i = 0; error == NULL && i < vacuum->removed.n; i++) {
        SCRATCH(scratch);
        Verified row;
        bool found = false;
        const Cell key[] = {cell_text(vacuum->removed.v[i])};
        error = index_verified_get(index, scratch, vacuum->removed.v[i], &found, &row);
        if (error == NULL && found) error = index_del(index, INDEX_VERIFIED, key);
    }
    if (error == NULL) error = index_commit(index);
    err_free(error);
    return tlog_refresh(vacuum->tlog);
}

static Err *remove_log_file(const Tlog *tlog, const char *relative, int64_t *count, int64_t *bytes)
{
    SCRATCH(scratch);
    char *path = path_join(scratch, tlog->log_dir, relative);
    OsStat stat;
    TRY(os_stat(path, &stat));
    TRY(os_unlink(path));
    *count += 1;
    *bytes += stat.size_bytes;
    return NULL;
}

static Err *snapshot_files(const Vacuum *vacuum, Arena *arena, DeltaSnapshot *out)
{
    LogFile *files = NULL;
    size_t count = 0;
    TRY(index_log_files(vacuum->replayed, arena, &vacuum->stamp, &files, &count));
    *out = (DeltaSnapshot){.adds = AARRAY(arena, DeltaAdd, count), .add_count = count};
    for (size_t i = 0; i < count; i++) out->adds[i].path = files[i].path;
    return index_tombstones(vacuum->replayed, arena, &vacuum->stamp, &out->removes,
                            &out->remove_count);
}

static Err *vacuum_log(Vacuum *vacuum)
{
    SCRATCH(scratch);
    Tlog *tlog = vacuum->tlog;
    DeltaSnapshot snapshot;
    const char **paths = NULL;
    size_t count = 0;
    int64_t expire_ms = (os_now() - vacuum->retain_us) / 1000 + 1;
    TRY(snapshot_files(vacuum, scratch, &snapshot));
    TRY(delta_unreferenced(scratch, tlog->log_dir, &snapshot, expire_ms, &paths, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(remove_log_file(tlog, paths[i], &vacuum->done.log_files, &vacuum->done.bytes));
    }
    return NULL;
}

static Err *tree_bytes(Arena *arena, const char *dir, int64_t *out)
{
    OsEntry *entries = NULL;
    size_t count = 0;
    TRY(os_list(arena, dir, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        OsStat stat;
        if (!entries[i].is_file) continue;
        TRY(os_stat(path_join(arena, dir, entries[i].name), &stat));
        *out += stat.size_bytes;
    }
    return NULL;
}

/* Entries and checkpoints that were never published: under the lock nobody is about to. */
static Err *sweep_entries(Tlog *tlog, TlogVacuum *out)
{
    SCRATCH(scratch);
    const char **paths = NULL;
    size_t count = 0;
    TRY(delta_leftovers(scratch, tlog->log_dir, INT64_MAX, &paths, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(remove_log_file(tlog, paths[i], &out->staging, &out->bytes));
    }
    return NULL;
}

Err *tlog_sweep_folders(Tlog *tlog, TlogVacuum *out)
{
    SCRATCH(scratch);
    OsEntry *entries = NULL;
    size_t count = 0;
    OsStat stat;
    bool exists = false;
    TRY(os_stat_if(tlog->tmp_dir, &exists, &stat));
    if (!exists) return NULL;
    TRY(os_list(scratch, tlog->tmp_dir, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        char *path = path_join(scratch, tlog->tmp_dir, entries[i].name);
        bool own = tlog->staging_dir != NULL && strcmp(tlog->staging_dir, path) == 0;
        if (!entries[i].is_dir || own || !text_starts(entries[i].name, "txn-")) continue;
        TRY(tree_bytes(scratch, path, &out->bytes));
        TRY(os_remove_tree(path));
        out->staging++;
    }
    return NULL;
}

Err *tlog_sweep_staging(Tlog *tlog, TlogVacuum *out)
{
    TRY(sweep_entries(tlog, out));
    return tlog_sweep_folders(tlog, out);
}

Err *tlog_vacuum(Tlog *tlog, int64_t retain_us, TlogVacuum *out)
{
    if (tlog->tx != NULL) return ERR(INTERNAL, "a vacuum inside a transaction");
    if (retain_us < 0) return ERR(INVALID, "a retention cannot be negative");
    SCRATCH(scratch);
    CLEANUP(index_close_at) Index *replayed = NULL;
    bool found = false;
    TRY(tlog_refresh(tlog));
    TRY(index_open(NULL, &replayed));
    TRY(index_rebuild(replayed, &tlog->source, tlog->stamp.log_version));
    Vacuum vacuum = {.tlog = tlog, .replayed = replayed, .retain_us = retain_us, .arena = scratch};
    TRY(index_stamp_get(replayed, scratch, &found, &vacuum.stamp));
    TRY(vacuum_blobs(&vacuum));
    if (vacuum.removed.n > 0) TRY(forget_verified(&vacuum));
    TRY(vacuum_log(&vacuum));
    TRY(tlog_sweep_staging(tlog, &vacuum.done));
    *out = vacuum.done;
    return NULL;
}
