/* Hides what a device and a replica have in common and the order in which their derived numbers are found: hardware and
 * model, memory, steps. */
#include <math.h>
#include <string.h>

#include "scenarios/catalog/efficiency.h"
#include "scenarios/language/loader.h"

static const char this_machine[] = "this-machine";

static void resolve_hardware(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_value *value = ctx->value;
    const char *name = ts_value_text(value, "hardware");
    if (!ts_str_equal(name, this_machine)) {
        ctx->hardware = ts_catalog_hardware(&loader->catalog, name);
        if (!ctx->hardware || ctx->hardware->broken) {
            ctx->broken = true;
            return;
        }
        ctx->hardware_name = ctx->hardware->name;
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.hardware.row", value->path),
                         ctx->hardware->own ? TS_ORIGIN_SCENARIO : TS_ORIGIN_CATALOG,
                         ts_loader_printf(loader, ctx->hardware->own ? "%s (%s)" : "hardware.csv: %s (%s)",
                                          ctx->hardware->source, ctx->hardware->confidence),
                         "%s: %.4g TFLOPS fp16, %.4g TOPS int8, %.4g GB at %.4g GB/s, %.4g W, %.0f %s",
                         ctx->hardware->name, ctx->hardware->fp16_tflops, ctx->hardware->int8_tops,
                         ctx->hardware->memory_bytes / 1e9, ctx->hardware->bytes_per_s / 1e9, ctx->hardware->tdp_w,
                         ctx->hardware->list_price_usd, loader->currencies.code);
        return;
    }
    const char *path = loader->options->measurement_path;
    if (!path) {
        ts_loader_error(loader, ts_value_at(value, "hardware"),
                        "run `tiersim bench`, or name a file with --measurement",
                        "hardware: this-machine needs a measurement");
        ctx->broken = true;
        return;
    }
    loader->measurement_path = ts_loader_printf(loader, "%s", path);
    ctx->measurement = ts_loader_measurement(loader, loader->measurement_path);
    ctx->broken = !ctx->measurement;
    if (ctx->measurement && ts_measurement_is_import(ctx->measurement)) {
        ts_loader_error(loader, ts_value_at(value, "hardware"),
                        "write the hardware's name here, and the file under measured:",
                        "%s was imported: it does not describe this machine", loader->measurement_path);
        ctx->broken = true;
        return;
    }
    if (!ts_value_is_written(value, "measured")) {
        ts_resolve_machine(loader, value->path, ctx->measurement, path, true, ts_value_at(value, "hardware"));
    }
    if (ctx->measurement) {
        ctx->hardware_name = ts_loader_printf(loader, "this machine (%s, %u threads)", ctx->measurement->host.cpu,
                                              ctx->measurement->n_threads);
    }
}

/* Step times measured somewhere else than on the tier's own hardware. */
static void resolve_measured(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const char *path = ts_value_text(ctx->value, "measured");
    if (!path || ctx->broken) {
        return;
    }
    if (ts_value_is_written(ctx->value, "steps")) {
        ts_loader_error(loader, ts_value_at(ctx->value, "measured"), "keep the one that you mean",
                        "'measured' and 'steps' exclude each other");
        ctx->broken = true;
        return;
    }
    ctx->measurement = ts_resolve_measured(loader, ctx->value, "tiersim bench");
    ctx->broken = !ctx->measurement;
}

/* The model's files say how its weights are stored: another width is a choice, or a slip. */
static void check_stored(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const double stored = ctx->llm->stored_bits, quant = ctx->quant->bits_per_weight;
    if (stored > 0.0 && (quant > 1.5 * stored || quant < stored / 1.5)) {
        ts_loader_warning(loader, ts_value_at(ctx->value, "quant"),
                          stored > 6.0 ? "write quant: FP8 if these files are served"
                                       : "write quant: FP4, AWQ or the like if these files are served",
                          "quant is %s, of %.4g bit a weight; config.json says that its files have %.0f "
                          "(quantization_config)",
                          ctx->quant->name, quant, stored);
    }
}

static void resolve_model(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const char *name = ts_value_text(ctx->value, "model");
    const char *quant = ts_value_text(ctx->value, "quant");
    ctx->llm = ts_catalog_llm(&loader->catalog, name);
    ctx->quant = ts_catalog_quant(&loader->catalog, quant);
    if (!ctx->llm || ctx->llm->broken || !ctx->quant) {
        ctx->broken = true;
        return;
    }
    check_stored(loader, ctx);
    ctx->tier->model = ts_loader_printf(loader, "%s %s", ctx->llm->name, ctx->quant->name);
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.model.row", ctx->value->path),
                     ctx->llm->own ? TS_ORIGIN_SCENARIO : TS_ORIGIN_CATALOG,
                     ts_loader_printf(loader, ctx->llm->own ? "%s" : "models.csv: %s", ctx->llm->source),
                     "%s: %.4g G parameters (%.4g active), %u layers, %.0f B of KV per token at 16 bit", ctx->llm->name,
                     ctx->llm->params / 1e9, ctx->llm->params_active / 1e9, ctx->llm->layers,
                     ctx->llm->kv_bytes_per_tok);
}

static void resolve_offline(struct ts_loader *loader, struct ts_value *tier, struct ts_offline_model *out)
{
    struct ts_value *at = ts_value_at(tier, "offline");
    const bool has_hours = ts_value_is_set(at, "from") || ts_value_is_set(at, "to");
    ts_value_counts_if(at, "share", has_hours, "it has no hours: write from and to");
    *out = (struct ts_offline_model){.share_frac = ts_value_number(at, "share"),
                                     .has_weekend = ts_value_is_set(at, "weekend"),
                                     .weekend_frac = ts_value_number_or(at, "weekend", 0.0),
                                     .from_hour = ts_value_number_or(at, "from", 0.0),
                                     .to_hour = has_hours ? ts_value_number_or(at, "to", 24.0) : 0.0};
    if (has_hours && out->from_hour == out->to_hour) {
        ts_loader_error(loader, at, "write for example from: 22, to: 7", "hours from %g to %g are none", out->from_hour,
                        out->to_hour);
    } else if (ts_value_is_written(tier, "offline") && !ts_offline_is_told(out)) {
        ts_loader_error(loader, at, "write for example offline: {from: 22, to: 7}, or {weekend: 100 %}",
                        "it is not said when devices are offline");
    }
}

static void resolve_device(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_device_model *device = ctx->device;
    ctx->n_accelerators = ctx->tensor_parallel = ctx->pipeline_parallel = ctx->data_parallel = 1;
    device->n_users = ts_value_count(ctx->value, "users");
    device->eligible_frac = ts_value_number(ctx->value, "eligible");
    device->max_queue = ts_value_count(ctx->value, "max_queue");
    device->battery_wh = ts_value_number(ctx->value, "battery");
    ts_value_counts_if(ctx->value, "battery_a_day", device->battery_wh > 0.0, "it is on mains: write battery");
    device->battery_day_frac = device->battery_wh > 0.0 ? ts_value_number(ctx->value, "battery_a_day") : 0.0;
    if (ts_value_is_written(ctx->value, "heat")) {
        device->heat = (struct ts_heat_model){.sustained_frac = ts_value_number(ctx->value, "heat.sustained"),
                                              .heating_s = ts_value_number(ctx->value, "heat.heating"),
                                              .cooling_s = ts_value_number(ctx->value, "heat.cooling")};
    }
    resolve_offline(loader, ctx->value, &device->offline);
    ts_resolve_memory(loader, ctx);
    ts_resolve_steps(loader, ctx, &device->steps);
    ts_resolve_steps_error(loader, ctx, &device->steps);
}

/* Do classes differ in priority? */
static bool has_priorities(const struct ts_loader *loader)
{
    const struct ts_workload *workload = loader->workload;
    bool differ = false;
    for (size_t i = 1; i < workload->n_classes; i++) {
        differ = differ || workload->classes[i].priority != workload->classes[0].priority;
    }
    return differ;
}

bool ts_resolve_as_engine(struct ts_loader *loader, const struct ts_tier_context *ctx, const char *key,
                          bool engine_does)
{
    if (ts_value_is_set(ctx->value, key)) {
        return ts_value_flag(ctx->value, key);
    }
    if (engine_does) {
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.%s", ctx->value->path, key), TS_ORIGIN_CATALOG,
                         ts_loader_printf(loader, "engines.csv: %s", ts_resolve_engine(loader, ctx)->name), "true");
    }
    return engine_does;
}

static void resolve_scheduler(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    static const char *const of_vllm[] = {"scheduler.chunked_prefill", "scheduler.long_prefill",
                                          "scheduler.whole_admission", "scheduler.prompts_first", "scheduler.no_evict"};
    const struct ts_engine_cost *engine = ts_resolve_engine(loader, ctx);
    struct ts_replica_model *replica = &ctx->pool->replica;
    replica->policy = (enum ts_scheduler_policy)ts_value_choice(ctx->value, "scheduler.policy");
    ts_value_counts_if(ctx->value, "scheduler.order", has_priorities(loader), "all classes have the same priority");
    for (size_t i = 0; i < sizeof of_vllm / sizeof of_vllm[0]; i++) {
        ts_value_counts_if(ctx->value, of_vllm[i], replica->policy == TS_SCHEDULER_VLLM, "it is of policy vllm");
    }
    replica->max_batched_tok = ts_value_count(ctx->value, "scheduler.batched_tokens");
    replica->max_seqs = ts_value_count(ctx->value, "scheduler.sequences");
    replica->chunked_prefill = ts_value_flag(ctx->value, "scheduler.chunked_prefill");
    replica->plans_ahead =
        ts_value_is_set(ctx->value, "scheduler.async") && ts_value_flag(ctx->value, "scheduler.async");
    replica->long_prefill_tok = ts_value_count(ctx->value, "scheduler.long_prefill");
    replica->whole_admission = ts_value_flag(ctx->value, "scheduler.whole_admission");
    if (replica->policy == TS_SCHEDULER_VLLM) {
        replica->prompts_first =
            ts_resolve_as_engine(loader, ctx, "scheduler.prompts_first", engine && engine->prompts_first);
        replica->no_evict = ts_resolve_as_engine(loader, ctx, "scheduler.no_evict", engine && engine->no_evict);
    }
    replica->by_priority = ts_value_choice(ctx->value, "scheduler.order") == true;
    replica->prefix_cache = ts_value_flag(ctx->value, "scheduler.prefix_cache");
    replica->finds_own = replica->policy == TS_SCHEDULER_VLLM && !replica->prefix_cache &&
                         !ts_value_is_written(ctx->value, "scheduler.prefix_cache");
    replica->kv_unified = ts_value_flag(ctx->value, "scheduler.kv_unified");
    replica->block_tok = ts_value_count(ctx->value, "scheduler.block");
    if (replica->policy == TS_SCHEDULER_STATIC && replica->prefix_cache) {
        ts_loader_error(loader, ts_value_at(ctx->value, "scheduler.prefix_cache"),
                        "leave prefix_cache out, or use policy: vllm", "policy static has no prefix cache");
        ctx->broken = true;
    }
    if (replica->policy != TS_SCHEDULER_SLOTS && replica->kv_unified) {
        ts_loader_error(loader, ts_value_at(ctx->value, "scheduler.kv_unified"),
                        "leave kv_unified out, or use policy: slots", "kv_unified is of the policy slots");
        ctx->broken = true;
    }
}

/* Tokens given by a step: 1 + a + ... + a^k (Leviathan et al. 2023, equation 1). */
static void resolve_speculative(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_replica_model *replica = &ctx->pool->replica;
    struct ts_value *at = ts_value_at(ctx->value, "speculative");
    if (!ts_value_is_written(ctx->value, "speculative")) {
        return;
    }
    replica->speculative = (struct ts_speculative_model){.draft_tok = ts_value_count(at, "tokens"),
                                                         .acceptance_frac = ts_value_number(at, "acceptance"),
                                                         .draft_step_s = ts_value_number(at, "draft_step")};
    if (replica->policy != TS_SCHEDULER_VLLM) {
        ts_loader_error(loader, at, "leave speculative out, or use policy: vllm",
                        "speculative decoding is not modelled for this scheduler.policy");
        ctx->broken = true;
    }
    double given = 1.0;
    for (uint32_t i = 0; i < replica->speculative.draft_tok; i++) {
        given = 1.0 + replica->speculative.acceptance_frac * given;
    }
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.speculative.given", ctx->value->path), TS_ORIGIN_MODELLED,
                     "1 + a + ... + a^k (Leviathan et al. 2023)", "%.4g tokens a step and sequence", given);
}

/* Engines of a dense model do not wait for each other: they are replicas. */
static void resolve_data_parallel(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_value *at = ts_value_at(ctx->value, "data_parallel");
    const uint32_t n = ts_value_count(ctx->value, "data_parallel");
    ctx->data_parallel = n;
    if (n == 1) {
        return;
    }
    if (ctx->n_accelerators % n != 0) {
        ts_loader_error(loader, at, ts_loader_printf(loader, "write accelerators: %u", (unsigned)n),
                        "%u accelerators cannot be divided among %u engines", (unsigned)ctx->n_accelerators,
                        (unsigned)n);
    } else if (ctx->llm->n_experts == 0) {
        ts_loader_error(loader, at, ts_loader_printf(loader, "write replicas: %u", (unsigned)n),
                        "%s is not a mixture of experts: its engines are replicas", ctx->llm->name);
    } else if (ts_value_is_written(ctx->value, "steps.linear") || ts_value_is_set(ctx->value, "measured")) {
        ts_loader_error(loader, at, "write steps: {operators: FOLDER} or roofline, or replicas",
                        "'data_parallel' needs step times from operator tables, or a roofline");
    } else {
        ctx->n_accelerators /= n;
        return;
    }
    ctx->data_parallel = 1;
    ctx->broken = true;
}

/* The engines' schedulers as one: it has the room of all. */
static void share_scheduler(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_replica_model *replica = &ctx->pool->replica;
    const uint32_t n = ctx->data_parallel;
    if (n == 1) {
        return;
    }
    replica->long_prefill_tok = replica->long_prefill_tok > 0 ? replica->long_prefill_tok : replica->max_batched_tok;
    replica->max_batched_tok *= n;
    replica->max_seqs *= n;
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.data_parallel.engines", ctx->value->path), TS_ORIGIN_MODELLED,
                     "engines that step together as one: sequences evenly, a prompt on one of them",
                     "%u x %u sequences, %u tokens", (unsigned)n, replica->max_seqs / n, replica->max_batched_tok / n);
}

/* vLLM, SGLang and TensorRT-LLM divide whole heads and do not start otherwise; llama.cpp cuts rows. */
static void check_heads(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const uint32_t n = ctx->tensor_parallel;
    if (ctx->broken || !ts_resolve_divides_heads(loader, ctx) || ctx->llm->heads % n == 0) {
        return;
    }
    const uint32_t others = ctx->pipeline_parallel * ctx->data_parallel;
    const uint32_t more = ts_llm_divisor(ctx->llm, n), fewer = ts_llm_divisor_below(ctx->llm, n);
    const char *or_more = more > 0 ? ts_loader_printf(loader, " or %u", (unsigned)(more * others)) : "";
    ts_loader_error(loader, ts_value_at(ctx->value, "accelerators"),
                    ts_loader_printf(loader, "write accelerators: %u%s", (unsigned)(fewer * others), or_more),
                    "the %u heads of %s cannot be divided among %u accelerators: engines do not start like that",
                    ctx->llm->heads, ctx->llm->name, (unsigned)n);
    ctx->broken = true;
}

static void resolve_parallel(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    resolve_data_parallel(loader, ctx);
    uint32_t n = ctx->n_accelerators;
    uint32_t stages = ts_value_count(ctx->value, "pipeline_parallel");
    ctx->pipeline_parallel = stages;
    ctx->tensor_parallel = n / stages;
    if (n % stages != 0 || stages > ctx->llm->layers) {
        ts_loader_error(loader, ts_value_at(ctx->value, "pipeline_parallel"),
                        ts_loader_printf(loader, "write accelerators: %u", (unsigned)(stages * (n / stages + 1))),
                        "%u accelerators and %u layers cannot be divided among %u stages", (unsigned)n,
                        ctx->llm->layers, (unsigned)stages);
        ctx->pipeline_parallel = 1;
        ctx->tensor_parallel = n;
        ctx->broken = true;
    }
    check_heads(loader, ctx);
    ctx->n_accelerators = n * ctx->data_parallel;
}

static void resolve_replica(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_replica_model *replica = &ctx->pool->replica;
    replica->n_accelerators = ctx->n_accelerators = ts_value_count(ctx->value, "accelerators");
    resolve_parallel(loader, ctx);
    ts_value_counts_if(ctx->value, "interconnect", ctx->n_accelerators > 1, "there is one accelerator");
    resolve_scheduler(loader, ctx);
    share_scheduler(loader, ctx);
    resolve_speculative(loader, ctx);
    ts_resolve_memory(loader, ctx);
    ts_resolve_steps(loader, ctx, &replica->steps);
    ts_resolve_host(loader, ctx, &replica->steps);
    ts_resolve_steps_error(loader, ctx, &replica->steps);
    if (!ctx->broken) {
        ts_resolve_ideal(ctx, &replica->ideal);
    }
}

void ts_resolve_units(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    resolve_hardware(loader, ctx);
    resolve_measured(loader, ctx);
    resolve_model(loader, ctx);
    if (ctx->broken) {
        return;
    }
    if (ctx->pool) {
        resolve_replica(loader, ctx);
    } else {
        resolve_device(loader, ctx);
    }
}
