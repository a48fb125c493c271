/* Hides where the scenario comes from, and what stands in for step times before there are any. */
#include "live/validate_scenario.h"

#include "base/embed.h"
#include "engine/kv_cache.h"
#include "kernels/host.h"

extern const struct ts_embedded_file ts_embedded_validation[];

static const char in_memory[] = "(measured just now)";

static enum ts_status load(struct ts_scenario *out, const struct ts_validate_source *source,
                           const struct ts_measurement *measurement, struct ts_diags *diags)
{
    const struct ts_embedded_file *own = &ts_embedded_validation[0];
    const struct ts_scenario_options options = {
        .sets = source->sets,
        .n_sets = source->n_sets,
        .trace_path = source->trace_path,
        .trace_map = source->trace_map,
        .measurement_path = in_memory,
        .measurement = measurement,
        .text = source->path ? NULL : own->data,
    };
    return ts_scenario_load(out, source->path ? source->path : own->name, &options, diags);
}

/* The server tier on this machine that is to be validated: the first one. */
static enum ts_status find_tier(uint32_t *out, const struct ts_scenario *scenario, struct ts_diags *diags)
{
    for (uint32_t i = 0; i < scenario->model.n_tiers; i++) {
        const struct ts_tier_model *tier = &scenario->model.tiers[i];
        if (tier->kind == TS_TIER_SERVER && ts_str_has_prefix(tier->hardware, "this machine")) {
            *out = i;
            return TS_OK;
        }
    }
    return ts_fail(diags, TS_ESCENARIO, ts_span_none(), "see scenarios/validation/live.yaml",
                   "validate needs a tier of kind server with hardware: this-machine");
}

enum ts_status ts_validate_scenario_check(const struct ts_tier_model *tier, struct ts_diags *diags)
{
    const struct ts_replica_model *replica = &tier->u.server.pools[0].replica;
    if (replica->block_tok != TS_KV_PAGE_TOK) {
        return ts_fail(diags, TS_ESCENARIO, ts_span_none(), NULL,
                       "tier '%s': the reference engine has KV blocks of %d tokens", tier->name, (int)TS_KV_PAGE_TOK);
    }
    if (replica->prefix_cache) {
        return ts_fail(diags, TS_ESCENARIO, ts_span_none(), "set scheduler.prefix_cache to false",
                       "tier '%s': the reference engine has no prefix cache", tier->name);
    }
    if (replica->kv_unified) {
        return ts_fail(diags, TS_ESCENARIO, ts_span_none(), "set scheduler.kv_unified to false",
                       "tier '%s': in the reference engine no sequence reads another's KV entries", tier->name);
    }
    if (replica->speculative.draft_tok > 0) {
        return ts_fail(diags, TS_ESCENARIO, ts_span_none(), "leave speculative out",
                       "tier '%s': the reference engine drafts nothing", tier->name);
    }
    return TS_OK;
}

/* The host's own, and one step where nothing is measured. */
static enum ts_status make_measurement(struct ts_measurement *out, const struct ts_model_measurement *engine,
                                       struct ts_arena *arena)
{
    static const struct ts_step_sample step = {.n_tok = 1, .seconds = 1e-3};
    *out = engine ? (struct ts_measurement){.kernel = engine->kernel,
                                            .model = engine->model,
                                            .quant = engine->quant,
                                            .n_threads = engine->n_threads,
                                            .engine = engine}
                  : (struct ts_measurement){.steps = &step, .n_steps = 1, .model = "", .quant = "", .kernel = ""};
    return ts_host_detect(&out->host, arena);
}

enum ts_status ts_validate_scenario_load(struct ts_scenario *out, uint32_t *tier,
                                         const struct ts_validate_source *source,
                                         const struct ts_model_measurement *engine, struct ts_arena *arena,
                                         struct ts_diags *diags)
{
    struct ts_measurement measurement;
    struct ts_scenario scenario;
    struct ts_diags said;
    enum ts_status status = make_measurement(&measurement, engine, arena);
    if (status != TS_OK) {
        return status;
    }
    ts_diags_init(&said);
    status = load(&scenario, source, &measurement, &said);
    if (status != TS_OK || engine) {
        ts_diags_move(diags, &said);
    }
    ts_diags_deinit(&said);
    if (status != TS_OK) {
        return status;
    }
    status = find_tier(tier, &scenario, diags);
    if (status == TS_OK) {
        *out = scenario;
    } else {
        ts_scenario_deinit(&scenario);
    }
    return status;
}
