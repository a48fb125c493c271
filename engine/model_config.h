/* The shape of a dense decoder: the Llama family (RMSNorm, rotary positions, grouped-query attention, SwiGLU), Qwen2
 * (biases on q, k, v) and Qwen3 (norms on q and k). From a catalog's numbers, a Hugging Face config.json, or the
 * metadata of a GGUF file (engine/gguf.h). */
#ifndef TS_ENGINE_MODEL_CONFIG_H
#define TS_ENGINE_MODEL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

enum ts_model_family { TS_MODEL_LLAMA, TS_MODEL_QWEN2, TS_MODEL_QWEN3 };

enum ts_rope_scaling { TS_ROPE_PLAIN, TS_ROPE_LINEAR, TS_ROPE_LLAMA3 };

enum { TS_MODEL_MAX_HEAD_DIM = 512, TS_MODEL_MAX_HIDDEN = 1 << 16 };

struct ts_model_config {
    char name[64];
    enum ts_model_family family;
    uint32_t layers, hidden, ffn, heads, kv_heads, head_dim, vocab, context;
    bool tied; /* the output head is the embedding */
    bool qkv_bias;
    bool qk_norm;
    float norm_eps;
    double rope_base;
    enum ts_rope_scaling rope_scaling;
    double rope_factor, rope_low_freq, rope_high_freq; /* LINEAR: the factor alone */
    uint32_t rope_original_context;
};

/* What a catalog knows of a model. */
struct ts_model_shape {
    const char *name; /* "Qwen3-..." and "Qwen2..." name their families */
    uint32_t layers, hidden, ffn, heads, kv_heads, head_dim, vocab, context;
    double params; /* tells a tied head from one of its own; 0 = unknown: its own */
};

/* All three: TS_EINPUT with a diagnostic that names the field; TS_EUNSUPPORTED for another kind of model. */
enum ts_status ts_model_config_from_shape(struct ts_model_config *out, const struct ts_model_shape *shape,
                                          struct ts_diags *diags);
/* config.json (model_config_json.c); what does not change the time of a step is passed over. A text model inside
 * another (text_config) is taken alone. */
enum ts_status ts_model_config_read(struct ts_model_config *out, const char *path, struct ts_diags *diags);
struct ts_gguf;
enum ts_status ts_model_config_from_gguf(struct ts_model_config *out, const struct ts_gguf *gguf,
                                         struct ts_diags *diags);

/* Ranges and divisibility; `where` names the file or model in the diagnostic. */
enum ts_status ts_model_config_check(const struct ts_model_config *config, const char *where, struct ts_diags *diags);

/* "llama", "qwen2", "qwen3": GGUF's and Hugging Face's name. */
const char *ts_model_family_name(enum ts_model_family family);
/* The family of that name; "mistral" is one of Llama's. */
bool ts_model_config_family(enum ts_model_family *out, const char *name);
/* What a family takes for granted where a source is silent. */
void ts_model_config_set_family(struct ts_model_config *config, enum ts_model_family family);

/* Angular frequencies of the head_dim/2 rotated pairs, radians per position; scaling included. Llama 3's: a frequency
 * whose wavelength is below original_context/high_freq stays, one above original_context/low_freq is divided by the
 * factor, in between it is blended. */
void ts_model_config_frequencies(const struct ts_model_config *config, double *out);

/* Parameters in all (a tied head counted once). */
double ts_model_config_params(const struct ts_model_config *config);

/* K and V of one token with elements of that many bytes. */
uint64_t ts_model_config_kv_bytes_per_tok(const struct ts_model_config *config, uint32_t element_bytes);

#endif
