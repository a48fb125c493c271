/* Policy hedge (Dean and Barroso, "The tail at scale", 2013): as policy difficulty, and a call that has no first token
 * after hedge_after_s gets a second attempt at the next tier of the fallback order. The attempt with the first token
 * wins; the other one is called back. */
#include "base/units.h"
#include "sim/attempt.h"

static uint32_t choose(struct ts_engine *engine, uint32_t call)
{
    ts_attempt_set_timer(engine, call, engine->now_ns + ts_ns_from_s(engine->model->router.hedge_after_s));
    return ts_router_by_threshold(engine, call);
}

static void on_timer(struct ts_engine *engine, uint32_t call_id)
{
    const struct ts_router_model *model = &engine->model->router;
    const struct ts_call *call = ts_engine_call(engine, call_id);
    const struct ts_flight *first = ts_engine_flight(engine, call->open);
    if (first->in_tier && first->first_ns <= engine->now_ns) {
        return;
    }
    for (uint32_t i = 0; i < model->n_fallback; i++) {
        if (ts_router_may_take(engine, call_id, model->fallback[i])) {
            (void)ts_attempt_begin(engine, call_id, model->fallback[i]);
            return;
        }
    }
}

const struct ts_router_policy_ops ts_route_hedge = {.choose = choose, .on_timer = on_timer};
