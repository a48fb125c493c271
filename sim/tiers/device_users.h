/* The users of a device tier: who asks, and whose device can run the model. */
#ifndef TS_SIM_TIERS_DEVICE_USERS_H
#define TS_SIM_TIERS_DEVICE_USERS_H

#include <stdbool.h>
#include <stdint.h>

/* The user of a request, in 0..n_users-1, and whether that user's device is among the eligible share. */
uint32_t ts_device_user(uint64_t seed, uint64_t request_id, uint32_t n_users);
bool ts_device_is_eligible(uint64_t seed, uint32_t user, double eligible_frac);
/* Is that user among the share that an incident strikes? Other users than those of an eligible share. */
bool ts_device_is_struck(uint64_t seed, uint32_t user, double struck_frac);
/* How many of them are: the share is that of the draw, not of these users. */
uint32_t ts_device_n_eligible(uint64_t seed, uint32_t n_users, double eligible_frac);

#endif
