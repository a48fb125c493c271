/* The device tier: a fleet of users' devices. A request belongs to a user, by a hash of (seed, request); whether the
 * user's device can run the model is a hash of (seed, user), so the same user is always in or out. A device serves one
 * request at a time, first come first served. Only busy devices take memory, and all of a tier whose devices
 * get hot or may give calls a share of their charge a day alone: 24 bytes each. */
#ifndef TS_SIM_TIERS_DEVICE_H
#define TS_SIM_TIERS_DEVICE_H

#include "sim/engine.h"
#include "sim/tiers/device_users.h"

extern const struct ts_tier_ops ts_device_ops;

/* Adds the gaps between the tokens of a lone reply: n decode steps that read first_kv_tok, first_kv_tok + 1, ...
 * entries. The gaps grow evenly, so they go in as groups whose spread is below the histogram's resolution, each at its
 * mean, that many times longer; returns the exact total of the steps in ns, at their own length. itl may be NULL. */
int64_t ts_device_decode_ns(struct ts_hist *itl, const struct ts_steps_model *steps, uint64_t first_kv_tok, uint32_t n,
                            double slower);

#endif
