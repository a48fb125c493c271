/* Hides the measures by which two samples are compared. The correlation is Spearman's, of ranks: the lengths' tails
 * would decide any other. */
#include "traces/trace_compare.h"

#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "traces/fit_sessions.h"

/* One sample's numbers. */
struct measures {
    double n, rate, gap_cv, dispersion[3];
    double prompt[4], output[4]; /* mean, p50, p95, p99 */
    double correlation;
    double sessions, calls[2], think_s[2], tool_s[2], lasts_s[2]; /* p50, p95 */
    double reuse, reuse_small; /* of a cache without bounds; of one with a tenth of all ids */
};

static const double scales_s[] = {1.0, 10.0, 60.0};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts. */
static void quantiles(double out[4], double *values, size_t n)
{
    static const double p[] = {0.5, 0.95, 0.99};
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
    }
    qsort(values, n, sizeof *values, by_value);
    out[0] = sum / (double)n;
    for (size_t i = 0; i < 3; i++) {
        out[i + 1] = values[(size_t)fmax(ceil(p[i] * (double)n) - 1.0, 0.0)];
    }
}

/* Mean rank, from 0 to 1, of values like that one. */
static double rank_of(const double *sorted, size_t n, double value)
{
    size_t bounds[2];
    for (size_t side = 0; side < 2; side++) {
        size_t low = 0, high = n;
        while (low < high) {
            const size_t middle = (low + high) / 2;
            if (sorted[middle] < value || (side == 1 && sorted[middle] == value)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        bounds[side] = low;
    }
    return (double)(bounds[0] + bounds[1]) / 2.0 / (double)n;
}

static double correlation(const struct ts_trace_sample *sample, const double *prompts, const double *outputs)
{
    double xx = 0.0, yy = 0.0, xy = 0.0;
    for (size_t i = 0; i < sample->n; i++) {
        const double x = rank_of(prompts, sample->n, sample->rows[i].prompt_tok) - 0.5;
        const double y = rank_of(outputs, sample->n, sample->rows[i].output_tok) - 0.5;
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    return xx > 0.0 && yy > 0.0 ? xy / sqrt(xx * yy) : NAN;
}

/* Of all requests, or of what begins alone. */
static bool measure_times(struct measures *out, const struct ts_trace_sample *sample, bool of_starts, double *times_s)
{
    size_t n = of_starts ? ts_fit_session_starts(times_s, sample->rows, sample->n) : sample->n;
    for (size_t i = 0; i < sample->n && !of_starts; i++) {
        times_s[i] = ts_s_from_ns(sample->rows[i].arrival_ns - sample->rows[0].arrival_ns);
    }
    if (n < 2) {
        return false;
    }
    const double duration_s = times_s[n - 1], n_gaps = (double)(n - 1), mean = duration_s / n_gaps;
    double squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double off = i > 0 ? times_s[i] - times_s[i - 1] - mean : 0.0;
        squares += off * off;
    }
    out->n = (double)sample->n;
    out->rate = 1.0 / mean;
    out->gap_cv = sqrt(squares / n_gaps) / mean;
    for (size_t i = 0; i < sizeof scales_s / sizeof scales_s[0]; i++) {
        out->dispersion[i] = ts_dispersion(times_s, n, duration_s, scales_s[i]);
    }
    return true;
}

static void two_quantiles(double out[2], struct ts_fit_values *values)
{
    out[0] = ts_fit_quantile(values, 0.5);
    out[1] = ts_fit_quantile(values, 0.95);
}

static bool measure_sessions(struct measures *out, const struct ts_trace_sample *sample)
{
    struct ts_fit_sessions sessions;
    if (ts_fit_sessions(&sessions, sample->rows, sample->n, sample->ids_are_told ? sample->block_tok : 0) != TS_OK) {
        return false;
    }
    out->sessions = (double)sessions.n_sessions;
    two_quantiles(out->calls, &sessions.calls);
    two_quantiles(out->think_s, &sessions.think_s);
    two_quantiles(out->tool_s, &sessions.tool_s);
    two_quantiles(out->lasts_s, &sessions.lasts_s);
    ts_fit_sessions_deinit(&sessions);
    return true;
}

static const struct measures unknown = {
    .sessions = NAN, .calls = {NAN, NAN}, .think_s = {NAN, NAN}, .tool_s = {NAN, NAN}, .lasts_s = {NAN, NAN}};

static bool measure(struct measures *out, const struct ts_trace_sample *sample, bool of_sessions)
{
    double *prompts = malloc(sample->n * sizeof *prompts), *outputs = malloc(sample->n * sizeof *outputs);
    *out = unknown;
    const bool ok = prompts && outputs && measure_times(out, sample, of_sessions, prompts) &&
                    (!of_sessions || measure_sessions(out, sample));
    if (ok) {
        for (size_t i = 0; i < sample->n; i++) {
            prompts[i] = sample->rows[i].prompt_tok;
            outputs[i] = sample->rows[i].output_tok;
        }
        quantiles(out->prompt, prompts, sample->n);
        quantiles(out->output, outputs, sample->n);
        out->correlation = correlation(sample, prompts, outputs);
        const bool told = sample->block_tok > 0;
        out->reuse = told ? 100.0 * ts_reuse_hit_frac(sample->reuse, INFINITY) : NAN;
        out->reuse_small = told && !of_sessions
                               ? 100.0 * ts_reuse_hit_frac(sample->reuse, (double)ts_reuse_n_ids(sample->reuse) / 10.0)
                               : NAN;
    }
    free(prompts);
    free(outputs);
    return ok;
}

size_t ts_trace_compare(struct ts_compared *out, const struct ts_trace_sample *first,
                        const struct ts_trace_sample *second)
{
    struct measures a, b;
    bool of_sessions = false;
    for (size_t i = 0; i < second->n; i++) {
        of_sessions = of_sessions || second->rows[i].session != 0;
    }
    if (first->n < 2 || second->n < 2 || !measure(&a, first, of_sessions) || !measure(&b, second, of_sessions)) {
        return 0;
    }
    const struct ts_compared rows[] = {
        {"requests", "", {a.n, b.n}},
        {of_sessions ? "sessions that begin" : "calls", "1/s", {a.rate, b.rate}},
        {of_sessions ? "CV of gaps between them" : "CV of gaps", "", {a.gap_cv, b.gap_cv}},
        {"variance/mean of counts, 1 s", "", {a.dispersion[0], b.dispersion[0]}},
        {"variance/mean of counts, 10 s", "", {a.dispersion[1], b.dispersion[1]}},
        {"variance/mean of counts, 60 s", "", {a.dispersion[2], b.dispersion[2]}},
        {"sessions", "", {a.sessions, b.sessions}},
        {"calls a session p50", "", {a.calls[0], b.calls[0]}},
        {"calls a session p95", "", {a.calls[1], b.calls[1]}},
        {"time between turns p50", "s", {a.think_s[0], b.think_s[0]}},
        {"time between turns p95", "s", {a.think_s[1], b.think_s[1]}},
        {"time of tools p50", "s", {a.tool_s[0], b.tool_s[0]}},
        {"time of tools p95", "s", {a.tool_s[1], b.tool_s[1]}},
        {"a session lasts p50", "s", {a.lasts_s[0], b.lasts_s[0]}},
        {"a session lasts p95", "s", {a.lasts_s[1], b.lasts_s[1]}},
        {"prompt mean", "tok", {a.prompt[0], b.prompt[0]}},
        {"prompt p50", "tok", {a.prompt[1], b.prompt[1]}},
        {"prompt p95", "tok", {a.prompt[2], b.prompt[2]}},
        {"prompt p99", "tok", {a.prompt[3], b.prompt[3]}},
        {"output mean", "tok", {a.output[0], b.output[0]}},
        {"output p50", "tok", {a.output[1], b.output[1]}},
        {"output p95", "tok", {a.output[2], b.output[2]}},
        {"output p99", "tok", {a.output[3], b.output[3]}},
        {"rank correlation of prompt and output", "%", {100.0 * a.correlation, 100.0 * b.correlation}},
        {"prefix reuse, all kept", "%", {a.reuse, b.reuse}},
        {"prefix reuse, a tenth kept", "%", {a.reuse_small, b.reuse_small}},
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (isfinite(rows[i].values[0]) || isfinite(rows[i].values[1])) {
            out[n++] = rows[i];
        }
    }
    return n;
}
