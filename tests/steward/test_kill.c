/* SIGKILL at random moments, a few; test_kill_many has the many. */
#include "steward/kill.h"

static void a_few_kills(void **state)
{
    (void)state;
    kill_many(5, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_few_kills)};
    return RUN("kill", tests);
}
