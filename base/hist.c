/* Hides the bucket layout: 512 buckets per octave, so that bucket = value >> (octave's shift), and the exact sum.
 * Worked number: 1,000,000 lies in [512 << 10, 1024 << 10), page 11, bucket (1000000 >> 10) - 512 = 464, which holds
 * 999,424..1,000,447 with middle 999,935.5: 0.006 % off. */
#include "base/hist.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/check.h"

enum { BUCKET_BITS = 9 };

/* Position of the highest set bit; value > 0. */
static inline unsigned highest_bit(uint64_t value)
{
#if defined(__GNUC__)
    return 63U - (unsigned)__builtin_clzll(value);
#else
    unsigned bit = 0;
    for (unsigned step = 32; step > 0; step /= 2) {
        if (value >> step != 0) {
            value >>= step;
            bit += step;
        }
    }
    return bit;
#endif
}

static inline unsigned page_of(uint64_t value)
{
    return highest_bit(value | (TS_HIST_PAGE_BUCKETS - 1)) - (BUCKET_BITS - 1);
}

static inline unsigned shift_of(unsigned page)
{
    return page - (page > 0);
}

static inline unsigned bucket_of(uint64_t value, unsigned page)
{
    return (unsigned)(value >> shift_of(page)) & (TS_HIST_PAGE_BUCKETS - 1);
}

static double middle_of(unsigned page, unsigned bucket)
{
    uint64_t low = (uint64_t)(bucket + (page > 0 ? TS_HIST_PAGE_BUCKETS : 0)) << shift_of(page);
    uint64_t width = (uint64_t)1 << shift_of(page);
    return (double)low + (double)(width - 1) / 2.0;
}

void ts_hist_init(struct ts_hist *hist)
{
    *hist = (struct ts_hist){.count = 0};
}

void ts_hist_deinit(struct ts_hist *hist)
{
    for (size_t i = 0; i < TS_HIST_PAGES; i++) {
        free(hist->pages[i]);
    }
    ts_hist_init(hist);
}

static inline void add_to_sum(struct ts_hist *hist, uint64_t high, uint64_t low)
{
    hist->sum_low += low;
    hist->sum_high += high + (hist->sum_low < low);
}

static inline void widen(struct ts_hist *hist, int64_t low, int64_t high)
{
    if (hist->count == 0) {
        hist->min = low;
        hist->max = high;
        return;
    }
    if (low < hist->min) {
        hist->min = low;
    }
    if (high > hist->max) {
        hist->max = high;
    }
}

static bool need_page(struct ts_hist *hist, unsigned page)
{
    if (hist->pages[page] == NULL) {
        hist->pages[page] = calloc(TS_HIST_PAGE_BUCKETS, sizeof *hist->pages[page]);
    }
    return hist->pages[page] != NULL;
}

void ts_hist_add(struct ts_hist *hist, int64_t value)
{
    uint64_t v = value < 0 ? 0 : (uint64_t)value;
    unsigned page = page_of(v);
    if (hist->pages[page] == NULL && !need_page(hist, page)) {
        hist->lost++;
        return;
    }
    hist->pages[page][bucket_of(v, page)]++;
    widen(hist, (int64_t)v, (int64_t)v);
    add_to_sum(hist, 0, v);
    hist->count++;
}

/* a * b in 128 bits; a below 2^63. */
static inline void multiply(uint64_t *high, uint64_t *low, uint64_t a, uint64_t b)
{
    if ((a | b) >> 32 == 0) {
        *high = 0;
        *low = a * b;
        return;
    }
    uint64_t a0 = a & UINT32_MAX;
    uint64_t a1 = a >> 32;
    uint64_t b0 = b & UINT32_MAX;
    uint64_t b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    uint64_t middle2 = a0 * b1 + (middle & UINT32_MAX);
    *high = a1 * b1 + (middle >> 32) + (middle2 >> 32);
    *low = a * b;
}

/* n values in one bucket, from the lowest to the highest of them; their sum is total x each. */
static void add_group(struct ts_hist *hist, uint64_t lowest, uint64_t highest, uint64_t n, uint64_t total,
                      uint64_t each)
{
    const unsigned page = page_of(lowest);
    uint64_t high = 0;
    uint64_t low = 0;
    if (hist->pages[page] == NULL && !need_page(hist, page)) {
        hist->lost += n;
        return;
    }
    multiply(&high, &low, total, each);
    hist->pages[page][bucket_of(lowest, page)] += n;
    widen(hist, (int64_t)lowest, (int64_t)highest);
    add_to_sum(hist, high, low);
    hist->count += n;
}

void ts_hist_add_n(struct ts_hist *hist, int64_t value, uint64_t n)
{
    const uint64_t v = value < 0 ? 0 : (uint64_t)value;
    if (n > 0) {
        add_group(hist, v, v, n, v, n);
    }
}

/* The largest value in the bucket of this one. */
static uint64_t bucket_end(uint64_t value)
{
    return value | (((uint64_t)1 << shift_of(page_of(value))) - 1);
}

static uint64_t gap_at(int64_t from, const int64_t *ends, uint32_t i)
{
    return (uint64_t)(ends[i] - (i > 0 ? ends[i - 1] : from));
}

/* The last of the gaps [first, n) that is not above the limit; gap `first` is not. They mostly grow at a constant rate,
 * so the place is guessed and put right. */
static uint32_t last_within(int64_t from, const int64_t *ends, uint32_t first, uint32_t n, uint64_t limit)
{
    const uint64_t lowest = gap_at(from, ends, first);
    const uint64_t highest = gap_at(from, ends, n - 1);
    if (highest <= limit) {
        return n - 1;
    }
    const double share = (double)(limit - lowest) / (double)(highest - lowest);
    uint32_t last = first + (uint32_t)(share * (n - 1 - first));
    while (gap_at(from, ends, last) > limit) {
        last--;
    }
    while (gap_at(from, ends, last + 1) <= limit) {
        last++;
    }
    return last;
}

void ts_hist_add_gaps(struct ts_hist *hist, int64_t from, const int64_t *ends, uint32_t n_gaps, uint64_t n)
{
    uint32_t first = 0;
    while (n > 0 && first < n_gaps) {
        const uint64_t lowest = gap_at(from, ends, first);
        const uint32_t last = last_within(from, ends, first, n_gaps, bucket_end(lowest));
        const int64_t begin = first > 0 ? ends[first - 1] : from;
        add_group(hist, lowest, gap_at(from, ends, last), n * (last - first + 1), (uint64_t)(ends[last] - begin), n);
        first = last + 1;
    }
}

/* Gives `into` every page that `from` has; all or none. */
static bool match_pages(struct ts_hist *into, const struct ts_hist *from)
{
    bool fresh[TS_HIST_PAGES] = {false};
    bool ok = true;
    for (unsigned p = 0; p < TS_HIST_PAGES && ok; p++) {
        fresh[p] = from->pages[p] != NULL && into->pages[p] == NULL;
        ok = from->pages[p] == NULL || need_page(into, p);
    }
    for (unsigned p = 0; p < TS_HIST_PAGES && !ok; p++) {
        if (fresh[p]) {
            free(into->pages[p]);
            into->pages[p] = NULL;
        }
    }
    return ok;
}

enum ts_status ts_hist_merge(struct ts_hist *into, const struct ts_hist *from)
{
    if (!match_pages(into, from)) {
        return TS_ENOMEM;
    }
    into->lost += from->lost;
    if (from->count == 0) {
        return TS_OK;
    }
    for (unsigned p = 0; p < TS_HIST_PAGES; p++) {
        for (unsigned b = 0; from->pages[p] != NULL && b < TS_HIST_PAGE_BUCKETS; b++) {
            into->pages[p][b] += from->pages[p][b];
        }
    }
    widen(into, from->min, from->max);
    add_to_sum(into, from->sum_high, from->sum_low);
    into->count += from->count;
    return TS_OK;
}

/* Index (from 1) of the smallest value with a share p at or below it. The product is lowered by a few units in its last
 * place, so that 0.07 * 100 = 7.000000000000001 means the 7th. */
static uint64_t rank_of(double p, uint64_t count)
{
    double rank = ceil(p * (double)count * (1.0 - 1e-15));
    if (rank < 1.0) {
        return 1;
    }
    return rank >= (double)count ? count : (uint64_t)rank;
}

static uint64_t count_of_page(const uint64_t *page)
{
    uint64_t n = 0;
    for (unsigned b = 0; page && b < TS_HIST_PAGE_BUCKETS; b++) {
        n += page[b];
    }
    return n;
}

/* The middle of the bucket that holds the value of that rank, which is not above the count. */
static double value_of_rank(const struct ts_hist *hist, uint64_t rank)
{
    unsigned page = 0, bucket = 0;
    uint64_t seen = 0;
    for (uint64_t n = 0; (n = count_of_page(hist->pages[page])) < rank - seen; page++) {
        TS_CHECK(page + 1 < TS_HIST_PAGES);
        seen += n;
    }
    while ((seen += hist->pages[page][bucket]) < rank) {
        bucket++;
    }
    return middle_of(page, bucket);
}

double ts_hist_quantile(const struct ts_hist *hist, double p)
{
    if (hist->count == 0 || isnan(p)) {
        return NAN;
    }
    const uint64_t rank = rank_of(p, hist->count);
    if (rank == 1) {
        return (double)hist->min;
    }
    if (rank == hist->count) {
        return (double)hist->max;
    }
    const double value = value_of_rank(hist, rank);
    const double above_min = value < (double)hist->min ? (double)hist->min : value;
    return above_min > (double)hist->max ? (double)hist->max : above_min;
}

double ts_hist_sum(const struct ts_hist *hist)
{
    return (double)hist->sum_high * 18446744073709551616.0 + (double)hist->sum_low;
}

double ts_hist_mean(const struct ts_hist *hist)
{
    return hist->count > 0 ? ts_hist_sum(hist) / (double)hist->count : NAN;
}

int ts_hist_next(const struct ts_hist *hist, uint32_t *cursor, double *value, uint64_t *count)
{
    uint32_t i = *cursor;
    while (i < (uint32_t)TS_HIST_PAGES * TS_HIST_PAGE_BUCKETS) {
        unsigned page = i / TS_HIST_PAGE_BUCKETS;
        unsigned bucket = i % TS_HIST_PAGE_BUCKETS;
        if (hist->pages[page] == NULL) {
            i = (page + 1) * TS_HIST_PAGE_BUCKETS;
            continue;
        }
        i++;
        if (hist->pages[page][bucket] > 0) {
            *cursor = i;
            *value = middle_of(page, bucket);
            *count = hist->pages[page][bucket];
            return 1;
        }
    }
    *cursor = i;
    return 0;
}
