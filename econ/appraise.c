/* Hides how the plan and each of its tiers are judged once the ledger is there.
 *
 *   reservation cost of a token   all cost of a month/tokens                    what finance pays
 *   busy cost                     (paid by time x busy share + API)/tokens      what it would be if units were never
 * idle levelised                     (PV(ledger) - PV(residual))/PV(tokens)        capex 40,000, 20,000 a year, 20e9
 * tokens a year, 8 %, 3 years, salvage 8,000: 1.653 break-even volume             F/(p - v): F paid by time, p the
 * API's price of a month's calls, v what grows with calls; never if p <= v or beyond capacity     F 4,833.33, p .88, v
 * .10: 6,196.6 Mtok rent or buy                   capex/(rent - own) hours                      833,806/(98.32 - 0.87)
 * = 8,556.24 h
 *
 * A machine's own cost an hour: energy while it is up, maintenance, colocation and licences of one replica. */
#include "econ/appraise.h"

#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "econ/finance.h"

#define TOK_PER_MTOK 1e6
#define H_PER_MONTH (TS_S_PER_MONTH / 3600.0)

double ts_appraise_payback(double rate, const double *flows, size_t n)
{
    size_t start = 0;
    while (start < n && flows[start] == 0.0) {
        start++;
    }
    if (start == n) {
        return NAN;
    }
    if (flows[start] > 0.0) {
        return 0.0;
    }
    return (double)start + ts_finance_discounted_payback(rate, flows + start, n - start);
}

static bool falls_below_again(const struct ts_econ *econ)
{
    double last_baseline = econ->baseline_cumulative_usd[econ->n_months];
    for (uint32_t m = 0; m <= econ->n_months; m++) {
        double net = econ->baseline_cumulative_usd[m] - econ->plan_cumulative_usd[m];
        if ((double)m > econ->payback_months && net < -1e-9 * fabs(last_baseline)) {
            return true;
        }
    }
    return false;
}

static double per_year(double rate_per_month)
{
    return expm1(TS_MONTHS_PER_YEAR * log1p(rate_per_month));
}

/* The last flow is a copy with the residual value; it is put back. */
static void appraise_with_residual(struct ts_econ *econ, double rate)
{
    const size_t n = (size_t)econ->n_months + 1;
    const double last_usd = econ->net_usd[econ->n_months];
    double irr[2] = {NAN, NAN};
    econ->net_usd[econ->n_months] += econ->residual_usd;
    econ->npv_usd = ts_finance_npv(rate, econ->net_usd, n);
    econ->n_irr = (uint32_t)ts_finance_irr(irr, 2, econ->net_usd, n);
    econ->irr_per_year = econ->n_irr == 1 ? per_year(irr[0]) : NAN;
    const double mirr = ts_finance_mirr(rate, rate, econ->net_usd, n);
    econ->mirr_per_year = mirr > -1.0 ? per_year(mirr) : NAN;
    econ->net_usd[econ->n_months] = last_usd;
}

/* ---- one tier, or all of them: what their numbers have in common ---- */

struct sums {
    double fixed_usd,
        variable_usd; /* a month, before tax: paid by time; grows with calls, beyond the API's own calls */
    double api_usd;   /* what the tier pays to APIs for calls that are theirs in the baseline too */
    double total_usd, busy_usd;
    double saved_usd; /* p: what the API would charge for the calls */
    double calls, capacity;
    double taken_calls, taken_tokens; /* of them, those that do not end nowhere */
};

/* Share of a tier's calls at that many of today's volumes which ends nowhere, for it is full. */
static double refused(const struct ts_tier_month *tier, double volume)
{
    const bool grows = tier->owned->when_full == TS_FULL_BUY;
    const double over = !grows && volume > tier->capacity ? 1.0 - tier->capacity / volume : 0.0;
    return over * ts_tier_refused_when_full(tier);
}

static void add_tier(struct sums *out, const struct ts_econ *econ, const struct ts_tier_month *tier, uint32_t i)
{
    const double *kinds = econ->monthly_usd[i];
    double fixed_usd = 0.0, total_usd = 0.0;
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        total_usd += kinds[kind];
        fixed_usd += kind == TS_COST_API ? 0.0 : kinds[kind];
    }
    const double active_usd = kinds[TS_COST_ENERGY] > 0.0 ? tier->use.active_kwh * tier->usd_per_kwh : 0.0;
    out->total_usd += total_usd;
    out->busy_usd += fixed_usd * tier->use.busy_frac + kinds[TS_COST_API];
    out->calls += tier->use.calls;
    out->taken_calls += tier->use.calls * (1.0 - refused(tier, 1.0));
    out->taken_tokens += tier->use.tokens * (1.0 - refused(tier, 1.0));
    if (tier->use.displaced_usd > 0.0) {
        out->fixed_usd += fixed_usd - fmin(active_usd, fixed_usd);
        out->variable_usd += active_usd + tier->use.api_usd + tier->use.superseded_usd + tier->use.router_usd;
        out->saved_usd += econ->tier_baseline_usd_per_month[i];
        out->capacity = fmin(out->capacity, tier->capacity);
    }
}

static void set_unit_costs(struct ts_econ_worth *out, const struct sums *sums)
{
    const double mtok = sums->taken_tokens / TOK_PER_MTOK;
    out->usd_per_call = sums->taken_calls > 0.0 ? sums->total_usd / sums->taken_calls : NAN;
    out->usd_per_mtok = mtok > 0.0 ? sums->total_usd / mtok : NAN;
    out->busy_usd_per_mtok = mtok > 0.0 ? sums->busy_usd / mtok : NAN;
}

static void set_break_even(struct ts_econ_worth *out, const struct sums *sums)
{
    out->break_even_calls_per_month = out->break_even_busy_frac = NAN;
    if (sums->saved_usd > 0.0) {
        const double volume = ts_finance_break_even_volume(sums->fixed_usd, sums->saved_usd, sums->variable_usd);
        const bool fits = volume <= sums->capacity;
        out->break_even_calls_per_month = fits ? volume * sums->calls : INFINITY;
        out->break_even_busy_frac = fits && isfinite(sums->capacity) ? volume / sums->capacity : NAN;
    }
}

static double rent_hours(const struct ts_econ *econ, const struct ts_tier_month *tier, uint32_t i)
{
    const struct ts_owned_model *owned = tier->owned;
    if (!(owned->rent_instead_usd_per_h > 0.0 && owned->capex_usd > 0.0)) {
        return NAN;
    }
    const double own_usd = econ->monthly_usd[i][TS_COST_ENERGY] + econ->monthly_usd[i][TS_COST_MAINTENANCE] +
                           econ->monthly_usd[i][TS_COST_COLOCATION] + econ->monthly_usd[i][TS_COST_LICENCES];
    return ts_finance_break_even_volume(owned->capex_usd / tier->n_units, owned->rent_instead_usd_per_h,
                                        own_usd / tier->n_units / H_PER_MONTH);
}

/* ---- over the horizon ---- */

static double discounted(double rate, uint32_t month)
{
    return pow(1.0 + rate, -(double)month);
}

/* Tokens of a month grow as calls do, as far as there is room for them. */
static double levelised_of(const struct ts_econ *econ, const struct ts_tier_month *tiers, uint32_t first, uint32_t last,
                           double residual_usd, double rate)
{
    double cost = -residual_usd * discounted(rate, econ->n_months), quantity = 0.0;
    const double first_calls = econ->n_months > 0 ? econ->calls[1] : 0.0;
    for (uint32_t m = 0; m <= econ->n_months; m++) {
        const double factor = discounted(rate, m);
        for (uint32_t i = first; i <= last; i++) {
            for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
                cost += econ->ledger_usd[ts_econ_row(econ, m, i)][kind] * factor;
            }
            const double volume = first_calls > 0.0 ? econ->calls[m] / first_calls : 0.0;
            quantity += tiers[i].use.tokens * volume * (1.0 - refused(&tiers[i], volume)) * factor;
        }
    }
    return quantity > 0.0 ? cost / (quantity / TOK_PER_MTOK) : NAN;
}

static double payback_of(const struct ts_econ *econ, uint32_t tier, double *flows)
{
    for (uint32_t m = 0; m <= econ->n_months; m++) {
        const size_t row = ts_econ_row(econ, m, tier);
        flows[m] = econ->ledger_baseline_usd[row];
        for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
            flows[m] -= econ->ledger_usd[row][kind];
        }
    }
    return ts_appraise_payback(0.0, flows, (size_t)econ->n_months + 1);
}

static enum ts_status appraise_tiers(struct ts_econ *econ, const struct ts_tier_month *tiers,
                                     const double *residual_usd, double rate)
{
    struct sums plan = {.capacity = INFINITY};
    double *flows = calloc((size_t)econ->n_months + 1, sizeof *flows);
    if (!flows) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i <= econ->n_tiers; i++) {
        struct ts_econ_worth *worth = &econ->worth[i];
        struct sums own = {.capacity = INFINITY};
        add_tier(&own, econ, &tiers[i], i);
        add_tier(&plan, econ, &tiers[i], i);
        set_unit_costs(worth, &own);
        set_break_even(worth, &own);
        worth->rent_hours = rent_hours(econ, &tiers[i], i);
        worth->levelised_usd_per_mtok = levelised_of(econ, tiers, i, i, residual_usd[i], rate);
        worth->payback_months = tiers[i].use.displaced_usd > 0.0 ? payback_of(econ, i, flows) : NAN;
    }
    struct ts_econ_worth *worth = &econ->worth[econ->n_tiers + 1];
    set_unit_costs(worth, &plan);
    set_break_even(worth, &plan);
    worth->rent_hours = NAN;
    worth->levelised_usd_per_mtok = levelised_of(econ, tiers, 0, econ->n_tiers, econ->residual_usd, rate);
    worth->payback_months = econ->payback_months;
    free(flows);
    return TS_OK;
}

enum ts_status ts_appraise(struct ts_econ *econ, const struct ts_model *model, const struct ts_tier_month *tiers,
                           const double *residual_usd, const double *all_api_usd)
{
    const size_t n = (size_t)econ->n_months + 1;
    const double rate = ts_finance_monthly_rate(model->money.discount_frac_per_year);
    appraise_with_residual(econ, rate);
    econ->payback_months = econ->has_baseline ? ts_appraise_payback(0.0, econ->net_usd, n) : NAN;
    econ->discounted_payback_months = econ->has_baseline ? ts_appraise_payback(rate, econ->net_usd, n) : NAN;
    econ->payback_all_api_months = econ->has_baseline ? ts_appraise_payback(0.0, all_api_usd, n) : NAN;
    econ->unpays = isfinite(econ->payback_months) && falls_below_again(econ);
    return appraise_tiers(econ, tiers, residual_usd, rate);
}
