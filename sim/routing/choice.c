/* Hides which tiers may take a call, what a router sees of it, and the meaning of its AUC.
 *
 * Of the difficulty it sees z' = m + r (z - m) + sqrt(1 - r^2) sd e, e standard normal and drawn once a request, with m
 * and sd those of z: z' is spread as z is, so that a threshold sends the same share whatever the AUC, and with AUC 1/2
 * it is pure noise. The AUC is that of z' against the label "z above the median". For normal z, two independent
 * requests 1 and 2 and a median of 0
 *
 *   AUC = P(z'1 > z'2 | z1 > 0 > z2) = 4 P(z'1 - z'2 > 0, z1 > 0, -z2 > 0),
 *
 * an orthant probability of three normals with correlations r/sqrt2, r/sqrt2, 0, which is
 * 1/8 + (asin(r/sqrt2) + asin(r/sqrt2) + asin 0)/(4 pi) (Sheppard 1898). So
 *
 *   AUC = 1/2 + (2/pi) asin(r/sqrt2),   r = sqrt2 sin(pi/2 (AUC - 1/2)).
 *
 * Worked: AUC 0.8 -> r = 0.64204; a test draws it.
 *
 * Of the correctness it sees, at each tier of the order but the last, a score e + mu L: L is 1 where that tier is wrong
 * and a stronger one is right, mu as ts_quality_score_shift has it (binormal); e is the same at all of them. */
#include <math.h>

#include "sim/engine.h"
#include "sim/quality.h"
#include "sim/routing/router.h"

double ts_router_correlation(double auc)
{
    const double half_pi = 1.57079632679489661923;
    return fmin(sqrt(2.0) * sin(half_pi * (fmin(fmax(auc, 0.5), 1.0) - 0.5)), 1.0);
}

double ts_router_reply_tok(double n_calls, double sum_tok)
{
    const double first_tok = 256.0;
    return n_calls > 0.0 ? ceil(sum_tok / n_calls) : first_tok;
}

double ts_router_price_usd(const struct ts_tier_model *tier, const struct ts_request *request, double reply_tok)
{
    struct ts_request expected = *request;
    expected.output_tok = (uint32_t)reply_tok;
    return tier->kind == TS_TIER_API ? ts_ledger_bill_usd(&tier->u.api.offers[0], &expected, (struct ts_billed_tok){0})
                                     : 0.0;
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

static double noise_of(const struct ts_engine *engine, const struct ts_call *call)
{
    struct ts_rng rng;
    ts_engine_rng(engine, &rng, &call->request, TS_PURPOSE_ROUTER, 0, 0);
    return ts_rng_normal(&rng);
}

static double difficulty_sd(const struct ts_router_model *model)
{
    return model->difficulty_sd > 0.0 ? model->difficulty_sd : 1.0;
}

static double seen_difficulty(const struct ts_engine *engine, const struct ts_call *call)
{
    const struct ts_router_model *model = &engine->model->router;
    const double r = engine->router.correlation, z = (double)call->request.difficulty;
    if (r >= 1.0) {
        return z;
    }
    return model->difficulty_mean + r * (z - model->difficulty_mean) +
           sqrt(1.0 - r * r) * difficulty_sd(model) * noise_of(engine, call);
}

double ts_router_expected_right(struct ts_engine *engine, uint32_t call_id, uint32_t tier)
{
    const struct ts_router_model *model = &engine->model->router;
    const struct ts_call *call = ts_engine_call(engine, call_id);
    const double pi = 3.14159265358979323846, r = engine->router.correlation, sd = difficulty_sd(model);
    const double variance = sd * sd * (1.0 - r * r);
    const double z = model->difficulty_mean + r * ((double)call->score - model->difficulty_mean);
    const double ability = ts_quality_ability(&engine->model->tiers[tier], call->request.class_id);
    return ts_quality_right((ability - z) / sqrt(1.0 + pi * variance / 8.0), 0.0);
}

void ts_router_look(struct ts_engine *engine, uint32_t call_id)
{
    struct ts_call *call = ts_engine_call(engine, call_id);
    call->score = (float)seen_difficulty(engine, call);
}

/* Notes which other thresholds it would pass, or not, too. */
static bool passes(struct ts_engine *engine, uint32_t place, double score)
{
    struct ts_threshold_range *range = &engine->ledger.result.thresholds[place];
    const bool is_above = score > engine->model->router.threshold[place];
    if (is_above) {
        range->below = score < range->below ? score : range->below;
    } else {
        range->from = score > range->from ? score : range->from;
    }
    return is_above;
}

static uint32_t first_below(struct ts_engine *engine, double score)
{
    const struct ts_router_model *model = &engine->model->router;
    uint32_t i = 0;
    while (i + 1 < model->n_order && passes(engine, i, score)) {
        i++;
    }
    return model->order[i];
}

static uint32_t by_correctness(struct ts_engine *engine, struct ts_call *call)
{
    const struct ts_router_model *model = &engine->model->router;
    const double noise = noise_of(engine, call);
    uint32_t stronger = 0, i = 0;
    for (uint32_t j = 1; j < model->n_order; j++) {
        stronger |= 1U << model->order[j];
    }
    for (; i + 1 < model->n_order; i++) {
        const bool needs = (call->right >> model->order[i] & 1U) == 0 && (call->right & stronger) != 0;
        const double score = noise + (needs ? engine->router.shift : 0.0);
        call->score = i == 0 ? (float)score : call->score;
        if (!passes(engine, i, score)) {
            break;
        }
        stronger &= ~(1U << model->order[i + 1]);
    }
    return model->order[i];
}

uint32_t ts_router_by_threshold(struct ts_engine *engine, uint32_t call_id)
{
    const struct ts_router_model *model = &engine->model->router;
    if (model->n_order == 0) {
        return engine->model->n_tiers;
    }
    if (model->predicts == TS_PREDICTS_CORRECTNESS) {
        return by_correctness(engine, ts_engine_call(engine, call_id));
    }
    ts_router_look(engine, call_id);
    return first_below(engine, (double)ts_engine_call(engine, call_id)->score);
}
