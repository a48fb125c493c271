/* The small models whose logits another program has recorded in llama_cpp_logits.csv. */
#ifndef TS_TESTS_ENGINE_RECORDED_MODEL_H
#define TS_TESTS_ENGINE_RECORDED_MODEL_H

#include <string.h>

#include "engine/model_config.h"

enum {
    RECORDED_SEED = 1, /* of weights and text */
    RECORDED_TOK = 80, /* tokens of the text: more than a chunk of attention */
    RECORDED_STEP = 2, /* every second position is kept */
    RECORDED_VOCAB = 512,
    RECORDED_LOGITS = 8, /* and every 64th logit */
    RECORDED_STRIDE = RECORDED_VOCAB / RECORDED_LOGITS,
};

/* Grouped queries, a head of its own; Llama with Llama 3's rotary scaling, Qwen2 with biases, Qwen3 with norms on q and
 * k and heads that are not hidden / heads wide. */
static inline bool recorded_config(struct ts_model_config *out, const char *family)
{
    struct ts_model_config config = {
        .name = "recorded",
        .family = TS_MODEL_LLAMA,
        .layers = 4,
        .hidden = 256,
        .ffn = 512,
        .heads = 4,
        .kv_heads = 2,
        .head_dim = 64,
        .vocab = RECORDED_VOCAB,
        .context = 512,
        .norm_eps = 1e-5F,
        .rope_base = 10000.0,
    };
    if (strcmp(family, "llama") == 0) {
        config.rope_scaling = TS_ROPE_LLAMA3;
        config.rope_factor = 8.0;
        config.rope_low_freq = 1.0;
        config.rope_high_freq = 4.0;
        config.rope_original_context = 64;
    } else if (strcmp(family, "qwen2") == 0) {
        config.family = TS_MODEL_QWEN2;
        config.qkv_bias = true;
    } else if (strcmp(family, "qwen3") == 0) {
        config.family = TS_MODEL_QWEN3;
        config.qk_norm = true;
        config.heads = 4;
        config.kv_heads = 1;
        config.head_dim = 128;
    } else {
        return false;
    }
    *out = config;
    return true;
}

#endif
