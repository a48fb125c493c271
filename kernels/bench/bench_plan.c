/* Hides what a benchmark measures: memory for weights and activations, and the items of a round: products at every
 * token count, bandwidths from a share of the first-level caches to main memory, peaks, wake-ups, the baseline at a
 * few. */
#include <stdlib.h>

#include "kernels/bench/bench_run.h"
#include "kernels/host.h"
#include "kernels/pages.h"

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

static bool add_item(struct ts_bench *bench, struct ts_bench_item item)
{
    item.samples = ts_arena_array(bench->arena, TS_BENCH_MAX_SAMPLES, sizeof *item.samples);
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

enum ts_status ts_bench_prepare(struct ts_bench *leader, const struct ts_cpu *cpu)
{
    enum ts_status status = start_pool(leader);
    for (uint32_t i = 0; status == TS_OK && i < leader->n_formats; i++) {
        leader[i].pool = leader->pool;
        find_largest(&leader[i]);
        status = allocate(&leader[i], cpu);
        ts_bench_report(&leader[i], NULL);
    }
    for (uint32_t i = 0; status == TS_OK && i < leader->n_formats; i++) {
        status = plan_items(&leader[i]);
    }
    return status;
}

void ts_bench_deinit(struct ts_bench *bench)
{
    if (bench == bench->leader) {
        ts_peaks_deinit(&bench->peaks);
    }
    ts_bench_weights_deinit(&bench->weights);
    ts_pages_free(bench->x, bench->x_bytes);
    ts_pages_free(bench->y, bench->y_bytes);
    ts_matmul_space_destroy(bench->space);
}
