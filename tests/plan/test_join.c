/* The join on time: literal rows, types, chunks, errors, pruning; then random series against
 * SQLite's FULL JOIN, whole and in windows. */
#include "lite.h"
#include "perf/ops.h"

/* ---- helpers ---- */

/* A series of one file, in order unless times say otherwise. */
static const Rel *series(World *world, const char *sql, const char *time_column, TimeUnit unit)
{
    ScanFile file = make_file(world, sql, time_column, unit);
    file.in_order = false; /* no interval is known: it is sorted when it is read */
    return scan_of(world, &file, 1);
}

static const Rel *values(World *world, const char *columns, const char *rows)
{
    return series(world,
                  arena_printf(world->arena, "SELECT * FROM (VALUES %s) AS t(%s)", rows, columns),
                  "ts", TIME_UNIT_NONE);
}

static Err *try_join(World *world, const Rel *const *rels, const char *const *prefixes,
                     size_t count, const Rel **out)
{
    JoinInput inputs[8] = {0};
    for (size_t i = 0; i < count; i++) inputs[i] = (JoinInput){rels[i], prefixes[i]};
    TRY(rel_join(world->plan, world->arena,
                 &(JoinSpec){"/joined", "ts", .inputs = inputs, .count = count}, out));
    return plan_resolve(world->plan, *out);
}

static const Rel *join(World *world, const Rel *const *rels, const char *const *prefixes,
                       size_t count)
{
    const Rel *rel = NULL;
    must(try_join(world, rels, prefixes, count, &rel));
    return rel;
}

static const char *const AB[] = {"A", "B", "C", "D"};

static const Rel *join_two(World *world, const Rel *a, const Rel *b)
{
    return join(world, (const Rel *[]){a, b}, AB, 2);
}

/* ---- what it is ---- */

static void test_every_pair(void **state)
{
    World *world = *state;
    const Rel *a = values(world, "ts, x",
                          "(make_timestamptz(1000000), 1), (make_timestamptz(2000000), 2), "
                          "(make_timestamptz(2000000), 22), (make_timestamptz(4000000), NULL)");
    const Rel *b =
        values(world, "ts, y, x",
               "(make_timestamptz(2000000), 'p', 0.5::DOUBLE), (make_timestamptz(2000000), "
               "'a text of more than twelve bytes', 1.5), (make_timestamptz(3000000), "
               "NULL, 2.5)");
    const Rel *rel = join_two(world, a, b);
    assert_string_equal(all_rows(world, rel),
                        "1970-01-01T00:00:01Z|1|NULL|NULL\n"
                        "1970-01-01T00:00:02Z|2|p|0.5\n"
                        "1970-01-01T00:00:02Z|2|a text of more than twelve bytes|1.5\n"
                        "1970-01-01T00:00:02Z|22|p|0.5\n"
                        "1970-01-01T00:00:02Z|22|a text of more than twelve bytes|1.5\n"
                        "1970-01-01T00:00:03Z|NULL|NULL|2.5\n"
                        "1970-01-01T00:00:04Z|NULL|NULL|NULL\n");
    assert_string_equal(rows_in(world, rel, 3000000, 3999999),
                        "1970-01-01T00:00:03Z|NULL|NULL|2.5\n");
    const Schema *schema = rel_schema(rel);
    assert_int_equal(schema->count, 4);
    assert_string_equal(schema->columns[0].name, "ts");
    assert_string_equal(schema->columns[1].name, "A.x");
    assert_string_equal(schema->columns[2].name, "B.y");
    assert_string_equal(schema->columns[3].name, "B.x");
    assert_true(rel_is_time_local(rel) && rel_is_in_order(rel) && !rel_is_volatile(rel));
    assert_string_equal(rel_tree_text(world->arena, rel),
                        "join /joined on ts: A, B\n"
                        "  scan /s.series 1 file, 4 rows, not in time order\n"
                        "  scan /s.series 1 file, 3 rows, not in time order\n");
    /* of one input: names and the type of the time */
    rel = join(world, &a, AB, 1);
    assert_string_equal(rel_schema(rel)->columns[1].name, "A.x");
    assert_string_equal(rows_in(world, rel, 0, 1999999), "1970-01-01T00:00:01Z|1\n");
}

/* One instant in each type of time, and its neighbour. */
static void test_times_meet_as_instants(void **state)
{
    World *world = *state;
    static const struct {
        const char *value;
        TimeUnit unit;
    } TYPES[] = {
        {"make_timestamptz(i * 86400000000)", TIME_UNIT_NONE},
        {"make_timestamp(i * 86400000000)", TIME_UNIT_NONE},
        {"make_timestamp_ns(i * 86400000000000 + 999)", TIME_UNIT_NONE},
        {"CAST(make_timestamp(i * 86400000000) AS TIMESTAMP_S)", TIME_UNIT_NONE},
        {"CAST(make_timestamp(i * 86400000000) AS TIMESTAMP_MS)", TIME_UNIT_NONE},
        {"make_date(i::INTEGER)", TIME_UNIT_NONE},
        {"i * 86400", TIME_UNIT_S},
        {"(i * 86400)::INTEGER", TIME_UNIT_S},
        {"i * 86400000", TIME_UNIT_MS},
        {"i * 86400000000", TIME_UNIT_US},
        {"i * 86400000000000 + 1", TIME_UNIT_NS},
    };
    for (size_t k = 0; k < sizeof TYPES / sizeof *TYPES; k++) {
        const char *sql = arena_printf(
            world->arena, "SELECT %s AS ts, i AS v FROM range(-2, 1) t(i)", TYPES[k].value);
        const Rel *a =
            values(world, "ts, x", "(make_timestamptz(-86400000000), 7), (make_timestamptz(5), 8)");
        const Rel *rel = join_two(world, a, series(world, sql, "ts", TYPES[k].unit));
        assert_string_equal(rel_schema(rel)->columns[0].type, TZ);
        assert_string_equal(all_rows(world, rel), "1969-12-30T00:00:00Z|NULL|-2\n"
                                                  "1969-12-31T00:00:00Z|7|-1\n"
                                                  "1970-01-01T00:00:00Z|NULL|0\n"
                                                  "1970-01-01T00:00:00.000005Z|8|NULL\n");
        assert_string_equal(rows_in(world, rel, -86400000000, -86400000000),
                            "1969-12-31T00:00:00Z|7|-1\n");
    }
}

/* Each type's values come through as they were, also where the feed cannot carry them. */
static void test_types_come_through(void **state)
{
    World *world = *state;
    static const char *const VALUES[] = {
        "true",
        "-7::TINYINT",
        "200::UTINYINT",
        "-700::SMALLINT",
        "60000::USMALLINT",
        "70000::INTEGER",
        "4000000000::UINTEGER",
        "9007199254740993",
        "18446744073709551615::UBIGINT",
        "0.1::FLOAT",
        "0.1::DOUBLE",
        "'nan'::DOUBLE",
        "12.34::DECIMAL(4,2)",
        "12345.67::DECIMAL(9,2)",
        "123456789012.345::DECIMAL(18,3)",
        "12345678901234567890123456789012345.678::DECIMAL(38,3)",
        "DATE '2024-02-29'",
        "TIME '12:34:56.789'",
        "TIMESTAMP '2024-02-29 12:00:00.5'",
        "TIMESTAMP_NS '2024-02-29 12:00:00.123456789'",
        "'µS/cm and more than twelve bytes'",
        "''",
        "'\\x00\\xFF\\x00 and more than twelve'::BLOB",
        "UUID '12345678-1234-1234-1234-123456789abc'",
        "INTERVAL '1 year 2 days 3 seconds'",
        "[1, NULL, 3]",
        "{'a': 1, 'b c': 'it''s \"x\", [y]'}",
        "MAP {'k': [1.5, NULL]}",
    };
    Arena *arena = world->arena;
    for (size_t k = 0; k < sizeof VALUES / sizeof *VALUES; k++) {
        const Rel *a = series(world,
                              arena_printf(arena,
                                           "SELECT make_timestamptz(i) AS ts, CASE WHEN i <> 1 "
                                           "THEN %s END AS v FROM range(3) t(i)",
                                           VALUES[k]),
                              "ts", TIME_UNIT_NONE);
        const Rel *b = values(world, "ts, w", "(make_timestamptz(2), 1), (make_timestamptz(3), 2)");
        const Rel *joined = join_two(world, a, b), *compared = NULL;
        assert_string_equal(rel_schema(joined)->columns[1].type, rel_schema(a)->columns[1].type);
        const char *query = arena_printf(arena,
                                         "SELECT string_agg(CASE WHEN \"A.v\" IS NULL THEN '-' "
                                         "WHEN \"A.v\" = %s THEN '=' ELSE '!' END, '' ORDER BY ts) "
                                         "AS s FROM j",
                                         VALUES[k]);
        must(rel_sql(arena, "/q", query, &(SqlInput){"j", joined}, 1, &compared));
        assert_string_equal(all_rows(world, compared), "=-=-\n");
    }
}

/* An instant's rows that go on in the next chunk (of 2,048 rows), and in the one after. */
static void test_chunks(void **state)
{
    World *world = *state;
    static const int COUNTS[] = {1, 2, 2047, 2048, 2049, 5000};
    for (size_t k = 0; k < sizeof COUNTS / sizeof *COUNTS; k++) {
        /* before rows of their own time, n of the time 5000000, one after */
        for (int before = 2046; before <= 2048; before++) {
            const char *sql = arena_printf(
                world->arena,
                "SELECT make_timestamptz(CASE WHEN i < %d THEN i WHEN i < %d THEN 5000000 ELSE "
                "6000000 END) AS ts, i AS v, 'a text that is long ' || i AS s FROM range(%d) t(i)",
                before, before + COUNTS[k], before + COUNTS[k] + 1);
            const Rel *b = values(world, "ts, w",
                                  "(make_timestamptz(5000000), 1), (make_timestamptz(5000000), 2)");
            const Rel *joined = join_two(world, series(world, sql, "ts", TIME_UNIT_NONE), b),
                      *sums = NULL;
            must(rel_sql(world->arena, "/q",
                         "SELECT count(*) AS n, count(\"B.w\") AS w, sum(\"A.v\")::BIGINT AS v, "
                         "count(DISTINCT \"A.s\") AS s, count(*) FILTER ("
                         "\"A.s\" <> 'a text that is long ' || \"A.v\") AS bad FROM j",
                         &(SqlInput){"j", joined}, 1, &sums));
            int64_t n = COUNTS[k], rows = before + 2 * n + 1, last = before + n, sum = 0;
            for (int64_t i = 0; i <= last; i++) sum += i >= before && i < last ? 2 * i : i;
            assert_string_equal(all_rows(world, sums),
                                arena_printf(world->arena,
                                             "%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|0\n",
                                             rows, 2 * n, sum, last + 1));
        }
    }
}

static void test_refused(void **state)
{
    World *world = *state;
    const Rel *rel = NULL, *a = values(world, "ts, x", "(make_timestamptz(1), 1)");
    const char *const same[] = {"A", "A"}, *const none[] = {NULL, NULL},
                      *const mixed[] = {NULL, "a"};
    expect_error(try_join(world, (const Rel *[]){a, a}, same, 2, &rel), ERR_INVALID,
                 "/joined: column \"A.x\" comes from /s.series and from /s.series");
    expect_error(try_join(world, (const Rel *[]){a, a}, none, 2, &rel), ERR_INVALID,
                 "column \"x\" comes from");
    const Rel *b = values(world, "ts, \"a.x\"", "(make_timestamptz(1), 1)");
    expect_error(try_join(world, (const Rel *[]){b, a}, mixed, 2, &rel), ERR_INVALID,
                 "column \"a.x\" comes from");
    b = series(world, "SELECT 1 AS v", NULL, TIME_UNIT_NONE);
    expect_error(try_join(world, (const Rel *[]){a, b}, AB, 2, &rel), ERR_NOT_FOUND,
                 "/s.series: there is no column \"ts\"");
    b = series(world, "SELECT 1 AS v, 'x' AS ts", NULL, TIME_UNIT_NONE);
    expect_error(try_join(world, (const Rel *[]){a, b}, AB, 2, &rel), ERR_INVALID,
                 "column \"ts\" is VARCHAR, not a time");
    /* rows without a time, which SQL can make, are told and not dropped */
    must(rel_sql(world->arena, "/holes", "SELECT NULL::TIMESTAMPTZ AS ts, x FROM a",
                 &(SqlInput){"a", a}, 1, &b));
    rel = join_two(world, a, b);
    char *rows = NULL;
    expect_error(rows_of(world, rel, (RelRead){.span = ALL, .sorted = true}, &rows), ERR_INVALID,
                 "/joined: a row of /holes has no time: \"ts\" is null");
}

/* ---- what it reads ---- */

/* A side that fails when its column v is read. */
static const Rel *mine(World *world)
{
    const Rel *a = series(world,
                          "SELECT make_timestamptz(i) AS ts, i AS v, i AS w FROM range(3) t(i)",
                          "ts", TIME_UNIT_NONE),
              *rel = NULL;
    must(rel_sql(world->arena, "/mine",
                 "SELECT ts, CASE WHEN v >= 0 THEN ('v is read' || v)::BIGINT END AS v, w FROM a",
                 &(SqlInput){"a", a}, 1, &rel));
    return rel;
}

/* Only what is needed above is read below, through joins, projections, unions and buckets. */
static void test_columns_are_pruned(void **state)
{
    World *world = *state;
    const Rel *a = mine(world), *b = values(world, "ts, x", "(make_timestamptz(1), 5)");
    const Rel *joined = join_two(world, a, b), *rel = NULL;
    char *rows = NULL;
    expect_error(rows_of(world, joined, (RelRead){.span = ALL}, &rows), ERR_SQL, "v is read");
    const ProjectColumn columns[] = {{"ts", "ts", NULL}, {"A.w", "W", NULL}, {"B.x", "X", NULL}};
    must(rel_project(world->arena, joined, columns, 3, &rel));
    static const char WANTED[] = "1970-01-01T00:00:00Z|0|NULL\n"
                                 "1970-01-01T00:00:00.000001Z|1|5\n"
                                 "1970-01-01T00:00:00.000002Z|2|NULL\n";
    assert_string_equal(all_rows(world, rel), WANTED);
    /* a join of a join, and a union above */
    const Rel *outer = join_two(world, joined, b), *both = NULL;
    const ProjectColumn outer_columns[] = {{"ts", "ts", NULL}, {"A.A.w", "W", NULL}};
    must(rel_project(world->arena, outer, outer_columns, 2, &rel));
    must(plan_resolve(world->plan, rel));
    must(rel_union(world->arena, "/u", (const Rel *[]){rel, rel}, 2, &both));
    assert_string_equal(all_rows(world, both), "1970-01-01T00:00:00Z|0\n1970-01-01T00:00:00Z|0\n"
                                               "1970-01-01T00:00:00.000001Z|1\n"
                                               "1970-01-01T00:00:00.000001Z|1\n"
                                               "1970-01-01T00:00:00.000002Z|2\n"
                                               "1970-01-01T00:00:00.000002Z|2\n");
    /* a bucket of all columns, of which one is read */
    BucketAgg aggs[] = {{AGG_MAX, "A.w", "w"}, {AGG_MAX, "A.v", "v"}, {AGG_COUNT, NULL, "n"}};
    must(rel_bucket(world->plan, world->arena, joined,
                    &(BucketSpec){.label = "/b",
                                  .time_column = "ts",
                                  .width_us = 2,
                                  .base_width_us = 1,
                                  .aggs = aggs,
                                  .agg_count = 3},
                    &rel));
    expect_error(rows_of(world, rel, (RelRead){.span = ALL}, &rows), ERR_SQL, "v is read");
    must(rel_sql(world->arena, "/q", "SELECT w, n FROM b", &(SqlInput){"b", rel}, 1, &outer));
    assert_string_equal(all_rows(world, outer), "1|2\n2|1\n");
    /* nothing but the number of rows */
    must(rel_sql(world->arena, "/q", "SELECT count(*) AS n FROM j", &(SqlInput){"j", joined}, 1,
                 &outer));
    assert_string_equal(all_rows(world, outer), "3\n");
}

/* Devices that replaced each other are open one after the other: more than there are connections.
 */
static void test_sides_open_when_they_begin(void **state)
{
    World *world = *state;
    enum { DEVICES = 300 };
    JoinInput *inputs = AARRAY(world->arena, JoinInput, DEVICES);
    const Rel *rel = NULL;
    for (int i = 0; i < DEVICES; i++) {
        ScanFile file = make_file(
            world, arena_printf(world->arena, "SELECT make_timestamptz(%d) AS ts, %d AS v", i, i),
            "ts", TIME_UNIT_NONE);
        file = with_span(world, file, i, i);
        inputs[i] = (JoinInput){scan_of(world, &file, 1), arena_printf(world->arena, "d%d", i)};
    }
    must(rel_join(world->plan, world->arena,
                  &(JoinSpec){"/joined", "ts", .inputs = inputs, .count = DEVICES}, &rel));
    char *rows = all_rows(world, rel), *line = rows;
    for (int i = 0; i < DEVICES; i++) {
        size_t size = strcspn(line, "\n"), nulls = 0;
        for (size_t at = 0; at < size; at++) nulls += line[at] == 'U';
        assert_int_equal(nulls, DEVICES - 1);
        line += size + 1;
    }
    assert_int_equal(*line, 0);
    uint64_t before = perf_read(PERF_engine_connect);
    (void)rows_in(world, rel, 5, 7);
    assert_int_equal(perf_read(PERF_engine_connect) - before, 4); /* the stream's and three */
}

/* ---- against SQLite ---- */

enum { ROUNDS = 30, SIDES_MAX = 4 };

static const struct {
    const char *sql;
    TimeUnit unit;
} TIMES[] = {
    {"make_timestamptz(t::BIGINT * 1000000)", TIME_UNIT_NONE},
    {"make_timestamp(t::BIGINT * 1000000)", TIME_UNIT_NONE},
    {"t::BIGINT", TIME_UNIT_S},
    {"t::BIGINT * 1000", TIME_UNIT_MS},
    {"t::BIGINT * 1000000000", TIME_UNIT_NS},
};

/* A version of a side: few distinct times, so that they meet and repeat. */
static ScanFile random_version(World *world, sqlite3 *db, int side, int version, int kind)
{
    int64_t rows = below(3) == 0 ? below(3) : below(60), time = below(300), min = INT64_MAX,
            max = INT64_MIN;
    bool in_order = below(3) != 0;
    Buf text = buf_new(world->arena);
    for (int64_t i = 0; i < rows; i++) {
        time = in_order ? time + below(3) * below(8) : below(400);
        min = time < min ? time : min;
        max = time > max ? time : max;
        const char *v =
            below(8) == 0 ? "NULL" : arena_printf(world->arena, "%d", (int)below(1000) - 500);
        buf_printf(&text, "%s(%" PRId64 ", %s)", i > 0 ? ", " : "", time, v);
        lite(db, arena_printf(world->arena, "INSERT INTO s%d VALUES (%" PRId64 ", %d, %s)", side,
                              time, version * 1000 + (int)i, v));
    }
    if (rows == 0) buf_puts(&text, "(0, 0)");
    ScanFile file =
        make_file(world,
                  arena_printf(world->arena,
                               "SELECT %s AS ts, v::INTEGER AS v, CAST('text of row ' || v AS "
                               "VARCHAR) AS s FROM (VALUES %s) "
                               "AS r(t, v)%s",
                               TIMES[kind].sql, text.data, rows == 0 ? " WHERE false" : ""),
                  "ts", TIMES[kind].unit);
    if (rows == 0) return file;
    file = with_span(world, file, min * US_PER_SECOND, max * US_PER_SECOND);
    file.in_order = in_order;
    return file;
}

static const Rel *random_side(World *world, sqlite3 *db, int side)
{
    ScanFile files[4];
    int kind = (int)below(5), count = 1 + (int)below(4);
    lite(db, arena_printf(world->arena,
                          "DROP TABLE IF EXISTS s%d; CREATE TABLE s%d (t INTEGER, o INTEGER, v "
                          "INTEGER)",
                          side, side));
    for (int i = 0; i < count; i++)
        files[i] = random_version(world, db, side, i, below(5) > 0 ? kind : (int)below(5));
    return scan_of(world, files, (size_t)count);
}

/* ((s0 FULL JOIN s1) FULL JOIN s2) ..., with the order of each side's rows. */
static char *lite_join(Arena *arena, int sides)
{
    char *sql = arena_strdup(arena, "SELECT t, o AS o0, v AS v0 FROM s0");
    for (int i = 1; i < sides; i++) {
        Buf columns = buf_new(arena);
        for (int j = 0; j < i; j++) buf_printf(&columns, "j.o%d, j.v%d, ", j, j);
        sql = arena_printf(arena,
                           "SELECT coalesce(j.t, s.t) AS t, %ss.o AS o%d, s.v AS v%d FROM (%s) j "
                           "FULL JOIN s%d s ON j.t = s.t",
                           columns.data, i, i, sql, i);
    }
    Buf out = buf_new(arena), order = buf_new(arena);
    for (int i = 0; i < sides; i++) {
        buf_printf(&out, ", v%d, 'text of row ' || v%d", i, i);
        buf_printf(&order, ", o%d", i);
    }
    return arena_printf(arena, "SELECT t%s FROM (%s) WHERE t BETWEEN %%d AND %%d ORDER BY t%s",
                        out.data, sql, order.data);
}

static char *window_rows(World *world, sqlite3 *db, const char *form, int from, int to)
{
    char *sql = sqlite3_mprintf(form, from, to), *rows = lite_rows(world, db, sql);
    sqlite3_free(sql);
    return rows;
}

static void one_round(World *world, sqlite3 *db)
{
    int sides = 2 + (int)below(SIDES_MAX - 1);
    const Rel *rels[SIDES_MAX];
    for (int i = 0; i < sides; i++) rels[i] = random_side(world, db, i);
    const Rel *rel = join(world, rels, AB, (size_t)sides);
    char *form = lite_join(world->arena, sides);
    compare(world, "whole", all_rows(world, rel), window_rows(world, db, form, -1000, 10000));
    int from = (int)below(500) - 50, to = from + (int)below(300);
    compare(world, "a window", rows_in(world, rel, from * US_PER_SECOND, to * US_PER_SECOND),
            window_rows(world, db, form, from, to));
    /* cut anywhere, the parts are the whole; unsorted above a union as well */
    Buf parts = buf_new(world->arena);
    for (int begin = -10; begin < 1000;) {
        int end = begin + 1 + (int)below(400);
        buf_puts(&parts, rows_in(world, rel, begin * US_PER_SECOND, end * US_PER_SECOND - 1));
        begin = end;
    }
    compare(world, "parts", parts.data, all_rows(world, rel));
    const Rel *sorted = rel_sort(world->arena, rel);
    compare(world, "sorted again", all_rows(world, sorted), all_rows(world, rel));
}

static void test_against_sqlite(void **state)
{
    World *world = *state;
    sqlite3 *db = lite_open(20240229);
    for (int i = 0; i < ROUNDS; i++) one_round(world, db);
    sqlite3_close(db);
}

/* ---- fingerprints ---- */

static const char *print_of(World *world, const Rel *a, const Rel *b, const char *prefix,
                            const char *time_column)
{
    const Rel *rel = NULL;
    JoinInput inputs[] = {{a, prefix}, {b, "B"}};
    must(rel_join(world->plan, world->arena,
                  &(JoinSpec){"/j", time_column, .inputs = inputs, .count = 2}, &rel));
    must(plan_resolve(world->plan, rel));
    return rel_fingerprint(rel);
}

static void test_fingerprint(void **state)
{
    World *world = *state;
    static const char SQL[] = "SELECT make_timestamptz(1) AS ts, make_timestamptz(2) AS ts2, 1 AS "
                              "x";
    ScanFile file = make_file(world, SQL, "ts", TIME_UNIT_NONE), other = file, renamed = file;
    memset(other.sha256, 'a', 64);
    renamed.label = "/elsewhere.series v9";
    renamed.path = arena_strdup(world->arena, file.path);
    const Rel *a = scan_of(world, &file, 1), *b = scan_of(world, &other, 1),
              *same = scan_of(world, &renamed, 1);
    const char *usual = print_of(world, a, b, "A", "ts");
    assert_string_equal(print_of(world, same, b, "A", "ts"), usual);
    assert_string_not_equal(print_of(world, b, a, "A", "ts"), usual);
    assert_string_not_equal(print_of(world, a, a, "A", "ts"), usual);
    assert_string_not_equal(print_of(world, a, b, "a", "ts"), usual);
    assert_string_not_equal(print_of(world, a, b, NULL, "ts"), usual);
    assert_string_not_equal(print_of(world, a, b, "A", "ts2"), usual);
    /* a cast of a column, a name, a type of what is missing */
    const char *seen[6];
    const ProjectColumn forms[][2] = {
        {{"ts", "ts"}, {"x", "x"}},
        {{"ts", "ts"}, {"x", "y"}},
        {{"ts", "ts"}, {"x", "x", "BIGINT"}},
        {{"ts", "ts"}, {"x", "x", NULL, true, TIME_UNIT_S}},
        {{"ts", "ts"}, {"x", "x", NULL, true, TIME_UNIT_MS}},
        {{"ts", "ts"}, {NULL, "x", "BIGINT"}},
    };
    for (size_t i = 0; i < 6; i++) {
        const Rel *rel = NULL;
        must(rel_project(world->arena, a, forms[i], 2, &rel));
        must(plan_resolve(world->plan, rel));
        seen[i] = rel_fingerprint(rel);
        for (size_t j = 0; j < i; j++) assert_string_not_equal(seen[i], seen[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_every_pair),
        WORLD_TEST(test_times_meet_as_instants),
        WORLD_TEST(test_types_come_through),
        WORLD_TEST(test_chunks),
        WORLD_TEST(test_refused),
        WORLD_TEST(test_columns_are_pruned),
        WORLD_TEST(test_sides_open_when_they_begin),
        WORLD_TEST(test_against_sqlite),
        WORLD_TEST(test_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
