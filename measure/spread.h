/* Order statistics of samples. */
#ifndef TS_MEASURE_SPREAD_H
#define TS_MEASURE_SPREAD_H

#include "measure/measurement.h"

/* Sorts the samples; n > 0. The p90 is the smallest sample with at least nine tenths at or below it. */
struct ts_spread ts_spread_of(double *samples, size_t n);

/* Mean of the fastest third (at least one) of samples in ascending order: what something takes when nothing else
 * disturbs it. A busy machine only ever adds to a time, so the fast samples are near the truth long before the median
 * is. */
double ts_spread_undisturbed(const double *ascending, size_t n);

#endif
