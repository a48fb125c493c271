/* What a study of uncertainty varies: the inputs that the scenario writes as uncertain, and those that are so whether
 * it says so or not. */
#ifndef TS_STUDY_UNCERTAIN_INPUTS_H
#define TS_STUDY_UNCERTAIN_INPUTS_H

#include "scenarios/language/scenario.h"

struct ts_uncertain_inputs {
    const struct ts_uncertain *items; /* in the arena; keys are distinct */
    uint32_t n, n_written;            /* those of the scenario come first */
};

/* Of the scenario, and by default: the interval of fitted step times (tiers.*.steps_error, from 9 in 10 to 8 in 10
 * on a lognormal scale), the fall of API prices, the growth of calls and the abilities of models, as uncertain_inputs.c
 * says. TS_ERANGE with a diagnostic where there are more than 20; TS_ENOMEM. */
enum ts_status ts_uncertain_inputs_find(struct ts_uncertain_inputs *out, const struct ts_scenario *scenario,
                                        struct ts_arena *arena, struct ts_diags *diags);

/* How far the fitted step times of a tier may be off; zeros: they are not fitted. Of several pools the first one's, of
 * a mixed fleet that of the first kind that has one. */
const struct ts_steps_error *ts_uncertain_steps(const struct ts_tier_model *tier);

/* The "key=value" of each input at that point of (0, 1)^n, in the arena: sets[n]. */
enum ts_status ts_uncertain_inputs_sets(const char **sets, const struct ts_uncertain_inputs *inputs,
                                        const double *point, struct ts_arena *arena);

#endif
