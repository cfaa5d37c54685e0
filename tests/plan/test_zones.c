/* Buckets of points around changes of clocks, in zones and from origins, against Python's zoneinfo
 * (make_zone_cases.py); and a quarter of a year of seconds as hours. */
#include "plan/plan_int.h"
#include "plan_test.h"
#include <stdio.h>

typedef struct Case {
    char zone[64];
    int64_t width, origin, start, step, points; /* s */
    int buckets;
    char hash[65];
} Case;

static BucketAgg AGGS[] = {{AGG_COUNT, NULL, "n"},
                           {AGG_SUM, "v", "sum"},
                           {AGG_FIRST, "v", "first"},
                           {AGG_LAST, "v", "last"}};

/* In two files that overlap, the later points first. */
static const Rel *points_of(World *world, const Case *c)
{
    ScanFile files[2];
    const int64_t middle = c->points / 2;
    for (int i = 0; i < 2; i++) {
        const char *sql = arena_printf(
            world->arena,
            "SELECT make_timestamptz((%" PRId64 " + i * %" PRId64 " + i * 7919 %% %" PRId64
            ") * 1000000) AS ts, (i * 31 %% 997 - 400)::DOUBLE AS v FROM range(%" PRId64
            ") r(i) WHERE (i < %" PRId64 " AND i %% 10 < 8) %s",
            c->start, c->step, c->step, c->points, middle, i == 0 ? "IS NOT TRUE" : "IS TRUE");
        files[i] = make_file(world, sql, "ts", TIME_UNIT_NONE);
        files[i] = with_span(world, files[i], c->start * US_PER_SECOND,
                             (c->start + (c->points + 1) * c->step) * US_PER_SECOND);
        files[i].in_order = false;
    }
    return scan_of(world, files, 2);
}

static const Rel *buckets_of(World *world, const Case *c, const Rel *points, int64_t base)
{
    const Rel *rel = NULL;
    must(rel_bucket(world->plan, world->arena, points,
                    &(BucketSpec){.label = "/r",
                                  .time_column = "ts",
                                  .width_us = c->width * US_PER_SECOND,
                                  .base_width_us = base * US_PER_SECOND,
                                  .origin = c->origin * US_PER_SECOND,
                                  .zone = c->zone,
                                  .aggs = AGGS,
                                  .agg_count = 4},
                    &rel));
    must(plan_resolve(world->plan, rel));
    return rel;
}

static void check_case(World *world, const Case *c, int number)
{
    char hash[65];
    const Rel *points = points_of(world, c), *rel = buckets_of(world, c, points, c->width);
    char *whole = all_rows(world, rel);
    int lines = 0;
    for (const char *p = whole; *p != '\0'; p++) lines += *p == '\n';
    sha256_of(whole, strlen(whole), hash);
    if (lines != c->buckets || strcmp(hash, c->hash) != 0)
        fail_msg("case %d: %s, width %" PRId64 ", origin %" PRId64 ": %d buckets\n%.400s", number,
                 c->zone, c->width, c->origin, lines, whole);
    /* folded from quarters of an hour, and cut anywhere */
    const Rel *folded = buckets_of(world, c, points, 900);
    const TimeUs cut =
        (c->start + c->points * c->step * (1 + number % 7) / 9) * US_PER_SECOND + number % 3;
    const char *both = arena_printf(world->arena, "%s%s", rows_in(world, folded, TIME_MIN, cut),
                                    rows_in(world, folded, cut + 1, TIME_MAX));
    assert_string_equal(both, whole);
}

static void test_changes_of_clocks(void **state)
{
    World *world = *state;
    char *text, *save = NULL;
    size_t size;
    const char *source = getenv("POND_SOURCE"), *given = getenv("POND_ZONE_CASES");
    const char *path =
        arena_printf(world->arena, "%s/tests/plan/zone_cases.tsv", source != NULL ? source : ".");
    int cases = 0;
    must(os_read_file(world->arena, given != NULL ? given : path, 1 << 24, &text, &size));
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        Case c;
        int fields =
            sscanf(line, "%63s %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %d %64s",
                   c.zone, &c.width, &c.origin, &c.start, &c.step, &c.points, &c.buckets, c.hash);
        assert_int_equal(fields, 8);
        check_case(world, &c, cases++);
    }
    if (given == NULL) assert_int_equal(cases, 144);
}

/* 7,776,000 points, one a second, are 2,160 hours of 3,600; their values are the seconds since the
 * start. */
static void test_seconds_to_hours(void **state)
{
    World *world = *state;
    enum { HOURS = 2160 };
    static BucketAgg aggs[] = {{AGG_COUNT, NULL, "n"}, {AGG_SUM, "v", "sum"}};
    ScanFile file = make_file(world,
                              "SELECT make_timestamptz((1704067200 + i) * 1000000) AS ts, "
                              "i::DOUBLE AS v FROM range(7776000) r(i)",
                              "ts", TIME_UNIT_NONE);
    file = with_span(world, file, at("2024-01-01"), at("2024-03-30T23:59:59Z"));
    const Rel *rel = NULL;
    must(rel_bucket(world->plan, world->arena, scan_of(world, &file, 1),
                    &(BucketSpec){.label = "/r",
                                  .time_column = "ts",
                                  .width_us = US_PER_HOUR,
                                  .base_width_us = US_PER_HOUR,
                                  .aggs = aggs,
                                  .agg_count = 2},
                    &rel));
    Buf wanted = buf_new(world->arena);
    for (int64_t hour = 0; hour < HOURS; hour++)
        buf_printf(&wanted, "%s|3600|%.17g\n",
                   time_format(world->arena, at("2024-01-01") + hour * US_PER_HOUR),
                   (double)(3600 * 3600 * hour + 3600 * 3599 / 2));
    assert_string_equal(all_rows(world, rel), wanted.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_changes_of_clocks),
        WORLD_TEST(test_seconds_to_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
