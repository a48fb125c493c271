/* What each tier does and costs in a month like the simulated window, at today's volume and prices; pure. Beside
 * econ/econ.h, for the parts of this room. */
#ifndef TS_ECON_TIER_MONTH_H
#define TS_ECON_TIER_MONTH_H

#include "base/diag.h"
#include "econ/econ.h"

/* Money of a month, of what is there today (econ.c has the letters). */
struct ts_tier_month {
    const struct ts_owned_model *owned;
    double n_units; /* replicas; 1 for what has none */
    double idle_kwh, active_kwh;
    double usd_per_kwh, demand_usd; /* mean price over the hours in which energy is drawn; charge for its peak */
    double maintenance_usd, staff_usd, colocation_usd, licences_usd, other_usd, rent_usd;
    double api_usd, superseded_usd;   /* A, S */
    double provisioned_usd;           /* P, of units that are paid whether they are used or not */
    double router_usd;                /* R */
    double displaced_usd, barred_usd; /* D and the part of it that policy would have kept */
    double calls, tokens;
    double busy_frac; /* share of all its units' time that they work */
    double capacity;  /* the volume at which it is full; INFINITY: it never is */
};

/* Sets econ->month_factor and time_factor. TS_ERANGE with a diagnostic when the result is empty. */
enum ts_status ts_tier_month_factors(struct ts_econ *econ, const struct ts_model *model, const struct ts_result *result,
                                     struct ts_diags *diags);
/* tier = n_tiers: nowhere. Needs the factors and econ->capacity. */
struct ts_tier_month ts_tier_month_of(const struct ts_econ *econ, const struct ts_model *model,
                                      const struct ts_result *result, uint32_t tier);

#endif
