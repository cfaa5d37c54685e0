/* timeseries-join and timeseries-pivot: every key, what their patterns match, and that a diamond of
 * them is built once a node. */
#include "factory/factory_test.h"
#include "perf/ops.h"

#define JOIN "inputs: [{pattern: /a, scope: A}, "

static void test_configurations(void **state)
{
    Pond *pond = *state;
    static const char *const CASES[][3] = {
        {"timeseries-join", "inputs: [{pattern: /a}]", "two or more inputs, not 1"},
        {"timeseries-join", "inputs: []", "two or more inputs, not 0"},
        {"timeseries-join", "inputs: {a: /b}", "inputs: expected a list"},
        {"timeseries-join", "time_column: x", "missing key 'inputs'"},
        {"timeseries-join", JOIN "{pattern: /b}]\ntime_column: [x]", "time_column: expected text"},
        {"timeseries-join", JOIN "{pattern: /b}]\ntime_column: ''", "'time_column' is empty"},
        {"timeseries-join", JOIN "{pattern: /b}]\ntime_colum: x", "did you mean time_column?"},
        {"timeseries-join", JOIN "/b]", "column 35: input: expected a map"},
        {"timeseries-join", JOIN "{scope: B}]", "missing key 'pattern'"},
        {"timeseries-join", JOIN "{pattern: [x]}]", "pattern is not a path or URL"},
        {"timeseries-join", JOIN "{pattern: ''}]", "pattern is not a path or URL"},
        {"timeseries-join", JOIN "{pattern: \"/[b\"}]", "column 45: pattern: "},
        {"timeseries-join", JOIN "{pattern: \"cvs:///b\"}]", "pattern: "},
        {"timeseries-join", JOIN "{pattern: /b, scope: [x]}]", "scope: expected text"},
        {"timeseries-join", JOIN "{pattern: /b, scope: ''}]", "'scope' is empty"},
        {"timeseries-join", JOIN "{pattern: /b, scop: x}]", "did you mean scope?"},
        {"timeseries-join", JOIN "{pattern: /b, range: x}]", "range: expected a map"},
        {"timeseries-join", JOIN "{pattern: /b, range: {}}]", "neither begin nor end"},
        {"timeseries-join", JOIN "{pattern: /b, range: {begin: soon}}]", "soon"},
        {"timeseries-join", JOIN "{pattern: /b, range: {end: [1]}}]", "end: expected text"},
        {"timeseries-join", JOIN "{pattern: /b, range: {start: 2024-01-01}}]", "unknown key start"},
        {"timeseries-join", JOIN "{pattern: /b, range: {begin: 2024-01-02, end: 2024-01-01}}]",
         "ends before it begins"},
        {"timeseries-join", JOIN "{pattern: /b, transforms: /r}]", "a list of paths"},
        {"timeseries-join", JOIN "{pattern: /b, transforms: []}]", "'transforms' is empty"},
        {"timeseries-pivot", "columns: [a]", "missing key 'pattern'"},
        {"timeseries-pivot", "pattern: /a", "missing key 'columns'"},
        {"timeseries-pivot", "pattern: {}\ncolumns: [a]", "pattern is not a path or URL"},
        {"timeseries-pivot", "pattern: \"/{a\"\ncolumns: [a]", "line 1, column 10: pattern: "},
        {"timeseries-pivot", "pattern: /a\ncolumns: a", "columns: expected a list"},
        {"timeseries-pivot", "pattern: /a\ncolumns: []", "'columns' is empty"},
        {"timeseries-pivot", "pattern: /a\ncolumns: [a, [b]]", "column 14: columns: a column's"},
        {"timeseries-pivot", "pattern: /a\ncolumns: [a, b, a]", "column 'a' appears twice"},
        {"timeseries-pivot", "pattern: /a\ncolumns: [a, ts]\ntime_column: ts",
         "column 14: 'ts' is the time column"},
        {"timeseries-pivot", "pattern: /a\ncolumns: [a]\ntime_column: ''", "is empty"},
        {"timeseries-pivot", "pattern: /a\ncolumns: [a]\ntransforms: [[]]", "path of a transform"},
        {"timeseries-pivot", "pattern: /a\ncolumns: [a]\ncolumn: b", "unknown key column"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        const char *got = FAILS(pond->bench.arena, INVALID, check(pond, CASES[i][0], CASES[i][1]));
        HAS(got, CASES[i][2]);
        HAS(got, "line ");
    }
    OK(check(pond, "timeseries-join",
             JOIN "{pattern: \"${var:none}\", range: {begin: \"${var:none}\"}}]"));
}

/* A series of one point named `point`, a value a day for ten days from `start`. */
static void points(Pond *pond, const char *path, const char *point, const char *start)
{
    make(pond, "synthetic-timeseries", path,
         arena_printf(pond->bench.arena,
                      "{start: %s, end: 2024-01-10, interval: 1d, points: [{name: %s, components: "
                      "[{type: line, slope: 1}]}]}",
                      start, point));
}

static void directory(Pond *pond, const char *path)
{
    fs_memory_begin(pond->memory);
    OK(fs_mkdir(provider_fs(pond->bench.provider), pond->bench.arena, path, true, NULL));
    fs_memory_commit(pond->memory);
}

static void test_columns_and_scopes(void **state)
{
    Pond *pond = *state;
    Arena *arena = pond->bench.arena;
    const Rel *rel = NULL;
    points(pond, "/a", "x", "2024-01-01");
    points(pond, "/b", "y", "2024-01-05");
    make(pond, "timeseries-join", "/j",
         "inputs: [{pattern: /a, scope: S}, {pattern: /b}, {pattern: /b, scope: S}, {pattern: "
         "\"/none*\", scope: N}]");
    assert_string_equal(columns_of(pond, "/j"), "timestamp TIMESTAMPTZ, S.x DOUBLE, S.y DOUBLE, y "
                                                "DOUBLE");
    make(pond, "timeseries-join", "/twice", "inputs: [{pattern: /b}, {pattern: \"/b\"}]");
    HAS(FAILS(arena, INVALID, relation_of(pond, "/twice", &rel)),
        "/twice: column \"y\" comes from /b and from /b | give one of them another scope");
    /* the name of another's column */
    make(pond, "column-rename", "/r", "rules: [{type: direct, from: y, to: S.x}]");
    make(pond, "timeseries-join", "/clash",
         "inputs: [{pattern: /a, scope: S}, {pattern: /b, transforms: [/r]}]");
    assert_string_equal(FAILS(arena, INVALID, relation_of(pond, "/clash", &rel)),
                        "/clash: column \"S.x\" comes from /a and from /b | give one of them "
                        "another scope, or both the same one to unite their rows");
    directory(pond, "/d");
    make(pond, "timeseries-join", "/dir", "inputs: [{pattern: /a}, {pattern: /d}]");
    HAS(FAILS(arena, INVALID, relation_of(pond, "/dir", &rel)), "a directory");
    make(pond, "timeseries-join", "/rename", "inputs: [{pattern: /a}, {pattern: /r}]");
    HAS(FAILS(arena, INVALID, relation_of(pond, "/rename", &rel)), "it has no rows");
}

static void test_aliases(void **state)
{
    Pond *pond = *state;
    directory(pond, "/s/north");
    directory(pond, "/s/south");
    points(pond, "/s/north/a.series", "x", "2024-01-01");
    points(pond, "/s/north/b.series", "x", "2024-01-01");
    points(pond, "/s/south/a.series", "y", "2024-01-01");
    make(pond, "timeseries-pivot", "/capture", "pattern: \"/s/*/?.series\"\ncolumns: [x, y]");
    assert_string_equal(columns_of(pond, "/capture"),
                        "timestamp TIMESTAMPTZ, north.x DOUBLE, north.y DOUBLE, south.x DOUBLE, "
                        "south.y DOUBLE");
    make(pond, "timeseries-pivot", "/deep", "pattern: \"/s/south/**/a.series\"\ncolumns: [y]");
    assert_string_equal(columns_of(pond, "/deep"), "timestamp TIMESTAMPTZ, a.y DOUBLE");
    make(pond, "timeseries-pivot", "/plain", "pattern: /s/south/a.series\ncolumns: [y]");
    assert_string_equal(columns_of(pond, "/plain"), "timestamp TIMESTAMPTZ, a.y DOUBLE");
    const Rel *rel = NULL;
    OK(relation_of(pond, "/capture", &rel));
    HAS(rel_tree_text(pond->bench.arena, rel), "union");
    HAS(rel_tree_text(pond->bench.arena, rel), "NULL::DOUBLE as y");
}

/* Three sites of two devices, joined; three parameters over the sites; five resolutions of each:
 * each node is built once, whatever asks for it. */
static void test_a_diamond_is_built_once(void **state)
{
    Pond *pond = *state;
    Arena *arena = pond->bench.arena;
    static const char *const SITES[] = {"east", "north", "south"};
    directory(pond, "/in");
    directory(pond, "/site");
    for (size_t i = 0; i < COUNT_OF(SITES); i++) {
        points(pond, arena_printf(arena, "/in/%s.box", SITES[i]), "p", "2024-01-01");
        points(pond, arena_printf(arena, "/in/%s.sonde", SITES[i]), "q", "2024-01-02");
        make(pond, "timeseries-join", arena_printf(arena, "/site/%s", SITES[i]),
             arena_printf(arena,
                          "inputs: [{pattern: /in/%s.box, scope: B}, {pattern: /in/%s.sonde, "
                          "scope: S}]",
                          SITES[i], SITES[i]));
    }
    make(pond, "dynamic-dir", "/param",
         "entries:\n"
         "- {name: p, factory: timeseries-pivot, config: {pattern: \"/site/*\", columns: [B.p]}}\n"
         "- {name: q, factory: timeseries-pivot, config: {pattern: \"/site/*\", columns: [S.q]}}\n"
         "- {name: both, factory: timeseries-pivot, config: {pattern: \"/site/*\", columns: [B.p, "
         "S.q]}}\n");
    make(pond, "temporal-reduce", "/red",
         "in_pattern: \"/param/*\"\nout_pattern: \"$0\"\nresolutions: [1d, 2d, 3d, 4d, 7d]\n"
         "aggregations: [{type: avg}]\n");
    uint64_t before = perf_read(PERF_relation_build);
    Source *sources = NULL;
    size_t count = 0;
    OK(provider_match(pond->bench.provider, arena, "/red/*/*.series", &sources, &count));
    assert_int_equal(count, 15);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < count; i++) {
            const Rel *rel = NULL;
            OK(relation_of(pond, sources[i].path, &rel));
            assert_true(rel_is_time_local(rel));
        }
    }
    /* 6 devices, 3 sites, 3 parameters, 15 reductions */
    assert_int_equal(perf_read(PERF_relation_build) - before, 27);
}

static void test_circles(void **state)
{
    Pond *pond = *state;
    Arena *arena = pond->bench.arena;
    points(pond, "/s", "x", "2024-01-01");
    make(pond, "column-rename", "/r", "rules: [{type: direct, from: x, to: y}]");
    make(pond, "timeseries-join", "/j",
         "inputs: [{pattern: /s, scope: S, transforms: [/r]}, {pattern: \"/q*\", scope: Q, "
         "transforms: [/r]}]");
    OK(provider_check_circle(pond->bench.provider, "/j"));
    make(pond, "timeseries-pivot", "/p", "pattern: \"/[js]\"\ncolumns: [x]\ntransforms: [/r]");
    OK(provider_check_circle(pond->bench.provider, "/p"));
    make(pond, "temporal-reduce", "/red",
         "in_pattern: /p\nout_pattern: x\nresolutions: [1h]\naggregations: [{type: avg}]\n"
         "transforms: [/r]\n");
    make(pond, "sql-derived-series", "/q1",
         "patterns: {x: \"/red/*/*.series\"}\ntransforms: [/r]\n");
    HAS(FAILS(arena, CIRCLE, provider_check_circle(pond->bench.provider, "/q1")),
        "/q1 -> /red/x/res=1h.series -> /p -> /j -> /q1");
    HAS(FAILS(arena, CIRCLE, provider_check_circle(pond->bench.provider, "/j")), "/j -> /q1 -> ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_configurations), TEST(test_columns_and_scopes),
        TEST(test_aliases),        TEST(test_a_diamond_is_built_once),
        TEST(test_circles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
