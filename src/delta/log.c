/* Log entries on disk: _delta_log/%020d.json.
 *
 * Committing: the text goes to a temporary name that readers skip (it begins with a dot), is
 * fsynced, and gets its final name by link(2), which fails when the name exists: so an entry is
 * whole from the moment it is visible, exactly one writer wins a version, and nothing is ever
 * overwritten. Then the temporary name goes and the directory is fsynced. Failure: before the link
 * nothing happened. A failure of the directory's fsync after it is reported (the entry is visible,
 * its durability unknown); a temporary name that cannot be removed is not (delta_leftovers finds
 * it). Reading: one open; a missing file is an answer. */
#include "delta/delta_int.h"
#include "os/os.h"
#include "perf/ops.h"
#include <errno.h>
#include <inttypes.h>

enum { ENTRY_BYTES_MAX = 1 << 30 };

Err *delta_entry_read(Arena *arena, const char *table, int64_t version, bool *out_exists,
                      DeltaCommit *out)
{
    SCRATCH(scratch);
    const char *path = delta_entry_path(scratch, table, version);
    char *text = NULL;
    size_t size = 0;
    TRY(os_read_file_if(scratch, path, ENTRY_BYTES_MAX, &text, &size));
    perf_count_for(text == NULL ? PERF_log_probe : PERF_log_entry_open, path);
    if (text == NULL) {
        *out_exists = false;
        return NULL;
    }
    DeltaActions actions = {0};
    TRY(delta_actions_parse(arena, path, text, size, &actions));
    *out_exists = true;
    *out = (DeltaCommit){.info = actions.info,
                         .protocol = actions.protocol,
                         .metadata = actions.metadata,
                         .adds = actions.adds.v,
                         .removes = actions.removes.v,
                         .txns = actions.txns.v,
                         .add_count = actions.adds.n,
                         .remove_count = actions.removes.n,
                         .txn_count = actions.txns.n};
    return NULL;
}

Err *delta_entry_probe(Arena *arena, const char *table, int64_t version, bool *out_exists)
{
    OsStat stat;
    perf_count(PERF_log_probe);
    return os_stat_if(delta_entry_path(arena, table, version), out_exists, &stat);
}

static Err *write_temp(const char *path, const Buf *text)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    TRY(os_open_new(path, &file));
    TRY(os_write(file, text->data, text->size));
    TRY(os_sync(file));
    OsFile *closing = file;
    file = NULL;
    return os_close(closing);
}

/* Network shares and FAT have no hard links, and no other call that is both atomic and never
 * overwrites is everywhere. */
static Err *explain_link(Err *err)
{
    int number = err == NULL ? 0 : err_errnum(err);
    if (number != EPERM && number != EOPNOTSUPP && number != ENOSYS && number != EMLINK) return err;
    return err_hint(err, "the file system must support hard links: put the table on a local one");
}

/* From the first byte to the end of the directory's fsync. */
static Err *publish(Arena *arena, const char *table, int64_t version, const Buf *text,
                    bool *out_won)
{
    const char *temp = delta_temp_path(arena, table, version);
    const char *final = delta_entry_path(arena, table, version);
    bool won = false;
    Err *failed = write_temp(temp, text);
    if (failed == NULL) failed = explain_link(os_link(temp, final, &won));
    err_free(os_unlink_if(temp));
    TRY(failed);
    if (won) {
        perf_count(PERF_log_commit);
        Err *err = os_sync_dir(delta_log_dir(arena, table));
        if (err != NULL)
            return err_hint(
                ERR_WRAP(err,
                         "log entry %" PRId64
                         " is written, but whether it would survive a power cut is not known",
                         version),
                "mend the disk, then run fsck");
    }
    *out_won = won;
    return NULL;
}

Err *delta_commit(Arena *arena, const char *table, int64_t version, const DeltaCommit *commit,
                  bool *out_won)
{
    if (version < 0) return ERR(INVALID, "%" PRId64 " is not a log version", version);
    if (version == 0 && (commit->protocol.reader == 0 || commit->metadata.id == NULL))
        return ERR(INVALID, "the first log entry of a table needs protocol and metadata");
    Buf text = buf_new(arena);
    TRY(delta_commit_text(arena, commit, &text));
    PERF_SPAN(PERF_commit);
    return publish(arena, table, version, &text, out_won);
}
