/* Patterns: from text to components and items. glob.c matches them, match.c walks by them.
 *
 *   pattern   = [ "/" ] component *( "/" component ) [ "/" ]     a trailing "/" is "/" and "*"
 *   component = "**" | 1*item
 *   item      = text | "*" | "?" | "[" [ "!" | "^" ] 1*( char | char "-" char ) "]" | "{" text *(
 * "," text ) "}"
 *
 * A backslash takes the meaning from the next character, also inside [] and {}. "." components are
 * dropped;
 * ".." takes back a component without wildcards before it. Characters are Unicode code points. */
#include "perf/ops.h"
#include "tinyfs/tinyfs_int.h"
#include <stdlib.h>
#include <string.h>

typedef struct Parser {
    Arena *arena;
    const char *text;
    const char *at, *end; /* what is left of the component */
} Parser;

typedef VEC(Item) Items;
typedef VEC(Component) Components;
typedef VEC(Text) Texts;
typedef VEC(CharRange) Ranges;

static Err *refuse(const Parser *parser, const char *at, const char *why)
{
    SCRATCH(scratch);
    int column = text_column(parser->text, at);
    return err_at(
        ERR(INVALID, "pattern '%s', column %d: %s", path_shown(scratch, parser->text), column, why),
        1, column);
}

/* One character; the text is valid UTF-8. */
static uint32_t take_char(Parser *parser)
{
    unsigned char first = (unsigned char)*parser->at++;
    if (first < 0x80) return first;
    uint32_t point = first & (first >= 0xf0 ? 0x07u : first >= 0xe0 ? 0x0fu : 0x1fu);
    while (((unsigned char)*parser->at & 0xc0) == 0x80) {
        point = point << 6 | ((unsigned char)*parser->at++ & 0x3fu);
    }
    return point;
}

static bool at_end(const Parser *parser)
{
    return parser->at >= parser->end;
}

/* Steps over a backslash, so that the next character stands for itself. */
static Err *skip_escape(Parser *parser)
{
    if (*parser->at != '\\') return NULL;
    if (parser->at + 1 >= parser->end)
        return refuse(parser, parser->at, "nothing follows the backslash");
    parser->at++;
    return NULL;
}

/* ---- items ---- */

static Err *parse_set_char(Parser *parser, const char *open, uint32_t *out)
{
    if (at_end(parser)) return refuse(parser, open, "'[' without ']'");
    TRY(skip_escape(parser));
    *out = take_char(parser);
    return NULL;
}

static Err *parse_range(Parser *parser, const char *open, CharRange *out)
{
    const char *start = parser->at;
    TRY(parse_set_char(parser, open, &out->first));
    out->last = out->first;
    bool range = parser->end - parser->at >= 2 && parser->at[0] == '-' && parser->at[1] != ']';
    if (!range) return NULL;
    parser->at++;
    TRY(parse_set_char(parser, open, &out->last));
    if (out->last < out->first) return refuse(parser, start, "the range in '[...]' runs backwards");
    return NULL;
}

/* `]` as the first character stands for itself, as in a shell. */
static Err *parse_set(Parser *parser, Item *item)
{
    const char *open = parser->at++;
    Ranges ranges = {0};
    item->kind = ITEM_SET;
    item->negated = !at_end(parser) && (*parser->at == '!' || *parser->at == '^');
    if (item->negated) parser->at++;
    do {
        CharRange range = {0};
        TRY(parse_range(parser, open, &range));
        vec_push(parser->arena, &ranges, range);
        if (at_end(parser)) return refuse(parser, open, "'[' without ']'");
    } while (*parser->at != ']');
    parser->at++;
    item->ranges = ranges.v;
    item->range_count = ranges.n;
    return NULL;
}

static int longer_first(const void *a, const void *b)
{
    size_t x = ((const Text *)a)->length, y = ((const Text *)b)->length;
    return x == y ? 0 : x > y ? -1 : 1;
}

/* Up to the ',' or '}' that ends an alternative. */
static Err *parse_choice(Parser *parser, const char *open, Text *out)
{
    Buf text = buf_new(parser->arena);
    for (;;) {
        if (at_end(parser)) return refuse(parser, open, "'{' without '}'");
        char c = *parser->at;
        if (c == ',' || c == '}') break;
        if (strchr("*?[{", c) != NULL) {
            return refuse(parser, parser->at,
                          "no wildcards inside '{...}' (a backslash makes it literal)");
        }
        TRY(skip_escape(parser));
        buf_putc(&text, *parser->at++);
    }
    *out = (Text){text.data, text.size};
    return NULL;
}

static Err *parse_choices(Parser *parser, Item *item)
{
    const char *open = parser->at;
    Texts choices = {0};
    item->kind = ITEM_CHOICE;
    do {
        Text choice = {0};
        parser->at++;
        TRY(parse_choice(parser, open, &choice));
        vec_push(parser->arena, &choices, choice);
    } while (*parser->at == ',');
    parser->at++;
    qsort(choices.v, choices.n, sizeof *choices.v, longer_first);
    item->choices = choices.v;
    item->choice_count = choices.n;
    return NULL;
}

static Err *parse_text(Parser *parser, Item *item)
{
    Buf text = buf_new(parser->arena);
    item->kind = ITEM_TEXT;
    while (!at_end(parser) && strchr("*?[{", *parser->at) == NULL) {
        TRY(skip_escape(parser));
        buf_putc(&text, *parser->at++);
    }
    item->text = (Text){text.data, text.size};
    return NULL;
}

static Err *parse_item(Parser *parser, Item *item)
{
    switch (*parser->at) {
    case '*': item->kind = ITEM_STAR; break;
    case '?': item->kind = ITEM_ANY; break;
    case '[': return parse_set(parser, item);
    case '{': return parse_choices(parser, item);
    default: return parse_text(parser, item);
    }
    parser->at++;
    return NULL;
}

/* ---- components ---- */

static Err *parse_component(Parser *parser, Component *component)
{
    Items items = {0};
    if (parser->end - parser->at == 2 && memcmp(parser->at, "**", 2) == 0) {
        component->deep = true;
        return NULL;
    }
    while (!at_end(parser)) {
        Item item = {0};
        TRY(parse_item(parser, &item));
        vec_push(parser->arena, &items, item);
    }
    component->items = items.v;
    component->item_count = items.n;
    if (items.n == 1 && items.v[0].kind == ITEM_TEXT) component->literal = items.v[0].text.bytes;
    return NULL;
}

static Err *add_component(Parser *parser, Components *components)
{
    const char *start = parser->at;
    size_t length = (size_t)(parser->end - start);
    if (length == 1 && start[0] == '.') return NULL;
    if (length == 2 && memcmp(start, "..", 2) == 0) {
        if (components->n == 0) return refuse(parser, start, "'..' leads above the root");
        if (components->v[--components->n].literal == NULL) {
            return refuse(parser, start, "'..' cannot follow a wildcard");
        }
        return NULL;
    }
    Component component = {0};
    TRY(parse_component(parser, &component));
    vec_push(parser->arena, components, component);
    return NULL;
}

static Err *parse_components(Parser *parser, Components *components)
{
    const char *stop = parser->text + strlen(parser->text);
    for (const char *at = parser->text; at < stop;) {
        at += strspn(at, "/");
        parser->at = at;
        at += strcspn(at, "/");
        parser->end = at;
        if (parser->at < parser->end) TRY(add_component(parser, components));
    }
    if (stop[-1] == '/') {
        static Item star = {.kind = ITEM_STAR};
        vec_push(parser->arena, components, ((Component){.items = &star, .item_count = 1}));
    }
    return NULL;
}

static size_t count_captures(const Component *component)
{
    size_t count = component->deep;
    for (size_t i = 0; i < component->item_count; i++)
        count += component->items[i].kind != ITEM_TEXT;
    return count;
}

Err *pattern_compile(Arena *arena, const char *text, const Pattern **out)
{
    Parser parser = {.arena = arena, .text = text};
    Components components = {0};
    size_t length = strlen(text);
    PERF_SPAN_FOR(PERF_pattern_compile, text);
    if (length == 0) return ERR(INVALID, "the pattern is empty");
    if (length > PATH_MAX_BYTES) {
        return ERR(LIMIT, "pattern of %zu bytes: at most %d are allowed", length, PATH_MAX_BYTES);
    }
    if (!utf8_valid(text, length)) return ERR(INVALID, "the pattern is not valid UTF-8");
    parser.text = arena_strdup(arena, text);
    TRY(parse_components(&parser, &components));
    Pattern *pattern = ANEW(arena, Pattern);
    *pattern = (Pattern){
        .text = parser.text, .components = components.v, .count = components.n, .literal = true};
    for (size_t i = 0; i < components.n; i++) {
        pattern->capture_count += count_captures(&components.v[i]);
        pattern->literal = pattern->literal && components.v[i].literal != NULL;
    }
    *out = pattern;
    return NULL;
}

bool pattern_is_literal(const Pattern *pattern)
{
    return pattern->literal;
}

const char *pattern_text(const Pattern *pattern)
{
    return pattern->text;
}

size_t pattern_capture_count(const Pattern *pattern)
{
    return pattern->capture_count;
}
