/* Hides what stands in such a scenario. Engines that attend to sequences of their own (attention in parallel, experts
 * spread over all) are data_parallel. InferenceX sends ten requests for each user, all users at once at the beginning,
 * with lengths drawn at 0.8 to 1.0 of the longest; pooled.csv has their mean (NVIDIA/srt-slurm@c88ef731,
 * benchmarks/sa_bench.py). Seats and tokens of a step are the recipe's, where one is known. */
#include "study/pools_check.h"

#include <math.h>
#include <stdlib.h>

#include "sim/serving/roofline_fit.h"
#include "study/text_trial.h"

enum { REQUESTS_PER_USER = 10, MAX_POINTS = 4096 };

struct pool {
    const char *role;
    unsigned workers, count, parallel, seqs, tok;
};

static void put_pool(struct ts_text *out, const struct pool *pool)
{
    ts_text_printf(out, "      - {name: %s, role: %s, replicas: %u, accelerators: %u, data_parallel: %u", pool->role,
                   pool->role, pool->workers, pool->count, pool->parallel);
    if (pool->seqs > 0) {
        ts_text_printf(out, ", scheduler: {sequences: %u%s", pool->seqs, pool->tok > 0 ? "" : "}");
    }
    if (pool->tok > 0) {
        ts_text_printf(out, "%sbatched_tokens: %u}", pool->seqs > 0 ? ", " : ", scheduler: {", pool->tok);
    }
    ts_text_puts(out, "}\n");
}

static void put_drawn(struct ts_text *out, const char *key, double mean_tok)
{
    ts_text_printf(out, ", %s: {uniform: {low: %.0f tok, high: %.0f tok}}", key, mean_tok * 0.8 / 0.9, mean_tok / 0.9);
}

/* The scenario of a recorded point. */
static void put_scenario(struct ts_text *out, const struct ts_pooled *point)
{
    ts_text_printf(out, "scenario: pools\nworkload:\n  users: %.0f\n  requests: %.0f\n", point->users,
                   REQUESTS_PER_USER * point->users);
    ts_text_puts(out, "  classes: [{name: chat, share: 100 %");
    put_drawn(out, "prompt", point->prompt_tok);
    put_drawn(out, "output", point->output_tok);
    ts_text_printf(out,
                   "}]\ntiers:\n  servers:\n    kind: server\n    hardware: %s\n    model: %s\n    quant: %s\n    "
                   "engine: %s\n    ability: 0\n    scheduler: {sequences: 1024}\n    pools:\n",
                   point->hardware, point->model, point->quant, point->engine);
    put_pool(out, &(struct pool){"prefill", point->prefill_workers, point->prefill_count, point->prefill_parallel,
                                 point->prefill_seqs, point->prefill_tok});
    put_pool(out, &(struct pool){"decode", point->decode_workers, point->decode_count, point->decode_parallel,
                                 point->decode_seqs, 0});
    ts_text_puts(out, "simulation: {patience: 0 s}\n");
}

static void compare(struct ts_pools_ratio *out, const struct ts_pooled *point, const struct ts_cell *cell)
{
    out->tpot = 1e-9 * ts_hist_mean(&cell->latency_ns[TS_TPOT]) / point->tpot_s;
    out->ttft = 1e-9 * ts_hist_mean(&cell->latency_ns[TS_TTFT]) / point->ttft_s;
    out->rate =
        (point->ttft_s + (point->output_tok - 1.0) * point->tpot_s) / (1e-9 * ts_hist_mean(&cell->latency_ns[TS_E2E]));
}

enum ts_status ts_pools_check(struct ts_pools_ratio *ratios, const struct ts_catalog *catalog, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < catalog->n_pooled && status != TS_ENOMEM; i++) {
        struct ts_text_trial trial;
        struct ts_text text;
        ts_text_init(&text);
        put_scenario(&text, &catalog->pooled[i]);
        ratios[i] = (struct ts_pools_ratio){NAN, NAN, NAN};
        status = ts_text_trial_run(&trial, "pools", &text, NULL);
        if (status == TS_OK) {
            compare(&ratios[i], &catalog->pooled[i], trial.cell);
            ts_text_trial_deinit(&trial);
        }
        ts_text_deinit(&text);
    }
    return status == TS_ENOMEM ? ts_fail(diags, status, ts_span_none(), NULL, "recorded pools were not simulated")
                               : TS_OK;
}

/* ---- tables ---- */

static const char *chip_of(const struct ts_pooled *point)
{
    return point->hardware;
}

static const char *engine_of(const struct ts_pooled *point)
{
    return point->engine;
}

static const char *parallel_of(const struct ts_pooled *point)
{
    return point->decode_parallel == 1 ? "decode: tensors"
           : point->decode_count <= 8  ? "decode: attention in parallel, experts over up to 8"
                                       : "decode: attention in parallel, experts over more";
}

static const char *seats_of(const struct ts_pooled *point)
{
    const double seats = (double)point->decode_seqs * point->decode_workers * point->decode_parallel;
    return seats > 0.0 && point->users > seats ? "more users than seats in decode" : "seats for all, or not known";
}

static void put_error(struct ts_text *out, double *ratios, size_t n)
{
    const double middle = ts_roofline_fit_quantile(ratios, n, 0.5);
    for (size_t i = 0; i < n; i++) {
        ratios[i] = fabs(ratios[i] - 1.0);
    }
    ts_text_printf(out, " %.0f / %.0f %%, %.2f |", 100.0 * ts_roofline_fit_quantile(ratios, n, 0.5),
                   100.0 * ts_roofline_fit_quantile(ratios, n, 0.9), middle);
}

/* Those whose `name_of` is `name`; NULL: all. */
static void put_row(struct ts_text *out, const struct ts_catalog *catalog, const struct ts_pools_ratio *ratios,
                    const char *(*name_of)(const struct ts_pooled *), const char *name)
{
    static _Thread_local double tpot[MAX_POINTS], ttft[MAX_POINTS], rate[MAX_POINTS];
    size_t n = 0;
    for (size_t i = 0; i < catalog->n_pooled && n < MAX_POINTS; i++) {
        const bool wanted = !name || ts_str_equal(name_of(&catalog->pooled[i]), name);
        if (wanted && !isnan(ratios[i].tpot)) {
            tpot[n] = ratios[i].tpot;
            rate[n] = ratios[i].rate;
            ttft[n++] = ratios[i].ttft;
        }
    }
    ts_text_printf(out, "| %s | %zu |", name ? name : "all", n);
    put_error(out, tpot, n);
    put_error(out, ttft, n);
    put_error(out, rate, n);
    ts_text_puts(out, "\n");
}

static void put_rows(struct ts_text *out, const struct ts_catalog *catalog, const struct ts_pools_ratio *ratios,
                     const char *(*name_of)(const struct ts_pooled *))
{
    for (size_t i = 0; i < catalog->n_pooled; i++) {
        bool first = true;
        for (size_t j = 0; j < i && first; j++) {
            first = !ts_str_equal(name_of(&catalog->pooled[j]), name_of(&catalog->pooled[i]));
        }
        if (first) {
            put_row(out, catalog, ratios, name_of, name_of(&catalog->pooled[i]));
        }
    }
}

void ts_pools_print(struct ts_text *out, const struct ts_catalog *catalog, const struct ts_pools_ratio *ratios)
{
    ts_text_puts(out, "| | points | time per token | to the first token | throughput |\n|---|---|---|---|---|\n");
    put_row(out, catalog, ratios, NULL, NULL);
    put_rows(out, catalog, ratios, parallel_of);
    put_rows(out, catalog, ratios, seats_of);
    put_rows(out, catalog, ratios, engine_of);
    put_rows(out, catalog, ratios, chip_of);
}
