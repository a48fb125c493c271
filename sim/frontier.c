/* Hides how scores are binned: evenly over five standard deviations about what scores can be; between the edges of bins
 * the frontier is linear. */
#include "sim/frontier.h"

#include <math.h>

#include "sim/quality.h"

uint32_t ts_frontier_weakest(const struct ts_model *model)
{
    return model->router.order[0];
}

uint32_t ts_frontier_strongest(const struct ts_model *model)
{
    return model->router.order[model->router.n_order > 0 ? model->router.n_order - 1 : 0];
}

bool ts_frontier_has_scores(const struct ts_model *model)
{
    const enum ts_router_policy policy = model->router.policy;
    return model->router.n_order > 1 &&
           (policy == TS_ROUTE_DIFFICULTY || policy == TS_ROUTE_HEDGE || policy == TS_ROUTE_BUDGET);
}

struct range {
    double low, high;
};

static struct range range_of(const struct ts_model *model)
{
    const struct ts_router_model *router = &model->router;
    const double wide = 5.0, sd = router->difficulty_sd > 0.0 ? router->difficulty_sd : 1.0;
    switch (router->predicts) {
    case TS_PREDICTS_DIFFICULTY:
        break;
    case TS_PREDICTS_CORRECTNESS:
        return (struct range){-wide, ts_quality_score_shift(router->auc) + wide};
    }
    return (struct range){router->difficulty_mean - wide * sd, router->difficulty_mean + wide * sd};
}

static uint32_t bin_of(const struct ts_model *model, double score)
{
    const struct range range = range_of(model);
    const double place = (score - range.low) / (range.high - range.low) * TS_FRONTIER_BINS;
    return place > 0.0 ? (uint32_t)fmin(place, TS_FRONTIER_BINS - 1) : 0;
}

void ts_frontier_add(struct ts_frontier *frontier, const struct ts_model *model, uint32_t right, double score)
{
    frontier->n++;
    frontier->any_right += right != 0;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        frontier->right[i] += right >> i & 1U;
    }
    if (ts_frontier_has_scores(model)) {
        const uint32_t bin = bin_of(model, score);
        frontier->bins[bin].n++;
        frontier->bins[bin].weakest_right += right >> ts_frontier_weakest(model) & 1U;
        frontier->bins[bin].strongest_right += right >> ts_frontier_strongest(model) & 1U;
    }
}

void ts_frontier_merge(struct ts_frontier *into, const struct ts_frontier *from)
{
    into->n += from->n;
    into->any_right += from->any_right;
    for (uint32_t i = 0; i < TS_MAX_TIERS; i++) {
        into->right[i] += from->right[i];
    }
    for (uint32_t b = 0; b < TS_FRONTIER_BINS; b++) {
        into->bins[b].n += from->bins[b].n;
        into->bins[b].weakest_right += from->bins[b].weakest_right;
        into->bins[b].strongest_right += from->bins[b].strongest_right;
    }
}

double ts_frontier_quality(const struct ts_frontier *frontier, uint32_t tier)
{
    return frontier->n > 0 ? (double)frontier->right[tier] / (double)frontier->n : NAN;
}

void ts_frontier_points(struct ts_frontier_point *out, const struct ts_frontier *frontier, const struct ts_model *model)
{
    const struct range range = range_of(model);
    const double n = (double)frontier->n;
    double share = 0.0, right = (double)frontier->right[ts_frontier_weakest(model)];
    for (uint32_t i = 0; i <= TS_FRONTIER_BINS; i++) {
        const uint32_t bin = TS_FRONTIER_BINS - i; /* everything from this one on is at the strongest tier */
        if (i > 0) {
            share += (double)frontier->bins[bin].n;
            right += (double)frontier->bins[bin].strongest_right - (double)frontier->bins[bin].weakest_right;
        }
        const double width = (range.high - range.low) / TS_FRONTIER_BINS;
        out[i] = (struct ts_frontier_point){range.low + bin * width, share / n, right / n};
    }
}

static double pgr_of(const struct ts_frontier *frontier, const struct ts_model *model, double quality)
{
    const double weakest = ts_frontier_quality(frontier, ts_frontier_weakest(model));
    const double strongest = ts_frontier_quality(frontier, ts_frontier_strongest(model));
    return strongest != weakest ? (quality - weakest) / (strongest - weakest) : NAN;
}

double ts_frontier_apgr(const struct ts_frontier *frontier, const struct ts_model *model)
{
    struct ts_frontier_point points[TS_FRONTIER_BINS + 1];
    if (frontier->n == 0 || !ts_frontier_has_scores(model)) {
        return NAN;
    }
    ts_frontier_points(points, frontier, model);
    double area = 0.0;
    for (uint32_t i = 1; i <= TS_FRONTIER_BINS; i++) {
        area += (points[i].share - points[i - 1].share) * 0.5 * (points[i].quality + points[i - 1].quality);
    }
    return pgr_of(frontier, model, area);
}

double ts_frontier_share_of(const struct ts_frontier *frontier, const struct ts_model *model, double pgr)
{
    struct ts_frontier_point points[TS_FRONTIER_BINS + 1];
    if (frontier->n == 0 || !ts_frontier_has_scores(model)) {
        return NAN;
    }
    ts_frontier_points(points, frontier, model);
    for (uint32_t i = 1; i <= TS_FRONTIER_BINS; i++) {
        const double before = pgr_of(frontier, model, points[i - 1].quality);
        const double here = pgr_of(frontier, model, points[i].quality);
        if (here >= pgr) {
            const double part = here > before ? fmax((pgr - before) / (here - before), 0.0) : 0.0;
            return points[i - 1].share + part * (points[i].share - points[i - 1].share);
        }
    }
    return NAN;
}
