/* The engine's syntax tree of a statement, as a flat list: parents stand before children, so that a
 * pass over it needs no recursion, and depth has no limit but the engine's. */
#pragma once
#include "engine/engine.h"

typedef struct SqlTreeNode SqlTreeNode;
struct SqlTreeNode {
    const char *key;                           /* member's name, or index as text; "" at the root */
    const char *kind;                          /* OBJECT, ARRAY, VARCHAR, NULL, BOOLEAN, ... */
    const char *text;                          /* of a scalar; NULL else */
    SqlTreeNode *parent, *first, *last, *next; /* children in order */
    size_t index;                              /* in SqlTree.nodes */
};

typedef struct SqlTree {
    SqlTreeNode **nodes; /* [0] is the root */
    size_t count;
} SqlTree;

/* SQL errors as engine_parse_select. */
Err *sql_tree_read(Arena *arena, Conn *conn, const char *sql, SqlTree *out) WARN_UNUSED;
const SqlTreeNode *sql_node_get(const SqlTreeNode *node, const char *key); /* NULL when absent */
/* Text of a member; "" when absent or not a scalar. */
const char *sql_node_text(const SqlTreeNode *node, const char *key);
size_t sql_node_size(const SqlTreeNode *node); /* children */
/* Whether a table of that name, where `table` stands, is a CTE: its definition ({"key", "value"}),
 * or NULL for the CTE that `table` itself is a recursive part of. */
bool sql_cte_find(const SqlTreeNode *table, const char *name, const SqlTreeNode **out);
