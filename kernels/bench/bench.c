/* Hides how samples are taken. Every (shape, tokens) pair, every baseline pair and every bandwidth size is an item; a
 * round takes each item once (short ones several times), and rounds are repeated until the time is used up, so that a
 * disturbance hits all items alike and medians shed it. The first round warms up and is not counted. An item that would
 * take too large a part of a slow machine's time is measured on the matrix's first rows, its time scaled up by rows:
 * rows are independent.
 *
 * Few tokens are the business of decoding, which streams all weights of the model again and again. Their items are
 * taken that way: a few passes through all layers, the first not counted. Single products out of the blue would find
 * page tables and prefetchers cold and look a third slower. */
#include "kernels/bench/bench_run.h"

#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "kernels/bench/blas.h"
#include "kernels/bench/energy.h"
#include "kernels/host.h"
#include "measure/spread.h"

enum {
    MAX_ROUNDS = 100,
    MIN_ROUNDS = 3,
    MAX_REPEATS = 16,
    CALIBRATION_ROWS = 256,
    STREAM_PASSES = 3,
    WAKES = 64,
};

static const double repeat_until_s = 2e-3; /* short items are repeated within a round */
static const double stream_max_s = 0.15;   /* a pass that takes longer is bound by arithmetic, not by memory */
static const double peak_item_s = 4e-3;
static const double blas_nap_s = 0.05;    /* OpenBLAS's workers spin for a while after a call */
static const double fall_asleep_s = 5e-3; /* longer than workers spin */
static const double idle_power_s = 0.5;
static const char energy_root[] = "/sys/class/powercap";

static double time_copy(struct ts_bench *bench, const struct ts_bench_item *item, uint32_t copy, uint32_t rows)
{
    struct ts_matrix view = bench->weights.shapes[item->shape].copies[copy];
    uint32_t all = view.rows;
    view.rows = rows;
    view.n_groups = (rows + view.format->group_rows - 1) / view.format->group_rows;
    double start = ts_clock_now_s();
    ts_matmul(bench->space, bench->y, rows, &view, bench->x, view.cols, item->n_tok);
    return (ts_clock_now_s() - start) * ((double)all / rows);
}

static double time_matmul(struct ts_bench *bench, const struct ts_bench_item *item, uint32_t rows)
{
    struct ts_bench_shape_weights *weights = &bench->weights.shapes[item->shape];
    return time_copy(bench, item, weights->next_copy++ % weights->n_copies, rows);
}

static double time_baseline(struct ts_bench *bench, const struct ts_bench_item *item, uint32_t rows)
{
    const struct ts_matmul_shape *shape = &bench->options->shapes[item->shape];
    double start = ts_clock_now_s();
    ts_blas_matmul(bench->y, bench->weights.shapes[item->shape].floats, bench->x, rows, shape->cols, item->n_tok);
    return (ts_clock_now_s() - start) * ((double)shape->rows / rows);
}

static void do_nothing(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)user, (void)worker, (void)n_workers;
}

/* An empty job, after its workers have had time to fall asleep or while they spin. */
static double time_wake(struct ts_bench *bench, bool asleep)
{
    if (asleep) {
        ts_clock_sleep_s(fall_asleep_s);
    }
    double start = ts_clock_now_s();
    for (int i = 0; i < (asleep ? 1 : WAKES); i++) {
        ts_pool_run(bench->pool, do_nothing, NULL);
    }
    return (ts_clock_now_s() - start) / (asleep ? 1 : WAKES);
}

/* Seconds for a product or a wake-up, otherwise a rate. */
static double sample(struct ts_bench *bench, const struct ts_bench_item *item)
{
    switch (item->kind) {
    case TS_BENCH_MATMUL:
        return time_matmul(bench, item, item->rows);
    case TS_BENCH_BASELINE:
        return time_baseline(bench, item, item->rows);
    case TS_BENCH_PEAK_DOT:
        return ts_peaks_dot_gops(&bench->peaks, peak_item_s);
    case TS_BENCH_PEAK_FMA:
        return ts_peaks_fma_gflops(&bench->peaks, peak_item_s);
    case TS_BENCH_PEAK_BF16:
        return ts_peaks_bf16_gflops(&bench->peaks, peak_item_s);
    case TS_BENCH_WAKE_SPIN:
        return time_wake(bench, false);
    case TS_BENCH_WAKE_SLEEP:
        return time_wake(bench, true);
    case TS_BENCH_BANDWIDTH:
        break;
    }
    return ts_peaks_read_gb_per_s(&bench->peaks, item->bytes, peak_item_s);
}

static void keep_sample(struct ts_bench_item *item, double value)
{
    if (item->n_samples < TS_BENCH_MAX_SAMPLES) {
        item->samples[item->n_samples++] = value;
    }
}

/* One pass through the model with n_tok tokens, layer by layer. */
static void stream_pass(struct ts_bench *bench, uint32_t n_tok, bool keep)
{
    uint32_t copy = 0;
    for (bool any = true; any; copy++) {
        any = false;
        for (size_t i = 0; i < bench->n_items; i++) {
            struct ts_bench_item *item = &bench->items[i];
            if (!item->streamed || item->n_tok != n_tok || copy >= bench->weights.shapes[item->shape].n_copies) {
                continue;
            }
            double seconds = time_copy(bench, item, copy, item->rows);
            if (keep) {
                keep_sample(item, seconds);
            }
            any = true;
        }
    }
}

static void run_streams(struct ts_bench *bench, bool keep)
{
    for (size_t i = 0; i < bench->options->n_n_tok && !bench->stopped; i++) {
        for (int pass = 0; pass < (keep ? STREAM_PASSES : 1); pass++) {
            stream_pass(bench, bench->options->n_tok[i], keep && pass > 0);
        }
        ts_bench_report(bench, &bench->items[0]);
    }
}

/* One visit of every item; samples are kept unless it is for warming up. */
static void run_round(struct ts_bench *bench, bool keep)
{
    run_streams(bench, keep);
    for (size_t i = 0; i < bench->n_items && !bench->stopped; i++) {
        struct ts_bench_item *item = &bench->items[i];
        for (uint32_t r = 0; !item->streamed && r < (keep ? item->repeats : 1); r++) {
            double value = sample(bench, item);
            if (keep) {
                keep_sample(item, value);
            }
        }
        ts_bench_report(bench, item);
    }
    if (bench->options->baseline && bench->n_threads > 1) {
        ts_clock_sleep_s(blas_nap_s);
    }
}

/* Marks the products of token counts whose pass through the model is short. */
static void choose_streams(struct ts_bench *bench)
{
    for (size_t t = 0; t < bench->options->n_n_tok; t++) {
        double pass_s = 0.0;
        for (size_t i = 0; i < bench->n_items; i++) {
            const struct ts_bench_item *item = &bench->items[i];
            if (item->kind == TS_BENCH_MATMUL && item->n_tok == bench->options->n_tok[t]) {
                pass_s += item->estimate_s * bench->weights.shapes[item->shape].n_copies;
            }
        }
        for (size_t i = 0; i < bench->n_items; i++) {
            struct ts_bench_item *item = &bench->items[i];
            item->streamed |=
                item->kind == TS_BENCH_MATMUL && item->n_tok == bench->options->n_tok[t] && pass_s <= stream_max_s;
        }
    }
}

static bool is_product(const struct ts_bench_item *item)
{
    return item->kind == TS_BENCH_MATMUL || item->kind == TS_BENCH_BASELINE;
}

/* Estimates every item's time from a few of its rows, and shortens those that would not fit into a quarter of the time
 * left: the largest limit is chosen under which one round fits. */
static void calibrate(struct ts_bench *bench)
{
    double total = 0.0;
    for (size_t i = 0; i < bench->n_items && !bench->stopped; i++) {
        struct ts_bench_item *item = &bench->items[i];
        if (!is_product(item)) {
            continue;
        }
        uint32_t rows = item->rows < CALIBRATION_ROWS ? item->rows : CALIBRATION_ROWS;
        item->estimate_s =
            item->kind == TS_BENCH_MATMUL ? time_matmul(bench, item, rows) : time_baseline(bench, item, rows);
        total += item->estimate_s;
        ts_bench_report(bench, item);
    }
    double allowed = (bench->options->budget_s - ts_bench_elapsed_s(bench)) / (MIN_ROUNDS + 1) / bench->n_formats;
    allowed = allowed > 0.01 ? allowed : 0.01;
    double limit = total;
    for (int i = 0; i < 60 && total > allowed; i++) {
        limit *= 0.8;
        total = 0.0;
        for (size_t k = 0; k < bench->n_items; k++) {
            total += bench->items[k].estimate_s < limit ? bench->items[k].estimate_s : limit;
        }
    }
    for (size_t i = 0; i < bench->n_items; i++) {
        struct ts_bench_item *item = &bench->items[i];
        double part = item->estimate_s > limit ? limit / item->estimate_s : 1.0;
        uint32_t rows = (uint32_t)(part * item->rows) / CALIBRATION_ROWS * CALIBRATION_ROWS;
        rows = rows > CALIBRATION_ROWS ? rows : CALIBRATION_ROWS;
        item->rows = part < 1.0 && rows < item->rows ? rows : item->rows;
        if (is_product(item) && item->estimate_s * 2.0 < repeat_until_s) {
            double repeats = repeat_until_s / (item->estimate_s > 1e-9 ? item->estimate_s : 1e-9);
            item->repeats = repeats < MAX_REPEATS ? (uint32_t)repeats : MAX_REPEATS;
        }
    }
}

static void measure_idle_power(struct ts_bench *leader)
{
    struct ts_energy before, after;
    leader->has_energy = ts_energy_read(&before, energy_root);
    if (leader->has_energy) {
        double start = ts_clock_now_s();
        ts_clock_sleep_s(idle_power_s);
        leader->has_energy = ts_energy_read(&after, energy_root);
        leader->idle_w = ts_energy_between_j(&before, &after) / (ts_clock_now_s() - start);
    }
}

/* One round of all formats; false if it was stopped. */
static bool run_formats(struct ts_bench *leader, bool keep)
{
    for (uint32_t i = 0; i < leader->n_formats; i++) {
        run_round(&leader[i], keep);
        if (leader[i].stopped) {
            return false;
        }
    }
    return true;
}

static enum ts_status run_rounds(struct ts_bench *leader)
{
    for (uint32_t i = 0; i < leader->n_formats; i++) {
        calibrate(&leader[i]);
        choose_streams(&leader[i]);
        if (leader[i].stopped) {
            return TS_EINTERRUPTED;
        }
    }
    if (!run_formats(leader, false)) {
        return TS_EINTERRUPTED;
    }
    struct ts_energy before, after;
    leader->has_energy = leader->has_energy && ts_energy_read(&before, energy_root);
    double start = ts_clock_now_s();
    double last = 0.0;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        if (round >= MIN_ROUNDS && ts_bench_elapsed_s(leader) + last > leader->options->budget_s) {
            break;
        }
        double begin = ts_clock_now_s();
        if (!run_formats(leader, true)) {
            return TS_EINTERRUPTED;
        }
        last = ts_clock_now_s() - begin;
    }
    leader->has_energy = leader->has_energy && ts_energy_read(&after, energy_root);
    if (leader->has_energy) {
        leader->busy_w = ts_energy_between_j(&before, &after) / (ts_clock_now_s() - start);
    }
    return TS_OK;
}

static enum ts_status measure_formats(struct ts_measurement *out, struct ts_bench *leader, const struct ts_cpu *cpu)
{
    ts_bench_report(leader, NULL);
    uint32_t blas_threads = ts_blas_set_threads(leader->n_threads);
    measure_idle_power(leader);
    enum ts_status status = ts_bench_prepare(leader, cpu);
    if (status == TS_OK) {
        status = run_rounds(leader);
    }
    for (uint32_t i = 0; status == TS_OK && i < leader->n_formats; i++) {
        status = ts_bench_collect(&out[i], &leader[i], cpu);
    }
    (void)ts_blas_set_threads(blas_threads);
    for (uint32_t i = 0; i < leader->n_formats; i++) {
        ts_bench_deinit(&leader[i]);
    }
    ts_pool_destroy(leader->pool);
    return status;
}

enum ts_status ts_bench_run_formats(struct ts_measurement *out, struct ts_arena *arena,
                                    const struct ts_bench_options *options, size_t n, struct ts_diags *diags)
{
    TS_CHECK(n >= 1 && n <= TS_BENCH_MAX_FORMATS);
    struct ts_bench benches[TS_BENCH_MAX_FORMATS];
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    for (size_t i = 0; i < n; i++) {
        benches[i] = (struct ts_bench){.leader = benches,
                                       .n_formats = (uint32_t)n,
                                       .options = &options[i],
                                       .arena = arena,
                                       .diags = diags,
                                       .start_s = ts_clock_now_s()};
        benches[i].n_threads = options->n_threads > 0 ? options->n_threads : ts_host_usable_cpus();
        enum ts_status status = ts_bench_check(&benches[i], cpu.features);
        if (status != TS_OK) {
            return status;
        }
    }
    return measure_formats(out, benches, &cpu);
}

enum ts_status ts_bench_run(struct ts_measurement *out, struct ts_arena *arena, const struct ts_bench_options *options,
                            struct ts_diags *diags)
{
    return ts_bench_run_formats(out, arena, options, 1, diags);
}
