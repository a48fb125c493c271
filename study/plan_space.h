/* The designs that `tiersim plan` looks at when it is told nothing: for each server tier whose hardware the scenario
 * takes from the catalog, every accelerator of the catalog that has a price and fitted constants, 1, 2, 4 or 8 of them
 * a replica, and as many replicas as it takes. A price that the scenario states is that of its own hardware: it holds
 * there alone. */
#ifndef TS_STUDY_PLAN_SPACE_H
#define TS_STUDY_PLAN_SPACE_H

#include "study/plan.h"

/* axes[TS_PLAN_MOST_AXES]; allocates in `arena`. TS_EUSAGE with a diagnostic: there is no such tier. TS_ENOMEM. */
enum ts_status ts_plan_default_space(struct ts_axis *axes, uint32_t *n, const struct ts_scenario *scenario,
                                     struct ts_arena *arena, struct ts_diags *diags);

#endif
