/* What noisy measurements say about constants that something is known of already: linear regression with a conjugate
 * prior, in closed form.
 *
 *   y_i = sum_j x_ij c_j + e_i,  e_i ~ N(0, s^2/w_i)
 *   c_j | s^2 ~ N(mean_j, s^2 (sd_j/noise_sd)^2),  s^2 ~ IG(noise_n/2, noise_n noise_sd^2/2)
 *
 * Given y, c is t-distributed with noise_n + n degrees of freedom (normal-inverse-gamma; Gelman et al., Bayesian Data
 * Analysis, 3rd ed., section 14.2). What the measurements do not tell stays as the prior has it. */
#ifndef TS_MEASURE_POSTERIOR_H
#define TS_MEASURE_POSTERIOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { TS_POSTERIOR_MAX = 8 };

struct ts_prior {
    size_t n;                                            /* constants, 1..TS_POSTERIOR_MAX */
    double mean[TS_POSTERIOR_MAX], sd[TS_POSTERIOR_MAX]; /* sd > 0, where the noise is noise_sd */
    double noise_sd;                                     /* > 0, of a measurement of weight 1 */
    double noise_n;                                      /* > 0: measurements that knowing this is worth */
};

struct ts_measured {
    double x[TS_POSTERIOR_MAX]; /* the first ts_prior.n */
    double y;
    double weight; /* > 0 */
};

/* A direction among the constants: those that change together by `along` (each in standard deviations of its prior,
 * length 1). left_frac: its variance over that before; 1: nothing was measured of it. */
struct ts_direction {
    double along[TS_POSTERIOR_MAX];
    double left_frac;
};

struct ts_posterior {
    size_t n;
    double mean[TS_POSTERIOR_MAX];
    double inverse[TS_POSTERIOR_MAX][TS_POSTERIOR_MAX]; /* of the precision, noise taken out */
    double noise_sd;                                    /* scale of the t distribution of a measurement's noise */
    double freedom;                                     /* degrees of it */
    bool held[TS_POSTERIOR_MAX];                        /* was held at `least` */
    struct ts_direction directions[TS_POSTERIOR_MAX];   /* [n] the best told first */
};

/* count: of how many independent measurements each is worth one, 0 < count <= 1: measurements that share what disturbs
 * them say less than as many that do not. least: [prior->n] constants that come out below it are held there, the others
 * given that; NULL: none is. TS_ERANGE for numbers that are none. */
enum ts_status ts_posterior_find(struct ts_posterior *out, const struct ts_prior *prior,
                                 const struct ts_measured *measured, size_t n, double count, const double *least);

/* Scale of the t distribution of constant j. */
double ts_posterior_sd(const struct ts_posterior *posterior, size_t j);
/* x'c, and the scale of its t distribution: of the true value, or of a further measurement of that weight (> 0). */
double ts_posterior_at(const struct ts_posterior *posterior, const double *x);
double ts_posterior_at_sd(const struct ts_posterior *posterior, const double *x, double weight);
/* So many scales beside the mean lies the quantile q, 0 < q < 1. */
double ts_posterior_quantile(const struct ts_posterior *posterior, double q);

#endif
