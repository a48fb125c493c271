/* Hides how samples become a measurement: medians, the sums over a forward pass, and where it was measured. */
#include <time.h>

#include "kernels/bench/bench_run.h"
#include "kernels/bench/blas.h"
#include "kernels/host.h"
#include "measure/spread.h"

#if !defined(TS_VERSION)
#define TS_VERSION "unknown"
#endif

static size_t count_items(const struct ts_bench *bench, enum ts_bench_item_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < bench->n_items; i++) {
        n += bench->items[i].kind == kind;
    }
    return n;
}

static const struct ts_matmul_sample *collect_pairs(const struct ts_bench *bench, enum ts_bench_item_kind kind,
                                                    size_t *n)
{
    *n = 0;
    struct ts_matmul_sample *samples = ts_arena_array(bench->arena, count_items(bench, kind) + 1, sizeof *samples);
    for (size_t i = 0; samples && i < bench->n_items; i++) {
        const struct ts_bench_item *item = &bench->items[i];
        if (item->kind == kind) {
            const struct ts_matmul_shape *shape = &bench->options->shapes[item->shape];
            struct ts_spread seconds = ts_spread_of(item->samples, item->n_samples);
            double operations = 2.0 * shape->rows * shape->cols * item->n_tok;
            samples[(*n)++] =
                (struct ts_matmul_sample){item->shape, item->n_tok, seconds, operations / seconds.median / 1e9};
        }
    }
    return samples;
}

static const struct ts_bandwidth_sample *collect_bandwidths(const struct ts_bench *bench, size_t *n)
{
    *n = 0;
    struct ts_bandwidth_sample *samples =
        ts_arena_array(bench->arena, count_items(bench, TS_BENCH_BANDWIDTH) + 1, sizeof *samples);
    for (size_t i = 0; samples && i < bench->n_items; i++) {
        const struct ts_bench_item *item = &bench->items[i];
        if (item->kind == TS_BENCH_BANDWIDTH) {
            samples[(*n)++] = (struct ts_bandwidth_sample){item->bytes, ts_spread_of(item->samples, item->n_samples)};
        }
    }
    return samples;
}

/* 0 if that was not measured. */
static double collect_median(const struct ts_bench *bench, enum ts_bench_item_kind kind)
{
    for (size_t i = 0; i < bench->n_items; i++) {
        if (bench->items[i].kind == kind) {
            return ts_spread_of(bench->items[i].samples, bench->items[i].n_samples).median;
        }
    }
    return 0.0;
}

static const struct ts_step_sample *collect_steps(const struct ts_bench *bench, const struct ts_measurement *m)
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

static const char *baseline_name(const struct ts_bench *bench)
{
    char name[128];
    (void)ts_blas_name(name, sizeof name);
    return bench->options->baseline ? ts_arena_strdup(bench->arena, name) : "";
}

static const struct ts_matmul_shape *copy_shapes(const struct ts_bench *bench)
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

enum ts_status ts_bench_collect(struct ts_measurement *out, const struct ts_bench *bench, const struct ts_cpu *cpu)
{
    const struct ts_bench *leader = bench->leader;
    struct ts_measurement m = {
        .created = timestamp(bench->arena),
        .tool_version = TS_VERSION,
        .kernel = bench->kernel->name,
        .model = ts_arena_strdup(bench->arena, bench->options->model),
        .quant = bench->quant->name,
        .n_threads = bench->n_threads,
        .weight_bytes = bench->weights.model_bytes,
        .held_bytes = bench->weights.held_bytes,
        .pack_bytes_per_s = (double)bench->weights.pack_bytes / bench->weights.pack_s,
        .energy_source = leader->has_energy ? "rapl" : "unavailable",
        .idle_w = leader->has_energy ? leader->idle_w : 0.0,
        .busy_w = leader->has_energy ? leader->busy_w : 0.0,
        .shapes = copy_shapes(bench),
        .n_shapes = bench->options->n_shapes,
        .n_steps = bench->options->n_n_tok,
        .baseline_name = baseline_name(bench),
        .peak_dot_gops = collect_median(bench, TS_BENCH_PEAK_DOT),
        .peak_fma_gflops = collect_median(bench, TS_BENCH_PEAK_FMA),
        .peak_bf16_gflops = collect_median(bench, TS_BENCH_PEAK_BF16),
        .wake_spin_s = collect_median(leader, TS_BENCH_WAKE_SPIN),
        .wake_sleep_s = collect_median(leader, TS_BENCH_WAKE_SLEEP),
    };
    m.matmuls = collect_pairs(bench, TS_BENCH_MATMUL, &m.n_matmuls);
    m.baseline = collect_pairs(bench, TS_BENCH_BASELINE, &m.n_baseline);
    m.bandwidths = collect_bandwidths(leader, &m.n_bandwidths);
    m.steps = collect_steps(bench, &m);
    enum ts_status status = ts_host_describe(&m.host, bench->arena, cpu);
    if (status != TS_OK || !m.created || !m.model || !m.shapes || !m.matmuls || !m.baseline || !m.bandwidths ||
        !m.steps || !m.baseline_name) {
        return ts_bench_fail_no_memory(bench);
    }
    *out = m;
    return TS_OK;
}
