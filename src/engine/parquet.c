/* Parquet: writing one file by COPY, reading lists of files, and the schema in a footer.
 *
 * COPY is given a name that does not exist yet and told to write to it directly; whatever it leaves
 * after a failure is removed here, should the engine have failed to. RETURN_STATS answers one row:
 *   filename, count, file_size_bytes, footer_size_bytes,
 *   column_statistics MAP(column as quoted identifier, MAP(min | max | null_count | ..., text)),
 * partition_keys of which only the vector interface can read the map. Columns inside nested ones
 * stand there as "a"."b" and are left out.
 *
 * Paths are literals in SQL. read_parquet takes its paths for patterns, so pattern characters are
 * put into classes ([*]); hive_partitioning is always off, or a folder named k=v above the pond
 * would add a column. */
#include "engine/engine_int.h"
#include "os/os.h"
#include "perf/lookup.h"
#include "perf/ops.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

char *path_pattern(Arena *arena, const char *path)
{
    Buf pattern = buf_new(arena);
    for (const char *p = path; *p != '\0'; p++)
        buf_printf(&pattern, strchr("*?[", *p) != NULL ? "[%c]" : "%c", *p);
    return pattern.data;
}

char *engine_path_sql(Arena *arena, const char *path)
{
    return sql_literal(arena, path_pattern(arena, path));
}

char *engine_read_parquet_sql(Arena *arena, const char *const *paths, size_t count,
                              const char *extra)
{
    Buf sql = buf_new(arena);
    buf_puts(&sql, "read_parquet([");
    for (size_t i = 0; i < count; i++)
        buf_printf(&sql, "%s%s", i > 0 ? ", " : "", engine_path_sql(arena, paths[i]));
    buf_printf(&sql, "], hive_partitioning=false%s)", extra);
    return sql.data;
}

/* The names of the footer's top columns, in order. Its rows are the tree depth first, from the
 * root. */
static Err *footer_names(Arena *arena, Conn *conn, const char *path, char **names, size_t capacity,
                         size_t *out_count)
{
    SCRATCH(scratch);
    CLEANUP(engine_result_close_at) Result *result = NULL;
    const char *sql =
        arena_printf(scratch, "SELECT name, coalesce(num_children, 0) FROM parquet_schema(%s)",
                     engine_path_sql(scratch, path));
    int64_t inner = 0; /* rows that belong to what came before them */
    bool root = true;
    TRY(engine_query(conn, sql, NULL, 0, &result));
    for (*out_count = 0;;) {
        Chunk chunk;
        TRY(engine_next(result, &chunk));
        if (chunk.rows == 0) return NULL;
        for (size_t row = 0; row < chunk.rows; row++) {
            size_t size = 0;
            const char *name = engine_str(&chunk.vectors[0], row, &size);
            int64_t children = engine_int(&chunk.vectors[1], row);
            bool top = !root && inner == 0;
            if (top && *out_count < capacity) names[*out_count] = arena_strndup(arena, name, size);
            if (top) ++*out_count;
            if (!root) inner += children - (top ? 0 : 1);
            root = false;
        }
    }
}

/* The engine renames columns that differ only in case from an earlier one (A to A_1); the file's
 * own names are put back. */
static Err *own_names(Arena *arena, Conn *conn, const char *path, Schema *schema)
{
    SCRATCH(scratch);
    char **names = AARRAY(scratch, char *, schema->count + 1);
    size_t count = 0;
    TRY(footer_names(arena, conn, path, names, schema->count, &count));
    for (size_t i = 0; i < schema->count && count == schema->count; i++)
        schema->columns[i].name = names[i];
    return NULL;
}

Err *engine_parquet_schema(Arena *arena, Conn *conn, const char *path, Schema *out,
                           int64_t *out_rows)
{
    SCRATCH(scratch);
    PERF_LOOKUP(look, PERF_CACHE_footer);
    (void)perf_found(&look, false);
    Schema schema = {0};
    char *rows = NULL;
    const char *read = engine_read_parquet_sql(scratch, &path, 1, "");
    Err *err =
        engine_describe(arena, conn, arena_printf(scratch, "SELECT * FROM %s", read), &schema);
    if (err == NULL) err = own_names(arena, conn, path, &schema);
    if (err == NULL) {
        const char *sql = arena_printf(scratch, "SELECT num_rows FROM parquet_file_metadata(%s)",
                                       engine_path_sql(scratch, path));
        err = engine_scalar_text(scratch, conn, sql, NULL, 0, &rows);
    }
    if (err != NULL) return err_path(err, path);
    perf_loaded(&look);
    *out = schema;
    *out_rows = rows != NULL ? strtoll(rows, NULL, 10) : 0;
    return NULL;
}

/* "name" is the path of that column, "name, inner" of one inside it. */
static bool is_part_of(const char *path, size_t size, const char *name)
{
    size_t length = strlen(name);
    return size >= length && memcmp(path, name, length) == 0 &&
           (size == length || (size > length + 1 && memcmp(path + length, ", ", 2) == 0));
}

/* Row groups one after another, in each the innermost columns in the order of the schema. */
static void add_bytes(const Chunk *chunk, size_t row, const Schema *schema, size_t *column,
                      int64_t *bytes)
{
    size_t size = 0, codec_size = 0;
    const char *path = engine_str(&chunk->vectors[1], row, &size),
               *codec = engine_str(&chunk->vectors[3], row, &codec_size);
    if (engine_int(&chunk->vectors[0], row) == 0) *column = 0;
    while (*column < schema->count && !is_part_of(path, size, schema->columns[*column].name))
        ++*column;
    if (*column == schema->count) return;
    bool is_zstd = codec_size == 4 && memcmp(codec, "ZSTD", 4) == 0;
    if (!is_zstd || bytes[*column] < 0)
        bytes[*column] = -1;
    else
        bytes[*column] += engine_int(&chunk->vectors[2], row);
}

Err *engine_parquet_bytes(Conn *conn, const char *path, const Schema *schema, int64_t *out)
{
    SCRATCH(scratch);
    CLEANUP(engine_result_close_at) Result *result = NULL;
    const char *sql = arena_printf(scratch,
                                   "SELECT column_id, path_in_schema, total_compressed_size, "
                                   "compression FROM parquet_metadata(%s)",
                                   engine_path_sql(scratch, path));
    TRY(engine_query(conn, sql, NULL, 0, &result));
    for (size_t i = 0; i < schema->count; i++) out[i] = 0;
    for (size_t column = 0;;) {
        Chunk chunk;
        TRY(engine_next(result, &chunk));
        if (chunk.rows == 0) return NULL;
        for (size_t row = 0; row < chunk.rows; row++) add_bytes(&chunk, row, schema, &column, out);
    }
}

/* ---- what RETURN_STATS answers ---- */

static bool cell_is_null(duckdb_vector vector, size_t row)
{
    const uint64_t *validity = ddb.vector_get_validity(vector);
    return validity != NULL && ((validity[row >> 6] >> (row & 63)) & 1) == 0;
}

static char *cell_text(Arena *arena, duckdb_vector vector, size_t row)
{
    if (cell_is_null(vector, row)) return NULL;
    size_t size = 0;
    const char *bytes = string_cell(vector, row, &size);
    return arena_strndup(arena, bytes, size);
}

static int64_t cell_count(duckdb_vector vector, size_t row)
{
    return (int64_t)((const uint64_t *)ddb.vector_get_data(vector))[row];
}

/* A map's entries are a list of structs (key, value). */
typedef struct MapVector {
    duckdb_vector keys, values;
    const duckdb_list_entry *entries;
} MapVector;

static MapVector map_vector(duckdb_vector map)
{
    duckdb_vector pairs = ddb.list_vector_get_child(map);
    return (MapVector){.keys = ddb.struct_vector_get_child(pairs, 0),
                       .values = ddb.struct_vector_get_child(pairs, 1),
                       .entries = ddb.vector_get_data(map)};
}

/* "a""b" to a"b; NULL for the path of a nested column. */
static char *unquote_ident(Arena *arena, const char *quoted)
{
    Buf name = buf_new(arena);
    if (quoted[0] != '"') return arena_strdup(arena, quoted);
    for (const char *p = quoted + 1; *p != '\0'; p++) {
        if (*p != '"') {
            buf_putc(&name, *p);
        } else if (p[1] == '"') {
            buf_putc(&name, *p++);
        } else {
            return p[1] == '\0' ? name.data : NULL;
        }
    }
    return NULL;
}

static ParquetColumnStats column_stats(Arena *arena, const char *name, const MapVector *facts,
                                       size_t row)
{
    ParquetColumnStats stats = {.name = name};
    const duckdb_list_entry entry = facts->entries[row];
    for (size_t i = entry.offset; i < entry.offset + entry.length; i++) {
        const char *key = cell_text(arena, facts->keys, i),
                   *value = cell_text(arena, facts->values, i);
        if (value == NULL) continue;
        if (strcmp(key, "min") == 0) stats.min = value;
        if (strcmp(key, "max") == 0) stats.max = value;
        if (strcmp(key, "null_count") == 0) stats.null_count = strtoll(value, NULL, 10);
        if (strcmp(key, "column_size_bytes") == 0) stats.bytes = strtoll(value, NULL, 10);
    }
    return stats;
}

static void stats_read(Arena *arena, duckdb_data_chunk chunk, ParquetStats *out)
{
    ParquetStats stats = {.rows = cell_count(ddb.data_chunk_get_vector(chunk, 1), 0),
                          .size_bytes = cell_count(ddb.data_chunk_get_vector(chunk, 2), 0),
                          .footer_bytes = cell_count(ddb.data_chunk_get_vector(chunk, 3), 0)};
    const MapVector columns = map_vector(ddb.data_chunk_get_vector(chunk, 4));
    const MapVector facts = map_vector(columns.values);
    const duckdb_list_entry entry = columns.entries[0];
    stats.columns = AARRAY(arena, ParquetColumnStats, entry.length);
    for (size_t i = entry.offset; i < entry.offset + entry.length; i++) {
        const char *name = unquote_ident(arena, cell_text(arena, columns.keys, i));
        if (name != NULL)
            stats.columns[stats.column_count++] = column_stats(arena, name, &facts, i);
    }
    *out = stats;
}

static Err *stats_of_result(Arena *arena, duckdb_result result, ParquetStats *out)
{
    duckdb_data_chunk chunk = ddb.fetch_chunk(result);
    if (chunk == NULL || ddb.data_chunk_get_size(chunk) != 1) {
        if (chunk != NULL) ddb.destroy_data_chunk(&chunk);
        return ERR(INTERNAL, "the engine gives no statistics of a file that it wrote");
    }
    stats_read(arena, chunk, out);
    ddb.destroy_data_chunk(&chunk);
    return NULL;
}

/* ---- writing ---- */

static const char COPY[] = "COPY (";

static char *copy_sql(Arena *arena, const ParquetWrite *write, const char *select)
{
    static const int64_t ROW_GROUP_ROWS = 122880;
    Buf sql = buf_new(arena);
    /* The line break ends a comment that the SELECT may end with. */
    buf_printf(&sql, "%s%s\n) TO %s (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION %s", COPY,
               select, sql_literal(arena, write->path), write->plain_v1 ? "v1" : "v2");
    buf_printf(&sql, ", ROW_GROUP_SIZE %" PRId64 ", RETURN_STATS, USE_TMP_FILE false",
               write->row_group_rows > 0 ? write->row_group_rows : ROW_GROUP_ROWS);
    for (size_t i = 0; i < write->kv_count; i++)
        buf_printf(&sql, "%s%s: %s", i == 0 ? ", KV_METADATA {" : ", ",
                   sql_literal(arena, write->kv[2 * i]), sql_literal(arena, write->kv[2 * i + 1]));
    buf_puts(&sql, write->kv_count > 0 ? "})" : ")");
    return sql.data;
}

static Err *copy_run(Arena *arena, Conn *conn, const ParquetWrite *write, ParquetStats *out)
{
    SCRATCH(scratch);
    CLEANUP(result_destroy_at) duckdb_result result = {0};
    CLEANUP(pipe_close_at) Pipe *pipe = NULL;
    if (write->exact) TRY(pipe_open(conn, write->select_sql, &pipe));
    const char *select = pipe != NULL ? pipe_select_sql(pipe) : write->select_sql;
    /* through a pipe all copies look alike: the rows are those of the SELECT */
    const Statement statement = {.text = select,
                                 .offset = strlen(COPY),
                                 .shape_of = copy_sql(scratch, write, write->select_sql)};
    PERF_SPAN(PERF_engine_copy);
    TRY(statement_copy(pipe != NULL ? pipe_conn(pipe) : conn, copy_sql(scratch, write, select),
                       &statement, &result));
    return stats_of_result(arena, result, out);
}

Err *engine_write_parquet(Arena *arena, Conn *conn, const ParquetWrite *write, ParquetStats *out)
{
    bool exists = false;
    OsStat ignored;
    TRY(os_stat_if(write->path, &exists, &ignored));
    if (exists) return err_path(ERR(EXISTS, "%s exists already", write->path), write->path);
    Err *err = copy_run(arena, conn, write, out);
    if (err == NULL) return NULL;
    err_free(os_unlink_if(write->path));
    return err;
}
