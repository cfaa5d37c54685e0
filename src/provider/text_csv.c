/* CSV as RFC 4180 has it: fields may be quoted, and then hold delimiters, line ends and doubled
 * quotes. Spaces around quotes mean nothing; a quote inside an unquoted field is a character. Lines
 * end with LF or CRLF; a text whose first line ends with a lone CR has all ended so. Empty lines
 * are no records. Names come from the header record; the delimiter is taken from it unless given.
 */
#include "provider/text_int.h"
#include <string.h>

typedef struct Dialect {
    char delimiter, quote, line_end;
    bool header;
    const char *null_text;
    size_t null_size;
    bool stops[256]; /* what ends an unquoted field */
    size_t columns;
    const char *first_name; /* NULL without a header */
} Dialect;

typedef struct CsvReader {
    TextReader base; /* `line` is that of the record being read */
    const Dialect *dialect;
    int64_t inner_lines; /* line ends inside the record's quotes */
    const char **names;  /* of the header */
    Buf unquoted;
} CsvReader;

/* ---- fields ---- */

typedef struct Field {
    const char *text;
    size_t size;
    bool last, open; /* of its record; open: the bytes ended before it did */
} Field;

/* What stands between quotes. `p` is behind the opening one; returns what follows the closing one,
 * NULL when there is none. */
static const char *quoted(CsvReader *reader, const char *p, Field *field)
{
    const char quote = reader->dialect->quote, *begin = p, *end = reader->base.end;
    buf_clear(&reader->unquoted);
    for (;; p += 2) {
        const char *closing = memchr(p, quote, (size_t)(end - p));
        if (closing == NULL) return NULL;
        for (const char *q = p; (q = memchr(q, '\n', (size_t)(closing - q))) != NULL; q++)
            reader->inner_lines++;
        p = closing;
        if (p + 1 == end || p[1] != quote) break;
        buf_add(&reader->unquoted, begin, (size_t)(p + 1 - begin));
        begin = p + 2;
    }
    field->text = begin;
    field->size = (size_t)(p - begin);
    if (reader->unquoted.size > 0) {
        buf_add(&reader->unquoted, begin, field->size);
        field->text = reader->unquoted.data;
        field->size = reader->unquoted.size;
    }
    return p + 1;
}

static const char *skip_spaces(const char *p, const char *end)
{
    while (p < end && *p == ' ') p++;
    return p;
}

/* The line end at `p`, or the end; what stands there otherwise is no part of a field. */
static bool end_field(CsvReader *reader, const char *p, Field *field)
{
    TextReader *base = &reader->base;
    const Dialect *dialect = reader->dialect;
    field->last = field->open = p == base->end;
    if (p < base->end && *p == dialect->delimiter) {
        base->at = p + 1;
        return true;
    }
    if (p < base->end && *p == '\r' && dialect->line_end == '\n' && p + 1 < base->end &&
        p[1] == '\n')
        p++;
    if (p < base->end && *p == '\r' && dialect->line_end == '\n' && p + 1 == base->end) {
        p++;
        field->last = field->open = true;
    }
    if (p < base->end && *p == dialect->line_end) {
        field->last = true;
        p++;
    }
    base->at = p;
    return field->last;
}

/* The next field of the record; false after a fault. */
static bool next_field(CsvReader *reader, Field *field)
{
    TextReader *base = &reader->base;
    const Dialect *dialect = reader->dialect;
    const char *begin = base->at, *end = base->end;
    const char *p = skip_spaces(begin, end);
    if (p < end && *p == dialect->quote) {
        p = quoted(reader, p + 1, field);
        if (p == NULL) {
            field->last = field->open = true;
            base->at = end;
            text_fault(base, base->line, 0, "a quote is not closed");
            return false;
        }
        if (end_field(reader, skip_spaces(p, end), field)) return true;
        text_fault(base, base->line, 0, "text follows a closing quote");
        return false;
    }
    p = begin;
    while (p < end && !dialect->stops[(unsigned char)*p]) p++;
    field->text = begin;
    field->size = (size_t)(p - begin);
    if (end_field(reader, p, field)) return true;
    text_fault(base, base->line, 0, "a carriage return stands in the middle of the line");
    return false;
}

/* Goes past empty lines. False at the end. */
static bool next_record(CsvReader *reader)
{
    TextReader *base = &reader->base;
    const char line_end = reader->dialect->line_end;
    while (base->at < base->end) {
        const char *p = base->at;
        if (*p == '\r' && line_end == '\n' && p + 1 < base->end) p++;
        if (*p != line_end) return true;
        base->at = p + 1;
        base->line++;
    }
    return false;
}

static void end_record(CsvReader *reader)
{
    reader->base.line += 1 + reader->inner_lines;
    reader->inner_lines = 0;
}

static CsvReader *reader_new(Arena *arena, const TextJob *job, const Layout *layout,
                             const TextPiece *piece)
{
    CsvReader *reader = ANEW(arena, CsvReader);
    text_reader_init(&reader->base, arena, job, layout, piece);
    reader->dialect = job->own;
    reader->unquoted = buf_new(arena);
    return reader;
}

/* ---- the header ---- */

static size_t line_length(const char *line, size_t size)
{
    size_t length = 0;
    while (length < size && line[length] != '\n' && line[length] != '\r') length++;
    return length;
}

static char delimiter_of(const char *line, size_t size)
{
    const char candidates[] = {',', ';', '\t', '|'};
    const size_t length = line_length(line, size);
    for (size_t i = 0; i < sizeof candidates; i++) {
        if (memchr(line, candidates[i], length) != NULL) return candidates[i];
    }
    return ',';
}

static Err *one_character(const TextJob *job, const char *key, char *out)
{
    const char *value = url_option(job->url, key);
    if (value == NULL) return NULL;
    if (strcmp(value, "\\t") == 0) value = "\t";
    if (strlen(value) != 1 || *value == '\n' || *value == '\r')
        return ERR(INVALID, "%s: option '%s' is one character, not '%s'", job->label, key, value);
    *out = value[0];
    return NULL;
}

static Err *header_option(const TextJob *job, Dialect *dialect)
{
    const char *value = url_option(job->url, "header");
    dialect->header = value == NULL || strcmp(value, "true") == 0;
    if (dialect->header || strcmp(value, "false") == 0) return NULL;
    return ERR(INVALID, "%s: option 'header' is true or false, not '%s'", job->label, value);
}

/* A lone CR before any LF: a text of old. */
static char line_end_of(const char *bytes, size_t size)
{
    const char *cr = memchr(bytes, '\r', size), *lf = memchr(bytes, '\n', size);
    if (cr == NULL || cr + 1 == bytes + size) return '\n';
    return lf == NULL || lf > cr + 1 ? '\r' : '\n';
}

static Err *read_dialect(const TextJob *job, const char *head, size_t size, Dialect *dialect)
{
    dialect->delimiter = delimiter_of(head, size);
    dialect->quote = '"';
    dialect->line_end = line_end_of(head, size);
    dialect->null_text = url_option(job->url, "nullstr");
    dialect->null_size = dialect->null_text != NULL ? strlen(dialect->null_text) : 0;
    TRY(one_character(job, "delimiter", &dialect->delimiter));
    TRY(one_character(job, "quote", &dialect->quote));
    TRY(header_option(job, dialect));
    dialect->stops['\r'] = dialect->stops['\n'] = true;
    dialect->stops[(unsigned char)dialect->delimiter] = true;
    return NULL;
}

static Err *take_name(const TextJob *job, const Dialect *dialect, const Field *field, Shape *shape)
{
    const char *text = field->text;
    size_t size = field->size, before = shape->columns.n;
    while (size > 0 && *text == ' ') {
        text++;
        size--;
    }
    while (size > 0 && text[size - 1] == ' ') size--;
    char *name = dialect->header ? arena_strndup(job->arena, text, size)
                                 : arena_printf(job->arena, "column%zu", before);
    if (*name == '\0')
        return err_at(ERR(INVALID, "%s: line 1: column %zu has no name", job->label, before + 1), 1,
                      1);
    (void)job_column(job, shape, -1, name, strlen(name));
    if (shape->columns.n > before) return NULL;
    return err_at(ERR(INVALID, "%s: line 1: column '%s' appears twice", job->label, name), 1, 1);
}

static Err *bad_head(const TextJob *job, const char *head, size_t size)
{
    size_t at = 0;
    if (!text_find_bad_byte(head, size, &at)) return NULL;
    if (head[at] == '\0') return ERR(INVALID, "%s: not text: it holds NUL bytes", job->label);
    return err_at(ERR(INVALID, "%s: line 1: not valid UTF-8", job->label), 1, (int)at + 1);
}

static Err *csv_begin(TextJob *job, const char *head, size_t size, bool whole, Shape *shape,
                      size_t *out_used)
{
    Dialect *dialect = ANEW(job->arena, Dialect);
    size_t mark = size >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    TRY(read_dialect(job, head + mark, size - mark, dialect));
    job->own = dialect;
    CsvReader *reader =
        reader_new(job->arena, job, NULL, &(TextPiece){.bytes = head + mark, .size = size - mark});
    Field field = {0};
    TRY(bad_head(job, head, line_length(head, size)));
    do {
        bool good = next_field(reader, &field);
        *out_used = SIZE_MAX;
        if (field.open && (!whole || job->series)) return NULL;
        if (!good)
            return err_at(ERR(INVALID, "%s: line 1: %s", job->label, reader->base.fault.what), 1,
                          1);
        TRY(take_name(job, dialect, &field, shape));
    } while (!field.last);
    dialect->columns = shape->columns.n;
    if (dialect->header) dialect->first_name = shape->columns.v[0].key;
    *out_used = dialect->header ? (size_t)(reader->base.at - head) : mark;
    return NULL;
}

/* ---- where records end ---- */

/* Without quotes that is where lines do. */
static size_t csv_cut(const TextJob *job, const char *bytes, size_t size)
{
    const Dialect *dialect = job->own;
    if (memchr(bytes, dialect->quote, size) == NULL) {
        const char *last = memrchr(bytes, dialect->line_end, size);
        return last == NULL ? 0 : (size_t)(last + 1 - bytes);
    }
    SCRATCH(scratch);
    CsvReader *reader = reader_new(scratch, job, NULL, &(TextPiece){.bytes = bytes, .size = size});
    size_t cut = 0;
    Field field;
    while (reader->base.at < reader->base.end) {
        field = (Field){0};
        bool good = next_field(reader, &field);
        if (field.open) break;
        if (!good) return size; /* whoever reads it tells */
        if (field.last) cut = (size_t)(reader->base.at - bytes);
    }
    return cut;
}

/* ---- records ---- */

static bool is_null(const Dialect *dialect, const Field *field)
{
    return field->size == 0 || (dialect->null_size == field->size && dialect->null_text != NULL &&
                                memcmp(dialect->null_text, field->text, field->size) == 0);
}

static void ragged(CsvReader *reader, size_t fields)
{
    text_fault(&reader->base, reader->base.line, 0, "%zu %s where the header has %zu", fields,
               fields == 1 ? "field" : "fields", reader->dialect->columns);
}

/* Counts what is left of a record that has more fields than columns. */
static void too_many(CsvReader *reader, size_t fields)
{
    Field field = {0};
    do {
        if (!next_field(reader, &field)) return;
        fields++;
    } while (!field.last);
    ragged(reader, fields);
}

/* Whether the record that begins at `at` is the header once more. */
static bool is_header_again(const CsvReader *reader, const char *at)
{
    SCRATCH(scratch);
    const TextReader *base = &reader->base;
    const Shape *shape = base->layout->shape;
    CsvReader *again = reader_new(scratch, base->job, NULL,
                                  &(TextPiece){.bytes = at, .size = (size_t)(base->end - at)});
    Field field = {0};
    for (size_t i = 0; i < reader->dialect->columns && !field.last; i++) {
        const ShapeColumn *column = &shape->columns.v[i];
        if (!next_field(again, &field) || field.size != column->length ||
            memcmp(field.text, column->key, field.size) != 0)
            return false;
    }
    return field.last;
}

static bool header_again(CsvReader *reader, const char *record, const Field *first)
{
    const char *name = reader->dialect->first_name;
    if (name == NULL || strlen(name) != first->size || memcmp(name, first->text, first->size) != 0)
        return false;
    if (!is_header_again(reader, record)) return false;
    text_fault(&reader->base, reader->base.line, 0, "the header stands here a second time");
    return true;
}

static bool put_field(CsvReader *reader, size_t c, const Field *field, FeedColumn *columns,
                      size_t row)
{
    if (!is_null(reader->dialect, field))
        return value_put(&reader->base, c, field->text, field->size, &columns[c], row);
    value_null(&columns[c], row);
    return true;
}

static bool read_record(CsvReader *reader, FeedColumn *columns, size_t row)
{
    const char *record = reader->base.at;
    Field field;
    for (size_t c = 0; c < reader->dialect->columns; c++) {
        if (!next_field(reader, &field)) return false;
        if (c == 0 && header_again(reader, record, &field)) return false;
        if (!put_field(reader, c, &field, columns, row)) return false;
        if (field.last != (c + 1 == reader->dialect->columns)) {
            if (field.last)
                ragged(reader, c + 1);
            else
                too_many(reader, c + 1);
            return false;
        }
    }
    end_record(reader);
    return true;
}

static size_t csv_next(TextReader *base, FeedColumn *columns, size_t capacity)
{
    CsvReader *reader = (CsvReader *)base;
    size_t rows = 0;
    while (rows < capacity && next_record(reader)) {
        if (!read_record(reader, columns, rows)) return 0;
        rows++;
    }
    return rows;
}

static TextReader *csv_open(Arena *arena, const TextJob *job, const Layout *layout,
                            const TextPiece *piece)
{
    return &reader_new(arena, job, layout, piece)->base;
}

/* ---- what records hold ---- */

static bool learn_record(CsvReader *reader, Shape *shape)
{
    Field field;
    for (size_t c = 0; c < reader->dialect->columns; c++) {
        if (!next_field(reader, &field)) return false;
        ShapeColumn *column = &shape->columns.v[c];
        if (!is_null(reader->dialect, &field) &&
            ((column->seen & SEEN_WORDS) == 0 || column->may_be_time))
            text_see(column, value_kind(field.text, field.size), field.text, field.size);
        if (field.last == (c + 1 == reader->dialect->columns)) continue;
        if (field.last)
            ragged(reader, c + 1);
        else
            too_many(reader, c + 1);
        return false;
    }
    end_record(reader);
    return true;
}

static bool csv_learn(const TextJob *job, const TextPiece *piece, Arena *arena, Shape *shape,
                      TextFault *fault)
{
    CsvReader *reader = reader_new(arena, job, NULL, piece);
    while (next_record(reader)) {
        if (learn_record(reader, shape)) continue;
        *fault = reader->base.fault;
        return false;
    }
    return true;
}

const TextDriver TEXT_CSV = {
    .format = FORMAT_CSV,
    .name = "CSV",
    .begin = csv_begin,
    .cut = csv_cut,
    .learn = csv_learn,
    .layout = layout_make,
    .open = csv_open,
    .next = csv_next,
};
