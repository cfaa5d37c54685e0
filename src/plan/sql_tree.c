/* Reading the syntax tree. It comes as JSON, nested as deep as the expressions of the text (thirty
 * terms of a sum are more than 64 levels), so the engine takes it apart, too: json_tree gives a row
 * for each value with the id of its parent. */
#include "plan/sql_tree.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char QUERY[] = "SELECT id, coalesce(parent, 0), coalesce(key, ''), type, atom->>'$' "
                            "FROM json_tree(json_serialize_sql($1::VARCHAR)) ORDER BY id";

const SqlTreeNode *sql_node_get(const SqlTreeNode *node, const char *key)
{
    for (const SqlTreeNode *child = node != NULL ? node->first : NULL; child != NULL;
         child = child->next) {
        if (strcmp(child->key, key) == 0) return child;
    }
    return NULL;
}

const char *sql_node_text(const SqlTreeNode *node, const char *key)
{
    const SqlTreeNode *child = sql_node_get(node, key);
    return child != NULL && child->text != NULL ? child->text : "";
}

size_t sql_node_size(const SqlTreeNode *node)
{
    size_t count = 0;
    for (const SqlTreeNode *child = node != NULL ? node->first : NULL; child != NULL;
         child = child->next)
        count++;
    return count;
}

/* ---- building ---- */

typedef struct Building {
    Arena *arena;
    VEC(SqlTreeNode *) by_id; /* NULL where no row has the id */
    VEC(SqlTreeNode *) nodes;
} Building;

static char *cell_text(Arena *arena, const Vector *vector, size_t row)
{
    size_t size;
    if (vector_is_null(vector, row)) return NULL;
    const char *bytes = engine_str(vector, row, &size);
    return arena_strndup(arena, bytes, size);
}

static void add_child(SqlTreeNode *parent, SqlTreeNode *child)
{
    child->parent = parent;
    if (parent->last == NULL)
        parent->first = child;
    else
        parent->last->next = child;
    parent->last = child;
}

static void add_row(Building *building, const Chunk *chunk, size_t row)
{
    size_t id = (size_t)engine_int(&chunk->vectors[0], row);
    size_t parent = (size_t)engine_int(&chunk->vectors[1], row);
    SqlTreeNode *node = ANEW(building->arena, SqlTreeNode);
    node->key = cell_text(building->arena, &chunk->vectors[2], row);
    node->kind = cell_text(building->arena, &chunk->vectors[3], row);
    node->text = cell_text(building->arena, &chunk->vectors[4], row);
    while (building->by_id.n <= id) vec_push(building->arena, &building->by_id, NULL);
    node->index = building->nodes.n;
    building->by_id.v[id] = node;
    vec_push(building->arena, &building->nodes, node);
    bool has_parent = building->nodes.n > 1 && parent < id && building->by_id.v[parent] != NULL;
    if (has_parent) add_child(building->by_id.v[parent], node);
}

/* Parses it once for the engine's own errors; that JSON is too deep for our reader says nothing
 * here. */
static Err *check_parses(Arena *arena, Conn *conn, const char *sql)
{
    const Json *ignored;
    Err *err = engine_parse_select(arena, conn, sql, &ignored);
    if (err == NULL || err_code(err) != ERR_LIMIT) return err;
    err_free(err);
    return NULL;
}

Err *sql_tree_read(Arena *arena, Conn *conn, const char *sql, SqlTree *out)
{
    TRY(check_parses(arena, conn, sql));
    CLEANUP(engine_result_close_at) Result *result = NULL;
    const Value text = {.kind = VALUE_TEXT, .bytes = sql, .size = strlen(sql)};
    TRY(engine_query(conn, QUERY, &text, 1, &result));
    Building building = {.arena = arena};
    for (;;) {
        Chunk chunk;
        TRY(engine_next(result, &chunk));
        if (chunk.rows == 0) break;
        for (size_t row = 0; row < chunk.rows; row++) add_row(&building, &chunk, row);
    }
    if (building.nodes.n == 0) return ERR(INTERNAL, "the engine gives no syntax tree");
    if (sql_node_size(sql_node_get(building.nodes.v[0], "statements")) != 1)
        return ERR(SQL, "only one SELECT is allowed here");
    *out = (SqlTree){.nodes = building.nodes.v, .count = building.nodes.n};
    return NULL;
}

/* ---- CTEs ---- */

/* The query's CTE of that name, before `end` (NULL: anywhere). */
static const SqlTreeNode *cte_of(const SqlTreeNode *query, const SqlTreeNode *end, const char *name)
{
    const SqlTreeNode *map = sql_node_get(sql_node_get(query, "cte_map"), "map");
    for (const SqlTreeNode *cte = map != NULL ? map->first : NULL; cte != end; cte = cte->next) {
        if (strcasecmp(sql_node_text(cte, "key"), name) == 0) return cte;
    }
    return NULL;
}

/* The second half of a recursive CTE sees the CTE. */
static bool is_recursion(const SqlTreeNode *query, const SqlTreeNode *half, const char *name)
{
    return strcmp(sql_node_text(query, "type"), "RECURSIVE_CTE_NODE") == 0 &&
           strcmp(half->key, "right") == 0 &&
           strcasecmp(sql_node_text(query, "cte_name"), name) == 0;
}

/* Upwards from the table: a query sees all of its CTEs, the body of a CTE those before it. */
bool sql_cte_find(const SqlTreeNode *table, const char *name, const SqlTreeNode **out)
{
    const SqlTreeNode *entry =
        NULL; /* the definition that holds the table, until its query is reached */
    *out = NULL;
    for (const SqlTreeNode *node = table; node->parent != NULL; node = node->parent) {
        const SqlTreeNode *parent = node->parent;
        if (strcmp(parent->key, "map") == 0) entry = node;
        if (is_recursion(parent, node, name)) return true;
        bool is_definition = strcmp(node->key, "cte_map") == 0;
        *out = cte_of(parent, is_definition ? entry : NULL, name);
        if (*out != NULL) return true;
    }
    return false;
}
