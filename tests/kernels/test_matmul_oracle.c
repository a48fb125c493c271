/* The product against float64, and against OpenBLAS on the same weights. */
#include "kernels_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/bench/blas.h"
#include "kernels/cpu.h"
#include "kernels/matmul.h"

enum { ROWS = 100, COLS = 1024, TOK = 9 };

struct data {
    float weights[ROWS * COLS], x[TOK * COLS], y[TOK * ROWS], blas[TOK * ROWS];
    double exact[TOK * ROWS];
    uint8_t blocks[ROWS * COLS * 4];
};

static void fill(struct data *d)
{
    uint64_t seed = 21;
    for (int i = 0; i < ROWS * COLS; i++) {
        d->weights[i] = next_normal(&seed) * 0.03F;
    }
    for (int i = 0; i < TOK * COLS; i++) {
        d->x[i] = next_normal(&seed);
    }
}

static void multiply_exactly(struct data *d)
{
    for (int t = 0; t < TOK; t++) {
        for (int r = 0; r < ROWS; r++) {
            double sum = 0.0;
            for (int k = 0; k < COLS; k++) {
                sum += (double)d->weights[r * COLS + k] * (double)d->x[t * COLS + k];
            }
            d->exact[t * ROWS + r] = sum;
        }
    }
}

/* Root of the sum of squared differences over that of the squares. */
static double relative_error(const float *y, const double *exact)
{
    double squared = 0.0, total = 0.0;
    for (int i = 0; i < TOK * ROWS; i++) {
        squared += pow((double)y[i] - exact[i], 2);
        total += pow(exact[i], 2);
    }
    return sqrt(squared / total);
}

/* y from the blocks; its relative error. */
static double error_of(struct data *d, const struct ts_kernel *kernel, enum ts_quant quant)
{
    struct ts_pool *pool;
    struct ts_matmul_space *space;
    struct ts_matrix matrix;
    assert_int_equal(ts_pool_create(&pool, 1), TS_OK);
    assert_int_equal(ts_matmul_space_create(&space, pool, TOK, COLS), TS_OK);
    assert_int_equal(ts_matrix_create(&matrix, kernel, quant, d->blocks, ROWS, COLS), TS_OK);
    ts_matmul(space, d->y, ROWS, &matrix, d->x, COLS, TOK);
    ts_matrix_deinit(&matrix);
    ts_matmul_space_destroy(space);
    ts_pool_destroy(pool);
    return relative_error(d->y, d->exact);
}

static void test_matmul_oracle__errors_against_float64_are_those_of_the_formats(void **state)
{
    (void)state;
    static const double bounds[TS_QUANT_COUNT][2] = {
        [TS_QUANT_Q4_0] = {0.05, 0.10},  [TS_QUANT_Q8_0] = {0.004, 0.0085}, [TS_QUANT_Q4_K] = {0.04, 0.08},
        [TS_QUANT_Q6_K] = {0.01, 0.022}, [TS_QUANT_F16] = {1e-4, 3e-4},     [TS_QUANT_BF16] = {0.0012, 0.0028}};
    struct data *d = malloc(sizeof *d);
    struct ts_cpu cpu;
    assert_non_null(d);
    ts_cpu_detect(&cpu);
    fill(d);
    multiply_exactly(d);
    for (size_t k = 0; k < ts_kernel_count(); k++) {
        const struct ts_kernel *kernel = ts_kernel_at(k);
        for (size_t i = 0; (kernel->needs & ~cpu.features) == 0 && i < kernel->n_formats; i++) {
            ts_quant_format(kernel->formats[i].quant)->quantize(d->blocks, d->weights, ROWS * COLS);
            double error = error_of(d, kernel, kernel->formats[i].quant);
            print_message("%s %s: relative error %.5f\n", kernel->name, ts_quant_format(kernel->formats[i].quant)->name,
                          error);
            assert_true(error > bounds[kernel->formats[i].quant][0] && error < bounds[kernel->formats[i].quant][1]);
        }
    }
    free(d);
}

/* On weights that the format holds exactly, only the activations' rounding is left: below 0.6 %. */
static void test_matmul_oracle__agrees_with_openblas_on_the_same_weights(void **state)
{
    (void)state;
    struct data *d = malloc(sizeof *d);
    struct ts_cpu cpu;
    assert_non_null(d);
    ts_cpu_detect(&cpu);
    for (int q = 0; q < TS_QUANT_COUNT; q++) {
        const struct ts_quant_format *format = ts_quant_format((enum ts_quant)q);
        fill(d);
        format->quantize(d->blocks, d->weights, ROWS * COLS);
        format->dequantize(d->weights, d->blocks, ROWS * COLS);
        multiply_exactly(d);
        ts_blas_matmul(d->blas, d->weights, d->x, ROWS, COLS, TOK);
        assert_true(relative_error(d->blas, d->exact) < 1e-5);
        for (size_t k = 0; k < ts_kernel_count(); k++) {
            const struct ts_kernel *kernel = ts_kernel_at(k);
            if ((kernel->needs & ~cpu.features) == 0 && ts_kernel_format(kernel, format->id)) {
                (void)error_of(d, kernel, format->id);
                for (int i = 0; i < TOK * ROWS; i++) {
                    d->exact[i] = (double)d->blas[i];
                }
                assert_true(relative_error(d->y, d->exact) < 0.008);
            }
        }
    }
    free(d);
}

static void test_matmul_oracle__openblas_takes_one_token_too(void **state)
{
    (void)state;
    struct data *d = malloc(sizeof *d);
    assert_non_null(d);
    fill(d);
    uint32_t before = ts_blas_set_threads(1);
    ts_blas_matmul(d->blas, d->weights, d->x, ROWS, COLS, TOK);
    ts_blas_matmul(d->y, d->weights, d->x, ROWS, COLS, 1);
    for (int r = 0; r < ROWS; r++) {
        assert_true(fabsf(d->y[r] - d->blas[r]) < 1e-4F);
    }
    assert_int_equal(ts_blas_set_threads(before), 1);
    char name[128];
    assert_true(ts_blas_name(name, sizeof name) < sizeof name);
    assert_int_equal(strncmp(name, "OpenBLAS ", 9), 0);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul_oracle__errors_against_float64_are_those_of_the_formats),
        cmocka_unit_test(test_matmul_oracle__agrees_with_openblas_on_the_same_weights),
        cmocka_unit_test(test_matmul_oracle__openblas_takes_one_token_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
