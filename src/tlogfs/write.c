/* FsBackend writes: each checks, then becomes a log row that is applied to the index inside the
 * open SQLite transaction and kept for the commit. A refused change leaves no trace. Rows of one
 * transaction share its time. */
#include "tlogfs/tlog_int.h"
#include <string.h>

const FsBackendOps TLOG_OPS = {
    .name = "tlogfs",
    .get = tlog_op_get,
    .lookup = tlog_op_lookup,
    .children = tlog_op_children,
    .versions = tlog_op_versions,
    .content = tlog_op_content,
    .locate = tlog_op_locate,
    .create = tlog_op_create,
    .update = tlog_op_update,
    .rename = tlog_op_rename,
    .remove = tlog_op_remove,
    .append = tlog_op_append,
    .drop = tlog_op_drop,
    .staging_dir = tlog_op_staging_dir,
};

/* ---- rows of the transaction ---- */

static const char *keep(Tx *tx, const char *text)
{
    return arena_strdup(tx->arena, text);
}

static LogRow row_copy(Tx *tx, const LogRow *row)
{
    LogRow copy = *row;
    copy.name = keep(tx, row->name);
    copy.sha256 = keep(tx, row->sha256);
    if (row->content != NULL)
        copy.content = arena_strndup(tx->arena, row->content, row->content_size);
    copy.time_column = keep(tx, row->time_column);
    copy.intervals = keep(tx, row->intervals);
    copy.factory = keep(tx, row->factory);
    copy.schema = keep(tx, row->schema);
    copy.attributes = keep(tx, row->attributes);
    return copy;
}

/* Completes a row, applies it and keeps it. */
static Err *add_row(Tlog *tlog, const LogRow *given)
{
    Tx *tx = tlog->tx;
    LogRow row = row_copy(tx, given);
    row.txn = tx->txn;
    row.seq = (int64_t)tx->rows.n + 1;
    row.time = tx->time;
    vec_push(tx->arena, &tx->rows, row);
    Err *error = index_apply(tlog->index, &tx->stamp, &row);
    bool wrong =
        error != NULL && err_code(error) == ERR_CORRUPT; /* it was checked before: the index errs */
    if (error != NULL && (wrong || tlog_can_mend(tlog)))
        error = tlog_mend(tlog, error); /* replays this row too */
    if (error != NULL) tx->broken = true;
    return error;
}

/* Notes the path of a node as touched. Only the first few are ever shown. */
static Err *touch(Tlog *tlog, const NodeRow *row)
{
    Tx *tx = tlog->tx;
    if (tx->metrics.paths.n >= METRIC_PATHS_MAX) return NULL;
    char *path = NULL;
    TRY(tlog_path_of(tlog, tx->arena, row, &path));
    for (size_t i = 0; i < tx->metrics.paths.n; i++) {
        if (strcmp(tx->metrics.paths.v[i], path) == 0) return NULL;
    }
    vec_push(tx->arena, &tx->metrics.paths, path);
    return NULL;
}

/* ---- checks ---- */

static Err *writable(const Tlog *tlog)
{
    return tlog->tx != NULL ? NULL : ERR(INTERNAL, "a change outside a transaction");
}

static Err *need_node(Tlog *tlog, Arena *arena, const NodeId *id, NodeRow *out)
{
    bool found = false;
    TRY(writable(tlog));
    TRY(tlog_node(tlog, arena, id, &found, out));
    return found ? NULL : ERR(NOT_FOUND, "node %s: it does not exist", id->text);
}

static Err *shown(Tlog *tlog, Arena *arena, const NodeRow *row, const char **out)
{
    char *path = NULL;
    TRY(tlog_path_of(tlog, arena, row, &path));
    *out = text_printable(arena, path);
    return NULL;
}

/* `name` may be given to an entry of `parent`. */
static Err *check_place(Tlog *tlog, Arena *arena, const NodeId *parent, const char *name)
{
    TRY(path_check_name(name));
    NodeRow dir, other;
    const char *path = NULL;
    bool found = false;
    TRY(need_node(tlog, arena, parent, &dir));
    if (dir.node.type == ENTRY_DIR) {
        TRY(tlog_node_by_name(tlog, arena, parent, name, &found, &other));
        if (!found) return NULL;
    }
    const char *printable = text_printable(arena, name);
    TRY(shown(tlog, arena, &dir, &path));
    if (found) return ERR(EXISTS, "%s: it exists already", path_join(arena, path, printable));
    return ERR(INVALID, "%s: its parent %s is not a stored directory", printable, path);
}

static Err *check_state(Arena *arena, const Node *node)
{
    const char *name = text_printable(arena, node->name == NULL ? "" : node->name);
    if (entry_is_dynamic(node->type) && node->factory == NULL)
        return ERR(INVALID, "%s: a dynamic node needs a factory", name);
    bool target = node->content != NULL && node->content[0] != '\0';
    if (node->type == ENTRY_SYMLINK && !target)
        return ERR(INVALID, "%s: a symlink needs a target", name);
    return NULL;
}

/* ---- nodes ---- */

static LogRow node_row(const Node *node)
{
    return (LogRow){.op = ROW_NODE,
                    .node = node->id,
                    .parent = node->parent,
                    .name = node->name,
                    .type = node->type,
                    .size_bytes = -1,
                    .rows = -1,
                    .content = node->content,
                    .content_size = node->content == NULL ? 0 : strlen(node->content),
                    .has_min_override = node->has_min_override,
                    .has_max_override = node->has_max_override,
                    .min_override = node->min_override,
                    .max_override = node->max_override,
                    .factory = node->factory,
                    .attributes = node->attributes};
}

Err *tlog_op_create(void *self, Arena *arena, const Node *node, Node *out)
{
    Tlog *tlog = self;
    SCRATCH(scratch);
    TRY(writable(tlog));
    TRY(check_place(tlog, scratch, &node->parent, node->name));
    TRY(check_state(scratch, node));
    Node fresh = {.id = node_id_new(),
                  .parent = node->parent,
                  .name = node->name,
                  .type = node->type,
                  .factory = node->factory,
                  .content = node->content,
                  .attributes = node->attributes};
    LogRow row = node_row(&fresh);
    TRY(add_row(tlog, &row));
    NodeRow made;
    TRY(need_node(tlog, arena, &fresh.id, &made));
    tlog->tx->metrics.nodes++;
    if (out != NULL) *out = made.node;
    return touch(tlog, &made);
}

static Err *check_type_change(Arena *arena, const Node *from, const Node *to)
{
    bool dir = from->type == ENTRY_DIR;
    if (dir == (to->type == ENTRY_DIR) &&
        (from->version_count == 0 || entry_has_versions(to->type)))
        return NULL;
    return ERR(INVALID, "%s: a %s cannot become a %s", text_printable(arena, from->name),
               entry_type_name(from->type), entry_type_name(to->type));
}

Err *tlog_op_update(void *self, const Node *node)
{
    Tlog *tlog = self;
    SCRATCH(scratch);
    NodeRow old;
    TRY(need_node(tlog, scratch, &node->id, &old));
    TRY(check_state(scratch, node));
    TRY(check_type_change(scratch, &old.node, node));
    LogRow row = node_row(node);
    row.parent = old.node.parent;
    row.name = old.node.name;
    TRY(add_row(tlog, &row));
    tlog->tx->metrics.nodes++;
    return touch(tlog, &old);
}

static Err *check_not_below(Tlog *tlog, Arena *arena, const NodeRow *row, const NodeId *parent)
{
    bool below = false;
    const char *path = NULL;
    TLOG_READ(tlog, index_is_below(tlog->index, arena, *parent, &row->node.id, &below));
    if (!below) return NULL;
    TRY(shown(tlog, arena, row, &path));
    return ERR(INVALID, "%s: a directory cannot be moved into itself", path);
}

Err *tlog_op_rename(void *self, NodeId id, NodeId new_parent, const char *new_name)
{
    Tlog *tlog = self;
    SCRATCH(scratch);
    NodeRow old;
    TRY(need_node(tlog, scratch, &id, &old));
    if (node_id_equal(&id, &NODE_ROOT)) return ERR(INVALID, "the root cannot be renamed");
    TRY(check_not_below(tlog, scratch, &old, &new_parent));
    TRY(check_place(tlog, scratch, &new_parent, new_name));
    TRY(touch(tlog, &old));
    LogRow row = node_row(&old.node);
    row.parent = new_parent;
    row.name = new_name;
    TRY(add_row(tlog, &row));
    tlog->tx->metrics.nodes++;
    TRY(need_node(tlog, scratch, &id, &old));
    return touch(tlog, &old);
}

Err *tlog_op_remove(void *self, NodeId id)
{
    Tlog *tlog = self;
    SCRATCH(scratch);
    NodeRow old;
    const char *path = NULL;
    TRY(need_node(tlog, scratch, &id, &old));
    if (node_id_equal(&id, &NODE_ROOT)) return ERR(INVALID, "the root cannot be removed");
    if (old.first != NULL) {
        TRY(shown(tlog, scratch, &old, &path));
        return ERR(INVALID, "%s: the directory is not empty", path);
    }
    TRY(touch(tlog, &old));
    LogRow row = {.op = ROW_DELETE, .node = id, .size_bytes = -1, .rows = -1};
    TRY(add_row(tlog, &row));
    tlog->tx->metrics.deleted++;
    return NULL;
}

/* ---- versions ---- */

static Err *check_spec(Arena *arena, const NodeRow *row, const VersionSpec *spec)
{
    const char *name = text_printable(arena, row->node.name);
    const Version *meta = &spec->meta;
    if (!entry_has_versions(row->node.type)) {
        return ERR(INVALID, "%s: a %s has no versions", name, entry_type_name(row->node.type));
    }
    if ((meta->bytes == NULL) == (spec->staged_path == NULL)) {
        return ERR(INTERNAL, "%s: a version is made of bytes or of a staged file", name);
    }
    if (meta->bytes != NULL && (meta->parquet || meta->size_bytes > INLINE_MAX_BYTES)) {
        return ERR(INTERNAL, "%s: Parquet, and content above %d bytes, must come as a staged file",
                   name, INLINE_MAX_BYTES);
    }
    if (meta->bytes == NULL && (strlen(meta->sha256) != SHA256_HEX || meta->size_bytes < 0)) {
        return ERR(INTERNAL, "%s: a staged file needs its size and hash", name);
    }
    return meta->interval_count > INTERVALS_MAX ? ERR(INTERNAL, "%s: too many time intervals", name)
                                                : NULL;
}

static LogRow version_row(Arena *arena, const NodeId *id, const Version *meta, int64_t number)
{
    char *hash = arena_strdup(arena, meta->sha256);
    if (meta->bytes != NULL) {
        hash = arena_alloc(arena, SHA256_HEX + 1);
        sha256_of(meta->bytes, (size_t)meta->size_bytes, hash);
    }
    return (LogRow){.op = ROW_VERSION,
                    .node = *id,
                    .version = number,
                    .size_bytes = meta->size_bytes,
                    .sha256 = hash,
                    .content = meta->bytes,
                    .content_size = meta->bytes == NULL ? 0 : (size_t)meta->size_bytes,
                    .parquet = meta->parquet,
                    .rows = meta->rows,
                    .time_column = meta->time_column,
                    .time_unit = meta->time_unit,
                    .intervals = intervals_write(arena, meta->intervals, meta->interval_count),
                    .in_order = meta->in_order,
                    .schema = meta->schema,
                    .attributes = meta->attributes};
}

static Err *drop_row(Tlog *tlog, const NodeId *id, int64_t from, int64_t to, int64_t count)
{
    LogRow row = {.op = ROW_DROP,
                  .node = *id,
                  .version = from,
                  .version_to = to,
                  .size_bytes = -1,
                  .rows = -1};
    TRY(add_row(tlog, &row));
    tlog->tx->metrics.dropped += count;
    return NULL;
}

Err *tlog_op_append(void *self, NodeId id, const VersionSpec *spec, Version *out)
{
    Tlog *tlog = self;
    SCRATCH(scratch);
    NodeRow node;
    TRY(need_node(tlog, scratch, &id, &node));
    TRY(check_spec(scratch, &node, spec));
    if (spec->staged_path != NULL) TRY(blob_stage(tlog, spec));
    if (!entry_is_series(node.node.type) && node.node.version_count > 0) {
        TRY(drop_row(tlog, &id, 1, node.last_version, node.node.version_count));
    }
    LogRow row = version_row(scratch, &id, &spec->meta, node.last_version + 1);
    TRY(add_row(tlog, &row));
    tlog->tx->metrics.versions++;
    tlog->tx->metrics.bytes += row.size_bytes;
    if (out != NULL) {
        *out = version_copy(tlog->tx->arena, &spec->meta);
        out->version = row.version;
        out->txn = tlog->tx->txn;
        out->time = tlog->tx->time;
        memcpy(out->sha256, row.sha256, SHA256_HEX + 1);
    }
    return touch(tlog, &node);
}

Err *tlog_op_drop(void *self, NodeId id, int64_t from, int64_t to)
{
    Tlog *tlog = self;
    SCRATCH(scratch);
    NodeRow node;
    Version *versions = NULL;
    size_t count = 0;
    int64_t hit = 0;
    TRY(need_node(tlog, scratch, &id, &node));
    TRY(tlog_op_versions(tlog, scratch, id, &versions, &count));
    for (size_t i = 0; i < count; i++)
        hit += versions[i].version >= from && versions[i].version <= to;
    if (hit == 0) return NULL;
    TRY(drop_row(tlog, &id, from, to, hit));
    return touch(tlog, &node);
}
