/* Prefill/decode disaggregation: the way of a prompt's KV entries from the replica that computed them to the one that
 * goes on. As DistServe (Zhong et al. 2024), Splitwise (Patel et al. 2024) and Mooncake (Qin et al. 2024) have it:
 *
 *   prefill replica: prompt, first token -> link: queue, bytes/bandwidth, latency -> decode replica: all further tokens
 *
 * The first token is the prefill replica's, but the client gets it from the decode replica when that has a seat for the
 * request, as from vLLM, SGLang and TensorRT-LLM: TTFT holds the transfer, its queue, and the wait for blocks and a
 * seat (docs/decisions/0019). Nobody calls a request back meanwhile. The prompt's blocks stay in use at the prefill
 * replica until the transfer is over. They land in the decode node's host memory, as Mooncake's do: the decode replica,
 * chosen when they are there, takes blocks for them when it admits the request, and moving them in takes no time of its
 * own. A request of one token ends at the prefill replica. One that is preempted in decode computes its prompt again
 * there.
 *
 * The link is one for all replicas of the tier, and shared with whoever else uses its direction away from the users:
 * transfers follow one another in the order in which their prompts were
 * done, each for (whole blocks of the prompt x bytes)/bandwidth; then comes the latency, half a round trip and a
 * jitter, in which the next one may begin. */
#ifndef TS_SIM_SERVING_KV_TRANSFER_H
#define TS_SIM_SERVING_KV_TRANSFER_H

#include "sim/engine.h"

struct ts_kv_transfer {
    struct ts_link *link; /* NULL: takes no time */
    double bytes_per_tok;
    uint32_t tier;
};

void ts_kv_transfer_open(struct ts_kv_transfer *transfer, struct ts_engine *engine, const struct ts_tier *tier);
/* The request's prompt is done: its n_tok tokens' worth of KV entries, whole blocks, are given to the link. A SERVICE
 * event of the request says that they are there. */
void ts_kv_transfer_begin(struct ts_kv_transfer *transfer, struct ts_engine *engine, uint32_t id, uint64_t n_tok);
/* They are there: into the books. */
void ts_kv_transfer_end(const struct ts_kv_transfer *transfer, struct ts_engine *engine, uint32_t id, uint64_t n_tok);

#endif
