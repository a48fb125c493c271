/* A live endpoint in the place of the reference engine: its step times are found by probing it, over a grid and with
 * other requests of the same workload; then it is loaded with requests at their own times, and what it did is laid
 * beside the simulation. */
#ifndef TS_LIVE_VALIDATE_ENDPOINT_H
#define TS_LIVE_VALIDATE_ENDPOINT_H

#include "base/arena.h"
#include "endpoint/probe_plan.h"
#include "live/endpoint_tune.h"
#include "live/live.h"
#include "live/validate_requests.h"
#include "measure/model_measurement.h"
#include "sim/model.h"

/* What was probed so far. */
struct ts_endpoint_probe {
    const struct ts_probe_options *options;
    const char *path; /* probe.json: a document for each load probed */
    struct ts_text json;
    uint64_t seed, n, n_done;
    struct ts_rehearsal *rehearsals; /* [n_rehearsals] */
    size_t n_rehearsals;
};

void ts_endpoint_probe_init(struct ts_endpoint_probe *probe, const struct ts_probe_options *options, const char *path);
void ts_endpoint_probe_deinit(struct ts_endpoint_probe *probe);

/* Probes a grid of short, middling and long prompts of the list, at concurrencies up to `concurrency`. TS_EIO if hardly
 * anything is answered; TS_EINTERRUPTED, TS_ENOMEM. */
enum ts_status ts_endpoint_probe_grid(struct ts_endpoint_probe *probe, const struct ts_request_list *list,
                                      uint32_t concurrency, struct ts_diags *diags);
/* Sends these requests at their times, or (n_users > 0) as users do (ts_request_list_of_users), and notes what came of
 * them: other ones than are to be predicted, at the same load. Takes `requests` over, also if it fails. */
enum ts_status ts_endpoint_probe_rehearse(struct ts_endpoint_probe *probe, size_t run, struct ts_request *requests,
                                          size_t n, uint32_t n_users, struct ts_diags *diags);

/* Writes `path` and imports it: the fit of the endpoint's step times to all that was probed, in `arena`. TS_EIO if
 * there is none. */
enum ts_status ts_endpoint_probe_fit(struct ts_model_measurement *out, struct ts_arena *arena,
                                     const struct ts_endpoint_probe *probe, struct ts_diags *diags);

/* The replica that the endpoint is simulated as: with the fitted step times, and `slots` sequences at once as
 * llama-server serves them, each in its share of the cache, or, with 0, with the scheduler that it has. With kv_unified
 * the fit, which counts a sequence's own entries, took the reading of all S slots for that: if they hold alike, the
 * time of an entry is 1/S of the fit's, and that of a pair 1/(2S - 1). */
void ts_validate_endpoint_describe(struct ts_replica_model *replica, const struct ts_model_measurement *fit,
                                   uint64_t slots, bool kv_unified);

/* Sends the requests likewise. *out has a record for each, no steps; the lengths of `requests` become those that
 * the endpoint counted, so that the simulation serves the same. One that failed counts as rejected. */
enum ts_status ts_validate_endpoint_serve(struct ts_live_run *out, struct ts_request *requests, size_t n,
                                          uint32_t n_users, const struct ts_probe_options *options,
                                          struct ts_diags *diags);

#endif
