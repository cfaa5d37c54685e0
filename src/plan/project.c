/* Projections: columns picked, renamed and cast. A cast is a type's name; the usual ones stand in a
 * table, any other is asked of the engine as `CAST(NULL AS <text>)`, whose syntax tree must be
 * exactly that, so that the text can hold nothing but a type. */
#include "plan/plan_int.h"
#include <string.h>

typedef struct TypeAlias {
    const char *alias, *type;
} TypeAlias;

static const TypeAlias TYPES[] = {
    {"BOOLEAN", "BOOLEAN"},
    {"BOOL", "BOOLEAN"},
    {"TINYINT", "TINYINT"},
    {"SMALLINT", "SMALLINT"},
    {"INTEGER", "INTEGER"},
    {"INT", "INTEGER"},
    {"BIGINT", "BIGINT"},
    {"HUGEINT", "HUGEINT"},
    {"UTINYINT", "UTINYINT"},
    {"USMALLINT", "USMALLINT"},
    {"UINTEGER", "UINTEGER"},
    {"UBIGINT", "UBIGINT"},
    {"FLOAT", "FLOAT"},
    {"REAL", "FLOAT"},
    {"DOUBLE", "DOUBLE"},
    {"VARCHAR", "VARCHAR"},
    {"TEXT", "VARCHAR"},
    {"STRING", "VARCHAR"},
    {"DATE", "DATE"},
    {"TIMESTAMP", "TIMESTAMP"},
    {"TIMESTAMP_S", "TIMESTAMP_S"},
    {"TIMESTAMP_MS", "TIMESTAMP_MS"},
    {"TIMESTAMP_NS", "TIMESTAMP_NS"},
    {"TIMESTAMPTZ", TYPE_TZ},
    {TYPE_TZ, TYPE_TZ},
};

static const char *known_type(const char *cast)
{
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        if (strcasecmp(TYPES[i].alias, cast) == 0) return TYPES[i].type;
    }
    return NULL;
}

/* Whether the statement is SELECT CAST(NULL AS <type>) and nothing more. */
static bool is_one_cast(const Json *tree)
{
    const Json *statements = json_get(tree, "statements");
    if (statements == NULL || statements->count != 1) return false;
    const Json *node = json_get(&statements->items[0], "node");
    const Json *list = json_get(node, "select_list");
    if (strcmp(json_str(node, "type", ""), "SELECT_NODE") != 0 || list == NULL || list->count != 1)
        return false;
    const Json *child = json_get(&list->items[0], "child");
    return strcmp(json_str(&list->items[0], "class", ""), "CAST") == 0 &&
           strcmp(json_str(child, "class", ""), "CONSTANT") == 0 &&
           strcmp(json_str(json_get(node, "from_table"), "type", ""), "EMPTY") == 0;
}

static Err *asked_type(Plan *plan, const Rel *rel, const ProjectColumn *column, const char **out)
{
    SCRATCH(scratch);
    Conn *conn;
    TRY(plan_conn(plan, &conn));
    const char *sql = arena_printf(scratch, "SELECT CAST(NULL AS %s) AS c", column->cast);
    const Json *tree = NULL;
    Schema schema = {0};
    Err *err = engine_parse_select(scratch, conn, sql, &tree);
    bool is_type = err == NULL && is_one_cast(tree);
    if (is_type) err = engine_describe(scratch, conn, sql, &schema);
    bool is_good = is_type && err == NULL && schema.count == 1;
    err_free(err);
    if (!is_good)
        return err_hint(ERR(INVALID, "%s: column \"%s\": %s is not a type", rel->label,
                            column->source, column->cast),
                        "types are those of SQL: DOUBLE, BIGINT, VARCHAR, TIMESTAMPTZ, ...");
    *out = arena_strdup(rel->arena, schema.columns[0].type);
    return NULL;
}

static Err *check_names(const Rel *rel)
{
    if (rel->project.count == 0) return ERR(INVALID, "%s: no columns are left", rel->label);
    for (size_t i = 0; i < rel->project.count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(rel->project.columns[i].name, rel->project.columns[j].name) == 0)
                return ERR(INVALID, "%s: two columns would be named \"%s\": \"%s\" and \"%s\"",
                           rel->label, rel->project.columns[i].name, rel->project.columns[j].source,
                           rel->project.columns[i].source);
        }
    }
    return NULL;
}

static Err *instant_type(const Rel *rel, const ProjectColumn *column, const char *from,
                         const char **out)
{
    switch (type_class(from)) {
    case TYPE_INT:
    case TYPE_FLOAT:
    case TYPE_DECIMAL:
    case TYPE_TEXT:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_DATE: *out = TYPE_TZ; return NULL;
    case TYPE_BOOL:
    case TYPE_OTHER: break;
    }
    if (strcmp(from, "\"NULL\"") == 0) {
        *out = TYPE_TZ;
        return NULL;
    }
    return ERR(INVALID, "%s: column \"%s\" is %s, which is no time", rel->label, column->source,
               from);
}

/* The column's type; *out_done = false when only the engine knows and there is no plan. */
static Err *column_type(Plan *plan, const Rel *rel, size_t index, const char **out, bool *out_done)
{
    const ProjectColumn *column = &rel->project.columns[index];
    const Schema *input = &rel->inputs[0]->facts->schema;
    ptrdiff_t from = column->source != NULL ? schema_find(input, column->source) : -1;
    if (from < 0 && column->source != NULL)
        return column_missing(rel->label, input, column->source);
    if (from >= 0) *out = input->columns[from].type;
    if (column->as_time) return instant_type(rel, column, *out, out);
    if (column->cast == NULL) return NULL;
    *out = known_type(column->cast);
    if (*out != NULL) return NULL;
    if (plan == NULL)
        *out_done = false;
    else
        TRY(asked_type(plan, rel, column, out));
    return NULL;
}

/* Whether instants stay what they are (to the µs). */
static bool keeps_time(const char *from, const char *to)
{
    return strcmp(from, to) == 0 || strcmp(to, TYPE_TZ) == 0 || strcmp(to, "TIMESTAMP") == 0;
}

static void find_time(const Rel *rel)
{
    const RelFacts *input = rel->inputs[0]->facts;
    RelFacts *facts = rel->facts;
    facts->time_index = -1;
    facts->is_in_order = true;
    if (input->time_index < 0) return;
    const Column *time = &input->schema.columns[input->time_index];
    for (size_t i = 0; i < rel->project.count; i++) {
        const char *type = facts->schema.columns[i].type;
        TimeUnit unit = strcmp(type, time->type) == 0 ? input->time_unit : TIME_UNIT_NONE;
        const char *source = rel->project.columns[i].source;
        if (source == NULL || strcmp(source, time->name) != 0 || !time_type_ok(type, unit))
            continue;
        facts->time_index = (ptrdiff_t)i;
        facts->time_unit = unit;
        facts->is_in_order = input->is_in_order;
        facts->cuts_above = !keeps_time(time->type, type);
        facts->is_time_local = input->is_time_local && !facts->cuts_above;
        return;
    }
}

Err *rel_resolve_project(Plan *plan, const Rel *rel, bool *out_done)
{
    TRY(check_names(rel));
    RelFacts *facts = rel->facts;
    const RelFacts *input = rel->inputs[0]->facts;
    Schema schema = {.columns = AARRAY(rel->arena, Column, rel->project.count),
                     .count = rel->project.count};
    for (size_t i = 0; i < schema.count; i++) {
        const char *type = NULL;
        TRY(column_type(plan, rel, i, &type, out_done));
        schema.columns[i] = (Column){.name = rel->project.columns[i].name, .type = type};
    }
    if (!*out_done) return NULL;
    facts->schema = schema;
    facts->is_volatile = input->is_volatile;
    facts->is_time_local = input->is_time_local;
    find_time(rel);
    return NULL;
}
