/* Hides how the stores behind a server's KV cache become part of the model: how many blocks they hold, and for whom
 * they can be. */
#include "scenarios/language/loader.h"
#include "scenarios/language/schema.h"

static struct ts_kv_level_model level_of(struct ts_value *item)
{
    return (struct ts_kv_level_model){.name = ts_value_text(item, "name"),
                                      .bytes = ts_value_number(item, "size"),
                                      .bytes_per_s = ts_value_number(item, "bandwidth"),
                                      .latency_s = ts_value_number(item, "latency"),
                                      .is_shared = ts_value_flag(item, "shared"),
                                      .prompts_only = ts_value_choice(item, "keeps") == true};
}

/* Can replicas of all pools have them? */
static bool check_pools(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_value *list)
{
    const struct ts_server_model *server = &ctx->tier->u.server;
    for (uint32_t i = 0; i < server->n_pools; i++) {
        const struct ts_replica_model *replica = &server->pools[i].replica;
        if (ts_tier_is_disaggregated(ctx->tier) || replica->policy != TS_SCHEDULER_VLLM || !replica->prefix_cache) {
            ts_loader_error(loader, list, "write scheduler: {policy: vllm, prefix_cache: true}, and no roles of pools",
                            "KV levels are behind a prefix cache of the policy vllm");
            return false;
        }
    }
    return true;
}

/* A level has to hold a block at least. */
static bool check_room(struct ts_loader *loader, struct ts_value *item, double bytes, double block_bytes)
{
    if (bytes < block_bytes) {
        ts_loader_error(loader, ts_value_at(item, "size"), NULL, "no room for a block of %.0f B", block_bytes);
    }
    return bytes >= block_bytes;
}

void ts_resolve_kv_levels(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_pool_model *pools)
{
    struct ts_value *list = ts_value_at(ctx->value, "kv_levels");
    struct ts_server_model *server = &ctx->tier->u.server;
    if (!list || !ts_value_is_written(ctx->value, "kv_levels") || !check_pools(loader, ctx, list)) {
        return;
    }
    if (list->n_children > TS_MAX_KV_LEVELS) {
        ts_loader_error(loader, list, NULL, "more than %d KV levels", TS_MAX_KV_LEVELS);
        return;
    }
    double block_bytes = 0.0;
    for (uint32_t i = 0; i < server->n_pools; i++) {
        pools[i].replica.kv_block_bytes = ctx->kv_bytes_per_tok * pools[i].replica.block_tok;
        block_bytes = pools[i].replica.kv_block_bytes > block_bytes ? pools[i].replica.kv_block_bytes : block_bytes;
    }
    for (size_t k = 0; k < list->n_children; k++) {
        struct ts_value *item = &list->children[k];
        server->kv_levels[k] = level_of(item);
        if (!check_room(loader, item, server->kv_levels[k].bytes, block_bytes)) {
            return;
        }
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.blocks", item->path), TS_ORIGIN_MODELLED,
                         "size over bytes of a block", "%.0f of %.0f B", server->kv_levels[k].bytes / block_bytes,
                         block_bytes);
    }
    server->n_kv_levels = (uint32_t)list->n_children;
}
