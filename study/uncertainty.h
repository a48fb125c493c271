/* A study of a run's uncertain inputs: what its figures come to when they are drawn, and which input matters. */
#ifndef TS_STUDY_UNCERTAINTY_H
#define TS_STUDY_UNCERTAINTY_H

#include "reports/doubts.h"
#include "study/capacity.h"
#include "study/uncertain_points.h"

struct ts_uncertainty_options {
    uint32_t n_draws;   /* >= 16 */
    uint32_t n_checked; /* points that check the fit; 0: 12 */
    uint32_t n_threads;
    const struct ts_econ_capacity *capacity; /* that the run was appraised with */
    enum ts_capacity_effort effort;          /* how it was found */
    const struct ts_progress *progress;
};

/* The scenario of the base has been run: `runs` is what came of it, its model's month_scale is set. Inputs that act on
 * the simulation are moved in a few dozens of simulated points, which a response is fitted to; further points check it.
 * Where it is off by more than 1 % of the monthly cost the draws are those points themselves, simulated in full; where
 * it is by more than 10 % of the TTFT's p95, attainment and that are those of the simulated point that is nearest. *out
 * and its parts are in the arena. TS_ERANGE with a diagnostic where nothing is uncertain, or the horizon is; what
 * ts_scenario_load and ts_replicate return. The same numbers on any number of threads. */
enum ts_status ts_uncertainty_study(struct ts_uncertainty *out, const struct ts_trial_base *base,
                                    const struct ts_result *merged, const struct ts_uncertainty_options *options,
                                    struct ts_arena *arena, struct ts_diags *diags);

#endif
