/* Publishing by a redo record.
 *
 *   1. fsync every staged file, and staging/.
 *   2. write staging/publish, fsync it, rename it to .pond/publish, fsync .pond: THE COMMIT POINT.
 *   3. make directories, fsync those they stand in; rename staged files into place, remove what is
 *      no longer wanted, fsync every directory touched.
 *   4. remove the record, fsync .pond, remove staging.
 *
 * A crash before 2 is complete leaves the old export and staging that the next run removes. After
 * it the next run (or `pond recover -d OUT`) does 3 and 4 again: each step may have been done
 * before, wholly or in part, or been lost again, and says so by what is there. What is in a file's
 * place must be what the record says was there, or the new file; a stranger that came in between is
 * an error and the record stays, so nothing of anyone's is lost.
 *
 * A new directory is made durable before a file moves into it: else the move could be durable, so
 * that nothing is left in staging, while the directory is lost, and the file with it. */
#include "export/publish_int.h"
#include "perf/ops.h"

/* Directories whose names have changed, each once. */
typedef struct Touched {
    Arena *arena;
    const OutDir *out;
    Map dirs; /* host paths */
} Touched;

static void touch_parent(Touched *touched, const char *path)
{
    SCRATCH(scratch);
    char *host = outdir_host_path(scratch, touched->out, path);
    map_put(&touched->dirs, path_parent(scratch, host), touched);
}

static Err *make_dirs(Touched *touched, const TextVec *dirs)
{
    for (size_t i = 0; i < dirs->n; i++) {
        bool there;
        OsStat now;
        const char *host = outdir_host_path(touched->arena, touched->out, dirs->v[i]);
        TRY(os_stat_if(host, &there, &now));
        if (there && !now.is_dir)
            return err_hint(ERR(EXISTS, "%s: a file stands where the export needs a folder", host),
                            "move it away");
        if (!there) TRY(os_mkdir(host));
        touch_parent(touched, dirs->v[i]);
    }
    return NULL;
}

static Err *check_place(const Move *move, const char *host, bool *out_done)
{
    bool there, as = false;
    OsStat stat;
    TRY(os_stat_if(host, &there, &stat));
    *out_done = false;
    if (!there) return NULL;
    FileState now = file_state_of(&stat);
    *out_done = file_state_equal(&now, &move->state);
    if (*out_done) return NULL;
    if (move->replaces) TRY(file_is_as(host, &move->was, move->was_sha256, &as, &now));
    if (as) return NULL;
    return err_hint(
        ERR(EXISTS, "%s: a file that is not the export's came here while it was being published",
            host),
        "move it away, then run 'pond recover' for this folder");
}

static Err *apply_move(Touched *touched, const Move *move)
{
    SCRATCH(scratch);
    const char *staged = outdir_host_path(scratch, touched->out, move->staged);
    const char *host = outdir_host_path(scratch, touched->out, move->path);
    bool waits, done = false;
    OsStat stat;
    touch_parent(touched, move->path);
    TRY(os_stat_if(staged, &waits, &stat));
    if (!waits)
        return NULL; /* moved before the crash; whatever became of it since is the user's doing */
    TRY(check_place(move, host, &done));
    return done ? os_unlink(staged) : os_rename(staged, host);
}

static Err *apply_removal(Touched *touched, const Removal *removal)
{
    SCRATCH(scratch);
    const char *host = outdir_host_path(scratch, touched->out, removal->path);
    bool there, as;
    OsStat stat;
    FileState now;
    TRY(os_stat_if(host, &there, &stat));
    if (!there) return NULL;
    TRY(file_is_as(host, &removal->was, removal->was_sha256, &as, &now));
    if (!as) return NULL;
    touch_parent(touched, removal->path);
    return os_unlink(host);
}

static Err *remove_if_empty(Touched *touched, const char *dir)
{
    SCRATCH(scratch);
    const char *host = outdir_host_path(scratch, touched->out, dir);
    bool there;
    OsStat stat;
    OsEntry *entries;
    size_t count;
    TRY(os_stat_if(host, &there, &stat));
    if (!there || !stat.is_dir) return NULL;
    TRY(os_list(scratch, host, &entries, &count));
    return count > 0 ? NULL : os_rmdir(host);
}

static Err *sync_touched(Touched *touched)
{
    const char **dirs = AARRAY(touched->arena, const char *, touched->dirs.count);
    for (size_t i = 0; i < touched->dirs.count; i++) dirs[i] = touched->dirs.entries[i].key;
    return sync_dirs(dirs, touched->dirs.count);
}

static Err *apply(Arena *arena, const OutDir *out, const Changes *changes)
{
    Touched made = {.arena = arena, .out = out, .dirs = map_new(arena)};
    Touched touched = {.arena = arena, .out = out, .dirs = map_new(arena)};
    TRY(make_dirs(&made, &changes->dirs_made));
    TRY(sync_touched(&made));
    for (size_t i = 0; i < changes->moves.n; i++) TRY(apply_move(&touched, &changes->moves.v[i]));
    for (size_t i = 0; i < changes->removals.n; i++)
        TRY(apply_removal(&touched, &changes->removals.v[i]));
    TRY(sync_touched(&touched));
    for (size_t i = 0; i < changes->dirs_unused.n; i++)
        TRY(remove_if_empty(&touched, changes->dirs_unused.v[i]));
    TRY(os_unlink(out->record_path));
    return os_sync_dir(out->private_dir);
}

static Err *sync_staged(Arena *arena, const OutDir *out, const Changes *changes)
{
    const char **staged = AARRAY(arena, const char *, changes->moves.n);
    for (size_t i = 0; i < changes->moves.n; i++)
        staged[i] = outdir_host_path(arena, out, changes->moves.v[i].staged);
    TRY(sync_files(staged, changes->moves.n));
    return os_sync_dir(out->staging_dir);
}

/* What an error means once the record is in its place. */
static Err *stands(Err *err)
{
    err = ERR_WRAP(err, "the export is committed, but not all of it is in place yet");
    return err_hint(err, "the next export into this folder completes it, or pond recover -d DIR");
}

static Err *write_record(const OutDir *out, const Changes *changes)
{
    SCRATCH(scratch);
    const char *staged = path_join(scratch, out->staging_dir, "publish");
    TRY(record_write(staged, changes));
    TRY(os_rename(staged, out->record_path));
    return stands(os_sync_dir(out->private_dir));
}

static Err *commit(const OutDir *out, const Changes *changes)
{
    PERF_SPAN(PERF_commit);
    return write_record(out, changes);
}

static Err *finish(Arena *arena, const OutDir *out, const Changes *changes)
{
    PERF_SPAN(PERF_after);
    Err *err = apply(arena, out, changes);
    if (err == NULL) err = outdir_clear_staging(out);
    return stands(err);
}

Err *publish(Arena *arena, const OutDir *out, const Changes *changes)
{
    if (changes->moves.n == 0 && changes->removals.n == 0) return outdir_clear_staging(out);
    TRY(sync_staged(arena, out, changes));
    TRY(os_check_interrupt());
    TRY(commit(out, changes));
    return finish(arena, out, changes);
}

Err *publish_recover(Arena *arena, const OutDir *out, bool *out_completed)
{
    Changes changes;
    bool found;
    TRY(record_read(arena, out, &found, &changes));
    if (found) TRY(finish(arena, out, &changes));
    *out_completed = found;
    return found ? NULL : outdir_clear_staging(out);
}
