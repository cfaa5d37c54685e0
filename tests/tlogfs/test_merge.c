/* Merges and checkpoints: which files are taken, that rows stay the same, that no more than 64
 * files live however many commits there were, and that costs are steady. */
#include "perf/ops.h"
#include "tlogfs/soak.h"

/* ---- the plan alone ---- */

/* Commits one file of one transaction a time, merging as the store does every ninth; *most is the
 * largest number of live files at any time, *rewritten counts rows that were rewritten. */
static void simulate(int64_t commits, size_t *most, double *rewritten)
{
    VEC(LogFile) files = {0};
    *most = 0;
    *rewritten = 0;
    for (int64_t txn = 1; txn <= commits; txn++) {
        vec_push(arena, &files, ((LogFile){.first_txn = txn, .last_txn = txn, .rows = 1}));
        if (files.n > *most) *most = files.n;
        if (txn % 9 != 0) continue;
        size_t start = tlog_plan_merge(files.v, files.n);
        files.v[start].last_txn = txn;
        *rewritten += (double)(txn - files.v[start].first_txn + 1);
        files.n = start + 1;
    }
}

static void never_more_than_64(void **state)
{
    (void)state;
    size_t most = 0;
    double rewritten = 0;
    for (int64_t commits = 10; commits <= 10000000; commits *= 10) {
        simulate(commits, &most, &rewritten);
        print_message("# %" PRId64 " commits: at most %zu files, each row rewritten %.2f times\n",
                      commits, most, rewritten / (double)commits);
        assert_true(most <= 64);
        assert_true(rewritten / (double)commits <= 8);
    }
}

/* After pauses, by-hand merges and failures the spans are odd; the bound holds as long as merges
 * happen. */
static void odd_spans(void **state)
{
    (void)state;
    unsigned seed = (unsigned)getpid();
    print_message("# seed %u\n", seed);
    for (int round = 0; round < 20; round++) {
        VEC(LogFile) files = {0};
        int64_t txn = 0;
        for (int step = 0; step < 20000; step++) {
            int added =
                1 + rand_r(&seed) % 18; /* a checkpoint may be early or have failed before */
            for (int i = 0; i < added; i++) {
                txn++;
                vec_push(arena, &files, ((LogFile){.first_txn = txn, .last_txn = txn, .rows = 1}));
            }
            size_t start = tlog_plan_merge(files.v, files.n);
            files.v[start].last_txn = txn;
            files.n = start + 1;
            assert_true(files.n <= 64 - 18);
        }
        for (size_t i = 1; i < files.n; i++)
            assert_int_equal(files.v[i].first_txn, files.v[i - 1].last_txn + 1);
    }
}

/* ---- real files ---- */

/* All rows of the log as text, read by the engine from the files that a fresh snapshot names. */
static char *all_rows(Tlog *tlog)
{
    DeltaSnapshot snapshot;
    OK(delta_snapshot_load(arena, tlog->log_dir, -1, &snapshot));
    const char **paths = AARRAY(arena, const char *, snapshot.add_count);
    for (size_t i = 0; i < snapshot.add_count; i++) {
        paths[i] = path_join(arena, tlog->log_dir, snapshot.adds[i].path);
    }
    Conn *conn = NULL;
    OK(log_source_conn(&tlog->source, &conn));
    char *rows = NULL;
    OK(engine_scalar_text(
        arena, conn,
        arena_printf(arena,
                     "SELECT md5(string_agg(r::VARCHAR, chr(10) ORDER BY txn, seq)) || ' ' || "
                     "count(*) FROM %s r",
                     engine_read_parquet_sql(arena, paths, snapshot.add_count, "")),
        NULL, 0, &rows));
    return rows;
}

static void some_commits(Tlog *tlog, int count)
{
    static int number;
    for (int i = 0; i < count; i++) {
        OK(tlog_begin(tlog));
        Node node = make(tlog, NODE_ROOT, arena_printf(arena, "n%d", ++number), ENTRY_DATA);
        (void)append_text(tlog, node.id, arena_printf(arena, "text %d", number));
        (void)commit(tlog);
    }
}

static void merging_keeps_rows_and_order(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    TlogCheckpoint done;
    for (int round = 0; round < 4; round++) {
        some_commits(tlog, 7);
        char *before = all_rows(tlog);
        const char *root_before = fingerprint(tlog);
        int64_t rows = tlog_info(tlog)->log_files;
        OK(tlog_checkpoint(tlog, round == 3, &done));
        assert_true(done.merged_files >= 2 && done.merged_files <= rows);
        assert_string_equal(all_rows(tlog), before);
        assert_string_equal(fingerprint(tlog), root_before);
        assert_int_equal(tlog_info(tlog)->checkpoint_version, done.log_version);
        check_whole(tlog);
    }
    assert_int_equal(tlog_info(tlog)->log_files, 1); /* the last took all */
    int64_t version = tlog_info(tlog)->log_version;
    OK(tlog_checkpoint(tlog, true, &done)); /* nothing to do: nothing is written */
    assert_int_equal(done.merged_files, 0);
    assert_int_equal(tlog_info(tlog)->log_version, version);
    tlog_close_at(&tlog);
}

static void a_merge_is_no_change_of_data(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    some_commits(tlog, 3);
    TlogCheckpoint done;
    OK(tlog_checkpoint(tlog, false, &done));
    DeltaCommit entry;
    bool exists = false;
    OK(delta_entry_read(arena, tlog->log_dir, done.log_version, &exists, &entry));
    assert_int_equal(entry.add_count, 1);
    assert_int_equal(entry.remove_count, 4);
    assert_false(entry.adds[0].data_change);
    for (size_t i = 0; i < entry.remove_count; i++) {
        assert_false(entry.removes[i].data_change);
        assert_true(entry.removes[i].size_bytes > 0);
    }
    DeltaSnapshot old; /* versions before it still read: the files are there */
    OK(delta_snapshot_load(arena, tlog->log_dir, 2, &old));
    assert_int_equal(old.add_count, 3);
    for (size_t i = 0; i < old.add_count; i++) {
        assert_true(exists_file(path_join(arena, tlog->log_dir, old.adds[i].path)));
    }
    tlog_close_at(&tlog);
}

static void a_merge_reads_only_its_files(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    TlogCheckpoint done;
    for (int i = 0; i < 5; i++) {
        some_commits(tlog, 9);
        uint64_t rows = perf_read(PERF_merge_row), read = perf_read(PERF_log_row_read);
        uint64_t checkpoints = perf_read(PERF_checkpoint_read);
        OK(tlog_checkpoint(tlog, false, &done));
        assert_int_equal(perf_read(PERF_merge_row) - rows,
                         i == 0 ? 19 : 18); /* two rows a commit; the root */
        assert_int_equal(perf_read(PERF_log_row_read) - read, 0);
        assert_int_equal(perf_read(PERF_checkpoint_read) - checkpoints, 0);
    }
    tlog_close_at(&tlog);
}

/* The soak test, shorter: the clock makes ten minutes a commit, so tombstones are steady after 144.
 */
static void costs_are_steady(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    SoakWindow windows[] = {{.first = 270, .last = 630 - 1}, {.first = 810, .last = 1170 - 1}};
    Soak soak = {
        .commits = 1200, .step_us = 10 * US_PER_MINUTE, .windows = windows, .window_count = 2};
    soak_run(tlog, &soak);
    assert_true(soak.live_max <= 64);
    assert_true(soak.tail_max <= 9);
    print_cost("all", &windows[0].all, windows[0].commits);
    print_cost("all", &windows[1].all, windows[1].commits);
    near("opens", windows[0].all.opens, windows[1].all.opens);
    near("bytes", windows[0].all.bytes, windows[1].all.bytes);
    near("calls", windows[0].all.calls, windows[1].all.calls);
    assert_true(tlog_info(tlog)->tombstones < 400);
    check_whole(tlog);
    tlog_close_at(&tlog);
    check_cold_open();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(never_more_than_64),           TEST(odd_spans),
        TEST(merging_keeps_rows_and_order), TEST(a_merge_is_no_change_of_data),
        TEST(a_merge_reads_only_its_files), TEST(costs_are_steady),
    };
    return RUN("merge", tests);
}
