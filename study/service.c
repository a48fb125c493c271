/* Hides that an API as the baseline is another router over the same tiers: every class at the API that the owned tiers
 * replace. What policy keeps in ends nowhere and is not looked at. */
#include "study/service.h"

#include <math.h>

#include "study/trial.h"

static const double most_calls = 200000.0;

/* The API that the owned tiers replace; the first of them, should they name several. -1: none. */
static int replaced_api(const struct ts_model *model)
{
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        if (model->tiers[i].replaces >= 0) {
            return model->tiers[i].replaces;
        }
    }
    return -1;
}

/* A shallow copy whose router sends everything to one tier. */
static struct ts_scenario at_api(const struct ts_scenario *scenario, uint32_t api, bool all)
{
    struct ts_scenario copy = *scenario;
    struct ts_router_model *router = &copy.model.router;
    router->policy = TS_ROUTE_STATIC;
    router->latency_s = 0.0;
    router->usd_per_call = 0.0;
    router->n_rules = all ? 0 : router->n_rules;
    router->n_fallback = 0; /* a call that the API fails is not rescued by tiers that are not there */
    router->fallback_after_s = 0.0;
    if (!copy.workload.trace_path && copy.workload.calls_per_s > 0.0) {
        copy.workload.window.duration_s =
            fmin(copy.workload.window.duration_s, most_calls / copy.workload.calls_per_s + copy.model.warmup_s);
    }
    for (size_t i = 0; i < sizeof router->static_tier / sizeof router->static_tier[0]; i++) {
        router->static_tier[i] = api;
    }
    return copy;
}

static enum ts_status read_service(struct ts_service *out, const struct ts_result *result, uint32_t api)
{
    struct ts_cell sum;
    const enum ts_status status = ts_result_sum(&sum, result, api, TS_ALL_CLASSES);
    if (status != TS_OK) {
        return status;
    }
    const double came = (double)(sum.arrived - sum.left_out), done = (double)(sum.done - sum.left_out_done);
    *out = (struct ts_service){.slo_frac = came > 0.0 ? (double)sum.slo_met / came : NAN,
                               .ttft_p95_s = ts_hist_quantile(&sum.latency_ns[TS_TTFT], 0.95) * 1e-9,
                               .right_frac = done > 0.0 ? (double)sum.right / done : NAN};
    ts_cell_deinit(&sum);
    return TS_OK;
}

static enum ts_status simulate(struct ts_service *out, const struct ts_scenario *scenario, uint32_t api, bool all,
                               const struct ts_trial_options *options, struct ts_diags *diags)
{
    const struct ts_scenario copy = at_api(scenario, api, all);
    const struct ts_trial_base base = {.scenario = &copy};
    const struct ts_trial trial = {.base = &base};
    struct ts_trial_outcome outcome;
    enum ts_status status = ts_trial_run(&outcome, &trial, options, diags);
    if (status == TS_OK) {
        status = read_service(out, &outcome.result, api);
        ts_trial_outcome_deinit(&outcome);
    }
    return status;
}

enum ts_status ts_service_find(struct ts_baseline rows[TS_N_BASELINES], const struct ts_scenario *scenario,
                               bool sorts_trace, const struct ts_progress *progress, struct ts_diags *diags)
{
    const struct ts_trial_options options = {.progress = *progress, .read_ahead = true, .sorts_trace = sorts_trace};
    const int api = replaced_api(&scenario->model);
    enum ts_status status = TS_OK;
    if (api >= 0 && rows[TS_BASELINE_PERMITTED].is_there) {
        status = simulate(&rows[TS_BASELINE_PERMITTED].service, scenario, (uint32_t)api, false, &options, diags);
    }
    if (status == TS_OK && api >= 0 && rows[TS_BASELINE_ALL].is_there) {
        status = simulate(&rows[TS_BASELINE_ALL].service, scenario, (uint32_t)api, true, &options, diags);
    }
    return status;
}
