/* The inside of log_fit: what its files share. */
#ifndef TS_STUDY_LOG_PARTS_H
#define TS_STUDY_LOG_PARTS_H

#include "study/log_fit.h"
#include "study/log_match.h"

struct ts_log_work {
    const struct ts_log_fit_options *options;
    struct ts_log_fit *out;
    struct ts_log_workload workload;
    struct ts_log_replay replay;
    struct ts_log_served *served, *own; /* [workload.n] by the table's steps; by the scenario's */
    struct ts_measured *measured;       /* [2 * log->n] */
    size_t *of;                         /* [2 * log->n] the request that each is of */
    bool *is_first;                     /* [2 * log->n] a time to the first token, or of a whole reply */
    double *residuals;                  /* [2 * log->n] */
    size_t n;
    double factors[TS_LOG_N_CONSTANTS];
    double first_weight; /* of a time to the first token; a time per token counts 1 */
};

/* ---- log_linear.c: one round ---- */

/* The posterior of the factors, given the batches of the last simulation: work->out->posterior, n_far and count. */
enum ts_status ts_log_linear(struct ts_log_work *work, struct ts_diags *diags);
/* Scale of what a further request's times are off, as shares of the predicted. */
double ts_log_spread(const struct ts_log_work *work, bool first);

#endif
