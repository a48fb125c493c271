/* Hides the rounds: simulate, find the posterior given the batches, simulate with its factors. */
#include "study/log_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/serving/roofline_fit.h"
#include "study/log_parts.h"
#include "study/step_grid.h"

enum { MAX_ROUNDS = 16, FULL_ROUNDS = 6, LEAST_REQUESTS = 8 };

static const double at_rest_sds = 0.25, at_rest = 0.005; /* of a constant */
static const double outside = 0.05;                      /* of an interval that holds 9 of 10, on each side */
static const double normal_90 = 1.6448536;               /* of the standard normal, in which 9 of 10 lie */
static const double told_sd = 0.1;     /* of step times that were measured or written, whose error nobody knows */
static const double modelled_sd = 0.3; /* of a roofline without a fit */
static const double noise_sd = 0.05, noise_n = 2.0; /* what is known of the noise before */
static const double least_unit_s = 20e-3;

enum ts_status ts_log_fit_check(const struct ts_model *model, uint32_t tier, struct ts_diags *diags)
{
    const struct ts_tier_model *of = &model->tiers[tier];
    const char *why = NULL;
    if (of->kind != TS_TIER_SERVER) {
        why = "is no server: devices and APIs have no batches";
    } else if (of->u.server.n_pools > 1) {
        why = "has several pools: a log does not tell which one served a request; calibrate each by a scenario of its "
              "own";
    } else if (of->u.server.autoscale.on) {
        why = "scales by itself: which replicas were up is not in a log";
    }
    return why ? ts_fail(diags, TS_EINPUT, ts_span_none(), NULL, "tier '%s' %s", of->name, why) : TS_OK;
}

/* ---- the prior ---- */

static double sd_of_interval(double low, double high, double otherwise)
{
    return low > 0.0 && high > low ? log(high / low) / (2.0 * normal_90) : otherwise;
}

static double link_s(const struct ts_model *model, const struct ts_tier_model *tier)
{
    const struct ts_link_model *link = tier->link >= 0 ? &model->links[tier->link] : NULL;
    return link ? ts_dist_mean(&link->rtt_s) + 2.0 * ts_dist_mean(&link->jitter_s) : 0.0;
}

/* What a request of the log takes beside its steps: its prompt is taken to be computed, not found. */
static double request_s_of(const struct ts_model *model, const struct ts_tier_model *tier)
{
    return tier->request_s + tier->u.server.pools[0].replica.launch_s + link_s(model, tier);
}

/* Each constant is as uncertain as the times that are made of it. */
static void set_prior(struct ts_log_fit *out, const struct ts_model *model, uint32_t tier)
{
    const struct ts_steps_model *steps = &model->tiers[tier].u.server.pools[0].replica.steps;
    const double otherwise = steps->origin == TS_ORIGIN_MODELLED ? modelled_sd : told_sd;
    const double sd = sd_of_interval(steps->error.low, steps->error.high, otherwise);
    const double first_sd = sd_of_interval(steps->error.first_low, steps->error.first_high, otherwise);
    const double request_s = request_s_of(model, &model->tiers[tier]);
    out->prior = (struct ts_prior){.n = TS_LOG_N_CONSTANTS, .noise_sd = noise_sd, .noise_n = noise_n};
    for (int p = 0; p < TS_LOG_N_PARTS; p++) {
        out->prior.mean[p] = 1.0;
        out->prior.sd[p] = p == TS_LOG_PROMPT || p == TS_LOG_ATTENTION ? first_sd : sd;
    }
    out->unit_s = fmax(least_unit_s, request_s);
    out->prior.mean[TS_LOG_REQUEST] = request_s / out->unit_s;
    out->prior.sd[TS_LOG_REQUEST] = fmax(0.5, first_sd);
}

static enum ts_status tabulate(struct ts_log_fit *out, const struct ts_replica_model *replica, struct ts_arena *arena)
{
    const struct ts_step_grid within = {.most_tok = fmax(replica->max_batched_tok, replica->max_seqs),
                                        .most_seqs = replica->max_seqs,
                                        .most_past_tok = 4096.0,
                                        .most_depth_tok = 8192.0};
    struct ts_model_measurement m = {0};
    struct ts_import info = {0};
    const enum ts_status status = ts_step_grid_fit(&m, &info, arena, &replica->steps, &within);
    out->prior_table = m.table;
    out->form_error = m.checked ? m.table_check : m.table.error;
    return status;
}

/* ---- times ---- */

static double recorded_of(const struct ts_log_request *logged, enum ts_log_measure measure)
{
    switch (measure) {
    case TS_LOG_TTFT:
        return logged->ttft_s;
    case TS_LOG_TPOT:
        return logged->output_tok > 1 ? (logged->latency_s - logged->ttft_s) / (logged->output_tok - 1.0) : NAN;
    case TS_LOG_E2E:
        return logged->latency_s;
    case TS_LOG_N_MEASURES:
        break;
    }
    return NAN;
}

/* By the simulation; NAN: not known. */
static double predicted_of(const struct ts_log_request *logged, const struct ts_log_served *served, double request_s,
                           enum ts_log_measure measure)
{
    struct ts_log_request as = *logged;
    as.ttft_s = served->ttft_s + request_s;
    as.latency_s = served->latency_s + request_s;
    return recorded_of(&as, measure);
}

/* Predicted over recorded of requests [from, to) where both are known; how many. */
static size_t ratios_of(double *out, const struct ts_log_work *work, const struct ts_log_served *served,
                        double request_s, enum ts_log_measure measure, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++) {
        const struct ts_log_request *logged = &work->options->log->requests[i];
        const double recorded_s = recorded_of(logged, measure);
        const double predicted_s = predicted_of(logged, &served[work->workload.of[i]], request_s, measure);
        if (recorded_s > 0.0 && predicted_s > 0.0) {
            out[n++] = predicted_s / recorded_s;
        }
    }
    return n;
}

static struct ts_log_error error_of(double *ratios, size_t n, double low, double high)
{
    struct ts_log_error error = {.n = n};
    size_t inside = 0;
    for (size_t i = 0; i < n; i++) {
        inside += 1.0 / ratios[i] >= low && 1.0 / ratios[i] <= high;
    }
    error.covered = high > 0.0 && n > 0 ? (double)inside / (double)n : (double)NAN;
    error.ratio = ts_roofline_fit_quantile(ratios, n, 0.5);
    for (size_t i = 0; i < n; i++) {
        ratios[i] = fabs(ratios[i] - 1.0);
    }
    error.median = ts_roofline_fit_quantile(ratios, n, 0.5);
    return error;
}

/* ---- rounds ---- */

static enum ts_status simulate(struct ts_log_work *work, struct ts_diags *diags)
{
    return ts_log_replay(work->served, &work->replay, &work->out->prior_table, work->factors, diags);
}

/* Towards what the posterior says: all the way at first; then, because a hair's breadth may turn the batches' course,
 * by ever smaller parts of it (Robbins and Monro, 1951). Have they come to rest? */
static bool move(struct ts_log_work *work)
{
    const struct ts_posterior *posterior = &work->out->posterior;
    const double gain = work->out->n_rounds < FULL_ROUNDS ? 1.0 : 1.0 / (work->out->n_rounds - FULL_ROUNDS + 2.0);
    bool rests = true;
    for (size_t j = 0; j < TS_LOG_N_CONSTANTS; j++) {
        const double step = gain * (posterior->mean[j] - work->factors[j]);
        rests = rests && fabs(step) <= fmax(at_rest_sds * ts_posterior_sd(posterior, j), at_rest);
        work->factors[j] += step;
    }
    return rests;
}

static enum ts_status go_round(struct ts_log_work *work, struct ts_diags *diags)
{
    struct ts_log_fit *out = work->out;
    memcpy(work->factors, out->prior.mean, sizeof work->factors);
    work->first_weight = 0.25;
    enum ts_status status = simulate(work, diags);
    while (status == TS_OK && !out->settled && out->n_rounds < MAX_ROUNDS) {
        status = ts_log_linear(work, diags);
        if (status == TS_OK) {
            out->settled = move(work);
            out->n_rounds++;
            status = simulate(work, diags);
        }
    }
    return status;
}

/* ---- what is told ---- */

/* 9 of 10 further requests; and 9 of 10 of those held out, where these lie wider. */
static void find_interval(double *low, double *high, struct ts_log_work *work, enum ts_log_measure measure,
                          double request_s)
{
    const struct ts_log_fit *out = work->out;
    const double spread = ts_log_spread(work, measure == TS_LOG_TTFT);
    const double reach = ts_posterior_quantile(&out->posterior, 1.0 - outside) * spread;
    size_t n =
        ratios_of(work->residuals, work, work->served, request_s, measure, out->n_fitted, out->n_fitted + out->n_held);
    *low = exp(-reach);
    *high = exp(reach);
    if (n >= LEAST_REQUESTS) {
        *low = fmin(*low, 1.0 / ts_roofline_fit_quantile(work->residuals, n, 1.0 - outside));
        *high = fmax(*high, 1.0 / ts_roofline_fit_quantile(work->residuals, n, outside));
    }
}

static void tell_constants(struct ts_log_work *work)
{
    struct ts_log_fit *out = work->out;
    struct ts_calibrated *told = &out->calibrated;
    told->n = TS_LOG_N_CONSTANTS;
    for (size_t j = 0; j < TS_LOG_N_CONSTANTS; j++) {
        const double unit = j == TS_LOG_REQUEST ? out->unit_s : 1.0;
        const double left = out->posterior.inverse[j][j] * pow(noise_sd / out->prior.sd[j], 2.0);
        told->constants[j] = (struct ts_calibrated_constant){
            .name = j == TS_LOG_REQUEST ? "request" : ts_log_part_name((enum ts_log_part)j),
            .prior = unit * out->prior.mean[j],
            .prior_sd = unit * out->prior.sd[j],
            .value = unit * fmax(0.0, work->factors[j]),
            .sd = unit * ts_posterior_sd(&out->posterior, j),
            .told_frac = fmin(1.0, fmax(0.0, 1.0 - left))};
    }
}

static enum ts_status tell(struct ts_log_work *work, struct ts_diags *diags)
{
    struct ts_log_fit *out = work->out;
    const struct ts_model *model = &work->options->scenario->model;
    const struct ts_tier_model *tier = &model->tiers[work->options->tier];
    const double network_s = link_s(model, tier), own_s = request_s_of(model, tier);
    struct ts_calibrated *told = &out->calibrated;
    const enum ts_status status = ts_log_replay(work->own, &work->replay, NULL, work->factors, diags);
    if (status != TS_OK) {
        return status;
    }
    const double request_s = fmax(network_s, work->factors[TS_LOG_REQUEST] * out->unit_s);
    told->request_s = request_s - network_s;
    told->n_fitted = out->n_fitted;
    told->n_held = out->n_held;
    tell_constants(work);
    find_interval(&told->low, &told->high, work, TS_LOG_TPOT, request_s);
    find_interval(&told->first_low, &told->first_high, work, TS_LOG_TTFT, request_s);
    out->table = ts_log_scaled(&out->prior_table, work->factors);
    const size_t from = out->n_held > 0 ? out->n_fitted : 0, to = out->n_fitted + out->n_held;
    for (int m = 0; m < TS_LOG_N_MEASURES; m++) {
        const enum ts_log_measure measure = (enum ts_log_measure)m;
        const double low = measure == TS_LOG_TTFT ? told->first_low : measure == TS_LOG_TPOT ? told->low : 0.0;
        const double high = measure == TS_LOG_TTFT ? told->first_high : measure == TS_LOG_TPOT ? told->high : 0.0;
        size_t n = ratios_of(work->residuals, work, work->own, own_s, measure, from, to);
        out->before[m] = error_of(work->residuals, n, 0.0, 0.0);
        n = ratios_of(work->residuals, work, work->served, request_s, measure, from, to);
        out->after[m] = error_of(work->residuals, n, low, high);
    }
    told->tpot = (struct ts_calibrated_error){out->before[TS_LOG_TPOT].median, out->after[TS_LOG_TPOT].median};
    told->ttft = (struct ts_calibrated_error){out->before[TS_LOG_TTFT].median, out->after[TS_LOG_TTFT].median};
    return TS_OK;
}

/* ---- whole ---- */

static enum ts_status prepare(struct ts_log_work *work, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct ts_log_fit_options *options = work->options;
    const struct ts_tier_model *tier = &options->scenario->model.tiers[options->tier];
    const size_t n = options->log->n;
    work->out->n_held = (size_t)(options->held_frac * (double)n + 0.5);
    work->out->n_fitted = n - work->out->n_held;
    if (work->out->n_fitted < LEAST_REQUESTS) {
        return ts_fail(diags, TS_EINPUT, ts_span_none(), "take a longer log, or hold out less",
                       "%zu requests are too few to calibrate with", work->out->n_fitted);
    }
    set_prior(work->out, &options->scenario->model, options->tier);
    enum ts_status status = tabulate(work->out, &tier->u.server.pools[0].replica, arena);
    if (status == TS_OK) {
        status = ts_log_match(&work->workload, options->log, options->scenario, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    const struct ts_log_workload *workload = &work->workload;
    work->out->by_trace = workload->by_trace;
    work->replay = (struct ts_log_replay){.model = &options->scenario->model,
                                          .tier = options->tier,
                                          .requests = workload->requests,
                                          .run = workload->run,
                                          .n = workload->n,
                                          .progress = options->progress};
    work->served = calloc(workload->n + 1, sizeof *work->served);
    work->own = calloc(workload->n + 1, sizeof *work->own);
    work->measured = calloc(2 * n + 1, sizeof *work->measured);
    work->of = calloc(2 * n + 1, sizeof *work->of);
    work->is_first = calloc(2 * n + 1, sizeof *work->is_first);
    work->residuals = calloc(2 * n + 1, sizeof *work->residuals);
    return work->served && work->own && work->measured && work->of && work->is_first && work->residuals ? TS_OK
                                                                                                        : TS_ENOMEM;
}

enum ts_status ts_log_fit(struct ts_log_fit *out, const struct ts_log_fit_options *options, struct ts_arena *arena,
                          struct ts_diags *diags)
{
    struct ts_log_fit found = {.n_far = 0};
    struct ts_log_work work = {.options = options, .out = &found};
    enum ts_status status = ts_log_fit_check(&options->scenario->model, options->tier, diags);
    if (status == TS_OK) {
        status = prepare(&work, arena, diags);
    }
    if (status == TS_OK) {
        status = go_round(&work, diags);
    }
    if (status == TS_OK) {
        status = tell(&work, diags);
    }
    ts_log_workload_deinit(&work.workload);
    free(work.served);
    free(work.own);
    free(work.measured);
    free(work.of);
    free(work.is_first);
    free(work.residuals);
    if (status == TS_OK) {
        *out = found;
    }
    return status;
}
