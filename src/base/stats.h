/* base/stats — order statistics of a sample.
 *
 * Both sort the values in place: give a copy where the order matters. No value may be NaN. */
#pragma once
#include <stddef.h>

/* The value that the share `q` (0 to 1) of the sample lies below, in between two by their distance;
 * 0 of none. (Type 7 of R. J. Hyndman, Y. Fan, Sample Quantiles in Statistical Packages, 1996.) */
double stats_quantile(double *values, size_t count, double q);
double stats_median(double *values, size_t count);
