/* Hides when calls begin and when their clients go. The patience of a call counts from its arrival to its first token
 * at the tier (of a reply that is held back for a check: until it is shown): one that is on its way, waiting, or inside
 * its prompt then gives up. An attempt that has given a token by then is not called back: it goes on for nobody. */
#include "sim/attempt_parts.h"

#include "base/check.h"
#include "base/units.h"

/* With TS_CALL_MAX requests under way nobody takes another. */
static void reject_without_record(struct ts_engine *engine, const struct ts_request *request,
                                  const struct ts_call_session *session)
{
    const uint8_t nowhere = (uint8_t)engine->model->n_tiers;
    const struct ts_call call = {.request = *request, .session = *session};
    struct ts_flight flight = {.request = *request, .tier = nowhere, .choice = nowhere, .entered_ns = TS_NEVER_NS};
    ts_ledger_send(&engine->ledger, &flight, nowhere);
    flight.reason = TS_REASON_FULL;
    ts_attempt_book(engine, &call, &flight, TS_REJECTED);
}

void ts_attempt_arrive(struct ts_engine *engine, const struct ts_request *request,
                       const struct ts_call_session *session)
{
    static const struct ts_call_session none = {.call = TS_SLOT_NONE};
    uint32_t call = 0;
    TS_CHECK(request->prompt_tok >= 1 && request->output_tok >= 1 &&
             request->class_id < engine->ledger.result.n_classes);
    engine->last_ns = engine->now_ns;
    ts_ledger_arrive(&engine->ledger, engine->now_ns);
    const enum ts_status status = ts_calls_take(&engine->calls, &call, request);
    if (status == TS_ERANGE) {
        reject_without_record(engine, request, session ? session : &none);
        return;
    }
    if (session && status == TS_OK) {
        ts_engine_call(engine, call)->session = *session;
    }
    const uint32_t id = status == TS_OK ? ts_attempt_open(engine, call) : TS_FLIGHT_NONE;
    if (id == TS_FLIGHT_NONE) {
        ts_engine_fail(engine, status != TS_OK ? status : TS_ERANGE);
        return;
    }
    if (engine->patience_ns > 0) {
        ts_attempt_schedule(engine, TS_LANE_PATIENCE, engine->patience_ns, TS_EVENT_PATIENCE, call,
                            ts_engine_call(engine, call)->slot.stamp);
    }
    if (engine->model->router.reads_s.n > 0 || engine->model->router.n_servers > 0) {
        ts_engine_schedule_flight(engine, ts_router_decides_ns(engine, request), TS_EVENT_ROUTE, id);
    } else if (engine->router_ns > 0) {
        ts_attempt_schedule(engine, TS_LANE_ROUTER, engine->router_ns, TS_EVENT_ROUTE, id,
                            ts_engine_flight(engine, id)->slot.stamp);
    } else {
        ts_attempt_route(engine, id);
    }
}

void ts_attempt_set_timer(struct ts_engine *engine, uint32_t call_id, int64_t time_ns)
{
    struct ts_call *call = ts_engine_call(engine, call_id);
    call->timer_ns = time_ns;
    if (time_ns != TS_NEVER_NS) {
        ts_engine_schedule(engine, time_ns, TS_EVENT_TIMER, call_id, call->slot.stamp);
    }
}

/* Accepted by a tier whose replies come some day. */
static bool is_in_batch(const struct ts_engine *engine, const struct ts_flight *flight)
{
    return flight->in_tier && engine->model->tiers[flight->tier].kind == TS_TIER_API &&
           engine->model->tiers[flight->tier].u.api.is_batch;
}

/* Does the client see the reply already, or look for it some other day? */
static bool is_shown(const struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_router_policy_ops *policy = ts_attempt_policy(engine);
    if (is_in_batch(engine, flight)) {
        return true;
    }
    return ts_attempt_has_token(engine, flight) && !(policy->holds_back && policy->holds_back(engine, flight));
}

/* The client goes. An attempt that is at work on a reply which it does not see yet goes on for nobody. */
static void time_out(struct ts_engine *engine, uint32_t call_id)
{
    struct ts_call *call = ts_engine_call(engine, call_id);
    const uint32_t id = call->open;
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const bool is_kept = id == call->kept;
    const bool is_running = !is_kept && ts_attempt_has_token(engine, flight);
    if (!is_kept && !is_running && flight->in_tier) {
        struct ts_tier *tier = &engine->tiers[flight->tier];
        tier->ops->abandon(tier, engine, id);
        ts_attempt_leave(engine, flight);
    }
    ts_attempt_book(engine, call, flight, TS_TIMED_OUT);
    ts_attempt_end_call(engine, call_id, id);
    if (is_kept) {
        ts_attempt_supersede(engine, id, true);
    } else if (!is_running) {
        ts_attempt_close(engine, id);
    }
}

static void lose_patience(struct ts_engine *engine, uint32_t call_id)
{
    const struct ts_call *call = ts_engine_call(engine, call_id);
    uint32_t id = call->is_settled ? TS_FLIGHT_NONE : call->open;
    while (id != TS_FLIGHT_NONE && !is_shown(engine, id)) {
        id = ts_engine_flight(engine, id)->sibling;
    }
    if (id == TS_FLIGHT_NONE && !call->is_settled) {
        time_out(engine, call_id);
    }
}

void ts_attempt_fire_call(struct ts_engine *engine, enum ts_event_kind kind, uint32_t call_id)
{
    struct ts_call *call = ts_engine_call(engine, call_id);
    if (kind == TS_EVENT_PATIENCE) {
        lose_patience(engine, call_id);
        return;
    }
    TS_CHECK(kind == TS_EVENT_TIMER);
    if (!call->is_settled && call->timer_ns == engine->now_ns) {
        call->timer_ns = TS_NEVER_NS;
        ts_attempt_policy(engine)->on_timer(engine, call_id);
    }
}

void ts_attempt_fire(struct ts_engine *engine, enum ts_event_kind kind, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    switch (kind) {
    case TS_EVENT_ENTER:
        ts_attempt_enter(engine, id);
        break;
    case TS_EVENT_ROUTE:
        ts_attempt_route(engine, id);
        break;
    case TS_EVENT_FIRST:
        if (flight->first_ns == engine->now_ns) {
            ts_engine_first_token(engine, id);
        }
        break;
    case TS_EVENT_SLOW:
        if (flight->sent_ns + engine->fallback_ns == engine->now_ns && !is_in_batch(engine, flight)) {
            ts_attempt_leave_slow(engine, id);
        }
        break;
    case TS_EVENT_LOADED:
        if (flight->end_ns != engine->now_ns || engine->model->tiers[flight->tier].kind != TS_TIER_SERVER) {
            break; /* the request has gone elsewhere since */
        }
        engine->tiers[flight->tier].ops->fire(&engine->tiers[flight->tier], engine, kind, id, flight->slot.stamp);
        break;
    case TS_EVENT_SERVICE:
    case TS_EVENT_RETRY: {
        struct ts_tier *tier = &engine->tiers[flight->tier];
        tier->ops->fire(tier, engine, kind, id, flight->slot.stamp);
        break;
    }
    case TS_EVENT_STEP:
    case TS_EVENT_LIFE:
    case TS_EVENT_INCIDENT:
    case TS_EVENT_LINK:
    case TS_EVENT_PATIENCE:
    case TS_EVENT_TIMER:
    case TS_EVENT_USER:
    case TS_EVENT_TURN:
    case TS_N_EVENT_KINDS:
        TS_CHECK(!"an event of an attempt");
    }
}

/* Its attempts end where they are. */
static void close_call(struct ts_engine *engine, uint32_t call_id)
{
    struct ts_call *call = ts_engine_call(engine, call_id);
    if (!call->is_settled) {
        ts_attempt_book(engine, call, ts_engine_flight(engine, call->open), TS_UNFINISHED);
    }
    const uint32_t booked = call->is_settled ? TS_FLIGHT_NONE : call->open;
    call->is_settled = true;
    for (uint32_t n = call->n_open; n > 0; n--) {
        const uint32_t id = ts_engine_call(engine, call_id)->open;
        const bool is_kept = id == ts_engine_call(engine, call_id)->kept;
        ts_attempt_leave(engine, ts_engine_flight(engine, id));
        if (id == booked && !is_kept) {
            ts_attempt_close(engine, id);
        } else {
            ts_attempt_supersede(engine, id, is_kept);
        }
    }
}

void ts_attempt_close_down(struct ts_engine *engine)
{
    enum { TOIL_OF_CALL = 64 };
    for (uint32_t id = 0; id < engine->calls.slots.cap && ts_engine_toils_on(engine, TOIL_OF_CALL); id++) {
        if (ts_engine_call(engine, id)->slot.is_used) {
            close_call(engine, id);
        }
    }
    for (uint32_t id = 0; id < engine->flights.cap && ts_engine_toils_on(engine, 1); id++) {
        if (ts_engine_flight(engine, id)->slot.is_used) { /* of calls that went on elsewhere */
            ts_attempt_leave(engine, ts_engine_flight(engine, id));
            ts_attempt_supersede(engine, id, false);
        }
    }
    TS_CHECK((engine->calls.slots.n_used == 0 && engine->flights.n_used == 0) || engine->status != TS_OK);
}
