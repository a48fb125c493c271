/* Time of many units, exact: a sum of n x nanoseconds in whole seconds and the rest. What two such sums have between
 * them never comes out below 0, and a part of a whole never above it: 65,536 replicas over 31 years fit. */
#ifndef TS_SIM_UNIT_TIME_H
#define TS_SIM_UNIT_TIME_H

#include <stdbool.h>
#include <stdint.h>

enum { TS_UNIT_TIME_NS_PER_S = 1000000000 };

struct ts_unit_time {
    uint64_t s;
    uint64_t ns; /* below a second */
};

/* n units for that long; ns >= 0. */
static inline void ts_unit_time_add(struct ts_unit_time *sum, uint32_t n, int64_t ns)
{
    const uint64_t per_s = TS_UNIT_TIME_NS_PER_S;
    const uint64_t whole_s = (uint64_t)ns / per_s;
    const uint64_t rest_ns = sum->ns + n * ((uint64_t)ns - whole_s * per_s);
    sum->s += n * whole_s + rest_ns / per_s;
    sum->ns = rest_ns % per_s;
}

static inline void ts_unit_time_join(struct ts_unit_time *into, struct ts_unit_time from)
{
    into->s += from.s;
    ts_unit_time_add(into, 1, (int64_t)from.ns);
}

static inline bool ts_unit_time_equal(struct ts_unit_time a, struct ts_unit_time b)
{
    return a.s == b.s && a.ns == b.ns;
}

static inline bool ts_unit_time_is_less(struct ts_unit_time a, struct ts_unit_time b)
{
    return a.s < b.s || (a.s == b.s && a.ns < b.ns);
}

/* Never the other way round than the exact times. */
static inline double ts_unit_time_s(struct ts_unit_time time)
{
    return (double)time.s + 1e-9 * (double)time.ns;
}

#endif
