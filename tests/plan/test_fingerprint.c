/* Fingerprints: one ingredient changed at a time changes them, labels and paths do not. */
#include "plan_test.h"

static ScanFile base_file(World *world)
{
    Column *columns = AARRAY(world->arena, Column, 3);
    columns[0] = (Column){"ts", "BIGINT"};
    columns[1] = (Column){"v", "DOUBLE"};
    columns[2] = (Column){"t2", "BIGINT"};
    TimeSpan *span = ANEW(world->arena, TimeSpan);
    *span = (TimeSpan){0, 10};
    ScanFile file = {.path = "/p",
                     .label = "/a v1",
                     .rows = 10,
                     .size_bytes = 99,
                     .schema = {columns, 3},
                     .time_column = "ts",
                     .time_unit = TIME_UNIT_S,
                     .intervals = span,
                     .interval_count = 1,
                     .in_order = true};
    memset(file.sha256, 'a', 64);
    return file;
}

static const char *scan_print(World *world, ScanFile *files, size_t count, const char *label,
                              TimeSpan clip)
{
    const Rel *rel = NULL;
    must(rel_scan(world->arena,
                  &(ScanSpec){.label = label, .files = files, .file_count = count, .clip = clip},
                  &rel));
    return rel_fingerprint(rel);
}

static void test_scan(void **state)
{
    World *world = *state;
    const ScanFile file = base_file(world);
    ScanFile two[] = {file, file}, swapped[2], changed = file;
    two[1].sha256[0] = 'b';
    const char *one = scan_print(world, &changed, 1, "/a", ALL);
    assert_int_equal(strlen(one), 64);
    /* what does not count */
    changed.path = "/q";
    changed.label = "/b v7";
    changed.size_bytes = 98;
    assert_string_equal(scan_print(world, &changed, 1, "/b", ALL), one);
    changed.in_order = false;
    changed.interval_count = 0;
    assert_string_equal(scan_print(world, &changed, 1, "/a", ALL), one);
    /* what does */
    changed = file;
    changed.sha256[63] = 'b';
    assert_string_not_equal(scan_print(world, &changed, 1, "/a", ALL), one);
    changed = file;
    changed.rows = 11;
    assert_string_not_equal(scan_print(world, &changed, 1, "/a", ALL), one);
    changed = file;
    changed.time_unit = TIME_UNIT_MS;
    assert_string_not_equal(scan_print(world, &changed, 1, "/a", ALL), one);
    changed = file;
    changed.time_column = "t2";
    assert_string_not_equal(scan_print(world, &changed, 1, "/a", ALL), one);
    changed = file;
    assert_string_not_equal(scan_print(world, &changed, 1, "/a", (TimeSpan){TIME_MIN, 5}), one);
    assert_string_not_equal(scan_print(world, &changed, 1, "/a", (TimeSpan){5, TIME_MAX}), one);
    assert_string_not_equal(scan_print(world, two, 2, "/a", ALL), one);
    swapped[0] = two[1];
    swapped[1] = two[0];
    assert_string_not_equal(scan_print(world, swapped, 2, "/a", ALL),
                            scan_print(world, two, 2, "/a", ALL));
}

/* All differ from each other, none is empty, and a second making is equal. */
static void expect_all_different(const char *(*make)(World *, int), World *world, int count)
{
    for (int i = 0; i < count; i++) {
        const char *print = make(world, i);
        assert_int_equal(strlen(print), 64);
        assert_string_equal(print, make(world, i));
        for (int j = 0; j < i; j++) {
            if (strcmp(print, make(world, j)) == 0)
                fail_msg("variants %d and %d have one fingerprint", j, i);
        }
    }
}

static const Rel *input_of(World *world, char tag)
{
    ScanFile file = base_file(world);
    file.sha256[0] = tag;
    const Rel *rel = NULL;
    must(rel_scan(world->arena,
                  &(ScanSpec){.label = "/s", .files = &file, .file_count = 1, .clip = ALL}, &rel));
    return rel;
}

static const char *bucket_variant(World *world, int variant)
{
    BucketAgg aggs[] = {{AGG_SUM, "v", "x"}, {AGG_MIN, "v", "y"}};
    BucketSpec spec = {.label = "/b",
                       .time_column = "ts",
                       .width_us = 2 * US_PER_HOUR,
                       .base_width_us = 2 * US_PER_HOUR,
                       .aggs = aggs,
                       .agg_count = 1};
    char tag = 'a';
    switch (variant) {
    case 0: break;
    case 1: spec.width_us = 4 * US_PER_HOUR; break;
    case 2: spec.base_width_us = US_PER_HOUR; break;
    case 3: spec.origin = 1; break;
    case 4: spec.zone = "Europe/Berlin"; break;
    case 5: spec.zone = "America/New_York"; break;
    case 6: aggs[0].kind = AGG_AVG; break;
    case 7: aggs[0].name = "z"; break;
    case 8: aggs[0].column = "t2"; break;
    case 9: spec.agg_count = 2; break;
    case 10: tag = 'b'; break;
    default:
        aggs[0] = aggs[1];
        aggs[0].name = "x";
        break;
    }
    const Rel *rel = NULL;
    must(rel_bucket(world->plan, world->arena, input_of(world, tag), &spec, &rel));
    const Rel *relabelled = NULL;
    spec.label = "/elsewhere";
    must(rel_bucket(world->plan, world->arena, input_of(world, tag), &spec, &relabelled));
    assert_string_equal(rel_fingerprint(relabelled), rel_fingerprint(rel));
    return rel_fingerprint(rel);
}

static void test_bucket(void **state)
{
    expect_all_different(bucket_variant, *state, 12);
}

static const char *partial_variant(World *world, int variant)
{
    BucketAgg aggs[] = {{AGG_SUM, "v", "x"}, {AGG_MIN, "v", "y"}};
    BucketSpec spec = {.label = "/b",
                       .time_column = "ts",
                       .width_us = 4 * US_PER_HOUR,
                       .base_width_us = US_PER_HOUR,
                       .aggs = aggs,
                       .agg_count = 2};
    char tag = 'a';
    if (variant == 1) spec.base_width_us = 2 * US_PER_HOUR;
    if (variant == 2) spec.origin = 1;
    if (variant == 3) spec.zone = "Europe/Berlin";
    if (variant == 4) aggs[1].kind = AGG_LAST;
    if (variant == 5) aggs[0].column = aggs[1].column = "t2";
    if (variant == 6) tag = 'b';
    const Rel *rel = NULL;
    must(rel_bucket(world->plan, world->arena, input_of(world, tag), &spec, &rel));
    const char *print = rel_fingerprint(rel_bucket_partials(world->arena, rel));
    /* the width, the labels and the names of results do not matter to partials, avg needs what sum
     * does */
    spec.width_us = 8 * US_PER_HOUR;
    spec.label = "/c";
    aggs[0].name = "other";
    aggs[0].kind = AGG_AVG;
    must(rel_bucket(world->plan, world->arena, input_of(world, tag), &spec, &rel));
    assert_string_equal(rel_fingerprint(rel_bucket_partials(world->arena, rel)), print);
    return print;
}

static void test_partials(void **state)
{
    expect_all_different(partial_variant, *state, 7);
}

static const char *sql_variant(World *world, int variant)
{
    SqlInput inputs[] = {{"a", input_of(world, 'a')}, {"b", input_of(world, 'b')}};
    const char *query = "SELECT ts FROM a", *label = "/d";
    size_t count = 2;
    if (variant == 1) query = "SELECT ts  FROM a";
    if (variant == 2) inputs[0].name = "A";
    if (variant == 3) inputs[1].rel = input_of(world, 'c');
    if (variant == 4) count = 1;
    const Rel *rel = NULL, *other = NULL;
    must(rel_sql(world->arena, label, query, inputs, count, &rel));
    must(plan_resolve(world->plan, rel));
    must(rel_sql(world->arena, "/other", arena_printf(world->arena, "%s; ", query), inputs, count,
                 &other));
    must(plan_resolve(world->plan, other));
    assert_string_equal(rel_fingerprint(other),
                        rel_fingerprint(rel)); /* not the label, not the semicolon */
    return rel_fingerprint(rel);
}

static void test_sql(void **state)
{
    expect_all_different(sql_variant, *state, 5);
}

static const char *other_variant(World *world, int variant)
{
    const Rel *a = input_of(world, 'a'), *b = input_of(world, 'b'), *rel = NULL;
    ProjectColumn columns[] = {{"ts", "ts", NULL}, {"v", "w", NULL}};
    const Rel *pair[2] = {NULL, NULL};
    must(rel_project(world->arena, a, columns, 1, &pair[0]));
    must(rel_project(world->arena, b, columns, 1, &pair[1]));
    const Rel *turned[] = {pair[1], pair[0]};
    switch (variant) {
    case 0: must(rel_project(world->arena, a, columns, 2, &rel)); break;
    case 1: must(rel_project(world->arena, b, columns, 2, &rel)); break;
    case 2:
        columns[1].name = "x";
        must(rel_project(world->arena, a, columns, 2, &rel));
        break;
    case 3:
        columns[1].cast = "FLOAT";
        must(rel_project(world->arena, a, columns, 2, &rel));
        break;
    case 4:
        columns[1].source = "t2";
        must(rel_project(world->arena, a, columns, 2, &rel));
        break;
    case 5: must(rel_range(world->arena, a, (TimeSpan){0, 5}, &rel)); break;
    case 6: must(rel_range(world->arena, a, (TimeSpan){0, 6}, &rel)); break;
    case 7: must(rel_range(world->arena, a, (TimeSpan){1, 6}, &rel)); break;
    case 8: must(rel_union(world->arena, "/u", pair, 2, &rel)); break;
    case 9: must(rel_union(world->arena, "/u", turned, 2, &rel)); break;
    case 10: rel = a; break;
    default: rel = rel_empty(world->arena, "/e", NULL); break;
    }
    return rel_fingerprint(rel);
}

static void test_others(void **state)
{
    expect_all_different(other_variant, *state, 12);
}

static const char *synthetic_variant(World *world, int variant)
{
    Wave wave = {.kind = WAVE_SINE,
                 .amplitude = 1,
                 .period_s = 2,
                 .offset = 3,
                 .phase = 4,
                 .slope = 5,
                 .seed = 6};
    SyntheticColumn column = {"v", &wave, 1};
    SyntheticSpec spec = {.label = "/s",
                          .time_column = "t",
                          .start = 1,
                          .end = 2,
                          .interval_us = 3,
                          .columns = &column,
                          .column_count = 1};
    switch (variant) {
    case 0: break;
    case 1: wave.kind = WAVE_SQUARE; break;
    case 2: wave.amplitude = -1; break;
    case 3: wave.period_s = 2.5; break;
    case 4: wave.offset = 0; break;
    case 5: wave.phase = 0; break;
    case 6: wave.slope = 0; break;
    case 7: wave.seed = 0; break;
    case 8: spec.start = 0; break;
    case 9: spec.end = 3; break;
    case 10: spec.interval_us = 4; break;
    case 11: spec.time_column = "u"; break;
    default: column.name = "w"; break;
    }
    const Rel *rel = NULL;
    must(rel_synthetic(world->arena, &spec, &rel));
    return rel_fingerprint(rel);
}

static void test_synthetic(void **state)
{
    expect_all_different(synthetic_variant, *state, 13);
}

/* Trees without user SQL are built, resolved and asked without the engine. */
static void test_no_engine(void **state)
{
    (void)state;
    SCRATCH(arena);
    World world = {.arena = arena, .plan = plan_new(arena, NULL)};
    assert_false(engine_is_loaded());
    const Rel *scan = input_of(&world, 'a'), *bucket = NULL, *project = NULL, *rel = NULL;
    BucketAgg aggs[] = {{AGG_SUM, "v", "x"}};
    must(rel_bucket(world.plan, arena, scan,
                    &(BucketSpec){.label = "/b",
                                  .time_column = "ts",
                                  .width_us = US_PER_HOUR,
                                  .base_width_us = US_PER_HOUR,
                                  .aggs = aggs,
                                  .agg_count = 1},
                    &bucket));
    ProjectColumn columns[] = {{"ts", "ts", "TIMESTAMPTZ"}, {"v", "x", "double"}};
    must(rel_project(arena, scan, columns, 2, &project));
    must(rel_union(arena, "/u", (const Rel *[]){bucket, project}, 2, &rel));
    must(plan_resolve(world.plan, rel));
    assert_int_equal(rel_schema(rel)->count, 2);
    assert_int_equal(strlen(rel_fingerprint(rel)), 64);
    assert_true(rel_extent(arena, rel).known);
    assert_int_equal(rel_rows_estimate(rel, ALL), 11);
    assert_false(engine_is_loaded());
    plan_close_at(&world.plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_engine), WORLD_TEST(test_scan), WORLD_TEST(test_bucket),
        WORLD_TEST(test_partials),        WORLD_TEST(test_sql),  WORLD_TEST(test_others),
        WORLD_TEST(test_synthetic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
