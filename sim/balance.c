/* Hides how a load balancer chooses among replicas.
 *   least-outstanding  the fewest requests, waiting or running; the first of equals */
#include "sim/balance.h"

static bool has_room(const struct ts_balance *balance, const struct ts_replica *replica)
{
    return ts_replica_waiting(replica) < balance->max_queue;
}

static struct ts_replica *least_outstanding(struct ts_balance *balance, const struct ts_request *request)
{
    (void)request;
    struct ts_replica *best = NULL;
    uint32_t fewest = UINT32_MAX;
    for (uint32_t i = 0; i < balance->n; i++) {
        struct ts_replica *replica = &balance->replicas[i];
        const uint32_t n = ts_replica_outstanding(replica);
        if (n < fewest && has_room(balance, replica)) {
            fewest = n;
            best = replica;
        }
    }
    return best;
}

const struct ts_balance_row ts_balance_rows[TS_N_BALANCE_POLICIES] = {
    [TS_BALANCE_LEAST_OUTSTANDING] = {"least-outstanding", least_outstanding},
};
