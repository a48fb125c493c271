/* Hides how the power series becomes stacked steps: neighbouring bins are averaged until at most MAX_STEPS are left,
 * and each step has two points. */
#include <math.h>

#include "reports/chart.h"
#include "reports/gnuplot.h"

enum { MAX_STEPS = 900 };

struct time_scale {
    double seconds;
    const char *name;
};

static struct time_scale scale_of(double end_s)
{
    static const struct time_scale scales[] = {{1.0, "s"}, {60.0, "min"}, {3600.0, "h"}, {86400.0, "days"}};
    int i = end_s < 600.0 ? 0 : end_s < 4.0 * 3600.0 ? 1 : end_s <= 3.5 * 86400.0 ? 2 : 3;
    return scales[i];
}

static double mean_w(const struct ts_tier_result *tier, uint32_t first, uint32_t last)
{
    double sum = 0.0;
    for (uint32_t bin = first; bin < last; bin++) {
        sum += tier->power_w[bin];
    }
    return sum / (last - first);
}

/* Bins that hold arrivals or begin inside the window; what drains after it is not shown (nor are replications' longer
 * tails). */
static uint32_t shown_bins(const struct ts_report *report)
{
    const struct ts_result *result = report->input.result;
    double bins = result->bin_s > 0.0 ? ceil(report->window_s / result->bin_s - 1e-6) : 0.0;
    return bins < result->n_bins ? (uint32_t)bins : result->n_bins;
}

struct power_plot {
    const struct ts_report_input *input;
    uint32_t n_bins, group;
    bool drawn[TS_MAX_TIERS];
    double highest_w;
};

static struct power_plot plan_plot(const struct ts_report *report)
{
    const struct ts_report_input *input = &report->input;
    struct power_plot plot = {.input = input, .n_bins = shown_bins(report)};
    plot.group = (plot.n_bins + MAX_STEPS - 1) / MAX_STEPS;
    for (uint32_t bin = 0; bin < plot.n_bins; bin += plot.group) {
        uint32_t last = bin + plot.group < plot.n_bins ? bin + plot.group : plot.n_bins;
        double sum = 0.0;
        for (uint32_t tier = 0; tier < input->model->n_tiers; tier++) {
            double power_w = mean_w(&input->result->tiers[tier], bin, last);
            plot.drawn[tier] = plot.drawn[tier] || power_w > 0.0;
            sum += power_w;
        }
        plot.highest_w = fmax(plot.highest_w, sum);
    }
    return plot;
}

static void put_edges(struct ts_text *dat, const struct power_plot *plot, double at, uint32_t first, uint32_t last,
                      double watts)
{
    double edge = 0.0;
    ts_chart_put(dat, at, " 0");
    for (uint32_t tier = 0; tier < plot->input->model->n_tiers; tier++) {
        edge += mean_w(&plot->input->result->tiers[tier], first, last) / watts;
        ts_text_puts(dat, " ");
        ts_chart_put(dat, edge, "");
    }
    ts_text_puts(dat, "\n");
}

static void put_data(struct ts_text *dat, const struct power_plot *plot, double scale_s, double watts)
{
    double bin_s = plot->input->result->bin_s;
    for (uint32_t bin = 0; bin < plot->n_bins; bin += plot->group) {
        uint32_t last = bin + plot->group < plot->n_bins ? bin + plot->group : plot->n_bins;
        put_edges(dat, plot, bin * bin_s / scale_s, bin, last, watts);
        put_edges(dat, plot, last * bin_s / scale_s, bin, last, watts);
    }
}

static void put_plot(struct ts_text *gp, const struct power_plot *plot)
{
    bool first = true;
    for (uint32_t tier = 0; tier < plot->input->model->n_tiers; tier++) {
        if (plot->drawn[tier]) {
            ts_chart_key_entry(gp, &first, "boxes", ts_chart_colour(tier),
                               ts_metric_tier_name(plot->input->model, tier));
        }
    }
    for (uint32_t tier = plot->input->model->n_tiers; tier-- > 0;) {
        if (plot->drawn[tier]) {
            ts_text_printf(gp, ", \\\n     'power.dat' using 1:%u:%u with filledcurves fillcolor rgb '%s' notitle",
                           (unsigned)tier + 2, (unsigned)tier + 3, ts_chart_colour(tier));
        }
    }
    ts_text_puts(gp, "\n");
}

void ts_chart_power(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report)
{
    struct power_plot plot = plan_plot(report);
    double end_s = plot.n_bins * report->input.result->bin_s;
    struct time_scale scale = scale_of(end_s);
    double watts = plot.highest_w >= 1e6 ? 1e6 : plot.highest_w >= 1e4 ? 1e3 : 1.0;
    const char *unit = watts > 1e3 ? "MW" : watts > 1.0 ? "kW" : "W";
    ts_text_printf(dat, "# time (%s), then the upper edges in %s: 0, and of each tier as stacked\n", scale.name, unit);
    put_data(dat, &plot, scale.seconds, watts);
    ts_text_printf(
        gp, "set xlabel \"time since the start (%s)\\n \"\nset ylabel 'power (%s)'\nset xrange [0:", scale.name, unit);
    ts_chart_put(gp, end_s > 0.0 ? end_s / scale.seconds : 1.0, "]\nset yrange [0:");
    ts_chart_put(gp, plot.highest_w > 0.0 ? 1.08 * plot.highest_w / watts : 1.0, "]\n");
    if (scale.seconds == 3600.0) {
        ts_text_printf(gp, "set xtics %d\n", end_s > 36.0 * 3600.0 ? 12 : end_s > 12.0 * 3600.0 ? 3 : 1);
    }
    if (plot.highest_w > 0.0) {
        put_plot(gp, &plot);
    } else {
        ts_chart_say(gp, "nothing of the plan draws power");
        ts_text_puts(gp, "plot NaN notitle\n");
    }
}
