/* Hides the weights of old and new. Worked: replies of 1, 1, 2 s of service are remembered as 1, 1, 1.125 s; with a
 * pressure of 2 a call waits 2.25 s. */
#include "sim/routing/experience.h"

#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "sim/engine.h"

static const double newest = 0.125, fades_s = 300.0;

static double mixed(double old, double seen, uint64_t n)
{
    return n == 0 ? seen : old + newest * (seen - old);
}

static void learn(struct ts_experience *experience, const struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    const uint32_t n_further = flight->request.output_tok - 1;
    const double first_s = ts_s_from_ns(flight->first_ns - flight->start_ns + 2 * flight->down_ns);
    const double rest_s = ts_s_from_ns(engine->now_ns - flight->first_ns);
    const uint64_t n = experience->tiers[flight->tier].n++;
    experience->tiers[flight->tier].first_s = mixed(experience->tiers[flight->tier].first_s, first_s, n);
    experience->tiers[flight->tier].service_s =
        mixed(experience->tiers[flight->tier].service_s, ts_s_from_ns(engine->now_ns - flight->start_ns), n);
    experience->tiers[flight->tier].per_tok_s =
        mixed(experience->tiers[flight->tier].per_tok_s, n_further > 0 ? rest_s / n_further : 0.0, n);
    experience->tiers[flight->tier].seen_ns = engine->now_ns;
}

void ts_experience_count(struct ts_experience *experience, const struct ts_request *request)
{
    experience->n_calls++;
    experience->reply_tok += request->output_tok;
}

struct ts_expected ts_experience_expect(const struct ts_experience *experience, const struct ts_engine *engine,
                                        uint32_t call, uint32_t index)
{
    const struct ts_request *request = &ts_engine_call(engine, call)->request;
    const struct ts_tier *tier = &engine->tiers[index];
    const double reply_tok = ts_router_reply_tok(experience->n_calls, experience->reply_tok);
    const double age_s = ts_s_from_ns(engine->now_ns - experience->tiers[index].seen_ns);
    const double left = experience->tiers[index].n > 0 ? exp(-age_s / fades_s) : 0.0;
    const double wait_s = tier->ops->pressure(tier, engine, request) * experience->tiers[index].service_s * left;
    const double ttft_s = wait_s + experience->tiers[index].first_s * left;
    const double tpot_s = experience->tiers[index].per_tok_s * left;
    return (struct ts_expected){.ttft_s = ttft_s,
                                .tpot_s = tpot_s,
                                .e2e_s = ttft_s + tpot_s * (reply_tok - 1.0),
                                .usd = ts_router_price_usd(tier->model, request, reply_tok)};
}

enum ts_status ts_router_init_experience(struct ts_router *router, const struct ts_model *model)
{
    (void)model;
    router->state = calloc(1, sizeof(struct ts_experience));
    return router->state ? TS_OK : TS_ENOMEM;
}

void ts_router_free_state(struct ts_router *router)
{
    free(router->state);
    router->state = NULL;
}

bool ts_router_learn(struct ts_engine *engine, uint32_t flight)
{
    learn(engine->router.state, engine, flight);
    return true;
}
