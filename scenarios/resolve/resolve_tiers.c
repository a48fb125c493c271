/* Hides what the kinds of tier have in common, and what a tier of devices is. */
#include <math.h>
#include <string.h>

#include "scenarios/language/loader.h"

static void resolve_devices(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_device_model *device = &ctx->tier->u.device;
    if (ts_value_is_written(ctx->value, "mix")) {
        ts_resolve_mix(loader, ctx);
        ts_resolve_download(loader, ctx);
        return;
    }
    ctx->device = device;
    ts_resolve_units(loader, ctx);
    ctx->tier->hardware = ctx->hardware_name;
    ctx->tier->context_tok = ctx->context_tok;
    if (!ctx->broken) {
        ts_resolve_power(loader, ctx, &device->power);
        ts_resolve_price(loader, ctx, &device->power, device->n_users);
        ts_resolve_owned(loader, ctx);
        ts_resolve_download(loader, ctx);
    }
}

/* The scenario's only API tier; -1: it has none, or several. */
static int only_api(struct ts_loader *loader)
{
    const struct ts_value *tiers = ts_value_at(loader->root, "tiers");
    int found = -1, n = 0;
    for (size_t i = 0; i < tiers->n_children; i++) {
        if (ts_value_choice(&tiers->children[i], "kind") == TS_TIER_API) {
            found = (int)i;
            n++;
        }
    }
    return n == 1 ? found : -1;
}

/* The API at which a tier's calls would be without it. Not written: the only one that there is. */
static int replaced_by(struct ts_loader *loader, struct ts_value *value)
{
    const int api = ts_value_is_set(value, "replaces") ? -1 : only_api(loader);
    if (api < 0) {
        return ts_value_is_set(value, "replaces") ? ts_value_choice(value, "replaces") : -1;
    }
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.replaces", value->path), TS_ORIGIN_DEFAULT,
                     "the only API tier; write replaces: none for calls that would be made nowhere else", "%s",
                     ts_value_at(loader->root, "tiers")->children[api].name);
    return api;
}

static void resolve_tier(struct ts_loader *loader, struct ts_value *value, struct ts_tier_model *tier)
{
    struct ts_tier_context ctx = {.value = value, .tier = tier, .hardware_name = "", .n_accelerators = 1};
    tier->name = value->name;
    tier->ability = ts_value_number(value, "ability");
    tier->link = tier->replaces = -1;
    tier->hardware = tier->model = "";
    int kind = ts_value_choice(value, "kind");
    if (kind < 0 || value->broken) {
        return;
    }
    tier->kind = (enum ts_tier_kind)kind;
    tier->link = ts_value_is_set(value, "link") ? ts_value_choice(value, "link") : -1;
    (void)ts_value_text(value, "link");
    if (tier->kind == TS_TIER_API) {
        tier->context_tok = ts_value_count(value, "context");
        ts_resolve_api(loader, &ctx);
        return;
    }
    tier->replaces = replaced_by(loader, value);
    if (tier->kind == TS_TIER_SERVER) {
        ts_resolve_server(loader, &ctx);
    } else {
        resolve_devices(loader, &ctx);
    }
}

/* What a tier replaces must be bought by the call. */
static void check_replaced(struct ts_loader *loader, struct ts_value *tiers)
{
    const struct ts_model *model = loader->model;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        int other = tiers->children[i].broken ? -1 : model->tiers[i].replaces;
        if (other >= 0 && !tiers->children[other].broken && model->tiers[other].kind != TS_TIER_API) {
            ts_loader_error(loader, ts_value_at(&tiers->children[i], "replaces"), NULL,
                            "'%s' is not of kind api: only an API's bill can be replaced", model->tiers[other].name);
        }
    }
}

/* What the site may draw, if that is bounded. */
static void check_site(struct ts_loader *loader)
{
    struct ts_value *power = ts_value_at(loader->root, "power");
    struct ts_model *model = loader->model;
    double drawn_w = 0.0;
    model->site_cap_w = power->broken ? 0.0 : ts_value_number(power, "site_cap");
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        const struct ts_tier_model *tier = &model->tiers[i];
        drawn_w += tier->kind == TS_TIER_SERVER ? tier->owned.rated_w * ts_server_n_replicas(&tier->u.server) : 0.0;
    }
    if (model->site_cap_w > 0.0 && drawn_w > model->site_cap_w) {
        ts_loader_error(loader, ts_value_at(power, "site_cap"), "use fewer replicas, or a larger cap",
                        "the servers draw up to %.4g kW under load, the site has %.4g kW", drawn_w / 1000.0,
                        model->site_cap_w / 1000.0);
    }
}

void ts_resolve_tiers(struct ts_loader *loader)
{
    struct ts_value *tiers = ts_value_at(loader->root, "tiers");
    if (tiers->state != TS_VALUE_WRITTEN) {
        return;
    }
    if (tiers->n_children == 0 || tiers->n_children > TS_MAX_TIERS) {
        const char *why = tiers->n_children ? "more than 16 tiers" : "there are no tiers";
        ts_loader_error(loader, tiers, NULL, "%s", why);
        return;
    }
    loader->model->n_tiers = (uint32_t)tiers->n_children;
    for (uint32_t i = 0; i < loader->model->n_tiers; i++) {
        resolve_tier(loader, &tiers->children[i], &loader->model->tiers[i]);
    }
    check_replaced(loader, tiers);
    check_site(loader);
}
