/* The check of every Parquet file that comes in: each column is decoded once, in one streaming
 * pass, while the time column is read for order, nulls and intervals. What is recorded here makes
 * later planning need no footer. */
#include "provider/provider_int.h"
#include "provider/tally.h"
#include <stdlib.h>
#include <string.h>

typedef struct TimeReader {
    ptrdiff_t column;
    TypeClass class;
    int64_t multiply, divide; /* stored integer to µs */
    Cover *cover;
    TimeUs times[2048];
    TimeUs last;
    bool in_order, any, has_ns; /* has_ns: some time lies between two µs */
    int64_t rows, nulls, first_null;
} TimeReader;

static Err *check_magic(const char *path, const char *label)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    OsStat stat;
    char head[4] = {0}, tail[4] = {0};
    size_t got = 0;
    TRY(os_open_read(path, &file));
    TRY(os_fstat(file, &stat));
    if (stat.size_bytes >= 12) {
        TRY(os_pread(file, head, sizeof head, 0, &got));
        TRY(os_pread(file, tail, sizeof tail, stat.size_bytes - 4, &got));
    }
    if (memcmp(head, "PAR1", 4) == 0 && memcmp(tail, "PAR1", 4) == 0) return NULL;
    const char *why = stat.size_bytes == 0 ? "the file is empty"
                      : memcmp(head, "PAR1", 4) == 0
                          ? "the PAR1 magic bytes at its end are missing: it is truncated"
                          : "it does not begin and end with the PAR1 magic bytes";
    return err_hint(
        ERR(INVALID, "%s: not a valid parquet file: %s", label, why),
        "copy it as plain bytes with host:///, or convert a text with host+csv+series:///");
}

static TimeReader *time_reader_new(Arena *arena, const Column *column, ptrdiff_t index,
                                   TimeUnit unit)
{
    TimeReader *reader = ANEW(arena, TimeReader);
    *reader = (TimeReader){.column = index,
                           .class = type_class(column->type),
                           .multiply = 1,
                           .divide = 1,
                           .cover = cover_new(arena),
                           .in_order = true,
                           .first_null = -1};
    if (reader->class == TYPE_DATE) reader->multiply = US_PER_DAY;
    if (unit == TIME_UNIT_S || strcmp(column->type, "TIMESTAMP_S") == 0)
        reader->multiply = US_PER_SECOND;
    if (unit == TIME_UNIT_MS || strcmp(column->type, "TIMESTAMP_MS") == 0) reader->multiply = 1000;
    if (unit == TIME_UNIT_NS || strcmp(column->type, "TIMESTAMP_NS") == 0) reader->divide = 1000;
    return reader;
}

static Err *out_of_range(const char *column, int64_t row)
{
    return ERR(INVALID, "time column '%s', row %lld: outside the years 0001 to 9999", column,
               (long long)row + 1);
}

/* The stored integer in µs; a NS time is rounded down for the interval's lower end. False when no
 * such time exists. */
static bool to_us(const TimeReader *reader, int64_t stored, TimeUs *out)
{
    const TimeUs first = INT64_C(-62135596800000000), last = INT64_C(253402300799999999);
    TimeUs time = 0;
    if (__builtin_mul_overflow(stored, reader->multiply, &time)) return false;
    if (reader->divide > 1) time = time / reader->divide - (time % reader->divide < 0);
    *out = time;
    return time >= first && time <= last;
}

static Err *read_times(TimeReader *reader, const Chunk *chunk, const char *name)
{
    const Vector *vector = &chunk->vectors[reader->column];
    size_t count = 0;
    for (size_t row = 0; row < chunk->rows; row++, reader->rows++) {
        if (vector_is_null(vector, row)) {
            if (reader->nulls++ == 0) reader->first_null = reader->rows;
            continue;
        }
        TimeUs time = 0;
        if (!to_us(reader, engine_int(vector, row), &time)) return out_of_range(name, reader->rows);
        if (reader->any && time < reader->last) reader->in_order = false;
        reader->last = time;
        reader->any = true;
        reader->times[count++] = time;
    }
    cover_add(reader->cover, reader->times, count);
    return NULL;
}

static Err *guess_unit(Provider *provider, Arena *arena, const char *from, const Column *column,
                       ptrdiff_t index, const IngestOptions *options, TimeUnit *out)
{
    if (options->unit != NULL)
        return ERR_WRAP(time_unit_parse(options->unit, out), "%s", options->label);
    Conn *conn = NULL;
    char *text = NULL;
    TRY(provider_conn(provider, &conn));
    Buf sql =
        buf_new(arena); /* by position, since the engine may know the column by another name */
    buf_printf(&sql, "SELECT CAST(approx_quantile(c%td, 0.5) AS BIGINT) FROM %s AS t(", index,
               from);
    for (ptrdiff_t i = 0; i <= index; i++) buf_printf(&sql, "%sc%td", i > 0 ? ", " : "", i);
    buf_putc(&sql, ')');
    TRY(engine_scalar_text(arena, conn, sql.data, NULL, 0, &text));
    *out = text == NULL ? TIME_UNIT_S : time_unit_guess(strtoll(text, NULL, 10));
    if (*out != TIME_UNIT_NONE || !options->series) return NULL;
    return err_hint(ERR(INVALID,
                        "%s: time column '%s' holds integers around %s, which could be any unit",
                        options->label, column->name, text),
                    "say what they count with ?unit=s, ms, us or ns");
}

/* Which columns hold a value at all. */
static void note_values(const Chunk *chunk, bool *has_values)
{
    for (size_t c = 0; c < chunk->columns; c++) {
        for (size_t row = 0; row < chunk->rows && !has_values[c]; row++)
            has_values[c] = !vector_is_null(&chunk->vectors[c], row);
    }
}

static Err *decode_all(Provider *provider, const char *from, TimeReader *reader,
                       const char *time_name, Tally *tally, bool *has_values, int64_t *out_rows)
{
    Conn *conn = NULL;
    CLEANUP(engine_result_close_at) Result *result = NULL;
    SCRATCH(scratch);
    TRY(provider_conn(provider, &conn));
    TRY(engine_query(conn, arena_printf(scratch, "SELECT * FROM %s", from), NULL, 0, &result));
    for (*out_rows = 0;;) {
        Chunk chunk;
        TRY(engine_next(result, &chunk));
        if (chunk.rows == 0) return NULL;
        TRY(os_check_interrupt());
        *out_rows += (int64_t)chunk.rows;
        note_values(&chunk, has_values);
        tally_add(tally, &chunk);
        if (reader != NULL) TRY(read_times(reader, &chunk, time_name));
    }
}

static Err *refuse_nulls(const TimeReader *reader, const IngestOptions *options, const char *name)
{
    if (reader->nulls == 0 || !options->series) return NULL;
    Err *err = ERR(INVALID, "%s: time column '%s' is null in %lld %s, first in row %lld",
                   options->label, name, (long long)reader->nulls,
                   reader->nulls == 1 ? "row" : "rows", (long long)reader->first_null + 1);
    return err_hint(err, options->converted
                             ? "remove those rows"
                             : "remove those rows, or copy it as a table: host+table:///");
}

/* A column of a text that never holds anything is of no type rather than VARCHAR: so it does not
 * conflict with a later version's numbers. */
static void untype_empty(Schema *schema, const bool *has_values)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (!has_values[i] && type_class(schema->columns[i].type) == TYPE_TEXT)
            schema->columns[i].type = "\"NULL\"";
    }
}

static Err *record(Arena *arena, const TimeReader *reader, const Schema *schema, int64_t rows,
                   TimeUnit unit, Version *meta)
{
    Buf json = buf_new(arena);
    JsonOut out = json_out(&json);
    schema_to_json(&out, schema);
    meta->schema = json.data;
    meta->rows = rows;
    meta->parquet = true;
    if (reader == NULL) return NULL;
    meta->time_column = arena_strdup(arena, schema->columns[reader->column].name);
    meta->time_unit = unit;
    meta->in_order = reader->in_order && reader->nulls == 0;
    cover_finish(reader->cover, arena, rows, &meta->intervals, &meta->interval_count);
    if (reader->has_ns) { /* bounds are rounded outwards */
        for (size_t i = 0; i < meta->interval_count; i++) meta->intervals[i].max++;
    }
    return NULL;
}

static Err *no_time_column(const Schema *schema, const char *label)
{
    const Column *named = NULL;
    for (size_t i = 0; i < schema->count && named == NULL; i++) {
        if (time_column_is_named(schema->columns[i].name)) named = &schema->columns[i];
    }
    Err *err =
        named != NULL
            ? ERR(INVALID, "%s: no time column: '%s' has type %s, and none has a time type", label,
                  named->name, named->type)
            : ERR(INVALID,
                  "%s: no time column: none is named timestamp, event_time, time, ts, datetime or "
                  "date, and none has a time type",
                  label);
    return err_hint(err, "say which with ?time=COLUMN, or copy it as a table: host+table:///");
}

static Err *find_time(Provider *provider, Arena *arena, const char *from, const Schema *schema,
                      const IngestOptions *options, TimeReader **out, TimeUnit *unit)
{
    ptrdiff_t index = -1;
    Err *err = time_column_find(schema, options->time_column, options->label, &index);
    if (err != NULL && options->series) return err;
    err_free(err);
    *out = NULL;
    *unit = TIME_UNIT_NONE;
    if (index < 0 && options->series) return no_time_column(schema, options->label);
    if (index < 0) return NULL;
    const Column *column = &schema->columns[index];
    TypeClass class = type_class(column->type);
    if (strcmp(column->type, "BIGINT") == 0) {
        TRY(guess_unit(provider, arena, from, column, index, options, unit));
        if (*unit == TIME_UNIT_NONE) return NULL; /* a table whose "time" is no time */
    } else if (class != TYPE_TIMESTAMP && class != TYPE_TIMESTAMPTZ && class != TYPE_DATE) {
        if (!options->series) return NULL;
        return ERR(INVALID, "%s: column '%s' has type %s, which is not a time", options->label,
                   column->name, column->type);
    }
    *out = time_reader_new(arena, column, index, *unit);
    return NULL;
}

/* What stands behind the name of the staged file, which tells the user nothing. */
static const char *without_path(const char *message, const char *path)
{
    const char *found = strstr(message, path);
    if (found == NULL) return message;
    found += strlen(path);
    return found + strspn(found, "\": ");
}

/* A damaged input is not a damaged pond. */
static Err *of_input(const char *label, const char *path, Err *err)
{
    if (err == NULL || err_code(err) != ERR_CORRUPT) return ERR_WRAP(err, "%s", label);
    SCRATCH(scratch);
    char *why = arena_strdup(scratch, without_path(err_message(err), path));
    for (size_t end = strlen(why); end > 0 && strchr(": \n", why[end - 1]) != NULL;)
        why[--end] = '\0';
    Err *own = ERR(INVALID, "%s: not a valid parquet file: %s", label, why);
    err_free(err);
    return err_hint(own, "it is damaged; ask for another copy, or keep it as bytes with host:///");
}

typedef struct Check {
    Provider *provider;
    const char *path;
    const IngestOptions *options;
} Check;

/* The engine renames columns that differ only in case; the file's own names stand in its schema. */
static Err *check(void *context, Arena *arena, Version *meta)
{
    const Check *of = context;
    const IngestOptions *options = of->options;
    const char *label = options->label;
    Schema schema;
    Conn *conn = NULL;
    int64_t footer_rows = 0, rows = 0;
    TimeReader *reader = NULL;
    TimeUnit unit = TIME_UNIT_NONE;
    TRY(provider_conn(of->provider, &conn));
    TRY(of_input(label, of->path,
                 engine_parquet_schema(arena, conn, of->path, &schema, &footer_rows)));
    char *from = engine_read_parquet_sql(arena, &of->path, 1, "");
    TRY(find_time(of->provider, arena, from, &schema, options, &reader, &unit));
    const char *time_name = reader != NULL ? schema.columns[reader->column].name : NULL;
    bool *has_values = AARRAY(arena, bool, schema.count + 1);
    int64_t *bytes = AARRAY(arena, int64_t, schema.count + 1);
    Tally *tally = tally_new(arena, schema.count);
    TRY(of_input(label, of->path,
                 decode_all(of->provider, from, reader, time_name, tally, has_values, &rows)));
    if (rows != footer_rows) {
        return ERR(INVALID, "%s: its footer tells of %lld rows, %lld were read", label,
                   (long long)footer_rows, (long long)rows);
    }
    if (reader != NULL) TRY(refuse_nulls(reader, options, time_name));
    TRY(engine_parquet_bytes(conn, of->path, &schema, bytes));
    meta->attributes = facts_to_json(arena, tally_finish(tally, arena, bytes), schema.count, rows);
    if (options->converted) untype_empty(&schema, has_values);
    return record(arena, reader, &schema, rows, unit, meta);
}

Err *provider_check_parquet(Provider *provider, Arena *arena, const char *path,
                            const IngestOptions *options, Version *meta)
{
    Check of = {.provider = provider, .path = path, .options = options};
    Conn *conn = NULL;
    TRY(check_magic(path, options->label));
    TRY(provider_conn(provider, &conn)); /* the engine is there before any child is */
    if (options->converted) return check(&of, arena, meta);
    return isolated(arena, options->label, check, &of, meta);
}
