/* The intervals of a version: they cover every time, are at most 64, disjoint and ascending, hold
 * no more than they must where there are few gaps, and keep an outlier by itself. */
#include "provider_test.h"

enum { MOST = 64, CHUNK = 2048 };

static uint64_t random_state;
static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 16;
}

typedef struct Covered {
    TimeSpan *spans;
    size_t count;
} Covered;

static Covered cover(Arena *arena, const TimeUs *times, size_t count)
{
    Covered covered = {0};
    Cover *running = cover_new(arena);
    TimeUs chunk[CHUNK];
    for (size_t at = 0; at < count;) {
        size_t step = 1 + next_random() % CHUNK;
        if (step > count - at) step = count - at;
        memcpy(chunk, times + at, step * sizeof *times);
        cover_add(running, chunk, step);
        at += step;
    }
    cover_finish(running, arena, (int64_t)count, &covered.spans, &covered.count);
    return covered;
}

static bool holds(const Covered *covered, TimeUs time)
{
    for (size_t i = 0; i < covered->count; i++) {
        if (covered->spans[i].min <= time && time <= covered->spans[i].max) return true;
    }
    return false;
}

static void check(const Covered *covered, const TimeUs *times, size_t count)
{
    TimeUs least = times[0], most = times[0];
    assert_in_range(covered->count, 1, MOST);
    for (size_t i = 0; i < covered->count; i++) {
        assert_true(covered->spans[i].min <= covered->spans[i].max);
        assert_true(i == 0 || covered->spans[i - 1].max < covered->spans[i].min);
    }
    for (size_t i = 0; i < count; i++) {
        if (!holds(covered, times[i])) fail_msg("%lld is not covered", (long long)times[i]);
        least = times[i] < least ? times[i] : least;
        most = times[i] > most ? times[i] : most;
    }
    assert_true(covered->spans[0].min == least);
    assert_true(covered->spans[covered->count - 1].max == most);
}

/* Random shapes: even steps, bursts, shuffled, far outliers. */
static void test_random(void **state)
{
    Bench *bench = *state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        SCRATCH(scratch);
        random_state = seed;
        size_t count = 1 + next_random() % 6000;
        TimeUs *times = AARRAY(scratch, TimeUs, count), at = (TimeUs)(next_random() % 1000000);
        uint64_t gap_every = 1 + next_random() % 200, gap = next_random() % 100000000;
        for (size_t i = 0; i < count; i++) {
            at += (TimeUs)(next_random() % 1000);
            if (next_random() % gap_every == 0) at += (TimeUs)gap;
            times[i] = next_random() % 500 == 0 ? (TimeUs)(next_random() << 8) : at;
        }
        for (size_t i = count; seed % 3 == 0 && i > 1; i--) {
            size_t other = next_random() % i;
            TimeUs kept = times[i - 1];
            times[i - 1] = times[other];
            times[other] = kept;
        }
        Covered covered = cover(scratch, times, count);
        check(&covered, times, count);
    }
    (void)bench;
}

static void test_outliers_stand_alone(void **state)
{
    Bench *bench = *state;
    enum { ROWS = 100000 };
    TimeUs *times = AARRAY(bench->arena, TimeUs, ROWS);
    const TimeUs start = 1700000000 * US_PER_SECOND, hour = 3600 * US_PER_SECOND;
    random_state = 7;
    for (size_t i = 0; i < ROWS; i++) times[i] = start + (TimeUs)i * hour;
    times[500] = 420 * US_PER_SECOND; /* 1970-01-01 00:07, twice */
    times[501] = 421 * US_PER_SECOND;
    Covered covered = cover(bench->arena, times, ROWS);
    check(&covered, times, ROWS);
    assert_true(covered.spans[0].max <= 421 * US_PER_SECOND);
    assert_true(covered.spans[1].min == start);
    assert_true(covered.count <= 4); /* even steps are no gaps; two rows are missing */
}

/* At most 64 separate days: each stays by itself, however they arrive. */
static void test_gaps_are_kept(void **state)
{
    Bench *bench = *state;
    enum { DAYS = 64, A_DAY = 100 };
    TimeUs *times = AARRAY(bench->arena, TimeUs, DAYS * A_DAY);
    random_state = 11;
    for (size_t i = 0; i < DAYS * A_DAY; i++) {
        size_t day = i * 37 % DAYS;
        times[i] = (TimeUs)(day * 30) * US_PER_DAY + (TimeUs)(i / DAYS) * US_PER_MINUTE;
    }
    Covered covered = cover(bench->arena, times, DAYS * A_DAY);
    check(&covered, times, DAYS * A_DAY);
    assert_int_equal(covered.count, DAYS);
    for (size_t day = 0; day < DAYS; day++)
        assert_true(covered.spans[day].min == (TimeUs)(day * 30) * US_PER_DAY);
}

/* Of more than 64 gaps the smallest close: the large ones stay. */
static void test_small_gaps_close_first(void **state)
{
    Bench *bench = *state;
    enum { ROWS = 3000 };
    TimeUs *times = AARRAY(bench->arena, TimeUs, ROWS), at = 0;
    random_state = 13;
    for (size_t i = 0; i < ROWS; i++) {
        at += i % 500 == 0 ? 365 * US_PER_DAY : i % 10 == 0 ? US_PER_DAY : US_PER_SECOND;
        times[i] = at;
    }
    Covered covered = cover(bench->arena, times, ROWS);
    check(&covered, times, ROWS);
    for (size_t i = 500; i < ROWS; i += 500)
        assert_false(holds(&covered, times[i] - 100 * US_PER_DAY));
}

static void test_edges(void **state)
{
    Bench *bench = *state;
    TimeUs ends[] = {INT64_C(-62135596800000000), INT64_C(253402300799999999), 0};
    Covered covered = cover(bench->arena, ends, 3);
    check(&covered, ends, 3);
    assert_int_equal(covered.count, 3);
    TimeSpan *spans = NULL;
    size_t count = 9;
    Cover *none = cover_new(bench->arena);
    cover_add(none, ends, 0);
    cover_finish(none, bench->arena, 0, &spans, &count);
    assert_int_equal(count, 0);
    TimeUs same[] = {5, 5, 5, 5};
    covered = cover(bench->arena, same, 4);
    assert_int_equal(covered.count, 1);
    assert_true(covered.spans[0].min == 5 && covered.spans[0].max == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_random),        TEST(test_outliers_stand_alone),
        TEST(test_gaps_are_kept), TEST(test_small_gaps_close_first),
        TEST(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
