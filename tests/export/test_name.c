/* Names in OUT: legal, reversible, and what readers of Hive layouts expect. */
#include "export_test.h"

static const char *path_of(const char *source, const char *const *captures, bool raw)
{
    size_t count = 0;
    while (captures != NULL && captures[count] != NULL) count++;
    ExportInput input = {.source = source, .captures = captures, .capture_count = count};
    if (!raw) input.rel = rel_empty(fx.arena, source, NULL);
    char *path;
    OK(name_target_path(fx.arena, &input, &path));
    return path;
}
#define CAPTURES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_paths(void **state)
{
    (void)state;
    assert_string_equal(path_of("/a/b.series", NULL, false), "a/b");
    assert_string_equal(path_of("/a.x/b", NULL, false), "a.x/b");
    assert_string_equal(path_of("/a/b.c.series", NULL, false), "a/b.c");
    assert_string_equal(path_of("/a/.hidden", NULL, false), "a/.hidden");
    assert_string_equal(path_of("/a/readme.txt", NULL, true), "a/readme.txt");
    assert_string_equal(path_of("/a/readme.txt", CAPTURES("readme"), true), "readme.txt");
    assert_string_equal(path_of("/a/readme.txt", CAPTURES("a", "readme.txt"), true),
                        "a/readme.txt");
    assert_string_equal(path_of("/a/readme.txt", CAPTURES("readme"), false), "readme");
    assert_string_equal(path_of("/a/.rc", CAPTURES("x"), true), "x");
    assert_string_equal(path_of("/r/DO/res=1h.series", CAPTURES("DO", "res=1h"), false),
                        "DO/res=1h");
    assert_string_equal(path_of("/a/b/c.series", CAPTURES("a/b", "c"), false), "a/b/c");
    assert_string_equal(path_of("/c.series", CAPTURES("", "c"), false), "c");
    assert_string_equal(path_of("/c.series", CAPTURES(""), false), "c");
}

static void test_odd_characters(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        {"two words", "two words"},
        {"µS per cm", "µS per cm"},
        {"it's", "it%27s"},
        {"say \"x\"", "say %22x%22"},
        {"a\nb\tc", "a%0Ab%09c"},
        {"100%", "100%25"},
        {"%41", "%2541"},
        {"a:b*c?d[e]{f^g#h\\i", "a%3Ab%2Ac%3Fd%5Be%5D%7Bf%5Eg%23h%5Ci"},
        {"\x7f", "%7F"},
        {".", "%2E"},
        {"..", "%2E%2E"},
        {"...", "..."},
        {".pond", "%2Epond"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_string_equal(path_of("/x", CAPTURES(CASES[i][0]), false), CASES[i][1]);
    assert_string_equal(path_of("/x", CAPTURES("a", ".pond"), false), "a/.pond");
}

static void test_equals_signs(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        {"res=1h", "res=1h"}, {"a=b=c", "a=b%3Dc"},       {"=x", "%3Dx"},
        {"x=", "x="},         {"year=7", "year%3D7"},     {"Month=7", "Month%3D7"},
        {"a'b=c", "a%27b=c"}, {"second=1", "second%3D1"}, {"years=1", "years=1"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_string_equal(path_of("/x", CAPTURES(CASES[i][0]), false), CASES[i][1]);
    assert_string_equal(path_of("/x", CAPTURES("k=1", "K=2", "m=3"), false), "k=1/K%3D2/m=3");
}

/* Any two different names stay different: decoding %XX gives the name back. */
static void test_every_byte_comes_back(void **state)
{
    (void)state;
    for (int first = 1; first < 256; first++) {
        char name[] = {(char)first, 'x', '%', '4', '1', (char)first, 0};
        if (first == '/') continue;
        Map keys = map_new(fx.arena);
        Buf out = buf_new(fx.arena);
        name_encode(&out, name, &keys);
        Buf back = buf_new(fx.arena);
        for (const char *c = out.data; *c != 0; c++) {
            unsigned byte = (unsigned char)*c;
            if (*c == '%') {
                assert_int_equal(sscanf(c + 1, "%2X", &byte), 1);
                c += 2;
            }
            assert_true(byte >= 0x20 || *c != (char)byte);
            buf_putc(&back, (char)byte);
        }
        assert_string_equal(back.data, name);
    }
}

static void test_too_long(void **state)
{
    (void)state;
    char name[256];
    memset(name, '#', 86);
    name[86] = 0;
    ExportInput input = {.source = "/x", .captures = CAPTURES(name), .capture_count = 1};
    char *path;
    FAILS(name_target_path(fx.arena, &input, &path), INVALID, "255");
    name[85] = 0;
    OK(name_target_path(fx.arena, &input, &path));
    assert_int_equal(strlen(path), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_paths),        TEST(test_odd_characters),
        TEST(test_equals_signs), TEST(test_every_byte_comes_back),
        TEST(test_too_long),
    };
    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
