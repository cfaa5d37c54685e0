/* The YAML writer: the tree as libyaml emitter events in block style. Quoted scalars stay quoted
 * and plain ones plain, so that the text parses to the same tree. A tree made by hand may hold a
 * plain scalar that no plain text can express ("a: b"); the emitter quotes it. */
#include "base/buf.h"
#include "base/yaml.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* libyaml fails only when out of memory or on text that is not UTF-8. */
static void emit(yaml_emitter_t *emitter, yaml_event_t *event, int made)
{
    if (made == 1 && yaml_emitter_emit(emitter, event) == 1) return;
    (void)fprintf(stderr, "pond: YAML cannot be written: %s\n",
                  emitter->problem ? emitter->problem : "memory");
    abort();
}

static int append(void *context, unsigned char *bytes, size_t size_bytes)
{
    buf_add(context, bytes, size_bytes);
    return 1;
}

static void emit_scalar(yaml_emitter_t *emitter, const Yaml *node)
{
    yaml_event_t event;
    yaml_scalar_style_t style =
        node->quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;
    int made = yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)node->text,
                                            (int)strlen(node->text), 1, 1, style);
    emit(emitter, &event, made);
}

static void emit_node(yaml_emitter_t *emitter, const Yaml *node)
{
    yaml_event_t event;
    if (node->kind == YAML_SCALAR) {
        emit_scalar(emitter, node);
        return;
    }
    bool is_map = node->kind == YAML_MAP;
    int made = is_map ? yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                            YAML_BLOCK_MAPPING_STYLE)
                      : yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                             YAML_BLOCK_SEQUENCE_STYLE);
    emit(emitter, &event, made);
    for (size_t i = 0; i < node->count; i++) {
        if (is_map) emit_scalar(emitter, node->keys[i]);
        emit_node(emitter, node->items[i]);
    }
    made = is_map ? yaml_mapping_end_event_initialize(&event)
                  : yaml_sequence_end_event_initialize(&event);
    emit(emitter, &event, made);
}

char *yaml_write(Arena *arena, const Yaml *node)
{
    Buf buf = buf_new(arena);
    CLEANUP(yaml_emitter_delete) yaml_emitter_t emitter;
    yaml_event_t event;
    if (yaml_emitter_initialize(&emitter) == 0) abort();
    yaml_emitter_set_output(&emitter, append, &buf);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    emit(&emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(&emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    emit_node(&emitter, node);
    emit(&emitter, &event, yaml_document_end_event_initialize(&event, 1));
    emit(&emitter, &event, yaml_stream_end_event_initialize(&event));
    return buf.data;
}
