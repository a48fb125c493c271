/* Runs that the points of a study share: two that differ by what the simulation does not look at have the same one.
 * That is money (prices that it does not charge, growth, what machines cost), limits, and thresholds between which no
 * call goes another way (ts_result.thresholds). Figures are the same bits as without. */
#ifndef TS_STUDY_SHARED_RUNS_H
#define TS_STUDY_SHARED_RUNS_H

#include "study/replicate.h"

struct ts_shared_runs;
struct ts_shared_run;

/* For any number of threads. TS_ENOMEM. */
enum ts_status ts_shared_runs_create(struct ts_shared_runs **out);
/* When all runs are given back; NULL is fine. */
void ts_shared_runs_destroy(struct ts_shared_runs *shared);

/* One of the runs, or a new one by ts_replicate, of the base with these settings, which are the scenario's. Waits where
 * another thread is about to make it. `shared` NULL, more replications than one, or a run that may end early: a new one
 * that nobody shares. *out is set before the first of its replications ends. Give it back in every case; what
 * ts_replicate returns. */
enum ts_status ts_shared_run_get(struct ts_shared_run **out, struct ts_shared_runs *shared,
                                 const struct ts_scenario *scenario, const char *const *sets, size_t n_sets,
                                 const struct ts_replicate_options *options, struct ts_diags *diags);
void ts_shared_run_give(struct ts_shared_run *run, struct ts_shared_runs *shared); /* NULL is fine */

const struct ts_replications *ts_shared_run_of(const struct ts_shared_run *run);

#endif
