/* Hides how right and wrong are drawn. One uniform number a request is its luck; with y = difficulty + logit(luck) tier
 * m is right where y <= theta_m. Where tiers do not share it, each has a number of its own, mixed from the request's
 * and the tier's place, so that more tiers change no draw of the others.
 *
 * A table is walked by a step near n/golden ratio that has no divisor in common with n: any n requests in a row see
 * each row once, in an order that has nothing to do with the file's.
 *
 * Worked: p = .2, AUC .8: APGR .74. APGR .802: half the gap is recovered at a share of .1573, .8 of it at .3279.
 * Accuracies .677 and .810, both right .623: shared .576 (RouteLLM's 15,361 prompts). */
#include "sim/quality.h"

#include <math.h>

#include <gsl/gsl_cdf.h>

double ts_quality_right(double ability, double difficulty)
{
    return 1.0 / (1.0 + exp(difficulty - ability));
}

static double mean_right(double ability, const struct ts_dist *difficulty)
{
    enum { POINTS = 1000 };
    double sum = 0.0;
    for (int i = 0; i < POINTS; i++) {
        sum += ts_quality_right(ability, ts_dist_quantile(difficulty, (i + 0.5) / POINTS));
    }
    return sum / POINTS;
}

double ts_quality_ability_of(double accuracy, const struct ts_dist *difficulty)
{
    double low = -200.0, high = 200.0;
    for (int i = 0; i < 64; i++) {
        const double middle = 0.5 * (low + high);
        if (mean_right(middle, difficulty) < accuracy) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return 0.5 * (low + high);
}

double ts_quality_shared_of(double p1, double p2, double both)
{
    const double most = fmin(p1, p2), apart = p1 * p2;
    return most > apart ? fmin(fmax((both - apart) / (most - apart), 0.0), 1.0) : 1.0;
}

/* ---- tables ---- */

static uint32_t greatest_divisor(uint32_t a, uint32_t b)
{
    while (b > 0) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint32_t step_through(uint32_t n)
{
    uint32_t step = (uint32_t)(0.6180339887498949 * n);
    while (step > 1 && greatest_divisor(step, n) > 1) {
        step--;
    }
    return step > 0 ? step : 1;
}

static uint32_t truth_of_table(const struct ts_quality_rows *table, uint64_t id, uint64_t salt)
{
    const uint64_t place = (id % table->n) * step_through(table->n) + ts_mix64(salt) % table->n;
    return table->right[place % table->n];
}

/* ---- abilities ---- */

static double logit(double p)
{
    return log(p / (1.0 - p));
}

static double own_luck(uint64_t bits, uint32_t tier)
{
    const uint64_t own = ts_mix64(bits + (tier + 1) * 0x9e3779b97f4a7c15ULL) >> 11;
    return ((double)own + 0.5) * 0x1p-53;
}

uint32_t ts_quality_truth(const struct ts_model *model, const struct ts_request *request, struct ts_rng *rng,
                          uint64_t salt)
{
    if (model->quality.tables) {
        return truth_of_table(&model->quality.tables[request->class_id], request->id, salt);
    }
    const uint64_t bits = ts_rng_u64(rng);
    const bool is_shared =
        model->quality.shared_frac >= 1.0 || (double)ts_rng_u32(rng) * 0x1p-32 < model->quality.shared_frac;
    const double luck = ((double)(bits >> 11) + 0.5) * 0x1p-53;
    double most = is_shared ? request->difficulty + logit(luck) : 0.0;
    uint32_t right = 0;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        if (!is_shared) {
            most = request->difficulty + logit(own_luck(bits, i));
        }
        right |= (uint32_t)(most <= ts_quality_ability(&model->tiers[i], request->class_id)) << i;
    }
    return right;
}

/* ---- routers ---- */

double ts_quality_score_shift(double auc)
{
    const double most = 12.0; /* one in 10^16 pairs is in the wrong order */
    return auc >= 1.0 ? most : fmin(sqrt(2.0) * gsl_cdf_ugaussian_Pinv(fmax(auc, 0.5)), most);
}

double ts_quality_apgr(double gain, double loss, double auc)
{
    const double gained = gain * (gain / 2.0 + (1.0 - gain) * auc);
    const double lost = loss * (gain * (1.0 - auc) + (1.0 - gain) / 2.0);
    return (gained - lost) / (gain - loss);
}

/* It is linear in the AUC. */
double ts_quality_auc_of_apgr(double gain, double loss, double apgr)
{
    const double at_half = ts_quality_apgr(gain, loss, 0.5), at_one = ts_quality_apgr(gain, loss, 1.0);
    return fmin(fmax(0.5 + 0.5 * (apgr - at_half) / (at_one - at_half), 0.5), 1.0);
}

double ts_quality_power_law(double share, double apgr)
{
    return apgr < 1.0 ? 1.0 - pow(1.0 - share, apgr / (1.0 - apgr)) : 1.0;
}

double ts_quality_power_law_share(double pgr, double apgr)
{
    return 1.0 - pow(1.0 - pgr, (1.0 - apgr) / apgr);
}

double ts_quality_retained(double pgr, double weak, double strong)
{
    return (weak + pgr * (strong - weak)) / strong;
}

double ts_quality_cascade_worth(double weak_usd, double check_usd, double strong_usd)
{
    return 1.0 - (weak_usd + check_usd) / strong_usd;
}
