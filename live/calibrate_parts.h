/* What a calibration is made of: for the timing of steps (calibrate.c) and for the pace (calibrate_pace.c). */
#ifndef TS_LIVE_CALIBRATE_PARTS_H
#define TS_LIVE_CALIBRATE_PARTS_H

#include "base/rng.h"
#include "live/calibrate.h"

#define TS_NO_RUN UINT32_MAX

enum { TS_STRETCHES = 16, TS_STRETCH_STEPS = 48 }; /* of a group; of a stretch */

struct ts_timed_item {
    struct ts_model_step step;
    double samples[TS_MODEL_STEP_MAX_SAMPLES];
    uint32_t n_taken; /* more than there is room for: the later ones take the place of earlier ones */
};

struct ts_stretch {
    uint32_t items[TS_STRETCH_STEPS];
    double idle_s[TS_STRETCH_STEPS]; /* before each */
    size_t n;
    /* The first time decides which steps count, from `first` on, and with which it ends: n. */
    size_t first;
    uint32_t n_times; /* how often it was timed */
    double sum_s;     /* what the steps that count took, all in all */
};

/* Stretches of one workload, in an order that is shuffled when it has been gone through. */
struct ts_stretch_group {
    size_t first, n, next;
    uint32_t order[TS_STRETCHES];
};

/* One sample of a stretch. */
struct ts_stretch_note {
    uint32_t run; /* in one of whose pauses; TS_NO_RUN: before or after all of them */
    uint32_t item, stretch;
    double at_s; /* of the run */
    double idle_s, seconds;
    double heats[TS_LIVE_N_MEMORIES]; /* as it began */
};

struct ts_calibration {
    struct ts_calibration_options options;
    struct ts_rng rng;
    struct ts_timed_item *items; /* [n_items] the first n_grid are the grid */
    size_t n_items, n_grid;
    struct ts_stretch *stretches; /* [n_stretches] */
    size_t n_stretches;
    struct ts_stretch_group groups[TS_CALIBRATION_MAX_GROUPS];
    size_t n_groups;
    struct ts_stretch_note *notes; /* [n_notes] */
    size_t n_notes, max_notes;
    uint32_t run, group; /* that pauses belong to */
    uint32_t run_groups[TS_CALIBRATION_MAX_RUNS];
};

/* How long the fit says that it takes. */
double ts_calibration_fitted_s(const struct ts_calibration *calibration, uint32_t item,
                               const struct ts_model_measurement *fit);
/* The same for a step after those that the note's was after. */
double ts_calibration_expected_s(const struct ts_calibration *calibration, const struct ts_stretch_note *note,
                                 const struct ts_model_measurement *fit, const struct ts_pace_memory *memory);
bool ts_calibration_has_prompt(const struct ts_calibration *calibration, const struct ts_stretch_note *note);

#endif
