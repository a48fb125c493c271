/* A fitted response: numbers of a simulation as polynomials of its uncertain inputs' normal scores z (z = 1.2816 is an
 * input's p90). Pure. */
#ifndef TS_STUDY_UNCERTAIN_RESPONSE_H
#define TS_STUDY_UNCERTAIN_RESPONSE_H

#include <stdint.h>

#include "base/status.h"

struct ts_response;

/* How many coefficients a full quadratic in d inputs has. */
uint32_t ts_response_n_quadratic(uint32_t d);

/* Fits n points: z[n][d], y[n][m]. A full quadratic by least squares where there are enough points for it, else one
 * without products; what that leaves is interpolated by kriging with a Gaussian covariance, whose length is the one
 * that predicts each point best from the others. Numbers that are positive everywhere are fitted as logarithms; those
 * that are equal everywhere stay what they are. An input that has no effect on a number is left out of its fit.
 * TS_ENOMEM. */
enum ts_status ts_response_create(struct ts_response **out, const double *z, const double *y, uint32_t n, uint32_t d,
                                  uint32_t m);
void ts_response_destroy(struct ts_response *response); /* NULL is fine */

/* out[m] at z[d]; beyond the points that were fitted it is that of the edge. */
void ts_response_at(double *out, const struct ts_response *response, const double *z);

#endif
