/* Probability distributions as values: what a scenario writes as {lognormal: {median: 35 ms, p95: 90 ms}}. A constant
 * is one too, so that any scalar of a model may be random. */
#ifndef TS_BASE_DIST_H
#define TS_BASE_DIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rng.h"

enum ts_dist_kind {
    TS_DIST_CONSTANT,    /* a = value */
    TS_DIST_UNIFORM,     /* a = low, b = high */
    TS_DIST_NORMAL,      /* a = mean, b = standard deviation */
    TS_DIST_LOGNORMAL,   /* a = mu, b = sigma of ln x */
    TS_DIST_GAMMA,       /* a = shape, b = scale */
    TS_DIST_WEIBULL,     /* a = shape, b = scale */
    TS_DIST_EXPONENTIAL, /* a = mean */
    TS_DIST_EMPIRICAL,   /* a quantile table, linear between its points */
};

struct ts_dist {
    enum ts_dist_kind kind;
    double a, b;
    double min, max; /* draws are clamped into [min, max]; -inf and inf for none */
    const double *q; /* EMPIRICAL: [n] cumulative probabilities, increasing from 0 to 1 (borrowed) */
    const double *x; /* EMPIRICAL: [n] values, non-decreasing (borrowed) */
    size_t n;
};

struct ts_dist ts_dist_constant(double value);
struct ts_dist ts_dist_uniform(double low, double high);
struct ts_dist ts_dist_normal(double mean, double sd);
/* mu = ln median, sigma = ln(p95/median)/1.6448536. */
struct ts_dist ts_dist_lognormal_median_p95(double median, double p95);
/* From mean and coefficient of variation: sigma^2 = ln(1+cv^2), mu = ln mean - sigma^2/2. */
struct ts_dist ts_dist_lognormal_mean_cv(double mean, double cv);
/* Gamma with that mean and coefficient of variation: shape 1/cv^2. */
struct ts_dist ts_dist_gamma_mean_cv(double mean, double cv);
struct ts_dist ts_dist_exponential(double mean);
struct ts_dist ts_dist_weibull(double shape, double scale);
/* Tables are borrowed. Needs n >= 2, q[0] = 0, q[n-1] = 1. */
struct ts_dist ts_dist_empirical(const double *q, const double *x, size_t n);

double ts_dist_sample(const struct ts_dist *dist, struct ts_rng *rng);
/* Inverse CDF, p in (0, 1). */
double ts_dist_quantile(const struct ts_dist *dist, double p);
/* Without regard to the clamp, except that of a constant. */
double ts_dist_mean(const struct ts_dist *dist);
bool ts_dist_is_constant(const struct ts_dist *dist);

#endif
