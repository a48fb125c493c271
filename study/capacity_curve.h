/* Capacity against cost: for each design up to how many calls a day its servers keep the SLO in the busiest hour of the
 * week, and what a month costs at that volume. */
#ifndef TS_STUDY_CAPACITY_CURVE_H
#define TS_STUDY_CAPACITY_CURVE_H

#include "study/capacity.h"
#include "study/design.h"
#include "study/trial.h"

struct ts_capacity_point {
    const char *why_not; /* it cannot be, or its capacity was not found; NULL: it has figures */
    double volume;       /* times the scenario's */
    double calls_per_day;
    double usd_per_month, usd_per_mtok, kwh_per_mtok; /* in the first month in full service, without growth */
    double attainment_frac;                           /* of all calls of the window, whichever tier they are at */
    uint32_t tier;                                    /* breaks first, beyond */
    enum ts_slo_bound bound;                          /* what breaks there */
};

struct ts_capacity_curve_spec {
    const struct ts_trial_base *base;
    const struct ts_design *design;
    enum ts_capacity_effort effort; /* quick or full */
    uint32_t n_threads;
    struct ts_progress progress;
};

/* out[design->n]; reasons are in `arena`. TS_EUSAGE with a diagnostic as ts_capacity_check; TS_EINTERRUPTED, TS_ENOMEM;
 * the first failure that is none of a design. The same on any number of threads. */
enum ts_status ts_capacity_curve(struct ts_capacity_point *out, const struct ts_capacity_curve_spec *spec,
                                 struct ts_arena *arena, struct ts_diags *diags);

#endif
