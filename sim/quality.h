/* Which replies are right: a property of the request, the same in every design that is compared.
 *
 * By ability (item response, Rasch 1960): tier m answers a request of difficulty z right with probability
 * P = logistic(theta_m - z), its ability for the request's class. Replies of two tiers to one request are dependent
 * beyond z: with probability `shared` all tiers have the same luck, else each its own (Frechet's mixture of the upper
 * bound and independence, 1958), so P(both right) = shared min(P1, P2) + (1 - shared) P1 P2.
 * By measurement: each request is a row of a table that says which tiers were right.
 *
 * A tier mask has bit i for tier i of the model. */
#ifndef TS_SIM_QUALITY_H
#define TS_SIM_QUALITY_H

#include <stdint.h>

#include "base/rng.h"
#include "sim/model.h"

/* ---- one request ---- */

/* P(right) of a model of that ability for a request of that difficulty: 1/(1 + exp(difficulty - ability)). */
double ts_quality_right(double ability, double difficulty);
/* The ability with which a share `accuracy` (0..1, exclusive) of requests of that difficulty is answered right. */
double ts_quality_ability_of(double accuracy, const struct ts_dist *difficulty);
static inline double ts_quality_ability(const struct ts_tier_model *tier, uint16_t class_id)
{
    return tier->class_ability ? tier->class_ability[class_id] : tier->ability;
}
/* The tiers that answer the request right. rng: the request's stream for this; salt: of the run, moves the rows of a
 * table. */
uint32_t ts_quality_truth(const struct ts_model *model, const struct ts_request *request, struct ts_rng *rng,
                          uint64_t salt);
/* `shared` for which two tiers with accuracies p1, p2 are both right with probability `both`; 0..1. */
double ts_quality_shared_of(double p1, double p2, double both);

/* ---- routers (docs/MODEL.md, "Quality") ---- */

/* A score that predicts whether a request needs the stronger tier: normal with standard deviation 1, shifted by this
 * where it does, has that AUC: mu = sqrt2 Phi^-1(AUC) (binormal model); 12 at most, for an AUC of 1. */
double ts_quality_score_shift(double auc);
/* APGR of a router with that AUC where the strong tier alone is right in a share `gain` of the requests, and the weak
 * one alone in a share `loss`: with share s = gain TPR + (1 - gain) FPR at the strong tier the quality is up by
 * gain TPR - loss FPR, so
 *   APGR = (gain (gain/2 + (1-gain) AUC) - loss (gain (1-AUC) + (1-gain)/2))/(gain - loss),
 * which is p/2 + (1-p) AUC where nothing is lost; and the AUC for an APGR, kept in 0.5..1. */
double ts_quality_apgr(double gain, double loss, double auc);
double ts_quality_auc_of_apgr(double gain, double loss, double apgr);
/* The one-parameter frontier PGR(s) = 1 - (1-s)^k with k = A/(1-A), whose APGR is A; and the share for a PGR. */
double ts_quality_power_law(double share, double apgr);
double ts_quality_power_law_share(double pgr, double apgr);
/* Quality over that of the strong tier alone. */
double ts_quality_retained(double pgr, double weak, double strong);
/* Share that may go on for a cascade to be cheaper than the strong tier alone: 1 - (weak + check)/strong, prices of a
 * call. */
double ts_quality_cascade_worth(double weak_usd, double check_usd, double strong_usd);

#endif
