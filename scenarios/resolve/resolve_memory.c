/* Hides how much of a memory the weights leave for the KV cache (MODEL: a server that batches).
 *
 *   weights = parameters x bits/8 + tables x (16 - bits)/8
 *   KV tokens = (accelerators x (memory x memory_use - kept) - weights x u)/(KV bytes per token x r x u)
 *
 *   u = ceil(layers/stages) x stages/layers: the fullest stage of a pipeline sets the bound
 *   r = tensor_parallel/min(tensor_parallel, KV heads): fewer KV heads than accelerators are kept more than once, and
 * the compressed entry of multi-head latent attention (DeepSeek) by every one
 *
 * Where part of the layers look back over a sliding window only, a sequence of n tokens holds
 * n x beyond + min(n, window) x (full - beyond) bytes: it saturates for those layers. Blocks are counted in tokens all
 * the same, so a token is counted at the mean over a sequence of common length: prompt + half the reply, in the mean
 * over the workload, or 2,048 tokens for a trace. Longer sequences are counted too high, shorter ones too low.
 *
 * Layers of linear attention, state space models and convolutions keep a state of constant size for each sequence
 * (models/hf_mixers.c): it is spread over the tokens of that common length in the same way, so that as many sequences
 * of it fit as do: memory/(KV bytes x length + state). A decode step reads it with the KV entries.
 *
 * Llama-3.1-70B in FP8 on one accelerator of 80 GB x 95 % with an fp8 cache of 163,840 B per token and 1.31 GB kept by
 * the engine leaves 12,442 tokens: its embedding and its head stay at 16 bit, as RedHat's and NVIDIA's checkpoints of
 * it have them, 72.7 GB in all. */
#include <math.h>

#include "scenarios/catalog/efficiency.h"
#include "scenarios/language/loader.h"

static const double most_blocks = 1e12; /* where a token takes (next to) nothing */

static double memory_of(struct ts_tier_context *ctx)
{
    return ctx->hardware ? ctx->hardware->memory_bytes : (double)ctx->measurement->host.memory_bytes;
}

static const char *origin_of(struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    const char *beside = ctx->table_bytes > 0.0 ? ", tables and towers at 16 bit" : "";
    return ts_loader_printf(loader, "%s x %.4g bit%s; %s", ctx->llm->name, ctx->quant->bits_per_weight, beside,
                            ctx->quant->source);
}

/* ---- what would fit ---- */

static double common_length(const struct ts_loader *loader)
{
    static const double of_a_trace = 2048.0;
    const struct ts_workload *workload = loader->workload;
    double sum = 0.0;
    for (size_t i = 0; !workload->trace_path && i < workload->n_classes; i++) {
        const struct ts_class_spec *class = &workload->classes[i];
        sum += class->share * (ts_dist_mean(&class->prompt_tok) + ts_dist_mean(&class->output_tok) / 2.0);
    }
    return sum >= 1.0 ? sum : of_a_trace;
}

/* The fullest stage of a pipeline over the mean. */
static double unevenness(const struct ts_tier_context *ctx)
{
    double stages = ctx->pipeline_parallel;
    return ceil(ctx->llm->layers / stages) * stages / ctx->llm->layers;
}

/* Engines that share experts have all other weights each. */
static double copied_bytes(const struct ts_tier_context *ctx)
{
    struct ts_steps_roofline roof = {0};
    ts_efficiency_split_experts(ctx->llm, ctx->quant->bits_per_weight, &roof);
    return roof.shared_bytes * (ctx->data_parallel - 1.0);
}

/* Embedding, and head if it is not the embedding: a token is multiplied with one of the two. */
static double table_params(const struct ts_llm *llm)
{
    const double table = (double)llm->hidden * llm->vocab;
    return llm->params_active - llm->flop_per_tok / 2.0 > 0.5 * table ? 2.0 * table : table;
}

/* Towers that see are kept at 16 bit, and with formats of linear layers, as servers take them, the tables. */
static double table_bytes(const struct ts_tier_context *ctx, const struct ts_weight_quant *quant)
{
    const bool wide = ctx->tier->kind == TS_TIER_SERVER && quant->linear_only;
    return 2.0 * ctx->llm->tower_params +
           (wide ? (table_params(ctx->llm) + ctx->llm->wide_params) * (16.0 - quant->bits_per_weight) / 8.0 : 0.0);
}

/* Room for a thousand tokens beside the weights: less is no server. */
static double needed_bytes(const struct ts_tier_context *ctx, const struct ts_weight_quant *quant)
{
    return (ctx->llm->params * quant->bits_per_weight / 8.0 + table_bytes(ctx, quant) +
            ctx->kv_bytes_per_tok * 1024.0) *
           unevenness(ctx);
}

/* The quant with the most bits that fits; NULL. */
static const char *quant_that_fits(const struct ts_loader *loader, const struct ts_tier_context *ctx,
                                   double usable_bytes)
{
    const struct ts_weight_quant *best = NULL;
    for (size_t i = 0; i < loader->catalog.n_quants; i++) {
        const struct ts_weight_quant *quant = &loader->catalog.quants[i];
        if (needed_bytes(ctx, quant) <= usable_bytes && (!best || quant->bits_per_weight > best->bits_per_weight)) {
            best = quant;
        }
    }
    return best ? best->name : NULL;
}

static const char *class_of(const struct ts_loader *loader, const struct ts_hardware *hardware)
{
    const struct ts_chip *chip = hardware ? ts_catalog_chip(&loader->catalog, hardware->name) : NULL;
    return chip ? chip->class_name : "";
}

bool ts_resolve_divides_heads(const struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    const struct ts_engine_cost *engine = ts_resolve_engine(loader, ctx);
    return ts_catalog_is_gpu(class_of(loader, ctx->hardware)) && engine &&
           ts_str_equal(engine->group, TS_ENGINES_SERVING);
}

/* What the engine keeps beside weights and KV cache on each accelerator (engines.csv): activations of its largest
 * batch, graphs, buffers. Of engines that serve, on GPUs. */
static double kept_bytes(struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    if (ctx->tier->kind != TS_TIER_SERVER || !ts_catalog_is_gpu(class_of(loader, ctx->hardware))) {
        return 0.0;
    }
    const struct ts_engine_cost *engine = ts_resolve_engine(loader, ctx);
    return engine ? engine->memory_bytes : 0.0;
}

static void assume_kept(struct ts_loader *loader, const struct ts_tier_context *ctx, double bytes)
{
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.memory_kept", ctx->value->path), TS_ORIGIN_FITTED,
                     "engines.csv: activations, graphs and buffers on each accelerator; from one vLLM 0.19 on an RTX "
                     "4090, H100 within 3 % of its blocks; more with vision towers",
                     "%.3g GB", bytes / 1e9);
}

static void assume_state(struct ts_loader *loader, const struct ts_tier_context *ctx, double length)
{
    if (ctx->llm->state_bytes > 0.0) {
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.state", ctx->value->path), TS_ORIGIN_MODELLED,
                         "layers that keep a state in place of KV entries, of constant size",
                         "%.4g MB of a sequence: %.0f B per token at the mean over %.0f tokens",
                         ctx->llm->state_bytes / 1e6, ctx->llm->state_bytes / length, length);
    }
}

/* The smallest accelerator of the same class with a price that fits, as many of it as there are; the cheaper of equals.
 * NULL. */
static const char *hardware_that_fits(const struct ts_loader *loader, const struct ts_tier_context *ctx, double share)
{
    const struct ts_hardware *best = NULL;
    for (size_t i = 0; i < loader->catalog.n_hardware; i++) {
        const struct ts_hardware *row = &loader->catalog.hardware[i];
        bool fits = row->memory_bytes * share >= needed_bytes(ctx, ctx->quant);
        bool candidate = fits && !row->includes_host && row->list_price_usd > 0.0 &&
                         ts_str_equal(class_of(loader, row), class_of(loader, ctx->hardware));
        if (candidate && (!best || row->memory_bytes < best->memory_bytes ||
                          (row->memory_bytes <= best->memory_bytes && row->list_price_usd < best->list_price_usd))) {
            best = row;
        }
    }
    return best ? best->name : NULL;
}

static const char *way_out(struct ts_loader *loader, const struct ts_tier_context *ctx, double usable_bytes)
{
    struct ts_text text;
    ts_text_init(&text);
    const char *quant = quant_that_fits(loader, ctx, usable_bytes);
    double per_accelerator = usable_bytes / ctx->n_accelerators;
    double memory_share = ts_value_number(ctx->value, "memory_use") * ctx->n_accelerators;
    const char *hardware = hardware_that_fits(loader, ctx, memory_share);
    double wanted = ceil(needed_bytes(ctx, ctx->quant) / per_accelerator);
    if (wanted > 0.0 && wanted <= 64.0 && ts_resolve_divides_heads(loader, ctx)) {
        wanted = ts_llm_divisor(ctx->llm, (unsigned)wanted);
    }
    if (wanted > 0.0 && wanted <= 64.0) { /* beyond that nobody means it */
        ts_text_printf(&text, "write accelerators: %.0f, or ", wanted);
    }
    if (quant) {
        ts_text_printf(&text, "quant: %s, or ", quant);
    }
    if (hardware) {
        ts_text_printf(&text, "hardware: %s, or ", hardware);
    }
    ts_text_puts(&text, "choose a smaller model");
    return ts_loader_keep(loader, &text);
}

static void does_not_fit(struct ts_loader *loader, struct ts_tier_context *ctx, double usable_bytes)
{
    struct ts_value *at = ts_value_at(ctx->value, "model");
    ctx->broken = true;
    if (ctx->tier->kind == TS_TIER_DEVICE) {
        const char *quant = quant_that_fits(loader, ctx, usable_bytes);
        ts_loader_error(loader, at,
                        quant ? ts_loader_printf(loader, "write quant: %s, or choose a smaller model", quant)
                              : "choose a smaller model",
                        "%s does not fit: its weights are %.1f GB, and %.1f GB of the device may be used",
                        ctx->tier->model, ctx->weight_bytes / 1e9, usable_bytes / 1e9);
        return;
    }
    ts_loader_error(loader, at, way_out(loader, ctx, usable_bytes),
                    "%s does not fit: its weights are %.1f GB, and %u x %s has %.1f GB to use: %.1f GB are missing for "
                    "them and 1,024 tokens of KV cache",
                    ctx->tier->model, ctx->weight_bytes / 1e9, (unsigned)ctx->n_accelerators, ctx->hardware_name,
                    usable_bytes / 1e9, (needed_bytes(ctx, ctx->quant) - usable_bytes) / 1e9);
}

/* ---- the plan ---- */

static void resolve_blocks(struct ts_loader *loader, struct ts_tier_context *ctx, double kv_tokens)
{
    struct ts_replica_model *replica = &ctx->pool->replica;
    const char *key = ts_loader_printf(loader, "%s.kv_blocks", ctx->value->path);
    if (ts_value_is_set(ctx->value, "kv_blocks")) {
        replica->kv_blocks = (uint64_t)ts_value_number(ctx->value, "kv_blocks") * ctx->data_parallel;
        return;
    }
    replica->kv_blocks = (uint64_t)fmin(kv_tokens / replica->block_tok, most_blocks);
    ts_loader_assume(loader, key, TS_ORIGIN_MODELLED, "KV tokens over the block size", "%.0f",
                     (double)replica->kv_blocks);
}

/* Slots share the cache evenly: what one of them holds. */
static double slot_tokens(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const struct ts_replica_model *replica = &ctx->pool->replica;
    const uint64_t share = replica->kv_blocks / replica->max_seqs;
    if (share == 0) {
        ts_loader_error(
            loader, ts_value_at(ctx->value, "scheduler.sequences"),
            ts_loader_printf(loader, "write sequences: %llu or fewer", (unsigned long long)(replica->kv_blocks)),
            "%u slots do not fit: there are %llu KV blocks", replica->max_seqs, (unsigned long long)replica->kv_blocks);
        ctx->broken = true;
    }
    return (double)(share * replica->block_tok);
}

static void resolve_context(struct ts_loader *loader, struct ts_tier_context *ctx, double kv_tokens)
{
    double longest = ctx->llm->context;
    const char *source = ts_loader_printf(loader, "models.csv: context of %s", ctx->llm->name);
    if (ts_value_is_set(ctx->value, "context")) {
        longest = ts_value_number(ctx->value, "context");
    }
    bool cut = kv_tokens < longest;
    if (!cut && ts_value_is_set(ctx->value, "context")) {
        ctx->context_tok = (uint32_t)longest;
        return;
    }
    ctx->context_tok = (uint32_t)(cut ? kv_tokens : longest);
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.context", ctx->value->path),
                     cut ? TS_ORIGIN_MODELLED : TS_ORIGIN_CATALOG,
                     cut ? "what the KV cache (one slot of it) holds" : source, "%u tok", (unsigned)ctx->context_tok);
}

static double kv_room(const struct ts_tier_context *ctx, double usable_bytes)
{
    double uneven = unevenness(ctx);
    return floor((usable_bytes - ctx->weight_bytes * uneven) / (ctx->kv_bytes_per_tok * uneven));
}

void ts_resolve_memory(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const char *path = ctx->value->path;
    const bool server = ctx->tier->kind == TS_TIER_SERVER;
    const bool explicit_blocks = server && ts_value_is_set(ctx->value, "kv_blocks");
    int kv_bits = ts_value_choice(ctx->value, "kv");
    ts_value_counts_if(ctx->value, "memory_use", !explicit_blocks, "kv_blocks says what fits");
    double use = ts_value_number(ctx->value, "memory_use");
    double memory = memory_of(ctx);
    bool known = memory > 0.0;
    ctx->table_bytes = table_bytes(ctx, ctx->quant) * ctx->data_parallel;
    ctx->weight_bytes = ctx->llm->params * ctx->quant->bits_per_weight / 8.0 + copied_bytes(ctx) + ctx->table_bytes;
    double length = common_length(loader);
    ctx->kv_bytes_per_tok = ts_efficiency_kv_bytes(ctx->llm, length) * (kv_bits / 16.0) *
                                ts_efficiency_kv_copies(ctx->llm, ctx->tensor_parallel) +
                            ctx->llm->state_bytes / length;
    assume_state(loader, ctx, length);
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.weights", path), TS_ORIGIN_MODELLED, origin_of(loader, ctx),
                     "%.4g GB", ctx->weight_bytes / 1e9);
    if (ctx->llm->sliding_window > 0) {
        ts_loader_assume(
            loader, ts_loader_printf(loader, "%s.sliding_window", path), TS_ORIGIN_MODELLED, "models.csv",
            "%.0f B of KV per token up to %u tokens, %.0f B beyond (16 bit): counted at the mean over %.0f tokens",
            ctx->llm->kv_bytes_per_tok, ctx->llm->sliding_window, ctx->llm->kv_bytes_per_tok_beyond_window, length);
    }
    const double kept = explicit_blocks ? 0.0 : kept_bytes(loader, ctx);
    if (kept > 0.0) {
        assume_kept(loader, ctx, kept);
    }
    double usable = (memory * use - kept) * ctx->n_accelerators;
    double kv_tokens = known ? kv_room(ctx, usable) : ctx->llm->context;
    if (explicit_blocks) {
        kv_tokens = ts_value_number(ctx->value, "kv_blocks") * ctx->pool->replica.block_tok * ctx->data_parallel;
    }
    if (kv_tokens < (server ? ctx->pool->replica.block_tok : 1.0)) {
        does_not_fit(loader, ctx, usable);
        return;
    }
    if (!explicit_blocks) {
        ts_loader_assume(
            loader, ts_loader_printf(loader, "%s.kv_tokens", path), TS_ORIGIN_MODELLED,
            known ? "(accelerators x (memory x memory_use - kept by the engine) - weights) / KV bytes per token"
                  : "memory unknown: one full context",
            "%.0f tok of %.0f B", kv_tokens, ctx->kv_bytes_per_tok);
    }
    if (server) {
        resolve_blocks(loader, ctx, kv_tokens);
        kv_tokens = ctx->pool->replica.policy == TS_SCHEDULER_SLOTS ? slot_tokens(loader, ctx) : kv_tokens;
    }
    resolve_context(loader, ctx, kv_tokens / ctx->data_parallel);
}
