/* Parquet: what is written (statistics, footer, encodings, order, the same bytes twice), what is
 * removed after a failure, odd names, and what damaged or missing files are called. */
#include "engine/engine_test.h"
#include <sys/stat.h>
#include <sys/wait.h>

static ParquetStats wrote(const char *select_sql, const char *path)
{
    ParquetStats stats = {0};
    OK(engine_write_parquet(arena, conn, &(ParquetWrite){.select_sql = select_sql, .path = path},
                            &stats));
    return stats;
}

static const char *read_sql(const char *path)
{
    return engine_read_parquet_sql(arena, &path, 1, "");
}

static const ParquetColumnStats *column(const ParquetStats *stats, const char *name)
{
    for (size_t i = 0; i < stats->column_count; i++)
        if (strcmp(stats->columns[i].name, name) == 0) return &stats->columns[i];
    fail_msg("no statistics of %s", name);
    return NULL;
}

/* ---- what is written ---- */

static void tells_statistics(void **state)
{
    (void)state;
    const char *path = path_of("stats.parquet");
    ParquetStats stats = wrote(
        "SELECT to_timestamp(i) AS ts, i::DOUBLE / 4 AS \"DO.mg/L\", CASE WHEN i % 4 > 0 THEN "
        "'n' || (i % 9) END AS \"q\"\"uote\", NULL::INTEGER AS never, i % 2 = 0 AS flag, "
        "DATE '1969-12-30' + i::INTEGER AS d, {'a': i} AS s, 1.5::DECIMAL(9,2) AS dec "
        "FROM range(1000) t(i)",
        path);
    OsStat stat;
    OK(os_stat(path, &stat));
    assert_int_equal(stats.rows, 1000);
    assert_int_equal(stats.size_bytes, stat.size_bytes);
    assert_true(stats.footer_bytes > 100 && stats.footer_bytes < stats.size_bytes);
    assert_int_equal(stats.column_count, 7); /* not s.a */
    assert_string_equal(column(&stats, "ts")->min, "1970-01-01 00:00:00+00");
    assert_string_equal(column(&stats, "ts")->max, "1970-01-01 00:16:39+00");
    assert_string_equal(column(&stats, "DO.mg/L")->max, "249.75");
    assert_string_equal(column(&stats, "q\"uote")->min, "n0");
    assert_string_equal(column(&stats, "q\"uote")->max, "n8");
    assert_int_equal(column(&stats, "q\"uote")->null_count, 250);
    assert_int_equal(column(&stats, "ts")->null_count, 0);
    assert_null(column(&stats, "never")->min);
    assert_int_equal(column(&stats, "never")->null_count, 1000);
    assert_string_equal(column(&stats, "d")->min, "1969-12-30");
    assert_string_equal(column(&stats, "dec")->max, "1.50");
    for (size_t i = 1; i < stats.column_count; i++)
        assert_true(strcmp(stats.columns[i - 1].name, stats.columns[i].name) < 0);
}

/* All of a file that is not its footer, nor the magic bytes at both ends and the footer's length.
 */
static void tells_bytes_of_columns(void **state)
{
    (void)state;
    const char *path = path_of("bytes.parquet");
    static const char SELECT[] =
        "SELECT i * 7 AS a, {'a': hash(i), 'b': {'c': hash(i + 1)}} AS s, hash(i) AS \"sa\", "
        "random() AS \"q\"\"uote.x\", [i, i + 1] AS l FROM range(200000) t(i)";
    ParquetStats stats = wrote(SELECT, path);
    Schema schema;
    int64_t rows = 0, bytes[5] = {9, 9, 9, 9, 9}, sum = 0;
    OK(engine_parquet_schema(arena, conn, path, &schema, &rows));
    OK(engine_parquet_bytes(conn, path, &schema, bytes));
    for (int i = 0; i < 5; i++) sum += bytes[i];
    assert_int_equal(sum, stats.size_bytes - stats.footer_bytes - 12);
    assert_in_range(bytes[1], 3000000, 3500000); /* two hashes a row */
    assert_in_range(bytes[2], 1500000, 1700000); /* one */
    const char *other = path_of("snappy.parquet");
    OK(engine_exec(conn,
                   arena_printf(arena, "COPY (%s) TO '%s' (FORMAT parquet, COMPRESSION snappy)",
                                SELECT, other)));
    OK(engine_parquet_bytes(conn, other, &schema, bytes));
    for (int c = 0; c < 5; c++) assert_int_equal(bytes[c], -1);
}

static void writes_no_rows(void **state)
{
    (void)state;
    const char *path = path_of("empty.parquet");
    ParquetStats stats = wrote("SELECT 1 AS a, 'x' AS b WHERE false", path);
    Schema schema;
    int64_t rows = -1;
    assert_int_equal(stats.rows, 0);
    OK(engine_parquet_schema(arena, conn, path, &schema, &rows));
    assert_int_equal(rows, 0);
    assert_int_equal(schema.count, 2);
    int64_t bytes[2] = {9, 9};
    OK(engine_parquet_bytes(conn, path, &schema, bytes));
    assert_int_equal(bytes[0] + bytes[1], 0);
    assert_string_equal(schema.columns[0].type, "INTEGER");
}

static void keeps_key_values(void **state)
{
    (void)state;
    const char *path = path_of("kv.parquet");
    const char *const kv[] = {"pond.id", "0191-a", "it's", "a\n\"b\" \\ ü {x: 1}", "empty", ""};
    ParquetStats stats;
    OK(engine_write_parquet(
        arena, conn,
        &(ParquetWrite){.select_sql = "SELECT 1 AS a", .path = path, .kv = kv, .kv_count = 3},
        &stats));
    for (size_t i = 0; i < 3; i++) {
        const Value values[] = {
            {.kind = VALUE_TEXT, .bytes = path, .size = strlen(path)},
            {.kind = VALUE_TEXT, .bytes = kv[2 * i], .size = strlen(kv[2 * i])}};
        char *text = NULL;
        OK(engine_scalar_text(
            arena, conn, "SELECT decode(value) FROM parquet_kv_metadata($1) WHERE decode(key) = $2",
            values, 2, &text));
        assert_non_null(text);
        assert_string_equal(text, kv[2 * i + 1]);
    }
}

static const char *encodings(const char *path)
{
    return scalar(
        arena_printf(arena,
                     "SELECT string_agg(DISTINCT encodings || ' ' || compression, ';') FROM "
                     "parquet_metadata('%s') WHERE path_in_schema = 'ts'",
                     path));
}

static void writes_both_versions(void **state)
{
    (void)state;
    const char *v1 = path_of("v1.parquet"), *v2 = path_of("v2.parquet");
    const char *sql = "SELECT to_timestamp(i * 7) AS ts FROM range(20000) t(i)";
    ParquetStats stats;
    OK(engine_write_parquet(
        arena, conn, &(ParquetWrite){.select_sql = sql, .path = v1, .plain_v1 = true}, &stats));
    (void)wrote(sql, v2);
    assert_string_equal(encodings(v1), "PLAIN ZSTD");
    assert_string_equal(encodings(v2), "DELTA_BINARY_PACKED ZSTD");
}

static void cuts_row_groups(void **state)
{
    (void)state;
    const char *small = path_of("groups.parquet"), *usual = path_of("usual.parquet");
    const char *sql = "SELECT i FROM range(300000) t(i)";
    ParquetStats stats;
    OK(engine_write_parquet(
        arena, conn, &(ParquetWrite){.select_sql = sql, .path = small, .row_group_rows = 20480},
        &stats));
    (void)wrote(sql, usual);
    ANSWERS(arena_printf(arena, "SELECT num_row_groups FROM parquet_file_metadata('%s')", small),
            "15");
    ANSWERS(arena_printf(arena, "SELECT num_row_groups FROM parquet_file_metadata('%s')", usual),
            "3");
}

static void keeps_order_and_bytes(void **state)
{
    (void)state;
    const char *first = path_of("first.parquet"), *second = path_of("second.parquet");
    const char *sql =
        "SELECT (i * 7919) % 1000003 AS k, 'x' || (i % 100) AS s, random() < 2 AS b, sin(i) AS d "
        "FROM range(400000) t(i)";
    (void)wrote(sql, first);
    (void)wrote(sql, second);
    char one[65], two[65];
    int64_t size = 0;
    OK(os_sha256_file(first, &size, one));
    OK(os_sha256_file(second, &size, two));
    assert_string_equal(one, two);
    ANSWERS(arena_printf(arena,
                         "SELECT count(*) FROM (SELECT k, row_number() OVER () - 1 AS i FROM %s) "
                         "WHERE k <> (i * "
                         "7919) %% 1000003",
                         read_sql(first)),
            "0");
}

static void writes_what_a_comment_ends(void **state)
{
    (void)state;
    ParquetStats stats = wrote("SELECT 1 AS a -- ) TO '/tmp/x'", path_of("comment.parquet"));
    assert_int_equal(stats.rows, 1);
}

/* ---- names ---- */

static void takes_any_name(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "it's.parquet",      "line\nbreak.parquet", "a b.parquet",   "µ ü 日本.parquet",
        "\"q\".parquet",     "star*.parquet",       "what?.parquet", "[abc].parquet",
        "x]y.parquet",       "back\\slash.parquet", "{a,b}.parquet", "%41.parquet",
        "year=2024.parquet", "$1.parquet",          "no-extension",  "semi;colon--.parquet",
        "~x.parquet",        "gzip.parquet.gz"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const char *path = path_of(NAMES[i]);
        ParquetStats stats = wrote(arena_printf(arena, "SELECT %zu AS a", i), path);
        assert_int_equal(stats.rows, 1);
        assert_true(path_exists(path));
        Schema schema;
        int64_t rows = 0;
        OK(engine_parquet_schema(arena, conn, path, &schema, &rows));
        assert_int_equal(schema.count, 1);
        ANSWERS(arena_printf(arena, "SELECT sum(a) FROM %s", read_sql(path)),
                arena_printf(arena, "%zu", i));
    }
}

/* A pattern character in a name must not reach other files, nor a folder's name become a column. */
static void reads_only_what_it_is_given(void **state)
{
    (void)state;
    const char *star = path_of("n*.parquet"), *other = path_of("nn.parquet");
    (void)wrote("SELECT 1 AS a", star);
    (void)wrote("SELECT 2 AS a", other);
    ANSWERS(arena_printf(arena, "SELECT sum(a) FROM %s", read_sql(star)), "1");
    const char *paths[] = {other, star, other};
    ANSWERS(arena_printf(arena, "SELECT string_agg(a, ',') FROM %s",
                         engine_read_parquet_sql(arena, paths, 3, "")),
            "2,1,2");
    ANSWERS(arena_printf(arena, "SELECT string_agg(a || '@' || file_row_number, ',') FROM %s",
                         engine_read_parquet_sql(arena, paths, 2, ", file_row_number=true")),
            "2@0,1@0");
    const char *folder = arena_printf(arena, "%s/year=2024", root);
    OK(os_mkdirs(folder));
    const char *inside = path_of("year=2024/a.parquet");
    (void)wrote("SELECT 1 AS a", inside);
    Schema schema;
    int64_t rows = 0;
    OK(engine_parquet_schema(arena, conn, inside, &schema, &rows));
    assert_int_equal(schema.count, 1);
}

/* ---- failures of writing ---- */

static void expect_clean_failure(const char *sql, const char *path, ErrCode code, const char *text,
                                 int line)
{
    ParquetStats stats;
    Err *err =
        engine_write_parquet(arena, conn, &(ParquetWrite){.select_sql = sql, .path = path}, &stats);
    fail_with(err, code, text, 0, 0, line);
    assert_false(path_exists(path));
}
#define WRITE_FAILS(sql, path, code, text)                                                         \
    expect_clean_failure((sql), (path), ERR_##code, (text), __LINE__)

static void leaves_nothing_after_a_failure(void **state)
{
    (void)state;
    const char *path = path_of("failed.parquet");
    WRITE_FAILS("SELECT CASE WHEN i > 500000 THEN error('at ' || i) ELSE i::VARCHAR END AS a FROM "
                "range(1000000) t(i)",
                path, SQL, "at 500001");
    WRITE_FAILS("SELECT nope", path, SQL, "nope");
    WRITE_FAILS("SELECT 1 AS a", "/nonexistent/x.parquet", IO, "No such file or directory");
    ParquetStats stats;
    FAILS_AT(engine_write_parquet(arena, conn,
                                  &(ParquetWrite){.select_sql = "SELECT a\nFROM b", .path = path},
                                  &stats),
             2, 6, "b does not exist");
}

/* The engine removes what it has begun, too; when it cannot, we do. */
static void removes_what_the_engine_could_not(void **state)
{
    (void)state;
    const char *path = path_of("left.parquet");
    OK(os_fault_set("origin=engine,class=out,op=unlink,do=eio"));
    WRITE_FAILS("SELECT CASE WHEN i > 500000 THEN error('at ' || i) ELSE i::VARCHAR END AS a FROM "
                "range(1000000) t(i)",
                path, SQL, "at 500001");
    assert_int_equal(os_fault_seen(), 1);
}

static void overwrites_nothing(void **state)
{
    (void)state;
    const char *path = path_of("kept.parquet");
    (void)wrote("SELECT 1 AS a", path);
    ParquetStats stats;
    FAILS(engine_write_parquet(
              arena, conn, &(ParquetWrite){.select_sql = "SELECT 2 AS a", .path = path}, &stats),
          EXISTS, "exists already");
    FAILS(engine_write_parquet(arena, conn,
                               &(ParquetWrite){.select_sql = "SELECT nope", .path = path}, &stats),
          EXISTS, "exists already");
    ANSWERS(arena_printf(arena, "SELECT a FROM %s", read_sql(path)), "1");
}

static void disk_full_is_io(void **state)
{
    (void)state;
    const char *path = path_of("full.parquet"),
               *sql = "SELECT hash(i) AS h FROM range(1000000) t(i)";
    for (int nth = 1; nth <= 3; nth++) {
        OK(os_fault_set(
            arena_printf(arena, "origin=engine,class=any,op=write,nth=%d,do=enospc", nth)));
        ParquetStats stats;
        Err *err = engine_write_parquet(arena, conn,
                                        &(ParquetWrite){.select_sql = sql, .path = path}, &stats);
        assert_non_null(err);
        assert_int_equal(err_errnum(err), ENOSPC);
        FAILS(err, IO, "No space left on device");
        OK(os_fault_set(NULL));
        assert_false(path_exists(path));
    }
    (void)wrote(sql, path); /* all is well again */
}

static void disk_full_while_spilling(void **state)
{
    (void)state;
    engine_configure(&(EngineOptions){.memory_limit_bytes = 40000000, .temp_dir = root});
    OK(os_fault_set("origin=engine,class=any,op=write,nth=5,do=enospc"));
    Err *err = engine_exec(
        conn, "CREATE TEMP TABLE s AS SELECT hash(i) h, i FROM range(5000000) t(i) ORDER BY h");
    FAILS(err, IO, "No space left on device");
    OK(os_fault_set(NULL));
    ANSWERS("SELECT 1", "1");
    engine_configure(&(EngineOptions){.temp_dir = root});
}

/* ---- files that cannot be read ---- */

static Err *read_all(const char *path)
{
    Schema schema;
    int64_t rows = 0;
    CLEANUP(engine_result_close_at) Result *result = NULL;
    TRY(engine_parquet_schema(arena, conn, path, &schema, &rows));
    TRY(engine_query(conn, arena_printf(arena, "SELECT * FROM %s", read_sql(path)), NULL, 0,
                     &result));
    for (Chunk chunk = {.rows = 1}; chunk.rows > 0;) TRY(engine_next(result, &chunk));
    return NULL;
}

static void put_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void missing_and_foreign_files(void **state)
{
    (void)state;
    const char *path = path_of("nothing.parquet");
    Err *err = read_all(path);
    assert_non_null(err);
    assert_string_equal(err_path_text(err), path);
    FAILS(err, IO, "nothing.parquet");
    put_file(path, "", 0);
    FAILS(read_all(path), CORRUPT, "nothing.parquet");
    put_file(path, "PAR1", 4);
    FAILS(read_all(path), CORRUPT, "nothing.parquet");
    put_file(path, "time,value\n2024-01-01,1\n2024-01-02,2\n", 37);
    FAILS(read_all(path), CORRUPT, "magic bytes");
    put_file(path, "PAR1 this is not it \xFF\xFF\xFF\x7FPAR1", 28);
    FAILS(read_all(path), CORRUPT, "");
}

static void unreadable_file_is_io(void **state)
{
    (void)state;
    const char *path = path_of("eio.parquet");
    (void)wrote("SELECT hash(i) AS h FROM range(1000000) t(i)", path);
    OK(os_fault_set("origin=engine,class=any,op=read,nth=3,do=eio"));
    FAILS(read_all(path), IO, "Input/output error");
    OK(os_fault_set(NULL));
    OK(read_all(path));
}

static void truncated_anywhere_is_corrupt(void **state)
{
    (void)state;
    const char *path = path_of("whole.parquet"), *cut = path_of("cut.parquet");
    (void)wrote("SELECT i, 'name' || i AS s FROM range(5000) t(i)", path);
    char *bytes = NULL;
    size_t size = 0;
    OK(os_read_file(arena, path, 1 << 20, &bytes, &size));
    for (size_t length = 0; length < size; length += 1 + size / 50) {
        put_file(cut, bytes, length);
        FAILS(read_all(cut), CORRUPT, "cut.parquet");
    }
}

static uint64_t seed;

static size_t draw(size_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(seed >> 33) % below;
}

static void damage(char *bytes, size_t size)
{
    size_t at = draw(2) == 0
                    ? draw(size)
                    : size - 1 - draw(size < 1500 ? size : 1500); /* half of it in the footer */
    size_t length = draw(3) == 0 ? 1 + draw(60) : 1;
    for (size_t i = at; i < at + length && i < size; i++)
        bytes[i] = (char)(length == 1 ? bytes[i] ^ (1 << draw(8)) : (int)draw(256));
}

/* What reading a damaged file came to, told by a child process: the engine's decoders of version 2
 * encodings read out of bounds on some damaged files (2 of 60,000 crashed), and a crash must not
 * end the test. */
enum { CHILD_FINE = 100 };

static int read_in_child(const char *path)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        Err *err = read_all(path);
        if (err == NULL) _exit(CHILD_FINE);
        bool expected = err_code(err) == ERR_CORRUPT || err_code(err) == ERR_UNSUPPORTED;
        if (!expected) (void)fprintf(stderr, "# %s\n", err_message(err));
        _exit((int)err_code(err));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void damaged_files_are_corrupt(void **state)
{
    (void)state;
    static const char *const CODECS[] = {"zstd",    "snappy", "gzip",
                                         "lz4_raw", "brotli", "uncompressed"};
    const char *path = path_of("damaged.parquet");
    int fine = 0, corrupt = 0, unsupported = 0, crashed = 0;
    for (int round = 0; round < 12; round++) {
        seed = 42 + (uint64_t)round;
        OK(os_unlink_if(path));
        OK(engine_exec(conn, arena_printf(arena,
                                          "COPY (SELECT i, (i * 7919 %% 1000) / 10.0 AS d, 'name' "
                                          "|| (i %% 50) AS s, i %% 2 = 0 "
                                          "AS b, CASE WHEN i %% 5 > 0 THEN i END::FLOAT AS f, "
                                          "to_timestamp(i) AS ts, [i] AS l, "
                                          "i::DECIMAL(12,3) AS dec FROM range(3000) t(i)) TO '%s' "
                                          "(FORMAT parquet, COMPRESSION "
                                          "%s, PARQUET_VERSION %s)",
                                          path, CODECS[round % 6], round < 6 ? "v1" : "v2")));
        char *whole = NULL;
        size_t size = 0;
        OK(os_read_file(arena, path, 1 << 20, &whole, &size));
        for (int i = 0; i < 50; i++) {
            char *bytes = arena_memdup(arena, whole, size);
            damage(bytes, size);
            put_file(path, bytes, size);
            int code = read_in_child(path);
            fine += code == CHILD_FINE;
            corrupt += code == ERR_CORRUPT;
            unsupported += code == ERR_UNSUPPORTED;
            crashed += code == -1;
            if (code != CHILD_FINE && code != ERR_CORRUPT && code != ERR_UNSUPPORTED && code != -1)
                fail_msg("round %d, file %d: %s", round, i, err_code_name((ErrCode)code));
        }
    }
    print_message("# of 600 damaged files: %d refused, %d read, %d unsupported, %d crashed\n",
                  corrupt, fine, unsupported, crashed);
    assert_true(corrupt > 200);
    assert_true(crashed <= 3);
}

/* Files that disagree are no damage. */
static void disagreeing_files_are_sql(void **state)
{
    (void)state;
    const char *paths[] = {path_of("one.parquet"), path_of("two.parquet")};
    (void)wrote("SELECT 1 AS a", paths[0]);
    (void)wrote("SELECT 'x' AS a", paths[1]);
    char *text = NULL;
    const char *sql =
        arena_printf(arena, "SELECT sum(a) FROM %s", engine_read_parquet_sql(arena, paths, 2, ""));
    FAILS(engine_scalar_text(arena, conn, sql, NULL, 0, &text), SQL, "failed to cast column \"a\"");
    paths[1] = path_of("three.parquet");
    (void)wrote("SELECT 1 AS b", paths[1]);
    sql =
        arena_printf(arena, "SELECT sum(a) FROM %s", engine_read_parquet_sql(arena, paths, 2, ""));
    FAILS(engine_scalar_text(arena, conn, sql, NULL, 0, &text), SQL, "schema mismatch");
}

/* Several sources in one SELECT, of which the first ends early in a row group: with `exact` rows
 * come in order, and row groups end where they should whatever chunks rows came in. */
static void several_sources_stay_in_order(void **state)
{
    (void)state;
    static const char *const SELECTS[] = {
        ("(SELECT i AS t, [i] AS l FROM range(758) t(i)) UNION ALL "
         "(SELECT i AS t, [i] AS l FROM range(758, 250000) t(i) ORDER BY i)"),
        "SELECT i AS t, [i] AS l FROM range(250000) t(i)",
        "SELECT i - 100000 AS t, [i - 100000] AS l FROM range(350000) t(i) WHERE i >= 100000",
    };
    char hashes[3][SHA256_HEX + 1];
    for (size_t i = 0; i < 3; i++) {
        ParquetStats stats;
        int64_t size = 0;
        const char *path = arena_printf(arena, "%s/exact-%zu.parquet", root, i);
        OK(engine_write_parquet(
            arena, conn, &(ParquetWrite){.select_sql = SELECTS[i], .path = path, .exact = true},
            &stats));
        assert_int_equal(stats.rows, 250000);
        OK(os_sha256_file(path, &size, hashes[i]));
        ANSWERS(arena_printf(arena,
                             "SELECT count(*) FILTER (WHERE t < p) || ' ' || first(t) || ' ' || "
                             "count(*) FILTER (WHERE l[1] <> t) FROM (SELECT t, l, lag(t) OVER () "
                             "AS p FROM read_parquet(%s))",
                             engine_path_sql(arena, path)),
                "0 0 0");
        ANSWERS(arena_printf(arena,
                             "SELECT string_agg(DISTINCT row_group_num_rows, ' ' ORDER BY "
                             "row_group_num_rows) FROM parquet_metadata(%s)",
                             engine_path_sql(arena, path)),
                "4240 122880");
    }
    assert_string_equal(hashes[0], hashes[1]);
    assert_string_equal(hashes[1], hashes[2]);
}

/* An error of the inner statement has its place in the text that was given. */
static void exact_errors_have_their_place(void **state)
{
    (void)state;
    ParquetStats stats;
    int line = 0, column = 0;
    const char *path = arena_printf(arena, "%s/exact-bad.parquet", root);
    Err *err = engine_write_parquet(
        arena, conn,
        &(ParquetWrite){.select_sql = "SELECT 1 AS a,\n  nope AS b", .path = path, .exact = true},
        &stats);
    assert_non_null(err);
    err_position(err, &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 3);
    err_free(err);
    err = engine_write_parquet(
        arena, conn,
        &(ParquetWrite){.select_sql =
                            "SELECT CASE WHEN i = 200000 THEN error('stop here') END AS a "
                            "FROM range(300000) t(i)",
                        .path = path,
                        .exact = true},
        &stats);
    assert_non_null(err);
    assert_non_null(strstr(err_message(err), "stop here"));
    err_free(err);
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(several_sources_stay_in_order),
        TEST(exact_errors_have_their_place),
        TEST(tells_statistics),
        TEST(tells_bytes_of_columns),
        TEST(writes_no_rows),
        TEST(keeps_key_values),
        TEST(writes_both_versions),
        TEST(cuts_row_groups),
        TEST(keeps_order_and_bytes),
        TEST(writes_what_a_comment_ends),
        TEST(takes_any_name),
        TEST(reads_only_what_it_is_given),
        TEST(leaves_nothing_after_a_failure),
        TEST(removes_what_the_engine_could_not),
        TEST(overwrites_nothing),
        TEST(disk_full_is_io),
        TEST(disk_full_while_spilling),
        TEST(missing_and_foreign_files),
        TEST(unreadable_file_is_io),
        TEST(truncated_anywhere_is_corrupt),
        TEST(damaged_files_are_corrupt),
        TEST(disagreeing_files_are_sql),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
