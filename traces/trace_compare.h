/* What of two samples is to be alike, side by side. */
#ifndef TS_TRACES_TRACE_COMPARE_H
#define TS_TRACES_TRACE_COMPARE_H

#include "traces/trace_sample.h"

enum { TS_MAX_COMPARED = 32 };

struct ts_compared {
    const char *name, *unit; /* "prompt p95", "tok"; a unit of "" is none, "%" a share that differs by points */
    double values[2];        /* of the first and of the second; NaN: not there */
};

/* Where the second one is of sessions, times are those at which sessions begin, and sessions are compared, too. Fills
 * at most TS_MAX_COMPARED rows; their number comes back, 0 without memory. */
size_t ts_trace_compare(struct ts_compared *out, const struct ts_trace_sample *first,
                        const struct ts_trace_sample *second);

#endif
