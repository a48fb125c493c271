/* Hides how blocks are found by content: a table of buckets, each a chain through the block records; and the queue of
 * idle blocks, a list through the same records. Records never used are not in the queue: they count as its front.
 *
 * Rules: vLLM, vllm/v1/core/kv_cache_manager.py and block_pool.py: the free queue starts with all blocks in order, new
 * blocks come from its front, freed ones go to its end in reverse order, a hit takes a block out of its middle.
 *
 * Worked: 4 blocks, a sequence of 3 full blocks a b c ends: the queue is [unused, c, b, a]. A sequence of 2 other
 * blocks takes the unused one and c's; of a b c, a b are still found. */
#include "sim/serving/prefix_cache.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/rng.h"

struct block {
    uint64_t key; /* 0: holds nothing that is known */
    uint32_t n_refs;
    uint32_t prev, next;    /* in the queue, where n_refs is 0 */
    uint32_t next_in_chain; /* of its bucket */
};

struct ts_prefix_cache {
    struct block *blocks; /* [n_blocks] */
    uint32_t *buckets;    /* [mask + 1] first block of each chain, plus 1; 0: none */
    uint32_t n_blocks, n_used, mask;
    uint32_t first_idle, last_idle;
};

enum ts_status ts_prefix_cache_create(struct ts_prefix_cache **out, uint64_t n_blocks)
{
    if (n_blocks == 0 || n_blocks > TS_PREFIX_CACHE_MAX_BLOCKS) {
        return TS_ERANGE;
    }
    uint32_t n_buckets = 64;
    while (n_buckets < n_blocks) {
        n_buckets *= 2;
    }
    struct ts_prefix_cache *cache = malloc(sizeof *cache);
    struct block *blocks = calloc(n_blocks, sizeof *blocks);
    uint32_t *buckets = calloc(n_buckets, sizeof *buckets);
    if (!cache || !blocks || !buckets) {
        free(cache);
        free(blocks);
        free(buckets);
        return TS_ENOMEM;
    }
    *cache = (struct ts_prefix_cache){.blocks = blocks,
                                      .buckets = buckets,
                                      .n_blocks = (uint32_t)n_blocks,
                                      .mask = n_buckets - 1,
                                      .first_idle = TS_PREFIX_CACHE_NONE,
                                      .last_idle = TS_PREFIX_CACHE_NONE};
    *out = cache;
    return TS_OK;
}

void ts_prefix_cache_destroy(struct ts_prefix_cache *cache)
{
    if (cache) {
        free(cache->blocks);
        free(cache->buckets);
        free(cache);
    }
}

/* ---- keys ---- */

static uint64_t mixed(uint64_t key, uint64_t value)
{
    const uint64_t hash = ts_mix64(key ^ ts_mix64(value + UINT64_C(0x9e3779b97f4a7c15)));
    return hash != 0 ? hash : 1;
}

uint64_t ts_prefix_key(uint64_t parent, const struct ts_prefix *prefix, uint32_t prompt_tok, uint64_t salt, uint32_t i,
                       uint32_t block_tok)
{
    const uint64_t begin = (uint64_t)i * block_tok;
    const uint64_t end = begin + block_tok;
    const uint64_t covered = prefix->n_ids > 0 ? (uint64_t)prefix->n_ids * prefix->block_tok : 0;
    if ((end > prompt_tok && !prefix->has_reply) || end > covered) {
        return mixed(mixed(parent, salt), UINT64_MAX);
    }
    uint64_t key = parent;
    for (uint64_t j = begin / prefix->block_tok; j * prefix->block_tok < end; j++) {
        key = mixed(key, prefix->ids[j]);
    }
    return key;
}

/* ---- buckets ---- */

static uint32_t *bucket_of(const struct ts_prefix_cache *cache, uint64_t key)
{
    return &cache->buckets[(uint32_t)(key >> 16) & cache->mask];
}

uint32_t ts_prefix_cache_find(const struct ts_prefix_cache *cache, uint64_t key)
{
    uint32_t link = *bucket_of(cache, key);
    while (link != 0 && cache->blocks[link - 1].key != key) {
        link = cache->blocks[link - 1].next_in_chain;
    }
    return link != 0 ? link - 1 : TS_PREFIX_CACHE_NONE;
}

void ts_prefix_cache_publish(struct ts_prefix_cache *cache, uint32_t block, uint64_t key)
{
    TS_CHECK(cache->blocks[block].key == 0 && cache->blocks[block].n_refs > 0);
    uint32_t *link = bucket_of(cache, key);
    while (*link != 0) {
        link = &cache->blocks[*link - 1].next_in_chain;
    }
    *link = block + 1;
    cache->blocks[block].key = key;
    cache->blocks[block].next_in_chain = 0;
}

static void forget(struct ts_prefix_cache *cache, uint32_t block)
{
    if (cache->blocks[block].key == 0) {
        return;
    }
    uint32_t *link = bucket_of(cache, cache->blocks[block].key);
    while (*link != block + 1) {
        link = &cache->blocks[*link - 1].next_in_chain;
    }
    *link = cache->blocks[block].next_in_chain;
    cache->blocks[block].key = 0;
}

bool ts_prefix_cache_is_idle(const struct ts_prefix_cache *cache, uint32_t block)
{
    return cache->blocks[block].n_refs == 0;
}

uint64_t ts_prefix_cache_key(const struct ts_prefix_cache *cache, uint32_t block)
{
    return cache->blocks[block].key;
}

/* ---- the queue of idle blocks ---- */

static void unlink_idle(struct ts_prefix_cache *cache, uint32_t block)
{
    const struct block *b = &cache->blocks[block];
    if (b->prev == TS_PREFIX_CACHE_NONE) {
        cache->first_idle = b->next;
    } else {
        cache->blocks[b->prev].next = b->next;
    }
    if (b->next == TS_PREFIX_CACHE_NONE) {
        cache->last_idle = b->prev;
    } else {
        cache->blocks[b->next].prev = b->prev;
    }
}

static void append_idle(struct ts_prefix_cache *cache, uint32_t block)
{
    cache->blocks[block].prev = cache->last_idle;
    cache->blocks[block].next = TS_PREFIX_CACHE_NONE;
    if (cache->last_idle == TS_PREFIX_CACHE_NONE) {
        cache->first_idle = block;
    } else {
        cache->blocks[cache->last_idle].next = block;
    }
    cache->last_idle = block;
}

void ts_prefix_cache_share(struct ts_prefix_cache *cache, uint32_t block)
{
    if (cache->blocks[block].n_refs++ == 0) {
        unlink_idle(cache, block);
    }
}

uint32_t ts_prefix_cache_take(struct ts_prefix_cache *cache)
{
    uint32_t block = cache->first_idle;
    if (cache->n_used < cache->n_blocks) {
        block = cache->n_used++;
    } else {
        TS_CHECK(block != TS_PREFIX_CACHE_NONE);
        unlink_idle(cache, block);
        forget(cache, block);
    }
    cache->blocks[block].n_refs = 1;
    return block;
}

uint32_t ts_prefix_cache_give(struct ts_prefix_cache *cache, const uint32_t *blocks, uint32_t n)
{
    uint32_t n_idle = 0;
    while (n-- > 0) {
        TS_CHECK(cache->blocks[blocks[n]].n_refs > 0);
        if (--cache->blocks[blocks[n]].n_refs == 0) {
            append_idle(cache, blocks[n]);
            n_idle++;
        }
    }
    return n_idle;
}
