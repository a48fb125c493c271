/* A model of a GGUF file, opened for stepping: what the developers' tool and the tests against recorded logits share.
 */
#ifndef TS_TESTS_ENGINE_LIVE_MODEL_H
#define TS_TESTS_ENGINE_LIVE_MODEL_H

#include "engine/transformer.h"

struct live_model {
    struct ts_pool *pool;
    struct ts_gguf *gguf;
    struct ts_weight_source *source;
    struct ts_weights *weights;
    struct ts_model_config config;
    struct ts_kv_cache cache;
    struct ts_transformer *transformer;
};

struct live_limits {
    uint32_t n_threads, kv_tok, max_tok, max_logits;
};

/* On failure nothing is left open. */
enum ts_status live_model_open(struct live_model *out, const char *path, const struct live_limits *limits,
                               struct ts_diags *diags);
void live_model_close(struct live_model *model);

/* The next token of a text that any program can make up alike: x = x * 6364136223846793005 + 1442695040888963407 modulo
 * 2^64 (Knuth), then (x >> 33) modulo the vocabulary. */
uint32_t live_token(uint64_t *x, uint32_t vocab);

#endif
