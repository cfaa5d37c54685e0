/* Bucket boundaries against a table made by looking at the clock minute by minute
 * (make_grid_cases.py), and against facts about single days. */
#include "plan/plan_int.h"
#include "plan_test.h"

static const Zone *zone_named(World *world, const char *name)
{
    const Zone *zone = NULL;
    must(plan_zone(world->plan, name, &zone));
    return zone;
}

static void test_table(void **state)
{
    World *world = *state;
    char *text, *save = NULL, name[64];
    size_t size;
    const char *source = getenv("POND_SOURCE");
    char *path =
        arena_printf(world->arena, "%s/tests/plan/grid_cases.tsv", source != NULL ? source : ".");
    must(os_read_file(world->arena, path, 1 << 20, &text, &size));
    int cases = 0;
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        Grid grid = {0};
        TimeUs time, start, next;
        int fields = sscanf(line, "%63s %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64,
                            name, &grid.width_us, &grid.origin, &time, &start, &next);
        assert_int_equal(fields, 6);
        grid.zone = zone_named(world, name);
        if (grid_floor(&grid, time) != start || grid_next(&grid, start) != next)
            fail_msg("%s: start %" PRId64 ", next %" PRId64, line, grid_floor(&grid, time),
                     grid_next(&grid, start));
        assert_int_equal(grid_floor(&grid, start), start);
        assert_int_equal(grid_floor(&grid, next - 1), start);
        assert_int_equal(grid_floor(&grid, next), next);
        cases++;
    }
    assert_int_equal(cases, 792);
}

static int buckets_between(const Grid *grid, TimeUs from, TimeUs to)
{
    int count = 0;
    for (TimeUs start = grid_floor(grid, from); start < to; start = grid_next(grid, start)) count++;
    return count;
}

static void test_days_of_change(void **state)
{
    World *world = *state;
    Grid hour = {.width_us = US_PER_HOUR, .zone = zone_named(world, "America/New_York")};
    assert_int_equal(buckets_between(&hour, at("2024-11-03T04:00:00Z"), at("2024-11-04T05:00:00Z")),
                     25);
    assert_int_equal(buckets_between(&hour, at("2024-03-10T05:00:00Z"), at("2024-03-11T04:00:00Z")),
                     23);
    Grid six = {.width_us = 6 * US_PER_HOUR, .zone = hour.zone};
    assert_int_equal(buckets_between(&six, at("2024-11-03T04:00:00Z"), at("2024-11-04T05:00:00Z")),
                     4);
    Grid day = {.width_us = US_PER_DAY, .zone = zone_named(world, "Pacific/Apia")};
    /* 30 December 2011 did not happen: the 29th ends where the 31st begins */
    assert_int_equal(grid_next(&day, at("2011-12-29T10:00:00Z")), at("2011-12-30T10:00:00Z"));
    assert_int_equal(buckets_between(&day, at("2011-12-29T10:00:00Z"), at("2012-01-01T10:00:00Z")),
                     3);
}

static void test_utc(void **state)
{
    (void)state;
    Grid grid = {.width_us = 7 * US_PER_DAY};
    assert_int_equal(grid_floor(&grid, -1), -7 * US_PER_DAY);
    assert_int_equal(grid_floor(&grid, 0), 0);
    assert_int_equal(grid_floor(&grid, -7 * US_PER_DAY), -7 * US_PER_DAY);
    assert_int_equal(grid_floor(&grid, at("9999-12-31T23:59:59.999999Z")), at("9999-12-30"));
    grid.origin = at("2024-01-01"); /* a Monday */
    assert_int_equal(grid_floor(&grid, at("2023-12-31T23:59:59Z")), at("2023-12-25"));
    assert_int_equal(grid_floor(&grid, TIME_MIN), TIME_MIN);
    assert_int_equal(grid_next(&grid, grid_floor(&grid, TIME_MAX)), TIME_MAX);
}

static void expect_widened(const Grid *grid, TimeSpan out, TimeUs min, TimeUs max)
{
    TimeSpan in = grid_widen(grid, out);
    if (in.min != min || in.max != max) fail_msg("[%" PRId64 ", %" PRId64 "]", in.min, in.max);
}

static void test_widening(void **state)
{
    (void)state;
    Grid grid = {.width_us = 10};
    expect_widened(&grid, (TimeSpan){20, 40}, 20, 49);
    expect_widened(&grid, (TimeSpan){21, 40}, 30, 49);
    expect_widened(&grid, (TimeSpan){19, 39}, 20, 39);
    expect_widened(&grid, ALL, TIME_MIN, TIME_MAX);
    expect_widened(&grid, (TimeSpan){TIME_MIN, -1}, TIME_MIN, -1);
    TimeSpan none = grid_widen(&grid, (TimeSpan){21, 29});
    assert_true(none.min > none.max);
}

/* Every wider boundary is a finer one, whatever the clocks do. */
static void test_nesting(void **state)
{
    World *world = *state;
    static const char *const ZONES[] = {"Australia/Lord_Howe", "America/Havana", "Pacific/Apia",
                                        "Europe/Dublin"};
    for (size_t i = 0; i < 4; i++) {
        const Zone *zone = zone_named(world, ZONES[i]);
        Grid fine = {.width_us = US_PER_HOUR / 2, .zone = zone},
             wide = {.width_us = 12 * US_PER_HOUR, .zone = zone};
        TimeUs end = at("2013-01-01");
        for (TimeUs start = grid_floor(&wide, at("2011-01-01")); start < end;
             start = grid_next(&wide, start))
            assert_int_equal(grid_floor(&fine, start), start);
    }
}

static void test_rules_hash(void **state)
{
    World *world = *state;
    char berlin[65], paris[65], again[65], kolkata[65];
    zone_rules_hash(zone_named(world, "Europe/Berlin"), berlin);
    zone_rules_hash(zone_named(world, "Europe/Paris"), paris);
    zone_rules_hash(zone_named(world, "Asia/Kolkata"), kolkata);
    zone_rules_hash(zone_named(world, "Asia/Calcutta"), again); /* another name of the same */
    assert_string_not_equal(berlin, paris);
    assert_string_equal(kolkata, again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_table),    WORLD_TEST(test_days_of_change), WORLD_TEST(test_utc),
        WORLD_TEST(test_widening), WORLD_TEST(test_nesting),        WORLD_TEST(test_rules_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
