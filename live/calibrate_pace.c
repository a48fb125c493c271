/* Hides what is called slow. A stretch that took t_i at s_i took u_i on average all the other times. The machine's
 * slowness around s is r = sum t_i / sum u_i over |s_i - s| <= window/2: a ratio of sums, as a run's time is a sum of
 * steps, and of the very same steps. Part of r - 1 is noise, and near capacity a queue amplifies it, so it is shrunk by
 * signal/(signal + noise/n) (Stein; n pauses in the window): noise is half the mean square of what one pause differs
 * from the next, signal is what the mean square of r_i - 1 is more. On a steady machine 1 is left. The pace is that
 * times how slow the machine was on the whole while that load's stretches were timed, against the fit, shrunk in the
 * same way: what a fit is off for some stretches is no pace. */
#include "live/calibrate_parts.h"

#include <math.h>
#include <stdlib.h>

/* A pause of a run: how long its stretch took, and how long on average the other times. */
struct pause {
    double at_s, taken_s, usual_s;
};

static size_t pauses_of(struct pause *out, const struct ts_calibration *calibration, uint32_t run)
{
    size_t n = 0;
    for (size_t i = 0; i < calibration->n_notes; i++) {
        const struct ts_stretch_note *note = &calibration->notes[i];
        if (note->run != run || calibration->stretches[note->stretch].n_times < 2) {
            continue;
        }
        if (n == 0 || out[n - 1].at_s != note->at_s) {
            out[n++] = (struct pause){.at_s = note->at_s, .usual_s = calibration->stretches[note->stretch].sum_s};
        }
        out[n - 1].taken_s += note->seconds;
        if (i + 1 == calibration->n_notes || calibration->notes[i + 1].at_s != note->at_s ||
            calibration->notes[i + 1].run != run) {
            const double n_others = calibration->stretches[note->stretch].n_times - 1.0;
            out[n - 1].usual_s = (out[n - 1].usual_s - out[n - 1].taken_s) / n_others;
        }
    }
    return n;
}

/* How long a stretch took, all times together, against what was to be expected; 0: it was never timed. */
static double misfit_of(const struct ts_calibration *calibration, size_t stretch,
                        const struct ts_model_measurement *fit, const struct ts_pace_memory *memory)
{
    double expected_s = 0.0;
    for (size_t i = 0; i < calibration->n_notes; i++) {
        const struct ts_stretch_note *note = &calibration->notes[i];
        if (note->stretch == stretch) {
            expected_s += ts_calibration_expected_s(calibration, note, fit, memory);
        }
    }
    return expected_s > 0.0 ? calibration->stretches[stretch].sum_s / expected_s : 0.0;
}

/* How slow the machine was on the whole when that run's group was timed: the mean misfit of its stretches, as far as it
 * is more than their scatter explains. */
static double level_of(const struct ts_calibration *calibration, uint32_t run, const struct ts_model_measurement *fit,
                       const struct ts_pace_memory *memory)
{
    const struct ts_stretch_group *group = &calibration->groups[calibration->run_groups[run]];
    double n = 0.0;
    double mean = 0.0;
    double squares = 0.0;
    for (size_t i = group->first; i < group->first + group->n; i++) {
        const double misfit = misfit_of(calibration, i, fit, memory);
        if (misfit > 0.0) {
            const double off = misfit - mean;
            n += 1.0;
            mean += off / n;
            squares += off * (misfit - mean);
        }
    }
    const double noise = n > 1.0 ? squares / (n * (n - 1.0)) : INFINITY;
    const double all = (mean - 1.0) * (mean - 1.0);
    return all > noise ? 1.0 + (mean - 1.0) * (all - noise) / all : 1.0;
}

static double ratio_of(const struct pause *pause)
{
    return pause->taken_s / pause->usual_s;
}

/* How pauses scatter: by how much one differs from the next, and by how much all differ from 1. */
static void variances_of(double *noise, double *all, const struct pause *pauses, size_t n)
{
    *noise = *all = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double off = ratio_of(&pauses[i]) - 1.0;
        const double step = i > 0 ? ratio_of(&pauses[i]) - ratio_of(&pauses[i - 1]) : 0.0;
        *all += off * off / (double)n;
        *noise += n > 1 ? 0.5 * step * step / (double)(n - 1) : 0.0;
    }
}

static double pace_around(const struct pause *pauses, size_t n, double at_s, double window_s)
{
    double noise, all;
    struct pause sum = {0};
    double n_near = 0.0;
    for (size_t i = 0; i < n; i++) {
        if (fabs(pauses[i].at_s - at_s) <= 0.5 * window_s) {
            sum.taken_s += pauses[i].taken_s;
            sum.usual_s += pauses[i].usual_s;
            n_near += 1.0;
        }
    }
    variances_of(&noise, &all, pauses, n);
    const double signal = fmax(0.0, all - noise);
    const double trust = signal > 0.0 ? signal / (signal + noise / n_near) : 0.0;
    return 1.0 + trust * (ratio_of(&sum) - 1.0);
}

enum ts_status ts_calibration_pace(struct ts_pace *out, const struct ts_calibration *calibration, uint32_t run,
                                   const struct ts_model_measurement *fit, const struct ts_pace_memory *memory,
                                   double window_s, struct ts_arena *arena)
{
    const size_t max = calibration->n_notes + 1;
    double *at_s = ts_arena_array(arena, max, sizeof *at_s);
    double *factor = ts_arena_array(arena, max, sizeof *factor);
    struct pause *pauses = calloc(max, sizeof *pauses);
    *out = (struct ts_pace){.memory = memory};
    if (!at_s || !factor || !pauses) {
        free(pauses);
        return TS_ENOMEM;
    }
    const size_t n = pauses_of(pauses, calibration, run);
    const double level = n > 0 ? level_of(calibration, run, fit, memory) : 1.0;
    for (size_t i = 0; i < n; i++) {
        at_s[i] = pauses[i].at_s;
        factor[i] = level * pace_around(pauses, n, pauses[i].at_s, window_s);
    }
    free(pauses);
    *out = (struct ts_pace){.at_s = at_s, .factor = factor, .n = n, .memory = memory};
    return TS_OK;
}
