/* Hides how many replicas of a server tier are up and who joins which: load balancer, autoscaling, failures, restarts.
 */
#include "scenarios/language/loader.h"

static void check_autoscale(struct ts_loader *loader, struct ts_tier_context *ctx,
                            const struct ts_autoscale_model *autoscale)
{
    struct ts_value *at = ts_value_at(ctx->value, "autoscale");
    uint32_t most = ts_server_n_replicas(&ctx->tier->u.server);
    if (!(autoscale->target_outstanding > 0.0) && !(autoscale->target_kv_frac > 0.0)) {
        ts_loader_error(loader, at, "write autoscale: {calls: 16} or {kv: 60 %}", "autoscale has no target to follow");
    }
    if (autoscale->min_replicas > most) {
        ts_loader_error(loader, ts_value_at(at, "min"),
                        ts_loader_printf(loader, "write replicas: %u", autoscale->min_replicas),
                        "min is %u replicas, and there are only %u", (unsigned)autoscale->min_replicas, (unsigned)most);
    }
}

/* Until a machine is there: one's own is, and one that is reserved; rented ones take the example of an inference
 * simulator, BLIS (2026). */
static struct ts_dist provision_s(struct ts_loader *loader, struct ts_value *value)
{
    if (ts_value_is_written(value, "autoscale.provision")) {
        return ts_value_dist(value, "autoscale.provision");
    }
    const bool by_kind = ts_value_is_written(value, "owned.rental");
    const bool is_rented = by_kind ? ts_value_choice(value, "owned.rental") != TS_RENTAL_RESERVED
                                   : ts_value_is_written(value, "owned.rent");
    struct ts_dist dist = is_rented ? ts_dist_normal(120.0, 30.0) : ts_dist_constant(0.0);
    dist.min = 0.0;
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.autoscale.provision", value->path), TS_ORIGIN_DEFAULT,
                     is_rented ? "rented machines: an example of BLIS, an inference simulator"
                               : "its machines are there",
                     "%s", is_rented ? "normal, 120 s +- 30 s" : "0 s");
    return dist;
}

static void resolve_cold_start(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    double bandwidth = ts_value_number(ctx->value, "cold_start.bandwidth");
    double fixed_s = ts_value_number(ctx->value, "cold_start.fixed");
    ctx->tier->u.server.cold_start_s = fixed_s + ctx->weight_bytes / bandwidth;
    ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.cold_start", ctx->value->path), TS_ORIGIN_MODELLED,
                            ts_loader_printf(loader, "%.4g GB of weights at %.4g GB/s, and %.4g s",
                                             ctx->weight_bytes / 1e9, bandwidth / 1e9, fixed_s),
                            ctx->tier->u.server.cold_start_s, "s");
}

/* Has a call a choice of replicas anywhere? */
static bool has_choice(const struct ts_server_model *server)
{
    uint32_t n[TS_N_POOL_ROLES] = {0};
    bool any = false;
    for (uint32_t i = 0; i < server->n_pools; i++) {
        n[server->pools[i].role] += server->pools[i].n_replicas;
        any = any || n[server->pools[i].role] > 1;
    }
    return any;
}

/* How many replicas are up, and who joins which. The cold start needs the weights: after the memory plan. */
/* A spot machine is taken away now and then, as its rent says, where no failures are written. */
static struct ts_failure_model interruptions_of(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const double notice_s = 30.0;
    struct ts_value *value = ctx->value;
    const bool is_spot =
        ts_value_is_written(value, "owned.rental") && ts_value_at(value, "owned.rental")->choice == TS_RENTAL_SPOT;
    const double per_s = is_spot ? ts_value_number(value, "owned.interruptions") : 0.0;
    if (!(per_s > 0.0)) {
        return (struct ts_failure_model){.mtbf_s = 0.0};
    }
    if (ts_tier_is_disaggregated(ctx->tier)) {
        ts_loader_warning(loader, ts_value_at(value, "owned.rental"), "write owned: {interruptions: 0/h}, or no pools",
                          "interruptions of spot machines are in the rent alone: failures of pools by role are not "
                          "modelled");
        return (struct ts_failure_model){.mtbf_s = 0.0};
    }
    const struct ts_failure_model out = {
        .mtbf_s = 1.0 / per_s, .mttr_s = ts_value_number(value, "owned.restart"), .notice_s = notice_s};
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.failures", value->path), TS_ORIGIN_MODELLED,
                     "owned.interruptions and restart of a spot machine; notice as at Google Cloud and Azure",
                     "a replica is taken away after %.4g h in the mean, with %.0f s of notice, and is back after %.4g "
                     "min",
                     out.mtbf_s / 3600.0, notice_s, out.mttr_s / 60.0);
    return out;
}

void ts_resolve_fleet(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_server_model *server = &ctx->tier->u.server;
    struct ts_value *value = ctx->value;
    server->max_queue = ts_value_count(value, "max_queue");
    ts_value_counts_if(value, "balance", has_choice(server), "there is one replica to choose from");
    server->balance = (enum ts_balance_policy)ts_value_choice(value, "balance");
    server->restart_every_s = ts_value_number(value, "restart_every");
    bool starts = server->restart_every_s > 0.0;
    if (!ts_value_is_written(value, "failures")) {
        server->failures = interruptions_of(loader, ctx);
    } else {
        server->failures = (struct ts_failure_model){.mtbf_s = ts_value_number(value, "failures.mtbf"),
                                                     .mttr_s = ts_value_number(value, "failures.mttr"),
                                                     .notice_s = ts_value_number(value, "failures.notice"),
                                                     .drops_calls = ts_value_choice(value, "failures.calls") == true};
    }
    if (ts_value_is_written(value, "autoscale")) {
        starts = true;
        const struct ts_value *min = ts_value_at(value, "autoscale.min");
        ts_value_counts_if(value, "autoscale", min && min->number != ts_server_n_replicas(server),
                           "min equals the number of replicas");
        server->autoscale = (struct ts_autoscale_model){
            .on = true,
            .min_replicas = ts_value_count(value, "autoscale.min"),
            .target_outstanding = ts_value_number(value, "autoscale.calls"),
            .target_kv_frac = ts_value_number(value, "autoscale.kv"),
            .interval_s = ts_value_number(value, "autoscale.interval"),
            .cooldown_s = ts_value_number(value, "autoscale.cooldown"),
            .scrape_s = ts_value_dist(value, "autoscale.scrape"),
            .machine_s = provision_s(loader, value),
            .image_s = ts_value_number(value, "autoscale.image") / ts_value_number(value, "cold_start.bandwidth"),
        };
        check_autoscale(loader, ctx, &server->autoscale);
    }
    ts_value_counts_if(value, "cold_start", starts, "it is never started: write autoscale or restart_every");
    if (starts) {
        resolve_cold_start(loader, ctx);
    }
}
