/* The reference engine of a validation, and the measuring of its steps. */
#ifndef TS_LIVE_VALIDATE_ENGINE_H
#define TS_LIVE_VALIDATE_ENGINE_H

#include "live/calibrate.h"
#include "live/validate_requests.h"
#include "sim/model.h"

struct ts_validate_engine_options {
    const struct ts_tier_model *tier;   /* model, format, scheduler */
    const struct ts_request_list *list; /* what will be served of it */
    const char *gguf_path, *isa;        /* NULL: made-up weights; the best for this machine */
    uint32_t n_threads;                 /* 0: all usable CPUs */
    struct ts_progress progress;
};

/* Loads the model, with room in the cache for steps to be timed that are as deep as the requests are long. TS_ESCENARIO
 * if the engine cannot do what the tier asks; else as ts_live_create and ts_calibration_create. */
enum ts_status ts_validate_engine_open(struct ts_live **live, struct ts_calibration **calibration,
                                       const struct ts_validate_engine_options *options, struct ts_arena *arena,
                                       struct ts_diags *diags);

/* Simulates some requests of the list, arriving at that rate, and has stretches of the steps that they come to measured
 * from now on: the next group of the calibration. */
enum ts_status ts_validate_engine_follow(struct ts_calibration *calibration, const struct ts_model *model,
                                         const struct ts_request_list *list, double rate_per_s, struct ts_diags *diags);

#endif
