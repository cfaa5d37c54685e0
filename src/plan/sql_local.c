/* Is user SQL time-local: do its rows in a range of time follow from the rows of its inputs near
 * that range?
 *
 * Every row that a query gives has a time: that of the input rows it stems from. A column is a
 * *time* when it holds the row's time, a bucket of it, or null; all times of a row lie in a chain
 * of buckets, so a range of the output needs that range of the inputs, widened to whole buckets as
 * many times as there are buckets in the chain (`steps`). What keeps that true is listed: filters
 * and values that follow from their row; joins that tie the times of their sides
 * (sql_local_from.c); GROUP BY with a time among its keys; UNION with times in one place;
 * sub-queries and CTEs that are local themselves. An input without a time column is static: it is
 * read whole, and so is whatever is made of such inputs alone. Everything else, and all that is not
 * known here, makes the text run whole.
 *
 * The order of rows within a range of the output is not that of the whole (the engine joins by
 * hash), so the emitter sorts rows of one time by their columns. An aggregate that depends on the
 * order of its rows (a sum of doubles is rounded after each) is local only where rows come straight
 * from inputs, which then are read in order. */
#include "plan/sql_local.h"
#include <string.h>
#include <strings.h>

enum { STEPS_MAX = 64 };

/* ---- ranges ---- */

static TimeUs floor_once(const SqlLocal *local, TimeUs time)
{
    TimeUs out = time;
    for (size_t i = 0; i < local->grid_count; i++) {
        TimeUs start = grid_floor(&local->grids[i], time);
        if (start < out) out = start;
    }
    return out;
}

static TimeUs last_once(const SqlLocal *local, TimeUs time)
{
    TimeUs out = time;
    for (size_t i = 0; i < local->grid_count; i++) {
        const Grid *grid = &local->grids[i];
        TimeUs next = grid_next(grid, grid_floor(grid, time));
        TimeUs last = next == TIME_MAX ? TIME_MAX : next - 1;
        if (last > out) out = last;
    }
    return out;
}

/* One grid is enough once: its buckets are whole then. */
static int rounds(const SqlLocal *local)
{
    return local->grid_count > 1 ? local->steps : 1;
}

TimeUs sql_local_floor(const SqlLocal *local, TimeUs time)
{
    for (int i = 0; i < rounds(local) && time != TIME_MIN; i++) time = floor_once(local, time);
    return time;
}

TimeSpan sql_local_widen(const SqlLocal *local, TimeSpan span)
{
    if (span_is_empty(span)) return span;
    span.min = sql_local_floor(local, span.min);
    for (int i = 0; i < rounds(local) && span.max != TIME_MAX; i++)
        span.max = last_once(local, span.max);
    return span;
}

/* ---- what is static ---- */

static bool names_time_input(LocalWalk *walk, const SqlTreeNode *table)
{
    const char *name = sql_node_text(table, "table_name");
    const SqlTreeNode *entry = NULL;
    if (sql_cte_find(table, name, &entry)) return entry != NULL && !local_is_static(walk, entry);
    for (size_t i = 0; i < walk->rel->input_count; i++) {
        if (strcasecmp(walk->rel->sql.names[i], name) == 0)
            return walk->rel->inputs[i]->facts->time_index >= 0;
    }
    return true;
}

bool local_is_static(LocalWalk *walk, const SqlTreeNode *node)
{
    signed char *known = &walk->is_static[node->index];
    if (*known != 0) return *known > 0;
    bool is_static =
        strcmp(sql_node_text(node, "type"), "BASE_TABLE") != 0 || !names_time_input(walk, node);
    for (const SqlTreeNode *child = node->first; child != NULL && is_static; child = child->next)
        is_static = local_is_static(walk, child);
    *known = is_static ? 1 : -1;
    return is_static;
}

/* ---- SELECT ---- */

/* One column of a SELECT list. */
typedef struct Item {
    LocalColumn column;
    const SqlTreeNode *expr; /* NULL: from a star */
    bool has_aggregate;
} Item;

typedef struct Select {
    LocalScope scope;
    const SqlTreeNode *node;
    VEC(Item) items;
    LocalColumnVec names; /* of the items */
    bool has_aggregate, is_open;
} Select;

static void add_item(Select *select, Item item)
{
    Arena *arena = select->scope.walk->arena;
    vec_push(arena, &select->items, item);
    vec_push(arena, &select->names, item.column);
    select->has_aggregate = select->has_aggregate || item.has_aggregate;
}

static bool is_excluded(const SqlTreeNode *star, const char *name)
{
    const SqlTreeNode *names = sql_node_get(star, "exclude_list");
    const SqlTreeNode *qualified = sql_node_get(star, "qualified_exclude_list");
    for (const SqlTreeNode *at = names->first; at != NULL; at = at->next) {
        if (at->text != NULL && strcasecmp(at->text, name) == 0) return true;
    }
    for (const SqlTreeNode *at = qualified->first; at != NULL; at = at->next) {
        if (strcasecmp(sql_node_text(at, "column"), name) == 0) return true;
    }
    return false;
}

static const SqlTreeNode *replacement(const SqlTreeNode *star, const char *name)
{
    const SqlTreeNode *list = sql_node_get(star, "replace_list");
    for (const SqlTreeNode *at = list->first; at != NULL; at = at->next) {
        if (strcasecmp(sql_node_text(at, "key"), name) == 0) return sql_node_get(at, "value");
    }
    return NULL;
}

static const char *new_name(const SqlTreeNode *star, const char *name)
{
    const SqlTreeNode *list = sql_node_get(star, "rename_list");
    for (const SqlTreeNode *at = list->first; at != NULL; at = at->next) {
        if (strcasecmp(sql_node_text(sql_node_get(at, "key"), "column"), name) == 0)
            return sql_node_text(at, "value");
    }
    return name;
}

static const char *add_expr(Select *select, const SqlTreeNode *expr, const char *name)
{
    LocalScope *scope = &select->scope;
    Item item = {.expr = expr};
    const char *why = local_check(scope, expr, &item.has_aggregate);
    item.column = local_value(scope, expr, NULL);
    item.column.name = name;
    add_item(select, item);
    return why;
}

static const char *add_star(Select *select, const SqlTreeNode *star)
{
    static const char UNKNOWN[] = "a star over columns that are not known";
    LocalColumnVec columns = {0};
    const SqlTreeNode *expr = sql_node_get(star, "expr");
    const bool is_plain = strcmp(sql_node_text(star, "columns"), "false") == 0 &&
                          (expr == NULL || strcmp(expr->kind, "NULL") == 0);
    if (!is_plain || !local_star(&select->scope, sql_node_text(star, "relation_name"), &columns)) {
        select->is_open = true;
        return UNKNOWN;
    }
    /* "EXCLUDE a.x" leaves one of two columns of that name */
    if (sql_node_size(sql_node_get(star, "qualified_exclude_list")) > 0 &&
        select->scope.tables.n > 1)
        return UNKNOWN;
    for (size_t i = 0; i < columns.n; i++) {
        LocalColumn column = columns.v[i];
        const SqlTreeNode *value = replacement(star, column.name);
        const char *why = NULL;
        if (is_excluded(star, column.name)) continue;
        if (value != NULL)
            why = add_expr(select, value, column.name);
        else
            add_item(select, (Item){.column = column});
        if (why != NULL) return why;
        Item *last = &select->items.v[select->items.n - 1];
        last->column.name = new_name(star, column.name);
        select->names.v[select->names.n - 1].name = last->column.name;
    }
    return NULL;
}

static const char *item_name(const SqlTreeNode *expr)
{
    const char *alias = sql_node_text(expr, "alias");
    const SqlTreeNode *names = sql_node_get(expr, "column_names");
    if (alias[0] != '\0' || names == NULL || names->last == NULL) return alias;
    return names->last->text != NULL ? names->last->text : "";
}

static const char *add_items(Select *select)
{
    const SqlTreeNode *list = sql_node_get(select->node, "select_list");
    select->scope.aliases = &select->names;
    for (const SqlTreeNode *expr = list->first; expr != NULL; expr = expr->next) {
        const bool is_star = strcmp(sql_node_text(expr, "class"), "STAR") == 0;
        const char *why =
            is_star ? add_star(select, expr) : add_expr(select, expr, item_name(expr));
        if (why != NULL) return why;
    }
    return NULL;
}

/* ---- GROUP BY ---- */

/* "GROUP BY 2"; 0 when it is no number. */
static size_t position_of(const SqlTreeNode *key)
{
    const SqlTreeNode *value = sql_node_get(key, "value");
    const SqlTreeNode *number = sql_node_get(value, "value");
    const char *type = sql_node_text(sql_node_get(value, "type"), "id");
    size_t position = 0;
    if (number == NULL || number->text == NULL || strstr(type, "INT") == NULL) return 0;
    for (const char *p = number->text; *p >= '0' && *p <= '9' && position < 100000; p++)
        position = position * 10 + (size_t)(*p - '0');
    return position;
}

static const char *check_key(Select *select, const SqlTreeNode *key, bool *out_is_time)
{
    bool has_aggregate = false;
    size_t position = position_of(key);
    if (position > 0 && position <= select->items.n) {
        *out_is_time = select->items.v[position - 1].column.is_time;
        return NULL;
    }
    *out_is_time = local_value(&select->scope, key, NULL).is_time;
    return local_check(&select->scope, key, &has_aggregate);
}

static const char *check_keys(Select *select, bool *out_has_time)
{
    const SqlTreeNode *keys = sql_node_get(select->node, "group_expressions");
    const SqlTreeNode *sets = sql_node_get(select->node, "group_sets");
    const bool is_all =
        strcmp(sql_node_text(select->node, "aggregate_handling"), "FORCE_AGGREGATES") == 0;
    *out_has_time = false;
    if (sql_node_size(sets) > 1 ||
        (sets->first != NULL && sql_node_size(sets->first) != sql_node_size(keys)))
        return "grouping sets";
    for (const SqlTreeNode *key = keys->first; key != NULL; key = key->next) {
        bool is_time;
        const char *why = check_key(select, key, &is_time);
        if (why != NULL) return why;
        *out_has_time = *out_has_time || is_time;
    }
    for (size_t i = 0; is_all && i < select->items.n; i++) {
        const Item *item = &select->items.v[i];
        *out_has_time = *out_has_time || (item->column.is_time && !item->has_aggregate);
    }
    return NULL;
}

static bool is_grouped(const Select *select)
{
    const char *handling = sql_node_text(select->node, "aggregate_handling");
    return select->has_aggregate || strcmp(handling, "FORCE_AGGREGATES") == 0 ||
           sql_node_size(sql_node_get(select->node, "group_expressions")) > 0;
}

/* ---- the parts of a SELECT ---- */

static bool is_there(const SqlTreeNode *node)
{
    return node != NULL && strcmp(node->kind, "NULL") != 0;
}

static const char *check_filter(Select *select, const char *part)
{
    const SqlTreeNode *condition = sql_node_get(select->node, part);
    return is_there(condition) ? local_check(&select->scope, condition, &select->has_aggregate)
                               : NULL;
}

/* ORDER BY and plain DISTINCT; LIMIT and DISTINCT ON choose among rows. */
static const char *check_modifiers(LocalScope *scope, const SqlTreeNode *query, bool *out_is_any)
{
    const SqlTreeNode *modifiers = sql_node_get(query, "modifiers");
    for (const SqlTreeNode *at = modifiers->first; at != NULL; at = at->next) {
        const char *type = sql_node_text(at, "type");
        *out_is_any = true;
        if (strcmp(type, "DISTINCT_MODIFIER") == 0) {
            if (sql_node_size(sql_node_get(at, "distinct_on_targets")) > 0) return "DISTINCT ON";
            continue;
        }
        if (strcmp(type, "ORDER_MODIFIER") != 0) return "LIMIT or OFFSET";
        const SqlTreeNode *orders = sql_node_get(at, "orders");
        for (const SqlTreeNode *order = orders->first; order != NULL; order = order->next) {
            const SqlTreeNode *expr = sql_node_get(order, "expression");
            bool has_aggregate = false;
            if (strcmp(sql_node_text(expr, "class"), "STAR") == 0) continue; /* ORDER BY ALL */
            const char *why = local_check(scope, expr, &has_aggregate);
            if (why != NULL) return why;
        }
    }
    return NULL;
}

static bool has_time(const LocalColumnVec *columns)
{
    for (size_t i = 0; i < columns->n; i++) {
        if (columns->v[i].is_time) return true;
    }
    return false;
}

static const char *check_groups(Select *select, bool is_static, bool *out_is_grouped)
{
    bool keeps_time = true;
    *out_is_grouped = is_grouped(select);
    if (*out_is_grouped) {
        const char *why = check_keys(select, &keeps_time);
        if (why != NULL) return why;
    }
    if (is_static) return NULL;
    if (!keeps_time) return "aggregates over all times";
    return has_time(&select->names) ? NULL : "a SELECT without the time among its columns";
}

static const char *walk_select(Select *select, bool is_static)
{
    LocalScope *scope = &select->scope;
    const SqlTreeNode *where = sql_node_get(select->node, "where_clause");
    bool is_grouped = false, is_modified = false;
    const char *why = local_from(scope, sql_node_get(select->node, "from_table"));
    if (why == NULL && is_there(where)) local_equate(scope, where);
    if (why == NULL && !is_static && !local_is_one_group(scope)) why = "a join without equal times";
    if (why == NULL) why = check_filter(select, "where_clause");
    if (why == NULL) why = add_items(select);
    if (why == NULL) why = check_filter(select, "having");
    if (why == NULL && is_there(sql_node_get(select->node, "qualify"))) why = "a window function";
    if (why == NULL && is_there(sql_node_get(select->node, "sample"))) why = "a sample";
    if (why == NULL) why = check_groups(select, is_static, &is_grouped);
    if (why == NULL) why = check_modifiers(scope, select->node, &is_modified);
    scope->is_steady = scope->is_steady && !is_grouped && !is_modified;
    return why;
}

static LocalRel select_rel(LocalWalk *walk, const SqlTreeNode *node, bool is_static)
{
    Select select = {.scope = {.walk = walk, .is_steady = true, .is_in_order = true}, .node = node};
    LocalRel rel = {.is_static = is_static};
    rel.why_whole = walk_select(&select, is_static);
    rel.is_steady = select.scope.is_steady;
    rel.is_in_order = rel.is_steady && select.scope.is_in_order;
    rel.columns = select.names;
    rel.steps = select.scope.steps;
    rel.is_open = select.is_open;
    return rel;
}

/* ---- UNION ---- */

static void unite_by_place(LocalWalk *walk, const LocalRel *left, const LocalRel *right,
                           LocalRel *out)
{
    if (left->columns.n != right->columns.n) out->why_whole = "a UNION that is not known";
    for (size_t i = 0; i < left->columns.n && i < right->columns.n; i++)
        vec_push(walk->arena, &out->columns,
                 local_union(&left->columns.v[i], &right->columns.v[i]));
}

static const LocalColumn *column_named(const LocalRel *rel, const char *name)
{
    for (size_t i = 0; i < rel->columns.n; i++) {
        if (strcasecmp(rel->columns.v[i].name, name) == 0) return &rel->columns.v[i];
    }
    return NULL;
}

static void unite_by_name(LocalWalk *walk, const LocalRel *left, const LocalRel *right,
                          LocalRel *out)
{
    for (size_t i = 0; i < left->columns.n; i++) {
        LocalColumn column = left->columns.v[i];
        const LocalColumn *other = column_named(right, column.name);
        column = other != NULL ? local_union(&column, other)
                               : (LocalColumn){.name = column.name, .type = column.type};
        vec_push(walk->arena, &out->columns, column);
    }
    for (size_t i = 0; i < right->columns.n; i++) {
        const LocalColumn *column = &right->columns.v[i];
        if (column_named(left, column->name) == NULL)
            vec_push(walk->arena, &out->columns,
                     ((LocalColumn){.name = column->name, .type = column->type}));
    }
}

static LocalRel union_rel(LocalWalk *walk, const SqlTreeNode *node, bool is_static)
{
    const char *type = sql_node_text(node, "setop_type");
    const bool by_name = strcmp(type, "UNION_BY_NAME") == 0;
    LocalRel out = {.is_static = is_static};
    if (!by_name && strcmp(type, "UNION") != 0) {
        out.why_whole = "a set operation other than UNION";
        return out;
    }
    LocalRel left = local_query(walk, sql_node_get(node, "left"));
    LocalRel right = local_query(walk, sql_node_get(node, "right"));
    LocalScope scope = {.walk = walk};
    bool is_modified = false;
    out.is_open = left.is_open || right.is_open;
    out.steps = left.steps + right.steps;
    out.why_whole = left.why_whole != NULL ? left.why_whole : right.why_whole;
    if (out.why_whole != NULL) return out;
    if (by_name)
        unite_by_name(walk, &left, &right, &out);
    else
        unite_by_place(walk, &left, &right, &out);
    const char *why = check_modifiers(&scope, node, &is_modified);
    if (out.why_whole == NULL) out.why_whole = why;
    if (out.why_whole == NULL && !is_static && !has_time(&out.columns))
        out.why_whole = "a UNION whose times do not stand in one place";
    out.is_steady = left.is_steady && right.is_steady && !is_modified &&
                    strcmp(sql_node_text(node, "setop_all"), "true") == 0;
    return out;
}

/* ---- queries ---- */

static LocalRel walk_query(LocalWalk *walk, const SqlTreeNode *query, bool is_static)
{
    const char *type = sql_node_text(query, "type");
    if (strcmp(type, "SELECT_NODE") == 0) return select_rel(walk, query, is_static);
    if (strcmp(type, "SET_OPERATION_NODE") == 0) return union_rel(walk, query, is_static);
    const bool is_recursive = strcmp(type, "RECURSIVE_CTE_NODE") == 0;
    return (LocalRel){.why_whole = is_recursive ? "recursion" : "a query that is not known"};
}

LocalRel local_query(LocalWalk *walk, const SqlTreeNode *query)
{
    if (query == NULL) return (LocalRel){.why_whole = "a query that is not known"};
    LocalRel **known = &walk->rel_of[query->index];
    if (*known != NULL) return **known;
    const bool is_static = local_is_static(walk, query);
    LocalRel rel = walk_query(walk, query, is_static);
    /* What is the same for every range need not be understood, but then its columns are not known.
     */
    if (is_static && rel.why_whole != NULL) rel = (LocalRel){.is_open = true};
    rel.is_static = is_static;
    if (rel.steps > STEPS_MAX) rel.steps = STEPS_MAX + 1;
    *known = arena_memdup(walk->arena, &rel, sizeof rel);
    return rel;
}

/* The walk has understood the text if it finds the columns that the engine does. */
static bool has_columns(const LocalRel *rel, const Schema *schema)
{
    if (rel->is_open || rel->columns.n != schema->count) return false;
    for (size_t i = 0; i < schema->count; i++) {
        const char *name = rel->columns.v[i].name;
        if (name[0] != '\0' && strcasecmp(name, schema->columns[i].name) != 0) return false;
    }
    return true;
}

static const char *why_whole(const LocalWalk *walk, const LocalRel *rel, const Schema *schema)
{
    const ptrdiff_t time_index = walk->rel->facts->time_index;
    if (time_index < 0) return "no time among its columns";
    if (rel->is_static) return "a time that is not an input's";
    if (rel->why_whole != NULL) return rel->why_whole;
    if (!has_columns(rel, schema)) return "columns that are not known";
    if (rel->steps > STEPS_MAX && walk->grids.n > 1) return "too many buckets of buckets";
    const LocalColumn *time = &rel->columns.v[time_index];
    const bool is_input_time = time->is_time && time->unit == walk->rel->facts->time_unit;
    return is_input_time ? NULL : "a time that is not an input's";
}

Err *sql_local(Plan *plan, Arena *arena, const Rel *rel, const SqlTree *tree, const Schema *schema,
               SqlLocal *out)
{
    Conn *conn;
    LocalWalk walk = {.arena = arena,
                      .plan = plan,
                      .rel = rel,
                      .tree = tree,
                      .grid_of = AARRAY(arena, const Grid *, tree->count),
                      .rel_of = AARRAY(arena, LocalRel *, tree->count),
                      .is_static = AARRAY(arena, signed char, tree->count)};
    TRY(plan_conn(plan, &conn));
    TRY(local_read_grids(&walk, conn));
    const SqlTreeNode *statements = sql_node_get(tree->nodes[0], "statements");
    LocalRel query = local_query(&walk, sql_node_get(statements->first, "node"));
    *out = (SqlLocal){.why_whole = why_whole(&walk, &query, schema),
                      .grids = walk.grids.v,
                      .grid_count = walk.grids.n,
                      .steps = query.steps,
                      .sorts_inputs = walk.sorts_inputs || query.is_steady,
                      .is_steady = query.is_steady,
                      .is_in_order = query.is_in_order};
    if (out->why_whole != NULL) *out = (SqlLocal){.why_whole = out->why_whole};
    return NULL;
}
