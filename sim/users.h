/* The users of a closed loop: there are so many of them, and each has one request under way at most. A user thinks,
 * sends the next request of the stream, waits for its outcome, and thinks again: the load that benchmarks call a
 * concurrency or a number of virtual users. How fast requests come is then an answer, not an input: with a mean
 * response time R and a mean time to think Z, n users send n/(R + Z) a second (the response time law; Denning and
 * Buzen, "The operational analysis of queueing network models", Computing Surveys 10, 1978).
 *
 * - An outcome is what the client sees: of a reply its last token after the way back; of anything else (turned away,
 *   out of patience) when it happens.
 * - Users begin by thinking, so that with times to think which are drawn they do not come all at once; with none they
 *   do.
 * - A user who got no reply sends nothing for a second at least: a request that no tier can ever take must not be sent
 *   again and again at one instant. For the same reason a user sends at most one request a microsecond.
 * - Requests of the stream are taken in its order, by whoever is free first; their arrivals do not count. Of a session
 *   (sim/sessions.h) all calls are taken at once; the user thinks when it has ended. */
#ifndef TS_SIM_USERS_H
#define TS_SIM_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/model.h"
#include "sim/record.h"

struct ts_engine;

struct ts_users {
    const struct ts_users_model *model;
    struct ts_request_stream *requests;
    struct ts_diags *diags;
    int64_t until_ns;    /* nothing is sent at it or later; TS_NEVER_NS: no such time */
    int64_t answered_ns; /* the last outcome, at the client */
    uint32_t n_thinking; /* users who will send a request */
    bool at_end;         /* the stream is */
};

/* Is the load a closed loop? */
static inline bool ts_users_exist(const struct ts_users *users)
{
    return users->model && users->model->n > 0;
}

/* All users begin to think, at the start of the run. */
void ts_users_begin(struct ts_engine *engine, struct ts_request_stream *requests, struct ts_diags *diags);
/* The event: a user has thought, and sends *out now; false: nothing any more. */
bool ts_users_send(struct ts_engine *engine, uint32_t user, struct ts_request *out);
/* The same user takes the next one of the stream too: it is of the same session. */
bool ts_users_read_on(struct ts_engine *engine, uint32_t user, struct ts_request *out);
/* A request has its outcome, or the last of a session. Nothing happens where there are no users. */
void ts_users_answer(struct ts_engine *engine, const struct ts_request_record *record);
/* The window that rates are of: until users send no more; where the stream ended before, until the last outcome, as
 * benchmarks of a number of requests count. */
int64_t ts_users_window_ns(const struct ts_users *users);

#endif
