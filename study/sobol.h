/* Quasi-Monte-Carlo with Sobol's sequence, and Sobol's indices of what a figure's variance comes from. Pure. */
#ifndef TS_STUDY_SOBOL_H
#define TS_STUDY_SOBOL_H

#include <stdint.h>

#include "base/status.h"

enum { TS_SOBOL_MAX_DIMENSIONS = 40, TS_SOBOL_MAX_INPUTS = 20 }; /* inputs: with two points each for the indices */

/* Points 0 to n - 1 in (0, 1)^d, d <= 40, out[n][d]: the sequence of Bratley and Fox (1988) from GSL, its first 32
 * binary digits changed by a digital shift that follows from seed and replicate: points of another replicate are as
 * even, and independent of these (Owen 1998). n should be a power of two. TS_ENOMEM. */
enum ts_status ts_sobol_points(double *out, uint32_t n, uint32_t d, uint64_t seed, uint32_t replicate);

/* Shares of the variance of f that each input explains by itself (first) and with all others (total). Of independent
 * points A and B: ya[n] = f(A), yb[n] = f(B), yab[d][n] = f(A with column i from B). First by Saltelli et al. 2010,
 * table 2 (b), total by Jansen 1999. NaN where f does not vary, or is not finite.
 * Ishigami, a = 7, b = 0.1: 0.3139, 0.4424, 0 and 0.5576, 0.4424, 0.2437. */
void ts_sobol_indices(double *first, double *total, const double *ya, const double *yb, const double *yab, uint32_t n,
                      uint32_t d);

#endif
