/* Hides how a histogram of millions of requests becomes a curve of at most 1,600 points: a point where the share has
 * grown by 1/800 or the time by 1/100 of a decade. */
#include <math.h>

#include "base/units.h"
#include "reports/chart.h"
#include "reports/gnuplot.h"

static const double SHARE_STEP = 1.0 / 800.0, DECADE_STEP = 0.01, FASTEST_S = 1e-5;

struct x_range {
    double low_s, high_s;
};

static double shown_s(double ns)
{
    return fmax(ns / (double)TS_NS_PER_S, FASTEST_S);
}

/* One block of the data file: seconds, per cent. */
static void put_curve(struct ts_text *dat, const struct ts_hist *hist, struct x_range *range)
{
    uint32_t cursor = 0;
    uint64_t n = 0, so_far = 0;
    double value = 0.0, last_share = 0.0, last_log = -INFINITY;
    double first_s = shown_s((double)hist->min);
    range->low_s = fmin(range->low_s, first_s);
    range->high_s = fmax(range->high_s, shown_s((double)hist->max));
    ts_chart_put(dat, first_s, " 0\n");
    while (ts_hist_next(hist, &cursor, &value, &n)) {
        so_far += n;
        double share = (double)so_far / (double)hist->count, at = log10(shown_s(value));
        if (share - last_share >= SHARE_STEP || at - last_log >= DECADE_STEP || so_far == hist->count) {
            ts_chart_put(dat, shown_s(value), " ");
            ts_chart_put(dat, 100.0 * share, "\n");
            last_share = share;
            last_log = at;
        }
    }
    ts_text_puts(dat, "\n\n");
}

static void put_tics(struct ts_text *gp, struct x_range range)
{
    static const char *const names[] = {"10 µs", "100 µs", "1 ms",  "10 ms",   "100 ms",
                                        "1 s",   "10 s",   "100 s", "1,000 s", "10,000 s"};
    bool first = true;
    ts_text_puts(gp, "set xtics (");
    for (int decade = -5; decade <= 4; decade++) {
        double base = pow(10.0, decade);
        for (int k = 1; k <= 9; k++) {
            if (k * base < range.low_s || k * base > range.high_s) {
                continue;
            }
            ts_text_printf(gp, "%s'%s' %de%d%s", first ? "" : ", ", k == 1 ? names[decade + 5] : "", k, decade,
                           k == 1 ? "" : " 1");
            first = false;
        }
    }
    ts_text_puts(gp, ")\n");
}

/* Whole decades around the data, so that both ends carry a name; half a decade is enough above. */
static struct x_range rounded(struct x_range range)
{
    double high = floor(log10(range.high_s));
    double step = range.high_s <= 3.0 * pow(10.0, high) ? 3.0 : 10.0;
    return (struct x_range){pow(10.0, floor(log10(range.low_s))), step * pow(10.0, high)};
}

/* The bound's line and its name above the frame; the TTFT's to the left of its line, the E2E's to the right, so that
 * they do not meet. */
static void put_slo(struct ts_text *gp, const char *name, double bound_s, struct x_range range, bool to_the_left)
{
    struct ts_text text;
    if (!(bound_s > range.low_s) || !(bound_s < range.high_s)) {
        return;
    }
    bool at_the_edge = log(bound_s / range.low_s) > 0.9 * log(range.high_s / range.low_s);
    ts_text_init(&text);
    ts_text_printf(&text, "%s SLO ", name);
    ts_units_format(&text, bound_s, "s");
    ts_text_puts(gp, "set arrow from ");
    ts_chart_put(gp, bound_s, ",0 to ");
    ts_chart_put(gp, bound_s, ",104 nohead dashtype 3 linewidth 1.5 linecolor rgb '" TS_CHART_FAINT "'\nset label ");
    ts_gnuplot_quote(gp, text.data);
    ts_text_puts(gp, " at ");
    ts_chart_put(gp, bound_s, ",106");
    ts_text_printf(gp, " %s font 'sans-serif,12' textcolor rgb '" TS_CHART_FAINT "'\n",
                   to_the_left || at_the_edge ? "right" : "left");
    gp->failed = gp->failed || text.failed;
    ts_text_deinit(&text);
}

static void put_line(struct ts_text *plot, unsigned index, uint32_t tier, bool whole)
{
    ts_text_printf(
        plot,
        ", \\\n     'latency.dat' index %u using 1:2 with lines linewidth 2.4 dashtype %s linecolor rgb '%s' notitle",
        index, whole ? "(6,3)" : "1", ts_chart_colour(tier));
}

/* A key of tiers by colour and of the two kinds of line, rather than of every line. */
static void put_key(struct ts_text *gp, const struct ts_report *report)
{
    bool first = true;
    ts_chart_key_entry(gp, &first, "lines linewidth 2.4", TS_CHART_FAINT, "first token");
    ts_chart_key_entry(gp, &first, "lines linewidth 2.4 dashtype (6,3)", TS_CHART_FAINT, "whole answer");
    for (uint32_t tier = 0; tier < report->input.model->n_tiers; tier++) {
        if (ts_report_value(report, ts_figure_tier(&report->list, tier), "done", "sum") > 0.0) {
            ts_chart_key_entry(gp, &first, "lines linewidth 6", ts_chart_colour(tier),
                               ts_metric_tier_name(report->input.model, tier));
        }
    }
}

/* The curves of a tier, TTFT first; returns how many there are then. */
static unsigned put_tier(struct ts_text *dat, struct ts_text *plot, const struct ts_report *report, uint32_t tier,
                         unsigned n_curves, struct x_range *range)
{
    static const enum ts_latency shown[] = {TS_TTFT, TS_E2E};
    struct ts_cell cell;
    if (ts_result_sum(&cell, report->input.result, tier, TS_ALL_CLASSES) != TS_OK) {
        dat->failed = true;
        return n_curves;
    }
    for (int k = 0; k < 2; k++) {
        const struct ts_hist *hist = &cell.latency_ns[shown[k]];
        if (hist->count > 0) {
            put_curve(dat, hist, range);
            put_line(plot, n_curves++, tier, k == 1);
        }
    }
    ts_cell_deinit(&cell);
    return n_curves;
}

void ts_chart_latency(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    struct x_range range = {INFINITY, 0.0};
    struct ts_text plot;
    unsigned n_curves = 0;
    ts_text_init(&plot);
    ts_text_puts(dat, "# time (s), share of the tier's requests answered within it (%); one block a curve, in the "
                      "order of the script\n");
    for (uint32_t tier = 0; tier < model->n_tiers; tier++) {
        n_curves = put_tier(dat, &plot, report, tier, n_curves, &range);
    }
    range = n_curves > 0 ? rounded(range) : (struct x_range){0.01, 10.0};
    ts_text_puts(gp, "set logscale x 10\nset xrange [");
    ts_chart_put(gp, range.low_s, ":");
    ts_chart_put(gp, range.high_s,
                 "]\nset yrange [0:100]\nset ytics 20\nset xlabel \"time since the request (logarithmic)\\n \"\n"
                 "set ylabel 'requests answered (%)'\nset grid xtics\n");
    put_tics(gp, range);
    put_slo(gp, "TTFT", model->slo.ttft_s, range, true);
    put_slo(gp, "E2E", model->slo.e2e_s, range, false);
    if (n_curves == 0) {
        ts_chart_say(gp, "no request was answered");
    }
    put_key(gp, report);
    ts_text_printf(gp, "%s\n", plot.data);
    gp->failed = gp->failed || plot.failed;
    ts_text_deinit(&plot);
}
