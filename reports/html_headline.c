/* Hides which six figures come first, and how a promise or a limit is shown kept or missed (by a word and a mark, not
 * by colour alone). */
#include <math.h>
#include <string.h>

#include "reports/html.h"
#include "reports/report_html.h"

/* A figure in large type: the number, its unit smaller behind it. */
static void put_figure(struct ts_text *out, double value, const char *unit)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_metric_format(&text, value, unit);
    const char *blank = strchr(text.data, ' ');
    size_t n = blank != NULL ? (size_t)(blank - text.data) : text.len;
    ts_text_puts(out, "<p class=\"figure\">");
    ts_text_append(out, text.data, n);
    if (blank != NULL) {
        ts_text_printf(out, " <span class=\"unit\">%s</span>", blank + 1);
    }
    ts_text_puts(out, "</p>\n");
    out->failed = out->failed || text.failed;
    ts_text_deinit(&text);
}

static void begin_card(struct ts_text *out, const char *label, double value, const char *unit)
{
    ts_text_printf(out, "<div class=\"card\">\n<h3>%s</h3>\n", label);
    put_figure(out, value, unit);
    ts_text_puts(out, "<p class=\"note\">");
}

static void end_card(struct ts_text *out)
{
    ts_text_puts(out, "</p>\n</div>\n");
}

static void put_money_cards(struct ts_text *out, const struct ts_econ *econ)
{
    double saving = econ->baseline_usd_per_month - econ->total_usd_per_month;
    begin_card(out, "Cost of the plan", econ->total_usd_per_month, "USD/month");
    ts_text_puts(out, "all calls to the API: ");
    ts_metric_format(out, econ->baseline_usd_per_month, "USD/month");
    end_card(out);
    begin_card(out, saving >= 0.0 ? "Saves" : "Costs more by", fabs(saving), "USD/month");
    if (econ->baseline_usd_per_month > 0.0) {
        ts_metric_format(out, fabs(saving) / econ->baseline_usd_per_month, "frac");
        ts_text_puts(out, " of the API bill; ");
    }
    ts_text_puts(out, "net present value ");
    ts_metric_format(out, econ->npv_usd, "USD");
    end_card(out);
    begin_card(out, "Payback", econ->payback_months, "months");
    if (isinf(econ->payback_months)) {
        ts_text_printf(out, "not within %u months", (unsigned)econ->n_months);
    } else {
        ts_text_puts(out, "discounted: ");
        ts_metric_format(out, econ->discounted_payback_months, "months");
        ts_text_puts(out, econ->unpays ? "; falls behind again later" : "");
    }
    end_card(out);
}

static void put_service_cards(struct ts_text *out, const struct ts_report_input *input,
                              const struct ts_metric_view *all)
{
    begin_card(out, "Promises met", ts_metric_value(all, "attainment", "mean"), "frac");
    ts_text_puts(out, "of all requests; ");
    if (input->model->slo.attainment_frac > 0.0) {
        ts_metric_format(out, input->model->slo.attainment_frac, "frac");
        ts_text_puts(out, " wanted; ");
    }
    ts_metric_put(out, all, "quality", "mean");
    ts_text_puts(out, " expected right");
    end_card(out);
    begin_card(out, "First token, p95", ts_metric_value(all, "ttft", "p95"), "s");
    ts_text_puts(out, "median ");
    ts_metric_put(out, all, "ttft", "p50");
    ts_text_puts(out, "; whole answer p95 ");
    ts_metric_put(out, all, "e2e", "p95");
    end_card(out);
    begin_card(out, "Energy", ts_metric_value(all, "energy_use", "total"), "kWh/month");
    ts_metric_format_bare(out, ts_metric_value(all, "carbon", "value"), "kg/month");
    ts_text_puts(out, " kg CO<sub>2</sub> a month; tokens cost ");
    ts_metric_put(out, all, "cost_of_tokens", "value");
    end_card(out);
}

static void put_verdicts(struct ts_text *out, const struct ts_report_input *input, const struct ts_metric_view *all)
{
    struct ts_verdict verdicts[TS_MAX_VERDICTS];
    size_t n = ts_report_verdicts(verdicts, input, all);
    if (n == 0) {
        return;
    }
    ts_text_puts(out, "<ul class=\"verdicts\">\n");
    for (size_t i = 0; i < n; i++) {
        struct ts_text words;
        ts_text_init(&words);
        ts_report_verdict_put(&words, &verdicts[i]);
        ts_text_printf(out, "<li><span class=\"badge %s</span> <span>",
                       verdicts[i].met ? "kept\">&#10003; kept" : "missed\">&#10007; missed");
        ts_html_put(out, words.data);
        ts_text_printf(out, "</span> <code>%s</code></li>\n", verdicts[i].key);
        out->failed = out->failed || words.failed;
        ts_text_deinit(&words);
    }
    ts_text_puts(out, "</ul>\n");
}

void ts_html_headline(struct ts_text *out, const struct ts_report_input *input, const struct ts_report_views *views)
{
    ts_text_puts(out, "<section class=\"cards\" aria-label=\"Headline figures\">\n");
    put_money_cards(out, input->econ);
    put_service_cards(out, input, &views->all);
    ts_text_puts(out, "</section>\n");
    put_verdicts(out, input, &views->all);
}
