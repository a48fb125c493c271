/* How long a router takes for a request. */
#ifndef TS_SIM_ROUTING_ROUTER_TIME_H
#define TS_SIM_ROUTING_ROUTER_TIME_H

#include "sim/model.h"

/* Its latency, and where that was measured, the time in which it reads the prompt. */
double ts_router_service_s(const struct ts_router_model *model, const struct ts_request *request);

#endif
