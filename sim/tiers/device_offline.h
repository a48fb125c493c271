/* Hours in which users' devices are switched off or out of reach. On every day another part of the users is drawn: in
 * the hours of the model a share of them, on Saturdays and Sundays (where those are told apart) a share of their own
 * all day. A night over midnight is of the day on which it began. */
#ifndef TS_SIM_TIERS_DEVICE_OFFLINE_H
#define TS_SIM_TIERS_DEVICE_OFFLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/model.h"

/* The share of the users whose device is offline at an hour, counted from a Monday 00:00; it may be negative, or
 * beyond a week. */
double ts_device_offline_frac(const struct ts_offline_model *offline, double hour);

/* Is that user's? */
bool ts_device_is_offline(const struct ts_offline_model *offline, uint64_t seed, uint32_t user, double hour);

#endif
