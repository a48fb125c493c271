/* Hides the policy `vllm` (scheduler.h: its rules). Source: vLLM V1, vllm/v1/core/sched/scheduler.py, schedule(), and
 * kv_cache_manager.py, get_computed_blocks() and allocate_slots(): a sequence enters if the blocks that it does not
 * find, and the idle ones among those that it finds, are no more than the free ones. */
#include "base/check.h"
#include "sim/serving/scheduler_parts.h"

static bool vllm_can_hold(const struct ts_scheduler_config *config, uint64_t prompt_tok, uint64_t n_tok)
{
    (void)prompt_tok;
    return ts_running_blocks(config, n_tok) <= config->kv_blocks &&
           (config->chunked_prefill || n_tok <= config->max_batched_tok);
}

/* ---- running sequences ---- */

/* Who goes when blocks are short: the last of the lowest priority. */
static uint32_t victim_of(const struct ts_scheduler *s)
{
    uint32_t victim = s->n_running - 1;
    for (uint32_t pos = victim; s->config.by_priority && pos-- > 0;) {
        if (ts_running_seq(s, pos)->priority < ts_running_seq(s, victim)->priority) {
            victim = pos;
        }
    }
    return victim;
}

/* Preempts the one at `pos`; `planned`: its share of this step is given back. */
static void preempt(struct ts_scheduler *s, uint32_t pos, bool planned, uint32_t *budget,
                    struct ts_scheduler_plan *plan)
{
    struct ts_sequence *seq = ts_running_seq(s, pos);
    if (planned) {
        const uint32_t n_new = ts_running_share(s, pos);
        ts_running_unload(s, pos);
        s->n_free_blocks += s->cache ? 0 : ts_running_growth(s, ts_running_room(s, pos), n_new);
        *budget += n_new;
    }
    seq->n_given = seq->output_tok - ts_running_left(s, pos);
    seq->paused = false;
    const uint64_t n_full = ts_running_full_blocks(s, ts_running_ctx(s, pos));
    ts_sequences_push_front(&s->seqs, s->id[pos]);
    s->tags_b[plan->n_preempted++] = seq->tag;
    ts_running_remove(s, pos);
    if (s->config.finds_own) {
        ts_kept_put(s, seq, n_full);
    }
}

/* Makes n_blocks free for the one at *pos; false if it fell victim itself. *pos follows it. */
static bool make_room(struct ts_scheduler *s, uint32_t *pos, uint64_t n_blocks, uint32_t *budget,
                      struct ts_scheduler_plan *plan)
{
    while (n_blocks > s->n_free_blocks) {
        const uint32_t victim = victim_of(s);
        preempt(s, victim, victim < *pos, budget, plan);
        if (victim == *pos) {
            return false;
        }
        *pos -= victim < *pos;
    }
    return true;
}

static uint32_t share_of(const struct ts_scheduler *s, uint32_t pos, uint32_t budget)
{
    if (s->bulk_tok == 0) {
        return s->need[pos] > 0 ? ts_running_chunk(s, s->need[pos], budget) : 0;
    }
    const uint32_t most = ts_running_drafts(s) ? budget - (s->n_running - pos - 1) : budget;
    return s->need[pos] > 0 ? ts_running_chunk(s, s->need[pos], most)
                            : ts_min_u32(ts_min_u32(ts_running_left(s, pos), s->config.draft_tok + 1), most);
}

/* `prompts`: decoding pauses. */
static void plan_running(struct ts_scheduler *s, bool prompts, uint32_t *budget, struct ts_scheduler_plan *plan)
{
    if (prompts) {
        ts_running_pause_front(s);
    } else {
        ts_running_load_front(s, budget);
    }
    for (uint32_t pos = s->n_bulk; pos < s->n_running;) {
        const uint32_t n_new = share_of(s, pos, *budget);
        TS_CHECK((n_new > 0 || prompts) && n_new <= *budget);
        const uint64_t n_blocks = ts_running_growth(s, ts_running_room(s, pos), n_new);
        if (!make_room(s, &pos, n_blocks, budget, plan)) {
            continue;
        }
        if (s->cache) {
            ts_running_take_blocks(s, pos, n_new);
        }
        s->n_free_blocks -= n_blocks;
        *budget -= n_new;
        ts_running_load(s, pos, n_new);
        pos++;
    }
    ts_kept_trim(s);
    for (uint32_t pos = 0; s->cache && pos < s->n_running; pos++) {
        if (!ts_running_drafts(s) || s->need[pos] > 0) {
            ts_running_publish(s, pos, ts_running_share(s, pos));
        }
    }
}

/* ---- admission ---- */

struct entry {
    uint32_t chunk;   /* of its prompt, or 1: it joins */
    uint32_t n_found; /* blocks, listed in its record */
    uint32_t n_idle;  /* of those, not in use */
    uint32_t n_load;  /* blocks after them that are to be loaded before it enters */
    struct ts_kv_found load;
};

/* Does a level behind the cache have that block? */
static bool look_behind(const struct ts_scheduler *s, const struct ts_sequence *seq, uint64_t key, struct entry *entry)
{
    const struct ts_kv_levels *levels = s->config.levels;
    const uint32_t level = levels && !seq->was_loaded ? ts_kv_levels_find(levels, key) : 0;
    if (!levels || seq->was_loaded || level == levels->n) {
        return false;
    }
    entry->load.n_blocks[level]++;
    entry->n_load++;
    return true;
}

/* Lists the blocks that hold the sequence's first tokens already; the last token is not looked for. */
static void look_up(const struct ts_scheduler *s, const struct ts_sequence *seq, struct entry *entry)
{
    const uint32_t block_tok = s->config.block_tok;
    const uint32_t most = (seq->prompt_tok + seq->n_given - 1) / block_tok;
    uint64_t key = TS_PREFIX_ROOT;
    for (uint32_t i = 0; i < most; i++) {
        key = ts_prefix_key(key, &seq->prefix, seq->prompt_tok, seq->salt, i, block_tok);
        const uint32_t block = entry->n_load == 0 ? ts_prefix_cache_find(s->cache, key) : TS_PREFIX_CACHE_NONE;
        if (block != TS_PREFIX_CACHE_NONE) {
            seq->blocks[entry->n_found++] = block;
            entry->n_idle += ts_prefix_cache_is_idle(s->cache, block);
        } else if (!look_behind(s, seq, key, entry)) {
            return;
        }
    }
}

static uint64_t blocks_to_end(const struct ts_scheduler *s, const struct ts_sequence *seq)
{
    return ts_running_blocks(&s->config, (uint64_t)seq->prompt_tok + seq->output_tok - 1);
}

/* With no_evict: are there blocks for all that the sequence will ever hold, beside what others will? Those that it
 * finds count as needed: others may give them back. */
static bool has_room_to_end(const struct ts_scheduler *s, const struct ts_sequence *seq)
{
    const uint64_t n_blocks = blocks_to_end(s, seq);
    if (!s->cache) {
        return s->n_promised + n_blocks <= s->config.kv_blocks;
    }
    uint64_t n_ahead = 0;
    for (uint32_t pos = 0; n_blocks + n_ahead <= s->n_free_blocks && pos < s->n_running; pos++) {
        n_ahead += ts_running_seq(s, pos)->n_promised - ts_running_seq(s, pos)->n_blocks;
    }
    return n_blocks + n_ahead <= s->n_free_blocks;
}

static void promise(struct ts_scheduler *s, struct ts_sequence *seq)
{
    if (s->config.no_evict) {
        seq->n_promised = blocks_to_end(s, seq);
        s->n_promised += seq->n_promised;
    }
}

/* Could the head of the waiting queue enter, and how? */
static bool head_enters(struct entry *entry, const struct ts_scheduler *s, uint32_t budget)
{
    if (s->seqs.n_waiting == 0 || s->n_running >= s->max_running || budget == 0 || s->n_free_blocks == 0) {
        return false;
    }
    const struct ts_sequence *seq = &s->seqs.items[ts_sequences_head(&s->seqs)];
    if (s->config.no_evict && !has_room_to_end(s, seq)) {
        return false;
    }
    *entry = (struct entry){.chunk = 0};
    if (seq->n_computed > 0) {
        entry->chunk = ts_running_growth(s, 0, seq->n_computed + 1) <= s->n_free_blocks;
        return entry->chunk > 0;
    }
    if (s->cache) {
        look_up(s, seq, entry);
    } else {
        entry->n_found = ts_min_u32(seq->n_kept, (seq->prompt_tok + seq->n_given - 1) / s->config.block_tok);
        entry->n_idle = entry->n_found;
    }
    if (entry->n_load > 0) {
        return (uint64_t)entry->n_load + entry->n_idle <= s->n_free_blocks;
    }
    const uint32_t need = seq->prompt_tok + seq->n_given - entry->n_found * s->config.block_tok;
    entry->chunk = ts_running_chunk(s, need, budget);
    const uint64_t n_blocks =
        ts_running_growth(s, 0, s->config.whole_admission || s->config.prompts_first ? need : entry->chunk);
    return entry->chunk > 0 && entry->chunk <= budget && n_blocks + entry->n_idle <= s->n_free_blocks;
}

static void share_found(struct ts_scheduler *s, struct ts_sequence *seq, const struct entry *entry)
{
    for (uint32_t i = 0; i < entry->n_found; i++) {
        ts_prefix_cache_share(s->cache, seq->blocks[i]);
    }
    seq->n_blocks = entry->n_found;
    s->n_free_blocks -= entry->n_idle;
    for (uint32_t i = entry->n_found; s->config.levels && i-- > 0;) {
        ts_kv_levels_touch(s->config.levels, ts_prefix_cache_key(s->cache, seq->blocks[i]));
    }
}

/* The one at `pos` has just entered, with nothing to compute but what it decodes. */
static void join(struct ts_scheduler *s, uint32_t pos)
{
    struct ts_sequence *seq = ts_running_seq(s, pos);
    const uint32_t block_tok = s->config.block_tok;
    s->need[pos] = 0;
    s->n_free_blocks -= ts_running_growth(s, 0, seq->n_computed);
    ts_running_set(s, pos, seq->n_computed, ts_running_left(s, pos),
                   (block_tok - seq->n_computed % block_tok) % block_tok);
    seq->n_computed = 0;
    seq->joins = true;
    s->n_joining++;
}

/* The head steps aside, with places for the blocks that it waits for. */
static void begin_load(struct ts_scheduler *s, const struct entry *entry, struct ts_scheduler_plan *plan)
{
    const uint32_t id = ts_sequences_head(&s->seqs);
    struct ts_sequence *seq = &s->seqs.items[id];
    uint64_t key = TS_PREFIX_ROOT;
    ts_sequences_unlink(&s->seqs, id);
    seq->state = TS_SEQUENCE_LOADING;
    share_found(s, seq, entry);
    seq->n_cached = entry->n_found;
    for (uint32_t i = 0; i < entry->n_found + entry->n_load; i++) {
        key = ts_prefix_key(key, &seq->prefix, seq->prompt_tok, seq->salt, i, s->config.block_tok);
        s->keys[i] = key;
    }
    for (uint32_t i = entry->n_found + entry->n_load; i-- > 0;) {
        ts_kv_levels_use(s->config.levels, s->keys[i]);
    }
    while (seq->n_blocks < entry->n_found + entry->n_load) {
        seq->blocks[seq->n_blocks++] = ts_prefix_cache_take(s->cache);
    }
    s->n_free_blocks -= entry->n_load;
    s->n_loading++;
    s->loads[plan->n_loads++] =
        (struct ts_scheduler_load){.tag = seq->tag, .handle = id, .is_first = !seq->was_admitted, .found = entry->load};
}

/* May the head enter this step by what it is? Where prompts come first, one that joins enters with those in decode. */
static bool is_of_step(const struct ts_scheduler *s)
{
    return !s->config.prompts_first || s->seqs.n_waiting == 0 ||
           (s->seqs.items[ts_sequences_head(&s->seqs)].n_computed > 0) == (s->bulk_tok > 0);
}

static void admit(struct ts_scheduler *s, uint32_t budget, struct ts_scheduler_plan *plan)
{
    struct entry entry;
    while (is_of_step(s) && head_enters(&entry, s, budget)) {
        if (entry.n_load > 0 && plan->n_loads == s->max_running) {
            return;
        }
        if (entry.n_load > 0) {
            begin_load(s, &entry, plan);
            continue;
        }
        const uint32_t pos = s->n_running;
        const uint32_t id = ts_sequences_head(&s->seqs);
        const uint32_t n_computed = s->seqs.items[id].n_computed;
        promise(s, &s->seqs.items[id]);
        ts_running_insert(s, pos, id, n_computed > 0 ? n_computed : entry.n_found * s->config.block_tok, plan);
        if (n_computed > 0) {
            join(s, pos);
        }
        if (s->cache) {
            share_found(s, &s->seqs.items[id], &entry);
            ts_running_take_blocks(s, pos, entry.chunk);
            ts_running_publish(s, pos, entry.chunk);
        } else {
            ts_kept_forget(s, &s->seqs.items[id]);
            s->n_free_blocks -= entry.n_idle;
        }
        s->n_free_blocks -= ts_running_growth(s, ts_running_room(s, pos), entry.chunk);
        budget -= entry.chunk;
        ts_running_load(s, pos, entry.chunk);
        ts_kept_trim(s);
    }
}

/* A step of prompts alone; false: there are none that can be computed. */
static bool plan_prompts(struct ts_scheduler *s, uint32_t budget, struct ts_scheduler_plan *plan)
{
    if (s->seqs.n_waiting == 0 && s->front.n == s->n_running) {
        return false;
    }
    plan_running(s, true, &budget, plan);
    if (plan->n_preempted == 0 && s->seqs.n_waiting > 0) {
        admit(s, budget, plan);
    }
    if (s->load.n_seqs > 0) {
        plan->n_paused = ts_running_begin_pause(s, s->tags_d);
    }
    return s->load.n_seqs > 0;
}

static void vllm_plan(struct ts_scheduler *s, uint32_t budget, struct ts_scheduler_plan *plan)
{
    if (s->config.prompts_first && plan_prompts(s, budget, plan)) {
        return;
    }
    plan_running(s, false, &budget, plan);
    if (plan->n_preempted == 0 && s->seqs.n_waiting > 0) {
        admit(s, budget, plan);
    }
}

/* In the course of a run nobody who could not enter becomes able to: free blocks only get fewer, and a found block that
 * is needed elsewhere was counted as one of them. */
static bool vllm_would_admit(const struct ts_scheduler *s, uint32_t budget)
{
    struct entry entry;
    return head_enters(&entry, s, s->config.prompts_first ? s->config.max_batched_tok : budget);
}

static enum ts_status vllm_init(struct ts_scheduler *s)
{
    return s->config.prefix_cache ? ts_prefix_cache_create(&s->cache, s->config.kv_blocks) : TS_OK;
}

const struct ts_policy ts_policy_vllm = {
    .has_prefix_cache = true,
    .init = vllm_init,
    .can_hold = vllm_can_hold,
    .plan = vllm_plan,
    .would_admit = vllm_would_admit,
};
