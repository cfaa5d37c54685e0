/* report/fit — rates of work from what exports took: least squares without negative rates, one
 * observation at a time, each weighing by its relative error, the older ones less and less. */
#pragma once
#include "report/predict.h"

typedef struct Fit {
    double gram[FEATURES][FEATURES], right[FEATURES];
    double rates[FEATURES];
    double seen;
} Fit;

/* Begins at the prior's rates, which pull like one observation each. */
void fit_begin(Fit *fit, const double prior[FEATURES]);
void fit_add(Fit *fit, const double prior[FEATURES], const double features[FEATURES],
             double seconds);
double fit_value(const double rates[FEATURES], const double features[FEATURES]);
