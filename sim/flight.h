/* Requests under way. A call is a request from its arrival to its outcome; a flight is one attempt to have it answered:
 * one tier after another until one takes it, then service there. Most calls have one attempt; a routing policy may make
 * more of them, one after the other (a reply that its check rejects) or side by side (a hedged call). Both live in
 * pools (sim/slots.h) and are addressed by index. */
#ifndef TS_SIM_FLIGHT_H
#define TS_SIM_FLIGHT_H

#include "sim/reasons.h"
#include "sim/record.h"
#include "sim/slots.h"
#include "traces/request.h"

enum { TS_CALL_MAX = 1 << 22, TS_FLIGHT_MAX = 2 * TS_CALL_MAX };

#define TS_FLIGHT_NONE TS_SLOT_NONE
#define TS_NOT_SENT UINT8_MAX

/* What a call of a session brings along: see sim/sessions.h. */
struct ts_call_session {
    uint32_t call;        /* among those of sessions; TS_SLOT_NONE: it is of none */
    uint32_t context_tok; /* of its prompt, what its session said before */
    bool is_behind_tool;  /* a tool worked in between, else a user thought */
};

struct ts_call {
    struct ts_slot slot;
    struct ts_request request; /* its prefix ids are a copy of the call's own */
    struct ts_call_session session;
    int64_t timer_ns;       /* when the policy's timer goes off; TS_NEVER_NS: it is not set */
    uint32_t barred;        /* tiers that rules forbid, as a mask */
    uint32_t tried;         /* tiers tried or passed over, as a mask */
    uint32_t open;          /* its attempts under way, chained through flight->sibling */
    uint32_t kept;          /* a whole reply that was held back, which will do if no better one comes */
    uint32_t right;         /* tiers that answer it right, as a mask: sim/quality.h */
    float score;            /* what the router saw, if its policy looks: see sim/frontier.h */
    uint32_t displaced_tok; /* of the prompt, what an API would have found in its cache: sim/tiers/displaced.h */
    uint8_t n_open;
    uint8_t n_cut;      /* attempts that are at work for nobody, as the line to them failed amid their reply */
    uint8_t n_attempts; /* so far */
    bool is_routed;     /* rules and policy have had their say */
    bool met_displaced; /* it has been looked up there */
    bool is_settled;    /* it has its outcome; the record stays until its last attempt has ended */
};

struct ts_flight {
    struct ts_slot slot;
    struct ts_request request; /* the call's */
    uint32_t call;
    uint32_t sibling;   /* the call's next attempt under way */
    uint32_t number;    /* 0, 1 ... of the call's attempts */
    int64_t sent_ns;    /* to the tier where it is `at` */
    int64_t entered_ns; /* the tier it is or was in; TS_NEVER_NS: none yet */
    int64_t noticed_ns; /* servers: when the engine looked at its queue; TS_NEVER_NS before */
    int64_t start_ns;   /* of service there; TS_NEVER_NS before */
    int64_t first_ns;   /* first token, at the tier; may lie ahead; TS_NEVER_NS if not known yet */
    int64_t end_ns;     /* devices: last token; disaggregated servers: when its KV entries came onto the link */
    int64_t token_ns;   /* servers: when it was preempted or left for another pool, its last token */
    int64_t crossed_ns; /* disaggregated servers: from its first token to its seat in decode, where the client gets that
                         * token; TS_NEVER_NS: it is on its way */
    int64_t up_ns;      /* delay of a link that prompts share, beside the time on it */
    int64_t down_ns;    /* delay of the link towards the client */
    int64_t first_wait_ns; /* of the first token, before the link was free for it */
    int64_t last_wait_ns;  /* and of the last */
    int64_t shown_ns;      /* the client sees nothing of the reply before: it was held back for a check */
    uint32_t next;         /* queue of a device */
    uint32_t unit;         /* replica or user */
    uint32_t handle;       /* in a replica's scheduler */
    uint32_t n_preemptions;
    uint32_t found_tok;   /* of the prompt, in the server's or the provider's cache */
    uint32_t written_tok; /* APIs: of the prompt, taken into it */
    uint32_t hidden_tok;  /* APIs: of reasoning, beside the reply */
    uint8_t tier;         /* where it is or goes; n_tiers: nowhere */
    uint8_t choice;       /* the tier that it was meant for first */
    uint8_t at; /* the tier in whose books (sim/reasons.h) it has no end yet, n_tiers: nowhere; TS_NOT_SENT: in none */
    uint8_t reason;    /* why that tier does not answer it, as enum ts_reason; the way on has not begun yet */
    uint8_t offer;     /* API: the one that took it */
    uint8_t n_retries; /* API: so far */
    bool in_tier;      /* entered and not left */
    bool is_cut;       /* not among call->open any more: it goes on for nobody */
    bool in_step;      /* servers: in decode; its last token came at the end of the replica's last step */
};

/* A call's own copy of its request's prefix ids: stays with the record, for the next request in it. */
struct ts_call_prefix {
    uint64_t *ids;
    uint32_t cap;
};

struct ts_calls {
    struct ts_slots slots;
    struct ts_call_prefix *prefixes; /* [n_prefixes], beside the records, as far as requests brought ids */
    uint32_t n_prefixes;
};

void ts_calls_init(struct ts_calls *calls);
void ts_calls_deinit(struct ts_calls *calls);
static inline struct ts_call *ts_calls_at(const struct ts_calls *calls, uint32_t id)
{
    return &((struct ts_call *)(void *)calls->slots.items)[id];
}
/* *id = a record with that request. Its prefix ids, which the stream is about to take back, are copied; the copy lasts
 * until the record is given back. TS_ERANGE when TS_CALL_MAX are taken, TS_ENOMEM. */
enum ts_status ts_calls_take(struct ts_calls *calls, uint32_t *id, const struct ts_request *request);
void ts_calls_give(struct ts_calls *calls, uint32_t id);

void ts_flights_init(struct ts_slots *flights);
static inline struct ts_flight *ts_flights_at(const struct ts_slots *flights, uint32_t id)
{
    return &((struct ts_flight *)(void *)flights->items)[id];
}
/* *id = a record for a further attempt at the call's request, not yet one of those under way. TS_ERANGE, TS_ENOMEM. */
enum ts_status ts_flights_take(struct ts_slots *flights, uint32_t *id, const struct ts_request *request);

#endif
