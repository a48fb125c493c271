/* Hides how the running list is stored: a set of parallel arrays of 32-bit numbers, in list order, so that the common
 * step, in which everybody decodes one token, is a few vector loops; a sequence's blocks are implied: (ctx + room) /
 * block_tok. With a prefix cache its record lists them as well.
 *
 * Worked: blocks of 16, a prompt of 20 tokens takes 2 blocks and leaves room for 12; the 13th decode step behind it
 * takes a third. */
#include <string.h>

#include "base/check.h"
#include "sim/scheduler_parts.h"
#include "sim/steptime.h"

uint32_t ts_running_max(const struct ts_scheduler_config *config)
{
    return ts_min_u32(ts_min_u32(config->max_seqs, config->max_batched_tok), TS_SCHEDULER_MAX_SEQS);
}

/* ---- blocks ---- */

uint64_t ts_running_blocks(const struct ts_scheduler_config *config, uint64_t n_tok)
{
    return (n_tok + config->block_tok - 1) / config->block_tok;
}

static uint64_t blocks_beyond(const struct ts_scheduler *s, uint32_t room, uint32_t n_new)
{
    return n_new <= room ? 0 : ((uint64_t)n_new - room + s->config.block_tok - 1) / s->config.block_tok;
}

uint64_t ts_running_growth(const struct ts_scheduler *s, uint32_t room, uint32_t n_new)
{
    return s->policy->reserves ? 0 : blocks_beyond(s, room, n_new);
}

static uint64_t reserved_blocks(const struct ts_scheduler *s, const struct ts_sequence *seq)
{
    return s->policy->reserved_blocks(&s->config, (uint64_t)seq->prompt_tok + seq->output_tok - 1);
}

/* The blocks of the finished one at `pos` stay in use. */
static void hold_blocks(struct ts_scheduler *s, uint32_t pos)
{
    struct ts_sequence *seq = ts_running_seq(s, pos);
    seq->n_held = ((uint64_t)s->ctx[pos] + s->room[pos]) / s->config.block_tok;
    seq->state = TS_SEQUENCE_HELD;
    s->n_holding++;
}

/* The blocks of the one at `pos` are free again. */
static void release_blocks(struct ts_scheduler *s, uint32_t pos)
{
    struct ts_sequence *seq = ts_running_seq(s, pos);
    if (s->cache) {
        s->n_free_blocks += ts_prefix_cache_give(s->cache, seq->blocks, seq->n_blocks);
        seq->n_blocks = 0;
    } else if (s->policy->reserves) {
        s->n_free_blocks += reserved_blocks(s, seq);
    } else {
        s->n_free_blocks += ((uint64_t)s->ctx[pos] + s->room[pos]) / s->config.block_tok;
    }
}

void ts_running_take_blocks(struct ts_scheduler *s, uint32_t pos, uint32_t n_new)
{
    struct ts_sequence *seq = ts_running_seq(s, pos);
    for (uint64_t n = blocks_beyond(s, s->room[pos], n_new); n > 0; n--) {
        TS_CHECK(seq->n_blocks < seq->blocks_cap);
        seq->blocks[seq->n_blocks++] = ts_prefix_cache_take(s->cache);
    }
}

void ts_running_publish(struct ts_scheduler *s, uint32_t pos, uint32_t n_new)
{
    const struct ts_sequence *seq = ts_running_seq(s, pos);
    const uint32_t block_tok = s->config.block_tok;
    const uint32_t first = s->ctx[pos] / block_tok;
    const uint32_t end = (s->ctx[pos] + n_new) / block_tok;
    if (first == end) {
        return;
    }
    uint64_t key = first > 0 ? ts_prefix_cache_key(s->cache, seq->blocks[first - 1]) : TS_PREFIX_ROOT;
    for (uint32_t i = first; i < end; i++) {
        key = ts_prefix_key(key, &seq->prefix, seq->prompt_tok, seq->salt, i, block_tok);
        ts_prefix_cache_publish(s->cache, seq->blocks[i], key);
    }
}

/* ---- in and out ---- */

/* Moves the part [from, end) of the running list to `to`. */
static void move_running(struct ts_scheduler *s, uint32_t to, uint32_t from, uint32_t end)
{
    const size_t size = (size_t)(end - from) * sizeof *s->id;
    if (to != from && size > 0) {
        memmove(s->id + to, s->id + from, size);
        memmove(s->ctx + to, s->ctx + from, size);
        memmove(s->need + to, s->need + from, size);
        memmove(s->left + to, s->left + from, size);
        memmove(s->room + to, s->room + from, size);
    }
}

void ts_running_insert(struct ts_scheduler *s, uint32_t pos, uint32_t id, uint32_t n_found,
                       struct ts_scheduler_plan *plan)
{
    struct ts_sequence *seq = &s->seqs.items[id];
    move_running(s, pos + 1, pos, s->n_running);
    s->n_running++;
    ts_sequences_unlink(&s->seqs, id);
    seq->state = TS_SEQUENCE_RUNNING;
    s->id[pos] = id;
    s->ctx[pos] = n_found;
    s->room[pos] = 0;
    s->need[pos] = seq->prompt_tok + seq->n_given - n_found;
    s->left[pos] = seq->output_tok - seq->n_given;
    s->n_prefix = ts_min_u32(s->n_prefix, pos);
    if (s->config.prefix_cache && !seq->was_admitted) {
        plan->looked_up_tok += seq->prompt_tok;
        plan->found_tok += n_found;
    }
    seq->was_admitted = true;
    s->tags_a[plan->n_admitted++] = seq->tag;
}

void ts_running_remove(struct ts_scheduler *s, uint32_t pos)
{
    release_blocks(s, pos);
    const uint32_t n_behind = s->n_running - pos - 1;
    move_running(s, pos, pos + 1, s->n_running);
    memmove(s->n_new + pos, s->n_new + pos + 1, n_behind * sizeof *s->n_new);
    s->n_prefix -= pos < s->n_prefix;
    s->n_bulk -= pos < s->n_bulk;
    s->n_running--;
}

uint32_t ts_running_remove_finished(struct ts_scheduler *s, uint32_t *tags)
{
    const uint32_t n = s->n_running;
    const uint32_t old_prefix = s->n_prefix;
    uint32_t n_tags = 0;
    uint32_t kept = 0;  /* places filled */
    uint32_t begin = 0; /* of the part that is not moved yet */
    for (uint32_t pos = 0; pos < n; pos++) {
        if (s->left[pos] > 0) {
            continue;
        }
        s->n_prefix -= pos < old_prefix;
        if (s->policy->leave) {
            s->policy->leave(s, pos);
        }
        const struct ts_sequence *seq = ts_running_seq(s, pos);
        const bool finished = seq->state == TS_SEQUENCE_RUNNING;
        if (finished) {
            tags[n_tags++] = seq->tag;
        }
        if (finished && seq->holds) {
            hold_blocks(s, pos);
        } else {
            release_blocks(s, pos);
            ts_sequences_give(&s->seqs, s->id[pos]);
        }
        move_running(s, kept, begin, pos);
        kept += pos - begin;
        begin = pos + 1;
    }
    move_running(s, kept, begin, n);
    s->n_running = kept + n - begin;
    TS_CHECK(s->n_running > 0 || s->n_holding > 0 || s->n_free_blocks == s->config.kv_blocks);
    return n_tags;
}

/* ---- shares ---- */

void ts_running_load(struct ts_scheduler *s, uint32_t pos, uint32_t n_new)
{
    s->n_new[pos] = n_new;
    if (n_new == 0) {
        return;
    }
    s->load.n_seqs++;
    if (s->need[pos] == 0) {
        s->load.n_decode++;
        s->load.verify_tok += n_new - 1;
        s->load.kv_read_tok += (double)s->ctx[pos] + n_new;
    } else {
        s->load.prefill_tok += n_new;
        s->load.prefill_pairs += ts_steptime_pairs(s->ctx[pos], n_new);
    }
}

/* Exact: all are multiples of a half. */
void ts_running_unload(struct ts_scheduler *s, uint32_t pos)
{
    const uint32_t n_new = pos < s->n_bulk ? 1 : s->n_new[pos];
    s->load.n_seqs--;
    if (s->need[pos] == 0) {
        s->load.n_decode--;
        s->load.verify_tok -= n_new - 1;
        s->load.kv_read_tok -= (double)s->ctx[pos] + n_new;
    } else {
        s->load.prefill_tok -= n_new;
        s->load.prefill_pairs -= ts_steptime_pairs(s->ctx[pos], n_new);
    }
}

void ts_running_load_prefix(struct ts_scheduler *s, uint32_t *budget)
{
    const uint32_t n = s->n_prefix;
    const bool reserves = s->policy->reserves;
    uint32_t n_blocks = 0;
    uint64_t kv_tok = n;
    s->n_bulk = 0;
    for (uint32_t pos = 0; pos < n; pos++) {
        n_blocks += s->room[pos] == 0;
        kv_tok += s->ctx[pos];
    }
    TS_CHECK(n <= *budget);
    n_blocks = reserves ? 0 : n_blocks;
    if (n_blocks > s->n_free_blocks) {
        return;
    }
    for (uint32_t pos = 0; s->cache && pos < n; pos++) {
        ts_running_take_blocks(s, pos, 1);
    }
    s->n_bulk = n;
    s->n_free_blocks -= n_blocks;
    s->load.n_seqs = s->load.n_decode = n;
    s->load.kv_read_tok = (double)kv_tok;
    *budget -= n;
}
