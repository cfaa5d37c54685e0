/* The table of text formats, and what their readers share. */
#include "provider/text_int.h"
#include <stdarg.h>
#include <string.h>

extern const TextDriver TEXT_CSV, TEXT_JSONL, TEXT_OTELJSON;
static const TextDriver *const DRIVERS[] = {&TEXT_CSV, &TEXT_JSONL, &TEXT_OTELJSON};

const TextDriver *text_driver(Format format)
{
    for (size_t i = 0; i < sizeof DRIVERS / sizeof *DRIVERS; i++)
        if (DRIVERS[i]->format == format) return DRIVERS[i];
    return NULL;
}

bool format_is_text(Format format)
{
    return text_driver(format) != NULL;
}

/* ---- columns ---- */

static bool may_be_time(const TextJob *job, const Shape *shape, int parent, const char *key)
{
    const char *wanted = url_option(job->url, "time");
    if (wanted == NULL) return parent < 0 && time_column_is_named(key);
    SCRATCH(scratch);
    const char *name = key;
    for (int at = parent; at >= 0; at = shape->columns.v[at].parent)
        name = arena_printf(scratch, "%s.%s", shape->columns.v[at].key, name);
    return strcmp(name, wanted) == 0;
}

size_t job_column(const TextJob *job, Shape *shape, int parent, const char *key, size_t length)
{
    ptrdiff_t known = shape_find(shape, parent, key, length);
    if (known >= 0) return (size_t)known;
    size_t place = shape_column(shape, parent, key, length);
    ShapeColumn *column = &shape->columns.v[place];
    column->may_be_time = may_be_time(job, shape, parent, column->key);
    return place;
}

void text_see(ShapeColumn *column, Seen kind, const char *text, size_t size)
{
    double number;
    column->seen |= kind;
    if (!column->may_be_time || column->unit != TIME_UNIT_NONE) return;
    if ((kind == SEEN_INT || kind == SEEN_FLOAT) && value_float(text, size, &number) &&
        number > 0 && number < 9e18)
        column->unit = time_unit_guess((int64_t)number);
}

/* ---- readers ---- */

void text_reader_init(TextReader *reader, Arena *arena, const TextJob *job, const Layout *layout,
                      const TextPiece *piece)
{
    reader->job = job;
    reader->layout = layout;
    reader->at = piece->bytes;
    reader->end = piece->bytes + piece->size;
    reader->arena = arena;
    if (layout != NULL) reader->has_value = AARRAY(arena, bool, layout->count + 1);
}

void text_fault(TextReader *reader, int64_t line, int column, const char *format, ...)
{
    if (reader->fault.what != NULL) return;
    va_list args;
    va_start(args, format);
    reader->fault = (TextFault){.what = arena_vprintf(reader->arena, format, args),
                                .code = ERR_INVALID,
                                .line = line,
                                .column = column};
    va_end(args);
}

/* ---- bytes ---- */

/* Eight bytes without NUL and without the high bit are text. */
static bool is_plain(const char *bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return ((word | ((word - ones) & ~word)) & tops) == 0;
}

/* The length of the well-formed character there, 0 when it is none. */
static size_t character(const char *bytes, size_t size)
{
    unsigned char first = (unsigned char)*bytes;
    size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first == 0 || length > size || !utf8_valid(bytes, length)) return 0;
    return length;
}

bool text_find_bad_byte(const char *bytes, size_t size, size_t *out)
{
    for (size_t at = 0; at < size;) {
        if (size - at >= 8 && is_plain(bytes + at)) {
            at += 8;
            continue;
        }
        size_t length = character(bytes + at, size - at);
        if (length == 0) {
            *out = at;
            return true;
        }
        at += length;
    }
    return false;
}

int64_t text_count_lines(const char *bytes, size_t size)
{
    int64_t lines = 0;
    for (const char *p = bytes, *end = bytes + size;
         (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        lines++;
    return lines;
}

void text_check_bytes(TextReader *reader)
{
    size_t bad = 0;
    if (!text_find_bad_byte(reader->at, (size_t)(reader->end - reader->at), &bad)) return;
    const char *at = reader->at + bad, *line = memrchr(reader->at, '\n', bad);
    const int column = (int)(at - (line != NULL ? line + 1 : reader->at)) + 1;
    text_fault(reader, text_count_lines(reader->at, bad), column,
               *at == '\0' ? "byte %d is NUL: this is no text" : "byte %d: not valid UTF-8",
               column);
}
