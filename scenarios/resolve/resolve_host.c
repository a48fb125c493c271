/* Hides when a server's host takes time of its own. Fitted rooflines come with their engine's, measured step times hold
 * it already; tables of operators time the accelerator alone. The defaults span what is reported of vLLM (scheduling
 * 0.5 to 2 ms, input preparation 1 to 5 ms a step): 1.5 ms for a small batch, 1.5 + 256 x 0.02 = 6.6 ms for a full one.
 * And how far a roofline is from the truth, which the scenario may suppose: times that are bound by memory scale with
 * the one factor, times that are bound by computing with the other. */
#include "measure/model_measurement.h"
#include "scenarios/catalog/efficiency.h"
#include "scenarios/language/loader.h"

/* Tables of operators, or step times that were derived from them. */
static bool times_the_accelerator_alone(const struct ts_tier_context *ctx, const struct ts_steps_model *steps)
{
    const struct ts_model_measurement *engine = ctx->measurement ? ctx->measurement->engine : NULL;
    return steps->kind == TS_STEPS_OPERATORS || (steps->origin == TS_ORIGIN_IMPORTED && engine && engine->import &&
                                                 ts_str_equal(engine->import->format, "operators"));
}

void ts_resolve_host(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *steps)
{
    (void)loader;
    if (ctx->broken || (!times_the_accelerator_alone(ctx, steps) && !ts_value_is_written(ctx->value, "host"))) {
        return;
    }
    steps->host = (struct ts_host_model){
        .fixed_s = ts_value_number(ctx->value, "host.fixed"),
        .per_seq_s = ts_value_number(ctx->value, "host.per_sequence"),
        .overlaps = ts_value_flag(ctx->value, "host.overlap"),
    };
}

void ts_resolve_steps_error(struct ts_tier_context *ctx, struct ts_steps_model *steps)
{
    const bool roofline = !ctx->broken && steps->kind == TS_STEPS_ROOFLINE;
    ts_value_counts_if(ctx->value, "steps_error", roofline,
                       "it applies to rooflines; other step times stay as they are");
    if (!roofline || !ts_value_is_written(ctx->value, "steps_error")) {
        return;
    }
    const double decode = ts_value_number(ctx->value, "steps_error.decode");
    const double prefill = ts_value_number(ctx->value, "steps_error.prefill");
    struct ts_steps_roofline *roof = &steps->u.roofline;
    roof->fixed_s *= decode;
    roof->bytes_per_s /= decode;
    roof->per_tok_s *= prefill;
    roof->flop_per_s /= prefill;
    steps->host.fixed_s *= decode;
    steps->host.per_seq_s *= decode;
}

const struct ts_engine_cost *ts_resolve_engine(const struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    static const char *const names[] = {"vllm", "sglang", "trtllm", "llama.cpp",
                                        "vllm-2025"}; /* as the schema numbers them */
    if (ctx->tier->kind == TS_TIER_SERVER) {
        return ts_efficiency_engine(&loader->catalog, names[ts_value_choice(ctx->value, "engine")]);
    }
    const struct ts_chip *chip = ctx->hardware ? ts_catalog_chip(&loader->catalog, ctx->hardware->name) : NULL;
    const bool is_phone = chip && ts_str_equal(chip->class_name, "phone");
    return ts_efficiency_engine(&loader->catalog, is_phone ? "executorch" : "llama.cpp");
}
