/* Hides what a tier costs to own or to rent where the scenario does not say it: whole servers, cards in hosts, hours.
 *
 * Without capex: the accelerators' list price and their part of a host and its network (servers.csv). Cards on a board
 * (SXM, OAM) take their share of an 8-card host, cards in slots a whole host for each replica of up to 8: an L40S of
 * 8,000 USD is booked at 8,000 + 10,424 + 563. With owned.server: whole servers, as many as hold all cards.
 *
 * Rent of a spot machine: p (1 + lambda R), lambda interruptions an hour, R hours until a replica is back: the work of
 * that time is done again. */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "scenarios/language/loader.h"

static const struct ts_server_row *host_for(const struct ts_catalog *catalog, const struct ts_hardware *hardware)
{
    const bool on_board = strstr(hardware->name, "SXM") || strstr(hardware->name, "MI3") ||
                          strstr(hardware->name, "GB200") || strstr(hardware->name, "Gaudi");
    return ts_catalog_server(catalog, on_board ? "Host of SXM cards" : "Host of PCIe cards");
}

/* Of one replica, in hosts. */
static double hosts_of(const struct ts_server_row *host, uint32_t n_cards)
{
    const bool shared = strstr(host->name, "SXM") != NULL;
    return shared ? (double)n_cards / host->n_cards : ceil((double)n_cards / host->n_cards);
}

static const char *money(struct ts_loader *loader, double value)
{
    return ts_loader_printf(loader, "%.0f %s", value, loader->currencies.code);
}

static double price_of_cards(struct ts_loader *loader, struct ts_tier_context *ctx, const char *key)
{
    const struct ts_hardware *hardware = ctx->hardware;
    const double cards_usd = hardware->list_price_usd * ctx->n_accelerators;
    const struct ts_server_row *host = hardware->includes_host ? NULL : host_for(&loader->catalog, hardware);
    const double n = host ? hosts_of(host, ctx->n_accelerators) : 0.0;
    const double host_usd = host ? n * (host->price_usd + host->network_usd) : 0.0;
    const double usd = cards_usd > 0.0 ? cards_usd + host_usd : 0.0;
    const char *source = ts_loader_printf(
        loader, "hardware.csv: list price of %u x %s, %d%s", (unsigned)ctx->n_accelerators, hardware->name,
        hardware->year,
        host ? ts_loader_printf(loader, "; servers.csv: %.3g x %s and its network, %s", n, host->name, host->date)
             : ", a whole machine");
    ts_loader_assume(loader, key, TS_ORIGIN_CATALOG, source, "%s", money(loader, usd));
    ctx->tier->owned.is_bare = usd > 0.0;
    return usd;
}

/* Whole servers for all of them, by replica. */
static double price_of_servers(struct ts_loader *loader, struct ts_tier_context *ctx, double n_units, const char *key)
{
    struct ts_value *value = ts_value_at(ctx->value, "owned.server");
    const struct ts_server_row *row = ts_catalog_server(&loader->catalog, ts_value_text(ctx->value, "owned.server"));
    if (!row || !ctx->hardware) {
        return 0.0;
    }
    if (row->includes_cards && !ts_str_equal(row->accelerator, ctx->hardware->name)) {
        ts_loader_error(loader, value, "tiersim catalog servers lists them",
                        "'%s' has cards of %s, the tier runs on %s", row->name, row->accelerator, ctx->hardware->name);
        return 0.0;
    }
    const double n_servers = ceil(n_units * ctx->n_accelerators / row->n_cards - 1e-9);
    const double cards_usd = row->includes_cards ? 0.0 : ctx->hardware->list_price_usd * ctx->n_accelerators;
    const double usd = n_servers * (row->price_usd + row->network_usd) / n_units + cards_usd;
    ts_loader_assume(loader, key, TS_ORIGIN_CATALOG,
                     ts_loader_printf(loader, "servers.csv: %.0f x %s with its network for %.0f replicas, %s, %s",
                                      n_servers, row->name, n_units, row->date, row->source),
                     "%s", money(loader, usd));
    return usd;
}

static bool is_rented(struct ts_tier_context *ctx)
{
    return ctx->tier->kind == TS_TIER_SERVER &&
           (ts_value_is_written(ctx->value, "owned.rent") || ts_value_is_written(ctx->value, "owned.rental"));
}

static double capex_of_one(struct ts_loader *loader, struct ts_tier_context *ctx, double n_units)
{
    const bool server = ctx->tier->kind == TS_TIER_SERVER && ts_value_is_written(ctx->value, "owned.server");
    const char *key = ts_loader_printf(loader, "%s.owned.capex", ctx->value->path);
    if (ts_value_is_set(ctx->value, "owned.capex")) {
        if (server) {
            ts_value_counts_if(ctx->value, "owned.server", false, "owned.capex says what a replica costs");
        }
        if (is_rented(ctx) && ts_value_number(ctx->value, "owned.capex") > 0.0) {
            ts_loader_warning(loader, ts_value_at(ctx->value, "owned.capex"),
                              "leave one of them out, unless capex is for equipment around rented machines",
                              "both are paid: the machines are rented, and bought");
        }
        return ts_value_number(ctx->value, "owned.capex");
    }
    if (is_rented(ctx)) {
        ts_loader_assume(loader, key, TS_ORIGIN_DEFAULT, "rented by the hour", "%s", money(loader, 0.0));
        return 0.0;
    }
    if (server) {
        return price_of_servers(loader, ctx, n_units, key);
    }
    if (ctx->tier->kind == TS_TIER_DEVICE || !ctx->hardware) {
        ts_loader_assume(loader, key, TS_ORIGIN_DEFAULT, "people have these devices anyway", "%s", money(loader, 0.0));
        return 0.0;
    }
    return price_of_cards(loader, ctx, key);
}

/* ---- rent ---- */

/* Of one replica an hour by the catalog; 0: it has none. */
static double catalog_rent(struct ts_loader *loader, const struct ts_tier_context *ctx, enum ts_rental_kind kind,
                           const char *key)
{
    unsigned n = 0;
    const char *const words[] = {"on demand", "reserved", "spot"};
    const double usd = ctx->hardware ? ts_catalog_rental(&n, &loader->catalog, ctx->hardware->name, kind) : 0.0;
    if (usd > 0.0) {
        ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.owned.%s", ctx->value->path, key),
                                TS_ORIGIN_CATALOG,
                                ts_loader_printf(loader, "rentals.csv: %u x %s %s, median of %u offers",
                                                 (unsigned)ctx->n_accelerators, ctx->hardware->name, words[kind], n),
                                usd * ctx->n_accelerators, "USD/h");
    }
    return usd * ctx->n_accelerators;
}

static double rent_of_one(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_value *value = ctx->value;
    const int kind = ts_value_is_written(value, "owned.rental") ? ts_value_choice(value, "owned.rental") : -1;
    const bool spot = kind == TS_RENTAL_SPOT;
    double usd = ts_value_number_or(value, "owned.rent", 0.0);
    if (kind >= 0 && !ts_value_is_written(value, "owned.rent")) {
        usd = catalog_rent(loader, ctx, (enum ts_rental_kind)kind, "rent");
        if (!(usd > 0.0)) {
            ts_loader_error(loader, ts_value_at(value, "owned.rental"), "write owned: {rent: ... USD/h} beside it",
                            "the catalog has no such rent of %s", ctx->hardware_name);
        }
    }
    ts_value_counts_if(value, "owned.interruptions", spot, "the machines are not rented as spot");
    ts_value_counts_if(value, "owned.restart", spot, "the machines are not rented as spot");
    if (spot) {
        usd *= 1.0 + ts_value_number(value, "owned.interruptions") * ts_value_number(value, "owned.restart");
    }
    ctx->tier->owned.rent_is_reserved = kind == TS_RENTAL_RESERVED;
    return usd;
}

static double rent_instead(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    if (is_rented(ctx)) {
        ts_value_counts_if(ctx->value, "owned.rent_instead", false, "nothing is bought");
        return 0.0;
    }
    return ts_value_is_written(ctx->value, "owned.rent_instead")
               ? ts_value_number(ctx->value, "owned.rent_instead")
               : catalog_rent(loader, ctx, TS_RENTAL_ON_DEMAND, "rent_instead");
}

/* The bill that is fair to the tier's own model, beside that of the API which it replaces. */
static void resolve_same_weights(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    const struct ts_price *price =
        ctx->llm && ctx->tier->replaces >= 0 ? ts_catalog_same_weights(&loader->catalog, ctx->llm->name) : NULL;
    if (price && !ctx->tier->same_weights.offer) {
        ctx->tier->same_weights = (struct ts_same_weights){.offer = price->name,
                                                           .input_usd_per_mtok = price->input_usd_per_mtok,
                                                           .output_usd_per_mtok = price->output_usd_per_mtok};
        (void)ts_resolve_speed(loader, price->name, &ctx->tier->same_weights.ttft_s,
                               &ctx->tier->same_weights.tok_per_s);
        ts_loader_assume(loader, ts_loader_printf(loader, "tiers.%s.same_weights", ctx->tier->name), TS_ORIGIN_CATALOG,
                         ts_loader_printf(loader, "prices.csv: %s, %s", price->source, price->date),
                         "%s: %.4g and %.4g %s/Mtok", price->name, price->input_usd_per_mtok,
                         price->output_usd_per_mtok, loader->currencies.code);
    }
}

/* ---- a tier, its pools one after the other ---- */

void ts_resolve_price(struct ts_loader *loader, struct ts_tier_context *ctx, const struct ts_power_model *power,
                      double n_units)
{
    struct ts_owned_model *owned = &ctx->tier->owned;
    resolve_same_weights(loader, ctx);
    owned->capex_usd += capex_of_one(loader, ctx, n_units) * n_units;
    if (ctx->tier->kind == TS_TIER_SERVER) {
        const double it_w = fmax(power->prefill_w, power->decode_w) * (1.0 + power->host_frac);
        owned->rated_w += it_w * power->pue * n_units;
        owned->colocation_usd_per_month += it_w / 1000.0 * n_units * ts_value_number(ctx->value, "owned.colocation");
        owned->licences_usd_per_month += ts_value_number(ctx->value, "owned.licences") / TS_MONTHS_PER_YEAR * n_units;
        owned->rent_usd_per_h += rent_of_one(loader, ctx) * n_units;
        owned->rent_instead_usd_per_h += rent_instead(loader, ctx) * n_units;
    }
}

static void settle(struct ts_value *value, const struct ts_owned_model *owned)
{
    static const char *const of_price[] = {"life", "maintenance", "resale"};
    for (size_t i = 0; i < sizeof of_price / sizeof of_price[0]; i++) {
        ts_value_counts_if(value, of_price[i], owned->capex_usd > 0.0, "the machines cost nothing: write capex");
    }
}

static void resolve_server(struct ts_value *value, struct ts_owned_model *owned, double n_replicas)
{
    owned->rent_usd_per_h /= n_replicas;
    owned->rent_instead_usd_per_h /= n_replicas;
    owned->rated_w /= n_replicas;
    ts_value_counts_if(value, "replicas_per_staff", ts_value_at(value, "staff")->number > 0.0, "there is no staff");
    owned->replicas_per_staff = ts_value_count(value, "replicas_per_staff");
    owned->when_full = (enum ts_when_full)ts_value_choice(value, "when_full");
}

void ts_resolve_owned(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_owned_model *owned = &ctx->tier->owned;
    struct ts_value *value = ts_value_at(ctx->value, "owned");
    settle(value, owned);
    const double buy = ts_value_number(value, "buy");
    owned->buy_month = (uint32_t)(buy + 0.5);
    if (fabs(buy - owned->buy_month) > 1e-9) {
        ts_loader_error(loader, ts_value_at(value, "buy"), "write for example '6 months'", "'buy' is in whole months");
    }
    owned->life_months = ts_value_number(value, "life");
    owned->lead_time_months = ts_value_number(value, "lead_time");
    owned->maintenance_frac_per_year = ts_value_number(value, "maintenance");
    owned->staff_fte = ts_value_number(value, "staff");
    owned->resale_frac = ts_value_number(value, "resale");
    owned->other_usd_per_month = ts_value_number(value, "other");
    if (ctx->tier->kind == TS_TIER_SERVER) {
        resolve_server(value, owned, ts_server_n_replicas(&ctx->tier->u.server));
    }
}
