/* Hides how the scheduler stores its sequences. The running list is a set of parallel arrays of 32-bit numbers, in list
 * order, so that the common step, in which everybody decodes one token, is a few vector loops; a sequence's blocks are
 * implied: (ctx + room) / block_tok. Rules and their source: scheduler.h.
 *
 * Worked: blocks of 16, a prompt of 20 tokens takes 2 blocks and leaves room for 12; the 13th decode step behind it
 * takes a third. */
#include "sim/scheduler.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim/sequence.h"
#include "sim/steptime.h"

struct ts_scheduler {
    struct ts_scheduler_config config;

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
    uint32_t *new_blocks;      /* [block_tok] of a run */
};

/* ---- life ---- */

static bool config_is_valid(const struct ts_scheduler_config *c)
{
    return c->max_batched_tok >= 1 && c->max_seqs >= 1 && c->block_tok >= 1 &&
           c->block_tok <= TS_SCHEDULER_MAX_BLOCK_TOK && c->kv_blocks >= 1 && c->kv_blocks <= UINT64_MAX / c->block_tok;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

enum ts_status ts_scheduler_create(struct ts_scheduler **out, const struct ts_scheduler_config *config)
{
    if (!config_is_valid(config)) {
        return TS_ERANGE;
    }
    const uint32_t max_running = min_u32(min_u32(config->max_seqs, config->max_batched_tok), TS_SCHEDULER_MAX_SEQS);
    struct ts_scheduler *s = calloc(1, sizeof *s);
    uint32_t *arrays = calloc((size_t)max_running * 8 + config->block_tok, sizeof *arrays);
    if (!s || !arrays) {
        free(s);
        free(arrays);
        return TS_ENOMEM;
    }
    s->config = *config;
    s->id = arrays;
    s->ctx = s->id + max_running;
    s->need = s->ctx + max_running;
    s->left = s->need + max_running;
    s->room = s->left + max_running;
    s->n_new = s->room + max_running;
    s->tags_a = s->n_new + max_running;
    s->tags_b = s->tags_a + max_running;
    s->new_blocks = s->tags_b + max_running;
    s->max_running = max_running;
    s->n_free_blocks = config->kv_blocks;
    ts_sequences_init(&s->seqs);
    *out = s;
    return TS_OK;
}

void ts_scheduler_destroy(struct ts_scheduler *s)
{
    if (s) {
        ts_sequences_deinit(&s->seqs);
        free(s->id);
        free(s);
    }
}

bool ts_scheduler_can_hold(const struct ts_scheduler_config *config, uint64_t prompt_tok, uint64_t output_tok)
{
    const uint64_t n_tok = prompt_tok + output_tok - 1;
    const uint64_t n_blocks = (n_tok + config->block_tok - 1) / config->block_tok;
    return n_blocks <= config->kv_blocks && n_tok <= UINT32_MAX &&
           (config->chunked_prefill || n_tok <= config->max_batched_tok);
}

uint32_t ts_scheduler_running(const struct ts_scheduler *s)
{
    return s->n_running;
}

uint32_t ts_scheduler_waiting(const struct ts_scheduler *s)
{
    return s->seqs.n_waiting;
}

uint64_t ts_scheduler_blocks_used(const struct ts_scheduler *s)
{
    return s->config.kv_blocks - s->n_free_blocks;
}

/* ---- submission ---- */

enum ts_status ts_scheduler_submit(struct ts_scheduler *s, uint32_t *handle, uint32_t tag, uint32_t prompt_tok,
                                   uint32_t output_tok)
{
    TS_CHECK(prompt_tok >= 1 && output_tok >= 1 && ts_scheduler_can_hold(&s->config, prompt_tok, output_tok));
    if (s->seqs.n_waiting >= TS_SCHEDULER_MAX_WAITING) {
        return TS_ERANGE;
    }
    const enum ts_status status = ts_sequences_take(&s->seqs, handle);
    if (status != TS_OK) {
        return status;
    }
    struct ts_sequence *seq = &s->seqs.items[*handle];
    seq->tag = tag;
    seq->prompt_tok = prompt_tok;
    seq->output_tok = output_tok;
    ts_sequences_push_back(&s->seqs, *handle);
    return TS_OK;
}

/* ---- blocks and the running list ---- */

static uint64_t blocks_held(const struct ts_scheduler *s, uint32_t pos)
{
    return ((uint64_t)s->ctx[pos] + s->room[pos]) / s->config.block_tok;
}

/* Further blocks for n_new tokens behind `room` free places. */
static uint64_t blocks_for(const struct ts_scheduler *s, uint32_t room, uint32_t n_new)
{
    return n_new <= room ? 0 : ((uint64_t)n_new - room + s->config.block_tok - 1) / s->config.block_tok;
}

/* Moves the part [from, end) of the running list down to `to`. */
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

static void extend_prefix(struct ts_scheduler *s)
{
    while (s->n_prefix < s->n_running && s->need[s->n_prefix] == 0) {
        s->n_prefix++;
    }
}

/* Takes out everybody with nothing left to give, in order; lists the tags of those that were not aborted. */
static uint32_t remove_finished(struct ts_scheduler *s, uint32_t *tags)
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
        s->n_free_blocks += blocks_held(s, pos);
        if (s->seqs.items[s->id[pos]].state == TS_SEQUENCE_RUNNING) {
            tags[n_tags++] = s->seqs.items[s->id[pos]].tag;
        }
        ts_sequences_give(&s->seqs, s->id[pos]);
        move_running(s, kept, begin, pos);
        kept += pos - begin;
        begin = pos + 1;
    }
    move_running(s, kept, begin, n);
    s->n_running = kept + n - begin;
    TS_CHECK(s->n_running > 0 || s->n_free_blocks == s->config.kv_blocks);
    return n_tags;
}

void ts_scheduler_abort(struct ts_scheduler *s, uint32_t handle)
{
    TS_CHECK(handle < s->seqs.cap);
    struct ts_sequence *seq = &s->seqs.items[handle];
    if (seq->state == TS_SEQUENCE_WAITING) {
        ts_sequences_unlink(&s->seqs, handle);
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
    s->left[pos] = 0;
    if (!s->in_step) {
        (void)remove_finished(s, s->tags_a);
        extend_prefix(s);
    }
}

/* ---- planning ---- */

/* The share of a sequence with that much of its prompt to compute. */
static uint32_t chunk_of(const struct ts_scheduler *s, uint32_t need, uint32_t budget)
{
    const uint32_t most = s->config.long_prefill_tok ? min_u32(need, s->config.long_prefill_tok) : need;
    return s->config.chunked_prefill ? min_u32(most, budget) : most;
}

static void preempt_tail(struct ts_scheduler *s, struct ts_scheduler_plan *plan)
{
    const uint32_t pos = --s->n_running;
    struct ts_sequence *seq = &s->seqs.items[s->id[pos]];
    s->n_free_blocks += blocks_held(s, pos);
    s->n_prefix = min_u32(s->n_prefix, s->n_running);
    seq->n_given = seq->output_tok - s->left[pos];
    ts_sequences_push_front(&s->seqs, s->id[pos]);
    s->tags_b[plan->n_preempted++] = seq->tag;
}

static void load_item(struct ts_scheduler *s, uint32_t pos, uint32_t n_new)
{
    s->n_new[pos] = n_new;
    s->load.n_seqs++;
    if (s->need[pos] == 0) {
        s->load.n_decode++;
        s->load.kv_read_tok += (double)s->ctx[pos] + 1.0;
    } else {
        s->load.prefill_tok += n_new;
        s->load.prefill_pairs += ts_steptime_pairs(s->ctx[pos], n_new);
    }
}

/* The decoding front of the list in one go, if the blocks suffice without preemption. */
static void plan_prefix(struct ts_scheduler *s, uint32_t *budget)
{
    const uint32_t n = s->n_prefix;
    uint32_t n_blocks = 0;
    uint64_t kv_tok = n;
    s->n_bulk = 0;
    for (uint32_t pos = 0; pos < n; pos++) {
        n_blocks += s->room[pos] == 0;
        kv_tok += s->ctx[pos];
    }
    TS_CHECK(n <= *budget);
    if (n_blocks > s->n_free_blocks) {
        return;
    }
    s->n_bulk = n;
    s->n_free_blocks -= n_blocks;
    s->load.n_seqs = s->load.n_decode = n;
    s->load.kv_read_tok = (double)kv_tok;
    *budget -= n;
}

static void plan_running(struct ts_scheduler *s, uint32_t *budget, struct ts_scheduler_plan *plan)
{
    plan_prefix(s, budget);
    for (uint32_t pos = s->n_bulk; pos < s->n_running; pos++) {
        const uint32_t n_new = s->need[pos] > 0 ? chunk_of(s, s->need[pos], *budget) : 1;
        TS_CHECK(n_new > 0 && n_new <= *budget);
        const uint64_t n_blocks = blocks_for(s, s->room[pos], n_new);
        while (n_blocks > s->n_free_blocks && s->n_running > pos) {
            preempt_tail(s, plan);
        }
        if (s->n_running == pos) {
            break;
        }
        s->n_free_blocks -= n_blocks;
        *budget -= n_new;
        load_item(s, pos, n_new);
    }
}

/* The chunk with which the head of the waiting queue could enter, 0 if it cannot. */
static uint32_t head_chunk(const struct ts_scheduler *s, uint32_t budget)
{
    if (s->seqs.n_waiting == 0 || s->n_running >= s->max_running || budget == 0) {
        return 0;
    }
    const struct ts_sequence *seq = &s->seqs.items[s->seqs.first_waiting];
    const uint32_t chunk = chunk_of(s, seq->prompt_tok + seq->n_given, budget);
    return chunk <= budget && blocks_for(s, 0, chunk) <= s->n_free_blocks ? chunk : 0;
}

static void admit(struct ts_scheduler *s, uint32_t *budget, struct ts_scheduler_plan *plan)
{
    for (uint32_t chunk = head_chunk(s, *budget); chunk > 0; chunk = head_chunk(s, *budget)) {
        const uint32_t i = s->seqs.first_waiting;
        const uint32_t pos = s->n_running++;
        struct ts_sequence *seq = &s->seqs.items[i];
        ts_sequences_unlink(&s->seqs, i);
        seq->state = TS_SEQUENCE_RUNNING;
        s->id[pos] = i;
        s->ctx[pos] = 0;
        s->room[pos] = 0;
        s->need[pos] = seq->prompt_tok + seq->n_given;
        s->left[pos] = seq->output_tok - seq->n_given;
        s->n_free_blocks -= blocks_for(s, 0, chunk);
        *budget -= chunk;
        load_item(s, pos, chunk);
        s->tags_a[plan->n_admitted++] = seq->tag;
    }
}

bool ts_scheduler_plan(struct ts_scheduler *s, struct ts_scheduler_plan *plan)
{
    TS_CHECK(!s->in_step);
    uint32_t budget = s->config.max_batched_tok;
    *plan = (struct ts_scheduler_plan){.admitted = s->tags_a, .preempted = s->tags_b};
    s->load = (struct ts_batch_load){0};
    plan_running(s, &budget, plan);
    if (plan->n_preempted == 0) {
        admit(s, &budget, plan);
    }
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
        .past_tok = s->ctx[i],
        .n_new = i < s->n_bulk ? 1 : s->n_new[i],
        .decodes = s->need[i] == 0,
    };
}

/* ---- after the step ---- */

/* n tokens each for the first n_seqs, all in decode; true if any is finished by it (or was aborted). */
static bool advance_decoders(struct ts_scheduler *s, uint32_t n_seqs, uint32_t n_tok)
{
    const uint32_t block_tok = s->config.block_tok;
    const uint32_t shift = n_tok % block_tok;
    uint32_t *restrict ctx = s->ctx;
    uint32_t *restrict room = s->room;
    uint32_t *restrict left = s->left;
    uint32_t n_done = 0;
    for (uint32_t pos = 0; pos < n_seqs; pos++) {
        const uint32_t rest = left[pos] > n_tok ? left[pos] - n_tok : 0;
        ctx[pos] += n_tok;
        room[pos] = room[pos] >= shift ? room[pos] - shift : room[pos] + block_tok - shift;
        left[pos] = rest;
        n_done += rest == 0;
    }
    return n_done > 0;
}

/* True if that one is finished by the step (or was aborted). */
static bool commit_item(struct ts_scheduler *s, uint32_t pos, struct ts_scheduler_step *step)
{
    const uint32_t n_new = s->n_new[pos];
    s->room[pos] += (uint32_t)(blocks_for(s, s->room[pos], n_new) * s->config.block_tok) - n_new;
    s->ctx[pos] += n_new;
    if (s->left[pos] == 0) {
        return true;
    }
    if (s->need[pos] > n_new) {
        s->need[pos] -= n_new;
        return false;
    }
    if (s->need[pos] > 0) {
        s->need[pos] = 0;
        s->tags_a[step->n_started++] = s->seqs.items[s->id[pos]].tag;
    }
    return --s->left[pos] == 0;
}

void ts_scheduler_commit(struct ts_scheduler *s, struct ts_scheduler_step *step)
{
    TS_CHECK(s->in_step);
    s->in_step = false;
    *step = (struct ts_scheduler_step){.started = s->tags_a, .finished = s->tags_b};
    bool any_done = advance_decoders(s, s->n_bulk, 1);
    for (uint32_t pos = s->n_bulk; pos < s->n_running; pos++) {
        any_done |= commit_item(s, pos, step);
    }
    if (any_done) {
        step->n_finished = remove_finished(s, s->tags_b);
    }
    extend_prefix(s);
}

/* ---- runs of equal steps ---- */

/* How many steps the free blocks last, at most `most`. */
static uint32_t steps_by_blocks(const struct ts_scheduler *s, uint32_t most)
{
    const uint32_t block_tok = s->config.block_tok;
    const uint64_t n_cycles = s->n_free_blocks / s->n_running;
    if (n_cycles >= (uint64_t)most / block_tok + 1) {
        return most;
    }
    uint64_t n_free = s->n_free_blocks - n_cycles * s->n_running;
    uint32_t n_steps = (uint32_t)(n_cycles * block_tok);
    while (n_steps < most && s->new_blocks[n_steps % block_tok] <= n_free) {
        n_free -= s->new_blocks[n_steps % block_tok];
        n_steps++;
    }
    return min_u32(n_steps, most);
}

bool ts_scheduler_steady(struct ts_scheduler *s, struct ts_scheduler_run *run)
{
    TS_CHECK(!s->in_step);
    const uint32_t n = s->n_running;
    if (n == 0 || s->n_prefix < n || !ts_scheduler_run_goes_on(s)) {
        return false;
    }
    uint32_t least_left = UINT32_MAX;
    uint64_t kv_tok = n;
    memset(s->new_blocks, 0, s->config.block_tok * sizeof *s->new_blocks);
    for (uint32_t pos = 0; pos < n; pos++) {
        least_left = min_u32(least_left, s->left[pos]);
        kv_tok += s->ctx[pos];
        s->new_blocks[s->room[pos]]++;
    }
    *run = (struct ts_scheduler_run){
        .n_seqs = n,
        .max_steps = steps_by_blocks(s, least_left),
        .kv_read_tok = kv_tok,
        .new_blocks = s->new_blocks,
        .blocks_used = ts_scheduler_blocks_used(s),
    };
    return run->max_steps > 0;
}

bool ts_scheduler_run_goes_on(const struct ts_scheduler *s)
{
    return s->seqs.n_waiting == 0 || head_chunk(s, s->config.max_batched_tok - s->n_running) == 0;
}

void ts_scheduler_advance(struct ts_scheduler *s, uint32_t n_steps, struct ts_scheduler_step *step)
{
    TS_CHECK(!s->in_step && n_steps >= 1 && s->n_prefix == s->n_running);
    const uint32_t block_tok = s->config.block_tok;
    uint64_t n_blocks = (uint64_t)(n_steps / block_tok) * s->n_running;
    for (uint32_t j = 0; j < n_steps % block_tok; j++) {
        n_blocks += s->new_blocks[j];
    }
    TS_CHECK(n_blocks <= s->n_free_blocks);
    s->n_free_blocks -= n_blocks;
    *step = (struct ts_scheduler_step){.started = s->tags_a, .finished = s->tags_b};
    if (advance_decoders(s, s->n_running, n_steps)) {
        step->n_finished = remove_finished(s, s->tags_b);
    }
}
