/* Hides which bounds a scenario can state and which figure each is held against. A figure that does not exist (no
 * request done) misses its bound. */
#include <math.h>
#include <stdio.h>

#include "reports/report_parts.h"

static void add(struct ts_report *report, struct ts_verdict verdict)
{
    if (isnan(verdict.wanted)) {
        return;
    }
    verdict.met = verdict.at_least ? verdict.got >= verdict.wanted : verdict.got <= verdict.wanted;
    report->verdicts[report->n_verdicts++] = verdict;
}

void ts_report_find_verdicts(struct ts_report *report)
{
    const struct ts_limits_model *limits = &report->input.model->limits;
    const struct ts_slo_model *slo = &report->input.model->slo;
    const double attainment = ts_report_value(report, TS_SUBJECT_ALL, "attainment", "mean");
    (void)snprintf(report->cost_unit, sizeof report->cost_unit, "%.8s/month", ts_model_currency(report->input.model));
    add(report,
        (struct ts_verdict){"slo.attainment", "requests that met the SLO", "frac",
                            slo->attainment_frac > 0.0 ? slo->attainment_frac : NAN, attainment, true, false, false});
    add(report, (struct ts_verdict){"limits.attainment", "requests that met the SLO", "frac",
                                    limits->min_attainment_frac, attainment, true, false, true});
    add(report, (struct ts_verdict){"limits.cost_per_month", "cost of the plan", report->cost_unit,
                                    limits->max_cost_usd_per_month,
                                    ts_report_value(report, TS_SUBJECT_ALL, "cost", "total"), false, false, true});
    add(report, (struct ts_verdict){"limits.ttft_p95", "time to the first token (p95)", "s", limits->max_ttft_p95_s,
                                    ts_report_value(report, TS_SUBJECT_ALL, "ttft", "p95"), false, false, true});
    add(report,
        (struct ts_verdict){"limits.quality", "requests that were answered right", "frac", limits->min_quality_frac,
                            ts_report_value(report, TS_SUBJECT_ALL, "quality", "mean"), true, false, true});
    add(report, (struct ts_verdict){"limits.power", "highest power of owned tiers", "W", limits->max_power_w,
                                    ts_report_value(report, TS_SUBJECT_ALL, "power", "peak"), false, false, true});
    add(report, (struct ts_verdict){"limits.payback", "payback", "months", limits->max_payback_months,
                                    ts_report_value(report, TS_SUBJECT_ALL, "payback", "value"), false, false, true});
}

void ts_report_verdict_put(struct ts_text *out, const struct ts_verdict *verdict)
{
    ts_text_printf(out, "%s: ", verdict->label);
    ts_metric_format(out, verdict->got, verdict->unit);
    ts_text_printf(out, ", at %s ", verdict->at_least ? "least" : "most");
    ts_metric_format(out, verdict->wanted, verdict->unit);
    ts_text_puts(out, " wanted");
}

const struct ts_verdict *ts_report_verdicts(const struct ts_report *report, size_t *n)
{
    *n = report->n_verdicts;
    return report->verdicts;
}

size_t ts_report_limits(struct ts_text *out, const struct ts_report *report)
{
    size_t n_missed = 0;
    for (size_t i = 0; i < report->n_verdicts; i++) {
        const struct ts_verdict *verdict = &report->verdicts[i];
        if (verdict->is_limit && !verdict->met) {
            n_missed++;
            ts_report_verdict_put(out, verdict);
            ts_text_printf(out, " (%s)\n", verdict->key);
        }
    }
    return n_missed;
}

bool ts_report_keeps_slo(const struct ts_report *report)
{
    for (size_t i = 0; i < report->n_verdicts; i++) {
        if (!report->verdicts[i].is_limit && !report->verdicts[i].met) {
            return false;
        }
    }
    return true;
}
