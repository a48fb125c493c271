/* Which of several designs is the best, with which probability: the cheapest of those that keep every constraint, told
 * from replications on common random numbers. Pure.
 *
 * The means of n replications have a multivariate t posterior with n - 1 degrees of freedom: a draw is
 * mean + sum_r z_r (y_r - mean) / sqrt(n (n - 1)) x sqrt((n - 1)/chi2), the same z_r for all designs, so that what a
 * replication does to all of them alike counts for none. Costs are taken relative to their mean over designs in the
 * same replication and drawn towards each other by B = tau^2/(tau^2 + v/n), tau^2 the variance between designs less
 * that of their means (empirical Bayes: James and Stein, 1961; Efron and Morris, 1975): the one that looks cheapest of
 * many looks cheaper than it is. Constraints are margins, >= 0 where kept, and are not drawn together. */
#ifndef TS_STUDY_SELECTION_H
#define TS_STUDY_SELECTION_H

#include <stdint.h>

#include "base/status.h"

enum { TS_SELECTION_DRAWS = 4000 };

struct ts_selection {
    uint32_t n_designs, n_margins;
    uint32_t n;            /* replications, >= 1; with one the better figure wins for sure */
    const double *costs;   /* [n_designs][n] */
    const double *margins; /* [n_designs][n_margins][n] */
    uint64_t seed;         /* of the draws */
};

/* best[n_designs]: the probability of each to be the best; *none: that no design keeps all constraints. They sum to 1.
 * TS_ENOMEM. */
enum ts_status ts_selection_probabilities(double *best, double *none, const struct ts_selection *selection);

#endif
