/* Hides the files of a validation: their columns and charts. The simulated batch is not recorded step by step: what the
 * chart of the running batch shows as predicted is the number of requests between their first token and their end. */
#include "live/validate_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sample.h"
#include "reports/gnuplot.h"
#include "sim/serving/steptime.h"

enum { CDF_POINTS = 200, BATCH_POINTS = 600 };

static const double gnuplot_limit_s = 20.0;
static const double chart_s = 20.0; /* of the running batch: more is too much to look at */

/* ---- CSV ---- */

static void put_number(struct ts_text *out, double value)
{
    ts_text_puts(out, ",");
    if (!isnan(value)) {
        ts_text_double(out, value);
    }
}

static void put_validation_csv(struct ts_text *out, const struct ts_validation *validations, size_t n)
{
    ts_text_puts(out, "load_frac,run,rate_per_s,requests,metric,stat,live_s,predicted_s,error_frac,low_frac,high_frac,"
                      "usual_pace_s,usual_pace_error_frac,recorded_steps_error_frac\n");
    for (size_t v = 0; v < n; v++) {
        for (size_t i = 0; i < TS_N_VALIDATE_LATENCIES; i++) {
            for (size_t k = 0; k < TS_N_VALIDATE_STATS; k++) {
                const struct ts_validate_row *row = &validations[v].comparison.rows[i][k];
                const struct ts_validate_row *unpaced = &validations[v].unpaced_comparison.rows[i][k];
                ts_text_double(out, validations[v].load_frac);
                ts_text_printf(out, ",%u", validations[v].run + 1);
                put_number(out, validations[v].rate_per_s);
                ts_text_printf(out, ",%zu,%s,%s", validations[v].n, ts_validate_latency_name(i),
                               ts_validate_stat_name(k));
                put_number(out, row->live_s);
                put_number(out, row->predicted_s);
                put_number(out, row->error_frac);
                put_number(out, row->low_frac);
                put_number(out, row->high_frac);
                put_number(out, validations[v].pace.n > 0 ? unpaced->predicted_s : NAN);
                put_number(out, validations[v].pace.n > 0 ? unpaced->error_frac : NAN);
                put_number(out, validations[v].live_run->n_steps > 0
                                    ? validations[v].e2e_budget.recorded.rows[i][k].error_frac
                                    : NAN);
                ts_text_puts(out, "\n");
            }
        }
    }
}

static void put_requests_csv(struct ts_text *out, const struct ts_validation *validations, size_t n)
{
    ts_text_puts(out, "load_frac,run,request,due_s,prompt_tok,output_tok,preemptions,queue_s,live_ttft_s,live_tpot_s,"
                      "live_e2e_s,predicted_ttft_s,predicted_tpot_s,predicted_e2e_s\n");
    for (size_t v = 0; v < n; v++) {
        const struct ts_validation *val = &validations[v];
        for (size_t i = 0; i < val->n; i++) {
            const struct ts_live_record *r = &val->live_run->records[i];
            ts_text_double(out, val->load_frac);
            ts_text_printf(out, ",%u,%zu", val->run + 1, i);
            put_number(out, 1e-9 * (double)r->due_ns);
            ts_text_printf(out, ",%u,%u,%u", r->prompt_tok, r->output_tok, r->n_preemptions);
            put_number(out, r->start_ns == TS_NEVER_NS ? NAN : 1e-9 * (double)(r->start_ns - r->due_ns));
            put_number(out, val->live.ttft_s[i]);
            put_number(out, val->live.tpot_s[i]);
            put_number(out, val->live.e2e_s[i]);
            put_number(out, val->predicted.ttft_s[i]);
            put_number(out, val->predicted.tpot_s[i]);
            put_number(out, val->predicted.e2e_s[i]);
            ts_text_puts(out, "\n");
        }
    }
}

/* A run's steps and what was remembered at each, as the prediction has it: pauses are not among them. */
static void put_steps_of(struct ts_text *out, const struct ts_validation *v)
{
    const struct ts_pace_memory *memory = v->pace.memory;
    double heat = 0.0;
    for (size_t i = 0; i < v->live_run->n_steps; i++) {
        const struct ts_live_step *s = &v->live_run->steps[i];
        const double begin_s = 1e-9 * (double)s->begin_ns;
        const double seconds = 1e-9 * (double)(s->end_ns - s->begin_ns);
        const double model_s = ts_steptime_s(v->steps, &s->load);
        const bool has_prompt = s->load.prefill_tok > 0;
        if (memory && i > 0) {
            heat = ts_pace_heat(heat, begin_s - 1e-9 * (double)s[-1].end_ns, false, memory->memory_s);
        }
        ts_text_double(out, v->load_frac);
        ts_text_printf(out, ",%u,%zu", v->run + 1, i);
        put_number(out, begin_s);
        put_number(out, seconds);
        put_number(out, 1e-9 * (double)s->model_ns);
        put_number(out, model_s);
        put_number(out, ts_pace_step_s(&v->pace, begin_s, model_s, has_prompt, heat));
        ts_text_printf(out, ",%u,%u,%u,%.0f,%.0f,%u\n", s->load.n_seqs, s->load.n_decode, s->load.prefill_tok,
                       s->load.kv_read_tok, s->load.prefill_pairs, s->n_waiting);
        heat = memory ? ts_pace_heat(heat, seconds, has_prompt, memory->memory_s) : 0.0;
    }
}

static void put_steps_csv(struct ts_text *out, const struct ts_validation *validations, size_t n)
{
    ts_text_puts(
        out, "load_frac,run,step,begin_s,seconds,model_s,fitted_s,expected_s,sequences,decoding,prefill_tok,kv_read_"
             "tok,prefill_pairs,waiting\n");
    for (size_t v = 0; v < n; v++) {
        put_steps_of(out, &validations[v]);
    }
}

/* ---- charts ---- */

/* Blocks of gnuplot data, one a load and side: latency, share of requests. */
static void put_cdf(struct ts_text *dat, const double *values, size_t n)
{
    struct ts_sample sample;
    ts_sample_init(&sample);
    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i])) {
            ts_sample_add(&sample, values[i]);
        }
    }
    for (size_t k = 0; sample.n > 0 && k <= CDF_POINTS; k++) {
        const double p = (double)k / CDF_POINTS;
        ts_text_double(dat, 1e3 * ts_sample_quantile(&sample, p));
        ts_text_puts(dat, " ");
        ts_text_double(dat, p);
        ts_text_puts(dat, "\n");
    }
    if (sample.n == 0) {
        ts_text_puts(dat, "NaN NaN\n");
    }
    ts_text_puts(dat, "\n\n");
    ts_sample_deinit(&sample);
}

static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"};

static const char *colour_of(size_t i)
{
    return colours[i % (sizeof colours / sizeof colours[0])];
}

static void frame(struct ts_text *gp)
{
    ts_text_puts(gp, "set encoding utf8\nset grid lc rgb '#dddddd'\nset border 3 lc rgb '#808080'\n"
                     "set tics nomirror textcolor rgb '#404040'\n");
}

/* The plot command drawn twice, as SVG and as PNG. */
static void draw_twice(struct ts_text *gp, const char *id, const struct ts_text *plot)
{
    ts_text_printf(gp, "set terminal svg size 1100,480 font 'sans,13' background '#ffffff'\nset output '%s.svg'\n%s\n",
                   id, plot->data);
    ts_text_printf(
        gp, "set terminal pngcairo size 2200,960 font 'sans,13' fontscale 2 linewidth 2\nset output '%s.png'\n%s\n", id,
        plot->data);
}

/* A panel for each latency, a colour for each load; of several runs the first. */
static void make_cdf(struct ts_text *dat, struct ts_text *gp, const struct ts_validation *validations, size_t n)
{
    struct ts_text plot;
    size_t block = 0;
    ts_text_init(&plot);
    frame(gp);
    ts_text_puts(gp, "set logscale x\nset autoscale xfix\nset yrange [0:1]\n"
                     "set key left top Left reverse vertical noenhanced samplen 1.5 width -4\n");
    ts_text_puts(&plot, "set multiplot layout 1,3\n");
    for (size_t k = 0; k < TS_N_VALIDATE_LATENCIES; k++) {
        ts_text_printf(&plot, "%sset xlabel '%s, ms'\nset ylabel '%s'\nplot ", k == 0 ? "set key on\n" : "unset key\n",
                       ts_validate_latency_name(k), k == 0 ? "share of requests at or below" : "");
        for (size_t v = 0; v < n && validations[v].run == 0; v++) {
            put_cdf(dat, ts_timings_values(&validations[v].live, k), validations[v].n);
            put_cdf(dat, ts_timings_values(&validations[v].predicted, k), validations[v].n);
            ts_text_printf(&plot,
                           "%s'cdf.dat' index %zu using 1:2 with lines lw 5 lc rgb '%s' title '%.0f %%, live', "
                           "'' index %zu using 1:2 with lines lw 1.5 lc rgb '#000000' %s",
                           v > 0 ? ", " : "", block, colour_of(v), 100.0 * validations[v].load_frac, block + 1,
                           v == 0 ? "title 'predicted'" : "notitle");
            block += 2;
        }
        ts_text_puts(&plot, "\n");
    }
    ts_text_puts(&plot, "unset multiplot");
    draw_twice(gp, "cdf", &plot);
    ts_text_deinit(&plot);
}

/* Requests between their first token and their end, at times from 0 to the end. */
static void put_decoding(struct ts_text *dat, const struct ts_validation *v, const struct ts_timings *timings,
                         double end_s)
{
    for (size_t k = 0; k <= BATCH_POINTS; k++) {
        const double at_s = end_s * (double)k / BATCH_POINTS;
        unsigned n = 0;
        for (size_t i = 0; i < v->n; i++) {
            const double due_s = 1e-9 * (double)v->live_run->records[i].due_ns;
            n += !isnan(timings->e2e_s[i]) && due_s + timings->ttft_s[i] <= at_s && at_s < due_s + timings->e2e_s[i];
        }
        ts_text_double(dat, at_s);
        ts_text_printf(dat, " %u\n", n);
    }
    ts_text_puts(dat, "\n\n");
}

/* A panel for each load; of several runs the first, and of a long one its beginning. */
static void make_batch(struct ts_text *dat, struct ts_text *gp, const struct ts_validation *validations, size_t n)
{
    struct ts_text plot;
    size_t n_panels = 0;
    ts_text_init(&plot);
    frame(gp);
    while (n_panels < n && validations[n_panels].run == 0) {
        n_panels++;
    }
    ts_text_printf(&plot,
                   "set multiplot layout %zu,1\nset key outside top center horizontal noenhanced\n"
                   "set ylabel 'requests decoding'\nset xlabel ''\n",
                   n_panels);
    for (size_t v = 0; v < n_panels; v++) {
        const double end_s = fmin(chart_s, fmax(validations[v].live.end_s, validations[v].predicted.end_s));
        put_decoding(dat, &validations[v], &validations[v].live, end_s);
        put_decoding(dat, &validations[v], &validations[v].predicted, end_s);
        ts_text_printf(&plot,
                       "%sset xrange [0:%.4g]\n"
                       "plot 'batch.dat' index %zu using 1:2 with steps lw 4 lc rgb '%s' title '%.0f %% load, live', "
                       "'' index %zu using 1:2 with steps lw 1 lc rgb '#000000' title 'predicted'\n",
                       v + 1 == n_panels ? "set xlabel 'time, s'\n" : "", end_s, 2 * v, colour_of(v),
                       100.0 * validations[v].load_frac, 2 * v + 1);
    }
    ts_text_puts(&plot, "unset multiplot");
    draw_twice(gp, "batch", &plot);
    ts_text_deinit(&plot);
}

/* ---- files ---- */

static enum ts_status write_text(const char *dir, const char *name, struct ts_text *text, struct ts_diags *diags)
{
    const enum ts_status status = ts_file_write_text(dir, name, text, diags);
    ts_text_clear(text);
    return status;
}

static enum ts_status write_chart(const char *dir, const char *id, struct ts_text *dat, struct ts_text *gp,
                                  const struct ts_progress *progress, struct ts_diags *diags)
{
    char dat_name[32], gp_name[32];
    struct ts_text why;
    snprintf(dat_name, sizeof dat_name, "%s.dat", id);
    snprintf(gp_name, sizeof gp_name, "%s.gp", id);
    enum ts_status status = write_text(dir, dat_name, dat, diags);
    if (status == TS_OK) {
        status = write_text(dir, gp_name, gp, diags);
    }
    ts_text_init(&why);
    if (status == TS_OK) {
        const enum ts_gnuplot_outcome outcome = ts_gnuplot_draw(dir, id, gnuplot_limit_s, progress, &why);
        if (outcome != TS_GNUPLOT_OK) {
            ts_diags_add(diags, TS_WARNING, ts_span_none(), "install gnuplot; the .gp and .dat files are there",
                         "no picture of %s: %s", id, outcome == TS_GNUPLOT_MISSING ? "no gnuplot" : why.data);
        }
    }
    ts_text_deinit(&why);
    return status;
}

enum ts_status ts_validate_write(const char *dir, const struct ts_validation *validations, size_t n,
                                 const struct ts_progress *progress, struct ts_diags *diags)
{
    struct ts_text text, gp;
    ts_text_init(&text);
    ts_text_init(&gp);
    enum ts_status status = ts_mkdirs(dir, diags);
    put_validation_csv(&text, validations, n);
    if (status == TS_OK) {
        status = write_text(dir, "validation.csv", &text, diags);
    }
    ts_text_clear(&text);
    put_requests_csv(&text, validations, n);
    if (status == TS_OK) {
        status = write_text(dir, "requests.csv", &text, diags);
    }
    ts_text_clear(&text);
    put_steps_csv(&text, validations, n);
    if (status == TS_OK) {
        status = write_text(dir, "steps.csv", &text, diags);
    }
    ts_text_clear(&text);
    make_cdf(&text, &gp, validations, n);
    if (status == TS_OK) {
        status = write_chart(dir, "cdf", &text, &gp, progress, diags);
    }
    ts_text_clear(&text);
    ts_text_clear(&gp);
    make_batch(&text, &gp, validations, n);
    if (status == TS_OK) {
        status = write_chart(dir, "batch", &text, &gp, progress, diags);
    }
    ts_text_deinit(&text);
    ts_text_deinit(&gp);
    return status;
}
