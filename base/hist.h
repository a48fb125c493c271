/* Mergeable histogram of non-negative 64-bit values (nanoseconds, tokens): log-linear buckets, 512 per octave, exact
 * below 1,024; a quantile is the bucket's middle, so its value error is at most 1/1024 (< 0.1 %). Adding is a shift and
 * an increment; an octave's page (4 KiB) is allocated when it is first hit. Merging is exact: the result does not
 * depend on the order. */
#ifndef TS_BASE_HIST_H
#define TS_BASE_HIST_H

#include <stdint.h>

#include "base/status.h"

enum { TS_HIST_PAGES = 55, TS_HIST_PAGE_BUCKETS = 512 };

struct ts_hist {
    uint64_t *
        pages[TS_HIST_PAGES]; /* NULL until hit; page 0 holds 0..511, page p >= 1 holds [512 << (p-1), 1024 << (p-1)) */
    uint64_t count;
    uint64_t lost;              /* adds that found no memory for a page; 0 in every healthy run, asserted by callers */
    int64_t min, max;           /* exact; 0 when empty */
    uint64_t sum_low, sum_high; /* of all values, 128 bits: exact, so that it does not depend on the order */
};

void ts_hist_init(struct ts_hist *hist);
void ts_hist_deinit(struct ts_hist *hist);
/* Negative values count as 0. */
void ts_hist_add(struct ts_hist *hist, int64_t value);
void ts_hist_add_n(struct ts_hist *hist, int64_t value, uint64_t n);
/* Adds the gaps between instants, each n times: ends[0] - from, ends[1] - ends[0] ... They are not negative and never
 * shrink. The same as n_gaps calls of ts_hist_add_n, at the price of the buckets that they hit. */
void ts_hist_add_gaps(struct ts_hist *hist, int64_t from, const int64_t *ends, uint32_t n_gaps, uint64_t n);
/* into += from. TS_ENOMEM leaves `into` as it was. */
enum ts_status ts_hist_merge(struct ts_hist *into, const struct ts_hist *from);
/* p in [0, 1]: the smallest value with at least a share p at or below it; min and max are exact; NaN when empty. */
double ts_hist_quantile(const struct ts_hist *hist, double p);
double ts_hist_sum(const struct ts_hist *hist);
/* NaN when empty. */
double ts_hist_mean(const struct ts_hist *hist);

/* Walks the non-empty buckets upward: start with *cursor = 0; false at the end. value = middle of the bucket. */
int ts_hist_next(const struct ts_hist *hist, uint32_t *cursor, double *value, uint64_t *count);

#endif
