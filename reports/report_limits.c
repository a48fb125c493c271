/* Hides which bounds a scenario can state and which figure each is held against. A figure that does not exist (no
 * request done) misses its bound. */
#include <math.h>

#include "reports/report_parts.h"

static void add(struct ts_verdict *out, size_t *n, struct ts_verdict verdict)
{
    if (isnan(verdict.wanted)) {
        return;
    }
    verdict.met = verdict.at_least ? verdict.got >= verdict.wanted : verdict.got <= verdict.wanted;
    out[(*n)++] = verdict;
}

size_t ts_report_verdicts(struct ts_verdict out[TS_MAX_VERDICTS], const struct ts_report_input *input,
                          const struct ts_metric_view *all)
{
    const struct ts_limits_model *limits = &input->model->limits;
    const struct ts_slo_model *slo = &input->model->slo;
    double attainment = ts_metric_value(all, "attainment", "mean");
    size_t n = 0;
    add(out, &n,
        (struct ts_verdict){"slo.attainment", "requests that met every promise", "frac",
                            slo->attainment_frac > 0.0 ? slo->attainment_frac : NAN, attainment, true, false, false});
    add(out, &n,
        (struct ts_verdict){"limits.attainment", "requests that met every promise", "frac", limits->min_attainment_frac,
                            attainment, true, false, true});
    add(out, &n,
        (struct ts_verdict){"limits.cost_per_month", "cost of the plan", "USD/month", limits->max_cost_usd_per_month,
                            ts_metric_value(all, "cost", "total"), false, false, true});
    add(out, &n,
        (struct ts_verdict){"limits.ttft_p95", "time to the first token (p95)", "s", limits->max_ttft_p95_s,
                            ts_metric_value(all, "ttft", "p95"), false, false, true});
    add(out, &n,
        (struct ts_verdict){"limits.payback", "payback", "months", limits->max_payback_months,
                            ts_metric_value(all, "payback", "value"), false, false, true});
    return n;
}

void ts_report_verdict_put(struct ts_text *out, const struct ts_verdict *verdict)
{
    ts_text_printf(out, "%s: ", verdict->label);
    ts_metric_format(out, verdict->got, verdict->unit);
    ts_text_printf(out, ", at %s ", verdict->at_least ? "least" : "most");
    ts_metric_format(out, verdict->wanted, verdict->unit);
    ts_text_puts(out, " wanted");
}

size_t ts_report_limits(struct ts_text *out, const struct ts_report_input *input)
{
    struct ts_verdict verdicts[TS_MAX_VERDICTS];
    struct ts_metric_view all;
    size_t n_missed = 0;
    if (ts_metric_view_init(&all, input->model, input->result, input->econ, ts_all_tiers(input->model),
                            TS_ALL_CLASSES) != TS_OK) {
        out->failed = true;
        return 0;
    }
    size_t n = ts_report_verdicts(verdicts, input, &all);
    for (size_t i = 0; i < n; i++) {
        if (verdicts[i].is_limit && !verdicts[i].met) {
            n_missed++;
            ts_report_verdict_put(out, &verdicts[i]);
            ts_text_printf(out, " (%s)\n", verdicts[i].key);
        }
    }
    ts_metric_view_deinit(&all);
    return n_missed;
}
