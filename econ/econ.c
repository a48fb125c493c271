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
 *   done locally  l_m = min(v_m, capacity)           capacity of the tier: by simulation (study/capacity.h), or 1/(busy
 * share of it or of its busiest pool, all of its replicas up): 0.8 -> 1.25. The busy share is a cautious measure of a
 * server that batches: when busier it batches more, and takes more than this says.
 *
 * The plan spends, for each tier: s_m (maintenance + staff + other + rent + energy(l_m)), its API bill A v_m p_m, that
 * of attempts which came to nothing S v_m p_m, what router and checks take R v_m, and for the calls that an owned tier
 * does not take and that policy lets out, at the price of the API that it replaces, (D - B) (v_m - s_m l_m) p_m; the
 * others are refused. D and B (of calls that policy bars from that API) are of every call that came, answered or not.
 * Rent is paid for the hours in which replicas are up and includes their power. Capex is paid in month 0 and again at
 * each end of life inside the horizon, less the resale of the old machines. A life counts from the entry into service;
 * nothing is replaced more often than once a month. At the very end of the horizon nothing is bought any more; what the
 * machines are worth then, on the straight line from their price to their resale, counts in NPV and IRR as a flow of
 * the last month: capex 100, resale 20 %, life 48 months, horizon 36: 100 - 80 x 36/48 = 40.
 *
 * The permitted baseline spends (sum of D - B + sum of A) v_m p_m: the calls that policy lets out, at the API, each
 * once, without a router. All calls at the API would be (sum of D + sum of A) v_m p_m.
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
    double maintenance_usd, staff_usd, other_usd, rent_usd;
    double api_usd, superseded_usd;   /* A, S */
    double router_usd;                /* R */
    double displaced_usd, barred_usd; /* D and the part of it that policy would have kept */
    double capacity;                  /* the volume at which it is full; INFINITY: it never is */
};

struct month {
    double volume, price; /* v, p */
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
    case TS_COST_RENT:
        return "rent";
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
    double window_s = ts_result_window_s(result) - result->warmup_s;
    double simulated_s = result->simulated_s - result->warmup_s;
    if (result->warmup_s > 0.0 && !(window_s > 0.0 && arrivals > 0.0)) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), "write a shorter warmup",
                       "no request came after the warm-up: there is nothing to report");
    }
    if (!(ts_result_window_s(result) > 0.0) || !isfinite(ts_result_window_s(result))) {
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

/* A busy share is of the simulated window and of the replicas that were up; a month with more or fewer calls an hour
 * than that window scales it, and the replicas that were not up could have been. */
static double fullness(const struct ts_econ *econ, double busy_frac, double mean_up, uint32_t n)
{
    const double up_frac = n > 0 && mean_up > 0.0 ? fmin(mean_up / n, 1.0) : 1.0;
    return busy_frac * up_frac * econ->month_factor / econ->time_factor;
}

static double capacity_of(const struct ts_econ *econ, const struct ts_model *model, const struct ts_result *result,
                          uint32_t tier)
{
    if (tier == model->n_tiers || model->tiers[tier].kind == TS_TIER_API) {
        return INFINITY;
    }
    if (econ->capacity.is_simulated) {
        return econ->capacity.volume[tier];
    }
    const struct ts_server_model *server = &model->tiers[tier].u.server;
    const bool has_pools = model->tiers[tier].kind == TS_TIER_SERVER && server->n_pools > 0;
    double busiest = has_pools ? 0.0 : fullness(econ, result->tiers[tier].busy_frac, 0.0, 0);
    for (uint32_t i = 0; has_pools && i < server->n_pools; i++) {
        const struct ts_tier_result *pool = &result->pools[ts_model_first_pool(model, tier) + i];
        busiest = fmax(busiest, fullness(econ, pool->busy_frac, pool->mean_up, server->pools[i].n_replicas));
    }
    return busiest > 0.0 ? 1.0 / busiest : INFINITY;
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
    out.rent_usd = owned->rent_usd_per_h * from->mean_up * (TS_S_PER_MONTH / 3600.0);
    out.capacity = capacity_of(econ, model, result, tier);
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
    const double local = fmin(month.volume, tier->capacity);
    const double kwh = tier->rent_usd > 0.0 ? 0.0 : tier->idle_kwh + tier->active_kwh * local;
    memset(out, 0, TS_N_COST_KINDS * sizeof *out);
    out[TS_COST_ENERGY] = service * kwh * usd_per_kwh;
    out[TS_COST_MAINTENANCE] = service * tier->maintenance_usd;
    out[TS_COST_STAFF] = service * tier->staff_usd;
    out[TS_COST_OTHER] = service * tier->other_usd;
    out[TS_COST_RENT] = service * tier->rent_usd;
    double elsewhere_usd = (tier->displaced_usd - tier->barred_usd) * (month.volume - service * local);
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
    const struct month today = {1.0, 1.0};
    for (uint32_t i = 0; i <= econ->n_tiers; i++) {
        spend(econ->monthly_usd[i], &tiers[i], today, 1.0, model->money.electricity_usd_per_kwh);
        econ->monthly_usd[i][TS_COST_CAPEX] = capex_per_month(tiers[i].owned, econ->n_months);
        for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
            econ->total_usd_per_month += econ->monthly_usd[i][kind];
        }
        econ->tier_baseline_usd_per_month[i] = tiers[i].displaced_usd - tiers[i].barred_usd + tiers[i].api_usd;
        econ->tier_kwh_per_month[i] = tiers[i].idle_kwh + tiers[i].active_kwh * fmin(1.0, tiers[i].capacity);
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

/* On the straight line from the price to the resale, at the end of the horizon. */
static double residual_of(const struct ts_owned_model *owned, uint32_t n_months)
{
    const double served = (double)n_months - owned->lead_time_months;
    if (!(owned->life_months > 0.0) || owned->capex_usd == 0.0) {
        return served < 0.0 ? owned->capex_usd : 0.0;
    }
    const double life = fmax(owned->life_months, 1.0);
    const double age = served > 0.0 ? served - floor((served + 1e-9) / life) * life : 0.0;
    const bool sold_now = served > 0.0 && age < 1e-9;
    return sold_now ? 0.0 : owned->capex_usd * (1.0 - (1.0 - owned->resale_frac) * age / life);
}

static void add_month(struct ts_econ *econ, const struct ts_model *model, const struct tier_month *tiers, uint32_t m,
                      double *all_api_usd)
{
    const struct ts_money_model *money = &model->money;
    const struct month month = {.volume = pow(1.0 + money->growth_frac_per_month, m - 1.0),
                                .price =
                                    pow(1.0 - money->api_price_decline_frac_per_year, (m - 1.0) / TS_MONTHS_PER_YEAR)};
    for (uint32_t i = 0; i <= econ->n_tiers; i++) {
        double kinds[TS_N_COST_KINDS];
        spend(kinds, &tiers[i], month, in_service(tiers[i].owned, m), money->electricity_usd_per_kwh);
        for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
            econ->plan_usd[m] += kinds[kind];
        }
        econ->baseline_usd[m] += econ->tier_baseline_usd_per_month[i] * month.volume * month.price;
        all_api_usd[m] += tiers[i].barred_usd * month.volume * month.price;
    }
}

/* Months 0 to n; all_api_usd gets the net flow against all calls at the API. */
static void add_months(struct ts_econ *econ, const struct ts_model *model, const struct tier_month *tiers,
                       double *all_api_usd)
{
    for (uint32_t m = 0; m <= econ->n_months; m++) {
        if (m > 0) {
            add_month(econ, model, tiers, m, all_api_usd);
        }
        econ->net_usd[m] = econ->baseline_usd[m] - econ->plan_usd[m];
        all_api_usd[m] += econ->net_usd[m];
        econ->plan_cumulative_usd[m] = econ->plan_usd[m] + (m > 0 ? econ->plan_cumulative_usd[m - 1] : 0.0);
        econ->baseline_cumulative_usd[m] = econ->baseline_usd[m] + (m > 0 ? econ->baseline_cumulative_usd[m - 1] : 0.0);
    }
}

/* A plan without capex starts at zero: it pays back at once if its first month that differs saves money, else when it
 * has recovered what it lost. NaN: it never differs. */
static double payback_after_start(double rate, const double *flows, size_t n)
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

/* The last flow is a copy with the residual value; it is put back. */
static void appraise_with_residual(struct ts_econ *econ, double rate)
{
    const size_t n = (size_t)econ->n_months + 1;
    const double last_usd = econ->net_usd[econ->n_months];
    double irr[2] = {NAN, NAN};
    econ->net_usd[econ->n_months] += econ->residual_usd;
    econ->npv_usd = ts_finance_npv(rate, econ->net_usd, n);
    econ->n_irr = (uint32_t)ts_finance_irr(irr, 2, econ->net_usd, n);
    econ->irr_per_year = econ->n_irr == 1 ? expm1(TS_MONTHS_PER_YEAR * log1p(irr[0])) : NAN;
    econ->net_usd[econ->n_months] = last_usd;
}

static void appraise(struct ts_econ *econ, const struct ts_model *model, const double *all_api_usd)
{
    size_t n = (size_t)econ->n_months + 1;
    double rate = ts_finance_monthly_rate(model->money.discount_frac_per_year);
    appraise_with_residual(econ, rate);
    econ->payback_months = econ->has_baseline ? payback_after_start(0.0, econ->net_usd, n) : NAN;
    econ->discounted_payback_months = econ->has_baseline ? payback_after_start(rate, econ->net_usd, n) : NAN;
    econ->payback_all_api_months = econ->has_baseline ? payback_after_start(0.0, all_api_usd, n) : NAN;
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
                               const struct ts_econ_capacity *capacity, struct ts_diags *diags)
{
    struct ts_econ econ = {.capacity = capacity ? *capacity : (struct ts_econ_capacity){.is_simulated = false}};
    struct tier_month tiers[TS_MAX_TIERS + 1];
    double *all_api_usd = NULL;
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
    all_api_usd = calloc((size_t)n_months + 1, sizeof *all_api_usd);
    if (status != TS_OK || all_api_usd == NULL) {
        status = TS_ENOMEM;
        goto cleanup;
    }
    econ.capacity_growth = INFINITY;
    for (uint32_t i = 0; i <= model->n_tiers; i++) {
        tiers[i] = month_of_tier(&econ, model, result, i);
        add_capex(&econ, tiers[i].owned);
        econ.residual_usd += residual_of(tiers[i].owned, n_months);
        econ.capacity_growth = fmin(econ.capacity_growth, tiers[i].capacity);
        econ.has_baseline = econ.has_baseline || tiers[i].displaced_usd > 0.0;
    }
    econ.capacity_growth = isfinite(econ.capacity_growth) ? econ.capacity_growth : NAN;
    first_month(&econ, model, tiers, tokens_of(result));
    add_months(&econ, model, tiers, all_api_usd);
    appraise(&econ, model, all_api_usd);
    *out = econ;
cleanup:
    free(all_api_usd);
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
