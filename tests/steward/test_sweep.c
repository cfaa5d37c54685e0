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
    struct CMUnitTest tests[sizeof BODIES / sizeof *BODIES] = {0};
    for (size_t i = 0; i < sizeof BODIES / sizeof *BODIES; i++) {
        tests[i] = (struct CMUnitTest){.name = BODIES[i].name,
                                       .test_func = sweep_everything,
                                       .initial_state = (void *)(uintptr_t)&BODIES[i]};
    }
    return RUN("sweep", tests);
}
