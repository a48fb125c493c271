/* Hides how much room the steps to be timed need, and which of the workload they are taken from: its last requests,
 * which are served only if all others were. */
#include "live/validate_engine.h"

#include <stdlib.h>
#include <string.h>

#include "engine/kv_cache.h"
#include "live/catalog_model.h"
#include "live/validate.h"
#include "live/validate_scenario.h"
#include "sim/serving/server.h"

enum { DRY_REQUESTS = 400, MAX_BATCH = 256, MAX_DEPTH = 4096 };

/* The longest of the requests, in whole blocks. */
static uint32_t longest_tok(const struct ts_request_list *list)
{
    uint64_t longest = 0;
    for (size_t i = 0; i < list->n; i++) {
        const uint64_t tok = (uint64_t)list->requests[i].prompt_tok + list->requests[i].output_tok;
        longest = tok > longest ? tok : longest;
    }
    longest = longest < MAX_DEPTH ? longest : MAX_DEPTH;
    return ts_kv_pages_for((uint32_t)longest) * TS_KV_PAGE_TOK;
}

static enum ts_status open_live(struct ts_live **out, struct ts_live_options *options, const struct ts_tier_model *tier,
                                struct ts_arena *arena, struct ts_diags *diags)
{
    const char *blank_at = strrchr(tier->model, ' ');
    char *model = blank_at ? ts_arena_strndup(arena, tier->model, (size_t)(blank_at - tier->model)) : NULL;
    struct ts_model_config *config = ts_arena_alloc(arena, sizeof *config);
    enum ts_status status = ts_validate_scenario_check(tier, diags);
    if (status == TS_OK) {
        status = model && config ? ts_catalog_model_config(config, arena, model, diags) : TS_ENOMEM;
    }
    if (status != TS_OK) {
        return status;
    }
    options->config = config;
    options->quant = blank_at + 1;
    options->scheduler = ts_server_scheduler_config(&tier->u.server.pools[0].replica);
    return ts_live_create(out, options, diags);
}

enum ts_status ts_validate_engine_open(struct ts_live **live, struct ts_calibration **calibration,
                                       const struct ts_validate_engine_options *options, struct ts_arena *arena,
                                       struct ts_diags *diags)
{
    const struct ts_replica_model *replica = &options->tier->u.server.pools[0].replica;
    const uint32_t depth = longest_tok(options->list);
    const uint64_t most_blocks = (uint64_t)replica->max_seqs * (depth / TS_KV_PAGE_TOK + 1);
    struct ts_live_options engine = {
        .gguf_path = options->gguf_path,
        .isa = options->isa,
        .n_threads = options->n_threads,
        .seed = 1,
        .spare_blocks = (uint32_t)(most_blocks < replica->kv_blocks ? most_blocks : replica->kv_blocks),
    };
    const enum ts_status status = open_live(live, &engine, options->tier, arena, diags);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_calibration_options wanted = {
        .live = *live,
        .max_batch = replica->max_seqs < MAX_BATCH ? replica->max_seqs : MAX_BATCH,
        .max_prefill = replica->max_batched_tok,
        .max_depth = depth,
        .seed = 1,
        .progress = options->progress,
    };
    return ts_calibration_create(calibration, &wanted, diags);
}

enum ts_status ts_validate_engine_follow(struct ts_calibration *calibration, const struct ts_model *model,
                                         const struct ts_request_list *list, double rate_per_s, struct ts_diags *diags)
{
    struct ts_step_loads loads = {0};
    struct ts_timings timings;
    const struct ts_timings_options options = {.loads = &loads};
    const size_t n = list->n < DRY_REQUESTS ? list->n : DRY_REQUESTS;
    struct ts_request *requests = ts_request_list_at(list, list->n - n, n, rate_per_s);
    enum ts_status status = requests ? ts_timings_of_sim(&timings, model, requests, n, &options, diags) : TS_ENOMEM;
    free(requests);
    if (status == TS_OK) {
        ts_timings_deinit(&timings);
        status = loads.failed ? TS_ENOMEM : TS_OK;
    }
    if (status == TS_OK) {
        ts_calibration_follow(calibration, loads.loads, loads.n);
    }
    ts_step_loads_deinit(&loads);
    return status;
}
