/* Hides where the energy and the replies of a kind of devices stand in a result. */
#include "reports/battery.h"

static double replies_of(const struct ts_result *result, uint32_t tier, const struct ts_cell *kind)
{
    double n = 0.0;
    if (kind) {
        return (double)(kind->done - kind->left_out_done);
    }
    for (uint32_t c = 0; c < result->n_classes; c++) {
        const struct ts_cell *cell = &result->tiers[tier].cells[c];
        n += (double)(cell->done - cell->left_out_done);
    }
    return n;
}

struct ts_battery_use ts_battery_of_kind(const struct ts_model *model, const struct ts_result *result, uint32_t tier,
                                         uint32_t kind)
{
    const double j_per_wh = 3600.0, s_per_day = 86400.0;
    const double charge_j = ts_device_of_kind(&model->tiers[tier].u.device, kind)->battery_wh * j_per_wh;
    const struct ts_tier_result *pool = &result->pools[ts_model_first_pool(model, tier) + kind];
    if (!(charge_j > 0.0)) {
        return (struct ts_battery_use){0};
    }
    return (struct ts_battery_use){.charges = (pool->active_j + pool->host_j) / charge_j,
                                   .replies = replies_of(result, tier, pool->cells),
                                   .user_days = pool->active_users *
                                                ((ts_result_window_s(result) - result->warmup_s) / s_per_day)};
}

struct ts_battery_use ts_battery_of_tier(const struct ts_model *model, const struct ts_result *result, uint32_t tier)
{
    struct ts_battery_use sum = {0};
    for (uint32_t k = 0; k < ts_tier_n_pools(&model->tiers[tier]); k++) {
        const struct ts_battery_use use = ts_battery_of_kind(model, result, tier, k);
        sum.charges += use.charges;
        sum.replies += use.replies;
        sum.user_days += use.user_days;
    }
    return sum;
}

bool ts_battery_is_in(const struct ts_tier_model *tier)
{
    bool any = false;
    for (uint32_t k = 0; tier->kind == TS_TIER_DEVICE && k < ts_tier_n_pools(tier); k++) {
        any = any || ts_device_of_kind(&tier->u.device, k)->battery_wh > 0.0;
    }
    return any;
}
