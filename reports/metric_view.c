/* Hides how tiers and classes are summed to what a figure is computed from, and what the sums have no meaning for. */
#include <math.h>

#include "reports/metric.h"

const char *ts_metric_tier_name(const struct ts_model *model, uint32_t tier)
{
    return tier < model->n_tiers ? model->tiers[tier].name : tier == model->n_tiers ? "nowhere" : "all";
}

static enum ts_status add_cell(struct ts_cell *into, const struct ts_cell *from)
{
    into->arrived += from->arrived;
    into->done += from->done;
    into->rejected += from->rejected;
    into->timed_out += from->timed_out;
    into->unfinished += from->unfinished;
    into->left_out += from->left_out;
    into->left_out_done += from->left_out_done;
    into->slo_met += from->slo_met;
    into->fell_back += from->fell_back;
    into->prompt_tok += from->prompt_tok;
    into->output_tok += from->output_tok;
    into->expected_right += from->expected_right;
    into->api_usd += from->api_usd;
    into->displaced_usd += from->displaced_usd;
    into->barred_usd += from->barred_usd;
    for (int i = 0; i < TS_N_LATENCIES; i++) {
        if (ts_hist_merge(&into->latency_ns[i], &from->latency_ns[i]) != TS_OK) {
            return TS_ENOMEM;
        }
    }
    return TS_OK;
}

static void add_tier(struct ts_tier_result *into, const struct ts_tier_result *from)
{
    ts_result_add_units(into, from);
    into->mean_in_tier += from->mean_in_tier;
    into->n_throttled += from->n_throttled;
    into->n_retries += from->n_retries;
    into->n_starts += from->n_starts;
    into->n_failures += from->n_failures;
}

/* Means of what a kind of tier does not have are NaN, not 0. */
static void set_means(struct ts_tier_result *out, const struct ts_tier_result *from, const struct ts_model *model,
                      uint32_t tier)
{
    bool server = tier < model->n_tiers && model->tiers[tier].kind == TS_TIER_SERVER;
    bool owned = tier < model->n_tiers && model->tiers[tier].kind != TS_TIER_API;
    out->busy_frac = owned ? from->busy_frac : NAN;
    out->mean_batch = server ? from->mean_batch : NAN;
    out->kv_mean_frac = server ? from->kv_mean_frac : NAN;
    out->kv_peak_frac = server ? from->kv_peak_frac : NAN;
    out->mean_up = server ? from->mean_up : NAN;
    bool crosses = server && ts_tier_is_disaggregated(&model->tiers[tier]);
    out->transfer_busy_frac = crosses ? from->transfer_busy_frac : NAN;
    out->transfer_bytes = crosses ? from->transfer_bytes : NAN;
}

enum ts_status ts_metric_view_init(struct ts_metric_view *out, const struct ts_model *model,
                                   const struct ts_result *result, const struct ts_econ *econ, uint32_t tier,
                                   uint32_t class_id)
{
    struct ts_metric_view view = {.model = model, .result = result, .econ = econ, .tier = tier};
    uint32_t first = tier > model->n_tiers ? 0 : tier, last = tier > model->n_tiers ? model->n_tiers : tier;
    for (int i = 0; i < TS_N_LATENCIES; i++) {
        ts_hist_init(&view.cell.latency_ns[i]);
    }
    for (uint32_t t = first; t <= last; t++) {
        add_tier(&view.totals, &result->tiers[t]);
        for (uint32_t c = 0; c < result->n_classes; c++) {
            if (class_id != TS_ALL_CLASSES && c != class_id) {
                continue;
            }
            if (add_cell(&view.cell, &result->tiers[t].cells[c]) != TS_OK) {
                ts_metric_view_deinit(&view);
                return TS_ENOMEM;
            }
        }
    }
    set_means(&view.totals, &result->tiers[first], model, tier);
    *out = view;
    return TS_OK;
}

void ts_metric_view_deinit(struct ts_metric_view *view)
{
    for (int i = 0; i < TS_N_LATENCIES; i++) {
        ts_hist_deinit(&view->cell.latency_ns[i]);
    }
}

/* ---- pools ---- */

static uint32_t tier_of_pool(const struct ts_model *model, uint32_t pool)
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
    return ts_tier_lists_pools(&model->tiers[tier_of_pool(model, pool)]);
}

struct ts_metric_view ts_metric_pool_view(const struct ts_model *model, const struct ts_result *result, uint32_t pool)
{
    return (struct ts_metric_view){
        .model = model, .result = result, .tier = tier_of_pool(model, pool), .totals = result->pools[pool]};
}

void ts_metric_pool_name(struct ts_text *out, const struct ts_model *model, uint32_t pool)
{
    const uint32_t tier = tier_of_pool(model, pool);
    const uint32_t place = pool - ts_model_first_pool(model, tier);
    ts_text_printf(out, "%s/%s", model->tiers[tier].name, model->tiers[tier].u.server.pools[place].name);
}
