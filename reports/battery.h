/* What replies take of batteries, in energy above idle. */
#ifndef TS_REPORTS_BATTERY_H
#define TS_REPORTS_BATTERY_H

#include "sim/result.h"

/* Of devices that have a battery; all 0 where none has. */
struct ts_battery_use {
    double charges, replies; /* taken, and given after the warm-up */
    double user_days;        /* days of those who called */
};

/* Of one kind of a tier's devices (0 of a fleet that is not mixed), and of all of them. */
struct ts_battery_use ts_battery_of_kind(const struct ts_model *model, const struct ts_result *result, uint32_t tier,
                                         uint32_t kind);
struct ts_battery_use ts_battery_of_tier(const struct ts_model *model, const struct ts_result *result, uint32_t tier);

/* Has any device of a tier one? */
bool ts_battery_is_in(const struct ts_tier_model *tier);

#endif
