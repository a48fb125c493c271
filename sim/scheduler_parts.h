/* The inside of the scheduler, for its policies: the running list, the blocks, and the row of functions that a policy
 * is. Not for others: the contract is sim/scheduler.h. */
#ifndef TS_SIM_SCHEDULER_PARTS_H
#define TS_SIM_SCHEDULER_PARTS_H

#include "sim/prefix_cache.h"
#include "sim/scheduler.h"
#include "sim/sequence.h"

struct ts_slots;

struct ts_policy {
    const char *name;
    bool reserves; /* a sequence gets its blocks for all its life when it enters */
    bool has_prefix_cache;
    enum ts_status (*init)(struct ts_scheduler *sched); /* NULL: nothing to do; undone by ts_scheduler_destroy */
    bool (*can_hold)(const struct ts_scheduler_config *config, uint64_t prompt_tok, uint64_t n_tok);
    /* Blocks that it reserves for a sequence of n_tok tokens. */
    uint64_t (*reserved_blocks)(const struct ts_scheduler_config *config, uint64_t n_tok);
    /* Shares out the step: sets n_new of all that run, preempts, admits. */
    void (*plan)(struct ts_scheduler *sched, uint32_t budget, struct ts_scheduler_plan *plan);
    /* With everybody in decode and that much budget left: would somebody enter? */
    bool (*would_admit)(const struct ts_scheduler *sched, uint32_t budget);
    /* A sequence leaves for good, finished or aborted. NULL: nothing to do. */
    void (*leave)(struct ts_scheduler *sched, uint32_t pos);
};

struct ts_scheduler {
    struct ts_scheduler_config config;
    const struct ts_policy *policy;

    struct ts_sequences seqs;

    /* The running list, [max_running] each. */
    uint32_t *id;    /* of its record */
    uint32_t *ctx;   /* tokens in the cache */
    uint32_t *need;  /* tokens still to compute before it decodes; 0 in decode */
    uint32_t *left;  /* tokens still to give, >= 1 between steps */
    uint32_t *room;  /* free places in its last block */
    uint32_t *n_new; /* its share of the planned step; not kept for the first n_bulk */
    uint32_t n_running, max_running;
    uint32_t n_prefix; /* that many at the front are in decode */
    uint64_t n_free_blocks;

    bool in_step;
    uint32_t n_bulk; /* in the planned step, that many at the front decode one token each */
    struct ts_batch_load load;

    uint32_t *tags_a, *tags_b; /* lists handed out: [max_running] each */
    uint32_t *tags_c, *gave;   /* with drafts: who gave several tokens, and how many; [max_running] each */
    uint32_t *new_blocks;      /* [block_tok] of a run */

    struct ts_prefix_cache *cache; /* of TS_SCHEDULER_VLLM; NULL without */
    struct ts_slots *slots;        /* of TS_SCHEDULER_SLOTS */
    uint64_t n_submitted;
    uint32_t n_joining; /* running ones with `joins` */
    uint32_t n_holding; /* sequences in the state HELD */
};

extern const struct ts_policy ts_policy_vllm, ts_policy_slots, ts_policy_static;

void ts_slots_destroy(struct ts_slots *slots); /* NULL is fine */

/* Decoding sequences get unequal shares then, so that n_prefix stays 0. */
static inline bool ts_running_drafts(const struct ts_scheduler *s)
{
    return s->config.draft_tok > 0;
}

static inline uint32_t ts_min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline struct ts_sequence *ts_running_seq(const struct ts_scheduler *s, uint32_t pos)
{
    return &s->seqs.items[s->id[pos]];
}

/* Places in the running list that a configuration comes to. */
uint32_t ts_running_max(const struct ts_scheduler_config *config);

/* Blocks of n_tok tokens; and those that `n_new` more take behind `room` free places, beside what is reserved. */
uint64_t ts_running_blocks(const struct ts_scheduler_config *config, uint64_t n_tok);
uint64_t ts_running_growth(const struct ts_scheduler *s, uint32_t room, uint32_t n_new);

/* Takes a waiting sequence into the list at `pos`, with n_found tokens in the cache already. Its blocks are the
 * caller's business. */
void ts_running_insert(struct ts_scheduler *s, uint32_t pos, uint32_t id, uint32_t n_found,
                       struct ts_scheduler_plan *plan);
/* Takes out the one at `pos`; all arrays move up. */
void ts_running_remove(struct ts_scheduler *s, uint32_t pos);
/* Takes out everybody with nothing left to give, in order; lists the tags of those that were not aborted. */
uint32_t ts_running_remove_finished(struct ts_scheduler *s, uint32_t *tags);

/* The share of the step of the one at `pos`: counted, and not any more. n_new may be 0. */
void ts_running_load(struct ts_scheduler *s, uint32_t pos, uint32_t n_new);
void ts_running_unload(struct ts_scheduler *s, uint32_t pos);
/* The decoding front of the list in one go: n_bulk; nothing if the blocks do not suffice without preemption. */
void ts_running_load_prefix(struct ts_scheduler *s, uint32_t *budget);

/* The share of a prompt with that much to compute. */
static inline uint32_t ts_running_chunk(const struct ts_scheduler *s, uint32_t need, uint32_t budget)
{
    const uint32_t most = s->config.long_prefill_tok ? ts_min_u32(need, s->config.long_prefill_tok) : need;
    return s->config.chunked_prefill ? ts_min_u32(most, budget) : most;
}

/* With a prefix cache: takes the blocks that n_new more tokens of the one at `pos` need, and makes the full ones known.
 * n_free_blocks is the caller's business. */
void ts_running_take_blocks(struct ts_scheduler *s, uint32_t pos, uint32_t n_new);
void ts_running_publish(struct ts_scheduler *s, uint32_t pos, uint32_t n_new);

#endif
