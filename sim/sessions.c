/* Hides how calls of sessions come and begin. A call that waits has an edge from each call that it waits for, chained
 * at that one. Worked: a chain of three calls that take no time, with tools of 2 and 3 s between them, is a session of
 * 5 s (tests/sim/test_sessions.c). */
#include "sim/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "sim/attempt.h"
#include "sim/session_parts.h"

/* ---- life ---- */

void ts_sessions_init(struct ts_sessions *out, int64_t until_ns)
{
    *out = (struct ts_sessions){.until_ns = until_ns};
    ts_slots_init(&out->sessions, sizeof(struct ts_session), TS_SESSION_MAX);
    ts_slots_init(&out->calls, sizeof(struct ts_session_call), TS_SESSION_MAX);
    ts_slots_init(&out->edges, sizeof(struct ts_session_edge), TS_SESSION_MAX);
}

void ts_sessions_deinit(struct ts_sessions *sessions)
{
    for (uint32_t i = 0; i < sessions->calls.cap; i++) {
        if (ts_session_call_at(sessions, i)->slot.is_used) {
            ts_session_forget_ids(ts_session_call_at(sessions, i));
        }
    }
    ts_slots_deinit(&sessions->sessions);
    ts_slots_deinit(&sessions->calls);
    ts_slots_deinit(&sessions->edges);
    ts_key_table_deinit(&sessions->by_key);
    ts_key_table_deinit(&sessions->by_call);
    free(sessions->ids);
    *sessions = (struct ts_sessions){.ids = NULL};
}

/* The session of that key, a new one if there is none. */
static enum ts_status find_session(struct ts_engine *engine, const struct ts_request *request, uint32_t *out)
{
    struct ts_sessions *sessions = &engine->sessions;
    const uint64_t key = request->turn->session;
    const uint64_t *found = ts_key_table_find(&sessions->by_key, key);
    if (found) {
        *out = (uint32_t)*found;
        return TS_OK;
    }
    enum ts_status status = ts_slots_take(&sessions->sessions, out);
    if (status != TS_OK) {
        return status;
    }
    status = ts_key_table_put(&sessions->by_key, key, *out);
    if (status != TS_OK) {
        ts_slots_give(&sessions->sessions, *out);
        return status;
    }
    struct ts_session *session = ts_session_at(sessions, *out);
    session->key = key;
    session->class_id = request->class_id;
    session->tier = engine->model->n_tiers;
    session->last_call = TS_SLOT_NONE;
    return TS_OK;
}

/* ---- a call comes ---- */

/* `call` waits for `other`. */
static enum ts_status add_edge(struct ts_sessions *sessions, uint32_t call, uint32_t other)
{
    uint32_t id = 0;
    const enum ts_status status = ts_slots_take(&sessions->edges, &id);
    if (status == TS_OK) {
        struct ts_session_edge *edge = ts_session_edge_at(sessions, id);
        edge->call = call;
        edge->next = ts_session_call_at(sessions, other)->first_edge;
        ts_session_call_at(sessions, other)->first_edge = id;
        ts_session_call_at(sessions, call)->n_waits++;
    }
    return status;
}

/* What it waits for: an edge each, or when the reply was there. */
static enum ts_status find_waits(struct ts_sessions *sessions, uint32_t id, const struct ts_turn *turn)
{
    struct ts_session_call *call = ts_session_call_at(sessions, id);
    const struct ts_session *session = ts_session_at(sessions, call->session);
    enum ts_status status = TS_OK;
    for (uint32_t i = 0; status == TS_OK && i < turn->n_waits; i++) {
        const uint64_t *other = ts_key_table_find(&sessions->by_call, turn->waits[i]);
        if (other && (*other & TS_SESSION_REPLIED) != 0) {
            call->ready_ns = ts_session_later(call->ready_ns, (int64_t)(*other & ~TS_SESSION_REPLIED));
        } else if (other) {
            status = add_edge(sessions, id, (uint32_t)*other);
        }
    }
    if (status == TS_OK && turn->follows && session->last_call != TS_SLOT_NONE) {
        status = add_edge(sessions, id, session->last_call);
    } else if (turn->follows && session->has_begun) {
        call->ready_ns = ts_session_later(call->ready_ns, session->last_ns);
    }
    return status;
}

/* Does it wait for one that has no reply? */
static bool is_lost(const struct ts_sessions *sessions, const struct ts_session *session, const struct ts_turn *turn)
{
    bool lost = session->is_broken && turn->follows;
    for (uint32_t i = 0; i < turn->n_waits; i++) {
        const uint64_t *other = ts_key_table_find(&sessions->by_call, turn->waits[i]);
        lost = lost || (other && *other == TS_SESSION_NO_REPLY);
    }
    return lost;
}

static enum ts_status keep_ids(struct ts_session_call *call, const struct ts_prefix *prefix)
{
    uint64_t *ids = prefix->n_ids > 0 ? malloc(prefix->n_ids * sizeof *ids) : NULL;
    if (ids) {
        memcpy(ids, prefix->ids, prefix->n_ids * sizeof *ids);
    }
    call->request.prefix.ids = ids;
    return ids || prefix->n_ids == 0 ? TS_OK : TS_ENOMEM;
}

static enum ts_status take_call(struct ts_engine *engine, const struct ts_request *request, uint32_t session,
                                uint32_t *id)
{
    struct ts_sessions *sessions = &engine->sessions;
    const struct ts_turn *turn = request->turn;
    enum ts_status status = ts_slots_take(&sessions->calls, id);
    if (status != TS_OK) {
        return status;
    }
    struct ts_session_call *call = ts_session_call_at(sessions, *id);
    call->request = *request;
    call->request.turn = NULL;
    call->context = turn->context;
    call->key = turn->key;
    call->ready_ns = engine->now_ns - turn->delay_ns; /* who waits for nothing comes when he comes */
    call->delay_ns = turn->delay_ns;
    call->session = session;
    call->first_edge = TS_SLOT_NONE;
    call->is_tool = turn->is_tool;
    call->is_new = turn->is_new;
    call->is_aside = turn->is_aside;
    ts_session_at(sessions, session)->n_open++;
    status = keep_ids(call, &request->prefix);
    status = status == TS_OK ? find_waits(sessions, *id, turn) : status;
    if (status == TS_OK && turn->key != 0) {
        status = ts_key_table_put(&sessions->by_call, turn->key, *id);
    }
    ts_session_at(sessions, session)->last_call = *id;
    return status;
}

/* ---- a call begins ---- */

static enum ts_status make_ids(struct ts_sessions *sessions, struct ts_request *request,
                               const struct ts_context *context)
{
    const uint32_t n = ts_context_n_ids(context);
    if (n > sessions->ids_cap) {
        uint64_t *ids = realloc(sessions->ids, n * sizeof *ids);
        if (!ids) {
            return TS_ENOMEM;
        }
        sessions->ids = ids;
        sessions->ids_cap = n;
    }
    ts_context_ids(sessions->ids, context);
    request->prefix =
        (struct ts_prefix){.ids = sessions->ids, .n_ids = n, .block_tok = TS_CONTEXT_BLOCK_TOK, .has_reply = true};
    return TS_OK;
}

/* What it brings along of its session. */
static struct ts_call_session share_of(const struct ts_sessions *sessions, uint32_t id)
{
    const struct ts_session_call *call = ts_session_call_at(sessions, id);
    const uint32_t context_tok = ts_session_at(sessions, call->session)->context_tok;
    const uint32_t most = call->request.prompt_tok - 1;
    return (struct ts_call_session){.call = id,
                                    .context_tok = call->is_new || call->is_aside ? 0
                                                   : context_tok < most           ? context_tok
                                                                                  : most,
                                    .is_behind_tool = call->is_tool};
}

static void send(struct ts_engine *engine, uint32_t id)
{
    struct ts_sessions *sessions = &engine->sessions;
    struct ts_session_call *call = ts_session_call_at(sessions, id);
    struct ts_session *session = ts_session_at(sessions, call->session);
    struct ts_request request = call->request;
    const struct ts_call_session share = share_of(sessions, id);
    struct ts_session_call kept = *call; /* its ids, which the record gives up */
    call->request.prefix = (struct ts_prefix){.ids = NULL};
    request.arrival_ns = sessions->last_arrival_ns = engine->now_ns;
    if (!session->has_begun) {
        session->has_begun = true;
        session->begin_ns = session->last_ns = engine->now_ns;
    }
    if (call->context.known_tok > 0) {
        ts_engine_fail(engine, make_ids(sessions, &request, &call->context));
    }
    ts_attempt_arrive(engine, &request, &share);
    ts_session_forget_ids(&kept);
    ts_session_note_sent(engine);
}

void ts_sessions_arrive(struct ts_engine *engine, const struct ts_request *request, uint32_t user)
{
    enum { N_USERS = 1 << 30 };
    struct ts_sessions *sessions = &engine->sessions;
    uint32_t session = 0, id = 0;
    enum ts_status status = find_session(engine, request, &session);
    if (status == TS_OK && is_lost(sessions, ts_session_at(sessions, session), request->turn)) {
        return;
    }
    if (status == TS_OK) {
        status = take_call(engine, request, session, &id);
    }
    if (status != TS_OK) {
        ts_engine_fail(engine, status);
        return;
    }
    struct ts_session_call *call = ts_session_call_at(sessions, id);
    ts_session_at(sessions, session)->is_whole = request->turn->is_last;
    call->request.user = user > 0 ? user : 1 + (uint32_t)(ts_mix64(request->turn->session) % N_USERS);
    sessions->n_waiting++;
    if (call->n_waits > 0) {
        return;
    }
    if (ts_session_begin_ns(call, engine->now_ns) == engine->now_ns && engine->now_ns < sessions->until_ns) {
        send(engine, id);
    } else {
        ts_session_schedule(engine, id);
    }
}

void ts_sessions_fire(struct ts_engine *engine, uint32_t id, uint32_t stamp)
{
    if (ts_session_call_at(&engine->sessions, id)->slot.stamp == stamp) {
        send(engine, id);
    }
}
