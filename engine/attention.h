/* Causal grouped-query attention over the paged cache. The work is cut into tiles of queries of one sequence and one
 * key-value head; a tile goes through the keys 64 at a time with an online softmax. The cuts are at fixed positions and
 * every query has its own sums: a result does not depend on what else is in the step, nor on the threads. */
#ifndef TS_ENGINE_ATTENTION_H
#define TS_ENGINE_ATTENTION_H

#include <stdint.h>

#include "base/status.h"
#include "engine/kv_cache.h"
#include "engine/vector_ops.h"
#include "kernels/pool.h"

/* Queries at consecutive positions of one sequence; keys and values up to the last of them must be in the cache. */
struct ts_attention_item {
    const struct ts_kv_seq *seq;
    uint32_t first_pos, n_tok; /* n_tok <= ts_attention_max_tok() */
    uint32_t in_row, out_row;  /* of the first query */
};

struct ts_attention;

/* heads is a multiple of kv_heads; head_dim at most TS_MODEL_MAX_HEAD_DIM. The cache is borrowed. TS_ENOMEM. */
enum ts_status ts_attention_create(struct ts_attention **out, struct ts_pool *pool, const struct ts_vector_ops *ops,
                                   const struct ts_kv_cache *cache, uint32_t heads);
void ts_attention_destroy(struct ts_attention *attention);

/* The most tokens an item may have. */
uint32_t ts_attention_max_tok(const struct ts_attention *attention);

/* q and out: [rows][heads*head_dim], rows ld_q and ld_out floats apart. */
void ts_attention_run(struct ts_attention *attention, uint32_t layer, float *out, size_t ld_out, const float *q,
                      size_t ld_q, const struct ts_attention_item *items, uint32_t n_items);

#endif
