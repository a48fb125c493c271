/* Many draws of uncertain inputs, each valued through the fit and the exact economics; on several threads, the same
 * numbers on any. */
#ifndef TS_STUDY_UNCERTAIN_DRAWS_H
#define TS_STUDY_UNCERTAIN_DRAWS_H

#include "base/progress.h"
#include "study/sobol.h"
#include "study/uncertain_inputs.h"
#include "study/uncertain_money.h"
#include "study/uncertain_response.h"
#include "study/uncertain_value.h"

struct ts_drawing {
    const struct ts_model *model; /* at the medians */
    const struct ts_uncertain_inputs *inputs;
    const struct ts_money_effects *effects;
    const struct ts_doubt_base *medians;
    const struct ts_response *response; /* of ts_drawing_pack's numbers; NULL: no input acts on the simulation */
    /* What no polynomial tells: a draw has that of the nearest simulated point. The highest power, which saturates, and
     * with `serves_as_nearest` attainment and the time to the first token. [n_known][n_simulated] scores,
     * [n_known][TS_N_SERVICES]; NULL as the response. */
    const double *known_scores, *known_services;
    uint32_t n_known;
    bool serves_as_nearest;
    uint32_t simulated[TS_SOBOL_MAX_INPUTS], n_simulated; /* those inputs that do, in the response's order */
    uint32_t n_threads;
    const struct ts_progress *progress;
};

/* What the response is of: uses and services as a row of numbers. */
uint32_t ts_drawing_width(uint32_t n_tiers);
void ts_drawing_pack(double *out, const struct ts_econ_use *use, const double *service, uint32_t n_tiers);

/* The normal scores of the inputs that act on the simulation. */
void ts_drawing_scores(double *out, const struct ts_drawing *drawing, const double *point);

/* points[n][n_inputs] of probabilities; figures[n][TS_N_DOUBTS]; ahead[n][n_months + 1], NULL: not wanted. TS_ENOMEM,
 * TS_EINTERRUPTED. */
enum ts_status ts_draws_run(double *figures, double *ahead, const double *points, uint32_t n,
                            const struct ts_drawing *drawing);

#endif
