/* Hides the algebra: the precision A = V0^-1 + count X'WX is factored by Cholesky, the directions are eigenvectors of
 * X'WX in units of the prior. Worked: one constant, prior 1 +- 0.3 at a noise of 0.1, ten measurements of x = 1 with
 * the mean 1.2: A = 1/9 + 10, the posterior mean is (1/9 + 12)/A = 1.1978, of the prior's variance 1.1 % is left. */
#include "measure/posterior.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>

enum { MAX = TS_POSTERIOR_MAX };

/* Sums over the measurements. */
struct sums {
    double xx[MAX][MAX], xy[MAX], yy, n;
};

static void add_up(struct sums *out, size_t n_constants, const struct ts_measured *measured, size_t n, double count)
{
    memset(out, 0, sizeof *out);
    out->n = count * (double)n;
    for (size_t i = 0; i < n; i++) {
        const struct ts_measured *m = &measured[i];
        const double weight = count * m->weight;
        for (size_t j = 0; j < n_constants; j++) {
            for (size_t k = 0; k < n_constants; k++) {
                out->xx[j][k] += weight * m->x[j] * m->x[k];
            }
            out->xy[j] += weight * m->x[j] * m->y;
        }
        out->yy += weight * m->y * m->y;
    }
}

/* Inverse of a positive definite matrix by Gauss and Jordan; false if it is none. */
static bool invert(double out[MAX][MAX], double a[MAX][MAX], size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < n; k++) {
            out[j][k] = j == k ? 1.0 : 0.0;
        }
    }
    for (size_t p = 0; p < n; p++) {
        const double pivot = a[p][p];
        if (!(pivot > 0.0) || !isfinite(pivot)) {
            return false;
        }
        for (size_t k = 0; k < n; k++) {
            a[p][k] /= pivot;
            out[p][k] /= pivot;
        }
        for (size_t j = 0; j < n; j++) {
            const double factor = j == p ? 0.0 : a[j][p];
            for (size_t k = 0; k < n; k++) {
                a[j][k] -= factor * a[p][k];
                out[j][k] -= factor * out[p][k];
            }
        }
    }
    return true;
}

/* Precision of the prior, noise taken out; a constant that is held has nearly no room. */
static double precision_of(const struct ts_prior *prior, size_t j, bool held)
{
    static const double room = 1e-6;
    const double sd = prior->sd[j] / prior->noise_sd;
    return 1.0 / (held ? room * sd * sd : sd * sd);
}

static double mean_of(const struct ts_prior *prior, size_t j, bool held, const double *least)
{
    return held ? least[j] : prior->mean[j];
}

static bool solve(struct ts_posterior *out, const struct ts_prior *prior, const struct sums *sums, const double *least)
{
    double a[MAX][MAX], right[MAX], square = sums->yy;
    for (size_t j = 0; j < prior->n; j++) {
        const double precision = precision_of(prior, j, out->held[j]), mean = mean_of(prior, j, out->held[j], least);
        for (size_t k = 0; k < prior->n; k++) {
            a[j][k] = sums->xx[j][k] + (j == k ? precision : 0.0);
        }
        right[j] = precision * mean + sums->xy[j];
        square += precision * mean * mean;
    }
    if (!invert(out->inverse, a, prior->n)) {
        return false;
    }
    for (size_t j = 0; j < prior->n; j++) {
        out->mean[j] = 0.0;
        for (size_t k = 0; k < prior->n; k++) {
            out->mean[j] += out->inverse[j][k] * right[k];
        }
    }
    for (size_t j = 0; j < prior->n; j++) { /* mean' A mean = mean' right */
        square -= out->mean[j] * right[j];
    }
    out->freedom = prior->noise_n + sums->n;
    out->noise_sd = sqrt((prior->noise_n * prior->noise_sd * prior->noise_sd + fmax(0.0, square)) / out->freedom);
    return isfinite(out->noise_sd);
}

/* The constant furthest below, of those that are not held; n: none. */
static size_t furthest_below(const struct ts_posterior *found, const struct ts_prior *prior, const double *least)
{
    size_t at = prior->n;
    double most = 0.0;
    for (size_t j = 0; least && j < prior->n; j++) {
        const double below = (least[j] - found->mean[j]) / prior->sd[j];
        if (!found->held[j] && below > most) {
            most = below;
            at = j;
        }
    }
    return at;
}

static enum ts_status find_directions(struct ts_posterior *out, const struct ts_prior *prior, const struct sums *sums)
{
    const size_t n = prior->n;
    (void)gsl_set_error_handler_off();
    gsl_matrix *told = gsl_matrix_alloc(n, n), *vectors = gsl_matrix_alloc(n, n);
    gsl_vector *values = gsl_vector_alloc(n);
    gsl_eigen_symmv_workspace *space = gsl_eigen_symmv_alloc(n);
    enum ts_status status = told && vectors && values && space ? TS_OK : TS_ENOMEM;
    for (size_t j = 0; status == TS_OK && j < n; j++) {
        for (size_t k = 0; k < n; k++) {
            const double unit = prior->sd[j] * prior->sd[k] / (prior->noise_sd * prior->noise_sd);
            gsl_matrix_set(told, j, k, unit * sums->xx[j][k]);
        }
    }
    if (status == TS_OK && gsl_eigen_symmv(told, values, vectors, space) != GSL_SUCCESS) {
        status = TS_ERANGE;
    }
    if (status == TS_OK) {
        (void)gsl_eigen_symmv_sort(values, vectors, GSL_EIGEN_SORT_VAL_DESC);
    }
    for (size_t d = 0; status == TS_OK && d < n; d++) {
        out->directions[d].left_frac = 1.0 / (1.0 + fmax(0.0, gsl_vector_get(values, d)));
        for (size_t j = 0; j < n; j++) {
            out->directions[d].along[j] = gsl_matrix_get(vectors, j, d);
        }
    }
    gsl_matrix_free(told);
    gsl_matrix_free(vectors);
    gsl_vector_free(values);
    gsl_eigen_symmv_free(space);
    return status;
}

enum ts_status ts_posterior_find(struct ts_posterior *out, const struct ts_prior *prior,
                                 const struct ts_measured *measured, size_t n, double count, const double *least)
{
    struct ts_posterior found = {.n = prior->n};
    struct sums sums;
    add_up(&sums, prior->n, measured, n, count);
    bool solved = solve(&found, prior, &sums, least);
    for (size_t at; solved && (at = furthest_below(&found, prior, least)) < prior->n;) {
        found.held[at] = true;
        solved = solve(&found, prior, &sums, least);
    }
    enum ts_status status = solved ? find_directions(&found, prior, &sums) : TS_ERANGE;
    if (status == TS_OK) {
        *out = found;
    }
    return status;
}

double ts_posterior_sd(const struct ts_posterior *posterior, size_t j)
{
    return posterior->noise_sd * sqrt(posterior->inverse[j][j]);
}

double ts_posterior_at(const struct ts_posterior *posterior, const double *x)
{
    double sum = 0.0;
    for (size_t j = 0; j < posterior->n; j++) {
        sum += x[j] * posterior->mean[j];
    }
    return sum;
}

double ts_posterior_at_sd(const struct ts_posterior *posterior, const double *x, double weight)
{
    double square = weight > 0.0 ? 1.0 / weight : 0.0;
    for (size_t j = 0; j < posterior->n; j++) {
        for (size_t k = 0; k < posterior->n; k++) {
            square += x[j] * posterior->inverse[j][k] * x[k];
        }
    }
    return posterior->noise_sd * sqrt(fmax(0.0, square));
}

double ts_posterior_quantile(const struct ts_posterior *posterior, double q)
{
    return gsl_cdf_tdist_Pinv(q, posterior->freedom);
}
