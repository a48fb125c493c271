/* Lengths that go together, dealt from their table like cards from a deck. */
#ifndef TS_TRACES_DECK_H
#define TS_TRACES_DECK_H

#include "traces/workload.h"

struct ts_deck;

/* A row of the table, and where in its distributions: quantiles in (0, 1). */
struct ts_card {
    const struct ts_length_row *row;
    double prompt, output, prefix;
};

/* rows: [n] borrowed, n >= 1. NULL without memory. `at`: of the window, from 0 to 1, for rows whose shares follow it.
 */
struct ts_deck *ts_deck_create(const struct ts_length_row *rows, size_t n);
void ts_deck_destroy(struct ts_deck *deck); /* NULL is fine */
struct ts_card ts_deck_deal(struct ts_deck *deck, double at, struct ts_rng *rng);

#endif
