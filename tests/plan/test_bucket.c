/* Buckets: every aggregate against arithmetic done by hand or by Python, and the promise that bits
 * do not depend on how the work is cut. */
#include "plan/plan_int.h"
#include "plan_test.h"

#define H US_PER_HOUR

static const Rel *bucket_of(World *world, const Rel *input, BucketSpec spec)
{
    const Rel *rel = NULL;
    if (spec.label == NULL) spec.label = "/r/res=1h.series";
    if (spec.time_column == NULL) spec.time_column = "ts";
    if (spec.width_us == 0) spec.width_us = H;
    if (spec.base_width_us == 0) spec.base_width_us = spec.width_us;
    must(rel_bucket(world->plan, world->arena, input, &spec, &rel));
    must(plan_resolve(world->plan, rel));
    return rel;
}

static const Rel *scan_sql(World *world, const char *sql)
{
    ScanFile file = make_file(world, sql, "ts", TIME_UNIT_NONE);
    return scan_of(world, &file, 1);
}

static const Rel *hours_of(World *world, const char *sql, BucketAgg *aggs, size_t count)
{
    return bucket_of(world, scan_sql(world, sql), (BucketSpec){.aggs = aggs, .agg_count = count});
}

/* One column "v" of the values, a minute apart from 1970 on; aggregated in one hour. */
static char *one_hour(World *world, const char *values, BucketAgg *aggs, size_t count)
{
    char *sql =
        arena_printf(world->arena,
                     "SELECT make_timestamptz((row_number() OVER () - 1) * 60000000) AS ts, v FROM "
                     "(SELECT unnest([%s]) AS v)",
                     values);
    return all_rows(world, hours_of(world, sql, aggs, count)) + strlen("1970-01-01T00:00:00Z|");
}

static void test_every_aggregate(void **state)
{
    World *world = *state;
    BucketAgg aggs[] = {
        {AGG_COUNT, NULL, "timestamp.count"},
        {AGG_COUNT, "v", "v.count"},
        {AGG_SUM, "v", "v.sum"},
        {AGG_AVG, "v", "v.avg"},
        {AGG_MIN, "v", "v.min"},
        {AGG_MAX, "v", "v.max"},
        {AGG_FIRST, "v", "v.first"},
        {AGG_LAST, "v", "v.last"},
        {AGG_STDDEV, "v", "v.stddev"},
    };
    const Rel *rel =
        hours_of(world,
                 "SELECT * FROM (VALUES (TIMESTAMPTZ '2024-01-01 00:50:00+00', 7.0::DOUBLE),"
                 "('2024-01-01 00:10:00+00', NULL), ('2024-01-01 00:20:00+00', 2.0),"
                 "('2024-01-01 00:30:00+00', 4.5), ('2024-01-01 02:00:00+00', 1.25),"
                 "('2024-01-01 03:59:59.999999+00', NULL)) AS t(ts, v)",
                 aggs, 9);
    /* statistics.stdev([2, 4.5, 7]) = 2.5 */
    assert_string_equal(all_rows(world, rel),
                        "2024-01-01T00:00:00Z|4|3|13.5|4.5|2|7|2|7|2.5\n"
                        "2024-01-01T02:00:00Z|1|1|1.25|1.25|1.25|1.25|1.25|1.25|NULL\n"
                        "2024-01-01T03:00:00Z|1|0|NULL|NULL|NULL|NULL|NULL|NULL|NULL\n");
    const Schema *schema = rel_schema(rel);
    static const char *const TYPES[] = {TZ,       "BIGINT", "BIGINT", "DOUBLE", "DOUBLE",
                                        "DOUBLE", "DOUBLE", "DOUBLE", "DOUBLE", "DOUBLE"};
    for (size_t i = 0; i < 10; i++) assert_string_equal(schema->columns[i].type, TYPES[i]);
    assert_string_equal(schema->columns[0].name, "ts");
    assert_string_equal(schema->columns[9].name, "v.stddev");
}

static BucketAgg FOUR[] = {{AGG_MIN, "v", "min"},
                           {AGG_MAX, "v", "max"},
                           {AGG_FIRST, "v", "first"},
                           {AGG_LAST, "v", "last"}};
static BucketAgg SUMS[] = {
    {AGG_SUM, "v", "sum"}, {AGG_AVG, "v", "avg"}, {AGG_STDDEV, "v", "sd"}, {AGG_COUNT, "v", "n"}};

static void test_integers(void **state)
{
    World *world = *state;
    assert_string_equal(one_hour(world, "3::TINYINT, -128, NULL, 127", FOUR, 4),
                        "-128|127|3|127\n");
    assert_string_equal(one_hour(world, "65535::USMALLINT, 0", FOUR, 4), "0|65535|65535|0\n");
    assert_string_equal(one_hour(world, "3::INTEGER, 5, NULL, 1", SUMS, 4), "9|3|2|3\n");
    assert_string_equal(one_hour(world, "9223372036854775807, -9223372036854775808, 0", FOUR, 4),
                        "-9223372036854775808|9223372036854775807|9223372036854775807|0\n");
    /* passes BIGINT on the way and comes back */
    BucketAgg sum = {AGG_SUM, "v", "sum"};
    assert_string_equal(
        one_hour(world, "9223372036854775807, 1, -9223372036854775807, 41", &sum, 1), "42\n");
    assert_string_equal(one_hour(world, "18446744073709551615::UBIGINT, 0", FOUR + 1, 1),
                        "-1\n"); /* as bits */
    assert_string_equal(one_hour(world, "true, false, NULL", FOUR, 4), "0|1|1|0\n");
}

static void test_overflow(void **state)
{
    World *world = *state;
    BucketAgg sum = {AGG_SUM, "v", "v.sum"};
    const Rel *rel =
        hours_of(world,
                 "SELECT make_timestamptz(i * 1800000000) AS ts, CASE WHEN i < 2 THEN 1 ELSE "
                 "9223372036854775807 END AS v FROM range(4) r(i)",
                 &sum, 1);
    char *rows = NULL;
    expect_error(
        rows_of(world, rel, (RelRead){.span = ALL}, &rows), ERR_INVALID,
        "/r/res=1h.series: the sum of \"v\" in the bucket of 1970-01-01T01:00:00Z does not fit");
    assert_string_equal(rows_in(world, rel, 0, 1), "1970-01-01T00:00:00Z|2\n");
}

static void test_huge_integers(void **state)
{
    World *world = *state;
    /* Parquet has no HUGEINT, user SQL has */
    const Rel *input = scan_sql(
                  world, "SELECT make_timestamptz(i * 60000000) AS ts, i FROM range(3) r(i)"),
              *sql = NULL;
    must(rel_sql(
        world->arena, "/d",
        "SELECT ts, 170141183460469231731687303715884105727 - i::HUGEINT AS v FROM s ORDER BY ts",
        &(SqlInput){"s", input}, 1, &sql));
    must(plan_resolve(world->plan, sql));
    BucketAgg sum = {AGG_SUM, "v", "v.sum"};
    char *rows = NULL;
    expect_error(rows_of(world, bucket_of(world, sql, (BucketSpec){.aggs = &sum, .agg_count = 1}),
                         (RelRead){.span = ALL}, &rows),
                 ERR_INVALID, "does not fit");
    const Rel *rel = bucket_of(world, sql, (BucketSpec){.aggs = FOUR, .agg_count = 4});
    assert_string_equal(rel_schema(rel)->columns[1].type, "HUGEINT");
    assert_string_equal(
        all_rows(world, rel),
        "1970-01-01T00:00:00Z|9223372036854775807:18446744073709551613|"
        "9223372036854775807:18446744073709551615|9223372036854775807:18446744073709551615|"
        "9223372036854775807:18446744073709551613\n");
}

static void test_doubles(void **state)
{
    World *world = *state;
    assert_string_equal(one_hour(world, "'nan'::DOUBLE, 1, 3", FOUR, 4), "1|nan|nan|3\n");
    assert_string_equal(one_hour(world, "1::DOUBLE, 'nan', 3", SUMS, 3), "nan|nan|nan\n");
    assert_string_equal(one_hour(world, "'nan'::DOUBLE, NULL", FOUR, 4), "nan|nan|nan|nan\n");
    BucketAgg three[] = {{AGG_SUM, "v", "a"}, {AGG_MIN, "v", "b"}, {AGG_MAX, "v", "c"}};
    assert_string_equal(one_hour(world, "1::DOUBLE, 'nan', 3", three, 3), "nan|1|nan\n");
    assert_string_equal(one_hour(world, "'nan'::DOUBLE, 1, -3, 7", three, 3), "nan|-3|nan\n");
    assert_string_equal(one_hour(world, "1::DOUBLE, 'nan', 3, NULL", three, 3), "nan|1|nan\n");
    assert_string_equal(one_hour(world, "'-inf'::DOUBLE, 2, 'inf', NULL", FOUR, 4),
                        "-inf|inf|-inf|inf\n");
    assert_string_equal(one_hour(world, "'inf'::DOUBLE, 2", SUMS, 2), "inf|inf\n");
    assert_string_equal(one_hour(world, "0.1::FLOAT, 0.25", FOUR, 4),
                        "0.10000000149011612|0.25|0.10000000149011612|0.25\n");
    /* statistics.stdev([1e8 + 4, 1e8 + 7, 1e8 + 13, 1e8 + 16]): sums of squares would lose it */
    assert_string_equal(
        one_hour(world, "100000004::DOUBLE, 100000007, 100000013, 100000016", SUMS, 4),
        "400000040|100000010|5.4772255750516612|4\n");
    /* plain addition from the left: (1e16 + 1) - 1e16 = 0 */
    assert_string_equal(one_hour(world, "1e16::DOUBLE, 1, -1e16", SUMS, 1), "0\n");
}

static void test_other_types(void **state)
{
    World *world = *state;
    assert_string_equal(one_hour(world, "'b'::VARCHAR, NULL, 'a', 'ab', 'ä', ''", FOUR, 4),
                        "|ä|b|\n");
    assert_string_equal(one_hour(world, "'\\x42\\xFF'::BLOB, '\\x42', '\\x41\\x43'", FOUR, 1),
                        "AC\n");
    assert_string_equal(one_hour(world, "DATE '2024-02-29', DATE '1969-12-31'", FOUR, 4),
                        "-1|19782|19782|-1\n");
    assert_string_equal(
        one_hour(world, "TIMESTAMP '9999-12-31 23:59:59.999999', TIMESTAMP '0001-01-01'", FOUR, 2),
        "0001-01-01T00:00:00Z|9999-12-31T23:59:59.999999Z\n");
    assert_string_equal(one_hour(world, "TIMESTAMP_NS '2024-01-01 00:00:00.000000007'", FOUR, 1),
                        "1704067200000000007\n");
    BucketAgg count = {AGG_COUNT, "v", "n"};
    assert_string_equal(one_hour(world, "[1, 2], NULL, []", &count, 1), "2\n");
    assert_string_equal(one_hour(world, "{'a': 1}, {'a': NULL}, NULL", &count, 1), "2\n");
}

/* DECIMAL keeps its digits in min, max, first, last; arithmetic is done in DOUBLE. */
static void test_decimals(void **state)
{
    World *world = *state;
    const Rel *rel = hours_of(world,
                              "SELECT make_timestamptz(i) AS ts, CASE i WHEN 0 THEN -0.05 WHEN 1 "
                              "THEN 12345678901234567890.12 "
                              "ELSE 7 END::DECIMAL(38,2) AS v FROM range(3) r(i)",
                              FOUR, 4);
    assert_string_equal(rel_schema(rel)->columns[1].type, "DECIMAL(38,2)");
    ProjectColumn columns[] = {{"min", "a", "VARCHAR"},
                               {"max", "b", "VARCHAR"},
                               {"first", "c", "VARCHAR"},
                               {"last", "d", "VARCHAR"}};
    const Rel *text = NULL;
    must(rel_project(world->arena, rel, columns, 4, &text));
    assert_string_equal(all_rows(world, text), "-0.05|12345678901234567890.12|-0.05|7.00\n");
    assert_string_equal(one_hour(world, "0.5::DECIMAL(4,1), 1.5, NULL", SUMS, 4),
                        "2|1|0.70710678118654757|2\n");
}

static void test_what_has_no_arithmetic(void **state)
{
    World *world = *state;
    static const char *const VALUES[] = {"'x'", "true", "DATE '2024-01-01'", "[1]",
                                         "make_timestamptz(1)"};
    static const char *const TYPES[] = {"VARCHAR", "BOOLEAN", "DATE", "INTEGER[]", TZ};
    for (size_t i = 0; i < 5; i++) {
        const Rel *scan =
            scan_sql(world, arena_printf(world->arena, "SELECT make_timestamptz(0) AS ts, %s AS v",
                                         VALUES[i]));
        for (size_t k = 0; k < 3; k++) {
            const Rel *rel = NULL;
            BucketSpec spec = {.label = "/r",
                               .time_column = "ts",
                               .width_us = H,
                               .base_width_us = H,
                               .aggs = &SUMS[k],
                               .agg_count = 1};
            Err *err = rel_bucket(world->plan, world->arena, scan, &spec, &rel);
            if (err == NULL || strstr(err_message(err), TYPES[i]) == NULL) fail_msg("%s", TYPES[i]);
            expect_error(err, ERR_INVALID, "of column \"v\"");
        }
    }
}

static void test_specs_that_make_no_sense(void **state)
{
    World *world = *state;
    const Rel *scan = scan_sql(world, "SELECT make_timestamptz(0) AS ts, 1 AS v"), *rel = NULL;
    BucketAgg no_column = {AGG_SUM, NULL, "x"}, unknown = {AGG_SUM, "w", "x"},
              like_time = {AGG_SUM, "v", "ts"};
    BucketAgg twice[] = {{AGG_SUM, "v", "x"}, {AGG_MIN, "v", "x"}};
    const BucketSpec good = {.label = "/r", .time_column = "ts", .width_us = H, .base_width_us = H};
    BucketSpec spec = good;
    spec.width_us = 0;
    expect_error(rel_bucket(world->plan, world->arena, scan, &spec, &rel), ERR_INVALID,
                 "width of a bucket");
    spec = good;
    spec.base_width_us = 2 * H;
    expect_error(rel_bucket(world->plan, world->arena, scan, &spec, &rel), ERR_INVALID,
                 "no multiple");
    spec = good;
    spec.zone = "Mars/Olympus";
    expect_error(rel_bucket(world->plan, world->arena, scan, &spec, &rel), ERR_NOT_FOUND,
                 "Mars/Olympus");
    spec = good;
    spec.time_column = "tss";
    expect_error(rel_bucket(world->plan, world->arena, scan, &spec, &rel), ERR_NOT_FOUND,
                 "\"tss\"");
    spec.time_column = "v";
    expect_error(rel_bucket(world->plan, world->arena, scan, &spec, &rel), ERR_INVALID,
                 "not a time");
    spec = good;
    spec.agg_count = 1;
    spec.aggs = &no_column;
    expect_error(rel_bucket(world->plan, world->arena, scan, &spec, &rel), ERR_INVALID,
                 "names no column");
    spec.aggs = &unknown;
    expect_error(rel_bucket(world->plan, world->arena, scan, &spec, &rel), ERR_NOT_FOUND,
                 "no column \"w\"");
    spec.aggs = &like_time;
    expect_error(rel_bucket(world->plan, world->arena, scan, &spec, &rel), ERR_INVALID,
                 "named like the time");
    spec.aggs = twice;
    spec.agg_count = 2;
    expect_error(rel_bucket(world->plan, world->arena, scan, &spec, &rel), ERR_INVALID,
                 "two results are named");
}

static void test_kinds_of_time(void **state)
{
    World *world = *state;
    BucketAgg count = {AGG_COUNT, NULL, "n"};
    static const struct {
        const char *expr;
        TimeUnit unit;
    } TIMES[] = {
        {"-1 - i", TIME_UNIT_S},
        {"((-1 - i) * 1000)", TIME_UNIT_MS},
        {"(-1 - i) * 1000000000 + 1", TIME_UNIT_NS},
        {"(-1 - i)::INTEGER", TIME_UNIT_S},
        {"make_timestamp((-1 - i) * 1000000)", TIME_UNIT_NONE},
        {"make_timestamp_ns((-1 - i) * 1000000000 + 999)", TIME_UNIT_NONE},
    };
    for (size_t i = 0; i < sizeof TIMES / sizeof *TIMES; i++) {
        char *sql =
            arena_printf(world->arena, "SELECT %s AS ts FROM range(3601) r(i)", TIMES[i].expr);
        ScanFile file = make_file(world, sql, "ts", TIMES[i].unit);
        const Rel *rel = bucket_of(world, scan_of(world, &file, 1),
                                   (BucketSpec){.aggs = &count, .agg_count = 1});
        assert_string_equal(all_rows(world, rel),
                            "1969-12-31T22:00:00Z|1\n1969-12-31T23:00:00Z|3600\n");
    }
    char *days = all_rows(
        world, hours_of(world, "SELECT DATE '9999-12-31' AS ts UNION ALL SELECT DATE '0001-01-01'",
                        &count, 1));
    assert_string_equal(days, "0001-01-01T00:00:00Z|1\n9999-12-31T00:00:00Z|1\n");
}

static void test_another_time_column(void **state)
{
    World *world = *state;
    BucketAgg count = {AGG_COUNT, NULL, "n"};
    const Rel *scan = scan_sql(
        world, "SELECT make_timestamptz(i) AS ts, make_timestamp((7 - i) * 1800000000) AS other "
               "FROM range(8) r(i)");
    const Rel *rel = bucket_of(
        world, scan, (BucketSpec){.time_column = "other", .aggs = &count, .agg_count = 1});
    assert_string_equal(rel_schema(rel)->columns[0].name, "other");
    assert_string_equal(rows_in(world, rel, H, 2 * H),
                        "1970-01-01T01:00:00Z|2\n1970-01-01T02:00:00Z|2\n");
    assert_false(rel_is_time_local(rel));
}

static void test_null_time_and_disorder(void **state)
{
    World *world = *state;
    BucketAgg count = {AGG_COUNT, NULL, "n"};
    char *rows = NULL;
    const Rel *rel = hours_of(
        world, "SELECT CASE WHEN i <> 2 THEN make_timestamptz(i) END AS ts FROM range(4) r(i)",
        &count, 1);
    expect_error(rows_of(world, rel, (RelRead){.span = ALL}, &rows), ERR_INVALID,
                 "/s.series has no time: \"ts\" is null");
    ScanFile file =
        make_file(world, "SELECT make_timestamptz((i * 37) % 5000) AS ts FROM range(5000) r(i)",
                  "ts", TIME_UNIT_NONE);
    file = with_span(world, file, 0, 4999); /* says that it is in order, which it is not */
    rel = bucket_of(world, scan_of(world, &file, 1), (BucketSpec){.aggs = &count, .agg_count = 1});
    expect_error(rows_of(world, rel, (RelRead){.span = ALL}, &rows), ERR_CORRUPT,
                 "not in the order that was recorded");
}

/* ---- cutting ---- */

/* 20,000 rows in 3 h 20 min, values whose sums depend on the order of additions, some null. */
static ScanFile bumpy(World *world)
{
    ScanFile file =
        make_file(world,
                  "SELECT make_timestamptz(i * 600000) AS ts, CASE WHEN i % 97 <> 0 THEN "
                  "sin(i * 12.9898) * exp((i % 41) - 20) END AS v, (hash(i) % 1000)::INTEGER AS k, "
                  "'s' || (i % 13) AS s FROM range(20000) r(i)",
                  "ts", TIME_UNIT_NONE);
    return with_span(world, file, 0, 19999 * INT64_C(600000));
}

static BucketAgg EVERYTHING[] = {
    {AGG_SUM, "v", "a"},    {AGG_AVG, "v", "b"},    {AGG_STDDEV, "v", "c"}, {AGG_MIN, "v", "d"},
    {AGG_MAX, "v", "e"},    {AGG_FIRST, "v", "f"},  {AGG_LAST, "v", "g"},   {AGG_SUM, "k", "h"},
    {AGG_STDDEV, "k", "i"}, {AGG_FIRST, "s", "j"},  {AGG_LAST, "s", "k"},   {AGG_MIN, "s", "l"},
    {AGG_COUNT, "v", "m"},  {AGG_COUNT, NULL, "n"}, {AGG_MAX, "k", "o"},
};
enum { EVERYTHING_COUNT = sizeof EVERYTHING / sizeof *EVERYTHING };

static const Rel *everything(World *world, const Rel *input, int64_t width, int64_t base)
{
    return bucket_of(world, input,
                     (BucketSpec){.width_us = width,
                                  .base_width_us = base,
                                  .aggs = EVERYTHING,
                                  .agg_count = EVERYTHING_COUNT});
}

/* Bits do not depend on how the range is cut, nor on how rows lie in files. */
static void test_any_cut_gives_the_same_bits(void **state)
{
    World *world = *state;
    ScanFile file = bumpy(world);
    const Rel *rel = everything(world, scan_of(world, &file, 1), H / 6, H / 6);
    char *whole = all_rows(world, rel);
    static const int64_t STEPS[] = {H / 6, H, H / 7, INT64_C(1234567890)};
    for (size_t i = 0; i < 4; i++) {
        Buf parts = buf_new(world->arena);
        for (TimeUs from = -H; from < 5 * H; from += STEPS[i])
            buf_puts(&parts, rows_in(world, rel, from, from + STEPS[i] - 1));
        assert_string_equal(parts.data, whole);
    }
    /* in files of 777 rows, listed backwards: other chunks, other order of files */
    ScanFile pieces[26];
    for (int i = 0; i < 26; i++) {
        char *sql = arena_printf(world->arena, "SELECT * FROM '%s' LIMIT 777 OFFSET %d", file.path,
                                 (25 - i) * 777);
        int64_t first = (25 - i) * 777, last = first + 776 < 19999 ? first + 776 : 19999;
        pieces[i] = with_span(world, make_file(world, sql, "ts", TIME_UNIT_NONE), first * 600000,
                              last * 600000);
    }
    assert_string_equal(
        all_rows(world, everything(world, scan_of(world, pieces, 26), H / 6, H / 6)), whole);
    for (int i = 0; i < 26; i++) pieces[i].in_order = false; /* sorted by the engine */
    assert_string_equal(
        all_rows(world, everything(world, scan_of(world, pieces, 26), H / 6, H / 6)), whole);
}

/* Chunks without nulls take another way through the code, with the same result to the bit. */
static void test_nulls_change_no_bit(void **state)
{
    World *world = *state;
    ScanFile holed = bumpy(world);
    char *sql = arena_printf(world->arena, "SELECT * FROM '%s' WHERE v IS NOT NULL", holed.path);
    ScanFile full =
        with_span(world, make_file(world, sql, "ts", TIME_UNIT_NONE), 0, 19999 * INT64_C(600000));
    static const size_t PICKS[][3] = {{0, 3, 4}, {1, 2, 5}, {0, 2, 6}, {3, 0, 12}, {2, 4, 6}};
    for (size_t i = 0; i < sizeof PICKS / sizeof *PICKS; i++) {
        BucketAgg aggs[] = {EVERYTHING[PICKS[i][0]], EVERYTHING[PICKS[i][1]],
                            EVERYTHING[PICKS[i][2]]};
        BucketSpec spec = {.width_us = H / 3, .aggs = aggs, .agg_count = 3};
        assert_string_equal(all_rows(world, bucket_of(world, scan_of(world, &full, 1), spec)),
                            all_rows(world, bucket_of(world, scan_of(world, &holed, 1), spec)));
    }
}

static const Rel *stored(World *world, const Rel *rel, TimeSpan span)
{
    const Rel *out = NULL;
    must(materialized(world->plan, world->arena, world->conn, rel, span, new_path(world), &out));
    return out;
}

/* A width that nests is the fold of the finest, whether its partials are stored or not. */
static void test_fold(void **state)
{
    World *world = *state;
    ScanFile file = bumpy(world);
    const Rel *scan = scan_of(world, &file, 1);
    const Rel *fine = everything(world, scan, H / 6, H / 6),
              *wide = everything(world, scan, H, H / 6);
    const Rel *partials = rel_bucket_partials(world->arena, fine);
    assert_string_equal(rel_fingerprint(partials),
                        rel_fingerprint(rel_bucket_partials(world->arena, wide)));
    const Rel *kept = stored(world, partials, ALL);
    assert_string_equal(rel_fingerprint(kept), rel_fingerprint(partials));
    const Rel *both[] = {fine, wide};
    for (int i = 0; i < 2; i++) {
        const Rel *over = rel_bucket_over(world->arena, both[i], kept);
        assert_string_equal(all_rows(world, over), all_rows(world, both[i]));
        assert_string_equal(rows_in(world, over, H, 2 * H), rows_in(world, both[i], H, 2 * H));
        assert_string_equal(rel_fingerprint(over), rel_fingerprint(both[i]));
        assert_string_equal(rel_label(over), rel_label(both[i]));
    }
    /* to the last bits it is not the direct computation: the fold is what is promised */
    assert_string_not_equal(all_rows(world, wide), all_rows(world, everything(world, scan, H, H)));
    assert_null(rel_bucket_partials(world->arena, scan));
}

/* avg, sum, stddev of an hour from its six parts, done here by Chan's formulas on what the parts
 * say. */
static void test_fold_is_chans(void **state)
{
    World *world = *state;
    ScanFile file = bumpy(world);
    BucketAgg aggs[] = {{AGG_SUM, "v", "s"}, {AGG_COUNT, "v", "n"}, {AGG_STDDEV, "v", "d"}};
    const Rel *scan = scan_of(world, &file, 1);
    BucketSpec spec = {.width_us = H / 6, .aggs = aggs, .agg_count = 3};
    char *fine = rows_in(world, bucket_of(world, scan, spec), 0, H - 1);
    spec.width_us = H;
    spec.base_width_us = H / 6;
    char *wide = rows_in(world, bucket_of(world, scan, spec), 0, H - 1);
    double sum = 0, mean = 0, m2 = 0, n = 0;
    for (char *line = fine; *line != '\0'; line = strchr(line, '\n') + 1) {
        double s, d;
        int k;
        assert_int_equal(sscanf(line + 21, "%lf|%d|%lf", &s, &k, &d), 3);
        double delta = s / k - mean;
        m2 += d * d * (k - 1) + delta * delta * n * k / (n + k);
        mean += delta * k / (n + k);
        sum += s;
        n += k;
    }
    double s, d;
    int k;
    assert_int_equal(sscanf(wide + 21, "%lf|%d|%lf", &s, &k, &d), 3);
    assert_true(s == sum);
    assert_true(k == (int)n);
    assert_true(d > 0 && (d - __builtin_sqrt(m2 / (n - 1))) / d < 1e-12 &&
                (d - __builtin_sqrt(m2 / (n - 1))) / d > -1e-12);
}

static void test_partials_of_every_type(void **state)
{
    World *world = *state;
    const Rel *scan = scan_sql(
        world,
        "SELECT make_timestamptz(i * 60000000) AS ts, (i - 50)::UTINYINT AS a, "
        "(18446744073709551615 - i)::UBIGINT AS b, "
        "((i - 60) * 1000000000000000.001)::DECIMAL(38,3) AS c, i % 2 = 0 AS d, 'x' || i AS e, "
        "DATE '1970-01-01' - i::INTEGER AS f, make_timestamp_ns(-i) AS g, uuid_blob::BLOB AS h, "
        "CASE WHEN i % 30 = 0 THEN i::FLOAT END AS j FROM (SELECT i, chr((65 + i % "
        "26)::INTEGER)::BLOB AS uuid_blob "
        "FROM range(50, 250) r(i))");
    static const char *const NAMES[] = {"a", "b", "c", "d", "e", "f", "g", "h", "j"};
    BucketAgg aggs[36];
    for (size_t i = 0; i < 36; i++)
        aggs[i] =
            (BucketAgg){FOUR[i % 4].kind, NAMES[i / 4], arena_printf(world->arena, "r%zu", i)};
    const Rel *rel = bucket_of(
        world, scan,
        (BucketSpec){.width_us = H, .base_width_us = H / 12, .aggs = aggs, .agg_count = 36});
    const Rel *over = rel_bucket_over(world->arena, rel,
                                      stored(world, rel_bucket_partials(world->arena, rel), ALL));
    char *rows = all_rows(world, rel);
    assert_string_equal(all_rows(world, over), rows);
    assert_non_null(strstr(rows, "1970-01-01T03:00:00Z|130|189|130|189|"));
}

/* 25 hours on the day the clocks go back: local days from hours. */
static void test_zone(void **state)
{
    World *world = *state;
    BucketAgg aggs[] = {{AGG_COUNT, NULL, "n"}, {AGG_MIN, "v", "min"}};
    const Rel *scan = scan_sql(
        world, "SELECT TIMESTAMPTZ '2024-11-02 00:00:00+00' + i * INTERVAL 10 MINUTE AS ts, i AS v "
               "FROM range(432) r(i)");
    BucketSpec spec = {
        .width_us = US_PER_DAY, .zone = "America/New_York", .aggs = aggs, .agg_count = 2};
    const char *expected =
        "2024-11-01T04:00:00Z|24|0\n2024-11-02T04:00:00Z|144|24\n2024-11-03T04:00:00Z|150|168\n"
        "2024-11-04T05:00:00Z|114|318\n";
    assert_string_equal(all_rows(world, bucket_of(world, scan, spec)), expected);
    spec.base_width_us = H;
    const Rel *rel = bucket_of(world, scan, spec);
    assert_string_equal(all_rows(world, rel), expected);
    assert_string_equal(rows_in(world, rel, at("2024-11-03"), at("2024-11-04")),
                        "2024-11-03T04:00:00Z|150|168\n");
}

static void test_origin(void **state)
{
    World *world = *state;
    BucketAgg count = {AGG_COUNT, NULL, "n"};
    const Rel *scan =
        scan_sql(world, "SELECT make_timestamptz(i * 3600000000) AS ts FROM range(-24, 24) r(i)");
    const Rel *rel = bucket_of(
        world, scan,
        (BucketSpec){.width_us = US_PER_DAY, .origin = 6 * H, .aggs = &count, .agg_count = 1});
    assert_string_equal(
        all_rows(world, rel),
        "1969-12-30T06:00:00Z|6\n1969-12-31T06:00:00Z|24\n1970-01-01T06:00:00Z|18\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_every_aggregate),
        WORLD_TEST(test_integers),
        WORLD_TEST(test_overflow),
        WORLD_TEST(test_huge_integers),
        WORLD_TEST(test_doubles),
        WORLD_TEST(test_other_types),
        WORLD_TEST(test_decimals),
        WORLD_TEST(test_what_has_no_arithmetic),
        WORLD_TEST(test_specs_that_make_no_sense),
        WORLD_TEST(test_kinds_of_time),
        WORLD_TEST(test_another_time_column),
        WORLD_TEST(test_null_time_and_disorder),
        WORLD_TEST(test_any_cut_gives_the_same_bits),
        WORLD_TEST(test_nulls_change_no_bit),
        WORLD_TEST(test_fold),
        WORLD_TEST(test_fold_is_chans),
        WORLD_TEST(test_partials_of_every_type),
        WORLD_TEST(test_zone),
        WORLD_TEST(test_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
