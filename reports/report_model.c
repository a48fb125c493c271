/* Hides how the report model is built from (model, result, economics): every figure once. */
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "reports/report_parts.h"

static void count_origins(struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    for (size_t i = 0; i < model->n_assumptions; i++) {
        report->n_of_origin[model->assumptions[i].origin]++;
    }
}

static void find_facts(struct ts_report *report)
{
    const struct ts_result *result = report->input.result;
    const struct ts_econ *econ = report->input.econ;
    const double runs = result->n_replications > 0 ? (double)result->n_replications : 1.0;
    report->window_s = ts_result_window_s(result) / runs;
    report->warmup_s = result->warmup_s / runs;
    report->saving_frac =
        econ->baseline_usd_per_month > 0.0
            ? fabs(ts_report_value(report, TS_SUBJECT_ALL, "saving", "value")) / econ->baseline_usd_per_month
            : NAN;
}

static struct ts_cash_row cash_of(const struct ts_econ *econ, uint32_t first_month, uint32_t last_month)
{
    struct ts_cash_row row = {.first_month = first_month,
                              .last_month = last_month,
                              .plan_so_far_usd = econ->plan_cumulative_usd[last_month],
                              .baseline_so_far_usd = econ->baseline_cumulative_usd[last_month]};
    for (uint32_t m = first_month; m <= last_month; m++) {
        row.plan_usd += econ->plan_usd[m];
        row.baseline_usd += econ->baseline_usd[m];
    }
    row.ahead_usd = row.baseline_so_far_usd - row.plan_so_far_usd;
    return row;
}

static enum ts_status find_cash(struct ts_report *report)
{
    enum { YEAR = 12 };
    const struct ts_econ *econ = report->input.econ;
    report->cash = calloc((size_t)econ->n_months / YEAR + 2, sizeof *report->cash);
    if (!report->cash) {
        return TS_ENOMEM;
    }
    report->cash[report->n_cash++] = cash_of(econ, 0, 0);
    for (uint32_t first = 1; first <= econ->n_months; first += YEAR) {
        const uint32_t last = first + YEAR - 1;
        report->cash[report->n_cash++] = cash_of(econ, first, last < econ->n_months ? last : econ->n_months);
    }
    return TS_OK;
}

static enum ts_status build(struct ts_report *report)
{
    const struct ts_report_input *input = &report->input;
    enum ts_status status =
        ts_figure_list_init(&report->list, input->model, input->is_point ? TS_FIGURES_OF_POINT : TS_FIGURES_OF_RUN);
    if (status != TS_OK) {
        return status;
    }
    report->values = calloc(report->list.n, sizeof *report->values);
    status = report->values ? ts_figures_compute(report->values, &report->list, input->result, input->econ) : TS_ENOMEM;
    if (status != TS_OK) {
        return status;
    }
    count_origins(report);
    find_facts(report);
    ts_report_find_verdicts(report);
    status = ts_report_find_recorded(report);
    return status == TS_OK ? find_cash(report) : status;
}

enum ts_status ts_report_create(struct ts_report **out, const struct ts_report_input *input)
{
    struct ts_report *report = calloc(1, sizeof *report);
    if (!report) {
        return TS_ENOMEM;
    }
    report->input = *input;
    const enum ts_status status = build(report);
    if (status != TS_OK) {
        ts_report_destroy(report);
        return status;
    }
    *out = report;
    return TS_OK;
}

void ts_report_destroy(struct ts_report *report)
{
    if (report) {
        ts_figure_list_deinit(&report->list);
        free(report->values);
        free(report->cash);
        free(report);
    }
}

const double *ts_report_figures(const struct ts_report *report, const struct ts_figure_list **list)
{
    *list = &report->list;
    return report->values;
}
