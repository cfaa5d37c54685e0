/* Change points by seeded binary segmentation (S. Kovács, H. Li, P. Bühlmann, A. Munk, 2020): in
 * intervals of every length, half overlapping, the split at which the means differ most; of the
 * intervals where it is beyond a threshold the shortest speaks first, and those that hold its split
 * are done with. A short bump is found as well as a step, and nothing is drawn by chance.
 *
 * The noise is taken from the differences of neighbours (their median), so that the changes
 * themselves do not hide it, nor a few outliers. Cost: n log n. */
#include "bench/bench.h"
#include <math.h>
#include <stdlib.h>

enum { SEGMENT_MIN = 4 }; /* runs on either side of a change */

typedef struct Split {
    size_t begin, end, at;
    double gain; /* difference of the means in units of its own noise */
} Split;
typedef VEC(Split) SplitVec;

static double noise_of(Arena *arena, const double *values, size_t count)
{
    const double NORMAL = 1.4826 / 1.4142135623730951; /* of a median to a deviation; two values */
    double *steps = AARRAY(arena, double, count), mean = 0;
    for (size_t i = 0; i + 1 < count; i++) steps[i] = fabs(values[i + 1] - values[i]);
    for (size_t i = 0; i < count; i++) mean += fabs(values[i]) / (double)count;
    double noise = stats_median(steps, count - 1) * NORMAL, least = mean * 1e-6;
    return noise > least ? noise : least; /* of counts that are mostly equal */
}

/* No gain when the best is too near an end: another interval sees it better. */
static Split best_split(const double *sums, size_t begin, size_t end)
{
    Split best = {.begin = begin, .end = end};
    double all = (double)(end - begin), total = sums[end] - sums[begin];
    for (size_t at = begin + 1; at < end; at++) {
        double left = (double)(at - begin), right = all - left, sum = sums[at] - sums[begin];
        double gain = fabs(sum / left - (total - sum) / right) * sqrt(left * right / all);
        if (gain <= best.gain) continue;
        best.gain = gain;
        best.at = at;
    }
    if (best.at < begin + SEGMENT_MIN || best.at + SEGMENT_MIN > end) best.gain = 0;
    return best;
}

static int shortest_first(const void *a, const void *b)
{
    const Split *x = a, *y = b;
    size_t left = x->end - x->begin, right = y->end - y->begin;
    if (left != right) return (left > right) - (left < right);
    return (x->gain < y->gain) - (x->gain > y->gain);
}

static void seed(Arena *arena, const double *sums, size_t count, double threshold, SplitVec *out)
{
    for (int layer = 0;; layer++) { /* each shorter by the root of two */
        size_t size = (size_t)((double)count / exp2(layer / 2.0));
        if (size < 2 * SEGMENT_MIN) return;
        size_t parts = 2 * (count / size) + 1;
        for (size_t i = 0; i < parts; i++) {
            size_t begin = parts > 1 ? (count - size) * i / (parts - 1) : 0;
            Split split = best_split(sums, begin, begin + size);
            if (split.gain > threshold) vec_push(arena, out, split);
        }
    }
}

static int by_place(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

void bench_changes(Arena *arena, const double *values, size_t count, size_t **out,
                   size_t *out_count)
{
    const double BEYOND = 1.3; /* of what the greatest of so many chance gains comes to */
    VEC(size_t) places = {0};
    SplitVec splits = {0};
    *out = NULL;
    *out_count = 0;
    if (count < 2 * SEGMENT_MIN) return;
    double *sums = AARRAY(arena, double, count + 1);
    for (size_t i = 0; i < count; i++) sums[i + 1] = sums[i] + values[i];
    double threshold = BEYOND * sqrt(2 * log((double)count)) * noise_of(arena, values, count);
    seed(arena, sums, count, threshold, &splits);
    if (splits.n == 0) return;
    qsort(splits.v, splits.n, sizeof *splits.v, shortest_first);
    for (size_t i = 0; i < splits.n; i++) {
        const Split *split = &splits.v[i];
        bool is_done = false;
        for (size_t k = 0; k < places.n; k++)
            is_done |= places.v[k] > split->begin && places.v[k] < split->end;
        if (!is_done) vec_push(arena, &places, split->at);
    }
    qsort(places.v, places.n, sizeof *places.v, by_place);
    *out = places.v;
    *out_count = places.n;
}
