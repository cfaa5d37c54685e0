/* FROM: which tables there are, which of them are bound to each other in time, and what a name
 * means.
 *
 * Tables whose times an equality ties together are a group: a row of the join lies at one time, and
 * stems from rows of the inputs near that time. An inner or cross join may leave several groups,
 * which WHERE can still tie; an outer join must tie its sides at once, since it keeps rows that
 * have no partner at the *same* time. A static table may be joined in as long as no row of it is
 * kept for want of a partner: that would be asked of all times. */
#include "plan/sql_local.h"
#include <string.h>
#include <strings.h>

static const char *const NEEDS_EQUAL_TIMES = "a join without equal times";

/* A part of the scope: the tables of one side of a join. */
typedef struct Side {
    size_t begin, end;
} Side;

static bool same_name(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

/* ---- names ---- */

static const LocalColumn *find_in(const LocalTable *table, const char *name)
{
    for (size_t i = 0; i < table->rel.columns.n; i++) {
        if (same_name(table->rel.columns.v[i].name, name)) return &table->rel.columns.v[i];
    }
    return NULL;
}

static bool is_within(const LocalMerge *merge, Side side)
{
    return merge->begin >= side.begin && merge->end <= side.end;
}

static const LocalMerge *merge_of(const LocalScope *scope, Side side, const char *name)
{
    for (size_t i = scope->merges.n; i-- > 0;) {
        const LocalMerge *merge = &scope->merges.v[i];
        if (is_within(merge, side) && same_name(merge->name, name)) return merge;
    }
    return NULL;
}

/* What the join makes of its columns: their common value, or that of the one that is not null. */
static LocalColumn merged_column(const LocalScope *scope, const LocalMerge *merge, int *out_group)
{
    LocalColumn merged = {.name = merge->name};
    bool is_first = true;
    for (size_t i = merge->begin; i < merge->end; i++) {
        const LocalColumn *column = find_in(&scope->tables.v[i], merge->name);
        if (column == NULL) continue;
        merged = is_first ? *column : local_union(&merged, column);
        *out_group =
            is_first || scope->tables.v[i].group >= 0 ? scope->tables.v[i].group : *out_group;
        is_first = false;
    }
    return merged;
}

static LocalColumn find_bare(const LocalScope *scope, Side side, const char *name, int *out_group)
{
    const LocalMerge *merge = merge_of(scope, side, name);
    *out_group = -1;
    if (merge != NULL) return merged_column(scope, merge, out_group);
    for (size_t i = side.begin; i < side.end; i++) {
        const LocalColumn *column = find_in(&scope->tables.v[i], name);
        if (column == NULL) continue;
        *out_group = scope->tables.v[i].group;
        return *column;
    }
    return (LocalColumn){0};
}

static LocalColumn find_qualified(const LocalScope *scope, const char *alias, const char *name,
                                  int *out_group)
{
    for (size_t i = 0; i < scope->tables.n; i++) {
        const LocalColumn *column = find_in(&scope->tables.v[i], name);
        if (column == NULL || !same_name(scope->tables.v[i].alias, alias)) continue;
        *out_group = scope->tables.v[i].group;
        return *column;
    }
    return (LocalColumn){0};
}

static Side whole(const LocalScope *scope)
{
    return (Side){0, scope->tables.n};
}

LocalColumn local_column(const LocalScope *scope, const SqlTreeNode *names, int *out_group)
{
    const char *first = names->first != NULL ? names->first->text : NULL;
    *out_group = -1;
    if (first == NULL) return (LocalColumn){0};
    if (sql_node_size(names) == 2 && names->last->text != NULL)
        return find_qualified(scope, first, names->last->text, out_group);
    if (sql_node_size(names) > 1) return (LocalColumn){0};
    LocalColumn column = find_bare(scope, whole(scope), first, out_group);
    for (size_t i = 0; column.name == NULL && scope->aliases != NULL && i < scope->aliases->n;
         i++) {
        if (!same_name(scope->aliases->v[i].name, first)) continue;
        column = scope->aliases->v[i];
        for (size_t j = 0; column.is_time && j < scope->tables.n; j++)
            if (scope->tables.v[j].group > *out_group) *out_group = scope->tables.v[j].group;
    }
    return column;
}

/* A merged column stands where the first of its columns does. */
static void add_bare_star(const LocalScope *scope, LocalColumnVec *out)
{
    for (size_t i = 0; i < scope->tables.n; i++) {
        const LocalTable *table = &scope->tables.v[i];
        for (size_t j = 0; j < table->rel.columns.n; j++) {
            const char *name = table->rel.columns.v[j].name;
            const LocalMerge *merge = NULL;
            bool is_later = false;
            for (size_t k = scope->merges.n; k-- > 0 && merge == NULL;) {
                const LocalMerge *at = &scope->merges.v[k];
                if (i >= at->begin && i < at->end && same_name(at->name, name)) merge = at;
            }
            for (size_t k = merge != NULL ? merge->begin : i; k < i; k++)
                is_later = is_later || find_in(&scope->tables.v[k], name) != NULL;
            int ignored;
            if (merge == NULL)
                vec_push(scope->walk->arena, out, table->rel.columns.v[j]);
            else if (!is_later)
                vec_push(scope->walk->arena, out, merged_column(scope, merge, &ignored));
        }
    }
}

bool local_star(const LocalScope *scope, const char *alias, LocalColumnVec *out)
{
    bool is_known = alias[0] == '\0';
    for (size_t i = 0; i < scope->tables.n; i++) {
        const LocalTable *table = &scope->tables.v[i];
        if (alias[0] != '\0' && !same_name(table->alias, alias)) continue;
        if (table->rel.is_open) return false;
        is_known = true;
        for (size_t j = 0; alias[0] != '\0' && j < table->rel.columns.n; j++)
            vec_push(scope->walk->arena, out, table->rel.columns.v[j]);
    }
    if (alias[0] == '\0') add_bare_star(scope, out);
    return is_known;
}

void local_rename(Arena *arena, LocalRel *rel, const SqlTreeNode *names)
{
    size_t i = 0;
    LocalColumnVec columns = {0};
    for (size_t j = 0; j < rel->columns.n; j++) vec_push(arena, &columns, rel->columns.v[j]);
    for (const SqlTreeNode *name = names != NULL ? names->first : NULL; name != NULL;
         name = name->next, i++) {
        if (i < columns.n && name->text != NULL) columns.v[i].name = name->text;
    }
    rel->columns = columns;
}

const char *local_alias(const SqlTreeNode *from, const char *otherwise)
{
    const char *alias = sql_node_text(from, "alias");
    return alias[0] != '\0' ? alias : otherwise;
}

/* ---- groups ---- */

static void join_groups(LocalScope *scope, int a, int b)
{
    for (size_t i = 0; i < scope->tables.n; i++) {
        if (scope->tables.v[i].group == b) scope->tables.v[i].group = a;
    }
}

static bool equate_columns(LocalScope *scope, const LocalColumn *a, int a_group,
                           const LocalColumn *b, int b_group)
{
    if (!a->is_time || !b->is_time || a_group < 0 || b_group < 0) return false;
    if (!local_comparable(a, b)) return false;
    join_groups(scope, a_group, b_group);
    return true;
}

void local_equate(LocalScope *scope, const SqlTreeNode *condition)
{
    const char *type = sql_node_text(condition, "type");
    if (strcmp(type, "CONJUNCTION_AND") == 0) {
        const SqlTreeNode *children = sql_node_get(condition, "children");
        for (const SqlTreeNode *child = children->first; child != NULL; child = child->next)
            local_equate(scope, child);
        return;
    }
    if (strcmp(type, "COMPARE_EQUAL") != 0) return;
    int left_group, right_group;
    LocalColumn left = local_value(scope, sql_node_get(condition, "left"), &left_group);
    LocalColumn right = local_value(scope, sql_node_get(condition, "right"), &right_group);
    (void)equate_columns(scope, &left, left_group, &right, right_group);
}

/* The groups of the tables are one; false when there is none, too. */
static bool is_one_group_in(const LocalScope *scope, Side side)
{
    int group = -1;
    for (size_t i = side.begin; i < side.end; i++) {
        int other = scope->tables.v[i].group;
        if (other >= 0 && group >= 0 && other != group) return false;
        if (other >= 0) group = other;
    }
    return group >= 0;
}

static bool is_static_in(const LocalScope *scope, Side side)
{
    for (size_t i = side.begin; i < side.end; i++) {
        if (scope->tables.v[i].group >= 0) return false;
    }
    return true;
}

bool local_is_one_group(const LocalScope *scope)
{
    return is_one_group_in(scope, whole(scope));
}

/* ---- tables ---- */

static const char *add_table(LocalScope *scope, const char *alias, const LocalRel *rel)
{
    int group = rel->is_static ? -1 : (int)scope->tables.n;
    vec_push(scope->walk->arena, &scope->tables,
             ((LocalTable){.alias = alias, .rel = *rel, .group = group}));
    scope->steps += rel->steps;
    scope->is_steady = scope->is_steady && rel->is_steady;
    scope->is_in_order = scope->is_in_order && rel->is_in_order;
    return rel->why_whole;
}

static LocalRel input_rel(LocalWalk *walk, const char *name)
{
    LocalRel rel = {.is_steady = true, .is_in_order = true, .is_static = true};
    for (size_t i = 0; i < walk->rel->input_count; i++) {
        const RelFacts *facts = walk->rel->inputs[i]->facts;
        if (!same_name(walk->rel->sql.names[i], name)) continue;
        rel.is_static = facts->time_index < 0;
        for (size_t j = 0; j < facts->schema.count; j++) {
            const Column *column = &facts->schema.columns[j];
            const bool is_time = (ptrdiff_t)j == facts->time_index;
            vec_push(walk->arena, &rel.columns,
                     ((LocalColumn){.name = column->name,
                                    .type = column->type,
                                    .unit = is_time ? facts->time_unit : TIME_UNIT_NONE,
                                    .is_time = is_time}));
        }
    }
    return rel;
}

static const char *from_base_table(LocalScope *scope, const SqlTreeNode *from)
{
    LocalWalk *walk = scope->walk;
    const char *name = sql_node_text(from, "table_name");
    const SqlTreeNode *entry = NULL;
    LocalRel rel;
    if (!sql_cte_find(from, name, &entry)) {
        rel = input_rel(walk, name);
    } else if (entry == NULL) {
        rel = (LocalRel){.why_whole = "recursion", .is_open = true};
    } else {
        const SqlTreeNode *definition = sql_node_get(entry, "value");
        rel = local_query(walk, sql_node_get(sql_node_get(definition, "query"), "node"));
        local_rename(walk->arena, &rel, sql_node_get(definition, "aliases"));
    }
    local_rename(walk->arena, &rel, sql_node_get(from, "column_name_alias"));
    return add_table(scope, local_alias(from, name), &rel);
}

static const char *from_subquery(LocalScope *scope, const SqlTreeNode *from)
{
    LocalRel rel = local_query(scope->walk, sql_node_get(sql_node_get(from, "subquery"), "node"));
    local_rename(scope->walk->arena, &rel, sql_node_get(from, "column_name_alias"));
    return add_table(scope, local_alias(from, ""), &rel);
}

/* VALUES, range(), unnest(): times of their own are not those of an input. */
static const char *from_other(LocalScope *scope, const SqlTreeNode *from)
{
    LocalRel rel = {.is_static = true, .is_open = true};
    if (!local_is_static(scope->walk, from)) return "a FROM clause that is not known";
    return add_table(scope, local_alias(from, ""), &rel);
}

/* ---- joins ---- */

static void merge_columns(LocalScope *scope, Side left, Side right, const char *name,
                          bool *out_ties)
{
    int left_group, right_group;
    LocalColumn a = find_bare(scope, left, name, &left_group);
    LocalColumn b = find_bare(scope, right, name, &right_group);
    if (equate_columns(scope, &a, left_group, &b, right_group)) *out_ties = true;
    vec_push(scope->walk->arena, &scope->merges, ((LocalMerge){name, left.begin, right.end}));
}

static bool has_name(const LocalScope *scope, Side side, const char *name)
{
    int ignored;
    return find_bare(scope, side, name, &ignored).name != NULL;
}

/* Every column of the right side whose name the left side has, too. */
static const char *join_natural(LocalScope *scope, Side left, Side right, bool *out_ties)
{
    const size_t merges = scope->merges.n;
    for (size_t i = left.begin; i < right.end; i++)
        if (scope->tables.v[i].rel.is_open) return "a NATURAL JOIN of columns that are not known";
    for (size_t i = right.begin; i < right.end; i++) {
        const LocalColumnVec *columns = &scope->tables.v[i].rel.columns;
        for (size_t j = 0; j < columns->n; j++) {
            const char *name = columns->v[j].name;
            bool is_done = name[0] == '\0' || !has_name(scope, left, name);
            for (size_t k = merges; k < scope->merges.n && !is_done; k++)
                is_done = same_name(scope->merges.v[k].name, name);
            if (!is_done) merge_columns(scope, left, right, name, out_ties);
        }
    }
    return NULL;
}

static bool group_in(const LocalScope *scope, Side side, int group)
{
    for (size_t i = side.begin; i < side.end; i++) {
        if (scope->tables.v[i].group == group) return true;
    }
    return false;
}

/* Joins with the two sides' rows; sets whether a time of the one is tied to a time of the other. */
static const char *join_on(LocalScope *scope, const SqlTreeNode *join, Side left, Side right,
                           bool *out_ties)
{
    const SqlTreeNode *condition = sql_node_get(join, "condition");
    const SqlTreeNode *names = sql_node_get(join, "using_columns");
    *out_ties = false;
    if (strcmp(sql_node_text(join, "ref_type"), "NATURAL") == 0)
        return join_natural(scope, left, right, out_ties);
    for (const SqlTreeNode *name = names != NULL ? names->first : NULL; name != NULL;
         name = name->next) {
        if (name->text != NULL) merge_columns(scope, left, right, name->text, out_ties);
    }
    if (condition == NULL || strcmp(condition->kind, "OBJECT") != 0) return NULL;
    bool has_aggregate = false;
    local_equate(scope, condition);
    for (size_t i = left.begin; i < left.end; i++) {
        int group = scope->tables.v[i].group;
        if (group >= 0 && group_in(scope, right, group)) *out_ties = true;
    }
    return local_check(scope, condition, &has_aggregate);
}

static bool is_kind(const SqlTreeNode *join, const char *kind)
{
    return strcmp(sql_node_text(join, "join_type"), kind) == 0;
}

/* `was_one`: each side was one group before they were joined. */
static const char *check_outer(const LocalScope *scope, const SqlTreeNode *join, Side left,
                               Side right, bool ties)
{
    const bool left_static = is_static_in(scope, left), right_static = is_static_in(scope, right);
    const bool keeps_left = !is_kind(join, "RIGHT"), keeps_right = !is_kind(join, "LEFT");
    if (left_static && right_static) return NULL;
    if ((left_static && keeps_left) || (right_static && keeps_right))
        return "an outer join that keeps rows of a table without times";
    if (left_static || right_static) return NULL;
    return ties ? NULL : NEEDS_EQUAL_TIMES;
}

static const char *from_join(LocalScope *scope, const SqlTreeNode *join)
{
    static const char *const KINDS[] = {"INNER", "LEFT", "RIGHT", "FULL"};
    static const char *const FORMS[] = {"REGULAR", "NATURAL", "CROSS"};
    const char *kind = sql_node_text(join, "join_type"), *form = sql_node_text(join, "ref_type");
    bool is_known = false, is_form = false, ties = false;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        is_known = is_known || strcmp(kind, KINDS[i]) == 0;
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
        is_form = is_form || strcmp(form, FORMS[i]) == 0;
    if (!is_known || !is_form) return "a join that is neither inner nor outer";
    Side left = {.begin = scope->tables.n}, right;
    const char *why = local_from(scope, sql_node_get(join, "left"));
    left.end = right.begin = scope->tables.n;
    if (why == NULL) why = local_from(scope, sql_node_get(join, "right"));
    right.end = scope->tables.n;
    if (why != NULL) return why;
    const bool is_outer = !is_kind(join, "INNER");
    const bool was_one = (is_one_group_in(scope, left) || is_static_in(scope, left)) &&
                         (is_one_group_in(scope, right) || is_static_in(scope, right));
    scope->is_steady = false;
    why = join_on(scope, join, left, right, &ties);
    if (why != NULL || !is_outer) return why;
    return was_one ? check_outer(scope, join, left, right, ties) : NEEDS_EQUAL_TIMES;
}

const char *local_from(LocalScope *scope, const SqlTreeNode *from)
{
    const char *type = sql_node_text(from, "type");
    const SqlTreeNode *sample = sql_node_get(from, "sample");
    if (sample != NULL && strcmp(sample->kind, "NULL") != 0) return "a sample";
    if (strcmp(type, "EMPTY") == 0) return NULL;
    if (strcmp(type, "BASE_TABLE") == 0) return from_base_table(scope, from);
    if (strcmp(type, "SUBQUERY") == 0) return from_subquery(scope, from);
    if (strcmp(type, "JOIN") == 0) return from_join(scope, from);
    return from_other(scope, from);
}
