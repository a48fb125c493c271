/* What each tier costs in a month like the simulated window, at today's volume and prices; pure. Beside econ/econ.h,
 * for the parts of this room. */
#ifndef TS_ECON_TIER_MONTH_H
#define TS_ECON_TIER_MONTH_H

#include "econ/econ.h"

/* Money of a month, of what is there today (econ.c has the letters). */
struct ts_tier_month {
    const struct ts_owned_model *owned;
    struct ts_tier_use use;
    double n_units;                 /* replicas; 1 for what has none */
    double usd_per_kwh, demand_usd; /* mean price over the hours in which energy is drawn; charge for its peak */
    double maintenance_usd, staff_usd, colocation_usd, licences_usd, other_usd, downloads_usd, rent_usd;
    double capacity; /* the volume at which it is full; INFINITY: it never is */
};

/* Replicas of a server, 1 of what has none; tier = n_tiers: nowhere. */
uint32_t ts_tier_n_units(const struct ts_model *model, uint32_t tier);

/* Needs econ->capacity. */
struct ts_tier_month ts_tier_month_of(const struct ts_econ *econ, const struct ts_model *model,
                                      const struct ts_tier_use *use, uint32_t tier);

/* Of the calls that it cannot take: the share which policy bars from the API that it replaces, and the share which ends
 * nowhere once it is full. */
double ts_tier_barred(const struct ts_tier_month *tier);
double ts_tier_refused_when_full(const struct ts_tier_month *tier);

#endif
