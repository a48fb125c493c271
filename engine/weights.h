/* A model's weights, packed for this machine. q, k, v are one linear map, gate and up another. Memory is that of the
 * packed weights alone: rows of the embedding are read from the source, which must outlive the weights. */
#ifndef TS_ENGINE_WEIGHTS_H
#define TS_ENGINE_WEIGHTS_H

#include "base/arena.h"
#include "engine/linear.h"
#include "engine/model_config.h"

struct ts_layer_weights {
    const float *attn_norm, *ffn_norm; /* [hidden] */
    const float *q_norm, *k_norm;      /* [head_dim] or NULL */
    const float *qkv_bias;             /* [(heads + 2 kv_heads) * head_dim] or NULL */
    struct ts_linear qkv, attn_out, gate_up, down;
};

struct ts_weights {
    struct ts_model_config config;
    const struct ts_weight_source *source;
    const struct ts_tensor *embedding;
    struct ts_linear_tools tools;
    struct ts_layer_weights *layers; /* [config.layers] */
    const float *out_norm;           /* [hidden] */
    const double *frequencies;       /* [head_dim/2], radians per position */
    struct ts_linear head;
    struct ts_arena arena;
    size_t packed_bytes;
};

/* Packs with all threads of the pool. Checks every tensor's shape against the config: TS_EINPUT with a diagnostic that
 * names the tensor; TS_EUNSUPPORTED, TS_ENOMEM. isa: a kernel variant's name, NULL = the best for this machine. */
enum ts_status ts_weights_create(struct ts_weights **out, const struct ts_model_config *config,
                                 const struct ts_weight_source *source, const char *isa, struct ts_pool *pool,
                                 struct ts_diags *diags);
void ts_weights_destroy(struct ts_weights *weights);

/* x[hidden] = the embedding of a token. */
void ts_weights_embed(const struct ts_weights *weights, float *x, uint32_t token);

/* "avx512vnni": the kernel of the first layer; "float" for float weights. */
const char *ts_weights_kernel(const struct ts_weights *weights);
/* "Q4_0": the type of the first layer's matrices. */
const char *ts_weights_quant(const struct ts_weights *weights);

#endif
