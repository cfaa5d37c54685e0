/* The buckets that calls in user SQL make: time_bucket(width, t [, origin or offset]) and
 * date_trunc(unit, t) with constants, as grids.
 *
 * Constants are written out again from the few shapes that the parser gives them, and the engine
 * says what they are. Another shape, a width that is no constant, or one that mixes months with
 * days, has no grid: the call is an expression as any other. */
#include "plan/sql_local.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DAY_1970_01_05 = 4, DAY_2000_01_03 = 10959 }; /* Mondays */

static bool is_class(const SqlTreeNode *node, const char *class)
{
    return strcmp(sql_node_text(node, "class"), class) == 0;
}

static bool is_text(const char *text, const char *const *texts)
{
    for (; *texts != NULL; texts++) {
        if (strcasecmp(text, *texts) == 0) return true;
    }
    return false;
}

/* ---- constants ---- */

static const char *constant_type(const SqlTreeNode *node)
{
    return sql_node_text(sql_node_get(sql_node_get(node, "value"), "type"), "id");
}

static const char *constant_text(const SqlTreeNode *node)
{
    const SqlTreeNode *value = sql_node_get(sql_node_get(node, "value"), "value");
    return value != NULL ? value->text : NULL;
}

static char *constant_sql(Arena *arena, const SqlTreeNode *node)
{
    static const char *const NUMBERS[] = {"TINYINT", "SMALLINT", "INTEGER",
                                          "BIGINT",  "DOUBLE",   NULL};
    const char *text = constant_text(node);
    if (text == NULL) return NULL;
    if (strcmp(constant_type(node), "VARCHAR") == 0) return sql_literal(arena, text);
    return is_text(constant_type(node), NUMBERS) ? arena_strdup(arena, text) : NULL;
}

static char *call_sql(Arena *arena, const SqlTreeNode *node);

/* A constant behind casts and calls that INTERVAL 15 MINUTE is made of; NULL: something else. */
static char *value_sql(Arena *arena, const SqlTreeNode *node)
{
    static const char *const TYPES[] = {"DOUBLE",   "BIGINT",    "INTEGER",
                                        "INTERVAL", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE",
                                        "DATE",     NULL};
    if (is_class(node, "CONSTANT")) return constant_sql(arena, node);
    if (is_class(node, "FUNCTION")) return call_sql(arena, node);
    const char *type = sql_node_text(sql_node_get(node, "cast_type"), "id");
    if (!is_class(node, "CAST") || !is_text(type, TYPES)) return NULL;
    const char *value = value_sql(arena, sql_node_get(node, "child"));
    return value != NULL ? arena_printf(arena, "CAST(%s AS %s)", value, type) : NULL;
}

static char *call_sql(Arena *arena, const SqlTreeNode *node)
{
    static const char *const CALLS[] = {
        "trunc",    "to_years",   "to_quarters", "to_months",       "to_weeks",        "to_days",
        "to_hours", "to_minutes", "to_seconds",  "to_milliseconds", "to_microseconds", NULL};
    const char *name = sql_node_text(node, "function_name");
    const SqlTreeNode *arguments = sql_node_get(node, "children");
    if (!is_text(name, CALLS) || sql_node_size(arguments) != 1) return NULL;
    const char *value = value_sql(arena, arguments->first);
    return value != NULL ? arena_printf(arena, "%s(%s)", name, value) : NULL;
}

static bool is_interval(const SqlTreeNode *node)
{
    return strncmp(sql_node_text(node, "function_name"), "to_", 3) == 0 ||
           strcmp(sql_node_text(sql_node_get(node, "cast_type"), "id"), "INTERVAL") == 0;
}

/* The engine's "number number". */
static Err *ask(Arena *arena, Conn *conn, const char *sql, int64_t *out_first, int64_t *out_second)
{
    char *answer = NULL, *end;
    TRY(engine_scalar_text(arena, conn, sql, NULL, 0, &answer));
    *out_first = *out_second = 0;
    if (answer == NULL) return NULL;
    *out_first = strtoll(answer, &end, 10);
    *out_second = strtoll(end, NULL, 10);
    return NULL;
}

static Err *ask_interval(Arena *arena, Conn *conn, const char *interval, int64_t *out_months,
                         int64_t *out_us)
{
    const char *sql = arena_printf(
        arena,
        "SELECT m || ' ' || (epoch_us(TIMESTAMP '2000-01-01' + i) - epoch_us(TIMESTAMP "
        "'2000-01-01' + to_months(m))) FROM (SELECT i, CAST(date_part('year', i) * 12 + "
        "date_part('month', i) AS INTEGER) AS m FROM (SELECT CAST(%s AS INTERVAL) AS i))",
        interval);
    return ask(arena, conn, sql, out_months, out_us);
}

static Err *ask_instant(Arena *arena, Conn *conn, const char *instant, TimeUs *out)
{
    int64_t ignored;
    const char *sql =
        arena_printf(arena, "SELECT epoch_us(CAST(%s AS TIMESTAMP)) || ' 0'", instant);
    return ask(arena, conn, sql, out, &ignored);
}

/* ---- calls ---- */

/* *out_done = false when the third argument is neither a constant time nor a constant interval. */
static Err *read_origin(LocalWalk *walk, Conn *conn, const SqlTreeNode *node, TimeUs *out,
                        bool *out_done)
{
    const char *value = is_class(node, "CONSTANT") ? NULL : value_sql(walk->arena, node);
    int64_t months, us;
    *out = DAY_2000_01_03 * US_PER_DAY;
    *out_done = value != NULL;
    if (value == NULL) return NULL;
    if (!is_interval(node)) return ask_instant(walk->arena, conn, value, out);
    TRY(ask_interval(walk->arena, conn, value, &months, &us));
    *out += us;
    *out_done = months == 0;
    return NULL;
}

static Err *read_bucket(LocalWalk *walk, Conn *conn, const SqlTreeNode *arguments, Grid *out,
                        bool *out_done)
{
    size_t count = sql_node_size(arguments);
    bool has_origin = true;
    int64_t months, us;
    *out_done = false;
    if (count < 2 || count > 3) return NULL;
    const char *width = value_sql(walk->arena, arguments->first);
    if (width == NULL) return NULL;
    TRY(ask_interval(walk->arena, conn, width, &months, &us));
    *out = (Grid){.width_us = us, .origin = DAY_2000_01_03 * US_PER_DAY, .months = (int)months};
    if (count == 3) TRY(read_origin(walk, conn, arguments->last, &out->origin, &has_origin));
    bool is_width = months == 0 && us > 0, is_calendar = months > 0 && us == 0 && count == 2;
    *out_done = has_origin && (is_width || is_calendar);
    return NULL;
}

static bool read_trunc(const SqlTreeNode *arguments, Grid *out)
{
    static const struct {
        const char *unit;
        Grid grid;
    } UNITS[] = {
        {"microsecond", {.width_us = 1}},
        {"millisecond", {.width_us = 1000}},
        {"second", {.width_us = US_PER_SECOND}},
        {"minute", {.width_us = US_PER_MINUTE}},
        {"hour", {.width_us = US_PER_HOUR}},
        {"day", {.width_us = US_PER_DAY}},
        {"week", {.width_us = 7 * US_PER_DAY, .origin = DAY_1970_01_05 * US_PER_DAY}},
        {"month", {.months = 1}},
        {"quarter", {.months = 3}},
        {"year", {.months = 12}},
    };
    if (sql_node_size(arguments) != 2 || !is_class(arguments->first, "CONSTANT")) return false;
    const char *unit = constant_text(arguments->first);
    for (size_t i = 0; unit != NULL && i < sizeof UNITS / sizeof *UNITS; i++) {
        size_t size = strlen(UNITS[i].unit);
        if (strncasecmp(unit, UNITS[i].unit, size) != 0) continue;
        if (unit[size] != '\0' && strcasecmp(unit + size, "s") != 0) continue;
        *out = UNITS[i].grid;
        return true;
    }
    return false;
}

Err *local_read_grids(LocalWalk *walk, Conn *conn)
{
    static const char *const TRUNCS[] = {"date_trunc", "datetrunc", NULL};
    for (size_t i = 0; i < walk->tree->count; i++) {
        const SqlTreeNode *node = walk->tree->nodes[i];
        const char *name = is_class(node, "FUNCTION") ? sql_node_text(node, "function_name") : "";
        const SqlTreeNode *arguments = sql_node_get(node, "children");
        Grid grid = {0};
        bool is_done = false;
        if (strcasecmp(name, "time_bucket") == 0)
            TRY(read_bucket(walk, conn, arguments, &grid, &is_done));
        else if (is_text(name, TRUNCS))
            is_done = read_trunc(arguments, &grid);
        if (is_done) walk->grid_of[i] = arena_memdup(walk->arena, &grid, sizeof grid);
    }
    return NULL;
}
