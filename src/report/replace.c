/* Files of the history that are small and replaced as a whole; they check themselves when read, so
 * that nothing is synced. */
#include "report/report_int.h"

static const int64_t KILLED_NS = INT64_C(3600) * 1000000000; /* no process takes as long */

Err *report_replace(const char *pond_dir, const char *name, const void *bytes, size_t size)
{
    SCRATCH(scratch);
    const char *dir = report_history_dir(scratch, pond_dir);
    TRY(report_history_make(dir));
    return os_replace_unsynced(arena_printf(scratch, "%s/%s", dir, name), bytes, size);
}

bool report_is_of_other_form(const char *bytes, size_t size, const char magic[8])
{
    uint64_t hash;
    if (size < 8 + sizeof hash || memcmp(bytes, magic, 7) != 0 || bytes[7] == magic[7])
        return false;
    memcpy(&hash, bytes + size - sizeof hash, sizeof hash);
    return hash == xxh64(bytes, size - sizeof hash);
}

static bool is_temporary(const OsEntry *entry)
{
    return entry->is_file && (os_is_temporary_of(entry->name, REPORT_MODEL) ||
                              os_is_temporary_of(entry->name, REPORT_RANGES));
}

Err *report_sweep(const char *dir, const OsEntry *entries, size_t count)
{
    SCRATCH(scratch);
    for (size_t i = 0; i < count; i++) {
        OsStat stat;
        bool exists = false;
        const char *path = arena_printf(scratch, "%s/%s", dir, entries[i].name);
        if (!is_temporary(&entries[i])) continue;
        TRY(os_stat_if(path, &exists, &stat));
        if (exists && stat.mtime_ns < os_now() * 1000 - KILLED_NS) TRY(os_unlink_if(path));
    }
    return NULL;
}
