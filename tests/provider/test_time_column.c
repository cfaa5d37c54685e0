/* Which column is the time, and what an integer time counts. */
#include "provider_test.h"

static ptrdiff_t found(Bench *bench, const char *wanted, size_t count, const Column *columns)
{
    ptrdiff_t index = -2;
    Column *copy = arena_memdup(bench->arena, columns, count * sizeof *columns);
    OK(time_column_find(&(Schema){copy, count}, wanted, "file", &index));
    return index;
}
#define FOUND(wanted, ...)                                                                         \
    found(bench, (wanted), COUNT_OF(((Column[]){__VA_ARGS__})), (Column[]){__VA_ARGS__})

static void test_rule(void **state)
{
    Bench *bench = *state;
    assert_int_equal(FOUND(NULL, {"a", "DOUBLE"}, {"timestamp", "TIMESTAMP"}), 1);
    assert_int_equal(FOUND(NULL, {"date", "DATE"}, {"ts", "TIMESTAMP"}),
                     1); /* ts goes before date */
    assert_int_equal(FOUND(NULL, {"time", "TIMESTAMP"}, {"event_time", "BIGINT"}), 1);
    assert_int_equal(FOUND(NULL, {"When", "TIMESTAMP_NS"}, {"a", "DATE2"}),
                     0);                                                  /* the only time-typed */
    assert_int_equal(FOUND(NULL, {"Timestamp", "BIGINT"}), 0);            /* whatever its case */
    assert_int_equal(FOUND(NULL, {"time", "VARCHAR"}, {"x", "DATE"}), 1); /* no time in text */
    assert_int_equal(FOUND(NULL, {"a", "DOUBLE"}, {"b", "BIGINT"}), -1);
    assert_int_equal(FOUND(NULL, {"ts", "INTEGER"}), -1); /* 32 bits hold no epoch beyond 2038 */
    assert_int_equal(FOUND("b", {"timestamp", "TIMESTAMP"}, {"b", "BIGINT"}), 1);
    assert_true(time_column_is_named("DateTime") && !time_column_is_named("date_time"));
}

static void test_refused(void **state)
{
    Bench *bench = *state;
    ptrdiff_t index = 0;
    Column two[] = {{"began", "TIMESTAMP"}, {"v", "DOUBLE"}, {"ended", "DATE"}};
    HAS(FAILS(bench->arena, INVALID, time_column_find(&(Schema){two, 3}, NULL, "file", &index)),
        "file: several columns could be the time: 'began', 'ended' | say which with ?time=COLUMN");
    assert_int_equal(index, -1);
    HAS(FAILS(bench->arena, NOT_FOUND,
              time_column_find(&(Schema){two, 3}, "begun", "file", &index)),
        "file: no column 'begun' | did you mean 'began'?");
}

static void test_units(void **state)
{
    static const struct {
        TimeUnit unit;
        int64_t factor;
    } UNITS[] = {{TIME_UNIT_S, 1},
                 {TIME_UNIT_MS, 1000},
                 {TIME_UNIT_US, 1000000},
                 {TIME_UNIT_NS, 1000000000}};
    (void)state;
    for (size_t u = 0; u < COUNT_OF(UNITS); u++) {
        for (int year = 1971; year < 2200; year++) {
            int64_t seconds =
                civil_to_time((Civil){.year = year, .month = 1, .day = 1}) / US_PER_SECOND;
            assert_int_equal(time_unit_guess(seconds * UNITS[u].factor), UNITS[u].unit);
        }
    }
    const int64_t none[] = {0, 1, 2024, 20240701, -1, INT64_MIN, INT64_MAX, INT64_C(10000000000)};
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_int_equal(time_unit_guess(none[i]), TIME_UNIT_NONE);
}

static void test_unit_names(void **state)
{
    Bench *bench = *state;
    TimeUnit unit = TIME_UNIT_NONE;
    OK(time_unit_parse("ns", &unit));
    assert_int_equal(unit, TIME_UNIT_NS);
    HAS(FAILS(bench->arena, INVALID, time_unit_parse("", &unit)), "not one of s, ms, us, ns");
    HAS(FAILS(bench->arena, INVALID, time_unit_parse("S", &unit)), "unit 'S'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rule),
        TEST(test_refused),
        TEST(test_units),
        TEST(test_unit_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
