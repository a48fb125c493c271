/* The inside of attempts: what their books (attempt_books.c), replies (attempt_reply.c), way to a tier (attempt_way.c)
 * and life (attempt.c) share. Each of them calls those before it. */
#ifndef TS_SIM_ATTEMPT_PARTS_H
#define TS_SIM_ATTEMPT_PARTS_H

#include "sim/attempt.h"

static inline const struct ts_router_policy_ops *ts_attempt_policy(const struct ts_engine *engine)
{
    return engine->router.ops;
}

/* Has it given a token at its tier? */
static inline bool ts_attempt_has_token(const struct ts_engine *engine, const struct ts_flight *flight)
{
    return flight->in_tier && flight->first_ns <= engine->now_ns;
}

/* The link from its site to its tier; NULL: none. */
static inline struct ts_link *ts_attempt_link(struct ts_engine *engine, const struct ts_flight *flight)
{
    const int index = ts_model_link(engine->model, flight->tier, flight->request.class_id);
    return index >= 0 ? &engine->links[index] : NULL;
}

/* Of the event queue: events that come a constant time after what happens now. */
enum { TS_LANE_PATIENCE, TS_LANE_ROUTER, TS_LANE_SLOW };

static inline void ts_attempt_schedule(struct ts_engine *engine, uint32_t lane, int64_t delay_ns,
                                       enum ts_event_kind kind, uint32_t target, uint32_t stamp)
{
    ts_engine_fail(
        engine, ts_event_queue_append(&engine->queue, lane, engine->now_ns + delay_ns, (uint8_t)kind, target, stamp));
}

/* ---- books ---- */

/* A further attempt at the call, meant for no tier yet. TS_FLIGHT_NONE: there is no room for one. */
uint32_t ts_attempt_open(struct ts_engine *engine, uint32_t call);
/* Its record is gone afterwards; and that of the call, if it was the last one and the call has its outcome. */
void ts_attempt_close(struct ts_engine *engine, uint32_t id);
/* It is not in its tier any more, if it was. */
void ts_attempt_leave(struct ts_engine *engine, struct ts_flight *flight);
/* It comes to nothing for its call; closes it. */
void ts_attempt_supersede(struct ts_engine *engine, uint32_t id, bool is_whole);
/* Called back before its first token; closes it. */
void ts_attempt_cancel(struct ts_engine *engine, uint32_t id);
/* The attempts but one that have given no token yet. */
void ts_attempt_cancel_others(struct ts_engine *engine, uint32_t call, uint32_t winner);
/* It is not one of the call's any more, and goes on for nobody. */
void ts_attempt_cut(struct ts_engine *engine, uint32_t id);
/* Into the books, and to whoever wants a row of every request. */
void ts_attempt_book(struct ts_engine *engine, const struct ts_call *call, struct ts_flight *flight,
                     enum ts_outcome outcome);
/* The call has its outcome, by that attempt; of the others, those that are at work on a reply go on for nobody. */
void ts_attempt_end_call(struct ts_engine *engine, uint32_t call, uint32_t decided_by);
/* The call ends as that attempt did, which is over; closes it. */
void ts_attempt_settle(struct ts_engine *engine, uint32_t id, enum ts_outcome outcome);

/* ---- replies ---- */

/* It has been at its tier for too long: if it has no token yet, another tier is asked, if there is one. */
void ts_attempt_leave_slow(struct ts_engine *engine, uint32_t id);

/* A call that is hedged: the attempts that know already when their first token comes are watched from now on. */
void ts_attempt_watch(struct ts_engine *engine, uint32_t call);

/* ---- the way ---- */

/* To the tier that comes next, by rules and policy if they have not had their say. */
void ts_attempt_route(struct ts_engine *engine, uint32_t id);
/* It is through the link. */
void ts_attempt_enter(struct ts_engine *engine, uint32_t id);

#endif
