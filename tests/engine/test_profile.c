/* Profiles of statements: labels that follow from how each query was made. Two files of 1,000 rows,
 * five columns: ts (a minute each from 1 January and from 1 March 2024), a = 0..999, b = a mod 10,
 * c = a / 2 (DOUBLE), d = text of a. */
#include "engine_test.h"

#include "perf/ops.h"
#include "perf/query.h"
#include "perf/read.h"

enum { ROWS = 1000 };

static const char *file_one, *file_two, *hive_one, *hive_two;

static void write_file(const char *path, const char *first_day)
{
    ParquetStats stats;
    const char *sql = arena_printf(
        arena,
        "SELECT TIMESTAMP '%s' + INTERVAL 1 MINUTE * i AS ts, i AS a, i %% 10 AS b, i / 2 AS c, "
        "i::VARCHAR AS d FROM range(%d) t(i)",
        first_day, ROWS);
    OK(engine_write_parquet(arena, conn, &(ParquetWrite){.select_sql = sql, .path = path}, &stats));
}

static int make_files(void **state)
{
    if (make_root(state) != 0) return -1;
    arena = arena_new();
    OK(engine_connect(&conn));
    file_one = strdup(path_of("one.parquet"));
    file_two = strdup(path_of("two.parquet"));
    OK(os_mkdir(path_of("k=1")));
    OK(os_mkdir(path_of("k=2")));
    hive_one = strdup(arena_printf(arena, "%s/k=1/f.parquet", root));
    hive_two = strdup(arena_printf(arena, "%s/k=2/f.parquet", root));
    write_file(file_one, "2024-01-01");
    write_file(file_two, "2024-03-01");
    write_file(hive_one, "2024-01-01");
    write_file(hive_two, "2024-03-01");
    engine_disconnect_at(&conn);
    arena_free_at(&arena);
    perf_plans_set(PERF_PLANS_ALL);
    return 0;
}

/* {1}, {2}: one file; {12}: both; {H}: both, with k from their folders; {N}: both, with their names
 */
static const char *with_files(const char *sql)
{
    const struct {
        const char *mark, *text;
    } MARKS[] = {
        {"{1}", arena_printf(arena, "read_parquet(['%s'])", file_one)},
        {"{2}", arena_printf(arena, "read_parquet(['%s'])", file_two)},
        {"{12}", arena_printf(arena, "read_parquet(['%s', '%s'])", file_one, file_two)},
        {"{H}", arena_printf(arena, "read_parquet(['%s', '%s'], hive_partitioning=true)", hive_one,
                             hive_two)},
        {"{N}",
         arena_printf(arena, "read_parquet(['%s', '%s'], filename=true)", file_one, file_two)},
        {"{one}", file_one},
    };
    Buf out = buf_new(arena);
    for (const char *at = sql; *at != '\0';) {
        size_t i = 0;
        while (i < sizeof MARKS / sizeof *MARKS && !text_starts(at, MARKS[i].mark)) i++;
        if (i < sizeof MARKS / sizeof *MARKS) {
            buf_puts(&out, MARKS[i].text);
            at += strlen(MARKS[i].mark);
        } else {
            buf_putc(&out, *at++);
        }
    }
    return out.data;
}

static uint64_t drain(const char *sql)
{
    CLEANUP(engine_result_close_at) Result *result = NULL;
    Chunk chunk = {.rows = 1};
    uint64_t rows = 0;
    OK(engine_query(conn, sql, NULL, 0, &result));
    while (chunk.rows > 0) {
        OK(engine_next(result, &chunk));
        rows += chunk.rows;
    }
    return rows;
}

/* The record of a statement with that shape. */
static PerfQuery query_of(const char *sql)
{
    PerfQuery *queries;
    size_t count;
    uint64_t left_out;
    Buf shape = buf_new(arena);
    engine_shape(sql, &shape);
    perf_read_queries(arena, &queries, &count, &left_out);
    for (size_t i = 0; i < count; i++)
        if (strcmp(queries[i].text, shape.data) == 0) return queries[i];
    print_error("no record of %s\n", shape.data);
    fail();
    return (PerfQuery){0};
}

typedef enum Where { NOTHING, PUSHED, LEFT, BOTH } Where; /* to filter; in the scan; above it */

typedef struct Label {
    const char *sql;
    Where where;
    int columns; /* that the query names, of each scan added up; what only drops files is not read
                  */
    int scans, joins;
    int files, files_read; /* dropped by name: 0 0 for none */
    int rows;              /* -1: not known */
    double error;          /* of the worst estimate; 0: not known */
} Label;

/* The engine takes a range to keep a fifth of the rows. */
static const Label LABELS[] = {
    /* what a scan can take over */
    {"SELECT a FROM {1} WHERE ts < TIMESTAMP '2024-01-01 00:10:00'", PUSHED, 2, 1, 0, 0, 0, 10, 20},
    {"SELECT a FROM {1} WHERE a < 500", PUSHED, 1, 1, 0, 0, 0, 500, 2.5},
    {"SELECT a, b FROM {1} WHERE a >= 900", PUSHED, 2, 1, 0, 0, 0, 100, 2},
    {"SELECT d FROM {1} WHERE a BETWEEN 100 AND 199", PUSHED, 2, 1, 0, 0, 0, 100, 2},
    {"SELECT c FROM {1} WHERE c > 400", PUSHED, 1, 1, 0, 0, 0, 199, 0},
    {"SELECT a FROM {12} WHERE ts >= TIMESTAMP '2024-03-01'", PUSHED, 2, 1, 0, 0, 0, 1000, 2.5},
    {"SELECT ts, a, b, c, d FROM {12} WHERE a < 100", PUSHED, 5, 1, 0, 0, 0, 200, 2},
    {"SELECT a FROM {1} WHERE a < 10 AND c < 2", PUSHED, 2, 1, 0, 0, 0, 4, 0},
    {"SELECT count(*) FROM {1} WHERE b = 3", PUSHED, 1, 1, 0, 0, 0, 1, 0},
    {"SELECT sum(c) FROM {12} WHERE a = 17", PUSHED, 2, 1, 0, 0, 0, 1, 0},
    {"SELECT a FROM (SELECT a, b FROM {1}) WHERE b = 4", PUSHED, 2, 1, 0, 0, 0, 100, 0},
    {"WITH s AS (SELECT * FROM {1}) SELECT b FROM s WHERE a < 7", PUSHED, 2, 1, 0, 0, 0, 7, 0},
    {"SELECT a FROM {1} WHERE a < 50 UNION ALL SELECT a FROM {2} WHERE a < 60", PUSHED, 2, 2, 0, 0,
     0, 110, 0},
    {"SELECT b, avg(c) FROM {1} WHERE a < 200 GROUP BY b", PUSHED, 3, 1, 0, 0, 0, 10, 0},
    {"SELECT a FROM {1} WHERE a < 20 ORDER BY a", PUSHED, 1, 1, 0, 0, 0, 20, 10},
    {"SELECT x.a FROM {1} x JOIN {2} y ON x.a = y.a WHERE x.b = 1", PUSHED, 3, 2, 1, 0, 0, 100, 0},
    {"SELECT x.a FROM {1} x JOIN {2} y ON x.a = y.a WHERE y.c < 10 AND x.c < 10", PUSHED, 4, 2, 1,
     0, 0, 20, 0},
    {"SELECT a FROM {H} WHERE k = 1", PUSHED, 1, 1, 0, 2, 1, 1000, 0},
    {"SELECT a FROM {H} WHERE k = 2 AND a < 30", PUSHED, 1, 1, 0, 2, 1, 30, 0},
    {"SELECT a FROM {H} WHERE k IN (1)", PUSHED, 1, 1, 0, 2, 1, 1000, 0},
    {"SELECT a FROM {N} WHERE filename = '{one}'", PUSHED, 1, 1, 0, 2, 1, 1000, 0},
    {"COPY (SELECT a FROM {1} WHERE a < 500) TO '{one}.copy' (FORMAT parquet)", PUSHED, 1, 1, 0, 0,
     0, -1, 0},
    /* and what it cannot, or where there is nothing to take over */
    {"SELECT ts, a, b, c, d FROM {1}", NOTHING, 5, 1, 0, 0, 0, 1000, 1},
    {"SELECT * FROM {12}", NOTHING, 5, 1, 0, 0, 0, 2000, 1},
    {"SELECT count(*) FROM {12}", NOTHING, 0, 1, 0, 0, 0, 1, 1},
    {"SELECT a FROM {1}", NOTHING, 1, 1, 0, 0, 0, 1000, 1},
    {"SELECT a FROM {H}", NOTHING, 1, 1, 0, 0, 0, 2000, 1},
    {"SELECT a, k FROM {H}", NOTHING, 2, 1, 0, 0, 0, 2000, 1},
    {"SELECT b, count(*) FROM {1} GROUP BY b", NOTHING, 1, 1, 0, 0, 0, 10, 0},
    {"SELECT a + random() AS r FROM {1}", NOTHING, 1, 1, 0, 0, 0, 1000, 1},
    {"SELECT x.a, y.b FROM {1} x JOIN {2} y USING (a)", NOTHING, 3, 2, 1, 0, 0, 1000, 1},
    {"SELECT x.a FROM {1} x, {2} y WHERE x.a = y.a", NOTHING, 2, 2, 1, 0, 0, 1000, 1},
    {"SELECT a FROM {1} WHERE a + random() > 500", LEFT, 1, 1, 0, 0, 0, -1, 0},
    {"SELECT a FROM {1} WHERE a = 3 OR b = 7", LEFT, 2, 1, 0, 0, 0, 101, 0},
    {"SELECT a FROM {1} WHERE b IN (1, 4, 7)", LEFT, 2, 1, 0, 0, 0, 300, 0},
    {"SELECT b, count(*) AS n FROM {1} GROUP BY b HAVING n > 99", LEFT, 1, 1, 0, 0, 0, 10, 0},
    {"SELECT x.a FROM {1} x JOIN {2} y ON x.a = y.a WHERE x.b + y.b > 10", LEFT, 4, 2, 1, 0, 0, 400,
     0},
    {"SELECT a FROM (SELECT a, row_number() OVER (ORDER BY a) AS n FROM {1}) WHERE n % 5 = 0", LEFT,
     1, 1, 0, 0, 0, 200, 0},
    {"SELECT a FROM (SELECT a, lag(a) OVER (ORDER BY a) AS p FROM {1}) WHERE p > 990", LEFT, 1, 1,
     0, 0, 0, 8, 0},
    {"SELECT sum(a) AS s, b FROM {12} GROUP BY b HAVING s > 100000", LEFT, 2, 1, 0, 0, 0, 4, 0},
    {"SELECT a FROM {H} WHERE k + random() > 0", LEFT, 2, 1, 0, 0, 0, -1, 0},
    {"SELECT d FROM {1} WHERE a < 7 AND b = 5 + 9 * random()", BOTH, 3, 1, 0, 0, 0, -1, 0},
    {"SELECT DISTINCT b FROM {1}", NOTHING, 1, 1, 0, 0, 0, 10, 0},
    {"SELECT a FROM {1} LIMIT 3", NOTHING, 1, 1, 0, 0, 0, 3, 0},
    {"COPY (SELECT * FROM {1}) TO '{one}.copy' (FORMAT parquet)", NOTHING, 5, 1, 0, 0, 0, -1, 0},
};
enum { LABEL_COUNT = sizeof LABELS / sizeof *LABELS };

static bool where_is(const PerfProfile *profile, Where where)
{
    switch (where) {
    case NOTHING: return profile->filters_pushed == 0 && profile->filters_left == 0;
    case PUSHED: return profile->filters_pushed > 0 && profile->filters_left == 0;
    case LEFT: return profile->filters_pushed == 0 && profile->filters_left > 0;
    case BOTH: return profile->filters_pushed > 0 && profile->filters_left > 0;
    }
    return false;
}

static bool meets(const Label *label, const PerfQuery *query, uint64_t rows)
{
    const PerfProfile *profile = &query->profile;
    double error = query->estimate_off;
    return query->profiled == 1 && where_is(profile, label->where) &&
           (int)profile->columns_read == label->columns && (int)profile->scans == label->scans &&
           (int)profile->joins == label->joins && (int)profile->files == label->files &&
           (int)profile->files_read == label->files_read &&
           (label->rows < 0 || (int)rows == label->rows) &&
           (label->error <= 0 || (error > label->error - 0.01 && error < label->error + 0.01));
}

static void labelled_queries(void **state)
{
    (void)state;
    assert_true(LABEL_COUNT >= 40);
    int wrong = 0, negative = 0;
    for (size_t i = 0; i < LABEL_COUNT; i++) {
        const Label *label = &LABELS[i];
        const char *sql = with_files(label->sql);
        bool is_copy = text_starts(sql, "COPY");
        uint64_t rows = 0;
        if (is_copy)
            OK(engine_exec(conn, sql));
        else
            rows = drain(sql);
        PerfQuery query = query_of(sql);
        negative += label->where != PUSHED;
        if (meets(label, &query, rows)) continue;
        const PerfProfile *profile = &query.profile;
        print_error("%s\n  pushed %u left %u columns %u scans %u joins %u files %u/%u rows %llu "
                    "error %g\n%s",
                    label->sql, profile->filters_pushed, profile->filters_left,
                    profile->columns_read, profile->scans, profile->joins, profile->files_read,
                    profile->files, (unsigned long long)rows, query.estimate_off,
                    query.physical != NULL ? query.physical : "(no plan)\n");
        wrong++;
    }
    assert_int_equal(wrong, 0);
    assert_true(negative * 2 >= LABEL_COUNT);
}

/* ---- row groups ---- */

/* {G}: 10,240 rows in five row groups of 2,048: ts (a minute each from 1 January), a = 0..10239,
 * b = a mod 10, c = a / 2 (DOUBLE), d = 'x' and a in five digits, e = null below 4,096 and a above.
 * {GG}: that and a second file with a from 10,240 on. */
enum { GROUP_ROWS = 2048, GROUPS = 5 };
static const char *groups_one, *groups_two;

static void write_groups(const char *path, int first)
{
    ParquetStats stats;
    const char *sql = arena_printf(
        arena,
        "SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL 1 MINUTE * i AS ts, i AS a, i %% "
        "10 AS b, i / 2 AS c, printf('x%%05d', i) AS d, CASE WHEN i >= 4096 THEN i END AS e FROM "
        "range(%d, %d) t(i)",
        first, first + GROUPS * GROUP_ROWS);
    const ParquetWrite write = {.select_sql = sql, .path = path, .row_group_rows = GROUP_ROWS};
    OK(engine_write_parquet(arena, conn, &write, &stats));
}

typedef struct GroupLabel {
    const char *from, *where; /* t(f0, ...): columns by other names */
    int skipped, groups;
} GroupLabel;

#define ONE "read_parquet(['{g}'])"
#define TWO "read_parquet(['{g}', '{h}'])"
#define RENAMED "read_parquet(['{g}'], hive_partitioning=false) AS t(f0, f1, f2, f3, f4, f5)"
static const GroupLabel GROUP_LABELS[] = {
    {ONE, "a < 2048", 4, 5},
    {ONE, "a <= 2048", 3, 5},
    {ONE, "a >= 8191", 3, 5},
    {ONE, "a > 8191", 4, 5},
    {ONE, "a = 5000", 4, 5},
    {ONE, "a BETWEEN 2048 AND 4095", 4, 5},
    {ONE, "a > 2047 AND c < 3072", 3, 5},                      /* a up to 6143: groups 1 and 2 */
    {ONE, "ts < TIMESTAMPTZ '2024-01-02 00:00:00+00'", 4, 5},  /* minutes 0 to 1439 */
    {ONE, "ts >= TIMESTAMPTZ '2024-01-07 00:00:00+00'", 4, 5}, /* from minute 8640 */
    {ONE, "c >= 4096", 4, 5},
    {ONE, "d >= 'x08192'", 4, 5},
    {ONE, "e < 4100", 4, 5}, /* two groups hold nothing */
    {ONE, "a IN (3, 10000)", 3, 5},
    {TWO, "a = 5000", 9, 10},
    {TWO, "a >= 10240", 5, 10},
    {RENAMED, "f1 = 5000", 4, 5},
    {RENAMED, "f0 < TIMESTAMPTZ '2024-01-02 00:00:00+00' AND f3 >= 0.5", 4, 5},
    /* none */
    {ONE, "true", 0, 0},
    {ONE, "a >= 0", 0, 0}, /* always so: the condition is dropped */
    {TWO, "true", 0, 0},
    {RENAMED, "true", 0, 0},
    {ONE, "b = 3", 0, 5},
    {ONE, "b < 5 AND a > 100", 0, 5},
    {ONE, "b <> 3", 0, 5},
    {ONE, "a > 2000 AND a < 8200", 0, 5},
    {ONE, "a <> 3", 0, 5},
    {ONE, "c < 5000", 0, 5},
    {ONE, "d > 'x0'", 0, 5},
    {ONE, "a + random() > 8000", 0, 0},   /* not for the scan */
    {ONE, "e IS NULL OR e > 9000", 0, 5}, /* not understood */
    {TWO, "b = 3", 0, 10},
    {TWO, "a > 2000 AND a < 18500", 0, 10},
    {RENAMED, "f2 = 3", 0, 5},
    {RENAMED, "f1 > 2000 AND f1 < 8200", 0, 5},
};
enum { GROUP_LABEL_COUNT = sizeof GROUP_LABELS / sizeof *GROUP_LABELS };

static const char *with_groups(const char *from)
{
    Buf out = buf_new(arena);
    for (const char *at = from; *at != '\0'; at++) {
        bool is_mark = *at == '{';
        if (is_mark) buf_puts(&out, at[1] == 'g' ? groups_one : groups_two);
        at += is_mark ? 2 : 0;
        if (!is_mark) buf_putc(&out, *at);
    }
    return out.data;
}

static void row_groups_skipped(void **state)
{
    (void)state;
    int wrong = 0, negative = 0;
    groups_one = path_of("groups[1], 'a'.parquet"); /* names that SQL and patterns would mistake */
    groups_two = path_of("groups_2.parquet");
    write_groups(groups_one, 0);
    write_groups(groups_two, GROUPS * GROUP_ROWS);
    groups_one = path_of("groups[[]1], ''a''.parquet");
    for (size_t i = 0; i < GROUP_LABEL_COUNT; i++) {
        const GroupLabel *label = &GROUP_LABELS[i];
        const char *sql = arena_printf(arena, "SELECT sum(%s) AS n%zu FROM %s WHERE %s",
                                       strcmp(label->from, RENAMED) == 0 ? "f1" : "a", i,
                                       with_groups(label->from), label->where);
        uint64_t known = perf_read(PERF_row_group_known),
                 skipped = perf_read(PERF_row_group_skipped);
        (void)drain(sql);
        const PerfQuery query = query_of(sql);
        negative += label->skipped == 0;
        bool is_right = (int)query.profile.row_groups == label->groups &&
                        (int)query.profile.row_groups_skipped == label->skipped &&
                        perf_read(PERF_row_group_known) - known == (uint64_t)label->groups &&
                        perf_read(PERF_row_group_skipped) - skipped == (uint64_t)label->skipped;
        if (is_right) continue;
        print_error("%s: %llu of %llu\n%s", label->where,
                    (unsigned long long)query.profile.row_groups_skipped,
                    (unsigned long long)query.profile.row_groups,
                    query.physical != NULL ? query.physical : "(no plan)\n");
        wrong++;
    }
    assert_int_equal(wrong, 0);
    assert_true(negative * 2 >= GROUP_LABEL_COUNT);
}

static void shape_is(const char *sql, const char *expected)
{
    Buf shape = buf_new(arena);
    engine_shape(sql, &shape);
    assert_string_equal(shape.data, expected);
}

static void shapes(void **state)
{
    (void)state;
    shape_is("SELECT 1", "SELECT ?");
    shape_is("SELECT  1,\n 2 -- two\n, 3", "SELECT ?");
    shape_is("f ( a , b )", "f ( a, b)");
    shape_is("SELECT a1, 'it''s', x'00' FROM t2", "SELECT a1, ?, x? FROM t2");
    shape_is("SELECT \"a \"\"1\" FROM \"2\"", "SELECT \"a \"\"1\" FROM \"2\"");
    shape_is("f(['/a/b', '/c'], x=false)", "f([?], x=false)");
    shape_is("VALUES (1, 'a'), (2, 'b'),  (3, NULL)", "VALUES (?), (?, NULL)");
    shape_is("a - 1", "a - ?");
    shape_is("a > -1.5e-3 AND b", "a > ? AND b");
    shape_is("FROM pond_feed_17() WHERE x = $2", "FROM pond_feed() WHERE x = ?");
    shape_is("SELECT /* no */ 1 /* unfinished", "SELECT ?");
    shape_is("SELECT 'unfinished", "SELECT ?");
    shape_is("", "");
}

static void calls_of_one_shape_meet(void **state)
{
    (void)state;
    const char *one = with_files("SELECT b + 1 AS z FROM {1} WHERE a < 5"),
               *two = with_files("SELECT b + 1 AS z FROM {2} WHERE a < 6");
    assert_int_equal(drain(one), 5);
    assert_int_equal(drain(two), 6);
    PerfQuery query = query_of(one);
    assert_int_equal(query.calls, 2);
    assert_int_equal(query.rows, 11);
    assert_int_equal(query.profiled, 2);
    assert_int_equal(query.plan_changes, 0);
    assert_non_null(query.logical);
    assert_non_null(strstr(query.logical, "FILTER"));
    assert_non_null(query.optimized);
    assert_null(strstr(query.optimized, "FILTER")); /* pushed into the scan */
    assert_non_null(query.physical);
    assert_non_null(strstr(query.physical, "READ_PARQUET"));
    assert_true(query.profile.pass_count > 0);
    assert_true(query.self_us > 0);
}

static void sources_are_of_the_next_statement(void **state)
{
    (void)state;
    const char *sql = with_files("SELECT c AS of_sources FROM {1}");
    engine_note_source(conn, &(EngineSource){3, 1, 5, ROWS, 4000});
    engine_note_source(conn, &(EngineSource){2, 2, 4, 10, 20});
    (void)drain(sql);
    (void)drain(sql);
    PerfSources sources = query_of(sql).sources;
    assert_int_equal(sources.versions, 5);
    assert_int_equal(sources.versions_read, 3);
    assert_int_equal(sources.rows, ROWS + 10);
    assert_int_equal(sources.bytes, 4020);
}

/* Bytes are those that the engine's file calls took, whatever the engine says. */
static void bytes_are_ours(void **state)
{
    (void)state;
    uint64_t before = 0;
    for (int class = 0; class < OS_CLASS_COUNT; class ++)
        before += os_count(OS_ENGINE, (OsClass) class, OS_READ).bytes;
    const char *sql = with_files("SELECT max(d) AS of_bytes FROM {12}");
    perf_plans_set(PERF_PLANS_OFF); /* no plan is asked for: it would read as well */
    (void)drain(sql);
    perf_plans_set(PERF_PLANS_ALL);
    uint64_t after = 0;
    for (int class = 0; class < OS_CLASS_COUNT; class ++)
        after += os_count(OS_ENGINE, (OsClass) class, OS_READ).bytes;
    PerfQuery query = query_of(sql);
    assert_int_equal(query.read_bytes, after - before);
    assert_true(query.read_bytes > 0);
    assert_int_equal(query.profiled, 0);
}

/* What runs inside a statement, by way of a feed, is that statement's own. */
#define INSIDE                                                                                     \
    with_files("SELECT sum(i) AS inside FROM range(2000000) t(i), (SELECT max(d) AS d FROM {1})")
static Err *inner_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    Conn *inner = context;
    CLEANUP(engine_result_close_at) Result *result = NULL;
    Chunk chunk;
    (void)columns;
    (void)capacity;
    TRY(engine_query(inner, INSIDE, NULL, 0, &result));
    do {
        TRY(engine_next(result, &chunk));
    } while (chunk.rows > 0);
    *out_rows = 0;
    return NULL;
}

static void inner_statements_are_taken_off(void **state)
{
    (void)state;
    CLEANUP(engine_disconnect_at) Conn *inner = NULL;
    CLEANUP(engine_feed_close_at) Feed *feed = NULL;
    Column column = {.name = "n", .type = "BIGINT"};
    Schema schema = {.columns = &column, .count = 1};
    OK(engine_connect(&inner));
    OK(engine_feed_open(conn, &schema, inner_next, inner, &feed));
    const char *sql = arena_printf(arena, "SELECT n FROM %s()", engine_feed_name(feed));
    int64_t begun_us = os_monotonic_us();
    assert_int_equal(drain(sql), 0);
    double wall_us = (double)(os_monotonic_us() - begun_us);
    PerfQuery outer = query_of(sql), within = query_of(INSIDE);
    assert_int_equal(outer.read_bytes, 0);
    assert_true(within.read_bytes > 0);
    assert_true(outer.inner_us > 0);
    assert_true(outer.self_us + outer.inner_us <= wall_us * 1.001 + 1); /* two clocks */
    assert_true(outer.inner_us <= within.self_us + within.inner_us + 1);
    assert_int_equal(outer.profile.feeds, 1);
    assert_true(outer.estimate_off <= 0); /* nobody told the engine how many rows come */
    assert_string_equal(outer.profile.operators[outer.profile.operator_count - 1].name,
                        "POND_FEED");
}

/* Columns are made narrow for a sort where the data allows: that is no other plan. Another order of
 * operators is one. */
static void what_is_another_plan(void **state)
{
    (void)state;
    static const char *const VALUES[] = {"i", "i * 1000000000000"};
    const char *path = path_of("sorted.parquet");
    const char *sql = arena_printf(
        arena, "SELECT v, w FROM read_parquet(['%s']) WHERE w >= 0 ORDER BY w, v", path);
    uint64_t plans[2];
    for (int i = 0; i < 2; i++) {
        ParquetStats stats;
        OK(os_unlink_if(path));
        const char *rows = arena_printf(arena, "SELECT %s AS v, %s - %d AS w FROM range(100) t(i)",
                                        VALUES[i], VALUES[i], i);
        OK(engine_write_parquet(arena, conn, &(ParquetWrite){.select_sql = rows, .path = path},
                                &stats));
        assert_int_equal(drain(sql), 100 - i); /* the second has one w below 0 */
        plans[i] = query_of(sql).profile.plan;
    }
    assert_true(plans[0] == plans[1]);
    assert_int_equal(query_of(sql).plan_changes, 0);
    assert_non_null(strstr(query_of(sql).physical, "__internal_")); /* as it was, it was narrow */
    const char *other = with_files("SELECT b FROM {1} WHERE a < 5 ORDER BY b"),
               *late = with_files("SELECT b FROM {1} WHERE a = 5 OR b = 7 ORDER BY b");
    (void)drain(other);
    (void)drain(late);
    assert_true(query_of(other).profile.plan != query_of(late).profile.plan);
}

static void failures_are_counted(void **state)
{
    (void)state;
    const char *sql = "SELECT error('no') AS of_failures FROM range(3)";
    CLEANUP(engine_result_close_at) Result *result = NULL;
    Err *err = engine_query(conn, sql, NULL, 0, &result);
    Chunk chunk;
    if (err == NULL) err = engine_next(result, &chunk);
    assert_non_null(err);
    err_free(err);
    engine_result_close_at(&result);
    PerfQuery query = query_of(sql);
    assert_int_equal(query.calls, 1);
    assert_int_equal(query.failed, 1);
    assert_int_equal(query.profiled, 0);
}

static void failures_of_streams_are_counted(void **state)
{
    (void)state;
    const char *sql =
        "SELECT CASE WHEN i = 4000000 THEN error('no')::BIGINT ELSE i END AS of_streams "
        "FROM range(5000000) t(i)";
    CLEANUP(engine_result_close_at) Result *result = NULL;
    Chunk chunk = {.rows = 1};
    Err *err = NULL;
    OK(engine_query(conn, sql, NULL, 0, &result)); /* the first rows are there */
    while (err == NULL && chunk.rows > 0) err = engine_next(result, &chunk);
    assert_non_null(err);
    err_free(err);
    PerfQuery query = query_of(sql);
    assert_int_equal(query.failed, 1);
    assert_int_equal(query.profiled, 0);
    assert_true(query.rows > 0 && query.rows <= 4000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shapes),
        TEST(labelled_queries),
        TEST(row_groups_skipped),
        TEST(calls_of_one_shape_meet),
        TEST(sources_are_of_the_next_statement),
        TEST(bytes_are_ours),
        TEST(inner_statements_are_taken_off),
        TEST(what_is_another_plan),
        TEST(failures_are_counted),
        TEST(failures_of_streams_are_counted),
    };
    return cmocka_run_group_tests(tests, make_files, remove_root);
}
