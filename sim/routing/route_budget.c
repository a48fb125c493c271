/* Policy budget: the best quality that a sum of USD a day buys. Each call goes to the tier with the highest
 *   P(right | seen difficulty) - lambda x price,
 * where lambda, what a dollar has to bring, follows the spending: after every choice it is multiplied by
 * exp(eta (price/allowance - 1)), the allowance being what is left of the day's sum over the calls still expected today
 * (adaptive pacing by the dual variable: Balseiro and Gur, "Learning in repeated auctions with budgets", 2019). What a
 * call will cost is its prompt at the first offer's price, and a reply of the mean length so far. Once the sum is
 * spent, tiers with a price get nothing until midnight; what is under way then may go beyond it. Days begin at the
 * start of the run. */
#include <math.h>
#include <stdlib.h>

#include "sim/engine.h"

static const double eta = 0.02, most_change = 1.0, first_quality = 0.1;

struct pacing {
    double usd_per_day, spent_usd;
    double lambda; /* per USD; 0: not known yet */
    int64_t day;
    double n_today, n_yesterday; /* calls; yesterday's 0: there was none */
    double n_calls, reply_tok;   /* of all */
};

static enum ts_status init(struct ts_router *router, const struct ts_model *model)
{
    struct pacing *pacing = calloc(1, sizeof *pacing);
    if (!pacing) {
        return TS_ENOMEM;
    }
    pacing->usd_per_day = model->router.budget_usd_per_day;
    router->state = pacing;
    return TS_OK;
}

static void deinit(struct ts_router *router)
{
    free(router->state);
    router->state = NULL;
}

static const int64_t day_ns = 86400LL * 1000000000LL;

static void turn_day(struct pacing *pacing, int64_t now_ns)
{
    const int64_t day = now_ns / day_ns;
    if (day != pacing->day) {
        pacing->n_yesterday = day == pacing->day + 1 ? pacing->n_today : 0.0;
        pacing->n_today = pacing->spent_usd = 0.0;
        pacing->day = day;
    }
}

/* What a call may cost for the sum to last until midnight. */
static double allowance_usd(const struct pacing *pacing, int64_t now_ns)
{
    const double share = (double)(now_ns - pacing->day * day_ns) / (double)day_ns;
    const double rest = pacing->n_yesterday > 0.0 ? pacing->n_yesterday * (1.0 - share)
                                                  : pacing->n_today * (1.0 - share) / fmax(share, 1e-6);
    return fmax(pacing->usd_per_day - pacing->spent_usd, 0.0) / fmax(rest, 1.0);
}

static void learn(struct pacing *pacing, double usd, double allowance)
{
    const double change = eta * (usd / fmax(allowance, 1e-12) - 1.0);
    pacing->lambda *= exp(fmin(change, most_change));
}

static uint32_t choose(struct ts_engine *engine, uint32_t call_id)
{
    struct pacing *pacing = engine->router.state;
    const struct ts_router_model *model = &engine->model->router;
    const struct ts_request *request = &ts_engine_call(engine, call_id)->request;
    ts_router_look(engine, call_id);
    turn_day(pacing, engine->now_ns);
    pacing->n_today++;
    const double allowance = allowance_usd(pacing, engine->now_ns);
    const double reply_tok = ts_router_reply_tok(pacing->n_calls, pacing->reply_tok);
    pacing->lambda = pacing->lambda > 0.0 ? pacing->lambda : first_quality / fmax(allowance, 1e-12);
    uint32_t best = engine->model->n_tiers;
    double most = -INFINITY, best_usd = 0.0;
    for (uint32_t i = 0; i < model->n_order; i++) {
        const struct ts_tier_model *tier = &engine->model->tiers[model->order[i]];
        const double usd = ts_router_price_usd(tier, request, reply_tok);
        const double worth = ts_router_expected_right(engine, call_id, model->order[i]) - pacing->lambda * usd;
        if (usd > 0.0 && pacing->spent_usd + usd > pacing->usd_per_day) {
            ts_engine_call(engine, call_id)->tried |= 1U << model->order[i];
        } else if (worth > most && ts_router_may_take(engine, call_id, model->order[i])) {
            most = worth;
            best = model->order[i];
            best_usd = usd;
        }
    }
    learn(pacing, best_usd, allowance);
    pacing->n_calls++;
    pacing->reply_tok += request->output_tok;
    return best;
}

static void on_cost(struct ts_router *router, double usd)
{
    ((struct pacing *)router->state)->spent_usd += usd;
}

const struct ts_router_policy_ops ts_route_budget = {
    .init = init, .deinit = deinit, .choose = choose, .on_cost = on_cost};
