/* Time series in bins of equal width from time 0: amounts that accrue at a constant rate over an interval are split
 * exactly at the bins' borders. All rows share one axis that grows with the run; beyond TS_TIMELINE_MAX_BINS neighbours
 * are merged and the width doubles, so memory is bounded whatever the horizon. */
#ifndef TS_SIM_TIMELINE_H
#define TS_SIM_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { TS_TIMELINE_MAX_BINS = 1 << 16 };

struct ts_timeline {
    int64_t width_ns;
    uint32_t n_rows, n_bins, cap;
    double *cells;                  /* [n_rows][cap] */
    bool failed;                    /* an allocation failed: what came after it is lost */
    uint32_t at;                    /* the bin that was used last: time goes on in small steps */
    int64_t at_begin_ns, at_end_ns; /* its borders; both 0 when none was used */
};

enum ts_status ts_timeline_init(struct ts_timeline *out, uint32_t n_rows, int64_t width_ns);
void ts_timeline_deinit(struct ts_timeline *timeline);

/* Adds rate x time over [from_ns, to_ns) to a row, the time in units of 1/per_ns ns, whatever bins that lies in. */
void ts_timeline_add_far(struct ts_timeline *timeline, uint32_t row, int64_t from_ns, int64_t to_ns, double rate,
                         double per_ns);
static inline void ts_timeline_accrue(struct ts_timeline *timeline, uint32_t row, int64_t from_ns, int64_t to_ns,
                                      double rate, double per_ns)
{
    if (from_ns >= timeline->at_begin_ns && to_ns <= timeline->at_end_ns && to_ns > from_ns) {
        timeline->cells[(uint64_t)row * timeline->cap + timeline->at] += rate * ((double)(to_ns - from_ns) * per_ns);
    } else {
        ts_timeline_add_far(timeline, row, from_ns, to_ns, rate, per_ns);
    }
}
/* A rate per second. */
static inline void ts_timeline_add(struct ts_timeline *timeline, uint32_t row, int64_t from_ns, int64_t to_ns,
                                   double rate)
{
    ts_timeline_accrue(timeline, row, from_ns, to_ns, rate, 1e-9);
}
/* Whole nanoseconds of n units: exact up to 2^53 of them in a bin, 30,000 units for 5 minutes. */
static inline void ts_timeline_add_units(struct ts_timeline *timeline, uint32_t row, int64_t from_ns, int64_t to_ns,
                                         uint32_t n)
{
    ts_timeline_accrue(timeline, row, from_ns, to_ns, n, 1.0);
}
/* Adds an amount at one instant. */
void ts_timeline_count(struct ts_timeline *timeline, uint32_t row, int64_t at_ns, double amount);
/* Does [from_ns, to_ns) lie in one bin? */
bool ts_timeline_in_one_bin(struct ts_timeline *timeline, int64_t from_ns, int64_t to_ns);
/* Makes sure that the axis reaches to_ns. */
void ts_timeline_extend(struct ts_timeline *timeline, int64_t to_ns);

static inline const double *ts_timeline_row(const struct ts_timeline *timeline, uint32_t row)
{
    return timeline->cells + (uint64_t)row * timeline->cap;
}

#endif
