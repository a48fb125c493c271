/* Policy static: the tier of a class. */
#include "base/check.h"
#include "sim/engine.h"

static uint32_t choose(struct ts_engine *engine, uint32_t call)
{
    const struct ts_router_model *model = &engine->model->router;
    const uint16_t class_id = ts_engine_call(engine, call)->request.class_id;
    TS_CHECK(class_id < sizeof model->static_tier / sizeof model->static_tier[0]);
    return model->static_tier[class_id];
}

const struct ts_router_policy_ops ts_route_static = {.choose = choose};
