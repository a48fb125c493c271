/* Hides what a month of a tier costs at today's prices, from what it uses (econ/tier_use.c).
 *
 * With a tariff by hours the price of electricity is the mean over peak hours and others, weighted by the energy. */
#include "econ/tier_month.h"

#include <math.h>

#include "base/units.h"

uint32_t ts_tier_n_units(const struct ts_model *model, uint32_t tier)
{
    const bool is_server = tier < model->n_tiers && model->tiers[tier].kind == TS_TIER_SERVER;
    return is_server && model->tiers[tier].u.server.n_pools > 0 ? ts_server_n_replicas(&model->tiers[tier].u.server)
                                                                : 1;
}

static double capacity_of(const struct ts_econ *econ, const struct ts_model *model, const struct ts_tier_use *use,
                          uint32_t tier)
{
    if (tier == model->n_tiers || model->tiers[tier].kind == TS_TIER_API) {
        return INFINITY;
    }
    if (econ->capacity.is_simulated) {
        return econ->capacity.volume[tier];
    }
    return use->full_frac > 0.0 ? 1.0 / use->full_frac : INFINITY;
}

static double price_of(const struct ts_money_model *money, double peak_frac)
{
    return isnan(money->tariff.peak_usd_per_kwh)
               ? money->electricity_usd_per_kwh
               : money->electricity_usd_per_kwh * (1.0 - peak_frac) + money->tariff.peak_usd_per_kwh * peak_frac;
}

static void add_owned(struct ts_tier_month *out, const struct ts_model *model)
{
    const struct ts_owned_model *owned = out->owned;
    out->maintenance_usd = owned->capex_usd * owned->maintenance_frac_per_year / TS_MONTHS_PER_YEAR;
    out->staff_usd = owned->staff_fte * model->money.salary_usd_per_year / TS_MONTHS_PER_YEAR;
    out->colocation_usd = owned->colocation_usd_per_month;
    out->licences_usd = owned->licences_usd_per_month;
    out->other_usd = owned->other_usd_per_month;
    out->downloads_usd = owned->downloads_usd_per_month;
    out->rent_usd =
        owned->rent_usd_per_h * (owned->rent_is_reserved ? out->n_units : out->use.mean_up) * (TS_S_PER_MONTH / 3600.0);
}

struct ts_tier_month ts_tier_month_of(const struct ts_econ *econ, const struct ts_model *model,
                                      const struct ts_tier_use *use, uint32_t tier)
{
    static const struct ts_owned_model owns_nothing;
    struct ts_tier_month out = {.owned = tier < model->n_tiers ? &model->tiers[tier].owned : &owns_nothing,
                                .use = *use,
                                .n_units = ts_tier_n_units(model, tier),
                                .usd_per_kwh = price_of(&model->money, use->peak_frac),
                                .demand_usd = use->peak_kw * model->money.tariff.demand_usd_per_kw,
                                .capacity = capacity_of(econ, model, use, tier)};
    add_owned(&out, model);
    return out;
}

double ts_tier_barred(const struct ts_tier_month *tier)
{
    return tier->use.displaced_usd > 0.0 ? tier->use.barred_usd / tier->use.displaced_usd : 1.0;
}

double ts_tier_refused_when_full(const struct ts_tier_month *tier)
{
    return tier->owned->when_full == TS_FULL_REFUSE ? 1.0 : ts_tier_barred(tier);
}
