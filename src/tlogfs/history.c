/* The pond's history: commit entries read backwards, one file each, without index or engine. Merges
 * (operation OPTIMIZE) are left out. commitInfo is ours to write but may be anything: what is
 * missing is shown as empty. */
#include "tlogfs/tlog_int.h"
#include <string.h>

/* *out_shown = false: not a transaction of the pond. */
static Err *read_entry(Arena *arena, Tlog *tlog, int64_t version, bool *out_shown, TlogEntry *out)
{
    DeltaCommit commit;
    bool exists = false;
    *out_shown = false;
    TRY(delta_entry_read(arena, tlog->log_dir, version, &exists, &commit));
    if (!exists) return ERR(CORRUPT, "log entry %lld is missing", (long long)version);
    const Json *info = NULL;
    if (commit.info != NULL) TRY(json_parse(arena, commit.info, strlen(commit.info), &info));
    TlogEntry entry = {.txn = json_int(info, "txn", 0),
                       .log_version = version,
                       .time = json_int(info, "time", json_int(info, "timestamp", 0) * 1000),
                       .command = json_str(info, "command", ""),
                       .user = json_str(info, "user", ""),
                       .host = json_str(info, "host", ""),
                       .operation = json_str(info, "operation", ""),
                       .metrics = json_get(info, "operationMetrics")};
    for (size_t i = 0; entry.txn == 0 && i < commit.txn_count; i++)
        entry.txn = commit.txns[i].version;
    *out_shown = entry.txn > 0;
    *out = entry;
    return NULL;
}

Err *tlog_history(Arena *arena, Tlog *tlog, int64_t before, size_t limit, TlogEntry **out,
                  size_t *count)
{
    VEC(TlogEntry) entries = {0};
    int64_t newest = tlog->stamp.log_version;
    int64_t version = before < 0 || before > newest ? newest : before - 1;
    for (; version >= 0 && entries.n < limit; version--) {
        TlogEntry entry;
        bool shown = false;
        TRY(os_check_interrupt());
        TRY(read_entry(arena, tlog, version, &shown, &entry));
        if (shown) vec_push(arena, &entries, entry);
    }
    *out = entries.v;
    *count = entries.n;
    return NULL;
}
