/* tiersim bench: the matmuls of a model's forward pass, the machine's limits, OpenBLAS beside them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench_common.h"
#include "app/interrupt.h"
#include "app/progress_line.h"
#include "app/version.h"
#include "live/catalog_model.h"

#define QUICK_BUDGET_S 40.0
#define FULL_BUDGET_S 180.0

static const uint32_t default_n_tok[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

static double baseline_seconds(const struct ts_measurement *m, uint32_t n_tok)
{
    double total_s = 0.0;
    size_t n_found = 0;
    for (size_t i = 0; i < m->n_baseline; i++) {
        if (m->baseline[i].n_tok == n_tok) {
            total_s += m->baseline[i].seconds.median * m->shapes[m->baseline[i].shape].count;
            n_found++;
        }
    }
    return n_found == m->n_shapes ? total_s : 0.0;
}

static double pass_gop(const struct ts_measurement *m, uint32_t n_tok)
{
    double gop = 0.0;
    for (size_t i = 0; i < m->n_shapes; i++) {
        gop += 2e-9 * m->shapes[i].rows * (double)m->shapes[i].cols * m->shapes[i].count * n_tok;
    }
    return gop;
}

static struct ts_table *step_table(const struct ts_measurement *m)
{
    static const char *const headers[] = {"tokens", "ms/step",      "spread %",        "tok/s",
                                          "GOPS",   "weights GB/s", "OpenBLAS GFLOPS", "speed-up"};
    struct ts_table *table = ts_table_create("Matmuls of one forward pass (measured)");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ts_table_column(table, headers[i], true);
    }
    for (size_t i = 0; i < m->n_steps; i++) {
        const struct ts_step_sample *step = &m->steps[i];
        double baseline_s = baseline_seconds(m, step->n_tok);
        double gop = pass_gop(m, step->n_tok);
        ts_table_row(table);
        ts_table_putf(table, "%u", step->n_tok);
        ts_table_num(table, 1e3 * step->seconds, 4);
        ts_table_num(table, 100.0 * step->spread_frac, 2);
        ts_table_num(table, step->n_tok / step->seconds, 4);
        ts_table_num(table, gop / step->seconds, 4);
        ts_table_num(table, 1e-9 * (double)m->weight_bytes / step->seconds, 3);
        if (baseline_s > 0.0) {
            ts_table_num(table, gop / baseline_s, 4);
            ts_table_num(table, baseline_s / step->seconds, 3);
        }
    }
    return table;
}

static struct ts_table *bandwidth_table(const struct ts_measurement *m)
{
    struct ts_table *table = ts_table_create("Read bandwidth by working set (measured)");
    ts_table_column(table, "KiB", true);
    ts_table_column(table, "GB/s median", true);
    ts_table_column(table, "GB/s best", true);
    for (size_t i = 0; i < m->n_bandwidths; i++) {
        const struct ts_bandwidth_sample *sample = &m->bandwidths[i];
        ts_table_row(table);
        ts_table_num(table, (double)sample->bytes / 1024.0, 9);
        ts_table_num(table, sample->gb_per_s.median, 4);
        ts_table_num(
            table, sample->gb_per_s.p90 > sample->gb_per_s.median ? sample->gb_per_s.p90 : sample->gb_per_s.median, 4);
    }
    return table;
}

static enum ts_status print_measurement(const struct ts_measurement *m, enum ts_table_format format)
{
    if (format == TS_TABLE_TEXT) {
        printf("%s, %u CPUs (%s), %s, %s\n", m->host.cpu, m->host.n_cpus, m->host.os, m->host.compiler, m->host.isa);
        printf("%s %s, kernel %s, %u thread%s, energy %s\n", m->model, m->quant, m->kernel, m->n_threads,
               m->n_threads == 1 ? "" : "s", m->energy_source);
        ts_bench_print_wake(m);
        putchar('\n');
    }
    enum ts_status status = ts_bench_print_table(step_table(m), format);
    return status == TS_OK ? ts_bench_print_table(bandwidth_table(m), format) : status;
}

enum ts_status ts_bench_machine_measure(struct ts_measurement *out, struct ts_arena *arena, const struct ts_args *args,
                                        struct ts_diags *diags)
{
    const struct ts_llm *llm = NULL;
    const struct ts_matmul_shape *shapes = NULL;
    size_t n_shapes = 0;
    uint32_t n_tok[TS_BENCH_ARGS_MAX_N_TOK];
    size_t n_n_tok = sizeof default_n_tok / sizeof default_n_tok[0];
    memcpy(n_tok, default_n_tok, sizeof default_n_tok);

    enum ts_status status = args->n_tok ? ts_bench_parse_n_tok(n_tok, &n_n_tok, args->n_tok, diags) : TS_OK;
    if (status == TS_OK) {
        status = ts_catalog_model_find(&llm, arena, args->model ? args->model : "Llama-3.2-1B", diags);
    }
    if (status == TS_OK) {
        status = ts_bench_model_shapes(&shapes, &n_shapes, arena, llm->layers, llm->hidden, llm->ffn, llm->heads,
                                       llm->kv_heads, llm->head_dim, llm->vocab);
    }
    if (status != TS_OK) {
        return status;
    }
    struct ts_progress_line line = {.quiet = args->quiet};
    struct ts_bench_options options = {
        .model = llm->name,
        .quant = args->quant ? args->quant : "Q4_0",
        .isa = args->isa,
        .n_threads = (uint32_t)args->threads,
        .shapes = shapes,
        .n_shapes = n_shapes,
        .n_tok = n_tok,
        .n_n_tok = n_n_tok,
        .budget_s = args->seconds > 0 ? (double)args->seconds
                    : args->quick     ? QUICK_BUDGET_S
                                      : FULL_BUDGET_S,
        .baseline = !args->no_baseline,
        .bind = args->affinity,
        .progress = ts_progress_line_of(&line),
    };
    ts_interrupt_arm();
    status = ts_bench_run(out, arena, &options, diags);
    ts_progress_line_end(&line);
    out->tool_version = TS_VERSION;
    return status;
}

enum ts_status ts_bench_machine(const struct ts_args *args, enum ts_table_format format, struct ts_diags *diags)
{
    struct ts_arena arena;
    struct ts_measurement measurement;
    char *path = NULL;
    ts_arena_init(&arena);
    enum ts_status status = ts_bench_target_path(&path, args, diags);
    if (status == TS_OK) {
        status = ts_bench_machine_measure(&measurement, &arena, args, diags);
    }
    if (status == TS_OK) {
        status = ts_measurement_write(&measurement, path, diags);
    }
    if (status == TS_OK) {
        status = print_measurement(&measurement, format);
    }
    if (status == TS_OK) {
        ts_bench_warn_if_noisy(&measurement, 1, diags);
    }
    if (status == TS_OK && format == TS_TABLE_TEXT) {
        printf("written: %s\n", path);
    }
    free(path);
    ts_arena_deinit(&arena);
    return status;
}
