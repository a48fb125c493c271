/* Hides the numbers in the words: requests of all replications, calls that could have been found in a cache. */
#include "app/run_words.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/run_info.h"

static void print_rate(const char *what, double seconds, uint64_t n_requests)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_number(&text, seconds > 0.0 ? (double)n_requests / seconds : 0.0, 3);
    printf("%s %.3g s (%s requests/s)", what, seconds, text.data);
    ts_text_deinit(&text);
}

void ts_run_print_speed(const struct ts_report_input *input, double begin_s)
{
    uint64_t n_requests = 0;
    for (uint32_t i = 0; i < input->result->n_bins; i++) {
        n_requests += input->result->arrivals[i];
    }
    print_rate("\nsimulated in", input->info->wall_s, n_requests);
    print_rate("; whole run", ts_clock_now_s() - begin_s, n_requests);
    printf("; peak memory %.3g MB\n", ts_run_info_peak_bytes() * 1e-6);
}

void ts_run_warn_prompts(const struct ts_replications *runs, const struct ts_scenario *scenario, struct ts_diags *diags)
{
    for (uint32_t i = 0; i < scenario->model.n_tiers && scenario->model.prompts_are_told; i++) {
        const struct ts_tier_model *tier = &scenario->model.tiers[i];
        bool written = false;
        uint64_t n_calls = 0;
        for (uint32_t c = 0; c < runs->merged.n_classes; c++) {
            n_calls += runs->merged.tiers[i].cells[c].done;
        }
        for (uint32_t o = 0; tier->kind == TS_TIER_API && o < tier->u.api.n_offers; o++) {
            written = written || tier->u.api.offers[o].cached_is_written;
        }
        if (written && n_calls > 0 && runs->merged.tiers[i].looked_up_tok == 0) {
            ts_diags_add(diags, TS_WARNING, ts_span_file(scenario->workload.trace_path), NULL,
                         "no call of '%s' got the price of cached input: none says what its prompt starts with",
                         tier->name);
        }
    }
}
