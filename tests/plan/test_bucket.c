/* Buckets: every aggregate against arithmetic done by hand or by Python. */
#include "plan_test.h"

static const Rel *hours_of(World *world, const char *sql, BucketAgg *aggs, size_t count)
{
    ScanFile file = make_file(world, sql, "ts", TIME_UNIT_NONE);
    const Rel *rel = NULL, *scan = scan_of(world, &file, 1);
    must(rel_bucket(world->plan, world->arena, scan,
                    &(BucketSpec){.label = "/r/res=1h.series",
                                  .time_column = "ts",
                                  .width_us = US_PER_HOUR,
                                  .base_width_us = US_PER_HOUR,
                                  .aggs = aggs,
                                  .agg_count = count},
                    &rel));
    return rel;
}

static void test_every_aggregate(void **state)
{
    World *world = *state;
    BucketAgg aggs[] = {
        {AGG_COUNT, NULL, "timestamp.count"}, {AGG_COUNT, "v", "v.count"}, {AGG_SUM, "v", "v.sum"},
        {AGG_AVG, "v", "v.avg"},              {AGG_MIN, "v", "v.min"},     {AGG_MAX, "v", "v.max"},
        {AGG_FIRST, "v", "v.first"},          {AGG_LAST, "v", "v.last"},   {AGG_STDDEV, "v", "v.stddev"},
    };
    const Rel *rel = hours_of(world,
                              "SELECT * FROM (VALUES (TIMESTAMPTZ '2024-01-01 00:50:00+00', 7.0::DOUBLE),"
                              "('2024-01-01 00:10:00+00', NULL), ('2024-01-01 00:20:00+00', 2.0),"
                              "('2024-01-01 00:30:00+00', 4.5), ('2024-01-01 02:00:00+00', 1.25)) AS t(ts, v)",
                              aggs, 9);
    /* statistics.stdev([2, 4.5, 7]) = 2.5 */
    assert_string_equal(all_rows(world, rel), "2024-01-01T00:00:00Z|4|3|13.5|4.5|2|7|2|7|2.5\n"
                                              "2024-01-01T02:00:00Z|1|1|1.25|1.25|1.25|1.25|1.25|1.25|NULL\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(test_every_aggregate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
