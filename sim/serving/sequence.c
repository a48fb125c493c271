/* Hides the storage of sequences: one array that doubles, free records chained through `next`. Bounded by what the
 * scheduler lets in. */
#include "sim/serving/sequence.h"

#include <stdlib.h>

void ts_sequences_init(struct ts_sequences *sequences)
{
    *sequences = (struct ts_sequences){.free = TS_SEQUENCE_NONE};
    for (int level = 0; level <= TS_SEQUENCE_MAX_PRIORITY; level++) {
        sequences->first_waiting[level] = sequences->last_waiting[level] = TS_SEQUENCE_NONE;
    }
}

void ts_sequences_deinit(struct ts_sequences *sequences)
{
    for (uint32_t i = 0; i < sequences->cap; i++) {
        free(sequences->items[i].blocks);
    }
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
    struct ts_sequence *sequence = &sequences->items[*i];
    sequences->free = sequence->next;
    *sequence = (struct ts_sequence){.prev = TS_SEQUENCE_NONE,
                                     .next = TS_SEQUENCE_NONE,
                                     .blocks = sequence->blocks,
                                     .blocks_cap = sequence->blocks_cap};
    return TS_OK;
}

void ts_sequences_give(struct ts_sequences *sequences, uint32_t i)
{
    sequences->items[i].state = TS_SEQUENCE_FREE;
    sequences->items[i].next = sequences->free;
    sequences->free = i;
}

enum ts_status ts_sequences_reserve(struct ts_sequences *sequences, uint32_t i, uint32_t n_blocks)
{
    struct ts_sequence *sequence = &sequences->items[i];
    if (n_blocks <= sequence->blocks_cap) {
        return TS_OK;
    }
    uint32_t *blocks = realloc(sequence->blocks, (size_t)n_blocks * sizeof *blocks);
    if (!blocks) {
        return TS_ENOMEM;
    }
    sequence->blocks = blocks;
    sequence->blocks_cap = n_blocks;
    return TS_OK;
}

void ts_sequences_push_back(struct ts_sequences *sequences, uint32_t i)
{
    struct ts_sequence *sequence = &sequences->items[i];
    const uint32_t level = sequence->priority;
    sequence->state = TS_SEQUENCE_WAITING;
    sequence->prev = sequences->last_waiting[level];
    sequence->next = TS_SEQUENCE_NONE;
    if (sequence->prev == TS_SEQUENCE_NONE) {
        sequences->first_waiting[level] = i;
    } else {
        sequences->items[sequence->prev].next = i;
    }
    sequences->last_waiting[level] = i;
    sequences->waiting_levels |= 1U << level;
    sequences->n_waiting++;
}

void ts_sequences_push_front(struct ts_sequences *sequences, uint32_t i)
{
    struct ts_sequence *sequence = &sequences->items[i];
    const uint32_t level = sequence->priority;
    sequence->state = TS_SEQUENCE_WAITING;
    sequence->prev = TS_SEQUENCE_NONE;
    sequence->next = sequences->first_waiting[level];
    if (sequence->next == TS_SEQUENCE_NONE) {
        sequences->last_waiting[level] = i;
    } else {
        sequences->items[sequence->next].prev = i;
    }
    sequences->first_waiting[level] = i;
    sequences->waiting_levels |= 1U << level;
    sequences->n_waiting++;
}

void ts_sequences_unlink(struct ts_sequences *sequences, uint32_t i)
{
    const struct ts_sequence *sequence = &sequences->items[i];
    const uint32_t level = sequence->priority;
    if (sequence->prev == TS_SEQUENCE_NONE) {
        sequences->first_waiting[level] = sequence->next;
    } else {
        sequences->items[sequence->prev].next = sequence->next;
    }
    if (sequence->next == TS_SEQUENCE_NONE) {
        sequences->last_waiting[level] = sequence->prev;
    } else {
        sequences->items[sequence->next].prev = sequence->prev;
    }
    if (sequences->first_waiting[level] == TS_SEQUENCE_NONE) {
        sequences->waiting_levels &= ~(1U << level);
    }
    sequences->n_waiting--;
}

uint32_t ts_sequences_head(const struct ts_sequences *sequences)
{
    uint32_t level = sequences->waiting_levels > 1 ? TS_SEQUENCE_MAX_PRIORITY : 0;
    while (level > 0 && (sequences->waiting_levels >> level & 1U) == 0) {
        level--;
    }
    return sequences->first_waiting[level];
}
