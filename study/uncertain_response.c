/* Hides the fit. With B the polynomial's terms at the points and y the numbers,
 *
 *   y(z) = b(z) c + k(z)^T K^-1 (y - B c),   c by least squares,   K_ij = exp(-|z_i - z_j|^2/2 l^2) + 0.01 [i = j]
 *
 * The nugget 0.01 leaves the points' own noise where it is. l is the one of {off, 1, 2, 4} whose predictions of each
 * point's residual from the others', K^-1 r/diag(K^-1) (Dubrule 1983), have the smallest squares; off: the polynomial
 * alone. On y = 1 + 2 z + 3 z^2 it is exact.
 *
 * An input that changes a number not by one bit where all others stay at their medians is left out of that number's
 * fit: runs have the same random streams, so that what has no effect shows none. */
#include "study/uncertain_response.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_linalg.h>
#include <gsl/gsl_multifit.h>

#include "base/check.h"

enum { MAX_INPUTS = 20, MAX_TERMS = 1 + 2 * MAX_INPUTS + MAX_INPUTS * (MAX_INPUTS - 1) / 2 };

static const double lengths[] = {1.0, 2.0, 4.0};
static const double nugget = 0.01;

enum shape { SAME, PLAIN, LOGARITHM };

/* A number's fit. */
struct surface {
    enum shape shape;
    uint32_t inputs[MAX_INPUTS], n_inputs; /* those that have an effect */
    uint32_t n_terms;
    double c[MAX_TERMS];
    double length;   /* 0: the polynomial alone */
    double *weights; /* [n] K^-1 of the residuals */
};

struct ts_response {
    uint32_t n, d, m;
    double *z;          /* [n][d] */
    double *low, *high; /* [d] of the points */
    struct surface *surfaces;
};

uint32_t ts_response_n_quadratic(uint32_t d)
{
    return (d + 1) * (d + 2) / 2;
}

static uint32_t n_terms_of(uint32_t d, uint32_t n)
{
    const uint32_t full = ts_response_n_quadratic(d), squares = 1 + 2 * d;
    return 5 * full <= 4 * n ? full : 5 * squares <= 4 * n ? squares : 1;
}

static void put_terms(double *out, const double *z, const struct surface *surface)
{
    uint32_t k = 0;
    out[k++] = 1.0;
    for (uint32_t i = 0; i < surface->n_inputs && k < surface->n_terms; i++) {
        const double at = z[surface->inputs[i]];
        out[k++] = at;
        out[k++] = at * at;
    }
    for (uint32_t i = 0; i < surface->n_inputs && k < surface->n_terms; i++) {
        for (uint32_t j = 0; j < i; j++) {
            out[k++] = z[surface->inputs[i]] * z[surface->inputs[j]];
        }
    }
}

static double covariance(const double *a, const double *b, const struct surface *surface, double length)
{
    double squares = 0.0;
    for (uint32_t i = 0; i < surface->n_inputs; i++) {
        const double apart = a[surface->inputs[i]] - b[surface->inputs[i]];
        squares += apart * apart;
    }
    return exp(-0.5 * squares / (length * length));
}

static const double *point_of(const struct ts_response *response, uint32_t i)
{
    return response->z + (size_t)i * response->d;
}

/* ---- what has an effect ---- */

static bool moves_only(const double *z, uint32_t d, uint32_t input)
{
    bool only = true;
    for (uint32_t j = 0; j < d; j++) {
        only = only && (j == input || z[j] == 0.0);
    }
    return only;
}

/* Is y anywhere different, of those points at which no other input is moved? True with fewer than two of them. */
static bool has_effect(const struct ts_response *response, const double *y, uint32_t k, uint32_t input)
{
    uint32_t n_seen = 0;
    double first = 0.0;
    for (uint32_t i = 0; i < response->n; i++) {
        const double value = y[(size_t)i * response->m + k];
        if (!moves_only(point_of(response, i), response->d, input)) {
            continue;
        }
        if (n_seen++ > 0 && value != first) {
            return true;
        }
        first = value;
    }
    return n_seen < 2;
}

static enum shape shape_of(const double *y, uint32_t n, uint32_t m, uint32_t k)
{
    bool positive = true, same = true;
    for (uint32_t i = 0; i < n; i++) {
        positive = positive && y[(size_t)i * m + k] > 0.0;
        same = same && y[(size_t)i * m + k] == y[k];
    }
    return same ? SAME : positive ? LOGARITHM : PLAIN;
}

static void choose_terms(struct surface *surface, const struct ts_response *response, const double *y, uint32_t k)
{
    surface->shape = shape_of(y, response->n, response->m, k);
    for (uint32_t i = 0; i < response->d && surface->shape != SAME; i++) {
        if (has_effect(response, y, k, i)) {
            surface->inputs[surface->n_inputs++] = i;
        }
    }
    surface->n_terms = n_terms_of(surface->n_inputs, response->n);
}

/* ---- least squares ---- */

static enum ts_status fit_polynomial(struct surface *surface, gsl_vector *residual, const struct ts_response *response,
                                     const gsl_vector *y)
{
    const size_t n = response->n, n_terms = surface->n_terms;
    gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(n, n_terms);
    gsl_matrix *terms = gsl_matrix_alloc(n, n_terms), *covariances = gsl_matrix_alloc(n_terms, n_terms);
    gsl_vector *c = gsl_vector_alloc(n_terms);
    double squares = 0.0;
    const bool complete = work && terms && covariances && c;
    for (uint32_t i = 0; complete && i < n; i++) {
        double row[MAX_TERMS];
        put_terms(row, point_of(response, i), surface);
        for (size_t k = 0; k < n_terms; k++) {
            gsl_matrix_set(terms, i, k, row[k]);
        }
    }
    if (complete) {
        (void)gsl_multifit_linear(terms, y, c, covariances, &squares, work);
        (void)gsl_multifit_linear_residuals(terms, y, c, residual);
        for (size_t k = 0; k < n_terms; k++) {
            surface->c[k] = gsl_vector_get(c, k);
        }
    }
    if (work) {
        gsl_multifit_linear_free(work);
    }
    gsl_matrix_free(terms);
    gsl_matrix_free(covariances);
    gsl_vector_free(c);
    return complete ? TS_OK : TS_ENOMEM;
}

/* ---- kriging of what is left ---- */

/* weights = K^-1 residual; returns the squares of what each residual is off when predicted from the others. */
static double weigh(double *weights, gsl_matrix *inverse, const struct surface *surface,
                    const struct ts_response *response, const gsl_vector *residual, double length)
{
    double squares = 0.0;
    for (uint32_t i = 0; i < response->n; i++) {
        for (uint32_t j = 0; j < response->n; j++) {
            const double near = covariance(point_of(response, i), point_of(response, j), surface, length);
            gsl_matrix_set(inverse, i, j, near + (i == j ? nugget : 0.0));
        }
    }
    TS_CHECK(gsl_linalg_cholesky_decomp(inverse) == 0); /* the nugget sees to that */
    gsl_linalg_cholesky_invert(inverse);
    for (uint32_t i = 0; i < response->n; i++) {
        weights[i] = 0.0;
        for (uint32_t j = 0; j < response->n; j++) {
            weights[i] += gsl_matrix_get(inverse, i, j) * gsl_vector_get(residual, j);
        }
        const double off = weights[i] / gsl_matrix_get(inverse, i, i);
        squares += off * off;
    }
    return squares;
}

static enum ts_status krige(struct surface *surface, const struct ts_response *response, const gsl_vector *residual)
{
    gsl_matrix *inverse = gsl_matrix_alloc(response->n, response->n);
    double *weights = calloc(response->n, sizeof *weights), best = 0.0;
    const bool complete = inverse && weights;
    for (size_t i = 0; complete && i < response->n; i++) {
        best += gsl_vector_get(residual, i) * gsl_vector_get(residual, i);
    }
    for (size_t l = 0; complete && l < sizeof lengths / sizeof lengths[0]; l++) {
        const double squares = weigh(weights, inverse, surface, response, residual, lengths[l]);
        if (squares < best) {
            best = squares;
            surface->length = lengths[l];
            memcpy(surface->weights, weights, response->n * sizeof *weights);
        }
    }
    gsl_matrix_free(inverse);
    free(weights);
    return complete ? TS_OK : TS_ENOMEM;
}

static enum ts_status fit(struct ts_response *response, const double *y, uint32_t k)
{
    struct surface *surface = &response->surfaces[k];
    choose_terms(surface, response, y, k);
    if (surface->shape == SAME) {
        surface->c[0] = y[k];
        return TS_OK;
    }
    gsl_vector *values = gsl_vector_alloc(response->n), *residual = gsl_vector_alloc(response->n);
    surface->weights = calloc(response->n, sizeof *surface->weights);
    enum ts_status status = values && residual && surface->weights ? TS_OK : TS_ENOMEM;
    for (uint32_t i = 0; status == TS_OK && i < response->n; i++) {
        const double value = y[(size_t)i * response->m + k];
        gsl_vector_set(values, i, surface->shape == LOGARITHM ? log(value) : value);
    }
    if (status == TS_OK) {
        status = fit_polynomial(surface, residual, response, values);
    }
    if (status == TS_OK) {
        status = krige(surface, response, residual);
    }
    gsl_vector_free(values);
    gsl_vector_free(residual);
    return status;
}

/* ---- all numbers ---- */

static bool open_response(struct ts_response *response, const double *z)
{
    const uint32_t n = response->n, d = response->d;
    response->z = calloc((size_t)n * d + 1, sizeof *response->z);
    response->low = calloc(d + 1, sizeof *response->low);
    response->high = calloc(d + 1, sizeof *response->high);
    response->surfaces = calloc(response->m, sizeof *response->surfaces);
    if (!response->z || !response->low || !response->high || !response->surfaces) {
        return false;
    }
    memcpy(response->z, z, (size_t)n * d * sizeof *z);
    for (uint32_t j = 0; j < d; j++) {
        response->low[j] = response->high[j] = z[j];
        for (uint32_t i = 0; i < n; i++) {
            response->low[j] = fmin(response->low[j], point_of(response, i)[j]);
            response->high[j] = fmax(response->high[j], point_of(response, i)[j]);
        }
    }
    return true;
}

enum ts_status ts_response_create(struct ts_response **out, const double *z, const double *y, uint32_t n, uint32_t d,
                                  uint32_t m)
{
    TS_CHECK(d <= MAX_INPUTS && n > 0 && m > 0);
    struct ts_response *response = calloc(1, sizeof *response);
    if (!response) {
        return TS_ENOMEM;
    }
    response->n = n;
    response->d = d;
    response->m = m;
    enum ts_status status = open_response(response, z) ? TS_OK : TS_ENOMEM;
    for (uint32_t k = 0; status == TS_OK && k < m; k++) {
        status = fit(response, y, k);
    }
    if (status != TS_OK) {
        ts_response_destroy(response);
        return status;
    }
    *out = response;
    return TS_OK;
}

void ts_response_destroy(struct ts_response *response)
{
    if (response) {
        for (uint32_t k = 0; response->surfaces && k < response->m; k++) {
            free(response->surfaces[k].weights);
        }
        free(response->surfaces);
        free(response->z);
        free(response->low);
        free(response->high);
        free(response);
    }
}

void ts_response_at(double *out, const struct ts_response *response, const double *z)
{
    double at[MAX_INPUTS], terms[MAX_TERMS];
    for (uint32_t j = 0; j < response->d; j++) {
        at[j] = fmin(fmax(z[j], response->low[j]), response->high[j]);
    }
    for (uint32_t k = 0; k < response->m; k++) {
        const struct surface *surface = &response->surfaces[k];
        double sum = surface->shape == SAME ? surface->c[0] : 0.0;
        if (surface->shape != SAME) {
            put_terms(terms, at, surface);
        }
        for (uint32_t i = 0; surface->shape != SAME && i < surface->n_terms; i++) {
            sum += surface->c[i] * terms[i];
        }
        for (uint32_t i = 0; surface->length > 0.0 && i < response->n; i++) {
            sum += surface->weights[i] * covariance(at, point_of(response, i), surface, surface->length);
        }
        out[k] = surface->shape == LOGARITHM ? exp(sum) : sum;
    }
}
