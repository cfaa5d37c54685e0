/* Nodes and versions in the catalog index.
 *
 * The children of a directory form a chain in order of names: the directory's `first`, then each
 * node's `next`, NULL at the end. Every row carries its own hash, so a neighbour's row proves what
 * is *not* there: a lookup that finds nothing reads the nearest smaller sibling (or the directory
 * itself) and checks that its chain skips the name; a listing follows the chain from end to end.
 * Without it a damaged b-tree could lose rows silently, and a name that looks free could be given
 * away twice, which would carry the damage into the log. Proving costs one row, whatever the
 * directory's size.
 *
 * The root's parent is stored as sixteen zero bytes, its name is empty. */
#include "tlogfs/index_int.h"
#include <string.h>

enum {
    N_PARENT,
    N_NAME,
    N_ID,
    N_TYPE,
    N_STATES,
    N_LAST_VERSION,
    N_VERSION,
    N_VERSION_COUNT,
    N_TXN,
    N_TIME,
    N_SIZE,
    N_ROWS,
    N_RANGE_MIN,
    N_RANGE_MAX,
    N_MIN_OVERRIDE,
    N_MAX_OVERRIDE,
    N_FACTORY,
    N_CONTENT,
    N_ATTRIBUTES,
    N_NEXT,
    N_FIRST
};

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

bool id_pack(const NodeId *id, uint8_t out[16])
{
    memset(out, 0, 16);
    if (id->text[0] == '\0') return true;
    if (!id_valid(id->text)) return false;
    size_t at = 0;
    for (const char *p = id->text; *p != '\0'; p += 2) {
        if (*p == '-') p++;
        out[at++] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
    }
    return true;
}

NodeId id_unpack(const void *bytes)
{
    static const char DIGITS[] = "0123456789abcdef";
    const uint8_t *from = bytes;
    static const uint8_t NONE[16];
    NodeId id = {0};
    if (memcmp(from, NONE, 16) == 0) return id;
    char *to = id.text;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
        *to++ = DIGITS[from[i] >> 4];
        *to++ = DIGITS[from[i] & 15];
    }
    return id;
}

static NodeRow node_from_cells(Arena *arena, const Cell *cells)
{
    NodeRow row = {.states = cells[N_STATES].integer,
                   .last_version = cells[N_LAST_VERSION].integer};
    Node *node = &row.node;
    node->id = id_unpack(cells[N_ID].bytes);
    node->parent = id_unpack(cells[N_PARENT].bytes);
    node->name = cell_str(arena, &cells[N_NAME]);
    node->type = (EntryType)cells[N_TYPE].integer;
    node->version = cells[N_VERSION].integer;
    node->version_count = cells[N_VERSION_COUNT].integer;
    node->txn = cells[N_TXN].integer;
    node->time = cells[N_TIME].integer;
    node->size_bytes = cells[N_SIZE].integer;
    node->rows = cells[N_ROWS].integer;
    node->has_range = cells[N_RANGE_MIN].kind == CELL_INT;
    node->range = (TimeSpan){cells[N_RANGE_MIN].integer, cells[N_RANGE_MAX].integer};
    node->has_min_override = cells[N_MIN_OVERRIDE].kind == CELL_INT;
    node->min_override = cells[N_MIN_OVERRIDE].integer;
    node->has_max_override = cells[N_MAX_OVERRIDE].kind == CELL_INT;
    node->max_override = cells[N_MAX_OVERRIDE].integer;
    node->factory = cell_str(arena, &cells[N_FACTORY]);
    node->content = cell_str(arena, &cells[N_CONTENT]);
    node->attributes = cell_str(arena, &cells[N_ATTRIBUTES]);
    row.next = cell_str(arena, &cells[N_NEXT]);
    row.first = cell_str(arena, &cells[N_FIRST]);
    return row;
}

Err *index_node_put(Index *index, const NodeRow *row)
{
    const Node *node = &row->node;
    uint8_t id[16], parent[16];
    if (!id_pack(&node->id, id) || !id_pack(&node->parent, parent))
        return ERR(INTERNAL, "not a node id");
    const Cell cells[] = {
        [N_PARENT] = cell_blob(parent, 16),
        [N_NAME] = cell_text(node->name),
        [N_ID] = cell_blob(id, 16),
        [N_TYPE] = cell_int((int64_t)node->type),
        [N_STATES] = cell_int(row->states),
        [N_LAST_VERSION] = cell_int(row->last_version),
        [N_VERSION] = cell_int(node->version),
        [N_VERSION_COUNT] = cell_int(node->version_count),
        [N_TXN] = cell_int(node->txn),
        [N_TIME] = cell_int(node->time),
        [N_SIZE] = cell_int(node->size_bytes),
        [N_ROWS] = cell_int(node->rows),
        [N_RANGE_MIN] = cell_int_if(node->has_range, node->range.min),
        [N_RANGE_MAX] = cell_int_if(node->has_range, node->range.max),
        [N_MIN_OVERRIDE] = cell_int_if(node->has_min_override, node->min_override),
        [N_MAX_OVERRIDE] = cell_int_if(node->has_max_override, node->max_override),
        [N_FACTORY] = cell_text(node->factory),
        [N_CONTENT] = cell_text(node->content),
        [N_ATTRIBUTES] = cell_text(node->attributes),
        [N_NEXT] = cell_text(row->next),
        [N_FIRST] = cell_text(row->first),
    };
    return index_put(index, INDEX_NODES, cells);
}

Err *index_node_by_id(Index *index, Arena *arena, const NodeId *id, bool *found, NodeRow *out)
{
    uint8_t key[16];
    *found = false;
    if (id->text[0] == '\0' || !id_pack(id, key)) return NULL;
    Cell keys[] = {cell_blob(key, 16)}, cells[CELLS_MAX];
    TRY(index_find(index, arena, QUERY_NODE_BY_ID, keys, found, cells));
    if (!*found) return NULL;
    NodeRow row = node_from_cells(arena, cells);
    if (!node_id_equal(&row.node.id, id))
        return index_damage(index, "a node stands under another's id");
    *out = row;
    return NULL;
}

Err *index_prove_no_node(Index *index, const NodeId *id, int64_t nodes)
{
    bool more = true;
    int64_t count = 0;
    CLEANUP(index_scan_end) IndexScan scan = {0};
    TRY(index_scan(index, QUERY_ALL_NODES, NULL, &scan));
    for (; more; count++) {
        Cell cells[CELLS_MAX];
        TRY(index_scan_next(&scan, &more, cells));
        if (!more) break;
        NodeId other = id_unpack(cells[N_ID].bytes);
        if (node_id_equal(&other, id)) return index_damage(index, "a node is not found by its id");
    }
    return count == nodes ? NULL : index_damage(index, "nodes are missing");
}

/* The row whose chain must skip or reach `name`: the greatest smaller sibling, else none. */
static Err *node_before(Index *index, Arena *arena, const NodeId *parent, const char *name,
                        bool *found, NodeRow *out)
{
    uint8_t key[16];
    if (!id_pack(parent, key)) return ERR(INTERNAL, "not a node id");
    Cell keys[] = {cell_blob(key, 16), cell_text(name)}, cells[CELLS_MAX];
    TRY(index_find(index, arena, QUERY_NODE_BEFORE, keys, found, cells));
    if (*found) *out = node_from_cells(arena, cells);
    if (*found && strcmp(out->node.name, name) >= 0)
        return index_damage(index, "a directory is out of order");
    if (*found && out->node.name[0] == '\0') *found = false; /* the root: nobody's sibling */
    return NULL;
}

/* Where the chain goes after the place where `name` would stand. */
static Err *prove_absent(Index *index, Arena *arena, const NodeId *parent, const char *name,
                         bool *out_dir)
{
    NodeRow before;
    bool found = false;
    TRY(node_before(index, arena, parent, name, &found, &before));
    const char *next = found ? before.next : NULL;
    if (!found) {
        NodeRow dir;
        TRY(index_node_by_id(index, arena, parent, &found, &dir));
        *out_dir = found;
        if (!found) return NULL;
        next = dir.first;
    }
    if (next == NULL || strcmp(next, name) > 0) return NULL;
    return index_damage(index, "a directory has lost a name");
}

Err *index_node_by_name(Index *index, Arena *arena, const NodeId *parent, const char *name,
                        bool *out_dir, bool *found, NodeRow *out)
{
    uint8_t key[16];
    *found = false;
    *out_dir = true;
    if (!id_pack(parent, key)) return NULL;
    Cell keys[] = {cell_blob(key, 16), cell_text(name)}, cells[CELLS_MAX];
    TRY(index_find(index, arena, QUERY_NODE_BY_NAME, keys, found, cells));
    if (!*found) return prove_absent(index, arena, parent, name, out_dir);
    *out = node_from_cells(arena, cells);
    return NULL;
}

Err *index_children(Index *index, Arena *arena, const NodeId *parent, bool *out_dir, NodeRow **out,
                    size_t *count)
{
    NodeRow dir;
    TRY(index_node_by_id(index, arena, parent, out_dir, &dir));
    const char *expected = *out_dir ? dir.first : NULL;
    VEC(NodeRow) rows = {0};
    uint8_t key[16];
    if (!id_pack(parent, key)) return ERR(INTERNAL, "not a node id");
    Cell keys[] = {cell_blob(key, 16)}, cells[CELLS_MAX];
    CLEANUP(index_scan_end) IndexScan scan = {0};
    TRY(index_scan(index, QUERY_CHILDREN, keys, &scan));
    for (;;) {
        bool more = false;
        TRY(index_scan_next(&scan, &more, cells));
        if (!more) break;
        NodeRow row = node_from_cells(arena, cells);
        if (expected == NULL || strcmp(row.node.name, expected) != 0) {
            return index_damage(index, "a directory's entries do not follow its chain");
        }
        expected = row.next;
        vec_push(arena, &rows, row);
    }
    if (expected != NULL) return index_damage(index, "a directory has lost entries");
    *out = rows.v;
    *count = rows.n;
    return NULL;
}

/* ---- the chain ---- */

/* Sets what points to the place of `name` below `parent`; *out_old is where it pointed before. */
static Err *point_to(Index *index, Arena *arena, const NodeId *parent, const char *name,
                     const char *target, const char **out_old)
{
    NodeRow row;
    bool found = false;
    TRY(node_before(index, arena, parent, name, &found, &row));
    const char **link = &row.next;
    if (!found) {
        TRY(index_node_by_id(index, arena, parent, &found, &row));
        if (!found) return index_damage(index, "a directory is missing");
        link = &row.first;
    }
    *out_old = *link;
    *link = target;
    return index_node_put(index, &row);
}

static bool is_root(const Node *node)
{
    return node_id_equal(&node->id, &NODE_ROOT);
}

Err *index_node_insert(Index *index, NodeRow *row)
{
    SCRATCH(scratch);
    const char *next = NULL;
    if (!is_root(&row->node)) {
        TRY(point_to(index, scratch, &row->node.parent, row->node.name, row->node.name, &next));
    }
    row->next = next;
    Err *error = index_node_put(index, row);
    row->next = NULL; /* lived in the scratch arena */
    return error;
}

Err *index_node_unlink(Index *index, const NodeRow *row)
{
    SCRATCH(scratch);
    uint8_t parent[16];
    if (!id_pack(&row->node.parent, parent)) return ERR(INTERNAL, "not a node id");
    const Cell key[] = {cell_blob(parent, 16), cell_text(row->node.name)};
    TRY(index_del(index, INDEX_NODES, key));
    const char *old = NULL;
    TRY(point_to(index, scratch, &row->node.parent, row->node.name, row->next, &old));
    if (old == NULL || strcmp(old, row->node.name) != 0)
        return index_damage(index, "a directory's chain is broken");
    return NULL;
}
