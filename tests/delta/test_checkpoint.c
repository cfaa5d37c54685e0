/* Checkpoints: what we write reads back (by us here; by another reader in tests/interop), old
 * tombstones leave, opening costs the tail only, damage is named, and that whatever call fails the
 * table stays readable. Multi-part and V2 checkpoints are made here by plain statements; those of
 * other writers are read in test_fixtures. */
#include "delta_test.h"
#include "perf/ops.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const ODD_NAMES[] = {"a.parquet", "b c/d=1/é%20.parquet", "it's \"q\".parquet",
                                        "x:y?#&+.parquet"};
enum { ODD_COUNT = sizeof ODD_NAMES / sizeof *ODD_NAMES };
static DeltaPair configuration[] = {{"pond.id", "p-1"},
                                    {"it's \"odd\"\\", "line\nbreak \x01 é {}"}};

/* Entry 0 with metadata, 1 with all odd names, 2 removes the first of them. */
static DeltaSnapshot write_table(void)
{
    bool won = false;
    DeltaCommit first = {.protocol = {.reader = 1, .writer = 2},
                         .metadata = {.id = "m-1",
                                      .name = "n'ame",
                                      .schema = "{\"type\":\"struct\",\"fields\":[]}",
                                      .configuration = configuration,
                                      .configuration_count = 2,
                                      .created_ms = 7}};
    OK(delta_commit(arena, table, 0, &first, &won));
    DeltaAdd adds[ODD_COUNT] = {{0}};
    for (size_t i = 0; i < ODD_COUNT; i++)
        adds[i] = (DeltaAdd){.path = ODD_NAMES[i],
                             .size_bytes = INT64_C(1) << (10 * i),
                             .modified_ms = (int64_t)i,
                             .data_change = true};
    adds[0].stats = "{\"numRecords\":3,\"minValues\":{\"a\":\"\\u0001\\\"\"}}";
    adds[1].tags = "{\"k\":\"v'\"}";
    DeltaTxn txns[] = {{"app 'x'", INT64_C(9007199254740993), 5}};
    DeltaCommit second = {.adds = adds, .add_count = ODD_COUNT, .txns = txns, .txn_count = 1};
    OK(delta_commit(arena, table, 1, &second, &won));
    DeltaRemove removes[] = {{.path = ODD_NAMES[0], .deleted_ms = 1000, .size_bytes = 1}};
    DeltaCommit third = {.removes = removes, .remove_count = 1};
    OK(delta_commit(arena, table, 2, &third, &won));
    return load(-1);
}

static void assert_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL) assert_string_equal(a, b);
}

static void assert_same(const DeltaSnapshot *a, const DeltaSnapshot *b)
{
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->protocol.reader, b->protocol.reader);
    assert_int_equal(a->protocol.writer, b->protocol.writer);
    assert_string_equal(a->metadata.id, b->metadata.id);
    assert_text(a->metadata.name, b->metadata.name);
    assert_text(a->metadata.description, b->metadata.description);
    assert_string_equal(a->metadata.schema, b->metadata.schema);
    assert_int_equal(a->metadata.created_ms, b->metadata.created_ms);
    assert_int_equal(a->metadata.configuration_count, b->metadata.configuration_count);
    for (size_t i = 0; i < a->metadata.configuration_count; i++) {
        assert_string_equal(a->metadata.configuration[i].key, b->metadata.configuration[i].key);
        assert_string_equal(a->metadata.configuration[i].value, b->metadata.configuration[i].value);
    }
    assert_int_equal(a->add_count, b->add_count);
    for (size_t i = 0; i < a->add_count; i++) {
        assert_string_equal(a->adds[i].path, b->adds[i].path);
        assert_true(a->adds[i].size_bytes == b->adds[i].size_bytes);
        assert_true(a->adds[i].modified_ms == b->adds[i].modified_ms);
        assert_text(a->adds[i].stats, b->adds[i].stats);
        assert_text(a->adds[i].tags, b->adds[i].tags);
    }
    assert_int_equal(a->remove_count, b->remove_count);
    for (size_t i = 0; i < a->remove_count; i++) {
        assert_string_equal(a->removes[i].path, b->removes[i].path);
        assert_true(a->removes[i].deleted_ms == b->removes[i].deleted_ms);
        assert_true(a->removes[i].size_bytes == b->removes[i].size_bytes);
    }
    assert_int_equal(a->txn_count, b->txn_count);
    for (size_t i = 0; i < a->txn_count; i++) {
        assert_string_equal(a->txns[i].app_id, b->txns[i].app_id);
        assert_true(a->txns[i].version == b->txns[i].version);
        assert_true(a->txns[i].updated_ms == b->txns[i].updated_ms);
    }
}

static void test_a_checkpoint_reads_back(void **state)
{
    (void)state;
    DeltaSnapshot before = write_table();
    uint64_t writes = perf_read(PERF_checkpoint_write), reads = perf_read(PERF_checkpoint_read);
    uint64_t opens = perf_read(PERF_log_entry_open);
    OK(delta_checkpoint_write(arena, table, &before, 0));
    DeltaSnapshot after = load(-1);
    assert_int_equal(after.checkpoint_version, 2);
    assert_same(&before, &after);
    assert_int_equal(perf_read(PERF_checkpoint_write) - writes, 1);
    assert_int_equal(perf_read(PERF_checkpoint_read) - reads, 1);
    assert_int_equal(perf_read(PERF_log_entry_open) - opens, 0);
    OK(delta_checkpoint_write(arena, table, &after, 0)); /* an existing one is replaced */
    after = load(-1);
    assert_same(&before, &after);
    OsEntry *entries = NULL;
    size_t count = 0;
    OK(os_list(arena, delta_log_dir(arena, table), &entries, &count));
    assert_int_equal(count, 5); /* three entries, checkpoint, hint: no temporary file */
}

static void test_older_versions_stay_readable(void **state)
{
    (void)state;
    DeltaSnapshot before = write_table();
    OK(delta_checkpoint_write(arena, table, &before, 0));
    DeltaSnapshot one = load(1), two = load(2);
    assert_int_equal(one.add_count, ODD_COUNT);
    assert_int_equal(one.checkpoint_version, -1);
    assert_same(&two, &before);
}

static void test_old_tombstones_leave(void **state)
{
    (void)state;
    DeltaSnapshot before = write_table();
    OK(delta_checkpoint_write(arena, table, &before, 1000));
    assert_int_equal(load(-1).remove_count, 1);
    OK(delta_checkpoint_write(arena, table, &before, 1001));
    assert_int_equal(load(-1).remove_count, 0);
}

#define CHECKPOINT_2 "00000000000000000002.checkpoint"

static bool exists(const char *path)
{
    bool there = false;
    OsStat stat;
    OK(os_stat_if(path, &there, &stat));
    return there;
}

static void test_the_hint(void **state)
{
    (void)state;
    char sha256[SHA256_HEX + 1];
    int64_t size = 0;
    DeltaSnapshot before = write_table();
    OK(delta_checkpoint_write(arena, table, &before, 0));
    OK(os_sha256_file(log_file(CHECKPOINT_2 ".parquet"), &size, sha256));
    assert_string_equal(
        content(log_file("_last_checkpoint")),
        arena_printf(arena,
                     "{\"version\":2,\"size\":7,\"sizeInBytes\":%" PRId64 ",\"numOfAddFiles\":3,"
                     "\"tags\":{\"pond.entriesKept\":\"true\",\"pond.sha256\":\"%s\"}}",
                     size, sha256));
}

static void test_two_checkpoints_are_kept(void **state)
{
    (void)state;
    DeltaSnapshot snapshot = write_table();
    for (int64_t version = 2; version < 7; version++) {
        if (version > 2) put_entry(version, ADD("a"));
        snapshot = load(-1);
        OK(delta_checkpoint_write(arena, table, &snapshot, 0));
        OK(delta_checkpoint_write(arena, table, &snapshot, 1)); /* again: nothing more leaves */
        for (int64_t old = 2; old <= version; old++)
            assert_int_equal(exists(delta_checkpoint_path(arena, table, old)), old >= version - 1);
    }
    for (int64_t version = 0; version < 7; version++)
        assert_int_equal(load(version).version, version);
}

/* With our hint nothing is listed; without it a listing finds the same. */
static void test_opening_lists_nothing(void **state)
{
    (void)state;
    DeltaSnapshot before = write_table();
    OK(delta_checkpoint_write(arena, table, &before, 0));
    put_entry(3, ADD("new"));
    uint64_t lists = os_count(OS_OURS, OS_LOG, OS_LIST).calls,
             opens = perf_read(PERF_log_entry_open);
    DeltaSnapshot hinted = load(-1);
    assert_int_equal(os_count(OS_OURS, OS_LOG, OS_LIST).calls, lists);
    assert_int_equal(perf_read(PERF_log_entry_open) - opens, 1);
    OK(os_unlink(log_file("_last_checkpoint")));
    DeltaSnapshot listed = load(-1);
    assert_int_equal(os_count(OS_OURS, OS_LOG, OS_LIST).calls, lists + 1);
    assert_same(&hinted, &listed);
    assert_int_equal(listed.checkpoint_version, 2);
}

static void test_a_hole_above_the_checkpoint(void **state)
{
    (void)state;
    DeltaSnapshot before = write_table(), snapshot = {0};
    OK(delta_checkpoint_write(arena, table, &before, 0));
    put_entry(4, ADD("beyond"));
    FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT, "log entry 3 is missing");
    OK(os_unlink(log_file("_last_checkpoint")));
    FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT, "log entry 3 is missing");
}

static void test_entries_below_the_checkpoint_may_be_gone(void **state)
{
    (void)state;
    DeltaSnapshot before = write_table(), snapshot = {0};
    OK(delta_checkpoint_write(arena, table, &before, 0));
    for (int64_t version = 0; version < 3; version++)
        OK(os_unlink(delta_entry_path(arena, table, version)));
    DeltaSnapshot after = load(-1);
    assert_same(&before, &after);
    FAILS(delta_snapshot_load(arena, table, 1, &snapshot), NOT_FOUND,
          "the log begins at version 2");
}

static void test_refused_checkpoints(void **state)
{
    (void)state;
    DeltaSnapshot snapshot = write_table();
    const char *columns[] = {"p"};
    snapshot.metadata.partition_columns = columns;
    snapshot.metadata.partition_column_count = 1;
    FAILS(delta_checkpoint_write(arena, table, &snapshot, 0), UNSUPPORTED, "partitioned");
    snapshot.metadata.partition_column_count = 0;
    snapshot.adds[0].deletion_vector = "{}";
    FAILS(delta_checkpoint_write(arena, table, &snapshot, 0), UNSUPPORTED, "deletion vectors");
    snapshot.protocol.writer = 7;
    FAILS(delta_checkpoint_write(arena, table, &snapshot, 0), UNSUPPORTED, "writer version 7");
}

/* ---- damaged ones ---- */

static void test_damage_is_named(void **state)
{
    (void)state;
    DeltaSnapshot before = write_table(), snapshot = {0};
    OK(delta_checkpoint_write(arena, table, &before, 0));
    const char *path = log_file("00000000000000000002.checkpoint.parquet");
    char *bytes = NULL;
    size_t size = 0;
    OK(os_read_file(arena, path, 1 << 20, &bytes, &size));
    put_file(path, "not Parquet");
    FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT,
          "00000000000000000002.checkpoint.parquet");
    OK(os_replace_file(path, bytes, size / 2));
    FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT,
          "00000000000000000002.checkpoint.parquet");
    put_file(path, "");
    FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT,
          "00000000000000000002.checkpoint.parquet");
    assert_int_equal(load(1).version, 1); /* below it all is well */
    OK(os_unlink(path));
    snapshot = load(-1); /* the hint points at nothing: the entries are whole */
    assert_same(&before, &snapshot);
}

/* Whatever byte is changed: the engine may not notice, the hash does. */
static void test_every_changed_byte_is_noticed(void **state)
{
    (void)state;
    DeltaSnapshot before = write_table(), snapshot = {0};
    OK(delta_checkpoint_write(arena, table, &before, 0));
    const char *path = log_file(CHECKPOINT_2 ".parquet");
    char *bytes = NULL;
    size_t size = 0;
    OK(os_read_file(arena, path, 1 << 20, &bytes, &size));
    for (size_t i = 0; i < 100; i++) {
        size_t at = size * i / 100;
        bytes[at] = (char)(bytes[at] ^ (1 << (i % 8)));
        OK(os_replace_file(path, bytes, size));
        FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT, "does not match its hash");
        bytes[at] = (char)(bytes[at] ^ (1 << (i % 8)));
    }
}

static void run_sql(const char *sql)
{
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    OK(engine_connect(&conn));
    OK(engine_exec(conn, sql));
}

#define PROTOCOL_SQL "SELECT {minReaderVersion: 1, minWriterVersion: 2} AS protocol"
#define METADATA_SQL "SELECT {id: 'm-2', schemaString: '{}'} AS \"metaData\""
#define ADD_SQL(path) "SELECT {path: '" path "', size: 3} AS \"add\""

static void put_checkpoint(const char *name, const char *select)
{
    run_sql(arena_printf(arena, "COPY (%s) TO '%s' (FORMAT parquet)", select, log_file(name)));
}

static void test_checkpoints_without_protocol_or_metadata(void **state)
{
    (void)state;
    DeltaSnapshot snapshot = {0};
    put_checkpoint(CHECKPOINT_2 ".parquet", METADATA_SQL " UNION ALL BY NAME " ADD_SQL("a"));
    FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT, "no protocol");
    put_checkpoint(CHECKPOINT_2 ".parquet", PROTOCOL_SQL " UNION ALL BY NAME " ADD_SQL("a"));
    FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT, "no metaData");
    put_checkpoint(CHECKPOINT_2 ".parquet", "SELECT 1 AS x");
    FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT, "holds no actions");
    put_checkpoint(CHECKPOINT_2 ".parquet",
                   PROTOCOL_SQL " UNION ALL BY NAME " METADATA_SQL
                                " UNION ALL BY NAME SELECT {path: 'a'} AS \"add\"");
    FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT, "no integer \"size\"");
}

/* ---- the other kinds ---- */

static void test_parts_count_only_when_all_are_there(void **state)
{
    (void)state;
    put_entry(0, PROTOCOL METADATA);
    put_entry(1, ADD("old"));
    put_entry(2, ADD("two"));
    put_checkpoint(CHECKPOINT_2 ".0000000001.0000000003.parquet",
                   PROTOCOL_SQL " UNION ALL BY NAME " METADATA_SQL);
    put_checkpoint(CHECKPOINT_2 ".0000000003.0000000003.parquet", ADD_SQL("part3"));
    put_checkpoint(CHECKPOINT_2 ".0000000001.0000000002.parquet",
                   PROTOCOL_SQL); /* of another set, in between */
    DeltaSnapshot snapshot = load(-1);
    assert_int_equal(snapshot.checkpoint_version, -1);
    assert_string_equal(live(&snapshot), "old,two");
    put_checkpoint(CHECKPOINT_2 ".0000000002.0000000003.parquet", ADD_SQL("part2"));
    snapshot = load(-1);
    assert_int_equal(snapshot.checkpoint_version, 2);
    assert_string_equal(live(&snapshot), "part2,part3");
    put_checkpoint(CHECKPOINT_2 ".parquet", PROTOCOL_SQL " UNION ALL BY NAME " METADATA_SQL
                                                         " UNION ALL BY NAME " ADD_SQL("classic"));
    snapshot = load(-1); /* one file wins over parts */
    assert_string_equal(live(&snapshot), "classic");
}

#define UUID_NAME CHECKPOINT_2 ".80a083e8-7026-4e79-81be-64bd76c43a11"
#define SIDECAR "00000000000000000002.0000000001.a.parquet"

static void test_v2_checkpoints(void **state)
{
    (void)state;
    DeltaSnapshot snapshot = {0};
    OK(os_mkdirs(log_file("_sidecars")));
    put_file(log_file(UUID_NAME ".json"),
             "{\"checkpointMetadata\":{\"version\":2}}\n" PROTOCOL METADATA ADD(
                 "inline") "{\"sidecar\":{\"path\":\"" SIDECAR
                           "\",\"sizeInBytes\":1,\"modificationTime\":1}}\n");
    FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT, "_sidecars/" SIDECAR);
    put_checkpoint("_sidecars/" SIDECAR, ADD_SQL("x%20y"));
    snapshot = load(-1);
    assert_string_equal(live(&snapshot), "inline,x y");
    OK(os_unlink(log_file(UUID_NAME ".json")));
    put_checkpoint(UUID_NAME ".parquet", PROTOCOL_SQL
                   " UNION ALL BY NAME " METADATA_SQL
                   " UNION ALL BY NAME SELECT {path: 's3://b/t/_delta_log/_sidecars/" SIDECAR
                   "'} AS sidecar");
    snapshot = load(-1);
    assert_string_equal(live(&snapshot), "x y");
    put_file(log_file("_sidecars/" SIDECAR), "junk");
    FAILS(delta_snapshot_load(arena, table, -1, &snapshot), CORRUPT, SIDECAR);
}

/* ---- faults ---- */

static void check_readable(const DeltaSnapshot *before)
{
    DeltaSnapshot after = load(-1);
    assert_same(before, &after);
}

static void sweep_failures(const char *origin, const char *action, int failures_min)
{
    DeltaSnapshot before = write_table();
    int failures = 0;
    for (int nth = 1;; nth++) {
        assert_true(nth < 300);
        OK(os_fault_set(
            arena_printf(arena, "origin=%s,class=log,op=any,nth=%d,do=%s", origin, nth, action)));
        Err *err = delta_checkpoint_write(arena, table, &before, 0);
        bool done = os_fault_seen() < (uint64_t)nth;
        OK(os_fault_set(NULL));
        failures += err != NULL;
        if (done) OK(err);
        if (!done) err_free(err);
        check_readable(&before);
        if (done) break;
    }
    print_message("# %s: %d failures\n", origin, failures);
    assert_true(failures >= failures_min);
}

static void test_every_failing_call_leaves_a_readable_table(void **state)
{
    (void)state;
    sweep_failures("ours", "eio", 9); /* two fsyncs, rename, directory; the hint's six */
}

static void test_every_failing_call_of_the_engine_leaves_a_readable_table(void **state)
{
    (void)state;
    sweep_failures("engine", "eio", 2); /* create, write */
}

static void crash_child(const char *plan, const DeltaSnapshot *before)
{
    (void)signal(SIGSEGV, SIG_DFL);
    err_free(os_fault_set(plan));
    Err *err = delta_checkpoint_write(arena, table, before, 0);
    one_more_call();
    _exit(err == NULL ? 0 : 3);
}

static void test_every_crash_leaves_a_readable_table(void **state)
{
    (void)state;
    DeltaSnapshot before = write_table();
    int crashes = 0;
    engine_shutdown(); /* the child loads its own */
    (void)fflush(NULL);
    for (int nth = 1;; nth++) {
        int status = 0;
        assert_true(nth < 300);
        const char *plan = arena_printf(arena, "origin=any,class=log,op=any,nth=%d,do=lose", nth);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) crash_child(plan, &before);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        OsStat stat;
        bool exists = false;
        OK(os_stat_if(log_file("_last_checkpoint"), &exists, &stat));
        if (exists) { /* then the checkpoint it names is whole */
            pid_t reader = fork();
            if (reader == 0) {
                DeltaSnapshot after = {0};
                Err *err = delta_snapshot_load(arena, table, -1, &after);
                _exit(err == NULL && after.checkpoint_version == 2 &&
                              after.add_count == before.add_count
                          ? 0
                          : 1);
            }
            int read_status = 0;
            assert_int_equal(waitpid(reader, &read_status, 0), reader);
            assert_int_equal(read_status, 0);
        }
        if (WEXITSTATUS(status) != 137) {
            assert_int_equal(WEXITSTATUS(status), 0);
            break;
        }
        crashes++;
        OK(os_unlink_if(log_file("_last_checkpoint")));
        OK(os_unlink_if(log_file("00000000000000000002.checkpoint.parquet")));
    }
    assert_true(crashes > 6);
    check_readable(&before);
}

/* ---- readers beside a writer ---- */

enum { READERS = 2, CHECKPOINTS = 30 };

/* Loads until the table has ended its life; exits with 0 when no load failed and none went back. */
static void reader(void)
{
    (void)signal(SIGSEGV, SIG_DFL);
    for (int64_t newest = 0; newest < 2 + CHECKPOINTS;) {
        SCRATCH(scratch);
        DeltaSnapshot snapshot = {0};
        Err *err = delta_snapshot_load(scratch, table, -1, &snapshot);
        if (err != NULL) (void)fprintf(stderr, "reader: %s\n", err_message(err));
        if (err != NULL || snapshot.version < newest) _exit(1);
        newest = snapshot.version;
    }
    _exit(0);
}

static void test_readers_beside_a_writer(void **state)
{
    (void)state;
    pid_t readers[READERS];
    (void)write_table();
    engine_shutdown(); /* the children load their own */
    (void)fflush(NULL);
    for (int i = 0; i < READERS; i++) {
        readers[i] = fork();
        if (readers[i] == 0) reader();
    }
    for (int64_t version = 3; version < 3 + CHECKPOINTS; version++) {
        DeltaSnapshot snapshot = load(-1);
        OK(delta_checkpoint_write(arena, table, &snapshot, 0));
        OK(delta_checkpoint_write(arena, table, &snapshot,
                                  version % 2)); /* replaced under their eyes */
        put_entry(version, ADD("a"));
    }
    for (int i = 0; i < READERS; i++) {
        int status = 0;
        assert_int_equal(waitpid(readers[i], &status, 0), readers[i]);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_crash_leaves_a_readable_table), /* first: before this process has an engine
                                                         */
        TEST(test_readers_beside_a_writer),
        TEST(test_a_checkpoint_reads_back),
        TEST(test_older_versions_stay_readable),
        TEST(test_old_tombstones_leave),
        TEST(test_the_hint),
        TEST(test_two_checkpoints_are_kept),
        TEST(test_opening_lists_nothing),
        TEST(test_a_hole_above_the_checkpoint),
        TEST(test_entries_below_the_checkpoint_may_be_gone),
        TEST(test_refused_checkpoints),
        TEST(test_damage_is_named),
        TEST(test_every_changed_byte_is_noticed),
        TEST(test_checkpoints_without_protocol_or_metadata),
        TEST(test_parts_count_only_when_all_are_there),
        TEST(test_v2_checkpoints),
        TEST(test_every_failing_call_leaves_a_readable_table),
        TEST(test_every_failing_call_of_the_engine_leaves_a_readable_table),
    };
    return RUN("delta checkpoint", tests);
}
