/* A workload on its own: of a file that `tiersim trace fit` wrote, of a scenario, or a preset. */
#ifndef TS_APP_WORKLOAD_FILE_H
#define TS_APP_WORKLOAD_FILE_H

#include "app/options.h"
#include "scenarios/language/scenario.h"

/* Loads `name`, a preset's name or a path, with --set; or `text`, a section `workload`, where it is not NULL. As
 * ts_scenario_load; TS_ESCENARIO too if it has no generated workload that comes at a rate, or, of `name`, sessions:
 * their calls have no times of their own. */
enum ts_status ts_workload_file_load(struct ts_scenario *out, const char *name, const char *text,
                                     const struct ts_option_texts *sets, struct ts_diags *diags);

#endif
