/* Holding the catalog index to the log.
 *
 * The index is stamped with the log entry it stands at: its version and its random id
 * (commitInfo.txnId), so that an index beside another log, or a log that was put back from a copy,
 * is noticed. Three cases: current  entry N+1 does not exist and entry N has the stamp's id: one
 * probe and one entry opened, no engine; behind   entries N+1.. are read, then the live files that
 * hold their transactions: at most CATCH_UP_MAX entries, beyond that a rebuild is cheaper; missing
 * the snapshot (checkpoint and later entries), then one statement over all live files. Behind and
 * missing are written in one SQLite transaction, under its write lock, and looked at again under
 * it: several readers may find the same index behind at the same time.
 *
 * A merge commit (dataChange = false) changes only which files are live. */
#include "os/os.h"
#include "perf/lookup.h"
#include "perf/ops.h"
#include "tlogfs/index_int.h"
#include <string.h>

enum { CATCH_UP_MAX = 64 };

const char *commit_txn_id(Arena *arena, const DeltaCommit *commit)
{
    const Json *info = NULL;
    if (commit->info == NULL) return "";
    Err *error = json_parse(arena, commit->info, strlen(commit->info), &info);
    const char *id = error == NULL ? json_str(info, "txnId", "") : "";
    err_free(error);
    return id;
}

/* ---- applying ---- */

typedef struct Applying {
    Index *index;
    Stamp *stamp;
} Applying;

static Err *apply_row(void *context, const LogRow *row)
{
    Applying *applying = context;
    TRY(index_apply(applying->index, applying->stamp, row));
    applying->stamp->txn = row->txn;
    applying->stamp->time = row->time;
    return os_check_interrupt();
}

/* Live files with transactions that the index has not seen. */
static Err *apply_new_rows(Index *index, LogSource *source, Stamp *stamp)
{
    SCRATCH(scratch);
    LogFile *files = NULL;
    size_t count = 0, fresh = 0;
    TRY(index_log_files(index, scratch, NULL, &files, &count));
    int64_t lost = log_files_gap(files, count);
    if (lost > 0)
        return ERR(CORRUPT, "the log has no data file for transaction %lld", (long long)lost);
    while (fresh < count && files[fresh].last_txn <= stamp->txn) fresh++;
    Applying applying = {index, stamp};
    return log_source_rows(source, files + fresh, count - fresh, stamp->txn, apply_row, &applying);
}

/* ---- behind ---- */

static Err *checkpoint_exists(const LogSource *source, int64_t version, bool *out)
{
    SCRATCH(scratch);
    OsStat stat;
    const char *path = arena_printf(scratch, "%s/_delta_log/%020lld.checkpoint.parquet",
                                    source->dir, (long long)version);
    return os_stat_if(path, out, &stat);
}

static Err *apply_entry(Index *index, LogSource *source, Arena *arena, Stamp *stamp,
                        const DeltaCommit *commit)
{
    for (size_t i = 0; i < commit->remove_count; i++) {
        TRY(index_log_file_remove(index, stamp, &commit->removes[i]));
    }
    for (size_t i = 0; i < commit->add_count; i++)
        TRY(index_log_file_add(index, stamp, &commit->adds[i]));
    stamp->log_version++;
    stamp->entry_id = commit_txn_id(arena, commit);
    if (commit->remove_count == 0) return NULL;
    bool checkpoint = false;
    TRY(checkpoint_exists(source, stamp->log_version, &checkpoint));
    if (checkpoint) stamp->checkpoint_version = stamp->log_version;
    return NULL;
}

/* Reads the entries after the stamp. *out_done = false: too many, or one that changes the table
 * itself. */
static Err *catch_up(Index *index, LogSource *source, Arena *arena, Stamp *stamp, bool *out_done)
{
    *out_done = false;
    for (int i = 0; i <= CATCH_UP_MAX; i++) {
        DeltaCommit commit;
        bool exists = false;
        TRY(delta_entry_read(arena, source->dir, stamp->log_version + 1, &exists, &commit));
        if (!exists) {
            TRY(apply_new_rows(index, source, stamp));
            perf_count(PERF_index_catch_up);
            *out_done = true;
            return index_stamp_put(index, stamp);
        }
        if (commit.metadata.id != NULL || commit.protocol.reader != 0) return NULL;
        TRY(apply_entry(index, source, arena, stamp, &commit));
    }
    return NULL;
}

/* ---- from nothing ---- */

static Err *clear(Index *index)
{
    static const IndexTable DERIVED[] = {INDEX_STAMP,     INDEX_LOG_TABLE, INDEX_NODES,
                                         INDEX_VERSIONS,  INDEX_BLOBS,     INDEX_LOG_FILES,
                                         INDEX_TOMBSTONES};
    for (size_t i = 0; i < sizeof DERIVED / sizeof *DERIVED; i++)
        TRY(index_clear(index, DERIVED[i]));
    return NULL;
}

static const char *configured(const DeltaMetadata *metadata, const char *key)
{
    for (size_t i = 0; i < metadata->configuration_count; i++) {
        if (strcmp(metadata->configuration[i].key, key) == 0)
            return metadata->configuration[i].value;
    }
    return NULL;
}

static Err *stamp_of_snapshot(LogSource *source, Arena *arena, const DeltaSnapshot *snapshot,
                              Stamp *out)
{
    const char *id = configured(&snapshot->metadata, "pond.id");
    const char *format = configured(&snapshot->metadata, "pond.format");
    const char *birthplace = configured(&snapshot->metadata, "pond.birthplace");
    if (id == NULL || format == NULL)
        return ERR(NOT_A_POND, "%s: a Delta table, but not a pond's log", source->dir);
    if (strcmp(format, "1") != 0) {
        return err_hint(ERR(UNSUPPORTED, "pond format %s: this build reads format 1", format),
                        "use a newer version of pond");
    }
    DeltaCommit newest;
    bool exists = false;
    TRY(delta_entry_read(arena, source->dir, snapshot->version, &exists, &newest));
    if (!exists) return ERR(CORRUPT, "log entry %lld is missing", (long long)snapshot->version);
    *out = (Stamp){.pond_id = id,
                   .birthplace = birthplace == NULL ? "" : birthplace,
                   .entry_id = commit_txn_id(arena, &newest),
                   .format = 1,
                   .log_version = snapshot->version,
                   .checkpoint_version = snapshot->checkpoint_version};
    return NULL;
}

static Err *build(Index *index, LogSource *source, int64_t version)
{
    SCRATCH(scratch);
    PERF_SPAN(PERF_index_rebuild);
    DeltaSnapshot snapshot;
    Stamp stamp;
    TRY(delta_snapshot_load(scratch, source->dir, version, &snapshot));
    TRY(stamp_of_snapshot(source, scratch, &snapshot, &stamp));
    TRY(clear(index));
    TRY(index_log_table_put(index, &snapshot.protocol, &snapshot.metadata));
    for (size_t i = 0; i < snapshot.remove_count; i++)
        TRY(index_tombstone_put(index, &snapshot.removes[i]));
    stamp.tombstones = (int64_t)snapshot.remove_count;
    for (size_t i = 0; i < snapshot.add_count; i++)
        TRY(index_log_file_add(index, &stamp, &snapshot.adds[i]));
    TRY(apply_new_rows(index, source, &stamp));
    if (stamp.nodes == 0) return ERR(CORRUPT, "the log holds no root directory");
    return index_stamp_put(index, &stamp);
}

/* Ends a write transaction: commits, or undoes it when there was an error. */
static Err *finish(Index *index, Err *error)
{
    if (error == NULL) error = index_commit(index);
    if (error != NULL) index_rollback(index);
    return error;
}

Err *index_rebuild(Index *index, LogSource *source, int64_t version)
{
    TRY(index_begin_write(index));
    return finish(index, build(index, source, version));
}

/* ---- current? ---- */

static Err *is_current(LogSource *source, Arena *arena, const Stamp *stamp, bool *out_known,
                       bool *out_newest)
{
    DeltaCommit entry;
    bool exists = false;
    *out_newest = false;
    TRY(delta_entry_read(arena, source->dir, stamp->log_version, &exists, &entry));
    *out_known = exists && strcmp(commit_txn_id(arena, &entry), stamp->entry_id) == 0;
    if (!*out_known) return NULL;
    TRY(delta_entry_probe(arena, source->dir, stamp->log_version + 1, &exists));
    *out_newest = !exists;
    return NULL;
}

static Err *advance(Index *index, LogSource *source, Arena *arena)
{
    Stamp stamp;
    bool found = false, known = false, newest = false;
    TRY(index_stamp_get(index, arena, &found, &stamp));
    if (found) TRY(is_current(source, arena, &stamp, &known, &newest));
    if (newest) return NULL; /* somebody else did it while we waited */
    bool done = false;
    Err *error = known ? catch_up(index, source, arena, &stamp, &done) : NULL;
    if (error != NULL &&
        err_code(error) == ERR_CORRUPT) { /* of the index, or of the log: then again */
        err_free(error);
        error = NULL;
    }
    TRY(error);
    return done ? NULL : build(index, source, -1);
}

Err *index_refresh(Index *index, LogSource *source, Arena *arena, Stamp *out, bool *was_current)
{
    bool found = false, known = false, newest = false;
    PERF_SPAN(PERF_version_resolve);
    PERF_LOOKUP(look, PERF_CACHE_index);
    TRY(index_begin_read(index));
    TRY(index_stamp_get(index, arena, &found, out));
    if (found) TRY(is_current(source, arena, out, &known, &newest));
    *was_current = newest;
    if (perf_found(&look, newest)) return NULL;
    index_rollback(index);
    TRY(index_begin_write(index));
    TRY(finish(index, advance(index, source, arena)));
    perf_fetched(&look, 0);
    TRY(index_begin_read(index));
    TRY(index_stamp_get(index, arena, &found, out));
    return found ? NULL : index_damage(index, "it lost its stamp");
}
