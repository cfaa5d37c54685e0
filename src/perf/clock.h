/* The tracker's clock: the time-stamp counter where it runs evenly (x86 with an invariant counter,
 * ARM's virtual counter), else CLOCK_MONOTONIC in nanoseconds. Ticks are stored as they are; how
 * long one is, is found by comparing both clocks between the start of the process and the time of
 * asking, so that nothing is calibrated at start. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

extern bool perf_clock_is_counter; /* chosen at start */
uint64_t perf_clock_monotonic(void);

/* Only where perf_clock_is_counter. */
static inline uint64_t perf_counter_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return 0;
#endif
}

static inline uint64_t perf_ticks(void)
{
    return __builtin_expect(perf_clock_is_counter, 1) ? perf_counter_ticks()
                                                      : perf_clock_monotonic();
}

/* From ticks to CLOCK_MONOTONIC: start_ns + (ticks - start_ticks) * ns_per_tick. */
typedef struct PerfClock {
    uint64_t start_ticks, start_ns; /* at the start of the process */
    double ns_per_tick;             /* right to 3e-4, after a second to 1e-7 */
} PerfClock;
/* As measured until now. Waits until the process is 0.2 ms old. */
PerfClock perf_clock(void);
/* Chooses anew: false = the fallback. Before anything is recorded: for tests and benchmarks. */
void perf_clock_choose(bool counter);
