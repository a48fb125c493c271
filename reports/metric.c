/* Hides what the figures of a report are and how they follow from result and economics: counters as they stand in
 * sim/counters.inc, and between them those that follow from others. Definitions: TTFT, TPOT, ITL, E2E and WAIT as in
 * sim/result.h; attainment = requests that met the SLO / all arrivals; quality = right answers / requests
 * done; goodput = requests that met the SLO / window; all without the warm-up and what came in it.
 * Energies are of the simulated window behind it (1 kWh = 3.6 MJ), money and kWh "a month" come from econ/econ.h. */
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

static bool has_router_reads(const struct ts_model *model)
{
    return model->router.reads_s.n > 0;
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

#define WHEN_ALWAYS NULL
#define WHEN_WARMUP has_warmup
#define WHEN_TRANSFERS has_transfers
#define WHEN_ATTEMPTS has_attempts
#define WHEN_ROUTER_PRICE has_router_price
#define WHEN_ROUTER_READS has_router_reads
#define WHEN_PROMPT_CACHE has_prompt_cache
#define WHEN_SESSIONS has_sessions
#define WHEN_OUTAGES has_outages
#define WHEN_REASONING has_reasoning
#define WHEN_LEVELS has_levels
#define MERGE_SUM "sum"
#define MERGE_MAX "highest"
#define MERGE_TIME_MEAN "mean by time"
#define MERGE_STEP_MEAN "mean by steps"
#define OF_POOLS_UNITS true
#define OF_POOLS_TIER false

#define NUMBER(name_, stat_, unit_, scope_, get_, doc_, ...)                                                           \
    {.name = name_, .stat = stat_, .unit = unit_, .scope = TS_METRIC_##scope_, .get = get_, .doc = doc_, __VA_ARGS__},
#define FIGURE(name, stat, unit, scope, get, doc) NUMBER(name, stat, unit, scope, get, doc, .per = 1)

#define TS_CELL(type_, field_, rule, name, stat, unit, when, doc)                                                      \
    NUMBER(name, stat, unit, REQUESTS, get_cell_counter, doc, .field = offsetof(struct ts_cell, field_),               \
           .type = TS_COUNTER_IS_##type_, .per = 1, .concerns = WHEN_##when, .merge = MERGE_##rule)
#define TS_TIER(books, made, type_, field_, rule, has_, name, stat, unit, per_, when, doc)                             \
    NUMBER(name, stat, unit, TIER, get_tier_counter, doc, .field = offsetof(struct ts_tier_result, field_),            \
           .type = TS_COUNTER_IS_##type_, .has = TS_HAS_##has_, .per = per_, .of_pools = OF_POOLS_##books,             \
           .concerns = WHEN_##when, .merge = MERGE_##rule)
#define TS_RUN(type_, field_, rule, name, stat, unit, when, doc)                                                       \
    NUMBER(name, stat, unit, RUN, get_run_counter, doc, .field = offsetof(struct ts_result, field_),                   \
           .type = TS_COUNTER_IS_##type_, .per = 1, .concerns = WHEN_##when, .merge = MERGE_##rule)
#define TS_CELL_INNER(...)
#define TS_TIER_INNER(...)
#define TS_FIGURES(group) FIGURES_##group

#define ROUTED(name, stat, unit, scope, get, p_, when, doc)                                                            \
    NUMBER(name, stat, unit, scope, get, doc, .p = p_, .per = 1, .concerns = when)
#define FIGURES_RATES                                                                                                  \
    FIGURE("attainment", "mean", "frac", REQUESTS, get_attainment,                                                     \
           "slo_met over all that came: requests not done have missed the SLO.")                                       \
    FIGURE("quality", "mean", "frac", REQUESTS, get_quality, "Share of requests done that were answered right.")       \
    ROUTED("quality_weakest", "mean", "frac", REQUESTS, get_quality_weakest, 0, has_choice,                            \
           "With several tiers: the same if the weakest had answered all of them.")                                    \
    ROUTED("quality_strongest", "mean", "frac", REQUESTS, get_quality_strongest, 0, has_choice,                        \
           "The same if the strongest had.")                                                                           \
    ROUTED("quality_oracle", "mean", "frac", REQUESTS, get_quality_oracle, 0, has_choice,                              \
           "Share that any tier would answer right: what no router exceeds.")                                          \
    ROUTED("quality_retained", "mean", "frac", REQUESTS, get_quality_retained, 0, has_choice,                          \
           "quality over quality_strongest.")                                                                          \
    ROUTED("pgr", "mean", "frac", REQUESTS, get_pgr, 0, has_choice,                                                    \
           "Performance gap recovered: (quality - quality_weakest)/(quality_strongest - quality_weakest).")            \
    FIGURE("goodput", "mean", "1/s", REQUESTS, get_goodput, "slo_met over the window.")                                \
    FIGURE("output_rate", "mean", "tok/s", REQUESTS, get_output_rate,                                                  \
           "output_tok over the window: of replies that came after it, too, where a backlog was left.")

#define QUANTILE(name, stat, scope, get, index_, p_, doc, ...)                                                         \
    NUMBER(name, stat, "s", scope, get, doc, .index = index_, .p = p_, .per = 1, __VA_ARGS__)
#define LATENCY_WHEN(when, name, index, doc)                                                                           \
    QUANTILE(name, "mean", REQUESTS, get_mean, index, 0, doc, .concerns = when)                                        \
    QUANTILE(name, "p50", REQUESTS, get_quantile, index, 0.50, doc, .concerns = when)                                  \
    QUANTILE(name, "p95", REQUESTS, get_quantile, index, 0.95, doc, .concerns = when)                                  \
    QUANTILE(name, "p99", REQUESTS, get_quantile, index, 0.99, doc, .concerns = when)                                  \
    QUANTILE(name, "p999", REQUESTS, get_quantile, index, 0.999, doc, .concerns = when)                                \
    QUANTILE(name, "max", REQUESTS, get_quantile, index, 1.0, doc, .concerns = when)
#define LATENCY(name, index, doc) LATENCY_WHEN(NULL, name, index, doc)
#define LATENCY_CI95(name, index)                                                                                      \
    QUANTILE(name "_ci95", "mean", TIER, get_half_width, index, 0.95,                                                  \
             "Half the width of the 95 % interval of the mean, by batch means over the run.", .concerns = NULL)
#define LATENCY_END(name, get, index, doc)                                                                             \
    QUANTILE(name, "p95", CLASSES, get, index, 0.95, doc, .concerns = NULL)                                            \
    QUANTILE(name, "p99", CLASSES, get, index, 0.99, doc, .concerns = NULL)                                            \
    QUANTILE(name, "p999", CLASSES, get, index, 0.999, doc, .concerns = NULL)
#define LATENCY_INTERVAL(name, index)                                                                                  \
    LATENCY_END(name "_low", get_low, index,                                                                           \
                "Where the 95 % interval of that percentile begins, by batch means of who exceeds it; none where too " \
                "few calls do.")                                                                                       \
    LATENCY_END(name "_high", get_high, index, "Where it ends.")
#define FIGURES_LATENCIES                                                                                              \
    LATENCY("ttft", TS_TTFT, "To the first token, as the client sees it: router, links, retries and queueing too.")    \
    LATENCY("ttft_server", TS_TTFT_SERVER, "From the arrival at the tier that served it to the first token there.")    \
    LATENCY("tpot", TS_TPOT, "(e2e - ttft)/(output - 1): mean time of each further token of a request.")               \
    LATENCY("itl", TS_ITL, "Every gap between two tokens; servers and devices.")                                       \
    LATENCY("e2e", TS_E2E, "The whole answer, as the client sees it.")                                                 \
    LATENCY("wait", TS_WAIT, "From the arrival at the tier to the start of service.")                                  \
    LATENCY_CI95("ttft", TS_TTFT)                                                                                      \
    LATENCY_CI95("ttft_server", TS_TTFT_SERVER)                                                                        \
    LATENCY_CI95("tpot", TS_TPOT)                                                                                      \
    LATENCY_CI95("e2e", TS_E2E)                                                                                        \
    LATENCY_CI95("wait", TS_WAIT)                                                                                      \
    LATENCY_INTERVAL("ttft", TS_TTFT)                                                                                  \
    LATENCY_INTERVAL("tpot", TS_TPOT)                                                                                  \
    LATENCY_INTERVAL("e2e", TS_E2E)

#define SESSION_SHARE(name, stat, unit, index_, doc)                                                                   \
    NUMBER(name, stat, unit, REQUESTS, get_session_share, doc, .index = index_, .per = 1, .concerns = has_sessions)
#define FIGURES_SESSIONS                                                                                               \
    LATENCY_WHEN(has_sessions, "session", TS_SESSION,                                                                  \
                 "From a session's first call to its last reply, of sessions whose calls were all answered.")          \
    SESSION_SHARE("active_sessions", "mean", "1", SESSIONS_ALL,                                                        \
                  "Sessions under way: users at work, whether they wait for a reply, think or have a tool at work.")   \
    SESSION_SHARE("active_sessions_slo", "mean", "1", SESSIONS_MET,                                                    \
                  "Of those, the ones that keep the SLO throughout.")                                                  \
    SESSION_SHARE("kv_kept", "tool", "frac", KEPT_BEHIND_TOOL,                                                         \
                  "Of a session's context that a call brings along, the share still in a cache behind a tool's time.") \
    SESSION_SHARE("kv_kept", "think", "frac", KEPT_BEHIND_USER, "The same behind a user's time.")

#define FIGURES_API_BILL                                                                                               \
    FIGURE("api_bill", "sum", "USD", REQUESTS, get_api_bill,                                                           \
           "Paid to APIs for requests done and superseded attempts, and for router and checks.")                       \
    NUMBER("router_busy", "mean", "1", REQUESTS, get_router_busy,                                                      \
           "With a measured router: machines like the one measured that are at work on it in the mean; they do not "   \
           "queue, so leave room.",                                                                                    \
           .per = 1, .concerns = has_router_reads)

#define OF_UNITS(name, stat, unit, get, doc) NUMBER(name, stat, unit, TIER, get, doc, .per = 1, .of_pools = true)
#define FIGURES_ENERGY                                                                                                 \
    OF_UNITS("energy", "total", "kWh", get_energy, "All of these.")                                                    \
    FIGURE("power", "peak", "W", TIER, get_peak_w,                                                                     \
           "Highest facility power of all owned tiers together, over a bin of the series; of a tier: its part then.")
#define LEVEL_HIT(stat, index_, doc)                                                                                   \
    NUMBER("cache_hit", stat, "frac", TIER, get_level_hit, doc, .index = index_, .per = 1, .of_pools = true,           \
           .concerns = has_levels)
#define FIGURES_EFFICIENCY                                                                                             \
    OF_UNITS("cache_hit", "mean", "frac", get_cache_hit,                                                               \
             "Share of the prompt tokens begun that a prefix cache held: they need not be computed, or are billed as " \
             "cached.")                                                                                                \
    LEVEL_HIT("cache", 0, "With KV levels: the part of that which the accelerators' own cache held.")                  \
    LEVEL_HIT("level1", 1, "The part that was loaded from the first KV level.")                                        \
    LEVEL_HIT("level2", 2, "From the second.")                                                                         \
    LEVEL_HIT("level3", 3, "From the third.")                                                                          \
    NUMBER("kv_load", "mean", "s", TIER, get_kv_load,                                                                  \
           "With KV levels: time that a sequence waits for what it loads from them, before it enters.", .per = 1,      \
           .of_pools = true, .concerns = has_levels)                                                                   \
    FIGURE(                                                                                                            \
        "saturation", "value", "1", TIER, get_saturation,                                                              \
        "Of servers: 0 stable, 1 backlogged (more waited at some time than chance leaves), 2 overloaded (what waits "  \
        "grows until the end).")                                                                                       \
    FIGURE("output_rate_busy", "mean", "tok/s", TIER, get_busy_rate,                                                   \
           "output_tok over the time in which its units were busy, added up: what one of them makes while it works.")  \
    OF_UNITS("mfu", "mean", "frac", get_mfu, "Flop that the steps need over the hardware's peak while busy.")          \
    OF_UNITS("mbu", "mean", "frac", get_mbu, "Bytes that the steps need over the hardware's peak while busy.")

#define BATTERY(name, index_, doc)                                                                                     \
    NUMBER(name, "mean", "frac", TIER, get_battery, doc, .index = index_, .per = 1, .concerns = has_battery)
#define FIGURES_BATTERY                                                                                                \
    BATTERY("battery_reply", BATTERY_REPLY, "Devices with a battery: share of a charge that a reply takes.")           \
    BATTERY("battery_day", BATTERY_DAY, "The same of a day of one who uses the tier.")

#define TRANSFER_TIMES(name, index, doc)                                                                               \
    QUANTILE(name, "mean", TIER, get_transfer_mean, index, 0, doc, .concerns = has_transfers)                          \
    QUANTILE(name, "p50", TIER, get_transfer_quantile, index, 0.50, doc, .concerns = has_transfers)                    \
    QUANTILE(name, "p90", TIER, get_transfer_quantile, index, 0.90, doc, .concerns = has_transfers)                    \
    QUANTILE(name, "p99", TIER, get_transfer_quantile, index, 0.99, doc, .concerns = has_transfers)                    \
    QUANTILE(name, "max", TIER, get_transfer_quantile, index, 1.0, doc, .concerns = has_transfers)
#define FIGURES_TRANSFERS                                                                                              \
    TRANSFER_TIMES("kv_transfer", TRANSFER,                                                                            \
                   "With pools by role: from the end of a prompt until its KV entries are at a decode pool.")          \
    TRANSFER_TIMES("kv_transfer_wait", TRANSFER_WAIT, "The part of that before the link was free.")

#define COST_WHEN(stat, index_, concerns_, doc)                                                                        \
    NUMBER("cost", stat, "USD/month", MONEY, get_cost, doc, .index = index_, .per = 1, .concerns = concerns_)
#define COST(stat, index, doc) COST_WHEN(stat, index, NULL, doc)
#define WORTH_WHEN(name, stat, unit, field_, concerns_, doc)                                                           \
    NUMBER(name, stat, unit, MONEY, get_worth, doc, .field = offsetof(struct ts_econ_worth, field_),                   \
           .type = TS_COUNTER_IS_REAL, .per = 1, .concerns = concerns_)
#define WORTH(name, stat, unit, field, doc) WORTH_WHEN(name, stat, unit, field, NULL, doc)
#define FIGURES_MONEY                                                                                                  \
    COST("capex", TS_COST_CAPEX, "Machines bought, less their resale, spread over their life.")                        \
    COST("energy", TS_COST_ENERGY, "Electricity.")                                                                     \
    COST("maintenance", TS_COST_MAINTENANCE, "A yearly share of the purchase price.")                                  \
    COST("staff", TS_COST_STAFF, "Salaries.")                                                                          \
    COST_WHEN("colocation", TS_COST_COLOCATION, has_colocation, "Room, by the power that units are rated for.")        \
    COST_WHEN("licences", TS_COST_LICENCES, has_licences, "Software.")                                                 \
    COST("other", TS_COST_OTHER, "What else is paid by the month.")                                                    \
    COST_WHEN("downloads", TS_COST_DOWNLOADS, has_downloads, "Traffic of updates of models to devices.")               \
    COST("rent", TS_COST_RENT, "Machines by the hour, their power included.")                                          \
    COST("api", TS_COST_API, "APIs, the router, and calls beyond what owned tiers can take.")                          \
    COST("total", TS_N_COST_KINDS, "All of these.")                                                                    \
    FIGURE("baseline_cost", "total", "USD/month", MONEY, get_tier_baseline,                                            \
           "The same calls at the API, those that policy lets out.")                                                   \
    FIGURE("energy_use", "total", "kWh/month", MONEY, get_tier_kwh, "At the meter, host and cooling included.")        \
    WORTH("cost_of_tokens", "reserved", "USD/Mtok", usd_per_mtok,                                                      \
          "cost over prompt and output tokens: what is reserved is paid whether it works or not. To be held against "  \
          "an API.")                                                                                                   \
    WORTH("cost_of_tokens", "busy", "USD/Mtok", busy_usd_per_mtok,                                                     \
          "The same, of what is paid by time only the share in which units work.")                                     \
    WORTH("cost_of_tokens", "levelised", "USD/Mtok", levelised_usd_per_mtok,                                           \
          "Over the horizon: present value of all costs, less that of what machines are worth at the end, over that "  \
          "of the tokens.")                                                                                            \
    WORTH("break_even", "volume", "calls/month", break_even_calls_per_month,                                           \
          "Where a month costs as much as at the API: F/(p - v). Never: no volume within the capacity.")               \
    WORTH("break_even_busy", "share", "frac", break_even_busy_frac, "Share of the capacity that this takes.")          \
    WORTH("own_payback", "value", "months", payback_months,                                                            \
          "Until the tier by itself has cost less than its calls at the API; of all: payback.")                        \
    WORTH_WHEN("rent_or_buy", "value", "h", rent_hours, has_rent_to_compare,                                           \
               "Where a price of rent is known: hours of use after which a bought replica is cheaper than a rented "   \
               "one.")                                                                                                 \
    FIGURE("cost_of_call", "mean", "USD/call", CALLS, get_call_cost,                                                   \
           "Its API bill, and its part of what the tier's units cost, by the time that calls are in service there.")

#define PLAN(name, unit, field_, doc)                                                                                  \
    NUMBER(name, "value", unit, PLAN, get_plan, doc, .field = offsetof(struct ts_econ, field_),                        \
           .type = TS_COUNTER_IS_REAL, .per = 1)
#define FIGURES_PLAN                                                                                                   \
    ROUTED("apgr", "value", "frac", RUN, get_apgr, 0, ts_frontier_has_scores,                                          \
           "With a policy by score: mean of pgr over all thresholds, by share of calls at the strongest tier.")        \
    ROUTED("cpt50", "value", "frac", RUN, get_cpt, 0.5, ts_frontier_has_scores,                                        \
           "Least share of calls at the strongest tier, over all thresholds, with a pgr of 50 %.")                     \
    ROUTED("cpt80", "value", "frac", RUN, get_cpt, 0.8, ts_frontier_has_scores, "The same for 80 %.")                  \
    ROUTED("cost_share", "value", "frac", PLAN, get_cost_share, 0, has_strongest_api,                                  \
           "Where the strongest tier is an API: cost over what it would charge for all calls done.")                   \
    FIGURE("saving", "value", "USD/month", PLAN, get_saving, "baseline_cost - cost.")                                  \
    PLAN("barred", "USD/month", barred_usd_per_month,                                                                  \
         "What the API would charge for the calls that policy keeps from it: in no baseline.")                         \
    PLAN("carbon", "kg/month", carbon_kg_per_month, "CO2 of energy_use.")                                              \
    PLAN("npv", "USD", npv_usd, "Net present value of the plan against the baseline over the horizon.")                \
    PLAN("payback", "months", payback_months, "Until the plan has cost less than the baseline, all in all.")           \
    PLAN("discounted_payback", "months", discounted_payback_months, "The same at the discount rate.")                  \
    PLAN("payback_all_api", "months", payback_all_api_months,                                                          \
         "Against all calls at the API, also those that policy keeps from it.")                                        \
    PLAN("residual", "USD", residual_usd, "What the machines are worth at the end of the horizon; in npv and irr.")    \
    PLAN("irr", "frac/year", irr_per_year, "Internal rate of return; none if there are several.")                      \
    PLAN("mirr", "frac/year", mirr_per_year,                                                                           \
         "Modified internal rate of return: what is paid out is financed, and what comes in invested, at the "         \
         "discount rate.")                                                                                             \
    PLAN("refused", "frac", refused_frac, "Share of the horizon's calls that no tier takes and policy keeps in.")      \
    FIGURE("horizon", "value", "months", PLAN, get_horizon, "How far the plan looks.")                                 \
    PLAN("month_factor", "1", month_factor, "From the window to a month, of what grows with calls.")                   \
    PLAN("time_factor", "1", time_factor, "From the window to a month, of what grows with time.")                      \
    PLAN("capacity_growth", "1", capacity_growth, "Volume at which the first owned tier is full, times today's.")

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
