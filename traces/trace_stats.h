/* Statistics of a request stream in one pass and bounded memory: what `tiersim trace info` prints. */
#ifndef TS_TRACES_TRACE_STATS_H
#define TS_TRACES_TRACE_STATS_H

#include "base/hist.h"
#include "traces/request.h"

enum { TS_STATS_SCALES = 4 };

struct ts_trace_stats {
    uint64_t n_requests;
    double duration_s; /* first to last arrival */
    double rate_per_s; /* (n-1)/duration */
    double gap_mean_s, gap_cv;
    double scale_s[TS_STATS_SCALES];    /* 1, 10, 60, 3600 s windows */
    double dispersion[TS_STATS_SCALES]; /* var/mean of counts per window (1 = Poisson); NaN with fewer than 2 full
                                           windows */
    double peak_per_s[TS_STATS_SCALES]; /* busiest window */
    double empty_frac[TS_STATS_SCALES]; /* share of windows without an arrival */
    double prompt_total_tok, output_total_tok;
    struct ts_hist prompt_tok, output_tok, gap_ns;
};

/* Consumes the stream. Call ts_trace_stats_deinit afterwards. */
enum ts_status ts_trace_stats_collect(struct ts_trace_stats *out, struct ts_request_stream *stream,
                                      struct ts_diags *diags);
void ts_trace_stats_deinit(struct ts_trace_stats *stats);

#endif
