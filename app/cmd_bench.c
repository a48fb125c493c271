/* tiersim bench [matmul|model]: measures this machine and writes measurement.json. */
#include "app/bench_common.h"
#include "app/command.h"
#include "kernels/kernel.h"

enum { MAX_KERNELS = 32, MAX_THREADS = 1024 };

static enum ts_status list_kernels(enum ts_table_format format)
{
    struct ts_kernel_info kernels[MAX_KERNELS];
    size_t n = ts_kernel_list(kernels, MAX_KERNELS);
    struct ts_table *table = ts_table_create("Kernel variants, best first");
    ts_table_column(table, "kernel", false);
    ts_table_column(table, "formats", false);
    ts_table_column(table, "this machine", false);
    for (size_t i = 0; i < n; i++) {
        ts_table_row(table);
        ts_table_put(table, kernels[i].name);
        ts_table_put(table, kernels[i].formats);
        ts_table_putf(table, "%s%s%s%s", kernels[i].supported ? "yes" : "no", kernels[i].chosen ? ", chosen" : "",
                      kernels[i].why ? ": " : "", kernels[i].why ? kernels[i].why : "");
    }
    return ts_bench_print_table(table, format);
}

static bool is_kind(const struct ts_args *args, const char *kind)
{
    return args->n_operands == 1 && ts_str_equal(args->operands[0], kind);
}

static enum ts_status dispatch(const struct ts_args *args, enum ts_table_format format, struct ts_diags *diags)
{
    if (args->list) {
        return list_kernels(format);
    }
    if (args->n_operands == 0) {
        return ts_bench_machine(args, format, diags);
    }
    if (is_kind(args, "matmul")) {
        return ts_bench_matmul(args, format, diags);
    }
    return ts_fail(diags, TS_EUSAGE, ts_span_none(), "bench, bench matmul, bench model", "bench knows no '%s'",
                   args->operands[args->n_operands - 1]);
}

static enum ts_status run(const struct ts_args *args, struct ts_diags *diags)
{
    enum ts_table_format format = TS_TABLE_TEXT;
    if (args->threads > MAX_THREADS) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--threads is at most %d", MAX_THREADS);
    }
    if (is_kind(args, "model") && !args->list) {
        return args->affinity ? ts_fail(diags, TS_EUSAGE, ts_span_none(), "leave it out, or start under `taskset`",
                                        "--affinity is for bench and bench matmul")
                              : ts_bench_forward(args, diags);
    }
    if (args->format && !ts_table_format_parse(&format, args->format)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "text, md, csv or json", "unknown format '%s'", args->format);
    }
    return dispatch(args, format, diags);
}

const struct ts_command ts_command_bench = {
    .name = "bench",
    .bit = TS_CMD_BENCH,
    .usage = "[matmul|model] [options]",
    .summary = "Measure this machine with tiersim's own quantized-matmul kernel",
    .examples = "  tiersim bench --quick\n"
                "  tiersim bench --model Llama-3.1-8B --quant Q8_0 --threads 1 -o measurement.json\n"
                "  tiersim bench matmul --shape 4096x14336 --quant Q4_0,Q8_0 --n 1,8,512 -o roofline\n"
                "  tiersim bench model --quick --check      # whole forward passes: prompts, decoding, batches\n"
                "  tiersim bench model --batches 1,8,32 --depths 0,2048 --format md    # as llama-bench prints it\n"
                "  tiersim bench --list\n",
    .run = run,
};
