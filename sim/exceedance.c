/* Hides the intervals' edges and how batches are merged. Worked: of 1,000 independent values 50 +- 2.04 sqrt(1000 .05
 * .95) = 50 +- 14 exceed the p95 with 32 batches, so its interval reaches from the p93.6 to the p96.4. */
#include "sim/exceedance.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

void ts_exceedance_deinit(struct ts_exceedance *of)
{
    free(of->batches);
    *of = (struct ts_exceedance){.n = 0};
}

static void add_batch(uint32_t *restrict into, const uint32_t *restrict from)
{
    for (int c = 0; c < TS_EXCEEDANCE_CELLS; c++) {
        into[c] += from[c];
    }
}

/* Pairs become one; an odd one at the end is left out. */
static void halve(struct ts_exceedance *of)
{
    of->n /= 2;
    for (uint32_t i = 0; i < of->n; i++) {
        memmove(of->batches[i], of->batches[2 * i], sizeof *of->batches);
        add_batch(of->batches[i], of->batches[2 * i + 1]);
    }
    of->size *= 2;
}

static void *room(void)
{
    return malloc(TS_BATCHES * sizeof(uint32_t[TS_EXCEEDANCE_CELLS]));
}

void ts_exceedance_close(struct ts_exceedance *of)
{
    of->batches = of->batches ? of->batches : room();
    if (!of->batches) {
        of->lost += of->n_open;
    } else {
        of->size = of->size > 0 ? of->size : 1;
        memcpy(of->batches[of->n++], of->open, sizeof of->open);
    }
    memset(of->open, 0, sizeof of->open);
    of->n_open = 0;
    if (of->n == TS_BATCHES) {
        halve(of);
    }
}

static void append(struct ts_exceedance *into, struct ts_exceedance *from)
{
    while (from->size < into->size) {
        halve(from);
    }
    while (into->size < from->size) {
        halve(into);
    }
    while (into->n + from->n > TS_BATCHES - 1) {
        halve(into);
        halve(from);
    }
    if (from->n > 0) {
        memcpy(into->batches[into->n], from->batches, from->n * sizeof *from->batches);
        into->n += from->n;
    }
}

enum ts_status ts_exceedance_merge(struct ts_exceedance *into, const struct ts_exceedance *from)
{
    struct ts_exceedance other = *from;
    into->lost += from->lost;
    if (from->n > 0) {
        other.batches = room();
        if (!other.batches) {
            return TS_ENOMEM;
        }
        memcpy(other.batches, from->batches, from->n * sizeof *from->batches);
    }
    memset(into->open, 0, sizeof into->open);
    into->n_open = 0;
    if (from->n == 0) {
        return TS_OK;
    }
    if (into->n == 0) {
        free(into->batches);
        into->batches = other.batches;
        into->n = other.n;
        into->size = other.size;
        return TS_OK;
    }
    append(into, &other);
    free(other.batches);
    return TS_OK;
}

/* ---- intervals ---- */

/* Values at or above the lower edge of a cell: of each batch, and their share of all. */
struct above {
    double n[TS_BATCHES];
    double share;
};

static double count_above(const uint32_t *batch, unsigned cell)
{
    uint64_t n = 0;
    for (unsigned c = cell; c < TS_EXCEEDANCE_CELLS; c++) {
        n += batch[c];
    }
    return (double)n;
}

static void add_up(struct above *above, const struct ts_exceedance *of)
{
    double n = 0.0;
    for (uint32_t i = 0; i < of->n; i++) {
        n += above->n[i];
    }
    above->share = n / ((double)of->n * (double)of->size);
}

/* The edge of the cell that holds the value with the share nearest to the wanted one. */
static struct above above_edge_near(const struct ts_exceedance *of, double value, double share)
{
    const unsigned cell = ts_exceedance_cell((int64_t)value);
    struct above below, beyond;
    for (uint32_t i = 0; i < of->n; i++) {
        beyond.n[i] = count_above(of->batches[i], cell + 1);
        below.n[i] = beyond.n[i] + of->batches[i][cell];
    }
    add_up(&below, of);
    add_up(&beyond, of);
    const bool is_beyond = beyond.share > 0.0 && fabs(log(beyond.share / share)) < fabs(log(below.share / share));
    return is_beyond ? beyond : below;
}

/* Variance of the mean of a batch over that of as many independent indicators; NaN where all or none exceed. */
static double inflation(const struct ts_exceedance *of, const struct above *above)
{
    const double share = above->share, size = (double)of->size;
    double squares = 0.0;
    for (uint32_t i = 0; i < of->n; i++) {
        const double off = above->n[i] / size - share;
        squares += off * off;
    }
    return share > 0.0 && share < 1.0 ? fmax(squares / (of->n - 1) * size / (share * (1.0 - share)), 1.0) : NAN;
}

struct ts_quantile_interval ts_exceedance_interval(const struct ts_exceedance *of, const struct ts_hist *hist, double p,
                                                   double probability)
{
    const struct ts_quantile_interval none = {NAN, NAN};
    if (of->n < TS_BATCHES_LEAST || of->lost > 0 || hist->count == 0) {
        return none;
    }
    const struct above above = above_edge_near(of, ts_hist_quantile(hist, p), 1.0 - p);
    if (above.share == 1.0) { /* all in one cell */
        return (struct ts_quantile_interval){(double)hist->min, (double)hist->max};
    }
    const double r = inflation(of, &above);
    const double n = (double)hist->count / r; /* that many independent ones */
    if (!(n * (1.0 - p) >= TS_EXCEEDANCE_LEAST)) {
        return none;
    }
    const double t = gsl_cdf_tdist_Pinv(1.0 - (1.0 - probability) / 2.0, of->n - 1.0);
    const double half = t * sqrt(p * (1.0 - p) / n);
    return (struct ts_quantile_interval){ts_hist_quantile(hist, fmax(p - half, 0.0)),
                                         ts_hist_quantile(hist, fmin(p + half, 1.0))};
}
