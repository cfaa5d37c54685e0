/* Base-2 exponential histograms. A value's octave is the place of its highest bit; within the
 * octave the six bits below it choose a step from a table, and one comparison with the exact
 * boundary in that step decides: no 64th of an octave's mantissas holds more than one. */
#include "perf/perf_int.h"
#include <math.h>

/* For each 64th of an octave: the sub-bucket of its least mantissa, and the boundary inside it,
 * 2^63 * 2^(k/32) rounded up, from which on it is the next one (none: the greatest number). */
const HistStep HIST_STEPS[64] = {{UINT64_MAX, 0},
                                 {UINT64_C(0x82cd8698ac2ba1d8), 0},
                                 {UINT64_C(0x85aac367cc487b15), 1},
                                 {UINT64_MAX, 2},
                                 {UINT64_C(0x88980e8092da8528), 2},
                                 {UINT64_C(0x8b95c1e3ea8bd6e7), 3},
                                 {UINT64_MAX, 4},
                                 {UINT64_C(0x8ea4398b45cd53c1), 4},
                                 {UINT64_C(0x91c3d373ab11c337), 5},
                                 {UINT64_MAX, 6},
                                 {UINT64_C(0x94f4efa8fef70962), 6},
                                 {UINT64_MAX, 7},
                                 {UINT64_C(0x9837f0518db8a970), 7},
                                 {UINT64_C(0x9b8d39b9d54e5539), 8},
                                 {UINT64_MAX, 9},
                                 {UINT64_C(0x9ef5326091a111ae), 9},
                                 {UINT64_MAX, 10},
                                 {UINT64_C(0xa27043030c496819), 10},
                                 {UINT64_C(0xa5fed6a9b15138eb), 11},
                                 {UINT64_MAX, 12},
                                 {UINT64_C(0xa9a15ab4ea7c0ef9), 12},
                                 {UINT64_MAX, 13},
                                 {UINT64_C(0xad583eea42a14ac7), 13},
                                 {UINT64_MAX, 14},
                                 {UINT64_C(0xb123f581d2ac2590), 14},
                                 {UINT64_MAX, 15},
                                 {UINT64_C(0xb504f333f9de6485), 15},
                                 {UINT64_MAX, 16},
                                 {UINT64_C(0xb8fbaf4762fb9eea), 16},
                                 {UINT64_MAX, 17},
                                 {UINT64_C(0xbd08a39f580c36bf), 17},
                                 {UINT64_MAX, 18},
                                 {UINT64_C(0xc12c4cca66709457), 18},
                                 {UINT64_MAX, 19},
                                 {UINT64_C(0xc5672a115506dade), 19},
                                 {UINT64_MAX, 20},
                                 {UINT64_C(0xc9b9bd866e2f27a3), 20},
                                 {UINT64_MAX, 21},
                                 {UINT64_MAX, 21},
                                 {UINT64_C(0xce248c151f8480e4), 21},
                                 {UINT64_MAX, 22},
                                 {UINT64_C(0xd2a81d91f12ae45b), 22},
                                 {UINT64_MAX, 23},
                                 {UINT64_C(0xd744fccad69d6af5), 23},
                                 {UINT64_MAX, 24},
                                 {UINT64_C(0xdbfbb797daf23756), 24},
                                 {UINT64_MAX, 25},
                                 {UINT64_MAX, 25},
                                 {UINT64_C(0xe0ccdeec2a94e112), 25},
                                 {UINT64_MAX, 26},
                                 {UINT64_C(0xe5b906e77c8348a9), 26},
                                 {UINT64_MAX, 27},
                                 {UINT64_MAX, 27},
                                 {UINT64_C(0xeac0c6e7dd24392f), 27},
                                 {UINT64_MAX, 28},
                                 {UINT64_C(0xefe4b99bdcdaf5cc), 28},
                                 {UINT64_MAX, 29},
                                 {UINT64_MAX, 29},
                                 {UINT64_C(0xf5257d152486cc2d), 29},
                                 {UINT64_MAX, 30},
                                 {UINT64_MAX, 30},
                                 {UINT64_C(0xfa83b2db722a033b), 30},
                                 {UINT64_MAX, 31},
                                 {UINT64_MAX, 31}};

unsigned perf_hist_index(uint64_t value)
{
    return hist_index(value);
}

/* The value inside a bucket that no value of it is farther away from than 1.09 %; a bucket that
 * holds one whole number only is that number. */
static double middle(unsigned bucket)
{
    double low = exp2(bucket / 32.0), high = exp2((bucket + 1) / 32.0);
    double whole = ceil(low - 1e-9);
    return whole + 1 >= high ? whole : 2 * low * high / (low + high);
}

double perf_hist_quantile(const PerfHist *hist, double quantile)
{
    if (hist->count == 0) return 0;
    double rank = ceil(quantile * (double)hist->count);
    uint64_t wanted = rank < 1 ? 1 : (uint64_t)rank, seen = 0;
    unsigned i =
        hist_index((uint64_t)(0.99 * hist->min_ns / hist->ns_per_tick)); /* none is below */
    while (i < PERF_BUCKETS - 1 && (seen += hist->buckets[i]) < wanted) i++;
    double value = middle(i) * hist->ns_per_tick;
    if (value < hist->min_ns) return hist->min_ns;
    return value > hist->max_ns ? hist->max_ns : value;
}

void perf_hist_merge(PerfHist *to, const PerfHist *from)
{
    if (from->count == 0) return;
    if (to->count == 0) {
        *to = *from;
        return;
    }
    to->count += from->count;
    to->sum_ns += from->sum_ns;
    if (from->min_ns < to->min_ns) to->min_ns = from->min_ns;
    if (from->max_ns > to->max_ns) to->max_ns = from->max_ns;
    long shift = lround(32 * log2(from->ns_per_tick / to->ns_per_tick));
    for (long i = 0; i < PERF_BUCKETS; i++) {
        long place = i + shift;
        if (place < 0) place = 0;
        if (place >= PERF_BUCKETS) place = PERF_BUCKETS - 1;
        to->buckets[place] += from->buckets[i];
    }
}

/* The buckets from the least to the most of what a thread timed, and the call that is pending. */
static void add_buckets(const Block *block, PerfOp op, unsigned first, unsigned last, PerfHist *out)
{
    const _Atomic uint32_t *buckets = block->buckets + BUCKETS_OF(op);
    size_t pending = atomic_load_explicit(&block->pending, memory_order_relaxed);
    for (unsigned i = first; i <= last; i++) {
        uint32_t held = atomic_load_explicit(&buckets[i], memory_order_relaxed);
        out->buckets[i] += held;
        out->count += held;
    }
    if (pending < BUCKETS_OF(op) || pending >= BUCKETS_OF(op + 1)) return;
    out->buckets[pending - BUCKETS_OF(op)]++;
    out->count++;
}

/* What one thread timed, of which the reader keeps ticks as they are. */
static void add_times(const Block *block, PerfOp op, uint64_t inverted_min, PerfHist *out)
{
    const Times *times = &block->times[op];
    uint64_t least = ~inverted_min;
    uint64_t most = atomic_load_explicit(&times->max_ticks, memory_order_relaxed);
    add_buckets(block, op, hist_index(least), hist_index(most), out);
    out->sum_ns += (double)atomic_load_explicit(&times->sum_ticks, memory_order_relaxed);
    if ((double)least < out->min_ns) out->min_ns = (double)least;
    if ((double)most > out->max_ns) out->max_ns = (double)most;
}

PerfHist *perf_read_times(Arena *arena, PerfOp op)
{
    PerfHist *out = NULL;
    for (Block *block = block_all(); block != NULL && op < PERF_TIMED_COUNT; block = block->next) {
        uint64_t inverted =
            atomic_load_explicit(&block->times[op].inverted_min_ticks, memory_order_relaxed);
        if (inverted == 0) continue; /* most threads do few things */
        if (out == NULL) {
            out = ANEW(arena, PerfHist);
            out->min_ns = INFINITY;
        }
        add_times(block, op, inverted, out);
    }
    if (out == NULL || out->count == 0) return NULL;
    out->ns_per_tick = perf_clock().ns_per_tick;
    out->sum_ns *= out->ns_per_tick;
    out->min_ns *= out->ns_per_tick;
    out->max_ns *= out->ns_per_tick;
    return out;
}
