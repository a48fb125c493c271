/* Hides how the two cumulative curves are drawn, and where the payback's mark and words go so that they do not lie on
 * a line: below right of the crossing, or above left of it when it is late. */
#include <math.h>

#include "reports/chart.h"
#include "reports/gnuplot.h"

static double spent_at(const double *cumulative_usd, uint32_t n_months, double month)
{
    uint32_t before = (uint32_t)month < n_months ? (uint32_t)month : n_months;
    double after = before < n_months ? cumulative_usd[before + 1] : cumulative_usd[before];
    return cumulative_usd[before] + (month - before) * (after - cumulative_usd[before]);
}

static void put_mark(struct ts_text *gp, const struct ts_report *report)
{
    const struct ts_econ *econ = report->input.econ;
    double month = econ->payback_months, usd = spent_at(econ->baseline_cumulative_usd, econ->n_months, month);
    bool late = month > 0.55 * econ->n_months;
    ts_text_puts(gp, "set label '' at ");
    ts_chart_put(gp, month, ",");
    ts_chart_put(gp, usd,
                 " point pointtype 7 pointsize 1.1 linecolor rgb '" TS_CHART_INK
                 "' front\nset label 'pays back after ");
    ts_report_put_like(gp, report, "payback", TS_DOUBT_PAYBACK);
    ts_text_printf(gp, "%s' at ", econ->unpays ? ", falls behind again later" : "");
    ts_chart_put(gp, month, ",");
    ts_chart_put(gp, usd, late ? " right offset -1,1" : " left offset 1.2,-1");
    ts_text_puts(gp, " textcolor rgb '" TS_CHART_INK "' front\n");
}

static void put_words(struct ts_text *gp, const struct ts_report *report)
{
    const struct ts_econ *econ = report->input.econ;
    if (isfinite(econ->payback_months) && econ->payback_months > 0.0) {
        put_mark(gp, report);
    } else if (isfinite(econ->payback_months)) {
        ts_text_printf(gp,
                       "set label 'cheaper from the first month%s' at graph 0.03,0.95 left textcolor rgb '" TS_CHART_INK
                       "' front\n",
                       econ->unpays ? ", falls behind later" : "");
    } else {
        ts_text_printf(
            gp,
            "set label 'never pays back within %u months' at graph 0.03,0.95 left textcolor rgb '" TS_CHART_INK
            "' front\n",
            (unsigned)econ->n_months);
    }
}

void ts_chart_payback(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report)
{
    const struct ts_econ *econ = report->input.econ;
    double highest = 0.0, lowest = 0.0;
    ts_text_puts(dat, "# month, spent so far: by the plan, by the baseline\n");
    for (uint32_t month = 0; month <= econ->n_months; month++) {
        double plan_usd = econ->plan_cumulative_usd[month], baseline_usd = econ->baseline_cumulative_usd[month];
        ts_text_printf(dat, "%u ", (unsigned)month);
        ts_chart_put(dat, plan_usd, " ");
        ts_chart_put(dat, baseline_usd, "\n");
        highest = fmax(highest, fmax(plan_usd, baseline_usd));
        lowest = fmin(lowest, fmin(plan_usd, baseline_usd));
    }
    ts_chart_month_tics(gp, econ->n_months);
    ts_text_puts(gp, "set yrange [");
    ts_chart_put(gp, lowest < 0.0 ? 1.08 * lowest : 0.0, ":");
    ts_chart_put(gp, highest > 0.0 ? 1.16 * highest : 1.0, "]\n");
    ts_text_printf(gp, "set ylabel 'spent so far (%s)'\n", ts_model_currency(report->input.model));
    ts_chart_money_tics(gp, 'y', 1.08 * lowest, 1.16 * highest);
    put_words(gp, report);
    ts_text_puts(gp, "plot 'payback.dat' using 1:($3 > $2 ? $2 : $3):3 with filledcurves fillcolor rgb '" TS_CHART_FAINT
                     "' fillstyle transparent solid 0.22 title 'ahead by', \\\n"
                     "     '' using 1:3 with lines linewidth 2.4 dashtype (6,3) linecolor rgb '" TS_CHART_FAINT
                     "' title 'permitted calls at the API', \\\n"
                     "     '' using 1:2 with lines linewidth 2.8 linecolor rgb '" TS_CHART_INK "' title 'the plan'\n");
}
