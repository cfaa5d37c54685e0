/* Files of the history that are small and replaced as a whole. */
#include "report/report_int.h"
#include <unistd.h>

static Err *write_new(const char *path, const void *bytes, size_t size)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    TRY(os_open_new(path, &file));
    return os_write(file, bytes, size);
}

Err *report_replace(const char *pond_dir, const char *name, const void *bytes, size_t size)
{
    SCRATCH(scratch);
    const char *dir = report_history_dir(scratch, pond_dir);
    const char *path = arena_printf(scratch, "%s/%s", dir, name);
    const char *staged = arena_printf(scratch, "%s.%ld", path, (long)getpid());
    TRY(os_mkdirs(dir));
    TRY(os_unlink_if(staged)); /* of a killed process that had our number */
    Err *err = write_new(staged, bytes, size);
    if (err == NULL) err = os_rename(staged, path);
    if (err != NULL) err_free(os_unlink_if(staged));
    return err;
}
