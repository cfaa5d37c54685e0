/* How a node is shown: its tag, and its JSON. */
#include "cli/commands.h"

const char *node_tag(EntryType type)
{
    switch (type) {
    case ENTRY_DIR:
    case ENTRY_DYNAMIC_DIR: return "[DIR]";
    case ENTRY_SYMLINK: return "[LINK]";
    case ENTRY_DATA:
    case ENTRY_DATA_SERIES:
    case ENTRY_DYNAMIC_DATA: return "[FILE]";
    case ENTRY_TABLE: return "[TBL]";
    case ENTRY_TABLE_SERIES:
    case ENTRY_DYNAMIC: return "[SER]";
    }
    return "[?]";
}

static void put_time(JsonOut *json, const char *key, TimeUs time)
{
    SCRATCH(scratch);
    json_kv_str(json, key, time_format(scratch, time));
}

void json_node(JsonOut *json, const Node *node, const char *path)
{
    json_kv_str(json, "path", path);
    json_kv_str(json, "type", entry_type_name(node->type));
    json_kv_str(json, "id", node->id.text);
    json_kv_int(json, "version", node->version);
    put_time(json, "time", node->time);
    if (node->size_bytes >= 0) json_kv_int(json, "size", node->size_bytes);
    if (node->rows >= 0) json_kv_int(json, "rows", node->rows);
    if (node->version_count > 0) json_kv_int(json, "versions", node->version_count);
    if (node->has_range) {
        put_time(json, "first", node->range.min);
        put_time(json, "last", node->range.max);
    }
    if (node->has_min_override) put_time(json, "min_time", node->min_override);
    if (node->has_max_override) put_time(json, "max_time", node->max_override);
    if (node->factory != NULL) json_kv_str(json, "factory", node->factory);
    if (node->type == ENTRY_SYMLINK) json_kv_str(json, "target", node->content);
    if (node->derived) json_kv_bool(json, "derived", true);
}
