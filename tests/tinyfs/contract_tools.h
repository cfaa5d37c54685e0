/* Part of contract.h: a store under test, and short names for what the tests ask of it. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tinyfs/tinyfs.h"
#include <stdlib.h>
#include <string.h>

typedef struct ContractStore {
    FsBackend backend;
    void *context; /* of the functions below */
    void (*begin)(void *context);
    void (*commit)(void *context);
    void (*abort)(void *context);
    FsBackend (*reopen)(void *context); /* closes and opens it again; NULL when it cannot */
    void (*close)(void *context);       /* NULL when there is nothing to do */
} ContractStore;

typedef struct ContractFactory {
    void (*open)(Arena *arena, ContractStore *out);
} ContractFactory;

typedef struct Contract {
    Arena *arena;
    ContractStore store;
    int staged; /* files written so far */
} Contract;

static int contract_setup(void **state)
{
    const ContractFactory *factory = *state;
    Arena *arena = arena_new();
    Contract *c = ANEW(arena, Contract);
    c->arena = arena;
    factory->open(arena, &c->store);
    *state = c;
    return 0;
}

static int contract_teardown(void **state)
{
    Contract *c = *state;
    if (c->store.close != NULL) c->store.close(c->store.context);
    arena_free(c->arena);
    return 0;
}

static void contract_ok(Err *err, int line)
{
    if (err == NULL) return;
    print_error("line %d: %s: %s\n", line, err_code_name(err_code(err)), err_message(err));
    err_free(err);
    fail();
}
#define OK(expression) contract_ok((expression), __LINE__)

static void contract_fails(Err *err, ErrCode code, int line)
{
    if (err == NULL) fail_msg("line %d: no error", line);
    ErrCode got = err_code(err);
    if (got != code) {
        print_error("line %d: %s, not %s: %s\n", line, err_code_name(got), err_code_name(code),
                    err_message(err));
    }
    err_free(err);
    assert_int_equal(got, code);
}
#define FAILS(code, expression) contract_fails((expression), ERR_##code, __LINE__)

static const FsBackendOps *ops_of(const Contract *c)
{
    return c->store.backend.ops;
}

static void *self_of(const Contract *c)
{
    return c->store.backend.self;
}

static void begin(Contract *c)
{
    c->store.begin(c->store.context);
}

static void commit(Contract *c)
{
    c->store.commit(c->store.context);
    if (c->store.reopen != NULL) c->store.backend = c->store.reopen(c->store.context);
}

static void abort_changes(Contract *c)
{
    c->store.abort(c->store.context);
}

static Err *try_create(Contract *c, NodeId parent, const char *name, EntryType type, Node *out)
{
    bool dynamic = entry_is_dynamic(type);
    Node node = {.parent = parent, .name = name, .type = type};
    if (dynamic) node.factory = "some-factory";
    if (dynamic) node.content = "key: value\n";
    if (type == ENTRY_SYMLINK) node.content = "/target";
    return ops_of(c)->create(self_of(c), c->arena, &node, out);
}

static Node create(Contract *c, NodeId parent, const char *name, EntryType type)
{
    Node made = {0};
    OK(try_create(c, parent, name, type, &made));
    return made;
}

static Node get(Contract *c, NodeId id)
{
    Node node = {0};
    bool found = false;
    OK(ops_of(c)->get(self_of(c), c->arena, id, &found, &node));
    assert_true(found);
    return node;
}

static bool is_there(Contract *c, NodeId id)
{
    Node node = {0};
    bool found = true;
    OK(ops_of(c)->get(self_of(c), c->arena, id, &found, &node));
    return found;
}

static bool has_entry(Contract *c, NodeId parent, const char *name, Node *out)
{
    Node node = {0};
    bool found = true;
    OK(ops_of(c)->lookup(self_of(c), c->arena, parent, name, &found, &node));
    if (found && out != NULL) *out = node;
    return found;
}

/* "a|b|c" */
static const char *names_in(Contract *c, NodeId parent)
{
    Node *nodes = NULL;
    size_t count = 77;
    OK(ops_of(c)->children(self_of(c), c->arena, parent, &nodes, &count));
    Buf names = buf_new(c->arena);
    for (size_t i = 0; i < count; i++) buf_printf(&names, "%s%s", i > 0 ? "|" : "", nodes[i].name);
    return names.data;
}

static Version *versions_of(Contract *c, NodeId id, size_t *count)
{
    Version *versions = NULL;
    OK(ops_of(c)->versions(self_of(c), c->arena, id, &versions, count));
    return versions;
}

/* "1,3,4" */
static const char *numbers_of(Contract *c, NodeId id)
{
    size_t count = 0;
    Version *versions = versions_of(c, id, &count);
    Buf numbers = buf_new(c->arena);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&numbers, "%s%lld", i > 0 ? "," : "", (long long)versions[i].version);
    }
    return numbers.data;
}

static VersionSpec inline_spec(const void *bytes, size_t size_bytes)
{
    return (VersionSpec){.meta = {.bytes = bytes, .size_bytes = (int64_t)size_bytes, .rows = -1}};
}

static Version append_text(Contract *c, NodeId id, const char *text)
{
    Version version = {0};
    VersionSpec spec = inline_spec(text, strlen(text));
    OK(ops_of(c)->append(self_of(c), id, &spec, &version));
    return version;
}

/* A finished file in the staging folder. */
static VersionSpec staged_spec(Contract *c, const void *bytes, size_t size_bytes)
{
    const char *dir = ops_of(c)->staging_dir(self_of(c));
    assert_non_null(dir);
    VersionSpec spec = {.meta = {.size_bytes = (int64_t)size_bytes, .rows = -1}};
    spec.staged_path = arena_printf(c->arena, "%s/contract-%d", dir, c->staged++);
    sha256_of(bytes, size_bytes, spec.meta.sha256);
    FILE *file = fopen(spec.staged_path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size_bytes, file), size_bytes);
    assert_int_equal(fclose(file), 0);
    return spec;
}

/* Content by bytes or from its file. */
static char *read_content(Contract *c, const Version *version)
{
    Content content = {0};
    OK(ops_of(c)->content(self_of(c), c->arena, version, &content));
    assert_int_equal(content.size_bytes, version->size_bytes);
    assert_true((content.bytes == NULL) != (content.path == NULL));
    size_t size = (size_t)content.size_bytes;
    if (content.bytes != NULL) return arena_memdup(c->arena, content.bytes, size + 1);
    char *bytes = arena_alloc(c->arena, size + 2);
    FILE *file = fopen(content.path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, size + 1, file), size);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

static void dump_version(Contract *c, Buf *to, const Version *v)
{
    buf_printf(to, " v%lld@%lld/%lld size=%lld sha=%.8s rows=%lld parquet=%d order=%d unit=%d",
               (long long)v->version, (long long)v->txn, (long long)v->time,
               (long long)v->size_bytes, v->sha256, (long long)v->rows, v->parquet, v->in_order,
               (int)v->time_unit);
    for (size_t i = 0; i < v->interval_count; i++) {
        buf_printf(to, " [%lld,%lld]", (long long)v->intervals[i].min,
                   (long long)v->intervals[i].max);
    }
    buf_printf(to, " %s %s %s\n", v->time_column ? v->time_column : "-",
               v->schema ? v->schema : "-", v->attributes ? v->attributes : "-");
    char hash[SHA256_HEX + 1];
    sha256_of(read_content(c, v), (size_t)v->size_bytes, hash);
    assert_string_equal(hash, v->sha256);
}

static void dump_node(Buf *to, const Node *n, int depth)
{
    buf_printf(to, "%*s'%s' %s %s v%lld@%lld/%lld size=%lld rows=%lld n=%lld range=%d[%lld,%lld]",
               depth, "", n->name, n->id.text, entry_type_name(n->type), (long long)n->version,
               (long long)n->txn, (long long)n->time, (long long)n->size_bytes, (long long)n->rows,
               (long long)n->version_count, n->has_range, (long long)n->range.min,
               (long long)n->range.max);
    buf_printf(to, " over=%d[%lld],%d[%lld] %s %s %s\n", n->has_min_override,
               (long long)n->min_override, n->has_max_override, (long long)n->max_override,
               n->factory ? n->factory : "-", n->content ? n->content : "-",
               n->attributes ? n->attributes : "-");
}

/* Everything a store says of a directory and what is below, as text to compare. */
static void dump_dir(Contract *c, Buf *to, NodeId dir, int depth)
{
    Node *nodes = NULL;
    size_t count = 0;
    OK(ops_of(c)->children(self_of(c), c->arena, dir, &nodes, &count));
    for (size_t i = 0; i < count; i++) {
        Node byid = get(c, nodes[i].id), byname = {0};
        assert_true(has_entry(c, dir, nodes[i].name, &byname));
        Buf listed = buf_new(c->arena), gotten = buf_new(c->arena), found = buf_new(c->arena);
        dump_node(&listed, &nodes[i], depth);
        dump_node(&gotten, &byid, depth);
        dump_node(&found, &byname, depth);
        assert_string_equal(listed.data, gotten.data);
        assert_string_equal(listed.data, found.data);
        assert_true(node_id_equal(&nodes[i].parent, &dir));
        buf_puts(to, listed.data);
        size_t versions = 0;
        Version *v = versions_of(c, nodes[i].id, &versions);
        for (size_t k = 0; k < versions; k++) dump_version(c, to, &v[k]);
        if (nodes[i].type == ENTRY_DIR) dump_dir(c, to, nodes[i].id, depth + 1);
    }
}

static char *dump(Contract *c)
{
    Buf text = buf_new(c->arena);
    dump_dir(c, &text, NODE_ROOT, 0);
    return text.data;
}
