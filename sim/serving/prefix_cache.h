/* The prefix cache of a scheduler, in the manner of vLLM V1: full KV blocks stay known by what they hold after the last
 * sequence that used them has gone, until their place is needed. A block's key is a hash chain: of the key of the block
 * before it and of its own tokens. Blocks in use are counted by reference; those without stand in a queue, from which
 * new blocks are taken at the front (the longest unused: LRU). A sequence gives its blocks back last one first, so that
 * of a chain the tail is lost before the head.
 *
 * 64-bit keys: two of a billion blocks collide with a probability of 3 %, and then share a block that they should not.
 */
#ifndef TS_SIM_SERVING_PREFIX_CACHE_H
#define TS_SIM_SERVING_PREFIX_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "traces/request.h"

enum { TS_PREFIX_CACHE_MAX_BLOCKS = 1 << 26 };

#define TS_PREFIX_CACHE_NONE UINT32_MAX

/* Where a chain begins. */
#define TS_PREFIX_ROOT UINT64_C(1)

struct ts_prefix_cache; /* opaque */

/* TS_ERANGE if n_blocks is 0 or more than TS_PREFIX_CACHE_MAX_BLOCKS; TS_ENOMEM. */
enum ts_status ts_prefix_cache_create(struct ts_prefix_cache **out, uint64_t n_blocks);
void ts_prefix_cache_destroy(struct ts_prefix_cache *cache);

/* The key of block i of a sequence, given that of the block before it (TS_PREFIX_ROOT before the first): from the ids
 * that its tokens lie in; a block with tokens beyond the ids, or beyond a prompt whose ids do not go on through the
 * reply, is like no other with another salt. Never 0. */
uint64_t ts_prefix_key(uint64_t parent, const struct ts_prefix *prefix, uint32_t prompt_tok, uint64_t salt, uint32_t i,
                       uint32_t block_tok);

/* The block with that key, in use or not; the one that was there first, of several. TS_PREFIX_CACHE_NONE. */
uint32_t ts_prefix_cache_find(const struct ts_prefix_cache *cache, uint64_t key);
bool ts_prefix_cache_is_idle(const struct ts_prefix_cache *cache, uint32_t block);
uint64_t ts_prefix_cache_key(const struct ts_prefix_cache *cache, uint32_t block); /* 0: none */

/* One more reference; a block that was idle leaves the queue. */
void ts_prefix_cache_share(struct ts_prefix_cache *cache, uint32_t block);
/* A block for new content, with one reference: one never used, or else the longest idle, whose content is forgotten.
 * There must be one. */
uint32_t ts_prefix_cache_take(struct ts_prefix_cache *cache);
/* The content of a block in use becomes known. */
void ts_prefix_cache_publish(struct ts_prefix_cache *cache, uint32_t block, uint64_t key);
/* Gives back a reference of each, last one first; how many are idle now because of it. */
uint32_t ts_prefix_cache_give(struct ts_prefix_cache *cache, const uint32_t *blocks, uint32_t n);

#endif
