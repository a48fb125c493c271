/* Hides how a prediction is laid beside what a real run recorded: mean, p50, p90 and p99 of TTFT, TPOT and E2E of all
 * requests done, and the error in percent of the recorded figure. */
#include <math.h>

#include "reports/html.h"
#include "reports/report_parts.h"
#include "reports/table.h"

static const char *const names[TS_N_RECORDED] = {"TTFT", "TPOT", "E2E"};
static const char *const keys[TS_N_RECORDED] = {"ttft", "tpot", "e2e"};
static const char *const stats[TS_N_RECORDED_STATS] = {"mean", "p50", "p90", "p99"};

enum { MAX_ROWS = TS_N_RECORDED * TS_N_RECORDED_STATS };

struct row {
    const char *name, *key, *stat; /* "TTFT", "ttft", "p90" */
    double predicted_s, recorded_s;
    double error_frac; /* predicted/recorded - 1; NaN without a request done */
};

/* Returns how many there are; 0 if the scenario records nothing. */
static size_t collect(struct row out[MAX_ROWS], const struct ts_report_input *input, const struct ts_metric_view *all)
{
    static const double shares[TS_N_RECORDED_STATS] = {NAN, 0.5, 0.9, 0.99};
    static const enum ts_latency latencies[TS_N_RECORDED] = {TS_TTFT, TS_TPOT, TS_E2E};
    const struct ts_recorded_model *recorded = input->model->recorded;
    size_t n = 0;
    for (int latency = 0; recorded && latency < TS_N_RECORDED; latency++) {
        const struct ts_hist *hist = &all->cell.latency_ns[latencies[latency]];
        for (int stat = 0; stat < TS_N_RECORDED_STATS; stat++) {
            const double recorded_s = recorded->latency_s[latency][stat];
            if (isnan(recorded_s)) {
                continue;
            }
            const double ns = stat == TS_RECORDED_MEAN ? ts_hist_mean(hist) : ts_hist_quantile(hist, shares[stat]);
            out[n++] = (struct row){.name = names[latency],
                                    .key = keys[latency],
                                    .stat = stats[stat],
                                    .predicted_s = ns * 1e-9,
                                    .recorded_s = recorded_s,
                                    .error_frac = ns * 1e-9 / recorded_s - 1.0};
        }
    }
    return n;
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

static enum ts_status put_table(struct ts_text *out, const struct row *rows, size_t n, enum ts_table_format format)
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

static void put_verdict(struct ts_text *out, const struct row *rows, size_t n, const struct ts_recorded_model *recorded)
{
    double worst = 0.0;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(rows[i].error_frac));
    }
    ts_text_printf(out, "largest error: %.2f %%", 100.0 * worst);
    if (recorded->n_requests > 0) {
        ts_text_printf(out, "; recorded of %llu requests", (unsigned long long)recorded->n_requests);
    }
}

enum ts_status ts_report_recorded_text(struct ts_text *out, const struct ts_report_input *input,
                                       const struct ts_metric_view *all)
{
    struct row rows[MAX_ROWS];
    const size_t n = collect(rows, input, all);
    if (n == 0) {
        return TS_OK;
    }
    ts_text_puts(out, "\n");
    const enum ts_status status = put_table(out, rows, n, TS_TABLE_TEXT);
    put_verdict(out, rows, n, input->model->recorded);
    ts_text_puts(out, "\n");
    return status;
}

enum ts_status ts_report_recorded_html(struct ts_text *out, const struct ts_report_input *input,
                                       const struct ts_metric_view *all)
{
    struct row rows[MAX_ROWS];
    const size_t n = collect(rows, input, all);
    if (n == 0) {
        return TS_OK;
    }
    ts_text_puts(out, "<section>\n<h2>Predicted and recorded</h2>\n<p class=\"aid\">");
    ts_html_put(out, input->model->recorded->source);
    ts_text_puts(out, input->model->recorded->source[0] ? "; " : "");
    put_verdict(out, rows, n, input->model->recorded);
    ts_text_puts(out, ".</p>\n<div class=\"scroll\">\n");
    const enum ts_status status = put_table(out, rows, n, TS_TABLE_HTML);
    ts_text_puts(out, "</div>\n</section>\n");
    return status;
}

void ts_report_recorded_csv(struct ts_text *out, const struct ts_report_input *input, const struct ts_metric_view *all)
{
    struct row rows[MAX_ROWS];
    const size_t n = collect(rows, input, all);
    ts_text_puts(out, "metric,stat,predicted_s,recorded_s,error_frac\n");
    for (size_t i = 0; i < n; i++) {
        ts_text_printf(out, "%s,%s,", rows[i].key, rows[i].stat);
        ts_text_double(out, rows[i].predicted_s);
        ts_text_puts(out, ",");
        ts_text_double(out, rows[i].recorded_s);
        ts_text_puts(out, ",");
        ts_text_double(out, rows[i].error_frac);
        ts_text_puts(out, "\n");
    }
}
