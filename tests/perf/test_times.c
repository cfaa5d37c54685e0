/* perf: histograms against exact quantiles, spans and their rings, keys, levels, sampling, the
 * fallback clock. */
#include "perf/perf_int.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the index ---- */

/* By exact arithmetic: the least v of bucket i is the least integer with v^32 >= 2^i; long double
 * logarithms settle all but exact powers of two, which are known. */
static void test_index_against_logarithms(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int i = 0; i < 300000; i++) {
        uint64_t value = (uint64_t)rand_r(&seed) << 31 | (uint64_t)rand_r(&seed);
        value >>= rand_r(&seed) % 62;
        if (value == 0) value = 1;
        long double exact = log2l((long double)value) * 32;
        unsigned expected = (unsigned)floorl(exact);
        if (fabsl(exact - roundl(exact)) < 1e-12L && (value & (value - 1)) != 0) continue;
        if (expected >= PERF_BUCKETS) expected = PERF_BUCKETS - 1;
        assert_int_equal(perf_hist_index(value), expected);
    }
    for (unsigned octave = 0; octave < PERF_OCTAVES; octave++)
        assert_int_equal(perf_hist_index(UINT64_C(1) << octave), 32 * octave);
    assert_int_equal(perf_hist_index(0), 0);
    assert_int_equal(perf_hist_index(UINT64_MAX), PERF_BUCKETS - 1);
}

/* ---- quantiles on six distributions ---- */

enum { SAMPLES = 200000 };

static double uniform(unsigned *seed)
{
    return (rand_r(seed) + 0.5) / ((double)RAND_MAX + 1);
}

static double normal(unsigned *seed)
{
    return sqrt(-2 * log(uniform(seed))) * cos(6.283185307179586 * uniform(seed));
}

static double draw(int kind, unsigned *seed)
{
    switch (kind) {
    case 0: return 1000 + 9000 * uniform(seed);
    case 1: return 50000 + 5000 * normal(seed);
    case 2: return exp(9 + 1.5 * normal(seed));
    case 3: return -20000 * log(uniform(seed));
    case 4: return uniform(seed) < 0.9 ? 800 + 40 * normal(seed) : 2e6 + 1e5 * normal(seed);
    default: return 100 / pow(uniform(seed), 1 / 1.2); /* Pareto */
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void add_value(PerfHist *hist, uint64_t value)
{
    if (hist->count == 0 || (double)value < hist->min_ns) hist->min_ns = (double)value;
    if ((double)value > hist->max_ns) hist->max_ns = (double)value;
    hist->count++;
    hist->sum_ns += (double)value;
    hist->buckets[perf_hist_index(value)]++;
}

static void test_quantiles(void **state)
{
    (void)state;
    static const double WANTED[] = {0.5, 0.9, 0.99, 0.999};
    for (int kind = 0; kind < 6; kind++) {
        unsigned seed = 11 + (unsigned)kind;
        uint64_t *values = calloc(SAMPLES, sizeof *values);
        PerfHist hist = {.ns_per_tick = 1};
        for (size_t i = 0; i < SAMPLES; i++) {
            values[i] = (uint64_t)fmax(1, draw(kind, &seed));
            add_value(&hist, values[i]);
        }
        qsort(values, SAMPLES, sizeof *values, by_value);
        for (size_t q = 0; q < 4; q++) {
            double exact = (double)values[(size_t)ceil(WANTED[q] * SAMPLES) - 1];
            double got = perf_hist_quantile(&hist, WANTED[q]);
            if (fabs(got - exact) > 0.011 * exact)
                fail_msg("distribution %d, p%g: %g, exactly %g", kind, WANTED[q] * 100, got, exact);
        }
        free(values);
    }
}

static void test_merge_is_the_union(void **state)
{
    (void)state;
    PerfHist whole = {.ns_per_tick = 1}, merged = {.ns_per_tick = 1};
    unsigned seed = 5;
    for (int part = 0; part < 1000; part++) {
        PerfHist hist = {.ns_per_tick = 1};
        for (int i = 0; i < 50; i++) {
            uint64_t value = (uint64_t)draw(part % 6, &seed) + 1;
            add_value(&hist, value);
            add_value(&whole, value);
        }
        perf_hist_merge(&merged, &hist);
    }
    assert_memory_equal(&merged, &whole, sizeof whole);
}

/* A clock twice as slow: its buckets lie 32 higher. */
static void test_merge_of_other_clocks(void **state)
{
    (void)state;
    PerfHist fast = {.ns_per_tick = 1}, slow = {.ns_per_tick = 2};
    add_value(&fast, 1000);
    add_value(&slow, 500);
    perf_hist_merge(&fast, &slow);
    assert_int_equal(fast.buckets[perf_hist_index(1000)], 2);
}

/* ---- timing ---- */

static double timed_ns(PerfOp op, uint64_t *out_count)
{
    SCRATCH(scratch);
    const PerfHist *hist = perf_read_times(scratch, op);
    *out_count = hist != NULL ? hist->count : 0;
    return hist != NULL ? hist->sum_ns : 0;
}

static void spend_ms(long ms)
{
    uint64_t end = perf_clock_monotonic() + (uint64_t)ms * 1000000;
    while (perf_clock_monotonic() < end) {
    }
}

/* What a span measures is what CLOCK_MONOTONIC says: with the counter and without. */
static void test_times_are_times(void **state)
{
    (void)state;
    for (int counter = 1; counter >= 0; counter--) {
        uint64_t before, after;
        perf_clock_choose(counter != 0);
        if (counter == 0) assert_false(perf_clock_is_counter);
        double sum = timed_ns(PERF_merge, &before);
        uint64_t begin = perf_clock_monotonic();
        PerfSpan span;
        perf_begin(&span, PERF_merge);
        spend_ms(20);
        perf_end(&span);
        double outside = (double)(perf_clock_monotonic() - begin);
        perf_end(&span); /* nothing */
        double inside = timed_ns(PERF_merge, &after) - sum;
        assert_int_equal(after - before, 1);
        if (counter == 1) { /* sums of other clocks are not comparable */
            assert_true(inside > 20e6 * 0.999);
            assert_true(inside < outside * 1.001);
        }
    }
    perf_clock_choose(true);
}

/* A call's bucket is counted one call later, on whatever operation: readers see it at once. */
static void test_newest_call_is_in_its_bucket(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const PerfOp OPS[] = {PERF_checkpoint_read, PERF_checkpoint_write};
    for (uint64_t call = 1; call <= 6; call++) {
        PerfSpan span;
        perf_begin(&span, OPS[call % 2]);
        spend_ms(2);
        perf_end(&span);
        const PerfHist *hist = perf_read_times(arena, OPS[call % 2]);
        uint64_t held = 0;
        size_t low = perf_hist_index((uint64_t)(1.9e6 / hist->ns_per_tick));
        for (size_t i = low; i < PERF_BUCKETS; i++) held += hist->buckets[i];
        assert_int_equal(hist->count, (call + 1) / 2);
        assert_int_equal(held, hist->count);
    }
}

static void test_off_records_nothing(void **state)
{
    (void)state;
    uint64_t count = perf_read(PERF_merge), rows = perf_read(PERF_merge_row);
    perf_level_set(PERF_OFF);
    {
        PERF_SPAN_FOR(PERF_merge, "key");
        perf_add(PERF_merge_row, 5);
    }
    assert_int_equal(perf_read(PERF_merge), count);
    assert_int_equal(perf_read(PERF_merge_row), rows);
    perf_level_set(PERF_COUNTS);
    {
        PERF_SPAN(PERF_merge);
    }
    assert_int_equal(perf_read(PERF_merge), count + 1);
}

static void test_sampling_keeps_counts_exact(void **state)
{
    (void)state;
    uint64_t count = perf_read(PERF_checkpoint_write), timed, before;
    (void)timed_ns(PERF_checkpoint_write, &before);
    assert_int_equal(count, before);
    perf_sample_set(PERF_checkpoint_write, 4);
    for (int i = 0; i < 1600; i++) {
        PERF_SPAN(PERF_checkpoint_write);
    }
    (void)timed_ns(PERF_checkpoint_write, &timed);
    assert_int_equal(perf_read(PERF_checkpoint_write) - count, 1600);
    assert_int_equal(timed - before, 100);
    perf_sample_set(PERF_checkpoint_write, 0);
}

/* Operations of unit `fine`: one in 64, all at `detail`. */
static void test_fine_ones(void **state)
{
    (void)state;
    uint64_t before, timed;
    (void)timed_ns(PERF_engine_fetch, &before);
    for (int i = 0; i < 640; i++) {
        PERF_SPAN(PERF_engine_fetch);
    }
    (void)timed_ns(PERF_engine_fetch, &timed);
    assert_int_equal(timed - before, 10);
    perf_level_set(PERF_DETAIL);
    for (int i = 0; i < 640; i++) {
        PERF_SPAN(PERF_engine_fetch);
    }
    perf_level_set(PERF_COUNTS);
    (void)timed_ns(PERF_engine_fetch, &timed);
    assert_int_equal(timed - before, 650);
}

/* ---- spans ---- */

static void test_spans_nest(void **state)
{
    (void)state;
    SCRATCH(arena);
    perf_level_set(PERF_SPANS);
    {
        PERF_SPAN(PERF_export_plan);
        {
            PERF_SPAN(PERF_schema_sql);
            {
                PERF_SPAN(PERF_engine_fetch); /* fine: not here */
            }
        }
        PerfSpan inner;
        perf_begin(&inner, PERF_schema_sql);
        perf_end(&inner);
    }
    perf_level_set(PERF_COUNTS);
    PerfSpans spans = perf_read_spans(arena);
    perf_sort_spans(&spans);
    assert_int_equal(spans.count, 3);
    assert_int_equal(spans.dropped, 0);
    assert_int_equal(spans.records[0].op, PERF_export_plan);
    assert_int_equal(spans.records[0].depth, 0);
    assert_int_equal(spans.records[1].op, PERF_schema_sql);
    assert_int_equal(spans.records[1].depth, 1);
    assert_int_equal(spans.records[2].depth, 1);
    assert_true(spans.records[2].begin_ticks >=
                spans.records[1].begin_ticks + spans.records[1].length);
    assert_true(spans.records[0].length >= spans.records[1].length + spans.records[2].length);
}

enum { THREADS = 8, PER_THREAD = 50000 };

static void *span_many(void *unused)
{
    for (int i = 0; i < PER_THREAD; i++) {
        PERF_SPAN(PERF_dir_read);
    }
    return unused;
}

/* Eight threads overflow their rings: what is missing is counted exactly. */
static void test_drops_are_exact(void **state)
{
    (void)state;
    SCRATCH(arena);
    PerfSpans before = perf_read_spans(arena);
    uint64_t count = perf_read(PERF_dir_read);
    pthread_t threads[THREADS];
    perf_level_set(PERF_SPANS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, span_many, NULL), 0);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    perf_level_set(PERF_COUNTS);
    PerfSpans after = perf_read_spans(arena);
    assert_int_equal(perf_read(PERF_dir_read) - count, THREADS * PER_THREAD);
    assert_int_equal(after.count + after.dropped - before.count - before.dropped,
                     THREADS * PER_THREAD);
    assert_true(after.dropped > 0);
}

/* A span of an hour fits, with its magnitude. */
static void test_long_spans(void **state)
{
    (void)state;
    PerfRing *ring = block_memory(perf_ring_bytes(4), false);
    PerfRecord record;
    size_t count = 0;
    ring->capacity = 4;
    uint64_t hour = UINT64_C(3600) * 3000000000;
    ring_push(ring, PERF_merge, 5);
    assert_int_equal(ring->depth, 1);
    assert_int_equal(ring->open[0].op, PERF_merge);
    ring_pop(ring, PERF_merge, 5, hour);
    assert_int_equal(ring->depth, 0);
    assert_int_equal(perf_ring_read(ring, &record, &count), 0);
    double length = ldexp(record.length, record.shift);
    assert_true(fabs(length - (double)hour) < (double)hour * 1e-9);
}

/* ---- keys ---- */

static void ask(PerfOp op, int key, int times)
{
    char text[32];
    (void)snprintf(text, sizeof text, "key %d", key);
    for (int i = 0; i < times; i++) perf_asked(op, text);
}

static void *ask_two(void *unused)
{
    ask(PERF_relation_ask, 1, 3);
    ask(PERF_relation_ask, 4, 1);
    return unused;
}

static void test_keys_are_exact(void **state)
{
    (void)state;
    static PerfKeys keys[PERF_OP_COUNT];
    pthread_t thread;
    ask(PERF_relation_ask, 1, 1);
    ask(PERF_relation_ask, 2, 1);
    ask(PERF_relation_ask, 3, 2);
    ask(PERF_relation_build, 1, 1); /* another operation's */
    assert_int_equal(pthread_create(&thread, NULL, ask_two, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    perf_read_keys(keys);
    PerfKeys *k = &keys[PERF_relation_ask];
    assert_int_equal(k->calls, 8);
    assert_int_equal(k->distinct, 4);
    assert_int_equal(k->most, 4); /* key 1, on two threads */
    assert_int_equal(k->sampled_1_in, 1);
    assert_true(k->per_key == 2);
    assert_int_equal(keys[PERF_relation_build].distinct, 1);
}

static void *ask_many(void *unused)
{
    for (int key = 0; key < 100000; key++) ask(PERF_dir_ask, key, 1 + key % 3);
    return unused;
}

/* Beyond the table keys are sampled: calls stay exact, calls by key and the number of keys are
 * within a few hundredths. */
static void test_many_keys(void **state)
{
    (void)state;
    static PerfKeys keys[PERF_OP_COUNT];
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_many, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    perf_read_keys(keys);
    PerfKeys *k = &keys[PERF_dir_ask];
    assert_int_equal(k->calls, 33334 * 1 + 33333 * 2 + 33333 * 3);
    assert_true(k->sampled_1_in >= 16);
    assert_true(fabs((double)k->distinct - 100000) < 5000);
    assert_true(fabs(k->per_key - 2) < 0.1);
    assert_int_equal(k->most, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_against_logarithms),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_merge_is_the_union),
        cmocka_unit_test(test_merge_of_other_clocks),
        cmocka_unit_test(test_times_are_times),
        cmocka_unit_test(test_newest_call_is_in_its_bucket),
        cmocka_unit_test(test_off_records_nothing),
        cmocka_unit_test(test_sampling_keeps_counts_exact),
        cmocka_unit_test(test_spans_nest), /* before others have left spans */
        cmocka_unit_test(test_fine_ones),
        cmocka_unit_test(test_drops_are_exact),
        cmocka_unit_test(test_long_spans),
        cmocka_unit_test(test_keys_are_exact),
        cmocka_unit_test(test_many_keys),
    };
    return cmocka_run_group_tests_name("perf times", tests, NULL, NULL);
}
