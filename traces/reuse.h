/* How much of its prompts a stream shares with earlier ones: what caches of any size would find. */
#ifndef TS_TRACES_REUSE_H
#define TS_TRACES_REUSE_H

#include "traces/request.h"

struct ts_reuse;

struct ts_reuse *ts_reuse_create(void); /* NULL without memory */
void ts_reuse_destroy(struct ts_reuse *reuse);

/* What the next prompt shares with earlier ones of the same group (0, 1 ...: a class, or 0 for all). */
struct ts_reuse_found {
    uint32_t n_ids;    /* of its ids, from the first on, an earlier prompt began with */
    uint64_t lag;      /* so many prompts of the group ago the last such one came (1: the last one); 0: none */
    uint64_t n_before; /* prompts of the group before this one */
    uint64_t tok;      /* tokens that these ids stand for */
};

/* False without memory. Ids beyond the prompt are those of its reply, which later prompts may begin with.
 * A prompt that tells nothing of its content shares nothing. Beyond 16 million ids no new ones
 * are kept. */
bool ts_reuse_add(struct ts_reuse_found *out, struct ts_reuse *reuse, uint32_t group, const struct ts_prefix *prefix,
                  uint32_t prompt_tok);

uint64_t ts_reuse_n_ids(const struct ts_reuse *reuse); /* different ones */

/* Share of the prompts' tokens that a cache of so many ids (blocks) finds, that drops the least recently used first
 * and, of one prompt, the end before the beginning; INFINITY: without bounds. NaN without prompts. */
double ts_reuse_hit_frac(const struct ts_reuse *reuse, double n_blocks);

#endif
