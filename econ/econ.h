/* Money by month: from what one simulated window cost to a plan over the horizon, against the permitted baseline: the
 * same calls at the API that the owned tiers replace, as far as policy lets them out. Pure. */
#ifndef TS_ECON_ECON_H
#define TS_ECON_ECON_H

#include "sim/model.h"
#include "sim/result.h"

enum ts_cost_kind {
    TS_COST_CAPEX,
    TS_COST_ENERGY,
    TS_COST_MAINTENANCE,
    TS_COST_STAFF,
    TS_COST_OTHER,
    TS_COST_RENT,
    TS_COST_API,
    TS_N_COST_KINDS
};
const char *ts_cost_kind_name(enum ts_cost_kind kind);

/* What breaks first where the volume grows. */
enum ts_slo_bound { TS_SLO_LOST, TS_SLO_TTFT, TS_SLO_TPOT, TS_SLO_E2E, TS_N_SLO_BOUNDS };

/* Up to which volume, as a multiple of today's, a tier's calls meet the SLO at the peak (study/capacity.h). */
struct ts_econ_capacity {
    bool is_simulated;             /* else by busy share: see econ.c */
    double volume[TS_MAX_TIERS];   /* INFINITY: no server */
    bool is_reached[TS_MAX_TIERS]; /* the SLO broke beyond it; else nothing larger was tried */
    enum ts_slo_bound bound[TS_MAX_TIERS];
};

struct ts_econ {
    uint32_t n_tiers, n_months;
    /* The first month in full service: monthly cost by tier and kind, with capex spread over its life (straight line).
     * [n_tiers + 1][TS_N_COST_KINDS], the last row is `nowhere` (the router's fee for calls that no tier took). */
    double (*monthly_usd)[TS_N_COST_KINDS];
    double *tier_kwh_per_month;          /* [n_tiers + 1], facility */
    double *tier_baseline_usd_per_month; /* [n_tiers + 1]: what the calls of each tier cost in the baseline */
    double total_usd_per_month;
    double baseline_usd_per_month; /* the same calls, those that policy lets out, at the API's price */
    double barred_usd_per_month;   /* what the API would charge for the others: not permitted, in no baseline */
    double kwh_per_month;          /* facility */
    double carbon_kg_per_month;
    double usd_per_mtok; /* total over (prompt + output) tokens */
    /* Cash flows by month, index 0 = today (capex), then the end of each month: [n_months + 1] */
    double *plan_usd;     /* spent (positive) by the plan in that month: real cash, capex when it is paid */
    double *baseline_usd; /* spent by the baseline */
    double *net_usd;      /* baseline - plan */
    double *plan_cumulative_usd, *baseline_cumulative_usd;
    double residual_usd; /* what the machines are still worth at the end of the horizon; in npv and irr, not in flows */
    double npv_usd;      /* of net and the residual value at the monthly rate */
    double payback_months; /* INFINITY: never; NaN: there is nothing that could pay back */
    double discounted_payback_months;
    double
        payback_all_api_months; /* against all calls at the API, which policy forbids where barred_usd_per_month > 0 */
    double irr_per_year;        /* NaN if there is none, or more than one */
    uint32_t n_irr;             /* how many there are, at most 2 are counted */
    bool has_baseline;          /* some call is of a tier that replaces an API: there is something to compare with */
    bool unpays;                /* the cumulative net falls below zero again after the payback */
    double month_factor;        /* simulated window to month: multiplies whatever grows with calls */
    double time_factor;         /* time simulated to month: multiplies whatever grows with time (idle power) */
    struct ts_econ_capacity capacity;
    double capacity_growth; /* volume at which the first owned tier is full, as a multiple of today's; what is beyond
                               it goes to the API if it may. NaN: no owned tier is ever busy */
};

/* TS_ENOMEM, or TS_ERANGE with a diagnostic when the result is empty (no time simulated). capacity: NULL: by busy
 * share.
 */
enum ts_status ts_econ_compute(struct ts_econ *out, const struct ts_model *model, const struct ts_result *result,
                               const struct ts_econ_capacity *capacity, struct ts_diags *diags);
void ts_econ_deinit(struct ts_econ *econ);

#endif
