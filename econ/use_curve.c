/* Hides the interpolation: cubic between two volumes, each number by itself.
 *
 * With values y, steps h and slopes s = dy/h of the two sides, the slope at a volume is
 * (sign(s-) + sign(s+)) min(|s-|, |s+|, |p|/2), p = (s- h+ + s+ h-)/(h- + h+); at an end it is that of the parabola
 * through the last three, at most twice that of the last two and not against it. y = 1, 4, 9 at 1, 2, 3: 2, 4, 6. */
#include "econ/use_curve.h"

#include <math.h>
#include <stddef.h>

#include "base/check.h"

#define USE_AT(field) (offsetof(struct ts_tier_use, field) / sizeof(double))

static const bool grows_with_calls[TS_N_TIER_USES] = {
    [USE_AT(active_kwh)] = true, [USE_AT(api_usd)] = true,       [USE_AT(superseded_usd)] = true,
    [USE_AT(router_usd)] = true, [USE_AT(displaced_usd)] = true, [USE_AT(barred_usd)] = true,
    [USE_AT(calls)] = true,      [USE_AT(lost)] = true,          [USE_AT(tokens)] = true};

static double *numbers_of(struct ts_tier_use *use)
{
    return (double *)use;
}

static double number_at(const struct ts_econ_use *use, uint32_t tier, size_t k)
{
    return ((const double *)&use->tiers[tier])[k];
}

void ts_use_curve_add(struct ts_use_curve *curve, double volume, const struct ts_econ_use *use, uint32_t n_tiers)
{
    uint32_t at = curve->n;
    TS_CHECK(curve->n < TS_USE_CURVE_MOST && n_tiers <= TS_MAX_TIERS);
    for (; at > 0 && curve->volume[at - 1] > volume; at--) {
        curve->volume[at] = curve->volume[at - 1];
        curve->use[at] = curve->use[at - 1];
    }
    curve->volume[at] = volume;
    curve->use[at] = *use;
    curve->n++;
}

/* ---- slopes ---- */

static double sign(double x)
{
    return (x > 0.0) - (x < 0.0);
}

static double inner_slope(double s0, double s1, double h0, double h1)
{
    const double p = (s0 * h1 + s1 * h0) / (h0 + h1);
    return (sign(s0) + sign(s1)) * fmin(fmin(fabs(s0), fabs(s1)), 0.5 * fabs(p));
}

static double end_slope(double s0, double s1, double h0, double h1)
{
    const double p = s0 + (s0 - s1) * h0 / (h0 + h1);
    return p * s0 <= 0.0 ? 0.0 : fabs(p) > 2.0 * fabs(s0) ? 2.0 * s0 : p;
}

/* Of the step after a volume. */
static double step_of(const struct ts_use_curve *curve, uint32_t i)
{
    return curve->volume[i + 1] - curve->volume[i];
}

static double rise_of(const struct ts_use_curve *curve, uint32_t i, uint32_t tier, size_t k)
{
    return (number_at(&curve->use[i + 1], tier, k) - number_at(&curve->use[i], tier, k)) / step_of(curve, i);
}

static double slope_of(const struct ts_use_curve *curve, uint32_t i, uint32_t tier, size_t k)
{
    const uint32_t last = curve->n - 1;
    if (last == 1) {
        return rise_of(curve, 0, tier, k);
    }
    if (i == 0) {
        return end_slope(rise_of(curve, 0, tier, k), rise_of(curve, 1, tier, k), step_of(curve, 0), step_of(curve, 1));
    }
    if (i == last) {
        return end_slope(rise_of(curve, last - 1, tier, k), rise_of(curve, last - 2, tier, k), step_of(curve, last - 1),
                         step_of(curve, last - 2));
    }
    return inner_slope(rise_of(curve, i - 1, tier, k), rise_of(curve, i, tier, k), step_of(curve, i - 1),
                       step_of(curve, i));
}

void ts_use_curve_finish(struct ts_use_curve *curve, uint32_t n_tiers)
{
    TS_CHECK(curve->n >= 2);
    for (uint32_t i = 0; i < curve->n; i++) {
        curve->today = curve->volume[i] == 1.0 ? i : curve->today;
        for (uint32_t tier = 0; tier <= n_tiers; tier++) {
            for (size_t k = 0; k < TS_N_TIER_USES; k++) {
                numbers_of(&curve->slope[i].tiers[tier])[k] = slope_of(curve, i, tier, k);
            }
        }
    }
    TS_CHECK(curve->volume[curve->today] == 1.0);
}

/* ---- a volume ---- */

static uint32_t step_at(const struct ts_use_curve *curve, double volume)
{
    uint32_t i = 0;
    while (i + 2 < curve->n && volume >= curve->volume[i + 1]) {
        i++;
    }
    return i;
}

static double interpolated(const struct ts_use_curve *curve, uint32_t i, uint32_t tier, size_t k, double volume)
{
    const double h = step_of(curve, i), x = volume - curve->volume[i];
    const double y = number_at(&curve->use[i], tier, k);
    if (x == h) {
        return number_at(&curve->use[i + 1], tier, k);
    }
    const double s = rise_of(curve, i, tier, k), d0 = number_at(&curve->slope[i], tier, k),
                 d1 = number_at(&curve->slope[i + 1], tier, k);
    const double bend = (3.0 * s - 2.0 * d0 - d1) / h, twist = (d0 + d1 - 2.0 * s) / (h * h);
    return y + x * (d0 + x * (bend + x * twist));
}

struct ts_tier_use ts_use_curve_at(const struct ts_use_curve *curve, uint32_t tier, const struct ts_tier_use *today,
                                   double volume)
{
    const double at = fmin(fmax(volume, curve->volume[0]), curve->volume[curve->n - 1]);
    const uint32_t i = step_at(curve, at);
    struct ts_tier_use out = *today;
    for (size_t k = 0; k < TS_N_TIER_USES; k++) {
        double *number = &numbers_of(&out)[k];
        const double one = number_at(&curve->use[curve->today], tier, k);
        const double there = interpolated(curve, i, tier, k, at) / (grows_with_calls[k] ? at : 1.0);
        *number = one != 0.0 ? *number * (there / one) : *number + there;
    }
    return out;
}

struct ts_econ_use ts_use_curve_month(const struct ts_use_curve *curve, const struct ts_econ_use *today,
                                      uint32_t n_tiers, double volume)
{
    struct ts_econ_use out = *today;
    out.month_factor *= volume;
    for (uint32_t tier = 0; tier <= n_tiers; tier++) {
        out.tiers[tier] = curve ? ts_use_curve_at(curve, tier, &today->tiers[tier], volume) : today->tiers[tier];
        for (size_t k = 0; k < TS_N_TIER_USES; k++) {
            numbers_of(&out.tiers[tier])[k] *= grows_with_calls[k] ? volume : 1.0;
        }
    }
    return out;
}
