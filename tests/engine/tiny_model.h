/* Tiny models for the engine's tests, and everything that one needs to run. */
#ifndef TS_TESTS_ENGINE_TINY_MODEL_H
#define TS_TESTS_ENGINE_TINY_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/transformer.h"

static inline struct ts_model_config tiny_llama(void)
{
    return (struct ts_model_config){
        .name = "tiny",
        .family = TS_MODEL_LLAMA,
        .layers = 3,
        .hidden = 96,
        .ffn = 160,
        .heads = 6,
        .kv_heads = 2,
        .head_dim = 16,
        .vocab = 300,
        .context = 512,
        .tied = true,
        .norm_eps = 1e-5F,
        .rope_base = 10000.0,
        .rope_scaling = TS_ROPE_LLAMA3,
        .rope_factor = 8.0,
        .rope_low_freq = 1.0,
        .rope_high_freq = 4.0,
        .rope_original_context = 64,
    };
}

static inline struct ts_model_config tiny_qwen2(void)
{
    struct ts_model_config config = tiny_llama();
    config.family = TS_MODEL_QWEN2;
    config.rope_scaling = TS_ROPE_PLAIN;
    config.tied = false;
    config.qkv_bias = true;
    config.kv_heads = 6;
    return config;
}

static inline struct ts_model_config tiny_qwen3(void)
{
    struct ts_model_config config = tiny_llama();
    config.family = TS_MODEL_QWEN3;
    config.rope_scaling = TS_ROPE_LINEAR;
    config.qk_norm = true;
    config.heads = 4;
    config.kv_heads = 1;
    config.head_dim = 80; /* not a multiple of a panel, heads * head_dim is not the hidden size */
    return config;
}

struct tiny {
    struct ts_model_config config;
    struct ts_pool *pool;
    struct ts_weight_source *source;
    struct ts_weights *weights;
    struct ts_kv_cache cache;
    struct ts_transformer *transformer;
};

enum { TINY_MAX_TOK = 256, TINY_PAGES = 64 };

static inline void tiny_open(struct tiny *tiny, const struct ts_model_config *config, const char *quant,
                             const char *isa, enum ts_kv_type kv, uint32_t n_threads)
{
    tiny->config = *config;
    assert_int_equal(ts_pool_create(&tiny->pool, n_threads), TS_OK);
    assert_int_equal(ts_weight_source_synthetic(&tiny->source, config, quant, 7, NULL), TS_OK);
    assert_int_equal(ts_weights_create(&tiny->weights, config, tiny->source, isa, tiny->pool, NULL), TS_OK);
    assert_int_equal(
        ts_kv_cache_create(&tiny->cache, kv, config->layers, config->kv_heads, config->head_dim, TINY_PAGES), TS_OK);
    assert_int_equal(
        ts_transformer_create(&tiny->transformer, tiny->weights, &tiny->cache, tiny->pool, TINY_MAX_TOK, TINY_MAX_TOK),
        TS_OK);
}

static inline void tiny_close(struct tiny *tiny)
{
    ts_transformer_destroy(tiny->transformer);
    ts_kv_cache_deinit(&tiny->cache);
    ts_weights_destroy(tiny->weights);
    ts_weight_source_destroy(tiny->source);
    ts_pool_destroy(tiny->pool);
}

/* Appends n tokens to the sequence; logits of all of them if `all`, else of the last. */
static inline void tiny_step(struct tiny *tiny, struct ts_kv_seq *seq, const uint32_t *tokens, uint32_t n, bool all,
                             float *logits)
{
    struct ts_step_chunk chunk = {seq, tokens, n, all ? n : 1};
    assert_int_equal(ts_transformer_step(tiny->transformer, &chunk, 1, logits, NULL), TS_OK);
}

static inline void tiny_tokens(uint32_t *tokens, uint32_t n, uint32_t vocab, uint32_t seed)
{
    for (uint32_t i = 0; i < n; i++) {
        tokens[i] = (uint32_t)((seed * 2654435761U + i * 40503U + i * i * 97U) % vocab);
    }
}

#endif
