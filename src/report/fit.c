/* Minimises sum w (y - r.x)^2 / y^2 over r >= 0, w = 0.98 ^ age, plus a pull towards the prior:
 * PULL ((r - p) / p)^2 for each rate, so that features that no export has shown yet keep the rates
 * they were shipped with. Solved by cyclic coordinate descent on the Gram matrix, which for a
 * convex quadratic over a box ends in its minimum. Source: Franc, Hlavac, Navara, Sequential
 * coordinate-wise algorithm for the non-negative least squares problem (2005). */
#include "report/fit.h"
#include <math.h>
#include <string.h>

static const double KEPT = 0.98, PULL = 0.005;
enum { ROUNDS = 200 };

double fit_value(const double rates[FEATURES], const double features[FEATURES])
{
    double sum = 0;
    for (int i = 0; i < FEATURES; i++) sum += rates[i] * features[i];
    return sum;
}

void fit_begin(Fit *fit, const double prior[FEATURES])
{
    memset(fit, 0, sizeof *fit);
    memcpy(fit->rates, prior, sizeof fit->rates);
}

static void solve(Fit *fit, const double prior[FEATURES])
{
    for (int round = 0; round < ROUNDS; round++) {
        double moved = 0;
        for (int i = 0; i < FEATURES; i++) {
            if (prior[i] <= 0) continue;
            double pull = PULL / (prior[i] * prior[i]);
            double rest = fit->right[i] + pull * prior[i];
            for (int j = 0; j < FEATURES; j++)
                if (j != i) rest -= fit->gram[i][j] * fit->rates[j];
            double rate = rest / (fit->gram[i][i] + pull);
            if (rate < 0) rate = 0;
            moved += fabs(rate - fit->rates[i]) / prior[i];
            fit->rates[i] = rate;
        }
        if (moved < 1e-6) break;
    }
}

void fit_add(Fit *fit, const double prior[FEATURES], const double features[FEATURES],
             double seconds)
{
    if (!(seconds > 0) || !isfinite(seconds)) return;
    for (int i = 0; i < FEATURES; i++) {
        for (int j = 0; j < FEATURES; j++)
            fit->gram[i][j] =
                fit->gram[i][j] * KEPT + features[i] * features[j] / (seconds * seconds);
        fit->right[i] = fit->right[i] * KEPT + features[i] / seconds;
    }
    fit->seen = fit->seen * KEPT + 1;
    solve(fit, prior);
}
