/* What is told of columns in files of other sizes, from the facts of one file, against what the
 * engine then writes. The facts are counted by SQL. */
#include "plan/values.h"
#include "plan_test.h"
#include <math.h>

/* Of its pages; *out_all with the Bloom filter. */
static int64_t column_bytes(World *world, const char *value, int64_t rows, int64_t *out_all)
{
    char *path = new_path(world);
    const ParquetWrite write = {
        .select_sql =
            arena_printf(world->arena, "SELECT %s AS v FROM range(%" PRId64 ") t(i)", value, rows),
        .path = path};
    ParquetStats stats;
    must(engine_write_parquet(world->arena, world->conn, &write, &stats));
    assert_int_equal(stats.rows, rows);
    *out_all = stats.size_bytes - stats.footer_bytes - 12;
    return stats.columns[0].bytes;
}

static int64_t counted(World *world, const char *value, int64_t rows, int64_t window)
{
    char *text = NULL;
    must(engine_scalar_text(
        world->arena, world->conn,
        arena_printf(
            world->arena,
            "SELECT round(avg(d))::BIGINT FROM (SELECT count(DISTINCT v) AS d FROM (SELECT "
            "i, %s AS v FROM range(%" PRId64 ") t(i)) GROUP BY i // %" PRId64 ")",
            value, rows / window * window, window),
        NULL, 0, &text));
    return strtoll(text, NULL, 10);
}

static Values values_of(World *world, const char *type, const char *value, int64_t rows,
                        double plain)
{
    int64_t all = 0;
    ColumnFacts facts = {
        .bytes = column_bytes(world, value, rows, &all), .plain = plain, .is_counted = true};
    size_t windows = facts_windows(rows);
    for (size_t i = 0; i < windows; i++)
        facts.distinct[i] = counted(world, value, rows, i + 1 < windows ? facts_window(i) : rows);
    return values_of_facts(type, &facts, rows);
}

static void tells_other_sizes(void **state)
{
    World *world = *state;
    static const struct {
        const char *type, *value;
        double plain; /* of one; by arithmetic or the entropy of its bytes */
    } KINDS[] = {
        {"DOUBLE", "hash(i) / 18446744073709551616.0", 6.7},
        {"BIGINT", "hash(i) % 1000", 1.375},
        {"BIGINT", "hash(i) % 1000000", 2.625},
        {"BIGINT", "hash(i) % 2", 0.25},
        {"DOUBLE", "5.25::DOUBLE", 0},
        {"DOUBLE", "(hash(i) % 200)::DOUBLE * 0.0625", 1.4},
        {"VARCHAR", "['ok', 'low', 'high', 'broken'][1 + (hash(i) % 4)::INTEGER]", 1.5},
        {"TIMESTAMP WITH TIME ZONE", "to_timestamp(i * 60)", 0},
        {"BOOLEAN", "hash(i) % 2 = 0", -1},
    };
    static const int64_t ROWS[] = {200, 3000, 20000, 130000};
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        Values values = values_of(world, KINDS[i].type, KINDS[i].value, 30000, KINDS[i].plain);
        for (size_t j = 0; j < sizeof ROWS / sizeof *ROWS; j++) {
            int64_t all = 0;
            (void)column_bytes(world, KINDS[i].value, ROWS[j], &all);
            double truth = (double)all;
            double told = values_bytes(&values, (double)ROWS[j], (double)ROWS[j]);
            if (fabs(told - truth) > 0.12 * truth + 200)
                fail_msg("%s, %" PRId64 " rows: %.0f told, %.0f written", KINDS[i].value, ROWS[j],
                         told, truth);
        }
    }
}

/* Ten files of the same rows take ten times as much; half of the rows without a value, half. */
static void adds_up(void **state)
{
    World *world = *state;
    Values values = values_of(world, "BIGINT", "hash(i) % 1000000", 30000, 2.625);
    double one = values_bytes(&values, 1000, 1000);
    assert_true(fabs(values_bytes(&values, 10000, 1000) - 10 * one) < 1);
    Values half = values_spread(&values, 500, 1000);
    assert_true(fabs(values_bytes(&half, 1000, 1000) - one / 2) < 80);
    Values none = values_none();
    assert_true(values_bytes(&none, 1000, 1000) == 0);
    Values both = values_join(&values, 1000, &none, 1000);
    assert_true(fabs(values_bytes(&both, 1000, 1000) - one / 2) < 80);
    assert_true(values_are_even(&(Values){.plain = 0.01}));
    assert_false(values_are_even(&values));
}

/* Means of three whole numbers have all digits of a double's fraction; their minimum has few. */
static void knows_aggregates(void **state)
{
    World *world = *state;
    Values values = values_of(world, "BIGINT", "hash(i) % 1000", 30000, 1.375);
    static const struct {
        AggKind kind;
        const char *sql;
    } AGGREGATES[] = {
        {AGG_AVG, "avg(v)"},         {AGG_MIN, "min(v)"},
        {AGG_SUM, "sum(v)::BIGINT"}, {AGG_STDDEV, "stddev_samp(v)"},
        {AGG_COUNT, "count(v)"},
    };
    for (size_t i = 0; i < sizeof AGGREGATES / sizeof *AGGREGATES; i++) {
        const ParquetWrite write = {
            .select_sql = arena_printf(world->arena,
                                       "SELECT %s AS v FROM (SELECT i, hash(i) %% 1000 AS v FROM "
                                       "range(30000) t(i)) GROUP BY i // 15 ORDER BY i // 15",
                                       AGGREGATES[i].sql),
            .path = new_path(world)};
        ParquetStats stats;
        must(engine_write_parquet(world->arena, world->conn, &write, &stats));
        Values made = values_aggregate(AGGREGATES[i].kind, &values, 15);
        double told = values_bytes(&made, 2000, 2000),
               truth = (double)(stats.size_bytes - stats.footer_bytes - 12);
        if (fabs(told - truth) > 0.15 * truth + 60)
            fail_msg("%s: %.0f told, %.0f written", AGGREGATES[i].sql, told, truth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_other_sizes),
        cmocka_unit_test(adds_up),
        cmocka_unit_test(knows_aggregates),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
