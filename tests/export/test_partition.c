/* Parts of time, calendar windows and the automatic choice. Expected windows are written by hand
 * from the calendar. */
#include "export_test.h"

static Parts parts_of(const char *text)
{
    Parts parts;
    OK(parts_parse(text, &parts));
    return parts;
}

static TimeUs at(const char *text)
{
    TimeUs time;
    OK(time_parse(text, &time));
    return time;
}

static void test_parts_that_parse(void **state)
{
    (void)state;
    static const char *const GOOD[][2] = {
        {"year", "year"},
        {"year,month", "year,month"},
        {" year , month ", "year,month"},
        {"year,quarter", "year,quarter"},
        {"year,quarter,month,day", "year,quarter,month,day"},
        {"year,month,day,hour,minute,second", "year,month,day,hour,minute,second"},
    };
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        Parts parts = parts_of(GOOD[i][0]);
        assert_string_equal(parts_text(fx.arena, &parts), GOOD[i][1]);
    }
}

static void test_parts_that_do_not(void **state)
{
    (void)state;
    Parts parts;
    FAILS(parts_parse("", &parts), USAGE, "not a part of time");
    FAILS(parts_parse("year,", &parts), USAGE, "''");
    FAILS(parts_parse("yaer", &parts), USAGE, "did you mean 'year'?");
    FAILS(parts_parse("Year", &parts), USAGE, "did you mean 'year'?");
    FAILS(parts_parse("week", &parts), USAGE, "week");
    FAILS(parts_parse("year;month", &parts), USAGE, "year;month");
    FAILS(parts_parse("month,year", &parts), USAGE, "'month' without 'year'");
    FAILS(parts_parse("year,year", &parts), USAGE, "twice");
    FAILS(parts_parse("year,month,quarter", &parts), USAGE, "'quarter' after 'month'");
    FAILS(parts_parse("month", &parts), USAGE, "write 'year,month'");
    FAILS(parts_parse("year,day", &parts), USAGE, "'day' without 'month'");
    FAILS(parts_parse("year,quarter,day", &parts), USAGE, "'day' without 'month'");
    FAILS(parts_parse("year,month,hour", &parts), USAGE, "'hour' without 'day'");
}

static void test_windows_are_the_calendars(void **state)
{
    (void)state;
    static const struct {
        const char *parts, *time, *begin, *next, *dir;
    } CASES[] = {
        {"year", "2024-07-01T12:34:56Z", "2024-01-01", "2025-01-01", "year=2024"},
        {"year,quarter", "2024-05-31T23:59:59Z", "2024-04-01", "2024-07-01", "year=2024/quarter=2"},
        {"year,quarter", "2024-12-31", "2024-10-01", "2025-01-01", "year=2024/quarter=4"},
        {"year,month", "2024-02-29T23:59:59.999999Z", "2024-02-01", "2024-03-01",
         "year=2024/month=2"},
        {"year,month", "2024-12-01", "2024-12-01", "2025-01-01", "year=2024/month=12"},
        {"year,month", "1969-12-31T23:59:59.999999Z", "1969-12-01", "1970-01-01",
         "year=1969/month=12"},
        {"year,month,day", "1900-02-28T13:00:00Z", "1900-02-28", "1900-03-01",
         "year=1900/month=2/day=28"},
        {"year,month,day", "9999-12-31", "9999-12-31", NULL, "year=9999/month=12/day=31"},
        {"year,month,day,hour", "2024-07-01T05:59:59Z", "2024-07-01T05:00:00Z",
         "2024-07-01T06:00:00Z", "year=2024/month=7/day=1/hour=5"},
        {"year,month,day,hour,minute,second", "2024-07-01T05:59:59.5Z", "2024-07-01T05:59:59Z",
         "2024-07-01T06:00:00Z", "year=2024/month=7/day=1/hour=5/minute=59/second=59"},
        {"year", "0001-01-01", "0001-01-01", "0002-01-01", "year=1"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        Parts parts = parts_of(CASES[i].parts);
        TimeSpan window = parts_window(&parts, at(CASES[i].time));
        assert_int_equal(window.min, at(CASES[i].begin));
        if (CASES[i].next != NULL)
            assert_int_equal(window.max, at(CASES[i].next) - 1);
        else
            assert_int_equal(window.max - window.min, US_PER_DAY - 1);
        assert_string_equal(parts_dir(fx.arena, &parts, at(CASES[i].time)), CASES[i].dir);
    }
}

static void test_the_ends_of_time(void **state)
{
    (void)state;
    Parts parts = parts_of("year,month");
    assert_int_equal(parts_window(&parts, INT64_MAX).max, TIME_MAX);
    assert_int_equal(parts_window(&parts, INT64_MIN).min, TIME_MIN);
    parts = (Parts){0};
    TimeSpan all = parts_window(&parts, 0);
    assert_int_equal(all.min, TIME_MIN);
    assert_int_equal(all.max, TIME_MAX);
    assert_string_equal(parts_dir(fx.arena, &parts, 0), "");
}

static RelExtent extent_of(TimeSpan *spans, size_t count)
{
    return (RelExtent){.known = true, .intervals = spans, .count = count};
}

/* Each window once, none where there are no rows, whatever lies between. */
static void test_windows_follow_the_intervals(void **state)
{
    (void)state;
    TimeSpan spans[] = {
        {at("1970-01-01T00:07:00Z"), at("1970-01-01T00:07:00Z")},
        {at("2024-01-15"), at("2024-02-02")},
        {at("2024-02-20"), at("2024-02-21")},
        {at("9999-12-31"), at("9999-12-31")},
    };
    RelExtent extent = extent_of(spans, 4);
    Parts parts = parts_of("year,month");
    SpanVec windows = {0};
    assert_true(parts_windows(fx.arena, &parts, &extent, (TimeSpan){TIME_MIN, TIME_MAX}, &windows));
    assert_int_equal(windows.n, 4);
    assert_int_equal(windows.v[0].min, 0);
    assert_int_equal(windows.v[1].min, at("2024-01-01"));
    assert_int_equal(windows.v[2].min, at("2024-02-01"));
    assert_int_equal(windows.v[2].max, at("2024-03-01") - 1);
    assert_int_equal(windows.v[3].min, at("9999-12-01"));
    assert_int_equal(parts_count(&parts, &extent, (TimeSpan){TIME_MIN, TIME_MAX}, 1000), 4);
    assert_int_equal(parts_count(&parts, &extent, (TimeSpan){TIME_MIN, TIME_MAX}, 2), 3);
}

static void test_bounds_are_inclusive_and_clip(void **state)
{
    (void)state;
    TimeSpan spans[] = {{at("2024-01-15"), at("2024-06-15")}};
    RelExtent extent = extent_of(spans, 1);
    Parts parts = parts_of("year,month");
    TimeSpan bounds = {at("2024-02-10"), at("2024-04-01")};
    SpanVec windows = {0};
    assert_true(parts_windows(fx.arena, &parts, &extent, bounds, &windows));
    assert_int_equal(windows.n, 3);
    assert_int_equal(windows.v[0].min, bounds.min);
    assert_int_equal(windows.v[0].max, at("2024-03-01") - 1);
    assert_int_equal(windows.v[2].min, at("2024-04-01")); /* that one instant */
    assert_int_equal(windows.v[2].max, at("2024-04-01"));
    SpanVec none = {0};
    assert_true(
        parts_windows(fx.arena, &parts, &extent, (TimeSpan){at("2025-01-01"), TIME_MAX}, &none));
    assert_int_equal(none.n, 0);
}

static void test_no_more_than_the_limit(void **state)
{
    (void)state;
    Parts parts = parts_of("year,month,day,hour,minute,second");
    TimeSpan spans[] = {{0, (TimeUs)PARTITION_LIMIT * US_PER_SECOND - 1}};
    RelExtent extent = extent_of(spans, 1);
    SpanVec windows = {0};
    assert_true(parts_windows(fx.arena, &parts, &extent, (TimeSpan){TIME_MIN, TIME_MAX}, &windows));
    assert_int_equal(windows.n, PARTITION_LIMIT);
    spans[0].max++;
    windows.n = 0;
    assert_false(
        parts_windows(fx.arena, &parts, &extent, (TimeSpan){TIME_MIN, TIME_MAX}, &windows));
}

static const char *chosen(const char *begin, const char *end, int64_t grid_us, int64_t rows)
{
    TimeSpan spans[] = {{at(begin), at(end)}};
    RelExtent extent = extent_of(spans, 1);
    Parts parts = parts_choose(&extent, (TimeSpan){TIME_MIN, TIME_MAX}, grid_us, rows);
    return parts_text(fx.arena, &parts);
}

static void test_the_automatic_choice(void **state)
{
    (void)state;
    const char *b = "2022-01-01", *e = "2024-12-31T23:59:59Z"; /* 3 years, 36 months, 1,096 days */
    assert_string_equal(chosen(b, e, US_PER_DAY, 1096), "year");
    assert_string_equal(chosen(b, e, US_PER_HOUR, 1096 * 24), "year");
    assert_string_equal(chosen(b, e, US_PER_HOUR - 1, 1), "year,month");
    assert_string_equal(chosen(b, e, US_PER_MINUTE, 1096 * 1440), "year,month");
    /* By rows: 26,304 hourly ones make one file; a row a minute, 43,800 a month; a row a second,
     * 86,400 a day. */
    assert_string_equal(chosen(b, e, 1, 26304), "");
    assert_string_equal(chosen(b, e, 1, 300000), "year");
    assert_string_equal(chosen(b, e, 1, 1096 * 1440), "year,month");
    assert_string_equal(chosen(b, e, US_PER_SECOND, 1096 * INT64_C(86400)), "year,month,day");
    assert_string_equal(chosen(b, e, 1, 0), "");
    assert_string_equal(chosen(b, e, 1, -1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_parts_that_parse),
        TEST(test_parts_that_do_not),
        TEST(test_windows_are_the_calendars),
        TEST(test_the_ends_of_time),
        TEST(test_windows_follow_the_intervals),
        TEST(test_bounds_are_inclusive_and_clip),
        TEST(test_no_more_than_the_limit),
        TEST(test_the_automatic_choice),
    };
    return cmocka_run_group_tests_name("partition", tests, NULL, NULL);
}
