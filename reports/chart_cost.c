/* Hides how costs by tier and kind become stacked bars: a bar a kind, a colour a tier, and the plan's total beside the
 * baseline. */
#include <math.h>

#include "reports/chart.h"
#include "reports/gnuplot.h"

enum { MACHINES_BAR, ENERGY_BAR, UPKEEP_BAR, STAFF_BAR, OTHER_BAR, RENT_BAR, API_BAR, TOTAL_BAR, BASELINE_BAR, N_BARS };

/* Statistics of `cost` that a bar adds up; those that the run does not have count nothing. */
static const struct {
    const char *name, *stats[4];
} bars[N_BARS] = {
    [MACHINES_BAR] = {"machines", {"capex"}},
    [ENERGY_BAR] = {"energy", {"energy"}},
    [UPKEEP_BAR] = {"upkeep", {"maintenance"}},
    [STAFF_BAR] = {"staff", {"staff"}},
    [OTHER_BAR] = {"other", {"other", "colocation", "licences", "downloads"}},
    [RENT_BAR] = {"rent", {"rent"}},
    [API_BAR] = {"API calls", {"api"}},
    [TOTAL_BAR] = {"plan, all", {"total"}},
    [BASELINE_BAR] = {"at the API", {NULL}},
};

static double bar_value(const struct ts_report *report, int bar, uint32_t tier)
{
    const uint32_t subject = ts_figure_tier(&report->list, tier);
    double sum = 0.0;
    if (bar == BASELINE_BAR) {
        return ts_report_value(report, subject, "baseline_cost", "total");
    }
    for (size_t i = 0; i < sizeof bars[bar].stats / sizeof bars[bar].stats[0] && bars[bar].stats[i]; i++) {
        const double value = ts_report_value(report, subject, "cost", bars[bar].stats[i]);
        sum += isnan(value) ? 0.0 : value;
    }
    return sum;
}

static double bar_height(const struct ts_report *report, int bar)
{
    double sum = 0.0;
    for (uint32_t tier = 0; tier <= report->input.model->n_tiers; tier++) {
        sum += bar_value(report, bar, tier);
    }
    return sum;
}

/* Bars of the plan and of the baseline stand apart from the kinds by a gap. */
static double bar_place(int bar)
{
    return bar + (bar >= TOTAL_BAR ? 0.5 : 0.0);
}

static void put_data(struct ts_text *dat, const struct ts_report *report)
{
    ts_text_puts(dat, "# place, then the upper edge of each tier's part a month (nowhere last), as stacked; bars: ");
    for (int bar = 0; bar < N_BARS; bar++) {
        ts_text_printf(dat, "%s%s", bar > 0 ? "; " : "", bars[bar].name);
    }
    ts_text_puts(dat, "\n");
    for (int bar = 0; bar < N_BARS; bar++) {
        double edge = 0.0;
        ts_chart_put(dat, bar_place(bar), "");
        for (uint32_t tier = 0; tier <= report->input.model->n_tiers; tier++) {
            edge += bar_value(report, bar, tier);
            ts_text_puts(dat, " ");
            ts_chart_put(dat, edge, "");
        }
        ts_text_puts(dat, "\n");
    }
}

static void put_bar_labels(struct ts_text *gp, const struct ts_report *report)
{
    for (int bar = 0; bar < N_BARS; bar++) {
        double height = bar_height(report, bar);
        ts_text_puts(gp, "set label '");
        ts_text_number(gp, height < 99.5 ? round(height * 10.0) / 10.0 : round(height), height < 99.5 ? 3 : 15);
        ts_text_puts(gp, "' at ");
        ts_chart_put(gp, bar_place(bar), ",");
        ts_chart_put(gp, height, " center offset 0,0.6 font 'sans-serif,12' textcolor rgb '" TS_CHART_INK "'\n");
    }
    ts_text_puts(gp, "set xtics (");
    for (int bar = 0; bar < N_BARS; bar++) {
        ts_text_printf(gp, "%s'%s' ", bar > 0 ? ", " : "", bars[bar].name);
        ts_chart_put(gp, bar_place(bar), "");
    }
    ts_text_puts(gp, ")\n");
}

static const char *colour_of(const struct ts_model *model, uint32_t tier)
{
    return tier < model->n_tiers ? ts_chart_colour(tier) : TS_CHART_FAINT;
}

/* The key in the order of tiers; then boxes from the top of the stack down: each begins at 0 and the next covers its
 * lower part. */
static void put_plot(struct ts_text *gp, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    bool first = true;
    uint32_t n = model->n_tiers + (bar_value(report, TOTAL_BAR, model->n_tiers) > 0.0 ? 1 : 0);
    for (uint32_t tier = 0; tier < n; tier++) {
        ts_chart_key_entry(gp, &first, "boxes", colour_of(model, tier), ts_metric_tier_name(model, tier));
    }
    for (uint32_t tier = n; tier-- > 0;) {
        ts_text_printf(gp, ", \\\n     'cost.dat' using 1:%u with boxes linecolor rgb '%s' notitle", (unsigned)tier + 2,
                       colour_of(model, tier));
    }
    ts_text_puts(gp, first ? "plot NaN notitle\n" : "\n");
}

void ts_chart_cost(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report)
{
    double highest = fmax(bar_height(report, TOTAL_BAR), bar_height(report, BASELINE_BAR));
    put_data(dat, report);
    ts_text_puts(gp, "set boxwidth 0.62\nset xrange [-0.6:");
    ts_chart_put(gp, bar_place(N_BARS - 1) + 0.6, "]\nset yrange [0:");
    ts_chart_put(gp, highest > 0.0 ? 1.12 * highest : 1.0, "]\n");
    ts_text_printf(gp, "set ylabel '%s/month'\nset xtics scale 0\n", ts_model_currency(report->input.model));
    ts_chart_money_tics(gp, 'y', 0.0, 1.12 * highest);
    put_bar_labels(gp, report);
    put_plot(gp, report);
}
