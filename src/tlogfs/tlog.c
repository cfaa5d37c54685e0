/* The open store: which index it reads, what its snapshot is, and how it goes on when the index is
 * no good.
 *
 * The index is looked for in POND/cache, then (a pond that cannot be written) under
 * $XDG_CACHE_HOME/pond/<id>, then made in memory. An index that is damaged is emptied and built
 * again where it is; one whose file cannot be used at all gives way to the next place. Neither is
 * an error for the reader, and the snapshot stays at the same log version.
 *
 * A Tlog outside a transaction holds one SQLite read transaction; in a transaction the write
 * transaction, whose uncommitted rows are what "reads see the open transaction's own changes"
 * means. */
#include "tlogfs/tlog_int.h"
#include <stdlib.h>
#include <string.h>

void tlog_register_classes(const char *dir)
{
    static const struct {
        const char *name;
        OsClass class;
    } CLASSES[] = {{"log", OS_LOG},     {"blobs", OS_BLOB},
                   {"tmp", OS_STAGING}, {"cache/index.db", OS_INDEX},
                   {"cache", OS_CACHE}, {"history", OS_HISTORY},
                   {"lock", OS_LOCK}};
    SCRATCH(scratch);
    for (size_t i = 0; i < sizeof CLASSES / sizeof *CLASSES; i++) {
        os_class_add(path_join(scratch, dir, CLASSES[i].name), CLASSES[i].class);
    }
}

/* ---- places for the index ---- */

static Err *pond_id_of(Tlog *tlog, const char **out)
{
    DeltaCommit first;
    bool exists = false;
    TRY(delta_entry_read(tlog->arena, tlog->log_dir, 0, &exists, &first));
    for (size_t i = 0; exists && i < first.metadata.configuration_count; i++) {
        if (strcmp(first.metadata.configuration[i].key, "pond.id") == 0)
            *out = first.metadata.configuration[i].value;
    }
    return *out != NULL && id_valid(*out)
               ? NULL
               : ERR(NOT_A_POND, "%s: a Delta table, but not a pond's log", tlog->log_dir);
}

/* NULL when there is no such place. */
static Err *user_cache_path(Tlog *tlog, const char **out)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME"), *id = NULL;
    if (base == NULL || base[0] != '/')
        base = home == NULL ? NULL : path_join(tlog->arena, home, ".cache");
    if (base == NULL) return NULL;
    TRY(pond_id_of(tlog, &id));
    const char *dir = arena_printf(tlog->arena, "%s/pond/%s", base, id);
    Err *error = os_mkdirs(dir);
    if (error == NULL) *out = path_join(tlog->arena, dir, "index.db");
    err_free(error);
    return NULL;
}

static Err *pond_cache_path(Tlog *tlog, const char **out)
{
    OsStat stat;
    bool exists = false;
    if (tlog->options.read_only || tlog->options.index_elsewhere) return NULL;
    Err *error = os_stat_if(tlog->cache_dir, &exists, &stat);
    if (error == NULL && !exists) error = os_mkdirs(tlog->cache_dir);
    if (error == NULL) *out = path_join(tlog->arena, tlog->cache_dir, "index.db");
    err_free(error);
    return NULL;
}

/* ---- the snapshot ---- */

static Err *take_snapshot(Tlog *tlog)
{
    arena_reset(tlog->snapshot);
    return index_refresh(tlog->index, &tlog->source, tlog->snapshot, &tlog->stamp,
                         &tlog->was_current);
}

static bool index_troubled(const Tlog *tlog)
{
    return tlog->index == NULL || index_is_damaged(tlog->index) || index_is_failed(tlog->index);
}

static Err *try_index(Tlog *tlog, const char *path)
{
    index_close_at(&tlog->index);
    TRY(index_open(path, &tlog->index));
    Err *error = take_snapshot(tlog);
    if (error == NULL || !index_is_damaged(tlog->index)) return error;
    log_debug("%s: it is built again", err_message(error));
    err_free(error);
    tlog->info.index_was_damaged = true;
    TRY(index_reset(tlog->index));
    return take_snapshot(tlog);
}

/* The first place that works; an error of the log itself ends the search. */
static Err *open_index(Tlog *tlog)
{
    typedef Err *Place(Tlog *, const char **);
    static Place *const PLACES[] = {pond_cache_path, user_cache_path};
    for (size_t i = 0; i < 2 && !tlog->options.no_index; i++) {
        const char *path = NULL;
        TRY(PLACES[i](tlog, &path));
        if (path == NULL) continue;
        Err *error = try_index(tlog, path);
        if (error == NULL || !index_troubled(tlog)) return error;
        log_debug("%s", err_message(error));
        err_free(error);
    }
    return try_index(tlog, NULL);
}

Err *tlog_refresh(Tlog *tlog)
{
    index_rollback(tlog->index);
    Err *error = take_snapshot(tlog);
    if (error == NULL || !index_troubled(tlog)) return error;
    log_debug("%s", err_message(error));
    err_free(error);
    return open_index(tlog);
}

/* ---- mending ---- */

bool tlog_can_mend(const Tlog *tlog)
{
    return index_troubled(tlog);
}

static Err *rebuild_at(Tlog *tlog, const char *path, int64_t version)
{
    if (tlog->index == NULL || path == NULL) {
        index_close_at(&tlog->index);
        TRY(index_open(NULL, &tlog->index));
    } else {
        TRY(index_reset(tlog->index));
    }
    return index_rebuild(tlog->index, &tlog->source, version);
}

static Err *replay(Tlog *tlog)
{
    Tx *tx = tlog->tx;
    bool found = false;
    TRY(tx == NULL ? index_begin_read(tlog->index) : index_begin_write(tlog->index));
    arena_reset(tlog->snapshot);
    TRY(index_stamp_get(tlog->index, tlog->snapshot, &found, &tlog->stamp));
    if (!found) return index_damage(tlog->index, "it lost its stamp");
    if (tx == NULL) return NULL;
    tx->stamp = tlog->stamp;
    for (size_t i = 0; i < tx->rows.n; i++)
        TRY(index_apply(tlog->index, &tx->stamp, &tx->rows.v[i]));
    return NULL;
}

Err *tlog_mend(Tlog *tlog, Err *error)
{
    log_debug("%s: it is built again", err_message(error));
    err_free(error);
    tlog->info.index_was_damaged = true;
    bool in_place = tlog->mends++ == 0 && tlog->index != NULL && !index_is_failed(tlog->index);
    int64_t version = tlog->stamp.log_version;
    Err *failure = in_place ? rebuild_at(tlog, index_path(tlog->index), version) : NULL;
    if (!in_place || (failure != NULL && index_troubled(tlog))) {
        err_free(failure);
        failure = rebuild_at(tlog, NULL, version);
    }
    TRY(failure);
    return replay(tlog);
}

/* ---- open, close ---- */

static Err *check_pond(const Tlog *tlog)
{
    bool exists = false;
    Err *error = delta_entry_probe(tlog->arena, tlog->log_dir, 0, &exists);
    if (error != NULL && err_errnum(error) != 0) return error;
    TRY(error);
    if (exists) return NULL;
    return err_hint(ERR(NOT_A_POND, "%s: not a pond", tlog->dir), "make one with: pond init");
}

static Err *open_at(Tlog *tlog)
{
    TRY(check_pond(tlog));
    tlog_register_classes(tlog->dir);
    TRY(open_index(tlog));
    tlog->info.pond_id = arena_strdup(tlog->arena, tlog->stamp.pond_id);
    tlog->info.birthplace = arena_strdup(tlog->arena, tlog->stamp.birthplace);
    tlog->info.index_was_current = tlog->was_current;
    tlog->app_id = arena_printf(tlog->arena, "pond:%s", tlog->info.pond_id);
    return NULL;
}

Err *tlog_open(const char *dir, TlogOptions options, Tlog **out)
{
    CLEANUP(tlog_close_at) Tlog *tlog = NULL;
    Arena *arena = arena_new();
    tlog = ANEW(arena, Tlog);
    *tlog = (Tlog){
        .arena = arena, .options = options, .snapshot = arena_new(), .verified = map_new(arena)};
    char *absolute = NULL;
    TRY(os_absolute(arena, dir, &absolute));
    tlog->dir = absolute;
    tlog->log_dir = tlog->source.dir = path_join(arena, absolute, "log");
    tlog->blob_dir = path_join(arena, absolute, "blobs");
    tlog->tmp_dir = path_join(arena, absolute, "tmp");
    tlog->cache_dir = path_join(arena, absolute, "cache");
    TRY(open_at(tlog));
    *out = tlog;
    tlog = NULL;
    return NULL;
}

void tlog_close_at(Tlog **at)
{
    Tlog *tlog = *at;
    if (tlog == NULL) return;
    *at = NULL;
    if (tlog->tx != NULL) tlog_abort(tlog);
    if (tlog->index != NULL) {
        index_rollback(tlog->index);
        blob_remember(tlog);
        index_close_at(&tlog->index);
    }
    blob_discard(tlog);
    engine_disconnect_at(&tlog->source.conn);
    arena_free(tlog->snapshot);
    arena_free(tlog->arena);
}

FsBackend tlog_backend(Tlog *tlog)
{
    return (FsBackend){.ops = &TLOG_OPS, .self = tlog};
}

const TlogInfo *tlog_info(Tlog *tlog)
{
    const Stamp *stamp = tlog->tx == NULL ? &tlog->stamp : &tlog->tx->stamp;
    TlogInfo *info = &tlog->info;
    info->dir = tlog->dir;
    info->format = stamp->format;
    info->log_version = stamp->log_version;
    info->txn = stamp->txn;
    info->time = stamp->time;
    info->log_files = stamp->log_files;
    info->log_bytes = stamp->log_bytes;
    info->tombstones = stamp->tombstones;
    info->checkpoint_version = stamp->checkpoint_version;
    info->nodes = stamp->nodes;
    info->versions = stamp->versions;
    info->blobs = stamp->blobs;
    info->index_path = tlog->index == NULL ? NULL : index_path(tlog->index);
    return info;
}

Err *tlog_reindex(Tlog *tlog)
{
    if (tlog->tx != NULL) return ERR(INTERNAL, "reindex inside a transaction");
    TRY(index_reset(tlog->index));
    return tlog_refresh(tlog);
}

Err *tlog_prove_no_node(Tlog *tlog, const NodeId *id)
{
    if (!id_valid(id->text)) return NULL;
    const Stamp *stamp = tlog->tx == NULL ? &tlog->stamp : &tlog->tx->stamp;
    return index_prove_no_node(tlog->index, id, stamp->nodes);
}

static Err *node_or_proof(Tlog *tlog, Arena *arena, const NodeId *id, bool *found, NodeRow *out)
{
    TRY(index_node_by_id(tlog->index, arena, id, found, out));
    return *found ? NULL : tlog_prove_no_node(tlog, id);
}

static Err *name_or_proof(Tlog *tlog, Arena *arena, const NodeId *parent, const char *name,
                          bool *found, NodeRow *out)
{
    bool dir = false;
    TRY(index_node_by_name(tlog->index, arena, parent, name, &dir, found, out));
    return dir ? NULL : tlog_prove_no_node(tlog, parent);
}

Err *tlog_node_by_name(Tlog *tlog, Arena *arena, const NodeId *parent, const char *name,
                       bool *found, NodeRow *out)
{
    TLOG_READ(tlog, name_or_proof(tlog, arena, parent, name, found, out));
    return NULL;
}

Err *tlog_node(Tlog *tlog, Arena *arena, const NodeId *id, bool *found, NodeRow *out)
{
    TLOG_READ(tlog, node_or_proof(tlog, arena, id, found, out));
    return NULL;
}

Err *tlog_path_of(Tlog *tlog, Arena *arena, const NodeRow *row, char **out)
{
    VEC(const char *) names = {0};
    NodeRow at = *row;
    for (bool found = true; found && at.node.name[0] != '\0';) {
        vec_push(arena, &names, at.node.name);
        NodeId parent = at.node.parent;
        TRY(tlog_node(tlog, arena, &parent, &found, &at));
    }
    Buf path = buf_new(arena);
    if (names.n == 0) buf_putc(&path, '/');
    for (size_t i = names.n; i > 0; i--) buf_printf(&path, "/%s", names.v[i - 1]);
    *out = path.data;
    return NULL;
}
