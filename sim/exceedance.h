/* Confidence intervals of high quantiles within one run. How often values exceed the quantile is a mean, and its error
 * follows from batch means (sim/batch_means.h) of the indicators "exceeds it": correlated values count for fewer. Which
 * quantile is not known before the end, so that each batch keeps how many of its values lie in which coarse interval,
 * 8 to an octave: indicators are those of the interval's edge that is nearest to the quantile. */
#ifndef TS_SIM_EXCEEDANCE_H
#define TS_SIM_EXCEEDANCE_H

#include <stdint.h>
#include <string.h>

#include "base/hist.h"
#include "base/status.h"
#include "sim/batch_means.h"

/* From 1 us to 13 days; what lies beyond is in the first or the last. */
enum { TS_EXCEEDANCE_CELLS = 8 * 40 };

struct ts_exceedance {
    uint64_t size, n_open;                    /* values of a full batch, of the one after them */
    uint32_t n;                               /* full batches, fewer than TS_BATCHES */
    uint32_t open[TS_EXCEEDANCE_CELLS];       /* values of the open batch */
    uint32_t (*batches)[TS_EXCEEDANCE_CELLS]; /* [TS_BATCHES] of the full ones; NULL until there is one */
    uint64_t lost;                            /* values that found no memory */
};

/* A zeroed one is empty. */
void ts_exceedance_deinit(struct ts_exceedance *of);
/* The cell of a value: by its exponent as a double, and the first bits after its point. */
static inline unsigned ts_exceedance_cell(int64_t value_ns)
{
    enum { FIRST_OCTAVE = 10, PER_OCTAVE_BITS = 3 };
    const unsigned first = (1023 + FIRST_OCTAVE) << PER_OCTAVE_BITS;
    const double number = (double)(value_ns > 0 ? value_ns : 0);
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    const unsigned cell = (unsigned)(bits >> (52 - PER_OCTAVE_BITS));
    return cell < first ? 0 : cell - first < TS_EXCEEDANCE_CELLS ? cell - first : TS_EXCEEDANCE_CELLS - 1;
}

/* The open batch is full; see ts_exceedance_add. */
void ts_exceedance_close(struct ts_exceedance *of);

static inline void ts_exceedance_add(struct ts_exceedance *of, int64_t value_ns)
{
    of->open[ts_exceedance_cell(value_ns)]++;
    if (++of->n_open >= of->size) {
        ts_exceedance_close(of);
    }
}

/* The batches of an independent run after those that are there; what was in open batches is left out. TS_ENOMEM leaves
 * `into` as it was. */
enum ts_status ts_exceedance_merge(struct ts_exceedance *into, const struct ts_exceedance *from);

struct ts_quantile_interval {
    double low, high; /* as the histogram's values; NaN: there are too few of them for an interval */
};

/* The interval that holds the true p-quantile with that probability: [Q(p - h), Q(p + h)] of the histogram (Woodruff,
 * "Confidence intervals for medians and other position measures", JASA 47, 1952), h = t sqrt(r p (1 - p)/n), where
 * r >= 1 is the variance of batch means of the indicators over that of independent ones. None where fewer than
 * TS_EXCEEDANCE_LEAST independent values would exceed the quantile, or with fewer than TS_BATCHES_LEAST batches. Where
 * no edge parts them, all being nearly the same: from the least to the most. */
enum { TS_EXCEEDANCE_LEAST = 10 };
struct ts_quantile_interval ts_exceedance_interval(const struct ts_exceedance *of, const struct ts_hist *hist, double p,
                                                   double probability);

#endif
