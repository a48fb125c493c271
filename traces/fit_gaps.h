/* Which family the gaps between requests are of, by likelihood. */
#ifndef TS_TRACES_FIT_GAPS_H
#define TS_TRACES_FIT_GAPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/dist.h"

/* ON_OFF: those of an interrupted Poisson process, which come at a constant rate in times on and not at all in times
 * off, both exponential. */
enum ts_gap_family { TS_GAPS_EXPONENTIAL, TS_GAPS_GAMMA, TS_GAPS_WEIBULL, TS_GAPS_ON_OFF, TS_N_GAP_FAMILIES };

struct ts_gap_fit {
    bool known;                      /* false: too few gaps, or a clock too coarse to tell */
    enum ts_gap_family best;         /* that with the least bic */
    double bic[TS_N_GAP_FAMILIES];   /* Bayesian information criterion (Schwarz, Ann. Stat. 6, 1978): k ln n - 2 ln L */
    double shape[TS_N_GAP_FAMILIES]; /* 1, and of most likelihood (gamma's by Minka's approximation) */
    double on, off;                  /* means of ON_OFF's times, in the unit of the gaps; 0: they do not come so */
};

/* gaps: [n], at least 0. Those below a 10,000th of the mean count as that, since clocks have steps. */
void ts_fit_gaps(struct ts_gap_fit *out, const double *gaps, size_t n);

const char *ts_gap_family_name(enum ts_gap_family family); /* "exponential", "gamma", "weibull", "on/off" */
/* Gaps of mean 1 with that CV; an exponential's is 1. */
struct ts_dist ts_gap_dist(enum ts_gap_family family, double cv);
/* The shape of the Weibull distribution with that CV: cv^2 = gamma(1 + 2/k) / gamma(1 + 1/k)^2 - 1. */
double ts_weibull_shape(double cv);

#endif
