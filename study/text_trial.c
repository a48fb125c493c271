#include "study/text_trial.h"

enum ts_status ts_text_trial_run(struct ts_text_trial *out, const char *name, const struct ts_text *text,
                                 struct ts_diags *diags)
{
    const struct ts_scenario_options options = {.text = text->data};
    const struct ts_trial_options how = {.skips_figures = true};
    enum ts_status status = text->failed ? TS_ENOMEM : ts_scenario_load(&out->scenario, name, &options, diags);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_trial_base base = {.scenario = &out->scenario};
    const struct ts_trial trial = {.base = &base};
    status = ts_trial_run(&out->outcome, &trial, &how, diags);
    if (status != TS_OK) {
        ts_scenario_deinit(&out->scenario);
        return status;
    }
    out->cell = &out->outcome.result.tiers[0].cells[0];
    return TS_OK;
}

void ts_text_trial_deinit(struct ts_text_trial *trial)
{
    ts_trial_outcome_deinit(&trial->outcome);
    ts_scenario_deinit(&trial->scenario);
}
