/* Hides which pages are free. */
#include "engine/kv_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "kernels/pages.h"

enum { MAX_PAGES = 1 << 24, FIRST_LIST = 16 };

enum ts_status ts_kv_cache_create(struct ts_kv_cache *out, enum ts_kv_type type, uint32_t layers, uint32_t kv_heads,
                                  uint32_t head_dim, uint32_t n_pages)
{
    if (n_pages == 0 || n_pages > MAX_PAGES) {
        return TS_ERANGE;
    }
    struct ts_kv_cache cache = {
        .type = type, .layers = layers, .kv_heads = kv_heads, .head_dim = head_dim, .n_pages = n_pages};
    cache.half_bytes = (size_t)head_dim * TS_KV_PAGE_TOK * (type == TS_KV_F16 ? 2 : 4);
    cache.total_bytes = 2 * cache.half_bytes * kv_heads * layers * n_pages;
    cache.data = ts_pages_alloc(cache.total_bytes);
    cache.free = malloc(n_pages * sizeof *cache.free);
    if (!cache.data || !cache.free) {
        ts_kv_cache_deinit(&cache);
        return TS_ENOMEM;
    }
    cache.n_free = n_pages;
    for (uint32_t i = 0; i < n_pages; i++) {
        cache.free[i] = n_pages - 1 - i;
    }
    *out = cache;
    return TS_OK;
}

void ts_kv_cache_deinit(struct ts_kv_cache *cache)
{
    ts_pages_free(cache->data, cache->total_bytes);
    free(cache->free);
    cache->data = NULL;
    cache->free = NULL;
}

static enum ts_status grow_list(struct ts_kv_seq *seq, uint32_t n_pages)
{
    uint32_t max = seq->max_pages ? seq->max_pages : FIRST_LIST;
    while (max < n_pages) {
        max *= 2;
    }
    uint32_t *pages = realloc(seq->pages, max * sizeof *pages);
    if (!pages) {
        return TS_ENOMEM;
    }
    seq->pages = pages;
    seq->max_pages = max;
    return TS_OK;
}

enum ts_status ts_kv_seq_reserve(struct ts_kv_cache *cache, struct ts_kv_seq *seq, uint32_t n_tok)
{
    uint32_t need = ts_kv_pages_for(n_tok);
    if (need <= seq->n_pages) {
        return TS_OK;
    }
    if (need - seq->n_pages > cache->n_free) {
        return TS_ERANGE;
    }
    if (need > seq->max_pages) {
        enum ts_status status = grow_list(seq, need);
        if (status != TS_OK) {
            return status;
        }
    }
    while (seq->n_pages < need) {
        seq->pages[seq->n_pages++] = cache->free[--cache->n_free];
    }
    return TS_OK;
}

void ts_kv_seq_release(struct ts_kv_cache *cache, struct ts_kv_seq *seq)
{
    while (seq->n_pages > 0) {
        TS_CHECK(cache->n_free < cache->n_pages);
        cache->free[cache->n_free++] = seq->pages[--seq->n_pages];
    }
    free(seq->pages);
    memset(seq, 0, sizeof *seq);
}
