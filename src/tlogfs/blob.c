/* Content: inline in the log row, or a blob: an immutable file blobs/ab/<sha256>[.parquet].
 *
 * In:  the caller writes a file into the staging folder and knows its size and SHA-256; append
 * fsyncs it and notes it; the commit moves it to its final name (or onto the blob that is there
 * already, whose time it renews) and fsyncs the folders, all before the log entry is written. An
 * abort removes the staging folder. A crash in between leaves blobs that nobody refers to, for
 * vacuum, and a staging folder, which the next writer removes: only a writer, under the lock, has
 * one. Out: a blob's hash is checked the first time a (name, inode, mtime, size) is read; that is
 * remembered in the index, by readers when they close. What was just taken in counts as read.
 *
 * A file that stands under a blob's name with another size or, not yet verified, another hash is
 * damaged: ours, which is good, replaces it. */
#include "perf/ops.h"
#include "tlogfs/tlog_int.h"
#include <stdio.h>
#include <string.h>

char *blob_path(Arena *arena, const Tlog *tlog, const char *name)
{
    return arena_printf(arena, "%s/%.2s/%s", tlog->blob_dir, name, name);
}

/* ---- reading ---- */

static Verified verified_of(const char *name, const OsStat *stat)
{
    return (Verified){.name = name,
                      .inode = (int64_t)stat->inode,
                      .mtime_ns = stat->mtime_ns,
                      .size_bytes = stat->size_bytes};
}

static bool same_file(const Verified *a, const Verified *b)
{
    return a->inode == b->inode && a->mtime_ns == b->mtime_ns && a->size_bytes == b->size_bytes;
}

static Err *is_verified(Tlog *tlog, Arena *arena, const Verified *file, bool *out)
{
    Verified known;
    bool found = false;
    *out = false;
    if (!toggle_on(TOGGLE_blob_memo)) return NULL;
    const Verified *fresh = map_get(&tlog->verified, file->name);
    *out = fresh != NULL && same_file(fresh, file);
    if (*out) return NULL;
    TLOG_READ(tlog, index_verified_get(tlog->index, arena, file->name, &found, &known));
    *out = found && same_file(&known, file);
    return NULL;
}

static Err *damaged_blob(const char *path, const char *what)
{
    return err_path(
        err_hint(ERR(CORRUPT, "blob %s: %s", path, what), "pond fsck lists what is damaged"), path);
}

static void remember(Tlog *tlog, const Verified *file)
{
    Verified *kept = arena_memdup(tlog->arena, file, sizeof *file);
    kept->name = arena_strdup(tlog->arena, file->name);
    (void)map_put(&tlog->verified, file->name, kept);
}

static Err *verify(Tlog *tlog, Arena *arena, const char *path, const Version *version)
{
    OsStat stat;
    bool exists = false, known = false;
    TRY(os_stat_if(path, &exists, &stat));
    if (!exists) return damaged_blob(path, "it is missing");
    if (stat.size_bytes != version->size_bytes) return damaged_blob(path, "it has another size");
    Verified file = verified_of(blob_name(arena, version), &stat);
    PERF_LOOKUP(look, PERF_CACHE_blob);
    TRY(is_verified(tlog, arena, &file, &known));
    if (perf_found(&look, known)) return NULL;
    char hash[SHA256_HEX + 1];
    int64_t size = 0;
    PERF_SPAN_FOR(PERF_blob_verify, path);
    TRY(os_sha256_file(path, &size, hash));
    perf_fetched(&look, 0);
    if (strcmp(hash, version->sha256) != 0)
        return damaged_blob(path, "its content has another hash");
    remember(tlog, &file);
    return NULL;
}

Err *tlog_op_locate(void *self, Arena *arena, const Version *version, Content *out)
{
    const Tlog *tlog = self;
    Content content = {.size_bytes = version->size_bytes};
    if (version->bytes != NULL) {
        char hash[SHA256_HEX + 1];
        sha256_of(version->bytes, (size_t)version->size_bytes, hash);
        if (strcmp(hash, version->sha256) != 0) {
            return ERR(CORRUPT, "content %s: its bytes have another hash, %s", version->sha256,
                       hash);
        }
        content.bytes = arena_strndup(arena, version->bytes, (size_t)version->size_bytes);
    } else {
        SCRATCH(scratch);
        char *name = blob_name(scratch, version);
        const Staged *staged = tlog->tx == NULL ? NULL : map_get(&tlog->tx->staged_by_name, name);
        content.path =
            staged != NULL ? arena_strdup(arena, staged->path) : blob_path(arena, tlog, name);
    }
    *out = content;
    return NULL;
}

Err *tlog_op_content(void *self, Arena *arena, const Version *version, Content *out)
{
    Content content;
    SCRATCH(scratch);
    TRY(tlog_op_locate(self, arena, version, &content));
    if (content.path != NULL) TRY(verify(self, scratch, content.path, version));
    *out = content;
    return NULL;
}

void blob_remember(Tlog *tlog)
{
    bool begun = false;
    if (tlog->verified.count == 0 || tlog->options.no_index) return;
    Err *error = index_try_write(tlog->index, &begun);
    for (size_t i = 0; error == NULL && begun && i < tlog->verified.count; i++) {
        error = index_verified_put(tlog->index, tlog->verified.entries[i].value);
    }
    if (error == NULL && begun) error = index_commit(tlog->index);
    index_rollback(tlog->index);
    err_free(error);
}

/* ---- staging ---- */

const char *tlog_op_staging_dir(void *self)
{
    Tlog *tlog = self;
    if (tlog->staging_dir == NULL) {
        uint64_t random = 0;
        os_random(&random, sizeof random);
        tlog->staging_dir =
            arena_printf(tlog->arena, "%s/txn-%016llx", tlog->tmp_dir, (unsigned long long)random);
        err_free(os_mkdirs(tlog->staging_dir)); /* a failure shows at the first file */
    }
    return tlog->staging_dir;
}

void blob_discard(Tlog *tlog)
{
    if (tlog->staging_dir == NULL) return;
    Err *error = os_remove_tree(tlog->staging_dir);
    if (error != NULL) log_debug("%s", err_message(error));
    err_free(error);
    tlog->staging_dir = NULL;
}

static Err *take(Tlog *tlog, const VersionSpec *spec, const char *name)
{
    Tx *tx = tlog->tx;
    OsStat stat;
    TRY(os_stat(spec->staged_path, &stat));
    if (stat.size_bytes != spec->meta.size_bytes) {
        return ERR(INTERNAL, "staged file %s: %lld bytes, announced as %lld", spec->staged_path,
                   (long long)stat.size_bytes, (long long)spec->meta.size_bytes);
    }
    TRY(os_sync_path(spec->staged_path));
    Staged *staged = ANEW(tx->arena, Staged);
    *staged = (Staged){.name = arena_strdup(tx->arena, name),
                       .path = arena_strdup(tx->arena, spec->staged_path),
                       .size_bytes = stat.size_bytes};
    vec_push(tx->arena, &tx->staged, *staged);
    (void)map_put(&tx->staged_by_name, name, staged);
    Verified file = verified_of(name, &stat);
    remember(tlog, &file);
    return NULL;
}

Err *blob_stage(Tlog *tlog, const VersionSpec *spec)
{
    SCRATCH(scratch);
    char *name = blob_name(scratch, &spec->meta);
    if (map_has(&tlog->tx->staged_by_name, name)) {
        const Staged *first = map_get(&tlog->tx->staged_by_name, name);
        return strcmp(first->path, spec->staged_path) == 0 ? NULL : os_unlink(spec->staged_path);
    }
    PERF_SPAN(PERF_staging);
    return take(tlog, spec, name);
}

/* ---- moving in ---- */

/* A good blob of that name is there already. */
static Err *is_there(Tlog *tlog, Arena *arena, const Staged *staged, const char *path, bool *out)
{
    OsStat stat;
    char hash[SHA256_HEX + 1];
    int64_t size = 0;
    TRY(os_stat_if(path, out, &stat));
    if (*out && stat.size_bytes != staged->size_bytes) *out = false;
    if (!*out) return NULL;
    Verified file = verified_of(staged->name, &stat);
    bool known = false;
    PERF_LOOKUP(look, PERF_CACHE_blob);
    TRY(is_verified(tlog, arena, &file, &known));
    if (perf_found(&look, known)) return NULL;
    PERF_SPAN_FOR(PERF_blob_verify, path);
    TRY(os_sha256_file(path, &size, hash));
    perf_fetched(&look, 0);
    *out = memcmp(hash, staged->name, SHA256_HEX) == 0;
    return NULL;
}

static Err *publish_one(Tlog *tlog, Arena *arena, const Staged *staged, Map *dirs)
{
    char *path = blob_path(arena, tlog, staged->name);
    char *dir = path_parent(arena, path);
    bool there = false;
    OsStat stat;
    TRY(is_there(tlog, arena, staged, path, &there));
    if (there) {
        TRY(os_touch(path));
    } else {
        if (map_put(dirs, dir, dir)) TRY(os_mkdirs(dir));
        TRY(os_rename(staged->path, path));
        perf_count(PERF_blob_write);
    }
    TRY(os_stat(path, &stat));
    Verified file = verified_of(staged->name, &stat);
    TLOG_READ(tlog,
              index_verified_put(tlog->index, &file)); /* an index in trouble stops no commit */
    return NULL;
}

Err *blob_publish(Tlog *tlog)
{
    Tx *tx = tlog->tx;
    SCRATCH(scratch);
    Map dirs = map_new(scratch);
    for (size_t i = 0; i < tx->staged.n; i++)
        TRY(publish_one(tlog, scratch, &tx->staged.v[i], &dirs));
    for (size_t i = 0; i < dirs.count; i++) TRY(os_sync_dir(dirs.entries[i].key));
    return NULL;
}
