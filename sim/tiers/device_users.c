/* Hides the hashes that say which user a request belongs to and whose device is eligible. */
#include "sim/tiers/device_users.h"

#include "base/rng.h"

uint32_t ts_device_user(uint64_t seed, uint64_t request_id, uint32_t n_users)
{
    const uint64_t hash = ts_mix64(ts_mix64(seed ^ 0x757365725f6f66ULL) + request_id * 0x9e3779b97f4a7c15ULL);
    return (uint32_t)((hash >> 32) * n_users >> 32);
}

bool ts_device_is_eligible(uint64_t seed, uint32_t user, double eligible_frac)
{
    const uint64_t hash = ts_mix64(ts_mix64(seed ^ 0x656c696769626c65ULL) + user * 0x9e3779b97f4a7c15ULL);
    return (double)(hash >> 11) * 0x1p-53 < eligible_frac;
}

bool ts_device_is_struck(uint64_t seed, uint32_t user, double struck_frac)
{
    const uint64_t hash = ts_mix64(ts_mix64(seed ^ 0x73747275636bULL) + user * 0x9e3779b97f4a7c15ULL);
    return (double)(hash >> 11) * 0x1p-53 < struck_frac;
}

uint32_t ts_device_n_eligible(uint64_t seed, uint32_t n_users, double eligible_frac)
{
    uint32_t n = eligible_frac >= 1.0 ? n_users : 0;
    for (uint32_t user = 0; eligible_frac < 1.0 && user < n_users; user++) {
        n += ts_device_is_eligible(seed, user, eligible_frac);
    }
    return n;
}
