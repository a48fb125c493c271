/* Hides the memory of a result and how replications merge: counts, energies and money add up; means are weighted by
 * simulated time; a bin of the series is the mean over the replications that reached it. */
#include "sim/result.h"

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

enum ts_status ts_result_init(struct ts_result *out, const struct ts_model *model, uint32_t n_bins)
{
    struct ts_result result = {.n_tiers = model->n_tiers,
                               .n_classes = model->n_classes > 0 ? model->n_classes : 1,
                               .n_replications = 1,
                               .bin_s = model->series_bin_s};
    result.n_pools = ts_model_first_pool(model, model->n_tiers);
    result.tiers = calloc((size_t)result.n_tiers + 1, sizeof *result.tiers);
    result.pools = calloc((size_t)result.n_pools + 1, sizeof *result.pools);
    if (!result.tiers || !result.pools) {
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
    if (ts_result_resize_bins(&result, n_bins) != TS_OK) {
        ts_result_deinit(&result);
        return TS_ENOMEM;
    }
    *out = result;
    return TS_OK;
}

enum { N_SERIES = 4 };

static double **series_of(struct ts_tier_result *tier, int which)
{
    double **const all[N_SERIES] = {&tier->power_w, &tier->in_tier, &tier->busy, &tier->kv_used};
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

static void add_counts(struct ts_cell *into, const struct ts_cell *from)
{
    into->arrived += from->arrived;
    into->done += from->done;
    into->rejected += from->rejected;
    into->timed_out += from->timed_out;
    into->unfinished += from->unfinished;
    into->left_out += from->left_out;
    into->left_out_done += from->left_out_done;
    into->slo_met += from->slo_met;
    into->fell_back += from->fell_back;
    into->superseded += from->superseded;
    into->superseded_tok += from->superseded_tok;
    into->prompt_tok += from->prompt_tok;
    into->output_tok += from->output_tok;
    into->expected_right += from->expected_right;
    into->api_usd += from->api_usd;
    into->displaced_usd += from->displaced_usd;
    into->barred_usd += from->barred_usd;
}

static enum ts_status merge_cell(struct ts_cell *into, const struct ts_cell *from)
{
    for (int l = 0; l < TS_N_LATENCIES; l++) {
        if (ts_hist_merge(&into->latency_ns[l], &from->latency_ns[l]) != TS_OK) {
            return TS_ENOMEM;
        }
    }
    add_counts(into, from);
    return TS_OK;
}

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

static void merge_batches(struct ts_batch_means *into, const struct ts_batch_means *from)
{
    for (int l = 0; l < TS_N_LATENCIES; l++) {
        ts_batch_means_merge(&into[l], &from[l]);
    }
}

static void merge_tier(struct ts_tier_result *into, const struct ts_tier_result *from, struct weights by_time)
{
    const struct weights by_step = weights_of((double)into->n_steps, (double)from->n_steps);
    into->mean_batch = weighted(by_step, into->mean_batch, from->mean_batch);
    ts_result_add_units(into, from);
    into->busy_frac = weighted(by_time, into->busy_frac, from->busy_frac);
    into->mean_up = weighted(by_time, into->mean_up, from->mean_up);
    into->transfer_busy_frac = weighted(by_time, into->transfer_busy_frac, from->transfer_busy_frac);
    into->transfer_bytes += from->transfer_bytes;
    into->mean_in_tier = weighted(by_time, into->mean_in_tier, from->mean_in_tier);
    into->kv_mean_frac = weighted(by_time, into->kv_mean_frac, from->kv_mean_frac);
    into->n_throttled += from->n_throttled;
    into->n_retries += from->n_retries;
    into->n_starts += from->n_starts;
    into->n_failures += from->n_failures;
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
        merge_tier(&into->pools[i], &from->pools[i], by_time);
    }
    into->n_replications += from->n_replications;
    into->window_s += from->window_s;
    into->simulated_s += from->simulated_s;
    into->warmup_s += from->warmup_s;
    into->n_events += from->n_events;
    merge_batches(into->batches, from->batches);
    return TS_OK;
}

/* ---- sums and checks ---- */

void ts_result_add_units(struct ts_tier_result *into, const struct ts_tier_result *from)
{
    into->idle_j += from->idle_j;
    into->active_j += from->active_j;
    into->host_j += from->host_j;
    into->overhead_j += from->overhead_j;
    into->flop += from->flop;
    into->bytes += from->bytes;
    into->peak_flop += from->peak_flop;
    into->peak_bytes += from->peak_bytes;
    into->n_steps += from->n_steps;
    into->n_preemptions += from->n_preemptions;
    into->looked_up_tok += from->looked_up_tok;
    into->found_tok += from->found_tok;
    into->kv_peak_frac = into->kv_peak_frac > from->kv_peak_frac ? into->kv_peak_frac : from->kv_peak_frac;
}

int ts_result_balances(const struct ts_result *result)
{
    for (uint32_t i = 0; i <= result->n_tiers; i++) {
        for (uint32_t c = 0; c < result->n_classes; c++) {
            const struct ts_cell *cell = &result->tiers[i].cells[c];
            if (cell->arrived != cell->done + cell->rejected + cell->timed_out + cell->unfinished) {
                return 0;
            }
        }
    }
    return 1;
}

double ts_tier_energy_j(const struct ts_tier_result *tier)
{
    return tier->idle_j + tier->active_j + tier->host_j + tier->overhead_j;
}
