/* Hides what all parts of a report say alike of uncertain inputs: which figures, how many digits, in which order.
 *
 * A value is said to a power of ten of at most a fifth of the width from p10 to p90: 13,472 within [11,913, 15,310] is
 * 13,500 [11,900, 15,300]. */
#include <math.h>
#include <stdlib.h>

#include "reports/report_parts.h"

const struct ts_doubt_row ts_doubts[TS_N_DOUBTS] = {
    [TS_DOUBT_COST] = {"cost", "total", "cost of the plan"},
    [TS_DOUBT_SAVING] = {"saving", "value", "saving"},
    [TS_DOUBT_PAYBACK] = {"payback", "value", "payback"},
    [TS_DOUBT_NPV] = {"npv", "value", "net present value"},
    [TS_DOUBT_ENERGY] = {"energy_use", "total", "energy"},
    [TS_DOUBT_ATTAINMENT] = {"attainment", "mean", "requests that met the SLO"},
    [TS_DOUBT_TTFT] = {"ttft", "p95", "first token, p95"},
    [TS_DOUBT_QUALITY] = {"quality", "mean", "answered right"},
    [TS_DOUBT_POWER] = {"power", "peak", "highest power"},
};

const char *ts_report_doubt_unit(char out[TS_UNIT_BYTES], const struct ts_report *report, enum ts_doubt doubt)
{
    const struct ts_metric *metric = ts_metric_find(ts_doubts[doubt].name, ts_doubts[doubt].stat);
    return ts_metric_unit(out, metric->unit, report->input.model);
}

double ts_report_step(const struct ts_interval *interval)
{
    const double fifth = (interval->p90 - interval->p10) / 5.0;
    if (isinf(interval->p90) && interval->p10 > 0.0 && isfinite(interval->p10)) {
        return pow(10.0, floor(log10(interval->p10)) - 1.0); /* two digits */
    }
    return isfinite(fifth) && fifth > 0.0 ? pow(10.0, floor(log10(fifth))) : 0.0;
}

void ts_report_put_step(struct ts_text *out, double value, double step, const char *unit)
{
    ts_metric_format(out, step > 0.0 && isfinite(value) ? round(value / step) * step : value, unit);
}

/* Without the unit where it is the same for any value of the figure. */
static void put_end(struct ts_text *out, double value, double step, const char *unit)
{
    if (ts_str_equal(unit, "s")) {
        ts_report_put_step(out, value, step, unit);
    } else {
        ts_metric_format_bare(out, step > 0.0 && isfinite(value) ? round(value / step) * step : value, unit);
    }
}

/* Both ends in those words; nothing where they read alike: the figure hardly varies. */
static void put_ends(struct ts_text *out, const struct ts_interval *interval, const char *unit,
                     const char *const words[3])
{
    const double step = ts_report_step(interval);
    struct ts_text low, high;
    ts_text_init(&low);
    ts_text_init(&high);
    put_end(&low, interval->p10, step, unit);
    put_end(&high, interval->p90, step, unit);
    if (!low.failed && !high.failed && !ts_str_equal(low.data, high.data)) {
        ts_text_printf(out, "%s%s%s%s%s", words[0], low.data, words[1], high.data, words[2]);
    }
    out->failed = out->failed || low.failed || high.failed;
    ts_text_deinit(&low);
    ts_text_deinit(&high);
}

void ts_report_put_doubt(struct ts_text *out, const struct ts_report *report, enum ts_doubt doubt)
{
    const struct ts_uncertainty *uncertainty = report->input.uncertainty;
    const struct ts_doubt_row *row = &ts_doubts[doubt];
    if (!uncertainty) {
        ts_report_put(out, report, TS_SUBJECT_ALL, row->name, row->stat);
        return;
    }
    char buffer[TS_UNIT_BYTES];
    const char *unit = ts_report_doubt_unit(buffer, report, doubt);
    const struct ts_interval *interval = &uncertainty->figures[doubt];
    const double step = ts_report_step(interval);
    ts_report_put_step(out, ts_report_value(report, TS_SUBJECT_ALL, row->name, row->stat), step, unit);
    put_ends(out, interval, unit, (const char *const[]){" [", ", ", "]"});
}

void ts_report_put_range(struct ts_text *out, const struct ts_report *report, enum ts_doubt doubt)
{
    const struct ts_uncertainty *uncertainty = report->input.uncertainty;
    if (uncertainty && !isnan(uncertainty->figures[doubt].p50)) {
        char buffer[TS_UNIT_BYTES];
        const char *unit = ts_report_doubt_unit(buffer, report, doubt);
        put_ends(out, &uncertainty->figures[doubt], unit,
                 (const char *const[]){"<strong>8 of 10 draws: ", " to ", "</strong>; "});
    }
}

double ts_report_doubt_step(const struct ts_report *report, enum ts_doubt doubt)
{
    return report->input.uncertainty ? ts_report_step(&report->input.uncertainty->figures[doubt]) : 0.0;
}

void ts_report_put_saving_share(struct ts_text *out, const struct ts_report *report)
{
    const double usd = ts_report_value(report, TS_SUBJECT_ALL, "baseline_cost", "total");
    const double step = ts_report_doubt_step(report, TS_DOUBT_SAVING) / usd;
    ts_report_put_step(out, report->saving_frac, step > 0.0 ? pow(10.0, floor(log10(step))) : 0.0, "frac");
}

void ts_report_put_like(struct ts_text *out, const struct ts_report *report, const char *name, enum ts_doubt like)
{
    char buffer[TS_UNIT_BYTES];
    ts_report_put_step(out, ts_report_value(report, TS_SUBJECT_ALL, name, "value"), ts_report_doubt_step(report, like),
                       ts_report_doubt_unit(buffer, report, like));
}

enum ts_doubt ts_report_weighed(const struct ts_report *report)
{
    return report->input.econ->has_baseline ? TS_DOUBT_NPV : TS_DOUBT_COST;
}

static double width_of(const struct ts_report *report, uint32_t input)
{
    const struct ts_doubt_input *of = &report->input.uncertainty->inputs[input];
    const enum ts_doubt weighed = ts_report_weighed(report);
    return fabs(of->at_p90[weighed] - of->at_p10[weighed]);
}

void ts_report_order_inputs(uint32_t *order, const struct ts_report *report)
{
    for (uint32_t i = 0; i < report->input.uncertainty->n_inputs; i++) {
        uint32_t at = i;
        while (at > 0 && width_of(report, order[at - 1]) < width_of(report, i)) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

/* ---- what was done ---- */

static void put_frac(struct ts_text *out, double frac)
{
    ts_text_number(out, 100.0 * frac, 2);
    ts_text_puts(out, " %");
}

static void put_points(struct ts_text *out, const struct ts_uncertainty *uncertainty)
{
    if (uncertainty->n_simulated == 0) {
        ts_text_printf(out, "; none of them affects the simulation; at %u points it was off by at most ",
                       (unsigned)uncertainty->n_checked);
        put_frac(out, uncertainty->cost_error_frac);
        ts_text_puts(out, " of the cost");
        return;
    }
    ts_text_printf(out, "; a fit to %u simulated points, off at %u others by at most ",
                   (unsigned)(uncertainty->n_simulated - uncertainty->n_checked), (unsigned)uncertainty->n_checked);
    put_frac(out, uncertainty->cost_error_frac);
    ts_text_puts(out, " of the cost and ");
    put_frac(out, uncertainty->ttft_error_frac);
    ts_text_puts(out, " of TTFT p95");
    if (uncertainty->is_full) {
        ts_text_puts(out, ": TOO MUCH, so each draw is a full simulation");
    }
    if (uncertainty->serves_as_nearest) {
        ts_text_puts(out, ": TOO MUCH, so attainment and first token are those of the nearest full simulation");
    }
}

void ts_report_put_study(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_uncertainty *uncertainty = report->input.uncertainty;
    const unsigned n_default = (unsigned)(uncertainty->n_inputs - uncertainty->n_written);
    struct ts_text number;
    ts_text_init(&number);
    ts_text_number(&number, uncertainty->n_draws, 15);
    ts_text_printf(out, "%s draws of %u uncertain input%s (%u written, %u by default)", number.data,
                   (unsigned)uncertainty->n_inputs, uncertainty->n_inputs == 1 ? "" : "s",
                   (unsigned)uncertainty->n_written, n_default);
    out->failed = out->failed || number.failed;
    ts_text_deinit(&number);
    put_points(out, uncertainty);
    if (!isnan(uncertainty->capacity_error_frac)) {
        ts_text_puts(out, "; capacities by searches at the ends of each input, off by ");
        put_frac(out, uncertainty->capacity_error_frac);
        ts_text_puts(out, " at the point that moves them most");
    }
}
