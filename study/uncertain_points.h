/* Points of uncertain inputs, simulated in full: what a fit is made from, and what it is held against. */
#ifndef TS_STUDY_UNCERTAIN_POINTS_H
#define TS_STUDY_UNCERTAIN_POINTS_H

#include "study/capacity.h"
#include "study/sobol.h"
#include "study/trial.h"
#include "study/uncertain_inputs.h"
#include "study/uncertain_value.h"

struct ts_uncertain_point {
    double at[TS_SOBOL_MAX_INPUTS]; /* in: the probability of each input's value, 0.5 is its median */
    struct ts_econ_use use;         /* tiers in the base's order */
    double service[TS_N_SERVICES];
    double figures[TS_N_DOUBTS];      /* by the scenario as it was loaded there, nothing fitted */
    double *ahead;                    /* [n_months + 1] the caller's; NULL: not wanted */
    bool finds_capacity;              /* in: by simulation, where servers work otherwise than at the medians */
    struct ts_econ_capacity capacity; /* what was found, in the base's order, else that of ts_doubt_capacity */
};

struct ts_uncertain_simulation {
    const struct ts_trial_base *base;
    const struct ts_uncertain_inputs *inputs;
    const struct ts_doubt_base *medians;
    enum ts_capacity_effort effort;
    bool simulates; /* else no input has an effect on what is simulated: it is that of the medians */
    uint32_t n_threads;
    const struct ts_progress *progress;
};

/* All of them, with the same random streams, spread over the threads; which thread runs which does not matter. What
 * ts_scenario_load and ts_replicate return. */
enum ts_status ts_uncertain_points_run(struct ts_uncertain_point *points, uint32_t n,
                                       const struct ts_uncertain_simulation *how, struct ts_diags *diags);

/* Of a merged run, its tiers in the order of the run's own model. */
enum ts_status ts_uncertain_services(double out[TS_N_SERVICES], const struct ts_model *model,
                                     const struct ts_result *result, const struct ts_econ *econ);

#endif
