/* Hides how the frontier is drawn: quality over the share of calls at the strongest tier, and what to hold it against.
 */
#include <math.h>

#include "reports/chart.h"
#include "reports/gnuplot.h"
#include "sim/quality.h"

enum { N_POWER_POINTS = 50 };

struct ends {
    double weakest, strongest, best, oracle, apgr;
    struct ts_frontier_point here;
};

static double share_of(const struct ts_report *report)
{
    const struct ts_result *result = report->input.result;
    const uint32_t strongest = ts_frontier_strongest(report->input.model);
    uint64_t n = 0;
    for (uint32_t c = 0; c < result->n_classes; c++) {
        const struct ts_cell *cell = &result->tiers[strongest].cells[c];
        n += cell->done - cell->left_out_done;
    }
    return result->frontier.n > 0 ? (double)n / (double)result->frontier.n : NAN;
}

static struct ends ends_of(const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    const struct ts_frontier *frontier = &report->input.result->frontier;
    struct ends ends = {.weakest = ts_frontier_quality(frontier, ts_frontier_weakest(model)),
                        .strongest = ts_frontier_quality(frontier, ts_frontier_strongest(model)),
                        .best = 0.0,
                        .oracle = (double)frontier->any_right / (double)frontier->n,
                        .apgr = ts_frontier_apgr(frontier, model)};
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        ends.best = fmax(ends.best, ts_frontier_quality(frontier, i));
    }
    ends.here.quality = ts_report_value(report, TS_SUBJECT_ALL, "quality", "mean");
    ends.here.share = share_of(report);
    return ends;
}

/* A row of frontier.csv. */
static void put_row(struct ts_text *out, const char *line, double threshold, double share, double quality,
                    const struct ends *ends)
{
    const double gap = ends->strongest - ends->weakest;
    ts_text_printf(out, "%s,", line);
    if (isfinite(threshold)) {
        ts_text_double(out, threshold);
    }
    ts_text_puts(out, ",");
    ts_text_double(out, share);
    ts_text_puts(out, ",");
    ts_text_double(out, quality);
    ts_text_puts(out, ",");
    if (gap != 0.0) {
        ts_text_double(out, (quality - ends->weakest) / gap);
    }
    ts_text_puts(out, "\n");
}

void ts_report_frontier_csv(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    const struct ts_frontier *frontier = &report->input.result->frontier;
    struct ts_frontier_point points[TS_FRONTIER_BINS + 1];
    ts_text_puts(out, "line,threshold,share_strongest,quality,pgr\n");
    if (frontier->n == 0) {
        return;
    }
    const struct ends ends = ends_of(report);
    put_row(out, "plan", NAN, ends.here.share, ends.here.quality, &ends);
    for (int at = 0; at <= 1; at++) {
        put_row(out, "random", NAN, at, ends.weakest + at * (ends.strongest - ends.weakest), &ends);
        put_row(out, "best-single", NAN, at, ends.best, &ends);
        put_row(out, "oracle", NAN, at, ends.oracle, &ends);
    }
    if (!ts_frontier_has_scores(model)) {
        return;
    }
    ts_frontier_points(points, frontier, model);
    for (uint32_t i = 0; i <= TS_FRONTIER_BINS; i++) {
        if (i == 0 || i == TS_FRONTIER_BINS || points[i].share != points[i - 1].share) {
            put_row(out, "router", points[i].threshold, points[i].share, points[i].quality, &ends);
        }
    }
}

bool ts_report_has_choice(const struct ts_model *model)
{
    return model->router.n_order > 1 && !model->quality.unknown;
}

void ts_report_put_quality(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    const uint32_t all = TS_SUBJECT_ALL;
    if (!ts_report_has_choice(model) || !isfinite(ts_report_value(report, all, "quality_retained", "mean"))) {
        return;
    }
    ts_text_puts(out, ": ");
    ts_report_put(out, report, all, "quality_retained", "mean");
    ts_text_puts(out, " of what ");
    ts_report_put_clipped(out, model->tiers[ts_frontier_strongest(model)].name, TS_CHART_NAME_MAX);
    ts_text_puts(out, " alone gets right");
    if (model->tiers[ts_frontier_strongest(model)].kind == TS_TIER_API) {
        ts_text_puts(out, ", at ");
        ts_report_put(out, report, all, "cost_share", "value");
        ts_text_puts(out, " of its cost");
    }
    if (isfinite(ts_report_value(report, all, "pgr", "mean"))) {
        ts_text_puts(out, "; ");
        ts_report_put(out, report, all, "pgr", "mean");
        ts_text_puts(out, " of the gap to it (PGR)");
    }
}

/* ---- the chart ---- */

static void put_curve(struct ts_text *dat, const struct ts_report *report)
{
    struct ts_frontier_point points[TS_FRONTIER_BINS + 1];
    ts_frontier_points(points, &report->input.result->frontier, report->input.model);
    ts_text_puts(dat, "# % of calls at the strongest tier, % answered right: thresholds of the router\n");
    for (uint32_t i = 0; i <= TS_FRONTIER_BINS; i++) {
        if (i == 0 || i == TS_FRONTIER_BINS || points[i].share != points[i - 1].share) {
            ts_chart_put(dat, 100.0 * points[i].share, " ");
            ts_chart_put(dat, 100.0 * points[i].quality, "\n");
        }
    }
    ts_text_puts(dat, "\n\n");
}

static void put_power_law(struct ts_text *dat, const struct ends *ends)
{
    ts_text_puts(dat, "# the same: PGR = 1 - (1 - share)^k of that APGR\n");
    for (int i = 0; i <= N_POWER_POINTS; i++) {
        const double share = (double)i / N_POWER_POINTS;
        const double pgr = ts_quality_power_law(share, ends->apgr);
        ts_chart_put(dat, 100.0 * share, " ");
        ts_chart_put(dat, 100.0 * (ends->weakest + pgr * (ends->strongest - ends->weakest)), "\n");
    }
    ts_text_puts(dat, "\n\n");
}

static void put_line(struct ts_text *gp, double from, double to, const char *style, const char *title)
{
    ts_text_puts(gp, ", \\\n     ");
    ts_chart_put(gp, 100.0 * from, " + x * ");
    ts_chart_put(gp, to - from, "");
    ts_text_printf(gp, " with lines %s linecolor rgb '" TS_CHART_FAINT "' title '%s'", style, title);
}

static void put_plan(struct ts_text *gp, const struct ends *ends)
{
    ts_text_puts(gp, "set label 'this plan' at ");
    ts_chart_put(gp, 100.0 * ends->here.share, ",");
    ts_chart_put(gp, 100.0 * ends->here.quality,
                 " point pointtype 7 pointsize 1.2 linecolor rgb '" TS_CHART_INK
                 "' left offset 1.2,-0.8 textcolor rgb '" TS_CHART_INK "' front\n");
}

static void put_axis_name(struct ts_text *gp, const struct ts_model *model)
{
    struct ts_text name;
    ts_text_init(&name);
    ts_text_puts(&name, "% of calls at ");
    ts_report_put_clipped(&name, model->tiers[ts_frontier_strongest(model)].name, TS_CHART_NAME_MAX);
    ts_gnuplot_quote(gp, name.data);
    gp->failed = gp->failed || name.failed;
    ts_text_deinit(&name);
}

void ts_chart_frontier(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    if (report->input.result->frontier.n == 0) {
        ts_chart_say(gp, "no call was answered");
        ts_text_puts(gp, "plot NaN notitle\n");
        return;
    }
    const struct ends ends = ends_of(report);
    const double low = fmin(fmin(ends.weakest, ends.strongest), ends.here.quality);
    const double margin = 0.08 * fmax(ends.oracle - low, 0.01);
    const bool scores = ts_frontier_has_scores(model);
    if (scores) {
        put_curve(dat, report);
    }
    if (isfinite(ends.apgr) && ends.apgr > 0.0 && ends.apgr < 1.0) {
        put_power_law(dat, &ends);
    }
    ts_text_printf(gp, "set bmargin %d\nset xrange [0:100]\nset yrange [", scores ? 8 : 6);
    ts_chart_put(gp, 100.0 * (low - margin), ":");
    ts_chart_put(gp, 100.0 * (ends.oracle + margin), "]\nset xlabel ");
    put_axis_name(gp, model);
    ts_text_puts(gp, "\nset ylabel '% answered right'\n");
    put_plan(gp, &ends);
    ts_text_puts(gp, scores ? "plot 'frontier.dat' index 0 with lines linewidth 2.8 linecolor rgb '#0072B2' title "
                              "'router, every threshold'"
                            : "plot NaN notitle");
    if (scores && isfinite(ends.apgr) && ends.apgr > 0.0 && ends.apgr < 1.0) {
        ts_text_puts(gp, ", \\\n     '' index 1 with lines dashtype (2,3) linewidth 1.6 linecolor rgb '#0072B2' title "
                         "'power law of its APGR'");
    }
    put_line(gp, ends.weakest, ends.strongest, "linewidth 1.6 dashtype (6,3)", "random");
    put_line(gp, ends.best, ends.best, "linewidth 1.6", "best single tier");
    put_line(gp, ends.oracle, ends.oracle, "linewidth 1.6 dashtype (1,2)", "oracle");
    ts_text_puts(gp, "\n");
}
