/* Hides how a prediction is laid beside what a real run recorded: mean, p50, p90 and p99 of TTFT, TPOT and E2E of all
 * requests done, and the error in percent of the recorded figure. */
#include <math.h>

#include "reports/html.h"
#include "reports/report_parts.h"
#include "reports/table.h"

static const char *const names[TS_N_RECORDED] = {"TTFT", "TPOT", "E2E"};
static const char *const keys[TS_N_RECORDED] = {"ttft", "tpot", "e2e"};
static const char *const stats[TS_N_RECORDED_STATS] = {"mean", "p50", "p90", "p99"};

static void add_row(struct ts_report *report, const struct ts_hist *hist, int latency, int stat)
{
    static const double shares[TS_N_RECORDED_STATS] = {NAN, 0.5, 0.9, 0.99};
    const double recorded_s = report->input.model->recorded->latency_s[latency][stat];
    if (isnan(recorded_s)) {
        return;
    }
    const double ns = stat == TS_RECORDED_MEAN ? ts_hist_mean(hist) : ts_hist_quantile(hist, shares[stat]);
    const double error_frac = ns * 1e-9 / recorded_s - 1.0;
    report->recorded[report->n_recorded++] = (struct ts_recorded_row){.name = names[latency],
                                                                      .key = keys[latency],
                                                                      .stat = stats[stat],
                                                                      .predicted_s = ns * 1e-9,
                                                                      .recorded_s = recorded_s,
                                                                      .error_frac = error_frac};
    report->worst_error_frac = fmax(report->worst_error_frac, fabs(error_frac));
}

enum ts_status ts_report_find_recorded(struct ts_report *report)
{
    static const enum ts_latency latencies[TS_N_RECORDED] = {TS_TTFT, TS_TPOT, TS_E2E};
    const struct ts_report_input *input = &report->input;
    struct ts_cell all;
    if (!input->model->recorded) {
        return TS_OK;
    }
    const enum ts_status status = ts_result_sum(&all, input->result, ts_all_tiers(input->model), TS_ALL_CLASSES);
    if (status != TS_OK) {
        return status;
    }
    for (int latency = 0; latency < TS_N_RECORDED; latency++) {
        for (int stat = 0; stat < TS_N_RECORDED_STATS; stat++) {
            add_row(report, &all.latency_ns[latencies[latency]], latency, stat);
        }
    }
    ts_cell_deinit(&all);
    return TS_OK;
}

/* "-1.26 %". */
static void put_error(struct ts_table *table, double error_frac)
{
    if (isnan(error_frac)) {
        ts_table_put(table, "-");
    } else {
        ts_table_putf(table, "%+.2f %%", 100.0 * error_frac);
    }
}

/* Four digits in seconds or milliseconds, so that an error can be followed. */
static bool put_time(struct ts_table *table, double seconds)
{
    struct ts_text cell;
    ts_text_init(&cell);
    const bool short_time = seconds < 1.0;
    if (isnan(seconds)) {
        ts_text_puts(&cell, "-");
    } else {
        ts_text_number(&cell, short_time ? 1e3 * seconds : seconds, 4);
        ts_text_puts(&cell, short_time ? " ms" : " s");
    }
    ts_table_put(table, cell.data);
    const bool good = !cell.failed;
    ts_text_deinit(&cell);
    return good;
}

static enum ts_status put_table(struct ts_text *out, const struct ts_recorded_row *rows, size_t n,
                                enum ts_table_format format)
{
    struct ts_table *table = ts_table_create(NULL);
    if (table == NULL) {
        return TS_ENOMEM;
    }
    ts_table_column(table, "latency", false);
    ts_table_column(table, "predicted", true);
    ts_table_column(table, "recorded", true);
    ts_table_column(table, "error", true);
    bool complete = true;
    for (size_t i = 0; i < n && complete; i++) {
        ts_table_row(table);
        ts_table_putf(table, "%s %s", rows[i].name, rows[i].stat);
        complete = put_time(table, rows[i].predicted_s) && put_time(table, rows[i].recorded_s);
        put_error(table, rows[i].error_frac);
    }
    const enum ts_status status = complete ? ts_table_render(table, format, out) : TS_ENOMEM;
    ts_table_destroy(table);
    return status;
}

static void put_verdict(struct ts_text *out, const struct ts_report *report)
{
    const uint64_t n_requests = report->input.model->recorded->n_requests;
    ts_text_printf(out, "largest error: %.2f %%", 100.0 * report->worst_error_frac);
    if (n_requests > 0) {
        ts_text_printf(out, "; recorded of %llu requests", (unsigned long long)n_requests);
    }
}

enum ts_status ts_report_recorded_text(struct ts_text *out, const struct ts_report *report)
{
    if (report->n_recorded == 0) {
        return TS_OK;
    }
    ts_text_puts(out, "\n");
    const enum ts_status status = put_table(out, report->recorded, report->n_recorded, TS_TABLE_TEXT);
    put_verdict(out, report);
    ts_text_puts(out, "\n");
    return status;
}

enum ts_status ts_report_recorded_html(struct ts_text *out, const struct ts_report *report)
{
    if (report->n_recorded == 0) {
        return TS_OK;
    }
    const char *source = report->input.model->recorded->source;
    ts_text_puts(out, "<section>\n<h2>Predicted and recorded</h2>\n<p class=\"aid\">");
    ts_html_put(out, source);
    ts_text_puts(out, source[0] ? "; " : "");
    put_verdict(out, report);
    ts_text_puts(out, ".</p>\n<div class=\"scroll\">\n");
    const enum ts_status status = put_table(out, report->recorded, report->n_recorded, TS_TABLE_HTML);
    ts_text_puts(out, "</div>\n</section>\n");
    return status;
}

void ts_report_recorded_csv(struct ts_text *out, const struct ts_report *report)
{
    ts_text_puts(out, "metric,stat,predicted_s,recorded_s,error_frac\n");
    for (size_t i = 0; i < report->n_recorded; i++) {
        const struct ts_recorded_row *row = &report->recorded[i];
        ts_text_printf(out, "%s,%s,", row->key, row->stat);
        ts_text_double(out, row->predicted_s);
        ts_text_puts(out, ",");
        ts_text_double(out, row->recorded_s);
        ts_text_puts(out, ",");
        ts_text_double(out, row->error_frac);
        ts_text_puts(out, "\n");
    }
}
