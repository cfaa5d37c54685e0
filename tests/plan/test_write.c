/* Writing and materialising: what the file holds, what is told of it, and what is refused. */
#include "plan_test.h"
#include <pthread.h>

static const Rel *scan_sql(World *world, const char *sql, const char *time_column, TimeUnit unit)
{
    ScanFile file = make_file(world, sql, time_column, unit);
    return scan_of(world, &file, 1);
}

static Err *write_to(World *world, const Rel *rel, TimeSpan span, const char *path, RelWritten *out)
{
    TRY(plan_resolve(world->plan, rel));
    const RelWrite write = {.read = {.span = span, .sorted = true}, .path = path};
    return rel_write(world->plan, world->arena, world->conn, rel, &write, out);
}

static bool exists(const char *path)
{
    bool is_there;
    OsStat ignored;
    must(os_stat_if(path, &is_there, &ignored));
    return is_there;
}

/* SELECT <what> FROM <from>('<path>'). */
static char *ask(World *world, const char *what, const char *from, const char *path)
{
    char *text = NULL,
         *sql = arena_printf(world->arena, "SELECT %s FROM %s('%s')", what, from, path);
    must(engine_scalar_text(world->arena, world->conn, sql, NULL, 0, &text));
    return text;
}

static void test_file(void **state)
{
    World *world = *state;
    const Rel *rel = scan_sql(world,
                              "SELECT make_timestamptz((9 - i) * 1500000) AS \"time stamp\", i AS "
                              "\"a.b/%µ\"\"\" FROM range(10) r(i)",
                              "time stamp", TIME_UNIT_NONE);
    RelWritten written = {0};
    char *path = new_path(world);
    must(write_to(world, rel, (TimeSpan){1500000, 7 * US_PER_SECOND}, path, &written));
    assert_int_equal(written.rows, 4);
    assert_true(written.has_range);
    assert_int_equal(written.range.min, 1500000);
    assert_int_equal(written.range.max, 6000000);
    OsStat stat;
    must(os_stat(path, &stat));
    assert_int_equal(written.size_bytes, stat.size_bytes);
    assert_string_equal(
        ask(world, "string_agg(name, '|') FILTER (type IS NOT NULL)", "parquet_schema", path),
        "time stamp|a.b/%µ\"");
    assert_string_equal(ask(world, "list(\"a.b/%µ\"\"\")", "read_parquet", path), "[8, 7, 6, 5]");
    assert_string_equal(ask(world, "DISTINCT compression", "parquet_metadata", path), "ZSTD");
}

static void test_nothing_in_range(void **state)
{
    World *world = *state;
    const Rel *rel =
        scan_sql(world, "SELECT make_timestamptz(5) AS ts, 1.5::FLOAT AS v", "ts", TIME_UNIT_NONE);
    RelWritten written = {.has_range = true};
    char *path = new_path(world);
    must(write_to(world, rel, (TimeSpan){6, 7}, path, &written));
    assert_int_equal(written.rows, 0);
    assert_false(written.has_range);
    assert_string_equal(ask(world, "count(*)", "read_parquet", path), "0");
}

/* min and max of every kind of time, told in µs. */
static void test_ranges(void **state)
{
    World *world = *state;
    static const struct {
        const char *low, *high;
        TimeUnit unit;
        const char *min, *max;
    } CASES[] = {
        {"-1500::BIGINT", "1500", TIME_UNIT_MS, "1969-12-31T23:59:58.5Z", "1970-01-01T00:00:01.5Z"},
        {"-1::BIGINT", "1999", TIME_UNIT_NS, "1969-12-31T23:59:59.999999Z",
         "1970-01-01T00:00:00.000001Z"},
        {"5::INTEGER", "2147483647", TIME_UNIT_S, "1970-01-01T00:00:05Z", "2038-01-19T03:14:07Z"},
        {"TIMESTAMP '0001-01-01'", "TIMESTAMP '9999-12-31 23:59:59.999999'", TIME_UNIT_NONE,
         "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"},
        {"TIMESTAMPTZ '1969-12-31 23:59:59.999999+00'", "TIMESTAMPTZ '2024-02-29 12:00:00.1+00'",
         TIME_UNIT_NONE, "1969-12-31T23:59:59.999999Z", "2024-02-29T12:00:00.1Z"},
        {"TIMESTAMP_NS '1969-12-31 23:59:59.999999999'",
         "TIMESTAMP_NS '2024-01-01 00:00:00.000001999'", TIME_UNIT_NONE,
         "1969-12-31T23:59:59.999999Z", "2024-01-01T00:00:00.000001Z"},
        {"DATE '1900-03-01'", "DATE '2100-01-01'", TIME_UNIT_NONE, "1900-03-01T00:00:00Z",
         "2100-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *sql = arena_printf(world->arena, "SELECT %s AS t UNION ALL SELECT %s", CASES[i].high,
                                 CASES[i].low);
        if (i == 0 || i == 1 || i == 2)
            sql = arena_printf(world->arena, "SELECT %s AS t UNION ALL SELECT %s", CASES[i].low,
                               CASES[i].high);
        RelWritten written = {0};
        must(write_to(world, scan_sql(world, sql, "t", CASES[i].unit), ALL, new_path(world),
                      &written));
        if (written.range.min != at(CASES[i].min) || written.range.max != at(CASES[i].max))
            fail_msg("case %zu: %s .. %s", i, time_format(world->arena, written.range.min),
                     time_format(world->arena, written.range.max));
    }
    /* before the common era: 0044-03-15 (BC) is astronomical year -43 */
    RelWritten written = {0};
    must(write_to(
        world,
        scan_sql(world, "SELECT TIMESTAMP '0044-03-15 (BC) 01:02:03.5' AS t", "t", TIME_UNIT_NONE),
        ALL, new_path(world), &written));
    assert_int_equal(written.range.min, INT64_C(-63517820276500000));
}

static void test_what_is_refused(void **state)
{
    World *world = *state;
    RelWritten written = {0};
    char *path = new_path(world);
    const Rel *rel = scan_sql(
        world, "SELECT CASE WHEN i <> 3 THEN make_timestamptz(i) END AS ts FROM range(5) r(i)",
        "ts", TIME_UNIT_NONE);
    expect_error(write_to(world, rel, ALL, path, &written), ERR_INVALID,
                 "/s.series: 1 of 5 rows have no time: \"ts\" is null");
    assert_false(exists(path));
    /* also where SQL makes the null, and only a part is written */
    const Rel *sql = NULL,
              *good = scan_sql(world, "SELECT make_timestamptz(i) AS ts FROM range(5) r(i)", "ts",
                               TIME_UNIT_NONE);
    must(rel_sql(world->arena, "/d",
                 "SELECT CASE WHEN ts < make_timestamptz(4) THEN ts END AS ts FROM s",
                 &(SqlInput){"s", good}, 1, &sql));
    expect_error(write_to(world, sql, (TimeSpan){0, 1}, path, &written), ERR_INVALID,
                 "/d: 1 of 3 rows have no time");
    assert_false(exists(path));

    const Rel *clash = NULL;
    must(rel_sql(world->arena, "/d", "SELECT ts, 1 AS \"Temp\", 2 AS temp FROM s",
                 &(SqlInput){"s", good}, 1, &clash));
    expect_error(write_to(world, clash, ALL, path, &written), ERR_INVALID,
                 "\"Temp\" and \"temp\" differ only in case");
    assert_false(exists(path));

    must(os_replace_file(path, "mine", 4));
    expect_error(write_to(world, good, ALL, path, &written), ERR_EXISTS, "exists already");
    assert_int_equal(written.rows, 0);
}

/* Parquet has no 128-bit integers: exact in a double, or an error. */
static void test_huge_integers(void **state)
{
    World *world = *state;
    RelWritten written = {0};
    const Rel *one = scan_sql(world, "SELECT make_timestamptz(1) AS ts, 9007199254740992 AS v",
                              "ts", TIME_UNIT_NONE),
              *sql = NULL;
    must(rel_sql(world->arena, "/d", "SELECT ts, v::HUGEINT AS v, -v::HUGEINT AS w FROM s",
                 &(SqlInput){"s", one}, 1, &sql));
    must(write_to(world, sql, ALL, new_path(world), &written));
    must(rel_sql(world->arena, "/d", "SELECT ts, v::HUGEINT * 2 AS v FROM s", &(SqlInput){"s", one},
                 1, &sql));
    char *path = new_path(world);
    expect_error(write_to(world, sql, ALL, path, &written), ERR_SQL,
                 "/d: \"v\" is HUGEINT with values beyond 2^53");
    must(rel_sql(world->arena, "/d", "SELECT ts, -v::HUGEINT - 1 AS v FROM s",
                 &(SqlInput){"s", one}, 1, &sql));
    expect_error(write_to(world, sql, ALL, path, &written), ERR_SQL, "\"v\" is HUGEINT");
    assert_false(exists(path));
}

/* What is stored for a while reads back as it was: types that Parquet does not have included. */
static void test_materialize(void **state)
{
    World *world = *state;
    const Rel *one = scan_sql(
        world, "SELECT make_timestamptz((i * 7 % 5) * 1000000) AS ts, i FROM range(5) r(i)", "ts",
        TIME_UNIT_NONE);
    static const char *const TIMES[] = {"ts",
                                        "ts::TIMESTAMP",
                                        "ts::TIMESTAMP::TIMESTAMP_S",
                                        "ts::TIMESTAMP::TIMESTAMP_MS",
                                        "ts::TIMESTAMP::TIMESTAMP_NS",
                                        "ts::DATE"};
    for (size_t i = 0; i < 6; i++) {
        char *query = arena_printf(
            world->arena,
            "SELECT %s AS ts, i::HUGEINT * 100000000000000000000 AS h, 'x' "
            "|| i AS \"A\", i = 2 AS a, "
            "i::DECIMAL(5,1) AS d, CASE WHEN i = 1 THEN 'nan'::DOUBLE ELSE "
            "-0.0 END AS f, NULL::FLOAT AS n, "
            "i::UTINYINT AS u, to_hours(i)::VARCHAR AS iv, NULL AS nul, [i, NULL] AS li, "
            "{'p q': i} AS st, 'b'::ENUM('a', 'b') AS en FROM s",
            TIMES[i]);
        const Rel *sql = NULL, *kept = NULL;
        must(rel_sql(world->arena, "/d", query, &(SqlInput){"s", one}, 1, &sql));
        char *rows = all_rows(world, sql), *path = new_path(world);
        must(materialized(world->plan, world->arena, world->conn, sql, ALL, path, &kept));
        assert_true(schema_equal(rel_schema(kept), rel_schema(sql)));
        assert_string_equal(rel_fingerprint(kept), rel_fingerprint(sql));
        assert_string_equal(rel_label(kept), "/d");
        assert_true(rel_is_in_order(kept) && rel_is_time_local(kept));
        assert_string_equal(all_rows(world, kept), rows);
        assert_string_equal(rows_in(world, kept, US_PER_SECOND, 3 * US_PER_SECOND),
                            rows_in(world, sql, US_PER_SECOND, 3 * US_PER_SECOND));
        /* and under operators */
        const Rel *inputs[] = {kept, sql}, *both = NULL;
        must(rel_union(world->arena, "/u", inputs, 2, &both));
        assert_int_equal(strlen(all_rows(world, both)), 2 * strlen(rows));
    }
    const Rel *part = NULL;
    must(materialized(world->plan, world->arena, world->conn, one, (TimeSpan){0, US_PER_SECOND},
                      new_path(world), &part));
    assert_string_equal(all_rows(world, part), "1970-01-01T00:00:00Z|0\n1970-01-01T00:00:01Z|3\n");
    RelExtent extent = rel_extent(world->arena, part);
    assert_int_equal(extent.intervals[0].max, US_PER_SECOND);
    must(materialized(world->plan, world->arena, world->conn, one, (TimeSpan){-9, -8},
                      new_path(world), &part));
    assert_string_equal(all_rows(world, part), "");
}

/* Two writes of one range are one file, byte for byte. */
static void test_same_bytes(void **state)
{
    World *world = *state;
    BucketAgg aggs[] = {{AGG_AVG, "v", "v.avg"}};
    const Rel *rel = NULL,
              *scan = scan_sql(
                  world,
                  "SELECT make_timestamptz(i * 1000000) AS ts, sin(i) AS v FROM range(50000) r(i)",
                  "ts", TIME_UNIT_NONE);
    must(rel_bucket(world->plan, world->arena, scan,
                    &(BucketSpec){.label = "/r",
                                  .time_column = "ts",
                                  .width_us = US_PER_MINUTE,
                                  .base_width_us = US_PER_MINUTE,
                                  .aggs = aggs,
                                  .agg_count = 1},
                    &rel));
    char hash[2][65];
    for (int i = 0; i < 2; i++) {
        RelWritten written;
        int64_t size;
        char *path = new_path(world);
        must(write_to(world, rel, ALL, path, &written));
        assert_int_equal(written.rows, 834);
        must(os_sha256_file(path, &size, hash[i]));
    }
    assert_string_equal(hash[0], hash[1]);
}

/* ---- threads ---- */

typedef struct Worker {
    pthread_t thread;
    World *world;
    const Rel *rel;
    TimeUs from;
    char *path, hash[65];
} Worker;

static Err *write_part(const Worker *worker)
{
    SCRATCH(arena);
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    TRY(engine_connect(&conn));
    RelWritten written;
    const RelWrite write = {
        .read = {.span = {worker->from, worker->from + US_PER_DAY - 1}, .sorted = true},
        .path = worker->path};
    return rel_write(worker->world->plan, arena, conn, worker->rel, &write, &written);
}

static void *work(void *context)
{
    return write_part(context);
}

/* A resolved tree is run by several threads at once, and each part is what it is alone. */
static void test_threads(void **state)
{
    World *world = *state;
    enum { DAYS = 8 };
    BucketAgg aggs[] = {{AGG_AVG, "v", "v"}, {AGG_STDDEV, "v", "d"}};
    const Rel *bucket = NULL, *sql = NULL, *both = NULL;
    const Rel *scan = scan_sql(
        world, "SELECT make_timestamptz(i * 10000000) AS ts, sin(i) AS v FROM range(69120) r(i)",
        "ts", TIME_UNIT_NONE);
    must(rel_bucket(world->plan, world->arena, scan,
                    &(BucketSpec){.label = "/r",
                                  .time_column = "ts",
                                  .width_us = 2 * US_PER_HOUR,
                                  .base_width_us = US_PER_HOUR,
                                  .aggs = aggs,
                                  .agg_count = 2},
                    &bucket));
    must(rel_sql(world->arena, "/d",
                 "SELECT ts, v, d FROM b UNION ALL SELECT ts, v, NULL FROM s WHERE v > 0.999",
                 (SqlInput[]){{"b", bucket}, {"s", scan}}, 2, &sql));
    const Rel *inputs[] = {bucket, sql};
    must(rel_union(world->arena, "/u", inputs, 2, &both));
    must(plan_resolve(world->plan, both));
    Worker workers[2][DAYS];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < DAYS; i++) {
            Worker *worker = &workers[round][i];
            *worker = (Worker){
                .world = world, .rel = both, .from = i * US_PER_DAY, .path = new_path(world)};
            if (round == 0)
                must(write_part(worker));
            else
                assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
        }
    }
    for (int i = 0; i < DAYS; i++) {
        void *err = NULL;
        int64_t size;
        assert_int_equal(pthread_join(workers[1][i].thread, &err), 0);
        must(err);
        for (int round = 0; round < 2; round++)
            must(os_sha256_file(workers[round][i].path, &size, workers[round][i].hash));
        assert_string_equal(workers[0][i].hash, workers[1][i].hash);
    }
}

static void test_explain(void **state)
{
    World *world = *state;
    BucketAgg aggs[] = {{AGG_SUM, "v", "v"}};
    const Rel *rel = NULL, *sql = NULL,
              *scan =
                  scan_sql(world, "SELECT make_timestamptz(0) AS ts, 1 AS v", "ts", TIME_UNIT_NONE);
    must(rel_bucket(world->plan, world->arena, scan,
                    &(BucketSpec){.label = "/r",
                                  .time_column = "ts",
                                  .width_us = US_PER_HOUR,
                                  .base_width_us = US_PER_HOUR,
                                  .aggs = aggs,
                                  .agg_count = 1},
                    &rel));
    must(rel_sql(world->arena, "/d", "SELECT *\nFROM r", &(SqlInput){"r", rel}, 1, &sql));
    char *text = NULL;
    expect_error(
        rel_explain(world->plan, world->arena, sql, (RelRead){.span = ALL, .sorted = true}, &text),
        ERR_INTERNAL, "before plan_resolve");
    must(plan_resolve(world->plan, sql));
    must(
        rel_explain(world->plan, world->arena, sql, (RelRead){.span = ALL, .sorted = true}, &text));
    assert_non_null(strstr(text, "FROM bucket_1()"));
    assert_non_null(strstr(text, "-- bucket_1 of /r reads\nSELECT c0, CAST(c1 AS BIGINT)"));
    assert_non_null(strstr(text, "read_parquet("));
    assert_string_equal(
        rel_tree_text(world->arena, sql),
        "sql /d\n  | SELECT *\n  | FROM r\n"
        "  bucket /r 1h, 1 aggregate\n    scan /s.series 1 file, 1 row, not in time order\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_file),          WORLD_TEST(test_nothing_in_range),
        WORLD_TEST(test_ranges),        WORLD_TEST(test_what_is_refused),
        WORLD_TEST(test_huge_integers), WORLD_TEST(test_materialize),
        WORLD_TEST(test_same_bytes),    WORLD_TEST(test_threads),
        WORLD_TEST(test_explain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
