/* Hides how weights are made up. Quantizing a billion normal variates would take minutes: a pool of POOL_UNITS pieces
 * (one block, at least 32 columns) is drawn and quantized once per type and deviation, and every piece of every row is
 * one of them, picked by a hash of (seed, tensor, row, piece).
 *
 * Lifelike weights: in an untrained network layers amplify every rounding, and the logits of a hundred thousand words
 * are so even that the largest says nothing. Here embeddings of deviation 1 carry the residual stream, and row w of the
 * head takes n of its pieces from the embedding of word w + 1, so that after each word another one stands out by
 * n*columns/sqrt(hidden) = 6.5 standard deviations of the logits; the largest of 100,000 others is at 4.4 or so. */
#include "engine/weight_source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "kernels/formats/quant.h"

enum { POOL_UNITS = 2048, MIN_UNIT_COLS = 32, MAX_UNIT_COLS = 256, MAX_POOLS = 16, RNG_POOL = 1, RNG_VECTOR = 2 };

#define EMBEDDING "token_embd.weight" /* tensor 0 */
#define HEAD "output.weight"

static const double stand_out = 6.5;

struct unit_pool {
    const struct ts_gguf_type *type;
    double deviation;
    uint32_t unit_cols;
    size_t unit_bytes;
    uint8_t *units; /* [POOL_UNITS][unit_bytes] */
};

struct ts_weight_source {
    struct ts_arena arena;
    struct ts_tensor *tensors;
    size_t n_tensors, max_tensors;
    const struct ts_gguf *gguf; /* NULL: generated */
    struct ts_model_config config;
    uint64_t seed;
    bool lifelike;
    struct unit_pool pools[MAX_POOLS];
    size_t n_pools;
    const struct unit_pool **pool_of; /* [max_tensors] */
};

static struct ts_weight_source *source_create(size_t max_tensors)
{
    struct ts_weight_source *source = calloc(1, sizeof *source);
    if (!source) {
        return NULL;
    }
    ts_arena_init(&source->arena);
    source->max_tensors = max_tensors;
    source->tensors = ts_arena_array(&source->arena, max_tensors ? max_tensors : 1, sizeof *source->tensors);
    source->pool_of = ts_arena_array(&source->arena, max_tensors ? max_tensors : 1, sizeof *source->pool_of);
    if (!source->tensors || !source->pool_of) {
        ts_weight_source_destroy(source);
        return NULL;
    }
    return source;
}

enum ts_status ts_weight_source_open(struct ts_weight_source **out, struct ts_gguf **gguf,
                                     struct ts_model_config *config, const struct ts_weight_origin *origin,
                                     struct ts_diags *diags)
{
    if (!origin->gguf_path) {
        *config = *origin->config;
        return ts_weight_source_synthetic(out, config, origin->quant, origin->seed, diags);
    }
    enum ts_status status = ts_gguf_open(gguf, origin->gguf_path, diags);
    if (status == TS_OK) {
        status = ts_model_config_from_gguf(config, *gguf, diags);
    }
    return status == TS_OK ? ts_weight_source_from_gguf(out, *gguf) : status;
}

void ts_weight_source_destroy(struct ts_weight_source *source)
{
    if (source) {
        ts_arena_deinit(&source->arena);
        free(source);
    }
}

/* From a file. */

enum ts_status ts_weight_source_from_gguf(struct ts_weight_source **out, const struct ts_gguf *gguf)
{
    struct ts_weight_source *source = source_create(ts_gguf_n_tensors(gguf));
    if (!source) {
        return TS_ENOMEM;
    }
    source->gguf = gguf;
    for (size_t i = 0; i < source->max_tensors; i++) {
        const struct ts_gguf_tensor *from = ts_gguf_tensor_at(gguf, i);
        uint64_t rows = from->dims[1] * from->dims[2] * from->dims[3];
        if (from->dims[0] > UINT32_MAX || rows > UINT32_MAX) {
            continue; /* no model of ours has such a tensor */
        }
        source->tensors[source->n_tensors] = (struct ts_tensor){
            .name = from->name,
            .type = from->type,
            .rows = (uint32_t)rows,
            .cols = (uint32_t)from->dims[0],
            .n_dims = from->n_dims,
            .data = from->data,
            .row_bytes = (size_t)(from->bytes / rows),
            .index = (uint32_t)i,
        };
        source->n_tensors++;
    }
    *out = source;
    return TS_OK;
}

/* Generated. */

static void store_floats(const struct ts_gguf_type *type, uint8_t *out, const float *values, size_t n)
{
    const struct ts_quant_format *format = ts_quant_find(type->name);
    if (format) {
        format->quantize(out, values, n);
        return;
    }
    memcpy(out, values, n * sizeof *values); /* F32 */
}

static enum ts_status pool_fill(struct ts_weight_source *source, struct unit_pool *pool)
{
    float values[MAX_UNIT_COLS];
    struct ts_rng rng;
    ts_rng_init(&rng, source->seed, (uint32_t)source->n_pools, pool->type->id, RNG_POOL);
    pool->unit_cols = pool->type->block_cols > MIN_UNIT_COLS ? pool->type->block_cols : MIN_UNIT_COLS;
    pool->unit_bytes = (size_t)pool->unit_cols / pool->type->block_cols * pool->type->block_bytes;
    pool->units = ts_arena_array(&source->arena, POOL_UNITS, pool->unit_bytes);
    if (!pool->units) {
        return TS_ENOMEM;
    }
    for (int u = 0; u < POOL_UNITS; u++) {
        for (uint32_t i = 0; i < pool->unit_cols; i++) {
            values[i] = (float)(ts_rng_normal(&rng) * pool->deviation);
        }
        store_floats(pool->type, pool->units + (size_t)u * pool->unit_bytes, values, pool->unit_cols);
    }
    return TS_OK;
}

static enum ts_status pool_get(struct ts_weight_source *source, const struct unit_pool **out,
                               const struct ts_gguf_type *type, double deviation)
{
    for (size_t i = 0; i < source->n_pools; i++) {
        if (source->pools[i].type == type && source->pools[i].deviation == deviation) {
            *out = &source->pools[i];
            return TS_OK;
        }
    }
    if (source->n_pools == MAX_POOLS) {
        return TS_ERANGE;
    }
    struct unit_pool *pool = &source->pools[source->n_pools];
    *pool = (struct unit_pool){.type = type, .deviation = deviation};
    enum ts_status status = pool_fill(source, pool);
    if (status == TS_OK) {
        source->n_pools++;
        *out = pool;
    }
    return status;
}

static enum ts_status add_tensor(struct ts_weight_source *source, const char *name, const struct ts_gguf_type *type,
                                 uint32_t rows, uint32_t cols, uint32_t n_dims)
{
    struct ts_tensor *tensor = &source->tensors[source->n_tensors];
    *tensor = (struct ts_tensor){.name = name, .type = type, .rows = rows, .cols = cols, .n_dims = n_dims};
    tensor->row_bytes = (size_t)cols / type->block_cols * type->block_bytes;
    tensor->index = (uint32_t)source->n_tensors++;
    return name ? TS_OK : TS_ENOMEM;
}

static enum ts_status add_matrix(struct ts_weight_source *source, const char *name, const struct ts_gguf_type *type,
                                 uint32_t rows, uint32_t cols, double factor)
{
    enum ts_status status = pool_get(source, &source->pool_of[source->n_tensors], type, factor / sqrt((double)cols));
    return status == TS_OK ? add_tensor(source, name, type, rows, cols, 2) : status;
}

static enum ts_status add_vector(struct ts_weight_source *source, const char *name, uint32_t n)
{
    return add_tensor(source, name, ts_gguf_type_by_name("F32"), 1, n, 1);
}

static enum ts_status add_layer(struct ts_weight_source *source, const struct ts_gguf_type *type, uint32_t layer)
{
    const struct ts_model_config *config = &source->config;
    uint32_t q = config->heads * config->head_dim, kv = config->kv_heads * config->head_dim;
    double residual = 1.0 / sqrt(2.0 * config->layers);
    const struct {
        const char *name;
        uint32_t rows, cols;
        double factor;
    } matrices[] = {
        {"attn_q", q, config->hidden, 1.0},
        {"attn_k", kv, config->hidden, 1.0},
        {"attn_v", kv, config->hidden, 1.0},
        {"attn_output", config->hidden, q, residual},
        {"ffn_gate", config->ffn, config->hidden, 1.0},
        {"ffn_up", config->ffn, config->hidden, 1.0},
        {"ffn_down", config->hidden, config->ffn, residual},
    };
    const struct {
        const char *name;
        uint32_t n;
        bool there;
    } vectors[] = {
        {"attn_norm.weight", config->hidden, true},
        {"ffn_norm.weight", config->hidden, true},
        {"attn_q.bias", q, config->qkv_bias},
        {"attn_k.bias", kv, config->qkv_bias},
        {"attn_v.bias", kv, config->qkv_bias},
        {"attn_q_norm.weight", config->head_dim, config->qk_norm},
        {"attn_k_norm.weight", config->head_dim, config->qk_norm},
    };
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < sizeof matrices / sizeof matrices[0] && status == TS_OK; i++) {
        const char *name = ts_arena_printf(&source->arena, "blk.%u.%s.weight", layer, matrices[i].name);
        status = add_matrix(source, name, type, matrices[i].rows, matrices[i].cols, matrices[i].factor);
    }
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0] && status == TS_OK; i++) {
        if (vectors[i].there) {
            status =
                add_vector(source, ts_arena_printf(&source->arena, "blk.%u.%s", layer, vectors[i].name), vectors[i].n);
        }
    }
    return status;
}

static enum ts_status add_model(struct ts_weight_source *source, const struct ts_gguf_type *type)
{
    const struct ts_model_config *config = &source->config;
    double factor = source->lifelike ? sqrt((double)config->hidden) : 1.0;
    enum ts_status status = add_matrix(source, EMBEDDING, type, config->vocab, config->hidden, factor);
    if (status == TS_OK && !config->tied) {
        status = add_matrix(source, HEAD, type, config->vocab, config->hidden, factor);
    }
    if (status == TS_OK) {
        status = add_vector(source, "output_norm.weight", config->hidden);
    }
    if (status == TS_OK && config->rope_scaling == TS_ROPE_LLAMA3) {
        status = add_vector(source, "rope_freqs.weight", config->head_dim / 2);
    }
    for (uint32_t layer = 0; layer < config->layers && status == TS_OK; layer++) {
        status = add_layer(source, type, layer);
    }
    return status;
}

static enum ts_status check_type(const struct ts_gguf_type *type, const char *quant,
                                 const struct ts_model_config *config, struct ts_diags *diags)
{
    if (!type || (type->block_cols > 1 && !ts_quant_find(quant))) {
        return ts_fail(diags, TS_EUNSUPPORTED, ts_span_none(), "for example Q4_0, Q8_0, Q4_K, Q6_K, F16, BF16, F32",
                       "weights of type '%s' cannot be made up", quant);
    }
    const uint32_t cols[] = {config->hidden, config->heads * config->head_dim, config->ffn};
    for (size_t i = 0; i < sizeof cols / sizeof cols[0]; i++) {
        if (cols[i] % type->block_cols != 0) {
            return ts_fail(diags, TS_EUNSUPPORTED, ts_span_none(), NULL,
                           "%s has rows of %u, not a multiple of %s's block of %u", config->name, cols[i], type->name,
                           type->block_cols);
        }
    }
    return TS_OK;
}

static enum ts_status make_source(struct ts_weight_source **out, const struct ts_model_config *config,
                                  const char *quant, uint64_t seed, bool lifelike, struct ts_diags *diags)
{
    const struct ts_gguf_type *type = ts_gguf_type_by_name(quant);
    enum ts_status status = check_type(type, quant, config, diags);
    if (status != TS_OK) {
        return status;
    }
    struct ts_weight_source *source = source_create((size_t)config->layers * 14 + 4);
    if (!source) {
        return TS_ENOMEM;
    }
    source->config = *config;
    source->seed = seed;
    source->lifelike = lifelike;
    status = add_model(source, type);
    if (status != TS_OK) {
        ts_weight_source_destroy(source);
        return status;
    }
    *out = source;
    return TS_OK;
}

enum ts_status ts_weight_source_synthetic(struct ts_weight_source **out, const struct ts_model_config *config,
                                          const char *quant, uint64_t seed, struct ts_diags *diags)
{
    return make_source(out, config, quant, seed, false, diags);
}

enum ts_status ts_weight_source_lifelike(struct ts_weight_source **out, const struct ts_model_config *config,
                                         const char *quant, uint64_t seed, struct ts_diags *diags)
{
    return make_source(out, config, quant, seed, true, diags);
}

/* How much slower each pair turns than without scaling. */
static void rope_factors(const struct ts_model_config *config, float *out)
{
    double scaled[TS_MODEL_MAX_HEAD_DIM / 2], plain[TS_MODEL_MAX_HEAD_DIM / 2];
    struct ts_model_config without = *config;
    without.rope_scaling = TS_ROPE_PLAIN;
    ts_model_config_frequencies(config, scaled);
    ts_model_config_frequencies(&without, plain);
    for (uint32_t i = 0; i < config->head_dim / 2; i++) {
        out[i] = (float)(plain[i] / scaled[i]);
    }
}

static void make_vector(const struct ts_weight_source *source, const struct ts_tensor *tensor, uint8_t *out)
{
    if (ts_str_equal(tensor->name, "rope_freqs.weight")) {
        float factors[TS_MODEL_MAX_HEAD_DIM / 2];
        rope_factors(&source->config, factors);
        memcpy(out, factors, tensor->row_bytes);
        return;
    }
    struct ts_rng rng;
    ts_rng_init(&rng, source->seed, 0, tensor->index, RNG_VECTOR);
    double middle = ts_str_has_suffix(tensor->name, ".bias") ? 0.0 : 1.0;
    for (uint32_t i = 0; i < tensor->cols; i++) {
        float value = (float)(middle + 0.1 * ts_rng_normal(&rng));
        memcpy(out + i * sizeof value, &value, sizeof value);
    }
}

static uint64_t row_key(const struct ts_weight_source *source, uint32_t tensor, uint32_t row)
{
    return ts_mix64(source->seed ^ ((uint64_t)tensor << 40)) + ((uint64_t)row << 20);
}

/* How many pieces of a row of the head are those of an embedding. */
static uint64_t n_borrowed(const struct ts_weight_source *source, const struct ts_tensor *tensor, uint32_t unit_cols)
{
    if (!source->lifelike || strcmp(tensor->name, HEAD) != 0) {
        return 0;
    }
    double n = floor(stand_out * sqrt((double)tensor->cols) / (double)unit_cols + 0.5);
    return n < 1.0 ? 1 : (uint64_t)n;
}

static void make_row(const struct ts_weight_source *source, const struct ts_tensor *tensor, uint32_t row, uint8_t *out)
{
    const struct unit_pool *pool = source->pool_of[tensor->index];
    uint64_t key = row_key(source, tensor->index, row), borrowed = n_borrowed(source, tensor, pool->unit_cols);
    uint64_t other = borrowed ? row_key(source, 0, (row + 1) % tensor->rows) : 0;
    uint64_t n_units = (tensor->row_bytes + pool->unit_bytes - 1) / pool->unit_bytes, first = key % n_units;
    size_t done = 0;
    for (uint64_t unit = 0; done < tensor->row_bytes; unit++) {
        uint64_t from_key = (unit + first) % n_units < borrowed ? other : key;
        const uint8_t *from = pool->units + (ts_mix64(from_key + unit) >> 32) % POOL_UNITS * pool->unit_bytes;
        size_t rest = tensor->row_bytes - done;
        memcpy(out + done, from, rest < pool->unit_bytes ? rest : pool->unit_bytes);
        done += pool->unit_bytes;
    }
}

size_t ts_weight_source_n_tensors(const struct ts_weight_source *source)
{
    return source->n_tensors;
}

const struct ts_tensor *ts_weight_source_at(const struct ts_weight_source *source, size_t index)
{
    return &source->tensors[index];
}

const struct ts_tensor *ts_weight_source_find(const struct ts_weight_source *source, const char *name)
{
    for (size_t i = 0; i < source->n_tensors; i++) {
        if (ts_str_equal(source->tensors[i].name, name)) {
            return &source->tensors[i];
        }
    }
    return NULL;
}

void ts_weight_source_rows(const struct ts_weight_source *source, const struct ts_tensor *tensor, uint32_t first,
                           uint32_t n, uint8_t *out)
{
    if (tensor->data) {
        memcpy(out, tensor->data + first * tensor->row_bytes, n * tensor->row_bytes);
        return;
    }
    if (tensor->n_dims == 1) {
        make_vector(source, tensor, out);
        return;
    }
    for (uint32_t r = 0; r < n; r++) {
        make_row(source, tensor, first + r, out + r * tensor->row_bytes);
    }
}

void ts_weight_source_forget(const struct ts_weight_source *source, const struct ts_tensor *tensor)
{
    if (source->gguf) {
        ts_gguf_forget(source->gguf, ts_gguf_tensor_at(source->gguf, tensor->index));
    }
}
