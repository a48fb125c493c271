/* Hides how the memory of steps is fitted. A step of one kind took y, the fit says f, and it began with a heat h: then
 * y = k f + a h. k and a follow by least squares, each step weighted with 1/f: so the sum of what is fitted is the sum
 * of what was taken. Of some memories, that with the least squares of both kinds together. */
#include <math.h>

#include "live/calibrate_parts.h"

/* Weighted sums of products. */
struct sums {
    double ff, fh, hh, fy, hy, yy;
};

static void add_step(struct sums *sums, double f, double h, double y)
{
    sums->ff += f;
    sums->fh += h;
    sums->hh += h * h / f;
    sums->fy += y;
    sums->hy += h * y / f;
    sums->yy += y * y / f;
}

/* With a >= 0. Returns the sum of squares that is left. */
static double solve(struct ts_pace_kind *out, const struct sums *sums)
{
    *out = (struct ts_pace_kind){.factor = 1.0};
    if (!(sums->ff > 0.0)) {
        return 0.0;
    }
    const double spread = sums->ff * sums->hh - sums->fh * sums->fh;
    const double rise = sums->ff * sums->hy - sums->fh * sums->fy;
    double a = spread > 1e-6 * sums->ff * sums->hh && rise > 0.0 ? rise / spread : 0.0;
    if (a * sums->fh >= sums->fy) {
        a = 0.0;
    }
    const double k = (sums->fy - a * sums->fh) / sums->ff;
    *out = (struct ts_pace_kind){.factor = k, .extra_s = a};
    return sums->yy - 2.0 * (k * sums->fy + a * sums->hy) + k * k * sums->ff + 2.0 * k * a * sums->fh +
           a * a * sums->hh;
}

static double fit_memory(struct ts_pace_memory *out, const struct ts_calibration *calibration,
                         const struct ts_model_measurement *fit, size_t memory)
{
    struct sums sums[2] = {{0}}; /* without prompt tokens, with */
    for (size_t i = 0; i < calibration->n_notes; i++) {
        const struct ts_stretch_note *note = &calibration->notes[i];
        add_step(&sums[ts_calibration_has_prompt(calibration, note)],
                 ts_calibration_fitted_s(calibration, note->item, fit), note->heats[memory], note->seconds);
    }
    out->memory_s = ts_live_memory_s[memory];
    const double left = solve(&out->decode, &sums[0]);
    return left + solve(&out->prompt, &sums[1]);
}

void ts_calibration_memory(struct ts_pace_memory *out, const struct ts_calibration *calibration,
                           const struct ts_model_measurement *fit)
{
    double least = INFINITY;
    for (size_t i = 0; i < TS_LIVE_N_MEMORIES; i++) {
        struct ts_pace_memory memory;
        const double left = fit_memory(&memory, calibration, fit, i);
        if (left < least) {
            least = left;
            *out = memory;
        }
    }
}
