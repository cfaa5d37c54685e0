/* JSON: what is read, what is refused and where, what is written, and that both agree. */
#include "help.h"
#include <math.h>

static const Json *parsed(Arena *arena, const char *text)
{
    const Json *json = NULL;
    OK(json_parse(arena, text, strlen(text), &json));
    return json;
}

static const char *rewritten(Arena *arena, const char *text)
{
    Buf buf = buf_new(arena);
    JsonOut out = json_out(&buf);
    json_put(&out, parsed(arena, text));
    return buf.data;
}

static void test_round_trips(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const struct {
        const char *in, *out;
    } CASES[] = {
        {" null ", "null"},
        {"[true,false,null]", "[true,false,null]"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"0", "0"},
        {"[1.5,1e3,1E+3,-0.0,1e-3]", "[1.5,1000.0,1000.0,-0.0,0.001]"},
        {"-0", "-0.0"},
        {"9223372036854775808", "9.223372036854776e+18"},
        {"-9223372036854775809", "-9.223372036854776e+18"},
        {"[18446744073709551615,18446744073709551616]",
         "[1.8446744073709552e+19,1.8446744073709552e+19]"},
        {"100000000000000000000000000000", "1e+29"},
        {"{}", "{}"},
        {"[]", "[]"},
        {"{\"b\":1,\"a\":{\"x\":[]},\"\":2}", "{\"b\":1,\"a\":{\"x\":[]},\"\":2}"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
        {"\"\\u00e9\\u20ac\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\"\\\\\"",
         "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80/\\b\\f\\n\\r\\t\\\"\\\\\""},
        {"\"a\\u0000b\"", "\"a\\u0000b\""},
        {"\"\\ud800\"", "\"\xef\xbf\xbd\""},
        {"\"\\udc00x\"", "\"\xef\xbf\xbdx\""},
        {"\"\\ud83dA\"", "\"\xef\xbf\xbd"
                         "A\""},
        {"\"\\ud83d\\ud83d\\ude00\"", "\"\xef\xbf\xbd\xf0\x9f\x98\x80\""},
        {"\r\n\t [ 1 ,\n2 ] \r\n", "[1,2]"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_string_equal(rewritten(arena, CASES[i].in), CASES[i].out);
        assert_string_equal(rewritten(arena, CASES[i].out), CASES[i].out);
    }
}

static void test_values(void **state)
{
    (void)state;
    SCRATCH(arena);
    const Json *json =
        parsed(arena, "{\"i\":-5,\"d\":2.5,\"s\":\"a\\u0000b\",\"t\":true,\"n\":null,\"l\":[7]}");
    assert_int_equal(json->kind, JSON_OBJECT);
    assert_int_equal(json->count, 6);
    assert_string_equal(json->keys[5], "l");
    assert_int_equal(json_int(json, "i", 1), -5);
    assert_true(json_get(json, "i")->number == -5.0);
    assert_true(json_get(json, "d")->number == 2.5);
    assert_int_equal(json_get(json, "s")->length, 3);
    assert_memory_equal(json_str(json, "s", "?"), "a\0b", 4);
    assert_true(json_bool(json, "t", false));
    assert_int_equal(json_get(json, "n")->kind, JSON_NULL);
    assert_int_equal(json_get(json, "l")->items[0].integer, 7);
    /* Absent, and of another kind. */
    assert_null(json_get(json, "x"));
    assert_null(json_get(NULL, "x"));
    assert_null(json_get(json_get(json, "l"), "x"));
    assert_int_equal(json_int(json, "d", 42), 42);
    assert_int_equal(json_int(json, "x", 42), 42);
    assert_string_equal(json_str(json, "i", "else"), "else");
    assert_true(json_bool(json, "i", true));
}

static const struct {
    const char *text;
    int line, column;
} CASES[] = {
    {"", 1, 1},
    {"  \n ", 2, 2},
    {"[", 1, 2},
    {"[1,]", 1, 4},
    {"{\"a\":1,}", 1, 8},
    {"[1 2]", 1, 4},
    {"1 2", 1, 3},
    {"[1]]", 1, 4},
    {"[1] x", 1, 5},
    {"{a:1}", 1, 2},
    {"{'a':1}", 1, 2},
    {"{\"a\" 1}", 1, 6},
    {"{\"a\":}", 1, 6},
    {"{1:2}", 1, 2},
    {"{\"a\"}", 1, 5},
    {"[1,\n\n  x]", 3, 3},
    {"NaN", 1, 1},
    {"[Infinity]", 1, 2},
    {"-Infinity", 1, 1},
    {"nul", 1, 1},
    {"True", 1, 1},
    {"01", 1, 1},
    {"-01", 1, 1},
    {"1.", 1, 1},
    {".5", 1, 1},
    {"+1", 1, 1},
    {"1e", 1, 1},
    {"1e+", 1, 1},
    {"-", 1, 1},
    {"0x10", 1, 2},
    {"1.2.3", 1, 4},
    {"[--1]", 1, 2},
    {"// c\n1", 1, 1},
    {"/* */1", 1, 1},
    {"\"abc", 1, 1},
    {"\"a\tb\"", 1, 3},
    {"\"a\nb\"", 1, 3},
    {"\"a\x1f\"", 1, 3},
    {"\"\\x\"", 1, 3},
    {"\"\\u12g4\"", 1, 6},
    {"\"\xff\"", 1, 2},
    {"\"\xc3\"", 1, 2},
    {"\"\xed\xa0\x80\"", 1, 2},
    {"\"\xc0\x80\"", 1, 2},
    {"\"\xf5\x80\x80\x80\"", 1, 2},
    {"\xef\xbb\xbf[1]", 1, 1},
    {"{\"a\\u0000\":1}", 1, 2},
    {"\"\xc3\xa9\" x", 1, 5},
    {"[\f1]", 1, 2},
    {"nullnull", 1, 5},
    {"\"\\", 1, 1},
    {"\"\\u00", 1, 1},
    {"truefalse", 1, 5},
};

static void test_refused(void **state)
{
    (void)state;
    SCRATCH(arena);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        const Json *json = NULL;
        Err *err = json_parse(arena, CASES[i].text, strlen(CASES[i].text), &json);
        int line, column;
        if (err == NULL) fail_msg("%s was taken", CASES[i].text);
        err_position(err, &line, &column);
        if (err_code(err) != ERR_INVALID || line != CASES[i].line || column != CASES[i].column) {
            fail_msg("%s: %s", CASES[i].text, err_message(err));
        }
        assert_null(json);
        err_free(err);
    }
}

static void test_refused_bytes_and_ranges(void **state)
{
    (void)state;
    SCRATCH(arena);
    const Json *json;
    REFUSED(INVALID, json_parse(arena, "[1]\0[2]", 7, &json));
    REFUSED(INVALID, json_parse(arena, "\0", 1, &json));
    REFUSED(INVALID, json_parse(arena, "\"a\0b\"", 5, &json));
    REFUSED(INVALID, json_parse(arena, "1e999", 5, &json));
    REFUSED(INVALID, json_parse(arena, "[-1e999]", 8, &json));
    /* Not terminated by NUL: only `size_bytes` bytes count. */
    OK(json_parse(arena, "12345", 3, &json));
    assert_int_equal(json->integer, 123);
}

static char *nested(Arena *arena, size_t depth, const char *open, const char *inner,
                    const char *close)
{
    Buf buf = buf_new(arena);
    for (size_t i = 0; i < depth; i++) buf_puts(&buf, open);
    buf_puts(&buf, inner);
    for (size_t i = 0; i < depth; i++) buf_puts(&buf, close);
    return buf.data;
}

static void test_depth(void **state)
{
    (void)state;
    SCRATCH(arena);
    const Json *json;
    static const char *const INNER[] = {"", "1", "\"x\""};
    for (size_t i = 0; i < COUNT(INNER); i++) {
        char *deep = nested(arena, 64, "[", INNER[i], "]");
        assert_string_equal(rewritten(arena, deep), deep);
        deep = nested(arena, 65, "[", INNER[i], "]");
        REFUSED_AT(LIMIT, 1, 65, "64", json_parse(arena, deep, strlen(deep), &json));
    }
    char *deep = nested(arena, 64, "{\"a\":", "1", "}");
    assert_string_equal(rewritten(arena, deep), deep);
    Buf buf = buf_new(arena); /* the deepest value stands inside of others */
    JsonOut out = json_out(&buf);
    for (int i = 0; i < 64; i++) json_begin_array(&out);
    json_put(&out, parsed(arena, deep));
    for (int i = 0; i < 64; i++) json_end(&out);
    assert_int_equal(buf.size, strlen(deep) + 128);
    deep = nested(arena, 65, "{\"a\":", "1", "}");
    REFUSED(LIMIT, json_parse(arena, deep, strlen(deep), &json));
    deep = nested(arena, 1000000, "[", "", "");
    REFUSED(LIMIT, json_parse(arena, deep, strlen(deep), &json));
    /* Many, but beside each other. */
    deep = nested(arena, 1, "[", nested(arena, 5000, "[],", "1", ""), "]");
    OK(json_parse(arena, deep, strlen(deep), &json));
    assert_int_equal(json->count, 5001);
}

/* The shortest text that reads back as the same bits, as many digits as Python's repr has. */
static size_t digits_of(const char *text)
{
    size_t length = strcspn(text, "e"), first = 0, count = 0, trailing = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || (text[i] == '0' && first == 0)) continue;
        first = 1;
        count++;
        trailing = text[i] == '0' ? trailing + 1 : 0;
    }
    return count - trailing;
}

static void test_doubles(void **state)
{
    (void)state;
    SCRATCH(arena);
    size_t size_bytes, checked = 0;
    char *rest = data_read(arena, "doubles.txt", &size_bytes), repr[64];
    for (char *line; (line = data_line(&rest)) != NULL; checked++) {
        unsigned long long bits;
        double number, back;
        assert_int_equal(sscanf(line, "%llx %63s", &bits, repr), 2);
        memcpy(&number, &bits, sizeof number);
        Buf buf = buf_new(arena);
        JsonOut out = json_out(&buf);
        json_put_double(&out, number);
        const Json *json = parsed(arena, buf.data);
        assert_int_equal(json->kind, JSON_DOUBLE);
        back = json->number;
        assert_memory_equal(&back, &number, sizeof back);
        if (digits_of(buf.data) != digits_of(repr)) fail_msg("%s instead of %s", buf.data, repr);
    }
    assert_int_equal(checked, 400);
}

static void test_writer(void **state)
{
    (void)state;
    SCRATCH(arena);
    Buf buf = buf_new(arena);
    JsonOut out = json_out(&buf);
    json_begin_object(&out);
    json_kv_str(&out, "a", "x\"y");
    json_kv_str(&out, "b", NULL);
    json_kv_int(&out, "c\n", INT64_MIN);
    json_kv_bool(&out, "d", false);
    json_key(&out, "e");
    json_begin_array(&out);
    json_put_double(&out, NAN);
    json_put_double(&out, -INFINITY);
    json_put_double(&out, 3);
    json_put_strn(&out, "\xff\x7f\x01\xc3\xa9", 5);
    json_put_raw(&out, "{\"raw\":1}");
    json_begin_object(&out);
    json_end(&out);
    json_put_bool(&out, true);
    json_put_null(&out);
    json_end(&out);
    json_end(&out);
    assert_string_equal(
        buf.data,
        "{\"a\":\"x\\\"y\",\"b\":null,\"c\\n\":-9223372036854775808,\"d\":false,"
        "\"e\":[null,null,3.0,\"\xef\xbf\xbd\\u007f\\u0001\xc3\xa9\",{\"raw\":1},{},true,null]}");
    assert_int_equal(out.depth, 0);
    assert_non_null(parsed(arena, buf.data));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_values),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_refused_bytes_and_ranges),
        cmocka_unit_test(test_depth),       cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
