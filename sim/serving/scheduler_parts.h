/* The inside of the scheduler, for its policies: the running list, the blocks, and the row of functions that a policy
 * is. Not for others: the contract is sim/serving/scheduler.h. */
#ifndef TS_SIM_SERVING_SCHEDULER_PARTS_H
#define TS_SIM_SERVING_SCHEDULER_PARTS_H

#include "sim/serving/prefix_cache.h"
#include "sim/serving/scheduler.h"
#include "sim/serving/sequence.h"

struct ts_slots;

struct ts_policy {
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

/* The first n of the running list, all in decode, and what they come to. */
struct ts_running_front {
    uint32_t n;
    uint64_t ctx_tok;   /* tokens in the cache, all together */
    uint32_t *n_full;   /* [2 block_tok]: how many fill their last block at that phase; the second half repeats the
                           first; nobody where blocks are reserved */
    uint32_t first_end; /* the first of their ends; not if that is stale */
    bool first_end_stale;
};

struct ts_scheduler {
    struct ts_scheduler_config config;
    const struct ts_policy *policy;

    struct ts_sequences seqs;

    /* The running list, [max_running] each. Three of its numbers are kept against the clock, since all that decode
     * change alike: ts_running_ctx, _left and _room tell them. */
    uint32_t *id;       /* of its record */
    uint32_t *ctx_at_0; /* tokens in the cache, less the clock */
    uint32_t *need;     /* tokens still to compute before it decodes; 0 in decode */
    uint32_t *end;      /* what the clock shows when it has given its last token; beyond it, or aborted: not later */
    uint32_t *phase;    /* what the clock's phase is when its last block is full */
    uint32_t *n_new;    /* its share of the planned step; not kept for the first n_bulk */
    uint32_t n_running, max_running;
    uint64_t n_free_blocks;
    uint64_t n_kept;                /* with finds_own: of those, blocks that still hold what preempted ones computed */
    uint32_t first_kept, last_kept; /* whose they are, by when they were preempted; TS_SEQUENCE_NONE */
    uint64_t n_promised;            /* with no_evict: blocks that whoever has entered will hold at the most */

    int block_shift; /* see ts_running_block_shift */

    uint32_t clock;       /* tokens given to each of the decoding front so far, modulo 2^32 */
    uint32_t clock_phase; /* the same, modulo block_tok */

    struct ts_running_front front;

    bool in_step;
    uint32_t n_bulk;   /* in the planned step, that many at the front get bulk_tok each */
    uint32_t bulk_tok; /* 1: they decode a token; 0: they pause while prompts are computed */
    struct ts_batch_load load;

    uint32_t *tags_a, *tags_b; /* lists handed out: [max_running] each */
    uint32_t *tags_c, *gave;   /* with drafts: who gave several tokens, and how many; [max_running] each */
    uint32_t *found;           /* [max_running] see ts_scheduler_plan */
    uint32_t *tags_d;          /* which sequences begin to pause; [max_running] */
    bool paused;               /* some in decode have paused since the last step or longer */

    struct ts_prefix_cache *cache; /* of TS_SCHEDULER_VLLM; NULL without */
    struct ts_slots *slots;        /* of TS_SCHEDULER_SLOTS */
    uint64_t n_submitted;
    uint32_t n_joining;              /* running ones with `joins` */
    uint32_t n_holding;              /* sequences in the state HELD */
    struct ts_scheduler_load *loads; /* [max_running] with levels: those of the last plan */
    uint32_t n_loading;
    uint64_t *keys; /* [keys_cap] with levels: of the blocks of a sequence */
    uint32_t keys_cap;
};

extern const struct ts_policy ts_policy_vllm, ts_policy_slots, ts_policy_static;

void ts_slots_destroy(struct ts_slots *slots); /* NULL is fine */
/* With kv_unified: entries of all slots before the planned step, or the next one. */
uint64_t ts_slots_kv_tok(const struct ts_scheduler *s);

/* Decoding sequences get unequal shares then, so that nobody is in the front. */
static inline bool ts_running_drafts(const struct ts_scheduler *s)
{
    return s->config.draft_tok > 0;
}

static inline uint32_t ts_min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Full blocks among that many tokens. Divisions take long enough to show. */
static inline uint64_t ts_running_full_blocks(const struct ts_scheduler *s, uint64_t n_tok)
{
    return s->block_shift >= 0 ? n_tok >> s->block_shift : n_tok / s->config.block_tok;
}

static inline struct ts_sequence *ts_running_seq(const struct ts_scheduler *s, uint32_t pos)
{
    return &s->seqs.items[s->id[pos]];
}

/* Tokens in the cache of the one at `pos`. */
static inline uint32_t ts_running_ctx(const struct ts_scheduler *s, uint32_t pos)
{
    return s->ctx_at_0[pos] + s->clock;
}

/* Tokens that it still has to give, >= 1 between steps unless it was aborted. */
static inline uint32_t ts_running_left(const struct ts_scheduler *s, uint32_t pos)
{
    const int32_t left = (int32_t)(s->end[pos] - s->clock);
    return left > 0 ? (uint32_t)left : 0;
}

/* Free places in its last block. */
static inline uint32_t ts_running_room(const struct ts_scheduler *s, uint32_t pos)
{
    const uint32_t phase = s->phase[pos];
    return phase - s->clock_phase + (phase < s->clock_phase ? s->config.block_tok : 0);
}

void ts_running_set(struct ts_scheduler *s, uint32_t pos, uint32_t ctx, uint32_t left, uint32_t room);

/* Places in the running list that a configuration comes to. */
uint32_t ts_running_max(const struct ts_scheduler_config *config);

/* block_tok is 2 to that power; -1: it is no power of 2. */
int ts_running_block_shift(const struct ts_scheduler_config *config);
/* Blocks of n_tok tokens; and those that `n_new` more take after `room` free places, beside what is reserved. */
uint64_t ts_running_blocks(const struct ts_scheduler_config *config, uint64_t n_tok);
uint64_t ts_running_growth(const struct ts_scheduler *s, uint32_t room, uint32_t n_new);

/* The share of the planned step of the one at `pos`. */
static inline uint32_t ts_running_share(const struct ts_scheduler *s, uint32_t pos)
{
    return pos < s->n_bulk ? s->bulk_tok : s->n_new[pos];
}

/* What it was promised is free for others. */
static inline void ts_running_unpromise(struct ts_scheduler *s, struct ts_sequence *seq)
{
    s->n_promised -= seq->n_promised;
    seq->n_promised = 0;
}

/* The blocks of a sequence that was preempted are free, but hold what they held until they are taken: those of the
 * first who was preempted go first. Its n_kept blocks are kept, are forgotten, and those that the free ones do not
 * cover are lost. */
void ts_kept_put(struct ts_scheduler *s, struct ts_sequence *seq, uint64_t n_blocks);
void ts_kept_forget(struct ts_scheduler *s, struct ts_sequence *seq);
void ts_kept_trim(struct ts_scheduler *s);

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
/* The front of the list in one go: n_bulk; nobody if the blocks do not suffice without preemption. */
void ts_running_load_front(struct ts_scheduler *s, uint32_t *budget);
/* The front of the list pauses in this step. */
void ts_running_pause_front(struct ts_scheduler *s);
/* Those in decode get no token in this step; lists the tags of those that did in the one before, returns how many. And,
 * if the planned step lets them go on: of all that paused and were not aborted. */
uint32_t ts_running_begin_pause(struct ts_scheduler *s, uint32_t *tags);
uint32_t ts_running_end_pause(struct ts_scheduler *s, uint32_t *tags);
/* Takes up everybody after the front who is in decode, until one is not. */
void ts_running_extend_front(struct ts_scheduler *s);
/* n tokens for each of the front: the clock moves on. True if any has reached its end by that (or was aborted). */
bool ts_running_advance_front(struct ts_scheduler *s, uint32_t n_tok);
/* The fewest tokens that one of the front has left; there is a front. */
uint32_t ts_running_least_left(struct ts_scheduler *s);

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
