/* Where KV blocks are kept after an accelerator's cache: host memory, disk, a store that replicas share; level after
 * level, each an LRU of its own (sim/serving/prefix_cache.h keeps the order). As vLLM's offloading connectors and
 * LMCache have it: full blocks are written through to every level as soon as they are computed; a sequence looks first
 * in the accelerator's cache, then in each level for the blocks after, as long as the chain goes on; what it finds is
 * loaded while others are served, and found at a step's beginning when it is there. What is loaded from a level is kept
 * in those before it, too. A sequence uses its blocks last one first, so that of a chain the tail is lost before the
 * head (vLLM, v1/kv_offload/lru_manager.py). Writing takes no time and is not bounded. */
#ifndef TS_SIM_SERVING_KV_LEVELS_H
#define TS_SIM_SERVING_KV_LEVELS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "sim/model.h"

struct ts_kv_level; /* opaque: one store */

/* Those of a replica, the nearest first; some may be others' too. */
struct ts_kv_levels {
    struct ts_kv_level *items[TS_MAX_KV_LEVELS];
    uint32_t n;
};

/* Blocks found in each level. */
struct ts_kv_found {
    uint32_t n_blocks[TS_MAX_KV_LEVELS];
};

/* TS_ERANGE if it has no room for a block of that size, TS_ENOMEM. A level of more than TS_PREFIX_CACHE_MAX_BLOCKS has
 * that many. */
enum ts_status ts_kv_level_create(struct ts_kv_level **out, const struct ts_kv_level_model *model, double block_bytes);
void ts_kv_level_destroy(struct ts_kv_level *level); /* NULL is fine */

/* The first level that has the block; levels->n: none. */
uint32_t ts_kv_levels_find(const struct ts_kv_levels *levels, uint64_t key);
/* A block is computed: into every level that keeps such. */
void ts_kv_levels_keep(const struct ts_kv_levels *levels, uint64_t key, bool is_prompt);
/* A block is used that the accelerator's cache has: it is the last used where it is kept. */
void ts_kv_levels_touch(const struct ts_kv_levels *levels, uint64_t key);
/* A block is loaded from the first level that has it: it is the last used there, and comes into those before. */
void ts_kv_levels_use(const struct ts_kv_levels *levels, uint64_t key);
/* When the blocks of a load that begins now are there: each level in turn serves its loads one after another, each
 * takes the latency and bytes/bandwidth. */
int64_t ts_kv_levels_load_ns(const struct ts_kv_levels *levels, const struct ts_kv_found *found, double block_bytes,
                             int64_t now_ns);

#endif
