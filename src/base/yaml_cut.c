/* A part of a YAML text as a text of its own, so that what a user wrote, comments included, is kept
 * as written.
 *
 * libyaml counts positions in characters. A block ends where the next token begins; what of that
 * belongs to it is told by the indentation: lines at least as far to the right as the block, and
 * what stands between them. A line in brackets or quotes may be indented less than its block;
 * moving it does not change its meaning, which is compared in the end. */
#include "base/buf.h"
#include "base/yaml.h"
#include <string.h>

bool yaml_equal(const Yaml *a, const Yaml *b)
{
    if (a->kind != b->kind || a->count != b->count) return false;
    if (a->kind == YAML_SCALAR) return a->quoted == b->quoted && strcmp(a->text, b->text) == 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->kind == YAML_MAP && !yaml_equal(a->keys[i], b->keys[i])) return false;
        if (!yaml_equal(a->items[i], b->items[i])) return false;
    }
    return true;
}

static const char *at_character(const char *text, size_t index)
{
    for (; index > 0 && *text != '\0'; index--) {
        do text++;
        while (((unsigned char)*text & 0xC0) == 0x80);
    }
    return text;
}

/* Behind the line that holds `at`. */
static const char *next_line(const char *at, const char *end)
{
    while (at < end && *at != '\n') at++;
    return at < end ? at + 1 : end;
}

static size_t indentation(const char *line, const char *end)
{
    size_t spaces = 0;
    while (line + spaces < end && line[spaces] == ' ') spaces++;
    return spaces;
}

static bool is_blank(const char *line, const char *end)
{
    const char *text = line + strspn(line, " \t\r");
    return text >= end || *text == '\n';
}

/* The block's lines, each moved left by `margin`; trailing ones that are not its own are left out,
 * and so are blank ones, unless `blank`. */
static char *cut_block(Arena *arena, const char *from, const char *end, size_t margin, bool blank)
{
    Buf cut = buf_new(arena);
    size_t own = 0;
    for (const char *line = from, *next; line < end; line = next) {
        size_t spaces = indentation(line, end);
        next = next_line(line, end);
        const char *kept = line + (spaces < margin ? spaces : margin);
        buf_add(&cut, kept, (size_t)(next - kept));
        bool is_own = is_blank(line, end) ? blank : spaces >= margin || line[spaces] != '#';
        if (is_own) own = cut.size;
    }
    buf_truncate(&cut, own);
    if (cut.size > 0 && cut.data[cut.size - 1] != '\n') buf_putc(&cut, '\n');
    return cut.data;
}

/* The line behind the key, when all up to the value is blank or comment. */
static const char *block_begin(const char *text, const Yaml *key, const Yaml *value)
{
    const char *first = at_character(text, value->begin);
    const char *line = next_line(at_character(text, key->end), first);
    return line < first ? line : first - (value->column - 1);
}

static bool means(Arena *arena, const char *text, const Yaml *value)
{
    Yaml *parsed = NULL;
    Err *err = yaml_parse(arena, text, strlen(text), &parsed);
    bool same = err == NULL && parsed != NULL && yaml_equal(value, parsed);
    err_free(err);
    return same;
}

Err *yaml_cut(Arena *arena, const char *text, const Yaml *map, const char *key, char **out)
{
    size_t i = 0;
    while (strcmp(map->keys[i]->text, key) != 0) i++;
    const Yaml *value = map->items[i];
    const char *begin = at_character(text, value->begin), *end = at_character(text, value->end);
    char *cut = NULL;
    if (value->flow) {
        cut = arena_printf(arena, "%.*s\n", (int)(end - begin), begin);
    } else {
        size_t margin = (size_t)value->column - 1;
        begin = block_begin(text, map->keys[i], value);
        cut = cut_block(arena, begin, end, margin, false);
        if (!means(arena, cut, value)) /* blank lines count at the end of a text with |+ */
            cut = cut_block(arena, begin, end, margin, true);
    }
    if (!means(arena, cut, value)) {
        return err_hint(yaml_error(value, "%s: cannot be taken out as a text of its own", key),
                        "begin each of its lines further to the right than '%s:'", key);
    }
    *out = cut;
    return NULL;
}
