/* Time-locality of user SQL: hand-written queries with the label that the rules give them, and that
 * what is called local is: cut into windows, it gives the rows of the whole. */
#include "perf/ops.h"
#include "plan/plan_int.h"
#include "plan_test.h"

enum { DAYS = 40 };

typedef struct Query {
    const char *sql;
    const char *why; /* NULL: time-local; else a part of the reason against it */
} Query;

/* Inputs: source, other (timestamp TIMESTAMPTZ, station VARCHAR, v DOUBLE, n INTEGER), with gaps
 * and equal times; plain (timestamp TIMESTAMP, w DOUBLE); seconds (t BIGINT in s, k BIGINT);
 * stations (station VARCHAR, height DOUBLE, since DATE not its time). */
static const Query QUERIES[] = {
    /* projections and filters */
    {"SELECT * FROM source", NULL},
    {"SELECT TIMESTAMP, v * 2 AS w FROM Source WHERE V > 3 AND n IN (1, 2, 5)", NULL},
    {"SELECT s.timestamp, s.v FROM source AS s WHERE s.v BETWEEN 1 AND 30", NULL},
    {"FROM source", NULL},
    {"SELECT * EXCLUDE (n) REPLACE (v + 1 AS v) FROM source", NULL},
    {"SELECT * RENAME (v AS w) FROM source", NULL},
    {"SELECT source.* FROM source, stations WHERE source.station = stations.station", NULL},
    {"SELECT timestamp, CASE WHEN v > 3 THEN 'high' ELSE upper('low') END AS c FROM source", NULL},
    {"SELECT timestamp::TIMESTAMP AS timestamp, nullif(v, 3) AS v FROM source", NULL},
    {"SELECT timestamp, v FROM source ORDER BY v DESC, timestamp", NULL},
    {"SELECT DISTINCT timestamp, station FROM source ORDER BY ALL", NULL},
    {"SELECT t, k + 1 AS k FROM seconds WHERE k > 2", NULL},
    {"SELECT timestamp, (SELECT max(height) FROM stations) AS h FROM source", NULL},
    {"SELECT timestamp, v FROM source WHERE station IN (SELECT station FROM stations)", NULL},
    {"SELECT timestamp, station, v FROM (SELECT * FROM source WHERE station IN (SELECT station "
     "FROM "
     "stations WHERE height < 3)) x WHERE station IN (SELECT station FROM stations WHERE height < "
     "3)",
     NULL},
    {"SELECT timestamp, v, v + 1 AS a, a * 2 AS b FROM source WHERE v > 2", NULL},
    /* buckets */
    {"SELECT time_bucket(INTERVAL 6 HOUR, timestamp) AS timestamp, v, station FROM source", NULL},
    {"SELECT date_trunc('day', timestamp) AS timestamp, count(*) AS c, min(v) AS v FROM source "
     "GROUP BY 1",
     NULL},
    {"SELECT time_bucket('7 days', timestamp) AS timestamp, avg(v) AS v FROM source GROUP BY ALL "
     "HAVING count(*) > 3 ORDER BY 1",
     NULL},
    {"SELECT time_bucket(INTERVAL '90 minutes', timestamp, TIMESTAMPTZ '2024-01-01 00:10:00+00') "
     "AS timestamp, station, sum(n) AS n FROM source GROUP BY 1, station",
     NULL},
    {"SELECT time_bucket(INTERVAL 5 HOUR, timestamp, INTERVAL 37 MINUTE) AS timestamp, "
     "median(v) AS v FROM source GROUP BY 1",
     NULL},
    {"SELECT date_trunc('month', timestamp) AS timestamp, stddev(v) AS v FROM source GROUP BY 1",
     NULL},
    {"SELECT time_bucket(INTERVAL 2 MONTH, timestamp) AS timestamp, max(v) AS v FROM source GROUP "
     "BY 1",
     NULL},
    {"SELECT DATE_TRUNC('Week', timestamp) AS ts, first(v) AS v FROM source GROUP BY ts", NULL},
    {"SELECT timestamp::DATE AS date, count(DISTINCT station) AS c FROM source GROUP BY date",
     NULL},
    {"SELECT time_bucket(INTERVAL 1 DAY, timestamp) AS timestamp, avg(v) AS v FROM source GROUP BY "
     "timestamp",
     NULL}, /* the column, not the alias */
    {"SELECT time_bucket(INTERVAL 1 DAY, timestamp) AS timestamp, avg(v) AS v FROM (SELECT "
     "time_bucket(INTERVAL 7 HOUR, timestamp) AS timestamp, n AS v FROM source) GROUP BY ALL",
     NULL},
    {"SELECT timestamp, max(v) FILTER (WHERE n > 2) AS v, bool_or(n > 1) AS b FROM source GROUP BY "
     "timestamp",
     NULL},
    {"SELECT time_bucket(INTERVAL 3 HOUR, timestamp) AS timestamp, sum(w) AS w FROM plain WHERE w "
     "> 1 GROUP BY 1",
     NULL},
    /* joins */
    {"SELECT * FROM source NATURAL FULL OUTER JOIN plain ORDER BY timestamp", NULL},
    {"SELECT * FROM source JOIN plain USING (timestamp)", NULL},
    {"SELECT a.timestamp, a.v, b.v AS w FROM source a LEFT JOIN other b ON a.timestamp = "
     "b.timestamp AND a.station = b.station",
     NULL},
    {"SELECT b.timestamp, a.v FROM source a RIGHT JOIN plain b ON b.timestamp = a.timestamp", NULL},
    {"SELECT COALESCE(a.timestamp, b.timestamp) AS timestamp, a.v, b.w FROM source a FULL JOIN "
     "plain b ON a.timestamp = b.timestamp",
     NULL},
    {"SELECT a.timestamp, a.v, w FROM source a, plain b WHERE a.timestamp = b.timestamp AND w > 2",
     NULL},
    {"SELECT timestamp, v, height FROM source LEFT JOIN stations USING (station)", NULL},
    {"SELECT timestamp, v, x FROM source CROSS JOIN (VALUES (1), (2)) AS t(x)", NULL},
    {"SELECT * FROM source NATURAL FULL JOIN plain NATURAL FULL JOIN (SELECT timestamp, n AS m "
     "FROM other)",
     NULL},
    {"SELECT a.timestamp, a.v, h.c FROM source a JOIN (SELECT date_trunc('hour', timestamp) AS h, "
     "count(*) AS c FROM other GROUP BY 1) AS h ON date_trunc('hour', a.timestamp) = h.h",
     NULL},
    {"SELECT time_bucket(INTERVAL 1 DAY, timestamp) AS timestamp, max(v) AS v, sum(n) AS n FROM "
     "source JOIN plain USING (timestamp) GROUP BY 1",
     NULL},
    /* unions, CTEs */
    {"SELECT timestamp, v FROM source UNION ALL SELECT timestamp, w FROM plain", NULL},
    {"SELECT timestamp, v FROM source UNION SELECT timestamp, w FROM plain ORDER BY 1", NULL},
    {"SELECT timestamp, v FROM source UNION ALL BY NAME SELECT w, timestamp FROM plain", NULL},
    {"WITH t AS (SELECT timestamp FROM source UNION SELECT timestamp FROM plain) SELECT "
     "t.timestamp, source.v AS \"a.v\", plain.w AS \"b.w\" FROM t LEFT JOIN source ON t.timestamp "
     "= source.timestamp LEFT JOIN plain ON t.timestamp = plain.timestamp ORDER BY t.timestamp",
     NULL},
    {"WITH source AS (SELECT * FROM source WHERE v > 2), b(timestamp, x) AS (SELECT timestamp, v "
     "FROM source) SELECT timestamp, sum(x) AS s FROM b GROUP BY timestamp",
     NULL},
    {"SELECT timestamp, avg(v) AS v FROM (SELECT timestamp, v FROM source UNION ALL SELECT "
     "timestamp, v FROM other) GROUP BY timestamp",
     NULL},
    {"WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 3) SELECT "
     "timestamp, v + i AS v FROM source, r",
     NULL},

    /* not local: times */
    {"SELECT timestamp + INTERVAL 1 YEAR AS timestamp, v FROM source", "without the time"},
    {"SELECT v, n FROM source", "no time among its columns"},
    {"SELECT t.timestamp FROM (SELECT v, n FROM source) s, source t", "without the time"},
    {"SELECT timestamp - INTERVAL 1 SECOND AS timestamp, v FROM source", "without the time"},
    {"SELECT min(timestamp) AS timestamp, v FROM source GROUP BY v", "over all times"},
    {"SELECT max(timestamp) AS timestamp, date_trunc('day', timestamp) AS d FROM source GROUP BY d",
     "not an input's"},
    {"SELECT TIMESTAMPTZ '2024-01-02' AS timestamp, v FROM source", "without the time"},
    {"SELECT i AS timestamp FROM range(TIMESTAMPTZ '2024-01-01', TIMESTAMPTZ '2024-02-01', "
     "INTERVAL 1 DAY) AS r(i)",
     "not an input's"},
    {"SELECT i AS timestamp, v FROM range(TIMESTAMPTZ '2024-01-01', TIMESTAMPTZ '2024-02-01', "
     "INTERVAL 1 DAY) AS r(i), source WHERE v = 1",
     "without the time"},
    {"SELECT since::TIMESTAMP AS timestamp, height FROM stations", "not an input's"},
    {"SELECT * FROM (VALUES (TIMESTAMPTZ '2024-01-02')) AS v(timestamp)", "not an input's"},
    {"SELECT time_bucket(to_hours(n), timestamp) AS timestamp, v FROM source WHERE n > 0",
     "without the time"},
    {"SELECT date_trunc('decade', timestamp) AS timestamp, v FROM source", "without the time"},
    {"SELECT time_bucket(INTERVAL 1 DAY, timestamp, 'Europe/Berlin') AS timestamp, v FROM source",
     "without the time"},
    {"SELECT timestamp AT TIME ZONE 'Europe/Berlin' AS timestamp, v FROM source",
     "without the time"},
    {"SELECT t * 1 AS t, k FROM seconds", "without the time"},
    /* not local: windows, limits, sub-queries */
    {"SELECT timestamp, row_number() OVER () AS r FROM source", "window"},
    {"SELECT timestamp, v - lag(v) OVER (ORDER BY timestamp) AS d FROM source", "window"},
    {"SELECT timestamp, v FROM source QUALIFY row_number() OVER (ORDER BY v) < 3", "window"},
    {"SELECT timestamp, v FROM source ORDER BY v LIMIT 5", "LIMIT"},
    {"SELECT timestamp, v FROM source OFFSET 5", "LIMIT"},
    {"SELECT * FROM (SELECT timestamp, v FROM source LIMIT 5)", "LIMIT"},
    {"SELECT DISTINCT ON (timestamp) timestamp, v FROM source ORDER BY v", "DISTINCT ON"},
    {"SELECT timestamp, v FROM source WHERE v > (SELECT avg(v) FROM source)", "sub-query"},
    {"SELECT timestamp, v FROM source WHERE EXISTS (SELECT 1 FROM other WHERE v > 40)",
     "sub-query"},
    {"SELECT timestamp, v FROM source WHERE timestamp IN (SELECT timestamp FROM other)",
     "sub-query"},
    {"WITH m AS (SELECT max(v) AS m FROM source) SELECT timestamp, v FROM source, m WHERE v = m",
     "over all times"},
    {"SELECT timestamp, count(*) AS c FROM source GROUP BY ROLLUP (timestamp)", "grouping sets"},
    {"SELECT max(timestamp) AS timestamp, avg(v) AS v FROM source", "over all times"},
    {"SELECT timestamp, v FROM source TABLESAMPLE 50%", "volatile"},
    {"SELECT timestamp, random() AS v FROM source", "volatile"},
    {"SELECT timestamp, v FROM source WHERE timestamp > now() - INTERVAL 1 DAY", "volatile"},
    {"WITH RECURSIVE r AS (SELECT timestamp, 0 AS i FROM source UNION ALL SELECT timestamp, i + 1 "
     "FROM r WHERE i < 2) SELECT * FROM r",
     "recursion"},
    {"SELECT timestamp, unnest([1, 2]) AS u FROM source", "function"},
    {"SELECT timestamp, v FROM source EXCEPT SELECT timestamp, v FROM other", "other than UNION"},
    {"SELECT COLUMNS('t.*') FROM source", "star"},
    {"SELECT timestamp, station COLLATE NOCASE AS s FROM source", "not known"},
    /* not local: joins */
    {"SELECT a.timestamp, b.v FROM source a JOIN other b ON a.station = b.station AND a.v > 45",
     "without equal times"},
    {"SELECT a.timestamp, b.v FROM source a JOIN other b ON a.timestamp < b.timestamp AND b.v > 48",
     "without equal times"},
    {"SELECT a.timestamp, b.v FROM source a, other b WHERE a.v > 48 AND b.v > 48",
     "without equal times"},
    {"SELECT a.timestamp, b.v FROM source a LEFT JOIN other b ON a.timestamp = b.timestamp OR a.v "
     "> b.v",
     "without equal times"},
    {"SELECT a.timestamp, b.w FROM source a ASOF JOIN plain b ON a.timestamp >= b.timestamp",
     "neither inner nor outer"},
    {"SELECT a.timestamp, a.v FROM source a SEMI JOIN other b USING (timestamp)",
     "neither inner nor outer"},
    {"SELECT timestamp, height FROM stations LEFT JOIN source USING (station)", "keeps rows"},
    {"SELECT timestamp, height FROM stations FULL JOIN source USING (station)", "keeps rows"},
    {"SELECT timestamp, v FROM source POSITIONAL JOIN stations", "neither inner nor outer"},
    {"SELECT a.timestamp, t FROM source a JOIN seconds b ON epoch(a.timestamp) = b.t",
     "without equal times"},
    {"SELECT v, timestamp FROM source UNION ALL SELECT w, '2024-01-02'::TIMESTAMPTZ FROM plain",
     "without the time"},
    {"SELECT timestamp, timestamp AS t2 FROM source UNION ALL SELECT t2, timestamp FROM (SELECT "
     "timestamp, timestamp + INTERVAL 1 DAY AS t2 FROM other)",
     "not an input's"},
    {"SELECT timestamp, sum(a.v) AS s FROM source a JOIN plain USING (timestamp) GROUP BY "
     "timestamp",
     "order of rows"},
    {"SELECT timestamp, sum(c) AS s FROM (SELECT timestamp, station, avg(v) AS c FROM source GROUP "
     "BY ALL) GROUP BY timestamp",
     "order of rows"},
    {"SELECT timestamp, sum(v) AS s FROM source WHERE station IN (SELECT station FROM stations) "
     "GROUP BY timestamp",
     "order of rows"},
};

typedef struct Inputs {
    SqlInput v[5];
} Inputs;

static const char SERIES[] =
    "SELECT TIMESTAMPTZ '2024-01-01' + to_minutes(CAST(i * 97 // 2 AS BIGINT)) AS \"timestamp\", "
    "chr(CAST(97 + i %% 3 AS INTEGER)) AS station, ((i * %d) %% 51)::DOUBLE / 10 + 0.1 AS v, "
    "CAST((i * 7) %% 9 AS INTEGER) AS n FROM range(%d) r(i) WHERE i %% %d <> 0 AND i // 100 %% 5 "
    "<> 3";

static ScanFile series(World *world, const char *sql, const char *time, TimeUnit unit)
{
    ScanFile file = make_file(world, sql, time, unit);
    return with_span(world, file, at("2024-01-01"), at("2024-02-20"));
}

static Inputs inputs_of(World *world)
{
    Arena *arena = world->arena;
    ScanFile a = series(world, arena_printf(arena, SERIES, 17, 1200, 7), "timestamp", 0);
    ScanFile b = series(world, arena_printf(arena, SERIES, 23, 1100, 5), "timestamp", 0);
    ScanFile c = series(world,
                        "SELECT TIMESTAMP '2024-01-01' + to_minutes(CAST(i * 97 AS BIGINT)) AS "
                        "\"timestamp\", i % 13 + 0.3::DOUBLE AS w FROM range(580) r(i) WHERE i % "
                        "11 <> 4",
                        "timestamp", 0);
    ScanFile d = series(world, "SELECT 1704067200 + i * 5000 AS t, i % 5 AS k FROM range(700) r(i)",
                        "t", TIME_UNIT_S);
    ScanFile e = make_file(world,
                           "SELECT * FROM (VALUES ('a', 1.5, DATE '2020-01-01'), ('b', 2.5, DATE "
                           "'2021-01-01'), ('d', 3.5, DATE '2022-01-01')) AS s(station, height, "
                           "since)",
                           NULL, 0);
    Inputs inputs = {{{"source", scan_of(world, &a, 1)},
                      {"other", scan_of(world, &b, 1)},
                      {"plain", scan_of(world, &c, 1)},
                      {"seconds", scan_of(world, &d, 1)},
                      {"stations", scan_of(world, &e, 1)}}};
    return inputs;
}

static const Rel *resolved(World *world, const Inputs *inputs, const char *sql)
{
    const Rel *rel = NULL;
    must(rel_sql(world->arena, "/d.series", sql, inputs->v, 5, &rel));
    Err *err = plan_resolve(world->plan, rel);
    if (err != NULL) print_message("# %s\n", sql);
    must(err);
    return rel;
}

static void test_labels(void **state)
{
    World *world = *state;
    Inputs inputs = inputs_of(world);
    int wrong = 0;
    for (size_t i = 0; i < sizeof QUERIES / sizeof *QUERIES; i++) {
        const Query *query = &QUERIES[i];
        const Rel *rel = resolved(world, &inputs, query->sql);
        const char *why = rel->facts->sql.local.why_whole;
        bool is_as_labelled = query->why == NULL ? why == NULL && rel_is_time_local(rel)
                                                 : why != NULL && strstr(why, query->why) != NULL;
        if (is_as_labelled) continue;
        print_error("%s\n  is %s, wanted %s\n", query->sql, why != NULL ? why : "time-local",
                    query->why != NULL ? query->why : "time-local");
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* Rows of the whole that lie in the window, by their first cell that is a time. */
static char *slice(World *world, const Rel *rel, const char *whole, TimeUs from, TimeUs to)
{
    Buf text = buf_new(world->arena);
    ptrdiff_t time = rel_time_index(rel);
    for (const char *line = whole; *line != '\0';) {
        size_t size = strcspn(line, "\n") + 1;
        const char *cell = line;
        for (ptrdiff_t i = 0; i < time; i++) cell = strchr(cell, '|') + 1;
        char *stamp = arena_strndup(world->arena, cell, strcspn(cell, "|\n"));
        bool is_seconds = strchr(stamp, '-') == NULL && rel_time_unit(rel) == TIME_UNIT_S;
        bool is_days = strchr(stamp, '-') == NULL && !is_seconds;
        TimeUs t;
        if (strcmp(stamp, "NULL") != 0) {
            if (is_seconds || is_days)
                t = strtoll(stamp, NULL, 10) * (is_days ? US_PER_DAY : US_PER_SECOND);
            else
                must(time_parse(stamp, &t));
            if (t >= from && t <= to) buf_add(&text, line, size);
        }
        line += size;
    }
    return text.data;
}

static void test_windows(void **state)
{
    World *world = *state;
    Inputs inputs = inputs_of(world);
    for (size_t i = 0; i < sizeof QUERIES / sizeof *QUERIES && QUERIES[i].why == NULL; i++) {
        const Rel *rel = resolved(world, &inputs, QUERIES[i].sql);
        char *whole = all_rows(world, rel);
        if (whole[0] == '\0') fail_msg("no rows: %s", QUERIES[i].sql);
        static const int64_t CUTS_MINUTES[] = {-40000, 47, 1440 * 3 + 11, 1440 * 31, 90000};
        for (size_t j = 1; j < sizeof CUTS_MINUTES / sizeof *CUTS_MINUTES; j++) {
            TimeUs from = at("2024-01-01") + CUTS_MINUTES[j - 1] * US_PER_MINUTE;
            TimeUs to = at("2024-01-01") + CUTS_MINUTES[j] * US_PER_MINUTE - 1;
            char *rows = rows_in(world, rel, from, to),
                 *wanted = slice(world, rel, whole, from, to);
            if (strcmp(rows, wanted) != 0)
                fail_msg("%s\n%s ... \nours:\n%.300s\nwanted:\n%.300s", QUERIES[i].sql,
                         time_format(world->arena, from), rows, wanted);
        }
    }
}

/* ---- what a window reads ---- */

/* A file a day for DAYS days, with one row an hour. */
static const Rel *daily(World *world)
{
    ScanFile *files = AARRAY(world->arena, ScanFile, DAYS);
    for (int64_t day = 0; day < DAYS; day++) {
        TimeUs start = at("2024-01-01") + day * US_PER_DAY;
        const char *sql = arena_printf(world->arena,
                                       "SELECT make_timestamptz(%" PRId64 " + i * 3600000000) AS "
                                       "\"timestamp\", 'a' AS station, i * 0.1::DOUBLE AS v, "
                                       "i::INTEGER AS n FROM range(24) r(i)",
                                       start);
        files[day] = with_span(world, make_file(world, sql, "timestamp", TIME_UNIT_NONE), start,
                               start + 23 * US_PER_HOUR);
    }
    return scan_of(world, files, DAYS);
}

/* Files, rows and the first and last time that a window of the query is said to need and hold. */
static void expect_needs(World *world, const SqlInput *inputs, const char *sql, TimeSpan window,
                         size_t files, int64_t rows, const char *cut)
{
    const Rel *rel = NULL;
    const ScanFile **needed;
    size_t count;
    must(rel_sql(world->arena, "/d.series", sql, inputs, 2, &rel));
    must(plan_resolve(world->plan, rel));
    rel_inputs_in(world->arena, rel, window, &needed, &count);
    TimeUs down = rel_cut_down(rel, window.min);
    if (count != files || rel_rows_estimate(rel, window) != rows || down != at(cut))
        fail_msg("%s\n  %zu files, %" PRId64 " rows, cut at %s", sql, count,
                 rel_rows_estimate(rel, window), time_format(world->arena, down));
}

static void test_what_a_window_needs(void **state)
{
    World *world = *state;
    ScanFile height = make_file(world, "SELECT 'a' AS station, 1.5 AS height", NULL, 0);
    const SqlInput inputs[] = {{"source", daily(world)}, {"stations", scan_of(world, &height, 1)}};
    const TimeSpan window = {at("2024-01-17T06:00:00Z"), at("2024-01-18T17:59:59.999999Z")};
    expect_needs(world, inputs, "SELECT timestamp, v FROM source", window, 2, 37,
                 "2024-01-17T06:00:00Z");
    expect_needs(world, inputs,
                 "SELECT timestamp, v, height FROM source JOIN stations USING (station)", window, 3,
                 38, "2024-01-17T06:00:00Z");
    expect_needs(
        world, inputs,
        "SELECT date_trunc('day', timestamp) AS timestamp, sum(v) AS v FROM source GROUP BY 1",
        window, 2, 48, "2024-01-17");
    expect_needs(
        world, inputs,
        "SELECT time_bucket(INTERVAL 7 DAY, timestamp) AS timestamp, sum(v) AS v FROM source "
        "GROUP BY 1",
        window, 7, 168, "2024-01-15");
    expect_needs(
        world, inputs,
        "SELECT date_trunc('month', timestamp) AS timestamp, sum(v) AS v FROM source GROUP BY "
        "1",
        window, 31, 744, "2024-01-01");
    expect_needs(world, inputs,
                 "SELECT timestamp, lag(v) OVER (ORDER BY timestamp) AS v FROM source", window,
                 DAYS, 24 * DAYS, "2024-01-17T06:00:00Z");
}

static void expect_extent(World *world, const SqlInput *inputs, const char *sql, const char *min,
                          const char *max)
{
    const Rel *rel = NULL;
    must(rel_sql(world->arena, "/d.series", sql, inputs, 2, &rel));
    must(plan_resolve(world->plan, rel));
    RelExtent extent = rel_extent(world->arena, rel);
    assert_int_equal(extent.known, min != NULL);
    if (min == NULL) return;
    assert_int_equal(extent.intervals[0].min, at(min));
    assert_int_equal(extent.intervals[extent.count - 1].max, at(max));
}

static void test_extents(void **state)
{
    World *world = *state;
    ScanFile height = make_file(world, "SELECT 'a' AS station, 1.5 AS height", NULL, 0);
    const SqlInput inputs[] = {{"source", daily(world)}, {"stations", scan_of(world, &height, 1)}};
    expect_extent(world, inputs, "SELECT timestamp, v FROM source, stations", "2024-01-01",
                  "2024-02-09T23:00:00Z");
    expect_extent(
        world, inputs,
        "SELECT time_bucket(INTERVAL 5 DAY, timestamp) AS timestamp, sum(v) AS v FROM source "
        "GROUP BY 1",
        "2023-12-28", "2024-02-09T23:00:00Z"); /* 2000-01-03 + 1752 * 5 days */
    expect_extent(world, inputs, "SELECT timestamp, v FROM source ORDER BY v LIMIT 5", NULL, NULL);
}

/* Between a range and a text that runs whole there is what no filter passes; else there is not. */
static void test_no_filter_enters_what_runs_whole(void **state)
{
    World *world = *state;
    Inputs inputs = inputs_of(world);
    static const char *const TEXTS[] = {
        "SELECT timestamp, sum(a.v) AS s FROM source a JOIN plain USING (timestamp) GROUP BY "
        "timestamp",
        "SELECT timestamp, sum(v) AS s FROM source GROUP BY timestamp"};
    for (int whole = 0; whole < 2; whole++) {
        const Rel *rel = resolved(world, &inputs, TEXTS[1 - whole]);
        char *all = NULL, *range = NULL;
        must(rel_explain(world->plan, world->arena, rel, (RelRead){.span = ALL, .sorted = true},
                         &all));
        must(rel_explain(world->plan, world->arena, rel,
                         (RelRead){.span = {at("2024-01-05"), at("2024-01-06")}, .sorted = true},
                         &range));
        assert_null(strstr(all, "LIMIT"));
        assert_int_equal(strstr(range, ") LIMIT 9223372036854775807) WHERE c0 >= ") != NULL, whole);
    }
}

/* An answer from the cache is the answer of the engine, for inputs of any content. */
static void test_cached_answers(void **state)
{
    World *world = *state;
    CLEANUP(cache_close_at) Cache *cache = cache_open(NULL, 0);
    Inputs inputs = inputs_of(world);
    for (int round = 0; round < 2; round++) {
        CLEANUP(plan_close_at) Plan *plan = plan_new(world->arena, cache);
        const uint64_t asked = perf_read(PERF_schema_sql);
        for (size_t i = 0; i < sizeof QUERIES / sizeof *QUERIES; i += 7) {
            const Rel *rel = NULL, *known = resolved(world, &inputs, QUERIES[i].sql);
            must(rel_sql(world->arena, "/d.series", QUERIES[i].sql, inputs.v, 5, &rel));
            const uint64_t before = perf_read(PERF_schema_sql);
            must(plan_resolve(plan, rel));
            assert_int_equal(perf_read(PERF_schema_sql) - before, round == 0 ? 1 : 0);
            const SqlLocal *a = &rel->facts->sql.local, *b = &known->facts->sql.local;
            assert_int_equal(rel_is_time_local(rel), rel_is_time_local(known));
            if (b->why_whole != NULL) assert_string_equal(a->why_whole, b->why_whole);
            assert_int_equal(a->grid_count, b->grid_count);
            assert_int_equal(a->steps, b->steps);
            assert_int_equal(a->sorts_inputs, b->sorts_inputs);
            for (size_t j = 0; j < a->grid_count; j++)
                assert_memory_equal(&a->grids[j], &b->grids[j], sizeof(Grid));
        }
        assert_true(perf_read(PERF_schema_sql) > asked);
        ScanFile more =
            series(world, arena_printf(world->arena, SERIES, 19, 900, 4), "timestamp", 0);
        inputs.v[0].rel = scan_of(world, &more, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_labels),
        WORLD_TEST(test_windows),
        WORLD_TEST(test_what_a_window_needs),
        WORLD_TEST(test_extents),
        WORLD_TEST(test_no_filter_enters_what_runs_whole),
        WORLD_TEST(test_cached_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
