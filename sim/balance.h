/* Load balancers: which replica of a pool a request joins. A balancer is a row of a table. */
#ifndef TS_SIM_BALANCE_H
#define TS_SIM_BALANCE_H

#include "sim/replica.h"

struct ts_balance {
    struct ts_replica *replicas; /* [n] borrowed */
    uint32_t n;
    uint32_t max_queue; /* a replica with that many waiting takes no more */
};

struct ts_balance_row {
    const char *name;
    /* A replica with room; NULL if none has. */
    struct ts_replica *(*choose)(struct ts_balance *balance, const struct ts_request *request);
};

enum ts_balance_policy { TS_BALANCE_LEAST_OUTSTANDING, TS_N_BALANCE_POLICIES };

/* Indexed by enum ts_balance_policy. */
extern const struct ts_balance_row ts_balance_rows[TS_N_BALANCE_POLICIES];

#endif
