/* Statements and their results: every type's name and cells against literal expectations, nulls,
 * bound values, errors with their places, streams that stay flat in memory. */
#include "engine/engine_test.h"

/* ---- names of types ---- */

/* Expressions of every type; DESCRIBE is the independent witness for the names that engine_describe
 * and engine_result_schema give. */
static const char ALL_TYPES[] =
    "SELECT true AS a, 1::TINYINT AS b, 1::SMALLINT AS c, 1::INTEGER AS d, 1::BIGINT AS e, "
    "1::HUGEINT AS f, "
    "1::UTINYINT AS g, 1::USMALLINT AS h, 1::UINTEGER AS i, 1::UBIGINT AS j, 1::UHUGEINT AS k, "
    "1::FLOAT AS l, "
    "1::DOUBLE AS m, 1::DECIMAL(4,1) AS n, 1::DECIMAL(9,2) AS o, 1::DECIMAL(18,3) AS p, "
    "1::DECIMAL(38,10) AS q, "
    "DATE '2024-01-01' AS r, TIME '01:02:03' AS s, TIME_NS '01:02:03' AS s2, '01:02:03+00'::TIMETZ "
    "AS t, "
    "TIMESTAMP '2024-01-01' AS u, '2024-01-01'::TIMESTAMP_S AS v, '2024-01-01'::TIMESTAMP_MS AS w, "
    "'2024-01-01'::TIMESTAMP_NS AS x, '2024-01-01'::TIMESTAMPTZ AS y, INTERVAL 1 DAY AS z, 'x' AS "
    "aa, "
    "'x'::BLOB AS ab, '101'::BIT AS ac, uuid() AS ad, 1::BIGNUM AS ae, NULL AS af, '{}'::JSON AS "
    "ag, "
    "'a'::ENUM('a', 'it''s', '\"') AS ah, [1] AS ai, [[1.5]] AS aj, [1, 2]::INTEGER[2] AS ak, "
    "[[1, 2]]::INTEGER[2][] AS al, MAP {1: 'x'} AS am, union_value(\"select\" := 1) AS an, "
    "1::VARIANT AS ao, "
    "'POINT(1 1)'::GEOMETRY AS ap, {'a': 1, 'B c': [1], 'select': 1, 'YEAR': 2, 'Foo_1': 3, '1a': "
    "4, 'ü': 5, "
    "'q\"q': 6, 'a.b': {'left': MAP {'k': [{'z': 1::DECIMAL(5,2)}]}}, 'abs': 1, '_': 2} AS aq, "
    "[{'json': '1'::JSON}] AS ar, {'e': 'x'::ENUM('x')} AS \"a \"\"strange\"\" näme\"";

static void names_types_as_the_engine_does(void **state)
{
    (void)state;
    Schema described;
    OK(engine_describe(arena, conn, ALL_TYPES, &described));
    Result *result = NULL;
    OK(engine_query(conn, ALL_TYPES, NULL, 0, &result));
    const Schema *streamed = engine_result_schema(result);
    assert_int_equal(streamed->count, described.count);
    assert_int_equal(described.count, 46);

    Conn *other = NULL;
    Result *witness = NULL;
    OK(engine_connect(&other));
    /* A table keeps the types; DESCRIBE of the SELECT itself shows what a table would have. */
    OK(engine_query(other, arena_printf(arena, "DESCRIBE %s", ALL_TYPES), NULL, 0, &witness));
    Chunk chunk;
    OK(engine_next(witness, &chunk));
    assert_int_equal(chunk.rows, described.count);
    for (size_t i = 0; i < chunk.rows; i++) {
        size_t size = 0;
        const char *name = engine_str(&chunk.vectors[0], i, &size);
        const char *expected_name = arena_strndup(arena, name, size);
        const char *type = engine_str(&chunk.vectors[1], i, &size);
        const char *expected = arena_strndup(arena, type, size);
        assert_string_equal(described.columns[i].name, expected_name);
        assert_string_equal(streamed->columns[i].name, expected_name);
        assert_string_equal(described.columns[i].type, expected);
        assert_string_equal(streamed->columns[i].type, expected);
    }
    engine_result_close_at(&witness);
    engine_disconnect_at(&other);
    engine_result_close_at(&result);
}

static void names_of_the_contract(void **state)
{
    (void)state;
    Schema schema;
    OK(engine_describe(
        arena, conn,
        "SELECT 1::DECIMAL(18,3) a, {'a': 1} b, now() c, [1] d, MAP {'a': 1.0::DOUBLE} e",
        &schema));
    assert_string_equal(schema.columns[0].type, "DECIMAL(18,3)");
    assert_string_equal(schema.columns[1].type, "STRUCT(a INTEGER)");
    assert_string_equal(schema.columns[2].type, "TIMESTAMP WITH TIME ZONE");
    assert_string_equal(schema.columns[3].type, "INTEGER[]");
    assert_string_equal(schema.columns[4].type, "MAP(VARCHAR, DOUBLE)");
}

/* ---- cells ---- */

static const Vector *one_row(const char *sql, const Value *values, size_t count, Result **result)
{
    static Chunk chunk;
    OK(engine_query(conn, sql, values, count, result));
    OK(engine_next(*result, &chunk));
    assert_int_equal(chunk.rows, 1);
    return chunk.vectors;
}

static void reads_integers(void **state)
{
    (void)state;
    Result *result = NULL;
    const Vector *v =
        one_row("SELECT true, (-128)::TINYINT, (-32768)::SMALLINT, (-2147483648)::INTEGER, "
                "(-9223372036854775807 - 1)::BIGINT, 255::UTINYINT, 65535::USMALLINT, "
                "4294967295::UINTEGER, 18446744073709551615::UBIGINT, DATE '1969-12-31', "
                "'1969-12-31 23:59:59.999999+00'::TIMESTAMPTZ, TIMESTAMP '9999-12-31 00:00:00', "
                "'1970-01-01 00:00:00.000000007'::TIMESTAMP_NS, '1970-01-02'::TIMESTAMP_S, "
                "12.5::DECIMAL(4,1), (-12.345)::DECIMAL(9,3), 1::DECIMAL(18,2)",
                NULL, 0, &result);
    const Phys physes[] = {PHYS_BOOL, PHYS_I8,  PHYS_I16, PHYS_I32, PHYS_I64, PHYS_U8,
                           PHYS_U16,  PHYS_U32, PHYS_U64, PHYS_I32, PHYS_I64, PHYS_I64,
                           PHYS_I64,  PHYS_I64, PHYS_I16, PHYS_I32, PHYS_I64};
    const int64_t numbers[] = {1,         -128,  -32768, -2147483647 - 1,
                               INT64_MIN, 255,   65535,  4294967295,
                               -1,        -1,    -1,     INT64_C(253402214400000000),
                               7,         86400, 125,    -12345,
                               100};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(v[i].phys, physes[i]);
        assert_false(vector_is_null(&v[i], 0));
        assert_true(engine_int(&v[i], 0) == numbers[i]);
    }
    engine_result_close_at(&result);
}

static void reads_wide_integers_and_floats(void **state)
{
    (void)state;
    Result *result = NULL;
    const Vector *v =
        one_row("SELECT (-1)::HUGEINT, 123456789012345678901234567890::DECIMAL(38,0), 1.5::FLOAT, "
                "'-inf'::DOUBLE, 'nan'::DOUBLE, -0.0::DOUBLE",
                NULL, 0, &result);
    assert_int_equal(v[0].phys, PHYS_I128);
    assert_int_equal(v[1].phys, PHYS_I128);
    __int128 wide[2];
    memcpy(&wide[0], v[0].data, 16);
    memcpy(&wide[1], v[1].data, 16);
    assert_true(wide[0] == -1);
    assert_true(wide[1] == (__int128)1234567890123456789 * 100000000000 + 1234567890);
    assert_int_equal(v[2].phys, PHYS_F32);
    assert_true(engine_double(&v[2], 0) == 1.5);
    assert_true(engine_double(&v[3], 0) == -__builtin_inf());
    assert_true(__builtin_isnan(engine_double(&v[4], 0)));
    assert_true(__builtin_signbit(engine_double(&v[5], 0)) != 0);
    engine_result_close_at(&result);
}

static void reads_strings(void **state)
{
    (void)state;
    Result *result = NULL;
    const Vector *v =
        one_row("SELECT '', 'twelve bytes', 'thirteen byte', 'µS/cm ' || repeat('x', 5000), "
                "'\\x00\\xFF\\x00'::BLOB, 'a' || chr(0) || 'b'",
                NULL, 0, &result);
    const size_t sizes[] = {0, 12, 13, 5007, 3, 3};
    for (size_t i = 0; i < 6; i++) {
        size_t size = 99;
        assert_int_equal(v[i].phys, PHYS_STRING);
        const char *bytes = engine_str(&v[i], 0, &size);
        assert_int_equal(size, sizes[i]);
        assert_non_null(bytes);
    }
    size_t size = 0;
    assert_memory_equal(engine_str(&v[1], 0, &size), "twelve bytes", 12);
    assert_memory_equal(engine_str(&v[2], 0, &size), "thirteen byte", 13);
    assert_memory_equal(engine_str(&v[3], 0, &size), "µS/cm x", 8);
    assert_memory_equal(engine_str(&v[4], 0, &size), "\0\xFF\0", 3);
    assert_memory_equal(engine_str(&v[5], 0, &size), "a\0b", 3);
    engine_result_close_at(&result);
}

static void nested_types_are_not_cells(void **state)
{
    (void)state;
    Result *result = NULL;
    const Vector *v =
        one_row("SELECT [1], {'a': 1}, MAP {1: 2}, uuid(), INTERVAL 1 DAY, 'a'::ENUM('a'), "
                "1::UHUGEINT, '1'::BIT, [1]::INTEGER[1], 1::BIGNUM, NULL::INTEGER[]",
                NULL, 0, &result);
    for (size_t i = 0; i < 11; i++) {
        assert_int_equal(v[i].phys, PHYS_NESTED);
        assert_int_equal(vector_is_null(&v[i], 0), i == 10);
    }
    engine_result_close_at(&result);
}

/* Every third row is null, over several chunks and validity words. */
static void marks_nulls(void **state)
{
    (void)state;
    Result *result = NULL;
    OK(engine_query(conn, "SELECT CASE WHEN i % 3 <> 0 THEN i END, i FROM range(10000) t(i)", NULL,
                    0, &result));
    int64_t row = 0;
    for (Chunk chunk;;) {
        OK(engine_next(result, &chunk));
        if (chunk.rows == 0) break;
        assert_int_equal(chunk.columns, 2);
        assert_true(chunk.rows <= 2048);
        for (size_t i = 0; i < chunk.rows; i++, row++) {
            assert_int_equal(vector_is_null(&chunk.vectors[0], i), row % 3 == 0);
            if (row % 3 != 0) assert_int_equal(engine_int(&chunk.vectors[0], i), row);
            assert_int_equal(engine_int(&chunk.vectors[1], i), row);
        }
    }
    assert_int_equal(row, 10000);
    Chunk after;
    OK(engine_next(result, &after)); /* the end stays the end */
    assert_int_equal(after.rows, 0);
    engine_result_close_at(&result);
}

/* ---- values ---- */

static void binds_values(void **state)
{
    (void)state;
    const Value values[] = {
        {.kind = VALUE_NULL},
        {.kind = VALUE_BOOL, .integer = 1},
        {.kind = VALUE_INT, .integer = INT64_MIN},
        {.kind = VALUE_DOUBLE, .number = 0.1},
        {.kind = VALUE_TEXT, .bytes = "it's \"ü\"\n\0x", .size = 12},
        {.kind = VALUE_BLOB, .bytes = "\xFF\0'", .size = 3},
        {.kind = VALUE_TIME, .integer = -1},
    };
    Result *result = NULL;
    const Vector *v = one_row("SELECT $1, $2, $3, $4, $5, $6, $7", values, 7, &result);
    const Schema *schema = engine_result_schema(result);
    assert_true(vector_is_null(&v[0], 0));
    assert_int_equal(engine_int(&v[1], 0), 1);
    assert_true(engine_int(&v[2], 0) == INT64_MIN);
    assert_true(engine_double(&v[3], 0) == 0.1);
    size_t size = 0;
    assert_memory_equal(engine_str(&v[4], 0, &size), values[4].bytes, 12);
    assert_int_equal(size, 12);
    assert_memory_equal(engine_str(&v[5], 0, &size), "\xFF\0'", 3);
    assert_int_equal(size, 3);
    assert_string_equal(schema->columns[5].type, "BLOB");
    assert_string_equal(schema->columns[6].type, "TIMESTAMP WITH TIME ZONE");
    assert_int_equal(engine_int(&v[6], 0), -1);
    engine_result_close_at(&result);
}

static void refuses_wrong_values(void **state)
{
    (void)state;
    char *text = NULL;
    const Value bad = {.kind = VALUE_TEXT, .bytes = "\xC3\x28", .size = 2},
                one = {.kind = VALUE_INT, .integer = 1};
    const Value word = {.kind = VALUE_TEXT, .bytes = "x", .size = 1};
    FAILS(engine_scalar_text(arena, conn, "SELECT $1", &bad, 1, &text), INVALID, "$1 is not UTF-8");
    FAILS(engine_scalar_text(arena, conn, "SELECT $1 + $2", &one, 1, &text), SQL, "2");
    FAILS(engine_scalar_text(arena, conn, "SELECT 1", &one, 1, &text), SQL, "0 parameter");
    FAILS(engine_scalar_text(arena, conn, "SELECT $1::INTEGER", &word, 1, &text), SQL, "'x'");
    assert_null(text);
}

static void scalar_is_the_first_cell(void **state)
{
    (void)state;
    char *text = NULL;
    ANSWERS("SELECT 42", "42");
    ANSWERS("SELECT 'x' FROM range(3)", "x");
    ANSWERS("SELECT 1.50::DECIMAL(5,2)", "1.50");
    ANSWERS("SELECT [1, NULL] -- a comment at the end", "[1, NULL]");
    ANSWERS("SELECT 1 AS a, 2 AS b", "1");
    ANSWERS("SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00'", "2024-01-01 00:00:00+00");
    OK(engine_scalar_text(arena, conn, "SELECT NULL", NULL, 0, &text));
    assert_null(text);
    OK(engine_scalar_text(arena, conn, "SELECT 1 WHERE false", NULL, 0, &text));
    assert_null(text);
}

/* ---- errors ---- */

static void errors_have_places(void **state)
{
    (void)state;
    Result *result = NULL;
    Schema schema;
    char *text = NULL;
    FAILS_AT(engine_exec(conn, "SELECT a\n  FORM b"), 2, 8, "syntax error at or near \"b\"");
    FAILS_AT(engine_exec(conn, "SELECT 'üü', nope FROM range(3) t(i)"), 1, 14,
             "\"nope\" not found");
    FAILS_AT(engine_exec(conn, "SELECT 1;\nSELECT nope FROM range(3) t(i)"), 2, 8,
             "\"nope\" not found");
    FAILS_AT(engine_exec(conn, "SELECT 'unclosed"), 1, 8, "unterminated");
    FAILS_AT(engine_query(conn, "SELECT\n\n\nnope(1)", NULL, 0, &result), 4, 1,
             "nope does not exist");
    FAILS_AT(engine_describe(arena, conn, "SELECT *\nFROM nowhere", &schema), 2, 6, "nowhere");
    FAILS_AT(engine_explain(arena, conn, "SELECT x,\ny z w", &text), 2, 5, "\"w\"");
    FAILS_AT(engine_scalar_text(arena, conn, "SELECT 'abc'::INTEGER", NULL, 0, &text), 1, 13,
             "'abc'");
    FAILS(engine_query(conn, "SELECT 1; SELECT 2", NULL, 0, &result), SQL, "multiple statements");
    assert_null(result);
}

static void errors_have_advice(void **state)
{
    (void)state;
    Err *err = engine_exec(conn, "SELECT temperatur FROM (SELECT 1 AS temperature)");
    assert_non_null(err);
    assert_string_equal(err_message(err),
                        "Referenced column \"temperatur\" not found in FROM clause!");
    assert_string_equal(err_hint_text(err), "Candidate bindings: \"temperature\"");
    err_free(err);
    err = engine_exec(conn, "SELECT flor(1.5)");
    assert_non_null(err);
    assert_string_equal(err_hint_text(err), "Did you mean \"floor\"?");
    assert_string_equal(err_source_text(err), "SELECT flor(1.5)");
    err_free(err);
}

static void errors_while_rows_are_read(void **state)
{
    (void)state;
    Result *result = NULL;
    Chunk chunk = {.rows = 1};
    Err *err = NULL;
    OK(engine_query(
        conn,
        "SELECT CASE WHEN i < 500000 THEN 'x' ELSE error('row ' || i) END FROM range(1000000) t(i)",
        NULL, 0, &result));
    while (err == NULL && chunk.rows > 0) err = engine_next(result, &chunk);
    FAILS(err, SQL, "row 500000");
    OK(engine_next(result, &chunk)); /* after the error: the end */
    assert_int_equal(chunk.rows, 0);
    engine_result_close_at(&result);
    ANSWERS("SELECT 1", "1");
}

/* ---- syntax trees ---- */

static void parses_one_select(void **state)
{
    (void)state;
    const Json *tree = NULL;
    OK(engine_parse_select(arena, conn, "SELECT a, b + 1 FROM t WHERE c = 'x' -- end", &tree));
    const Json *statement = &json_get(tree, "statements")->items[0];
    const Json *node = json_get(statement, "node");
    assert_string_equal(json_str(node, "type", ""), "SELECT_NODE");
    assert_int_equal(json_get(node, "select_list")->count, 2);
    assert_string_equal(json_str(json_get(node, "from_table"), "table_name", ""), "t");
    OK(engine_parse_select(arena, conn, "WITH x AS (SELECT 1) FROM x;", &tree));
    OK(engine_parse_select(arena, conn, "VALUES (1), (2)", &tree));
    OK(engine_parse_select(arena, conn, "SELECT 1 UNION ALL SELECT 2", &tree));
}

static void refuses_what_is_not_one_select(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"",
                                        ";",
                                        "SELECT 1; SELECT 2",
                                        "INSERT INTO t VALUES (1)",
                                        "SELECT 1; DROP TABLE t",
                                        "COPY (SELECT 1) TO '/tmp/x'",
                                        "CREATE TABLE t AS SELECT 1",
                                        "SET threads = 4",
                                        "ATTACH '/tmp/x.db'",
                                        "PRAGMA threads",
                                        "EXPLAIN SELECT 1",
                                        "LOAD httpfs"};
    const Json *tree = NULL;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        FAILS(engine_parse_select(arena, conn, TEXTS[i], &tree), SQL, "only one SELECT is allowed");
    FAILS_AT(engine_parse_select(arena, conn, "SELECT *\nFROM a FROM b", &tree), 2, 8,
             "syntax error");
    Schema schema;
    OK(engine_exec(conn, "CREATE TEMP TABLE t (a INTEGER)"));
    FAILS(engine_describe(arena, conn, "INSERT INTO t VALUES (1)", &schema), SQL,
          "only one SELECT is allowed");
    FAILS(engine_describe(arena, conn, "SELECT $1 AS a", &schema), SQL, "depends on a value");
    assert_null(tree);
}

static void explains(void **state)
{
    (void)state;
    char *plan = NULL;
    OK(engine_explain(arena, conn, "SELECT count(*) FROM range(10) t(i) WHERE i > 3", &plan));
    assert_non_null(strstr(plan, "RANGE"));
}

/* ---- streams ---- */

/* 50 million rows of four columns are 1.2 GB; reading them must not need more than the buffer. A
 * sanitizer holds freed memory back. */
#ifdef __SANITIZE_ADDRESS__
enum { GROWTH_MAX = 400 << 20 };
#else
enum { GROWTH_MAX = 16 << 20 };
#endif
static void streams_stay_flat(void **state)
{
    (void)state;
    Result *result = NULL;
    OK(engine_query(conn, "SELECT i, i::DOUBLE, i % 7, 'x' || (i % 10) FROM range(50000000) t(i)",
                    NULL, 0, &result));
    Chunk chunk = {0};
    int64_t rows = 0, start = 0, sum = 0, most = 0;
    for (int64_t chunks = 0;; chunks++) {
        OK(engine_next(result, &chunk));
        if (chunk.rows == 0) break;
        if (chunks == 100) start = resident_bytes();
        if (chunks % 1000 == 100 && resident_bytes() - start > most)
            most = resident_bytes() - start;
        rows += (int64_t)chunk.rows;
        sum += engine_int(&chunk.vectors[2], chunk.rows - 1);
    }
    assert_int_equal(rows, 50000000);
    assert_true(sum > 0);
    print_message("# grew by %" PRId64 " KB over 50 million rows\n", most / 1024);
    assert_true(most < GROWTH_MAX);
    engine_result_close_at(&result);
}

static int open_files(void)
{
    int count = 0;
    for (int fd = 0; fd < 200; fd++)
        if (access(arena_printf(arena, "/proc/self/fd/%d", fd), F_OK) == 0) count++;
    return count;
}

static void one_stream_at_a_time(void **state)
{
    (void)state;
    Result *result = NULL, *second = NULL;
    const char *path = path_of("stream.parquet");
    ParquetStats stats;
    OK(engine_write_parquet(
        arena, conn,
        &(ParquetWrite){.select_sql = "SELECT i FROM range(1000000) t(i)", .path = path}, &stats));
    int files = open_files();
    const char *sql =
        arena_printf(arena, "SELECT * FROM %s", engine_read_parquet_sql(arena, &path, 1, ""));
    OK(engine_query(conn, sql, NULL, 0, &result));
    Chunk chunk;
    OK(engine_next(result, &chunk));
    assert_true(open_files() > files);
    FAILS(engine_query(conn, "SELECT 1", NULL, 0, &second), INTERNAL, "being read");
    FAILS(engine_exec(conn, "SELECT 1"), INTERNAL, "being read");
    OK(engine_next(result, &chunk)); /* undisturbed */
    assert_int_equal(chunk.rows, 2048);
    engine_result_close_at(&result);
    assert_int_equal(open_files(), files); /* an unfinished stream lets go of its files */
    ANSWERS("SELECT 1", "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_types_as_the_engine_does),
        TEST(names_of_the_contract),
        TEST(reads_integers),
        TEST(reads_wide_integers_and_floats),
        TEST(reads_strings),
        TEST(nested_types_are_not_cells),
        TEST(marks_nulls),
        TEST(binds_values),
        TEST(refuses_wrong_values),
        TEST(scalar_is_the_first_cell),
        TEST(errors_have_places),
        TEST(errors_have_advice),
        TEST(errors_while_rows_are_read),
        TEST(parses_one_select),
        TEST(refuses_what_is_not_one_select),
        TEST(explains),
        TEST(streams_stay_flat),
        TEST(one_stream_at_a_time),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
