/* Hides how a server tier becomes pools: those that it lists, or one of its own name. A listed pool is resolved as the
 * tier would be, from the tier's values with the pool's in their places. Which keys a pool may write, and which values
 * of the tier do not hold for a pool with hardware of its own, stands in the rows of the schema (enum ts_pool_rule). */
#include <string.h>

#include "scenarios/language/loader.h"

/* ---- the tier's values with the pool's ---- */

/* What a pool has of its own. */
struct differences {
    bool hardware, size, steps;
};

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

static struct differences differences_of(const struct ts_value *pool)
{
    struct differences own = {0};
    for (size_t i = 0; i < pool->n_children; i++) {
        const struct ts_value *child = &pool->children[i];
        const bool written = child->state == TS_VALUE_WRITTEN;
        const enum ts_pool_rule rule = child->key.rule;
        own.hardware |= written && rule == TS_RULE_HARDWARE;
        own.size |= written && (rule == TS_RULE_HARDWARE || rule == TS_RULE_SIZE);
        own.steps |= written && (rule == TS_RULE_STEPS || rule == TS_RULE_TIMED);
    }
    return own;
}

/* Does the tier's value hold for a pool that does not write it? */
static bool holds(enum ts_pool_rule rule, struct differences own)
{
    switch (rule) {
    case TS_RULE_OF_HARDWARE:
        return !own.hardware;
    case TS_RULE_OF_SIZE:
        return !own.size;
    case TS_RULE_STEPS:
    case TS_RULE_TIMED:
        return !own.steps;
    case TS_RULE_NONE:
    case TS_RULE_TAKES:
    case TS_RULE_HARDWARE:
    case TS_RULE_SIZE:
    case TS_RULE_IN_STEPS:
        break;
    }
    return true;
}

static void lay_over(struct ts_loader *loader, struct ts_value *base, struct ts_value *over, struct differences own)
{
    struct ts_value *children = copy_children(loader, base);
    if (!children) {
        base->n_children = 0;
        return;
    }
    base->children = children;
    for (size_t i = 0; i < base->n_children; i++) {
        const struct ts_key *key = &children[i].key;
        struct ts_value *value = key->rule == TS_RULE_NONE ? NULL : child_of(over, ts_schema_last(key->doc->path));
        if (value && key->type == TS_KEY_SECTION && key->rule == TS_RULE_TAKES) {
            lay_over(loader, &children[i], value, own);
        } else if (value && (value->state == TS_VALUE_WRITTEN || !holds(key->rule, own))) {
            children[i] = *value;
            children[i].original = value;
        }
    }
}

/* Is anything written that times the tier's hardware? */
static bool is_timed(const struct ts_value *value)
{
    bool timed = value->state == TS_VALUE_WRITTEN && value->key.rule == TS_RULE_TIMED;
    for (size_t i = 0; !timed && i < value->n_children; i++) {
        timed = value->key.type != TS_KEY_LIST && is_timed(&value->children[i]);
    }
    return timed;
}

struct ts_value ts_pool_values(struct ts_loader *loader, struct ts_value *tier, struct ts_value *pool)
{
    const struct differences own = differences_of(pool);
    struct ts_value copy = *tier;
    lay_over(loader, &copy, pool, own);
    copy.path = pool->path;
    copy.name = pool->name;
    if (own.size && !own.steps && is_timed(&copy)) {
        ts_loader_error(loader, pool, "write steps or measured for it too",
                        "'%s' has its own hardware: the tier's step times do not apply to it", pool->name);
        pool->broken = true;
    }
    return copy;
}

/* ---- the pools ---- */

struct pools {
    struct ts_tier_context *tier;
    struct ts_pool_model *items;   /* [n] those for prompts first */
    struct ts_tier_context *parts; /* [n] what each is resolved in */
    struct ts_value *values;       /* [n] what it is resolved from */
    struct ts_value **written;     /* [n] where it is written: in the list, or as the tier itself */
    uint32_t n;
};

static bool allocate(struct ts_loader *loader, struct pools *pools, size_t n)
{
    pools->items = ts_loader_array(loader, n, sizeof *pools->items);
    pools->parts = ts_loader_array(loader, n, sizeof *pools->parts);
    pools->values = ts_loader_array(loader, n, sizeof *pools->values);
    pools->written = ts_loader_array(loader, n, sizeof *pools->written);
    return pools->items && pools->parts && pools->values && pools->written;
}

static void add(struct ts_loader *loader, struct pools *pools, struct ts_value *written, struct ts_value values,
                struct ts_pool_model model)
{
    const uint32_t i = pools->n++;
    struct ts_tier_context *part = &pools->parts[i];
    pools->items[i] = model;
    pools->items[i].n_replicas = ts_value_count(written, "replicas");
    pools->written[i] = written;
    pools->values[i] = values;
    *part = *pools->tier;
    part->value = &pools->values[i];
    part->pool = &pools->items[i];
    part->broken = written->broken || loader->failed;
    if (!part->broken) {
        ts_resolve_units(loader, part);
    }
    part->pool->hardware = part->hardware_name;
}

/* A tier that lists no pools is one, of its own name. */
static void add_tier(struct ts_loader *loader, struct pools *pools)
{
    struct ts_value *tier = pools->tier->value;
    add(loader, pools, tier, *tier, (struct ts_pool_model){.name = tier->name, .role = TS_POOL_BOTH, .weight = 1.0});
}

static void add_listed(struct ts_loader *loader, struct pools *pools, struct ts_value *pool)
{
    (void)ts_value_text(pool, "name");
    struct ts_value values = ts_pool_values(loader, pools->tier->value, pool);
    const enum ts_pool_role role = (enum ts_pool_role)ts_value_choice(pool, "role");
    ts_value_counts_if(&values, "power.decode", role != TS_POOL_PREFILL, "its replicas compute only prompts");
    add(loader, pools, pool, values,
        (struct ts_pool_model){.name = pool->name, .role = role, .weight = ts_value_number(pool, "weight")});
}

/* A weight is beside those of other pools of its role, for balancers that know weights. */
static void settle_weights(struct ts_value *tier, struct ts_value *list)
{
    const bool by_kv = ts_value_at(tier, "balance")->choice == TS_BALANCE_LEAST_KV;
    for (size_t i = 0; i < list->n_children; i++) {
        const int role = ts_value_at(&list->children[i], "role")->choice;
        uint32_t n_alike = 0;
        for (size_t j = 0; j < list->n_children; j++) {
            n_alike += ts_value_at(&list->children[j], "role")->choice == role;
        }
        ts_value_counts_if(&list->children[i], "weight", !by_kv && n_alike > 1,
                           by_kv ? "balance: least-kv compares only shares of the KV cache"
                                 : "there is no other pool of its role");
    }
}

static void add_list(struct ts_loader *loader, struct pools *pools, struct ts_value *list)
{
    settle_weights(pools->tier->value, list);
    for (int prefill = 1; prefill >= 0; prefill--) {
        for (size_t i = 0; i < list->n_children; i++) {
            if ((ts_value_at(&list->children[i], "role")->choice == TS_POOL_PREFILL) == (prefill == 1)) {
                add_listed(loader, pools, &list->children[i]);
            }
        }
    }
}

/* What the tier has of its pools before their costs are known. */
static void gather(struct pools *pools)
{
    struct ts_tier_context *tier = pools->tier;
    struct ts_server_model *server = &tier->tier->u.server;
    server->pools = pools->items;
    server->n_pools = pools->n;
    for (uint32_t i = 0; i < pools->n; i++) {
        const struct ts_tier_context *part = &pools->parts[i];
        tier->broken = tier->broken || part->broken;
        tier->weight_bytes = part->weight_bytes > tier->weight_bytes ? part->weight_bytes : tier->weight_bytes;
    }
    tier->kv_bytes_per_tok = pools->parts[0].kv_bytes_per_tok;
}

static void resolve_costs(struct ts_loader *loader, struct pools *pools)
{
    for (uint32_t i = 0; i < pools->n; i++) {
        struct ts_tier_context *part = &pools->parts[i];
        if (!part->broken) {
            ts_resolve_power(loader, part, &part->pool->replica.power);
            ts_resolve_price(loader, part, &part->pool->replica.power, part->pool->n_replicas);
        }
    }
    ts_resolve_owned(loader, pools->tier);
}

/* "4 x H100 SXM and 2 x L40S" */
static const char *hardware_of(struct ts_loader *loader, const struct pools *pools)
{
    struct ts_text text;
    ts_text_init(&text);
    for (uint32_t i = 0; i < pools->n; i++) {
        const struct ts_pool_model *pool = &pools->items[i];
        ts_text_printf(&text, "%s%u x %s", i > 0 ? " and " : "",
                       (unsigned)(pool->n_replicas * pool->replica.n_accelerators), pool->hardware);
    }
    return ts_loader_keep(loader, &text);
}

/* The longest that a pool holds: one that decodes, where they are divided by role. */
static uint32_t context_of(const struct pools *pools)
{
    uint32_t longest = 0;
    for (uint32_t i = 0; i < pools->n; i++) {
        const uint32_t context_tok = pools->parts[i].context_tok;
        const bool decodes = pools->items[i].role != TS_POOL_PREFILL;
        longest = decodes && context_tok > longest ? context_tok : longest;
    }
    return longest;
}

/* ---- what goes together ---- */

bool ts_pool_names_are_good(struct ts_loader *loader, struct ts_value *list, const char *what)
{
    bool good = true;
    for (size_t i = 0; i < list->n_children; i++) {
        struct ts_value *pool = &list->children[i];
        const size_t len = strlen(pool->name);
        if (strspn(pool->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != len || len > 64) {
            ts_loader_error(loader, pool, NULL, "'%s' is not a name: letters, digits, - and _ only, at most 64",
                            pool->name);
            good = false;
        }
        for (size_t j = 0; j < i; j++) {
            if (ts_str_equal(list->children[j].name, pool->name)) {
                ts_loader_error(loader, pool, "choose another name", "there are two %s '%s'", what, pool->name);
                good = false;
            }
        }
    }
    return good;
}

static void check_list(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_value *list)
{
    ctx->broken = true;
    if (list->n_children == 0 || list->n_children > TS_MAX_POOLS) {
        ts_loader_error(loader, list, "write 1 to 8 pools, or leave the key out", "%zu pools", list->n_children);
        return;
    }
    if (ts_value_is_written(ctx->value, "replicas")) {
        ts_loader_error(loader, ts_value_at(ctx->value, "replicas"), "write replicas in each pool",
                        "a tier with pools has only their replicas");
        return;
    }
    ctx->broken = !ts_pool_names_are_good(loader, list, "pools");
}

static void refuse_beside_roles(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    for (size_t i = 0; i < ctx->value->n_children; i++) {
        const struct ts_value *child = &ctx->value->children[i];
        if (child->key.kinds == TS_FOR_UNDIVIDED && child->state == TS_VALUE_WRITTEN) {
            ts_loader_error(loader, child, "leave it out, or give no pool a role",
                            "'%s' is not modelled for a tier with prefill and decode pools",
                            ts_schema_last(child->key.doc->path));
            ctx->broken = true;
        }
    }
}

static void check_decode_cache(struct ts_loader *loader, struct ts_value *value, struct ts_pool_model *pool)
{
    if (pool->role != TS_POOL_DECODE || !pool->replica.prefix_cache) {
        return;
    }
    pool->replica.prefix_cache = false;
    if (ts_value_is_written(value, "scheduler.prefix_cache")) {
        ts_loader_error(loader, ts_value_at(value, "scheduler.prefix_cache"), "leave it out: prefill pools have one",
                        "a prefix cache of a decode pool is not modelled");
    } else {
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.scheduler.prefix_cache", value->path), TS_ORIGIN_MODELLED,
                         "every prompt's KV cache crosses the link whole", "false");
    }
}

static void check_roles(struct ts_loader *loader, struct ts_tier_context *ctx, struct pools *pools)
{
    uint32_t n[TS_N_POOL_ROLES] = {0};
    for (uint32_t i = 0; i < pools->n; i++) {
        n[pools->items[i].role]++;
    }
    if (n[TS_POOL_BOTH] == pools->n) {
        return;
    }
    if (n[TS_POOL_BOTH] > 0 || n[TS_POOL_PREFILL] == 0 || n[TS_POOL_DECODE] == 0) {
        ts_loader_error(loader, ts_value_at(ctx->value, "pools"),
                        "give every pool role: prefill or role: decode, or give none a role",
                        "%u pools are for prefill, %u for decode, %u for both: each of the first two needs the other, "
                        "and neither goes with the third",
                        (unsigned)n[TS_POOL_PREFILL], (unsigned)n[TS_POOL_DECODE], (unsigned)n[TS_POOL_BOTH]);
        ctx->broken = true;
        return;
    }
    refuse_beside_roles(loader, ctx);
    if (pools->items[0].replica.policy != TS_SCHEDULER_VLLM) {
        ts_loader_error(loader, ts_value_at(ctx->value, "scheduler.policy"), "use policy: vllm",
                        "prefill and decode pools are not modelled for this scheduler.policy");
        ctx->broken = true;
    }
    for (uint32_t i = 0; i < pools->n; i++) {
        check_decode_cache(loader, pools->written[i], &pools->items[i]);
    }
}

static void resolve_kv_transfer(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_kv_transfer_model *transfer = &ctx->tier->u.server.kv_transfer;
    const bool by_role = ts_tier_is_disaggregated(ctx->tier);
    const bool written = ts_value_is_set(ctx->value, "kv_link");
    *transfer = (struct ts_kv_transfer_model){.link = -1, .bytes_per_tok = ctx->kv_bytes_per_tok};
    if (written && !by_role && ctx->tier->u.server.lists_pools) {
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

void ts_resolve_server(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_server_model *server = &ctx->tier->u.server;
    struct ts_value *list = ts_value_at(ctx->value, "pools");
    struct pools pools = {.tier = ctx};
    server->lists_pools = ts_value_is_written(ctx->value, "pools");
    if (server->lists_pools) {
        check_list(loader, ctx, list);
    }
    if (ctx->broken || !allocate(loader, &pools, server->lists_pools ? list->n_children : 1)) {
        return;
    }
    if (server->lists_pools) {
        add_list(loader, &pools, list);
    } else {
        add_tier(loader, &pools);
    }
    gather(&pools);
    if (!ctx->broken) {
        check_roles(loader, ctx, &pools);
        ts_resolve_fleet(loader, ctx);
    }
    resolve_costs(loader, &pools);
    if (!ctx->broken) {
        ctx->tier->hardware = server->lists_pools ? hardware_of(loader, &pools) : pools.items[0].hardware;
        ctx->tier->context_tok = context_of(&pools);
        resolve_kv_transfer(loader, ctx);
        ts_resolve_kv_levels(loader, ctx, pools.items);
    }
}
