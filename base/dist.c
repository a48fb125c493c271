/* Hides how a distribution is drawn: by inversion (one uniform per draw, so that streams stay aligned when parameters
 * change), except gamma, which GSL draws by Marsaglia and Tsang (ACM TOMS 26, 2000), twenty times faster than
 * inversion.
 *
 * The inverse of gamma is a safeguarded Newton iteration in ln x on the regularised incomplete gamma function P(a, x):
 * the series of DLMF 8.11.4, and the even part of the continued fraction of DLMF 8.9.2.
 * Check value: the median of gamma(2, 1) is 1.678346990016661. */
#include "base/dist.h"

#include <float.h>
#include <math.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>

#include "base/check.h"

static const double normal_p95 = 1.6448536269514722;

static struct ts_dist make(enum ts_dist_kind kind, double a, double b)
{
    return (struct ts_dist){.kind = kind, .a = a, .b = b, .min = -INFINITY, .max = INFINITY};
}

struct ts_dist ts_dist_constant(double value)
{
    return make(TS_DIST_CONSTANT, value, 0.0);
}

struct ts_dist ts_dist_uniform(double low, double high)
{
    return low == high ? ts_dist_constant(low) : make(TS_DIST_UNIFORM, low, high);
}

struct ts_dist ts_dist_normal(double mean, double sd)
{
    return sd == 0.0 ? ts_dist_constant(mean) : make(TS_DIST_NORMAL, mean, sd);
}

struct ts_dist ts_dist_lognormal_median_p95(double median, double p95)
{
    return median == p95 ? ts_dist_constant(median)
                         : make(TS_DIST_LOGNORMAL, log(median), log(p95 / median) / normal_p95);
}

struct ts_dist ts_dist_lognormal_mean_cv(double mean, double cv)
{
    if (cv == 0.0) {
        return ts_dist_constant(mean);
    }
    double variance = log1p(cv * cv);
    return make(TS_DIST_LOGNORMAL, log(mean) - variance / 2.0, sqrt(variance));
}

struct ts_dist ts_dist_gamma_mean_cv(double mean, double cv)
{
    return cv == 0.0 ? ts_dist_constant(mean) : make(TS_DIST_GAMMA, 1.0 / (cv * cv), mean * cv * cv);
}

struct ts_dist ts_dist_exponential(double mean)
{
    return make(TS_DIST_EXPONENTIAL, mean, 0.0);
}

struct ts_dist ts_dist_weibull(double shape, double scale)
{
    return make(TS_DIST_WEIBULL, shape, scale);
}

struct ts_dist ts_dist_empirical(const double *q, const double *x, size_t n)
{
    TS_CHECK(n >= 2 && q[0] == 0.0 && q[n - 1] == 1.0);
    struct ts_dist dist = make(TS_DIST_EMPIRICAL, 0.0, 0.0);
    dist.q = q;
    dist.x = x;
    dist.n = n;
    return dist;
}

/* a > 0. The lgamma() of libm writes a global, signgam. */
static double log_gamma(double a)
{
    gsl_sf_result result = {.val = NAN};
    gsl_sf_lngamma_e(a, &result);
    return result.val;
}

/* P(a, x) = x^a e^-x / Gamma(a+1) * (1 + x/(a+1) + x^2/((a+1)(a+2)) + ...); converges fast for x < a + 1. */
static double gamma_p_series(double a, double x)
{
    double term = 1.0;
    double sum = 1.0;
    for (double n = 1.0; term > sum * DBL_EPSILON / 4.0 && n < 1e6; n += 1.0) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * exp(a * log(x) - x - log_gamma(a + 1.0));
}

/* Q(a, x) = x^a e^-x / Gamma(a) * 1/(x+1-a - 1(1-a)/(x+3-a - 2(2-a)/(x+5-a - ...))), evaluated by Lentz's method. */
static double gamma_q_fraction(double a, double x)
{
    const double tiny = DBL_MIN / DBL_EPSILON;
    double b = x + 1.0 - a;
    double c = 1.0 / tiny;
    double d = 1.0 / (fabs(b) > tiny ? b : tiny);
    double value = d;
    double ratio = 0.0;
    for (double n = 1.0; fabs(ratio - 1.0) > DBL_EPSILON && n < 1e6; n += 1.0) {
        double numerator = -n * (n - a);
        b += 2.0;
        d = numerator * d + b;
        d = 1.0 / (fabs(d) > tiny ? d : tiny);
        c = b + numerator / c;
        c = fabs(c) > tiny ? c : tiny;
        ratio = c * d;
        value *= ratio;
    }
    return value * exp(a * log(x) - x - log_gamma(a));
}

static double gamma_p(double a, double x)
{
    return x < a + 1.0 ? gamma_p_series(a, x) : 1.0 - gamma_q_fraction(a, x);
}

/* Inverse of P(a, .). The start is the first term of the series for small x, Wilson and Hilferty's cube otherwise. */
static double gamma_quantile(double a, double p)
{
    double z = gsl_cdf_ugaussian_Pinv(p);
    double root = 1.0 - 1.0 / (9.0 * a) + z / (3.0 * sqrt(a));
    double log_x = root > 0.1 ? log(a) + 3.0 * log(root) : (log(p) + log_gamma(a + 1.0)) / a;
    double low = -745.0;
    double high = log(a + 40.0 * sqrt(a) + 800.0);
    if (log_x < low) {
        return 0.0; /* below the smallest double */
    }
    for (int i = 0; i < 200; i++) {
        double x = exp(log_x);
        double error = gamma_p(a, x) - p;
        low = error < 0.0 ? log_x : low;
        high = error > 0.0 ? log_x : high;
        double slope = exp(a * log_x - x - log_gamma(a)); /* dP/d ln x */
        double next = log_x - error / slope;
        if (!(next > low && next < high)) {
            next = (low + high) / 2.0;
        }
        if (error == 0.0 || fabs(next - log_x) <= 1e-15 * (1.0 + fabs(log_x))) {
            break;
        }
        log_x = next;
    }
    return exp(log_x);
}

static double empirical_quantile(const struct ts_dist *dist, double p)
{
    size_t low = 0;
    size_t high = dist->n - 1; /* q[low] <= p <= q[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (dist->q[middle] <= p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    double width = dist->q[high] - dist->q[low];
    double share = width > 0.0 ? (p - dist->q[low]) / width : 1.0;
    return dist->x[low] + share * (dist->x[high] - dist->x[low]);
}

static double clamp(const struct ts_dist *dist, double value)
{
    value = value < dist->min ? dist->min : value;
    return value > dist->max ? dist->max : value;
}

static double quantile(const struct ts_dist *dist, double p)
{
    switch (dist->kind) {
    case TS_DIST_CONSTANT:
        return dist->a;
    case TS_DIST_UNIFORM:
        return dist->a + p * (dist->b - dist->a);
    case TS_DIST_NORMAL:
        return dist->a + dist->b * gsl_cdf_ugaussian_Pinv(p);
    case TS_DIST_LOGNORMAL:
        return exp(dist->a + dist->b * gsl_cdf_ugaussian_Pinv(p));
    case TS_DIST_GAMMA:
        return dist->b * gamma_quantile(dist->a, p);
    case TS_DIST_WEIBULL:
        return dist->b * pow(-log1p(-p), 1.0 / dist->a);
    case TS_DIST_EXPONENTIAL:
        return -dist->a * log1p(-p);
    case TS_DIST_EMPIRICAL:
        return empirical_quantile(dist, p);
    }
    return NAN;
}

double ts_dist_quantile(const struct ts_dist *dist, double p)
{
    TS_CHECK(p > 0.0 && p < 1.0);
    return clamp(dist, quantile(dist, p));
}

double ts_dist_sample(const struct ts_dist *dist, struct ts_rng *rng)
{
    if (dist->kind == TS_DIST_CONSTANT) {
        return clamp(dist, dist->a);
    }
    if (dist->kind == TS_DIST_GAMMA) {
        return clamp(dist, gsl_ran_gamma(ts_rng_gsl(rng), dist->a, dist->b));
    }
    return clamp(dist, quantile(dist, ts_rng_uniform(rng)));
}

static double empirical_mean(const struct ts_dist *dist)
{
    double mean = 0.0;
    for (size_t i = 1; i < dist->n; i++) {
        mean += (dist->q[i] - dist->q[i - 1]) * (dist->x[i] + dist->x[i - 1]) / 2.0;
    }
    return mean;
}

double ts_dist_mean(const struct ts_dist *dist)
{
    switch (dist->kind) {
    case TS_DIST_CONSTANT:
        return clamp(dist, dist->a);
    case TS_DIST_UNIFORM:
        return (dist->a + dist->b) / 2.0;
    case TS_DIST_NORMAL:
    case TS_DIST_EXPONENTIAL:
        return dist->a;
    case TS_DIST_LOGNORMAL:
        return exp(dist->a + dist->b * dist->b / 2.0);
    case TS_DIST_GAMMA:
        return dist->a * dist->b;
    case TS_DIST_WEIBULL:
        return dist->b * tgamma(1.0 + 1.0 / dist->a);
    case TS_DIST_EMPIRICAL:
        return empirical_mean(dist);
    }
    return NAN;
}

bool ts_dist_is_constant(const struct ts_dist *dist)
{
    return dist->kind == TS_DIST_CONSTANT;
}
