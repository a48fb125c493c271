/* Hides how the plan is set beside what it is held against: a row for each, in the terminal, on the page, as CSV. */
#include <math.h>

#include "econ/baselines.h"
#include "reports/html.h"
#include "reports/metric.h"
#include "reports/report_parts.h"
#include "reports/table.h"

static const char *const keys[TS_N_BASELINES] = {
    [TS_BASELINE_PERMITTED] = "permitted",       [TS_BASELINE_ALL] = "all",
    [TS_BASELINE_SAME_WEIGHTS] = "same_weights", [TS_BASELINE_PRESENT] = "present",
    [TS_BASELINE_NOTHING] = "nothing",
};

static const char *const names[TS_N_BASELINES] = {
    [TS_BASELINE_PERMITTED] = "at the API, as policy permits",
    [TS_BASELINE_ALL] = "all calls at the API (not permitted)",
    [TS_BASELINE_SAME_WEIGHTS] = "the same models at an API",
    [TS_BASELINE_PRESENT] = "as today",
    [TS_BASELINE_NOTHING] = "do nothing",
};

const char *ts_report_baseline_key(enum ts_baseline_kind kind)
{
    return keys[kind];
}

bool ts_report_has_baselines(const struct ts_report *report)
{
    return report->input.baselines &&
           (report->input.econ->has_baseline || report->input.baselines[TS_BASELINE_PRESENT].is_there);
}

bool ts_report_put_same_weights(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_baseline *rows = report->input.baselines;
    char unit[TS_UNIT_BYTES];
    if (!ts_report_has_baselines(report) || !rows[TS_BASELINE_SAME_WEIGHTS].is_there ||
        !(rows[TS_BASELINE_SAME_WEIGHTS].usd_per_month < 0.995 * rows[TS_BASELINE_PERMITTED].usd_per_month)) {
        return false;
    }
    ts_text_puts(out, "the same models at an API: ");
    ts_metric_format(out, rows[TS_BASELINE_SAME_WEIGHTS].usd_per_month,
                     ts_metric_unit(unit, "USD/month", report->input.model));
    ts_text_puts(out, "; payback against that: ");
    ts_metric_format(out, rows[TS_BASELINE_SAME_WEIGHTS].payback_months, "months");
    return true;
}

/* step 0: all digits. */
static void put_rounded(struct ts_table *table, const struct ts_report *report, double value, double step,
                        const char *unit)
{
    char own[TS_UNIT_BYTES];
    struct ts_text cell;
    ts_text_init(&cell);
    ts_report_put_step(&cell, value, step, ts_metric_unit(own, unit, report->input.model));
    ts_table_put(table, cell.failed ? "" : cell.data);
    ts_text_deinit(&cell);
}

static void put_cell(struct ts_table *table, const struct ts_report *report, double value, const char *unit)
{
    put_rounded(table, report, value, 0.0, unit);
}

static void put_service(struct ts_table *table, const struct ts_report *report, const struct ts_service *service)
{
    put_cell(table, report, service->slo_frac, "frac");
    put_cell(table, report, service->ttft_p95_s, "s");
    put_cell(table, report, service->right_frac, "frac");
}

static enum ts_status put_table(struct ts_text *out, const struct ts_report *report, enum ts_table_format format)
{
    static const char *const headers[] = {"compared with", "cost",     "plan's payback", "plan's NPV",
                                          "in time",       "TTFT p95", "right"};
    const uint32_t all = TS_SUBJECT_ALL;
    const struct ts_service plan = {ts_report_value(report, all, "attainment", "mean"),
                                    ts_report_value(report, all, "ttft", "p95"),
                                    ts_report_value(report, all, "quality", "mean")};
    struct ts_table *table = ts_table_create(NULL);
    if (!table) {
        return TS_ENOMEM;
    }
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 1);
    ts_table_row(table);
    ts_table_put(table, "the plan");
    put_cell(table, report, report->input.econ->total_usd_per_month, "USD/month");
    ts_table_put(table, "");
    ts_table_put(table, "");
    put_service(table, report, &plan);
    for (int i = 0; i < TS_N_BASELINES; i++) {
        const struct ts_baseline *row = &report->input.baselines[i];
        if (!row->is_there) {
            continue;
        }
        ts_table_row(table);
        ts_table_put(table, names[i]);
        put_cell(table, report, row->usd_per_month, "USD/month");
        put_rounded(table, report, row->payback_months, ts_report_doubt_step(report, TS_DOUBT_PAYBACK), "months");
        put_rounded(table, report, row->npv_usd, ts_report_doubt_step(report, TS_DOUBT_NPV), "USD");
        put_service(table, report, &row->service);
    }
    const enum ts_status status = ts_table_render(table, format, out);
    ts_table_destroy(table);
    return status;
}

enum ts_status ts_report_baselines_text(struct ts_text *out, const struct ts_report *report)
{
    if (!ts_report_has_baselines(report)) {
        return TS_OK;
    }
    ts_text_puts(out, "\n");
    return put_table(out, report, TS_TABLE_TEXT);
}

/* "edge: Together/..., 0.88 and 0.88 USD/Mtok" */
static void put_offers(struct ts_text *out, const struct ts_model *model)
{
    const char *before = " The same models: ";
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        const struct ts_same_weights *same = &model->tiers[i].same_weights;
        if (same->offer) {
            ts_text_puts(out, before);
            ts_html_put(out, model->tiers[i].name);
            ts_text_puts(out, " by ");
            ts_html_put(out, same->offer);
            ts_text_printf(out, ", %.4g and %.4g %s for a million tokens of prompt and reply", same->input_usd_per_mtok,
                           same->output_usd_per_mtok, ts_model_currency(model));
            before = "; ";
        }
    }
    ts_text_puts(out, before[0] == ';' ? "." : "");
}

enum ts_status ts_report_baselines_html(struct ts_text *out, const struct ts_report *report)
{
    if (!ts_report_has_baselines(report)) {
        return TS_OK;
    }
    ts_text_printf(
        out,
        "<section>\n<h2>What the plan is compared with</h2>\n<p class=\"aid\">Cost: %s in the first month. Payback in "
        "months and net present value are the plan's against that row. Service at the API is simulated.",
        ts_model_currency(report->input.model));
    put_offers(out, report->input.model);
    ts_text_puts(out, "</p>\n<div class=\"scroll\">\n");
    const enum ts_status status = put_table(out, report, TS_TABLE_HTML);
    ts_text_puts(out, "</div>\n</section>\n");
    return status;
}

void ts_report_baselines_csv(struct ts_text *out, const struct ts_report *report)
{
    ts_text_puts(out,
                 "baseline,permitted,usd_per_month,plan_payback_months,plan_npv_usd,slo_frac,ttft_p95_s,right_frac\n");
    for (int i = 0; i < TS_N_BASELINES; i++) {
        const struct ts_baseline *row = &report->input.baselines[i];
        const double cells[] = {row->usd_per_month,    row->payback_months,     row->npv_usd,
                                row->service.slo_frac, row->service.ttft_p95_s, row->service.right_frac};
        if (!row->is_there) {
            continue;
        }
        ts_text_printf(out, "%s,%s", keys[i], row->is_permitted ? "yes" : "no");
        for (size_t c = 0; c < sizeof cells / sizeof cells[0]; c++) {
            ts_text_puts(out, ",");
            if (isfinite(cells[c])) {
                ts_text_double(out, cells[c]);
            } else if (isinf(cells[c])) {
                ts_text_puts(out, "never");
            }
        }
        ts_text_puts(out, "\n");
    }
}
