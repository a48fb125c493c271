/* Hides how the page says what nobody knows: figures with their intervals, promises with their odds, inputs by what
 * they move. */
#include <math.h>

#include "base/arena.h"
#include "reports/html.h"
#include "reports/report_html.h"

static void put_value(struct ts_text *out, double value, double step, const char *unit)
{
    ts_text_puts(out, "<td class=\"num\">");
    ts_report_put_step(out, value, step, unit);
    ts_text_puts(out, "</td>");
}

static void begin_table(struct ts_text *out, const char *const *headers, size_t n)
{
    ts_text_puts(out, "<div class=\"scroll\">\n<table>\n<thead><tr>");
    for (size_t i = 0; i < n; i++) {
        ts_text_printf(out, "<th scope=\"col\"%s>%s</th>", i > 0 ? " class=\"num\"" : "", headers[i]);
    }
    ts_text_puts(out, "</tr></thead>\n<tbody>\n");
}

static void end_table(struct ts_text *out)
{
    ts_text_puts(out, "</tbody>\n</table>\n</div>\n");
}

/* Times have their own unit each; that of other figures stands beside their names. */
static void put_bare(struct ts_text *out, double value, double step, const char *unit)
{
    if (ts_str_equal(unit, "s")) {
        ts_report_put_step(out, value, step, unit);
    } else {
        ts_metric_format_bare(out, step > 0.0 && isfinite(value) ? round(value / step) * step : value, unit);
    }
}

static void put_figure(struct ts_text *out, const struct ts_report *report, enum ts_doubt doubt)
{
    const struct ts_interval *all = &report->input.uncertainty->figures[doubt];
    const struct ts_interval *half = &report->input.uncertainty->half[doubt];
    const double value = ts_report_value(report, TS_SUBJECT_ALL, ts_doubts[doubt].name, ts_doubts[doubt].stat);
    const double values[] = {value, all->p10, all->p50, all->p90};
    const double step = ts_report_step(all) / 10.0; /* so that half and whole can be compared */
    char buffer[TS_UNIT_BYTES];
    const char *unit = ts_report_doubt_unit(buffer, report, doubt);
    if (isnan(value) || isnan(all->p50)) {
        return;
    }
    ts_text_printf(out, "<tr><th scope=\"row\">%s <small>%s</small></th>", ts_doubts[doubt].label,
                   ts_str_equal(unit, "frac") ? "%"
                   : ts_str_equal(unit, "s")  ? ""
                                              : unit);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ts_text_puts(out, "<td class=\"num\">");
        put_bare(out, values[i], step, unit);
        ts_text_puts(out, "</td>");
    }
    ts_text_puts(out, "<td class=\"num\">");
    put_bare(out, half->p10, step, unit);
    ts_text_puts(out, " to ");
    put_bare(out, half->p90, step, unit);
    ts_text_puts(out, "</td></tr>\n");
}

static void put_figures(struct ts_text *out, const struct ts_report *report)
{
    static const char *const headers[] = {"figure", "inputs at their medians",        "p10", "p50",
                                          "p90",    "p10 to p90 by half of the draws"};
    begin_table(out, headers, sizeof headers / sizeof headers[0]);
    for (int k = 0; k < TS_N_DOUBTS; k++) {
        put_figure(out, report, (enum ts_doubt)k);
    }
    end_table(out);
}

static void put_promises(struct ts_text *out, const struct ts_uncertainty *uncertainty)
{
    ts_text_puts(out, "<dl class=\"pairs\">\n");
    for (uint32_t i = 0; i < uncertainty->n_promises; i++) {
        const struct ts_doubt_promise *promise = &uncertainty->promises[i];
        ts_text_printf(out, "<div><dt>%s</dt><dd>", promise->label);
        ts_metric_format(out, round(100.0 * promise->probability) / 100.0, "frac");
        ts_text_puts(out, "</dd></div>\n");
    }
    ts_text_puts(out, "</dl>\n");
}

static void put_share(struct ts_text *out, double share)
{
    put_value(out, round(100.0 * fmax(share, 0.0)) / 100.0, 0.0, "frac");
}

static void put_input(struct ts_text *out, const struct ts_report *report, uint32_t i, enum ts_doubt doubt)
{
    const struct ts_doubt_input *input = &report->input.uncertainty->inputs[i];
    const double step = ts_report_step(&report->input.uncertainty->figures[doubt]) / 10.0;
    const double ends[] = {input->p10, input->p50, input->p90};
    char buffer[TS_UNIT_BYTES];
    const char *unit = ts_report_doubt_unit(buffer, report, doubt);
    ts_text_puts(out, "<tr><td><code>");
    ts_html_put(out, input->key);
    ts_text_puts(out, "</code></td>");
    for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
        ts_text_puts(out, "<td class=\"num\">");
        ts_text_number(out, ends[k], 3);
        ts_text_puts(out, "</td>");
    }
    put_value(out, input->at_p10[doubt], step, unit);
    put_value(out, input->at_p90[doubt], step, unit);
    if (isnan(input->first[doubt])) {
        ts_text_puts(out, "<td class=\"num\">-</td><td class=\"num\">-</td>");
    } else {
        put_share(out, input->first[doubt]);
        put_share(out, input->total[doubt]);
    }
    ts_text_printf(out, "<td class=\"source\">%s", input->is_written ? "" : "by default: ");
    ts_html_put(out, input->source);
    ts_text_puts(out, "</td></tr>\n");
}

static void put_inputs(struct ts_text *out, const struct ts_report *report)
{
    const enum ts_doubt doubt = ts_report_weighed(report);
    static const char *const headers[] = {
        "input", "p10", "p50", "p90", "figure at p10", "figure at p90", "of the variance: alone", "with others"};
    struct ts_arena arena;
    ts_arena_init(&arena);
    uint32_t *order = ts_arena_array(&arena, report->input.uncertainty->n_inputs, sizeof *order);
    ts_text_printf(out,
                   "<p class=\"aid\">Effect of each input on the <strong>%s</strong>, by itself, and its share of the "
                   "variance (Sobol's first-order and total index).</p>\n",
                   ts_doubts[doubt].label);
    begin_table(out, headers, sizeof headers / sizeof headers[0]);
    if (order) {
        ts_report_order_inputs(order, report);
        for (uint32_t i = 0; i < report->input.uncertainty->n_inputs; i++) {
            put_input(out, report, order[i], doubt);
        }
    }
    end_table(out);
    out->failed = out->failed || !order;
    ts_arena_deinit(&arena);
}

void ts_report_uncertainty_html(struct ts_text *out, const struct ts_report *report)
{
    if (!report->input.uncertainty) {
        return;
    }
    struct ts_text words;
    ts_text_init(&words);
    ts_report_put_study(&words, report);
    ts_text_puts(out, "<section id=\"uncertainty\">\n<h2>Uncertain inputs</h2>\n<p class=\"aid\">");
    ts_html_put(out, words.data);
    ts_text_puts(out, ". 8 of 10 draws lie between p10 and p90.</p>\n");
    out->failed = out->failed || words.failed;
    ts_text_deinit(&words);
    put_figures(out, report);
    put_promises(out, report->input.uncertainty);
    put_inputs(out, report);
    ts_text_puts(out, "</section>\n");
}
