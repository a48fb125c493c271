/* Hides how bills of a month become flows over the horizon, and what the plan is worth beside them.
 *
 * Same weights: a tier's tokens at the price of the API that offers its model, in the part that policy permits; a tier
 * whose model nobody offers, and the API tiers, cost what they do in the permitted baseline. */
#include "econ/baselines.h"

#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "econ/appraise.h"
#include "econ/finance.h"

#define TOK_PER_MTOK 1e6

/* Lost calls would have cost what the others do. */
static double same_weights_usd(const struct ts_econ *econ, const struct ts_model *model, const struct ts_result *result,
                               uint32_t tier)
{
    const struct ts_same_weights *same = &model->tiers[tier].same_weights;
    double displaced_usd = 0.0, barred_usd = 0.0, usd = 0.0;
    for (uint32_t c = 0; c < result->n_classes; c++) {
        const struct ts_cell *cell = &result->tiers[tier].cells[c];
        const double came = (double)(cell->arrived - cell->left_out), done = (double)(cell->done - cell->left_out_done);
        displaced_usd += cell->displaced_usd;
        barred_usd += cell->barred_usd;
        usd += done > 0.0 ? ((double)cell->prompt_tok * same->input_usd_per_mtok +
                             (double)cell->output_tok * same->output_usd_per_mtok) /
                                TOK_PER_MTOK * came / done
                          : 0.0;
    }
    return displaced_usd > 0.0 ? usd * (1.0 - barred_usd / displaced_usd) * econ->month_factor : 0.0;
}

static void find_bills(struct ts_baseline out[TS_N_BASELINES], const struct ts_econ *econ, const struct ts_model *model,
                       const struct ts_result *result)
{
    double same_usd = 0.0;
    bool any = false;
    for (uint32_t i = 0; i <= econ->n_tiers; i++) {
        const bool offered = i < econ->n_tiers && model->tiers[i].same_weights.offer;
        same_usd += offered ? same_weights_usd(econ, model, result, i) : econ->tier_baseline_usd_per_month[i];
        any = any || offered;
    }
    const struct ts_service unknown = {NAN, NAN, NAN};
    const struct ts_baseline rows[TS_N_BASELINES] = {
        [TS_BASELINE_PERMITTED] = {econ->has_baseline, true, econ->baseline_usd_per_month, 0.0, 0.0, unknown},
        [TS_BASELINE_ALL] = {econ->has_baseline && econ->barred_usd_per_month > 0.0, false,
                             econ->baseline_usd_per_month + econ->barred_usd_per_month, 0.0, 0.0, unknown},
        [TS_BASELINE_SAME_WEIGHTS] = {econ->has_baseline && any, true, same_usd, 0.0, 0.0, unknown},
        [TS_BASELINE_PRESENT] = {isfinite(model->money.present_usd_per_month), true, model->money.present_usd_per_month,
                                 0.0, 0.0, unknown},
        [TS_BASELINE_NOTHING] = {true, true, 0.0, 0.0, 0.0, {0.0, NAN, 0.0}},
    };
    for (int i = 0; i < TS_N_BASELINES; i++) {
        out[i] = rows[i];
    }
}

/* Of units that are paid in every month alike. */
static double provisioned_usd(const struct ts_model *model)
{
    double usd = 0.0;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        for (uint32_t o = 0; model->tiers[i].kind == TS_TIER_API && o < model->tiers[i].u.api.n_offers; o++) {
            usd += model->tiers[i].u.api.offers[o].provisioned.usd_per_month;
        }
    }
    return usd;
}

static void appraise(struct ts_baseline *out, const struct ts_econ *econ, const struct ts_money_model *money,
                     double decline_per_year, double fixed_usd, double *flows)
{
    const double rate = ts_finance_monthly_rate(money->discount_frac_per_year);
    flows[0] = -econ->plan_usd[0];
    for (uint32_t m = 1; m <= econ->n_months; m++) {
        const double volume = econ->calls[1] > 0.0 ? econ->calls[m] / econ->calls[1] : 0.0;
        const double price = pow(1.0 - decline_per_year, ((double)m - 1.0) / TS_MONTHS_PER_YEAR);
        const double usd = (out->usd_per_month - fixed_usd) * volume * price + fixed_usd;
        flows[m] = usd * (1.0 - money->tax_frac) - econ->plan_usd[m];
    }
    out->payback_months = ts_appraise_payback(0.0, flows, (size_t)econ->n_months + 1);
    flows[econ->n_months] += econ->residual_usd;
    out->npv_usd = ts_finance_npv(rate, flows, (size_t)econ->n_months + 1);
}

enum ts_status ts_baselines_compute(struct ts_baseline out[TS_N_BASELINES], const struct ts_econ *econ,
                                    const struct ts_model *model, const struct ts_result *result)
{
    double *flows = calloc((size_t)econ->n_months + 1, sizeof *flows);
    if (!flows) {
        return TS_ENOMEM;
    }
    find_bills(out, econ, model, result);
    for (int i = 0; i < TS_N_BASELINES; i++) {
        const bool falls = i != TS_BASELINE_PRESENT, is_api = i <= TS_BASELINE_SAME_WEIGHTS;
        appraise(&out[i], econ, &model->money, falls ? model->money.api_price_decline_frac_per_year : 0.0,
                 is_api ? provisioned_usd(model) : 0.0, flows);
    }
    free(flows);
    return TS_OK;
}
