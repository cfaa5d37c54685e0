/* What is in the files: the right rows in the right file in the right order, whatever the source
 * looks like. Expectations are SQL over the source files or arithmetic, never the relation tree. */
#include "rows.h"

#define MONTH_KEYS "format('/year={}/month={}/', year(timestamp), month(timestamp))"
#define HOURLY                                                                                     \
    "SELECT TIMESTAMPTZ '2023-11-15 00:00:00Z' + INTERVAL 1 HOUR * i AS timestamp, i::DOUBLE / 7 " \
    "AS \"DO.mg/L\", "                                                                             \
    "CASE WHEN i % 10 = 0 THEN NULL ELSE i % 13 END AS \"Battery Level.%\", 's' || i AS label "    \
    "FROM range(10000) t(i)"

static void test_by_month(void **state)
{
    (void)state;
    ExportInput input = input_of("/a", series_from("a", HOURLY));
    ExportSummary summary = export_as(&input, 1, "year,month");
    /* 2023-11-15 + 9,999 h = 2025-01-04 15:00: fifteen months. */
    assert_int_equal(summary.written, 15);
    assert_int_equal(summary.rows, 10000);
    assert_string_equal(summary.targets[0].partitioning, "year,month");
    assert_rows("a", HOURLY);
    assert_order_and_keys("a", MONTH_KEYS);
    assert_string_equal(ask("SELECT count(*) FROM '%s/a/year=2024/month=2/data.parquet'", fx.out),
                        "696");
    assert_string_equal(ask("SELECT string_agg(name, ',') FROM "
                            "parquet_schema('%s/a/year=2024/month=2/data.parquet')",
                            fx.out),
                        "duckdb_schema,timestamp,DO.mg/L,Battery Level.%,label");
}

/* The catalog's numbers against a scan of the files. */
static void test_the_catalog_tells_the_truth(void **state)
{
    (void)state;
    ExportInput input = input_of("/a", series_from("a", HOURLY));
    export_as(&input, 1, "year,month");
    const char *files = arena_printf(
        fx.arena,
        "(SELECT unnest(targets[1].files, recursive := true) FROM read_json('%s/catalog.json', "
        "columns = {targets: 'STRUCT(files STRUCT(path VARCHAR, keys STRUCT(year INT, month INT), "
        "\"start\" VARCHAR, \"end\" VARCHAR, \"rows\" BIGINT, bytes BIGINT, sha256 "
        "VARCHAR)[])[]'}))",
        fx.out);
    const char *truth =
        arena_printf(fx.arena,
                     "(SELECT replace(filename, '%s/', '') AS path, year(min(timestamp)) AS y, "
                     "month(min(timestamp)) AS m, "
                     "strftime(min(timestamp), '%%Y-%%m-%%dT%%H:%%M:%%SZ') AS s, "
                     "strftime(max(timestamp), '%%Y-%%m-%%dT%%H:%%M:%%SZ') AS e, "
                     "count(*) AS n FROM read_parquet('%s/a/**/*.parquet', filename = true, "
                     "hive_partitioning = false) GROUP BY filename)",
                     fx.out, fx.out);
    assert_string_equal(ask("SELECT count(*) FROM %s f JOIN %s t ON f.path = t.path AND f.year = "
                            "t.y AND f.month = t.m AND "
                            "f.start = t.s AND f.end = t.e AND f.rows = t.n",
                            files, truth),
                        "15");
    const char *shas =
        ask("SELECT string_agg(path || ' ' || sha256, chr(10) ORDER BY path) || chr(10) FROM %s",
            files);
    char *tree = tree_of(fx.out);
    assert_non_null(strstr(tree, shas));
    assert_string_equal(ask("SELECT sum(bytes) FROM %s", files),
                        ask("SELECT sum(size) FROM read_blob('%s/a/**/*.parquet')", fx.out));
}

/* Rows far from the rest cost a file each and nothing for the time between. */
static void test_outliers(void **state)
{
    (void)state;
    static const char SELECT[] =
        "SELECT unnest([TIMESTAMPTZ '1969-12-31 23:59:59.999999Z', '1970-01-01 00:07:00Z', "
        "'2024-05-01 00:00:00Z', '2024-05-31 23:59:59Z', '9999-12-31 23:59:59Z']) AS timestamp, 1 "
        "AS v";
    ScanFile file = version_of("a", "timestamp", SELECT);
    TimeSpan spans[] = {{-1, -1},
                        {7 * US_PER_MINUTE, 7 * US_PER_MINUTE},
                        {time_at("2024-05-01"), time_at("2024-05-31T23:59:59Z")},
                        {time_at("9999-12-31T23:59:59Z"), time_at("9999-12-31T23:59:59Z")}};
    file.intervals = spans;
    file.interval_count = 4;
    ExportInput input = input_of("/a", series_of("a", &file, 1));
    ExportSummary summary = export_as(&input, 1, "year,month");
    assert_int_equal(summary.written, 4);
    assert_rows("a", SELECT);
    assert_order_and_keys("a", MONTH_KEYS);
    assert_string_equal(names_of(under(fx.out, "a")),
                        "year=1969/\nyear=1969/month=12/\nyear=1969/month=12/"
                        "data.parquet\nyear=1970/\nyear=1970/month=1/\n"
                        "year=1970/month=1/data.parquet\nyear=2024/\nyear=2024/month=5/\nyear=2024/"
                        "month=5/data.parquet\n"
                        "year=9999/\nyear=9999/month=12/\nyear=9999/month=12/data.parquet\n");
}

static void test_versions_that_overlap(void **state)
{
    (void)state;
    static const char EVEN[] = "SELECT TIMESTAMPTZ '2024-01-01 00:00:00Z' + INTERVAL 1 MINUTE * (2 "
                               "* i) AS timestamp, i AS v FROM "
                               "range(40000) t(i)",
                      ODD[] = "SELECT TIMESTAMPTZ '2024-01-01 00:00:00Z' + INTERVAL 1 MINUTE * (2 "
                              "* (hash(i) % 40000)::BIGINT + "
                              "1) AS timestamp, i AS v, 'new' AS w FROM range(40000) t(i)";
    ScanFile files[] = {version_of("v1", "timestamp", EVEN), version_of("v2", "timestamp", ODD)};
    assert_false(files[1].in_order);
    ExportInput input = input_of("/a", series_of("a", files, 2));
    export_as(&input, 1, "year,month");
    assert_rows("a", arena_printf(fx.arena, "SELECT *, NULL::VARCHAR AS w FROM (%s) UNION ALL %s",
                                  EVEN, ODD));
    assert_order_and_keys("a", MONTH_KEYS);
}

static void test_bounds(void **state)
{
    (void)state;
    ExportInput input = input_of("/a", series_from("a", HOURLY));
    ExportOptions options = options_new();
    options.temporal = "year,month";
    options.bounds = (TimeSpan){time_at("2024-02-10T05:00:00Z"), time_at("2024-04-01T00:00:00Z")};
    ExportSummary summary;
    OK(run_export(&input, 1, &options, &summary));
    assert_int_equal(summary.written, 3);
    assert_rows(
        "a", "SELECT * FROM (" HOURLY
             ") WHERE timestamp >= '2024-02-10 05:00:00Z' AND timestamp <= '2024-04-01 00:00:00Z'");
    assert_string_equal(ask("SELECT count(*) FROM '%s/a/year=2024/month=4/data.parquet'", fx.out),
                        "1");
    /* The same target without bounds: the clipped months are whole again. */
    export_as(&input, 1, "year,month");
    assert_rows("a", HOURLY);
}

/* An interval may hold months without rows: no file, and the next run knows it. */
static void test_holes(void **state)
{
    (void)state;
    static const char SELECT[] = "SELECT unnest([TIMESTAMPTZ '2024-01-05 00:00:00Z', '2024-06-05 "
                                 "00:00:00Z']) AS timestamp, 1 AS v";
    ExportInput inputs[] = {
        input_of("/a", series_from("a", SELECT)),
        input_of("/none", series_from("none", "SELECT now() AS timestamp, 1 AS v LIMIT 0"))};
    ExportSummary summary = export_as(inputs, 2, "year,month");
    assert_int_equal(summary.written, 2);
    assert_int_equal(summary.targets[1].file_count, 0);
    assert_rows("a", SELECT);
    assert_int_equal(access(under(fx.out, "none"), F_OK), -1);
    assert_non_null(strstr(file_text(under(fx.out, "catalog.json")), "\"path\":\"none\""));
    summary = export_as(inputs, 2, "year,month");
    assert_int_equal(summary.kept, 2);
    assert_int_equal(summary.written, 0);
}

static void test_without_time(void **state)
{
    (void)state;
    static const char SELECT[] = "SELECT i AS id, 'x' || i AS name FROM range(1000) t(i)";
    ScanFile file = version_of("a", NULL, SELECT);
    ExportInput input = input_of("/a", series_of("/a", &file, 1));
    ExportSummary summary = export_as(&input, 1, NULL);
    assert_int_equal(summary.written, 1);
    assert_rows("a", SELECT);
    assert_string_equal(ask("SELECT string_agg(id, ',' ORDER BY file_row_number) = (SELECT "
                            "string_agg(i, ',') FROM range(1000) t(i)) "
                            "FROM read_parquet('%s/a/data.parquet', file_row_number = true)",
                            fx.out),
                        "true");
    FAILS(try_as(&input, 1, "year"), INVALID, "/a: has no time column");
    ExportOptions options = options_new();
    options.bounds.min = 0;
    FAILS(run_export(&input, 1, &options, &summary), INVALID, "time bounds cannot hold");
}

static void test_columns_like_keys(void **state)
{
    (void)state;
    ExportInput input =
        input_of("/a", series_from("a", "SELECT now() AS timestamp, 1 AS \"Month\""));
    FAILS(try_as(&input, 1, "year,month"), INVALID,
          "/a: the column Month has the name of a key in the path, month=...");
    FAILS(try_as(&input, 1, "year,month,day"), INVALID, "column-rename");
    export_as(&input, 1, "year");
    ExportInput res = input_of("/res=1h", series_from("b", "SELECT now() AS timestamp, 1 AS res"));
    FAILS(try_as(&res, 1, "year"), INVALID, "key in the path, res=1h");
    /* An automatic choice meets it too; nothing is left behind. */
    ExportInput year = input_of(
        "/c",
        series_from(
            "c", "SELECT TIMESTAMPTZ '2020-01-01 00:00:00Z' + INTERVAL 1 MINUTE * i AS timestamp, "
                 "1 AS year FROM range(2000000) t(i)"));
    ExportInput both[] = {input, year};
    FAILS(try_as(both, 2, NULL), INVALID, "the column year");
    assert_string_equal(names_of(under(fx.out, ".pond")), "lock\nmanifest\n");
}

static void test_columns_that_differ_in_case(void **state)
{
    (void)state;
    const Rel *rel = series_from("a", "SELECT now() AS timestamp, 1 AS v, 2 AS w");
    ProjectColumn columns[] = {
        {"timestamp", "timestamp", NULL}, {"v", "Depth", NULL}, {"w", "depth", NULL}};
    OK(rel_project(fx.arena, rel, columns, 3, &rel));
    ExportInput input = input_of("/a", rel);
    FAILS(try_as(&input, 1, "year"), INVALID, "the columns Depth and depth differ only in case");
    assert_int_equal(access(fx.out, F_OK), -1);
}

static void test_too_many_partitions(void **state)
{
    (void)state;
    ScanFile files[] = {
        version_of("/a v1", "timestamp",
                   "SELECT TIMESTAMPTZ '2024-01-01 00:00:00Z' + INTERVAL 1 DAY * i AS timestamp "
                   "FROM range(9) t(i)"),
        version_of("/a v2", "timestamp",
                   "SELECT unnest([TIMESTAMPTZ '2024-02-01 00:00:00Z', '9999-12-31 00:00:00Z']) AS "
                   "timestamp"),
        version_of("/a v3", "timestamp", "SELECT TIMESTAMPTZ '2024-03-01 00:00:00Z' AS timestamp")};
    ExportInput input = input_of("/a", series_of("/a", files, 3));
    FAILS(try_as(&input, 1, "year,month,day"), LIMIT, "/a v2 reaches to 9999-12-31T00:00:00Z");
    FAILS(try_as(&input, 1, "year,month,day"), LIMIT, "set-temporal-bounds");
    export_as(&input, 1, "year,month");
}

static void test_int64_times(void **state)
{
    (void)state;
    ScanFile file = version_of(
        "a", NULL,
        "SELECT (1700000000 + 3600 * i)::BIGINT AS timestamp, i AS v FROM range(5000) t(i)");
    TimeSpan span = {INT64_C(1700000000000000), INT64_C(1700000000000000) + 4999 * US_PER_HOUR};
    file.time_column = "timestamp";
    file.time_unit = TIME_UNIT_S;
    file.intervals = &span;
    file.interval_count = 1;
    file.in_order = true;
    ExportInput input = input_of("/a", series_of("/a", &file, 1));
    ExportSummary summary = export_as(&input, 1, "year,month");
    assert_int_equal(summary.rows, 5000);
    assert_rows(
        "a", "SELECT (1700000000 + 3600 * i)::BIGINT AS timestamp, i AS v FROM range(5000) t(i)");
    assert_order_and_keys("a", "format('/year={}/month={}/', year(to_timestamp(timestamp)), "
                               "month(to_timestamp(timestamp)))");
    assert_string_equal(
        ask("SELECT typeof(timestamp) FROM '%s/a/year=2023/month=11/data.parquet' LIMIT 1", fx.out),
        "BIGINT");
    assert_non_null(
        strstr(file_text(under(fx.out, "catalog.json")), "\"start\":\"2023-11-14T22:13:20Z\""));
}

static void test_odd_values(void **state)
{
    (void)state;
    static const char SELECT[] = "SELECT TIMESTAMPTZ '2024-01-01 00:00:00Z' + INTERVAL 1 DAY * i "
                                 "AS timestamp, CASE i % 4 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 "
                                 "THEN 'inf'::DOUBLE WHEN 2 THEN '-inf'::DOUBLE END AS v, [i, "
                                 "NULL] AS list, {'a': i} AS struct, i::DECIMAL(18,3) AS \"a "
                                 "\"\"b\"\"/%.c\", '\\x00'::BLOB AS \"µ\" FROM range(400) t(i)";
    ExportInput input = input_of("/a", series_from("a", SELECT));
    export_as(&input, 1, "year,month");
    assert_rows("a", SELECT);
}

/* Choices are remembered until --rebuild; another --temporal leaves nothing of the one before. */
static void test_partitioning_over_time(void **state)
{
    (void)state;
    ExportInput input = input_of("/a", series_from("a", HOURLY));
    ExportSummary summary = export_as(&input, 1, NULL);
    assert_string_equal(summary.targets[0].partitioning, "");
    assert_string_equal(names_of(under(fx.out, "a")), "data.parquet\n");
    /* Fifty times as much would be cut, and is not. */
    static const char MORE[] = "SELECT TIMESTAMPTZ '2023-11-15 00:00:00Z' + INTERVAL 1 SECOND * "
                               "(72 * i) AS timestamp, i AS v FROM "
                               "range(500000) t(i)";
    ExportInput more = input_of("/a", series_from("b", MORE));
    summary = export_as(&more, 1, NULL);
    assert_string_equal(summary.targets[0].partitioning, "");
    ExportOptions options = options_new();
    options.rebuild = true;
    OK(run_export(&more, 1, &options, &summary));
    assert_string_equal(summary.targets[0].partitioning, "year");
    assert_rows("a", MORE);
    export_as(&more, 1, "year,month");
    summary = export_as(&more, 1, "year");
    assert_string_equal(names_of(under(fx.out, "a")),
                        "year=2023/\nyear=2023/data.parquet\nyear=2024/\nyear=2024/"
                        "data.parquet\nyear=2025/\nyear=2025/data.parquet\n");
    assert_rows("a", MORE);
}

/* What was asked for before is no automatic choice. */
static void test_an_old_wish_is_no_choice(void **state)
{
    (void)state;
    ExportInput input = input_of("/a", series_from("a", HOURLY));
    export_as(&input, 1, "year,month");
    ExportSummary summary = export_as(&input, 1, NULL);
    assert_string_equal(summary.targets[0].partitioning, "");
    assert_string_equal(names_of(under(fx.out, "a")), "data.parquet\n");
}

/* Recorded intervals that leave out a row are a defect of ours, and are seen where files share a
 * pass. */
static void test_rows_outside_of_the_recorded_times(void **state)
{
    (void)state;
    ScanFile file = version_of("a", "timestamp",
                               "SELECT TIMESTAMPTZ '2024-01-01 00:00:00Z' + INTERVAL 1 DAY * i AS "
                               "timestamp FROM range(9) t(i)");
    TimeSpan spans[] = {{time_at("2024-01-01"), time_at("2024-01-04")},
                        {time_at("2024-01-06"), time_at("2024-01-09")}};
    file.intervals = spans;
    file.interval_count = 2;
    ExportInput input = input_of("/a", series_of("/a", &file, 1));
    FAILS(try_as(&input, 1, "year,month,day"), INTERNAL, "/a: a row at 2024-01-05T00:00:00Z");
}

/* One more version touches the files its rows fall into and no other. */
static void test_an_append(void **state)
{
    (void)state;
    ScanFile files[] = {version_of("v1", "timestamp", HOURLY),
                        version_of("v2", "timestamp",
                                   "SELECT TIMESTAMPTZ '2025-01-04 16:00:00Z' AS timestamp, "
                                   "1.5::DOUBLE AS \"DO.mg/L\", 3::BIGINT AS "
                                   "\"Battery Level.%\", 'new' AS label")};
    ExportInput one = input_of("/a", series_of("/a", files, 1)),
                two = input_of("/a", series_of("/a", files, 2));
    export_as(&one, 1, "year,month");
    ExportSummary summary = export_as(&two, 1, "year,month");
    assert_int_equal(summary.written, 1);
    assert_int_equal(summary.kept, 14);
    assert_string_equal(summary.files[0].path, "a/year=2025/month=1/data.parquet");
    assert_string_equal(ask("SELECT count(*) FROM %s", rows_in("a")), "10001");
}

static void test_a_damaged_source(void **state)
{
    (void)state;
    ScanFile file = version_of("v1", "timestamp", HOURLY);
    ExportInput input = input_of("/a", series_of("/a", &file, 1));
    export_as(&input, 1, "year,month");
    const char *before = tree_of(fx.out);
    assert_int_equal(truncate(file.path, file.size_bytes / 2), 0);
    Err *err = try_as(&input, 1, "year");
    assert_non_null(err);
    assert_int_equal(err_code(err), ERR_CORRUPT);
    assert_non_null(strstr(err_message(err), "/a"));
    err_free(err);
    assert_string_equal(tree_of(fx.out), before);
    assert_string_equal(names_of(under(fx.out, ".pond")), "lock\nmanifest\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_by_month),
        TEST(test_the_catalog_tells_the_truth),
        TEST(test_outliers),
        TEST(test_versions_that_overlap),
        TEST(test_bounds),
        TEST(test_holes),
        TEST(test_without_time),
        TEST(test_columns_like_keys),
        TEST(test_columns_that_differ_in_case),
        TEST(test_too_many_partitions),
        TEST(test_int64_times),
        TEST(test_odd_values),
        TEST(test_partitioning_over_time),
        TEST(test_an_old_wish_is_no_choice),
        TEST(test_rows_outside_of_the_recorded_times),
        TEST(test_an_append),
        TEST(test_a_damaged_source),
    };
    return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
