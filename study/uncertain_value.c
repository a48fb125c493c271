/* Hides which number of the economics each figure is. */
#include "study/uncertain_value.h"

#include <math.h>

#include <gsl/gsl_cdf.h>

void ts_doubt_capacity_fit(struct ts_doubt_base *base, uint32_t input, const struct ts_econ_capacity *at_p10,
                           const struct ts_econ_capacity *at_p90)
{
    const double c = gsl_cdf_ugaussian_Pinv(0.9);
    for (uint32_t i = 0; i < TS_MAX_TIERS; i++) {
        const double low = log(at_p10->volume[i] / base->capacity.volume[i]);
        const double high = log(at_p90->volume[i] / base->capacity.volume[i]);
        const bool known = isfinite(low) && isfinite(high);
        base->slope[input][i] = known ? (high - low) / (2.0 * c) : 0.0;
        base->bend[input][i] = known ? (high + low) / (2.0 * c * c) : 0.0;
    }
}

struct ts_econ_capacity ts_doubt_capacity(const struct ts_doubt_base *base, const double *at)
{
    struct ts_econ_capacity capacity = base->capacity;
    for (uint32_t k = 0; capacity.is_simulated && k < base->n_inputs; k++) {
        const double z = gsl_cdf_ugaussian_Pinv(at[k]);
        for (uint32_t i = 0; i < TS_MAX_TIERS; i++) {
            const double moved = base->slope[k][i] * z + base->bend[k][i] * z * z;
            capacity.volume[i] *= moved != 0.0 ? exp(moved) : 1.0;
        }
    }
    return capacity;
}

enum ts_status ts_doubt_value(double *out, double *ahead, const struct ts_model *model, const struct ts_econ_use *use,
                              const double *service, const struct ts_econ_capacity *capacity)
{
    struct ts_econ econ;
    const enum ts_status status = ts_econ_of_use(&econ, model, use, capacity, NULL);
    if (status != TS_OK) {
        return status;
    }
    out[TS_DOUBT_COST] = econ.total_usd_per_month;
    out[TS_DOUBT_SAVING] = econ.baseline_usd_per_month - econ.total_usd_per_month;
    out[TS_DOUBT_PAYBACK] = econ.payback_months;
    out[TS_DOUBT_NPV] = econ.npv_usd;
    out[TS_DOUBT_ENERGY] = econ.kwh_per_month;
    out[TS_DOUBT_ATTAINMENT] = service[TS_SERVICE_ATTAINMENT];
    out[TS_DOUBT_TTFT] = service[TS_SERVICE_TTFT];
    out[TS_DOUBT_QUALITY] = service[TS_SERVICE_QUALITY];
    out[TS_DOUBT_POWER] = service[TS_SERVICE_POWER];
    for (uint32_t m = 0; ahead && m <= econ.n_months; m++) {
        ahead[m] = econ.baseline_cumulative_usd[m] - econ.plan_cumulative_usd[m];
    }
    ts_econ_deinit(&econ);
    return TS_OK;
}
