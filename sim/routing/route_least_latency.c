/* Policy least-latency: the tier of the order from which the whole reply is expected first (sim/routing/experience.h);
 * the first of equals. */
#include <math.h>

#include "sim/engine.h"
#include "sim/routing/experience.h"

static uint32_t choose(struct ts_engine *engine, uint32_t call)
{
    const struct ts_router_model *model = &engine->model->router;
    struct ts_experience *experience = engine->router.state;
    uint32_t best = engine->model->n_tiers;
    double least_s = INFINITY;
    for (uint32_t i = 0; i < model->n_order; i++) {
        const double e2e_s = ts_router_may_take(engine, call, model->order[i])
                                 ? ts_experience_expect(experience, engine, call, model->order[i]).e2e_s
                                 : INFINITY;
        if (e2e_s < least_s) {
            least_s = e2e_s;
            best = model->order[i];
        }
    }
    ts_experience_count(experience, &ts_engine_call(engine, call)->request);
    return best;
}

const struct ts_router_policy_ops ts_route_least_latency = {
    .init = ts_router_init_experience, .deinit = ts_router_free_state, .choose = choose, .on_reply = ts_router_learn};
