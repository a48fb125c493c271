/* Hides what rules and fallback come to, and how requests wait for the router. Worked: one server, 4 ms a request, 200
 * a second at random instants: rho .8, each waits rho/(2 (1 - rho)) x 4 ms = 8 ms in the mean (M/D/1). */
#include "sim/routing/router.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/units.h"
#include "sim/engine.h"
#include "sim/quality.h"
#include "sim/routing/router_time.h"

enum ts_status ts_router_init(struct ts_router *out, const struct ts_model *model)
{
    static const struct ts_router_policy_ops *const policies[TS_N_ROUTER_POLICIES] = {
#define TS_ROUTER_POLICY(id, name, word) [TS_ROUTE_##id] = &ts_route_##name,
#include "sim/routing/policies.inc"
#undef TS_ROUTER_POLICY
    };
    TS_CHECK((unsigned)model->router.policy < TS_N_ROUTER_POLICIES);
    *out = (struct ts_router){.ops = policies[model->router.policy],
                              .correlation = ts_router_correlation(model->router.auc),
                              .shift = ts_quality_score_shift(model->router.auc)};
    out->servers = model->router.n_servers > 0 ? calloc(model->router.n_servers, sizeof *out->servers) : NULL;
    if (model->router.n_servers > 0 && !out->servers) {
        return TS_ENOMEM;
    }
    return out->ops->init ? out->ops->init(out, model) : TS_OK;
}

void ts_router_deinit(struct ts_router *router)
{
    if (router->ops && router->ops->deinit) {
        router->ops->deinit(router);
    }
    free(router->servers);
    router->servers = NULL;
}

/* ---- its time ---- */

static struct ts_router_server *first_free(struct ts_router *router, uint32_t n)
{
    struct ts_router_server *first = &router->servers[0];
    for (uint32_t i = 1; i < n; i++) {
        first = router->servers[i].until_ns < first->until_ns ? &router->servers[i] : first;
    }
    return first;
}

int64_t ts_router_decides_ns(struct ts_engine *engine, const struct ts_request *request)
{
    const struct ts_router_model *model = &engine->model->router;
    const int64_t service_ns = ts_ns_from_s(ts_router_service_s(model, request)), now_ns = engine->now_ns;
    if (model->n_servers == 0) {
        return now_ns + service_ns;
    }
    struct ts_router_server *server = first_free(&engine->router, model->n_servers);
    if (server->until_ns < now_ns) {
        ts_ledger_router(&engine->ledger, server->since_ns, server->until_ns);
        server->since_ns = server->until_ns = now_ns;
    }
    ts_ledger_router_wait(&engine->ledger, request, server->until_ns - now_ns);
    server->until_ns += service_ns;
    return server->until_ns;
}

void ts_router_close(struct ts_engine *engine, int64_t end_ns)
{
    for (uint32_t i = 0; i < engine->model->router.n_servers; i++) {
        const struct ts_router_server *server = &engine->router.servers[i];
        ts_ledger_router(&engine->ledger, server->since_ns, server->until_ns < end_ns ? server->until_ns : end_ns);
    }
}

/* ---- rules ---- */

static bool is_in_time(const struct ts_router_model *model, const struct ts_rule *rule, int64_t arrival_ns)
{
    const double ns_per_h = 3.6e12;
    return rule->from_hour == rule->to_hour ||
           ts_hours_hold(rule->from_hour, rule->to_hour, fmod(model->start_hour + (double)arrival_ns / ns_per_h, 24.0));
}

static bool matches(const struct ts_router_model *model, const struct ts_rule *rule, const struct ts_request *request)
{
    return is_in_time(model, rule, request->arrival_ns) &&
           (rule->sensitivity < 0 || rule->sensitivity == request->sensitivity) &&
           (rule->class_id < 0 || rule->class_id == request->class_id) && request->prompt_tok >= rule->min_prompt_tok;
}

uint32_t ts_router_barred(const struct ts_router_model *model, const struct ts_request *request)
{
    uint32_t barred = 0;
    for (uint32_t i = 0; i < model->n_rules; i++) {
        barred |= matches(model, &model->rules[i], request) ? model->rules[i].barred : 0;
    }
    return barred;
}

/* ---- the way on ---- */

static uint32_t find_next(const struct ts_engine *engine, const struct ts_flight *flight)
{
    const struct ts_router_model *model = &engine->model->router;
    const uint32_t none = engine->model->n_tiers, call = flight->call;
    uint32_t next = flight->choice < none && ts_router_may_take(engine, call, flight->choice) ? flight->choice : none;
    for (uint32_t i = 0; next == none && i < model->n_fallback; i++) {
        next = ts_router_may_take(engine, call, model->fallback[i]) ? model->fallback[i] : none;
    }
    return next;
}

bool ts_router_has_next(const struct ts_engine *engine, const struct ts_flight *flight)
{
    return find_next(engine, flight) < engine->model->n_tiers;
}

uint32_t ts_router_next(const struct ts_engine *engine, const struct ts_flight *flight)
{
    const uint32_t next = find_next(engine, flight);
    if (next < engine->model->n_tiers) {
        ts_engine_call(engine, flight->call)->tried |= 1U << next;
    }
    return next;
}

enum ts_reason ts_router_why_not(const struct ts_engine *engine, uint32_t call_id, uint32_t tier)
{
    const struct ts_model *model = engine->model;
    const struct ts_call *call = ts_engine_call(engine, call_id);
    const uint32_t asked = tier < model->n_tiers ? 1U << tier : (1U << model->n_tiers) - 1;
    if ((call->barred & asked) == asked) {
        return TS_REASON_BARRED;
    }
    const uint64_t n_tok = (uint64_t)call->request.prompt_tok + call->request.output_tok;
    const bool of_user = tier < model->n_tiers && model->tiers[tier].kind == TS_TIER_DEVICE &&
                         (model->tiers[tier].context_tok == 0 || n_tok <= model->tiers[tier].context_tok);
    return of_user ? TS_REASON_BARRED : TS_REASON_TOO_LONG;
}

void ts_router_spend(struct ts_engine *engine, double usd)
{
    if (usd > 0.0 && engine->router.ops->on_cost) {
        engine->router.ops->on_cost(&engine->router, usd);
    }
}
