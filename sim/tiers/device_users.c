/* Hides the hashes that say which user a request belongs to and of which kind a device is, and whose is eligible. */
#include "sim/tiers/device_users.h"

#include "base/rng.h"

uint32_t ts_device_user(uint64_t seed, uint64_t request_id, uint32_t n_users)
{
    const uint64_t hash = ts_mix64(ts_mix64(seed ^ 0x757365725f6f66ULL) + request_id * 0x9e3779b97f4a7c15ULL);
    return (uint32_t)((hash >> 32) * n_users >> 32);
}

/* In [0, 1), a user's own. */
static double uniform(uint64_t key, uint32_t user)
{
    const uint64_t hash = ts_mix64(ts_mix64(key) + user * 0x9e3779b97f4a7c15ULL);
    return (double)(hash >> 11) * 0x1p-53;
}

double ts_device_has_model_from_s(uint64_t seed, uint32_t user, const struct ts_device_model *fleet)
{
    return fleet->rolls_out ? uniform(seed ^ 0x726f6c6c6f7574ULL, user) * fleet->rollout_s + fleet->download_s : 0.0;
}

bool ts_device_is_eligible(uint64_t seed, uint32_t user, double eligible_frac)
{
    return uniform(seed ^ 0x656c696769626c65ULL, user) < eligible_frac;
}

bool ts_device_is_struck(uint64_t seed, uint32_t user, double struck_frac)
{
    return uniform(seed ^ 0x73747275636bULL, user) < struck_frac;
}

bool ts_device_is_drawn(uint64_t seed, uint32_t user, int64_t day, double drawn_frac)
{
    return uniform(ts_mix64(seed ^ 0x6f66666c696e65ULL) + (uint64_t)day, user) < drawn_frac;
}

uint32_t ts_device_user_of(uint64_t seed, const struct ts_request *request, uint32_t n_users)
{
    return request->user > 0 ? (request->user - 1) % n_users : ts_device_user(seed, request->id, n_users);
}

uint32_t ts_device_kind(uint64_t seed, uint32_t user, const struct ts_device_model *fleet)
{
    if (fleet->n_kinds <= 1) {
        return 0;
    }
    double left = uniform(seed ^ 0x6b696e64ULL, user);
    uint32_t kind = 0;
    while (kind + 1 < fleet->n_kinds && left >= fleet->kinds[kind].share_frac) {
        left -= fleet->kinds[kind++].share_frac;
    }
    return kind;
}

uint32_t ts_device_n_eligible(uint64_t seed, const struct ts_device_model *fleet, uint32_t kind)
{
    const double eligible_frac = ts_device_of_kind(fleet, kind)->eligible_frac;
    const bool all = eligible_frac >= 1.0 && fleet->n_kinds <= 1;
    uint32_t n = all ? fleet->n_users : 0;
    for (uint32_t user = 0; !all && user < fleet->n_users; user++) {
        n += ts_device_kind(seed, user, fleet) == kind && ts_device_is_eligible(seed, user, eligible_frac);
    }
    return n;
}
