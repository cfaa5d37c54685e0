/* Layer: perf. The choice is made by a constructor: one CPUID. Its anchor, both clocks read one
 * after the other at the start, is what every later comparison is made with; the error of the
 * comparison is the time between the two readings (some 50 ns) by the age of the process. */
#include "perf/clock.h"
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const uint64_t AGE_NS_LEAST = 200000;

bool perf_clock_is_counter;
static uint64_t start_ticks, start_ns;

uint64_t perf_clock_monotonic(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Evenly in all power states, on all cores. */
static bool counter_is_even(void)
{
#if defined(__x86_64__)
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1U << 8)) != 0;
#elif defined(__aarch64__)
    return true;
#else
    return false;
#endif
}

void perf_clock_choose(bool counter)
{
    perf_clock_is_counter = counter && counter_is_even();
    start_ns = perf_clock_monotonic();
    start_ticks = perf_ticks();
}

__attribute__((constructor)) static void choose_at_start(void)
{
    perf_clock_choose(true);
}

PerfClock perf_clock(void)
{
    PerfClock clock = {start_ticks, start_ns, 1};
    uint64_t now_ns, now_ticks;
    if (!perf_clock_is_counter) return clock;
    do {
        now_ns = perf_clock_monotonic();
        now_ticks = perf_ticks();
    } while (now_ns - start_ns < AGE_NS_LEAST);
    if (now_ticks > start_ticks)
        clock.ns_per_tick = (double)(now_ns - start_ns) / (double)(now_ticks - start_ticks);
    return clock;
}
