/* tiersim bench matmul: one matrix product in several formats at several token counts, held against what this machine
 * can do at best. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/bench_common.h"
#include "app/interrupt.h"
#include "kernels/bench_error.h"

enum { MAX_QUANTS = 8, COPIES = 16, MAX_SIDE = 65536 };

#define QUICK_BUDGET_S 20.0
#define FULL_BUDGET_S 60.0

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
        if (n == MAX_QUANTS || len == 0) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), "for example --quant Q4_0,Q8_0",
                           "--quant takes up to %d formats, not '%s'", MAX_QUANTS, list);
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
    static const char *const headers[] = {"quant",     "tokens",       "us median",   "us p90", "GOPS",
                                          "of peak %", "weights GB/s", "of memory %", "error %"};
    struct ts_table *table = ts_table_create("One matrix product (measured)");
    for (size_t i = 0; table && i < sizeof headers / sizeof headers[0]; i++) {
        ts_table_column(table, headers[i], i > 0);
    }
    return table;
}

static double share_of(double value, double best)
{
    return best > 0.0 ? 100.0 * value / best : (double)NAN;
}

static void add_rows(struct ts_table *table, const struct ts_measurement *m, double error_frac)
{
    double weight_bytes = (double)m->weight_bytes / COPIES;
    double memory_gb_per_s = 1e-9 * ts_measurement_memory_bytes_per_s(m);
    for (size_t i = 0; i < m->n_matmuls; i++) {
        const struct ts_matmul_sample *sample = &m->matmuls[i];
        double gb_per_s = 1e-9 * weight_bytes / sample->seconds.median;
        ts_table_row(table);
        ts_table_put(table, m->quant);
        ts_table_putf(table, "%u", sample->n_tok);
        ts_table_num(table, 1e6 * sample->seconds.median, 4);
        ts_table_num(table, 1e6 * sample->seconds.p90, 4);
        ts_table_num(table, sample->gops, 4);
        ts_table_num(table, share_of(sample->gops, ts_measurement_peak_gops(m)), 3);
        ts_table_num(table, gb_per_s, 3);
        ts_table_num(table, share_of(gb_per_s, memory_gb_per_s), 3);
        ts_table_num(table, 100.0 * error_frac, 3);
    }
}

/* Only what the kernel has. */
static void print_peak(const char *what, double gops)
{
    if (gops > 0.0) {
        printf(" %s %.0f GOPS,", what, gops);
    }
}

static void print_head(const struct ts_measurement *m, const struct ts_matmul_shape *shape)
{
    printf("%s, kernel %s, %u thread%s, %u x %u weights, %d copies used in turn\n", m->host.cpu, m->kernel,
           m->n_threads, m->n_threads == 1 ? "" : "s", shape->rows, shape->cols, COPIES);
    printf("at best, measured beside it:");
    print_peak("int8 dot products", m->peak_dot_gops);
    print_peak("BF16 dot products", m->peak_bf16_gflops);
    print_peak("float multiply-adds", m->peak_fma_gflops);
    printf(" memory read %.1f GB/s\n\n", 1e-9 * ts_measurement_memory_bytes_per_s(m));
}

static enum ts_status measure(struct ts_table *table, struct ts_arena *arena, const struct ts_args *args,
                              const char *quant, const struct ts_bench_options *shared, bool head,
                              struct ts_diags *diags)
{
    struct ts_measurement measurement;
    struct ts_bench_options options = *shared;
    double error_frac = 0.0;
    options.quant = quant;
    enum ts_status status = ts_bench_run(&measurement, arena, &options, diags);
    ts_bench_progress_end(args);
    if (status == TS_OK) {
        status = ts_bench_error(&error_frac, quant, args->isa, shared->shapes[0].cols, diags);
    }
    if (status == TS_OK) {
        if (head) {
            print_head(&measurement, shared->shapes);
        }
        add_rows(table, &measurement, error_frac);
    }
    return status;
}

static enum ts_status matmul(struct ts_arena *arena, const struct ts_args *args, enum ts_table_format format,
                             struct ts_diags *diags)
{
    struct ts_matmul_shape shape;
    const char *quants[MAX_QUANTS];
    size_t n_quants = 0;
    uint32_t n_tok[TS_BENCH_ARGS_MAX_N_TOK];
    size_t n_n_tok = 0;
    enum ts_status status = parse_shape(&shape, args->shape ? args->shape : "4096x14336", diags);
    if (status == TS_OK) {
        status = split_quants(quants, &n_quants, arena, args->quant ? args->quant : "Q4_0,Q8_0", diags);
    }
    if (status == TS_OK) {
        status = ts_bench_parse_n_tok(n_tok, &n_n_tok, args->n_tok ? args->n_tok : "1,8,32,512", diags);
    }
    struct ts_table *table = status == TS_OK ? new_table() : NULL;
    if (!table) {
        return status == TS_OK ? TS_ENOMEM : status;
    }
    struct ts_bench_options options = {
        .model = "matmul",
        .isa = args->isa,
        .n_threads = (uint32_t)args->threads,
        .shapes = &shape,
        .n_shapes = 1,
        .n_tok = n_tok,
        .n_n_tok = n_n_tok,
        .budget_s = (args->quick ? QUICK_BUDGET_S : FULL_BUDGET_S) / (double)n_quants,
        .progress = ts_bench_progress_of(args),
    };
    ts_interrupt_arm();
    for (size_t i = 0; status == TS_OK && i < n_quants; i++) {
        status = measure(table, arena, args, quants[i], &options, i == 0 && format == TS_TABLE_TEXT, diags);
    }
    if (status != TS_OK) {
        ts_table_destroy(table);
        return status;
    }
    return ts_bench_print_table(table, format);
}

enum ts_status ts_bench_matmul(const struct ts_args *args, enum ts_table_format format, struct ts_diags *diags)
{
    struct ts_arena arena;
    ts_arena_init(&arena);
    enum ts_status status = matmul(&arena, args, format, diags);
    ts_arena_deinit(&arena);
    return status;
}
