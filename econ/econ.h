/* Money by month: from what one simulated window cost to a plan over the horizon, against the permitted baseline: the
 * same calls at the API that the owned tiers replace, as far as policy permits. Pure. All money is in the
 * scenario's currency, whatever `usd` in a name says. */
#ifndef TS_ECON_ECON_H
#define TS_ECON_ECON_H

#include "sim/model.h"
#include "sim/result.h"

enum ts_cost_kind {
    TS_COST_CAPEX,
    TS_COST_ENERGY,
    TS_COST_MAINTENANCE,
    TS_COST_STAFF,
    TS_COST_COLOCATION,
    TS_COST_LICENCES,
    TS_COST_OTHER,
    TS_COST_DOWNLOADS, /* of models, to devices */
    TS_COST_RENT,
    TS_COST_API,
    TS_COST_TAX, /* negative: what tax falls by */
    TS_N_COST_KINDS
};
const char *ts_cost_kind_name(enum ts_cost_kind kind);

/* What breaks first where the volume grows. */
enum ts_slo_bound { TS_SLO_LOST, TS_SLO_TTFT, TS_SLO_TPOT, TS_SLO_E2E, TS_N_SLO_BOUNDS };

struct ts_use_curve;

/* Up to which volume, as a multiple of today's, a tier's calls meet the SLO at the peak (study/capacity.h), and what is
 * used at other volumes than today's. */
struct ts_econ_capacity {
    bool is_simulated;             /* else by busy share: see tier_month.c */
    double volume[TS_MAX_TIERS];   /* INFINITY: no server */
    bool is_reached[TS_MAX_TIERS]; /* the SLO broke beyond it; else nothing larger was tried */
    enum ts_slo_bound bound[TS_MAX_TIERS];
    const struct ts_use_curve *curve; /* by simulation (study/growth.h), borrowed; NULL: in proportion to the calls */
};

/* What a month of a tier is by what was simulated, before owned machines, electricity and time have a price. Of calls
 * it is money: what APIs charge, each at its own price. */
struct ts_tier_use {
    double idle_kwh, active_kwh;
    double peak_frac;                 /* share of its energy that is drawn in the tariff's peak hours */
    double peak_kw;                   /* what it draws when all owned tiers together draw the most */
    double mean_up;                   /* replicas */
    double busy_frac;                 /* share of all its units' time that they work */
    double full_frac;                 /* share of the month that its busiest pool works, all replicas up; 0: never */
    double api_usd, superseded_usd;   /* A, S of econ.c */
    double provisioned_usd;           /* P, of units that are paid whether they are used or not */
    double router_usd;                /* R */
    double displaced_usd, barred_usd; /* D and the part of it that policy would have kept */
    double calls, lost, tokens;       /* lost: of the calls, those that were not answered */
};
enum { TS_N_TIER_USES = sizeof(struct ts_tier_use) / sizeof(double) }; /* all of them are doubles */

/* The same of all tiers; the last is nowhere. */
struct ts_econ_use {
    double month_factor, time_factor; /* see struct ts_econ */
    struct ts_tier_use tiers[TS_MAX_TIERS + 1];
};

/* What a tier, or the plan, is worth by itself. NaN: there is no such figure. Never: INFINITY. */
struct ts_econ_worth {
    double usd_per_call, usd_per_mtok; /* of the first month in full service: all cost over calls; over tokens. Of those
                                          taken: what a full tier refuses is none of them */
    double busy_usd_per_mtok;      /* the same, of what is paid by time only the share in which units work: busy cost */
    double levelised_usd_per_mtok; /* PV(costs less residual)/PV(tokens) over the horizon */
    double
        break_even_calls_per_month; /* where the plan costs as much a month as the API; within capacity, else never */
    double break_even_busy_frac;    /* share of capacity that it takes */
    double payback_months;          /* of the tier's own flows */
    double rent_hours;              /* of use, after which a bought replica is cheaper than a rented one */
};

struct ts_econ {
    uint32_t n_tiers, n_months;
    /* The first month in full service: monthly cost by tier and kind, with capex spread over its life (straight line),
     * before tax. [n_tiers + 1][TS_N_COST_KINDS], the last row is `nowhere` (the router's fee for calls that no tier
     * took). */
    double (*monthly_usd)[TS_N_COST_KINDS];
    double *tier_kwh_per_month;          /* [n_tiers + 1], facility */
    double *tier_baseline_usd_per_month; /* [n_tiers + 1]: what the calls of each tier cost in the baseline */
    struct ts_econ_worth *worth;         /* [n_tiers + 2], the last is the plan as a whole */
    double total_usd_per_month;
    double baseline_usd_per_month; /* the same calls, those that policy lets out, at the API's price */
    double barred_usd_per_month;   /* what the API would charge for the others: not permitted, in no baseline */
    double kwh_per_month;          /* facility */
    double carbon_kg_per_month;
    /* The ledger: real cash by month, tier and kind, index 0 = today, then the end of each month. Every sum below is of
     * its rows. [(n_months + 1) (n_tiers + 1)], month-major: see ts_econ_row. */
    double (*ledger_usd)[TS_N_COST_KINDS];
    double *ledger_baseline_usd; /* what the tier's calls cost in the baseline */
    double *calls;               /* [n_months + 1] */
    double *lost;                /* [n_months + 1] of them, not answered: as simulated, or refused by full tiers */
    double *units;               /* [(n_months + 1) (n_tiers + 1)]: replicas in service, on average */
    /* Cash flows by month: [n_months + 1] */
    double *plan_usd;     /* spent (positive) by the plan in that month: real cash, capex when it is paid */
    double *baseline_usd; /* spent by the baseline */
    double *net_usd;      /* baseline - plan */
    double *plan_cumulative_usd, *baseline_cumulative_usd;
    double residual_usd; /* what the machines are still worth at the end of the horizon, after tax; in npv and irr, not
                            in flows */
    double npv_usd;      /* of net and the residual value at the monthly rate */
    double payback_months; /* INFINITY: never; NaN: there is nothing that could pay back */
    double discounted_payback_months;
    double
        payback_all_api_months; /* against all calls at the API, which policy forbids where barred_usd_per_month > 0 */
    double irr_per_year;        /* NaN if there is none, or more than one */
    double mirr_per_year;       /* at the discount rate both ways; NaN where nothing is paid or nothing comes back */
    uint32_t n_irr;             /* how many there are, at most 2 are counted */
    bool has_baseline;   /* a tier replaces an API, and has calls or a price: there is something to compare with */
    bool unpays;         /* the cumulative net falls below zero again after the payback */
    double refused_frac; /* of the horizon's calls: beyond what tiers can take, and not let out; they cost nothing */
    double refused_usd_per_call; /* mean price, at the API, of those that a full tier refuses though policy lets them
                                    out; NaN: there are none */
    double month_factor;         /* simulated window to month: multiplies whatever grows with calls */
    double time_factor;          /* time simulated to month: multiplies whatever grows with time (idle power) */
    struct ts_econ_capacity capacity;
    double capacity_growth; /* volume at which the first owned tier is full, as a multiple of today's; what is beyond
                               it goes to the API if it may. NaN: no owned tier is ever busy */
};

/* The ledger's row of a tier (n_tiers: nowhere) in a month. */
static inline size_t ts_econ_row(const struct ts_econ *econ, uint32_t month, uint32_t tier)
{
    return (size_t)month * (econ->n_tiers + 1) + tier;
}

/* TS_ENOMEM, or TS_ERANGE with a diagnostic when the result is empty (no time simulated). capacity: NULL: by busy
 * share.
 */
enum ts_status ts_econ_compute(struct ts_econ *out, const struct ts_model *model, const struct ts_result *result,
                               const struct ts_econ_capacity *capacity, struct ts_diags *diags);
/* The same in two steps: what is used, and what it costs. */
enum ts_status ts_econ_use_of(struct ts_econ_use *out, const struct ts_model *model, const struct ts_result *result,
                              struct ts_diags *diags);
enum ts_status ts_econ_of_use(struct ts_econ *out, const struct ts_model *model, const struct ts_econ_use *use,
                              const struct ts_econ_capacity *capacity, struct ts_diags *diags);
void ts_econ_deinit(struct ts_econ *econ);

/* The highest facility power of all owned tiers together, over a bin of the series; *own_w: what the tier has in that
 * bin (n_tiers and beyond: 0). Rented machines' power is somebody else's. */
double ts_econ_peak_w(double *own_w, const struct ts_model *model, const struct ts_result *result, uint32_t tier);

/* What a call of a class costs at a tier (n_tiers + 1: at all of them): its own API bill, and its part of what the
 * tier's units cost, by the time that calls are in service there. NaN without calls. */
double ts_econ_call_usd(const struct ts_econ *econ, const struct ts_result *result, uint32_t tier, uint32_t class_id);

#endif
