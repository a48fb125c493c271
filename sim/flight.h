/* Requests on their way through the simulation: records in a pool with a free list, addressed by index. A record's
 * stamp changes when it is given back, so that an event scheduled for a request that has left is recognised as stale.
 */
#ifndef TS_SIM_FLIGHT_H
#define TS_SIM_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "sim/record.h"
#include "traces/request.h"

enum { TS_FLIGHT_MAX = 1 << 22 };

#define TS_FLIGHT_NONE UINT32_MAX

struct ts_flight {
    struct ts_request request;
    int64_t entered_ns; /* the tier it is in */
    int64_t noticed_ns; /* servers: when the engine looked at its queue; TS_NEVER_NS before */
    int64_t start_ns;   /* of service there; TS_NEVER_NS before */
    int64_t first_ns;   /* first token, at the tier; may lie ahead; TS_NEVER_NS if not known yet */
    int64_t end_ns;     /* devices: last token; disaggregated servers: when its KV entries came onto the link */
    int64_t token_ns;   /* servers: when it was preempted or left for another pool, its last token */
    int64_t down_ns;    /* delay of the link towards the client */
    uint32_t stamp;
    uint32_t next;   /* free list; queue of a device */
    uint32_t unit;   /* replica or user */
    uint32_t handle; /* in a replica's scheduler */
    uint32_t barred; /* tiers that policy forbids, as a mask */
    uint32_t tried;  /* tiers tried or passed over, as a mask */
    uint32_t n_preemptions;
    uint8_t tier;     /* where it is or goes; n_tiers: nowhere */
    uint8_t choice;   /* the tier that it was meant for first */
    uint8_t offer;    /* API: the one that took it */
    uint8_t attempts; /* API: retries so far */
    bool is_used;     /* taken from the pool */
    bool in_tier;     /* entered and not left */
    bool in_step;     /* servers: in decode; its last token came at the end of the replica's last step */
};

/* A flight's own copy of its request's prefix ids. */
struct ts_flight_prefix {
    uint64_t *ids; /* stays with the record, for the next request in it */
    uint32_t cap;
};

struct ts_flights {
    struct ts_flight *items;
    struct ts_flight_prefix *prefixes; /* [n_prefixes], beside items, as far as requests brought ids */
    uint32_t n_prefixes;
    uint32_t cap, n_used, free;
};

void ts_flights_init(struct ts_flights *flights);
void ts_flights_deinit(struct ts_flights *flights);
/* *id = a cleared record. TS_ERANGE when TS_FLIGHT_MAX are taken, TS_ENOMEM. May move the records: pointers into items
 * are stale. */
enum ts_status ts_flights_take(struct ts_flights *flights, uint32_t *id);
void ts_flights_give(struct ts_flights *flights, uint32_t id);
/* Copies the prefix ids of the flight's request, which the stream is about to take back; the copy lasts until the
 * flight is given back. TS_ENOMEM: the request has no prefix then. */
enum ts_status ts_flights_keep_prefix(struct ts_flights *flights, uint32_t id);

#endif
