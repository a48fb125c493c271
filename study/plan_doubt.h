/* What a plan is worth if fitted step times are wrong: the best design, and the ones that cost a little more, with step
 * times as slow as one measurement in twenty was that the fit had not seen (the upper end of struct ts_steps_error). */
#ifndef TS_STUDY_PLAN_DOUBT_H
#define TS_STUDY_PLAN_DOUBT_H

#include "study/plan.h"

struct ts_plan_doubt {
    const char
        *slowed; /* "edge: time per token x 1.42, to the first token x 1.6"; NULL: nothing of the best is fitted */
    bool keeps;  /* the best keeps everything even so */
    struct ts_plan_margin missed; /* what it misses most, if not */
    uint32_t n_tried;             /* with the best */
    uint32_t sure;                /* into plan->designs: the cheapest of the next that does; UINT32_MAX: none */
};

/* Texts are in `arena`. The plan has a best design. What ts_trial_load and ts_trial_run return. */
enum ts_status ts_plan_doubt(struct ts_plan_doubt *out, const struct ts_plan *plan, const struct ts_plan_spec *spec,
                             struct ts_arena *arena, struct ts_diags *diags);

#endif
