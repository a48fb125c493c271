/* Step times of a deployment from its own log, with what the scenario says of it (a class's constants, tables, a
 * measurement) as the prior. Step times are put into the form of a measurement file; the log's requests are simulated,
 * which tells the batches that each request was part of; for these its times are linear in the factors of the parts
 * (study/log_replay.h), so that the posterior is had in closed form (measure/posterior.h); and again with its factors,
 * until they stay.
 *
 *   recorded = sum over parts of factor x predicted part + request,  errors proportional to what is predicted
 *
 * Errors of requests that were served together are alike: by the correlation r of each with the next, a request counts
 * as (1-r)/(1+r) of one. */
#ifndef TS_STUDY_LOG_FIT_H
#define TS_STUDY_LOG_FIT_H

#include "base/progress.h"
#include "measure/calibrated.h"
#include "measure/posterior.h"
#include "scenarios/language/scenario.h"
#include "study/log_read.h"
#include "study/log_replay.h"

enum ts_log_measure { TS_LOG_TTFT, TS_LOG_TPOT, TS_LOG_E2E, TS_LOG_N_MEASURES };

enum { TS_LOG_REQUEST = TS_LOG_N_PARTS, TS_LOG_N_CONSTANTS };

struct ts_log_fit_options {
    const struct ts_scenario *scenario;
    uint32_t tier;
    const struct ts_log *log;
    double held_frac; /* of the requests, the last by start: not fitted to, but checked on; 0 to below 1 */
    struct ts_progress progress;
};

struct ts_log_error {
    size_t n;
    double median;  /* of |predicted/recorded - 1|; NAN: n is 0 */
    double ratio;   /* median of predicted/recorded */
    double covered; /* share within the interval; NAN for E2E and before */
};

struct ts_log_fit {
    struct ts_table_fit prior_table, table; /* the scenario's step times in the file's form; calibrated */
    struct ts_fit_error form_error;         /* of prior_table against the scenario's step times, on steps between */
    struct ts_prior prior;                  /* factors of parts; of the request: of unit_s */
    struct ts_posterior posterior;
    double unit_s;
    struct ts_calibrated calibrated;
    struct ts_log_error before[TS_LOG_N_MEASURES], after[TS_LOG_N_MEASURES]; /* over what was held out, or all */
    size_t n_fitted, n_held, n_far; /* requests; far off: left out of the fit, not of the errors */
    double count;                   /* a request counts as so much of one */
    uint32_t n_rounds;
    bool settled;  /* the factors had come to rest */
    bool by_trace; /* the scenario's trace has the log's requests, and others that they ran beside */
};

/* May the tier be calibrated? TS_EINPUT with the reason. */
enum ts_status ts_log_fit_check(const struct ts_model *model, uint32_t tier, struct ts_diags *diags);

/* TS_EINPUT: too few requests, or none that the simulation serves; TS_ERANGE, TS_ENOMEM, TS_EINTERRUPTED. */
enum ts_status ts_log_fit(struct ts_log_fit *out, const struct ts_log_fit_options *options, struct ts_arena *arena,
                          struct ts_diags *diags);

#endif
