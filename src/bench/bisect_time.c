/* The half that compares times: runs of A and B in pairs until the verdict is final. Of each run
 * the time of every operation is kept as well; their medians tell which operation the difference
 * lies in. Operations hold one another, so of those that hold most of it the shortest is the
 * innermost.
 */
#include "bench/bisect_int.h"
#include <math.h>
#include <string.h>

typedef VEC(double) DoubleVec;
enum { PAIRS_DEFAULT = 40, TOGGLE_RUNS = 7 };

typedef struct Timing {
    Bisect *bisect;
    BenchWork *a, *b; /* of each pair */
    size_t pairs;
    uint64_t random;
} Timing;

static Err *run_once(const Bisect *bisect, const char *command, const char *toggles, BenchWork *out)
{
    BenchWorkSpec spec = {
        .command = command, .toggles = toggles, .scratch_dir = bisect->spec->scratch_dir};
    return bench_work_run(bisect->arena, &spec, out);
}

static Err *run_pair(Timing *timing)
{
    const Bisect *bisect = timing->bisect;
    BenchWork *a = &timing->a[timing->pairs], *b = &timing->b[timing->pairs];
    timing->random = timing->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    bool b_first = timing->random >> 63;
    if (b_first) TRY(run_once(bisect, bisect_b(bisect), bisect->b_toggles, b));
    TRY(run_once(bisect, bisect->spec->a, "", a));
    if (!b_first) TRY(run_once(bisect, bisect_b(bisect), bisect->b_toggles, b));
    timing->pairs++;
    return NULL;
}

static Err *run_pairs(Timing *timing)
{
    Bisect *bisect = timing->bisect;
    size_t most = bisect->spec->most_pairs > 0 ? bisect->spec->most_pairs : PAIRS_DEFAULT;
    VerdictRule rule = {.most_pairs = most};
    double *ratios = AARRAY(bisect->arena, double, most);
    timing->a = AARRAY(bisect->arena, BenchWork, most);
    timing->b = AARRAY(bisect->arena, BenchWork, most);
    os_random(&timing->random, sizeof timing->random);
    while (timing->pairs < most && !bisect->result.times.is_final) {
        SCRATCH(scratch);
        bisect_tell(bisect, arena_printf(scratch, "pair %zu", timing->pairs + 1));
        TRY(run_pair(timing));
        size_t last = timing->pairs - 1;
        ratios[last] = log(timing->b[last].wall_s / timing->a[last].wall_s);
        bisect->result.times = verdict_of(&rule, ratios, timing->pairs);
    }
    bisect->result.same_output = strcmp(timing->a[0].outcome, timing->b[0].outcome) == 0;
    return NULL;
}

/* ---- operations ---- */

static double median_ms(const BenchWork *works, size_t count, const char *operation)
{
    SCRATCH(scratch);
    double *values = AARRAY(scratch, double, count);
    for (size_t i = 0; i < count; i++) values[i] = bench_work_time_ms(&works[i], operation);
    return stats_median(values, count);
}

static void name_operation(Timing *timing)
{
    static const double MOST = 0.6; /* of the largest difference */
    BisectResult *result = &timing->bisect->result;
    const BenchWork *longer = result->times.verdict == VERDICT_FASTER ? timing->a : timing->b;
    double largest = 0, shortest = INFINITY;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < longer->times_ms.count; i++) {
            const char *name = longer->times_ms.entries[i].key;
            double a = median_ms(timing->a, timing->pairs, name);
            double b = median_ms(timing->b, timing->pairs, name);
            double more = longer == timing->b ? b - a : a - b;
            if (pass == 0 && more > largest) largest = more;
            if (pass == 0 || more < MOST * largest || more <= 0 || fmax(a, b) >= shortest) continue;
            shortest = fmax(a, b);
            result->operation = name;
            result->operation_a = a;
            result->operation_b = b;
        }
}

/* ---- toggles ---- */

/* How much of the difference A takes on with the toggle off. */
static Err *share_of(Timing *timing, Toggle toggle, double difference, double *out)
{
    Bisect *bisect = timing->bisect;
    bool chosen[TOGGLE_COUNT] = {0};
    double ratios[TOGGLE_RUNS];
    chosen[toggle] = true;
    const char *off = bisect_off(bisect->arena, chosen);
    bisect_tell(bisect, toggle_info(toggle)->name);
    for (size_t i = 0; i < TOGGLE_RUNS; i++) {
        BenchWork plain, with;
        TRY(run_once(bisect, bisect->spec->a, "", &plain));
        TRY(run_once(bisect, bisect->spec->a, off, &with));
        ratios[i] = log(with.wall_s / plain.wall_s);
    }
    *out = stats_median(ratios, TOGGLE_RUNS) / difference;
    return NULL;
}

/* Toggles that change no work can be behind it, and those that B has off. */
static bool may_be(const Bisect *bisect, Toggle toggle)
{
    return bisect->spec->b == NULL || strcmp(toggle_info(toggle)->shows, "time") == 0;
}

static Err *try_toggles(Timing *timing)
{
    static const double HALF = 0.5;
    Bisect *bisect = timing->bisect;
    double difference = log(bisect->result.times.ratio);
    for (size_t i = 0; i < bisect->candidate_count; i++) {
        BisectToggle effect = {.toggle = bisect->candidates[i]};
        if (!may_be(bisect, effect.toggle)) continue;
        TRY(share_of(timing, effect.toggle, difference, &effect.share));
        if (effect.share < HALF) continue;
        bisect_add_toggle(bisect, &effect);
        bisect->result.explained = fmin(1, bisect->result.explained + effect.share);
    }
    return NULL;
}

Err *bisect_time(Bisect *bisect)
{
    Timing timing = {.bisect = bisect};
    BenchWork warm;
    TRY(run_once(bisect, bisect->spec->a, "", &warm));
    TRY(run_once(bisect, bisect_b(bisect), bisect->b_toggles, &warm));
    TRY(run_pairs(&timing));
    Verdict verdict = bisect->result.times.verdict;
    if (verdict != VERDICT_SLOWER && verdict != VERDICT_FASTER) return NULL;
    bisect->result.by = BISECT_TIME;
    name_operation(&timing);
    return try_toggles(&timing);
}
