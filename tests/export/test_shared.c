/* What is shared, cut and run side by side gives the bytes that each file would have by itself,
 * with any number of threads; and the numbers are those of plain SQL over the source. */
#include "rows.h"

/* 40 days of a row a minute, two gaps, nulls; every value exact in a double so that sums do not
 * depend on their order. */
#define MINUTES                                                                                    \
    "SELECT TIMESTAMPTZ '2024-01-20 00:00:00Z' + INTERVAL 1 MINUTE * i AS timestamp, CASE WHEN i " \
    "% 11 = 0 THEN NULL ELSE "                                                                     \
    "(hash(i) % 1000)::DOUBLE / 8 END AS v, (hash(i * 3) % 5000)::BIGINT AS n FROM range(57600) "  \
    "t(i) WHERE i NOT BETWEEN "                                                                    \
    "10000 AND 13000 AND i NOT BETWEEN 30000 AND 30050"

static const Rel *reduced(const Rel *input, int64_t width_us, int64_t base_us)
{
    static BucketAgg aggs[] = {{AGG_AVG, "v", "v.avg"}, {AGG_MIN, "v", "v.min"},
                               {AGG_MAX, "v", "v.max"}, {AGG_COUNT, "v", "v.count"},
                               {AGG_SUM, "n", "n.sum"}, {AGG_COUNT, NULL, "timestamp.count"}};
    BucketSpec spec = {
        .label = arena_printf(fx.arena, "/res=%" PRId64 "s.series", width_us / US_PER_SECOND),
        .time_column = "timestamp",
        .width_us = width_us,
        .base_width_us = base_us,
        .aggs = aggs,
        .agg_count = sizeof aggs / sizeof aggs[0]};
    const Rel *rel;
    OK(rel_bucket(the_plan(), fx.arena, input, &spec, &rel));
    return rel;
}

static char *reduced_sql(const char *from, int64_t width_us)
{
    return arena_printf(fx.arena,
                        "SELECT make_timestamptz(epoch_us(timestamp) // %" PRId64 " * %" PRId64
                        ") AS timestamp, sum(v) / count(v) AS \"v.avg\", min(v) AS \"v.min\", "
                        "max(v) AS \"v.max\", count(v) AS "
                        "\"v.count\", sum(n)::BIGINT AS \"n.sum\", count(*) AS \"timestamp.count\" "
                        "FROM (%s) GROUP BY ALL",
                        width_us, width_us, from);
}

static const int64_t WIDTHS[] = {US_PER_HOUR, 2 * US_PER_HOUR, 12 * US_PER_HOUR, US_PER_DAY,
                                 7 * US_PER_DAY};
enum { WIDTH_COUNT = 5 };

static ExportInput *resolutions(const Rel *source)
{
    ExportInput *inputs = AARRAY(fx.arena, ExportInput, WIDTH_COUNT);
    for (size_t i = 0; i < WIDTH_COUNT; i++)
        inputs[i] = input_of(arena_printf(fx.arena, "/res=%" PRId64, WIDTHS[i] / US_PER_SECOND),
                             reduced(source, WIDTHS[i], US_PER_HOUR));
    return inputs;
}

static void test_resolutions_share_one_pass(void **state)
{
    (void)state;
    ExportInput *inputs = resolutions(series_from("a", MINUTES));
    ExportSummary summary = export_as(inputs, WIDTH_COUNT, "year,month");
    for (size_t i = 0; i < WIDTH_COUNT; i++) {
        assert_rows(summary.targets[i].path, reduced_sql(MINUTES, WIDTHS[i]));
        assert_order_and_keys(summary.targets[i].path,
                              "format('/year={}/month={}/', year(timestamp), month(timestamp))");
    }
    char *together = tree_of(fx.out);
    /* Alone they are not shared. */
    for (size_t i = 0; i < WIDTH_COUNT; i++) {
        fx.out = arena_printf(fx.arena, "%s/alone-%zu", fx.base, i);
        export_as(&inputs[i], 1, "year,month");
        for (char *line = tree_of(fx.out); strstr(line, "catalog.json") != line;
             line = strchr(line, '\n') + 1) {
            char *one = arena_strndup(fx.arena, line, strcspn(line, "\n"));
            if (strstr(together, one) == NULL) fail_msg("%s is not in\n%s", one, together);
        }
    }
}

static void test_buckets_and_partitions_do_not_nest(void **state)
{
    (void)state;
    /* Weeks begin on Thursdays, as 1970 did: the bucket of 25 January reaches into February and
     * stays whole in January. */
    ExportInput input =
        input_of("/week", reduced(series_from("a", MINUTES), 7 * US_PER_DAY, 7 * US_PER_DAY));
    export_as(&input, 1, "year,month");
    assert_string_equal(
        ask("SELECT max(timestamp)::VARCHAR FROM '%s/week/year=2024/month=1/data.parquet'", fx.out),
        "2024-01-25 00:00:00+00");
    assert_rows("week", reduced_sql(MINUTES, 7 * US_PER_DAY));
    /* Bounds clip buckets by their own time, not their content. */
    ExportOptions options = options_new();
    options.temporal = "year";
    options.bounds = (TimeSpan){time_at("2024-01-26"), time_at("2024-02-08")};
    ExportSummary summary;
    OK(run_export(&input, 1, &options, &summary));
    assert_rows("week", arena_printf(fx.arena,
                                     "SELECT * FROM (%s) WHERE timestamp >= '2024-01-26 00:00:00Z' "
                                     "AND timestamp <= '2024-02-08 00:00:00Z'",
                                     reduced_sql(MINUTES, 7 * US_PER_DAY)));
}

static const Rel *sql_over(const char *label, const char *query, const Rel *input)
{
    SqlInput *inputs = ANEW(fx.arena, SqlInput);
    *inputs = (SqlInput){"a", input};
    const Rel *rel;
    OK(rel_sql(fx.arena, label, query, inputs, 1, &rel));
    return rel;
}

static void test_sql_runs_once_and_is_cut(void **state)
{
    (void)state;
    static const char QUERY[] =
        "SELECT timestamp, v, row_number() OVER (ORDER BY timestamp DESC) AS n FROM a";
    ExportInput input = input_of("/s", sql_over("/s", QUERY, series_from("a", MINUTES)));
    export_as(&input, 1, "year,month,day");
    assert_rows(
        "s",
        "SELECT timestamp, v, row_number() OVER (ORDER BY timestamp DESC) AS n FROM (" MINUTES ")");
    assert_order_and_keys(
        "s",
        "format('/year={}/month={}/day={}/', year(timestamp), month(timestamp), day(timestamp))");
    assert_string_equal(names_of(fx.scratch), "");
}

/* Two rows in 1970 and one in 9999 are found by reading times, not by walking eight thousand years.
 */
static void test_sql_with_outliers(void **state)
{
    (void)state;
    static const char QUERY[] = "SELECT * FROM a UNION ALL SELECT unnest([TIMESTAMPTZ '1970-01-01 "
                                "00:07:00Z', '1970-01-01 00:08:00Z', "
                                "'9999-12-31 00:00:00Z']), 1, 2";
    ExportInput input = input_of("/s", sql_over("/s", QUERY, series_from("a", MINUTES)));
    ExportSummary summary = export_as(&input, 1, "year,month,day,hour");
    assert_string_equal(
        ask("SELECT count(DISTINCT date_trunc('hour', timestamp)) + 2 FROM (%s)", MINUTES),
        arena_printf(fx.arena, "%" PRId64, summary.written));
    assert_rows(
        "s",
        "SELECT * FROM (" MINUTES
        ") UNION ALL SELECT unnest([TIMESTAMPTZ '1970-01-01 00:07:00Z', '1970-01-01 00:08:00Z', "
        "'9999-12-31 00:00:00Z']), 1, 2");
}

static void test_sql_without_times(void **state)
{
    (void)state;
    const Rel *source = series_from("a", MINUTES);
    ExportInput input = input_of(
        "/s", sql_over("/s", "SELECT CASE WHEN n > 10 THEN timestamp END AS timestamp, v FROM a",
                       source));
    FAILS(try_as(&input, 1, "year"), INVALID, "/s");
    FAILS(try_as(&input, 1, "year"), INVALID, "null");
    assert_int_equal(access(fx.out, F_OK), -1);
    ExportInput none = input_of("/s", sql_over("/s", "SELECT * FROM a WHERE n < 0", source));
    ExportSummary summary = export_as(&none, 1, NULL);
    assert_int_equal(summary.written, 0);
    ExportInput wrong =
        input_of("/s", sql_over("/s", "SELECT timestamp, v / 'x' AS v FROM a", source));
    Err *err = try_as(&wrong, 1, "year");
    assert_non_null(err);
    assert_int_equal(err_code(err), ERR_SQL);
    err_free(err);
}

static void test_resolutions_over_sql(void **state)
{
    (void)state;
    static const char QUERY[] =
        "SELECT timestamp, v + 1 AS v, n FROM a ORDER BY timestamp LIMIT 20000";
    ExportInput *inputs = resolutions(sql_over("/s", QUERY, series_from("a", MINUTES)));
    ExportSummary summary = export_as(inputs, WIDTH_COUNT, NULL);
    for (size_t i = 0; i < WIDTH_COUNT; i++) {
        assert_string_equal(summary.targets[i].partitioning, "year");
        assert_rows(summary.targets[i].path,
                    reduced_sql("SELECT timestamp, v + 1 AS v, n FROM (" MINUTES
                                ") ORDER BY timestamp LIMIT 20000",
                                WIDTHS[i]));
    }
}

/* The week of 2 March begins on 29 February: a month in which the input has no row. */
static void test_weeks_over_sql(void **state)
{
    (void)state;
    static const char QUERY[] = "SELECT timestamp + INTERVAL 42 DAY AS timestamp, v, n FROM a "
                                "ORDER BY timestamp LIMIT 5000";
    ExportInput *inputs = resolutions(sql_over("/s", QUERY, series_from("a", MINUTES)));
    export_as(inputs, WIDTH_COUNT, "year,month");
    const char *expected = "SELECT timestamp + INTERVAL 42 DAY AS timestamp, v, n FROM (" MINUTES
                           ") ORDER BY timestamp LIMIT 5000";
    assert_rows(inputs[4].source + 1, reduced_sql(expected, 7 * US_PER_DAY));
    assert_string_equal(ask("SELECT count(*) FROM '%s/%s/year=2024/month=2/data.parquet'", fx.out,
                            inputs[4].source + 1),
                        "1");
}

static void test_extents_are_read(void **state)
{
    (void)state;
    const Rel *rel =
        sql_over("/s",
                 "SELECT unnest([TIMESTAMPTZ '1970-01-01 00:00:00Z', '1970-01-01 00:00:59Z', "
                 "'1970-01-01 00:01:30Z', "
                 "'1970-01-02 00:00:00Z', '1969-12-31 00:00:00Z']) AS timestamp FROM a LIMIT 5",
                 series_from("a", MINUTES));
    RelExtent extent;
    OK(plan_resolve(the_plan(), rel));
    OK(extent_read(fx.arena, the_plan(), rel, NULL, &extent));
    assert_true(extent.known);
    assert_int_equal(extent.count, 3);
    assert_int_equal(extent.intervals[0].min, -US_PER_DAY);
    assert_int_equal(extent.intervals[0].max, -US_PER_DAY);
    assert_int_equal(extent.intervals[1].min, 0);
    assert_int_equal(extent.intervals[1].max, 90 * US_PER_SECOND);
    assert_int_equal(extent.intervals[2].min, US_PER_DAY);
    assert_int_equal(extent.intervals[2].max, US_PER_DAY);
}

/* Of many lonely rows the intervals are joined, and still hold every row. */
static void test_extents_are_bounded(void **state)
{
    (void)state;
    const Rel *rel = sql_over("/s",
                              "SELECT TIMESTAMPTZ '2000-01-01 00:00:00Z' + INTERVAL 2 MINUTE * (i "
                              "+ i // 1000 * 1000) AS timestamp "
                              "FROM range(200000) t(i), (SELECT 1 FROM a LIMIT 1)",
                              series_from("a", MINUTES));
    RelExtent extent;
    OK(plan_resolve(the_plan(), rel));
    OK(extent_read(fx.arena, the_plan(), rel, NULL, &extent));
    assert_true(extent.count > 1 && extent.count <= 65536);
    assert_int_equal(extent.intervals[0].min, time_at("2000-01-01"));
    assert_int_equal(extent.intervals[extent.count - 1].max,
                     time_at("2000-01-01") + 2 * US_PER_MINUTE * (199999 + 199000));
    for (size_t i = 1; i < extent.count; i++)
        assert_true(extent.intervals[i].min > extent.intervals[i - 1].max);
}

/* Five resolutions read their source once. */
static void test_one_source_is_read_once(void **state)
{
    (void)state;
    ScanFile file = version_of("a", "timestamp", MINUTES);
    os_class_add(file.path, OS_BLOB);
    ExportInput *inputs = resolutions(series_of("/a", &file, 1));
    uint64_t before = os_count(OS_ENGINE, OS_BLOB, OS_READ).bytes;
    export_as(inputs, WIDTH_COUNT, "year,month");
    uint64_t bytes = os_count(OS_ENGINE, OS_BLOB, OS_READ).bytes - before;
    if (bytes > (uint64_t)file.size_bytes * 11 / 10)
        fail_msg("%" PRIu64 " of %" PRId64, bytes, file.size_bytes);
}

static void test_what_is_volatile_is_written_again(void **state)
{
    (void)state;
    ExportInput input = input_of(
        "/s", sql_over("/s", "SELECT timestamp, random() AS r FROM a", series_from("a", MINUTES)));
    export_as(&input, 1, "year");
    assert_non_null(strstr(file_text(under(fx.out, ".pond/manifest")), "\"fingerprint\":\"\""));
    ExportSummary summary = export_as(&input, 1, "year");
    assert_int_equal(summary.written, 1);
}

/* Every file of a batch against the same window written by a statement of its own. */
static void test_a_pass_writes_what_each_file_would_hold(void **state)
{
    (void)state;
    static const char SELECT[] =
        "SELECT TIMESTAMPTZ '2024-01-20 00:00:00Z' + INTERVAL 17 SECOND * i AS timestamp, CASE "
        "WHEN i % 3 = 0 THEN NULL ELSE 'text ' || "
        "(i % 997) END AS t, i % 2 = 0 AS b, (i % 100)::TINYINT AS i8, i::SMALLINT AS i16, "
        "i::DECIMAL(9,2) AS d, i::DECIMAL(30,3) AS w, "
        "(i / 7)::FLOAT AS f, DATE '2000-01-01' + (i % 3000)::INTEGER AS date, CASE WHEN i > 5000 "
        "THEN i / 3 END AS v FROM range(30000) t(i)";
    const Rel *rel = series_from("a", SELECT);
    assert_true(cut_can(rel));
    ExportInput input = input_of("/a", rel);
    ExportSummary summary = export_as(&input, 1, "year,month,day");
    assert_int_equal(summary.written, 6);
    assert_rows("a", SELECT);
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    OK(engine_connect(&conn));
    for (int day = 20; day <= 25; day++) {
        char *alone = under(fx.base, "alone.parquet"), hex[65];
        TimeUs begin = time_at(arena_printf(fx.arena, "2024-01-%d", day));
        RelWrite write = {.read = {.span = {begin, begin + US_PER_DAY - 1}, .sorted = true},
                          .path = alone};
        RelWritten written;
        int64_t size;
        OK(rel_write(the_plan(), fx.arena, conn, rel, &write, &written));
        OK(os_sha256_file(alone, &size, hex));
        assert_int_equal(unlink(alone), 0);
        char *line =
            arena_printf(fx.arena, "a/year=2024/month=1/day=%d/data.parquet %s\n", day, hex);
        if (strstr(tree_of(fx.out), line) == NULL)
            fail_msg("%s is not in\n%s", line, tree_of(fx.out));
    }
}

static void test_times_of_every_kind_are_cut(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        TimeUnit unit;
        int64_t value;
        TimeUs time;
    } CASES[] = {
        {"TIMESTAMP", TIME_UNIT_NONE, -1, -1},        {"TIMESTAMP_S", TIME_UNIT_NONE, -2, -2000000},
        {"TIMESTAMP_MS", TIME_UNIT_NONE, 5, 5000},    {"TIMESTAMP_NS", TIME_UNIT_NONE, -1, -1},
        {"TIMESTAMP_NS", TIME_UNIT_NONE, 1999, 1},    {"DATE", TIME_UNIT_NONE, 1, US_PER_DAY},
        {"BIGINT", TIME_UNIT_S, 1, US_PER_SECOND},    {"BIGINT", TIME_UNIT_NS, -1001, -2},
        {"BIGINT", TIME_UNIT_S, INT64_MAX, TIME_MAX}, {"BIGINT", TIME_UNIT_MS, INT64_MIN, TIME_MIN},
    };
    TimeScale scale;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_true(time_scale_find(CASES[i].type, CASES[i].unit, &scale));
        assert_int_equal(time_scaled(scale, CASES[i].value), CASES[i].time);
    }
    assert_false(time_scale_find("VARCHAR", TIME_UNIT_NONE, &scale));
    assert_false(time_scale_find("BIGINT", TIME_UNIT_NONE, &scale));
}

/* One run of everything at once: raw, direct, in a pass, shared, SQL, synthetic. */
static ExportInput *everything(size_t *count)
{
    ExportInput *inputs = AARRAY(fx.arena, ExportInput, 16);
    const Rel *minutes = series_from("a", MINUTES);
    ScanFile *twice = AARRAY(fx.arena, ScanFile, 2);
    twice[0] = version_of("v1", "timestamp", MINUTES);
    twice[1] =
        version_of("v2", "timestamp",
                   "SELECT timestamp + INTERVAL 30 SECOND AS timestamp, v FROM (" MINUTES ")");
    size_t n = 0;
    for (size_t i = 0; i < WIDTH_COUNT; i++) inputs[n++] = resolutions(minutes)[i];
    inputs[n++] = input_of("/minutes", minutes);
    inputs[n++] = input_of("/twice", series_of("twice", twice, 2));
    inputs[n++] = input_of(
        "/sql",
        sql_over("/sql",
                 "SELECT timestamp, avg(v) OVER (ORDER BY timestamp ROWS 5 PRECEDING) AS v FROM a",
                 minutes));
    inputs[n++] = input_raw("/raw", "bytes");
    static Wave waves[] = {{.kind = WAVE_SINE, .amplitude = 3, .period_s = 3600},
                           {.kind = WAVE_NOISE, .amplitude = 1, .seed = 7}};
    static SyntheticColumn column = {.name = "x", .waves = waves, .wave_count = 2};
    SyntheticSpec spec = {.label = "/synthetic",
                          .time_column = "timestamp",
                          .start = time_at("2023-12-31"),
                          .end = time_at("2024-02-01"),
                          .interval_us = 7 * US_PER_SECOND,
                          .columns = &column,
                          .column_count = 1};
    const Rel *synthetic;
    OK(rel_synthetic(fx.arena, &spec, &synthetic));
    inputs[n++] = input_of("/synthetic", synthetic);
    *count = n;
    return inputs;
}

static void test_bytes_do_not_depend_on_threads(void **state)
{
    (void)state;
    static const char *const PARTS[] = {NULL, "year", "year,month,day"};
    size_t count;
    ExportInput *inputs = everything(&count);
    for (size_t p = 0; p < sizeof PARTS / sizeof PARTS[0]; p++) {
        const char *first = NULL;
        for (int threads = 1; threads <= 4; threads *= 2) {
            ExportOptions options = options_new();
            ExportSummary summary;
            fx.out = arena_printf(fx.arena, "%s/out-%zu-%d", fx.base, p, threads);
            options.dir = fx.out;
            options.threads = threads;
            options.temporal = PARTS[p];
            OK(run_export(inputs, count, &options, &summary));
            const char *tree = tree_of(fx.out);
            if (first == NULL) first = tree;
            assert_string_equal(tree, first);
        }
    }
}

static int64_t seen_rows, seen_files;
static void on_progress(void *context, const ExportProgress *progress)
{
    assert_ptr_equal(context, &seen_rows);
    assert_true(progress->partitions_done <= progress->partitions_all &&
                progress->partitions_done >= seen_files);
    seen_rows = progress->rows_done;
    seen_files = progress->partitions_done;
}

static void test_progress(void **state)
{
    (void)state;
    ExportInput input = input_of("/a", series_from("a", MINUTES));
    ExportOptions options = options_new();
    ExportSummary summary;
    options.temporal = "year,month";
    options.progress = on_progress;
    options.context = &seen_rows;
    seen_rows = seen_files = 0;
    OK(run_export(&input, 1, &options, &summary));
    assert_int_equal(seen_files, 2);
    assert_int_equal(seen_rows, 57600 - 3001 - 51);
}

static void test_dry_run_loads_no_engine(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        TimeSpan span = {time_at("2024-01-15"), time_at("2024-03-15")};
        Column columns[] = {
            {"timestamp", "TIMESTAMP WITH TIME ZONE"}, {"v", "DOUBLE"}, {"n", "BIGINT"}};
        ScanFile file = {.path = "/nowhere",
                         .label = "v1",
                         .sha256 = "00",
                         .rows = 61000,
                         .schema = {columns, 3},
                         .time_column = "timestamp",
                         .intervals = &span,
                         .interval_count = 1,
                         .in_order = true};
        ExportInput *inputs = resolutions(series_of("/a", &file, 1));
        inputs[1] = input_of("/a", series_of("/a", &file, 1));
        ExportOptions options = options_new();
        ExportSummary summary;
        options.dry_run = true;
        options.temporal = "year,month";
        Err *err = run_export(inputs, WIDTH_COUNT, &options, &summary);
        bool good = err == NULL && !engine_is_loaded() && summary.written == 15 &&
                    summary.targets[1].rows > 60000 && access(fx.out, F_OK) != 0;
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_dry_run_loads_no_engine), /* first: a child of a process with an engine has one */
        TEST(test_resolutions_share_one_pass),
        TEST(test_buckets_and_partitions_do_not_nest),
        TEST(test_sql_runs_once_and_is_cut),
        TEST(test_sql_with_outliers),
        TEST(test_sql_without_times),
        TEST(test_resolutions_over_sql),
        TEST(test_weeks_over_sql),
        TEST(test_extents_are_read),
        TEST(test_extents_are_bounded),
        TEST(test_one_source_is_read_once),
        TEST(test_what_is_volatile_is_written_again),
        TEST(test_a_pass_writes_what_each_file_would_hold),
        TEST(test_times_of_every_kind_are_cut),
        TEST(test_bytes_do_not_depend_on_threads),
        TEST(test_progress),
    };
    return cmocka_run_group_tests_name("shared", tests, NULL, NULL);
}
