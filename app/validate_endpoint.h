/* A live endpoint in the place of the reference engine: its step times are found by probing it over a grid, then it is
 * loaded with requests at their own times, and what it did is laid beside the simulation. */
#ifndef TS_APP_VALIDATE_ENDPOINT_H
#define TS_APP_VALIDATE_ENDPOINT_H

#include "app/live.h"
#include "app/probe_plan.h"
#include "base/arena.h"
#include "kernels/model_measurement.h"

struct ts_endpoint_grid {
    const char *prompts;     /* "16,64,256" */
    const char *concurrency; /* "1,2,4" */
    uint32_t output_tok;
};

/* Probes the grid, keeps the result as `probe_path` (probe.json) and imports it: the fit of the endpoint's step times,
 * in `arena`. TS_EIO if hardly anything is answered, TS_EINTERRUPTED, and what importing can come to. */
enum ts_status ts_validate_endpoint_calibrate(struct ts_model_measurement *out, struct ts_arena *arena,
                                              const char *probe_path, const struct ts_probe_options *options,
                                              const struct ts_endpoint_grid *grid, struct ts_diags *diags);

/* Sends the requests at their times. *out has a record for each, no steps; the lengths of `requests` become those that
 * the endpoint counted, so that the simulation serves the same. One that failed counts as rejected. */
enum ts_status ts_validate_endpoint_serve(struct ts_live_run *out, struct ts_request *requests, size_t n,
                                          const struct ts_probe_options *options, struct ts_diags *diags);

#endif
