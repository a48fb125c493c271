/* What a draw comes to: the figures of a plan from what its tiers use in a month and how they serve. Pure. */
#ifndef TS_STUDY_UNCERTAIN_VALUE_H
#define TS_STUDY_UNCERTAIN_VALUE_H

#include "econ/econ.h"
#include "reports/doubts.h"
#include "study/sobol.h"

enum ts_served { TS_SERVICE_ATTAINMENT, TS_SERVICE_TTFT, TS_SERVICE_QUALITY, TS_SERVICE_POWER, TS_N_SERVICES };

/* The run at the medians, and what its capacities do where inputs are elsewhere. */
struct ts_doubt_base {
    struct ts_econ_use use;
    double service[TS_N_SERVICES];
    struct ts_econ_capacity capacity;
    /* log(volume) by each input's normal score z: slope z + bend z^2. 0: no effect */
    double slope[TS_SOBOL_MAX_INPUTS][TS_MAX_TIERS], bend[TS_SOBOL_MAX_INPUTS][TS_MAX_TIERS];
    uint32_t n_inputs;
};

/* Through the capacities that were found at an input's p10 and p90, all others at their medians. */
void ts_doubt_capacity_fit(struct ts_doubt_base *base, uint32_t input, const struct ts_econ_capacity *at_p10,
                           const struct ts_econ_capacity *at_p90);
/* at[n_inputs]: probabilities. */
struct ts_econ_capacity ts_doubt_capacity(const struct ts_doubt_base *base, const double *at);

/* out[TS_N_DOUBTS]; ahead[n_months + 1] (NULL: not wanted) what is saved so far, in each month. The model's tiers are
 * in the order of those of `use`. TS_ENOMEM. */
enum ts_status ts_doubt_value(double *out, double *ahead, const struct ts_model *model, const struct ts_econ_use *use,
                              const double *service, const struct ts_econ_capacity *capacity);

#endif
