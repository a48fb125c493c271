/* Policy least-loaded: the tier of the order that is pressed least among those that may take the call; the first of
 * equals. */
#include <math.h>

#include "sim/engine.h"

static uint32_t choose(struct ts_engine *engine, uint32_t call)
{
    const struct ts_router_model *model = &engine->model->router;
    uint32_t best = engine->model->n_tiers;
    double least = INFINITY;
    for (uint32_t i = 0; i < model->n_order; i++) {
        const struct ts_tier *tier = &engine->tiers[model->order[i]];
        if (!ts_router_may_take(engine, call, tier->index)) {
            continue;
        }
        const double pressure = tier->ops->pressure(tier, engine, &ts_engine_call(engine, call)->request);
        if (pressure < least) {
            least = pressure;
            best = tier->index;
        }
    }
    return best;
}

const struct ts_router_policy_ops ts_route_least_loaded = {.choose = choose};
