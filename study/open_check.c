/* Hides what stands in such a scenario. The load generator drew the gaps between requests from an exponential
 * distribution and sent the same prompts in turn: a class whose prompts are those of `n_prompts` requests ago. */
#include "study/open_check.h"

#include <math.h>

#include "base/hist.h"
#include "sim/serving/roofline_fit.h"
#include "study/text_trial.h"

enum { MAX_STAGES = 4096 };

static void put_scenario(struct ts_text *out, const struct ts_open_stage *stage)
{
    ts_text_printf(out,
                   "scenario: open\nworkload:\n  calls: %g /s\n  duration: %g s\n  prefix_block: 16 tok\n"
                   "  classes: [{name: chat, share: 100 %%, prompt: %.0f tok, output: %.0f tok, prefix: 100 %%, "
                   "prefix_lag: %.0f}]\n",
                   stage->rate_per_s, stage->duration_s, stage->prompt_tok, stage->output_tok, stage->n_prompts);
    ts_text_printf(out,
                   "tiers:\n  servers:\n    kind: server\n    hardware: %s\n    accelerators: %u\n    model: %s\n"
                   "    quant: %s\n    engine: %s\n    ability: 0\n"
                   "    scheduler: {sequences: %.0f, batched_tokens: %.0f, prefix_cache: true}\n"
                   "simulation: {patience: 0 s}\n",
                   stage->hardware, stage->n_accelerators, stage->model, stage->quant, stage->engine, stage->n_seqs,
                   stage->budget_tok);
}

static void compare(struct ts_open_ratio *out, const struct ts_open_stage *stage, const struct ts_cell *cell)
{
    const struct ts_hist *e2e = &cell->latency_ns[TS_E2E], *ttft = &cell->latency_ns[TS_TTFT];
    const double tpot_s = (stage->e2e_s - stage->ttft_s) / (stage->output_tok - 1.0);
    out->of[TS_OPEN_E2E] = 1e-9 * ts_hist_mean(e2e) / stage->e2e_s;
    out->of[TS_OPEN_TTFT] = 1e-9 * ts_hist_mean(ttft) / stage->ttft_s;
    out->of[TS_OPEN_TPOT] = 1e-9 * ts_hist_mean(&cell->latency_ns[TS_TPOT]) / tpot_s;
    out->of[TS_OPEN_E2E_P90] = 1e-9 * ts_hist_quantile(e2e, 0.9) / stage->e2e_p90_s;
    out->of[TS_OPEN_TTFT_P90] = 1e-9 * ts_hist_quantile(ttft, 0.9) / stage->ttft_p90_s;
}

enum ts_status ts_open_check(struct ts_open_ratio *ratios, const struct ts_catalog *catalog, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < catalog->n_open_stages && status == TS_OK; i++) {
        struct ts_text_trial trial;
        struct ts_text text;
        ts_text_init(&text);
        put_scenario(&text, &catalog->open_stages[i]);
        status = ts_text_trial_run(&trial, "open", &text, diags);
        if (status == TS_OK) {
            compare(&ratios[i], &catalog->open_stages[i], trial.cell);
            ts_text_trial_deinit(&trial);
        }
        ts_text_deinit(&text);
    }
    return status;
}

/* ---- tables ---- */

static const char *label_of(const struct ts_open_stage *stage, enum ts_open_label label)
{
    return label == TS_OPEN_SOURCE  ? stage->source
           : label == TS_OPEN_CHIP  ? stage->hardware
           : label == TS_OPEN_MODEL ? stage->model
                                    : "all";
}

struct ts_open_error ts_open_error(const struct ts_catalog *catalog, const struct ts_open_ratio *ratios,
                                   enum ts_open_measure measure, enum ts_open_label label, size_t stage)
{
    static _Thread_local double found[MAX_STAGES];
    const char *name = label_of(&catalog->open_stages[stage], label);
    struct ts_open_error error = {0};
    for (size_t i = 0; i < catalog->n_open_stages && error.n < MAX_STAGES; i++) {
        if (ts_str_equal(label_of(&catalog->open_stages[i], label), name)) {
            found[error.n++] = ratios[i].of[measure];
        }
    }
    error.bias = ts_roofline_fit_quantile(found, error.n, 0.5);
    for (size_t i = 0; i < error.n; i++) {
        found[i] = fabs(found[i] - 1.0);
    }
    error.median = ts_roofline_fit_quantile(found, error.n, 0.5);
    error.p90 = ts_roofline_fit_quantile(found, error.n, 0.9);
    return error;
}

static void put_row(struct ts_text *out, const struct ts_catalog *catalog, const struct ts_open_ratio *ratios,
                    enum ts_open_label label, size_t stage)
{
    const size_t n = ts_open_error(catalog, ratios, TS_OPEN_E2E, label, stage).n;
    ts_text_printf(out, "| %s | %zu |", label_of(&catalog->open_stages[stage], label), n);
    for (int m = 0; m < TS_OPEN_N_MEASURES; m++) {
        const struct ts_open_error e = ts_open_error(catalog, ratios, (enum ts_open_measure)m, label, stage);
        ts_text_printf(out, " %.1f / %.0f %%, %.2f |", 100.0 * e.median, 100.0 * e.p90, e.bias);
    }
    ts_text_puts(out, "\n");
}

void ts_open_print(struct ts_text *out, const struct ts_catalog *catalog, const struct ts_open_ratio *ratios)
{
    ts_text_puts(out, "| | stages | whole reply | to the first token | per token | whole reply, p90 | to the first "
                      "token, p90 |\n|---|---|---|---|---|---|---|\n");
    for (int label = 0; label <= (int)TS_OPEN_MODEL; label++) {
        for (size_t i = 0; i < catalog->n_open_stages; i++) {
            bool first = true;
            for (size_t j = 0; j < i && first; j++) {
                first = !ts_str_equal(label_of(&catalog->open_stages[i], (enum ts_open_label)label),
                                      label_of(&catalog->open_stages[j], (enum ts_open_label)label));
            }
            if (first) {
                put_row(out, catalog, ratios, (enum ts_open_label)label, i);
            }
        }
    }
}
