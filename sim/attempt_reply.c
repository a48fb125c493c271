/* Hides how what comes back of attempts becomes the outcome of their call: first tokens, whole replies, none, and
 * replies that a line which failed does not carry any more. */
#include "sim/attempt_parts.h"

#include "base/units.h"

/* The client begins anew elsewhere, that much later, for that reason. False: there is no room for a further attempt. */
static bool begin_elsewhere(struct ts_engine *engine, uint32_t id, int64_t after_ns, enum ts_reason reason)
{
    const uint32_t fresh = ts_attempt_open(engine, ts_engine_flight(engine, id)->call);
    if (fresh == TS_FLIGHT_NONE) {
        return false;
    }
    struct ts_flight *from = ts_engine_flight(engine, id);
    struct ts_flight *to = ts_engine_flight(engine, fresh);
    to->choice = from->choice;
    to->at = from->at;
    to->reason = (uint8_t)reason;
    from->at = TS_NOT_SENT;
    ts_engine_schedule_flight(engine, engine->now_ns + after_ns, TS_EVENT_ROUTE, fresh);
    return true;
}

/* It gives way to one elsewhere. Amid a reply it goes on there for nobody; else it is called back. */
static void start_over(struct ts_engine *engine, uint32_t id, enum ts_reason reason)
{
    if (!begin_elsewhere(engine, id, 0, reason)) {
        return;
    }
    if (ts_attempt_has_token(engine, ts_engine_flight(engine, id))) {
        ts_attempt_cut(engine, id);
    } else {
        ts_attempt_cancel(engine, id);
    }
}

void ts_attempt_leave_slow(struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    const bool waits = flight->at == flight->tier && flight->reason == TS_REASON_NONE &&
                       ts_engine_call(engine, flight->call)->kept != id && !ts_attempt_has_token(engine, flight);
    if (waits && ts_router_has_next(engine, flight)) {
        start_over(engine, id, TS_REASON_TOO_SLOW);
    }
}

/* What is on a link that prompts share is lost with it. */
static void lose_prompts(struct ts_engine *engine, struct ts_link *link)
{
    struct ts_sharing_message message;
    while (ts_sharing_lose(&link->prompts, &message)) {
        struct ts_flight *flight = ts_engine_flight(engine, message.target);
        if (flight->slot.stamp == message.stamp) {
            flight->down_ns = 0;
            flight->reason = TS_REASON_DOWN;
            ts_engine_schedule_flight(engine, engine->now_ns, TS_EVENT_ROUTE, message.target);
        }
    }
}

void ts_attempt_lose_link(struct ts_engine *engine, uint32_t link)
{
    lose_prompts(engine, &engine->links[link]);
    for (uint32_t id = 0; id < engine->flights.cap && ts_engine_toils_on(engine, 1); id++) {
        const struct ts_flight *flight = ts_engine_flight(engine, id);
        if (flight->slot.is_used && flight->in_tier && !flight->is_cut &&
            ts_attempt_link(engine, flight) == &engine->links[link] &&
            !ts_engine_call(engine, flight->call)->is_settled) {
            start_over(engine, id, TS_REASON_DOWN);
        }
    }
}

/* A whole reply that its line does not carry any more: the client begins anew once it knows. */
static bool loses_reply(struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_link *link = ts_attempt_link(engine, flight);
    if (!link || !ts_link_fails(link, engine->now_ns) || flight->is_cut ||
        ts_engine_call(engine, flight->call)->is_settled ||
        !begin_elsewhere(engine, id, ts_ns_from_s(link->model->detect_s), TS_REASON_DOWN)) {
        return false;
    }
    ts_attempt_cut(engine, id);
    return true;
}

/* The reply onto the link, of which it was able to carry what streamed. */
static void send_reply(struct ts_engine *engine, struct ts_flight *flight)
{
    struct ts_link *link = ts_attempt_link(engine, flight);
    if (link) {
        const double bytes = flight->request.output_tok * link->model->bytes_per_tok;
        flight->last_wait_ns = ts_link_send(link, TS_LINK_DOWN, engine->now_ns, bytes,
                                            engine->now_ns - flight->first_ns - flight->crossed_ns);
        flight->first_wait_ns = flight->first_ns == engine->now_ns ? flight->last_wait_ns : flight->first_wait_ns;
    }
}

/* An attempt ended without a reply: others may still give one, or one that was held back has to do. */
static void fail_attempt(struct ts_engine *engine, uint32_t id, enum ts_outcome outcome)
{
    const struct ts_call *call = ts_engine_call(engine, ts_engine_flight(engine, id)->call);
    const uint32_t kept = call->kept;
    if (call->n_open == 1) {
        ts_attempt_settle(engine, id, outcome);
        return;
    }
    ts_attempt_supersede(engine, id, false);
    if (kept != TS_FLIGHT_NONE && ts_engine_call(engine, ts_engine_flight(engine, kept)->call)->n_open == 1) {
        ts_attempt_settle(engine, kept, TS_DONE);
    }
}

void ts_engine_finish(struct ts_engine *engine, uint32_t id, enum ts_outcome outcome)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_call *call = ts_engine_call(engine, flight->call);
    ts_attempt_leave(engine, flight);
    if (outcome == TS_DONE) {
        ts_ledger_reply(&engine->ledger, flight);
    }
    if (outcome == TS_DONE && !loses_reply(engine, id)) {
        send_reply(engine, ts_engine_flight(engine, id));
    }
    if (call->is_settled || ts_engine_flight(engine, id)->is_cut) {
        ts_attempt_supersede(engine, id, outcome == TS_DONE);
    } else if (outcome != TS_DONE) {
        fail_attempt(engine, id, outcome);
    } else if (!ts_attempt_policy(engine)->on_reply || ts_attempt_policy(engine)->on_reply(engine, id)) {
        ts_attempt_settle(engine, id, TS_DONE);
    }
}

void ts_engine_accept(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    flight->in_tier = true;
    flight->entered_ns = engine->now_ns;
    ts_engine_fail(engine, ts_displaced_meet(&engine->displaced, ts_engine_call(engine, flight->call), flight->tier,
                                             engine->now_ns));
    ts_ledger_enter(&engine->ledger, flight->tier, engine->now_ns);
}

/* The way to the client has to be free for it; and the attempt that has it first is the one that counts. */
void ts_engine_first_token(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_link *link = ts_attempt_link(engine, flight);
    if (flight->is_cut) {
        return;
    }
    if (link) {
        flight->first_wait_ns = ts_link_wait_ns(link, TS_LINK_DOWN, engine->now_ns);
    }
    if (ts_engine_call(engine, flight->call)->n_open > 1) {
        ts_attempt_cancel_others(engine, flight->call, id);
    }
}

static bool is_watched(struct ts_engine *engine, const struct ts_flight *flight)
{
    const struct ts_link *link = ts_attempt_link(engine, flight);
    return (link && (ts_link_is_limited(link) || link->may_fail)) || ts_engine_call(engine, flight->call)->n_open > 1;
}

void ts_engine_expect_first(struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    if (is_watched(engine, flight)) {
        ts_engine_schedule_flight(engine, flight->first_ns, TS_EVENT_FIRST, id);
    }
}

void ts_attempt_watch(struct ts_engine *engine, uint32_t call_id)
{
    uint32_t id = ts_engine_call(engine, call_id)->open;
    while (id != TS_FLIGHT_NONE) {
        const struct ts_flight *flight = ts_engine_flight(engine, id);
        if (flight->in_tier && flight->first_ns != TS_NEVER_NS && flight->first_ns > engine->now_ns) {
            ts_engine_schedule_flight(engine, flight->first_ns, TS_EVENT_FIRST, id);
        }
        id = flight->sibling;
    }
}
