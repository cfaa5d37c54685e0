/* timeseries-pivot: some columns of many series side by side on their times. Each match of the
 * pattern has an alias (its first capture, else its name without extension) that begins its
 * columns; matches of one alias are united. A column that a match does not have is null throughout,
 * of the type that it has in the others. */
#include "factory/factory_int.h"
#include <string.h>

static const FactoryKey KEYS[] = {
    {"pattern", "pattern", "the series, by URL or path pattern", true},
    {"columns", "list", "columns of each, named <alias>.<column> in the result", true},
    {"time_column", "text", "the time column of all of them and of the result (timestamp)", false},
    {"transforms", "list", "paths of transforms, applied in order to each", false},
};

/* ---- configuration ---- */

static Err *check_columns(Arena *arena, const Yaml *columns)
{
    Map seen = map_new(arena);
    if (columns->count == 0) return yaml_error(columns, "'columns' is empty");
    for (size_t i = 0; i < columns->count; i++) {
        const Yaml *column = columns->items[i];
        if (column->kind != YAML_SCALAR || *column->text == '\0' || yaml_is_nothing(column))
            return yaml_error(column, "columns: a column's name is expected");
        if (!map_put(&seen, column->text, &seen))
            return yaml_error(column, "column '%s' appears twice", column->text);
    }
    return NULL;
}

static Err *validate(Arena *arena, const Yaml *config)
{
    const char *text = NULL;
    const Yaml *columns = NULL;
    TRY(factory_check_keys(config, "timeseries-pivot", KEYS, sizeof KEYS / sizeof *KEYS));
    TRY(inputs_check_pattern(arena, yaml_get(config, "pattern"), "pattern"));
    TRY(yaml_list(config, "columns", true, &columns));
    TRY(check_columns(arena, columns));
    TRY(yaml_str(config, "time_column", false, &text));
    if (text != NULL && *text == '\0')
        return yaml_error(yaml_get(config, "time_column"), "'time_column' is empty");
    for (size_t i = 0; text != NULL && i < columns->count; i++) {
        if (strcmp(columns->items[i]->text, text) == 0)
            return yaml_error(columns->items[i], "'%s' is the time column", text);
    }
    return inputs_check_transforms(yaml_get(config, "transforms"));
}

/* ---- matches ---- */

typedef struct Alias {
    const char *name;
    VEC(Source) sources;
    const Rel *rel;
} Alias;

static const char *alias_of(const FactoryCall *call, const Source *source)
{
    if (source->capture_count > 0 && *source->captures[0] != '\0') return source->captures[0];
    const char *name = path_base(source->path), *dot = strrchr(name, '.');
    if (dot == NULL || dot == name) return name;
    return arena_strndup(call->arena, name, (size_t)(dot - name));
}

/* In the order of the first path of each. */
static void group_by_alias(const FactoryCall *call, const Source *sources, size_t count, Map *out)
{
    *out = map_new(call->arena);
    for (size_t i = 0; i < count; i++) {
        const char *name = alias_of(call, &sources[i]);
        Alias *alias = map_get(out, name);
        if (alias == NULL) {
            alias = ANEW(call->arena, Alias);
            alias->name = name;
            map_put(out, name, alias);
        }
        vec_push(call->arena, &alias->sources, sources[i]);
    }
}

/* ---- columns ---- */

/* The type of a column over all matches that have it: the widest, where they differ too much the
 * first; "NULL" when only empty ones could. */
static Err *column_type(const FactoryCall *call, const Yaml *column, const Map *aliases,
                        const char **out)
{
    SCRATCH(scratch);
    VEC(const char *) names = {0};
    const char *type = NULL;
    bool any = false;
    for (size_t i = 0; i < aliases->count; i++) {
        const Rel *rel = ((const Alias *)aliases->entries[i].value)->rel;
        if (rel_is_nothing(rel)) continue;
        const Schema *schema = rel_schema(rel);
        ptrdiff_t at = schema_find(schema, column->text);
        const char *wide = at >= 0 && type != NULL
                               ? type_widen(call->arena, type, schema->columns[at].type)
                               : NULL;
        any = true;
        if (at >= 0 && (type == NULL || wide != NULL))
            type = type == NULL ? schema->columns[at].type : wide;
        for (size_t j = 0; j < schema->count; j++)
            vec_push(scratch, &names, schema->columns[j].name);
    }
    *out = type != NULL ? type : "\"NULL\"";
    if (type != NULL || !any) return NULL;
    Err *err = err_source(yaml_error(column, "no match has a column '%s'", column->text),
                          call->node->content);
    const char *near = text_nearest(column->text, names.v, names.n);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near) : err;
}

/* The listed columns of one match, and its time. */
static Err *projection(const FactoryCall *call, const char *time_column, const char **types,
                       Alias *alias)
{
    const Yaml *list = yaml_get(call->config, "columns");
    ProjectColumn *columns = AARRAY(call->arena, ProjectColumn, list->count + 1);
    columns[0] = (ProjectColumn){.source = time_column, .name = time_column};
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->items[i]->text;
        bool has = schema_find(rel_schema(alias->rel), name) >= 0;
        columns[i + 1] = (ProjectColumn){
            .source = has ? name : NULL, .name = name, .cast = has ? NULL : types[i]};
    }
    return rel_project(call->arena, alias->rel, columns, list->count + 1, &alias->rel);
}

/* ---- the relation ---- */

static Err *alias_relation(const FactoryCall *call, const char *time_column, Alias *alias)
{
    Plan *plan = NULL;
    TRY(provider_plan(call->provider, &plan));
    TRY(inputs_relation(call, yaml_get(call->config, "pattern")->text,
                        yaml_get(call->config, "transforms"), alias->sources.v, alias->sources.n,
                        &alias->rel));
    if (rel_is_nothing(alias->rel)) alias->rel = inputs_nothing(call, time_column);
    TRY(rel_retime(call->arena, alias->rel, time_column, &alias->rel));
    return plan_resolve(plan, alias->rel);
}

static Err *join_aliases(const FactoryCall *call, const char *time_column, const Map *aliases,
                         const Rel **out)
{
    const Yaml *columns = yaml_get(call->config, "columns");
    const char **types = AARRAY(call->arena, const char *, columns->count);
    JoinInput *inputs = AARRAY(call->arena, JoinInput, aliases->count);
    Plan *plan = NULL;
    for (size_t i = 0; i < aliases->count; i++)
        TRY(alias_relation(call, time_column, aliases->entries[i].value));
    for (size_t i = 0; i < columns->count; i++)
        TRY(column_type(call, columns->items[i], aliases, &types[i]));
    for (size_t i = 0; i < aliases->count; i++) {
        Alias *alias = aliases->entries[i].value;
        TRY(projection(call, time_column, types, alias));
        inputs[i] = (JoinInput){.rel = alias->rel, .prefix = alias->name};
    }
    TRY(provider_plan(call->provider, &plan));
    return rel_join(plan, call->arena,
                    &(JoinSpec){call->path, time_column, .inputs = inputs, .count = aliases->count},
                    out);
}

static Err *build(const FactoryCall *call, const Rel **out)
{
    const char *pattern = yaml_get(call->config, "pattern")->text;
    const Yaml *time = yaml_get(call->config, "time_column");
    const char *time_column = time != NULL ? time->text : "timestamp";
    Source *sources = NULL;
    size_t count = 0;
    const Rel **made = NULL;
    Map aliases;
    TRY(provider_match(call->provider, call->arena, pattern, &sources, &count));
    if (count == 0) {
        TRY(inputs_of_pattern(call, pattern, NULL, out)); /* its warning, or its error */
        *out = inputs_nothing(call, time_column);
        return NULL;
    }
    TRY(inputs_make(call, pattern, sources, count, &made));
    group_by_alias(call, sources, count, &aliases);
    return join_aliases(call, time_column, &aliases, out);
}

static Err *relation(const FactoryCall *call, const Rel **out)
{
    return factory_wrap(call, build(call, out));
}

const Factory FACTORY_TIMESERIES_PIVOT = {
    .name = "timeseries-pivot",
    .kind = FACTORY_FILE,
    .text = "columns of many series side by side on their times, named <capture>.<column>",
    .keys = KEYS,
    .key_count = sizeof KEYS / sizeof *KEYS,
    .example = "pattern: \"/joined/*\"\n"
               "columns: [\"Sonde.DO.mg/L\", \"Sonde.Temperature.C\"]\n",
    .validate = validate,
    .relation = relation,
};
