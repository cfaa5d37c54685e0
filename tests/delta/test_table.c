/* The life of a table: created, appended to, merged and checkpointed, as a pond's log is. With
 * POND_INTEROP_DIR the table is written there and kept, for tests/interop/delta_table.py, which
 * opens every version of it with another implementation.
 *
 * Schedule (delta_table.py repeats it): entry 0 creates; append k = 1 .. 23 adds part-k.parquet
 * with the ids 10 k .. 10 k + 9; after every fifth append one entry merges all small files so far
 * into merged-k.parquet, and a checkpoint follows. */
#include "delta_test.h"
#include "perf/ops.h"

enum { APPENDS = 23, MERGE_EVERY = 5, FILE_ROWS = 10 };
#define APP_ID "pond:interop"

static Column columns[] = {{"id", "BIGINT"},
                           {"small", "INTEGER"},
                           {"even", "BOOLEAN"},
                           {"x", "DOUBLE"},
                           {"na'me \"q\"", "VARCHAR"},
                           {"raw", "BLOB"},
                           {"day", "DATE"},
                           {"t", "TIMESTAMP WITH TIME ZONE"}};
enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

static const char *rows_sql(int first, int end)
{
    return arena_printf(
        arena,
        "SELECT id, CAST(id %% 7 - 3 AS INTEGER) AS small, id %% 2 = 0 AS even, id / 8.0 AS x,"
        " CASE WHEN id %% 5 <> 0 THEN 'row ' || id END AS \"na'me \"\"q\"\"\", encode('r' || id) "
        "AS raw,"
        " DATE '1969-12-31' + CAST(id AS INTEGER) AS day, make_timestamptz(1700000000000000 + id * "
        "1000001) AS t"
        " FROM (SELECT range AS id FROM range(%d, %d))",
        first, end);
}

static DeltaAdd write_file(Conn *conn, const char *name, int first, int end)
{
    ParquetStats stats = {0};
    const char *path = arena_printf(arena, "%s/%s", table, name);
    ParquetWrite write = {.select_sql = rows_sql(first, end), .path = path, .plain_v1 = true};
    OK(engine_write_parquet(arena, conn, &write, &stats));
    OK(os_sync_path(path));
    return (DeltaAdd){.path = name,
                      .size_bytes = stats.size_bytes,
                      .modified_ms = 1700000000000,
                      .data_change = true,
                      .stats = delta_stats_json(arena, &stats, columns, COLUMN_COUNT)};
}

static void commit(int64_t version, const DeltaCommit *commit)
{
    bool won = false;
    OK(delta_commit(arena, table, version, commit, &won));
    assert_true(won);
}

static void create(void)
{
    DeltaPair configuration[] = {{"pond.id", "it's \"one\""}, {"pond.format", "1"}};
    Schema schema = {columns, COLUMN_COUNT};
    char *text = NULL;
    OK(delta_schema_json(arena, &schema, &text));
    DeltaCommit first = {.info = "{\"operation\":\"CREATE TABLE\"}",
                         .protocol = {.reader = 1, .writer = 2},
                         .metadata = {.id = "0b5a5d2e-6d5c-4b55-9ad0-6c1f3b1f3c11",
                                      .schema = text,
                                      .configuration = configuration,
                                      .configuration_count = 2,
                                      .created_ms = 1700000000000}};
    commit(0, &first);
}

static void append(Conn *conn, int64_t version, int number)
{
    const char *name = arena_printf(arena, "part-%d.parquet", number);
    DeltaAdd add = write_file(conn, name, number * FILE_ROWS, (number + 1) * FILE_ROWS);
    DeltaTxn txn = {APP_ID, number, 1700000000000 + number};
    DeltaCommit more = {.info = "{\"operation\":\"WRITE\"}",
                        .adds = &add,
                        .add_count = 1,
                        .txns = &txn,
                        .txn_count = 1};
    commit(version, &more);
}

static void merge(Conn *conn, int64_t version, int number)
{
    DeltaSnapshot before = load(-1);
    DeltaAdd add = write_file(conn, arena_printf(arena, "merged-%d.parquet", number), FILE_ROWS,
                              (number + 1) * FILE_ROWS);
    DeltaRemove *removes = AARRAY(arena, DeltaRemove, before.add_count);
    for (size_t i = 0; i < before.add_count; i++)
        removes[i] = (DeltaRemove){.path = before.adds[i].path,
                                   .deleted_ms = 1700000000000 + version,
                                   .size_bytes = before.adds[i].size_bytes};
    add.data_change = false;
    DeltaCommit merged = {.info = "{\"operation\":\"OPTIMIZE\"}",
                          .adds = &add,
                          .add_count = 1,
                          .removes = removes,
                          .remove_count = before.add_count};
    commit(version, &merged);
    DeltaSnapshot after = load(-1);
    assert_int_equal(after.add_count, 1);
    OK(delta_checkpoint_write(arena, table, &after, 0));
}

/* The ids of a version's files, summed by the engine. */
static int64_t sum_of_ids(Conn *conn, const DeltaSnapshot *snapshot)
{
    const char **paths = AARRAY(arena, const char *, snapshot->add_count);
    char *text = NULL;
    for (size_t i = 0; i < snapshot->add_count; i++)
        paths[i] = arena_printf(arena, "%s/%s", table, snapshot->adds[i].path);
    if (snapshot->add_count == 0) return 0;
    const char *source = engine_read_parquet_sql(arena, paths, snapshot->add_count, "");
    OK(engine_scalar_text(arena, conn,
                          arena_printf(arena, "SELECT CAST(sum(id) AS BIGINT) FROM %s", source),
                          NULL, 0, &text));
    return atoll(text);
}

static void check_every_version(Conn *conn)
{
    int64_t version = 0;
    for (int number = 0; number <= APPENDS; number++) {
        int64_t last = FILE_ROWS * (number + 1) - 1,
                expected = last * (last + 1) / 2 - 45; /* 10 + ... + last */
        bool merged = number > 0 && number % MERGE_EVERY == 0;
        for (int step = 0; step <= merged; step++, version++) {
            DeltaSnapshot snapshot = load(version);
            assert_int_equal(sum_of_ids(conn, &snapshot), expected);
            assert_int_equal(snapshot.txn_count, number > 0);
            if (number > 0) assert_int_equal(snapshot.txns[0].version, number);
        }
    }
}

static void test_a_table_through_its_life(void **state)
{
    (void)state;
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    const char *kept = getenv("POND_INTEROP_DIR");
    if (kept != NULL) table = kept;
    OK(os_mkdirs(delta_log_dir(arena, table)));
    OK(engine_connect(&conn));
    create();
    int64_t version = 0;
    for (int number = 1; number <= APPENDS; number++) {
        append(conn, ++version, number);
        if (number % MERGE_EVERY == 0) merge(conn, ++version, number);
    }
    assert_int_equal(version, APPENDS + APPENDS / MERGE_EVERY);
    check_every_version(conn);
    uint64_t opens = perf_read(PERF_log_entry_open);
    DeltaSnapshot newest = load(-1);
    assert_int_equal(newest.version, version);
    assert_int_equal(newest.checkpoint_version, 24);
    assert_int_equal(perf_read(PERF_log_entry_open) - opens, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_a_table_through_its_life)};
    return RUN("delta table", tests);
}
