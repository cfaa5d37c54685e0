/* YAML (libyaml underneath) into an arena tree with positions, and the checks that configuration
 * readers share, so that each error carries line and column and a mistyped key its nearest name.
 * Aliases, anchors, tags and duplicate keys are errors (INVALID); nesting beyond 32 and more than 1
 * MiB are LIMIT. Documents that hold nothing are left out. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

typedef enum YamlKind { YAML_SCALAR, YAML_LIST, YAML_MAP } YamlKind;

typedef struct Yaml Yaml;
struct Yaml {
    YamlKind kind;
    int line, column; /* 1-based */
    const char *text; /* YAML_SCALAR, as written, unquoted */
    bool quoted;      /* "5" is text, 5 is a number */
    size_t count;     /* YAML_LIST, YAML_MAP */
    Yaml **items;     /* values */
    Yaml **keys;      /* YAML_MAP: scalars, as many as items */
    bool flow;        /* YAML_LIST, YAML_MAP: written with brackets */
    size_t begin,
        end; /* where it stands in the text, in characters; in a block up to what follows */
};

/* One document; NULL out for an empty one. INVALID with position. */
Err *yaml_parse(Arena *arena, const char *text, size_t size_bytes, Yaml **out) WARN_UNUSED;
/* All documents of a stream. */
Err *yaml_parse_all(Arena *arena, const char *text, size_t size_bytes, Yaml ***out,
                    size_t *out_count) WARN_UNUSED;
/* A tree back to block-style YAML that parses to the same tree. Plain texts that cannot stand plain
 * in a block (with line breaks, say) come back quoted; numbers, booleans and nothings stay as they
 * are. */
char *yaml_write(Arena *arena, const Yaml *node);

/* The text of a member that is a map, cut out of the text that `map` was parsed from, as a document
 * of its own: comments and quotes as written, a block moved to the left margin. INVALID when it
 * would not mean the same there. */
Err *yaml_cut(Arena *arena, const char *text, const Yaml *map, const char *key, char **out)
    WARN_UNUSED;
bool yaml_equal(const Yaml *a, const Yaml *b); /* positions aside */

const Yaml *yaml_get(const Yaml *map, const char *key); /* NULL when absent */
/* A plain scalar that is empty, ~ or null: a key without a value. The typed readers below refuse
 * it. */
bool yaml_is_nothing(const Yaml *node);
/* An INVALID error at a node: "line 3, column 5: ...". */
Err *yaml_error(const Yaml *node, const char *format, ...) __attribute__((format(printf, 2, 3)))
WARN_UNUSED;
/* `node` is a map with only these keys; unknown ones are errors with the nearest name. */
Err *yaml_check_map(const Yaml *node, const char *what, const char *const *keys, size_t key_count)
    WARN_UNUSED;

/* Typed members. `required` missing = an error at the map; optional missing leaves *out as it is. A
 * wrong type is an error naming key, expected and found. */
Err *yaml_str(const Yaml *map, const char *key, bool required, const char **out) WARN_UNUSED;
Err *yaml_bool(const Yaml *map, const char *key, bool required, bool *out) WARN_UNUSED;
Err *yaml_int(const Yaml *map, const char *key, bool required, int64_t *out) WARN_UNUSED;
Err *yaml_double(const Yaml *map, const char *key, bool required, double *out) WARN_UNUSED;
Err *yaml_list(const Yaml *map, const char *key, bool required, const Yaml **out) WARN_UNUSED;
Err *yaml_map(const Yaml *map, const char *key, bool required, const Yaml **out) WARN_UNUSED;
