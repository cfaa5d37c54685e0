/* CSV to Parquet. The header record is read here (names keep their case; the delimiter is taken
 * from it unless given); types are sniffed by the engine over the whole file; then the file is read
 * with exactly those types, so that a ragged row or a bad value is an error with its line and never
 * a silent guess. A time written day- or month-first needs ?timeformat=. */
#include "perf/perf.h"
#include "provider/provider_int.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADER_MAX = 1 << 20 };

typedef struct Csv {
    const char *path, *label;
    const Url *url;
    char delimiter, quote;
    bool header;
    char **names;
    const char **types;
    size_t count;
    ptrdiff_t time;
} Csv;

/* ---- the header record ---- */

static char delimiter_of(const char *line)
{
    const char candidates[] = {',', ';', '\t', '|'};
    for (size_t i = 0; i < sizeof candidates; i++) {
        if (memchr(line, candidates[i], strcspn(line, "\r\n")) != NULL) return candidates[i];
    }
    return ',';
}

static Err *one_character(const Csv *csv, const char *key, char *out)
{
    const char *value = url_option(csv->url, key);
    if (value == NULL) return NULL;
    if (strcmp(value, "\\t") == 0) value = "\t";
    if (strlen(value) != 1)
        return ERR(INVALID, "%s: option '%s' is one character, not '%s'", csv->label, key, value);
    *out = value[0];
    return NULL;
}

static Err *header_option(Csv *csv)
{
    const char *value = url_option(csv->url, "header");
    csv->header = value == NULL || strcmp(value, "true") == 0;
    if (csv->header || strcmp(value, "false") == 0) return NULL;
    return ERR(INVALID, "%s: option 'header' is true or false, not '%s'", csv->label, value);
}

/* One field from *text; leaves *text at what ended it (delimiter, line end or NUL). */
static char *take_field(Arena *arena, const Csv *csv, const char **text)
{
    Buf field = buf_new(arena);
    const char *p = *text;
    if (*p == csv->quote) {
        for (p++; *p != '\0'; p++) {
            if (*p == csv->quote && p[1] == csv->quote)
                p++;
            else if (*p == csv->quote)
                break;
            buf_putc(&field, *p);
        }
        if (*p == csv->quote) p++;
    }
    for (; *p != '\0' && *p != '\n' && *p != '\r' && *p != csv->delimiter; p++)
        buf_putc(&field, *p);
    *text = p;
    while (field.size > 0 && field.data[field.size - 1] == ' ')
        buf_truncate(&field, field.size - 1);
    return field.data + strspn(field.data, " ");
}

static Err *take_names(Arena *arena, Csv *csv, const char *text)
{
    VEC(char *) names = {0};
    for (;; text++) {
        char *name = take_field(arena, csv, &text);
        if (!csv->header) name = arena_printf(arena, "column%zu", names.n);
        if (*name == '\0') {
            return err_at(
                ERR(INVALID, "%s: line 1: column %zu has no name", csv->label, names.n + 1), 1, 1);
        }
        for (size_t i = 0; i < names.n; i++) {
            if (strcmp(names.v[i], name) != 0) continue;
            return err_at(ERR(INVALID, "%s: line 1: column '%s' appears twice", csv->label, name),
                          1, 1);
        }
        vec_push(arena, &names, name);
        if (*text != csv->delimiter) break;
    }
    csv->names = names.v;
    csv->count = names.n;
    return NULL;
}

static Err *read_header(Arena *arena, Csv *csv)
{
    CLEANUP(os_close_at) OsFile *file = NULL;
    char *text = arena_alloc(arena, HEADER_MAX + 1);
    size_t size = 0, got = 0;
    TRY(os_open_read(csv->path, &file));
    do {
        TRY(os_read(file, text + size, HEADER_MAX - size, &got));
        size += got;
    } while (got > 0 && size < HEADER_MAX);
    if (memchr(text, '\0', size) != NULL)
        return ERR(INVALID, "%s: not text: it holds NUL bytes", csv->label);
    if (text_starts(text, "\xEF\xBB\xBF")) text += 3;
    if (*text == '\0')
        return ERR(INVALID, "%s: the file is empty: it has no header line", csv->label);
    csv->delimiter = delimiter_of(text);
    csv->quote = '"';
    TRY(one_character(csv, "delimiter", &csv->delimiter));
    TRY(one_character(csv, "quote", &csv->quote));
    TRY(header_option(csv));
    return take_names(arena, csv, text);
}

/* ---- statements ---- */

static void put_reader(Buf *sql, const Csv *csv, bool sniff)
{
    const char delimiter[2] = {csv->delimiter, '\0'}, quote[2] = {csv->quote, '\0'};
    Arena *arena = sql->arena;
    buf_printf(sql,
               "%s, delim=%s, quote=%s, escape=%s, comment='', header=%s, skip=0, "
               "strict_mode=true, null_padding=false, hive_partitioning=false",
               engine_path_sql(arena, csv->path), sql_literal(arena, delimiter),
               sql_literal(arena, quote), sql_literal(arena, quote),
               csv->header ? "true" : "false");
    const char *null_text = url_option(csv->url, "nullstr");
    if (null_text != NULL) buf_printf(sql, ", nullstr=['', %s]", sql_literal(arena, null_text));
    if (sniff) {
        buf_puts(sql, ", sample_size=-1");
        return;
    }
    buf_puts(sql, ", auto_detect=false, columns={");
    for (size_t i = 0; i < csv->count; i++) {
        buf_printf(sql, "%s'c%zu': %s", i > 0 ? ", " : "", i,
                   sql_literal(arena, csv->types != NULL ? csv->types[i] : "VARCHAR"));
    }
    buf_putc(sql, '}');
}

static const char *after(const char *text, const char *marker)
{
    const char *found = strstr(text, marker);
    return found == NULL ? NULL : found + strlen(marker);
}

/* The engine's "CSV Error on Line: 3 Original Line: ... Expected Number of Columns: 3 Found: 2" in
 * one sentence. */
static Err *csv_error(const Csv *csv, Err *err)
{
    const char *message = err_message(err), *line = after(message, "on Line: ");
    if (line == NULL) return err_wrap(err, "%s", csv->label);
    int number = (int)strtol(line, NULL, 10);
    const char *expected = after(message, "Expected Number of Columns: "),
               *found = after(message, "Found: ");
    Err *own = NULL;
    if (expected != NULL && found != NULL) {
        long fields = strtol(found, NULL, 10);
        own = ERR(INVALID, "%s: line %d: %ld %s where the header has %ld", csv->label, number,
                  fields, fields == 1 ? "field" : "fields", strtol(expected, NULL, 10));
    } else if (strstr(message, "unicode") != NULL) {
        own = ERR(INVALID, "%s: line %d: not valid UTF-8", csv->label, number);
    } else if (strstr(message, "unterminated quote") != NULL) {
        own = ERR(INVALID, "%s: line %d: a quote is not closed", csv->label, number);
    } else {
        own = ERR(INVALID, "%s: line %d: %s", csv->label, number, message);
    }
    err_free(err);
    return err_at(own, number, 1);
}

/* ---- types ---- */

/* What the sniffer refuses it refuses vaguely; reading all columns as text tells the line. */
static Err *explain_refusal(Arena *arena, Conn *conn, const Csv *csv, Err *vague)
{
    Buf sql = buf_new(arena);
    char *count = NULL;
    buf_puts(&sql, "SELECT count(*) FROM read_csv(");
    put_reader(&sql, csv, false);
    buf_putc(&sql, ')');
    Err *err = engine_scalar_text(arena, conn, sql.data, NULL, 0, &count);
    if (err == NULL) return csv_error(csv, vague);
    err_free(vague);
    return csv_error(csv, err);
}

static bool is_iso(const char *format)
{
    return format == NULL || format[0] == '\0' || text_starts(format, "%Y-%m-%d") ||
           text_starts(format, "%Y/%m/%d");
}

/* Dates that are not written year first are not guessed: as text they stay what they are. */
static Err *distrust_formats(Arena *arena, Conn *conn, Csv *csv)
{
    static const char *const FIELDS[] = {"DateFormat", "TimestampFormat"};
    for (int i = 0; i < 2; i++) {
        Buf sql = buf_new(arena);
        char *format = NULL;
        buf_printf(&sql, "SELECT %s FROM sniff_csv(", FIELDS[i]);
        put_reader(&sql, csv, true);
        buf_putc(&sql, ')');
        TRY(engine_scalar_text(arena, conn, sql.data, NULL, 0, &format));
        if (is_iso(format)) continue;
        for (size_t c = 0; c < csv->count; c++) {
            bool date = strcmp(csv->types[c], "DATE") == 0;
            if (date ? i == 0 : i == 1 && type_class(csv->types[c]) == TYPE_TIMESTAMP)
                csv->types[c] = "VARCHAR";
        }
    }
    return NULL;
}

static Err *sniff_types(Arena *arena, Conn *conn, Csv *csv)
{
    Buf sql = buf_new(arena);
    Schema schema = {0};
    buf_puts(&sql, "SELECT * FROM read_csv(");
    put_reader(&sql, csv, true);
    buf_putc(&sql, ')');
    Err *err = engine_describe(arena, conn, sql.data, &schema);
    if (err != NULL) return explain_refusal(arena, conn, csv, err);
    if (schema.count != csv->count)
        return explain_refusal(arena, conn, csv,
                               ERR(INVALID, "the header has %zu names, the rows have %zu fields",
                                   csv->count, schema.count));
    csv->types = AARRAY(arena, const char *, csv->count + 1);
    for (size_t i = 0; i < csv->count; i++) csv->types[i] = schema.columns[i].type;
    return distrust_formats(arena, conn, csv);
}

static Err *find_time(Arena *arena, Csv *csv)
{
    Schema schema = {.columns = AARRAY(arena, Column, csv->count + 1), .count = csv->count};
    for (size_t i = 0; i < csv->count; i++) {
        /* Whether texts and numbers under a name for times are times is checked later. */
        TypeClass class = type_class(csv->types[i]);
        bool may_be = class == TYPE_TEXT || type_is_numeric(csv->types[i]);
        bool named = may_be && time_column_is_named(csv->names[i]);
        const char *type = named ? "TIMESTAMP" : csv->types[i];
        schema.columns[i] = (Column){.name = csv->names[i], .type = type};
    }
    TRY(time_column_find(&schema, url_option(csv->url, "time"), csv->label, &csv->time));
    if (csv->time >= 0) return NULL;
    return err_hint(ERR(INVALID,
                        "%s: no time column: none is named timestamp, event_time, time, ts, "
                        "datetime or date, and none holds "
                        "times",
                        csv->label),
                    "say which with ?time=COLUMN");
}

/* ---- the time column as TIMESTAMPTZ ---- */

static Err *not_a_time(Arena *arena, Conn *conn, const Csv *csv, const char *expression)
{
    Buf sql = buf_new(arena);
    char *found = NULL;
    buf_printf(&sql,
               "SELECT CAST(n AS VARCHAR) || ' ' || c%td FROM (SELECT row_number() OVER () AS n, "
               "c%td FROM read_csv(",
               csv->time, csv->time);
    put_reader(&sql, csv, false);
    buf_printf(&sql, ")) WHERE c%td IS NOT NULL AND %s IS NULL LIMIT 1", csv->time, expression);
    TRY(ERR_WRAP(engine_scalar_text(arena, conn, sql.data, NULL, 0, &found), "%s", csv->label));
    if (found == NULL) return NULL;
    char *text = NULL;
    long row = strtol(found, &text, 10);
    return err_hint(ERR(INVALID, "%s: row %ld: '%s' in time column '%s' is not a time", csv->label,
                        row, text_printable(arena, text + 1), csv->names[csv->time]),
                    "times are written 2024-07-01 12:00:00; other forms need e.g. "
                    "?timeformat=%%25d/%%25m/%%25Y %%25H:%%25M");
}

static Err *epoch_expression(Arena *arena, Conn *conn, const Csv *csv, bool whole, char **out)
{
    TimeUnit unit = TIME_UNIT_NONE;
    const char *given = url_option(csv->url, "unit");
    if (given != NULL) TRY(time_unit_parse(given, &unit));
    if (given == NULL) {
        Buf sql = buf_new(arena);
        char *typical = NULL;
        buf_printf(&sql, "SELECT CAST(approx_quantile(c%td, 0.5) AS BIGINT) FROM read_csv(",
                   csv->time);
        put_reader(&sql, csv, false);
        buf_putc(&sql, ')');
        TRY(ERR_WRAP(engine_scalar_text(arena, conn, sql.data, NULL, 0, &typical), "%s",
                     csv->label));
        unit = typical == NULL ? TIME_UNIT_S : time_unit_guess(strtoll(typical, NULL, 10));
        if (unit == TIME_UNIT_NONE) {
            return err_hint(
                ERR(INVALID,
                    "%s: time column '%s' holds numbers around %s, which could be any unit",
                    csv->label, csv->names[csv->time], typical),
                "say what they count with ?unit=s, ms, us or ns");
        }
    }
    static const char *const WHOLE[] = {[TIME_UNIT_S] = " * 1000000",
                                        [TIME_UNIT_MS] = " * 1000",
                                        [TIME_UNIT_US] = "",
                                        [TIME_UNIT_NS] = " // 1000"};
    static const char *const PARTS[] = {[TIME_UNIT_S] = " * 1e6",
                                        [TIME_UNIT_MS] = " * 1e3",
                                        [TIME_UNIT_US] = "",
                                        [TIME_UNIT_NS] = " / 1e3"};
    *out = whole ? arena_printf(arena, "make_timestamptz(c%td%s)", csv->time, WHOLE[unit])
                 : arena_printf(arena, "make_timestamptz(CAST(round(c%td%s) AS BIGINT))", csv->time,
                                PARTS[unit]);
    return NULL;
}

static Err *time_expression(Arena *arena, Conn *conn, Csv *csv, char **out)
{
    const char *format = url_option(csv->url, "timeformat");
    TypeClass class = type_class(csv->types[csv->time]);
    if (format != NULL) {
        csv->types[csv->time] = "VARCHAR";
        *out = arena_printf(arena, "CAST(try_strptime(c%td, %s) AS TIMESTAMPTZ)", csv->time,
                            sql_literal(arena, format));
        return not_a_time(arena, conn, csv, *out);
    }
    if (class == TYPE_INT || class == TYPE_FLOAT || class == TYPE_DECIMAL) {
        return epoch_expression(arena, conn, csv, class == TYPE_INT, out);
    }
    if (class != TYPE_TEXT) {
        *out = arena_printf(arena, "CAST(c%td AS TIMESTAMPTZ)", csv->time);
        return NULL;
    }
    *out = arena_printf(arena, "TRY_CAST(c%td AS TIMESTAMPTZ)", csv->time);
    return not_a_time(arena, conn, csv, *out);
}

static char *select_all(Arena *arena, const Csv *csv, const char *time)
{
    Buf sql = buf_new(arena);
    buf_puts(&sql, "SELECT ");
    for (size_t i = 0; i < csv->count; i++) {
        buf_puts(&sql, i > 0 ? ", " : "");
        if ((ptrdiff_t)i == csv->time)
            buf_puts(&sql, time);
        else
            buf_printf(&sql, "c%zu", i);
        buf_printf(&sql, " AS %s", sql_ident(arena, csv->names[i]));
    }
    buf_puts(&sql, " FROM read_csv(");
    put_reader(&sql, csv, false);
    buf_putc(&sql, ')');
    return sql.data;
}

static Err *refuse_case_twins(const Csv *csv)
{
    for (size_t i = 0; i < csv->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(csv->names[i], csv->names[j]) != 0) continue;
            return err_hint(ERR(INVALID, "%s: columns '%s' and '%s' differ only in case",
                                csv->label, csv->names[j], csv->names[i]),
                            "rename one of them in the header");
        }
    }
    return NULL;
}

Err *provider_csv_to_parquet(Provider *provider, Arena *arena, const char *path, const Url *url,
                             const char *label, const char *parquet)
{
    Csv csv = {.path = path, .label = label, .url = url};
    Conn *conn = NULL;
    char *time = NULL;
    ParquetStats stats;
    PERF_SPAN_FOR(PERF_format_parse, path);
    TRY(read_header(arena, &csv));
    TRY(refuse_case_twins(&csv));
    TRY(provider_conn(provider, &conn));
    TRY(sniff_types(arena, conn, &csv));
    TRY(find_time(arena, &csv));
    TRY(time_expression(arena, conn, &csv, &time));
    Err *err = engine_write_parquet(
        arena, conn, &(ParquetWrite){.select_sql = select_all(arena, &csv, time), .path = parquet},
        &stats);
    return err == NULL ? NULL : csv_error(&csv, err);
}
