/* Statements of a run: of several runs as one, what is kept of them, and the plans beside the
 * history. */
#include "report_test.h"
#include <sys/stat.h>

/* One statement: a scan below a filter. */
static Run a_run(const char *shape, const char *plan, uint64_t calls, const char *logical)
{
    RunQuery *query = ANEW(arena, RunQuery);
    RunOperator *operators = AARRAY(arena, RunOperator, 2);
    RunPass *pass = ANEW(arena, RunPass);
    *query = (RunQuery){.shape = shape,
                        .plan = plan,
                        .plan_before = "",
                        .text = "SELECT \"a\" FROM t WHERE b = ?",
                        .calls = calls,
                        .profiled = *plan != '\0' ? calls : 0,
                        .asked = calls,
                        .total_ms = 2 * (double)calls,
                        .max_ms = 3,
                        .rows = 10 * calls,
                        .versions = 4 * calls,
                        .versions_read = calls,
                        .estimate_off = 1.5,
                        .operators = *plan != '\0' ? 2 : 0,
                        .filters_left = *plan != '\0',
                        .logical = logical,
                        .optimized = logical,
                        .physical = ""};
    operators[0] = (RunOperator){
        .shape = shape, .name = "FILTER", .detail = "(b = ?)", .rows = 3, .estimate = -1};
    operators[1] = (RunOperator){
        .shape = shape, .name = "SCAN", .detail = "a, b", .depth = 1, .rows = 9, .estimate = 8};
    *pass = (RunPass){.shape = shape, .name = "binding", .ms = 0.25};
    return (Run){.id = arena_printf(arena, "%016x", (unsigned)calls),
                 .command = "pond cat /a",
                 .version = "1",
                 .host = "h",
                 .toggles_off = "",
                 .level = "counts",
                 .begun = 1700000000000000 + (TimeUs)calls,
                 .queries = query,
                 .query_count = 1,
                 .operators = operators,
                 .operator_count = *plan != '\0' ? 2 : 0,
                 .passes = pass,
                 .pass_count = *plan != '\0'};
}

static const char A[] = "aaaaaaaaaaaaaaaa", B[] = "bbbbbbbbbbbbbbbb", P[] = "1111111111111111",
                  Q[] = "2222222222222222";

static void runs_as_one(void **state)
{
    (void)state;
    Run runs[] = {a_run(A, P, 3, ""), a_run(B, P, 50, ""), a_run(A, Q, 4, ""), a_run(A, "", 5, "")};
    Run sum;
    run_merge(arena, runs, 4, &sum);
    assert_int_equal(sum.query_count, 2);
    assert_string_equal(sum.queries[0].shape, B); /* 100 ms */
    const RunQuery *query = &sum.queries[1];      /* 24 ms */
    assert_string_equal(query->shape, A);
    assert_string_equal(query->plan, Q); /* the newest profile */
    assert_int_equal(query->calls, 12);
    assert_int_equal(query->profiled, 7);
    assert_int_equal(query->rows, 120);
    assert_int_equal(query->versions, 48);
    assert_int_equal(query->versions_read, 12);
    assert_int_equal(query->plan_changes, 1);
    assert_int_equal(query->operators, 2);
    assert_true(query->total_ms > 23.9 && query->total_ms < 24.1);
    assert_int_equal(sum.operator_count, 4);
    assert_string_equal(sum.operators[2].shape, A);
    assert_string_equal(sum.operators[3].name, "SCAN");
    assert_int_equal(sum.pass_count, 2);
}

static void through_the_history(void **state)
{
    (void)state;
    History history;
    Run run = a_run(A, P, 3, "a plan");
    OK(history_append(dir, &run));
    OK(history_read(arena, dir, 0, true, &history));
    assert_int_equal(history.count, 1);
    const Run *read = &history.runs[0];
    assert_int_equal(read->query_count, 1);
    assert_string_equal(read->queries[0].text, run.queries[0].text);
    assert_int_equal(read->queries[0].versions, 12);
    assert_string_equal(read->queries[0].logical, ""); /* kept beside, once */
    assert_int_equal(read->operator_count, 2);
    assert_string_equal(read->operators[1].detail, "a, b");
    assert_int_equal(read->operators[0].estimate, -1);
    assert_int_equal(read->operators[1].estimate, 8);
    assert_int_equal(read->pass_count, 1);
}

/* What does not fit is cut at the end, and counted. */
static void records_are_bounded(void **state)
{
    (void)state;
    enum { MANY = 200 };
    Run run = {.id = "1",
               .command = "c",
               .version = "1",
               .host = "h",
               .level = "counts",
               .toggles_off = ""};
    run.queries = AARRAY(arena, RunQuery, MANY);
    run.operators = AARRAY(arena, RunOperator, 2 * MANY);
    run.passes = AARRAY(arena, RunPass, 2 * MANY);
    for (int i = 0; i < MANY; i++) {
        Run one = a_run(arena_printf(arena, "%016d", i), P, 2, "");
        run.queries[run.query_count++] = one.queries[0];
        run.operators[run.operator_count++] = one.operators[0];
        run.operators[run.operator_count++] = one.operators[1];
        run.passes[run.pass_count++] = one.passes[0];
    }
    History history;
    OK(history_append(dir, &run));
    OK(history_read(arena, dir, 0, true, &history));
    const Run *read = &history.runs[0];
    assert_int_equal(read->query_count, 32);
    assert_int_equal(read->queries_left_out, 2 * (MANY - 32));
    assert_int_equal(read->operator_count, 64);
    assert_int_equal(read->pass_count, 32);
    assert_int_equal(run.query_count, MANY); /* the caller's is as it was */
}

static StoredPlans stored(void)
{
    StoredPlans plans;
    plans_read(arena, dir, &plans);
    return plans;
}

static void plans_are_kept_once(void **state)
{
    (void)state;
    assert_int_equal(stored().count, 0);
    for (int i = 0; i < 3; i++) {
        Run run = a_run(A, P, 1, "");
        OK(plans_keep(arena, dir, &run));
        assert_string_equal(run.queries[0].plan_before, "");
    }
    assert_int_equal(stored().count, 1);
    assert_string_equal(stored().plans[0].physical, "FILTER (b = ?)\n  SCAN a, b ~8\n");
    Run full = a_run(A, P, 1, "the logical one");
    OK(plans_keep(arena, dir, &full));
    OK(plans_keep(arena, dir, &full));
    assert_int_equal(stored().count, 2);
    assert_string_equal(stored().plans[1].logical, "the logical one");
    Run other = a_run(A, Q, 1, "");
    OK(plans_keep(arena, dir, &other));
    assert_string_equal(other.queries[0].plan_before, P);
    Run unprofiled = a_run(A, "", 1, "");
    OK(plans_keep(arena, dir, &unprofiled));
    assert_string_equal(unprofiled.queries[0].plan_before, "");
    assert_int_equal(stored().count, 3);
}

/* What was to be profiled and gave nothing is known for that; what becomes heavy is, too. */
static void known_shapes(void **state)
{
    (void)state;
    static PerfKnown known[PERF_KNOWN_MAX];
    assert_int_equal(plans_known(dir, known), 0);
    for (int i = 0; i < 3; i++) {
        Run run = a_run(A, "", 1, "");
        OK(plans_keep(arena, dir, &run));
        run = a_run(B, P, 1, "");
        OK(plans_keep(arena, dir, &run));
    }
    assert_int_equal(plans_known(dir, known), 2);
    assert_true(known[0].shape == 0xaaaaaaaaaaaaaaaa && !known[0].is_heavy);
    for (int i = 0; i < 3; i++) {
        Run heavy = a_run(B, "", 1, "");
        heavy.queries[0].asked = 0;
        heavy.queries[0].cells_most = PERF_HEAVY_CELLS;
        OK(plans_keep(arena, dir, &heavy));
    }
    assert_int_equal(plans_known(dir, known), 3);
    assert_true(known[2].shape == 0xbbbbbbbbbbbbbbbb && known[2].is_heavy);
    assert_string_equal(stored().plans[2].plan, P); /* still its plan */
    Run planned = a_run(A, P, 1, "");
    OK(plans_keep(arena, dir, &planned));
    assert_string_equal(planned.queries[0].plan_before, ""); /* it had none */
    assert_string_equal(stored().plans[3].plan, P);
}

static off_t bytes_of(const char *name)
{
    struct stat stat_of;
    return stat(arena_printf(arena, "%s/history/%s", dir, name), &stat_of) == 0 ? stat_of.st_size
                                                                                : 0;
}

static void plans_are_bounded(void **state)
{
    (void)state;
    char *long_text = arena_alloc(arena, 4001);
    memset(long_text, 'x', 4000);
    for (int i = 0; i < 400; i++) {
        Run run = a_run(arena_printf(arena, "%016d", i), P, 1, long_text);
        OK(plans_keep(arena, dir, &run));
    }
    assert_true(bytes_of("plans.old") > 0);
    assert_true(bytes_of("plans") + bytes_of("plans.old") <= 2 * ((256 << 10) + (16 << 10)));
    assert_string_equal(stored().plans[stored().count - 1].shape, "0000000000000399");
}

/* Any byte flipped costs at most the lines it stands in. */
static void damage_is_passed_by(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        Run run = a_run(arena_printf(arena, "%016d", i), P, 1, "");
        OK(plans_keep(arena, dir, &run));
    }
    const char *path = arena_printf(arena, "%s/history/plans", dir);
    char *text = NULL;
    size_t size = 0;
    OK(os_read_file(arena, path, 1 << 20, &text, &size));
    for (size_t at = 0; at < size; at++) {
        text[at] ^= 0x20;
        OK(os_replace_file(path, text, size));
        StoredPlans plans = stored();
        assert_in_range(plans.count, 2, 3);
        if (plans.count < 3) assert_true(plans.damaged > 0);
        text[at] ^= 0x20;
    }
    OK(os_replace_file(path, text, size / 2));
    assert_in_range(stored().count, 1, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(runs_as_one),         TEST(through_the_history), TEST(records_are_bounded),
        TEST(plans_are_kept_once), TEST(known_shapes),        TEST(plans_are_bounded),
        TEST(damage_is_passed_by),
    };
    return cmocka_run_group_tests_name("plans", tests, NULL, NULL);
}
