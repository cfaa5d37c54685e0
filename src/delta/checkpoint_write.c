/* Writing classic checkpoints: N.checkpoint.parquet, then _last_checkpoint.
 *
 * Order on disk: temporary name (a dot first), fsync, rename, fsync of the directory; only then the
 * hint, which is replaced whole, and last the checkpoint before the previous one goes: entries are
 * kept, so older versions are read from those, and a reader that has just followed the old hint
 * still finds its file. A crash leaves at most a temporary file or one old checkpoint too many. */
#include "delta/delta_int.h"
#include "os/os.h"
#include "perf/ops.h"
#include <inttypes.h>

/* What this module cannot say again in a checkpoint must not be lost by writing one. */
static Err *check_writable(const DeltaSnapshot *snapshot)
{
    TRY(delta_protocol_check_writable(&snapshot->protocol));
    for (size_t i = 0; i < snapshot->add_count; i++)
        if (snapshot->adds[i].deletion_vector != NULL)
            return ERR(UNSUPPORTED, "%s: deletion vectors are not written", snapshot->adds[i].path);
    if (snapshot->metadata.partition_column_count > 0)
        return ERR(UNSUPPORTED, "checkpoints of partitioned tables are not written");
    return NULL;
}

/* What a checkpoint file is found to be once written. */
typedef struct Written {
    int64_t actions, bytes;
    char sha256[SHA256_HEX + 1];
} Written;

static Err *write_temp(const char *temp, const DeltaSnapshot *snapshot, int64_t expire_ms,
                       Written *out)
{
    TRY(delta_checkpoint_file(temp, snapshot, expire_ms, &out->actions));
    TRY(os_sync_path(temp));
    return os_sha256_file(temp, &out->bytes, out->sha256);
}

static Err *publish(Arena *arena, const char *table, const DeltaSnapshot *snapshot,
                    int64_t expire_ms, Written *out)
{
    PERF_SPAN(PERF_checkpoint_write);
    int64_t version = snapshot->version;
    const char *temp = delta_temp_path(arena, table, version);
    Err *failed = write_temp(temp, snapshot, expire_ms, out);
    if (failed == NULL) failed = os_rename(temp, delta_checkpoint_path(arena, table, version));
    if (failed != NULL) {
        err_free(os_unlink_if(temp));
        return ERR_WRAP(failed, "checkpoint %" PRId64, version);
    }
    return os_sync_dir(delta_log_dir(arena, table));
}

Err *delta_checkpoint_write(Arena *arena, const char *table, const DeltaSnapshot *snapshot,
                            int64_t expire_ms)
{
    DeltaHint old = {.version = -1};
    Written written = {0};
    TRY(check_writable(snapshot));
    TRY(delta_hint_read(arena, table, &old));
    bool replaces = old.version == snapshot->version;
    if (replaces) TRY(delta_hint_remove(arena, table)); /* its hash is about to be wrong */
    TRY(publish(arena, table, snapshot, expire_ms, &written));
    DeltaHint hint = {.version = snapshot->version,
                      .previous = replaces ? old.previous : old.version,
                      .sha256 = written.sha256};
    TRY(delta_hint_write(arena, table, &hint,
                         (DeltaHintSizes){.actions = written.actions,
                                          .bytes = written.bytes,
                                          .adds = (int64_t)snapshot->add_count}));
    if (!replaces && old.previous >= 0 && old.previous < old.version) /* two are kept */
        err_free(os_unlink_if(delta_checkpoint_path(arena, table, old.previous)));
    return NULL;
}
