/* Order statistics: expectations by hand and by Python's statistics.quantiles(method="inclusive").
 */
#include "help.h"

static void test_of_few(void **state)
{
    (void)state;
    double none[1] = {5}, one[] = {7}, two[] = {3, 1}, three[] = {9, 1, 4};
    assert_true(stats_median(none, 0) == 0);
    assert_true(stats_median(one, 1) == 7 && stats_quantile(one, 1, 1) == 7);
    assert_true(stats_median(two, 2) == 2);
    assert_true(stats_median(three, 3) == 4);
}

/* statistics.quantiles([2, 8, 3, 5, 13, 21], n=10, method="inclusive") */
static void test_between_two_values(void **state)
{
    (void)state;
    static const double DECILES[] = {2.5, 3.0, 4.0, 5.0, 6.5, 8.0, 10.5, 13.0, 17.0};
    double values[] = {2, 8, 3, 5, 13, 21};
    for (int i = 0; i < 9; i++) {
        double got = stats_quantile(values, 6, (i + 1) / 10.0);
        assert_true(got > DECILES[i] - 1e-12 && got < DECILES[i] + 1e-12);
    }
    assert_true(stats_quantile(values, 6, 0) == 2 && stats_quantile(values, 6, 1) == 21);
}

/* What lies between two equal values is that value, also where their difference is not a number. */
static void test_infinite_values(void **state)
{
    (void)state;
    const double INF = 1e308 * 10;
    double values[] = {INF, 1, INF, INF};
    assert_true(stats_median(values, 4) == INF);
    assert_true(values[0] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_few),
        cmocka_unit_test(test_between_two_values),
        cmocka_unit_test(test_infinite_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
