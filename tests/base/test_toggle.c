/* Toggles: texts that set them, and that a bad text sets nothing. */
#include "help.h"

static void reset(void)
{
    for (int i = 0; i < TOGGLE_COUNT; i++) toggle_set((Toggle)i, true);
}

static void test_set(void **state)
{
    (void)state;
    reset();
    OK(toggles_parse("here", ""));
    OK(toggles_parse("here", "dir_memo=off,,name_memo=off,dir_memo=on,"));
    assert_true(toggle_on(TOGGLE_dir_memo));
    assert_false(toggle_on(TOGGLE_name_memo));
    OK(toggles_parse("here", "all=off,workers=on"));
    for (int i = 0; i < TOGGLE_COUNT; i++)
        assert_int_equal(toggle_on((Toggle)i), i == TOGGLE_workers);
}

static void test_refused(void **state)
{
    static const char *const TEXTS[] = {"dir_memo",      "dir_memo=",   "dir_memo=of", "=off",
                                        "dir_memo=off=", "nothing=off", "dir_memooff", "all",
                                        "dir=off",       "dir_memo=OFF"};
    (void)state;
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        char text[64];
        reset();
        (void)snprintf(text, sizeof text, "name_memo=off,%s", TEXTS[i]);
        REFUSED(USAGE, toggles_parse("here", text));
        assert_true(toggle_on(TOGGLE_name_memo));
    }
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < TOGGLE_COUNT; i++) {
        const char *name = toggle_info((Toggle)i)->name;
        assert_int_equal(toggle_by_name(name, strlen(name)), i);
        assert_int_equal(toggle_by_name(name, strlen(name) - 1), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
