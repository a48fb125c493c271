/* Hides how calls of sessions end: what waits for them goes on, or is given up with all that waits for it; and when the
 * session has ended. Nothing is sent from here: calls end amid the books of their attempts. */
#include <stdlib.h>

#include "base/check.h"
#include "sim/session_parts.h"

void ts_session_forget_ids(struct ts_session_call *call)
{
    free((void *)(uintptr_t)call->request.prefix.ids);
    call->request.prefix.ids = NULL;
}

void ts_session_note_sent(struct ts_engine *engine)
{
    TS_CHECK(engine->sessions.n_waiting > 0);
    engine->sessions.n_waiting--;
    ts_engine_note_end(engine);
}

/* ---- a session ends ---- */

static void end_session(struct ts_engine *engine, uint32_t id)
{
    struct ts_sessions *sessions = &engine->sessions;
    const struct ts_session *session = ts_session_at(sessions, id);
    const bool is_under_way = session->n_open > 0 && !session->is_cut;
    const struct ts_ledger_session done = {.tier = session->tier,
                                           .class_id = session->class_id,
                                           .begin_ns = session->begin_ns,
                                           .end_ns = is_under_way ? engine->now_ns : session->last_ns,
                                           .is_broken = session->is_broken,
                                           .is_open = is_under_way || session->is_cut,
                                           .met = !session->has_missed && !session->is_broken};
    if (session->has_begun) {
        ts_ledger_session(&engine->ledger, &done);
    }
    ts_key_table_remove(&sessions->by_key, session->key);
    ts_slots_give(&sessions->sessions, id);
}

/* The record of a call. True: its session has ended with it. */
static bool give_call(struct ts_engine *engine, uint32_t id, uint64_t outcome)
{
    struct ts_sessions *sessions = &engine->sessions;
    struct ts_session_call *call = ts_session_call_at(sessions, id);
    const uint32_t session_id = call->session;
    struct ts_session *session = ts_session_at(sessions, session_id);
    session->n_open--;
    session->last_call = session->last_call == id ? TS_SLOT_NONE : session->last_call;
    if (call->key != 0 && session->is_whole) {
        ts_key_table_remove(&sessions->by_call, call->key);
    } else if (call->key != 0) {
        ts_engine_fail(engine, ts_key_table_put(&sessions->by_call, call->key, outcome));
    }
    ts_session_forget_ids(call);
    ts_slots_give(&sessions->calls, id);
    if (session->n_open > 0 || !session->is_whole) {
        return false;
    }
    end_session(engine, session_id);
    return true;
}

/* ---- what waits for a call ---- */

/* Takes the first of those that wait for it, TS_SLOT_NONE if nobody does. */
static uint32_t take_waiting(struct ts_sessions *sessions, uint32_t id)
{
    const uint32_t at = ts_session_call_at(sessions, id)->first_edge;
    if (at == TS_SLOT_NONE) {
        return at;
    }
    const struct ts_session_edge edge = *ts_session_edge_at(sessions, at);
    ts_session_call_at(sessions, id)->first_edge = edge.next;
    ts_session_call_at(sessions, edge.call)->n_waits--;
    ts_slots_give(&sessions->edges, at);
    return edge.call;
}

/* A call that waits for nothing any more is never sent, nor what waits for it. */
static void give_up(struct ts_engine *engine, uint32_t first)
{
    struct ts_sessions *sessions = &engine->sessions;
    uint32_t id = first;
    ts_session_call_at(sessions, first)->next = TS_SLOT_NONE;
    while (id != TS_SLOT_NONE) {
        uint32_t next = ts_session_call_at(sessions, id)->next;
        for (uint32_t other = take_waiting(sessions, id); other != TS_SLOT_NONE; other = take_waiting(sessions, id)) {
            struct ts_session_call *call = ts_session_call_at(sessions, other);
            call->is_lost = true;
            if (call->n_waits == 0) {
                call->next = next;
                next = other;
            }
        }
        (void)give_call(engine, id, TS_SESSION_NO_REPLY);
        ts_session_note_sent(engine);
        id = next;
    }
}

void ts_session_schedule(struct ts_engine *engine, uint32_t id)
{
    struct ts_sessions *sessions = &engine->sessions;
    const struct ts_session_call *call = ts_session_call_at(sessions, id);
    const int64_t begin_ns = ts_session_begin_ns(call, engine->now_ns);
    if (begin_ns < sessions->until_ns) {
        ts_engine_schedule(engine, begin_ns, TS_EVENT_TURN, id, call->slot.stamp);
        return;
    }
    ts_session_at(sessions, call->session)->is_cut = true;
    give_up(engine, id);
}

/* ---- a call has its outcome ---- */

static void release(struct ts_engine *engine, uint32_t id, int64_t seen_ns, bool has_reply)
{
    struct ts_sessions *sessions = &engine->sessions;
    for (uint32_t other = take_waiting(sessions, id); other != TS_SLOT_NONE; other = take_waiting(sessions, id)) {
        struct ts_session_call *call = ts_session_call_at(sessions, other);
        call->ready_ns = ts_session_later(call->ready_ns, seen_ns);
        call->is_lost = call->is_lost || !has_reply;
        if (call->n_waits > 0) {
            continue;
        }
        if (call->is_lost) {
            ts_session_at(sessions, call->session)->is_broken = true;
            give_up(engine, other);
        } else {
            ts_session_schedule(engine, other);
        }
    }
}

bool ts_sessions_answer(struct ts_engine *engine, uint32_t id, const struct ts_request_record *record, bool met)
{
    struct ts_sessions *sessions = &engine->sessions;
    const struct ts_session_call *call = ts_session_call_at(sessions, id);
    struct ts_session *session = ts_session_at(sessions, call->session);
    const struct ts_request *request = record->request;
    if (record->outcome == TS_UNFINISHED) {
        return false;
    }
    const bool has_reply = record->outcome == TS_DONE;
    const int64_t seen_ns = has_reply ? request->arrival_ns + record->e2e_ns : engine->now_ns;
    session->last_ns = ts_session_later(session->last_ns, seen_ns);
    session->tier = record->tier;
    session->has_missed = session->has_missed || !met;
    session->is_broken = session->is_broken || !has_reply;
    if (has_reply && !call->is_aside) {
        session->context_tok = request->prompt_tok + request->output_tok;
    }
    release(engine, id, seen_ns, has_reply);
    return give_call(engine, id, has_reply ? TS_SESSION_REPLIED | (uint64_t)seen_ns : TS_SESSION_NO_REPLY);
}

void ts_sessions_close(struct ts_engine *engine)
{
    const struct ts_sessions *sessions = &engine->sessions;
    for (uint32_t id = 0; id < sessions->sessions.cap; id++) {
        if (ts_session_at(sessions, id)->slot.is_used) {
            end_session(engine, id);
        }
    }
}
