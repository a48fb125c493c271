/* An operator profile as a measurement: step times over a grid, derived from its tables, and their fit. */
#ifndef TS_APP_IMPORT_OPERATORS_H
#define TS_APP_IMPORT_OPERATORS_H

#include "imports/import.h"
#include "scenarios/profile/operator_steps.h"

/* Fills in the fits, info->points and what is told of them; the names are the caller's. Everything in `arena`.
 * TS_EINPUT if the tables are too small to fit steps to; TS_EIO; TS_ENOMEM. */
enum ts_status ts_import_operators(struct ts_model_measurement *m, struct ts_import *info, struct ts_arena *arena,
                                   const struct ts_operator_about *about, const struct ts_llm *llm,
                                   struct ts_diags *diags);

#endif
