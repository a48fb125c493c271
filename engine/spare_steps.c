/* Hides how a step is put together whose tokens nobody reads. */
#include "engine/spare_steps.h"

#include <stdlib.h>

#include "base/rng.h"

enum ts_status ts_spare_steps_init(struct ts_spare_steps *out, struct ts_kv_cache *cache, uint32_t max_seqs,
                                   uint32_t max_tok, uint32_t vocab)
{
    struct ts_spare_steps spare = {.cache = cache,
                                   .chunks = calloc(max_seqs, sizeof *spare.chunks),
                                   .tokens = calloc(max_tok, sizeof *spare.tokens),
                                   .seqs = calloc(max_seqs, sizeof *spare.seqs)};
    if (!spare.chunks || !spare.tokens || !spare.seqs) {
        ts_spare_steps_deinit(&spare);
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < max_tok; i++) {
        spare.tokens[i] = (uint32_t)(ts_mix64(i) % vocab);
    }
    *out = spare;
    return TS_OK;
}

void ts_spare_steps_deinit(struct ts_spare_steps *spare)
{
    ts_spare_steps_release(spare);
    free(spare->chunks);
    free(spare->tokens);
    free(spare->seqs);
    *spare = (struct ts_spare_steps){.n = 0};
}

/* A sequence with `depth` tokens in the cache, and room for n_tok more. */
static enum ts_status add_seq(struct ts_spare_steps *spare, uint32_t depth, uint32_t n_tok)
{
    const uint32_t i = spare->n++;
    struct ts_kv_seq *seq = &spare->seqs[i];
    const enum ts_status status = ts_kv_seq_reserve(spare->cache, seq, depth + n_tok);
    seq->n_tok = depth;
    spare->chunks[i] = (struct ts_step_chunk){
        .seq = seq, .tokens = spare->tokens + (n_tok == 1 ? i : 0), .n_tok = n_tok, .n_logits = 1};
    return status;
}

enum ts_status ts_spare_steps_make(struct ts_spare_steps *spare, const struct ts_model_step *step)
{
    enum ts_status status = TS_OK;
    for (uint32_t i = 0; i < step->n_decode && status == TS_OK; i++) {
        status = add_seq(spare, step->depth, 1);
    }
    for (uint32_t i = 0; i < ts_model_step_prompts(step) && status == TS_OK; i++) {
        status = add_seq(spare, step->prefill_depth, ts_model_step_chunk(step, i));
    }
    return status;
}

void ts_spare_steps_release(struct ts_spare_steps *spare)
{
    for (; spare->n > 0; spare->n--) {
        ts_kv_seq_release(spare->cache, &spare->seqs[spare->n - 1]);
    }
}
