/* Hides how a load balancer chooses among the replicas that are up, have room, and can hold the request. Of equals the
 * first. Replicas of unlike pools have weights w; where those differ:
 *   least-outstanding  the fewest requests n, waiting or running; weighted the least (n + 1)/w, as Envoy's weighted
 *                      least request has it: an empty fleet is filled fastest first
 *   round-robin        one after another; weighted each gets w of every sum of weights, spread evenly (nginx's smooth
 *                      weighted round robin): all gain their weight, the richest is chosen and pays the sum
 *   least-kv           the smallest share of KV blocks in use, then the fewest requests: prompts that wait have no
 *                      blocks yet. Shares speak for themselves: no weights
 *   prefix             the same replica for prompts that begin with the same ids, where the trace has them: the one of
 *                      the greatest hash of (ids, replica) among those with fewer than 1.25 x the mean of requests
 *                      (weighted: its share by weight of them), one more counted (rendezvous hashing, Thaler and
 *                      Ravishankar 1998, with bounded loads, Mirrokni et al. 2018); the calls of a session
 *                      by the session; prompts without ids as by least-outstanding
 *   random             each with a probability in proportion to its weight, drawn request by request
 * Worked: weights 5, 1, 1 take turns as 1 1 2 1 3 1 1. */
#include "sim/serving/balance.h"

static bool takes(const struct ts_balance *balance, const struct ts_replica *replica, const struct ts_request *request)
{
    return replica->life == TS_REPLICA_UP && ts_replica_waiting(replica) < balance->max_queue &&
           (!balance->is_mixed || ts_replica_can_hold(replica->config, request));
}

static struct ts_replica *least_weighted(struct ts_balance *balance, const struct ts_request *request)
{
    struct ts_replica *best = NULL;
    double least = 0.0;
    for (uint32_t i = 0; i < balance->n; i++) {
        struct ts_replica *replica = &balance->replicas[i];
        const double load = ((double)ts_replica_outstanding(replica) + 1.0) / replica->config->weight;
        if ((!best || load < least) && takes(balance, replica, request)) {
            least = load;
            best = replica;
        }
    }
    return best;
}

static struct ts_replica *least_outstanding(struct ts_balance *balance, int64_t now_ns,
                                            const struct ts_request *request)
{
    (void)now_ns;
    if (balance->is_weighted) {
        return least_weighted(balance, request);
    }
    struct ts_replica *best = NULL;
    uint32_t fewest = UINT32_MAX;
    for (uint32_t i = 0; i < balance->n; i++) {
        struct ts_replica *replica = &balance->replicas[i];
        const uint32_t n = ts_replica_outstanding(replica);
        if (n < fewest && takes(balance, replica, request)) {
            fewest = n;
            best = replica;
        }
    }
    return best;
}

static struct ts_replica *weighted_turn(struct ts_balance *balance, const struct ts_request *request)
{
    struct ts_replica *best = NULL;
    double sum = 0.0;
    for (uint32_t i = 0; i < balance->n; i++) {
        struct ts_replica *replica = &balance->replicas[i];
        if (takes(balance, replica, request)) {
            replica->credit += replica->config->weight;
            sum += replica->config->weight;
            best = !best || replica->credit > best->credit ? replica : best;
        }
    }
    if (best) {
        best->credit -= sum;
    }
    return best;
}

static struct ts_replica *round_robin(struct ts_balance *balance, int64_t now_ns, const struct ts_request *request)
{
    (void)now_ns;
    if (balance->is_weighted) {
        return weighted_turn(balance, request);
    }
    for (uint32_t i = 0; i < balance->n; i++) {
        struct ts_replica *replica = &balance->replicas[balance->next];
        balance->next = balance->next + 1 == balance->n ? 0 : balance->next + 1;
        if (takes(balance, replica, request)) {
            return replica;
        }
    }
    return NULL;
}

static struct ts_replica *least_kv(struct ts_balance *balance, int64_t now_ns, const struct ts_request *request)
{
    struct ts_replica *best = NULL;
    double least = 2.0;
    uint32_t fewest = UINT32_MAX;
    for (uint32_t i = 0; i < balance->n; i++) {
        struct ts_replica *replica = &balance->replicas[i];
        if (!takes(balance, replica, request)) {
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

static uint64_t beginning_of(const struct ts_request *request)
{
    enum { N_IDS = 2 };
    const struct ts_prefix *prefix = &request->prefix;
    uint64_t key = 0;
    if (prefix->has_reply) {
        return ts_mix64(request->user);
    }
    for (uint32_t i = 0; i < prefix->n_ids && i < N_IDS; i++) {
        key = ts_mix64(key ^ prefix->ids[i]);
    }
    return key;
}

/* The most requests, per unit of weight, that a replica may have to get another one. */
static double bounded_load(const struct ts_balance *balance)
{
    static const double slack = 1.25;
    uint64_t n_requests = 1;
    double weight = 0.0;
    for (uint32_t i = 0; i < balance->n; i++) {
        const struct ts_replica *replica = &balance->replicas[i];
        const bool is_up = replica->life == TS_REPLICA_UP;
        n_requests += is_up ? ts_replica_outstanding(replica) : 0;
        weight += is_up ? replica->config->weight : 0.0;
    }
    return weight > 0.0 ? slack * (double)n_requests / weight : 0.0;
}

static struct ts_replica *same_prefix(struct ts_balance *balance, int64_t now_ns, const struct ts_request *request)
{
    if (request->prefix.n_ids == 0) {
        return least_outstanding(balance, now_ns, request);
    }
    const uint64_t key = beginning_of(request);
    const double bound = bounded_load(balance);
    struct ts_replica *best = NULL;
    uint64_t greatest = 0;
    for (uint32_t i = 0; i < balance->n; i++) {
        struct ts_replica *replica = &balance->replicas[i];
        const uint64_t weight = ts_mix64(key ^ ts_mix64(i));
        if ((!best || weight > greatest) && (double)ts_replica_outstanding(replica) < bound * replica->config->weight &&
            takes(balance, replica, request)) {
            greatest = weight;
            best = replica;
        }
    }
    return best ? best : least_outstanding(balance, now_ns, request);
}

static struct ts_replica *at_random(struct ts_balance *balance, int64_t now_ns, const struct ts_request *request)
{
    (void)now_ns;
    double sum = 0.0;
    for (uint32_t i = 0; i < balance->n; i++) {
        const struct ts_replica *replica = &balance->replicas[i];
        sum += takes(balance, replica, request) ? replica->config->weight : 0.0;
    }
    double rest = sum * ((double)(ts_mix64(balance->key ^ ts_mix64(request->id)) >> 11) * 0x1p-53);
    struct ts_replica *chosen = NULL;
    for (uint32_t i = 0; i < balance->n && rest >= 0.0; i++) {
        struct ts_replica *replica = &balance->replicas[i];
        if (takes(balance, replica, request)) {
            chosen = replica;
            rest -= replica->config->weight;
        }
    }
    return chosen;
}

const struct ts_balance_row ts_balance_rows[TS_N_BALANCE_POLICIES] = {
    [TS_BALANCE_LEAST_OUTSTANDING] = {"least-outstanding", least_outstanding},
    [TS_BALANCE_ROUND_ROBIN] = {"round-robin", round_robin},
    [TS_BALANCE_LEAST_KV] = {"least-kv", least_kv},
    [TS_BALANCE_PREFIX] = {"prefix", same_prefix},
    [TS_BALANCE_RANDOM] = {"random", at_random},
};
