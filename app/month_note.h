/* Says how a month is made of a trace that stands for a part of a week (docs/TRACES.md). */
#ifndef TS_APP_MONTH_NOTE_H
#define TS_APP_MONTH_NOTE_H

#include "base/text.h"
#include "scenarios/language/scenario.h"
#include "study/replicate.h"

/* Of a run: sets month_scale and month_told of the scenario's model. `told` lives as long as the model. Nothing where
 * the trace stands for itself, or users of a closed loop set the rate. */
void ts_month_note_run(struct ts_text *told, struct ts_replications *runs, struct ts_scenario *scenario,
                       struct ts_diags *diags);

/* Of many runs of one scenario, before them: reads its trace once. A trace that cannot be read is left to the runs. */
void ts_month_note_trace(const struct ts_scenario *scenario, struct ts_diags *diags);

#endif
