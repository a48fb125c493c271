/* Load balancers: which of a tier's replicas a request joins. A balancer is a row of a table. */
#ifndef TS_SIM_SERVING_BALANCE_H
#define TS_SIM_SERVING_BALANCE_H

#include "sim/serving/replica.h"

struct ts_balance {
    struct ts_replica *replicas; /* [n] borrowed */
    uint32_t n;
    uint32_t max_queue; /* a replica with that many waiting takes no more */
    uint32_t next;      /* round robin: whose turn it is */
    bool is_mixed;      /* replicas differ: a request may be too large for some of them */
    bool is_weighted;   /* their weights differ */
    uint64_t key;       /* random: of its draws */
};

struct ts_balance_row {
    const char *name;
    /* A replica that is up, has room, and can hold the request; NULL if none is. */
    struct ts_replica *(*choose)(struct ts_balance *balance, int64_t now_ns, const struct ts_request *request);
};

/* Indexed by enum ts_balance_policy. */
extern const struct ts_balance_row ts_balance_rows[TS_N_BALANCE_POLICIES];

#endif
