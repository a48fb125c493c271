/* Runs the replications of a scenario on several threads. Which thread runs which replication does not matter: every
 * random stream is keyed by the replication, and results are merged in the order of their index. */
#ifndef TS_STUDY_REPLICATE_H
#define TS_STUDY_REPLICATE_H

#include "base/progress.h"
#include "reports/requests_csv.h"
#include "scenarios/language/scenario.h"
#include "sim/result.h"
#include "traces/trace.h"

struct ts_replicate_options {
    uint32_t n_replications;          /* >= 1 */
    uint32_t n_threads;               /* >= 1; those that no replication needs read requests ahead */
    bool single_steps;                /* see sim.h */
    struct ts_progress progress;      /* see sim.h */
    struct ts_requests_csv *requests; /* gets a row of every request; may be NULL. Good for commit on TS_OK alone */
};

struct ts_replications {
    struct ts_result *each; /* [n]; those that were finished */
    uint32_t n;
    struct ts_result merged;
    struct ts_trace_counts trace; /* of replication 0; zero for a generated workload */
    double wall_s;                /* simulation alone, all threads */
};

/* TS_EINTERRUPTED with n > 0 finished replications in *out, or n = 0; on any other failure *out is good
 * for deinit alone and the first failing replication's diagnostics are in `diags`. Call ts_replications_deinit in every
 * case. */
enum ts_status ts_replicate(struct ts_replications *out, const struct ts_scenario *scenario,
                            const struct ts_replicate_options *options, struct ts_diags *diags);
void ts_replications_deinit(struct ts_replications *replications);

#endif
