/* Hides the data and the scripts of the pictures. The data are CSV with a header, which spreadsheets read, too. */
#include "app/trace_charts.h"

#include <math.h>
#include <stdio.h>

#include "app/trace_draw.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/units.h"
#include "reports/chart.h"
#include "reports/gnuplot.h"

static const double gnuplot_limit_s = 60.0;

struct picture {
    const char *id, *title;
    bool (*applies)(const struct ts_trace_shape *shape);
    void (*make)(struct ts_text *csv, struct ts_text *gp, const struct ts_trace_shape *shape,
                 const struct ts_trace_stats *stats);
};

static void put_row(struct ts_text *csv, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ts_csv_put_number(csv, values[i], i == 0);
    }
    ts_text_puts(csv, "\n");
}

/* ---- rate ---- */

static bool has_bins(const struct ts_trace_shape *shape)
{
    return shape->n_bins > 2;
}

static void make_rate(struct ts_text *csv, struct ts_text *gp, const struct ts_trace_shape *shape,
                      const struct ts_trace_stats *stats)
{
    const double bin_s = ts_s_from_ns(shape->bin_ns), end_s = ts_s_from_ns(shape->last_ns);
    const double unit_s = end_s > 3.0 * 86400.0 ? 86400.0 : end_s > 7200.0 ? 3600.0 : end_s > 300.0 ? 60.0 : 1.0;
    const char *unit = unit_s > 3600.0 ? "days" : unit_s > 60.0 ? "h" : unit_s > 1.0 ? "min" : "s";
    double most = 0.0;
    (void)stats;
    ts_text_puts(csv, "time_s,calls_per_s,prompt_tok_per_s,output_tok_per_s\n");
    for (size_t i = 0; i + 1 < shape->n_bins; i++) { /* the last one is not over */
        const struct ts_shape_bin *bin = &shape->bins[i];
        const double row[] = {(double)i * bin_s, (double)bin->n / bin_s, bin->prompt_tok / bin_s,
                              bin->output_tok / bin_s};
        put_row(csv, row, 4);
    }
    ts_text_printf(
        gp,
        "set xlabel \"time since the first call (%s)\\n \"\nset ylabel 'calls per second'\nset yrange [0:*]\n"
        "set xrange [0:%.9g]\nset ytics nomirror\nset y2tics textcolor rgb '%s'\nset y2range [0:*]\n"
        "set y2label 'prompt tokens per second' textcolor rgb '%s'\nset rmargin 12\nset format y2 '%s'\n"
        "plot 'rate.csv' using ($1/%g):3 axes x1y2 with steps linewidth 1 linecolor rgb '%s' title 'prompt "
        "tokens (right)', \\\n     'rate.csv' using ($1/%g):2 with steps linewidth 1.6 linecolor rgb '%s' "
        "title 'calls'\n",
        unit, end_s / unit_s, ts_chart_colour(1), ts_chart_colour(1), most < 10000.0 ? "%g" : "%.0s%c", unit_s,
        ts_chart_colour(1), unit_s, ts_chart_colour(0));
}

/* ---- week ---- */

static void make_week(struct ts_text *csv, struct ts_text *gp, const struct ts_trace_shape *shape,
                      const struct ts_trace_stats *stats)
{
    (void)stats;
    ts_text_puts(csv, "day,hour,calls_per_s,hours_in_trace\n");
    for (size_t i = 0; i < TS_SHAPE_WEEK_HOURS; i++) {
        const double hours = shape->hours_of_hour[i];
        const double row[] = {(double)(i / 24), (double)(i % 24),
                              hours > 0.1 ? (double)shape->n_of_hour[i] / hours / 3600.0 : NAN, hours};
        put_row(csv, row, 4);
    }
    ts_text_puts(gp, "set xrange [-0.5:23.5]\nset yrange [6.5:-0.5]\nset xtics 0,3,21\n"
                     "set ytics ('Mon' 0, 'Tue' 1, 'Wed' 2, 'Thu' 3, 'Fri' 4, 'Sat' 5, 'Sun' 6)\nunset grid\n"
                     "set xlabel 'hour of the day, UTC'\nset cblabel 'calls per second'\nset cbrange [0:*]\n"
                     "set palette defined (0 '#f2f7fc', 0.5 '#6baed6', 1 '#08306b')\nset rmargin 14\n"
                     "set datafile missing ''\n"
                     "plot 'week.csv' using 2:1:3 with image notitle\n");
}

/* ---- tokens ---- */

static void put_cdf(struct ts_text *csv, int what, const struct ts_hist *hist)
{
    uint32_t cursor = 0;
    uint64_t n = 0, so_far = 0;
    double value = 0.0, last = -1.0;
    while (ts_hist_next(hist, &cursor, &value, &n)) {
        so_far += n;
        const double share = (double)so_far / (double)hist->count;
        if (share - last >= 1.0 / 800.0 || so_far == hist->count) {
            const double row[] = {value, what == 0 ? share : NAN, what == 1 ? share : NAN};
            put_row(csv, row, 3);
            last = share;
        }
    }
}

static void make_tokens(struct ts_text *csv, struct ts_text *gp, const struct ts_trace_shape *shape,
                        const struct ts_trace_stats *stats)
{
    (void)shape;
    ts_text_puts(csv, "tokens,share_of_prompts,share_of_replies\n");
    put_cdf(csv, 0, &stats->prompt_tok);
    put_cdf(csv, 1, &stats->output_tok);
    ts_text_printf(gp,
                   "set logscale x 10\nset xrange [1:*]\nset yrange [0:100]\nset grid xtics\nset format x '%%.0s%%c'\n"
                   "set xlabel \"tokens (logarithmic)\\n \"\nset ylabel 'requests with at most this many (%%)'\n"
                   "plot 'tokens.csv' using 1:(100*$2) with lines linewidth 2.4 linecolor rgb '%s' title 'prompt', \\\n"
                   "     'tokens.csv' using 1:(100*$3) with lines linewidth 2.4 linecolor rgb '%s' title 'output'\n",
                   ts_chart_colour(0), ts_chart_colour(1));
}

/* ---- burstiness ---- */

static void make_burstiness(struct ts_text *csv, struct ts_text *gp, const struct ts_trace_shape *shape,
                            const struct ts_trace_stats *stats)
{
    (void)shape;
    ts_text_puts(csv, "window_s,variance_over_mean,peak_per_s,empty_share\n");
    for (size_t i = 0; i < TS_STATS_SCALES; i++) {
        const double row[] = {stats->scale_s[i], stats->dispersion[i], stats->peak_per_s[i], stats->empty_frac[i]};
        put_row(csv, row, 4);
    }
    ts_text_printf(gp,
                   "set logscale xy\nset xrange [0.7:5000]\nset xtics ('1 s' 1, '10 s' 10, '1 min' 60, '1 h' 3600)\n"
                   "set yrange [0.5:*]\nset xlabel \"window\\n \"\nset ylabel 'variance / mean of the counts'\n"
                   "plot 1 with lines dashtype (6,3) linewidth 1.6 linecolor rgb '" TS_CHART_INK
                   "' title 'Poisson', \\\n"
                   "     'burstiness.csv' using 1:2 with linespoints pointtype 7 pointsize 1.2 linewidth 2 linecolor "
                   "rgb '%s' title 'trace'\n",
                   ts_chart_colour(0));
}

static bool has_scales(const struct ts_trace_shape *shape)
{
    return shape->last_ns >= 20 * TS_NS_PER_S;
}

/* ---- caches ---- */

static bool has_prompts(const struct ts_trace_shape *shape)
{
    return shape->block_tok > 0;
}

static void make_reuse(struct ts_text *csv, struct ts_text *gp, const struct ts_trace_shape *shape,
                       const struct ts_trace_stats *stats)
{
    const double all = (double)ts_reuse_n_ids(shape->reuse);
    (void)stats;
    ts_text_puts(csv, "blocks,tokens,share_of_prompt_tokens\n");
    for (double size = 1.0; size < 2.0 * all; size *= sqrt(2.0)) {
        const double blocks = fmin(size, all);
        const double row[] = {round(blocks), round(blocks) * shape->block_tok,
                              ts_reuse_hit_frac(shape->reuse, size < all ? size : INFINITY)};
        put_row(csv, row, 3);
    }
    ts_text_printf(gp,
                   "set logscale x 10\nset yrange [0:*]\nset grid xtics\nset format x '%%.0s%%c'\n"
                   "set xlabel \"size of the cache, tokens (logarithmic)\\n \"\n"
                   "set ylabel 'prompt tokens found in it (%%)'\n"
                   "plot 'reuse.csv' using 2:(100*$3) with lines linewidth 2.4 linecolor rgb '%s' "
                   "title 'the least recently used goes first'\n",
                   ts_chart_colour(0));
}

/* ---- sessions ---- */

static bool has_sessions(const struct ts_trace_shape *shape)
{
    return shape->n_sessions > 1;
}

static void make_sessions(struct ts_text *csv, struct ts_text *gp, const struct ts_trace_shape *shape,
                          const struct ts_trace_stats *stats)
{
    uint32_t cursor = 0;
    uint64_t n = 0, so_far = 0;
    double value = 0.0;
    (void)stats;
    ts_text_puts(csv, "calls,sessions,share_with_at_most\n");
    while (ts_hist_next(&shape->turns, &cursor, &value, &n)) {
        so_far += n;
        const double row[] = {value, (double)n, (double)so_far / (double)shape->turns.count};
        put_row(csv, row, 3);
    }
    ts_text_printf(gp,
                   "set logscale x 10\nset xrange [0.9:*]\nset yrange [0:100]\nset grid xtics\n"
                   "set xlabel 'calls of a session (logarithmic)'\nset ylabel 'sessions with at most this many (%%)'\n"
                   "plot 'sessions.csv' using 1:(100*$3) with steps linewidth 2.4 linecolor rgb '%s' notitle\n",
                   ts_chart_colour(0));
}

/* ---- all of them ---- */

static const struct picture pictures[] = {
    {"rate", "Calls and tokens over time", has_bins, make_rate},
    {"week", "Calls by hour of the week", ts_trace_has_week, make_week},
    {"tokens", "How long prompts and replies are", NULL, make_tokens},
    {"burstiness", "How much calls come in bursts", has_scales, make_burstiness},
    {"reuse", "What a cache of prompts finds, by its size", has_prompts, make_reuse},
    {"sessions", "How many calls a session has", has_sessions, make_sessions},
};

static enum ts_status draw(const char *dir, const struct picture *picture, const struct ts_text *csv,
                           const struct ts_text *gp, const struct ts_progress *progress, struct ts_diags *diags)
{
    char name[64];
    struct ts_text why;
    (void)snprintf(name, sizeof name, "%s.csv", picture->id);
    enum ts_status status = ts_file_write_text(dir, name, csv, diags);
    (void)snprintf(name, sizeof name, "%s.gp", picture->id);
    status = status == TS_OK ? ts_file_write_text(dir, name, gp, diags) : status;
    if (status != TS_OK) {
        return status;
    }
    ts_text_init(&why);
    const enum ts_gnuplot_outcome outcome = ts_gnuplot_draw(dir, picture->id, gnuplot_limit_s, progress, &why);
    if (outcome == TS_GNUPLOT_STOPPED) {
        status = TS_EINTERRUPTED;
    } else if (outcome != TS_GNUPLOT_OK) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(),
                     outcome == TS_GNUPLOT_MISSING ? "install gnuplot; the .csv and .gp files are there" : NULL,
                     "%s was not drawn: %s", picture->id,
                     why.len > 0 && !why.failed ? why.data : "there is no gnuplot");
    }
    ts_text_deinit(&why);
    return status;
}

enum ts_status ts_trace_charts(const char *dir, const struct ts_trace_shape *shape, const struct ts_trace_stats *stats,
                               const struct ts_progress *progress, struct ts_diags *diags)
{
    enum ts_status status = ts_mkdirs(dir, diags);
    struct ts_text csv, gp;
    ts_text_init(&csv);
    ts_text_init(&gp);
    for (size_t i = 0; i < sizeof pictures / sizeof pictures[0] && status == TS_OK; i++) {
        const struct picture *picture = &pictures[i];
        if (picture->applies && !picture->applies(shape)) {
            continue;
        }
        ts_text_clear(&csv);
        ts_text_clear(&gp);
        ts_chart_begin(&gp, picture->id, picture->title);
        ts_text_puts(&gp, "set datafile separator ','\nset key autotitle columnhead\n");
        picture->make(&csv, &gp, shape, stats);
        ts_chart_end(&gp, picture->id);
        status = draw(dir, picture, &csv, &gp, progress, diags);
    }
    ts_text_deinit(&csv);
    ts_text_deinit(&gp);
    return status;
}
