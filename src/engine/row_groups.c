/* Row groups that the conditions in scans skip. The engine tells the conditions and keeps quiet
 * about what it skipped by them, so that is worked out as it does it: from the smallest and largest
 * value of each column in the footers, which are read once more for it. Only of statements whose
 * plans are wanted (POND_PLANS=all, the level detail).
 *
 * Conditions that compare a column with constants are understood; others, which the engine may know
 * to use, skip nothing here: the figure is at least. Conditions come as text (a0>=5 AND a0<7), the
 * files from the statement's own read_parquet([...]) AS t(names), since the engine names only five.
 * Whatever is not as expected is left out. */
#include "engine/engine_int.h"
#include "engine/profile_int.h"
#include "perf/ops.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- the files of a scan, from the text of the statement ---- */

typedef struct Listed {
    const char *files; /* between the brackets */
    const char *first; /* as the engine names it: what is written for a name with [ is kept */
    size_t count;
    const char **names; /* of the columns by position; NULL: the files' own */
    size_t name_count;
    bool is_taken;
} Listed;
typedef VEC(Listed) ListedVec;

/* Behind the text in quotes that begins here. */
static const char *behind_quoted(const char *at)
{
    const char quote = *at++;
    while (*at != '\0' && (*at != quote || at[1] == quote)) at += *at == quote ? 2 : 1;
    return *at != '\0' ? at + 1 : at;
}

/* The text of a literal. */
static const char *text_of_literal(Arena *arena, const char *at)
{
    Buf text = buf_new(arena);
    const char *end = behind_quoted(at) - 1;
    for (at++; at < end; at += *at == '\'' ? 2 : 1) buf_putc(&text, *at);
    return text.data;
}

/* Behind the bracket that closes the one before `at`. */
static const char *behind_bracket(const char *at, char open, char close)
{
    for (int depth = 1; *at != '\0' && depth > 0;) {
        depth += (*at == open) - (*at == close);
        at = *at == '\'' || *at == '"' ? behind_quoted(at) : at + 1;
    }
    return at;
}

static void take_names(Arena *arena, const char *at, Listed *list)
{
    static const char AS[] = " AS t(";
    if (strncmp(at, AS, strlen(AS)) != 0) return;
    at += strlen(AS);
    list->names = AARRAY(arena, const char *, strlen(at));
    while (*at != '\0' && *at != ')') {
        size_t length = strcspn(at, ",)");
        list->names[list->name_count++] = arena_strndup(arena, at, length);
        at += length;
        at += strspn(at, ", ");
    }
}

static ListedVec lists_of(Arena *arena, const char *sql)
{
    static const char READ[] = "read_parquet([";
    ListedVec lists = {0};
    for (const char *at = strstr(sql, READ); at != NULL; at = strstr(at, READ)) {
        at += strlen(READ);
        const char *end = at;
        Listed list = {.first = *at == '\'' ? text_of_literal(arena, at) : ""};
        for (; *end != '\0' && *end != ']'; list.count += *end == ',' || *end == ']')
            end = *end == '\'' ? behind_quoted(end) : end + 1;
        list.files = arena_strndup(arena, at, (size_t)(end - at));
        take_names(arena, behind_bracket(end, '(', ')'), &list);
        vec_push(arena, &lists, list);
        at = end;
    }
    return lists;
}

static Listed *list_of_scan(const ListedVec *lists, const FilteredScan *scan)
{
    for (size_t i = 0; i < lists->n; i++) {
        Listed *list = &lists->v[i];
        if (list->is_taken || list->count != scan->file_count || *list->first == '\0') continue;
        if (!text_starts(scan->files, list->first)) continue;
        list->is_taken = true;
        return list;
    }
    return NULL;
}

/* ---- conditions ---- */

typedef struct Condition {
    const char *column;
    const char *op; /* of OPS */
    VEC(const char *) values;
    const char *type; /* of the values */
} Condition;

static const char *const OPS[] = {">=", "<=", "!=", ">", "<", "=", " IN ("};

static const char *take_name(Arena *arena, const char *at, const char **out)
{
    Buf name = buf_new(arena);
    if (*at == '"') {
        const char *end = behind_quoted(at) - 1;
        for (at++; at < end; at += *at == '"' ? 2 : 1) buf_putc(&name, *at);
        at = end + 1;
    } else {
        while (isalnum((unsigned char)*at) || *at == '_') buf_putc(&name, *at++);
    }
    *out = name.data;
    return at;
}

/* A constant up to its end: 'text'::TYPE, a number, true or false. NULL when it is none. */
static const char *take_value(Arena *arena, const char *at, Condition *condition)
{
    const char *begin = at;
    if (*at == '\'') {
        at = behind_quoted(at);
        condition->type = "VARCHAR";
        if (strncmp(at, "::", 2) == 0) {
            size_t length = 2 + strspn(at + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_ ");
            condition->type = arena_strndup(arena, at + 2, length - 2);
            at += length;
        }
    } else if (strncmp(at, "true", 4) == 0 || strncmp(at, "false", 5) == 0) {
        at += *at == 't' ? 4 : 5;
        condition->type = "BOOLEAN";
    } else {
        at += strspn(at, "-0123456789.eE+");
        size_t length = (size_t)(at - begin);
        bool is_whole = strspn(begin, "-0123456789") >= length;
        condition->type = is_whole ? "HUGEINT" : "DOUBLE";
    }
    if (at == begin) return NULL;
    vec_push(arena, &condition->values, arena_strndup(arena, begin, (size_t)(at - begin)));
    return at;
}

static bool read_condition(Arena *arena, const char *at, Condition *out)
{
    static const char OPTIONAL[] = "optional: ";
    if (text_starts(at, OPTIONAL)) at += strlen(OPTIONAL);
    at = take_name(arena, at, &out->column);
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS && out->op == NULL; i++)
        if (text_starts(at, OPS[i])) out->op = OPS[i];
    if (out->op == NULL || *out->column == '\0') return false;
    at += strlen(out->op);
    const bool is_list = *out->op == ' ';
    for (at = take_value(arena, at, out); is_list && at != NULL && text_starts(at, ", ");)
        at = take_value(arena, at + 2, out);
    return at != NULL && strcmp(at, is_list ? ")" : "") == 0;
}

/* Lines, and in each of them what AND joins outside of brackets and quotes. */
static void each_condition(Arena *arena, const char *filters, void *context,
                           void (*take)(void *context, const char *condition))
{
    static const char AND[] = " AND ";
    for (const char *begin = filters, *at = filters; *begin != '\0';) {
        const bool is_and = text_starts(at, AND);
        if (*at == '\0' || *at == '\n' || is_and) {
            take(context, arena_strndup(arena, begin, (size_t)(at - begin)));
            at += is_and ? strlen(AND) : *at == '\n';
            begin = at;
        } else if (*at == '(') {
            at = behind_bracket(at + 1, '(', ')');
        } else {
            at = *at == '\'' || *at == '"' ? behind_quoted(at) : at + 1;
        }
    }
}

/* ---- what skips a row group ---- */

/* The engine keeps eight bytes of the smallest and largest text: what begins alike may be equal. */
static void put_text_skip(Buf *sql, const char *op, const char *value)
{
    const bool below = *op != '<', above = *op != '>';
    if (*op == '!') buf_puts(sql, "false");
    if (*op == '!') return;
    buf_putc(sql, '(');
    if (below) buf_printf(sql, "left(stats_max_value, 8) < left(%s, 8)", value);
    if (below && above) buf_puts(sql, " OR ");
    if (above) buf_printf(sql, "left(stats_min_value, 8) > left(%s, 8)", value);
    buf_putc(sql, ')');
}

static void put_value_skip(Buf *sql, const char *op, const char *value, const char *type)
{
    const char *least = arena_printf(sql->arena, "TRY_CAST(stats_min_value AS %s)", type);
    const char *most = arena_printf(sql->arena, "TRY_CAST(stats_max_value AS %s)", type);
    if (strcmp(op, ">=") == 0)
        buf_printf(sql, "%s < %s", most, value);
    else if (strcmp(op, ">") == 0)
        buf_printf(sql, "%s <= %s", most, value);
    else if (strcmp(op, "<=") == 0)
        buf_printf(sql, "%s > %s", least, value);
    else if (strcmp(op, "<") == 0)
        buf_printf(sql, "%s >= %s", least, value);
    else if (strcmp(op, "!=") == 0)
        buf_printf(sql, "(%s = %s AND %s = %s)", least, value, most, value);
    else
        buf_printf(sql, "(%s < %s OR %s > %s)", most, value, least, value);
}

typedef struct Skips {
    Arena *arena;
    const Listed *list;
    Buf sql; /* WHEN ... THEN ... */
} Skips;

static void put_column(const Skips *skips, Buf *sql, const char *column)
{
    for (size_t i = 0; i < skips->list->name_count; i++)
        if (strcmp(skips->list->names[i], column) == 0) {
            buf_printf(sql, "column_id = %zu", i);
            return;
        }
    buf_printf(sql, "path_in_schema = %s", sql_literal(skips->arena, column));
}

static void put_condition(void *context, const char *text)
{
    Skips *skips = context;
    Condition condition = {0};
    if (!read_condition(skips->arena, text, &condition)) return;
    const bool is_text = strcmp(condition.type, "VARCHAR") == 0;
    buf_puts(&skips->sql, skips->sql.size > 0 ? " OR (" : "(");
    put_column(skips, &skips->sql, condition.column);
    buf_puts(&skips->sql, " AND (stats_null_count = num_values OR (");
    for (size_t i = 0; i < condition.values.n; i++) {
        if (i > 0) buf_puts(&skips->sql, " AND ");
        if (is_text)
            put_text_skip(&skips->sql, condition.op, condition.values.v[i]);
        else
            put_value_skip(&skips->sql, condition.op, condition.values.v[i], condition.type);
    }
    buf_puts(&skips->sql, ")))");
}

/* ---- asking ---- */

/* The three numbers of the only row. */
static bool ask_numbers(const Conn *conn, const char *sql, uint64_t out[3])
{
    CLEANUP(result_destroy_at) duckdb_result result = {0};
    if (ddb.query(conn->handle, sql, &result) != DuckDBSuccess) return false;
    duckdb_data_chunk chunk = ddb.fetch_chunk(result);
    if (chunk == NULL) return false;
    bool has_row = ddb.data_chunk_get_size(chunk) == 1;
    for (idx_t i = 0; i < 3 && has_row; i++)
        out[i] = ((const uint64_t *)ddb.vector_get_data(ddb.data_chunk_get_vector(chunk, i)))[0];
    ddb.destroy_data_chunk(&chunk);
    return has_row;
}

/* Columns are known by position, which in a file with nested ones is not that of their values. */
static void count_scan(Arena *arena, const Conn *conn, const Listed *list, const char *filters,
                       PerfProfile *out)
{
    uint64_t numbers[3] = {0};
    Skips skips = {.arena = arena, .list = list, .sql = buf_new(arena)};
    each_condition(arena, filters, &skips, put_condition);
    const char *sql = arena_printf(
        arena,
        "SELECT count(*), coalesce(sum(skipped::INT), 0)::BIGINT, coalesce(sum(nested::INT), "
        "0)::BIGINT FROM (SELECT bool_or(coalesce(%s, false)) AS skipped, "
        "bool_or(contains(path_in_schema, ', ')) AS nested FROM parquet_metadata([%s]) GROUP BY "
        "file_name, row_group_id)",
        skips.sql.size > 0 ? skips.sql.data : "false", list->files);
    if (!ask_numbers(conn, sql, numbers)) return;
    if (list->name_count > 0 && numbers[2] > 0) return;
    out->row_groups += numbers[0];
    out->row_groups_skipped += numbers[1];
}

void row_groups_count(Arena *arena, const Profile *statement, const FilteredScanVec *scans,
                      PerfProfile *out)
{
    if (scans->n == 0) return;
    PERF_SPAN(PERF_engine_footers);
    ListedVec lists = lists_of(arena, statement->sql);
    for (size_t i = 0; i < scans->n; i++) {
        const Listed *list = list_of_scan(&lists, &scans->v[i]);
        if (list != NULL) count_scan(arena, statement->conn, list, scans->v[i].filters, out);
    }
    perf_add(PERF_row_group_known, out->row_groups);
    perf_add(PERF_row_group_skipped, out->row_groups_skipped);
}
