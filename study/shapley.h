/* The Shapley value (Shapley, 1953): a whole shared out among n players by what each adds, in the mean over all orders
 * in which they may come. */
#ifndef TS_STUDY_SHAPLEY_H
#define TS_STUDY_SHAPLEY_H

#include <stdint.h>

/* out[n]; value[2^n]: of the players whose bits are set. The parts sum to value[2^n - 1] - value[0]; NaN where some
 * value is. n <= 20. */
void ts_shapley(double *out, const double *value, uint32_t n);

#endif
