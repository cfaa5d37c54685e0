/* The JSON reader without a tree. Numbers are compared with the C library's, strings with the bytes
 * they stand for; tests/fuzz/base_json.c compares whole texts with the other reader. */
#include "base/json_pull.h"
#include "help.h"
#include <math.h>
#include <stdlib.h>

static JsonText text_of(const char *bytes)
{
    return (JsonText){bytes, strlen(bytes), strchr(bytes, '\\') != NULL};
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Digits, a point and an exponent in every proportion. */
static void random_number(uint64_t *state, char *out)
{
    int digits = 1 + (int)(next_random(state) % 25), fraction = (int)(next_random(state) % 25);
    if (next_random(state) % 2 == 0) *out++ = '-';
    *out++ = (char)('1' + next_random(state) % 9);
    for (int i = 1; i < digits; i++) *out++ = (char)('0' + next_random(state) % 10);
    if (fraction > 0) *out++ = '.';
    for (int i = 0; i < fraction; i++) *out++ = (char)('0' + next_random(state) % 10);
    *out = '\0';
    if (next_random(state) % 2 == 0) (void)sprintf(out, "e%d", (int)(next_random(state) % 60) - 30);
}

static void test_doubles(void **unused)
{
    (void)unused;
    uint64_t state = 88172645463325252U;
    for (int i = 0; i < 200000; i++) {
        char text[96];
        double got = 0;
        random_number(&state, text);
        assert_true(json_text_double(text_of(text), &got));
        double wanted = strtod(text, NULL);
        if (memcmp(&got, &wanted, sizeof got) != 0) fail_msg("%s: %a is not %a", text, got, wanted);
    }
    double zero = 1;
    assert_true(json_text_double(text_of("-0"), &zero));
    assert_true(zero == 0 && signbit(zero));
    assert_true(json_text_double(text_of("5e-324"), &zero));
    assert_true(zero == 5e-324);
    static const char *const BAD[] = {"1e999", "-1e309", "",    "+1", "1.", ".5",   "01",
                                      "1e",    "0x1",    "NaN", " 1", "1 ", "1e5x", "\\u0031"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        if (json_text_double(text_of(BAD[i]), &zero)) fail_msg("%s is taken", BAD[i]);
}

static void test_whole(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        bool negative;
        uint64_t magnitude;
    } GOOD[] = {{"0", false, 0},
                {"-0", true, 0},
                {"12", false, 12},
                {"-12", true, 12},
                {"1.0", false, 1},
                {"1.50e1", false, 15},
                {"100e-2", false, 1},
                {"0e999999999", false, 0},
                {"1.5447126603e18", false, 1544712660300000000U},
                {"18446744073709551615", false, UINT64_MAX}};
    bool negative = false;
    uint64_t magnitude = 0;
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        assert_true(json_text_whole(text_of(GOOD[i].text), &negative, &magnitude));
        assert_true(negative == GOOD[i].negative && magnitude == GOOD[i].magnitude);
    }
    static const char *const BAD[] = {
        "0.5",  "1e-1", "18446744073709551616", "1e20", "1e999999999", "", "-", "1.",
        "true", "15e-2"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        if (json_text_whole(text_of(BAD[i]), &negative, &magnitude)) fail_msg("%s", BAD[i]);
}

static void test_strings(void **unused)
{
    (void)unused;
    SCRATCH(arena);
    static const struct {
        const char *text, *bytes;
        size_t size;
    } STRINGS[] = {{"", "", 0},
                   {"a\\\"\\\\\\/\\b\\f\\n\\r\\t", "a\"\\/\b\f\n\r\t", 9},
                   {"\\u0041\\u00e9\\u20AC", "A\xC3\xA9\xE2\x82\xAC", 6},
                   {"\\ud83d\\ude00x", "\xF0\x9F\x98\x80x", 5},
                   {"\\ud83dx", "\xEF\xBF\xBDx", 4},
                   {"\\ude00\\ud83d", "\xEF\xBF\xBD\xEF\xBF\xBD", 6},
                   {"\\ud83d\\u0041",
                    "\xEF\xBF\xBD"
                    "A",
                    4},
                   {"a\\u0000b", "a\0b", 3}};
    for (size_t i = 0; i < sizeof STRINGS / sizeof *STRINGS; i++) {
        size_t size = 0;
        const char *got = json_text_decode(arena, text_of(STRINGS[i].text), &size);
        assert_int_equal(size, STRINGS[i].size);
        assert_memory_equal(got, STRINGS[i].bytes, size + 1);
    }
    assert_true(json_text_is(text_of("n\\u0061me"), "name"));
    assert_false(json_text_is(text_of("nam"), "name"));
    assert_false(json_text_is(text_of("name\\u0000"), "name"));
}

/* A walk by hand: what is asked for, what is passed over, where it ends. */
static void test_walk(void **unused)
{
    (void)unused;
    const char *text = " {\"a\": [1, {\"b\": null}], \"c\": \"d\", \"n\": null} ";
    JsonPull pull = json_pull(text, strlen(text), 7);
    JsonText key, value;
    bool more = false, is_null = false;
    OK(json_pull_open(&pull, '{'));
    OK(json_pull_member(&pull, &key, &more));
    assert_true(more && json_text_is(key, "a"));
    OK(json_pull_skip(&pull));
    OK(json_pull_member(&pull, &key, &more));
    OK(json_pull_null(&pull, &is_null));
    assert_false(is_null);
    OK(json_pull_string(&pull, &value));
    assert_true(json_text_is(value, "d"));
    OK(json_pull_member(&pull, &key, &more));
    OK(json_pull_null(&pull, &is_null));
    assert_true(is_null);
    OK(json_pull_member(&pull, &key, &more));
    assert_false(more);
    OK(json_pull_end(&pull));
    Err *err = json_pull_wrong(&pull, 3, "so");
    int line = 0, column = 0;
    err_position(err, &line, &column);
    assert_string_equal(err_message(err), "line 7, byte 4: so");
    assert_int_equal(line, 7);
    assert_int_equal(column, 4);
    err_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_doubles), cmocka_unit_test(test_whole),
                                       cmocka_unit_test(test_strings), cmocka_unit_test(test_walk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
