/* Zones against Python's zoneinfo over the same TZif files, in both forms: "fat" tables up to 2037
 * and "slim" ones that leave the future to the rule. The expectations are files of data, made once.
 */
#include "help.h"
#include <inttypes.h>

static const Zone *load(Arena *arena, const char *name, const char *form)
{
    size_t size_bytes;
    const Zone *zone = NULL;
    char *bytes = data_read(arena, arena_printf(arena, "zones/%s.%s", name, form), &size_bytes);
    OK(zone_parse(arena, name, bytes, size_bytes, &zone));
    return zone;
}

static int64_t offset_s(const Zone *zone, int64_t time_s)
{
    return zone_offset_us(zone, time_s * US_PER_SECOND) / US_PER_SECOND;
}

/* Walks the list: the offset holds from its line to one second before the next. */
static void check_changes(const char *form)
{
    SCRATCH(arena);
    size_t size_bytes, checked = 0;
    char *rest = data_read(arena, "zone_changes.txt", &size_bytes), name[64], current[64] = "";
    const Zone *zone = NULL;
    int64_t time_s, offset, before = 0;
    for (char *line; (line = data_line(&rest)) != NULL; checked++) {
        assert_int_equal(sscanf(line, "%63s %" SCNd64 " %" SCNd64, name, &time_s, &offset), 3);
        if (strcmp(name, current) != 0) {
            zone = load(arena, name, form);
            strcpy(current, name);
        } else if (offset_s(zone, time_s - 1) != before) {
            fail_msg("%s %s before %" PRId64 ": %" PRId64, name, form, time_s,
                     offset_s(zone, time_s - 1));
        }
        if (offset_s(zone, time_s) != offset) {
            fail_msg("%s %s at %" PRId64 ": %" PRId64, name, form, time_s, offset_s(zone, time_s));
        }
        before = offset;
    }
    assert_true(checked > 1000);
}

static void test_offsets_of_slim_files(void **state)
{
    (void)state;
    check_changes("slim");
}

static void test_offsets_of_fat_files(void **state)
{
    (void)state;
    check_changes("fat");
}

static void test_local_to_instant(void **state)
{
    (void)state;
    SCRATCH(arena);
    size_t size_bytes, checked = 0;
    char *rest = data_read(arena, "zone_locals.txt", &size_bytes), name[64], current[64] = "";
    const Zone *zone = NULL;
    int64_t local_s, time_s;
    for (char *line; (line = data_line(&rest)) != NULL; checked++) {
        assert_int_equal(sscanf(line, "%63s %" SCNd64 " %" SCNd64, name, &local_s, &time_s), 3);
        if (strcmp(name, current) != 0) {
            zone = load(arena, name, checked % 2 == 0 ? "slim" : "fat");
            strcpy(current, name);
        }
        TimeUs got = zone_from_local(zone, local_s * US_PER_SECOND);
        if (got != time_s * US_PER_SECOND) {
            fail_msg("%s local %" PRId64 ": %" PRId64 " us instead of %" PRId64 " s", name, local_s,
                     got, time_s);
        }
    }
    assert_true(checked > 1000);
}

/* Each instant comes back, or the earlier one of a fold; the fraction of a second is kept. */
static void test_local_is_the_inverse(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const char *const NAMES[] = {"America_New_York", "Australia_Lord_Howe", "Pacific_Apia",
                                        "Europe_Dublin"};
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        const Zone *zone = load(arena, NAMES[i], "slim");
        for (TimeUs t = -100 * 365 * US_PER_DAY; t < 300 * 365 * US_PER_DAY;
             t += 7 * US_PER_HOUR + 250001) {
            TimeUs local = t + zone_offset_us(zone, t), back = zone_from_local(zone, local);
            assert_true(back == t || (back < t && back + zone_offset_us(zone, back) == local));
        }
    }
}

/* A day that Apia never had: 30 December 2011. */
static void test_a_skipped_day(void **state)
{
    (void)state;
    SCRATCH(arena);
    const Zone *zone = load(arena, "Pacific_Apia", "slim");
    TimeUs noon = 0, change = 0;
    OK(time_parse("2011-12-30 12:00", &noon));
    OK(time_parse("2011-12-30T10:00:00Z", &change));
    assert_int_equal(zone_from_local(zone, noon), change);
    assert_int_equal(zone_offset_us(zone, change - 1), -10 * US_PER_HOUR);
    assert_int_equal(zone_offset_us(zone, change), 14 * US_PER_HOUR);
}

static void test_far_past_and_future(void **state)
{
    (void)state;
    SCRATCH(arena);
    const Zone *zone = load(arena, "America_New_York", "slim");
    TimeUs t = 0;
    OK(time_parse("0001-01-01", &t));
    assert_int_equal(zone_offset_us(zone, t),
                     -17762 * US_PER_SECOND); /* local mean time, -4:56:02 */
    OK(time_parse("9999-07-01", &t));
    assert_int_equal(zone_offset_us(zone, t), -4 * US_PER_HOUR);
    OK(time_parse("9999-12-31", &t));
    assert_int_equal(zone_offset_us(zone, t), -5 * US_PER_HOUR);
    assert_int_equal(zone_from_local(zone, INT64_MIN), INT64_MIN + 17762 * US_PER_SECOND);
    assert_int_equal(zone_from_local(zone, INT64_MAX), INT64_MAX); /* nearest there is */
}

static void test_utc(void **state)
{
    (void)state;
    const Zone *utc = zone_utc();
    assert_string_equal(zone_name(utc), "UTC");
    TimeUs times[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    for (size_t i = 0; i < COUNT(times); i++) {
        assert_int_equal(zone_offset_us(utc, times[i]), 0);
        assert_int_equal(zone_from_local(utc, times[i]), times[i]);
    }
}

/* A file made by hand: version, one type, no changes, and a rule. */
static size_t make_file(char *out, char version, int offset, const char *rule)
{
    char *p = out;
    for (int block = 0; block < (version == 0 ? 1 : 2); block++) {
        memset(p, 0, 44);
        memcpy(p, "TZif", 4);
        p[4] = version;
        p[39] = 1; /* types */
        p[43] = 4; /* characters */
        p += 44;
        for (int i = 0; i < 4; i++) p[i] = (char)((unsigned)offset >> (24 - 8 * i));
        memcpy(p + 4, "\0\0XXX", 6);
        p += 10;
    }
    if (version == 0) return (size_t)(p - out);
    p += sprintf(p, "\n%s\n", rule);
    return (size_t)(p - out);
}

static const Zone *made(Arena *arena, const char *rule)
{
    char bytes[512];
    const Zone *zone = NULL;
    size_t size_bytes = make_file(bytes, '2', 0, rule);
    OK(zone_parse(arena, "made", bytes, size_bytes, &zone));
    return zone;
}

static int64_t offset_at(const Zone *zone, const char *text)
{
    TimeUs time = 0;
    OK(time_parse(text, &time));
    return zone_offset_us(zone, time) / US_PER_SECOND;
}

static void test_rules(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const struct {
        const char *rule, *time;
        int64_t offset_s;
    } CASES[] = {
        {"UTC0", "2024-07-01", 0},
        {"<+0530>-5:30", "2024-07-01", 19800},
        {"ABC3:15:10", "2024-07-01", -11710},
        /* Jn never counts 29 February: J60 is 1 March in leap years too; n does. */
        {"AAA0BBB,J60/0,J70/0", "2024-02-29T23:59:59Z", 0},
        {"AAA0BBB,J60/0,J70/0", "2024-03-01", 3600},
        {"AAA0BBB,J60/0,J70/0", "2023-03-01", 3600},
        {"AAA0BBB,59/0,70/0", "2024-02-28T23:59:59Z", 0},
        {"AAA0BBB,59/0,70/0", "2024-02-29", 3600},
        {"AAA0BBB,59/0,70/0", "2023-03-01", 3600},
        /* Default time 02:00, the last Sunday, negative and long hours (Godthab's Saturday 22:00).
         */
        {"AAA0BBB,M3.5.0,M10.5.0", "2024-03-31T01:59:59Z", 0},
        {"AAA0BBB,M3.5.0,M10.5.0", "2024-03-31T02:00:00Z", 3600},
        {"AAA0BBB,M3.5.0,M10.5.0", "2024-10-27T00:59:59Z", 3600},
        {"AAA0BBB,M3.5.0,M10.5.0", "2024-10-27T01:00:00Z", 0},
        {"AAA0BBB,M3.5.0/-2,M10.5.0/-1", "2024-03-30T21:59:59Z", 0},
        {"AAA0BBB,M3.5.0/-2,M10.5.0/-1", "2024-03-30T22:00:00Z", 3600},
        {"AAA0BBB,M3.4.4/50,M10.4.4/50", "2024-03-30T01:59:59Z", 0},
        {"AAA0BBB,M3.4.4/50,M10.4.4/50", "2024-03-30T02:00:00Z", 3600},
        /* Southern: daylight over new year. */
        {"AAA-10BBB,M10.1.0,M4.1.0/3", "2024-01-01", 39600},
        {"AAA-10BBB,M10.1.0,M4.1.0/3", "2024-07-01", 36000},
        /* Negative daylight (Dublin), and daylight all year. */
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-01-01", 0},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-07-01", 3600},
        {"EST5EDT,0/0,J365/25", "2024-01-01T05:00:00Z", -14400},
        {"EST5EDT,0/0,J365/25", "2024-12-31T23:59:59Z", -14400},
        {"EST5EDT,0/0,J365/25", "2025-01-01T04:30:00Z", -14400},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        int64_t got = offset_at(made(arena, CASES[i].rule), CASES[i].time);
        if (got != CASES[i].offset_s)
            fail_msg("%s at %s: %" PRId64, CASES[i].rule, CASES[i].time, got);
    }
}

/* Half an hour of daylight time (two hours ahead), and back: the gap in front of it ends where the
 * local clock passes the same hours again behind it. */
static void test_short_stretch(void **state)
{
    (void)state;
    SCRATCH(arena);
    const Zone *zone = made(arena, "AAA0BBB-2,100/0,100/2:30");
    static const struct {
        const char *local, *time;
    } CASES[] = {
        {"2023-04-10T23:59:59Z", "2023-04-10T23:59:59Z"},
        {"2023-04-11T00:15:00Z", "2023-04-11T00:00:00Z"}, /* in the gap */
        {"2023-04-11T01:00:00Z", "2023-04-11T01:00:00Z"}, /* behind it all */
        {"2023-04-11T02:15:00Z", "2023-04-11T00:15:00Z"}, /* daylight time, and again later */
        {"2023-04-11T02:45:00Z", "2023-04-11T02:45:00Z"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        TimeUs local = 0, time = 0;
        OK(time_parse(CASES[i].local, &local));
        OK(time_parse(CASES[i].time, &time));
        assert_int_equal(zone_from_local(zone, local), time);
    }
}

/* The 32-bit block of a "fat" file, alone, is a file of version 1. */
static void test_version_1_table(void **state)
{
    (void)state;
    SCRATCH(arena);
    size_t size_bytes, block = 44;
    unsigned char *bytes =
        (unsigned char *)data_read(arena, "zones/Australia_Lord_Howe.fat", &size_bytes);
    static const size_t WIDTHS[] = {1, 1, 8, 5, 6, 1}; /* isut, isstd, leap, time, type, char */
    for (size_t i = 0; i < COUNT(WIDTHS); i++) {
        block += WIDTHS[i] * ((size_t)bytes[22 + 4 * i] << 8 | bytes[23 + 4 * i]);
    }
    bytes[4] = 0;
    const Zone *zone = NULL;
    OK(zone_parse(arena, "v1", bytes, block, &zone));
    assert_int_equal(offset_at(zone, "1995-06-01"), 37800);
    assert_int_equal(offset_at(zone, "2024-01-01"), 39600);
    assert_int_equal(offset_at(zone, "2024-06-01"), 37800);
    assert_int_equal(offset_at(zone, "2099-01-01"), 39600); /* what the last change left */
    assert_int_equal(offset_at(zone, "2099-06-01"), 39600);
}

static void test_version_1_has_no_rule(void **state)
{
    (void)state;
    SCRATCH(arena);
    char bytes[512];
    const Zone *zone = NULL;
    OK(zone_parse(arena, "old", bytes, make_file(bytes, 0, -7200, NULL), &zone));
    assert_int_equal(offset_at(zone, "2024-07-01"), -7200);
    assert_string_equal(zone_name(zone), "old");
}

static void test_damaged_rules(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const char *const RULES[] = {
        "A",
        "AB0",
        "ABC",
        "ABC25",
        "ABC0DEF",
        "ABC0DEF,M3.5.0",
        "<ABC0",
        "ABC0:60",
        "ABC0 ",
        "ABC0DEF,,",
        "ABC0DEF,J0,J1",
        "ABC0DEF,J366,J1",
        "ABC0DEF,M13.1.0,M1.1.0",
        "ABC0DEF,M1.6.0,M1.1.0",
        "ABC0DEF,M1.1.7,M1.1.0",
        "ABC0DEF,M0.1.0,M1.1.0",
        "ABC0DEF,M1.0.0,M1.1.0",
        "ABC0DEF,366,1",
        "ABC0DEF,1/168,2",
        "ABC0DEF,1,2x",
        "ABC99999999999999999999",
    };
    for (size_t i = 0; i < COUNT(RULES); i++) {
        char bytes[512];
        const Zone *zone = NULL;
        size_t size_bytes = make_file(bytes, '2', 0, RULES[i]);
        Err *err = zone_parse(arena, "Some/Where", bytes, size_bytes, &zone);
        if (err == NULL) fail_msg("%s was taken", RULES[i]);
        assert_non_null(strstr(err_message(err), "Some/Where"));
        assert_null(zone);
        err_free(err);
    }
}

/* No prefix of a good file is a good file, except where only the text after the rule is missing. */
static void test_cut_files(void **state)
{
    (void)state;
    SCRATCH(arena);
    size_t size_bytes;
    char *bytes = data_read(arena, "zones/America_New_York.slim", &size_bytes);
    for (size_t cut = 0; cut < size_bytes; cut++) {
        SCRATCH(scratch);
        const Zone *zone;
        REFUSED(INVALID, zone_parse(scratch, "cut", arena_memdup(scratch, bytes, cut), cut, &zone));
    }
}

static void test_damaged_files(void **state)
{
    (void)state;
    SCRATCH(arena);
    const Zone *zone;
    char bytes[512];
    size_t size_bytes = make_file(bytes, 0, 0, NULL);
    REFUSED(INVALID, zone_parse(arena, "x", "hello", 5, &zone));
    bytes[39] = 0; /* no types */
    REFUSED(INVALID, zone_parse(arena, "x", bytes, size_bytes, &zone));
    memset(bytes + 20, 0xff, 24); /* counts beyond the file */
    REFUSED(INVALID, zone_parse(arena, "x", bytes, size_bytes, &zone));
    char *good = data_read(arena, "zones/Asia_Kolkata.slim", &size_bytes);
    size_t first = size_bytes;
    for (size_t i = 100; i + 16 < size_bytes && first == size_bytes; i++) {
        if (memcmp(good + i, "\xff\xff\xff\xff", 4) == 0) first = i;
    }
    assert_true(first < size_bytes);
    OK(zone_parse(arena, "x", good, size_bytes, &zone));
    memcpy(good + first + 8, good + first, 8); /* two changes at one instant */
    REFUSED(INVALID, zone_parse(arena, "x", good, size_bytes, &zone));
    size_bytes = make_file(bytes, 0, 100 * 3600, NULL);
    REFUSED(INVALID, zone_parse(arena, "x", bytes, size_bytes, &zone));
    size_bytes = make_file(bytes, 0, INT32_MIN, NULL);
    REFUSED(INVALID, zone_parse(arena, "x", bytes, size_bytes, &zone));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets_of_slim_files),
        cmocka_unit_test(test_offsets_of_fat_files),
        cmocka_unit_test(test_local_to_instant),
        cmocka_unit_test(test_local_is_the_inverse),
        cmocka_unit_test(test_a_skipped_day),
        cmocka_unit_test(test_far_past_and_future),
        cmocka_unit_test(test_utc),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_short_stretch),
        cmocka_unit_test(test_version_1_table),
        cmocka_unit_test(test_version_1_has_no_rule),
        cmocka_unit_test(test_damaged_rules),
        cmocka_unit_test(test_cut_files),
        cmocka_unit_test(test_damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
