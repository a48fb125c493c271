/* Hides how samples are taken. Every (shape, tokens) pair, every baseline pair and every bandwidth size is an item; a
 * round takes each item once (short ones several times), and rounds are repeated until the time is used up, so that a
 * disturbance hits all items alike and medians shed it. The first round warms up and is not counted. An item that would
 * take too large a part of a slow machine's time is measured on the matrix's first rows, its time scaled up by rows:
 * rows are independent.
 *
 * Few tokens are the business of decoding, which streams all weights of the model again and again. Their items are
 * taken that way: a few passes through all layers, the first not counted. Single products out of the blue would find
 * page tables and prefetchers cold and look a third slower. */
#include "kernels/bench_run.h"

#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "kernels/blas.h"
#include "kernels/energy.h"
#include "kernels/host.h"
#include "kernels/pages.h"
#include "kernels/spread.h"

enum {
    MAX_SAMPLES = 1024,
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
static const double report_every_s = 0.1;
static const char energy_root[] = "/sys/class/powercap";

static void find_largest(struct ts_bench *bench)
{
    const struct ts_bench_options *options = bench->options;
    bench->max_tok = options->n_tok[options->n_n_tok - 1];
    for (size_t i = 0; i < options->n_shapes; i++) {
        bench->max_rows = options->shapes[i].rows > bench->max_rows ? options->shapes[i].rows : bench->max_rows;
        bench->max_cols = options->shapes[i].cols > bench->max_cols ? options->shapes[i].cols : bench->max_cols;
    }
}

/* Main memory counts from here on: twice the last cache, within what memory and a short budget allow. */
static uint64_t largest_working_set(const struct ts_cpu *cpu, uint64_t memory, double budget_s)
{
    uint64_t bytes = cpu->l3_bytes * 2 > (256ULL << 20) ? cpu->l3_bytes * 2 : 256ULL << 20;
    uint64_t affordable = budget_s < 16.0 ? (uint64_t)(budget_s * (64 << 20)) + (16U << 20) : 1ULL << 30;
    bytes = bytes < affordable ? bytes : affordable;
    return bytes < memory / 8 ? bytes : memory / 8;
}

static enum ts_status start_pool(struct ts_bench *leader)
{
    enum ts_status status = ts_pool_create(&leader->pool, leader->n_threads);
    if (status != TS_OK) {
        return ts_fail(leader->diags, status, ts_span_none(), NULL, "cannot start %lu threads",
                       (unsigned long)leader->n_threads);
    }
    if (leader->options->bind && ts_pool_bind(leader->pool) != TS_OK) {
        return ts_fail(leader->diags, TS_EUNSUPPORTED, ts_span_none(), "leave out --affinity",
                       "this system does not let a program bind threads to processors");
    }
    return TS_OK;
}

static enum ts_status allocate(struct ts_bench *bench, const struct ts_cpu *cpu)
{
    const struct ts_bench_options *options = bench->options;
    uint64_t memory = ts_host_memory_bytes();
    memory = (memory > 0 ? memory : 2ULL << 30) / bench->n_formats;
    bench->x_bytes = (size_t)bench->max_tok * bench->max_cols * sizeof(float);
    bench->y_bytes = (size_t)bench->max_tok * bench->max_rows * sizeof(float);
    enum ts_status status = ts_matmul_space_create(&bench->space, bench->pool, bench->max_tok, bench->max_cols);
    if (status == TS_OK) {
        bench->x = ts_pages_alloc(bench->x_bytes);
        bench->y = ts_pages_alloc(bench->y_bytes);
        status = bench->x && bench->y ? TS_OK : TS_ENOMEM;
    }
    if (status == TS_OK) {
        ts_bench_fill_normal(bench->x, (size_t)bench->max_tok * bench->max_cols, 2);
        status = ts_bench_weights_create(&bench->weights, bench->arena, bench->kernel, bench->quant->id,
                                         options->shapes, options->n_shapes, memory / 5 * 2, options->baseline);
    }
    if (status == TS_OK && bench == bench->leader) {
        status = ts_peaks_init(&bench->peaks, bench->pool, bench->kernel->probes,
                               largest_working_set(cpu, memory, options->budget_s));
    } else if (status == TS_OK) {
        bench->peaks = bench->leader->peaks;
        bench->peaks.probes = bench->kernel->probes;
    }
    return status == TS_OK ? TS_OK : ts_bench_fail_no_memory(bench);
}

static void deinit(struct ts_bench *bench)
{
    if (bench == bench->leader) {
        ts_peaks_deinit(&bench->peaks);
    }
    ts_bench_weights_deinit(&bench->weights);
    ts_pages_free(bench->x, bench->x_bytes);
    ts_pages_free(bench->y, bench->y_bytes);
    ts_matmul_space_destroy(bench->space);
}

static bool add_item(struct ts_bench *bench, struct ts_bench_item item)
{
    item.samples = ts_arena_array(bench->arena, MAX_SAMPLES, sizeof *item.samples);
    item.repeats = 1;
    bench->items[bench->n_items++] = item;
    return item.samples != NULL;
}

/* The baseline is measured at the least, the most and two token counts between. */
static bool has_baseline(const struct ts_bench_options *options, size_t index)
{
    size_t last = options->n_n_tok - 1;
    return options->baseline && (index == 0 || index == last || index == last / 3 || index == last * 2 / 3);
}

static const uint64_t bandwidth_kib_per_worker[] = {16, 32, 128, 256, 512, 1024, 4096, 16384, 65536};

enum { N_BANDWIDTHS = sizeof bandwidth_kib_per_worker / sizeof bandwidth_kib_per_worker[0] };

static bool add_pairs(struct ts_bench *bench, enum ts_bench_item_kind kind)
{
    const struct ts_bench_options *options = bench->options;
    bool ok = true;
    for (uint32_t s = 0; s < options->n_shapes; s++) {
        for (size_t i = 0; i < options->n_n_tok; i++) {
            if (kind == TS_BENCH_MATMUL || has_baseline(options, i)) {
                ok &= add_item(
                    bench, (struct ts_bench_item){
                               .kind = kind, .shape = s, .n_tok = options->n_tok[i], .rows = options->shapes[s].rows});
            }
        }
    }
    return ok;
}

static int by_size(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Working sets from a share of the first-level caches to main memory and, with several formats, the weights of each: of
 * increasing size. */
static size_t working_sets(uint64_t *out, const struct ts_bench *leader)
{
    uint64_t largest = leader->peaks.memory_bytes;
    size_t n = 0;
    for (size_t i = 0; i < N_BANDWIDTHS; i++) {
        uint64_t bytes = (bandwidth_kib_per_worker[i] << 10) * leader->n_threads;
        if (bytes < largest) {
            out[n++] = bytes;
        }
    }
    for (uint32_t i = 0; i < leader->n_formats && leader->n_formats > 1; i++) {
        if (leader[i].weights.held_bytes < largest) {
            out[n++] = leader[i].weights.held_bytes;
        }
    }
    out[n++] = largest;
    qsort(out, n, sizeof *out, by_size);
    return n;
}

/* Those of the kernel's own instructions. */
static bool add_peaks(struct ts_bench *bench)
{
    bool ok = add_item(bench, (struct ts_bench_item){.kind = TS_BENCH_PEAK_DOT});
    ok &= add_item(bench, (struct ts_bench_item){.kind = TS_BENCH_PEAK_FMA});
    ok &= add_item(bench, (struct ts_bench_item){.kind = TS_BENCH_PEAK_BF16});
    return ok;
}

static bool add_limits(struct ts_bench *leader)
{
    uint64_t sizes[N_BANDWIDTHS + TS_BENCH_MAX_FORMATS + 1];
    size_t n = working_sets(sizes, leader);
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || sizes[i] != sizes[i - 1]) {
            ok &= add_item(leader, (struct ts_bench_item){.kind = TS_BENCH_BANDWIDTH, .bytes = sizes[i]});
        }
    }
    if (leader->n_threads > 1) {
        ok &= add_item(leader, (struct ts_bench_item){.kind = TS_BENCH_WAKE_SPIN});
        ok &= add_item(leader, (struct ts_bench_item){.kind = TS_BENCH_WAKE_SLEEP});
    }
    return ok;
}

static enum ts_status plan_items(struct ts_bench *bench)
{
    const struct ts_bench_options *options = bench->options;
    size_t max = 2 * options->n_shapes * options->n_n_tok + N_BANDWIDTHS + TS_BENCH_MAX_FORMATS + 6;
    bench->items = ts_arena_array(bench->arena, max, sizeof *bench->items);
    if (!bench->items) {
        return ts_bench_fail_no_memory(bench);
    }
    bool ok = add_pairs(bench, TS_BENCH_MATMUL) && add_peaks(bench) && (bench != bench->leader || add_limits(bench));
    ok = ok && add_pairs(bench, TS_BENCH_BASELINE);
    return ok ? TS_OK : ts_bench_fail_no_memory(bench);
}

static double time_copy(struct ts_bench *bench, const struct ts_bench_item *item, uint32_t copy, uint32_t rows)
{
    struct ts_matrix view = bench->weights.shapes[item->shape].copies[copy];
    uint32_t all = view.rows;
    view.rows = rows;
    view.n_groups = (rows + view.format->group_rows - 1) / view.format->group_rows;
    double start = ts_clock_s();
    ts_matmul(bench->space, bench->y, rows, &view, bench->x, view.cols, item->n_tok);
    return (ts_clock_s() - start) * ((double)all / rows);
}

static double time_matmul(struct ts_bench *bench, const struct ts_bench_item *item, uint32_t rows)
{
    struct ts_bench_shape_weights *weights = &bench->weights.shapes[item->shape];
    return time_copy(bench, item, weights->next_copy++ % weights->n_copies, rows);
}

static double time_baseline(struct ts_bench *bench, const struct ts_bench_item *item, uint32_t rows)
{
    const struct ts_matmul_shape *shape = &bench->options->shapes[item->shape];
    double start = ts_clock_s();
    ts_blas_matmul(bench->y, bench->weights.shapes[item->shape].floats, bench->x, rows, shape->cols, item->n_tok);
    return (ts_clock_s() - start) * ((double)shape->rows / rows);
}

static void nap(double seconds)
{
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)nanosleep(&time, NULL);
}

static void do_nothing(void *user, uint32_t worker, uint32_t n_workers)
{
    (void)user, (void)worker, (void)n_workers;
}

/* An empty job, after its workers have had time to fall asleep or while they spin. */
static double time_wake(struct ts_bench *bench, bool asleep)
{
    if (asleep) {
        nap(fall_asleep_s);
    }
    double start = ts_clock_s();
    for (int i = 0; i < (asleep ? 1 : WAKES); i++) {
        ts_pool_run(bench->pool, do_nothing, NULL);
    }
    return (ts_clock_s() - start) / (asleep ? 1 : WAKES);
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

static double elapsed_s(const struct ts_bench *bench)
{
    return ts_clock_s() - bench->start_s;
}

static void report(struct ts_bench *bench, const struct ts_bench_item *item)
{
    const struct ts_bench_progress *progress = &bench->options->progress;
    double now = elapsed_s(bench);
    if (!progress->report || (bench->last_report_s > 0.0 && now - bench->last_report_s < report_every_s)) {
        return;
    }
    bench->last_report_s = now;
    static const char *const what[] = {"matrix products", "memory bandwidth", "arithmetic peak", "arithmetic peak",
                                       "arithmetic peak", "wake-up",          "wake-up",         "float baseline"};
    double budget = bench->options->budget_s > 0.0 ? bench->options->budget_s : 1.0;
    double done = now / budget < 0.99 ? now / budget : 0.99;
    double left = budget > now ? budget - now : 0.0;
    if (progress->report(progress->user, done, item ? what[item->kind] : "preparing weights", left) != 0) {
        bench->stopped = true;
    }
}

static void keep_sample(struct ts_bench_item *item, double value)
{
    if (item->n_samples < MAX_SAMPLES) {
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
        report(bench, &bench->items[0]);
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
        report(bench, item);
    }
    if (bench->options->baseline && bench->n_threads > 1) {
        nap(blas_nap_s);
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
        report(bench, item);
    }
    double allowed = (bench->options->budget_s - elapsed_s(bench)) / (MIN_ROUNDS + 1) / bench->n_formats;
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
        double start = ts_clock_s();
        nap(idle_power_s);
        leader->has_energy = ts_energy_read(&after, energy_root);
        leader->idle_w = ts_energy_between_j(&before, &after) / (ts_clock_s() - start);
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
    double start = ts_clock_s();
    double last = 0.0;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        if (round >= MIN_ROUNDS && elapsed_s(leader) + last > leader->options->budget_s) {
            break;
        }
        double begin = ts_clock_s();
        if (!run_formats(leader, true)) {
            return TS_EINTERRUPTED;
        }
        last = ts_clock_s() - begin;
    }
    leader->has_energy = leader->has_energy && ts_energy_read(&after, energy_root);
    if (leader->has_energy) {
        leader->busy_w = ts_energy_between_j(&before, &after) / (ts_clock_s() - start);
    }
    return TS_OK;
}

static enum ts_status prepare(struct ts_bench *leader, const struct ts_cpu *cpu)
{
    enum ts_status status = start_pool(leader);
    for (uint32_t i = 0; status == TS_OK && i < leader->n_formats; i++) {
        leader[i].pool = leader->pool;
        find_largest(&leader[i]);
        status = allocate(&leader[i], cpu);
        report(&leader[i], NULL);
    }
    for (uint32_t i = 0; status == TS_OK && i < leader->n_formats; i++) {
        status = plan_items(&leader[i]);
    }
    return status;
}

static enum ts_status measure_formats(struct ts_measurement *out, struct ts_bench *leader, const struct ts_cpu *cpu)
{
    report(leader, NULL);
    uint32_t blas_threads = ts_blas_set_threads(leader->n_threads);
    measure_idle_power(leader);
    enum ts_status status = prepare(leader, cpu);
    if (status == TS_OK) {
        status = run_rounds(leader);
    }
    for (uint32_t i = 0; status == TS_OK && i < leader->n_formats; i++) {
        status = ts_bench_collect(&out[i], &leader[i], cpu);
    }
    (void)ts_blas_set_threads(blas_threads);
    for (uint32_t i = 0; i < leader->n_formats; i++) {
        deinit(&leader[i]);
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
                                       .start_s = ts_clock_s()};
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
