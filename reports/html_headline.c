/* Hides which six figures come first, and how an SLO or a limit is shown met or missed (by a word and a mark, not
 * by colour alone). */
#include <math.h>
#include <string.h>

#include "reports/html.h"
#include "reports/report_html.h"

enum { ALL = TS_SUBJECT_ALL };

/* A figure in large type: the number, its unit smaller after it. */
static void put_figure(struct ts_text *out, double value, double step, const char *unit)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_report_put_step(&text, value, step, unit);
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

/* The value is that of a figure that has an interval where inputs were drawn. */
static void begin_card(struct ts_text *out, const struct ts_report *report, enum ts_doubt doubt, const char *label,
                       double value)
{
    char unit[TS_UNIT_BYTES];
    ts_text_printf(out, "<div class=\"card\">\n<h3>%s</h3>\n", label);
    put_figure(out, value, ts_report_doubt_step(report, doubt), ts_report_doubt_unit(unit, report, doubt));
    ts_text_puts(out, "<p class=\"note\">");
    ts_report_put_range(out, report, doubt);
}

static void end_card(struct ts_text *out)
{
    ts_text_puts(out, "</p>\n</div>\n");
}

static void put_more(struct ts_text *out, const struct ts_report *report,
                     bool (*put)(struct ts_text *, const struct ts_report *))
{
    struct ts_text sentence;
    ts_text_init(&sentence);
    if (put(&sentence, report)) {
        ts_text_puts(out, "; ");
        ts_html_put(out, sentence.data);
    }
    out->failed = out->failed || sentence.failed;
    ts_text_deinit(&sentence);
}

static void put_money_cards(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_econ *econ = report->input.econ;
    const double saving_usd = ts_report_value(report, ALL, "saving", "value");
    begin_card(out, report, TS_DOUBT_COST, "Cost of the plan", ts_report_value(report, ALL, "cost", "total"));
    if (report->input.uncertainty && report->input.uncertainty->n_written == 0) {
        ts_text_puts(out, "only inputs that are uncertain by default are drawn: the scenario gives no intervals; ");
    }
    if (!econ->has_baseline) {
        ts_text_puts(out, ts_report_no_baseline(report));
        end_card(out);
        return;
    }
    ts_text_puts(out, econ->barred_usd_per_month > 0.0 ? "at the API, calls that policy permits: "
                                                       : "all calls at the API: ");
    ts_report_put(out, report, ALL, "baseline_cost", "total");
    put_more(out, report, ts_report_put_growth);
    end_card(out);
    begin_card(out, report, TS_DOUBT_SAVING, saving_usd >= 0.0 ? "Saves" : "Costs more by", fabs(saving_usd));
    ts_text_puts(out, "at today's calls and prices; ");
    if (!isnan(report->saving_frac)) {
        ts_report_put_saving_share(out, report);
        ts_text_puts(out, " of the API bill; ");
    }
    ts_text_puts(out, "net present value ");
    ts_report_put_doubt(out, report, TS_DOUBT_NPV);
    put_more(out, report, ts_report_put_same_weights);
    end_card(out);
}

static void put_payback_card(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_econ *econ = report->input.econ;
    const double payback_months = ts_report_value(report, ALL, "payback", "value");
    if (isnan(payback_months)) {
        return;
    }
    begin_card(out, report, TS_DOUBT_PAYBACK, "Payback", payback_months);
    if (isinf(payback_months)) {
        ts_text_printf(out, "not within %u months", (unsigned)econ->n_months);
    } else {
        ts_text_puts(out, "discounted: ");
        ts_report_put_like(out, report, "discounted_payback", TS_DOUBT_PAYBACK);
        ts_text_puts(out, econ->unpays ? "; falls behind again later" : "");
    }
    if (econ->barred_usd_per_month > 0.0) {
        ts_text_puts(out, "; against all calls at the API, which policy forbids: ");
        ts_report_put_like(out, report, "payback_all_api", TS_DOUBT_PAYBACK);
    }
    if (ts_report_value(report, ALL, "refused", "value") >= 0.005) {
        ts_text_puts(out, "; ");
        ts_report_put(out, report, ALL, "refused", "value");
        ts_text_puts(out, " of the horizon's calls are not served, and cost the plan nothing");
        if (isfinite(econ->refused_usd_per_call)) {
            ts_text_puts(out, "; at the API a refused one costs ");
            ts_report_put(out, report, ALL, "refused_price", "value");
            ts_text_puts(out, ": where an answer is worth more, overflow is better");
        }
    }
    end_card(out);
}

static void put_capacities(struct ts_text *out, const struct ts_report *report)
{
    for (uint32_t i = 0; i < report->input.model->n_tiers; i++) {
        struct ts_text sentence;
        ts_text_init(&sentence);
        if (ts_report_put_capacity(&sentence, report, i)) {
            ts_text_puts(out, "; ");
            ts_html_put(out, sentence.data);
        }
        out->failed = out->failed || sentence.failed;
        ts_text_deinit(&sentence);
    }
}

static void put_quality(struct ts_text *out, const struct ts_report *report)
{
    struct ts_text words;
    ts_text_init(&words);
    ts_report_put_quality(&words, report);
    ts_html_put(out, words.data ? words.data : "");
    out->failed = out->failed || words.failed;
    ts_text_deinit(&words);
}

static void put_service_cards(struct ts_text *out, const struct ts_report *report)
{
    const double wanted_frac = report->input.model->slo.attainment_frac;
    begin_card(out, report, TS_DOUBT_ATTAINMENT, "SLO met", ts_report_value(report, ALL, "attainment", "mean"));
    ts_text_puts(out, "of all requests");
    if (wanted_frac > 0.0) {
        ts_text_puts(out, "; ");
        ts_metric_format(out, wanted_frac, "frac");
        ts_text_puts(out, " wanted");
    }
    if (!report->input.model->quality.unknown) {
        ts_text_puts(out, "; ");
        ts_report_put_doubt(out, report, TS_DOUBT_QUALITY);
        ts_text_puts(out, " answered right");
        put_quality(out, report);
    }
    put_more(out, report, ts_report_put_later);
    put_capacities(out, report);
    end_card(out);
    begin_card(out, report, TS_DOUBT_TTFT, "First token, p95", ts_report_value(report, ALL, "ttft", "p95"));
    ts_text_puts(out, "median ");
    ts_report_put(out, report, ALL, "ttft", "p50");
    ts_text_puts(out, "; whole answer p95 ");
    ts_report_put(out, report, ALL, "e2e", "p95");
    end_card(out);
    begin_card(out, report, TS_DOUBT_ENERGY, "Energy", ts_report_value(report, ALL, "energy_use", "total"));
    ts_metric_format_bare(out, ts_report_value(report, ALL, "carbon", "value"), "kg/month");
    ts_text_puts(out, " kg CO<sub>2</sub> a month; tokens cost ");
    ts_report_put(out, report, ALL, "cost_of_tokens", "reserved");
    end_card(out);
}

static void put_verdict(struct ts_text *out, const struct ts_verdict *verdict)
{
    struct ts_text words;
    ts_text_init(&words);
    ts_report_verdict_put(&words, verdict);
    ts_text_printf(out, "<li><span class=\"badge %s</span> <span>",
                   verdict->met ? "kept\">&#10003; met" : "missed\">&#10007; missed");
    ts_html_put(out, words.data);
    ts_text_printf(out, "</span> <code>%s</code></li>\n", verdict->key);
    out->failed = out->failed || words.failed;
    ts_text_deinit(&words);
}

void ts_html_headline(struct ts_text *out, const struct ts_report *report)
{
    ts_text_puts(out, "<section class=\"cards\" aria-label=\"Headline figures\">\n");
    put_money_cards(out, report);
    put_payback_card(out, report);
    put_service_cards(out, report);
    ts_text_puts(out, "</section>\n");
    if (report->n_verdicts > 0) {
        ts_text_puts(out, "<ul class=\"verdicts\">\n");
        for (size_t i = 0; i < report->n_verdicts; i++) {
            put_verdict(out, &report->verdicts[i]);
        }
        ts_text_puts(out, "</ul>\n");
    }
}
