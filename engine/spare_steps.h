/* Steps that no request asked for, to be timed: sequences whose cached tokens are whatever their pages hold. */
#ifndef TS_ENGINE_SPARE_STEPS_H
#define TS_ENGINE_SPARE_STEPS_H

#include "engine/kv_cache.h"
#include "engine/transformer.h"
#include "measure/model_measurement.h"

struct ts_spare_steps {
    struct ts_step_chunk *chunks; /* [max_seqs]: the step, for ts_transformer_step */
    uint32_t *tokens;             /* [max_tok] made-up ones; chunk i of one token takes the i-th */
    struct ts_kv_cache *cache;    /* borrowed */
    struct ts_kv_seq *seqs;       /* [max_seqs] */
    uint32_t n;                   /* sequences that hold pages */
};

/* max_tok >= max_seqs. TS_ENOMEM. */
enum ts_status ts_spare_steps_init(struct ts_spare_steps *out, struct ts_kv_cache *cache, uint32_t max_seqs,
                                   uint32_t max_tok, uint32_t vocab);
/* Does nothing on a zeroed one. */
void ts_spare_steps_deinit(struct ts_spare_steps *spare);

/* Fills chunks[0..n) for that step. TS_ENOMEM if the cache has no pages left; release in any case. */
enum ts_status ts_spare_steps_make(struct ts_spare_steps *spare, const struct ts_model_step *step);
void ts_spare_steps_release(struct ts_spare_steps *spare);

#endif
