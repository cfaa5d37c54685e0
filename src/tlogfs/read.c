/* FsBackend reads: each is answered by the catalog index alone, and asked again once when the index
 * had to be mended. The engine is loaded by none of them. */
#include "tlogfs/tlog_int.h"
#include <string.h>

Err *tlog_op_get(void *self, Arena *arena, NodeId id, bool *found, Node *out)
{
    Tlog *tlog = self;
    NodeRow row;
    TRY(tlog_node(tlog, arena, &id, found, &row));
    if (*found) *out = row.node;
    return NULL;
}

Err *tlog_op_lookup(void *self, Arena *arena, NodeId parent, const char *name, bool *found,
                    Node *out)
{
    Tlog *tlog = self;
    NodeRow row;
    if (name[0] == '\0') {
        *found = false;
        return NULL;
    }
    TRY(tlog_node_by_name(tlog, arena, &parent, name, found, &row));
    if (*found) *out = row.node;
    return NULL;
}

static Err *children_or_proof(Tlog *tlog, Arena *arena, const NodeId *parent, NodeRow **out,
                              size_t *count)
{
    bool dir = false;
    TRY(index_children(tlog->index, arena, parent, &dir, out, count));
    return dir ? NULL : tlog_prove_no_node(tlog, parent);
}

Err *tlog_op_children(void *self, Arena *arena, NodeId parent, Node **out, size_t *count)
{
    Tlog *tlog = self;
    NodeRow *rows = NULL;
    size_t n = 0;
    SCRATCH(scratch);
    TLOG_READ(tlog, children_or_proof(tlog, scratch, &parent, &rows, &n));
    Node *nodes = AARRAY(arena, Node, n);
    for (size_t i = 0; i < n; i++) nodes[i] = node_copy(arena, &rows[i].node);
    *out = nodes;
    *count = n;
    return NULL;
}

/* The node's own count proves that no version is missing. */
static Err *read_versions(Tlog *tlog, Arena *arena, const NodeId *id, Version **out, size_t *count)
{
    NodeRow row;
    bool found = false;
    TRY(index_node_by_id(tlog->index, arena, id, &found, &row));
    if (!found) {
        TRY(tlog_prove_no_node(tlog, id));
        return ERR(NOT_FOUND, "node %s: it does not exist", id->text);
    }
    TRY(index_versions(tlog->index, arena, id, out, count));
    if ((int64_t)*count != row.node.version_count)
        return index_damage(tlog->index, "a node has lost versions");
    return NULL;
}

Err *tlog_op_versions(void *self, Arena *arena, NodeId id, Version **out, size_t *count)
{
    Tlog *tlog = self;
    TLOG_READ(tlog, read_versions(tlog, arena, &id, out, count));
    return NULL;
}
