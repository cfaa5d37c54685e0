/* Guesses and predictions; the state they come from is predict_state.c's. */
#include "report/predict_int.h"
#include <math.h>
#include <string.h>

const char *const FEATURE_NAMES[FEATURES] = {"target", "file", "million rows", "million cells",
                                             "MB"};
const char *const WHOLE_FEATURE_NAMES[FEATURES] = {"export", "target", "file", "second of work",
                                                   "MB written"};

/* Seconds a unit, set by hand after runs of `bench/run.sh BUILD predict`, which tells how far off
 * they are. */
const double PRIORS[WORK_KINDS + 1][FEATURES] = {
    [WORK_RAW] = {0.0003, 0.001, 1e-9, 1e-9, 0.006}, [WORK_COPY] = {0.002, 0.008, 0.15, 0.05, 0.02},
    [WORK_BUCKET] = {0.004, 0.01, 0.12, 0.05, 0.02}, [WORK_JOIN] = {0.006, 0.012, 0.3, 0.08, 0.03},
    [WORK_SQL] = {0.006, 0.012, 0.3, 0.08, 0.03},    [WORK_KINDS] = {0.15, 0.004, 0.006, 1.5, 0.01},
};

const char *work_kind_name(WorkKind kind)
{
    static const char *const NAMES[WORK_KINDS] = {"raw", "copy", "bucket", "join", "sql"};
    return NAMES[kind];
}

const char *basis_name(Basis basis)
{
    static const char *const NAMES[BASIS_COUNT] = {"prior", "model", "history"};
    return NAMES[basis];
}

/* ---- figures ---- */

double q_error(double a, double b)
{
    if (a == b) return 1;
    if (a <= 0 || b <= 0) return INFINITY;
    return a > b ? a / b : b / a;
}

/* ---- one target ---- */

static void features_of(const Work *work, double bytes, double out[FEATURES])
{
    out[0] = 1;
    out[1] = work->files;
    out[2] = work->rows_in / 1e6;
    out[3] = work->cells_in / 1e6;
    out[4] = (work->bytes_in + bytes) / 1e6;
}

void predictor_guess(const Predictor *predictor, const Work *work, Guess *out)
{
    double features[FEATURES];
    Guess guess = {.rows = work->rows, .bytes = work->bytes};
    const Ratio *ratio = state_ratio(&predictor->state, work->target);
    if (ratio == NULL && work->columns != 0) ratio = state_ratio(&predictor->state, work->columns);
    if (ratio != NULL && !work->all_exact) {
        if (!work->rows_exact) guess.rows *= (double)ratio->rows;
        guess.bytes *= (double)ratio->bytes;
    }
    features_of(work, guess.bytes, features);
    guess.busy_s = fit_value(predictor->state.fits[work->kind].rates, features);
    *out = guess;
}

/* ---- the whole ---- */

typedef struct Whole { /* an export, target by target */
    double busy_s, longest_s, files, bytes;
} Whole;

static void whole_add(Whole *whole, const Work *work, const Guess *guess, double busy_s)
{
    double one_s = work->files > 1 ? busy_s / work->files : busy_s;
    whole->busy_s += busy_s;
    whole->files += work->files;
    whole->bytes += guess->bytes;
    if (one_s > whole->longest_s) whole->longest_s = one_s;
}

/* Its workers' seconds are shared by as many as there are. */
static void whole_features(const WorkAll *all, const Whole *whole, double out[FEATURES])
{
    double side_by_side = all->threads > 1 ? whole->busy_s / (double)all->threads : whole->busy_s;
    out[0] = 1;
    out[1] = (double)all->count;
    out[2] = whole->files;
    out[3] = side_by_side > whole->longest_s ? side_by_side : whole->longest_s;
    out[4] = whole->bytes / 1e6;
}

static double prior_seconds(const WorkAll *all)
{
    Whole whole = {0};
    double features[FEATURES];
    for (size_t i = 0; i < all->count; i++) {
        features_of(&all->works[i], all->guesses[i].bytes, features);
        whole_add(&whole, &all->works[i], &all->guesses[i],
                  fit_value(PRIORS[all->works[i].kind], features));
    }
    whole_features(all, &whole, features);
    return fit_value(PRIORS[WORK_KINDS], features);
}

static void guessed_features(const WorkAll *all, double out[FEATURES])
{
    Whole whole = {0};
    for (size_t i = 0; i < all->count; i++)
        whole_add(&whole, &all->works[i], &all->guesses[i], all->guesses[i].busy_s);
    whole_features(all, &whole, out);
}

static double model_seconds(const Predictor *predictor, const WorkAll *all, double *out_work_s)
{
    double features[FEATURES];
    guessed_features(all, features);
    const double *rates = predictor->state.fits[WORK_KINDS].rates;
    *out_work_s = rates[3] * features[3];
    return fit_value(rates, features);
}

static double shape_median(const Shape *shape)
{
    double values[SHAPE_RUNS];
    size_t count = shape->count < SHAPE_RUNS ? shape->count : SHAPE_RUNS;
    for (size_t i = 0; i < count; i++) values[i] = (double)shape->ratios[i];
    return stats_median(values, count);
}

/* How far 8 of 10 predictions on the same basis were off: of the newest 16. */
static double band_of(const Predictor *predictor, Basis basis)
{
    static const double FIRST[BASIS_COUNT] = {3, 2, 1.5};
    enum { ENOUGH = 5, NEWEST = 16 };
    double errors[NEWEST];
    size_t count = 0;
    const State *state = &predictor->state;
    for (size_t i = state->outcome_count; i-- > 0 && count < NEWEST;)
        if (state->outcomes[i].basis == (uint32_t)basis)
            errors[count++] =
                q_error((double)state->outcomes[i].predicted_s, (double)state->outcomes[i].real_s);
    if (count < ENOUGH) return FIRST[basis];
    double width = stats_quantile(errors, count, 0.8);
    return width < 1.15 ? 1.15 : width > 10 ? 10 : width;
}

void predictor_time(const Predictor *predictor, const WorkAll *all, Prediction *out)
{
    enum { MODEL_RUNS = 3 };
    const State *state = &predictor->state;
    const Shape *shape = state_shape(state, all->shape);
    double work_s, model_s = model_seconds(predictor, all, &work_s);
    Prediction p = {.slowness = all->slowness, .prior_s = prior_seconds(all)};
    for (size_t i = 0; i < all->count; i++) {
        p.rows += all->guesses[i].rows;
        p.bytes += all->guesses[i].bytes;
        p.files += all->works[i].files;
    }
    if (shape != NULL) {
        p.basis = BASIS_HISTORY;
        p.seen = shape->count;
        p.seconds = p.prior_s * shape_median(shape);
    } else if (state->fits[WORK_KINDS].seen > MODEL_RUNS - 0.5) {
        p.basis = BASIS_MODEL;
        p.seconds = model_s;
    } else {
        p.basis = BASIS_PRIOR;
        p.seconds = model_s;
    }
    double band = band_of(predictor, p.basis);
    p.seconds *= all->slowness;
    p.overhead_s = p.seconds * (1 - work_s / model_s);
    p.low = p.seconds / band;
    p.high = p.seconds * band;
    *out = p;
}

/* ---- learning ---- */

static void learn_ratio(State *state, uint64_t key, double rows, double bytes, double weight)
{
    if (key == 0 || !(rows > 0) || !(bytes > 0)) return;
    bool is_new;
    Ratio *ratio = state_ratio_put(state, key, &is_new);
    if (is_new) weight = 1;
    if (is_new) *ratio = (Ratio){.key = key, .used = ratio->used, .rows = 1, .bytes = 1};
    ratio->rows = (float)exp((1 - weight) * log((double)ratio->rows) + weight * log(rows));
    ratio->bytes = (float)exp((1 - weight) * log((double)ratio->bytes) + weight * log(bytes));
}

static void learn_target(State *state, const Work *work, const Truth *truth)
{
    static const double TARGET = 1, ALIKE = 0.3;
    if (work->rows <= 0 || truth->rows <= 0 || work->kind == WORK_RAW) return;
    double rows = truth->rows / work->rows, bytes = truth->bytes / work->bytes;
    learn_ratio(state, work->target, rows, bytes, TARGET);
    learn_ratio(state, work->columns, rows, bytes, ALIKE);
}

/* All targets of a kind as one observation: a thousand of them do not forget all that was before.
 */
static void learn_kinds(State *state, const WorkAll *all, const Truth *truths)
{
    for (size_t kind = 0; kind < WORK_KINDS; kind++) {
        double sum[FEATURES] = {0}, one[FEATURES], busy_s = 0;
        for (size_t i = 0; i < all->count; i++) {
            if ((size_t)all->works[i].kind != kind) continue;
            features_of(&all->works[i], truths[i].bytes, one);
            for (int f = 0; f < FEATURES; f++) sum[f] += one[f];
            busy_s += truths[i].busy_s;
        }
        if (busy_s > 0) fit_add(&state->fits[kind], PRIORS[kind], sum, busy_s / all->slowness);
    }
}

static void learn_outcome(State *state, const Outcome *outcome)
{
    if (state->outcome_count == OUTCOMES_MOST)
        memmove(state->outcomes, state->outcomes + 1,
                --state->outcome_count * sizeof *state->outcomes);
    state->outcomes[state->outcome_count++] = *outcome;
}

void predictor_learn(Predictor *predictor, const WorkAll *all, const Prediction *prediction,
                     const Truth *truths, double files, double seconds)
{
    State *state = &predictor->state;
    Outcome outcome = {.begun = os_now(),
                       .predicted_s = (float)prediction->seconds,
                       .real_s = (float)seconds,
                       .predicted_rows = (float)prediction->rows,
                       .predicted_bytes = (float)prediction->bytes,
                       .predicted_files = (float)prediction->files,
                       .real_files = (float)files,
                       .basis = prediction->basis};
    double features[FEATURES];
    for (size_t i = 0; i < all->count; i++) {
        outcome.real_rows += (float)truths[i].rows;
        outcome.real_bytes += (float)truths[i].bytes;
        learn_target(state, &all->works[i], &truths[i]);
    }
    learn_outcome(state, &outcome);
    guessed_features(all, features);
    fit_add(&state->fits[WORK_KINDS], PRIORS[WORK_KINDS], features, seconds / all->slowness);
    learn_kinds(state, all, truths);
    Shape *shape = state_shape_put(state, all->shape);
    shape->ratios[shape->count++ % SHAPE_RUNS] =
        (float)(seconds / all->slowness / prediction->prior_s);
}

/* ---- views ---- */

size_t predictor_fits(const Predictor *predictor, FitView out[WORK_KINDS + 1])
{
    for (size_t i = 0; i <= WORK_KINDS; i++) {
        out[i] = (FitView){.name = i < WORK_KINDS ? work_kind_name((WorkKind)i) : "export",
                           .seen = predictor->state.fits[i].seen};
        memcpy(out[i].rates, predictor->state.fits[i].rates, sizeof out[i].rates);
        memcpy(out[i].priors, PRIORS[i], sizeof out[i].priors);
    }
    return WORK_KINDS + 1;
}

size_t predictor_shapes(const Predictor *predictor)
{
    return predictor->state.shape_count;
}

size_t predictor_ratios(const Predictor *predictor)
{
    return predictor->state.ratio_count;
}

size_t predictor_outcomes(const Predictor *predictor, Arena *arena, Outcome **out)
{
    size_t count = predictor->state.outcome_count;
    *out = arena_memdup(arena, predictor->state.outcomes, count * sizeof **out);
    return count;
}

/* ---- texts ---- */

static double rounded(double value, double to)
{
    return round(value / to) * to;
}

char *about_format(Arena *arena, double seconds)
{
    if (seconds < 0.95) return arena_printf(arena, "%.1f s", seconds < 0.1 ? 0.1 : seconds);
    if (seconds < 9.5) return arena_printf(arena, "%.0f s", seconds);
    if (seconds < 88) return arena_printf(arena, "%.0f s", rounded(seconds, 5));
    if (seconds < 3570) return arena_printf(arena, "%.0f min", rounded(seconds, 60) / 60);
    long minutes = (long)(rounded(seconds, 300) / 60);
    return minutes % 60 == 0 ? arena_printf(arena, "%ld h", minutes / 60)
                             : arena_printf(arena, "%ld h %02ld min", minutes / 60, minutes % 60);
}

/* One end of a band; minutes as on a clock. */
static char *end_format(Arena *arena, double seconds)
{
    if (seconds < 9.5 || seconds >= 3570) return about_format(arena, seconds);
    long whole = (long)rounded(seconds, seconds < 60 ? 5 : 10);
    return whole < 60 ? arena_printf(arena, "%ld s", whole)
                      : arena_printf(arena, "%ld:%02ld", whole / 60, whole % 60);
}

char *prediction_format(Arena *arena, const Prediction *prediction)
{
    return arena_printf(arena, "about %s, %s to %s", about_format(arena, prediction->seconds),
                        end_format(arena, prediction->low), end_format(arena, prediction->high));
}
