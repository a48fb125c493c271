/* Step times of the live engine, measured in its own surroundings: before, in pauses of, and after the runs that they
 * are to predict. What is timed are steps that no request asked for: the grid of `tiersim bench model`, and stretches
 * of steps like those that a simulation of the workload comes to, in their order and with their idle times, because a
 * step is slower after one of another kind, or when the processor has slept. */
#ifndef TS_LIVE_CALIBRATE_H
#define TS_LIVE_CALIBRATE_H

#include "base/arena.h"
#include "kernels/bench/bench.h"
#include "live/live.h"
#include "sim/pace.h"

enum { TS_CALIBRATION_MAX_GROUPS = 8, TS_CALIBRATION_MAX_RUNS = 1024 };

struct ts_calibration; /* opaque */

struct ts_calibration_options {
    struct ts_live *live; /* borrowed */
    uint32_t max_batch, max_prefill, max_depth;
    uint64_t seed;
    struct ts_progress progress;
};

/* TS_ERANGE if no step fits the engine; TS_ENOMEM. */
enum ts_status ts_calibration_create(struct ts_calibration **out, const struct ts_calibration_options *options,
                                     struct ts_diags *diags);
void ts_calibration_destroy(struct ts_calibration *calibration);

/* Adds stretches of these n steps, evenly spread over them, to the steps to be timed, as group 0, 1.. in order of the
 * calls. At most TS_CALIBRATION_MAX_GROUPS. */
void ts_calibration_follow(struct ts_calibration *calibration, const struct ts_live_load *loads, size_t n);

/* Times steps for that long, in an order that changes: the grid as long as there are no stretches, then those. Each at
 * least once. TS_EINTERRUPTED, TS_ENOMEM. */
enum ts_status ts_calibration_measure(struct ts_calibration *calibration, double seconds, struct ts_diags *diags);

/* From now on pauses belong to run `run` (below TS_CALIBRATION_MAX_RUNS) and take the stretches of that group. */
void ts_calibration_begin_run(struct ts_calibration *calibration, uint32_t run, uint32_t group);
/* Times one stretch, at `at_s` of the run. */
enum ts_status ts_calibration_pause(struct ts_calibration *calibration, double at_s, struct ts_diags *diags);

/* All samples so far with the fits to their means. Lives in `arena`. TS_ENOMEM; TS_ERANGE if there are too few. */
enum ts_status ts_calibration_fit(struct ts_model_measurement *out, const struct ts_calibration *calibration,
                                  struct ts_arena *arena, struct ts_diags *diags);

/* What steps remember of those before them, fitted to all stretches: the sum of what steps of either kind took is that
 * of the fit's times by these factors. Factors of 1 where there are no samples. */
void ts_calibration_memory(struct ts_pace_memory *out, const struct ts_calibration *calibration,
                           const struct ts_model_measurement *fit);

/* What the fit's step times must be multiplied with over a run: what they remember, and how slow the machine was
 * against all the time that was measured in, by what the run's pauses took, averaged over window_s around each of them,
 * less what is noise of it; without samples no points. `memory` is borrowed, all else lives in `arena`. TS_ENOMEM. */
enum ts_status ts_calibration_pace(struct ts_pace *out, const struct ts_calibration *calibration, uint32_t run,
                                   const struct ts_model_measurement *fit, const struct ts_pace_memory *memory,
                                   double window_s, struct ts_arena *arena);

/* Appends a CSV row for each step that a pause timed: what it was, seconds, fitted_s, and expected_s with what is
 * remembered; with a header. */
void ts_calibration_csv(struct ts_text *out, const struct ts_calibration *calibration,
                        const struct ts_model_measurement *fit, const struct ts_pace_memory *memory);

#endif
