/* Hides the memory of a result and how the rules of sim/counters.inc merge replications and add up tiers; a bin of the
 * series is the mean over the replications that reached it. */
#include "sim/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim/result_bins.h"

static void cells_init(struct ts_cell *cells, uint32_t n)
{
    for (uint32_t c = 0; c < n; c++) {
        cells[c] = (struct ts_cell){0};
        for (int l = 0; l < TS_N_LATENCIES; l++) {
            ts_hist_init(&cells[c].latency_ns[l]);
        }
    }
}

void ts_cell_deinit(struct ts_cell *cell)
{
    for (int l = 0; l < TS_N_LATENCIES; l++) {
        ts_hist_deinit(&cell->latency_ns[l]);
    }
}

/* A cell for each kind of device of the mixed fleets. */
static bool create_kinds(struct ts_result *result, const struct ts_model *model)
{
    uint32_t pool = 0;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        for (uint32_t k = 0; k < ts_tier_n_pools(&model->tiers[i]); k++, pool++) {
            if (!ts_tier_is_mixed(&model->tiers[i])) {
                continue;
            }
            result->pools[pool].cells = malloc(sizeof *result->pools[pool].cells);
            if (!result->pools[pool].cells) {
                return false;
            }
            cells_init(result->pools[pool].cells, 1);
        }
    }
    return true;
}

enum ts_status ts_result_init(struct ts_result *out, const struct ts_model *model, uint32_t n_bins)
{
    struct ts_result result = {.n_tiers = model->n_tiers,
                               .n_classes = model->n_classes > 0 ? model->n_classes : 1,
                               .n_replications = 1,
                               .bin_s = model->series_bin_s};
    result.n_pools = ts_model_first_pool(model, model->n_tiers);
    result.tiers = calloc((size_t)result.n_tiers + 1, sizeof *result.tiers);
    result.pools = calloc((size_t)result.n_pools + 1, sizeof *result.pools);
    result.tails = calloc(((size_t)result.n_classes + 1) * TS_N_TAILS, sizeof *result.tails);
    if (!result.tiers || !result.pools || !result.tails) {
        ts_result_deinit(&result);
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i <= result.n_tiers; i++) {
        result.tiers[i].cells = malloc(result.n_classes * sizeof *result.tiers[i].cells);
        if (!result.tiers[i].cells) {
            ts_result_deinit(&result);
            return TS_ENOMEM;
        }
        cells_init(result.tiers[i].cells, result.n_classes);
    }
    for (uint32_t i = 0; i < TS_MAX_TIERS; i++) {
        result.thresholds[i] = (struct ts_threshold_range){.from = -INFINITY, .below = INFINITY};
    }
    if (!create_kinds(&result, model) || ts_result_resize_bins(&result, n_bins) != TS_OK) {
        ts_result_deinit(&result);
        return TS_ENOMEM;
    }
    *out = result;
    return TS_OK;
}

enum {
#define TS_SERIES(field, ...) SERIES_##field,
#include "sim/counters.inc"
    N_SERIES
};

static double **series_of(struct ts_tier_result *tier, int which)
{
    double **const all[N_SERIES] = {
#define TS_SERIES(field, ...) &tier->field,
#include "sim/counters.inc"
    };
    return all[which];
}

void ts_result_deinit(struct ts_result *result)
{
    for (uint32_t i = 0; result->tiers && i <= result->n_tiers; i++) {
        struct ts_tier_result *tier = &result->tiers[i];
        for (uint32_t c = 0; tier->cells && c < result->n_classes; c++) {
            ts_cell_deinit(&tier->cells[c]);
        }
        ts_hist_deinit(&tier->transfer_ns);
        ts_hist_deinit(&tier->transfer_wait_ns);
        free(tier->cells);
        for (int s = 0; s < N_SERIES; s++) {
            free(*series_of(tier, s));
        }
    }
    for (uint32_t i = 0; result->pools && i < result->n_pools; i++) {
        if (result->pools[i].cells) {
            ts_cell_deinit(result->pools[i].cells);
            free(result->pools[i].cells);
        }
    }
    for (uint32_t i = 0; result->tails && i < (result->n_classes + 1) * TS_N_TAILS; i++) {
        ts_exceedance_deinit(&result->tails[i]);
    }
    free(result->tails);
    free(result->tiers);
    free(result->pools);
    free(result->arrivals);
    free(result->n_reached);
    *result = (struct ts_result){0};
}

/* ---- bins ---- */

static bool grow_doubles(double **bins, uint32_t old_n, uint32_t n)
{
    double *grown = realloc(*bins, (size_t)n * sizeof *grown);
    if (!grown) {
        return false;
    }
    memset(grown + old_n, 0, (size_t)(n - old_n) * sizeof *grown);
    *bins = grown;
    return true;
}

static bool grow_counts(struct ts_result *result, uint32_t n)
{
    const uint32_t old_n = result->n_bins;
    uint64_t *arrivals = realloc(result->arrivals, (size_t)n * sizeof *arrivals);
    if (!arrivals) {
        return false;
    }
    result->arrivals = arrivals;
    uint32_t *n_reached = realloc(result->n_reached, (size_t)n * sizeof *n_reached);
    if (!n_reached) {
        return false;
    }
    result->n_reached = n_reached;
    memset(arrivals + old_n, 0, (size_t)(n - old_n) * sizeof *arrivals);
    memset(n_reached + old_n, 0, (size_t)(n - old_n) * sizeof *n_reached);
    return true;
}

enum ts_status ts_result_resize_bins(struct ts_result *result, uint32_t n_bins)
{
    if (n_bins <= result->n_bins) {
        return TS_OK;
    }
    if (!grow_counts(result, n_bins)) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i <= result->n_tiers; i++) {
        for (int s = 0; s < N_SERIES; s++) {
            if (!grow_doubles(series_of(&result->tiers[i], s), result->n_bins, n_bins)) {
                return TS_ENOMEM;
            }
        }
    }
    result->n_bins = n_bins;
    return TS_OK;
}

static double mean_of_two(double a, double b)
{
    return (a + b) / 2.0;
}

/* Pairs of bins become one: what a run that reached further than others does with its axis. */
static void coarsen_bins(struct ts_result *result)
{
    const uint32_t n = (result->n_bins + 1) / 2;
    for (uint32_t b = 0; b < n; b++) {
        const bool pair = 2 * b + 1 < result->n_bins;
        const uint32_t right = pair ? 2 * b + 1 : 2 * b;
        result->arrivals[b] = result->arrivals[2 * b] + (pair ? result->arrivals[right] : 0);
        result->n_reached[b] = result->n_reached[2 * b];
        for (uint32_t i = 0; i <= result->n_tiers; i++) {
            for (int s = 0; s < N_SERIES; s++) {
                double *bins = *series_of(&result->tiers[i], s);
                bins[b] = mean_of_two(bins[2 * b], bins[right]);
            }
        }
    }
    result->n_bins = n;
    result->bin_s *= 2.0;
}

/* ---- merging ---- */

struct weights {
    double into, from; /* sum to 1 */
};

static struct weights weights_of(double into, double from)
{
    const double sum = into + from;
    return sum > 0.0 ? (struct weights){into / sum, from / sum} : (struct weights){0.5, 0.5};
}

static double weighted(struct weights w, double into, double from)
{
    return w.into * into + w.from * from;
}

#define MERGE_SUM(field) into->field += from->field
#define MERGE_MAX(field) into->field = into->field > from->field ? into->field : from->field
#define MERGE_TIME_MEAN(field) into->field = weighted(by_time, into->field, from->field)
#define MERGE_STEP_MEAN(field) into->field = weighted(by_step, into->field, from->field)

static enum ts_status merge_cell(struct ts_cell *into, const struct ts_cell *from)
{
    for (int l = 0; l < TS_N_LATENCIES; l++) {
        if (ts_hist_merge(&into->latency_ns[l], &from->latency_ns[l]) != TS_OK) {
            return TS_ENOMEM;
        }
    }
#define TS_CELL(type, field, rule, ...) MERGE_##rule(field);
#include "sim/counters.inc"
    ts_attempts_add(&into->attempts, &from->attempts);
    return TS_OK;
}

static void merge_batches(struct ts_batch_means *into, const struct ts_batch_means *from)
{
    for (int l = 0; l < TS_N_LATENCIES; l++) {
        ts_batch_means_merge(&into[l], &from[l]);
    }
}

static void merge_tier(struct ts_tier_result *into, const struct ts_tier_result *from, struct weights by_time)
{
    const struct weights by_step = weights_of((double)into->n_steps, (double)from->n_steps);
#define TS_TIER(books, made, type, field, rule, ...) MERGE_##rule(field);
#include "sim/counters.inc"
    merge_batches(into->batches, from->batches);
}

static void merge_bins(struct ts_result *into, const struct ts_result *from)
{
    for (uint32_t b = 0; b < from->n_bins; b++) {
        const struct weights w = weights_of(into->n_reached[b], from->n_reached[b]);
        into->arrivals[b] += from->arrivals[b];
        into->n_reached[b] += from->n_reached[b];
        for (uint32_t i = 0; i <= into->n_tiers; i++) {
            for (int s = 0; s < N_SERIES; s++) {
                double *bins = *series_of(&into->tiers[i], s);
                bins[b] = weighted(w, bins[b], (*series_of(&from->tiers[i], s))[b]);
            }
        }
    }
}

/* A copy of the series alone, at the given bin width or, if that is finer, at its own. */
static enum ts_status copy_series(struct ts_result *out, const struct ts_result *from, double bin_s)
{
    const struct ts_model shape = {.n_tiers = from->n_tiers, .n_classes = 1, .series_bin_s = from->bin_s};
    const enum ts_status status = ts_result_init(out, &shape, from->n_bins);
    if (status != TS_OK) {
        return status;
    }
    merge_bins(out, from);
    while (out->bin_s < bin_s) {
        coarsen_bins(out);
    }
    return TS_OK;
}

static enum ts_status merge_series(struct ts_result *into, const struct ts_result *from)
{
    struct ts_result series;
    if (from->n_bins == 0) {
        return TS_OK;
    }
    TS_CHECK(from->bin_s > 0.0);
    enum ts_status status = copy_series(&series, from, into->bin_s);
    if (status != TS_OK) {
        return status;
    }
    if (into->n_bins == 0) {
        into->bin_s = series.bin_s;
    }
    while (into->bin_s < series.bin_s) {
        coarsen_bins(into);
    }
    status = ts_result_resize_bins(into, series.n_bins);
    if (status == TS_OK) {
        merge_bins(into, &series);
    }
    ts_result_deinit(&series);
    return status;
}

enum ts_status ts_result_merge(struct ts_result *into, const struct ts_result *from)
{
    TS_CHECK(into->n_tiers == from->n_tiers && into->n_classes == from->n_classes && into->n_pools == from->n_pools);
    const enum ts_status status = merge_series(into, from);
    if (status != TS_OK) {
        return status;
    }
    const struct weights by_time = weights_of(into->simulated_s - into->warmup_s, from->simulated_s - from->warmup_s);
    for (uint32_t i = 0; i <= into->n_tiers; i++) {
        for (uint32_t c = 0; c < into->n_classes; c++) {
            if (merge_cell(&into->tiers[i].cells[c], &from->tiers[i].cells[c]) != TS_OK) {
                return TS_ENOMEM;
            }
        }
        if (ts_hist_merge(&into->tiers[i].transfer_ns, &from->tiers[i].transfer_ns) != TS_OK ||
            ts_hist_merge(&into->tiers[i].transfer_wait_ns, &from->tiers[i].transfer_wait_ns) != TS_OK) {
            return TS_ENOMEM;
        }
        merge_tier(&into->tiers[i], &from->tiers[i], by_time);
    }
    for (uint32_t i = 0; i < into->n_pools; i++) {
        if (into->pools[i].cells && merge_cell(into->pools[i].cells, from->pools[i].cells) != TS_OK) {
            return TS_ENOMEM;
        }
        merge_tier(&into->pools[i], &from->pools[i], by_time);
    }
#define TS_RUN(type, field, rule, ...) MERGE_##rule(field);
#include "sim/counters.inc"
    merge_batches(into->batches, from->batches);
    for (uint32_t i = 0; i < (into->n_classes + 1) * TS_N_TAILS; i++) {
        if (ts_exceedance_merge(&into->tails[i], &from->tails[i]) != TS_OK) {
            return TS_ENOMEM;
        }
    }
    ts_frontier_merge(&into->frontier, &from->frontier);
    for (uint32_t i = 0; i < TS_MAX_TIERS; i++) {
        into->thresholds[i].from = fmax(into->thresholds[i].from, from->thresholds[i].from);
        into->thresholds[i].below = fmin(into->thresholds[i].below, from->thresholds[i].below);
    }
    return TS_OK;
}

/* ---- sums and checks ---- */

enum ts_status ts_result_sum(struct ts_cell *out, const struct ts_result *result, uint32_t tier, uint32_t class_id)
{
    TS_CHECK(tier <= result->n_tiers + 1);
    const uint32_t first = tier <= result->n_tiers ? tier : 0;
    const uint32_t last = tier <= result->n_tiers ? tier : result->n_tiers;
    struct ts_cell sum;
    cells_init(&sum, 1);
    for (uint32_t i = first; i <= last; i++) {
        for (uint32_t c = 0; c < result->n_classes; c++) {
            if ((class_id == TS_ALL_CLASSES || class_id == c) &&
                merge_cell(&sum, &result->tiers[i].cells[c]) != TS_OK) {
                ts_cell_deinit(&sum);
                return TS_ENOMEM;
            }
        }
    }
    *out = sum;
    return TS_OK;
}

/* Of all tiers together: what any tier has. */
#define TOTAL_ANY(field) out->field += from->field;
#define TOTAL_OWNED(field)
#define TOTAL_SERVER(field)
#define TOTAL_CROSSING(field)

void ts_result_total(struct ts_tier_result *out, const struct ts_result *result, uint32_t tier)
{
    TS_CHECK(tier <= result->n_tiers + 1);
    *out = (struct ts_tier_result){0};
    if (tier <= result->n_tiers) {
        const struct ts_tier_result *from = &result->tiers[tier];
#define TS_TIER(books, made, type, field, ...) out->field = from->field;
#include "sim/counters.inc"
        return;
    }
    for (uint32_t i = 0; i <= result->n_tiers; i++) {
        const struct ts_tier_result *from = &result->tiers[i];
#define TS_TIER(books, made, type, field, rule, has, ...) TOTAL_##has(field)
#include "sim/counters.inc"
    }
}

/* Of the units of a tier together: what does not need weights. */
#define ADD_UNITS_SUM(field) MERGE_SUM(field);
#define ADD_UNITS_MAX(field) MERGE_MAX(field);
#define ADD_UNITS_TIME_MEAN(field)
#define ADD_UNITS_STEP_MEAN(field)
#define ADD_TIER_SUM(field)
#define ADD_TIER_TIME_MEAN(field)

void ts_result_add_units(struct ts_tier_result *into, const struct ts_tier_result *from)
{
#define TS_TIER(books, made, type, field, rule, ...) ADD_##books##_##rule(field)
#include "sim/counters.inc"
}

static bool cell_balances(const struct ts_cell *cell)
{
    const struct ts_attempts *attempts = &cell->attempts;
    return cell->arrived == cell->done + cell->rejected + cell->timed_out + cell->unfinished &&
           attempts->answered == cell->done &&
           attempts->sent == attempts->answered + attempts->spared + attempts->open + ts_attempts_ended(attempts);
}

/* Where a call ended may be another tier than that of its last attempt (`nowhere`): over all of them it is the same. */
static bool class_balances(const struct ts_result *result, uint32_t class_id)
{
    struct ts_attempts all = {0};
    uint64_t rejected = 0, timed_out = 0, unfinished = 0, lost = 0;
    for (uint32_t i = 0; i <= result->n_tiers; i++) {
        const struct ts_cell *cell = &result->tiers[i].cells[class_id];
        ts_attempts_add(&all, &cell->attempts);
        rejected += cell->rejected;
        timed_out += cell->timed_out;
        unfinished += cell->unfinished;
    }
    for (int r = 0; r < TS_N_REASONS; r++) {
        lost += all.lost[r];
    }
    return all.lost[TS_REASON_GAVE_UP] == timed_out && lost == rejected + timed_out && all.open == unfinished;
}

int ts_result_balances(const struct ts_result *result)
{
    bool balances = true;
    for (uint32_t i = 0; i < result->n_pools; i++) {
        balances = balances && (!result->pools[i].cells || cell_balances(result->pools[i].cells));
    }
    for (uint32_t c = 0; c < result->n_classes; c++) {
        for (uint32_t i = 0; i <= result->n_tiers; i++) {
            balances = balances && cell_balances(&result->tiers[i].cells[c]);
        }
        balances = balances && class_balances(result, c);
    }
    return balances;
}

double ts_tier_energy_j(const struct ts_tier_result *tier)
{
    return tier->idle_j + tier->active_j + tier->host_j + tier->overhead_j;
}
