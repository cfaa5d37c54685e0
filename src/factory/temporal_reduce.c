/* temporal-reduce: for each input that `in_pattern` matches, a directory named by `out_pattern`
 * with one series per resolution. Inputs with one output name are united by column name. The
 * pattern is matched once per listing; all levels below share what it found. The finest resolution
 * is the base of those that nest in it: they are its fold, always (determinism contract). */
#include "factory/factory_int.h"
#include <string.h>

static const FactoryKey KEYS[] = {
    {"in_pattern", "pattern", "which nodes to reduce", true},
    {"out_pattern", "text", "output name, with $0, $1 ... of the captures", true},
    {"time_column", "text", "the time column (default: the input's)", false},
    {"resolutions", "list", "bucket widths: 15m, 1h, 1d ...", true},
    {"aggregations", "list",
     "{type, columns} each; columns are names or globs, omitted = all numeric", true},
    {"zone", "text", "time zone of the buckets (UTC)", false},
    {"origin", "time", "where buckets are counted from (1970-01-01, in the zone)", false},
    {"transforms", "list", "paths of transforms, applied in order to each input", false},
};
static const FactoryKey AGG_KEYS[] = {
    {"type", "text", "avg, min, max, sum, count, first, last or stddev", true},
    {"columns", "list", "names or globs; omitted = all numeric; count of \"*\" counts rows", false},
};
static const char *const AGGS[] = {
    [AGG_AVG] = "avg",     [AGG_MIN] = "min",     [AGG_MAX] = "max",   [AGG_SUM] = "sum",
    [AGG_COUNT] = "count", [AGG_FIRST] = "first", [AGG_LAST] = "last", [AGG_STDDEV] = "stddev"};
enum { AGG_COUNT_OF = sizeof AGGS / sizeof *AGGS };

typedef struct Output {
    const char *name; /* expanded out_pattern */
    VEC(Source) sources;
} Output;

/* The whole node; shared by everything listed below it. */
typedef struct Reduce {
    const char *path; /* of the temporal-reduce node */
    Map outputs;      /* name -> Output * */
} Reduce;

/* What a node below is. */
typedef struct Derived {
    const Reduce *reduce;
    const char *prefix;   /* directories: components of output names so far */
    const Output *output; /* files */
    size_t resolution;    /* files: index */
} Derived;

/* ---- configuration ---- */

static Err *read_agg_kind(const Yaml *node, AggKind *out)
{
    for (size_t i = 0; i < AGG_COUNT_OF; i++) {
        if (strcmp(node->text, AGGS[i]) != 0) continue;
        *out = (AggKind)i;
        return NULL;
    }
    const char *near = text_nearest(node->text, AGGS, AGG_COUNT_OF);
    Err *err = yaml_error(node, "unknown aggregation '%s'", node->text);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                        : err_hint(err, "types are avg, min, max, sum, count, first, last, stddev");
}

static Err *check_aggregation(const Yaml *node)
{
    const char *type = NULL;
    const Yaml *columns = NULL;
    AggKind kind;
    TRY(factory_check_keys(node, "aggregation", AGG_KEYS, sizeof AGG_KEYS / sizeof *AGG_KEYS));
    TRY(yaml_str(node, "type", true, &type));
    TRY(read_agg_kind(yaml_get(node, "type"), &kind));
    TRY(yaml_list(node, "columns", false, &columns));
    if (columns == NULL) return NULL;
    if (columns->count == 0)
        return yaml_error(columns, "'columns' is empty; leave it out for all numeric columns");
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->items[i]->kind != YAML_SCALAR)
            return yaml_error(columns->items[i], "a column name or glob is expected");
        if (!text_glob_is_whole(columns->items[i]->text))
            return err_hint(yaml_error(columns->items[i], "glob '%s': '[' without ']'",
                                       columns->items[i]->text),
                            "a bracket itself is written \\[");
    }
    return NULL;
}

static Err *check_resolutions(Arena *arena, const Yaml *list)
{
    Map seen = map_new(arena);
    if (list->count == 0) return yaml_error(list, "'resolutions' is empty");
    for (size_t i = 0; i < list->count; i++) {
        int64_t width = 0;
        TRY(factory_duration(list->items[i], &width));
        if (map_put(&seen, list->items[i]->text, list->items[i])) continue;
        return yaml_error(list->items[i], "resolution '%s' appears twice", list->items[i]->text);
    }
    return NULL;
}

/* The references of `out_pattern` are captures that `pattern` has. */
static Err *check_references(Arena *arena, const Yaml *node, const Pattern *pattern)
{
    size_t count = pattern_capture_count(pattern);
    const char **captures = AARRAY(arena, const char *, count + 1);
    char *expanded = NULL;
    for (size_t i = 0; i < count; i++) captures[i] = "x";
    if (strstr(node->text, "${env:") != NULL || strstr(node->text, "${var:") != NULL) return NULL;
    return factory_error_at(node, captures_expand(arena, node->text, captures, count, &expanded));
}

/* URLs are compiled when they are used. */
static Err *check_patterns(Arena *arena, const Yaml *config)
{
    const char *in = NULL, *out = NULL;
    const Pattern *pattern = NULL;
    Url url;
    TRY(yaml_str(config, "in_pattern", true, &in));
    TRY(yaml_str(config, "out_pattern", true, &out));
    const Yaml *in_node = yaml_get(config, "in_pattern"),
               *out_node = yaml_get(config, "out_pattern");
    if (*out == '\0' || *out == '/')
        return yaml_error(out_node, "'out_pattern' is a relative name");
    if (strstr(in, "${env:") != NULL || strstr(in, "${var:") != NULL) return NULL;
    TRY(factory_error_at(in_node, url_parse(arena, in, &url)));
    if (url.host) return NULL;
    TRY(factory_error_at(in_node, pattern_compile(arena, url.path, &pattern)));
    return check_references(arena, out_node, pattern);
}

static Err *validate(Arena *arena, const Yaml *config)
{
    const char *text = NULL;
    const Yaml *list = NULL;
    TimeUs origin = 0;
    TRY(factory_check_keys(config, "temporal-reduce", KEYS, sizeof KEYS / sizeof *KEYS));
    TRY(check_patterns(arena, config));
    TRY(yaml_str(config, "time_column", false, &text));
    TRY(yaml_str(config, "zone", false, &text));
    TRY(factory_time(config, "origin", false, &origin));
    TRY(inputs_check_transforms(yaml_get(config, "transforms")));
    TRY(yaml_list(config, "resolutions", true, &list));
    TRY(check_resolutions(arena, list));
    TRY(yaml_list(config, "aggregations", true, &list));
    if (list->count == 0) return yaml_error(list, "'aggregations' is empty");
    for (size_t i = 0; i < list->count; i++) TRY(check_aggregation(list->items[i]));
    return NULL;
}

static Err *check(const FactoryCall *call)
{
    const Yaml *node = yaml_get(call->config, "zone");
    const Zone *zone = NULL;
    if (node == NULL) return NULL;
    return factory_error_at(node, provider_zone(call->arena, node->text, &zone));
}

/* ---- listing ---- */

static Err *expand_name(const FactoryCall *call, const Source *source, char **out)
{
    const Yaml *node = yaml_get(call->config, "out_pattern");
    Err *err =
        captures_expand(call->arena, node->text, source->captures, source->capture_count, out);
    if (err == NULL) err = path_normalize(call->arena, arena_printf(call->arena, "/%s", *out), out);
    if (err != NULL) {
        Err *own = yaml_error(node, "%s: %s", source->path, err_message(err));
        err_free(err);
        return ERR_WRAP(err_source(own, call->node->content), "%s", call->path);
    }
    ++*out; /* without the slash */
    if (**out == '\0')
        return ERR(INVALID, "%s: 'out_pattern' gives %s no name", call->path, source->path);
    return NULL;
}

static Err *find_outputs(const FactoryCall *call, Reduce **out)
{
    Reduce *reduce = ANEW(call->arena, Reduce);
    Source *sources = NULL;
    size_t count = 0;
    const char *pattern = yaml_get(call->config, "in_pattern")->text;
    *reduce = (Reduce){.path = call->path, .outputs = map_new(call->arena)};
    TRY(factory_wrap(call, provider_match(call->provider, call->arena, pattern, &sources, &count)));
    for (size_t i = 0; i < count; i++) {
        char *name = NULL;
        if (entry_is_dir(sources[i].node.type)) {
            return err_hint(ERR(INVALID, "%s: in_pattern %s matches the directory %s", call->path,
                                pattern, sources[i].path),
                            "match what is in it: %s/*", pattern);
        }
        TRY(expand_name(call, &sources[i], &name));
        Output *output = map_get(&reduce->outputs, name);
        if (output == NULL) {
            output = ANEW(call->arena, Output);
            output->name = name;
            (void)map_put(&reduce->outputs, name, output);
        }
        vec_push(call->arena, &output->sources, sources[i]);
    }
    *out = reduce;
    return NULL;
}

static Node derived_node(const FactoryCall *call, const char *name, EntryType type, Derived derived)
{
    Derived *kept = ANEW(call->arena, Derived);
    *kept = derived;
    return (Node){.name = name,
                  .type = type,
                  .factory = call->node->factory,
                  .content = call->node->content,
                  .derivation = kept};
}

typedef VEC(Node) NodeVec;

static void add_resolutions(const FactoryCall *call, const Reduce *reduce, const Output *output,
                            NodeVec *nodes)
{
    const Yaml *list = yaml_get(call->config, "resolutions");
    for (size_t i = 0; i < list->count; i++) {
        char *name = arena_printf(call->arena, "res=%s.series", list->items[i]->text);
        Derived derived = {.reduce = reduce, .output = output, .resolution = i};
        vec_push(call->arena, nodes, derived_node(call, name, ENTRY_DYNAMIC, derived));
    }
}

/* Below `prefix` ("" at the top): the next components of longer names as directories; the series of
 * the name itself. */
static Err *children(const FactoryCall *call, Node **out, size_t *count)
{
    const Derived *above = call->node->derivation;
    Reduce *found = NULL;
    if (above == NULL) TRY(find_outputs(call, &found));
    const Reduce *reduce = above != NULL ? above->reduce : found;
    const char *prefix = above != NULL ? above->prefix : "";
    size_t length = strlen(prefix);
    NodeVec nodes = {0};
    Map seen = map_new(call->arena);
    for (size_t i = 0; i < reduce->outputs.count; i++) {
        const Output *output = reduce->outputs.entries[i].value;
        if (!text_starts(output->name, prefix)) continue;
        const char *rest = output->name + length;
        if (length > 0 && *rest == '\0') add_resolutions(call, reduce, output, &nodes);
        if (*rest == '\0' || (length > 0 && *rest != '/')) continue;
        rest += length > 0;
        char *name = arena_strndup(call->arena, rest, strcspn(rest, "/"));
        if (!map_put(&seen, name, &nodes)) continue;
        char *longer = length > 0 ? arena_printf(call->arena, "%s/%s", prefix, name) : name;
        vec_push(call->arena, &nodes,
                 derived_node(call, name, ENTRY_DYNAMIC_DIR,
                              (Derived){.reduce = reduce, .prefix = longer}));
    }
    *out = nodes.v;
    *count = nodes.n;
    return NULL;
}

/* ---- one series ---- */

typedef VEC(BucketAgg) AggVec;

static void add_agg(const FactoryCall *call, AggKind kind, const char *column, AggVec *aggs)
{
    const char *name =
        column == NULL ? "timestamp.count" : arena_printf(call->arena, "%s.%s", column, AGGS[kind]);
    for (size_t i = 0; i < aggs->n; i++) {
        if (strcmp(aggs->v[i].name, name) == 0) return; /* two globs may name one column */
    }
    vec_push(call->arena, aggs, ((BucketAgg){.kind = kind, .column = column, .name = name}));
}

static Err *no_column(const FactoryCall *call, const Yaml *node, const Schema *schema)
{
    const char **names = AARRAY(call->arena, const char *, schema->count + 1);
    for (size_t i = 0; i < schema->count; i++) names[i] = schema->columns[i].name;
    const char *near = text_nearest(node->text, names, schema->count);
    Err *err = yaml_error(node, "no column matches '%s'", node->text);
    err = err_source(err, call->node->content);
    return near != NULL ? err_hint(err, "did you mean '%s'?", near) : err;
}

/* Of a glob only columns that the aggregate can take; a column named outright is taken as it is. */
static Err *add_matching(const FactoryCall *call, AggKind kind, const Yaml *node,
                         const Schema *schema, const char *time, AggVec *aggs)
{
    bool any_type = kind == AGG_COUNT || kind == AGG_FIRST || kind == AGG_LAST || kind == AGG_MIN ||
                    kind == AGG_MAX;
    bool found = false;
    if (schema_find(schema, node->text) >= 0) {
        add_agg(call, kind, node->text, aggs);
        return NULL;
    }
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        if (strcmp(column->name, time) == 0 || !text_glob(node->text, column->name)) continue;
        found = true;
        if (any_type || type_is_numeric(column->type)) add_agg(call, kind, column->name, aggs);
    }
    return found ? NULL : no_column(call, node, schema);
}

static Err *add_aggregation(const FactoryCall *call, const Yaml *node, const Schema *schema,
                            const char *time, AggVec *aggs)
{
    AggKind kind;
    TRY(read_agg_kind(yaml_get(node, "type"), &kind));
    const Yaml *columns = yaml_get(node, "columns");
    if (columns == NULL) {
        for (size_t i = 0; i < schema->count; i++) {
            const Column *column = &schema->columns[i];
            if (strcmp(column->name, time) != 0 && type_is_numeric(column->type))
                add_agg(call, kind, column->name, aggs);
        }
        return NULL;
    }
    for (size_t i = 0; i < columns->count; i++) {
        if (kind == AGG_COUNT && strcmp(columns->items[i]->text, "*") == 0) {
            add_agg(call, kind, NULL, aggs);
        } else {
            TRY(add_matching(call, kind, columns->items[i], schema, time, aggs));
        }
    }
    return NULL;
}

static Err *time_column_of(const FactoryCall *call, const Rel *input, const char **out)
{
    const Schema *schema = rel_schema(input);
    const Yaml *wanted = yaml_get(call->config, "time_column");
    if (wanted != NULL) {
        *out = wanted->text;
        return schema_find(schema, wanted->text) >= 0 ? NULL : no_column(call, wanted, schema);
    }
    ptrdiff_t index = rel_time_index(input);
    if (index < 0) return ERR(INVALID, "%s has no time column", rel_label(input));
    *out = schema->columns[index].name;
    return NULL;
}

/* The finest width of the node if `width` is a multiple of it. */
static Err *base_width(const Yaml *resolutions, int64_t width, int64_t *out)
{
    int64_t finest = width;
    for (size_t i = 0; i < resolutions->count; i++) {
        int64_t other = 0;
        TRY(factory_duration(resolutions->items[i], &other));
        if (other < finest) finest = other;
    }
    *out = width % finest == 0 ? finest : width;
    return NULL;
}

static Err *read_spec(const FactoryCall *call, size_t resolution, BucketSpec *spec)
{
    const Yaml *resolutions = yaml_get(call->config, "resolutions"),
               *zone = yaml_get(call->config, "zone");
    TRY(factory_duration(resolutions->items[resolution], &spec->width_us));
    TRY(base_width(resolutions, spec->width_us, &spec->base_width_us));
    TRY(factory_time(call->config, "origin", false, &spec->origin));
    spec->zone = zone != NULL ? zone->text : NULL;
    spec->label = call->path;
    return NULL;
}

static Err *relation(const FactoryCall *call, const Rel **out)
{
    const Derived *derived = call->node->derivation;
    if (derived == NULL || derived->output == NULL)
        return ERR(INVALID, "%s: is a directory", call->path);
    const Yaml *list = yaml_get(call->config, "aggregations");
    const Rel *input = NULL;
    BucketSpec spec = {0};
    AggVec aggs = {0};
    Plan *plan = NULL;
    TRY(factory_wrap(call, inputs_relation(call, yaml_get(call->config, "in_pattern")->text,
                                           yaml_get(call->config, "transforms"),
                                           derived->output->sources.v, derived->output->sources.n,
                                           &input)));
    TRY(provider_plan(call->provider, &plan));
    TRY(factory_wrap(call, plan_resolve(plan, input)));
    TRY(factory_wrap(call, time_column_of(call, input, &spec.time_column)));
    for (size_t i = 0; i < list->count; i++) {
        TRY(factory_wrap(call, add_aggregation(call, list->items[i], rel_schema(input),
                                               spec.time_column, &aggs)));
    }
    spec.aggs = aggs.v;
    spec.agg_count = aggs.n;
    TRY(read_spec(call, derived->resolution, &spec));
    return rel_bucket(plan, call->arena, input, &spec, out);
}

const Factory FACTORY_TEMPORAL_REDUCE = {
    .name = "temporal-reduce",
    .kind = FACTORY_DIR,
    .text = "aggregates over time buckets: one directory per input, one series per resolution",
    .keys = KEYS,
    .key_count = sizeof KEYS / sizeof *KEYS,
    .example = "in_pattern: \"/joined/*\"\n"
               "out_pattern: \"$0\"\n"
               "time_column: timestamp\n"
               "resolutions: [1h, 6h, 1d]\n"
               "aggregations:\n"
               "  - {type: avg, columns: [\"*.Temperature.C\"]}\n"
               "  - {type: max}\n"
               "  - {type: count, columns: [\"*\"]}\n",
    .validate = validate,
    .check = check,
    .children = children,
    .relation = relation,
};
