/* Every file call of ours fails, or is the last one: the pond is as before or as after. The
 * engine's and SQLite's calls, and the other kinds of failure, are swept by test_sweep (suite
 * soak). */
#include "steward/sweep.h"

static void sweep_body(const SweepBody *body)
{
    Sweep sweep = sweep_begin(body);
    sweep_all(&sweep, "origin=ours", "eio");
    sweep_all(&sweep, "origin=ours", "lose");
    print_message("# %s: %d runs\n", body->name, sweep.runs);
    assert_true(sweep.runs > 10);
}

static void sweep_init(void **state)
{
    (void)state;
    sweep_body(&BODIES[0]);
}

static void sweep_inline(void **state)
{
    (void)state;
    sweep_body(&BODIES[1]);
}

static void sweep_blobs(void **state)
{
    (void)state;
    sweep_body(&BODIES[2]);
}

static void sweep_names(void **state)
{
    (void)state;
    sweep_body(&BODIES[3]);
}

static void sweep_checkpoint(void **state)
{
    (void)state;
    sweep_body(&BODIES[4]);
}

static void sweep_maintain(void **state)
{
    (void)state;
    sweep_body(&BODIES[5]);
}

/* The engine's and SQLite's calls: the first and the second of each kind. */
static void sweep_others(void **state)
{
    (void)state;
    static const char *const OPS[] = {"open",   "read",   "write",   "sync",
                                      "rename", "unlink", "truncate"};
    Sweep sweep = sweep_begin(&BODIES[4]);
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++) {
        for (int nth = 1; nth <= 2; nth++) {
            const char *plan = arena_printf(arena, "origin=engine,op=%s,nth=%d,do=", OPS[i], nth);
            (void)(sweep_run(&sweep, arena_printf(arena, "%seio", plan), (uint64_t)nth) &&
                   sweep_run(&sweep, arena_printf(arena, "%slose", plan), (uint64_t)nth));
        }
    }
    print_message("# the engine's calls: %d runs\n", sweep.runs);
    assert_true(sweep.runs >= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sweep_init),       TEST(sweep_inline),   TEST(sweep_blobs),  TEST(sweep_names),
        TEST(sweep_checkpoint), TEST(sweep_maintain), TEST(sweep_others),
    };
    return RUN("faults", tests);
}
