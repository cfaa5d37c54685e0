/* What factories read: the nodes that a pattern names, after their transforms, united by column
 * name in the order of their paths.
 *
 * A transform is applied to each node, so that columns that are named differently meet; where all
 * nodes have the same columns it is applied once to their union, which stays one scan. */
#include "factory/factory_int.h"
#include <string.h>

/* ---- configuration ---- */

Err *inputs_check_pattern(Arena *arena, const Yaml *node, const char *what)
{
    Url url;
    const Pattern *pattern = NULL;
    if (node->kind != YAML_SCALAR || *node->text == '\0' || yaml_is_nothing(node))
        return yaml_error(node, "%s is not a path or URL", what);
    if (factory_is_reference(node)) return NULL;
    Err *err = url_parse(arena, node->text, &url);
    if (err == NULL && !url.host) err = pattern_compile(arena, url.path, &pattern);
    return factory_error_at(node, ERR_WRAP(err, "%s", what));
}

Err *inputs_check_transforms(const Yaml *list)
{
    if (list == NULL) return NULL;
    if (list->kind != YAML_LIST) return yaml_error(list, "transforms: a list of paths is expected");
    if (list->count == 0) return yaml_error(list, "'transforms' is empty; leave it out");
    for (size_t i = 0; i < list->count; i++) {
        const Yaml *path = list->items[i];
        if (path->kind != YAML_SCALAR || *path->text == '\0' || yaml_is_nothing(path))
            return yaml_error(path, "transforms: the path of a transform is expected");
    }
    return NULL;
}

/* ---- transforms ---- */

typedef struct Transform {
    const Factory *factory;
    FactoryCall call;
} Transform;

static Err *at_item(const FactoryCall *call, const Yaml *item, Err *err)
{
    if (err == NULL) return NULL;
    const ErrCode code = err_code(err);
    if (code != ERR_NOT_FOUND && code != ERR_INVALID) return err;
    return err_source(factory_error_at(item, err), call->node->content);
}

static Err *find_transform(const FactoryCall *call, const Yaml *item, Transform *out)
{
    Found found;
    TRY(at_item(
        call, item,
        fs_get(provider_fs(call->provider), call->arena, item->text, (FindOptions){0}, &found)));
    const Node *node = &found.node;
    const Factory *factory = node->factory == NULL ? NULL : factory_find(node->factory);
    if (factory == NULL || factory->transform == NULL) {
        Err *err =
            err_hint(ERR(INVALID, "%s is no transform, but %s", found.path,
                         node->factory != NULL ? node->factory : entry_type_name(node->type)),
                     "transforms are nodes made by column-rename");
        return at_item(call, item, err);
    }
    const Node *kept = arena_memdup(call->arena, node, sizeof *node);
    return factory_call_of(call->provider, kept, found.path, &out->call, &out->factory);
}

static Err *find_transforms(const FactoryCall *call, const Yaml *list, Transform **out)
{
    Transform *transforms = AARRAY(call->arena, Transform, list->count);
    for (size_t i = 0; i < list->count; i++)
        TRY(find_transform(call, list->items[i], &transforms[i]));
    *out = transforms;
    return NULL;
}

static Err *apply(const FactoryCall *call, const Transform *transforms, size_t count,
                  const Rel *input, const Rel **out)
{
    Plan *plan = NULL;
    *out = input;
    TRY(provider_plan(call->provider, &plan));
    for (size_t i = 0; i < count; i++) {
        const Transform *transform = &transforms[i];
        TRY(plan_resolve(plan, *out)); /* its columns are asked for */
        TRY(ERR_WRAP(transform->factory->transform(&transform->call, *out, out), "%s",
                     transform->call.path));
    }
    return NULL;
}

/* ---- sources ---- */

static Err *wrong_match(const Source *source, const char *pattern)
{
    const bool is_dir = entry_is_dir(source->node.type);
    if (source->node.type == ENTRY_DYNAMIC_DATA)
        return err_hint(ERR(INVALID, "pattern %s matches %s, which is %s: it has no rows", pattern,
                            source->path, source->node.factory),
                        "narrow the pattern so that it does not reach it");
    Err *err = ERR(INVALID, "pattern %s matches %s, which is %s", pattern, source->path,
                   is_dir ? "a directory" : "raw data");
    return is_dir ? err_hint(err, "match what is in it: %s/*", source->path)
                  : err_hint(err, "read it with a format: csv://%s", pattern);
}

static bool has_rows(const Url *url, const Source *source)
{
    return source->host || format_is_text(url->format) || provider_is_queryable(&source->node);
}

/* Those that hold nothing fit anywhere. */
static bool all_alike(const Rel *const *rels, size_t count)
{
    const Rel *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (rel_is_nothing(rels[i])) continue;
        if (first == NULL) first = rels[i];
        if (!schema_equal(rel_schema(rels[i]), rel_schema(first)) ||
            rel_time_index(rels[i]) != rel_time_index(first) ||
            rel_time_unit(rels[i]) != rel_time_unit(first))
            return false;
    }
    return true;
}

static Err *unite(const FactoryCall *call, const char *label, const Rel *const *rels, size_t count,
                  const Rel **out)
{
    *out = rels[0];
    return count == 1 ? NULL : rel_union(call->arena, label, rels, count, out);
}

Err *inputs_make(const FactoryCall *call, const char *pattern, const Source *sources, size_t count,
                 const Rel ***out)
{
    Url url;
    const Rel **rels = AARRAY(call->arena, const Rel *, count);
    TRY(url_parse(call->arena, pattern, &url));
    for (size_t i = 0; i < count; i++) {
        if (!has_rows(&url, &sources[i])) return wrong_match(&sources[i], pattern);
        TRY(provider_relation(call->provider, &sources[i], &url, &rels[i]));
    }
    *out = rels;
    return NULL;
}

Err *inputs_relation(const FactoryCall *call, const char *pattern, const Yaml *list,
                     const Source *sources, size_t count, const Rel **out)
{
    Plan *plan = NULL;
    Transform *transforms = NULL;
    const Rel **rels = NULL, *united = NULL;
    TRY(inputs_make(call, pattern, sources, count, &rels));
    if (list == NULL) return unite(call, pattern, rels, count, out);
    TRY(find_transforms(call, list, &transforms));
    TRY(provider_plan(call->provider, &plan));
    for (size_t i = 0; i < count; i++) TRY(plan_resolve(plan, rels[i]));
    if (all_alike(rels, count)) {
        TRY(unite(call, pattern, rels, count, &united));
        return apply(call, transforms, list->count, united, out);
    }
    for (size_t i = 0; i < count; i++) TRY(apply(call, transforms, list->count, rels[i], &rels[i]));
    return unite(call, pattern, rels, count, out);
}

Err *inputs_of_pattern(const FactoryCall *call, const char *pattern, const Yaml *transforms,
                       const Rel **out)
{
    Url url;
    Source *sources = NULL;
    size_t count = 0;
    TRY(url_parse(call->arena, pattern, &url));
    TRY(provider_match(call->provider, call->arena, pattern, &sources, &count));
    if (count > 0) return inputs_relation(call, pattern, transforms, sources, count, out);
    if (strpbrk(url.path, "*?[{") == NULL)
        return provider_relation_of(call->provider, pattern, out); /* its error names the nearest */
    log_warn("%s: nothing matches %s; it is read as empty", call->path, pattern);
    *out = rel_empty(call->arena, pattern, NULL);
    return NULL;
}

const Rel *inputs_nothing(const FactoryCall *call, const char *time_column)
{
    Column time = {.name = time_column, .type = "TIMESTAMP WITH TIME ZONE"};
    return rel_empty(call->arena, call->path, &(Schema){.columns = &time, .count = 1});
}
