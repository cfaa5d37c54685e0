/* What the tests of factories share: a pond in memory with the factories installed. */
#pragma once
#include "factory/factory_int.h"
#include "provider/provider_test.h"

typedef struct Pond {
    Bench bench;
    FsMemory *memory;
} Pond;

static inline int pond_setup(void **state)
{
    Arena *arena = arena_new();
    Pond *pond = ANEW(arena, Pond);
    pond->bench.arena = arena;
    (void)strcpy(pond->bench.dir, "/tmp/pond-factory-XXXXXX");
    assert_non_null(mkdtemp(pond->bench.dir));
    OK(fs_memory_open(arena, pond->bench.dir, &pond->memory));
    ProviderOptions options = {.backend = fs_memory_backend(pond->memory),
                               .scratch = bench_scratch,
                               .context = &pond->bench,
                               .vars = BENCH_VARS,
                               .var_count = COUNT_OF(BENCH_VARS)};
    OK(provider_open(arena, &options, &pond->bench.provider));
    factory_install(pond->bench.provider);
    *state = pond;
    return 0;
}

static inline void make(Pond *pond, const char *factory_name, const char *path, const char *config)
{
    const Factory *factory = NULL;
    OK(factory_validate(pond->bench.arena, factory_name, config, &factory));
    Node node = {.type = factory_entry_type(factory), .factory = factory_name, .content = config};
    fs_memory_begin(pond->memory);
    OK(fs_create(provider_fs(pond->bench.provider), pond->bench.arena, path, &node, NULL));
    fs_memory_commit(pond->memory);
}

/* "/a/b /a/c": what a pattern names. */
static inline const char *names(Pond *pond, const char *pattern)
{
    Source *sources = NULL;
    size_t count = 0;
    Buf text = buf_new(pond->bench.arena);
    OK(provider_match(pond->bench.provider, pond->bench.arena, pattern, &sources, &count));
    for (size_t i = 0; i < count; i++) buf_printf(&text, "%s%s", i > 0 ? " " : "", sources[i].path);
    return text.data;
}

/* A relation by path, resolved. */
static inline Err *relation_of(Pond *pond, const char *path, const Rel **out)
{
    Plan *plan = NULL;
    TRY(provider_relation_of(pond->bench.provider, path, out));
    TRY(provider_plan(pond->bench.provider, &plan));
    return plan_resolve(plan, *out);
}

/* "timestamp TIMESTAMPTZ, a DOUBLE" */
static inline const char *columns_of(Pond *pond, const char *path)
{
    const Rel *rel = NULL;
    Buf text = buf_new(pond->bench.arena);
    OK(relation_of(pond, path, &rel));
    const Schema *schema = rel_schema(rel);
    for (size_t i = 0; i < schema->count; i++) {
        const char *type = schema->columns[i].type;
        buf_printf(&text, "%s%s %s", i > 0 ? ", " : "", schema->columns[i].name,
                   type_class(type) == TYPE_TIMESTAMPTZ ? "TIMESTAMPTZ" : type);
    }
    return text.data;
}

static inline Err *check(Pond *pond, const char *factory_name, const char *config)
{
    const Factory *factory = NULL;
    TRY(factory_validate(pond->bench.arena, factory_name, config, &factory));
    return factory_check(pond->bench.provider, factory, "/new", config);
}

#undef TEST
#define TEST(function) cmocka_unit_test_setup_teardown(function, pond_setup, bench_teardown)
