/* Looks grow by about a fifth, so that a clear difference ends early. Each adds to the chance of a
 * false verdict, most of all where the noise is so wide that the band guards against nothing: so a
 * look may miss less the earlier it is, by the square of its place. All together then miss what
 * the rule says (exact sums over walks of up to 230 pairs: 0.97 % at 40, 1.01 % at 80, never above
 * 1.17 % for 1 %; with the rule's own chance at each look it would be 2.5 % and 3.6 %). The
 * binomial tail is summed by its
 * recurrence from n * log(1/2): exact to double precision for the counts in use. */
#include "report/verdict.h"
#include <math.h>
#include <string.h>

static const size_t LOOKS[] = {8,  10, 12, 14, 17, 20,  24,  28,  34,  40,
                               48, 57, 68, 80, 96, 115, 138, 160, 192, 230};
enum { LOOK_COUNT = sizeof LOOKS / sizeof *LOOKS, PAIRS_DEFAULT = 80 };
static const double BAND_DEFAULT = 0.03, MISS_DEFAULT = 0.01;

const char *verdict_name(Verdict verdict)
{
    static const char *const NAMES[] = {[VERDICT_UNDECIDED] = "undecided",
                                        [VERDICT_FASTER] = "faster",
                                        [VERDICT_SLOWER] = "slower",
                                        [VERDICT_SAME] = "same"};
    return NAMES[verdict];
}

size_t verdict_rank(size_t n, double miss)
{
    double term = exp(-(double)n * log(2)), tail = 0; /* P(exactly i of n) for i = 0 */
    size_t rank = 0;
    for (size_t i = 0; i < n / 2; i++) {
        tail += term;
        if (tail > miss / 2) break;
        rank = i + 1;
        term *= (double)(n - i) / (double)(i + 1);
    }
    return rank;
}

static Verdict judge(double low, double high, double band)
{
    const double edge = log1p(band);
    if (low > edge) return VERDICT_SLOWER;
    if (high < -edge) return VERDICT_FASTER;
    return low >= -edge && high <= edge ? VERDICT_SAME : VERDICT_UNDECIDED;
}

/* What the interval after n pairs may miss. */
static double miss_at(const VerdictRule *rule, size_t n)
{
    const double place = (double)n / (double)rule->most_pairs;
    return 0.8 * rule->miss * place * place;
}

static VerdictState look(const VerdictRule *rule, const double *log_ratios, size_t n)
{
    SCRATCH(scratch);
    double *sorted = arena_memdup(scratch, log_ratios, n * sizeof *sorted);
    VerdictState state = {.pairs = n, .ratio = 1, .ratio_high = INFINITY};
    if (n == 0) return state;
    state.ratio = exp(stats_median(sorted, n));
    size_t rank = verdict_rank(n, miss_at(rule, n));
    if (rank == 0) return state;
    double low = sorted[rank - 1], high = sorted[n - rank];
    state.ratio_low = exp(low);
    state.ratio_high = exp(high);
    state.verdict = judge(low, high, rule->band);
    return state;
}

static VerdictRule rule_filled(const VerdictRule *given)
{
    VerdictRule rule = given != NULL ? *given : (VerdictRule){0};
    if (rule.band <= 0) rule.band = BAND_DEFAULT;
    if (rule.miss <= 0) rule.miss = MISS_DEFAULT;
    if (rule.most_pairs == 0) rule.most_pairs = PAIRS_DEFAULT;
    return rule;
}

VerdictState verdict_of(const VerdictRule *given, const double *log_ratios, size_t count)
{
    const VerdictRule rule = rule_filled(given);
    if (count > rule.most_pairs) count = rule.most_pairs;
    for (size_t i = 0; i < LOOK_COUNT && LOOKS[i] <= count && LOOKS[i] < rule.most_pairs; i++) {
        VerdictState state = look(&rule, log_ratios, LOOKS[i]);
        state.is_final = state.verdict != VERDICT_UNDECIDED;
        if (state.is_final) return state;
    }
    VerdictState state = look(&rule, log_ratios, count);
    state.is_final = count == rule.most_pairs;
    if (!state.is_final) state.verdict = VERDICT_UNDECIDED; /* between two looks */
    return state;
}
