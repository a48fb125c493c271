/* A machine whose speed changes: factors on step times, at points in time. */
#ifndef TS_SIM_PACE_H
#define TS_SIM_PACE_H

#include <stddef.h>

/* Linear between the points, constant before the first and behind the last. */
struct ts_pace {
    const double *at_s;   /* [n] not falling, n >= 1 */
    const double *factor; /* [n] above zero: 1.1 = steps take a tenth longer */
    size_t n;
};

double ts_pace_at(const struct ts_pace *pace, double at_s);

#endif
