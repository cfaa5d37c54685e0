/* What survives kill -9: the spans that had ended, those that were open, exactly. */
#include "perf/ops.h"
#include "report_test.h"
#include <pthread.h>

enum { RECORDS = 1024, FEW_RECORDS = 8, MAIN_SPANS = 3000, THREAD_SPANS = 100 };

static void *some_spans(void *unused)
{
    for (int i = 0; i < THREAD_SPANS; i++) {
        PERF_SPAN(PERF_schema_sql);
    }
    return unused;
}

static void live_and_be_killed(size_t records)
{
    pthread_t thread;
    perf_level_set(PERF_SPANS);
    flight_start(dir, "pond victim", records);
    PerfSpan outer;
    perf_begin(&outer, PERF_export_plan);
    for (int i = 0; i < MAIN_SPANS; i++) {
        PERF_SPAN(PERF_dir_read);
    }
    PerfSpan inner;
    perf_begin(&inner, PERF_merge);
    (void)pthread_create(&thread, NULL, some_spans, NULL);
    (void)pthread_join(thread, NULL);
    (void)kill(getpid(), SIGKILL);
    perf_end(&inner);
    perf_end(&outer);
}

static void make_victim(size_t records)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        live_and_be_killed(records);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_killed(void **state)
{
    (void)state;
    Flights found;
    Run run;
    make_victim(RECORDS);
    OK(flight_recover(arena, dir, true, &found));
    assert_int_equal(found.count, 1);
    const Flight *flight = &found.flights[0];
    assert_string_equal(flight->command, "pond victim");
    assert_int_equal(flight->spans.count, RECORDS + THREAD_SPANS);
    assert_int_equal(flight->spans.dropped, MAIN_SPANS - RECORDS);
    assert_int_equal(flight->open_count, 2);
    assert_string_equal(flight->open[0].op, "export_plan");
    assert_string_equal(flight->open[1].op, "merge");
    assert_true(flight->open[0].open_ms >= flight->open[1].open_ms);
    flight_to_run(arena, flight, &run);
    assert_int_equal(run_op(&run, "dir_read")->count, RECORDS);
    assert_int_equal(run_op(&run, "schema_sql")->count, THREAD_SPANS);
    assert_int_equal(run.status, -1);
}

/* The file of a process that lives is left alone, and goes with its end. */
static void test_alive(void **state)
{
    (void)state;
    int ready[2], go[2];
    char byte = 0;
    Flights found;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        perf_level_set(PERF_SPANS);
        flight_start(dir, "pond lives", RECORDS);
        (void)some_spans(NULL);
        if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1) _exit(1);
        flight_end();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    OK(flight_recover(arena, dir, true, &found));
    assert_int_equal(found.count + found.set_aside_count, 0);
    assert_int_equal(write(go[1], &byte, 1), 1);
    assert_int_equal(waitpid(child, NULL, 0), child);
    OsEntry *entries;
    size_t count;
    OK(os_list(arena, in_history(""), &entries, &count));
    assert_int_equal(count, 0);
}

/* Each byte of a small one changed, with all rings that were in use; and every length. */
static void test_every_byte(void **state)
{
    (void)state;
    OsEntry *entries;
    size_t count, size, whole = 0;
    Flight flight;
    make_victim(FEW_RECORDS);
    OK(os_list(arena, in_history(""), &entries, &count));
    const char *bytes = read_file(in_history(entries[0].name), &size);
    assert_true(flight_parse(arena, bytes, size, &flight));
    assert_int_equal(flight.spans.rings, 2);
    size_t used = 8192 + 2 * (perf_ring_bytes(FEW_RECORDS) + 63) / 64 * 64;
    for (size_t i = 0; i < used; i++) {
        SCRATCH(scratch);
        Run run;
        char *changed = arena_memdup(scratch, bytes, size);
        changed[i] ^= (char)(1 << (i % 8));
        if (!flight_parse(scratch, changed, size, &flight)) continue;
        whole++;
        assert_true(flight.spans.count <= 2 * FEW_RECORDS);
        flight_to_run(scratch, &flight, &run);
    }
    assert_true(whole > used / 2); /* names, command, times: no number that must make sense */
    for (size_t length = 0; length < size; length++)
        assert_false(flight_parse(arena, bytes, length, &flight));
}

/* Bytes changed anywhere in header and first ring, and files cut: read or set aside, never worse.
 */
static void test_damaged(void **state)
{
    (void)state;
    OsEntry *entries;
    size_t count, size;
    make_victim(RECORDS);
    OK(os_list(arena, in_history(""), &entries, &count));
    assert_int_equal(count, 1);
    char *path = in_history(entries[0].name), *bytes = read_file(path, &size);
    unsigned seed = 3;
    for (int i = 0; i < 200; i++) {
        SCRATCH(scratch);
        Flights found;
        int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0644);
        char *changed = arena_memdup(scratch, bytes, size);
        size_t keep = i % 10 == 0 ? (size_t)rand_r(&seed) % size : size;
        for (int k = 0; k < 20; k++)
            changed[(size_t)rand_r(&seed) % (i % 2 == 0 ? 256 : 12000)] = (char)rand_r(&seed);
        assert_int_equal(write(fd, changed, keep), (ssize_t)keep);
        (void)close(fd);
        OK(flight_recover(scratch, dir, false, &found));
        assert_int_equal(found.count + found.set_aside_count, 1);
        if (keep < size) assert_int_equal(found.set_aside_count, 1);
    }
    Flights found;
    (void)truncate(path, 100);
    OK(flight_recover(arena, dir, true, &found));
    assert_int_equal(found.set_aside_count, 1);
    assert_int_equal(access(arena_printf(arena, "%s.damaged", path), F_OK), 0);
    OK(flight_recover(arena, dir, true, &found));
    assert_int_equal(found.set_aside_count, 0);
}

/* Nobody looks: not more than eight are kept. */
static void test_bound(void **state)
{
    (void)state;
    OsEntry *entries;
    size_t count;
    for (int i = 0; i < 12; i++) make_victim(RECORDS);
    OK(os_list(arena, in_history(""), &entries, &count));
    assert_true(count <= 9);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {TEST(test_killed), TEST(test_alive), TEST(test_every_byte),
                                       TEST(test_damaged), TEST(test_bound)};
    return cmocka_run_group_tests_name("flight", tests, NULL, NULL);
}
