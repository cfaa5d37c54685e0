/* sql-derived-table, sql-derived-series: one SELECT over named patterns. A table's pattern matches
 * exactly one node; a series' pattern may match several stored or derived nodes (united by column
 * name), or none (an empty relation, with a warning). */
#include "factory/factory_int.h"
#include <string.h>

static const FactoryKey KEYS[] = {
    {"patterns", "map", "table name: URL or path pattern", true},
    {"query", "text", "one SELECT over those names (default: all of the one pattern)", false},
};

static Err *validate_pattern(Arena *arena, const Yaml *name, const Yaml *value)
{
    Url url;
    const Pattern *pattern = NULL;
    if (value->kind != YAML_SCALAR || *value->text == '\0')
        return yaml_error(value, "pattern '%s' is not a path or URL", name->text);
    if (*name->text == '\0') return yaml_error(name, "a pattern needs a table name");
    Err *err = url_parse(arena, value->text, &url);
    if (err == NULL && !url.host) err = pattern_compile(arena, url.path, &pattern);
    if (err == NULL) return NULL;
    Err *own = yaml_error(value, "pattern '%s': %s", name->text, err_message(err));
    if (err_hint_text(err) != NULL) own = err_hint(own, "%s", err_hint_text(err));
    err_free(err);
    return own;
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
    return NULL;
}

static Err *wrong_match(const Source *source, const char *pattern)
{
    const char *is = entry_is_dir(source->node.type) ? "a directory" : "raw data";
    Err *err = ERR(INVALID, "pattern %s matches %s, which is %s", pattern, source->path, is);
    return entry_is_dir(source->node.type)
               ? err_hint(err, "match what is in it: %s/*", source->path)
               : err_hint(err, "read it with a format: csv://%s", pattern);
}

static bool has_rows(const Url *url, const Source *source)
{
    return source->host || url->format == FORMAT_CSV || provider_is_queryable(&source->node);
}

static Err *united(const FactoryCall *call, const char *pattern, const Url *url,
                   const Source *sources, size_t count, const Rel **out)
{
    const Rel **rels = AARRAY(call->arena, const Rel *, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (!has_rows(url, &sources[i])) return wrong_match(&sources[i], pattern);
        TRY(provider_relation(call->provider, &sources[i], url, &rels[i]));
    }
    if (count == 1) {
        *out = rels[0];
        return NULL;
    }
    return rel_union(call->arena, pattern, rels, count, out);
}

static Err *input_of(const FactoryCall *call, const char *pattern, bool one, const Rel **out)
{
    Url url;
    Source *sources = NULL;
    size_t count = 0;
    TRY(url_parse(call->arena, pattern, &url));
    TRY(provider_match(call->provider, call->arena, pattern, &sources, &count));
    if (count == 0 && !one && strpbrk(url.path, "*?[{") != NULL) {
        log_warn("%s: nothing matches %s; it is read as empty", call->path, pattern);
        *out = rel_empty(call->arena, pattern, NULL);
        return NULL;
    }
    if (count == 0)
        return provider_relation_of(call->provider, pattern, out); /* its error names the nearest */
    if (one && count > 1) {
        return ERR(INVALID, "a table reads one node, pattern %s matches %zu: %s, %s, ...", pattern,
                   count, sources[0].path, sources[1].path);
    }
    return united(call, pattern, &url, sources, count, out);
}

static Err *build(const FactoryCall *call, bool one, const Rel **out)
{
    const Yaml *patterns = yaml_get(call->config, "patterns"),
               *query = yaml_get(call->config, "query");
    SqlInput *inputs = AARRAY(call->arena, SqlInput, patterns->count);
    for (size_t i = 0; i < patterns->count; i++) {
        inputs[i].name = patterns->keys[i]->text;
        TRY(factory_wrap(call, input_of(call, patterns->items[i]->text, one, &inputs[i].rel)));
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
