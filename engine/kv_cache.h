/* The paged key-value cache. A page holds 16 tokens of one sequence, for all layers: per layer and key-value head the
 * keys as [head_dim][16 tokens] (16 scores are one vector of sums) and the values as [16 tokens][head_dim]. Sequences
 * own lists of pages; freed pages are used again. */
#ifndef TS_ENGINE_KV_CACHE_H
#define TS_ENGINE_KV_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { TS_KV_PAGE_TOK = 16 };

enum ts_kv_type { TS_KV_F16, TS_KV_F32 };

struct ts_kv_cache {
    enum ts_kv_type type;
    uint32_t layers, kv_heads, head_dim, n_pages;
    size_t half_bytes; /* keys, or values, of one page, layer and head */
    size_t total_bytes;
    uint8_t *data;  /* [n_pages][layers][kv_heads][keys, values] */
    uint32_t *free; /* a stack of page numbers */
    uint32_t n_free;
};

/* The tokens of one sequence; all zero = empty. */
struct ts_kv_seq {
    uint32_t *pages;
    uint32_t n_pages, max_pages;
    uint32_t n_tok; /* cached so far */
};

/* All > 0. TS_ERANGE beyond 2^24 pages, TS_ENOMEM. Memory is taken from the system as pages are touched. */
enum ts_status ts_kv_cache_create(struct ts_kv_cache *out, enum ts_kv_type type, uint32_t layers, uint32_t kv_heads,
                                  uint32_t head_dim, uint32_t n_pages);
void ts_kv_cache_deinit(struct ts_kv_cache *cache);

/* Makes room for n_tok tokens in all. TS_ERANGE: not enough free pages (nothing is changed); TS_ENOMEM. */
enum ts_status ts_kv_seq_reserve(struct ts_kv_cache *cache, struct ts_kv_seq *seq, uint32_t n_tok);
/* Gives back the pages and the list. */
void ts_kv_seq_release(struct ts_kv_cache *cache, struct ts_kv_seq *seq);

static inline uint32_t ts_kv_pages_for(uint32_t n_tok)
{
    return n_tok / TS_KV_PAGE_TOK + (n_tok % TS_KV_PAGE_TOK != 0);
}

static inline uint8_t *ts_kv_keys(const struct ts_kv_cache *cache, uint32_t layer, uint32_t page, uint32_t head)
{
    return cache->data + (((size_t)page * cache->layers + layer) * cache->kv_heads + head) * 2 * cache->half_bytes;
}

static inline uint8_t *ts_kv_values(const struct ts_kv_cache *cache, uint32_t layer, uint32_t page, uint32_t head)
{
    return ts_kv_keys(cache, layer, page, head) + cache->half_bytes;
}

#endif
