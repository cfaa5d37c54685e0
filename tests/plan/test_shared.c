/* Trees that share their parts: forty levels, each of which reads the one below twice, are 2^40
 * ways to the leaf. Every question must go each node once. */
#include "lite.h"
#include "perf/ops.h"

enum { LEVELS = 40 };

static const Rel *leaf(World *world)
{
    ScanFile file = make_file(world,
                              "SELECT make_timestamptz(i * 1000000) AS ts, i AS n FROM range(100) "
                              "t(i)",
                              "ts", TIME_UNIT_NONE);
    file = with_span(world, file, 0, 99 * US_PER_SECOND);
    return scan_of(world, &file, 1);
}

/* Two sides of one relation, reduced to one column again. */
static const Rel *join_level(World *world, const Rel *below, int level)
{
    const Rel *joined = NULL, *rel = NULL;
    JoinInput sides[] = {{below, "A"}, {below, "B"}};
    BucketAgg agg = {AGG_MAX, "B.n", "n"};
    must(rel_join(world->plan, world->arena, &(JoinSpec){"/j", "ts", .inputs = sides, .count = 2},
                  &joined));
    must(rel_bucket(world->plan, world->arena, joined,
                    &(BucketSpec){.label = arena_printf(world->arena, "/b%d", level),
                                  .time_column = "ts",
                                  .width_us = 7 * US_PER_SECOND,
                                  .base_width_us = US_PER_SECOND,
                                  .aggs = &agg,
                                  .agg_count = 1},
                    &rel));
    return rel;
}

static const Rel *sql_level(World *world, const Rel *below, int level)
{
    const Rel *rel = NULL;
    must(rel_sql(world->arena, arena_printf(world->arena, "/q%d", level),
                 "SELECT a.ts, b.n FROM a JOIN b ON a.ts = b.ts",
                 (SqlInput[]){{"a", below}, {"b", below}}, 2, &rel));
    return rel;
}

static const Rel *union_level(World *world, const Rel *below, int level)
{
    const Rel *sorted = rel_sort(world->arena, below), *rel = NULL;
    must(rel_union(world->arena, arena_printf(world->arena, "/u%d", level),
                   (const Rel *[]){sorted, sorted}, 2, &rel));
    return rel;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) count++;
    return count;
}

static const Rel *tower(World *world, const Rel *(*level)(World *, const Rel *, int), int levels)
{
    const Rel *rel = leaf(world);
    for (int i = 0; i < levels; i++) rel = level(world, rel, i);
    must(plan_resolve(world->plan, rel));
    return rel;
}

static void ask_everything(World *world, const Rel *rel, const char *name, size_t nodes,
                           size_t leaf_files)
{
    const ScanFile **files = NULL;
    size_t count = 0;
    Arena *arena = world->arena;
    assert_int_equal(strlen(rel_fingerprint(rel)), 64);
    (void)rel_extent(arena, rel);
    rel_inputs_in(arena, rel, (TimeSpan){10 * US_PER_SECOND, 20 * US_PER_SECOND}, &files, &count);
    assert_int_equal(count, leaf_files);
    assert_true(rel_rows_estimate(rel, (TimeSpan){0, 20 * US_PER_SECOND}) > 0);
    (void)rel_cut_down(rel, 20 * US_PER_SECOND + 1);
    (void)rel_is_in_order(rel);
    const char *text = rel_tree_text(arena, rel);
    assert_int_equal(count_of(text, name), 2 * nodes - 1); /* each, and again "as above" */
    assert_int_equal(count_of(text, "as above"), nodes - 1);
}

static void test_joins(void **state)
{
    World *world = *state;
    const Rel *rel = tower(world, join_level, LEVELS);
    ask_everything(world, rel, "join /j", LEVELS, 1);
    RelExtent extent = rel_extent(world->arena, rel);
    assert_true(extent.known && extent.count == 1);
    assert_int_equal(extent.intervals[0].min, 0);
    assert_int_equal(extent.intervals[0].max, 98 * US_PER_SECOND);
    assert_int_equal(rel_cut_down(rel, 20 * US_PER_SECOND), 14 * US_PER_SECOND);
    /* what would take longer than anyone waits is not begun */
    char *rows = NULL;
    expect_error(rows_of(world, rel, (RelRead){.span = ALL}, &rows), ERR_LIMIT,
                 "/b39: it reads its inputs in more than 100000 ways");
    assert_string_equal(rows_in(world, tower(world, join_level, 3), 0, 10 * US_PER_SECOND),
                        "1970-01-01T00:00:00Z|6\n1970-01-01T00:00:07Z|13\n");
}

static void test_sql(void **state)
{
    World *world = *state;
    uint64_t before = perf_read(PERF_schema_sql);
    const Rel *rel = tower(world, sql_level, LEVELS);
    assert_int_equal(perf_read(PERF_schema_sql) - before,
                     LEVELS); /* the engine is asked once each */
    ask_everything(world, rel, "sql /q", LEVELS, 1);
    char *rows = NULL;
    expect_error(rows_of(world, rel, (RelRead){.span = ALL}, &rows), ERR_LIMIT,
                 "more than 100000 ways");
    assert_string_equal(
        rows_in(world, tower(world, sql_level, 3), 5 * US_PER_SECOND, 5 * US_PER_SECOND),
        "1970-01-01T00:00:05Z|5\n");
}

static void test_unions(void **state)
{
    World *world = *state;
    /* the lowest is a scan of its file twice */
    ask_everything(world, tower(world, union_level, LEVELS), "union /u", LEVELS - 1, 2);
    const Rel *rel = tower(world, union_level, 3);
    assert_int_equal(rel_rows_estimate(rel, ALL), 800);
    assert_int_equal(count_of(all_rows(world, rel), "\n"), 800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_joins),
        WORLD_TEST(test_sql),
        WORLD_TEST(test_unions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
