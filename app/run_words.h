/* What `tiersim run` says beside its report. */
#ifndef TS_APP_RUN_WORDS_H
#define TS_APP_RUN_WORDS_H

#include "reports/report.h"
#include "study/replicate.h"

/* The simulator's own speed, all threads together: of the loop (reading or generating the requests is inside), and of
 * the whole run so far, loading the scenario and writing the report included; and the most memory it ever held. */
void ts_run_print_speed(const struct ts_report_input *input, double begin_s);

/* A price of cached input that the scenario writes, and a trace without prefix ids: no call can have earned it. */
void ts_run_warn_prompts(const struct ts_replications *runs, const struct ts_scenario *scenario,
                         struct ts_diags *diags);

#endif
