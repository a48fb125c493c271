/* Measured steps of a model and the fits of their times, as tables. */
#ifndef TS_APP_FIT_TABLES_H
#define TS_APP_FIT_TABLES_H

#include "measure/model_measurement.h"
#include "reports/table.h"

/* The coefficients of the linear fit; how: a word on each, or NULL for no such column. */
struct ts_table *ts_fit_coefficients(const char *title, const struct ts_linear_fit *fit, const char *const *how);
/* The steps, and how far both fits are off them. */
struct ts_table *ts_fit_steps(const struct ts_model_measurement *m);
struct ts_table *ts_fit_errors(const struct ts_model_measurement *m);

#endif
