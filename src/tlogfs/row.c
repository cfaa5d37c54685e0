/* Log rows to and from the engine.
 *
 * One table of columns, in file order, gives the Delta schema, the temporary table that a commit's
 * rows are appended to, and the places of cells. Types are those that Delta has: BIGINT, VARCHAR,
 * BOOLEAN, BLOB and TIMESTAMP WITH TIME ZONE. Times that a user may set to anything (overrides) are
 * BIGINT microseconds.
 *
 * A row read from a file is checked for form here (known operation and type, UUIDs, a hash of 64
 * hex digits); whether it makes sense after the rows before it is the index's business
 * (index_apply.c). */
#include "tlogfs/row_int.h"
#include <string.h>

typedef enum RowColumn {
    COL_TXN,
    COL_SEQ,
    COL_OP,
    COL_NODE,
    COL_PARENT,
    COL_NAME,
    COL_TYPE,
    COL_VERSION,
    COL_VERSION_TO,
    COL_TIME,
    COL_SIZE,
    COL_SHA256,
    COL_CONTENT,
    COL_PARQUET,
    COL_ROWS,
    COL_TIME_COLUMN,
    COL_TIME_UNIT,
    COL_INTERVALS,
    COL_IN_ORDER,
    COL_MIN_OVERRIDE,
    COL_MAX_OVERRIDE,
    COL_FACTORY,
    COL_SCHEMA,
    COL_ATTRIBUTES
} RowColumn;

static Column columns[ROW_COLUMN_COUNT] = {
    [COL_TXN] = {"txn", "BIGINT"},
    [COL_SEQ] = {"seq", "BIGINT"},
    [COL_OP] = {"op", "VARCHAR"},
    [COL_NODE] = {"node_id", "VARCHAR"},
    [COL_PARENT] = {"parent_id", "VARCHAR"},
    [COL_NAME] = {"name", "VARCHAR"},
    [COL_TYPE] = {"entry_type", "VARCHAR"},
    [COL_VERSION] = {"version", "BIGINT"},
    [COL_VERSION_TO] = {"version_to", "BIGINT"},
    [COL_TIME] = {"time", "TIMESTAMP WITH TIME ZONE"},
    [COL_SIZE] = {"size", "BIGINT"},
    [COL_SHA256] = {"sha256", "VARCHAR"},
    [COL_CONTENT] = {"content", "BLOB"},
    [COL_PARQUET] = {"parquet", "BOOLEAN"},
    [COL_ROWS] = {"rows", "BIGINT"},
    [COL_TIME_COLUMN] = {"time_column", "VARCHAR"},
    [COL_TIME_UNIT] = {"time_unit", "VARCHAR"},
    [COL_INTERVALS] = {"intervals", "VARCHAR"},
    [COL_IN_ORDER] = {"in_order", "BOOLEAN"},
    [COL_MIN_OVERRIDE] = {"min_override", "BIGINT"},
    [COL_MAX_OVERRIDE] = {"max_override", "BIGINT"},
    [COL_FACTORY] = {"factory", "VARCHAR"},
    [COL_SCHEMA] = {"schema", "VARCHAR"},
    [COL_ATTRIBUTES] = {"attributes", "VARCHAR"},
};
const Schema ROW_SCHEMA = {.columns = columns, .count = ROW_COLUMN_COUNT};

static const char *const OP_NAMES[] = {"node", "version", "drop", "delete"};
static const char *const UNIT_NAMES[] = {NULL, "s", "ms", "us", "ns"};

const char *row_op_name(RowOp op)
{
    return OP_NAMES[op];
}

char *row_columns_sql(Arena *arena)
{
    Buf sql = buf_new(arena);
    for (size_t i = 0; i < ROW_COLUMN_COUNT; i++) {
        buf_printf(&sql, "%s%s", i == 0 ? "" : ", ", sql_ident(arena, columns[i].name));
    }
    return sql.data;
}

char *row_create_table_sql(Arena *arena, const char *table)
{
    Buf sql = buf_new(arena);
    buf_printf(&sql, "CREATE OR REPLACE TEMPORARY TABLE %s (", sql_ident(arena, table));
    for (size_t i = 0; i < ROW_COLUMN_COUNT; i++) {
        buf_printf(&sql, "%s%s %s", i == 0 ? "" : ", ", sql_ident(arena, columns[i].name),
                   columns[i].type);
    }
    buf_puts(&sql, ")");
    return sql.data;
}

/* ---- to values ---- */

static Value value_int(int64_t integer)
{
    return (Value){.kind = VALUE_INT, .integer = integer};
}

static Value value_size(int64_t integer)
{
    return integer < 0 ? (Value){.kind = VALUE_NULL} : value_int(integer);
}

static Value value_bool(bool flag)
{
    return (Value){.kind = VALUE_BOOL, .integer = flag};
}

static Value value_text(const char *text)
{
    if (text == NULL) return (Value){.kind = VALUE_NULL};
    return (Value){.kind = VALUE_TEXT, .bytes = text, .size = strlen(text)};
}

static void version_values(const LogRow *row, Value *out)
{
    out[COL_VERSION] = value_int(row->version);
    if (row->op == ROW_DROP) out[COL_VERSION_TO] = value_int(row->version_to);
    if (row->op != ROW_VERSION) return;
    out[COL_SIZE] = value_size(row->size_bytes);
    out[COL_SHA256] = value_text(row->sha256);
    out[COL_PARQUET] = value_bool(row->parquet);
    out[COL_ROWS] = value_size(row->rows);
    out[COL_TIME_COLUMN] = value_text(row->time_column);
    out[COL_TIME_UNIT] = value_text(UNIT_NAMES[row->time_unit]);
    out[COL_INTERVALS] = value_text(row->intervals);
    out[COL_IN_ORDER] = value_bool(row->in_order);
    out[COL_SCHEMA] = value_text(row->schema);
}

static void node_values(const LogRow *row, Value *out)
{
    if (row->parent.text[0] != '\0') out[COL_PARENT] = value_text(row->parent.text);
    out[COL_NAME] = value_text(row->name);
    out[COL_TYPE] = value_text(entry_type_name(row->type));
    if (row->has_min_override) out[COL_MIN_OVERRIDE] = value_int(row->min_override);
    if (row->has_max_override) out[COL_MAX_OVERRIDE] = value_int(row->max_override);
    out[COL_FACTORY] = value_text(row->factory);
}

void row_values(const LogRow *row, Value out[ROW_COLUMN_COUNT])
{
    for (size_t i = 0; i < ROW_COLUMN_COUNT; i++) out[i] = (Value){.kind = VALUE_NULL};
    out[COL_TXN] = value_int(row->txn);
    out[COL_SEQ] = value_int(row->seq);
    out[COL_OP] = value_text(OP_NAMES[row->op]);
    out[COL_NODE] = value_text(row->node.text);
    out[COL_TIME] = (Value){.kind = VALUE_TIME, .integer = row->time};
    if (row->op == ROW_NODE) node_values(row, out);
    if (row->op == ROW_VERSION || row->op == ROW_DROP) version_values(row, out);
    if (row->content != NULL) {
        out[COL_CONTENT] =
            (Value){.kind = VALUE_BLOB, .bytes = row->content, .size = row->content_size};
    }
    out[COL_ATTRIBUTES] = value_text(row->attributes);
}

/* ---- from chunks ---- */

static const char *cell_text(Arena *arena, const Chunk *chunk, RowColumn column, size_t at)
{
    if (vector_is_null(&chunk->vectors[column], at)) return NULL;
    size_t size = 0;
    const char *bytes = engine_str(&chunk->vectors[column], at, &size);
    return arena_strndup(arena, bytes, size);
}

static int64_t cell_int(const Chunk *chunk, RowColumn column, size_t at, int64_t otherwise)
{
    const Vector *vector = &chunk->vectors[column];
    return vector_is_null(vector, at) ? otherwise : engine_int(vector, at);
}

bool id_valid(const char *text)
{
    if (text == NULL || strlen(text) != 36) return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : strchr("0123456789abcdef", text[i]) == NULL) return false;
    }
    return true;
}

static Err *bad_row(const LogRow *row, const char *what, const char *text)
{
    return ERR(CORRUPT, "log row %lld.%lld: %s: %s", (long long)row->txn, (long long)row->seq, what,
               text == NULL ? "missing" : text);
}

static Err *read_node_part(Arena *arena, const Chunk *chunk, size_t at, LogRow *row)
{
    const char *parent = cell_text(arena, chunk, COL_PARENT, at);
    if (parent != NULL) {
        if (!id_valid(parent)) return bad_row(row, "not a node id", parent);
        memcpy(row->parent.text, parent, sizeof row->parent.text);
    }
    row->name = cell_text(arena, chunk, COL_NAME, at);
    if (row->name == NULL) return bad_row(row, "name", NULL);
    const char *type = cell_text(arena, chunk, COL_TYPE, at);
    if (type == NULL || !entry_type_parse(type, &row->type))
        return bad_row(row, "not an entry type", type);
    row->has_min_override = !vector_is_null(&chunk->vectors[COL_MIN_OVERRIDE], at);
    row->min_override = cell_int(chunk, COL_MIN_OVERRIDE, at, 0);
    row->has_max_override = !vector_is_null(&chunk->vectors[COL_MAX_OVERRIDE], at);
    row->max_override = cell_int(chunk, COL_MAX_OVERRIDE, at, 0);
    row->factory = cell_text(arena, chunk, COL_FACTORY, at);
    return NULL;
}

static Err *read_unit(Arena *arena, const Chunk *chunk, size_t at, LogRow *row)
{
    const char *name = cell_text(arena, chunk, COL_TIME_UNIT, at);
    if (name == NULL) return NULL;
    for (size_t i = 1; i < sizeof UNIT_NAMES / sizeof *UNIT_NAMES; i++) {
        if (strcmp(UNIT_NAMES[i], name) == 0) row->time_unit = (TimeUnit)i;
    }
    return row->time_unit == TIME_UNIT_NONE ? bad_row(row, "not a time unit", name) : NULL;
}

static Err *read_version_part(Arena *arena, const Chunk *chunk, size_t at, LogRow *row)
{
    row->size_bytes = cell_int(chunk, COL_SIZE, at, -1);
    if (row->size_bytes < 0) return bad_row(row, "size", NULL);
    row->sha256 = cell_text(arena, chunk, COL_SHA256, at);
    if (row->sha256 == NULL || strlen(row->sha256) != SHA256_HEX ||
        strspn(row->sha256, "0123456789abcdef") != SHA256_HEX) {
        return bad_row(row, "not a SHA-256", row->sha256);
    }
    row->parquet = cell_int(chunk, COL_PARQUET, at, 0) != 0;
    row->rows = cell_int(chunk, COL_ROWS, at, -1);
    row->time_column = cell_text(arena, chunk, COL_TIME_COLUMN, at);
    TRY(read_unit(arena, chunk, at, row));
    row->intervals = cell_text(arena, chunk, COL_INTERVALS, at);
    TimeSpan *intervals = NULL;
    size_t count = 0;
    TRY(intervals_read(arena, row->intervals, &intervals, &count));
    row->in_order = cell_int(chunk, COL_IN_ORDER, at, 0) != 0;
    row->schema = cell_text(arena, chunk, COL_SCHEMA, at);
    return NULL;
}

static bool op_parse(const char *name, RowOp *out)
{
    for (int i = 0; name != NULL && i <= (int)ROW_DELETE; i++) {
        if (strcmp(OP_NAMES[i], name) == 0) {
            *out = (RowOp)i;
            return true;
        }
    }
    return false;
}

Err *row_from_chunk(Arena *arena, const Chunk *chunk, size_t at, LogRow *out)
{
    if (chunk->columns != ROW_COLUMN_COUNT) return ERR(CORRUPT, "log: %zu columns", chunk->columns);
    LogRow row = {.size_bytes = -1, .rows = -1};
    row.txn = cell_int(chunk, COL_TXN, at, 0);
    row.seq = cell_int(chunk, COL_SEQ, at, 0);
    if (row.txn < 1 || row.seq < 1)
        return bad_row(&row, "transaction and sequence", "not positive");
    const char *op = cell_text(arena, chunk, COL_OP, at);
    if (!op_parse(op, &row.op)) return bad_row(&row, "not an operation", op);
    const char *node = cell_text(arena, chunk, COL_NODE, at);
    if (node == NULL || !id_valid(node)) return bad_row(&row, "not a node id", node);
    memcpy(row.node.text, node, sizeof row.node.text);
    if (vector_is_null(&chunk->vectors[COL_TIME], at)) return bad_row(&row, "time", NULL);
    row.time = cell_int(chunk, COL_TIME, at, 0);
    row.version = cell_int(chunk, COL_VERSION, at, 0);
    row.version_to = cell_int(chunk, COL_VERSION_TO, at, 0);
    if (row.op == ROW_NODE) TRY(read_node_part(arena, chunk, at, &row));
    if (row.op == ROW_VERSION) TRY(read_version_part(arena, chunk, at, &row));
    if (!vector_is_null(&chunk->vectors[COL_CONTENT], at)) {
        const char *bytes = engine_str(&chunk->vectors[COL_CONTENT], at, &row.content_size);
        row.content = arena_strndup(arena, bytes, row.content_size);
    }
    row.attributes = cell_text(arena, chunk, COL_ATTRIBUTES, at);
    *out = row;
    return NULL;
}

/* ---- intervals ---- */

char *intervals_write(Arena *arena, const TimeSpan *intervals, size_t count)
{
    if (count == 0) return NULL;
    Buf text = buf_new(arena);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&text, "%c[%lld,%lld]", i == 0 ? '[' : ',', (long long)intervals[i].min,
                   (long long)intervals[i].max);
    }
    buf_putc(&text, ']');
    return text.data;
}

Err *intervals_read(Arena *arena, const char *text, TimeSpan **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    if (text == NULL) return NULL;
    const Json *json = NULL;
    Err *error = json_parse(arena, text, strlen(text), &json);
    bool good = error == NULL && json->kind == JSON_ARRAY && json->count <= INTERVALS_MAX;
    err_free(error);
    TimeSpan *spans = good ? AARRAY(arena, TimeSpan, json->count) : NULL;
    for (size_t i = 0; good && i < json->count; i++) {
        const Json *pair = &json->items[i];
        good = pair->kind == JSON_ARRAY && pair->count == 2 && pair->items[0].kind == JSON_INT &&
               pair->items[1].kind == JSON_INT;
        if (!good) break;
        spans[i] = (TimeSpan){pair->items[0].integer, pair->items[1].integer};
        good = spans[i].min <= spans[i].max && (i == 0 || spans[i].min > spans[i - 1].max);
    }
    if (!good) return ERR(CORRUPT, "time intervals are malformed: %s", text);
    *out = spans;
    *count = json->count;
    return NULL;
}
