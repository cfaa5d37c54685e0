/* What one log row does to the catalog index: the same code for a transaction's own rows, for
 * commits that others made, and for a rebuild from nothing, so that all three end in equal tables.
 *
 * A row that cannot follow what is there (no such parent, a name given twice, a cycle, a version
 * that does not ascend) is CORRUPT: writers check before they write, so only a damaged log holds
 * such rows. Cost: a few rows of the index, whatever its size; dropping versions reads the node's
 * remaining ones. */
#include "tlogfs/index_int.h"
#include <string.h>

static Err *impossible(const LogRow *row, const char *what)
{
    return ERR(CORRUPT, "log row %lld.%lld (%s %s): %s", (long long)row->txn, (long long)row->seq,
               row_op_name(row->op), row->node.text, what);
}

static Err *need_node(Index *index, Arena *arena, const LogRow *row, NodeRow *out)
{
    bool found = false;
    TRY(index_node_by_id(index, arena, &row->node, &found, out));
    return found ? NULL : impossible(row, "there is no such node");
}

/* ---- node ---- */

static bool is_root(const LogRow *row)
{
    return node_id_equal(&row->node, &NODE_ROOT);
}

/* `id` is `top` or below it. */
Err *index_is_below(Index *index, Arena *arena, NodeId id, const NodeId *top, bool *out)
{
    *out = false;
    for (bool found = true; found;) {
        NodeRow above;
        *out = node_id_equal(&id, top);
        if (*out) return NULL;
        TRY(index_node_by_id(index, arena, &id, &found, &above));
        if (found) id = above.node.parent;
    }
    return NULL;
}

/* The parent is a stored directory and the name is free. */
static Err *check_place(Index *index, Arena *arena, const LogRow *row)
{
    NodeRow other;
    bool found = false;
    TRY(index_node_by_id(index, arena, &row->parent, &found, &other));
    if (!found || other.node.type != ENTRY_DIR)
        return impossible(row, "its parent is not a directory");
    bool is_dir = false; /* it is: found above */
    TRY(index_node_by_name(index, arena, &row->parent, row->name, &is_dir, &found, &other));
    return found ? impossible(row, "its name is taken") : NULL;
}

static void take_state(NodeRow *to, const LogRow *row)
{
    Node *node = &to->node;
    to->states++;
    node->type = row->type;
    node->txn = row->txn;
    node->time = row->time;
    node->factory = row->factory;
    node->content = row->content;
    node->attributes = row->attributes;
    node->has_min_override = row->has_min_override;
    node->has_max_override = row->has_max_override;
    node->min_override = row->has_min_override ? row->min_override : 0;
    node->max_override = row->has_max_override ? row->max_override : 0;
    if (!entry_has_versions(row->type)) {
        node->version = to->states;
        node->size_bytes = node->rows = -1;
    }
}

static Err *apply_new_node(Index *index, Arena *arena, Stamp *stamp, const LogRow *row)
{
    if (!is_root(row)) TRY(check_place(index, arena, row));
    NodeRow fresh = {.node = {.id = row->node, .parent = row->parent, .name = row->name}};
    take_state(&fresh, row);
    if (entry_has_versions(row->type)) node_sum_versions(&fresh.node, NULL, 0);
    stamp->nodes++;
    return index_node_insert(index, &fresh);
}

static Err *sum_again(Index *index, Arena *arena, NodeRow *row)
{
    if (!entry_has_versions(row->node.type)) return NULL;
    Version *versions = NULL;
    size_t count = 0;
    TRY(index_versions(index, arena, &row->node.id, &versions, &count));
    node_sum_versions(&row->node, versions, count);
    return NULL;
}

static Err *apply_node(Index *index, Arena *arena, Stamp *stamp, const LogRow *row)
{
    NodeRow old;
    bool found = false;
    TRY(index_node_by_id(index, arena, &row->node, &found, &old));
    if (!found) return apply_new_node(index, arena, stamp, row);
    bool moved =
        !node_id_equal(&old.node.parent, &row->parent) || strcmp(old.node.name, row->name) != 0;
    if (moved && is_root(row)) return impossible(row, "the root was moved");
    NodeRow fresh = old;
    bool retyped = old.node.type != row->type;
    take_state(&fresh, row);
    if (retyped) TRY(sum_again(index, arena, &fresh));
    if (!moved) return index_node_put(index, &fresh);
    bool below = false;
    TRY(index_is_below(index, arena, row->parent, &row->node, &below));
    if (below) return impossible(row, "it would stand below itself");
    TRY(check_place(index, arena, row));
    TRY(index_node_unlink(index, &old));
    fresh.node.parent = row->parent;
    fresh.node.name = row->name;
    return index_node_insert(index, &fresh);
}

/* ---- versions ---- */

static Err *blob_refer(Index *index, Arena *arena, Stamp *stamp, const Version *version)
{
    if (version->bytes != NULL) return NULL;
    BlobRow blob = {.name = blob_name(arena, version), .size_bytes = version->size_bytes};
    bool found = false;
    TRY(index_blob_get(index, arena, blob.name, &found, &blob));
    if (blob.refs++ == 0) stamp->blobs++;
    blob.dropped = TIME_MIN;
    return index_blob_put(index, &blob);
}

static Err *blob_release(Index *index, Arena *arena, Stamp *stamp, const Version *version,
                         TimeUs time)
{
    if (version->bytes != NULL) return NULL;
    BlobRow blob;
    bool found = false;
    TRY(index_blob_get(index, arena, blob_name(arena, version), &found, &blob));
    if (!found || blob.refs < 1) return index_damage(index, "a blob's references are miscounted");
    if (--blob.refs == 0) {
        stamp->blobs--;
        blob.dropped = time;
    }
    return index_blob_put(index, &blob);
}

static Err *version_of_row(Arena *arena, const LogRow *row, Version *out)
{
    *out = (Version){.version = row->version,
                     .txn = row->txn,
                     .time = row->time,
                     .size_bytes = row->size_bytes,
                     .bytes = row->content,
                     .parquet = row->parquet,
                     .rows = row->rows,
                     .time_column = row->time_column,
                     .time_unit = row->time_unit,
                     .in_order = row->in_order,
                     .schema = row->schema,
                     .attributes = row->attributes};
    memcpy(out->sha256, row->sha256, SHA256_HEX);
    if (row->content != NULL && (int64_t)row->content_size != row->size_bytes) {
        return impossible(row, "its content has another size");
    }
    return intervals_read(arena, row->intervals, &out->intervals, &out->interval_count);
}

/* One more live version: sums that follow without reading the others. */
static void add_to_sums(Node *node, const Version *version)
{
    Node alone = *node;
    node_sum_versions(&alone, version, 1);
    if (node->version_count == 0 || !entry_is_series(node->type)) {
        int64_t count = node->version_count;
        *node = alone;
        node->version_count = count + 1;
        return;
    }
    node->version = version->version;
    node->version_count++;
    node->size_bytes += version->size_bytes;
    node->rows = node->rows < 0 || alone.rows < 0 ? -1 : node->rows + alone.rows;
    if (!alone.has_range) return;
    if (!node->has_range || alone.range.min < node->range.min) node->range.min = alone.range.min;
    if (!node->has_range || alone.range.max > node->range.max) node->range.max = alone.range.max;
    node->has_range = true;
}

static Err *apply_version(Index *index, Arena *arena, Stamp *stamp, const LogRow *row)
{
    NodeRow node;
    TRY(need_node(index, arena, row, &node));
    if (!entry_has_versions(node.node.type)) return impossible(row, "it has no versions");
    if (row->version <= node.last_version) return impossible(row, "its version does not ascend");
    Version version;
    TRY(version_of_row(arena, row, &version));
    TRY(index_version_put(index, &row->node, &version));
    TRY(blob_refer(index, arena, stamp, &version));
    stamp->versions++;
    add_to_sums(&node.node, &version);
    node.last_version = row->version;
    node.node.txn = row->txn;
    node.node.time = row->time;
    return index_node_put(index, &node);
}

static Err *drop_versions(Index *index, Arena *arena, Stamp *stamp, const LogRow *row, int64_t from,
                          int64_t to)
{
    Version *versions = NULL;
    size_t count = 0;
    TRY(index_versions(index, arena, &row->node, &versions, &count));
    for (size_t i = 0; i < count; i++) {
        if (versions[i].version < from || versions[i].version > to) continue;
        TRY(blob_release(index, arena, stamp, &versions[i], row->time));
        TRY(index_version_del(index, &row->node, versions[i].version));
        stamp->versions--;
    }
    return NULL;
}

static Err *apply_drop(Index *index, Arena *arena, Stamp *stamp, const LogRow *row)
{
    NodeRow node;
    TRY(need_node(index, arena, row, &node));
    TRY(drop_versions(index, arena, stamp, row, row->version, row->version_to));
    TRY(sum_again(index, arena, &node));
    node.node.txn = row->txn;
    node.node.time = row->time;
    return index_node_put(index, &node);
}

static Err *apply_delete(Index *index, Arena *arena, Stamp *stamp, const LogRow *row)
{
    NodeRow node;
    TRY(need_node(index, arena, row, &node));
    if (node.first != NULL) return impossible(row, "the directory is not empty");
    if (is_root(row)) return impossible(row, "it is the root");
    TRY(drop_versions(index, arena, stamp, row, INT64_MIN, INT64_MAX));
    stamp->nodes--;
    return index_node_unlink(index, &node);
}

Err *index_apply(Index *index, Stamp *stamp, const LogRow *row)
{
    SCRATCH(scratch);
    switch (row->op) {
    case ROW_NODE: return apply_node(index, scratch, stamp, row);
    case ROW_VERSION: return apply_version(index, scratch, stamp, row);
    case ROW_DROP: return apply_drop(index, scratch, stamp, row);
    case ROW_DELETE: return apply_delete(index, scratch, stamp, row);
    }
    return ERR(INTERNAL, "an unknown row operation");
}
