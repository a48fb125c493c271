/* The fleet of a tier: which of its replicas are up. They fail and are repaired, are restarted one after another, and
 * their number follows the load. Requests that find none up are held until one is. */
#ifndef TS_SIM_SERVING_FLEET_H
#define TS_SIM_SERVING_FLEET_H

#include "sim/serving/balance.h"

struct ts_fleet {
    const struct ts_server_model *model;
    struct ts_balance balance;
    uint32_t tier;
    uint32_t n_up, n_starting;
    uint32_t held_first, held_last, n_held; /* requests, linked by `next`; TS_FLIGHT_NONE */
    uint32_t entity;                        /* the tier's key */
    uint32_t rolling;                       /* the replica that is being restarted; n: none */
    uint32_t n_looks;                       /* of the autoscaler */
    uint32_t n_wanted;                      /* by the autoscaler: the most since low_since_ns */
    int64_t low_since_ns;                   /* since then fewer are wanted than there are; TS_NEVER_NS: they are not */
};

/* All replicas are up, or as few as the autoscaler may keep. balance.replicas are initialised and borrowed. */
void ts_fleet_open(struct ts_fleet *fleet, const struct ts_tier *tier, struct ts_engine *engine);

/* Puts a request into a replica, or holds it while none is up; false: full. */
bool ts_fleet_place(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t id);
/* A request gives up, wherever it is. */
void ts_fleet_abandon(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t id);
/* A LIFE event. */
void ts_fleet_fire(struct ts_fleet *fleet, struct ts_engine *engine, uint32_t target, uint32_t stamp);
/* An incident takes replicas down: the first of those that are up or starting. */
void ts_fleet_strike(struct ts_fleet *fleet, struct ts_engine *engine, const struct ts_incident_model *incident);
/* A replica that was draining has nothing left to do. */
void ts_fleet_drained(struct ts_fleet *fleet, struct ts_engine *engine, struct ts_replica *replica);

#endif
