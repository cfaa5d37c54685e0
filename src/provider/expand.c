/* ${env:VAR}, ${env:VAR:-default}, ${var:KEY} and $$ in configuration scalars, at use. $0 and ${10}
 * belong to captures and stay. */
#include "provider/provider_int.h"
#include <stdlib.h>
#include <string.h>

static const char *var_get(const Provider *provider, const char *key)
{
    const char *value = NULL; /* the last of equal keys wins, as on a command line */
    for (size_t i = 0; i < provider->options.var_count; i++) {
        if (strcmp(provider->options.vars[i].key, key) == 0)
            value = provider->options.vars[i].value;
    }
    return value;
}

/* `body` is what stands between ${ and }, beginning with env: or var:. */
static Err *expand_reference(const Provider *provider, Arena *arena, const Yaml *node,
                             const char *body, Buf *into)
{
    const char *otherwise = strstr(body, ":-");
    const char *name = body + 4;
    if (otherwise != NULL && otherwise >= name)
        name = arena_strndup(arena, name, (size_t)(otherwise - name));
    bool env = text_starts(body, "env:");
    const char *value = env ? getenv(name) : var_get(provider, name);
    if (value == NULL && otherwise != NULL) value = otherwise + 2;
    if (value == NULL) {
        return err_hint(
            yaml_error(node, "%s '%s' is not set", env ? "environment variable" : "variable", name),
            env ? "set it, or give a default: ${env:%s:-value}" : "pass -v %s=value", name);
    }
    buf_puts(into, value);
    return NULL;
}

static Err *expand_text(const Provider *provider, Arena *arena, const Yaml *node, char **out)
{
    Buf buf = buf_new(arena);
    for (const char *p = node->text; *p != '\0'; p++) {
        if (p[0] != '$') {
            buf_putc(&buf, *p);
        } else if (p[1] == '$') {
            buf_putc(&buf, '$');
            p++;
        } else if (text_starts(p, "${env:") || text_starts(p, "${var:")) {
            const char *end = strchr(p, '}');
            if (end == NULL) return yaml_error(node, "'${' without '}'");
            TRY(expand_reference(provider, arena, node,
                                 arena_strndup(arena, p + 2, (size_t)(end - p - 2)), &buf));
            p = end;
        } else {
            buf_putc(&buf, *p);
        }
    }
    *out = buf.data;
    return NULL;
}

Err *provider_expand(Provider *provider, Arena *arena, Yaml *tree)
{
    if (tree == NULL) return NULL;
    if (tree->kind == YAML_SCALAR && strchr(tree->text, '$') != NULL) {
        char *text = NULL;
        TRY(expand_text(provider, arena, tree, &text));
        tree->text = text;
    }
    for (size_t i = 0; i < tree->count; i++) TRY(provider_expand(provider, arena, tree->items[i]));
    return NULL;
}
