/* Hides the columns and charts of a validation. The simulated batch is not recorded step by step: what the chart of the
 * running batch shows as predicted is the number of requests between their first token and their end. */
#include "app/validate_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/sample.h"
#include "base/file.h"
#include "reports/gnuplot.h"

enum { CDF_POINTS = 200, BATCH_POINTS = 600 };

static const double gnuplot_limit_s = 20.0;

/* ---- tables ---- */

static void put_error(struct ts_table *table, const struct ts_validate_row *row)
{
    ts_table_num(table, 100.0 * row->error_frac, 3);
    ts_table_num(table, 100.0 * row->low_frac, 3);
    ts_table_num(table, 100.0 * row->high_frac, 3);
}

struct ts_table *ts_validate_table(const struct ts_validation *v)
{
    static const char *const headers[] = {"live ms", "predicted ms", "error %", "95 % from", "to"};
    struct ts_text title;
    ts_text_init(&title);
    ts_text_printf(&title, "At %.0f %% of capacity: %.3g requests/s, %zu requests, %llu done live, %llu predicted",
                   100.0 * v->load_frac, v->rate_per_s, v->n, (unsigned long long)v->comparison.live_done,
                   (unsigned long long)v->comparison.predicted_done);
    struct ts_table *table = ts_table_create(title.data);
    ts_text_deinit(&title);
    ts_table_column(table, "", false);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ts_table_column(table, headers[i], true);
    }
    for (size_t i = 0; i < TS_N_VALIDATE_LATENCIES; i++) {
        for (size_t k = 0; k < TS_N_VALIDATE_STATS; k++) {
            const struct ts_validate_row *row = &v->comparison.rows[i][k];
            ts_table_row(table);
            ts_table_putf(table, "%s %s", ts_validate_latency_name(i), ts_validate_stat_name(k));
            ts_table_num(table, 1e3 * row->live_s, 4);
            ts_table_num(table, 1e3 * row->predicted_s, 4);
            put_error(table, row);
        }
    }
    ts_table_row(table);
    ts_table_put(table, "tokens/s");
    ts_table_num(table, v->comparison.live_tok_per_s, 4);
    ts_table_num(table, v->comparison.predicted_tok_per_s, 4);
    ts_table_num(table, 100.0 * (v->comparison.predicted_tok_per_s / v->comparison.live_tok_per_s - 1.0), 3);
    ts_table_row(table);
    ts_table_put(table, "preemptions");
    ts_table_num(table, (double)v->comparison.live_preemptions, 6);
    ts_table_num(table, (double)v->comparison.predicted_preemptions, 6);
    return table;
}

static void put_budget(struct ts_table *table, const struct ts_validation *v, const char *name,
                       const struct ts_error_budget *budget)
{
    ts_table_row(table);
    ts_table_putf(table, "%.0f %%", 100.0 * v->load_frac);
    ts_table_put(table, name);
    ts_table_num(table, 100.0 * budget->scheduler_frac, 2);
    ts_table_num(table, 100.0 * budget->arrivals_frac, 2);
    ts_table_num(table, 100.0 * budget->host_frac, 2);
    ts_table_num(table, 100.0 * budget->steps_frac, 3);
    ts_table_num(table, 100.0 * budget->whole_frac, 3);
}

struct ts_table *ts_validate_budget_table(const struct ts_validation *validations, size_t n)
{
    static const char *const headers[] = {"scheduler %", "arrivals %", "host time %", "step model %", "all %"};
    struct ts_table *table = ts_table_create("Where the error of the means comes from");
    ts_table_column(table, "load", true);
    ts_table_column(table, "", false);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ts_table_column(table, headers[i], true);
    }
    for (size_t i = 0; i < n; i++) {
        put_budget(table, &validations[i], "TTFT", &validations[i].ttft_budget);
        put_budget(table, &validations[i], "E2E", &validations[i].e2e_budget);
    }
    return table;
}

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
    ts_text_puts(out, "load_frac,rate_per_s,requests,metric,stat,live_s,predicted_s,error_frac,low_frac,high_frac,"
                      "recorded_steps_error_frac\n");
    for (size_t v = 0; v < n; v++) {
        for (size_t i = 0; i < TS_N_VALIDATE_LATENCIES; i++) {
            for (size_t k = 0; k < TS_N_VALIDATE_STATS; k++) {
                const struct ts_validate_row *row = &validations[v].comparison.rows[i][k];
                ts_text_double(out, validations[v].load_frac);
                put_number(out, validations[v].rate_per_s);
                ts_text_printf(out, ",%zu,%s,%s", validations[v].n, ts_validate_latency_name(i),
                               ts_validate_stat_name(k));
                put_number(out, row->live_s);
                put_number(out, row->predicted_s);
                put_number(out, row->error_frac);
                put_number(out, row->low_frac);
                put_number(out, row->high_frac);
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
    ts_text_puts(out, "load_frac,request,due_s,prompt_tok,output_tok,preemptions,queue_s,live_ttft_s,live_tpot_s,"
                      "live_e2e_s,predicted_ttft_s,predicted_tpot_s,predicted_e2e_s\n");
    for (size_t v = 0; v < n; v++) {
        const struct ts_validation *val = &validations[v];
        for (size_t i = 0; i < val->n; i++) {
            const struct ts_live_record *r = &val->live_run->records[i];
            ts_text_double(out, val->load_frac);
            ts_text_printf(out, ",%zu", i);
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

static void put_steps_csv(struct ts_text *out, const struct ts_validation *validations, size_t n)
{
    ts_text_puts(
        out,
        "load_frac,step,begin_s,seconds,model_s,sequences,decoding,prefill_tok,kv_read_tok,prefill_pairs,waiting\n");
    for (size_t v = 0; v < n; v++) {
        for (size_t i = 0; i < validations[v].live_run->n_steps; i++) {
            const struct ts_live_step *s = &validations[v].live_run->steps[i];
            ts_text_double(out, validations[v].load_frac);
            ts_text_printf(out, ",%zu", i);
            put_number(out, 1e-9 * (double)s->begin_ns);
            put_number(out, 1e-9 * (double)(s->end_ns - s->begin_ns));
            put_number(out, 1e-9 * (double)s->model_ns);
            ts_text_printf(out, ",%u,%u,%u,%.0f,%.0f,%u\n", s->load.n_seqs, s->load.n_decode, s->load.prefill_tok,
                           s->load.kv_read_tok, s->load.prefill_pairs, s->n_waiting);
        }
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

static void frame(struct ts_text *gp, const char *xlabel, const char *ylabel)
{
    ts_text_puts(gp, "set encoding utf8\nset key outside top center horizontal noenhanced\nset grid lc rgb '#dddddd'\n"
                     "set border 3 lc rgb '#808080'\nset tics nomirror\n");
    ts_text_printf(gp, "set xlabel '%s' noenhanced\nset ylabel '%s' noenhanced\n", xlabel, ylabel);
}

/* The plot command drawn twice, as SVG and as PNG. */
static void draw_twice(struct ts_text *gp, const char *id, const struct ts_text *plot)
{
    ts_text_printf(gp, "set terminal svg size 900,480 font 'sans,13' background '#ffffff'\nset output '%s.svg'\n%s\n",
                   id, plot->data);
    ts_text_printf(
        gp, "set terminal pngcairo size 1800,960 font 'sans,13' fontscale 2 linewidth 2\nset output '%s.png'\n%s\n", id,
        plot->data);
}

static void make_cdf(struct ts_text *dat, struct ts_text *gp, const struct ts_validation *validations, size_t n)
{
    struct ts_text plot;
    ts_text_init(&plot);
    frame(gp, "E2E, ms", "share of requests at or below");
    ts_text_puts(gp, "set logscale x\nset yrange [0:1]\n");
    ts_text_puts(&plot, "plot ");
    for (size_t v = 0; v < n; v++) {
        put_cdf(dat, validations[v].live.e2e_s, validations[v].n);
        put_cdf(dat, validations[v].predicted.e2e_s, validations[v].n);
        ts_text_printf(&plot,
                       "%s'cdf.dat' index %zu using 1:2 with lines lw 3 lc rgb '%s' title '%.0f %% load, live', "
                       "'' index %zu using 1:2 with lines dt 2 lw 2 lc rgb '%s' title 'predicted'",
                       v > 0 ? ", " : "", 2 * v, colour_of(v), 100.0 * validations[v].load_frac, 2 * v + 1,
                       colour_of(v));
    }
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

static void make_batch(struct ts_text *dat, struct ts_text *gp, const struct ts_validation *validations, size_t n)
{
    struct ts_text plot;
    ts_text_init(&plot);
    frame(gp, "time, s", "requests decoding");
    ts_text_printf(&plot, "set multiplot layout %zu,1\n", n);
    for (size_t v = 0; v < n; v++) {
        const double end_s = fmax(validations[v].live.end_s, validations[v].predicted.end_s);
        put_decoding(dat, &validations[v], &validations[v].live, end_s);
        put_decoding(dat, &validations[v], &validations[v].predicted, end_s);
        ts_text_printf(&plot,
                       "plot 'batch.dat' index %zu using 1:2 with steps lw 2 lc rgb '%s' title '%.0f %% load, live', "
                       "'' index %zu using 1:2 with steps dt 2 lw 2 lc rgb '#333333' title 'predicted'\n",
                       2 * v, colour_of(v), 100.0 * validations[v].load_frac, 2 * v + 1);
    }
    ts_text_puts(&plot, "unset multiplot");
    draw_twice(gp, "batch", &plot);
    ts_text_deinit(&plot);
}

/* ---- files ---- */

static enum ts_status write_text(const char *dir, const char *name, struct ts_text *text, struct ts_diags *diags)
{
    char *path = ts_path_join(dir, name);
    const enum ts_status status = path && !text->failed
                                      ? ts_file_write(path, text->data, text->len, diags)
                                      : ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    free(path);
    ts_text_clear(text);
    return status;
}

static enum ts_status write_chart(const char *dir, const char *id, struct ts_text *dat, struct ts_text *gp,
                                  struct ts_diags *diags)
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
        const enum ts_gnuplot_outcome outcome = ts_gnuplot_run(dir, gp_name, gnuplot_limit_s, &why);
        if (outcome != TS_GNUPLOT_OK) {
            ts_diags_add(diags, TS_WARNING, ts_span_none(), "install gnuplot; the .gp and .dat files are there",
                         "no picture of %s: %s", id, outcome == TS_GNUPLOT_MISSING ? "no gnuplot" : why.data);
        }
    }
    ts_text_deinit(&why);
    return status;
}

enum ts_status ts_validate_write(const char *dir, const struct ts_validation *validations, size_t n,
                                 struct ts_diags *diags)
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
        status = write_chart(dir, "cdf", &text, &gp, diags);
    }
    ts_text_clear(&text);
    ts_text_clear(&gp);
    make_batch(&text, &gp, validations, n);
    if (status == TS_OK) {
        status = write_chart(dir, "batch", &text, &gp, diags);
    }
    ts_text_deinit(&text);
    ts_text_deinit(&gp);
    return status;
}
