/* The process ends before each file call of ours, and what was not made durable is lost: the pond
 * is as before or as after. */
#include "steward/sweep.h"

static void each_call_is_the_last(void **state)
{
    const SweepBody *body = *state;
    (void)test_begin(state);
    Sweep sweep = sweep_begin(body);
    sweep_all(&sweep, "origin=ours", "lose");
    print_message("# %s: %d runs\n", body->name, sweep.runs);
    assert_true(sweep.runs > 10);
    (void)test_end(state);
}

int main(void)
{
    struct CMUnitTest tests[sizeof BODIES / sizeof *BODIES];
    sweep_tests(tests, each_call_is_the_last);
    return RUN("crashes", tests);
}
