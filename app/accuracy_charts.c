/* Hides how errors are drawn: predicted over recorded times per token of fits that have not seen the model, and the
 * spread of their ratio over the number of users. */
#include <math.h>

#include "app/accuracy_report.h"
#include "app/draw_chart.h"
#include "reports/chart.h"
#include "reports/gnuplot.h"
#include "sim/serving/roofline_fit.h"

enum { MAX_IN_BIN = 4096, N_BINS = 12 };

/* One block for each engine: recorded and predicted, ms. */
static void put_scatter(struct ts_text *dat, const struct ts_accuracy *of, const double *ratios)
{
    for (uint32_t g = 0; g < of->points.n_groups[TS_CLASS_ENGINE]; g++) {
        for (size_t i = 0; i < of->points.n; i++) {
            const struct ts_class_point *point = &of->points.points[i];
            if (point->measure == TS_CLASS_TPOT && point->group[TS_CLASS_ENGINE] == g && !isnan(ratios[i])) {
                ts_chart_put(dat, point->recorded * 1e3, " ");
                ts_chart_put(dat, point->recorded * ratios[i] * 1e3, "\n");
            }
        }
        ts_text_puts(dat, "\n\n");
    }
}

static const char *engine_of(const struct ts_accuracy *of, uint32_t group)
{
    for (size_t i = 0; i < of->points.n; i++) {
        if (of->points.points[i].group[TS_CLASS_ENGINE] == group) {
            return of->points.points[i].label[TS_CLASS_ENGINE];
        }
    }
    return "";
}

static void script_scatter(struct ts_text *gp, const struct ts_accuracy *of)
{
    ts_chart_begin(gp, "accuracy_scatter", "Time per token: predicted without the model, against recorded");
    ts_text_puts(gp,
                 "set logscale xy\nset grid xtics ytics linecolor rgb '" TS_CHART_GRID "' linewidth 1 linetype 1\n"
                 "set xrange [1.5:400]\nset yrange [1.5:400]\nset xlabel 'recorded, ms'\nset ylabel 'predicted, ms'\n"
                 "set key top left Left reverse\nplot x with lines linecolor rgb '" TS_CHART_INK "' notitle, \\\n"
                 "     x*1.25 with lines dashtype (4,3) linecolor rgb '" TS_CHART_FAINT "' title '25 % off', \\\n"
                 "     x/1.25 with lines dashtype (4,3) linecolor rgb '" TS_CHART_FAINT "' notitle");
    for (uint32_t g = 0; g < of->points.n_groups[TS_CLASS_ENGINE]; g++) {
        ts_text_printf(gp,
                       ", \\\n     'accuracy_scatter.dat' index %u using 1:2 with points pointtype 7 pointsize 0.35 "
                       "linecolor rgb '%s' title ",
                       (unsigned)g, ts_chart_colour(g));
        ts_gnuplot_quote(gp, engine_of(of, g));
    }
    ts_text_puts(gp, "\n");
    ts_chart_end(gp, "accuracy_scatter");
}

/* Users from 2^b to 2^(b+1): 10th, 50th and 90th percentile of predicted over recorded. */
static void put_batches(struct ts_text *dat, const struct ts_accuracy *of, const double *ratios,
                        enum ts_class_measure measure)
{
    for (int bin = 0; bin < N_BINS; bin++) {
        double some[MAX_IN_BIN];
        size_t n = 0;
        for (size_t i = 0; i < of->points.n && n < MAX_IN_BIN; i++) {
            const struct ts_class_point *point = &of->points.points[i];
            const bool inside = point->load.n_users >= exp2(bin) && point->load.n_users < exp2(bin + 1);
            if (point->measure == measure && inside && !isnan(ratios[i])) {
                some[n++] = ratios[i];
            }
        }
        if (n >= 5) {
            ts_chart_put(dat, exp2(bin), " ");
            ts_chart_put(dat, ts_roofline_fit_quantile(some, n, 0.1), " ");
            ts_chart_put(dat, ts_roofline_fit_quantile(some, n, 0.5), " ");
            ts_chart_put(dat, ts_roofline_fit_quantile(some, n, 0.9), "\n");
        }
    }
    ts_text_puts(dat, "\n\n");
}

static void script_batches(struct ts_text *gp)
{
    static const char *const names[] = {"time per token", "time to the first token"};
    ts_chart_begin(gp, "accuracy_batch", "Predicted without the model, over recorded, by concurrent users");
    ts_text_puts(gp,
                 "set logscale xy 2\nset grid xtics ytics linecolor rgb '" TS_CHART_GRID "' linewidth 1 linetype 1\n"
                 "set xlabel 'concurrent users (bars: from the 10th to the 90th percentile)'\n"
                 "set ylabel 'predicted over recorded'\nset yrange [0.25:4]\nset key top right\n"
                 "plot 1 with lines linecolor rgb '" TS_CHART_INK "' notitle");
    for (unsigned i = 0; i < 2; i++) {
        ts_text_printf(gp,
                       ", \\\n     'accuracy_batch.dat' index %u using ($1*%g):3:2:4 with yerrorbars pointtype 7 "
                       "linecolor rgb '%s' title '%s'",
                       i, i == 0 ? 1.0 : 1.15, ts_chart_colour(i), names[i]);
    }
    ts_text_puts(gp, "\n");
    ts_chart_end(gp, "accuracy_batch");
}

enum ts_status ts_accuracy_charts(const char *dir, const struct ts_accuracy *of, struct ts_diags *diags)
{
    const double *ratios = of->left[TS_CLASS_MODEL] ? of->left[TS_CLASS_MODEL] : of->fitted;
    struct ts_text dat, gp;
    ts_text_init(&dat);
    ts_text_init(&gp);
    put_scatter(&dat, of, ratios);
    script_scatter(&gp, of);
    enum ts_status status = ts_draw_chart(dir, "accuracy_scatter", &dat, &gp, diags);
    ts_text_clear(&dat);
    ts_text_clear(&gp);
    put_batches(&dat, of, ratios, TS_CLASS_TPOT);
    put_batches(&dat, of, ratios, TS_CLASS_TTFT);
    script_batches(&gp);
    status = status == TS_OK ? ts_draw_chart(dir, "accuracy_batch", &dat, &gp, diags) : status;
    ts_text_deinit(&dat);
    ts_text_deinit(&gp);
    return status;
}
