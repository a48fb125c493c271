/* Hides how batches are kept and judged: for m batches with means x_i and their mean x,
 *   half = t(1 - (1-p)/2; m-1) sqrt(sum (x_i - x)^2/(m (m-1))).
 * Schmeiser, "Batch size effects in the analysis of simulation output", Operations Research 30, 1982: ten to thirty
 * batches are enough, more of them only make shorter, more dependent ones; so 32 to 64 here once a run is long. The
 * number is always a power of two times the first size, 1. Worked: batches 1, 2, 3 ... 16 have mean 8.5 and a half
 * width of 2.1314 sqrt(340/(16 15)) = 2.5369 at 95 %. */
#include "sim/batch_means.h"

#include <math.h>

#include <gsl/gsl_cdf.h>

/* Pairs become one; an odd one at the end is left out. */
static void halve(struct ts_batch_means *batches)
{
    batches->n /= 2;
    for (uint32_t i = 0; i < batches->n; i++) {
        batches->sum[i] = batches->sum[2 * i] + batches->sum[2 * i + 1];
    }
    batches->size *= 2;
}

void ts_batch_means_close(struct ts_batch_means *batches)
{
    if (batches->size == 0) {
        batches->size = 1;
    }
    batches->sum[batches->n++] = batches->open;
    batches->open = 0.0;
    batches->n_open = 0;
    if (batches->n == TS_BATCHES) {
        halve(batches);
    }
}

void ts_batch_means_merge(struct ts_batch_means *into, const struct ts_batch_means *from)
{
    struct ts_batch_means other = *from;
    into->open = 0.0;
    into->n_open = 0;
    if (into->n == 0 || other.n == 0) {
        *into = into->n == 0 ? other : *into;
        into->open = 0.0;
        into->n_open = 0;
        return;
    }
    while (other.size < into->size) {
        halve(&other);
    }
    while (into->size < other.size) {
        halve(into);
    }
    while (into->n + other.n > TS_BATCHES - 1) {
        halve(into);
        halve(&other);
    }
    for (uint32_t i = 0; i < other.n; i++) {
        into->sum[into->n++] = other.sum[i];
    }
}

double ts_batch_means_mean(const struct ts_batch_means *batches)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < batches->n; i++) {
        sum += batches->sum[i];
    }
    return batches->n >= TS_BATCHES_LEAST ? sum / ((double)batches->n * (double)batches->size) : NAN;
}

double ts_batch_means_half(const struct ts_batch_means *batches, double probability)
{
    const double mean = ts_batch_means_mean(batches);
    const double n = (double)batches->n;
    double squares = 0.0;
    if (isnan(mean)) {
        return NAN;
    }
    for (uint32_t i = 0; i < batches->n; i++) {
        const double off = batches->sum[i] / (double)batches->size - mean;
        squares += off * off;
    }
    return gsl_cdf_tdist_Pinv(1.0 - (1.0 - probability) / 2.0, n - 1.0) * sqrt(squares / (n * (n - 1.0)));
}
