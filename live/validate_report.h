/* What a validation shows: tables on the terminal, CSV and charts in a folder. */
#ifndef TS_LIVE_VALIDATE_REPORT_H
#define TS_LIVE_VALIDATE_REPORT_H

#include "live/endpoint_tune.h"
#include "live/validate.h"
#include "reports/table.h"

/* One load, once: what was asked, what came of it. */
struct ts_validation {
    double load_frac;  /* of the capacity, or of the users */
    uint32_t n_users;  /* of a closed loop; 0: requests come at a rate */
    uint32_t run;      /* 0, 1..: how many times it was served before */
    double rate_per_s; /* arrivals; with users, replies */
    size_t n;          /* requests */
    const struct ts_live_run *live_run;
    const struct ts_steps_model *steps; /* step times of the prediction */
    struct ts_timings live, predicted;
    struct ts_comparison comparison;
    struct ts_pace pace;       /* the machine's, as pauses of the run measured it; without points: none did */
    struct ts_timings unpaced; /* at the pace of all the time measured in; empty without points */
    struct ts_comparison unpaced_comparison;
    struct ts_error_budget ttft_budget, e2e_budget;
    struct ts_endpoint_factors factors; /* of an endpoint's step times */
};

/* Errors that still count as right: of means and medians, and of the 90th and 99th percentiles. */
struct ts_validate_limits {
    double central_frac, tail_frac;
};

/* The errors of one load: of its only run, or the medians over its runs. */
struct ts_validate_errors {
    double load_frac;
    uint32_t n_runs;
    double error_frac[TS_N_VALIDATE_LATENCIES][TS_N_VALIDATE_STATS];
    double unpaced_frac[TS_N_VALIDATE_LATENCIES][TS_N_VALIDATE_STATS];
};
/* A row for each load, in the order of their first runs; returns how many; out: [n]. */
size_t ts_validate_medians(struct ts_validate_errors *out, const struct ts_validation *validations, size_t n);
/* The largest absolute error over the means and medians, and over the 90th and 99th percentiles, of all loads. */
void ts_validate_worst(const struct ts_validate_errors *errors, size_t n, double *central_frac, double *tail_frac);

/* Predicted beside live, and without the pace; NULL when out of memory. */
struct ts_table *ts_validate_table(const struct ts_validation *validation, const struct ts_validate_limits *limits);
/* Where the error comes from, a row for each load. */
struct ts_table *ts_validate_budget_table(const struct ts_validation *validations, size_t n);
/* The errors of each run and their medians. */
struct ts_table *ts_validate_runs_table(const struct ts_validation *validations, size_t n,
                                        const struct ts_validate_limits *limits);

/* The worst errors on stdout. TS_ELIMIT if a mean or median passes the limit, or a percentile twice the limit (NaN:
 * there is none); TS_EIO if a load has nothing to compare. */
enum ts_status ts_validate_verdict(const struct ts_validation *validations, size_t n, double max_error_frac,
                                   struct ts_diags *diags);

/* Writes validation.csv, requests.csv, steps.csv, and cdf.{svg,png}, batch.{svg,png} with their .dat and .gp; without
 * gnuplot, or without the patience for it, the last two are there without pictures, and a warning says so. */
enum ts_status ts_validate_write(const char *dir, const struct ts_validation *validations, size_t n,
                                 const struct ts_progress *progress, struct ts_diags *diags);

#endif
