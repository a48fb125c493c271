/* Hides how a stream is measured without keeping it: gaps by Welford's recurrence (Technometrics 4, 1962), tokens and
 * gaps in histograms, counts in consecutive windows from time 0. Only windows that are over before the last arrival
 * count; variance/mean of their counts, with the variance of the population (divided by the number of windows), is 1
 * for Poisson arrivals. Check values, Azure 2023: CV of gaps 13.15 (code) and 1.094 (conversation), variance/mean at 60
 * s 163.96 and 16.13, 12 of 57 minutes of code empty. */
#include "traces/trace_stats.h"

#include <math.h>

#include "base/units.h"

static const double scales_s[TS_STATS_SCALES] = {1.0, 10.0, 60.0, 3600.0};

/* Counts of one scale: moments over the windows that are over, and the window that is open. */
struct windows {
    int64_t width_ns;
    int64_t open; /* index of the open window; those before it are over */
    double n_open;
    double sum, sum_squares, most;
    int64_t n_empty;
};

struct moments {
    double n, mean, m2; /* m2: sum of squared deviations from the mean */
};

static void add_moment(struct moments *moments, double value)
{
    moments->n += 1.0;
    double deviation = value - moments->mean;
    moments->mean += deviation / moments->n;
    moments->m2 += deviation * (value - moments->mean);
}

static void close_until(struct windows *windows, int64_t index)
{
    if (index == windows->open) {
        return;
    }
    windows->sum += windows->n_open;
    windows->sum_squares += windows->n_open * windows->n_open;
    windows->most = windows->n_open > windows->most ? windows->n_open : windows->most;
    windows->n_empty += (windows->n_open == 0.0) + (index - windows->open - 1);
    windows->open = index;
    windows->n_open = 0.0;
}

static void add_arrival(struct windows *windows, int64_t arrival_ns)
{
    close_until(windows, arrival_ns / windows->width_ns);
    windows->n_open += 1.0;
}

static void report_windows(struct ts_trace_stats *out, size_t i, const struct windows *windows)
{
    double n = (double)windows->open;
    double mean = windows->sum / n;
    bool enough = n >= 2.0 && mean > 0.0;
    double most = windows->n_open > windows->most ? windows->n_open
                                                  : windows->most; /* the last window may be the busiest, though cut */
    out->scale_s[i] = scales_s[i];
    out->dispersion[i] = enough ? (windows->sum_squares / n - mean * mean) / mean : NAN;
    out->peak_per_s[i] = most / scales_s[i];
    out->empty_frac[i] = n > 0.0 ? (double)windows->n_empty / n : NAN;
}

static enum ts_status pass(struct ts_trace_stats *out, struct ts_request_stream *stream, struct windows *windows,
                           struct moments *gaps, struct ts_diags *diags)
{
    struct ts_request request = {.id = 0};
    int64_t first_ns = 0;
    int64_t last_ns = 0;
    for (;;) {
        int got = 0;
        enum ts_status status = ts_request_next(stream, &request, &got, diags);
        if (status != TS_OK || !got) {
            out->duration_s = ts_s_from_ns(last_ns - first_ns);
            return status;
        }
        if (out->n_requests++ == 0) {
            first_ns = request.arrival_ns;
        } else {
            add_moment(gaps, ts_s_from_ns(request.arrival_ns - last_ns));
            ts_hist_add(&out->gap_ns, request.arrival_ns - last_ns);
        }
        last_ns = request.arrival_ns;
        for (size_t i = 0; i < TS_STATS_SCALES; i++) {
            add_arrival(&windows[i], request.arrival_ns);
        }
        ts_hist_add(&out->prompt_tok, request.prompt_tok);
        ts_hist_add(&out->output_tok, request.output_tok);
    }
}

static void init_stats(struct ts_trace_stats *stats)
{
    *stats = (struct ts_trace_stats){.n_requests = 0};
    ts_hist_init(&stats->prompt_tok);
    ts_hist_init(&stats->output_tok);
    ts_hist_init(&stats->gap_ns);
}

enum ts_status ts_trace_stats_collect(struct ts_trace_stats *out, struct ts_request_stream *stream,
                                      struct ts_diags *diags)
{
    struct ts_trace_stats stats;
    struct windows windows[TS_STATS_SCALES];
    struct moments gaps = {.n = 0.0};
    init_stats(&stats);
    for (size_t i = 0; i < TS_STATS_SCALES; i++) {
        windows[i] = (struct windows){.width_ns = ts_ns_from_s(scales_s[i])};
    }
    enum ts_status status = pass(&stats, stream, windows, &gaps, diags);
    if (status == TS_OK && stats.prompt_tok.lost + stats.output_tok.lost + stats.gap_ns.lost > 0) {
        status = ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    if (status != TS_OK) {
        ts_trace_stats_deinit(&stats);
        return status;
    }
    stats.rate_per_s = stats.duration_s > 0.0 ? (double)(stats.n_requests - 1) / stats.duration_s : NAN;
    stats.gap_mean_s = gaps.n > 0.0 ? gaps.mean : NAN;
    stats.gap_cv = gaps.mean > 0.0 ? sqrt(gaps.m2 / gaps.n) / gaps.mean : NAN;
    for (size_t i = 0; i < TS_STATS_SCALES; i++) {
        report_windows(&stats, i, &windows[i]);
    }
    stats.prompt_total_tok = ts_hist_sum(&stats.prompt_tok);
    stats.output_total_tok = ts_hist_sum(&stats.output_tok);
    *out = stats;
    return TS_OK;
}

void ts_trace_stats_deinit(struct ts_trace_stats *stats)
{
    ts_hist_deinit(&stats->prompt_tok);
    ts_hist_deinit(&stats->output_tok);
    ts_hist_deinit(&stats->gap_ns);
}
