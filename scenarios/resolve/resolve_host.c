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

static void stretch_linear(struct ts_steps_linear *linear, double decode, double prefill)
{
    linear->a_s *= decode;
    linear->b_s_per_seq *= decode;
    linear->c_s_per_kv_tok *= decode;
    linear->d_s_per_prefill_tok *= prefill;
    linear->e_s_per_pair *= prefill;
}

/* Its first knot is what reading the weights takes; what further tokens add is computing. */
static void stretch_table(struct ts_loader *loader, struct ts_steps_table *table, double decode, double prefill)
{
    double *seconds = ts_loader_array(loader, table->n, sizeof *seconds);
    for (size_t i = 0; seconds && i < table->n; i++) {
        seconds[i] = decode * table->seconds[0] + prefill * (table->seconds[i] - table->seconds[0]);
    }
    table->seconds = seconds ? seconds : table->seconds;
    table->fixed_s *= decode;
    table->b_s_per_seq *= decode;
    table->c_s_per_kv_tok *= decode;
    table->e_s_per_pair *= prefill;
}

static void stretch_roofline(struct ts_steps_roofline *roof, double decode, double prefill)
{
    roof->fixed_s *= decode;
    roof->bytes_per_s /= decode;
    roof->per_tok_s *= prefill;
    roof->flop_per_s /= prefill;
}

void ts_resolve_steps_error(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *steps)
{
    const bool stretches = !ctx->broken && steps->kind != TS_STEPS_OPERATORS;
    ts_value_counts_if(ctx->value, "steps_error", stretches, "operator tables are taken as they were measured");
    if (!stretches || !ts_value_is_written(ctx->value, "steps_error")) {
        return;
    }
    const double decode = ts_value_number(ctx->value, "steps_error.decode");
    const double prefill = ts_value_number(ctx->value, "steps_error.prefill");
    if (steps->kind == TS_STEPS_LINEAR) {
        stretch_linear(&steps->u.linear, decode, prefill);
    } else if (steps->kind == TS_STEPS_TABLE) {
        stretch_table(loader, &steps->u.table, decode, prefill);
    } else {
        stretch_roofline(&steps->u.roofline, decode, prefill);
    }
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
