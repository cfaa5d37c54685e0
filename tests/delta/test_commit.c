/* Writing log entries: their text, that exactly one writer wins a version and nothing is
 * overwritten, what is refused, and that whatever call fails an entry is whole or absent. */
#include "delta_test.h"
#include "perf/ops.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const DeltaProtocol OURS = {.reader = 1, .writer = 2};
static DeltaPair configuration[] = {{"pond.id", "p-1"}, {"odd \"key\"", "a\nb\x01é"}};

static DeltaCommit first_commit(void)
{
    return (DeltaCommit){.info = "{ \"command\":\n \"pond init\", \"big\": 9007199254740993 }",
                         .protocol = OURS,
                         .metadata = {.id = "m-1",
                                      .schema = "{\"type\":\"struct\",\"fields\":[]}",
                                      .configuration = configuration,
                                      .configuration_count = 2,
                                      .created_ms = 7}};
}

static bool commit(int64_t version, const DeltaCommit *commit)
{
    bool won = false;
    OK(delta_commit(arena, table, version, commit, &won));
    return won;
}

static void test_text_of_an_entry(void **state)
{
    (void)state;
    DeltaCommit first = first_commit();
    assert_true(commit(0, &first));
    assert_string_equal(
        content(delta_entry_path(arena, table, 0)),
        "{\"commitInfo\":{\"command\":\"pond init\",\"big\":9007199254740993}}\n"
        "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
        "{\"metaData\":{\"id\":\"m-1\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"
        "\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\",\"partitionColumns\":"
        "[],"
        "\"configuration\":{\"pond.id\":\"p-1\",\"odd "
        "\\\"key\\\"\":\"a\\nb\\u0001é\"},\"createdTime\":7}}\n");
    DeltaAdd adds[] = {{.path = "a b/é%:.parquet",
                        .size_bytes = 1,
                        .modified_ms = 2,
                        .data_change = true,
                        .stats = "{\"numRecords\":3}",
                        .tags = "{\"k\": \"v\"}"}};
    DeltaRemove removes[] = {
        {.path = "old.parquet", .deleted_ms = 4, .size_bytes = 5},
        {.path = "older.parquet", .deleted_ms = 4, .size_bytes = -1, .data_change = true}};
    DeltaTxn txns[] = {{"pond:p-1", 2, 6}};
    DeltaCommit second = {.adds = adds,
                          .removes = removes,
                          .txns = txns,
                          .add_count = 1,
                          .remove_count = 2,
                          .txn_count = 1};
    assert_true(commit(1, &second));
    assert_string_equal(
        content(delta_entry_path(arena, table, 1)),
        "{\"txn\":{\"appId\":\"pond:p-1\",\"version\":2,\"lastUpdated\":6}}\n"
        "{\"remove\":{\"path\":\"old.parquet\",\"deletionTimestamp\":4,\"dataChange\":false,"
        "\"extendedFileMetadata\":true,\"partitionValues\":{},\"size\":5}}\n"
        "{\"remove\":{\"path\":\"older.parquet\",\"deletionTimestamp\":4,\"dataChange\":true}}\n"
        "{\"add\":{\"path\":\"a%20b/%C3%A9%25%3A.parquet\",\"partitionValues\":{},\"size\":1,"
        "\"modificationTime\":2,\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":3}\",\"tags\":{"
        "\"k\":\"v\"}}}\n");
}

static void test_an_entry_reads_back(void **state)
{
    (void)state;
    DeltaCommit first = first_commit(), read = {0};
    DeltaAdd adds[] = {{.path = "x=%2F/a b.parquet",
                        .size_bytes = INT64_MAX,
                        .modified_ms = -1,
                        .data_change = false,
                        .stats = "{\"a\":\"\\\"\\n\"}"}};
    first.adds = adds, first.add_count = 1;
    uint64_t commits = perf_read(PERF_log_commit), opens = perf_read(PERF_log_entry_open),
             probes = perf_read(PERF_log_probe);
    assert_true(commit(0, &first));
    bool exists = false;
    OK(delta_entry_read(arena, table, 0, &exists, &read));
    assert_true(exists);
    assert_string_equal(read.metadata.configuration[1].key, "odd \"key\"");
    assert_string_equal(read.metadata.configuration[1].value, "a\nb\x01é");
    assert_int_equal(read.metadata.created_ms, 7);
    assert_int_equal(read.add_count, 1);
    assert_string_equal(read.adds[0].path, "x=%2F/a b.parquet");
    assert_string_equal(read.adds[0].stats, "{\"a\":\"\\\"\\n\"}");
    assert_true(read.adds[0].size_bytes == INT64_MAX);
    assert_int_equal(read.adds[0].modified_ms, -1);
    assert_false(read.adds[0].data_change);
    assert_null(read.adds[0].partition_values);
    OK(delta_entry_read(arena, table, 1, &exists, &read));
    assert_false(exists);
    OK(delta_entry_probe(arena, table, 0, &exists));
    assert_true(exists);
    OK(delta_entry_probe(arena, table, 1, &exists));
    assert_false(exists);
    assert_int_equal(perf_read(PERF_log_commit) - commits, 1);
    assert_int_equal(perf_read(PERF_log_entry_open) - opens, 1);
    assert_int_equal(perf_read(PERF_log_probe) - probes, 3);
}

static void test_an_entry_is_never_overwritten(void **state)
{
    (void)state;
    DeltaCommit first = first_commit(), second = first_commit();
    second.info = "{\"command\":\"other\"}";
    assert_true(commit(0, &first));
    const char *before = content(delta_entry_path(arena, table, 0));
    uint64_t commits = perf_read(PERF_log_commit);
    assert_false(commit(0, &second));
    assert_string_equal(content(delta_entry_path(arena, table, 0)), before);
    assert_int_equal(perf_read(PERF_log_commit), commits);
    OsEntry *entries = NULL;
    size_t count = 0;
    OK(os_list(arena, delta_log_dir(arena, table), &entries, &count));
    assert_int_equal(count, 1); /* no temporary file is left */
}

static void test_refused_commits(void **state)
{
    (void)state;
    bool won = false;
    DeltaAdd twice[] = {{.path = "a"}, {.path = "a"}}, nameless[] = {{.path = ""}},
             negative[] = {{.path = "a", .size_bytes = -1}};
    DeltaAdd vector[] = {{.path = "a", .deletion_vector = "{}"}},
             bad_tags[] = {{.path = "a", .tags = "{\"a\":"}};
    DeltaRemove same[] = {{.path = "a"}, {.path = "a"}};
    DeltaTxn txns[] = {{"app", 1, 0}, {"app", 2, 0}};
    const struct {
        DeltaCommit commit;
        ErrCode code;
        const char *words;
    } cases[] = {
        {{.adds = twice, .add_count = 2}, ERR_INVALID, "a: added twice"},
        {{.adds = nameless, .add_count = 1}, ERR_INVALID, "no path"},
        {{.adds = negative, .add_count = 1}, ERR_INVALID, "a: a file to add has no size"},
        {{.adds = vector, .add_count = 1}, ERR_UNSUPPORTED, "deletion vectors"},
        {{.adds = bad_tags, .add_count = 1}, ERR_INVALID, "tags"},
        {{.adds = twice, .add_count = 1, .removes = same, .remove_count = 1},
         ERR_INVALID,
         "a: added and removed"},
        {{.removes = same, .remove_count = 2}, ERR_INVALID, "a: removed twice"},
        {{.txns = txns, .txn_count = 2}, ERR_INVALID, "app: two transactions"},
        {{.info = "[1]"}, ERR_INVALID, "commitInfo"},
        {{.info = "{} {}"}, ERR_INVALID, "commitInfo"},
        {{.info = "{}", .protocol = {.reader = 3, .writer = 7}},
         ERR_UNSUPPORTED,
         "writer version 7"},
        {{.metadata = {.id = "m"}}, ERR_INVALID, "no schema"},
        {{.info = NULL}, ERR_INVALID, "without any action"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        fail_with(delta_commit(arena, table, 1, &cases[i].commit, &won), cases[i].code,
                  cases[i].words, cases[i].words, __LINE__);
    DeltaCommit plain = {.info = "{}"};
    FAILS(delta_commit(arena, table, 0, &plain, &won), INVALID, "needs protocol and metadata");
    FAILS(delta_commit(arena, table, -1, &plain, &won), INVALID, "-1");
    OsEntry *entries = NULL;
    size_t count = 0;
    OK(os_list(arena, delta_log_dir(arena, table), &entries, &count));
    assert_int_equal(count, 0);
}

static void test_no_log_directory(void **state)
{
    (void)state;
    bool won = false;
    DeltaCommit plain = {.info = "{}"};
    FAILS(delta_commit(arena, arena_printf(arena, "%s/elsewhere", root), 1, &plain, &won), IO,
          "elsewhere");
}

/* ---- races ---- */

/* A child ends where it fails, instead of going on with the tests that follow. */
static pid_t fork_child(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) (void)signal(SIGSEGV, SIG_DFL);
    return child;
}

enum { RACERS = 8, ROUNDS = 20 };

/* Exits with 1 when it won, 0 when not, 2 when it failed. */
static void racer(int number, int64_t version, int start)
{
    char byte;
    bool won = false;
    DeltaCommit mine = first_commit();
    mine.info = arena_printf(arena, "{\"racer\":%d,\"padding\":\"%0900d\"}", number, number);
    if (read(start, &byte, 1) != 0) _exit(2); /* all at once, when the pipe is closed */
    Err *err = delta_commit(arena, table, version, &mine, &won);
    if (err != NULL) (void)fprintf(stderr, "racer %d: %s\n", number, err_message(err));
    _exit(err != NULL ? 2 : won ? 1 : 0);
}

static int race(int64_t version)
{
    int start[2], status = 0, winner = -1;
    pid_t racers[RACERS];
    assert_int_equal(pipe(start), 0);
    for (int i = 0; i < RACERS; i++) {
        racers[i] = fork_child();
        if (racers[i] == 0) {
            (void)close(start[1]);
            racer(i, version, start[0]);
        }
    }
    (void)close(start[0]);
    (void)close(start[1]);
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(waitpid(racers[i], &status, 0), racers[i]);
        assert_true(WIFEXITED(status));
        assert_int_not_equal(WEXITSTATUS(status), 2);
        if (WEXITSTATUS(status) != 1) continue;
        assert_int_equal(winner, -1);
        winner = i;
    }
    return winner;
}

static void test_exactly_one_of_eight_processes_wins(void **state)
{
    (void)state;
    (void)fflush(NULL);
    for (int64_t version = 0; version < ROUNDS; version++) {
        int winner = race(version);
        assert_int_not_equal(winner, -1);
        DeltaCommit read_back = {0};
        bool exists = false;
        OK(delta_entry_read(arena, table, version, &exists, &read_back));
        assert_true(exists);
        assert_non_null(strstr(read_back.info, arena_printf(arena, "\"racer\":%d,", winner)));
    }
    OsEntry *entries = NULL;
    size_t count = 0;
    OK(os_list(arena, delta_log_dir(arena, table), &entries, &count));
    assert_int_equal(count, ROUNDS);
}

/* ---- faults ---- */

/* The text the entry must have when it is there. */
static const char *whole_entry(const DeltaCommit *of)
{
    Buf text = buf_new(arena);
    OK(delta_commit_text(arena, of, &text));
    return text.data;
}

static void check_absent_or_whole(const DeltaCommit *of, bool must_be_there)
{
    char *text = NULL;
    size_t size = 0;
    OK(os_read_file_if(arena, delta_entry_path(arena, table, 0), 1 << 20, &text, &size));
    if (must_be_there) assert_non_null(text);
    if (text != NULL) assert_string_equal(text, whole_entry(of));
}

static void sweep_failures(const char *action, int failures_min)
{
    DeltaCommit first = first_commit();
    bool done = false;
    int failures = 0;
    for (int nth = 1; !done; nth++) {
        assert_true(nth < 100);
        bool won = false;
        OK(os_unlink_if(delta_entry_path(arena, table, 0)));
        OK(os_fault_set(
            arena_printf(arena, "origin=ours,class=any,op=any,nth=%d,do=%s", nth, action)));
        Err *err = delta_commit(arena, table, 0, &first, &won);
        done = os_fault_seen() < (uint64_t)nth;
        OK(os_fault_set(NULL));
        if (err != NULL) assert_int_equal(err_code(err), ERR_IO);
        check_absent_or_whole(&first, err == NULL);
        failures += err != NULL;
        err_free(err);
    }
    assert_true(failures >= failures_min);
}

static void test_every_failing_call_leaves_an_entry_whole_or_absent(void **state)
{
    (void)state;
    sweep_failures("eio", 5); /* create, write, fsync, link, fsync of the directory */
    sweep_failures("enospc", 4);
    sweep_failures("short", 1);
}

/* Ends by the plan's crash, or with 3. Says so on `told` when the commit has succeeded. */
static void crash_child(const char *plan, const DeltaCommit *first, int told)
{
    bool won = false;
    err_free(os_fault_set(plan));
    Err *err = delta_commit(arena, table, 0, first, &won);
    if (err == NULL && won && write(told, "w", 1) != 1) _exit(4);
    one_more_call();
    _exit(3);
}

/* True when the child had been told that it has won before it crashed; *out_status is how it ended.
 */
static bool run_child(const char *plan, const DeltaCommit *first, int *out_status)
{
    int told[2];
    char byte;
    assert_int_equal(pipe(told), 0);
    (void)fflush(NULL);
    pid_t child = fork_child();
    if (child == 0) crash_child(plan, first, told[1]);
    (void)close(told[1]);
    bool won = read(told[0], &byte, 1) == 1;
    (void)close(told[0]);
    assert_int_equal(waitpid(child, out_status, 0), child);
    assert_true(WIFEXITED(*out_status));
    return won;
}

/* The nth call never happens and what was not synced is lost: the entry is whole or absent, and
 * there when its writer was told so. */
static void sweep_crashes(const char *action)
{
    DeltaCommit first = first_commit();
    int crashes = 0, told = 0;
    for (int nth = 1;; nth++) {
        assert_true(nth < 100);
        int status = 0;
        OK(os_unlink_if(delta_entry_path(arena, table, 0)));
        OK(os_sync_dir(delta_log_dir(arena, table)));
        bool won =
            run_child(arena_printf(arena, "origin=ours,class=any,op=any,nth=%d,do=%s", nth, action),
                      &first, &status);
        check_absent_or_whole(&first, won);
        if (WEXITSTATUS(status) != 137) break;
        crashes++;
        told += won;
    }
    assert_true(crashes >= 7);
    assert_true(told >= 2);
}

static void test_every_crash_leaves_an_entry_whole_or_absent(void **state)
{
    (void)state;
    sweep_crashes("crash");
    sweep_crashes("lose");
    sweep_crashes("tear");
}

static void test_leftovers_of_the_dead_are_found(void **state)
{
    (void)state;
    DeltaCommit first = first_commit();
    int status = 0;
    const char **names = NULL;
    size_t count = 0;
    assert_false(run_child("origin=ours,class=any,op=link,nth=1,do=crash", &first, &status));
    put_file(log_file(".00000000000000000000.json.crc"), "another writer's");
    put_file(log_file("_last_checkpoint"), "{}");
    put_file(log_file("._last_checkpoint.0123456789abcdef.tmp"), "{"); /* of os_replace_file */
    put_file(log_file("._last_checkpoint.0123456789abcdeg.tmp"), "{");
    OK(delta_leftovers(arena, table, INT64_MAX, &names, &count));
    assert_int_equal(count, 2);
    assert_true(text_starts(names[0], "_delta_log/.00000000000000000000."));
    assert_true(text_ends(names[0], ".tmp"));
    assert_string_equal(names[1], "_delta_log/._last_checkpoint.0123456789abcdef.tmp");
    OK(delta_leftovers(arena, table, os_now() / 1000 - 3600 * 1000, &names, &count));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_text_of_an_entry),
        TEST(test_an_entry_reads_back),
        TEST(test_an_entry_is_never_overwritten),
        TEST(test_refused_commits),
        TEST(test_no_log_directory),
        TEST(test_exactly_one_of_eight_processes_wins),
        TEST(test_every_failing_call_leaves_an_entry_whole_or_absent),
        TEST(test_every_crash_leaves_an_entry_whole_or_absent),
        TEST(test_leftovers_of_the_dead_are_found),
    };
    return RUN("delta commit", tests);
}
