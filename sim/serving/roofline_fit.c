/* Hides the search for constants: logarithms of the constants by Levenberg-Marquardt (gsl_multifit_nlinear) on
 * logarithms of the ratios, so that a factor 2 too high weighs as much as a factor 2 too low. Robust: ROUNDS fits, each
 * with weights 1/sqrt(1 + (r/SCALE)^2) from the residuals r of the one before, which makes far points count by their
 * distance instead of its square. A pull of PULL towards the start keeps a constant that the data do not decide where
 * it was.
 * Shares are searched by log(c/(1-c)), so that none leaves (0, 1). */
#include "sim/serving/roofline_fit.h"

#include <float.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdlib.h>

enum { ROUNDS = 8, ROUNDS_FROM = 2, MAX_STEPS = 12 };

static const double SCALE = 0.15;
static const double PULL = 0.03;
static const double WORST_LOG = 20.0;
static const double STEP = 1e-4;

struct search {
    const struct ts_roofline_fit *fit;
    const size_t *points; /* those that take part */
    size_t n_points;
};

static bool is_share(const struct ts_roofline_fit *fit, size_t j)
{
    return fit->share && fit->share[j];
}

static double to_search(const struct ts_roofline_fit *fit, size_t j, double value)
{
    return is_share(fit, j) ? log(value / (1.0 - value)) : log(value);
}

static double from_search(const struct ts_roofline_fit *fit, size_t j, double x)
{
    const double bounded = fmax(-100.0, fmin(100.0, x));
    return is_share(fit, j) ? 1.0 / (1.0 + exp(-bounded)) : exp(bounded);
}

static double residual(const struct ts_roofline_fit *fit, const double *params, size_t point)
{
    const double ratio = fit->ratio(fit->user, params, point);
    return ratio > 0.0 && isfinite(ratio) ? fmax(-WORST_LOG, fmin(WORST_LOG, log(ratio))) : WORST_LOG;
}

static int residuals(const gsl_vector *x, void *data, gsl_vector *f)
{
    const struct search *search = data;
    const struct ts_roofline_fit *fit = search->fit;
    double params[TS_ROOFLINE_FIT_MAX_PARAMS];
    for (size_t j = 0; j < fit->n_params; j++) {
        params[j] = from_search(fit, j, gsl_vector_get(x, j));
        gsl_vector_set(f, search->n_points + j, gsl_vector_get(x, j) - to_search(fit, j, fit->start[j]));
    }
    for (size_t i = 0; i < search->n_points; i++) {
        gsl_vector_set(f, i, residual(fit, params, search->points[i]));
    }
    return GSL_SUCCESS;
}

static void reweigh(const struct search *search, const gsl_vector *f, bool first, gsl_vector *weights)
{
    for (size_t i = 0; i < search->n_points; i++) {
        const double own = search->fit->weight ? search->fit->weight[search->points[i]] : 1.0;
        const double r = first ? 0.0 : gsl_vector_get(f, i) / SCALE;
        gsl_vector_set(weights, i, own / sqrt(1.0 + r * r));
    }
    for (size_t j = 0; j < search->fit->n_params; j++) {
        gsl_vector_set(weights, search->n_points + j, PULL * PULL);
    }
}

static enum ts_status search_from(gsl_vector *x, const struct search *search, gsl_multifit_nlinear_workspace *work,
                                  gsl_vector *f, gsl_vector *weights)
{
    gsl_multifit_nlinear_fdf fdf = {
        .f = residuals,
        .n = search->n_points + search->fit->n_params,
        .p = search->fit->n_params,
        .params = (void *)(uintptr_t)search,
    };
    int info = 0;
    const int n_rounds = search->fit->from ? ROUNDS_FROM : ROUNDS;
    for (int round = 0; round < n_rounds; round++) {
        residuals(x, fdf.params, f);
        reweigh(search, f, round == 0 && !search->fit->from, weights);
        if (gsl_multifit_nlinear_winit(x, weights, &fdf, work) != GSL_SUCCESS) {
            return TS_EINPUT;
        }
        const int code = gsl_multifit_nlinear_driver(MAX_STEPS, 1e-9, 1e-9, 1e-12, NULL, NULL, &info, work);
        if (code != GSL_SUCCESS && code != GSL_EMAXITER && code != GSL_ENOPROG) {
            return TS_EINPUT;
        }
        gsl_vector_memcpy(x, gsl_multifit_nlinear_position(work));
    }
    return TS_OK;
}

static enum ts_status run_search(double *params, const struct search *search, struct ts_diags *diags)
{
    const size_t p = search->fit->n_params;
    const size_t n = search->n_points + p;
    gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
    how.h_df = STEP;
    gsl_multifit_nlinear_workspace *work = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, n, p);
    gsl_vector *x = gsl_vector_alloc(p);
    gsl_vector *f = gsl_vector_alloc(n);
    gsl_vector *weights = gsl_vector_alloc(n);
    enum ts_status status = work && x && f && weights ? TS_OK : TS_ENOMEM;
    for (size_t j = 0; status == TS_OK && j < p; j++) {
        gsl_vector_set(x, j,
                       to_search(search->fit, j, (search->fit->from ? search->fit->from : search->fit->start)[j]));
    }
    if (status == TS_OK) {
        status = search_from(x, search, work, f, weights);
        if (status != TS_OK) {
            (void)ts_fail(diags, status, ts_span_none(), NULL, "the fit of %zu points found no constants",
                          search->n_points);
        }
    }
    for (size_t j = 0; status == TS_OK && j < p; j++) {
        params[j] = from_search(search->fit, j, gsl_vector_get(x, j));
    }
    gsl_multifit_nlinear_free(work);
    gsl_vector_free(x);
    gsl_vector_free(f);
    gsl_vector_free(weights);
    return status;
}

enum ts_status ts_roofline_fit(double *params, const struct ts_roofline_fit *fit, uint32_t without,
                               struct ts_diags *diags)
{
    if (fit->n_params == 0 || fit->n_params > TS_ROOFLINE_FIT_MAX_PARAMS ||
        fit->n_points > TS_ROOFLINE_FIT_MAX_POINTS) {
        return ts_fail(diags, TS_EINPUT, ts_span_none(), NULL, "a fit takes 1 to %d constants and %d points",
                       TS_ROOFLINE_FIT_MAX_PARAMS, TS_ROOFLINE_FIT_MAX_POINTS);
    }
    size_t *points = malloc((fit->n_points + 1) * sizeof *points);
    if (!points) {
        return TS_ENOMEM;
    }
    struct search search = {fit, points, 0};
    for (size_t i = 0; i < fit->n_points; i++) {
        if (!fit->group || fit->group[i] != without) {
            points[search.n_points++] = i;
        }
    }
    enum ts_status status = TS_OK;
    if (search.n_points < fit->n_params) {
        status = ts_fail(diags, TS_EINPUT, ts_span_none(), NULL, "%zu points do not decide %zu constants",
                         search.n_points, fit->n_params);
    } else {
        gsl_error_handler_t *before = gsl_set_error_handler_off();
        status = run_search(params, &search, diags);
        gsl_set_error_handler(before);
    }
    free(points);
    return status;
}

enum ts_status ts_roofline_fit_leave_out(double *ratio, const struct ts_roofline_fit *fit, uint32_t n_groups,
                                         struct ts_diags *diags)
{
    for (uint32_t group = 0; group < n_groups; group++) {
        double params[TS_ROOFLINE_FIT_MAX_PARAMS];
        const enum ts_status status = ts_roofline_fit(params, fit, group, diags);
        if (status != TS_OK) {
            return status;
        }
        for (size_t i = 0; i < fit->n_points; i++) {
            if (fit->group[i] == group) {
                ratio[i] = fit->ratio(fit->user, params, i);
            }
        }
    }
    return TS_OK;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double ts_roofline_fit_quantile(double *values, size_t n, double q)
{
    qsort(values, n, sizeof *values, by_size);
    if (n == 0) {
        return (double)NAN;
    }
    const double at = q * (double)(n - 1);
    const size_t i = (size_t)at, next = i + 1 < n ? i + 1 : i;
    return values[i] + (at - (double)i) * (values[next] - values[i]);
}

double ts_roofline_fit_median_error(double *ratio, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ratio[i] = fabs(ratio[i] - 1.0);
    }
    return ts_roofline_fit_quantile(ratio, n, 0.5);
}
