/* Facts of columns as JSON: what is written comes back, and what is no such record is none. */
#include "plan_test.h"

static void comes_back(void **state)
{
    (void)state;
    SCRATCH(arena);
    const ColumnFacts facts[] = {
        {.bytes = 66, .plain = 0, .is_counted = true, .distinct = {32, 128, 512, 900}},
        {.bytes = -1, .nulls = 7, .plain = -1, .is_counted = true, .distinct = {2, 2, 2, 2}},
        {.bytes = 4000, .plain = 5.6874},
    };
    char *text = facts_to_json(arena, facts, 3, 900);
    assert_string_equal(text, "{\"columns\":[[66,0,0,32,128,512,900],[-1,7,-1,2],[4000,0,5687]]}");
    ColumnFacts *back = facts_from_json(arena, text, 3, 900);
    assert_int_equal(back[0].distinct[3], 900);
    assert_int_equal(back[1].distinct[3], 2);
    assert_int_equal(back[1].bytes, -1);
    assert_int_equal(back[1].nulls, 7);
    assert_true(back[1].plain < 0);
    assert_false(back[2].is_counted);
    assert_true(back[2].plain == 5.687);
}

static void is_none(void **state)
{
    (void)state;
    SCRATCH(arena);
    static const char *const BAD[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"columns\":5}",
        "{\"columns\":[]}",
        "{\"columns\":[5]}",
        "{\"columns\":[[1,2]]}",
        "{\"columns\":[[1,0,\"x\"]]}",
        "{\"columns\":[[1,0,-2]]}",
        "{\"columns\":[[1,-1,0]]}",
        "{\"columns\":[[1,901,0]]}",
        "{\"columns\":[[1,0,0,901]]}",
        "{\"columns\":[[1,0,0,-1]]}",
        "{\"columns\":[[1,0,0,1,2,3,4,5]]}",
        "{\"columns\":[[1,0,1e99]]}",
        "{\"columns\":[[1,0,0],[1,0,0]]}",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        if (facts_from_json(arena, BAD[i], 1, 900) != NULL) fail_msg("taken: %s", BAD[i]);
    assert_null(facts_from_json(arena, NULL, 1, 900));
    assert_non_null(facts_from_json(arena, "{\"columns\":[[1,0,0,1,2,3,4]],\"x\":1}", 1, 900));
    assert_null(facts_from_json(arena, "{\"columns\":[[1,0,0,1]]}", 1, 0));
}

static void is_bounded(void **state)
{
    (void)state;
    SCRATCH(arena);
    ColumnFacts *facts = AARRAY(arena, ColumnFacts, 1001);
    assert_non_null(facts_to_json(arena, facts, 1000, 5));
    assert_null(facts_to_json(arena, facts, 1001, 5));
    assert_null(facts_to_json(arena, facts, 1, 0));
    assert_int_equal(facts_windows(32), 1);
    assert_int_equal(facts_windows(33), 2);
    assert_int_equal(facts_windows(INT64_MAX), FACT_WINDOWS + 1);
}

static void others_are_seen(void **state)
{
    (void)state;
    assert_true(facts_are_all(NULL));
    assert_true(facts_are_all("{\"columns\":[[1,0,0]]}"));
    assert_false(facts_are_all("{\"columns\":[[1,0,0]],\"x\":1}"));
    assert_false(facts_are_all("{\"x\":1}"));
    assert_false(facts_are_all("{"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(is_none),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(others_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
