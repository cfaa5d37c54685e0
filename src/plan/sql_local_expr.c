/* Expressions: which of them are times, and whether an expression follows from its row alone.
 *
 * A time stays one through what gives the same instant or a bucket of it: a cast between the types
 * of instants (the engine's zone is UTC), COALESCE of times of one row, time_bucket and date_trunc
 * with constants. Everything else is a value; a value only has to follow from the row, so classes
 * of expressions and functions are listed, and what is not listed does not. */
#include "plan/sql_local.h"
#include <string.h>
#include <strings.h>

static bool is_in(const char *name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strcasecmp(name, *names) == 0) return true;
    }
    return false;
}

/* ---- times ---- */

static bool is_instant(const char *type)
{
    static const char *const INSTANTS[] = {"TIMESTAMP",   TYPE_TZ,        "DATE",
                                           "TIMESTAMP_S", "TIMESTAMP_MS", NULL};
    return type != NULL && is_in(type, INSTANTS);
}

bool local_comparable(const LocalColumn *a, const LocalColumn *b)
{
    if (a->type == NULL || b->type == NULL) return false;
    if (is_instant(a->type) && is_instant(b->type)) return true;
    return strcmp(a->type, b->type) == 0 && a->unit == b->unit;
}

/* A value that is one of the two. */
LocalColumn local_union(const LocalColumn *a, const LocalColumn *b)
{
    LocalColumn both = {.name = a->name, .unit = a->unit};
    const bool is_same = a->type != NULL && b->type != NULL && strcmp(a->type, b->type) == 0;
    both.is_time = a->is_time && b->is_time && local_comparable(a, b);
    if (is_same)
        both.type = a->type;
    else if (both.is_time)
        both.type =
            strcmp(a->type, TYPE_TZ) == 0 || strcmp(b->type, TYPE_TZ) == 0 ? TYPE_TZ : "TIMESTAMP";
    return both;
}

static void add_grid(LocalScope *scope, const Grid *grid)
{
    LocalWalk *walk = scope->walk;
    scope->steps++;
    for (size_t i = 0; i < walk->grids.n; i++) {
        const Grid *had = &walk->grids.v[i];
        if (had->width_us == grid->width_us && had->origin == grid->origin &&
            had->months == grid->months)
            return;
    }
    vec_push(walk->arena, &walk->grids, *grid);
}

static LocalColumn value_of_cast(LocalScope *scope, const SqlTreeNode *cast, int *out_group)
{
    const char *type = sql_node_text(sql_node_get(cast, "cast_type"), "id");
    LocalColumn from = local_value(scope, sql_node_get(cast, "child"), out_group);
    LocalColumn out = {.name = "", .type = type};
    if (!from.is_time || !is_instant(from.type)) return out;
    out.is_time =
        strcmp(type, TYPE_TZ) == 0 || strcmp(type, "TIMESTAMP") == 0 || strcmp(type, "DATE") == 0;
    if (strcmp(type, "DATE") == 0) add_grid(scope, &(Grid){.width_us = US_PER_DAY});
    return out;
}

static LocalColumn value_of_call(LocalScope *scope, const SqlTreeNode *call, int *out_group)
{
    const Grid *grid = scope->walk->grid_of[call->index];
    LocalColumn out = {.name = ""};
    if (grid == NULL) return out;
    LocalColumn from = local_value(scope, sql_node_get(call, "children")->first->next, out_group);
    if (!from.is_time) return out;
    if (strcmp(from.type, "TIMESTAMP") != 0 && strcmp(from.type, TYPE_TZ) != 0) return out;
    add_grid(scope, grid);
    out.is_time = true;
    out.type = from.type;
    return out;
}

static LocalColumn value_of_coalesce(LocalScope *scope, const SqlTreeNode *call, int *out_group)
{
    const SqlTreeNode *children = sql_node_get(call, "children");
    LocalColumn out = local_value(scope, children->first, out_group);
    for (const SqlTreeNode *child = children->first->next; child != NULL; child = child->next) {
        int group = -1;
        LocalColumn next = local_value(scope, child, &group);
        out = local_union(&out, &next);
        out.is_time = out.is_time && group == *out_group;
    }
    out.name = "";
    return out;
}

LocalColumn local_value(LocalScope *scope, const SqlTreeNode *expr, int *out_group)
{
    const char *class = sql_node_text(expr, "class"), *type = sql_node_text(expr, "type");
    int ignored;
    if (out_group == NULL) out_group = &ignored;
    *out_group = -1;
    if (strcmp(class, "COLUMN_REF") == 0)
        return local_column(scope, sql_node_get(expr, "column_names"), out_group);
    if (strcmp(class, "CAST") == 0) return value_of_cast(scope, expr, out_group);
    if (strcmp(class, "FUNCTION") == 0) return value_of_call(scope, expr, out_group);
    if (strcmp(type, "OPERATOR_COALESCE") == 0) return value_of_coalesce(scope, expr, out_group);
    return (LocalColumn){.name = ""};
}

/* ---- what follows from the row ---- */

/* Sums of whole numbers are exact in any order. */
static bool is_exact(LocalScope *scope, const SqlTreeNode *call)
{
    static const char *const SUMS[] = {"sum", "avg", "mean", NULL};
    static const char *const TYPES[] = {"BOOLEAN", "TINYINT", "SMALLINT",
                                        "INTEGER", "BIGINT",  NULL};
    const SqlTreeNode *arguments = sql_node_get(call, "children");
    if (!is_in(sql_node_text(call, "function_name"), SUMS) || sql_node_size(arguments) != 1)
        return false;
    LocalColumn value = local_value(scope, arguments->first, NULL);
    return value.type != NULL &&
           (is_in(value.type, TYPES) || type_class(value.type) == TYPE_DECIMAL);
}

static const char *check_aggregate(LocalScope *scope, const SqlTreeNode *call, FunctionKind kind)
{
    if (kind == FUNCTION_SET || is_exact(scope, call)) return NULL;
    const bool is_distinct = strcmp(sql_node_text(call, "distinct"), "true") == 0;
    if (is_distinct || !scope->is_steady)
        return "an aggregate that depends on the order of rows, over rows without one";
    scope->walk->sorts_inputs = true;
    return NULL;
}

static const char *check_class(LocalScope *scope, const SqlTreeNode *node, const char *class,
                               bool *out_has_aggregate)
{
    static const char *const CLASSES[] = {"COLUMN_REF",  "CONSTANT", "CAST", "COMPARISON",
                                          "CONJUNCTION", "OPERATOR", "CASE", "BETWEEN",
                                          "LAMBDA",      "SUBQUERY", NULL};
    if (strcmp(class, "WINDOW") == 0) return "a window function";
    if (strcmp(class, "FUNCTION") != 0)
        return is_in(class, CLASSES) ? NULL : "an expression that is not known";
    FunctionKind kind = sql_function_kind(scope->walk->plan, sql_node_text(node, "function_name"));
    if (kind == FUNCTION_UNKNOWN) return "a function that is not known to follow from its row";
    if (kind == FUNCTION_ROW) return NULL;
    *out_has_aggregate = true;
    return check_aggregate(scope, node, kind);
}

const char *local_check(LocalScope *scope, const SqlTreeNode *expr, bool *out_has_aggregate)
{
    const char *class = sql_node_text(expr, "class"), *why = NULL;
    if (class[0] != '\0') why = check_class(scope, expr, class, out_has_aggregate);
    if (why != NULL) return why;
    if (strcmp(class, "SUBQUERY") == 0) {
        if (!local_is_static(scope->walk, sql_node_get(expr, "subquery")))
            return "a sub-query in an expression";
        scope->is_steady = false; /* the engine makes a join of it, with the sides as it likes */
        expr = sql_node_get(expr, "child");
        return expr != NULL ? local_check(scope, expr, out_has_aggregate) : NULL;
    }
    for (const SqlTreeNode *child = expr->first; child != NULL && why == NULL; child = child->next)
        why = local_check(scope, child, out_has_aggregate);
    return why;
}
