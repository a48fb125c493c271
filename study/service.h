/* How calls fare that go to an API instead of the plan's tiers: the scenario simulated again, with every call sent
 * there that policy lets out, or all of them, or with the tiers' own models at APIs. */
#ifndef TS_STUDY_SERVICE_H
#define TS_STUDY_SERVICE_H

#include "econ/baselines.h"
#include "scenarios/language/scenario.h"

/* Into the services of what is there: the permitted calls, all calls, the plan with its own models at APIs. A generated
 * window is cut to some 200,000 calls; sorts_trace as in ts_trial_options. Other baselines are not simulated. What
 * ts_trial_run returns. */
enum ts_status ts_service_find(struct ts_baseline rows[TS_N_BASELINES], const struct ts_scenario *scenario,
                               bool sorts_trace, const struct ts_progress *progress, struct ts_diags *diags);

#endif
