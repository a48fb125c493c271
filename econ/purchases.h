/* When machines are bought, replaced and sold, what is written off and what they are worth at the end; pure. */
#ifndef TS_ECON_PURCHASES_H
#define TS_ECON_PURCHASES_H

#include <stdint.h>

#include "base/status.h"
#include "sim/model.h"

/* Machines that are bought together. */
struct ts_purchase {
    double usd; /* paid in `month` */
    uint32_t month;
    double from, to; /* months in service; to = INFINITY: never replaced */
    uint32_t sold;   /* month in which they are sold; UINT32_MAX: not inside the horizon */
    double resale_usd;
};

/* Those of a tier: a first lot and, with when_full: buy, further ones, each with its replacements. */
struct ts_purchases {
    struct ts_purchase *items;
    uint32_t n, max;
    double *units; /* [n_months + 1] replicas in service in a month, on average; a multiple of the first lot is 1 */
    double *first; /* [n_months + 1] share of the month in which the first lot serves */
};

/* volume[m]: calls of month m in today's; capacity: the volume at which the first lot is full; most: replicas that
 * the site can power, INFINITY if it does not matter. TS_ENOMEM. */
enum ts_status ts_purchases_plan(struct ts_purchases *out, const struct ts_owned_model *owned, double n_units,
                                 double capacity, double most, const double *volume,
                                 const struct ts_money_model *money);
void ts_purchases_deinit(struct ts_purchases *purchases);

/* Paid less what the sale of old machines brings, in a month. */
double ts_purchases_cash(const struct ts_purchases *purchases, uint32_t month);
/* What is written off in a month for tax; what a sale brings above what is left in the books counts against it. */
double ts_purchases_write_off(const struct ts_purchases *purchases, uint32_t month, enum ts_depreciation how);
/* At the end of the horizon, on the straight line from price to resale. */
double ts_purchases_residual(const struct ts_purchases *purchases, uint32_t n_months);
/* What is left in the books then. */
double ts_purchases_book(const struct ts_purchases *purchases, uint32_t n_months, enum ts_depreciation how);

#endif
