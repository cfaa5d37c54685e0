/* YAML: the tree with its places, what is refused and where, typed members, and writing back. */
#include "help.h"

static Yaml *parsed(Arena *arena, const char *text)
{
    Yaml *yaml = NULL;
    OK(yaml_parse(arena, text, strlen(text), &yaml));
    return yaml;
}

static const char CONFIG[] = "# a comment\n"
                             "name: north dock\n"
                             "count: 5\n"
                             "text: \"5\"\n"
                             "list:\n"
                             "  - a\n"
                             "  - {x: 1, y: [2, 3]}\n"
                             "block: |\n"
                             "  one\n"
                             "  two\n"
                             "none:\n"
                             "\xc3\xa9t\xc3\xa9: \xc2\xb5S/cm\n";

static void test_tree_and_places(void **state)
{
    (void)state;
    SCRATCH(arena);
    Yaml *root = parsed(arena, CONFIG);
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->count, 7);
    assert_int_equal(root->line, 2);
    assert_int_equal(root->column, 1);
    const Yaml *name = yaml_get(root, "name");
    assert_string_equal(name->text, "north dock");
    assert_false(name->quoted);
    assert_int_equal(name->line, 2);
    assert_int_equal(name->column, 7);
    assert_true(yaml_get(root, "text")->quoted);
    assert_string_equal(yaml_get(root, "block")->text, "one\ntwo\n");
    assert_true(yaml_get(root, "block")->quoted);
    const Yaml *list = yaml_get(root, "list");
    assert_int_equal(list->kind, YAML_LIST);
    assert_int_equal(list->count, 2);
    assert_int_equal(list->line, 6);
    assert_int_equal(list->items[1]->column, 5);
    assert_string_equal(yaml_get(list->items[1], "y")->items[1]->text, "3");
    assert_int_equal(yaml_get(list->items[1], "y")->items[1]->column, 19);
    assert_true(yaml_is_nothing(yaml_get(root, "none")));
    /* Columns count characters, not bytes. */
    assert_int_equal(yaml_get(root, "\xc3\xa9t\xc3\xa9")->column, 6);
    assert_string_equal(root->keys[6]->text, "\xc3\xa9t\xc3\xa9");
    assert_int_equal(root->keys[6]->line, 12);
    assert_null(yaml_get(root, "absent"));
    assert_null(yaml_get(list, "name"));
    assert_null(yaml_get(NULL, "name"));
}

static void test_documents(void **state)
{
    (void)state;
    SCRATCH(arena);
    Yaml **documents = NULL;
    size_t count = 99;
    static const char THREE[] = "---\na: 1\n---\n- 2\n--- text\n---\n...\n";
    OK(yaml_parse_all(arena, THREE, strlen(THREE), &documents, &count));
    assert_int_equal(count, 3);
    assert_int_equal(documents[1]->kind, YAML_LIST);
    assert_string_equal(documents[2]->text, "text");
    static const char *const EMPTY[] = {
        "", "\n", "# only a comment\n", "---\n", "---\n---\n", "\xef\xbb\xbf", "null\n"};
    for (size_t i = 0; i < COUNT(EMPTY); i++) {
        OK(yaml_parse_all(arena, EMPTY[i], strlen(EMPTY[i]), &documents, &count));
        assert_int_equal(count, 0);
        assert_null(parsed(arena, EMPTY[i]));
    }
    Yaml *one;
    REFUSED_AT(INVALID, 4, 1, "second document", yaml_parse(arena, THREE, strlen(THREE), &one));
}

static void test_refused(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const struct {
        const char *text, *part;
        int line, column;
    } CASES[] = {
        {"a: &x 1\nb: *x\n", "anchors", 1, 4},
        {"a: 1\nb: *x\n", "aliases", 2, 4},
        {"a: &x [1]\n", "anchors", 1, 4},
        {"a: &x {b: 1}\n", "anchors", 1, 4},
        {"&x a: 1\n", "anchors", 1, 1},
        {"a: !!str 5\n", "tags", 1, 4},
        {"a: !thing [1]\n", "tags", 1, 4},
        {"a: 1\nb: 2\na: 3\n", "key a stands a second time (first on line 1)", 3, 1},
        {"x: {k: 1, k: 2}\n", "key k stands a second time", 1, 11},
        {"a: 1\n'a': 2\n", "second time", 2, 1},
        {"a:\n\tb: 1\n", "cannot start any token", 2, 1},
        {"a: b: c\n", "mapping values are not allowed", 1, 5},
        {"a: [1, 2\nb: 3\n", "", 2, 2},
        {"[a, b", "expected ',' or ']'", 2, 1},
        {"a: 'x\n", "unexpected end of stream", 2, 1},
        {"? [a]\n: 1\n", "a key must be plain text", 1, 3},
        {"? {a: b}\n: 1\n", "a key must be plain text", 1, 3},
        {"a: \"x\\0y\"\n", "NUL", 1, 4},
        {"\"a\\0\": 1\n", "NUL", 1, 1},
        {"a: @x\n", "cannot start any token", 1, 4},
        {"a: 1\n b: 2\n", "", 2, 3},
        {"a: \"\\q\"\n", "unknown escape", 1, 5},
        {"%YAML 9.9\n---\na: 1\n", "incompatible YAML document", 1, 1},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        Yaml *yaml = NULL;
        Err *err = yaml_parse(arena, CASES[i].text, strlen(CASES[i].text), &yaml);
        int line, column;
        if (err == NULL) fail_msg("%s was taken", CASES[i].text);
        err_position(err, &line, &column);
        if (err_code(err) != ERR_INVALID || line != CASES[i].line || column != CASES[i].column ||
            strstr(err_message(err), CASES[i].part) == NULL) {
            fail_msg("%s: %s", CASES[i].text, err_message(err));
        }
        assert_null(yaml);
        err_free(err);
    }
}

static void test_bad_bytes(void **state)
{
    (void)state;
    SCRATCH(arena);
    Yaml *yaml;
    REFUSED(INVALID, yaml_parse(arena, "a: \xff\n", 5, &yaml));
    REFUSED(INVALID, yaml_parse(arena, "a: \xc3", 4, &yaml));
    REFUSED(INVALID, yaml_parse(arena, "a: \0\n", 5, &yaml));
    REFUSED(INVALID, yaml_parse(arena, "a: \x01\n", 5, &yaml));
    REFUSED(INVALID, yaml_parse(arena,
                                "\xff\xfe"
                                "a\0:\0",
                                6, &yaml));
}

static void test_limits(void **state)
{
    (void)state;
    SCRATCH(arena);
    Yaml *yaml;
    Buf buf = buf_new(arena);
    for (int i = 0; i < 32; i++) buf_putc(&buf, '[');
    for (int i = 0; i < 32; i++) buf_putc(&buf, ']');
    OK(yaml_parse(arena, buf.data, buf.size, &yaml));
    buf_clear(&buf);
    for (int i = 0; i < 33; i++) buf_puts(&buf, "- ");
    buf_puts(&buf, "x\n");
    REFUSED_AT(LIMIT, 1, 65, "32", yaml_parse(arena, buf.data, buf.size, &yaml));
    buf_clear(&buf);
    for (int i = 0; i < 500000; i++) buf_putc(&buf, '[');
    REFUSED(LIMIT, yaml_parse(arena, buf.data, buf.size, &yaml));
    buf_clear(&buf);
    while (buf.size < 1 << 20) buf_puts(&buf, "- abcdefghijkl\n\n");
    OK(yaml_parse(arena, buf.data, buf.size, &yaml));
    assert_int_equal(yaml->count, 65536);
    buf_puts(&buf, "#");
    REFUSED(LIMIT, yaml_parse(arena, buf.data, buf.size, &yaml));
    /* Many keys: looking for duplicates must not be quadratic. */
    buf_clear(&buf);
    for (int i = 0; i < 100000; i++) buf_printf(&buf, "k%d:\n", i);
    OK(yaml_parse(arena, buf.data, buf.size, &yaml));
    assert_int_equal(yaml->count, 100000);
}

static void test_members(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const char TEXT[] =
        "s: word\nq: '7'\ni: -42\nbig: 9223372036854775807\nd: 2.5e3\nt: true\nf: false\n"
        "l: [a]\nm: {k: v}\nn: 7\n";
    Yaml *map = parsed(arena, TEXT);
    const char *text = "kept";
    int64_t number = 1;
    double real = 1;
    bool flag = false;
    const Yaml *node = NULL;
    OK(yaml_str(map, "s", true, &text));
    assert_string_equal(text, "word");
    OK(yaml_str(map, "n", true, &text)); /* an identifier may be all digits */
    assert_string_equal(text, "7");
    OK(yaml_int(map, "i", true, &number));
    assert_int_equal(number, -42);
    OK(yaml_int(map, "big", true, &number));
    assert_true(number == INT64_MAX);
    OK(yaml_double(map, "d", true, &real));
    assert_true(real == 2500.0);
    OK(yaml_double(map, "i", true, &real));
    assert_true(real == -42.0);
    OK(yaml_bool(map, "t", true, &flag));
    assert_true(flag);
    OK(yaml_bool(map, "f", true, &flag));
    assert_false(flag);
    OK(yaml_list(map, "l", true, &node));
    assert_int_equal(node->count, 1);
    OK(yaml_map(map, "m", true, &node));
    assert_string_equal(node->keys[0]->text, "k");
    /* Optional and missing: left as it is. */
    text = "kept";
    OK(yaml_str(map, "absent", false, &text));
    assert_string_equal(text, "kept");
    OK(yaml_int(map, "absent", false, &number));
    assert_true(number == INT64_MAX);
    OK(yaml_list(map, "absent", false, &node));
    assert_non_null(node);
}

static void test_members_of_wrong_type(void **state)
{
    (void)state;
    SCRATCH(arena);
    Yaml *map = parsed(
        arena, "s: word\nq: '7'\nf: 1.5\nl: [a]\nm: {k: v}\nnone:\ntilde: ~\n"
               "huge: 9223372036854775808\nhex: 0x10\noct: 010\ninf: .inf\nbig: 1e999\nyes: yes\n");
    const char *text;
    int64_t number;
    double real;
    bool flag;
    const Yaml *node;
    REFUSED_AT(INVALID, 1, 1, "the key absent is missing", yaml_str(map, "absent", true, &text));
    REFUSED_AT(INVALID, 4, 4, "l: expected text, found a list", yaml_str(map, "l", true, &text));
    REFUSED_AT(INVALID, 6, 6, "none: expected text, found nothing",
               yaml_str(map, "none", false, &text));
    REFUSED_AT(INVALID, 7, 8, "expected text, found nothing", yaml_str(map, "tilde", false, &text));
    REFUSED_AT(INVALID, 2, 4, "q: expected a whole number, found the text \"7\"",
               yaml_int(map, "q", true, &number));
    REFUSED_AT(INVALID, 1, 4, "s: expected a whole number, found word",
               yaml_int(map, "s", true, &number));
    REFUSED(INVALID, yaml_int(map, "f", true, &number));
    REFUSED(INVALID, yaml_int(map, "m", true, &number));
    REFUSED(INVALID, yaml_int(map, "none", true, &number));
    REFUSED_AT(INVALID, 8, 7, "64 bits", yaml_int(map, "huge", true, &number));
    REFUSED(INVALID, yaml_int(map, "hex", true, &number));
    REFUSED(INVALID, yaml_int(map, "oct", true, &number));
    REFUSED_AT(INVALID, 11, 6, "inf: expected a number", yaml_double(map, "inf", true, &real));
    REFUSED(INVALID, yaml_double(map, "big", true, &real));
    REFUSED(INVALID, yaml_double(map, "s", true, &real));
    REFUSED(INVALID, yaml_double(map, "hex", true, &real));
    REFUSED_AT(INVALID, 13, 6, "yes: expected true or false, found yes",
               yaml_bool(map, "yes", true, &flag));
    REFUSED(INVALID, yaml_bool(map, "q", true, &flag));
    REFUSED_AT(INVALID, 5, 4, "m: expected a list, found a map", yaml_list(map, "m", true, &node));
    REFUSED_AT(INVALID, 1, 4, "s: expected a map, found word", yaml_map(map, "s", true, &node));
}

static void test_unknown_keys(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const char *const KEYS[] = {"resolutions", "in_pattern", "out_pattern"};
    Yaml *map = parsed(arena, "in_pattern: a\nresolution: [1h]\n");
    Err *err = yaml_check_map(map, "temporal-reduce", KEYS, COUNT(KEYS));
    assert_non_null(err);
    assert_string_equal(err_message(err),
                        "line 2, column 1: temporal-reduce: unknown key resolution");
    assert_string_equal(err_hint_text(err), "did you mean resolutions?");
    err_free(err);
    err = yaml_check_map(parsed(arena, "zzz: 1\n"), "temporal-reduce", KEYS, COUNT(KEYS));
    assert_string_equal(err_hint_text(err), "keys are: resolutions, in_pattern, out_pattern");
    err_free(err);
    OK(yaml_check_map(parsed(arena, "in_pattern: a\n"), "x", KEYS, COUNT(KEYS)));
    REFUSED_AT(INVALID, 1, 1, "x: expected a map, found a list",
               yaml_check_map(parsed(arena, "- 1\n"), "x", KEYS, 3));
}

static void assert_same(const Yaml *a, const Yaml *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->count, b->count);
    if (a->kind == YAML_SCALAR) {
        assert_string_equal(a->text, b->text);
        if (strchr(a->text, '\n') == NULL) assert_int_equal(a->quoted, b->quoted);
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->kind == YAML_MAP) assert_same(a->keys[i], b->keys[i]);
        assert_same(a->items[i], b->items[i]);
    }
}

static void test_written_back(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const char *const TEXTS[] = {
        CONFIG,
        "a: \" x \"\nb: '# no'\nc: \"\\t\\n\\\"\\\\\"\n",
        "- - - 1\n  - {}\n- []\n",
        "word\n",
        "''\n",
        "\"null\"\n",
        "a: \"\"\nb:\nc: ~\n",
        "q: \"true\"\nr: true\n",
        "s: |\n  SELECT *\n    FROM x\n\n  WHERE y = 'z: 1'\nt: >\n  a\n  b\n",
        "\"a: b\": 1\n\"- x\": 2\n",
        "u: \"\\u2028\\u0085\\ufeff\\U0001F600\"\n",
        "long: multi word\n  plain text\n  over lines\n",
        "a: plain\n\n  paragraph\n",
        "'': 1\n",
        "? |\n  block key\n: 1\n",
        "k: -x\n",
        "k: [a b, 'c', \"d\"]\n",
        "k: x#y\n",
    };
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        Yaml *once = parsed(arena, TEXTS[i]);
        Yaml *twice = parsed(arena, yaml_write(arena, once));
        assert_non_null(once);
        assert_non_null(twice);
        assert_same(once, twice);
    }
    assert_string_equal(yaml_write(arena, parsed(arena, "{a: [1, 'x'], b: {c: d}}")),
                        "a:\n- 1\n- \"x\"\nb:\n  c: d\n");
}

/* ---- parts as texts of their own ---- */

/* In front of a document mark, behind a quoted text whose line begins like one. */
static void test_cut_refused(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const char TEXT[] = "c:\n   a: \"x\n   --- y\"\n";
    char *cut = NULL;
    Err *err = yaml_cut(arena, TEXT, parsed(arena, TEXT), "c", &cut);
    assert_int_equal(err_code(err), ERR_INVALID);
    err_free(err);
    assert_null(cut);
}

static void test_cut(void **state)
{
    static const struct {
        const char *text, *cut;
    } CASES[] = {
        {"c: {a: 1, b: [x, 'y']}\nd: 2\n", "{a: 1, b: [x, 'y']}\n"},
        {"c:\n  a: 1\nd: 2\n", "a: 1\n"},
        {"c:   # not part of it\n  # first\n  a: 1  # one\n\n  b: 2\n  # last\n# outer\nd: 2\n",
         "# first\na: 1  # one\n\nb: 2\n# last\n"},
        {"c:\n    q: |\n      one\n\n        two\n\n    r: 1\n",
         "q: |\n  one\n\n    two\n\nr: 1\n"},
        {"c:\n  q: |+\n    one\n\n", "q: |+\n  one\n\n"},
        {"c:\n  q: \"a\n b\"\n  l: [1,\n2]\n", "q: \"a\nb\"\nl: [1,\n2]\n"},
        {"\xc2\xb5: \xc3\xa9\nc:\n  \xc2\xb5: \xe2\x82\xac  # \xf0\x9f\x98\x80\nd: 1\n",
         "\xc2\xb5: \xe2\x82\xac  # \xf0\x9f\x98\x80\n"},
        {"c:\r\n  a: 1\r\n  b: 2\r\n", "a: 1\r\nb: 2\r\n"},
        {"c:\n  a: 1", "a: 1\n"},
        {"x: 1\nc:\n    # deep\n  # shallow\n  a:\n  - 1\n  - 2\n---\nx: 1\n",
         "  # deep\n# shallow\na:\n- 1\n- 2\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        SCRATCH(arena);
        Yaml **roots = NULL;
        size_t count = 0;
        char *cut = NULL;
        const char *text = CASES[i].text;
        OK(yaml_parse_all(arena, text, strlen(text), &roots, &count));
        OK(yaml_cut(arena, text, roots[0], "c", &cut));
        assert_string_equal(cut, CASES[i].cut);
        assert_same(yaml_get(roots[0], "c"), parsed(arena, cut));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_and_places),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_members_of_wrong_type),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_written_back),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
