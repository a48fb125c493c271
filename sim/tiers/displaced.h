/* What prompt caches would have found had every call gone to the API: the calls that a tier takes in place of an API
 * are billed in the baseline as that API would have billed them, with what its cache holds of them and of the calls
 * that do go there. Only for APIs that some tier replaces and whose first offer has a price of its own for cached
 * input. */
#ifndef TS_SIM_TIERS_DISPLACED_H
#define TS_SIM_TIERS_DISPLACED_H

#include "sim/flight.h"
#include "sim/model.h"
#include "sim/tiers/prompt_cache.h"

struct ts_displaced {
    const struct ts_model *model;
    struct ts_prompt_cache caches[TS_MAX_TIERS]; /* by API; of the others no time to live */
};

void ts_displaced_init(struct ts_displaced *out, const struct ts_model *model);
void ts_displaced_deinit(struct ts_displaced *displaced);

/* An attempt of the call is taken by a tier: the first one sets call->displaced_tok. TS_ENOMEM. */
enum ts_status ts_displaced_meet(struct ts_displaced *displaced, struct ts_call *call, uint32_t tier, int64_t now_ns);

#endif
