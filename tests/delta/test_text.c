/* Pure text: paths to URIs and back, schemas, statistics; and files nobody refers to. */
#include "delta_test.h"

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *uri;
    } cases[] = {
        {"a.parquet", "a.parquet"},
        {"year=2024/part-0_1~.parquet", "year=2024/part-0_1~.parquet"},
        {"a b", "a%20b"},
        {"100%", "100%25"},
        {"x=%2F", "x=%252F"},
        {"a:b?c#d&e+f", "a%3Ab%3Fc%23d%26e%2Bf"},
        {"é\n\"'\\", "%C3%A9%0A%22%27%5C"},
        {"s3://bucket/a b", "s3://bucket/a%20b"},
        {"a/b://c", "a/b%3A//c"},
        {"s\xad://x", "s%AD%3A//x"},
        {"file:///x", "file%3A///x"},
        {"file://x", "file%3A//x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *back = NULL;
        assert_string_equal(delta_path_encode(arena, cases[i].path), cases[i].uri);
        OK(delta_path_decode(arena, cases[i].uri, &back));
        assert_string_equal(back, cases[i].path);
    }
    char *path = NULL;
    OK(delta_path_decode(arena, "file:/a%2fb", &path));
    assert_string_equal(path, "/a/b");
    OK(delta_path_decode(arena, "file:///a", &path));
    assert_string_equal(path, "/a");
    static const char *const bad[] = {"%", "a%1", "%g0", "%0g", "%00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        FAILS(delta_path_decode(arena, bad[i], &path), INVALID, "percent-encoding");
    for (int byte = 1; byte < 256; byte++) {
        char one[2] = {(char)byte, '\0'};
        OK(delta_path_decode(arena, delta_path_encode(arena, one), &path));
        assert_string_equal(path, one);
    }
}

static void test_schema(void **state)
{
    (void)state;
    Column columns[] = {{"txn", "BIGINT"},
                        {"n", "INTEGER"},
                        {"b", "BOOLEAN"},
                        {"x", "DOUBLE"},
                        {"it's \"q\"", "VARCHAR"},
                        {"raw", "BLOB"},
                        {"d", "DATE"},
                        {"t", "TIMESTAMP WITH TIME ZONE"}};
    static const char *const types[] = {"long",   "integer", "boolean", "double",
                                        "string", "binary",  "date",    "timestamp"};
    Schema schema = {columns, 8};
    char *text = NULL;
    const Json *json = NULL;
    OK(delta_schema_json(arena, &schema, &text));
    OK(json_parse(arena, text, strlen(text), &json));
    assert_string_equal(json_str(json, "type", ""), "struct");
    const Json *fields = json_get(json, "fields");
    assert_int_equal(fields->count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(json_str(&fields->items[i], "name", ""), columns[i].name);
        assert_string_equal(json_str(&fields->items[i], "type", ""), types[i]);
        assert_true(json_bool(&fields->items[i], "nullable", false));
        assert_int_equal(json_get(&fields->items[i], "metadata")->kind, JSON_OBJECT);
    }
}

static void test_schemas_that_delta_cannot_hold(void **state)
{
    (void)state;
    static const char *const types[] = {"UBIGINT", "HUGEINT",   "TIMESTAMP",    "TIME",
                                        "UUID",    "INTEGER[]", "DECIMAL(3,1)", "bigint"};
    char *text = NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        Column column = {"c", types[i]};
        FAILS(delta_schema_json(arena, &(Schema){&column, 1}, &text), UNSUPPORTED, types[i]);
    }
    Column same[] = {{"Do", "DOUBLE"}, {"dO", "DOUBLE"}};
    FAILS(delta_schema_json(arena, &(Schema){same, 2}, &text), UNSUPPORTED, "\"Do\" and \"dO\"");
    assert_null(text);
}

static void test_statistics(void **state)
{
    (void)state;
    ParquetColumnStats of[] = {{"seq", "-5", "9223372036854775807", 0},
                               {"digits", "007", "123", 1},
                               {"long", "a", "abcdefghijklmnopqrstuvwxyz0123456", 2},
                               {"x", "1.5", "2.5", 3},
                               {"empty", NULL, NULL, 4},
                               {"quote", "\"\x01", "é", 0}};
    ParquetStats stats = {.rows = 7, .columns = of, .column_count = 6};
    Column columns[] = {{"seq", "BIGINT"},   {"digits", "VARCHAR"}, {"long", "VARCHAR"},
                        {"x", "DOUBLE"},     {"empty", "BIGINT"},   {"quote", "VARCHAR"},
                        {"absent", "BIGINT"}};
    assert_string_equal(
        delta_stats_json(arena, &stats, columns, 7),
        "{\"numRecords\":7,\"minValues\":{\"seq\":-5,\"digits\":\"007\",\"quote\":\"\\\"\\u0001\"},"
        "\"maxValues\":{\"seq\":9223372036854775807,\"digits\":\"123\",\"quote\":\"é\"},"
        "\"nullCount\":{\"seq\":0,\"digits\":1,\"long\":2,\"x\":3,\"empty\":4,\"quote\":0}}");
    assert_string_equal(delta_stats_json(arena, &stats, NULL, 0),
                        "{\"numRecords\":7,\"minValues\":{},\"maxValues\":{},\"nullCount\":{}}");
}

/* ---- files nobody refers to ---- */

static const char *unreferenced(const DeltaSnapshot *snapshot, int64_t expire_ms)
{
    const char **names = NULL;
    size_t count = 0;
    Buf text = buf_new(arena);
    OK(delta_unreferenced(arena, table, snapshot, expire_ms, &names, &count));
    for (size_t i = 0; i < count; i++) buf_printf(&text, "%s%s", i > 0 ? "," : "", names[i]);
    return text.data;
}

static void test_unreferenced(void **state)
{
    (void)state;
    static const char *const files[] = {"live",         "removed", "stray", "sub/stray", "sub/live",
                                        "sub/deep/x y", "_hidden", ".crc",  "_dir/x"};
    OK(os_mkdirs(arena_printf(arena, "%s/sub/deep", table)));
    OK(os_mkdirs(arena_printf(arena, "%s/_dir", table)));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put_file(arena_printf(arena, "%s/%s", table, files[i]), "x");
    put_entry(0, PROTOCOL METADATA ADD("live") ADD("sub/live") REMOVE("removed"));
    DeltaSnapshot snapshot = load(-1);
    int64_t now_ms = os_now() / 1000;
    assert_string_equal(unreferenced(&snapshot, now_ms - 60000), ""); /* all are too young */
    assert_string_equal(unreferenced(&snapshot, now_ms + 60000),
                        "removed,stray,sub/deep/x y,sub/stray");
    snapshot.removes[0].deleted_ms =
        now_ms + 60000; /* a tombstone not yet expired holds its file */
    assert_string_equal(unreferenced(&snapshot, now_ms + 60000), "stray,sub/deep/x y,sub/stray");
}

static void test_unreferenced_refuses_what_it_does_not_follow(void **state)
{
    (void)state;
    const char **names = NULL;
    size_t count = 0;
    DeltaAdd adds[] = {{.path = "/abs/file"}};
    DeltaSnapshot snapshot = {.adds = adds, .add_count = 1};
    FAILS(delta_unreferenced(arena, table, &snapshot, 1, &names, &count), UNSUPPORTED, "/abs/file");
    adds[0] = (DeltaAdd){.path = "s3://b/file"};
    FAILS(delta_unreferenced(arena, table, &snapshot, 1, &names, &count), UNSUPPORTED,
          "s3://b/file");
    adds[0] = (DeltaAdd){.path = "a", .deletion_vector = "{}"};
    FAILS(delta_unreferenced(arena, table, &snapshot, 1, &names, &count), UNSUPPORTED,
          "deletion vectors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_paths),
        TEST(test_schema),
        TEST(test_schemas_that_delta_cannot_hold),
        TEST(test_statistics),
        TEST(test_unreferenced),
        TEST(test_unreferenced_refuses_what_it_does_not_follow),
    };
    return RUN("delta text", tests);
}
