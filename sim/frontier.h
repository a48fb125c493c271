/* The frontier of a router: what quality a share of calls at the strongest tier buys. For every call done it is known
 * what each tier would have answered (sim/quality.h) and, where the policy looks at a score, what the router saw; so
 * all thresholds between the weakest and the strongest tier are seen at once, not only those of the scenario.
 *
 * A threshold t sends the calls with a score above t to the strongest tier: share s(t), quality Q(t) of all, and
 *   PGR = (Q - Q_weakest)/(Q_strongest - Q_weakest)      (performance gap recovered: Ong et al. 2024, RouteLLM)
 *   APGR = integral of PGR over s from 0 to 1;  CPT(x) = the least share with PGR >= x. */
#ifndef TS_SIM_FRONTIER_H
#define TS_SIM_FRONTIER_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/model.h"

enum { TS_FRONTIER_BINS = 1024 };

/* Calls done, of one run or many. */
struct ts_frontier {
    uint64_t n, any_right;
    uint64_t right[TS_MAX_TIERS]; /* that each tier would answer right */
    struct {
        uint64_t n, weakest_right, strongest_right;
    } bins[TS_FRONTIER_BINS]; /* by score, ascending; empty without one */
};

/* One point of it. */
struct ts_frontier_point {
    double threshold, share, quality;
};

/* The tiers at its ends: first and last of the order. */
uint32_t ts_frontier_weakest(const struct ts_model *model);
uint32_t ts_frontier_strongest(const struct ts_model *model);
/* Does the policy look at a score? Then there is a choice between two tiers or more. */
bool ts_frontier_has_scores(const struct ts_model *model);

/* A call that was done, with the tiers that are right for it. */
void ts_frontier_add(struct ts_frontier *frontier, const struct ts_model *model, uint32_t right, double score);
void ts_frontier_merge(struct ts_frontier *into, const struct ts_frontier *from);

/* [TS_FRONTIER_BINS + 1] points, from everything at the weakest tier (share 0) to everything at the strongest. */
void ts_frontier_points(struct ts_frontier_point *out, const struct ts_frontier *frontier,
                        const struct ts_model *model);
/* Share of the calls that the tier would answer right; NaN without calls. */
double ts_frontier_quality(const struct ts_frontier *frontier, uint32_t tier);
/* NaN without scores, or where both ends are equally good. */
double ts_frontier_apgr(const struct ts_frontier *frontier, const struct ts_model *model);
/* The least share at which PGR reaches that; NaN if it never does. */
double ts_frontier_share_of(const struct ts_frontier *frontier, const struct ts_model *model, double pgr);

#endif
