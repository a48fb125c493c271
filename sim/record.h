/* What became of one request: a row that a run hands out as soon as it is known. Rows come in the order in which
 * requests end (at one instant: in the order of their events), so that a run keeps nothing of those that have left. */
#ifndef TS_SIM_RECORD_H
#define TS_SIM_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/reasons.h"
#include "traces/request.h"

#define TS_NEVER_NS INT64_MAX

struct ts_flight;

enum ts_outcome { TS_DONE, TS_REJECTED, TS_TIMED_OUT, TS_UNFINISHED, TS_N_OUTCOMES };

/* "done", "rejected", "timed-out", "unfinished". */
const char *ts_outcome_name(enum ts_outcome outcome);

/* Times are the client's, as in sim/result.h; TS_NEVER_NS where there is none: no first token, not done, one token. */
struct ts_request_record {
    const struct ts_request *request;
    enum ts_outcome outcome;
    enum ts_reason reason; /* why it was rejected or timed out; else NONE */
    uint32_t tier;         /* where it ended; n_tiers: nowhere */
    uint32_t unit;         /* replica of a server, user of a fleet; 0 for an API */
    uint32_t n_preemptions;
    int64_t wait_ns; /* arrival at the tier to start of service */
    int64_t ttft_ns, tpot_ns, e2e_ns;
    int64_t engine_ttft_ns; /* servers: from when the engine looked at its queue */
};

/* Of a request that ends at now_ns. `request` is borrowed from the flight. */
struct ts_request_record ts_record_of(const struct ts_flight *flight, enum ts_outcome outcome, int64_t now_ns);

struct ts_slo_model;
/* Done within every bound of the SLO. */
bool ts_record_meets(const struct ts_request_record *record, const struct ts_slo_model *slo);

#endif
