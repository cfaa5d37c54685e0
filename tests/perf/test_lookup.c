/* perf/lookup: what is counted of each look-up, which of them are timed, ghosts, what is held, and
 * sums over threads. */
#include "perf/perf_int.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

static Arena *arena;

static PerfCacheCounts counts_of(PerfCache cache)
{
    PerfCacheCounts counts;
    perf_read_cache(arena, cache, &counts);
    return counts;
}

static void look_up(PerfCache cache, bool found, bool loads)
{
    PERF_LOOKUP(look, cache);
    assert_int_equal(perf_found(&look, found), found);
    (void)perf_found(&look, !found); /* said again: nothing */
    if (loads) perf_fetched(&look, 100);
    perf_fetched(&look, 100); /* said again, or after a hit: nothing */
}

static void test_table(void **state)
{
    (void)state;
    assert_string_equal(perf_cache_info(PERF_CACHE_pattern)->name, "pattern");
    assert_string_equal(perf_cache_info(PERF_CACHE_pattern)->layer, "tinyfs");
    assert_non_null(perf_cache_info((PerfCache)(PERF_CACHE_COUNT - 1))->text);
}

static void test_hits_misses_and_fetches(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) look_up(PERF_CACHE_relation, true, false);
    for (int i = 0; i < 2; i++) look_up(PERF_CACHE_relation, false, true);
    PERF_LOOKUP(failed, PERF_CACHE_relation);
    assert_false(perf_found(&failed, false)); /* its load fails: no fetch, no time */
    PERF_LOOKUP(elsewhere, PERF_CACHE_relation);
    (void)perf_found(&elsewhere, false);
    perf_loaded(&elsewhere);
    PerfCacheCounts counts = counts_of(PERF_CACHE_relation);
    assert_int_equal(counts.events[PERF_HITS], 3);
    assert_int_equal(counts.events[PERF_MISSES], 4);
    assert_int_equal(counts.events[PERF_FETCHES], 2);
    assert_int_equal(counts.events[PERF_EVICTIONS], 0);
    assert_int_equal(counts.access->count, 7);
    assert_int_equal(counts.load->count, 3);
    assert_int_equal(counts.held_bytes_most, 200);
    assert_int_equal(counts_of(PERF_CACHE_schema).events[PERF_HITS], 0);
}

/* 64 and each 64th from there: of 200 the numbers 0..63, 64, 128, 192. */
static void test_access_times_are_sampled(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) look_up(PERF_CACHE_name, true, false);
    PerfCacheCounts counts = counts_of(PERF_CACHE_name);
    assert_int_equal(counts.events[PERF_HITS], 200);
    assert_int_equal(counts.access->count, 64 + 3);
}

static void test_ghosts(void **state)
{
    (void)state;
    perf_held(PERF_CACHE_format, 500);
    perf_evicted(PERF_CACHE_format, 7, 300);
    perf_evicted(PERF_CACHE_format, 8, 100);
    perf_missed(PERF_CACHE_format, 9); /* never there */
    perf_missed(PERF_CACHE_schema, 7); /* another cache's */
    perf_missed(PERF_CACHE_format, 7);
    perf_missed(PERF_CACHE_format, 7);            /* it was let go once */
    perf_evicted(PERF_CACHE_format, 8 + 1024, 0); /* takes the place of 8 */
    perf_missed(PERF_CACHE_format, 8);
    perf_held(PERF_CACHE_format, 350);
    PerfCacheCounts counts = counts_of(PERF_CACHE_format);
    assert_int_equal(counts.events[PERF_EVICTIONS], 3);
    assert_int_equal(counts.events[PERF_GHOST_HITS], 1);
    assert_int_equal(counts.held_bytes_most, 500); /* not 850: 400 were let go between */
    perf_held(PERF_CACHE_format, 100);
    assert_int_equal(counts_of(PERF_CACHE_format).held_bytes_most, 550);
}

static void *look_up_often(void *unused)
{
    for (int i = 0; i < 1000; i++) look_up(PERF_CACHE_blob, i % 4 != 0, true);
    return unused;
}

static void test_threads_add_up(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_often, NULL), 0);
    for (int i = 0; i < 4; i++) (void)pthread_join(threads[i], NULL);
    PerfCacheCounts counts = counts_of(PERF_CACHE_blob);
    assert_int_equal(counts.events[PERF_HITS], 3000);
    assert_int_equal(counts.events[PERF_MISSES], 1000);
    assert_int_equal(counts.events[PERF_FETCHES], 1000);
    assert_int_equal(counts.load->count, 1000);
    assert_int_equal(counts.held_bytes_most, 100000);
}

static void test_off_counts_nothing(void **state)
{
    (void)state;
    perf_level_set(PERF_OFF);
    look_up(PERF_CACHE_index, false, true);
    perf_evicted(PERF_CACHE_index, 1, 1);
    perf_level_set(PERF_COUNTS);
    PerfCacheCounts counts = counts_of(PERF_CACHE_index);
    for (int i = 0; i < PERF_CACHE_EVENTS; i++) assert_int_equal(counts.events[i], 0);
    assert_int_equal(counts.held_bytes_most, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_hits_misses_and_fetches),
        cmocka_unit_test(test_access_times_are_sampled),
        cmocka_unit_test(test_ghosts),
        cmocka_unit_test(test_threads_add_up),
        cmocka_unit_test(test_off_counts_nothing),
    };
    arena = arena_new();
    int failed = cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
