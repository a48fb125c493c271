/* Hides the thread and the ring between the two: blocks of requests, handed over whole, so that the lock is taken once
 * in some hundred requests. `n_filled` and `n_emptied` count blocks since the start; block k lies at k % N_BLOCKS. A
 * reading thread that found the ring full sleeps until half of it is empty: waking a thread costs more than a block. */
#include "traces/read_ahead.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { N_BLOCKS = 16, BLOCK_REQUESTS = 512 };

struct block {
    struct ts_request requests[BLOCK_REQUESTS];
    struct ts_turn *turns; /* [BLOCK_REQUESTS] their places in sessions; NULL while none has had one */
    uint64_t *ids;         /* [ids_cap] of the requests' prefixes, and what they wait for, one after the other */
    size_t n_ids, ids_cap;
    uint32_t n;
    bool is_last;          /* the end of the stream, or an error, comes after it */
    enum ts_status status; /* of the last block */
};

struct read_ahead {
    struct ts_request_stream base;
    struct ts_request_stream *inner;
    struct ts_diags diags; /* of the last block */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t n_filled, n_emptied; /* guarded by lock */
    bool stop;                    /* guarded by lock */
    uint32_t next;                /* in the block that is being emptied */
    const struct block *current;  /* that block; NULL: none is held */
    struct block blocks[N_BLOCKS];
};

/* ---- the reading thread ---- */

/* A block to fill; NULL when nobody wants more. */
static struct block *wait_for_room(struct read_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    if (ahead->n_filled - ahead->n_emptied == N_BLOCKS) {
        while (!ahead->stop && ahead->n_filled - ahead->n_emptied > N_BLOCKS / 2) {
            pthread_cond_wait(&ahead->changed, &ahead->lock);
        }
    }
    struct block *block = ahead->stop ? NULL : &ahead->blocks[ahead->n_filled % N_BLOCKS];
    pthread_mutex_unlock(&ahead->lock);
    return block;
}

static enum ts_status keep_keys(struct block *block, const uint64_t *keys, uint32_t n)
{
    enum { FIRST_CAP = 4096 };
    size_t cap = block->ids_cap > 0 ? block->ids_cap : FIRST_CAP;
    while (cap - block->n_ids < n) {
        cap *= 2;
    }
    if (cap > block->ids_cap && n > 0) {
        uint64_t *ids = realloc(block->ids, cap * sizeof *ids);
        if (!ids) {
            return TS_ENOMEM;
        }
        block->ids = ids;
        block->ids_cap = cap;
    }
    if (n > 0) {
        memcpy(block->ids + block->n_ids, keys, n * sizeof *block->ids);
        block->n_ids += n;
    }
    return TS_OK;
}

/* Copies what a prompt consists of, and its place in a session, since the stream forgets it with the next request. */
static enum ts_status keep(struct block *block, struct ts_request *request)
{
    const struct ts_turn *turn = request->turn;
    enum ts_status status = keep_keys(block, request->prefix.ids, request->prefix.n_ids);
    if (status != TS_OK || !turn) {
        return status;
    }
    if (!block->turns) {
        block->turns = malloc(BLOCK_REQUESTS * sizeof *block->turns);
    }
    if (!block->turns) {
        return TS_ENOMEM;
    }
    block->turns[block->n] = *turn;
    request->turn = &block->turns[block->n];
    return keep_keys(block, turn->waits, turn->n_waits);
}

/* The ids have their place now: they moved while the block grew. */
static void place_ids(struct block *block)
{
    size_t at = 0;
    for (uint32_t i = 0; i < block->n; i++) {
        struct ts_request *request = &block->requests[i];
        request->prefix.ids = request->prefix.n_ids > 0 ? block->ids + at : NULL;
        at += request->prefix.n_ids;
        if (request->turn) {
            block->turns[i].waits = block->turns[i].n_waits > 0 ? block->ids + at : NULL;
            at += block->turns[i].n_waits;
        }
    }
}

static void fill(struct read_ahead *ahead, struct block *block)
{
    int got = 1;
    block->n = 0;
    block->n_ids = 0;
    block->status = TS_OK;
    while (block->n < BLOCK_REQUESTS && got && block->status == TS_OK) {
        struct ts_request *request = &block->requests[block->n];
        block->status = ts_request_next(ahead->inner, request, &got, &ahead->diags);
        if (block->status == TS_OK && got) {
            block->status = keep(block, request);
            block->n += block->status == TS_OK;
        }
    }
    place_ids(block);
    block->is_last = !got || block->status != TS_OK;
}

static void *read_all(void *user)
{
    struct read_ahead *ahead = user;
    bool more = true;
    while (more) {
        struct block *block = wait_for_room(ahead);
        if (!block) {
            break;
        }
        fill(ahead, block);
        more = !block->is_last;
        pthread_mutex_lock(&ahead->lock);
        if (ahead->n_filled++ == ahead->n_emptied) {
            pthread_cond_signal(&ahead->changed);
        }
        pthread_mutex_unlock(&ahead->lock);
    }
    return NULL;
}

/* ---- the taking side ---- */

static const struct block *wait_for_block(struct read_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    while (ahead->n_filled == ahead->n_emptied) {
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    }
    const struct block *block = &ahead->blocks[ahead->n_emptied % N_BLOCKS];
    pthread_mutex_unlock(&ahead->lock);
    return block;
}

static void release_block(struct read_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->n_emptied++;
    if (ahead->n_filled - ahead->n_emptied == N_BLOCKS / 2) {
        pthread_cond_signal(&ahead->changed);
    }
    pthread_mutex_unlock(&ahead->lock);
    ahead->current = NULL;
}

/* A block is released by the call after its last request, whose ids are good until then; the last block is kept, so
 * that its end or error can be told again. */
static enum ts_status ahead_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                 struct ts_diags *diags)
{
    struct read_ahead *ahead = (struct read_ahead *)stream;
    *got = 0;
    if (ahead->current && ahead->next == ahead->current->n && !ahead->current->is_last) {
        release_block(ahead);
    }
    if (!ahead->current) {
        ahead->current = wait_for_block(ahead);
        ahead->next = 0;
    }
    const struct block *block = ahead->current;
    if (ahead->next == block->n) {
        if (diags) {
            ts_diags_move(diags, &ahead->diags);
        }
        return block->status;
    }
    *out = block->requests[ahead->next++];
    *got = 1;
    return TS_OK;
}

static void ahead_destroy(struct ts_request_stream *stream)
{
    struct read_ahead *ahead = (struct read_ahead *)stream;
    pthread_mutex_lock(&ahead->lock);
    ahead->stop = true;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    pthread_join(ahead->thread, NULL);
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->lock);
    ts_diags_deinit(&ahead->diags);
    for (uint32_t i = 0; i < N_BLOCKS; i++) {
        free(ahead->blocks[i].ids);
        free(ahead->blocks[i].turns);
    }
    free(ahead);
}

enum ts_status ts_read_ahead_open(struct ts_request_stream **out, struct ts_request_stream *inner)
{
    static const struct ts_request_stream_ops ops = {.next = ahead_next, .destroy = ahead_destroy};
    struct read_ahead *ahead = malloc(sizeof *ahead);
    if (!ahead) {
        return TS_ENOMEM;
    }
    ahead->base.ops = &ops;
    ahead->inner = inner;
    ahead->n_filled = ahead->n_emptied = 0;
    ahead->stop = false;
    ahead->current = NULL;
    for (uint32_t i = 0; i < N_BLOCKS; i++) {
        ahead->blocks[i].ids = NULL;
        ahead->blocks[i].turns = NULL;
        ahead->blocks[i].ids_cap = 0;
    }
    ts_diags_init(&ahead->diags);
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    if (pthread_create(&ahead->thread, NULL, read_all, ahead) != 0) {
        pthread_cond_destroy(&ahead->changed);
        pthread_mutex_destroy(&ahead->lock);
        ts_diags_deinit(&ahead->diags);
        free(ahead);
        return TS_ENOMEM;
    }
    *out = &ahead->base;
    return TS_OK;
}
