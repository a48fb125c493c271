/* Sequences of a scheduler: records in a pool, addressed by index, and the queue of those that wait, a doubly linked
 * list through the records: in at the end, back in at the front after a preemption, out from anywhere. */
#ifndef TS_SIM_SEQUENCE_H
#define TS_SIM_SEQUENCE_H

#include <stdint.h>

#include "base/status.h"

#define TS_SEQUENCE_NONE UINT32_MAX

enum ts_sequence_state { TS_SEQUENCE_FREE, TS_SEQUENCE_WAITING, TS_SEQUENCE_RUNNING, TS_SEQUENCE_ABORTED };

struct ts_sequence {
    uint32_t tag;
    uint32_t prompt_tok, output_tok;
    uint32_t n_given;    /* tokens given, as of when it last left the running list */
    uint32_t prev, next; /* waiting queue; next also chains the free records */
    enum ts_sequence_state state;
};

struct ts_sequences {
    struct ts_sequence *items;
    uint32_t cap, free;
    uint32_t first_waiting, last_waiting, n_waiting;
};

void ts_sequences_init(struct ts_sequences *sequences);
void ts_sequences_deinit(struct ts_sequences *sequences);

/* *i = a cleared record, in no queue. TS_ENOMEM. Moves the records. */
enum ts_status ts_sequences_take(struct ts_sequences *sequences, uint32_t *i);
void ts_sequences_give(struct ts_sequences *sequences, uint32_t i);

/* Into the waiting queue (the state becomes WAITING), and out of it. */
void ts_sequences_push_back(struct ts_sequences *sequences, uint32_t i);
void ts_sequences_push_front(struct ts_sequences *sequences, uint32_t i);
void ts_sequences_unlink(struct ts_sequences *sequences, uint32_t i);

#endif
