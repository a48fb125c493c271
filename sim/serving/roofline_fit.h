/* Constants of a step-time model from published rates: what a model says about a rate, a robust fit, and its error on
 * hardware that the fit has not seen. */
#ifndef TS_SIM_SERVING_ROOFLINE_FIT_H
#define TS_SIM_SERVING_ROOFLINE_FIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "sim/model.h"

/* ---- rates of a model ---- */

/* Output tokens per second of n_seqs sequences together, each prompt_tok in and output_tok out, when one starts as soon
 * as another ends. prompt_tok 0: an empty context at first, and no prompts to process. */
double ts_roofline_decode_tok_s(const struct ts_steps_roofline *roof, double n_seqs, double prompt_tok,
                                double output_tok);
/* Prompt tokens per second of a lone prompt. */
double ts_roofline_prefill_tok_s(const struct ts_steps_roofline *roof, uint32_t prompt_tok);

/* ---- fit ---- */

enum { TS_ROOFLINE_FIT_MAX_PARAMS = 12, TS_ROOFLINE_FIT_MAX_POINTS = 16384 };

/* Positive constants c such that predict(c, i) is near 1 (predicted over measured) for every point i. */
struct ts_roofline_fit {
    size_t n_points, n_params;
    /* Ratio of prediction and measurement, > 0. */
    double (*ratio)(const void *user, const double *params, size_t point);
    const void *user;
    const double *start;   /* [n_params] > 0 */
    const uint32_t *group; /* [n_points] what is left out together: the hardware; NULL if never left out */
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

#endif
