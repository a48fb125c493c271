/* Hides how a server tier with pools becomes one: each pool is resolved as a tier of its own would be, from the tier's
 * values with the pool's in their places. What belongs to hardware (kv_blocks, power, price, measured or written step
 * times) is not taken from the tier by a pool that names hardware of its own. */
#include <string.h>

#include "scenarios/language/loader.h"

enum { PREFILL_CHOICE = 1 };

/* ---- the tier's values with the pool's ---- */

static struct ts_value *copy_children(struct ts_loader *loader, struct ts_value *value)
{
    struct ts_value *copy = ts_loader_array(loader, value->n_children, sizeof *copy);
    for (size_t i = 0; copy && i < value->n_children; i++) {
        copy[i] = value->children[i];
        copy[i].original = value->children[i].original ? value->children[i].original : &value->children[i];
    }
    return copy;
}

static struct ts_value *child_of(struct ts_value *section, const char *name)
{
    for (size_t i = 0; i < section->n_children; i++) {
        if (ts_str_equal(ts_schema_last(section->children[i].key.doc->path), name)) {
            return &section->children[i];
        }
    }
    return NULL;
}

static bool is_merged(const char *name)
{
    return ts_str_equal(name, "scheduler") || ts_str_equal(name, "power") || ts_str_equal(name, "owned");
}

static void lay_over(struct ts_loader *loader, struct ts_value *base, struct ts_value *over)
{
    struct ts_value *children = copy_children(loader, base);
    if (!children) {
        base->n_children = 0;
        return;
    }
    base->children = children;
    for (size_t i = 0; i < base->n_children; i++) {
        const char *name = ts_schema_last(children[i].key.doc->path);
        struct ts_value *own = child_of(over, name);
        if (is_merged(name)) {
            lay_over(loader, &children[i], own ? own : &(struct ts_value){.n_children = 0});
        } else if (own && (own->state == TS_VALUE_WRITTEN || ts_str_equal(name, "replicas"))) {
            children[i] = *own;
            children[i].original = own;
        }
    }
}

/* The copy has no such value. */
static void forget(struct ts_value *copy, struct ts_value *pool, const char *path)
{
    if (!ts_value_is_written(pool, path)) {
        struct ts_value *value = ts_value_at(copy, path);
        value->state = TS_VALUE_ABSENT;
    }
}

static void settle_step_times(struct ts_loader *loader, struct ts_value *copy, struct ts_value *pool, bool own_hardware)
{
    const bool own_steps = ts_value_is_written(pool, "steps");
    const bool own_measured = ts_value_is_written(pool, "measured");
    if (own_measured && !own_steps) {
        *ts_value_at(copy, "steps") = *ts_value_at(pool, "steps");
    } else if (own_steps) {
        forget(copy, pool, "measured");
    } else if (own_hardware && (ts_value_is_written(copy, "measured") || ts_value_is_written(copy, "steps.linear") ||
                                ts_value_is_written(copy, "steps.operators"))) {
        ts_loader_error(loader, pool, "write steps or measured for the pool",
                        "pool '%s' has hardware of its own: the tier's step times do not hold for it", pool->name);
        pool->broken = true;
    }
}

static struct ts_value values_of(struct ts_loader *loader, struct ts_value *tier, struct ts_value *pool)
{
    static const char *const of_hardware[] = {"power.idle", "power.prefill", "power.decode", "power.host",
                                              "owned.capex"};
    struct ts_value copy = *tier;
    lay_over(loader, &copy, pool);
    copy.path = pool->path;
    copy.name = pool->name;
    if (copy.n_children == 0) {
        return copy;
    }
    const bool other_hardware = ts_value_is_written(pool, "hardware");
    const bool other_size =
        other_hardware || ts_value_is_written(pool, "accelerators") || ts_value_is_written(pool, "pipeline_parallel");
    for (size_t i = 0; other_hardware && i < sizeof of_hardware / sizeof *of_hardware; i++) {
        forget(&copy, pool, of_hardware[i]);
    }
    if (other_size) {
        forget(&copy, pool, "kv_blocks");
    }
    settle_step_times(loader, &copy, pool, other_size);
    return copy;
}

/* ---- one pool ---- */

struct pools {
    struct ts_tier_context *tier;
    struct ts_pool_model *items;
    uint32_t n;
    uint32_t context_tok[TS_N_POOL_ROLES]; /* the longest that a pool of that role holds */
    double capex_usd;
    double weight_bytes;
};

static void resolve_pool(struct ts_loader *loader, struct pools *pools, struct ts_value *value)
{
    static const enum ts_pool_role roles[] = {TS_POOL_BOTH, TS_POOL_PREFILL, TS_POOL_DECODE};
    struct ts_tier_model part = {
        .name = value->name, .kind = TS_TIER_SERVER, .hardware = "", .model = "", .link = -1, .replaces = -1};
    struct ts_value copy = values_of(loader, pools->tier->value, value);
    struct ts_tier_context ctx = {.value = &copy, .tier = &part, .n_accelerators = 1, .broken = value->broken};
    if (!loader->failed && !ctx.broken) {
        ts_resolve_replica(loader, &ctx);
    }
    const int role = ts_value_choice(value, "role");
    struct ts_pool_model *pool = &pools->items[pools->n++];
    *pool = (struct ts_pool_model){.name = value->name,
                                   .hardware = part.hardware,
                                   .role = roles[role > 0 ? role : 0],
                                   .weight = ts_value_number(value, "weight"),
                                   .server = part.u.server,
                                   .power = part.power};
    (void)ts_value_text(value, "name");
    uint32_t *longest = &pools->context_tok[pool->role];
    *longest = part.context_tok > *longest ? part.context_tok : *longest;
    pools->capex_usd += part.owned.capex_usd;
    pools->weight_bytes = ctx.weight_bytes > pools->weight_bytes ? ctx.weight_bytes : pools->weight_bytes;
    struct ts_tier_context *tier = pools->tier;
    tier->broken = tier->broken || ctx.broken;
    if (pools->n == 1) {
        tier->tier->model = part.model;
        tier->tier->power = part.power;
        tier->tier->owned = part.owned;
        tier->kv_bytes_per_tok = ctx.kv_bytes_per_tok;
        tier->n_accelerators = ctx.n_accelerators;
    }
}

/* "4 x H100 SXM and 2 x L40S" */
static const char *hardware_of(struct ts_loader *loader, const struct pools *pools)
{
    struct ts_text text;
    ts_text_init(&text);
    for (uint32_t i = 0; i < pools->n; i++) {
        const struct ts_server_model *server = &pools->items[i].server;
        ts_text_printf(&text, "%s%u x %s", i > 0 ? " and " : "",
                       (unsigned)(server->n_replicas * server->n_accelerators), pools->items[i].hardware);
    }
    return ts_loader_keep(loader, &text);
}

/* ---- what goes together ---- */

static void check_list(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_value *list)
{
    ctx->broken = true;
    if (list->n_children == 0 || list->n_children > TS_MAX_POOLS) {
        ts_loader_error(loader, list, "write 1 to 8 pools, or leave the key out", "%zu pools", list->n_children);
        return;
    }
    if (ts_value_is_written(ctx->value, "replicas")) {
        ts_loader_error(loader, ts_value_at(ctx->value, "replicas"), "write replicas in each pool",
                        "a tier with pools has no replicas beside theirs");
        return;
    }
    ctx->broken = false;
    for (size_t i = 0; i < list->n_children; i++) {
        struct ts_value *pool = &list->children[i];
        const size_t len = strlen(pool->name);
        if (strspn(pool->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != len || len > 64) {
            ts_loader_error(loader, pool, NULL, "'%s' is no name: letters, digits, - and _ only, at most 64",
                            pool->name);
            ctx->broken = true;
        }
        for (size_t j = 0; j < i; j++) {
            if (ts_str_equal(list->children[j].name, pool->name)) {
                ts_loader_error(loader, pool, "choose another name", "there are two pools '%s'", pool->name);
                ctx->broken = true;
            }
        }
    }
}

static void refuse_beside_roles(struct ts_loader *loader, struct ts_tier_context *ctx, const char *key)
{
    if (ts_value_is_written(ctx->value, key)) {
        ts_loader_error(loader, ts_value_at(ctx->value, key), "leave it out, or give no pool a role",
                        "'%s' is not modelled for a tier with prefill and decode pools", key);
        ctx->broken = true;
    }
}

static void check_decode_cache(struct ts_loader *loader, struct ts_value *value, struct ts_pool_model *pool)
{
    if (pool->role != TS_POOL_DECODE || !pool->server.prefix_cache) {
        return;
    }
    pool->server.prefix_cache = false;
    if (ts_value_is_written(value, "scheduler.prefix_cache")) {
        ts_loader_error(loader, ts_value_at(value, "scheduler.prefix_cache"), "leave it out: prefill pools have one",
                        "a prefix cache of a decode pool is not modelled");
    } else {
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.scheduler.prefix_cache", value->path), TS_ORIGIN_MODELLED,
                         "every prompt's KV cache crosses the link whole", "false");
    }
}

static struct ts_value *pool_value(struct ts_value *list, const char *name)
{
    for (size_t i = 0; i < list->n_children; i++) {
        if (ts_str_equal(list->children[i].name, name)) {
            return &list->children[i];
        }
    }
    return list;
}

static void check_roles(struct ts_loader *loader, struct ts_tier_context *ctx, struct pools *pools)
{
    struct ts_value *list = ts_value_at(ctx->value, "pools");
    uint32_t n[TS_N_POOL_ROLES] = {0};
    for (uint32_t i = 0; i < pools->n; i++) {
        n[pools->items[i].role]++;
    }
    if (n[TS_POOL_BOTH] == pools->n) {
        return;
    }
    if (n[TS_POOL_BOTH] > 0 || n[TS_POOL_PREFILL] == 0 || n[TS_POOL_DECODE] == 0) {
        ts_loader_error(loader, list, "give every pool role: prefill or role: decode, or none a role",
                        "%u pools are for prefill, %u for decode, %u for both: each of the first two needs the other, "
                        "and neither goes with the third",
                        (unsigned)n[TS_POOL_PREFILL], (unsigned)n[TS_POOL_DECODE], (unsigned)n[TS_POOL_BOTH]);
        ctx->broken = true;
        return;
    }
    refuse_beside_roles(loader, ctx, "autoscale");
    refuse_beside_roles(loader, ctx, "failures");
    refuse_beside_roles(loader, ctx, "restart_every");
    if (pools->items[0].server.policy != TS_SCHEDULER_VLLM) {
        ts_loader_error(loader, ts_value_at(ctx->value, "scheduler.policy"), "take policy: vllm",
                        "prefill and decode pools are not modelled for this scheduler.policy");
        ctx->broken = true;
    }
    for (uint32_t i = 0; i < pools->n; i++) {
        check_decode_cache(loader, pool_value(list, pools->items[i].name), &pools->items[i]);
    }
}

static void resolve_kv_transfer(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_kv_transfer_model *transfer = &ctx->tier->u.server.kv_transfer;
    const bool by_role = ts_tier_is_disaggregated(ctx->tier);
    const bool written = ts_value_is_set(ctx->value, "kv_link");
    *transfer = (struct ts_kv_transfer_model){.link = -1, .bytes_per_tok = ctx->kv_bytes_per_tok};
    if (written && !by_role) {
        ts_loader_error(loader, ts_value_at(ctx->value, "kv_link"), "leave it out, or give the pools roles",
                        "nothing crosses kv_link without prefill and decode pools");
    }
    if (!by_role) {
        return;
    }
    transfer->link = written ? ts_value_choice(ctx->value, "kv_link") : -1;
    (void)ts_value_text(ctx->value, "kv_link");
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.kv_transfer", ctx->value->path), TS_ORIGIN_MODELLED,
                     "first token at the prefill pool; whole blocks; one transfer after another",
                     written ? "%.0f B per token of the prompt" : "takes no time (no kv_link); %.0f B per token",
                     transfer->bytes_per_tok);
}

void ts_resolve_pools(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_value *list = ts_value_at(ctx->value, "pools");
    check_list(loader, ctx, list);
    struct pools pools = {.tier = ctx};
    pools.items = ctx->broken ? NULL : ts_loader_array(loader, list->n_children, sizeof *pools.items);
    if (!pools.items) {
        return;
    }
    for (int prefill = 1; prefill >= 0; prefill--) { /* those for prompts come first */
        for (size_t i = 0; i < list->n_children; i++) {
            struct ts_value *role = ts_value_at(&list->children[i], "role");
            if ((role->choice == PREFILL_CHOICE) == (prefill == 1)) {
                resolve_pool(loader, &pools, &list->children[i]);
            }
        }
    }
    if (ctx->broken) {
        return;
    }
    check_roles(loader, ctx, &pools);
    struct ts_server_model *server = &ctx->tier->u.server;
    *server = pools.items[0].server;
    server->pools = pools.items;
    server->n_pools = pools.n;
    server->n_replicas = 0;
    for (uint32_t i = 0; i < pools.n; i++) {
        server->n_replicas += pools.items[i].server.n_replicas;
    }
    ctx->weight_bytes = pools.weight_bytes;
    ctx->tier->owned.capex_usd = pools.capex_usd;
    ctx->tier->hardware = hardware_of(loader, &pools);
    const uint32_t decodes = pools.context_tok[TS_POOL_DECODE];
    ctx->tier->context_tok = decodes > 0 ? decodes : pools.context_tok[TS_POOL_BOTH];
    ts_resolve_fleet(loader, ctx);
    resolve_kv_transfer(loader, ctx);
}
