/* Hides the life of a scheduler and what all policies have in common: submission, the end of a step, and runs of equal
 * steps. How a step is shared out is the policy's (policy_*.c), the running list is in scheduler_running.c. */
#include "sim/serving/scheduler.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/rng.h"
#include "sim/serving/scheduler_parts.h"

static const struct ts_policy *const policies[TS_N_SCHEDULER_POLICIES] = {
    [TS_SCHEDULER_VLLM] = &ts_policy_vllm,
    [TS_SCHEDULER_SLOTS] = &ts_policy_slots,
    [TS_SCHEDULER_STATIC] = &ts_policy_static,
};

/* ---- life ---- */

static bool config_is_valid(const struct ts_scheduler_config *c)
{
    return c->max_batched_tok >= 1 && c->max_seqs >= 1 && c->block_tok >= 1 &&
           c->block_tok <= TS_SCHEDULER_MAX_BLOCK_TOK && c->kv_blocks >= 1 &&
           c->kv_blocks <= UINT64_MAX / c->block_tok && c->policy < TS_N_SCHEDULER_POLICIES &&
           c->draft_tok <= (c->policy == TS_SCHEDULER_VLLM ? TS_SCHEDULER_MAX_DRAFT_TOK : 0) &&
           c->acceptance_frac >= 0.0 && c->acceptance_frac <= 1.0 &&
           (!c->kv_unified || c->policy == TS_SCHEDULER_SLOTS) &&
           ((!c->prompts_first && !c->no_evict && !c->finds_own) || c->policy == TS_SCHEDULER_VLLM) &&
           !(c->finds_own && c->prefix_cache) && (!c->levels || (c->prefix_cache && c->policy == TS_SCHEDULER_VLLM)) &&
           (!c->prefix_cache || (policies[c->policy]->has_prefix_cache && c->kv_blocks <= TS_PREFIX_CACHE_MAX_BLOCKS));
}

static enum ts_status allocate(struct ts_scheduler *s)
{
    const uint32_t max_running = s->max_running;
    uint32_t *arrays = calloc((size_t)max_running * 12 + 2 * (size_t)s->config.block_tok, sizeof *arrays);
    if (!arrays) {
        return TS_ENOMEM;
    }
    s->id = arrays;
    s->ctx_at_0 = s->id + max_running;
    s->need = s->ctx_at_0 + max_running;
    s->end = s->need + max_running;
    s->phase = s->end + max_running;
    s->n_new = s->phase + max_running;
    s->tags_a = s->n_new + max_running;
    s->tags_b = s->tags_a + max_running;
    s->tags_c = s->tags_b + max_running;
    s->gave = s->tags_c + max_running;
    s->found = s->gave + max_running;
    s->tags_d = s->found + max_running;
    s->front.n_full = s->tags_d + max_running;
    s->loads = s->config.levels ? calloc(max_running, sizeof *s->loads) : NULL;
    if (s->config.levels && !s->loads) {
        return TS_ENOMEM;
    }
    return s->policy->init ? s->policy->init(s) : TS_OK;
}

enum ts_status ts_scheduler_create(struct ts_scheduler **out, const struct ts_scheduler_config *config)
{
    if (!config_is_valid(config)) {
        return TS_ERANGE;
    }
    struct ts_scheduler *s = malloc(sizeof *s);
    if (!s) {
        return TS_ENOMEM;
    }
    *s = (struct ts_scheduler){.config = *config,
                               .policy = policies[config->policy],
                               .max_running = ts_running_max(config),
                               .n_free_blocks = config->kv_blocks};
    s->block_shift = ts_running_block_shift(config);
    ts_sequences_init(&s->seqs);
    const enum ts_status status = allocate(s);
    if (status != TS_OK) {
        ts_scheduler_destroy(s);
        return status;
    }
    *out = s;
    return TS_OK;
}

void ts_scheduler_destroy(struct ts_scheduler *s)
{
    if (s) {
        ts_sequences_deinit(&s->seqs);
        ts_prefix_cache_destroy(s->cache);
        ts_slots_destroy(s->slots);
        free(s->loads);
        free(s->keys);
        free(s->id);
        free(s);
    }
}

bool ts_scheduler_can_hold(const struct ts_scheduler_config *config, uint64_t prompt_tok, uint64_t output_tok)
{
    const uint64_t n_tok = prompt_tok + output_tok - 1;
    return n_tok <= INT32_MAX && policies[config->policy]->can_hold(config, prompt_tok, n_tok);
}

uint32_t ts_scheduler_running(const struct ts_scheduler *s)
{
    return s->n_running;
}

uint32_t ts_scheduler_waiting(const struct ts_scheduler *s)
{
    return s->seqs.n_waiting + s->n_loading;
}

uint64_t ts_scheduler_blocks_used(const struct ts_scheduler *s)
{
    return s->config.kv_blocks - s->n_free_blocks;
}

uint32_t ts_scheduler_tags(const struct ts_scheduler *s, uint32_t *tags)
{
    uint32_t n = 0;
    for (uint32_t pos = 0; pos < s->n_running; pos++) {
        const struct ts_sequence *seq = ts_running_seq(s, pos);
        if (seq->state == TS_SEQUENCE_RUNNING) {
            tags[n++] = seq->tag;
        }
    }
    for (int level = 0; level <= TS_SEQUENCE_MAX_PRIORITY; level++) {
        for (uint32_t i = s->seqs.first_waiting[level]; i != TS_SEQUENCE_NONE; i = s->seqs.items[i].next) {
            tags[n++] = s->seqs.items[i].tag;
        }
    }
    for (uint32_t i = 0; s->n_loading > 0 && i < s->seqs.cap; i++) {
        if (s->seqs.items[i].state == TS_SEQUENCE_LOADING) {
            tags[n++] = s->seqs.items[i].tag;
        }
    }
    return n;
}

/* ---- submission ---- */

static enum ts_status reserve_keys(struct ts_scheduler *s, uint32_t n)
{
    uint64_t *keys = n > s->keys_cap ? realloc(s->keys, n * sizeof *keys) : s->keys;
    if (!keys) {
        return TS_ENOMEM;
    }
    s->keys = keys;
    s->keys_cap = n > s->keys_cap ? n : s->keys_cap;
    return TS_OK;
}

enum ts_status ts_scheduler_submit_with(struct ts_scheduler *s, uint32_t *handle, uint32_t tag, uint32_t prompt_tok,
                                        uint32_t output_tok, const struct ts_scheduler_extras *extras)
{
    TS_CHECK(prompt_tok >= 1 && output_tok >= 1 && ts_scheduler_can_hold(&s->config, prompt_tok, output_tok));
    TS_CHECK(extras->priority <= TS_SEQUENCE_MAX_PRIORITY);
    if (s->seqs.n_waiting >= TS_SCHEDULER_MAX_WAITING) {
        return TS_ERANGE;
    }
    uint32_t id = TS_SEQUENCE_NONE;
    enum ts_status status = ts_sequences_take(&s->seqs, &id);
    if (status != TS_OK) {
        return status;
    }
    struct ts_sequence *seq = &s->seqs.items[id];
    seq->tag = tag;
    seq->prompt_tok = prompt_tok;
    seq->output_tok = output_tok;
    seq->luck = extras->luck;
    seq->priority = s->config.by_priority ? (uint8_t)extras->priority : 0;
    TS_CHECK(!extras->joins || (output_tok >= 2 && !s->config.prefix_cache && s->config.policy == TS_SCHEDULER_VLLM));
    TS_CHECK(!extras->holds || s->config.policy == TS_SCHEDULER_VLLM);
    seq->holds = extras->holds;
    seq->n_computed = extras->joins ? prompt_tok : 0;
    seq->n_given = extras->joins ? 1 : 0;
    if (s->config.prefix_cache) {
        seq->salt = ++s->n_submitted;
        seq->prefix = extras->prefix;
    }
    if (s->cache) {
        const uint64_t n_blocks = ts_running_blocks(&s->config, (uint64_t)prompt_tok + output_tok - 1);
        status = ts_sequences_reserve(&s->seqs, id, (uint32_t)n_blocks);
        if (status == TS_OK && s->config.levels) {
            status = reserve_keys(s, (uint32_t)n_blocks);
        }
    }
    if (status != TS_OK) {
        ts_sequences_give(&s->seqs, id);
        return status;
    }
    ts_sequences_push_back(&s->seqs, id);
    *handle = id;
    return TS_OK;
}

enum ts_status ts_scheduler_submit(struct ts_scheduler *s, uint32_t *handle, uint32_t tag, uint32_t prompt_tok,
                                   uint32_t output_tok)
{
    return ts_scheduler_submit_with(s, handle, tag, prompt_tok, output_tok, &(struct ts_scheduler_extras){0});
}

/* It holds its places no more. */
static void end_load(struct ts_scheduler *s, struct ts_sequence *seq)
{
    s->n_free_blocks += ts_prefix_cache_give(s->cache, seq->blocks, seq->n_blocks);
    seq->n_blocks = 0;
    s->n_loading--;
}

void ts_scheduler_loaded(struct ts_scheduler *s, uint32_t handle, uint32_t tag)
{
    struct ts_sequence *seq = handle < s->seqs.cap ? &s->seqs.items[handle] : NULL;
    if (!seq || seq->state != TS_SEQUENCE_LOADING || seq->tag != tag) {
        return;
    }
    uint64_t key = seq->n_cached > 0 ? ts_prefix_cache_key(s->cache, seq->blocks[seq->n_cached - 1]) : TS_PREFIX_ROOT;
    for (uint32_t i = seq->n_cached; i < seq->n_blocks; i++) {
        key = ts_prefix_key(key, &seq->prefix, seq->prompt_tok, seq->salt, i, s->config.block_tok);
        ts_prefix_cache_publish(s->cache, seq->blocks[i], key);
    }
    end_load(s, seq);
    seq->was_loaded = true;
    ts_sequences_push_front(&s->seqs, handle);
}

void ts_scheduler_abort(struct ts_scheduler *s, uint32_t handle)
{
    TS_CHECK(handle < s->seqs.cap);
    struct ts_sequence *seq = &s->seqs.items[handle];
    if (seq->state == TS_SEQUENCE_WAITING) {
        ts_kept_forget(s, seq);
        ts_sequences_unlink(&s->seqs, handle);
        ts_sequences_give(&s->seqs, handle);
        return;
    }
    if (seq->state == TS_SEQUENCE_LOADING) {
        end_load(s, seq);
        ts_sequences_give(&s->seqs, handle);
        return;
    }
    TS_CHECK(seq->state == TS_SEQUENCE_RUNNING);
    uint32_t pos = 0;
    while (s->id[pos] != handle) {
        pos++;
        TS_CHECK(pos < s->n_running);
    }
    seq->state = TS_SEQUENCE_ABORTED;
    s->end[pos] = s->clock;
    s->front.first_end_stale |= pos < s->front.n;
    if (!s->in_step) {
        (void)ts_running_remove_finished(s, s->tags_a);
        ts_running_extend_front(s);
    }
}

void ts_scheduler_release(struct ts_scheduler *s, uint32_t handle)
{
    TS_CHECK(handle < s->seqs.cap && s->seqs.items[handle].state == TS_SEQUENCE_HELD);
    struct ts_sequence *seq = &s->seqs.items[handle];
    s->n_free_blocks += s->cache ? ts_prefix_cache_give(s->cache, seq->blocks, seq->n_blocks) : seq->n_held;
    seq->n_blocks = 0;
    ts_running_unpromise(s, seq);
    s->n_holding--;
    ts_sequences_give(&s->seqs, handle);
}

/* ---- planning ---- */

/* Entries that the sequence in decode with most of them reads; the first n_single compute one token each. */
static uint32_t kv_max(const struct ts_scheduler *s, uint32_t n_single)
{
    uint32_t most = 0;
    for (uint32_t pos = 0; s->config.counts_kv_max && pos < s->n_running; pos++) {
        const uint32_t n_new = pos < n_single ? 1 : ts_running_share(s, pos);
        if (s->need[pos] == 0 && n_new > 0 && ts_running_ctx(s, pos) + n_new > most) {
            most = ts_running_ctx(s, pos) + n_new;
        }
    }
    return most;
}

bool ts_scheduler_plan(struct ts_scheduler *s, struct ts_scheduler_plan *plan)
{
    TS_CHECK(!s->in_step);
    *plan = (struct ts_scheduler_plan){.admitted = s->tags_a, .found = s->found, .loads = s->loads};
    plan->preempted = s->tags_b;
    plan->paused = s->tags_d;
    s->load = (struct ts_batch_load){0};
    s->policy->plan(s, s->config.max_batched_tok, plan);
    s->load.kv_max_tok = kv_max(s, 0);
    plan->load = s->load;
    plan->blocks_used = ts_scheduler_blocks_used(s);
    s->in_step = s->load.n_seqs > 0;
    TS_CHECK(s->in_step || s->n_running == 0);
    return s->in_step;
}

struct ts_scheduler_item ts_scheduler_item(const struct ts_scheduler *s, uint32_t i)
{
    TS_CHECK(s->in_step && i < s->n_running);
    return (struct ts_scheduler_item){
        .tag = s->seqs.items[s->id[i]].tag,
        .past_tok = ts_running_ctx(s, i),
        .n_new = ts_running_share(s, i),
        .decodes = s->need[i] == 0,
    };
}

/* ---- after the step ---- */

/* How many of n_new checked tokens are right, the one that is given in any case counted: P(more than i) = a^i. */
static uint32_t draw_right(const struct ts_scheduler *s, uint32_t pos, uint32_t n_new)
{
    const struct ts_sequence *seq = ts_running_seq(s, pos);
    const double luck = (double)(ts_mix64(seq->luck ^ ts_mix64(ts_running_left(s, pos))) >> 11) * 0x1p-53;
    double reach = s->config.acceptance_frac;
    uint32_t n = 1;
    while (n < n_new && luck < reach) {
        reach *= s->config.acceptance_frac;
        n++;
    }
    return n;
}

/* With drafts: the blocks stay, the places of wrong drafts are free again. True if that one is finished by the step (or
 * was aborted). */
static bool commit_drafts(struct ts_scheduler *s, uint32_t pos, struct ts_scheduler_step *step)
{
    const uint32_t left = ts_running_left(s, pos);
    const uint32_t room = ts_running_room(s, pos);
    const uint64_t n_blocks = ts_running_growth(s, room, s->n_new[pos]);
    const uint32_t n_right = draw_right(s, pos, s->n_new[pos]);
    const uint32_t n_given = ts_min_u32(n_right, left);
    if (s->cache) {
        ts_running_publish(s, pos, n_right);
    }
    if (left > 0 && n_right > 1) {
        s->tags_c[step->n_several] = s->seqs.items[s->id[pos]].tag;
        s->gave[step->n_several++] = n_right;
    }
    ts_running_set(s, pos, ts_running_ctx(s, pos) + n_right, left - n_given,
                   room + (uint32_t)(n_blocks * s->config.block_tok) - n_right);
    return left == n_given;
}

/* The first step of one that joined. */
static void start_joined(struct ts_scheduler *s, uint32_t pos, struct ts_scheduler_step *step)
{
    struct ts_sequence *seq = ts_running_seq(s, pos);
    if (seq->joins) {
        seq->joins = false;
        s->n_joining--;
        s->tags_a[step->n_started] = seq->tag;
        step->n_started += ts_running_left(s, pos) > 0;
    }
}

/* The tokens that it gives by the step: 1 if its share computes the last missing token. */
static uint32_t end_share(struct ts_scheduler *s, uint32_t pos, struct ts_scheduler_step *step)
{
    const uint32_t n_new = s->n_new[pos];
    if (s->need[pos] > n_new) {
        s->need[pos] -= n_new;
        return 0;
    }
    if (s->need[pos] > 0) {
        s->need[pos] = 0;
        s->tags_a[step->n_started++] = s->seqs.items[s->id[pos]].tag;
    }
    return 1;
}

/* The same for a share without drafts. */
static bool commit_item(struct ts_scheduler *s, uint32_t pos, struct ts_scheduler_step *step)
{
    if (s->n_new[pos] == 0) {
        return ts_running_left(s, pos) == 0;
    }
    const uint32_t ctx = ts_running_ctx(s, pos) + s->n_new[pos];
    const uint32_t block_tok = s->config.block_tok;
    const uint32_t n_open = ctx - (uint32_t)ts_running_full_blocks(s, ctx) * block_tok;
    uint32_t left = ts_running_left(s, pos);
    left -= left > 0 ? end_share(s, pos, step) : 0;
    ts_running_set(s, pos, ctx, left, n_open > 0 ? block_tok - n_open : 0);
    return left == 0;
}

void ts_scheduler_commit(struct ts_scheduler *s, struct ts_scheduler_step *step)
{
    TS_CHECK(s->in_step);
    s->in_step = false;
    *step = (struct ts_scheduler_step){
        .started = s->tags_a, .finished = s->tags_b, .several = s->tags_c, .several_tok = s->gave};
    step->n_started = ts_running_end_pause(s, s->tags_a);
    bool any_done = ts_running_advance_front(s, s->bulk_tok);
    for (uint32_t pos = s->n_bulk; pos < s->n_running; pos++) {
        if (s->n_joining > 0) {
            start_joined(s, pos, step);
        }
        const bool drafts = ts_running_drafts(s) && s->need[pos] == 0 && s->n_new[pos] > 0;
        any_done |= drafts ? commit_drafts(s, pos, step) : commit_item(s, pos, step);
    }
    if (any_done) {
        step->n_finished = ts_running_remove_finished(s, s->tags_b);
    }
    ts_running_extend_front(s);
}

/* ---- runs of equal steps ---- */

/* The blocks that each of the next block_tok steps takes. */
static const uint32_t *new_blocks(const struct ts_scheduler *s)
{
    return s->front.n_full + s->clock_phase;
}

/* How many steps the free blocks last, at most `most`. */
static uint32_t steps_by_blocks(const struct ts_scheduler *s, uint32_t most)
{
    const uint32_t block_tok = s->config.block_tok;
    if (s->policy->reserves || s->n_running * (ts_running_full_blocks(s, most) + 1) <= s->n_free_blocks) {
        return most;
    }
    const uint64_t n_cycles = s->n_free_blocks / s->n_running;
    uint64_t n_free = s->n_free_blocks - n_cycles * s->n_running;
    uint32_t n_steps = (uint32_t)(n_cycles * block_tok);
    while (n_steps < most && new_blocks(s)[n_steps % block_tok] <= n_free) {
        n_free -= new_blocks(s)[n_steps % block_tok];
        n_steps++;
    }
    return ts_min_u32(n_steps, most);
}

bool ts_scheduler_steady(struct ts_scheduler *s, struct ts_scheduler_run *run)
{
    TS_CHECK(!s->in_step);
    const uint32_t n = s->n_running;
    if (n == 0 || s->front.n < n || s->paused || !ts_scheduler_run_goes_on(s)) {
        return false;
    }
    const bool unified = s->config.kv_unified;
    *run = (struct ts_scheduler_run){
        .n_seqs = n,
        .max_steps = steps_by_blocks(s, ts_running_least_left(s)),
        .kv_read_tok = unified ? n * (ts_slots_kv_tok(s) + n) : s->front.ctx_tok + n,
        .kv_growth_tok = unified ? (uint64_t)n * n : n,
        .kv_max_tok = kv_max(s, n),
        .new_blocks = new_blocks(s),
        .blocks_used = ts_scheduler_blocks_used(s),
    };
    return run->max_steps > 0;
}

bool ts_scheduler_run_goes_on(const struct ts_scheduler *s)
{
    return s->seqs.n_waiting == 0 || !s->policy->would_admit(s, s->config.max_batched_tok - s->n_running);
}

/* With a prefix cache: the blocks of n_steps tokens for everybody. In which order they are taken does not show: the
 * same ones are, and what they will hold is known to nobody else. */
static void take_run_blocks(struct ts_scheduler *s, uint32_t n_steps)
{
    for (uint32_t pos = 0; pos < s->n_running; pos++) {
        ts_running_take_blocks(s, pos, n_steps);
        ts_running_publish(s, pos, n_steps);
    }
}

static uint64_t blocks_of_run(const struct ts_scheduler *s, uint32_t n_steps)
{
    const uint64_t n_cycles = ts_running_full_blocks(s, n_steps);
    const uint32_t n_rest = n_steps - (uint32_t)n_cycles * s->config.block_tok;
    uint64_t n_blocks = s->policy->reserves ? 0 : n_cycles * s->n_running;
    for (uint32_t j = 0; j < n_rest; j++) {
        n_blocks += new_blocks(s)[j];
    }
    return n_blocks;
}

void ts_scheduler_advance(struct ts_scheduler *s, uint32_t n_steps, struct ts_scheduler_step *step)
{
    TS_CHECK(!s->in_step && n_steps >= 1 && s->front.n == s->n_running);
    const uint64_t n_blocks = blocks_of_run(s, n_steps);
    TS_CHECK(n_blocks <= s->n_free_blocks);
    s->n_free_blocks -= n_blocks;
    ts_kept_trim(s);
    if (s->cache) {
        take_run_blocks(s, n_steps);
    }
    *step = (struct ts_scheduler_step){.started = s->tags_a, .finished = s->tags_b};
    if (ts_running_advance_front(s, n_steps)) {
        step->n_finished = ts_running_remove_finished(s, s->tags_b);
    }
}
