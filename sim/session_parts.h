/* The inside of the sessions: what their calls' beginnings (sessions.c) and ends (session_ends.c) share. */
#ifndef TS_SIM_SESSION_PARTS_H
#define TS_SIM_SESSION_PARTS_H

#include "sim/engine.h"
#include "sim/sessions.h"

/* In by_call: the reply's time, marked, or that there is none. */
#define TS_SESSION_REPLIED (UINT64_C(1) << 63)
#define TS_SESSION_NO_REPLY (UINT64_C(1) << 62)

struct ts_session {
    struct ts_slot slot;
    uint64_t key;
    int64_t begin_ns, last_ns; /* its first call's arrival; its last outcome, at the client */
    uint32_t n_open;           /* calls that wait or are under way */
    uint32_t last_call;        /* the one that came last of all, while it is open; TS_SLOT_NONE */
    uint32_t context_tok;      /* prompt and reply of the last one that has its reply */
    uint32_t tier;             /* of the last outcome */
    uint16_t class_id;
    bool has_begun, is_whole; /* no further call of it comes from the stream */
    bool is_broken, is_cut, has_missed;
};

struct ts_session_call {
    struct ts_slot slot;
    struct ts_request request; /* while it waits; its prefix ids are the call's own */
    struct ts_context context;
    uint64_t key;
    int64_t ready_ns; /* what it waits for was there */
    int64_t delay_ns;
    uint32_t session;
    uint32_t n_waits; /* calls that it waits for */
    uint32_t first_edge;
    uint32_t next; /* of those that are given up */
    bool is_tool, is_new, is_aside, is_lost;
};

/* `call` waits; `next` of those that wait for the same one. */
struct ts_session_edge {
    struct ts_slot slot;
    uint32_t call, next;
};

static inline struct ts_session *ts_session_at(const struct ts_sessions *sessions, uint32_t id)
{
    return &((struct ts_session *)(void *)sessions->sessions.items)[id];
}

static inline struct ts_session_call *ts_session_call_at(const struct ts_sessions *sessions, uint32_t id)
{
    return &((struct ts_session_call *)(void *)sessions->calls.items)[id];
}

static inline struct ts_session_edge *ts_session_edge_at(const struct ts_sessions *sessions, uint32_t id)
{
    return &((struct ts_session_edge *)(void *)sessions->edges.items)[id];
}

static inline int64_t ts_session_later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

/* When a call that waits for nothing any more begins. */
static inline int64_t ts_session_begin_ns(const struct ts_session_call *call, int64_t now_ns)
{
    return ts_session_later(call->ready_ns + call->delay_ns, now_ns);
}

/* ---- session_ends.c ---- */

/* A call that waits for nothing any more is scheduled; once the time is up it is given up. */
void ts_session_schedule(struct ts_engine *engine, uint32_t call);
/* Fewer wait. */
void ts_session_note_sent(struct ts_engine *engine);
/* Frees the ids of a call that it has kept. */
void ts_session_forget_ids(struct ts_session_call *call);

#endif
