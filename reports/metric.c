/* Hides what the figures of a report are and how they follow from result and economics: counters as they stand in
 * sim/counters.inc, and between them those that follow from others. Definitions: TTFT, TPOT, ITL, E2E and WAIT as in
 * sim/result.h; attainment = requests that met the SLO / all arrivals; quality = right answers / requests
 * done; goodput = requests that met the SLO / window; all without the warm-up and what came in it.
 * Energies are of the simulated window after it (1 kWh = 3.6 MJ), money and kWh "a month" come from econ/econ.h. */
#include "reports/metric.h"

#include <math.h>
#include <string.h>

#include "base/units.h"
#include "reports/battery.h"

#define J_PER_KWH 3.6e6

static double ratio(double a, double b)
{
    return b > 0.0 ? a / b : NAN;
}

/* ---- counters ---- */

static double number_in(const void *object, const struct ts_metric *self)
{
    const char *at = (const char *)object + self->field;
    uint64_t count = 0;
    double real = 0.0;
    switch (self->type) {
    case TS_COUNTER_IS_COUNT:
        memcpy(&count, at, sizeof count);
        return (double)count / self->per;
    case TS_COUNTER_IS_REAL:
        memcpy(&real, at, sizeof real);
        return real / self->per;
    }
    return NAN;
}

static bool has(const struct ts_metric_view *view, enum ts_counter_has what)
{
    return ts_metric_has(view->model, view->tier, what);
}

static double get_cell_counter(const struct ts_metric_view *view, const struct ts_metric *self)
{
    return number_in(&view->cell, self);
}

static double get_tier_counter(const struct ts_metric_view *view, const struct ts_metric *self)
{
    return has(view, self->has) ? number_in(&view->totals, self) : NAN;
}

static double get_run_counter(const struct ts_metric_view *view, const struct ts_metric *self)
{
    return number_in(view->result, self);
}

static bool has_warmup(const struct ts_model *model)
{
    return model->warmup_s > 0.0;
}

static bool has_router_price(const struct ts_model *model)
{
    return model->router.usd_per_call > 0.0 || model->router.verify.usd_per_call > 0.0;
}

static bool has_router_servers(const struct ts_model *model)
{
    return model->router.n_servers > 0;
}

static bool has_attempts(const struct ts_model *model)
{
    return model->router.policy == TS_ROUTE_CASCADE || model->router.policy == TS_ROUTE_HEDGE ||
           model->router.fallback_after_s > 0.0 || ts_model_has_incidents(model);
}

static bool has_reasoning(const struct ts_model *model)
{
    bool any = false;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        any = any || (model->tiers[i].kind == TS_TIER_API && ts_dist_mean(&model->tiers[i].u.api.hidden_tok) > 0.0);
    }
    return any;
}

static bool has_outages(const struct ts_model *model)
{
    bool any = false;
    for (uint32_t i = 0; i < model->n_links; i++) {
        any = any || model->links[i].mean_up_s > 0.0;
    }
    for (uint32_t i = 0; i < model->n_incidents; i++) {
        any = any || model->incidents[i].link >= 0;
    }
    return any;
}

static bool has_choice(const struct ts_model *model)
{
    return model->router.n_order > 1;
}

static bool has_quality(const struct ts_model *model)
{
    return !model->quality.unknown;
}

static bool has_router_quality(const struct ts_model *model)
{
    return has_choice(model) && has_quality(model);
}

static bool has_strongest_api(const struct ts_model *model)
{
    return has_choice(model) && model->tiers[ts_frontier_strongest(model)].kind == TS_TIER_API;
}

static bool has_transfers(const struct ts_model *model)
{
    bool any = false;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        any = any || ts_tier_is_disaggregated(&model->tiers[i]);
    }
    return any;
}

/* Of an offer that has a price of its own for cached input, where a trace can tell what is. */
static bool has_prompt_cache(const struct ts_model *model)
{
    bool any = false;
    for (uint32_t i = 0; i < model->n_tiers && model->prompts_are_told; i++) {
        const struct ts_api_model *api = model->tiers[i].kind == TS_TIER_API ? &model->tiers[i].u.api : NULL;
        for (uint32_t o = 0; api && o < api->n_offers; o++) {
            any = any || api->offers[o].cached_input_usd_per_mtok != api->offers[o].input_usd_per_mtok;
        }
    }
    return any;
}

static bool has_sessions(const struct ts_model *model)
{
    return model->has_sessions;
}

static bool has_levels(const struct ts_model *model)
{
    bool any = false;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        any = any || (model->tiers[i].kind == TS_TIER_SERVER && model->tiers[i].u.server.n_kv_levels > 0);
    }
    return any;
}

static bool has_battery(const struct ts_model *model)
{
    bool any = false;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        any = any || ts_battery_is_in(&model->tiers[i]);
    }
    return any;
}

/* ---- requests ---- */

static double get_attainment(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio((double)view->cell.slo_met, (double)(view->cell.arrived - view->cell.left_out));
}

static double quality_of(const struct ts_metric_view *view, uint64_t n_right)
{
    return ratio((double)n_right, (double)(view->cell.done - view->cell.left_out_done));
}

static double get_quality(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return quality_of(view, view->cell.right);
}

static double get_quality_weakest(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return quality_of(view, view->cell.weakest_right);
}

static double get_quality_strongest(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return quality_of(view, view->cell.strongest_right);
}

static double get_quality_oracle(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return quality_of(view, view->cell.any_right);
}

static double get_quality_retained(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio((double)view->cell.right, (double)view->cell.strongest_right);
}

static double get_pgr(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const double gap = (double)view->cell.strongest_right - (double)view->cell.weakest_right;
    (void)self;
    return gap > 0.0 ? ((double)view->cell.right - (double)view->cell.weakest_right) / gap : NAN;
}

static double get_apgr(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ts_frontier_apgr(&view->result->frontier, view->model);
}

static double get_cpt(const struct ts_metric_view *view, const struct ts_metric *self)
{
    return ts_frontier_share_of(&view->result->frontier, view->model, self->p);
}

static double get_goodput(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio((double)view->cell.slo_met, ts_result_window_s(view->result) - view->result->warmup_s);
}

static double get_output_rate(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio((double)view->cell.output_tok, ts_result_window_s(view->result) - view->result->warmup_s);
}

static double get_router_busy(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio(view->cell.router_s, ts_result_window_s(view->result) - view->result->warmup_s);
}

static double get_router_wait(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio(view->totals.router_wait_s, (double)view->totals.n_routed);
}

static double get_api_bill(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return view->cell.api_usd + view->cell.superseded_usd + view->cell.router_usd;
}

static double get_quantile(const struct ts_metric_view *view, const struct ts_metric *self)
{
    return ts_hist_quantile(&view->cell.latency_ns[self->index], self->p) / (double)TS_NS_PER_S;
}

static double get_mean(const struct ts_metric_view *view, const struct ts_metric *self)
{
    return ts_hist_mean(&view->cell.latency_ns[self->index]) / (double)TS_NS_PER_S;
}

/* Half the width of the confidence interval of the mean, by batch means; of single classes none is kept. */
static double get_half_width(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_batch_means *batches =
        view->tier > view->model->n_tiers ? view->result->batches : view->result->tiers[view->tier].batches;
    return ts_batch_means_half(&batches[self->index], self->p);
}

static double get_interval(const struct ts_metric_view *view, const struct ts_metric *self, bool high)
{
    static const enum ts_tail tails[TS_N_LATENCIES] = {
        [TS_TTFT] = TS_TAIL_TTFT, [TS_TPOT] = TS_TAIL_TPOT, [TS_E2E] = TS_TAIL_E2E};
    const struct ts_quantile_interval interval =
        ts_exceedance_interval(ts_result_tail(view->result, view->class_id, tails[self->index]),
                               &view->cell.latency_ns[self->index], self->p, 0.95);
    return (high ? interval.high : interval.low) / (double)TS_NS_PER_S;
}

static double get_low(const struct ts_metric_view *view, const struct ts_metric *self)
{
    return get_interval(view, self, false);
}

static double get_high(const struct ts_metric_view *view, const struct ts_metric *self)
{
    return get_interval(view, self, true);
}

/* ---- sessions ---- */

enum session_share { SESSIONS_ALL, SESSIONS_MET, KEPT_BEHIND_TOOL, KEPT_BEHIND_USER };

static double get_session_share(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_cell *cell = &view->cell;
    const double run_s = view->result->simulated_s - view->result->warmup_s;
    switch ((enum session_share)self->index) {
    case SESSIONS_ALL:
        return ratio(cell->session_s, run_s);
    case SESSIONS_MET:
        return ratio(cell->session_met_s, run_s);
    case KEPT_BEHIND_TOOL:
        return ratio((double)cell->tool_kept_tok, (double)cell->tool_context_tok);
    case KEPT_BEHIND_USER:
        return ratio((double)cell->think_kept_tok, (double)cell->think_context_tok);
    }
    return NAN;
}

/* ---- tiers ---- */

static double get_energy(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ts_tier_energy_j(&view->totals) / J_PER_KWH;
}

static double get_cache_hit(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio((double)view->totals.found_tok, (double)view->totals.looked_up_tok);
}

/* Of the accelerators' own cache, or of a level behind it. */
static double get_level_hit(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_tier_result *totals = &view->totals;
    const uint64_t of_levels[] = {totals->level1_tok, totals->level2_tok, totals->level3_tok};
    const uint64_t own = totals->found_tok - of_levels[0] - of_levels[1] - of_levels[2];
    return ratio((double)(self->index == 0 ? own : of_levels[self->index - 1]), (double)totals->looked_up_tok);
}

static double get_kv_load(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio(view->totals.kv_load_s, (double)view->totals.n_kv_loads);
}

/* Of one unit, while it works. */
static double get_busy_rate(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const double up_s = view->totals.mean_up * (view->result->simulated_s - view->result->warmup_s);
    (void)self;
    return view->tier < view->model->n_tiers && has(view, TS_HAS_OWNED)
               ? ratio((double)view->cell.output_tok, view->totals.busy_frac * up_s)
               : NAN;
}

static double get_mfu(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio(view->totals.flop, view->totals.peak_flop);
}

static double get_mbu(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio(view->totals.bytes, view->totals.peak_bytes);
}

/* Of a charge, in energy above idle: by a reply, and by a day of one who uses the fleet. */
enum battery { BATTERY_REPLY, BATTERY_DAY };

static double get_battery(const struct ts_metric_view *view, const struct ts_metric *self)
{
    if (view->tier >= view->model->n_tiers || !ts_battery_is_in(&view->model->tiers[view->tier])) {
        return NAN;
    }
    const struct ts_battery_use use = ts_battery_of_tier(view->model, view->result, view->tier);
    return ratio(use.charges, (enum battery)self->index == BATTERY_REPLY ? use.replies : use.user_days);
}

/* Of KV entries between prefill and decode pools; other tiers, and all together, have none. */
enum transfer { TRANSFER, TRANSFER_WAIT };

static const struct ts_hist *transfers_of(const struct ts_metric_view *view, enum transfer which)
{
    if (!has(view, TS_HAS_CROSSING)) {
        return NULL;
    }
    const struct ts_tier_result *tier = &view->result->tiers[view->tier];
    return which == TRANSFER ? &tier->transfer_ns : &tier->transfer_wait_ns;
}

static double get_transfer_quantile(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_hist *hist = transfers_of(view, (enum transfer)self->index);
    return hist ? ts_hist_quantile(hist, self->p) / (double)TS_NS_PER_S : NAN;
}

static double get_transfer_mean(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_hist *hist = transfers_of(view, (enum transfer)self->index);
    return hist ? ts_hist_mean(hist) / (double)TS_NS_PER_S : NAN;
}

/* ---- money ---- */

static double get_cost(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_econ *econ = view->econ;
    bool all = view->tier > econ->n_tiers;
    double sum = 0.0;
    for (uint32_t tier = all ? 0 : view->tier; tier <= (all ? econ->n_tiers : view->tier); tier++) {
        for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
            sum += self->index == kind || self->index == TS_N_COST_KINDS ? econ->monthly_usd[tier][kind] : 0.0;
        }
    }
    return sum;
}

static bool any_owned(const struct ts_model *model, size_t field)
{
    bool any = false;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        double value = 0.0;
        memcpy(&value, (const char *)&model->tiers[i].owned + field, sizeof value);
        any = any || value > 0.0;
    }
    return any;
}

static bool has_colocation(const struct ts_model *model)
{
    return any_owned(model, offsetof(struct ts_owned_model, colocation_usd_per_month));
}

static bool may_refuse(const struct ts_model *model)
{
    bool may = false;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        may = may || model->tiers[i].owned.when_full == TS_FULL_REFUSE;
    }
    return may;
}

static bool has_downloads(const struct ts_model *model)
{
    return any_owned(model, offsetof(struct ts_owned_model, first_download_usd));
}

static bool has_licences(const struct ts_model *model)
{
    return any_owned(model, offsetof(struct ts_owned_model, licences_usd_per_month));
}

static bool has_rent_to_compare(const struct ts_model *model)
{
    return any_owned(model, offsetof(struct ts_owned_model, rent_instead_usd_per_h));
}

static double get_tier_baseline(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    const struct ts_econ *econ = view->econ;
    return view->tier > econ->n_tiers ? econ->baseline_usd_per_month : econ->tier_baseline_usd_per_month[view->tier];
}

static double get_saturation(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return has(view, TS_HAS_SERVER) ? (double)ts_result_saturation(view->model, view->result, view->tier) : NAN;
}

/* Of a tier: its part of the peak of all. */
static double get_peak_w(const struct ts_metric_view *view, const struct ts_metric *self)
{
    double own_w;
    (void)self;
    const double all_w = ts_econ_peak_w(&own_w, view->model, view->result, view->tier);
    return view->tier > view->model->n_tiers ? all_w : own_w;
}

static double get_tier_kwh(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    const struct ts_econ *econ = view->econ;
    return view->tier > econ->n_tiers ? econ->kwh_per_month : econ->tier_kwh_per_month[view->tier];
}

/* A field of what the tier, or the plan, is worth by itself. */
static double get_worth(const struct ts_metric_view *view, const struct ts_metric *self)
{
    const struct ts_econ *econ = view->econ;
    return number_in(&econ->worth[view->tier > econ->n_tiers ? econ->n_tiers + 1 : view->tier], self);
}

static double get_call_cost(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ts_econ_call_usd(view->econ, view->result, view->tier, view->class_id);
}

static double get_saving(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return view->econ->baseline_usd_per_month - view->econ->total_usd_per_month;
}

static double get_cost_share(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return ratio(view->econ->total_usd_per_month, view->cell.strongest_usd * view->econ->month_factor);
}

static double get_horizon(const struct ts_metric_view *view, const struct ts_metric *self)
{
    (void)self;
    return view->econ->n_months;
}

static double get_plan(const struct ts_metric_view *view, const struct ts_metric *self)
{
    return number_in(view->econ, self);
}

/* ---- the table ---- */

#include "reports/metric_rows.inc"

const struct ts_metric ts_metrics[] = {
#include "sim/counters.inc"
    {.name = NULL},
};

const struct ts_metric *ts_metric_find(const char *name, const char *stat)
{
    for (const struct ts_metric *metric = ts_metrics; metric->name != NULL; metric++) {
        if (strcmp(metric->name, name) == 0 && strcmp(metric->stat, stat) == 0) {
            return metric;
        }
    }
    return NULL;
}
