/* Hides the routing policies and the meaning of a router's AUC.
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
#include "sim/routing/router.h"

#include <math.h>

#include "base/check.h"
#include "sim/engine.h"

double ts_router_noise_sd(double auc, double difficulty_sd)
{
    const double half_pi = 1.57079632679489661923;
    const double least = 0.501; /* a predictor that knows nothing would need infinite noise */
    const double used = fmin(fmax(auc, least), 1.0);
    const double r = sqrt(2.0) * sin(half_pi * (used - 0.5));
    return r >= 1.0 ? 0.0 : difficulty_sd * sqrt(1.0 / (r * r) - 1.0);
}

void ts_router_init(struct ts_router *out, const struct ts_model *model)
{
    const double difficulty_sd = model->router.difficulty_sd > 0.0 ? model->router.difficulty_sd : 1.0;
    out->noise_sd = ts_router_noise_sd(model->router.auc, difficulty_sd);
}

/* ---- policy ---- */

static bool matches(const struct ts_rule *rule, const struct ts_request *request)
{
    return (rule->sensitivity < 0 || rule->sensitivity == request->sensitivity) &&
           (rule->class_id < 0 || rule->class_id == request->class_id) && request->prompt_tok >= rule->min_prompt_tok;
}

uint32_t ts_router_barred(const struct ts_router_model *model, const struct ts_request *request)
{
    uint32_t barred = 0;
    for (uint32_t i = 0; i < model->n_rules; i++) {
        barred |= matches(&model->rules[i], request) ? model->rules[i].barred : 0;
    }
    return barred;
}

/* ---- choice ---- */

static bool may_take(const struct ts_engine *engine, const struct ts_flight *flight, uint32_t tier)
{
    const struct ts_tier *t = &engine->tiers[tier];
    return ((flight->barred | flight->tried) >> tier & 1U) == 0 && t->ops->can_hold(t, &flight->request);
}

static uint32_t choose_by_difficulty(const struct ts_engine *engine, const struct ts_flight *flight)
{
    const struct ts_router_model *model = &engine->model->router;
    double seen = flight->request.difficulty;
    if (engine->router.noise_sd > 0.0) {
        struct ts_rng rng;
        ts_engine_rng(engine, &rng, &flight->request, TS_PURPOSE_ROUTER, 0);
        seen += engine->router.noise_sd * ts_rng_normal(&rng);
    }
    for (uint32_t i = 0; i < model->n_order; i++) {
        if (seen <= model->threshold[i]) {
            return model->order[i];
        }
    }
    return engine->model->n_tiers;
}

static uint32_t choose_by_class(const struct ts_engine *engine, const struct ts_flight *flight)
{
    const uint32_t n_static = sizeof engine->model->router.static_tier / sizeof engine->model->router.static_tier[0];
    TS_CHECK(flight->request.class_id < n_static);
    return engine->model->router.static_tier[flight->request.class_id];
}

/* The tier of the order that is pressed least among those that may take the request; the first of equals. */
static uint32_t choose_least_loaded(const struct ts_engine *engine, const struct ts_flight *flight)
{
    const struct ts_router_model *model = &engine->model->router;
    uint32_t best = engine->model->n_tiers;
    double least = INFINITY;
    for (uint32_t i = 0; i < model->n_order; i++) {
        const struct ts_tier *tier = &engine->tiers[model->order[i]];
        if (!may_take(engine, flight, tier->index)) {
            continue;
        }
        const double pressure = tier->ops->pressure(tier, engine, &flight->request);
        if (pressure < least) {
            least = pressure;
            best = tier->index;
        }
    }
    return best;
}

const struct ts_router_policy_ops ts_router_policies[TS_N_ROUTER_POLICIES] = {
    [TS_ROUTE_DIFFICULTY] = {"difficulty", choose_by_difficulty},
    [TS_ROUTE_STATIC] = {"static", choose_by_class},
    [TS_ROUTE_LEAST_LOADED] = {"least-loaded", choose_least_loaded},
};

void ts_router_consider(const struct ts_engine *engine, struct ts_flight *flight)
{
    flight->barred = ts_router_barred(&engine->model->router, &flight->request);
    flight->choice = (uint8_t)ts_router_policies[engine->model->router.policy].choose(engine, flight);
}

uint32_t ts_router_next(const struct ts_engine *engine, struct ts_flight *flight)
{
    const struct ts_router_model *model = &engine->model->router;
    const uint32_t none = engine->model->n_tiers;
    uint32_t next = flight->choice < none && may_take(engine, flight, flight->choice) ? flight->choice : none;
    for (uint32_t i = 0; next == none && i < model->n_fallback; i++) {
        next = may_take(engine, flight, model->fallback[i]) ? model->fallback[i] : none;
    }
    if (next < none) {
        flight->tried |= 1U << next;
    }
    return next;
}
