/* Hides the calendar of machines. A lot is paid in its month and serves lead_time later; each life counts from there.
 * It is replaced in the month in which its life ends: sold for its resale, bought anew at the price of that month,
 * capex (1 - decline)^(month/12), but not at the very end of the horizon. Nothing is replaced more often than once a
 * month. Capex 100, resale 20 %, life 48 months, horizon 36: residual 100 - 80 x 36/48 = 40.
 *
 * With when_full: buy, replicas are ordered so that they serve when the month begins in which the others are full
 * (never before today, never more than the site can power); capacity grows in proportion to replicas.
 *
 * For tax: straight line from price to resale over the life (without one over five years), or MACRS of the 5-year class
 * with the half-year convention (IRS Publication 946, table A-1): 20, 32, 19.2, 11.52, 11.52, 5.76 % at the end of each
 * year of service. */
#include "econ/purchases.h"

#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "econ/finance.h"

static const uint32_t not_sold = UINT32_MAX;

static const double years_without_life = 5.0;

static double price_at(const struct ts_money_model *money, double month)
{
    return pow(1.0 - money->hardware_price_decline_frac_per_year, month / TS_MONTHS_PER_YEAR);
}

static enum ts_status add(struct ts_purchases *purchases, struct ts_purchase item)
{
    if (purchases->n == purchases->max) {
        const uint32_t max = purchases->max > 0 ? 2 * purchases->max : 8;
        struct ts_purchase *items = realloc(purchases->items, max * sizeof *items);
        if (!items) {
            return TS_ENOMEM;
        }
        purchases->items = items;
        purchases->max = max;
    }
    purchases->items[purchases->n++] = item;
    return TS_OK;
}

/* Some replicas and what replaces them. */
static enum ts_status add_lot(struct ts_purchases *purchases, const struct ts_owned_model *owned, double share,
                              uint32_t month, const struct ts_money_model *money)
{
    const uint32_t n_months = money->horizon_months;
    const double life = owned->life_months > 0.0 ? fmax(owned->life_months, 1.0) : INFINITY;
    const double capex_usd = owned->capex_usd * share;
    double from = month + owned->lead_time_months;
    enum ts_status status = TS_OK;
    for (uint32_t paid = month;
         status == TS_OK && capex_usd > 0.0 && paid <= n_months && (paid < n_months || paid == month);) {
        const double usd = capex_usd * price_at(money, paid), end = ceil(from + life - 1e-9);
        const bool is_sold = end <= (double)n_months;
        status = add(purchases, (struct ts_purchase){.usd = usd,
                                                     .month = paid,
                                                     .from = from,
                                                     .to = from + life,
                                                     .sold = is_sold ? (uint32_t)end : not_sold,
                                                     .resale_usd = isfinite(life) ? owned->resale_frac * usd : 0.0});
        if (!is_sold) {
            break;
        }
        paid = (uint32_t)end;
        from += life;
    }
    return status;
}

static void serve(double *into, double share, double from, uint32_t n_months)
{
    for (uint32_t m = 0; m <= n_months; m++) {
        into[m] += share * fmin(fmax((double)m - from, 0.0), 1.0);
    }
}

static enum ts_status buy_more(struct ts_purchases *out, const struct ts_owned_model *owned, double n_units,
                               double capacity, double most, const double *volume, const struct ts_money_model *money)
{
    double n = n_units;
    enum ts_status status = TS_OK;
    for (uint32_t m = 1; status == TS_OK && m <= money->horizon_months; m++) {
        const double wanted = fmin(ceil(n_units * volume[m] / capacity - 1e-9), most);
        if (wanted > n) {
            const double begin = floor((double)m - 1.0 - owned->lead_time_months);
            const uint32_t month = begin > owned->buy_month ? (uint32_t)begin : owned->buy_month;
            const double share = (wanted - n) / n_units;
            status = add_lot(out, owned, share, month, money);
            serve(out->units, share, month + owned->lead_time_months, money->horizon_months);
            n = wanted;
        }
    }
    return status;
}

enum ts_status ts_purchases_plan(struct ts_purchases *out, const struct ts_owned_model *owned, double n_units,
                                 double capacity, double most, const double *volume, const struct ts_money_model *money)
{
    const size_t n = (size_t)money->horizon_months + 1;
    struct ts_purchases plan = {.units = calloc(n, sizeof(double)), .first = calloc(n, sizeof(double))};
    enum ts_status status = plan.units && plan.first ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        const double from = owned->buy_month + owned->lead_time_months;
        serve(plan.first, 1.0, from, money->horizon_months);
        serve(plan.units, 1.0, from, money->horizon_months);
        status = add_lot(&plan, owned, 1.0, owned->buy_month, money);
    }
    if (status == TS_OK && owned->when_full == TS_FULL_BUY && isfinite(capacity) && capacity > 0.0) {
        status = buy_more(&plan, owned, n_units, capacity, most, volume, money);
    }
    if (status != TS_OK) {
        ts_purchases_deinit(&plan);
        return status;
    }
    *out = plan;
    return TS_OK;
}

void ts_purchases_deinit(struct ts_purchases *purchases)
{
    free(purchases->items);
    free(purchases->units);
    free(purchases->first);
    *purchases = (struct ts_purchases){.n = 0};
}

double ts_purchases_cash(const struct ts_purchases *purchases, uint32_t month)
{
    double usd = 0.0;
    for (uint32_t i = 0; i < purchases->n; i++) {
        const struct ts_purchase *item = &purchases->items[i];
        usd += item->month == month ? item->usd : 0.0;
        usd -= item->sold == month ? item->resale_usd : 0.0;
    }
    return usd;
}

/* Of one purchase until the end of a month. */
static double written_off(const struct ts_purchase *item, double month, enum ts_depreciation how)
{
    const double age = fmax(fmin(month, item->to) - item->from, 0.0);
    if (how == TS_DEPRECIATION_MACRS_5) {
        double sum = 0.0;
        for (size_t year = 0; year < TS_FINANCE_MACRS_5_YEARS && age >= TS_MONTHS_PER_YEAR * (double)(year + 1);
             year++) {
            sum += ts_finance_macrs_5[year];
        }
        return sum * item->usd;
    }
    const double life = isfinite(item->to) ? item->to - item->from : TS_MONTHS_PER_YEAR * years_without_life;
    return (item->usd - item->resale_usd) * fmin(age / life, 1.0);
}

double ts_purchases_write_off(const struct ts_purchases *purchases, uint32_t month, enum ts_depreciation how)
{
    double usd = 0.0;
    for (uint32_t i = 0; i < purchases->n; i++) {
        const struct ts_purchase *item = &purchases->items[i];
        if (month == 0 || month > item->sold) {
            continue;
        }
        usd += written_off(item, month, how) - written_off(item, month - 1.0, how);
        usd += item->sold == month ? item->usd - written_off(item, month, how) - item->resale_usd : 0.0;
    }
    return usd;
}

double ts_purchases_residual(const struct ts_purchases *purchases, uint32_t n_months)
{
    double usd = 0.0;
    for (uint32_t i = 0; i < purchases->n; i++) {
        const struct ts_purchase *item = &purchases->items[i];
        const double served = (double)n_months - item->from;
        if (item->sold != not_sold) {
            continue;
        }
        if (isfinite(item->to)) {
            usd += item->usd - (item->usd - item->resale_usd) * fmax(served, 0.0) / (item->to - item->from);
        } else {
            usd += served < 0.0 ? item->usd : 0.0;
        }
    }
    return usd;
}

double ts_purchases_book(const struct ts_purchases *purchases, uint32_t n_months, enum ts_depreciation how)
{
    double usd = 0.0;
    for (uint32_t i = 0; i < purchases->n; i++) {
        const struct ts_purchase *item = &purchases->items[i];
        usd += item->sold == not_sold ? item->usd - written_off(item, n_months, how) : 0.0;
    }
    return usd;
}
