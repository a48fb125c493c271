/* The prompt cache of an API's provider: tokens of a prompt that an earlier call began with are billed at the price of
 * cached input. What a prompt consists of is known from its request's prefix ids; without them nothing is looked up and
 * nothing costs time.
 *
 * A call finds the blocks that its prompt begins with as far as calls of the same offer left them not longer ago than
 * the time to live, counted from their last use (Anthropic's cache: "5-minute lifetime, refreshed each time the cached
 * content is used"; OpenAI's: "typically cleared after 5-10 minutes of inactivity"), and as far as the reply of the
 * call that left them has begun. Blocks are whole ones of 128 tokens (OpenAI: "starting at 1,024 tokens and increasing
 * in 128-token increments"), or of the trace's ids where one stands for more. Prompts, and beginnings found, of fewer
 * tokens than the least are not cached (OpenAI, Claude Sonnet 4.5 and 4: 1,024; Gemini 2.5: 2,048; Claude Opus 4.5 and
 * Haiku 4.5: 4,096; as of 2026).
 *
 * Worked: a prompt of 2,304 tokens, at 3 USD/Mtok and 0.30 cached, comes twice within 5 min, another text after its
 * first 2,048 tokens: the first call costs 0.006912 USD of input, the second (256 x 3 + 2,048 x 0.3)/1e6 = 0.0013824.
 * Calls with the same prompt as a Poisson process of one in 5 min: 1 - 1/e = 63.2 % of them find it.
 *
 * Not modelled: caches of several machines that calls are spread over, how much faster
 * a prompt that is found is answered. */
#ifndef TS_SIM_TIERS_PROMPT_CACHE_H
#define TS_SIM_TIERS_PROMPT_CACHE_H

#include <stdint.h>

#include "base/status.h"
#include "sim/model.h"
#include "traces/request.h"

/* Blocks of a generation; beyond that the older generation is forgotten early. A generation of that many takes 48 MB
 * at most. */
enum { TS_PROMPT_CACHE_MAX_BLOCKS = 1 << 20, TS_PROMPT_CACHE_BLOCK_TOK = 128 };

struct ts_prompt_cache_entry {
    uint64_t key; /* of a chain of blocks; 0: an empty place */
    int64_t ready_ns, used_ns;
};

/* A table by key: open addressing, linear probing, nothing is ever taken out of it. */
struct ts_prompt_cache_table {
    struct ts_prompt_cache_entry *entries; /* [cap], a power of two; NULL before the first one */
    uint32_t cap, n;
};

/* Two generations, each as long as the time to live: what was used in neither is too old. */
struct ts_prompt_cache {
    int64_t life_ns; /* 0: there is no cache */
    uint32_t least_tok;
    int64_t turned_ns; /* when the young generation began */
    struct ts_prompt_cache_table young, old;
};

struct ts_prompt_cache ts_prompt_cache_of(const struct ts_prompt_cache_model *model);
void ts_prompt_cache_deinit(struct ts_prompt_cache *cache);

/* A call whose reply begins at ready_ns meets the cache at now_ns, which never decreases: *found_tok of its prompt are
 * there, and all whole blocks of it are from ready_ns on. Calls of different `salt` have nothing in common. TS_ENOMEM.
 */
enum ts_status ts_prompt_cache_meet(uint32_t *found_tok, struct ts_prompt_cache *cache, uint64_t salt,
                                    const struct ts_request *request, int64_t now_ns, int64_t ready_ns);

#endif
