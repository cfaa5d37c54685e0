/* The run history: what is appended is read, by several processes at once, within its bound, and
 * damage costs the damaged line only. */
#include "report_test.h"
#include <sys/stat.h>
#include <time.h>

static Run a_run(int number)
{
    static RunOp ops[2];
    static PerfHist hist;
    hist =
        (PerfHist){.count = 3, .sum_ns = 3000, .min_ns = 512, .max_ns = 2048, .ns_per_tick = 0.5};
    hist.buckets[320] = 2; /* 1024 ticks */
    hist.buckets[384] = 1; /* 4096 */
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
                 .toggles_off = "dir_memo",
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

static RunCache a_cache(uint64_t hits, uint64_t misses)
{
    RunCache cache = {.name = "relation",
                      .layer = "provider",
                      .text = "trees",
                      .asked = hits + misses,
                      .hits = hits,
                      .misses = misses,
                      .fetches = misses,
                      .evictions = 2,
                      .ghost_hits = 1,
                      .held_bytes = (int64_t)(1000 * hits),
                      .access = ANEW(arena, PerfHist)};
    *cache.access =
        (PerfHist){.count = 1, .sum_ns = 1000, .min_ns = 1000, .max_ns = 1000, .ns_per_tick = 0.5};
    cache.access->buckets[350] = 1;
    if (misses > 0) cache.load = ANEW(arena, PerfHist);
    if (misses > 0) {
        *cache.load = (PerfHist){.count = misses,
                                 .sum_ns = 5000.0 * (double)misses,
                                 .min_ns = 5000,
                                 .max_ns = 5000,
                                 .ns_per_tick = 0.5};
        cache.load->buckets[425] = misses;
    }
    run_cache_times(&cache);
    run_cache_saved(&cache);
    return cache;
}

/* A fetch takes 5 us, an access 1: 3 hits save 12 us. A run without a fetch takes the price of the
 * newest that has one. */
static void test_caches(void **state)
{
    (void)state;
    Run runs[2] = {a_run(1), a_run(2)}, sum;
    RunCache caches[2] = {a_cache(3, 2), a_cache(4, 0)};
    for (int i = 0; i < 2; i++) {
        runs[i].caches = &caches[i];
        runs[i].cache_count = 1;
        OK(history_append(dir, &runs[i]));
    }
    History history = read_all(true);
    RunCache *first = history.runs[0].caches, *second = history.runs[1].caches;
    assert_int_equal(first->asked, 5);
    assert_int_equal(first->fetches, 2);
    assert_int_equal(first->evictions, 2);
    assert_int_equal(first->ghost_hits, 1);
    assert_int_equal(first->held_bytes, 3000);
    assert_true(first->access_us == 1 && first->load_us == 5 && first->load_p99_us == 5);
    assert_true(first->saved_ms == 0.012);
    assert_int_equal(first->load->buckets[425], 2);
    assert_true(second->load_us == 0 && second->saved_ms == 0);
    run_caches_price(&history.runs[1], history.runs, history.count);
    assert_true(second->load_us == 5 && second->saved_ms == 0.016);
    run_merge(arena, history.runs, 2, &sum);
    assert_int_equal(sum.cache_count, 1);
    assert_int_equal(sum.caches[0].hits, 7);
    assert_int_equal(sum.caches[0].misses, 2);
    assert_int_equal(sum.caches[0].evictions, 4);
    assert_int_equal(sum.caches[0].held_bytes, 4000);
    assert_int_equal(sum.caches[0].access->count, 2);
    assert_true(sum.caches[0].saved_ms == 0.028);
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

/* Whatever numbers and texts: they come back as they were, those that were not measured, too. */
static void test_all_kinds(void **state)
{
    (void)state;
    RunIo io = {"engine", "no such class", "read", UINT64_MAX, 1};
    RunFile files[2] = {{.path = "/a/\n\xC3\xA4", .class = "blob", .opens = 1, .size_bytes = -1},
                        {.path = "", .class = "", .size_bytes = 0, .total_ms = 0.1}};
    RunCache cache = {.name = "c", .layer = "plan", .text = "t", .load_us = 1e-300};
    Run run = a_run(7);
    run.duration_us = -1;
    run.status = -1;
    run.begun = -5;
    run.peak_bytes = INT64_MAX;
    run.io = &io;
    run.files = files;
    run.file_count = 2;
    run.caches = &cache;
    run.io_count = run.cache_count = 1;
    OK(history_append(dir, &run));
    const Run *got = &read_all(true).runs[0];
    assert_int_equal(got->duration_us, -1);
    assert_int_equal(got->status, -1);
    assert_int_equal(got->begun, -5);
    assert_int_equal(got->peak_bytes, INT64_MAX);
    assert_string_equal(got->io[0].origin, "engine");
    assert_string_equal(got->io[0].class, "no such class");
    assert_true(got->io[0].calls == UINT64_MAX);
    assert_int_equal(got->file_count, 2);
    assert_string_equal(got->files[0].path, "/a/\n\xC3\xA4");
    assert_int_equal(got->files[0].size_bytes, -1);
    assert_int_equal(got->files[1].size_bytes, 0);
    assert_true(got->files[1].total_ms == 0.1);
    assert_true(got->caches[0].load_us == 1e-300);
    assert_int_equal(got->ops[0].hist->max_ns, 2048);
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

/* The name of the only file in the history's folder. */
static const char *only_file(void)
{
    OsEntry *entries;
    size_t count;
    OK(os_list(arena, in_history(""), &entries, &count));
    assert_int_equal(count, 1);
    return arena_strdup(arena, entries[0].name);
}

/* Half a record of a writer that was killed: the next is whole, the file goes aside once. */
static void test_torn_record(void **state)
{
    (void)state;
    size_t size;
    append_runs(1, 2);
    const char *name = only_file();
    const char *bytes = read_file(in_history(name), &size);
    put_file(in_history(name), bytes + size - 40, 20, O_APPEND);
    append_runs(3, 4);
    History history = read_all(false); /* told, not touched */
    assert_int_equal(history.count, 4);
    assert_int_equal(history.damaged, 1);
    assert_int_equal(history.set_aside_count, 1);
    assert_string_equal(history.set_aside[0], name);
    assert_int_equal(access(in_history(name), F_OK), 0);
    assert_int_equal(read_all(true).set_aside_count, 1);
    assert_int_equal(access(in_history(arena_printf(arena, "%s.damaged", name)), F_OK), 0);
    append_runs(5, 5);
    assert_int_equal(access(in_history(name), F_OK), 0);
    history = read_all(true); /* still read, no longer told */
    assert_int_equal(history.count, 5);
    assert_int_equal(history.set_aside_count, 0);
}

/* What is left of the three runs is as it was appended. In place: a file that is cut to nothing and
 * written anew is taken to the disk by some file systems, each time. */
static History read_changed(const char *path, const char *bytes, size_t size)
{
    put_file(path, bytes, size, 0);
    assert_int_equal(truncate(path, (off_t)size), 0);
    History history = read_all(false);
    assert_true(history.count <= 3);
    for (size_t r = 0; r < history.count; r++) {
        const Run *run = &history.runs[r];
        uint64_t number = strtoull(run->id, NULL, 16);
        assert_int_equal(run_op(run, "export_row")->count, number);
        assert_int_equal(run->duration_us, 1000 + number);
        assert_int_equal(run_op(run, "dir_read")->hist->buckets[384], 1);
    }
    return history;
}

/* Any byte of the file changed: at most one run less, never one that differs, and always told. */
static void test_every_byte_flipped(void **state)
{
    (void)state;
    size_t size;
    append_runs(1, 3);
    const char *path = in_history(only_file()), *bytes = read_file(path, &size);
    for (size_t i = 0; i < size; i++) {
        SCRATCH(scratch);
        Arena *outer = arena;
        arena = scratch;
        char *changed = arena_memdup(scratch, bytes, size);
        changed[i] ^= (char)(1 << (i % 8));
        History history = read_changed(path, changed, size);
        assert_true(history.count >= 2);
        assert_int_equal(history.damaged, 1);
        assert_int_equal(history.set_aside_count, 1);
        arena = outer;
    }
}

/* Cut anywhere: what stood before is there; only at the end of a record nothing is amiss. */
static void test_every_length(void **state)
{
    (void)state;
    size_t size;
    append_runs(1, 3);
    const char *path = in_history(only_file()), *bytes = read_file(path, &size);
    size_t whole = 0, last = 0;
    for (size_t length = 0; length < size; length++) {
        SCRATCH(scratch);
        Arena *outer = arena;
        arena = scratch;
        History history = read_changed(path, bytes, length);
        assert_true(history.count >= last);
        last = history.count;
        whole += history.damaged == 0;
        arena = outer;
    }
    assert_int_equal(last, 2);
    assert_int_equal(whole, 4); /* nothing, the form, one run, two runs */
}

static void test_rubbish(void **state)
{
    (void)state;
    srand48(1);
    append_runs(1, 1);
    const char *path = in_history(only_file());
    char bytes[4096];
    for (int round = 0; round < 200; round++) {
        SCRATCH(scratch);
        Arena *outer = arena;
        arena = scratch;
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)lrand48();
        for (size_t i = 0; round % 2 == 1 && i + 4 < sizeof bytes; i += 16)
            memcpy(bytes + i, "\xF5RUN\x20\0\0", 8); /* many that may be frames */
        History history = read_changed(path, bytes, sizeof bytes);
        assert_int_equal(history.count, 0);
        assert_true(history.damaged >= 1);
        arena = outer;
    }
}

/* Lines of text, as they were once: old, not damaged; nothing of them is read or told. */
static void test_older_form(void **state)
{
    (void)state;
    append_runs(1, 1);
    put_file(in_history("runs-000001"), "\n0123456789abcdef {\"pond\":1}\n", 29, 0);
    History history = read_all(true);
    assert_int_equal(history.count, 1);
    assert_int_equal(history.damaged, 0);
    assert_int_equal(history.set_aside_count, 0);
}

/* ---- forms: what another build wrote ---- */

/* A form in which a list, fields and words are ours, others', or in another order. */
static void test_other_form(void **state)
{
    (void)state;
    Buf form = buf_new(arena), record = buf_new(arena);
    Run run;
    wire_put_uint(&form, 3);
    wire_put_text(&form, "later");
    wire_put_uint(&form, 1);
    wire_put_text(&form, "x");
    wire_put_uint(&form, FIELD_REAL);
    wire_put_text(&form, "ops");
    wire_put_uint(&form, 3);
    wire_put_text(&form, "count");
    wire_put_uint(&form, FIELD_UINT);
    wire_put_text(&form, "colour"); /* not known here */
    wire_put_uint(&form, FIELD_WORD);
    wire_put_text(&form, "name");
    wire_put_uint(&form, FIELD_WORD);
    wire_put_text(&form, "");
    wire_put_uint(&form, 2);
    wire_put_text(&form, "status");
    wire_put_uint(&form, FIELD_TEXT); /* here a number */
    wire_put_text(&form, "pid");
    wire_put_uint(&form, FIELD_INT);
    wire_put_uint(&form, 1);
    wire_put_text(&form, "scan");
    wire_put_uint(&record, 1); /* later: two items */
    wire_put_uint(&record, 2);
    wire_put_uint(&record, 1);
    wire_put_real(&record, 1.5);
    wire_put_uint(&record, 0);
    wire_put_uint(&record, 0);
    wire_put_uint(&record, 2); /* ops: one */
    wire_put_uint(&record, 1);
    wire_put_uint(&record, 1);
    wire_put_uint(&record, 300);
    wire_put_uint(&record, 2);
    wire_put_uint(&record, 0);
    wire_put_text(&record, "red");
    wire_put_uint(&record, 3);
    wire_put_uint(&record, 1);
    wire_put_uint(&record, 0);
    wire_put_uint(&record, 3); /* the run */
    wire_put_uint(&record, 1);
    wire_put_uint(&record, 1);
    wire_put_text(&record, "done");
    wire_put_uint(&record, 2);
    wire_put_int(&record, -3);
    wire_put_uint(&record, 0);
    wire_put_uint(&record, 0);
    const RecordForm *read = record_form_get(arena, form.data, form.size);
    assert_non_null(read);
    assert_true(record_get(arena, read, record.data, record.size, &run));
    assert_int_equal(run.op_count, 1);
    assert_string_equal(run.ops[0].name, "scan");
    assert_int_equal(run.ops[0].count, 300);
    assert_int_equal(run.ops[0].keys_sampled_1_in, 1);
    assert_int_equal(run.pid, -3);
    assert_int_equal(run.duration_us, -1); /* as when it was not measured */
    assert_string_equal(run.command, "");
    for (size_t size = 0; size < record.size; size++)
        assert_false(record_get(arena, read, record.data, size, &run));
    for (size_t size = 0; size < form.size; size++)
        assert_null(record_form_get(arena, form.data, size));
}

static void test_no_files_of_ours(void **state)
{
    (void)state;
    append_runs(1, 1);
    put_file(in_history("runs-1"), "x", 1, O_TRUNC);
    put_file(in_history("runs-0123456789abcdef-1"), "x", 1, O_TRUNC);
    put_file(in_history("notes.txt"), "x", 1, O_TRUNC);
    assert_int_equal(mkdirat(AT_FDCWD, in_history("runs-0123456789abcdef"), 0755), 0);
    assert_int_equal(read_all(true).count, 1);
    assert_int_equal(access(in_history("notes.txt"), F_OK), 0);
}

/* ---- bounds and processes ---- */

/* What a killed process has left is gone with the next file of the history; what another may still
 * be writing, and what only looks like it, stays. */
static void test_leftovers_are_swept(void **state)
{
    static const char *const NAMES[] = {
        ".model.0123456789abcdef.tmp", ".ranges.0123456789abcdef.tmp",
        ".model.fedcba9876543210.tmp", ".mine.0123456789abcdef.tmp"};
    static const bool IS_OLD[] = {true, true, false, true}, STAYS[] = {false, false, true, true};
    const int64_t two_hours_ago = time(NULL) - 7200;
    (void)state;
    OK(report_replace(dir, REPORT_MODEL, "m", 1));
    for (int i = 0; i < 4; i++) {
        struct timespec old[2] = {{.tv_sec = two_hours_ago}, {.tv_sec = two_hours_ago}};
        OK(os_replace_file(in_history(NAMES[i]), "x", 1));
        if (IS_OLD[i]) assert_int_equal(utimensat(AT_FDCWD, in_history(NAMES[i]), old, 0), 0);
    }
    Run run = a_run(1);
    OK(history_append(dir, &run));
    for (int i = 0; i < 4; i++) assert_int_equal(access(in_history(NAMES[i]), F_OK) == 0, STAYS[i]);
    assert_int_equal(access(in_history(REPORT_MODEL), F_OK), 0);
}

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

enum { WRITERS = 4, RUNS_EACH = 150, LONG_RUNS_EACH = 12 };

static void write_at_once(int each, const char *command)
{
    pid_t children[WRITERS];
    for (int w = 0; w < WRITERS; w++) {
        children[w] = fork();
        if (children[w] != 0) continue;
        for (int i = 0; i < each; i++) {
            Run run = a_run(w * each + i);
            run.command = command;
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
    assert_int_equal(history.count, WRITERS * each);
    for (size_t i = 0; i < history.count; i++)
        assert_int_equal(history.runs[i].begun, 1700000000000000 + (int64_t)i);
}

static void test_writers_at_once(void **state)
{
    (void)state;
    write_at_once(RUNS_EACH, "pond list");
}

/* Files fill and are closed by whoever comes first: nothing is lost, whatever the others do. */
static void test_writers_fill_files(void **state)
{
    (void)state;
    enum { COMMAND_BYTES = 40000 }; /* in all 1.9 MB: 4 files or a few more */
    char *command = arena_alloc(arena, COMMAND_BYTES + 1);
    OsEntry *entries;
    size_t count;
    memset(command, 'x', COMMAND_BYTES);
    write_at_once(LONG_RUNS_EACH, command);
    OK(os_list(arena, in_history(""), &entries, &count));
    assert_in_range(count, 3, 16);
}

/* Whatever the command line and the names of files and targets, there is a record. */
static void test_long_texts_are_cut(void **state)
{
    (void)state;
    enum { LONG = 300001, FILES = 70, NAME = 4000 };
    char *text = arena_alloc(arena, LONG + 1), *name = arena_alloc(arena, NAME + 1);
    RunFile files[FILES];
    RunTarget target = {.target = name, .targets = 1};
    Run run = a_run(1);
    text[0] = 'x'; /* the cut falls between the two bytes of a letter */
    for (int i = 1; i < LONG; i += 2) memcpy(text + i, "\xc3\xa9", 2);
    memset(name, 'n', NAME);
    for (int i = 0; i < FILES; i++) files[i] = (RunFile){.path = name, .class = "out", .opens = 1};
    run.command = text;
    OK(history_append(dir, &run));
    run.files = files;
    run.file_count = FILES;
    run.targets = &target;
    run.target_count = 1;
    OK(history_append(dir, &run));
    History history = read_all(true);
    assert_int_equal(history.count, 2);
    assert_int_equal(history.damaged, 0);
    for (size_t i = 0; i < 2; i++) {
        const char *command = history.runs[i].command;
        assert_int_equal(strlen(command), 65535 + 3);
        assert_memory_equal(command, text, 65535);
        assert_string_equal(command + 65535, "…");
        assert_int_equal(history.runs[i].op_count, 2);
    }
    assert_int_equal(history.runs[1].file_count, 0);
    assert_int_equal(history.runs[1].files_left_out, FILES);
    assert_int_equal(history.runs[1].target_count, 0);
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
        TEST(test_round_trip),
        TEST(test_merge_adds_up),
        TEST(test_caches),
        TEST(test_torn_record),
        TEST(test_every_byte_flipped),
        TEST(test_every_length),
        TEST(test_rubbish),
        TEST(test_older_form),
        TEST(test_other_form),
        TEST(test_all_kinds),
        TEST(test_no_files_of_ours),
        TEST(test_bound),
        TEST(test_leftovers_are_swept),
        TEST(test_long_texts_are_cut),
        TEST(test_writers_at_once),
        TEST(test_writers_fill_files),
        TEST(test_not_a_folder),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
