/* Heat of a device. While it works its rate falls from that of a cold one towards a sustained one,
 *   rate(t) = sustained + (cold - sustained) x exp(-t/heating),
 * and while it rests it recovers in the same manner with a time of its own. With `cold` in 0..1 for how cold it is and
 * rates relative to the cold one: rate = s + (1 - s) x cold, cold(t) = cold(0) exp(-t/heating) at work,
 * 1 - (1 - cold(0)) exp(-t/cooling) at rest.
 *
 * Sources: TinyBench (arXiv 2603.23640): an iPhone 16 Pro falls from 40 to 22.6 tok/s, s = 0.565. Ten minutes of Gemma
 * 4 E2B on an iPhone 17 Pro (john-rocky, dev.to): on the neural engine from 33 to 22 tok/s, a tenth lost after 93 s and
 * a quarter after 390 s (heating 281 s), on the GPU by MLX from 48 to 18 (25 % after 35 s: 69 s), by LiteRT from 56 to
 * 27 (25 % after 40 s: 61 s). Recovery has not been measured: the time is assumed. */
#ifndef TS_SIM_TIERS_DEVICE_HEAT_H
#define TS_SIM_TIERS_DEVICE_HEAT_H

#include <stdbool.h>

#include "sim/model.h"

static inline bool ts_device_heat_is_on(const struct ts_heat_model *heat)
{
    return heat->sustained_frac > 0.0 && heat->sustained_frac < 1.0;
}

/* How long work takes that takes work_s when cold. */
double ts_device_heat_time_s(const struct ts_heat_model *heat, double cold, double work_s);
/* How cold it is after so long at work; at_work_s may be negative: before. */
double ts_device_heat_at_work(const struct ts_heat_model *heat, double cold, double at_work_s);
/* The same at rest. */
double ts_device_heat_at_rest(const struct ts_heat_model *heat, double cold, double at_rest_s);

#endif
