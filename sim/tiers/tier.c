/* The kinds of tiers: a new kind is a row here. */
#include "sim/serving/server.h"
#include "sim/tiers/api.h"
#include "sim/tiers/device.h"

const struct ts_tier_ops *const ts_tier_ops[TS_N_TIER_KINDS] = {
    [TS_TIER_DEVICE] = &ts_device_ops,
    [TS_TIER_SERVER] = &ts_server_ops,
    [TS_TIER_API] = &ts_api_ops,
};
