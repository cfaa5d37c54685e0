/* Matching: one name against a component, a whole path against a pattern, and what captures expand
 * to.
 *
 * Both matchings are tables filled from the end: "can the rest of the pattern match from here on?",
 * one bit for each item (or component) and each offset. That is items × offsets steps whatever the
 * pattern, where backtracking would be exponential. With the table, captures are read off from the
 * front: each wildcard takes the most that leaves a rest that can still match. */
#include "tinyfs/tinyfs_int.h"
#include <string.h>

/* ---- one component ---- */

enum { ROW_WORDS = (NAME_MAX_BYTES + 1 + 63) / 64 };

/* One bit for each offset 0..255 into a name. */
typedef struct Row {
    uint64_t words[ROW_WORDS];
} Row;

static bool row_has(const Row *row, size_t offset)
{
    return row->words[offset / 64] >> (offset % 64) & 1;
}

static void row_set(Row *row, size_t offset)
{
    row->words[offset / 64] |= UINT64_C(1) << (offset % 64);
}

/* Where the character at `offset` ends. */
static size_t char_end(const char *name, size_t length, size_t offset)
{
    do {
        offset++;
    } while (offset < length && ((unsigned char)name[offset] & 0xc0) == 0x80);
    return offset;
}

static uint32_t char_at(const char *name, size_t offset, size_t end)
{
    static const unsigned char LEAD[] = {0x7f, 0x7f, 0x1f, 0x0f, 0x07};
    size_t bytes = end - offset;
    if (bytes > 4) return UINT32_MAX;
    uint32_t point = (unsigned char)name[offset] & LEAD[bytes];
    for (size_t i = offset + 1; i < end; i++) point = point << 6 | ((unsigned char)name[i] & 0x3fu);
    return point;
}

static bool set_has(const Item *set, uint32_t point)
{
    for (size_t i = 0; i < set->range_count; i++) {
        if (point >= set->ranges[i].first && point <= set->ranges[i].last) return !set->negated;
    }
    return set->negated;
}

static bool text_at(const Text *text, const char *name, size_t length, size_t offset)
{
    return text->length <= length - offset && memcmp(name + offset, text->bytes, text->length) == 0;
}

/* Can `item` match at `offset` so that the rest, `after`, matches behind it? Not for stars. */
static bool item_fits(const Item *item, const char *name, size_t length, size_t offset,
                      const Row *after)
{
    if (item->kind == ITEM_TEXT) {
        return text_at(&item->text, name, length, offset) &&
               row_has(after, offset + item->text.length);
    }
    if (item->kind == ITEM_CHOICE) {
        for (size_t i = 0; i < item->choice_count; i++) {
            const Text *choice = &item->choices[i];
            if (text_at(choice, name, length, offset) && row_has(after, offset + choice->length))
                return true;
        }
        return false;
    }
    if (offset == length) return false;
    size_t end = char_end(name, length, offset);
    bool one = item->kind == ITEM_ANY || set_has(item, char_at(name, offset, end));
    return one && row_has(after, end);
}

static bool on_boundary(const char *name, size_t length, size_t offset)
{
    return offset == length || ((unsigned char)name[offset] & 0xc0) != 0x80;
}

static void fill_row(const Item *item, const char *name, size_t length, const Row *after, Row *out)
{
    bool star_reaches = false;
    for (size_t offset = length + 1; offset-- > 0;) {
        if (!on_boundary(name, length, offset)) continue;
        star_reaches = star_reaches || row_has(after, offset);
        bool fits =
            item->kind == ITEM_STAR ? star_reaches : item_fits(item, name, length, offset, after);
        if (fits) row_set(out, offset);
    }
}

/* Most names fail here. */
static bool ends_fit(const Component *component, const char *name, size_t length)
{
    const Item *first = &component->items[0], *last = &component->items[component->item_count - 1];
    if (first->kind == ITEM_TEXT && !text_at(&first->text, name, length, 0)) return false;
    if (last->kind != ITEM_TEXT) return true;
    return last->text.length <= length &&
           text_at(&last->text, name, length, length - last->text.length);
}

bool component_matches(const Component *component, const char *name, size_t length)
{
    if (length > NAME_MAX_BYTES) return false;
    if (component->literal != NULL) {
        return strlen(component->literal) == length &&
               memcmp(component->literal, name, length) == 0;
    }
    if (!ends_fit(component, name, length)) return false;
    Row after = {{0}};
    row_set(&after, length);
    for (size_t i = component->item_count; i-- > 0;) {
        Row row = {{0}};
        fill_row(&component->items[i], name, length, &after, &row);
        after = row;
    }
    return row_has(&after, 0);
}

/* The end of the longest stretch from `offset` that `item` can take. The table says that there is
 * one. */
static size_t item_take(const Item *item, const char *name, size_t length, size_t offset,
                        const Row *after)
{
    if (item->kind == ITEM_STAR) {
        size_t end = length;
        while (!row_has(after, end)) end--;
        return end;
    }
    if (item->kind == ITEM_TEXT) return offset + item->text.length;
    if (item->kind != ITEM_CHOICE) return char_end(name, length, offset);
    for (size_t i = 0; i < item->choice_count; i++) {
        size_t end = offset + item->choices[i].length;
        if (text_at(&item->choices[i], name, length, offset) && row_has(after, end)) return end;
    }
    return offset;
}

/* Of a name that matches: puts a capture for each wildcard at *captures and advances it. */
static void component_capture(const Component *component, Arena *arena, Arena *scratch, Text name,
                              const char ***captures)
{
    size_t count = component->item_count, offset = 0;
    Row *rows = AARRAY(scratch, Row, count + 1);
    row_set(&rows[count], name.length);
    for (size_t i = count; i-- > 0;) {
        fill_row(&component->items[i], name.bytes, name.length, &rows[i + 1], &rows[i]);
    }
    for (size_t i = 0; i < count; i++) {
        const Item *item = &component->items[i];
        size_t end = item_take(item, name.bytes, name.length, offset, &rows[i + 1]);
        if (item->kind != ITEM_TEXT) {
            *(*captures)++ = arena_strndup(arena, name.bytes + offset, end - offset);
        }
        offset = end;
    }
}

/* ---- whole paths ---- */

typedef struct PathTable {
    const Pattern *pattern;
    const Text *names;
    size_t name_count;
    bool *fits; /* [component * (name_count + 1) + name]: can the rest match from here? */
} PathTable;

static bool *cell(const PathTable *table, size_t component, size_t name)
{
    return &table->fits[component * (table->name_count + 1) + name];
}

static const Text *split_path(Arena *arena, const char *path, size_t *count)
{
    VEC(Text) names = {0};
    for (const char *at = path; *at != '\0';) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (length > 0) vec_push(arena, &names, ((Text){at, length}));
        at += length;
    }
    *count = names.n;
    return names.v;
}

static bool can_match(const PathTable *table, size_t c, size_t n)
{
    const Component *component = &table->pattern->components[c];
    bool last = c + 1 == table->pattern->count;
    if (component->deep && last) return n < table->name_count;
    if (component->deep && *cell(table, c + 1, n)) return true;
    if (n == table->name_count) return false;
    if (component->deep) return *cell(table, c, n + 1);
    return *cell(table, c + 1, n + 1) &&
           component_matches(component, table->names[n].bytes, table->names[n].length);
}

static void fill_table(const PathTable *table)
{
    size_t count = table->pattern->count;
    *cell(table, count, table->name_count) = true;
    for (size_t c = count; c-- > 0;) {
        for (size_t n = table->name_count + 1; n-- > 0;)
            *cell(table, c, n) = can_match(table, c, n);
    }
}

/* The names [from, to) with '/' between them. They lie in one path, but there may be more than one
 * '/'. */
static const char *join_names(Arena *arena, const Text *names, size_t from, size_t to)
{
    Buf joined = buf_new(arena);
    for (size_t i = from; i < to; i++) {
        if (i > from) buf_putc(&joined, '/');
        buf_add(&joined, names[i].bytes, names[i].length);
    }
    return joined.data;
}

/* The most that `**` can take from `n` on. */
static size_t deep_take(const PathTable *table, size_t c, size_t n)
{
    size_t end = table->name_count;
    if (c + 1 == table->pattern->count) return end;
    while (end > n && !*cell(table, c + 1, end)) end--;
    return end;
}

static const char **read_captures(const PathTable *table, Arena *arena, Arena *scratch)
{
    const char **captures = AARRAY(arena, const char *, table->pattern->capture_count + 1);
    const char **next = captures;
    size_t n = 0;
    for (size_t c = 0; c < table->pattern->count; c++) {
        const Component *component = &table->pattern->components[c];
        if (component->deep) {
            size_t end = deep_take(table, c, n);
            *next++ = join_names(arena, table->names, n, end);
            n = end;
        } else {
            component_capture(component, arena, scratch, table->names[n++], &next);
        }
    }
    return captures;
}

bool pattern_match(const Pattern *pattern, Arena *arena, const char *path,
                   const char ***out_captures)
{
    SCRATCH(scratch);
    PathTable table = {.pattern = pattern};
    table.names = split_path(scratch, path, &table.name_count);
    table.fits = AARRAY(scratch, bool, (pattern->count + 1) * (table.name_count + 1));
    fill_table(&table);
    if (!*cell(&table, 0, 0)) return false;
    if (out_captures != NULL) *out_captures = read_captures(&table, arena, scratch);
    return true;
}

/* ---- expansion ---- */

static Err *bad_reference(const char *text, const char *at, const char *why)
{
    SCRATCH(scratch);
    int column = text_column(text, at);
    return err_at(ERR(INVALID, "'%s', column %d: %s", path_shown(scratch, text), column, why), 1,
                  column);
}

/* Digits at *at, which is left behind them; far too many stay too large for any count. */
static size_t take_index(const char **at)
{
    size_t index = 0;
    while (**at >= '0' && **at <= '9') {
        if (index < 1000000) index = index * 10 + (size_t)(**at - '0');
        (*at)++;
    }
    return index;
}

/* `*at` stands behind a '$'; leaves it behind the reference. */
static Err *expand_reference(Buf *to, const char *text, const char **at,
                             const char *const *captures, size_t count)
{
    const char *dollar = *at - 1;
    if (**at == '$') {
        buf_putc(to, *(*at)++);
        return NULL;
    }
    bool braces = **at == '{';
    if (braces) (*at)++;
    if (**at < '0' || **at > '9') {
        return bad_reference(text, dollar,
                             "'$' needs the number of a capture: $0, ${10}; $$ is a dollar sign");
    }
    size_t index = take_index(at);
    if (braces && *(*at)++ != '}') return bad_reference(text, dollar, "'${' without '}'");
    if (index >= count) {
        SCRATCH(scratch);
        const char *why =
            count == 0
                ? "the pattern has no captures"
                : arena_printf(scratch, "there is no such capture, the last is $%zu", count - 1);
        return bad_reference(text, dollar, why);
    }
    buf_puts(to, captures[index]);
    return NULL;
}

Err *captures_expand(Arena *arena, const char *text, const char *const *captures, size_t count,
                     char **out)
{
    Buf to = buf_new(arena);
    for (const char *at = text; *at != '\0';) {
        if (*at != '$') {
            buf_putc(&to, *at++);
            continue;
        }
        at++;
        TRY(expand_reference(&to, text, &at, captures, count));
    }
    *out = to.data;
    return NULL;
}
