/* The simulator: a pure function of (model, requests, seed, replication). Opens no files, reads no clock, prints
 * nothing. */
#ifndef TS_SIM_SIM_H
#define TS_SIM_SIM_H

#include <stdbool.h>

#include "base/progress.h"
#include "sim/model.h"
#include "sim/pace.h"
#include "sim/record.h"
#include "sim/result.h"
#include "traces/request.h"

struct ts_sim_options {
    uint32_t replication;
    struct ts_progress progress; /* asked every few milliseconds; counts requests, its clock is simulated time */
    double window_s; /* length of the arrival window, where the caller knows it; 0 or less than the last arrival: until
                        the last arrival */
    bool single_steps; /* every engine step is an event of its own: slower, the same result; the oracle of the fast path
                        */
    /* Called for every request as it ends; a status other than TS_OK ends the run with it. May be NULL. */
    enum ts_status (*on_request)(void *user, const struct ts_request_record *record);
    void *request_user;
    /* Replay of a live run: how long each planned step of the servers took, in order, in place of the model's time; the
     * last one goes on. For one tier with one replica, with single_steps. NULL: the model's. */
    const double *recorded_s;
    size_t n_recorded;
    /* How slow the servers' machine is, when and after which steps: planned steps take that many times the model's
     * time. With single_steps. NULL: 1 throughout. */
    const struct ts_pace *pace;
    /* Called as a planned step of a server's replica begins; with single_steps each step is one. May be NULL. */
    void (*on_step)(void *user, uint32_t unit, int64_t begin_ns, int64_t step_ns, const struct ts_batch_load *load);
    void *step_user;
};

/* Runs one replication; consumes the stream. *out is initialised here on success. options may be NULL. TS_EINPUT from
 * the stream, TS_ERANGE for a server whose scheduler settings are impossible, TS_ENOMEM, TS_EINTERRUPTED. */
enum ts_status ts_sim_run(struct ts_result *out, const struct ts_model *model, struct ts_request_stream *requests,
                          const struct ts_sim_options *options, struct ts_diags *diags);

#endif
