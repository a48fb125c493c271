/* Policy cascade (FrugalGPT, Chen et al. 2023): try the weakest tier, check its reply, go on to the next stronger one
 * if the check rejects it. The reply of the strongest tier that may take the call is not checked: it streams to the
 * client as it comes; those before it are shown whole once they are accepted.
 *
 * A check accepts a right reply with probability a and rejects a wrong one with probability r. With p = P(right):
 *   P(accepted) = p a + (1-p)(1-r),   P(right and accepted) = p a.
 * Worked: costs .05 and 1, check .01, p = .7 and .95, a = .9, r = .8: .31 go on, at a cost of .05 + .01 + .31 = .37;
 * .9 x .7 + .31 x .95 = .9245 are right if the tiers err independently, .9 x .7 + .1 x .7 + .24 x .25/.3 = .90 if the
 * strong tier is right wherever the weak one is. */
#include "base/units.h"
#include "sim/attempt.h"

static uint32_t choose(struct ts_engine *engine, uint32_t call)
{
    return ts_router_first_of_order(engine, call, 0);
}

/* The next stronger tier; n_tiers if there is none. */
static uint32_t next_tier(const struct ts_engine *engine, const struct ts_flight *flight)
{
    const struct ts_router_model *model = &engine->model->router;
    uint32_t place = 0;
    while (place < model->n_order && model->order[place] != flight->tier) {
        place++;
    }
    return ts_router_first_of_order(engine, flight->call, place + 1);
}

static bool holds_back(const struct ts_engine *engine, const struct ts_flight *flight)
{
    return next_tier(engine, flight) < engine->model->n_tiers;
}

static void check(struct ts_engine *engine, uint32_t id)
{
    const struct ts_verify_model *verify = &engine->model->router.verify;
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const bool is_right = (ts_engine_call(engine, flight->call)->right >> flight->tier & 1U) != 0;
    const double accepted = is_right ? verify->accept_right_frac : 1.0 - verify->reject_wrong_frac;
    struct ts_rng rng;
    ts_engine_rng(engine, &rng, &flight->request, TS_PURPOSE_VERIFY, engine->tiers[flight->tier].key, flight->number);
    flight->shown_ns = engine->now_ns;
    if (ts_rng_uniform(&rng) < accepted) {
        ts_attempt_answer(engine, id);
        return;
    }
    const uint32_t next = next_tier(engine, flight);
    if (next == engine->model->n_tiers || !ts_attempt_begin(engine, flight->call, next)) {
        ts_attempt_answer(engine, id);
    }
}

static bool on_reply(struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    if (!holds_back(engine, flight)) {
        return true;
    }
    struct ts_call *call = ts_engine_call(engine, flight->call);
    const uint32_t worse = call->kept;
    call->kept = id;
    if (worse != TS_FLIGHT_NONE) {
        ts_attempt_drop(engine, worse);
    }
    ts_ledger_verify(&engine->ledger, ts_engine_flight(engine, id));
    const int64_t ns = ts_ns_from_s(engine->model->router.verify.latency_s);
    ts_attempt_set_timer(engine, ts_engine_flight(engine, id)->call, engine->now_ns + ns);
    return false;
}

static void on_timer(struct ts_engine *engine, uint32_t call)
{
    check(engine, ts_engine_call(engine, call)->kept);
}

const struct ts_router_policy_ops ts_route_cascade = {
    .choose = choose, .holds_back = holds_back, .on_reply = on_reply, .on_timer = on_timer};
