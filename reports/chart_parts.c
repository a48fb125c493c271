/* Hides how the parts of a chart are written for gnuplot. */
#include "reports/chart.h"

#include <math.h>

#include "reports/gnuplot.h"

const char *ts_chart_colour(uint32_t tier)
{
    static const char *const colours[] = {"#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00",
                                          "#F0E442", "#882255", "#44AA99", "#999933", "#332288", "#AA4499",
                                          "#117733", "#DDCC77", "#661100", "#88CCEE"};
    return colours[tier % (sizeof colours / sizeof *colours)];
}

void ts_chart_put(struct ts_text *out, double value, const char *then)
{
    if (isnan(value)) {
        ts_text_puts(out, "NaN");
    } else {
        ts_text_double(out, value);
    }
    ts_text_puts(out, then);
}

void ts_chart_say(struct ts_text *gp, const char *message)
{
    ts_text_printf(gp, "set label '%s' at graph 0.5,0.5 center textcolor rgb '" TS_CHART_FAINT "'\n", message);
}

static double tic_step(double span)
{
    double power = pow(10.0, floor(log10(span / 8.0)));
    double wanted = span / 8.0 / power;
    return power * (wanted <= 1.0 ? 1.0 : wanted <= 2.0 ? 2.0 : wanted <= 5.0 ? 5.0 : 10.0);
}

void ts_chart_money_tics(struct ts_text *gp, char axis, double low_usd, double high_usd)
{
    if (!(high_usd > low_usd)) {
        return;
    }
    double step = tic_step(high_usd - low_usd);
    ts_text_printf(gp, "set %ctics (", axis);
    long first = (long)ceil(low_usd / step - 1e-9), last = (long)floor(high_usd / step + 1e-9);
    for (long i = first; i <= last; i++) {
        double usd = (double)i * step, size = fabs(usd);
        double scale = size >= 1e9 ? 1e9 : size >= 1e6 ? 1e6 : size >= 1e3 ? 1e3 : 1.0;
        ts_text_puts(gp, i > first ? ", '" : "'");
        ts_text_number(gp, usd / scale, 6);
        ts_text_printf(gp, "%s' ", scale >= 1e9 ? "G" : scale >= 1e6 ? "M" : scale >= 1e3 ? "k" : "");
        ts_chart_put(gp, usd, "");
    }
    ts_text_puts(gp, ")\n");
}

void ts_chart_month_tics(struct ts_text *gp, uint32_t n_months)
{
    const unsigned step = n_months > 60 ? 12 : n_months > 24 ? 6 : n_months > 12 ? 3 : 1;
    ts_text_printf(gp, "set xrange [0:%u]\nset xtics %u\nset xlabel \"month\\n \"\n",
                   n_months > 0 ? (unsigned)n_months : 1, step);
}

void ts_chart_key_entry(struct ts_text *gp, bool *first, const char *style, const char *colour, const char *name)
{
    ts_text_printf(gp, "%sNaN with %s linecolor rgb '%s' title ", *first ? "plot " : ", \\\n     ", style, colour);
    struct ts_text clipped;
    ts_text_init(&clipped);
    ts_report_put_clipped(&clipped, name, TS_CHART_NAME_MAX);
    ts_gnuplot_quote(gp, clipped.data);
    gp->failed = gp->failed || clipped.failed;
    ts_text_deinit(&clipped);
    *first = false;
}
