/* Reading configuration out of a YAML tree: typed members, unknown keys, errors with their place. A
 * plain scalar that is empty, ~ or null counts as nothing, which no reader accepts: a key without
 * its value is far more often a slip than a wish. */
#include "base/text.h"
#include "base/yaml.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool yaml_is_nothing(const Yaml *node)
{
    static const char *const NULLS[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != YAML_SCALAR || node->quoted) return false;
    for (size_t i = 0; i < sizeof NULLS / sizeof *NULLS; i++) {
        if (strcmp(node->text, NULLS[i]) == 0) return true;
    }
    return false;
}

const Yaml *yaml_get(const Yaml *map, const char *key)
{
    if (map == NULL || map->kind != YAML_MAP) return NULL;
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->keys[i]->text, key) == 0) return map->items[i];
    }
    return NULL;
}

Err *yaml_error(const Yaml *node, const char *format, ...)
{
    SCRATCH(scratch);
    va_list args;
    va_start(args, format);
    const char *what = arena_vprintf(scratch, format, args);
    va_end(args);
    Err *err = ERR(INVALID, "line %d, column %d: %s", node->line, node->column,
                   text_printable(scratch, what));
    return err_at(err, node->line, node->column);
}

/* What an error says was found. */
static const char *found(Arena *arena, const Yaml *node)
{
    if (node->kind == YAML_MAP) return "a map";
    if (node->kind == YAML_LIST) return "a list";
    if (yaml_is_nothing(node)) return "nothing";
    return arena_printf(arena, node->quoted ? "the text \"%.40s\"" : "%.40s", node->text);
}

static Err *wrong_type(const Yaml *node, const char *key, const char *expected)
{
    SCRATCH(scratch);
    return yaml_error(node, "%s: expected %s, found %s", key, expected, found(scratch, node));
}

static Err *unknown_key(const Yaml *key, const char *what, const char *const *keys,
                        size_t key_count)
{
    Err *err = yaml_error(key, "%s: unknown key %s", what, key->text);
    const char *nearest = text_nearest(key->text, keys, key_count);
    if (nearest != NULL) return err_hint(err, "did you mean %s?", nearest);
    SCRATCH(scratch);
    char *list = arena_strdup(scratch, "");
    for (size_t i = 0; i < key_count; i++) {
        list = arena_printf(scratch, "%s%s%s", list, i > 0 ? ", " : "", keys[i]);
    }
    return key_count > 0 ? err_hint(err, "keys are: %s", list) : err;
}

Err *yaml_check_map(const Yaml *node, const char *what, const char *const *keys, size_t key_count)
{
    if (node->kind != YAML_MAP) return wrong_type(node, what, "a map");
    for (size_t i = 0; i < node->count; i++) {
        bool known = false;
        for (size_t k = 0; k < key_count && !known; k++)
            known = strcmp(keys[k], node->keys[i]->text) == 0;
        if (!known) return unknown_key(node->keys[i], what, keys, key_count);
    }
    return NULL;
}

/* The member, or NULL in *out when it is optional and missing. */
static Err *member(const Yaml *map, const char *key, bool required, const Yaml **out)
{
    *out = yaml_get(map, key);
    if (*out == NULL && required) return yaml_error(map, "the key %s is missing", key);
    return NULL;
}

static Err *plain_member(const Yaml *map, const char *key, bool required, const char *expected,
                         const Yaml **out)
{
    TRY(member(map, key, required, out));
    if (*out == NULL) return NULL;
    bool plain = (*out)->kind == YAML_SCALAR && !(*out)->quoted && !yaml_is_nothing(*out);
    return plain ? NULL : wrong_type(*out, key, expected);
}

Err *yaml_str(const Yaml *map, const char *key, bool required, const char **out)
{
    const Yaml *node = NULL;
    TRY(member(map, key, required, &node));
    if (node == NULL) return NULL;
    if (node->kind != YAML_SCALAR || yaml_is_nothing(node)) return wrong_type(node, key, "text");
    *out = node->text;
    return NULL;
}

Err *yaml_bool(const Yaml *map, const char *key, bool required, bool *out)
{
    const Yaml *node = NULL;
    TRY(plain_member(map, key, required, "true or false", &node));
    if (node == NULL) return NULL;
    bool yes = strcmp(node->text, "true") == 0;
    if (!yes && strcmp(node->text, "false") != 0) return wrong_type(node, key, "true or false");
    *out = yes;
    return NULL;
}

Err *yaml_int(const Yaml *map, const char *key, bool required, int64_t *out)
{
    static const char EXPECTED[] = "a whole number";
    const Yaml *node = NULL;
    TRY(plain_member(map, key, required, EXPECTED, &node));
    if (node == NULL) return NULL;
    const char *digits = node->text + (node->text[0] == '-' || node->text[0] == '+' ? 1 : 0);
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || digits[length] != '\0') return wrong_type(node, key, EXPECTED);
    if (digits[0] == '0' && length > 1) {
        return err_hint(wrong_type(node, key, EXPECTED),
                        "a leading zero is octal to some readers: leave it out");
    }
    errno = 0;
    long long number = strtoll(node->text, NULL, 10);
    if (errno == ERANGE) return wrong_type(node, key, "a whole number of at most 64 bits");
    *out = number;
    return NULL;
}

/* [-+]digits[.digits][e[-+]digits], at least one digit before the exponent. */
static bool is_decimal(const char *text)
{
    const char *p = text + (*text == '-' || *text == '+' ? 1 : 0);
    size_t whole = strspn(p, "0123456789"), fraction = 0;
    p += whole;
    if (*p == '.') {
        fraction = strspn(p + 1, "0123456789");
        p += 1 + fraction;
    }
    if (whole + fraction == 0) return false;
    if (*p == 'e' || *p == 'E') {
        p += p[1] == '-' || p[1] == '+' ? 2 : 1;
        size_t exponent = strspn(p, "0123456789");
        if (exponent == 0) return false;
        p += exponent;
    }
    return *p == '\0';
}

Err *yaml_double(const Yaml *map, const char *key, bool required, double *out)
{
    const Yaml *node = NULL;
    TRY(plain_member(map, key, required, "a number", &node));
    if (node == NULL) return NULL;
    if (!is_decimal(node->text)) return wrong_type(node, key, "a number");
    double number = strtod(node->text, NULL);
    if (!isfinite(number)) return wrong_type(node, key, "a number in the range of a double");
    *out = number;
    return NULL;
}

static Err *member_of_kind(const Yaml *map, const char *key, bool required, YamlKind kind,
                           const Yaml **out)
{
    const Yaml *node = NULL;
    TRY(member(map, key, required, &node));
    if (node == NULL) return NULL;
    if (node->kind != kind) return wrong_type(node, key, kind == YAML_LIST ? "a list" : "a map");
    *out = node;
    return NULL;
}

Err *yaml_list(const Yaml *map, const char *key, bool required, const Yaml **out)
{
    return member_of_kind(map, key, required, YAML_LIST, out);
}

Err *yaml_map(const Yaml *map, const char *key, bool required, const Yaml **out)
{
    return member_of_kind(map, key, required, YAML_MAP, out);
}
