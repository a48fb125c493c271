/* What goes wrong while a run goes on: incidents at stated times (model->incidents), and the outages that links have by
 * themselves. A link's are told to the link (sim/network/link.h) and, once they are noticed, to the attempts after it;
 * a server's strike its replicas; tiers without units of their own ask for the share of them that is struck. */
#ifndef TS_SIM_INCIDENTS_H
#define TS_SIM_INCIDENTS_H

#include "sim/engine.h"

/* Schedules what will happen. The tiers exist. */
void ts_incidents_open(struct ts_engine *engine);
/* An INCIDENT event. */
void ts_incidents_fire(struct ts_engine *engine, uint32_t target);

/* Books how long the tiers' links were down, until the end of the run. */
void ts_incidents_close(struct ts_engine *engine, int64_t end_ns);

/* The share of a tier's calls or users that incidents of that kind strike now, 0..1: of those under way the largest. Of
 * an API: at that offer; else offer -1. */
double ts_incidents_share(const struct ts_engine *engine, uint32_t tier, int offer, enum ts_incident_kind kind);

#endif
