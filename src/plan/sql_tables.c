/* Which tables a query names that it does not define itself: what its reader must find before the
 * query can be a relation. The same tree and the same scopes as in sql_check. */
#include "plan/plan_int.h"
#include "plan/sql_tree.h"
#include <stdlib.h>
#include <string.h>

static bool is_table(const SqlTreeNode *node)
{
    return strcmp(node->kind, "OBJECT") == 0 &&
           strcmp(sql_node_text(node, "type"), "BASE_TABLE") == 0 &&
           sql_node_get(node, "table_name") != NULL;
}

static SqlTable table_of(Arena *arena, const SqlTreeNode *node, const char *query)
{
    const char *catalog = sql_node_text(node, "catalog_name"),
               *schema = sql_node_text(node, "schema_name"),
               *location = sql_node_text(node, "query_location");
    SqlTable table = {
        .name = arena_printf(arena, "%s%s%s%s%s", catalog, *catalog != '\0' ? "." : "", schema,
                             *schema != '\0' ? "." : "", sql_node_text(node, "table_name")),
        .is_qualified = *catalog != '\0' || *schema != '\0'};
    unsigned long long offset = strtoull(location, NULL, 10);
    if (*location != '\0' && offset <= strlen(query)) /* "none" is 2^64 - 1 */
        sql_text_position(query, (size_t)offset, &table.line, &table.column);
    return table;
}

Err *plan_sql_tables(Plan *plan, Arena *arena, const char *query, SqlTable **out, size_t *count)
{
    SCRATCH(scratch);
    Conn *conn;
    SqlTree tree;
    VEC(SqlTable) tables = {0};
    Map seen = map_new(scratch);
    query = sql_text_trim(scratch, query);
    TRY(plan_conn(plan, &conn));
    TRY(err_source(sql_tree_read(scratch, conn, query, &tree), query));
    for (size_t i = 0; i < tree.count; i++) {
        if (!is_table(tree.nodes[i])) continue;
        SqlTable table = table_of(arena, tree.nodes[i], query);
        const SqlTreeNode *entry;
        bool is_own = !table.is_qualified && sql_cte_find(tree.nodes[i], table.name, &entry);
        if (!is_own && map_put(&seen, table.name, scratch)) vec_push(arena, &tables, table);
    }
    *out = tables.v;
    *count = tables.n;
    return NULL;
}
