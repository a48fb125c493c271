/* How far recordings of one and the same point lie apart: no model that knows a point by what its row says can be
 * nearer to all of them. */
#ifndef TS_TESTS_SERVING_REPEATS_H
#define TS_TESTS_SERVING_REPEATS_H

#include <stddef.h>

enum { SERVING_MAX_REPEATS = 4096 };

struct serving_repeats {
    size_t n;
    double off[SERVING_MAX_REPEATS]; /* |recorded/median - 1| */
};

/* Of the recordings of one point those above 0, each value once: a copy of a file is no second measurement. Points with
 * fewer than two values tell nothing. */
void serving_repeats_note(struct serving_repeats *repeats, const double *recorded, size_t n);

/* The share q of them lies nearer. */
double serving_repeats_quantile(struct serving_repeats *repeats, double q);

#endif
