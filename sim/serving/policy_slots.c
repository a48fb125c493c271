/* Hides the policy `slots` (scheduler.h: its rules). Source: llama.cpp, tools/server/server.cpp, update_slots(): tokens
 * of the slots that generate go into the batch first, then prompts, slot by slot, up to n_batch; and
 * get_available_slot(): the free slot with the longest common prefix if that is more than slot_prompt_similarity (0.1)
 * of the prompt, or else the one used longest ago. What is common is found by whole blocks here, by tokens there. */
#include <stdlib.h>
#include <string.h>

#include "sim/serving/scheduler_parts.h"

enum { SIMILARITY_DIVISOR = 10 };

struct slot {
    bool busy;
    uint64_t left_at;  /* 0: never used */
    uint32_t n_keys;   /* blocks of what it held last */
    uint32_t kept_tok; /* of what it held last; 0 while busy */
};

struct ts_slots {
    struct slot *slots; /* [n] */
    uint64_t *keys;     /* [n][share_blocks] with a prefix cache */
    uint32_t n;
    uint64_t n_left;
    uint64_t kept_tok; /* in all idle slots */
};

static uint64_t share_blocks(const struct ts_scheduler_config *config)
{
    return config->kv_blocks / ts_running_max(config);
}

static uint64_t slots_reserved_blocks(const struct ts_scheduler_config *config, uint64_t n_tok)
{
    (void)n_tok;
    return share_blocks(config);
}

static bool slots_can_hold(const struct ts_scheduler_config *config, uint64_t prompt_tok, uint64_t n_tok)
{
    (void)prompt_tok;
    return ts_running_blocks(config, n_tok) <= share_blocks(config);
}

static enum ts_status slots_init(struct ts_scheduler *s)
{
    const uint32_t n = s->max_running;
    s->slots = calloc(1, sizeof *s->slots);
    struct slot *slots = calloc(n, sizeof *slots);
    const bool keeps = s->config.prefix_cache && share_blocks(&s->config) > 0;
    uint64_t *keys = keeps ? calloc((size_t)n * share_blocks(&s->config), sizeof *keys) : NULL;
    if (!s->slots || !slots || (keeps && !keys)) {
        free(slots);
        free(keys);
        return TS_ENOMEM;
    }
    *s->slots = (struct ts_slots){.slots = slots, .keys = keys, .n = n};
    return TS_OK;
}

void ts_slots_destroy(struct ts_slots *slots)
{
    if (slots) {
        free(slots->slots);
        free(slots->keys);
        free(slots);
    }
}

/* ---- who goes where ---- */

static uint64_t *keys_of(const struct ts_scheduler *s, uint32_t slot)
{
    return s->slots->keys + slot * share_blocks(&s->config);
}

/* Blocks at the front of the prompt that the slot holds already; the last token is not looked for. */
static uint32_t common_blocks(const struct ts_scheduler *s, const struct ts_sequence *seq, uint32_t slot)
{
    const uint64_t *keys = keys_of(s, slot);
    const uint32_t most = ts_min_u32((seq->prompt_tok - 1) / s->config.block_tok, s->slots->slots[slot].n_keys);
    uint64_t key = TS_PREFIX_ROOT;
    for (uint32_t i = 0; i < most; i++) {
        key = ts_prefix_key(key, &seq->prefix, seq->prompt_tok, seq->salt, i, s->config.block_tok);
        if (key != keys[i]) {
            return i;
        }
    }
    return most;
}

/* The slot for the next sequence; there is a free one. */
static uint32_t choose_slot(const struct ts_scheduler *s, const struct ts_sequence *seq, uint32_t *n_found)
{
    const struct slot *slots = s->slots->slots;
    uint32_t oldest = UINT32_MAX;
    uint32_t best = 0;
    uint32_t most = 0;
    for (uint32_t i = 0; i < s->slots->n; i++) {
        if (slots[i].busy) {
            continue;
        }
        oldest = oldest == UINT32_MAX || slots[i].left_at < slots[oldest].left_at ? i : oldest;
        const uint32_t n = s->slots->keys ? common_blocks(s, seq, i) : 0;
        best = n > most ? i : best;
        most = n > most ? n : most;
    }
    const uint64_t most_tok = (uint64_t)most * s->config.block_tok;
    if (most_tok * SIMILARITY_DIVISOR > seq->prompt_tok) {
        *n_found = (uint32_t)most_tok;
        return best;
    }
    *n_found = s->slots->keys ? common_blocks(s, seq, oldest) * s->config.block_tok : 0;
    return oldest;
}

static void enter_slot(struct ts_scheduler *s, uint32_t id, struct ts_scheduler_plan *plan)
{
    struct ts_sequence *seq = &s->seqs.items[id];
    uint32_t n_found = 0;
    uint32_t pos = s->n_running;
    seq->slot = choose_slot(s, seq, &n_found);
    struct slot *slot = &s->slots->slots[seq->slot];
    slot->busy = true;
    s->slots->kept_tok -= slot->kept_tok;
    slot->kept_tok = 0;
    while (pos > 0 && ts_running_seq(s, pos - 1)->slot > seq->slot) {
        pos--;
    }
    ts_running_insert(s, pos, id, n_found, plan);
    s->n_free_blocks -= share_blocks(&s->config);
}

static void slots_leave(struct ts_scheduler *s, uint32_t pos)
{
    const struct ts_sequence *seq = ts_running_seq(s, pos);
    struct slot *slot = &s->slots->slots[seq->slot];
    slot->busy = false;
    slot->left_at = ++s->slots->n_left;
    slot->n_keys = 0;
    slot->kept_tok = ts_running_ctx(s, pos);
    s->slots->kept_tok += slot->kept_tok;
    if (!s->slots->keys || seq->state != TS_SEQUENCE_RUNNING) {
        return;
    }
    uint64_t *keys = keys_of(s, seq->slot);
    uint64_t key = TS_PREFIX_ROOT;
    slot->n_keys = ts_running_ctx(s, pos) / s->config.block_tok;
    for (uint32_t i = 0; i < slot->n_keys; i++) {
        key = ts_prefix_key(key, &seq->prefix, seq->prompt_tok, seq->salt, i, s->config.block_tok);
        keys[i] = key;
    }
}

/* ---- the step ---- */

uint64_t ts_slots_kv_tok(const struct ts_scheduler *s)
{
    uint64_t n = s->slots->kept_tok + s->front.ctx_tok;
    for (uint32_t pos = s->front.n; pos < s->n_running; pos++) {
        n += ts_running_ctx(s, pos);
    }
    return n;
}

/* In decode a token reads what is in the buffer after the step; those of prompts see it grow by themselves. */
static void read_all(struct ts_scheduler *s)
{
    const double kv_tok = (double)(ts_slots_kv_tok(s) + s->load.n_decode);
    const double prefill_tok = s->load.prefill_tok;
    s->load.kv_read_tok = s->load.n_decode * (kv_tok + prefill_tok);
    s->load.prefill_pairs = prefill_tok * (kv_tok + (prefill_tok + 1.0) / 2.0);
}

static bool slots_would_admit(const struct ts_scheduler *s, uint32_t budget)
{
    (void)budget;
    return s->seqs.n_waiting > 0 && s->n_running < s->max_running;
}

static void slots_plan(struct ts_scheduler *s, uint32_t budget, struct ts_scheduler_plan *plan)
{
    while (slots_would_admit(s, budget)) {
        enter_slot(s, ts_sequences_head(&s->seqs), plan);
    }
    ts_running_load_front(s, &budget);
    for (uint32_t pos = s->n_bulk; pos < s->n_running; pos++) {
        if (s->need[pos] == 0) {
            ts_running_load(s, pos, 1);
            budget--;
        }
    }
    for (uint32_t pos = s->n_bulk; pos < s->n_running; pos++) {
        if (s->need[pos] > 0) {
            const uint32_t n_new = ts_min_u32(s->need[pos], budget);
            ts_running_load(s, pos, n_new);
            budget -= n_new;
        }
    }
    if (s->config.kv_unified) {
        read_all(s);
    }
}

const struct ts_policy ts_policy_slots = {
    .reserves = true,
    .has_prefix_cache = true,
    .init = slots_init,
    .can_hold = slots_can_hold,
    .reserved_blocks = slots_reserved_blocks,
    .plan = slots_plan,
    .would_admit = slots_would_admit,
    .leave = slots_leave,
};
