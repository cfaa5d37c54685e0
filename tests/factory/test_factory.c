/* Factories: their tables are whole, examples are valid, keys are strict, directories list what
 * they should, over a store in memory. */
#include "factory/factory_test.h"
#include "perf/ops.h"

static void test_tables(void **state)
{
    Pond *pond = *state;
    size_t count = 0;
    const Factory *const *all = factory_all(&count);
    assert_true(count >= 5);
    for (size_t i = 0; i < count; i++) {
        const Factory *found = NULL;
        assert_ptr_equal(factory_find(all[i]->name), all[i]);
        assert_true((all[i]->kind == FACTORY_DIR) == (all[i]->children != NULL));
        OK(factory_validate(pond->bench.arena, all[i]->name, all[i]->example, &found));
        assert_ptr_equal(found, all[i]);
        for (size_t k = 0; k < all[i]->key_count; k++) {
            const FactoryKey *key = &all[i]->keys[k];
            assert_true(*key->name != '\0' && *key->type != '\0' && *key->text != '\0');
        }
    }
    const Factory *none = NULL;
    HAS(FAILS(pond->bench.arena, NOT_FOUND,
              factory_validate(pond->bench.arena, "temporal-reduc", "a: 1", &none)),
        "did you mean 'temporal-reduce'?");
}

/* A key that no factory has is refused by each, at its place; a required one left out as well. */
static void test_keys_are_strict(void **state)
{
    Pond *pond = *state;
    Arena *arena = pond->bench.arena;
    size_t count = 0;
    const Factory *const *all = factory_all(&count);
    for (size_t i = 0; i < count; i++) {
        const Factory *found = NULL;
        int line = 0, column = 0;
        char *more = arena_printf(arena, "%s%sbogus: 1\n", all[i]->example,
                                  text_ends(all[i]->example, "\n") ? "" : "\n");
        Err *err = factory_validate(arena, all[i]->name, more, &found);
        assert_non_null(err);
        err_position(err, &line, &column);
        assert_int_equal(column, 1);
        HAS(err_message(err), "unknown key bogus");
        assert_string_equal(err_source_text(err), more);
        err_free(err);
        for (size_t k = 0; k < all[i]->key_count; k++) {
            const FactoryKey *key = &all[i]->keys[k];
            Yaml *tree = NULL;
            OK(yaml_parse(arena, all[i]->example, strlen(all[i]->example), &tree));
            bool there = yaml_get(tree, key->name) != NULL;
            assert_true(there || !key->required);
            for (size_t m = 0; m < tree->count; m++) {
                if (strcmp(tree->keys[m]->text, key->name) == 0) {
                    tree->keys[m] = tree->keys[tree->count - 1];
                    tree->items[m] = tree->items[tree->count - 1];
                    tree->count--;
                }
            }
            err = tree->count == 0 ? NULL : all[i]->validate(arena, tree);
            if (key->required && tree->count > 0) {
                assert_non_null(err);
                HAS(err_message(err), arena_printf(arena, "missing key '%s'", key->name));
            }
            err_free(err);
        }
    }
}

static const char SYNTHETIC[] = "{start: 2024-01-01, end: 2024-01-02, interval: 1h, "
                                "points: [{name: v, components: [{type: line, slope: 1}]}]}";

static void test_dynamic_dir_lists_and_nests(void **state)
{
    Pond *pond = *state;
    make(pond, "dynamic-dir", "/dyn",
         arena_printf(pond->bench.arena,
                      "entries:\n"
                      "- {name: b, factory: synthetic-timeseries, config: %s}\n"
                      "- {name: a, factory: dynamic-dir, config: {entries: [{name: \"${var:key}\", "
                      "factory: synthetic-timeseries, config: %s}]}}\n",
                      SYNTHETIC, SYNTHETIC));
    assert_string_equal(names(pond, "/dyn/**"), "/dyn/a /dyn/a/last /dyn/b");
    const Rel *rel = NULL;
    Plan *plan = NULL;
    OK(provider_relation_of(pond->bench.provider, "/dyn/a/last", &rel));
    OK(provider_plan(pond->bench.provider, &plan));
    OK(plan_resolve(plan, rel));
    assert_int_equal(rel_schema(rel)->count, 2);
    assert_int_equal(rel_rows_estimate(rel, (TimeSpan){TIME_MIN, TIME_MAX}), 25);
}

/* What was expanded in the directory's configuration is not expanded again in its entries. */
static void test_expanded_once(void **state)
{
    Pond *pond = *state;
    assert_int_equal(setenv("POND_TEST_DOLLAR", "${var:nokey}$$", 1), 0);
    make(pond, "dynamic-dir", "/dyn",
         "entries: [{name: n, factory: sql-derived-series, config: {patterns: {x: /none*}, "
         "query: \"SELECT '${env:POND_TEST_DOLLAR}' AS a\"}}]\n");
    Source *sources = NULL;
    size_t count = 0;
    OK(provider_match(pond->bench.provider, pond->bench.arena, "/dyn/n", &sources, &count));
    assert_int_equal(count, 1);
    HAS(sources[0].node.content, "$${var:nokey}$$$"); /* at use: ${var:nokey}$$ */
    const Rel *rel = NULL;
    OK(provider_relation(pond->bench.provider, &sources[0], NULL, &rel));
    HAS(rel_tree_text(pond->bench.arena, rel), "SELECT '${var:nokey}$$' AS a");
}

static void test_reduce_lists_by_captures(void **state)
{
    Pond *pond = *state;
    make(pond, "synthetic-timeseries", "/in1", SYNTHETIC);
    make(pond, "synthetic-timeseries", "/in2", SYNTHETIC);
    make(pond, "temporal-reduce", "/red",
         "in_pattern: /in*\nout_pattern: site/n$0\nresolutions: [1h, 24h]\n"
         "aggregations: [{type: max}]\n");
    assert_string_equal(
        names(pond, "/red/**"),
        "/red/site /red/site/n1 /red/site/n1/res=1h.series /red/site/n1/res=24h.series "
        "/red/site/n2 /red/site/n2/res=1h.series /red/site/n2/res=24h.series");
    make(pond, "temporal-reduce", "/one",
         "in_pattern: /in*\nout_pattern: all\nresolutions: [1d]\naggregations: [{type: max}]\n");
    assert_string_equal(names(pond, "/one/*"), "/one/all");
    const Rel *rel = NULL;
    Plan *plan = NULL;
    OK(provider_relation_of(pond->bench.provider, "/one/all/res=1d.series", &rel));
    OK(provider_plan(pond->bench.provider, &plan));
    OK(plan_resolve(plan, rel));
    assert_string_equal(rel_schema(rel)->columns[1].name, "v.max");
    HAS(rel_tree_text(pond->bench.arena, rel), "union");
}

static void test_circles(void **state)
{
    Pond *pond = *state;
    Arena *arena = pond->bench.arena;
    const Rel *rel = NULL;
    make(pond, "sql-derived-series", "/a", "patterns: {x: /b}\n");
    make(pond, "sql-derived-series", "/b", "patterns: {x: /a}\n");
    make(pond, "sql-derived-series", "/fine", "patterns: {x: /none*}\n");
    assert_string_equal(
        FAILS(arena, CIRCLE, provider_relation_of(pond->bench.provider, "/a", &rel)),
        "/a: it reads itself: /a -> /b -> /a | narrow the pattern so that it does "
        "not reach the node it defines");
    (void)FAILS(arena, CIRCLE, provider_check_circle(pond->bench.provider, "/b"));
    OK(provider_check_circle(pond->bench.provider, "/fine"));
    OK(provider_relation_of(pond->bench.provider, "/fine",
                            &rel)); /* what the check built is gone */
    /* What the check left out, texts, is there afterwards. */
    static const char CSV[] = "timestamp,a\n2024-01-01,1\n";
    FsBackend backend = fs_memory_backend(pond->memory);
    VersionSpec version = {.meta = {.bytes = CSV, .size_bytes = sizeof CSV - 1, .rows = -1}};
    Node text = {.type = ENTRY_DATA}, made;
    Plan *plan = NULL;
    sha256_of(CSV, sizeof CSV - 1, version.meta.sha256);
    fs_memory_begin(pond->memory);
    OK(fs_create(provider_fs(pond->bench.provider), arena, "/raw.csv", &text, &made));
    OK(backend.ops->append(backend.self, made.id, &version, NULL));
    fs_memory_commit(pond->memory);
    fs_forget(provider_fs(pond->bench.provider));
    make(pond, "sql-derived-series", "/text", "patterns: {x: \"csv:///raw.csv\"}\n");
    uint64_t parsed = perf_read(PERF_format_parse);
    OK(provider_check_circle(pond->bench.provider, "/text"));
    assert_int_equal(perf_read(PERF_format_parse), parsed);
    OK(provider_relation_of(pond->bench.provider, "/text", &rel));
    OK(provider_plan(pond->bench.provider, &plan));
    OK(plan_resolve(plan, rel));
    assert_int_equal(rel_schema(rel)->count, 2);
    make(pond, "temporal-reduce", "/red",
         "in_pattern: /over\nout_pattern: x\nresolutions: [1h]\naggregations: [{type: avg}]\n");
    OK(provider_check_circle(pond->bench.provider, "/red"));
    make(pond, "sql-derived-series", "/over", "patterns: {x: /red/x/res=1h.series}\n");
    HAS(FAILS(arena, CIRCLE, provider_check_circle(pond->bench.provider, "/over")), "/over -> ");
    HAS(FAILS(arena, CIRCLE, provider_check_circle(pond->bench.provider, "/red")),
        "reads itself: ");
}

static void test_checks_of_new_nodes(void **state)
{
    Pond *pond = *state;
    Arena *arena = pond->bench.arena;
    HAS(FAILS(arena, SQL, check(pond, "sql-derived-series", "patterns: {x: /a}\nquery: SELEC 1\n")),
        "syntax error");
    HAS(FAILS(arena, SQL,
              check(pond, "sql-derived-table", "patterns: {x: /a}\nquery: SELECT * FROM y\n")),
        "\"y\" is not among");
    OK(check(pond, "sql-derived-series",
             "patterns: {x: /a}\nquery: SELECT no_such_column FROM x\n"));
    OK(check(pond, "sql-derived-series",
             "patterns: {x: /a}\nquery: SELEC ${env:POND_TEST_UNSET}\n")); /* waits */
    HAS(FAILS(arena, INVALID,
              check(pond, "temporal-reduce",
                    "in_pattern: /a\nout_pattern: x\nresolutions: [1h]\naggregations: [{type: "
                    "avg}]\nzone: Mars/Base\n")),
        "line 5, column 7: zone 'Mars/Base' is not in the tz database");
    OK(check(pond, "temporal-reduce",
             "in_pattern: /a\nout_pattern: x\nresolutions: [1h]\naggregations: [{type: "
             "avg}]\nzone: Europe/Berlin\n"));
    HAS(FAILS(arena, SQL,
              check(pond, "dynamic-dir",
                    "entries: [{name: n, factory: sql-derived-series, config: {patterns: {x: /a}, "
                    "query: SELECT 1; SELECT 2}}]\n")),
        "entry 'n'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tables),
        TEST(test_keys_are_strict),
        TEST(test_dynamic_dir_lists_and_nests),
        TEST(test_expanded_once),
        TEST(test_reduce_lists_by_captures),
        TEST(test_circles),
        TEST(test_checks_of_new_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
