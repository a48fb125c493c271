/* Hides the search for constants: logarithms of the constants by Levenberg-Marquardt (gsl_multifit_nlinear) on
 * logarithms of the ratios, so that a factor 2 too high weighs as much as a factor 2 too low. Robust: ROUNDS fits, each
 * with weights 1/sqrt(1 + (r/SCALE)^2) from the residuals r of the one before, which makes far points count by their
 * distance instead of its square. A pull of PULL towards the start keeps a constant that the data do not decide where
 * it was.
 *
 * Decode in a closed loop: while a sequence makes its output_tok tokens, each of the n_seqs running ones is replaced
 * once, so n_seqs prompts are processed in that time:  time per token = step(n_seqs, context) + n_seqs/output_tok x
 * prompt. The context is the prompt and half of the output. Worked: 10 sequences, steps of 10 ms, prompts of 20 ms, 100
 * tokens out: 12 ms a token, 833 tok/s. */
#include "sim/serving/roofline_fit.h"

#include <float.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdlib.h>

#include "sim/serving/steptime.h"

enum { ROUNDS = 12, MAX_STEPS = 100 };

static const double SCALE = 0.15;
static const double PULL = 0.03;
static const double WORST_LOG = 20.0;
static const double STEP = 1e-4;

/* ---- rates ---- */

double ts_roofline_decode_tok_s(const struct ts_steps_roofline *roof, double n_seqs, double prompt_tok,
                                double output_tok)
{
    const struct ts_steps_model model = {.kind = TS_STEPS_ROOFLINE, .u = {.roofline = *roof}};
    const double context = prompt_tok + output_tok / 2.0;
    const uint32_t whole = n_seqs < 1.0 ? 1 : (uint32_t)(n_seqs + 0.5);
    const struct ts_batch_load load = ts_steptime_decode_load(whole, (uint64_t)(whole * context));
    const double pairs = prompt_tok * (prompt_tok + 1.0) / 2.0;
    const double prompt_s =
        (roof->flop_per_tok * prompt_tok + roof->attention_flop_per_pair * pairs) / roof->flop_per_s;
    return whole / (ts_steptime_s(&model, &load) + whole / output_tok * prompt_s);
}

double ts_roofline_prefill_tok_s(const struct ts_steps_roofline *roof, uint32_t prompt_tok)
{
    const struct ts_steps_model model = {.kind = TS_STEPS_ROOFLINE, .u = {.roofline = *roof}};
    const struct ts_batch_load load = ts_steptime_prompt_load(prompt_tok);
    return prompt_tok / ts_steptime_s(&model, &load);
}

/* ---- fit ---- */

struct search {
    const struct ts_roofline_fit *fit;
    const size_t *points; /* those that take part */
    size_t n_points;
};

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
        const double log_param = fmax(-100.0, fmin(100.0, gsl_vector_get(x, j)));
        params[j] = exp(log_param);
        gsl_vector_set(f, search->n_points + j, log_param - log(fit->start[j]));
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
    for (int round = 0; round < ROUNDS; round++) {
        residuals(x, fdf.params, f);
        reweigh(search, f, round == 0, weights);
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
        gsl_vector_set(x, j, log(search->fit->start[j]));
    }
    if (status == TS_OK) {
        status = search_from(x, search, work, f, weights);
        if (status != TS_OK) {
            (void)ts_fail(diags, status, ts_span_none(), NULL, "the fit of %zu points found no constants",
                          search->n_points);
        }
    }
    for (size_t j = 0; status == TS_OK && j < p; j++) {
        params[j] = exp(gsl_vector_get(x, j));
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

double ts_roofline_fit_median_error(double *ratio, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ratio[i] = fabs(ratio[i] - 1.0);
    }
    qsort(ratio, n, sizeof *ratio, by_size);
    if (n == 0) {
        return (double)NAN;
    }
    return n % 2 ? ratio[n / 2] : (ratio[n / 2 - 1] + ratio[n / 2]) / 2.0;
}
