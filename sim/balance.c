/* Hides how a load balancer chooses among the replicas that are up and have room. Of equals the first.
 *   least-outstanding  the fewest requests, waiting or running
 *   round-robin        one after another
 *   least-kv           the smallest share of KV blocks in use, then the fewest requests: prompts that wait have no
 *                      blocks yet
 *   prefix             the same replica for prompts that begin with the same ids, where the trace has them: the one of
 *                      the greatest hash of (ids, replica) among those with fewer than 1.25 x the mean of requests, one
 *                      more counted (rendezvous hashing, Thaler and Ravishankar 1998, with bounded loads, Mirrokni et
 *                      al. 2018); prompts without ids as by least-outstanding */
#include "sim/balance.h"

static bool takes(const struct ts_balance *balance, const struct ts_replica *replica)
{
    return replica->life == TS_REPLICA_UP && ts_replica_waiting(replica) < balance->max_queue;
}

static struct ts_replica *least_outstanding(struct ts_balance *balance, int64_t now_ns,
                                            const struct ts_request *request)
{
    (void)now_ns;
    (void)request;
    struct ts_replica *best = NULL;
    uint32_t fewest = UINT32_MAX;
    for (uint32_t i = 0; i < balance->n; i++) {
        struct ts_replica *replica = &balance->replicas[i];
        const uint32_t n = ts_replica_outstanding(replica);
        if (n < fewest && takes(balance, replica)) {
            fewest = n;
            best = replica;
        }
    }
    return best;
}

static struct ts_replica *round_robin(struct ts_balance *balance, int64_t now_ns, const struct ts_request *request)
{
    (void)now_ns;
    (void)request;
    for (uint32_t i = 0; i < balance->n; i++) {
        struct ts_replica *replica = &balance->replicas[balance->next];
        balance->next = balance->next + 1 == balance->n ? 0 : balance->next + 1;
        if (takes(balance, replica)) {
            return replica;
        }
    }
    return NULL;
}

static struct ts_replica *least_kv(struct ts_balance *balance, int64_t now_ns, const struct ts_request *request)
{
    (void)request;
    struct ts_replica *best = NULL;
    double least = 2.0;
    uint32_t fewest = UINT32_MAX;
    for (uint32_t i = 0; i < balance->n; i++) {
        struct ts_replica *replica = &balance->replicas[i];
        if (!takes(balance, replica)) {
            continue;
        }
        const double share = (double)ts_replica_blocks(replica, now_ns) / (double)replica->config->scheduler.kv_blocks;
        const uint32_t n = ts_replica_outstanding(replica);
        if (share < least || (share <= least && n < fewest)) {
            least = share;
            fewest = n;
            best = replica;
        }
    }
    return best;
}

static uint64_t beginning_of(const struct ts_prefix *prefix)
{
    enum { N_IDS = 2 };
    uint64_t key = 0;
    for (uint32_t i = 0; i < prefix->n_ids && i < N_IDS; i++) {
        key = ts_mix64(key ^ prefix->ids[i]);
    }
    return key;
}

/* The most requests that a replica may have to get another one. */
static double bounded_load(const struct ts_balance *balance)
{
    static const double slack = 1.25;
    uint64_t n_requests = 1;
    uint32_t n_up = 0;
    for (uint32_t i = 0; i < balance->n; i++) {
        const struct ts_replica *replica = &balance->replicas[i];
        n_requests += replica->life == TS_REPLICA_UP ? ts_replica_outstanding(replica) : 0;
        n_up += replica->life == TS_REPLICA_UP;
    }
    return n_up > 0 ? slack * (double)n_requests / n_up : 0.0;
}

static struct ts_replica *same_prefix(struct ts_balance *balance, int64_t now_ns, const struct ts_request *request)
{
    if (request->prefix.n_ids == 0) {
        return least_outstanding(balance, now_ns, request);
    }
    const uint64_t key = beginning_of(&request->prefix);
    const double bound = bounded_load(balance);
    struct ts_replica *best = NULL;
    uint64_t greatest = 0;
    for (uint32_t i = 0; i < balance->n; i++) {
        struct ts_replica *replica = &balance->replicas[i];
        const uint64_t weight = ts_mix64(key ^ ts_mix64(i));
        if ((!best || weight > greatest) && (double)ts_replica_outstanding(replica) < bound &&
            takes(balance, replica)) {
            greatest = weight;
            best = replica;
        }
    }
    return best ? best : least_outstanding(balance, now_ns, request);
}

const struct ts_balance_row ts_balance_rows[TS_N_BALANCE_POLICIES] = {
    [TS_BALANCE_LEAST_OUTSTANDING] = {"least-outstanding", least_outstanding},
    [TS_BALANCE_ROUND_ROBIN] = {"round-robin", round_robin},
    [TS_BALANCE_LEAST_KV] = {"least-kv", least_kv},
    [TS_BALANCE_PREFIX] = {"prefix", same_prefix},
};
