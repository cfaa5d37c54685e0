/* The table of factories, strict reading of configurations, and the two calls the provider makes.
 */
#include "factory/factory_int.h"
#include <string.h>

static const Factory *const FACTORIES[] = {
    &FACTORY_COLUMN_RENAME,   &FACTORY_DYNAMIC_DIR,     &FACTORY_LOGFILE_INGEST,
    &FACTORY_SQL_SERIES,      &FACTORY_SQL_TABLE,       &FACTORY_SYNTHETIC,
    &FACTORY_TEMPORAL_REDUCE, &FACTORY_TIMESERIES_JOIN, &FACTORY_TIMESERIES_PIVOT};
enum { FACTORY_COUNT = sizeof FACTORIES / sizeof *FACTORIES };

const Factory *const *factory_all(size_t *count)
{
    *count = FACTORY_COUNT;
    return FACTORIES;
}

const Factory *factory_find(const char *name)
{
    for (size_t i = 0; i < FACTORY_COUNT; i++) {
        if (strcmp(FACTORIES[i]->name, name) == 0) return FACTORIES[i];
    }
    return NULL;
}

static const struct {
    const char *makes;
    EntryType type;
} KINDS[] = {
    [FACTORY_FILE] = {"file", ENTRY_DYNAMIC},
    [FACTORY_DIR] = {"directory", ENTRY_DYNAMIC_DIR},
    [FACTORY_TRANSFORM] = {"transform", ENTRY_DYNAMIC_DATA},
    [FACTORY_EXEC] = {"executable", ENTRY_DYNAMIC_DATA},
};

EntryType factory_entry_type(const Factory *factory)
{
    return KINDS[factory->kind].type;
}

const char *factory_makes(const Factory *factory)
{
    return KINDS[factory->kind].makes;
}

static Err *unknown_factory(const char *name)
{
    const char *names[FACTORY_COUNT] = {0};
    for (size_t i = 0; i < FACTORY_COUNT; i++) names[i] = FACTORIES[i]->name;
    Err *err = ERR(NOT_FOUND, "unknown factory '%s'", name);
    const char *near = text_nearest(name, names, FACTORY_COUNT);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "pond list-factories shows them all");
}

static Err *parse_config(Arena *arena, const Factory *factory, const char *text, Yaml **out)
{
    TRY(yaml_parse(arena, text, strlen(text), out));
    if (*out != NULL) return NULL;
    return err_hint(ERR(INVALID, "the configuration of %s is empty", factory->name),
                    "pond list-factories --verbose shows an example");
}

Err *factory_validate_tree(Arena *arena, const char *name, const Yaml *config, const Factory **out)
{
    const Factory *factory = factory_find(name);
    if (factory == NULL) return unknown_factory(name);
    TRY(factory->validate(arena, config));
    *out = factory;
    return NULL;
}

Err *factory_validate(Arena *arena, const char *name, const char *config_text, const Factory **out)
{
    const Factory *factory = factory_find(name);
    Yaml *config = NULL;
    if (factory == NULL) return unknown_factory(name);
    Err *err = parse_config(arena, factory, config_text, &config);
    if (err == NULL) err = factory->validate(arena, config);
    if (err != NULL) return err_source(err, config_text);
    *out = factory;
    return NULL;
}

Err *factory_check_keys(const Yaml *config, const char *what, const FactoryKey *keys, size_t count)
{
    const char *names[32] = {0};
    for (size_t i = 0; i < count; i++) names[i] = keys[i].name;
    TRY(yaml_check_map(config, what, names, count));
    for (size_t i = 0; i < count; i++) {
        if (keys[i].required && yaml_get(config, keys[i].name) == NULL) {
            return yaml_error(config, "%s: missing key '%s'", what, keys[i].name);
        }
    }
    return NULL;
}

Err *factory_error_at(const Yaml *node, Err *err)
{
    if (err == NULL) return NULL;
    Err *own = yaml_error(node, "%s", err_message(err));
    if (err_hint_text(err) != NULL) own = err_hint(own, "%s", err_hint_text(err));
    err_free(err);
    return own;
}

Err *factory_wrap(const FactoryCall *call, Err *err)
{
    if (err == NULL || err_code(err) == ERR_CIRCLE) return err;
    const size_t size = strlen(call->path);
    const char *message = err_message(err);
    if (strncmp(message, call->path, size) == 0 && message[size] == ':') return err;
    return ERR_WRAP(err, "%s", call->path);
}

bool factory_is_reference(const Yaml *node)
{
    return node->kind == YAML_SCALAR &&
           (strstr(node->text, "${env:") != NULL || strstr(node->text, "${var:") != NULL);
}

Err *factory_duration(const Yaml *node, int64_t *out_us)
{
    if (node->kind != YAML_SCALAR)
        return yaml_error(node, "a duration such as 15m or 1h is expected");
    if (factory_is_reference(node)) return NULL;
    return factory_error_at(node, duration_parse(node->text, out_us));
}

Err *factory_time(const Yaml *map, const char *key, bool required, TimeUs *out)
{
    const char *text = NULL;
    TRY(yaml_str(map, key, required, &text));
    const Yaml *node = yaml_get(map, key);
    if (text == NULL || factory_is_reference(node)) return NULL;
    return factory_error_at(node, time_parse(text, out));
}

Err *factory_check_tree(Provider *provider, const Factory *factory, const char *path, Yaml *config)
{
    FactoryCall call = {
        .provider = provider, .arena = provider_arena(provider), .path = path, .config = config};
    Err *unset = provider_expand(provider, call.arena, config);
    if (unset == NULL && factory->check != NULL) return factory->check(&call);
    err_free(unset);
    return NULL;
}

Err *factory_check(Provider *provider, const Factory *factory, const char *path,
                   const char *config_text)
{
    Yaml *config = NULL;
    TRY(parse_config(provider_arena(provider), factory, config_text, &config));
    return err_source(factory_check_tree(provider, factory, path, config), config_text);
}

/* ---- what the provider calls ---- */

Err *factory_call_of(Provider *provider, const Node *node, const char *path, FactoryCall *call,
                     const Factory **out)
{
    Arena *arena = provider_arena(provider);
    const Factory *factory = node->factory == NULL ? NULL : factory_find(node->factory);
    Yaml *config = NULL;
    if (node->factory == NULL || node->content == NULL)
        return ERR(INTERNAL, "%s: a dynamic node without factory", path);
    if (factory == NULL) return ERR_WRAP(unknown_factory(node->factory), "%s", path);
    Err *err = parse_config(arena, factory, node->content, &config);
    if (err == NULL) err = provider_expand(provider, arena, config);
    if (err == NULL) err = factory->validate(arena, config);
    if (err != NULL) return ERR_WRAP(err_source(err, node->content), "%s", path);
    *call = (FactoryCall){
        .provider = provider, .arena = arena, .node = node, .path = path, .config = config};
    *out = factory;
    return NULL;
}

static Err *children(Provider *provider, const Node *dir, const char *path, Node **out,
                     size_t *count)
{
    FactoryCall call;
    const Factory *factory = NULL;
    TRY(factory_call_of(provider, dir, path, &call, &factory));
    if (factory->children == NULL)
        return ERR(INVALID, "%s: %s makes no directories", path, factory->name);
    return err_path(factory->children(&call, out, count), path);
}

static Err *relation(Provider *provider, const Node *node, const char *path, const Rel **out)
{
    FactoryCall call;
    const Factory *factory = NULL;
    TRY(factory_call_of(provider, node, path, &call, &factory));
    if (factory->relation == NULL)
        return ERR(INVALID, "%s: %s makes no relations", path, factory->name);
    return err_path(factory->relation(&call, out), path);
}

void factory_install(Provider *provider)
{
    static const ProviderFactories CALLS = {.children = children, .relation = relation};
    provider_set_factories(provider, &CALLS);
}

/* ---- executables ---- */

bool factory_is_executable(const Node *node)
{
    const Factory *factory = node->factory == NULL ? NULL : factory_find(node->factory);
    return node->type == ENTRY_DYNAMIC_DATA && factory != NULL && factory->run != NULL;
}

Err *factory_run(Provider *provider, const Node *node, const char *path, ExecCall *exec)
{
    const Factory *factory = NULL;
    if (!factory_is_executable(node)) {
        const char *what = node->factory != NULL ? node->factory : entry_type_name(node->type);
        return err_hint(err_path(ERR(INVALID, "%s: is %s, which cannot be run", path, what), path),
                        "pond list-factories tells which factories make executables");
    }
    TRY(factory_call_of(provider, node, path, &exec->call, &factory));
    if (factory->args == NULL && exec->arg_count > 0)
        return ERR(USAGE, "%s: %s takes no arguments: '%s'", path, factory->name, exec->args[0]);
    return err_path(ERR_WRAP(factory->run(exec), "%s", path), path);
}
