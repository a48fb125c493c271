/* How uncertain inputs that are pure economics move a model: prices, rates, what machines cost. Nothing that is
 * simulated reads these parts of a model (sim/ includes none of them), so that a draw of them needs no simulation. */
#ifndef TS_STUDY_UNCERTAIN_MONEY_H
#define TS_STUDY_UNCERTAIN_MONEY_H

#include "study/trial.h"
#include "study/uncertain_inputs.h"

/* Is it? Keys of money and of what owning costs, but for those that decide what is counted: when hours are peak, at
 * which rate API bills are converted. */
bool ts_uncertain_is_money(const char *key);

/* Slopes of the model's economic numbers by each input. */
struct ts_money_effects {
    double *slopes; /* [n_inputs][n_fields]; 0 for an input that is no money */
    double *base;   /* [n_fields] at the medians */
    uint32_t n_inputs, n_fields;
};

/* Loads the scenario with each such input at its p10 and p90. What ts_scenario_load returns. */
enum ts_status ts_money_effects_init(struct ts_money_effects *out, const struct ts_trial_base *base,
                                     const struct ts_uncertain_inputs *inputs, struct ts_diags *diags);
void ts_money_effects_deinit(struct ts_money_effects *effects);

/* Sets the numbers of a copy of the base's model to those at values[n_inputs]. */
void ts_money_effects_apply(struct ts_model *model, const struct ts_money_effects *effects,
                            const struct ts_uncertain_inputs *inputs, const double *values);

#endif
