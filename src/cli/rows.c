/* Rows of a relation as a table, CSV, JSON or JSON lines, chunk by chunk. Types that have no cell
 * of their own (lists, structs, decimals) are cast to text by the statement (see cat.c), so that
 * here only plain values arrive. */
#include "cli/cli.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLE_MOST = 40 }; /* rows that a table shows at each end of a long result */

static char *int128_text(Arena *arena, __int128 value)
{
    char digits[48];
    size_t at = sizeof digits;
    bool negative = value < 0;
    unsigned __int128 rest = negative ? -(unsigned __int128)value : (unsigned __int128)value;
    digits[--at] = '\0';
    do digits[--at] = (char)('0' + (int)(rest % 10));
    while ((rest /= 10) != 0);
    if (negative) digits[--at] = '-';
    return arena_strdup(arena, digits + at);
}

static char *double_text(Arena *arena, double value)
{
    if (isnan(value)) return arena_strdup(arena, "NaN");
    if (isinf(value)) return arena_strdup(arena, value > 0 ? "Infinity" : "-Infinity");
    Buf text = buf_new(arena);
    JsonOut out = json_out(&text);
    json_put_double(&out, value);
    return text.data;
}

/* The shortest text that reads back as the same float. */
static char *float_text(Arena *arena, double value)
{
    if (!isfinite(value)) return double_text(arena, value);
    for (int digits = 1; digits < 9; digits++) {
        char *text = arena_printf(arena, "%.*g", digits, value);
        if (strtof(text, NULL) == (float)value) return double_text(arena, strtod(text, NULL));
    }
    return double_text(arena, strtod(arena_printf(arena, "%.9g", value), NULL));
}

static int64_t fraction_per_us(const char *type, bool *divide)
{
    *divide = strcmp(type, "TIMESTAMP_NS") == 0;
    if (*divide) return 1000;
    if (strcmp(type, "TIMESTAMP_S") == 0) return US_PER_SECOND;
    if (strcmp(type, "TIMESTAMP_MS") == 0) return 1000;
    return 1;
}

static char *date_text(Arena *arena, int64_t days)
{
    Civil civil = civil_of(days * US_PER_DAY);
    return arena_printf(arena, civil.year < 0 ? "%05d-%02d-%02d" : "%04d-%02d-%02d", civil.year,
                        civil.month, civil.day);
}

static char *time_text(Arena *arena, int64_t stored, const char *type)
{
    bool date = type_class(type) == TYPE_DATE;
    int64_t infinity = date ? INT32_MAX : INT64_MAX;
    if (stored == infinity) return arena_strdup(arena, "infinity");
    if (stored == -infinity) return arena_strdup(arena, "-infinity");
    if (date) return date_text(arena, stored);
    bool divide = false;
    int64_t factor = fraction_per_us(type, &divide);
    TimeUs time = divide ? stored / factor - (stored % factor < 0) : stored * factor;
    char *text = time_format(arena, time);
    size_t length = strlen(text);
    int64_t ns = divide ? ((stored % 1000) + 1000) % 1000 : 0;
    if (ns != 0) {
        Civil civil = civil_of(time);
        text = arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d.%06d%03" PRId64 "Z", civil.year,
                            civil.month, civil.day, civil.hour, civil.minute, civil.second,
                            civil.microsecond, ns);
        length = strlen(text);
    }
    if (type_class(type) == TYPE_TIMESTAMP && text[length - 1] == 'Z')
        text[length - 1] = '\0'; /* no zone stands there */
    return text;
}

/* RFC 3339 times, shortest doubles; strings are not for here. */
static char *value_text(Arena *arena, const Vector *vector, size_t row, const char *type)
{
    TypeClass class = type_class(type);
    switch (vector->phys) {
    case PHYS_BOOL: return arena_strdup(arena, engine_int(vector, row) != 0 ? "true" : "false");
    case PHYS_F32: return float_text(arena, engine_double(vector, row));
    case PHYS_F64: return double_text(arena, engine_double(vector, row));
    case PHYS_U64: return arena_printf(arena, "%" PRIu64, ((const uint64_t *)vector->data)[row]);
    case PHYS_I128: {
        __int128 value;
        memcpy(&value, (const char *)vector->data + 16 * row, sizeof value);
        return int128_text(arena, value);
    }
    case PHYS_I8:
    case PHYS_I16:
    case PHYS_I32:
    case PHYS_I64:
    case PHYS_U8:
    case PHYS_U16:
    case PHYS_U32: {
        bool time = class == TYPE_TIMESTAMP || class == TYPE_TIMESTAMPTZ || class == TYPE_DATE;
        if (time) return time_text(arena, engine_int(vector, row), type);
        return arena_printf(arena, "%" PRId64, engine_int(vector, row));
    }
    case PHYS_STRING:
    case PHYS_NESTED: break;
    }
    return arena_strdup(arena, "?");
}

/* A cell as text, which may hold NULs. */
typedef struct CellText {
    const char *bytes; /* NULL: null */
    size_t size;
} CellText;

static CellText cell_text_of(Arena *arena, const Vector *vector, size_t row, const char *type)
{
    CellText cell = {0};
    if (vector_is_null(vector, row)) return cell;
    if (vector->phys == PHYS_STRING) {
        cell.bytes = engine_str(vector, row, &cell.size);
        return cell;
    }
    cell.bytes = value_text(arena, vector, row, type);
    cell.size = strlen(cell.bytes);
    return cell;
}

/* ---- CSV (RFC 4180) ---- */

static bool csv_is_plain(CellText cell)
{
    static const char SPECIAL[] = {',', '"', '\r', '\n'};
    for (size_t i = 0; i < cell.size; i++)
        if (memchr(SPECIAL, cell.bytes[i], sizeof SPECIAL) != NULL) return false;
    return cell.size > 0;
}

static void csv_cell(CellText cell)
{
    if (cell.bytes == NULL) return;
    if (csv_is_plain(cell)) {
        out_write(cell.bytes, cell.size);
        return;
    }
    out_write("\"", 1);
    for (size_t i = 0; i < cell.size; i++)
        out_write(cell.bytes[i] == '"' ? "\"\"" : cell.bytes + i, cell.bytes[i] == '"' ? 2 : 1);
    out_write("\"", 1);
}

static void csv_header(const Schema *schema)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (i > 0) out_write(",", 1);
        const char *name = schema->columns[i].name;
        csv_cell((CellText){.bytes = name, .size = strlen(name)});
    }
    out_write("\n", 1);
}

static void csv_rows(Arena *arena, const Schema *schema, const Chunk *chunk)
{
    for (size_t row = 0; row < chunk->rows; row++) {
        for (size_t c = 0; c < schema->count; c++) {
            if (c > 0) out_write(",", 1);
            csv_cell(cell_text_of(arena, &chunk->vectors[c], row, schema->columns[c].type));
        }
        out_write("\n", 1);
        if (arena_bytes(arena) > (1 << 22)) arena_reset(arena);
    }
}

/* ---- JSON ---- */

static void json_cell(JsonOut *json, Arena *arena, const Vector *vector, size_t row,
                      const char *type)
{
    CellText cell = cell_text_of(arena, vector, row, type);
    TypeClass class = type_class(type);
    bool number = class == TYPE_INT || class == TYPE_FLOAT || class == TYPE_DECIMAL;
    const char *digits = cell.size > 0 && cell.bytes[0] == '-' ? cell.bytes + 1 : cell.bytes;
    bool finite = cell.size > 0 && *digits != 'N' && *digits != 'I';
    if (cell.bytes == NULL)
        json_put_null(json);
    else if (class == TYPE_BOOL || (number && finite))
        json_put_raw(json, arena_strndup(arena, cell.bytes, cell.size));
    else
        json_put_strn(json, cell.bytes, cell.size);
}

static void json_rows(Arena *arena, const Schema *schema, const Chunk *chunk, bool lines,
                      bool first)
{
    for (size_t row = 0; row < chunk->rows; row++) {
        Buf text = buf_new(arena);
        JsonOut json = json_out(&text);
        json_begin_object(&json);
        for (size_t c = 0; c < schema->count; c++) {
            json_key(&json, schema->columns[c].name);
            json_cell(&json, arena, &chunk->vectors[c], row, schema->columns[c].type);
        }
        json_end(&json);
        if (!lines) out_write(first ? "[" : ",\n ", first ? 1 : 3);
        first = false;
        out_write(text.data, text.size);
        if (lines) out_write("\n", 1);
        arena_reset(arena);
    }
}

/* ---- tables: all rows of a short result, both ends of a long one ---- */

typedef struct Window {
    const char **head[TABLE_MOST], **tail[TABLE_MOST];
    Arena *tail_arenas[TABLE_MOST];
    int64_t rows;
} Window;

static const char **row_cells(Arena *arena, const Schema *schema, const Chunk *chunk, size_t row)
{
    const char **cells = AARRAY(arena, const char *, schema->count);
    for (size_t c = 0; c < schema->count; c++) {
        CellText cell = cell_text_of(arena, &chunk->vectors[c], row, schema->columns[c].type);
        cells[c] = cell.bytes == NULL ? "NULL" : text_printable_n(arena, cell.bytes, cell.size);
    }
    return cells;
}

static void window_add(Window *window, Arena *arena, const Schema *schema, const Chunk *chunk,
                       size_t row)
{
    if (window->rows < TABLE_MOST) {
        window->head[window->rows++] = row_cells(arena, schema, chunk, row);
        return;
    }
    size_t slot = (size_t)(window->rows++ % TABLE_MOST);
    if (window->tail_arenas[slot] == NULL)
        window->tail_arenas[slot] = arena_new();
    else
        arena_reset(window->tail_arenas[slot]);
    window->tail[slot] = row_cells(window->tail_arenas[slot], schema, chunk, row);
}

static size_t window_print(Window *window, Cli *cli, const Schema *schema)
{
    const char **headers = AARRAY(cli->arena, const char *, schema->count),
               **dots = AARRAY(cli->arena, const char *, schema->count);
    bool *right = AARRAY(cli->arena, bool, schema->count),
         *exact = AARRAY(cli->arena, bool, schema->count);
    for (size_t c = 0; c < schema->count; c++) {
        headers[c] = text_printable(cli->arena, schema->columns[c].name);
        TypeClass class = type_class(schema->columns[c].type);
        right[c] = type_is_numeric(schema->columns[c].type);
        exact[c] = class != TYPE_TEXT && class != TYPE_OTHER;
        dots[c] = "...";
    }
    Table *table = table_new(cli->arena, headers, right, exact, schema->count);
    int64_t head = window->rows < TABLE_MOST ? window->rows : TABLE_MOST,
            rest = window->rows - head;
    for (int64_t i = 0; i < head; i++) table_add(table, window->head[i]);
    if (rest > TABLE_MOST) table_add(table, dots);
    for (int64_t i = rest > TABLE_MOST ? window->rows - TABLE_MOST : head; i < window->rows; i++)
        table_add(table, window->tail[i % TABLE_MOST]);
    size_t hidden = table_print(table, cli->color_out);
    for (size_t i = 0; i < TABLE_MOST; i++) arena_free(window->tail_arenas[i]);
    return hidden;
}

static Err *print_table(Cli *cli, RelStream *stream, const Schema *schema, Progress **progress)
{
    Window *window = ANEW(cli->arena, Window);
    Chunk chunk;
    for (;;) {
        TRY(rel_next(stream, &chunk));
        if (chunk.rows == 0) break;
        for (size_t row = 0; row < chunk.rows; row++)
            window_add(window, cli->arena, schema, &chunk, row);
        progress_update(*progress, window->rows, 0, "rows", NULL);
    }
    progress_end_at(progress);
    if (window->rows == 0) {
        out_printf("No data found\n");
        return NULL;
    }
    size_t hidden = window_print(window, cli, schema);
    out_printf("Summary: %" PRId64 " total rows", window->rows);
    if (hidden > 0) out_printf(", %zu of %zu columns shown", schema->count - hidden, schema->count);
    out_printf("\n");
    return NULL;
}

Err *rows_print(Cli *cli, RelStream *stream, const Schema *schema, RowFormat format,
                Progress **progress)
{
    bool first = true;
    int64_t rows = 0;
    if (format == ROWS_TABLE) return print_table(cli, stream, schema, progress);
    for (;; first = false) {
        SCRATCH(scratch);
        Chunk chunk;
        TRY(rel_next(stream, &chunk));
        progress_update(*progress, rows += (int64_t)chunk.rows, 0, "rows", NULL);
        if (isatty(STDOUT_FILENO)) progress_end_at(progress);
        if (first && format == ROWS_CSV) csv_header(schema);
        if (chunk.rows == 0) break;
        if (format == ROWS_CSV)
            csv_rows(scratch, schema, &chunk);
        else
            json_rows(scratch, schema, &chunk, format == ROWS_JSONL, first);
        if (ferror(stdout)) return out_flush();
    }
    if (format == ROWS_JSON) out_printf(first ? "[]\n" : "]\n");
    return NULL;
}
