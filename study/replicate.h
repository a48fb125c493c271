/* Runs the replications of a scenario on several threads: trials that differ by their random streams alone. Which
 * thread runs which does not matter: they are merged in the order of their index, as they come; of each one only its
 * figures are kept. */
#ifndef TS_STUDY_REPLICATE_H
#define TS_STUDY_REPLICATE_H

#include "study/trial.h"
#include "study/until.h"

struct ts_replicate_options {
    uint32_t n_replications;          /* >= 1 */
    const struct ts_until *until;     /* stops before these when it holds; NULL: there is no rule */
    uint32_t n_threads;               /* >= 1; those that no replication needs read requests ahead */
    bool single_steps;                /* see sim.h */
    struct ts_progress progress;      /* see sim.h; asked while requests are read and written, too */
    struct ts_requests_csv *requests; /* gets a row of every request; may be NULL. Good for commit on TS_OK alone */
    /* Gets the result of each replication before it is merged, in the order of their index, one at a time; NULL: nobody
     * wants it. A status other than TS_OK ends all. */
    enum ts_status (*on_result)(void *user, const struct ts_result *result);
    struct ts_tapes *tapes;           /* see trial.h */
    bool skips_figures;               /* of each: `each` has no values, and counts alone */
    const struct ts_early_stop *stop; /* see trial.h */
    void *user;
};

struct ts_replications {
    struct ts_figure_rows each; /* those that were finished */
    struct ts_result merged;
    struct ts_trace_counts trace; /* of the first of them; zero for a generated workload */
    double until_frac;            /* what the rule's width came to; NaN without one */
    double wall_s;                /* simulation with all threads, merging included */
};

/* The scenario is borrowed as long as *out is used. TS_EINTERRUPTED with each.n > 0 finished replications in *out, or
 * each.n = 0; on any other failure *out is good for deinit alone and the first failing replication's diagnostics are in
 * `diags`. Call ts_replications_deinit in every case. */
enum ts_status ts_replicate(struct ts_replications *out, const struct ts_scenario *scenario,
                            const struct ts_replicate_options *options, struct ts_diags *diags);
void ts_replications_deinit(struct ts_replications *replications);

/* For ts_model.month_scale: what the hours of the trace stand for (ts_trace_span_scale). 0: themselves, or users of a
 * closed loop set the rate. */
double ts_replications_month_scale(const struct ts_replications *replications, const struct ts_scenario *scenario);

#endif
