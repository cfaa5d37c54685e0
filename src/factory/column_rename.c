/* column-rename: a transform that gives columns other names, and types. For each column the first
 * rule that matches its name counts; columns without a rule stay as they are, and a rule without a
 * column says nothing (one rename may serve many inputs). Regular expressions are PCRE2's. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "factory/factory_int.h"
#include <pcre2.h>
#include <string.h>

static const FactoryKey KEYS[] = {
    {"rules", "list", "{type: direct, from, to, cast} or {type: pattern, pattern, replacement}",
     true},
};
static const FactoryKey DIRECT_KEYS[] = {
    {"type", "text", "direct", true},
    {"from", "text", "the column's name", true},
    {"to", "text", "its new name", true},
    {"cast", "text", "its new type: timestamp, or one of SQL's", false},
};
static const FactoryKey PATTERN_KEYS[] = {
    {"type", "text", "pattern", true},
    {"pattern", "text", "regular expression; its first occurrence in a name is replaced", true},
    {"replacement", "text", "what stands there instead, with $1, $2 ...", true},
};
enum { STEPS_MAX = 1000000, NAME_MAX_BYTES = 4096 };

/* ---- casts ---- */

typedef struct TimeCast {
    const char *name;
    TimeUnit unit;
} TimeCast;

static const TimeCast TIME_CASTS[] = {
    {"timestamp", TIME_UNIT_NONE}, {"epoch_s", TIME_UNIT_S},   {"epoch_ms", TIME_UNIT_MS},
    {"epoch_us", TIME_UNIT_US},    {"epoch_ns", TIME_UNIT_NS},
};

static void set_cast(ProjectColumn *column, const char *cast)
{
    for (size_t i = 0; cast != NULL && i < sizeof TIME_CASTS / sizeof *TIME_CASTS; i++) {
        if (strcasecmp(TIME_CASTS[i].name, cast) != 0) continue;
        column->as_time = true;
        column->unit = TIME_CASTS[i].unit;
        return;
    }
    column->cast = cast;
}

/* ---- regular expressions ---- */

static void code_free_at(pcre2_code **code)
{
    pcre2_code_free(*code);
}

static void match_free_at(pcre2_match_context **match)
{
    pcre2_match_context_free(*match);
}

static Err *regex_error(const Yaml *node, int code, size_t offset)
{
    char message[256] = "";
    (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
    if (offset == SIZE_MAX) return yaml_error(node, "'%s': %s", node->text, message);
    return yaml_error(node, "'%s' is no regular expression: %s, at character %zu", node->text,
                      message, offset + 1);
}

static Err *compile(const Yaml *rule, pcre2_code **out)
{
    const Yaml *node = yaml_get(rule, "pattern");
    int code = 0;
    PCRE2_SIZE offset = 0;
    *out = pcre2_compile((PCRE2_SPTR)node->text, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &offset,
                         NULL);
    return *out != NULL ? NULL : regex_error(node, code, offset);
}

/* *out = NULL when the name has no occurrence. The replacement's references are checked even then.
 */
static Err *replace(Arena *arena, const Yaml *rule, const char *name, char **out)
{
    CLEANUP(code_free_at) pcre2_code *code = NULL;
    CLEANUP(match_free_at) pcre2_match_context *match = pcre2_match_context_create(NULL);
    TRY(compile(rule, &code));
    (void)pcre2_set_match_limit(match, STEPS_MAX);
    const Yaml *replacement = yaml_get(rule, "replacement");
    char text[NAME_MAX_BYTES] = "";
    PCRE2_SIZE size = sizeof text;
    int got = pcre2_substitute(code, (PCRE2_SPTR)name, PCRE2_ZERO_TERMINATED, 0, 0, NULL, match,
                               (PCRE2_SPTR)replacement->text, PCRE2_ZERO_TERMINATED,
                               (PCRE2_UCHAR *)text, &size);
    if (got == PCRE2_ERROR_MATCHLIMIT || got == PCRE2_ERROR_NOMEMORY)
        return ERR_WRAP(regex_error(yaml_get(rule, "pattern"), got, SIZE_MAX), "column \"%s\"",
                        name);
    if (got < 0) return regex_error(replacement, got, SIZE_MAX);
    *out = got == 0 ? NULL : arena_strdup(arena, text);
    return NULL;
}

/* The highest $n, ${n} of a replacement; names and everything else are left to PCRE2. */
static uint32_t highest_reference(const char *text)
{
    uint32_t highest = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p != '$') continue;
        if (p[1] == '$') {
            p++;
            continue;
        }
        const char *digits = p + 1 + (p[1] == '{');
        uint32_t number = (uint32_t)strtoul(digits, NULL, 10);
        if (strspn(digits, "0123456789") > 0 && number > highest) highest = number;
    }
    return highest;
}

static Err *check_pattern(const Yaml *rule)
{
    CLEANUP(code_free_at) pcre2_code *code = NULL;
    uint32_t groups = 0;
    const Yaml *replacement = yaml_get(rule, "replacement");
    if (factory_is_reference(yaml_get(rule, "pattern")) || factory_is_reference(replacement))
        return NULL;
    TRY(compile(rule, &code));
    (void)pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    uint32_t wanted = highest_reference(replacement->text);
    if (wanted <= groups) return NULL;
    return yaml_error(replacement, "$%u: the pattern has %u %s", wanted, groups,
                      groups == 1 ? "group" : "groups");
}

/* ---- configuration ---- */

static bool is_direct(const Yaml *rule)
{
    const Yaml *type = yaml_get(rule, "type");
    return type != NULL && type->kind == YAML_SCALAR && strcmp(type->text, "direct") == 0;
}

static Err *check_texts(const Yaml *rule, const FactoryKey *keys, size_t count)
{
    const char *text = NULL;
    TRY(factory_check_keys(rule, "rule", keys, count));
    for (size_t i = 0; i < count; i++) {
        text = "x";
        TRY(yaml_str(rule, keys[i].name, keys[i].required, &text));
        if (*text == '\0' && strcmp(keys[i].name, "replacement") != 0)
            return yaml_error(yaml_get(rule, keys[i].name), "'%s' is empty", keys[i].name);
    }
    return NULL;
}

static Err *check_rule(const Yaml *rule)
{
    static const char *const TYPES[] = {"direct", "pattern"};
    if (rule->kind != YAML_MAP)
        return yaml_error(rule, "a rule is a map: {type: direct, from, to} or {type: pattern, "
                                "pattern, replacement}");
    if (is_direct(rule))
        return check_texts(rule, DIRECT_KEYS, sizeof DIRECT_KEYS / sizeof *DIRECT_KEYS);
    const Yaml *type = yaml_get(rule, "type");
    if (type == NULL) return yaml_error(rule, "rule: missing key 'type'");
    if (type->kind != YAML_SCALAR || strcmp(type->text, "pattern") != 0) {
        const bool is_text = type->kind == YAML_SCALAR;
        const char *near = is_text ? text_nearest(type->text, TYPES, 2) : NULL;
        Err *err = is_text ? yaml_error(type, "unknown rule type '%s'", type->text)
                           : yaml_error(type, "type: direct or pattern is expected");
        return near != NULL ? err_hint(err, "did you mean '%s'?", near)
                            : err_hint(err, "types are direct and pattern");
    }
    TRY(check_texts(rule, PATTERN_KEYS, sizeof PATTERN_KEYS / sizeof *PATTERN_KEYS));
    return check_pattern(rule);
}

static Err *validate(Arena *arena, const Yaml *config)
{
    const Yaml *rules = NULL;
    Map seen = map_new(arena);
    TRY(factory_check_keys(config, "column-rename", KEYS, sizeof KEYS / sizeof *KEYS));
    TRY(yaml_list(config, "rules", true, &rules));
    if (rules->count == 0) return yaml_error(rules, "'rules' is empty");
    for (size_t i = 0; i < rules->count; i++) {
        const Yaml *rule = rules->items[i];
        TRY(check_rule(rule));
        if (is_direct(rule) && !map_put(&seen, yaml_get(rule, "from")->text, (void *)&seen))
            return yaml_error(yaml_get(rule, "from"), "column '%s' has a rule before this one",
                              yaml_get(rule, "from")->text);
    }
    return NULL;
}

/* Are the casts types? Asked of the engine. */
static Err *check(const FactoryCall *call)
{
    static Column text = {.name = "c", .type = "VARCHAR"};
    const Yaml *rules = yaml_get(call->config, "rules");
    const Rel *empty = rel_empty(call->arena, "", &(Schema){.columns = &text, .count = 1});
    for (size_t i = 0; i < rules->count; i++) {
        const Yaml *cast = yaml_get(rules->items[i], "cast");
        ProjectColumn column = {.source = "c", .name = "c"};
        const Rel *rel = NULL;
        Plan *plan = NULL;
        if (cast == NULL) continue;
        set_cast(&column, cast->text);
        TRY(rel_project(call->arena, empty, &column, 1, &rel));
        TRY(provider_plan(call->provider, &plan));
        Err *err = plan_resolve(plan, rel);
        if (err == NULL) continue;
        err_free(err);
        return err_hint(yaml_error(cast, "'%s' is not a type", cast->text),
                        "timestamp (a time from text or epochs), epoch_s, epoch_ms, epoch_us, "
                        "epoch_ns, or a type of SQL: DOUBLE, BIGINT, VARCHAR, ...");
    }
    return NULL;
}

/* ---- the transform ---- */

/* False when no rule is the column's. */
static Err *rename_column(const FactoryCall *call, const Column *column, ProjectColumn *out,
                          bool *out_any)
{
    const Yaml *rules = yaml_get(call->config, "rules");
    *out = (ProjectColumn){.source = column->name, .name = column->name};
    for (size_t i = 0; i < rules->count; i++) {
        const Yaml *rule = rules->items[i], *cast = yaml_get(rule, "cast");
        char *replaced = NULL;
        if (is_direct(rule)) {
            if (strcmp(yaml_get(rule, "from")->text, column->name) != 0) continue;
            out->name = yaml_get(rule, "to")->text;
            set_cast(out, cast != NULL ? cast->text : NULL);
            *out_any = true;
            return NULL;
        }
        TRY(err_source(replace(call->arena, rule, column->name, &replaced), call->node->content));
        if (replaced == NULL) continue;
        if (*replaced == '\0')
            return err_source(yaml_error(yaml_get(rule, "replacement"),
                                         "it leaves column \"%s\" without a name", column->name),
                              call->node->content);
        out->name = replaced;
        *out_any = true;
        return NULL;
    }
    return NULL;
}

static Err *transform(const FactoryCall *call, const Rel *input, const Rel **out)
{
    const Schema *schema = rel_schema(input);
    ProjectColumn *columns = AARRAY(call->arena, ProjectColumn, schema->count + 1);
    bool any = false;
    for (size_t i = 0; i < schema->count; i++)
        TRY(rename_column(call, &schema->columns[i], &columns[i], &any));
    if (any) return rel_project(call->arena, input, columns, schema->count, out);
    if (!rel_is_nothing(input))
        log_warn("%s: none of its rules is for a column of %s", call->path, rel_label(input));
    *out = input;
    return NULL;
}

const Factory FACTORY_COLUMN_RENAME = {
    .name = "column-rename",
    .kind = FACTORY_TRANSFORM,
    .text = "renames and casts columns of what names it under `transforms`",
    .keys = KEYS,
    .key_count = sizeof KEYS / sizeof *KEYS,
    .example = "rules:\n"
               "  - {type: direct, from: \"Date Time\", to: timestamp, cast: timestamp}\n"
               "  - {type: pattern, pattern: '^(.+) \\((.+)\\)$', replacement: '$1.$2'}\n",
    .validate = validate,
    .check = check,
    .transform = transform,
};
