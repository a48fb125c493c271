/* Hides how steps become fits where the steps themselves are at hand, as a model of an engine gives them: both forms as
 * for measured steps (model_fit.c), without a search for coefficients that the steps cannot tell. */
#include <stdlib.h>
#include <string.h>

#include "imports/import.h"

static enum ts_status check(struct ts_model_measurement *m, const struct ts_timed_step *steps, size_t n, size_t first)
{
    enum ts_status status = ts_step_check_linear(&m->linear_check, &m->linear, steps + first, n - first);
    if (status == TS_OK) {
        status = ts_step_check_table(&m->table_check, &m->table, steps + first, n - first);
    }
    m->checked = status == TS_OK;
    m->linear_check.worst += first;
    m->table_check.worst += first;
    return status;
}

enum ts_status ts_import_fit_steps(struct ts_model_measurement *m, struct ts_import *info,
                                   const struct ts_import_steps *steps)
{
    const size_t n = steps->n_fitted + steps->n_held;
    struct ts_timed_step *timed = calloc(n + 1, sizeof *timed);
    if (!timed) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        timed[i] = (struct ts_timed_step){.load = steps->points[i].load, .seconds = steps->points[i].seconds};
    }
    enum ts_status status = ts_step_fit_linear(&m->linear, timed, steps->n_fitted);
    if (status == TS_OK) {
        status = ts_step_fit_table(&m->table, timed, steps->n_fitted, steps->knots, steps->n_knots);
    }
    m->fitted = status == TS_OK;
    if (status == TS_OK && steps->n_held > 0) {
        status = check(m, timed, n, steps->n_fitted);
    }
    free(timed);
    for (size_t i = 0; i < TS_STEP_LINEAR_COEFS; i++) {
        info->coefs[i] = "fitted";
    }
    info->points = steps->points;
    info->n_points = n;
    m->import = info;
    return status;
}
