/* Hides where a model's shape comes from, what each family takes for granted, and the scaling of rotary frequencies.
 * Worked number: Llama-3.2-1B (base 500000, head_dim 64, factor 32, 1 to 4 over 8192): pair 0 turns by 1 rad per
 * position, pair 31 by 500000^(-62/64)/32 = 9.418e-8. */
#include "engine/model_config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "engine/gguf.h"

static const double pi = 3.14159265358979323846;

const char *ts_model_family_name(enum ts_model_family family)
{
    switch (family) {
    case TS_MODEL_LLAMA:
        return "llama";
    case TS_MODEL_QWEN2:
        return "qwen2";
    case TS_MODEL_QWEN3:
        return "qwen3";
    }
    return "";
}

void ts_model_config_set_family(struct ts_model_config *config, enum ts_model_family family)
{
    config->family = family;
    config->qkv_bias = family == TS_MODEL_QWEN2;
    config->qk_norm = family == TS_MODEL_QWEN3;
    config->norm_eps = family == TS_MODEL_LLAMA ? 1e-5F : 1e-6F;
    config->rope_base = family == TS_MODEL_LLAMA ? 10000.0 : 1000000.0;
}

bool ts_model_config_family(enum ts_model_family *out, const char *name)
{
    static const enum ts_model_family all[] = {TS_MODEL_LLAMA, TS_MODEL_QWEN2, TS_MODEL_QWEN3};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (ts_str_equal(name, ts_model_family_name(all[i]))) {
            *out = all[i];
            return true;
        }
    }
    if (ts_str_equal(name, "mistral")) {
        *out = TS_MODEL_LLAMA;
        return true;
    }
    return false;
}

static double matmul_params(const struct ts_model_config *config)
{
    double hidden = config->hidden;
    double q = (double)config->heads * config->head_dim, kv = (double)config->kv_heads * config->head_dim;
    return config->layers * (hidden * (q + 2.0 * kv) + q * hidden + 3.0 * hidden * config->ffn) +
           hidden * config->vocab;
}

double ts_model_config_params(const struct ts_model_config *config)
{
    double norms = (2.0 * config->layers + 1.0) * config->hidden;
    double embedding = config->tied ? 0.0 : (double)config->hidden * config->vocab;
    return matmul_params(config) + norms + embedding;
}

uint64_t ts_model_config_kv_bytes_per_tok(const struct ts_model_config *config, uint32_t element_bytes)
{
    return (uint64_t)2 * config->layers * config->kv_heads * config->head_dim * element_bytes;
}

static double llama3_frequency(const struct ts_model_config *config, double frequency)
{
    double turns = config->rope_original_context * frequency / (2.0 * pi);
    if (turns > config->rope_high_freq) {
        return frequency;
    }
    if (turns < config->rope_low_freq) {
        return frequency / config->rope_factor;
    }
    double smooth = (turns - config->rope_low_freq) / (config->rope_high_freq - config->rope_low_freq);
    return (1.0 - smooth) * frequency / config->rope_factor + smooth * frequency;
}

void ts_model_config_frequencies(const struct ts_model_config *config, double *out)
{
    for (uint32_t i = 0; i < config->head_dim / 2; i++) {
        double frequency = pow(config->rope_base, -2.0 * i / config->head_dim);
        switch (config->rope_scaling) {
        case TS_ROPE_PLAIN:
            break;
        case TS_ROPE_LINEAR:
            frequency /= config->rope_factor;
            break;
        case TS_ROPE_LLAMA3:
            frequency = llama3_frequency(config, frequency);
            break;
        }
        out[i] = frequency;
    }
}

struct range {
    const char *name;
    uint32_t value, min, max;
};

static enum ts_status check_rope(const struct ts_model_config *config, const char *where, struct ts_diags *diags)
{
    bool scaled = config->rope_scaling != TS_ROPE_PLAIN;
    if (!(config->rope_base > 1.0 && config->rope_base < 1e12) ||
        !(config->norm_eps > 0.0F && config->norm_eps < 1.0F)) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(where), NULL, "rope base or norm epsilon is out of range");
    }
    if (scaled && !(config->rope_factor >= 1.0 && config->rope_factor < 1e6)) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(where), NULL, "rope scaling factor must be 1 or more");
    }
    if (config->rope_scaling == TS_ROPE_LLAMA3 &&
        !(config->rope_low_freq > 0.0 && config->rope_high_freq > config->rope_low_freq &&
          config->rope_original_context > 0)) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(where), NULL,
                       "llama3 rope scaling needs 0 < low_freq_factor < high_freq_factor and the original context");
    }
    return TS_OK;
}

enum ts_status ts_model_config_check(const struct ts_model_config *config, const char *where, struct ts_diags *diags)
{
    const struct range ranges[] = {
        {"layers", config->layers, 1, 1024},
        {"hidden size", config->hidden, 2, TS_MODEL_MAX_HIDDEN},
        {"feed-forward size", config->ffn, 2, 1 << 19},
        {"attention heads", config->heads, 1, 1024},
        {"key-value heads", config->kv_heads, 1, 1024},
        {"head size", config->head_dim, 2, TS_MODEL_MAX_HEAD_DIM},
        {"vocabulary", config->vocab, 2, 1 << 22},
        {"context", config->context, 1, 1 << 28},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const struct range *range = &ranges[i];
        if (range->value < range->min || range->value > range->max) {
            return ts_fail(diags, TS_EINPUT, ts_span_file(where), NULL, "%s is %u, but must be from %u to %u",
                           range->name, range->value, range->min, range->max);
        }
    }
    if (config->heads % config->kv_heads != 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(where), NULL,
                       "%u attention heads cannot share %u key-value heads evenly", config->heads, config->kv_heads);
    }
    if (config->head_dim % 2 != 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(where), NULL, "head size %u is odd, rotary positions need pairs",
                       config->head_dim);
    }
    return check_rope(config, where, diags);
}

/* From a catalog. */

static enum ts_model_family family_by_model_name(const char *name)
{
    if (strncasecmp(name, "qwen3", 5) == 0) {
        return TS_MODEL_QWEN3;
    }
    return strncasecmp(name, "qwen2", 5) == 0 || strncasecmp(name, "qwen-2", 6) == 0 ? TS_MODEL_QWEN2 : TS_MODEL_LLAMA;
}

/* Llama 3.1 and later stretch their first context of 8192. */
static void set_llama3_rope(struct ts_model_config *config, const char *name)
{
    config->rope_base = 500000.0;
    if (strncasecmp(name, "llama-3.", 8) == 0) {
        config->rope_scaling = TS_ROPE_LLAMA3;
        config->rope_factor = strncasecmp(name, "llama-3.2", 9) == 0 ? 32.0 : 8.0;
        config->rope_low_freq = 1.0;
        config->rope_high_freq = 4.0;
        config->rope_original_context = 8192;
    }
}

enum ts_status ts_model_config_from_shape(struct ts_model_config *out, const struct ts_model_shape *shape,
                                          struct ts_diags *diags)
{
    struct ts_model_config config = {
        .layers = shape->layers,
        .hidden = shape->hidden,
        .ffn = shape->ffn,
        .heads = shape->heads,
        .kv_heads = shape->kv_heads,
        .head_dim = shape->head_dim,
        .vocab = shape->vocab,
        .context = shape->context,
    };
    (void)snprintf(config.name, sizeof config.name, "%s", shape->name);
    ts_model_config_set_family(&config, family_by_model_name(shape->name));
    if (strncasecmp(shape->name, "llama-3", 7) == 0) {
        set_llama3_rope(&config, shape->name);
    }
    enum ts_status status = ts_model_config_check(&config, shape->name, diags);
    if (status != TS_OK) {
        return status;
    }
    if (shape->params > 0.0) {
        double own = ts_model_config_params(&config);
        config.tied = true;
        config.tied = fabs(ts_model_config_params(&config) - shape->params) < fabs(own - shape->params);
    }
    *out = config;
    return TS_OK;
}

/* From GGUF. */

static bool gguf_number(const struct ts_gguf *gguf, const char *arch, const char *key, double *out)
{
    char full[128];
    (void)snprintf(full, sizeof full, "%s.%s", arch, key);
    return ts_gguf_double(gguf, full, out);
}

/* Many models' files have a value a layer; here all layers are the same. */
static enum ts_status check_layers(const struct ts_gguf *gguf, const char *arch, struct ts_diags *diags)
{
    static const char *const keys[] = {
        "feed_forward_length",    "attention.head_count", "attention.head_count_kv",
        "attention.key_length",   "rope.freq_base",       "attention.layer_norm_rms_epsilon",
        "attention.value_length", "expert_count",         "rope.dimension_count"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char full[128];
        (void)snprintf(full, sizeof full, "%s.%s", arch, keys[i]);
        const uint64_t odd = ts_gguf_odd_one(gguf, full);
        if (odd > 0) {
            return ts_fail(
                diags, TS_EUNSUPPORTED, ts_span_file(ts_gguf_name(gguf)), NULL,
                "layers differ: %s of layer %llu is not that of layer 0; only models of equal layers run here", full,
                (unsigned long long)odd);
        }
    }
    return TS_OK;
}

struct gguf_field {
    const char *key;
    uint32_t *to;
    uint32_t missing;
};

static enum ts_status gguf_fields(const struct ts_gguf *gguf, const char *arch, const struct gguf_field *fields,
                                  size_t n, struct ts_diags *diags)
{
    for (size_t i = 0; i < n; i++) {
        double value = fields[i].missing;
        if (!gguf_number(gguf, arch, fields[i].key, &value) && fields[i].missing == 0) {
            return ts_fail(diags, TS_EINPUT, ts_span_file(ts_gguf_name(gguf)), NULL, "metadata %s.%s is missing", arch,
                           fields[i].key);
        }
        if (!(value >= 1.0 && value <= UINT32_MAX)) {
            return ts_fail(diags, TS_EINPUT, ts_span_file(ts_gguf_name(gguf)), NULL, "metadata %s.%s is out of range",
                           arch, fields[i].key);
        }
        *fields[i].to = (uint32_t)value;
    }
    return TS_OK;
}

static enum ts_status gguf_shape(struct ts_model_config *config, const struct ts_gguf *gguf, const char *arch,
                                 struct ts_diags *diags)
{
    const struct gguf_field fields[] = {
        {"block_count", &config->layers, 0},      {"embedding_length", &config->hidden, 0},
        {"feed_forward_length", &config->ffn, 0}, {"attention.head_count", &config->heads, 0},
        {"context_length", &config->context, 0},
    };
    enum ts_status status = gguf_fields(gguf, arch, fields, sizeof fields / sizeof fields[0], diags);
    if (status != TS_OK) {
        return status;
    }
    const struct gguf_field derived[] = {
        {"attention.head_count_kv", &config->kv_heads, config->heads},
        {"attention.key_length", &config->head_dim, config->hidden / config->heads},
    };
    return gguf_fields(gguf, arch, derived, sizeof derived / sizeof derived[0], diags);
}

static enum ts_status gguf_rope(struct ts_model_config *config, const struct ts_gguf *gguf, const char *arch,
                                struct ts_diags *diags)
{
    char key[128];
    (void)snprintf(key, sizeof key, "%s.rope.scaling.type", arch);
    const char *type = ts_gguf_string(gguf, key);
    gguf_number(gguf, arch, "rope.freq_base", &config->rope_base);
    if (!type || ts_str_equal(type, "none")) {
        return TS_OK;
    }
    if (!ts_str_equal(type, "linear")) {
        return ts_fail(diags, TS_EUNSUPPORTED, ts_span_file(ts_gguf_name(gguf)), NULL,
                       "rope scaling '%s' is not supported (linear)", type);
    }
    config->rope_scaling = TS_ROPE_LINEAR;
    config->rope_factor = 1.0;
    gguf_number(gguf, arch, "rope.scaling.factor", &config->rope_factor);
    return TS_OK;
}

enum ts_status ts_model_config_from_gguf(struct ts_model_config *out, const struct ts_gguf *gguf,
                                         struct ts_diags *diags)
{
    const char *where = ts_gguf_name(gguf);
    const char *arch = ts_gguf_string(gguf, "general.architecture");
    enum ts_model_family family;
    double experts = 0.0;
    if (!arch || !ts_model_config_family(&family, arch)) {
        return ts_fail(diags, TS_EUNSUPPORTED, ts_span_file(where), NULL,
                       "architecture '%s' is not supported (llama, qwen2, qwen3)", arch ? arch : "");
    }
    enum ts_status status = check_layers(gguf, arch, diags);
    if (status != TS_OK) {
        return status;
    }
    if (gguf_number(gguf, arch, "expert_count", &experts) && experts > 0.0) {
        return ts_fail(diags, TS_EUNSUPPORTED, ts_span_file(where), NULL,
                       "models with experts are not supported, only dense ones");
    }
    struct ts_model_config config = {0};
    const char *name = ts_gguf_string(gguf, "general.name");
    (void)snprintf(config.name, sizeof config.name, "%s", name ? name : ts_path_base(where));
    ts_model_config_set_family(&config, family);
    status = gguf_shape(&config, gguf, arch, diags);
    if (status == TS_OK) {
        status = gguf_rope(&config, gguf, arch, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    double eps = (double)config.norm_eps;
    gguf_number(gguf, arch, "attention.layer_norm_rms_epsilon", &eps);
    config.norm_eps = (float)eps;
    const struct ts_gguf_tensor *embedding = ts_gguf_tensor(gguf, "token_embd.weight");
    if (!embedding || embedding->n_dims != 2 || embedding->dims[1] > UINT32_MAX) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(where), NULL,
                       "tensor token_embd.weight is missing or not a matrix");
    }
    config.vocab = (uint32_t)embedding->dims[1];
    config.tied = ts_gguf_tensor(gguf, "output.weight") == NULL;
    config.qkv_bias = ts_gguf_tensor(gguf, "blk.0.attn_q.bias") != NULL;
    config.qk_norm = ts_gguf_tensor(gguf, "blk.0.attn_q_norm.weight") != NULL;
    status = ts_model_config_check(&config, where, diags);
    if (status == TS_OK) {
        *out = config;
    }
    return status;
}
