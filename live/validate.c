/* Hides how a live run and a simulation are held against each other.
 *
 * Bootstrap: requests are drawn with replacement 1,000 times, each with its live and its predicted latency, so that
 * what both have in common (the same prompt, the same crowd) does not count as uncertainty (Efron and Tibshirani,
 * 1993). */
#include "live/validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/sample.h"

enum { N_RESAMPLES = 1000, FIRST_LOADS = 1024 };

static const double stat_quantile[TS_N_VALIDATE_STATS] = {NAN, 0.5, 0.9, 0.99};

const char *ts_validate_latency_name(enum ts_validate_latency latency)
{
    static const char *const names[TS_N_VALIDATE_LATENCIES] = {"TTFT", "TPOT", "E2E"};
    return names[latency];
}

const char *ts_validate_stat_name(enum ts_validate_stat stat)
{
    static const char *const names[TS_N_VALIDATE_STATS] = {"mean", "p50", "p90", "p99"};
    return names[stat];
}

/* ---- timings ---- */

static enum ts_status init_timings(struct ts_timings *out, size_t n)
{
    double *all = malloc((n ? n : 1) * 3 * sizeof *all);
    if (!all) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < 3 * n; i++) {
        all[i] = NAN;
    }
    *out = (struct ts_timings){.ttft_s = all, .tpot_s = all + n, .e2e_s = all + 2 * n, .n = n};
    return TS_OK;
}

void ts_timings_deinit(struct ts_timings *timings)
{
    free(timings->ttft_s);
    *timings = (struct ts_timings){0};
}

enum ts_status ts_timings_of_live(struct ts_timings *out, const struct ts_live_run *run)
{
    const enum ts_status status = init_timings(out, run->n_records);
    if (status != TS_OK) {
        return status;
    }
    for (size_t i = 0; i < run->n_records; i++) {
        const struct ts_live_record *r = &run->records[i];
        out->n_preemptions += r->n_preemptions;
        if (r->rejected || r->n_given < r->output_tok) {
            continue;
        }
        out->ttft_s[i] = 1e-9 * (double)(r->first_ns - r->due_ns);
        out->e2e_s[i] = 1e-9 * (double)(r->last_ns - r->due_ns);
        if (r->output_tok > 1) {
            out->tpot_s[i] = 1e-9 * (double)(r->last_ns - r->first_ns) / ((double)r->output_tok - 1.0);
        }
        out->n_done++;
        out->output_tok += r->output_tok;
        out->end_s = fmax(out->end_s, 1e-9 * (double)r->last_ns);
    }
    return TS_OK;
}

static enum ts_status take_record(void *user, const struct ts_request_record *record)
{
    struct ts_timings *out = user;
    const size_t i = (size_t)record->request->id;
    out->n_preemptions += record->n_preemptions;
    if (record->outcome != TS_DONE || i >= out->n) {
        return TS_OK;
    }
    out->ttft_s[i] = 1e-9 * (double)record->ttft_ns;
    out->e2e_s[i] = 1e-9 * (double)record->e2e_ns;
    if (record->tpot_ns != TS_NEVER_NS) {
        out->tpot_s[i] = 1e-9 * (double)record->tpot_ns;
    }
    out->n_done++;
    out->output_tok += record->request->output_tok;
    out->end_s = fmax(out->end_s, 1e-9 * (double)record->request->arrival_ns + out->e2e_s[i]);
    return TS_OK;
}

void ts_step_loads_deinit(struct ts_step_loads *loads)
{
    free(loads->loads);
    *loads = (struct ts_step_loads){0};
}

static void take_load(void *user, uint32_t unit, int64_t begin_ns, int64_t step_ns, const struct ts_batch_load *load)
{
    struct ts_step_loads *out = user;
    (void)unit;
    if (out->n == out->cap) {
        const size_t cap = out->cap ? 2 * out->cap : FIRST_LOADS;
        struct ts_live_load *loads = realloc(out->loads, cap * sizeof *loads);
        if (!loads) {
            out->failed = true;
            return;
        }
        out->loads = loads;
        out->cap = cap;
    }
    out->loads[out->n++] = (struct ts_live_load){*load, 1e-9 * (double)(begin_ns - out->end_ns)};
    out->end_ns = begin_ns + step_ns;
}

enum ts_status ts_timings_of_sim(struct ts_timings *out, const struct ts_model *model,
                                 const struct ts_request *requests, size_t n, const struct ts_timings_options *options,
                                 struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    struct ts_result result;
    enum ts_status status = init_timings(out, n);
    if (status != TS_OK) {
        return status;
    }
    status = ts_request_stream_from_array(&stream, requests, n);
    if (status == TS_OK) {
        const struct ts_timings_options none = {0};
        const struct ts_timings_options *given = options ? options : &none;
        const struct ts_sim_options sim = {
            .on_request = take_record,
            .request_user = out,
            .single_steps = given->steps_s || given->pace || given->loads,
            .recorded_s = given->steps_s,
            .n_recorded = given->n_steps,
            .pace = given->pace,
            .on_step = given->loads ? take_load : NULL,
            .step_user = given->loads,
        };
        status = ts_sim_run(&result, model, stream, &sim, diags);
        ts_request_stream_destroy(stream);
    }
    if (status == TS_OK) {
        ts_result_deinit(&result);
    } else {
        ts_timings_deinit(out);
    }
    return status;
}

/* ---- the model ---- */

void ts_validate_alone(struct ts_model *out, struct ts_pool_model *pool, const struct ts_model *from, uint32_t tier)
{
    *pool = from->tiers[tier].u.server.pools[0];
    pool->n_replicas = 1;
    *out = *from;
    out->tiers[0] = from->tiers[tier];
    out->n_tiers = 1;
    out->tiers[0].link = -1;
    out->tiers[0].replaces = -1;
    out->tiers[0].u.server.pools = pool;
    out->tiers[0].u.server.n_pools = 1;
    out->n_links = 0;
    out->router = (struct ts_router_model){
        .policy = TS_ROUTE_STATIC, .n_order = 1, .threshold = {INFINITY}, .n_fallback = 1, .auc = 1.0};
    out->users = (struct ts_users_model){.n = 0}; /* requests say themselves when they come */
    out->patience_s = 0.0;
    out->drain_s = 0.0;
}

enum ts_status ts_validate_capacity(double *out, const struct ts_model *model, const struct ts_request *requests,
                                    size_t n, struct ts_diags *diags)
{
    struct ts_timings timings;
    struct ts_request *at_once = calloc(n ? n : 1, sizeof *at_once);
    if (!at_once) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        at_once[i] = requests[i];
        at_once[i].arrival_ns = 0;
    }
    const enum ts_status status = ts_timings_of_sim(&timings, model, at_once, n, NULL, diags);
    free(at_once);
    if (status != TS_OK) {
        return status;
    }
    struct ts_sample ends;
    ts_sample_init(&ends);
    for (size_t i = 0; i < n; i++) {
        if (!isnan(timings.e2e_s[i])) {
            ts_sample_add(&ends, timings.e2e_s[i]);
        }
    }
    const double half_s = ts_sample_quantile(&ends, 0.75) - ts_sample_quantile(&ends, 0.25);
    *out = half_s > 0.0 ? 0.5 * (double)ends.n / half_s : timings.end_s > 0.0 ? (double)ends.n / timings.end_s : 0.0;
    const bool failed = ends.failed;
    ts_sample_deinit(&ends);
    ts_timings_deinit(&timings);
    return failed ? TS_ENOMEM : TS_OK;
}

/* ---- comparison ---- */

const double *ts_timings_values(const struct ts_timings *timings, enum ts_validate_latency latency)
{
    const double *const all[TS_N_VALIDATE_LATENCIES] = {timings->ttft_s, timings->tpot_s, timings->e2e_s};
    return all[latency];
}

static double stat_of(struct ts_sample *sample, enum ts_validate_stat stat)
{
    return stat == TS_VALIDATE_MEAN ? ts_sample_mean(sample) : ts_sample_quantile(sample, stat_quantile[stat]);
}

/* The pairs of one latency. */
struct pairs {
    double *live, *predicted;
    size_t n;
};

static void clear(struct ts_sample *sample)
{
    sample->n = 0;
    sample->sorted = false;
}

static void resample(struct ts_sample *live, struct ts_sample *predicted, const struct pairs *pairs, struct ts_rng *rng)
{
    clear(live);
    clear(predicted);
    for (size_t i = 0; i < pairs->n; i++) {
        const size_t pick = (size_t)(ts_rng_u64(rng) % pairs->n);
        ts_sample_add(live, pairs->live[pick]);
        ts_sample_add(predicted, pairs->predicted[pick]);
    }
}

static enum ts_status compare_latency(struct ts_validate_row *rows, const struct pairs *pairs, uint64_t seed)
{
    struct ts_sample live, predicted;
    struct ts_sample errors[TS_N_VALIDATE_STATS];
    struct ts_rng rng;
    bool failed = false;
    ts_rng_init(&rng, seed, 0, 0, 0);
    ts_sample_init(&live);
    ts_sample_init(&predicted);
    for (size_t k = 0; k < TS_N_VALIDATE_STATS; k++) {
        ts_sample_init(&errors[k]);
    }
    for (size_t i = 0; i < pairs->n; i++) {
        ts_sample_add(&live, pairs->live[i]);
        ts_sample_add(&predicted, pairs->predicted[i]);
    }
    for (size_t k = 0; k < TS_N_VALIDATE_STATS; k++) {
        rows[k].live_s = stat_of(&live, k);
        rows[k].predicted_s = stat_of(&predicted, k);
        rows[k].error_frac = rows[k].predicted_s / rows[k].live_s - 1.0;
    }
    for (size_t r = 0; pairs->n > 0 && r < N_RESAMPLES; r++) {
        resample(&live, &predicted, pairs, &rng);
        for (size_t k = 0; k < TS_N_VALIDATE_STATS; k++) {
            ts_sample_add(&errors[k], stat_of(&predicted, k) / stat_of(&live, k) - 1.0);
        }
    }
    for (size_t k = 0; k < TS_N_VALIDATE_STATS; k++) {
        rows[k].low_frac = ts_sample_quantile(&errors[k], 0.025);
        rows[k].high_frac = ts_sample_quantile(&errors[k], 0.975);
        failed = failed || errors[k].failed;
        ts_sample_deinit(&errors[k]);
    }
    failed = failed || live.failed || predicted.failed;
    ts_sample_deinit(&live);
    ts_sample_deinit(&predicted);
    return failed ? TS_ENOMEM : TS_OK;
}

/* Requests that have that latency in both. */
static void find_pairs(struct pairs *out, const double *live, const double *predicted, size_t n)
{
    out->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(live[i]) && !isnan(predicted[i])) {
            out->live[out->n] = live[i];
            out->predicted[out->n++] = predicted[i];
        }
    }
}

enum ts_status ts_validate_compare(struct ts_comparison *out, const struct ts_timings *live,
                                   const struct ts_timings *predicted, uint64_t seed)
{
    const size_t n = live->n < predicted->n ? live->n : predicted->n;
    double *buffer = malloc((n ? n : 1) * 2 * sizeof *buffer);
    struct pairs pairs = {.live = buffer, .predicted = buffer ? buffer + n : NULL};
    enum ts_status status = buffer ? TS_OK : TS_ENOMEM;
    *out = (struct ts_comparison){
        .live_tok_per_s = live->end_s > 0.0 ? (double)live->output_tok / live->end_s : 0.0,
        .predicted_tok_per_s = predicted->end_s > 0.0 ? (double)predicted->output_tok / predicted->end_s : 0.0,
        .live_preemptions = live->n_preemptions,
        .predicted_preemptions = predicted->n_preemptions,
        .live_done = live->n_done,
        .predicted_done = predicted->n_done,
    };
    for (size_t k = 0; status == TS_OK && k < TS_N_VALIDATE_LATENCIES; k++) {
        find_pairs(&pairs, ts_timings_values(live, k), ts_timings_values(predicted, k), n);
        out->n_pairs = pairs.n > out->n_pairs ? pairs.n : out->n_pairs;
        status = compare_latency(out->rows[k], &pairs, seed + k);
    }
    free(buffer);
    return status;
}

/* ---- error budget ---- */

static double mean_of(const struct ts_timings *timings, enum ts_validate_latency latency)
{
    const double *values = ts_timings_values(timings, latency);
    double sum = 0.0;
    double n = 0.0;
    for (size_t i = 0; i < timings->n; i++) {
        if (!isnan(values[i])) {
            sum += values[i];
            n += 1.0;
        }
    }
    return n > 0.0 ? sum / n : NAN;
}

/* When a request must arrive in a simulation that begins its steps when the live run did, to be in the plan that it was
 * in: at the latest as that step began. Live, one that arrives between the end of a step and the next plan still gets
 * into it, and one that finds the engine idle is served when the engine has woken up. */
static void recorded_arrivals(struct ts_request *out, const struct ts_request *requests, size_t n,
                              const struct ts_live_run *run)
{
    size_t step = 0;
    memcpy(out, requests, n * sizeof *out);
    for (size_t i = 0; i < n && run->n_steps > 0; i++) {
        const int64_t seen_ns = run->records[i].seen_ns;
        while (step + 1 < run->n_steps && run->steps[step].end_ns <= seen_ns) {
            step++;
        }
        const int64_t begin_ns = run->steps[step].begin_ns;
        const bool found_idle = step == 0 || run->steps[step - 1].end_ns < begin_ns;
        if (seen_ns != TS_NEVER_NS && seen_ns >= begin_ns && found_idle) {
            out[i].arrival_ns = begin_ns;
        } else if (seen_ns != TS_NEVER_NS && seen_ns >= begin_ns && out[i].arrival_ns >= begin_ns) {
            out[i].arrival_ns = begin_ns - 1; /* while the step before it was under way */
        }
        if (i > 0 && out[i].arrival_ns < out[i - 1].arrival_ns) {
            out[i].arrival_ns = out[i - 1].arrival_ns;
        }
    }
}

/* Latencies count from when a request was due, not from when it was seen. */
static void count_from_due(struct ts_timings *timings, const struct ts_request *due, const struct ts_request *seen)
{
    for (size_t i = 0; i < timings->n; i++) {
        const double late_s = 1e-9 * (double)(seen[i].arrival_ns - due[i].arrival_ns);
        timings->ttft_s[i] += late_s;
        timings->e2e_s[i] += late_s;
    }
}

struct recording {
    struct ts_request *seen; /* [n] */
    double *steps_s;         /* [n_steps] */
    double whole_s, model_s; /* sums over the steps: all of it, forward passes */
};

static enum ts_status make_recording(struct recording *out, const struct ts_request *requests, size_t n,
                                     const struct ts_live_run *run)
{
    out->seen = malloc((n ? n : 1) * sizeof *out->seen);
    out->steps_s = malloc((run->n_steps ? run->n_steps : 1) * sizeof *out->steps_s);
    if (!out->seen || !out->steps_s) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < run->n_steps; i++) {
        out->steps_s[i] = 1e-9 * (double)(run->steps[i].end_ns - run->steps[i].begin_ns);
        out->whole_s += out->steps_s[i];
        out->model_s += 1e-9 * (double)run->steps[i].model_ns;
    }
    recorded_arrivals(out->seen, requests, n, run);
    return TS_OK;
}

enum { LINK_LIVE, LINK_SCHEDULER, LINK_STEPS, LINK_ARRIVALS, N_LINKS };

static enum ts_status run_links(struct ts_timings links[N_LINKS], size_t *n_made,
                                const struct ts_validate_budget_input *input, const struct recording *recording,
                                struct ts_diags *diags)
{
    const struct ts_timings_options recorded = {.steps_s = recording->steps_s, .n_steps = input->run->n_steps};
    const struct ts_timings_options modelled = {.pace = input->pace};
    enum ts_status status = ts_timings_of_live(&links[LINK_LIVE], input->run);
    *n_made = status == TS_OK;
    for (size_t i = LINK_SCHEDULER; status == TS_OK && i < N_LINKS; i++) {
        const struct ts_request *arrivals = i == LINK_ARRIVALS ? input->requests : recording->seen;
        const struct ts_timings_options *options = i == LINK_SCHEDULER ? &recorded : &modelled;
        status = ts_timings_of_sim(&links[i], input->model, arrivals, input->n, options, diags);
        *n_made += status == TS_OK;
    }
    if (status == TS_OK) {
        count_from_due(&links[LINK_SCHEDULER], input->requests, recording->seen);
        count_from_due(&links[LINK_STEPS], input->requests, recording->seen);
    }
    return status;
}

static void share_out(struct ts_error_budget *out, const struct ts_timings links[N_LINKS],
                      const struct recording *recording, enum ts_validate_latency latency)
{
    double mean_s[N_LINKS];
    const double host_frac = recording->model_s / recording->whole_s - 1.0;
    for (size_t i = 0; i < N_LINKS; i++) {
        mean_s[i] = mean_of(&links[i], latency);
    }
    *out = (struct ts_error_budget){
        .scheduler_frac = mean_s[LINK_SCHEDULER] / mean_s[LINK_LIVE] - 1.0,
        .host_frac = host_frac,
        .steps_frac = mean_s[LINK_STEPS] / mean_s[LINK_SCHEDULER] / (1.0 + host_frac) - 1.0,
        .arrivals_frac = mean_s[LINK_ARRIVALS] / mean_s[LINK_STEPS] - 1.0,
        .whole_frac = mean_s[LINK_ARRIVALS] / mean_s[LINK_LIVE] - 1.0,
    };
}

enum ts_status ts_validate_budget(struct ts_error_budget *out, const struct ts_validate_budget_input *input,
                                  enum ts_validate_latency latency, struct ts_diags *diags)
{
    struct recording recording = {0};
    struct ts_timings links[N_LINKS];
    size_t n_made = 0;
    enum ts_status status = make_recording(&recording, input->requests, input->n, input->run);
    if (status == TS_OK) {
        status = run_links(links, &n_made, input, &recording, diags);
    }
    if (status == TS_OK) {
        share_out(out, links, &recording, latency);
        status = ts_validate_compare(&out->recorded, &links[LINK_LIVE], &links[LINK_SCHEDULER], 1);
    }
    for (size_t i = 0; i < n_made; i++) {
        ts_timings_deinit(&links[i]);
    }
    free(recording.seen);
    free(recording.steps_s);
    return status;
}
