/* A point of a study: a scenario with settings of its own, run with all of its replications and appraised: what
 * `tiersim run` does, without the report. It knows of no other point: the same one gives bit-identical figures on any
 * thread. */
#ifndef TS_STUDY_POINT_H
#define TS_STUDY_POINT_H

#include "study/capacity.h"
#include "study/replicate.h"
#include "study/shared_runs.h"

struct ts_point_options {
    uint32_t n_threads;             /* >= 1 */
    enum ts_capacity_effort effort; /* off: up to which volume a server keeps up is taken from its busy share */
    bool keeps_replications;        /* see ts_point_row.each */
    struct ts_tapes *tapes;         /* see trial.h */
    struct ts_shared_runs *shared;  /* of points of the same base; NULL: each is simulated */
    const struct ts_until *until;   /* see replicate.h; NULL: as many replications as the scenario says */
    bool stops_early; /* TS_ELIMIT, and a diagnostic, once study/early_stop.h is certain; not with until */
    struct ts_progress progress;
};

/* A figure of all classes together. */
struct ts_point_row {
    const char *subject; /* "all", "edge", "edge/old", "nowhere" */
    const struct ts_metric *metric;
    uint32_t rank;      /* its place in the order of summary.csv, where tiers stand in the base's order */
    double value;       /* of all replications together; NaN: there is none */
    double half;        /* half the width of the 95 % interval of its mean over replications, by Student's t; NaN with
                           fewer than two */
    const double *each; /* [n_replications] its value in each, if they are kept */
};

struct ts_point_outcome {
    struct ts_arena arena; /* owns what follows */
    struct ts_point_row *rows;
    uint32_t n_rows, n_replications;
    uint32_t n_limits_missed;
    const char *missed; /* the limits, a line each; "" */
    bool is_exact;      /* the rule of `until` holds, or there is none */
    bool keeps_slo;     /* slo.attainment is reached, or none is wanted */
};

/* sets: [n_sets] over those of the base. What ts_scenario_load and ts_replicate return; on failure *out is untouched.
 */
enum ts_status ts_point_run(struct ts_point_outcome *out, const struct ts_trial_base *base, const char *const *sets,
                            size_t n_sets, const struct ts_point_options *options, struct ts_diags *diags);
void ts_point_outcome_deinit(struct ts_point_outcome *outcome);

/* NULL: it has no such figure. */
const struct ts_point_row *ts_point_find(const struct ts_point_outcome *outcome, const char *subject, const char *name,
                                         const char *stat);

#endif
