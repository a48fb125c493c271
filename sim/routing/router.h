/* The router: rules first (which tiers are barred), then the policy's choice, then what comes next when the choice
 * cannot take the request. A policy is a row of functions, with a state of its own where it needs one. */
#ifndef TS_SIM_ROUTING_ROUTER_H
#define TS_SIM_ROUTING_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "sim/model.h"
#include "sim/reasons.h"

struct ts_engine;
struct ts_flight;
struct ts_router;

struct ts_router_policy_ops {
    /* Makes router->state. NULL: the policy has none. */
    enum ts_status (*init)(struct ts_router *router, const struct ts_model *model);
    void (*deinit)(struct ts_router *router);
    /* The tier that a new call is meant for, whether or not it can take it; n_tiers: none. */
    uint32_t (*choose)(struct ts_engine *engine, uint32_t call);
    /* Is the attempt's reply held back, when it is whole, until on_reply or on_timer has decided? NULL: none ever is.
     */
    bool (*holds_back)(const struct ts_engine *engine, const struct ts_flight *flight);
    /* An attempt ended with a whole reply. True: it is the answer. False: the policy keeps it (call->kept) and makes up
     * its mind later. NULL: it is the answer. */
    bool (*on_reply)(struct ts_engine *engine, uint32_t flight);
    /* The timer that the policy set for a call (ts_attempt_set_timer) went off, and the call has no outcome yet. */
    void (*on_timer)(struct ts_engine *engine, uint32_t call);
    /* An API charged that much for an attempt. NULL: the policy does not care. */
    void (*on_cost)(struct ts_router *router, double usd);
};

/* The servers of a router: each request waits for the first that is free, in the order of arrival. A client who gives
 * up meanwhile does not shorten the work: its prompt is read all the same. */
struct ts_router_server {
    int64_t since_ns, until_ns; /* its latest time at work without a gap; until lies ahead where requests wait */
};

struct ts_router {
    const struct ts_router_policy_ops *ops;
    double correlation;               /* of the difficulty and what it sees of it */
    double shift;                     /* of scores that predict correctness */
    void *state;                      /* the policy's */
    struct ts_router_server *servers; /* [n_servers] of the model */
};

#define TS_ROUTER_POLICY(id, name, word) extern const struct ts_router_policy_ops ts_route_##name;
#include "sim/routing/policies.inc"
#undef TS_ROUTER_POLICY

enum ts_status ts_router_init(struct ts_router *out, const struct ts_model *model);
void ts_router_deinit(struct ts_router *router);

/* When it has decided about a request that comes now, which may have to wait for a server. */
int64_t ts_router_decides_ns(struct ts_engine *engine, const struct ts_request *request);
/* Books what its servers have done by the end of the run. */
void ts_router_close(struct ts_engine *engine, int64_t end_ns);
/* Tiers barred for a request by the rules, as a mask. */
uint32_t ts_router_barred(const struct ts_router_model *model, const struct ts_request *request);
/* The next tier to send an attempt to: its choice, then the fallback order, without those tried, barred, or unable to
 * hold it; n_tiers if there is none. Marks it as tried. */
uint32_t ts_router_next(const struct ts_engine *engine, const struct ts_flight *flight);
/* Why that tier may not take the call, which nobody has tried: BARRED or TOO_LONG. n_tiers: of all of them. */
enum ts_reason ts_router_why_not(const struct ts_engine *engine, uint32_t call, uint32_t tier);
/* Would it find one? */
bool ts_router_has_next(const struct ts_engine *engine, const struct ts_flight *flight);
/* Tells the policy what was charged. */
void ts_router_spend(struct ts_engine *engine, double usd);

/* ---- for policies ---- */

/* Neither barred nor tried, and able to hold the request. */
bool ts_router_may_take(const struct ts_engine *engine, uint32_t call, uint32_t tier);
/* The first tier of the order, from place `from` on, that may take the call; n_tiers if there is none. */
uint32_t ts_router_first_of_order(const struct ts_engine *engine, uint32_t call, uint32_t from);
/* How long a reply is expected to be: the mean of those so far, 256 tokens before the first. */
double ts_router_reply_tok(double n_calls, double sum_tok);
/* What a call with a reply of so many tokens costs at the first offer of an API; 0 at an owned tier. What a cache holds
 * of the prompt is not known before. */
double ts_router_price_usd(const struct ts_tier_model *tier, const struct ts_request *request, double reply_tok);
/* The router looks at the call's difficulty, the same whenever it does: call->score. */
void ts_router_look(struct ts_engine *engine, uint32_t call);
/* P(right) of a tier, of what it saw then: the posterior of z is normal, and its mean of the logistic is that of
 * (ability - mean)/sqrt(1 + pi variance/8) (MacKay 1992). */
double ts_router_expected_right(struct ts_engine *engine, uint32_t call, uint32_t tier);
/* Looks, and the tier of the order whose threshold the score does not pass. */
uint32_t ts_router_by_threshold(struct ts_engine *engine, uint32_t call);

/* Correlation of the difficulty and what is seen of it by a predictor with that AUC (0.5..1) for "harder than the
 * median". */
double ts_router_correlation(double auc);

#endif
