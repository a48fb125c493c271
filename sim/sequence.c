/* Hides the storage of sequences: one array that doubles, free records chained through `next`. Bounded by what the
 * scheduler lets in. */
#include "sim/sequence.h"

#include <stdlib.h>

void ts_sequences_init(struct ts_sequences *sequences)
{
    *sequences = (struct ts_sequences){
        .free = TS_SEQUENCE_NONE, .first_waiting = TS_SEQUENCE_NONE, .last_waiting = TS_SEQUENCE_NONE};
}

void ts_sequences_deinit(struct ts_sequences *sequences)
{
    free(sequences->items);
    ts_sequences_init(sequences);
}

static enum ts_status grow(struct ts_sequences *sequences)
{
    const uint32_t cap = sequences->cap ? sequences->cap * 2 : 64;
    struct ts_sequence *items = realloc(sequences->items, (size_t)cap * sizeof *items);
    if (!items) {
        return TS_ENOMEM;
    }
    sequences->items = items;
    for (uint32_t i = cap; i-- > sequences->cap;) {
        items[i] = (struct ts_sequence){.state = TS_SEQUENCE_FREE, .next = sequences->free};
        sequences->free = i;
    }
    sequences->cap = cap;
    return TS_OK;
}

enum ts_status ts_sequences_take(struct ts_sequences *sequences, uint32_t *i)
{
    if (sequences->free == TS_SEQUENCE_NONE && grow(sequences) != TS_OK) {
        return TS_ENOMEM;
    }
    *i = sequences->free;
    sequences->free = sequences->items[*i].next;
    sequences->items[*i] = (struct ts_sequence){.prev = TS_SEQUENCE_NONE, .next = TS_SEQUENCE_NONE};
    return TS_OK;
}

void ts_sequences_give(struct ts_sequences *sequences, uint32_t i)
{
    sequences->items[i].state = TS_SEQUENCE_FREE;
    sequences->items[i].next = sequences->free;
    sequences->free = i;
}

void ts_sequences_push_back(struct ts_sequences *sequences, uint32_t i)
{
    struct ts_sequence *sequence = &sequences->items[i];
    sequence->state = TS_SEQUENCE_WAITING;
    sequence->prev = sequences->last_waiting;
    sequence->next = TS_SEQUENCE_NONE;
    if (sequences->last_waiting == TS_SEQUENCE_NONE) {
        sequences->first_waiting = i;
    } else {
        sequences->items[sequences->last_waiting].next = i;
    }
    sequences->last_waiting = i;
    sequences->n_waiting++;
}

void ts_sequences_push_front(struct ts_sequences *sequences, uint32_t i)
{
    struct ts_sequence *sequence = &sequences->items[i];
    sequence->state = TS_SEQUENCE_WAITING;
    sequence->prev = TS_SEQUENCE_NONE;
    sequence->next = sequences->first_waiting;
    if (sequences->first_waiting == TS_SEQUENCE_NONE) {
        sequences->last_waiting = i;
    } else {
        sequences->items[sequences->first_waiting].prev = i;
    }
    sequences->first_waiting = i;
    sequences->n_waiting++;
}

void ts_sequences_unlink(struct ts_sequences *sequences, uint32_t i)
{
    const struct ts_sequence *sequence = &sequences->items[i];
    if (sequence->prev == TS_SEQUENCE_NONE) {
        sequences->first_waiting = sequence->next;
    } else {
        sequences->items[sequence->prev].next = sequence->next;
    }
    if (sequence->next == TS_SEQUENCE_NONE) {
        sequences->last_waiting = sequence->prev;
    } else {
        sequences->items[sequence->next].prev = sequence->prev;
    }
    sequences->n_waiting--;
}
