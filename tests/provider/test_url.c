/* URLs: what each part means, escapes, and what is refused with which help. */
#include "provider_test.h"

typedef struct Good {
    const char *text;
    bool host, has_entry;
    Format format;
    EntryType entry;
    const char *path;
} Good;

static const Good GOOD[] = {
    {"host:///a", true, false, FORMAT_FILE, 0, "/a"},
    {"file:///a", false, false, FORMAT_FILE, 0, "/a"},
    {"host+file:///a", true, false, FORMAT_FILE, 0, "/a"},
    {"host+table:///a.parquet", true, true, FORMAT_TABLE, ENTRY_TABLE, "/a.parquet"},
    {"series:///a", false, true, FORMAT_SERIES, ENTRY_TABLE_SERIES, "/a"},
    {"csv:///a", false, false, FORMAT_CSV, 0, "/a"},
    {"host+csv+series:///a", true, true, FORMAT_CSV, ENTRY_TABLE_SERIES, "/a"},
    {"host+csv+table:///a", true, true, FORMAT_CSV, ENTRY_TABLE, "/a"},
    {"host+csv+data:///a", true, true, FORMAT_CSV, ENTRY_DATA, "/a"},
    {"csv:///a%20b/%C3%A4", false, false, FORMAT_CSV, 0, "/a b/ä"},
    {"csv:///%2A%3F[x]", false, false, FORMAT_CSV, 0, "/\\*\\?[x]"}, /* escaped: literal */
    {"host+csv:///%2A%3F", true, false, FORMAT_CSV, 0, "/*?"}, /* host files are no patterns */
    {"csv:///**/x*.csv", false, false, FORMAT_CSV, 0, "/**/x*.csv"},
    {"csv:///a?", false, false, FORMAT_CSV, 0, "/a"},
    {"csv:///a?&", false, false, FORMAT_CSV, 0, "/a"},
};

static void test_parts(void **state)
{
    Bench *bench = *state;
    for (size_t i = 0; i < COUNT_OF(GOOD); i++) {
        Url url;
        OK(url_parse(bench->arena, GOOD[i].text, &url));
        bool same = url.is_url && url.host == GOOD[i].host && url.format == GOOD[i].format &&
                    url.has_entry == GOOD[i].has_entry && url.option_count == 0 &&
                    (!url.has_entry || url.entry == GOOD[i].entry) &&
                    strcmp(url.path, GOOD[i].path) == 0 && strcmp(url.text, GOOD[i].text) == 0;
        if (!same) fail_msg("%s: %s", GOOD[i].text, url.path);
    }
}

static void test_plain_paths_are_taken_as_they_stand(void **state)
{
    static const char *const PATHS[] = {"/a",    "a",       "/100%",       "/a?b",
                                        "/x%2A", "./a://b", "/a/csv:///b", ""};
    Bench *bench = *state;
    for (size_t i = 0; i < COUNT_OF(PATHS); i++) {
        Url url;
        OK(url_parse(bench->arena, PATHS[i], &url));
        assert_false(url.is_url);
        assert_false(url.host);
        assert_string_equal(url.path, PATHS[i]);
    }
}

static void test_options(void **state)
{
    Bench *bench = *state;
    Url url;
    OK(url_parse(bench->arena,
                 "csv:///a?delimiter=;&header=false&time=my%20time&nullstr=a%26b&time=last", &url));
    assert_int_equal(url.option_count, 5);
    assert_string_equal(url_option(&url, "delimiter"), ";");
    assert_string_equal(url_option(&url, "nullstr"), "a&b");
    assert_string_equal(url_option(&url, "time"), "my time"); /* the first one stands */
    assert_null(url_option(&url, "unit"));
    assert_null(url_option(NULL, "unit"));
    OK(url_parse(bench->arena, "csv:///a?quote=", &url));
    assert_string_equal(url_option(&url, "quote"), "");
}

typedef struct Bad {
    const char *text, *told;
} Bad;

static const Bad BAD[] = {
    {"cvs:///a", "unknown format 'cvs' | did you mean 'csv'?"},
    {"blurb:///a", "formats are file, table, series, csv, jsonl"},
    {"://a", "unknown format ''"},
    {"host+:///a", "unknown format ''"},
    {"csv+csv:///a", "unknown format 'csv'"},
    {"csv+series+table:///a", "unknown format 'table'"},
    {"series+csv:///a", "unknown format 'csv'"},
    {"csv+host:///a", "unknown format 'host'"},
    {"csv://a", "the path of a URL is absolute | write three slashes: csv:///a"},
    {"csv:///a%",
     "'%' at character 9 is not followed by two hex digits | write a percent sign as %25"},
    {"csv:///a%4", "character 9"},
    {"csv:///a%zz", "character 9"},
    {"csv:///a%00", "character 9"},
    {"csv:///a?delimeter=;", "unknown option 'delimeter' | did you mean 'delimiter'?"},
    {"csv:///a?header", "option 'header' has no value"},
    {"csv:///a?=x", "unknown option ''"},
    {"csv:///a?time=%", "is not followed by two hex digits"},
};

static void test_refused(void **state)
{
    Bench *bench = *state;
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        Url url;
        const char *told = FAILS(bench->arena, INVALID, url_parse(bench->arena, BAD[i].text, &url));
        HAS(told, BAD[i].told);
        assert_true(text_starts(told, BAD[i].text));
    }
}

/* Every byte, written as an escape, names itself. */
static void test_every_byte(void **state)
{
    Bench *bench = *state;
    for (int byte = 1; byte < 256; byte++) {
        Url url;
        OK(url_parse(bench->arena, arena_printf(bench->arena, "host:///x%%%02x", (unsigned)byte),
                     &url));
        assert_int_equal((unsigned char)url.path[2], byte);
        assert_int_equal(url.path[3], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_parts),      TEST(test_plain_paths_are_taken_as_they_stand),
        TEST(test_options),    TEST(test_refused),
        TEST(test_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
