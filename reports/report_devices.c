/* Hides how the kinds of devices of mixed fleets are told apart: device_kinds.csv, tables of the terminal and of the
 * page. Of all replications together; outcomes and attempts of the whole run, the rest after the warm-up. */
#include <math.h>

#include "base/csv.h"
#include "base/units.h"
#include "reports/battery.h"
#include "reports/html.h"
#include "reports/report_parts.h"
#include "reports/table.h"

#define J_PER_KWH 3.6e6

/* A kind, by its tier and its place there. */
struct kind {
    const struct ts_tier_model *tier;
    const struct ts_device_kind *model;
    const struct ts_tier_result *units;
    const struct ts_cell *cell;
    struct ts_battery_use battery;
};

/* Calls put(into, kind) for each. */
static void for_each(void *into, const struct ts_report *report, void (*put)(void *, const struct kind *))
{
    const struct ts_model *model = report->input.model;
    const struct ts_result *result = report->input.result;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        for (uint32_t k = 0; ts_tier_is_mixed(&model->tiers[i]) && k < model->tiers[i].u.device.n_kinds; k++) {
            const struct ts_tier_result *units = &result->pools[ts_model_first_pool(model, i) + k];
            const struct kind kind = {&model->tiers[i], &model->tiers[i].u.device.kinds[k], units, units->cells,
                                      ts_battery_of_kind(model, result, i, k)};
            put(into, &kind);
        }
    }
}

bool ts_report_has_kinds(const struct ts_report *report)
{
    bool any = false;
    for (uint32_t i = 0; i < report->input.model->n_tiers; i++) {
        any = any || ts_tier_is_mixed(&report->input.model->tiers[i]);
    }
    return any;
}

static double seconds_at(const struct kind *kind, enum ts_latency latency, double p)
{
    return ts_hist_quantile(&kind->cell->latency_ns[latency], p) / (double)TS_NS_PER_S;
}

static double ratio(double a, double b)
{
    return b > 0.0 ? a / b : NAN;
}

static uint64_t ended_by(const struct kind *kind, int reason)
{
    return kind->cell->attempts.went_on[reason] + kind->cell->attempts.lost[reason];
}

/* ---- device_kinds.csv ---- */

static void put_count(struct ts_text *out, uint64_t n)
{
    ts_text_printf(out, ",%llu", (unsigned long long)n);
}

static void put_row(void *into, const struct kind *kind)
{
    struct ts_text *out = into;
    const struct ts_cell *cell = kind->cell;
    const double numbers[] = {seconds_at(kind, TS_TTFT, 0.5),
                              seconds_at(kind, TS_TTFT, 0.95),
                              seconds_at(kind, TS_TPOT, 0.5),
                              seconds_at(kind, TS_E2E, 0.5),
                              seconds_at(kind, TS_E2E, 0.95),
                              ts_hist_mean(&cell->latency_ns[TS_WAIT]) / (double)TS_NS_PER_S,
                              ratio((double)cell->slo_met, (double)(cell->arrived - cell->left_out)),
                              ratio((double)cell->right, (double)(cell->done - cell->left_out_done)),
                              kind->units->busy_frac,
                              ts_tier_energy_j(kind->units) / J_PER_KWH,
                              ratio(kind->battery.charges, kind->battery.replies),
                              ratio(kind->battery.charges, kind->battery.user_days)};
    ts_csv_put(out, kind->tier->name, true);
    ts_csv_put(out, kind->model->name, false);
    ts_csv_put(out, kind->model->hardware, false);
    ts_csv_put_number(out, kind->model->share_frac, false);
    ts_csv_put_number(out, kind->units->mean_up, false);
    put_count(out, cell->arrived);
    put_count(out, cell->done);
    put_count(out, cell->timed_out);
    put_count(out, cell->unfinished);
    put_count(out, cell->output_tok);
    put_count(out, cell->attempts.sent);
    for (int r = 0; r < TS_N_REASONS; r++) {
        put_count(out, ended_by(kind, r));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ts_csv_put_number(out, numbers[i], false);
    }
    ts_text_puts(out, "\n");
}

void ts_report_devices_csv(struct ts_text *out, const struct ts_report *report)
{
    ts_text_puts(out, "tier,kind,hardware,share_frac,eligible,arrived,done,timed_out,unfinished,output_tok,sent");
    for (int r = 0; r < TS_N_REASONS; r++) {
        ts_text_printf(out, ",%s", ts_reason_word((enum ts_reason)r));
    }
    ts_text_puts(out, ",ttft_p50_s,ttft_p95_s,tpot_p50_s,e2e_p50_s,e2e_p95_s,wait_mean_s,attainment_frac,quality_frac,"
                      "busy_frac,energy_kwh,battery_reply_frac,battery_day_frac\n");
    for_each(out, report, put_row);
}

/* Attempts that went on to another tier, or were lost. */
static double n_refused(const struct kind *kind)
{
    uint64_t n = 0;
    for (int r = 0; r < TS_N_REASONS; r++) {
        n += ended_by(kind, r);
    }
    return (double)n;
}

/* ---- the terminal ---- */

static void put_value(struct ts_table *table, struct ts_text *word, double value, const char *unit)
{
    ts_text_clear(word);
    ts_metric_format(word, value, unit);
    ts_table_put(table, word->failed ? "" : word->data);
}

static void put_line(void *into, const struct kind *kind)
{
    struct ts_table *table = into;
    struct ts_text word;
    ts_text_init(&word);
    ts_table_row(table);
    ts_table_putf(table, "%s/%s", kind->tier->name, kind->model->name);
    put_value(table, &word, kind->model->share_frac, "frac");
    put_value(table, &word, (double)kind->cell->done, "1");
    put_value(table, &word, n_refused(kind), "1");
    put_value(table, &word, seconds_at(kind, TS_TTFT, 0.5), "s");
    put_value(table, &word, seconds_at(kind, TS_E2E, 0.5), "s");
    put_value(table, &word, seconds_at(kind, TS_E2E, 0.95), "s");
    put_value(table, &word, ts_tier_energy_j(kind->units) / J_PER_KWH, "kWh");
    put_value(table, &word, ratio(kind->battery.charges, kind->battery.user_days), "frac");
    ts_text_deinit(&word);
}

enum ts_status ts_report_devices_text(struct ts_text *out, const struct ts_report *report)
{
    static const char *const headers[] = {"devices", "users",   "done",   "sent on",     "TTFT p50",
                                          "E2E p50", "E2E p95", "energy", "charge a day"};
    if (!ts_report_has_kinds(report)) {
        return TS_OK;
    }
    struct ts_table *table = ts_table_create(NULL);
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 1);
    for_each(table, report, put_line);
    ts_text_puts(out, "\n");
    const enum ts_status status = ts_table_render(table, TS_TABLE_TEXT, out);
    ts_table_destroy(table);
    return status;
}

/* ---- the page ---- */

static void put_cell(struct ts_text *out, double value, const char *unit)
{
    ts_text_puts(out, "</td><td class=\"num\">");
    ts_metric_format(out, value, unit);
}

static void put_html_row(void *into, const struct kind *kind)
{
    struct ts_text *out = into;
    ts_text_puts(out, "<tr><th scope=\"row\">");
    ts_html_put(out, kind->tier->name);
    ts_text_puts(out, " / ");
    ts_html_put(out, kind->model->name);
    ts_text_puts(out, "</th><td>");
    ts_html_put(out, kind->model->hardware);
    put_cell(out, kind->model->share_frac, "frac");
    put_cell(out, (double)kind->cell->done, "1");
    put_cell(out, n_refused(kind), "1");
    put_cell(out, seconds_at(kind, TS_TTFT, 0.5), "s");
    put_cell(out, seconds_at(kind, TS_E2E, 0.5), "s");
    put_cell(out, seconds_at(kind, TS_E2E, 0.95), "s");
    put_cell(out, ts_tier_energy_j(kind->units) / J_PER_KWH, "kWh");
    put_cell(out, ratio(kind->battery.charges, kind->battery.user_days), "frac");
    ts_text_puts(out, "</td></tr>\n");
}

void ts_report_devices_html(struct ts_text *out, const struct ts_report *report)
{
    static const char *const headers[] = {"share of users", "calls done", "sent on or lost", "TTFT p50",
                                          "E2E p50",        "E2E p95",    "energy",          "of a charge a day"};
    if (!ts_report_has_kinds(report)) {
        return;
    }
    ts_text_puts(out, "<section>\n<h2>Kinds of devices</h2>\n<p class=\"aid\">Each user has a device of one kind. "
                      "Calls that its devices could not take went to another tier, or were lost; device_kinds.csv says "
                      "why.</p>\n<div class=\"scroll\">\n<table>\n<thead><tr><th scope=\"col\">kind</th><th "
                      "scope=\"col\">hardware</th>");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ts_text_printf(out, "<th scope=\"col\" class=\"num\">%s</th>", headers[i]);
    }
    ts_text_puts(out, "</tr></thead>\n<tbody>\n");
    for_each(out, report, put_html_row);
    ts_text_puts(out, "</tbody>\n</table>\n</div>\n</section>\n");
}
