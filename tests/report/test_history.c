/* The run history: what is appended is read, by several processes at once, within its bound, and
 * damage costs the damaged line only. */
#include "report_test.h"
#include <sys/stat.h>

static Run a_run(int number)
{
    static RunOp ops[2];
    static PerfHist hist;
    hist =
        (PerfHist){.count = 3, .sum_ns = 3000, .min_ns = 500, .max_ns = 2000, .ns_per_tick = 0.5};
    hist.buckets[320] = 2;
    hist.buckets[384] = 1;
    ops[0] = (RunOp){.name = "dir_read",
                     .layer = "tinyfs",
                     .unit = "time",
                     .count = 3,
                     .keyed = 3,
                     .keys = 2,
                     .most = 2,
                     .per_key = 1.5,
                     .keys_sampled_1_in = 1,
                     .hist = &hist};
    run_op_times(&ops[0]);
    ops[1] = (RunOp){.name = "export_row",
                     .layer = "export",
                     .unit = "rows",
                     .count = (uint64_t)number,
                     .keys_sampled_1_in = 1};
    return (Run){.id = arena_printf(arena, "%016x", number),
                 .command = "pond export 'a b' -d \"out\"",
                 .version = "1",
                 .host = "h",
                 .level = "counts",
                 .begun = 1700000000000000 + number,
                 .duration_us = 1000 + number,
                 .user_us = 7,
                 .system_us = 0,
                 .peak_bytes = 4096,
                 .pid = 12,
                 .status = 0,
                 .ops = ops,
                 .op_count = 2};
}

static History read_all(bool mend)
{
    History history;
    OK(history_read(arena, dir, 0, mend, &history));
    return history;
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_int_equal(read_all(true).count, 0); /* no folder yet */
    for (int i = 1; i <= 3; i++) {
        Run run = a_run(i);
        OK(history_append(dir, &run));
    }
    History history = read_all(true);
    assert_int_equal(history.count, 3);
    assert_int_equal(history.damaged, 0);
    const Run *run = &history.runs[2];
    assert_string_equal(run->id, "0000000000000003");
    assert_string_equal(run->command, "pond export 'a b' -d \"out\"");
    assert_int_equal(run->duration_us, 1003);
    assert_int_equal(run->system_us, 0);
    assert_int_equal(run->op_count, 2);
    const RunOp *op = run_op(run, "dir_read");
    assert_int_equal(op->count, 3);
    assert_int_equal(op->keys, 2);
    assert_true(op->per_key == 1.5);
    assert_true(op->mean_us == 1);
    assert_int_equal(op->hist->buckets[320], 2);
    assert_int_equal(op->hist->buckets[384], 1);
    assert_int_equal(run_op(run, "export_row")->count, 3);
    assert_null(run_op(run, "merge"));
    OK(history_read(arena, dir, 2, true, &history)); /* the last two */
    assert_int_equal(history.count, 2);
    assert_string_equal(history.runs[0].id, "0000000000000002");
}

static void test_merge_adds_up(void **state)
{
    (void)state;
    Run runs[2] = {a_run(10), a_run(20)}, sum;
    runs[1].ops = arena_memdup(arena, runs[0].ops, 2 * sizeof(RunOp));
    runs[0].ops[1].count = 10;
    runs[1].ops[1].count = 20;
    run_merge(arena, runs, 2, &sum);
    assert_int_equal(sum.duration_us, 1010 + 1020);
    assert_int_equal(run_op(&sum, "export_row")->count, 30);
    const RunOp *op = run_op(&sum, "dir_read");
    assert_int_equal(op->count, 6);
    assert_int_equal(op->timed, 6);
    assert_int_equal(op->hist->buckets[320], 4);
    assert_true(op->mean_us == 1);
    assert_true(op->total_ms == runs[0].ops[0].total_ms * 2);
    assert_int_equal(op->keyed, 6);
}

/* ---- damage ---- */

static void put_file(const char *path, const char *bytes, size_t size, int flags)
{
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    (void)close(fd);
}

static void append_runs(int from, int to)
{
    for (int i = from; i <= to; i++) {
        Run run = a_run(i);
        OK(history_append(dir, &run));
    }
}

/* Half a line of a writer that was killed: the next line is whole, the file goes aside once. */
static void test_torn_line(void **state)
{
    (void)state;
    append_runs(1, 2);
    put_file(in_history("runs-000001"), "\n0123456789abcdef {\"pond\":1,\"i", 30, O_APPEND);
    append_runs(3, 4);
    History history = read_all(false); /* told, not touched */
    assert_int_equal(history.count, 4);
    assert_int_equal(history.damaged, 1);
    assert_int_equal(history.set_aside_count, 1);
    assert_string_equal(history.set_aside[0], "runs-000001");
    assert_int_equal(access(in_history("runs-000001"), F_OK), 0);
    assert_int_equal(read_all(true).set_aside_count, 1);
    assert_int_equal(access(in_history("runs-000001.damaged"), F_OK), 0);
    append_runs(5, 5);
    assert_int_equal(access(in_history("runs-000002"), F_OK), 0);
    history = read_all(true); /* still read, no longer told */
    assert_int_equal(history.count, 5);
    assert_int_equal(history.set_aside_count, 0);
}

/* Any byte of the file changed: at most one run less, never one that differs. */
static void test_every_byte_flipped(void **state)
{
    (void)state;
    size_t size;
    append_runs(1, 3);
    char *bytes = read_file(in_history("runs-000001"), &size);
    for (size_t i = 0; i < size; i += 7) {
        SCRATCH(scratch);
        Arena *outer = arena;
        arena = scratch;
        char *changed = arena_memdup(scratch, bytes, size);
        changed[i] ^= 0x10;
        put_file(in_history("runs-000001"), changed, size, O_TRUNC);
        History history = read_all(false);
        assert_true(history.count >= 1 && history.count <= 3);
        for (size_t r = 0; r < history.count; r++) {
            uint64_t number = strtoull(history.runs[r].id, NULL, 16);
            assert_int_equal(run_op(&history.runs[r], "export_row")->count, number);
        }
        assert_true(history.count == 3 || history.damaged >= 1);
        arena = outer;
    }
}

static void test_no_files_of_ours(void **state)
{
    (void)state;
    append_runs(1, 1);
    put_file(in_history("runs-1"), "x", 1, O_TRUNC);
    put_file(in_history("notes.txt"), "x", 1, O_TRUNC);
    assert_int_equal(mkdirat(AT_FDCWD, in_history("runs-000002"), 0755), 0);
    assert_int_equal(read_all(true).count, 1);
    assert_int_equal(access(in_history("notes.txt"), F_OK), 0);
}

/* ---- bounds and processes ---- */

/* Runs of 9 KB without end: 16 files of half a MiB, the oldest gone, the newest all there. */
static void test_bound(void **state)
{
    (void)state;
    char *long_command = arena_alloc(arena, 60001);
    memset(long_command, 'x', 60000);
    for (int i = 1; i <= 400; i++) { /* 24 MB */
        Run run = a_run(i);
        run.command = long_command;
        OK(history_append(dir, &run));
    }
    OsEntry *entries;
    size_t count, total = 0;
    OK(os_list(arena, in_history(""), &entries, &count));
    assert_true(count <= 16);
    for (size_t i = 0; i < count; i++) {
        OsStat stat;
        OK(os_stat(in_history(entries[i].name), &stat));
        total += (size_t)stat.size_bytes;
    }
    assert_true(total < 10 << 20);
    History history = read_all(true);
    assert_int_equal(history.damaged, 0);
    assert_true(history.count > 100);
    assert_string_equal(history.runs[history.count - 1].id, "0000000000000190"); /* 400 */
    for (size_t i = 1; i < history.count; i++)                                   /* no gap */
        assert_int_equal(history.runs[i].begun, history.runs[i - 1].begun + 1);
}

enum { WRITERS = 4, RUNS_EACH = 150 };

static void test_writers_at_once(void **state)
{
    (void)state;
    pid_t children[WRITERS];
    for (int w = 0; w < WRITERS; w++) {
        children[w] = fork();
        if (children[w] != 0) continue;
        for (int i = 0; i < RUNS_EACH; i++) {
            Run run = a_run(w * RUNS_EACH + i);
            Err *err = history_append(dir, &run);
            if (err != NULL) _exit(1);
        }
        _exit(0);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status = -1;
        assert_int_equal(waitpid(children[w], &status, 0), children[w]);
        assert_int_equal(status, 0);
    }
    History history = read_all(true);
    assert_int_equal(history.damaged, 0);
    assert_int_equal(history.count, WRITERS * RUNS_EACH);
    for (size_t i = 0; i < history.count; i++)
        assert_int_equal(history.runs[i].begun, 1700000000000000 + (int64_t)i);
}

/* A folder that cannot be made is an error of the caller's, and nothing else. */
static void test_not_a_folder(void **state)
{
    (void)state;
    Run run = a_run(1);
    put_file(arena_printf(arena, "%s/history", dir), "x", 1, O_TRUNC);
    Err *err = history_append(dir, &run);
    assert_non_null(err);
    err_free(err);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),         TEST(test_merge_adds_up),    TEST(test_torn_line),
        TEST(test_every_byte_flipped), TEST(test_no_files_of_ours), TEST(test_bound),
        TEST(test_writers_at_once),    TEST(test_not_a_folder),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
