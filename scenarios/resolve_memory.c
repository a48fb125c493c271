/* Hides how much of a memory the weights leave for the KV cache (MODEL: a server that batches).
 *
 *   weights = parameters x bits/8;  KV tokens = (accelerators x memory x memory_use - weights) / KV bytes per token
 *
 * Llama-3.1-70B in FP8 on one accelerator of 80 GB x 95 % with an fp8 cache of 163,840 B per token leaves 33,264
 * tokens. */
#include <math.h>

#include "scenarios/loader.h"

static double memory_of(struct ts_tier_context *ctx)
{
    return ctx->hardware ? ctx->hardware->memory_bytes : (double)ctx->measurement->host.memory_bytes;
}

static const char *origin_of(struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    return ts_loader_printf(loader, "%s x %.4g bit; %s", ctx->llm->name, ctx->quant->bits_per_weight,
                            ctx->quant->source);
}

static void does_not_fit(struct ts_loader *loader, struct ts_tier_context *ctx, double usable_bytes)
{
    double needed = ctx->weight_bytes + ctx->kv_bytes_per_tok * 1024.0;
    struct ts_value *at = ts_value_at(ctx->value, "model");
    ctx->broken = true;
    if (ctx->tier->kind == TS_TIER_DEVICE) {
        ts_loader_error(loader, at, "choose a smaller model or another quant",
                        "%s does not fit: its weights are %.1f GB, and %.1f GB of the device may be used",
                        ctx->tier->model, ctx->weight_bytes / 1e9, usable_bytes / 1e9);
        return;
    }
    double per_accelerator = usable_bytes / ctx->n_accelerators;
    double wanted = per_accelerator > 0.0 ? ceil(needed / per_accelerator) : 0.0;
    ts_loader_error(loader, at, ts_loader_printf(loader, "write accelerators: %.0f, or choose a smaller quant", wanted),
                    "%s does not fit: its weights are %.1f GB, and %u x %s has %.1f GB to use", ctx->tier->model,
                    ctx->weight_bytes / 1e9, (unsigned)ctx->n_accelerators, ctx->tier->hardware, usable_bytes / 1e9);
}

static void resolve_blocks(struct ts_loader *loader, struct ts_tier_context *ctx, double kv_tokens)
{
    struct ts_server_model *server = &ctx->tier->u.server;
    const char *key = ts_loader_printf(loader, "%s.kv_blocks", ctx->value->path);
    if (ts_value_is_set(ctx->value, "kv_blocks")) {
        server->kv_blocks = (uint64_t)ts_value_number(ctx->value, "kv_blocks");
        return;
    }
    server->kv_blocks = (uint64_t)(kv_tokens / server->block_tok);
    ts_loader_assume(loader, key, TS_ORIGIN_MODELLED, "KV tokens over the block size", "%.0f",
                     (double)server->kv_blocks);
}

/* Slots share the cache evenly: what one of them holds. */
static double slot_tokens(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const struct ts_server_model *server = &ctx->tier->u.server;
    const uint64_t share = server->kv_blocks / server->max_seqs;
    if (share == 0) {
        ts_loader_error(
            loader, ts_value_at(ctx->value, "scheduler.sequences"),
            ts_loader_printf(loader, "write sequences: %llu or fewer", (unsigned long long)(server->kv_blocks)),
            "%u slots do not fit: there are %llu KV blocks", server->max_seqs, (unsigned long long)server->kv_blocks);
        ctx->broken = true;
    }
    return (double)(share * server->block_tok);
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
        ctx->tier->context_tok = (uint32_t)longest;
        return;
    }
    ctx->tier->context_tok = (uint32_t)(cut ? kv_tokens : longest);
    ts_loader_assume(
        loader, ts_loader_printf(loader, "%s.context", ctx->value->path), cut ? TS_ORIGIN_MODELLED : TS_ORIGIN_CATALOG,
        cut ? "what the KV cache (a slot of it) holds" : source, "%u tok", (unsigned)ctx->tier->context_tok);
}

void ts_resolve_memory(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const char *path = ctx->value->path;
    bool fp8 = ts_value_choice(ctx->value, "kv") == 1;
    double use = ts_value_number(ctx->value, "memory_use");
    double memory = memory_of(ctx);
    bool known = memory > 0.0;
    ctx->weight_bytes = ctx->llm->params * ctx->quant->bits_per_weight / 8.0;
    ctx->kv_bytes_per_tok = ctx->llm->kv_bytes_per_tok * (fp8 ? 0.5 : 1.0);
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.weights", path), TS_ORIGIN_MODELLED, origin_of(loader, ctx),
                     "%.4g GB", ctx->weight_bytes / 1e9);
    if (ctx->llm->sliding_window > 0) {
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.sliding_window", path), TS_ORIGIN_MODELLED, "models.csv",
                         "not modelled: the KV cache is counted in full, beyond %u tokens it is smaller",
                         ctx->llm->sliding_window);
    }
    double usable = memory * use * ctx->n_accelerators;
    double kv_tokens = known ? floor((usable - ctx->weight_bytes) / ctx->kv_bytes_per_tok) : ctx->llm->context;
    bool server = ctx->tier->kind == TS_TIER_SERVER;
    bool explicit_blocks = server && ts_value_is_set(ctx->value, "kv_blocks");
    if (explicit_blocks) {
        kv_tokens = ts_value_number(ctx->value, "kv_blocks") * ctx->tier->u.server.block_tok;
    }
    if (kv_tokens < (server ? ctx->tier->u.server.block_tok : 1.0)) {
        does_not_fit(loader, ctx, usable);
        return;
    }
    if (!explicit_blocks) {
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.kv_tokens", path), TS_ORIGIN_MODELLED,
                         known ? "(accelerators x memory x memory_use - weights) / KV bytes per token"
                               : "memory unknown: one full context",
                         "%.0f tok of %.0f B", kv_tokens, ctx->kv_bytes_per_tok);
    }
    if (server) {
        resolve_blocks(loader, ctx, kv_tokens);
        kv_tokens = ctx->tier->u.server.policy == TS_SCHEDULER_SLOTS ? slot_tokens(loader, ctx) : kv_tokens;
    }
    resolve_context(loader, ctx, kv_tokens);
}
