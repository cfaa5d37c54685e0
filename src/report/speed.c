/* How fast the machine is now: a fixed piece of work, of integers and of memory, timed. Shared
 * machines change by a factor of two within minutes; a prediction made of yesterday's seconds is
 * off by that. */
#include "os/os.h"
#include "report/predict.h"
#include <math.h>

enum { ROUNDS = 21250, CELLS = 1 << 13 };
static const double REFERENCE_US = 250; /* on the machine of docs/performance.md, quiet */

static uint64_t work(uint32_t *cells)
{
    uint64_t x = 88172645463325252U, sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        sum += cells[x & (CELLS - 1)]++;
        if ((x & 3) == 0) sum ^= x;
    }
    return sum;
}

double speed_slowness(void)
{
    SCRATCH(scratch);
    uint32_t *cells = AARRAY(scratch, uint32_t, CELLS);
    int64_t begun_us = os_monotonic_us();
    uint64_t sum = work(cells);
    __asm__ volatile("" : : "r"(sum)); /* or it would all be left out */
    double slowness = (double)(os_monotonic_us() - begun_us) / REFERENCE_US;
    /* So short a work may hold a whole slice of somebody else's time: the root trusts half of what
     * they say */
    slowness = sqrt(slowness);
    return slowness < 0.5 ? 0.5 : slowness > 2 ? 2 : slowness;
}
