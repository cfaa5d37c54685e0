/* An export of time-local SQL, window by window, gives the bytes that it gives when the text runs
 * whole; what is read is what the windows need. */
#include "rows.h"

/* 100 days of a row in 40 minutes; in three versions, of which the second overlaps the others. */
static const Rel *series(const char *name, int factor, const char *filter)
{
    static const char *const CUTS[] = {"i < 1500", "i BETWEEN 1200 AND 2000", "i > 1900"};
    ScanFile *files = AARRAY(fx.arena, ScanFile, 3);
    for (int i = 0; i < 3; i++)
        files[i] = version_of(
            name, "timestamp",
            arena_printf(
                fx.arena,
                "SELECT TIMESTAMPTZ '2023-12-20 00:00:00Z' + INTERVAL 40 MINUTE * (i // 1) "
                "AS timestamp, CASE WHEN i %% 13 = 0 THEN NULL ELSE (hash(i * %d) %% "
                "1000)::DOUBLE / 7 END AS \"%s v\", (i %% 5)::INTEGER AS k FROM range(3600) "
                "t(i) WHERE %s AND %s ORDER BY i",
                factor, name, CUTS[i], filter));
    return series_of(name, files, 3);
}

static const char *const QUERIES[] = {
    "SELECT * FROM a NATURAL FULL OUTER JOIN b ORDER BY timestamp",
    "WITH t AS (SELECT timestamp FROM a UNION SELECT timestamp FROM b) SELECT t.timestamp, a.\"a "
    "v\", "
    "b.\"b v\" FROM t LEFT JOIN a ON t.timestamp = a.timestamp LEFT JOIN b ON t.timestamp = "
    "b.timestamp ORDER BY t.timestamp",
    "SELECT date_trunc('day', timestamp) AS timestamp, k, avg(\"a v\") AS v, count(*) AS n FROM a "
    "GROUP BY ALL",
    "SELECT time_bucket(INTERVAL 7 DAY, timestamp) AS timestamp, stddev(\"a v\") AS v, first(k) AS "
    "f "
    "FROM (SELECT timestamp, \"a v\", k FROM a UNION ALL SELECT * FROM b) GROUP BY 1",
    "SELECT a.timestamp, a.k, \"a v\" * height AS v FROM a LEFT JOIN s ON a.k = s.k WHERE \"a v\" "
    "> 9",
    "SELECT time_bucket(INTERVAL 1 MONTH, a.timestamp) AS timestamp, max(\"a v\") AS v FROM a JOIN "
    "b "
    "USING (timestamp, k) GROUP BY 1",
};
enum { QUERY_COUNT = sizeof QUERIES / sizeof *QUERIES };

/* Behind a LIMIT that keeps all rows it runs whole. */
static const Rel *query_over(const SqlInput *inputs, const char *query, bool runs_whole)
{
    const Rel *rel;
    OK(rel_sql(fx.arena, "/d.series", query, inputs, 3, &rel));
    OK(plan_resolve(the_plan(), rel));
    assert_true(rel_is_time_local(rel));
    if (!runs_whole) return rel;
    const SqlInput input = {"d", rel};
    OK(rel_sql(fx.arena, "/d.series", "SELECT * FROM d LIMIT 1000000000", &input, 1, &rel));
    OK(plan_resolve(the_plan(), rel));
    assert_false(rel_is_time_local(rel));
    return rel;
}

static const Rel *hours_of(const Rel *input, const char *column)
{
    BucketAgg *agg = ANEW(fx.arena, BucketAgg);
    *agg = (BucketAgg){AGG_SUM, column, "sum"};
    const Rel *rel;
    OK(rel_bucket(the_plan(), fx.arena, input,
                  &(BucketSpec){.label = "/res=6h.series",
                                .time_column = "timestamp",
                                .width_us = 6 * US_PER_HOUR,
                                .base_width_us = 6 * US_PER_HOUR,
                                .aggs = agg,
                                .agg_count = 1},
                  &rel));
    return rel;
}

/* Each query by itself, and reduced to six hours. */
static char *export_all(const SqlInput *sources, const char *name, bool runs_whole,
                        ExportOptions *options)
{
    ExportInput inputs[2 * QUERY_COUNT];
    ExportSummary summary;
    options->dir = fx.out = under(fx.base, name);
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        const Rel *rel = query_over(sources, QUERIES[i], runs_whole);
        const char *column = rel_schema(rel)->columns[rel_schema(rel)->count - 1].name;
        inputs[2 * i] = input_of(arena_printf(fx.arena, "/q%zu.series", i), rel);
        inputs[2 * i + 1] =
            input_of(arena_printf(fx.arena, "/r%zu.series", i), hours_of(rel, column));
    }
    OK(run_export(inputs, 2 * QUERY_COUNT, options, &summary));
    assert_int_equal(summary.target_count, 2 * QUERY_COUNT);
    return tree_of(fx.out);
}

static SqlInput *sources_of(void)
{
    ScanFile *heights = ANEW(fx.arena, ScanFile);
    SqlInput *sources = AARRAY(fx.arena, SqlInput, 3);
    *heights = version_of("s", NULL, "SELECT * FROM (VALUES (1, 0.3), (3, 1.7)) AS s(k, height)");
    sources[0] = (SqlInput){"a", series("a", 7, "i % 9 <> 2")};
    sources[1] = (SqlInput){"b", series("b", 11, "i % 4 <> 3 AND i NOT BETWEEN 700 AND 900")};
    sources[2] = (SqlInput){"s", series_of("s", heights, 1)};
    return sources;
}

/* Every line "path hash", the list of files among them. */
static void assert_same_files(const char *local, const char *whole)
{
    for (const char *line = local, *other = whole; *line != '\0' || *other != '\0';) {
        size_t size = strcspn(line, "\n"), other_size = strcspn(other, "\n");
        if (size != other_size || strncmp(line, other, size) != 0)
            fail_msg("%.*s\nwhole: %.*s", (int)size, line, (int)other_size, other);
        line += size + (line[size] == '\n');
        other += other_size + (other[other_size] == '\n');
    }
}

static void test_same_bytes_as_whole(void **state)
{
    (void)state;
    static const char *const TEMPORALS[] = {"year,month", "year,month,day", "year"};
    const SqlInput *sources = sources_of();
    for (size_t i = 0; i < sizeof TEMPORALS / sizeof *TEMPORALS; i++) {
        ExportOptions options = options_new();
        options.temporal = TEMPORALS[i];
        if (i == 1) options.bounds = (TimeSpan){time_at("2024-01-09"), time_at("2024-02-02")};
        options.threads = 1 + (int)i;
        char *local = export_all(sources, arena_printf(fx.arena, "local-%zu", i), false, &options);
        char *whole = export_all(sources, arena_printf(fx.arena, "whole-%zu", i), true, &options);
        assert_same_files(local, whole);
        assert_true(strlen(local) > 1000);
    }
}

static char *files_sql(const Rel *rel)
{
    const ScanFile **files;
    size_t count;
    rel_inputs_in(fx.arena, rel, (TimeSpan){TIME_MIN, TIME_MAX}, &files, &count);
    Buf sql = buf_new(fx.arena);
    for (size_t i = 0; i < count; i++)
        buf_printf(&sql, "%sFROM '%s'", i > 0 ? " UNION ALL " : "", files[i]->path);
    return sql.data;
}

/* A month reads its versions, and nothing is written twice. */
static void test_nothing_is_materialised(void **state)
{
    (void)state;
    const SqlInput *sources = sources_of();
    const Rel *rel = query_over(sources, QUERIES[0], false);
    ExportOptions options = options_new();
    ExportSummary summary;
    ExportInput input = input_of("/q", rel);
    options.temporal = "year,month";
    OK(os_remove_tree(fx.scratch)); /* there is no place to materialise in */
    OK(run_export(&input, 1, &options, &summary));
    assert_int_equal(summary.written, 4);
    assert_rows("q", arena_printf(fx.arena, "SELECT * FROM (%s) NATURAL FULL JOIN (%s)",
                                  files_sql(sources[0].rel), files_sql(sources[1].rel)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_same_bytes_as_whole),
        TEST(test_nothing_is_materialised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
