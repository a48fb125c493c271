/* Hides which API's cache a request meets in the baseline, and when: as it enters the first tier that takes it, once.
 * The reply there would have begun after the API's mean time to the first token. */
#include "sim/tiers/displaced.h"

#include "base/units.h"

/* The API that a tier stands for: the one that it replaces, or itself; -1: none. */
static int api_of(const struct ts_model *model, uint32_t tier)
{
    return model->tiers[tier].kind == TS_TIER_API ? (int)tier : model->tiers[tier].replaces;
}

void ts_displaced_init(struct ts_displaced *out, const struct ts_model *model)
{
    *out = (struct ts_displaced){.model = model};
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        const int api = model->tiers[i].replaces;
        const struct ts_api_model *replaced = api >= 0 ? &model->tiers[api].u.api : NULL;
        if (replaced && replaced->offers[0].cached_input_usd_per_mtok != replaced->offers[0].input_usd_per_mtok) {
            out->caches[api] = ts_prompt_cache_of(&replaced->cache);
        }
    }
}

void ts_displaced_deinit(struct ts_displaced *displaced)
{
    for (uint32_t i = 0; displaced->model && i < displaced->model->n_tiers; i++) {
        ts_prompt_cache_deinit(&displaced->caches[i]);
    }
}

enum ts_status ts_displaced_meet(struct ts_displaced *displaced, struct ts_call *call, uint32_t tier, int64_t now_ns)
{
    const int api = call->request.prefix.n_ids > 0 ? api_of(displaced->model, tier) : -1;
    if (api < 0 || displaced->caches[api].life_ns == 0 || call->met_displaced) {
        return TS_OK;
    }
    call->met_displaced = true;
    const struct ts_api_model *replaced = &displaced->model->tiers[api].u.api;
    const double ttft_s = ts_dist_mean(replaced->offers[0].ttft_s ? replaced->offers[0].ttft_s : &replaced->ttft_s);
    return ts_prompt_cache_meet(&call->displaced_tok, &displaced->caches[api], 0, &call->request, now_ns,
                                now_ns + ts_ns_from_s(ttft_s));
}
