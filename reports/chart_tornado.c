/* Hides how the tornado is drawn: a bar to either side of what the plan is with all inputs at their medians, the widest
 * on top. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "reports/chart.h"
#include "reports/gnuplot.h"

enum { MAX_BARS = 12, MAX_KEY = 34 };

/* "...edge.steps_error.decode": a key's end says more than its beginning. */
static void put_key(struct ts_text *gp, const char *key)
{
    struct ts_text name;
    const size_t len = strlen(key);
    ts_text_init(&name);
    if (len > MAX_KEY) {
        ts_text_printf(&name, "...%s", key + len - MAX_KEY);
    } else {
        ts_text_puts(&name, key);
    }
    ts_gnuplot_quote(gp, name.data);
    gp->failed = gp->failed || name.failed;
    ts_text_deinit(&name);
}

static void put_bars(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report, const uint32_t *order,
                     enum ts_doubt doubt)
{
    const struct ts_uncertainty *uncertainty = report->input.uncertainty;
    const uint32_t n = uncertainty->n_inputs < MAX_BARS ? uncertainty->n_inputs : MAX_BARS;
    const double middle = ts_report_value(report, TS_SUBJECT_ALL, ts_doubts[doubt].name, ts_doubts[doubt].stat);
    double lowest = middle, highest = middle;
    ts_text_puts(gp, "set ytics (");
    for (uint32_t i = 0; i < n; i++) {
        const struct ts_doubt_input *input = &uncertainty->inputs[order[i]];
        ts_text_puts(gp, i > 0 ? ", " : "");
        put_key(gp, input->key);
        ts_text_printf(gp, " %u", (unsigned)(n - i));
        ts_text_printf(dat, "%u ", (unsigned)(n - i));
        ts_chart_put(dat, input->at_p10[doubt], " ");
        ts_chart_put(dat, input->at_p90[doubt], " ");
        ts_chart_put(dat, middle, "\n");
        lowest = fmin(lowest, fmin(input->at_p10[doubt], input->at_p90[doubt]));
        highest = fmax(highest, fmax(input->at_p10[doubt], input->at_p90[doubt]));
    }
    const double room = fmax(0.04 * (highest - lowest), 1e-9 * fmax(fabs(middle), 1.0));
    ts_text_printf(gp, ")\nset yrange [0.4:%u.6]\nset xrange [", (unsigned)n);
    ts_chart_put(gp, lowest - room, ":");
    ts_chart_put(gp, highest + room, "]\n");
    ts_chart_money_tics(gp, 'x', lowest - room, highest + room);
    ts_text_puts(gp, "set arrow from ");
    ts_chart_put(gp, middle, ",graph 0 to ");
    ts_chart_put(gp, middle, ",graph 1 nohead linewidth 1.2 linecolor rgb '" TS_CHART_INK "' front\n");
}

void ts_chart_tornado(struct ts_text *dat, struct ts_text *gp, const struct ts_report *report)
{
    const enum ts_doubt doubt = ts_report_weighed(report);
    char buffer[TS_UNIT_BYTES];
    struct ts_arena arena;
    ts_arena_init(&arena);
    uint32_t *order = ts_arena_array(&arena, report->input.uncertainty->n_inputs, sizeof *order);
    if (order) {
        ts_report_order_inputs(order, report);
        ts_text_printf(dat, "# bar, %s with the input at its p10, at its p90, with all at their medians\n",
                       ts_doubts[doubt].label);
        ts_text_printf(gp,
                       "set xlabel \"%s (%s)\\n \"\nset lmargin 32\nunset grid\n"
                       "set grid xtics linecolor rgb '" TS_CHART_GRID "' linewidth 1 linetype 1\n",
                       ts_doubts[doubt].label, ts_report_doubt_unit(buffer, report, doubt));
        put_bars(dat, gp, report, order, doubt);
        ts_text_puts(gp, "plot 'tornado.dat' using 2:1:($2<$4?$2:$4):($2<$4?$4:$2):($1-0.32):($1+0.32) with boxxyerror "
                         "fillcolor rgb '#56B4E9' title 'input at its p10', \\\n"
                         "     '' using 3:1:($3<$4?$3:$4):($3<$4?$4:$3):($1-0.32):($1+0.32) with boxxyerror fillcolor "
                         "rgb '#E69F00' title 'input at its p90'\n");
    }
    gp->failed = gp->failed || !order;
    ts_arena_deinit(&arena);
}
