/* Hides what counts as a second measurement. */
#include "serving_repeats.h"

#include <math.h>

#include "sim/serving/roofline_fit.h"

enum { MAX_OF_A_POINT = 64 };

void serving_repeats_note(struct serving_repeats *repeats, const double *recorded, size_t n)
{
    double some[MAX_OF_A_POINT];
    size_t n_some = 0;
    for (size_t i = 0; i < n && n_some < MAX_OF_A_POINT; i++) {
        size_t j = 0;
        while (j < n_some && some[j] != recorded[i]) {
            j++;
        }
        if (recorded[i] > 0.0 && j == n_some) {
            some[n_some++] = recorded[i];
        }
    }
    if (n_some < 2) {
        return;
    }
    const double median = ts_roofline_fit_quantile(some, n_some, 0.5);
    for (size_t i = 0; i < n_some && repeats->n < SERVING_MAX_REPEATS; i++) {
        repeats->off[repeats->n++] = fabs(some[i] / median - 1.0);
    }
}

double serving_repeats_quantile(struct serving_repeats *repeats, double q)
{
    return ts_roofline_fit_quantile(repeats->off, repeats->n, q);
}
