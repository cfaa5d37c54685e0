/* Paths as text, names, ids, entry types. */
#include "tinyfs/tree.h"
#include <time.h>

static void test_normalize(void **state)
{
    Tree *tree = *state;
    static const char *const CASES[][2] = {
        {"/", "/"},
        {"//", "/"},
        {"/a", "/a"},
        {"a", "/a"},
        {"a/b", "/a/b"},
        {"/a/", "/a"},
        {"//a///b//", "/a/b"},
        {"/./a/./b/.", "/a/b"},
        {"/a/../b", "/b"},
        {"/a/b/../..", "/"},
        {"/a/..", "/"},
        {".", "/"},
        {"/a/.../b", "/a/.../b"},
        {"/a b/\n", "/a b/\n"},
        {"/aa/../b/../c", "/c"},
        {"/..a/b..", "/..a/b.."},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char *normal = NULL;
        OK(path_normalize(tree->arena, CASES[i][0], &normal));
        assert_string_equal(normal, CASES[i][1]);
    }
}

static void test_normalize_refuses(void **state)
{
    Tree *tree = *state;
    static const char *const CASES[] = {"",          "..",       "/..",          "/a/../..",
                                        "a/../../b", "/a\xff/b", "/\xed\xa0\x80"};
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char untouched[] = "untouched", *normal = untouched;
        (void)FAILS(tree->arena, INVALID, path_normalize(tree->arena, CASES[i], &normal));
        assert_string_equal(normal, "untouched");
    }
    char *normal = NULL;
    const char *text =
        FAILS(tree->arena, INVALID, path_normalize(tree->arena, "/a\n/../..", &normal));
    assert_string_equal(text, "/a\\n/../..: '..' leads above the root");
}

static void test_too_long(void **state)
{
    Tree *tree = *state;
    char *text = arena_alloc(tree->arena, 5000), *normal = NULL;
    for (int i = 0; i < 4096; i++) text[i] = i % 200 == 0 ? '/' : 'a';
    OK(path_normalize(tree->arena, text, &normal));
    assert_string_equal(normal, text);
    text[4096] = 'a';
    assert_string_equal(
        FAILS(tree->arena, LIMIT, path_normalize(tree->arena, text, &normal)),
        "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...: the path has 4097 bytes, at most "
        "4096 are allowed");
    memset(text, 'b', 39); /* the cut falls into a character */
    memcpy(text + 39, "\xc3\xa9", 2);
    memset(text + 41, 'b', 215);
    text[256] = '\0';
    assert_string_equal(
        FAILS(tree->arena, INVALID, path_check_name(text)),
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb...: the name has 256 bytes, at most 255 "
        "are allowed");
}

static void test_parts(void **state)
{
    Arena *a = ((Tree *)*state)->arena;
    assert_string_equal(path_join(a, "/", "x"), "/x");
    assert_string_equal(path_join(a, "/a", "x"), "/a/x");
    assert_string_equal(path_base("/"), "");
    assert_string_equal(path_base("/a"), "a");
    assert_string_equal(path_base("/a/b.c"), "b.c");
    assert_string_equal(path_parent(a, "/"), "/");
    assert_string_equal(path_parent(a, "/a"), "/");
    assert_string_equal(path_parent(a, "/a/b"), "/a");
}

static void test_compare(void **state)
{
    (void)state;
    static const char *const ORDER[] = {"/",    "/A",     "/a",   "/a/b", "/a/b/c",
                                        "/a/c", "/a\x01", "/a b", "/a-b", "/a-b/c",
                                        "/a.b", "/a0",    "/aa",  "/b",   "/\xc3\xa9"};
    for (size_t i = 0; i < COUNT_OF(ORDER); i++) {
        for (size_t k = 0; k < COUNT_OF(ORDER); k++) {
            int order = path_compare(ORDER[i], ORDER[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
}

static void test_types(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "directory", "symlink",      "data",          "data:series",
        "table",     "table:series", "table:dynamic", "dynamic-directory"};
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        EntryType type = ENTRY_DIR;
        assert_string_equal(entry_type_name((EntryType)i), NAMES[i]);
        assert_true(entry_type_parse(NAMES[i], &type));
        assert_int_equal(type, i);
    }
    EntryType type = ENTRY_TABLE;
    assert_false(entry_type_parse("file:table", &type));
    assert_false(entry_type_parse("", &type));
    assert_int_equal(type, ENTRY_TABLE);
    assert_true(entry_is_dir(ENTRY_DYNAMIC_DIR) && !entry_is_dir(ENTRY_DYNAMIC));
    assert_true(entry_is_series(ENTRY_DATA_SERIES) && !entry_is_series(ENTRY_TABLE));
}

static void check_uuid7(const NodeId *id)
{
    assert_int_equal(strlen(id->text), 36);
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        assert_true(dash ? id->text[i] == '-' : strchr("0123456789abcdef", id->text[i]) != NULL);
    }
    assert_int_equal(id->text[14], '7');
    assert_non_null(strchr("89ab", id->text[19]));
}

static void test_new_ids(void **state)
{
    (void)state;
    enum { N = 20000 };
    NodeId last = node_id_new();
    for (int i = 0; i < N; i++) { /* more than 4096 in one millisecond, too */
        NodeId id = node_id_new();
        check_uuid7(&id);
        assert_true(strcmp(last.text, id.text) < 0);
        last = id;
    }
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    char hex[13] = {0};
    memcpy(hex, last.text, 8);
    memcpy(hex + 8, last.text + 9, 4);
    long long ms = strtoll(hex, NULL, 16), now_ms = now.tv_sec * 1000LL + now.tv_nsec / 1000000;
    assert_in_range(ms, now_ms - 10000, now_ms + 10000);
}

/* python3: d = bytearray(hashlib.sha256(b).digest()[:16]); d[0:6] = bytes([0,0,0,0,0,1]);
 * d[6] = d[6] & 15 | 0x70; d[8] = d[8] & 63 | 0x80; uuid.UUID(bytes=bytes(d)) */
static void test_derived_ids(void **state)
{
    (void)state;
    NodeId empty = node_id_derived(""), abc = node_id_derived("abc"),
           again = node_id_derived("abc");
    assert_string_equal(empty.text, "00000000-0001-7c14-9afb-f4c8996fb924");
    assert_string_equal(abc.text, "00000000-0001-7fea-8141-40de5dae2223");
    assert_true(node_id_equal(&abc, &again));
    assert_false(node_id_equal(&abc, &empty));
    check_uuid7(&abc);
    assert_string_equal(NODE_ROOT.text, "00000000-0000-7000-8000-000000000000");
}

static void test_copies_are_deep(void **state)
{
    Tree *tree = *state;
    char text[] = "text";
    TimeSpan span = {1, 2};
    Node node = {.name = text, .factory = text, .content = text, .attributes = text};
    Version version = {
        .bytes = text, .size_bytes = 3, .schema = text, .intervals = &span, .interval_count = 1};
    Node node2 = node_copy(tree->arena, &node);
    Version version2 = version_copy(tree->arena, &version);
    memset(text, '!', 4);
    span.max = 7;
    assert_string_equal(node2.name, "text");
    assert_string_equal(node2.factory, "text");
    assert_string_equal(node2.content, "text");
    assert_string_equal(node2.attributes, "text");
    assert_string_equal(version2.bytes, "tex");
    assert_string_equal(version2.schema, "text");
    assert_int_equal(version2.intervals[0].max, 2);
    assert_null(version2.attributes);
}

/* What a node says of its versions: a series of all, data and tables of the newest. */
static void test_sums(void **state)
{
    (void)state;
    TimeSpan early[] = {{-7, -5}, {1, 2}}, late[] = {{100, 200}};
    Version versions[] = {
        {.version = 3, .size_bytes = 10, .rows = 4, .intervals = early, .interval_count = 2},
        {.version = 5, .size_bytes = 7, .rows = 2, .intervals = late, .interval_count = 1},
        {.version = 6, .size_bytes = 0, .rows = 0},
    };
    Node node = {.type = ENTRY_TABLE_SERIES, .rows = 99};
    node_sum_versions(&node, versions, 3);
    assert_int_equal(node.version, 6);
    assert_int_equal(node.version_count, 3);
    assert_int_equal(node.size_bytes, 17);
    assert_int_equal(node.rows, 6);
    assert_true(node.has_range && node.range.min == -7 && node.range.max == 200);
    node.type = ENTRY_TABLE;
    node_sum_versions(&node, versions, 2);
    assert_int_equal(node.size_bytes, 7);
    assert_int_equal(node.rows, 2);
    assert_true(node.has_range && node.range.min == 100 && node.range.max == 200);
    node_sum_versions(&node, versions, 3);
    assert_int_equal(node.rows, 0);
    assert_false(node.has_range);
    node.type = ENTRY_TABLE_SERIES;
    versions[0].rows = -1; /* one unknown makes the sum unknown */
    node_sum_versions(&node, versions, 3);
    assert_int_equal(node.rows, -1);
    node.type = ENTRY_DATA_SERIES;
    node_sum_versions(&node, versions, 0);
    assert_int_equal(node.version, 0);
    assert_int_equal(node.size_bytes, 0);
    assert_int_equal(node.rows, -1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_normalize), TEST(test_normalize_refuses), TEST(test_too_long),
        TEST(test_parts),     TEST(test_compare),           TEST(test_types),
        TEST(test_new_ids),   TEST(test_derived_ids),       TEST(test_copies_are_deep),
        TEST(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
