/* Hides how the series' axis grows: by doubling the room up to the maximum, then by doubling the bins' width. */
#include "sim/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { FIRST_CAP = 256 };

enum ts_status ts_timeline_init(struct ts_timeline *out, uint32_t n_rows, int64_t width_ns)
{
    TS_CHECK(width_ns > 0 && n_rows > 0);
    struct ts_timeline timeline = {.width_ns = width_ns, .n_rows = n_rows, .cap = FIRST_CAP};
    timeline.cells = calloc((size_t)n_rows * FIRST_CAP, sizeof *timeline.cells);
    if (!timeline.cells) {
        return TS_ENOMEM;
    }
    *out = timeline;
    return TS_OK;
}

void ts_timeline_deinit(struct ts_timeline *timeline)
{
    free(timeline->cells);
    *timeline = (struct ts_timeline){0};
}

static bool double_cap(struct ts_timeline *t)
{
    const uint32_t cap = t->cap * 2;
    double *cells = calloc((size_t)t->n_rows * cap, sizeof *cells);
    if (!cells) {
        t->failed = true;
        return false;
    }
    for (uint32_t row = 0; row < t->n_rows; row++) {
        memcpy(cells + (size_t)row * cap, t->cells + (size_t)row * t->cap, t->n_bins * sizeof *cells);
    }
    free(t->cells);
    t->cells = cells;
    t->cap = cap;
    return true;
}

static void double_width(struct ts_timeline *t)
{
    const uint32_t n_bins = (t->n_bins + 1) / 2;
    for (uint32_t row = 0; row < t->n_rows; row++) {
        double *bins = t->cells + (size_t)row * t->cap;
        for (uint32_t i = 0; i < n_bins; i++) {
            bins[i] = bins[2 * i] + (2 * i + 1 < t->n_bins ? bins[2 * i + 1] : 0.0);
        }
        memset(bins + n_bins, 0, (t->cap - n_bins) * sizeof *bins);
    }
    t->n_bins = n_bins;
    t->width_ns *= 2;
    t->at_begin_ns = t->at_end_ns = 0;
}

/* The bin of an instant, made to exist; UINT32_MAX without memory. */
static uint32_t find_bin(struct ts_timeline *t, int64_t at_ns)
{
    int64_t bin = at_ns / t->width_ns;
    while (bin >= t->cap) {
        if (t->cap >= TS_TIMELINE_MAX_BINS) {
            double_width(t);
            bin = at_ns / t->width_ns;
        } else if (!double_cap(t)) {
            return UINT32_MAX;
        }
    }
    if (bin >= t->n_bins) {
        t->n_bins = (uint32_t)bin + 1;
    }
    t->at = (uint32_t)bin;
    t->at_begin_ns = bin * t->width_ns;
    t->at_end_ns = t->at_begin_ns + t->width_ns;
    return (uint32_t)bin;
}

static inline uint32_t bin_of(struct ts_timeline *t, int64_t at_ns)
{
    return at_ns >= t->at_begin_ns && at_ns < t->at_end_ns ? t->at : find_bin(t, at_ns);
}

void ts_timeline_add_far(struct ts_timeline *t, uint32_t row, int64_t from_ns, int64_t to_ns, double rate,
                         double per_ns)
{
    if (to_ns <= from_ns || t->failed) {
        return;
    }
    const uint32_t last = bin_of(t, to_ns - 1);
    if (last == UINT32_MAX) {
        return;
    }
    double *bins = t->cells + (size_t)row * t->cap;
    uint32_t bin = from_ns >= t->at_begin_ns ? last : (uint32_t)(from_ns / t->width_ns);
    for (; bin < last; bin++) {
        const int64_t border_ns = (int64_t)(bin + 1) * t->width_ns;
        bins[bin] += rate * ((double)(border_ns - from_ns) * per_ns);
        from_ns = border_ns;
    }
    bins[last] += rate * ((double)(to_ns - from_ns) * per_ns);
}

void ts_timeline_count(struct ts_timeline *t, uint32_t row, int64_t at_ns, double amount)
{
    const uint32_t bin = t->failed ? UINT32_MAX : bin_of(t, at_ns);
    if (bin != UINT32_MAX) {
        t->cells[(size_t)row * t->cap + bin] += amount;
    }
}

bool ts_timeline_in_one_bin(struct ts_timeline *t, int64_t from_ns, int64_t to_ns)
{
    return !t->failed && bin_of(t, to_ns - 1) != UINT32_MAX && from_ns >= t->at_begin_ns;
}

void ts_timeline_extend(struct ts_timeline *t, int64_t to_ns)
{
    if (to_ns > 0 && !t->failed) {
        (void)bin_of(t, to_ns - 1);
    }
}
