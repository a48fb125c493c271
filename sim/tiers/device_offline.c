/* Hides how an hour becomes a day and a share. Worked: from 22 to 7 half of the users, and on weekends all: at 3:00 on
 * a Tuesday half of them, those who were drawn on Monday; on Saturday at noon all; from 7:00 to 22:00 on weekdays none.
 */
#include "sim/tiers/device_offline.h"

#include <math.h>

#include "sim/tiers/device_users.h"

enum { DAY_H = 24, WEEK_DAYS = 7, SATURDAY = 5 };

static bool is_weekend(const struct ts_offline_model *offline, double day)
{
    const double of_week = day - WEEK_DAYS * floor(day / WEEK_DAYS);
    return offline->has_weekend && of_week >= SATURDAY;
}

double ts_device_offline_frac(const struct ts_offline_model *offline, double hour)
{
    const double day = floor(hour / DAY_H);
    if (is_weekend(offline, day)) {
        return offline->weekend_frac;
    }
    return ts_hours_hold(offline->from_hour, offline->to_hour, hour - DAY_H * day) ? offline->share_frac : 0.0;
}

bool ts_device_is_offline(const struct ts_offline_model *offline, uint64_t seed, uint32_t user, double hour)
{
    const double day = floor(hour / DAY_H);
    const bool began_before =
        !is_weekend(offline, day) && offline->from_hour > offline->to_hour && hour - DAY_H * day < offline->to_hour;
    return ts_device_is_drawn(seed, user, (int64_t)day - began_before, ts_device_offline_frac(offline, hour));
}
