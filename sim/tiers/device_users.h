/* The users of a device tier: who asks, and whose device can run the model. */
#ifndef TS_SIM_TIERS_DEVICE_USERS_H
#define TS_SIM_TIERS_DEVICE_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/model.h"

/* The user of a request, in 0..n_users-1: by its number, or the user of a closed loop as far as there are devices. */
uint32_t ts_device_user(uint64_t seed, uint64_t request_id, uint32_t n_users);
uint32_t ts_device_user_of(uint64_t seed, const struct ts_request *request, uint32_t n_users);
/* Which of a mixed fleet's kinds a user's device is, by their shares; 0 of another fleet. */
uint32_t ts_device_kind(uint64_t seed, uint32_t user, const struct ts_device_model *fleet);
/* From when on the user's device has the model, in seconds from the start of the run: where the fleet rolls it out,
 * evenly over that time, and a download later; else 0. */
double ts_device_has_model_from_s(uint64_t seed, uint32_t user, const struct ts_device_model *fleet);
/* Is the user's device among the eligible share? */
bool ts_device_is_eligible(uint64_t seed, uint32_t user, double eligible_frac);
/* Is that user among the share that an incident strikes? Other users than those of an eligible share. */
bool ts_device_is_struck(uint64_t seed, uint32_t user, double struck_frac);
/* Is that user among the share that is drawn anew for each day? */
bool ts_device_is_drawn(uint64_t seed, uint32_t user, int64_t day, double drawn_frac);
/* How many users of a kind have an eligible device: the shares are those of the draws, not of these users. */
uint32_t ts_device_n_eligible(uint64_t seed, const struct ts_device_model *fleet, uint32_t kind);

#endif
