/* Hides which figures of a fit are shown, and in which units. */
#include "app/fit_tables.h"

#include <math.h>

struct ts_table *ts_fit_coefficients(const char *title, const struct ts_linear_fit *fit, const char *const *how)
{
    static const char *const headers[] = {"coefficient", "us", "+- us"};
    static const char *const names[TS_STEP_LINEAR_COEFS] = {
        "a: every step", "b: per sequence", "c: per cached token read", "d: per prompt token", "e: per query-key pair"};
    struct ts_table *table = ts_table_create(title);
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 1);
    if (how) {
        ts_table_column(table, "how", false);
    }
    for (size_t i = 0; i < TS_STEP_LINEAR_COEFS; i++) {
        const double variance = fit->covariance[i][i];
        ts_table_row(table);
        ts_table_put(table, names[i]);
        ts_table_num(table, 1e6 * fit->coef[i], 4);
        ts_table_num(table, variance > 0.0 ? 1e6 * sqrt(variance) : (double)NAN, 2);
        if (how) {
            ts_table_put(table, how[i]);
        }
    }
    return table;
}

struct ts_table *ts_fit_steps(const struct ts_model_measurement *m)
{
    static const char *const headers[] = {"step", "ms", "spread %", "tok/s", "held out"};
    struct ts_table *table = ts_table_create("Steps of a whole forward pass (measured)");
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 1);
    struct ts_text name;
    ts_text_init(&name);
    for (size_t i = 0; i < m->n_steps; i++) {
        const struct ts_model_step *step = &m->steps[i];
        const struct ts_spread *s = &step->seconds;
        ts_text_clear(&name);
        ts_model_step_name(&name, step);
        ts_table_row(table);
        ts_table_put(table, name.data);
        ts_table_num(table, 1e3 * step->undisturbed_s, 4);
        ts_table_num(table, 100.0 * (s->p90 - s->min) / s->median, 2);
        ts_table_num(table, ts_model_step_tok_per_s(step), 4);
        ts_table_put(table, step->held_out ? "yes" : "");
    }
    ts_text_deinit(&name);
    return table;
}

static void fit_row(struct ts_table *table, const char *name, const char *on, const struct ts_fit_error *error)
{
    ts_table_row(table);
    ts_table_put(table, name);
    ts_table_put(table, on);
    ts_table_putf(table, "%zu", error->n);
    ts_table_num(table, error->r2, 5);
    ts_table_num(table, 100.0 * error->median_frac, 3);
    ts_table_num(table, 100.0 * error->worst_frac, 3);
}

struct ts_table *ts_fit_errors(const struct ts_model_measurement *m)
{
    static const char *const headers[] = {"fit", "steps", "n", "R2", "median error %", "worst %"};
    struct ts_table *table = ts_table_create("Fits of the step time (fitted)");
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 2);
    fit_row(table, "linear", "fitted", &m->linear.error);
    fit_row(table, "table", "fitted", &m->table.error);
    if (m->checked) {
        fit_row(table, "linear", "held out", &m->linear_check);
        fit_row(table, "table", "held out", &m->table_check);
    }
    return table;
}
