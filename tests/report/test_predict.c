/* Predictions: rates come back out of what they made, history wins over rates, the state is
 * bounded, and damage costs what was learned and nothing else. Expectations are arithmetic. */
#include "report/predict_int.h"
#include "report_test.h"
#include <math.h>

static double noise(uint64_t *seed) /* 0..1 */
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (double)(*seed >> 11) / 9007199254740992.0;
}

/* What 40 observations of known rates teach: exports of other sizes are told within 5 %, and a
 * feature that costs nothing costs next to nothing. */
static void test_rates_come_back(void **state)
{
    (void)state;
    const double truth[FEATURES] = {0.05, 0, 0.4, 0, 0.02};
    const double prior[FEATURES] = {0.01, 0.01, 0.1, 0.1, 0.01};
    Fit fit;
    uint64_t seed = 7;
    fit_begin(&fit, prior);
    for (int i = 0; i < 80; i++) {
        double features[FEATURES] = {1, floor(noise(&seed) * 50), noise(&seed) * 5,
                                     noise(&seed) * 50, noise(&seed) * 100};
        double seconds = fit_value(truth, features), told = fit_value(fit.rates, features);
        if (i < 40)
            fit_add(&fit, prior, features, seconds);
        else
            assert_true(fabs(told - seconds) <= 0.05 * seconds);
    }
    assert_true(fit.rates[1] >= 0 && fit.rates[1] < 0.001);
    assert_true(fit.rates[3] >= 0 && fit.rates[3] < 0.001);
}

static Work a_work(uint64_t target, double millions)
{
    return (Work){.kind = WORK_COPY,
                  .target = target,
                  .columns = 99,
                  .files = 4,
                  .rows_in = millions * 1e6,
                  .cells_in = millions * 5e6,
                  .bytes_in = millions * 2e7,
                  .rows = millions * 1e6,
                  .bytes = millions * 2e7};
}

static void predict_one(const Predictor *predictor, const Work *work, Guess *guess, Prediction *out,
                        WorkAll *all)
{
    predictor_guess(predictor, work, guess);
    *all = (WorkAll){.shape = work->target,
                     .works = work,
                     .guesses = guess,
                     .count = 1,
                     .threads = 2,
                     .slowness = 1};
    predictor_time(predictor, all, out);
}

/* An export that takes `seconds` and gives half the rows and a quarter of the bytes. */
static void teach(Predictor *predictor, const Work *work, double seconds)
{
    Guess guess;
    Prediction prediction;
    WorkAll all;
    predict_one(predictor, work, &guess, &prediction, &all);
    Truth truth = {.rows = work->rows / 2, .bytes = work->bytes / 4, .busy_s = seconds};
    predictor_learn(predictor, &all, &prediction, &truth, work->files, seconds);
}

static void test_history_first(void **state)
{
    (void)state;
    Predictor *predictor = predictor_load(arena, NULL);
    Work work = a_work(1, 1), twice = a_work(1, 2), other = a_work(2, 1);
    Guess guess;
    Prediction prediction;
    WorkAll all;
    predict_one(predictor, &work, &guess, &prediction, &all);
    assert_int_equal(prediction.basis, BASIS_PRIOR);
    assert_true(guess.rows == 1e6);
    for (int i = 0; i < 3; i++) teach(predictor, &work, i == 1 ? 100 : 10); /* one of them slow */
    predict_one(predictor, &work, &guess, &prediction, &all);
    assert_int_equal(prediction.basis, BASIS_HISTORY);
    assert_int_equal(prediction.seen, 3);
    assert_true(fabs(prediction.seconds - 10) < 0.1); /* the median */
    assert_true(prediction.low < 10 && prediction.high > 10);
    assert_true(fabs(guess.rows - 5e5) < 1 && fabs(guess.bytes - 5e6) < 10);
    predict_one(predictor, &twice, &guess, &prediction, &all);
    assert_true(prediction.seconds > 14 &&
                prediction.seconds < 20.1);                    /* by size, but for the start */
    predict_one(predictor, &other, &guess, &prediction, &all); /* another of the same columns */
    assert_int_equal(prediction.basis, BASIS_MODEL);
    assert_true(fabs(guess.rows - 5e5) < 1);
    other.rows_exact = other.all_exact = true;
    predict_one(predictor, &other, &guess, &prediction, &all);
    assert_true(guess.rows == 1e6 && guess.bytes == 2e7);
}

static void test_kept(void **state)
{
    (void)state;
    Predictor *predictor = predictor_load(arena, dir), *again;
    for (uint64_t i = 1; i <= 3000; i++) {
        Work work = a_work(i, 1);
        if (i % 10 == 0) work.columns = i << 20;
        teach(predictor, &work, 5);
    }
    assert_int_equal(predictor_shapes(predictor), SHAPES_MOST);
    assert_int_equal(predictor_ratios(predictor), RATIOS_MOST);
    OK(predictor_save(predictor, dir));
    size_t size;
    (void)read_file(in_history("model"), &size);
    assert_int_equal(size, predictor_bytes(predictor));
    assert_true(size <= 64 << 10);
    again = predictor_load(arena, dir);
    assert_memory_equal(&again->state.fits, &predictor->state.fits, sizeof again->state.fits);
    assert_null(state_shape(&again->state, 1)); /* the ones not used for longest went */
    assert_non_null(state_shape(&again->state, 3000));
    assert_true((double)state_ratio(&again->state, 2999)->rows == 0.5);
    Outcome *outcomes;
    assert_int_equal(predictor_outcomes(again, arena, &outcomes), OUTCOMES_MOST);
    assert_true(outcomes[0].real_s == 5);
}

/* Each byte flipped, each length: nothing known, and the file set aside. */
static void test_damage(void **state)
{
    (void)state;
    Predictor *predictor = predictor_load(arena, dir);
    Work work = a_work(1, 1);
    size_t size;
    teach(predictor, &work, 5);
    OK(predictor_save(predictor, dir));
    char *good = read_file(in_history("model"), &size);
    log_set_level(LOG_QUIET);
    for (size_t i = 0; i < 2 * size; i += i < size ? 1 : 7) {
        char *bad = arena_memdup(arena, good, size);
        if (i < size) bad[i] ^= 0x20;
        OK(report_replace(dir, "model", bad, i < size ? size : i - size));
        assert_int_equal(predictor_shapes(predictor_load(arena, dir)), 0);
        assert_int_equal(access(in_history("model"), F_OK), -1);
        assert_int_equal(access(in_history("model.damaged"), F_OK), 0);
    }
    OK(report_replace(dir, "model", good, size));
    assert_int_equal(predictor_shapes(predictor_load(arena, dir)), 1);
}

/* What another build wrote: nothing known, and no damage. */
static void test_other_form(void **state)
{
    (void)state;
    Predictor *predictor = predictor_load(arena, dir);
    Work work = a_work(1, 1);
    size_t size;
    teach(predictor, &work, 5);
    OK(predictor_save(predictor, dir));
    char *bytes = read_file(in_history("model"), &size);
    bytes[7]++;
    uint64_t hash = xxh64(bytes, size - sizeof hash);
    memcpy(bytes + size - sizeof hash, &hash, sizeof hash);
    OK(report_replace(dir, "model", bytes, size));
    assert_int_equal(predictor_shapes(predictor_load(arena, dir)), 0);
    assert_int_equal(access(in_history("model"), F_OK), 0);
    assert_int_equal(access(in_history("model.damaged"), F_OK), -1);
}

/* Half of what the priors say on a quiet machine, them with four to a processor, twice them at
 * most. */
static void test_slowness(void **state)
{
    (void)state;
    assert_true(speed_slowness_of(0, 2) == 0.5 && speed_slowness_of(1, 2) == 0.5);
    assert_true(speed_slowness_of(7, 2) == 1 && speed_slowness_of(3, 1) == 1);
    assert_true(speed_slowness_of(100, 2) == 2);
    assert_true(speed_slowness() >= 0.5 && speed_slowness() <= 2);
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } CASES[] = {{0.004, "0.1 s"}, {0.44, "0.4 s"},  {3.4, "3 s"},  {42, "40 s"},
                 {123, "2 min"},   {3400, "57 min"}, {3600, "1 h"}, {4900, "1 h 20 min"},
                 {89, "1 min"},    {36000, "10 h"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_string_equal(about_format(arena, CASES[i].seconds), CASES[i].text);
    Prediction prediction = {.seconds = 120, .low = 81, .high = 178};
    assert_string_equal(prediction_format(arena, &prediction), "about 2 min, 1:20 to 3:00");
    double values[] = {4, 1, 3, 2};
    assert_true(stats_quantile(values, 4, 0.5) == 2.5 && stats_quantile(values, 4, 1) == 4);
    assert_true(q_error(2, 1) == 2 && q_error(1, 2) == 2 && q_error(0, 0) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates_come_back),
        cmocka_unit_test_setup_teardown(test_history_first, begin, end),
        cmocka_unit_test_setup_teardown(test_kept, begin, end),
        cmocka_unit_test_setup_teardown(test_damage, begin, end),
        cmocka_unit_test_setup_teardown(test_other_form, begin, end),
        cmocka_unit_test(test_slowness),
        cmocka_unit_test_setup_teardown(test_texts, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
