/* Hides the inverse of work over time. The work done in t, in seconds of a cold device, is
 *   s t + (1 - s) cold heating (1 - exp(-t/heating)),
 * concave in t: Newton's steps from t = work approach the root from below. Worked: s = 0.565, heating 60 s: what takes
 * a cold device 60 s takes 73.56 s. */
#include "sim/tiers/device_heat.h"

#include <math.h>

double ts_device_heat_time_s(const struct ts_heat_model *heat, double cold, double work_s)
{
    enum { MOST_STEPS = 60 };
    const double s = heat->sustained_frac, close = 1e-12;
    double t = work_s;
    for (int i = 0; i < MOST_STEPS; i++) {
        const double left = exp(-t / heat->heating_s);
        const double done = s * t + (1.0 - s) * cold * heat->heating_s * (1.0 - left);
        const double step = (work_s - done) / (s + (1.0 - s) * cold * left);
        t += step;
        if (fabs(step) <= close * t) {
            break;
        }
    }
    return t;
}

double ts_device_heat_at_work(const struct ts_heat_model *heat, double cold, double at_work_s)
{
    return cold * exp(-at_work_s / heat->heating_s);
}

double ts_device_heat_at_rest(const struct ts_heat_model *heat, double cold, double at_rest_s)
{
    return heat->cooling_s > 0.0 ? 1.0 - (1.0 - cold) * exp(-at_rest_s / heat->cooling_s) : 1.0;
}
