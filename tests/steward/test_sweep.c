/* The whole fault sweep: every file call, ours and the engine's and SQLite's, failing in every way.
 * Slow: suite soak. */
#include "steward/sweep.h"

static void sweep_everything(void **state)
{
    static const char *const HOWS[] = {"eio", "enospc", "short", "crash", "lose", "tear"};
    const SweepBody *body = *state;
    (void)test_begin(state);
    Sweep sweep = sweep_begin(body);
    for (size_t i = 0; i < sizeof HOWS / sizeof *HOWS; i++)
        sweep_all(&sweep, "origin=any", HOWS[i]);
    print_message("# %s: %d runs\n", body->name, sweep.runs);
    (void)test_end(state);
}

int main(void)
{
    struct CMUnitTest tests[sizeof BODIES / sizeof *BODIES];
    sweep_tests(tests, sweep_everything);
    return RUN("sweep", tests);
}
