/* factory — what dynamic nodes are made of: one file per factory, one table of factories.
 *
 * A factory reads its YAML configuration strictly (unknown keys, wrong types are INVALID with line
 * and column) and turns it into a relation (file factories) or into a list of derived nodes
 * (directory factories). It is stateless; what it computes is remembered by the provider and
 * tinyfs.
 *
 * Threads: as provider. */
#pragma once
#include "provider/provider.h"

typedef enum FactoryKind {
    FACTORY_FILE,
    FACTORY_DIR,
    FACTORY_TRANSFORM, /* named by others under `transforms`: neither rows nor entries of its own */
    FACTORY_EXEC       /* run by `pond run`, or after commits */
} FactoryKind;

/* A configuration key, for checks, help and docs. */
typedef struct FactoryKey {
    const char *name, *type, *text;
    bool required;
} FactoryKey;

/* What a factory works on. */
typedef struct FactoryCall {
    Provider *provider;
    Arena *arena; /* the provider's: results live as long as it */
    const Node
        *node; /* the dynamic node; derivation set for derived ones below a directory factory */
    const char *path;
    const Yaml *config; /* parsed and expanded; of the directory for derived nodes */
} FactoryCall;

/* One run of an executable. It is a transaction of the pond: what it may do stands in exec.h. */
typedef struct ExecCall {
    FactoryCall call;
    const char *const *args;
    size_t arg_count;
    bool dry;      /* there is no pond: only tell what there would be to do */
    Buf *text;     /* for people: lines on what was done; shown once it is committed */
    JsonOut *json; /* members of the result's object */
    Err *(*on_bytes)(void *context, int64_t bytes); /* progress; an error stops. May be NULL */
    void *context;
} ExecCall;

typedef struct Factory {
    const char *name;
    FactoryKind kind;
    const char *text; /* one line */
    const FactoryKey *keys;
    size_t key_count;
    const char *example; /* YAML */
    /* Strict check of the whole configuration without looking at the pond. */
    Err *(*validate)(Arena *arena, const Yaml *config);
    /* What can be known only with the engine or the host, when a node is made: does the SQL parse,
     * is there such a zone? May be NULL. */
    Err *(*check)(const FactoryCall *call);
    Err *(*relation)(const FactoryCall *call, const Rel **out); /* FILE, and derived files of DIR */
    Err *(*children)(const FactoryCall *call, Node **out, size_t *count); /* DIR */
    /* TRANSFORM: `input` (resolved) as it leaves the transform. */
    Err *(*transform)(const FactoryCall *call, const Rel *input, const Rel **out);
    const char *args;                  /* EXEC: what may stand behind `pond run NODE`, or NULL */
    Err *(*run)(const ExecCall *exec); /* EXEC */
} Factory;

EntryType factory_entry_type(const Factory *factory); /* of its nodes */
const char *
factory_makes(const Factory *factory); /* "file", "directory", "transform", "executable" */

const Factory *factory_find(const char *name); /* NULL when unknown */
const Factory *const *factory_all(size_t *count);
/* NOT_FOUND with the nearest name; then yaml_parse and validate. `variables` may still be unset. */
Err *factory_validate(Arena *arena, const char *name, const char *config_text, const Factory **out)
    WARN_UNUSED;
/* The checks of a new node at `path` beyond factory_validate. They wait for its use while variables
 * are unset. */
Err *factory_check(Provider *provider, const Factory *factory, const char *path,
                   const char *config_text) WARN_UNUSED;
/* The same of a configuration that is parsed already; the check expands its variables in place. */
Err *factory_validate_tree(Arena *arena, const char *name, const Yaml *config, const Factory **out)
    WARN_UNUSED;
Err *factory_check_tree(Provider *provider, const Factory *factory, const char *path, Yaml *config)
    WARN_UNUSED;
void factory_install(Provider *provider);
/* Runs the executable `node`; of `exec` all but `call` is given. INVALID when it is none. */
Err *factory_run(Provider *provider, const Node *node, const char *path, ExecCall *exec)
    WARN_UNUSED;
bool factory_is_executable(const Node *node);
