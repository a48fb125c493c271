/* The requests of a log as the simulator's: the log's own, or, where the scenario replays a trace that has them all in
 * their order, the trace's: with what else ran beside them and what their prompts begin with. */
#ifndef TS_STUDY_LOG_MATCH_H
#define TS_STUDY_LOG_MATCH_H

#include "scenarios/language/scenario.h"
#include "study/log_read.h"

struct ts_log_workload {
    struct ts_request *requests; /* [n] by run and arrival */
    uint32_t *run;               /* [n] */
    size_t n;
    size_t *of;    /* [log->n] the request that each of the log's is */
    uint64_t *ids; /* of their prompts */
    bool by_trace;
};

/* TS_ENOMEM; what reading the trace returns. Deinit in either case; zero it before. */
enum ts_status ts_log_match(struct ts_log_workload *out, const struct ts_log *log, const struct ts_scenario *scenario,
                            struct ts_diags *diags);
void ts_log_workload_deinit(struct ts_log_workload *workload);

#endif
