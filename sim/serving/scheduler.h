/* The batching scheduler: a pure policy. Sequences are submitted, ts_scheduler_plan says what the next step computes,
 * ts_scheduler_commit says that it was computed. It knows nothing of time, so a simulated server and a live engine
 * drive the same object. How it decides is a row of a table: `vllm`, `slots` or `static`.
 *
 * Common to all: a sequence has n_tok tokens so far (prompt and those generated), n_computed of them in the KV cache; a
 * step gives it n_new of the difference: a chunk of the prompt, or the one token that was generated last. The step that
 * computes the last missing token gives a token: the first one at the end of the prompt, then one a step. The token
 * given last is never computed: a sequence needs room for prompt + output - 1 tokens.
 *
 * `vllm`: continuous batching as vLLM V1 does it (vllm/v1/core/sched/scheduler.py), in the order of a step:
 *  1. Running sequences come first, in list order: n_new = min(difference, long_prefill_tok, the rest of the budget).
 *  2. Blocks short: a victim is preempted, again and again, until it fits or the victim is the sequence itself. The
 *     victim is the tail of the running list; with by_priority, the last of the lowest priority.
 *  3. A preempted sequence loses all its blocks, keeps its tokens, and goes to the front of the waiting queue (of its
 *     priority); its cache is recomputed later.
 *     With a prefix cache it may find its blocks again, if nobody took them; with finds_own too, which keeps account of
 *     that alone, for sequences that share nothing.
 *  4. Waiting sequences are admitted in order, but only in a step that preempted nothing; admission stops at max_seqs,
 *     at the end of the budget, or at a head that finds no blocks (head of line): none for its first chunk, or with
 *     whole_admission for all its tokens. Without chunked prefill a prompt must fit the rest of the budget whole.
 *  5. With a prefix cache, a sequence enters with the full blocks that are known already (sim/serving/prefix_cache.h):
 * their tokens are not computed again, but at least one token is. Full blocks become known in the step that computes
 * them, to sequences that enter in the same step too, and stay known when they are given back, until they are needed.
 * Blocks that only the levels behind the cache have (sim/serving/kv_levels.h) are loaded first, while others are
 * served; the sequence enters when they are there.
 * With prompts_first, a step computes prompts or decodes, never both, as SGLang does it (srt/managers/scheduler.py,
 * get_next_batch_to_run) and engines without chunked prefill before it: as long as a prompt is under way or the head of
 * the queue can enter, decoding pauses. A prompt enters only if all its tokens find blocks: it could not
 * free anybody's blocks while they pause. (SGLang also keeps back a share of what replies may still need.) A
 * sequence that joins enters with those in decode.
 * With no_evict, a sequence enters only if there are blocks for its prompt and its whole reply beside what those that
 * have entered may still take, so that nobody is preempted: TensorRT-LLM's GUARANTEED_NO_EVICT.
 * With by_priority, vLLM would leave out the rest of the list for a step when a sequence falls victim to itself; here
 * the others go on.
 *
 * `slots`: llama.cpp's server. max_seqs slots share the cache evenly; a sequence takes the free slot that was used
 * longest ago and holds its share to the end; nobody is preempted. In a step every sequence in decode gets its token,
 * then prompts fill the budget (n_batch) in the order of the slots; one for which nothing is left sits out. With a
 * prefix cache a slot keeps what it held last, and a sequence takes the slot in which most of it stands already, if
 * that is more than a tenth of it. With kv_unified the slots' entries lie in one buffer, and attention runs over all of
 * it, masking what is not the sequence's own: every token of a step reads the entries of all slots, what idle ones held
 * last among them. (Holes in the buffer are left out.)
 *
 * `static`: batches that nobody joins. When nothing runs, waiting sequences form a batch as long as their prompts fit
 * the budget together, and the blocks hold them to their ends; the prompts are computed in one step; who is finished
 * leaves, and the next batch begins when all have. It does not wait for a batch to fill up: it knows no time.
 *
 * Nobody stalls under `vllm` where prompts do not come first: a sequence is admitted in a step that served everybody
 * ahead in full, and the shares of those ahead never grow, so every running sequence gets at least one token in every
 * step (checked), and n_running <= max_batched_tok. */
#ifndef TS_SIM_SERVING_SCHEDULER_H
#define TS_SIM_SERVING_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "sim/model.h"
#include "sim/serving/kv_levels.h"
#include "sim/serving/sequence.h"

enum {
    TS_SCHEDULER_MAX_SEQS = 1 << 16,
    TS_SCHEDULER_MAX_WAITING = 1 << 20,
    TS_SCHEDULER_MAX_BLOCK_TOK = 1 << 16,
    TS_SCHEDULER_MAX_DRAFT_TOK = 64
};

/* With drafts (speculative decoding; `vllm` only): a sequence in decode takes draft_tok + 1 tokens of the step, or what
 * it has left to give, and blocks for them. The step checks them: each draft is right with that probability as long as
 * those before it were, the first wrong one is replaced, so 1..draft_tok + 1 tokens are given; the places of the others
 * are used again. A share may grow then, so one token of the budget is kept for everybody after. No runs. */
struct ts_scheduler_config {
    uint32_t max_batched_tok; /* token budget of a step, >= 1 */
    uint32_t max_seqs;        /* running at once, >= 1 */
    bool chunked_prefill;
    uint32_t long_prefill_tok; /* at most that many prompt tokens of one sequence in a step; 0 = no such limit */
    uint32_t block_tok;        /* tokens in a KV block, >= 1 */
    uint64_t kv_blocks;        /* >= 1 */
    enum ts_scheduler_policy policy;
    bool whole_admission;
    bool prompts_first; /* TS_SCHEDULER_VLLM only */
    bool no_evict;      /* TS_SCHEDULER_VLLM only */
    bool finds_own;     /* TS_SCHEDULER_VLLM without prefix_cache only (with it, it does) */
    bool by_priority;
    bool prefix_cache;                 /* not with TS_SCHEDULER_STATIC; at most TS_PREFIX_CACHE_MAX_BLOCKS then */
    bool kv_unified;                   /* TS_SCHEDULER_SLOTS only */
    uint32_t draft_tok;                /* 0: none; at most TS_SCHEDULER_MAX_DRAFT_TOK, TS_SCHEDULER_VLLM only */
    double acceptance_frac;            /* 0..1 */
    const struct ts_kv_levels *levels; /* behind the prefix cache, TS_SCHEDULER_VLLM only; borrowed; NULL: none */
    bool counts_kv_max;                /* kv_max_tok in loads and runs; else 0 there */
};

/* What a sequence may bring along. */
struct ts_scheduler_extras {
    uint32_t priority;       /* 0..TS_SEQUENCE_MAX_PRIORITY: with by_priority the higher goes first */
    struct ts_prefix prefix; /* of the prompt, for the prefix cache. Its ids are borrowed until the sequence has
                                finished or was aborted */
    uint64_t luck;           /* which of its drafts are right: a number of its own, the same after a preemption */
    /* Of TS_SCHEDULER_VLLM, for two schedulers that divide the work: */
    bool holds; /* its blocks stay in use when it has finished, until ts_scheduler_release */
    bool joins; /* its prompt's KV entries and its first token come from elsewhere: it enters in decode, with blocks for
                   them and one more token, and counts as started in the step of its second token. output_tok >= 2; not
                   with a prefix cache. Preempted, it recomputes everything here */
};

/* A sequence's share of a step. */
struct ts_scheduler_item {
    uint32_t tag;      /* what the owner submitted it with */
    uint32_t past_tok; /* in the cache before the step */
    uint32_t n_new;    /* 0, with TS_SCHEDULER_SLOTS or prompts_first only: sits out this step */
    bool decodes; /* after the prompt is through: one token, and drafts; otherwise a chunk of the prompt (or of what is
                     recomputed) */
};

/* A waiting sequence whose blocks are loaded from the levels behind the cache: it holds places for them, and waits
 * aside until ts_scheduler_loaded. Once it was, it computes what is missing. */
struct ts_scheduler_load {
    uint32_t tag, handle;
    bool is_first; /* it was never admitted before */
    struct ts_kv_found found;
};

struct ts_scheduler_plan {
    struct ts_batch_load load;
    const uint32_t *admitted; /* tags, in order of admission; a preempted sequence is admitted again */
    const uint32_t *found;    /* [n_admitted] with a prefix cache: tokens of each that were there already */
    uint32_t n_admitted;
    const struct ts_scheduler_load *loads; /* [n_loads] that begin; there may be some where there is no step */
    uint32_t n_loads;
    const uint32_t *preempted; /* tags, in order of preemption */
    uint32_t n_preempted;
    const uint32_t *paused; /* with prompts_first: tags in decode that get no token in this step, and were not paused
                              before */
    uint32_t n_paused;
    uint64_t blocks_used;              /* in the step */
    uint64_t looked_up_tok, found_tok; /* with a prefix cache: prompt tokens of those admitted for the first time, and
                                          those of them that were there already */
};

struct ts_scheduler_step {
    const uint32_t *started; /* tags that computed the last missing token and leave the prompt: their token is the
                                first, or the first after a preemption or after a pause, or the first here of
                                those that joined */
    uint32_t n_started;
    const uint32_t *finished; /* tags that gave their last token; they are gone now */
    uint32_t n_finished;
    const uint32_t *several; /* with drafts: tags that gave more than one token, and how many */
    const uint32_t *several_tok;
    uint32_t n_several;
};

/* A run of steps over the same sequences, all in decode, in which nothing can be admitted, preempted or finished before
 * the last. */
struct ts_scheduler_run {
    uint32_t n_seqs;
    uint32_t max_steps;         /* >= 1; the last of them finishes a sequence, or the blocks may not last longer */
    uint64_t kv_read_tok;       /* in the first step */
    uint64_t kv_growth_tok;     /* what each further one reads more: n_seqs, with kv_unified n_seqs^2 */
    uint32_t kv_max_tok;        /* of the sequence with most, in the first step; each further one reads 1 more */
    const uint32_t *new_blocks; /* [block_tok]: step j takes new_blocks[j % block_tok] more blocks */
    uint64_t blocks_used;       /* before the first step */
};

struct ts_scheduler; /* opaque */

/* TS_ERANGE if a setting is outside of what is stated above. */
enum ts_status ts_scheduler_create(struct ts_scheduler **out, const struct ts_scheduler_config *config);
void ts_scheduler_destroy(struct ts_scheduler *sched);

/* Could a sequence like that ever run to its end, alone? */
bool ts_scheduler_can_hold(const struct ts_scheduler_config *config, uint64_t prompt_tok, uint64_t output_tok);

/* Puts a sequence at the end of the waiting queue. prompt_tok and output_tok >= 1 and ts_scheduler_can_hold. *handle
 * stays valid until the sequence has finished or was aborted. TS_ERANGE when TS_SCHEDULER_MAX_WAITING are waiting,
 * TS_ENOMEM. */
enum ts_status ts_scheduler_submit(struct ts_scheduler *sched, uint32_t *handle, uint32_t tag, uint32_t prompt_tok,
                                   uint32_t output_tok);
/* The same with a priority and the content of the prompt. */
enum ts_status ts_scheduler_submit_with(struct ts_scheduler *sched, uint32_t *handle, uint32_t tag, uint32_t prompt_tok,
                                        uint32_t output_tok, const struct ts_scheduler_extras *extras);
/* Takes a sequence out, wherever it is; its tag is not reported again. A running one keeps its blocks until the commit
 * of the step under way. Not for running sequences between ts_scheduler_steady and ts_scheduler_advance. */
void ts_scheduler_abort(struct ts_scheduler *sched, uint32_t handle);

/* The blocks of a load are there: the sequence is the first of its priority that waits. Nothing if there is no load of
 * that tag. */
void ts_scheduler_loaded(struct ts_scheduler *sched, uint32_t handle, uint32_t tag);

/* Gives back the blocks of a finished sequence that holds them; the handle is not valid any more. */
void ts_scheduler_release(struct ts_scheduler *sched, uint32_t handle);

/* Decides the next step; false: nothing to do. Pointers in *plan are valid until the next call. Every plan is followed
 * by a commit. */
bool ts_scheduler_plan(struct ts_scheduler *sched, struct ts_scheduler_plan *plan);
/* The planned step is done. */
void ts_scheduler_commit(struct ts_scheduler *sched, struct ts_scheduler_step *step);
/* The planned step in detail: item i of ts_scheduler_running(), in list order. */
struct ts_scheduler_item ts_scheduler_item(const struct ts_scheduler *sched, uint32_t i);

/* True if the next steps are such a run: the same as that many calls of plan and commit, in one. Follow it with
 * ts_scheduler_advance by 1..max_steps steps; until then submissions and aborts of waiting sequences are fine, but may
 * end the run: ask ts_scheduler_run_goes_on after them. */
bool ts_scheduler_steady(struct ts_scheduler *sched, struct ts_scheduler_run *run);
void ts_scheduler_advance(struct ts_scheduler *sched, uint32_t n_steps, struct ts_scheduler_step *step);
/* With a run under way: would its second and later steps still admit nobody? */
bool ts_scheduler_run_goes_on(const struct ts_scheduler *sched);

uint32_t ts_scheduler_running(const struct ts_scheduler *sched);
uint32_t ts_scheduler_waiting(const struct ts_scheduler *sched);
uint64_t ts_scheduler_blocks_used(const struct ts_scheduler *sched);
/* The tags of all that run or wait, in no order that means anything; returns how many, at most those that
 * ts_scheduler_running and ts_scheduler_waiting count together. */
uint32_t ts_scheduler_tags(const struct ts_scheduler *sched, uint32_t *tags);

#endif
