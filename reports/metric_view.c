/* Hides which sums a figure is computed from, and how tiers and pools are called. */
#include "reports/metric.h"

const char *ts_metric_tier_name(const struct ts_model *model, uint32_t tier)
{
    return tier < model->n_tiers ? model->tiers[tier].name : tier == model->n_tiers ? "nowhere" : "all";
}

enum ts_status ts_metric_view_init(struct ts_metric_view *out, const struct ts_model *model,
                                   const struct ts_result *result, const struct ts_econ *econ, uint32_t tier,
                                   uint32_t class_id)
{
    struct ts_metric_view view = {.model = model, .result = result, .econ = econ, .tier = tier, .class_id = class_id};
    enum ts_status status = ts_result_sum(&view.cell, result, tier, class_id);
    if (status != TS_OK) {
        return status;
    }
    ts_result_total(&view.totals, result, tier);
    *out = view;
    return TS_OK;
}

void ts_metric_view_deinit(struct ts_metric_view *view)
{
    ts_cell_deinit(&view->cell);
}

/* ---- pools ---- */

uint32_t ts_metric_tier_of_pool(const struct ts_model *model, uint32_t pool)
{
    uint32_t tier = 0;
    while (pool >= ts_tier_n_pools(&model->tiers[tier])) {
        pool -= ts_tier_n_pools(&model->tiers[tier]);
        tier++;
    }
    return tier;
}

bool ts_metric_shows_pool(const struct ts_model *model, uint32_t pool)
{
    return ts_tier_lists_pools(&model->tiers[ts_metric_tier_of_pool(model, pool)]);
}

struct ts_metric_view ts_metric_pool_view(const struct ts_model *model, const struct ts_result *result, uint32_t pool)
{
    return (struct ts_metric_view){.model = model,
                                   .result = result,
                                   .tier = ts_metric_tier_of_pool(model, pool),
                                   .class_id = TS_ALL_CLASSES,
                                   .totals = result->pools[pool]};
}

void ts_metric_pool_name(struct ts_text *out, const struct ts_model *model, uint32_t pool)
{
    const uint32_t tier = ts_metric_tier_of_pool(model, pool);
    const uint32_t place = pool - ts_model_first_pool(model, tier);
    const struct ts_tier_model *of = &model->tiers[tier];
    ts_text_printf(out, "%s/%s", of->name,
                   ts_tier_is_mixed(of) ? of->u.device.kinds[place].name : of->u.server.pools[place].name);
}
