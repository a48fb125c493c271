/* The inside of a replica: what planned steps (replica.c) and runs of them (replica_run.c) share: replica_books.c. */
#ifndef TS_SIM_SERVING_REPLICA_PARTS_H
#define TS_SIM_SERVING_REPLICA_PARTS_H

#include "sim/serving/replica.h"

/* Steps of a run: at most; those that the next arrival does not end; what is computed is rounded up to whole rounds,
 * for which ends_ns has room. */
enum { TS_REPLICA_RUN_MAX = 256, TS_REPLICA_RUN_LEAST = 8, TS_REPLICA_ROUND = 4 };

/* ---- replica_books.c ---- */

/* The books of the last n_steps, from start_ns on; 0: of a step under way that is given up. */
void ts_replica_account_steps(const struct ts_replica *replica, struct ts_engine *engine, int64_t until_ns,
                              uint32_t n_steps);
/* Where a request's gaps are counted: by class, or after the classes. */
uint32_t ts_replica_gap_row(const struct ts_replica *replica, const struct ts_engine *engine,
                            const struct ts_request *request);
/* One gap for every flight that decodes in step with the replica. */
void ts_replica_add_gaps(const struct ts_replica *replica, struct ts_engine *engine, int64_t gap_ns);
/* First tokens, and those that come with others at once. */
void ts_replica_give_tokens(struct ts_replica *replica, struct ts_engine *engine, const struct ts_scheduler_step *step);
/* Blocks in use of a replica whose requests may leave theirs after. */
void ts_replica_note_blocks(struct ts_replica *replica, struct ts_engine *engine);
/* The requests that gave their last token. */
void ts_replica_finish_all(struct ts_replica *replica, struct ts_engine *engine, const struct ts_scheduler_step *step);
/* The event of the step or run under way; one that was scheduled before is void. */
void ts_replica_schedule(struct ts_replica *replica, struct ts_engine *engine, int64_t end_ns);

/* ---- replica_run.c ---- */

void ts_replica_begin_run(struct ts_replica *replica, struct ts_engine *engine, const struct ts_scheduler_run *run);
void ts_replica_end_run(struct ts_replica *replica, struct ts_engine *engine);
/* The books of the first n_steps of the run; returns the blocks in use in the last of them. */
uint64_t ts_replica_account_run(const struct ts_replica *replica, struct ts_engine *engine, uint32_t n_steps);
/* How many of the run's steps have ended by now. */
uint32_t ts_replica_steps_ended(const struct ts_replica *replica, int64_t now_ns);
/* Not in a run, or it is as short already: nothing. */
void ts_replica_shorten_run(struct ts_replica *replica, struct ts_engine *engine, uint32_t n_steps);
/* The waiting queue has changed: a run in which its head could enter ends with the step under way. */
void ts_replica_cut_run(struct ts_replica *replica, struct ts_engine *engine);

#endif
