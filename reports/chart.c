/* Hides the frame that all charts share: size, fonts, colours, and that each script draws the same picture twice, as
 * SVG and as PNG. */
#include "reports/chart.h"

#include <math.h>

#include "reports/gnuplot.h"

static bool has_incidents(const struct ts_report *report)
{
    return ts_model_has_incidents(report->input.model);
}

static bool has_choice(const struct ts_report *report)
{
    return ts_report_has_choice(report->input.model);
}

static bool is_uncertain(const struct ts_report *report)
{
    return report->input.uncertainty != NULL;
}

static bool has_fan(const struct ts_report *report)
{
    return is_uncertain(report) && report->input.econ->has_baseline;
}

const struct ts_chart ts_charts[] = {
    {"latency", "How long requests take",
     "Each line climbs to the share of a tier's requests that were answered within the time below it: where it "
     "crosses 95 %, that is the p95. Solid lines are the first token (TTFT), dashed lines the whole answer (E2E). "
     "Further left is faster; the time axis is logarithmic, so each step to the right is ten times longer. Dotted "
     "verticals are the bounds of the SLO.",
     NULL, ts_chart_latency},
    {"cost", "What a month costs",
     "One bar for each kind of cost, stacked by tier, in the first month in full service (upkeep is maintenance); "
     "bought machines are spread over their life. The last two bars compare the plan's total with the same calls at "
     "the API, as far as policy permits. A colour means the same tier in every chart.",
     NULL, ts_chart_cost},
    {"power", "Power over the simulated time",
     "Electric power at the meter, host and cooling included, stacked by tier: the upper edge is the plan's total. The "
     "floor that never goes away is idle power. The power of an API is its provider's, so API tiers do not appear.",
     NULL, ts_chart_power},
    {"payback", "When the plan pays back",
     "All money spent so far: by the plan (solid; it starts with what the machines cost) and by the permitted calls at "
     "the API (dashed). Where the lines cross, the plan has paid back. The shaded area is how far it is "
     "ahead.",
     NULL, ts_chart_payback},
    {"payback_fan", "How sure the payback is",
     "How far the plan is ahead of the permitted calls at the API, with all uncertain inputs drawn together: in each "
     "month half of the draws lie above the line and 8 of 10 inside the band. Where line and band cross zero, the "
     "plan "
     "has paid back.",
     has_fan, ts_chart_payback_fan},
    {"tornado", "Which input matters",
     "One uncertain input at a time goes from its p10 to its p90, all others stay at their medians: how far the bar "
     "reaches is how far the figure moves. An input at the top is worth finding out about; one at the bottom is not.",
     is_uncertain, ts_chart_tornado},
    {"incidents", "What happens when something fails",
     "Requests answered by each tier over time, stacked, with those refused (rejected or given up) on top; the line is "
     "the arrivals. The dashed line is how many requests were under way, on the right-hand axis: an event is over when "
     "it is back where it was. Grey bands are the scenario's events.",
     has_incidents, ts_chart_incidents},
    {"frontier", "Quality that the router buys",
     "Share of the calls that are answered right, over the share that goes to the strongest tier. The curve is this "
     "router at every threshold between the weakest tier and the strongest, the dashed diagonal a random one; the "
     "horizontal lines are the best tier alone, and an oracle that sends each call where it will be answered right. "
     "The dot is this plan: tiers in between, or rules, can put it off the curve.",
     has_choice, ts_chart_frontier},
    {NULL, NULL, NULL, NULL, NULL},
};

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
