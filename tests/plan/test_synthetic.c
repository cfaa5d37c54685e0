/* Synthetic points against values computed by Python's math and by the published splitmix64. */
#include "plan_test.h"

static const Rel *synthetic(World *world, SyntheticColumn *columns, size_t count, TimeUs start,
                            TimeUs end, int64_t interval)
{
    const Rel *rel = NULL;
    must(rel_synthetic(world->arena,
                       &(SyntheticSpec){.label = "/synthetic",
                                        .time_column = "timestamp",
                                        .start = start,
                                        .end = end,
                                        .interval_us = interval,
                                        .columns = columns,
                                        .column_count = count},
                       &rel));
    return rel;
}

static void expect_values(World *world, Wave *waves, size_t count, int64_t interval,
                          const double *values, size_t value_count)
{
    SyntheticColumn column = {"v", waves, count};
    const Rel *rel =
        synthetic(world, &column, 1, 0, (int64_t)(value_count - 1) * interval, interval);
    char *line = all_rows(world, rel);
    for (size_t i = 0; i < value_count; i++) {
        double value = strtod(strchr(line, '|') + 1, NULL), error = value - values[i];
        if (error > 1e-12 || error < -1e-12)
            fail_msg("row %zu: %.17g, wanted %.17g", i, value, values[i]);
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "");
}

static void test_shapes(void **state)
{
    World *world = *state;
    Wave sine = {.kind = WAVE_SINE, .amplitude = 3, .period_s = 86400, .phase = 0.5, .offset = 1.5};
    expect_values(world, &sine, 1, US_PER_HOUR, (double[]){2.938276615812609, 3.5706737705623093},
                  2);
    Wave triangle = {.kind = WAVE_TRIANGLE, .amplitude = 2, .period_s = 8, .offset = 1};
    expect_values(world, &triangle, 1, US_PER_SECOND, (double[]){1, 2, 3, 2, 1, 0, -1, 0, 1}, 9);
    triangle.phase = 1.5707963267948966;
    expect_values(world, &triangle, 1, US_PER_SECOND, (double[]){3, 2, 1}, 3);
    Wave square = {.kind = WAVE_SQUARE, .amplitude = 2, .period_s = 8, .offset = 1};
    expect_values(world, &square, 1, US_PER_SECOND, (double[]){3, 3, 3, 3, -1, -1, -1, -1, 3}, 9);
    Wave sum[] = {{.kind = WAVE_LINE, .slope = 0.5, .offset = -1},
                  {.kind = WAVE_LINE, .slope = 0.1}};
    expect_values(world, sum, 2, 500000, (double[]){-1, -0.7, -0.4, -0.1}, 4);
}

static void test_noise(void **state)
{
    World *world = *state;
    Wave noise = {.kind = WAVE_NOISE, .amplitude = 2.5, .offset = 10, .seed = 42};
    SyntheticColumn column = {"v", &noise, 1};
    assert_string_equal(
        all_rows(world, synthetic(world, &column, 1, 0, 2, 1)),
        "1970-01-01T00:00:00Z|11.207824393859116\n1970-01-01T00:00:00.000001Z|8.2995519643845999\n"
        "1970-01-01T00:00:00.000002Z|8.8930056512756934\n");
    noise = (Wave){.kind = WAVE_NOISE, .amplitude = 1, .seed = -1};
    const Rel *rel = synthetic(world, &column, 1, 0, 2000000, 1);
    assert_string_equal(rows_in(world, rel, 1000000, 1000000),
                        "1970-01-01T00:00:01Z|0.42963689485497958\n");
}

static void test_any_part_alone(void **state)
{
    World *world = *state;
    Wave waves[] = {{.kind = WAVE_SINE, .amplitude = 1, .period_s = 7},
                    {.kind = WAVE_NOISE, .amplitude = 1, .seed = 3}};
    SyntheticColumn column = {"v", waves, 2};
    const Rel *rel =
        synthetic(world, &column, 1, -50 * US_PER_SECOND, 51 * US_PER_SECOND, 7 * US_PER_SECOND);
    Buf parts = buf_new(world->arena);
    for (TimeUs from = -60 * US_PER_SECOND; from < 60 * US_PER_SECOND; from += 11 * US_PER_SECOND)
        buf_puts(&parts, rows_in(world, rel, from, from + 11 * US_PER_SECOND - 1));
    assert_string_equal(parts.data, all_rows(world, rel));
    RelExtent extent = rel_extent(world->arena, rel);
    assert_int_equal(extent.intervals[0].max, 48 * US_PER_SECOND); /* the last point, not the end */
    assert_int_equal(rel_rows_estimate(rel, ALL), 15);
    assert_int_equal(rel_rows_estimate(rel, (TimeSpan){-49 * US_PER_SECOND, -36 * US_PER_SECOND}),
                     2);
    assert_true(rel_is_in_order(rel) && rel_is_time_local(rel));
    /* seconds over ten thousand years cost only what is asked for */
    rel = synthetic(world, &column, 1, at("0001-01-01"), at("9999-12-31T23:59:59Z"), US_PER_SECOND);
    assert_int_equal(strlen(rows_in(world, rel, at("9999-12-31T23:59:59Z"), TIME_MAX)) > 20, 1);
    assert_string_equal(rows_in(world, rel, TIME_MIN, at("0001-01-01") - 1), "");
}

static void test_bad(void **state)
{
    World *world = *state;
    const Rel *rel = NULL;
    Wave flat = {.kind = WAVE_SINE, .amplitude = 1},
         huge = {.kind = WAVE_LINE, .slope = __builtin_inf()};
    SyntheticColumn columns[] = {{"v", NULL, 0}, {"v", NULL, 0}}, no_period = {"v", &flat, 1},
                    infinite = {"v", &huge, 1};
    SyntheticSpec spec = {.label = "/x", .time_column = "t", .end = 5, .interval_us = 0};
    expect_error(rel_synthetic(world->arena, &spec, &rel), ERR_INVALID,
                 "interval must be positive");
    spec.interval_us = 1;
    spec.end = -1;
    expect_error(rel_synthetic(world->arena, &spec, &rel), ERR_INVALID, "end lies before");
    spec.end = 5;
    spec.columns = columns;
    spec.column_count = 2;
    expect_error(rel_synthetic(world->arena, &spec, &rel), ERR_INVALID,
                 "two points are named \"v\"");
    spec.time_column = "v";
    expect_error(rel_synthetic(world->arena, &spec, &rel), ERR_INVALID,
                 "named like the time column");
    spec.time_column = "t";
    spec.column_count = 1;
    spec.columns = &no_period;
    expect_error(rel_synthetic(world->arena, &spec, &rel), ERR_INVALID, "period must be positive");
    spec.columns = &infinite;
    expect_error(rel_synthetic(world->arena, &spec, &rel), ERR_INVALID, "not a finite number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(test_shapes), WORLD_TEST(test_noise),
                                       WORLD_TEST(test_any_part_alone), WORLD_TEST(test_bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
