/* The engine: the clock, the pending events, the calls on their way, and the tiers that serve them. Arrivals are read
 * from the stream one ahead; everything else is an event. At equal times events fire before arrivals, in the order of
 * their kinds, then in the order in which they were scheduled.
 *
 * A call makes its way by sim/attempt.h. A tier is a row of functions; it drives its own service with events and ends
 * each attempt with ts_engine_finish. */
#ifndef TS_SIM_ENGINE_H
#define TS_SIM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "sim/event_queue.h"
#include "sim/flight.h"
#include "sim/ledger.h"
#include "sim/network/link.h"
#include "sim/routing/router.h"
#include "sim/sessions.h"
#include "sim/sim.h"
#include "sim/tiers/displaced.h"
#include "sim/users.h"

/* In order of priority at equal times. The target is an attempt (stamp: its stamp), except for STEP and LIFE: a unit of
 * a tier (stamp: the unit's business), and from PATIENCE on: a call (stamp: its stamp), for USER a user of the
 * closed loop, for TURN a call of a session. LIFE is what happens to units without any request: they fail, start, are
 * counted. INCIDENT: see sim/incidents.h. LINK: a link (stamp: its expectation). */
enum ts_event_kind {
    TS_EVENT_STEP,
    TS_EVENT_LIFE,
    TS_EVENT_INCIDENT,
    TS_EVENT_LINK, /* a prompt is through a link that prompts share */
    TS_EVENT_SERVICE,
    TS_EVENT_LOADED, /* servers: blocks from a KV level are there */
    TS_EVENT_RETRY,
    TS_EVENT_ENTER,
    TS_EVENT_ROUTE,
    TS_EVENT_FIRST, /* the first token of an attempt that is watched */
    TS_EVENT_SLOW,  /* an attempt has been at its tier for as long as calls stay at one without a token */
    TS_EVENT_PATIENCE,
    TS_EVENT_TIMER, /* of the routing policy */
    TS_EVENT_USER,  /* a user of a closed loop sends: after all else of that instant, as an arrival */
    TS_EVENT_TURN,  /* a call of a session, which has waited, is sent: the same */
    TS_N_EVENT_KINDS
};

/* What a random stream of a request is for. */
enum ts_purpose {
    TS_PURPOSE_ROUTER = 1,
    TS_PURPOSE_LINK = 2,
    TS_PURPOSE_API = 3,
    TS_PURPOSE_FAILURE = 4,
    TS_PURPOSE_DRAFT = 5,
    TS_PURPOSE_KV_TRANSFER = 6,
    TS_PURPOSE_VERIFY = 7,
    TS_PURPOSE_THINK = 8,
    TS_PURPOSE_OUTAGE = 9,
    TS_PURPOSE_INCIDENT = 10,
    TS_PURPOSE_SCALE = 11,
    TS_PURPOSE_QUALITY = 20
};

struct ts_engine;
struct ts_tier;

struct ts_tier_ops {
    const char *name;
    enum ts_status (*create)(struct ts_tier *tier, struct ts_engine *engine);
    void (*destroy)(struct ts_tier *tier);
    /* Could it ever serve that request (context, memory, eligible device, size of a rate limit)? */
    bool (*can_hold)(const struct ts_tier *tier, const struct ts_request *request);
    /* How hard it is pressed, for the least-loaded policy: requests beyond its seats, per seat; 0 if there is a seat
     * for one more. */
    double (*pressure)(const struct ts_tier *tier, const struct ts_engine *engine, const struct ts_request *request);
    /* Takes a request in (and calls ts_engine_accept), or returns false: flight->reason says why, if it is another one
     * than that it is full. */
    bool (*enter)(struct ts_tier *tier, struct ts_engine *engine, uint32_t id);
    /* An event of kind SERVICE, LOADED or RETRY (target: a request in this tier), STEP or LIFE (target: one of its
     * units). */
    void (*fire)(struct ts_tier *tier, struct ts_engine *engine, enum ts_event_kind kind, uint32_t target,
                 uint32_t stamp);
    /* The attempt is called back before its first token: forget it. */
    void (*abandon)(struct ts_tier *tier, struct ts_engine *engine, uint32_t id);
    /* An incident takes some of its units down; NULL: it has none, and asks ts_incidents_share. */
    void (*strike)(struct ts_tier *tier, struct ts_engine *engine, const struct ts_incident_model *incident);
    /* The run ends at engine->now_ns with work under way: account for what was done until then. */
    void (*close)(struct ts_tier *tier, struct ts_engine *engine);
};

struct ts_tier {
    const struct ts_tier_ops *ops;
    const struct ts_tier_model *model;
    uint32_t index;
    uint32_t key; /* of its random streams: a hash of its name, so that other tiers do not change its draws */
    void *state;
};

struct ts_engine {
    const struct ts_model *model;
    const struct ts_sim_options *options;
    uint32_t replication;
    uint64_t rng_key; /* of the seed and the replication */
    bool single_steps;
    const double *recorded_s; /* see ts_sim_options */
    size_t n_recorded, next_recorded;
    int64_t patience_ns, router_ns, fallback_ns; /* of the model, in its clock */
    int64_t now_ns;
    int64_t next_arrival_ns; /* TS_NEVER_NS when the stream has ended */
    int64_t end_ns;          /* nothing happens after it */
    int64_t last_ns;         /* the last arrival or event that was not stale */
    struct ts_event_queue queue;
    struct ts_calls calls;
    struct ts_slots flights;
    struct ts_link links[TS_MAX_LINKS];
    struct ts_ledger ledger;
    struct ts_router router;
    struct ts_tier tiers[TS_MAX_TIERS];
    struct ts_displaced displaced;
    struct ts_users users;
    struct ts_sessions sessions;
    uint64_t incidents;        /* under way, a bit each */
    uint64_t n_arrived_before; /* when an incident that comes again last did */
    uint64_t n_events;
    uint64_t toil;         /* since the caller was asked whether to go on */
    enum ts_status status; /* the first failure inside an event */
};

/* Indexed by enum ts_tier_kind. */
extern const struct ts_tier_ops *const ts_tier_ops[TS_N_TIER_KINDS];

enum ts_status ts_engine_init(struct ts_engine *out, const struct ts_model *model,
                              const struct ts_sim_options *options);
void ts_engine_deinit(struct ts_engine *engine);
/* Runs to the end of the stream and of all work (or to the end of the drain time), and settles what is left as
 * unfinished. *window_ns = last arrival; of a closed loop see ts_users_window_ns. */
enum ts_status ts_engine_run(struct ts_engine *engine, int64_t *window_ns, struct ts_request_stream *requests,
                             struct ts_diags *diags);

/* ---- for tiers ---- */

/* The caller is asked after so much work, some milliseconds. */
enum { TS_TOIL_PER_ASK = 1 << 19 };

/* Out of memory inside an event: the run ends with that status. */
void ts_engine_fail(struct ts_engine *engine, enum ts_status status);
/* An event goes through so many things (replicas, sequences, tokens): it counts as more than one, and the caller is
 * asked the earlier whether to go on. */
static inline void ts_engine_toil(struct ts_engine *engine, uint64_t n)
{
    engine->toil += n;
}
/* The same amid one event that does that again and again; false: the run is to end, see engine->status. */
bool ts_engine_toils_on(struct ts_engine *engine, uint64_t n);
void ts_engine_schedule(struct ts_engine *engine, int64_t time_ns, enum ts_event_kind kind, uint32_t target,
                        uint32_t stamp);
/* An event for an attempt: stale once the attempt has ended. */
void ts_engine_schedule_flight(struct ts_engine *engine, int64_t time_ns, enum ts_event_kind kind, uint32_t id);
/* The target of STEP and LIFE: a unit of a tier, up to 2^24 units. */
static inline uint32_t ts_engine_unit(const struct ts_tier *tier, uint32_t unit)
{
    return tier->index << 24 | unit;
}
/* Will anything still happen that a tier has to be ready for? If not, LIFE events need no further ones: a run ends when
 * no events are left. */
bool ts_engine_goes_on(const struct ts_engine *engine);
/* Once the last request has been sent, the run ends after the drain time: to be called when that may be so. */
void ts_engine_note_end(struct ts_engine *engine);
/* The attempt is in the tier from now on. */
void ts_engine_accept(struct ts_engine *engine, uint32_t id);
/* Its first token is there, now; or is known to come at flight->first_ns. */
void ts_engine_first_token(struct ts_engine *engine, uint32_t id);
void ts_engine_expect_first(struct ts_engine *engine, uint32_t id);
/* Its tier cannot serve it any more, for that reason: on to the next of the fallback order, rejected if there is none.
 * The record may be gone afterwards. */
void ts_engine_turn_away(struct ts_engine *engine, uint32_t id, enum ts_reason reason);
/* The attempt leaves its tier now (rejected: for flight->reason); its record may be gone afterwards. */
void ts_engine_finish(struct ts_engine *engine, uint32_t id, enum ts_outcome outcome);
/* The stream of a request for one purpose at a tier (its key; 0: at none); `draw`, below 2^24, numbers the uses. */
void ts_engine_rng(const struct ts_engine *engine, struct ts_rng *rng, const struct ts_request *request,
                   enum ts_purpose purpose, uint32_t key, uint32_t draw);

static inline struct ts_flight *ts_engine_flight(const struct ts_engine *engine, uint32_t id)
{
    return ts_flights_at(&engine->flights, id);
}

static inline struct ts_call *ts_engine_call(const struct ts_engine *engine, uint32_t id)
{
    return ts_calls_at(&engine->calls, id);
}

#endif
