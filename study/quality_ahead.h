/* How right a plan is in later months: the scenario with the abilities of that time, simulated. */
#ifndef TS_STUDY_QUALITY_AHEAD_H
#define TS_STUDY_QUALITY_AHEAD_H

#include "base/arena.h"
#include "base/progress.h"
#include "reports/quality_months.h"
#include "scenarios/language/scenario.h"

/* Does any model become better within the horizon? */
bool ts_quality_improves(const struct ts_model *model);

/* "tiers.cloud.improves", "tiers.edge.renewed": keys that act on later months alone. */
bool ts_quality_is_later(const char *key);

/* *out is in the arena. Months are simulated where an own model begins to serve or is renewed, and the one before, once
 * a year, and the last: 16 at most. Rules, router and thresholds stay as they are. What ts_replicate returns. */
enum ts_status ts_quality_ahead(struct ts_quality_months *out, const struct ts_scenario *scenario, uint32_t n_threads,
                                const struct ts_progress *progress, struct ts_arena *arena, struct ts_diags *diags);

#endif
