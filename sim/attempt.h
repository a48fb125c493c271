/* The life of a call between its arrival and its outcome: attempts at tiers, replies that are held back, the answer.
 *
 *   arrival -> router -> attempt: choice -> link -> tier (queue, service) -> reply -> policy: is it the answer?
 *                                   ^                 | full                            | no
 *                                   +---- way back ---+          further attempt <------+
 *
 * The call's outcome is that of the attempt that answered it. Attempts that came to nothing for the call (their reply
 * was rejected by a check, another was faster, the client had gone) are booked as superseded, with their tokens, what
 * an API charges for them, and the work of the units. */
#ifndef TS_SIM_ATTEMPT_H
#define TS_SIM_ATTEMPT_H

#include "sim/engine.h"

/* A request comes in at engine->now_ns: rules, router, first attempt. `session`: its place in one, or NULL. */
void ts_attempt_arrive(struct ts_engine *engine, const struct ts_request *request,
                       const struct ts_call_session *session);

/* A further attempt at a call that has no outcome yet, meant for that tier. False: there is no room for one. */
bool ts_attempt_begin(struct ts_engine *engine, uint32_t call, uint32_t choice);
/* The policy's timer of the call, instead of the one that was set before; TS_NEVER_NS: none. */
void ts_attempt_set_timer(struct ts_engine *engine, uint32_t call, int64_t time_ns);
/* That attempt, which ended with a whole reply, is the call's answer. */
void ts_attempt_answer(struct ts_engine *engine, uint32_t id);

/* Who uses that link knows now that it is down: attempts at the tiers behind it that have no answer yet begin anew
 * elsewhere. */
void ts_attempt_lose_link(struct ts_engine *engine, uint32_t link);

/* That attempt, which ended with a whole reply that is kept, comes to nothing. */
void ts_attempt_drop(struct ts_engine *engine, uint32_t id);

/* Events. */
void ts_attempt_fire_link(struct ts_engine *engine, uint32_t link, uint32_t stamp);
void ts_attempt_fire(struct ts_engine *engine, enum ts_event_kind kind, uint32_t id);
void ts_attempt_fire_call(struct ts_engine *engine, enum ts_event_kind kind, uint32_t call);
/* The run is over: calls that are under way have no other outcome. */
void ts_attempt_close_down(struct ts_engine *engine);

#endif
