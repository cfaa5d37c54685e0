/* 500 times SIGKILL, at least 50 in each phase of a transaction. Slow: suite soak. */
#include "steward/kill.h"

static void five_hundred_kills(void **state)
{
    (void)state;
    kill_many(50, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(five_hundred_kills)};
    return RUN("kill_many", tests);
}
