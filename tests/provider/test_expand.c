/* ${env:}, ${var:} and $$ in configurations. */
#include "provider_test.h"

static Err *expand(Bench *bench, const char *text, char **out)
{
    Yaml *tree = NULL;
    OK(yaml_parse(bench->arena, text, strlen(text), &tree));
    TRY(provider_expand(bench->provider, bench->arena, tree));
    *out = yaml_write(bench->arena, tree);
    return NULL;
}

static void test_expands(void **state)
{
    static const char *const PAIRS[][2] = {
        {"a: ${var:key}\n", "a: last\n"}, /* of equal keys the last one given */
        {"a: x${var:key}y${var:key}\n", "a: xlastylast\n"},
        {"a: ${env:POND_TEST_SET}\n", "a: of the environment\n"},
        {"a: ${env:POND_TEST_UNSET:-other}\n", "a: other\n"},
        {"a: ${env:POND_TEST_SET:-other}\n", "a: of the environment\n"},
        {"a: ${var:none:-a:-b}\n", "a: a:-b\n"},
        {"a: $$5 $0 ${10} $x $\n", "a: $5 $0 ${10} $x $\n"},
        {"a: $${var:key}\n", "a: ${var:key}\n"},
        {"a: $$$${var:key}\n", "a: $${var:key}\n"},
        {"a: [{b: \"${var:key}\"}, 2]\n", "a:\n- b: \"last\"\n- 2\n"},
    };
    Bench *bench = *state;
    assert_int_equal(setenv("POND_TEST_SET", "of the environment", 1), 0);
    assert_int_equal(unsetenv("POND_TEST_UNSET"), 0);
    for (size_t i = 0; i < COUNT_OF(PAIRS); i++) {
        Yaml *want = NULL;
        char *got = NULL;
        OK(expand(bench, PAIRS[i][0], &got));
        OK(yaml_parse(bench->arena, PAIRS[i][1], strlen(PAIRS[i][1]), &want));
        assert_string_equal(got, yaml_write(bench->arena, want));
    }
}

/* Values are text, whatever stands in them: they are not expanded again, and make no new keys. */
static void test_values_are_not_read_again(void **state)
{
    Bench *bench = *state;
    Yaml *tree = NULL;
    const char *text = "a: ${env:POND_TEST_EVIL}\n";
    assert_int_equal(setenv("POND_TEST_EVIL", "${var:key}\nb: 1", 1), 0);
    OK(yaml_parse(bench->arena, text, strlen(text), &tree));
    OK(provider_expand(bench->provider, bench->arena, tree));
    assert_int_equal(tree->count, 1);
    assert_string_equal(yaml_get(tree, "a")->text, "${var:key}\nb: 1");
    OK(provider_expand(bench->provider, bench->arena, NULL));
}

static void test_refused(void **state)
{
    Bench *bench = *state;
    char *out = NULL;
    HAS(FAILS(bench->arena, INVALID, expand(bench, "a: 1\nb: ${var:nokey}\n", &out)),
        "line 2, column 4: variable 'nokey' is not set | pass -v nokey=value");
    HAS(FAILS(bench->arena, INVALID, expand(bench, "a: ${env:POND_TEST_UNSET}\n", &out)),
        "environment variable 'POND_TEST_UNSET' is not set");
    HAS(FAILS(bench->arena, INVALID, expand(bench, "a: '${var:key'\n", &out)), "'${' without '}'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_expands),
        TEST(test_values_are_not_read_again),
        TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
