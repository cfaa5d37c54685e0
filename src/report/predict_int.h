/* What a predictor knows, as it stands in memory; predict_state.c reads and writes it. */
#pragma once
#include "report/fit.h"
#include "report/report_int.h"

enum {
    SHAPE_RUNS = 9,
    SHAPES_MOST = 128,
    RATIOS_MOST = 1024,
    OUTCOMES_MOST = 256,
    SHAPE_SLOTS = 512, /* of the tables by key; powers of two */
    RATIO_SLOTS = 4096,
    MODEL_BYTES_MAX = 64 << 10
};

typedef struct Shape {
    uint64_t key;
    uint32_t used, count;         /* when last; runs ever */
    float ratios[SHAPE_RUNS + 1]; /* seconds by those of the prior; one more for alignment */
} Shape;

typedef struct Ratio { /* what came out by what the structure said */
    uint64_t key;
    uint32_t used;
    float rows, bytes, unused;
} Ratio;

typedef struct State {
    uint32_t clock; /* of `used` */
    Fit fits[WORK_KINDS + 1];
    size_t shape_count, ratio_count, outcome_count;
    Shape shapes[SHAPES_MOST];
    Ratio ratios[RATIOS_MOST];
    Outcome outcomes[OUTCOMES_MOST];
    uint16_t shape_slots[SHAPE_SLOTS], ratio_slots[RATIO_SLOTS]; /* place + 1 */
} State;

struct Predictor {
    State state;
};

extern const double PRIORS[WORK_KINDS + 1][FEATURES];

void state_begin(State *state);
/* NULL when there is none. */
const Shape *state_shape(const State *state, uint64_t key);
const Ratio *state_ratio(const State *state, uint64_t key);
/* There, or new in the place of the one that was not used for longest. */
Shape *state_shape_put(State *state, uint64_t key);
Ratio *state_ratio_put(State *state, uint64_t key, bool *out_new);
