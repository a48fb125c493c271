/* The server tier: replicas with continuous batching behind a load balancer, each a scheduler driven by modelled step
 * times (sim/replica, sim/balance, sim/fleet). */
#ifndef TS_SIM_SERVING_SERVER_H
#define TS_SIM_SERVING_SERVER_H

#include "sim/engine.h"
#include "sim/serving/scheduler.h"

enum { TS_SERVER_QUEUE_MAX = 1 << 20, TS_SERVER_MAX_REPLICAS = 1 << 16 };

extern const struct ts_tier_ops ts_server_ops;

/* The scheduler of a replica: what a live engine is given to be compared with it. */
struct ts_scheduler_config ts_server_scheduler_config(const struct ts_replica_model *model);

#endif
