/* Settings: the member "settings" of the root node's attributes, an object of texts. Which keys
 * there are is the steward's table. */
#include "tlogfs/tlog_int.h"
#include <string.h>

static Err *read_root(Tlog *tlog, Arena *arena, NodeRow *out, const Json **out_attributes)
{
    bool found = false;
    *out_attributes = NULL;
    TRY(tlog_node(tlog, arena, &NODE_ROOT, &found, out));
    if (!found) return ERR(CORRUPT, "%s: there is no root directory", tlog->dir);
    if (out->node.attributes == NULL) return NULL;
    return json_parse(arena, out->node.attributes, strlen(out->node.attributes), out_attributes);
}

Err *tlog_setting_get(Tlog *tlog, Arena *arena, const char *key, char **out)
{
    SCRATCH(scratch);
    NodeRow root;
    const Json *attributes = NULL;
    TRY(read_root(tlog, scratch, &root, &attributes));
    *out = arena_strdup(arena, json_str(json_get(attributes, "settings"), key, NULL));
    return NULL;
}

/* All members but `without`. */
static void put_members(JsonOut *json, const Json *object, const char *without)
{
    for (size_t i = 0; object != NULL && object->kind == JSON_OBJECT && i < object->count; i++) {
        if (strcmp(object->keys[i], without) == 0) continue;
        json_key(json, object->keys[i]);
        json_put(json, &object->items[i]);
    }
}

Err *tlog_setting_set(Tlog *tlog, const char *key, const char *value)
{
    SCRATCH(scratch);
    NodeRow root;
    const Json *attributes = NULL;
    TRY(read_root(tlog, scratch, &root, &attributes));
    Buf text = buf_new(scratch);
    JsonOut json = json_out(&text);
    json_begin_object(&json);
    put_members(&json, attributes, "settings");
    json_key(&json, "settings");
    json_begin_object(&json);
    put_members(&json, json_get(attributes, "settings"), key);
    if (value != NULL) json_kv_str(&json, key, value);
    json_end(&json);
    json_end(&json);
    root.node.attributes = text.data;
    return tlog_op_update(tlog, &root.node);
}
