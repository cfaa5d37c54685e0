/* sql-derived-table, sql-derived-series: one SELECT over named patterns. A table's pattern matches
 * exactly one node; a series' pattern may match several stored or derived nodes (united by column
 * name), or none (an empty relation, with a warning). */
#include "factory/factory_int.h"
#include <string.h>

static const FactoryKey KEYS[] = {
    {"patterns", "map", "table name: URL or path pattern", true},
    {"query", "text", "one SELECT over those names (default: all of the one pattern)", false},
    {"transforms", "list",
     "paths of transforms, applied in order to all patterns; or a map: table name: list", false},
};

static Err *validate_pattern(Arena *arena, const Yaml *name, const Yaml *value)
{
    if (*name->text == '\0') return yaml_error(name, "a pattern needs a table name");
    return inputs_check_pattern(arena, value, arena_printf(arena, "pattern '%s'", name->text));
}

/* A list for all patterns, or a map of lists by table name. */
static Err *validate_transforms(const Yaml *transforms, const Yaml *patterns)
{
    if (transforms == NULL || transforms->kind != YAML_MAP)
        return inputs_check_transforms(transforms);
    SCRATCH(scratch);
    const char **names = AARRAY(scratch, const char *, patterns->count);
    for (size_t i = 0; i < patterns->count; i++) names[i] = patterns->keys[i]->text;
    for (size_t i = 0; i < transforms->count; i++) {
        const Yaml *name = transforms->keys[i];
        if (yaml_get(patterns, name->text) == NULL) {
            const char *near = text_nearest(name->text, names, patterns->count);
            Err *err = yaml_error(name, "transforms: there is no pattern '%s'", name->text);
            return near != NULL ? err_hint(err, "did you mean '%s'?", near) : err;
        }
        TRY(inputs_check_transforms(transforms->items[i]));
    }
    return NULL;
}

static const Yaml *transforms_of(const Yaml *config, const char *name)
{
    const Yaml *transforms = yaml_get(config, "transforms");
    const bool is_map = transforms != NULL && transforms->kind == YAML_MAP;
    return is_map ? yaml_get(transforms, name) : transforms;
}

static Err *validate(Arena *arena, const Yaml *config)
{
    const Yaml *patterns = NULL;
    const char *query = NULL;
    TRY(factory_check_keys(config, "sql-derived", KEYS, sizeof KEYS / sizeof *KEYS));
    TRY(yaml_map(config, "patterns", true, &patterns));
    TRY(yaml_str(config, "query", false, &query));
    if (patterns->count == 0) return yaml_error(patterns, "'patterns' is empty");
    if (query != NULL && query[strspn(query, " \t\r\n;")] == '\0')
        return yaml_error(yaml_get(config, "query"), "'query' is empty");
    if (query == NULL && patterns->count > 1)
        return yaml_error(config, "several patterns need a 'query'");
    for (size_t i = 0; i < patterns->count; i++)
        TRY(validate_pattern(arena, patterns->keys[i], patterns->items[i]));
    return validate_transforms(yaml_get(config, "transforms"), patterns);
}

/* A table's pattern names exactly one node. */
static Err *input_of(const FactoryCall *call, const char *name, const char *pattern, bool one,
                     const Rel **out)
{
    const Yaml *transforms = transforms_of(call->config, name);
    Source *sources = NULL;
    size_t count = 0;
    if (!one) return inputs_of_pattern(call, pattern, transforms, out);
    TRY(provider_match(call->provider, call->arena, pattern, &sources, &count));
    if (count == 0)
        return provider_relation_of(call->provider, pattern, out); /* its error names the nearest */
    if (count > 1) {
        return ERR(INVALID, "a table reads one node, pattern %s matches %zu: %s, %s, ...", pattern,
                   count, sources[0].path, sources[1].path);
    }
    return inputs_relation(call, pattern, transforms, sources, count, out);
}

static Err *build(const FactoryCall *call, bool one, const Rel **out)
{
    const Yaml *patterns = yaml_get(call->config, "patterns"),
               *query = yaml_get(call->config, "query");
    SqlInput *inputs = AARRAY(call->arena, SqlInput, patterns->count);
    for (size_t i = 0; i < patterns->count; i++) {
        inputs[i].name = patterns->keys[i]->text;
        TRY(factory_wrap(
            call, input_of(call, inputs[i].name, patterns->items[i]->text, one, &inputs[i].rel)));
    }
    return rel_sql(call->arena, call->path, query != NULL ? query->text : NULL, inputs,
                   patterns->count, out);
}

static Err *check(const FactoryCall *call)
{
    const Yaml *patterns = yaml_get(call->config, "patterns"),
               *query = yaml_get(call->config, "query");
    const Rel *rel = NULL;
    Plan *plan = NULL;
    if (query == NULL) return NULL;
    SqlInput *inputs = AARRAY(call->arena, SqlInput, patterns->count);
    for (size_t i = 0; i < patterns->count; i++) {
        inputs[i].name = patterns->keys[i]->text;
        inputs[i].rel = rel_empty(call->arena, inputs[i].name, NULL);
    }
    TRY(rel_sql(call->arena, "query", query->text, inputs, patterns->count, &rel));
    TRY(provider_plan(call->provider, &plan));
    return rel_sql_check(plan, rel);
}

static Err *table_relation(const FactoryCall *call, const Rel **out)
{
    return build(call, true, out);
}

static Err *series_relation(const FactoryCall *call, const Rel **out)
{
    return build(call, false, out);
}

const Factory FACTORY_SQL_TABLE = {
    .name = "sql-derived-table",
    .kind = FACTORY_FILE,
    .text = "a table by one SELECT, each pattern naming exactly one node",
    .keys = KEYS,
    .key_count = sizeof KEYS / sizeof *KEYS,
    .example = "patterns: {stations: /meta/stations.table}\n"
               "query: SELECT name, latitude FROM stations WHERE active\n",
    .validate = validate,
    .check = check,
    .relation = table_relation,
};

const Factory FACTORY_SQL_SERIES = {
    .name = "sql-derived-series",
    .kind = FACTORY_FILE,
    .text = "a series by one SELECT over all nodes and versions its patterns match",
    .keys = KEYS,
    .key_count = sizeof KEYS / sizeof *KEYS,
    .example = "patterns:\n"
               "  sonde: \"/devices/**/NorthSonde*.series\"\n"
               "  logger: /devices/77001/logger.series\n"
               "query: |\n"
               "  SELECT * FROM sonde NATURAL FULL OUTER JOIN logger ORDER BY timestamp\n",
    .validate = validate,
    .check = check,
    .relation = series_relation,
};
