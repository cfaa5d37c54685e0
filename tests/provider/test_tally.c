/* Facts of columns against slow counting: different values of every window of a file that is closed
 * to a circle, nulls, and what values take without a dictionary where arithmetic tells. */
#include "provider/tally.h"
#include "provider_test.h"
#include <math.h>

enum { ROWS = 3000, CHUNK = 2048 };

static uint64_t random_state;
static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 33;
}

/* Columns of 8 bytes, in chunks. */
static ColumnFacts *tally_of(Arena *arena, Phys phys, const int64_t *values,
                             const uint64_t *validity, size_t rows)
{
    Tally *tally = tally_new(arena, 1);
    for (size_t at = 0; at < rows; at += CHUNK) {
        Vector vector = {.phys = phys,
                         .data = values + at,
                         .validity = validity != NULL ? validity + at / 64 : NULL};
        tally_add(tally, &(Chunk){.rows = rows - at < CHUNK ? rows - at : CHUNK,
                                  .columns = 1,
                                  .vectors = &vector});
    }
    return tally_finish(tally, arena, (int64_t[]){77});
}

/* Values lie within -4,096 and 4,095. */
static double slow_distinct(const int64_t *values, size_t rows, size_t window)
{
    static size_t seen[8192];
    static size_t stamp;
    double sum = 0;
    for (size_t start = 0; start < rows; start++) {
        stamp++;
        for (size_t i = 0; i < window; i++) {
            size_t *at = &seen[values[(start + i) % rows] + 4096];
            sum += *at != stamp;
            *at = stamp;
        }
    }
    return sum / (double)rows;
}

static void counts_as_slow_counting_does(void **state)
{
    (void)state;
    SCRATCH(arena);
    int64_t *values = AARRAY(arena, int64_t, ROWS);
    for (int shape = 0; shape < 5; shape++) {
        random_state = (uint64_t)shape + 1;
        int64_t walk = 0;
        for (size_t i = 0; i < ROWS; i++) {
            walk += (int64_t)(next_random() % 5) - 2;
            values[i] = shape == 0   ? 7
                        : shape == 1 ? (int64_t)(next_random() % 2)
                        : shape == 2 ? (int64_t)(next_random() % 300)
                        : shape == 3 ? walk
                                     : (int64_t)(i / 100);
        }
        const ColumnFacts *facts = tally_of(arena, PHYS_I64, values, NULL, ROWS);
        assert_int_equal(facts->bytes, 77);
        assert_int_equal(facts->nulls, 0);
        assert_int_equal(facts_windows(ROWS), 5); /* 32, 128, 512, 2048, all */
        for (size_t i = 0; i < 3; i++) {
            double slow = slow_distinct(values, ROWS, (size_t)facts_window(i));
            /* exact where the window is a power of two up to which distances are summed */
            if (fabs((double)facts->distinct[i] - slow) > 0.5001)
                fail_msg("shape %d, window %lld: %lld for %.3f", shape, (long long)facts_window(i),
                         (long long)facts->distinct[i], slow);
        }
        assert_int_equal(facts->distinct[4], (int64_t)(slow_distinct(values, ROWS, ROWS) + 0.5));
    }
}

static void follows_a_share_of_many(void **state)
{
    (void)state;
    SCRATCH(arena);
    enum { MANY = 300000 };
    int64_t *values = AARRAY(arena, int64_t, MANY);
    for (size_t i = 0; i < MANY; i++) values[i] = (int64_t)i * 977;
    const ColumnFacts *facts = tally_of(arena, PHYS_I64, values, NULL, MANY);
    for (size_t i = 0; i < facts_windows(MANY); i++) {
        double truth = i + 1 < facts_windows(MANY) ? (double)facts_window(i) : MANY;
        assert_true(fabs((double)facts->distinct[i] / truth - 1) < 0.1);
    }
    random_state = 5; /* 5,000 values, each some 60 times */
    for (size_t i = 0; i < MANY; i++) values[i] = (int64_t)(next_random() % 5000);
    facts = tally_of(arena, PHYS_I64, values, NULL, MANY);
    for (size_t i = 0; i < facts_windows(MANY); i++) {
        double window = i + 1 < facts_windows(MANY) ? (double)facts_window(i) : MANY;
        double truth = 5000 * (1 - exp(-window / 5000));
        assert_true(fabs((double)facts->distinct[i] / truth - 1) < 0.1);
    }
}

/* Of more rows than are counted: what grows goes on growing, what does not stays. */
static void follows_the_first_of_very_many(void **state)
{
    (void)state;
    SCRATCH(arena);
    enum { MANY = 768 * CHUNK }; /* twelve times as many */
    int64_t *values = AARRAY(arena, int64_t, MANY);
    uint64_t *validity = AARRAY(arena, uint64_t, MANY / 64);
    memset(validity, 0xff, MANY / 8);
    for (size_t i = 0; i < 10; i++) validity[MANY / 64 - 1 - i] = 0;
    size_t last = facts_windows(MANY) - 1;
    for (size_t i = 0; i < MANY; i++) values[i] = (int64_t)i * 977;
    const ColumnFacts *facts = tally_of(arena, PHYS_I64, values, validity, MANY);
    assert_int_equal(facts->nulls, 640);
    assert_true(fabs((double)facts->distinct[last] / MANY - 1) < 0.1);
    for (size_t i = 0; i < MANY; i++) values[i] = (int64_t)(i % 5000);
    facts = tally_of(arena, PHYS_I64, values, NULL, MANY);
    for (size_t i = 0; i <= last; i++) {
        double truth = i < last && facts_window(i) < 5000 ? (double)facts_window(i) : 5000;
        assert_true(fabs((double)facts->distinct[i] / truth - 1) < 0.1);
    }
}

static void tells_what_values_take(void **state)
{
    (void)state;
    SCRATCH(arena);
    int64_t *values = AARRAY(arena, int64_t, CHUNK);
    double reals[CHUNK];
    for (size_t i = 0; i < CHUNK; i++) values[i] = (int64_t)i * 60;
    assert_true(tally_of(arena, PHYS_I64, values, NULL, CHUNK)->plain == 0); /* an even step */
    for (size_t i = 0; i < CHUNK; i++) values[i] = (int64_t)(i * i % 1024);  /* steps of 11 bits */
    assert_true(fabs(tally_of(arena, PHYS_I64, values, NULL, CHUNK)->plain - 11.0 / 8) < 0.01);
    random_state = 9;
    for (size_t i = 0; i < CHUNK; i++)
        reals[i] = 1 + (double)((next_random() << 21) ^ next_random()) / 4503599627370496.0;
    memcpy(values, reals, sizeof reals); /* 52 random bits */
    double plain = tally_of(arena, PHYS_F64, values, NULL, CHUNK)->plain;
    assert_true(fabs(plain - 52.0 / 8) < 0.1);
}

static void passes_nulls_by(void **state)
{
    (void)state;
    SCRATCH(arena);
    int64_t values[128];
    uint64_t validity[2] = {UINT64_C(0x5555555555555555), 0};
    for (size_t i = 0; i < 128; i++) values[i] = (int64_t)(i * i);
    const ColumnFacts *facts = tally_of(arena, PHYS_I64, values, validity, 128);
    assert_int_equal(facts->nulls, 96);
    assert_int_equal(facts->distinct[1], 32);
    validity[0] = 0;
    facts = tally_of(arena, PHYS_F64, values, validity, 128);
    assert_int_equal(facts->nulls, 128);
    assert_int_equal(facts->distinct[1], 0);
    assert_true(facts->plain < 0);
}

static void tells_texts_apart(void **state)
{
    (void)state;
    CLEANUP(engine_disconnect_at) Conn *conn = NULL;
    CLEANUP(engine_result_close_at) Result *result = NULL;
    SCRATCH(arena);
    Chunk chunk;
    OK(engine_connect(&conn));
    /* 10 short ones, 20 of 23 bytes that differ in the last ones, decimals of 16 bytes, lists */
    OK(engine_query(conn,
                    "SELECT 'n' || i % 10, 'a long text of the kind ' || i % 20, (i % "
                    "30)::DECIMAL(30,2), [i] FROM range(1000) t(i)",
                    NULL, 0, &result));
    Tally *tally = tally_new(arena, 4);
    for (;;) {
        OK(engine_next(result, &chunk));
        if (chunk.rows == 0) break;
        tally_add(tally, &chunk);
    }
    const ColumnFacts *facts = tally_finish(tally, arena, (int64_t[]){1, 2, 3, 4});
    for (int i = 0; i < 3; i++) {
        assert_true(facts[i].is_counted);
        assert_int_equal(facts[i].bytes, i + 1);
        assert_int_equal(facts[i].distinct[facts_windows(1000) - 1], 10 * (i + 1));
    }
    assert_false(facts[3].is_counted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_as_slow_counting_does),
        cmocka_unit_test(follows_a_share_of_many),
        cmocka_unit_test(follows_the_first_of_very_many),
        cmocka_unit_test(tells_what_values_take),
        cmocka_unit_test(passes_nulls_by),
        cmocka_unit_test(tells_texts_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
