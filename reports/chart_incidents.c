/* Hides how the series of arrivals and outcomes become one picture: what each tier answered as stacked steps, what was
 * refused on top of them, the arrivals as a line, and the requests under way against the right-hand axis. Neighbouring
 * bins are averaged until at most MAX_STEPS are left. Events are grey bands. */
#include <math.h>

#include "reports/chart.h"
#include "reports/incident_course.h"

enum { MAX_STEPS = 900, MAX_BANDS = 64 };

static const char refused_colour[] = "#aa0000";

struct plot {
    const struct ts_report *report;
    uint32_t n_bins, group, n_tiers;
    double per_s; /* what rates are multiplied by */
    double scale_s;
    double highest, most_present;
};

static double mean_of(const struct plot *plot, uint32_t first, uint32_t last,
                      double (*get)(const struct ts_report *, uint32_t))
{
    double sum = 0.0;
    for (uint32_t bin = first; bin < last; bin++) {
        sum += get(plot->report, bin);
    }
    return sum / (last - first);
}

static double served_by(const struct plot *plot, uint32_t tier, uint32_t first, uint32_t last)
{
    double sum = 0.0;
    for (uint32_t bin = first; bin < last; bin++) {
        sum += plot->report->input.result->tiers[tier].served_per_s[bin];
    }
    return sum / (last - first);
}

static void put_point(struct ts_text *dat, const struct plot *plot, double at_s, uint32_t first, uint32_t last)
{
    double edge = 0.0;
    ts_chart_put(dat, at_s / plot->scale_s, " 0");
    for (uint32_t tier = 0; tier < plot->n_tiers; tier++) {
        edge += served_by(plot, tier, first, last) * plot->per_s;
        ts_text_puts(dat, " ");
        ts_chart_put(dat, edge, "");
    }
    ts_text_puts(dat, " ");
    ts_chart_put(dat, edge + mean_of(plot, first, last, ts_incident_refused_per_s) * plot->per_s, " ");
    ts_chart_put(dat, mean_of(plot, first, last, ts_incident_arrivals_per_s) * plot->per_s, " ");
    ts_chart_put(dat, mean_of(plot, first, last, ts_incident_present), "\n");
}

static void put_data(struct ts_text *dat, const struct plot *plot)
{
    const double bin_s = plot->report->input.result->bin_s;
    for (uint32_t bin = 0; bin < plot->n_bins; bin += plot->group) {
        const uint32_t last = bin + plot->group < plot->n_bins ? bin + plot->group : plot->n_bins;
        put_point(dat, plot, bin * bin_s, bin, last);
        put_point(dat, plot, last * bin_s, bin, last);
    }
}

static struct plot plan_plot(const struct ts_report *report)
{
    const struct ts_result *result = report->input.result;
    struct plot plot = {.report = report, .n_bins = result->n_bins, .n_tiers = report->input.model->n_tiers};
    const double end_s = result->n_bins * result->bin_s;
    double highest = 0.0;
    plot.group = (plot.n_bins + MAX_STEPS - 1) / MAX_STEPS;
    for (uint32_t bin = 0; bin < plot.n_bins; bin++) {
        double out_per_s = ts_incident_refused_per_s(report, bin);
        for (uint32_t tier = 0; tier < plot.n_tiers; tier++) {
            out_per_s += result->tiers[tier].served_per_s[bin];
        }
        highest = fmax(highest, fmax(out_per_s, ts_incident_arrivals_per_s(report, bin)));
        plot.most_present = fmax(plot.most_present, ts_incident_present(report, bin));
    }
    plot.per_s = highest < 2.0 ? 60.0 : 1.0;
    plot.highest = highest * plot.per_s;
    plot.scale_s = end_s < 600.0 ? 1.0 : end_s < 4.0 * 3600.0 ? 60.0 : 3600.0;
    return plot;
}

static void put_bands(struct ts_text *gp, const struct plot *plot)
{
    const struct ts_model *model = plot->report->input.model;
    uint32_t n_bands = 0;
    for (uint32_t i = 0; i < model->n_incidents; i++) {
        const uint32_t n = ts_incident_n_times(plot->report, &model->incidents[i]);
        for (uint32_t time = 0; time < n && n_bands < MAX_BANDS; time++) {
            const struct ts_incident_course course = ts_incident_course(plot->report, &model->incidents[i], time);
            const double end_s = plot->n_bins * plot->report->input.result->bin_s;
            ts_text_puts(gp, "set object rectangle from ");
            ts_chart_put(gp, course.from_s / plot->scale_s, ", graph 0 to ");
            ts_chart_put(gp, fmin(course.to_s, end_s) / plot->scale_s,
                         ", graph 1 behind fillcolor rgb '" TS_CHART_GRID "' fillstyle solid 1.0 noborder\n");
            n_bands++;
        }
    }
}

static void put_plot(struct ts_text *gp, const struct plot *plot)
{
    bool first = true;
    for (uint32_t tier = 0; tier < plot->n_tiers; tier++) {
        ts_chart_key_entry(gp, &first, "boxes", ts_chart_colour(tier),
                           ts_metric_tier_name(plot->report->input.model, tier));
    }
    ts_chart_key_entry(gp, &first, "boxes", refused_colour, "refused");
    for (uint32_t tier = plot->n_tiers + 1; tier-- > 0;) {
        ts_text_printf(gp, ", \\\n     'incidents.dat' using 1:%u:%u with filledcurves fillcolor rgb '%s' notitle",
                       (unsigned)tier + 2, (unsigned)tier + 3,
                       tier < plot->n_tiers ? ts_chart_colour(tier) : refused_colour);
    }
    ts_text_printf(gp,
                   ", \\\n     'incidents.dat' using 1:%u with lines linewidth 1.5 linecolor rgb '" TS_CHART_INK
                   "' title 'arrivals'"
                   ", \\\n     'incidents.dat' using 1:%u axes x1y2 with lines linewidth 1.5 dashtype 2 linecolor rgb "
                   "'#882255' title 'under way (right)'\n",
                   (unsigned)plot->n_tiers + 4, (unsigned)plot->n_tiers + 5);
}

void ts_chart_incidents(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report)
{
    const struct plot plot = plan_plot(report);
    const double end_s = plot.n_bins * report->input.result->bin_s;
    const char *unit = plot.scale_s > 60.0 ? "h" : plot.scale_s > 1.0 ? "min" : "s";
    const char *rate = plot.per_s > 1.0 ? "min" : "s";
    ts_text_printf(dat,
                   "# time (%s), then per %s the upper edges of 0, of what each tier answered and of what was refused, "
                   "stacked; arrivals; requests under way\n",
                   unit, rate);
    put_data(dat, &plot);
    ts_text_printf(gp,
                   "set rmargin 9\nset ytics nomirror\nset y2tics\nset border 11\nset y2label 'requests under way'\n"
                   "set xlabel \"time since the start (%s)\\n \"\nset ylabel 'requests per %s'\nset xrange [0:",
                   unit, rate);
    ts_chart_put(gp, end_s > 0.0 ? end_s / plot.scale_s : 1.0, "]\nset yrange [0:");
    ts_chart_put(gp, plot.highest > 0.0 ? 1.08 * plot.highest : 1.0, "]\nset y2range [0:");
    ts_chart_put(gp, plot.most_present > 0.0 ? 1.08 * plot.most_present : 1.0, "]\n");
    put_bands(gp, &plot);
    put_plot(gp, &plot);
}
