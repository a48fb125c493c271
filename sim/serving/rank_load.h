/* Engines that step together (attention in parallel): a step takes what the rank with most to do takes, with sequences
 * spread evenly and a prompt on one rank. */
#ifndef TS_SIM_SERVING_RANK_LOAD_H
#define TS_SIM_SERVING_RANK_LOAD_H

#include "sim/model_steps.h"

struct ts_rank_load {
    double tokens, seqs;
    double chunk, pairs; /* tokens and query-key pairs of prompts */
    double n, kv_share;  /* in decode; their share of the KV entries read */
};

/* Of the busiest of d ranks; d 0 and 1: everything. */
struct ts_rank_load ts_rank_load(const struct ts_batch_load *load, uint32_t d);

#endif
