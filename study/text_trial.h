/* A trial of a scenario that stands in a text: what checks of predictions write for a recorded run. */
#ifndef TS_STUDY_TEXT_TRIAL_H
#define TS_STUDY_TEXT_TRIAL_H

#include "base/text.h"
#include "study/trial.h"

/* What the only tier, or the first one, came to. */
struct ts_text_trial {
    struct ts_scenario scenario;
    struct ts_trial_outcome outcome;
    const struct ts_cell *cell; /* of the first class */
};

/* Loads and simulates the scenario of `text`, without figures. `name` stands for its file in diagnostics. As
 * ts_scenario_load and ts_trial_run; on failure there is nothing to deinit. */
enum ts_status ts_text_trial_run(struct ts_text_trial *out, const char *name, const struct ts_text *text,
                                 struct ts_diags *diags);
void ts_text_trial_deinit(struct ts_text_trial *trial);

#endif
