/* The table of statements: which are profiled, sums, what has no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "perf/query.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static Arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new();
    perf_level_set(PERF_COUNTS);
    perf_plans_set(PERF_PLANS_AUTO);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static bool run_of(uint64_t shape, const PerfStatement *statement)
{
    PerfAsk ask = perf_query_begin(shape);
    if (ask.is_new) perf_query_text(ask.slot, "SELECT ?");
    (void)perf_query_end(ask.slot, statement);
    return ask.profile;
}

static bool run(uint64_t shape, double us)
{
    return run_of(shape, &(PerfStatement){.self_us = us, .rows = 2, .read_bytes = 3});
}

static PerfQuery query_of(uint64_t shape)
{
    PerfQuery *queries;
    size_t count;
    uint64_t left_out;
    perf_read_queries(arena, &queries, &count, &left_out);
    for (size_t i = 0; i < count; i++)
        if (queries[i].shape == shape) return queries[i];
    return (PerfQuery){0};
}

static size_t known(void *context, PerfKnown *out)
{
    out[0] = (PerfKnown){.shape = 6};
    out[1] = (PerfKnown){.shape = 7};
    out[2] = (PerfKnown){.shape = 7, .is_heavy = true}; /* the newest counts */
    ++*(int *)context;
    return 3;
}

/* First of all tests: it is asked for with the first statement. */
static void known_ones(void **state)
{
    (void)state;
    int asked = 0;
    perf_known_set(known, &asked);
    assert_false(run(6, 10));
    assert_true(run(7, 10));
    assert_int_equal(asked, 1);
    assert_int_equal(query_of(6).asked, 0);
    assert_int_equal(query_of(7).asked, 1);
}

/* The first; however long they take. */
static void light_ones(void **state)
{
    (void)state;
    assert_true(run(1, 10));
    for (int i = 0; i < 320; i++) assert_false(run(1, 1000 * 1000));
    PerfQuery query = query_of(1);
    assert_int_equal(query.calls, 321);
    assert_int_equal(query.asked, 1);
    assert_int_equal(query.rows, 642);
    assert_int_equal(query.read_bytes, 963);
    assert_int_equal(query.cells_most, 2); /* 3 bytes are no cell */
    assert_true(query.self_us > 320.0e6 && query.self_us < 320.1e6);
    assert_string_equal(query.text, "SELECT ?");
}

static bool profile(uint64_t shape, uint64_t plan, const char *name);

/* Rows x columns of a scan, and rows; bytes where no scan is known; one for four million. */
static void heavy_ones(void **state)
{
    (void)state;
    /* 300,000 rows of two scans, three columns each: 900,000 cells, and 100,000 given */
    PerfStatement statement = {.self_us = 1,
                               .rows = 100000,
                               .read_bytes = 1 << 30,
                               .sources = {.scans = 2, .columns = 6, .rows = 300000}};
    for (int i = 0; i < 4; i++) assert_int_equal(run_of(2, &statement), i == 0);
    assert_int_equal(query_of(2).cells_most, 1000000);
    assert_true(run_of(2, &statement)); /* as none was read to its end */
    assert_true(run_of(2, &statement));
    (void)profile(2, 1, "now");
    for (int i = 0; i < 4; i++) assert_false(run_of(2, &statement));
    assert_true(run_of(2, &statement));
    PerfStatement unknown = {.rows = 1, .read_bytes = 32000000}; /* 4,000,000, and 1 */
    assert_true(run_of(3, &unknown));
    assert_true(run_of(3, &unknown));
    assert_int_equal(query_of(3).cells_most, 4000001);
}

/* A statement may make many rows of few: what its operators gave counts. */
static void heavy_inside(void **state)
{
    (void)state;
    PerfProfile told = {.real_rows = 5000000};
    PerfStatement statement = {.rows = 1, .profile = &told};
    assert_true(run_of(8, &statement));
    assert_int_equal(query_of(8).cells_most, 5000000);
}

static void as_told(void **state)
{
    (void)state;
    perf_plans_set(PERF_PLANS_ALL);
    for (int i = 0; i < 40; i++) assert_true(run(1, 10));
    perf_plans_set(PERF_PLANS_OFF);
    for (int i = 0; i < 40; i++) assert_false(run(2, 10));
    perf_level_set(PERF_DETAIL);
    assert_false(run(2, 10));
    perf_plans_set(PERF_PLANS_AUTO);
    for (int i = 0; i < 40; i++) assert_true(run(1, 10));
    perf_level_set(PERF_OFF);
    uint64_t before = query_of(1).calls;
    assert_int_equal(perf_query_begin(1).slot, -1);
    assert_false(run(1, 10));
    assert_int_equal(query_of(1).calls, before);
}

static bool profile(uint64_t shape, uint64_t plan, const char *name)
{
    char text[32];
    PerfOperator operators[PERF_OPERATORS_MAX + 5];
    (void)snprintf(text, sizeof text, "%s", name);
    for (size_t i = 0; i < PERF_OPERATORS_MAX + 5; i++)
        operators[i] = (PerfOperator){.name = text, .detail = text, .rows = i, .estimate = -1};
    PerfPass pass = {text, 7};
    PerfProfile told = {.plan = plan,
                        .planning_us = 4,
                        .estimate_off = (double)plan,
                        .operators = operators,
                        .operator_count = PERF_OPERATORS_MAX + 5,
                        .passes = &pass,
                        .pass_count = plan != 12};
    PerfAsk ask = perf_query_begin(shape);
    bool wants = perf_query_end(ask.slot, &(PerfStatement){.self_us = 10, .profile = &told});
    memset(text, 'x', sizeof text - 1); /* the table has its own */
    return wants;
}

static void profiles_are_copied(void **state)
{
    (void)state;
    assert_false(profile(4, 11, "first"));
    assert_false(profile(4, 11, "second"));
    assert_false(profile(4, 12, "third"));
    PerfQuery query = query_of(4);
    assert_int_equal(query.profiled, 3);
    assert_int_equal(query.plan_changes, 1);
    assert_true(query.planning_us > 11.9 && query.planning_us < 12.1);
    assert_true(query.estimate_off > 11.9 && query.estimate_off < 12.1);
    assert_int_equal(query.profile.operator_count, PERF_OPERATORS_MAX);
    assert_string_equal(query.profile.operators[0].name, "third");
    assert_int_equal(query.profile.pass_count, 1); /* those of before: the newest told none */
    assert_string_equal(query.profile.passes[0].name, "second");
}

/* Once a shape, when all are wanted. */
static void plans_are_asked_for_once(void **state)
{
    (void)state;
    perf_plans_set(PERF_PLANS_ALL);
    (void)run(5, 10); /* without a profile */
    assert_true(profile(5, 1, "a"));
    assert_false(profile(5, 2, "a"));
    char *long_plan = arena_alloc(arena, 2 * PERF_PLAN_TEXT_MAX);
    memset(long_plan, 'p', 2 * PERF_PLAN_TEXT_MAX - 1);
    perf_query_plans((perf_query_begin(5)).slot, "logical", NULL, long_plan, NULL, 0);
    PerfQuery query = query_of(5);
    assert_string_equal(query.logical, "logical");
    assert_null(query.optimized);
    assert_int_equal(strlen(query.physical), PERF_PLAN_TEXT_MAX);
}

enum { THREADS = 8, EACH = 5000 };

static void *many(void *context)
{
    uint64_t base = (uint64_t)(uintptr_t)context;
    for (uint64_t i = 0; i < EACH; i++) (void)run(10 + (base + i) % 4, 1);
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    uint64_t calls = 0;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many, (void *)i), 0);
    for (size_t i = 0; i < THREADS; i++) (void)pthread_join(threads[i], NULL);
    for (uint64_t shape = 10; shape < 14; shape++) calls += query_of(shape).calls;
    assert_int_equal(calls, THREADS * EACH);
}

/* Last: it fills the table. */
static void what_has_no_room_is_counted(void **state)
{
    (void)state;
    PerfQuery *queries;
    size_t before, count;
    uint64_t left_before, left_out;
    perf_read_queries(arena, &queries, &before, &left_before);
    for (uint64_t i = 0; i < 3 * PERF_SHAPES_MAX; i++)
        for (int call = 0; call < 2; call++) (void)run(1000 + i, (double)(i + 1));
    perf_read_queries(arena, &queries, &count, &left_out);
    assert_int_equal(count, PERF_SHAPES_MAX);
    assert_int_equal(left_before, 0);
    assert_int_equal(left_out, 2 * (3 * PERF_SHAPES_MAX - (PERF_SHAPES_MAX - before)));
    for (size_t i = 1; i < count; i++)
        assert_true(queries[i - 1].self_us >= queries[i].self_us); /* the most time first */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(known_ones),
        TEST(light_ones),
        TEST(heavy_ones),
        TEST(heavy_inside),
        TEST(as_told),
        TEST(profiles_are_copied),
        TEST(plans_are_asked_for_once),
        TEST(threads_lose_nothing),
        TEST(what_has_no_room_is_counted),
    };
    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
