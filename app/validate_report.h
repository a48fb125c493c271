/* What a validation shows: tables on the terminal, CSV and charts in a folder. */
#ifndef TS_APP_VALIDATE_REPORT_H
#define TS_APP_VALIDATE_REPORT_H

#include "app/validate.h"
#include "reports/table.h"

/* One load: what was asked, what came of it. */
struct ts_validation {
    double load_frac;  /* of the capacity */
    double rate_per_s; /* arrivals */
    size_t n;          /* requests */
    const struct ts_live_run *live_run;
    struct ts_timings live, predicted;
    struct ts_comparison comparison;
    struct ts_error_budget ttft_budget, e2e_budget;
};

/* Predicted beside live; NULL when out of memory. */
struct ts_table *ts_validate_table(const struct ts_validation *validation);
/* Where the error comes from, a row for each load. */
struct ts_table *ts_validate_budget_table(const struct ts_validation *validations, size_t n);

/* Writes validation.csv, requests.csv, steps.csv, and cdf.{svg,png}, batch.{svg,png} with their .dat and .gp; without
 * gnuplot the last two are there without pictures, and a warning says so. */
enum ts_status ts_validate_write(const char *dir, const struct ts_validation *validations, size_t n,
                                 struct ts_diags *diags);

#endif
