/* Hides which tiers may take a call, and the meaning of a router's AUC.
 *
 * The router sees s = z + e, e normal with standard deviation sd, drawn once a request. Its AUC is that of s against
 * the label "z above the median", which a perfect router knows (AUC 1). For normal z with standard deviation sz let
 * r = sz/sqrt(sz^2 + sd^2) be the correlation of s and z. For two independent requests 1 and 2 and a median of 0
 *
 *   AUC = P(s1 > s2 | z1 > 0 > z2) = 4 P(s1 - s2 > 0, z1 > 0, -z2 > 0),
 *
 * an orthant probability of three normals with correlations r/sqrt2, r/sqrt2, 0, which is
 * 1/8 + (asin(r/sqrt2) + asin(r/sqrt2) + asin 0)/(4 pi) (Sheppard 1898). So
 *
 *   AUC = 1/2 + (2/pi) asin(r/sqrt2),   r = sqrt2 sin(pi/2 (AUC - 1/2)),   sd = sz sqrt(1/r^2 - 1).
 *
 * Worked: AUC 0.8 -> r = 0.64204, sd = 1.19412 sz; a test draws it. */
#include <math.h>

#include "sim/engine.h"
#include "sim/routing/router.h"

double ts_router_noise_sd(double auc, double difficulty_sd)
{
    const double half_pi = 1.57079632679489661923;
    const double least = 0.501; /* a predictor that knows nothing would need infinite noise */
    const double used = fmin(fmax(auc, least), 1.0);
    const double r = sqrt(2.0) * sin(half_pi * (used - 0.5));
    return r >= 1.0 ? 0.0 : difficulty_sd * sqrt(1.0 / (r * r) - 1.0);
}

bool ts_router_may_take(const struct ts_engine *engine, uint32_t call_id, uint32_t tier)
{
    const struct ts_call *call = ts_engine_call(engine, call_id);
    const struct ts_tier *t = &engine->tiers[tier];
    return ((call->barred | call->tried) >> tier & 1U) == 0 && t->ops->can_hold(t, &call->request);
}

uint32_t ts_router_first_of_order(const struct ts_engine *engine, uint32_t call, uint32_t from)
{
    const struct ts_router_model *model = &engine->model->router;
    for (uint32_t i = from; i < model->n_order; i++) {
        if (ts_router_may_take(engine, call, model->order[i])) {
            return model->order[i];
        }
    }
    return engine->model->n_tiers;
}

double ts_router_seen_difficulty(const struct ts_engine *engine, uint32_t call_id)
{
    const struct ts_call *call = ts_engine_call(engine, call_id);
    double seen = call->request.difficulty;
    if (engine->router.noise_sd > 0.0) {
        struct ts_rng rng;
        ts_engine_rng(engine, &rng, &call->request, TS_PURPOSE_ROUTER, 0, 0);
        seen += engine->router.noise_sd * ts_rng_normal(&rng);
    }
    return seen;
}

uint32_t ts_router_by_threshold(const struct ts_engine *engine, uint32_t call)
{
    const struct ts_router_model *model = &engine->model->router;
    const double seen = ts_router_seen_difficulty(engine, call);
    for (uint32_t i = 0; i < model->n_order; i++) {
        if (seen <= model->threshold[i]) {
            return model->order[i];
        }
    }
    return engine->model->n_tiers;
}
