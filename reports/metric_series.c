/* Hides which kinds of tiers have what, and how a point of the time series is found. */
#include <math.h>
#include <string.h>

#include "reports/metric.h"

bool ts_metric_has(const struct ts_model *model, uint32_t tier, enum ts_counter_has what)
{
    const struct ts_tier_model *one = tier < model->n_tiers ? &model->tiers[tier] : NULL;
    switch (what) {
    case TS_HAS_ANY:
        return true;
    case TS_HAS_OWNED:
        return one && one->kind != TS_TIER_API;
    case TS_HAS_SERVER:
        return one && one->kind == TS_TIER_SERVER;
    case TS_HAS_CROSSING:
        return one && ts_tier_is_disaggregated(one);
    case TS_HAS_INCIDENTS:
        return ts_model_has_incidents(model);
    }
    return false;
}

const struct ts_series ts_series[] = {
#define TS_SERIES(field, has, column, doc) {column, doc, offsetof(struct ts_tier_result, field), TS_HAS_##has},
#include "sim/counters.inc"
    {NULL, NULL, 0, TS_HAS_ANY},
};

bool ts_series_is_told(const struct ts_series *series, const struct ts_model *model)
{
    return series->has != TS_HAS_INCIDENTS || ts_model_has_incidents(model);
}

double ts_series_value(const struct ts_series *series, const struct ts_model *model, const struct ts_result *result,
                       uint32_t tier, uint32_t bin)
{
    if (!ts_metric_has(model, tier, series->has)) {
        return NAN;
    }
    const uint32_t first = tier > model->n_tiers ? 0 : tier, last = tier > model->n_tiers ? model->n_tiers : tier;
    double sum = 0.0;
    for (uint32_t i = first; i <= last; i++) {
        const double *bins = NULL;
        memcpy(&bins, (const char *)&result->tiers[i] + series->field, sizeof bins);
        sum += bins ? bins[bin] : 0.0;
    }
    return sum;
}
