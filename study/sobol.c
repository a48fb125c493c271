/* Hides the digital shift and the two estimators:
 *   first_i = mean(yb (yab_i - ya)) / V,   total_i = mean((ya - yab_i)^2) / 2V,   V the variance of ya and yb together;
 * the mean is taken off first, which changes nothing but the error. */
#include "study/sobol.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <gsl/gsl_qrng.h>

#include "base/check.h"
#include "base/rng.h"

enum { PURPOSE_SHIFT = 0x50b01 };

enum ts_status ts_sobol_points(double *out, uint32_t n, uint32_t d, uint64_t seed, uint32_t replicate)
{
    TS_CHECK(d >= 1 && d <= TS_SOBOL_MAX_DIMENSIONS);
    gsl_qrng *sequence = gsl_qrng_alloc(gsl_qrng_sobol, d);
    if (!sequence) {
        return TS_ENOMEM;
    }
    uint32_t shift[TS_SOBOL_MAX_DIMENSIONS];
    struct ts_rng rng;
    ts_rng_init(&rng, seed, replicate, d, PURPOSE_SHIFT);
    for (uint32_t i = 0; i < d; i++) {
        shift[i] = ts_rng_u32(&rng);
    }
    for (uint32_t k = 0; k < n; k++) {
        double *point = out + (size_t)k * d;
        memset(point, 0, d * sizeof *point); /* the first point, which GSL leaves out */
        if (k > 0) {
            (void)gsl_qrng_get(sequence, point);
        }
        for (uint32_t i = 0; i < d; i++) {
            const uint32_t digits = (uint32_t)(point[i] * 0x1p32) ^ shift[i];
            point[i] = ((double)digits + 0.5) * 0x1p-32;
        }
    }
    gsl_qrng_free(sequence);
    return TS_OK;
}

static double mean_of(const double *y, uint32_t n)
{
    double sum = 0.0;
    for (uint32_t k = 0; k < n; k++) {
        sum += y[k];
    }
    return sum / n;
}

void ts_sobol_indices(double *first, double *total, const double *ya, const double *yb, const double *yab, uint32_t n,
                      uint32_t d)
{
    const double mean = 0.5 * (mean_of(ya, n) + mean_of(yb, n));
    double variance = 0.0;
    for (uint32_t k = 0; k < n; k++) {
        variance += ((ya[k] - mean) * (ya[k] - mean) + (yb[k] - mean) * (yb[k] - mean)) / (2.0 * n);
    }
    const bool varies = variance > 1e-24 * mean * mean;
    for (uint32_t i = 0; i < d; i++) {
        double by_itself = 0.0, with_others = 0.0;
        for (uint32_t k = 0; k < n; k++) {
            const double moved = yab[(size_t)i * n + k] - ya[k];
            by_itself += (yb[k] - mean) * moved / n;
            with_others += moved * moved / (2.0 * n);
        }
        first[i] = varies ? by_itself / variance : (double)NAN;
        total[i] = varies ? with_others / variance : (double)NAN;
    }
}
