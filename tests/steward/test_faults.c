/* Every file call of ours fails once: the pond is as before or as after. The engine's and SQLite's
 * calls, and the other kinds of failure, are swept by test_sweep (suite soak); that the process
 * ends there by test_crashes. */
#include "steward/sweep.h"

static void each_call_fails(void **state)
{
    const SweepBody *body = *state;
    (void)test_begin(state);
    Sweep sweep = sweep_begin(body);
    sweep_all(&sweep, "origin=ours", "eio");
    print_message("# %s: %d runs\n", body->name, sweep.runs);
    assert_true(sweep.runs > 10);
    (void)test_end(state);
}

/* How many calls match, from a run that only counts. */
static unsigned long long calls_of(Sweep *sweep, const char *who)
{
    Run run = {sweep->body, sweep->dir, arena_printf(arena, "%s,nth=0,do=eio", who)};
    fresh_copy(sweep);
    return strtoull(in_child(run_body, &run).words[0], NULL, 10);
}

/* The engine's and SQLite's calls: the first, the second and the last of each kind. */
static void sweep_others(void **state)
{
    (void)state;
    static const char *const OPS[] = {"open",   "read",   "write",   "sync",
                                      "rename", "unlink", "truncate"};
    Sweep sweep = sweep_begin(&BODIES[4]);
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++) {
        const char *who = arena_printf(arena, "origin=engine,op=%s", OPS[i]);
        unsigned long long all = calls_of(&sweep, who), nths[] = {1, 2, all};
        for (size_t j = 0; j < 3; j++) {
            if (nths[j] == 0 || nths[j] > all || (j == 2 && all <= 2)) continue;
            const char *plan = arena_printf(arena, "%s,nth=%llu,do=", who, nths[j]);
            (void)sweep_run(&sweep, arena_printf(arena, "%seio", plan), nths[j]);
            (void)sweep_run(&sweep, arena_printf(arena, "%slose", plan), nths[j]);
        }
    }
    print_message("# the engine's calls: %d runs\n", sweep.runs);
    assert_true(sweep.runs >= 16);
}

int main(void)
{
    enum { COUNT = sizeof BODIES / sizeof *BODIES };
    struct CMUnitTest tests[COUNT + 1] = {[COUNT] = TEST(sweep_others)};
    sweep_tests(tests, each_call_fails);
    return RUN("faults", tests);
}
