/* Hides the layout of uncertainty.csv, tornado.csv and payback_fan.csv: docs/OUTPUT.md. */
#include <math.h>

#include "base/csv.h"
#include "reports/report_parts.h"

static void put_numbers(struct ts_text *out, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ts_csv_put_number(out, values[i], false);
    }
    ts_text_puts(out, "\n");
}

static void put_names(struct ts_text *out, const char *a, const char *b, const char *c, const char *d)
{
    const char *const names[] = {a, b, c, d};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ts_csv_put(out, names[i] ? names[i] : "1", i == 0);
    }
}

void ts_report_uncertainty_csv(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_uncertainty *uncertainty = report->input.uncertainty;
    const double none = (double)NAN;
    ts_text_puts(out, "what,name,statistic,unit,value,p10,p50,p90,half_p10,half_p50,half_p90\n");
    for (uint32_t i = 0; i < uncertainty->n_inputs; i++) {
        const struct ts_doubt_input *input = &uncertainty->inputs[i];
        const double values[] = {input->p50, input->p10, input->p50, input->p90, none, none, none};
        put_names(out, input->is_written ? "input" : "default input", input->key, "value", input->unit);
        put_numbers(out, values, sizeof values / sizeof values[0]);
    }
    for (int k = 0; k < TS_N_DOUBTS; k++) {
        const struct ts_interval *all = &uncertainty->figures[k], *half = &uncertainty->half[k];
        const double value = ts_report_value(report, TS_SUBJECT_ALL, ts_doubts[k].name, ts_doubts[k].stat);
        const double values[] = {value, all->p10, all->p50, all->p90, half->p10, half->p50, half->p90};
        char unit[TS_UNIT_BYTES];
        put_names(out, "figure", ts_doubts[k].name, ts_doubts[k].stat,
                  ts_report_doubt_unit(unit, report, (enum ts_doubt)k));
        put_numbers(out, values, sizeof values / sizeof values[0]);
    }
    for (uint32_t i = 0; i < uncertainty->n_promises; i++) {
        const struct ts_doubt_promise *promise = &uncertainty->promises[i];
        const double values[] = {promise->probability, none, none, none, none, promise->half_probability, none};
        put_names(out, "probability", promise->key, promise->label, "frac");
        put_numbers(out, values, sizeof values / sizeof values[0]);
    }
    const double errors[] = {uncertainty->cost_error_frac, uncertainty->ttft_error_frac,
                             uncertainty->capacity_error_frac};
    static const char *const of[] = {"cost", "ttft", "capacity"};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        const double values[] = {errors[i], none, none, none, none, none, none};
        const bool unused = uncertainty->is_full || (i == 1 && uncertainty->serves_as_nearest);
        put_names(out, "largest error", of[i], unused ? "of the fit that was not used" : "of the draws", "frac");
        put_numbers(out, values, sizeof values / sizeof values[0]);
    }
}

void ts_report_tornado_csv(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_uncertainty *uncertainty = report->input.uncertainty;
    ts_text_puts(out, "input,figure,statistic,unit,input_p10,input_p90,at_p10,at_p90,first_index,total_index\n");
    for (uint32_t i = 0; i < uncertainty->n_inputs; i++) {
        const struct ts_doubt_input *input = &uncertainty->inputs[i];
        for (int k = 0; k < TS_N_DOUBTS; k++) {
            const double values[] = {input->p10,       input->p90,      input->at_p10[k],
                                     input->at_p90[k], input->first[k], input->total[k]};
            char unit[TS_UNIT_BYTES];
            put_names(out, input->key, ts_doubts[k].name, ts_doubts[k].stat,
                      ts_report_doubt_unit(unit, report, (enum ts_doubt)k));
            put_numbers(out, values, sizeof values / sizeof values[0]);
        }
    }
}

void ts_report_fan_csv(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_uncertainty *uncertainty = report->input.uncertainty;
    const struct ts_econ *econ = report->input.econ;
    ts_text_puts(out, "month,median_inputs,p10,p50,p90,currency\n");
    for (uint32_t m = 0; m <= uncertainty->n_months; m++) {
        const struct ts_interval *fan = &uncertainty->ahead_usd[m];
        ts_csv_put_number(out, m, true);
        ts_csv_put_number(out, econ->baseline_cumulative_usd[m] - econ->plan_cumulative_usd[m], false);
        ts_csv_put_number(out, fan->p10, false);
        ts_csv_put_number(out, fan->p50, false);
        ts_csv_put_number(out, fan->p90, false);
        ts_csv_put(out, ts_model_currency(report->input.model), false);
        ts_text_puts(out, "\n");
    }
}
