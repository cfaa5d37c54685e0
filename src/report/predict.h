/* report/predict — what an export will take, before it runs: rows, bytes, files, seconds.
 *
 *   predictor_load     what this pond has learned so far; knows nothing at first
 *   predictor_guess    rows, bytes and working seconds of one target
 *   predictor_time     the seconds of the whole export, with a band
 *   predictor_learn    what it was in truth, afterwards
 *   predictor_save
 *
 * Work: by structure (the caller's), corrected by what the same target, else targets of the same
 * kind and columns, gave before. Time, the first that knows: (1) history: the median of the last 9
 * exports of the same shape, scaled by size; (2) model: a non-negative least squares fit by kind
 * of target over {1, files, rows, cells, MB}, with relative weights, forgetting 2 % an export;
 * (3) prior: the rates that pond is shipped with. All are divided by how fast the machine is now.
 *
 * Invariant: POND/history/model holds at most 64 KiB and may vanish at any moment; damaged, it is
 * set aside, and what is learned begins anew. Of two processes that learn at once the later one's
 * file stands. A guess or prediction takes less than 2 µs.
 * Threads: plain functions over the caller's value. */
#pragma once
#include "base/base.h"

typedef enum WorkKind {
    WORK_RAW, /* bytes, as they are */
    WORK_COPY,
    WORK_BUCKET,
    WORK_JOIN,
    WORK_SQL,
    WORK_KINDS
} WorkKind;
const char *work_kind_name(WorkKind kind);

/* A target, as planned. */
typedef struct Work {
    WorkKind kind;
    uint64_t target;  /* what it is: equal for the next export of it */
    uint64_t columns; /* what it is made of: equal for targets that are alike; 0: unknown */
    double files, rows_in, cells_in, bytes_in;
    double rows, bytes;         /* out, by structure */
    bool rows_exact, all_exact; /* recorded, not guessed: rows; rows and bytes */
} Work;

typedef struct Guess {
    double rows, bytes;
    double busy_s; /* of one worker, on the machine that the prior was measured on */
} Guess;

typedef enum Basis { BASIS_PRIOR, BASIS_MODEL, BASIS_HISTORY, BASIS_COUNT } Basis;
const char *basis_name(Basis basis);

typedef struct Prediction {
    double seconds, low, high; /* 8 of 10 lie within */
    double rows, bytes, files;
    Basis basis;
    uint32_t seen; /* exports of the same shape */
    double slowness;
    double prior_s;    /* by the shipped rates: what sizes are compared by */
    double overhead_s; /* of `seconds`, what is not the workers' work */
} Prediction;

/* A prediction and what became of it. */
typedef struct Outcome {
    TimeUs begun;
    float predicted_s, real_s, predicted_rows, real_rows, predicted_bytes, real_bytes,
        predicted_files, real_files;
    uint32_t basis;
} Outcome;

typedef struct Predictor Predictor;

/* pond_dir NULL: knows nothing. */
Predictor *predictor_load(Arena *arena, const char *pond_dir);
Err *predictor_save(const Predictor *predictor, const char *pond_dir) WARN_UNUSED;

void predictor_guess(const Predictor *predictor, const Work *work, Guess *out);

typedef struct WorkAll { /* an export */
    uint64_t shape;      /* the same patterns and options */
    const Work *works;
    const Guess *guesses;
    size_t count;
    int threads;
    double slowness; /* speed_slowness() */
} WorkAll;
void predictor_time(const Predictor *predictor, const WorkAll *all, Prediction *out);

typedef struct Truth { /* of one target */
    double rows, bytes, busy_s;
} Truth;
/* `truths` in the order of all->works; seconds: the export from begin to end. */
void predictor_learn(Predictor *predictor, const WorkAll *all, const Prediction *prediction,
                     const Truth *truths, double files, double seconds);

/* What is known, for `pond perf model`. */
enum { FEATURES = 5 };
extern const char *const FEATURE_NAMES[FEATURES];       /* of a kind */
extern const char *const WHOLE_FEATURE_NAMES[FEATURES]; /* of an export */
typedef struct FitView {
    const char *name;
    double rates[FEATURES], priors[FEATURES]; /* seconds a unit */
    double seen;                              /* exports, the older ones weighing less */
} FitView;
size_t predictor_fits(const Predictor *predictor, FitView out[WORK_KINDS + 1]);
size_t predictor_shapes(const Predictor *predictor);
size_t predictor_ratios(const Predictor *predictor);
size_t predictor_bytes(const Predictor *predictor);
/* Oldest first. */
size_t predictor_outcomes(const Predictor *predictor, Arena *arena, Outcome **out);

/* How much slower the machine is now than when the priors were taken, by how many want a processor:
 * 0.5 (quiet) to 2. */
double speed_slowness(void);
/* `load`: the average over the last minute, of those running and waiting. */
double speed_slowness_of(double load, double processor_count);
/* max(a/b, b/a); 1 when both are nothing. */
double q_error(double a, double b);
/* "0.4 s", "40 s", "2 min", "1 h 20 min": no more digits than a prediction has. */
char *about_format(Arena *arena, double seconds);
/* "about 2 min, 1:20 to 3:00" */
char *prediction_format(Arena *arena, const Prediction *prediction);
