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
    const struct CMUnitTest tests[] = {
        TEST(sweep_init),       TEST(sweep_inline),   TEST(sweep_blobs),  TEST(sweep_names),
        TEST(sweep_checkpoint), TEST(sweep_maintain), TEST(sweep_others),
    };
    return RUN("faults", tests);
}
