/* Requests that are generated once and read by many: a study's points mostly have the same workload, seed and
 * replication. What is kept is known by all that the generator looks at, so that a stream from here is the one of
 * ts_workload_open, bit by bit. Safe to use from several threads. */
#ifndef TS_TRACES_TAPES_H
#define TS_TRACES_TAPES_H

#include "traces/workload.h"

struct ts_tapes;

/* max_bytes: what is held in all; beyond it what was not used for longest goes. TS_ENOMEM. */
enum ts_status ts_tapes_create(struct ts_tapes **out, size_t max_bytes);
/* No stream of it may be open. NULL is fine. */
void ts_tapes_destroy(struct ts_tapes *tapes);

/* As ts_workload_open. Traces, closed loops, and requests that say what their prompts consist of are not kept; neither
 * is what has no room: these are opened as there. tapes NULL: all of them are. */
enum ts_status ts_tapes_open(struct ts_request_stream **out, struct ts_tapes *tapes, const struct ts_workload *workload,
                             uint64_t seed, uint32_t replication, const struct ts_progress *progress,
                             struct ts_diags *diags);

/* How many requests ts_tapes_open's stream will give: it is drawn to its end once, or kept. Of workloads that can be
 * kept alone. */
bool ts_tapes_can_count(const struct ts_workload *workload);
enum ts_status ts_tapes_count(uint64_t *out, struct ts_tapes *tapes, const struct ts_workload *workload, uint64_t seed,
                              uint32_t replication, const struct ts_progress *progress, struct ts_diags *diags);

#endif
