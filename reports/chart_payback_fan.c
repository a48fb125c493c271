/* Hides how the payback fan is drawn: the band from p10 to p90, the line of half of the draws, and zero. */
#include <math.h>

#include "reports/chart.h"

static void put_odds(struct ts_text *gp, const struct ts_uncertainty *uncertainty)
{
    const struct ts_doubt_promise *last = NULL;
    for (uint32_t i = 0; i < uncertainty->n_promises; i++) {
        last = ts_str_equal(uncertainty->promises[i].key, "payback") ? &uncertainty->promises[i] : last;
    }
    if (last) {
        ts_text_printf(gp, "set label '%s: ", last->label);
        ts_metric_format(gp, round(100.0 * last->probability) / 100.0, "frac");
        ts_text_puts(gp, "' at graph 0.03,0.93 left textcolor rgb '" TS_CHART_INK "' front\n");
    }
}

void ts_chart_payback_fan(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report)
{
    const struct ts_uncertainty *uncertainty = report->input.uncertainty;
    double lowest = 0.0, highest = 0.0;
    ts_text_puts(dat, "# month, ahead of the permitted calls at the API by: p10, p50, p90 of all draws\n");
    for (uint32_t m = 0; m <= uncertainty->n_months; m++) {
        const struct ts_interval *fan = &uncertainty->ahead_usd[m];
        ts_text_printf(dat, "%u ", (unsigned)m);
        ts_chart_put(dat, fan->p10, " ");
        ts_chart_put(dat, fan->p50, " ");
        ts_chart_put(dat, fan->p90, "\n");
        lowest = fmin(lowest, fan->p10);
        highest = fmax(highest, fan->p90);
    }
    const double room = fmax(0.08 * (highest - lowest), 1e-9);
    ts_chart_month_tics(gp, uncertainty->n_months);
    ts_text_puts(gp, "set yrange [");
    ts_chart_put(gp, lowest - room, ":");
    ts_chart_put(gp, highest + 2.0 * room, "]\n");
    ts_text_printf(gp, "set ylabel 'ahead by (%s)'\n", ts_model_currency(report->input.model));
    ts_chart_money_tics(gp, 'y', lowest - room, highest + 2.0 * room);
    put_odds(gp, uncertainty);
    ts_text_puts(
        gp, "plot 'payback_fan.dat' using 1:2:4 with filledcurves fillcolor rgb '#0072B2' fillstyle "
            "transparent solid 0.22 title '8 of 10 draws', \\\n"
            "     0 with lines linewidth 1.6 dashtype (6,3) linecolor rgb '" TS_CHART_FAINT "' title 'pays back', \\\n"
            "     '' using 1:3 with lines linewidth 2.8 linecolor rgb '#0072B2' title 'median of the draws'\n");
}
