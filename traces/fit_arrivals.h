/* A process learned from when requests came. */
#ifndef TS_TRACES_FIT_ARRIVALS_H
#define TS_TRACES_FIT_ARRIVALS_H

#include "base/status.h"
#include "traces/arrivals.h"
#include "traces/fit_gaps.h"

enum { TS_FIT_MAX_STEPS = 2000, TS_FIT_SCALES = 3 };
extern const double ts_fit_scales_s[TS_FIT_SCALES]; /* 1, 10, 60: at which burstiness is to be as it was */

struct ts_fit_process {
    double calls_per_s;
    double week[TS_WEEK_HOURS];
    bool follows_week; /* else the curve is constant */
    double *rates;     /* [n_rates], mean 1; NULL: constant */
    size_t n_rates;
    double rate_step_s;
    double gap_cv;          /* of gaps in operational time */
    enum ts_gap_family gap; /* gamma, or the likeliest where it has the bursts, too; of ON_OFF the gaps in times on are
                               exponential, and their means are those of gaps */
    struct ts_gap_fit gaps; /* how likely each is */
    double error;           /* largest of the scales: |ln(variance/mean of the process / that of the file)| */
};

/* times_s: [n] from 0 on, in order; duration_s: of the file, from its first request on; start_hour: of the week, -1:
 * not known. tick_s: of the file's clock, or 0. TS_ENOMEM. ts_fit_process_deinit afterwards. */
enum ts_status ts_fit_process(struct ts_fit_process *out, const double *times_s, size_t n, double duration_s,
                              double start_hour, double tick_s);
void ts_fit_process_deinit(struct ts_fit_process *process);

/* The greatest step of which all times are multiples, if it is a tenth of a second or more and the times show it; 0:
 * none. */
double ts_fit_tick_s(const int64_t *times_ns, size_t n);

#endif
