/* Policy cheapest: of the tiers of the order from which a reply within the SLO is expected (sim/routing/experience.h),
 * the one whose price is least, the first of equals; if there is none, the one that is expected first. Owned tiers have
 * no price for a call. */
#include <math.h>

#include "sim/engine.h"
#include "sim/routing/experience.h"

static bool keeps(double expected_s, double bound_s)
{
    return !(bound_s > 0.0) || expected_s <= bound_s;
}

static uint32_t choose(struct ts_engine *engine, uint32_t call)
{
    const struct ts_router_model *model = &engine->model->router;
    const struct ts_slo_model *slo = &engine->model->slo;
    struct ts_experience *experience = engine->router.state;
    uint32_t cheapest = engine->model->n_tiers, soonest = engine->model->n_tiers;
    double least_usd = INFINITY, least_s = INFINITY;
    for (uint32_t i = 0; i < model->n_order; i++) {
        if (!ts_router_may_take(engine, call, model->order[i])) {
            continue;
        }
        const struct ts_expected expected = ts_experience_expect(experience, engine, call, model->order[i]);
        if (keeps(expected.ttft_s, slo->ttft_s) && keeps(expected.tpot_s, slo->tpot_s) &&
            keeps(expected.e2e_s, slo->e2e_s) && expected.usd < least_usd) {
            least_usd = expected.usd;
            cheapest = model->order[i];
        }
        if (expected.e2e_s < least_s) {
            least_s = expected.e2e_s;
            soonest = model->order[i];
        }
    }
    ts_experience_count(experience, &ts_engine_call(engine, call)->request);
    return cheapest < engine->model->n_tiers ? cheapest : soonest;
}

const struct ts_router_policy_ops ts_route_cheapest = {
    .init = ts_router_init_experience, .deinit = ts_router_free_state, .choose = choose, .on_reply = ts_router_learn};
