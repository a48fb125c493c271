/* tiersim bench: the matmuls of a model's forward pass, the machine's limits, OpenBLAS beside them, into a measurement
 * file. */
#include <stdio.h>
#include <stdlib.h>

#include "app/bench_common.h"
#include "app/bench_machine.h"
#include "app/command.h"
#include "app/print_table.h"
#include "kernels/kernel.h"

enum { MAX_KERNELS = 32 };

#define QUICK_BUDGET_S 40.0
#define FULL_BUDGET_S 180.0

struct bench_args {
    struct ts_bench_args common;
    const char *model, *quant, *n_tok, *out, *format;
    bool no_baseline, affinity, list;
};

static const struct bench_args defaults = {
    .model = TS_BENCH_MODEL, .quant = TS_BENCH_QUANT, .n_tok = TS_BENCH_N_TOK, .format = "text"};

static const struct ts_option options[] = {
    {"model", 0, TS_INTO(struct bench_args, model), "NAME", "measure the shapes of this model of the catalog"},
    {"quant", 0, TS_INTO(struct bench_args, quant), "NAME", "the weights' format"},
    TS_BENCH_OPTION_N(struct bench_args, n_tok),
    TS_BENCH_OPTIONS(struct bench_args, common),
    TS_BENCH_OPTION_AFFINITY(struct bench_args, affinity),
    {"no-baseline", 0, TS_INTO(struct bench_args, no_baseline), NULL, "leave out the OpenBLAS float baseline"},
    {"out", 'o', TS_INTO(struct bench_args, out), "FILE",
     "the measurement file (default: in the cache, where `tiersim run` looks for it)"},
    TS_OPTION_TABLE_FORMAT(struct bench_args, format),
    {"list", 0, TS_INTO(struct bench_args, list), NULL,
     "measure nothing: list the kernel variants and which of them this machine can run", .beside = "format"},
};

/* ---- output ---- */

static enum ts_status list_kernels(enum ts_table_format format)
{
    struct ts_kernel_info kernels[MAX_KERNELS];
    size_t n = ts_kernel_list(kernels, MAX_KERNELS);
    static const char *const headers[] = {"kernel", "formats", "this machine"};
    struct ts_table *table = ts_table_create("Kernel variants, best first");
    ts_table_columns(table, headers, 3, 3);
    for (size_t i = 0; i < n; i++) {
        ts_table_row(table);
        ts_table_put(table, kernels[i].name);
        ts_table_put(table, kernels[i].formats);
        ts_table_putf(table, "%s%s%s%s", kernels[i].supported ? "yes" : "no", kernels[i].chosen ? ", chosen" : "",
                      kernels[i].why ? ": " : "", kernels[i].why ? kernels[i].why : "");
    }
    return ts_print_table(table, format);
}

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
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 0);
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
    static const char *const headers[] = {"KiB", "GB/s median", "GB/s best"};
    struct ts_table *table = ts_table_create("Read bandwidth by working set (measured)");
    ts_table_columns(table, headers, 3, 0);
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
    enum ts_status status = ts_print_table(step_table(m), format);
    return status == TS_OK ? ts_print_table(bandwidth_table(m), format) : status;
}

static enum ts_status measure(struct ts_arena *arena, const struct bench_args *args, const char *path,
                              enum ts_table_format format, struct ts_diags *diags)
{
    const struct ts_bench_machine what = {.model = args->model,
                                          .quant = args->quant,
                                          .isa = args->common.isa,
                                          .n_tok = args->n_tok,
                                          .n_threads = args->common.threads,
                                          .budget_s = ts_bench_budget_s(&args->common, QUICK_BUDGET_S, FULL_BUDGET_S),
                                          .baseline = !args->no_baseline,
                                          .bind = args->affinity,
                                          .quiet = args->common.quiet};
    struct ts_measurement measurement;
    enum ts_status status = ts_bench_machine_measure(&measurement, arena, &what, diags);
    if (status == TS_OK) {
        ts_bench_machine_keep(&measurement, arena, path, diags);
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
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct bench_args *args = untyped;
    enum ts_table_format format;
    char *path = NULL;
    enum ts_status status = ts_print_format(&format, args->format, diags);
    if (status == TS_OK && args->list) {
        return list_kernels(format);
    }
    if (status == TS_OK) {
        status = ts_bench_target_path(&path, args->out, diags);
    }
    if (status == TS_OK) {
        status = measure(arena, args, path, format, diags);
    }
    free(path);
    return status;
}

const struct ts_command ts_command_bench = {
    .name = "bench",
    .summary = "Measure this machine with tiersim's own quantized-matmul kernel",
    .examples = "  tiersim bench --quick\n"
                "  tiersim bench --model Llama-3.1-8B --quant Q8_0 --threads 1 -o measurement.json\n"
                "  tiersim bench --list\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
