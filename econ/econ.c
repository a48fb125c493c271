/* Hides how a month of each tier becomes monthly cash flows over the horizon: the ledger.
 *
 * What a tier uses (energy, replicas that are up, bills, D and B) is that of its load: of l_m for each of the lots that
 * are there, l_m s_m/u_m, where it has been simulated at several volumes (econ/use_curve.h); else in proportion to
 * today's. Below, energy, A, S, R, D and B are of one of today's volumes at that load.
 *
 * Month m = 1, 2, ... of the horizon, paid at its end:
 *   volume        v_m = (1 + growth)^(m-1)           2 % a month: v_13 = 1.2682
 *   API's price   p_m = (1 - decline)^((m-1)/12)     50 % a year: p_7 = 0.7071
 *   in service    s_m = min(max(m - buy - lead, 0), 1)   lead 1.5 months: 0, 0.5, 1
 *   replicas      u_m, in those of today: s_m, and with when_full: buy what was bought since (econ/purchases.h)
 *   full at       f_m = capacity u_m/s_m             capacity of the tier: by simulation (study/capacity.h), or 1/(busy
 * share of it or of its busiest pool, all of its replicas up): 0.8 -> 1.25. The busy share is a cautious measure of a
 * server that batches: when busier it batches more, and takes more than this says.
 *   done locally  s_m l_m, l_m = min(v_m, f_m)
 *
 * The plan spends, for each tier: u_m (maintenance + colocation + licences + rent + idle energy + demand charge) +
 * ceil(u_m n/replicas_per_staff) staff s_m + s_m (other + active energy l_m), its API bill A v_m p_m + P (provisioned
 * throughput), that of attempts which came to nothing S v_m p_m, what router and checks take R v_m, and for the calls
 * that an owned tier does not take and that policy permits, at the price of the API that it replaces, (D - B) (v_m -
 * s_m l_m) p_m; the others are refused, with when_full: refuse all beyond f_m. D and B (of calls that policy bars from
 * that API) are of every call that came, answered or not. Rent includes the power. At the very end of the horizon
 * nothing is bought any more; what the machines are worth then counts in NPV and IRR as a flow of the last month.
 *
 * The permitted baseline spends (sum of D - B + sum of A) v_m p_m + sum of P: the calls that policy lets out, at the
 * API, each once, without a router. All calls at the API would be (sum of D + sum of A) v_m p_m.
 *
 * With capex 40,000, D = 15,000 and other = 5,000 USD a month, API prices falling by 50 % a year:
 * net = -40000, 10000, 9158.1, 8363.5, ... -> payback after 4.7045 months.
 *
 * With a tax on profit every cost lowers it in its month, in the plan and in the baseline; capex does so as it is
 * written off, and a sale by what it brings beyond the books. Depreciation is no cash flow otherwise: it appears in
 * monthly_usd, the cost of the first month in full service, as (capex - resale)/life. */
#include "econ/econ.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "econ/appraise.h"
#include "econ/finance.h"
#include "econ/purchases.h"
#include "econ/tier_month.h"
#include "econ/use_curve.h"

enum { ECON_MAX_MONTHS = 12000 };

struct month {
    double volume, price; /* v, p */
    double units, first;  /* u, s */
};

/* What the ledger is made from. */
struct plan {
    struct ts_econ *econ;
    const struct ts_model *model;
    struct ts_tier_month tiers[TS_MAX_TIERS + 1];
    struct ts_purchases purchases[TS_MAX_TIERS + 1];
    double residual_usd[TS_MAX_TIERS + 1]; /* after tax */
    double *all_api_usd;                   /* net flow against all calls at the API */
    double refused, asked;                 /* calls of the horizon, in those of a month */
    double spared, spared_usd;             /* of those refused, what an API could take, and its price of their months */
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
    case TS_COST_COLOCATION:
        return "colocation";
    case TS_COST_LICENCES:
        return "licences";
    case TS_COST_OTHER:
        return "other";
    case TS_COST_DOWNLOADS:
        return "downloads";
    case TS_COST_RENT:
        return "rent";
    case TS_COST_API:
        return "api";
    case TS_COST_TAX:
        return "tax";
    case TS_N_COST_KINDS:
        break;
    }
    return "?";
}

static double staff_steps(const struct ts_tier_month *tier, double units)
{
    const struct ts_owned_model *owned = tier->owned;
    return owned->replicas_per_staff > 0 ? fmax(ceil(units * tier->n_units / owned->replicas_per_staff - 1e-9), 1.0)
                                         : 1.0;
}

/* Calls that a tier does not take, in its own of a month: those that wait for it to be in service, those beyond what
 * it can take. */
struct beyond {
    double local, waiting, over;
};

static struct beyond beyond_of(const struct ts_tier_month *tier, const struct month *month)
{
    const double full = month->first > 0.0 ? tier->capacity * month->units / month->first : tier->capacity;
    const double local = fmin(month->volume, full);
    return (struct beyond){.local = local, .waiting = local * (1.0 - month->first), .over = month->volume - local};
}

/* What a tier spends in a month, by kind, without capex. */
static void spend(double out[TS_N_COST_KINDS], const struct ts_tier_month *tier, const struct month *month)
{
    const struct beyond beyond = beyond_of(tier, month);
    const bool rented = tier->rent_usd > 0.0;
    const bool refuses = tier->owned->when_full == TS_FULL_REFUSE;
    memset(out, 0, TS_N_COST_KINDS * sizeof *out);
    if (!rented) {
        const double kwh = tier->use.idle_kwh * month->units + tier->use.active_kwh * beyond.local * month->first;
        out[TS_COST_ENERGY] = kwh * tier->usd_per_kwh + tier->demand_usd * month->units;
    }
    out[TS_COST_MAINTENANCE] = month->units * tier->maintenance_usd;
    out[TS_COST_STAFF] = month->first * tier->staff_usd * staff_steps(tier, month->units);
    out[TS_COST_COLOCATION] = month->units * tier->colocation_usd;
    out[TS_COST_LICENCES] = month->units * tier->licences_usd;
    out[TS_COST_OTHER] = month->first * tier->other_usd;
    out[TS_COST_DOWNLOADS] = month->first * tier->downloads_usd;
    out[TS_COST_RENT] = month->units * tier->rent_usd;
    const double elsewhere = beyond.waiting + (refuses ? 0.0 : beyond.over);
    const double elsewhere_usd = (tier->use.displaced_usd - tier->use.barred_usd) * elsewhere;
    const double api_usd = (tier->use.api_usd + tier->use.superseded_usd) * month->volume + elsewhere_usd;
    out[TS_COST_API] = api_usd * month->price + tier->use.provisioned_usd + tier->use.router_usd * month->volume;
}

/* Share of a tier's calls that end nowhere. Only what has units can be full or not there yet. */
static double refused_of(const struct ts_tier_month *tier, const struct month *month)
{
    const struct beyond beyond = beyond_of(tier, month);
    return beyond.waiting * ts_tier_barred(tier) + beyond.over * ts_tier_refused_when_full(tier);
}

/* What a full tier refuses that policy lets out to the API which it replaces, and what that would charge for it. */
static void add_spared(struct plan *plan, const struct ts_tier_month *tier, const struct month *month)
{
    if (tier->owned->when_full == TS_FULL_REFUSE && tier->use.displaced_usd > tier->use.barred_usd) {
        const double over = beyond_of(tier, month).over, permitted_usd = tier->use.displaced_usd - tier->use.barred_usd;
        plan->spared += over * tier->use.calls * permitted_usd / tier->use.displaced_usd;
        plan->spared_usd += over * permitted_usd * month->price;
    }
}

/* The tier at the load of a month: that of each lot of its machines. */
static struct ts_tier_month at_load(const struct plan *plan, uint32_t i, const struct month *month)
{
    const struct ts_tier_month *tier = &plan->tiers[i];
    const struct ts_use_curve *curve = plan->econ->capacity.curve;
    if (!curve) {
        return *tier;
    }
    const double lots = month->first > 0.0 ? month->units / month->first : 1.0;
    const struct ts_tier_use use = ts_use_curve_at(curve, i, &tier->use, beyond_of(tier, month).local / lots);
    return ts_tier_month_of(plan->econ, plan->model, &use, i);
}

static double capex_per_month(const struct ts_owned_model *owned, uint32_t horizon_months)
{
    double life = owned->life_months > 0.0 ? owned->life_months : (double)horizon_months;
    double resale_usd = owned->life_months > 0.0 ? owned->resale_frac * owned->capex_usd : 0.0;
    return life > 0.0 ? ts_finance_straight_line(owned->capex_usd, resale_usd, life) : 0.0;
}

static void first_month(struct plan *plan)
{
    const struct month today = {1.0, 1.0, 1.0, 1.0};
    struct ts_econ *econ = plan->econ;
    for (uint32_t i = 0; i <= econ->n_tiers; i++) {
        const struct ts_tier_month *tier = &plan->tiers[i];
        spend(econ->monthly_usd[i], tier, &today);
        econ->monthly_usd[i][TS_COST_CAPEX] = capex_per_month(tier->owned, econ->n_months);
        for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
            econ->total_usd_per_month += econ->monthly_usd[i][kind];
        }
        econ->tier_baseline_usd_per_month[i] =
            tier->use.displaced_usd - tier->use.barred_usd + tier->use.api_usd + tier->use.provisioned_usd;
        econ->tier_kwh_per_month[i] = tier->use.idle_kwh + tier->use.active_kwh * fmin(1.0, tier->capacity);
        econ->baseline_usd_per_month += econ->tier_baseline_usd_per_month[i];
        econ->kwh_per_month += econ->tier_kwh_per_month[i];
        econ->barred_usd_per_month += tier->use.barred_usd;
    }
    econ->carbon_kg_per_month = econ->kwh_per_month * plan->model->money.carbon_g_per_kwh / 1000.0;
}

static double volume_of(const struct ts_money_model *money, uint32_t m)
{
    return pow(1.0 + money->growth_frac_per_month, (double)m - 1.0);
}

/* ---- the ledger ---- */

static double tax_of(const struct plan *plan, const double kinds[TS_N_COST_KINDS], uint32_t tier, uint32_t m)
{
    const struct ts_money_model *money = &plan->model->money;
    double deducted_usd = ts_purchases_write_off(&plan->purchases[tier], m, money->depreciation);
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        deducted_usd += kind == TS_COST_CAPEX ? 0.0 : kinds[kind];
    }
    return -money->tax_frac * deducted_usd;
}

static bool has_units(const struct ts_model *model, uint32_t tier)
{
    return tier < model->n_tiers && model->tiers[tier].kind != TS_TIER_API;
}

static void add_row(struct plan *plan, uint32_t m, uint32_t i, const struct month *month)
{
    struct ts_econ *econ = plan->econ;
    const size_t row = ts_econ_row(econ, m, i);
    const struct ts_tier_month *tier = &plan->tiers[i];
    const double after_tax = 1.0 - plan->model->money.tax_frac;
    double *kinds = econ->ledger_usd[row];
    if (m > 0) {
        const struct ts_tier_month loaded = at_load(plan, i, month);
        const double refused = refused_of(tier, month) * tier->use.calls;
        spend(kinds, &loaded, month);
        const double at_api = month->volume * month->price * after_tax;
        econ->ledger_baseline_usd[row] = (econ->tier_baseline_usd_per_month[i] - tier->use.provisioned_usd) * at_api +
                                         tier->use.provisioned_usd * after_tax;
        plan->all_api_usd[m] += tier->use.barred_usd * at_api;
        plan->refused += refused;
        add_spared(plan, tier, month);
        plan->asked += month->volume * tier->use.calls;
        econ->calls[m] += month->volume * tier->use.calls;
        econ->lost[m] += refused + loaded.use.lost * beyond_of(tier, month).local * month->first;
        econ->units[row] = has_units(plan->model, i) ? month->units * tier->n_units : 0.0;
    }
    if (m == tier->owned->buy_month) {
        kinds[TS_COST_DOWNLOADS] += tier->owned->first_download_usd;
    }
    kinds[TS_COST_CAPEX] = ts_purchases_cash(&plan->purchases[i], m);
    kinds[TS_COST_TAX] = plan->model->money.tax_frac > 0.0 ? tax_of(plan, kinds, i, m) : 0.0;
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        econ->plan_usd[m] += kinds[kind];
    }
    econ->baseline_usd[m] += econ->ledger_baseline_usd[row];
}

static void add_months(struct plan *plan)
{
    const struct ts_money_model *money = &plan->model->money;
    struct ts_econ *econ = plan->econ;
    for (uint32_t m = 0; m <= econ->n_months; m++) {
        for (uint32_t i = 0; i <= econ->n_tiers; i++) {
            const bool owned = has_units(plan->model, i);
            const struct month month = {
                .volume = volume_of(money, m),
                .price = pow(1.0 - money->api_price_decline_frac_per_year, ((double)m - 1.0) / TS_MONTHS_PER_YEAR),
                .units = owned ? plan->purchases[i].units[m] : 1.0,
                .first = owned ? plan->purchases[i].first[m] : 1.0};
            add_row(plan, m, i, &month);
        }
        econ->net_usd[m] = econ->baseline_usd[m] - econ->plan_usd[m];
        plan->all_api_usd[m] += econ->net_usd[m];
        econ->plan_cumulative_usd[m] = econ->plan_usd[m] + (m > 0 ? econ->plan_cumulative_usd[m - 1] : 0.0);
        econ->baseline_cumulative_usd[m] = econ->baseline_usd[m] + (m > 0 ? econ->baseline_cumulative_usd[m - 1] : 0.0);
    }
    econ->refused_frac = plan->asked > 0.0 ? plan->refused / plan->asked : 0.0;
    econ->refused_usd_per_call = plan->spared > 0.0 ? plan->spared_usd / plan->spared : NAN;
}

/* ---- machines ---- */

/* Replicas of a tier that the site can power beside the other tiers as they are. */
static double most_units(const struct plan *plan, uint32_t tier)
{
    const double own_w = plan->tiers[tier].owned->rated_w;
    double others_w = 0.0;
    for (uint32_t i = 0; i < plan->econ->n_tiers; i++) {
        others_w += i != tier ? plan->tiers[i].owned->rated_w * plan->tiers[i].n_units : 0.0;
    }
    const double cap_w = plan->model->site_cap_w;
    return cap_w > 0.0 && own_w > 0.0 ? fmax(floor((cap_w - others_w) / own_w + 1e-9), plan->tiers[tier].n_units)
                                      : INFINITY;
}

static enum ts_status buy(struct plan *plan)
{
    const struct ts_money_model *money = &plan->model->money;
    struct ts_econ *econ = plan->econ;
    enum ts_status status = TS_OK;
    double *volume = calloc((size_t)econ->n_months + 1, sizeof *volume);
    for (uint32_t m = 0; volume && m <= econ->n_months; m++) {
        volume[m] = volume_of(money, m);
    }
    status = volume ? TS_OK : TS_ENOMEM;
    for (uint32_t i = 0; status == TS_OK && i <= econ->n_tiers; i++) {
        const struct ts_tier_month *tier = &plan->tiers[i];
        struct ts_purchases *purchases = &plan->purchases[i];
        status = ts_purchases_plan(purchases, tier->owned, tier->n_units, tier->capacity, most_units(plan, i), volume,
                                   money);
        if (status == TS_OK) {
            const double usd = ts_purchases_residual(purchases, econ->n_months);
            const double gain_usd =
                money->tax_frac > 0.0 ? usd - ts_purchases_book(purchases, econ->n_months, money->depreciation) : 0.0;
            plan->residual_usd[i] = usd - money->tax_frac * gain_usd;
            econ->residual_usd += plan->residual_usd[i];
        }
    }
    free(volume);
    return status;
}

static enum ts_status allocate(struct ts_econ *econ, uint32_t n_tiers, uint32_t n_months)
{
    const size_t n = (size_t)n_months + 1, n_rows = (size_t)n_tiers + 1;
    econ->n_tiers = n_tiers;
    econ->n_months = n_months;
    econ->monthly_usd = calloc(n_rows, sizeof *econ->monthly_usd);
    econ->worth = calloc(n_rows + 1, sizeof *econ->worth);
    econ->ledger_usd = calloc(n * n_rows, sizeof *econ->ledger_usd);
    bool complete = econ->monthly_usd && econ->worth && econ->ledger_usd;
    const struct {
        double **array;
        size_t n;
    } arrays[] = {{&econ->tier_kwh_per_month, n_rows},
                  {&econ->tier_baseline_usd_per_month, n_rows},
                  {&econ->ledger_baseline_usd, n * n_rows},
                  {&econ->units, n * n_rows},
                  {&econ->calls, n},
                  {&econ->lost, n},
                  {&econ->plan_usd, n},
                  {&econ->baseline_usd, n},
                  {&econ->net_usd, n},
                  {&econ->plan_cumulative_usd, n},
                  {&econ->baseline_cumulative_usd, n}};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        *arrays[i].array = calloc(arrays[i].n, sizeof(double));
        complete = complete && *arrays[i].array;
    }
    return complete ? TS_OK : TS_ENOMEM;
}

/* A tier in place of an API that had no call: what it costs to have it is still to be told. */
static bool stands_by(const struct plan *plan, uint32_t i)
{
    const struct ts_model *model = plan->model;
    return i < model->n_tiers && model->tiers[i].replaces >= 0 &&
           (model->tiers[i].owned.capex_usd > 0.0 || model->tiers[i].owned.rent_usd_per_h > 0.0);
}

static enum ts_status compute(struct plan *plan, const struct ts_econ_use *use)
{
    struct ts_econ *econ = plan->econ;
    econ->capacity_growth = INFINITY;
    for (uint32_t i = 0; i <= econ->n_tiers; i++) {
        plan->tiers[i] = ts_tier_month_of(econ, plan->model, &use->tiers[i], i);
        econ->capacity_growth = fmin(econ->capacity_growth, plan->tiers[i].capacity);
        econ->has_baseline = econ->has_baseline || plan->tiers[i].use.displaced_usd > 0.0 || stands_by(plan, i);
    }
    econ->capacity_growth = isfinite(econ->capacity_growth) ? econ->capacity_growth : NAN;
    const enum ts_status status = buy(plan);
    if (status != TS_OK) {
        return status;
    }
    first_month(plan);
    add_months(plan);
    return ts_appraise(econ, plan->model, plan->tiers, plan->residual_usd, plan->all_api_usd);
}

enum ts_status ts_econ_of_use(struct ts_econ *out, const struct ts_model *model, const struct ts_econ_use *use,
                              const struct ts_econ_capacity *capacity, struct ts_diags *diags)
{
    struct ts_econ econ = {.capacity = capacity ? *capacity : (struct ts_econ_capacity){.is_simulated = false},
                           .month_factor = use->month_factor,
                           .time_factor = use->time_factor};
    struct plan plan = {.econ = &econ, .model = model};
    const uint32_t n_months = model->money.horizon_months;

    if (n_months > ECON_MAX_MONTHS) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), NULL, "a horizon of %u months is too long: at most %d",
                       (unsigned)n_months, ECON_MAX_MONTHS);
    }
    enum ts_status status = allocate(&econ, model->n_tiers, n_months);
    plan.all_api_usd = calloc((size_t)n_months + 1, sizeof *plan.all_api_usd);
    if (status == TS_OK) {
        status = plan.all_api_usd ? compute(&plan, use) : TS_ENOMEM;
    }
    for (uint32_t i = 0; i <= model->n_tiers; i++) {
        ts_purchases_deinit(&plan.purchases[i]);
    }
    free(plan.all_api_usd);
    if (status != TS_OK) {
        ts_econ_deinit(&econ);
        return status;
    }
    *out = econ;
    return TS_OK;
}

enum ts_status ts_econ_compute(struct ts_econ *out, const struct ts_model *model, const struct ts_result *result,
                               const struct ts_econ_capacity *capacity, struct ts_diags *diags)
{
    struct ts_econ_use use;
    const enum ts_status status = ts_econ_use_of(&use, model, result, diags);
    return status == TS_OK ? ts_econ_of_use(out, model, &use, capacity, diags) : status;
}

void ts_econ_deinit(struct ts_econ *econ)
{
    free(econ->monthly_usd);
    free(econ->worth);
    free(econ->ledger_usd);
    free(econ->ledger_baseline_usd);
    free(econ->units);
    free(econ->calls);
    free(econ->lost);
    free(econ->tier_kwh_per_month);
    free(econ->tier_baseline_usd_per_month);
    free(econ->plan_usd);
    free(econ->baseline_usd);
    free(econ->net_usd);
    free(econ->plan_cumulative_usd);
    free(econ->baseline_cumulative_usd);
    *econ = (struct ts_econ){0};
}

/* ---- a call ---- */

static double sum_s(const struct ts_hist *hist)
{
    return hist->count > 0 ? ts_hist_mean(hist) * (double)hist->count : 0.0;
}

/* Time in service of a cell's calls, all together, without what they waited and travelled. */
static double service_of(const struct ts_cell *cell)
{
    return fmax(sum_s(&cell->latency_ns[TS_E2E]) - sum_s(&cell->latency_ns[TS_TTFT]) +
                    sum_s(&cell->latency_ns[TS_TTFT_SERVER]) - sum_s(&cell->latency_ns[TS_WAIT]),
                0.0);
}

static double bill_of(const struct ts_cell *cell)
{
    return cell->api_usd + cell->superseded_usd + cell->router_usd;
}

/* A month of a class at a tier. */
static double class_usd(const struct ts_econ *econ, const struct ts_result *result, uint32_t tier, uint32_t class_id)
{
    const struct ts_cell *cells = result->tiers[tier].cells;
    double total_usd = 0.0, bills_usd = 0.0, service = 0.0, calls = 0.0;
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        total_usd += econ->monthly_usd[tier][kind];
    }
    for (uint32_t c = 0; c < result->n_classes; c++) {
        bills_usd += bill_of(&cells[c]) * econ->month_factor;
        service += service_of(&cells[c]);
        calls += (double)cells[c].arrived;
    }
    const double share = service > 0.0 ? service_of(&cells[class_id]) / service
                         : calls > 0.0 ? (double)cells[class_id].arrived / calls
                                       : 0.0;
    return bill_of(&cells[class_id]) * econ->month_factor + (total_usd - bills_usd) * share;
}

double ts_econ_call_usd(const struct ts_econ *econ, const struct ts_result *result, uint32_t tier, uint32_t class_id)
{
    const uint32_t first = tier > econ->n_tiers ? 0 : tier, last = tier > econ->n_tiers ? econ->n_tiers : tier;
    double usd = 0.0, calls = 0.0;
    for (uint32_t i = first; i <= last; i++) {
        for (uint32_t c = 0; c < result->n_classes; c++) {
            if (class_id == TS_ALL_CLASSES || class_id == c) {
                const struct ts_cell *cell = &result->tiers[i].cells[c];
                usd += class_usd(econ, result, i, c);
                calls += (double)(cell->arrived - cell->left_out) * econ->month_factor;
            }
        }
    }
    return calls > 0.0 ? usd / calls : NAN;
}
