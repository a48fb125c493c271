/* Confidence intervals of means within one run: values in their order of time are cut into batches of equal size, whose
 * means are nearly independent when the batches are long. There are at most TS_BATCHES of them: then neighbours are
 * merged and the size doubles, so that memory does not grow with the run. */
#ifndef TS_SIM_BATCH_MEANS_H
#define TS_SIM_BATCH_MEANS_H

#include <stdint.h>

enum { TS_BATCHES = 64, TS_BATCHES_LEAST = 16 };

struct ts_batch_means {
    uint64_t size;          /* values in a full batch; 0: none was added yet */
    uint32_t n;             /* full batches */
    uint64_t n_open;        /* values in the batch after them */
    double open;            /* their sum */
    double sum[TS_BATCHES]; /* of the full ones */
};

void ts_batch_means_close(struct ts_batch_means *batches);

static inline void ts_batch_means_add(struct ts_batch_means *batches, double value)
{
    batches->open += value;
    if (++batches->n_open >= batches->size) {
        ts_batch_means_close(batches);
    }
}

/* The batches of an independent run after those that are there; what was in open batches is left out. */
void ts_batch_means_merge(struct ts_batch_means *into, const struct ts_batch_means *from);
/* Mean over the full batches, and half the width of the interval that holds the true mean with that probability (by
 * Student's t); NaN with fewer than TS_BATCHES_LEAST batches. */
double ts_batch_means_mean(const struct ts_batch_means *batches);
double ts_batch_means_half(const struct ts_batch_means *batches, double probability);

#endif
