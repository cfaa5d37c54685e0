/* User SQL: what it may do, where its errors are, what its columns and time are, and trees around
 * it. */
#include "perf/ops.h"
#include "plan_test.h"

static ScanFile ten_minutes(World *world)
{
    /* 2024-01-01T00:00Z + i * 10 min, v = i, i in 0..17 */
    ScanFile file =
        make_file(world,
                  "SELECT make_timestamptz(1704067200000000 + i * 600000000) AS \"timestamp\", "
                  "i::DOUBLE AS v FROM range(18) r(i)",
                  "timestamp", TIME_UNIT_NONE);
    return with_span(world, file, at("2024-01-01"), at("2024-01-01T02:50:00Z"));
}

static const Rel *source(World *world)
{
    ScanFile file = ten_minutes(world);
    return scan_of(world, &file, 1);
}

static const Rel *sql_over(World *world, const char *query, const Rel *input)
{
    const Rel *rel = NULL;
    must(rel_sql(world->arena, "/d.series", query, &(SqlInput){"source", input}, 1, &rel));
    return rel;
}

static Err *try_sql(World *world, const char *query)
{
    return plan_resolve(world->plan, sql_over(world, query, source(world)));
}

static const Rel *hourly(World *world, const Rel *input)
{
    const Rel *rel = NULL;
    static BucketAgg aggs[] = {{AGG_SUM, "v", "v"}};
    must(plan_resolve(world->plan, input));
    must(rel_bucket(world->plan, world->arena, input,
                    &(BucketSpec){.label = "/r/res=1h.series",
                                  .time_column = "timestamp",
                                  .width_us = US_PER_HOUR,
                                  .base_width_us = US_PER_HOUR,
                                  .aggs = aggs,
                                  .agg_count = 1},
                    &rel));
    return rel;
}

static void test_select(void **state)
{
    World *world = *state;
    const Rel *rel =
        sql_over(world, "SELECT timestamp, v * 2 AS \"w x\" FROM Source WHERE v < 2;\n -- end;",
                 source(world));
    assert_string_equal(all_rows(world, rel), "2024-01-01T00:00:00Z|0\n2024-01-01T00:10:00Z|2\n");
    assert_string_equal(rel_schema(rel)->columns[1].name, "w x");
    assert_int_equal(rel_time_index(rel), 0);
    assert_true(rel_is_time_local(rel));
    assert_string_equal(rows_in(world, rel, at("2024-01-01T00:05:00Z"), at("2024-01-02")),
                        "2024-01-01T00:10:00Z|2\n");
}

static void test_buckets_and_sql_nest(void **state)
{
    World *world = *state;
    const Rel *inner = hourly(world, source(world)); /* 15, 51, 87 */
    const Rel *sql =
        sql_over(world,
                 "WITH source AS (SELECT * FROM source WHERE v > 20)\n"
                 "SELECT a.timestamp, a.v + b.v AS v FROM source a JOIN source b USING (timestamp)",
                 inner);
    const Rel *outer = hourly(world, sql);
    assert_string_equal(all_rows(world, outer),
                        "2024-01-01T01:00:00Z|102\n2024-01-01T02:00:00Z|174\n");
    const Rel *inputs[] = {inner, outer};
    const Rel *both = NULL;
    must(rel_union(world->arena, "/u", inputs, 2, &both));
    assert_string_equal(all_rows(world, both), "2024-01-01T00:00:00Z|15\n2024-01-01T01:00:00Z|51\n"
                                               "2024-01-01T01:00:00Z|102\n2024-01-01T02:00:00Z|87\n"
                                               "2024-01-01T02:00:00Z|174\n");
}

/* A feed can be read once; a query may name its input as often as it likes. */
static void test_feed_named_twice(void **state)
{
    World *world = *state;
    const Rel *rel = sql_over(
        world,
        "SELECT a.timestamp, a.v + b.v AS v FROM source a JOIN source b USING (timestamp) WHERE "
        "a.v > (SELECT min(v) FROM source)",
        hourly(world, source(world)));
    assert_string_equal(all_rows(world, rel),
                        "2024-01-01T01:00:00Z|102\n2024-01-01T02:00:00Z|174\n");
}

static void expect_at(Err *err, int line, int column, const char *words)
{
    int has_line = 0, has_column = 0;
    if (err == NULL) fail_msg("no error, wanted one with: %s", words);
    err_position(err, &has_line, &has_column);
    if (has_line != line || has_column != column)
        fail_msg("wanted %d:%d, got %d:%d: %s", line, column, has_line, has_column,
                 err_message(err));
    expect_error(err, ERR_SQL, words);
}

static void test_places_of_errors(void **state)
{
    World *world = *state;
    expect_at(try_sql(world, "SELECT *\nFROM source\nWHERE nope > 1"), 3, 7, "nope");
    expect_at(try_sql(world, "SELEC 1"), 1, 1, "SELEC");
    expect_at(try_sql(world, "SELECT 1,\n  getenv('HOME')"), 2, 3, "getenv() is not allowed");
    expect_at(try_sql(world, "SELECT *\n FROM read_csv('/etc/passwd')"), 2, 7,
              "read_csv() is not allowed");
    expect_at(try_sql(world, "SELECT * FROM sorce"), 1, 15, "\"sorce\" is not among the patterns");
    /* at run time, below a statement that is longer than the user's */
    char *rows = NULL;
    const Rel *rel = sql_over(
        world, "SELECT timestamp,\n  CASE WHEN v > 3 THEN ('x' || v)::INTEGER END AS i FROM source",
        source(world));
    expect_at(rows_of(world, rel, (RelRead){.span = ALL}, &rows), 2, 34, "Could not convert");
}

/* What a query reads that it does not define, and where it says so first. */
static void test_tables_of_a_query(void **state)
{
    static const struct {
        const char *query, *tables; /* name@line:column, a + before what is qualified */
    } CASES[] = {
        {"SELECT 1", ""},
        {"FROM \"/a/*.series\";", "/a/*.series@1:6"},
        {"SELECT *\nFROM \"/a\" x,\n '/b' JOIN \"/a\" USING (t)", "/a@2:6 /b@3:2"},
        {"WITH c AS (SELECT * FROM a) SELECT * FROM c, (SELECT * FROM b)", "a@1:26 b@1:61"},
        {"SELECT * FROM (WITH c AS (SELECT 1) SELECT * FROM c), c", "c@1:55"},
        {"WITH c AS (SELECT * FROM c) SELECT * FROM c", "c@1:26"},
        {"WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3) FROM c", ""},
        {"SELECT (SELECT max(i) FROM x), i IN (FROM y) FROM range(3) t(i)", "x@1:28 y@1:43"},
        {"SELECT * FROM s.t, c.s.t", "+s.t@1:15 +c.s.t@1:20"},
        {"FROM a UNION ALL FROM b EXCEPT FROM a", "a@1:6 b@1:23"},
    };
    World *world = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        SqlTable *tables = NULL;
        size_t count = 0;
        Buf text = buf_new(world->arena);
        must(plan_sql_tables(world->plan, world->arena, CASES[i].query, &tables, &count));
        for (size_t k = 0; k < count; k++)
            buf_printf(&text, "%s%s%s@%d:%d", k > 0 ? " " : "", tables[k].is_qualified ? "+" : "",
                       tables[k].name, tables[k].line, tables[k].column);
        assert_string_equal(text.data != NULL ? text.data : "", CASES[i].tables);
    }
    SqlTable *none = NULL;
    size_t count = 0;
    expect_at(plan_sql_tables(world->plan, world->arena, "SELECT 1\nFROM FROM", &none, &count), 2,
              6, "syntax error");
}

/* An error from below a feed is told once, in the words and places of where it happened. */
static void test_errors_below_feeds(void **state)
{
    World *world = *state;
    char *rows = NULL;
    const Rel *inner = NULL;
    must(rel_sql(world->arena, "/inner", "SELECT timestamp,\n  ('x' || v)::DOUBLE AS v FROM s",
                 &(SqlInput){"s", source(world)}, 1, &inner));
    const Rel *rel = sql_over(world, "SELECT *\n\nFROM source", hourly(world, inner));
    Err *err = rows_of(world, rel, (RelRead){.span = ALL}, &rows);
    assert_string_equal(err_message(err), "/inner: Could not convert string 'x0.0' to DOUBLE");
    expect_at(err, 2, 13, "Could not convert");
    rel = sql_over(
        world, "SELECT *\nFROM source",
        hourly(world, sql_over(world, "SELECT NULL::TIMESTAMP AS timestamp, 1.0::DOUBLE AS v",
                               source(world))));
    err = rows_of(world, rel, (RelRead){.span = ALL}, &rows);
    assert_string_equal(err_message(err),
                        "/r/res=1h.series: a row of /d.series has no time: \"timestamp\" is null");
    err_free(err);
}

static void refused(World *world, const char *query, const char *words)
{
    expect_error(try_sql(world, query), ERR_SQL, words);
}

static void test_what_is_refused(void **state)
{
    World *world = *state;
    static const char *const FUNCTIONS[] = {
        "read_parquet('/x.parquet')",
        "read_csv('/x.csv')",
        "read_text('/etc/passwd')",
        "read_blob('blobs/**')",
        "glob('/*')",
        "duckdb_settings()",
        "parquet_metadata('/x')",
        "query('SELECT 1')",
        "query_table('source')",
        "sniff_csv('/etc/passwd')",
        "pragma_database_list()",
        "read_json('/x')",
        "repeat_row(1, num_rows=1)",
        "json_execute_serialized_sql('x')",
    };
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
        refused(world, arena_printf(world->arena, "SELECT * FROM %s", FUNCTIONS[i]),
                "is not allowed");
        refused(world,
                arena_printf(world->arena, "SELECT v FROM source WHERE v IN (SELECT 1 FROM %s)",
                             FUNCTIONS[i]),
                "is not allowed");
        refused(world,
                arena_printf(world->arena, "WITH a AS (SELECT 1 FROM %s) SELECT 1 UNION SELECT 2",
                             FUNCTIONS[i]),
                "is not allowed");
    }
    static const char *const SCALARS[] = {
        "getenv('HOME')",    "current_setting('temp_directory')",
        "getvariable('x')",  "nextval('s')",
        "setseed(0.5)",      "write_log('x')",
        "current_user",      "current_query()",
        "pg_get_viewdef(1)", "current_schemas(true)",
        "version()",
    };
    for (size_t i = 0; i < sizeof SCALARS / sizeof *SCALARS; i++)
        refused(world, arena_printf(world->arena, "SELECT timestamp, %s FROM source", SCALARS[i]),
                "is not allowed");
}

static void test_only_one_select_over_the_inputs(void **state)
{
    World *world = *state;
    refused(world, "COPY source TO '/tmp/x'", "one SELECT");
    refused(world, "ATTACH '/tmp/x.db'", "one SELECT");
    refused(world, "PRAGMA database_list", "one SELECT");
    refused(world, "SET threads = 2", "one SELECT");
    refused(world, "SELECT 1; SELECT 2", "one SELECT");
    refused(world, "INSERT INTO source VALUES (1)", "one SELECT");
    refused(world, "CREATE TABLE x AS SELECT 1", "one SELECT");
    refused(world, "", "one SELECT");
    refused(world, "SELECT 1) AS q, read_csv('/etc/passwd') AS r, (SELECT 2", "syntax");
    refused(world, "SELECT 1 /* open", "unterminated");
    refused(world, "SELECT 1; /* /* open */", "unterminated");
    refused(world, "SELECT 'open", "unterminated");
    refused(world, "SELECT * FROM '/etc/passwd.csv'", "is not among the patterns");
    refused(world, "SELECT * FROM information_schema.tables", "is not among the patterns");
    refused(world, "SELECT * FROM main.source", "is not among the patterns");
    refused(world, "SELECT * FROM duckdb_tables", "is not among the patterns");
    refused(world, "SELECT * FROM (DESCRIBE source)", "FROM may name");
    refused(world, "SELECT * FROM (SHOW TABLES)", "");
    refused(world, "SELECT timestamp, timestamp FROM source", "two columns named \"timestamp\"");
}

/* A name outside the scope of its CTE would be a file's. */
static void test_scopes_of_ctes(void **state)
{
    World *world = *state;
    must(
        try_sql(world, "WITH a AS (SELECT * FROM source), b AS (SELECT * FROM a) SELECT * FROM b"));
    must(try_sql(world, "WITH a AS (SELECT * FROM source) SELECT * FROM (SELECT * FROM (FROM a))"));
    must(try_sql(
        world,
        "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a WHERE x < 3) FROM a"));
    must(try_sql(world, "SELECT * FROM (WITH A AS (SELECT 1 AS x) SELECT * FROM a) AS t"));
    refused(world, "SELECT * FROM (WITH \"/x.csv\" AS (SELECT 1) SELECT 1), '/x.csv'",
            "not among the patterns");
    refused(world, "WITH \"/x.csv\" AS (SELECT * FROM \"/x.csv\") SELECT * FROM \"/x.csv\"",
            "not among the patterns");
    refused(world, "WITH a AS (SELECT * FROM \"/x.csv\"), \"/x.csv\" AS (SELECT 1) SELECT * FROM a",
            "not among the patterns");
    refused(world,
            "WITH RECURSIVE \"/x.csv\" AS (SELECT * FROM \"/x.csv\" UNION ALL SELECT 1) SELECT 1",
            "not among the patterns");
}

static void test_what_is_volatile(void **state)
{
    World *world = *state;
    static const char *const VOLATILE[] = {
        "SELECT timestamp, random() AS r FROM source",
        "SELECT timestamp, now() AS n FROM source",
        "SELECT timestamp, current_timestamp AS n FROM source",
        "SELECT timestamp, CURRENT_DATE AS n FROM source",
        "SELECT timestamp, uuid() AS u FROM source",
        "SELECT * FROM source TABLESAMPLE 10%",
        "SELECT timestamp, age(timestamp) AS a FROM source",
        "SELECT timestamp, today() AS d FROM source",
        "SELECT timestamp, v FROM source WHERE timestamp > now() - INTERVAL 1 DAY",
    };
    for (size_t i = 0; i < sizeof VOLATILE / sizeof *VOLATILE; i++) {
        const Rel *rel = sql_over(world, VOLATILE[i], source(world));
        must(plan_resolve(world->plan, rel));
        if (!rel_is_volatile(rel)) fail_msg("not volatile: %s", VOLATILE[i]);
    }
    const Rel *rel =
        sql_over(world,
                 "SELECT timestamp, round(v) AS v, fmod(v, 2) AS m, list_sum([v, 1]) AS l, "
                 "avg(v) OVER () AS a FROM source, range(3), unnest([1])",
                 source(world));
    must(plan_resolve(world->plan, rel));
    assert_false(rel_is_volatile(rel));
}

static void expect_time(World *world, const char *query, ptrdiff_t index)
{
    const Rel *rel = sql_over(world, query, source(world));
    must(plan_resolve(world->plan, rel));
    if (rel_time_index(rel) != index)
        fail_msg("time is %td, wanted %td: %s", rel_time_index(rel), index, query);
}

static void test_time_column(void **state)
{
    World *world = *state;
    expect_time(world, "SELECT v, timestamp FROM source", 1);
    expect_time(world, "SELECT v, timestamp AS \"Time\" FROM source", 1);
    expect_time(world, "SELECT v, timestamp AS mine FROM source", -1);
    expect_time(world, "SELECT v AS time, timestamp::DATE AS date FROM source", 1);
    expect_time(world, "SELECT v AS timestamp FROM source", -1);
    /* seconds stay seconds under their name */
    ScanFile file =
        make_file(world, "SELECT 1704067200 + i AS t, i AS v FROM range(3) r(i)", "t", TIME_UNIT_S);
    const Rel *rel =
        sql_over(world, "SELECT v, t FROM source WHERE v > 0", scan_of(world, &file, 1));
    assert_string_equal(rows_in(world, rel, at("2024-01-01T00:00:02Z"), TIME_MAX),
                        "2|1704067202\n");
    assert_int_equal(rel_time_unit(rel), TIME_UNIT_S);
}

static void test_names(void **state)
{
    World *world = *state;
    ScanFile file =
        make_file(world, "SELECT TIMESTAMP '2024-01-01' AS ts, 1 AS \"a.b %\"\"/µ\", 2 AS \"x\ny\"",
                  "ts", TIME_UNIT_NONE);
    const Rel *rel = sql_over(world, "SELECT *, \"a.b %\"\"/µ\" + 1 AS \"A.B %\"\"/µ\" FROM source",
                              scan_of(world, &file, 1));
    assert_string_equal(all_rows(world, rel), "2024-01-01T00:00:00Z|1|2|2\n");
    assert_string_equal(rel_schema(rel)->columns[1].name, "a.b %\"/µ");
    assert_string_equal(rel_schema(rel)->columns[3].name,
                        "A.B %\"/µ"); /* kept apart until it is written */

    const Rel *clash = NULL;
    ProjectColumn columns[] = {
        {"ts", "ts", NULL}, {"x\ny", "Temp", NULL}, {"a.b %\"/µ", "temp", NULL}};
    must(rel_project(world->arena, scan_of(world, &file, 1), columns, 3, &clash));
    expect_error(plan_resolve(world->plan, sql_over(world, "SELECT * FROM source", clash)),
                 ERR_INVALID, "\"Temp\" and \"temp\" of source differ only in case");
    /* an input that is not named does not matter */
    const Rel *two = NULL;
    SqlInput inputs[] = {{"good", scan_of(world, &file, 1)}, {"bad", clash}};
    must(rel_sql(world->arena, "/d", "SELECT ts FROM good", inputs, 2, &two));
    assert_string_equal(all_rows(world, two), "2024-01-01T00:00:00Z\n");
    char *text = NULL;
    must(
        rel_explain(world->plan, world->arena, two, (RelRead){.span = ALL, .sorted = true}, &text));
    assert_null(strstr(text, "\"bad\""));
    inputs[1].name = "GOOD";
    expect_error(rel_sql(world->arena, "/d", "SELECT 1", inputs, 2, &two), ERR_INVALID,
                 "two inputs are named");
}

static void test_order_and_limit(void **state)
{
    World *world = *state;
    char *rows = NULL;
    const Rel *rel =
        sql_over(world, "SELECT timestamp, v FROM source ORDER BY v DESC LIMIT 3", source(world));
    must(rows_of(world, rel, (RelRead){.span = ALL}, &rows)); /* as the query gives them */
    assert_string_equal(
        rows, "2024-01-01T02:50:00Z|17\n2024-01-01T02:40:00Z|16\n2024-01-01T02:30:00Z|15\n");
    must(rows_of(world, rel, (RelRead){.span = ALL, .sorted = true, .limit = 2}, &rows));
    assert_string_equal(rows, "2024-01-01T02:30:00Z|15\n2024-01-01T02:40:00Z|16\n");
    must(rows_of(world, source(world), (RelRead){.span = ALL, .limit = 1}, &rows));
    assert_string_equal(rows, "2024-01-01T00:00:00Z|0\n");
    must(rows_of(world, hourly(world, rel), (RelRead){.span = ALL, .limit = 5}, &rows));
    assert_string_equal(rows, "2024-01-01T02:00:00Z|48\n");
}

/* More feeds in one statement than there are connections. */
static void test_many_feeds(void **state)
{
    World *world = *state;
    enum { FEEDS = 300 };
    const Rel *inputs[FEEDS], *both = NULL, *input = source(world);
    for (int i = 0; i < FEEDS; i++) inputs[i] = hourly(world, input);
    must(rel_union(world->arena, "/u", inputs, FEEDS, &both));
    assert_int_equal(strlen(all_rows(world, both)), FEEDS * strlen(all_rows(world, inputs[0])));
}

/* Facts wait for the plan where only the engine knows them. */
static void test_late_facts(void **state)
{
    World *world = *state;
    static BucketAgg aggs[] = {{AGG_SUM, "w", "w"}, {AGG_SUM, "x", "x"}};
    const Rel *sql = sql_over(world, "SELECT timestamp, v AS w FROM source", source(world)),
              *rel = NULL, *wide = NULL;
    BucketSpec spec = {.label = "/r",
                       .time_column = "timestamp",
                       .width_us = US_PER_DAY,
                       .base_width_us = US_PER_DAY,
                       .aggs = aggs,
                       .agg_count = 1};
    must(rel_bucket(world->plan, world->arena, sql, &spec, &rel));
    must(
        rel_union(world->arena, "/u", (const Rel *[]){rel, rel_sort(world->arena, sql)}, 2, &wide));
    must(plan_resolve(world->plan, wide));
    assert_string_equal(all_rows(world, rel), "2024-01-01T00:00:00Z|153\n");
    spec.agg_count = 2;
    must(rel_bucket(world->plan, world->arena,
                    sql_over(world, "SELECT timestamp, v AS w FROM source", source(world)), &spec,
                    &rel));
    expect_error(plan_resolve(world->plan, rel), ERR_NOT_FOUND, "no column \"x\"");
    expect_error(rel_open(world->plan, rel, (RelRead){.span = ALL}, &(RelStream *){NULL}),
                 ERR_INTERNAL, "before plan_resolve");
}

static void test_default_query(void **state)
{
    World *world = *state;
    const Rel *input = source(world), *rel = sql_over(world, NULL, input);
    must(plan_resolve(world->plan, rel));
    assert_true(rel_is_time_local(rel));
    assert_string_equal(rel_fingerprint(rel), rel_fingerprint(input));
    assert_string_equal(rel_label(rel), "/d.series");
    SqlInput inputs[] = {{"a", input}, {"b", input}};
    expect_error(rel_sql(world->arena, "/d", NULL, inputs, 2, &rel), ERR_INVALID,
                 "one pattern, not 2");
}

/* Expressions deeper than our JSON reader goes. */
static void test_deep_text(void **state)
{
    World *world = *state;
    Buf sql = buf_new(world->arena);
    buf_puts(&sql, "SELECT timestamp, 0");
    for (int i = 0; i < 200; i++) buf_puts(&sql, " + v");
    buf_puts(&sql, " AS v FROM source WHERE v = 1");
    assert_string_equal(all_rows(world, sql_over(world, sql.data, source(world))),
                        "2024-01-01T00:10:00Z|200\n");
    buf_puts(&sql, " AND v = getenv('x')");
    refused(world, sql.data, "getenv() is not allowed");
}

/* The cut of a range above SQL hides no row without a time from those who must see it. */
static void test_null_times(void **state)
{
    World *world = *state;
    const char *query =
        "SELECT CASE WHEN v <> 1 THEN timestamp END AS timestamp, v FROM source WHERE v < 3";
    const Rel *rel = sql_over(world, query, source(world));
    assert_string_equal(rows_in(world, rel, at("2024-01-01"), at("2024-01-02")),
                        "2024-01-01T00:00:00Z|0\n2024-01-01T00:20:00Z|2\n");
    char *rows = NULL;
    expect_error(rows_of(world, hourly(world, rel),
                         (RelRead){.span = {at("2024-01-01"), at("2024-01-02")}}, &rows),
                 ERR_INVALID, "/d.series has no time: \"timestamp\" is null");
}

static void test_schema_is_cached(void **state)
{
    World *world = *state;
    CLEANUP(cache_close_at) Cache *cache = cache_open(NULL, 0);
    const char *query =
        "SELECT source.timestamp, source.v + 1 AS w FROM source, unused WHERE false";
    for (int round = 0; round < 2; round++) {
        CLEANUP(plan_close_at) Plan *plan = plan_new(world->arena, cache);
        const Rel *rel = NULL;
        SqlInput inputs[] = {
            {"source", source(world)}, {"unused", source(world)}, {"third", source(world)}};
        must(rel_sql(world->arena, "/d", query, inputs, 3, &rel));
        uint64_t asked = perf_read(PERF_schema_sql);
        must(plan_resolve(plan, rel));
        assert_int_equal(perf_read(PERF_schema_sql) - asked, round == 0 ? 1 : 0);
        assert_int_equal(rel_schema(rel)->count, 2);
        assert_string_equal(rel_schema(rel)->columns[1].name, "w");
        assert_string_equal(rel_schema(rel)->columns[1].type, "DOUBLE");
        assert_string_equal(all_rows(world, rel), "");
    }
}

/* A text that ends in a comment, semicolons and white space still is one sub-query. */
static void test_ends_of_text(void **state)
{
    World *world = *state;
    static const char *const ENDS[] = {"",
                                       ";",
                                       " ; ;\n",
                                       "; -- x",
                                       "/* ; */;",
                                       "; /* a /* b */ ; */ ",
                                       "-- x\r;\r\n",
                                       " -- no newline;"};
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
        char *sql = arena_printf(world->arena,
                                 "SELECT ';' AS a, $$;$$ AS \";\", E'\\';' AS c, 1 AS a$b$, $é$ /* "
                                 "$é$ AS d FROM source LIMIT 1%s",
                                 ENDS[i]);
        assert_string_equal(all_rows(world, sql_over(world, sql, source(world))),
                            ";|;|';|1| /* \n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_select),           WORLD_TEST(test_buckets_and_sql_nest),
        WORLD_TEST(test_places_of_errors), WORLD_TEST(test_errors_below_feeds),
        WORLD_TEST(test_what_is_refused),  WORLD_TEST(test_only_one_select_over_the_inputs),
        WORLD_TEST(test_scopes_of_ctes),   WORLD_TEST(test_what_is_volatile),
        WORLD_TEST(test_time_column),      WORLD_TEST(test_names),
        WORLD_TEST(test_order_and_limit),  WORLD_TEST(test_many_feeds),
        WORLD_TEST(test_late_facts),       WORLD_TEST(test_feed_named_twice),
        WORLD_TEST(test_default_query),    WORLD_TEST(test_deep_text),
        WORLD_TEST(test_null_times),       WORLD_TEST(test_schema_is_cached),
        WORLD_TEST(test_ends_of_text),     WORLD_TEST(test_tables_of_a_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
