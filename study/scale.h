/* What a month costs from 100 calls a day to 1e9, for every way to serve all calls at one tier alone: on the users'
 * devices, on servers that are bought, rented on demand or reserved, at an API whose throughput is provisioned, or at
 * one by the token.
 *
 * Each tier gets every call of the scenario's workload, whatever rules, router and thresholds say; rate limits of APIs
 * and the site's cap on power are lifted, every device can run its model, and calls do not grow. What policy would let
 * out to the tier, up to which volume limits hold and whether the SLO is kept is told beside it. Cost is that of the
 * tier in the first month in full service.
 *
 * Of a server 1, 2 and 4 replicas are simulated: up to which volume they keep the SLO in the busiest hour
 * (study/capacity.h), and what a month costs at that volume and at half of it. The rest of the line is read between
 * and beyond those nodes (study/scale_curve.h). A check that the line has not seen is simulated, too: 8 replicas at
 * the volume that they take (a device, an API: twice the volume), and one replica at a tenth of its own; the error is
 * how far the line is from it. Provisioned throughput goes the same way, with blocks of units in place of replicas. */
#ifndef TS_STUDY_SCALE_H
#define TS_STUDY_SCALE_H

#include "study/capacity.h"
#include "study/scale_curve.h"
#include "study/trial.h"

enum ts_scale_way {
    TS_SCALE_DEVICE,
    TS_SCALE_BOUGHT,
    TS_SCALE_RENTED,
    TS_SCALE_RESERVED,
    TS_SCALE_PROVISIONED, /* blocks of as many units as are written take the place of replicas */
    TS_SCALE_API,
    TS_SCALE_N_WAYS
};

struct ts_scale_curve {
    const char *name; /* "edge bought" */
    uint32_t tier;
    enum ts_scale_way way;
    const char *why_not;                        /* there is no such line; NULL: there is */
    uint32_t line;                              /* its place among the lines */
    double capacity_error_frac, usd_error_frac; /* of the check: line over simulation - 1, NaN where there is none; of
                                                   cost the larger of the two */
    double check_calls_per_day;                 /* the volume of the larger check */
    double kept_frac;           /* of the calls meet the SLO; NaN: a server, which does up to its capacity */
    double permitted_frac;      /* of the calls may go there by the scenario's rules */
    double limit_calls_per_day; /* at which an API's limits are reached in the busiest hour; INFINITY */
};

struct ts_scale {
    struct ts_arena arena;         /* owns what follows */
    struct ts_scale_curve *curves; /* [n] */
    uint32_t n;
    struct ts_scale_line lines[TS_SCALE_MOST_CURVES]; /* [n_lines] of the curves that there are */
    uint32_t of_line[TS_SCALE_MOST_CURVES];           /* the curve of each */
    uint32_t n_lines;
    struct ts_scale_crossing *crossings; /* [n_crossings] */
    uint32_t n_crossings;
    double tolerance_frac; /* how closely volumes were found */
    uint32_t n_runs;       /* simulated, beside those of the searches for capacity */
};

struct ts_scale_spec {
    const struct ts_trial_base *base;
    enum ts_capacity_effort effort; /* quick or full */
    uint32_t n_threads;
    struct ts_progress progress;
};

/* TS_EUSAGE with a diagnostic: a trace or a closed loop, whose volume is not the scenario's to say; no bound in the
 * SLO while there is a server: it would take any load. TS_EINTERRUPTED, TS_ENOMEM; the first failure that is none of a
 * single design. On failure *out is untouched. The same on any number of threads. */
enum ts_status ts_scale_find(struct ts_scale *out, const struct ts_scale_spec *spec, struct ts_diags *diags);
void ts_scale_deinit(struct ts_scale *scale);

#endif
