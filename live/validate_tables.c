/* Hides how a validation is laid out for people: rows of latencies and statistics, columns of live and predicted. */
#include "live/validate_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/sample.h"

static double limit_of(const struct ts_validate_limits *limits, enum ts_validate_stat stat)
{
    return stat == TS_VALIDATE_MEAN || stat == TS_VALIDATE_P50 ? limits->central_frac : limits->tail_frac;
}

/* ---- medians ---- */

static bool is_first(const struct ts_validation *validations, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (validations[i].load_frac == validations[index].load_frac) {
            return false;
        }
    }
    return true;
}

static const struct ts_comparison *unpaced_of(const struct ts_validation *v)
{
    return v->pace.n > 0 ? &v->unpaced_comparison : &v->comparison;
}

/* Over the runs of the load of validations[first]. */
static double median_of(const struct ts_validation *validations, size_t n, size_t first, bool unpaced, size_t latency,
                        size_t stat)
{
    struct ts_sample sample;
    ts_sample_init(&sample);
    for (size_t i = first; i < n; i++) {
        if (validations[i].load_frac == validations[first].load_frac) {
            const struct ts_comparison *comparison = unpaced ? unpaced_of(&validations[i]) : &validations[i].comparison;
            ts_sample_add(&sample, comparison->rows[latency][stat].error_frac);
        }
    }
    const double median = ts_sample_quantile(&sample, 0.5);
    ts_sample_deinit(&sample);
    return median;
}

size_t ts_validate_medians(struct ts_validate_errors *out, const struct ts_validation *validations, size_t n)
{
    size_t n_loads = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_first(validations, i)) {
            continue;
        }
        struct ts_validate_errors *errors = &out[n_loads++];
        *errors = (struct ts_validate_errors){.load_frac = validations[i].load_frac};
        for (size_t k = i; k < n; k++) {
            errors->n_runs += validations[k].load_frac == errors->load_frac;
        }
        for (size_t l = 0; l < TS_N_VALIDATE_LATENCIES; l++) {
            for (size_t s = 0; s < TS_N_VALIDATE_STATS; s++) {
                errors->error_frac[l][s] = median_of(validations, n, i, false, l, s);
                errors->unpaced_frac[l][s] = median_of(validations, n, i, true, l, s);
            }
        }
    }
    return n_loads;
}

void ts_validate_worst(const struct ts_validate_errors *errors, size_t n, double *central_frac, double *tail_frac)
{
    *central_frac = *tail_frac = 0.0;
    for (size_t i = 0; i < n; i++) {
        for (size_t l = 0; l < TS_N_VALIDATE_LATENCIES; l++) {
            for (size_t s = 0; s < TS_N_VALIDATE_STATS; s++) {
                double *worst = s == TS_VALIDATE_MEAN || s == TS_VALIDATE_P50 ? central_frac : tail_frac;
                *worst = fmax(*worst, fabs(errors[i].error_frac[l][s]));
            }
        }
    }
}

/* ---- one run ---- */

static void put_title(struct ts_text *title, const struct ts_validation *v)
{
    if (v->n_users > 0) {
        ts_text_printf(title, "With %u user%s", v->n_users, v->n_users == 1 ? "" : "s");
    } else {
        ts_text_printf(title, "At %.0f %% of capacity", 100.0 * v->load_frac);
    }
    if (v->run > 0) {
        ts_text_printf(title, ", run %u", v->run + 1);
    }
    ts_text_printf(title, ": %.3g requests/s, %zu requests, %llu done live, %llu predicted", v->rate_per_s, v->n,
                   (unsigned long long)v->comparison.live_done, (unsigned long long)v->comparison.predicted_done);
    if (v->pace.n > 0) {
        double low = INFINITY;
        double high = 0.0;
        for (size_t i = 0; i < v->pace.n; i++) {
            low = fmin(low, v->pace.factor[i]);
            high = fmax(high, v->pace.factor[i]);
        }
        ts_text_printf(title, "; steps took %.2f to %.2f of their usual time", low, high);
    }
    if (v->factors.n > 0) {
        ts_text_printf(title, "; fitted times x %.2f, those of prompts x %.2f, as %zu other requests have it",
                       v->factors.decode, v->factors.prompt, v->factors.n);
    }
}

static const char *verdict_on(double error_frac, double limit_frac)
{
    return fabs(error_frac) <= limit_frac ? "yes" : isnan(error_frac) ? "" : "no";
}

static void put_row(struct ts_table *table, const struct ts_validation *v, size_t latency, size_t stat,
                    const struct ts_validate_limits *limits)
{
    const struct ts_validate_row *row = &v->comparison.rows[latency][stat];
    ts_table_row(table);
    ts_table_putf(table, "%s %s", ts_validate_latency_name(latency), ts_validate_stat_name(stat));
    ts_table_num(table, 1e3 * row->live_s, 4);
    ts_table_num(table, 1e3 * row->predicted_s, 4);
    ts_table_num(table, 100.0 * row->error_frac, 3);
    ts_table_num(table, 100.0 * row->low_frac, 3);
    ts_table_num(table, 100.0 * row->high_frac, 3);
    ts_table_put(table, verdict_on(row->error_frac, limit_of(limits, stat)));
    if (v->pace.n > 0) {
        const struct ts_validate_row *unpaced = &v->unpaced_comparison.rows[latency][stat];
        ts_table_num(table, 1e3 * unpaced->predicted_s, 4);
        ts_table_num(table, 100.0 * unpaced->error_frac, 3);
    }
}

struct ts_table *ts_validate_table(const struct ts_validation *v, const struct ts_validate_limits *limits)
{
    static const char *const headers[] = {"live ms", "predicted ms", "error %", "95 % from", "to"};
    struct ts_text title;
    ts_text_init(&title);
    put_title(&title, v);
    struct ts_table *table = ts_table_create(title.data);
    ts_text_deinit(&title);
    ts_table_column(table, "", false);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ts_table_column(table, headers[i], true);
    }
    ts_table_column(table, "within limit", false);
    if (v->pace.n > 0) {
        ts_table_column(table, "usual pace ms", true);
        ts_table_column(table, "error %", true);
    }
    for (size_t i = 0; i < TS_N_VALIDATE_LATENCIES; i++) {
        for (size_t k = 0; k < TS_N_VALIDATE_STATS; k++) {
            put_row(table, v, i, k, limits);
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

/* ---- where the error comes from ---- */

static void put_budget(struct ts_table *table, const struct ts_validation *v, const char *name,
                       const struct ts_error_budget *budget)
{
    ts_table_row(table);
    ts_table_putf(table, "%.0f %%", 100.0 * v->load_frac);
    ts_table_num(table, v->run + 1.0, 2);
    ts_table_put(table, name);
    ts_table_num(table, 100.0 * budget->scheduler_frac, 2);
    ts_table_num(table, 100.0 * budget->host_frac, 2);
    ts_table_num(table, 100.0 * budget->steps_frac, 3);
    ts_table_num(table, 100.0 * budget->arrivals_frac, 2);
    ts_table_num(table, 100.0 * budget->whole_frac, 3);
}

struct ts_table *ts_validate_budget_table(const struct ts_validation *validations, size_t n)
{
    static const char *const headers[] = {"scheduler %", "host time %", "step model %", "arrivals %", "all %"};
    struct ts_table *table = ts_table_create("Where the error of the means comes from");
    ts_table_column(table, "load", true);
    ts_table_column(table, "run", true);
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

/* ---- all runs ---- */

static void put_runs(struct ts_table *table, const struct ts_validate_errors *errors,
                     const struct ts_validation *validations, size_t n, size_t latency, size_t stat,
                     const struct ts_validate_limits *limits)
{
    ts_table_row(table);
    ts_table_putf(table, "%.0f %%", 100.0 * errors->load_frac);
    ts_table_putf(table, "%s %s", ts_validate_latency_name(latency), ts_validate_stat_name(stat));
    for (size_t i = 0; i < n; i++) {
        if (validations[i].load_frac == errors->load_frac) {
            ts_table_num(table, 100.0 * validations[i].comparison.rows[latency][stat].error_frac, 3);
        }
    }
    const double median = errors->error_frac[latency][stat];
    const double limit = limit_of(limits, stat);
    ts_table_num(table, 100.0 * median, 3);
    ts_table_num(table, 100.0 * limit, 3);
    ts_table_put(table, verdict_on(median, limit));
    ts_table_num(table, 100.0 * errors->unpaced_frac[latency][stat], 3);
}

struct ts_table *ts_validate_runs_table(const struct ts_validation *validations, size_t n,
                                        const struct ts_validate_limits *limits)
{
    struct ts_table *table = ts_table_create("Errors of the runs");
    struct ts_validate_errors *errors = calloc(n ? n : 1, sizeof *errors);
    if (!table || !errors) {
        free(errors);
        ts_table_destroy(table);
        return NULL;
    }
    const size_t n_loads = ts_validate_medians(errors, validations, n);
    ts_table_column(table, "load", true);
    ts_table_column(table, "", false);
    for (uint32_t run = 0; n_loads > 0 && run < errors[0].n_runs; run++) {
        struct ts_text name;
        ts_text_init(&name);
        ts_text_printf(&name, "run %u %%", run + 1);
        ts_table_column(table, name.data, true);
        ts_text_deinit(&name);
    }
    ts_table_column(table, "median %", true);
    ts_table_column(table, "limit %", true);
    ts_table_column(table, "within limit", false);
    ts_table_column(table, "usual pace %", true);
    for (size_t k = 0; k < n_loads; k++) {
        for (size_t l = 0; l < TS_N_VALIDATE_LATENCIES; l++) {
            for (size_t s = 0; s < TS_N_VALIDATE_STATS; s++) {
                put_runs(table, &errors[k], validations, n, l, s, limits);
            }
        }
    }
    free(errors);
    return table;
}

/* ---- on the terminal ---- */

static enum ts_status check_answers(const struct ts_validation *validations, size_t n, struct ts_diags *diags)
{
    for (size_t i = 0; i < n; i++) {
        if (validations[i].comparison.n_pairs == 0) {
            return ts_fail(diags, TS_EIO, ts_span_none(), "see requests.csv",
                           "at %.0f %% load no request was answered: nothing to compare",
                           100.0 * validations[i].load_frac);
        }
    }
    return TS_OK;
}

enum ts_status ts_validate_verdict(const struct ts_validation *validations, size_t n, double max_error_frac,
                                   struct ts_diags *diags)
{
    struct ts_validate_errors *errors = calloc(n ? n : 1, sizeof *errors);
    double central_frac, tail_frac;
    const enum ts_status status = errors ? check_answers(validations, n, diags) : TS_ENOMEM;
    if (status != TS_OK) {
        free(errors);
        return status;
    }
    ts_validate_worst(errors, ts_validate_medians(errors, validations, n), &central_frac, &tail_frac);
    free(errors);
    printf("verdict: means and medians off by %.2g %% at worst, 90th and 99th percentiles by %.2g %%%s\n",
           100.0 * central_frac, 100.0 * tail_frac,
           n > 0 && validations[n - 1].run > 0 ? ", in the median of the runs" : "");
    if (central_frac > max_error_frac || tail_frac > 2.0 * max_error_frac) {
        return ts_fail(diags, TS_ELIMIT, ts_span_none(), NULL,
                       "the error passes the limit of %.3g %% (percentiles %.3g %%)", 100.0 * max_error_frac,
                       200.0 * max_error_frac);
    }
    return TS_OK;
}
