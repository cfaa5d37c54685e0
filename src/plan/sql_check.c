/* What user SQL may do: one SELECT over its inputs, and nothing that no fingerprint sees.
 *
 * The engine's own syntax tree is walked (never the text). A table must be an input, or a CTE, by bare
 * name; table functions are range, generate_series and unnest; other things to select from (DESCRIBE,
 * positions of catalogs, ...) are refused. Functions that read files, settings, catalogs or that change something are
 * refused by name; the rest are judged by what the engine says of their stability: whatever is not
 * CONSISTENT (now, random) makes the node volatile.
 *
 * A CTE's name is accepted anywhere in the text, also outside its scope: the engine then says that there is no
 * such table, because the catalog it looks into is empty. */
#include "plan/plan_int.h"
#include <string.h>

static const char *const TABLE_FUNCTIONS[] = {"range", "generate_series", "unnest", NULL};

/* Scalar functions and macros that reach outside the statement. */
static const char *const REFUSED[] = {
    "getenv", "current_setting", "getvariable", "read_text", "read_blob", "read_csv", "read_parquet",
    "query", "query_table", "nextval", "currval", "setseed", "write_log", "sleep_ms", "stats",
    "current_query", "current_query_id", "current_connection_id", "current_transaction_id",
    "txid_current", "current_database", "current_schema", "current_schemas", "current_user",
    "current_role", "current_catalog", "session_user", "user", "in_search_path", "version",
    "get_block_size", "format_type", "format_pg_type", "map_to_pg_oid", "pg_typeof",
    "col_description", "obj_description", "shobj_description", "add_parquet_key",
    "json_execute_serialized_sql", "json_serialize_sql", "json_deserialize_sql",
    "json_serialize_plan", "parse_duckdb_log_message", "is_histogram_other_bin", "sql_auto_complete",
    "icu_sort_key_private", "constant_or_null", "create_sort_key", NULL,
};
static const char *const REFUSED_PREFIXES[] = {"pg_", "has_", "inet_", "duckdb_", "pragma_", NULL};

/* Names that the parser leaves as columns and the binder turns into calls. */
static const char *const BARE_CLOCKS[] = {"current_date", "current_time", "current_timestamp",
                                          "localtime", "localtimestamp", "today", NULL};
static const char *const BARE_REFUSED[] = {"current_user", "current_role", "current_catalog",
                                           "current_schema", "session_user", "user", NULL};

typedef struct Walk {
    Arena *arena;
    const Rel *rel;
    Map ctes;      /* lower-case names */
    Map functions; /* lower-case names that were called */
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
    for (const char *const *prefix = REFUSED_PREFIXES; *prefix != NULL; prefix++) {
        if (strncasecmp(name, *prefix, strlen(*prefix)) == 0) return true;
    }
    return is_in(name, REFUSED);
}

static char *lower(Arena *arena, const char *name)
{
    char *copy = arena_strdup(arena, name);
    for (char *p = copy; *p != '\0'; p++) {
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
    }
    return copy;
}

/* The error with the place of the node it is about. */
static Err *placed(const Walk *walk, const Json *node, Err *err)
{
    const Json *location = json_get(node, "query_location");
    if (location == NULL || location->kind != JSON_INT || location->integer < 0) return err;
    int line, column;
    sql_text_position(walk->rel->sql.query, (size_t)location->integer, &line, &column);
    return err_at(err, line, column);
}

static Err *refuse_function(const Walk *walk, const Json *node, const char *name)
{
    return err_hint(placed(walk, node, ERR(SQL, "%s: %s() is not allowed: it reads what is not among the "
                                                "patterns, or changes something",
                                           walk->rel->label, name)),
                    "name the data under `patterns`");
}

static ptrdiff_t input_named(const Rel *rel, const char *name)
{
    for (size_t i = 0; i < rel->input_count; i++) {
        if (strcasecmp(rel->sql.names[i], name) == 0) return (ptrdiff_t)i;
    }
    return -1;
}

static Err *unknown_table(const Walk *walk, const Json *node, const char *name)
{
    const Rel *rel = walk->rel;
    SCRATCH(scratch);
    Buf list = buf_new(scratch);
    for (size_t i = 0; i < rel->input_count; i++)
        buf_printf(&list, "%s%s", i > 0 ? ", " : "", rel->sql.names[i]);
    const char *nearest = text_nearest(name, rel->sql.names, rel->input_count);
    Err *err = placed(walk, node, ERR(SQL, "%s: \"%s\" is not among the patterns", rel->label, name));
    if (nearest != NULL) return err_hint(err, "did you mean %s?", nearest);
    return err_hint(err, "the tables are: %s", list.data);
}

static Err *check_table(Walk *walk, const Json *node)
{
    const char *name = json_str(node, "table_name", "");
    bool is_qualified = json_str(node, "schema_name", "")[0] != '\0' ||
                        json_str(node, "catalog_name", "")[0] != '\0';
    ptrdiff_t input = is_qualified ? -1 : input_named(walk->rel, name);
    if (input >= 0) {
        walk->result.is_used[input] = true;
        return NULL;
    }
    if (!is_qualified && map_has(&walk->ctes, lower(walk->arena, name))) return NULL;
    if (is_qualified) name = arena_printf(walk->arena, "%s.%s", json_str(node, "schema_name", ""), name);
    return unknown_table(walk, node, name);
}

static Err *check_call(Walk *walk, const Json *node, const char *name)
{
    if (is_refused(name)) return refuse_function(walk, node, name);
    map_put(&walk->functions, lower(walk->arena, name), walk);
    return NULL;
}

static Err *check_from(Walk *walk, const Json *node, const char *type)
{
    static const char *const ALLOWED[] = {"EMPTY", "JOIN", "SUBQUERY", "EXPRESSION_LIST", "PIVOT",
                                          "BASE_TABLE", "TABLE_FUNCTION", "CTE", NULL};
    const Json *sample = json_get(node, "sample");
    if (sample != NULL && sample->kind != JSON_NULL) walk->result.is_volatile = true;
    if (strcmp(type, "BASE_TABLE") == 0) return check_table(walk, node);
    if (!is_in(type, ALLOWED))
        return placed(walk, node, ERR(SQL, "%s: FROM may name patterns, CTEs, VALUES and sub-queries only",
                                      walk->rel->label));
    if (strcmp(type, "TABLE_FUNCTION") != 0) return NULL;
    const Json *function = json_get(node, "function");
    const char *name = json_str(function, "function_name", "");
    if (is_in(name, TABLE_FUNCTIONS)) return NULL;
    return refuse_function(walk, function, name);
}

static Err *check_column(Walk *walk, const Json *node)
{
    const Json *names = json_get(node, "column_names");
    if (names == NULL || names->count != 1 || names->items[0].kind != JSON_STRING) return NULL;
    const char *name = names->items[0].string;
    if (is_in(name, BARE_CLOCKS)) walk->result.is_volatile = true;
    return is_in(name, BARE_REFUSED) ? refuse_function(walk, node, name) : NULL;
}

/* What one object of the tree is, by the keys that only such objects have. */
static Err *check_object(Walk *walk, const Json *node)
{
    const char *class = json_str(node, "class", NULL), *type = json_str(node, "type", NULL);
    const char *function = json_str(node, "function_name", NULL);
    if (class != NULL && strcmp(class, "COLUMN_REF") == 0) return check_column(walk, node);
    if (function != NULL) return check_call(walk, node, function);
    bool is_from = class == NULL && type != NULL && json_get(node, "alias") != NULL &&
                   json_get(node, "sample") != NULL;
    return is_from ? check_from(walk, node, type) : NULL;
}

static Err *walk_tree(Walk *walk, const Json *json)
{
    if (json->kind == JSON_OBJECT) TRY(check_object(walk, json));
    for (size_t i = 0; i < json->count; i++) TRY(walk_tree(walk, &json->items[i]));
    return NULL;
}

/* Names of CTEs stand as keys of {"map": [{"key", "value"}]}. */
static void collect_ctes(Walk *walk, const Json *json)
{
    const Json *map = json_get(json_get(json, "cte_map"), "map");
    for (size_t i = 0; map != NULL && i < map->count; i++)
        map_put(&walk->ctes, lower(walk->arena, json_str(&map->items[i], "key", "")), walk);
    for (size_t i = 0; i < json->count; i++) collect_ctes(walk, &json->items[i]);
}

/* Whether any function that was called is known as not consistent. Macros have no stability: those that
 * are left by REFUSED compute from their arguments, except ago(). */
static Err *check_stability(Walk *walk, Conn *conn)
{
    if (walk->result.is_volatile || walk->functions.count == 0) return NULL;
    if (map_has(&walk->functions, "ago")) walk->result.is_volatile = true;
    Buf sql = buf_new(walk->arena);
    buf_puts(&sql, "SELECT count(*) FROM duckdb_functions() WHERE stability <> 'CONSISTENT' AND "
                   "function_name IN (");
    for (size_t i = 0; i < walk->functions.count; i++)
        buf_printf(&sql, "%s%s", i > 0 ? ", " : "",
                   sql_literal(walk->arena, walk->functions.entries[i].key));
    buf_putc(&sql, ')');
    char *count = NULL;
    TRY(engine_scalar_text(walk->arena, conn, sql.data, NULL, 0, &count));
    if (count != NULL && strcmp(count, "0") != 0) walk->result.is_volatile = true;
    return NULL;
}

Err *sql_check(Plan *plan, Arena *arena, const Rel *rel, SqlCheck *out)
{
    SCRATCH(scratch);
    Conn *conn;
    const Json *tree = NULL;
    TRY(plan_conn(plan, &conn));
    TRY(ERR_WRAP(engine_parse_select(scratch, conn, rel->sql.query, &tree), "%s", rel->label));
    Walk walk = {.arena = scratch, .rel = rel, .ctes = map_new(scratch), .functions = map_new(scratch)};
    walk.result.is_used = AARRAY(arena, bool, rel->input_count);
    collect_ctes(&walk, tree);
    TRY(walk_tree(&walk, tree));
    TRY(check_stability(&walk, conn));
    *out = walk.result;
    return NULL;
}
