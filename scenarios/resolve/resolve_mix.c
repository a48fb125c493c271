/* Hides how a device tier becomes kinds of devices: each is resolved as the tier would be, from the tier's values with
 * its own in their places. */
#include <math.h>

#include "scenarios/language/loader.h"

static void check_mix(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_value *list)
{
    ctx->broken = true;
    if (list->n_children == 0 || list->n_children > TS_MAX_POOLS) {
        ts_loader_error(loader, list, "write 1 to 8 kinds, or leave the key out", "%zu kinds of devices",
                        list->n_children);
        return;
    }
    double sum = 0.0;
    bool broken = false;
    for (size_t i = 0; i < list->n_children; i++) {
        broken = broken || list->children[i].broken;
        sum += broken ? 0.0 : ts_value_number(&list->children[i], "share");
    }
    if (!broken && fabs(sum - 1.0) > 1e-6) {
        ts_loader_error(loader, list, "make the shares sum to 100 %",
                        "the shares of the kinds of devices sum to %.6g %%", 100.0 * sum);
        return;
    }
    ctx->broken = broken || !ts_pool_names_are_good(loader, list, "kinds of devices");
}

static void resolve_kind(struct ts_loader *loader, struct ts_tier_context *tier, struct ts_value *written,
                         struct ts_device_kind *kind)
{
    struct ts_value values = ts_pool_values(loader, tier->value, written);
    struct ts_tier_context part = *tier;
    part.value = &values;
    part.device = &kind->device;
    part.broken = written->broken || loader->failed;
    (void)ts_value_text(written, "name");
    kind->name = written->name;
    kind->share_frac = ts_value_number(written, "share");
    if (!part.broken) {
        ts_resolve_units(loader, &part);
    }
    tier->broken = tier->broken || part.broken;
    if (part.broken) {
        return;
    }
    kind->hardware = part.hardware_name;
    kind->context_tok = part.context_tok;
    ts_resolve_power(loader, &part, &kind->device.power);
    ts_resolve_price(loader, &part, &kind->device.power, kind->share_frac * kind->device.n_users);
    tier->weight_bytes = part.weight_bytes;
}

/* ---- what has no effect ---- */

/* Values of the tier itself, without its lists. */
static size_t n_values(const struct ts_value *value)
{
    size_t n = 1;
    for (size_t i = 0; i < value->n_children; i++) {
        n += value->children[i].key.type == TS_KEY_LIST ? 0 : n_values(&value->children[i]);
    }
    return n;
}

/* A key of the tier has no effect only if it has none on every kind: gathers why, kind after kind. */
static void gather_moot(struct ts_value *value, const char **why, size_t *at, bool is_first)
{
    why[*at] = is_first || why[*at] ? value->moot : NULL;
    value->moot = NULL;
    ++*at;
    for (size_t i = 0; i < value->n_children; i++) {
        if (value->children[i].key.type != TS_KEY_LIST) {
            gather_moot(&value->children[i], why, at, is_first);
        }
    }
}

static void settle_moot(struct ts_value *value, const char *const *why, size_t *at)
{
    value->moot = why[(*at)++];
    for (size_t i = 0; i < value->n_children; i++) {
        if (value->children[i].key.type != TS_KEY_LIST) {
            settle_moot(&value->children[i], why, at);
        }
    }
}

/* ---- the tier ---- */

/* "40 % iPhone 15 Pro and 60 % Snapdragon X Elite laptop" */
static const char *hardware_of(struct ts_loader *loader, const struct ts_device_kind *kinds, size_t n)
{
    struct ts_text text;
    ts_text_init(&text);
    for (size_t i = 0; i < n; i++) {
        ts_text_printf(&text, "%s%.4g %% %s",
                       i == 0      ? ""
                       : i + 1 < n ? ", "
                                   : " and ",
                       100.0 * kinds[i].share_frac, kinds[i].hardware);
    }
    return ts_loader_keep(loader, &text);
}

/* The longest that any of them holds. */
static uint32_t longest_of(const struct ts_device_kind *kinds, size_t n)
{
    uint32_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        if (kinds[i].context_tok == 0) {
            return 0;
        }
        longest = kinds[i].context_tok > longest ? kinds[i].context_tok : longest;
    }
    return longest;
}

void ts_resolve_mix(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_value *list = ts_value_at(ctx->value, "mix");
    struct ts_device_model *fleet = &ctx->tier->u.device;
    check_mix(loader, ctx, list);
    struct ts_device_kind *kinds = ctx->broken ? NULL : ts_loader_array(loader, list->n_children, sizeof *kinds);
    const char **why = kinds ? ts_loader_array(loader, n_values(ctx->value), sizeof *why) : NULL;
    if (!why) {
        return;
    }
    for (size_t i = 0; i < list->n_children; i++) {
        size_t at = 0;
        resolve_kind(loader, ctx, &list->children[i], &kinds[i]);
        gather_moot(ctx->value, why, &at, i == 0);
    }
    size_t at = 0;
    settle_moot(ctx->value, why, &at);
    if (ctx->broken) {
        return;
    }
    fleet->n_users = kinds[0].device.n_users;
    fleet->max_queue = kinds[0].device.max_queue;
    fleet->kinds = kinds;
    fleet->n_kinds = (uint32_t)list->n_children;
    ctx->tier->hardware = hardware_of(loader, kinds, list->n_children);
    ctx->tier->context_tok = longest_of(kinds, list->n_children);
    ts_resolve_owned(loader, ctx);
}
