/* Hides: how the cost of one simulated window becomes monthly cash flows, and when a plan pays back.
 *
 * From window to month. Energy at idle grows with time: time_factor = 730 h / time simulated. Everything else grows
 * with calls: month_factor = calls_per_month / arrivals, or 730 h / arrival window x month_scale if it is not given. A
 * window of 1 h with 100 calls, simulated to its end, and 200,000 calls a month: time_factor 730, month_factor 2,000.
 * A warm-up counts in none of them. Host and overhead energy are shared out over idle and active energy in proportion:
 * kWh = (idle_j time_factor + active_j month_factor v) (1 + (host_j + overhead_j)/(idle_j + active_j)) / 3.6e6
 *
 * Month m = 1, 2, ... of the horizon, paid at its end:
 *   volume        v_m = (1 + growth)^(m-1)           2 % a month: v_13 = 1.2682
 *   API's price   p_m = (1 - decline)^((m-1)/12)     50 % a year: p_7 = 0.7071
 *   in service    s_m = min(max(m - lead, 0), 1)     lead 1.5 months: 0, 0.5, 1
 *   done locally  l_m = min(v_m, capacity)           capacity = 1/(busy share of the busiest owned tier, or pool,
 * today): 0.8
 * -> 1.25 The busy share is a cautious measure of a server that batches: when busier it batches more, and takes more
 * than this says.
 *
 * The plan spends, for each tier: s_m (maintenance + staff + other + energy(l_m)), its API bill A v_m p_m, that of
 * attempts which came to nothing S v_m p_m, what router and checks take R v_m, and for the calls that an owned tier
 * does not take, at the price of the API that it replaces, D (v_m - s_m l_m) p_m. Capex is paid in month 0 and again at
 * each end of life inside the horizon, less the resale of the old machines. A life counts from the entry into service;
 * nothing is replaced more often than once a month. At the very end of the horizon nothing is bought any more. What is
 * not worn out by then is not credited.
 *
 * The baseline spends (sum of D + sum of A) v_m p_m: the same calls, all at the API, each once, without a router.
 *
 * With capex 40,000, D = 15,000 and other = 5,000 USD a month, API prices falling by 50 % a year:
 * net = -40000, 10000, 9158.1, 8363.5, ... -> payback after 4.7045 months.
 *
 * Depreciation is no cash flow. It appears only in monthly_usd, the cost of the first month in full service, as
 * (capex - resale)/life. */
#include "econ/econ.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/units.h"
#include "econ/finance.h"

#define J_PER_KWH 3.6e6
#define TOK_PER_MTOK 1e6

enum { ECON_MAX_MONTHS = 12000 };

/* A tier's money for a month at today's volume and prices. */
struct tier_month {
    const struct ts_owned_model *owned;
    double idle_kwh, active_kwh;
    double maintenance_usd, staff_usd, other_usd;
    double api_usd, superseded_usd;   /* A, S */
    double router_usd;                /* R */
    double displaced_usd, barred_usd; /* D and the part of it that policy would have kept */
};

struct month {
    double volume, price, local; /* v, p, l */
};

const char *ts_cost_kind_name(enum ts_cost_kind kind)
{
    switch (kind) {
    case TS_COST_CAPEX:
        return "capex";
    case TS_COST_ENERGY:
        return "energy";
    case TS_COST_MAINTENANCE:
        return "maintenance";
    case TS_COST_STAFF:
        return "staff";
    case TS_COST_OTHER:
        return "other";
    case TS_COST_API:
        return "api";
    case TS_N_COST_KINDS:
        break;
    }
    return "?";
}

/* Behind the warm-up. */
static double arrivals_of(const struct ts_result *result)
{
    double n = 0.0;
    for (uint32_t tier = 0; tier <= result->n_tiers; tier++) {
        for (uint32_t c = 0; c < result->n_classes; c++) {
            n += (double)(result->tiers[tier].cells[c].arrived - result->tiers[tier].cells[c].left_out);
        }
    }
    return n;
}

static double tokens_of(const struct ts_result *result)
{
    double n = 0.0;
    for (uint32_t tier = 0; tier <= result->n_tiers; tier++) {
        for (uint32_t c = 0; c < result->n_classes; c++) {
            n += (double)result->tiers[tier].cells[c].prompt_tok + (double)result->tiers[tier].cells[c].output_tok;
        }
    }
    return n;
}

static enum ts_status set_factors(struct ts_econ *econ, const struct ts_model *model, const struct ts_result *result,
                                  struct ts_diags *diags)
{
    double arrivals = arrivals_of(result);
    double window_s = result->window_s - result->warmup_s;
    double simulated_s = result->simulated_s - result->warmup_s;
    if (result->warmup_s > 0.0 && !(window_s > 0.0 && arrivals > 0.0)) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), "write a shorter warmup",
                       "no request came after the warm-up: there is nothing to report");
    }
    if (!(result->window_s > 0.0) || !isfinite(result->window_s)) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), "simulate a window of at least one request",
                       "no time was simulated: costs a month cannot be computed");
    }
    if (model->calls_per_month > 0.0 && !(arrivals > 0.0)) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), NULL,
                       "no request was simulated: %.0f calls a month cannot be scaled from none",
                       model->calls_per_month);
    }
    econ->time_factor = TS_S_PER_MONTH / (simulated_s > 0.0 ? simulated_s : window_s);
    const double scale = model->month_scale > 0.0 ? model->month_scale : 1.0;
    econ->month_factor =
        model->calls_per_month > 0.0 ? model->calls_per_month / arrivals : scale * TS_S_PER_MONTH / window_s;
    return TS_OK;
}

/* Busy shares are of the simulated window; a month with more or fewer calls an hour than it scales them. */
static double capacity_growth(const struct ts_econ *econ, const struct ts_model *model, const struct ts_result *result)
{
    double busiest = 0.0;
    for (uint32_t tier = 0; tier < model->n_tiers; tier++) {
        if (model->tiers[tier].kind != TS_TIER_API) {
            busiest = fmax(busiest, result->tiers[tier].busy_frac * econ->month_factor / econ->time_factor);
        }
    }
    for (uint32_t pool = 0; pool < result->n_pools; pool++) {
        busiest = fmax(busiest, result->pools[pool].busy_frac * econ->month_factor / econ->time_factor);
    }
    return busiest > 0.0 ? 1.0 / busiest : NAN;
}

static void add_cell(struct tier_month *out, const struct ts_cell *cell, double factor)
{
    out->router_usd += cell->router_usd * factor;
    out->api_usd += cell->api_usd * factor;
    out->superseded_usd += cell->superseded_usd * factor;
    out->displaced_usd += cell->displaced_usd * factor;
    out->barred_usd += cell->barred_usd * factor;
}

static struct tier_month month_of_tier(const struct ts_econ *econ, const struct ts_model *model,
                                       const struct ts_result *result, uint32_t tier)
{
    static const struct ts_owned_model owns_nothing;
    const struct ts_tier_result *from = &result->tiers[tier];
    const struct ts_owned_model *owned = tier < model->n_tiers ? &model->tiers[tier].owned : &owns_nothing;
    struct tier_month out = {.owned = owned};
    double accelerator_j = from->idle_j + from->active_j, around_j = from->host_j + from->overhead_j;
    double per_j = accelerator_j > 0.0 ? 1.0 + around_j / accelerator_j : 1.0;
    out.idle_kwh = from->idle_j * per_j * econ->time_factor / J_PER_KWH;
    out.active_kwh = from->active_j * per_j * econ->month_factor / J_PER_KWH;
    if (!(accelerator_j > 0.0)) {
        out.idle_kwh = around_j * econ->time_factor / J_PER_KWH;
    }
    out.maintenance_usd = owned->capex_usd * owned->maintenance_frac_per_year / TS_MONTHS_PER_YEAR;
    out.staff_usd = owned->staff_fte * model->money.salary_usd_per_year / TS_MONTHS_PER_YEAR;
    out.other_usd = owned->other_usd_per_month;
    for (uint32_t c = 0; c < result->n_classes; c++) {
        add_cell(&out, &from->cells[c], econ->month_factor);
    }
    return out;
}

static double in_service(const struct ts_owned_model *owned, uint32_t month)
{
    return fmin(fmax((double)month - owned->lead_time_months, 0.0), 1.0);
}

/* What a tier spends in a month, by kind, without capex. */
static void spend(double out[TS_N_COST_KINDS], const struct tier_month *tier, struct month month, double service,
                  double usd_per_kwh)
{
    memset(out, 0, TS_N_COST_KINDS * sizeof *out);
    out[TS_COST_ENERGY] = service * (tier->idle_kwh + tier->active_kwh * month.local) * usd_per_kwh;
    out[TS_COST_MAINTENANCE] = service * tier->maintenance_usd;
    out[TS_COST_STAFF] = service * tier->staff_usd;
    out[TS_COST_OTHER] = service * tier->other_usd;
    double elsewhere_usd = tier->displaced_usd * (month.volume - service * month.local);
    double api_usd = (tier->api_usd + tier->superseded_usd) * month.volume + elsewhere_usd;
    out[TS_COST_API] = api_usd * month.price + tier->router_usd * month.volume;
}

static double capex_per_month(const struct ts_owned_model *owned, uint32_t horizon_months)
{
    double life = owned->life_months > 0.0 ? owned->life_months : (double)horizon_months;
    double resale_usd = owned->life_months > 0.0 ? owned->resale_frac * owned->capex_usd : 0.0;
    return life > 0.0 ? ts_finance_straight_line(owned->capex_usd, resale_usd, life) : 0.0;
}

static void first_month(struct ts_econ *econ, const struct ts_model *model, const struct tier_month *tiers,
                        double tokens)
{
    struct month today = {1.0, 1.0, fmin(1.0, econ->capacity_growth)};
    for (uint32_t i = 0; i <= econ->n_tiers; i++) {
        spend(econ->monthly_usd[i], &tiers[i], today, 1.0, model->money.electricity_usd_per_kwh);
        econ->monthly_usd[i][TS_COST_CAPEX] = capex_per_month(tiers[i].owned, econ->n_months);
        for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
            econ->total_usd_per_month += econ->monthly_usd[i][kind];
        }
        econ->tier_baseline_usd_per_month[i] = tiers[i].displaced_usd + tiers[i].api_usd;
        econ->tier_kwh_per_month[i] = tiers[i].idle_kwh + tiers[i].active_kwh * today.local;
        econ->baseline_usd_per_month += econ->tier_baseline_usd_per_month[i];
        econ->kwh_per_month += econ->tier_kwh_per_month[i];
        econ->barred_usd_per_month += tiers[i].barred_usd;
    }
    econ->carbon_kg_per_month = econ->kwh_per_month * model->money.carbon_g_per_kwh / 1000.0;
    econ->usd_per_mtok = tokens > 0.0 ? econ->total_usd_per_month / (tokens * econ->month_factor / TOK_PER_MTOK) : NAN;
}

/* Capex at month 0, then at each end of life the resale of the old and the price of the new. */
static void add_capex(struct ts_econ *econ, const struct ts_owned_model *owned)
{
    econ->plan_usd[0] += owned->capex_usd;
    if (!(owned->life_months > 0.0) || owned->capex_usd == 0.0) {
        return;
    }
    double end = owned->lead_time_months + owned->life_months;
    for (; ceil(end - 1e-9) <= (double)econ->n_months; end += fmax(owned->life_months, 1.0)) {
        size_t month = (size_t)ceil(end - 1e-9);
        econ->plan_usd[month] -= owned->resale_frac * owned->capex_usd;
        if (month < econ->n_months) {
            econ->plan_usd[month] += owned->capex_usd;
        }
    }
}

/* Months 1 to n; allowed_usd gets the net flow without what policy would have kept from the API. */
static void add_months(struct ts_econ *econ, const struct ts_model *model, const struct tier_month *tiers,
                       double *allowed_usd)
{
    const struct ts_money_model *money = &model->money;
    for (uint32_t m = 1; m <= econ->n_months; m++) {
        struct month month = {.volume = pow(1.0 + money->growth_frac_per_month, m - 1.0),
                              .price =
                                  pow(1.0 - money->api_price_decline_frac_per_year, (m - 1.0) / TS_MONTHS_PER_YEAR)};
        month.local = fmin(month.volume, econ->capacity_growth);
        for (uint32_t i = 0; i <= econ->n_tiers; i++) {
            double kinds[TS_N_COST_KINDS], service = in_service(tiers[i].owned, m);
            spend(kinds, &tiers[i], month, service, money->electricity_usd_per_kwh);
            for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
                econ->plan_usd[m] += kinds[kind];
            }
            econ->baseline_usd[m] += (tiers[i].displaced_usd + tiers[i].api_usd) * month.volume * month.price;
            allowed_usd[m] -= tiers[i].barred_usd * service * month.local * month.price;
        }
    }
    for (uint32_t m = 0; m <= econ->n_months; m++) {
        econ->net_usd[m] = econ->baseline_usd[m] - econ->plan_usd[m];
        allowed_usd[m] += econ->net_usd[m];
        econ->plan_cumulative_usd[m] = econ->plan_usd[m] + (m > 0 ? econ->plan_cumulative_usd[m - 1] : 0.0);
        econ->baseline_cumulative_usd[m] = econ->baseline_usd[m] + (m > 0 ? econ->baseline_cumulative_usd[m - 1] : 0.0);
    }
}

/* A plan without capex starts at zero: it pays back at once if its first month that differs saves money, else when it
 * has recovered what it lost. */
static double payback_after_start(double rate, const double *flows, size_t n)
{
    size_t start = 0;
    while (start < n && flows[start] == 0.0) {
        start++;
    }
    if (start == n || flows[start] > 0.0) {
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

static void appraise(struct ts_econ *econ, const struct ts_model *model, const double *allowed_usd)
{
    size_t n = (size_t)econ->n_months + 1;
    double rate = ts_finance_monthly_rate(model->money.discount_frac_per_year), irr = NAN;
    econ->npv_usd = ts_finance_npv(rate, econ->net_usd, n);
    econ->payback_months = payback_after_start(0.0, econ->net_usd, n);
    econ->discounted_payback_months = payback_after_start(rate, econ->net_usd, n);
    econ->payback_allowed_months = payback_after_start(0.0, allowed_usd, n);
    econ->irr_per_year = ts_finance_irr(&irr, 1, econ->net_usd, n) > 0 ? expm1(TS_MONTHS_PER_YEAR * log1p(irr)) : NAN;
    econ->unpays = isfinite(econ->payback_months) && falls_below_again(econ);
}

static enum ts_status allocate(struct ts_econ *econ, uint32_t n_tiers, uint32_t n_months)
{
    size_t n = (size_t)n_months + 1;
    econ->n_tiers = n_tiers;
    econ->n_months = n_months;
    econ->monthly_usd = calloc((size_t)n_tiers + 1, sizeof *econ->monthly_usd);
    econ->tier_kwh_per_month = calloc((size_t)n_tiers + 1, sizeof(double));
    econ->tier_baseline_usd_per_month = calloc((size_t)n_tiers + 1, sizeof(double));
    econ->plan_usd = calloc(n, sizeof(double));
    econ->baseline_usd = calloc(n, sizeof(double));
    econ->net_usd = calloc(n, sizeof(double));
    econ->plan_cumulative_usd = calloc(n, sizeof(double));
    econ->baseline_cumulative_usd = calloc(n, sizeof(double));
    bool complete = econ->monthly_usd != NULL && econ->tier_kwh_per_month != NULL &&
                    econ->tier_baseline_usd_per_month != NULL && econ->plan_usd != NULL && econ->baseline_usd != NULL &&
                    econ->net_usd != NULL && econ->plan_cumulative_usd != NULL && econ->baseline_cumulative_usd != NULL;
    return complete ? TS_OK : TS_ENOMEM;
}

enum ts_status ts_econ_compute(struct ts_econ *out, const struct ts_model *model, const struct ts_result *result,
                               struct ts_diags *diags)
{
    struct ts_econ econ = {0};
    struct tier_month tiers[TS_MAX_TIERS + 1];
    double *allowed_usd = NULL;
    uint32_t n_months = model->money.horizon_months;

    TS_CHECK(model->n_tiers <= TS_MAX_TIERS && result->n_tiers == model->n_tiers);
    if (n_months > ECON_MAX_MONTHS) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), NULL, "a horizon of %u months is too long: at most %d",
                       (unsigned)n_months, ECON_MAX_MONTHS);
    }
    enum ts_status status = set_factors(&econ, model, result, diags);
    if (status != TS_OK) {
        return status;
    }
    status = allocate(&econ, model->n_tiers, n_months);
    allowed_usd = calloc((size_t)n_months + 1, sizeof *allowed_usd);
    if (status != TS_OK || allowed_usd == NULL) {
        status = TS_ENOMEM;
        goto cleanup;
    }
    econ.capacity_growth = capacity_growth(&econ, model, result);
    for (uint32_t i = 0; i <= model->n_tiers; i++) {
        tiers[i] = month_of_tier(&econ, model, result, i);
        add_capex(&econ, tiers[i].owned);
    }
    first_month(&econ, model, tiers, tokens_of(result));
    add_months(&econ, model, tiers, allowed_usd);
    appraise(&econ, model, allowed_usd);
    *out = econ;
cleanup:
    free(allowed_usd);
    if (status != TS_OK) {
        ts_econ_deinit(&econ);
    }
    return status;
}

void ts_econ_deinit(struct ts_econ *econ)
{
    free(econ->monthly_usd);
    free(econ->tier_kwh_per_month);
    free(econ->tier_baseline_usd_per_month);
    free(econ->plan_usd);
    free(econ->baseline_usd);
    free(econ->net_usd);
    free(econ->plan_cumulative_usd);
    free(econ->baseline_cumulative_usd);
    *econ = (struct ts_econ){0};
}
