/* OUT and what is ours in it: OUT/.pond with lock, manifest, publish and staging/. The lock is held
 * for the whole run, so staging that stands there when it is won was left by the dead. */
#include "export/export_int.h"
#include <string.h>
#include <unistd.h>

static void add_classes(const OutDir *out)
{
    SCRATCH(scratch);
    os_class_add(out->dir, OS_OUT);
    os_class_add(out->staging_dir, OS_STAGING);
    os_class_add(path_join(scratch, out->private_dir, "lock"), OS_LOCK);
}

Err *outdir_names(Arena *arena, const char *dir, OutDir *out)
{
    char *absolute;
    TRY(os_absolute(arena, dir, &absolute));
    *out = (OutDir){.dir = absolute, .private_dir = path_join(arena, absolute, ".pond")};
    out->staging_dir = path_join(arena, out->private_dir, "staging");
    out->record_path = path_join(arena, out->private_dir, "publish");
    return NULL;
}

static Err *locked(const OutDir *out, const char *holder)
{
    const char *who = holder != NULL && holder[0] != 0 ? holder : "another process";
    Err *err = ERR(LOCKED, "another export into %s is running: %s", out->dir, who);
    return err_hint(err, "wait for it with --wait 1m");
}

/* A folder that failed before it held anything goes again, while its lock is still held. */
void outdir_unmake(const OutDir *out)
{
    SCRATCH(scratch);
    if (!out->made_private) return;
    err_free(os_unlink(path_join(scratch, out->private_dir, "lock")));
    err_free(os_rmdir(out->private_dir));
    if (out->made_dir) err_free(os_rmdir(out->dir));
}

Err *outdir_open(Arena *arena, const char *dir, int64_t wait_ms, OutDir *out)
{
    OutDir opened;
    bool there;
    OsStat stat;
    TRY(outdir_names(arena, dir, &opened));
    TRY(os_stat_if(opened.dir, &there, &stat));
    opened.made_dir = !there;
    TRY(os_stat_if(opened.private_dir, &there, &stat));
    opened.made_private = !there;
    TRY(os_mkdirs(opened.private_dir));
    add_classes(&opened);
    const char *note = arena_printf(arena, "pond export, process %d of %s on %s, since %s",
                                    (int)getpid(), os_username(), os_hostname(),
                                    time_format(arena, os_now() / US_PER_SECOND * US_PER_SECOND));
    const char *holder = NULL;
    TRY(os_lock(arena, path_join(arena, opened.private_dir, "lock"), note, wait_ms, &opened.lock,
                &holder));
    if (opened.lock == NULL) return locked(&opened, holder);
    *out = opened;
    return NULL;
}

void outdir_close(OutDir *out)
{
    os_unlock_at(&out->lock);
}

Err *outdir_clear_staging(const OutDir *out)
{
    return os_remove_tree(out->staging_dir);
}

char *outdir_host_path(Arena *arena, const OutDir *out, const char *path)
{
    return path_join(arena, out->dir, path);
}
