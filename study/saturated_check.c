/* Hides what stands in such a scenario. All requests come in the first second: at a rate of that many, and the last is
 * done when the simulation ends. */
#include "study/saturated_check.h"

#include <math.h>

#include "sim/serving/roofline_fit.h"
#include "study/text_trial.h"

enum { MAX_RUNS = 1024 };

static void put_scenario(struct ts_text *out, const struct ts_saturated *run)
{
    ts_text_printf(out,
                   "scenario: saturated\nworkload:\n  calls: %.0f /s\n  duration: 1 s\n"
                   "  classes: [{name: chat, share: 100 %%, prompt: %.0f tok, output: %.0f tok}]\n",
                   run->n_requests, run->prompt_tok, run->output_tok);
    ts_text_printf(out,
                   "tiers:\n  servers:\n    kind: server\n    hardware: %s\n    accelerators: %u\n    model: %s\n"
                   "    quant: %s\n    kv: %s\n    engine: %s\n    ability: 0\n    max_queue: 100000\n"
                   "    scheduler: {sequences: 2048}\nsimulation: {patience: 0 s, drain: 0 s}\n",
                   run->hardware, run->n_accelerators, run->model, run->quant, run->kv, run->engine);
}

static double output_rate(const struct ts_text_trial *trial)
{
    return (double)trial->cell->output_tok / trial->outcome.result.simulated_s;
}

enum ts_status ts_saturated_check(double *ratios, const struct ts_catalog *catalog, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < catalog->n_saturated && status == TS_OK; i++) {
        struct ts_text_trial trial;
        struct ts_text text;
        ts_text_init(&text);
        put_scenario(&text, &catalog->saturated[i]);
        status = ts_text_trial_run(&trial, "saturated", &text, diags);
        if (status == TS_OK) {
            ratios[i] = output_rate(&trial) / catalog->saturated[i].tok_per_s;
            ts_text_trial_deinit(&trial);
        }
        ts_text_deinit(&text);
    }
    return status;
}

double ts_saturated_error(const double *ratios, size_t n, double quantile)
{
    double off[MAX_RUNS];
    n = n < MAX_RUNS ? n : MAX_RUNS;
    for (size_t i = 0; i < n; i++) {
        off[i] = fabs(ratios[i] - 1.0);
    }
    return ts_roofline_fit_quantile(off, n, quantile);
}

void ts_saturated_print(struct ts_text *out, const struct ts_catalog *catalog, const double *ratios)
{
    ts_text_puts(out, "| hardware | model | prompt, reply | recorded, tokens/s | predicted over recorded |\n"
                      "|---|---|---|---|---|\n");
    for (size_t i = 0; i < catalog->n_saturated; i++) {
        const struct ts_saturated *run = &catalog->saturated[i];
        ts_text_printf(out, "| %u x %s | %s %s | %.0f, %.0f | %.0f | %.2f |\n", run->n_accelerators, run->hardware,
                       run->model, run->quant, run->prompt_tok, run->output_tok, run->tok_per_s, ratios[i]);
    }
    ts_text_printf(out, "\nError: median %.0f %%, 90th percentile %.0f %%.\n",
                   100.0 * ts_saturated_error(ratios, catalog->n_saturated, 0.5),
                   100.0 * ts_saturated_error(ratios, catalog->n_saturated, 0.9));
}
