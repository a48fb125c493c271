/* Hides how a power model comes from a catalog row where the scenario does not say more.
 *
 * Power in decode: where energy was published for models of like size on this accelerator (energy.csv), it rises with
 * the sequences of a step from the lowest to the highest power of those fits' batches; elsewhere 74 % of the design
 * power (an H100 in serving draws 519 W, median, of 700 W). */
#include "scenarios/catalog/serving_power.h"
#include "scenarios/language/loader.h"

static const double idle_share = 0.10;
static const double host_share = 0.43;

struct watts {
    double idle, prefill, decode;
    double rise; /* of decode, with many sequences */
    enum ts_origin origin;
    const char *source;
};

static struct watts catalog_watts(struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    const struct ts_hardware *hardware = ctx->hardware;
    double idle = hardware->idle_w > 0.0 ? hardware->idle_w : hardware->tdp_w * idle_share;
    const struct ts_serving_power decode =
        ts_serving_power_fitted(&loader->catalog, hardware->name, ctx->llm->params, NULL);
    if (decode.low_w > idle) {
        return (struct watts){
            idle,
            hardware->tdp_w,
            decode.low_w,
            decode.high_w - decode.low_w,
            TS_ORIGIN_FITTED,
            ts_loader_printf(
                loader,
                "hardware.csv: %s: %.4g W design power (prefill), %.4g W idle; decode: energy.csv, %.4g to "
                "%.4g W with the batch, means of %u published fits of models within a factor of 5 in "
                "size",
                hardware->name, hardware->tdp_w, idle, decode.low_w, decode.high_w, decode.n_fits)};
    }
    return (struct watts){
        idle,
        hardware->tdp_w,
        hardware->tdp_w * TS_SERVING_POWER_SHARE,
        0.0,
        TS_ORIGIN_MODELLED,
        ts_loader_printf(loader, "hardware.csv: %s: %.4g W design power, %.4g W idle%s; decode at 74 %%",
                         hardware->name, hardware->tdp_w, idle, hardware->idle_w > 0.0 ? "" : " (10 %, unknown)")};
}

/* What was drawn when a device's rates were measured. */
static struct watts rate_watts(struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    const struct ts_device_rate *rate = ctx->rate;
    const double idle = ctx->hardware->idle_w > 0.0 ? ctx->hardware->idle_w : ctx->hardware->tdp_w * idle_share;
    return (struct watts){idle,
                          idle + rate->power_w,
                          idle + rate->power_w,
                          0.0,
                          TS_ORIGIN_CATALOG,
                          ts_loader_printf(loader, "devices.csv: %.4g W at work under %s, above %.4g W idle; %s",
                                           rate->power_w, rate->runtime, idle, rate->source)};
}

struct ts_machine_watts ts_resolve_machine_watts(struct ts_loader *loader, const struct ts_measurement *m)
{
    const double idle_w = 15.0, busy_w = 45.0;
    if (m && m->idle_w > 0.0 && m->busy_w > m->idle_w) {
        return (struct ts_machine_watts){
            m->idle_w, m->busy_w, TS_ORIGIN_MEASURED,
            ts_loader_printf(loader, "measured on %s (%s)", m->host.cpu, m->energy_source)};
    }
    return (struct ts_machine_watts){idle_w, busy_w, TS_ORIGIN_DEFAULT,
                                     m ? "this machine's power could not be measured: a laptop's 15 and 45 W"
                                       : "a laptop's 15 and 45 W"};
}

static struct watts machine_watts(struct ts_loader *loader, const struct ts_tier_context *ctx)
{
    const struct ts_measurement *m = ctx->measurement;
    const struct ts_machine_watts watts = ts_resolve_machine_watts(loader, m);
    return (struct watts){watts.idle, watts.busy, watts.busy, 0.0, watts.origin, watts.source};
}

/* The scenario's word, or the one that was found. */
static double watt(struct ts_loader *loader, struct ts_tier_context *ctx, const char *key, double found,
                   const struct watts *watts)
{
    const char *path = ts_loader_printf(loader, "power.%s", key);
    if (ts_value_is_set(ctx->value, path)) {
        return ts_value_number(ctx->value, path);
    }
    ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.%s", ctx->value->path, path), watts->origin,
                            watts->source, found, "W");
    return found;
}

static double host_adder(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    if (ts_value_is_set(ctx->value, "power.host")) {
        return ts_value_number(ctx->value, "power.host");
    }
    bool server = ctx->tier->kind == TS_TIER_SERVER && ctx->hardware && !ctx->hardware->includes_host;
    double host = server ? host_share : 0.0;
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.power.host", ctx->value->path), TS_ORIGIN_DEFAULT,
                     server ? "hosts of accelerator servers draw 43 % of their accelerators"
                            : "a whole machine: the host is in its power",
                     "%.0f %%", host * 100.0);
    return host;
}

double ts_resolve_pue(struct ts_loader *loader, const char *whose)
{
    struct ts_value *power = ts_value_at(loader->root, "power");
    if (ts_value_is_set(power, "pue")) {
        return ts_value_number(power, "pue");
    }
    const struct ts_region *region = ts_catalog_region(&loader->catalog, loader->model->money.region);
    double pue = region && region->pue >= 1.0 ? region->pue : 1.0;
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.power.pue", whose), TS_ORIGIN_CATALOG,
                     region ? ts_loader_printf(loader, "regions.csv: %s, estimate", region->name) : "no region", "%.2f",
                     pue);
    return pue;
}

/* A device serves one request at a time. */
static void rise_with_the_batch(struct ts_loader *loader, const struct ts_tier_context *ctx,
                                struct ts_power_model *power, const struct watts *watts)
{
    if (watts->rise <= 0.0 || ctx->tier->kind != TS_TIER_SERVER || ts_value_is_set(ctx->value, "power.decode")) {
        return;
    }
    power->decode_rise_w = watts->rise * ctx->n_accelerators;
    power->half_seqs = TS_SERVING_POWER_HALF_SEQS;
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.power.decode.rise", ctx->value->path), watts->origin,
                     watts->source, "%.4g W more with many sequences, half of it with %.0f", watts->rise,
                     power->half_seqs);
}

void ts_resolve_power(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_power_model *power)
{
    const bool is_rated = ctx->rate && ctx->rate->power_w > 0.0;
    struct watts watts = is_rated        ? rate_watts(loader, ctx)
                         : ctx->hardware ? catalog_watts(loader, ctx)
                                         : machine_watts(loader, ctx);
    bool written = ts_value_is_set(ctx->value, "power.idle") && ts_value_is_set(ctx->value, "power.prefill") &&
                   ts_value_is_set(ctx->value, "power.decode");
    power->idle_w = watt(loader, ctx, "idle", watts.idle, &watts) * ctx->n_accelerators;
    power->prefill_w = watt(loader, ctx, "prefill", watts.prefill, &watts) * ctx->n_accelerators;
    power->decode_w = watt(loader, ctx, "decode", watts.decode, &watts) * ctx->n_accelerators;
    rise_with_the_batch(loader, ctx, power, &watts);
    power->host_frac = host_adder(loader, ctx);
    power->pue = ctx->tier->kind == TS_TIER_DEVICE ? 1.0 : ts_resolve_pue(loader, ctx->value->path);
    power->origin = written ? TS_ORIGIN_SCENARIO : watts.origin;
    power->source = written ? "written in the scenario" : watts.source;
    if (power->decode_w < power->idle_w || power->prefill_w < power->idle_w) {
        ts_loader_error(loader, ts_value_at(ctx->value, "power"), NULL,
                        "the power while busy (%.4g and %.4g W) is below the power while idle (%.4g W)",
                        power->prefill_w, power->decode_w, power->idle_w);
    }
}
