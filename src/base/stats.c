/* One definition of a quantile, so that two reports of the same runs never differ by its rounding.
 */
#include "base/stats.h"
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double stats_quantile(double *values, size_t count, double q)
{
    if (count == 0) return 0;
    qsort(values, count, sizeof *values, by_value);
    double at = q * (double)(count - 1);
    size_t below = (size_t)at, above = below + 1 < count ? below + 1 : below;
    if (values[below] == values[above]) return values[below];
    return values[below] + (at - (double)below) * (values[above] - values[below]);
}

double stats_median(double *values, size_t count)
{
    return stats_quantile(values, count, 0.5);
}
