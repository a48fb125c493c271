/* What a router has seen of its tiers: how long they took for the calls that they answered, as routers learn it that
 * ask nobody ("latency-based routing"). Of each tier the mean over its last replies, the newest with a weight of 1/8,
 * of first   from the beginning of service to the first token, with the way there and back per_tok time of each further
 * token service from the beginning of service to the last token A call that comes now is expected to wait as long as
 * the tier's pressure (requests beyond its seats, per seat) times the service. What a tier was long ago fades (a time
 * constant of 5 minutes), so that one which was slow is tried again; of one that was never tried nothing bad is
 * expected. */
#ifndef TS_SIM_ROUTING_EXPERIENCE_H
#define TS_SIM_ROUTING_EXPERIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "sim/model.h"

struct ts_engine;

struct ts_experience {
    struct {
        double first_s, per_tok_s, service_s;
        int64_t seen_ns;
        uint64_t n;
    } tiers[TS_MAX_TIERS];
    double n_calls, reply_tok; /* of all: the mean reply */
};

struct ts_expected {
    double ttft_s, tpot_s, e2e_s, usd;
};

/* A call was routed: how long replies are is known of all. */
void ts_experience_count(struct ts_experience *experience, const struct ts_request *request);
/* Of the call at that tier. A reply is expected to be as long as the mean of all so far; it costs what the first offer
 * of an API charges for it, and nothing on owned tiers. */
struct ts_expected ts_experience_expect(const struct ts_experience *experience, const struct ts_engine *engine,
                                        uint32_t call, uint32_t tier);

/* ---- functions of policies whose state is what they have seen ---- */

struct ts_router;
enum ts_status ts_router_init_experience(struct ts_router *router, const struct ts_model *model);
void ts_router_free_state(struct ts_router *router);
bool ts_router_learn(struct ts_engine *engine, uint32_t flight);

#endif
