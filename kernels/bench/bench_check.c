/* Hides what the benchmark refuses and what it says then. */
#include "kernels/bench/bench_run.h"

enum ts_status ts_bench_fail_no_memory(const struct ts_bench *bench)
{
    return ts_fail(bench->diags, TS_ENOMEM, ts_span_none(), "close other programs, or measure a smaller model",
                   "not enough memory for the benchmark's matrices");
}

static enum ts_status check_lists(const struct ts_bench *bench)
{
    const struct ts_bench_options *options = bench->options;
    struct ts_span nowhere = ts_span_none();
    if (!(options->budget_s > 0.0 && options->budget_s <= 86400.0)) {
        return ts_fail(bench->diags, TS_ERANGE, nowhere, NULL,
                       "the time to measure must lie between 0 and 86400 seconds");
    }
    if (options->n_shapes == 0 || options->n_n_tok == 0) {
        return ts_fail(bench->diags, TS_ERANGE, nowhere, NULL,
                       "there is nothing to measure: no shape or no token count");
    }
    for (size_t i = 0; i < options->n_n_tok; i++) {
        if (options->n_tok[i] == 0 || options->n_tok[i] > TS_BENCH_MAX_N_TOK ||
            (i > 0 && options->n_tok[i] <= options->n_tok[i - 1])) {
            return ts_fail(bench->diags, TS_ERANGE, nowhere, "write for example 1,8,64,512",
                           "token counts must increase and lie between 1 and %d", (int)TS_BENCH_MAX_N_TOK);
        }
    }
    const uint32_t multiple = bench->quant->block_cols > TS_ACT_COLS ? bench->quant->block_cols : TS_ACT_COLS;
    for (size_t i = 0; i < options->n_shapes; i++) {
        const struct ts_matmul_shape *shape = &options->shapes[i];
        if (shape->rows == 0 || shape->cols == 0 || shape->count == 0 || shape->cols % multiple != 0) {
            return ts_fail(bench->diags, TS_ERANGE, nowhere, NULL,
                           "%s cannot hold matrix '%s' of %lu x %lu: columns must be a multiple of %lu",
                           bench->quant->name, shape->name, (unsigned long)shape->rows, (unsigned long)shape->cols,
                           (unsigned long)multiple);
        }
    }
    return TS_OK;
}

static enum ts_status choose_quant(struct ts_bench *bench)
{
    const char *name = bench->options->quant;
    bench->quant = ts_quant_find(name);
    if (bench->quant) {
        return TS_OK;
    }
    const char *hint = "";
    for (int i = 0; i < TS_QUANT_COUNT && hint; i++) {
        hint = ts_arena_printf(bench->arena, "%s%s%s", hint,
                               i > 0 ? ", " : "formats: ", ts_quant_format((enum ts_quant)i)->name);
    }
    return ts_fail(bench->diags, TS_EUNSUPPORTED, ts_span_none(), hint, "unknown weight format '%s'", name);
}

static enum ts_status choose_kernel(struct ts_bench *bench, uint32_t features)
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
    return ts_fail(bench->diags, TS_EUNSUPPORTED, ts_span_none(), hint && hint[0] ? hint : NULL,
                   "kernel variant '%s' cannot be used for %s: %s", bench->options->isa ? bench->options->isa : "any",
                   bench->quant->name, why);
}

enum ts_status ts_bench_check(struct ts_bench *bench, uint32_t features)
{
    enum ts_status status = choose_quant(bench);
    if (status == TS_OK) {
        status = choose_kernel(bench, features);
    }
    return status == TS_OK ? check_lists(bench) : status;
}
