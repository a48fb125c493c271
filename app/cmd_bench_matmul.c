/* tiersim bench matmul: one matrix product in several formats at several token counts, held against what this machine
 * can do at best. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/bench_common.h"
#include "app/bench_roofline.h"
#include "app/command.h"
#include "app/interrupt.h"
#include "app/print_table.h"
#include "app/progress_line.h"
#include "kernels/bench/bench.h"
#include "kernels/bench/bench_error.h"

enum { COPIES = 16, MAX_SIDE = 65536 };

#define QUICK_BUDGET_S 20.0
#define FULL_BUDGET_S 60.0

struct matmul_args {
    struct ts_bench_args common;
    const char *shape, *quant, *n_tok, *out, *format;
    bool affinity;
};

static const struct matmul_args defaults = {
    .shape = "4096x14336", .quant = "Q4_0,Q8_0", .n_tok = "1,8,32,512", .format = "text"};

static const struct ts_option options[] = {
    {"shape", 0, TS_INTO(struct matmul_args, shape), "ROWSxCOLS", "the matrix"},
    {"quant", 0, TS_INTO(struct matmul_args, quant), "LIST", "the weights' formats"},
    TS_BENCH_OPTION_N(struct matmul_args, n_tok),
    TS_BENCH_OPTIONS(struct matmul_args, common),
    TS_BENCH_OPTION_AFFINITY(struct matmul_args, affinity),
    {"out", 'o', TS_INTO(struct matmul_args, out), "FOLDER", "draw the roofline chart into this folder"},
    TS_OPTION_TABLE_FORMAT(struct matmul_args, format),
};

/* "4096x14336" -> rows and columns. */
static enum ts_status parse_shape(struct ts_matmul_shape *out, const char *text, struct ts_diags *diags)
{
    size_t n = strcspn(text, "x");
    uint64_t rows = 0;
    uint64_t cols = 0;
    if (text[n] != 'x' || !ts_parse_u64(&rows, text, n) || !ts_parse_u64(&cols, text + n + 1, strlen(text + n + 1)) ||
        rows < 1 || cols < 1 || rows > MAX_SIDE || cols > MAX_SIDE) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "for example --shape 4096x14336",
                       "--shape takes ROWSxCOLS, each from 1 to %d, not '%s'", MAX_SIDE, text);
    }
    *out = (struct ts_matmul_shape){.name = "matmul", .rows = (uint32_t)rows, .cols = (uint32_t)cols, .count = COPIES};
    return TS_OK;
}

static enum ts_status split_quants(const char **out, size_t *out_n, struct ts_arena *arena, const char *list,
                                   struct ts_diags *diags)
{
    size_t n = 0;
    for (const char *p = list; *p; p += *p == ',') {
        size_t len = strcspn(p, ",");
        if (n == TS_BENCH_MAX_FORMATS || len == 0) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), "for example --quant Q4_0,Q8_0",
                           "--quant takes up to %d formats, not '%s'", TS_BENCH_MAX_FORMATS, list);
        }
        out[n] = ts_arena_strndup(arena, p, len);
        if (!out[n++]) {
            return TS_ENOMEM;
        }
        p += len;
    }
    *out_n = n;
    return n > 0 ? TS_OK : ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--quant is empty");
}

static struct ts_table *new_table(void)
{
    static const char *const headers[] = {"quant",     "kernel",  "tokens",      "us median",
                                          "us p90",    "GOPS",    "of peak %",   "weights GB/s",
                                          "of read %", "error %", "bits/weight", "pack GB/s"};
    struct ts_table *table = ts_table_create("One matrix product (measured)");
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 2);
    return table;
}

static double share_of(double value, double best)
{
    return best > 0.0 ? 100.0 * value / best : (double)NAN;
}

/* What reading alone takes for a working set of that size; the nearest above that was measured, or the largest. */
static double read_gb_per_s(const struct ts_measurement *m, uint64_t bytes)
{
    size_t i = 0;
    while (i + 1 < m->n_bandwidths && m->bandwidths[i].bytes < bytes) {
        i++;
    }
    return m->n_bandwidths > 0 ? m->bandwidths[i].gb_per_s.median : 0.0;
}

static void add_rows(struct ts_table *table, const struct ts_measurement *m, double error_frac)
{
    const struct ts_matmul_shape *shape = m->shapes;
    double weight_bytes = (double)m->weight_bytes / shape->count;
    double best_gb_per_s = read_gb_per_s(m, m->held_bytes);
    for (size_t i = 0; i < m->n_matmuls; i++) {
        const struct ts_matmul_sample *sample = &m->matmuls[i];
        double gb_per_s = 1e-9 * weight_bytes / sample->seconds.median;
        ts_table_row(table);
        ts_table_put(table, m->quant);
        ts_table_put(table, m->kernel);
        ts_table_putf(table, "%u", sample->n_tok);
        ts_table_num(table, 1e6 * sample->seconds.median, 4);
        ts_table_num(table, 1e6 * sample->seconds.p90, 4);
        ts_table_num(table, sample->gops, 4);
        ts_table_num(table, share_of(sample->gops, ts_measurement_peak_gops(m)), 3);
        ts_table_num(table, gb_per_s, 3);
        ts_table_num(table, share_of(gb_per_s, best_gb_per_s), 3);
        ts_table_num(table, 100.0 * error_frac, 3);
        ts_table_num(table, 8.0 * weight_bytes / ((double)shape->rows * shape->cols), 4);
        ts_table_num(table, 1e-9 * m->pack_bytes_per_s, 3);
    }
}

/* Only what the kernel has. */
static void print_peak(const char *what, double gops)
{
    if (gops > 0.0) {
        printf(" %s %.0f GOPS,", what, gops);
    }
}

static void print_head(const struct ts_measurement *m, size_t n_formats)
{
    const struct ts_bench_peaks peaks = ts_bench_peaks(m, n_formats);
    printf("%s, %u thread%s, %u x %u weights, %u copies used in turn\n", m->host.cpu, m->n_threads,
           m->n_threads == 1 ? "" : "s", m->shapes->rows, m->shapes->cols, m->shapes->count);
    printf("at best, measured beside it:");
    print_peak("int8 dot products", peaks.dot_gops);
    print_peak("BF16 dot products", peaks.bf16_gflops);
    print_peak("float multiply-adds", peaks.fma_gflops);
    printf(" read");
    struct ts_bench_level levels[TS_BENCH_MAX_LEVELS];
    size_t n = ts_bench_levels(levels, m);
    for (size_t i = 0; i < n; i++) {
        printf("%s %s %.0f", i > 0 ? "," : "", levels[i].name, levels[i].gb_per_s);
    }
    printf(" GB/s\n");
    ts_bench_print_wake(m);
    if (m->busy_w > 0.0) {
        printf("package power (RAPL): %.0f W, %.0f W idle\n\n", m->busy_w, m->idle_w);
    } else {
        printf("energy: unavailable\n\n");
    }
}

/* One options row per format, alike but for the format. */
static enum ts_status measure(struct ts_measurement *out, struct ts_arena *arena, const struct ts_bench_options *shared,
                              const char *const *quants, size_t n, struct ts_diags *diags)
{
    struct ts_bench_options each[TS_BENCH_MAX_FORMATS];
    for (size_t i = 0; i < n; i++) {
        each[i] = *shared;
        each[i].quant = quants[i];
    }
    return ts_bench_run_formats(out, arena, each, n, diags);
}

static enum ts_status tabulate(struct ts_table *table, const struct ts_measurement *m, size_t n, const char *isa,
                               struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < n; i++) {
        double error_frac = 0.0;
        status = ts_bench_error(&error_frac, m[i].quant, isa, m[i].shapes->cols, diags);
        if (status == TS_OK) {
            add_rows(table, &m[i], error_frac);
        }
    }
    return status;
}

struct request {
    struct ts_matmul_shape shape;
    const char *quants[TS_BENCH_MAX_FORMATS];
    size_t n_quants;
    uint32_t n_tok[TS_BENCH_MAX_LIST];
    size_t n_n_tok;
};

static enum ts_status parse(struct request *out, struct ts_arena *arena, const struct matmul_args *args,
                            struct ts_diags *diags)
{
    enum ts_status status = parse_shape(&out->shape, args->shape, diags);
    if (status == TS_OK) {
        status = split_quants(out->quants, &out->n_quants, arena, args->quant, diags);
    }
    if (status == TS_OK) {
        status = ts_bench_parse_n_tok(out->n_tok, &out->n_n_tok, args->n_tok, diags);
    }
    return status;
}

static enum ts_status show(const struct ts_measurement *m, size_t n, const struct matmul_args *args,
                           enum ts_table_format format, const struct ts_progress *progress, struct ts_diags *diags)
{
    struct ts_table *table = new_table();
    enum ts_status status = tabulate(table, m, n, args->common.isa, diags);
    if (status == TS_OK && args->out) {
        status = ts_bench_roofline(args->out, m, n, progress, diags);
    }
    if (status != TS_OK) {
        ts_table_destroy(table);
        return status;
    }
    if (format == TS_TABLE_TEXT) {
        print_head(m, n);
    }
    status = ts_print_table(table, format);
    if (status == TS_OK && args->out && format == TS_TABLE_TEXT) {
        printf("written: %s\n", args->out);
    }
    ts_bench_warn_if_noisy(m, n, diags);
    return status;
}

static enum ts_status matmul(struct ts_arena *arena, const struct matmul_args *args, enum ts_table_format format,
                             struct ts_diags *diags)
{
    struct request request;
    struct ts_measurement measurements[TS_BENCH_MAX_FORMATS];
    enum ts_status status = parse(&request, arena, args, diags);
    if (status != TS_OK) {
        return status;
    }
    struct ts_progress_line line = {.quiet = args->common.quiet};
    const struct ts_bench_options how = {
        .model = "matmul",
        .isa = args->common.isa,
        .n_threads = args->common.threads,
        .shapes = &request.shape,
        .n_shapes = 1,
        .n_tok = request.n_tok,
        .n_n_tok = request.n_n_tok,
        .budget_s = ts_bench_budget_s(&args->common, QUICK_BUDGET_S, FULL_BUDGET_S),
        .bind = args->affinity,
        .progress = ts_progress_line_of(&line),
    };
    ts_interrupt_arm_with_limit();
    status = measure(measurements, arena, &how, request.quants, request.n_quants, diags);
    ts_progress_line_end(&line);
    return status == TS_OK ? show(measurements, request.n_quants, args, format, &how.progress, diags) : status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct matmul_args *args = untyped;
    enum ts_table_format format;
    enum ts_status status = ts_print_format(&format, args->format, diags);
    return status == TS_OK ? matmul(arena, args, format, diags) : status;
}

const struct ts_command ts_command_bench_matmul = {
    .name = "bench matmul",
    .summary = "Measure one matrix product in several weight formats against what this machine can do at best",
    .examples = "  tiersim bench matmul --quick\n"
                "  tiersim bench matmul --shape 4096x14336 --quant Q4_0,Q8_0 --n 1,8,512 -o roofline\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
