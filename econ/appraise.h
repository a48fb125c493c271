/* What a ledger comes to: present value, rates of return, paybacks, cost of a token and a call; pure. */
#ifndef TS_ECON_APPRAISE_H
#define TS_ECON_APPRAISE_H

#include <stddef.h>

#include "econ/tier_month.h"

/* From an econ whose ledger and first month are complete. tiers: [n_tiers + 1]; residual_usd: of each of them;
 * all_api_usd: net flows against all calls at the API. TS_ENOMEM. */
enum ts_status ts_appraise(struct ts_econ *econ, const struct ts_model *model, const struct ts_tier_month *tiers,
                           const double *residual_usd, const double *all_api_usd);

/* Months until flows[n] (index 0: today) have come back, discounted at a rate a month. A plan without capex starts at
 * zero: it pays back at once if its first month that differs saves money, else when it has recovered what it lost. NaN:
 * it never differs; INFINITY: never. */
double ts_appraise_payback(double rate, const double *flows, size_t n);

#endif
