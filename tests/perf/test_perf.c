/* perf: the table of operations, exact sums over threads living and ended, and a trace that
 * survives kill. */
#include "perf/ops.h"
#include "perf/read.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <json-c/json.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_table(void **state)
{
    (void)state;
    for (int i = 0; i < PERF_OP_COUNT; i++) {
        const PerfOpInfo *info = perf_op_info((PerfOp)i);
        assert_int_equal(info->op, i);
        assert_int_equal(perf_op_by_name(info->name), i);
        bool timed = strcmp(info->unit, "time") == 0 || strcmp(info->unit, "fine") == 0;
        assert_int_equal(timed, i < PERF_TIMED_COUNT);
        assert_true(strlen(info->details) > 10);
        assert_non_null(info->name);
        assert_true(strlen(info->text) > 5);
        assert_true(timed || strcmp(info->unit, "count") == 0 || strcmp(info->unit, "rows") == 0 ||
                    strcmp(info->unit, "bytes") == 0);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(info->name, perf_op_info((PerfOp)j)->name);
    }
    assert_string_equal(perf_op_info(PERF_log_commit)->name, "log_commit");
    assert_string_equal(perf_op_info(PERF_log_commit)->layer, "delta");
}

static void test_add_and_read(void **state)
{
    (void)state;
    uint64_t commits = perf_read(PERF_log_commit), merges = perf_read(PERF_merge);
    perf_count(PERF_log_commit);
    perf_add(PERF_log_commit, 41);
    perf_add(PERF_log_commit, 0);
    assert_int_equal(perf_read(PERF_log_commit) - commits, 42);
    assert_int_equal(perf_read(PERF_merge), merges);
}

enum { THREADS = 8, PER_THREAD = 1000000 };

static void *count_many(void *argument)
{
    for (int i = 0; i < PER_THREAD; i++) perf_count(PERF_lookup);
    perf_add(PERF_dir_entry, (uint64_t)(uintptr_t)argument);
    return NULL;
}

static void test_eight_threads_are_exact(void **state)
{
    (void)state;
    uint64_t lookups = perf_read(PERF_lookup), entries = perf_read(PERF_dir_entry);
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, (void *)(i + 1)), 0);
    }
    uint64_t last = lookups;
    for (int i = 0; i < 1000; i++) { /* while they run, a count never decreases */
        uint64_t now = perf_read(PERF_lookup);
        assert_true(now >= last);
        last = now;
    }
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(perf_read(PERF_lookup) - lookups, (uint64_t)THREADS * PER_THREAD);
    assert_int_equal(perf_read(PERF_dir_entry) - entries, 36); /* 1 + ... + 8 */
}

static void *count_once(void *argument)
{
    (void)argument;
    perf_count(PERF_node_get);
    return NULL;
}

/* A thousand short threads reuse blocks: no count is lost, and memory does not grow with them. */
static void test_ended_threads_keep_their_counts(void **state)
{
    (void)state;
    uint64_t before = perf_read(PERF_node_get);
    for (int i = 0; i < 1000; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, count_once, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_int_equal(perf_read(PERF_node_get) - before, 1000);
}

enum { LATE_COUNTS = 100000 };

static pthread_key_t late_key;

static void count_late(void *argument)
{
    (void)argument;
    for (int i = 0; i < LATE_COUNTS; i++) perf_count(PERF_pattern_compile);
}

static void *count_in_destructor(void *argument)
{
    (void)argument;
    perf_count(PERF_pattern_compile);
    (void)pthread_setspecific(late_key, &late_key);
    return NULL;
}

/* Destructors that run after the thread has given its block back, while other threads are taking
 * blocks. */
static void test_counts_in_thread_destructors(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    uint64_t before = perf_read(PERF_pattern_compile);
    assert_int_equal(pthread_key_create(&late_key, count_late), 0);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, count_in_destructor, NULL), 0);
        }
        for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(perf_read(PERF_pattern_compile) - before, 20 * THREADS * (LATE_COUNTS + 1));
}

/* ---- trace ---- */

static char *read_all(int fd, size_t *out_size)
{
    off_t size = lseek(fd, 0, SEEK_END);
    assert_true(size >= 0);
    char *text = calloc(1, (size_t)size + 1);
    assert_int_equal(pread(fd, text, (size_t)size, 0), size);
    *out_size = (size_t)size;
    return text;
}

/* Parses each event line by json-c; returns how many there are. Calls back with the parsed events.
 */
static int check_lines(char *text, void (*on_event)(struct json_object *event))
{
    int events = 0;
    char *rest = text, *line;
    assert_string_equal(strsep(&rest, "\n"), "[");
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0' && strcmp(line, "]") != 0) {
        size_t length = strlen(line);
        if (line[length - 1] == ',') line[length - 1] = '\0';
        struct json_object *event = json_tokener_parse(line);
        assert_non_null(event);
        assert_non_null(json_object_object_get(event, "ts"));
        if (on_event != NULL) on_event(event);
        (void)json_object_put(event);
        events++;
    }
    return events;
}

static void test_trace_off_is_silent(void **state)
{
    (void)state;
    PERF_SPAN(PERF_merge);
    perf_mark("nothing");
}

static const char *const ODD_NAMES[] = {"plain", "quote\" and \\", "line\nbreak\t", "\xc2\xb5S/cm",
                                        "bad \xff\xfe"};
static int odd_index;

static void check_odd(struct json_object *event)
{
    const char *name = json_object_get_string(json_object_object_get(event, "name"));
    if (odd_index < 4) assert_string_equal(name, ODD_NAMES[odd_index]);
    if (odd_index == 4) assert_string_equal(name, "bad ??");
    odd_index++;
}

static void test_trace_closed_is_one_json_array(void **state)
{
    (void)state;
    int fd = memfd_create("trace", 0);
    perf_trace_to(fd);
    for (size_t i = 0; i < 5; i++) perf_mark(ODD_NAMES[i]);
    char longest[1001];
    memset(longest, '"', 1000);
    longest[1000] = '\0';
    perf_mark(longest);
    {
        PERF_SPAN(PERF_merge);
    }
    perf_trace_to(-1);
    perf_mark("after the end");
    size_t size;
    char *text = read_all(fd, &size);
    struct json_object *whole = json_tokener_parse(text);
    assert_true(json_object_is_type(whole, json_type_array));
    assert_int_equal(json_object_array_length(whole), 9);
    (void)json_object_put(whole);
    odd_index = 0;
    assert_int_equal(check_lines(text, check_odd), 9);
    free(text);
    (void)close(fd);
}

static void *trace_many(void *argument)
{
    (void)argument;
    while (getppid() != 1) { /* until killed, or orphaned */
        PERF_SPAN(PERF_merge);
    }
    return NULL;
}

static void test_trace_survives_kill(void **state)
{
    (void)state;
    int fd = memfd_create("trace", 0);
    pid_t child = fork();
    if (child == 0) {
        perf_trace_to(fd);
        for (int i = 0; i < 3; i++) {
            pthread_t thread;
            (void)pthread_create(&thread, NULL, trace_many, NULL);
        }
        (void)trace_many(NULL);
    }
    while (lseek(fd, 0, SEEK_END) < 100000) (void)usleep(500);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    size_t size;
    char *text = read_all(fd, &size);
    char *end = strrchr(text, '\n') + 1; /* the kernel cuts the write of a killed process between */
    assert_true(*end == '\0' || size % 4096 == 0); /* pages, and nowhere else */
    *end = '\0';
    assert_true(check_lines(text, NULL) > 500);
    free(text);
    (void)close(fd);
}

static void test_trace_stops_when_it_cannot_write(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY);
    assert_true(fd >= 0);
    perf_trace_to(fd);
    perf_mark("lost");
    (void)close(fd);
    int other = memfd_create("reused", 0); /* the number again: nothing may be written to it */
    assert_int_equal(other, fd);
    perf_mark("lost");
    assert_int_equal(lseek(other, 0, SEEK_END), 0);
    (void)close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_add_and_read),
        cmocka_unit_test(test_eight_threads_are_exact),
        cmocka_unit_test(test_ended_threads_keep_their_counts),
        cmocka_unit_test(test_counts_in_thread_destructors),
        cmocka_unit_test(test_trace_off_is_silent),
        cmocka_unit_test(test_trace_closed_is_one_json_array),
        cmocka_unit_test(test_trace_survives_kill),
        cmocka_unit_test(test_trace_stops_when_it_cannot_write),
    };
    return cmocka_run_group_tests_name("perf", tests, NULL, NULL);
}
