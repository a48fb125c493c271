/* The router: policy first (which tiers are barred), then the choice, then what comes next when the choice cannot take
 * the request. */
#ifndef TS_SIM_ROUTING_ROUTER_H
#define TS_SIM_ROUTING_ROUTER_H

#include <stdint.h>

#include "sim/model.h"

struct ts_engine;
struct ts_flight;

struct ts_router {
    double noise_sd; /* of what it sees of the difficulty */
};

struct ts_router_policy_ops {
    const char *name;
    /* The tier that the request is meant for, whether or not it can take it. */
    uint32_t (*choose)(const struct ts_engine *engine, const struct ts_flight *flight);
};

/* Indexed by enum ts_router_policy. */
extern const struct ts_router_policy_ops ts_router_policies[TS_N_ROUTER_POLICIES];

void ts_router_init(struct ts_router *out, const struct ts_model *model);

/* Tiers barred for a request by the rules, as a mask. */
uint32_t ts_router_barred(const struct ts_router_model *model, const struct ts_request *request);

/* Sets what policy and choice say about a new request: flight->barred, flight->choice. */
void ts_router_consider(const struct ts_engine *engine, struct ts_flight *flight);
/* The next tier to send it to: the choice, then the fallback order, without those tried, barred, or unable to hold it;
 * n_tiers if there is none. Marks it as tried. */
uint32_t ts_router_next(const struct ts_engine *engine, struct ts_flight *flight);

/* Standard deviation of the noise with which a predictor of the difficulty has that AUC (0.5..1) for "harder than the
 * median", for difficulties with the given standard deviation. */
double ts_router_noise_sd(double auc, double difficulty_sd);

#endif
