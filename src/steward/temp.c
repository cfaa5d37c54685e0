/* Temporary folders of a process: POND/tmp/run-<random>, with a lock file run-<random>.lock beside
 * it that is held while its owner lives. A read-only pond's is in $TMPDIR.
 *
 * The lock file is made and locked first and removed last, so a folder whose lock can be had
 * belongs to nobody. */
#include "steward/pond_int.h"
#include <stdlib.h>
#include <string.h>

static Err *make_in(Pond *pond, const char *base, const char **out)
{
    uint64_t random = 0;
    os_random(&random, sizeof random);
    const char *dir = arena_printf(pond->arena, "%s/run-%016llx", base, (unsigned long long)random);
    const char *lock = arena_printf(pond->arena, "%s.lock", dir);
    OsStat stat;
    bool exists = false;
    TRY(os_stat_if(base, &exists, &stat));
    if (!exists) TRY(os_mkdirs(base));
    Err *error = os_lock(pond->arena, lock, "in use", 0, &pond->temp_lock, NULL);
    if (error == NULL) error = os_mkdir(dir);
    if (error != NULL) { /* a lock file that could not be written may stand there, too */
        os_unlock_at(&pond->temp_lock);
        err_free(os_unlink_if(lock));
        return error;
    }
    *out = dir;
    return NULL;
}

static Err *make_elsewhere(Pond *pond, const char **out)
{
    const char *tmp = getenv("TMPDIR");
    const char *base = arena_printf(pond->arena, "%s/pond-%s",
                                    tmp == NULL || *tmp != '/' ? "/tmp" : tmp, os_username());
    os_class_add(base, OS_STAGING);
    return make_in(pond, base, out);
}

const char *pond_temp_dir(Pond *pond)
{
    if (pond->temp_dir != NULL) return pond->temp_dir;
    const char *tmp = path_join(pond->arena, pond->dir, "tmp");
    Err *error = pond->read_only ? make_elsewhere(pond, &pond->temp_dir)
                                 : make_in(pond, tmp, &pond->temp_dir);
    if (error != NULL && !pond->read_only) {
        err_free(error);
        error = make_elsewhere(pond, &pond->temp_dir);
    }
    if (error != NULL) log_warn("no temporary folder: %s", err_message(error));
    err_free(error);
    if (pond->temp_dir == NULL)
        pond->temp_dir = tmp; /* what is written there fails with its own error */
    return pond->temp_dir;
}

void pond_temp_close(Pond *pond)
{
    if (pond->temp_lock == NULL) return;
    Err *error = os_remove_tree(pond->temp_dir);
    if (error != NULL) log_debug("%s", err_message(error));
    if (error == NULL) err_free(os_unlink_if(arena_printf(pond->arena, "%s.lock", pond->temp_dir)));
    err_free(error); /* with its lock file the folder stays to be swept */
    os_unlock_at(&pond->temp_lock);
}

/* `lock` is the lock file of one folder. */
static Err *sweep_one(const char *lock, int64_t *count)
{
    SCRATCH(scratch);
    CLEANUP(os_unlock_at) OsLock *held = NULL;
    TRY(os_lock(scratch, lock, "removing", 0, &held, NULL));
    if (held == NULL) return NULL;
    TRY(os_remove_tree(arena_strndup(scratch, lock, strlen(lock) - strlen(".lock"))));
    TRY(os_unlink_if(lock));
    *count += 1;
    return NULL;
}

Err *pond_temp_sweep(Pond *pond, int64_t *count)
{
    SCRATCH(scratch);
    const char *tmp = path_join(scratch, pond->dir, "tmp");
    OsEntry *entries = NULL;
    OsStat stat;
    size_t n = 0;
    bool exists = false;
    TRY(os_stat_if(tmp, &exists, &stat));
    if (!exists) return NULL;
    TRY(os_list(scratch, tmp, &entries, &n));
    for (size_t i = 0; i < n; i++) {
        const char *name = entries[i].name;
        const char *path = path_join(scratch, tmp, name);
        bool own = pond->temp_lock != NULL && text_starts(path, pond->temp_dir);
        if (own || !text_starts(name, "run-") || !text_ends(name, ".lock")) continue;
        TRY(sweep_one(path, count));
    }
    return NULL;
}
