/* What a record of the tracker costs, against the two readings of the clock in it and against the
 * obvious tracker: a mutex around a hash map from names to sums. All in one process, in turns, the
 * median of the rounds; prints nanoseconds a call and the two ratios that are goals.
 *
 *     bench_tracker [ROUNDS]
 *     bench_tracker sites|none CALLS    nothing but CALLS times three recording sites with the
 * level off, or the loop without them: to count instructions */
#include "base/map.h"
#include "perf/ops.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALLS = 1000,
    CASES = 8
}; /* rounds shorter than a time slice: the median sees none of other processes */

/* ---- the other tracker, as the performance plan drew it: the monotonic clock, one lock, a hash
 * map from names, and per name total, count, least and most. In its favour: a fast hash (XXH3), no
 * allocation but for a new name, no histogram and no quantiles. ---- */

typedef struct Metric {
    uint64_t sum, count, least, most;
} Metric;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Map metrics;

static void record(const char *name, uint64_t ns)
{
    (void)pthread_mutex_lock(&lock);
    Metric *metric = map_get(&metrics, name);
    if (metric == NULL) {
        metric = ANEW(metrics.arena, Metric);
        metric->least = UINT64_MAX;
        (void)map_put(&metrics, name, metric);
    }
    metric->sum += ns;
    metric->count++;
    if (ns < metric->least) metric->least = ns;
    if (ns > metric->most) metric->most = ns;
    (void)pthread_mutex_unlock(&lock);
}

/* ---- the cases: each makes CALLS calls ---- */

static volatile uint64_t sink;

static void two_clocks(void)
{
    for (int i = 0; i < CALLS; i++) {
        uint64_t begin = perf_ticks();
        sink = perf_ticks() - begin;
    }
}

static void timed(void)
{
    for (int i = 0; i < CALLS; i++) {
        PERF_SPAN(PERF_dir_read);
    }
}

static void sampled(void)
{
    for (int i = 0; i < CALLS; i++) {
        PERF_SPAN(PERF_lookup);
    }
}

static void counted(void)
{
    for (int i = 0; i < CALLS; i++) perf_count(PERF_log_probe);
}

static void keyed(void)
{
    for (int i = 0; i < CALLS; i++)
        perf_asked(PERF_dir_ask, (i & 1) != 0 ? "018f3a52-0000-7000-8000-00000000aaaa"
                                              : "018f3a52-0000-7000-8000-00000000bbbb");
}

static void spanned(void)
{
    perf_level_set(PERF_SPANS);
    timed();
    perf_level_set(PERF_COUNTS);
}

static void off(void)
{
    perf_level_set(PERF_OFF);
    timed();
    perf_level_set(PERF_COUNTS);
}

static void mutex_and_map(void)
{
    static const char *const NAMES[] = {"schema_discovery", "sql_generation", "pattern_resolution",
                                        "file_type_detection"};
    for (int i = 0; i < CALLS; i++) {
        uint64_t begin = perf_clock_monotonic();
        record(NAMES[i & 3], perf_clock_monotonic() - begin);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} ALL[CASES] = {{"two readings of the clock", two_clocks},
                {"timed record (counts)", timed},
                {"timed record with a span", spanned},
                {"sampled record (fine)", sampled},
                {"count", counted},
                {"call by key", keyed},
                {"timed record, level off", off},
                {"mutex and map", mutex_and_map}};

/* ---- two threads at once ---- */

enum { CONTENDED_CALLS = 20000 };

typedef struct Racer {
    void (*run)(void);
    atomic_int *ready;
    uint64_t ns;
} Racer;

static void *race(void *argument)
{
    Racer *racer = argument;
    atomic_fetch_add(racer->ready, 1);
    while (atomic_load(racer->ready) < 2) {
    }
    uint64_t begin = perf_clock_monotonic();
    for (int i = 0; i < CONTENDED_CALLS / CALLS; i++) racer->run();
    racer->ns = perf_clock_monotonic() - begin;
    return NULL;
}

/* Nanoseconds a call, of the slower one. */
static double contended(void (*run)(void))
{
    atomic_int ready = 0;
    pthread_t threads[2];
    Racer racers[2] = {{run, &ready, 0}, {run, &ready, 0}};
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, race, &racers[i]) != 0) abort();
    for (int i = 0; i < 2; i++) (void)pthread_join(threads[i], NULL);
    return (double)(racers[0].ns > racers[1].ns ? racers[0].ns : racers[1].ns) / CONTENDED_CALLS;
}

/* ---- three sites, switched off: begin and end of a span, a count ---- */

static void switched_off(long calls)
{
    perf_level_set(PERF_OFF);
    for (long i = 0; i < calls; i++) {
        PERF_SPAN(PERF_dir_read);
        perf_count(PERF_log_probe);
        __asm__ volatile("" ::: "memory");
    }
}

static void no_sites(long calls)
{
    perf_level_set(PERF_OFF);
    for (long i = 0; i < calls; i++) __asm__ volatile("" ::: "memory");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        (strcmp(argv[1], "sites") == 0 ? switched_off : no_sites)(atol(argv[2]));
        return 0;
    }
    int rounds = argc > 1 ? atoi(argv[1]) : 5001;
    double *ns[CASES], *to_clock = calloc((size_t)rounds, sizeof(double)),
                       *to_mutex = calloc((size_t)rounds, sizeof(double));
    metrics = map_new(arena_new());
    for (int c = 0; c < CASES; c++) ns[c] = calloc((size_t)rounds, sizeof(double));
    for (int r = 0; r < rounds; r++) {
        for (int c = 0; c < CASES; c++) {
            uint64_t begin = perf_clock_monotonic();
            ALL[c].run();
            ns[c][r] = (double)(perf_clock_monotonic() - begin) / CALLS;
        }
        to_clock[r] = ns[1][r] / ns[0][r];
        to_mutex[r] = ns[7][r] / ns[1][r];
    }
    printf("clock: %s\n", perf_clock_is_counter ? "time-stamp counter" : "CLOCK_MONOTONIC");
    for (int c = 0; c < CASES; c++) printf("%-28s %7.2f ns\n", ALL[c].name, median(ns[c], rounds));
    printf("timed record / two clock readings: %.2f (goal <= 1.6)\n", median(to_clock, rounds));
    printf("a span in the ring beside a timed record: %+.2f ns (goal <= 3)\n",
           median(ns[2], rounds) - median(ns[1], rounds));
    printf("mutex and map / timed record: %.2f, one thread\n", median(to_mutex, rounds));
    int races = rounds / 20 + 1;
    for (int r = 0; r < races; r++) to_mutex[r] = contended(mutex_and_map) / contended(timed);
    printf("mutex and map / timed record: %.2f, two threads (goal >= 3)\n",
           median(to_mutex, races));
    return 0;
}
