/* The forward pass of a dense decoder. A step is what continuous batching makes of it: any mix of prompts' chunks and
 * of sequences that decode, one token each. Positions follow on what a sequence has in the cache. Results do not depend
 * on the number of threads, nor on what else is in a step, nor on how a prompt is cut into chunks: to the bit, with
 * every kernel. */
#ifndef TS_ENGINE_TRANSFORMER_H
#define TS_ENGINE_TRANSFORMER_H

#include "base/diag.h"
#include "engine/kv_cache.h"
#include "engine/weights.h"
#include "kernels/pool.h"

/* The tokens that a step adds to one sequence; a sequence stands at most once in a step. */
struct ts_step_chunk {
    struct ts_kv_seq *seq;
    const uint32_t *tokens;
    uint32_t n_tok;
    uint32_t n_logits; /* logits are wanted of the last n_logits of them */
};

struct ts_transformer;

/* max_tok: the most tokens of a step; max_logits: the most rows of logits. Weights, cache and pool are borrowed; the
 * cache must have the model's layers, heads and head size. TS_ENOMEM, TS_ERANGE. */
enum ts_status ts_transformer_create(struct ts_transformer **out, const struct ts_weights *weights,
                                     struct ts_kv_cache *cache, struct ts_pool *pool, uint32_t max_tok,
                                     uint32_t max_logits);
void ts_transformer_destroy(struct ts_transformer *transformer);

/* Runs a step and appends to the sequences. logits: [sum of n_logits][vocab], chunk by chunk. TS_ERANGE with a
 * diagnostic, and nothing changed, if a token is not in the vocabulary, the step is too large, or pages are lacking;
 * TS_ENOMEM. */
enum ts_status ts_transformer_step(struct ts_transformer *transformer, const struct ts_step_chunk *chunks,
                                   uint32_t n_chunks, float *logits, struct ts_diags *diags);

/* Working memory, bytes. */
size_t ts_transformer_bytes(const struct ts_transformer *transformer);

#endif
