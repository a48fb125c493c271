/* Sequences of a scheduler: records in a pool, addressed by index, and the queue of those that wait: a doubly linked
 * list through the records for each priority; in at the end, back in at the front after a preemption, out from
 * anywhere. The head is the first of the highest priority. */
#ifndef TS_SIM_SERVING_SEQUENCE_H
#define TS_SIM_SERVING_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "traces/request.h"

enum { TS_SEQUENCE_MAX_PRIORITY = 15 };

#define TS_SEQUENCE_NONE UINT32_MAX

enum ts_sequence_state {
    TS_SEQUENCE_FREE,
    TS_SEQUENCE_WAITING,
    TS_SEQUENCE_RUNNING,
    TS_SEQUENCE_ABORTED,
    TS_SEQUENCE_LOADING, /* waits aside for its blocks */
    TS_SEQUENCE_HELD     /* finished; its blocks are not given back yet */
};

struct ts_sequence {
    uint32_t tag;
    uint32_t prompt_tok, output_tok;
    uint32_t n_given;    /* tokens given, as of when it last left the running list */
    uint32_t prev, next; /* waiting queue; next also chains the free records */
    enum ts_sequence_state state;
    uint8_t priority;        /* 0..TS_SEQUENCE_MAX_PRIORITY; set before it is pushed */
    bool was_admitted;       /* at least once */
    bool holds;              /* see ts_scheduler_extras */
    bool was_loaded;         /* see ts_scheduler_load */
    bool joins;              /* entered with its tokens computed elsewhere, and has given none here yet */
    bool paused;             /* in decode, and prompts went before it in the step before */
    uint32_t n_computed;     /* tokens whose KV entries it brings along when it enters next */
    uint32_t n_kept;         /* blocks of its own that it finds again, see ts_scheduler_config.finds_own */
    uint32_t next_kept;      /* who was preempted after it and has any */
    uint64_t n_promised;     /* see struct ts_scheduler */
    uint64_t n_held;         /* HELD, without a prefix cache: blocks */
    uint32_t slot;           /* policy slots: where it runs */
    uint64_t luck;           /* see ts_scheduler_extras */
    uint64_t salt;           /* with a prefix cache: what tells its own tokens from those of others */
    struct ts_prefix prefix; /* with a prefix cache: borrowed from who submitted it */
    uint32_t *blocks;        /* with a prefix cache: [n_blocks] that it holds, in order; stays with the record */
    uint32_t n_blocks, blocks_cap;
    uint32_t n_cached; /* LOADING: of those, the first that were in the cache already */
};

struct ts_sequences {
    struct ts_sequence *items;
    uint32_t cap, free;
    uint32_t first_waiting[TS_SEQUENCE_MAX_PRIORITY + 1], last_waiting[TS_SEQUENCE_MAX_PRIORITY + 1];
    uint32_t waiting_levels; /* bit p: somebody of priority p waits */
    uint32_t n_waiting;
};

void ts_sequences_init(struct ts_sequences *sequences);
void ts_sequences_deinit(struct ts_sequences *sequences);

/* *i = a cleared record, in no queue. TS_ENOMEM. Moves the records. */
enum ts_status ts_sequences_take(struct ts_sequences *sequences, uint32_t *i);
void ts_sequences_give(struct ts_sequences *sequences, uint32_t i);
/* Room for that many blocks in a record's list. TS_ENOMEM. */
enum ts_status ts_sequences_reserve(struct ts_sequences *sequences, uint32_t i, uint32_t n_blocks);

/* Into the waiting queue (the state becomes WAITING), and out of it. */
void ts_sequences_push_back(struct ts_sequences *sequences, uint32_t i);
void ts_sequences_push_front(struct ts_sequences *sequences, uint32_t i);
void ts_sequences_unlink(struct ts_sequences *sequences, uint32_t i);
/* Who comes next, or TS_SEQUENCE_NONE. */
uint32_t ts_sequences_head(const struct ts_sequences *sequences);

#endif
