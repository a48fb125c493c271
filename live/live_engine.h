/* What the live engine is made of: for its serving loop (live.c) and for timing single steps of it (live_engine.c). */
#ifndef TS_LIVE_LIVE_ENGINE_H
#define TS_LIVE_LIVE_ENGINE_H

#include "engine/spare_steps.h"
#include "engine/transformer.h"
#include "live/live.h"

struct ts_live {
    struct ts_live_options options;
    struct ts_model_config config;
    struct ts_pool *pool;
    struct ts_gguf *gguf;
    struct ts_weight_source *source;
    struct ts_weights *weights;
    struct ts_kv_cache cache;
    struct ts_transformer *transformer;
    struct ts_step_chunk *chunks; /* [max_seqs] */
    uint32_t *owners;             /* [max_seqs] request of each chunk */
    bool *gives;                  /* [max_seqs] a token: its prompt is complete */
    float *logits;                /* [max_seqs][vocab] */
    uint32_t max_seqs;
    double heats[TS_LIVE_N_MEMORIES]; /* at heat_ns; of all steps, whoever asked for them */
    int64_t heat_ns;
    /* For steps that no request asked for. */
    struct ts_spare_steps spare;
};

/* A step has just ended that began at begin_ns. */
void ts_live_remember(struct ts_live *live, int64_t begin_ns, bool has_prompt);

uint32_t ts_live_likeliest(const float *logits, uint32_t n);

#endif
