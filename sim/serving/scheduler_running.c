/* Hides how the running list is stored: a set of parallel arrays of 32-bit numbers, in list order. The common step, in
 * which everybody decodes one token, changes none of them: it moves a clock, against which they are kept. What the
 * front of the list comes to (tokens, blocks due, the first end) is kept up when somebody joins or leaves it. A
 * sequence's blocks are implied: (ctx + room) / block_tok. With a prefix cache its record lists them as well.
 *
 * Worked: blocks of 16, a prompt of 20 tokens takes 2 blocks and leaves room for 12; the 13th decode step after it
 * takes a third. */
#include <string.h>

#include "base/check.h"
#include "sim/serving/scheduler_parts.h"
#include "sim/serving/steptime.h"

uint32_t ts_running_max(const struct ts_scheduler_config *config)
{
    return ts_min_u32(ts_min_u32(config->max_seqs, config->max_batched_tok), TS_SCHEDULER_MAX_SEQS);
}

/* With drafts there may be room for more than a block, and the clock stands at 0. */
void ts_running_set(struct ts_scheduler *s, uint32_t pos, uint32_t ctx, uint32_t left, uint32_t room)
{
    const uint32_t block_tok = s->config.block_tok;
    const uint32_t phase = s->clock_phase + room;
    s->ctx_at_0[pos] = ctx - s->clock;
    s->end[pos] = s->clock + left;
    s->phase[pos] = phase < block_tok || ts_running_drafts(s) ? phase : phase - block_tok;
}

/* ---- blocks ---- */

int ts_running_block_shift(const struct ts_scheduler_config *config)
{
    int shift = 0;
    while (config->block_tok >> shift > 1) {
        shift++;
    }
    return config->block_tok == 1U << shift ? shift : -1;
}

uint64_t ts_running_blocks(const struct ts_scheduler_config *config, uint64_t n_tok)
{
    return (n_tok + config->block_tok - 1) / config->block_tok;
}

static uint64_t blocks_beyond(const struct ts_scheduler *s, uint32_t room, uint32_t n_new)
{
    return n_new <= room ? 0 : ts_running_full_blocks(s, (uint64_t)n_new - room + s->config.block_tok - 1);
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
    seq->n_held = ts_running_full_blocks(s, (uint64_t)ts_running_ctx(s, pos) + ts_running_room(s, pos));
    seq->state = TS_SEQUENCE_HELD;
    s->n_holding++;
}

/* The blocks of the one at `pos` are free again. */
static void release_blocks(struct ts_scheduler *s, uint32_t pos)
{
    struct ts_sequence *seq = ts_running_seq(s, pos);
    ts_running_unpromise(s, seq);
    if (s->cache) {
        s->n_free_blocks += ts_prefix_cache_give(s->cache, seq->blocks, seq->n_blocks);
        seq->n_blocks = 0;
    } else if (s->policy->reserves) {
        s->n_free_blocks += reserved_blocks(s, seq);
    } else {
        s->n_free_blocks += ts_running_full_blocks(s, (uint64_t)ts_running_ctx(s, pos) + ts_running_room(s, pos));
    }
}

void ts_kept_put(struct ts_scheduler *s, struct ts_sequence *seq, uint64_t n_blocks)
{
    const uint32_t id = (uint32_t)(seq - s->seqs.items);
    if (n_blocks == 0) {
        return;
    }
    seq->n_kept = (uint32_t)n_blocks;
    seq->next_kept = TS_SEQUENCE_NONE;
    if (s->n_kept == 0) {
        s->first_kept = id;
    } else {
        s->seqs.items[s->last_kept].next_kept = id;
    }
    s->last_kept = id;
    s->n_kept += n_blocks;
}

void ts_kept_forget(struct ts_scheduler *s, struct ts_sequence *seq)
{
    const uint32_t id = (uint32_t)(seq - s->seqs.items);
    if (seq->n_kept == 0) {
        return;
    }
    uint32_t before = TS_SEQUENCE_NONE;
    for (uint32_t i = s->first_kept; i != id; i = s->seqs.items[i].next_kept) {
        before = i;
    }
    if (before == TS_SEQUENCE_NONE) {
        s->first_kept = seq->next_kept;
    } else {
        s->seqs.items[before].next_kept = seq->next_kept;
    }
    s->last_kept = s->last_kept == id ? before : s->last_kept;
    s->n_kept -= seq->n_kept;
    seq->n_kept = 0;
}

void ts_kept_trim(struct ts_scheduler *s)
{
    while (s->n_kept > s->n_free_blocks) {
        struct ts_sequence *seq = &s->seqs.items[s->first_kept];
        const uint64_t n_lost = s->n_kept - s->n_free_blocks;
        if (n_lost >= seq->n_kept) {
            ts_kept_forget(s, seq);
        } else {
            seq->n_kept -= (uint32_t)n_lost;
            s->n_kept -= n_lost;
        }
    }
}

void ts_running_take_blocks(struct ts_scheduler *s, uint32_t pos, uint32_t n_new)
{
    struct ts_sequence *seq = ts_running_seq(s, pos);
    for (uint64_t n = blocks_beyond(s, ts_running_room(s, pos), n_new); n > 0; n--) {
        TS_CHECK(seq->n_blocks < seq->blocks_cap);
        seq->blocks[seq->n_blocks++] = ts_prefix_cache_take(s->cache);
    }
}

void ts_running_publish(struct ts_scheduler *s, uint32_t pos, uint32_t n_new)
{
    const struct ts_sequence *seq = ts_running_seq(s, pos);
    const uint32_t block_tok = s->config.block_tok;
    const uint32_t first = (uint32_t)ts_running_full_blocks(s, ts_running_ctx(s, pos));
    const uint32_t end = (uint32_t)ts_running_full_blocks(s, (uint64_t)ts_running_ctx(s, pos) + n_new);
    if (first == end) {
        return;
    }
    uint64_t key = first > 0 ? ts_prefix_cache_key(s->cache, seq->blocks[first - 1]) : TS_PREFIX_ROOT;
    for (uint32_t i = first; i < end; i++) {
        key = ts_prefix_key(key, &seq->prefix, seq->prompt_tok, seq->salt, i, block_tok);
        ts_prefix_cache_publish(s->cache, seq->blocks[i], key);
        if (s->config.levels) {
            ts_kv_levels_keep(s->config.levels, key, (uint64_t)(i + 1) * block_tok <= seq->prompt_tok);
        }
    }
}

/* ---- the front ---- */

static void join_front(struct ts_scheduler *s, uint32_t pos)
{
    struct ts_running_front *front = &s->front;
    const uint32_t phase = s->phase[pos];
    const uint32_t takes = s->policy->reserves ? 0 : 1;
    const bool is_first = front->n == 0 || (int32_t)(s->end[pos] - front->first_end) < 0;
    front->first_end_stale = front->first_end_stale && front->n > 0;
    front->first_end = is_first ? s->end[pos] : front->first_end;
    front->n++;
    front->ctx_tok += ts_running_ctx(s, pos);
    front->n_full[phase] += takes;
    front->n_full[phase + s->config.block_tok] += takes;
}

static void leave_front(struct ts_scheduler *s, uint32_t pos)
{
    struct ts_running_front *front = &s->front;
    const uint32_t phase = s->phase[pos];
    const uint32_t takes = s->policy->reserves ? 0 : 1;
    front->first_end_stale |= s->end[pos] == front->first_end;
    front->n--;
    front->ctx_tok -= ts_running_ctx(s, pos);
    front->n_full[phase] -= takes;
    front->n_full[phase + s->config.block_tok] -= takes;
}

void ts_running_extend_front(struct ts_scheduler *s)
{
    while (!ts_running_drafts(s) && s->front.n < s->n_running && s->need[s->front.n] == 0) {
        join_front(s, s->front.n);
    }
}

static void shrink_front(struct ts_scheduler *s, uint32_t n)
{
    while (s->front.n > n) {
        leave_front(s, s->front.n - 1);
    }
}

/* Nothing happens to the one at `pos` while the clock moves on by that much. */
static void stand_still(struct ts_scheduler *s, uint32_t pos, uint32_t n_tok, uint32_t n_phases)
{
    const uint32_t block_tok = s->config.block_tok;
    const uint32_t phase = s->phase[pos] + n_phases;
    s->ctx_at_0[pos] -= n_tok;
    s->end[pos] += n_tok;
    s->phase[pos] = phase < block_tok ? phase : phase - block_tok;
}

bool ts_running_advance_front(struct ts_scheduler *s, uint32_t n_tok)
{
    struct ts_running_front *front = &s->front;
    if (front->n == 0) {
        return false;
    }
    const uint32_t block_tok = s->config.block_tok;
    const uint32_t n_phases = n_tok - (uint32_t)ts_running_full_blocks(s, n_tok) * block_tok;
    const uint32_t clock_phase = s->clock_phase + n_phases;
    const bool any_done = ts_running_least_left(s) <= n_tok;
    for (uint32_t pos = front->n; pos < s->n_running; pos++) {
        stand_still(s, pos, n_tok, n_phases);
    }
    s->clock += n_tok;
    s->clock_phase = clock_phase < block_tok ? clock_phase : clock_phase - block_tok;
    front->ctx_tok += (uint64_t)front->n * n_tok;
    return any_done;
}

uint32_t ts_running_least_left(struct ts_scheduler *s)
{
    struct ts_running_front *front = &s->front;
    int32_t least = (int32_t)(front->first_end - s->clock);
    if (front->first_end_stale) {
        least = INT32_MAX;
        for (uint32_t pos = 0; pos < front->n; pos++) {
            const int32_t left = (int32_t)(s->end[pos] - s->clock);
            least = left < least ? left : least;
        }
        front->first_end = s->clock + (uint32_t)least;
        front->first_end_stale = false;
    }
    return least > 0 ? (uint32_t)least : 0;
}

/* ---- in and out ---- */

/* Moves the part [from, end) of the running list to `to`. */
static void move_running(struct ts_scheduler *s, uint32_t to, uint32_t from, uint32_t end)
{
    const size_t size = (size_t)(end - from) * sizeof *s->id;
    if (to != from && size > 0) {
        memmove(s->id + to, s->id + from, size);
        memmove(s->ctx_at_0 + to, s->ctx_at_0 + from, size);
        memmove(s->need + to, s->need + from, size);
        memmove(s->end + to, s->end + from, size);
        memmove(s->phase + to, s->phase + from, size);
    }
}

void ts_running_insert(struct ts_scheduler *s, uint32_t pos, uint32_t id, uint32_t n_found,
                       struct ts_scheduler_plan *plan)
{
    struct ts_sequence *seq = &s->seqs.items[id];
    shrink_front(s, pos);
    move_running(s, pos + 1, pos, s->n_running);
    s->n_running++;
    ts_sequences_unlink(&s->seqs, id);
    seq->state = TS_SEQUENCE_RUNNING;
    s->id[pos] = id;
    s->need[pos] = seq->prompt_tok + seq->n_given - n_found;
    ts_running_set(s, pos, n_found, seq->output_tok - seq->n_given, 0);
    if (s->config.prefix_cache && !seq->was_admitted) {
        plan->looked_up_tok += seq->prompt_tok;
        plan->found_tok += n_found;
    }
    seq->was_admitted = true;
    s->found[plan->n_admitted] = n_found;
    s->tags_a[plan->n_admitted++] = seq->tag;
}

void ts_running_remove(struct ts_scheduler *s, uint32_t pos)
{
    release_blocks(s, pos);
    if (pos < s->front.n) {
        leave_front(s, pos);
    }
    const uint32_t n_behind = s->n_running - pos - 1;
    move_running(s, pos, pos + 1, s->n_running);
    memmove(s->n_new + pos, s->n_new + pos + 1, n_behind * sizeof *s->n_new);
    s->n_bulk -= pos < s->n_bulk;
    s->n_running--;
}

uint32_t ts_running_remove_finished(struct ts_scheduler *s, uint32_t *tags)
{
    const uint32_t n = s->n_running;
    const uint32_t n_front = s->front.n;
    uint32_t n_tags = 0;
    uint32_t kept = 0;  /* places filled */
    uint32_t begin = 0; /* of the part that is not moved yet */
    for (uint32_t pos = 0; pos < n; pos++) {
        if (ts_running_left(s, pos) > 0) {
            continue;
        }
        if (pos < n_front) {
            leave_front(s, pos);
        }
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
    TS_CHECK(s->n_running > 0 || s->n_holding > 0 || s->n_loading > 0 || s->n_free_blocks == s->config.kv_blocks);
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
        s->load.kv_read_tok += (double)ts_running_ctx(s, pos) + n_new;
    } else {
        s->load.prefill_tok += n_new;
        s->load.prefill_pairs += ts_steptime_pairs(ts_running_ctx(s, pos), n_new);
    }
}

/* Exact: all are multiples of a half. */
void ts_running_unload(struct ts_scheduler *s, uint32_t pos)
{
    const uint32_t n_new = ts_running_share(s, pos);
    if (n_new == 0) {
        return;
    }
    s->load.n_seqs--;
    if (s->need[pos] == 0) {
        s->load.n_decode--;
        s->load.verify_tok -= n_new - 1;
        s->load.kv_read_tok -= (double)ts_running_ctx(s, pos) + n_new;
    } else {
        s->load.prefill_tok -= n_new;
        s->load.prefill_pairs -= ts_steptime_pairs(ts_running_ctx(s, pos), n_new);
    }
}

void ts_running_pause_front(struct ts_scheduler *s)
{
    s->n_bulk = s->front.n;
    s->bulk_tok = 0;
}

void ts_running_load_front(struct ts_scheduler *s, uint32_t *budget)
{
    const uint32_t n = s->front.n;
    const uint32_t n_blocks = s->front.n_full[s->clock_phase];
    s->n_bulk = 0;
    s->bulk_tok = 1;
    TS_CHECK(n <= *budget);
    if (n_blocks > s->n_free_blocks) {
        shrink_front(s, 0);
        return;
    }
    for (uint32_t pos = 0; s->cache && pos < n; pos++) {
        ts_running_take_blocks(s, pos, 1);
    }
    s->n_bulk = n;
    s->n_free_blocks -= n_blocks;
    s->load.n_seqs = s->load.n_decode = n;
    s->load.kv_read_tok = (double)(s->front.ctx_tok + n);
    *budget -= n;
}

/* ---- pauses while prompts are computed ---- */

uint32_t ts_running_begin_pause(struct ts_scheduler *s, uint32_t *tags)
{
    uint32_t n = 0;
    for (uint32_t pos = 0; pos < s->n_running; pos++) {
        struct ts_sequence *seq = ts_running_seq(s, pos);
        if (s->need[pos] == 0 && !seq->paused) {
            seq->paused = s->paused = true;
            tags[n++] = seq->tag;
        }
    }
    return n;
}

uint32_t ts_running_end_pause(struct ts_scheduler *s, uint32_t *tags)
{
    uint32_t n = 0;
    if (!s->paused || s->load.n_decode == 0) {
        return 0;
    }
    for (uint32_t pos = 0; pos < s->n_running; pos++) {
        struct ts_sequence *seq = ts_running_seq(s, pos);
        if (seq->paused && ts_running_left(s, pos) > 0) {
            tags[n++] = seq->tag;
        }
        seq->paused = false;
    }
    s->paused = false;
    return n;
}
