/* Hides what bringing a model to devices costs and how long it takes: the weights, as many as devices can run it. */
#include "base/units.h"
#include "scenarios/language/loader.h"

static double n_devices(const struct ts_device_model *fleet)
{
    double n = fleet->n_kinds > 0 ? 0.0 : fleet->n_users * fleet->eligible_frac;
    for (uint32_t k = 0; k < fleet->n_kinds; k++) {
        n += fleet->n_users * fleet->kinds[k].share_frac * fleet->kinds[k].device.eligible_frac;
    }
    return n;
}

static void resolve_rollout(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_device_model *fleet = &ctx->tier->u.device;
    fleet->rolls_out = ts_value_is_set(ctx->value, "download.rollout");
    ts_value_counts_if(ctx->value, "download.bandwidth", fleet->rolls_out,
                       "all have it from the beginning: write rollout");
    if (!fleet->rolls_out) {
        return;
    }
    fleet->rollout_s = ts_value_number(ctx->value, "download.rollout");
    fleet->download_s = ctx->weight_bytes / ts_value_number(ctx->value, "download.bandwidth");
    ts_loader_assume_number(
        loader, ts_loader_printf(loader, "%s.download.time", ctx->value->path), TS_ORIGIN_MODELLED,
        ts_loader_printf(loader, "%.4g GB of weights at the bandwidth, for each device", ctx->weight_bytes / 1e9),
        fleet->download_s, "s");
}

void ts_resolve_download(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_owned_model *owned = &ctx->tier->owned;
    if (ctx->broken || !ts_value_is_written(ctx->value, "download")) {
        return;
    }
    const double usd_per_gb = ts_value_number(ctx->value, "download.price");
    const double updates = ts_value_number(ctx->value, "download.updates");
    const double gb = ctx->weight_bytes / 1e9 * n_devices(&ctx->tier->u.device);
    ts_value_counts_if(ctx->value, "download.updates", usd_per_gb > 0.0, "the traffic costs nothing: write price");
    owned->first_download_usd = gb * usd_per_gb;
    owned->downloads_usd_per_month = owned->first_download_usd * updates / TS_MONTHS_PER_YEAR;
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.download.traffic", ctx->value->path), TS_ORIGIN_MODELLED,
                     "weights x devices that can run the model, once and with every update",
                     "%.4g GB x %.0f devices: %.4g GB, %.4g times a year again", ctx->weight_bytes / 1e9,
                     n_devices(&ctx->tier->u.device), gb, updates);
    resolve_rollout(loader, ctx);
}
