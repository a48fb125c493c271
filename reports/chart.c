/* Hides the frame that all charts share: size, fonts, colours, and that each script draws the same picture twice, as
 * SVG and as PNG. */
#include "reports/chart.h"

#include <math.h>

#include "reports/gnuplot.h"

const struct ts_chart ts_charts[] = {
    {"latency", "How long requests take",
     "Each line climbs to the share of a tier's requests that were answered within the time below it: where it crosses "
     "95 %, that is "
     "the p95. Solid lines are the first token (TTFT), dashed lines the whole answer (E2E). Further left is faster; "
     "the time axis is "
     "logarithmic, so each step to the right is ten times longer. Dotted verticals are the bounds of the SLO.",
     ts_chart_latency},
    {"cost", "What a month costs",
     "One bar for each kind of cost, stacked by tier, in the first month in full service (upkeep is maintenance); "
     "bought machines are spread "
     "over their life. "
     "The last two bars compare the plan's total with the same calls all sent to the API. A colour means the same tier "
     "in every chart.",
     ts_chart_cost},
    {"power", "Power over the simulated time",
     "Electric power at the meter, host and cooling included, stacked by tier: the upper edge is what the plan draws "
     "in all. The floor "
     "that never goes away is what idle machines draw. Whoever sells an API pays for its power, so API tiers do not "
     "appear.",
     ts_chart_power},
    {"payback", "When the plan pays back",
     "All money spent so far: by the plan (solid; it starts with what the machines cost) and by sending the same calls "
     "to the API "
     "(dashed). Where the lines cross, the plan has paid back. The shaded area is what it is ahead by.",
     ts_chart_payback},
    {NULL, NULL, NULL, NULL},
};

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

void ts_chart_money_tics(struct ts_text *gp, double low_usd, double high_usd)
{
    if (!(high_usd > low_usd)) {
        return;
    }
    double step = tic_step(high_usd - low_usd);
    ts_text_puts(gp, "set ytics (");
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

void ts_chart_begin(struct ts_text *gp, const char *id, const char *title)
{
    ts_text_printf(gp, "# Draws %s.svg and %s.png from %s.dat: gnuplot %s.gp\n", id, id, id, id);
    ts_text_printf(
        gp,
        "set encoding utf8\n"
        "set terminal svg noenhanced size 780,440 font 'sans-serif,14' name 'chart_%s' background '#ffffff'\n"
        "set output '%s.svg'\n",
        id, id);
    ts_text_printf(
        gp, "set label '%s' at screen 0.015,0.95 left font 'sans-serif,17' textcolor rgb '" TS_CHART_INK "'\n", title);
    ts_text_puts(gp, "set tmargin 4\n"
                     "set rmargin 3\n"
                     "set border 3 linecolor rgb '" TS_CHART_FAINT "' linewidth 1\n"
                     "set tics nomirror out scale 0.6,0.3 textcolor rgb '" TS_CHART_INK "'\n"
                     "set format x '%g'\n"
                     "set xtics offset 0,0.2\n"
                     "set xlabel offset 0,0.4 textcolor rgb '" TS_CHART_INK "'\n"
                     "set ylabel textcolor rgb '" TS_CHART_INK "'\n"
                     "set grid ytics linecolor rgb '" TS_CHART_GRID "' linewidth 1 linetype 1\n"
                     "set key below horizontal Left reverse spacing 1.2 samplen 2 textcolor rgb '" TS_CHART_INK "'\n"
                     "set style fill solid 1.0 noborder\n");
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

void ts_chart_end(struct ts_text *gp, const char *id)
{
    ts_text_printf(
        gp,
        "set terminal pngcairo noenhanced size 1560,880 font 'sans-serif,14' fontscale 1.5 linewidth 2 pointscale 2 "
        "background '#ffffff'\n"
        "set output '%s.png'\n"
        "replot\n"
        "set output\n",
        id);
}

enum ts_status ts_chart_make(struct ts_text *dat, struct ts_text *gp, const struct ts_chart *chart,
                             const struct ts_report *report)
{
    ts_chart_begin(gp, chart->id, chart->title);
    chart->make(dat, gp, report);
    ts_chart_end(gp, chart->id);
    return dat->failed || gp->failed ? TS_ENOMEM : TS_OK;
}
