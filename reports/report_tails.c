/* Hides how a percentile is shown with its interval: "1.51 s (1.48 to 1.55 s)", or that too few calls exceed it. */
#include <math.h>
#include <string.h>

#include "reports/report_parts.h"
#include "reports/table.h"

static const struct {
    const char *title, *name, *low, *high;
} latencies[] = {
    {"TTFT", "ttft", "ttft_low", "ttft_high"},
    {"TPOT", "tpot", "tpot_low", "tpot_high"},
    {"E2E", "e2e", "e2e_low", "e2e_high"},
};

static const struct {
    const char *title, *stat;
} stats[] = {{"p95", "p95"}, {"p99", "p99"}, {"p99.9", "p999"}};

enum { N_LATENCIES = sizeof latencies / sizeof latencies[0], N_STATS = sizeof stats / sizeof stats[0] };

/* "1.48 to 1.55 s", "949 ms to 1.6 s". */
static void put_interval(struct ts_text *out, const struct ts_report *report, uint32_t subject, int latency,
                         const char *stat)
{
    struct ts_text low, high;
    ts_text_init(&low);
    ts_text_init(&high);
    ts_report_put(&low, report, subject, latencies[latency].low, stat);
    ts_report_put(&high, report, subject, latencies[latency].high, stat);
    const char *unit_of_low = strchr(low.data, ' '), *unit_of_high = strchr(high.data, ' ');
    const bool same = unit_of_low && unit_of_high && ts_str_equal(unit_of_low, unit_of_high);
    ts_text_printf(out, "%.*s to %s", (int)(same ? unit_of_low - low.data : (long)strlen(low.data)), low.data,
                   high.data);
    out->failed = out->failed || low.failed || high.failed;
    ts_text_deinit(&high);
    ts_text_deinit(&low);
}

static void put_cell(struct ts_text *out, const struct ts_report *report, uint32_t subject, int latency, int stat)
{
    const char *name = stats[stat].stat;
    ts_report_put(out, report, subject, latencies[latency].name, name);
    if (isnan(ts_report_value(report, subject, latencies[latency].name, name))) {
        return;
    }
    if (isnan(ts_report_value(report, subject, latencies[latency].low, name))) {
        ts_text_puts(out, " (too few calls)");
        return;
    }
    ts_text_puts(out, " (");
    put_interval(out, report, subject, latency, name);
    ts_text_puts(out, ")");
}

/* False when out of memory. */
static bool put_rows(struct ts_table *table, const struct ts_report *report, uint32_t subject, const char *of)
{
    bool complete = true;
    for (int latency = 0; latency < N_LATENCIES; latency++) {
        ts_table_row(table);
        ts_table_put(table, of);
        ts_table_put(table, latencies[latency].title);
        for (int stat = 0; stat < N_STATS; stat++) {
            struct ts_text cell;
            ts_text_init(&cell);
            put_cell(&cell, report, subject, latency, stat);
            ts_table_put(table, cell.data);
            complete = complete && !cell.failed;
            ts_text_deinit(&cell);
        }
    }
    return complete;
}

static enum ts_status put_table(struct ts_text *out, const struct ts_report *report, bool of_classes,
                                enum ts_table_format format)
{
    const struct ts_model *model = report->input.model;
    struct ts_table *table = ts_table_create(NULL);
    if (!table) {
        return TS_ENOMEM;
    }
    ts_table_column(table, "class", false);
    ts_table_column(table, "time", false);
    for (int stat = 0; stat < N_STATS; stat++) {
        ts_table_column(table, stats[stat].title, true);
    }
    bool complete = put_rows(table, report, TS_SUBJECT_ALL, "all");
    for (uint32_t c = 0; complete && of_classes && c < model->n_classes; c++) {
        complete = put_rows(table, report, ts_figure_class(&report->list, c), model->class_names[c]);
    }
    const enum ts_status status = complete ? ts_table_render(table, format, out) : TS_ENOMEM;
    ts_table_destroy(table);
    return status;
}

static bool has_interval(const struct ts_report *report, uint32_t subject)
{
    bool any = false;
    for (int i = 0; i < N_LATENCIES * N_STATS; i++) {
        any = any || !isnan(ts_report_value(report, subject, latencies[i / N_STATS].low, stats[i % N_STATS].stat));
    }
    return any;
}

enum ts_status ts_report_tails_text(struct ts_text *out, const struct ts_report *report)
{
    if (!has_interval(report, TS_SUBJECT_ALL)) {
        ts_text_puts(out, "\nToo few calls for confidence intervals of percentiles\n");
        return TS_OK;
    }
    ts_text_puts(out, "\nPercentiles, with 95 % confidence intervals\n");
    return put_table(out, report, false, TS_TABLE_TEXT);
}

enum ts_status ts_report_tails_html(struct ts_text *out, const struct ts_report *report)
{
    ts_text_puts(out, "<section>\n<h2>Percentiles and their confidence intervals</h2>\n<p class=\"aid\">In brackets "
                      "the 95 % confidence interval, by batch means of the calls that exceed the percentile, so that "
                      "calls that wait together count as fewer.</p>\n<div class=\"scroll\">\n");
    const enum ts_status status = put_table(out, report, true, TS_TABLE_HTML);
    ts_text_puts(out, "</div>\n</section>\n");
    return status;
}
