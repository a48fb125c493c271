/* Hides how coefficients are kept from being negative: t = sum of u_j^2 * feature_j, and the u are free, so that GSL's
 * Levenberg-Marquardt applies (gsl_multifit_nlinear). Residuals are weighted by 1/t^2. Features are scaled to a root
 * mean square of one first. The table's f is a sum of ramps, f = u_0^2 + sum of u_k^2 * ramp_k, ramp_k rising from 0 to
 * 1 between knots k-1 and k: it cannot fall. The covariance of a coefficient w = u^2 follows from that of u by dw = 2u
 * du, scaled by chi^2 per degree of freedom. */
#include "measure/step_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_multifit_nlin.h>
#include <gsl/gsl_multifit_nlinear.h>

#include "base/sample.h"

#define NOTHING 1e-9 /* of the largest term: what is left of a coefficient on its way to 0 */

enum { MAX_COEFS = TS_STEP_MAX_KNOTS + 3, MAX_ROUNDS = 1000 };

/* n rows of n_coefs features. */
struct design {
    size_t n, n_coefs;
    double *features; /* [n][n_coefs] */
    double scale[MAX_COEFS];
    const struct ts_timed_step *steps;
};

struct solution {
    double coef[MAX_COEFS];
    double covariance[MAX_COEFS][MAX_COEFS];
};

static int residuals(const gsl_vector *u, void *user, gsl_vector *out)
{
    const struct design *design = user;
    for (size_t i = 0; i < design->n; i++) {
        double t = 0.0;
        for (size_t j = 0; j < design->n_coefs; j++) {
            double uj = gsl_vector_get(u, j);
            t += uj * uj * design->features[i * design->n_coefs + j];
        }
        gsl_vector_set(out, i, t - design->steps[i].seconds);
    }
    return GSL_SUCCESS;
}

static int jacobian(const gsl_vector *u, void *user, gsl_matrix *out)
{
    const struct design *design = user;
    for (size_t i = 0; i < design->n; i++) {
        for (size_t j = 0; j < design->n_coefs; j++) {
            gsl_matrix_set(out, i, j, 2.0 * gsl_vector_get(u, j) * design->features[i * design->n_coefs + j]);
        }
    }
    return GSL_SUCCESS;
}

static void scale_features(struct design *design)
{
    for (size_t j = 0; j < design->n_coefs; j++) {
        double squares = 0.0;
        for (size_t i = 0; i < design->n; i++) {
            double x = design->features[i * design->n_coefs + j];
            squares += x * x;
        }
        design->scale[j] = squares > 0.0 ? sqrt(squares / (double)design->n) : 1.0;
        for (size_t i = 0; i < design->n; i++) {
            design->features[i * design->n_coefs + j] /= design->scale[j];
        }
    }
}

static void read_solution(struct solution *out, const struct design *design, gsl_multifit_nlinear_workspace *work,
                          const gsl_matrix *covariance)
{
    const gsl_vector *u = gsl_multifit_nlinear_position(work);
    const gsl_vector *f = gsl_multifit_nlinear_residual(work); /* weighted */
    double chi2 = 0.0, largest = 0.0;
    for (size_t j = 0; j < design->n_coefs; j++) {
        largest = fmax(largest, gsl_vector_get(u, j) * gsl_vector_get(u, j));
    }
    for (size_t i = 0; i < design->n; i++) {
        chi2 += gsl_vector_get(f, i) * gsl_vector_get(f, i);
    }
    double variance = design->n > design->n_coefs ? chi2 / (double)(design->n - design->n_coefs) : 0.0;
    for (size_t j = 0; j < design->n_coefs; j++) {
        double uj = gsl_vector_get(u, j);
        out->coef[j] = uj * uj > NOTHING * largest ? uj * uj / design->scale[j] : 0.0;
        for (size_t k = 0; k < design->n_coefs; k++) {
            double uk = gsl_vector_get(u, k);
            out->covariance[j][k] =
                4.0 * uj * uk * gsl_matrix_get(covariance, j, k) * variance / (design->scale[j] * design->scale[k]);
        }
    }
}

struct workspace {
    gsl_multifit_nlinear_workspace *work;
    gsl_vector *start, *weights;
    gsl_matrix *covariance;
    /* of the covariance: the Jacobian becomes QR with its columns exchanged */
    gsl_matrix *qr;
    gsl_vector *tau, *norm;
    gsl_permutation *exchanged;
};

static double predicted_at(const struct design *design, size_t i, const gsl_vector *u)
{
    double t = 0.0;
    for (size_t j = 0; j < design->n_coefs; j++) {
        const double uj = gsl_vector_get(u, j);
        t += uj * uj * design->features[i * design->n_coefs + j];
    }
    return t;
}

/* From space->start: the errors' squares as shares of the measured times' squares or, if `from_start`, of what `start`
 * predicts. */
static enum ts_status descend(struct design *design, const struct workspace *space, bool from_start)
{
    gsl_multifit_nlinear_fdf functions = {
        .f = residuals, .df = jacobian, .n = design->n, .p = design->n_coefs, .params = design};
    int info = 0;
    for (size_t i = 0; i < design->n; i++) {
        const struct ts_timed_step *step = &design->steps[i];
        const double weight = step->weight > 0.0 ? step->weight : 1.0;
        const double t =
            from_start ? fmax(predicted_at(design, i, space->start), NOTHING * step->seconds) : step->seconds;
        gsl_vector_set(space->weights, i, from_start ? weight / t : weight / (t * t));
    }
    if (gsl_multifit_nlinear_winit(space->start, space->weights, &functions, space->work) != GSL_SUCCESS) {
        return TS_ERANGE;
    }
    /* An exhausted count of rounds, or no further progress, still leaves the best position found. */
    (void)gsl_multifit_nlinear_driver(MAX_ROUNDS, 1e-10, 1e-12, 0.0, NULL, NULL, &info, space->work);
    return TS_OK;
}

/* As gsl_multifit_nlinear_covar does it, which does not look whether it got its memory. */
static void find_covariance(const struct workspace *space)
{
    int sign = 0;
    gsl_matrix_set_zero(space->covariance);
    gsl_matrix_memcpy(space->qr, gsl_multifit_nlinear_jac(space->work));
    gsl_linalg_QRPT_decomp(space->qr, space->tau, space->exchanged, &sign, space->norm);
    if (gsl_multifit_covar_QRPT(space->qr, space->exchanged, 1e-10, space->covariance) != GSL_SUCCESS) {
        gsl_matrix_set_zero(space->covariance);
    }
}

static bool any_weighted(const struct design *design)
{
    for (size_t i = 0; i < design->n; i++) {
        if (design->steps[i].weight > 0.0) {
            return true;
        }
    }
    return false;
}

/* Means of noisy samples are fitted twice. Shares of what was measured count a sample that came out small more than one
 * that came out large, and the fit would be too low; so the second fit weighs by what the first one predicts, p: by
 * 1/p. Its residuals then add up to nothing over all samples (it is orthogonal to p itself): the fit is right about the
 * time that all those steps take together, which is what a server's load depends on. */
static enum ts_status iterate(struct solution *out, struct design *design, const struct workspace *space)
{
    double mean = 0.0;
    for (size_t i = 0; i < design->n; i++) {
        mean += design->steps[i].seconds / (double)design->n;
    }
    gsl_vector_set_all(space->start, sqrt(mean / (double)design->n_coefs));
    enum ts_status status = descend(design, space, false);
    if (status == TS_OK && any_weighted(design)) {
        gsl_vector_memcpy(space->start, gsl_multifit_nlinear_position(space->work));
        status = descend(design, space, true);
    }
    if (status != TS_OK) {
        return status;
    }
    find_covariance(space);
    read_solution(out, design, space->work, space->covariance);
    return TS_OK;
}

static bool allocate(struct workspace *space, size_t n, size_t n_coefs)
{
    const gsl_multifit_nlinear_parameters parameters = gsl_multifit_nlinear_default_parameters();
    *space = (struct workspace){
        .work = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters, n, n_coefs),
        .start = gsl_vector_alloc(n_coefs),
        .weights = gsl_vector_alloc(n),
        .covariance = gsl_matrix_alloc(n_coefs, n_coefs),
        .qr = gsl_matrix_alloc(n, n_coefs),
        .tau = gsl_vector_alloc(n_coefs),
        .norm = gsl_vector_alloc(n_coefs),
        .exchanged = gsl_permutation_alloc(n_coefs),
    };
    return space->work && space->start && space->weights && space->covariance && space->qr && space->tau &&
           space->norm && space->exchanged;
}

static void release(struct workspace *space)
{
    if (space->work) {
        gsl_multifit_nlinear_free(space->work);
    }
    gsl_vector_free(space->start);
    gsl_vector_free(space->weights);
    gsl_matrix_free(space->covariance);
    gsl_matrix_free(space->qr);
    gsl_vector_free(space->tau);
    gsl_vector_free(space->norm);
    gsl_permutation_free(space->exchanged);
}

static enum ts_status solve(struct solution *out, struct design *design)
{
    struct workspace space;
    (void)gsl_set_error_handler_off();
    const bool has_room = allocate(&space, design->n, design->n_coefs);
    const enum ts_status status = has_room ? iterate(out, design, &space) : TS_ENOMEM;
    release(&space);
    return status;
}

static enum ts_status solve_steps(struct solution *out, struct design *design, const struct ts_timed_step *steps,
                                  size_t n)
{
    design->steps = steps;
    design->n = n;
    scale_features(design);
    memset(out, 0, sizeof *out);
    return solve(out, design);
}

/* -- errors -- */

typedef double predict_fn(const void *fit, const struct ts_step_load *load);

static enum ts_status errors_of(struct ts_fit_error *out, predict_fn *predict, const void *fit,
                                const struct ts_timed_step *steps, size_t n)
{
    double *fracs = malloc(n * sizeof *fracs);
    if (!fracs) {
        return TS_ENOMEM;
    }
    struct ts_fit_error error = {.n = n};
    double mean = 0.0, rest = 0.0, total = 0.0;
    for (size_t i = 0; i < n; i++) {
        mean += steps[i].seconds / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double miss = predict(fit, &steps[i].load) - steps[i].seconds, from_mean = steps[i].seconds - mean;
        rest += miss * miss;
        total += from_mean * from_mean;
        fracs[i] = fabs(miss) / steps[i].seconds;
        if (fracs[i] > error.worst_frac) {
            error.worst_frac = fracs[i];
            error.worst = i;
        }
    }
    error.r2 = total > 0.0 ? 1.0 - rest / total : 1.0;
    qsort(fracs, n, sizeof *fracs, ts_sample_compare);
    error.median_frac = n % 2 ? fracs[n / 2] : 0.5 * (fracs[n / 2 - 1] + fracs[n / 2]);
    free(fracs);
    *out = error;
    return TS_OK;
}

static double predict_linear(const void *fit, const struct ts_step_load *load)
{
    return ts_step_predict_linear(fit, load);
}

static double predict_table(const void *fit, const struct ts_step_load *load)
{
    return ts_step_predict_table(fit, load);
}

enum ts_status ts_step_check_linear(struct ts_fit_error *out, const struct ts_linear_fit *fit,
                                    const struct ts_timed_step *steps, size_t n)
{
    return errors_of(out, predict_linear, fit, steps, n);
}

enum ts_status ts_step_check_table(struct ts_fit_error *out, const struct ts_table_fit *fit,
                                   const struct ts_timed_step *steps, size_t n)
{
    return errors_of(out, predict_table, fit, steps, n);
}

/* -- linear -- */

static void linear_features(double *out, const struct ts_step_load *load)
{
    out[0] = 1.0;
    out[1] = load->seqs;
    out[2] = load->kv_tok;
    out[3] = load->prefill_tok;
    out[4] = load->pairs;
}

double ts_step_predict_linear(const struct ts_linear_fit *fit, const struct ts_step_load *load)
{
    double features[TS_STEP_LINEAR_COEFS], t = 0.0;
    linear_features(features, load);
    for (int j = 0; j < TS_STEP_LINEAR_COEFS; j++) {
        t += fit->coef[j] * features[j];
    }
    return t;
}

/* Features of the coefficients that are fitted, in their order. */
static size_t form_features(double *out, const struct ts_linear_form *form, const struct ts_step_load *load)
{
    double all[TS_STEP_LINEAR_COEFS];
    size_t n = 0;
    linear_features(all, load);
    if (form->seq_as_prompt_tok && !form->fitted[1]) {
        all[3] += load->seqs;
    }
    for (int j = 0; j < TS_STEP_LINEAR_COEFS; j++) {
        if (form->fitted[j]) {
            out[n++] = all[j];
        }
    }
    return n;
}

static void take_solution(struct ts_linear_fit *fit, const struct ts_linear_form *form, const struct solution *solution)
{
    size_t at[TS_STEP_LINEAR_COEFS], n = 0;
    for (int j = 0; j < TS_STEP_LINEAR_COEFS; j++) {
        at[j] = form->fitted[j] ? n++ : SIZE_MAX;
    }
    if (form->seq_as_prompt_tok && !form->fitted[1]) {
        at[1] = at[3];
    }
    for (int j = 0; j < TS_STEP_LINEAR_COEFS; j++) {
        fit->coef[j] = at[j] < n ? solution->coef[at[j]] : 0.0;
        for (int k = 0; k < TS_STEP_LINEAR_COEFS; k++) {
            fit->covariance[j][k] = at[j] < n && at[k] < n ? solution->covariance[at[j]][at[k]] : 0.0;
        }
    }
}

enum ts_status ts_step_fit_form(struct ts_linear_fit *out, const struct ts_linear_form *form,
                                const struct ts_timed_step *steps, size_t n)
{
    struct design design = {0};
    struct solution solution;
    double ignored[TS_STEP_LINEAR_COEFS];
    design.n_coefs = form_features(ignored, form, &steps[0].load);
    if (n < design.n_coefs || design.n_coefs == 0) {
        return TS_ERANGE;
    }
    design.features = malloc(n * design.n_coefs * sizeof *design.features);
    if (!design.features) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        (void)form_features(design.features + i * design.n_coefs, form, &steps[i].load);
    }
    enum ts_status status = solve_steps(&solution, &design, steps, n);
    free(design.features);
    if (status != TS_OK) {
        return status;
    }
    struct ts_linear_fit fit = {0};
    take_solution(&fit, form, &solution);
    status = ts_step_check_linear(&fit.error, &fit, steps, n);
    if (status == TS_OK) {
        *out = fit;
    }
    return status;
}

enum ts_status ts_step_fit_linear(struct ts_linear_fit *out, const struct ts_timed_step *steps, size_t n)
{
    static const struct ts_linear_form all = {{true, true, true, true, true}, false};
    return ts_step_fit_form(out, &all, steps, n);
}

/* -- what can be told apart -- */

/* Inner products of the features over the times: Gram's matrix. */
static void gram_of(double gram[TS_STEP_LINEAR_COEFS][TS_STEP_LINEAR_COEFS], const struct ts_timed_step *steps,
                    size_t n, bool seq_as_prompt_tok)
{
    memset(gram, 0, TS_STEP_LINEAR_COEFS * sizeof gram[0]);
    for (size_t i = 0; i < n; i++) {
        double features[TS_STEP_LINEAR_COEFS];
        linear_features(features, &steps[i].load);
        features[3] += seq_as_prompt_tok ? steps[i].load.seqs : 0.0;
        for (int j = 0; j < TS_STEP_LINEAR_COEFS; j++) {
            for (int k = 0; k < TS_STEP_LINEAR_COEFS; k++) {
                gram[j][k] += features[j] / steps[i].seconds * (features[k] / steps[i].seconds);
            }
        }
    }
}

/* Takes what lies along feature `by` out of all of them. */
static void project_out(double gram[TS_STEP_LINEAR_COEFS][TS_STEP_LINEAR_COEFS], int by)
{
    double along[TS_STEP_LINEAR_COEFS], square = gram[by][by];
    for (int j = 0; j < TS_STEP_LINEAR_COEFS; j++) {
        along[j] = gram[by][j];
    }
    for (int j = 0; j < TS_STEP_LINEAR_COEFS; j++) {
        for (int k = 0; k < TS_STEP_LINEAR_COEFS; k++) {
            gram[j][k] -= along[j] * along[k] / square;
        }
    }
}

void ts_step_identify(bool out[TS_STEP_LINEAR_COEFS], const struct ts_timed_step *steps, size_t n, double least_frac,
                      bool seq_as_prompt_tok)
{
    static const int order[TS_STEP_LINEAR_COEFS] = {0, 3, 1, 2, 4};
    double gram[TS_STEP_LINEAR_COEFS][TS_STEP_LINEAR_COEFS], whole[TS_STEP_LINEAR_COEFS];
    gram_of(gram, steps, n, seq_as_prompt_tok);
    for (int j = 0; j < TS_STEP_LINEAR_COEFS; j++) {
        whole[j] = gram[j][j];
    }
    for (int i = 0; i < TS_STEP_LINEAR_COEFS; i++) {
        int j = order[i];
        out[j] = whole[j] > 0.0 && gram[j][j] >= least_frac * least_frac * whole[j];
        if (out[j]) {
            project_out(gram, j);
        }
    }
}

/* -- table -- */

/* 1, and ramps from knot k-1 to knot k; the last has no end. */
static void table_features(double *out, const struct ts_step_load *load, const double *knots, size_t n_knots)
{
    out[0] = 1.0;
    for (size_t k = 1; k < n_knots; k++) {
        double ramp = (load->tokens - knots[k - 1]) / (knots[k] - knots[k - 1]);
        out[k] = ramp < 0.0 ? 0.0 : ramp > 1.0 && k + 1 < n_knots ? 1.0 : ramp;
    }
    out[n_knots] = load->seqs;
    out[n_knots + 1] = load->kv_tok;
    out[n_knots + 2] = load->pairs;
}

double ts_step_predict_table(const struct ts_table_fit *fit, const struct ts_step_load *load)
{
    double features[MAX_COEFS], t;
    table_features(features, load, fit->tokens, fit->n_knots);
    t = fit->seconds[0];
    for (size_t k = 1; k < fit->n_knots; k++) {
        t += features[k] * (fit->seconds[k] - fit->seconds[k - 1]);
    }
    return t + fit->b_s_per_seq * load->seqs + fit->c_s_per_kv_tok * load->kv_tok + fit->e_s_per_pair * load->pairs;
}

enum ts_status ts_step_fit_table(struct ts_table_fit *out, const struct ts_timed_step *steps, size_t n,
                                 const double *knots, size_t n_knots)
{
    struct design design = {.n_coefs = n_knots + 3};
    struct solution solution;
    if (n_knots < 1 || n_knots > TS_STEP_MAX_KNOTS || n < design.n_coefs) {
        return TS_ERANGE;
    }
    design.features = malloc(n * design.n_coefs * sizeof *design.features);
    if (!design.features) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        table_features(design.features + i * design.n_coefs, &steps[i].load, knots, n_knots);
    }
    enum ts_status status = solve_steps(&solution, &design, steps, n);
    free(design.features);
    if (status != TS_OK) {
        return status;
    }
    struct ts_table_fit fit = {.n_knots = n_knots};
    for (size_t k = 0; k < n_knots; k++) {
        fit.tokens[k] = knots[k];
        fit.seconds[k] = solution.coef[k] + (k > 0 ? fit.seconds[k - 1] : 0.0);
    }
    fit.b_s_per_seq = solution.coef[n_knots];
    fit.c_s_per_kv_tok = solution.coef[n_knots + 1];
    fit.e_s_per_pair = solution.coef[n_knots + 2];
    fit.sd_b = sqrt(fmax(0.0, solution.covariance[n_knots][n_knots]));
    fit.sd_c = sqrt(fmax(0.0, solution.covariance[n_knots + 1][n_knots + 1]));
    fit.sd_e = sqrt(fmax(0.0, solution.covariance[n_knots + 2][n_knots + 2]));
    status = ts_step_check_table(&fit.error, &fit, steps, n);
    if (status == TS_OK) {
        *out = fit;
    }
    return status;
}
