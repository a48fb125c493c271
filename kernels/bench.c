/* Hides how samples are taken. Every (shape, tokens) pair, every baseline pair and every bandwidth size is an item; a round takes each item once (short
 * ones several times), and rounds are repeated until the time is used up, so that a disturbance hits all items alike and medians shed it. The first
 * round warms up and is not counted. An item that would take too large a part of a slow machine's time is measured on the matrix's first rows, its
 * time scaled up by rows: rows are independent. */
#include "kernels/bench.h"

#include <time.h>

#include "kernels/bench_weights.h"
#include "kernels/blas.h"
#include "kernels/energy.h"
#include "kernels/host.h"
#include "kernels/pages.h"
#include "kernels/peaks.h"
#include "kernels/spread.h"

#if !defined(TS_VERSION)
#define TS_VERSION "unknown"
#endif

enum {
    MAX_SAMPLES = 256,
    MAX_ROUNDS = 100,
    MIN_ROUNDS = 3,
    MAX_N_TOK = 4096,
    MAX_REPEATS = 16,
    CALIBRATION_ROWS = 256,
};

static const double repeat_until_s = 2e-3;  /* short items are repeated within a round */
static const double peak_item_s = 4e-3;
static const double blas_nap_s = 0.05;      /* OpenBLAS's workers spin for a while after a call */
static const double idle_power_s = 0.5;
static const double report_every_s = 0.1;
static const char energy_root[] = "/sys/class/powercap";

enum item_kind { ITEM_MATMUL, ITEM_BANDWIDTH, ITEM_PEAK_DOT, ITEM_PEAK_FMA, ITEM_BASELINE };

struct item {
    enum item_kind kind;
    uint32_t shape, n_tok;
    uint64_t bytes;
    uint32_t rows;    /* measured */
    uint32_t repeats; /* per round */
    double estimate_s;
    double *samples;
    size_t n_samples;
};

struct bench {
    const struct ts_bench_options *options;
    struct ts_arena *arena;
    struct ts_diags *diags;
    const struct ts_kernel *kernel;
    const struct ts_quant_format *quant;
    uint32_t n_threads, max_tok, max_rows, max_cols;
    struct ts_pool *pool;
    struct ts_matmul_space *space;
    struct ts_bench_weights weights;
    struct ts_peaks peaks;
    float *x, *y;
    size_t x_bytes, y_bytes;
    struct item *items;
    size_t n_items;
    double start_s, last_report_s;
    double idle_w, busy_w;
    bool has_energy;
    bool stopped;
};

/* -- checks ------------------------------------------------------------------------------------------------------------------------ */

static enum ts_status fail_no_memory(const struct bench *bench)
{
    return ts_fail(bench->diags, TS_ENOMEM, ts_span_none(), "close other programs, or measure a smaller model",
                   "not enough memory for the benchmark's matrices");
}

static enum ts_status check_lists(const struct bench *bench)
{
    const struct ts_bench_options *options = bench->options;
    struct ts_span nowhere = ts_span_none();
    if (!(options->budget_s > 0.0 && options->budget_s <= 86400.0)) {
        return ts_fail(bench->diags, TS_ERANGE, nowhere, NULL, "the time to measure must lie between 0 and 86400 seconds");
    }
    if (options->n_shapes == 0 || options->n_n_tok == 0) {
        return ts_fail(bench->diags, TS_ERANGE, nowhere, NULL, "there is nothing to measure: no shape or no token count");
    }
    for (size_t i = 0; i < options->n_n_tok; i++) {
        if (options->n_tok[i] == 0 || options->n_tok[i] > MAX_N_TOK || (i > 0 && options->n_tok[i] <= options->n_tok[i - 1])) {
            return ts_fail(bench->diags, TS_ERANGE, nowhere, "write for example 1,8,64,512",
                           "token counts must increase and lie between 1 and %d", (int)MAX_N_TOK);
        }
    }
    for (size_t i = 0; i < options->n_shapes; i++) {
        const struct ts_matmul_shape *shape = &options->shapes[i];
        if (shape->rows == 0 || shape->cols == 0 || shape->count == 0 || shape->cols % bench->quant->block_cols != 0) {
            return ts_fail(bench->diags, TS_ERANGE, nowhere, NULL, "%s cannot hold matrix '%s' of %lu x %lu: columns must be a multiple of %lu",
                           bench->quant->name, shape->name, (unsigned long)shape->rows, (unsigned long)shape->cols,
                           (unsigned long)bench->quant->block_cols);
        }
    }
    return TS_OK;
}

static enum ts_status choose_quant(struct bench *bench)
{
    const char *name = bench->options->quant;
    bench->quant = ts_quant_find(name);
    if (bench->quant) {
        return TS_OK;
    }
    const char *hint = "";
    for (int i = 0; i < TS_QUANT_COUNT && hint; i++) {
        hint = ts_arena_printf(bench->arena, "%s%s%s", hint, i > 0 ? ", " : "formats: ", ts_quant_format((enum ts_quant)i)->name);
    }
    return ts_fail(bench->diags, TS_EUNSUPPORTED, ts_span_none(), hint, "unknown weight format '%s'", name);
}

static enum ts_status choose_kernel(struct bench *bench, uint32_t features)
{
    const char *why;
    bench->kernel = ts_kernel_select(features, bench->quant->id, bench->options->isa, &why);
    if (bench->kernel) {
        return TS_OK;
    }
    const char *hint = "";
    for (size_t i = 0; i < ts_kernel_count() && hint; i++) {
        const struct ts_kernel *kernel = ts_kernel_at(i);
        if ((kernel->needs & ~features) == 0 && ts_kernel_format(kernel, bench->quant->id)) {
            hint = ts_arena_printf(bench->arena, "%s%s%s", hint, hint[0] ? ", " : "this machine runs: ", kernel->name);
        }
    }
    return ts_fail(bench->diags, TS_EUNSUPPORTED, ts_span_none(), hint, "kernel variant '%s' cannot be used for %s: %s",
                   bench->options->isa ? bench->options->isa : "any", bench->quant->name, why);
}

/* -- set-up ------------------------------------------------------------------------------------------------------------------------ */

static void find_largest(struct bench *bench)
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

static enum ts_status allocate(struct bench *bench, const struct ts_cpu *cpu)
{
    const struct ts_bench_options *options = bench->options;
    uint64_t memory = ts_host_memory_bytes();
    memory = memory > 0 ? memory : 2ULL << 30;
    bench->x_bytes = (size_t)bench->max_tok * bench->max_cols * sizeof(float);
    bench->y_bytes = (size_t)bench->max_tok * bench->max_rows * sizeof(float);
    enum ts_status status = ts_pool_create(&bench->pool, bench->n_threads);
    if (status != TS_OK) {
        return ts_fail(bench->diags, status, ts_span_none(), NULL, "cannot start %lu threads", (unsigned long)bench->n_threads);
    }
    status = ts_matmul_space_create(&bench->space, bench->pool, bench->max_tok, bench->max_cols);
    if (status == TS_OK) {
        bench->x = ts_pages_alloc(bench->x_bytes);
        bench->y = ts_pages_alloc(bench->y_bytes);
        status = bench->x && bench->y ? TS_OK : TS_ENOMEM;
    }
    if (status == TS_OK) {
        ts_bench_fill_normal(bench->x, (size_t)bench->max_tok * bench->max_cols, 2);
        status = ts_bench_weights_create(&bench->weights, bench->arena, bench->kernel, bench->quant->id, options->shapes,
                                         options->n_shapes, memory / 5 * 2, options->baseline);
    }
    if (status == TS_OK) {
        status = ts_peaks_init(&bench->peaks, bench->pool, bench->kernel->probes, largest_working_set(cpu, memory, options->budget_s));
    }
    return status == TS_OK ? TS_OK : fail_no_memory(bench);
}

static void deinit(struct bench *bench)
{
    ts_peaks_deinit(&bench->peaks);
    ts_bench_weights_deinit(&bench->weights);
    ts_pages_free(bench->x, bench->x_bytes);
    ts_pages_free(bench->y, bench->y_bytes);
    ts_matmul_space_destroy(bench->space);
    ts_pool_destroy(bench->pool);
}

static bool add_item(struct bench *bench, struct item item)
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

static bool add_pairs(struct bench *bench, enum item_kind kind)
{
    const struct ts_bench_options *options = bench->options;
    bool ok = true;
    for (uint32_t s = 0; s < options->n_shapes; s++) {
        for (size_t i = 0; i < options->n_n_tok; i++) {
            if (kind == ITEM_MATMUL || has_baseline(options, i)) {
                ok &= add_item(bench, (struct item){.kind = kind, .shape = s, .n_tok = options->n_tok[i], .rows = options->shapes[s].rows});
            }
        }
    }
    return ok;
}

static enum ts_status plan_items(struct bench *bench)
{
    const struct ts_bench_options *options = bench->options;
    size_t max = 2 * options->n_shapes * options->n_n_tok + N_BANDWIDTHS + 3;
    bench->items = ts_arena_array(bench->arena, max, sizeof *bench->items);
    if (!bench->items) {
        return fail_no_memory(bench);
    }
    bool ok = add_pairs(bench, ITEM_MATMUL);
    uint64_t largest = bench->peaks.memory_bytes;
    for (size_t i = 0; i < N_BANDWIDTHS; i++) {
        uint64_t bytes = (bandwidth_kib_per_worker[i] << 10) * bench->n_threads;
        if (bytes < largest) {
            ok &= add_item(bench, (struct item){.kind = ITEM_BANDWIDTH, .bytes = bytes});
        }
    }
    ok &= add_item(bench, (struct item){.kind = ITEM_BANDWIDTH, .bytes = largest});
    ok &= add_item(bench, (struct item){.kind = ITEM_PEAK_DOT});
    ok &= add_item(bench, (struct item){.kind = ITEM_PEAK_FMA});
    ok &= add_pairs(bench, ITEM_BASELINE);
    return ok ? TS_OK : fail_no_memory(bench);
}

/* -- samples ----------------------------------------------------------------------------------------------------------------------- */

static double time_matmul(struct bench *bench, const struct item *item, uint32_t rows)
{
    struct ts_bench_shape_weights *weights = &bench->weights.shapes[item->shape];
    struct ts_matrix view = weights->copies[weights->next_copy++ % weights->n_copies];
    uint32_t all = view.rows;
    view.rows = rows;
    view.n_groups = (rows + view.format->group_rows - 1) / view.format->group_rows;
    double start = ts_clock_s();
    ts_matmul(bench->space, bench->y, rows, &view, bench->x, view.cols, item->n_tok);
    return (ts_clock_s() - start) * ((double)all / rows);
}

static double time_baseline(struct bench *bench, const struct item *item, uint32_t rows)
{
    const struct ts_matmul_shape *shape = &bench->options->shapes[item->shape];
    double start = ts_clock_s();
    ts_blas_matmul(bench->y, bench->weights.shapes[item->shape].floats, bench->x, rows, shape->cols, item->n_tok);
    return (ts_clock_s() - start) * ((double)shape->rows / rows);
}

/* Seconds for a product, otherwise a rate. */
static double sample(struct bench *bench, const struct item *item)
{
    switch (item->kind) {
    case ITEM_MATMUL:
        return time_matmul(bench, item, item->rows);
    case ITEM_BASELINE:
        return time_baseline(bench, item, item->rows);
    case ITEM_PEAK_DOT:
        return ts_peaks_dot_gops(&bench->peaks, peak_item_s);
    case ITEM_PEAK_FMA:
        return ts_peaks_fma_gflops(&bench->peaks, peak_item_s);
    case ITEM_BANDWIDTH:
        break;
    }
    return ts_peaks_read_gb_per_s(&bench->peaks, item->bytes, peak_item_s);
}

static void nap(double seconds)
{
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)nanosleep(&time, NULL);
}

static double elapsed_s(const struct bench *bench)
{
    return ts_clock_s() - bench->start_s;
}

static void report(struct bench *bench, const struct item *item)
{
    const struct ts_bench_progress *progress = &bench->options->progress;
    double now = elapsed_s(bench);
    if (!progress->report || (bench->last_report_s > 0.0 && now - bench->last_report_s < report_every_s)) {
        return;
    }
    bench->last_report_s = now;
    static const char *const what[] = {"matrix products", "memory bandwidth", "arithmetic peak", "arithmetic peak", "float baseline"};
    double budget = bench->options->budget_s > 0.0 ? bench->options->budget_s : 1.0;
    double done = now / budget < 0.99 ? now / budget : 0.99;
    double left = budget > now ? budget - now : 0.0;
    if (progress->report(progress->user, done, item ? what[item->kind] : "preparing weights", left) != 0) {
        bench->stopped = true;
    }
}

/* One visit of every item; samples are kept unless it is for warming up. */
static void run_round(struct bench *bench, bool keep)
{
    for (size_t i = 0; i < bench->n_items && !bench->stopped; i++) {
        struct item *item = &bench->items[i];
        for (uint32_t r = 0; r < (keep ? item->repeats : 1); r++) {
            double value = sample(bench, item);
            if (keep && item->n_samples < MAX_SAMPLES) {
                item->samples[item->n_samples++] = value;
            }
        }
        report(bench, item);
    }
    if (bench->options->baseline && bench->n_threads > 1) {
        nap(blas_nap_s);
    }
}

static bool is_product(const struct item *item)
{
    return item->kind == ITEM_MATMUL || item->kind == ITEM_BASELINE;
}

/* Estimates every item's time from a few of its rows, and shortens those that would not fit into a quarter of the time left: the largest limit
 * is chosen under which one round fits. */
static void calibrate(struct bench *bench)
{
    double total = 0.0;
    for (size_t i = 0; i < bench->n_items && !bench->stopped; i++) {
        struct item *item = &bench->items[i];
        if (!is_product(item)) {
            continue;
        }
        uint32_t rows = item->rows < CALIBRATION_ROWS ? item->rows : CALIBRATION_ROWS;
        item->estimate_s = item->kind == ITEM_MATMUL ? time_matmul(bench, item, rows) : time_baseline(bench, item, rows);
        total += item->estimate_s;
        report(bench, item);
    }
    double allowed = (bench->options->budget_s - elapsed_s(bench)) / (MIN_ROUNDS + 1);
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
        struct item *item = &bench->items[i];
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

static void measure_idle_power(struct bench *bench)
{
    struct ts_energy before, after;
    bench->has_energy = ts_energy_read(&before, energy_root);
    if (bench->has_energy) {
        double start = ts_clock_s();
        nap(idle_power_s);
        bench->has_energy = ts_energy_read(&after, energy_root);
        bench->idle_w = ts_energy_between_j(&before, &after) / (ts_clock_s() - start);
    }
}

static enum ts_status run_rounds(struct bench *bench)
{
    calibrate(bench);
    if (!bench->stopped) {
        run_round(bench, false);
    }
    struct ts_energy before, after;
    bench->has_energy = bench->has_energy && ts_energy_read(&before, energy_root);
    double start = ts_clock_s();
    double last = 0.0;
    for (int round = 0; round < MAX_ROUNDS && !bench->stopped; round++) {
        if (round >= MIN_ROUNDS && elapsed_s(bench) + last > bench->options->budget_s) {
            break;
        }
        double begin = ts_clock_s();
        run_round(bench, true);
        last = ts_clock_s() - begin;
    }
    bench->has_energy = bench->has_energy && ts_energy_read(&after, energy_root);
    if (bench->has_energy) {
        bench->busy_w = ts_energy_between_j(&before, &after) / (ts_clock_s() - start);
    }
    return bench->stopped ? TS_EINTERRUPTED : TS_OK;
}

/* -- results ----------------------------------------------------------------------------------------------------------------------- */

static size_t count_items(const struct bench *bench, enum item_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < bench->n_items; i++) {
        n += bench->items[i].kind == kind;
    }
    return n;
}

static const struct ts_matmul_sample *collect_pairs(const struct bench *bench, enum item_kind kind, size_t *n)
{
    *n = 0;
    struct ts_matmul_sample *samples = ts_arena_array(bench->arena, count_items(bench, kind) + 1, sizeof *samples);
    for (size_t i = 0; samples && i < bench->n_items; i++) {
        const struct item *item = &bench->items[i];
        if (item->kind == kind) {
            const struct ts_matmul_shape *shape = &bench->options->shapes[item->shape];
            struct ts_spread seconds = ts_spread_of(item->samples, item->n_samples);
            double operations = 2.0 * shape->rows * shape->cols * item->n_tok;
            samples[(*n)++] = (struct ts_matmul_sample){item->shape, item->n_tok, seconds, operations / seconds.median / 1e9};
        }
    }
    return samples;
}

static const struct ts_bandwidth_sample *collect_bandwidths(const struct bench *bench, size_t *n)
{
    *n = 0;
    struct ts_bandwidth_sample *samples = ts_arena_array(bench->arena, count_items(bench, ITEM_BANDWIDTH) + 1, sizeof *samples);
    for (size_t i = 0; samples && i < bench->n_items; i++) {
        const struct item *item = &bench->items[i];
        if (item->kind == ITEM_BANDWIDTH) {
            samples[(*n)++] = (struct ts_bandwidth_sample){item->bytes, ts_spread_of(item->samples, item->n_samples)};
        }
    }
    return samples;
}

static double collect_peak(const struct bench *bench, enum item_kind kind)
{
    for (size_t i = 0; i < bench->n_items; i++) {
        if (bench->items[i].kind == kind) {
            return ts_spread_of(bench->items[i].samples, bench->items[i].n_samples).median;
        }
    }
    return 0.0;
}

static const struct ts_step_sample *collect_steps(const struct bench *bench, const struct ts_measurement *m)
{
    const struct ts_bench_options *options = bench->options;
    struct ts_step_sample *steps = ts_arena_array(bench->arena, options->n_n_tok, sizeof *steps);
    for (size_t i = 0; steps && i < options->n_n_tok; i++) {
        double noise_s = 0.0;
        steps[i].n_tok = options->n_tok[i];
        for (size_t k = 0; k < m->n_matmuls; k++) {
            const struct ts_matmul_sample *s = &m->matmuls[k];
            if (s->n_tok == steps[i].n_tok) {
                steps[i].seconds += s->seconds.median * options->shapes[s->shape].count;
                noise_s += (s->seconds.p90 - s->seconds.min) * options->shapes[s->shape].count;
            }
        }
        steps[i].spread_frac = noise_s / steps[i].seconds;
    }
    return steps;
}

static const char *timestamp(struct ts_arena *arena)
{
    time_t now = time(NULL);
    struct tm utc;
    char text[32];
    if (!gmtime_r(&now, &utc) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        return NULL;
    }
    return ts_arena_strdup(arena, text);
}

static const char *baseline_name(const struct bench *bench)
{
    char name[128];
    (void)ts_blas_name(name, sizeof name);
    return bench->options->baseline ? ts_arena_strdup(bench->arena, name) : "";
}

static const struct ts_matmul_shape *copy_shapes(const struct bench *bench)
{
    size_t n = bench->options->n_shapes;
    struct ts_matmul_shape *shapes = ts_arena_array(bench->arena, n, sizeof *shapes);
    for (size_t i = 0; shapes && i < n; i++) {
        shapes[i] = bench->options->shapes[i];
        shapes[i].name = ts_arena_strdup(bench->arena, shapes[i].name);
        if (!shapes[i].name) {
            return NULL;
        }
    }
    return shapes;
}

static enum ts_status collect(struct ts_measurement *out, const struct bench *bench, const struct ts_cpu *cpu)
{
    struct ts_measurement m = {
        .created = timestamp(bench->arena),
        .tool_version = TS_VERSION,
        .kernel = bench->kernel->name,
        .model = ts_arena_strdup(bench->arena, bench->options->model),
        .quant = bench->quant->name,
        .n_threads = bench->n_threads,
        .weight_bytes = bench->weights.model_bytes,
        .energy_source = bench->has_energy ? "rapl" : "unavailable",
        .idle_w = bench->has_energy ? bench->idle_w : 0.0,
        .busy_w = bench->has_energy ? bench->busy_w : 0.0,
        .shapes = copy_shapes(bench),
        .n_shapes = bench->options->n_shapes,
        .n_steps = bench->options->n_n_tok,
        .baseline_name = baseline_name(bench),
        .peak_dot_gops = collect_peak(bench, ITEM_PEAK_DOT),
        .peak_fma_gflops = collect_peak(bench, ITEM_PEAK_FMA),
    };
    m.matmuls = collect_pairs(bench, ITEM_MATMUL, &m.n_matmuls);
    m.baseline = collect_pairs(bench, ITEM_BASELINE, &m.n_baseline);
    m.bandwidths = collect_bandwidths(bench, &m.n_bandwidths);
    m.steps = collect_steps(bench, &m);
    enum ts_status status = ts_host_describe(&m.host, bench->arena, cpu);
    if (status != TS_OK || !m.created || !m.model || !m.shapes || !m.matmuls || !m.baseline || !m.bandwidths || !m.steps ||
        !m.baseline_name) {
        return fail_no_memory(bench);
    }
    *out = m;
    return TS_OK;
}

enum ts_status ts_bench_run(struct ts_measurement *out, struct ts_arena *arena, const struct ts_bench_options *options,
                            struct ts_diags *diags)
{
    struct bench bench = {.options = options, .arena = arena, .diags = diags, .start_s = ts_clock_s()};
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    bench.n_threads = options->n_threads > 0 ? options->n_threads : ts_host_usable_cpus();
    enum ts_status status = choose_quant(&bench);
    if (status == TS_OK) {
        status = choose_kernel(&bench, cpu.features);
    }
    if (status == TS_OK) {
        status = check_lists(&bench);
    }
    if (status != TS_OK) {
        return status;
    }
    report(&bench, NULL);
    find_largest(&bench);
    uint32_t blas_threads = ts_blas_set_threads(bench.n_threads);
    measure_idle_power(&bench);
    status = allocate(&bench, &cpu);
    if (status == TS_OK) {
        status = plan_items(&bench);
    }
    if (status == TS_OK) {
        status = run_rounds(&bench);
    }
    if (status == TS_OK) {
        status = collect(out, &bench, &cpu);
    }
    (void)ts_blas_set_threads(blas_threads);
    deinit(&bench);
    return status;
}
