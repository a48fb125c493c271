/* Hides how one simulated window becomes what a tier uses in a month.
 *
 * Energy at idle grows with time: time_factor = 730 h / time simulated. Everything else grows with calls: month_factor
 * = calls_per_month / arrivals, or 730 h / arrival window x month_scale if it is not given. A window of 1 h with 100
 * calls, simulated to its end, and 200,000 calls a month: time_factor 730, month_factor 2,000. A warm-up counts in none
 * of them. Host and overhead energy are shared out over idle and active energy in proportion:
 * kWh = (idle_j time_factor + active_j month_factor v) (1 + (host_j + overhead_j)/(idle_j + active_j)) / 3.6e6
 *
 * Peak hours count by the power of the window's bins; the highest power is that of the bin in which all owned tiers
 * together draw the most, shared out by what each draws in it. */

#include <math.h>

#include "base/check.h"
#include "base/units.h"
#include "econ/tier_month.h"

#define J_PER_KWH 3.6e6

/* After the warm-up. */
static double arrivals_of(const struct ts_result *result)
{
    double n = 0.0;
    for (uint32_t tier = 0; tier <= result->n_tiers; tier++) {
        for (uint32_t c = 0; c < result->n_classes; c++) {
            n += (double)(result->tiers[tier].cells[c].arrived - result->tiers[tier].cells[c].left_out);
        }
    }
    return n;
}

static enum ts_status set_factors(struct ts_econ_use *out, const struct ts_model *model, const struct ts_result *result,
                                  struct ts_diags *diags)
{
    double arrivals = arrivals_of(result);
    double window_s = ts_result_window_s(result) - result->warmup_s;
    double simulated_s = result->simulated_s - result->warmup_s;
    if (result->warmup_s > 0.0 && !(window_s > 0.0 && arrivals > 0.0)) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), "write a shorter warmup",
                       "no request came after the warm-up: there is nothing to report");
    }
    if (!(ts_result_window_s(result) > 0.0) || !isfinite(ts_result_window_s(result))) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), "simulate a window of at least one request",
                       "no time was simulated: costs a month cannot be computed");
    }
    if (model->calls_per_month > 0.0 && !(arrivals > 0.0)) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), NULL,
                       "no request was simulated: %.0f calls a month cannot be scaled from none",
                       model->calls_per_month);
    }
    out->time_factor = TS_S_PER_MONTH / (simulated_s > 0.0 ? simulated_s : window_s);
    const double scale = model->month_scale > 0.0 ? model->month_scale : 1.0;
    out->month_factor =
        model->calls_per_month > 0.0 ? model->calls_per_month / arrivals : scale * TS_S_PER_MONTH / window_s;
    return TS_OK;
}

/* A busy share is of the simulated window and of the replicas that were up; a month with more or fewer calls an hour
 * than that window scales it, and the replicas that were not up could have been. */
static double fullness(const struct ts_econ_use *use, double busy_frac, double mean_up, uint32_t n)
{
    const double up_frac = n > 0 && mean_up > 0.0 ? fmin(mean_up / n, 1.0) : 1.0;
    return busy_frac * up_frac * use->month_factor / use->time_factor;
}

static double full_frac_of(const struct ts_econ_use *use, const struct ts_model *model, const struct ts_result *result,
                           uint32_t tier)
{
    if (tier == model->n_tiers || model->tiers[tier].kind == TS_TIER_API) {
        return 0.0;
    }
    const struct ts_server_model *server = &model->tiers[tier].u.server;
    const bool has_pools = model->tiers[tier].kind == TS_TIER_SERVER && server->n_pools > 0;
    double busiest = has_pools ? 0.0 : fullness(use, result->tiers[tier].busy_frac, 0.0, 0);
    for (uint32_t i = 0; has_pools && i < server->n_pools; i++) {
        const struct ts_tier_result *pool = &result->pools[ts_model_first_pool(model, tier) + i];
        busiest = fmax(busiest, fullness(use, pool->busy_frac, pool->mean_up, server->pools[i].n_replicas));
    }
    return busiest;
}

static void add_cell(struct ts_tier_use *out, const struct ts_cell *cell, double factor)
{
    out->router_usd += cell->router_usd * factor;
    out->api_usd += cell->api_usd * factor;
    out->superseded_usd += cell->superseded_usd * factor;
    out->displaced_usd += cell->displaced_usd * factor;
    out->barred_usd += cell->barred_usd * factor;
    const double came = (double)(cell->arrived - cell->left_out), done = (double)(cell->done - cell->left_out_done);
    out->calls += came * factor;
    out->lost += (came - done) * factor;
    out->tokens += ((double)cell->prompt_tok + (double)cell->output_tok) * factor;
}

/* ---- electricity ---- */

static bool draws_here(const struct ts_model *model, uint32_t tier)
{
    return tier == model->n_tiers ? model->router.n_servers > 0
                                  : tier < model->n_tiers && model->tiers[tier].kind != TS_TIER_API &&
                                        !(model->tiers[tier].owned.rent_usd_per_h > 0.0);
}

static bool is_peak(const struct ts_model *model, double hour_of_week)
{
    const struct ts_tariff_model *tariff = &model->money.tariff;
    const double week = 168.0, day = 24.0, weekdays = 120.0;
    const double at = fmod(hour_of_week, week), hour = fmod(at, day);
    return at < weekdays && hour >= tariff->peak_from_hour && hour < tariff->peak_to_hour;
}

static double peak_frac_of(const struct ts_model *model, const struct ts_result *result, uint32_t tier)
{
    double power_w = 0.0, peak_w = 0.0;
    if (isnan(model->money.tariff.peak_usd_per_kwh) || !draws_here(model, tier) || !result->tiers[tier].power_w) {
        return 0.0;
    }
    for (uint32_t bin = 0; bin < result->n_bins; bin++) {
        const double hour = model->start_hour + (bin + 0.5) * result->bin_s / 3600.0;
        power_w += result->tiers[tier].power_w[bin];
        peak_w += is_peak(model, hour) ? result->tiers[tier].power_w[bin] : 0.0;
    }
    return power_w > 0.0 ? peak_w / power_w : 0.0;
}

double ts_econ_peak_w(double *own_w, const struct ts_model *model, const struct ts_result *result, uint32_t tier)
{
    double highest_w = 0.0;
    *own_w = 0.0;
    for (uint32_t bin = 0; bin < result->n_bins; bin++) {
        double sum_w = 0.0;
        for (uint32_t i = 0; i <= model->n_tiers; i++) {
            sum_w += draws_here(model, i) && result->tiers[i].power_w ? result->tiers[i].power_w[bin] : 0.0;
        }
        if (sum_w > highest_w) {
            highest_w = sum_w;
            *own_w = draws_here(model, tier) && result->tiers[tier].power_w ? result->tiers[tier].power_w[bin] : 0.0;
        }
    }
    return highest_w;
}

static double peak_kw_of(const struct ts_model *model, const struct ts_result *result, uint32_t tier)
{
    double own_w;
    (void)ts_econ_peak_w(&own_w, model, result, tier);
    return own_w / 1000.0;
}

/* ---- a tier ---- */

static void add_energy(struct ts_tier_use *out, const struct ts_econ_use *use, const struct ts_tier_result *from)
{
    const double accelerator_j = from->idle_j + from->active_j, around_j = from->host_j + from->overhead_j;
    const double per_j = accelerator_j > 0.0 ? 1.0 + around_j / accelerator_j : 1.0;
    out->idle_kwh = from->idle_j * per_j * use->time_factor / J_PER_KWH;
    out->active_kwh = from->active_j * per_j * use->month_factor / J_PER_KWH;
    if (!(accelerator_j > 0.0)) {
        out->idle_kwh = around_j * use->time_factor / J_PER_KWH;
    }
}

static struct ts_tier_use tier_of(const struct ts_econ_use *use, const struct ts_model *model,
                                  const struct ts_result *result, uint32_t tier)
{
    const struct ts_tier_result *from = &result->tiers[tier];
    const uint32_t n = ts_tier_n_units(model, tier);
    const bool is_server = tier < model->n_tiers && model->tiers[tier].kind == TS_TIER_SERVER;
    struct ts_tier_use out = {.peak_frac = peak_frac_of(model, result, tier),
                              .peak_kw = peak_kw_of(model, result, tier),
                              .mean_up = from->mean_up,
                              .full_frac = full_frac_of(use, model, result, tier)};
    if (tier < model->n_tiers && model->tiers[tier].kind == TS_TIER_API) {
        for (uint32_t i = 0; i < model->tiers[tier].u.api.n_offers; i++) {
            out.provisioned_usd += model->tiers[tier].u.api.offers[i].provisioned.usd_per_month;
        }
    }
    add_energy(&out, use, from);
    out.busy_frac = from->busy_frac * (is_server && from->mean_up > 0.0 ? fmin(from->mean_up / n, 1.0) : 1.0);
    for (uint32_t c = 0; c < result->n_classes; c++) {
        add_cell(&out, &from->cells[c], use->month_factor);
    }
    return out;
}

enum ts_status ts_econ_use_of(struct ts_econ_use *out, const struct ts_model *model, const struct ts_result *result,
                              struct ts_diags *diags)
{
    TS_CHECK(model->n_tiers <= TS_MAX_TIERS && result->n_tiers == model->n_tiers);
    struct ts_econ_use use = {.month_factor = 0.0};
    const enum ts_status status = set_factors(&use, model, result, diags);
    if (status != TS_OK) {
        return status;
    }
    for (uint32_t i = 0; i <= model->n_tiers; i++) {
        use.tiers[i] = tier_of(&use, model, result, i);
    }
    *out = use;
    return TS_OK;
}
