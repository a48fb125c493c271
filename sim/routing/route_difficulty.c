/* Policy difficulty: a threshold on what is seen of the difficulty, along the order of the tiers. */
#include "sim/engine.h"

static uint32_t choose(struct ts_engine *engine, uint32_t call)
{
    return ts_router_by_threshold(engine, call);
}

const struct ts_router_policy_ops ts_route_difficulty = {.choose = choose};
