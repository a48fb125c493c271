/* Hides the order of a step. Per layer: norm, q k v (+ bias), q/k norms, rotation, cache, attention, output projection,
 * residual; norm, gate and up, SwiGLU, down, residual. In the last layer, what stands behind the cache is computed for
 * the wanted rows alone. Buffers: x, h [max_tok][hidden]; wide [max_tok][max(q + 2 kv, 2 ffn)]; attended [max_tok][q];
 * turns [max_tok][head_dim]. */
#include "engine/transformer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "engine/attention.h"
#include "kernels/pages.h"

enum {
    MAX_STEP_TOK = 1 << 16,
    ALONE_TOK = 2,
    EMBED_ROWS = 64, /* rows of the embedding, and the file's pages around them, in memory at a time */
};

/* Where a token of the step stands. */
struct row {
    const struct ts_kv_seq *seq;
    uint32_t pos;
    uint32_t token;
};

/* Rows of a power of two apart would meet in the same few lines of a cache: they are ROW_PAD further. */
enum { ROW_PAD = 32 };

struct buffer {
    float *data; /* [rows][ld] */
    size_t ld, bytes;
};

struct ts_transformer {
    const struct ts_weights *weights;
    struct ts_kv_cache *cache;
    struct ts_pool *pool;
    struct ts_matmul_space *space;
    struct ts_attention *attention;
    uint32_t max_tok, max_logits, n_tok, n_wanted;
    uint32_t q_dim, kv_dim;
    struct row *rows;                /* [max_tok] */
    uint32_t *wanted;                /* [max_tok] rows whose logits are wanted */
    struct ts_attention_item *items; /* [max_tok] */
    struct buffer x, h, wide, attended, turns;
};

/* Work on tokens [first, end) of a layer. */
typedef void rows_fn(const struct ts_transformer *t, uint32_t layer, uint32_t first, uint32_t end);

struct rows_job {
    const struct ts_transformer *transformer;
    rows_fn *fn;
    uint32_t layer, n;
};

static bool buffer_alloc(struct buffer *out, size_t rows, size_t cols)
{
    out->ld = cols + ROW_PAD;
    out->bytes = rows * out->ld * sizeof *out->data;
    out->data = ts_pages_alloc(out->bytes);
    return out->data != NULL;
}

static enum ts_status create_buffers(struct ts_transformer *t)
{
    const struct ts_model_config *config = &t->weights->config;
    uint32_t tok = t->max_tok;
    uint32_t widest = config->hidden > config->ffn ? config->hidden : config->ffn;
    widest = t->q_dim > widest ? t->q_dim : widest;
    size_t qkv = t->q_dim + 2 * (size_t)t->kv_dim, gate_up = 2 * (size_t)config->ffn;
    t->rows = calloc(tok, sizeof *t->rows);
    t->wanted = calloc(tok, sizeof *t->wanted);
    t->items = calloc(tok, sizeof *t->items);
    if (!t->rows || !t->wanted || !t->items || !buffer_alloc(&t->x, tok, config->hidden) ||
        !buffer_alloc(&t->h, tok, config->hidden) || !buffer_alloc(&t->wide, tok, qkv > gate_up ? qkv : gate_up) ||
        !buffer_alloc(&t->attended, tok, t->q_dim) || !buffer_alloc(&t->turns, tok, config->head_dim)) {
        return TS_ENOMEM;
    }
    enum ts_status status = ts_attention_create(&t->attention, t->pool, t->weights->tools.ops, t->cache, config->heads);
    return status == TS_OK ? ts_matmul_space_create(&t->space, t->pool, tok, widest) : status;
}

enum ts_status ts_transformer_create(struct ts_transformer **out, const struct ts_weights *weights,
                                     struct ts_kv_cache *cache, struct ts_pool *pool, uint32_t max_tok,
                                     uint32_t max_logits)
{
    const struct ts_model_config *config = &weights->config;
    if (max_tok == 0 || max_tok > MAX_STEP_TOK || max_logits > max_tok) {
        return TS_ERANGE;
    }
    TS_CHECK(cache->layers == config->layers && cache->kv_heads == config->kv_heads &&
             cache->head_dim == config->head_dim);
    struct ts_transformer *t = calloc(1, sizeof *t);
    if (!t) {
        return TS_ENOMEM;
    }
    t->weights = weights;
    t->cache = cache;
    t->pool = pool;
    t->max_tok = max_tok;
    t->max_logits = max_logits;
    t->q_dim = config->heads * config->head_dim;
    t->kv_dim = config->kv_heads * config->head_dim;
    enum ts_status status = create_buffers(t);
    if (status != TS_OK) {
        ts_transformer_destroy(t);
        return status;
    }
    *out = t;
    return TS_OK;
}

void ts_transformer_destroy(struct ts_transformer *t)
{
    if (!t) {
        return;
    }
    struct buffer *buffers[] = {&t->x, &t->h, &t->wide, &t->attended, &t->turns};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
        ts_pages_free(buffers[i]->data, buffers[i]->bytes);
    }
    ts_matmul_space_destroy(t->space);
    ts_attention_destroy(t->attention);
    free(t->rows);
    free(t->wanted);
    free(t->items);
    free(t);
}

size_t ts_transformer_bytes(const struct ts_transformer *t)
{
    return t->x.bytes + t->h.bytes + t->wide.bytes + t->attended.bytes + t->turns.bytes;
}

static void rows_worker(void *user, uint32_t worker, uint32_t n_workers)
{
    const struct rows_job *job = user;
    uint32_t first = (uint32_t)((uint64_t)job->n * worker / n_workers);
    uint32_t end = (uint32_t)((uint64_t)job->n * (worker + 1) / n_workers);
    if (first < end) {
        job->fn(job->transformer, job->layer, first, end);
    }
}

static void for_rows(const struct ts_transformer *t, rows_fn *fn, uint32_t layer, uint32_t n)
{
    if (n <= ALONE_TOK) {
        if (n > 0) {
            fn(t, layer, 0, n);
        }
        return;
    }
    struct rows_job job = {t, fn, layer, n};
    ts_pool_run(t->pool, rows_worker, &job);
}

static float *row_of(const struct buffer *buffer, uint32_t row)
{
    return buffer->data + row * buffer->ld;
}

/* x = embedding; turns = cosines and sines of the position. */
static void embed_rows(const struct ts_transformer *t, uint32_t layer, uint32_t first, uint32_t end)
{
    (void)layer;
    const struct ts_model_config *config = &t->weights->config;
    uint32_t half = config->head_dim / 2;
    for (uint32_t r = first; r < end; r++) {
        ts_weights_embed(t->weights, row_of(&t->x, r), t->rows[r].token);
        if ((r - first) % EMBED_ROWS == EMBED_ROWS - 1 || r + 1 == end) {
            ts_weight_source_forget(t->weights->source, t->weights->embedding);
        }
        float *turn = row_of(&t->turns, r);
        for (uint32_t i = 0; i < half; i++) {
            double angle = t->rows[r].pos * t->weights->frequencies[i];
            turn[i] = (float)cos(angle);
            turn[half + i] = (float)sin(angle);
        }
    }
}

static void norm_rows(const struct ts_transformer *t, const float *weight, uint32_t first, uint32_t end)
{
    const struct ts_model_config *config = &t->weights->config;
    for (uint32_t r = first; r < end; r++) {
        t->weights->tools.ops->rms_norm(row_of(&t->h, r), row_of(&t->x, r), weight, config->hidden, config->norm_eps);
    }
}

static void attn_norm_rows(const struct ts_transformer *t, uint32_t layer, uint32_t first, uint32_t end)
{
    norm_rows(t, t->weights->layers[layer].attn_norm, first, end);
}

static void ffn_norm_rows(const struct ts_transformer *t, uint32_t layer, uint32_t first, uint32_t end)
{
    norm_rows(t, t->weights->layers[layer].ffn_norm, first, end);
}

static void out_norm_rows(const struct ts_transformer *t, uint32_t layer, uint32_t first, uint32_t end)
{
    (void)layer;
    norm_rows(t, t->weights->out_norm, first, end);
}

static void add_rows(const struct ts_transformer *t, uint32_t layer, uint32_t first, uint32_t end)
{
    (void)layer;
    for (uint32_t r = first; r < end; r++) {
        t->weights->tools.ops->add(row_of(&t->x, r), row_of(&t->h, r), t->weights->config.hidden);
    }
}

static void swiglu_rows(const struct ts_transformer *t, uint32_t layer, uint32_t first, uint32_t end)
{
    (void)layer;
    uint32_t ffn = t->weights->config.ffn;
    for (uint32_t r = first; r < end; r++) {
        float *gate = row_of(&t->wide, r);
        t->weights->tools.ops->swiglu(gate, gate + ffn, ffn);
    }
}

/* heads x head_dim values: norm of each head, if any, and rotation. */
static void turn_heads(const struct ts_transformer *t, float *heads, uint32_t n, const float *norm, const float *turn)
{
    const struct ts_model_config *config = &t->weights->config;
    const struct ts_vector_ops *ops = t->weights->tools.ops;
    uint32_t half = config->head_dim / 2;
    for (uint32_t h = 0; h < n; h++) {
        float *head = heads + (size_t)h * config->head_dim;
        if (norm) {
            ops->rms_norm(head, head, norm, config->head_dim, config->norm_eps);
        }
        ops->rotate(head, turn, turn + half, half);
    }
}

static void store_f16(const struct ts_transformer *t, const struct row *row, uint32_t layer, const float *keys,
                      const float *values)
{
    uint16_t halves[TS_MODEL_MAX_HEAD_DIM];
    uint32_t dim = t->cache->head_dim, slot = row->pos % TS_KV_PAGE_TOK,
             page = row->seq->pages[row->pos / TS_KV_PAGE_TOK];
    for (uint32_t h = 0; h < t->cache->kv_heads; h++) {
        uint16_t *k = (uint16_t *)(void *)ts_kv_keys(t->cache, layer, page, h);
        uint16_t *v = (uint16_t *)(void *)ts_kv_values(t->cache, layer, page, h);
        t->weights->tools.ops->narrow_f16(halves, keys + (size_t)h * dim, dim);
        for (uint32_t i = 0; i < dim; i++) {
            k[i * TS_KV_PAGE_TOK + slot] = halves[i];
        }
        t->weights->tools.ops->narrow_f16(v + (size_t)slot * dim, values + (size_t)h * dim, dim);
    }
}

static void store_f32(const struct ts_transformer *t, const struct row *row, uint32_t layer, const float *keys,
                      const float *values)
{
    uint32_t dim = t->cache->head_dim, slot = row->pos % TS_KV_PAGE_TOK,
             page = row->seq->pages[row->pos / TS_KV_PAGE_TOK];
    for (uint32_t h = 0; h < t->cache->kv_heads; h++) {
        float *k = (float *)(void *)ts_kv_keys(t->cache, layer, page, h);
        float *v = (float *)(void *)ts_kv_values(t->cache, layer, page, h);
        for (uint32_t i = 0; i < dim; i++) {
            k[i * TS_KV_PAGE_TOK + slot] = keys[(size_t)h * dim + i];
        }
        memcpy(v + (size_t)slot * dim, values + (size_t)h * dim, dim * sizeof *v);
    }
}

/* Biases, norms, rotation of q and k; k and v into the cache. */
static void qkv_rows(const struct ts_transformer *t, uint32_t layer, uint32_t first, uint32_t end)
{
    const struct ts_model_config *config = &t->weights->config;
    const struct ts_layer_weights *weights = &t->weights->layers[layer];
    for (uint32_t r = first; r < end; r++) {
        float *q = row_of(&t->wide, r), *k = q + t->q_dim, *v = k + t->kv_dim;
        const float *turn = row_of(&t->turns, r);
        if (weights->qkv_bias) {
            t->weights->tools.ops->add(q, weights->qkv_bias, t->q_dim + 2 * (size_t)t->kv_dim);
        }
        turn_heads(t, q, config->heads, weights->q_norm, turn);
        turn_heads(t, k, config->kv_heads, weights->k_norm, turn);
        if (t->cache->type == TS_KV_F16) {
            store_f16(t, &t->rows[r], layer, k, v);
        } else {
            store_f32(t, &t->rows[r], layer, k, v);
        }
    }
}

static void apply(const struct ts_transformer *t, const struct ts_linear *linear, const struct buffer *y,
                  const struct buffer *x, uint32_t n)
{
    if (n > 0) {
        ts_linear_apply(linear, t->weights->tools.ops, t->space, t->pool, y->data, y->ld, x->data, x->ld, n);
    }
}

/* Tiles of queries: all rows of each chunk, or only the wanted ones, which are a chunk's last. */
static uint32_t make_items(const struct ts_transformer *t, const struct ts_step_chunk *chunks, uint32_t n_chunks,
                           bool wanted_only)
{
    uint32_t n_items = 0, in_row = 0, out_row = 0, max = ts_attention_max_tok(t->attention);
    for (uint32_t c = 0; c < n_chunks; c++) {
        uint32_t skip = wanted_only ? chunks[c].n_tok - chunks[c].n_logits : 0;
        for (uint32_t at = skip; at < chunks[c].n_tok;) {
            uint32_t n = chunks[c].n_tok - at < max ? chunks[c].n_tok - at : max;
            t->items[n_items++] =
                (struct ts_attention_item){chunks[c].seq, chunks[c].seq->n_tok + at, n, in_row + at, out_row};
            out_row += n;
            at += n;
        }
        in_row += chunks[c].n_tok;
    }
    return n_items;
}

/* Only the wanted rows are needed from here on. */
static void keep_wanted(const struct ts_transformer *t)
{
    size_t hidden = t->weights->config.hidden;
    for (uint32_t i = 0; i < t->n_wanted; i++) {
        memmove(row_of(&t->x, i), row_of(&t->x, t->wanted[i]), hidden * sizeof(float));
    }
}

static void run_layer(const struct ts_transformer *t, uint32_t layer, uint32_t n_items, bool last)
{
    const struct ts_layer_weights *weights = &t->weights->layers[layer];
    uint32_t n = last ? t->n_wanted : t->n_tok;
    for_rows(t, attn_norm_rows, layer, t->n_tok);
    apply(t, &weights->qkv, &t->wide, &t->h, t->n_tok);
    for_rows(t, qkv_rows, layer, t->n_tok);
    if (n == 0) {
        return;
    }
    ts_attention_run(t->attention, layer, t->attended.data, t->attended.ld, t->wide.data, t->wide.ld, t->items,
                     n_items);
    if (last) {
        keep_wanted(t);
    }
    apply(t, &weights->attn_out, &t->h, &t->attended, n);
    for_rows(t, add_rows, layer, n);
    for_rows(t, ffn_norm_rows, layer, n);
    apply(t, &weights->gate_up, &t->wide, &t->h, n);
    for_rows(t, swiglu_rows, layer, n);
    apply(t, &weights->down, &t->h, &t->wide, n);
    for_rows(t, add_rows, layer, n);
}

static enum ts_status check_step(const struct ts_transformer *t, const struct ts_step_chunk *chunks, uint32_t n_chunks,
                                 struct ts_diags *diags)
{
    uint64_t n_tok = 0, n_logits = 0, n_pages = 0;
    const struct ts_model_config *config = &t->weights->config;
    for (uint32_t c = 0; c < n_chunks; c++) {
        TS_CHECK(chunks[c].n_tok > 0 && chunks[c].n_logits <= chunks[c].n_tok);
        if (chunks[c].n_tok > t->max_tok || (uint64_t)chunks[c].seq->n_tok + chunks[c].n_tok > UINT32_MAX / 2) {
            return ts_fail(diags, TS_ERANGE, ts_span_none(), NULL, "a chunk of %u tokens is too long", chunks[c].n_tok);
        }
        for (uint32_t i = 0; i < chunks[c].n_tok; i++) {
            if (chunks[c].tokens[i] >= config->vocab) {
                return ts_fail(diags, TS_ERANGE, ts_span_none(), NULL, "token %u is not in the vocabulary of %u",
                               chunks[c].tokens[i], config->vocab);
            }
        }
        uint32_t need = ts_kv_pages_for(chunks[c].seq->n_tok + chunks[c].n_tok);
        n_pages += need > chunks[c].seq->n_pages ? need - chunks[c].seq->n_pages : 0;
        n_tok += chunks[c].n_tok;
        n_logits += chunks[c].n_logits;
    }
    if (n_tok > t->max_tok || n_logits > t->max_logits) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), NULL,
                       "a step of %llu tokens and %llu rows of logits; at most %u and %u", (unsigned long long)n_tok,
                       (unsigned long long)n_logits, t->max_tok, t->max_logits);
    }
    if (n_pages > t->cache->n_free) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), NULL, "the step needs %llu more pages of cache, %u are free",
                       (unsigned long long)n_pages, t->cache->n_free);
    }
    return TS_OK;
}

static enum ts_status place_rows(struct ts_transformer *t, const struct ts_step_chunk *chunks, uint32_t n_chunks)
{
    t->n_tok = 0;
    t->n_wanted = 0;
    for (uint32_t c = 0; c < n_chunks; c++) {
        struct ts_kv_seq *seq = chunks[c].seq;
        enum ts_status status = ts_kv_seq_reserve(t->cache, seq, seq->n_tok + chunks[c].n_tok);
        if (status != TS_OK) {
            return status;
        }
        for (uint32_t i = 0; i < chunks[c].n_tok; i++) {
            if (i >= chunks[c].n_tok - chunks[c].n_logits) {
                t->wanted[t->n_wanted++] = t->n_tok;
            }
            t->rows[t->n_tok++] = (struct row){seq, seq->n_tok + i, chunks[c].tokens[i]};
        }
    }
    return TS_OK;
}

enum ts_status ts_transformer_step(struct ts_transformer *t, const struct ts_step_chunk *chunks, uint32_t n_chunks,
                                   float *logits, struct ts_diags *diags)
{
    const struct ts_model_config *config = &t->weights->config;
    enum ts_status status = check_step(t, chunks, n_chunks, diags);
    if (status == TS_OK) {
        status = place_rows(t, chunks, n_chunks);
    }
    if (status != TS_OK) {
        return status;
    }
    for_rows(t, embed_rows, 0, t->n_tok);
    uint32_t n_items = make_items(t, chunks, n_chunks, false);
    for (uint32_t layer = 0; layer + 1 < config->layers; layer++) {
        run_layer(t, layer, n_items, false);
    }
    n_items = make_items(t, chunks, n_chunks, true);
    run_layer(t, config->layers - 1, n_items, true);
    for_rows(t, out_norm_rows, 0, t->n_wanted);
    apply(t, &t->weights->head, &(struct buffer){.data = logits, .ld = config->vocab}, &t->h, t->n_wanted);
    for (uint32_t c = 0; c < n_chunks; c++) {
        chunks[c].seq->n_tok += chunks[c].n_tok;
    }
    return TS_OK;
}
