/* Hides how requests become linear measurements: divided by what is predicted, so that errors are shares; times to the
 * first token weigh by how much noisier they turn out. What is off by more than six times the usual (and 10 %: a
 * stalled client) is left out. */
#include <math.h>
#include <string.h>

#include "sim/serving/roofline_fit.h"
#include "study/log_parts.h"

static const double far = 6.0, far_at_least = 0.1;
static const double whole_reply_tok = 16.0; /* a time per token of fewer is noisier */
static const double mad_to_sd = 1.4826;
static const double least_factor = 0.05;
static const double least_count = 0.02;

/* ---- rows ---- */

static void add_row(struct ts_log_work *work, size_t i, bool first, const double *parts, double other,
                    double recorded_s, double n_requests, double weight)
{
    const double request_s = n_requests * work->out->unit_s;
    double predicted_s = other + request_s * work->factors[TS_LOG_REQUEST];
    for (int p = 0; p < TS_LOG_N_PARTS; p++) {
        predicted_s += work->factors[p] * parts[p];
    }
    if (!(predicted_s > 0.0) || !(recorded_s > 0.0)) {
        return;
    }
    struct ts_measured *row = &work->measured[work->n];
    *row = (struct ts_measured){.y = (recorded_s - other) / predicted_s, .weight = weight};
    for (int p = 0; p < TS_LOG_N_PARTS; p++) {
        row->x[p] = parts[p] / predicted_s;
    }
    row->x[TS_LOG_REQUEST] = request_s / predicted_s;
    work->of[work->n] = i;
    work->is_first[work->n++] = first;
}

static void add_request(struct ts_log_work *work, size_t i)
{
    const struct ts_log_request *logged = &work->options->log->requests[i];
    const struct ts_log_served *served = &work->served[work->workload.of[i]];
    if (isnan(served->latency_s) || isnan(logged->latency_s)) {
        return;
    }
    if (isnan(logged->ttft_s)) { /* the whole reply alone */
        double parts[TS_LOG_N_PARTS];
        for (int p = 0; p < TS_LOG_N_PARTS; p++) {
            parts[p] = served->first[p] + served->decode[p];
        }
        add_row(work, i, true, parts, served->first_other + served->decode_other, logged->latency_s, 1.0,
                work->first_weight);
        return;
    }
    add_row(work, i, true, served->first, served->first_other, logged->ttft_s, 1.0, work->first_weight);
    if (logged->output_tok > 1) {
        add_row(work, i, false, served->decode, served->decode_other, logged->latency_s - logged->ttft_s, 0.0,
                fmin(1.0, (logged->output_tok - 1.0) / whole_reply_tok));
    }
}

/* ---- noise ---- */

/* By the middle of their sizes, which a few that are far off do not move. NAN: there are none. */
static double sd_of(struct ts_log_work *work, bool first)
{
    size_t n = 0;
    for (size_t i = 0; i < work->n; i++) {
        if (work->is_first[i] == first) {
            const double weight = first ? 1.0 : work->measured[i].weight;
            work->residuals[n++] =
                fabs(work->measured[i].y - ts_posterior_at(&work->out->posterior, work->measured[i].x)) * sqrt(weight);
        }
    }
    return mad_to_sd * ts_roofline_fit_quantile(work->residuals, n, 0.5);
}

static void weigh_first(struct ts_log_work *work)
{
    const double sd = sd_of(work, false), first_sd = sd_of(work, true);
    const double weight = sd > 0.0 && first_sd > 0.0 ? pow(sd / first_sd, 2.0) : 1.0;
    work->first_weight = fmin(4.0, fmax(1e-4, weight));
    for (size_t i = 0; i < work->n; i++) {
        work->measured[i].weight = work->is_first[i] ? work->first_weight : work->measured[i].weight;
    }
}

/* Takes out what is far off the posterior. */
static void drop_far(struct ts_log_work *work)
{
    const double sds[2] = {sd_of(work, false), sd_of(work, true)};
    size_t kept = 0;
    for (size_t i = 0; i < work->n; i++) {
        const struct ts_measured *m = &work->measured[i];
        const double weight = work->is_first[i] ? 1.0 : m->weight;
        const double off = fabs(m->y - ts_posterior_at(&work->out->posterior, m->x)) * sqrt(weight);
        if (off <= fmax(far_at_least, far * sds[work->is_first[i]])) {
            work->measured[kept] = *m;
            work->of[kept] = work->of[i];
            work->is_first[kept++] = work->is_first[i];
        }
    }
    work->out->n_far = work->n - kept;
    work->n = kept;
}

/* By the correlation of each with the next of its kind, r: (1 - r)/(1 + r). */
static double count_of(const struct ts_log_work *work, bool first)
{
    double square = 0.0, product = 0.0, last = NAN;
    for (size_t i = 0; i < work->n; i++) {
        if (work->is_first[i] == first) {
            const double off = work->measured[i].y - ts_posterior_at(&work->out->posterior, work->measured[i].x);
            square += off * off;
            product += isnan(last) ? 0.0 : off * last;
            last = off;
        }
    }
    const double r = square > 0.0 ? fmin(1.0, fmax(0.0, product / square)) : 0.0;
    return fmax(least_count, (1.0 - r) / (1.0 + r));
}

static enum ts_status find(struct ts_log_work *work, double count)
{
    static const double least[TS_LOG_N_CONSTANTS] = {least_factor, least_factor, least_factor,
                                                     least_factor, least_factor, 0.0};
    return ts_posterior_find(&work->out->posterior, &work->out->prior, work->measured, work->n, count, least);
}

enum ts_status ts_log_linear(struct ts_log_work *work, struct ts_diags *diags)
{
    struct ts_log_fit *out = work->out;
    work->n = 0;
    for (size_t i = 0; i < out->n_fitted; i++) {
        add_request(work, i);
    }
    if (work->n < TS_LOG_N_CONSTANTS) {
        return ts_fail(diags, TS_EINPUT, ts_span_none(), NULL,
                       "%zu requests of the log were served in the simulation: too few to calibrate with", work->n);
    }
    enum ts_status status = find(work, 1.0);
    for (int pass = 0; pass < 2 && status == TS_OK; pass++) {
        weigh_first(work);
        status = find(work, 1.0);
    }
    if (status == TS_OK) {
        drop_far(work);
        status = find(work, 1.0);
    }
    if (status == TS_OK) {
        out->count = fmin(count_of(work, false), count_of(work, true));
        status = find(work, out->count);
    }
    return status;
}

double ts_log_spread(const struct ts_log_work *work, bool first)
{
    double square = 0.0;
    size_t n = 0;
    for (size_t i = 0; i < work->n; i++) {
        if (work->is_first[i] == first) {
            const double sd = ts_posterior_at_sd(&work->out->posterior, work->measured[i].x, work->measured[i].weight);
            square += sd * sd;
            n++;
        }
    }
    return n > 0 ? sqrt(square / (double)n) : 0.0;
}
