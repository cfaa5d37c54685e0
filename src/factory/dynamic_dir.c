/* dynamic-dir: a directory whose entries are given in its configuration, each by a factory and that
 * factory's configuration. */
#include "factory/factory_int.h"
#include "tinyfs/tinyfs.h"
#include <string.h>

static const FactoryKey KEYS[] = {
    {"entries", "list", "what is in the directory: {name, factory, config} each", true},
};
static const FactoryKey ENTRY_KEYS[] = {
    {"name", "text", "the entry's name", true},
    {"factory", "text", "its factory", true},
    {"config", "map", "that factory's configuration", true},
};

static Err *validate_entry(Arena *arena, const Yaml *entry)
{
    const char *name = NULL, *factory_name = NULL;
    const Yaml *config = NULL;
    TRY(factory_check_keys(entry, "entry", ENTRY_KEYS, sizeof ENTRY_KEYS / sizeof *ENTRY_KEYS));
    TRY(yaml_str(entry, "name", true, &name));
    TRY(yaml_str(entry, "factory", true, &factory_name));
    TRY(yaml_map(entry, "config", true, &config));
    Err *bad_name = path_check_name(name);
    if (bad_name != NULL) {
        Err *err = yaml_error(yaml_get(entry, "name"), "%s", err_message(bad_name));
        err_free(bad_name);
        return err;
    }
    const Factory *factory = factory_find(factory_name);
    if (factory == NULL) {
        size_t count = 0;
        const Factory *const *all = factory_all(&count);
        const char *names[32] = {0};
        for (size_t i = 0; i < count; i++) names[i] = all[i]->name;
        const char *near = text_nearest(factory_name, names, count);
        Err *err = yaml_error(yaml_get(entry, "factory"), "entry '%s': unknown factory '%s'", name,
                              factory_name);
        return near != NULL ? err_hint(err, "did you mean '%s'?", near) : err;
    }
    return ERR_WRAP(factory->validate(arena, config), "entry '%s'", name);
}

static Err *validate(Arena *arena, const Yaml *config)
{
    const Yaml *entries = NULL;
    TRY(factory_check_keys(config, "dynamic-dir", KEYS, 1));
    TRY(yaml_list(config, "entries", true, &entries));
    if (entries->count == 0) return yaml_error(entries, "'entries' is empty");
    Map names = map_new(arena);
    for (size_t i = 0; i < entries->count; i++) {
        TRY(validate_entry(arena, entries->items[i]));
        const char *name = yaml_get(entries->items[i], "name")->text;
        if (!map_put(&names, name, entries->items[i])) {
            return yaml_error(entries->items[i], "entry '%s' appears twice", name);
        }
    }
    return NULL;
}

static Err *check(const FactoryCall *call)
{
    const Yaml *entries = yaml_get(call->config, "entries");
    for (size_t i = 0; i < entries->count; i++) {
        const Yaml *entry = entries->items[i];
        const Factory *factory = factory_find(yaml_get(entry, "factory")->text);
        FactoryCall inner = *call;
        inner.config = yaml_get(entry, "config");
        if (factory == NULL || factory->check == NULL) continue;
        TRY(ERR_WRAP(factory->check(&inner), "entry '%s'", yaml_get(entry, "name")->text));
    }
    return NULL;
}

/* The entry's configuration has been expanded already: a dollar that would be read again is written
 * double, so that it stays. */
static void escape_dollars(Arena *arena, Yaml *node)
{
    if (node->kind == YAML_SCALAR) {
        Buf text = buf_new(arena);
        for (const char *p = node->text; *p != '\0'; p++) {
            bool reference =
                text_starts(p, "$$") || text_starts(p, "${env:") || text_starts(p, "${var:");
            buf_puts(&text, reference ? "$" : "");
            buf_putc(&text, *p);
        }
        node->text = text.data;
    }
    for (size_t i = 0; i < node->count; i++) escape_dollars(arena, node->items[i]);
}

static Err *children(const FactoryCall *call, Node **out, size_t *count)
{
    const Yaml *entries = yaml_get(call->config, "entries");
    Node *nodes = AARRAY(call->arena, Node, entries->count);
    for (size_t i = 0; i < entries->count; i++) {
        const Yaml *entry = entries->items[i];
        const Factory *factory = factory_find(yaml_get(entry, "factory")->text);
        Yaml *config = NULL;
        for (size_t k = 0; k < entry->count; k++) {
            if (strcmp(entry->keys[k]->text, "config") == 0) config = entry->items[k];
        }
        escape_dollars(call->arena, config);
        nodes[i] = (Node){.name = yaml_get(entry, "name")->text,
                          .type = factory_entry_type(factory),
                          .factory = factory->name,
                          .content = yaml_write(call->arena, config)};
    }
    *out = nodes;
    *count = entries->count;
    return NULL;
}

const Factory FACTORY_DYNAMIC_DIR = {
    .name = "dynamic-dir",
    .kind = FACTORY_DIR,
    .text = "a directory of derived nodes, listed in its configuration",
    .keys = KEYS,
    .key_count = sizeof KEYS / sizeof *KEYS,
    .example = "entries:\n"
               "  - name: north\n"
               "    factory: sql-derived-series\n"
               "    config:\n"
               "      patterns: {sonde: \"/devices/**/NorthSonde.series\"}\n"
               "      query: SELECT * FROM sonde ORDER BY timestamp\n",
    .validate = validate,
    .check = check,
    .children = children,
};
