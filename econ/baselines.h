/* Baselines of a plan: named, each with its bill, whether policy permits it, and what the plan is worth beside
 * it. The headline's is the first. Pure, but for the service, which is simulated elsewhere (study/service.h). */
#ifndef TS_ECON_BASELINES_H
#define TS_ECON_BASELINES_H

#include "econ/econ.h"

enum ts_baseline_kind {
    TS_BASELINE_PERMITTED,    /* the calls that policy permits, at the API that the tiers replace */
    TS_BASELINE_ALL,          /* all calls there: forbidden where policy keeps some in */
    TS_BASELINE_SAME_WEIGHTS, /* what the first is, at the cheapest API that offers the tiers' own models */
    TS_BASELINE_PRESENT,      /* money.present */
    TS_BASELINE_NOTHING,      /* no call is answered */
    TS_N_BASELINES
};

/* How calls fare: share of them within the SLO, p95 of the time to the first token, share answered right. NaN: not
 * known. */
struct ts_service {
    double slo_frac, ttft_p95_s, right_frac;
};

struct ts_baseline {
    bool is_there;
    bool is_permitted;
    double usd_per_month;           /* of the first month */
    double npv_usd, payback_months; /* of the plan against it */
    struct ts_service service;
};

/* Months' prices as in econ.c; the present contract grows as calls do, its prices do not fall. NPV counts what the
 * machines are worth at the end. TS_ENOMEM. Services are not known yet. */
enum ts_status ts_baselines_compute(struct ts_baseline out[TS_N_BASELINES], const struct ts_econ *econ,
                                    const struct ts_model *model, const struct ts_result *result);

#endif
