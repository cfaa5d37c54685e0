/* Transforms: column-rename and the key `transforms` of those that read. */
#include "factory/factory_test.h"

/* A text of the pond at /NAME.csv. */
static void csv(Pond *pond, const char *path, const char *text)
{
    FsBackend backend = fs_memory_backend(pond->memory);
    VersionSpec version = {
        .meta = {.bytes = text, .size_bytes = (int64_t)strlen(text), .rows = -1}};
    Node node = {.type = ENTRY_DATA}, made;
    sha256_of(text, strlen(text), version.meta.sha256);
    fs_memory_begin(pond->memory);
    OK(fs_create(provider_fs(pond->bench.provider), pond->bench.arena, path, &node, &made));
    OK(backend.ops->append(backend.self, made.id, &version, NULL));
    fs_memory_commit(pond->memory);
    fs_forget(provider_fs(pond->bench.provider));
}

static const char LAB[] = "Date Time,Temp (C),DO (mg/L),note\n2024-01-01 00:00:00,1.5,9,x\n";

static const char *renamed(Pond *pond, const char *rules)
{
    static int number;
    Arena *arena = pond->bench.arena;
    const char *rename = arena_printf(arena, "/r%d", ++number),
               *series = arena_printf(arena, "/s%d", number);
    make(pond, "column-rename", rename, rules);
    make(pond, "sql-derived-series", series,
         arena_printf(arena, "patterns: {a: \"csv:///lab.csv\"}\ntransforms: [%s]\n", rename));
    return series;
}

static void test_rules(void **state)
{
    Pond *pond = *state;
    csv(pond, "/lab.csv", LAB);
    assert_string_equal(
        columns_of(pond,
                   renamed(pond, "rules:\n"
                                 "- {type: direct, from: Date Time, to: timestamp, cast: "
                                 "timestamp}\n"
                                 "- {type: pattern, pattern: '^(.+) \\((.+)\\)$', replacement: "
                                 "'$2.$1'}\n")),
        "timestamp TIMESTAMPTZ, C.Temp DOUBLE, mg/L.DO BIGINT, note VARCHAR");
    /* The first rule that matches counts, also before a direct one; one occurrence is replaced. */
    assert_string_equal(
        columns_of(pond,
                   renamed(pond, "rules:\n"
                                 "- {type: pattern, pattern: ' ', replacement: ''}\n"
                                 "- {type: direct, from: DO (mg/L), to: never}\n"
                                 "- {type: pattern, pattern: '[et]', replacement: '_${0}'}\n")),
        "DateTime TIMESTAMPTZ, Temp(C) DOUBLE, DO(mg/L) BIGINT, no_te VARCHAR");
    assert_string_equal(
        columns_of(pond, renamed(pond, "rules: [{type: direct, from: DO (mg/L), to: do, cast: "
                                       "'decimal(9,2)'}]\n")),
        "Date Time TIMESTAMPTZ, Temp (C) DOUBLE, do DECIMAL(9,2), note VARCHAR");
    /* In order: the second sees what the first has made. */
    make(pond, "column-rename", "/one", "rules: [{type: direct, from: note, to: n1}]\n");
    make(pond, "column-rename", "/two", "rules: [{type: direct, from: n1, to: n2}]\n");
    make(pond, "sql-derived-series", "/both",
         "patterns: {a: \"csv:///lab.csv\"}\ntransforms: {a: [/one, /two]}\n");
    HAS(columns_of(pond, "/both"), "n2 VARCHAR");
    make(pond, "sql-derived-series", "/none",
         "patterns: {a: \"csv:///lab.csv\", b: \"csv:///lab.csv\"}\ntransforms: {b: [/one]}\n"
         "query: SELECT * FROM a\n");
    HAS(columns_of(pond, "/none"), "note VARCHAR");
}

static void test_what_cannot_be(void **state)
{
    Pond *pond = *state;
    Arena *arena = pond->bench.arena;
    const Rel *rel = NULL;
    csv(pond, "/lab.csv", LAB);
    const char *bad = renamed(pond, "rules:\n- {type: direct, from: note, to: Temp (C)}\n");
    HAS(FAILS(arena, INVALID, relation_of(pond, bad, &rel)),
        "two columns would be named \"Temp (C)\": \"Temp (C)\" and \"note\"");
    bad = renamed(pond, "rules:\n- {type: pattern, pattern: note, replacement: ''}\n");
    HAS(FAILS(arena, INVALID, relation_of(pond, bad, &rel)), "without a name");
    bad = renamed(pond, "rules:\n- {type: pattern, pattern: '^(a|aa)+$', replacement: 'x'}\n");
    OK(relation_of(pond, bad, &rel));
    make(pond, "sql-derived-series", "/m1",
         "patterns: {a: \"csv:///lab.csv\"}\ntransforms:\n- /no\n");
    HAS(FAILS(arena, INVALID, relation_of(pond, "/m1", &rel)),
        "/m1: line 3, column 3: /no: it does not exist");
    make(pond, "sql-derived-series", "/m2",
         "patterns: {a: \"csv:///lab.csv\"}\ntransforms: [/lab.csv]\n");
    HAS(FAILS(arena, INVALID, relation_of(pond, "/m2", &rel)),
        "line 2, column 14: /lab.csv is no transform, but data | transforms are nodes made by");
    make(pond, "column-rename", "/rename", "rules: [{type: direct, from: a, to: b}]\n");
    make(pond, "sql-derived-series", "/m3", "patterns: {a: /rename}\n");
    HAS(FAILS(arena, INVALID, relation_of(pond, "/m3", &rel)), "no rows");
}

/* Each row: a configuration and what its error says. */
static void test_configurations(void **state)
{
    Pond *pond = *state;
    static const char *const CASES[][3] = {
        {"column-rename", "rules: []", "'rules' is empty"},
        {"column-rename", "rules: [x]", "column 9: a rule is a map"},
        {"column-rename", "rules: {type: direct}", "column 8: rules: expected a list, found a map"},
        {"column-rename", "rules: [{from: a, to: b}]", "missing key 'type'"},
        {"column-rename", "rules: [{type: drect, from: a, to: b}]", "did you mean 'direct'?"},
        {"column-rename", "rules: [{type: [x], from: a, to: b}]", "type: direct or pattern"},
        {"column-rename", "rules: [{type: direct, from: a}]", "missing key 'to'"},
        {"column-rename", "rules: [{type: direct, to: a}]", "missing key 'from'"},
        {"column-rename", "rules: [{type: direct, from: a, to: ''}]", "'to' is empty"},
        {"column-rename", "rules: [{type: direct, from: [a], to: b}]", "from: expected text"},
        {"column-rename", "rules: [{type: direct, from: a, to: b, cost: x}]", "did you mean cast?"},
        {"column-rename", "rules: [{type: direct, from: a, to: b}, {type: direct, from: a, to: c}]",
         "column 62: column 'a' has a rule before this one"},
        {"column-rename", "rules: [{type: direct, from: a, to: b, cast: colour}]",
         "column 46: 'colour' is not a type"},
        {"column-rename", "rules: [{type: direct, from: a, to: b, cast: 'INT), (SELECT 1'}]",
         "is not a type"},
        {"column-rename", "rules: [{type: pattern, pattern: '(', replacement: x}]",
         "column 34: '(' is no regular expression: missing closing parenthesis, at character 2"},
        {"column-rename", "rules: [{type: pattern, pattern: '(a)', replacement: '$2'}]",
         "column 54: $2: the pattern has 1 group"},
        {"column-rename", "rules: [{type: pattern, pattern: a}]", "missing key 'replacement'"},
        {"column-rename", "rules: [{type: pattern, replacement: a}]", "missing key 'pattern'"},
        {"column-rename", "rules: [{type: pattern, pattern: a, replacement: b, from: c}]",
         "unknown key from"},
        {"sql-derived-series", "patterns: {a: /x}\ntransforms: []", "'transforms' is empty"},
        {"sql-derived-series", "patterns: {a: /x}\ntransforms: /r",
         "line 2, column 13: transforms"},
        {"sql-derived-series", "patterns: {a: /x}\ntransforms: [{}]", "path of a transform"},
        {"sql-derived-series", "patterns: {sonde: /x}\ntransforms: {sonda: [/r]}",
         "there is no pattern 'sonda' | did you mean 'sonde'?"},
        {"sql-derived-series", "patterns: {ab: /x}\ntransforms: {ab: /r}", "a list of paths"},
        {"temporal-reduce",
         "in_pattern: /a\nout_pattern: x\nresolutions: [1h]\naggregations: [{type: avg}]\n"
         "transforms: ['']\n",
         "path of a transform"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++)
        HAS(FAILS(pond->bench.arena, INVALID, check(pond, CASES[i][0], CASES[i][1])), CASES[i][2]);
    OK(check(pond, "column-rename", "rules: [{type: direct, from: a, to: b, cast: Timestamp}]"));
    OK(check(pond, "column-rename", "rules: [{type: direct, from: a, to: b, cast: epoch_ms}]"));
    OK(check(pond, "column-rename",
             "rules: [{type: pattern, pattern: '${var:key}', replacement: "
             "'$9'}]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rules),
        TEST(test_what_cannot_be),
        TEST(test_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
