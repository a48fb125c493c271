/* Names of the model's enumerations, the pools of its tiers, its clocks. */
#include "sim/model.h"

#include "base/check.h"

const char *ts_origin_name(enum ts_origin origin)
{
    switch (origin) {
    case TS_ORIGIN_SCENARIO:
        return "scenario";
    case TS_ORIGIN_COMMAND:
        return "command line";
    case TS_ORIGIN_DEFAULT:
        return "default";
    case TS_ORIGIN_CATALOG:
        return "catalog";
    case TS_ORIGIN_MEASURED:
        return "measured";
    case TS_ORIGIN_IMPORTED:
        return "imported";
    case TS_ORIGIN_FITTED:
        return "fitted";
    case TS_ORIGIN_MODELLED:
        return "modelled";
    }
    TS_CHECK(!"an origin");
    return "";
}

const char *ts_tier_kind_name(enum ts_tier_kind kind)
{
    switch (kind) {
    case TS_TIER_DEVICE:
        return "device";
    case TS_TIER_SERVER:
        return "server";
    case TS_TIER_API:
        return "api";
    case TS_N_TIER_KINDS:
        break;
    }
    TS_CHECK(!"a tier kind");
    return "";
}

uint32_t ts_model_first_pool(const struct ts_model *model, uint32_t tier)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < tier; i++) {
        n += ts_tier_n_pools(&model->tiers[i]);
    }
    return n;
}

double ts_model_hour(const struct ts_model *model, uint32_t class_id, int64_t now_ns)
{
    const double ns_per_h = 3.6e12;
    return model->start_hour + (model->class_ahead_h ? model->class_ahead_h[class_id] : 0.0) +
           (double)now_ns / ns_per_h;
}

bool ts_model_has_incidents(const struct ts_model *model)
{
    bool any = model->n_incidents > 0;
    for (uint32_t i = 0; i < model->n_links; i++) {
        any = any || model->links[i].mean_up_s > 0.0;
    }
    return any;
}
