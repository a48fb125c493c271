/* Hides how the roofline is drawn. Both axes are logarithmic: operations per byte that has to move at least (packed
 * weights, float activations in, float results out) against 1e9 operations per second. A level of the memory is a
 * rising line, gops = bytes/s x operations per byte, up to the highest of the arithmetic peaks. Worked number: a Q4_0
 * product of 4096 x 14336 at one token is 117 million operations on 33 MB: 3.5 operations per byte, at 30 GB/s at most
 * 106 GOPS. Source: S. Williams, A. Waterman, D. Patterson, Roofline, CACM 52(4), 2009. */
#include "app/bench_roofline.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "reports/chart.h"
#include "reports/gnuplot.h"

static const char *const id = "roofline";
static const double gnuplot_limit_s = 60.0;

/* The largest working set of at most `bytes` in all and more than `above`; NULL if there is none. */
static const struct ts_bandwidth_sample *largest_within(const struct ts_measurement *m, uint64_t above, uint64_t bytes)
{
    const struct ts_bandwidth_sample *best = NULL;
    for (size_t i = 0; i < m->n_bandwidths; i++) {
        if (m->bandwidths[i].bytes > above && m->bandwidths[i].bytes <= bytes) {
            best = &m->bandwidths[i];
        }
    }
    return best;
}

size_t ts_bench_levels(struct ts_bench_level out[TS_BENCH_MAX_LEVELS], const struct ts_measurement *m)
{
    /* Three quarters of a private cache; of the last one a sixteenth: virtual machines name the whole socket's. */
    const uint64_t l1 = m->host.l1d_bytes / 4 * 3 * m->n_threads, l2 = m->host.l2_bytes / 4 * 3 * m->n_threads;
    const uint64_t l2_all = m->host.l2_bytes * m->n_threads,
                   l3 = m->host.l3_bytes / 16 > 2 * l2_all ? m->host.l3_bytes / 16 : m->host.l3_bytes / 2;
    const struct ts_bandwidth_sample *found[TS_BENCH_MAX_LEVELS] = {
        largest_within(m, 0, l1), largest_within(m, l1, l2), largest_within(m, l2_all, l3),
        m->n_bandwidths > 0 ? &m->bandwidths[m->n_bandwidths - 1] : NULL};
    static const char *const names[TS_BENCH_MAX_LEVELS] = {"L1", "L2", "L3", "memory"};
    size_t n = 0;
    for (size_t i = 0; i < TS_BENCH_MAX_LEVELS; i++) {
        if (found[i]) {
            out[n++] = (struct ts_bench_level){names[i], found[i]->gb_per_s.median};
        }
    }
    return n;
}

struct ts_bench_peaks ts_bench_peaks(const struct ts_measurement *m, size_t n)
{
    struct ts_bench_peaks peaks = {0};
    for (size_t i = 0; i < n; i++) {
        peaks.dot_gops = fmax(peaks.dot_gops, m[i].peak_dot_gops);
        peaks.bf16_gflops = fmax(peaks.bf16_gflops, m[i].peak_bf16_gflops);
        peaks.fma_gflops = fmax(peaks.fma_gflops, m[i].peak_fma_gflops);
    }
    return peaks;
}

static double highest(const struct ts_bench_peaks *peaks)
{
    return fmax(peaks->dot_gops, fmax(peaks->bf16_gflops, peaks->fma_gflops));
}

static double operations_per_byte(const struct ts_measurement *m, uint32_t n_tok)
{
    double rows = m->shapes->rows, cols = m->shapes->cols;
    double weight_bytes = (double)m->weight_bytes / m->shapes->count;
    return 2.0 * rows * cols * n_tok / (weight_bytes + sizeof(float) * (rows + cols) * n_tok);
}

static void put_points(struct ts_text *dat, const struct ts_measurement *m, size_t n)
{
    ts_text_puts(dat, "# operations per byte, GOPS, tokens; one block per format\n");
    for (size_t i = 0; i < n; i++) {
        ts_text_printf(dat, "%s# %s, kernel %s\n", i > 0 ? "\n\n" : "", m[i].quant, m[i].kernel);
        for (size_t k = 0; k < m[i].n_matmuls; k++) {
            ts_chart_put(dat, operations_per_byte(&m[i], m[i].matmuls[k].n_tok), " ");
            ts_chart_put(dat, m[i].matmuls[k].gops, " ");
            ts_text_printf(dat, "%u\n", m[i].matmuls[k].n_tok);
        }
    }
}

/* Whole powers of ten around all points and roofs. */
static void put_ranges(struct ts_text *gp, const struct ts_measurement *m, size_t n, const struct ts_bench_peaks *peaks)
{
    double left = INFINITY, right = 0.0, low = INFINITY, high = highest(peaks);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < m[i].n_matmuls; k++) {
            double x = operations_per_byte(&m[i], m[i].matmuls[k].n_tok);
            left = fmin(left, x);
            right = fmax(right, x);
            low = fmin(low, m[i].matmuls[k].gops);
            high = fmax(high, m[i].matmuls[k].gops);
        }
    }
    ts_text_puts(gp, "set logscale xy\nset xrange [");
    ts_chart_put(gp, pow(10.0, floor(log10(left / 1.5))), ":");
    ts_chart_put(gp, pow(10.0, ceil(log10(right * 1.5))), "]\nset yrange [");
    ts_chart_put(gp, pow(10.0, floor(log10(low / 1.5))), ":");
    ts_chart_put(gp, pow(10.0, ceil(log10(high * 1.2))), "]\n");
}

static void put_peak(struct ts_text *gp, const char *style, const char *what, double gops, const char *unit)
{
    if (gops > 0.0) {
        ts_chart_put(gp, gops, "");
        ts_text_printf(gp, " with lines %s linecolor rgb '" TS_CHART_INK "' title '%s %.0f %s', \\\n     ", style, what,
                       gops, unit);
    }
}

/* The rising lines, then the flat ones. */
static void put_roofs(struct ts_text *gp, const struct ts_measurement *m, const struct ts_bench_peaks *peaks)
{
    static const char *const dashes[TS_BENCH_MAX_LEVELS] = {"(2,3)", "(4,3)", "(8,3)", "solid"};
    struct ts_bench_level levels[TS_BENCH_MAX_LEVELS];
    size_t n = ts_bench_levels(levels, m);
    ts_text_puts(gp, "set samples 600\nroof(x, gb_per_s) = x * gb_per_s <= ");
    ts_chart_put(gp, highest(peaks), " ? x * gb_per_s : NaN\nplot ");
    for (size_t i = 0; i < n; i++) {
        ts_text_puts(gp, "roof(x, ");
        ts_chart_put(gp, levels[i].gb_per_s, "");
        ts_text_printf(gp, ") with lines linewidth 1.8 dashtype %s linecolor rgb '%s' title '%s %.0f GB/s', \\\n     ",
                       dashes[levels[i].name[0] == 'm' ? TS_BENCH_MAX_LEVELS - 1 : i], TS_CHART_FAINT, levels[i].name,
                       levels[i].gb_per_s);
    }
    put_peak(gp, "linewidth 2", "int8 dot products", peaks->dot_gops, "GOPS");
    put_peak(gp, "linewidth 1.6 dashtype (3,3)", "BF16 dot products", peaks->bf16_gflops, "GFLOPS");
    put_peak(gp, "linewidth 1.6 dashtype (8,3)", "float multiply-adds", peaks->fma_gflops, "GFLOPS");
}

static void put_script(struct ts_text *gp, const struct ts_measurement *m, size_t n)
{
    struct ts_text title;
    ts_text_init(&title);
    ts_text_printf(&title, "Matrix product %u x %u, %u thread%s", m->shapes->rows, m->shapes->cols, m->n_threads,
                   m->n_threads == 1 ? "" : "s");
    ts_chart_begin(gp, id, title.failed ? "Matrix product" : title.data);
    ts_text_deinit(&title);
    const struct ts_bench_peaks peaks = ts_bench_peaks(m, n);
    put_ranges(gp, m, n, &peaks);
    ts_text_puts(gp, "set grid xtics ytics linecolor rgb '" TS_CHART_GRID "' linewidth 1 linetype 1\n"
                     "set xlabel \"operations per byte moved (labels: tokens)\\n \"\n"
                     "set ylabel '1e9 operations per second'\n"
                     "set key below horizontal Left reverse maxcols 3 spacing 1.1 samplen 2\n");
    put_roofs(gp, m, &peaks);
    for (size_t i = 0; i < n; i++) {
        const char *colour = ts_chart_colour((uint32_t)i);
        ts_text_printf(
            gp,
            "'roofline.dat' index %zu using 1:2 with linespoints linewidth 1.2 pointtype %d pointsize 0.9 linecolor "
            "rgb '%s' title ",
            i, i % 2 == 0 ? 7 : 5, colour);
        ts_gnuplot_quote(gp, m[i].quant);
        if (i < 2) {
            ts_text_printf(
                gp, ", \\\n     '' index %zu using 1:2:3 with labels offset 0,%s textcolor rgb '%s' font ',11' notitle",
                i, i == 0 ? "0.7" : "-0.8", colour);
        }
        ts_text_puts(gp, i + 1 < n ? ", \\\n     " : "\n");
    }
    ts_chart_end(gp, id);
}

static enum ts_status draw(const char *dir, const struct ts_progress *progress, struct ts_diags *diags)
{
    struct ts_text why;
    ts_text_init(&why);
    enum ts_gnuplot_outcome outcome = ts_gnuplot_draw(dir, id, gnuplot_limit_s, progress, &why);
    if (outcome == TS_GNUPLOT_MISSING) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "install it, then type in that folder: gnuplot roofline.gp",
                     "gnuplot is not installed: the chart was not drawn");
    } else if (outcome != TS_GNUPLOT_OK) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), NULL, "gnuplot could not draw roofline.gp: %s", why.data);
    }
    ts_text_deinit(&why);
    return outcome == TS_GNUPLOT_STOPPED ? TS_EINTERRUPTED : TS_OK;
}

enum ts_status ts_bench_roofline(const char *dir, const struct ts_measurement *m, size_t n,
                                 const struct ts_progress *progress, struct ts_diags *diags)
{
    struct ts_text dat, gp;
    ts_text_init(&dat);
    ts_text_init(&gp);
    put_points(&dat, m, n);
    put_script(&gp, m, n);
    enum ts_status status = ts_mkdirs(dir, diags);
    if (status == TS_OK) {
        status = ts_file_write_text(dir, "roofline.dat", &dat, diags);
    }
    if (status == TS_OK) {
        status = ts_file_write_text(dir, "roofline.gp", &gp, diags);
    }
    if (status == TS_OK) {
        status = draw(dir, progress, diags);
    }
    ts_text_deinit(&gp);
    ts_text_deinit(&dat);
    return status;
}
