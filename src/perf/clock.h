/* The tracker's clock: the time-stamp counter where it runs evenly (x86 with an invariant counter,
 * ARM's virtual counter), else CLOCK_MONOTONIC in nanoseconds. Ticks are stored as they are; how
 * long one is, is found by comparing both clocks between the start of the process and the time of
 * asking, so that nothing is calibrated at start. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

extern bool perf_clock_is_counter; /* chosen at start */
uint64_t perf_clock_monotonic(void);

static inline uint64_t perf_ticks(void)
{
#if defined(__x86_64__)
    if (__builtin_expect(perf_clock_is_counter, 1)) return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    if (__builtin_expect(perf_clock_is_counter, 1)) {
        uint64_t ticks;
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
        return ticks;
    }
#endif
    return perf_clock_monotonic();
}

/* Nanoseconds a tick: right to 1e-4. Waits until the process is 2 ms old. */
double perf_clock_ns_per_tick(void);
/* CLOCK_MONOTONIC (ns) at which the counter showed `ticks`. */
uint64_t perf_clock_ns_at(uint64_t ticks);
/* Chooses anew: false = the fallback. Before anything is recorded: for tests and benchmarks. */
void perf_clock_choose(bool counter);
