/* Names, globs, quotes, sizes and widths. */
#include "help.h"

static void test_starts_and_ends(void **state)
{
    (void)state;
    assert_true(text_starts("abc", "ab"));
    assert_true(text_starts("abc", ""));
    assert_false(text_starts("ab", "abc"));
    assert_true(text_ends("a.csv", ".csv"));
    assert_true(text_ends("abc", ""));
    assert_false(text_ends("csv", ".csv"));
    assert_false(text_ends("", "x"));
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"list",   "describe",       "copy",
                                        "export", "list-factories", "Temperature"};
    static const struct {
        const char *word, *nearest;
    } CASES[] = {
        {"lsit", "list"},
        {"lst", "list"},
        {"lists", "list"},
        {"LIST", "list"},
        {"exprot", "export"},
        {"discribe", "describe"},
        {"cp", NULL},
        {"zzz", NULL},
        {"", NULL},
        {"li", NULL},
        {"temprature", "Temperature"},
        {"list-factory", "list-factories"},
        {"liiisst", NULL},
        {"cyop", NULL},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        const char *got = text_nearest(CASES[i].word, NAMES, COUNT(NAMES));
        if (CASES[i].nearest == NULL) {
            assert_null(got);
        } else {
            assert_non_null(got);
            assert_string_equal(got, CASES[i].nearest);
        }
    }
    assert_null(text_nearest("x", NAMES, 0));
    SCRATCH(arena);
    char *endless = arena_alloc(arena, 100001);
    memset(endless, 'x', 100000);
    const char *const long_names[] = {endless, "xx"};
    assert_null(text_nearest(endless, long_names, 2));
    assert_null(text_nearest("xxxxxxxxx", long_names, 2));
}

static void test_globs(void **state)
{
    (void)state;
    static const struct {
        const char *glob, *text;
        bool matches;
    } CASES[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "a.b/c", true},
        {"a*", "abc", true},
        {"a*", "ba", false},
        {"*c", "abc", true},
        {"a*c", "ac", true},
        {"a*c", "abcbc", true},
        {"a*c", "abcb", false},
        {"?", "", false},
        {"?", "a", true},
        {"?", "ab", false},
        {"?", "\xc3\xa9", true},
        {"??", "\xc3\xa9", false},
        {"[abc]", "b", true},
        {"[abc]", "d", false},
        {"[a-c]x", "bx", true},
        {"[!a-c]", "d", true},
        {"[!a-c]", "a", false},
        {"[^a]", "b", true},
        {"[]]", "]", true},
        {"[]a]", "a", true},
        {"[a-]", "-", true},
        {"[a", "[a", true},
        {"[a", "a", false},
        {"x[", "x[", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"\\?", "x", false},
        {"[\\]]", "]", true},
        {"\\", "\\", true},
        {"*.*", "a.b", true},
        {"**", "ab", true},
        {"*a*b*c*", "xaxbxc", true},
        {"*a*b*c*", "xaxcxb", false},
        {"A*", "abc", false},
        {"*\xc3\xa9*", "t\xc3\xa9t", true},
        {"?", "\xff", true},
        {"[\xc3\xa0-\xc3\xaf]", "\xc3\xa9", true},
        {"[!x]", "", false},
        {"a?c*", "abcdef", true},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        if (text_glob(CASES[i].glob, CASES[i].text) != CASES[i].matches) {
            fail_msg("%s against %s", CASES[i].glob, CASES[i].text);
        }
    }
    static const char *const BROKEN[] = {"[", "[a", "[]", "a[!b", "[\\]", "x*[a-"};
    for (size_t i = 0; i < COUNT(BROKEN); i++)
        if (text_glob_is_whole(BROKEN[i])) fail_msg("%s is no whole glob", BROKEN[i]);
    static const char *const WHOLE[] = {"",  "*",   "[a]",    "[]]", "\\[a",
                                        "]", "[[]", "[a\\]]", "\\",  "\xff"};
    for (size_t i = 0; i < COUNT(WHOLE); i++)
        if (!text_glob_is_whole(WHOLE[i])) fail_msg("%s is a whole glob", WHOLE[i]);
    /* Many stars over a long text: no explosion. */
    SCRATCH(arena);
    char *text = arena_alloc(arena, 20001);
    memset(text, 'a', 20000);
    assert_false(text_glob("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

static void test_utf8(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"",
                                       "abc",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const BAD[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "a\xc3",
                                      "\xe2\x82",
                                      "\xf0\x9f\x98",
                                      "\xc3\x28"};
    for (size_t i = 0; i < COUNT(GOOD); i++) assert_true(utf8_valid(GOOD[i], strlen(GOOD[i])));
    for (size_t i = 0; i < COUNT(BAD); i++) {
        if (utf8_valid(BAD[i], strlen(BAD[i]))) fail_msg("case %zu", i);
    }
    assert_true(utf8_valid("a\0b", 3));
    assert_false(utf8_valid("\xc3\xa9", 1));
}

static void test_widths(void **state)
{
    (void)state;
    assert_int_equal(utf8_width(""), 0);
    assert_int_equal(utf8_width("abc"), 3);
    assert_int_equal(utf8_width("\xc2\xb5S/cm"), 5);
    assert_int_equal(utf8_width("e\xcc\x81"), 1);                /* combining acute */
    assert_int_equal(utf8_width("\xe6\xb0\xb4\xe6\xb8\xa9"), 4); /* two ideographs */
    assert_int_equal(utf8_width("\xf0\x9f\x98\x80"), 2);         /* an emoji */
    assert_int_equal(utf8_width("\xff\xfe"), 2);
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } CASES[] = {
        {"0", 0},
        {"4096", 4096},
        {"512MB", 512000000},
        {"1.5GiB", INT64_C(1610612736)},
        {"1kB", 1000},
        {"1KB", 1000},
        {"1 KiB", 1024},
        {"2tb", INT64_C(2000000000000)},
        {"10B", 10},
        {"0.5MiB", 524288},
        {"1.1GB", 1100000000},
        {"9223372036854775807", INT64_MAX},
        {"1.9999B", 1},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        int64_t bytes = -1;
        OK(size_parse(CASES[i].text, &bytes));
        assert_int_equal(bytes, CASES[i].bytes);
    }
    static const char *const BAD[] = {"",
                                      "MB",
                                      "-1",
                                      "+1",
                                      "1.",
                                      ".5",
                                      "1XB",
                                      "1MBs",
                                      "1e3",
                                      "1,000",
                                      " 1",
                                      "1 ",
                                      "9223372036854775808",
                                      "9999999TiB",
                                      "99999999999999999999999999999999999999999"};
    for (size_t i = 0; i < COUNT(BAD); i++) {
        int64_t bytes = -1;
        Err *err = size_parse(BAD[i], &bytes);
        if (err == NULL) fail_msg("'%s' was taken", BAD[i]);
        assert_int_equal(err_code(err), ERR_INVALID);
        err_free(err);
    }
}

static void test_sizes_for_people(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const struct {
        int64_t bytes;
        const char *text;
    } CASES[] = {
        {0, "0 B"},
        {999, "999 B"},
        {1000, "1.0 kB"},
        {1049, "1.0 kB"},
        {1050, "1.1 kB"},
        {1500000, "1.5 MB"},
        {999949, "999.9 kB"},
        {999950, "1.0 MB"},
        {-1500, "-1.5 kB"},
        {INT64_C(999950000000), "1.0 TB"},
        {INT64_MAX, "9.2 EB"},
        {INT64_MIN, "-9.2 EB"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++)
        assert_string_equal(size_format(arena, CASES[i].bytes), CASES[i].text);
    assert_string_equal(count_format(arena, 0), "0");
    assert_string_equal(count_format(arena, 999), "999");
    assert_string_equal(count_format(arena, 1000), "1,000");
    assert_string_equal(count_format(arena, 12345678), "12,345,678");
    assert_string_equal(count_format(arena, -123456), "-123,456");
    assert_string_equal(count_format(arena, INT64_MIN), "-9,223,372,036,854,775,808");
}

static void test_quotes(void **state)
{
    (void)state;
    SCRATCH(arena);
    assert_string_equal(sql_literal(arena, "it's"), "'it''s'");
    assert_string_equal(sql_literal(arena, ""), "''");
    assert_string_equal(sql_ident(arena, "a\"b.c d"), "\"a\"\"b.c d\"");
    assert_string_equal(sql_ident(arena, "'"), "\"'\"");
    assert_string_equal(text_printable(arena, "a\nb\tc\r\x1b[0m\x7f"), "a\\nb\\tc\\r\\x1b[0m\\x7f");
    assert_string_equal(text_printable(arena, "\xc2\xb5S \xff\xc2\x85\xe2\x80\xae"),
                        "\xc2\xb5S \\xff\\u0085\\u202e");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_and_ends),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_globs),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_sizes_for_people),
        cmocka_unit_test(test_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
