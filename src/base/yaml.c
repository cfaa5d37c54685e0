/* The YAML reader: libyaml's events become a tree in the arena.
 *
 * What could blow up or say one thing in two ways is refused with its place: aliases and anchors,
 * tags, duplicate keys, keys that are not text, NUL characters, nesting beyond 32 levels, a
 * document beyond 1 MiB. Quotes, and the block styles | and >, make a scalar text; a plain one may
 * be a number or a boolean. Positions are libyaml's marks, counted in characters. */
#include "base/yaml.h"
#include "base/map.h"
#include "base/text.h"
#include "base/vec.h"
#include <string.h>
#include <yaml.h>

enum { YAML_DEPTH_MAX = 32, YAML_BYTES_MAX = 1 << 20 };

typedef VEC(Yaml *) YamlVec;

typedef struct Reader {
    Arena *arena;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; none while type is YAML_NO_EVENT */
    int depth;
} Reader;

static void reader_close(Reader *reader)
{
    yaml_event_delete(&reader->event);
    yaml_parser_delete(&reader->parser);
}

static Err *at_mark(ErrCode code, const yaml_mark_t *mark, const char *what)
{
    int line = (int)mark->line + 1, column = (int)mark->column + 1;
    Err *err = err_make(code, __FILE__, __LINE__, "line %d, column %d: %s", line, column, what);
    return err_at(err, line, column);
}

static Err *refuse(const Reader *reader, const char *what)
{
    return at_mark(ERR_INVALID, &reader->event.start_mark, what);
}

/* libyaml tells a problem's place in one of two ways: by mark, or by byte offset for bad encoding.
 */
static Err *parser_error(const Reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "malformed YAML";
    bool in_reader = parser->error == YAML_READER_ERROR;
    const yaml_mark_t *mark = in_reader ? &parser->mark : &parser->problem_mark;
    Err *err = at_mark(ERR_INVALID, mark, problem);
    if (strstr(problem, "start any token") != NULL) {
        err =
            err_hint(err, "tabs cannot indent, and text that begins with @, ` or %% needs quotes");
    }
    return err;
}

static Err *next_event(Reader *reader)
{
    yaml_event_delete(&reader->event);
    if (yaml_parser_parse(&reader->parser, &reader->event) == 0) {
        reader->event.type = YAML_NO_EVENT;
        return parser_error(reader);
    }
    return NULL;
}

static Err *check_decorations(const Reader *reader, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
    if (anchor != NULL) return refuse(reader, "anchors (&name) are not supported");
    if (tag != NULL) return refuse(reader, "tags (!name) are not supported");
    return NULL;
}

static Yaml *new_node(const Reader *reader, YamlKind kind)
{
    Yaml *node = ANEW(reader->arena, Yaml);
    node->kind = kind;
    node->line = (int)reader->event.start_mark.line + 1;
    node->column = (int)reader->event.start_mark.column + 1;
    node->begin = reader->event.start_mark.index;
    node->end = reader->event.end_mark.index;
    return node;
}

static Err *read_node(Reader *reader, Yaml **out);

static Err *read_scalar(const Reader *reader, Yaml **out)
{
    const char *value = (const char *)reader->event.data.scalar.value;
    size_t length = reader->event.data.scalar.length;
    TRY(check_decorations(reader, reader->event.data.scalar.anchor, reader->event.data.scalar.tag));
    if (memchr(value, '\0', length) != NULL) return refuse(reader, "a NUL character in text");
    Yaml *node = new_node(reader, YAML_SCALAR);
    node->text = arena_strndup(reader->arena, value, length);
    node->quoted = reader->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    *out = node;
    return NULL;
}

static Err *read_list(Reader *reader, Yaml **out)
{
    TRY(check_decorations(reader, reader->event.data.sequence_start.anchor,
                          reader->event.data.sequence_start.tag));
    Yaml *node = new_node(reader, YAML_LIST);
    node->flow = reader->event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    YamlVec items = {0};
    for (;;) {
        TRY(next_event(reader));
        if (reader->event.type == YAML_SEQUENCE_END_EVENT) break;
        Yaml *item;
        TRY(read_node(reader, &item));
        vec_push(reader->arena, &items, item);
    }
    node->items = items.v;
    node->count = items.n;
    node->end = reader->event.end_mark.index;
    *out = node;
    return NULL;
}

static Err *read_key(Reader *reader, Map *seen, Yaml **out)
{
    if (reader->event.type != YAML_SCALAR_EVENT) return refuse(reader, "a key must be plain text");
    Yaml *key = NULL;
    TRY(read_scalar(reader, &key));
    const Yaml *before = map_get(seen, key->text);
    if (before != NULL) {
        return yaml_error(key, "the key %s stands a second time (first on line %d)", key->text,
                          before->line);
    }
    map_put(seen, key->text, key);
    *out = key;
    return NULL;
}

static Err *read_map(Reader *reader, Yaml **out)
{
    TRY(check_decorations(reader, reader->event.data.mapping_start.anchor,
                          reader->event.data.mapping_start.tag));
    Yaml *node = new_node(reader, YAML_MAP);
    node->flow = reader->event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    YamlVec keys = {0}, items = {0};
    SCRATCH(scratch);
    Map seen = map_new(scratch);
    for (;;) {
        Yaml *key = NULL, *item = NULL;
        TRY(next_event(reader));
        if (reader->event.type == YAML_MAPPING_END_EVENT) break;
        TRY(read_key(reader, &seen, &key));
        TRY(next_event(reader));
        TRY(read_node(reader, &item));
        vec_push(reader->arena, &keys, key);
        vec_push(reader->arena, &items, item);
    }
    node->keys = keys.v;
    node->items = items.v;
    node->count = items.n;
    node->end = reader->event.end_mark.index;
    *out = node;
    return NULL;
}

/* The node that the current event begins. */
static Err *read_node(Reader *reader, Yaml **out)
{
    if (reader->event.type == YAML_SCALAR_EVENT) return read_scalar(reader, out);
    if (reader->event.type == YAML_ALIAS_EVENT)
        return refuse(reader, "aliases (*name) are not supported");
    if (reader->depth == YAML_DEPTH_MAX) {
        return at_mark(ERR_LIMIT, &reader->event.start_mark, "nested deeper than 32 levels");
    }
    reader->depth++;
    TRY(reader->event.type == YAML_MAPPING_START_EVENT ? read_map(reader, out)
                                                       : read_list(reader, out));
    reader->depth--;
    return NULL;
}

static Err *read_stream(Reader *reader, YamlVec *out)
{
    do {
        TRY(next_event(reader));
        if (reader->event.type != YAML_DOCUMENT_START_EVENT) continue;
        Yaml *root = NULL;
        TRY(next_event(reader));
        TRY(read_node(reader, &root));
        if (!yaml_is_nothing(root)) vec_push(reader->arena, out, root);
    } while (reader->event.type != YAML_STREAM_END_EVENT);
    return NULL;
}

Err *yaml_parse_all(Arena *arena, const char *text, size_t size_bytes, Yaml ***out,
                    size_t *out_count)
{
    if (size_bytes > YAML_BYTES_MAX)
        return ERR(LIMIT, "YAML of %zu bytes: the limit is 1 MiB", size_bytes);
    CLEANUP(reader_close) Reader reader = {.arena = arena};
    if (yaml_parser_initialize(&reader.parser) == 0) return ERR(LIMIT, "YAML: out of memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size_bytes);
    YamlVec documents = {0};
    TRY(read_stream(&reader, &documents));
    *out = documents.v;
    *out_count = documents.n;
    return NULL;
}

Err *yaml_parse(Arena *arena, const char *text, size_t size_bytes, Yaml **out)
{
    Yaml **documents = NULL;
    size_t count = 0;
    TRY(yaml_parse_all(arena, text, size_bytes, &documents, &count));
    if (count > 1) return yaml_error(documents[1], "a second document: one is expected");
    *out = count == 0 ? NULL : documents[0];
    return NULL;
}
