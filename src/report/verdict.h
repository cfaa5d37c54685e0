/* report/verdict — "faster or slower?" from pairs of runs on a machine whose speed drifts.
 *
 * Runs of A and B are made in pairs, in random order within each pair, so that both halves of a
 * pair meet the same machine; each pair gives x = log(time of B / time of A). The median of x is
 * bounded by the exact interval of the sign test (two order statistics; no assumption on the shape
 * of the noise), and a verdict needs that whole interval on one side of a guard band, or inside it.
 * The comparison is looked at after each of a few counts of pairs and ends with the first verdict.
 *
 * Source of the interval: W. J. Conover, Practical Nonparametric Statistics, 3.2 (quantile test).
 * Measured rates of false verdicts: docs/performance.md, `pond bench selftest`.
 * Threads: plain functions over the caller's values. */
#pragma once
#include "base/base.h"

typedef enum Verdict {
    VERDICT_UNDECIDED, /* so far, or at the end: the noise hides what there may be */
    VERDICT_FASTER,    /* B takes less time than A, by more than the band */
    VERDICT_SLOWER,
    VERDICT_SAME /* whatever difference there is lies inside the band */
} Verdict;
const char *verdict_name(Verdict verdict); /* "undecided", "faster", "slower", "same" */

typedef struct VerdictRule {
    double band;       /* 0.03: ratios in 1/1.03 .. 1.03 count as the same; 0 = that */
    double miss;       /* chance of a false verdict at any of the looks; 0 = 0.01 */
    size_t most_pairs; /* 0 = 80 */
} VerdictRule;

typedef struct VerdictState {
    Verdict verdict;
    size_t pairs;                 /* used */
    bool is_final;                /* more pairs would change nothing */
    double ratio;                 /* exp(median): time of B by time of A */
    double ratio_low, ratio_high; /* 0 and infinity while there are too few pairs */
} VerdictState;

/* The smallest rank whose order statistics x(k), x(n + 1 - k) enclose the median with at least the
 * chance 1 - miss; 0 when n is too small. */
size_t verdict_rank(size_t n, double miss);
/* What `count` log-ratios, in the order in which they were measured, say. Only as many of them
 * count as there are at the last look; the answer for a longer prefix never takes back a final one.
 */
VerdictState verdict_of(const VerdictRule *rule, const double *log_ratios, size_t count);
