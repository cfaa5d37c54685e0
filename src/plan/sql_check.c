/* What user SQL may do: one SELECT over its inputs, and nothing that no fingerprint sees.
 *
 * The engine's own syntax tree is looked through (never the text). A table must be an input, or a
 * CTE, by bare name; table functions are range, generate_series and unnest; other things to select
 * from (DESCRIBE, tables of catalogs) are refused. Functions that read files, settings, catalogs,
 * or change something, are refused by name; the rest are judged by what the engine says of their
 * stability: whatever is not CONSISTENT (now, random) makes the node volatile.
 *
 * Scopes of CTEs are followed exactly: a name that is no table where it stands would be taken for a
 * file's (SELECT * FROM "x.csv"). */
#include "plan/plan_int.h"
#include "plan/sql_tree.h"
#include <stdlib.h>
#include <string.h>

static const char *const TABLE_FUNCTIONS[] = {"range", "generate_series", "unnest", NULL};

static const char *const FROM_KINDS[] = {"EMPTY",           "JOIN",  "SUBQUERY",
                                         "EXPRESSION_LIST", "PIVOT", "BASE_TABLE",
                                         "TABLE_FUNCTION",  "CTE",   NULL};

/* Functions and macros that reach outside the statement. */
static const char *const REFUSED[] = {
    "getenv",
    "getvariable",
    "nextval",
    "currval",
    "setseed",
    "write_log",
    "sleep_ms",
    "stats",
    "vector_type",
    "in_search_path",
    "version",
    "get_block_size",
    "format_type",
    "format_pg_type",
    "map_to_pg_oid",
    "col_description",
    "obj_description",
    "shobj_description",
    "json_serialize_sql",
    "json_deserialize_sql",
    "json_execute_serialized_sql",
    "parse_duckdb_log_message",
    "txid_current",
    "session_user",
    "user",
    NULL,
};
static const char *const REFUSED_PREFIXES[] = {"current_", "pg_",     "has_",  "inet_",
                                               "duckdb_",  "pragma_", "read_", NULL};
/* The time of day; some are called without parentheses and look like columns. */
static const char *const CLOCKS[] = {
    "current_date",
    "current_time",
    "current_timestamp",
    "current_localtime",
    "current_localtimestamp",
    "localtime",
    "localtimestamp",
    "get_current_time",
    "get_current_timestamp",
    "today",
    "ago",
    NULL,
};
static const char *const BARE_REFUSED[] = {"current_user",
                                           "current_role",
                                           "current_catalog",
                                           "current_schema",
                                           "session_user",
                                           "user",
                                           NULL};

typedef struct Walk {
    Arena *arena;
    Plan *plan;
    Conn *conn;
    const Rel *rel;
    SqlCheck result;
} Walk;

static bool is_in(const char *name, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcasecmp(name, *list) == 0) return true;
    }
    return false;
}

static bool is_refused(const char *name)
{
    if (is_in(name, CLOCKS)) return false;
    for (const char *const *prefix = REFUSED_PREFIXES; *prefix != NULL; prefix++) {
        if (strncasecmp(name, *prefix, strlen(*prefix)) == 0) return true;
    }
    return is_in(name, REFUSED);
}

/* The error with the place of the node it is about. */
static Err *placed(const Walk *walk, const SqlTreeNode *node, Err *err)
{
    const char *query = walk->rel->sql.query;
    const char *location = sql_node_text(node, "query_location");
    unsigned long long offset = strtoull(location, NULL, 10);
    if (location[0] == '\0' || offset > strlen(query)) return err; /* "none" is 2^64 - 1 */
    int line, column;
    sql_text_position(query, (size_t)offset, &line, &column);
    return err_at(err, line, column);
}

static Err *refuse_function(const Walk *walk, const SqlTreeNode *node, const char *name)
{
    Err *err = ERR(SQL,
                   "%s: %s() is not allowed: it reads what is not among the patterns, or changes "
                   "something",
                   walk->rel->label, name);
    return err_hint(placed(walk, node, err), "name the data under `patterns`");
}

/* ---- tables ---- */

static ptrdiff_t input_named(const Rel *rel, const char *name)
{
    for (size_t i = 0; i < rel->input_count; i++) {
        if (strcasecmp(rel->sql.names[i], name) == 0) return (ptrdiff_t)i;
    }
    return -1;
}

static Err *unknown_table(const Walk *walk, const SqlTreeNode *node, const char *name)
{
    const Rel *rel = walk->rel;
    SCRATCH(scratch);
    Buf list = buf_new(scratch);
    for (size_t i = 0; i < rel->input_count; i++)
        buf_printf(&list, "%s%s", i > 0 ? ", " : "", rel->sql.names[i]);
    const char *nearest = text_nearest(name, rel->sql.names, rel->input_count);
    Err *err =
        placed(walk, node, ERR(SQL, "%s: \"%s\" is not among the patterns", rel->label, name));
    if (nearest != NULL) return err_hint(err, "did you mean %s?", nearest);
    return err_hint(err, "the tables are: %s", list.data);
}

static Err *check_table(Walk *walk, const SqlTreeNode *node)
{
    const char *name = sql_node_text(node, "table_name"),
               *schema = sql_node_text(node, "schema_name");
    bool is_qualified = schema[0] != '\0' || sql_node_text(node, "catalog_name")[0] != '\0';
    if (is_qualified)
        return unknown_table(walk, node, arena_printf(walk->arena, "%s.%s", schema, name));
    const SqlTreeNode *entry;
    if (sql_cte_find(node, name, &entry)) return NULL;
    ptrdiff_t input = input_named(walk->rel, name);
    if (input < 0) return unknown_table(walk, node, name);
    walk->result.is_used[input] = true;
    return NULL;
}

static Err *check_from(Walk *walk, const SqlTreeNode *node, const char *type)
{
    if (strcmp(sql_node_get(node, "sample")->kind, "NULL") != 0) walk->result.is_volatile = true;
    if (strcmp(type, "BASE_TABLE") == 0) return check_table(walk, node);
    if (is_in(type, FROM_KINDS)) return NULL;
    Err *err =
        ERR(SQL, "%s: FROM may name patterns, CTEs, VALUES and sub-queries only", walk->rel->label);
    return placed(walk, node, err);
}

/* ---- expressions ---- */

static Err *check_call(Walk *walk, const SqlTreeNode *node, const char *name)
{
    bool is_table = strcmp(node->key, "function") == 0 &&
                    strcmp(sql_node_text(node->parent, "type"), "TABLE_FUNCTION") == 0;
    if (is_table) return is_in(name, TABLE_FUNCTIONS) ? NULL : refuse_function(walk, node, name);
    if (is_refused(name)) return refuse_function(walk, node, name);
    /* age(x) counts from today; the engine calls both forms consistent */
    bool is_age =
        strcasecmp(name, "age") == 0 && sql_node_size(sql_node_get(node, "children")) == 1;
    if (is_age || is_in(name, CLOCKS)) walk->result.is_volatile = true;
    TRY(sql_functions_read(walk->plan, walk->conn));
    if (sql_function_is_volatile(walk->plan, name)) walk->result.is_volatile = true;
    return NULL;
}

static Err *check_column(Walk *walk, const SqlTreeNode *node)
{
    const SqlTreeNode *names = sql_node_get(node, "column_names");
    if (sql_node_size(names) != 1 || names->first->text == NULL) return NULL;
    if (is_in(names->first->text, CLOCKS)) walk->result.is_volatile = true;
    return is_in(names->first->text, BARE_REFUSED) ? refuse_function(walk, node, names->first->text)
                                                   : NULL;
}

/* What an object is, by the members that only such objects have. */
static Err *check_node(Walk *walk, const SqlTreeNode *node)
{
    if (strcmp(node->kind, "OBJECT") != 0) return NULL;
    const char *class = sql_node_text(node, "class"), *type = sql_node_text(node, "type");
    const SqlTreeNode *function = sql_node_get(node, "function_name");
    if (strcmp(class, "COLUMN_REF") == 0) return check_column(walk, node);
    if (function != NULL && function->text != NULL) return check_call(walk, node, function->text);
    bool is_from = class[0] == '\0' && sql_node_get(node, "alias") != NULL &&
                   sql_node_get(node, "sample") != NULL;
    return is_from ? check_from(walk, node, type) : NULL;
}

Err *sql_check(Plan *plan, Arena *arena, const Rel *rel, const SqlTree *tree, SqlCheck *out)
{
    SCRATCH(scratch);
    Conn *conn;
    TRY(plan_conn(plan, &conn));
    Walk walk = {.arena = scratch, .plan = plan, .conn = conn, .rel = rel};
    walk.result.is_used = AARRAY(arena, bool, rel->input_count);
    for (size_t i = 0; i < tree->count; i++) TRY(check_node(&walk, tree->nodes[i]));
    *out = walk.result;
    return NULL;
}
