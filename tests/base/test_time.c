/* The calendar and the texts of times and durations, against Python's datetime (data files) and
 * literals. */
#include "help.h"
#include <inttypes.h>

static void test_civil_against_datetime(void **state)
{
    (void)state;
    SCRATCH(arena);
    size_t size_bytes, checked = 0;
    char *rest = data_read(arena, "civil.txt", &size_bytes);
    for (char *line; (line = data_line(&rest)) != NULL; checked++) {
        TimeUs time;
        Civil c;
        int n = sscanf(line, "%" SCNd64 " %d %d %d %d %d %d %d", &time, &c.year, &c.month, &c.day,
                       &c.hour, &c.minute, &c.second, &c.microsecond);
        assert_int_equal(n, 8);
        Civil got = civil_of(time);
        assert_memory_equal(&got, &c, sizeof c);
        assert_int_equal(civil_to_time(c), time);
    }
    assert_true(checked > 250);
}

/* Every day of the years 1 to 9999, counted by hand. */
static void test_every_day(void **state)
{
    (void)state;
    TimeUs time = INT64_C(-62135596800) * US_PER_SECOND;
    for (int year = 1; year <= 9999; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 1; month <= 12; month++) {
            int days = month == 2                                              ? (leap ? 29 : 28)
                       : month == 4 || month == 6 || month == 9 || month == 11 ? 30
                                                                               : 31;
            assert_int_equal(days_in_month(year, month), days);
            for (int day = 1; day <= days; day++, time += US_PER_DAY) {
                Civil c = civil_of(time);
                if (c.year != year || c.month != month || c.day != day)
                    fail_msg("%d-%d-%d", year, month, day);
                if (civil_to_time(c) != time) fail_msg("back: %d-%d-%d", year, month, day);
            }
        }
    }
    assert_int_equal(time, INT64_C(253402300800) * US_PER_SECOND);
}

static TimeUs parsed(const char *text)
{
    TimeUs time = 0;
    OK(time_parse(text, &time));
    return time;
}

static void test_overflowing_fields(void **state)
{
    (void)state;
    static const struct {
        Civil civil;
        const char *same;
    } CASES[] = {
        {{.year = 2024, .month = 13, .day = 1}, "2025-01-01"},
        {{.year = 2024, .month = 0, .day = 1}, "2023-12-01"},
        {{.year = 2024, .month = -12, .day = 1}, "2022-12-01"},
        {{.year = 2024, .month = 2, .day = 30}, "2024-03-01"},
        {{.year = 2024, .month = 3, .day = 0}, "2024-02-29"},
        {{.year = 2024, .month = 1, .day = 366, .hour = 24}, "2025-01-01"},
        {{.year = 1970, .month = 1, .day = 1, .second = -1}, "1969-12-31 23:59:59"},
        {{.year = 1970, .month = 1, .day = 1, .minute = 1500}, "1970-01-02 01:00"},
        {{.year = 2024, .month = 25, .day = 1, .microsecond = 2000000}, "2026-01-01 00:00:02"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(civil_to_time(CASES[i].civil), parsed(CASES[i].same));
    }
    assert_int_equal(civil_to_time((Civil){.year = INT32_MAX, .month = INT32_MAX}), INT64_MAX);
    assert_int_equal(civil_to_time((Civil){.year = INT32_MIN, .month = INT32_MIN}), INT64_MIN);
    Civil last = civil_of(INT64_MAX), first = civil_of(INT64_MIN);
    assert_int_equal(last.year, 294247);
    assert_int_equal(first.year, -290308);
    assert_int_equal(civil_to_time(last), INT64_MAX);
    assert_int_equal(civil_to_time(first), INT64_MIN);
}

static void test_rfc3339_against_datetime(void **state)
{
    (void)state;
    SCRATCH(arena);
    size_t size_bytes, checked = 0;
    char *rest = data_read(arena, "rfc3339.txt", &size_bytes), text[64];
    for (char *line; (line = data_line(&rest)) != NULL; checked++) {
        TimeUs wanted;
        assert_int_equal(sscanf(line, "%63s %" SCNd64, text, &wanted), 2);
        if (parsed(text) != wanted) fail_msg("%s", text);
        assert_int_equal(parsed(time_format(arena, wanted)), wanted);
    }
    assert_int_equal(checked, 120);
}

static void test_spans(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const struct {
        const char *text, *begin, *end;
    } CASES[] = {
        {"2024-02-29", "2024-02-29T00:00:00Z", "2024-02-29T23:59:59.999999Z"},
        {"2024-07-01 12:30", "2024-07-01T12:30:00Z", "2024-07-01T12:30:59.999999Z"},
        {"2024-07-01T12:30+02:00", "2024-07-01T10:30:00Z", "2024-07-01T10:30:59.999999Z"},
        {"2024-07-01 12:30:05", "2024-07-01T12:30:05Z", "2024-07-01T12:30:05.999999Z"},
        {"2024-07-01 12:30:05 -05:30", "2024-07-01T18:00:05Z", "2024-07-01T18:00:05.999999Z"},
        {"2024-07-01t12:30:05.5z", "2024-07-01T12:30:05.5Z", "2024-07-01T12:30:05.5Z"},
        {"2024-07-01T12:30:05.123456000Z", "2024-07-01T12:30:05.123456Z",
         "2024-07-01T12:30:05.123456Z"},
        {"0s", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.999999Z"},
        {"-1ms", "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999999Z"},
        {"1720000000000ms", "2024-07-03T09:46:40Z", "2024-07-03T09:46:40.000999Z"},
        {"1us", "1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.000001Z"},
        {"0001-01-01", "0001-01-01T00:00:00Z", "0001-01-01T23:59:59.999999Z"},
        {"9999-12-31", "9999-12-31T00:00:00Z", "9999-12-31T23:59:59.999999Z"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        TimeUs begin = 0, end = 0;
        OK(time_parse_span(CASES[i].text, &begin, &end));
        assert_string_equal(time_format(arena, begin), CASES[i].begin);
        assert_string_equal(time_format(arena, end), CASES[i].end);
        assert_int_equal(parsed(CASES[i].text), begin);
    }
}

static void test_refused_times(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "",
        " ",
        "x",
        "2024",
        "2024-7-1",
        "24-07-01",
        "2024-07",
        "2024-07-01 ",
        " 2024-07-01",
        "2024-00-01",
        "2024-13-01",
        "2024-07-00",
        "2024-07-32",
        "2023-02-29",
        "1900-02-29",
        "0000-01-01",
        "-001-01-01",
        "10000-01-01",
        "2024-07-01T",
        "2024-07-01 1:00",
        "2024-07-01 12",
        "2024-07-01 24:00",
        "2024-07-01 12:60",
        "2024-07-01 12:30:60",
        "2024-07-01 12:30:61",
        "2024-07-01 12:30:00.",
        "2024-07-01 12:30:00.1234567",
        "2024-07-01T12:30:00,5Z",
        "2024-07-01T12:30:00+2",
        "2024-07-01T12:30:00+0200",
        "2024-07-01T12:30:00+24:00",
        "2024-07-01T12:30:00+02:60",
        "2024-07-01T12:30:00ZZ",
        "2024-07-01T12:30:00Z ",
        "2024/07/01",
        "2024-07-01X12:30",
        "2024-07-01Z",
        "1720000000",
        "1.5s",
        "s",
        "-s",
        "--1s",
        "1720000000S",
        "1720000000ns",
        "9223372036854775807us",
        "99999999999999999999999s",
        "253402300800s",
        "-62135596801s",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2024-07-01 12:30:00 +",
        "2024-07-01 12:30: 1",
    };
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        TimeUs time = 77;
        Err *err = time_parse(TEXTS[i], &time);
        if (err == NULL) fail_msg("'%s' was taken", TEXTS[i]);
        assert_int_equal(err_code(err), ERR_INVALID);
        assert_non_null(err_hint_text(err));
        assert_int_equal(time, 77);
        err_free(err);
    }
}

static void test_formats(void **state)
{
    (void)state;
    SCRATCH(arena);
    assert_string_equal(time_format(arena, 0), "1970-01-01T00:00:00Z");
    assert_string_equal(time_format(arena, -1), "1969-12-31T23:59:59.999999Z");
    assert_string_equal(time_format(arena, 120000), "1970-01-01T00:00:00.12Z");
    assert_string_equal(time_format(arena, 12), "1970-01-01T00:00:00.000012Z");
    assert_string_equal(time_format_human(arena, 0), "1970-01-01 00:00:00");
    assert_string_equal(time_format(arena, INT64_MAX), "+294247-01-10T04:00:54.775807Z");
    assert_string_equal(time_format(arena, INT64_MIN), "-290308-12-21T19:59:05.224192Z");
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } CASES[] = {
        {"30s", 30 * US_PER_SECOND}, {"15m", 15 * US_PER_MINUTE},
        {"1h", US_PER_HOUR},         {"1d", US_PER_DAY},
        {"1w", 7 * US_PER_DAY},      {"1h30m", 90 * US_PER_MINUTE},
        {"500ms", 500000},           {"1us", 1},
        {"0h1m", US_PER_MINUTE},     {"1w2d3h4m5s6ms7us", INT64_C(788645006007)},
        {"90m", 90 * US_PER_MINUTE}, {"106751991d", 106751991 * US_PER_DAY},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        int64_t us = 0;
        OK(duration_parse(CASES[i].text, &us));
        assert_int_equal(us, CASES[i].us);
    }
}

static void test_refused_durations(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "",
        "5",
        "m",
        "-5m",
        "+5m",
        "0s",
        "0h0m",
        "1.5h",
        "1 h",
        "1h ",
        " 1h",
        "1hour",
        "1H",
        "1M",
        "1y",
        "1mo",
        "30m1h",
        "1h1h",
        "1h30",
        "106751992d",
        "9223372036854775808us",
        "99999999999999999999s",
        "1e3s",
        "1h-5m",
    };
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        int64_t us = 77;
        Err *err = duration_parse(TEXTS[i], &us);
        if (err == NULL) fail_msg("'%s' was taken", TEXTS[i]);
        assert_int_equal(err_code(err), ERR_INVALID);
        assert_int_equal(us, 77);
        err_free(err);
    }
}

static void test_durations_for_people(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const struct {
        int64_t us;
        const char *text;
    } CASES[] = {
        {0, "0 us"},
        {999, "999 us"},
        {1000, "1.0 ms"},
        {1234567, "1.2 s"},
        {59999999, "59.9 s"},
        {185 * US_PER_SECOND, "3 min 05 s"},
        {-1500, "-1.5 ms"},
        {2 * US_PER_HOUR + 61 * US_PER_SECOND, "2 h 01 min"},
        {27 * US_PER_HOUR, "1 d 03 h"},
        {INT64_MIN, "-106751991 d 04 h"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_string_equal(duration_format(arena, CASES[i].us), CASES[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_civil_against_datetime),
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_overflowing_fields),
        cmocka_unit_test(test_rfc3339_against_datetime),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_refused_times),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_refused_durations),
        cmocka_unit_test(test_durations_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
