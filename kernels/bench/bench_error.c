/* Hides the data that a format's error is measured on. */
#include "kernels/bench/bench_error.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "kernels/cpu.h"
#include "kernels/matmul.h"

enum { ROWS = 64, TOK = 16, MAX_COLS = 65536, SEED = 7 };

struct sample {
    float *weights; /* [ROWS][cols] */
    float *x;       /* [TOK][cols] */
    float *y;       /* [TOK][ROWS] */
    uint8_t *blocks;
};

static float *normals(size_t n, uint32_t purpose)
{
    float *values = malloc(n * sizeof *values);
    struct ts_rng rng;
    ts_rng_init(&rng, SEED, 0, 0, purpose);
    for (size_t i = 0; values && i < n; i++) {
        values[i] = (float)ts_rng_normal(&rng);
    }
    return values;
}

static void free_sample(struct sample *sample)
{
    free(sample->weights);
    free(sample->x);
    free(sample->y);
    free(sample->blocks);
}

static enum ts_status make_sample(struct sample *out, const struct ts_quant_format *format, uint32_t cols)
{
    *out = (struct sample){.weights = normals((size_t)ROWS * cols, 0),
                           .x = normals((size_t)TOK * cols, 1),
                           .y = calloc((size_t)TOK * ROWS, sizeof *out->y),
                           .blocks = malloc(ROWS * ts_quant_row_bytes(format, cols))};
    if (!out->weights || !out->x || !out->y || !out->blocks) {
        free_sample(out);
        return TS_ENOMEM;
    }
    format->quantize(out->blocks, out->weights, (size_t)ROWS * cols);
    return TS_OK;
}

static enum ts_status multiply(struct sample *sample, const struct ts_kernel *kernel, enum ts_quant quant,
                               uint32_t cols)
{
    struct ts_pool *pool = NULL;
    struct ts_matmul_space *space = NULL;
    struct ts_matrix matrix;
    enum ts_status status = ts_pool_create(&pool, 1);
    if (status == TS_OK) {
        status = ts_matmul_space_create(&space, pool, TOK, cols);
    }
    if (status == TS_OK) {
        status = ts_matrix_create(&matrix, kernel, quant, sample->blocks, ROWS, cols);
    }
    if (status == TS_OK) {
        ts_matmul(space, sample->y, ROWS, &matrix, sample->x, cols, TOK);
        ts_matrix_deinit(&matrix);
    }
    ts_matmul_space_destroy(space);
    ts_pool_destroy(pool);
    return status;
}

static double compare(const struct sample *sample, uint32_t cols)
{
    double squared = 0.0;
    double total = 0.0;
    for (size_t tok = 0; tok < TOK; tok++) {
        for (size_t row = 0; row < ROWS; row++) {
            double exact = 0.0;
            for (size_t c = 0; c < cols; c++) {
                exact += (double)sample->weights[row * cols + c] * (double)sample->x[tok * cols + c];
            }
            double off = (double)sample->y[tok * ROWS + row] - exact;
            squared += off * off;
            total += exact * exact;
        }
    }
    return sqrt(squared / total);
}

enum ts_status ts_bench_error(double *out, const char *quant, const char *isa, uint32_t cols, struct ts_diags *diags)
{
    const struct ts_quant_format *format = ts_quant_find(quant);
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    const char *why = "";
    const struct ts_kernel *kernel = format ? ts_kernel_select(cpu.features, format->id, isa, &why) : NULL;
    if (!kernel) {
        return ts_fail(diags, TS_EUNSUPPORTED, ts_span_none(), NULL, "no kernel for %s here: %s", quant,
                       format ? why : "unknown format");
    }
    const uint32_t multiple = format->block_cols > TS_ACT_COLS ? format->block_cols : TS_ACT_COLS;
    if (cols == 0 || cols > MAX_COLS || cols % multiple != 0) {
        return ts_fail(diags, TS_ERANGE, ts_span_none(), NULL,
                       "%s needs columns in multiples of %u, at most %d, not %u", format->name, multiple, MAX_COLS,
                       cols);
    }
    struct sample sample;
    enum ts_status status = make_sample(&sample, format, cols);
    if (status != TS_OK) {
        return status;
    }
    status = multiply(&sample, kernel, format->id, cols);
    if (status == TS_OK) {
        *out = compare(&sample, cols);
    }
    free_sample(&sample);
    return status;
}
