/* Hides when samples of an earlier run may be taken up: those of the same model, format, kernel, machine, weights and
 * threads. */
#include <string.h>

#include "base/file.h"
#include "engine/bench_model_run.h"
#include "engine/model_plan.h"
#include "kernels/cpu.h"
#include "kernels/host.h"
#include "measure/spread.h"

enum ts_status ts_model_bench_describe(const struct ts_model_bench *bench, struct ts_model_measurement *out)
{
    struct ts_host host;
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    enum ts_status status = ts_host_describe(&host, bench->arena, &cpu);
    *out = (struct ts_model_measurement){
        .model = ts_arena_strdup(bench->arena, bench->config.name),
        .quant = ts_arena_strdup(bench->arena, ts_weights_quant(bench->weights)),
        .kernel = ts_weights_kernel(bench->weights),
        .cpu = host.cpu,
        .weights = bench->options->gguf_path ? ts_arena_strdup(bench->arena, ts_path_base(bench->options->gguf_path))
                                             : ts_arena_printf(bench->arena, "synthetic, seed %llu",
                                                               (unsigned long long)bench->options->seed),
        .n_threads = bench->n_threads,
        .weight_bytes = bench->weights->packed_bytes,
        .kv_bytes_per_tok = ts_model_config_kv_bytes_per_tok(&bench->config, 2),
        .fit_means = bench->options->fit_means,
        .working_bytes = ts_transformer_bytes(bench->transformer),
    };
    return status == TS_OK && (!out->model || !out->quant || !out->weights) ? TS_ENOMEM : status;
}

enum ts_status ts_model_bench_collect(const struct ts_model_bench *bench, struct ts_model_measurement *out)
{
    struct ts_model_step *steps = ts_arena_array(bench->arena, bench->n_items, sizeof *steps);
    double *sorted = ts_arena_array(bench->arena, TS_MODEL_STEP_MAX_SAMPLES, sizeof *sorted);
    if (!steps || !sorted) {
        return TS_ENOMEM;
    }
    out->n_steps = 0;
    for (size_t i = 0; i < bench->n_items; i++) {
        const struct ts_model_bench_item *item = &bench->items[i];
        if (item->step.n_samples > 0) {
            memcpy(sorted, item->samples, item->step.n_samples * sizeof *sorted);
            steps[out->n_steps] = item->step;
            steps[out->n_steps].samples = item->samples;
            steps[out->n_steps].seconds = ts_spread_of(sorted, item->step.n_samples);
            steps[out->n_steps++].undisturbed_s = ts_spread_undisturbed(sorted, item->step.n_samples);
        }
    }
    out->steps = steps;
    return TS_OK;
}

enum ts_status ts_model_bench_save(const struct ts_model_bench *bench)
{
    struct ts_model_measurement m;
    if (!bench->options->resume_path) {
        return TS_OK;
    }
    enum ts_status status = ts_model_bench_describe(bench, &m);
    if (status == TS_OK) {
        status = ts_model_bench_collect(bench, &m);
    }
    return status == TS_OK && m.n_steps > 0 ? ts_model_measurement_write(&m, bench->options->resume_path, bench->diags)
                                            : status;
}

static void take_samples(struct ts_model_bench_item *item, const struct ts_model_step *from, double *spent)
{
    for (uint32_t s = 0; s < from->n_samples && item->step.n_samples < TS_MODEL_STEP_MAX_SAMPLES; s++) {
        item->samples[item->step.n_samples++] = from->samples[s];
        *spent += from->samples[s];
    }
}

enum ts_status ts_model_bench_resume(struct ts_model_bench *bench)
{
    const char *path = bench->options->resume_path;
    struct ts_model_measurement now, old;
    if (!path || !ts_file_exists(path)) {
        return TS_OK;
    }
    enum ts_status status = ts_model_measurement_read(&old, bench->arena, path, bench->diags);
    if (status == TS_OK) {
        status = ts_model_bench_describe(bench, &now);
    }
    if (status != TS_OK) {
        return status;
    }
    const char *const pairs[][3] = {
        {"model", now.model, old.model}, {"format", now.quant, old.quant},      {"kernel", now.kernel, old.kernel},
        {"machine", now.cpu, old.cpu},   {"weights", now.weights, old.weights},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (!ts_str_equal(pairs[i][1], pairs[i][2])) {
            return ts_fail(bench->diags, TS_EINPUT, ts_span_file(path), "remove it, or name another file",
                           "the samples are of another %s: '%s', not '%s'", pairs[i][0], pairs[i][2], pairs[i][1]);
        }
    }
    if (now.n_threads != old.n_threads) {
        return ts_fail(bench->diags, TS_EINPUT, ts_span_file(path), "remove it, or name another file",
                       "the samples are of %u threads, not %u", old.n_threads, now.n_threads);
    }
    for (size_t o = 0; o < old.n_steps; o++) {
        for (size_t i = 0; i < bench->n_items; i++) {
            if (ts_model_plan_same(&bench->items[i].step, &old.steps[o])) {
                take_samples(&bench->items[i], &old.steps[o], &bench->spent_before_s);
            }
        }
    }
    return TS_OK;
}
