/* A sample of numbers: kept whole, exact quantiles. For what is measured live, thousands of values, not millions. */
#ifndef TS_BASE_SAMPLE_H
#define TS_BASE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

struct ts_sample {
    double *values;
    size_t n, cap;
    bool sorted, failed; /* failed: an addition found no memory */
};

/* Two doubles, ascending: for qsort and bsearch. */
int ts_sample_compare(const void *a, const void *b);

void ts_sample_init(struct ts_sample *sample);
void ts_sample_deinit(struct ts_sample *sample);
void ts_sample_add(struct ts_sample *sample, double value);

/* NaN when empty; the standard deviation is that of the sample, divided by n, as the field's tools print it. */
double ts_sample_mean(const struct ts_sample *sample);
double ts_sample_sd(const struct ts_sample *sample);
/* p in [0, 1]; between two values linear in rank (type 7 of Hyndman and Fan, 1996). Sorts. NaN when empty. */
double ts_sample_quantile(struct ts_sample *sample, double p);

#endif
