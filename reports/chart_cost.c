/* Hides how costs by tier and kind become stacked bars: a bar a kind, a colour a tier, and the plan's total beside the
 * baseline. */
#include <math.h>

#include "reports/chart.h"
#include "reports/gnuplot.h"

enum { TOTAL_BAR = TS_N_COST_KINDS, BASELINE_BAR, N_BARS };

static const char *const bar_names[N_BARS] = {"machines", "energy",    "upkeep",    "staff",
                                              "other",    "API calls", "plan, all", "API only"};

static double bar_value(const struct ts_econ *econ, int bar, uint32_t tier)
{
    if (bar == BASELINE_BAR) {
        return econ->tier_baseline_usd_per_month[tier];
    }
    double sum = 0.0;
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        sum += bar == kind || bar == TOTAL_BAR ? econ->monthly_usd[tier][kind] : 0.0;
    }
    return sum;
}

static double bar_height(const struct ts_econ *econ, int bar)
{
    double sum = 0.0;
    for (uint32_t tier = 0; tier <= econ->n_tiers; tier++) {
        sum += bar_value(econ, bar, tier);
    }
    return sum;
}

/* Bars of the plan and of the baseline stand apart from the kinds by a gap. */
static double bar_place(int bar)
{
    return bar + (bar >= TOTAL_BAR ? 0.5 : 0.0);
}

static void put_data(struct ts_text *dat, const struct ts_econ *econ)
{
    ts_text_puts(dat,
                 "# place, then the upper edge of each tier's part in USD/month (nowhere last), as stacked; bars: ");
    for (int bar = 0; bar < N_BARS; bar++) {
        ts_text_printf(dat, "%s%s", bar > 0 ? "; " : "", bar_names[bar]);
    }
    ts_text_puts(dat, "\n");
    for (int bar = 0; bar < N_BARS; bar++) {
        double edge = 0.0;
        ts_chart_put(dat, bar_place(bar), "");
        for (uint32_t tier = 0; tier <= econ->n_tiers; tier++) {
            edge += bar_value(econ, bar, tier);
            ts_text_puts(dat, " ");
            ts_chart_put(dat, edge, "");
        }
        ts_text_puts(dat, "\n");
    }
}

static void put_bar_labels(struct ts_text *gp, const struct ts_econ *econ)
{
    for (int bar = 0; bar < N_BARS; bar++) {
        double height = bar_height(econ, bar);
        ts_text_puts(gp, "set label '");
        ts_text_number(gp, height < 99.5 ? round(height * 10.0) / 10.0 : round(height), height < 99.5 ? 3 : 15);
        ts_text_puts(gp, "' at ");
        ts_chart_put(gp, bar_place(bar), ",");
        ts_chart_put(gp, height, " center offset 0,0.6 font 'sans-serif,12' textcolor rgb '" TS_CHART_INK "'\n");
    }
    ts_text_puts(gp, "set xtics (");
    for (int bar = 0; bar < N_BARS; bar++) {
        ts_text_printf(gp, "%s'%s' ", bar > 0 ? ", " : "", bar_names[bar]);
        ts_chart_put(gp, bar_place(bar), "");
    }
    ts_text_puts(gp, ")\n");
}

static const char *colour_of(const struct ts_econ *econ, uint32_t tier)
{
    return tier < econ->n_tiers ? ts_chart_colour(tier) : TS_CHART_FAINT;
}

/* The key in the order of tiers; then boxes from the top of the stack down: each begins at 0 and the next covers its
 * lower part. */
static void put_plot(struct ts_text *gp, const struct ts_report_input *input)
{
    const struct ts_econ *econ = input->econ;
    bool first = true;
    double nowhere_usd = 0.0;
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        nowhere_usd += econ->monthly_usd[econ->n_tiers][kind];
    }
    uint32_t n = econ->n_tiers + (nowhere_usd > 0.0 ? 1 : 0);
    for (uint32_t tier = 0; tier < n; tier++) {
        ts_chart_key_entry(gp, &first, "boxes", colour_of(econ, tier), ts_metric_tier_name(input->model, tier));
    }
    for (uint32_t tier = n; tier-- > 0;) {
        ts_text_printf(gp, ", \\\n     'cost.dat' using 1:%u with boxes linecolor rgb '%s' notitle", (unsigned)tier + 2,
                       colour_of(econ, tier));
    }
    ts_text_puts(gp, first ? "plot NaN notitle\n" : "\n");
}

void ts_chart_cost(struct ts_text *dat, struct ts_text *gp, const struct ts_report_input *input,
                   const struct ts_report_views *views)
{
    const struct ts_econ *econ = input->econ;
    double highest = fmax(bar_height(econ, TOTAL_BAR), bar_height(econ, BASELINE_BAR));
    (void)views;
    put_data(dat, econ);
    ts_text_puts(gp, "set boxwidth 0.62\nset xrange [-0.6:8.1]\nset yrange [0:");
    ts_chart_put(gp, highest > 0.0 ? 1.12 * highest : 1.0, "]\nset ylabel 'USD/month'\nset xtics scale 0\n");
    ts_chart_money_tics(gp, 0.0, 1.12 * highest);
    put_bar_labels(gp, econ);
    put_plot(gp, input);
}
