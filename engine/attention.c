/* Hides the tiling. Rows of a tile are (key-value head, token, head of the group); per 64 keys and key-value head:
 * scores = Q K^T as panels of 64 columns, online softmax per row, sums += P V as panels of 64 columns of V. Few rows
 * take keys and values straight from the pages, many widen them once first. A tile of few tokens has several key-value
 * heads, since they lie next to each other in a page and memory is then read in long runs. Q is scaled by
 * 1/sqrt(head_dim) first. */
#include "engine/attention.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "kernels/pages.h"

enum {
    CHUNK = TS_VECTOR_PANEL_COLS,
    CHUNK_PAGES = CHUNK / TS_KV_PAGE_TOK,
    TILE_ROWS = 64,
    DIRECT_ROWS = 6, /* up to so many rows straight from the pages */
};

/* One worker's memory; rows = max_rows, wide = head_dim rounded up to panels. */
struct scratch {
    float *queries; /* [rows][head_dim] */
    float *sums;    /* [rows][wide] */
    float *scores;  /* [rows][CHUNK] */
    float *max;     /* [rows] */
    float *total;   /* [rows] */
    float *keys;    /* [head_dim][CHUNK] */
    float *values;  /* [CHUNK][wide] */
};

struct ts_attention {
    struct ts_pool *pool;
    const struct ts_vector_ops *ops;
    const struct ts_kv_cache *cache;
    uint32_t heads, group, max_tok, max_rows, wide;
    float *memory;
    size_t memory_bytes;
    struct scratch *scratch; /* [workers] */
};

struct attention_job {
    const struct ts_attention *attention;
    uint32_t layer;
    float *out;
    const float *q;
    size_t ld_out, ld_q;
    const struct ts_attention_item *items;
    uint32_t n_items, heads_at_once;
    atomic_uint next;
};

static size_t scratch_floats(const struct ts_attention *attention)
{
    size_t rows = attention->max_rows, dim = attention->cache->head_dim, wide = attention->wide;
    size_t n = rows * (dim + wide + CHUNK + 2) + dim * CHUNK + CHUNK * wide;
    return (n + 1023) / 1024 * 1024;
}

static void scratch_place(struct scratch *out, const struct ts_attention *attention, float *memory)
{
    size_t rows = attention->max_rows, dim = attention->cache->head_dim, wide = attention->wide;
    out->keys = memory;
    out->values = out->keys + dim * CHUNK;
    out->sums = out->values + CHUNK * wide;
    out->scores = out->sums + rows * wide;
    out->queries = out->scores + rows * CHUNK;
    out->max = out->queries + rows * dim;
    out->total = out->max + rows;
}

enum ts_status ts_attention_create(struct ts_attention **out, struct ts_pool *pool, const struct ts_vector_ops *ops,
                                   const struct ts_kv_cache *cache, uint32_t heads)
{
    struct ts_attention *attention = calloc(1, sizeof *attention);
    if (!attention) {
        return TS_ENOMEM;
    }
    uint32_t n_workers = ts_pool_size(pool);
    attention->pool = pool;
    attention->ops = ops;
    attention->cache = cache;
    attention->heads = heads;
    attention->group = heads / cache->kv_heads;
    attention->max_tok = attention->group < TILE_ROWS ? TILE_ROWS / attention->group : 1;
    attention->max_rows = attention->max_tok * attention->group;
    attention->wide = (cache->head_dim + CHUNK - 1) / CHUNK * CHUNK;
    size_t floats = scratch_floats(attention);
    attention->memory_bytes = floats * n_workers * sizeof *attention->memory;
    attention->memory = ts_pages_alloc(attention->memory_bytes);
    attention->scratch = calloc(n_workers, sizeof *attention->scratch);
    if (!attention->memory || !attention->scratch) {
        ts_attention_destroy(attention);
        return TS_ENOMEM;
    }
    for (uint32_t w = 0; w < n_workers; w++) {
        scratch_place(&attention->scratch[w], attention, attention->memory + w * floats);
    }
    *out = attention;
    return TS_OK;
}

void ts_attention_destroy(struct ts_attention *attention)
{
    if (!attention) {
        return;
    }
    ts_pages_free(attention->memory, attention->memory_bytes);
    free(attention->scratch);
    free(attention);
}

uint32_t ts_attention_max_tok(const struct ts_attention *attention)
{
    return attention->max_tok;
}

/* A tile: an item and n_heads key-value heads from first_head on, rows_per_head rows each. */
struct tile {
    const struct attention_job *job;
    const struct ts_attention_item *item;
    const struct scratch *scratch;
    uint32_t first_head, n_heads, rows_per_head;
};

/* 64 keys of one head of a tile, fewer at the end. */
struct chunk {
    const struct tile *tile;
    uint32_t head; /* in the tile */
    uint32_t first_row, rows;
    uint32_t first_key, n_keys;
    const uint8_t *keys[CHUNK_PAGES], *values[CHUNK_PAGES]; /* of pages; those that are lacking repeat the first */
};

static size_t query_at(const struct tile *tile, uint32_t row)
{
    const struct ts_attention *attention = tile->job->attention;
    uint32_t head = tile->first_head + row / tile->rows_per_head;
    return ((size_t)head * attention->group + row % attention->group) * attention->cache->head_dim;
}

static uint32_t token_of(const struct tile *tile, uint32_t row)
{
    return row % tile->rows_per_head / tile->job->attention->group;
}

static void start_tile(const struct tile *tile)
{
    const struct ts_attention *attention = tile->job->attention;
    const struct scratch *scratch = tile->scratch;
    uint32_t dim = attention->cache->head_dim, rows = tile->n_heads * tile->rows_per_head;
    float scale = (float)(1.0 / sqrt((double)dim));
    for (uint32_t r = 0; r < rows; r++) {
        const float *from =
            tile->job->q + (tile->item->in_row + token_of(tile, r)) * tile->job->ld_q + query_at(tile, r);
        for (uint32_t i = 0; i < dim; i++) {
            scratch->queries[(size_t)r * dim + i] = from[i] * scale;
        }
        scratch->max[r] = -INFINITY;
        scratch->total[r] = 0.0F;
    }
    memset(scratch->sums, 0, (size_t)rows * attention->wide * sizeof *scratch->sums);
}

/* n_rows x n_cols cached elements to float, rows ld_out apart. */
static void widen(const struct ts_attention *attention, float *out, size_t ld_out, const uint8_t *in, uint32_t n_rows,
                  uint32_t n_cols)
{
    if (attention->cache->type == TS_KV_F16) {
        attention->ops->widen_f16(out, ld_out, (const uint16_t *)(const void *)in, n_cols, n_rows, n_cols);
        return;
    }
    for (uint32_t r = 0; r < n_rows; r++) {
        memcpy(out + r * ld_out, in + (size_t)r * n_cols * sizeof *out, n_cols * sizeof *out);
    }
}

static void widen_keys(const struct chunk *chunk)
{
    const struct ts_attention *attention = chunk->tile->job->attention;
    for (uint32_t p = 0; p * TS_KV_PAGE_TOK < chunk->n_keys; p++) {
        widen(attention, chunk->tile->scratch->keys + (size_t)p * TS_KV_PAGE_TOK, CHUNK, chunk->keys[p],
              attention->cache->head_dim, TS_KV_PAGE_TOK);
    }
}

static void widen_values(const struct chunk *chunk)
{
    const struct ts_attention *attention = chunk->tile->job->attention;
    for (uint32_t p = 0; p * TS_KV_PAGE_TOK < chunk->n_keys; p++) {
        uint32_t left = chunk->n_keys - p * TS_KV_PAGE_TOK;
        widen(attention, chunk->tile->scratch->values + (size_t)p * TS_KV_PAGE_TOK * attention->wide, attention->wide,
              chunk->values[p], left < TS_KV_PAGE_TOK ? left : TS_KV_PAGE_TOK, attention->cache->head_dim);
    }
}

/* Row r sees the keys up to its own position. */
static void softmax_rows(const struct chunk *chunk)
{
    const struct ts_attention *attention = chunk->tile->job->attention;
    const struct scratch *scratch = chunk->tile->scratch;
    for (uint32_t i = 0; i < chunk->rows; i++) {
        uint32_t r = chunk->first_row + i;
        uint32_t end = chunk->tile->item->first_pos + i / attention->group + 1;
        float *scores = scratch->scores + (size_t)i * CHUNK;
        if (end <= chunk->first_key) {
            memset(scores, 0, CHUNK * sizeof *scores);
            continue;
        }
        uint32_t n_valid = end - chunk->first_key < CHUNK ? end - chunk->first_key : CHUNK;
        float factor = attention->ops->softmax(scores, n_valid, &scratch->max[r], &scratch->total[r]);
        if (factor != 1.0F) {
            attention->ops->scale(scratch->sums + (size_t)r * attention->wide, factor, attention->wide);
        }
    }
}

static void chunk_widened(const struct chunk *chunk)
{
    const struct ts_attention *attention = chunk->tile->job->attention;
    const struct scratch *scratch = chunk->tile->scratch;
    uint32_t dim = attention->cache->head_dim, wide = attention->wide;
    float *sums = scratch->sums + (size_t)chunk->first_row * wide;
    widen_keys(chunk);
    attention->ops->panel(scratch->scores, CHUNK, scratch->queries + (size_t)chunk->first_row * dim, dim, scratch->keys,
                          CHUNK, chunk->rows, dim, false);
    softmax_rows(chunk);
    widen_values(chunk);
    for (uint32_t col = 0; col < wide; col += TS_VECTOR_PANEL_COLS) {
        attention->ops->panel(sums + col, wide, scratch->scores, CHUNK, scratch->values + col, wide, chunk->rows,
                              chunk->n_keys, true);
    }
}

static void chunk_direct(const struct chunk *chunk)
{
    const struct ts_attention *attention = chunk->tile->job->attention;
    const struct scratch *scratch = chunk->tile->scratch;
    uint32_t dim = attention->cache->head_dim;
    float *sums = scratch->sums + (size_t)chunk->first_row * dim;
    const uint16_t *pages[CHUNK_PAGES];
    for (int p = 0; p < CHUNK_PAGES; p++) {
        pages[p] = (const uint16_t *)(const void *)chunk->keys[p];
    }
    attention->ops->panel_keys(scratch->scores, CHUNK, scratch->queries + (size_t)chunk->first_row * dim, dim, pages,
                               chunk->rows, dim);
    softmax_rows(chunk);
    for (uint32_t col = 0; col < dim; col += TS_VECTOR_PANEL_COLS) {
        for (int p = 0; p < CHUNK_PAGES; p++) {
            pages[p] = (const uint16_t *)(const void *)chunk->values[p] + col;
        }
        attention->ops->panel_values(sums + col, dim, scratch->scores, CHUNK, pages, dim, chunk->rows, chunk->n_keys);
    }
}

static void find_pages(struct chunk *chunk)
{
    const struct tile *tile = chunk->tile;
    const struct ts_kv_cache *cache = tile->job->attention->cache;
    for (uint32_t p = 0; p < CHUNK_PAGES; p++) {
        uint32_t key = p * TS_KV_PAGE_TOK < chunk->n_keys ? chunk->first_key + p * TS_KV_PAGE_TOK : chunk->first_key;
        uint32_t page = tile->item->seq->pages[key / TS_KV_PAGE_TOK];
        chunk->keys[p] = ts_kv_keys(cache, tile->job->layer, page, tile->first_head + chunk->head);
        chunk->values[p] = chunk->keys[p] + cache->half_bytes;
    }
}

static void finish_tile(const struct tile *tile)
{
    const struct ts_attention *attention = tile->job->attention;
    const struct scratch *scratch = tile->scratch;
    uint32_t dim = attention->cache->head_dim;
    for (uint32_t r = 0; r < tile->n_heads * tile->rows_per_head; r++) {
        float *to = tile->job->out + (tile->item->out_row + token_of(tile, r)) * tile->job->ld_out + query_at(tile, r);
        float factor = 1.0F / scratch->total[r];
        for (uint32_t i = 0; i < dim; i++) {
            to[i] = scratch->sums[(size_t)r * attention->wide + i] * factor;
        }
    }
}

static void run_tile(const struct tile *tile)
{
    const struct ts_attention *attention = tile->job->attention;
    uint32_t n_keys = tile->item->first_pos + tile->item->n_tok, rows = tile->rows_per_head;
    bool direct =
        rows <= DIRECT_ROWS && attention->cache->type == TS_KV_F16 && attention->wide == attention->cache->head_dim;
    start_tile(tile);
    for (uint32_t key = 0; key < n_keys; key += CHUNK) {
        uint32_t n = n_keys - key < CHUNK ? n_keys - key : CHUNK;
        for (uint32_t head = 0; head < tile->n_heads; head++) {
            struct chunk chunk = {
                .tile = tile, .head = head, .first_row = head * rows, .rows = rows, .first_key = key, .n_keys = n};
            find_pages(&chunk);
            if (direct) {
                chunk_direct(&chunk);
            } else {
                chunk_widened(&chunk);
            }
        }
    }
    finish_tile(tile);
}

/* How many key-value heads a tile of n_tok tokens takes. */
static uint32_t heads_of(const struct attention_job *job, uint32_t n_tok)
{
    uint32_t fit = job->attention->max_rows / (n_tok * job->attention->group);
    fit = fit < job->heads_at_once ? fit : job->heads_at_once;
    return fit > 0 ? fit : 1;
}

/* Later items of a prefill are longer: they are taken first. */
static void attention_worker(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)n_workers;
    struct attention_job *job = user;
    uint32_t kv_heads = job->attention->cache->kv_heads;
    uint32_t n = job->n_items * kv_heads;
    for (;;) {
        uint32_t at = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
        if (at >= n) {
            return;
        }
        const struct ts_attention_item *item = &job->items[job->n_items - 1 - at / kv_heads];
        uint32_t heads = heads_of(job, item->n_tok), first = at % kv_heads;
        if (first % heads != 0) {
            continue; /* in the tile of an earlier head */
        }
        struct tile tile = {.job = job,
                            .item = item,
                            .scratch = &job->attention->scratch[worker],
                            .first_head = first,
                            .n_heads = kv_heads - first < heads ? kv_heads - first : heads,
                            .rows_per_head = item->n_tok * job->attention->group};
        run_tile(&tile);
    }
}

void ts_attention_run(struct ts_attention *attention, uint32_t layer, float *out, size_t ld_out, const float *q,
                      size_t ld_q, const struct ts_attention_item *items, uint32_t n_items)
{
    for (uint32_t i = 0; i < n_items; i++) {
        TS_CHECK(items[i].n_tok > 0 && items[i].n_tok <= attention->max_tok);
    }
    struct attention_job job = {.attention = attention,
                                .layer = layer,
                                .out = out,
                                .q = q,
                                .ld_out = ld_out,
                                .ld_q = ld_q,
                                .items = items,
                                .n_items = n_items};
    uint64_t heads = (uint64_t)n_items * attention->cache->kv_heads / ts_pool_size(attention->pool);
    job.heads_at_once = heads < attention->cache->kv_heads ? (uint32_t)heads : attention->cache->kv_heads;
    atomic_init(&job.next, 0);
    ts_pool_run(attention->pool, attention_worker, &job);
}
