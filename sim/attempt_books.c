/* Hides the records of a call's attempts, and what is booked when one of them comes to nothing or decides the call. */
#include "sim/attempt_parts.h"

#include "base/check.h"

uint32_t ts_attempt_open(struct ts_engine *engine, uint32_t call_id)
{
    uint32_t id = TS_FLIGHT_NONE;
    struct ts_call *call = ts_engine_call(engine, call_id);
    const enum ts_status status =
        call->n_attempts < UINT8_MAX ? ts_flights_take(&engine->flights, &id, &call->request) : TS_ERANGE;
    if (status != TS_OK) {
        if (status != TS_ERANGE) {
            ts_engine_fail(engine, status);
        }
        return TS_FLIGHT_NONE;
    }
    struct ts_flight *flight = ts_engine_flight(engine, id);
    flight->call = call_id;
    flight->number = call->n_attempts++;
    flight->tier = flight->choice = (uint8_t)engine->model->n_tiers;
    flight->sibling = call->open;
    call->open = id;
    call->n_open++;
    return id;
}

/* Of the call's attempts under way. */
static void take_out(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    struct ts_call *call = ts_engine_call(engine, flight->call);
    uint32_t *at = &call->open;
    while (*at != id) {
        TS_CHECK(*at != TS_FLIGHT_NONE);
        at = &ts_engine_flight(engine, *at)->sibling;
    }
    *at = flight->sibling;
    call->n_open--;
}

void ts_attempt_close(struct ts_engine *engine, uint32_t id)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    const uint32_t call_id = flight->call;
    struct ts_call *call = ts_engine_call(engine, call_id);
    if (flight->is_cut) {
        call->n_cut--;
    } else {
        take_out(engine, id);
    }
    ts_slots_give(&engine->flights, id);
    if (call->is_settled && call->n_open == 0 && call->n_cut == 0) {
        ts_calls_give(&engine->calls, call_id);
    }
}

void ts_attempt_leave(struct ts_engine *engine, struct ts_flight *flight)
{
    if (flight->in_tier) {
        ts_ledger_leave(&engine->ledger, flight->tier, engine->now_ns, flight->entered_ns);
        flight->in_tier = false;
    }
}

void ts_attempt_supersede(struct ts_engine *engine, uint32_t id, bool is_whole)
{
    ts_ledger_end_attempt(&engine->ledger, ts_engine_flight(engine, id));
    const double usd = ts_ledger_supersede(&engine->ledger, ts_engine_flight(engine, id), engine->now_ns, is_whole);
    ts_router_spend(engine, usd);
    ts_attempt_close(engine, id);
}

void ts_attempt_cancel(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    if (flight->in_tier) {
        struct ts_tier *tier = &engine->tiers[flight->tier];
        tier->ops->abandon(tier, engine, id);
        ts_attempt_leave(engine, ts_engine_flight(engine, id));
    }
    ts_attempt_supersede(engine, id, false);
}

void ts_attempt_cancel_others(struct ts_engine *engine, uint32_t call_id, uint32_t winner)
{
    const uint32_t kept = ts_engine_call(engine, call_id)->kept;
    uint32_t at = ts_engine_call(engine, call_id)->open;
    while (at != TS_FLIGHT_NONE) {
        const struct ts_flight *flight = ts_engine_flight(engine, at);
        const uint32_t next = flight->sibling;
        if (at != winner && at != kept && !ts_attempt_has_token(engine, flight)) {
            ts_attempt_cancel(engine, at);
        }
        at = next;
    }
}

void ts_attempt_cut(struct ts_engine *engine, uint32_t id)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    take_out(engine, id);
    ts_engine_call(engine, flight->call)->n_cut++;
    flight->is_cut = true;
}

void ts_attempt_book(struct ts_engine *engine, const struct ts_call *call, struct ts_flight *flight,
                     enum ts_outcome outcome)
{
    const struct ts_request_record record = ts_record_of(flight, outcome, engine->now_ns);
    ts_ledger_end_with_call(&engine->ledger, flight, outcome);
    ts_router_spend(engine, ts_ledger_settle(&engine->ledger, call, flight, &record));
    ts_ledger_tell(&engine->ledger, flight->tier, outcome, engine->now_ns);
    const bool is_over =
        call->session.call == TS_SLOT_NONE ||
        ts_sessions_answer(engine, call->session.call, &record, ts_ledger_meets(&engine->ledger, &record));
    if (is_over && ts_users_exist(&engine->users)) {
        ts_users_answer(engine, &record);
    }
    if (engine->options->on_request) {
        ts_engine_fail(engine, engine->options->on_request(engine->options->request_user, &record));
    }
}

void ts_attempt_end_call(struct ts_engine *engine, uint32_t call_id, uint32_t decided_by)
{
    struct ts_call *call = ts_engine_call(engine, call_id);
    call->is_settled = true;
    if (call->n_open > 1) {
        ts_attempt_cancel_others(engine, call_id, decided_by);
    }
    if (call->kept != TS_FLIGHT_NONE && call->kept != decided_by) {
        ts_attempt_supersede(engine, call->kept, true);
    }
}

void ts_attempt_settle(struct ts_engine *engine, uint32_t id, enum ts_outcome outcome)
{
    const uint32_t call_id = ts_engine_flight(engine, id)->call;
    struct ts_call *call = ts_engine_call(engine, call_id);
    ts_attempt_book(engine, call, ts_engine_flight(engine, id), outcome);
    ts_attempt_end_call(engine, call_id, id);
    ts_attempt_close(engine, id);
}

void ts_attempt_answer(struct ts_engine *engine, uint32_t id)
{
    ts_attempt_settle(engine, id, TS_DONE);
}

void ts_attempt_drop(struct ts_engine *engine, uint32_t id)
{
    ts_attempt_supersede(engine, id, true);
}
