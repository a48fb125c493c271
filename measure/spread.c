/* Hides the definition of median and p90: of sorted x[0..n), the median is the mean of the one or two in the middle,
 * the p90 is x[ceil(0.9 n) - 1]. Worked number: of 1..10, median 5.5, p90 9. */
#include "measure/spread.h"

#include <stdlib.h>

#include "base/sample.h"

struct ts_spread ts_spread_of(double *samples, size_t n)
{
    qsort(samples, n, sizeof *samples, ts_sample_compare);
    struct ts_spread spread;
    spread.min = samples[0];
    spread.median = (samples[(n - 1) / 2] + samples[n / 2]) / 2.0;
    spread.p90 = samples[(n * 9 + 9) / 10 - 1];
    spread.n_samples = (uint32_t)n;
    return spread;
}

double ts_spread_undisturbed(const double *ascending, size_t n)
{
    size_t third = (n + 2) / 3;
    double sum = 0.0;
    for (size_t i = 0; i < third; i++) {
        sum += ascending[i];
    }
    return sum / (double)third;
}
