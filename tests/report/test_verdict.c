/* Verdicts: the interval against binomial sums by hand, the looks, and the rates of false and
 * missed verdicts over simulated noise of several shapes. */
#include "report/verdict.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

/* From tables of the sign test: n, and the rank of the two-sided interval at 95 % and 99 %. */
static void ranks_are_those_of_the_tables(void **state)
{
    static const struct {
        size_t n, at_95, at_99;
    } TABLE[] = {{5, 0, 0},    {6, 1, 0},    {7, 1, 0},    {8, 1, 1},  {9, 2, 1},
                 {10, 2, 1},   {15, 4, 3},   {20, 6, 4},   {25, 8, 6}, {30, 10, 8},
                 {40, 14, 12}, {50, 18, 16}, {100, 40, 37}};
    (void)state;
    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++) {
        assert_int_equal(verdict_rank(TABLE[i].n, 0.05), TABLE[i].at_95);
        assert_int_equal(verdict_rank(TABLE[i].n, 0.01), TABLE[i].at_99);
    }
}

static void plain_cases(void **state)
{
    double slower[80], faster[80], same[80], mixed[80];
    (void)state;
    for (int i = 0; i < 80; i++) {
        slower[i] = log(1.2);
        faster[i] = -log(1.2);
        same[i] = i % 2 == 0 ? 0.001 : -0.001;
        mixed[i] = i % 2 == 0 ? 0.5 : -0.5;
    }
    VerdictState s = verdict_of(NULL, slower, 80);
    assert_int_equal(s.verdict, VERDICT_SLOWER);
    assert_int_equal(s.pairs, 14); /* before, no rank is safe enough */
    assert_true(s.is_final && fabs(s.ratio - 1.2) < 1e-12 && fabs(s.ratio_low - 1.2) < 1e-12);
    assert_int_equal(verdict_of(NULL, slower, 7).verdict, VERDICT_UNDECIDED);
    assert_true(isinf(verdict_of(NULL, slower, 7).ratio_high));
    assert_false(verdict_of(NULL, slower, 7).is_final);
    assert_int_equal(verdict_of(NULL, faster, 80).verdict, VERDICT_FASTER);
    assert_int_equal(verdict_of(NULL, same, 80).verdict, VERDICT_SAME);
    s = verdict_of(NULL, mixed, 80);
    assert_int_equal(s.verdict, VERDICT_UNDECIDED);
    assert_true(s.is_final && s.pairs == 80);
    assert_false(verdict_of(NULL, mixed, 79).is_final);
    assert_int_equal(verdict_of(&(VerdictRule){.band = 0.25}, slower, 80).verdict, VERDICT_SAME);
    assert_true(verdict_of(&(VerdictRule){.most_pairs = 20}, mixed, 80).pairs == 20);
    assert_int_equal(verdict_of(NULL, NULL, 0).pairs, 0);
}

/* A final answer stands whatever comes later. */
static void a_final_answer_stands(void **state)
{
    double x[80];
    (void)state;
    for (int i = 0; i < 80; i++) x[i] = i < 14 ? 0.2 : -0.2;
    VerdictState early = verdict_of(NULL, x, 14), late = verdict_of(NULL, x, 80);
    assert_true(early.is_final);
    assert_int_equal(early.verdict, VERDICT_SLOWER);
    assert_int_equal(late.verdict, early.verdict);
    assert_int_equal(late.pairs, early.pairs);
}

/* ---- rates ---- */

static uint64_t seed = 20261129;

static double uniform(void) /* splitmix64 */
{
    uint64_t z = (seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(double sd)
{
    return sd * sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979323846 * uniform());
}

static double noise_normal(void)
{
    return normal(0.1);
}

static double noise_of_outliers(void)
{
    return normal(uniform() < 0.85 ? 0.04 : 0.4);
}

static double noise_of_two_sides(void) /* Laplace */
{
    double u = uniform() - 0.5;
    return 0.1 * (u < 0 ? -1 : 1) * log(1 - 2 * fabs(u));
}

/* Far wider than the band: a machine with ten times as many processes as processors. */
static double noise_of_a_busy_machine(void)
{
    return normal(1);
}

typedef struct Rates {
    double faster, slower;
} Rates;

static Rates rates_of(double (*noise)(void), double effect, size_t pairs)
{
    enum { TRIALS = 4000 };
    Rates rates = {0};
    for (int t = 0; t < TRIALS; t++) {
        double x[160];
        for (size_t i = 0; i < pairs; i++) x[i] = noise() + log1p(effect);
        Verdict verdict = verdict_of(&(VerdictRule){.most_pairs = pairs}, x, pairs).verdict;
        rates.faster += verdict == VERDICT_FASTER;
        rates.slower += verdict == VERDICT_SLOWER;
    }
    return (Rates){rates.faster / TRIALS, rates.slower / TRIALS};
}

static void rates_hold(void **state)
{
    double (*const SHAPES[])(void) = {noise_normal, noise_of_outliers, noise_of_two_sides};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        Rates none = rates_of(SHAPES[i], 0, 40), ten = rates_of(SHAPES[i], 0.10, 80);
        print_message("shape %zu: A/A false %.2f %%, 10 %% found %.1f %%\n", i,
                      100 * (none.faster + none.slower), 100 * ten.slower);
        assert_true(none.faster + none.slower <= 0.01);
        assert_true(ten.slower >= 0.95);
        assert_true(ten.faster == 0);
    }
    Rates busy = rates_of(noise_of_a_busy_machine, 0, 40);
    print_message("busy: A/A false %.2f %%\n", 100 * (busy.faster + busy.slower));
    assert_true(busy.faster + busy.slower <= 0.013); /* 0.97 %, and twice the error of the trials */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_those_of_the_tables),
        cmocka_unit_test(plain_cases),
        cmocka_unit_test(a_final_answer_stands),
        cmocka_unit_test(rates_hold),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
