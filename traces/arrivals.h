/* When requests come: one process, whose rate follows the hours of the week, a curve of its own, times on and off, a
 * trend, and whose gaps are regular or not. */
#ifndef TS_TRACES_ARRIVALS_H
#define TS_TRACES_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dist.h"

enum { TS_WEEK_HOURS = 168, TS_MAX_HOLIDAYS = 64 };

/* How the rate of one process changes, and how irregular its gaps are. All parts multiply; each has mean 1. */
struct ts_process {
    const double *week_curve;   /* [168] weights by hour of the week, 0 = Monday 00:00; NULL: constant */
    const double *rates;        /* [n_rates] weights by rate_step_s from the start of the window, over and over */
    size_t n_rates;             /* 0: constant */
    double rate_step_s;         /* > 0 where n_rates > 0 */
    bool counts_steps;          /* each step has as many arrivals as are expected, rounded; not with bursts */
    struct ts_dist gap;         /* between arrivals in operational time, scaled to mean 1: gamma(mean 1, cv) ... */
    bool has_bursts;            /* it comes and goes: */
    struct ts_dist on_s, off_s; /* no arrivals in times off, more in times on: the mean stays */
};

/* What all processes of a window share. */
struct ts_window {
    double duration_s;
    double start_hour;           /* of the week, 0 = Monday 00:00 */
    double trend_frac_per_month; /* growth of the rate, by the month of 730 h */
    const double *holidays;      /* [n_holidays] days of the window, 1 is the first, that are like a Sunday */
    size_t n_holidays;
};

/* Streams of random numbers of one process: seed, replication, and which process. */
struct ts_arrivals_key {
    uint64_t seed;
    uint32_t replication, entity;
};

struct ts_arrivals;

/* calls_per_s: mean of the process before trend and holidays. What the structs point to is borrowed until destroy. NULL
 * without memory. */
struct ts_arrivals *ts_arrivals_create(const struct ts_process *process, const struct ts_window *window,
                                       double calls_per_s, struct ts_arrivals_key key);
void ts_arrivals_destroy(struct ts_arrivals *arrivals); /* NULL is fine */

/* The next arrival, in seconds since the start of the window; INFINITY after its end. */
double ts_arrivals_next(struct ts_arrivals *arrivals);

/* Expected arrivals in the window; times on and off count with their mean. */
double ts_arrivals_expected(const struct ts_process *process, const struct ts_window *window, double calls_per_s);

/* NULL, or what is wrong with a process. */
const char *ts_process_mistake(const struct ts_process *process);

#endif
