/* Hides that an API as the baseline is another router over the same tiers: every class at the API that the owned tiers
 * replace. What policy keeps in ends nowhere and is not looked at. */
#include "study/service.h"

#include <math.h>
#include <stdlib.h>

#include "study/trial.h"

static const double most_calls = 200000.0;
enum { TAPE_BYTES = 64 << 20 };

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

/* A generated window of very many calls. */
static void cut(struct ts_scenario *scenario)
{
    struct ts_workload *workload = &scenario->workload;
    if (!workload->trace_path && workload->calls_per_s > 0.0) {
        workload->window.duration_s =
            fmin(workload->window.duration_s, most_calls / workload->calls_per_s + scenario->model.warmup_s);
    }
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
    cut(&copy);
    for (size_t i = 0; i < sizeof router->static_tier / sizeof router->static_tier[0]; i++) {
        router->static_tier[i] = api;
    }
    return copy;
}

/* An API in place of an owned tier. */
static struct ts_tier_model stand_in_of(const struct ts_tier_model *tier, const struct ts_tier_model *api)
{
    const struct ts_same_weights *same = &tier->same_weights;
    struct ts_tier_model out = *api;
    out.name = tier->name;
    if (same->offer) {
        struct ts_offer *offer = &out.u.api.offers[0];
        *offer = (struct ts_offer){.name = same->offer,
                                   .input_usd_per_mtok = same->input_usd_per_mtok,
                                   .cached_input_usd_per_mtok = same->input_usd_per_mtok,
                                   .output_usd_per_mtok = same->output_usd_per_mtok,
                                   .ttft_s = same->ttft_s ? same->ttft_s : offer->ttft_s,
                                   .tok_per_s = same->tok_per_s ? same->tok_per_s : offer->tok_per_s};
        out.u.api.n_offers = 1;
        out.ability = tier->ability;
        out.class_ability = tier->class_ability;
    }
    return out;
}

/* A scenario with stand-ins, and what it has of its own. */
struct stand_ins {
    struct ts_scenario scenario;
    int (*links)[TS_MAX_TIERS]; /* free() */
    struct ts_incident_model incidents[TS_MAX_INCIDENTS];
};

/* Every site reaches a stand-in as it does the API. */
static enum ts_status relink(struct stand_ins *out)
{
    struct ts_model *model = &out->scenario.model;
    if (!model->site_links) {
        return TS_OK;
    }
    int(*links)[TS_MAX_TIERS] = malloc(model->n_classes * sizeof *links);
    if (!links) {
        return TS_ENOMEM;
    }
    for (uint32_t c = 0; c < model->n_classes; c++) {
        for (uint32_t i = 0; i < model->n_tiers; i++) {
            const int api = model->tiers[i].replaces;
            links[c][i] = model->site_links[c][api >= 0 ? (uint32_t)api : i];
        }
    }
    out->links = links;
    model->site_links = (const int(*)[TS_MAX_TIERS])links;
    return TS_OK;
}

/* What strikes one's own machines does not strike an API. */
static void spare(struct stand_ins *out)
{
    struct ts_model *model = &out->scenario.model;
    uint32_t n = 0;
    for (uint32_t i = 0; i < model->n_incidents; i++) {
        const int tier = model->incidents[i].tier;
        if (tier < 0 || model->tiers[tier].replaces < 0) {
            out->incidents[n++] = model->incidents[i];
        }
    }
    model->incidents = out->incidents;
    model->n_incidents = n;
}

/* A shallow copy in which every owned tier that replaces an API is one: as able as before where somebody offers its
 * weights, at their speed; else that API itself. Policy keeps the same calls away from it. */
static enum ts_status at_same_weights(struct stand_ins *out, const struct ts_scenario *scenario)
{
    out->scenario = *scenario;
    out->links = NULL;
    struct ts_model *model = &out->scenario.model;
    struct ts_router_model *router = &model->router;
    router->n_fallback = 0;
    router->fallback_after_s = 0.0;
    cut(&out->scenario);
    spare(out);
    const enum ts_status status = relink(out);
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        const int api = model->tiers[i].replaces;
        if (api < 0) {
            continue;
        }
        model->tiers[i] = stand_in_of(&scenario->model.tiers[i], &scenario->model.tiers[api]);
        for (uint32_t r = 0; r < router->n_rules; r++) {
            router->rules[r].barred |= (router->rules[r].barred >> api & 1U) << i;
        }
    }
    return status;
}

/* Of a tier, or (n_tiers + 1) of all: without the calls that end nowhere, which policy keeps in. */
static enum ts_status read_service(struct ts_service *out, const struct ts_result *result, uint32_t tier)
{
    struct ts_cell sum, nowhere;
    enum ts_status status = ts_result_sum(&sum, result, tier, TS_ALL_CLASSES);
    if (status != TS_OK) {
        return status;
    }
    status = ts_result_sum(&nowhere, result, result->n_tiers, TS_ALL_CLASSES);
    if (status == TS_OK) {
        const double kept = tier > result->n_tiers ? (double)(nowhere.arrived - nowhere.left_out) : 0.0;
        const double came = (double)(sum.arrived - sum.left_out) - kept, done = (double)(sum.done - sum.left_out_done);
        *out = (struct ts_service){.slo_frac = came > 0.0 ? (double)sum.slo_met / came : NAN,
                                   .ttft_p95_s = ts_hist_quantile(&sum.latency_ns[TS_TTFT], 0.95) * 1e-9,
                                   .right_frac = done > 0.0 ? (double)sum.right / done : NAN};
        ts_cell_deinit(&nowhere);
    }
    ts_cell_deinit(&sum);
    return status;
}

/* How calls fare at a tier, or at all of them (n_tiers + 1). */
static enum ts_status simulate(struct ts_service *out, const struct ts_scenario *scenario, uint32_t tier,
                               const struct ts_trial_options *options, struct ts_diags *diags)
{
    const struct ts_trial_base base = {.scenario = scenario};
    const struct ts_trial trial = {.base = &base};
    struct ts_trial_outcome outcome;
    enum ts_status status = ts_trial_run(&outcome, &trial, options, diags);
    if (status == TS_OK) {
        status = read_service(out, &outcome.result, tier);
        out->right_frac = scenario->model.quality.unknown ? NAN : out->right_frac;
        ts_trial_outcome_deinit(&outcome);
    }
    return status;
}

static enum ts_status find_all(struct ts_baseline rows[TS_N_BASELINES], const struct ts_scenario *scenario,
                               const struct ts_trial_options *options, struct ts_diags *diags)
{
    const int api = replaced_api(&scenario->model);
    enum ts_status status = TS_OK;
    for (int i = TS_BASELINE_PERMITTED; api >= 0 && status == TS_OK && i <= TS_BASELINE_ALL; i++) {
        if (rows[i].is_there) {
            const struct ts_scenario copy = at_api(scenario, (uint32_t)api, i == TS_BASELINE_ALL);
            status = simulate(&rows[i].service, &copy, (uint32_t)api, options, diags);
        }
    }
    if (api >= 0 && status == TS_OK && rows[TS_BASELINE_SAME_WEIGHTS].is_there) {
        struct stand_ins copy;
        status = at_same_weights(&copy, scenario);
        if (status == TS_OK) {
            status = simulate(&rows[TS_BASELINE_SAME_WEIGHTS].service, &copy.scenario, scenario->model.n_tiers + 1,
                              options, diags);
        }
        free(copy.links);
    }
    return status;
}

/* The requests are the same at all of them. */
enum ts_status ts_service_find(struct ts_baseline rows[TS_N_BASELINES], const struct ts_scenario *scenario,
                               bool sorts_trace, const struct ts_progress *progress, struct ts_diags *diags)
{
    struct ts_tapes *tapes = NULL;
    enum ts_status status = ts_tapes_create(&tapes, TAPE_BYTES);
    if (status == TS_OK) {
        const struct ts_trial_options options = {.progress = *progress,
                                                 .read_ahead = !ts_tapes_can_count(&scenario->workload),
                                                 .sorts_trace = sorts_trace,
                                                 .tapes = tapes,
                                                 .skips_figures = true};
        status = find_all(rows, scenario, &options, diags);
    }
    ts_tapes_destroy(tapes);
    return status;
}
