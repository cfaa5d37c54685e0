/* Feeds and appenders: rows of ours that statements read or tables take. All types and nulls
 * against literal expectations; nested statements; errors and interrupts in the middle come back as
 * they were made. */
#include "engine/engine_test.h"
#include <pthread.h>

/* ---- a feed that copies another statement's rows (two columns) ---- */

typedef struct Source {
    Result *result;
    size_t rows, fail_at; /* 0: never */
    int columns;          /* asked for, a bit each */
} Source;

static Err *source_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    Source *source = context;
    Chunk chunk;
    TRY(engine_next(source->result, &chunk));
    assert_true(chunk.rows <= capacity);
    source->rows += chunk.rows;
    if (source->fail_at > 0 && source->rows >= source->fail_at)
        return err_at(err_hint(ERR(NOT_FOUND, "row %zu is bad", source->fail_at), "mend it"), 7, 9);
    for (size_t i = 0; i < 2; i++) {
        if (columns[i].data != NULL) memcpy(columns[i].data, chunk.vectors[i].data, chunk.rows * 8);
        source->columns |= (columns[i].data != NULL) << i;
    }
    *out_rows = chunk.rows;
    return NULL;
}

static Column PAIR[] = {{"i", "BIGINT"}, {"d", "DOUBLE"}};
static const Schema PAIR_SCHEMA = {.columns = PAIR, .count = 2};

/* Statement `conn` over a feed over a stream of `inner`, all on this thread. */
static Conn *inner;
static Source source;
static Feed *feed;

static const char *open_nested(int64_t rows)
{
    source = (Source){0};
    OK(engine_connect(&inner));
    OK(engine_query(inner,
                    arena_printf(arena, "SELECT i, i::DOUBLE FROM range(%" PRId64 ") t(i)", rows),
                    NULL, 0, &source.result));
    OK(engine_feed_open(conn, &PAIR_SCHEMA, source_next, &source, &feed));
    return arena_printf(arena, "SELECT * FROM %s()", engine_feed_name(feed));
}

static void close_nested(void)
{
    engine_feed_close_at(&feed);
    engine_result_close_at(&source.result);
    engine_disconnect_at(&inner);
}

static void feeds_an_aggregate(void **state)
{
    (void)state;
    const char *sql = open_nested(5000000);
    ANSWERS(arena_printf(
                arena, "SELECT count(*) || ' ' || sum(i) || ' ' || max(d)::BIGINT FROM (%s)", sql),
            "5000000 12499997500000 4999999");
    close_nested();
}

static void feeds_a_copy_in_order(void **state)
{
    (void)state;
    const char *path = path_of("fed.parquet"), *sql = open_nested(5000000);
    ParquetStats stats;
    double start = seconds_of(CLOCK_MONOTONIC);
    OK(engine_write_parquet(arena, conn, &(ParquetWrite){.select_sql = sql, .path = path}, &stats));
    print_message("# 5 million rows through a feed to Parquet: %.2f s\n",
                  seconds_of(CLOCK_MONOTONIC) - start);
    close_nested();
    assert_int_equal(stats.rows, 5000000);
    ANSWERS(
        arena_printf(
            arena,
            "SELECT count(*) FROM (SELECT i, row_number() OVER () - 1 AS n FROM %s) WHERE i <> n",
            engine_read_parquet_sql(arena, &path, 1, "")),
        "0");
}

static void feeds_a_stream_in_order(void **state)
{
    (void)state;
    Result *result = NULL;
    Chunk chunk = {.rows = 1};
    int64_t row = 0;
    OK(engine_query(conn, open_nested(1000000), NULL, 0, &result));
    for (;;) {
        OK(engine_next(result, &chunk));
        if (chunk.rows == 0) break;
        for (size_t i = 0; i < chunk.rows; i++, row++)
            assert_int_equal(engine_int(&chunk.vectors[0], i), row);
    }
    assert_int_equal(row, 1000000);
    engine_result_close_at(&result);
    close_nested();
}

/* ---- failures ---- */

static void expect_own_error(Err *err, const char *message)
{
    assert_non_null(err);
    assert_string_equal(err_message(err), message);
    assert_string_equal(err_hint_text(err), "mend it");
    int line = 0, column = 0;
    err_position(err, &line, &column);
    assert_int_equal(line, 7);
    assert_int_equal(column, 9);
    assert_int_equal(err_code(err), ERR_NOT_FOUND);
    err_free(err);
}

static void errors_come_back_unchanged(void **state)
{
    (void)state;
    const char *path = path_of("broken.parquet"), *sql = open_nested(5000000);
    ParquetStats stats;
    source.fail_at = 2000000;
    expect_own_error(
        engine_write_parquet(arena, conn, &(ParquetWrite){.select_sql = sql, .path = path}, &stats),
        "row 2000000 is bad");
    assert_false(path_exists(path));
    ANSWERS("SELECT 1", "1");
    close_nested();

    sql = open_nested(5000000);
    source.fail_at = 1;
    char *text = NULL;
    expect_own_error(engine_scalar_text(arena, conn,
                                        arena_printf(arena, "SELECT sum(i) FROM (%s)", sql), NULL,
                                        0, &text),
                     "row 1 is bad");
    close_nested();

    Result *result = NULL;
    Chunk chunk = {.rows = 1};
    sql = open_nested(5000000);
    source.fail_at = 3000000;
    OK(engine_query(conn, sql, NULL, 0, &result));
    Err *err = NULL;
    while (err == NULL && chunk.rows > 0) err = engine_next(result, &chunk);
    expect_own_error(err, "row 3000000 is bad");
    engine_result_close_at(&result);
    close_nested();
}

static void errors_of_inner_statements_come_back(void **state)
{
    (void)state;
    char *text = NULL;
    OK(engine_connect(&inner));
    source = (Source){0};
    OK(engine_query(inner,
                    "SELECT i, CASE WHEN i > 700000 THEN error('inner row ' || i) END::DOUBLE FROM "
                    "range(1000000) t(i)",
                    NULL, 0, &source.result));
    OK(engine_feed_open(conn, &PAIR_SCHEMA, source_next, &source, &feed));
    const char *sql = arena_printf(arena, "SELECT sum(i) FROM %s()", engine_feed_name(feed));
    FAILS(engine_scalar_text(arena, conn, sql, NULL, 0, &text), SQL, "inner row 700001");
    close_nested();
}

/* ---- a table feed: the numbers below 5,000, any number of times ---- */

typedef struct Counter {
    int64_t next;
} Counter;
static int counters_open, counters_made;

static Err *counter_open(void *context, void **out)
{
    if (context != NULL) return ERR(NOT_FOUND, "there is nothing to count");
    *out = calloc(1, sizeof(Counter));
    assert_non_null(*out);
    counters_open++;
    counters_made++;
    return NULL;
}

static Err *counter_next(void *cursor, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    Counter *counter = cursor;
    size_t rows = 0;
    while (rows < capacity && counter->next < 5000)
        ((int64_t *)columns[0].data)[rows++] = counter->next++;
    *out_rows = rows;
    return NULL;
}

static void counter_close(void *cursor)
{
    free(cursor);
    counters_open--;
}

static const FeedTable COUNTERS = {counter_open, counter_next, counter_close};
static Column NUMBER[] = {{"i", "BIGINT"}};
static const Schema NUMBER_SCHEMA = {.columns = NUMBER, .count = 1};

static void a_table_feed_is_read_again(void **state)
{
    (void)state;
    Feed *numbers = NULL;
    counters_open = counters_made = 0;
    OK(engine_feed_open_table(conn, &NUMBER_SCHEMA, &COUNTERS, NULL, &numbers));
    const char *name = engine_feed_name(numbers);
    ANSWERS(arena_printf(arena, "SELECT count(*) || ' ' || sum(i) FROM %s()", name),
            "5000 12497500");
    ANSWERS(
        arena_printf(arena, "SELECT count(*) FROM %s() a JOIN %s() b ON a.i = b.i + 1", name, name),
        "4999");
    assert_int_equal(counters_made, 3);
    assert_int_equal(counters_open, 0);
    CLEANUP(engine_result_close_at) Result *result = NULL; /* left in the middle */
    Chunk chunk;
    OK(engine_query(conn, arena_printf(arena, "SELECT * FROM %s()", name), NULL, 0, &result));
    OK(engine_next(result, &chunk));
    assert_int_equal(counters_open, 1);
    engine_result_close_at(&result);
    assert_int_equal(counters_open, 0);
    engine_feed_close_at(&numbers);
}

static void a_table_feed_that_cannot_be_opened(void **state)
{
    (void)state;
    Feed *numbers = NULL;
    CLEANUP(engine_result_close_at) Result *result = NULL;
    OK(engine_feed_open_table(conn, &NUMBER_SCHEMA, &COUNTERS, &numbers, &numbers));
    const char *sql = arena_printf(arena, "SELECT * FROM %s()", engine_feed_name(numbers));
    Err *err = engine_query(conn, sql, NULL, 0, &result);
    Chunk chunk;
    if (err == NULL) err = engine_next(result, &chunk);
    assert_non_null(err);
    assert_int_equal(err_code(err), ERR_NOT_FOUND);
    assert_string_equal(err_message(err), "there is nothing to count");
    err_free(err);
    engine_result_close_at(&result);
    engine_feed_close_at(&numbers);
}

static void *interrupt_soon(void *unused)
{
    (void)unused;
    (void)usleep(100000);
    engine_interrupt();
    return NULL;
}

static void interrupts_nested_statements(void **state)
{
    (void)state;
    const char *path = path_of("stopped.parquet"), *sql = open_nested(INT64_C(100000000000));
    ParquetStats stats;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
    double start = seconds_of(CLOCK_MONOTONIC);
    FAILS(
        engine_write_parquet(arena, conn, &(ParquetWrite){.select_sql = sql, .path = path}, &stats),
        INTERRUPTED, "interrupted");
    assert_true(seconds_of(CLOCK_MONOTONIC) - start < 1.1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(path_exists(path));
    close_nested();
    ANSWERS("SELECT 1", "1");
}

static void feeds_are_read_once(void **state)
{
    (void)state;
    const char *sql = open_nested(10);
    char *text = NULL;
    Schema schema;
    OK(engine_describe(arena, conn, sql, &schema)); /* asking is not reading */
    assert_true(schema_equal(&schema, &PAIR_SCHEMA));
    OK(engine_explain(arena, conn, sql, &text));
    ANSWERS(arena_printf(arena, "SELECT sum(i) FROM (%s)", sql), "45");
    FAILS(engine_exec(conn, sql), INTERNAL, "read a second time");
    close_nested();
    FAILS(engine_exec(conn, sql), SQL, "the feed is closed");
}

/* What the statement does not read is not asked for; a column may come in any order. */
static void feeds_what_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *answer;
        int columns;
    } CASES[] = {
        {"SELECT sum(d)::BIGINT FROM (%s)", "4999950000", 2},
        {"SELECT sum(i) FROM (%s)", "4999950000", 1},
        {"SELECT count(*) FROM (%s)", "100000", 1}, /* the first will do */
        {"SELECT count(*) FROM (SELECT d, i FROM (%s)) WHERE i = d", "100000", 3},
        {"SELECT max(a) FROM (SELECT d AS b, i + 1 AS a FROM (%s) UNION ALL SELECT 0, 0)", "100000",
         1},
        {"WITH x AS MATERIALIZED (%s) SELECT max(i) FROM x WHERE i < 10", "9", 1},
        {"WITH x AS NOT MATERIALIZED (%s) SELECT max(d)::BIGINT FROM x", "99999", 2},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *sql = open_nested(100000), *mark = strstr(CASES[i].sql, "%s");
        ANSWERS(arena_printf(arena, "%.*s%s%s", (int)(mark - CASES[i].sql), CASES[i].sql, sql,
                             mark + 2),
                CASES[i].answer);
        assert_int_equal(source.columns, CASES[i].columns);
        close_nested();
    }
}

static void an_abandoned_feed_is_let_go(void **state)
{
    (void)state;
    Result *result = NULL;
    Chunk chunk;
    OK(engine_query(conn, open_nested(5000000), NULL, 0, &result));
    OK(engine_next(result, &chunk));
    assert_int_equal(chunk.rows, 2048);
    engine_result_close_at(&result);
    close_nested();
    ANSWERS("SELECT 1", "1");
    ANSWERS(arena_printf(arena, "SELECT count(*) FROM (%s LIMIT 10)", open_nested(5000000)), "10");
    assert_true(source.rows < 1000000); /* LIMIT stops the source */
    close_nested();
}

/* ---- cells ---- */

typedef struct Rows {
    size_t row, count;
} Rows;

static void set_null(const FeedColumn *column, size_t row)
{
    column->validity[row / 64] &= ~(UINT64_C(1) << (row % 64));
}

static Column CELLS[] = {{"b", "BOOLEAN"},
                         {"i8", "TINYINT"},
                         {"u16", "USMALLINT"},
                         {"i32", "INTEGER"},
                         {"u64", "UBIGINT"},
                         {"h", "HUGEINT"},
                         {"f", "FLOAT"},
                         {"de", "DECIMAL(9,2)"},
                         {"s", "VARCHAR"},
                         {"bl", "BLOB"},
                         {"d", "DATE"},
                         {"ts", "TIMESTAMP"},
                         {"tz", "TIMESTAMP WITH TIME ZONE"},
                         {"ns", "TIMESTAMP_NS"},
                         {"a \"q\"", "VARCHAR"}};
enum { CELL_COUNT = sizeof CELLS / sizeof CELLS[0] };

/* Row r: every number is r, texts are "text r" with a NUL in the blob; each third row is null
 * throughout. */
static Err *cells_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    Rows *rows = context;
    size_t n = 0;
    for (; n < capacity && rows->row < rows->count; n++, rows->row++) {
        int64_t r = (int64_t)rows->row;
        char text[40];
        int length = snprintf(text, sizeof text, "text number %" PRId64 " ü", r);
        ((bool *)columns[0].data)[n] = r % 2 == 1;
        ((int8_t *)columns[1].data)[n] = (int8_t)(r % 100);
        ((uint16_t *)columns[2].data)[n] = (uint16_t)r;
        ((int32_t *)columns[3].data)[n] = (int32_t)-r;
        ((uint64_t *)columns[4].data)[n] = UINT64_MAX - (uint64_t)r;
        ((__int128 *)columns[5].data)[n] = -(__int128)r;
        ((float *)columns[6].data)[n] = (float)r / 2;
        ((int32_t *)columns[7].data)[n] = (int32_t)r * 100 + 25;
        engine_feed_str(&columns[8], n, text, (size_t)length);
        engine_feed_str(&columns[9], n, "\xFF\0\x01", 3);
        ((int32_t *)columns[10].data)[n] = (int32_t)r;
        ((int64_t *)columns[11].data)[n] = r * 1000000;
        ((int64_t *)columns[12].data)[n] = r * 1000000;
        ((int64_t *)columns[13].data)[n] = r;
        engine_feed_str(&columns[14], n, r == 1 ? "" : "x", r == 1 ? 0 : 1);
        for (size_t c = 0; c < CELL_COUNT && r % 3 == 0; c++) set_null(&columns[c], n);
    }
    *out_rows = n;
    return NULL;
}

static void feeds_every_type(void **state)
{
    (void)state;
    Rows rows = {.count = 10000};
    const Schema schema = {.columns = CELLS, .count = CELL_COUNT};
    OK(engine_feed_open(conn, &schema, cells_next, &rows, &feed));
    Schema described;
    OK(engine_describe(arena, conn, arena_printf(arena, "FROM %s()", engine_feed_name(feed)),
                       &described));
    assert_true(schema_equal(&described, &schema));
    OK(engine_exec(conn, arena_printf(arena, "CREATE OR REPLACE TEMP TABLE fed AS FROM %s()",
                                      engine_feed_name(feed))));
    engine_feed_close_at(&feed);
    ANSWERS("SELECT count(*) FROM fed", "10000");
    for (size_t c = 0; c < CELL_COUNT; c++)
        ANSWERS(arena_printf(arena, "SELECT count(*) FROM fed WHERE %s IS NULL",
                             sql_ident(arena, CELLS[c].name)),
                "3334");
    ANSWERS("SELECT concat_ws('|', b, i8, u16, i32, u64, h, f, de, s, bl, d, ts, tz, ns) FROM fed "
            "WHERE i32 = -9998",
            "false|98|9998|-9998|18446744073709541617|-9998|4999.0|9998.25|text number 9998 "
            "ü|\\xFF\\x00\\x01|1997-05-17|"
            "1970-01-01 02:46:38|1970-01-01 02:46:38+00|1970-01-01 00:00:00.000009998");
    ANSWERS("SELECT count(*) FROM fed WHERE u16 % 3 = 0", "0");
    ANSWERS("SELECT \"a \"\"q\"\"\" FROM fed WHERE u16 = 1", "");
    OK(engine_exec(conn, "DROP TABLE fed"));
}

static void refuses_nested_types(void **state)
{
    (void)state;
    static const char *const TYPES[] = {
        "INTEGER[]",     "STRUCT(a INTEGER)", "UUID",    "INTERVAL", "ENUM('a')", "DECIMAL(39,2)",
        "DECIMAL(9,10)", "DECIMAL(9,2)x",     "integer", "",         "NOPE"};
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        Column column = {"a", TYPES[i]};
        FAILS(engine_feed_open(conn, &(Schema){&column, 1}, cells_next, NULL, &feed), UNSUPPORTED,
              TYPES[i]);
        assert_null(feed);
    }
}

static Err *bad_text_next(void *context, FeedColumn *columns, size_t capacity, size_t *out_rows)
{
    bool *given = context;
    assert_true(capacity > 0);
    engine_feed_str(&columns[0], 0, "\xC3\x28", 2);
    *out_rows = *given ? 0 : 1;
    *given = true;
    return NULL;
}

static void refuses_text_that_is_not_utf8(void **state)
{
    (void)state;
    Column column = {"station", "VARCHAR"};
    bool given = false;
    OK(engine_feed_open(conn, &(Schema){&column, 1}, bad_text_next, &given, &feed));
    FAILS(engine_exec(conn, arena_printf(arena, "FROM %s()", engine_feed_name(feed))), INVALID,
          "column station: a text is not UTF-8");
    engine_feed_close_at(&feed);
    column.type = "BLOB"; /* bytes are bytes */
    given = false;
    OK(engine_feed_open(conn, &(Schema){&column, 1}, bad_text_next, &given, &feed));
    ANSWERS(arena_printf(arena, "SELECT station FROM %s()", engine_feed_name(feed)), "\\xC3(");
    engine_feed_close_at(&feed);
}

/* Names are per slot, so a thousand feeds leave no thousand functions behind. */
static void slots_serve_again(void **state)
{
    (void)state;
    Feed *first = NULL, *second = NULL;
    OK(engine_feed_open(conn, &PAIR_SCHEMA, source_next, NULL, &first));
    OK(engine_feed_open(conn, &PAIR_SCHEMA, source_next, NULL, &second));
    assert_string_not_equal(engine_feed_name(first), engine_feed_name(second));
    engine_feed_close_at(&first);
    engine_feed_close_at(&second);
    for (int i = 0; i < 1000; i++) {
        OK(engine_feed_open(conn, &PAIR_SCHEMA, source_next, NULL, &first));
        engine_feed_close_at(&first);
    }
    char *text = NULL;
    OK(engine_scalar_text(
        arena, conn,
        "SELECT count(*) FROM duckdb_functions() WHERE function_name LIKE 'pond_feed%'", NULL, 0,
        &text));
    assert_true(strtol(text, NULL, 10) <= 8);
}

static void *feed_often(void *unused)
{
    (void)unused;
    Conn *mine = NULL;
    OK(engine_connect(&mine));
    for (int i = 0; i < 20; i++) {
        Feed *own = NULL;
        Rows rows = {.count = 5000};
        const Schema schema = {.columns = CELLS, .count = CELL_COUNT};
        OK(engine_feed_open(mine, &schema, cells_next, &rows, &own));
        char sql[200];
        (void)snprintf(sql, sizeof sql,
                       "SELECT CASE WHEN count(*) <> 5000 OR max(hash(whole)) = 0 THEN "
                       "error('lost') END FROM %s() AS whole",
                       engine_feed_name(own));
        OK(engine_exec(mine, sql));
        engine_feed_close_at(&own);
    }
    engine_disconnect_at(&mine);
    return NULL;
}

static void feeds_on_many_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, feed_often, NULL), 0);
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* ---- appender ---- */

static void appends_every_kind(void **state)
{
    (void)state;
    Appender *appender = NULL;
    OK(engine_exec(conn, "CREATE TEMP TABLE rows (a BOOLEAN, b BIGINT, c DOUBLE, d VARCHAR, e "
                         "BLOB, f TIMESTAMPTZ, g SMALLINT, "
                         "h TIMESTAMP)"));
    OK(engine_appender_open(conn, "rows", &appender));
    for (int i = 0; i < 5000; i++) {
        const Value values[] = {{.kind = VALUE_BOOL, .integer = i % 2},
                                {.kind = VALUE_INT, .integer = INT64_MAX - i},
                                {.kind = VALUE_DOUBLE, .number = i / 4.0},
                                {.kind = VALUE_TEXT, .bytes = "a ü\0z", .size = 6},
                                {.kind = VALUE_BLOB, .bytes = "\xFF\0", .size = 2},
                                {.kind = VALUE_TIME, .integer = INT64_C(1700000000000001) + i},
                                {.kind = i % 5 == 0 ? VALUE_NULL : VALUE_INT, .integer = i},
                                {.kind = VALUE_TIME, .integer = -1}};
        OK(engine_append_row(appender, values, 8));
    }
    OK(engine_appender_close(appender));
    ANSWERS("SELECT count(*) || ' ' || count(g) FROM rows", "5000 4000");
    ANSWERS("SELECT concat_ws('|', a, b, c, length(d), e, f, g, h) FROM rows WHERE c = 1249.25",
            "true|9223372036854770810|1249.25|5|\\xFF\\x00|2023-11-14 "
            "22:13:20.004998+00|4997|1969-12-31 23:59:59.999999");
    OK(engine_exec(conn, "DROP TABLE rows"));
}

static void append_failures(void **state)
{
    (void)state;
    Appender *appender = NULL;
    FAILS(engine_appender_open(conn, "nowhere", &appender), SQL, "nowhere");
    OK(engine_exec(conn, "CREATE TEMP TABLE narrow (a TINYINT, b VARCHAR NOT NULL)"));
    Value row[] = {{.kind = VALUE_INT, .integer = 1},
                   {.kind = VALUE_TEXT, .bytes = "x", .size = 1}};

    OK(engine_appender_open(conn, "narrow", &appender));
    row[0].integer = 200;
    FAILS(engine_append_row(appender, row, 2), SQL, "append to narrow: ");
    row[0].integer = 2;
    FAILS(engine_append_row(appender, row, 2), INTERNAL, "failed before");
    OK(engine_appender_close(appender));

    OK(engine_appender_open(conn, "narrow", &appender));
    FAILS(engine_append_row(appender, row, 1), SQL, "append to narrow: ");
    engine_appender_close_at(&appender);

    OK(engine_appender_open(conn, "narrow", &appender));
    row[1] = (Value){.kind = VALUE_TEXT, .bytes = "\xFF", .size = 1};
    FAILS(engine_append_row(appender, row, 2), INVALID, "not UTF-8");
    engine_appender_close_at(&appender);

    OK(engine_appender_open(conn, "narrow", &appender));
    row[1] = (Value){.kind = VALUE_NULL};
    Err *err = engine_append_row(appender, row, 2);
    assert_null(err);
    FAILS(engine_appender_close(appender), SQL, "NOT NULL constraint failed");
    ANSWERS("SELECT count(*) FROM narrow", "0");
    OK(engine_exec(conn, "DROP TABLE narrow"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(feeds_an_aggregate),
        TEST(feeds_a_copy_in_order),
        TEST(feeds_a_stream_in_order),
        TEST(errors_come_back_unchanged),
        TEST(errors_of_inner_statements_come_back),
        TEST(a_table_feed_is_read_again),
        TEST(a_table_feed_that_cannot_be_opened),
        TEST(interrupts_nested_statements),
        TEST(feeds_are_read_once),
        TEST(feeds_what_is_read),
        TEST(an_abandoned_feed_is_let_go),
        TEST(feeds_every_type),
        TEST(refuses_nested_types),
        TEST(refuses_text_that_is_not_utf8),
        TEST(slots_serve_again),
        TEST(feeds_on_many_threads),
        TEST(appends_every_kind),
        TEST(append_failures),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
