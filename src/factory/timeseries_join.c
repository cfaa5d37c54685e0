/* timeseries-join: series side by side on their times. Inputs of one scope are united, in the order
 * of the inputs (a device and the one that replaced it); the scopes are full-joined. An input
 * without a scope stands for itself: its columns keep their names. */
#include "factory/factory_int.h"
#include <string.h>

static const FactoryKey KEYS[] = {
    {"time_column", "text", "the time column of all inputs and of the result (timestamp)", false},
    {"inputs", "list", "two or more of {pattern, scope, range: {begin, end}, transforms}", true},
};
static const FactoryKey INPUT_KEYS[] = {
    {"pattern", "pattern", "a URL or path pattern; what it matches is united", true},
    {"scope", "text", "columns are named <scope>.<column>; inputs of one scope are united", false},
    {"range", "map", "{begin, end}: only rows of these times, both included", false},
    {"transforms", "list", "paths of transforms, applied in order before the scope", false},
};
static const FactoryKey RANGE_KEYS[] = {
    {"begin", "time", "the first time", false},
    {"end", "time", "the last time", false},
};

/* ---- configuration ---- */

static Err *read_range(const Yaml *input, TimeSpan *out)
{
    const Yaml *range = NULL;
    TRY(yaml_map(input, "range", false, &range));
    if (range == NULL) return NULL;
    TRY(factory_check_keys(range, "range", RANGE_KEYS, sizeof RANGE_KEYS / sizeof *RANGE_KEYS));
    if (range->count == 0) return yaml_error(range, "'range' has neither begin nor end");
    TRY(factory_time(range, "begin", false, &out->min));
    TRY(factory_time(range, "end", false, &out->max));
    if (out->min <= out->max) return NULL;
    return yaml_error(range, "'range' ends before it begins");
}

static Err *check_input(Arena *arena, const Yaml *input)
{
    const char *text = NULL;
    TimeSpan span = {TIME_MIN, TIME_MAX};
    TRY(factory_check_keys(input, "input", INPUT_KEYS, sizeof INPUT_KEYS / sizeof *INPUT_KEYS));
    TRY(inputs_check_pattern(arena, yaml_get(input, "pattern"), "pattern"));
    TRY(yaml_str(input, "scope", false, &text));
    if (text != NULL && *text == '\0')
        return yaml_error(yaml_get(input, "scope"), "'scope' is empty; leave it out");
    TRY(read_range(input, &span));
    return inputs_check_transforms(yaml_get(input, "transforms"));
}

static Err *validate(Arena *arena, const Yaml *config)
{
    const char *text = NULL;
    const Yaml *inputs = NULL;
    TRY(factory_check_keys(config, "timeseries-join", KEYS, sizeof KEYS / sizeof *KEYS));
    TRY(yaml_str(config, "time_column", false, &text));
    if (text != NULL && *text == '\0')
        return yaml_error(yaml_get(config, "time_column"), "'time_column' is empty");
    TRY(yaml_list(config, "inputs", true, &inputs));
    if (inputs->count < 2)
        return yaml_error(inputs, "a join needs two or more inputs, not %zu", inputs->count);
    for (size_t i = 0; i < inputs->count; i++) TRY(check_input(arena, inputs->items[i]));
    return NULL;
}

/* ---- the relation ---- */

typedef struct Scope {
    const char *name; /* NULL: an input for itself */
    VEC(const Rel *) rels;
} Scope;
typedef VEC(Scope) ScopeVec;

/* One input: its range, its time. What holds nothing has no columns that count. */
static Err *input_relation(const FactoryCall *call, const char *time_column, const Yaml *input,
                           const Rel **out)
{
    TimeSpan span = {TIME_MIN, TIME_MAX};
    const char *pattern = yaml_get(input, "pattern")->text;
    TRY(inputs_of_pattern(call, pattern, yaml_get(input, "transforms"), out));
    if (rel_is_nothing(*out)) return NULL;
    TRY(read_range(input, &span));
    TRY(rel_retime(call->arena, *out, time_column, out));
    if (span.min == TIME_MIN && span.max == TIME_MAX) return NULL;
    return rel_range(call->arena, *out, span, out);
}

static Scope *scope_of(const FactoryCall *call, ScopeVec *scopes, const Yaml *input)
{
    const Yaml *name = yaml_get(input, "scope");
    for (size_t i = 0; name != NULL && i < scopes->n; i++) {
        if (scopes->v[i].name != NULL && strcmp(scopes->v[i].name, name->text) == 0)
            return &scopes->v[i];
    }
    vec_push(call->arena, scopes, ((Scope){.name = name != NULL ? name->text : NULL}));
    return &scopes->v[scopes->n - 1];
}

static Err *join_scopes(const FactoryCall *call, const char *time_column, const ScopeVec *scopes,
                        const Rel **out)
{
    Plan *plan = NULL;
    JoinInput *inputs = AARRAY(call->arena, JoinInput, scopes->n);
    for (size_t i = 0; i < scopes->n; i++) {
        const Scope *scope = &scopes->v[i];
        const char *label =
            scope->name != NULL ? arena_printf(call->arena, "scope %s", scope->name) : call->path;
        inputs[i] = (JoinInput){.rel = scope->rels.v[0], .prefix = scope->name};
        if (scope->rels.n > 1)
            TRY(rel_union(call->arena, label, scope->rels.v, scope->rels.n, &inputs[i].rel));
    }
    TRY(provider_plan(call->provider, &plan));
    return rel_join(plan, call->arena,
                    &(JoinSpec){call->path, time_column, .inputs = inputs, .count = scopes->n},
                    out);
}

/* So that a circle shows before anything else. */
static Err *make_inputs(const FactoryCall *call, const Yaml *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        const char *pattern = yaml_get(inputs->items[i], "pattern")->text;
        Source *sources = NULL;
        size_t count = 0;
        const Rel **made = NULL;
        TRY(provider_match(call->provider, call->arena, pattern, &sources, &count));
        TRY(inputs_make(call, pattern, sources, count, &made));
    }
    return NULL;
}

static Err *build(const FactoryCall *call, const Rel **out)
{
    const Yaml *inputs = yaml_get(call->config, "inputs"),
               *time = yaml_get(call->config, "time_column");
    const char *time_column = time != NULL ? time->text : "timestamp";
    ScopeVec scopes = {0};
    TRY(make_inputs(call, inputs));
    for (size_t i = 0; i < inputs->count; i++) {
        const Rel *rel = NULL;
        TRY(input_relation(call, time_column, inputs->items[i], &rel));
        if (rel_is_nothing(rel)) continue;
        Scope *scope = scope_of(call, &scopes, inputs->items[i]);
        vec_push(call->arena, &scope->rels, rel);
    }
    if (scopes.n > 0) return join_scopes(call, time_column, &scopes, out);
    *out = inputs_nothing(call, time_column);
    return NULL;
}

static Err *relation(const FactoryCall *call, const Rel **out)
{
    return factory_wrap(call, build(call, out));
}

const Factory FACTORY_TIMESERIES_JOIN = {
    .name = "timeseries-join",
    .kind = FACTORY_FILE,
    .text = "series side by side on their times, columns <scope>.<column>",
    .keys = KEYS,
    .key_count = sizeof KEYS / sizeof *KEYS,
    .example = "inputs:\n"
               "  - pattern: \"/devices/**/PierBoxA.series\"\n"
               "    scope: Box\n"
               "    range: {end: 2024-05-31T23:59:59Z}\n"
               "  - pattern: \"/devices/**/PierBoxB.series\"\n"
               "    scope: Box\n"
               "    range: {begin: 2024-06-01T00:00:00Z}\n"
               "  - pattern: \"csv:///lab/pier*.csv\"\n"
               "    scope: Sonde\n"
               "    transforms: [/etc/lab_rename]\n",
    .validate = validate,
    .relation = relation,
};
