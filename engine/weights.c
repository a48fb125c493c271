/* Hides which tensors a model is made of and how they are packed: one job per layer and one for the head, taken off a
 * counter by the pool. */
#include "engine/weights.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu.h"

struct load {
    struct ts_weights *weights;
    struct ts_diags *diags; /* [n_workers] */
    atomic_uint next;
    atomic_int status;
};

static enum ts_status wrong_shape(const struct ts_tensor *tensor, uint32_t rows, uint32_t cols, struct ts_diags *diags)
{
    return ts_fail(diags, TS_EINPUT, ts_span_none(), NULL,
                   "tensor '%s' is %u x %u, but the model's metadata say %u x %u", tensor->name, tensor->rows,
                   tensor->cols, rows, cols);
}

static enum ts_status find(const struct ts_weights *weights, const struct ts_tensor **out, const char *name,
                           uint32_t rows, uint32_t cols, struct ts_diags *diags)
{
    const struct ts_tensor *tensor = ts_weight_source_find(weights->source, name);
    if (!tensor) {
        return ts_fail(diags, TS_EINPUT, ts_span_none(), NULL, "tensor '%s' is missing", name);
    }
    if (tensor->rows != rows || tensor->cols != cols) {
        return wrong_shape(tensor, rows, cols, diags);
    }
    *out = tensor;
    return TS_OK;
}

static enum ts_status find_in_layer(const struct ts_weights *weights, const struct ts_tensor **out, uint32_t layer,
                                    const char *name, uint32_t rows, uint32_t cols, struct ts_diags *diags)
{
    char full[64];
    (void)snprintf(full, sizeof full, "blk.%u.%s", layer, name);
    return find(weights, out, full, rows, cols, diags);
}

/* Copies an F32 vector. */
static enum ts_status read_vector(const struct ts_weights *weights, const struct ts_tensor *tensor, float *out,
                                  struct ts_diags *diags)
{
    if (!ts_str_equal(tensor->type->name, "F32")) {
        return ts_fail(diags, TS_EUNSUPPORTED, ts_span_none(), NULL, "tensor '%s' is %s, but must be F32", tensor->name,
                       tensor->type->name);
    }
    ts_weight_source_rows(weights->source, tensor, 0, 1, (uint8_t *)out);
    return TS_OK;
}

static enum ts_status load_vector(struct ts_weights *weights, const float **out, const char *name, uint32_t n,
                                  struct ts_diags *diags)
{
    const struct ts_tensor *tensor = NULL;
    enum ts_status status = find(weights, &tensor, name, 1, n, diags);
    if (status != TS_OK) {
        return status;
    }
    float *values = ts_arena_array(&weights->arena, n, sizeof *values);
    *out = values;
    return values ? read_vector(weights, tensor, values, diags) : TS_ENOMEM;
}

static enum ts_status load_layer_vector(struct ts_weights *weights, const float **out, uint32_t layer, const char *name,
                                        uint32_t n, struct ts_diags *diags)
{
    char full[64];
    (void)snprintf(full, sizeof full, "blk.%u.%s", layer, name);
    return load_vector(weights, out, full, n, diags);
}

/* Biases follow their rows: those of the llama family are reordered as in linear.c. */
static void unpair_bias(float *bias, uint32_t n, uint32_t dim)
{
    float head[TS_MODEL_MAX_HEAD_DIM];
    for (uint32_t h = 0; h < n; h += dim) {
        for (uint32_t i = 0; i < dim / 2; i++) {
            head[i] = bias[h + 2 * i];
            head[i + dim / 2] = bias[h + 2 * i + 1];
        }
        memcpy(bias + h, head, dim * sizeof *bias);
    }
}

static enum ts_status load_qkv_bias(struct ts_weights *weights, const float **out, uint32_t layer,
                                    struct ts_diags *diags)
{
    const struct ts_model_config *config = &weights->config;
    uint32_t q = config->heads * config->head_dim, kv = config->kv_heads * config->head_dim;
    float *bias = ts_arena_array(&weights->arena, q + 2 * kv, sizeof *bias);
    if (!bias) {
        return TS_ENOMEM;
    }
    const char *const names[] = {"attn_q.bias", "attn_k.bias", "attn_v.bias"};
    float *const to[] = {bias, bias + q, bias + q + kv};
    for (int i = 0; i < 3; i++) {
        const struct ts_tensor *tensor = NULL;
        enum ts_status status = find_in_layer(weights, &tensor, layer, names[i], 1, i == 0 ? q : kv, diags);
        if (status == TS_OK) {
            status = read_vector(weights, tensor, to[i], diags);
        }
        if (status != TS_OK) {
            return status;
        }
    }
    if (config->family == TS_MODEL_LLAMA) {
        unpair_bias(bias, q + kv, config->head_dim);
    }
    *out = bias;
    return TS_OK;
}

static enum ts_status load_layer_vectors(struct ts_weights *weights, uint32_t index, struct ts_diags *diags)
{
    const struct ts_model_config *config = &weights->config;
    struct ts_layer_weights *layer = &weights->layers[index];
    enum ts_status status =
        load_layer_vector(weights, &layer->attn_norm, index, "attn_norm.weight", config->hidden, diags);
    if (status == TS_OK) {
        status = load_layer_vector(weights, &layer->ffn_norm, index, "ffn_norm.weight", config->hidden, diags);
    }
    if (status == TS_OK && config->qk_norm) {
        status = load_layer_vector(weights, &layer->q_norm, index, "attn_q_norm.weight", config->head_dim, diags);
    }
    if (status == TS_OK && config->qk_norm) {
        status = load_layer_vector(weights, &layer->k_norm, index, "attn_k_norm.weight", config->head_dim, diags);
    }
    if (status == TS_OK && config->qkv_bias) {
        status = load_qkv_bias(weights, &layer->qkv_bias, index, diags);
    }
    return status;
}

/* One linear map of a layer from up to three tensors. */
struct part_name {
    const char *name;
    uint32_t rows;
    bool paired; /* rows of rotated pairs */
};

static enum ts_status load_linear(const struct ts_weights *weights, struct ts_linear *out, uint32_t layer,
                                  uint32_t cols, const struct part_name *names, uint32_t n, struct ts_diags *diags)
{
    struct ts_linear_tensor tensors[TS_LINEAR_MAX_PARTS] = {{0}};
    bool llama = weights->config.family == TS_MODEL_LLAMA;
    for (uint32_t i = 0; i < n; i++) {
        enum ts_status status =
            find_in_layer(weights, &tensors[i].tensor, layer, names[i].name, names[i].rows, cols, diags);
        if (status != TS_OK) {
            return status;
        }
        tensors[i].unpair_dim = llama && names[i].paired ? weights->config.head_dim : 0;
    }
    return ts_linear_create(out, &weights->tools, weights->source, tensors, n, diags);
}

static enum ts_status load_layer(struct ts_weights *weights, uint32_t index, struct ts_diags *diags)
{
    const struct ts_model_config *config = &weights->config;
    struct ts_layer_weights *layer = &weights->layers[index];
    uint32_t q = config->heads * config->head_dim, kv = config->kv_heads * config->head_dim;
    const struct part_name qkv[] = {
        {"attn_q.weight", q, true}, {"attn_k.weight", kv, true}, {"attn_v.weight", kv, false}};
    const struct part_name attn_out[] = {{"attn_output.weight", config->hidden, false}};
    const struct part_name gate_up[] = {{"ffn_gate.weight", config->ffn, false}, {"ffn_up.weight", config->ffn, false}};
    const struct part_name down[] = {{"ffn_down.weight", config->hidden, false}};
    enum ts_status status = load_linear(weights, &layer->qkv, index, config->hidden, qkv, 3, diags);
    if (status == TS_OK) {
        status = load_linear(weights, &layer->attn_out, index, q, attn_out, 1, diags);
    }
    if (status == TS_OK) {
        status = load_linear(weights, &layer->gate_up, index, config->hidden, gate_up, 2, diags);
    }
    return status == TS_OK ? load_linear(weights, &layer->down, index, config->ffn, down, 1, diags) : status;
}

static enum ts_status load_head(struct ts_weights *weights, struct ts_diags *diags)
{
    const struct ts_model_config *config = &weights->config;
    struct ts_linear_tensor tensor = {weights->embedding, 0};
    if (!config->tied) {
        enum ts_status status = find(weights, &tensor.tensor, "output.weight", config->vocab, config->hidden, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    return ts_linear_create(&weights->head, &weights->tools, weights->source, &tensor, 1, diags);
}

/* Job 0 is the head, the largest; job i is layer i - 1. */
static void load_worker(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)n_workers;
    struct load *load = user;
    for (;;) {
        uint32_t job = atomic_fetch_add(&load->next, 1);
        if (job > load->weights->config.layers || atomic_load(&load->status) != TS_OK) {
            return;
        }
        struct ts_diags *diags = &load->diags[worker];
        enum ts_status status = job == 0 ? load_head(load->weights, diags) : load_layer(load->weights, job - 1, diags);
        int none = TS_OK;
        if (status != TS_OK) {
            atomic_compare_exchange_strong(&load->status, &none, (int)status);
        }
    }
}

static void hand_over(struct ts_diags *from, uint32_t n, struct ts_diags *to)
{
    for (uint32_t w = 0; w < n; w++) {
        for (size_t i = 0; i < from[w].n_items; i++) {
            const struct ts_diag *diag = &from[w].items[i];
            ts_diags_add(to, diag->severity, ts_span_none(), diag->hint, "%s", diag->message);
        }
        ts_diags_deinit(&from[w]);
    }
}

static enum ts_status load_matrices(struct ts_weights *weights, struct ts_pool *pool, struct ts_diags *diags)
{
    uint32_t n = ts_pool_size(pool);
    struct load load = {.weights = weights, .diags = calloc(n, sizeof *load.diags)};
    if (!load.diags) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < n; i++) {
        ts_diags_init(&load.diags[i]);
    }
    atomic_init(&load.next, 0);
    atomic_init(&load.status, TS_OK);
    ts_pool_run(pool, load_worker, &load);
    hand_over(load.diags, n, diags);
    free(load.diags);
    return (enum ts_status)atomic_load(&load.status);
}

/* A file may bring factors by which pairs turn more slowly, in place of a rule. */
static enum ts_status load_frequencies(struct ts_weights *weights, struct ts_diags *diags)
{
    struct ts_model_config config = weights->config;
    uint32_t half = config.head_dim / 2;
    double *frequencies = ts_arena_array(&weights->arena, half, sizeof *frequencies);
    if (!frequencies) {
        return TS_ENOMEM;
    }
    weights->frequencies = frequencies;
    if (!ts_weight_source_find(weights->source, "rope_freqs.weight")) {
        ts_model_config_frequencies(&config, frequencies);
        return TS_OK;
    }
    const float *factors = NULL;
    enum ts_status status = load_vector(weights, &factors, "rope_freqs.weight", half, diags);
    if (status != TS_OK) {
        return status;
    }
    config.rope_scaling = config.rope_scaling == TS_ROPE_LLAMA3 ? TS_ROPE_PLAIN : config.rope_scaling;
    ts_model_config_frequencies(&config, frequencies);
    for (uint32_t i = 0; i < half; i++) {
        if (!(factors[i] >= 1e-3F && factors[i] <= 1e6F)) {
            return ts_fail(diags, TS_EINPUT, ts_span_none(), NULL, "rope_freqs.weight has a factor out of range");
        }
        frequencies[i] /= (double)factors[i];
    }
    return TS_OK;
}

static enum ts_status find_embedding(struct ts_weights *weights, struct ts_diags *diags)
{
    const struct ts_model_config *config = &weights->config;
    enum ts_status status =
        find(weights, &weights->embedding, "token_embd.weight", config->vocab, config->hidden, diags);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_gguf_type *type = weights->embedding->type;
    if (type->block_cols > 1 && !ts_quant_find(type->name)) {
        return ts_fail(diags, TS_EUNSUPPORTED, ts_span_none(), NULL, "an embedding of type %s cannot be read",
                       type->name);
    }
    return TS_OK;
}

static enum ts_status load_all(struct ts_weights *weights, struct ts_pool *pool, struct ts_diags *diags)
{
    const struct ts_model_config *config = &weights->config;
    weights->layers = ts_arena_array(&weights->arena, config->layers, sizeof *weights->layers);
    enum ts_status status = weights->layers ? find_embedding(weights, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        status = load_frequencies(weights, diags);
    }
    if (status == TS_OK) {
        status = load_vector(weights, &weights->out_norm, "output_norm.weight", config->hidden, diags);
    }
    for (uint32_t i = 0; i < config->layers && status == TS_OK; i++) {
        status = load_layer_vectors(weights, i, diags);
    }
    return status == TS_OK ? load_matrices(weights, pool, diags) : status;
}

/* A variant asked for by name brings the float arithmetic of its own instruction set. */
static struct ts_linear_tools tools_for(const char *isa)
{
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    uint32_t usable = cpu.features;
    for (size_t i = 0; isa && i < ts_kernel_count(); i++) {
        if (ts_str_equal(ts_kernel_at(i)->name, isa)) {
            usable &= ts_kernel_at(i)->needs;
        }
    }
    return (struct ts_linear_tools){ts_vector_ops_select(usable), cpu.features, isa};
}

enum ts_status ts_weights_create(struct ts_weights **out, const struct ts_model_config *config,
                                 const struct ts_weight_source *source, const char *isa, struct ts_pool *pool,
                                 struct ts_diags *diags)
{
    struct ts_weights *weights = calloc(1, sizeof *weights);
    if (!weights) {
        return TS_ENOMEM;
    }
    ts_arena_init(&weights->arena);
    weights->config = *config;
    weights->source = source;
    weights->tools = tools_for(isa);
    enum ts_status status = load_all(weights, pool, diags);
    if (status != TS_OK) {
        ts_weights_destroy(weights);
        return status;
    }
    weights->packed_bytes = ts_linear_bytes(&weights->head);
    for (uint32_t i = 0; i < config->layers; i++) {
        const struct ts_layer_weights *layer = &weights->layers[i];
        weights->packed_bytes += ts_linear_bytes(&layer->qkv) + ts_linear_bytes(&layer->attn_out) +
                                 ts_linear_bytes(&layer->gate_up) + ts_linear_bytes(&layer->down);
    }
    *out = weights;
    return TS_OK;
}

void ts_weights_destroy(struct ts_weights *weights)
{
    if (!weights) {
        return;
    }
    for (uint32_t i = 0; weights->layers && i < weights->config.layers; i++) {
        ts_linear_deinit(&weights->layers[i].qkv);
        ts_linear_deinit(&weights->layers[i].attn_out);
        ts_linear_deinit(&weights->layers[i].gate_up);
        ts_linear_deinit(&weights->layers[i].down);
    }
    ts_linear_deinit(&weights->head);
    ts_arena_deinit(&weights->arena);
    free(weights);
}

void ts_weights_embed(const struct ts_weights *weights, float *x, uint32_t token)
{
    const struct ts_tensor *tensor = weights->embedding;
    uint8_t made[(size_t)TS_MODEL_MAX_HIDDEN * sizeof(float)];
    const uint8_t *row = tensor->data ? tensor->data + token * tensor->row_bytes : made;
    if (row == made) {
        ts_weight_source_rows(weights->source, tensor, token, 1, made);
    }
    enum ts_float_type type;
    if (ts_float_type_by_name(&type, tensor->type->name)) {
        ts_float_type_widen(weights->tools.ops, type, x, row, tensor->cols);
    } else {
        ts_quant_find(tensor->type->name)->dequantize(x, row, tensor->cols);
    }
}

const char *ts_weights_kernel(const struct ts_weights *weights)
{
    const struct ts_kernel *kernel = ts_linear_kernel(&weights->layers[0].gate_up);
    return kernel ? kernel->name : "float";
}

const char *ts_weights_quant(const struct ts_weights *weights)
{
    return weights->layers[0].gate_up.parts[0].type->name;
}
