/* JSON lines: each line one object (RFC 8259), empty lines mean nothing. A member is a column; the
 * members of an object in an object are columns called object.member; lists, and what is an object
 * here and something else there, are columns of JSON text, byte for byte as it stands in the line.
 *
 * Nothing is built of a line: values go from its bytes into columns. A line is usually like the one
 * before it, so for each member it is remembered which came next. */
#include "provider/text_int.h"
#include <string.h>

/* What is known of a shape's column while reading. */
typedef struct Member {
    int64_t record; /* the last one that had it */
    size_t next;    /* which came after it, and which first in it; + 1 */
    size_t first;
} Member;

typedef struct JsonReader {
    TextReader base;
    const char *line_begin;
    Shape *shape; /* when learning: grows */
    const Shape *known;
    Member *members; /* by the shape's columns; [-1] is the record itself */
    size_t capacity;
    int64_t record; /* from 1 */
    FeedColumn *columns;
    size_t row;
    Buf key, string;
} JsonReader;

static bool fault(JsonReader *reader, const char *at, const char *what)
{
    text_fault(&reader->base, reader->base.line, (int)(at - reader->line_begin) + 1, "%s", what);
    return false;
}

static void skip_space(JsonReader *reader)
{
    const char *p = reader->base.at;
    while (p < reader->base.end && (*p == ' ' || *p == '\t' || *p == '\r')) p++;
    reader->base.at = p;
}

static bool expect(JsonReader *reader, char c, const char *what)
{
    skip_space(reader);
    if (reader->base.at == reader->base.end || *reader->base.at != c)
        return fault(reader, reader->base.at, what);
    reader->base.at++;
    return true;
}

/* ---- strings ---- */

typedef struct Slice {
    const char *text;
    size_t size;
} Slice;

static int hex_of(const char *p, const char *end)
{
    int value = 0;
    if (end - p < 4) return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static void put_utf8(Buf *buf, unsigned code)
{
    if (code < 0x80) {
        buf_putc(buf, (char)code);
    } else if (code < 0x800) {
        buf_putc(buf, (char)(0xC0 | code >> 6));
        buf_putc(buf, (char)(0x80 | (code & 63)));
    } else if (code < 0x10000) {
        buf_putc(buf, (char)(0xE0 | code >> 12));
        buf_putc(buf, (char)(0x80 | (code >> 6 & 63)));
        buf_putc(buf, (char)(0x80 | (code & 63)));
    } else {
        buf_putc(buf, (char)(0xF0 | code >> 18));
        buf_putc(buf, (char)(0x80 | (code >> 12 & 63)));
        buf_putc(buf, (char)(0x80 | (code >> 6 & 63)));
        buf_putc(buf, (char)(0x80 | (code & 63)));
    }
}

/* \uXXXX, `p` at the digits; a pair of surrogates is one character, a lone one U+FFFD. NULL when
 * there are no four digits. */
static const char *put_escaped(Buf *into, const char *p, const char *end)
{
    int code = hex_of(p, end);
    if (code < 0) return NULL;
    p += 4;
    if (code < 0xD800 || code > 0xDFFF) {
        put_utf8(into, (unsigned)code);
        return p;
    }
    int low =
        code < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex_of(p + 2, end) : -1;
    bool pair = low >= 0xDC00 && low <= 0xDFFF;
    put_utf8(into, pair ? 0x10000u + (((unsigned)code - 0xD800u) << 10) + ((unsigned)low - 0xDC00u)
                        : 0xFFFDu);
    return pair ? p + 6 : p;
}

static bool escape(JsonReader *reader, const char **p, Buf *into)
{
    static const char FROM[] = "\"\\/bfnrt", TO[] = "\"\\/\b\f\n\r\t";
    const char *at = *p + 1, *end = reader->base.end;
    const char *letter = at < end && *at != '\0' ? strchr(FROM, *at) : NULL;
    if (letter != NULL) {
        buf_putc(into, TO[letter - FROM]);
        *p = at + 1;
        return true;
    }
    const char *after = at < end && *at == 'u' ? put_escaped(into, at + 1, end) : NULL;
    if (after == NULL) return fault(reader, *p, "not an escape that JSON has");
    *p = after;
    return true;
}

/* What ends a run of plain characters. */
static bool is_special(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

static const char *plain_run(const char *p, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
    for (; end - p >= 8; p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        uint64_t quotes = word ^ (ones * '"'), slashes = word ^ (ones * '\\');
        uint64_t found = ((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes) |
                         ((word - ones * 0x20) & ~word);
        if ((found & tops) != 0) break;
    }
    while (p < end && !is_special(*p)) p++;
    return p;
}

/* Behind the opening quote. The slice lives until `into` is used again. */
static bool read_string(JsonReader *reader, Buf *into, Slice *out)
{
    const char *begin = reader->base.at, *end = reader->base.end, *p = plain_run(begin, end);
    if (p < end && *p == '"') {
        *out = (Slice){begin, (size_t)(p - begin)};
        reader->base.at = p + 1;
        return true;
    }
    buf_clear(into);
    for (;;) {
        buf_add(into, begin, (size_t)(p - begin));
        if (p == end || *p == '\n') return fault(reader, p, "the string is not closed");
        if (*p == '"') break;
        if (*p != '\\') return fault(reader, p, "a control character stands in a string");
        if (!escape(reader, &p, into)) return false;
        begin = p;
        p = plain_run(begin, end);
    }
    *out = (Slice){into->data, into->size};
    reader->base.at = p + 1;
    return true;
}

/* ---- values that are not looked into ---- */

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9') p++;
    return p;
}

static bool read_number(JsonReader *reader, Slice *out)
{
    const char *begin = reader->base.at, *end = reader->base.end;
    const char *p = begin + (*begin == '-'), *whole = p;
    p = digits(p, end);
    bool good = p > whole && (*whole != '0' || p == whole + 1);
    if (good && p < end && *p == '.') {
        const char *fraction = p + 1;
        p = digits(fraction, end);
        good = p > fraction;
    }
    if (good && p < end && (*p == 'e' || *p == 'E')) {
        const char *exponent = p + 1;
        exponent += exponent < end && (*exponent == '+' || *exponent == '-');
        p = digits(exponent, end);
        good = p > exponent;
    }
    if (!good) return fault(reader, begin, "not a JSON value");
    *out = (Slice){begin, (size_t)(p - begin)};
    reader->base.at = p;
    return true;
}

static bool take_word(JsonReader *reader, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(reader->base.end - reader->base.at) < length ||
        memcmp(reader->base.at, word, length) != 0)
        return false;
    reader->base.at += length;
    return true;
}

static bool skip_value(JsonReader *reader, int depth);

static bool skip_members(JsonReader *reader, char close, int depth)
{
    Slice ignored;
    if (depth > TEXT_DEPTH_MAX) return fault(reader, reader->base.at, "nested deeper than 64");
    skip_space(reader);
    if (reader->base.at < reader->base.end && *reader->base.at == close) {
        reader->base.at++;
        return true;
    }
    for (;;) {
        if (close == '}') {
            if (!expect(reader, '"', "a key is missing")) return false;
            if (!read_string(reader, &reader->string, &ignored)) return false;
            if (!expect(reader, ':', "a colon is missing")) return false;
        }
        if (!skip_value(reader, depth)) return false;
        skip_space(reader);
        if (reader->base.at < reader->base.end && *reader->base.at == ',') {
            reader->base.at++;
            continue;
        }
        return expect(reader, close,
                      close == '}' ? "the object is not closed" : "the list is not closed");
    }
}

static bool skip_value(JsonReader *reader, int depth)
{
    Slice ignored;
    skip_space(reader);
    if (reader->base.at == reader->base.end)
        return fault(reader, reader->base.at, "a value is missing");
    switch (*reader->base.at) {
    case '{': reader->base.at++; return skip_members(reader, '}', depth + 1);
    case '[': reader->base.at++; return skip_members(reader, ']', depth + 1);
    case '"': reader->base.at++; return read_string(reader, &reader->string, &ignored);
    default: break;
    }
    if (take_word(reader, "null") || take_word(reader, "true") || take_word(reader, "false"))
        return true;
    return read_number(reader, &ignored);
}

/* ---- members ---- */

static bool same_key(const ShapeColumn *column, int parent, const Slice *key)
{
    return column->parent == parent && column->length == key->size &&
           memcmp(column->key, key->text, key->size) == 0;
}

static void reserve_members(JsonReader *reader, size_t count)
{
    if (count <= reader->capacity) return;
    size_t capacity = count * 2 + 64;
    Member *members = AARRAY(reader->base.arena, Member, capacity + 1);
    if (reader->members != NULL)
        memcpy(members, reader->members - 1, (reader->capacity + 1) * sizeof *members);
    reader->members = members + 1;
    reader->capacity = capacity;
}

/* The shape's column of a key, -1 when it has none (and is not learning). `guess` is where the
 * column that came next last time is kept. */
static ptrdiff_t column_of(JsonReader *reader, int parent, const Slice *key, int before)
{
    size_t *guess = before < -1 ? &reader->members[parent].first : &reader->members[before].next;
    const Shape *shape = reader->known;
    if (*guess > 0 && same_key(&shape->columns.v[*guess - 1], parent, key))
        return (ptrdiff_t)*guess - 1;
    ptrdiff_t place = reader->shape != NULL ? (ptrdiff_t)job_column(reader->base.job, reader->shape,
                                                                    parent, key->text, key->size)
                                            : shape_find(shape, parent, key->text, key->size);
    reserve_members(reader, shape->columns.n);
    guess = before < -1 ? &reader->members[parent].first : &reader->members[before].next;
    *guess = (size_t)(place + 1);
    return place;
}

static bool read_value(JsonReader *reader, size_t place, int depth);

static bool read_member(JsonReader *reader, int parent, int *before, int depth)
{
    Slice key;
    if (!expect(reader, '"', "a key is missing")) return false;
    const char *at = reader->base.at - 1;
    if (!read_string(reader, &reader->key, &key)) return false;
    if (key.size == 0) return fault(reader, at, "a key is empty");
    if (memchr(key.text, '\0', key.size) != NULL) return fault(reader, at, "a key holds a NUL");
    ptrdiff_t place = column_of(reader, parent, &key, *before);
    if (place < 0) {
        reader->base.misfit = true;
        return false;
    }
    Member *member = &reader->members[place];
    if (member->record == reader->record || member->record == -reader->record)
        return fault(reader, at, "a key stands twice");
    member->record = reader->record;
    *before = (int)place;
    return expect(reader, ':', "a colon is missing") && read_value(reader, (size_t)place, depth);
}

/* Behind the opening brace. */
static bool read_object(JsonReader *reader, int parent, int depth)
{
    int before = -2;
    if (depth > TEXT_DEPTH_MAX) return fault(reader, reader->base.at, "nested deeper than 64");
    skip_space(reader);
    if (reader->base.at < reader->base.end && *reader->base.at == '}') {
        reader->base.at++;
        return true;
    }
    for (;;) {
        if (!read_member(reader, parent, &before, depth)) return false;
        skip_space(reader);
        if (reader->base.at == reader->base.end || *reader->base.at != ',')
            return expect(reader, '}', "the object is not closed");
        reader->base.at++;
    }
}

/* ---- learning ---- */

static bool see_value(JsonReader *reader, size_t place, int depth)
{
    Slice text;
    char first = *reader->base.at;
    unsigned *seen = &reader->shape->columns.v[place].seen;
    if (first == '{') {
        *seen |= SEEN_OBJECT;
        reader->base.at++;
        return read_object(reader, (int)place, depth + 1);
    }
    if (first == '[') *seen |= SEEN_LIST;
    if (first == '[') return skip_value(reader, depth);
    if (first == '"') {
        reader->base.at++;
        if (!read_string(reader, &reader->string, &text)) return false;
        *seen |= value_kind_of_string(text.text, text.size);
        return true;
    }
    if (take_word(reader, "null")) return true;
    if (take_word(reader, "true") || take_word(reader, "false")) {
        *seen |= SEEN_BOOL;
        return true;
    }
    if (!read_number(reader, &text)) return false;
    Seen kind = value_kind(text.text, text.size);
    if (kind == SEEN_WORDS) kind = SEEN_HUGE;
    text_see(&reader->shape->columns.v[place], kind, text.text, text.size);
    return true;
}

/* ---- putting ---- */

static bool is_of(Target target, char first)
{
    switch (target) {
    case TARGET_NOTHING: return false;
    case TARGET_BOOL: return first == 't' || first == 'f';
    case TARGET_INT:
    case TARGET_FLOAT:
    case TARGET_EPOCH: return first == '-' || (first >= '0' && first <= '9');
    case TARGET_CLOCK:
    case TARGET_DATE:
    case TARGET_STAMP:
    case TARGET_STAMPTZ:
    case TARGET_WORDS:
    case TARGET_TIME: return first == '"';
    case TARGET_FORM: return first == '"' || (first >= '0' && first <= '9');
    case TARGET_JSON: return true;
    }
    return false;
}

static bool is_time_target(Target target)
{
    return target == TARGET_TIME || target == TARGET_EPOCH || target == TARGET_FORM;
}

/* The value as it stands. */
static bool raw_value(JsonReader *reader, int depth, Slice *out)
{
    const char *begin = reader->base.at;
    if (!skip_value(reader, depth)) return false;
    *out = (Slice){begin, (size_t)(reader->base.at - begin)};
    return true;
}

static bool put_value(JsonReader *reader, size_t place, int depth)
{
    TextReader *base = &reader->base;
    Slice text;
    char first = *base->at;
    ptrdiff_t column = base->layout->of_shape[place];
    if (column < 0 && first == '{') {
        base->at++;
        return read_object(reader, (int)place, depth + 1);
    }
    if (first == 'n') {
        if (column >= 0) reader->members[place].record = -reader->record;
        return skip_value(reader, depth);
    }
    Target target = column >= 0 ? base->layout->columns[column].target : TARGET_NOTHING;
    bool fits = is_of(target, first);
    if (!fits && !is_time_target(target)) { /* but what is no JSON is a fault first */
        base->misfit = skip_value(reader, depth);
        return false;
    }
    if (first == '"' && target != TARGET_JSON) {
        base->at++;
        if (!read_string(reader, &reader->string, &text)) return false;
    } else if (!raw_value(reader, depth, &text)) {
        return false;
    }
    if (!fits) {
        value_not_a_time(base, (size_t)column, text.text, text.size);
        return false;
    }
    return value_put(base, (size_t)column, text.text, text.size, &reader->columns[column],
                     reader->row);
}

static bool read_value(JsonReader *reader, size_t place, int depth)
{
    skip_space(reader);
    if (reader->base.at == reader->base.end)
        return fault(reader, reader->base.at, "a value is missing");
    return reader->shape != NULL ? see_value(reader, place, depth)
                                 : put_value(reader, place, depth);
}

/* ---- records ---- */

static bool read_record(JsonReader *reader)
{
    TextReader *base = &reader->base;
    reader->record++;
    if (!expect(reader, '{', "not a JSON object") || !read_object(reader, -1, 1)) return false;
    skip_space(reader);
    if (base->at < base->end && *base->at != '\n')
        return fault(reader, base->at, "something follows the object");
    base->at += base->at < base->end;
    base->line++;
    return true;
}

/* Goes past empty lines. False at the end. */
static bool next_record(JsonReader *reader)
{
    TextReader *base = &reader->base;
    for (;;) {
        reader->line_begin = base->at;
        skip_space(reader);
        if (base->at == base->end) return false;
        if (*base->at != '\n') return true;
        base->at++;
        base->line++;
    }
}

static JsonReader *reader_new(Arena *arena, const TextJob *job, const Layout *layout,
                              const Shape *known, const TextPiece *piece)
{
    JsonReader *reader = ANEW(arena, JsonReader);
    text_reader_init(&reader->base, arena, job, layout, piece);
    reader->known = known;
    reader->key = buf_new(arena);
    reader->string = buf_new(arena);
    reserve_members(reader, known->columns.n + 1);
    return reader;
}

static void null_the_rest(JsonReader *reader)
{
    const Layout *layout = reader->base.layout;
    for (size_t c = 0; c < layout->count; c++) {
        if (reader->members[layout->columns[c].of].record != reader->record)
            value_null(&reader->columns[c], reader->row);
    }
}

static size_t jsonl_next(TextReader *base, FeedColumn *columns, size_t capacity)
{
    JsonReader *reader = (JsonReader *)base;
    reader->columns = columns;
    for (reader->row = 0; reader->row < capacity && next_record(reader); reader->row++) {
        if (!read_record(reader)) return 0;
        null_the_rest(reader);
    }
    return reader->row;
}

static TextReader *jsonl_open(Arena *arena, const TextJob *job, const Layout *layout,
                              const TextPiece *piece)
{
    return &reader_new(arena, job, layout, layout->shape, piece)->base;
}

static bool jsonl_learn(const TextJob *job, const TextPiece *piece, Arena *arena, Shape *shape,
                        TextFault *out_fault)
{
    JsonReader *reader = reader_new(arena, job, NULL, shape, piece);
    reader->shape = shape;
    while (next_record(reader)) {
        if (read_record(reader)) continue;
        *out_fault = reader->base.fault;
        return false;
    }
    return true;
}

static Err *jsonl_begin(TextJob *job, const char *head, size_t size, bool whole, Shape *shape,
                        size_t *out_used)
{
    (void)job;
    (void)shape;
    (void)whole;
    *out_used = size >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    return NULL;
}

static size_t jsonl_cut(const TextJob *job, const char *bytes, size_t size)
{
    (void)job;
    const char *last = size > 0 ? memrchr(bytes, '\n', size) : NULL;
    return last == NULL ? 0 : (size_t)(last + 1 - bytes);
}

const TextDriver TEXT_JSONL = {
    .format = FORMAT_JSONL,
    .name = "JSON lines",
    .begin = jsonl_begin,
    .cut = jsonl_cut,
    .learn = jsonl_learn,
    .layout = layout_make,
    .open = jsonl_open,
    .next = jsonl_next,
};
