/* Ten thousand commits, one a minute: what a commit costs does not depend on how many there were.
 * Slow: run by `meson test --suite soak`. */
#include "tlogfs/soak.h"

static void ten_thousand_commits(void **state)
{
    (void)state;
    Tlog *tlog = new_pond();
    SoakWindow windows[] = {{.first = 4001, .last = 5000}, {.first = 9001, .last = 10000}};
    Soak soak = {.commits = 10000, .step_us = US_PER_MINUTE, .windows = windows, .window_count = 2};
    soak_run(tlog, &soak);
    print_message("# at most %d live files, %d entries after a checkpoint\n", (int)soak.live_max,
                  (int)soak.tail_max);
    assert_true(soak.live_max <= 64);
    assert_true(soak.tail_max <= 9);
    same_cost("all", &windows[0].all, windows[0].commits, &windows[1].all, windows[1].commits);
    same_cost("with a checkpoint", &windows[0].checkpoints, windows[0].checkpoint_commits,
              &windows[1].checkpoints, windows[1].checkpoint_commits);
    check_whole(tlog);
    tlog_close_at(&tlog);
    check_cold_open();
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(ten_thousand_commits)};
    return RUN("soak", tests);
}
