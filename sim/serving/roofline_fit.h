/* Constants of a step-time model from published rates: a robust fit, and its error on what it has not seen. */
#ifndef TS_SIM_SERVING_ROOFLINE_FIT_H
#define TS_SIM_SERVING_ROOFLINE_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum { TS_ROOFLINE_FIT_MAX_PARAMS = 32, TS_ROOFLINE_FIT_MAX_POINTS = 16384 };

/* Positive constants c such that predict(c, i) is near 1 (predicted over measured) for every point i. */
struct ts_roofline_fit {
    size_t n_points, n_params;
    /* Ratio of prediction and measurement, > 0. */
    double (*ratio)(const void *user, const double *params, size_t point);
    const void *user;
    const double *start;   /* [n_params] > 0: where a constant stays that the points do not decide */
    const bool *share;     /* [n_params] those that are at most 1 (start: less); NULL: none */
    const double *from;    /* [n_params] where the search begins; NULL: at start */
    const uint32_t *group; /* [n_points] what is left out together; NULL if never left out */
    const double *weight;  /* [n_points] NULL: all 1 */
};

/* Group number that no point has: nothing is left out. */
#define TS_ROOFLINE_FIT_ALL UINT32_MAX

/* Fits to all points but those of group `without`. TS_EINPUT: too few points, or no prediction at the start. */
enum ts_status ts_roofline_fit(double *params, const struct ts_roofline_fit *fit, uint32_t without,
                               struct ts_diags *diags);

/* ratio[i]: of point i, by the fit to all other groups. Groups are numbered 0..n_groups-1. */
enum ts_status ts_roofline_fit_leave_out(double *ratio, const struct ts_roofline_fit *fit, uint32_t n_groups,
                                         struct ts_diags *diags);

/* Median of |ratio - 1| ... of n rates; sorts `ratio`. NaN if n is 0. */
double ts_roofline_fit_median_error(double *ratio, size_t n);
/* The share q (0 to 1) of n values lies below; sorts them. NaN if n is 0. */
double ts_roofline_fit_quantile(double *values, size_t n, double q);

#endif
