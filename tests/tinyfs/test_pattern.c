/* Patterns against paths: what matches, what is captured, what is refused, what captures expand to.
 */
#include "tinyfs/oracle.h"

/* "(x,y)" or NULL. */
static const char *captures_of(Arena *arena, const char *text, const char *path)
{
    const Pattern *pattern = compiled(arena, text);
    const char **captures = NULL;
    Buf to = buf_new(arena);
    if (!pattern_match(pattern, arena, path, &captures)) return NULL;
    for (size_t i = 0; i < pattern_capture_count(pattern); i++) {
        buf_printf(&to, "%s%s", i == 0 ? "(" : ",", captures[i]);
    }
    if (to.size > 0) buf_putc(&to, ')');
    return to.data;
}

typedef struct Case {
    const char *pattern, *path, *captures; /* NULL: no match */
} Case;

static const Case CASES[] = {
    {"/a/b", "/a/b", ""},
    {"a/b", "/a/b", ""},
    {"/a/b", "/a/b/c", NULL},
    {"/a/b", "/a", NULL},
    {"/a/b", "/a/B", NULL},
    {"/*", "/a", "(a)"},
    {"/*", "/.hidden", "(.hidden)"},
    {"/*", "/a/b", NULL},
    {"/*", "/", NULL},
    {"/a*", "/a", "()"},
    {"/a*a", "/a", NULL}, /* prefix and suffix must not overlap */
    {"/a*a", "/aa", "()"},
    {"/ab*ba", "/aba", NULL},
    {"/*.series", "/x.series", "(x)"},
    {"/*.*", "/a.b.c", "(a.b,c)"}, /* the left one takes as much as it can */
    {"/*a*", "/banana", "(banan,)"},
    {"/**b*", "/abab", "(aba,,)"}, /* `**` within a component is two stars */
    {"/x?z", "/xyz", "(y)"},
    {"/x?z", "/xz", NULL},
    {"/x?z", "/xéz", "(é)"}, /* characters, not bytes */
    {"/x??z", "/xéz", NULL},
    {"/*?", "/é", "(,é)"},
    {"/?*", "/éé", "(é,é)"},
    {"/[abc]", "/b", "(b)"},
    {"/[abc]", "/d", NULL},
    {"/[a-c]x", "/cx", "(c)"},
    {"/[!a-c]x", "/cx", NULL},
    {"/[^a-c]x", "/dx", "(d)"},
    {"/[]a]", "/]", "(])"},
    {"/[a-]", "/-", "(-)"},
    {"/[à-ï]", "/é", "(é)"},
    {"/[!é]", "/è", "(è)"},
    {"/[!é]", "/é", NULL},
    {"/[\\]]", "/]", "(])"},
    {"/[\\!a]", "/!", "(!)"},
    {"/{a,b}", "/b", "(b)"},
    {"/{a,b}", "/c", NULL},
    {"/{a,ab}c", "/abc", "(ab)"},
    {"/{a,ab}*", "/abc", "(ab,c)"}, /* the longest that fits */
    {"/{a,ab}bc", "/abc", "(a)"},
    {"/x{,y}", "/x", "()"},
    {"/x{,y}", "/xy", "(y)"},
    {"/{a}", "/a", "(a)"},
    {"/{}", "/", NULL},
    {"/{a\\,b,c}", "/a,b", "(a,b)"},
    {"/{é,日本}?", "/日本語", "(日本,語)"},
    {"/a}b", "/a}b", ""},
    {"/a]b,c", "/a]b,c", ""},
    {"/\\*", "/*", ""},
    {"/\\*", "/a", NULL},
    {"/\\*\\*", "/**", ""},
    {"/\\[a\\]\\{\\}\\?\\\\", "/[a]{}?\\", ""},
    {"/a\\b", "/ab", ""},
    {"/site*/**/x*.series", "/site1/x2.series", "(1,,2)"},
    {"/site*/**/x*.series", "/site1/a/x.series", "(1,a,)"},
    {"/site*/**/x*.series", "/site1/a/b/x2.series", "(1,a/b,2)"},
    {"/site*/**/x*.series", "/site1/a/b/y2.series", NULL},
    {"/a/**", "/a", NULL},
    {"/a/**", "/a/b", "(b)"},
    {"/a/**", "/a/b/c", "(b/c)"},
    {"/a/**/c", "/a/c", "()"},
    {"/a/**/c", "/a/b/c", "(b)"},
    {"/a/**/c", "/a/c/c/c", "(c/c)"},
    {"/**", "/", NULL},
    {"/**", "/a/b", "(a/b)"},
    {"/**/*", "/a", "(,a)"},
    {"/**/*", "/a/b/c", "(a/b,c)"},
    {"**/*", "/a/b/c", "(a/b,c)"},
    {"/**/**", "/a", "(,a)"},
    {"/**/**", "/a/b/c", "(a/b,c)"},
    {"/**/b/**/c", "/b/c/b/b/c", "(b/c/b,)"},
    {"/**/b/**/b/*", "/b/b/b/x", "(b,,x)"},
    {"/*/**/*", "/a/b", "(a,,b)"},
    {"/*/**/*", "/a", NULL},
    {"/d/", "/d/x", "(x)"},
    {"/d/", "/d", NULL},
    {"/d/", "/d/x/y", NULL},
    {"/", "/x", "(x)"},
    {"/", "/", NULL},
    {"/a/**/", "/a/b/c", "(b,c)"},
    {"/.", "/", ""},
    {"/a/./b", "/a/b", ""},
    {"/a/../b", "/b", ""},
    {"/a/b/../*", "/a/x", "(x)"},
    {"//a///b", "/a/b", ""},
    {"/reduced/single_param/**/*.series", "/reduced/single_param/DO/res=1h.series", "(DO,res=1h)"},
    {"/new\nline*", "/new\nline\n", "(\n)"},
};

static void test_cases(void **state)
{
    Tree *tree = *state;
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        const Case *one = &CASES[i];
        const char *got = captures_of(tree->arena, one->pattern, one->path);
        bool same = (got == NULL) == (one->captures == NULL) &&
                    (got == NULL || strcmp(got, one->captures) == 0);
        if (!same) {
            fail_msg("%s on %s: %s, expected %s", one->pattern, one->path, got ? got : "no match",
                     one->captures ? one->captures : "no match");
        }
    }
}

static void test_refused(void **state)
{
    Tree *tree = *state;
    static const struct {
        const char *text;
        int column;
        const char *why;
    } WRONG[] = {
        {"/a[bc", 3, "'[' without ']'"},
        {"/é[b/c]", 3, "'[' without ']'"},
        {"/a[]", 3, "'[' without ']'"},
        {"/a[!]", 3, "'[' without ']'"},
        {"/a[b-", 3, "'[' without ']'"},
        {"/a[c-a]", 4, "the range in '[...]' runs backwards"},
        {"/a{b", 3, "'{' without '}'"},
        {"/a{b,c/d}", 3, "'{' without '}'"},
        {"/a{b*}", 5, "no wildcards inside '{...}' (a backslash makes it literal)"},
        {"/a{b,{c}}", 6, "no wildcards inside '{...}' (a backslash makes it literal)"},
        {"/{[a]}", 3, "no wildcards inside '{...}' (a backslash makes it literal)"},
        {"/a\\", 3, "nothing follows the backslash"},
        {"/a\\/b", 3, "nothing follows the backslash"},
        {"/{a\\", 4, "nothing follows the backslash"},
        {"..", 1, "'..' leads above the root"},
        {"/a/../../b", 7, "'..' leads above the root"},
        {"/a*/../b", 5, "'..' cannot follow a wildcard"},
        {"/**/..", 5, "'..' cannot follow a wildcard"},
    };
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        const Pattern *pattern = NULL;
        Err *err = pattern_compile(tree->arena, WRONG[i].text, &pattern);
        if (err == NULL) fail_msg("%s: no error", WRONG[i].text);
        int line = 0, column = 0;
        err_position(err, &line, &column);
        const char *text = FAILS(tree->arena, INVALID, err);
        const char *expected = arena_printf(tree->arena, "pattern '%s', column %d: %s",
                                            WRONG[i].text, WRONG[i].column, WRONG[i].why);
        assert_string_equal(text, expected);
        assert_int_equal(column, WRONG[i].column);
        assert_int_equal(line, 1);
        assert_null(pattern);
    }
    const Pattern *pattern = NULL;
    assert_string_equal(FAILS(tree->arena, INVALID, pattern_compile(tree->arena, "", &pattern)),
                        "the pattern is empty");
    (void)FAILS(tree->arena, INVALID, pattern_compile(tree->arena, "/a\xff", &pattern));
    char *longest = arena_alloc(tree->arena, 5000);
    memset(longest, 'a', 4097);
    (void)FAILS(tree->arena, LIMIT, pattern_compile(tree->arena, longest, &pattern));
    longest[4096] = '\0';
    OK(pattern_compile(tree->arena, longest, &pattern));
    assert_false(pattern_match(pattern, tree->arena, longest, NULL));
}

static void test_properties(void **state)
{
    Tree *tree = *state;
    static const struct {
        const char *text;
        bool literal;
        size_t captures;
    } ALL[] = {
        {"/a/b", true, 0},  {"/a/\\*", true, 0}, {"/a/*", false, 1},          {"/a/", false, 1},
        {"/", false, 1},    {"/.", true, 0},     {"/**", false, 1},           {"/{a}", false, 1},
        {"a[b]", false, 1}, {"/**/", false, 2},  {"/*?[a]{b}/**/x", false, 5}};
    for (size_t i = 0; i < COUNT_OF(ALL); i++) {
        const Pattern *pattern = compiled(tree->arena, ALL[i].text);
        assert_string_equal(pattern_text(pattern), ALL[i].text);
        assert_int_equal(pattern_is_literal(pattern), ALL[i].literal);
        assert_int_equal(pattern_capture_count(pattern), ALL[i].captures);
    }
}

/* Each of these keeps a backtracking matcher busy for longer than the test may run. */
static void test_is_not_exponential(void **state)
{
    Tree *tree = *state;
    Buf stars = buf_new(tree->arena), deep = buf_new(tree->arena), choices = buf_new(tree->arena);
    Buf path = buf_new(tree->arena);
    char *name = arena_alloc(tree->arena, 300);
    name[0] = '/';
    memset(name + 1, 'a', 255);
    buf_putc(&stars, '/');
    buf_putc(&choices, '/');
    for (int i = 0; i < 100; i++) buf_puts(&stars, "*a");
    for (int i = 0; i < 60; i++) buf_puts(&choices, "{a,aa,aaa}");
    for (int i = 0; i < 60; i++) buf_puts(&deep, "/**/a");
    for (int i = 0; i < 400; i++) buf_puts(&path, "/a");
    assert_non_null(captures_of(tree->arena, stars.data, name));
    assert_non_null(captures_of(tree->arena, deep.data, path.data));
    buf_putc(&stars, 'b');
    buf_putc(&choices, 'b');
    buf_puts(&deep, "/b");
    assert_null(captures_of(tree->arena, stars.data, name));
    assert_null(captures_of(tree->arena, choices.data, name));
    assert_null(captures_of(tree->arena, deep.data, path.data));
}

static void test_against_oracle(void **state)
{
    Tree *tree = *state;
    uint64_t seed = UINT64_C(20240701);
    size_t matched = 0;
    for (int i = 0; i < 3000; i++) {
        SCRATCH(scratch);
        uint64_t at = seed;
        const char *text = oracle_random_pattern(scratch, &seed);
        pcre2_code *code = oracle_compile(scratch, text);
        for (int k = 0; k < 40; k++) {
            Buf path = buf_new(scratch);
            uint32_t depth = 1 + oracle_random(&seed) % 5;
            for (uint32_t d = 0; d < depth; d++) {
                buf_putc(&path, '/');
                oracle_random_name(&seed, &path);
            }
            const char *expected = oracle_match(scratch, code, path.data);
            const char *got = captures_of(scratch, text, path.data);
            bool same =
                (got == NULL) == (expected == NULL) && (got == NULL || strcmp(got, expected) == 0);
            if (!same) {
                fail_msg("seed %llu: %s on %s: %s, expected %s", (unsigned long long)at, text,
                         path.data, got ? got : "no match", expected ? expected : "no match");
            }
            matched += got != NULL;
        }
        pcre2_code_free(code);
    }
    assert_in_range(matched, 5000, 100000); /* the generator makes both kinds */
    (void)tree;
}

static void test_expand(void **state)
{
    Tree *tree = *state;
    static const char *const CAPTURES[] = {"zero", "",  "t$0", "3", "4",  "5",
                                           "6",    "7", "8",   "9", "ten"};
    static const char *const CASES_[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"$0", "zero"},
        {"a$0b", "azerob"},
        {"$0$0", "zerozero"},
        {"[$1]", "[]"},
        {"$2", "t$0"}, /* captures are not expanded again */
        {"$10", "ten"},
        {"${1}0", "0"},
        {"${10}0", "ten0"},
        {"$$0", "$0"},
        {"$$$0$$", "$zero$"},
        {"/out/$0/res=$3.series", "/out/zero/res=3.series"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES_); i++) {
        char *out = NULL;
        OK(captures_expand(tree->arena, CASES_[i][0], CAPTURES, COUNT_OF(CAPTURES), &out));
        assert_string_equal(out, CASES_[i][1]);
    }
    static const char *const WRONG[][2] = {
        {"a$", "'a$', column 2: '$' needs the number of a capture: $0, ${10}; $$ is a dollar sign"},
        {"$x", "'$x', column 1: '$' needs the number of a capture: $0, ${10}; $$ is a dollar sign"},
        {"${}",
         "'${}', column 1: '$' needs the number of a capture: $0, ${10}; $$ is a dollar sign"},
        {"${a}",
         "'${a}', column 1: '$' needs the number of a capture: $0, ${10}; $$ is a dollar sign"},
        {"${-1}",
         "'${-1}', column 1: '$' needs the number of a capture: $0, ${10}; $$ is a dollar sign"},
        {"é${1", "'é${1', column 2: '${' without '}'"},
        {"${1x}", "'${1x}', column 1: '${' without '}'"},
        {"x$11", "'x$11', column 2: there is no such capture, the last is $10"},
        {"$18446744073709551616", /* 2^64 */
         "'$18446744073709551616', column 1: there is no such capture, the last is $10"},
        {"$99999999999999999999999",
         "'$99999999999999999999999', column 1: there is no such capture, the last is $10"},
    };
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        char untouched[] = "untouched", *out = untouched;
        const char *text =
            FAILS(tree->arena, INVALID,
                  captures_expand(tree->arena, WRONG[i][0], CAPTURES, COUNT_OF(CAPTURES), &out));
        assert_string_equal(text, WRONG[i][1]);
        assert_string_equal(out, "untouched");
    }
    char *out = NULL;
    assert_string_equal(
        FAILS(tree->arena, INVALID, captures_expand(tree->arena, "$0", NULL, 0, &out)),
        "'$0', column 1: the pattern has no captures");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cases),          TEST(test_refused),
        TEST(test_properties),     TEST(test_is_not_exponential),
        TEST(test_against_oracle), TEST(test_expand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
